/*
 * Arrays of numbers in .npy files, as NumPy writes them (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 *
 * Read are arrays of one or two dimensions of doubles, floats and integers of 1 to 8 bytes, with or without a sign, of
 * either byte order ('<f8', '>f4', '<i8', '|u1', '|b1' ...), format versions 1.0 to 3.0, in rows (C order) or in
 * columns (Fortran order). Integers become doubles: of those that are read each must be within -2^53 and 2^53, where
 * doubles hold all of them. An array of one dimension is one column. Files may be packed as those of tallow/csv.h, but
 * one in Fortran order with several columns must be a plain file, for it is read in many places. What is behind the
 * array is ignored. Memory does not depend on the size of the array.
 *
 * Written are headers, of constant size, of arrays in rows (C order); the caller writes the numbers behind.
 */
#ifndef TALLOW_NPY_H
#define TALLOW_NPY_H

#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Columns at most. */
#define TLW_NPY_COLUMNS_MAX 65536

typedef struct tlw_npy tlw_npy;

typedef struct tlw_npy_shape {
  int64_t n_rows;
  int32_t n_columns;
  int32_t n_dimensions; /* 1 or 2 */
  tlw_type type;        /* of integers TLW_TYPE_F64 */
  int32_t is_fortran;   /* 1: columns lie one behind the other */
} tlw_npy_shape;

/*
 * Opens a file, "-" for standard input, and reads its header. expansion as in tlw_csv_options; 0: the default. With an
 * engine the reader's memory (about 130 KB, more where it is packed) counts against its host budget, and the engine must
 * stay open until the reader is closed. On success *npy must be given to tlw_npy_close; on failure it is NULL.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_NOT_FOUND; TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_BUDGET; TLW_ERR_UNAVAILABLE: it needs
 * libzstd; TLW_ERR_DATA: it is no such array, and the message says what it is and how to save it. Thread-safety: any
 * thread; one thread at a time on a reader.
 */
TLW_API tlw_status tlw_npy_open(const char *path, uint32_t expansion, tlw_engine *engine, tlw_npy **npy,
                                tlw_error *error);

TLW_API void tlw_npy_get_shape(const tlw_npy *npy, tlw_npy_shape *shape);

/*
 * Reads the next rows, capacity of them or what is left, and says how many in *n_rows: 0 only behind the last. columns:
 * where each column of the array goes, capacity doubles; NULL where it is not wanted. Floats are widened. After a
 * failure nothing of *n_rows rows is given, and every further call fails too. Codes as for tlw_npy_open; TLW_ERR_DATA:
 * the file ends early, or an integer is too large; the message has its row and column from 1.
 */
TLW_API tlw_status tlw_npy_next(tlw_npy *npy, double *const *columns, int64_t capacity, int64_t *n_rows,
                                tlw_error *error);

/* Closes the file and sets *npy to NULL. NULL is fine. */
TLW_API void tlw_npy_close(tlw_npy **npy);

/* Bytes of every header, so that it can be written anew once the number of rows is known. */
#define TLW_NPY_HEADER_SIZE 128

/*
 * Writes the header of an array of n_rows x n_columns doubles; behind it come the rows, each n_columns doubles, little-
 * endian. TLW_ERR_ARGUMENT: out is NULL, a number is negative, or there are too many for a file.
 */
TLW_API tlw_status tlw_npy_header(char out[TLW_NPY_HEADER_SIZE], int64_t n_rows, int32_t n_columns, tlw_error *error);

/* Numbers of an array that is written, little-endian. */
typedef enum tlw_npy_type { TLW_NPY_U8 = 0, TLW_NPY_F32 = 1, TLW_NPY_F64 = 2 } tlw_npy_type;

#define TLW_NPY_DIMENSIONS_MAX 4

/*
 * Likewise of an array of 1 to TLW_NPY_DIMENSIONS_MAX dimensions. TLW_ERR_ARGUMENT: out or dimensions is NULL, a number
 * is out of range, or the numbers are too many for a file.
 */
TLW_API tlw_status tlw_npy_array_header(char out[TLW_NPY_HEADER_SIZE], tlw_npy_type type, const int64_t *dimensions,
                                        int32_t n_dimensions, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
