#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* Those of Tallow alone that the others don't have. */
static int count_missing(const bench_records *records, const bench_records *others) {
  int missing = 0;
  for (size_t i = 0; i < records->n; i++)
    missing += !records->records[i].is_peer && !bench_records_find(others, records->records[i].name);
  return missing;
}

/* Where a busy machine spoiled all but a few of a run's batches, their times say little. */
static bool is_spoiled(const bench_record *record) {
  return record->n >= BENCH_BATCHES_MIN && bench_count_good(record->batches, record->n) < BENCH_BATCHES_MIN;
}

static double drift_of(const bench_record *record) { return bench_drift(record->others, record->threads > 1); }

/* One measurement does not differ from itself, whatever the machine did meanwhile. */
static bool have_same_samples(const bench_record *a, const bench_record *b) {
  if (a->n != b->n || a->n < BENCH_BATCHES_MIN) return false;
  for (int i = 0; i < a->n; i++)
    if (a->batches[i].seconds != b->batches[i].seconds) return false;
  return true;
}

static bench_change judge(const bench_record *before, const bench_record *after) {
  bench_batches old, new;
  bench_good_batches(before->batches, before->n, &old);
  bench_good_batches(after->batches, after->n, &new);
  const double drift_before = drift_of(before), drift_after = drift_of(after);
  bench_interval ratio = bench_ratio_of_runs(&new, drift_after, &old, drift_before, BENCH_LIKELY);
  bench_interval sure = bench_ratio_of_runs(&new, drift_after, &old, drift_before, BENCH_SURE);
  const bool same = have_same_samples(before, after), other_turns = before->has_peers != after->has_peers;
  if (is_spoiled(before) || is_spoiled(after) || other_turns) ratio = sure = bench_unknown(ratio.value);
  if (same) ratio = sure = (bench_interval){1, 1, 1};
  return (bench_change){.name = before->name,
                        .before = bench_estimate(&old).value,
                        .after = bench_estimate(&new).value,
                        .ratio = ratio,
                        .verdict = bench_judge(ratio, sure),
                        .same_samples = same,
                        .other_turns = other_turns && !same,
                        .other_output = *before->hash && *after->hash && strcmp(before->hash, after->hash) != 0};
}

tlw_status bench_compare(const bench_records *before, const bench_records *after, bench_changes *changes,
                         tlw_error *error) {
  *changes = (bench_changes){.changes = bench_alloc(before->n * sizeof *changes->changes, error),
                             .only_before = count_missing(before, after),
                             .only_after = count_missing(after, before)};
  if (!changes->changes) return TLW_ERR_MEMORY;
  for (size_t i = 0; i < before->n; i++) {
    const bench_record *match = bench_records_find(after, before->records[i].name);
    if (!match || match->is_peer || before->records[i].is_peer) continue;
    const bench_change change = judge(&before->records[i], match);
    changes->slow += change.verdict == BENCH_SLOW;
    changes->ambiguous += change.verdict == BENCH_AMBIGUOUS;
    changes->others_before = fmax(changes->others_before, before->records[i].others);
    changes->others_after = fmax(changes->others_after, match->others);
    changes->changes[changes->n++] = change;
  }
  return TLW_OK;
}

void bench_changes_free(bench_changes *changes) {
  free(changes->changes);
  *changes = (bench_changes){0};
}
