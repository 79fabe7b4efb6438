/*
 * Writes the bits of each row, one group a row. Each byte is written by the lane that has its first bit, with what the
 * lanes behind it have of it; those that rows share are left to the next kernel.
 */
#include "png_row.h"

TLK_FN tlk_png_sink tlk_png_put_header(tlk_png_sink sink, tlk_png_args a) {
  tlk_u32 left = tlk_png_header_bits[a.table];
  for (tlk_u32 i = 0; left > 0; i++) {
    const tlk_u32 count = left < 8 ? left : 8;
    sink = tlk_png_put(sink, tlk_png_headers[a.table][i], count, a);
    left -= count;
  }
  return sink;
}

/* What stands in front of a row; segment_size: of the segment that it begins. */
TLK_FN tlk_png_sink tlk_png_put_front(tlk_png_sink sink, tlk_u32 kind, tlk_u32 segment_size, tlk_png_args a) {
  if (kind & TLK_PNG_HAS_ZLIB) sink = tlk_png_put(sink, TLK_PNG_ZLIB, TLK_PNG_ZLIB_BITS, a);
  if (kind & TLK_PNG_HAS_END) sink = tlk_png_put_token(sink, tlk_png_ends[a.table], a);
  if (!(kind & TLK_PNG_HAS_HEADER)) return sink;
  if (!(kind & TLK_PNG_IS_STORED)) return tlk_png_put_header(sink, a);
  sink = tlk_png_pad(tlk_png_put(sink, 0, TLK_PNG_STORED_BITS, a), a);
  return tlk_png_put(sink, segment_size | (~segment_size & 0xffff) << 16, 32, a);
}

TLK_FN tlk_png_sink tlk_png_put_behind(tlk_png_sink sink, tlk_u32 kind, tlk_u32 adler, tlk_png_args a) {
  if (!(kind & TLK_PNG_HAS_LAST)) return sink;
  if (kind & TLK_PNG_ENDS_OPEN) sink = tlk_png_put_token(sink, tlk_png_ends[a.table], a);
  sink = tlk_png_pad(tlk_png_put(sink, TLK_PNG_LAST_BLOCK, TLK_PNG_LAST_BITS, a), a);
  for (tlk_i32 shift = 24; shift >= 0; shift -= 8) sink = tlk_png_put(sink, adler >> shift & 0xff, 8, a);
  return sink;
}

TLK_FN tlk_png_sink tlk_png_put_bytes(tlk_png_sink sink, tlk_png_slice slice, tlk_u32 lane, tlk_png_args a) {
  if (lane == 0) sink = tlk_png_put(sink, TLK_PNG_FILTER, 8, a);
  for (tlk_u32 at = slice.begin; at < slice.end; at += 4) {
    const tlk_u32 count = slice.end - at < 4 ? slice.end - at : 4, bytes = tlk_png_filtered(slice, at, a);
    sink = tlk_png_put(sink, count < 4 ? bytes & ((1u << 8 * count) - 1) : bytes, 8 * count, a);
  }
  return sink;
}

/* A lane's share of a row. */
typedef struct {
  tlk_png_slice slice;
  tlk_u32 lane, first, next, kind, segment_size, adler;
} tlk_png_share;

TLK_FN tlk_png_sink tlk_png_put_share(tlk_png_sink sink, tlk_png_share share, tlk_png_args a) {
  if (share.lane == 0) sink = tlk_png_put_front(sink, share.kind, share.segment_size, a);
  if (share.kind & TLK_PNG_IS_STORED) {
    sink = tlk_png_put_bytes(sink, share.slice, share.lane, a);
  } else {
    tlk_png_found found;
    found.sink = sink;
    found.first = found.second = 0;
    sink = tlk_png_walk(found, share.slice, share.first, share.next, a).sink;
  }
  return share.lane + 1 == TLK_PNG_ROW_LANES ? tlk_png_put_behind(sink, share.kind, share.adler, a) : sink;
}

/*
 * Bits of a row before those of a lane; sums, with room for each lane, get those up to its end. All lanes of the group
 * call it, and meet at a barrier before they read the sums of others; parts has room for TLK_PNG_PARTS.
 */
TLK_FN tlk_u32 tlk_png_bits_before(TLK_LOCAL tlk_u32 *sums, TLK_LOCAL tlk_u32 *parts, tlk_u32 lane, tlk_u32 bits) {
  sums[lane] = bits;
  TLK_BARRIER();
  if (lane < TLK_PNG_PARTS) {
    tlk_u32 sum = 0;
    for (tlk_u32 i = 0; i < TLK_PNG_PART; i++) sum += sums[lane * TLK_PNG_PART + i];
    parts[lane] = sum;
  }
  TLK_BARRIER();
  tlk_u32 before = 0;
  for (tlk_u32 i = 0; i < lane / TLK_PNG_PART; i++) before += parts[i];
  for (tlk_u32 i = lane / TLK_PNG_PART * TLK_PNG_PART; i < lane; i++) before += sums[i];
  TLK_BARRIER();
  sums[lane] = before + bits;
  return before;
}

TLK_KERNEL(tlk_png_write, tlk_png_args) {
  TLK_SHARED(tlk_u32, sums, TLK_PNG_ROW_LANES); /* bits of the row up to the lane's end */
  TLK_SHARED(tlk_u32, parts, TLK_PNG_PARTS);
  TLK_SHARED(tlk_u32, heads, TLK_PNG_ROW_LANES);
  TLK_SHARED(tlk_u32, tail, 1);
  const tlk_u32 row = TLK_GROUP(), lane = TLK_LANE(), chart = row / a.height, y = row % a.height;
  TLK_GLOBAL tlk_png_row *record = TLK_AT(tlk_png_row, m, a.rows) + row;
  TLK_GLOBAL tlk_u8 *file = m + a.files + chart * a.stride;
  const tlk_u64 start = record->start;
  tlk_png_share share;
  share.slice = tlk_png_slice_of(a, m, row, lane);
  share.lane = lane;
  share.kind = record->kind;
  share.adler = TLK_AT(const tlk_png_stream, m, a.streams)[chart].adler;
  const tlk_u32 each = tlk_png_segment_rows(share.slice.row_size), left = a.height - y;
  share.segment_size = (left < each ? left : each) * share.slice.row_size;
  share.first = tlk_png_first_run(share.slice, lane, a);
  share.next = tlk_png_next_run(sums, parts, lane, share.first, share.slice.row_size);
  TLK_BARRIER();
  /* Zeros up to a byte are needed before all tokens, where the position is known, or behind all of them. */
  const tlk_u32 bits = (tlk_u32)(tlk_png_put_share(tlk_png_sink_at(lane == 0 ? start : 0, file, 0), share, a).at -
                                 (lane == 0 ? start : 0));
  const tlk_u64 begin = start + tlk_png_bits_before(sums, parts, lane, bits);
  const tlk_png_sink sink = tlk_png_put_share(tlk_png_sink_at(begin, file, 1), share, a);
  heads[lane] = sink.is_within ? (tlk_u32)sink.pending : sink.head;
  if (lane == 0) tail[0] = 0;
  TLK_BARRIER();
  const tlk_u64 byte = sink.at >> 3;
  if (!sink.is_within && sink.n_pending > 0) {
    tlk_u32 value = (tlk_u32)sink.pending;
    tlk_u64 end = sink.at;
    for (tlk_u32 i = lane + 1; i < TLK_PNG_ROW_LANES && end >> 3 == byte; i++) {
      value |= heads[i];
      end = start + sums[i];
    }
    if (end >> 3 > byte)
      file[tlk_png_place_of(a, byte)] = (tlk_u8)value;
    else
      tail[0] = value;
  }
  TLK_BARRIER();
  if (lane != 0) return;
  tlk_u32 head = heads[0];
  for (tlk_u32 i = 1; i < TLK_PNG_ROW_LANES && (start + sums[i - 1]) >> 3 == start >> 3; i++) head |= heads[i];
  record->shared = head | tail[0] << 8;
}
