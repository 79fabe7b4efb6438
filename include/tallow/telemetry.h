/*
 * Where the time of an engine goes: totals by operation and stage, and the spans that they are made of, which
 * tlw_engine_options.trace receives.
 *
 * Totals are always kept. On a device, stages are timed by the device itself and only where tlw_engine_options.timing
 * or .trace asks for it: that takes two more marks for every stage of a piece of work. On the CPU, and for what the
 * host does around a device, two looks at the clock a piece of work tell them.
 *
 * A stage belongs to the operation that a caller began: TLW_OP_RENDER, TLW_OP_STREAM, TLW_OP_IMAGES, TLW_OP_WINDOW,
 * TLW_OP_BARS, TLW_OP_BUFFER_WRITE or _READ; the others have none. COMPUTE of the CPU is how long a piece takes on
 * all of its threads together, files that they make at once included; bars are joined by the CPU, where a device does
 * not join them. DELIVER of bars is the time in their sinks, and where several threads are in sinks at once the average
 * of these threads. What is no stage, such as work that fails, or waiting for a device or for the engine's turn, is in
 * no total but the duration of the operation.
 *
 * Each batch that a stream takes note of becomes one record on the stream's first engine, when nothing of it is left:
 * its duration begins with the push, items and bytes are what the sink has taken, and unless that is all of its
 * charts the status is what ended the stream. Stages of a stream are on the engine that drew the piece.
 */
#ifndef TALLOW_TELEMETRY_H
#define TALLOW_TELEMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tlw_operation_totals {
  size_t struct_size; /* must be set by the caller to sizeof(tlw_operation_totals) */
  uint64_t calls;     /* records made, those of failures too */
  uint64_t failures;
  uint64_t items, bytes;      /* as in records, of calls that did not fail */
  uint64_t nanoseconds;       /* of calls; 0 where they are not measured */
  uint64_t stage[TLW_STAGES]; /* nanoseconds, by tlw_stage */
} tlw_operation_totals;

/*
 * Reads the totals of one operation since open, or since a reset of statistics. The time of stages is the sum of
 * their spans: stages that overlap, and threads that do the same stage at once, each count whole, so that it may
 * exceed the time that passed. Each number is exact; numbers that a running operation is changing may be of slightly
 * different moments. Members beyond the caller's struct_size are left out.
 *
 * TLW_ERR_ARGUMENT. Thread-safety: any time, never blocks an operation.
 */
TLW_API tlw_status tlw_engine_operation(const tlw_engine *engine, tlw_operation operation, tlw_operation_totals *totals,
                                        tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
