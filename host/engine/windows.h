/* Rolling windows as an operation of the engine. */
#ifndef TALLOW_ENGINE_WINDOWS_H
#define TALLOW_ENGINE_WINDOWS_H

#include "host/seam/backend.h"

/* Rolling windows to compute. Of the job there are no tasks yet: they are made within the operation. */
struct tlw_window_source {
  struct tlw_window_job job;
  /* Makes task i; context is that of the source. */
  void (*make)(const void *context, int32_t i, struct tlw_window_task *task);
  const void *context;
};

/*
 * A whole operation. A lack of memory is met by trimming, by smaller pieces and by a fallback first, and a backend that
 * has no windows by a fallback. Failures are those of tlw_window_run.
 */
tlw_status tlw_engine_windows(tlw_engine *engine, const struct tlw_window_source *source, tlw_error *error);

#endif
