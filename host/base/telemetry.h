/* Where the time of an engine goes: spans, handed on where somebody wants them, and their totals. */
#ifndef TALLOW_BASE_TELEMETRY_H
#define TALLOW_BASE_TELEMETRY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "tallow/engine.h"

struct tlw_ledger;

struct tlw_telemetry {
  const struct tlw_ledger *ledger; /* whose clock times are of */
  bool timing;                     /* devices time their stages */
  tlw_trace_fn trace;              /* or NULL */
  void *trace_user;
  /* Of the thread that has the turn: the operation for which backends work, and up to when its time is told. */
  tlw_operation operation;
  int64_t mark;
  _Atomic uint64_t stages[TLW_OPERATION_COUNT][TLW_STAGES]; /* nanoseconds */
};

/* Counts a span and hands it on. Thread-safe, lock-free. */
void tlw_telemetry_span(struct tlw_telemetry *telemetry, const tlw_span *span);

/*
 * The time of the thread that has the turn, which is told as it goes, on TLW_TRACK_HOST. Begin: an operation begins now,
 * which is the result. Lap: what it did since the mark was this stage. Skip: it was none; the device did it, or nobody.
 * Each moves the mark to now, or to this time, which is later than the mark. The CPU backend tells of its own work; after
 * a device's the engine skips.
 */
int64_t tlw_telemetry_begin(struct tlw_telemetry *telemetry, tlw_operation operation);
void tlw_telemetry_lap(struct tlw_telemetry *telemetry, tlw_stage stage, int64_t items, uint64_t bytes);
void tlw_telemetry_lap_to(struct tlw_telemetry *telemetry, int64_t end, tlw_stage stage, int64_t items, uint64_t bytes);
void tlw_telemetry_skip(struct tlw_telemetry *telemetry);

/* The stages of an operation. Thread-safe. */
void tlw_telemetry_read(const struct tlw_telemetry *telemetry, tlw_operation operation, uint64_t stages[TLW_STAGES]);

/* All totals to 0. Thread-safe. */
void tlw_telemetry_clear(struct tlw_telemetry *telemetry);

#endif
