#include "telemetry.h"

#include <stddef.h>

#include "ledger.h"

static const char *const names[TLW_STAGES] = {
    [TLW_STAGE_PREPARE] = "prepare",   [TLW_STAGE_UPLOAD] = "upload", [TLW_STAGE_COMPUTE] = "compute",
    [TLW_STAGE_DOWNLOAD] = "download", [TLW_STAGE_ENCODE] = "encode", [TLW_STAGE_DELIVER] = "deliver",
};

const char *tlw_stage_name(tlw_stage stage) { return (unsigned)stage < TLW_STAGES ? names[stage] : NULL; }

void tlw_telemetry_span(struct tlw_telemetry *telemetry, const tlw_span *span) {
  atomic_fetch_add_explicit(&telemetry->stages[span->operation][span->stage], span->duration, memory_order_relaxed);
  if (telemetry->trace) telemetry->trace(telemetry->trace_user, span);
}

int64_t tlw_telemetry_begin(struct tlw_telemetry *telemetry, tlw_operation operation) {
  telemetry->operation = operation;
  telemetry->mark = tlw_ledger_now(telemetry->ledger);
  return telemetry->mark;
}

void tlw_telemetry_lap(struct tlw_telemetry *telemetry, tlw_stage stage, int64_t items, uint64_t bytes) {
  tlw_telemetry_lap_to(telemetry, tlw_ledger_now(telemetry->ledger), stage, items, bytes);
}

void tlw_telemetry_lap_to(struct tlw_telemetry *telemetry, int64_t end, tlw_stage stage, int64_t items,
                          uint64_t bytes) {
  const tlw_span span = {
      .begin = telemetry->mark,
      .duration = (uint64_t)(end - telemetry->mark),
      .operation = (int32_t)telemetry->operation,
      .stage = (int32_t)stage,
      .track = TLW_TRACK_HOST,
      .items = items,
      .bytes = bytes,
  };
  telemetry->mark = end;
  tlw_telemetry_span(telemetry, &span);
}

void tlw_telemetry_skip(struct tlw_telemetry *telemetry) { telemetry->mark = tlw_ledger_now(telemetry->ledger); }

void tlw_telemetry_read(const struct tlw_telemetry *telemetry, tlw_operation operation, uint64_t stages[TLW_STAGES]) {
  for (int i = 0; i < TLW_STAGES; i++)
    stages[i] = atomic_load_explicit(&telemetry->stages[operation][i], memory_order_relaxed);
}

void tlw_telemetry_clear(struct tlw_telemetry *telemetry) {
  for (int i = 0; i < TLW_OPERATION_COUNT; i++)
    for (int j = 0; j < TLW_STAGES; j++) atomic_store_explicit(&telemetry->stages[i][j], 0, memory_order_relaxed);
}
