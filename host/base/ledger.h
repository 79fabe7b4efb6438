/* What an engine has done: exact totals, the newest records, and a log of allocations where one is asked for. */
#ifndef TALLOW_BASE_LEDGER_H
#define TALLOW_BASE_LEDGER_H

#include <stdatomic.h>

#include "tallow/engine.h"

/*
 * A place of the ring. state: twice the number of the record that it holds, less 1 while that is being written; 0: none
 * yet.
 */
struct tlw_ledger_place {
  _Atomic uint64_t state;
  _Atomic uint64_t words[sizeof(tlw_record) / sizeof(uint64_t)];
};

/* What records of one operation say, since open; those that failed count in calls and failures alone. */
enum tlw_ledger_sum {
  TLW_LEDGER_CALLS,
  TLW_LEDGER_FAILURES,
  TLW_LEDGER_ITEMS,
  TLW_LEDGER_BYTES,
  TLW_LEDGER_NANOSECONDS, /* of failures too */
  TLW_LEDGER_SUMS
};

struct tlw_ledger_log; /* the CSV file */

struct tlw_ledger {
  int64_t opened;                               /* CLOCK_MONOTONIC, ns */
  _Atomic uint64_t noted, failed;               /* since open */
  _Atomic uint64_t noted_before, failed_before; /* the last clear */
  _Atomic uint64_t sums[TLW_OPERATION_COUNT][TLW_LEDGER_SUMS], sums_before[TLW_OPERATION_COUNT][TLW_LEDGER_SUMS];
  _Atomic int log_failure; /* errno, until it has been asked for */
  struct tlw_ledger_log *log;
  struct tlw_ledger_place ring[TLW_RECORDS];
};

/* ledger is zeroed memory. log_path may be NULL. TLW_ERR_IO, TLW_ERR_MEMORY: nothing to close. */
tlw_status tlw_ledger_open(struct tlw_ledger *ledger, const char *log_path, tlw_error *error);
void tlw_ledger_close(struct tlw_ledger *ledger);

/* Nanoseconds since open. */
int64_t tlw_ledger_now(const struct tlw_ledger *ledger);

/*
 * Makes a record; number and time are filled in. in_use: bytes in use of the kind after an allocation or release, for
 * the log. A record whose place in the ring is still being written, a whole ring later, is only counted. Thread-safe,
 * lock-free without a log.
 */
void tlw_ledger_note(struct tlw_ledger *ledger, const tlw_record *record, uint64_t in_use);

/*
 * Likewise of an operation that only one thread at a time makes records of, all of them here, which is quicker. Its time
 * is filled in already. Not of allocations and releases.
 */
void tlw_ledger_note_alone(struct tlw_ledger *ledger, const tlw_record *record);

/*
 * errno of the write that failed and so ended the log, once, for a warning; else 0. Also after close, which writes what
 * is left. Thread-safe.
 */
int tlw_ledger_log_failure(struct tlw_ledger *ledger);

/* Since the last clear. Thread-safe. */
void tlw_ledger_totals(const struct tlw_ledger *ledger, uint64_t *operations, uint64_t *failures);

/* One operation of them. Thread-safe. */
void tlw_ledger_sums(const struct tlw_ledger *ledger, tlw_operation operation, uint64_t sums[TLW_LEDGER_SUMS]);

/* The newest records, oldest first. Thread-safe, never blocks tlw_ledger_note. */
size_t tlw_ledger_read(const struct tlw_ledger *ledger, tlw_record *records, size_t capacity);

/* Totals to 0 and no records; the next one has number 1, but in the log numbers go on. Thread-safe. */
void tlw_ledger_clear(struct tlw_ledger *ledger);

#endif
