/* The inside of an engine, for the operations above it. */
#ifndef TALLOW_ENGINE_ENGINE_H
#define TALLOW_ENGINE_ENGINE_H

#include <stdbool.h>

#include "host/seam/backend.h"
#include "host/seam/device_list.h"

/* The backends in the order in which AUTO tries them. */
#define TLW_BACKENDS 3
extern const tlw_backend tlw_backend_order[TLW_BACKENDS];

/* Appends the devices of one backend. Loads its driver. */
void tlw_engine_devices(tlw_backend backend, struct tlw_device_list *list);

/* Opens the backend of one device of the list for services. */
tlw_status tlw_engine_executor(struct tlw_services *services, const tlw_device *device, struct tlw_executor *executor,
                               tlw_error *error);

/*
 * An operation runs between begin and end, one at a time on an engine; begin waits for its turn. TLW_ERR_DEVICE_LOST:
 * the device is lost, do not call end.
 */
tlw_status tlw_engine_begin(tlw_engine *engine, tlw_error *error);
void tlw_engine_end(tlw_engine *engine);

/* Within an operation: a table for the series of a job. */
#define TLW_ENGINE_SERIES 4096 /* more than fills a device */
tlk_series *tlw_engine_series(tlw_engine *engine);

/* Within an operation: draws and counts. */
tlw_status tlw_engine_render(tlw_engine *engine, const struct tlw_render_job *job, tlw_error *error);

#endif
