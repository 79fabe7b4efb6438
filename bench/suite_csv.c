/*
 * Candle files in the page cache: streamed into columns that are used again, on each SIMD tier, and read whole as a
 * table; beside what can't be avoided: reading the bytes, finding the lines, and of a packed file inflating them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "case.h"
#include "common.h"
#include "csv_text.h"
#include "inputs.h"
#include "reading.h"
#include "tallow/tallow.h"

#define ROWS 200000
#define FEW_ROWS 1000
#define BATCH 8192 /* rows that tlw_csv_next gives at a time */

enum { DIALECT, N_ROWS, PACKED, WORK };
enum { STREAM, TABLE, BYTES, LINES, INFLATE, BY_TIER };
static const char *const work_names[] = {"", "/table", "/bytes", "/lines", "/inflate"};

struct state {
  const bench_file *file;
  const char *tier; /* that TALLOW_CPU_TIER is to name; NULL: none */
  bool hashes;
  uint64_t hash;
};

static double columns[5][BATCH];
static int64_t times[BATCH];

static void hash_rows(struct state *s, int64_t n) {
  for (int i = 0; i < 5; i++) s->hash = bench_hash(s->hash, columns[i], (size_t)n * sizeof(double));
  s->hash = bench_hash(s->hash, times, (size_t)n * sizeof *times);
}

static tlw_status stream_rows(struct state *s, tlw_error *error) {
  const tlw_csv_rows rows = {columns[0], columns[1], columns[2], columns[3], columns[4], times, .capacity = BATCH};
  tlw_csv *csv;
  int64_t n = BATCH;
  tlw_status status = tlw_csv_open(s->file->path, NULL, NULL, &csv, error);
  if (status != TLW_OK) return status;
  while (n == BATCH && (status = tlw_csv_next(csv, &rows, &n, error)) == TLW_OK)
    if (s->hashes) hash_rows(s, n);
  tlw_csv_close(&csv);
  return status;
}

static tlw_status stream(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  char *before = bench_tier_enter(s->tier);
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) status = stream_rows(s, error);
  bench_tier_leave(s->tier, before);
  return status;
}

static tlw_status hash(void *state, uint64_t *hash, tlw_error *error) {
  struct state *s = state;
  s->hashes = true;
  s->hash = BENCH_HASH_START;
  const tlw_status status = stream(s, 1, error);
  s->hashes = false;
  *hash = s->hash;
  return status;
}

static tlw_status read_table(void *state, int64_t calls, tlw_error *error) {
  const struct state *s = state;
  tlw_status status = TLW_OK;
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) {
    tlw_table *table;
    status = tlw_csv_read(s->file->path, NULL, NULL, &table, error);
    if (status == TLW_OK) tlw_table_close(&table);
  }
  return status;
}

static tlw_status read_bytes(void *state, int64_t calls, tlw_error *error) {
  return bench_read_bytes(((const struct state *)state)->file, calls, error);
}

static tlw_status read_lines(void *state, int64_t calls, tlw_error *error) {
  return bench_read_lines(((const struct state *)state)->file, calls, error);
}

static tlw_status inflate_bytes(void *state, int64_t calls, tlw_error *error) {
  static char chunk[BENCH_CHUNK];
  const struct state *s = state;
  for (int64_t i = 0; i < calls; i++) {
    const gzFile source = gzopen(s->file->path, "rb");
    if (!source) return bench_fail(error, TLW_ERR_IO, "zlib can't open a file in memory");
    gzbuffer(source, BENCH_CHUNK);
    int n;
    while ((n = gzread(source, chunk, BENCH_CHUNK)) > 0) continue;
    if (gzclose(source) != Z_OK || n < 0) return bench_fail(error, TLW_ERR_IO, "zlib can't read a file in memory");
  }
  return TLW_OK;
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  static tlw_status (*const runs[])(void *, int64_t, tlw_error *) = {
      [STREAM] = stream, [TABLE] = read_table, [BYTES] = read_bytes, [LINES] = read_lines, [INFLATE] = inflate_bytes};
  (void)lane;
  const int64_t *n = what->numbers;
  const bench_file *file = bench_candle_file((int)n[DIALECT], n[N_ROWS], 1, n[PACKED] != 0, error);
  struct state *s = file ? bench_alloc(sizeof *s, error) : NULL;
  if (!s) return error->code;
  *s = (struct state){.file = file, .tier = n[WORK] >= BY_TIER ? bench_tier_name((int)n[WORK] - BY_TIER) : NULL};
  const int64_t work = n[WORK] >= BY_TIER ? STREAM : n[WORK];
  *subject = (bench_subject){.state = s,
                             .run = runs[work],
                             .hash = work == STREAM ? hash : NULL,
                             .close = free,
                             .item = "rows",
                             .items = (double)file->n_rows,
                             .bytes = (double)file->text_size};
  return TLW_OK;
}

static void add(bench_cases *cases, int64_t dialect, int64_t rows, bool packed, int64_t work, const char *ending) {
  const bench_case added = {.lanes = BENCH_LANES_ALONE,
                            .stage = BENCH_STAGE_WHOLE,
                            .usual = (dialect == 0 || strcmp(bench_dialect_name((size_t)dialect), "binance") == 0) &&
                                     rows != FEW_ROWS && !packed && work == STREAM,
                            .numbers = {dialect, rows, packed, work}};
  bench_add(cases, &added, "csv/%s/%lld%s%s", bench_dialect_name((size_t)dialect), (long long)rows,
            packed ? "/gzip" : "", ending);
}

static void add_works(bench_cases *cases, int64_t dialect, int64_t rows, bool packed) {
  for (int work = STREAM; work <= INFLATE; work++)
    if (packed ? work != LINES && work != BYTES : work != INFLATE)
      add(cases, dialect, rows, packed, work, work_names[work]);
  for (int tier = 0; bench_tier_name(tier); tier++) {
    char ending[32];
    snprintf(ending, sizeof ending, "/%s", bench_tier_name(tier));
    if (bench_tier_exists(tier)) add(cases, dialect, rows, packed, BY_TIER + tier, ending);
  }
}

static void list(bench_cases *cases) {
  const int64_t rows = cases->rows ? cases->rows : ROWS;
  for (int64_t i = 0; i < BENCH_DIALECTS; i++) add_works(cases, i, rows, false);
  add_works(cases, 0, rows, true);
  if (rows == FEW_ROWS) return;
  add_works(cases, 0, FEW_ROWS, false);
  add_works(cases, 0, FEW_ROWS, true);
}

const bench_suite bench_suite_csv = {"csv", "candle files in the page cache to columns", list, open_case};
