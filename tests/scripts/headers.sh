#!/usr/bin/env bash
# Each public header compiles alone, and twice, as C11 and as C++11, with gcc and with clang.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need gcc g++ clang clang++

count=0
check() {
  "$@" -pedantic-errors -Wall -Wextra -Werror -Wundef -fsyntax-only -I "$TALLOW_SOURCE/include" ||
    fail "$header does not compile alone: $*"
  count=$((count + 1))
}

for path in "$TALLOW_SOURCE"/include/tallow/*.h; do
  header=${path##*/}
  printf '#include <tallow/%s>\n#include <tallow/%s>\ntypedef int not_empty;\n' "$header" "$header" >one.c
  for compiler in gcc clang; do check "$compiler" -std=c11 -Wstrict-prototypes -x c one.c; done
  for compiler in g++ clang++; do check "$compiler" -std=c++11 -Wold-style-cast -x c++ one.c; done
done
((count >= 4 * 7)) || fail "only $count compilations: are the headers gone?"
echo "$count compilations of public headers"
