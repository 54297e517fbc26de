#!/bin/bash -eu
# Builds the fuzzer of the shipped wasm, from the repository's root: for OSS-Fuzz and ClusterFuzzLite, which set the
# variables, and for `npm run fuzz:native`, which sets them as well. Without them: this machine's clang, into build/fuzz.
#
#   OUT  core_fuzzer, its seed corpus, dictionary and options    WORK  what is generated and compiled on the way
#   CC, CFLAGS, CXX, CXXFLAGS, LIB_FUZZING_ENGINE                CORE_WASM  another wasm than dist/core.wasm

: "${OUT:=build/fuzz}" "${WORK:=build/fuzz/work}" "${CC:=clang}" "${CXX:=clang++}"
: "${CFLAGS=-O2 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize=fuzzer-no-link}"
: "${CXXFLAGS=-fsanitize=address,undefined}" "${LIB_FUZZING_ENGINE=-fsanitize=fuzzer}" "${CORE_WASM:=dist/core.wasm}"

mkdir -p "$OUT" "$WORK"
if [ ! -e "$CORE_WASM" ]; then
  [ -d node_modules ] || npm ci --ignore-scripts
  npm run build
fi

# The constants are those of assembly/: of literals, each on a line.
sed -nE 's/^export const ([A-Z0-9_]+) = (0x[0-9a-f]+|[0-9]+);$/#define \1 \2/p' assembly/layout.ts >"$WORK/layout.h"
wasm2c "$CORE_WASM" -n core -o "$WORK/core.c"
if ! grep -q Z_coreZ_read4 "$WORK/core.h"; then
  echo "wasm2c $(wasm2c --version) names exports otherwise: 1.0.32 is needed" >&2
  exit 2
fi

# Loads and stores check their bounds themselves. What compares pointers would be taken for something to put into inputs. Of
# the harness nothing is coverage: it reports the situations that it reaches.
CHECKED=-DWASM_RT_MEMCHECK_SIGNAL_HANDLER=0
NO_POINTERS=-fno-sanitize=alignment,null,object-size,pointer-overflow
objects=() compilers=()
for source in test/fuzz/native/*.c "$WORK/core.c"; do
  object="$WORK/$(basename "$source" .c).o"
  [ "$source" = "$WORK/core.c" ] && own=($NO_POINTERS) || own=(-fno-sanitize=fuzzer-no-link -Wall -Wextra)
  # shellcheck disable=SC2086
  $CC $CFLAGS -std=gnu11 "${own[@]}" $CHECKED -isystem "$WORK" -c "$source" -o "$object" &
  objects+=("$object") compilers+=($!)
done
for compiler in "${compilers[@]}"; do wait "$compiler"; done
# shellcheck disable=SC2086
$CXX $CXXFLAGS "${objects[@]}" $LIB_FUZZING_ENGINE -lm -o "$OUT/core_fuzzer"

cp test/fuzz/oss-fuzz/core_fuzzer.{dict,options} "$OUT/"
rm -f "$OUT/core_fuzzer_seed_corpus.zip"
zip -q -j "$OUT/core_fuzzer_seed_corpus.zip" test/fuzz/corpus/native/*
