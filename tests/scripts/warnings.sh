#!/usr/bin/env bash
# The whole tree compiles with clang, without a warning.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need clang
sub_build build -DCMAKE_C_COMPILER=clang "${quick[@]}" -DTALLOW_WERROR=ON -DTALLOW_CUDA_PTX_ONLY=ON
