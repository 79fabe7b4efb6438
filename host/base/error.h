/* Filling in tlw_error. */
#ifndef TALLOW_BASE_ERROR_H
#define TALLOW_BASE_ERROR_H

#include <stdarg.h>

#include "tallow/status.h"

/* Fills *error (which may be NULL) with code and a formatted sentence, clears the rest, and returns code. */
tlw_status tlw_fail(tlw_error *error, tlw_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As tlw_fail, with the row and column at fault. */
tlw_status tlw_fail_at(tlw_error *error, tlw_status code, int64_t row, int32_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* As tlw_fail, with a native code: errno, CUresult, cl_int. */
tlw_status tlw_fail_native(tlw_error *error, tlw_status code, int32_t native, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* TLW_ERR_BUDGET with the bytes that would do. */
tlw_status tlw_fail_budget(tlw_error *error, uint64_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
