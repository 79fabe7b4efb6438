/*
 * Trade files in the page cache into columns that are used again, on each SIMD tier, all columns or time, price and
 * quantity alone; beside reading the bytes, and finding the lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "common.h"
#include "inputs.h"
#include "reading.h"
#include "tallow/tallow.h"

#define ROWS 2000000
#define BATCH 4096 /* rows that tlw_trade_reader_next gives at a time */
#define NUMBERS 11

enum { KIND, N_ROWS, WORK };
enum { ALL_COLUMNS, THREE, BYTES, LINES, BY_TIER };
static const char *const work_names[] = {"", "/three", "/bytes", "/lines"};

struct state {
  const bench_file *file;
  const char *tier; /* that TALLOW_CPU_TIER is to name; NULL: none */
  uint32_t wanted;
  bool hashes;
  uint64_t hash; /* of time, price and quantity */
};

static int64_t numbers[NUMBERS][BATCH];
static uint8_t makers[BATCH];

static tlw_status read_rows(struct state *s, tlw_error *error) {
  int64_t(*const n)[BATCH] = numbers;
  const tlw_trade_rows rows = {BATCH, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], makers};
  const char *const paths[] = {s->file->path};
  tlw_trade_options options;
  tlw_trade_reader *reader;
  tlw_trade_options_init(&options);
  options.wanted = s->wanted;
  tlw_status status = tlw_trade_reader_open(paths, 1, &options, NULL, &reader, NULL, error);
  if (status != TLW_OK) return status;
  int64_t count = 1, total = 0;
  while (count > 0 && (status = tlw_trade_reader_next(reader, &rows, &count, error)) == TLW_OK) {
    total += count;
    for (int i = 0; i < 3 && s->hashes; i++) s->hash = bench_hash(s->hash, numbers[i], (size_t)count * sizeof(int64_t));
  }
  tlw_trade_reader_close(&reader);
  if (status == TLW_OK && total != s->file->n_rows)
    return bench_fail(error, TLW_ERR_INTERNAL, "a file of trades gave %lld rows in place of %lld", (long long)total,
                      (long long)s->file->n_rows);
  return status;
}

static tlw_status stream(void *state, int64_t calls, tlw_error *error) {
  struct state *s = state;
  tlw_status status = TLW_OK;
  char *before = bench_tier_enter(s->tier);
  for (int64_t i = 0; i < calls && status == TLW_OK; i++) status = read_rows(s, error);
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

static tlw_status read_bytes(void *state, int64_t calls, tlw_error *error) {
  return bench_read_bytes(((const struct state *)state)->file, calls, error);
}

static tlw_status read_lines(void *state, int64_t calls, tlw_error *error) {
  return bench_read_lines(((const struct state *)state)->file, calls, error);
}

static tlw_status open_case(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error) {
  (void)lane;
  const int64_t work = what->numbers[WORK];
  const bench_file *file = bench_trade_file((int)what->numbers[KIND], what->numbers[N_ROWS], error);
  struct state *s = file ? bench_alloc(sizeof *s, error) : NULL;
  if (!s) return error->code;
  const bool three = work == THREE || (work >= BY_TIER && (work - BY_TIER) % 2);
  *s = (struct state){.file = file,
                      .tier = work >= BY_TIER ? bench_tier_name((int)(work - BY_TIER) / 2) : NULL,
                      .wanted = three ? TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY : 0};
  const bool streams = work != BYTES && work != LINES;
  *subject = (bench_subject){.state = s,
                             .run = streams         ? stream
                                    : work == BYTES ? read_bytes
                                                    : read_lines,
                             .hash = streams ? hash : NULL,
                             .close = free,
                             .item = "rows",
                             .items = (double)file->n_rows,
                             .bytes = (double)file->text_size};
  return TLW_OK;
}

static void add(bench_cases *cases, int kind, int64_t rows, int64_t work, const char *ending) {
  const bench_case added = {.lanes = BENCH_LANES_ALONE,
                            .stage = BENCH_STAGE_WHOLE,
                            .usual = kind == BENCH_TRADES_SPOT && work == ALL_COLUMNS,
                            .numbers = {kind, rows, work}};
  bench_add(cases, &added, "trades/%s%s", bench_trade_file_name(kind), ending);
}

static void list(bench_cases *cases) {
  const int64_t rows = cases->rows ? cases->rows : ROWS;
  for (int kind = 0; kind < BENCH_TRADE_FILES; kind++) {
    for (int work = ALL_COLUMNS; work <= LINES; work++) add(cases, kind, rows, work, work_names[work]);
    for (int i = 0; bench_tier_name(i / 2); i++) {
      char ending[32];
      snprintf(ending, sizeof ending, "/%s%s", bench_tier_name(i / 2), i % 2 ? "/three" : "");
      if (bench_tier_exists(i / 2)) add(cases, kind, rows, BY_TIER + i, ending);
    }
  }
}

const bench_suite bench_suite_trades = {"trades", "trade files in the page cache to columns", list, open_case};
