# shellcheck shell=bash
# Set-up on Debian 12, for tools/demo and tools/test to source.

# An entry is PACKAGE, which must be installed, or PACKAGE:COMMAND, which is also met by a command of another origin.
# shellcheck disable=SC2034
run_packages=(gcc:gcc libc6-dev cmake:cmake ninja-build:ninja libpng-dev zlib1g-dev libjansson-dev opencl-c-headers
  libssl3 libzstd1 libdeflate0)
# shellcheck disable=SC2034
test_packages=(
  g++:g++ clang:clang clang-format-14:clang-format-14 pkg-config:pkg-config binutils:readelf python3:python3
  libcmocka-dev ocl-icd-libopencl1 pocl-opencl-icd libclang-rt-14-dev tzdata pngcheck:pngcheck libspng0
  valgrind:valgrind gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross qemu-user:qemu-aarch64
)

setup_unavailable=69

# Prints the packages of the entries that are not met.
missing_packages() {
  local installed entry package command
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${@%%:*}" 2>/dev/null) || true
  for entry; do
    package=${entry%%:*} command=${entry#*:}
    if [[ $command != "$entry" ]]; then
      command -v "$command" >/dev/null || echo "$package"
    else
      grep -qxF "installed $package" <<<"$installed" || echo "$package"
    fi
  done
}

install_packages() {
  local apt=(apt-get install -y --no-install-recommends -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  export DEBIAN_FRONTEND=noninteractive
  # The package lists of a fresh machine are empty, and old ones name packages that are gone.
  "${apt[@]}" "$@" </dev/null >&2 2>/dev/null && return
  apt-get update -qq -o DPkg::Lock::Timeout=300 </dev/null >&2
  "${apt[@]}" "$@" </dev/null >&2
}

# set_up ENTRY...: installs what is missing, or says what to do and ends the script.
set_up() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not Debian: no package was looked for. What is missing of these, please install: ${*%%:*}" >&2
    return 0
  fi
  if (($(id -u) != 0)); then
    printf '%s needs packages that are not installed. Run this line, then try again:\n\n' "${0##*/}" >&2
    printf '  sudo sh -c "apt-get update && apt-get install -y --no-install-recommends %s"\n\n' "${missing[*]}" >&2
    exit "$setup_unavailable"
  fi
  echo "Installing ${missing[*]}" >&2
  if ! install_packages "${missing[@]}"; then
    echo "apt-get could not install these packages: ${missing[*]}" >&2
    exit "$setup_unavailable"
  fi
  hash -r
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  echo "These are installed, but their files are not all there, so they are installed again: ${missing[*]}" >&2
  install_packages --reinstall "${missing[@]}" || true
  hash -r
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  echo "The commands of these packages are not on the PATH ($PATH), although they are installed: ${missing[*]}" >&2
  exit "$setup_unavailable"
}
