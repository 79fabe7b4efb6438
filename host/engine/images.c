#include "images.h"

#include "aim.h"
#include "buffers.h"
#include "host/base/least.h"
#include "loads.h"
#include "relief.h"
#include "state.h"

/* Windows of a group: enough that threads or a device are kept busy, few enough that lists of them are small. */
#define GROUP ((int64_t)1 << 14)
#define DEVICE_GROUP ((int64_t)1 << 17)
#define GROUP_ROWS ((uint64_t)8 << 20) /* bytes of rows that are copied for it, about */

#define LIST "a list of windows"

/* ---- what is kept ---- */

static uint64_t held_by(const struct tlw_block *block) { return block->data ? tlw_memory_counted(block->size) : 0; }

uint64_t tlw_images_held(const tlw_engine *engine) {
  const struct tlw_images_kept *kept = &engine->images_kept;
  const uint64_t team = kept->team ? tlw_memory_counted(tlw_team_size(tlw_team_threads(kept->team))) : 0;
  return held_by(&kept->windows) + held_by(&kept->rows) + held_by(&kept->pixels) + team;
}

void tlw_images_relieve(tlw_engine *engine) {
  struct tlw_images_kept *kept = &engine->images_kept;
  struct tlw_memory *memory = &engine->services.memory;
  tlw_block_free(memory, &kept->windows);
  tlw_block_free(memory, &kept->rows);
  tlw_block_free(memory, &kept->pixels);
  tlw_team_close(&kept->team);
}

/* ---- groups ---- */

int64_t tlw_images_group(const tlw_engine *engine, const struct tlw_images_work *work, uint64_t each) {
  const struct tlw_memory *memory = &engine->services.memory;
  const int64_t left = work->source->n - work->next;
  const uint64_t enough = (uint64_t)(engine->executor->ops->draws_anywhere ? GROUP : DEVICE_GROUP);
  uint64_t n = tlw_least_of((uint64_t)left, tlw_least_of((uint64_t)work->most, enough));
  if (memory->budget != UINT64_MAX) {
    /* Half of what there is, so that the backend finds room too. */
    const uint64_t used = tlw_gauge_read(&memory->bytes).current - tlw_images_held(engine);
    const uint64_t room = memory->budget > used ? memory->budget - used : 0;
    n = tlw_least_of(n, tlw_most_of(1, room / 2 / each));
  }
  return (int64_t)n;
}

tlw_status tlw_images_reserve(tlw_engine *engine, uint64_t listed, struct tlw_block *beside, uint64_t bytes,
                              const char *what, tlw_error *error) {
  struct tlw_block *kept = &engine->images_kept.windows;
  struct tlw_memory *memory = &engine->services.memory;
  const bool has_listed = kept->size >= listed, has_beside = beside->size >= bytes;
  if (has_listed && has_beside) return TLW_OK;
  if (!has_listed) tlw_block_free(memory, kept);
  if (!has_beside) tlw_block_free(memory, beside);
  const uint64_t all = (has_listed ? 0 : tlw_memory_counted(listed)) + (has_beside ? 0 : tlw_memory_counted(bytes));
  tlw_status status = tlw_memory_check(memory, all, bytes ? what : LIST, error);
  if (status == TLW_OK) status = tlw_block_reserve(memory, kept, listed, LIST, error);
  if (status == TLW_OK && bytes) status = tlw_block_reserve(memory, beside, bytes, what, error);
  return status;
}

static tlw_status draw_group(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  const struct tlw_images_source *source = work->source;
  const struct tlw_executor *executor = engine->executor;
  uint64_t n = (uint64_t)tlw_images_group(engine, work, sizeof(tlk_jkx_window) + source->rows_each);
  if (source->rows_each) n = tlw_least_of(n, tlw_most_of(1, GROUP_ROWS / source->rows_each));
  tlw_status status = tlw_images_reserve(engine, n * sizeof(tlk_jkx_window), &engine->images_kept.rows,
                                         n * source->rows_each, "contiguous columns", error);
  if (status != TLW_OK) return status;
  tlk_jkx_window *windows = engine->images_kept.windows.data;
  struct tlw_images_job job = source->job;
  const uint64_t copied =
      source->list(source->context, work->next, (int64_t)n, windows, engine->images_kept.rows.data, &job);
  tlw_engine_add(&engine->copied, copied);
  job.windows = windows;
  job.n = (int64_t)n;
  job.images = work->images ? work->images + (uint64_t)work->next * source->size : NULL;
  job.part = work->part;
  job.offset = (uint64_t)work->next * source->size;
  if (job.reasons) job.reasons += work->next;
  struct tlw_telemetry *telemetry = &engine->services.telemetry;
  tlw_telemetry_lap(telemetry, TLW_STAGE_PREPARE, job.n, copied);
  status = executor->ops->images(executor->state, &job, engine->work_limit, error);
  if (!executor->ops->draws_anywhere) tlw_telemetry_skip(telemetry);
  if (status == TLW_OK) work->next += (int64_t)n;
  return status;
}

/* ---- buffers ---- */

bool tlw_images_lost_buffer(const tlw_engine *engine, const struct tlw_images_work *work) {
  return !work->images && (work->buffer.id == 0 || work->retired != engine->n_retired);
}

/* A buffer of the backend that there is now, in which all begins anew. */
static tlw_status take_buffer(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  struct tlw_pool *pool = engine->executor->ops->pool(engine->executor->state);
  const uint64_t size = (uint64_t)work->source->n * work->source->size, slab_size = pool->slab_size;
  work->next = 0;
  work->buffer.id = 0;
  work->retired = engine->n_retired;
  if (work->is_tight) pool->slab_size = TLW_POOL_ALIGN;
  const tlw_status status = tlw_buffer_take(engine, size, &work->buffer, error);
  pool->slab_size = slab_size;
  if (status == TLW_OK) tlw_buffer_find(engine, work->buffer, &work->part);
  return status;
}

static tlw_status draw_some(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  const tlw_status status = tlw_images_lost_buffer(engine, work) ? take_buffer(engine, work, error) : TLW_OK;
  if (status != TLW_OK) return status;
  return work->source->charts ? tlw_images_draw_charts(engine, work, error) : draw_group(engine, work, error);
}

/* ---- budgets ---- */

/* Gives the buffer back, with its slab, which may be larger than it must be. */
static bool tighten(tlw_engine *engine, struct tlw_images_work *work) {
  work->is_tight = true;
  tlw_buffer_drop(engine, work->buffer);
  work->buffer.id = 0;
  return tlw_relief_room(engine);
}

/* Whether the next group may be smaller. */
static bool shrink(tlw_engine *engine, struct tlw_images_work *work) {
  if (work->most == 1 || tlw_images_lost_buffer(engine, work)) return false;
  work->most = work->most > 4 ? work->most / 4 : 1;
  tlw_images_relieve(engine);
  return true;
}

/* Begins to economise anew where the device is to go on with what the CPU beside it has no room for. */
static bool leave_cpu(tlw_engine *engine, struct tlw_images_work *work) {
  work->most = DEVICE_GROUP;
  work->has_room = false;
  return tlw_aim_leave_cpu(engine);
}

/* Whether what exceeded a budget may be tried again. */
static bool economise(tlw_engine *engine, struct tlw_images_work *work) {
  if (!work->has_room) {
    work->has_room = true;
    return tlw_relief_room(engine);
  }
  if (!work->images && !work->is_tight) return tighten(engine, work);
  return shrink(engine, work) || leave_cpu(engine, work);
}

static tlw_status draw_all(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  engine->services.host_reserve = 0;
  tlw_status status = TLW_OK;
  bool trimmed = false, again = true;
  while (again && (work->next < work->source->n || tlw_images_lost_buffer(engine, work))) {
    status = draw_some(engine, work, error);
    if (status == TLW_ERR_BUDGET)
      again = economise(engine, work);
    else if (status != TLW_OK)
      again = tlw_relief_try(engine, status, &trimmed, error);
  }
  if (!engine->lost) tlw_engine_judge(engine, status, error); /* what draws charts has done it */
  return status;
}

/* ---- the operation ---- */

/* What is left on a device is drawn there. */
static void aim(tlw_engine *engine, const struct tlw_images_work *work) {
  if (!work->images || !tlw_aim_has_choice(engine)) return;
  const struct tlw_load load = tlw_load_of_images(work->source);
  tlw_aim(engine, &load, 1);
}

static tlw_status run(tlw_engine *engine, struct tlw_images_work *work, tlw_error *error) {
  const uint64_t n = (uint64_t)work->source->n;
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_telemetry_begin(&engine->services.telemetry, TLW_OP_IMAGES);
  tlw_error failure;
  aim(engine, work);
  status = draw_all(engine, work, &failure);
  if (status == TLW_OK) tlw_engine_add(&engine->images, n);
  if (status != TLW_OK && work->buffer.id) tlw_buffer_drop(engine, work->buffer);
  tlw_engine_note(engine, TLW_OP_IMAGES, begun, n * work->source->size, (int64_t)n, status);
  tlw_engine_end(engine);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_engine_images(tlw_engine *engine, const struct tlw_images_source *source, uint8_t *images,
                             tlw_error *error) {
  struct tlw_images_work work = {.source = source, .most = DEVICE_GROUP, .images = images};
  if (source->n == 0) return TLW_OK;
  return run(engine, &work, error);
}

tlw_status tlw_engine_images_to_buffer(tlw_engine *engine, const struct tlw_images_source *source, tlw_buffer *buffer,
                                       tlw_error *error) {
  struct tlw_images_work work = {.source = source, .most = DEVICE_GROUP};
  const tlw_status status = run(engine, &work, error);
  if (status == TLW_OK) *buffer = work.buffer;
  return status;
}
