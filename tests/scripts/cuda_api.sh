#!/usr/bin/env bash
# Holds host/gpu/cuda_api.h against the toolkit's cuda.h.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need g++
[[ $TALLOW_NVCC && -x $TALLOW_NVCC ]] || skip "nvcc was not found, and so no cuda.h"
toolkit=$(dirname "$(dirname "$(realpath "$TALLOW_NVCC")")")
for include in "$toolkit/include" "$toolkit"/targets/*/include; do
  [[ -f $include/cuda.h ]] && break
done
[[ -f $include/cuda.h ]] || skip "$toolkit has no cuda.h"
check() { g++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror -isystem "$include" -I "$TALLOW_SOURCE" "$@"; }
check "$TALLOW_SOURCE/tests/scripts/cuda_api.cpp" || fail "host/gpu/cuda_api.h is not what $include/cuda.h says"
echo "host/gpu/cuda_api.h agrees with $include/cuda.h"
