#include "png_coder.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "host/base/error.h"

#define HEADER_SIZE 13u
#define SIGNATURE_SIZE 8u
#define COLOR_TYPE 3u /* palette */

int tlw_png_depth(int32_t n_colors) {
  int depth = 1;
  while (n_colors > 1 << depth) depth *= 2;
  return depth;
}

size_t tlw_png_raw_size(int32_t width, int32_t height, int32_t n_colors) {
  const size_t row = 1 + ((size_t)width * (size_t)tlw_png_depth(n_colors) + 7) / 8;
  return row * (size_t)height;
}

size_t tlw_png_frame_size(int32_t n_colors) {
  return SIGNATURE_SIZE + 3 * TLW_PNG_AROUND_DATA + HEADER_SIZE + 3 * (size_t)n_colors;
}

bool tlw_png_give(struct tlw_png_job *job, const uint8_t *bytes, size_t size) {
  const tlw_status status = job->take(job->context, bytes, size, &job->failure);
  job->failure.code = status;
  return status == TLW_OK;
}

static uint8_t *put_32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
  return at + 4;
}

/* Completes a chunk whose data is in place. Returns what is behind it. */
static uint8_t *close_chunk(uint8_t *data, const char *type, uint32_t size) {
  put_32(data - 8, size);
  memcpy(data - 4, type, 4);
  return put_32(data + size, (uint32_t)crc32(0, data - 4, size + 4));
}

bool tlw_png_give_head(struct tlw_png_job *job) {
  static const uint8_t signature[SIGNATURE_SIZE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  uint8_t head[SIGNATURE_SIZE + 2 * TLW_PNG_AROUND_DATA + HEADER_SIZE + 3 * TLW_PNG_MOST_COLORS];
  memcpy(head, signature, SIGNATURE_SIZE);
  uint8_t *data = head + SIGNATURE_SIZE + 8;
  uint8_t *at = put_32(put_32(data, (uint32_t)job->width), (uint32_t)job->height);
  *at++ = (uint8_t)tlw_png_depth(job->n_colors);
  *at++ = COLOR_TYPE;
  memset(at, 0, 3); /* compression, filter and interlace methods */
  data = close_chunk(data, "IHDR", HEADER_SIZE) + 8;
  memcpy(data, job->rgb, 3 * (size_t)job->n_colors);
  const uint8_t *end = close_chunk(data, "PLTE", 3 * (uint32_t)job->n_colors);
  return tlw_png_give(job, head, (size_t)(end - head));
}

bool tlw_png_give_end(struct tlw_png_job *job) {
  uint8_t end[TLW_PNG_AROUND_DATA];
  close_chunk(end + 8, "IEND", 0);
  return tlw_png_give(job, end, sizeof end);
}

bool tlw_png_give_data(struct tlw_png_job *job, uint8_t *data, uint32_t size) {
  const uint8_t *end = close_chunk(data, "IDAT", size);
  return tlw_png_give(job, data - 8, (size_t)(end - (data - 8)));
}

void tlw_png_fail_pixel(struct tlw_png_job *job, const uint8_t *row) {
  int32_t x = 0;
  while (row[x] < job->n_colors) x++;
  tlw_fail(&job->failure, TLW_ERR_ARGUMENT,
           "the pixel at column %" PRId32 ", row %" PRId32 " is %d: it must be less than n_colors, %" PRId32, x, job->y,
           row[x], job->n_colors);
}
