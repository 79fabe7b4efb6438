# shellcheck shell=bash
# For install.sh and static.sh to source: builds and runs a C and a C++ program against an installed library.

consumer_sources=$TALLOW_SOURCE/tests/scripts/consumer

# run_consumers FOLDER: runs consumer_c and consumer_cpp of the folder.
run_consumers() {
  local output
  output=$("$1/consumer_c" "$1/chart.png")
  says "$output" "consumed 0."
  [[ -s $1/chart.png ]] || fail "consumer_c wrote no PNG"
  output=$("$1/consumer_cpp")
  says "$output" "consumed 0."
}

# consume_by_cmake PREFIX FOLDER
consume_by_cmake() {
  rm -rf "$2"
  quietly cmake -S "$consumer_sources" -B "$2" -G "$TALLOW_GENERATOR" -DCMAKE_PREFIX_PATH="$1" \
    -DCMAKE_C_FLAGS="$TALLOW_C_FLAGS" -DCMAKE_CXX_FLAGS="$TALLOW_C_FLAGS"
  quietly cmake --build "$2"
  run_consumers "$2"
}

# consume_by_pkg_config PREFIX FOLDER [--static]
consume_by_pkg_config() {
  local flags libraries folder
  rm -rf "$2"
  mkdir -p "$2"
  folder=$(dirname "$(find "$1" -name tallow.pc)")
  # One flag a line, for a path may hold blanks.
  mapfile -t flags < <(PKG_CONFIG_PATH=$folder pkg-config --cflags tallow | xargs printf '%s\n')
  mapfile -t libraries < <(PKG_CONFIG_PATH=$folder pkg-config "${@:3}" --libs tallow | xargs printf '%s\n')
  # shellcheck disable=SC2086
  cc $TALLOW_C_FLAGS "${flags[@]}" "$consumer_sources/consumer.c" -o "$2/consumer_c" "${libraries[@]}"
  # shellcheck disable=SC2086
  c++ $TALLOW_C_FLAGS "${flags[@]}" "$consumer_sources/consumer.cpp" -o "$2/consumer_cpp" "${libraries[@]}"
  LD_LIBRARY_PATH=$(dirname "$folder") run_consumers "$2"
}
