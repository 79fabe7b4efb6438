/*
 * Trades in memory to bars: kinds and fields at a time, by one thread with tlw_bars_push and by several with
 * tlw_bars_run, beside reading the same columns once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "tallow/tallow.h"

#define ROWS "32000000"
#define CENT INT64_C(1000000) /* at 1e-8 */
#define MINUTE_ROWS 190       /* of the columns, on average */
#define MINUTE_VOLUME (INT64_C(50000000) * MINUTE_ROWS)

/* Columns beside time, price and quantity. */
enum columns { PLAIN, WITH_ID, ALL_COLUMNS, NO_QUANTITY };

/* floor: millions of rows a second that are aimed at on one core with AVX-512; 0: nothing is said of it. */
static const struct case_of_bars {
  const char *name;
  tlw_bars_kind kind;
  int64_t size;
  uint32_t fields;
  enum columns columns;
  double floor;
} cases[] = {
    {"time-1m/ohlc-volume-quote", TLW_BARS_TIME, 1, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN, 700},
    {"time-1m/ohlc-volume-quote/id", TLW_BARS_TIME, 1, TLW_BAR_VOLUME | TLW_BAR_QUOTE, WITH_ID, 0},
    {"time-5m/ohlc-volume-quote", TLW_BARS_TIME, 5, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN, 700},
    {"time-1m/ohlc-volume", TLW_BARS_TIME, 1, TLW_BAR_VOLUME, PLAIN, 1100},
    {"time-1m/all", TLW_BARS_TIME, 1, 15, ALL_COLUMNS, 450},
    {"range-250/ohlc-volume", TLW_BARS_RANGE, 250, TLW_BAR_VOLUME, PLAIN, 1000},
    {"range-250/ohlc-volume-quote", TLW_BARS_RANGE, 250, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN, 0},
    {"tick-1000/ohlc", TLW_BARS_TICK, 1000, 0, NO_QUANTITY, 1500},
    {"tick-1000/ohlc-volume", TLW_BARS_TICK, 1000, TLW_BAR_VOLUME, PLAIN, 1500},
    {"volume/ohlc-volume", TLW_BARS_VOLUME, MINUTE_VOLUME, TLW_BAR_VOLUME, PLAIN, 700},
    {"volume/ohlc-volume-quote", TLW_BARS_VOLUME, MINUTE_VOLUME, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN, 0},
    {"value/ohlc-volume-quote", TLW_BARS_VALUE, MINUTE_VOLUME * 60000, TLW_BAR_VOLUME | TLW_BAR_QUOTE, PLAIN, 0},
    {"renko-80/ohlc-volume", TLW_BARS_RENKO, 80 * (int64_t)TLW_DECIMAL_ONE, TLW_BAR_VOLUME, PLAIN, 900},
};

#define N_CASES (sizeof cases / sizeof *cases)

/* ---- trades ---- */

static struct field {
  tlw_trades all;
  tlw_engine *engine; /* of several threads; NULL: of one alone */
} field;

static uint64_t noise = 1;

/* 0 to n - 1. */
static int64_t draw(uint64_t n) {
  noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (int64_t)((noise >> 33) % n);
}

/* A walk in steps of up to ten, a trade of 1 or 2 every 316 ms on average. */
static void make_trades(int64_t n_rows) {
  const size_t size = (size_t)n_rows * sizeof(int64_t);
  int64_t *time = bench_alloc(size), *price = bench_alloc(size), *quantity = bench_alloc(size);
  int64_t *id = bench_alloc(size), *first_id = bench_alloc(size), *last_id = bench_alloc(size);
  uint8_t *maker = bench_alloc((size_t)n_rows);
  int64_t now = INT64_C(1700000000000), last = 6180000 * CENT, trade = 0;
  for (int64_t i = 0; i < n_rows; i++) {
    const int64_t step = (draw(2001) - 1000) * CENT;
    time[i] = now += draw(2 * 60000 / MINUTE_ROWS + 1);
    price[i] = last += last + step > 3000000 * CENT && last + step < 12000000 * CENT ? step : -step;
    quantity[i] = 1 + draw(TLW_DECIMAL_ONE);
    id[i] = i;
    first_id[i] = trade;
    trade += 1 + draw(2);
    last_id[i] = trade - 1;
    maker[i] = (uint8_t)draw(2);
  }
  tlw_trades_init(&field.all);
  field.all.n_rows = n_rows;
  field.all.time = time;
  field.all.price = price;
  field.all.quantity = quantity;
  field.all.id = id;
  field.all.first_id = first_id;
  field.all.last_id = last_id;
  field.all.is_buyer_maker = maker;
}

static tlw_trades choose_columns(enum columns columns) {
  tlw_trades trades = field.all;
  if (columns == NO_QUANTITY) trades.quantity = NULL;
  if (columns != ALL_COLUMNS) trades.first_id = trades.last_id = NULL;
  if (columns != ALL_COLUMNS) trades.is_buyer_maker = NULL;
  if (columns != ALL_COLUMNS && columns != WITH_ID) trades.id = NULL;
  return trades;
}

static double bytes_of_row(const tlw_trades *trades) {
  return 16 + (trades->quantity ? 8 : 0) + (trades->id ? 8 : 0) + (trades->first_id ? 16 : 0) +
         (trades->is_buyer_maker ? 1 : 0);
}

/* ---- works ---- */

struct job {
  const struct case_of_bars *what;
  tlw_trades trades;
  tlw_bars *bars;
  tlw_engine *engine; /* NULL: tlw_bars_push */
  bool hashes;
  int64_t n_bars;
  uint64_t hash;
};

static tlw_status count_bars(void *user, const tlw_bar *bars, int64_t n, tlw_error *error) {
  struct job *job = user;
  (void)error;
  job->n_bars += n;
  if (job->hashes) job->hash = bench_hash(job->hash, bars, (size_t)n * sizeof *bars);
  return TLW_OK;
}

static void open_job(struct job *job, const struct case_of_bars *what, tlw_engine *engine) {
  tlw_bars_options options;
  tlw_error error;
  tlw_bars_options_init(&options, what->kind, what->size);
  options.fields = what->fields;
  *job = (struct job){.what = what, .trades = choose_columns(what->columns), .engine = engine};
  bench_check(tlw_bars_open(&options, count_bars, job, NULL, &job->bars, &error), &error);
}

static void make_bars(void *context, int64_t calls) {
  struct job *job = context;
  tlw_error error;
  for (int64_t i = 0; i < calls; i++) {
    tlw_bars_clear(job->bars);
    job->n_bars = 0;
    job->hash = BENCH_HASH_START;
    bench_check(job->engine ? tlw_bars_run(job->engine, &job->bars, &job->trades, 1, NULL, &error)
                            : tlw_bars_push(job->bars, &job->trades, &error),
                &error);
  }
}

/* A vector that every CPU has, four of which are a line. */
typedef uint64_t two __attribute__((vector_size(16)));
#define LINE 64

/* So many bytes of each column in turn. */
#define BLOCK 8192

static uint64_t sum_lines(const void *column, size_t from, size_t to) {
  two sums[4] = {{0}};
  for (size_t i = from; i + LINE <= to; i += LINE) {
    two x[4];
    memcpy(x, (const uint8_t *)column + i, LINE);
    for (int k = 0; k < 4; k++) sums[k] += x[k];
  }
  const two sum = sums[0] + sums[1] + sums[2] + sums[3];
  return sum[0] + sum[1];
}

static volatile uint64_t seen;

static void read_columns(void *context, int64_t calls) {
  const tlw_trades *t = &((const struct job *)context)->trades;
  const void *const columns[] = {t->time, t->price, t->quantity, t->id, t->first_id, t->last_id};
  const size_t size = (size_t)t->n_rows * sizeof(int64_t);
  uint64_t sum = 0;
  for (int64_t call = 0; call < calls; call++)
    for (size_t from = 0; from < size; from += BLOCK) {
      const size_t to = from + BLOCK < size ? from + BLOCK : size;
      for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        if (columns[k]) sum += sum_lines(columns[k], from, to);
      if (t->is_buyer_maker) sum += sum_lines(t->is_buyer_maker, from / 8, to / 8);
    }
  seen += sum;
}

/* ---- cases ---- */

static double best_of(const bench_work *work) { return bench_summarise(work).best; }

static uint64_t hash_of(struct job *job) {
  job->hashes = true;
  make_bars(job, 1);
  job->hashes = false;
  return job->hash;
}

static void print_case(const struct job *job, const bench_work *works, size_t n, uint64_t hash) {
  const double rows = (double)job->trades.n_rows, best = best_of(&works[0]);
  const bench_summary summary = bench_summarise(&works[0]);
  printf("%-30s %8.0f %8.0f %7.1f %7.2f %7.1f%% %9" PRId64 " %016" PRIx64, job->what->name, 1e-6 * rows / best,
         job->what->floor, 1e-9 * bytes_of_row(&job->trades) * rows / best, best_of(&works[1]) / best,
         bench_spread(&summary), job->n_bars, hash);
  if (n > 2) printf(" %8.0f %6.2f", 1e-6 * rows / best_of(&works[2]), bench_ratio(&works[0], &works[2]));
  printf("\n");
  fflush(stdout);
}

static void write_case(bench_json *json, const struct job *job, const bench_work *works, size_t n, uint64_t hash) {
  static const char *const names[] = {"push", "read", "run"};
  for (size_t i = 0; i < n; i++) {
    char name[80];
    snprintf(name, sizeof name, "bars/%s/%s", job->what->name, names[i]);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, name, &works[i]);
    bench_json_number(json, "rows", (double)job->trades.n_rows);
    bench_json_hash(json, "checksum", hash);
    bench_json_end(json, '}');
  }
}

static void run_case(const struct case_of_bars *what, double seconds, bench_json *json) {
  struct job one, several;
  open_job(&one, what, NULL);
  open_job(&several, what, field.engine);
  const uint64_t hash = hash_of(&one);
  if (field.engine && hash_of(&several) != hash)
    bench_die(EXIT_FAILURE, "%s: several threads make other bars", what->name);
  bench_work works[] = {{.run = make_bars, .context = &one},
                        {.run = read_columns, .context = &one},
                        {.run = make_bars, .context = &several}};
  const size_t n = field.engine ? 3 : 2;
  bench_measure(works, n, seconds);
  print_case(&one, works, n, hash);
  write_case(json, &one, works, n, hash);
  tlw_bars_close(&one.bars);
  tlw_bars_close(&several.bars);
}

int main(int argc, char **argv) {
  bench_list threads = {1, {1}};
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *path = NULL, *rows = ROWS, *clock = "wall";
  const bench_option options[] = {
      BENCH_OPTION_CASE(&filter),
      {"rows", BENCH_TEXT, &rows, "rows (default " ROWS ", of which nothing stays in a cache)"},
      {"clock", BENCH_TEXT, &clock, "wall (default), or processor: for one thread on a busy machine"},
      {"threads", BENCH_LIST, &threads, "threads (default 1); more: tlw_bars_run beside tlw_bars_push"},
      BENCH_OPTION_SECONDS(&seconds),
      BENCH_OPTION_JSON(&path),
  };
  bench_parse(argc, argv, "Trades in memory to bars, beside reading the same columns.", options,
              sizeof options / sizeof options[0]);
  if (threads.n > 1) bench_die(BENCH_USAGE, "--threads takes one number here");
  if (strcmp(clock, "processor") == 0)
    bench_use_processor_time();
  else if (strcmp(clock, "wall") != 0)
    bench_die(BENCH_USAGE, "--clock can't be '%s': see --help", clock);
  const double n_rows = strtod(rows, NULL);
  if (!(n_rows >= 1) || n_rows > 1e9) bench_die(BENCH_USAGE, "--rows can't be '%s'", rows);
  make_trades((int64_t)n_rows);

  tlw_engine_options engine_options;
  tlw_error error;
  bench_engine_options(&engine_options, TLW_BACKEND_CPU, NULL, threads.values[0]);
  if (threads.values[0] != 1) bench_check(tlw_engine_open(&field.engine, &engine_options, &error), &error);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_bars", &engine_options);
  printf("share: time of reading the columns over that of the bars, best of both; %" PRId64 " rows\n\n",
         field.all.n_rows);
  printf("%-30s %8s %8s %7s %7s %8s %9s %16s", "kind/fields", "Mrows/s", "floor", "GB/s", "share", "spread", "bars",
         "checksum");
  printf("%s\n", field.engine ? "  threads  ratio" : "");
  for (size_t i = 0; i < N_CASES; i++)
    if (bench_wants(filter, cases[i].name)) run_case(&cases[i], seconds, &json);
  bench_end(&json);
  tlw_engine_close(&field.engine);
  return EXIT_SUCCESS;
}
