/* Rows of JKX windows as contiguous doubles, where the columns of the candles can't be read as they are. */
#ifndef TALLOW_IMAGES_PACK_H
#define TALLOW_IMAGES_PACK_H

#include "host/seam/backend.h"
#include "request.h"

/* Bytes that the rows of a window take, at most; 0: they can be read where they are. */
uint64_t tlw_image_rows_each(const struct tlw_image_request *request);

/*
 * Copies the rows of n windows into as many times that memory, those that windows share with the one before them only
 * once, and points windows and job there. The result is the bytes that were copied.
 */
uint64_t tlw_image_pack(const struct tlw_image_request *request, tlk_jkx_window *windows, int64_t n, double *rows,
                        struct tlw_images_job *job);

/* Points the job at the columns as they are. */
void tlw_image_columns(const tlw_candles *candles, struct tlw_images_job *job);

#endif
