/* Two runs, case by case: which are faster, slower, or the same. */
#ifndef TALLOW_BENCH_COMPARE_H
#define TALLOW_BENCH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "records.h"
#include "statistics.h"

typedef struct bench_change {
  const char *name;     /* of the record before */
  double before, after; /* seconds */
  bench_interval ratio; /* after over before */
  bench_verdict verdict;
  bool same_samples; /* both are of one measurement */
  bool other_output; /* hashes differ */
  bool other_turns;  /* in one of the runs it took turns with other programs, by which its times are others */
} bench_change;

typedef struct bench_changes {
  bench_change *changes;
  size_t n;
  int only_before, only_after; /* cases */
  int slow, ambiguous;
  double others_before, others_after; /* the most of them, as in bench_row */
} bench_changes;

/*
 * Cases that both have, in the order of the first, but for those of peers, which nobody here changes. They must outlive
 * what is found. Freed in any case.
 */
tlw_status bench_compare(const bench_records *before, const bench_records *after, bench_changes *changes,
                         tlw_error *error);
void bench_changes_free(bench_changes *changes);

#endif
