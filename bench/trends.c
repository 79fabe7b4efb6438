#include "trends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

bench_trends *bench_trends_open(tlw_error *error) {
  bench_trends *trends = bench_alloc(sizeof *trends, error);
  if (trends) memset(trends, 0, sizeof *trends);
  return trends;
}

void bench_trends_close(bench_trends **trends) {
  if (!*trends) return;
  for (size_t i = 0; i < (*trends)->n_runs; i++) free((*trends)->runs[i].points);
  for (size_t i = 0; i < (*trends)->n_machines; i++) bench_records_free(&(*trends)->machines[i].newest);
  free((*trends)->series);
  free((*trends)->shown);
  free(*trends);
  *trends = NULL;
}

/* ---- adding ---- */

/* Machines that don't say which they are, are told by what they say of themselves. */
static bool is_of(const bench_records *a, const bench_records *b) {
  if (a->processor_time != b->processor_time || strcmp(a->fingerprint, b->fingerprint) != 0) return false;
  return *a->fingerprint || (strcmp(a->machine, b->machine) == 0 && strcmp(a->host, b->host) == 0);
}

/* Keeps what the newest run says of all, and what failed, but no other records. */
static void keep_head(bench_machine_past *machine, bench_records *records) {
  bench_records_free(&machine->newest);
  machine->newest = *records;
  machine->newest.records = NULL;
  machine->newest.n = 0;
  records->failures = NULL;
  records->n_failures = 0;
}

/* The machine of a run, whose newest head is kept. */
static size_t machine_of(bench_trends *trends, bench_records *records) {
  size_t i = 0;
  while (i < trends->n_machines && !is_of(&trends->machines[i].newest, records)) i++;
  if (i == trends->n_machines)
    trends->machines[trends->n_machines++] = (bench_machine_past){0};
  else if (strcmp(records->date, trends->machines[i].newest.date) < 0)
    return i;
  keep_head(&trends->machines[i], records);
  return i;
}

static bench_series *append(bench_trends *trends, const char *path, tlw_error *error) {
  if (trends->n_series == BENCH_TRENDS_SERIES) {
    bench_fail(error, TLW_ERR_MEMORY, "%s: with it there are more than %d lines to draw: name fewer runs", path,
               BENCH_TRENDS_SERIES);
    return NULL;
  }
  if (trends->n_series == trends->series_capacity) {
    const size_t capacity = trends->series_capacity ? 2 * trends->series_capacity : 64;
    bench_series *grown = realloc(trends->series, capacity * sizeof *grown);
    if (!grown) {
      bench_fail(error, TLW_ERR_MEMORY, "no memory for %zu lines over time", capacity);
      return NULL;
    }
    trends->series = grown;
    trends->series_capacity = capacity;
  }
  return &trends->series[trends->n_series++];
}

/* The series of a record, or a new one. Runs list them alike, so that it is looked for behind the one before. */
static bench_series *series_of(bench_trends *trends, size_t machine, const bench_record *record, const char *path,
                               tlw_error *error) {
  const uint64_t hash = bench_hash_bytes(BENCH_HASH_START, record->name, strlen(record->name));
  for (size_t k = 0; k < trends->n_series; k++) {
    bench_series *series = &trends->series[(trends->expected + k) % trends->n_series];
    if (series->hash != hash || series->machine != machine || strcmp(series->newest.name, record->name) != 0) continue;
    trends->expected = (size_t)(series - trends->series) + 1;
    return series;
  }
  bench_series *series = append(trends, path, error);
  if (series) *series = (bench_series){.machine = machine, .hash = hash};
  return series;
}

static void keep_before(bench_series *series, const bench_record *record, const char *date, size_t run) {
  series->before = *record;
  snprintf(series->date_before, sizeof series->date_before, "%s", date);
  series->run_before = run;
}

static void keep_newest(bench_series *series, const bench_records *records, size_t position, size_t run) {
  const bench_record *record = &records->records[position], *baseline = bench_record_baseline(records, record);
  if (strcmp(records->date, series->date) < 0) {
    if (strcmp(records->date, series->date_before) >= 0) keep_before(series, record, records->date, run);
    return;
  }
  keep_before(series, &series->newest, series->date, series->run);
  series->newest = *record;
  series->run = run;
  series->position = position;
  series->standing = bench_record_standing(records, record);
  memcpy(series->date, records->date, sizeof series->date);
  memcpy(series->commit, records->commit, sizeof series->commit);
  if (record->is_peer) baseline = bench_records_find(records, record->baseline);
  snprintf(series->baseline_on, sizeof series->baseline_on, "%s", baseline ? baseline->on : "");
}

static int compare_points(const void *a, const void *b) {
  const size_t x = ((const bench_point *)a)->series, y = ((const bench_point *)b)->series;
  return (x > y) - (x < y);
}

static tlw_status add_records(bench_trends *trends, bench_past *run, const bench_records *records, tlw_error *error) {
  run->points = bench_alloc(records->n * sizeof *run->points, error);
  if (!run->points) return TLW_ERR_MEMORY;
  for (size_t i = 0; i < records->n; i++) {
    bench_series *series = series_of(trends, run->machine, &records->records[i], run->path, error);
    if (!series) {
      free(run->points);
      return TLW_ERR_MEMORY;
    }
    bench_point *point = &run->points[run->n++];
    point->series = (size_t)(series - trends->series);
    point->time = bench_record_time(&records->records[i], &point->disturbed);
    keep_newest(series, records, i, run->order);
  }
  qsort(run->points, run->n, sizeof *run->points, compare_points);
  return TLW_OK;
}

tlw_status bench_trends_add(bench_trends *trends, const char *path, tlw_error *error) {
  bench_records records;
  if (trends->n_runs == BENCH_TRENDS_RUNS)
    return bench_fail(error, TLW_ERR_DATA, "there are more than %d runs: name fewer", BENCH_TRENDS_RUNS);
  tlw_status status = bench_records_read(path, &records, error);
  if (status != TLW_OK) return status;
  bench_past *run = &trends->runs[trends->n_runs];
  *run = (bench_past){.path = path, .order = trends->n_runs, .machine = machine_of(trends, &records)};
  memcpy(run->date, records.date, sizeof run->date);
  memcpy(run->commit, records.commit, sizeof run->commit);
  status = add_records(trends, run, &records, error);
  if (status == TLW_OK) trends->n_runs++;
  bench_records_free(&records);
  return status;
}

/* ---- order ---- */

/* Suites that this program knows come in its order, others behind them. */
static size_t suite_rank(const char *what) {
  size_t i = 0;
  for (; bench_suite_at(i); i++) {
    const size_t length = strlen(bench_suite_at(i)->name);
    if (strncmp(what, bench_suite_at(i)->name, length) == 0 && (what[length] == '/' || !what[length])) break;
  }
  return i;
}

static int by_number(size_t a, size_t b) { return (a > b) - (a < b); }

/* The suite's name, which ends at a slash, and the rest of it likewise. */
static int by_suite(const char *a, const char *b) {
  const int ranks = by_number(suite_rank(a), suite_rank(b));
  const size_t i = strcspn(a, "/"), k = strcspn(b, "/");
  const int names = strncmp(a, b, i < k ? i : k);
  return ranks ? ranks : names ? names : by_number(i, k);
}

/* A case, for its series to stand together where its newest one does. */
struct place {
  const bench_series *series;
  const bench_series *leader; /* the first of the newest of its case */
};

static int by_time(const bench_series *a, const bench_series *b) {
  const int dates = -strcmp(a->date, b->date);
  return dates ? dates : by_number(a->position, b->position);
}

static int compare_names(const void *a, const void *b) {
  const bench_series *x = ((const struct place *)a)->series, *y = ((const struct place *)b)->series;
  const int machines = by_number(x->machine, y->machine), names = strcmp(x->newest.what, y->newest.what);
  return machines ? machines : names ? names : by_time(x, y);
}

static int compare_places(const void *a, const void *b) {
  const struct place *x = a, *y = b;
  const bench_record *p = &x->series->newest, *q = &y->series->newest;
  int order = by_number(x->series->machine, y->series->machine);
  if (!order) order = by_suite(p->what, q->what);
  if (!order) order = by_time(x->leader, y->leader);
  if (!order) order = strcmp(p->what, q->what);
  if (!order) order = by_number(p->is_peer, q->is_peer);
  if (!order) order = by_time(x->series, y->series);
  return order ? order : strcmp(p->name, q->name);
}

static void lead_cases(struct place *places, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const bool same = i > 0 && places[i].series->machine == places[i - 1].series->machine &&
                      strcmp(places[i].series->newest.what, places[i - 1].series->newest.what) == 0;
    places[i].leader = same ? places[i - 1].leader : places[i].series;
  }
}

static tlw_status sort_series(bench_trends *trends, tlw_error *error) {
  struct place *places = bench_alloc(trends->n_series * sizeof *places, error);
  trends->shown = bench_alloc(trends->n_series * sizeof *trends->shown, error);
  if (places && trends->shown) {
    for (size_t i = 0; i < trends->n_series; i++) places[i].series = &trends->series[i];
    qsort(places, trends->n_series, sizeof *places, compare_names);
    lead_cases(places, trends->n_series);
    qsort(places, trends->n_series, sizeof *places, compare_places);
    for (size_t i = 0; i < trends->n_series; i++) trends->shown[i] = (size_t)(places[i].series - trends->series);
  }
  const bool failed = !places || !trends->shown;
  free(places);
  return failed ? TLW_ERR_MEMORY : TLW_OK;
}

static int compare_runs(const void *a, const void *b) {
  const bench_past *x = a, *y = b;
  const int machines = by_number(x->machine, y->machine), dates = strcmp(x->date, y->date);
  return machines ? machines : dates ? dates : by_number(x->order, y->order);
}

/* Machines by their newest run, the newest first; those of the same second as they came. */
static size_t rank_of(const bench_trends *trends, size_t machine) {
  size_t rank = 0;
  for (size_t i = 0; i < trends->n_machines; i++) {
    const int dates = strcmp(trends->machines[i].newest.date, trends->machines[machine].newest.date);
    rank += dates > 0 || (dates == 0 && i < machine);
  }
  return rank;
}

static tlw_status sort_machines(bench_trends *trends, tlw_error *error) {
  const size_t n = trends->n_machines;
  size_t ranks[BENCH_TRENDS_RUNS];
  bench_machine_past *before = bench_alloc(n * sizeof *before, error);
  if (!before) return TLW_ERR_MEMORY;
  memcpy(before, trends->machines, n * sizeof *before);
  for (size_t i = 0; i < n; i++) ranks[i] = rank_of(trends, i);
  for (size_t i = 0; i < n; i++) trends->machines[ranks[i]] = before[i];
  for (size_t i = 0; i < trends->n_runs; i++) trends->runs[i].machine = ranks[trends->runs[i].machine];
  for (size_t i = 0; i < trends->n_series; i++) trends->series[i].machine = ranks[trends->series[i].machine];
  free(before);
  return TLW_OK;
}

/* Which runs and series are of each machine. */
static void part_by_machine(bench_trends *trends) {
  for (size_t i = trends->n_runs; i-- > 0;) {
    trends->machines[trends->runs[i].machine].first = i;
    trends->machines[trends->runs[i].machine].n++;
  }
  for (size_t i = trends->n_series; i-- > 0;) {
    bench_machine_past *machine = &trends->machines[trends->series[trends->shown[i]].machine];
    machine->first_series = i;
    machine->n_series++;
  }
}

tlw_status bench_trends_sort(bench_trends *trends, tlw_error *error) {
  if (sort_machines(trends, error) != TLW_OK || sort_series(trends, error) != TLW_OK) return TLW_ERR_MEMORY;
  qsort(trends->runs, trends->n_runs, sizeof *trends->runs, compare_runs);
  part_by_machine(trends);
  return TLW_OK;
}

const bench_point *bench_past_point(const bench_past *run, size_t series) {
  const bench_point key = {.series = series};
  return bsearch(&key, run->points, run->n, sizeof key, compare_points);
}
