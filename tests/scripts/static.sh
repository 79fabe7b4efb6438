#!/usr/bin/env bash
# A static library, installed, and programs built against it, both ways.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need g++ pkg-config
# shellcheck source=tests/scripts/consume.sh
source "$(dirname "$0")/consume.sh"

prefix=$TALLOW_WORK/prefix
sub_build build -DCMAKE_C_COMPILER="$TALLOW_CC" "${quick[@]}" -DBUILD_SHARED_LIBS=OFF -DTALLOW_TOOLS=OFF -DTALLOW_TESTS=OFF \
  -DTALLOW_CUDA_PTX_ONLY=ON -DTALLOW_TIERS=
rm -rf "$prefix"
quietly cmake --install build --prefix "$prefix"
[[ $(find "$prefix" -name 'libtallow*') == *libtallow.a ]] || fail "it installed $(find "$prefix" -name 'libtallow*')"
consume_by_cmake "$prefix" "$TALLOW_WORK/by-cmake"
consume_by_pkg_config "$prefix" "$TALLOW_WORK/by-pkg-config" --static
