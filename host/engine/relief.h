/* What operations that cut their work themselves, rolling windows and images, do about a lack of memory. */
#ifndef TALLOW_ENGINE_RELIEF_H
#define TALLOW_ENGINE_RELIEF_H

#include "engine.h"

/* Within an operation, after TLW_ERR_BUDGET: gives back what other operations keep. False: the device failed. */
bool tlw_relief_room(tlw_engine *engine);

/*
 * Within an operation: whether what failed may be tried again. After TLW_ERR_MEMORY with more room or less to do; then,
 * or after TLW_ERR_UNAVAILABLE, on the next backend. *trimmed is false at first.
 */
bool tlw_relief_try(tlw_engine *engine, tlw_status status, bool *trimmed, const tlw_error *error);

#endif
