#include "png_encoder.h"

#include "host/base/error.h"
#include "host/base/heap.h"
#include "png_coder.h"

#define WHAT "encoding a PNG image"

struct tlw_png_encoder {
  struct tlw_png_job job;
  const struct tlw_png_coder *coder;
  size_t size;     /* of all of this */
  uint64_t beside; /* that are counted */
  void *state;
  uint8_t bytes[];
};

static const struct tlw_png_coder *coder_of(tlw_png_coding coding) {
  static const struct tlw_png_coder *const coders[] = {&tlw_png_fast, &tlw_png_small, &tlw_png_libpng};
  return coders[coding];
}

/* Memory is aligned where it is counted, and only to max_align_t where not. */
static size_t size_of(const struct tlw_png_coder *coder, int32_t width, int32_t height, int32_t n_colors) {
  return sizeof(struct tlw_png_encoder) + TLW_MEMORY_ALIGN + coder->state_size(width, height, n_colors);
}

uint64_t tlw_png_encoder_bytes(tlw_png_coding coding, int32_t width, int32_t height, int32_t n_colors) {
  const struct tlw_png_coder *coder = coder_of(coding);
  const uint64_t beside = coder->beside();
  return tlw_memory_counted(size_of(coder, width, height, n_colors)) + (beside > 0 ? tlw_memory_counted(beside) : 0);
}

size_t tlw_png_encoder_bound(tlw_png_coding coding, int32_t width, int32_t height, int32_t n_colors) {
  return coder_of(coding)->bound(width, height, n_colors);
}

tlw_status tlw_png_coding_check(tlw_png_coding coding, tlw_error *error) {
  if (coding != TLW_PNG_FAST && coding != TLW_PNG_SMALL && coding != TLW_PNG_LIBPNG)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "coding is %d: it must be TLW_PNG_FAST, TLW_PNG_SMALL or TLW_PNG_LIBPNG",
                    (int)coding);
  return coding == TLW_PNG_SMALL ? tlw_png_small_check(error) : TLW_OK;
}

/* Counts all that the encoder needs, before it allocates any of it. */
static struct tlw_png_encoder *allocate(struct tlw_memory *memory, size_t size, uint64_t beside, tlw_error *failure) {
  if (memory && beside > 0) {
    const uint64_t all = tlw_memory_counted(size) + tlw_memory_counted(beside);
    if (tlw_memory_check(memory, all, WHAT, failure) != TLW_OK) return NULL;
    if (tlw_memory_claim(memory, beside, WHAT, failure) != TLW_OK) return NULL;
  }
  struct tlw_png_encoder *e = tlw_heap_alloc(memory, size, WHAT, failure);
  if (!e && memory && beside > 0) tlw_memory_return(memory, beside);
  return e;
}

/* Begins a file in memory that is there. What went wrong is in its job. */
static void begin(struct tlw_png_encoder *e, const struct tlw_png_coder *coder, const tlw_png_image *image,
                  struct tlw_memory *memory, tlw_png_take_fn take, void *context) {
  *e = (struct tlw_png_encoder){.coder = coder};
  e->job = (struct tlw_png_job){.memory = memory,
                                .width = image->width,
                                .height = image->height,
                                .n_colors = image->n_colors,
                                .rgb = image->rgb,
                                .take = take,
                                .context = context};
  const size_t beyond = (uintptr_t)e->bytes % TLW_MEMORY_ALIGN;
  e->state = e->bytes + (beyond > 0 ? TLW_MEMORY_ALIGN - beyond : 0);
  coder->begin(e->state, &e->job);
}

tlw_status tlw_png_encoder_open(struct tlw_png_encoder **encoder, const tlw_png_image *image, tlw_png_coding coding,
                                struct tlw_memory *memory, tlw_png_take_fn take, void *context, tlw_error *error) {
  *encoder = NULL;
  const struct tlw_png_coder *coder = coder_of(coding);
  const size_t size = size_of(coder, image->width, image->height, image->n_colors);
  const uint64_t beside = coder->beside();
  tlw_error failure;
  struct tlw_png_encoder *e = allocate(memory, size, beside, &failure);
  if (e) {
    begin(e, coder, image, memory, take, context);
    e->size = size;
    e->beside = beside;
    failure = e->job.failure;
    if (failure.code != TLW_OK) tlw_png_encoder_close(&e);
  }
  *encoder = e;
  if (e) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

size_t tlw_png_encoder_placed_size(int32_t width, int32_t height, int32_t n_colors) {
  return size_of(&tlw_png_fast, width, height, n_colors);
}

tlw_status tlw_png_encoder_place(struct tlw_png_encoder **encoder, void *memory, const tlw_png_image *image,
                                 tlw_png_take_fn take, void *context, tlw_error *error) {
  struct tlw_png_encoder *e = memory;
  begin(e, &tlw_png_fast, image, NULL, take, context);
  *encoder = e;
  if (e->job.failure.code != TLW_OK && error) *error = e->job.failure;
  return e->job.failure.code;
}

tlw_status tlw_png_encoder_rows(struct tlw_png_encoder *encoder, const uint8_t *pixels, size_t row_stride, int32_t rows,
                                tlw_error *error) {
  struct tlw_png_job *job = &encoder->job;
  if (job->failure.code == TLW_OK) encoder->coder->rows(encoder->state, job, pixels, row_stride, rows);
  if (job->failure.code != TLW_OK && error) *error = job->failure;
  return job->failure.code;
}

void tlw_png_encoder_begin_rows(struct tlw_png_encoder *encoder, struct tlw_png_rows *rows) {
  tlw_png_fast_begin_rows(encoder->state, &encoder->job, rows);
}

tlw_status tlw_png_encoder_end_rows(struct tlw_png_encoder *encoder, tlw_error *error) {
  struct tlw_png_job *job = &encoder->job;
  tlw_png_fast_end_rows(encoder->state, job);
  if (job->failure.code != TLW_OK && error) *error = job->failure;
  return job->failure.code;
}

void tlw_png_encoder_close(struct tlw_png_encoder **encoder) {
  if (!encoder || !*encoder) return;
  struct tlw_png_encoder *e = *encoder;
  struct tlw_memory *memory = e->job.memory;
  e->coder->end(e->state, &e->job);
  if (memory && e->beside > 0) tlw_memory_return(memory, e->beside);
  tlw_heap_free(memory, e, e->size);
  *encoder = NULL;
}
