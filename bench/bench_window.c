/*
 * Rolling windows from memory to memory, beside a plain copy of the same bytes: each operation at some windows, every
 * window up to 200, many short series beside one long one, several operations in one call beside one by one, rows fed
 * to a state, and the memory that it all takes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "tallow/tallow.h"

#define ROWS "10000000"
#define ANY_WINDOWS 200 /* of the part "any" */
#define COPIES 10       /* of its works */
#define SHORT_ROWS 10000
#define WINDOWS_MAX 16
#define FEWEST_ROWS 10000
#define STATE_ROWS 20000
#define SLOW_SECONDS 0.3 /* an operation that takes longer gets fewer rows */

/* What is measured where all operations would take too long. */
static const tlw_window_op usual[] = {TLW_WINDOW_MEAN, TLW_WINDOW_STD, TLW_WINDOW_MAX, TLW_WINDOW_MEDIAN,
                                      TLW_WINDOW_EMA};
#define USUAL (sizeof usual / sizeof *usual)

static const char *const parts[] = {"ops", "any", "series", "together", "state", "memory"};
enum part { PART_OPS, PART_ANY, PART_SERIES, PART_TOGETHER, PART_STATE, PART_MEMORY, PARTS };

/* What is asked for. */
struct wish {
  const char *ops, *windows, *part; /* lists; NULL: the default */
  int64_t n_rows;
  int64_t lengths[WINDOWS_MAX];
  size_t n_lengths;
  double seconds;
};

static struct field {
  tlw_engine *engine;
  tlw_backend backend;
  int64_t n_rows;
  double *columns[2];
  double *output;
} field;

/* ---- floors: what is aimed at on one core with AVX-512, for information ---- */

static const struct floor {
  tlw_window_op op;
  int64_t window; /* 0: any */
  double share;   /* of a copy */
  double rows;    /* millions a second, where that is what counts */
} floors[] = {
    {TLW_WINDOW_EMA, 0, 0.8, 0},     {TLW_WINDOW_MEAN, 20, 0.85, 0}, {TLW_WINDOW_MEAN, 200, 0.85, 0},
    {TLW_WINDOW_MEAN, 2000, 0.5, 0}, {TLW_WINDOW_SUM, 20, 0.85, 0},  {TLW_WINDOW_SUM, 200, 0.85, 0},
    {TLW_WINDOW_SUM, 2000, 0.5, 0},  {TLW_WINDOW_MIN, 20, 0.75, 0},  {TLW_WINDOW_MIN, 200, 0.5, 0},
    {TLW_WINDOW_MIN, 2000, 0.4, 0},  {TLW_WINDOW_MAX, 20, 0.75, 0},  {TLW_WINDOW_MAX, 200, 0.5, 0},
    {TLW_WINDOW_MAX, 2000, 0.4, 0},  {TLW_WINDOW_STD, 20, 0.35, 0},  {TLW_WINDOW_STD, 200, 0.35, 0},
    {TLW_WINDOW_STD, 2000, 0.25, 0}, {TLW_WINDOW_MEDIAN, 20, 0, 90}, {TLW_WINDOW_MEDIAN, 200, 0, 12},
};

#define ANY_FLOOR 0.65 /* of mean and sum at any window up to 200 */

static const struct floor *find_floor(tlw_window_op op, int64_t window) {
  for (size_t i = 0; i < sizeof floors / sizeof *floors; i++)
    if (floors[i].op == op && (floors[i].window == window || floors[i].window == 0)) return &floors[i];
  return NULL;
}

static const char *floor_text(tlw_window_op op, int64_t window, char text[16]) {
  const struct floor *floor = field.backend == TLW_BACKEND_CPU ? find_floor(op, window) : NULL;
  if (!floor) return "";
  if (floor->rows > 0)
    snprintf(text, 16, "%.0f M", floor->rows);
  else
    snprintf(text, 16, "%.2f", floor->share);
  return text;
}

/* ---- columns ---- */

static uint64_t noise = 1;

/* Normal with mean 0 and deviation 1, nearly: the sum of twelve. */
static double draw(void) {
  double sum = -6;
  for (int i = 0; i < 12; i++) {
    noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407;
    sum += (double)(noise >> 40) * 0x1p-24;
  }
  return sum;
}

static double next_walk(double before) { return before + 0.01 * draw(); }
static double next_noise(double before) { return (void)before, 100 + draw(); }
static double next_rise(double before) { return before + 1e-6; }
static double next_fall(double before) { return before - 1e-6; }
static double next_flat(double before) { return before; }

static const struct form {
  const char *name;
  double (*next)(double before);
} forms[] = {{"walk", next_walk}, {"noise", next_noise}, {"rise", next_rise}, {"fall", next_fall}, {"flat", next_flat}};

static double *make_column(int64_t n_rows, const char *form) {
  double (*next)(double before) = NULL;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (strcmp(forms[i].name, form) == 0) next = forms[i].next;
  if (!next) bench_die(BENCH_USAGE, "--data can't be '%s': see --help", form);
  double *column = bench_alloc((size_t)n_rows * sizeof *column), x = 100;
  for (int64_t i = 0; i < n_rows; i++) column[i] = x = next(x);
  return column;
}

/* Memory for outputs, every page of which was touched. */
static double *make_output(int64_t n_rows) {
  double *output = bench_alloc((size_t)n_rows * sizeof *output);
  memset(output, 1, (size_t)n_rows * sizeof *output);
  return output;
}

/* ---- works ---- */

#define SPECS_MAX 16

struct job {
  int64_t n_rows, n_series;
  const int64_t *offsets; /* or NULL */
  int32_t n_specs;
  tlw_window_spec specs[SPECS_MAX];
  double *outputs[SPECS_MAX];
  bool apart; /* a call for each */
};

static void run_job(void *context, int64_t calls) {
  const struct job *job = context;
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = (const void *const *)field.columns;
  batch.n_columns = 2;
  batch.n_rows = job->n_rows;
  batch.n_series = job->n_series;
  batch.offsets = job->offsets;
  const int32_t step = job->apart ? 1 : job->n_specs;
  tlw_error error;
  for (int64_t i = 0; i < calls; i++)
    for (int32_t k = 0; k < job->n_specs; k += step)
      bench_check(tlw_window_run(field.engine, &batch, job->specs + k, step, job->outputs + k, &error), &error);
}

static void copy_rows(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) memcpy(field.output, field.columns[0], (size_t)job->n_rows * sizeof(double));
}

static struct job make_job(tlw_window_op op, int64_t window, int64_t n_rows) {
  struct job job = {.n_rows = n_rows, .n_series = 1, .n_specs = 1, .outputs = {field.output}};
  tlw_window_spec_init(&job.specs[0], op, window);
  return job;
}

static bool remembers_all(tlw_window_op op) { return op >= TLW_WINDOW_CUMSUM; }

/* So few rows that a call does not take for ever, but no fewer than these. */
static void shorten(struct job *job) {
  struct job few = *job;
  few.n_rows = FEWEST_ROWS;
  if (job->n_rows <= few.n_rows) return;
  bench_time_once(run_job, &few);
  const double rate = bench_time_once(run_job, &few) / (double)few.n_rows;
  while (rate * (double)job->n_rows > SLOW_SECONDS && job->n_rows / 10 >= few.n_rows) job->n_rows /= 10;
}

/* ---- lists of names and of windows ---- */

/* Whether a word is in a list between commas. */
static bool listed(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = list; (at = strstr(at, word)); at += length)
    if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return true;
  return false;
}

static bool wants_op(const struct wish *wish, tlw_window_op op) {
  return !wish->ops || listed(wish->ops, tlw_window_describe(op)->name);
}

static bool wants_part(const struct wish *wish, enum part part) {
  return wish->part ? listed(wish->part, parts[part]) : part != PART_MEMORY;
}

static size_t read_windows(const char *text, int64_t windows[WINDOWS_MAX]) {
  size_t n = 0;
  do {
    char *end;
    windows[n] = strtoll(text, &end, 10);
    if (end == text || (*end && *end != ',') || windows[n] < 1 || windows[n] > TLW_WINDOW_MAX_ROWS)
      bench_die(BENCH_USAGE, "--window can't be '%s': windows are 1 to %" PRId64, text, TLW_WINDOW_MAX_ROWS);
    n++;
    text = *end ? end + 1 : end;
  } while (*text && n < WINDOWS_MAX);
  if (*text) bench_die(BENCH_USAGE, "--window takes %d windows at most", WINDOWS_MAX);
  return n;
}

static void check_names(const char *list, const char *what, bool (*known)(const char *word)) {
  char word[32];
  for (const char *at = list; at && *at;) {
    const size_t length = strcspn(at, ",");
    snprintf(word, sizeof word, "%.*s", (int)length, at);
    if (!known(word)) bench_die(BENCH_USAGE, "there is no %s '%s': see --help", what, word);
    at += length + (at[length] == ',');
  }
}

static bool known_op(const char *word) {
  for (tlw_window_op op = 0; op < TLW_WINDOW_OPS; op++)
    if (strcmp(tlw_window_describe(op)->name, word) == 0) return true;
  return false;
}

static bool known_part(const char *word) {
  for (size_t i = 0; i < PARTS; i++)
    if (strcmp(parts[i], word) == 0) return true;
  return false;
}

/* ---- results ---- */

/* Seconds a row. */
static double pace(const bench_work *work) {
  const struct job *job = work->context;
  return bench_summarise(work).best / (double)job->n_rows;
}

static size_t bytes_of(const struct job *job) {
  return sizeof(double) * (size_t)(tlw_window_describe(job->specs[0].op)->inputs + 1);
}

/* Time of a copy of as many bytes over that of the operation: 1 is as fast as memory. */
static double share_of(const bench_work *work, const bench_work *copy) {
  return pace(copy) / pace(work) * (double)bytes_of(work->context) / (2 * sizeof(double));
}

static void write_result(bench_json *json, const char *name, const bench_work *work, const bench_work *copy) {
  const struct job *job = work->context;
  bench_json_begin(json, NULL, '{');
  bench_json_result(json, name, work);
  bench_json_number(json, "rows", (double)job->n_rows);
  bench_json_number(json, "items_per_second", (double)job->n_rows / bench_summarise(work).best);
  bench_json_number(json, "share_of_copy", share_of(work, copy));
  bench_json_end(json, '}');
}

static void print_result(const char *name, const bench_work *work, const bench_work *copy, const char *floor) {
  const struct job *job = work->context;
  const bench_summary summary = bench_summarise(work);
  const double middle = share_of(work, copy) / bench_ratio(work, copy) * summary.best / bench_summarise(copy).best;
  printf("%-18s %9.1f %8.2f %8.3f %8.3f %7.1f%%  %-6s%s\n", name, 1e-6 / pace(work),
         1e-9 * (double)bytes_of(job) / pace(work), share_of(work, copy), middle, bench_spread(&summary), floor,
         job->n_rows < field.n_rows ? " fewer rows" : "");
  fflush(stdout);
}

static void print_head(const char *first) {
  printf("%-18s %9s %8s %8s %8s %8s  %s\n", first, "Mrows/s", "GB/s", "share", "median", "spread", "floor");
}

/* ---- each operation ---- */

static void run_op(const struct wish *wish, tlw_window_op op, bench_json *json) {
  struct job jobs[WINDOWS_MAX + 1] = {make_job(TLW_WINDOW_SUM, 1, field.n_rows)};
  bench_work works[WINDOWS_MAX + 1] = {{.run = copy_rows, .context = &jobs[0]}};
  const size_t n = 1 + (remembers_all(op) ? 1 : wish->n_lengths);
  for (size_t i = 1; i < n; i++) {
    jobs[i] = make_job(op, remembers_all(op) ? 0 : wish->lengths[i - 1], field.n_rows);
    shorten(&jobs[i]);
    works[i] = (bench_work){.run = run_job, .context = &jobs[i]};
  }
  bench_measure(works, n, wish->seconds);
  for (size_t i = 1; i < n; i++) {
    char name[40], floor[16];
    const int64_t window = jobs[i].specs[0].window;
    snprintf(name, sizeof name, window ? "%s/%" PRId64 : "%s", tlw_window_describe(op)->name, window);
    print_result(name, &works[i], &works[0], floor_text(op, window, floor));
    char full[64];
    snprintf(full, sizeof full, "window/%s", name);
    write_result(json, full, &works[i], &works[0]);
  }
}

static void run_ops(const struct wish *wish, bench_json *json) {
  print_head("op/window");
  for (tlw_window_op op = 0; op < TLW_WINDOW_OPS; op++)
    if (wants_op(wish, op)) run_op(wish, op, json);
}

/* ---- every window up to 200 ---- */

/* Such as " 4-7 10", windows of the works that are below the floor. */
static void print_below(const bench_work *works, const bench_work *copy) {
  const char *none = " none";
  for (int64_t w = 1, first = 0; w <= ANY_WINDOWS + 1; w++) {
    const bool below = w <= ANY_WINDOWS && share_of(&works[w - 1], copy) < ANY_FLOOR;
    if (below && !first) first = w;
    if (below || !first) continue;
    printf(first == w - 1 ? " %" PRId64 : " %" PRId64 "-%" PRId64, first, w - 1);
    first = 0;
    none = "";
  }
  printf("%s\n", none);
}

static void print_worst(tlw_window_op op, const bench_work *works, const bench_work *copy) {
  double sum = 0;
  int64_t worst = 1;
  for (int64_t w = 1; w <= ANY_WINDOWS; w++) {
    sum += share_of(&works[w - 1], copy);
    if (share_of(&works[w - 1], copy) < share_of(&works[worst - 1], copy)) worst = w;
  }
  printf("%-18s worst share %.3f at window %" PRId64 ", mean %.3f; below %.2f:", tlw_window_describe(op)->name,
         share_of(&works[worst - 1], copy), worst, sum / ANY_WINDOWS, ANY_FLOOR);
  print_below(works, copy);
}

static void run_any_op(const struct wish *wish, tlw_window_op op, bench_json *json) {
  static struct job jobs[ANY_WINDOWS + 1];
  static bench_work works[ANY_WINDOWS + COPIES];
  jobs[ANY_WINDOWS] = make_job(TLW_WINDOW_SUM, 1, field.n_rows);
  for (int64_t w = 1; w <= ANY_WINDOWS; w++) {
    jobs[w - 1] = make_job(op, w, field.n_rows);
    shorten(&jobs[w - 1]);
    works[w - 1] = (bench_work){.run = run_job, .context = &jobs[w - 1]};
  }
  for (int i = 0; i < COPIES; i++)
    works[ANY_WINDOWS + i] = (bench_work){.run = copy_rows, .context = &jobs[ANY_WINDOWS]};
  bench_measure(works, ANY_WINDOWS + COPIES, wish->seconds);
  const bench_work *copy = &works[ANY_WINDOWS];
  for (int i = 1; i < COPIES; i++)
    if (pace(&works[ANY_WINDOWS + i]) < pace(copy)) copy = &works[ANY_WINDOWS + i];
  print_worst(op, works, copy);
  for (int64_t w = 1; w <= ANY_WINDOWS; w++) {
    char name[64];
    snprintf(name, sizeof name, "any/%s/%" PRId64, tlw_window_describe(op)->name, w);
    write_result(json, name, &works[w - 1], copy);
  }
}

static void run_any(const struct wish *wish, bench_json *json) {
  printf("\nevery window from 1 to %d\n", ANY_WINDOWS);
  for (tlw_window_op op = 0; op < TLW_WINDOW_OPS; op++)
    if (wish->ops ? wants_op(wish, op) && !remembers_all(op) : op == TLW_WINDOW_MEAN) run_any_op(wish, op, json);
}

/* ---- many series ---- */

static void run_series_case(const struct wish *wish, tlw_window_op op, int64_t window, const int64_t *offsets,
                            int64_t n_series, bench_json *json) {
  struct job copy = make_job(TLW_WINDOW_SUM, 1, n_series * SHORT_ROWS), one = make_job(op, window, copy.n_rows);
  struct job many = one;
  many.offsets = offsets;
  many.n_series = n_series;
  bench_work works[] = {
      {.run = copy_rows, .context = &copy}, {.run = run_job, .context = &one}, {.run = run_job, .context = &many}};
  bench_measure(works, 3, wish->seconds);
  char name[40], full[64];
  snprintf(name, sizeof name, "%s/%" PRId64, tlw_window_describe(op)->name, window);
  printf("%-18s %9.1f %9.1f %8.3f %8.3f %8.3f\n", name, 1e-6 / pace(&works[1]), 1e-6 / pace(&works[2]),
         share_of(&works[1], &works[0]), share_of(&works[2], &works[0]), pace(&works[1]) / pace(&works[2]));
  fflush(stdout);
  snprintf(full, sizeof full, "series/%s", name);
  write_result(json, full, &works[2], &works[0]);
}

static void run_series(const struct wish *wish, bench_json *json) {
  const int64_t n_series = field.n_rows / SHORT_ROWS;
  if (n_series < 1) return;
  int64_t *offsets = bench_alloc((size_t)(n_series + 1) * sizeof *offsets);
  for (int64_t i = 0; i <= n_series; i++) offsets[i] = i * SHORT_ROWS;
  printf("\n%" PRId64 " series of %d rows beside one of %" PRId64 "\n", n_series, SHORT_ROWS, n_series * SHORT_ROWS);
  printf("%-18s %9s %9s %8s %8s %8s\n", "op/window", "one Mr/s", "many Mr/s", "share", "share", "many/one");
  for (size_t i = 0; i < USUAL; i++)
    for (size_t k = 0; k < wish->n_lengths && wants_op(wish, usual[i]); k++)
      if (wish->lengths[k] <= 200) run_series_case(wish, usual[i], wish->lengths[k], offsets, n_series, json);
  free(offsets);
}

/* ---- several operations over one column ---- */

static void run_together(const struct wish *wish, bench_json *json) {
  static const tlw_window_op ops[] = {TLW_WINDOW_MEAN, TLW_WINDOW_STD, TLW_WINDOW_MAX, TLW_WINDOW_EMA};
  static const int64_t windows[] = {20, 200};
  struct job copy = make_job(TLW_WINDOW_SUM, 1, field.n_rows / 4), all = {.n_rows = copy.n_rows, .n_series = 1};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    for (size_t k = 0; k < 2; k++) {
      tlw_window_spec_init(&all.specs[all.n_specs], ops[i], windows[k]);
      all.outputs[all.n_specs++] = make_output(all.n_rows);
    }
  struct job apart = all;
  apart.apart = true;
  bench_work works[] = {
      {.run = copy_rows, .context = &copy}, {.run = run_job, .context = &all}, {.run = run_job, .context = &apart}};
  bench_measure(works, 3, wish->seconds);
  const double outputs = all.n_specs;
  printf("\nmean, std, max and ema at 20 and 200 of one column: outputs x rows, and as a share of that many copies\n");
  printf("%-18s %9.1f Mrows/s %8.3f\n", "one call", 1e-6 * outputs / pace(&works[1]),
         outputs * share_of(&works[1], &works[0]));
  printf("%-18s %9.1f Mrows/s %8.3f\n", "one by one", 1e-6 * outputs / pace(&works[2]),
         outputs * share_of(&works[2], &works[0]));
  write_result(json, "together/one-call", &works[1], &works[0]);
  write_result(json, "together/one-by-one", &works[2], &works[0]);
  for (int32_t i = 0; i < all.n_specs; i++) free(all.outputs[i]);
}

/* ---- rows fed to a state ---- */

struct feed {
  struct job job; /* first, so that it is a job too */
  tlw_window_state *state;
};

static void update_rows(void *context, int64_t calls) {
  const struct feed *feed = context;
  for (int64_t i = 0; i < calls; i++)
    for (int64_t r = 0; r < feed->job.n_rows; r++)
      field.output[r] = tlw_window_update(feed->state, field.columns[0][r], field.columns[1][r]);
}

static void feed_rows(void *context, int64_t calls) {
  const struct feed *feed = context;
  for (int64_t i = 0; i < calls; i++)
    tlw_window_feed(feed->state, field.columns[0], field.columns[1], feed->job.n_rows, field.output);
}

static void peek_rows(void *context, int64_t calls) {
  const struct feed *feed = context;
  for (int64_t i = 0; i < calls; i++)
    for (int64_t r = 0; r < feed->job.n_rows; r++)
      field.output[r] = tlw_window_peek(feed->state, field.columns[0][r], field.columns[1][r]);
}

static void run_state(const struct wish *wish, tlw_window_op op, int64_t window, bench_json *json) {
  static const char *const names[] = {"update", "feed", "peek"};
  struct feed feed = {make_job(op, window, field.n_rows < STATE_ROWS ? field.n_rows : STATE_ROWS), NULL};
  const tlw_window_spec *spec = &feed.job.specs[0];
  tlw_error error;
  bench_check(tlw_window_state_open(spec, 0, NULL, &feed.state, &error), &error);
  feed_rows(&feed, 1);
  bench_work works[] = {{.run = update_rows, .context = &feed},
                        {.run = feed_rows, .context = &feed},
                        {.run = peek_rows, .context = &feed},
                        {.run = copy_rows, .context = &feed}};
  bench_measure(works, 4, wish->seconds / 2);
  char name[40], full[64];
  snprintf(name, sizeof name, window ? "%s/%" PRId64 : "%s", tlw_window_describe(op)->name, window);
  printf("%-18s %9.1f %9.1f %9.1f %12" PRIu64 "\n", name, 1e9 * pace(&works[0]), 1e9 * pace(&works[1]),
         1e9 * pace(&works[2]), tlw_window_state_size(spec));
  fflush(stdout);
  for (int i = 0; i < 3; i++) {
    snprintf(full, sizeof full, "state/%s/%s", name, names[i]);
    write_result(json, full, &works[i], &works[3]);
  }
  tlw_window_state_close(&feed.state);
}

static void run_states(const struct wish *wish, bench_json *json) {
  printf("\nstates: nanoseconds a row, and bytes\n");
  printf("%-18s %9s %9s %9s %12s\n", "op/window", "update", "feed", "peek", "size");
  for (size_t i = 0; i < USUAL; i++)
    for (size_t k = 0; k < wish->n_lengths && wants_op(wish, usual[i]); k++)
      run_state(wish, usual[i], wish->lengths[k], json);
}

/* ---- memory ---- */

/* A line of /proc/self/status such as "VmRSS:", in bytes. */
static double read_status(const char *key) {
  char line[256];
  double size = -1;
  FILE *file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, key, strlen(key)) == 0) size = strtod(line + strlen(key), NULL) * 1024;
  if (file) fclose(file);
  return size;
}

/* The peak of resident memory begins anew. */
static void clear_peak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "we");
  if (!file || fputs("5", file) < 0 || fclose(file) != 0) bench_die(EXIT_FAILURE, "/proc/self/clear_refs fails");
}

static void run_memory_case(struct job *job, const tlw_engine_options *options) {
  tlw_error error;
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_engine_close(&field.engine);
  bench_check(tlw_engine_open(&field.engine, options, &error), &error);
  const double before = read_status("VmRSS:");
  clear_peak();
  run_job(job, 1);
  const double after = read_status("VmHWM:");
  bench_check(tlw_engine_stats(field.engine, &stats, &error), &error);
  const tlw_window_spec *spec = &job->specs[0];
  printf("%-10s %8" PRId64 " %12" PRId64 " %12" PRIu64 " %12" PRIu64 " %12.0f\n", tlw_window_describe(spec->op)->name,
         spec->window, job->n_rows, stats.host_bytes.peak, stats.device_bytes.peak, after - before);
  fflush(stdout);
}

static void run_memory(const struct wish *wish, const tlw_engine_options *options) {
  printf("\nbytes beside columns and outputs: peaks of a new engine, and what the process grew by meanwhile\n");
  printf("%-10s %8s %12s %12s %12s %12s\n", "op", "window", "rows", "host", "device", "process");
  for (size_t i = 0; i < USUAL; i++)
    for (size_t k = 0; k < wish->n_lengths && wants_op(wish, usual[i]); k++)
      for (int64_t n = field.n_rows / 100; n > 0 && n <= field.n_rows; n *= 10) {
        struct job job = make_job(usual[i], wish->lengths[k], n);
        run_memory_case(&job, options);
      }
}

/* ---- main ---- */

static int64_t read_rows(const char *text) {
  char *end;
  const double rows = strtod(text, &end);
  if (end == text || *end || !(rows >= 1) || rows > 1e10) bench_die(BENCH_USAGE, "--rows can't be '%s'", text);
  return (int64_t)rows;
}

int main(int argc, char **argv) {
  tlw_backend backend = TLW_BACKEND_CPU;
  bench_list threads = {1, {1}};
  struct wish wish = {.windows = "20,200,2000", .seconds = 0.8};
  const char *device = NULL, *path = NULL, *rows = ROWS, *data = "walk", *clock = "wall";
  const bench_option options[] = {
      {"op", BENCH_TEXT, &wish.ops, "operations, such as mean,std (default: all, or the usual ones)"},
      {"window", BENCH_TEXT, &wish.windows, "windows (default 20,200,2000)"},
      {"part", BENCH_TEXT, &wish.part, "of ops, any, series, together, state, memory (default: all but memory)"},
      {"rows", BENCH_TEXT, &rows, "rows (default " ROWS ")"},
      {"data", BENCH_TEXT, &data, "walk (default), noise, rise, fall or flat"},
      {"clock", BENCH_TEXT, &clock, "wall (default), or processor: for one thread on a busy machine"},
      {"threads", BENCH_LIST, &threads, "threads (default 1)"},
      BENCH_OPTION_BACKEND(&backend),
      BENCH_OPTION_DEVICE(&device),
      {"seconds", BENCH_SECONDS, &wish.seconds, "time for the windows of an operation (default 0.8)"},
      BENCH_OPTION_JSON(&path),
  };
  bench_parse(argc, argv, "Rolling windows over doubles in memory, beside memcpy of the same bytes.", options,
              sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  if (strcmp(clock, "processor") == 0)
    bench_use_processor_time();
  else if (strcmp(clock, "wall") != 0)
    bench_die(BENCH_USAGE, "--clock can't be '%s': see --help", clock);
  check_names(wish.ops, "operation", known_op);
  check_names(wish.part, "part", known_part);
  wish.n_lengths = read_windows(wish.windows, wish.lengths);
  field.n_rows = read_rows(rows);
  for (int i = 0; i < 2; i++) field.columns[i] = make_column(field.n_rows, data);
  field.output = make_output(field.n_rows);

  tlw_engine_options engine_options;
  tlw_error error;
  field.backend = backend;
  bench_engine_options(&engine_options, backend, device, threads.values[0]);
  bench_check(tlw_engine_open(&field.engine, &engine_options, &error), &error);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_window", &engine_options);
  printf("share: time of memcpy of as many rows over the operation's, best of both; median: likewise of medians;\n"
         "GB/s: of inputs and outputs; %" PRId64 " rows, %u threads; memcpy by one\n\n",
         field.n_rows, threads.values[0]);
  if (wants_part(&wish, PART_OPS)) run_ops(&wish, &json);
  if (wants_part(&wish, PART_ANY)) run_any(&wish, &json);
  if (wants_part(&wish, PART_SERIES)) run_series(&wish, &json);
  if (wants_part(&wish, PART_TOGETHER)) run_together(&wish, &json);
  if (wants_part(&wish, PART_STATE)) run_states(&wish, &json);
  if (wants_part(&wish, PART_MEMORY)) run_memory(&wish, &engine_options);
  bench_end(&json);
  tlw_engine_close(&field.engine);
  for (int i = 0; i < 2; i++) free(field.columns[i]);
  free(field.output);
  return EXIT_SUCCESS;
}
