/* The windows of "tallow dataset": of each FILE and each symbol in it, looked at in groups. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "csv_options.h"
#include "dataset_run.h"
#include "format.h"
#include "interrupt.h"
#include "report.h"

struct dataset_windows {
  dataset_run *run;
  tlw_image_window windows[DATASET_GROUP];
  tlw_image_window drawn[DATASET_GROUP]; /* those that give an image */
  dataset_window described[DATASET_GROUP];
  dataset_window described_drawn[DATASET_GROUP]; /* of a .tar, likewise */
  int64_t rows[DATASET_GROUP];
  uint8_t reasons[DATASET_GROUP];
  double *labels;
};

/* A FILE that was read. */
typedef struct source {
  dataset_windows *memory;
  dataset_run *run;
  int input;
  const tlw_table *table;
  tlw_candles candles;
  const void *lines[RENDER_MOST_LINES];
  int64_t windows, images;    /* before it */
  int64_t n_expected, n_done; /* windows, for the progress */
  int64_t n_counted;          /* images, ahead of them all */
} source;

/* Windows of a series: `first` is the row of the last bar of the first. */
typedef struct range {
  int64_t first, step, n;
  int reason; /* why there are none */
} range;

/* ---- memory ---- */

uint64_t dataset_windows_bytes(int32_t n_horizons) {
  return sizeof(dataset_windows) + (uint64_t)DATASET_GROUP * (uint64_t)n_horizons * sizeof(double);
}

cli_exit dataset_windows_open(dataset_windows **windows, dataset_run *r) {
  dataset_windows *w = *windows = malloc(sizeof *w);
  if (w) {
    w->run = r;
    w->labels = malloc((size_t)DATASET_GROUP * (size_t)r->horizons.n * sizeof *w->labels + 1);
    if (w->labels) return CLI_OK;
  }
  dataset_windows_close(windows);
  return cli_fail(CLI_NO_MEMORY, "no memory for windows");
}

void dataset_windows_close(dataset_windows **windows) {
  if (*windows) free((*windows)->labels);
  free(*windows);
  *windows = NULL;
}

/* ---- which windows there are ---- */

static int64_t n_series(const tlw_candles *candles) { return candles->offsets ? candles->n_series : 1; }

static int64_t first_row(const tlw_candles *candles, int64_t series) {
  return candles->offsets ? candles->offsets[series] : 0;
}

static int64_t n_bars(const tlw_candles *candles, int64_t series) {
  return candles->offsets ? candles->offsets[series + 1] - candles->offsets[series] : candles->n_rows;
}

/* The last bars that --from and --to allow: rows first to end - 1 of the series. */
static void limit_rows(const dataset_run *r, const tlw_candles *candles, int64_t series, int64_t *first, int64_t *end) {
  const cli_value *from = dataset_value(r, DATASET_FROM), *to = dataset_value(r, DATASET_TO);
  const int64_t *time = candles->time ? candles->time + first_row(candles, series) : NULL;
  const int64_t n = n_bars(candles, series);
  *first = from->given ? render_lower_bound(time, n, from->time) : 0;
  *end = to->given ? render_lower_bound(time, n, to->time) : n;
}

/* Windows keep the places that they have without --from and --to. */
static range find_windows(const dataset_run *r, const tlw_candles *candles, int64_t series) {
  int64_t first, end;
  const int64_t whole = r->window - 1; /* the row of the first window's last bar */
  limit_rows(r, candles, series, &first, &end);
  range found = {.first = whole, .step = r->stride};
  if (n_bars(candles, series) <= whole) return (range){.reason = TLW_IMAGE_FEW_BARS};
  if (dataset_value(r, DATASET_LAST)->given) {
    found.first = end - 1;
  } else if (first > whole) {
    const int64_t passed = (first - whole - 1) / r->stride + 1;
    found.first = passed > (end - 1 - whole) / r->stride ? end : whole + passed * r->stride;
  }
  if (end <= first || found.first >= end || found.first < first) return (range){.reason = DATASET_OUTSIDE};
  if (found.first < whole) return (range){.reason = TLW_IMAGE_FEW_BARS};
  found.n = dataset_value(r, DATASET_LAST)->given ? 1 : (end - 1 - found.first) / r->stride + 1;
  return found;
}

/* ---- a group of windows ---- */

static dataset_window describe(const source *s, int64_t series, int64_t row, int reason) {
  const dataset_run *r = s->run;
  const int64_t bars = row + 1 < r->window ? row + 1 : r->window;
  const int64_t *time = s->candles.time && bars > 0 ? s->candles.time + first_row(&s->candles, series) : NULL;
  return (dataset_window){
      .ordinal = r->n_windows,
      .image = reason == TLW_IMAGE_DRAWN ? r->n_images : -1,
      .source = r->args->operands[s->input],
      .symbol = tlw_table_symbol(s->table, series),
      .row = row,
      .first = time ? time[row - bars + 1] : 0,
      .last = time ? time[row] : 0,
      .has_times = time != NULL,
      .reason = reason,
  };
}

static cli_exit write_beside(dataset_run *r, const dataset_window *windows, int64_t n) {
  cli_exit code = r->manifest ? dataset_manifest_add(r->manifest, windows, n) : CLI_OK;
  if (!code && r->labels) code = dataset_labels_add(r->labels, windows, n);
  return code;
}

/* A series without any window. */
static cli_exit add_none(source *s, int64_t series, int reason) {
  dataset_run *r = s->run;
  const dataset_window window = describe(s, series, n_bars(&s->candles, series) - 1, reason);
  r->n_windows++;
  r->left_out[reason]++;
  return write_beside(r, &window, 1);
}

static void find_labels(const source *s, int64_t series, int64_t n) {
  const dataset_run *r = s->run;
  dataset_windows *w = s->memory;
  if (r->horizons.n == 0) return;
  for (int64_t i = 0; i < n; i++) w->rows[i] = w->windows[i].last;
  const double *close = (const double *)s->candles.close + first_row(&s->candles, series);
  dataset_labels_of(close, n_bars(&s->candles, series), w->rows, n, r->horizons, w->labels);
}

static int reason_of(const dataset_run *r, const dataset_windows *w, int64_t i) {
  const int reason = w->reasons[i];
  if (reason != TLW_IMAGE_DRAWN || !dataset_value(r, DATASET_LABELLED)->given) return reason;
  return dataset_lacks_label(w->labels + i * r->horizons.n, r->horizons.n) ? DATASET_NO_LABEL : reason;
}

/* Decides which of the group's windows give images. Returns how many do. */
static int64_t choose(source *s, int64_t series, int64_t n) {
  dataset_run *r = s->run;
  dataset_windows *w = s->memory;
  const int is_described = r->format == DATASET_TAR, is_told = r->manifest || r->labels || is_described;
  int64_t n_drawn = 0;
  for (int64_t i = 0; i < n; i++) {
    const int reason = reason_of(r, w, i);
    if (is_told) {
      w->described[i] = describe(s, series, w->windows[i].last, reason);
      if (r->horizons.n > 0) w->described[i].labels = w->labels + i * r->horizons.n;
    }
    r->n_windows++;
    r->left_out[reason]++;
    if (reason != TLW_IMAGE_DRAWN) continue;
    if (is_described) w->described_drawn[n_drawn] = w->described[i];
    w->drawn[n_drawn++] = w->windows[i];
    r->n_images++;
  }
  return n_drawn;
}

/* Of inputs whose rows an earlier run has seen no new image can come: those rows were others then. */
static cli_exit refuse_inputs(const dataset_run *r) {
  return cli_fail(CLI_DATA,
                  "--resume: %s not what the run that is to go on has read: give the same, or leave out --resume to "
                  "begin anew",
                  r->begin.inputs == 1 ? "the FILE is" : "the first FILEs are");
}

cli_exit dataset_windows_end(const dataset_run *r) {
  return r->inputs < r->begin.inputs || r->n_images < r->begin.images ? refuse_inputs(r) : CLI_OK;
}

/* Finds what decides which of the group's windows give images. */
static cli_exit look_at_group(source *s, int64_t series, int64_t n) {
  const dataset_run *r = s->run;
  tlw_error error;
  if (tlw_image_reasons(&s->candles, &r->images, s->memory->windows, n, s->memory->reasons, &error) != TLW_OK)
    return render_fail_library(&r->base, r->args->operands[s->input], &error, 0);
  find_labels(s, series, n);
  return CLI_OK;
}

static cli_exit add_group(source *s, int64_t series, int64_t n) {
  dataset_run *r = s->run;
  dataset_windows *w = s->memory;
  const int64_t number = r->n_images;
  cli_exit code = look_at_group(s, series, n);
  if (code) return code;
  const int64_t n_drawn = choose(s, series, n);
  if (r->inputs < r->begin.inputs && r->n_images > r->begin.images) return refuse_inputs(r);
  code = write_beside(r, w->described, n);
  if (!code) code = dataset_blocks_draw(r, &s->candles, w->drawn, w->described_drawn, number, n_drawn);
  s->n_done += n;
  const double share = cli_progress_push(r->base.progress, (double)s->n_done / (double)s->n_expected, n_drawn);
  cli_progress_settle(r->base.progress, s->input, share, n_drawn);
  return code;
}

/* Does something with each group of the series' windows. */
static cli_exit go_through(source *s, int64_t series, const range *found,
                           cli_exit (*look)(source *s, int64_t series, int64_t n)) {
  tlw_image_window *windows = s->memory->windows;
  cli_exit code = CLI_OK;
  for (int64_t done = 0, n; done < found->n && !code; done += n) {
    n = found->n - done < DATASET_GROUP ? found->n - done : DATASET_GROUP;
    for (int64_t i = 0; i < n; i++)
      windows[i] = (tlw_image_window){.series = series, .last = found->first + (done + i) * found->step};
    code = cli_interrupt_code();
    if (!code) code = look(s, series, n);
  }
  return code;
}

static cli_exit add_series(source *s, int64_t series) {
  const range found = find_windows(s->run, &s->candles, series);
  if (found.n == 0) return add_none(s, series, found.reason);
  return go_through(s, series, &found, add_group);
}

/* ---- room on the disk ---- */

static cli_exit count_group(source *s, int64_t series, int64_t n) {
  const cli_exit code = look_at_group(s, series, n);
  for (int64_t i = 0; i < n && !code; i++) s->n_counted += reason_of(s->run, s->memory, i) == TLW_IMAGE_DRAWN;
  return code;
}

/*
 * Before the first image of the FILE, that the disk is not filled for nothing. Windows are looked at twice where all of
 * them are too many.
 */
static cli_exit check_room(source *s) {
  const dataset_run *r = s->run;
  cli_exit code = CLI_OK;
  if (!dataset_array_may_lack_room(r, r->n_images + s->n_expected)) return CLI_OK;
  for (int64_t i = 0; i < n_series(&s->candles) && !code; i++) {
    const range found = find_windows(r, &s->candles, i);
    code = go_through(s, i, &found, count_group);
  }
  return code ? code : dataset_array_check_room(r, r->n_images + s->n_counted);
}

/* ---- a FILE ---- */

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

static uint64_t mix_column(uint64_t hash, const void *column, int64_t n) {
  const char *at = column;
  for (int64_t i = 0; column && i < n; i++) {
    uint64_t word;
    memcpy(&word, at + i * (int64_t)sizeof word, sizeof word);
    hash = mix(hash, word);
  }
  return mix(hash, column ? (uint64_t)n : UINT64_MAX);
}

static uint64_t mix_text(uint64_t hash, const char *text) {
  for (; text && *text; text++) hash = mix(hash, (unsigned char)*text);
  return mix(hash, text ? 0 : UINT64_MAX);
}

/* All that is read enters the number that tells whether two runs had the same input. */
static uint64_t mix_table(const source *s, uint64_t hash) {
  const tlw_candles *c = &s->candles;
  const void *const columns[] = {c->time, c->open, c->high, c->low, c->close, c->volume};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) hash = mix_column(hash, columns[i], c->n_rows);
  for (int32_t i = 0; i < c->n_lines; i++) hash = mix_column(hash, c->lines[i], c->n_rows);
  for (int64_t i = 0; i < n_series(c); i++) {
    hash = mix(hash, (uint64_t)n_bars(c, i));
    hash = mix_text(hash, tlw_table_symbol(s->table, i));
  }
  return s->run->format == DATASET_TAR ? mix_text(hash, s->run->args->operands[s->input]) : hash;
}

static cli_exit count_input(dataset_run *r, uint64_t data) {
  r->data = data;
  r->inputs++;
  return r->inputs == r->begin.inputs && r->data != r->begin.data ? refuse_inputs(r) : CLI_OK;
}

/* Of its lines the averages, which were added last, come first. */
static void take_candles(source *s) {
  const render *base = &s->run->base;
  tlw_table_candles(s->table, &s->candles);
  for (int32_t i = 0; i < base->n_averages; i++) s->lines[i] = s->candles.lines[base->n_columns + i];
  for (int32_t i = 0; i < base->n_columns; i++) s->lines[base->n_averages + i] = s->candles.lines[i];
  s->candles.lines = s->lines;
}

static const char *line_name(const void *table, int32_t i) { return tlw_table_line_name(table, i); }

/* The rows that the library refuses are refused here, ahead of the first image of the FILE. */
static tlw_status prepare_chart(source *s, tlw_error *error) {
  render *base = &s->run->base;
  if (s->run->images.style != TLW_IMAGES_CHART) return TLW_OK;
  render_lines_name(base, s->table, line_name);
  base->chart.volume = s->candles.volume && render_value(base, RENDER_VOLUME)->number == SWITCH_ON;
  render_check_room(base, &base->chart);
  return base->chart.scale == TLW_SCALE_LOG ? tlw_chart_check(&s->candles, &base->chart, error) : TLW_OK;
}

static void tell_file(const source *s) {
  const dataset_run *r = s->run;
  char images[CLI_COUNT_SIZE], windows[CLI_COUNT_SIZE];
  const int64_t n_images = r->n_images - s->images, n_windows = r->n_windows - s->windows;
  if (!r->verbose) return;
  cli_count_text(n_images, images);
  cli_count_text(n_windows, windows);
  cli_say("%s: %s image%s of %s window%s%s", cli_shown_name(r->args->operands[s->input]), images,
          n_images == 1 ? "" : "s", windows, n_windows == 1 ? "" : "s", s->candles.volume ? "" : ", no volume");
}

/* Says why an input gives nothing. The others go on. */
static cli_exit fail_file(dataset_run *r, int input, cli_exit failed, cli_buffer *reason) {
  cli_buffer_add(reason, "", 1);
  if (reason->failed) return cli_fail(CLI_NO_MEMORY, "no memory to say why a FILE was refused");
  cli_fail(failed, "%s", reason->bytes);
  cli_progress_file_refused(r->base.progress, reason->bytes);
  cli_progress_chart(r->base.progress, CLI_CHART_FAILED, 1);
  if (!r->first_code) r->first_code = failed;
  r->n_failed++;
  if (failed != CLI_DATA && failed != CLI_NO_INPUT) return failed;
  const cli_exit code = count_input(r, mix_text(mix(r->data, UINT64_MAX - 1), r->args->operands[input]));
  if (code || !r->manifest) return code;
  return dataset_manifest_add_failure(r->manifest, r->args->operands[input], failed, reason->bytes);
}

/* People know a candle by its time, not by its row. */
static cli_exit refuse_prices(dataset_run *r, const source *s, const tlw_error *error) {
  cli_buffer *reason = &r->base.reason;
  const char *what = strstr(error->message, ": ");
  cli_buffer_clear(reason);
  cli_buffer_format(reason, "%s: ", cli_shown_name(r->args->operands[s->input]));
  if (error->code == TLW_ERR_DATA && error->row >= 0 && s->candles.time && what) {
    char time[CLI_TIME_SIZE];
    cli_time_text(s->candles.time[error->row], time);
    cli_buffer_format(reason, "the candle of %s%s", time, what);
  } else {
    cli_buffer_format(reason, "%s", error->message);
  }
  return fail_file(r, s->input, cli_exit_of(error->code), reason);
}

static cli_exit draw_table(dataset_windows *memory, int input, const tlw_table *table) {
  dataset_run *r = memory->run;
  tlw_error error;
  source s = {.memory = memory, .run = r, .input = input, .table = table};
  s.windows = r->n_windows;
  s.images = r->n_images;
  take_candles(&s);
  if (prepare_chart(&s, &error) != TLW_OK) return refuse_prices(r, &s, &error);
  for (int64_t i = 0; i < n_series(&s.candles); i++) s.n_expected += find_windows(r, &s.candles, i).n;
  cli_exit code = count_input(r, mix_table(&s, r->data));
  if (!code) code = check_room(&s);
  for (int64_t i = 0; i < n_series(&s.candles) && !code; i++) code = add_series(&s, i);
  if (!code) tell_file(&s);
  return code;
}

static int can_be_read_again(const char *name) {
  struct stat info;
  return strcmp(name, "-") != 0 && stat(name, &info) == 0 && S_ISREG(info.st_mode);
}

/* A device that hangs may take for ever. */
static cli_exit give_memory_back(dataset_run *r) {
  tlw_error error;
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  error.code = tlw_engine_reset(dataset_engine(r), TLW_RESET_MEMORY, &error);
  cli_interrupt_wait_end();
  return error.code == TLW_OK ? CLI_OK : render_fail_library(&r->base, NULL, &error, 0);
}

/*
 * No FILE fails for those before it: what the engine keeps for further images is given back where the rows need it. It
 * has nothing else then, for blocks on their way to the output are not its memory.
 */
static cli_exit read_table(dataset_run *r, const char *name, tlw_table **table, tlw_error *error) {
  const int again = can_be_read_again(name);
  cli_exit code = again || r->n_images == 0 ? CLI_OK : give_memory_back(r);
  if (!code) code = render_read_table(&r->base, name, table, error);
  if (code || error->code != TLW_ERR_BUDGET || !again || r->n_images == 0) return code;
  code = give_memory_back(r);
  return code ? code : render_read_table(&r->base, name, table, error);
}

cli_exit dataset_windows_file(dataset_windows *windows, int input) {
  dataset_run *r = windows->run;
  render *base = &r->base;
  const char *name = r->args->operands[input];
  tlw_error error;
  tlw_table *table;
  render_begin_file(base, input);
  cli_exit code = read_table(r, name, &table, &error);
  if (code) return code;
  if (error.code != TLW_OK) {
    const uint64_t more = error.code == TLW_ERR_BUDGET ? render_table_bytes(base, name) : 0;
    code = fail_file(r, input, render_explain_file(base, input, &error, more), &base->reason);
    cli_progress_file_end(base->progress, NULL, code == CLI_OK);
    return code;
  }
  tlw_csv_report report;
  tlw_table_get_report(table, &report);
  cli_csv_tell(r->args, name, &report);
  cli_csv_warn(r->args, name, &report, r->quiet);
  cli_progress_read(base->progress, (uint64_t)report.bytes);
  code = draw_table(windows, input, table);
  tlw_table_close(&table);
  cli_progress_file_end(base->progress, &report, code == CLI_OK);
  return code;
}
