/*
 * What samples of benchmarks mean: verdicts on modelled machines, whose noise is made from fixed seeds, and batches
 * that a busy machine spoiled.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/batches.h"
#include "bench/statistics.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNS 1000
#else
#define RUNS 6000 /* of a machine */
#endif
#define SEEDS 3 /* that share them */
#define BATCHES 16
#define SAMPLES 25
#define IDLE bench_drift(0, false)

/* ---- modelled machines ---- */

static uint64_t random_state;

static double draw(void) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return ((double)(random_state >> 11) + 0.5) * 0x1p-53;
}

static double draw_normal(void) { return sqrt(-2 * log(draw())) * cos(6.283185307179586 * draw()); }

/*
 * All as logarithms: what one run differs by from the next, what batches wander by, how many of them others spoil; or,
 * where not 0, what batches differ by that know nothing of each other and are never spoiled.
 */
struct machine {
  const char *name;
  double drift, walk, busy, spread;
};

static const struct machine machines[] = {
    {"mild", 0.002, 0.003, 0.05, 0}, {"usual", 0.005, 0.01, 0.1, 0}, {"restless", 0.01, 0.01, 0.2, 0},
    {"heavy", 0.01, 0.03, 0.3, 0},   {"quiet", 0.002, 0, 0, 0.005},  {"moody", 0.01, 0.003, 0.05, 0},
};
enum { MILD, USUAL, RESTLESS, HEAVY, QUIET, MOODY, MACHINES }; /* moody: differs between runs, as none of them tells */

/* Samples are skewed, and one in twenty takes up to 2.7 times as long; a busy spell takes up to a third more. */
static double run_batch(const struct machine *machine, double base, double *wander) {
  if (machine->spread > 0) return exp(base + machine->spread * draw_normal());
  double samples[SAMPLES];
  *wander = 0.7 * *wander + machine->walk * draw_normal();
  const double spell = draw() < machine->busy ? 0.3 * draw() : 0;
  for (int k = 0; k < SAMPLES; k++)
    samples[k] = exp(base + *wander + spell + 0.01 * fabs(draw_normal()) + (draw() < 0.05 ? draw() : 0));
  return bench_median(samples, SAMPLES);
}

static void run_batches(const struct machine *machine, bench_batch batches[BATCHES]) {
  const double base = machine->drift * draw_normal();
  double wander = 0;
  for (int i = 0; i < BATCHES; i++)
    batches[i] = (bench_batch){.seconds = run_batch(machine, base, &wander), .round = i};
  bench_mark_slow(batches, BATCHES);
}

static void run_machine(const struct machine *machine, bench_batches *good) {
  bench_batch batches[BATCHES];
  run_batches(machine, batches);
  bench_good_batches(batches, BATCHES, good);
}

static bench_batches change_by(bench_batches batches, double change) {
  for (int i = 0; i < batches.n + batches.slow; i++) batches.medians[i] *= change;
  return batches;
}

static bench_verdict judge_drifting(const bench_batches *after, double drift_after, const bench_batches *before,
                                    double drift_before) {
  return bench_judge(bench_ratio_of_runs(after, drift_after, before, drift_before, BENCH_LIKELY),
                     bench_ratio_of_runs(after, drift_after, before, drift_before, BENCH_SURE));
}

static bench_verdict judge_runs(const bench_batches *after, const bench_batches *before) {
  return judge_drifting(after, IDLE, before, IDLE);
}

static const double changes[] = {1, 1.03, 1 / 1.03, 1.05, 1 / 1.05, 1.1, 1 / 1.1};
#define CHANGES (sizeof changes / sizeof *changes)
enum { EQUAL, BY_3, BY_5 = 3, BY_10 = 5 };

typedef int verdicts[CHANGES][BENCH_AMBIGUOUS + 1];

/* Machines are the same whatever they run, so that each pair of runs stands for all changes. */
static void count_verdicts(const struct machine *machine, verdicts counts) {
  memset(counts, 0, sizeof(verdicts));
  for (int i = 0; i < RUNS; i++) {
    if (i % (RUNS / SEEDS) == 0) random_state = (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    bench_batches before, after;
    run_machine(machine, &before);
    run_machine(machine, &after);
    for (size_t k = 0; k < CHANGES; k++) {
      const bench_batches changed = change_by(after, changes[k]);
      counts[k][judge_runs(&changed, &before)]++;
    }
  }
}

static bench_verdict right_verdict(size_t change) { return change % 2 ? BENCH_SLOW : BENCH_FAST; }

static void check_equal(const char *name, const int n[BENCH_AMBIGUOUS + 1], double least) {
  if (n[BENCH_SAME] + n[BENCH_AMBIGUOUS] < least * RUNS)
    fail_msg("%s: of %d equal runs %d are FAST and %d SLOW", name, RUNS, n[BENCH_FAST], n[BENCH_SLOW]);
}

/* 3, 5 and 10%, slower and faster; least: the shares that must be found. */
static void check_planted(const char *name, verdicts counts, const double least[3], double same) {
  for (size_t k = BY_3; k < CHANGES; k++) {
    const bench_verdict right = right_verdict(k), opposite = right == BENCH_SLOW ? BENCH_FAST : BENCH_SLOW;
    if (counts[k][opposite] > 0)
      fail_msg("%s: %d of %d runs with a change to %.3f are %s", name, counts[k][opposite], RUNS, changes[k],
               bench_verdict_name(opposite));
    if (counts[k][BENCH_SAME] > same * RUNS)
      fail_msg("%s: %d of %d runs with a change to %.3f are SAME", name, counts[k][BENCH_SAME], RUNS, changes[k]);
    if (counts[k][right] < least[(k - 1) / 2] * RUNS)
      fail_msg("%s: only %d of %d runs with a change to %.3f are %s", name, counts[k][right], RUNS, changes[k],
               bench_verdict_name(right));
  }
}

static void test_verdicts(void **state) {
  (void)state;
  static const double found[MACHINES][3] = {
      [MILD] = {0.25, 0.75, 0.98}, [USUAL] = {0, 0.05, 0.5},    [RESTLESS] = {0, 0.03, 0.35},
      [HEAVY] = {0, 0, 0.01},      [QUIET] = {0.6, 0.99, 0.99}, [MOODY] = {0.25, 0.65, 0.95},
  };
  static const double same[MACHINES] = {[MILD] = 0.2, [QUIET] = 0.5, [MOODY] = 0.05};
  for (size_t i = 0; i < MACHINES; i++) {
    verdicts counts;
    count_verdicts(&machines[i], counts);
    check_equal(machines[i].name, counts[EQUAL], i == MOODY ? 0.95 : 0.99);
    check_planted(machines[i].name, counts, found[i], i == MOODY ? 0.03 : 0.005);
    if (counts[EQUAL][BENCH_SAME] < same[i] * RUNS)
      fail_msg("%s: of %d equal runs only %d are SAME", machines[i].name, RUNS, counts[EQUAL][BENCH_SAME]);
  }
}

/* ---- what intervals hold ---- */

/* The median of batches that nobody disturbed. */
static double find_truth(const struct machine *machine) {
  static double medians[RUNS];
  struct machine calm = *machine;
  calm.busy = 0;
  random_state = 99;
  for (int i = 0; i < RUNS; i++) {
    bench_batch batches[BATCHES];
    run_batches(&calm, batches);
    medians[i] = batches[i % BATCHES].seconds;
  }
  return bench_median(medians, RUNS);
}

static bool holds(bench_interval interval, double value) { return interval.low <= value && value <= interval.high; }

/* 95% is aimed at; half of a usual interval is no more than widest. */
static void check_coverage(const struct machine *machine, double truth, double widest) {
  static double widths[RUNS];
  int times = 0, speedups = 0;
  for (int i = 0; i < RUNS; i++) {
    if (i % (RUNS / SEEDS) == 0) random_state = (uint64_t)(i + 7) * UINT64_C(0x9e3779b97f4a7c15);
    bench_batch batches[2][BATCHES];
    bench_batches a, b, ratios;
    run_batches(machine, batches[0]);
    run_batches(machine, batches[1]);
    bench_good_batches(batches[0], BATCHES, &a);
    bench_good_batches(batches[1], BATCHES, &b);
    bench_good_ratios(batches[0], BATCHES, batches[1], BATCHES, &ratios);
    const bench_interval time = bench_estimate(&a);
    times += holds(time, truth);
    speedups += holds(bench_ratio_of_turns(&a, &b, &ratios, 0), 1);
    widths[i] = log(time.high / time.low) / 2;
  }
  const double least = (RUNS < 5000 ? 0.925 : 0.94) * RUNS, width = bench_median(widths, RUNS);
  if (times < least)
    fail_msg("%s, %g: %d of %d intervals hold the median", machine->name, machine->spread, times, RUNS);
  if (speedups < least)
    fail_msg("%s, %g: %d of %d intervals hold the speedup", machine->name, machine->spread, speedups, RUNS);
  if (width > widest) fail_msg("%s, %g: half an interval is %g", machine->name, machine->spread, width);
}

static void test_coverage_of_machines(void **state) {
  (void)state;
  static const double widest[] = {[MILD] = 0.01, [USUAL] = 0.03, [RESTLESS] = 0.04, [HEAVY] = 0.1};
  for (size_t i = MILD; i <= HEAVY; i++) {
    struct machine machine = machines[i];
    machine.drift = 0;
    check_coverage(&machine, find_truth(&machine), widest[i]);
  }
}

/* Batches that are never spoiled, of which up to a half are left out as slow. */
static void test_coverage_of_spreads(void **state) {
  (void)state;
  static const double spreads[] = {0.01, 0.02, 0.03, 0.05, 0.07, 0.1};
  for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++) {
    const struct machine machine = {.name = "lognormal", .spread = spreads[i]};
    check_coverage(&machine, 1, (spreads[i] > 0.03 ? 1.6 : 1.1) * spreads[i]);
  }
}

/* Where others are busy, the more so the wider is the interval, and most for several threads. */
static void test_busy_machines(void **state) {
  (void)state;
  bench_batches a = {.n = 16}, b = {.n = 16};
  for (int i = 0; i < 16; i++) {
    a.medians[i] = i % 2 ? 1.0305 : 1.0295;
    b.medians[i] = i % 2 ? 0.9995 : 1.0005;
  }
  assert_int_equal(judge_runs(&a, &b), BENCH_SLOW);
  assert_int_equal(judge_runs(&b, &a), BENCH_FAST);
  for (int busy = 0; busy < 2; busy++) {
    const double drift = bench_drift(0.7, false), before = busy ? drift : IDLE, after = busy ? IDLE : drift;
    assert_int_equal(judge_drifting(&a, after, &b, before), BENCH_AMBIGUOUS);
    assert_int_equal(judge_drifting(&b, after, &a, before), BENCH_AMBIGUOUS);
  }
  assert_true(IDLE > 0 && bench_drift(0.1, false) > IDLE && bench_drift(0.7, false) > bench_drift(0.1, false));
  assert_true(bench_drift(0.1, true) > bench_drift(0.1, false));
  assert_true(bench_drift(0, true) == IDLE);
}

/* ---- numbers ---- */

static void test_median(void **state) {
  (void)state;
  double one[] = {7}, two[] = {4, 2}, five[] = {5, 1, 4, 2, 3};
  assert_true(bench_median(one, 1) == 7);
  assert_true(bench_median(two, 2) == 3);
  assert_true(bench_median(five, 5) == 3);
}

/* Against Student's t by hand: logarithms 0, 1 and 2 in an order without trend. */
static void test_estimate(void **state) {
  (void)state;
  const bench_batches three = {.n = 3, .medians = {exp(0), exp(2), exp(1)}};
  const bench_interval x = bench_estimate(&three);
  const double reach = 4.3027 * sqrt(acos(-1) / 2 / 3 * 1.3 / 0.7);
  assert_true(fabs(x.value - exp(1)) < 1e-12);
  assert_true(fabs(log(x.high) - (1 + reach)) < 1e-9);
  assert_true(fabs(log(x.low) - (1 - reach)) < 1e-9);
}

/* What is left out as slow may have been honest: it widens the interval, above all upwards. */
static void test_slow_ones_widen(void **state) {
  (void)state;
  bench_batches none = {.n = 8}, some;
  for (int i = 0; i < 8; i++) none.medians[i] = 1 + 0.001 * (i * 3 % 8);
  some = none;
  some.slow = 4;
  for (int i = 8; i < 12; i++) some.medians[i] = 1.2;
  const bench_interval x = bench_estimate(&none), y = bench_estimate(&some);
  assert_true(x.value == y.value);
  assert_true(y.low < x.low && y.high > x.high && y.high / y.value > y.value / y.low);
  const bench_interval r = bench_ratio_of_runs(&none, 0, &none, 0, BENCH_LIKELY);
  const bench_interval above = bench_ratio_of_runs(&some, 0, &none, 0, BENCH_LIKELY);
  const bench_interval below = bench_ratio_of_runs(&none, 0, &some, 0, BENCH_LIKELY);
  assert_true(above.high > r.high && below.low < r.low && above.high > 1 / above.low && below.high < 1 / below.low);
}

/* Batches that are like the one before say less than their number. */
static void test_persistence(void **state) {
  (void)state;
  bench_batches apart = {.n = 12}, alike = {.n = 12};
  for (int i = 0; i < 12; i++) {
    apart.medians[i] = i % 2 ? 1.1 : 1;
    alike.medians[i] = i < 6 ? 1.1 : 1;
  }
  const bench_interval a = bench_estimate(&apart), b = bench_estimate(&alike);
  assert_true(b.high / b.low > pow(a.high / a.low, 2));
}

/* Of too few batches nothing is known. */
static void test_few(void **state) {
  (void)state;
  const bench_batches two = {.n = 2, .medians = {1, 3}}, many = {.n = 4, .medians = {1, 1, 1, 1}};
  assert_true(bench_estimate(&two).value == 2);
  assert_true(bench_estimate(&two).low == 0 && isinf(bench_estimate(&two).high));
  assert_int_equal(judge_runs(&two, &many), BENCH_AMBIGUOUS);
  assert_int_equal(judge_runs(&many, &two), BENCH_AMBIGUOUS);
}

static void test_judge(void **state) {
  (void)state;
  static const struct {
    bench_interval ratio;
    bench_verdict verdict;
  } cases[] = {
      {{1, 0.99, 1.01}, BENCH_SAME},      {{1.05, 1.02, 1.08}, BENCH_SLOW},    {{0.95, 0.93, 0.98}, BENCH_FAST},
      {{1, 0.9, 1.1}, BENCH_AMBIGUOUS},   {{1.02, 1, 1.04}, BENCH_AMBIGUOUS},  {{0.98, 0.96, 1}, BENCH_AMBIGUOUS},
      {{1, 0.97, 1.01}, BENCH_AMBIGUOUS}, {{1.012, 1.009, 1.015}, BENCH_SAME}, {{1, 0, INFINITY}, BENCH_AMBIGUOUS},
      {{1.2, 1.1, INFINITY}, BENCH_SLOW},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(bench_judge(cases[i].ratio, cases[i].ratio), cases[i].verdict);
  const bench_interval slow = cases[1].ratio, fast = cases[2].ratio, wide = {1, 0.99, 1.01};
  assert_int_equal(bench_judge(slow, wide), BENCH_AMBIGUOUS); /* likely, but not sure */
  assert_int_equal(bench_judge(fast, wide), BENCH_AMBIGUOUS);
  assert_string_equal(bench_verdict_name(BENCH_SAME), "SAME");
  assert_string_equal(bench_verdict_name(BENCH_FAST), "FAST");
  assert_string_equal(bench_verdict_name(BENCH_SLOW), "SLOW");
  assert_string_equal(bench_verdict_name(BENCH_AMBIGUOUS), "AMBIGUOUS");
  assert_null(bench_verdict_name((bench_verdict)7));
}

/* What meets both in turns is no difference of theirs. */
static void test_turns(void **state) {
  (void)state;
  bench_batches a = {.n = 8}, b = {.n = 8}, ratios = {.n = 8};
  for (int i = 0; i < 8; i++) {
    b.medians[i] = i < 4 ? 1 : 3;
    a.medians[i] = 2 * b.medians[i] * (i % 2 ? 1.001 : 0.999);
    ratios.medians[i] = a.medians[i] / b.medians[i];
  }
  const bench_interval turns = bench_ratio_of_turns(&a, &b, &ratios, 0);
  const bench_interval runs = bench_ratio_of_runs(&a, 0, &b, 0, BENCH_LIKELY);
  assert_true(turns.low > 1.98 && turns.high < 2.02 && turns.low < 2 && turns.high > 2);
  assert_true(runs.low < 1.5 && runs.high > 2.5);
  assert_true(bench_ratio_of_turns(&a, &b, &ratios, 0.1).high > 2.2);
  ratios.n = 2; /* too few rounds in common */
  assert_true(bench_ratio_of_turns(&a, &b, &ratios, 0).high > 2.5);
  a.n = 2;
  assert_true(isinf(bench_ratio_of_turns(&a, &b, &ratios, 0).high));
}

/* The ratio of medians is not the median of ratios: the interval holds both. */
static void test_both_ratios(void **state) {
  (void)state;
  bench_batches a = {.n = 3, .medians = {1, 2, 4}}, b = {.n = 3, .medians = {1.0001, 1, 4}}, ratios = {.n = 3};
  for (int i = 0; i < 3; i++) ratios.medians[i] = 1 + 0.0001 * i;
  const bench_interval x = bench_ratio_of_turns(&a, &b, &ratios, 0);
  assert_true(fabs(x.value - 2 / 1.0001) < 1e-12 && x.low < 1.0001 && x.high > x.value);
}

/* ---- spoiled batches ---- */

static void test_disturbances(void **state) {
  (void)state;
  const bench_disturbance calm = {.seconds = 0.05, .processor = 0.0499, .switches = 3, .threads = 1, .cpus = 2};
  assert_int_equal(bench_disturbed(&calm), 0);
  bench_disturbance d = calm;
  d.processor = 0.045;
  assert_int_equal(bench_disturbed(&d), BENCH_SPOILED_WAITED);
  d.threads = 2; /* which wait for each other */
  assert_int_equal(bench_disturbed(&d), 0);
  d = calm;
  d.stolen = 0.01;
  assert_int_equal(bench_disturbed(&d), BENCH_SPOILED_STOLEN);
  d = calm;
  d.switches = 40;
  assert_int_equal(bench_disturbed(&d), BENCH_SPOILED_SWITCHED);
  d.processor = 0.03;
  assert_int_equal(bench_disturbed(&d), BENCH_SPOILED_SWITCHED | BENCH_SPOILED_WAITED);
  d.clean = true; /* what was interrupted is left out */
  assert_int_equal(bench_disturbed(&d), 0);
  d.stolen = 0.01;
  assert_int_equal(bench_disturbed(&d), BENCH_SPOILED_STOLEN);
  d.stolen = 0;
  d.clean = false;
  d.processor = 0.001;
  d.waits = true; /* for a device */
  assert_int_equal(bench_disturbed(&d), 0);
}

static void test_slow_batches(void **state) {
  (void)state;
  bench_batch batches[8] = {{0}};
  for (int i = 0; i < 8; i++) batches[i].seconds = 1 + 0.01 * i;
  assert_int_equal(bench_mark_slow(batches, 8), 0);
  batches[2].seconds = 1.5;
  batches[5].seconds = 1.12;
  batches[6].spoiled = BENCH_SPOILED_STOLEN;
  assert_int_equal(bench_mark_slow(batches, 8), 3);
  assert_int_equal(batches[2].spoiled, BENCH_SPOILED_SLOW);
  assert_int_equal(batches[5].spoiled, BENCH_SPOILED_SLOW);
  assert_int_equal(batches[6].spoiled, BENCH_SPOILED_STOLEN);
  bench_batches good;
  assert_true(bench_good_batches(batches, 8, &good));
  assert_int_equal(good.n, 5);
  assert_int_equal(good.slow, 2);
  assert_true(good.medians[5] == 1.5 && good.medians[6] == 1.12);
  for (int i = 0; i < good.n; i++) assert_true(good.medians[i] < 1.1);
  batches[2].seconds = 1; /* measured again */
  assert_int_equal(bench_mark_slow(batches, 8), 2);
  assert_int_equal(batches[2].spoiled, 0);
  assert_int_equal(bench_mark_slow(batches, 0), 0);
}

/* Where nearly all are spoiled, all count, and it is said. */
static void test_all_spoiled(void **state) {
  (void)state;
  bench_batch batches[6] = {{0}};
  for (int i = 0; i < 6; i++) batches[i] = (bench_batch){.seconds = i + 1, .round = i, .spoiled = i > 1 ? 4 : 0};
  bench_batches good;
  assert_true(bench_good_batches(batches, 6, &good));
  assert_int_equal(good.n, 6);
  batches[5].spoiled = 0;
  assert_true(bench_good_batches(batches, 6, &good));
  assert_int_equal(good.n, 3);
  assert_true(good.medians[2] == 6);
  assert_int_equal(bench_count_good(batches, 6), 3);
}

/* Ratios are of one round; a slow line misses some. Those of slow batches come behind, others nowhere. */
static void test_ratios(void **state) {
  (void)state;
  bench_batch a[8] = {{0}}, b[4] = {{0}};
  for (int i = 0; i < 8; i++) a[i] = (bench_batch){.seconds = 10 + i, .round = i};
  for (int i = 0; i < 4; i++) b[i] = (bench_batch){.seconds = 20 + 2 * i, .round = 2 * i};
  b[1].spoiled = BENCH_SPOILED_SLOW;
  b[3].spoiled = BENCH_SPOILED_STOLEN | BENCH_SPOILED_SLOW;
  bench_batches x, y;
  bench_good_ratios(a, 8, b, 4, &x);
  assert_int_equal(x.n, 2);
  assert_int_equal(x.slow, 1);
  static const double rounds[] = {0, 4, 2};
  for (int i = 0; i < 3; i++) assert_true(x.medians[i] == (10 + rounds[i]) / (20 + rounds[i]));
  bench_good_ratios(b, 4, a, 8, &y);
  assert_int_equal(y.n, 2);
  assert_int_equal(y.slow, 1);
  for (int i = 0; i < 3; i++) assert_true(y.medians[i] == (20 + rounds[i]) / (10 + rounds[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdicts),
      cmocka_unit_test(test_coverage_of_machines),
      cmocka_unit_test(test_coverage_of_spreads),
      cmocka_unit_test(test_busy_machines),
      cmocka_unit_test(test_median),
      cmocka_unit_test(test_estimate),
      cmocka_unit_test(test_slow_ones_widen),
      cmocka_unit_test(test_persistence),
      cmocka_unit_test(test_few),
      cmocka_unit_test(test_judge),
      cmocka_unit_test(test_turns),
      cmocka_unit_test(test_both_ratios),
      cmocka_unit_test(test_disturbances),
      cmocka_unit_test(test_slow_batches),
      cmocka_unit_test(test_all_spoiled),
      cmocka_unit_test(test_ratios),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
