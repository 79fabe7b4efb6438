/*
 * Status codes and the error record.
 *
 * Every call that can fail returns a tlw_status and takes an optional tlw_error, which the caller owns. A call that
 * succeeds leaves the record alone. After a failure the outputs of the call are unspecified unless its text says
 * more.
 */
#ifndef TALLOW_STATUS_H
#define TALLOW_STATUS_H

#include <stdint.h>

#include "tallow/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_status {
  TLW_OK = 0,
  TLW_ERR_ARGUMENT = 1,    /* the caller's mistake; the message names the argument and its range */
  TLW_ERR_MEMORY = 2,      /* the system or the driver refused memory that the budget would have allowed */
  TLW_ERR_BUDGET = 3,      /* the smallest plan exceeds a budget; tlw_error.bytes says what would do */
  TLW_ERR_DATA = 4,        /* input data at fault; tlw_error.row and .column say where */
  TLW_ERR_NOT_FOUND = 5,   /* an input file does not exist or may not be read */
  TLW_ERR_IO = 6,          /* reading or writing failed underway */
  TLW_ERR_UNAVAILABLE = 7, /* the backend, device or library asked for is missing or was refused */
  TLW_ERR_DEVICE = 8,      /* a driver call failed; the engine can still be used */
  TLW_ERR_DEVICE_LOST = 9, /* a driver call failed for good; the engine can only be closed */
  TLW_ERR_STALE = 10,      /* a handle from before a reset, or of something freed */
  TLW_ERR_INTERNAL = 11,   /* a fault of this library; please report it */
  TLW_ERR_CANCELLED = 12   /* the caller called it off */
} tlw_status;

#define TLW_ERROR_MESSAGE_SIZE 400

typedef struct tlw_error {
  tlw_status code;
  int32_t native; /* errno, CUresult, cl_int or libpng's code; 0 where there is none */
  int64_t row;    /* 1-based line of a text file, or 0-based row of a batch; -1 where it does not apply */
  int32_t column; /* 1-based field of a text file; -1 where it does not apply */
  int32_t reserved;
  uint64_t bytes;                       /* TLW_ERR_BUDGET: the budget that would do; else 0 */
  char message[TLW_ERROR_MESSAGE_SIZE]; /* one sentence, always terminated, that says what to do */
} tlw_error;

/*
 * The name of a code, such as "TLW_ERR_BUDGET"; for an unknown code "TLW_ERR_UNKNOWN". Static storage, never NULL.
 * Thread-safety: any thread, any time.
 */
TLW_API const char *tlw_status_name(tlw_status status);

#ifdef __cplusplus
}
#endif

#endif
