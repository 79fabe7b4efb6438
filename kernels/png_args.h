/*
 * Arguments of the PNG kernels, which run one after the other on the pixels of a batch: count, place, write, join. They
 * make what lies in the IDAT chunks; what stands around these is the host's.
 */
#ifndef TLK_PNG_ARGS_H
#define TLK_PNG_ARGS_H

#include "core/png.h"

typedef struct {
  tlk_u64 pixels;   /* of the charts, `height` rows of `pitch` bytes each */
  tlk_u64 rows;     /* between kernels: tlk_png_row by chart, then row */
  tlk_u64 segments; /* likewise: tlk_png_segment by chart, then segment */
  tlk_u64 streams;  /* tlk_png_stream by chart */
  tlk_u64 files;    /* `stride` bytes a chart, the first `frame` of which stand before the data of the first IDAT */
  tlk_u64 stride;
  tlk_u32 width, height, pitch, table, frame;
  tlk_u32 n_rows; /* of all charts */
} tlk_png_args;

/* What the stream of a chart comes to. Shared with the host. */
typedef struct {
  tlk_u32 size; /* bytes */
  tlk_u32 adler;
} tlk_png_stream;

/* What stands around the tokens or bytes of a row. */
#define TLK_PNG_IS_STORED 1u  /* bytes, not tokens */
#define TLK_PNG_HAS_ZLIB 2u   /* the stream's header, in front of all else */
#define TLK_PNG_HAS_END 4u    /* before a stored segment: the end of the open block */
#define TLK_PNG_HAS_HEADER 8u /* of a block; of a stored segment, where the row is stored */
#define TLK_PNG_HAS_LAST 16u  /* behind: the last block and the sum */
#define TLK_PNG_ENDS_OPEN 32u /* behind: before the last block the end of the open one */

/* A row of a chart. Its bits reach to those of the next, with what stands around it. */
typedef struct {
  tlk_u64 start;       /* bit of the stream */
  tlk_u64 second;      /* what it adds to the second sum of Adler-32, not reduced; and to the first */
  tlk_u32 first, bits; /* bits: of its tokens */
  tlk_u32 kind;        /* TLK_PNG_ flags */
  tlk_u32 shared;      /* what it has of the byte that it begins within, and, from bit 8 on, that it ends within */
} tlk_png_row;

typedef struct {
  tlk_u64 start, tokens; /* bits of the stream: its first, and that of the first row's tokens or bytes */
  tlk_u32 bits, kind;
} tlk_png_segment;

#define TLK_PNG_ZLIB 0x0178u /* a window of 32 KiB, the quickest level */
#define TLK_PNG_ZLIB_BITS 16u

/* Lanes of a group. */
#define TLK_PNG_ROW_LANES 64    /* count, write: one group a row */
#define TLK_PNG_PLACE_LANES 128 /* one group a chart */
#define TLK_PNG_JOIN_LANES 64   /* one lane a row */

/* Byte i of the stream in the file, behind the frame. */
#define TLK_PNG_AROUND_CHUNK 12u
TLK_FN tlk_u64 tlk_png_place_of(tlk_png_args a, tlk_u64 i) {
  return a.frame + i / TLK_PNG_CHUNK_SIZE * (TLK_PNG_CHUNK_SIZE + TLK_PNG_AROUND_CHUNK) + i % TLK_PNG_CHUNK_SIZE;
}

#endif
