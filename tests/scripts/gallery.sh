#!/usr/bin/env bash
# tools/gallery in its short form: a picture of each kind, and a page that shows them; also without real data.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"

out="$TALLOW_WORK/pictures of the gallery"
rm -rf "$out"
output=$(cd / && bash "$TALLOW_SOURCE/tools/gallery" --build "$TALLOW_BUILD" --data "$TALLOW_WORK/none" --short "$out")
echo "$output"
mapfile -t pictures < <(sed -n 's/.*<img src="\([^"]*\)".*/\1/p' "$out/index.html")
((${#pictures[@]} >= 6)) || fail "its page shows ${#pictures[@]} pictures"
for picture in "${pictures[@]}"; do
  [[ $(head -c 4 "$out/$picture" | tail -c 3) == PNG ]] || fail "$picture is no PNG"
done
says "$output" "${#pictures[@]} pictures in $out"
[[ $(find "$out" -name '*.png' | wc -l) == "${#pictures[@]}" ]] || fail "other pictures were made than are shown"

# All others are drawn by the same words, none twice.
mapfile -t names < <(sed -n 's/^ *draw \([^ "$]*\) .*/\1/p' "$TALLOW_SOURCE/tools/gallery")
((${#names[@]} >= 30)) || fail "it names ${#names[@]} pictures"
[[ $(printf '%s\n' "${names[@]}" | sort | uniq -d) == '' ]] || fail "names twice: ${names[*]}"

fails_with 64 usage bash "$TALLOW_SOURCE/tools/gallery" --fast
