#include "chart.h"

#include "host/base/error.h"
#include "kernels/chart_args.h"

const char *const tlw_chart_kernel_names[TLW_CHART_KERNELS] = {
    [TLW_CHART_MERGE] = "tlk_chart_merge",
    [TLW_CHART_SCALE] = "tlk_chart_scale",
    [TLW_CHART_COLUMNS] = "tlk_chart_columns",
    [TLW_CHART_PAINT] = "tlk_chart_paint",
};

/*
 * A batch is drawn in chunks, each a launch of every kernel. A chunk is some whole charts in one slot, with the next
 * chunk computed in the other slot while this one is downloaded; or, where a chart does not fit so, a single chart in
 * bands of rows, in one slot that may take the whole budget.
 */
struct chunk {
  int64_t first, n;    /* series */
  int64_t row, rows;   /* of the columns */
  int32_t band;        /* rows of pixels at a time */
  tlk_chart_args args; /* offsets in the slab */
  uint64_t size;       /* of the slab */
};

static uint64_t take(uint64_t *offset, uint64_t size) {
  const uint64_t at = *offset;
  *offset += tlw_gpu_slab_size(size);
  return at;
}

static struct chunk plan(const struct tlw_render_job *job, int64_t first, int64_t n, int32_t band) {
  const tlk_layout *layout = &job->layout;
  const tlk_series *last = &job->series[first + n - 1];
  struct chunk c = {.first = first, .n = n, .band = band, .row = job->series[first].begin};
  c.rows = last->begin + last->count - c.row;
  tlk_chart_args *a = &c.args;
  a->layout = *layout;
  a->first = c.row;
  a->has_volume = job->volume != NULL;
  a->pitch = (layout->width + TLK_PAINT_PIXELS - 1) / TLK_PAINT_PIXELS * TLK_PAINT_PIXELS;
  const uint64_t column = (uint64_t)c.rows * sizeof(double), charts = (uint64_t)n;
  const uint64_t width = (uint64_t)layout->plot_width;
  a->pixels = take(&c.size, charts * (uint64_t)a->pitch * (uint64_t)band);
  a->open = take(&c.size, column);
  a->high = take(&c.size, column);
  a->low = take(&c.size, column);
  a->close = take(&c.size, column);
  a->volume = job->volume ? take(&c.size, column) : 0;
  a->time = job->time ? take(&c.size, column) : 0;
  a->series = take(&c.size, charts * sizeof(tlk_series));
  a->merged = take(&c.size, charts * TLK_MERGED_COLUMNS * width * sizeof(double));
  a->scale = take(&c.size, charts * sizeof(tlk_scale));
  a->columns = take(&c.size, charts * width * sizeof(tlk_column));
  return c;
}

/* How a job is cut. */
struct cut {
  int slots;
  uint64_t limit; /* bytes of a slot */
  uint64_t slab;  /* bytes to reserve */
};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Host memory that the engine uses for other things than slabs, where slabs are host memory; else 0. */
static uint64_t host_bytes_beside(const struct tlw_backend_state *state) {
  if (!state->gpu->unified) return 0;
  uint64_t used = tlw_gauge_read(&state->services->memory.bytes).current;
  for (int i = 0; i < TLW_GPU_SLOTS; i++) used -= state->slots[i].slab.size;
  return used;
}

/* Bytes that all slabs together may have. */
static uint64_t room(const struct tlw_backend_state *state) {
  const struct tlw_services *services = state->services;
  if (!state->gpu->unified) return services->device_budget;
  const uint64_t beside = host_bytes_beside(state), budget = services->memory.budget;
  return least(services->device_budget, budget > beside ? budget - beside : 0);
}

static tlw_status refuse(const struct tlw_backend_state *state, uint64_t needed, tlw_error *error) {
  const struct tlw_services *services = state->services;
  const uint64_t largest_slab = state->gpu->largest_slab;
  if (needed > largest_slab)
    return tlw_fail(error, TLW_ERR_MEMORY, "a chart needs %llu bytes in one piece, the device allows %llu: use the cpu",
                    (unsigned long long)needed, (unsigned long long)largest_slab);
  const bool by_host = needed <= services->device_budget;
  const uint64_t budget = by_host ? services->memory.budget : services->device_budget;
  const uint64_t enough = by_host ? needed + host_bytes_beside(state) : needed;
  return tlw_fail_budget(error, enough, "a %s budget of %llu bytes is too small for a chart: set it to %llu or more",
                         by_host ? "host memory" : "device", (unsigned long long)budget, (unsigned long long)enough);
}

uint64_t tlw_gpu_chart_least(const struct tlw_render_job *job) {
  uint64_t size = 0;
  for (int64_t i = 0; i < job->n_series; i++) {
    const uint64_t one_row = plan(job, i, 1, 1).size;
    if (one_row > size) size = one_row;
  }
  return size;
}

static tlw_status cut_job(const struct tlw_backend_state *state, const struct tlw_render_job *job, struct cut *cut,
                          tlw_error *error) {
  const uint64_t largest_slab = state->gpu->largest_slab, all_slabs = room(state);
  const uint64_t limit = least(all_slabs, largest_slab) / TLW_GPU_SLAB_ALIGN * TLW_GPU_SLAB_ALIGN;
  const uint64_t half = least(all_slabs / 2, largest_slab) / TLW_GPU_SLAB_ALIGN * TLW_GPU_SLAB_ALIGN;
  const uint64_t smallest_plan = tlw_gpu_chart_least(job);
  if (smallest_plan > limit) return refuse(state, smallest_plan, error);
  uint64_t largest = 0;
  for (int64_t i = 0; i < job->n_series; i++) {
    const uint64_t whole = plan(job, i, 1, job->layout.height).size;
    if (whole > largest) largest = whole;
  }
  const uint64_t all = plan(job, 0, job->n_series, job->layout.height).size;
  if (all <= limit)
    *cut = (struct cut){1, limit, all};
  else if (largest <= half)
    *cut = (struct cut){2, half, half};
  else
    *cut = (struct cut){1, limit, limit};
  return TLW_OK;
}

/* The longest chunk from series first on that fits. */
static struct chunk next_chunk(const struct tlw_render_job *job, int64_t first, uint64_t limit) {
  const int32_t height = job->layout.height;
  struct chunk chunk = plan(job, first, 1, height);
  if (chunk.size > limit) {
    int32_t fits = 1, fails = height;
    while (fails - fits > 1) {
      const int32_t middle = fits + (fails - fits) / 2;
      if (plan(job, first, 1, middle).size <= limit)
        fits = middle;
      else
        fails = middle;
    }
    return plan(job, first, 1, fits);
  }
  for (int64_t n = 2; first + n <= job->n_series; n++) {
    const struct chunk longer = plan(job, first, n, height);
    if (longer.size > limit) break;
    chunk = longer;
  }
  return chunk;
}

/* ---- work ---- */

static tlw_status upload(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot, uint64_t offset,
                         const void *source, uint64_t size, tlw_error *error) {
  if (size == 0) return TLW_OK;
  state->services->uploaded += size;
  return state->gpu->ops->upload(state->gpu, &state->compute, &slot->slab, offset, source, size, error);
}

static tlw_status upload_chunk(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot,
                               const struct tlw_render_job *job, const struct chunk *chunk, tlw_error *error) {
  const tlk_chart_args *a = &chunk->args;
  const struct {
    uint64_t offset;
    const void *column;
  } columns[] = {{a->open, job->open},   {a->high, job->high},     {a->low, job->low},
                 {a->close, job->close}, {a->volume, job->volume}, {a->time, job->time}};
  tlw_status status = TLW_OK;
  for (size_t i = 0; i < sizeof columns / sizeof columns[0] && status == TLW_OK; i++) {
    if (!columns[i].column) continue;
    const char *source = (const char *)columns[i].column + (size_t)chunk->row * sizeof(double);
    status = upload(state, slot, columns[i].offset, source, (uint64_t)chunk->rows * sizeof(double), error);
  }
  if (status != TLW_OK) return status;
  return upload(state, slot, a->series, job->series + chunk->first, (uint64_t)chunk->n * sizeof(tlk_series), error);
}

static uint32_t groups_for(uint64_t n, uint64_t each) { return (uint32_t)((n + each - 1) / each); }

static tlw_status launch(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot, enum tlw_chart_kernel kernel,
                         uint32_t groups, uint32_t lanes, int64_t charts, tlk_chart_args args, tlw_error *error) {
  args.groups = groups;
  state->services->launches++;
  return state->gpu->ops->launch(state->gpu, &state->compute, &state->chart[kernel], groups * (uint32_t)charts, lanes,
                                 &args, sizeof args, &slot->slab, error);
}

/* Candles to pixel columns. */
static tlw_status launch_columns(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot,
                                 const struct chunk *chunk, tlw_error *error) {
  const uint64_t width = (uint64_t)chunk->args.layout.plot_width;
  tlw_status status = launch(state, slot, TLW_CHART_MERGE, groups_for(width, TLK_MERGE_LANES / TLK_SUM_LANES),
                             TLK_MERGE_LANES, chunk->n, chunk->args, error);
  if (status == TLW_OK) status = launch(state, slot, TLW_CHART_SCALE, 1, TLK_SCALE_LANES, chunk->n, chunk->args, error);
  if (status == TLW_OK)
    status = launch(state, slot, TLW_CHART_COLUMNS, groups_for(width, TLK_COLUMNS_LANES), TLK_COLUMNS_LANES, chunk->n,
                    chunk->args, error);
  return status;
}

static tlw_status launch_paint(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot,
                               const struct chunk *chunk, int32_t y0, int32_t y1, tlw_error *error) {
  tlk_chart_args args = chunk->args;
  args.y0 = y0;
  args.y1 = y1;
  const uint32_t across = groups_for((uint64_t)args.pitch, TLK_PAINT_LANES * TLK_PAINT_PIXELS);
  return launch(state, slot, TLW_CHART_PAINT, across * groups_for((uint64_t)(y1 - y0), TLK_PAINT_ROWS), TLK_PAINT_LANES,
                chunk->n, args, error);
}

static tlw_status download_rows(struct tlw_backend_state *state, struct tlw_gpu_download *d, tlw_error *error) {
  state->services->downloaded += d->width * d->rows;
  return state->gpu->ops->download(state->gpu, &state->download, d, error);
}

/* The pixels of a band; charts that lie in one another's rows in the raster come in one copy. */
static tlw_status download_band(struct tlw_backend_state *state, const struct tlw_gpu_slot *slot,
                                const struct tlw_render_job *job, const struct chunk *chunk, int32_t y0, int32_t y1,
                                tlw_error *error) {
  const tlk_chart_args *a = &chunk->args;
  const uint64_t rows = (uint64_t)(y1 - y0);
  struct tlw_gpu_download d = {
      .slab = &slot->slab,
      .offset = a->pixels,
      .pitch = (uint64_t)a->pitch,
      .target = job->pixels + (size_t)chunk->first * job->image_stride + (size_t)y0 * job->row_stride,
      .target_pitch = job->row_stride,
      .width = (uint64_t)a->layout.width,
      .rows = rows,
  };
  if (job->image_stride == rows * job->row_stride || chunk->n == 1) {
    d.rows *= (uint64_t)chunk->n;
    return download_rows(state, &d, error);
  }
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < chunk->n && status == TLW_OK; i++) {
    status = download_rows(state, &d, error);
    d.offset += d.pitch * rows;
    d.target += job->image_stride;
  }
  return status;
}

static tlw_status draw_band(struct tlw_backend_state *state, struct tlw_gpu_slot *slot,
                            const struct tlw_render_job *job, const struct chunk *chunk, int32_t y0, int32_t y1,
                            tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_status status = launch_paint(state, slot, chunk, y0, y1, error);
  if (status == TLW_OK) status = gpu->ops->event_record(gpu, &state->compute, &slot->computed, error);
  if (status == TLW_OK) status = gpu->ops->event_wait(gpu, &state->download, &slot->computed, error);
  if (status == TLW_OK) status = download_band(state, slot, job, chunk, y0, y1, error);
  if (status == TLW_OK) status = gpu->ops->event_record(gpu, &state->download, &slot->downloaded, error);
  return status;
}

static tlw_status draw_chunk(struct tlw_backend_state *state, struct tlw_gpu_slot *slot,
                             const struct tlw_render_job *job, const struct chunk *chunk, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  const int32_t height = job->layout.height;
  /* Nothing overwrites what lies in the slot before its pixels are out. */
  tlw_status status = gpu->ops->event_wait(gpu, &state->compute, &slot->downloaded, error);
  if (status == TLW_OK) status = upload_chunk(state, slot, job, chunk, error);
  if (status == TLW_OK) status = launch_columns(state, slot, chunk, error);
  for (int32_t y = 0; y < height && status == TLW_OK; y += chunk->band) {
    if (y > 0) status = gpu->ops->event_wait(gpu, &state->compute, &slot->downloaded, error);
    if (status != TLW_OK) break;
    status = draw_band(state, slot, job, chunk, y, chunk->band < height - y ? y + chunk->band : height, error);
  }
  return status;
}

/* Memory of earlier work that stands in the way goes first. */
static tlw_status reserve(struct tlw_backend_state *state, const struct cut *cut, tlw_error *error) {
  for (int i = 0; i < TLW_GPU_SLOTS; i++) {
    struct tlw_gpu_slot *slot = &state->slots[i];
    if (i >= cut->slots || slot->slab.size < cut->slab || slot->slab.size > cut->limit)
      tlw_gpu_slot_release(state, slot);
  }
  tlw_status status = TLW_OK;
  for (int i = 0; i < cut->slots && status == TLW_OK; i++)
    status = tlw_gpu_slot_reserve(state, &state->slots[i], cut->slab, error);
  return status;
}

/*
 * Waits for all work, so that the caller's memory is no longer used. A device that can't even be waited for is lost, for
 * nobody knows what it still does.
 */
static tlw_status finish_queue(struct tlw_gpu *gpu, const struct tlw_gpu_queue *queue, tlw_error *error) {
  const tlw_status status = gpu->ops->finish(gpu, queue, error);
  if (status == TLW_OK || status == TLW_ERR_DEVICE_LOST) return status;
  if (gpu->ops->finish(gpu, queue, NULL) == TLW_OK) return status;
  error->code = TLW_ERR_DEVICE_LOST;
  return TLW_ERR_DEVICE_LOST;
}

/* The first failure counts, unless a later one says that the device is lost. */
static tlw_status finish(struct tlw_backend_state *state, tlw_status status, tlw_error *error) {
  const struct tlw_gpu_queue *queues[] = {&state->compute, &state->download};
  for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
    tlw_error failure;
    const tlw_status finished = finish_queue(state->gpu, queues[i], &failure);
    if (finished == TLW_OK || (status != TLW_OK && finished != TLW_ERR_DEVICE_LOST) || status == TLW_ERR_DEVICE_LOST)
      continue;
    status = finished;
    if (error) *error = failure;
  }
  return status;
}

tlw_status tlw_gpu_chart_render(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error) {
  if (job->n_series == 0) return TLW_OK;
  struct cut cut = {0};
  tlw_status status = cut_job(state, job, &cut, error);
  if (status == TLW_OK) status = reserve(state, &cut, error);
  if (status != TLW_OK) return status;
  int turn = 0;
  for (int64_t first = 0; first < job->n_series && status == TLW_OK; turn++) {
    struct tlw_gpu_slot *slot = &state->slots[turn % cut.slots];
    const struct chunk chunk = next_chunk(job, first, slot->slab.size);
    status = draw_chunk(state, slot, job, &chunk, error);
    first += chunk.n;
  }
  return finish(state, status, error);
}
