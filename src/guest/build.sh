#!/usr/bin/env bash
# Builds the guest, an ELF image for multiboot loaders. Needs a gcc that knows -m32, and no libraries. The image says
# of which sources it was built, and by which compiler.
set -euo pipefail
image=$(realpath -m "${1:-$(dirname "$0")/guest.elf}")
cd "$(dirname "$0")"

sources=(boot.S guest.c runtime.c runtime.h link.ld build.sh)
stamp="sources $(cat "${sources[@]}" | sha256sum | cut -c1-64), $(gcc --version | head -n 1)"
gcc -m32 -march=i686 -mregparm=3 -mgeneral-regs-only -mpreferred-stack-boundary=2 -Os -std=gnu11 -ffreestanding -fno-pic \
  -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -Wall -Wextra -Werror -nostdlib -static \
  -Wl,--build-id=none,-T,link.ld,-n,--gc-sections,--no-warn-rwx-segments -s \
  -DSTAMP="\"$stamp\"" -o "$image" boot.S guest.c runtime.c
