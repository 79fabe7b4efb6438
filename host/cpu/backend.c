#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "cpu.h"
#include "host/base/cpus.h"
#include "host/base/error.h"
#include "host/base/threads.h"
#include "host/seam/device_list.h"

/* A chart that several threads share is cut so that each gets about this many bands, to even out their ends. */
#define BANDS_PER_THREAD 2

/* A chart with less work than this is drawn sooner by one thread than by several that have to meet. */
#define SHARED_PIXELS (512 * 1024)
#define SHARED_CANDLES 20000

struct tlw_backend_state {
  struct tlw_services *services;
  const struct tlw_cpu_tier *tier;
  struct tlw_team *team;
  struct tlw_cpu_scratch *scratch; /* by worker */
  struct tlw_block working;        /* what the scratches point into */
  tlk_layout layout;               /* for which they are placed */
  uint32_t workers;                /* that have one */
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
  const size_t n = tlw_cpu_mark(tier, job, series, merges, scratch);
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
  const struct tlw_cpu_scratch *scratch = loop->state->scratch;
  const int32_t height = loop->job->layout.height;
  tlw_cpu_paint(loop->state->tier, loop->job, loop->series, loop->n_marks, &scratch[0], &scratch[worker],
                part(height, item, loop->n_items), part(height, item + 1, loop->n_items),
                image_of(loop->job, loop->series));
}

static bool is_worth_sharing(const struct tlw_render_job *job, const tlk_series *series) {
  return (int64_t)job->layout.width * job->layout.height >= SHARED_PIXELS || series->count >= SHARED_CANDLES;
}

/* One chart by all threads. */
static void draw_shared(struct tlw_backend_state *state, const struct tlw_render_job *job, const tlk_series *series) {
  const tlk_layout *layout = &job->layout;
  const int64_t parts = (int64_t)state->workers * BANDS_PER_THREAD;
  struct loop loop = {.state = state, .job = job, .series = series};
  const bool merges = tlw_cpu_merges(series, layout);
  if (merges) {
    loop.n_items = parts < layout->plot_width ? parts : layout->plot_width;
    tlw_team_run(state->team, state->workers, loop.n_items, merge_part, &loop);
  }
  loop.n_marks = tlw_cpu_mark(state->tier, job, series, merges, &state->scratch[0]);
  loop.n_items = parts < layout->height ? parts : layout->height;
  tlw_team_run(state->team, state->workers, loop.n_items, paint_part, &loop);
}

/* Scratch for as many threads as the budget allows, at least one. */
static tlw_status prepare(struct tlw_backend_state *state, const tlk_layout *layout, tlw_error *error) {
  if (memcmp(&state->layout, layout, sizeof *layout) == 0) return TLW_OK;
  struct tlw_memory *memory = &state->services->memory;
  const uint64_t size = tlw_cpu_scratch_size(layout);
  uint32_t workers = tlw_team_threads(state->team);
  state->layout = (tlk_layout){0};
  if (state->working.size < size * workers) tlw_block_free(memory, &state->working);
  if (!state->working.data)
    while (workers > 1 && tlw_memory_check(memory, size * workers, "scratch", NULL) != TLW_OK) workers--;
  const tlw_status status = tlw_block_reserve(memory, &state->working, size * workers, "a chart's scratch", error);
  if (status != TLW_OK) return status;
  for (uint32_t i = 0; i < workers; i++)
    tlw_cpu_scratch_place(&state->scratch[i], layout, (uint8_t *)state->working.data + size * i);
  state->workers = workers;
  state->layout = *layout;
  return TLW_OK;
}

static tlw_status cpu_render(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error) {
  const tlw_status status = prepare(state, &job->layout, error);
  if (status != TLW_OK) return status;
  /* As many whole charts as come out even; the threads share each of the few that are left. */
  const int64_t whole = job->n_series - job->n_series % state->workers;
  struct loop loop = {.state = state, .job = job, .series = job->series};
  tlw_team_run(state->team, state->workers, whole, draw_whole, &loop);
  for (int64_t i = whole; i < job->n_series; i++) {
    if (is_worth_sharing(job, &job->series[i]))
      draw_shared(state, job, &job->series[i]);
    else
      draw_whole(&loop, 0, i);
  }
  return TLW_OK;
}

static void cpu_close(struct tlw_backend_state *state) {
  struct tlw_memory *memory = &state->services->memory;
  const uint32_t threads = state->services->threads;
  tlw_team_close(&state->team);
  tlw_block_free(memory, &state->working);
  tlw_memory_free(memory, state->scratch, threads * sizeof *state->scratch);
  tlw_memory_free(memory, state, sizeof *state);
}

static const struct tlw_backend_ops ops = {.close = cpu_close, .render = cpu_render};

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
