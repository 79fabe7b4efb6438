#include "driver.h"

enum { MAX_PITCH = 0x7fffffff };

static cu_result upload(sc_context *context, cu_pointer target, const void *source, size_t bytes, cu_stream handle) {
  sc_stream *s = sc_stream_get(context, handle);
  if (s == NULL) return CU_INVALID_HANDLE;
  if (bytes == 0) return CU_SUCCESS;
  const sc_locking locking = sc_memory_locking((uintptr_t)source, bytes);
  if (source == NULL || locking == SC_STRADDLING || !sc_memory_holds(context, target, bytes)) return CU_INVALID_VALUE;
  const sc_copy copy = {.target = (unsigned char *)(uintptr_t)target,
                        .source = source,
                        .target_pitch = bytes,
                        .source_pitch = bytes,
                        .width = bytes,
                        .height = 1,
                        .from_host = true,
                        .source_locked = locking == SC_LOCKED};
  return sc_stream_copy(s, &copy);
}

cu_result cuMemcpyHtoDAsync_v2(cu_pointer target, const void *source, size_t bytes, cu_stream stream) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemcpyHtoDAsync_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = upload(context, target, source, bytes, stream);
  return sc_leave(result);
}

static cu_result download(sc_context *context, void *target, cu_pointer source, size_t bytes, cu_stream handle) {
  sc_stream *s = sc_stream_get(context, handle);
  if (s == NULL) return CU_INVALID_HANDLE;
  if (bytes == 0) return CU_SUCCESS;
  const sc_locking locking = sc_memory_locking((uintptr_t)target, bytes);
  if (target == NULL || locking == SC_STRADDLING || !sc_memory_holds(context, source, bytes)) return CU_INVALID_VALUE;
  const sc_copy copy = {.target = target,
                        .source = (const unsigned char *)(uintptr_t)source,
                        .target_pitch = bytes,
                        .source_pitch = bytes,
                        .width = bytes,
                        .height = 1,
                        .to_host = true,
                        .target_locked = locking == SC_LOCKED};
  return sc_stream_copy(s, &copy);
}

cu_result cuMemcpyDtoHAsync_v2(void *target, cu_pointer source, size_t bytes, cu_stream stream) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemcpyDtoHAsync_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = download(context, target, source, bytes, stream);
  return sc_leave(result);
}

static cu_result copy_within(sc_context *context, cu_pointer target, cu_pointer source, size_t bytes,
                             cu_stream handle) {
  sc_stream *s = sc_stream_get(context, handle);
  if (s == NULL) return CU_INVALID_HANDLE;
  if (bytes == 0) return CU_SUCCESS;
  if (!sc_memory_holds(context, target, bytes) || !sc_memory_holds(context, source, bytes)) return CU_INVALID_VALUE;
  const sc_copy copy = {.target = (unsigned char *)(uintptr_t)target,
                        .source = (const unsigned char *)(uintptr_t)source,
                        .target_pitch = bytes,
                        .source_pitch = bytes,
                        .width = bytes,
                        .height = 1};
  return sc_stream_copy(s, &copy);
}

cu_result cuMemcpyDtoDAsync_v2(cu_pointer target, cu_pointer source, size_t bytes, cu_stream stream) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemcpyDtoDAsync_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = copy_within(context, target, source, bytes, stream);
  return sc_leave(result);
}

/* One side of a 2D copy. */
typedef struct side {
  unsigned type;
  uintptr_t host;
  cu_pointer device;
  size_t x, y, pitch;
} side;

/* The address of the first byte, or 0 if the side isn't valid. */
static uintptr_t first_byte(const sc_context *context, const side *s, size_t width, size_t height, bool *locked) {
  size_t skipped, extent;
  if (s->type != CU_MEMORY_HOST && s->type != CU_MEMORY_DEVICE) return 0;
  if (s->pitch > MAX_PITCH || s->x > s->pitch || width > s->pitch - s->x) return 0;
  if (__builtin_mul_overflow(s->y, s->pitch, &skipped) || __builtin_add_overflow(skipped, s->x, &skipped)) return 0;
  if (__builtin_mul_overflow(height - 1, s->pitch, &extent) || __builtin_add_overflow(extent, width, &extent)) return 0;
  if (s->type == CU_MEMORY_HOST) {
    const sc_locking locking = sc_memory_locking(s->host + skipped, extent);
    *locked = locking == SC_LOCKED;
    return s->host != 0 && locking != SC_STRADDLING ? s->host + skipped : 0;
  }
  return sc_memory_holds(context, s->device + skipped, extent) ? (uintptr_t)s->device + skipped : 0;
}

static cu_result copy_2d(const sc_context *context, const cu_copy_2d *c, sc_stream *stream) {
  if (stream == NULL) return CU_INVALID_HANDLE;
  if (c == NULL) return CU_INVALID_VALUE;
  if (c->width == 0 || c->height == 0) return CU_SUCCESS;
  const side from = {c->src_type, (uintptr_t)c->src_host, c->src_device, c->src_x, c->src_y, c->src_pitch};
  const side to = {c->dst_type, (uintptr_t)c->dst_host, c->dst_device, c->dst_x, c->dst_y, c->dst_pitch};
  bool source_locked = false, target_locked = false;
  const uintptr_t source = first_byte(context, &from, c->width, c->height, &source_locked);
  const uintptr_t target = first_byte(context, &to, c->width, c->height, &target_locked);
  if (source == 0 || target == 0) return CU_INVALID_VALUE;
  const sc_copy copy = {.target = (unsigned char *)target,
                        .source = (const unsigned char *)source,
                        .target_pitch = to.pitch,
                        .source_pitch = from.pitch,
                        .width = c->width,
                        .height = c->height,
                        .from_host = from.type == CU_MEMORY_HOST,
                        .to_host = to.type == CU_MEMORY_HOST,
                        .source_locked = source_locked,
                        .target_locked = target_locked};
  return sc_stream_copy(stream, &copy);
}

cu_result cuMemcpy2DAsync_v2(const cu_copy_2d *copy, cu_stream stream) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemcpy2DAsync_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = copy_2d(context, copy, sc_stream_get(context, stream));
  return sc_leave(result);
}
