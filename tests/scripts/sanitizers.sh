#!/usr/bin/env bash
# Builds a sanitizer's preset in a folder of its own and runs the tests in C there, with fewer random cases.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
preset=$1
cd "$TALLOW_SOURCE"
quietly cmake --preset "$preset" -B "$TALLOW_WORK/build" -DCMAKE_C_COMPILER="$TALLOW_CC"
quietly cmake --build "$TALLOW_WORK/build"
# What takes minutes is left out; the thread sanitizer looks where there are several threads, and not at exact budgets,
# for which its timing is too unlike a machine's.
slow='budget_software_cuda|faults_opencl'
[[ $preset != tsan ]] || slow+='|^csv|^input$|^plain$|^math$|faults|budget'
TALLOW_TEST_CASES=100 ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -E "$slow" --output-on-failure \
  --no-label-summary -j"$(nproc)"
