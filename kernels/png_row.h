/* A row as lanes walk it: each finds the runs that begin in its slice of it, and the tokens of these. */
#ifndef TLK_PNG_ROW_H
#define TLK_PNG_ROW_H

#include "png_args.h"

/* ---- filtered bytes ---- */

/* Four pixels; rows have whole words, and zeros behind the last pixel. */
TLK_FN tlk_u32 tlk_png_pixels(TLK_GLOBAL const tlk_u8 *row, tlk_u32 x, tlk_u32 pitch) {
  return x < pitch ? *(TLK_GLOBAL const tlk_u32 *)(row + x) : 0;
}

/* Packed bytes at to at + 3, at being a multiple of 4, the first one lowest. */
TLK_FN tlk_u32 tlk_png_packed(TLK_GLOBAL const tlk_u8 *row, tlk_u32 at, tlk_png_args a) {
  if (a.table == 3) return tlk_png_pixels(row, at, a.pitch);
  tlk_u32 bytes = 0;
  for (tlk_u32 i = 0; i < 4; i++) {
    const tlk_u32 x = (at + i) << (3 - a.table);
    tlk_u32 byte;
    if (a.table == 2)
      byte = tlk_png_pack_2(tlk_png_pixels(row, x & ~3u, a.pitch) >> 8 * (x & 2) & 0xffff);
    else if (a.table == 1)
      byte = tlk_png_pack_4(tlk_png_pixels(row, x, a.pitch));
    else
      byte = tlk_png_pack_8(tlk_png_pixels(row, x, a.pitch) | (tlk_u64)tlk_png_pixels(row, x + 4, a.pitch) << 32);
    bytes |= byte << 8 * i;
  }
  return bytes;
}

/* Each byte less the other, modulo 256. */
TLK_FN tlk_u32 tlk_png_less(tlk_u32 bytes, tlk_u32 others) {
  const tlk_u32 high = 0x80808080u;
  return ((bytes | high) - (others & ~high)) ^ ((bytes ^ ~others) & high);
}

/* The pixels of a row, and how a lane has its slice: bytes begin to end - 1 behind that of the filter. */
typedef struct {
  TLK_GLOBAL const tlk_u8 *pixels;
  tlk_u32 has_above;
  tlk_u32 begin, end, row_size;
} tlk_png_slice;

TLK_FN tlk_png_slice tlk_png_slice_of(tlk_png_args a, TLK_GLOBAL const tlk_u8 *m, tlk_u32 row, tlk_u32 lane) {
  tlk_png_slice slice;
  slice.pixels = m + a.pixels + (tlk_u64)row * a.pitch;
  slice.has_above = row % a.height > 0;
  slice.row_size = tlk_png_row_size(a.width, a.table);
  const tlk_u32 packed = slice.row_size - 1;
  const tlk_u32 each = ((packed + TLK_PNG_ROW_LANES - 1) / TLK_PNG_ROW_LANES + 3) & ~3u;
  slice.begin = lane * each < packed ? lane * each : packed;
  slice.end = slice.begin + each < packed ? slice.begin + each : packed;
  return slice;
}

/* Whether the pixels of packed bytes at to at + 3 are those of the row above: most are. */
TLK_FN tlk_u32 tlk_png_is_same(tlk_png_slice slice, tlk_u32 at, tlk_png_args a) {
  const tlk_u32 x = at << (3 - a.table), end = x + (32u >> a.table);
  tlk_u32 other = !slice.has_above;
  for (tlk_u32 i = x; i < end && !other; i += 4)
    other = tlk_png_pixels(slice.pixels, i, a.pitch) ^ tlk_png_pixels(slice.pixels - a.pitch, i, a.pitch);
  return !other;
}

/* Filtered bytes at to at + 3, at being a multiple of 4. */
TLK_FN tlk_u32 tlk_png_filtered(tlk_png_slice slice, tlk_u32 at, tlk_png_args a) {
  if (tlk_png_is_same(slice, at, a)) return 0;
  const tlk_u32 bytes = tlk_png_packed(slice.pixels, at, a);
  return slice.has_above ? tlk_png_less(bytes, tlk_png_packed(slice.pixels - a.pitch, at, a)) : bytes;
}

/* ---- bits ---- */

/*
 * Where a lane puts bits, the position of the next being `at` of the stream; where it does not write, they are only
 * counted. A byte that it begins within becomes `head`, for others have bits of it.
 */
typedef struct {
  TLK_GLOBAL tlk_u8 *file;
  tlk_u64 at, pending;
  tlk_u32 n_pending;
  tlk_u32 writes, is_within;
  tlk_u32 head;
} tlk_png_sink;

TLK_FN tlk_png_sink tlk_png_sink_at(tlk_u64 at, TLK_GLOBAL tlk_u8 *file, tlk_u32 writes) {
  tlk_png_sink sink;
  sink.file = file;
  sink.at = at;
  sink.pending = 0;
  sink.n_pending = (tlk_u32)(at & 7);
  sink.writes = writes;
  sink.is_within = sink.n_pending > 0;
  sink.head = 0;
  return sink;
}

/* At most 32 bits. */
TLK_FN tlk_png_sink tlk_png_put(tlk_png_sink sink, tlk_u32 bits, tlk_u32 count, tlk_png_args a) {
  sink.at += count;
  if (!sink.writes) return sink;
  sink.pending |= (tlk_u64)bits << sink.n_pending;
  sink.n_pending += count;
  for (; sink.n_pending >= 8; sink.n_pending -= 8, sink.pending >>= 8) {
    if (sink.is_within)
      sink.head = (tlk_u32)(sink.pending & 0xff);
    else
      sink.file[tlk_png_place_of(a, ((sink.at - sink.n_pending) >> 3))] = (tlk_u8)sink.pending;
    sink.is_within = 0;
  }
  return sink;
}

TLK_FN tlk_png_sink tlk_png_put_token(tlk_png_sink sink, tlk_u32 token, tlk_png_args a) {
  return tlk_png_put(sink, TLK_PNG_BITS(token), TLK_PNG_COUNT(token), a);
}

TLK_FN tlk_png_sink tlk_png_pad(tlk_png_sink sink, tlk_png_args a) {
  return tlk_png_put(sink, 0, (tlk_u32)(8 - (sink.at & 7)) & 7, a);
}

TLK_FN tlk_png_sink tlk_png_put_run(tlk_png_sink sink, tlk_u32 byte, tlk_u32 length, tlk_png_args a) {
  const tlk_u32 literal = tlk_png_literal(a.table, byte);
  sink = tlk_png_put_token(sink, literal, a);
  for (tlk_u32 left = length - 1; left > 0;) {
    const tlk_u32 match = tlk_png_next(left);
    sink = tlk_png_put_token(sink, match > 0 ? tlk_png_match(a.table, match) : literal, a);
    left -= match > 0 ? match : 1;
  }
  return sink;
}

/* ---- runs ---- */

/* Where the first run begins that begins in the slice, counted with the byte of the filter; row_size: nowhere. */
TLK_FN tlk_u32 tlk_png_first_run(tlk_png_slice slice, tlk_u32 lane, tlk_png_args a) {
  if (lane == 0) return 0;
  if (slice.begin == slice.end) return slice.row_size;
  tlk_u32 byte = tlk_png_filtered(slice, slice.begin - 4, a) >> 24;
  for (tlk_u32 at = slice.begin; at < slice.end; at += 4) {
    const tlk_u32 bytes = tlk_png_filtered(slice, at, a);
    if (bytes == byte * 0x01010101u) continue;
    for (tlk_u32 i = 0; i < 4 && at + i < slice.end; i++)
      if ((bytes >> 8 * i & 0xff) != byte) return at + i + 1;
    byte = bytes >> 24;
  }
  return slice.row_size;
}

/* What a walk finds: bits, and what the runs add to the sums of Adler-32. */
typedef struct {
  tlk_png_sink sink;
  tlk_u64 first, second;
} tlk_png_found;

TLK_FN tlk_png_found tlk_png_take_run(tlk_png_found found, tlk_u32 byte, tlk_u32 start, tlk_u32 end, tlk_u32 row_size,
                                      tlk_png_args a) {
  found.sink = tlk_png_put_run(found.sink, byte, end - start, a);
  found.first += tlk_png_adler_first(byte, end - start);
  found.second += tlk_png_adler_second(byte, end - start, start, row_size);
  return found;
}

/* The runs from start, where one begins in the slice, on; that of the next slice that has any begins at next. */
TLK_FN tlk_png_found tlk_png_walk(tlk_png_found found, tlk_png_slice slice, tlk_u32 start, tlk_u32 next,
                                  tlk_png_args a) {
  if (start == slice.row_size) return found;
  tlk_u32 at = start > 0 ? (start - 1) & ~3u : 0;
  tlk_u32 byte = start > 0 ? tlk_png_filtered(slice, at, a) >> 8 * (start - 1 - at) & 0xff : TLK_PNG_FILTER;
  const tlk_u32 skipped = start; /* bytes before it are of earlier runs */
  for (; at < slice.end; at += 4) {
    const tlk_u32 bytes = tlk_png_filtered(slice, at, a);
    if (bytes == byte * 0x01010101u) continue;
    for (tlk_u32 i = 0; i < 4 && at + i < slice.end; i++) {
      const tlk_u32 other = bytes >> 8 * i & 0xff;
      if (other == byte || at + i + 1 <= skipped) continue;
      found = tlk_png_take_run(found, byte, start, at + i + 1, slice.row_size, a);
      start = at + i + 1;
      byte = other;
    }
  }
  return tlk_png_take_run(found, byte, start, next, slice.row_size, a);
}

/* Lanes whose results are joined first: two steps need less barriers than one for each power of two. */
#define TLK_PNG_PART 8u
#define TLK_PNG_PARTS (TLK_PNG_ROW_LANES / TLK_PNG_PART)

/*
 * Where the run begins behind those of a lane's slice. All lanes of the group call it; places has room for each, parts
 * for TLK_PNG_PARTS.
 */
TLK_FN tlk_u32 tlk_png_next_run(TLK_LOCAL tlk_u32 *places, TLK_LOCAL tlk_u32 *parts, tlk_u32 lane, tlk_u32 first,
                                tlk_u32 row_size) {
  places[lane] = first;
  TLK_BARRIER();
  if (lane < TLK_PNG_PARTS) {
    tlk_u32 least = row_size;
    for (tlk_u32 i = 0; i < TLK_PNG_PART; i++)
      if (places[lane * TLK_PNG_PART + i] < least) least = places[lane * TLK_PNG_PART + i];
    parts[lane] = least;
  }
  TLK_BARRIER();
  tlk_u32 next = row_size;
  for (tlk_u32 i = lane + 1; i % TLK_PNG_PART > 0; i++)
    if (places[i] < next) next = places[i];
  for (tlk_u32 i = lane / TLK_PNG_PART + 1; i < TLK_PNG_PARTS; i++)
    if (parts[i] < next) next = parts[i];
  return next;
}

#endif
