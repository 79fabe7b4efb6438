#!/usr/bin/env bash
# Installs this build to a scratch prefix, looks at what is there and builds programs against it, both ways.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need g++ pkg-config readelf nm
# shellcheck source=tests/scripts/consume.sh
source "$(dirname "$0")/consume.sh"

prefix=$TALLOW_WORK/prefix
rm -rf "$prefix"
quietly cmake --install "$TALLOW_BUILD" --prefix "$prefix"

version=$(sed -n 's/.*TLW_VERSION_STRING "\(.*\)"/\1/p' "$TALLOW_SOURCE/include/tallow/version.h")
library=$(find "$prefix" -name "libtallow.so.$version")
[[ $library ]] || fail "there is no libtallow.so.$version in $prefix"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[[ $soname == "libtallow.so.${version%.*}" ]] || fail "the SONAME is '$soname'"
[[ $(readlink "${library%/*}/libtallow.so") == "$soname" ]] || fail "libtallow.so does not lead to $soname"

# Exactly what the headers declare is exported, and no GPU driver is linked.
grep -ohE '^TLW_API .*' "$prefix"/include/tallow/*.h | grep -oE 'tlw_[a-z0-9_]+\(' | tr -d '(' | sort -u >declared
nm -D --defined-only "$library" | awk '{print $3}' | sort -u >exported
diff declared exported || fail "what the headers declare (<) is not what the library exports (>)"
[[ $(wc -l <declared) -ge 15 ]] || fail "the headers declare only $(wc -l <declared) functions"
needed=$(readelf -d "$library" | grep NEEDED)
[[ $needed != *[Cc]uda* && $needed != *OpenCL* ]] || fail "a driver is linked: $needed"

# The command finds its library by itself, also after the whole tree has moved.
moved="$TALLOW_WORK/moved here"
rm -rf "$moved"
cp -a "$prefix" "$moved"
for root in "$prefix" "$moved"; do
  output=$(env -u LD_LIBRARY_PATH "$root/bin/tallow" --version)
  says "$output" "$version"
done
env -u LD_LIBRARY_PATH "$moved/bin/tallow" synth candles --rows 50 |
  env -u LD_LIBRARY_PATH "$prefix/bin/tallow" render - -o chart.png --backend cpu
[[ -s chart.png ]] || fail "the installed command wrote no PNG"

# The manual and the completions are where man and the shells look, as the command prints them.
prints() {
  env -u LD_LIBRARY_PATH "$prefix/bin/tallow" "${@:2}" | cmp - "$prefix/share/$1" || fail "$1 is not 'tallow ${*:2}'"
}
prints man/man1/tallow.1 help --man
prints bash-completion/completions/tallow completion bash
prints zsh/site-functions/_tallow completion zsh
prints fish/vendor_completions.d/tallow.fish completion fish

for root in "$prefix" "$moved"; do
  consume_by_cmake "$root" "$TALLOW_WORK/by-cmake"
  consume_by_pkg_config "$root" "$TALLOW_WORK/by-pkg-config"
done
