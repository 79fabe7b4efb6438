/* Many bars at once on the threads of an engine. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "host/base/error.h"
#include "host/engine/crew.h"
#include "share.h"

/* Fewer rows are pushed before threads have woken. */
#define FEW_ROWS 32768

struct run {
  struct tlw_crew *crew;
  tlw_bars *const *bars;
  const tlw_trades *trades;
  int64_t n;
  tlw_status *statuses; /* or NULL */
  pthread_mutex_t lock;
  int64_t first; /* index of the first that failed; n: none did */
  tlw_status status;
  tlw_error error;               /* of that one */
  struct tlw_bars_script script; /* for chunks that threads share; of nothing: there are none */
};

static void note(struct run *run, int64_t i, tlw_status status, const tlw_error *error) {
  if (run->statuses) run->statuses[i] = status;
  if (status == TLW_OK) return;
  pthread_mutex_lock(&run->lock);
  if (i < run->first) {
    run->first = i;
    run->status = status;
    run->error = *error;
  }
  pthread_mutex_unlock(&run->lock);
}

/* Whether the threads share the rows of this chunk; they are not needed for others. */
static bool is_shared(const struct run *run, int64_t i) {
  return run->script.steps && run->trades[i].n_rows >= TLW_BARS_SHARED_ROWS;
}

static void push_one(void *context, uint32_t worker, int64_t i) {
  (void)worker;
  struct run *run = context;
  if (is_shared(run, i)) return;
  tlw_error error;
  run->bars[i]->crew = run->crew;
  const tlw_status status = tlw_bars_push(run->bars[i], &run->trades[i], &error);
  run->bars[i]->crew = NULL;
  note(run, i, status, &error);
}

static void push_shared(struct run *run) {
  for (int64_t i = 0; i < run->n; i++) {
    tlw_error error;
    if (!is_shared(run, i)) continue;
    run->bars[i]->crew = run->crew;
    const tlw_status status = tlw_bars_share(run->bars[i], &run->trades[i], run->crew, &run->script, &error);
    run->bars[i]->crew = NULL;
    note(run, i, status, &error);
  }
}

static void name_chunk(const struct run *run, tlw_error *error) {
  *error = run->error;
  if (run->n == 1) return;
  const size_t length = strlen(error->message);
  snprintf(error->message + length, sizeof error->message - length, " (bars[%lld])", (long long)run->first);
}

/* ---- arguments ---- */

/* Marks those before the first that is NULL, or is there already, and returns its number; n: there is none. */
static int64_t mark(tlw_bars *const *bars, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (!bars[i] || bars[i]->runs) return i;
    bars[i]->runs = true;
  }
  return n;
}

static tlw_status check_bars(tlw_bars *const *bars, int64_t n, tlw_error *error) {
  const int64_t marked = mark(bars, n);
  for (int64_t i = 0; i < marked; i++) bars[i]->runs = false;
  if (marked == n) return TLW_OK;
  return tlw_fail_at(error, TLW_ERR_ARGUMENT, marked, -1, "bars[%lld] is %s", (long long)marked,
                     bars[marked] ? "there twice: give each of them one chunk" : "NULL");
}

/* ---- who does what ---- */

/* Rows that make it worth to wake threads, or fewer. */
static int64_t count_rows(const tlw_trades *trades, int64_t n) {
  int64_t rows = 0;
  for (int64_t i = 0; i < n && rows < FEW_ROWS; i++)
    if (trades[i].n_rows > 0) rows += trades[i].n_rows < FEW_ROWS ? trades[i].n_rows : FEW_ROWS;
  return rows;
}

static bool has_long_chunk(const tlw_trades *trades, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (trades[i].n_rows >= TLW_BARS_SHARED_ROWS) return true;
  return false;
}

/* What a device could do. */
static struct tlw_load load_of(tlw_bars *const *bars, const tlw_trades *trades, int64_t n, uint32_t threads) {
  struct tlw_load load = {.work = TLW_WORK_BARS};
  for (int64_t i = 0; i < n && (n == 1 || n < threads); i++)
    if (trades[i].n_rows >= TLW_BARS_SHARED_ROWS && !bars[i]->options.split) load.units += (double)trades[i].n_rows;
  return load;
}

static struct tlw_crew_wish wish_of(tlw_engine *engine, tlw_bars *const *bars, const tlw_trades *trades, int64_t n) {
  return (struct tlw_crew_wish){
      .operation = TLW_OP_BARS,
      .most = count_rows(trades, n) < FEW_ROWS ? 1 : TLW_THREADS_MAX,
      .bytes = has_long_chunk(trades, n) ? tlw_memory_counted(tlw_bars_script_size()) : 0,
      .load = load_of(bars, trades, n, tlw_engine_services(engine)->threads),
  };
}

/* Long chunks are shared where there are fewer chunks than threads. */
static tlw_status reserve(struct run *run, struct tlw_block *block, tlw_error *error) {
  const struct tlw_crew *crew = run->crew;
  const bool are_few = run->n < crew->workers || (run->n == 1 && tlw_crew_has_device(crew));
  if (!are_few || !has_long_chunk(run->trades, run->n)) return TLW_OK;
  const tlw_status status =
      tlw_block_reserve(tlw_engine_memory(crew->engine), block, tlw_bars_script_size(), "bars of a long chunk", error);
  if (status == TLW_OK) tlw_bars_script_place(&run->script, block->data);
  return status;
}

static tlw_status run_all(struct run *run, tlw_error *error) {
  struct tlw_block block = {0};
  const tlw_status status = reserve(run, &block, error);
  if (status != TLW_OK) return status;
  pthread_mutex_init(&run->lock, NULL);
  push_shared(run);
  tlw_crew_spread(run->crew, run->n, push_one, run);
  pthread_mutex_destroy(&run->lock);
  tlw_block_free(tlw_engine_memory(run->crew->engine), &block);
  if (run->status != TLW_OK && error) name_chunk(run, error);
  return run->status;
}

tlw_status tlw_bars_run(tlw_engine *engine, tlw_bars *const *bars, const tlw_trades *trades, int64_t n,
                        tlw_status *statuses, tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  if (n < 0) return tlw_fail(error, TLW_ERR_ARGUMENT, "n is %lld: it must be 0 or more", (long long)n);
  if (n > 0 && (!bars || !trades)) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", bars ? "trades" : "bars");
  tlw_status status = check_bars(bars, n, error);
  if (status != TLW_OK) return status;
  struct tlw_crew crew;
  const struct tlw_crew_wish wish = wish_of(engine, bars, trades, n);
  status = tlw_crew_begin(&crew, engine, &wish, error);
  if (status != TLW_OK) return status;
  struct run run = {.crew = &crew, .bars = bars, .trades = trades, .n = n, .statuses = statuses, .first = n};
  status = run_all(&run, error);
  tlw_crew_end(&crew, n, status);
  return status;
}
