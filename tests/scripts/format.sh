#!/usr/bin/env bash
# Every source is as clang-format leaves it. Versions differ in what they do, so it must be this one.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need clang-format-14
cd "$TALLOW_SOURCE"
mapfile -d '' -t files < <(find host include kernels tests tools bench -name '*.[ch]' -print0 -o -name '*.cpp' -print0)
((${#files[@]} > 80)) || fail "only ${#files[@]} files were found"
clang-format-14 --dry-run -Werror "${files[@]}" || fail "run clang-format-14 -i on the files named above"
echo "${#files[@]} files"
