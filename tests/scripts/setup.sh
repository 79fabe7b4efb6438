#!/usr/bin/env bash
# What tools/setup.sh does on machines that lack something; apt-get, dpkg-query and id are stand-ins.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

# machine: a new one, with packages kit (command kit) and libkit-dev known to its apt-get and nothing installed. Its
# apt-get needs an update first. Files in state: uid, lists (if updated), installed, spoiled (the command does not come
# with the package), hopeless (not even with --reinstall), calls.
machine() {
  rm -rf state bin
  mkdir state bin
  echo 0 >state/uid
  touch state/installed state/calls
  local tool
  for tool in bash grep cat touch chmod; do ln -s "$(type -P "$tool")" "bin/$tool"; done
  cat >bin/id <<'STUB'
#!/bin/bash
cat state/uid
STUB
  cat >bin/dpkg-query <<'STUB'
#!/bin/bash
while read -r package; do
  [[ " $* " == *" $package "* ]] && echo "installed $package"
done <state/installed
exit 1
STUB
  cat >bin/apt-get <<'STUB'
#!/bin/bash
echo "apt-get $1" >>state/calls
[[ $1 == update ]] && touch state/lists && exit
[[ -f state/lists ]] || { echo "E: Unable to locate package" >&2 && exit 100; }
for word; do
  [[ $word == *kit* ]] || continue
  grep -qxF "$word" state/installed || echo "$word" >>state/installed
  [[ $word == kit && ! -f state/spoiled ]] && touch bin/kit && chmod +x bin/kit
done
[[ " $* " == *" --reinstall "* && ! -f state/hopeless ]] && touch bin/kit && chmod +x bin/kit
exit 0
STUB
  chmod +x bin/id bin/dpkg-query bin/apt-get
}

# sets_up CODE CALLS [TEXT]
sets_up() {
  local code=0 output calls
  : >state/calls
  # shellcheck disable=SC2016
  output=$(PATH=$PWD/bin bash -euo pipefail -c 'source "$1"; set_up kit:kit libkit-dev; echo "it went on"' \
    tool "$TALLOW_SOURCE/tools/setup.sh" 2>&1) || code=$?
  [[ $code == "$1" ]] || fail "exit code $code, not $1: $output"
  calls=$(xargs <state/calls)
  [[ $calls == "$2" ]] || fail "apt-get was called like this: '$calls', not '$2'"
  if [[ $code == 0 ]]; then says "$output" "it went on"; fi
  says "$output" "${3-}"
}

# Root, on a fresh machine: lists are fetched once; the second time there is nothing to do.
machine
sets_up 0 "apt-get install apt-get update apt-get install"
sets_up 0 ""

# Only what is missing is installed; lists that are there are not fetched again.
machine
touch state/lists bin/kit
chmod +x bin/kit
sets_up 0 "apt-get install" "Installing libkit-dev"

# Others get the one line to run.
machine
echo 1000 >state/uid
sets_up 69 "" 'sudo sh -c "apt-get update && apt-get install -y --no-install-recommends kit libkit-dev"'

# A package that is installed but whose command is gone is installed again, and told of if that does not help.
machine
touch state/lists state/spoiled
printf 'kit\nlibkit-dev\n' >state/installed
sets_up 0 "apt-get install apt-get install" "installed again: kit"
machine
touch state/lists state/spoiled state/hopeless
sets_up 69 "apt-get install apt-get install" "although they are installed: kit"

# Another system than Debian: it goes on, and the build says what is missing.
machine
rm bin/apt-get bin/dpkg-query
sets_up 0 "" "kit libkit-dev"
