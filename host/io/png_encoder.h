/*
 * A PNG file made row by row, in memory that does not depend on its height but for TLW_PNG_SMALL. The bytes are those
 * of tlw_png_encode.
 */
#ifndef TALLOW_IO_PNG_ENCODER_H
#define TALLOW_IO_PNG_ENCODER_H

#include "host/base/memory.h"
#include "png_tier.h"
#include "tallow/png.h"

struct tlw_png_encoder;

/* Takes the next bytes of the file. Anything but TLW_OK, with *error filled, ends the encoding with that code. */
typedef tlw_status (*tlw_png_take_fn)(void *context, const uint8_t *bytes, size_t size, tlw_error *error);

/*
 * Begins a file. All memory comes from memory, which may be NULL: then it is not counted; libdeflate's is counted by
 * its size. image: its pixels and row_stride are not looked at; the palette is not needed later. TLW_ERR_MEMORY,
 * TLW_ERR_BUDGET, TLW_ERR_UNAVAILABLE as tlw_png_coding_check, and what take gives; *encoder is then NULL.
 */
tlw_status tlw_png_encoder_open(struct tlw_png_encoder **encoder, const tlw_png_image *image, tlw_png_coding coding,
                                struct tlw_memory *memory, tlw_png_take_fn take, void *context, tlw_error *error);

/*
 * The next rows, not more than the image has left; after the last the file is complete. TLW_ERR_ARGUMENT: a pixel is
 * no colour; and what tlw_png_encoder_open gives. After a failure every further call gives the same.
 */
tlw_status tlw_png_encoder_rows(struct tlw_png_encoder *encoder, const uint8_t *pixels, size_t row_stride, int32_t rows,
                                tlw_error *error);

/*
 * Begins a file of TLW_PNG_FAST with tlw_png_encoder_placed_size bytes of the caller's memory, aligned to
 * TLW_MEMORY_ALIGN, in place of its own. What was placed there before is forgotten; nothing is to be closed.
 */
tlw_status tlw_png_encoder_place(struct tlw_png_encoder **encoder, void *memory, const tlw_png_image *image,
                                 tlw_png_take_fn take, void *context, tlw_error *error);

/*
 * The next rows of an encoder that was placed, as their filtered bytes: as many as come together. What the caller
 * writes to rows->bytes and ->marks is taken by tlw_png_encoder_end_rows; it must be that of pixels that are colours.
 * As tlw_png_encoder_rows.
 */
void tlw_png_encoder_begin_rows(struct tlw_png_encoder *encoder, struct tlw_png_rows *rows);
tlw_status tlw_png_encoder_end_rows(struct tlw_png_encoder *encoder, tlw_error *error);

/* Enough for palettes of as many colours or fewer. */
size_t tlw_png_encoder_placed_size(int32_t width, int32_t height, int32_t n_colors);

/* NULL, or the address of it, is fine. */
void tlw_png_encoder_close(struct tlw_png_encoder **encoder);

/*
 * Bytes that an encoder of such images counts while it is open, asked for before the first is taken. libpng with a zlib
 * that needs more than any that is known allocates more.
 */
uint64_t tlw_png_encoder_bytes(tlw_png_coding coding, int32_t width, int32_t height, int32_t n_colors);

/* As tlw_png_bound, for sides in range, one coding and a palette of so many colours. */
size_t tlw_png_encoder_bound(tlw_png_coding coding, int32_t width, int32_t height, int32_t n_colors);

/* TLW_ERR_ARGUMENT: there is no such coding; TLW_ERR_UNAVAILABLE: the library that it needs is missing. */
tlw_status tlw_png_coding_check(tlw_png_coding coding, tlw_error *error);

/*
 * As tlw_png_encode, of an image that is right but for its pixels, with tlw_png_encoder_bytes of memory, which may be
 * NULL. TLW_ERR_BUDGET: also if memory has no room for these (bytes: the budget that would do).
 */
tlw_status tlw_png_encode_counted(const tlw_png_image *image, tlw_png_coding coding, struct tlw_memory *memory,
                                  uint8_t *out, size_t capacity, size_t *size, tlw_error *error);

#endif
