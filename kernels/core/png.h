/*
 * What decides the bytes of Tallow's own PNG files. include/tallow/png.h states the format; here is the arithmetic of
 * it, values in, values out. A row is the filter byte and the filtered bytes behind it.
 */
#ifndef TLK_CORE_PNG_H
#define TLK_CORE_PNG_H

#include "png_codes.h"

#define TLK_PNG_FILTER 2u /* Up, of every row */
#define TLK_PNG_SEGMENT_SIZE 16384u
#define TLK_PNG_CHUNK_SIZE 32768u
#define TLK_PNG_SHORTEST_MATCH 3u
#define TLK_PNG_LONGEST_MATCH 258u
#define TLK_PNG_ADLER_BASE 65521u
#define TLK_PNG_STORED_BITS 3u /* of the type of a stored block; zeros up to a byte follow */
#define TLK_PNG_LAST_BLOCK 3u  /* the empty block that ends the stream, of TLK_PNG_LAST_BITS */
#define TLK_PNG_LAST_BITS 10u

/* A token: its bits, the first of them lowest, and how many there are. */
#define TLK_PNG_BITS(token) ((token)&0xffffffu)
#define TLK_PNG_COUNT(token) ((token) >> 24)

/* The place of a depth in the tables: 1, 2, 4, 8 bits are 0, 1, 2, 3. */
TLK_FN tlk_u32 tlk_png_table(tlk_u32 n_colors) {
  return n_colors <= 2 ? 0 : n_colors <= 4 ? 1 : n_colors <= 16 ? 2 : 3;
}

TLK_FN tlk_u32 tlk_png_row_size(tlk_u32 width, tlk_u32 table) { return 1 + (((width << table) + 7) >> 3); }

/* Rows of a segment, but for the last. */
TLK_FN tlk_u32 tlk_png_segment_rows(tlk_u32 row_size) {
  return row_size < TLK_PNG_SEGMENT_SIZE ? TLK_PNG_SEGMENT_SIZE / row_size : 1;
}

/*
 * The first byte of a packed row of which these are the pixels, the leftmost in the lowest byte: 8, 4 or 2 of them.
 * No sum carries, for no two pixels meet in a bit.
 */
TLK_FN tlk_u32 tlk_png_pack_8(tlk_u64 pixels) {
  const tlk_u64 pairs = pixels + (pixels << 9), fours = pairs + (pairs << 18);
  return (tlk_u32)((fours + (fours << 36)) >> 56);
}
TLK_FN tlk_u32 tlk_png_pack_4(tlk_u32 pixels) {
  const tlk_u32 pairs = pixels + (pixels << 10);
  return (pairs + (pairs << 20)) >> 24;
}
TLK_FN tlk_u32 tlk_png_pack_2(tlk_u32 pixels) { return (pixels << 4 | pixels >> 8) & 0xff; }

/* What comes next of a run behind its literal, of which so many bytes are left: a match so long, or 0: a literal. */
TLK_FN tlk_u32 tlk_png_next(tlk_u32 left) {
  return left < TLK_PNG_SHORTEST_MATCH ? 0 : left < TLK_PNG_LONGEST_MATCH ? left : TLK_PNG_LONGEST_MATCH;
}

TLK_FN tlk_u32 tlk_png_literal(tlk_u32 table, tlk_u32 byte) { return tlk_png_literals[table][byte]; }

TLK_FN tlk_u32 tlk_png_match(tlk_u32 table, tlk_u32 length) {
  return tlk_png_matches[table][length - TLK_PNG_SHORTEST_MATCH];
}

/* Whether a segment whose tokens have so many bits is stored. */
TLK_FN int tlk_png_is_stored(tlk_u32 table, tlk_u64 token_bits, tlk_u32 segment_size) {
  const tlk_u32 around = tlk_png_header_bits[table] + TLK_PNG_COUNT(tlk_png_ends[table]);
  return token_bits + around > (tlk_u64)segment_size * 8;
}

/*
 * What a run adds to the two sums of Adler-32 in a row of row_size bytes, none of them reduced: `first` once and
 * `second` once. Before the row's runs the second sum grows by row_size times the first.
 */
TLK_FN tlk_u64 tlk_png_adler_first(tlk_u32 byte, tlk_u32 length) { return (tlk_u64)byte * length; }
TLK_FN tlk_u64 tlk_png_adler_second(tlk_u32 byte, tlk_u32 length, tlk_u32 start, tlk_u32 row_size) {
  const tlk_u64 n = length;
  return byte * (n * (row_size - start) - n * (n - 1) / 2);
}

#endif
