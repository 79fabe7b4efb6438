/* What the codings of PNG files have in common: the picture at hand, where its bytes go, and the chunks of a file. */
#ifndef TALLOW_IO_PNG_CODER_H
#define TALLOW_IO_PNG_CODER_H

#include <stdbool.h>

#include "png_encoder.h"

#define TLW_PNG_MOST_COLORS 256
#define TLW_PNG_AROUND_DATA 12u /* length, type and sum of a chunk */

/* A file on its way. */
struct tlw_png_job {
  struct tlw_memory *memory; /* or NULL */
  int32_t width, height, n_colors;
  const uint8_t *rgb; /* until the coding has begun */
  int32_t y;          /* of the next row */
  tlw_png_take_fn take;
  void *context;
  tlw_error failure; /* the code is TLW_OK before there is one */
};

/* A coding. Failures go to job->failure; after one only end is called. */
struct tlw_png_coder {
  /* Bytes of the state. */
  size_t (*state_size)(int32_t width, int32_t height, int32_t n_colors);
  /* Bytes that are counted beside the state. */
  uint64_t (*beside)(void);
  size_t (*bound)(int32_t width, int32_t height, int32_t n_colors);
  /* Everything up to the first data. The state is aligned to TLW_MEMORY_ALIGN, and its content is unspecified. */
  void (*begin)(void *state, struct tlw_png_job *job);
  /* Rows from job->y on, which it moves on. The last of the image completes the file. */
  void (*rows)(void *state, struct tlw_png_job *job, const uint8_t *pixels, size_t row_stride, int32_t rows);
  /* Also after a begin that failed. */
  void (*end)(void *state, struct tlw_png_job *job);
};

extern const struct tlw_png_coder tlw_png_fast, tlw_png_small, tlw_png_libpng;

/* As tlw_png_encoder_begin_rows and _end_rows, of the state of tlw_png_fast. */
void tlw_png_fast_begin_rows(void *state, const struct tlw_png_job *job, struct tlw_png_rows *rows);
void tlw_png_fast_end_rows(void *state, struct tlw_png_job *job);

/* TLW_ERR_UNAVAILABLE: there is no libdeflate. */
tlw_status tlw_png_small_check(tlw_error *error);

/* 1, 2, 4 or 8. */
int tlw_png_depth(int32_t n_colors);

/* Bytes of the rows with their filter bytes. */
size_t tlw_png_raw_size(int32_t width, int32_t height, int32_t n_colors);

/* Bytes of a file beside its IDAT chunks. */
size_t tlw_png_frame_size(int32_t n_colors);

/* Hands bytes to the taker. false: it failed. */
bool tlw_png_give(struct tlw_png_job *job, const uint8_t *bytes, size_t size);

/* Signature, IHDR and PLTE; IEND. */
bool tlw_png_give_head(struct tlw_png_job *job);
bool tlw_png_give_end(struct tlw_png_job *job);

/* A chunk of size bytes: 8 bytes before data and 4 behind it are for what stands around it. */
bool tlw_png_give_data(struct tlw_png_job *job, uint8_t *data, uint32_t size);

/* Of a row in which a pixel is no colour. */
void tlw_png_fail_pixel(struct tlw_png_job *job, const uint8_t *row);

#endif
