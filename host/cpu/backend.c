#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "cpu.h"
#include "files.h"
#include "host/base/cpus.h"
#include "host/base/error.h"
#include "host/base/threads.h"
#include "host/seam/device_list.h"
#include "images.h"
#include "windows.h"

/* A chart that several threads share is cut so that each gets about this many bands, to even out their ends. */
#define BANDS_PER_THREAD 2

/* Of the pool, whose slabs are blocks of host memory. */
#define SLAB_BYTES ((uint64_t)1 << 20)

/* A chart with less work than this is drawn sooner by one thread than by several that have to meet. */
#define SHARED_PIXELS (512 * 1024)
#define SHARED_CANDLES 20000

struct tlw_backend_state {
  struct tlw_services *services;
  const struct tlw_cpu_tier *tier;
  struct tlw_team *team;
  struct tlw_cpu_scratch *scratch; /* by worker */
  struct tlw_block working;        /* what the scratches point into */
  struct tlw_block windows;        /* scratch of rolling windows */
  tlk_layout layout;               /* for which they are placed */
  uint64_t each;                   /* bytes of one, in which a file can be made behind it if `files` */
  bool files;
  uint32_t workers; /* that have one */
  struct tlw_pool pool;
};

/* A loop over one team. */
struct loop {
  const struct tlw_backend_state *state;
  const struct tlw_render_job *job;
  const tlk_series *series; /* the chart that is shared out, or the first of whole charts */
  int64_t n_items;
  size_t n_marks;
};

static uint8_t *image_of(const struct tlw_render_job *job, const tlk_series *series) {
  return job->pixels + (size_t)(series - job->series) * job->image_stride;
}

static void draw_whole(void *context, uint32_t worker, int64_t item) {
  const struct loop *loop = context;
  const struct tlw_render_job *job = loop->job;
  const struct tlw_cpu_tier *tier = loop->state->tier;
  const struct tlw_cpu_scratch *scratch = &loop->state->scratch[worker];
  const tlk_series *series = loop->series + item;
  const bool merges = tlw_cpu_merges(series, &job->layout);
  if (merges) tlw_cpu_merge(tier, job, series, 0, job->layout.plot_width, scratch);
  const size_t n = tlw_cpu_mark(tier, job, series, merges ? scratch->merged : NULL, scratch);
  tlw_cpu_paint(tier, job, series, n, scratch, scratch, 0, job->layout.height, image_of(job, series));
}

/* The start of part i of n parts of extent. */
static int32_t part(int32_t extent, int64_t i, int64_t n) { return (int32_t)((int64_t)extent * i / n); }

static void merge_part(void *context, uint32_t worker, int64_t item) {
  (void)worker;
  const struct loop *loop = context;
  const int32_t width = loop->job->layout.plot_width;
  tlw_cpu_merge(loop->state->tier, loop->job, loop->series, part(width, item, loop->n_items),
                part(width, item + 1, loop->n_items), &loop->state->scratch[0]);
}

static void paint_part(void *context, uint32_t worker, int64_t item) {
  const struct loop *loop = context;
  const struct tlw_render_job *job = loop->job;
  const struct tlw_cpu_scratch *scratch = loop->state->scratch;
  const int32_t rows = job->y1 - job->y0, from = part(rows, item, loop->n_items),
                to = part(rows, item + 1, loop->n_items);
  tlw_cpu_paint(loop->state->tier, job, loop->series, loop->n_marks, &scratch[0], &scratch[worker], job->y0 + from,
                job->y0 + to, image_of(job, loop->series) + (size_t)from * job->row_stride);
}

static int64_t pixels_of(const struct tlw_render_job *job) { return (int64_t)job->layout.width * (job->y1 - job->y0); }

static bool is_worth_sharing(const struct tlw_render_job *job, const tlk_series *series) {
  return pixels_of(job) >= SHARED_PIXELS || series->count >= SHARED_CANDLES;
}

/* Marks and rows of one chart by all threads. */
static void paint_shared(struct loop *loop, const double *merged) {
  const struct tlw_backend_state *state = loop->state;
  const struct tlw_render_job *job = loop->job;
  const int64_t parts = (int64_t)state->workers * BANDS_PER_THREAD, rows = job->y1 - job->y0;
  loop->n_marks = tlw_cpu_mark(state->tier, job, loop->series, merged, &state->scratch[0]);
  loop->n_items = parts < rows ? parts : rows;
  tlw_team_run(state->team, state->workers, loop->n_items, paint_part, loop);
}

/* Candles of one chart by all threads, to the first scratch. */
static void merge_shared(struct loop *loop) {
  const struct tlw_backend_state *state = loop->state;
  const int64_t parts = (int64_t)state->workers * BANDS_PER_THREAD, width = loop->job->layout.plot_width;
  loop->n_items = parts < width ? parts : width;
  tlw_team_run(state->team, state->workers, loop->n_items, merge_part, loop);
}

/* One chart by all threads. */
static void draw_shared(struct tlw_backend_state *state, const struct tlw_render_job *job, const tlk_series *series) {
  struct loop loop = {.state = state, .job = job, .series = series};
  const bool merges = tlw_cpu_merges(series, &job->layout);
  if (merges) merge_shared(&loop);
  paint_shared(&loop, merges ? state->scratch[0].merged : NULL);
}

/* As many whole charts as come out even; the threads share each of the few that are left. */
static void draw_charts(struct tlw_backend_state *state, const struct tlw_render_job *job) {
  const int64_t whole = job->n_series - job->n_series % state->workers;
  struct loop loop = {.state = state, .job = job, .series = job->series};
  tlw_team_run(state->team, state->workers, whole, draw_whole, &loop);
  for (int64_t i = whole; i < job->n_series; i++) {
    if (is_worth_sharing(job, &job->series[i]))
      draw_shared(state, job, &job->series[i]);
    else
      draw_whole(&loop, 0, i);
  }
}

/* Rows of a chart whose candles are merged. */
static void draw_band(struct tlw_backend_state *state, const struct tlw_render_job *job) {
  struct loop loop = {.state = state, .job = job, .series = job->series};
  if (pixels_of(job) >= SHARED_PIXELS) {
    paint_shared(&loop, job->merged);
    return;
  }
  const struct tlw_cpu_scratch *scratch = &state->scratch[0];
  const size_t n = tlw_cpu_mark(state->tier, job, job->series, job->merged, scratch);
  tlw_cpu_paint(state->tier, job, job->series, n, scratch, scratch, job->y0, job->y1, job->pixels);
}

/* ---- files ---- */

/* Files by one team, and the first failure of one of them. */
struct filing {
  struct loop loop;
  _Atomic bool failed;
  tlw_status status;
  tlw_error failure;
};

static void make_file(struct filing *filing, uint32_t worker, const tlk_series *series, const double *merged) {
  const struct tlw_backend_state *state = filing->loop.state;
  const struct tlw_render_job *job = filing->loop.job;
  const struct tlw_cpu_scratch *scratch = &state->scratch[worker];
  uint8_t *memory = (uint8_t *)state->working.data + state->each * worker + tlw_cpu_scratch_size(&job->layout);
  tlw_cpu_mark(state->tier, job, series, merged, scratch);
  tlw_error failure;
  const tlw_status status = tlw_cpu_file(state->tier, job, series - job->series, scratch, memory, &failure);
  if (status == TLW_OK || atomic_exchange(&filing->failed, true)) return;
  filing->status = status;
  filing->failure = failure;
}

static void file_whole(void *context, uint32_t worker, int64_t item) {
  struct filing *filing = context;
  const struct loop *loop = &filing->loop;
  const struct tlw_cpu_scratch *scratch = &loop->state->scratch[worker];
  const tlk_series *series = loop->series + item;
  const bool merges = tlw_cpu_merges(series, &loop->job->layout);
  if (merges) tlw_cpu_merge(loop->state->tier, loop->job, series, 0, loop->job->layout.plot_width, scratch);
  make_file(filing, worker, series, merges ? scratch->merged : NULL);
}

/* All charts, of which the threads share the rows of the few that do not come out even. */
static tlw_status draw_files(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error) {
  const int64_t whole = job->n_series - job->n_series % state->workers;
  struct filing filing = {.loop = {.state = state, .job = job, .series = job->series}, .status = TLW_OK};
  tlw_team_run(state->team, state->workers, whole, file_whole, &filing);
  int64_t i = whole;
  for (; i < job->n_series; i++) {
    const tlk_series *series = &job->series[i];
    if (series->count < SHARED_CANDLES || !tlw_cpu_merges(series, &job->layout)) break;
    struct loop loop = filing.loop;
    loop.series = series;
    merge_shared(&loop);
    make_file(&filing, 0, series, state->scratch[0].merged);
  }
  filing.loop.series = job->series + i;
  tlw_team_run(state->team, state->workers, job->n_series - i, file_whole, &filing);
  if (filing.status != TLW_OK && error) *error = filing.failure;
  return filing.status;
}

/* ---- scratch ---- */

static uint64_t sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

static void free_scratch(struct tlw_backend_state *state) {
  tlw_block_free(&state->services->memory, &state->working);
  state->layout = (tlk_layout){0};
  state->files = false;
  state->workers = 0;
}

/* Memory for scratches of this size, of fewer workers where there is none for all of them. */
static tlw_status reserve_scratch(struct tlw_backend_state *state, uint64_t size, uint32_t *workers, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  for (;; *workers /= 2) {
    const tlw_status status = tlw_block_reserve(memory, &state->working, size * *workers, "a chart's scratch", error);
    if (status == TLW_OK || *workers == 1) return status;
  }
}

static bool is_placed_for(const struct tlw_backend_state *state, const tlk_layout *layout) {
  return memcmp(&state->layout, layout, sizeof *layout) == 0;
}

static tlw_status prepare(struct tlw_backend_state *state, const tlk_layout *layout, bool files, uint64_t leave,
                          tlw_error *error) {
  const struct tlw_memory *memory = &state->services->memory;
  const uint64_t size = tlw_cpu_scratch_size(layout) + (files ? tlw_cpu_file_size(layout) : 0);
  const uint64_t budget = memory->budget;
  const uint64_t held = state->working.data ? tlw_memory_counted(state->working.size) : 0;
  /* What scratch must not take. */
  const uint64_t others = sum(tlw_gauge_read(&memory->bytes).current - held, leave);
  const uint64_t room = budget > others ? budget - others : 0;
  if (room < size) {
    const uint64_t enough = sum(others, size);
    return tlw_fail_budget(error, enough,
                           "a host memory budget of %llu bytes is too small for a chart: set it to %llu or more",
                           (unsigned long long)budget, (unsigned long long)enough);
  }
  uint32_t workers = tlw_team_threads(state->team);
  /* What files are made in does for pixels too. */
  const bool does = is_placed_for(state, layout) && state->files >= files && state->workers == workers;
  if (does && held <= room) return TLW_OK;
  if (room / size < workers) workers = (uint32_t)(room / size);
  const bool fits = held >= size * workers && held <= room;
  if (fits && workers == state->workers && files == state->files && is_placed_for(state, layout)) return TLW_OK;
  if (!fits) free_scratch(state);
  const tlw_status status = reserve_scratch(state, size, &workers, error);
  if (status != TLW_OK) return status;
  for (uint32_t i = 0; i < workers; i++)
    tlw_cpu_scratch_place(&state->scratch[i], layout, (uint8_t *)state->working.data + size * i);
  state->workers = workers;
  state->each = size;
  state->files = files;
  state->layout = *layout;
  return TLW_OK;
}

static tlw_status cpu_prepare(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave,
                              tlw_error *error) {
  return prepare(state, layout, false, leave, error);
}

static tlw_status cpu_prepare_files(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave,
                                    tlw_error *error) {
  return prepare(state, layout, true, leave, error);
}

/* No device memory: what drawing needs of the host's, prepare takes. */
static uint64_t cpu_least(struct tlw_backend_state *state, const tlk_layout *layout) {
  (void)state;
  (void)layout;
  return 0;
}

/* ---- work: it is done when draw returns ---- */

static int64_t cpu_fit(struct tlw_backend_state *state, const struct tlw_render_job *job, uint32_t shares,
                       uint64_t limit) {
  (void)state;
  (void)shares;
  (void)limit;
  return job->merged ? job->y1 - job->y0 : job->n_series;
}

static tlw_status draw(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error) {
  if (!is_placed_for(state, &job->layout) || (job->files && !state->files)) {
    const tlw_status status = prepare(state, &job->layout, job->files, 0, error);
    if (status != TLW_OK) return status;
  }
  if (job->files) return draw_files(state, job, error);
  if (job->merged)
    draw_band(state, job);
  else
    draw_charts(state, job);
  return TLW_OK;
}

/* Work that failed is no stage. */
static void tell(struct tlw_backend_state *state, tlw_status status, int64_t items, uint64_t bytes) {
  if (status == TLW_OK)
    tlw_telemetry_lap(&state->services->telemetry, TLW_STAGE_COMPUTE, items, bytes);
  else
    tlw_telemetry_skip(&state->services->telemetry);
}

static tlw_status cpu_draw(struct tlw_backend_state *state, const struct tlw_render_job *job, struct tlw_ticket *ticket,
                           tlw_error *error) {
  (void)ticket;
  const tlw_status status = draw(state, job, error);
  const uint64_t pixels = (uint64_t)job->n_series * (uint64_t)pixels_of(job);
  tell(state, status, job->n_series, pixels);
  return status;
}

static tlw_status cpu_wait(struct tlw_backend_state *state, struct tlw_ticket *ticket, tlw_error *error) {
  (void)state;
  (void)ticket;
  (void)error;
  return TLW_OK;
}

static bool cpu_is_done(struct tlw_backend_state *state, const struct tlw_ticket *ticket) {
  (void)state;
  (void)ticket;
  return true;
}

static tlw_status windows(struct tlw_backend_state *state, const struct tlw_window_job *job, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_status status = tlw_cpu_windows(state->tier, memory, state->team, &state->windows, job, error);
  if (status == TLW_ERR_BUDGET && state->working.data) {
    /* The next chart takes its scratch anew. */
    free_scratch(state);
    status = tlw_cpu_windows(state->tier, memory, state->team, &state->windows, job, error);
  }
  /* Within a budget none is kept that charts may need. */
  if (memory->budget != UINT64_MAX) tlw_block_free(memory, &state->windows);
  return status;
}

static tlw_status cpu_windows(struct tlw_backend_state *state, const struct tlw_window_job *job, uint64_t limit,
                              tlw_error *error) {
  (void)limit;
  const tlw_status status = windows(state, job, error);
  const uint64_t rows = (uint64_t)(job->offsets[job->n_series] - job->offsets[0]);
  tell(state, status, job->n_tasks, rows * (uint64_t)job->n_tasks * sizeof(double));
  return status;
}

static tlw_status cpu_staging_open(struct tlw_backend_state *state, struct tlw_block *block, uint64_t size,
                                   tlw_error *error) {
  return tlw_block_reserve(&state->services->memory, block, size, "drawn charts", error);
}

static void cpu_staging_close(struct tlw_backend_state *state, struct tlw_block *block) {
  tlw_block_free(&state->services->memory, block);
}

static struct tlw_team *cpu_team(struct tlw_backend_state *state) { return state->team; }

/* ---- the pool ---- */

/* The handle of a slab is its address. */
static tlw_status open_slab(void *context, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  struct tlw_memory *memory = context;
  tlw_error failure;
  void *data = tlw_memory_alloc(memory, size, "a slab of the pool", &failure);
  if (!data) {
    if (error) *error = failure;
    return failure.code;
  }
  *slab = (struct tlw_slab){(uintptr_t)data, size};
  return TLW_OK;
}

static void close_slab(void *context, struct tlw_slab *slab) {
  tlw_memory_free(context, (void *)(uintptr_t)slab->handle, slab->size);
}

static uint64_t slab_room(void *context) {
  const struct tlw_memory *memory = context;
  const uint64_t used = tlw_gauge_read(&memory->bytes).current;
  return memory->budget > used ? memory->budget - used : 0;
}

static uint8_t *bytes_of(const struct tlw_part *part, uint64_t offset) {
  return (uint8_t *)(uintptr_t)part->slab.handle + part->offset + offset;
}

static struct tlw_pool *cpu_pool(struct tlw_backend_state *state) { return &state->pool; }

static tlw_status cpu_write(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset,
                            const void *source, uint64_t size, tlw_error *error) {
  (void)state;
  (void)error;
  memcpy(bytes_of(part, offset), source, (size_t)size);
  return TLW_OK;
}

static tlw_status cpu_read(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset, void *target,
                           uint64_t size, tlw_error *error) {
  (void)state;
  (void)error;
  memcpy(target, bytes_of(part, offset), (size_t)size);
  return TLW_OK;
}

static tlw_status cpu_images(struct tlw_backend_state *state, const struct tlw_images_job *job, uint64_t limit,
                             tlw_error *error) {
  (void)limit;
  (void)error;
  struct tlw_images_job whole = *job;
  if (!whole.images) whole.images = bytes_of(&job->part, job->offset);
  tlw_cpu_images(state->tier, state->team, &whole);
  tell(state, TLW_OK, job->n, (uint64_t)job->n * tlk_image_size(job->image));
  return TLW_OK;
}

static struct tlw_location cpu_locate(struct tlw_backend_state *state, const struct tlw_part *part) {
  (void)state;
  return (struct tlw_location){.place = TLW_DL_CPU, .data = bytes_of(part, 0)};
}

static tlw_status cpu_trim(struct tlw_backend_state *state, bool all, tlw_error *error) {
  (void)error;
  tlw_block_free(&state->services->memory, &state->windows);
  if (all) {
    free_scratch(state);
    tlw_pool_close(&state->pool);
  } else {
    tlw_pool_trim(&state->pool);
  }
  return TLW_OK;
}

/* ---- opening ---- */

static void cpu_close(struct tlw_backend_state *state) {
  struct tlw_memory *memory = &state->services->memory;
  const uint32_t threads = state->services->threads;
  tlw_pool_close(&state->pool);
  tlw_team_close(&state->team);
  free_scratch(state);
  tlw_block_free(memory, &state->windows);
  tlw_memory_free(memory, state->scratch, threads * sizeof *state->scratch);
  tlw_memory_free(memory, state, sizeof *state);
}

static const struct tlw_backend_ops ops = {
    .close = cpu_close,
    .fit = cpu_fit,
    .least_device = cpu_least,
    .least_host = cpu_least,
    .prepare = cpu_prepare,
    .prepare_files = cpu_prepare_files,
    .draw = cpu_draw,
    .wait = cpu_wait,
    .is_done = cpu_is_done,
    .windows = cpu_windows,
    .images = cpu_images,
    .staging_open = cpu_staging_open,
    .staging_close = cpu_staging_close,
    .draws_anywhere = true,
    .team = cpu_team,
    .pool = cpu_pool,
    .write = cpu_write,
    .read = cpu_read,
    .locate = cpu_locate,
    .trim = cpu_trim,
};

void tlw_cpu_describe(tlw_device *device) {
  *device = (tlw_device){.backend = TLW_BACKEND_CPU,
                         .usable = 1,
                         .automatic = 1,
                         .compute_units = tlw_cpus(),
                         .memory_bytes = tlw_cpus_memory()};
  tlw_cpus_name(device->name, sizeof device->name);
  const struct tlw_cpu_tier *tier;
  tlw_error error;
  if (tlw_cpu_tier(&tier, &error) == TLW_OK)
    snprintf(device->driver, sizeof device->driver, "%s", tier->name);
  else
    tlw_device_refuse(device, "%.*s", TLW_REASON_SIZE - 1, error.message);
}

tlw_status tlw_cpu_open(struct tlw_services *services, struct tlw_executor *executor, tlw_error *error) {
  struct tlw_memory *memory = &services->memory;
  const struct tlw_cpu_tier *tier;
  tlw_status status = tlw_cpu_tier(&tier, error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  struct tlw_backend_state *state = NULL;
  const uint64_t scratches = services->threads * sizeof *state->scratch;
  status = tlw_memory_check(memory,
                            tlw_memory_counted(sizeof *state) + tlw_memory_counted(scratches) +
                                tlw_memory_counted(tlw_team_size(services->threads)),
                            "an engine", &failure);
  if (status == TLW_OK) state = tlw_memory_alloc(memory, sizeof *state, "the CPU backend", &failure);
  if (!state) goto failed;
  state->services = services;
  state->tier = tier;
  const struct tlw_pool_source slabs = {memory, open_slab, close_slab, slab_room};
  tlw_pool_init(&state->pool, &slabs, SLAB_BYTES, UINT64_MAX, &services->ledger);
  state->scratch = tlw_memory_alloc(memory, scratches, "the CPU backend", &failure);
  if (!state->scratch) goto failed;
  status = tlw_team_open(&state->team, services->threads, memory, &failure);
  if (status != TLW_OK) goto failed;
  *executor = (struct tlw_executor){.ops = &ops, .state = state};
  tlw_cpu_describe(&executor->device);
  return TLW_OK;

failed:
  if (state) cpu_close(state);
  if (error) *error = failure;
  return failure.code;
}
