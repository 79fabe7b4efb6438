/*
 * Rows that a device joins into parts of bars, against the functions of kernels/core/bars.h row by row: columns of all
 * kinds, parts of all lengths, budgets that cut them into pieces.
 *
 *   test_bars_gpu opencl
 *   test_bars_gpu cuda
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/gpu/gpu.h"
#include "host/seam/backend.h"
#include "series.h"
#include "tallow/bars.h"

#define SEED 20261123
#define POISON 0xA7
#define GUARD 4
#define ALL (TLW_BAR_VOLUME | TLW_BAR_QUOTE | TLW_BAR_SIDES | TLW_BAR_IDS)

static tlw_backend backend;
static struct tlw_services services;
static struct tlw_executor executor;

static int open_backend(void **state) {
  (void)state;
  struct tlw_device_list list = {0};
  tlw_device device = {0};
  tlw_error error = {0};
  tlw_gpu_list(backend, &list);
  for (size_t i = 0; i < list.count && !device.usable; i++) device = list.items[i];
  tlw_device_list_free(&list);
  services.memory.budget = UINT64_MAX;
  services.memory.ledger = &services.ledger;
  services.device_budget = TLW_BUDGET_AUTO;
  services.deadline_ms = TLW_DEADLINE_NONE;
  services.cache_dir = "";
  services.threads = 1;
  assert_int_equal(tlw_ledger_open(&services.ledger, NULL, NULL), TLW_OK);
  const tlw_status status = tlw_gpu_open(&services, &device, &executor, &error);
  if (status != TLW_OK) fail_msg("%s", error.message);
  return 0;
}

static int close_backend(void **state) {
  (void)state;
  executor.ops->close(executor.state);
  tlw_ledger_close(&services.ledger);
  assert_int_equal(tlw_gauge_read(&services.memory.bytes).current, 0);
  return 0;
}

/* ---- rows ---- */

enum { OPEN, HIGH, LOW, PRICE, QUANTITY, QUOTE, FIRST_ID, LAST_ID, COUNT, COLUMNS };

struct rows {
  int64_t *columns[COLUMNS];
  uint8_t *makers;
  tlw_trades trades;
};

/* Of 1 to `most` bits, all lengths alike. */
static int64_t number(rng *r, uint64_t most) { return (int64_t)(rng_next(r) >> (64 - most) >> rng_below(r, most)) | 1; }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void rows_open(struct rows *t, int64_t n, bool bars, bool quiet, rng *r) {
  *t = (struct rows){0};
  for (int i = 0; i < COLUMNS; i++) {
    t->columns[i] = malloc((size_t)n * sizeof(int64_t) + 1);
    assert_non_null(t->columns[i]);
  }
  t->makers = malloc((size_t)n + 1);
  assert_non_null(t->makers);
  const uint64_t wide = quiet ? 40 : 63;
  for (int64_t i = 0; i < n; i++) {
    int64_t **c = t->columns;
    c[PRICE][i] = number(r, wide);
    c[OPEN][i] = number(r, wide);
    c[HIGH][i] = larger(larger(c[OPEN][i], c[PRICE][i]), number(r, wide));
    c[LOW][i] = smaller(smaller(c[OPEN][i], c[PRICE][i]), number(r, wide));
    c[QUANTITY][i] = number(r, wide);
    c[QUOTE][i] = number(r, 63);
    c[FIRST_ID][i] = number(r, 62);
    c[LAST_ID][i] = c[FIRST_ID][i] + number(r, 31);
    c[COUNT][i] = number(r, 31);
    t->makers[i] = (uint8_t)rng_below(r, 3);
  }
  const bool ranges = rng_below(r, 2);
  t->trades = (tlw_trades){
      .struct_size = sizeof t->trades,
      .n_rows = n,
      .price = t->columns[PRICE],
      .quantity = t->columns[QUANTITY],
      .first_id = ranges ? t->columns[FIRST_ID] : NULL,
      .last_id = ranges ? t->columns[LAST_ID] : NULL,
      .is_buyer_maker = bars ? NULL : t->makers,
      .open = bars ? t->columns[OPEN] : NULL,
      .high = bars ? t->columns[HIGH] : NULL,
      .low = bars ? t->columns[LOW] : NULL,
      .quote = bars && rng_below(r, 2) ? t->columns[QUOTE] : NULL,
      .count = bars && rng_below(r, 2) ? t->columns[COUNT] : NULL,
  };
}

static void rows_close(struct rows *t) {
  for (int i = 0; i < COLUMNS; i++) free(t->columns[i]);
  free(t->makers);
}

static tlk_bar_row row_of(const tlw_trades *t, int64_t i) {
  const bool bars = t->open != NULL;
  tlk_bar_row row = {.open = bars ? t->open[i] : t->price[i],
                     .high = bars ? t->high[i] : t->price[i],
                     .low = bars ? t->low[i] : t->price[i],
                     .close = t->price[i],
                     .quantity = t->quantity[i],
                     .is_buy = t->is_buyer_maker && !t->is_buyer_maker[i]};
  row.trades = bars ? t->count ? t->count[i] : 0 : t->first_id ? t->last_id[i] - t->first_id[i] + 1 : 1;
  if (!bars) row.quote = tlk_u128_product((uint64_t)t->price[i], (uint64_t)t->quantity[i]);
  if (t->quote) row.quote = tlk_u128_product((uint64_t)t->quote[i], TLK_DECIMAL_ONE);
  return row;
}

/* ---- jobs ---- */

/* Ends of parts of about `each` rows, some of them empty, from a random row on. Returns how many. */
static int64_t cut(int64_t *ends, int64_t begin, int64_t n, int64_t each, rng *r) {
  int64_t parts = 0;
  for (int64_t at = begin; at < n || parts == 0;) {
    at += rng_below(r, 9) == 0 ? 0 : 1 + (int64_t)rng_below(r, (uint64_t)(2 * each));
    ends[parts++] = at < n ? at : n;
    if (parts > n) break;
  }
  return parts;
}

static void compare(const tlw_trades *t, const struct tlw_bars_job *job) {
  int64_t row = job->begin;
  for (int64_t k = 0; k < job->n_parts; k++) {
    tlk_bar_part part = tlk_bar_none();
    for (; row < job->ends[k]; row++) part = tlk_bar_join(part, tlk_bar_of_row(row_of(t, row), job->fields));
    if (memcmp(&part, &job->parts[k], sizeof part) == 0) continue;
    fail_msg("part %lld of %lld (to row %lld), fields %u: it differs", (long long)k, (long long)job->n_parts,
             (long long)job->ends[k], job->fields);
  }
}

static void join(int64_t n, int64_t each, bool bars, bool quiet, uint32_t fields, rng *r) {
  struct rows t;
  rows_open(&t, n, bars, quiet, r);
  const int64_t begin = n > 0 ? (int64_t)rng_below(r, (uint64_t)(n < 9 ? n : 9)) : 0;
  int64_t *ends = malloc((size_t)(n + 2) * sizeof *ends);
  assert_non_null(ends);
  struct tlw_bars_job job = {.rows = &t.trades, .fields = fields, .begin = begin, .ends = ends};
  job.n_parts = cut(ends, begin, n, each, r);
  tlk_bar_part *parts = malloc((size_t)(job.n_parts + 2 * GUARD) * sizeof *parts);
  assert_non_null(parts);
  memset(parts, POISON, (size_t)(job.n_parts + 2 * GUARD) * sizeof *parts);
  job.parts = parts + GUARD;
  tlw_error error = {0};
  const tlw_status status = executor.ops->bars(executor.state, &job, UINT64_MAX, &error);
  if (status != TLW_OK) fail_msg("%s", error.message);
  compare(&t.trades, &job);
  const unsigned char *front = (const unsigned char *)parts, *back = (const unsigned char *)(job.parts + job.n_parts);
  for (size_t i = 0; i < GUARD * sizeof *parts; i++) {
    assert_int_equal(front[i], POISON);
    assert_int_equal(back[i], POISON);
  }
  free(parts);
  free(ends);
  rows_close(&t);
}

static void random_jobs(rng *r, int64_t most_rows, int cases) {
  for (int i = 0; i < cases; i++) {
    const int64_t n = rng_below(r, 8) == 0 ? (int64_t)rng_below(r, 4) : (int64_t)rng_below(r, (uint64_t)most_rows);
    const int64_t each = (int64_t)1 << rng_below(r, 14);
    join(n, each, rng_below(r, 3) == 0, rng_below(r, 2), (uint32_t)rng_below(r, ALL + 1), r);
  }
}

static void test_random(void **state) {
  (void)state;
  rng r = {SEED};
  random_jobs(&r, 20000, 60);
}

/* Extremes of 63 bits: a turnover of a few rows leaves 128 bits, and is said to. */
static void test_overflow(void **state) {
  (void)state;
  int64_t price[70], quantity[70];
  for (int i = 0; i < 70; i++) price[i] = quantity[i] = INT64_MAX;
  const tlw_trades t = {.struct_size = sizeof t, .n_rows = 70, .price = price, .quantity = quantity};
  const int64_t ends[] = {1, 5, 69, 70};
  tlk_bar_part parts[4];
  const struct tlw_bars_job job = {
      .rows = &t, .fields = TLW_BAR_QUOTE | TLW_BAR_VOLUME, .ends = ends, .n_parts = 4, .parts = parts};
  assert_int_equal(executor.ops->bars(executor.state, &job, UINT64_MAX, NULL), TLW_OK);
  compare(&t, &job);
  assert_int_equal(parts[0].overflow, 0);
  assert_int_equal(parts[1].overflow, 0);
  assert_int_equal(parts[2].overflow, 1);
}

/* Pieces as small as they get, and what the refusal names does. */
static void test_budgets(void **state) {
  (void)state;
  rng r = {SEED + 1};
  tlw_error error = {0};
  services.device_budget = 4096;
  assert_int_equal(executor.ops->trim(executor.state, true, NULL), TLW_OK);
  int64_t price[1000], ends[] = {1000};
  for (int i = 0; i < 1000; i++) price[i] = number(&r, 63);
  const tlw_trades t = {.struct_size = sizeof t, .n_rows = 1000, .price = price, .quantity = price};
  tlk_bar_part part;
  const struct tlw_bars_job job = {.rows = &t, .fields = 0, .ends = ends, .n_parts = 1, .parts = &part};
  assert_int_equal(executor.ops->bars(executor.state, &job, UINT64_MAX, &error), TLW_ERR_BUDGET);
  assert_true(error.bytes > 4096);
  assert_int_equal(executor.ops->trim(executor.state, true, NULL), TLW_OK);
  services.device_budget = error.bytes;
  if (executor.ops->bars(executor.state, &job, UINT64_MAX, &error) != TLW_OK) fail_msg("%s", error.message);
  compare(&t, &job);
  services.device_budget = 200000;
  assert_int_equal(executor.ops->trim(executor.state, true, NULL), TLW_OK);
  random_jobs(&r, 9000, 12);
  services.device_budget = (uint64_t)256 << 20;
  assert_int_equal(executor.ops->trim(executor.state, true, NULL), TLW_OK);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_budgets),
  };
  backend = argc > 1 && strcmp(argv[1], "cuda") == 0 ? TLW_BACKEND_CUDA : TLW_BACKEND_OPENCL;
  return cmocka_run_group_tests(tests, open_backend, close_backend);
}
