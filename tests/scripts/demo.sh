#!/usr/bin/env bash
# tools/demo draws its charts and says what it used and why.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

out="$TALLOW_WORK/charts of the demo"
rm -rf "$out"
output=$(cd / && bash "$TALLOW_SOURCE/tools/demo" --build "$TALLOW_BUILD" "$out")
echo "$output"
mapfile -t charts < <(sed -n 's/^  \(.*\.png\)$/\1/p' <<<"$output")
((${#charts[@]} >= 4)) || fail "it names ${#charts[@]} charts"
for chart in "${charts[@]}"; do
  [[ $(head -c 4 "$chart" | tail -c 3) == PNG ]] || fail "$chart is no PNG"
done
[[ $(find "$out" -name '*.png' | wc -l) == "${#charts[@]}" ]] || fail "other charts were made than are named"
says "$output" "auto takes this"
says "$output" "tallow: using "
# Nothing but the first choice, CUDA, comes without a reason why others were passed over.
[[ $output == *"tallow: using cuda"* ]] || says "$output" "tallow: cuda not used: "
