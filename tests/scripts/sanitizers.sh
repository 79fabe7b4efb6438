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
  -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG" -DTALLOW_NVCC=OFF \
  -DTALLOW_POCL_CACHE="$POCL_CACHE_DIR"
# names LIST...: matches these names, which may be patterns. ctest takes a few groups, and without a word none at all of
# an expression that has more.
names() {
  local IFS='|'
  echo "^($*)\$"
}

# build EXCLUDED: what the tests of the labels unit and parity run but for those by that name.
build() {
  local programs
  programs=$(ctest --test-dir "$TALLOW_WORK/build" -N -V -L 'unit|parity' -E "$1" | grep 'Test command' |
    grep -o "$TALLOW_WORK/build/tests/[a-z0-9_/]*" | sed 's:.*/::' | sort -u)
  # shellcheck disable=SC2086 # words
  quietly cmake --build "$TALLOW_WORK/build" --target softcuda $programs
}

# run CASES REGEX EXCLUDED: the tests of the labels unit and parity by that name.
run() {
  TALLOW_TEST_CASES=$1 ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -R "$2" -E "$3" --output-on-failure \
    --no-label-summary -j"$jobs"
}

# Planted faults and budgets, which try everything again and again, would take minutes under tsan. Streams on the
# software driver, whose lanes are fibres, would under both; budgets there, and faults of PoCL, say no more than those
# of the others. Faults of timed work are those of the same work that is not, and some more.
slow=({stop,stream,budget}_software_cuda faults_{opencl,software_cuda})
if [[ $preset == asan ]]; then
  build "$(names "${slow[@]}")"
  run 50 . "$(names "${slow[@]}")"
  exit
fi

# Threads are looked at where there are several. These have one: the reader, text, times, the oracle, a painter, the
# tiers, states of windows and bars, the pool, a device's backend alone, the encoder of PNG, files of data sets, what
# samples of benchmarks mean, the software driver itself; and what measures times, which mean nothing here.
slow+=('csv.*' input plain math numbers_read cli_text cli_spec synth time ticks time_ticks labels zone oracle paint)
slow+=(png png_fast png_encoder bars_{checkpoint,clock,ops,state,text} columns dataset_files images_ops io_faults)
slow+=(trades trades_plain window_state window_parity_state softcuda choice bench_{nvml,statistics,table})
slow+=(tune font pool window_accuracy cli_progress gpu_{opencl,software_cuda,software_unified})
# Lanes of kernels that race show on the software driver, for those of PoCL are not looked at: each kernel runs there
# in the tests of parity, of files, of windows, and in the other of the two on bars and on images. What else there is
# to see of OpenCL, calls from several threads, is in the tests of streams, buffers and resets.
slow+=({bars,bars_gpu,gpu_files,images,images_charts,jkx,log_scale,parity,tensor,window_gpu,window_parity}_opencl)
slow+=({bars,images,images_charts,jkx,log_scale,tensor}_software_cuda images_gpu_{opencl,software_unified})
slow+=('faults_.*' 'budget_.*' auto_budget_software_cuda)
# A race shows in a few cases as in many, but for those that depend on how threads meet.
build "$(names "${slow[@]}")"
meeting=({stream,stop,reset,buffer}_{cpu,opencl})
run 20 "$(names "${meeting[@]}")" "$(names "${slow[@]}")"
run 8 . "$(names "${slow[@]}" "${meeting[@]}")"
