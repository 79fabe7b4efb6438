#!/usr/bin/env bash
# tools/gpu-check, which is for machines with a GPU, goes through on the software driver.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

rm -rf out
# Left out are another test, and what takes long on this driver.
bash "$TALLOW_SOURCE/tools/gpu-check" --software --build "$TALLOW_BUILD" --cases 50 --seconds 0.01 --skip cli \
  --skip bench-chart-cuda out ||
  fail "a step failed: $(tail -n 40 "$(sed -n 's/.*FAILED.*: \(.*\.txt\)$/out\/\1/p' out/summary.txt | head -n 1)")"
for step in build devices same-file parity bench-chart-cpu bench-render-cuda; do
  grep -qE "^$step +passed" out/summary.txt || fail "the summary has no $step that passed: $(<out/summary.txt)"
done
grep -q '^commit: ' out/summary.txt || fail "the summary names no commit"
says "$(<out/devices.txt)" "Software CUDA device"
says "$(<out/parity.txt)" "cases on Software CUDA device"
