/* Writes the bytes that rows share, a lane for each row: those that it begins and does not fill. */
#include "png_args.h"

TLK_KERNEL(tlk_png_join, tlk_png_args) {
  const tlk_u32 row = TLK_GROUP() * TLK_PNG_JOIN_LANES + TLK_LANE();
  if (row >= a.n_rows || (row + 1) % a.height == 0) return; /* a stream ends with a byte */
  TLK_GLOBAL const tlk_png_row *rows = TLK_AT(const tlk_png_row, m, a.rows);
  tlk_u64 end = rows[row + 1].start;
  const tlk_u64 byte = end >> 3;
  if ((end & 7) == 0 || rows[row].start > byte * 8) return;
  tlk_u32 value = rows[row].shared >> 8;
  for (tlk_u32 i = row + 1; end >> 3 == byte; i++) {
    value |= rows[i].shared & 0xff;
    if ((i + 1) % a.height == 0) break;
    end = rows[i + 1].start;
  }
  (m + a.files + row / a.height * a.stride)[tlk_png_place_of(a, byte)] = (tlk_u8)value;
}
