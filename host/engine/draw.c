#include "draw.h"

#include <string.h>

#include "aim.h"
#include "host/base/error.h"
#include "host/base/least.h"
#include "host/cpu/columns.h"
#include "state.h"

/* More host memory than this makes a slot no faster: it is well above what a GPU does in the time of a launch. */
#define MOST_SLOT_BYTES ((uint64_t)32 << 20)

/* A piece of fewer pixels costs more to launch than to draw. */
#define LEAST_PIECE_PIXELS ((int64_t)1 << 18)

#define COLUMNS 6 /* open, high, low, close, volume, time */

static uint64_t image_bytes(const tlk_layout *layout) { return (uint64_t)layout->width * (uint64_t)layout->height; }

static uint64_t merged_bytes(const tlk_layout *layout) {
  return TLK_MERGED_COLUMNS * (uint64_t)layout->plot_width * sizeof(double);
}

/* ---- shares ---- */

static bool is_aligned(const void *column) { return (uintptr_t)column % sizeof(double) == 0; }

/* Whether columns can be read as the backends read them. */
static bool are_prices_direct(const tlw_candles *c) {
  return c->type == TLW_TYPE_F64 && (c->stride == 0 || c->stride == sizeof(double)) && is_aligned(c->open) &&
         is_aligned(c->high) && is_aligned(c->low) && is_aligned(c->close) && is_aligned(c->volume);
}

static bool is_time_direct(const tlw_candles *c) {
  return !c->time || ((c->time_stride == 0 || c->time_stride == sizeof(int64_t)) && is_aligned(c->time));
}

static bool is_contiguous(const tlw_candles *c) { return are_prices_direct(c) && is_time_direct(c); }

/* Notes of a chart that are made before it is drawn; 0: the backend makes them itself, or there are none. */
static uint64_t notes_bytes(const tlw_engine *engine, const tlk_layout *layout) {
  return engine->executor->ops->draws_anywhere ? 0 : tlk_notes_size(*layout);
}

static uint64_t sheet_bytes(const struct tlw_source *source) {
  return source->sheet ? 0 : (uint64_t)source->layout.sheet_size;
}

static uint64_t counted(uint64_t size) { return size > 0 ? tlw_memory_counted(size) : 0; }

/* Bytes of a slot for the text and lines of so many whole charts. */
static uint64_t text_bytes(const tlw_engine *engine, const struct tlw_source *source, uint64_t charts) {
  return counted(charts * notes_bytes(engine, &source->layout)) + counted(sheet_bytes(source));
}

/* Host memory that a chart drawn in bands needs beside its rows. */
static uint64_t band_bytes(const struct tlw_source *source) {
  const tlk_layout *layout = &source->layout;
  const uint64_t notes = counted(tlk_notes_size(*layout));
  if (source->merged) return notes;
  return notes + tlw_memory_counted(merged_bytes(layout)) +
         tlw_memory_counted(tlw_cpu_columns_size(layout->plot_width));
}

/* Bytes of host memory that could still be taken if `held` were given back. */
static uint64_t host_room(const tlw_engine *engine, uint64_t held) {
  const struct tlw_memory *memory = &engine->services.memory;
  const uint64_t used = tlw_gauge_read(&memory->bytes).current - held;
  return memory->budget > used ? memory->budget - used : 0;
}

static tlw_status refuse_host(const tlw_engine *engine, uint64_t missing, tlw_error *error) {
  const uint64_t budget = engine->services.memory.budget, enough = budget + missing;
  return tlw_fail_budget(error, enough,
                         "a host memory budget of %llu bytes is too small for a chart: set it to %llu or more",
                         (unsigned long long)budget, (unsigned long long)enough);
}

bool tlw_draw_has_files(const tlw_engine *engine) { return engine->executor->ops->prepare_files != NULL; }

tlw_status tlw_draw_share(tlw_engine *engine, const struct tlw_source *source, bool in_place,
                          const struct tlw_wish *wish, struct tlw_share *share, tlw_error *error) {
  const tlk_layout *layout = &source->layout;
  tlw_aim_yield(engine);
  const struct tlw_backend_ops *ops = engine->executor->ops;
  struct tlw_backend_state *state = engine->executor->state;
  *share = (struct tlw_share){wish->slots, MOST_SLOT_BYTES};
  engine->services.host_reserve = 0;
  const uint64_t text = counted(sheet_bytes(source)), held = wish->held;
  if (in_place && ops->draws_anywhere && is_contiguous(&source->candles)) {
    share->slots = 1;
    return ops->prepare(state, layout, wish->has_sheet ? 0 : text, error);
  }
  const uint64_t row = tlw_memory_counted((uint64_t)layout->width) + text;
  /* What slots hold already can become slots again, but nothing else. */
  const uint64_t firm = band_bytes(source) + wish->beside, leave = firm + row;
  const uint64_t left = row > held ? leave - held : firm;
  const tlw_status status = (wish->files ? ops->prepare_files : ops->prepare)(state, layout, left, error);
  if (status != TLW_OK || engine->services.memory.budget == UINT64_MAX) return status;
  const uint64_t shared = ops->least_host(state, layout), needed = leave + shared;
  uint64_t room = host_room(engine, held);
  /* Slabs that were taken when there was more. */
  if (room < needed + needed / 2 && ops->trim(state, false, NULL) == TLW_OK) {
    tlw_aim_relieve(engine);
    room = host_room(engine, held);
  }
  if (room < needed && tlw_aim_is_at_cpu(engine) && tlw_aim_trim(engine) == TLW_OK) room = host_room(engine, held);
  const uint64_t now = host_room(engine, 0);
  if (room < needed || now < firm)
    return refuse_host(engine, tlw_most_of(needed > room ? needed - room : 0, firm > now ? firm - now : 0), error);
  /* Half of what is left, so that slabs and the threads' scratch find room too. */
  const uint64_t extra = (room - needed) / 2;
  share->slots = (uint32_t)tlw_least_of(wish->slots, 1 + extra / row);
  share->bytes = tlw_least_of(MOST_SLOT_BYTES, row + extra / share->slots / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN);
  const uint64_t planned = band_bytes(source) + wish->beside + share->slots * share->bytes;
  const uint64_t used = tlw_gauge_read(&engine->services.memory.bytes).current - held;
  const uint64_t slabs = shared > 0 ? tlw_gauge_read(&engine->services.device_bytes).current : 0;
  engine->services.host_reserve = used > slabs ? used - slabs + planned : planned;
  return TLW_OK;
}

tlw_status tlw_draw_leave(tlw_engine *engine, const tlk_layout *layout, uint64_t leave, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  engine->services.host_reserve = 0;
  tlw_aim_relieve(engine);
  tlw_status status = executor->ops->trim(executor->state, false, error);
  if (status == TLW_OK) status = executor->ops->prepare(executor->state, layout, leave, error);
  tlw_engine_judge(engine, status, error);
  return status;
}

/* Charts that are worth a launch. */
static int64_t worthwhile(const tlk_layout *layout) {
  const int64_t image = (int64_t)image_bytes(layout);
  return (LEAST_PIECE_PIXELS + image - 1) / image;
}

/* The share that leaves as many for each of the lanes, and then others. */
static int64_t even_share(int64_t left, uint32_t lanes) { return left / (2 * (int64_t)lanes) + 1; }

static int64_t of_a_job(int64_t n, int64_t left) {
  const int64_t limit = left < TLW_JOB_SERIES ? left : TLW_JOB_SERIES;
  return n < limit ? n : limit;
}

int64_t tlw_draw_grain(const tlk_layout *layout, int64_t left, uint32_t lanes) {
  const int64_t even = even_share(left, lanes), least_charts = worthwhile(layout);
  return of_a_job(even > least_charts ? even : least_charts, left);
}

int64_t tlw_draw_cpu_grain(const tlk_layout *layout, int64_t left, uint32_t lanes, uint32_t threads, uint32_t each) {
  const int64_t least_charts = worthwhile(layout), cached = (int64_t)threads * each;
  int64_t n = cached > least_charts ? cached : least_charts;
  /* A single lane has nobody to leave some for. */
  const int64_t even = even_share(left, lanes);
  if (lanes > 1 && even < n) n = even > least_charts ? even : least_charts;
  return of_a_job((n + threads - 1) / threads * threads, left);
}

/* ---- memory of a slot ---- */

uint64_t tlw_draw_held(const struct tlw_slot *slot) {
  uint64_t held = 0;
  if (slot->staging.data) held += tlw_memory_counted(slot->staging.size);
  if (slot->gathered.data) held += tlw_memory_counted(slot->gathered.size);
  if (slot->sheet.data) held += tlw_memory_counted(slot->sheet.size);
  if (slot->notes.data) held += tlw_memory_counted(slot->notes.size);
  return held;
}

static void release_staging(tlw_engine *engine, struct tlw_slot *slot) {
  if (!slot->staging.data) return;
  if (slot->staged_by.ops)
    slot->staged_by.ops->staging_close(slot->staged_by.state, &slot->staging);
  else
    tlw_block_free(&engine->services.memory, &slot->staging);
}

void tlw_draw_release(tlw_engine *engine, struct tlw_slot *slot) {
  release_staging(engine, slot);
  tlw_block_free(&engine->services.memory, &slot->gathered);
  tlw_block_free(&engine->services.memory, &slot->sheet);
  tlw_block_free(&engine->services.memory, &slot->notes);
}

void tlw_draw_end(tlw_engine *engine, struct tlw_cursor *cursor) {
  tlw_block_free(&engine->services.memory, &cursor->merged);
  tlw_block_free(&engine->services.memory, &cursor->notes);
}

/* Memory of another backend will do where any does. */
static tlw_status reserve_staging(tlw_engine *engine, struct tlw_slot *slot, uint64_t size, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  const bool usable = slot->staged_by.state == executor->state || executor->ops->draws_anywhere;
  if (slot->staging.data && usable && slot->staging.size >= size) return TLW_OK;
  release_staging(engine, slot);
  slot->staged_by = (struct tlw_owner){0};
  /* The CPU beside a device may be closed before the slot is. */
  if (tlw_aim_is_at_cpu(engine))
    return tlw_block_reserve(&engine->services.memory, &slot->staging, size, "drawn charts", error);
  slot->staged_by = (struct tlw_owner){executor->ops, executor->state};
  return executor->ops->staging_open(executor->state, &slot->staging, size, error);
}

/* ---- rows ---- */

/* The rows that some series lie in, and the sum of their lengths. */
struct span {
  int64_t begin, end, sum;
};

static void widen(struct span *span, const tlk_series *series) {
  if (series->count == 0) return;
  span->sum += series->count;
  if (series->begin < span->begin) span->begin = series->begin;
  if (series->begin + series->count > span->end) span->end = series->begin + series->count;
}

/* Series that overlap are copied together, those with many rows of no series in between one by one. */
static bool is_dense(const tlw_candles *c, struct span span) {
  return are_prices_direct(c) || span.end - span.begin <= span.sum;
}

/* Times that could be used as they are go along with prices that are copied one by one. */
static bool copies_time(const tlw_candles *c, bool dense) { return c->time && !(dense && is_time_direct(c)); }

static uint64_t gathered_bytes(const tlw_candles *c, struct span span) {
  if (is_contiguous(c) || span.sum == 0) return 0;
  const bool dense = is_dense(c, span);
  const uint64_t columns = (are_prices_direct(c) ? 0u : 4u + (c->volume != NULL)) + copies_time(c, dense);
  return columns * (uint64_t)(dense ? span.end - span.begin : span.sum) * sizeof(double);
}

/* Copies n rows of the columns that are to be copied to row `at` of the job's. */
static void gather_rows(const tlw_candles *c, bool dense, int64_t first, int64_t n, const struct tlw_render_job *job,
                        int64_t at) {
  const void *const sources[] = {c->open, c->high, c->low, c->close, c->volume};
  const double *const targets[] = {job->open, job->high, job->low, job->close, job->volume};
  for (size_t i = 0; i < sizeof sources / sizeof *sources && !are_prices_direct(c); i++)
    if (sources[i]) tlw_cpu_gather((double *)targets[i] + at, sources[i], c->type, c->stride, first, n);
  if (copies_time(c, dense)) tlw_cpu_gather_time((int64_t *)job->time + at, c->time, c->time_stride, first, n);
}

/* Points the job at its gathered columns, n rows each, and at row `first` of the others. */
static void place_columns(const tlw_candles *c, bool dense, double *gathered, int64_t first, int64_t n,
                          struct tlw_render_job *job) {
  const double **const prices[] = {&job->open, &job->high, &job->low, &job->close, &job->volume};
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
    if (!*prices[i]) continue;
    *prices[i] = are_prices_direct(c) ? *prices[i] + first : gathered;
    if (!are_prices_direct(c)) gathered += n;
  }
  if (job->time) job->time = copies_time(c, dense) ? (const int64_t *)gathered : job->time + first;
}

/*
 * Copies what can't be used as it is. The job then has its rows from row 0 on: all that the span covers, or, where
 * nothing is used as it is, each series behind the one before.
 */
static void gather(tlw_engine *engine, const tlw_candles *c, struct span span, struct tlw_slot *slot,
                   struct tlw_render_job *job) {
  const bool dense = is_dense(c, span);
  place_columns(c, dense, slot->gathered.data, dense ? span.begin : 0, dense ? span.end - span.begin : span.sum, job);
  if (dense) gather_rows(c, dense, span.begin, span.end - span.begin, job, 0);
  int64_t at = 0;
  for (int64_t i = 0; i < job->n_series; i++) {
    tlk_series *series = &slot->series[i];
    if (!dense) gather_rows(c, dense, series->begin, series->count, job, at);
    series->begin = !dense ? at : series->count ? series->begin - span.begin : 0;
    at += series->count;
  }
  tlw_engine_add(&engine->copied, gathered_bytes(c, span));
}

static void use_columns(const tlw_candles *c, struct tlw_render_job *job) {
  job->open = c->open;
  job->high = c->high;
  job->low = c->low;
  job->close = c->close;
  job->volume = c->volume;
  job->time = c->time;
}

/* Waits until nothing in flight reads the merged candles. What the last piece came to stays in its ticket. */
static tlw_status await_merged(tlw_engine *engine, struct tlw_cursor *cursor, tlw_error *error) {
  struct tlw_slot *slot = cursor->newest_band;
  cursor->newest_band = NULL;
  if (!slot || !slot->ticket.number) return TLW_OK;
  const tlw_status status = slot->drawn_by.ops->wait(slot->drawn_by.state, &slot->ticket, error);
  tlw_engine_judge(engine, status, NULL);
  return status == TLW_ERR_DEVICE_LOST ? status : TLW_OK;
}

/* Merges all rows of the chart at the cursor on the host. */
static tlw_status reduce(tlw_engine *engine, struct tlw_cursor *cursor, tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const tlw_candles *c = &source->candles;
  struct tlw_memory *memory = &engine->services.memory;
  const struct tlw_cpu_tier *tier;
  tlw_status status = tlw_cpu_tier(&tier, error);
  if (status == TLW_OK) status = source->shape(source, cursor->next, &cursor->shape, error);
  if (status == TLW_OK)
    status = tlw_block_reserve(memory, &cursor->merged, merged_bytes(&source->layout), "merged candles", error);
  if (status != TLW_OK) return status;
  struct tlw_block state = {0};
  status = tlw_block_reserve(memory, &state, tlw_cpu_columns_size(source->layout.plot_width), "merging", error);
  if (status != TLW_OK) return status;
  struct tlw_cpu_columns *columns =
      tlw_cpu_columns_begin(state.data, tier, &source->layout, &cursor->shape, c->volume != NULL);
  tlw_cpu_columns_add(columns, c, cursor->shape.begin, cursor->shape.count);
  tlw_cpu_columns_end(columns, cursor->merged.data);
  tlw_block_free(memory, &state);
  tlw_engine_add(&engine->reduced, (uint64_t)cursor->shape.count);
  if (!are_prices_direct(c))
    tlw_engine_add(&engine->copied, (4u + (c->volume != NULL)) * (uint64_t)cursor->shape.count * sizeof(double));
  return TLW_OK;
}

/* ---- pieces ---- */

/* A job whose pixels go to the raster where there is one. */
static void aim(struct tlw_slot *slot, const tlw_raster *raster, const tlk_layout *layout, int64_t first, int32_t y0) {
  slot->first = first;
  slot->y0 = y0;
  slot->files = (struct tlw_render_files){0};
  if (raster) {
    slot->row_stride = raster->row_stride;
    slot->image_stride = raster->image_stride;
    slot->pixels = raster->pixels + (size_t)first * raster->image_stride + (size_t)y0 * raster->row_stride;
  } else {
    slot->row_stride = (size_t)layout->width;
    slot->image_stride = (size_t)layout->width * (size_t)layout->height;
    slot->pixels = slot->staging.data;
  }
}

/* A job that gives files in staging. */
static void make_files(struct tlw_slot *slot, const struct tlw_render_files *files, struct tlw_render_job *job) {
  slot->files = *files;
  slot->files.bytes = slot->staging.data;
  job->files = &slot->files;
}

static tlw_status submit(tlw_engine *engine, struct tlw_slot *slot, struct tlw_render_job *job, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  job->pixels = slot->pixels;
  job->row_stride = slot->row_stride;
  job->image_stride = slot->image_stride;
  struct tlw_telemetry *telemetry = &engine->services.telemetry;
  tlw_telemetry_lap(telemetry, TLW_STAGE_PREPARE, job->n_series, 0);
  const int64_t begun = telemetry->mark;
  slot->ticket = (struct tlw_ticket){0};
  slot->drawn_by = (struct tlw_owner){executor->ops, executor->state};
  const tlw_status status = executor->ops->draw(executor->state, job, &slot->ticket, error);
  if (status != TLW_OK) slot->n = 0;
  if (!executor->ops->draws_anywhere) tlw_telemetry_skip(telemetry);
  const uint64_t bytes = (uint64_t)job->n_series * (uint64_t)job->layout.width * (uint64_t)(job->y1 - job->y0);
  tlw_engine_note(engine, TLW_OP_DRAW, begun, bytes, job->n_series, status);
  return status;
}

/*
 * How many whole charts fit the share, their shapes in the slot; 0: none. A series that has no shape ends the piece
 * before it, or fails where it is the first.
 */
static tlw_status take_whole(const tlw_engine *engine, const struct tlw_cursor *cursor, struct tlw_slot *slot,
                             uint64_t bytes, uint64_t per_chart, bool to_staging, int64_t *n, struct span *span,
                             tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const uint64_t pixels = to_staging ? image_bytes(&source->layout) : 0;
  *span = (struct span){INT64_MAX, 0, 0};
  int64_t limit = cursor->end - cursor->next;
  if (limit > TLW_JOB_SERIES) limit = TLW_JOB_SERIES;
  for (*n = 0; *n < limit; ++*n) {
    tlk_series *series = &slot->series[*n];
    const tlw_status status = source->shape(source, cursor->next + *n, series, error);
    if (status != TLW_OK) return *n ? TLW_OK : status;
    struct span wider = *span;
    widen(&wider, series);
    const uint64_t charts = (uint64_t)*n + 1;
    const uint64_t needed = tlw_memory_counted(charts * pixels) + tlw_memory_counted(charts * per_chart) +
                            tlw_memory_counted(gathered_bytes(&source->candles, wider)) +
                            text_bytes(engine, source, charts);
    if (needed > bytes) break;
    *span = wider;
  }
  return TLW_OK;
}

static struct tlw_render_job job_of(const struct tlw_cursor *cursor, const tlk_series *series, int64_t n) {
  const struct tlw_source *source = cursor->source;
  return (struct tlw_render_job){.layout = source->layout,
                                 .series = series,
                                 .n_series = n,
                                 .y0 = 0,
                                 .y1 = source->layout.height,
                                 .note = source->note,
                                 .source = source,
                                 .first = cursor->next};
}

static tlw_status make_sheet(tlw_engine *engine, struct tlw_slot *slot, struct tlw_render_job *job, tlw_error *error) {
  const struct tlw_source *source = job->source;
  const uint64_t size = sheet_bytes(source);
  job->sheet = source->sheet;
  if (size == 0) return TLW_OK;
  const tlw_status status = tlw_block_reserve(&engine->services.memory, &slot->sheet, size, "text", error);
  if (status != TLW_OK) return status;
  source->make_sheet(source->options, &source->layout, slot->sheet.data);
  job->sheet = slot->sheet.data;
  return TLW_OK;
}

static tlw_status make_notes(tlw_engine *engine, struct tlw_slot *slot, struct tlw_render_job *job, tlw_error *error) {
  const uint64_t each = notes_bytes(engine, &job->layout);
  if (each == 0) return TLW_OK;
  const tlw_status status = tlw_block_reserve(&engine->services.memory, &slot->notes, (uint64_t)job->n_series * each,
                                              "labels and lines", error);
  if (status != TLW_OK) return status;
  for (int64_t i = 0; i < job->n_series; i++)
    job->note(job->source, job->first + i, &slot->series[i],
              (tlk_notes *)(void *)((uint8_t *)slot->notes.data + (uint64_t)i * each));
  job->notes = slot->notes.data;
  return TLW_OK;
}

/* What whole charts draw over candles, as far as the backend does not make it. */
static tlw_status make_text(tlw_engine *engine, struct tlw_slot *slot, struct tlw_render_job *job, tlw_error *error) {
  const tlw_status status = make_sheet(engine, slot, job, error);
  return status == TLW_OK ? make_notes(engine, slot, job, error) : status;
}

/* The notes of the chart at the cursor, for all of its bands. */
static tlw_status note_bands(tlw_engine *engine, struct tlw_cursor *cursor, tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const uint64_t size = tlk_notes_size(source->layout);
  if (size == 0) return TLW_OK;
  const tlw_status status =
      tlw_block_reserve(&engine->services.memory, &cursor->notes, size, "labels and lines", error);
  if (status == TLW_OK) source->note(source, cursor->next, &cursor->shape, cursor->notes.data);
  return status;
}

/* Makes ready what all bands of the chart at the cursor are drawn from. */
static tlw_status begin_bands(tlw_engine *engine, struct tlw_cursor *cursor, tlw_error *error) {
  tlw_status status = await_merged(engine, cursor, error);
  if (status != TLW_OK) return status;
  if (cursor->source->merged)
    cursor->shape = cursor->source->merged_shape;
  else
    status = reduce(engine, cursor, error);
  return status == TLW_OK ? note_bands(engine, cursor, error) : status;
}

/* Draws whole charts if at least one fits; *n is 0 otherwise. */
static tlw_status draw_whole(tlw_engine *engine, struct tlw_cursor *cursor, struct tlw_slot *slot,
                             const struct tlw_share *share, const struct tlw_outlet *outlet, int64_t *n,
                             tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const tlw_raster *raster = outlet->raster;
  const struct tlw_executor *executor = engine->executor;
  struct span span;
  const bool has_pixels = !outlet->files && !outlet->tensor;
  tlw_status status = take_whole(engine, cursor, slot, tlw_least_of(share->bytes, engine->work_limit),
                                 outlet->per_chart, !raster && has_pixels, n, &span, error);
  if (status != TLW_OK || *n == 0) return status;
  struct tlw_render_job job = job_of(cursor, slot->series, *n);
  use_columns(&source->candles, &job);
  job.files = outlet->files;
  struct tlw_render_tensor tensor;
  if (outlet->tensor) {
    tensor = *outlet->tensor;
    tensor.offset += (uint64_t)cursor->next * tlk_image_size(tensor.image);
    job.tensor = &tensor;
  }
  *n = job.n_series = executor->ops->fit(executor->state, &job, share->slots, engine->work_limit);
  if (*n == 0) return TLW_OK;
  span = (struct span){INT64_MAX, 0, 0};
  for (int64_t i = 0; i < *n; i++) widen(&span, &slot->series[i]);
  const uint64_t each = outlet->files ? outlet->files->stride : image_bytes(&source->layout);
  if (!raster && !job.tensor) status = reserve_staging(engine, slot, (uint64_t)*n * each, error);
  const uint64_t gathered = gathered_bytes(&source->candles, span);
  if (status == TLW_OK && gathered) {
    status = tlw_block_reserve(&engine->services.memory, &slot->gathered, gathered, "contiguous columns", error);
    if (status == TLW_OK) gather(engine, &source->candles, span, slot, &job);
  }
  if (status == TLW_OK) status = make_text(engine, slot, &job, error);
  if (status != TLW_OK) return status;
  aim(slot, raster, &source->layout, cursor->next, 0);
  if (outlet->files) make_files(slot, outlet->files, &job);
  slot->n = *n;
  slot->y1 = source->layout.height;
  slot->candles = 0;
  for (int64_t i = 0; i < *n; i++) slot->candles += slot->series[i].count;
  status = submit(engine, slot, &job, error);
  if (status == TLW_OK) cursor->next += *n;
  return status;
}

static tlw_status refuse_device(tlw_engine *engine, const tlk_layout *layout, tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  const uint64_t needed = executor->ops->least_device(executor->state, layout);
  const uint64_t room = tlw_pool_room(executor->ops->pool(executor->state));
  const uint64_t missing = needed > room ? needed - room : 0, budget = engine->services.device_budget;
  /* Where the device's memory is the host's, either budget may be the one that is too small. */
  const uint64_t slabs = tlw_gauge_read(&engine->services.device_bytes).current;
  if (executor->ops->least_host(executor->state, layout) > 0 && slabs + needed <= budget)
    return refuse_host(engine, missing, error);
  const uint64_t enough = tlw_most_of(needed, budget / TLW_POOL_ALIGN * TLW_POOL_ALIGN + missing);
  return tlw_fail_budget(error, enough,
                         "a device budget of %llu bytes is too small for a chart: set it to %llu or more",
                         (unsigned long long)budget, (unsigned long long)enough);
}

/* Rows of a band that fit the device in one of so many shares, of fewer where that is too narrow; 0: none. */
static int32_t fit_rows(tlw_engine *engine, const struct tlw_render_job *job, uint32_t shares) {
  const struct tlw_executor *executor = engine->executor;
  int64_t rows = 0;
  for (; rows == 0 && shares > 0; shares--) rows = executor->ops->fit(executor->state, job, shares, engine->work_limit);
  return (int32_t)rows;
}

static tlw_status draw_band(tlw_engine *engine, struct tlw_cursor *cursor, struct tlw_slot *slot,
                            const struct tlw_share *share, const struct tlw_outlet *outlet, tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const tlw_raster *raster = outlet->raster;
  const tlk_layout *layout = &source->layout;
  tlw_status status = cursor->row == 0 ? begin_bands(engine, cursor, error) : TLW_OK;
  if (status != TLW_OK) return status;
  struct tlw_render_job job = job_of(cursor, slot->series, 1);
  slot->series[0] = cursor->shape;
  job.merged = source->merged ? source->merged : cursor->merged.data;
  job.notes = cursor->notes.data;
  const uint64_t text = counted(sheet_bytes(source));
  const uint64_t all = tlw_least_of(share->bytes, engine->work_limit), bytes = all > text ? all - text : 0;
  uint64_t rows = (uint64_t)(layout->height - cursor->row);
  if (!raster) rows = tlw_least_of(rows, tlw_most_of(1, bytes / (uint64_t)layout->width));
  /* A whole chart needs room for what is made of it as well. */
  const uint64_t whole = tlw_memory_counted(image_bytes(layout)) + tlw_memory_counted(outlet->per_chart);
  if (!raster && outlet->per_chart && rows == (uint64_t)layout->height && whole > bytes) rows--;
  job.y0 = cursor->row;
  job.y1 = cursor->row + (int32_t)rows;
  job.y1 = job.y0 + fit_rows(engine, &job, share->slots);
  if (job.y1 == job.y0) return refuse_device(engine, layout, error);
  if (!raster) status = reserve_staging(engine, slot, (uint64_t)(job.y1 - job.y0) * (uint64_t)layout->width, error);
  if (status == TLW_OK) status = make_sheet(engine, slot, &job, error);
  if (status != TLW_OK) return status;
  aim(slot, raster, layout, cursor->next, job.y0);
  slot->n = 1;
  slot->y1 = job.y1;
  slot->candles = job.y1 == layout->height ? cursor->shape.count : 0;
  status = submit(engine, slot, &job, error);
  if (status != TLW_OK) return status;
  cursor->newest_band = slot;
  cursor->row = job.y1 == layout->height ? 0 : job.y1;
  if (cursor->row == 0) cursor->next++;
  return TLW_OK;
}

/* Whether the backend makes files. One that came in place of another has not been told yet to make them ready. */
static bool makes_files(const tlw_engine *engine, const tlk_layout *layout) {
  const struct tlw_executor *executor = engine->executor;
  return tlw_draw_has_files(engine) &&
         (executor->ops->draws_anywhere || executor->ops->prepare_files(executor->state, layout, 0, NULL) == TLW_OK);
}

static tlw_status draw_piece(tlw_engine *engine, struct tlw_cursor *cursor, struct tlw_slot *slot,
                             const struct tlw_share *share, const struct tlw_outlet *outlet, tlw_error *error) {
  struct tlw_outlet to = *outlet;
  /* Pixels can only go where the backend can put them. */
  if (!engine->executor->ops->draws_anywhere) to.raster = NULL;
  if (to.files && !makes_files(engine, &cursor->source->layout)) to.files = NULL;
  if (to.tensor && !engine->executor->ops->prepare_tensors)
    return tlw_fail(error, TLW_ERR_UNAVAILABLE, "this backend makes no images of charts");
  if (cursor->row == 0 && !cursor->source->merged) {
    int64_t n;
    const tlw_status status = draw_whole(engine, cursor, slot, share, &to, &n, error);
    if (status != TLW_OK || n > 0) return status;
  }
  if (to.tensor) return refuse_device(engine, &cursor->source->layout, error);
  return draw_band(engine, cursor, slot, share, &to, error);
}

/* ---- lack of memory ---- */

/* The first limit, and then half of the last, as long as a row of a chart could fit; it is the device's. */
static bool halve(tlw_engine *engine, const tlk_layout *layout) {
  if (tlw_aim_is_at_cpu(engine)) return false;
  const struct tlw_executor *executor = engine->executor;
  const int64_t begun = tlw_ledger_now(&engine->services.ledger);
  const uint64_t room = tlw_pool_room(executor->ops->pool(executor->state));
  const uint64_t limit =
      tlw_least_of(engine->work_limit, tlw_most_of(tlw_least_of(room, MOST_SLOT_BYTES), (uint64_t)1 << 20)) / 2;
  if (limit < tlw_most_of(executor->ops->least_device(executor->state, layout), (uint64_t)layout->width)) return false;
  engine->work_limit = limit;
  tlw_engine_add(&engine->halvings, 1);
  tlw_engine_note(engine, TLW_OP_HALVE, begun, limit, 0, TLW_OK);
  return true;
}

tlw_status tlw_draw_next(tlw_engine *engine, struct tlw_cursor *cursor, struct tlw_slot *slot,
                         const struct tlw_share *share, const struct tlw_outlet *outlet, tlw_error *error) {
  tlw_error failure;
  tlw_status status = draw_piece(engine, cursor, slot, share, outlet, &failure);
  for (bool trimmed = false; status == TLW_ERR_MEMORY; trimmed = true) {
    tlw_draw_release(engine, slot);
    const bool relieved = trimmed ? halve(engine, &cursor->source->layout) || tlw_engine_fall_back(engine, &failure)
                                  : tlw_engine_trim(engine);
    if (!relieved) break;
    status = draw_piece(engine, cursor, slot, share, outlet, &failure);
  }
  tlw_engine_judge(engine, status, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_draw_wait(tlw_engine *engine, struct tlw_slot *slot, const tlk_layout *layout, tlw_error *error) {
  tlw_error failure;
  tlw_status status = slot->ticket.status;
  if (slot->ticket.number) {
    status = slot->drawn_by.ops->wait(slot->drawn_by.state, &slot->ticket, &failure);
    tlw_telemetry_skip(&engine->services.telemetry);
  } else if (status != TLW_OK) {
    failure = slot->ticket.error;
  }
  slot->ticket = (struct tlw_ticket){0};
  tlw_engine_judge(engine, status, &failure);
  if (status != TLW_OK) {
    if (error) *error = failure;
    return status;
  }
  if (slot->y1 == layout->height) tlw_engine_count(engine, slot->n, slot->candles, layout);
  return TLW_OK;
}

uint32_t tlw_draw_threads(const tlw_engine *engine) {
  return engine->executor->ops->draws_anywhere ? engine->services.threads : 0;
}

bool tlw_draw_is_done(const struct tlw_slot *slot) {
  return slot->ticket.number == 0 || slot->drawn_by.ops->is_done(slot->drawn_by.state, &slot->ticket);
}
