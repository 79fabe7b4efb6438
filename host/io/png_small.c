/*
 * Small PNG files, by a libdeflate that is opened at run time. What is needed of its interface is declared here, so
 * that a build does not need it.
 */
#include <pthread.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/library.h"
#include "kernels/core/png.h"
#include "png_coder.h"
#include "png_tier.h"

#define LEVEL 6
#define COMPRESSOR_SIZE 786432u /* version 1.14 takes 668,295 at this level */
#define ROOM 8u                 /* in front of the compressed data and behind them */
#define BLOCK_SIZE 5000u        /* no version begins stored blocks more often */
#define AROUND_BLOCK 5u
#define AROUND_STREAM 16u /* zlib's head and sum, and bytes that libdeflate wants to be free at its end */

struct compressor;

static const char *const names[] = {"libdeflate_alloc_compressor", "libdeflate_zlib_compress",
                                    "libdeflate_free_compressor"};

static struct {
  struct compressor *(*allocate)(int level);
  size_t (*compress)(struct compressor *compressor, const void *in, size_t in_size, void *out, size_t capacity);
  void (*release)(struct compressor *compressor);
} library;

/* Once it is loaded it stays so; until then every file tries again, for it may have been installed. */
tlw_status tlw_png_small_check(tlw_error *error) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool loaded;
  char reason[160];
  pthread_mutex_lock(&lock);
  if (!loaded)
    loaded = tlw_library_load("libdeflate.so.0", "libdeflate", names, sizeof names / sizeof names[0], &library, reason,
                              sizeof reason);
  const bool ready = loaded;
  pthread_mutex_unlock(&lock);
  if (ready) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "small PNG files need libdeflate: install it (package libdeflate0), or choose another coding (%s)",
                  reason);
}

struct small {
  struct compressor *compressor;
  const struct tlw_png_tier *tier;
  uint32_t table, row_size;
  size_t raw_size, capacity;
  uint8_t *packed, *above, *raw, *out;
  uint64_t *edges;
};

static size_t in_blocks(size_t size) { return (size + TLW_PNG_BLOCK - 1) / TLW_PNG_BLOCK * TLW_PNG_BLOCK; }

static size_t stream_bound(size_t raw) { return raw + (raw / BLOCK_SIZE + 1) * AROUND_BLOCK + AROUND_STREAM; }

/* Sizes of the state's parts. */
struct parts {
  size_t row, edges, raw, out;
};

static struct parts measure_parts(int32_t width, int32_t height, int32_t n_colors) {
  const size_t raw = tlw_png_raw_size(width, height, n_colors), row = in_blocks(raw / (size_t)height);
  return (struct parts){row, in_blocks(row / TLW_PNG_BLOCK * sizeof(uint64_t)), in_blocks(raw + TLW_PNG_BLOCK),
                        in_blocks(stream_bound(raw) + 2 * ROOM)};
}

static size_t small_state_size(int32_t width, int32_t height, int32_t n_colors) {
  const struct parts parts = measure_parts(width, height, n_colors);
  return in_blocks(sizeof(struct small)) + 2 * parts.row + parts.edges + parts.raw + parts.out;
}

static uint64_t small_beside(void) { return COMPRESSOR_SIZE; }

static size_t small_bound(int32_t width, int32_t height, int32_t n_colors) {
  const size_t raw = tlw_png_raw_size(width, height, n_colors);
  return tlw_png_frame_size(n_colors) + TLW_PNG_AROUND_DATA + stream_bound(raw);
}

static void small_begin(void *state, struct tlw_png_job *job) {
  struct small *s = state;
  const struct parts parts = measure_parts(job->width, job->height, job->n_colors);
  *s = (struct small){.tier = tlw_png_tier(), .table = tlk_png_table((uint32_t)job->n_colors)};
  if (tlw_png_small_check(&job->failure) != TLW_OK) return;
  s->row_size = tlk_png_row_size((uint32_t)job->width, s->table);
  s->raw_size = (size_t)s->row_size * (size_t)job->height;
  s->capacity = stream_bound(s->raw_size);
  s->packed = (uint8_t *)state + in_blocks(sizeof *s);
  s->above = s->packed + parts.row;
  s->edges = (uint64_t *)(void *)(s->above + parts.row);
  s->raw = s->above + parts.row + parts.edges;
  s->out = s->raw + parts.raw + ROOM;
  memset(s->packed, 0, 2 * parts.row);
  s->compressor = library.allocate(LEVEL);
  if (s->compressor)
    tlw_png_give_head(job);
  else
    tlw_fail(&job->failure, TLW_ERR_MEMORY, "no memory for encoding a PNG image by libdeflate");
}

static void compress_all(struct small *s, struct tlw_png_job *job) {
  const size_t size = library.compress(s->compressor, s->raw, s->raw_size, s->out, s->capacity);
  if (size == 0)
    tlw_fail(&job->failure, TLW_ERR_INTERNAL, "libdeflate did not compress an image into %zu bytes", s->capacity);
  else if (tlw_png_give_data(job, s->out, (uint32_t)size))
    tlw_png_give_end(job);
}

static void small_rows(void *state, struct tlw_png_job *job, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  struct small *s = state;
  for (int32_t i = 0; i < rows; i++, pixels += row_stride) {
    if (!s->tier->pack(s->packed, pixels, (size_t)job->width, s->table, (uint8_t)(job->n_colors - 1))) {
      tlw_png_fail_pixel(job, pixels);
      return;
    }
    uint8_t *row = s->raw + (size_t)job->y++ * s->row_size, *packed = s->packed;
    row[0] = TLK_PNG_FILTER;
    s->tier->filter(row + 1, s->edges, packed, s->above, s->row_size - 1);
    s->packed = s->above;
    s->above = packed;
  }
  if (rows > 0 && job->y == job->height) compress_all(s, job);
}

static void small_end(void *state, struct tlw_png_job *job) {
  struct small *s = state;
  (void)job;
  if (s->compressor) library.release(s->compressor);
}

const struct tlw_png_coder tlw_png_small = {small_state_size, small_beside, small_bound,
                                            small_begin,      small_rows,   small_end};
