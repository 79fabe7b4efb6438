/*
 * The seam between what is done and where: the operations that cpu/ and gpu/ fill in and engine/ calls. Arguments
 * have been validated by the public function that the work came through.
 */
#ifndef TALLOW_SEAM_BACKEND_H
#define TALLOW_SEAM_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/memory.h"
#include "kernels/core/chart.h"
#include "tallow/engine.h"

/* What an engine lends its backend. It outlives the backend. */
struct tlw_services {
  struct tlw_memory memory;
  struct tlw_gauge device_bytes;
  uint64_t device_budget; /* may still be TLW_BUDGET_AUTO when a backend opens, which then settles it */
  uint32_t threads;
  _Atomic uint64_t launches, uploaded, downloaded;
  tlw_log_fn log; /* or NULL */
  void *log_user;
  const char *cache_dir; /* as in tlw_engine_options; valid while the backend opens */
};

/* Charts to draw: one layout, many series. */
struct tlw_render_job {
  tlk_layout layout;
  const double *open, *high, *low, *close;
  const double *volume; /* NULL where the layout has no volume panel */
  const int64_t *time;  /* NULL on the index axis */
  const tlk_series *series;
  int64_t n_series;
  uint8_t *pixels;
  size_t row_stride, image_stride;
};

struct tlw_backend_state; /* each backend's own */

struct tlw_backend_ops {
  void (*close)(struct tlw_backend_state *state);
  tlw_status (*render)(struct tlw_backend_state *state, const struct tlw_render_job *job, tlw_error *error);
};

/* An open backend. */
struct tlw_executor {
  const struct tlw_backend_ops *ops;
  struct tlw_backend_state *state;
  tlw_device device; /* what it runs on */
};

#endif
