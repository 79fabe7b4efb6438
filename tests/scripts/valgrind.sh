#!/usr/bin/env bash
# The CPU path, the CSV reader and the PNG writer under valgrind. It has no AVX-512, so the CPU tiers are those below.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need valgrind
export TALLOW_VALGRIND=1 TALLOW_TEST_CASES=15

check() { valgrind --quiet --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite,possible "$@"; }

check "$TALLOW_BUILD/tests/test_parity" cpu
check "$TALLOW_BUILD/tests/test_csv"
check "$TALLOW_BUILD/tests/test_png"
