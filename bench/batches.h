/*
 * Batches of samples of one case, and which of them a busy machine spoiled. What spoils a batch makes it slower,
 * never faster, so that leaving it out says nothing that is not so.
 */
#ifndef TALLOW_BENCH_BATCHES_H
#define TALLOW_BENCH_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "statistics.h"

#define BENCH_WAITED 1.02 /* times the time that a thread had of a processor: more has passed, so it waited for one */

/* Why a batch does not count; bits. */
enum {
  BENCH_SPOILED_WAITED = 1,   /* one thread had less of a processor than it wanted */
  BENCH_SPOILED_SWITCHED = 2, /* other programs took its place */
  BENCH_SPOILED_STOLEN = 4,   /* so did another machine on this hardware */
  BENCH_SPOILED_SLOW = 8      /* much slower than the better ones of its case */
};

typedef struct bench_batch {
  double seconds;   /* a call: the median of the samples */
  double processor; /* of all threads, a call: the mean */
  int64_t calls;    /* of a sample */
  int round;        /* in which it took its turn */
  uint32_t spoiled;
} bench_batch;

/* What a machine did while a batch ran. */
typedef struct bench_disturbance {
  double seconds, processor; /* of all calls */
  double stolen;             /* seconds, of all CPUs */
  int64_t switches;          /* that the system forced */
  uint32_t threads, cpus;
  bool waits; /* for a device: then time is not spent on a processor */
  bool clean; /* samples that were interrupted are left out, and enough are left */
} bench_disturbance;

/* BENCH_SPOILED_ bits, but for SLOW. */
uint32_t bench_disturbed(const bench_disturbance *disturbance);

/* Marks those that are BENCH_SPOILED_SLOW, beside the lower quartile of all; says how many are spoiled in any way. */
int bench_mark_slow(bench_batch *batches, int n);

/* How many are not spoiled. */
int bench_count_good(const bench_batch *batches, int n);

/*
 * Those that count: not spoiled, but all where fewer than BENCH_BATCHES_MIN would be left, for then the whole run was
 * disturbed. Those that are only slow come behind. Returns whether any was left out or ought to have been.
 */
bool bench_good_batches(const bench_batch *batches, int n, bench_batches *good);

/*
 * How many times as long as b's a batch of a took, in each round of which neither's is spoiled; those of which one is
 * only slow come behind. Rounds increase.
 */
void bench_good_ratios(const bench_batch *a, int n_a, const bench_batch *b, int n_b, bench_batches *ratios);

#endif
