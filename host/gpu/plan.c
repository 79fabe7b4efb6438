#include "plan.h"

#include "host/io/png_coder.h"

/* A copy more takes as long as to copy so many rows that nobody needs. */
#define GAP_ROWS 4096

/* The rows that some series lie in, the series that have any, and the sum of their rows. */
struct span {
  int64_t begin, end, n, sum;
};

static void widen(struct span *span, const tlk_series *series) {
  const int64_t begin = series->begin, end = begin + series->count;
  if (series->count == 0) return;
  if (span->n == 0) *span = (struct span){begin, end, 0, 0};
  span->n++;
  span->sum += series->count;
  if (begin < span->begin) span->begin = begin;
  if (end > span->end) span->end = end;
}

static bool is_packed(struct span span) { return span.end - span.begin - span.sum > GAP_ROWS * span.n; }

static uint64_t align_up(uint64_t size) { return (size + TLW_POOL_ALIGN - 1) / TLW_POOL_ALIGN * TLW_POOL_ALIGN; }

static uint64_t take(struct tlw_plan *plan, uint64_t base, uint64_t size) {
  const uint64_t at = base + plan->size;
  plan->size += align_up(size);
  return at;
}

/* For the files of n charts whose pixels have their place. */
static void lay_out_files(struct tlw_plan *plan, const struct tlw_render_job *job, uint64_t n, uint64_t base) {
  const struct tlw_render_files *files = job->files;
  tlk_png_args *png = &plan->png;
  png->width = (uint32_t)job->layout.width;
  png->height = (uint32_t)job->layout.height;
  png->table = tlk_png_table((uint32_t)files->n_colors);
  png->pitch = (uint32_t)plan->args.pitch;
  png->frame = (uint32_t)tlw_png_frame_size(files->n_colors) - TLW_PNG_AROUND_DATA + 8;
  png->n_rows = (uint32_t)n * png->height;
  png->stride = align_up(files->capacity);
  png->pixels = plan->args.pixels;
  const uint64_t each = tlk_png_segment_rows(tlk_png_row_size(png->width, png->table));
  const uint64_t segments = (png->height + each - 1) / each;
  png->rows = take(plan, base, png->n_rows * sizeof(tlk_png_row));
  png->segments = take(plan, base, n * segments * sizeof(tlk_png_segment));
  png->streams = take(plan, base, n * sizeof(tlk_png_stream));
  png->files = take(plan, base, n * png->stride);
}

/* For the images of n charts whose pixels and series have their place. */
static void lay_out_tensor(struct tlw_plan *plan, const struct tlw_render_job *job, uint64_t n, uint64_t base) {
  const tlk_image image = job->tensor->image;
  const uint64_t size = tlk_image_size(image);
  tlk_expand_args *a = &plan->expand;
  a->pixels = plan->args.pixels;
  a->series = plan->args.series;
  a->pitch = (uint32_t)plan->args.pitch;
  a->image = image;
  a->count = n * size / (image.is_float ? sizeof(float) : 1);
  a->inks = take(plan, base, TLK_IMAGE_CHANNELS * TLK_IMAGE_INKS * sizeof(uint32_t));
  a->numbers = take(plan, base, n * size);
}

/* For n charts with the candles of a span and so many rows of pixels each. */
static struct tlw_plan lay_out(const struct tlw_render_job *job, int64_t n, struct span span, int64_t pixel_rows,
                               uint64_t base) {
  const tlk_layout *layout = &job->layout;
  struct tlw_plan plan = {.row = span.begin, .rows = span.end - span.begin, .packed = is_packed(span)};
  if (plan.packed) plan.row = 0, plan.rows = span.sum;
  tlk_chart_args *a = &plan.args;
  a->layout = *layout;
  a->first = plan.row;
  a->has_volume = job->volume != NULL;
  a->y0 = job->y0;
  a->y1 = job->y1;
  a->pitch = (layout->width + TLK_PAINT_PIXELS - 1) / TLK_PAINT_PIXELS * TLK_PAINT_PIXELS;
  const uint64_t column = (uint64_t)plan.rows * sizeof(double), charts = (uint64_t)n;
  const uint64_t width = (uint64_t)layout->plot_width;
  a->pixels = take(&plan, base, charts * (uint64_t)a->pitch * (uint64_t)pixel_rows);
  a->open = take(&plan, base, column);
  a->high = take(&plan, base, column);
  a->low = take(&plan, base, column);
  a->close = take(&plan, base, column);
  a->volume = job->volume ? take(&plan, base, column) : 0;
  a->time = job->time ? take(&plan, base, column) : 0;
  a->series = take(&plan, base, charts * sizeof(tlk_series));
  a->sheet = take(&plan, base, (uint64_t)layout->sheet_size);
  a->notes = take(&plan, base, charts * tlk_notes_size(*layout));
  a->merged = take(&plan, base, charts * TLK_MERGED_COLUMNS * width * sizeof(double));
  a->scale = take(&plan, base, charts * sizeof(tlk_scale));
  a->axis = take(&plan, base, layout->sheet_size > 0 ? charts * sizeof(tlk_axis) : 0);
  a->columns = take(&plan, base, charts * width * sizeof(tlk_column));
  if (job->files) lay_out_files(&plan, job, charts, base);
  if (job->tensor) lay_out_tensor(&plan, job, charts, base);
  return plan;
}

struct tlw_plan tlw_plan_of(const struct tlw_render_job *job, uint64_t base) {
  struct span span = {0};
  for (int64_t i = 0; i < job->n_series && !job->merged; i++) widen(&span, &job->series[i]);
  return lay_out(job, job->n_series, span, job->y1 - job->y0, base);
}

static int64_t fit_charts(const struct tlw_render_job *job, uint64_t bytes) {
  struct span span = {0};
  int64_t n = 0;
  for (; n < job->n_series && n < TLW_JOB_SERIES; n++) {
    widen(&span, &job->series[n]);
    if (lay_out(job, n + 1, span, job->y1 - job->y0, 0).size > bytes) break;
  }
  return n;
}

static int64_t fit_rows(const struct tlw_render_job *job, uint64_t bytes) {
  const struct tlw_plan bare = lay_out(job, 1, (struct span){0}, 0, 0);
  if (bytes < bare.size) return 0;
  const uint64_t pixels = (bytes - bare.size) / TLW_POOL_ALIGN * TLW_POOL_ALIGN;
  const uint64_t fitting = pixels / (uint64_t)bare.args.pitch, wanted = (uint64_t)(job->y1 - job->y0);
  return (int64_t)(fitting < wanted ? fitting : wanted);
}

int64_t tlw_plan_fit(const struct tlw_render_job *job, uint64_t bytes) {
  return job->merged ? fit_rows(job, bytes) : fit_charts(job, bytes);
}

uint64_t tlw_plan_least(const tlk_layout *layout) {
  const struct tlw_render_job job = {.layout = *layout};
  return lay_out(&job, 1, (struct span){0}, 1, 0).size;
}
