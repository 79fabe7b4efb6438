/*
 * Rolling windows as their header promises them: the table of operations, what is refused and with which words, which
 * rows are written, and what is counted. Bits are the matter of other tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "host/engine/engine.h"
#include "window_cases.h"

#define FIRST_SEED 20251201
#define ROWS 300

static tlw_engine *engine_of(void) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 2;
  tlw_engine *engine;
  assert_int_equal(tlw_engine_open(&engine, &options, NULL), TLW_OK);
  return engine;
}

static void ok(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) fail_msg("%s", error->message);
}

static uint64_t bits(double x) {
  uint64_t word;
  memcpy(&word, &x, sizeof word);
  return word;
}

static int64_t some_window(tlw_window_op op) { return tlw_window_find_parameter(op, TLW_FIELD_WINDOW) ? 20 : 0; }

static tlw_window_spec spec_of(tlw_window_op op) {
  tlw_window_spec spec;
  tlw_window_spec_init(&spec, op, some_window(op));
  return spec;
}

/* ---- the table ---- */

static void expect_word(const char *word) {
  assert_non_null(word);
  assert_true(*word != 0);
  assert_null(strpbrk(word, "\n\t"));
}

static void test_table(void **unused) {
  (void)unused;
  static const char *const field_names[] = {"window", "min_periods", "nan", "ddof", "quantile", "adjust", "seed"};
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    const tlw_window_info *info = tlw_window_describe((tlw_window_op)op);
    assert_non_null(info);
    assert_int_equal(info->op, op);
    expect_word(info->name);
    expect_word(info->summary);
    expect_word(info->lookback);
    assert_true(strspn(info->name, "abcdefghijklmnopqrstuvwxyz") == strlen(info->name));
    assert_true(info->inputs == 1 || info->inputs == 2);
    assert_int_equal(info->remembers, op == TLW_WINDOW_EMA || op == TLW_WINDOW_RMA || op >= TLW_WINDOW_CUMSUM);
    assert_in_range(info->least_rows, 1, 4);
    for (int other = 0; other < op; other++)
      assert_string_not_equal(info->name, tlw_window_describe((tlw_window_op)other)->name);
    unsigned fields = 0;
    for (int32_t i = 0; i < info->n_parameters; i++) {
      const tlw_window_parameter *p = &info->parameters[i];
      assert_in_range(p->field, TLW_FIELD_WINDOW, TLW_FIELD_SEED);
      assert_false(fields & 1u << p->field);
      fields |= 1u << p->field;
      assert_string_equal(p->name, field_names[p->field]);
      expect_word(p->summary);
      assert_true(p->least <= p->most);
      for (int value = 0; p->choices && value <= p->most - p->least; value++) {
        expect_word(p->choices[value].name);
        expect_word(p->choices[value].summary);
      }
      assert_true((p->choices != NULL) == (p->field == TLW_FIELD_NAN || p->field == TLW_FIELD_SEED));
      const bool of_window = p->field == TLW_FIELD_MIN_PERIODS && p->initial == 0;
      assert_true(of_window || (p->initial >= p->least && p->initial <= p->most));
    }
    assert_true(fields & 1u << TLW_FIELD_MIN_PERIODS);
    assert_true(fields & 1u << TLW_FIELD_NAN);
  }
  assert_null(tlw_window_describe((tlw_window_op)TLW_WINDOW_OPS));
  assert_null(tlw_window_describe((tlw_window_op)-1));
}

/* A parameter of some operation that is this field. */
static const tlw_window_parameter *any_parameter(tlw_window_field field) {
  const tlw_window_op ops[] = {TLW_WINDOW_VAR, TLW_WINDOW_QUANTILE, TLW_WINDOW_EMA};
  const tlw_window_parameter *found = NULL;
  for (size_t i = 0; i < sizeof ops / sizeof *ops && !found; i++) found = tlw_window_find_parameter(ops[i], field);
  assert_non_null(found);
  return found;
}

static double value_of(const tlw_window_spec *spec, tlw_window_field field) {
  return tlw_window_spec_get(spec, any_parameter(field));
}

static void set_value(tlw_window_spec *spec, tlw_window_field field, double value) {
  tlw_error error;
  ok(tlw_window_spec_set(spec, any_parameter(field), value, &error), &error);
}

static void test_fields(void **unused) {
  (void)unused;
  tlw_window_spec spec = {0};
  for (int f = TLW_FIELD_WINDOW; f <= TLW_FIELD_SEED; f++) set_value(&spec, (tlw_window_field)f, 3 + f);
  assert_int_equal(spec.window, 3);
  assert_int_equal(spec.min_periods, 4);
  assert_int_equal(spec.nan, 5);
  assert_int_equal(spec.ddof, 6);
  assert_true(spec.quantile == 7);
  assert_int_equal(spec.adjust, 8);
  assert_int_equal(spec.seed, 9);
  for (int f = TLW_FIELD_WINDOW; f <= TLW_FIELD_SEED; f++) assert_true(value_of(&spec, (tlw_window_field)f) == 3 + f);
  assert_int_equal(spec.struct_size, 0);
  assert_int_equal(spec.column, 0);
  assert_int_equal(spec.other, 0);
  assert_null(tlw_window_find_parameter(TLW_WINDOW_SUM, TLW_FIELD_DDOF));
  assert_null(tlw_window_find_parameter(TLW_WINDOW_CUMSUM, TLW_FIELD_WINDOW));
  assert_null(tlw_window_find_parameter((tlw_window_op)TLW_WINDOW_OPS, TLW_FIELD_WINDOW));
}

/* What a field can't hold is refused, and stays as it was. */
static void test_fields_that_are_too_small(void **unused) {
  (void)unused;
  tlw_error error;
  for (int f = TLW_FIELD_WINDOW; f <= TLW_FIELD_SEED; f++) {
    const tlw_window_parameter *p = any_parameter((tlw_window_field)f);
    const double rows = 9007199254740992.0, numbers = 2147483647.0;
    const double most = f <= TLW_FIELD_MIN_PERIODS ? rows : f == TLW_FIELD_QUANTILE ? HUGE_VAL : numbers;
    tlw_window_spec spec = {0};
    set_value(&spec, (tlw_window_field)f, most);
    assert_true(value_of(&spec, (tlw_window_field)f) == most);
    set_value(&spec, (tlw_window_field)f, -1);
    assert_true(value_of(&spec, (tlw_window_field)f) == -1);
    set_value(&spec, (tlw_window_field)f, 1);
    const double beyond[] = {NAN, 0.5, 2 * most, -2 * most, HUGE_VAL};
    for (size_t i = 0; i < (f == TLW_FIELD_QUANTILE ? 1 : sizeof beyond / sizeof *beyond); i++) {
      assert_int_equal(tlw_window_spec_set(&spec, p, beyond[i], &error), TLW_ERR_ARGUMENT);
      assert_non_null(strstr(error.message, p->name));
      assert_true(value_of(&spec, (tlw_window_field)f) == 1);
    }
    assert_int_equal(tlw_window_spec_set(NULL, p, 1, NULL), TLW_ERR_ARGUMENT);
  }
  tlw_window_spec spec = {0};
  assert_int_equal(tlw_window_spec_set(&spec, NULL, 1, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "parameter is NULL");
  assert_int_equal(tlw_window_spec_set(&spec, any_parameter(TLW_FIELD_DDOF), 1.5, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "ddof is 1.5: it must be a whole number from 0 to 2147483647");
}

static void test_defaults(void **unused) {
  (void)unused;
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    tlw_window_spec spec;
    memset(&spec, 0x5A, sizeof spec);
    tlw_window_spec_init(&spec, (tlw_window_op)op, some_window((tlw_window_op)op));
    const tlw_window_info *info = tlw_window_describe((tlw_window_op)op);
    tlw_error error;
    ok(tlw_window_check(&spec, info->inputs, &error), &error);
    assert_int_equal(spec.struct_size, sizeof spec);
    assert_int_equal(spec.op, op);
    assert_int_equal(spec.column, 0);
    assert_int_equal(spec.other, info->inputs - 1);
    for (int f = TLW_FIELD_MIN_PERIODS; f <= TLW_FIELD_SEED; f++) {
      const tlw_window_parameter *p = tlw_window_find_parameter((tlw_window_op)op, (tlw_window_field)f);
      const bool of_window = p && f == TLW_FIELD_MIN_PERIODS && p->initial == 0;
      const double expected = of_window ? (double)spec.window : p ? p->initial : 0;
      assert_true(value_of(&spec, (tlw_window_field)f) == expected);
    }
  }
  tlw_window_spec_init(NULL, TLW_WINDOW_SUM, 1);
  tlw_window_spec spec;
  tlw_window_spec_init(&spec, (tlw_window_op)77, 20);
  assert_int_equal(spec.op, 77);
  tlw_error error;
  assert_int_equal(tlw_window_check(&spec, 5, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "op is 77: it must be 0 to 26");
}

static void expect_refused(const tlw_window_spec *spec, const char *name) {
  tlw_error error;
  assert_int_equal(tlw_window_check(spec, 2, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(error.code, TLW_ERR_ARGUMENT);
  if (!strstr(error.message, name)) fail_msg("%s is not in: %s", name, error.message);
  assert_int_equal(tlw_window_check(spec, 2, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_lookback(spec), -1);
}

/* Either end of each range does, and nothing beyond; what an operation lacks must be 0. */
static void test_ranges(void **unused) {
  (void)unused;
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    const tlw_window_info *info = tlw_window_describe((tlw_window_op)op);
    for (int f = TLW_FIELD_WINDOW; f <= TLW_FIELD_SEED; f++) {
      const tlw_window_parameter *p = tlw_window_find_parameter((tlw_window_op)op, (tlw_window_field)f);
      tlw_window_spec spec = spec_of((tlw_window_op)op);
      if (!p) {
        set_value(&spec, (tlw_window_field)f, 1);
        expect_refused(&spec, info->name);
        continue;
      }
      const bool bounded = f == TLW_FIELD_MIN_PERIODS && p->initial == 0;
      const double most = bounded ? (double)spec.window : p->most, step = f == TLW_FIELD_QUANTILE ? 1e-9 : 1;
      const bool counts_rows =
          f == TLW_FIELD_WINDOW && tlw_window_find_parameter((tlw_window_op)op, TLW_FIELD_MIN_PERIODS);
      for (int end = 0; end < 2; end++) {
        spec = spec_of((tlw_window_op)op);
        set_value(&spec, (tlw_window_field)f, end ? most : p->least);
        if (counts_rows) spec.min_periods = 1;
        tlw_error error;
        ok(tlw_window_check(&spec, 2, &error), &error);
        const double beyond = end ? most + step : p->least - step;
        if (f == TLW_FIELD_DDOF && end) continue; /* as far as its type goes */
        set_value(&spec, (tlw_window_field)f, beyond);
        expect_refused(&spec, p->name);
      }
    }
    tlw_window_spec spec = spec_of((tlw_window_op)op);
    spec.quantile = NAN;
    expect_refused(&spec, "quantile");
    spec = spec_of((tlw_window_op)op);
    spec.struct_size--;
    expect_refused(&spec, "tlw_window_spec_init");
  }
  tlw_window_spec spec = spec_of(TLW_WINDOW_EMA);
  spec.adjust = 1;
  spec.seed = TLW_SEED_MEAN;
  expect_refused(&spec, "adjust of ema needs the first row as seed: set seed to 0");
  spec.min_periods = INT64_MAX;
  expect_refused(&spec, "min_periods of ema");
  assert_int_equal(tlw_window_check(NULL, 1, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_lookback(NULL), -1);
}

static void test_columns_of_a_spec(void **unused) {
  (void)unused;
  tlw_error error;
  tlw_window_spec spec = spec_of(TLW_WINDOW_MEAN);
  assert_int_equal(tlw_window_check(&spec, 0, &error), TLW_ERR_ARGUMENT);
  spec.column = 3;
  assert_int_equal(tlw_window_check(&spec, 3, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "column of mean is 3: the batch has columns 0 to 2");
  ok(tlw_window_check(&spec, 4, &error), &error);
  spec.column = -1;
  assert_int_equal(tlw_window_check(&spec, 4, &error), TLW_ERR_ARGUMENT);
  spec.column = 0;
  spec.other = 1;
  assert_int_equal(tlw_window_check(&spec, 4, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "mean reads one column: other must be 0 and is 1");
  spec = spec_of(TLW_WINDOW_BETA);
  assert_int_equal(tlw_window_check(&spec, 1, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "two are needed"));
  spec.other = 0; /* a column with itself */
  ok(tlw_window_check(&spec, 1, &error), &error);
}

static void expect_nearest(const char *name, const char *nearest) {
  tlw_window_op op = (tlw_window_op)55;
  tlw_error error;
  assert_int_equal(tlw_window_find(name, &op, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(op, 55);
  char message[200];
  snprintf(message, sizeof message,
           "no operation is called '%s': the nearest is %s, and tlw_window_describe lists them all", name, nearest);
  assert_string_equal(error.message, message);
}

static void test_find(void **unused) {
  (void)unused;
  tlw_error error;
  tlw_window_op op;
  for (int i = 0; i < TLW_WINDOW_OPS; i++) {
    ok(tlw_window_find(tlw_window_describe((tlw_window_op)i)->name, &op, &error), &error);
    assert_int_equal(op, i);
  }
  expect_nearest("maen", "mean");
  expect_nearest("Mean", "mean");
  expect_nearest("correlation", "corr");
  expect_nearest("med", "median");
  expect_nearest("minimum", "min");
  expect_nearest("stdev", "std");
  expect_nearest("kurt", "kurtosis");
  expect_nearest("cumulative", "cummin");
  expect_nearest("emma", "ema");
  char longest[400];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  assert_int_equal(tlw_window_find(longest, &op, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "tlw_window_describe"));
  assert_int_equal(tlw_window_find("", &op, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_find(NULL, &op, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_find("mean", NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_window_find("mean", NULL, NULL), TLW_ERR_ARGUMENT);
}

/* ---- batches ---- */

struct data {
  tlw_engine *engine;
  double x[ROWS], y[ROWS];
  const void *columns[2];
  tlw_window_batch batch;
};

static void data_open(struct data *d) {
  d->engine = engine_of();
  rng r = {FIRST_SEED};
  fill_numbers(d->x, ROWS, NUMBERS_WALK, &r);
  fill_numbers(d->y, ROWS, NUMBERS_NOISE, &r);
  d->columns[0] = d->x;
  d->columns[1] = d->y;
  memset(&d->batch, 0x5A, sizeof d->batch);
  tlw_window_batch_init(&d->batch);
  d->batch.columns = d->columns;
  d->batch.n_columns = 2;
  d->batch.n_rows = ROWS;
}

static void data_close(struct data *d) { tlw_engine_close(&d->engine); }

static void run_one(struct data *d, const tlw_window_spec *spec, double *output) {
  tlw_error error;
  ok(tlw_window_run(d->engine, &d->batch, spec, 1, &output, &error), &error);
}

/* Rows before the first result are as the table says, for every operation and each variant of it. */
static void test_lookback(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  static const int64_t windows[] = {1, 2, 3, 4, 7, 8, 13, 40};
  double output[ROWS];
  for (int op = 0; op < TLW_WINDOW_OPS; op++)
    for (size_t k = 0; k < sizeof windows / sizeof windows[0]; k++)
      for (int64_t v = 0; v < window_variants((tlw_window_op)op); v++) {
        tlw_window_spec spec;
        if (!window_variant(&spec, (tlw_window_op)op, windows[k], v)) continue;
        run_one(&d, &spec, output);
        int64_t first = 0;
        while (first < ROWS && isnan(output[first])) first++;
        const int64_t lookback = tlw_window_lookback(&spec), expected = lookback == INT64_MAX ? ROWS : lookback;
        char text[256];
        if (first != expected)
          fail_msg("%s: row %lld and not %lld is the first", window_text(&spec, text, sizeof text), (long long)first,
                   (long long)expected);
      }
  data_close(&d);
}

static void expect_batch_refused(struct data *d, const char *message) {
  const tlw_window_spec spec = spec_of(TLW_WINDOW_MEAN);
  poisoned output;
  poisoned_open(&output, ROWS, 5);
  tlw_error error = {.row = 77};
  const tlw_status status = tlw_window_run(d->engine, &d->batch, &spec, 1, &output.rows, &error);
  assert_int_equal(status, TLW_ERR_ARGUMENT);
  if (strcmp(error.message, message) != 0) fail_msg("'%s' and not '%s'", error.message, message);
  assert_int_equal(tlw_window_run(d->engine, &d->batch, &spec, 1, &output.rows, NULL), TLW_ERR_ARGUMENT);
  assert_true(poisoned_intact(&output, 0, 0));
  poisoned_close(&output);
  const tlw_window_batch whole = d->batch;
  tlw_window_batch_init(&d->batch);
  d->batch.columns = whole.columns;
  d->batch.n_columns = 2;
  d->batch.n_rows = ROWS;
}

static void test_batch_arguments(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  d.batch.struct_size = 8;
  expect_batch_refused(&d, "batch.struct_size is 8: call tlw_window_batch_init");
  d.batch.type = (tlw_type)9;
  expect_batch_refused(&d, "batch.type is 9: it must be TLW_TYPE_F64 or TLW_TYPE_F32");
  d.batch.n_rows = -1;
  expect_batch_refused(&d, "batch.n_rows is -1: it must be 0 to 2^40");
  d.batch.n_rows = ((int64_t)1 << 40) + 1;
  expect_batch_refused(&d, "batch.n_rows is 1099511627777: it must be 0 to 2^40");
  d.batch.n_series = -1;
  expect_batch_refused(&d, "batch.n_series is -1: it must be 0 to 2^40");
  d.batch.n_series = 2;
  expect_batch_refused(&d, "batch.n_series is 2 without offsets: it must be 1");
  d.batch.n_columns = -1;
  expect_batch_refused(&d, "batch.n_columns is -1: it must be 0 or more");
  d.batch.n_columns = 0;
  expect_batch_refused(&d, "column of mean is 0: the batch has no columns");
  const void *const *const kept = d.batch.columns;
  d.batch.columns = NULL;
  expect_batch_refused(&d, "batch.columns is NULL");
  d.batch.columns = kept;
  d.columns[1] = NULL;
  expect_batch_refused(&d, "batch.columns[1] is NULL");
  d.columns[1] = (const char *)d.y + 4;
  expect_batch_refused(&d, "batch.columns[1] is not aligned to 8 bytes");
  d.columns[1] = (const char *)d.y + 2;
  d.batch.type = TLW_TYPE_F32;
  expect_batch_refused(&d, "batch.columns[1] is not aligned to 4 bytes");
  d.columns[1] = d.y;
  int64_t offsets[4] = {0, 10, 9, 20};
  d.batch.offsets = offsets;
  d.batch.n_series = 3;
  expect_batch_refused(&d, "batch.offsets[2] is 9: offsets must not decrease and must lie in 0 to 300");
  offsets[2] = 301;
  d.batch.offsets = offsets;
  d.batch.n_series = 3;
  expect_batch_refused(&d, "batch.offsets[2] is 301: offsets must not decrease and must lie in 0 to 300");
  offsets[0] = -1;
  d.batch.offsets = offsets;
  d.batch.n_series = 1;
  expect_batch_refused(&d, "batch.offsets[0] is -1: offsets must not decrease and must lie in 0 to 300");
  int64_t origin[1] = {-1};
  d.batch.origin = origin;
  expect_batch_refused(&d, "batch.origin[0] is -1: it must be 0 to 2^52");
  origin[0] = ((int64_t)1 << 52) + 1;
  d.batch.origin = origin;
  expect_batch_refused(&d, "batch.origin[0] is 4503599627370497: it must be 0 to 2^52");
  tlw_window_batch_init(NULL);
  data_close(&d);
}

static void test_run_arguments(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  tlw_error error;
  double output[ROWS];
  double *outputs[2] = {output, NULL};
  tlw_window_spec specs[2] = {spec_of(TLW_WINDOW_MEAN), spec_of(TLW_WINDOW_SUM)};
  assert_int_equal(tlw_window_run(NULL, &d.batch, specs, 1, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "engine is NULL");
  assert_int_equal(tlw_window_run(d.engine, NULL, specs, 1, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "batch is NULL");
  assert_int_equal(tlw_window_run(d.engine, &d.batch, NULL, 1, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "specs is NULL");
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 1, NULL, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "outputs is NULL");
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 2, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "outputs[1] is NULL");
  outputs[1] = (double *)(void *)((char *)output + 4);
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 2, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "outputs[1] is not aligned to 8 bytes");
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, -1, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "n_specs is -1: it must be 0 to 4096");
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 4097, outputs, &error), TLW_ERR_ARGUMENT);
  outputs[1] = output;
  specs[1].window = 0;
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 2, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, "window of sum is 0: it must be 1 to 1048576 (specs[1])");
  specs[1] = spec_of(TLW_WINDOW_CORR);
  d.batch.n_columns = 1;
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 2, outputs, &error), TLW_ERR_ARGUMENT);
  /* An error that is not there is left alone. */
  memset(&error, 0x5A, sizeof error);
  const tlw_error untouched = error;
  ok(tlw_window_run(d.engine, &d.batch, specs, 1, outputs, &error), &error);
  assert_memory_equal(&error, &untouched, sizeof error);
  data_close(&d);
}

static void expect_overlap(struct data *d, double *first, double *second, const char *message) {
  const tlw_window_spec specs[2] = {spec_of(TLW_WINDOW_MEAN), spec_of(TLW_WINDOW_SUM)};
  double *const outputs[2] = {first, second};
  tlw_error error;
  assert_int_equal(tlw_window_run(d->engine, &d->batch, specs, 2, outputs, &error), TLW_ERR_ARGUMENT);
  assert_string_equal(error.message, message);
}

/* Outputs have memory of their own; what follows them directly is fine. */
static void test_overlap(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  static double room[2 * ROWS];
  expect_overlap(&d, room, d.x, "outputs[1] overlaps batch.columns[0]: it needs memory of its own");
  expect_overlap(&d, d.y + ROWS - 1, room, "outputs[0] overlaps batch.columns[1]: it needs memory of its own");
  expect_overlap(&d, room, room, "outputs[1] overlaps outputs[0]: each needs memory of its own");
  expect_overlap(&d, room + ROWS - 1, room, "outputs[1] overlaps outputs[0]: each needs memory of its own");
  const tlw_window_spec specs[2] = {spec_of(TLW_WINDOW_MEAN), spec_of(TLW_WINDOW_SUM)};
  double *const outputs[2] = {room + ROWS, room};
  tlw_error error;
  ok(tlw_window_run(d.engine, &d.batch, specs, 2, outputs, &error), &error);
  data_close(&d);
}

#define LONG_ROWS ((int64_t)5 * 65536 + 12345)

static void run_by_threads(const double *x, const tlw_window_spec *spec, uint32_t threads, double *output) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = threads;
  tlw_engine *engine;
  tlw_error error;
  ok(tlw_engine_open(&engine, &options, &error), &error);
  const void *column = x;
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = &column;
  batch.n_columns = 1;
  batch.n_rows = LONG_ROWS;
  ok(tlw_window_run(engine, &batch, spec, 1, &output, &error), &error);
  tlw_engine_close(&engine);
}

static void expect_shared(const double *x, const tlw_window_spec *spec) {
  poisoned alone, shared;
  poisoned_open(&alone, LONG_ROWS, 1);
  poisoned_open(&shared, LONG_ROWS, 2);
  run_by_threads(x, spec, 1, alone.rows);
  run_by_threads(x, spec, 3, shared.rows);
  char text[256];
  if (memcmp(alone.rows, shared.rows, (size_t)LONG_ROWS * sizeof *x) != 0)
    fail_msg("%s differs", window_text(spec, text, sizeof text));
  assert_true(poisoned_intact(&alone, 0, LONG_ROWS) && poisoned_intact(&shared, 0, LONG_ROWS));
  poisoned_close(&alone);
  poisoned_close(&shared);
}

struct concurrent {
  struct data *data;
  tlw_window_spec spec;
  double output[ROWS];
  tlw_status status;
  tlw_error error;
  _Atomic bool ended;
};

static void *run_concurrent(void *context) {
  struct concurrent *c = context;
  double *output = c->output;
  c->status = tlw_window_run(c->data->engine, &c->data->batch, &c->spec, 1, &output, &c->error);
  c->ended = true;
  return NULL;
}

/* What an operation holds while it runs is not in the way of one that waits for its turn. */
static void test_turns(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  double expected[ROWS];
  struct concurrent c = {.data = &d, .spec = spec_of(TLW_WINDOW_MEAN)};
  run_one(&d, &c.spec, expected);
  tlw_engine_close(&d.engine);
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  options.host_budget = (uint64_t)64 << 20;
  ok(tlw_engine_open(&d.engine, &options, &c.error), &c.error);
  struct tlw_memory *memory = tlw_engine_memory(d.engine);
  ok(tlw_engine_begin(d.engine, &c.error), &c.error);
  const uint64_t rest = options.host_budget - tlw_gauge_read(&memory->bytes).current;
  ok(tlw_memory_claim(memory, rest, "a test", &c.error), &c.error);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_concurrent, &c), 0);
  for (int i = 0; i < 50 && !c.ended; i++) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  assert_false(c.ended);
  tlw_memory_return(memory, rest);
  tlw_engine_end(d.engine);
  assert_int_equal(pthread_join(thread, NULL), 0);
  ok(c.status, &c.error);
  assert_memory_equal(c.output, expected, sizeof expected);
  data_close(&d);
}

/* One long series of what remembers, which threads share, is as one thread makes it. */
static void test_shared_scans(void **unused) {
  (void)unused;
  static const number_kind kinds[] = {NUMBERS_WALK, NUMBERS_GAPS, NUMBERS_LATE};
  static const tlw_window_op ops[] = {TLW_WINDOW_EMA,     TLW_WINDOW_RMA,    TLW_WINDOW_CUMSUM,
                                      TLW_WINDOW_CUMPROD, TLW_WINDOW_CUMMIN, TLW_WINDOW_CUMMAX};
  double *x = malloc((size_t)LONG_ROWS * sizeof *x);
  assert_non_null(x);
  for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
    rng r = {FIRST_SEED + kind};
    fill_numbers(x, LONG_ROWS, kinds[kind], &r);
    for (size_t op = 0; op < sizeof ops / sizeof ops[0]; op++)
      for (int64_t v = 0; v < window_variants(ops[op]); v++) {
        tlw_window_spec spec;
        if (window_variant(&spec, ops[op], ops[op] <= TLW_WINDOW_RMA ? 5000 : 0, v)) expect_shared(x, &spec);
      }
  }
  free(x);
}

/* No specs, no rows, no series, series without rows: fine, and nothing is written. */
static void test_nothing_to_do(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  tlw_error error;
  poisoned output;
  poisoned_open(&output, ROWS, 9);
  const tlw_window_spec spec = spec_of(TLW_WINDOW_MEDIAN);
  ok(tlw_window_run(d.engine, &d.batch, NULL, 0, NULL, &error), &error);
  const int64_t empty[3] = {5, 5, 5};
  d.batch.offsets = empty;
  d.batch.n_series = 2;
  ok(tlw_window_run(d.engine, &d.batch, &spec, 1, &output.rows, &error), &error);
  d.batch.n_series = 0;
  ok(tlw_window_run(d.engine, &d.batch, &spec, 1, &output.rows, &error), &error);
  d.batch.offsets = NULL;
  d.batch.n_series = 1;
  d.batch.n_rows = 0;
  d.columns[0] = d.columns[1] = NULL;
  double *none = NULL;
  ok(tlw_window_run(d.engine, &d.batch, &spec, 1, &none, &error), &error);
  assert_true(poisoned_intact(&output, 0, 0));
  poisoned_close(&output);
  data_close(&d);
}

/* Rows that no series covers, and words around, keep what they had; each series is as it is by itself. */
static void test_series(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  static const int64_t offsets[] = {7, 7, 8, 60, 60, 61, 200, 290}, origin[] = {0, 3, 9, 0, 77, 1000003, 0};
  const int64_t n = (int64_t)(sizeof offsets / sizeof offsets[0]) - 1;
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    const tlw_window_spec spec = spec_of((tlw_window_op)op);
    poisoned output;
    poisoned_open(&output, ROWS, (uint64_t)op);
    d.batch.offsets = offsets;
    d.batch.n_series = n;
    d.batch.origin = origin;
    run_one(&d, &spec, output.rows);
    assert_true(poisoned_intact(&output, 7, 290));
    for (int64_t s = 0; s < n; s++) {
      double alone[ROWS];
      const void *views[2] = {d.x + offsets[s], d.y + offsets[s]};
      tlw_window_batch batch;
      tlw_window_batch_init(&batch);
      batch.columns = views;
      batch.n_columns = 2;
      batch.n_rows = offsets[s + 1] - offsets[s];
      batch.origin = &origin[s];
      tlw_error error;
      ok(tlw_window_run(d.engine, &batch, &spec, 1, &(double *){alone}, &error), &error);
      assert_memory_equal(alone, output.rows + offsets[s], (size_t)batch.n_rows * sizeof *alone);
    }
    poisoned_close(&output);
  }
  data_close(&d);
}

/* A view into a longer history gives the bits of the whole where its windows lie within the view. */
static void test_views(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  double whole[ROWS], part[ROWS];
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    tlw_window_spec spec;
    tlw_window_spec_init(&spec, (tlw_window_op)op, 43);
    if (tlw_window_describe((tlw_window_op)op)->remembers) continue;
    run_one(&d, &spec, whole);
    for (int64_t from = 0; from < 90; from += 7) {
      const void *views[2] = {d.x + from, d.y + from};
      tlw_window_batch batch = d.batch;
      batch.columns = views;
      batch.n_rows = ROWS - from;
      batch.origin = &from;
      tlw_error error;
      ok(tlw_window_run(d.engine, &batch, &spec, 1, &(double *){part}, &error), &error);
      for (int64_t i = 42; i < batch.n_rows; i++) assert_int_equal(bits(part[i]), bits(whole[from + i]));
    }
  }
  data_close(&d);
}

/* Floats give what the same numbers give as doubles, and columns are left as they are. */
static void test_floats(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  float narrow[2][ROWS], kept[2][ROWS];
  double wide[2][ROWS], of_floats[ROWS], of_doubles[ROWS];
  for (int i = 0; i < ROWS; i++) {
    narrow[0][i] = (float)d.x[i];
    narrow[1][i] = i % 17 == 3 ? NAN : (float)d.y[i];
    for (int k = 0; k < 2; k++) wide[k][i] = narrow[k][i];
  }
  memcpy(kept, narrow, sizeof kept);
  tlw_error error;
  for (int op = 0; op < TLW_WINDOW_OPS; op++)
    for (int64_t v = 0; v < window_variants((tlw_window_op)op); v++) {
      tlw_window_spec spec;
      if (!window_variant(&spec, (tlw_window_op)op, 21, v)) continue;
      spec.column = (int32_t)(v % 2);
      tlw_window_batch batch = d.batch;
      batch.columns = (const void *const[]){wide[0], wide[1]};
      ok(tlw_window_run(d.engine, &batch, &spec, 1, &(double *){of_doubles}, &error), &error);
      batch.columns = (const void *const[]){narrow[0], narrow[1]};
      batch.type = TLW_TYPE_F32;
      ok(tlw_window_run(d.engine, &batch, &spec, 1, &(double *){of_floats}, &error), &error);
      assert_memory_equal(of_floats, of_doubles, sizeof of_doubles);
    }
  assert_memory_equal(kept, narrow, sizeof kept);
  data_close(&d);
}

/* Many outputs of shared columns are those of one call each. */
static void test_many_specs(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  enum { N = 3 * TLW_WINDOW_OPS };
  tlw_window_spec specs[N];
  poisoned outputs[N];
  double *rows[N], alone[ROWS];
  for (int i = 0; i < N; i++) {
    specs[i] = spec_of((tlw_window_op)(i % TLW_WINDOW_OPS));
    specs[i].column = i / TLW_WINDOW_OPS % 2;
    if (specs[i].window) specs[i].min_periods = 1 + i % 3;
    poisoned_open(&outputs[i], ROWS, (uint64_t)i);
    rows[i] = outputs[i].rows;
  }
  tlw_error error;
  ok(tlw_window_run(d.engine, &d.batch, specs, N, rows, &error), &error);
  for (int i = 0; i < N; i++) {
    run_one(&d, &specs[i], alone);
    assert_memory_equal(alone, rows[i], sizeof alone);
    assert_true(poisoned_intact(&outputs[i], 0, ROWS));
    poisoned_close(&outputs[i]);
  }
  data_close(&d);
}

/* ---- what is counted ---- */

static uint64_t values_of(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(tlw_engine_stats(engine, &stats, NULL), TLW_OK);
  return stats.values;
}

static tlw_record newest_window(const tlw_engine *engine) {
  static tlw_record records[TLW_RECORDS];
  size_t n;
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS, &n, NULL), TLW_OK);
  while (n > 0 && records[n - 1].operation != TLW_OP_WINDOW) n--;
  assert_true(n > 0);
  return records[n - 1];
}

static void test_statistics(void **unused) {
  (void)unused;
  struct data d;
  data_open(&d);
  assert_int_equal(values_of(d.engine), 0);
  const tlw_window_spec specs[2] = {spec_of(TLW_WINDOW_MEAN), spec_of(TLW_WINDOW_CUMMAX)};
  double outputs[2][ROWS];
  double *const rows[2] = {outputs[0], outputs[1]};
  static const int64_t offsets[] = {10, 20, 20, 110};
  d.batch.offsets = offsets;
  d.batch.n_series = 3;
  tlw_error error;
  ok(tlw_window_run(d.engine, &d.batch, specs, 2, rows, &error), &error);
  assert_int_equal(values_of(d.engine), 200);
  tlw_record record = newest_window(d.engine);
  assert_int_equal(record.items, 2);
  assert_int_equal(record.bytes, 1600);
  assert_int_equal(record.status, TLW_OK);
  assert_true(record.duration > 0);
  assert_string_equal(tlw_operation_name(TLW_OP_WINDOW), "window");
  d.batch.offsets = NULL;
  d.batch.n_series = 1;
  run_one(&d, specs, outputs[0]);
  assert_int_equal(values_of(d.engine), 200 + ROWS);
  const uint64_t number = newest_window(d.engine).number;
  d.batch.n_rows = 0;
  run_one(&d, specs, outputs[0]);
  record = newest_window(d.engine);
  assert_true(record.number > number);
  assert_int_equal(record.bytes, 0);
  assert_int_equal(values_of(d.engine), 200 + ROWS);
  d.batch.n_rows = -1;
  assert_int_equal(tlw_window_run(d.engine, &d.batch, specs, 1, rows, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(newest_window(d.engine).number, record.number);
  data_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_fields_that_are_too_small),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_columns_of_a_spec),
      cmocka_unit_test(test_find),
      cmocka_unit_test(test_lookback),
      cmocka_unit_test(test_overlap),
      cmocka_unit_test(test_shared_scans),
      cmocka_unit_test(test_batch_arguments),
      cmocka_unit_test(test_run_arguments),
      cmocka_unit_test(test_nothing_to_do),
      cmocka_unit_test(test_series),
      cmocka_unit_test(test_views),
      cmocka_unit_test(test_turns),
      cmocka_unit_test(test_floats),
      cmocka_unit_test(test_many_specs),
      cmocka_unit_test(test_statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
