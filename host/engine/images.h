/* Images for models on whatever backend the engine has: JKX images by what the backend has for them, others by charts. */
#ifndef TALLOW_ENGINE_IMAGES_H
#define TALLOW_ENGINE_IMAGES_H

#include "draw.h"
#include "engine.h"
#include "tallow/buffer.h"

/* Images to draw. Its functions are called within the operation. */
struct tlw_images_source {
  int64_t n;
  uint64_t size; /* bytes of an image */
  const void *context;

  /* JKX: what all groups of images share; columns only where rows are read in place. */
  struct tlw_images_job job;
  uint64_t rows_each; /* bytes that the copied rows of a window take, at most; 0: rows are read in place */
  /*
   * Lists the windows of n images from `first` on. With rows_each it copies their rows to `rows`, which has n times as
   * much, and points the job's columns there; the result is the bytes that were copied.
   */
  uint64_t (*list)(const void *context, int64_t first, int64_t n, tlk_jkx_window *windows, double *rows,
                   struct tlw_images_job *job);

  /* Charts, in place of all that, or NULL. Rows of their candles are those that `place` gives. */
  const struct tlw_source *charts;
  void (*place)(const void *context, int64_t first, int64_t n, int64_t *offsets, int64_t *counts);
  /* Makes image i of its pixels, which are the last bytes of its memory. Any thread. */
  void (*expand)(const void *context, int64_t i, uint8_t *image);
  /* For backends that do so where the images are: their form, and as in tlw_render_tensor. */
  tlk_image image;
  const uint32_t (*inks)[TLK_IMAGE_INKS];
};

/*
 * A whole operation: draws the images into host memory, or into a new buffer. A lack of memory is met by trimming, by
 * smaller pieces and by a fallback first, which begins anew in a buffer of the next backend.
 */
tlw_status tlw_engine_images(tlw_engine *engine, const struct tlw_images_source *source, uint8_t *images,
                             tlw_error *error);
tlw_status tlw_engine_images_to_buffer(tlw_engine *engine, const struct tlw_images_source *source, tlw_buffer *buffer,
                                       tlw_error *error);

/* Within an operation: what images keep for the next ones, in bytes, and gives it back. */
uint64_t tlw_images_held(const tlw_engine *engine);
void tlw_images_relieve(tlw_engine *engine);

/* ---- for the files that draw them ---- */

/* An operation under way. */
struct tlw_images_work {
  const struct tlw_images_source *source;
  int64_t next;    /* image that is to be drawn */
  int64_t most;    /* images of a group, at most */
  uint8_t *images; /* NULL: they go to a buffer */
  tlw_buffer buffer;
  struct tlw_part part;
  bool goes_by_host; /* the backend can't make images of charts where they are to be */
  int retired;       /* backends that had given way when the buffer was made */
  bool has_room;     /* other operations keep nothing any more */
  bool is_tight;     /* the buffer has a slab that is no larger than it must be */
};

/* Whether a fallback has taken the buffer away. */
bool tlw_images_lost_buffer(const tlw_engine *engine, const struct tlw_images_work *work);

/* Images of the next group where each needs so many bytes of host memory, 1 or more. */
int64_t tlw_images_group(const tlw_engine *engine, const struct tlw_images_work *work, uint64_t each);

/* Memory for what is listed of a group's images, and `bytes` for `what` in another block that images keep. */
tlw_status tlw_images_reserve(tlw_engine *engine, uint64_t listed, struct tlw_block *beside, uint64_t bytes,
                              const char *what, tlw_error *error);

/* Draws the next charts, one or more, and moves on behind them; with a lost buffer nothing has been written. */
tlw_status tlw_images_draw_charts(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error);

#endif
