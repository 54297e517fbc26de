#!/usr/bin/env bash
# Rebuilds executor.elf, and loops.elf of the benchmark. Needs gcc for x86.
set -euo pipefail
cd "$(dirname "$0")"
runtime=../../../src/guest
for program in executor ../../../bench/v86/loops; do
  gcc -m32 -ffreestanding -fno-pic -nostdlib -static -O2 -Wall -Wextra -fno-stack-protector \
    -fno-asynchronous-unwind-tables -mgeneral-regs-only "$program.c" "$runtime/runtime.c" "$runtime/boot.S" \
    -Wl,--build-id=none -Wl,-T,"$runtime/link.ld" -Wl,-n -Wl,-s -Wl,--no-warn-rwx-segments -Wl,-z,noexecstack \
    -o "$program.elf"
done
