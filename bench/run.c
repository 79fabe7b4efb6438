#include "run.h"

#include <math.h>
#include <stdlib.h>

void bench_run_free(bench_run *run) {
  free(run->rows);
  run->rows = NULL;
  run->n = 0;
}

bench_interval bench_row_time(const bench_row *row, bool *disturbed) {
  bench_batches good;
  *disturbed = bench_good_batches(row->batches, row->n, &good);
  return bench_estimate(&good);
}

double bench_row_best(const bench_row *row) {
  double best = row->batches[0].seconds;
  for (int i = 1; i < row->n; i++)
    if (row->batches[i].seconds < best) best = row->batches[i].seconds;
  return best;
}

static bool has_result(const bench_row *row) { return row->status == TLW_OK && row->n > 0; }

const bench_row *bench_baseline(const bench_run *run, const bench_row *row) {
  for (size_t i = 0; i < run->n; i++)
    if (run->rows[i].what == row->what && run->rows[i].lane.backend == TLW_BACKEND_CPU && has_result(&run->rows[i]))
      return &run->rows[i];
  return NULL;
}

bench_equality bench_compare_outputs(const bench_row *a, const bench_row *b) {
  if (a->changed || b->changed) return BENCH_DIFFERS;
  if (!a->has_hash || !b->has_hash) return BENCH_UNKNOWN;
  return a->hash == b->hash ? BENCH_EQUAL : BENCH_DIFFERS;
}

static double drift_of(const bench_row *row) { return bench_drift_of_others(row->others, row->lane.threads > 1); }

bench_interval bench_speedup(const bench_row *row, const bench_row *baseline) {
  bench_batches own, base, ratios;
  bench_good_batches(row->batches, row->n, &own);
  bench_good_batches(baseline->batches, baseline->n, &base);
  bench_good_ratios(baseline->batches, baseline->n, row->batches, row->n, &ratios);
  return bench_ratio_of_turns(&base, &own, &ratios, hypot(drift_of(row), drift_of(baseline)));
}

/* A device that leaves its output moves part of the bytes in memory of its own. */
static bool is_in_host_memory(const bench_row *row) {
  return row->lane.backend == TLW_BACKEND_CPU || row->what->stage != BENCH_STAGE_LEFT;
}

double bench_share_of_copy(const bench_run *run, const bench_row *row) {
  if (!is_in_host_memory(row) || row->bytes <= 0) return 0;
  const bench_machine *machine = &run->machine;
  const bool by_all = row->lane.threads > 1 || row->lane.backend != TLW_BACKEND_CPU;
  const double copy = by_all ? machine->copy_all : machine->copy_one;
  bool disturbed;
  return copy > 0 ? row->bytes / bench_row_time(row, &disturbed).value / copy : 0;
}
