#!/usr/bin/env bash
# Builds a sanitizer's preset in a folder of its own and runs the tests in C there, with fewer random cases.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
preset=$1
cd "$TALLOW_SOURCE"
quietly cmake --preset "$preset" -B "$TALLOW_WORK/build" -DCMAKE_C_COMPILER="$TALLOW_CC"
quietly cmake --build "$TALLOW_WORK/build"
# Threads are looked at where there are several; planted faults and the software driver's budgets would take minutes.
slow=none
[[ $preset != tsan ]] || slow='^csv_(policy|dialect|hostile)$|^input$|^plain$|^math$|faults_|budget_software_cuda'
TALLOW_TEST_CASES=100 ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -E "$slow" --output-on-failure \
  --no-label-summary -j"$(nproc)"
