/* Counts the bits of each row's tokens and sums its bytes, one group a row. */
#include "png_row.h"

TLK_KERNEL(tlk_png_count, tlk_png_args) {
  TLK_SHARED(tlk_u32, places, TLK_PNG_ROW_LANES);
  TLK_SHARED(tlk_u32, parts, TLK_PNG_PARTS);
  TLK_SHARED(tlk_u32, bits, TLK_PNG_ROW_LANES);
  TLK_SHARED(tlk_u64, firsts, TLK_PNG_ROW_LANES);
  TLK_SHARED(tlk_u64, seconds, TLK_PNG_ROW_LANES);
  const tlk_u32 row = TLK_GROUP(), lane = TLK_LANE();
  const tlk_png_slice slice = tlk_png_slice_of(a, m, row, lane);
  const tlk_u32 first = tlk_png_first_run(slice, lane, a);
  const tlk_u32 next = tlk_png_next_run(places, parts, lane, first, slice.row_size);
  tlk_png_found found;
  found.sink = tlk_png_sink_at(0, m, 0);
  found.first = found.second = 0;
  found = tlk_png_walk(found, slice, first, next, a);
  bits[lane] = (tlk_u32)found.sink.at;
  firsts[lane] = found.first;
  seconds[lane] = found.second;
  TLK_BARRIER();
  for (tlk_u32 i = TLK_PNG_PARTS + lane; lane < TLK_PNG_PARTS && i < TLK_PNG_ROW_LANES; i += TLK_PNG_PARTS) {
    bits[lane] += bits[i];
    firsts[lane] += firsts[i];
    seconds[lane] += seconds[i];
  }
  TLK_BARRIER();
  if (lane != 0) return;
  for (tlk_u32 i = 1; i < TLK_PNG_PARTS; i++) {
    bits[0] += bits[i];
    firsts[0] += firsts[i];
    seconds[0] += seconds[i];
  }
  TLK_GLOBAL tlk_png_row *out = TLK_AT(tlk_png_row, m, a.rows) + row;
  out->bits = bits[0];
  out->first = (tlk_u32)firsts[0];
  out->second = seconds[0];
}
