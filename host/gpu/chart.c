#include "chart.h"

#include "files.h"
#include "memory.h"
#include "plan.h"
#include "sending.h"

const char *const tlw_chart_kernel_names[TLW_CHART_KERNELS] = {
    [TLW_CHART_MERGE] = "tlk_chart_merge", [TLW_CHART_SCALE] = "tlk_chart_scale",
    [TLW_CHART_AXIS] = "tlk_chart_axis",   [TLW_CHART_COLUMNS] = "tlk_chart_columns",
    [TLW_CHART_PAINT] = "tlk_chart_paint", [TLW_CHART_LINES] = "tlk_chart_lines",
    [TLW_CHART_TEXT] = "tlk_chart_text",
};

/* A piece of work on its way to the device. */
struct work {
  struct tlw_backend_state *state;
  struct tlw_flight *flight;
  const struct tlw_render_job *job;
  struct tlw_plan plan;
  struct tlw_slab slab;
};

static struct tlw_sending sending_of(const struct work *w) {
  return (struct tlw_sending){w->state, &w->slab, w->flight};
}

static tlw_status upload(const struct work *w, uint64_t offset, const void *source, uint64_t size, tlw_error *error) {
  const struct tlw_sending sending = sending_of(w);
  return tlw_send_upload(&sending, offset, source, size, error);
}

/* A column of the job and where it goes. */
struct column {
  uint64_t offset;
  const void *source;
};

#define COLUMNS 6

/* n rows of a column to row `at` of its place. */
static tlw_status upload_part(const struct work *w, const struct column *column, int64_t row, int64_t n, int64_t at,
                              tlw_error *error) {
  const char *source = (const char *)column->source + (size_t)row * sizeof(double);
  return upload(w, column->offset + (uint64_t)at * sizeof(double), source, (uint64_t)n * sizeof(double), error);
}

/* All rows that the series lie in, or those of each behind those of the one before. */
static tlw_status upload_column(const struct work *w, const struct column *column, tlw_error *error) {
  const struct tlw_render_job *job = w->job;
  if (!w->plan.packed) return upload_part(w, column, w->plan.row, w->plan.rows, 0, error);
  tlw_status status = TLW_OK;
  int64_t at = 0;
  for (int64_t i = 0; i < job->n_series && status == TLW_OK; i++) {
    status = upload_part(w, column, job->series[i].begin, job->series[i].count, at, error);
    at += job->series[i].count;
  }
  return status;
}

static tlw_status upload_rows(const struct work *w, tlw_error *error) {
  const struct tlw_render_job *job = w->job;
  const tlk_chart_args *a = &w->plan.args;
  const struct column columns[COLUMNS] = {{a->open, job->open},   {a->high, job->high},     {a->low, job->low},
                                          {a->close, job->close}, {a->volume, job->volume}, {a->time, job->time}};
  tlw_status status = TLW_OK;
  for (int i = 0; i < COLUMNS && status == TLW_OK; i++)
    if (columns[i].source) status = upload_column(w, &columns[i], error);
  return status;
}

/* The table of series, which the device reads rows by. */
static const tlk_series *place_series(const struct work *w) {
  const struct tlw_render_job *job = w->job;
  if (!w->plan.packed) return job->series;
  int64_t at = 0;
  for (int64_t i = 0; i < job->n_series; i++) {
    w->flight->series[i] = job->series[i];
    w->flight->series[i].begin = at;
    at += job->series[i].count;
  }
  return w->flight->series;
}

static tlw_status upload_all(const struct work *w, tlw_error *error) {
  const struct tlw_render_job *job = w->job;
  const tlk_chart_args *a = &w->plan.args;
  const uint64_t merged = TLK_MERGED_COLUMNS * (uint64_t)a->layout.plot_width * sizeof(double);
  const uint64_t charts = (uint64_t)job->n_series;
  tlw_status status = job->merged ? upload(w, a->merged, job->merged, merged, error) : upload_rows(w, error);
  if (status == TLW_OK) status = upload(w, a->sheet, job->sheet, (uint64_t)a->layout.sheet_size, error);
  if (status == TLW_OK) status = upload(w, a->notes, job->notes, charts * tlk_notes_size(a->layout), error);
  if (status == TLW_OK && job->tensor)
    status = upload(w, w->plan.expand.inks, job->tensor->inks, TLK_IMAGE_CHANNELS * sizeof *job->tensor->inks, error);
  if (status != TLW_OK) return status;
  return upload(w, a->series, place_series(w), charts * sizeof(tlk_series), error);
}

static uint32_t groups_for(uint64_t n, uint64_t each) { return (uint32_t)((n + each - 1) / each); }

static tlw_status launch(const struct work *w, enum tlw_chart_kernel kernel, uint32_t groups, uint32_t lanes,
                         tlw_error *error) {
  const struct tlw_sending sending = sending_of(w);
  tlk_chart_args args = w->plan.args;
  args.groups = groups;
  return tlw_send_launch(&sending, TLW_PROGRAM_CHART, (int)kernel, groups * (uint32_t)w->job->n_series, lanes, &args,
                         sizeof args, error);
}

static tlw_status launch_paint(const struct work *w, tlw_error *error) {
  const tlk_chart_args *a = &w->plan.args;
  const uint32_t across = groups_for((uint64_t)a->pitch, TLK_PAINT_LANES * TLK_PAINT_PIXELS);
  const uint32_t down = groups_for((uint64_t)(a->y1 - a->y0), TLK_PAINT_ROWS);
  return launch(w, TLW_CHART_PAINT, across * down, TLK_PAINT_LANES, error);
}

/* Lines are drawn in the rows of the price panel alone. */
static tlw_status launch_lines(const struct work *w, tlw_error *error) {
  const tlk_chart_args *a = &w->plan.args;
  const tlk_layout *layout = &a->layout;
  const int32_t panel_end = layout->price_y + layout->price_height;
  const int32_t top = a->y0 > layout->price_y ? a->y0 : layout->price_y, end = a->y1 < panel_end ? a->y1 : panel_end;
  if (end <= top) return TLW_OK;
  const uint32_t across = groups_for((uint64_t)layout->plot_width, TLK_LINES_LANES);
  const uint32_t down = groups_for((uint64_t)(end - top), TLK_LINES_ROWS);
  return launch(w, TLW_CHART_LINES, across * down, TLK_LINES_LANES, error);
}

static tlw_status launch_all(const struct work *w, tlw_error *error) {
  const tlk_layout *layout = &w->plan.args.layout;
  const uint64_t width = (uint64_t)layout->plot_width;
  const bool has_text = layout->sheet_size > 0;
  tlw_status status = TLW_OK;
  if (!w->job->merged)
    status = launch(w, TLW_CHART_MERGE, groups_for(width, TLK_MERGE_LANES / TLK_SUM_LANES), TLK_MERGE_LANES, error);
  if (status == TLW_OK) status = launch(w, TLW_CHART_SCALE, 1, TLK_SCALE_LANES, error);
  if (status == TLW_OK && has_text) status = launch(w, TLW_CHART_AXIS, 1, TLK_AXIS_LANES, error);
  if (status == TLW_OK)
    status = launch(w, TLW_CHART_COLUMNS, groups_for(width, TLK_COLUMNS_LANES), TLK_COLUMNS_LANES, error);
  if (status == TLW_OK) status = launch_paint(w, error);
  if (status == TLW_OK && layout->n_lines > 0) status = launch_lines(w, error);
  if (status == TLW_OK && has_text) status = launch(w, TLW_CHART_TEXT, 1, TLK_TEXT_LANES, error);
  return status;
}

/* Charts that follow each other row on row come in one copy. */
static tlw_status download_all(const struct work *w, tlw_error *error) {
  const struct tlw_render_job *job = w->job;
  const tlk_chart_args *a = &w->plan.args;
  const struct tlw_sending sending = sending_of(w);
  const uint64_t rows = (uint64_t)(a->y1 - a->y0);
  struct tlw_gpu_download d = {
      .slab = &w->slab,
      .offset = a->pixels,
      .pitch = (uint64_t)a->pitch,
      .target = job->pixels,
      .target_pitch = job->row_stride,
      .width = (uint64_t)a->layout.width,
      .rows = rows,
  };
  if (job->image_stride == rows * job->row_stride || job->n_series == 1) {
    d.rows *= (uint64_t)job->n_series;
    return tlw_send_download(&sending, &d, error);
  }
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < job->n_series && status == TLW_OK; i++) {
    status = tlw_send_download(&sending, &d, error);
    d.offset += d.pitch * rows;
    d.target += job->image_stride;
  }
  return status;
}

/* The images of the charts, to where the job wants them. */
static tlw_status expand_all(const struct work *w, tlw_error *error) {
  const struct tlw_render_tensor *tensor = w->job->tensor;
  const tlk_expand_args *a = &w->plan.expand;
  const struct tlw_sending sending = sending_of(w);
  const uint64_t each = (uint64_t)TLK_EXPAND_LANES * TLK_EXPAND_WORDS * (a->image.is_float ? 4 : 16);
  const struct tlw_gpu_copy copy = {.from = &w->slab,
                                    .from_offset = a->numbers,
                                    .to = &tensor->part.slab,
                                    .to_offset = tensor->part.offset + tensor->offset,
                                    .size = (uint64_t)w->job->n_series * tlk_image_size(a->image)};
  tlw_status status = tlw_send_launch(&sending, TLW_PROGRAM_IMAGES, TLW_IMAGES_EXPAND, groups_for(a->count, each),
                                      TLK_EXPAND_LANES, a, sizeof *a, error);
  if (status == TLW_OK) status = tlw_send_copy(&sending, &copy, error);
  return status == TLW_OK ? tlw_flight_mark(w->state, w->flight, TLW_GPU_COMPUTE, error) : status;
}

static tlw_status enqueue(const struct work *w, tlw_error *error) {
  const struct tlw_sending sending = sending_of(w);
  tlw_status status = upload_all(w, error);
  if (status == TLW_OK) status = tlw_send_hand_over(&sending, TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, error);
  if (status == TLW_OK) status = launch_all(w, error);
  if (status == TLW_OK && w->job->tensor) return expand_all(w, error);
  if (status == TLW_OK && w->job->files) {
    status = tlw_gpu_files_make(w->state, w->flight, w->job, &w->plan.png, &w->slab, error);
    return status == TLW_OK ? tlw_flight_mark(w->state, w->flight, TLW_GPU_COMPUTE, error) : status;
  }
  if (status == TLW_OK) status = tlw_send_hand_over(&sending, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK) status = download_all(w, error);
  if (status == TLW_OK) status = tlw_flight_mark(w->state, w->flight, TLW_GPU_DOWNLOAD, error);
  return status;
}

int64_t tlw_gpu_chart_fit(struct tlw_backend_state *state, const struct tlw_render_job *job, uint32_t shares,
                          uint64_t limit) {
  tlw_gpu_memory_reserve(state, NULL); /* so that the room is what the driver has; drawing tells where it fails */
  const uint64_t room = tlw_pool_room(&state->pool) / shares;
  return tlw_plan_fit(job, room < limit ? room : limit);
}

tlw_status tlw_gpu_chart_draw(struct tlw_backend_state *state, const struct tlw_render_job *job,
                              struct tlw_ticket *ticket, tlw_error *error) {
  if (job->n_series == 0) return TLW_OK;
  struct work w = {.state = state, .job = job};
  struct tlw_part part;
  tlw_status status = tlw_gpu_memory_reserve(state, error);
  if (status == TLW_OK) status = tlw_flight_take(state, tlw_plan_of(job, 0).size, &w.flight, error);
  if (status != TLW_OK) return status;
  tlw_pool_find(&state->pool, w.flight->part, &part);
  w.slab = part.slab;
  w.plan = tlw_plan_of(job, part.offset);
  w.flight->items = job->n_series;
  tlw_error failure;
  status = enqueue(&w, &failure);
  if (status == TLW_OK) {
    tlw_flight_send(state, w.flight, ticket);
    return TLW_OK;
  }
  status = tlw_flight_drop(state, w.flight, &failure);
  if (error) *error = failure;
  return status;
}
