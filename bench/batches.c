#include "batches.h"

#include <string.h>

#define STOLEN 0.02 /* of the time of all CPUs */
#define SLOW 1.1    /* times the lower quartile */
#define UNAVOIDED 2 /* switches that say nothing, and more of them by the time that passes */
#define SWITCH_EVERY 0.01

uint32_t bench_disturbed(const bench_disturbance *d) {
  uint32_t spoiled = 0;
  if (!d->waits && !d->clean && d->threads == 1 && d->seconds > d->processor * BENCH_WAITED)
    spoiled |= BENCH_SPOILED_WAITED;
  if (d->stolen > STOLEN * d->seconds * d->cpus) spoiled |= BENCH_SPOILED_STOLEN;
  if (!d->waits && !d->clean && (double)d->switches > UNAVOIDED * d->threads + d->seconds / SWITCH_EVERY)
    spoiled |= BENCH_SPOILED_SWITCHED;
  return spoiled;
}

int bench_mark_slow(bench_batch *batches, int n) {
  double seconds[BENCH_BATCHES_MAX];
  int spoiled = 0;
  if (n == 0) return 0;
  for (int i = 0; i < n; i++) seconds[i] = batches[i].seconds;
  bench_median(seconds, n); /* which sorts */
  const double limit = SLOW * seconds[(n - 1) / 4];
  for (int i = 0; i < n; i++) {
    batches[i].spoiled &= ~(uint32_t)BENCH_SPOILED_SLOW;
    if (batches[i].seconds > limit) batches[i].spoiled |= BENCH_SPOILED_SLOW;
    spoiled += batches[i].spoiled != 0;
  }
  return spoiled;
}

int bench_count_good(const bench_batch *batches, int n) {
  int good = 0;
  for (int i = 0; i < n; i++) good += batches[i].spoiled == 0;
  return good;
}

bool bench_good_batches(const bench_batch *batches, int n, bench_batches *good) {
  bool disturbed = false;
  good->n = good->slow = 0;
  for (int i = 0; i < n; i++) {
    if (batches[i].spoiled) disturbed = true;
    if (!batches[i].spoiled) good->medians[good->n++] = batches[i].seconds;
  }
  if (good->n >= BENCH_BATCHES_MIN) {
    for (int i = 0; i < n; i++)
      if (batches[i].spoiled == BENCH_SPOILED_SLOW) good->medians[good->n + good->slow++] = batches[i].seconds;
    return disturbed;
  }
  for (good->n = 0; good->n < n; good->n++) good->medians[good->n] = batches[good->n].seconds;
  return disturbed;
}

/* Adds those of rounds in which both batches together are spoiled by just that; says how many. */
static int add_ratios(const bench_batch *a, int n_a, const bench_batch *b, int n_b, uint32_t spoiled, double *ratios) {
  int n = 0;
  for (int i = 0, k = 0; i < n_a && k < n_b;) {
    if (a[i].round == b[k].round && (a[i].spoiled | b[k].spoiled) == spoiled) ratios[n++] = a[i].seconds / b[k].seconds;
    const int round = a[i].round;
    if (round <= b[k].round) i++;
    if (b[k].round <= round) k++;
  }
  return n;
}

void bench_good_ratios(const bench_batch *a, int n_a, const bench_batch *b, int n_b, bench_batches *ratios) {
  ratios->n = add_ratios(a, n_a, b, n_b, 0, ratios->medians);
  ratios->slow = add_ratios(a, n_a, b, n_b, BENCH_SPOILED_SLOW, ratios->medians + ratios->n);
}
