/* What the public functions of rolling windows share. */
#ifndef TALLOW_WINDOW_INTERNAL_H
#define TALLOW_WINDOW_INTERNAL_H

#include "kernels/core/window.h"
#include "tallow/window.h"

/* The absolute number of a first row. */
#define TLW_WINDOW_MOST_ORIGIN ((int64_t)1 << 52)

/* A valid spec as executors read it. */
tlk_window tlw_window_plan(const tlw_window_spec *spec);

#endif
