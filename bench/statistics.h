/*
 * What samples of a benchmark say, and how sure that is.
 *
 * Samples come in batches that are spread over the time of a run. Those of one batch share the state of the machine:
 * its clock, its caches, who else is at work; so batches are what varies, not samples. An estimate is the median of
 * all samples; its interval and all comparisons rest on the medians of the batches, as logarithms, for noise
 * multiplies.
 *
 * What an interval holds is the median of undisturbed batches: of those that this machine, in the state of this run,
 * would make without end if nobody else were at work. Which batches were disturbed is not known for certain. One that
 * took much longer is left out of the median, but may have been an honest one: so the interval reaches from where the
 * median would lie without such batches to where it would lie with them, and its error on either side.
 *
 * Thread-safety: all functions are pure.
 */
#ifndef TALLOW_BENCH_STATISTICS_H
#define TALLOW_BENCH_STATISTICS_H

#include <stdbool.h>

#define BENCH_BATCHES_MAX 64
#define BENCH_BATCHES_MIN 3 /* below, an interval says nothing: it is 0 to infinity */

/* Seconds, or any other unit; all above 0. */
typedef struct bench_batches {
  int n;
  double medians[BENCH_BATCHES_MAX]; /* of the samples of each */
  int slow; /* behind those n: batches that are left out only because they are much slower than the others */
} bench_batches;

/* The median of n numbers, 1 or more, which are sorted by it. */
double bench_median(double *numbers, int n);

/* An interval that holds what it is of in 95 of 100 runs, or in 999 of 1,000 where it is asked for so. */
typedef struct bench_interval {
  double value, low, high;
} bench_interval;

typedef enum bench_confidence { BENCH_LIKELY, BENCH_SURE } bench_confidence; /* 95% and 99.9% */

/*
 * The median m of the batches, without the slow ones, and its interval: m * e^(-t * s) to m' * e^(t * s), m' the
 * median with the slow ones, t Student's, s the standard error of a median of logarithms: that of a mean times the
 * root of pi / 2. Slow batches count in s as the slowest that is not (winsorized, with the error of K. K. Yuen,
 * Biometrika 61, 1974), and s is no less than what the batches below the median say. Batches that follow each other
 * are often alike: s and the degrees of freedom, n - 1, are corrected by the correlation of neighbours, r, to s^2 *
 * (1 + r) / (1 - r) and (n - 1) * (1 - r^2) / (1 + r^2); r is at least 0.3, for a few batches tell little of it.
 */
bench_interval bench_estimate(const bench_batches *batches);

/*
 * What the machine itself may make of a run, as a standard deviation of the logarithm of its times: little where
 * nobody else is at work; the more, the more of the time of all CPUs others took meanwhile, above all where several
 * threads must find a CPU each.
 */
double bench_drift(double others, bool several_threads);

/* What of that comes from others, for lines of one run, which share the rest. */
double bench_drift_of_others(double others, bool several_threads);

/*
 * How many times as long as b a took, of two runs that had nothing to do with each other: the ratio of medians, with
 * the interval of Welch's t test (B. L. Welch, Biometrika 34, 1947) for errors as above. The drifts of both widen it.
 * So does what batches differ by, for a machine that is restless within a run is so from one run to the next.
 */
bench_interval bench_ratio_of_runs(const bench_batches *a, double drift_a, const bench_batches *b, double drift_b,
                                   bench_confidence confidence);

/* The ratio, of which nothing more is known: 0 to infinity. */
bench_interval bench_unknown(double value);

/*
 * Likewise of lines of one run, which took turns: the ratio of the medians of a and of b. Its interval is as wide as
 * that of the ratios within the rounds in which batches of both count, which takes out what met both, and reaches
 * around their median too; where there are fewer than BENCH_BATCHES_MIN such rounds it is Welch's. The drift widens
 * it.
 */
bench_interval bench_ratio_of_turns(const bench_batches *a, const bench_batches *b, const bench_batches *ratios,
                                    double drift);

typedef enum bench_verdict { BENCH_SAME, BENCH_FAST, BENCH_SLOW, BENCH_AMBIGUOUS } bench_verdict;

/* A change of less than this is none. */
#define BENCH_MARGIN 0.02

/*
 * What a ratio of new to old says by its intervals that are likely and sure: SAME if all of the likely one is within
 * the margin of 1, SLOW if all of it is above 1 by more than half the margin and all of the sure one above 1, FAST if
 * below likewise, else AMBIGUOUS.
 */
bench_verdict bench_judge(bench_interval likely, bench_interval sure);

/* The least change that likely intervals of this width could have told, 0.05 for 5%; infinite where none. */
double bench_change_least(bench_interval ratio);

/* "SAME", ...; NULL for another value. */
const char *bench_verdict_name(bench_verdict verdict);

#endif
