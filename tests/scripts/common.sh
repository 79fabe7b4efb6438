# shellcheck shell=bash
# What the scripts share. ctest gives in the environment TALLOW_SOURCE, TALLOW_BUILD, TALLOW_WORK (a folder for the
# test, kept from run to run), TALLOW_CC, TALLOW_C_FLAGS, TALLOW_GENERATOR, TALLOW_NVCC, TALLOW_PTX_FILE,
# TALLOW_SOFTCUDA (the folder of the software CUDA driver) and TALLOW_BIN.
set -euo pipefail
exec </dev/null
# Another test may have the other half of the CPUs.
jobs=$((($(nproc) + 1) / 2))
export CMAKE_BUILD_PARALLEL_LEVEL=$jobs

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

skip() {
  echo "SKIPPED: $*"
  exit 77
}

need() {
  local command
  for command; do command -v "$command" >/dev/null || skip "$command is not installed"; done
}

# fails_with CODE TEXT COMMAND...: the command must end with that code and say that text.
fails_with() {
  local code=0 output
  output=$("${@:3}" 2>&1) || code=$?
  [[ $code == "$1" ]] || fail "${*:3}: exit code $code, not $1: $output"
  says "$output" "$2"
}

says() { [[ $1 == *"$2"* ]] || fail "'$2' is not said in: $1"; }

# quietly COMMAND...: prints what it says only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || fail "$*: $output"
}

# Options of builds that are made to see whether they can be: compiled quickly, with debug information for nobody.
# shellcheck disable=SC2034
quick=(-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0)

# sub_build FOLDER OPTION...: configures and builds the project in a folder of its own.
sub_build() {
  quietly cmake -S "$TALLOW_SOURCE" -B "$1" -G "$TALLOW_GENERATOR" "${@:2}"
  quietly cmake --build "$1"
}

mkdir -p "$TALLOW_WORK"
cd "$TALLOW_WORK"
