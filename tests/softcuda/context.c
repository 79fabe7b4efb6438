#include <string.h>

#include "driver.h"

enum { MAX_PUSHED = 256 };

static _Thread_local struct {
  uint64_t life; /* of the driver, in which they were pushed */
  unsigned count;
  cu_context handles[MAX_PUSHED];
} pushed;

static unsigned pushed_count(void) {
  if (pushed.life != sc.life) pushed.count = 0;
  pushed.life = sc.life;
  return pushed.count;
}

cu_result sc_context_current(sc_context **context) {
  *context = NULL;
  if (pushed_count() == 0) return CU_INVALID_CONTEXT;
  *context = sc_handle_object(pushed.handles[pushed.count - 1], SC_CONTEXT, NULL);
  return *context != NULL ? CU_SUCCESS : CU_CONTEXT_IS_DESTROYED;
}

void sc_context_fail(sc_context *context, cu_result code) {
  if (context->error != CU_SUCCESS) return;
  context->error = code;
  sc_stream_drop(context);
}

static cu_result create(sc_context *context, cu_device device) {
  *context = (sc_context){.device = device};
  context->legacy = sc_stream_new(context, true);
  if (context->legacy == NULL) return CU_OUT_OF_MEMORY;
  context->handle = sc_handle_new(SC_CONTEXT, context, context);
  if (context->handle == NULL) {
    sc_stream_release(context);
    return CU_OUT_OF_MEMORY;
  }
  ++sc.stats.contexts;
  return CU_SUCCESS;
}

void sc_context_destroy(sc_context *context) {
  sc_stream_drop(context);
  sc_module_release(context);
  sc_stream_release(context);
  sc_memory_release(context);
  sc_handle_close(context->handle);
  context->handle = NULL;
  context->retains = 0;
  --sc.stats.contexts;
}

void sc_context_forget_pushed(void) {
  ++sc.life;
  sc.stats.pushes = 0;
}

static uint64_t objects(void) {
  const struct softcuda_stats *s = &sc.stats;
  return s->allocations + s->host_allocations + s->modules + s->streams + s->events;
}

cu_result cuDevicePrimaryCtxRetain(cu_context *handle, cu_device device) {
  cu_result result = sc_enter(SC_cuDevicePrimaryCtxRetain, SC_NEED_INIT, NULL);
  if (result == CU_SUCCESS && handle == NULL) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS && (device < 0 || device >= sc.config.devices)) result = CU_INVALID_DEVICE;
  if (result == CU_SUCCESS) {
    sc_context *context = &sc.contexts[device];
    result = context->handle != NULL ? context->error : create(context, device);
    if (result == CU_SUCCESS) {
      ++context->retains;
      ++sc.stats.retains;
      *handle = context->handle;
    }
  }
  return sc_leave(result);
}

static cu_result release(sc_context *context) {
  if (context->retains == 1) {
    if (sc.lost != CU_SUCCESS) sc_context_fail(context, sc.lost); /* a lost device does no more work */
    sc_stream_drain(context);
    if (context->retains == 0) return CU_INVALID_CONTEXT; /* released while this one waited */
  }
  --sc.stats.retains;
  if (--context->retains > 0) return context->error;
  sc_memory_check(context, "when the context was released");
  const cu_result error = context->error;
  const uint64_t before = objects();
  sc_context_destroy(context);
  if (error == CU_SUCCESS) sc.stats.left_behind += before - objects();
  return error;
}

static cu_result release_device(cu_device device) {
  if (device < 0 || device >= SC_MAX_DEVICES) return CU_INVALID_DEVICE;
  sc_context *context = &sc.contexts[device];
  return context->retains > 0 ? release(context) : CU_INVALID_CONTEXT;
}

/* With a sticky error it returns that error, and releases all the same. */
cu_result cuDevicePrimaryCtxRelease_v2(cu_device device) {
  cu_result result = sc_enter(SC_cuDevicePrimaryCtxRelease_v2, SC_NEED_INIT, NULL);
  if (result == sc.lost) {
    const cu_result released = release_device(device);
    if (result == CU_SUCCESS) result = released;
  }
  return sc_leave(result);
}

cu_result cuCtxPushCurrent_v2(cu_context handle) {
  cu_result result = sc_enter(SC_cuCtxPushCurrent_v2, SC_NEED_INIT, NULL);
  if (result == CU_SUCCESS && sc_handle_object(handle, SC_CONTEXT, NULL) == NULL) result = CU_INVALID_CONTEXT;
  if (result == CU_SUCCESS && pushed_count() == MAX_PUSHED) result = CU_OUT_OF_MEMORY;
  if (result == CU_SUCCESS) {
    pushed.handles[pushed.count++] = handle;
    ++sc.stats.pushes;
  }
  return sc_leave(result);
}

cu_result cuCtxPopCurrent_v2(cu_context *handle) {
  cu_result result = sc_enter(SC_cuCtxPopCurrent_v2, SC_NEED_INIT, NULL);
  if (result == CU_SUCCESS && pushed_count() == 0) result = CU_INVALID_CONTEXT;
  if (result == CU_SUCCESS) {
    const cu_context top = pushed.handles[--pushed.count];
    --sc.stats.pushes;
    if (handle != NULL) *handle = top;
  }
  return sc_leave(result);
}
