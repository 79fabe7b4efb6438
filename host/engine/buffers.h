/* Buffers within an operation of the engine. */
#ifndef TALLOW_ENGINE_BUFFERS_H
#define TALLOW_ENGINE_BUFFERS_H

#include "host/seam/backend.h"
#include "tallow/buffer.h"

/* As tlw_buffer_alloc. */
tlw_status tlw_buffer_take(tlw_engine *engine, uint64_t size, tlw_buffer *buffer, tlw_error *error);

/* False: there is no such buffer, or no longer. */
bool tlw_buffer_find(const tlw_engine *engine, tlw_buffer buffer, struct tlw_part *part);
bool tlw_buffer_drop(tlw_engine *engine, tlw_buffer buffer);

/* Another handle for a buffer that is there, in place of all that there are. */
tlw_buffer tlw_buffer_rename(tlw_engine *engine, tlw_buffer buffer);

/* TLW_ERR_STALE. */
tlw_status tlw_buffer_stale(tlw_error *error);

#endif
