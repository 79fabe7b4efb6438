#!/usr/bin/env bash
# The CPU backend, compiled for 64-bit Arm and run by an emulator, draws what the oracle draws, merges in chunks as the
# rules say and gives the windows that the oracle gives; the fast path of the CSV reader reads what the readers of single
# fields read, and the loops of PNG files and over trades do as they say.
# shellcheck source=tests/scripts/common.sh
source "$(dirname "$0")/common.sh"
need aarch64-linux-gnu-gcc aarch64-linux-gnu-objdump qemu-aarch64

compile=(aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -O2 -ffp-contract=off -pthread -Wall -Wextra -Wconversion -Wshadow
  -Werror -I "$TALLOW_SOURCE" -I "$TALLOW_SOURCE/include")
cd "$TALLOW_SOURCE"
tier_objects=()
for name in bars_join bars_ops images_ops ink_ops line_ops tier_ops window_fold window_fold_counted window_fold_whole window_ops window_order window_scan; do
  "${compile[@]}" -O3 -fno-math-errno -Wno-psabi -DTLK_LANES=2 -DTLW_TIER=tlw_cpu_tier_neon \
    '-DTLW_TIER_NAME="neon"' -DTLW_TIER_SUFFIX=neon -c "host/cpu/$name.c" -o "$TALLOW_WORK/$name.o"
  tier_objects+=("$TALLOW_WORK/$name.o")
done
"${compile[@]}" -O3 -DTLW_PLAIN_TIER=tlw_plain_tier_neon '-DTLW_TIER_NAME="neon"' -c host/io/plain_ops.c \
  -o "$TALLOW_WORK/plain.o"
"${compile[@]}" -O3 -DTLW_PNG_TIER=tlw_png_tier_neon '-DTLW_TIER_NAME="neon"' -c host/io/png_ops.c \
  -o "$TALLOW_WORK/png.o"
# Without streams and files, which need libpng and zlib.
mapfile -t sources < <(find host/base host/chart host/cpu host/engine host/seam host/window -name '*.c' \
  ! -name bars_join.c ! -name bars_ops.c ! -name images_ops.c ! -name ink_ops.c ! -name line_ops.c ! -name tier_ops.c ! -path 'host/cpu/window_*' ! -path host/cpu/files.c \
  ! -name chart_changes.c ! -name stream.c ! -name 'pipeline*.c')
"${compile[@]}" -static -o "$TALLOW_WORK/neon_parity" tests/scripts/neon_parity.c tests/merging.c tests/oracle.c \
  tests/decimal_oracle.c tests/frame_oracle.c tests/label_oracle.c tests/text_oracle.c tests/ticks_oracle.c \
  tests/time_oracle.c tests/series.c tests/plain_kit.c tests/png_kit.c tests/window_cases.c tests/window_oracle.c host/gpu/gpu.c \
  host/io/plain.c host/io/number.c host/io/text.c host/io/time_text.c \
  host/io/zone.c host/io/zone_rule.c host/io/feed.c \
  "${sources[@]}" "${tier_objects[@]}" "$TALLOW_WORK/plain.o" "$TALLOW_WORK/png.o" -ldl -lm
cd "$TALLOW_WORK"

code=$(aarch64-linux-gnu-objdump -d --no-show-raw-insn "${tier_objects[@]}")
grep -qE '\s(fcmgt|fcmge|fmul|fdiv|fadd)\s+v[0-9]+\.2d' <<<"$code" || fail "no arithmetic on vectors of two doubles"
! grep -qE '\s(fn?m(add|sub)|fml[as])\s' <<<"$code" || fail "there are fused multiply-adds"
output=$(qemu-aarch64 ./neon_parity 1000) || fail "$output"
says "$output" "tier neon"
says "$output" "plain tier neon"
says "$output" "png tier neon"
echo "$output"
