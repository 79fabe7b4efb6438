#!/usr/bin/env bash
# Builds without a backend, one without nvcc, and both with the least SIMD tier alone: they build, say what they lack,
# and draw with what they have.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

options=(-DCMAKE_C_COMPILER="$TALLOW_CC" "${quick[@]}" -DTALLOW_TESTS=OFF -DTALLOW_TIERS=)
"$TALLOW_BIN" synth candles --rows 200 -o candles.csv
"$TALLOW_BIN" render candles.csv -o expected.png --backend cpu
draws() {
  "$tallow" render candles.csv -o got.png --backend "$1"
  cmp got.png expected.png
}

# Neither CUDA nor OpenCL.
sub_build off "${options[@]}" -DTALLOW_CUDA=OFF -DTALLOW_OPENCL=OFF
tallow=off/tools/tallow
devices=$("$tallow" devices)
[[ $(grep -c 'this build has no such backend' <<<"$devices") == 2 ]] || fail "tallow devices says: $devices"
for backend in cuda opencl; do
  fails_with 69 "this build has no such backend" "$tallow" render candles.csv -o got.png --backend "$backend"
done
draws auto

# Other tiers than the least.
if [[ $(uname -m) == x86_64 ]]; then
  says "$devices" "baseline, "
  for tier in avx2 avx512; do
    fails_with 69 "TALLOW_CPU_TIER asks for $tier, which this build leaves out: use baseline, or leave it unset" \
      env TALLOW_CPU_TIER="$tier" "$tallow" render candles.csv -o got.png --backend cpu
  done
fi

# CUDA without nvcc: there is the backend, but no kernels unless they are given by file.
sub_build no-nvcc "${options[@]}" -DTALLOW_CUDA=AUTO -DTALLOW_NVCC=OFF
tallow=no-nvcc/tools/tallow
export LD_LIBRARY_PATH=$TALLOW_SOFTCUDA
devices=$("$tallow" devices)
says "$devices" "this build has no CUDA kernels"
draws auto
fails_with 69 "this build has no CUDA kernels" "$tallow" render candles.csv -o got.png --backend cuda
echo 'tallow software image 1' >image
export TALLOW_CUDA_IMAGE=$PWD/image
draws cuda

# What is asked for and can't be had ends the configuration, with a reason.
refuses() {
  rm -rf refused
  fails_with 1 "$1" cmake -S "$TALLOW_SOURCE" -B refused -G "$TALLOW_GENERATOR" "${options[@]}" "${@:2}"
}
refuses "nvcc was not found" -DTALLOW_CUDA=ON -DTALLOW_NVCC=OFF
refuses "it must be AUTO, ON or OFF" -DTALLOW_CUDA=MAYBE
refuses "TALLOW_TIERS names 'sse9': it must be ALL, empty or a list of tiers" -DTALLOW_TIERS=sse9
