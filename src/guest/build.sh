#!/usr/bin/env bash
# Builds a guest, an ELF image for multiboot loaders: build.sh [PROGRAM.c [IMAGE]], by default guest.c, and the image beside
# the program. Needs a gcc that knows -m32, and no libraries. The image says of which sources it was built, and by which
# compiler.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
program=$(realpath "${1:-$here/guest.c}")
image=$(realpath -m "${2:-${program%.c}.elf}")
cd "$here"

sources=(boot.S "$program" runtime.c runtime.h link.ld build.sh)
stamp="sources $(cat "${sources[@]}" | sha256sum | cut -c1-64), $(gcc --version | head -n 1)"
gcc -m32 -march=i686 -mregparm=3 -mgeneral-regs-only -mpreferred-stack-boundary=2 -Os -std=gnu11 -ffreestanding -fno-pic \
  -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -Wall -Wextra -Werror -nostdlib -static -I. \
  -Wl,--build-id=none,-T,link.ld,-n,--gc-sections,--no-warn-rwx-segments -s \
  -DSTAMP="\"$stamp\"" -o "$image" boot.S "$program" runtime.c
