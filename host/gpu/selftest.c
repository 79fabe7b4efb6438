#include "selftest.h"

#include "chart.h"
#include "host/base/error.h"
#include "host/base/hash.h"
#include "host/io/png_encoder.h"
#include "memory.h"
#include "plan.h"
#include "windows.h"
#include "windows_plan.h"

/* Of the pixels by style, by the scalar reference of the tests; those with text by the CPU backend. */
static const uint64_t answers[TLW_SELFTEST_STYLES] = {
    [TLW_SELFTEST_LINEAR] = 0x6edd9563172119efu,
    [TLW_SELFTEST_LOG] = 0x36e2bac99cdcc4f4u,
    [TLW_SELFTEST_TEXT] = 0x85fb4e38e043ce0bu,
};

/* Of the files, by tlw_png_encode. */
static const uint64_t encoded = 0xca034fdc4c3adbf0u;

/* Of the outputs, by the windows of the CPU. */
static const uint64_t rolled = 0x8357319777b31ea8u;

/* Windows of 20 rows go by shared memory, longer ones by scratch; what looks back for ever has none. */
static const tlk_window windows[TLW_SELFTEST_WINDOWS] = {
    {.kind = TLK_FOLD_SUM, .op = TLK_OP_MEAN, .window = 20, .min_periods = 20},
    {.kind = TLK_FOLD_MAX, .op = TLK_OP_MAX, .window = 20, .min_periods = 20},
    {.kind = TLK_FOLD_ARGMIN, .op = TLK_OP_ARGMIN, .window = 20, .min_periods = 20},
    {.kind = TLK_FOLD_MOMENTS, .op = TLK_OP_STD, .ddof = 1, .window = 20, .min_periods = 2},
    {.kind = TLK_FOLD_HIGHER, .op = TLK_OP_SKEW, .window = 20, .min_periods = 5},
    {.kind = TLK_FOLD_CROSS, .op = TLK_OP_CORR, .skip = 1, .window = 20, .min_periods = 5},
    {.kind = TLK_FOLD_WEIGHTED, .op = TLK_OP_WMA, .window = 20, .min_periods = 20},
    {.kind = TLK_FOLD_ENDS, .op = TLK_OP_RETURN, .skip = 1, .window = 20, .min_periods = 20},
    {.kind = TLK_FOLD_SUM, .op = TLK_OP_SUM, .window = 2085, .min_periods = 1},
    {.kind = TLK_FOLD_MIN, .op = TLK_OP_MIN, .window = 2085, .min_periods = 1},
    {.kind = TLK_FOLD_ARGMAX, .op = TLK_OP_ARGMAX, .window = 2085, .min_periods = 1},
    {.kind = TLK_FOLD_MOMENTS, .op = TLK_OP_VAR, .window = 701, .min_periods = 1},
    {.kind = TLK_FOLD_HIGHER, .op = TLK_OP_KURTOSIS, .window = 525, .min_periods = 1},
    {.kind = TLK_FOLD_CROSS, .op = TLK_OP_BETA, .skip = 1, .window = 301, .min_periods = 1},
    {.kind = TLK_FOLD_WEIGHTED, .op = TLK_OP_WMA, .window = 1101, .min_periods = 1},
    {.kind = TLK_FOLD_ENDS, .op = TLK_OP_DELTA, .skip = 1, .window = 1101, .min_periods = 1},
    {.kind = TLK_ORDER_QUANTILE, .op = TLK_OP_MEDIAN, .window = 20, .min_periods = 20, .quantile = 0.3},
    {.kind = TLK_ORDER_RANK, .op = TLK_OP_RANK, .window = 20, .min_periods = 20},
    {.kind = TLK_SCAN_LINEAR, .op = TLK_OP_EMA, .window = 7, .min_periods = 1, .keep = 0.75, .gain = 0.25},
    {.kind = TLK_SCAN_LINEAR, .op = TLK_OP_EMA, .adjust = 1, .window = 7, .min_periods = 1, .keep = 0.75, .gain = 0.25},
    {.kind = TLK_SCAN_MAX, .op = TLK_OP_CUMMAX, .min_periods = 1, .keep = 1, .gain = 1},
};

/* A few candles with wide bodies, many to merge, and some along time; gaps, infinities and great ranges among them. */
static const int64_t counts[TLW_SELFTEST_SERIES] = {9, 300, 91};

/* With margins of 3, 2, 7 and 9 pixels at left, top, right and bottom. */
static const tlk_layout plain = {
    .width = TLW_SELFTEST_WIDTH,
    .height = TLW_SELFTEST_HEIGHT,
    .plot_x = 3,
    .plot_width = 190,
    .price_y = 2,
    .price_height = 117,
    .price_pad = 5,
    .volume_y = 122,
    .volume_height = 29,
    .price_cells = 2,
    .volume_cells = 0,
    .column_cells = 2,
};

/* With room for labels, as a font of 7 rows needs it. */
static const tlk_layout with_text = {
    .width = TLW_SELFTEST_WIDTH,
    .height = TLW_SELFTEST_HEIGHT,
    .plot_x = 5,
    .plot_width = 145,
    .price_y = 12,
    .price_height = 100,
    .price_pad = 5,
    .volume_y = 115,
    .volume_height = 30,
    .column_cells = 2,
    .price_scale = TLK_SCALE_LOG,
    .grid = 1,
    .line_height = 9,
    .cap_height = 7,
    .axis_x = 152,
    .axis_room = 45,
    .axis_pad = 1,
    .price_label_top = 11,
    .price_label_end = 113,
    .volume_label_top = 113,
    .price_distance = 18,
    .volume_distance = 12,
    .last_price = 1,
    .sheet_size = sizeof(struct tlw_selftest_sheet),
    .time_baseline = 156,
    .time_marks = 2,
    .n_lines = 2,
    .line_levels = 4,
    .line_half = 200,
};

/* Integers that look random, the same everywhere. */
static int32_t noise(uint32_t *state, int32_t below) {
  *state = *state * 1664525u + 1013904223u;
  return (int32_t)((*state >> 8) % (uint32_t)below);
}

static void fill_rows(struct tlw_selftest *test) {
  uint32_t state = 1;
  double price = 100.0;
  int64_t time = 0;
  for (int i = 0; i < TLW_SELFTEST_ROWS; i++) {
    const double open = price, close = open + (noise(&state, 401) - 200) / 64.0;
    test->columns[0][i] = open;
    test->columns[1][i] = (open > close ? open : close) + noise(&state, 100) / 128.0;
    test->columns[2][i] = (open < close ? open : close) - noise(&state, 100) / 128.0;
    test->columns[3][i] = close;
    test->columns[4][i] = noise(&state, 1000) / 3.0;
    test->time[i] = time;
    time += 1 + noise(&state, 5) * (int64_t)noise(&state, 3);
    price = close;
  }
  const double inf = TLK_INFINITY;
  test->columns[0][4] = TLK_NAN;
  test->columns[1][50] = inf;
  test->columns[2][120] = -inf;
  test->columns[4][60] = -1.0;
  test->columns[4][61] = inf;
  test->columns[4][62] = TLK_NAN;
}

static void fill_series(struct tlw_selftest *test, int32_t plot_width) {
  int64_t begin = 0;
  for (int i = 0; i < TLW_SELFTEST_SERIES; i++) {
    tlk_series *s = &test->series[i];
    *s = (tlk_series){.begin = begin, .count = counts[i], .step = 1, .span = (uint64_t)counts[i]};
    begin += counts[i];
    if (i == 2) {
      s->by_time = 1;
      s->origin = test->time[s->begin];
      s->span = (uint64_t)(test->time[begin - 1] - s->origin) + 1;
    }
    const int32_t body = tlk_body_width(tlk_slot_width(s->step, s->span, plot_width), plot_width);
    s->body_half = body / 2;
    s->wick_half = tlk_wick_width(body) / 2;
  }
}

static uint32_t place_of(const struct tlw_selftest_sheet *sheet, const void *part) {
  return (uint32_t)((const uint8_t *)part - (const uint8_t *)sheet);
}

/* Glyphs are noise, of different sizes, and some of them overlap. */
static void fill_sheet(struct tlw_selftest_sheet *sheet) {
  uint32_t state = 2;
  *sheet = (struct tlw_selftest_sheet){
      .head = {1, 1, TLK_GLYPHS_ASCII, TLW_SELFTEST_LETTERS, TLK_GLYPHS_ASCII * TLW_SELFTEST_GLYPH_ROWS,
               place_of(sheet, &sheet->box), place_of(sheet, &sheet->text), place_of(sheet, sheet->glyphs),
               place_of(sheet, sheet->indices), place_of(sheet, sheet->rows), sizeof *sheet},
      .box = {.x = 1, .y = -1, .width = 30, .height = 8, .ink = TLK_INK_LINES},
      .text = {.x = -2, .baseline = 8, .count = TLW_SELFTEST_LETTERS, .ink = TLK_INK_TEXT},
  };
  for (uint32_t i = 0; i < TLK_GLYPHS_ASCII; i++)
    sheet->glyphs[i] = (tlk_glyph){.first = i * TLW_SELFTEST_GLYPH_ROWS,
                                   .width = noise(&state, 8),
                                   .height = noise(&state, TLW_SELFTEST_GLYPH_ROWS + 1),
                                   .advance = 4 + noise(&state, 3),
                                   .left = noise(&state, 3) - 1,
                                   .top = TLW_SELFTEST_GLYPH_ROWS};
  for (size_t i = 0; i < TLK_GLYPHS_ASCII * TLW_SELFTEST_GLYPH_ROWS; i++)
    sheet->rows[i] = (uint32_t)noise(&state, 1 << sheet->glyphs[i / TLW_SELFTEST_GLYPH_ROWS].width);
  for (size_t i = 0; i < TLW_SELFTEST_LETTERS; i++) sheet->indices[i] = (uint16_t)noise(&state, TLK_GLYPHS_ASCII);
}

/* Two labels of time, and lines through the closes and above the opens, whose gaps are those of the prices. */
static void fill_notes(const struct tlw_selftest *test, const tlk_series *s, tlk_notes *notes) {
  static const tlk_time_mark marks[] = {{30, 20, 5, "12:30"}, {101, 99, 3, "Feb"}};
  uint8_t *bytes = (uint8_t *)notes;
  int32_t *columns = (int32_t *)(void *)(bytes + tlk_notes_points(with_text));
  double *closes = (double *)(void *)(bytes + tlk_notes_values(with_text, 0));
  double *opens = (double *)(void *)(bytes + tlk_notes_values(with_text, 1));
  int32_t n = 0;
  for (int64_t i = s->begin; i < s->begin + s->count; i++) {
    const uint64_t u = s->by_time ? tlk_slot_position(test->time[i], s->origin, s->shift) : (uint64_t)(i - s->begin);
    const int32_t x = tlk_slot_centre(u, s->step, s->span, with_text.plot_width);
    if (n == 0 || columns[n - 1] != x) columns[n++] = x;
    closes[n - 1] = test->columns[3][i];
    opens[n - 1] = test->columns[0][i] + 4.0;
  }
  *notes = (tlk_notes){.n_marks = 2, .n_points = n};
  tlk_time_mark *places = (tlk_time_mark *)(void *)(bytes + tlk_notes_marks());
  places[0] = marks[0];
  places[1] = marks[1];
}

void tlw_selftest_prepare(struct tlw_selftest *test, enum tlw_selftest_style style, uint8_t *pixels,
                          struct tlw_render_job *job) {
  const bool has_text = style == TLW_SELFTEST_TEXT;
  const tlk_layout *layout = has_text ? &with_text : &plain;
  fill_rows(test);
  fill_series(test, layout->plot_width);
  fill_sheet(&test->sheet);
  for (int i = 0; i < TLW_SELFTEST_SERIES && has_text; i++)
    fill_notes(test, &test->series[i], (tlk_notes *)(void *)test->notes[i]);
  *job = (struct tlw_render_job){
      .layout = *layout,
      .open = test->columns[0],
      .high = test->columns[1],
      .low = test->columns[2],
      .close = test->columns[3],
      .volume = test->columns[4],
      .time = test->time,
      .series = test->series,
      .n_series = TLW_SELFTEST_SERIES,
      .sheet = has_text ? &test->sheet.head : NULL,
      .notes = has_text ? test->notes : NULL,
      .y1 = TLW_SELFTEST_HEIGHT,
      .pixels = pixels,
      .row_stride = TLW_SELFTEST_WIDTH,
      .image_stride = TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT,
  };
  if (style == TLW_SELFTEST_LOG) job->layout.price_scale = TLK_SCALE_LOG;
}

bool tlw_selftest_passed(const uint8_t *pixels, enum tlw_selftest_style style) {
  return tlw_hash(TLW_HASH_START, pixels, TLW_SELFTEST_PIXELS) == answers[style];
}

static size_t file_size(void) {
  return tlw_png_encoder_bound(TLW_PNG_FAST, TLW_SELFTEST_WIDTH, TLW_SELFTEST_HEIGHT, TLW_SELFTEST_COLORS);
}

size_t tlw_selftest_files_size(void) { return TLW_SELFTEST_SERIES * file_size(); }

void tlw_selftest_prepare_files(struct tlw_selftest_files *files, uint8_t *bytes) {
  uint32_t state = 3;
  for (int i = 0; i < TLW_SELFTEST_COLORS * 3; i++) files->rgb[i] = (uint8_t)noise(&state, 256);
  files->files = (struct tlw_render_files){.rgb = files->rgb,
                                           .n_colors = TLW_SELFTEST_COLORS,
                                           .bytes = bytes,
                                           .stride = file_size(),
                                           .capacity = file_size(),
                                           .sizes = files->sizes};
}

bool tlw_selftest_files_passed(const struct tlw_selftest_files *files) {
  uint64_t hash = TLW_HASH_START;
  for (size_t i = 0; i < TLW_SELFTEST_SERIES; i++) {
    if (files->sizes[i] > files->files.capacity) return false;
    hash = tlw_hash(hash, files->files.bytes + i * files->files.stride, files->sizes[i]);
  }
  return hash == encoded;
}

void tlw_selftest_window(const struct tlw_selftest *test, int i, double *output, struct tlw_window_task *task,
                         struct tlw_window_job *job) {
  static const int64_t offsets[TLW_SELFTEST_SERIES + 1] = {0, 150, 151, TLW_SELFTEST_ROWS};
  static const int64_t origin[TLW_SELFTEST_SERIES] = {0, 12345, 2000};
  *task = (struct tlw_window_task){.window = windows[i], .x = test->columns[3], .output = output};
  if (windows[i].kind == TLK_FOLD_CROSS) task->y = test->columns[4];
  *job = (struct tlw_window_job){
      .tasks = task,
      .n_tasks = 1,
      .type = TLW_TYPE_F64,
      .n_rows = TLW_SELFTEST_ROWS,
      .n_series = TLW_SELFTEST_SERIES,
      .offsets = offsets,
      .origin = origin,
  };
}

bool tlw_selftest_rolled(uint64_t hash) { return hash == rolled; }

/* The series that takes the most memory by itself. */
static int largest_series(void) {
  int largest = 0;
  for (int i = 1; i < TLW_SELFTEST_SERIES; i++)
    if (counts[i] > counts[largest]) largest = i;
  return largest;
}

/* Device memory for any one of the charts, and its file, or no file; fills *test. */
static uint64_t chart_bytes(struct tlw_selftest *test, const struct tlw_render_files *files) {
  uint64_t most = 0;
  for (int i = 0; i < TLW_SELFTEST_STYLES; i++) {
    struct tlw_render_job job;
    tlw_selftest_prepare(test, (enum tlw_selftest_style)i, NULL, &job);
    job.series += largest_series();
    job.files = files;
    job.n_series = 1;
    const uint64_t bytes = tlw_plan_of(&job, 0).size;
    if (bytes > most) most = bytes;
  }
  return most;
}

/* Host memory for any one of the windows, all rows at once, and where slabs are host memory the device's too. */
static uint64_t window_bytes(bool unified) {
  static const struct tlw_selftest nothing;
  uint64_t most = 0;
  for (int i = 0; i < TLW_SELFTEST_WINDOWS; i++) {
    struct tlw_window_task task;
    struct tlw_window_job job;
    tlw_selftest_window(&nothing, i, NULL, &task, &job);
    const struct tlw_window_group group = tlw_window_group_of(&task, 1);
    const struct tlw_window_slot slot = tlw_window_slot_of(&job, &group, TLW_SELFTEST_ROWS);
    uint64_t bytes = tlw_memory_counted(slot.staging) + tlw_memory_counted(slot.table_size);
    if (unified) bytes += tlw_window_carry_size(&group) + slot.size;
    if (bytes > most) most = bytes;
  }
  return most;
}

/* What the self-test of files has on the host. */
struct encoding {
  struct tlw_selftest test;
  struct tlw_selftest_files files;
};

/* What the self-test of windows has on the host. */
struct rolling {
  struct tlw_selftest test;
  double output[TLW_SELFTEST_ROWS];
};

uint64_t tlw_gpu_selftest_bytes(const struct tlw_gpu *gpu, enum tlw_gpu_program program) {
  if (program == TLW_PROGRAM_IMAGES) return tlw_gpu_selftest_images_bytes(gpu->unified);
  if (program == TLW_PROGRAM_BARS) return tlw_gpu_selftest_bars_bytes(gpu->unified);
  if (program == TLW_PROGRAM_WINDOWS) return tlw_memory_counted(sizeof(struct rolling)) + window_bytes(gpu->unified);
  struct tlw_selftest test;
  if (program == TLW_PROGRAM_PNG) {
    struct tlw_selftest_files files;
    tlw_selftest_prepare_files(&files, NULL);
    const uint64_t beside = tlw_memory_counted(sizeof(struct encoding)) + tlw_memory_counted(tlw_selftest_files_size());
    return gpu->unified ? beside + chart_bytes(&test, &files.files) : beside;
  }
  const uint64_t beside = tlw_memory_counted(sizeof test) + tlw_memory_counted(TLW_SELFTEST_PIXELS);
  return gpu->unified ? beside + chart_bytes(&test, NULL) : beside;
}

/* Draws as many charts at a time as there is room for. needed: bytes that any one does with. */
static tlw_status draw_all(struct tlw_backend_state *state, struct tlw_render_job job, uint64_t needed,
                           tlw_error *error) {
  tlw_status status = TLW_OK;
  struct tlw_render_files files = {0};
  if (job.files) {
    files = *job.files;
    job.files = &files;
  }
  for (int64_t left = job.n_series; left > 0 && status == TLW_OK; left -= job.n_series) {
    struct tlw_ticket ticket = {0};
    job.n_series = left;
    job.n_series = tlw_gpu_chart_fit(state, &job, 1, UINT64_MAX);
    if (job.n_series == 0) return tlw_gpu_memory_refuse(state, needed, error);
    status = tlw_gpu_chart_draw(state, &job, &ticket, error);
    if (status == TLW_OK) status = tlw_flights_wait(state, &ticket, error);
    job.series += job.n_series;
    if (job.notes) job.notes = (const uint8_t *)job.notes + job.n_series * TLW_SELFTEST_NOTES;
    if (!job.files) {
      job.pixels += (size_t)job.n_series * job.image_stride;
      continue;
    }
    files.bytes += (size_t)job.n_series * files.stride;
    files.sizes += job.n_series;
  }
  return status;
}

static tlw_status draw_and_compare(struct tlw_backend_state *state, struct tlw_selftest *test, tlw_error *error) {
  struct tlw_block pixels = {0};
  struct tlw_render_job job;
  tlw_status status = tlw_gpu_staging_open(state, &pixels, TLW_SELFTEST_PIXELS, error);
  if (status != TLW_OK) return status;
  const uint64_t needed = chart_bytes(test, NULL);
  for (int i = 0; i < TLW_SELFTEST_STYLES && status == TLW_OK; i++) {
    const enum tlw_selftest_style style = (enum tlw_selftest_style)i;
    tlw_selftest_prepare(test, style, pixels.data, &job);
    status = draw_all(state, job, needed, error);
    if (status == TLW_OK && !tlw_selftest_passed(pixels.data, style))
      status =
          tlw_fail(error, TLW_ERR_UNAVAILABLE,
                   "the device draws other pixels than it should (self-test of the chart kernels): update its driver");
  }
  tlw_gpu_staging_close(state, &pixels);
  return status;
}

static tlw_status encode_and_compare(struct tlw_backend_state *state, struct encoding *e, tlw_error *error) {
  struct tlw_block bytes = {0};
  struct tlw_render_job job;
  tlw_status status = tlw_gpu_staging_open(state, &bytes, tlw_selftest_files_size(), error);
  if (status != TLW_OK) return status;
  tlw_selftest_prepare_files(&e->files, bytes.data);
  const uint64_t needed = chart_bytes(&e->test, &e->files.files);
  tlw_selftest_prepare(&e->test, TLW_SELFTEST_TEXT, NULL, &job);
  job.files = &e->files.files;
  status = draw_all(state, job, needed, error);
  if (status == TLW_OK && !tlw_selftest_files_passed(&e->files))
    status = tlw_fail(error, TLW_ERR_UNAVAILABLE,
                      "the device makes other files than it should (self-test of the PNG kernels): update its driver");
  tlw_gpu_staging_close(state, &bytes);
  return status;
}

static tlw_status roll_and_compare(struct tlw_backend_state *state, struct rolling *rolling, tlw_error *error) {
  uint64_t hash = TLW_HASH_START;
  fill_rows(&rolling->test);
  for (int i = 0; i < TLW_SELFTEST_WINDOWS; i++) {
    struct tlw_window_task task;
    struct tlw_window_job job;
    tlw_selftest_window(&rolling->test, i, rolling->output, &task, &job);
    const tlw_status status = tlw_gpu_windows(state, &job, UINT64_MAX, error);
    if (status != TLW_OK) return status;
    hash = tlw_hash(hash, rolling->output, sizeof rolling->output);
  }
  if (tlw_selftest_rolled(hash)) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "the device rolls windows otherwise than it should (self-test of the window kernels): update its "
                  "driver");
}

tlw_status tlw_gpu_selftest_charts(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct tlw_selftest *test = tlw_memory_alloc(memory, sizeof *test, "the self-test", &failure);
  if (!test) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = draw_and_compare(state, test, error);
  tlw_memory_free(memory, test, sizeof *test);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}

tlw_status tlw_gpu_selftest_files(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct encoding *encoding = tlw_memory_alloc(memory, sizeof *encoding, "the self-test", &failure);
  if (!encoding) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = encode_and_compare(state, encoding, error);
  tlw_memory_free(memory, encoding, sizeof *encoding);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}

tlw_status tlw_gpu_selftest_windows(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct rolling *rolling = tlw_memory_alloc(memory, sizeof *rolling, "the self-test", &failure);
  if (!rolling) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = roll_and_compare(state, rolling, error);
  tlw_memory_free(memory, rolling, sizeof *rolling);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}
