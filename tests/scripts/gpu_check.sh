#!/usr/bin/env bash
# tools/gpu-check, which is for machines with a GPU, goes through on the software driver.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

gpu_check=(bash "$TALLOW_SOURCE/tools/gpu-check")
rm -rf out out.tar.gz
# Left out are other tests, and what takes long on this driver.
options=(--software --build "$TALLOW_BUILD" --archive out.tar.gz --cases 20 --seconds 0.01 --limit 1500)
for step in cli stop gpu window_gpu images_gpu budget reset faults gpu_files bars_gpu jkx images images_charts \
  bench-files; do
  options+=(--skip "$step")
done
"${gpu_check[@]}" "${options[@]}" out ||
  fail "a step failed: $(tail -n 40 "$(sed -n 's/.*FAILED.*: \(.*\.txt\)$/out\/\1/p' out/summary.txt | head -n 1)")"
for step in build devices same-file parity stream buffer soak bench-render bench-stream bench-window \
  bench-bars bench-images; do
  grep -qE "^$step +passed" out/summary.txt || fail "the summary has no $step that passed: $(<out/summary.txt)"
done
for step in faults memcheck memcheck-gpu gpu-opencl; do
  grep -qE "^$step +skipped" out/summary.txt || fail "the summary does not say that $step was skipped"
done
grep -q '^commit: ' out/summary.txt || fail "the summary names no commit"
says "$(<out/devices.txt)" "Software CUDA device"
says "$(<out/bench-render.txt)" "render/96p/50/batch:1024"
says "$(<out/bench-images.txt)" "images/jkx/5/u8/left"
grep -q "other output" out/bench-*.txt && fail "a backend has other output: $(grep "other output" out/bench-*.txt)"
says "$(<out/parity.txt)" "cases on Software CUDA device"
tar -xzOf out.tar.gz ./summary.txt | cmp - out/summary.txt || fail "the archive is another"

# A step that fails, and one that takes too long, are told; nothing else is taken, and the archive comes all the same.
rm -rf out out.tar.gz
fails_with 1 "FAILED" env SOFTCUDA=init=999 "${gpu_check[@]}" "${options[@]}" --only parity out
grep -qE '^parity +FAILED' out/summary.txt || fail "a failure is not told: $(<out/summary.txt)"
grep -qE '^(devices|gpu) ' out/summary.txt && fail "--only takes more"
[[ -s out.tar.gz ]] || fail "a failure leaves no archive"
fails_with 1 "exit code 124" "${gpu_check[@]}" "${options[@]}" --only stream --cases 3000 --limit 0.01 out
fails_with 64 "no step 'nothing'" "${gpu_check[@]}" --only nothing out
fails_with 64 "usage:" "${gpu_check[@]}" --skip
