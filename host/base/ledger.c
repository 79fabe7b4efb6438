#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "file.h"
#include "memory.h"

#define WORDS (sizeof(tlw_record) / sizeof(uint64_t))

_Static_assert(sizeof(tlw_record) % sizeof(uint64_t) == 0, "a record is copied as words");

struct tlw_ledger_log {
  pthread_mutex_t lock;
  int descriptor; /* -1: the log has ended */
  size_t used;
  char buffer[64 * 1024];
};

/* More than the longest line: three numbers of 20 digits, two names. */
#define LINE_SIZE 160

static const char *const names[TLW_OPERATION_COUNT] = {
    [TLW_OP_HOST_ALLOC] = "host_alloc",
    [TLW_OP_HOST_FREE] = "host_free",
    [TLW_OP_SLAB_OPEN] = "slab_open",
    [TLW_OP_SLAB_CLOSE] = "slab_close",
    [TLW_OP_POOL_ALLOC] = "pool_alloc",
    [TLW_OP_POOL_FREE] = "pool_free",
    [TLW_OP_RENDER] = "render",
    [TLW_OP_DRAW] = "draw",
    [TLW_OP_BUFFER_WRITE] = "buffer_write",
    [TLW_OP_BUFFER_READ] = "buffer_read",
    [TLW_OP_RESET] = "reset",
    [TLW_OP_TRIM] = "trim",
    [TLW_OP_HALVE] = "halve",
    [TLW_OP_FALLBACK] = "fallback",
    [TLW_OP_WINDOW] = "window",
    [TLW_OP_BARS] = "bars",
    [TLW_OP_IMAGES] = "images",
    [TLW_OP_STREAM] = "stream",
};

const char *tlw_operation_name(tlw_operation operation) {
  return (unsigned)operation < TLW_OPERATION_COUNT ? names[operation] : NULL;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t tlw_ledger_now(const struct tlw_ledger *ledger) { return nanoseconds() - ledger->opened; }

/* ---- the log ---- */

static void end_log(struct tlw_ledger *ledger, int reason) {
  struct tlw_ledger_log *log = ledger->log;
  tlw_file_close(log->descriptor);
  log->descriptor = -1;
  atomic_store_explicit(&ledger->log_failure, reason, memory_order_relaxed);
}

/* 0, or errno. */
static int flush(struct tlw_ledger_log *log) {
  const int failed = tlw_file_write(log->descriptor, log->buffer, log->used);
  log->used = 0;
  return failed ? errno : 0;
}

static void write_line(struct tlw_ledger *ledger, uint64_t number, const tlw_record *record, uint64_t in_use) {
  struct tlw_ledger_log *log = ledger->log;
  if (log->descriptor < 0) return;
  if (sizeof log->buffer - log->used < LINE_SIZE) {
    const int reason = flush(log);
    if (reason) {
      end_log(ledger, reason);
      return;
    }
  }
  const int length = snprintf(
      log->buffer + log->used, LINE_SIZE, "%" PRIu64 ",%" PRId64 ",%s,%" PRIu64 ",%" PRIu64 ",%s\n", number,
      record->time, names[record->operation], record->bytes, in_use, tlw_status_name((tlw_status)record->status));
  log->used += (size_t)length;
}

static tlw_status open_log(struct tlw_ledger *ledger, const char *path, tlw_error *error) {
  struct tlw_ledger_log *log = tlw_raw_alloc(sizeof *log);
  if (!log) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no %zu bytes for the allocation log", sizeof *log);
  log->descriptor = tlw_file_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (log->descriptor < 0) {
    const int reason = errno;
    tlw_raw_free(log);
    return tlw_fail_native(error, TLW_ERR_IO, reason, "%s can't be made for the allocation log: %s", path,
                           strerror(reason));
  }
  pthread_mutex_init(&log->lock, NULL);
  log->used = (size_t)snprintf(log->buffer, LINE_SIZE, "number,nanoseconds,operation,bytes,in_use,status\n");
  ledger->log = log;
  return TLW_OK;
}

tlw_status tlw_ledger_open(struct tlw_ledger *ledger, const char *log_path, tlw_error *error) {
  ledger->opened = nanoseconds();
  return log_path ? open_log(ledger, log_path, error) : TLW_OK;
}

void tlw_ledger_close(struct tlw_ledger *ledger) {
  struct tlw_ledger_log *log = ledger->log;
  if (!log) return;
  if (log->descriptor >= 0) {
    int reason = flush(log);
    if (tlw_file_close(log->descriptor) && !reason) reason = errno;
    if (reason) atomic_store_explicit(&ledger->log_failure, reason, memory_order_relaxed);
  }
  pthread_mutex_destroy(&log->lock);
  tlw_raw_free(log);
  ledger->log = NULL;
}

int tlw_ledger_log_failure(struct tlw_ledger *ledger) {
  if (atomic_load_explicit(&ledger->log_failure, memory_order_relaxed) == 0) return 0;
  return atomic_exchange_explicit(&ledger->log_failure, 0, memory_order_relaxed);
}

/* ---- the ring ---- */

/*
 * States only grow, and whoever makes one odd has the place alone until it is even again. A writer that finds its place
 * taken, by one a whole ring behind that has not finished or by one a whole ring ahead, leaves its record out.
 *
 * A reader that saw a word of a later record acquired what its writer released, the odd state among it, so its second
 * look at the state differs from the first.
 */
static void put(struct tlw_ledger_place *place, uint64_t number, const tlw_record *record) {
  uint64_t state = atomic_load_explicit(&place->state, memory_order_relaxed);
  if (state & 1 || state > 2 * number) return;
  if (!atomic_compare_exchange_strong_explicit(&place->state, &state, 2 * number - 1, memory_order_acquire,
                                               memory_order_relaxed))
    return;
  uint64_t words[WORDS];
  memcpy(words, record, sizeof words);
  for (size_t i = 0; i < WORDS; i++) atomic_store_explicit(&place->words[i], words[i], memory_order_release);
  atomic_store_explicit(&place->state, 2 * number, memory_order_release);
}

static bool get(const struct tlw_ledger_place *place, uint64_t number, tlw_record *record) {
  if (atomic_load_explicit(&place->state, memory_order_acquire) != 2 * number) return false;
  uint64_t words[WORDS];
  for (size_t i = 0; i < WORDS; i++) words[i] = atomic_load_explicit(&place->words[i], memory_order_acquire);
  if (atomic_load_explicit(&place->state, memory_order_relaxed) != 2 * number) return false;
  memcpy(record, words, sizeof words);
  return true;
}

/*
 * From the last sum to the first, and the other way round in tlw_ledger_clear: never more failures than calls. alone:
 * nobody else adds to the sums of this operation.
 */
static void add_up(struct tlw_ledger *ledger, const tlw_record *record, bool alone) {
  const bool failed = record->status != TLW_OK;
  const uint64_t terms[TLW_LEDGER_SUMS] = {
      [TLW_LEDGER_CALLS] = 1,
      [TLW_LEDGER_FAILURES] = failed,
      [TLW_LEDGER_ITEMS] = failed ? 0 : (uint64_t)record->items,
      [TLW_LEDGER_BYTES] = failed ? 0 : record->bytes,
      [TLW_LEDGER_NANOSECONDS] = record->duration,
  };
  _Atomic uint64_t *sums = ledger->sums[record->operation];
  for (int i = TLW_LEDGER_SUMS; i-- > 0;) {
    if (terms[i] == 0) continue;
    if (alone)
      atomic_store_explicit(&sums[i], atomic_load_explicit(&sums[i], memory_order_relaxed) + terms[i],
                            memory_order_release);
    else
      atomic_fetch_add_explicit(&sums[i], terms[i], memory_order_release);
  }
}

/*
 * Numbers go on over a clear, so that a writer from before it can't pass for one from after it. A failure is counted
 * before its number is taken and the other way round in tlw_ledger_clear, so that there are never more failures than
 * operations.
 */
static uint64_t count(struct tlw_ledger *ledger, const tlw_record *record) {
  if (record->status != TLW_OK) atomic_fetch_add_explicit(&ledger->failed, 1, memory_order_relaxed);
  return atomic_fetch_add_explicit(&ledger->noted, 1, memory_order_acq_rel) + 1;
}

static uint64_t note(struct tlw_ledger *ledger, tlw_record *record) {
  const uint64_t number = count(ledger, record);
  record->time = tlw_ledger_now(ledger);
  put(&ledger->ring[number % TLW_RECORDS], number, record);
  add_up(ledger, record, false);
  return number;
}

void tlw_ledger_note(struct tlw_ledger *ledger, const tlw_record *record, uint64_t in_use) {
  tlw_record whole = *record;
  if (!ledger->log || whole.operation > TLW_OP_POOL_FREE) {
    note(ledger, &whole);
    return;
  }
  /* The number is taken under the lock too, so that the lines of the log are in order. */
  pthread_mutex_lock(&ledger->log->lock);
  const uint64_t number = note(ledger, &whole);
  write_line(ledger, number, &whole, in_use);
  pthread_mutex_unlock(&ledger->log->lock);
}

void tlw_ledger_note_alone(struct tlw_ledger *ledger, const tlw_record *record) {
  const uint64_t number = count(ledger, record);
  put(&ledger->ring[number % TLW_RECORDS], number, record);
  add_up(ledger, record, true);
}

size_t tlw_ledger_read(const struct tlw_ledger *ledger, tlw_record *records, size_t capacity) {
  if (capacity > TLW_RECORDS) capacity = TLW_RECORDS;
  const uint64_t cleared = atomic_load_explicit(&ledger->noted_before, memory_order_acquire);
  const uint64_t newest = atomic_load_explicit(&ledger->noted, memory_order_acquire);
  const uint64_t ring = newest > TLW_RECORDS ? newest - TLW_RECORDS : 0, before = cleared > ring ? cleared : ring;
  size_t at = capacity;
  for (uint64_t number = newest; number > before && at > 0; number--) {
    tlw_record record;
    if (!get(&ledger->ring[number % TLW_RECORDS], number, &record)) continue;
    record.number = number - cleared;
    records[--at] = record;
  }
  if (at > 0) memmove(records, records + at, (capacity - at) * sizeof *records);
  return capacity - at;
}

void tlw_ledger_totals(const struct tlw_ledger *ledger, uint64_t *operations, uint64_t *failures) {
  const uint64_t noted_before = atomic_load_explicit(&ledger->noted_before, memory_order_acquire);
  const uint64_t failed_before = atomic_load_explicit(&ledger->failed_before, memory_order_acquire);
  *operations = atomic_load_explicit(&ledger->noted, memory_order_acquire) - noted_before;
  *failures = atomic_load_explicit(&ledger->failed, memory_order_relaxed) - failed_before;
}

void tlw_ledger_sums(const struct tlw_ledger *ledger, tlw_operation operation, uint64_t sums[TLW_LEDGER_SUMS]) {
  const _Atomic uint64_t *now = ledger->sums[operation], *before = ledger->sums_before[operation];
  for (int i = TLW_LEDGER_SUMS; i-- > 0;) {
    const uint64_t cleared = atomic_load_explicit(&before[i], memory_order_acquire);
    sums[i] = atomic_load_explicit(&now[i], memory_order_acquire) - cleared;
  }
}

/* Of two clears beside each other the later one stays. */
static void raise(_Atomic uint64_t *mark, uint64_t to) {
  uint64_t at = atomic_load_explicit(mark, memory_order_relaxed);
  while (at < to && !atomic_compare_exchange_weak_explicit(mark, &at, to, memory_order_release, memory_order_relaxed)) {
  }
}

void tlw_ledger_clear(struct tlw_ledger *ledger) {
  const uint64_t noted = atomic_load_explicit(&ledger->noted, memory_order_acquire);
  const uint64_t failed = atomic_load_explicit(&ledger->failed, memory_order_acquire);
  raise(&ledger->noted_before, noted);
  raise(&ledger->failed_before, failed);
  for (int i = 0; i < TLW_OPERATION_COUNT; i++)
    for (int j = 0; j < TLW_LEDGER_SUMS; j++)
      raise(&ledger->sums_before[i][j], atomic_load_explicit(&ledger->sums[i][j], memory_order_acquire));
}
