#include <stdio.h>
#include <string.h>

#include "host/base/error.h"
#include "host/engine/windows.h"
#include "window.h"

#define MOST_ROWS ((int64_t)1 << 40)

void tlw_window_batch_init(tlw_window_batch *batch) {
  if (batch) *batch = (tlw_window_batch){.struct_size = sizeof *batch, .n_series = 1};
}

static size_t size_of(tlw_type type) { return type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double); }

static tlw_status check_columns(const tlw_window_batch *batch, tlw_error *error) {
  if (batch->n_columns < 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.n_columns is %d: it must be 0 or more", (int)batch->n_columns);
  if (batch->n_columns > 0 && !batch->columns) return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.columns is NULL");
  for (int32_t i = 0; i < batch->n_columns; i++) {
    if (!batch->columns[i] && batch->n_rows > 0)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.columns[%d] is NULL", (int)i);
    if ((uintptr_t)batch->columns[i] % size_of(batch->type) != 0)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.columns[%d] is not aligned to %zu bytes", (int)i,
                      size_of(batch->type));
  }
  return TLW_OK;
}

static tlw_status check_series(const tlw_window_batch *batch, tlw_error *error) {
  const int64_t *offsets = batch->offsets;
  if (!offsets && batch->n_series != 1)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.n_series is %lld without offsets: it must be 1",
                    (long long)batch->n_series);
  for (int64_t i = 0; offsets && i <= batch->n_series; i++)
    if (offsets[i] < (i ? offsets[i - 1] : 0) || offsets[i] > batch->n_rows)
      return tlw_fail_at(error, TLW_ERR_ARGUMENT, i, -1,
                         "batch.offsets[%lld] is %lld: offsets must not decrease and must lie in 0 to %lld",
                         (long long)i, (long long)offsets[i], (long long)batch->n_rows);
  for (int64_t i = 0; batch->origin && i < batch->n_series; i++)
    if (batch->origin[i] < 0 || batch->origin[i] > TLW_WINDOW_MOST_ORIGIN)
      return tlw_fail_at(error, TLW_ERR_ARGUMENT, i, -1, "batch.origin[%lld] is %lld: it must be 0 to 2^52",
                         (long long)i, (long long)batch->origin[i]);
  return TLW_OK;
}

static tlw_status check_batch(const tlw_window_batch *batch, tlw_error *error) {
  if (!batch) return tlw_fail(error, TLW_ERR_ARGUMENT, "batch is NULL");
  if (batch->struct_size != sizeof *batch)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.struct_size is %zu: call tlw_window_batch_init",
                    batch->struct_size);
  if (batch->type != TLW_TYPE_F64 && batch->type != TLW_TYPE_F32)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.type is %d: it must be TLW_TYPE_F64 or TLW_TYPE_F32",
                    (int)batch->type);
  if (batch->n_rows < 0 || batch->n_rows > MOST_ROWS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.n_rows is %lld: it must be 0 to 2^40", (long long)batch->n_rows);
  if (batch->n_series < 0 || batch->n_series > MOST_ROWS)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "batch.n_series is %lld: it must be 0 to 2^40",
                    (long long)batch->n_series);
  const tlw_status status = check_columns(batch, error);
  return status == TLW_OK ? check_series(batch, error) : status;
}

/* at: the number of the spec for the message; -1: it is the only one. */
static tlw_status check_spec(const tlw_window_spec *spec, int32_t n_columns, int32_t at, tlw_error *error) {
  const tlw_status status = tlw_window_check(spec, n_columns, error);
  if (status == TLW_OK || !error || at < 0) return status;
  const size_t length = strlen(error->message);
  snprintf(error->message + length, sizeof error->message - length, " (specs[%d])", (int)at);
  return status;
}

static tlw_status check_tasks(const tlw_window_batch *batch, const tlw_window_spec *specs, int32_t n,
                              double *const *outputs, tlw_error *error) {
  if (n < 0 || n > TLW_WINDOW_SPECS_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_specs is %d: it must be 0 to %d", (int)n, TLW_WINDOW_SPECS_MAX);
  if (n > 0 && (!specs || !outputs))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", specs ? "outputs" : "specs");
  for (int32_t i = 0; i < n; i++) {
    const tlw_status status = check_spec(&specs[i], batch->n_columns, n > 1 ? i : -1, error);
    if (status != TLW_OK) return status;
    if (!outputs[i] && batch->n_rows > 0) return tlw_fail(error, TLW_ERR_ARGUMENT, "outputs[%d] is NULL", (int)i);
    if ((uintptr_t)outputs[i] % sizeof(double) != 0)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "outputs[%d] is not aligned to 8 bytes", (int)i);
  }
  return TLW_OK;
}

static bool overlap(const void *a, uint64_t a_size, const void *b, uint64_t b_size) {
  return (uintptr_t)a < (uintptr_t)b + b_size && (uintptr_t)b < (uintptr_t)a + a_size;
}

/* No output may lie in a column, for windows look back on rows whose results are written already. */
static tlw_status check_overlap(const tlw_window_batch *batch, int32_t n, double *const *outputs, tlw_error *error) {
  const uint64_t size = (uint64_t)batch->n_rows * sizeof(double),
                 column = (uint64_t)batch->n_rows * size_of(batch->type);
  for (int32_t i = 0; i < n; i++) {
    for (int32_t k = 0; k < batch->n_columns; k++)
      if (overlap(outputs[i], size, batch->columns[k], column))
        return tlw_fail(error, TLW_ERR_ARGUMENT, "outputs[%d] overlaps batch.columns[%d]: it needs memory of its own",
                        (int)i, (int)k);
    for (int32_t k = 0; k < i; k++)
      if (overlap(outputs[i], size, outputs[k], size))
        return tlw_fail(error, TLW_ERR_ARGUMENT, "outputs[%d] overlaps outputs[%d]: each needs memory of its own",
                        (int)i, (int)k);
  }
  return TLW_OK;
}

/* What is asked for, once it has been checked. */
struct request {
  const tlw_window_batch *batch;
  const tlw_window_spec *specs;
  double *const *outputs;
};

static void make_task(const void *context, int32_t i, struct tlw_window_task *task) {
  const struct request *request = context;
  const tlw_window_batch *batch = request->batch;
  const tlw_window_spec *spec = &request->specs[i];
  *task = (struct tlw_window_task){
      .window = tlw_window_plan(spec),
      .x = batch->columns[spec->column],
      .y = tlw_window_describe(spec->op)->inputs == 2 ? batch->columns[spec->other] : NULL,
      .output = request->outputs[i],
  };
}

tlw_status tlw_window_run(tlw_engine *engine, const tlw_window_batch *batch, const tlw_window_spec *specs,
                          int32_t n_specs, double *const *outputs, tlw_error *error) {
  if (!engine) return tlw_fail(error, TLW_ERR_ARGUMENT, "engine is NULL");
  tlw_status status = check_batch(batch, error);
  if (status == TLW_OK) status = check_tasks(batch, specs, n_specs, outputs, error);
  if (status == TLW_OK) status = check_overlap(batch, n_specs, outputs, error);
  if (status != TLW_OK) return status;
  const struct request request = {batch, specs, outputs};
  const int64_t all[2] = {0, batch->n_rows};
  const struct tlw_window_source source = {
      .job =
          {
              .n_tasks = n_specs,
              .type = batch->type,
              .n_rows = batch->n_rows,
              .n_series = batch->n_series,
              .offsets = batch->offsets ? batch->offsets : all,
              .origin = batch->origin,
          },
      .make = make_task,
      .context = &request,
  };
  return tlw_engine_windows(engine, &source, error);
}
