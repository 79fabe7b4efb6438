/*
 * Buffers: memory of an engine's device, named by handles that are checked at each use.
 *
 * A buffer is a part of the engine's pool: its size counts against the budget (the device's or, on the CPU backend,
 * the host's), and no driver is called to make one where a slab has room. Handles are plain values. A buffer is freed
 * by tlw_buffer_free, by tlw_engine_reset (SESSION and MEMORY), by a fallback to another backend and with its engine;
 * a handle of one that is gone is TLW_ERR_STALE at each use, however many have come since.
 *
 * Thread-safety: any thread; calls on one engine run one after the other.
 */
#ifndef TALLOW_BUFFER_H
#define TALLOW_BUFFER_H

#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0 names no buffer. */
typedef struct tlw_buffer {
  uint64_t id;
} tlw_buffer;

/* Buffers that an engine can have at one time. */
#define TLW_BUFFERS_MAX 4096

/*
 * Makes a buffer of size bytes, 1 or more, whose content is unspecified. On failure buffer->id is 0.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_BUDGET: what the budget leaves has no room for it in one piece (bytes: a budget that
 * would do); TLW_ERR_MEMORY: the driver has no memory, or there are TLW_BUFFERS_MAX already; TLW_ERR_DEVICE;
 * TLW_ERR_DEVICE_LOST.
 */
TLW_API tlw_status tlw_buffer_alloc(tlw_engine *engine, uint64_t size, tlw_buffer *buffer, tlw_error *error);

/*
 * Frees the buffer and sets buffer->id to 0; one that is 0 is fine. TLW_ERR_ARGUMENT; TLW_ERR_STALE (id becomes 0).
 */
TLW_API tlw_status tlw_buffer_free(tlw_engine *engine, tlw_buffer *buffer, tlw_error *error);

/* The size as it was asked for. TLW_ERR_ARGUMENT; TLW_ERR_STALE. */
TLW_API tlw_status tlw_buffer_size(tlw_engine *engine, tlw_buffer buffer, uint64_t *size, tlw_error *error);

/*
 * Copies size bytes to or from the buffer, from byte offset on; the copy is complete when the call returns.
 * TLW_ERR_ARGUMENT: also where the bytes do not lie within the buffer; TLW_ERR_STALE; TLW_ERR_BUDGET: no host memory
 * for the copy in pieces; TLW_ERR_MEMORY; TLW_ERR_DEVICE; TLW_ERR_DEVICE_LOST.
 */
TLW_API tlw_status tlw_buffer_write(tlw_engine *engine, tlw_buffer buffer, uint64_t offset, const void *source,
                                    uint64_t size, tlw_error *error);
TLW_API tlw_status tlw_buffer_read(tlw_engine *engine, tlw_buffer buffer, uint64_t offset, void *target, uint64_t size,
                                   tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
