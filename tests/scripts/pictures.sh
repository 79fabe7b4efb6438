#!/usr/bin/env bash
# The pictures of the README are what the command draws, byte for byte.
set -euo pipefail
"$TALLOW_SOURCE/tools/pictures" --check "$TALLOW_BIN"
