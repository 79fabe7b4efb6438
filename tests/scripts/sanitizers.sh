#!/usr/bin/env bash
# Builds a sanitizer's preset in a folder of its own and runs the tests in C there, with fewer random cases.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
preset=$1
cd "$TALLOW_SOURCE"
quietly cmake --preset "$preset" -B "$TALLOW_WORK/build" -DCMAKE_C_COMPILER="$TALLOW_CC"
quietly cmake --build "$TALLOW_WORK/build"
# Budgets and planted faults of the software driver would take minutes; threads are looked at where there are several.
slow=budget_software_cuda
[[ $preset == tsan ]] && slow+='|^csv|^input$|^plain$|^math$|faults'
TALLOW_TEST_CASES=100 ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -E "$slow" --output-on-failure \
  --no-label-summary -j"$(nproc)"
