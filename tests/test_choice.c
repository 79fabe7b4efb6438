/* What work costs by a curve, and which backend that gives a batch to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/engine/choice.h"
#include "host/engine/loads.h"
#include "host/engine/tuning.h"

#define SIZES 400

static uint64_t random_state = 1;

static double draw(void) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return ((double)(random_state >> 11) + 0.5) * 0x1p-53;
}

static struct tlw_load load_of(enum tlw_work work, double units, double extra) {
  return (struct tlw_load){.work = work, .units = units, .extra = extra};
}

static double cost_at(const struct tlw_cost *cost, double units) {
  const struct tlw_load load = load_of(TLW_WORK_CHARTS, units, 0);
  return tlw_cost_of(cost, &load);
}

static void is_about(double got, double expected) {
  if (!(fabs(got - expected) <= 1e-12 * fabs(expected))) fail_msg("%.17g in place of %.17g", got, expected);
}

/* n points from 10 units on, each `step` times the one before, that take `least` seconds and `each` for a unit. */
static struct tlw_cost line(int n, double step, double least, double each) {
  struct tlw_cost cost = {.n = n};
  double units = 10;
  for (int i = 0; i < n; i++, units *= step) {
    cost.units[i] = units;
    cost.seconds[i] = least + each * units;
  }
  return cost;
}

/* Costs of every kind of work alike. */
static struct tlw_tuning alike(const struct tlw_cost *device, const struct tlw_cost *cpu) {
  struct tlw_tuning tuning = {.measured = true};
  for (int i = 0; i < TLW_WORKS; i++) {
    tuning.device[i] = *device;
    tuning.cpu[i] = *cpu;
  }
  return tuning;
}

static bool is_cpu(const struct tlw_tuning *tuning, enum tlw_work work, double units, double extra) {
  const struct tlw_load load = load_of(work, units, extra);
  return tlw_choice_is_cpu(tuning, &load, 1);
}

/* ---- costs ---- */

static void test_points_and_between(void **state) {
  (void)state;
  const struct tlw_cost cost = {.n = 3, .units = {10, 1000, 8000}, .seconds = {1e-5, 4e-5, 1e-3}, .extra = 1e-7};
  for (int i = 0; i < 3; i++) assert_true(cost_at(&cost, cost.units[i]) == cost.seconds[i]);
  /* Straight in logarithms: in the middle between the units lies the geometric mean of the seconds. */
  is_about(cost_at(&cost, 100), 2e-5);
  is_about(cost_at(&cost, sqrt(1000.0 * 8000)), sqrt(4e-5 * 1e-3));
  is_about(cost_at(&cost, 1000 * pow(8, 0.25)), 4e-5 * pow(25, 0.25));
  /* Constant below, in proportion above. */
  assert_true(cost_at(&cost, 0) == 1e-5 && cost_at(&cost, 9.99) == 1e-5);
  is_about(cost_at(&cost, 80000), 1e-2);
  is_about(cost_at(&cost, 8e15), 1e9);
  /* And so much for each extra. */
  const struct tlw_load load = load_of(TLW_WORK_SCAN, 1000, 50);
  is_about(tlw_cost_of(&cost, &load), 4e-5 + 50e-7);
}

static void test_one_point(void **state) {
  (void)state;
  const struct tlw_cost cost = {.n = 1, .units = {100}, .seconds = {2e-3}};
  assert_true(cost_at(&cost, 1) == 2e-3 && cost_at(&cost, 100) == 2e-3);
  is_about(cost_at(&cost, 300), 6e-3);
}

/* A curve that grows gives costs that grow, and no jump at a point. */
static void test_growing_curves(void **state) {
  (void)state;
  for (int trial = 0; trial < 200; trial++) {
    struct tlw_cost cost = {.n = 1 + (int)(draw() * TLW_COST_POINTS)};
    double units = 1 + 1e3 * draw(), seconds = 1e-6 + 1e-4 * draw();
    for (int i = 0; i < cost.n; i++) {
      cost.units[i] = units;
      cost.seconds[i] = seconds;
      units *= 1 + 1e-3 + 5 * draw();
      seconds *= 1 + 5 * draw();
    }
    double before = 0;
    for (int i = 0; i < SIZES; i++) {
      const double now = cost_at(&cost, exp(log(1e18) * i / SIZES));
      if (now < before * (1 - 1e-12)) fail_msg("trial %d: %.17g after %.17g", trial, now, before);
      before = now;
    }
    for (int i = 0; i < cost.n; i++) {
      const double at = cost.seconds[i], near = 1e-9 * at + 1e-7 * at;
      assert_true(fabs(cost_at(&cost, cost.units[i] * (1 - 1e-10)) - at) <= near);
      assert_true(fabs(cost_at(&cost, cost.units[i] * (1 + 1e-10)) - at) <= near);
    }
  }
}

/* What is no curve is not known, and what can't be counted counts nothing. */
static void test_hostile_values(void **state) {
  (void)state;
  static const double bad[] = {0, -1, NAN, INFINITY, -INFINITY};
  const struct tlw_cost good = line(4, 10, 1e-5, 1e-9);
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    for (int i = 0; i < 4; i++) {
      struct tlw_cost cost = good;
      cost.units[i] = bad[k];
      assert_true(isinf(cost_at(&cost, 100)));
      cost = good;
      cost.seconds[i] = bad[k];
      assert_true(isinf(cost_at(&cost, 100)));
    }
    struct tlw_cost cost = good;
    const struct tlw_load load = load_of(TLW_WORK_FOLD, 100, 7);
    cost.extra = bad[k];
    const double seconds = tlw_cost_of(&cost, &load);
    assert_true(bad[k] > 0 ? isinf(seconds) : seconds == good.seconds[1]);
    cost.extra = 1;
    const struct tlw_load odd = load_of(TLW_WORK_FOLD, 100, bad[k]);
    assert_true(bad[k] > 0 ? isinf(tlw_cost_of(&cost, &odd)) : tlw_cost_of(&cost, &odd) == good.seconds[1]);
    assert_true(bad[k] > 0 ? isinf(cost_at(&good, bad[k])) : cost_at(&good, bad[k]) == good.seconds[0]);
  }
  static const int counts[] = {0, -1, TLW_COST_POINTS + 1, INT32_MAX, INT32_MIN};
  for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
    struct tlw_cost cost = good;
    cost.n = counts[k];
    assert_true(isinf(cost_at(&cost, 100)));
  }
  struct tlw_cost cost = good;
  cost.units[2] = cost.units[1];
  assert_true(isinf(cost_at(&cost, 1)));
  cost.units[2] = cost.units[1] / 2;
  assert_true(isinf(cost_at(&cost, 1)));
  /* None of it with an extra becomes a number that is none. */
  cost = good;
  cost.extra = INFINITY;
  const struct tlw_load none = load_of(TLW_WORK_FOLD, 100, 0);
  assert_true(tlw_cost_of(&cost, &none) == good.seconds[1]);
}

/* ---- choices ---- */

static void test_one_crossover(void **state) {
  (void)state;
  /* 1 ms and 1 ns a unit against 10 us and 10 ns: they meet at 110,000 units. */
  const struct tlw_cost device = line(TLW_COST_POINTS, 1.7, 1e-3, 1e-9), cpu = line(TLW_COST_POINTS, 1.7, 1e-5, 1e-8);
  const struct tlw_tuning tuning = alike(&device, &cpu);
  for (int work = 0; work < TLW_WORKS; work++)
    for (int i = 0; i < SIZES; i++) {
      const double units = exp(log(1e9) * i / SIZES);
      if (units > 105000 && units < 115000) continue;
      assert_int_equal(is_cpu(&tuning, (enum tlw_work)work, units, 0), units < 110000);
    }
}

/* Each kind has its own costs, and extras count on both sides. */
static void test_kinds_are_apart(void **state) {
  (void)state;
  struct tlw_cost slow = line(4, 10, 1e-3, 1e-9), fast = line(4, 10, 1e-5, 1e-9);
  for (int work = 0; work < TLW_WORKS; work++) {
    struct tlw_tuning tuning = alike(&fast, &slow);
    tuning.device[work] = slow;
    tuning.cpu[work] = fast;
    for (int other = 0; other < TLW_WORKS; other++)
      assert_int_equal(is_cpu(&tuning, (enum tlw_work)other, 1000, 0), other == work);
  }
  slow.extra = 1e-6;
  fast.extra = 1e-5; /* from 110 extras on */
  struct tlw_tuning tuning = alike(&slow, &fast);
  assert_true(is_cpu(&tuning, TLW_WORK_CHARTS, 1000, 109));
  assert_false(is_cpu(&tuning, TLW_WORK_CHARTS, 1000, 111));
}

static void test_loads_are_summed(void **state) {
  (void)state;
  struct tlw_tuning tuning = {.measured = true};
  tuning.device[TLW_WORK_FOLD] = tuning.device[TLW_WORK_ORDER] = line(4, 10, 1e-3, 1e-9);
  tuning.cpu[TLW_WORK_FOLD] = line(4, 10, 1e-5, 1e-9);
  tuning.cpu[TLW_WORK_ORDER] = line(4, 10, 1.5e-3, 1e-9);
  const struct tlw_load loads[] = {load_of(TLW_WORK_FOLD, 100, 0), load_of(TLW_WORK_ORDER, 100, 0),
                                   load_of(TLW_WORK_ORDER, 100, 0)};
  assert_true(tlw_choice_is_cpu(&tuning, loads, 1));
  assert_true(tlw_choice_is_cpu(&tuning, loads, 2)); /* 1.51 ms to 2 */
  assert_false(tlw_choice_is_cpu(&tuning, loads + 1, 1));
  assert_false(tlw_choice_is_cpu(&tuning, loads, 3)); /* 3.01 ms to 3 */
  is_about(tlw_cost_on_cpu(&tuning, loads, 3),
           tuning.cpu[TLW_WORK_FOLD].seconds[1] + 2 * tuning.cpu[TLW_WORK_ORDER].seconds[1]);
  assert_false(tlw_choice_is_cpu(&tuning, loads, 0));
}

static void test_ties_and_the_unknown(void **state) {
  (void)state;
  const struct tlw_cost known = line(4, 10, 1e-3, 1e-9), unknown = {0};
  struct tlw_tuning tuning = alike(&known, &known);
  for (int i = 0; i < SIZES; i++) assert_false(is_cpu(&tuning, TLW_WORK_BARS, exp(0.1 * i), i));
  tuning = alike(&unknown, &unknown);
  assert_false(is_cpu(&tuning, TLW_WORK_BARS, 100, 0));
  tuning = alike(&known, &unknown);
  assert_false(is_cpu(&tuning, TLW_WORK_BARS, 100, 0));
  tuning = alike(&unknown, &known); /* the device was seen to be unable to do it */
  assert_true(is_cpu(&tuning, TLW_WORK_BARS, 100, 0));
  /* No size is too large to choose for. */
  tuning = alike(&known, &known);
  assert_false(is_cpu(&tuning, TLW_WORK_BARS, INFINITY, INFINITY));
}

/* ---- other operations than those measured ---- */

static void test_more_of_a_load(void **state) {
  (void)state;
  /* 1 us and 0.3 ns a unit in the cache, 1 ns beyond it. */
  const struct tlw_cost cpu = {.n = 4, .units = {10, 1e4, 1e5, 1e7}, .seconds = {1e-6, 4e-6, 3e-5, 1e-2}};
  const struct tlw_cost fold = line(8, 10, 6e-5, 1e-9), order = line(8, 10, 8e-5, 4e-9);
  const double kernel = 3e-9 + (8e-5 - 6e-5) / 1e8;
  struct tlw_tuning tuning = alike(&fold, &cpu);
  tuning.device[TLW_WORK_ORDER] = order;
  struct tlw_load load = load_of(TLW_WORK_ORDER, 1e7, 0);
  is_about(tlw_cost_on_cpu(&tuning, &load, 1), 1e-2);
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-2);
  /* Arithmetic comes on top at the pace that it has in the cache. */
  load.cpu_more = 7e7;
  is_about(tlw_cost_on_cpu(&tuning, &load, 1), 1e-2 + 7e7 * 3e-10);
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-2);
  load.cpu_more = -5e6;
  is_about(tlw_cost_on_cpu(&tuning, &load, 1), cost_at(&cpu, 5e6));
  load.sharers = 3;
  is_about(tlw_cost_on_cpu(&tuning, &load, 1), 3 * cost_at(&cpu, 5e6));
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-2);
  /* Bytes move by the curve; kernels take what they take beyond folds: 3 ns a unit. */
  load = load_of(TLW_WORK_ORDER, 1e5, 0);
  load.moved_more = 9e5;
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-3);
  load.moved_more = 0;
  load.kernel_more = 9e5;
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-4 + 9e5 * kernel);
  load.kernel_more = -0.99e5;
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-4 - 0.99e5 * kernel);
  /* Where folds are not known, nothing is known of kernels beyond them. */
  tuning.device[TLW_WORK_FOLD].n = 0;
  is_about(tlw_cost_on_device(&tuning, &load, 1), 8e-5 + 4e-4);
  tuning.device[TLW_WORK_ORDER].n = tuning.cpu[TLW_WORK_ORDER].n = 0;
  load.cpu_more = 1e5;
  assert_true(isinf(tlw_cost_on_device(&tuning, &load, 1)) && isinf(tlw_cost_on_cpu(&tuning, &load, 1)));
}

#define TASKS 8

/* Windows over so many rows of series alike. */
struct windows {
  struct tlw_window_task tasks[TASKS];
  int64_t offsets[101];
  struct tlw_window_source source;
};

static void give(const void *context, int32_t i, struct tlw_window_task *task) {
  *task = ((const struct tlw_window_task *)context)[i];
}

static void begin_windows(struct windows *w, int64_t n_series, int64_t rows) {
  memset(w, 0, sizeof *w);
  for (int64_t i = 0; i <= n_series; i++) w->offsets[i] = i * rows;
  w->source.job.type = TLW_TYPE_F64;
  w->source.job.n_series = n_series;
  w->source.job.n_rows = n_series * rows;
  w->source.job.offsets = w->offsets;
  w->source.make = give;
  w->source.context = w->tasks;
}

static const double columns[3];

static void add_window(struct windows *w, tlk_i32 kind, tlk_i32 op, int64_t window, const void *x, const void *y) {
  const int32_t i = w->source.job.n_tasks++;
  w->tasks[i] = (struct tlw_window_task){.x = x, .y = y};
  w->tasks[i].window = (tlk_window){.kind = kind, .op = op, .window = window, .min_periods = window};
}

/* One window over 1,000,000 rows. */
static struct tlw_load load_of_window(tlk_i32 kind, tlk_i32 op, int64_t window) {
  struct windows w;
  struct tlw_load loads[TLW_WINDOW_LOADS];
  begin_windows(&w, 1, 1000000);
  add_window(&w, kind, op, window, columns, kind == TLK_FOLD_CROSS ? columns + 1 : NULL);
  assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
  return loads[0];
}

static void test_operations_weigh(void **state) {
  (void)state;
  /* What was measured is as it was measured. */
  struct tlw_load load = load_of_window(TLK_FOLD_SUM, TLK_OP_MEAN, 20);
  assert_true(load.work == TLW_WORK_FOLD && load.units == 1e6 && load.extra == 1);
  assert_true(load.cpu_more == 0 && load.moved_more == 0 && load.kernel_more == 0 && load.sharers <= 1);
  load = load_of_window(TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 100);
  assert_true(load.work == TLW_WORK_ORDER && fabs(load.cpu_more) < 1 && load.moved_more == 0);
  assert_true(fabs(load.kernel_more) < 1);
  load = load_of_window(TLK_SCAN_LINEAR, TLK_OP_EMA, 20);
  assert_true(load.work == TLW_WORK_SCAN && load.cpu_more == 0 && load.moved_more == 0 && load.kernel_more == 0);
  /* What takes more arithmetic or another column. */
  load = load_of_window(TLK_FOLD_HIGHER, TLK_OP_KURTOSIS, 20);
  assert_true(load.cpu_more > 6e6 && load.cpu_more < 9e6 && load.moved_more == 0);
  load = load_of_window(TLK_FOLD_CROSS, TLK_OP_CORR, 20);
  assert_true(load.cpu_more > 7e6 && load.cpu_more < 10e6);
  is_about(load.moved_more, 0.5e6);
  load = load_of_window(TLK_FOLD_ENDS, TLK_OP_LAST, 20);
  assert_true(load.cpu_more < 0);
}

/* Longer windows of ranks and quantiles take longer, on both sides; weights are in the bounds that choices go by. */
static void test_longer_windows_weigh_more(void **state) {
  (void)state;
  static const tlk_i32 ops[][2] = {{TLK_ORDER_QUANTILE, TLK_OP_MEDIAN}, {TLK_ORDER_RANK, TLK_OP_RANK}};
  for (int k = 0; k < 2; k++) {
    struct tlw_load before = load_of_window(ops[k][0], ops[k][1], 1);
    for (int64_t window = 2; window < 1000000; window += 1 + window / 9) {
      const struct tlw_load load = load_of_window(ops[k][0], ops[k][1], window);
      assert_true(load.cpu_more >= before.cpu_more && load.kernel_more > before.kernel_more);
      assert_true(load.cpu_more > -1e6 && load.kernel_more > -1e6);
      assert_true(load.cpu_more <= (tlw_work_heaviest(TLW_WORK_ORDER) - 1) * 1e6);
      before = load;
    }
  }
  const struct tlw_load short_one = load_of_window(TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 5);
  const struct tlw_load long_one = load_of_window(TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 2000);
  assert_true(short_one.cpu_more < -0.8e6 && long_one.cpu_more > 5e6);
  for (tlk_i32 op = 0; op <= TLK_OP_CUMMAX; op++) {
    const bool is_order = op >= TLK_OP_MEDIAN && op <= TLK_OP_RANK;
    const bool is_scan = op == TLK_OP_EMA || op == TLK_OP_RMA || op >= TLK_OP_CUMSUM;
    if (is_order) continue;
    const struct tlw_load load = load_of_window(is_scan ? TLK_SCAN_LINEAR : TLK_FOLD_SUM, op, 400);
    assert_true(load.cpu_more > -1e6 && load.cpu_more <= (tlw_work_heaviest(load.work) - 1) * 1e6);
  }
}

static void test_tasks_share_columns_and_series_are_short(void **state) {
  (void)state;
  struct windows w;
  struct tlw_load loads[TLW_WINDOW_LOADS];
  begin_windows(&w, 100, 1000);
  add_window(&w, TLK_FOLD_SUM, TLK_OP_MEAN, 20, columns, NULL);
  add_window(&w, TLK_FOLD_MOMENTS, TLK_OP_STD, 20, columns, NULL);
  add_window(&w, TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 100, columns, NULL);
  add_window(&w, TLK_FOLD_SUM, TLK_OP_MEAN, 20, columns + 1, NULL);
  for (int listed = 0; listed < 2; listed++) {
    assert_int_equal(tlw_loads_of_windows(&w.source, listed ? w.tasks : NULL, loads), 2);
    assert_true(loads[0].work == TLW_WORK_FOLD && loads[0].units == 3e5 && loads[0].extra == 300);
    is_about(loads[0].cpu_more, 1.5e5);
    is_about(loads[0].moved_more, -0.5e5);
    assert_true(loads[1].work == TLW_WORK_ORDER && loads[1].units == 1e5 && loads[1].extra == 100);
    is_about(loads[1].moved_more, -0.5e5);
  }
  /* Floats are half as many bytes, results are not. */
  begin_windows(&w, 100, 1000);
  w.source.job.type = TLW_TYPE_F32;
  add_window(&w, TLK_FOLD_SUM, TLK_OP_MEAN, 20, columns, NULL);
  assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
  is_about(loads[0].moved_more, -0.25e5);
  /* Series that are too short for a result take next to nothing on the CPU, whatever the window. */
  begin_windows(&w, 100, 1000);
  add_window(&w, TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 2000, columns, NULL);
  assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
  assert_true(loads[0].cpu_more < -0.95e5 && loads[0].extra == 0);
  /* Where they are enough, windows are no longer than series. */
  w.tasks[0].window.min_periods = 1;
  assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
  assert_true(loads[0].cpu_more > 4e5 && loads[0].cpu_more < 5e5);
  /* Nothing at all. */
  begin_windows(&w, 0, 0);
  add_window(&w, TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, 2000, columns, NULL);
  assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
  assert_true(loads[0].units == 0 && loads[0].cpu_more == 0 && loads[0].moved_more == 0);
}

/* What is told soon of windows is what is told of them, and no operation takes more than its heft says. */
static void test_hefts_are_bounds(void **state) {
  (void)state;
  int n[TLW_HEFTS] = {0};
  for (tlk_i32 op = 0; op <= TLK_OP_CUMMAX; op++) {
    const tlk_i32 kind = op == TLK_OP_RANK                         ? TLK_ORDER_RANK
                         : op >= TLK_OP_MEDIAN && op < TLK_OP_RANK ? TLK_ORDER_QUANTILE
                         : op == TLK_OP_EMA || op == TLK_OP_RMA    ? TLK_SCAN_LINEAR
                         : op >= TLK_OP_CUMSUM                     ? TLK_SCAN_PRODUCT
                                                                   : TLK_FOLD_SUM;
    for (int64_t window = 1; window < 300000; window += 1 + window / 9)
      for (int64_t series = 1; series <= 100; series *= 10) {
        struct windows w;
        struct tlw_load loads[TLW_WINDOW_LOADS], soon[TLW_WINDOW_LOADS];
        begin_windows(&w, series, 100000 / series);
        add_window(&w, kind, op, window, columns, NULL);
        assert_int_equal(tlw_loads_of_windows(&w.source, w.tasks, loads), 1);
        assert_int_equal(tlw_units_of_windows(&w.source.job, w.tasks, soon), 1);
        assert_true(soon->work == loads->work && soon->units == loads->units && soon->heft == loads->heft);
        assert_true(soon->extra >= loads->extra && soon->extra == (double)series);
        const double most = tlw_heft_most(loads->work, loads->heft);
        assert_true(loads->cpu_more <= (most - 1) * loads->units * (1 + 1e-12));
        n[loads->heft]++;
      }
  }
  for (int i = 0; i < TLW_HEFTS; i++) assert_true(n[i] > 100);
  /* Of several it is the greatest. */
  struct windows w;
  struct tlw_load loads[TLW_WINDOW_LOADS];
  begin_windows(&w, 1, 100000);
  for (int i = 0; i < 3; i++)
    add_window(&w, TLK_ORDER_QUANTILE, TLK_OP_MEDIAN, (const int64_t[]){100, 10000, 20}[i], columns, NULL);
  assert_int_equal(tlw_units_of_windows(&w.source.job, w.tasks, loads), 1);
  assert_true(loads->heft == TLW_HEFT_ANY && loads->units == 3e5);
}

/* What is sure holds for the dearest operation of a heft on the CPU that is the cheapest on the device. */
static void test_sure_holds_for_all_operations(void **state) {
  (void)state;
  const struct tlw_cost device = line(12, 4, 6e-5, 1e-9), cpu = line(12, 4, 1e-6, 4e-10);
  const struct tlw_tuning tuning = alike(&device, &cpu);
  struct tlw_sure sure;
  tlw_choice_sure(&tuning, &sure);
  for (int work = 0; work < TLW_WORKS; work++)
    for (int heft = 0; heft < TLW_HEFTS; heft++) {
      struct tlw_load load = load_of((enum tlw_work)work, sure.units[work][heft], 0);
      assert_true(load.units > 0);
      load.cpu_more = (tlw_heft_most(load.work, (enum tlw_heft)heft) - 1) * load.units;
      load.moved_more = (tlw_work_lightest(load.work) - 1) * load.units;
      assert_true(tlw_choice_is_cpu(&tuning, &load, 1));
      if (heft > 0) assert_true(sure.units[work][heft] >= sure.units[work][heft - 1]);
    }
  assert_true(sure.units[TLW_WORK_ORDER][0] < sure.units[TLW_WORK_FOLD][0]);
  assert_true(sure.units[TLW_WORK_FOLD][0] < sure.units[TLW_WORK_SCAN][0]);
  assert_true(sure.units[TLW_WORK_ORDER][0] < sure.units[TLW_WORK_ORDER][TLW_HEFT_ALIKE]);
}

/* ---- never ---- */

static void test_never(void **state) {
  (void)state;
  struct tlw_cost fast = line(8, 3, 1e-5, 1e-9), slow = line(8, 3, 1e-2, 2e-9); /* more than any operation differs */
  struct tlw_tuning tuning = alike(&slow, &fast);
  assert_true(tlw_choice_is_never(&tuning));
  /* One kind that is not slower, at any place, is enough. */
  for (int work = 0; work < TLW_WORKS; work++)
    for (int i = 0; i < 8; i++) {
      struct tlw_tuning other = tuning;
      other.device[work].seconds[i] = fast.seconds[i];
      assert_false(tlw_choice_is_never(&other));
      other = tuning;
      other.cpu[work].seconds[i] = slow.seconds[i];
      assert_false(tlw_choice_is_never(&other));
    }
  for (int work = 0; work < TLW_WORKS; work++) {
    struct tlw_tuning other = tuning;
    other.cpu[work].extra = 1e-9;
    assert_false(tlw_choice_is_never(&other));
    other.device[work].extra = 1e-9;
    assert_true(tlw_choice_is_never(&other));
    other = tuning;
    other.cpu[work].n = 0;
    assert_false(tlw_choice_is_never(&other));
    other = tuning;
    other.device[work].n = 0;
    assert_true(tlw_choice_is_never(&other));
  }
  memset(&tuning, 0, sizeof tuning);
  assert_false(tlw_choice_is_never(&tuning));
}

/* Curves of other points, where one lies below the other at its points and above between and beyond them. */
static void test_never_between_points(void **state) {
  (void)state;
  const struct tlw_cost cpu = {.n = 3, .units = {10, 100, 1000}, .seconds = {1e-4, 2e-3, 2e-3}};
  const struct tlw_cost device = {.n = 2, .units = {10, 1000}, .seconds = {2e-4, 3e-3}}; /* 7.7e-4 at 100 */
  struct tlw_tuning tuning = alike(&device, &cpu);
  assert_false(tlw_choice_is_never(&tuning));
  const struct tlw_cost short_device = {.n = 1, .units = {5}, .seconds = {2e-2}};
  tuning = alike(&short_device, &cpu); /* in proportion from 5 on */
  assert_true(tlw_choice_is_never(&tuning));
  const struct tlw_cost long_device = {.n = 2, .units = {10, 1e6}, .seconds = {2.1e-3, 2.1e-3}};
  tuning = alike(&long_device, &cpu); /* in proportion the CPU meets it at 1,050 */
  assert_false(tlw_choice_is_never(&tuning));
}

/* Curves of few points that cross anywhere, or nowhere. */
static struct tlw_tuning random_tuning(void) {
  struct tlw_cost curves[2];
  for (int k = 0; k < 2; k++) {
    curves[k] = (struct tlw_cost){.n = 1 + (int)(draw() * 6)};
    double units = 1 + 100 * draw();
    for (int i = 0; i < curves[k].n; i++, units *= 1.5 + 4 * draw()) {
      curves[k].units[i] = units;
      curves[k].seconds[i] = (k == 0 ? 3e-6 : 1e-6) * (1 + units * 0.01) * (0.5 + draw());
    }
  }
  return alike(&curves[0], &curves[1]);
}

/* Never is what no load at all says otherwise. */
static void test_never_agrees_with_choices(void **state) {
  (void)state;
  int nevers = 0;
  for (int trial = 0; trial < 300; trial++) {
    struct tlw_tuning tuning = random_tuning();
    /* Of windows there are other operations too: the device has none. */
    tuning.device[TLW_WORK_FOLD].n = tuning.device[TLW_WORK_ORDER].n = tuning.device[TLW_WORK_SCAN].n = 0;
    const struct tlw_cost *curves[] = {&tuning.device[0], &tuning.cpu[0]};
    bool always_cpu = true;
    for (int i = 0; i < SIZES; i++)
      always_cpu = always_cpu && is_cpu(&tuning, TLW_WORK_FILES, exp(log(1e9) * i / SIZES), 0);
    const bool never = tlw_choice_is_never(&tuning);
    if (never) assert_true(always_cpu);
    for (int k = 0; k < 2; k++)
      for (int i = 0; i < curves[k]->n; i++)
        always_cpu = always_cpu && is_cpu(&tuning, TLW_WORK_FILES, curves[k]->units[i], 0);
    assert_int_equal(never, always_cpu);
    nevers += never;
  }
  assert_true(nevers > 20 && nevers < 280);
}

/* What is sure is what every load up to it says, and no less than that at the points. */
static void test_sure_agrees_with_choices(void **state) {
  (void)state;
  int none = 0, some = 0, dearer = 0;
  for (int trial = 0; trial < 300; trial++) {
    struct tlw_tuning tuning = random_tuning();
    const double extra = 1e-7 * draw();
    struct tlw_sure sure;
    tuning.device[TLW_WORK_FILES].extra = extra * (1 + draw());
    tuning.cpu[TLW_WORK_FILES].extra = extra;
    tuning.cpu[TLW_WORK_BARS].extra = 1e-7; /* more than on the device */
    tuning.cpu[TLW_WORK_SCAN].n = tuning.device[TLW_WORK_FOLD].n = 0;
    tlw_choice_sure(&tuning, &sure);
    const double most = sure.units[TLW_WORK_FILES][TLW_HEFT_ANY];
    for (int i = 0; i <= SIZES; i++)
      if (most > 0) assert_true(is_cpu(&tuning, TLW_WORK_FILES, most * i / SIZES, 1000 * draw()));
    const struct tlw_cost *curves[] = {&tuning.device[TLW_WORK_FILES], &tuning.cpu[TLW_WORK_FILES]};
    double next = INFINITY;
    for (int k = 0; k < 2; k++)
      for (int i = 0; i < curves[k]->n; i++)
        if (curves[k]->units[i] > most && curves[k]->units[i] < next) next = curves[k]->units[i];
    if (next < (double)INFINITY) assert_false(is_cpu(&tuning, TLW_WORK_FILES, next, 0));
    for (int k = 0; k < TLW_HEFTS; k++)
      assert_true(sure.units[TLW_WORK_SCAN][k] == 0 && sure.units[TLW_WORK_FOLD][k] == 0);
    /* Extras that are dearer on the CPU: as many as half of what the device takes at the least. */
    const double bars = sure.units[TLW_WORK_BARS][0], extras = sure.extras[TLW_WORK_BARS];
    assert_true(extras > 0 && extras < (double)INFINITY && bars <= most);
    const struct tlw_load within = load_of(TLW_WORK_BARS, bars, extras),
                          beyond = load_of(TLW_WORK_BARS, bars, 1.1 * extras);
    assert_true(tlw_choice_is_sure(&sure, &within, 1) == (bars > 0) && !tlw_choice_is_sure(&sure, &beyond, 1));
    for (int i = 0; i <= SIZES && bars > 0; i++) assert_true(is_cpu(&tuning, TLW_WORK_BARS, bars * i / SIZES, extras));
    double least = INFINITY;
    for (int i = 0; i < curves[0]->n; i++) least = fmin(least, curves[0]->seconds[i]);
    assert_true(extras * 1e-7 > 0.49 * least && extras * 1e-7 < 0.51 * least);
    dearer += bars > 0;
    none += most == 0;
    some += most > 0;
  }
  assert_true(none > 0 && some > 10 && dearer > 10);
}

/* ---- the estimate ---- */

/* Windows of ranks and quantiles are for a GPU of many units, and for the CPU beside one of few; candles are for the
 * CPU, which reads them as fast as they move. */
static void test_estimates_go_by_the_device(void **state) {
  (void)state;
  tlw_device device = {.backend = TLW_BACKEND_CUDA, .compute_units = 132};
  struct tlw_tuning tuning;
  tlw_tuning_estimate(&device, 1, &tuning);
  assert_false(is_cpu(&tuning, TLW_WORK_ORDER, 1e8, 1));
  assert_true(is_cpu(&tuning, TLW_WORK_CHARTS, 1280 * 720, 1e6));
  assert_true(is_cpu(&tuning, TLW_WORK_FILES, 1280 * 720, 1e6));
  device.compute_units = 4;
  tlw_tuning_estimate(&device, 1, &tuning);
  assert_true(is_cpu(&tuning, TLW_WORK_ORDER, 1e8, 1));
}

/* Where nobody has measured, small batches are for the CPU and large ones for the device. */
static void test_estimates_choose(void **state) {
  (void)state;
  const tlw_device device = {.backend = TLW_BACKEND_CUDA, .compute_units = 132};
  for (uint32_t threads = 1; threads <= 4; threads *= 2) {
    struct tlw_tuning tuning;
    tlw_tuning_estimate(&device, threads, &tuning);
    assert_false(tuning.measured);
    assert_false(tlw_choice_is_never(&tuning));
    for (int work = 0; work < TLW_WORKS; work++) assert_true(is_cpu(&tuning, (enum tlw_work)work, 10, 1));
    assert_false(is_cpu(&tuning, TLW_WORK_ORDER, 1e9, 1));
  }
}

static void test_names(void **state) {
  (void)state;
  for (int i = 0; i < TLW_WORKS; i++) {
    assert_true(strlen(tlw_work_name((enum tlw_work)i)) > 3);
    for (int k = 0; k < i; k++)
      assert_string_not_equal(tlw_work_name((enum tlw_work)i), tlw_work_name((enum tlw_work)k));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_points_and_between),
      cmocka_unit_test(test_one_point),
      cmocka_unit_test(test_growing_curves),
      cmocka_unit_test(test_hostile_values),
      cmocka_unit_test(test_one_crossover),
      cmocka_unit_test(test_kinds_are_apart),
      cmocka_unit_test(test_loads_are_summed),
      cmocka_unit_test(test_ties_and_the_unknown),
      cmocka_unit_test(test_more_of_a_load),
      cmocka_unit_test(test_operations_weigh),
      cmocka_unit_test(test_longer_windows_weigh_more),
      cmocka_unit_test(test_tasks_share_columns_and_series_are_short),
      cmocka_unit_test(test_hefts_are_bounds),
      cmocka_unit_test(test_sure_holds_for_all_operations),
      cmocka_unit_test(test_never),
      cmocka_unit_test(test_never_between_points),
      cmocka_unit_test(test_never_agrees_with_choices),
      cmocka_unit_test(test_sure_agrees_with_choices),
      cmocka_unit_test(test_estimates_choose),
      cmocka_unit_test(test_estimates_go_by_the_device),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
