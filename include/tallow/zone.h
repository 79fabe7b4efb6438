/* Time zones, for labels of time. */
#ifndef TALLOW_ZONE_H
#define TALLOW_ZONE_H

#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A zone is constant once it is open, and may be used by any number of charts at the same time. */
typedef struct tlw_zone tlw_zone;

/*
 * Opens a zone of the system's zoneinfo by its name, such as Europe/Berlin: a file in the folder that TZDIR names, else
 * in /usr/share/zoneinfo. "UTC" needs no file. *zone is NULL on failure.
 *
 * TLW_ERR_ARGUMENT: the name is none; TLW_ERR_NOT_FOUND: there is no such zone; TLW_ERR_DATA: its file is broken or
 * counts leap seconds; TLW_ERR_IO; TLW_ERR_MEMORY. Thread-safety: any thread, while no other sets environment variables.
 */
TLW_API tlw_status tlw_zone_open(tlw_zone **zone, const char *name, tlw_error *error);

/*
 * What a clock in the zone shows at a time: nanoseconds since 1970-01-01 00:00 of its own, as time is those of UTC. NULL
 * is UTC. Beyond 64 bits the nearest that there is. Thread-safety: any thread, any time.
 */
TLW_API int64_t tlw_zone_local(const tlw_zone *zone, int64_t time);

/* Frees it and sets *zone to NULL. NULL is fine. No chart may use it any more. */
TLW_API void tlw_zone_close(tlw_zone **zone);

#ifdef __cplusplus
}
#endif

#endif
