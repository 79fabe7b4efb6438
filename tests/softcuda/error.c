#include <string.h>

#include "driver.h"

typedef struct known_error {
  cu_result code;
  const char *name, *text;
} known_error;

static const known_error known[] = {
    {CU_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CU_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CU_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CU_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CU_DEINITIALIZED, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {CU_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CU_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CU_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CU_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CU_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {CU_ECC_UNCORRECTABLE, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
    {CU_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CU_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CU_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CU_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CU_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {CU_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {CU_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {CU_HARDWARE_STACK_ERROR, "CUDA_ERROR_HARDWARE_STACK_ERROR", "hardware stack error"},
    {CU_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {CU_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CU_INVALID_ADDRESS_SPACE, "CUDA_ERROR_INVALID_ADDRESS_SPACE", "operation not supported on this address space"},
    {CU_INVALID_PC, "CUDA_ERROR_INVALID_PC", "invalid program counter"},
    {CU_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CU_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static const known_error *find(cu_result code) {
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    if (known[i].code == code) return &known[i];
  return NULL;
}

const char *sc_error_name(cu_result code) {
  const known_error *error = find(code);
  return error != NULL ? error->name : NULL;
}

bool sc_error_code(const char *name, cu_result *code) {
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    if (strcmp(known[i].name, name) == 0) {
      *code = known[i].code;
      return true;
    }
  }
  return false;
}

cu_result cuGetErrorName(cu_result code, const char **name) {
  cu_result result = sc_enter(SC_cuGetErrorName, SC_NEED_NOTHING, NULL);
  if (result == CU_SUCCESS && name == NULL) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) {
    *name = sc_error_name(code);
    if (*name == NULL) result = CU_INVALID_VALUE;
  }
  return sc_leave(result);
}

cu_result cuGetErrorString(cu_result code, const char **text) {
  cu_result result = sc_enter(SC_cuGetErrorString, SC_NEED_NOTHING, NULL);
  if (result == CU_SUCCESS && text == NULL) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) {
    const known_error *error = find(code);
    *text = error != NULL ? error->text : NULL;
    if (error == NULL) result = CU_INVALID_VALUE;
  }
  return sc_leave(result);
}
