#include <inttypes.h>
#include <string.h>

#include "csv_policy.h"
#include "csv_reader.h"
#include "host/base/heap.h"
#include "text.h"

/* --- A row among the others ------------------------------------------------------------------------------------- */

static enum tlw_step refuse(tlw_csv *csv, tlw_defect defect, const char *relation, int64_t line, const char *advice) {
  char shown[TLW_SHOWN_TIME_SIZE], policies[TLW_POLICY_ADVICE_SIZE];
  tlw_csv_refuse(csv, csv->lines.number, csv->columns.of[TLW_ROLE_TIME],
                 "time '%s' %s that of line %" PRId64 ": %s, %s", tlw_csv_show_time(csv, shown), relation, line, advice,
                 tlw_policy_advice(policies, defect));
  return TLW_STEP_REFUSED;
}

static enum tlw_step append(struct tlw_run *run, const struct tlw_row *row) {
  run->any = true;
  run->time = row->time;
  run->line = row->line;
  return TLW_STEP_APPEND;
}

static enum tlw_step meet_duplicate(tlw_csv *csv, struct tlw_run *run, const struct tlw_row *row) {
  switch (tlw_csv_note(csv, TLW_DEFECT_DUPLICATE, row->line)) {
  case TLW_POLICY_KEEP:
    return append(run, row);
  case TLW_POLICY_FIRST:
    csv->report.skipped++;
    return TLW_STEP_DROP;
  case TLW_POLICY_LAST:
    csv->report.skipped++;
    run->line = row->line;
    return TLW_STEP_REPLACE;
  default:
    return refuse(csv, TLW_DEFECT_DUPLICATE, "repeats", run->line,
                  "keep one of the rows (of several symbols: name their column)");
  }
}

static enum tlw_step meet_order(tlw_csv *csv, const struct tlw_run *run, const struct tlw_row *row) {
  if (tlw_csv_note(csv, TLW_DEFECT_OUT_OF_ORDER, row->line) == TLW_POLICY_SKIP) {
    csv->report.skipped++;
    return TLW_STEP_DROP;
  }
  if (run->direction > 0)
    return refuse(csv, TLW_DEFECT_OUT_OF_ORDER, "is before", run->line, "sort the rows, oldest first");
  return refuse(csv, TLW_DEFECT_OUT_OF_ORDER, "in a file that is newest first is behind", run->line,
                "sort the rows, oldest first");
}

/* Rows that will be sorted: repeated times are met with when they stand side by side. */
static enum tlw_step step_unsorted(tlw_csv *csv, struct tlw_run *run, const struct tlw_row *row) {
  if (row->time == run->time)
    run->repeats = true;
  else if ((row->time > run->time) == (run->direction > 0))
    return append(run, row);
  else
    tlw_csv_note(csv, TLW_DEFECT_OUT_OF_ORDER, row->line);
  return TLW_STEP_APPEND;
}

enum tlw_step tlw_csv_step(tlw_csv *csv, struct tlw_run *run, const struct tlw_row *row) {
  if (!run->any) return append(run, row);
  const int8_t direction = row->time > run->time ? 1 : -1;
  if (!run->direction && row->time != run->time) {
    run->direction = direction;
    if (direction < 0) csv->report.newest_first = 1;
  }
  if (csv->sorts) return step_unsorted(csv, run, row);
  if (row->time == run->time) return meet_duplicate(csv, run, row);
  return direction == run->direction ? append(run, row) : meet_order(csv, run, row);
}

/* --- All rows --------------------------------------------------------------------------------------------------- */

/* The numbers of rows, and as much room again. */
struct plan {
  int64_t *order;
  int64_t *scratch;
  size_t size;
};

/* Fills the offsets of the series, and order with the rows of each after those of the one before. */
static tlw_status group(tlw_csv *csv, int64_t *order) {
  const struct tlw_store *store = &csv->store;
  const int64_t n_series = csv->symbols.n;
  const size_t size = ((size_t)n_series + 1) * sizeof(int64_t);
  int64_t *offsets = tlw_heap_alloc(csv->memory, size, "the series of a CSV file", &csv->error);
  if (!offsets) return csv->error.code;
  csv->offsets = (struct tlw_block){offsets, size};
  memset(offsets, 0, size);
  const int64_t *series = store->columns[TLW_STORE_SERIES].data;
  for (int64_t i = 0; i < store->n_rows; i++) offsets[series[i] + 1]++;
  for (int64_t i = 0; i < n_series; i++) offsets[i + 1] += offsets[i];
  for (int64_t i = 0; i < store->n_rows; i++) order[offsets[series[i]]++] = i; /* each becomes the next one's */
  memmove(offsets + 1, offsets, size - sizeof(int64_t));
  offsets[0] = 0;
  return TLW_OK;
}

static void reverse(int64_t *order, int64_t n) {
  for (int64_t i = 0, k = n - 1; i < k; i++, k--) {
    const int64_t kept = order[i];
    order[i] = order[k];
    order[k] = kept;
  }
}

/* Merges two sorted parts of from that lie side by side. Of equal times that of the first part comes first. */
static void merge(const int64_t *time, const int64_t *from, int64_t n_first, int64_t n, int64_t *to) {
  if (n_first >= n || time[from[n_first - 1]] <= time[from[n_first]]) {
    memcpy(to, from, (size_t)n * sizeof *to);
    return;
  }
  int64_t a = 0, b = n_first;
  for (int64_t i = 0; i < n; i++) {
    const bool first = a < n_first && (b == n || time[from[a]] <= time[from[b]]);
    to[i] = from[first ? a++ : b++];
  }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Sorts the numbers of n rows by their times; rows of equal time stay in their order. */
static void sort(const int64_t *time, int64_t *order, int64_t n, int64_t *scratch) {
  for (int64_t part = 1; part < n; part *= 2) {
    for (int64_t i = 0; i < n; i += 2 * part)
      merge(time, order + i, least(part, n - i), least(2 * part, n - i), scratch + i);
    memcpy(order, scratch, (size_t)n * sizeof *order);
  }
}

/* Counts the rows that repeat a time, and finds the first of the file among them. */
static void note_repeats(tlw_csv *csv, const int64_t *order, int64_t n, int64_t *repeated_line) {
  const int64_t *time = csv->store.columns[TLW_STORE_TIME].data, *line = csv->store.columns[TLW_STORE_LINE].data;
  int64_t *count = &csv->report.defects[TLW_DEFECT_DUPLICATE], *first = &csv->report.first_line[TLW_DEFECT_DUPLICATE];
  for (int64_t i = 1; i < n; i++) {
    if (time[order[i]] != time[order[i - 1]]) continue;
    (*count)++;
    if (*first && *first < line[order[i]]) continue;
    *first = line[order[i]];
    *repeated_line = line[order[i - 1]];
  }
}

/* Leaves out rows of n that repeat a time, all but the first or the last of each. Returns how many are left. */
static int64_t thin_out(const tlw_csv *csv, int64_t *order, int64_t n) {
  const int64_t *time = csv->store.columns[TLW_STORE_TIME].data;
  const bool last = csv->policies[TLW_DEFECT_DUPLICATE] == TLW_POLICY_LAST;
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i++) {
    const bool repeats = kept > 0 && time[order[i]] == time[order[kept - 1]];
    if (!repeats)
      order[kept++] = order[i];
    else if (last)
      order[kept - 1] = order[i];
  }
  return kept;
}

static tlw_status refuse_repeat(tlw_csv *csv, int64_t repeated_line) {
  char policies[TLW_POLICY_ADVICE_SIZE];
  csv->report.defects[TLW_DEFECT_DUPLICATE] = 1;
  return tlw_csv_refuse(csv, csv->report.first_line[TLW_DEFECT_DUPLICATE], csv->columns.of[TLW_ROLE_TIME],
                        "the time repeats that of line %" PRId64 ": keep one of the rows, %s", repeated_line,
                        tlw_policy_advice(policies, TLW_DEFECT_DUPLICATE));
}

/* Sorts each series, and meets with the times that repeat. *n_rows is what is left. */
static tlw_status sort_series(tlw_csv *csv, const struct plan *plan, int64_t *offsets, int64_t n_series,
                              int64_t *n_rows) {
  const tlw_policy policy = csv->policies[TLW_DEFECT_DUPLICATE];
  int64_t repeated_line = 0;
  for (int64_t s = 0; s < n_series; s++) {
    int64_t *order = plan->order + offsets[s];
    const int64_t n = offsets[s + 1] - offsets[s];
    sort(csv->store.columns[TLW_STORE_TIME].data, order, n, plan->scratch);
    note_repeats(csv, order, n, &repeated_line);
  }
  if (repeated_line && policy == TLW_POLICY_ERROR) return refuse_repeat(csv, repeated_line);
  if (!repeated_line || policy == TLW_POLICY_KEEP) return TLW_OK;
  int64_t used = 0;
  for (int64_t s = 0; s < n_series; s++) {
    int64_t *order = plan->order + offsets[s];
    const int64_t n = thin_out(csv, order, offsets[s + 1] - offsets[s]);
    memmove(plan->order + used, order, (size_t)n * sizeof *order);
    offsets[s] = used;
    used += n;
  }
  offsets[n_series] = used;
  csv->report.skipped += *n_rows - used;
  *n_rows = used;
  return TLW_OK;
}

static void turn_series(tlw_csv *csv, const struct plan *plan) {
  const struct tlw_run *runs = csv->runs.data;
  const int64_t *offsets = csv->offsets.data;
  for (int64_t s = 0; s < csv->symbols.n; s++)
    if (runs[s].direction < 0) reverse(plan->order + offsets[s], offsets[s + 1] - offsets[s]);
}

static tlw_status arrange(tlw_csv *csv, const struct plan *plan) {
  int64_t n_rows = csv->store.n_rows;
  int64_t whole[2] = {0, n_rows};
  int64_t *offsets = whole, n_series = 1;
  if (csv->columns.of[TLW_ROLE_SYMBOL] >= 0) {
    const tlw_status status = group(csv, plan->order);
    if (status != TLW_OK) return status;
    offsets = csv->offsets.data;
    n_series = csv->symbols.n;
  } else {
    for (int64_t i = 0; i < n_rows; i++) plan->order[i] = i;
  }
  tlw_status status = TLW_OK;
  if (csv->sorts)
    status = sort_series(csv, plan, offsets, n_series, &n_rows);
  else
    turn_series(csv, plan);
  if (status == TLW_OK) tlw_store_permute(&csv->store, plan->order, n_rows, plan->scratch);
  return status;
}

tlw_status tlw_csv_arrange(tlw_csv *csv) {
  const bool has_symbols = csv->columns.of[TLW_ROLE_SYMBOL] >= 0;
  const bool is_sorted = !csv->sorts || (csv->report.defects[TLW_DEFECT_OUT_OF_ORDER] == 0 && !csv->run.repeats);
  if (!has_symbols && is_sorted) {
    if (csv->run.direction < 0) tlw_store_reverse(&csv->store);
    return TLW_OK;
  }
  struct plan plan = {.size = (size_t)csv->store.n_rows * sizeof(int64_t)};
  plan.order = tlw_heap_alloc(csv->memory, 2 * plan.size, "putting the rows of a CSV file in order", &csv->error);
  if (!plan.order) return csv->error.code;
  plan.scratch = plan.order + csv->store.n_rows;
  const tlw_status status = arrange(csv, &plan);
  tlw_heap_free(csv->memory, plan.order, 2 * plan.size);
  return status;
}
