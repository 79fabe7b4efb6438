#!/usr/bin/env bash
# Builds a sanitizer's preset in a folder of its own and runs the tests in C there, with fewer random cases.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
preset=$1
# Errors of memory depend on the width of vectors, and are looked for in the narrowest and the widest; those of
# threads do not. Optimised little, and without what only debuggers ask for, it is compiled in half the time.
tiers=''
[[ $preset != asan || $(uname -m) != x86_64 ]] || tiers=avx512
cd "$TALLOW_SOURCE"
quietly cmake --preset "$preset" -B "$TALLOW_WORK/build" -DCMAKE_C_COMPILER="$TALLOW_CC" -DTALLOW_TIERS="$tiers" \
  -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG" -DTALLOW_BENCH=OFF -DTALLOW_NVCC=OFF \
  -DTALLOW_POCL_CACHE="$POCL_CACHE_DIR"
quietly cmake --build "$TALLOW_WORK/build" --target test_programs
# Threads are looked at where there are several: the reader, text, times, the oracle, a painter, states of windows, the
# pool, a device's backend alone and the encoder of PNG have one. Lanes of kernels that race show in the tests of parity,
# of files and of windows on the software driver; what threads do in windows shows in those of parity, not of accuracy.
# A race shows in a few cases as in many.
# Planted faults and budgets, which try everything again and again, would take minutes there. Streams on the software
# driver, whose lanes are fibres, would in both; budgets there, and faults of PoCL, say no more than those of the others.
slow='^(stop|stream|budget)_software_cuda$|^faults_opencl$' cases=60
if [[ $preset == tsan ]]; then
  slow+='|^csv|^(input|plain|math|numbers_read|cli_text|synth|time|ticks|time_ticks|labels|zone|oracle|paint|png|png_fast|png_encoder)$'
  slow+='|^(bars_checkpoint|bars_clock|io_faults|trades|trades_plain|window_state|window_parity_state)$'
  slow+='|^(font|pool|window_accuracy|cli_progress|gpu_opencl|gpu_software_cuda|gpu_software_unified)$'
  slow+='|^(bars_gpu|gpu_files|window_gpu)_opencl$|^(images|images_charts|tensor)_software_cuda$'
  slow+='|^images_gpu_(opencl|software_unified)$'
  slow+='|faults_|budget_'
  cases=20
fi
TALLOW_TEST_CASES=$cases ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -E "$slow" --output-on-failure \
  --no-label-summary -j"$jobs"
