/*
 * GB and rows per second of trade files in the page cache, read by tlw_trade_reader_next into columns that are used
 * again, on each SIMD tier, all columns and time, price and quantity alone; beside what can't be avoided: reading the
 * bytes, and finding the lines.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "tallow/tallow.h"

#define CHUNK ((size_t)256 << 10)
#define PIECE ((size_t)32 << 20) /* of text, which a file repeats */
#define PIECES 32
#define ROW_SIZE 160
#define BATCH 4096 /* rows that tlw_trade_reader_next gives at a time */
#define NUMBERS 11

static const char *const tier_names[] = {"baseline", "avx2", "avx512"};
#define TIERS (sizeof tier_names / sizeof *tier_names)

/* ---- files ---- */

enum kind { SPOT, FUTURES, SINGLE, THREE, KINDS };

static const struct {
  const char *name;
  const char *header;
} kinds[KINDS] = {
    [SPOT] = {"aggTrades-spot", ""},
    [FUTURES] = {"aggTrades-futures",
                 "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"},
    [SINGLE] = {"trades-futures", "id,price,qty,quote_qty,time,is_buyer_maker\n"},
    [THREE] = {"time-price-quantity", "timestamp,price,quantity\n"},
};

struct trade {
  int64_t id, first_id, last_id, microseconds;
  uint64_t cents, quantity; /* 1e-5 */
  bool is_maker;
};

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static void next_trade(struct trade *t, uint64_t *state) {
  t->id++;
  t->first_id = t->last_id + 1;
  t->last_id = t->first_id + (int64_t)(next_random(state) % 4);
  t->microseconds += (int64_t)(next_random(state) % 5000);
  t->cents += next_random(state) % 201 - 100;
  t->quantity = 1 + next_random(state) % (next_random(state) % 3 ? 1000000 : 100000000);
  t->is_maker = next_random(state) % 2;
}

static int write_trade(char *out, enum kind kind, const struct trade *t) {
  const uint64_t whole = t->cents / 100, cents = t->cents % 100, units = t->quantity / 100000;
  const uint64_t milli = t->quantity / 100 % 1000, turnover = t->cents * (t->quantity / 100);
  switch (kind) {
  case SPOT:
    return sprintf(out,
                   "%" PRId64 ",%" PRIu64 ".%02" PRIu64 "000000,%" PRIu64 ".%05" PRIu64 "000,%" PRId64 ",%" PRId64
                   ",%" PRId64 ",%s,True\n",
                   t->id, whole, cents, units, t->quantity % 100000, t->first_id, t->last_id, t->microseconds,
                   t->is_maker ? "True" : "False");
  case FUTURES:
    return sprintf(
        out, "%" PRId64 ",%" PRIu64 ".%02" PRIu64 ",%" PRIu64 ".%03" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n",
        t->id, whole, cents, units, milli, t->first_id, t->last_id, t->microseconds / 1000,
        t->is_maker ? "true" : "false");
  case SINGLE:
    return sprintf(out,
                   "%" PRId64 ",%" PRIu64 ".%02" PRIu64 ",%" PRIu64 ".%03" PRIu64 ",%" PRIu64 ".%05" PRIu64 ",%" PRId64
                   ",%s\n",
                   t->id, whole, cents, units, milli, turnover / 100000, turnover % 100000, t->microseconds / 1000,
                   t->is_maker ? "true" : "false");
  default:
    return sprintf(out, "%" PRId64 ",%" PRIu64 ".%02" PRIu64 "00,%" PRIu64 "\n", t->microseconds / 1000, whole, cents,
                   1 + units);
  }
}

struct file {
  int descriptor;
  char path[32];
  int64_t size, n_rows;
};

static void write_all(const struct file *file, const char *bytes, size_t size) {
  if (write(file->descriptor, bytes, size) != (ssize_t)size) bench_die(EXIT_FAILURE, "no memory for a file");
}

static void open_file(struct file *file, enum kind kind) {
  char *piece = bench_alloc(PIECE + ROW_SIZE);
  struct trade trade = {3271459119, 0, 4122345677, 1723161256322000, 6180030, 0, false};
  uint64_t state = 88172645463325252u;
  size_t size = 0;
  int64_t n_rows = 0;
  for (; size < PIECE; n_rows++) {
    next_trade(&trade, &state);
    size += (size_t)write_trade(piece + size, kind, &trade);
  }
  *file = (struct file){.descriptor = memfd_create("trades", MFD_CLOEXEC), .n_rows = n_rows * PIECES};
  if (file->descriptor < 0) bench_die(EXIT_FAILURE, "no file in memory");
  snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->descriptor);
  const size_t header = strlen(kinds[kind].header);
  write_all(file, kinds[kind].header, header);
  for (int i = 0; i < PIECES; i++) write_all(file, piece, size);
  file->size = (int64_t)(header + size * PIECES);
  free(piece);
}

/* ---- works ---- */

struct job {
  const struct file *file;
  const char *tier; /* that TALLOW_CPU_TIER is to name */
  uint32_t wanted;
  uint64_t hash; /* of the rows, if that is asked for */
  bool hashes;
};

static int64_t numbers[NUMBERS][BATCH];
static uint8_t makers[BATCH];

static void read_rows(struct job *job) {
  int64_t(*const n)[BATCH] = numbers;
  const tlw_trade_rows rows = {BATCH, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], makers};
  const char *const paths[] = {job->file->path};
  tlw_trade_options options;
  tlw_trade_reader *reader;
  tlw_error error;
  tlw_trade_options_init(&options);
  options.wanted = job->wanted;
  bench_check(tlw_trade_reader_open(paths, 1, &options, NULL, &reader, NULL, &error), &error);
  int64_t count, total = 0;
  do {
    bench_check(tlw_trade_reader_next(reader, &rows, &count, &error), &error);
    total += count;
    for (int i = 0; i < 3 && job->hashes; i++)
      job->hash = bench_hash(job->hash, numbers[i], (size_t)count * sizeof(int64_t));
  } while (count > 0);
  tlw_trade_reader_close(&reader);
  if (total != job->file->n_rows) bench_die(EXIT_FAILURE, "%" PRId64 " rows, not %" PRId64, total, job->file->n_rows);
}

static void stream(void *context, int64_t calls) {
  struct job *job = context;
  setenv("TALLOW_CPU_TIER", job->tier, 1);
  for (int64_t i = 0; i < calls; i++) read_rows(job);
  unsetenv("TALLOW_CPU_TIER");
}

static char chunk[CHUNK];

static void read_bytes(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(job->file->descriptor, chunk, CHUNK, at)) != 0; at += n)
      if (n < 0) bench_die(EXIT_FAILURE, "a file in memory can't be read");
  }
}

static volatile int64_t n_lines;

static void read_lines(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(job->file->descriptor, chunk, CHUNK, at)) != 0; at += n) {
      if (n < 0) bench_die(EXIT_FAILURE, "a file in memory can't be read");
      int64_t lines = 0;
      for (const char *line = chunk; (line = memchr(line, '\n', (size_t)(chunk + n - line))); line++) lines++;
      n_lines += lines;
    }
  }
}

/* ---- cases ---- */

/* The tiers that this CPU has. */
static size_t find_tiers(const char *tiers[TIERS]) {
  size_t n = 0;
  for (size_t i = 0; i < TIERS; i++) {
    tlw_engine_options options;
    bench_engine_options(&options, TLW_BACKEND_CPU, NULL, 1);
    options.log = NULL;
    tlw_engine *engine;
    setenv("TALLOW_CPU_TIER", tier_names[i], 1);
    if (tlw_engine_open(&engine, &options, NULL) != TLW_OK) continue;
    tlw_engine_close(&engine);
    tiers[n++] = tier_names[i];
  }
  unsetenv("TALLOW_CPU_TIER");
  return n;
}

struct measured {
  char name[32];
  struct job job;
  bench_work *work;
};

static void print_result(enum kind kind, const struct file *file, const struct measured *m, size_t n,
                         bench_json *json) {
  for (size_t i = 0; i < n; i++) {
    const bench_summary s = bench_summarise(m[i].work);
    const double size = (double)file->size, rows = (double)file->n_rows;
    printf("%-20s %-16s %8.2f %8.2f %6.1f%% %8.1f %9.2f\n", i ? "" : kinds[kind].name, m[i].name,
           size / s.median * 1e-9, size / s.best * 1e-9, bench_spread(&s), rows / s.median * 1e-6,
           i ? bench_ratio(m[i].work, m[0].work) : 1.0);
    char full[128];
    snprintf(full, sizeof full, "trades/%s/%.31s", kinds[kind].name, m[i].name);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, full, m[i].work);
    bench_json_number(json, "rows", rows);
    bench_json_number(json, "text_bytes", size);
    bench_json_number(json, "bytes_per_second", size / s.median);
    bench_json_end(json, '}');
  }
  fflush(stdout);
}

/* Of time, price and quantity; every tier must have the same. */
static void check_rows(struct measured *m, size_t n) {
  uint64_t first = 0;
  for (size_t i = 0; i < n; i++) {
    m[i].job.hash = BENCH_HASH_START;
    m[i].job.hashes = true;
    stream(&m[i].job, 1);
    m[i].job.hashes = false;
    if (i == 0) first = m[i].job.hash;
    if (m[i].job.hash != first) bench_die(EXIT_FAILURE, "%s has other rows", m[i].name);
  }
}

static void run_kind(enum kind kind, double seconds, bench_json *json) {
  static const uint32_t three = TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY;
  const char *tiers[TIERS];
  const size_t n_tiers = find_tiers(tiers);
  struct measured m[2 + 2 * TIERS];
  bench_work works[2 + 2 * TIERS];
  struct file file;
  open_file(&file, kind);
  size_t n = 2;
  for (size_t i = 0; i < 2 * n_tiers; i++, n++) {
    m[n].job = (struct job){.file = &file, .tier = tiers[i / 2], .wanted = i % 2 ? three : 0};
    snprintf(m[n].name, sizeof m[n].name, "%s%s", tiers[i / 2], i % 2 ? ", three" : "");
  }
  for (size_t i = 0; i < n; i++) {
    works[i] = (bench_work){.run = i == 0 ? read_bytes : i == 1 ? read_lines : stream, .context = &m[i].job};
    m[i].work = &works[i];
  }
  for (size_t i = 0; i < 2; i++) {
    m[i].job = (struct job){.file = &file};
    snprintf(m[i].name, sizeof m[i].name, "%s", i == 0 ? "read" : "lines");
  }
  check_rows(m + 2, n - 2);
  bench_measure(works, n, seconds);
  print_result(kind, &file, m, n, json);
  close(file.descriptor);
}

int main(int argc, char **argv) {
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *json_path = NULL;
  const bench_option options[] = {BENCH_OPTION_SECONDS(&seconds), BENCH_OPTION_CASE(&filter),
                                  BENCH_OPTION_JSON(&json_path)};
  bench_parse(argc, argv, "Reading of trades from CSV files of 1 GiB in the page cache, on each SIMD tier.", options,
              sizeof options / sizeof options[0]);
  bench_json json;
  bench_json_open(&json, json_path);
  bench_use_processor_time();
  bench_begin(&json, "bench_trades", NULL);
  printf(
      "read: pread of the bytes; lines: that, and memchr of line feeds; a tier: tlw_trade_reader_next into columns\n"
      "of %d rows, all that there are or time, price and quantity; processor time; /limit: time over that of read\n\n",
      BATCH);
  printf("%-20s %-16s %8s %8s %7s %8s %9s\n", "file", "work", "GB/s", "best", "spread", "Mrows/s", "/limit");
  for (int kind = 0; kind < KINDS; kind++)
    if (bench_wants(filter, kinds[kind].name)) run_kind((enum kind)kind, seconds, &json);
  bench_end(&json);
  return EXIT_SUCCESS;
}
