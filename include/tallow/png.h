/*
 * PNG files of indexed rasters.
 *
 * ## Codings
 *
 * All are palette colour of the smallest bit depth, 1, 2, 4 or 8, that holds n_colors, not interlaced, without a
 * chunk that is not needed. TLW_PNG_FAST is Tallow's own, made for charts: its bytes depend on the image alone and
 * are stated below. The bytes of TLW_PNG_SMALL follow the version of libdeflate, those of TLW_PNG_LIBPNG the
 * versions of libpng and zlib. The pixels are the same.
 *
 * ## TLW_PNG_FAST, format version TLW_PNG_FAST_VERSION
 *
 * **Chunks.** The signature; IHDR; PLTE of n_colors entries; IDAT chunks of 32,768 bytes of the zlib stream each,
 * the last of 1 to 32,768; IEND.
 *
 * **Rows.** Pixels are packed as PNG has it, the leftmost in the highest bits; unused bits of a row's last byte
 * are 0. A row is the filter byte 2 (Up), then each packed byte less the one above it, modulo 256; above the first
 * row is 0. Let m be the bytes of a row, the filter's included.
 *
 * **Tokens.** Each row is cut into maximal runs of one byte value, the filter byte included; no run goes on in the
 * next row. A run of n bytes is a literal and then, while bytes of it are left, a match of distance 1 and length
 * min(left, 258) where 3 or more are left, else a literal.
 *
 * **Segments.** From the first row on, each max(1, floor(16,384 / m)) rows are a segment; the last may have fewer.
 * With t the bits of a segment's tokens, h those of the block header and e those of the end-of-block code (both
 * below), a segment of r bytes is stored if t + h + e > 8 * r, else it is coded.
 *
 * **Stream.** The bytes 78 01; the blocks; the Adler-32 of all rows. Before a coded segment, if no block is open,
 * the block header; then its tokens; the block stays open. Before a stored segment, if a block is open, its
 * end-of-block code; then one stored block of the segment's bytes. Behind the last segment, if a block is open,
 * its end-of-block code; then an empty last block of the fixed code, the 10 bits 1 1 0 0000000, and 0 bits up to a
 * byte. BFINAL is 0 but for that last block.
 *
 * **Codes.** The block header is that of RFC 1951 3.2.7 with HLIT 29, HDIST 0 and the least HCLEN. The one
 * distance code has the length 1, so distance 1 is the bit 0. All 287 lengths, in order, are one sequence, in
 * which a length is given by itself and then, while at least 3 more of the same follow, by symbol 16 for min(6,
 * how many); what is left by itself again. A match of 258 is symbol 285. The lengths of the codes of literals and
 * lengths 0 to 285, one hexadecimal digit each, and below them those of the code of lengths, 0 to 18, by bit
 * depth:
 *
 * 1 bit:
 *   253868a969acaba968bcacccacccabb969bcbccdacccccccacccccccaccccbb969bcbcccbcbcdddcacbccbcccccccdcc
 *   accccddcccccccccabcccdccbcccbbb858bbacccbccdcccbacccccdcccddcccc9ccdcbccccbbccccaccdccccbcccbcb9
 *   79bcccccbccccdccacccccccbcccbcb97abcbcccbcccbcb97abbaca979a97875c7777777776776777667777686895d
 *   0555054444332400400
 *
 * 2 bits:
 *   273698ac6caa6cba99bda7bdccdddccd6cbbdccbbdabbdcd6cbbbcddbddcbcca79bc98bccccdccdd98ac868bbccbdccd
 *   accbdccbdddbddddcdddcccdbddddccd6bbbdccdbbbcbddcdddddcbddbbcddddabccddbcab868cc89dcccddccdd8adca
 *   6abccdddbddcbbcc7dccccbdcddcccbd7ddcddddddd8bdda9abb7bac7dd99777c77778888777867677676777777585
 *   0555054444432300400
 *
 * 4 bits:
 *   2646689ac9abcba966bacbbbcbbbcdaa6b8adbbccaccbcdb6ba8cbbbbccb8bbc6ddd7bccdcdddbcb8bbcbaabcdcdccbb
 *   8bcccaabccddccbb8cccdbbcbcccdbccccccdccbbcccdccb8bbccdddcaabcbbb8bcccdddcaaacbbb8bccdddddbbb7ddd
 *   6cccacccccbab7897adbcccbcccbd98979adccbbdcbbc996699acb99ca886776c77788888788877776777777766784
 *   0550404444432300400
 *
 * 8 bits:
 *   24455678877897889ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
 *   dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
 *   dddddddddddddddddddddddddddddddddddddddddddddddd9887987788765554d77778888788877887778777877774
 *   0440434334000400200
 *
 * A file is no longer than its rows and, beside the 57 + 3 * n_colors bytes of the frame, 8 bytes, 6 for each segment
 * and 12 for each IDAT chunk.
 */
#ifndef TALLOW_PNG_H
#define TALLOW_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_png_coding {
  TLW_PNG_FAST = 0,  /* Tallow's own */
  TLW_PNG_SMALL = 1, /* filter Up, libdeflate's level 6; the library is looked for at run time */
  TLW_PNG_LIBPNG = 2 /* libpng's filter Up (None for a single row), zlib's level 6 */
} tlw_png_coding;

/* Raised whenever TLW_PNG_FAST gives other bytes for an image. */
#define TLW_PNG_FAST_VERSION 2

typedef struct tlw_png_options {
  size_t struct_size;    /* set by tlw_png_options_init */
  tlw_png_coding coding; /* default TLW_PNG_FAST */
} tlw_png_options;

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_png_options_init(tlw_png_options *options);

/* An indexed image in the caller's memory. */
typedef struct tlw_png_image {
  const uint8_t *pixels; /* row y, column x at pixels[y * row_stride + x]; each less than n_colors */
  size_t row_stride;     /* bytes, at least width */
  int32_t width;         /* 1 to 16384 */
  int32_t height;        /* 1 to 16384 */
  const uint8_t *rgb;    /* n_colors red, green, blue triples */
  int32_t n_colors;      /* 1 to 256 */
} tlw_png_image;

/* Bytes that tlw_png_encode may need at most for such an image, in any coding; 0 if a side is out of range. */
TLW_API size_t tlw_png_bound(int32_t width, int32_t height);

/*
 * Encodes to memory. options may be NULL: the defaults. Writes at most capacity bytes to out and the length to *size.
 * Beside out it takes 75 to 150 KB of memory; TLW_PNG_SMALL the rows twice and about 790 KB; TLW_PNG_LIBPNG about 420
 * KB.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_BUDGET: capacity is too small (bytes: tlw_png_bound); TLW_ERR_MEMORY; TLW_ERR_UNAVAILABLE:
 * TLW_PNG_SMALL without libdeflate. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_png_encode(const tlw_png_image *image, const tlw_png_options *options, uint8_t *out,
                                  size_t capacity, size_t *size, tlw_error *error);

/*
 * Encodes to a file. The file appears under path by rename once it is complete, so that a failure or a crash leaves
 * neither a part of it nor harms an older one. A path that is a link is replaced, not followed; a device, pipe or
 * socket is refused. The temporary name is about 20 bytes longer. Data is not forced to disk.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_IO: with errno in native; TLW_ERR_MEMORY; TLW_ERR_UNAVAILABLE: as above. Thread-safety:
 * any thread.
 */
TLW_API tlw_status tlw_png_write(const tlw_png_image *image, const tlw_png_options *options, const char *path,
                                 tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
