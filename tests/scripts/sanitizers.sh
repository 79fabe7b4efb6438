#!/usr/bin/env bash
# Builds a sanitizer's preset in a folder of its own and runs the tests in C there, with fewer random cases.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
preset=$1
cd "$TALLOW_SOURCE"
quietly cmake --preset "$preset" -B "$TALLOW_WORK/build" -DCMAKE_C_COMPILER="$TALLOW_CC"
quietly cmake --build "$TALLOW_WORK/build"
# Threads are looked at where there are several: the reader has one. Planted faults and budgets, which try everything
# again and again, would take minutes, and so would streams on the software driver, whose lanes are fibres.
slow=none
[[ $preset != tsan ]] || slow='^csv|^input$|^plain$|^math$|faults_|budget_|^(stop|stream)_software_cuda$'
TALLOW_TEST_CASES=100 ctest --test-dir "$TALLOW_WORK/build" -L 'unit|parity' -E "$slow" --output-on-failure \
  --no-label-summary -j"$(nproc)"
