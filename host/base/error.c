#include "error.h"

#include <stdio.h>

static tlw_status fill(tlw_error *error, tlw_status code, int64_t row, int32_t column, const char *format,
                       va_list args) {
  if (error) {
    *error = (tlw_error){.code = code, .row = row, .column = column};
    vsnprintf(error->message, sizeof error->message, format, args);
  }
  return code;
}

tlw_status tlw_fail(tlw_error *error, tlw_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(error, code, -1, -1, format, args);
  va_end(args);
  return code;
}

tlw_status tlw_fail_at(tlw_error *error, tlw_status code, int64_t row, int32_t column, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(error, code, row, column, format, args);
  va_end(args);
  return code;
}

tlw_status tlw_fail_native(tlw_error *error, tlw_status code, int32_t native, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(error, code, -1, -1, format, args);
  va_end(args);
  if (error) error->native = native;
  return code;
}

tlw_status tlw_fail_budget(tlw_error *error, uint64_t bytes, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(error, TLW_ERR_BUDGET, -1, -1, format, args);
  va_end(args);
  if (error) error->bytes = bytes;
  return TLW_ERR_BUDGET;
}

const char *tlw_status_name(tlw_status status) {
  switch (status) {
  case TLW_OK:
    return "TLW_OK";
  case TLW_ERR_ARGUMENT:
    return "TLW_ERR_ARGUMENT";
  case TLW_ERR_MEMORY:
    return "TLW_ERR_MEMORY";
  case TLW_ERR_BUDGET:
    return "TLW_ERR_BUDGET";
  case TLW_ERR_DATA:
    return "TLW_ERR_DATA";
  case TLW_ERR_NOT_FOUND:
    return "TLW_ERR_NOT_FOUND";
  case TLW_ERR_IO:
    return "TLW_ERR_IO";
  case TLW_ERR_UNAVAILABLE:
    return "TLW_ERR_UNAVAILABLE";
  case TLW_ERR_DEVICE:
    return "TLW_ERR_DEVICE";
  case TLW_ERR_DEVICE_LOST:
    return "TLW_ERR_DEVICE_LOST";
  case TLW_ERR_STALE:
    return "TLW_ERR_STALE";
  case TLW_ERR_INTERNAL:
    return "TLW_ERR_INTERNAL";
  case TLW_ERR_CANCELLED:
    return "TLW_ERR_CANCELLED";
  }
  return "TLW_ERR_UNKNOWN";
}

const char *tlw_version(void) { return TLW_VERSION_STRING; }
