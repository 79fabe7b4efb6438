#include "tallow/stream.h"

#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/cpu/columns.h"
#include "host/engine/pipeline.h"
#include "host/io/png_encoder.h"
#include "layout.h"
#include "notes.h"
#include "prices.h"
#include "slots.h"
#include "source.h"

/* A series that comes in chunks. */
struct series {
  bool open;
  bool by_time;
  int64_t n_rows;
  int64_t last_time; /* of the newest row */
  uint64_t step;     /* the least positive difference of times so far; 0: none */
  tlw_time_range range;
  tlw_chart_options chart;
  struct tlw_batch batch;
  struct tlw_block state;
  struct tlw_cpu_columns *columns; /* in the state */
  struct tlw_chunk_notes *notes;   /* of the batch; NULL: the chart has neither time labels nor lines */
};

struct tlw_stream {
  struct tlw_pipeline *pipeline;
  struct series series;
};

void tlw_stream_options_init(tlw_stream_options *options) {
  *options = (tlw_stream_options){.struct_size = sizeof *options, .slots = 3, .encoders = TLW_THREADS_AUTO};
}

static tlw_status check_options(const tlw_stream_options *o, tlw_error *error) {
  if (!o) return tlw_fail(error, TLW_ERR_ARGUMENT, "options is NULL: a stream needs a sink");
  if (o->struct_size != sizeof *o)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu, not %zu: call tlw_stream_options_init first",
                    o->struct_size, sizeof *o);
  if (o->format != TLW_STREAM_RASTER && o->format != TLW_STREAM_PNG)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.format is %d: it must be TLW_STREAM_RASTER or TLW_STREAM_PNG",
                    (int)o->format);
  if (o->slots < 2 || o->slots > 4)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.slots is %u: it must be 2 to 4", o->slots);
  if (o->encoders != TLW_THREADS_AUTO && (o->encoders < 1 || o->encoders > TLW_THREADS_MAX))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.encoders is %u: it must be 1 to %u, or TLW_THREADS_AUTO",
                    o->encoders, TLW_THREADS_MAX);
  if (o->digest != 0 && o->digest != 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.digest is %d: it must be 0 or 1", (int)o->digest);
  if (o->digest && o->format != TLW_STREAM_PNG)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.digest is 1: it needs options.format TLW_STREAM_PNG");
  if (!o->sink) return tlw_fail(error, TLW_ERR_ARGUMENT, "options.sink is NULL");
  return tlw_png_coding_check(o->coding, error);
}

static tlw_status check_engines(tlw_engine *const *engines, size_t n, tlw_error *error) {
  if (!engines) return tlw_fail(error, TLW_ERR_ARGUMENT, "engines is NULL");
  if (n < 1 || n > TLW_STREAM_ENGINES_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_engines is %zu: it must be 1 to %d", n, TLW_STREAM_ENGINES_MAX);
  for (size_t i = 0; i < n; i++) {
    if (!engines[i]) return tlw_fail(error, TLW_ERR_ARGUMENT, "engines[%zu] is NULL", i);
    for (size_t j = 0; j < i; j++)
      if (engines[i] == engines[j])
        return tlw_fail(error, TLW_ERR_ARGUMENT, "engines[%zu] and engines[%zu] are the same", j, i);
  }
  return TLW_OK;
}

/* Whether the budget has room for a stream, after renders have given back what they keep if need be. */
static tlw_status check_room(tlw_engine *engine, const tlw_stream_options *options, tlw_error *error) {
  const struct tlw_memory *memory = tlw_engine_memory(engine);
  const uint64_t bytes = tlw_memory_counted(sizeof(tlw_stream)) + tlw_pipeline_bytes(engine, options);
  if (tlw_memory_check(memory, bytes, "a stream", NULL) == TLW_OK) return TLW_OK;
  tlw_engine_seize(engine);
  tlw_draw_relieve(engine);
  tlw_engine_end(engine);
  return tlw_memory_check(memory, bytes, "a stream", error);
}

tlw_status tlw_stream_open(tlw_stream **out, tlw_engine *const *engines, size_t n_engines,
                           const tlw_stream_options *options, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "stream is NULL: pass the address of a tlw_stream pointer");
  *out = NULL;
  tlw_status status = check_options(options, error);
  if (status == TLW_OK) status = check_engines(engines, n_engines, error);
  for (size_t i = 0; i < n_engines && status == TLW_OK; i++) {
    status = tlw_engine_begin(engines[i], error);
    if (status == TLW_OK) tlw_engine_end(engines[i]);
  }
  if (status != TLW_OK) return status;
  tlw_error failure;
  struct tlw_memory *memory = tlw_engine_memory(engines[0]);
  status = check_room(engines[0], options, error);
  if (status != TLW_OK) return status;
  tlw_stream *stream = tlw_memory_alloc(memory, sizeof *stream, "a stream", &failure);
  status = stream ? tlw_pipeline_open(&stream->pipeline, engines, n_engines, options, &failure) : failure.code;
  if (status == TLW_OK) {
    *out = stream;
    return TLW_OK;
  }
  tlw_memory_free(memory, stream, sizeof *stream);
  if (error) *error = failure;
  return status;
}

static tlw_status batch_of(const tlw_candles *candles, const tlw_chart_options *chart, void *user,
                           struct tlw_batch *batch, tlw_error *error) {
  *batch = (struct tlw_batch){.user = user};
  tlw_status status = tlw_source_of(candles, chart, &batch->source, error);
  if (status != TLW_OK) return status;
  batch->n_series = candles->n_series;
  batch->options = *chart;
  return tlw_chart_palette(chart, batch->rgb, &batch->n_colors, error);
}

static tlw_status fail_open_series(const tlw_stream *stream, tlw_error *error) {
  const struct series *s = &stream->series;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "a series of %lld rows has been given %lld: give it the rest first",
                  (long long)s->n_rows, (long long)tlw_cpu_columns_rows(s->columns));
}

static tlw_status missing_stream(tlw_error *error) { return tlw_fail(error, TLW_ERR_ARGUMENT, "stream is NULL"); }

/* Ends a series that is begun; what it had is dropped. */
static void end_series(tlw_stream *stream) {
  struct series *s = &stream->series;
  struct tlw_memory *memory = tlw_engine_memory(tlw_pipeline_engine(stream->pipeline));
  tlw_block_free(memory, &s->state);
  tlw_batch_free(memory, &s->batch);
  s->open = false;
}

/* The failure that ended the stream, before anything else is said about a call. */
static tlw_status check_stream(tlw_stream *stream, tlw_error *error) {
  const tlw_status status = tlw_pipeline_status(stream->pipeline, error);
  if (status != TLW_OK && stream->series.open) end_series(stream);
  return status;
}

/* Memory that what has begun needs, for which earlier charts make room where there is none. */
static tlw_status make_room(tlw_stream *stream, const tlk_layout *layout, uint64_t bytes, const char *what,
                            tlw_error *error) {
  const struct tlw_memory *memory = tlw_engine_memory(tlw_pipeline_engine(stream->pipeline));
  if (tlw_memory_check(memory, bytes, what, NULL) == TLW_OK) return TLW_OK;
  const tlw_status status = tlw_pipeline_relieve(stream->pipeline, layout, bytes, error);
  return status == TLW_OK ? tlw_memory_check(memory, bytes, what, error) : status;
}

static tlw_status push(tlw_stream *stream, const struct tlw_batch *batch, bool wait, tlw_error *error) {
  if (batch->n_series > 0) return tlw_pipeline_push(stream->pipeline, batch, wait, error);
  struct tlw_callback callback;
  tlw_pipeline_enter(stream->pipeline, &callback);
  if (batch->release) batch->release(batch->user);
  tlw_engine_leave(&callback);
  return TLW_OK;
}

tlw_status tlw_stream_push(tlw_stream *stream, const tlw_candles *candles, const tlw_chart_options *chart,
                           tlw_release_fn release, void *user, tlw_error *error) {
  if (!stream) return missing_stream(error);
  tlw_status status = check_stream(stream, error);
  if (status != TLW_OK) return status;
  if (stream->series.open) return fail_open_series(stream, error);
  struct tlw_batch batch;
  status = batch_of(candles, chart, user, &batch, error);
  if (status != TLW_OK) return status;
  batch.release = release;
  return push(stream, &batch, !release, error);
}

/* ---- a series in chunks ---- */

static tlw_status check_range(const tlw_time_range *range, int64_t n_rows, tlw_error *error) {
  if (!range)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "range is NULL: a chart with TLW_AXIS_TIME needs it before the first row");
  if (range->last < range->first || range->step == 0 || (n_rows == 1 && range->last != range->first))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "range goes from %lld to %lld by %llu: that is not possible for %lld rows",
                    (long long)range->first, (long long)range->last, (unsigned long long)range->step,
                    (long long)n_rows);
  return TLW_OK;
}

static tlw_status check_series(const tlw_stream *stream, int64_t n_rows, const tlw_time_range *range,
                               const tlw_chart_options *chart, tlw_error *error) {
  if (stream->series.open) return fail_open_series(stream, error);
  if (n_rows < 1 || n_rows > TLW_SERIES_MAX_ROWS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_rows is %lld: it must be 1 to %lld", (long long)n_rows,
                    (long long)TLW_SERIES_MAX_ROWS);
  tlk_layout layout;
  const tlw_status status = tlw_layout_of(chart, &layout, error);
  if (status != TLW_OK) return status;
  return chart->axis == TLW_AXIS_TIME ? check_range(range, n_rows, error) : TLW_OK;
}

/* Bytes of what a series in chunks needs. */
struct needs {
  uint64_t merged, state, notes, sheet;
};

static struct needs needs_of(const tlk_layout *layout) {
  return (struct needs){.merged = TLK_MERGED_COLUMNS * (uint64_t)layout->plot_width * sizeof(double),
                        .state = tlw_cpu_columns_size(layout->plot_width),
                        .notes = tlk_notes_size(*layout) > 0 ? tlw_chunk_notes_size(layout) : 0,
                        .sheet = (uint64_t)layout->sheet_size};
}

static uint64_t counted(uint64_t size) { return size > 0 ? tlw_memory_counted(size) : 0; }

/* All of it, for which earlier charts make room where there is none. */
static tlw_status reserve_series(tlw_stream *stream, const tlk_layout *layout, tlw_error *error) {
  struct series *s = &stream->series;
  struct tlw_memory *memory = tlw_engine_memory(tlw_pipeline_engine(stream->pipeline));
  const struct needs needs = needs_of(layout);
  const uint64_t all = counted(needs.merged) + counted(needs.state) + counted(needs.notes) + counted(needs.sheet);
  tlw_status status = make_room(stream, layout, all, "a series in chunks", error);
  if (status == TLW_OK) status = tlw_block_reserve(memory, &s->batch.merged, needs.merged, "merged candles", error);
  if (status == TLW_OK) status = tlw_block_reserve(memory, &s->state, needs.state, "merging", error);
  if (status == TLW_OK && needs.notes > 0)
    status = tlw_block_reserve(memory, &s->batch.notes, needs.notes, "labels and lines", error);
  if (status == TLW_OK && needs.sheet > 0)
    status = tlw_block_reserve(memory, &s->batch.sheet, needs.sheet, "text", error);
  return status;
}

/* Makes the text before any row is there, so that the texts of the options are not needed any more. */
static void make_sheet(struct series *s) {
  struct tlw_source *source = &s->batch.source;
  if (s->batch.sheet.data) {
    source->make_sheet(&s->chart, &source->layout, s->batch.sheet.data);
    source->sheet = s->batch.sheet.data;
  }
  s->chart.title = s->chart.price_name = s->chart.volume_name = s->chart.time_name = NULL;
  s->chart.lines = NULL;
  s->batch.options = s->chart;
}

static void begin_notes(struct series *s, const tlk_layout *layout) {
  if (!s->batch.notes.data) return;
  s->notes = tlw_chunk_notes_begin(s->batch.notes.data, layout);
  s->batch.source.chunk_notes = s->notes;
}

static void add_notes(struct series *s, const tlw_candles *candles) {
  if (!s->notes) return;
  tlw_chunk_notes_add(s->notes, candles, &s->batch.source.merged_shape, tlw_cpu_columns_rows(s->columns));
}

tlw_status tlw_stream_series(tlw_stream *stream, int64_t n_rows, const tlw_time_range *range,
                             const tlw_chart_options *chart, void *user, tlw_error *error) {
  if (!stream) return missing_stream(error);
  tlw_status status = check_stream(stream, error);
  if (status == TLW_OK) status = check_series(stream, n_rows, range, chart, error);
  if (status != TLW_OK) return status;
  struct series *s = &stream->series;
  *s = (struct series){.n_rows = n_rows, .chart = *chart, .by_time = chart->axis == TLW_AXIS_TIME};
  tlw_candles none;
  tlw_candles_init(&none);
  status = batch_of(&none, chart, user, &s->batch, error);
  if (status != TLW_OK) return status;
  const tlk_layout *layout = &s->batch.source.layout;
  tlk_series *shape = &s->batch.source.merged_shape;
  tlw_slots_by_index(n_rows, shape);
  if (s->by_time) {
    s->range = *range;
    s->last_time = range->first;
    tlw_slots_by_time(range->first, range->last, range->step, shape);
  }
  tlw_slots_widths(layout->plot_width, shape);

  tlw_error failure;
  const struct tlw_cpu_tier *tier;
  status = tlw_cpu_tier(&tier, &failure);
  if (status == TLW_OK) status = reserve_series(stream, layout, &failure);
  if (status != TLW_OK) {
    tlw_pipeline_fail(stream->pipeline, &failure);
    end_series(stream);
    if (error) *error = failure;
    return status;
  }
  s->columns = tlw_cpu_columns_begin(s->state.data, tier, layout, shape, chart->volume);
  begin_notes(s, layout);
  make_sheet(s);
  s->open = true;
  return TLW_OK;
}

static int64_t time_at(const tlw_candles *candles, int64_t row) {
  const size_t stride = candles->time_stride ? (size_t)candles->time_stride : sizeof(int64_t);
  int64_t time;
  memcpy(&time, (const char *)candles->time + (size_t)row * stride, sizeof time);
  return time;
}

/* Whether the times of the next rows agree with what was announced. */
static tlw_status check_times(struct series *s, const tlw_candles *candles, tlw_error *error) {
  const int64_t before = tlw_cpu_columns_rows(s->columns);
  const tlw_time_range *range = &s->range;
  for (int64_t i = 0; i < candles->n_rows; i++) {
    const int64_t time = time_at(candles, i), row = before + i;
    const uint64_t difference = (uint64_t)time - (uint64_t)s->last_time;
    if (row > 0 && time < s->last_time)
      return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                         "time of row %lld is before that of the row above: sort the rows", (long long)row);
    if (difference > 0 && (s->step == 0 || difference < s->step)) s->step = difference;
    const bool is_last = row == s->n_rows - 1;
    if ((row == 0 && time != range->first) || time > range->last || (is_last && time != range->last) ||
        (s->step > 0 && s->step < range->step) || (is_last && range->step != (s->step > 0 ? s->step : 1)))
      return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                         "time of row %lld does not agree with the range %lld to %lld by %llu of its series",
                         (long long)row, (long long)range->first, (long long)range->last,
                         (unsigned long long)range->step);
    s->last_time = time;
  }
  return TLW_OK;
}

static tlw_status check_rows(tlw_stream *stream, const tlw_candles *candles, tlw_error *error) {
  struct series *s = &stream->series;
  if (!s->open) return tlw_fail(error, TLW_ERR_ARGUMENT, "no series is begun: call tlw_stream_series first");
  if (candles && (candles->offsets || candles->counts))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.%s is not NULL: all rows belong to one series",
                    candles->offsets ? "offsets" : "counts");
  const tlw_status status = tlw_candles_check(candles, &s->chart, error);
  if (status != TLW_OK) return status;
  const int64_t left = s->n_rows - tlw_cpu_columns_rows(s->columns);
  if (candles->n_rows > left)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "candles.n_rows is %lld: the series has %lld rows left",
                    (long long)candles->n_rows, (long long)left);
  return TLW_OK;
}

/* All rows are merged: the chart goes on its way. */
static tlw_status complete(tlw_stream *stream, tlw_error *error) {
  struct series *s = &stream->series;
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  tlw_cpu_columns_end(s->columns, s->batch.merged.data);
  if (s->notes) tlw_chunk_notes_end(s->notes, &s->batch.source);
  s->batch.source.zone = NULL;
  tlw_arithmetic_end(&callers);
  tlw_block_free(tlw_engine_memory(tlw_pipeline_engine(stream->pipeline)), &s->state);
  s->open = false;
  s->batch.n_series = 1;
  tlw_error failure;
  const tlw_status status = tlw_pipeline_push(stream->pipeline, &s->batch, false, &failure);
  s->batch.merged = s->batch.sheet = s->batch.notes = (struct tlw_block){0};
  if (status != TLW_OK && error) *error = failure;
  return status;
}

tlw_status tlw_stream_rows(tlw_stream *stream, const tlw_candles *candles, tlw_error *error) {
  if (!stream) return missing_stream(error);
  tlw_status status = check_stream(stream, error);
  if (status == TLW_OK) status = check_rows(stream, candles, error);
  if (status != TLW_OK) return status;
  struct series *s = &stream->series;
  tlw_error failure;
  if (s->by_time) status = check_times(s, candles, &failure);
  if (status == TLW_OK && s->batch.source.layout.price_scale == TLK_SCALE_LOG)
    status = tlw_prices_above_zero(candles, 0, candles->n_rows, tlw_cpu_columns_rows(s->columns), &failure);
  if (status != TLW_OK) {
    tlw_pipeline_fail(stream->pipeline, &failure);
    end_series(stream);
    if (error) *error = failure;
    return status;
  }
  const int64_t begun = tlw_pipeline_now(stream->pipeline);
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  add_notes(s, candles);
  tlw_cpu_columns_add(s->columns, candles, 0, candles->n_rows);
  tlw_arithmetic_end(&callers);
  tlw_pipeline_tell(stream->pipeline, begun);
  return tlw_cpu_columns_rows(s->columns) == s->n_rows ? complete(stream, error) : TLW_OK;
}

/* ---- the rest ---- */

tlw_status tlw_stream_run(tlw_stream *stream, tlw_producer_fn producer, void *user, tlw_error *error) {
  if (!stream) return missing_stream(error);
  if (!producer) return tlw_fail(error, TLW_ERR_ARGUMENT, "producer is NULL");
  tlw_status status = check_stream(stream, error);
  if (status != TLW_OK) return status;
  if (stream->series.open) return fail_open_series(stream, error);
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  tlw_error failure;
  for (;;) {
    tlw_candles candles;
    tlw_candles_init(&candles);
    candles.n_series = 0;
    failure = (tlw_error){.row = -1, .column = -1};
    struct tlw_batch batch;
    struct tlw_callback callback;
    tlw_pipeline_enter(stream->pipeline, &callback);
    status = producer(user, &candles, &chart, &failure);
    tlw_engine_leave(&callback);
    failure.code = status;
    if (status == TLW_OK && candles.n_series == 0) return TLW_OK;
    if (status == TLW_OK) status = batch_of(&candles, &chart, NULL, &batch, &failure);
    if (status != TLW_OK) break;
    status = push(stream, &batch, true, error);
    if (status != TLW_OK) return status;
  }
  tlw_pipeline_fail(stream->pipeline, &failure);
  return tlw_pipeline_status(stream->pipeline, error);
}

tlw_status tlw_stream_finish(tlw_stream *stream, tlw_error *error) {
  if (!stream) return missing_stream(error);
  if (stream->series.open && check_stream(stream, NULL) == TLW_OK) return fail_open_series(stream, error);
  return tlw_pipeline_finish(stream->pipeline, error);
}

void tlw_stream_stop(tlw_stream *stream) {
  if (stream) tlw_pipeline_stop(stream->pipeline);
}

void tlw_stream_cancel(tlw_stream *stream) {
  if (stream) tlw_pipeline_cancel(stream->pipeline);
}

void tlw_stream_close(tlw_stream **address) {
  if (!address || !*address) return;
  tlw_stream *stream = *address;
  end_series(stream);
  struct tlw_memory *memory = tlw_engine_memory(tlw_pipeline_engine(stream->pipeline));
  tlw_pipeline_close(&stream->pipeline);
  tlw_memory_free(memory, stream, sizeof *stream);
  *address = NULL;
}
