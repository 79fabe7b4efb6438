/* Decides which segments are stored, and where each row of the stream begins, one group a chart. */
#include "png_args.h"

/* Rows of a segment and of what is before it. */
TLK_FN tlk_u32 tlk_png_rows_of(tlk_png_args a, tlk_u32 segment, tlk_u32 each) {
  const tlk_u32 left = a.height - segment * each;
  return left < each ? left : each;
}

/* Places the segments one behind the other; returns the bits of the stream. */
TLK_FN tlk_u64 tlk_png_place_segments(tlk_png_args a, TLK_GLOBAL tlk_png_segment *segments, tlk_u32 count,
                                      tlk_u32 each) {
  const tlk_u32 end = TLK_PNG_COUNT(tlk_png_ends[a.table]), row_size = tlk_png_row_size(a.width, a.table);
  tlk_u64 at = 0;
  tlk_u32 is_open = 0;
  for (tlk_u32 i = 0; i < count; i++) {
    const tlk_u32 size = tlk_png_rows_of(a, i, each) * row_size, bits = segments[i].bits;
    tlk_u32 kind = i == 0 ? TLK_PNG_HAS_ZLIB : 0;
    segments[i].start = at;
    if (i == 0) at += TLK_PNG_ZLIB_BITS;
    if (tlk_png_is_stored(a.table, bits, size)) {
      kind |= TLK_PNG_IS_STORED | TLK_PNG_HAS_HEADER | (is_open ? TLK_PNG_HAS_END : 0);
      at += (is_open ? end : 0) + TLK_PNG_STORED_BITS;
      at = ((at + 7) & ~(tlk_u64)7) + 32;
      is_open = 0;
    } else {
      kind |= is_open ? 0 : TLK_PNG_HAS_HEADER;
      at += is_open ? 0 : tlk_png_header_bits[a.table];
      is_open = 1;
    }
    if (i + 1 == count) kind |= TLK_PNG_HAS_LAST | (is_open ? TLK_PNG_ENDS_OPEN : 0);
    segments[i].kind = kind;
    segments[i].tokens = at;
    at += kind & TLK_PNG_IS_STORED ? (tlk_u64)size * 8 : bits;
  }
  at += (is_open ? end : 0) + TLK_PNG_LAST_BITS;
  return ((at + 7) & ~(tlk_u64)7) + 32;
}

/* What stands in front of a segment is the first row's, what is behind the last row of all is that row's. */
TLK_FN void tlk_png_place_rows(tlk_png_args a, TLK_GLOBAL tlk_png_row *rows, tlk_png_segment segment, tlk_u32 count) {
  const tlk_u32 behind = TLK_PNG_HAS_LAST | TLK_PNG_ENDS_OPEN;
  tlk_u64 at = segment.tokens;
  for (tlk_u32 i = 0; i < count; i++) {
    tlk_u32 kind = i == 0 ? segment.kind & ~behind : segment.kind & TLK_PNG_IS_STORED;
    if (i + 1 == count) kind |= segment.kind & behind;
    rows[i].start = i == 0 ? segment.start : at;
    rows[i].kind = kind;
    at += kind & TLK_PNG_IS_STORED ? 8 * tlk_png_row_size(a.width, a.table) : rows[i].bits;
  }
}

TLK_KERNEL(tlk_png_place, tlk_png_args) {
  TLK_SHARED(tlk_u64, firsts, TLK_PNG_PLACE_LANES);
  TLK_SHARED(tlk_u64, seconds, TLK_PNG_PLACE_LANES);
  const tlk_u32 chart = TLK_GROUP(), lane = TLK_LANE();
  const tlk_u32 row_size = tlk_png_row_size(a.width, a.table), each = tlk_png_segment_rows(row_size);
  const tlk_u32 count = (a.height + each - 1) / each;
  TLK_GLOBAL tlk_png_row *rows = TLK_AT(tlk_png_row, m, a.rows) + (tlk_u64)chart * a.height;
  TLK_GLOBAL tlk_png_segment *segments = TLK_AT(tlk_png_segment, m, a.segments) + (tlk_u64)chart * count;
  for (tlk_u32 i = lane; i < count; i += TLK_PNG_PLACE_LANES) {
    const tlk_u32 n = tlk_png_rows_of(a, i, each);
    tlk_u32 bits = 0;
    for (tlk_u32 j = 0; j < n; j++) bits += rows[i * each + j].bits;
    segments[i].bits = bits;
  }
  /* Before row i the second sum is row_size times more for each row, 1 and the first sums of the rows before it. */
  tlk_u64 first = 0, second = 0;
  for (tlk_u32 i = lane; i < a.height; i += TLK_PNG_PLACE_LANES) {
    const tlk_u64 own = rows[i].first, behind = a.height - 1 - i;
    first += own;
    second += (rows[i].second + row_size * (1 + own % TLK_PNG_ADLER_BASE * behind)) % TLK_PNG_ADLER_BASE;
  }
  firsts[lane] = first;
  seconds[lane] = second;
  TLK_BARRIER();
  TLK_GLOBAL_BARRIER();
  if (lane == 0) {
    for (tlk_u32 i = 1; i < TLK_PNG_PLACE_LANES; i++) first += firsts[i], second += seconds[i];
    TLK_GLOBAL tlk_png_stream *stream = TLK_AT(tlk_png_stream, m, a.streams) + chart;
    stream->size = (tlk_u32)(tlk_png_place_segments(a, segments, count, each) >> 3);
    stream->adler = (tlk_u32)(second % TLK_PNG_ADLER_BASE) << 16 | (tlk_u32)((1 + first) % TLK_PNG_ADLER_BASE);
  }
  TLK_GLOBAL_BARRIER();
  for (tlk_u32 i = lane; i < count; i += TLK_PNG_PLACE_LANES)
    tlk_png_place_rows(a, rows + i * each, segments[i], tlk_png_rows_of(a, i, each));
}
