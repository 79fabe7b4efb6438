#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static _Thread_local sc_function calling;

/* A lost device does no more work. */
static void lose_everything(cu_result code) {
  sc.lost = code;
  for (int i = 0; i < SC_MAX_DEVICES; i++)
    if (sc.contexts[i].handle != NULL) sc_stream_drop(&sc.contexts[i]);
}

cu_result sc_enter(sc_function function, sc_need need, sc_context **context) {
  pthread_mutex_lock(&sc.lock);
  sc_configure();
  ++sc.calls[function];
  calling = function;
  sc_context *current;
  const cu_result state = sc_context_current(&current);
  bool sticky;
  const cu_result code = sc_fault(function, &sticky);
  if (code != CU_SUCCESS) {
    if (sticky && current != NULL) sc_context_fail(current, code);
    if (sticky && current == NULL) lose_everything(code);
    return code;
  }
  if (sc.lost != CU_SUCCESS) return sc.lost;
  if (need == SC_NEED_NOTHING) return CU_SUCCESS;
  if (!sc.initialised) return CU_NOT_INITIALIZED;
  if (need == SC_NEED_INIT) return CU_SUCCESS;
  if (state != CU_SUCCESS) return state;
  *context = current;
  return current->error;
}

cu_result sc_leave(cu_result result) {
  pthread_mutex_unlock(&sc.lock);
  return result;
}

_Noreturn void sc_never(void) {
  sc_report("%s would never return", sc_function_name(calling));
  abort();
}

cu_result cuInit(unsigned flags) {
  cu_result result = sc_enter(SC_cuInit, SC_NEED_NOTHING, NULL);
  if (result == CU_SUCCESS && flags != 0) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) result = sc.config.init;
  if (result == CU_SUCCESS && sc.config.devices == 0) result = CU_NO_DEVICE;
  if (result == CU_SUCCESS) sc.initialised = true;
  return sc_leave(result);
}

cu_result cuDriverGetVersion(int *version) {
  cu_result result = sc_enter(SC_cuDriverGetVersion, SC_NEED_NOTHING, NULL);
  if (result == CU_SUCCESS && version == NULL) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) *version = sc.config.driver;
  return sc_leave(result);
}

/* ---- devices ---- */

cu_result cuDeviceGetCount(int *count) {
  cu_result result = sc_enter(SC_cuDeviceGetCount, SC_NEED_INIT, NULL);
  if (result == CU_SUCCESS && count == NULL) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) *count = sc.config.devices;
  return sc_leave(result);
}

/* The prologue of the queries below, which write to an output what is known of a device. */
static cu_result enter_query(sc_function function, const void *output, cu_device device) {
  const cu_result result = sc_enter(function, SC_NEED_INIT, NULL);
  if (result != CU_SUCCESS) return result;
  if (output == NULL) return CU_INVALID_VALUE;
  return device >= 0 && device < sc.config.devices ? CU_SUCCESS : CU_INVALID_DEVICE;
}

cu_result cuDeviceGet(cu_device *device, int ordinal) {
  const cu_result result = enter_query(SC_cuDeviceGet, device, ordinal);
  if (result == CU_SUCCESS) *device = ordinal;
  return sc_leave(result);
}

cu_result cuDeviceGetName(char *name, int length, cu_device device) {
  cu_result result = enter_query(SC_cuDeviceGetName, name, device);
  if (result == CU_SUCCESS && length <= 0) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS)
    snprintf(name, (size_t)length, "Software CUDA device%s", sc.config.mig ? " MIG 1g.10gb" : "");
  return sc_leave(result);
}

cu_result cuDeviceGetUuid_v2(cu_uuid *uuid, cu_device device) {
  const cu_result result = enter_query(SC_cuDeviceGetUuid_v2, uuid, device);
  if (result == CU_SUCCESS) {
    memcpy(uuid->bytes, "software CUDA   ", sizeof uuid->bytes);
    uuid->bytes[sizeof uuid->bytes - 1] = (char)('0' + device);
  }
  return sc_leave(result);
}

cu_result cuDeviceGetAttribute(int *value, int attribute, cu_device device) {
  cu_result result = enter_query(SC_cuDeviceGetAttribute, value, device);
  if (result == CU_SUCCESS) {
    switch (attribute) {
    case CU_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 4;
      break;
    case CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = sc.config.capability / 10;
      break;
    case CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = sc.config.capability % 10;
      break;
    case CU_ATTRIBUTE_INTEGRATED:
      *value = sc.config.integrated;
      break;
    case CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO:
      *value = sc.config.fp64 ? 2 : 0;
      break;
    default:
      result = CU_INVALID_VALUE;
    }
  }
  return sc_leave(result);
}

cu_result cuDeviceTotalMem_v2(size_t *bytes, cu_device device) {
  const cu_result result = enter_query(SC_cuDeviceTotalMem_v2, bytes, device);
  if (result == CU_SUCCESS) *bytes = sc.config.memory;
  return sc_leave(result);
}

/* ---- the end ---- */

/* As a process ends, or a test closes the library: what is queued is not carried out, as its targets may be gone. */
__attribute__((destructor)) static void end(void) {
  const uint64_t violations = sc.stats.guard_violations;
  for (int i = 0; i < SC_MAX_DEVICES; ++i) {
    sc_context *context = &sc.contexts[i];
    if (context->handle == NULL) continue;
    sc_memory_check(context, "when the process ended");
    sc_context_destroy(context);
  }
  sc_group_end();
  sc_memory_end();
  sc_handle_end();
  if (sc.stats.guard_violations != violations) abort();
}
