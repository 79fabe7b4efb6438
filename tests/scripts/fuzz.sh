#!/usr/bin/env bash
# Every fuzz target for a short while, beginning with its seeds.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
export TALLOW_FUZZ_BUILD=$TALLOW_WORK/build TALLOW_FUZZ_TIERS=''
# What an earlier run found must not decide how this one ends, nor chance.
export TALLOW_FUZZ_SEED=1
rm -rf "$TALLOW_FUZZ_BUILD/corpus"
exec "$TALLOW_SOURCE/tools/fuzz" all "${1:-3}"
