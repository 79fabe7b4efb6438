/* The inside of an engine, for the operations above it. */
#ifndef TALLOW_ENGINE_ENGINE_H
#define TALLOW_ENGINE_ENGINE_H

#include <stdbool.h>

#include "host/seam/backend.h"
#include "host/seam/device_list.h"

#define TLW_ENGINE_DEADLINE_MS 60000 /* unless the options say otherwise */

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
 * the device is lost, do not call end. Seize is begin for what must be done even then, and never fails.
 */
tlw_status tlw_engine_begin(tlw_engine *engine, tlw_error *error);
void tlw_engine_seize(tlw_engine *engine);
void tlw_engine_end(tlw_engine *engine);

struct tlw_services *tlw_engine_services(tlw_engine *engine);

/* Counts finished charts of this size. */
void tlw_engine_count(tlw_engine *engine, int64_t charts, int64_t candles, const tlk_layout *layout);

/* What holds memory of an engine between operations, and lets go of it when the engine is reset. */
struct tlw_guest {
  /* Stops for good and returns when nothing of the engine is held any more, its own record apart. */
  void (*evict)(struct tlw_guest *guest);
  struct tlw_guest *next;
  uint64_t session;  /* of the engine, when it came */
  uint32_t evictors; /* resets that are at it */
  uint32_t number;   /* the least that no other has, while it is here */
};

void tlw_engine_enlist(tlw_engine *engine, struct tlw_guest *guest);
void tlw_engine_delist(tlw_engine *engine, struct tlw_guest *guest);

/* A callback of a guest of some engines, on the stack of the thread that is in it. */
struct tlw_callback {
  tlw_engine *const *engines;
  size_t n;
  const struct tlw_callback *outer;
};

void tlw_engine_enter(struct tlw_callback *callback, tlw_engine *const *engines, size_t n);
void tlw_engine_leave(const struct tlw_callback *callback);

#endif
