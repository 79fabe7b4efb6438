/*
 * Charts as images: a block at a time is drawn into the ends of the images' memory, one byte a pixel, and then made
 * into numbers where it is, from the front on.
 */
#include "images.h"

#include "aim.h"
#include "host/base/least.h"
#include "state.h"

/* Bytes of images that a thread makes at a time, about: they stay in its cache in between. */
#define THREAD_BYTES ((uint64_t)1 << 20)
/* On a device, about. */
#define DEVICE_BYTES ((uint64_t)32 << 20)
/* What is listed of a chart: where its rows begin, and how many they are. */
#define LISTED (2 * sizeof(int64_t))

/* ---- where a block is drawn ---- */

/* The part's memory, where that is the host's; else NULL. */
static uint8_t *memory_of(const tlw_engine *engine, const struct tlw_images_work *work) {
  const struct tlw_executor *executor = engine->executor;
  if (work->images) return work->images;
  if (!executor->ops->draws_anywhere) return NULL;
  const struct tlw_location location = executor->ops->locate(executor->state, &work->part);
  return (uint8_t *)location.data + location.offset;
}

/* Charts of a block; in_place: they need no memory but what is listed of them. */
static int64_t block_of(const tlw_engine *engine, const struct tlw_images_work *work, bool in_place) {
  const struct tlw_images_source *source = work->source;
  const uint32_t threads = tlw_draw_threads(engine);
  const uint64_t each = LISTED + (in_place ? 0 : source->size);
  const uint64_t worthwhile =
      threads ? threads * tlw_most_of(1, THREAD_BYTES / source->size) : tlw_most_of(1, DEVICE_BYTES / source->size);
  return (int64_t)tlw_least_of(worthwhile, (uint64_t)tlw_images_group(engine, work, each));
}

/* What is listed of n charts, and their pixels. */
static tlw_status reserve(tlw_engine *engine, int64_t n, uint64_t pixels, tlw_error *error) {
  return tlw_images_reserve(engine, (uint64_t)n * LISTED, &engine->images_kept.pixels, pixels, "images of charts",
                            error);
}

/* ---- a block ---- */

/* The next n charts. */
static struct tlw_source list(const tlw_engine *engine, const struct tlw_images_work *work, int64_t n) {
  const struct tlw_images_source *source = work->source;
  struct tlw_source charts = *source->charts;
  int64_t *offsets = engine->images_kept.windows.data, *counts = offsets + n;
  source->place(source->context, work->next, n, offsets, counts);
  charts.candles.offsets = offsets;
  charts.candles.counts = counts;
  charts.candles.n_series = n;
  return charts;
}

static tlw_status draw(tlw_engine *engine, const struct tlw_images_work *work, int64_t n, uint8_t *images,
                       tlw_error *error) {
  const struct tlw_images_source *source = work->source;
  const struct tlw_source charts = list(engine, work, n);
  const tlk_layout *layout = &charts.layout;
  const uint64_t pixels = (uint64_t)layout->width * (uint64_t)layout->height;
  const tlw_raster raster = {
      .pixels = images + source->size - pixels,
      .size = (uint64_t)n * source->size - (source->size - pixels),
      .row_stride = (size_t)layout->width,
      .image_stride = source->size,
  };
  return tlw_draw_series(engine, &charts, n, &raster, error);
}

struct expansion {
  const struct tlw_images_source *source;
  int64_t first;
  uint8_t *images;
};

static void expand_one(void *context, uint32_t worker, int64_t item) {
  (void)worker;
  const struct expansion *expansion = context;
  const struct tlw_images_source *source = expansion->source;
  source->expand(source->context, expansion->first + item, expansion->images + (uint64_t)item * source->size);
}

/* The backend's threads, or those that images keep; NULL, where there are none to be had, is one thread. */
static struct tlw_team *team_of(tlw_engine *engine) {
  const uint32_t threads = engine->services.threads;
  struct tlw_team *team = tlw_aim_team(engine), **kept = &engine->images_kept.team;
  if (team) return team;
  if (!*kept && threads > 1) tlw_team_open(kept, threads, &engine->services.memory, NULL);
  return *kept;
}

static void expand(tlw_engine *engine, const struct tlw_images_work *work, int64_t n, uint8_t *images) {
  struct expansion expansion = {work->source, work->next, images};
  struct tlw_team *team = team_of(engine);
  tlw_team_run(team, team ? tlw_team_threads(team) : 1, n, expand_one, &expansion);
}

/* Draws charts whose images the backend makes where they are to be. */
static tlw_status draw_there(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  const struct tlw_images_source *source = work->source;
  const struct tlw_executor *executor = engine->executor;
  const int64_t n = tlw_images_group(engine, work, LISTED);
  const struct tlw_render_tensor tensor = {
      .image = source->image, .inks = source->inks, .part = work->part, .offset = (uint64_t)work->next * source->size};
  if (!executor->ops->prepare_tensors) return TLW_ERR_UNAVAILABLE;
  tlw_status status = executor->ops->prepare_tensors(executor->state, error);
  if (status == TLW_OK) status = reserve(engine, n, 0, error);
  if (status != TLW_OK) return status;
  const struct tlw_source charts = list(engine, work, n);
  status = tlw_draw_tensors(engine, &charts, n, &tensor, error);
  if (status == TLW_OK) work->next += n;
  return status;
}

static bool is_refusal(tlw_status status) {
  return status == TLW_ERR_BUDGET || status == TLW_ERR_MEMORY || status == TLW_ERR_UNAVAILABLE;
}

tlw_status tlw_images_draw_charts(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  const struct tlw_images_source *source = work->source;
  uint8_t *memory = memory_of(engine, work);
  if (!memory && !work->goes_by_host) {
    const tlw_status drawn = draw_there(engine, work, error);
    if (tlw_images_lost_buffer(engine, work)) return TLW_OK;
    if (!is_refusal(drawn)) return drawn;
    work->goes_by_host = true;
  }
  const int64_t n = block_of(engine, work, memory != NULL);
  const uint64_t size = (uint64_t)n * source->size, offset = (uint64_t)work->next * source->size;
  tlw_status status = reserve(engine, n, memory ? 0 : size, error);
  if (status != TLW_OK) return status;
  uint8_t *images = memory ? memory + offset : engine->images_kept.pixels.data;
  status = draw(engine, work, n, images, error);
  if (status != TLW_OK || tlw_images_lost_buffer(engine, work)) return status;
  expand(engine, work, n, images);
  tlw_telemetry_lap(&engine->services.telemetry, TLW_STAGE_COMPUTE, n, size);
  const struct tlw_executor *executor = engine->executor;
  if (!memory) {
    status = executor->ops->write(executor->state, &work->part, offset, images, size, error);
    tlw_telemetry_skip(&engine->services.telemetry);
  }
  if (status == TLW_OK) work->next += n;
  return status;
}
