/* A source of bytes: a file or standard input, plain or gzip. The error that a function takes must not be NULL. */
#ifndef TALLOW_IO_INPUT_H
#define TALLOW_IO_INPUT_H

#include <stddef.h>

#include "host/base/memory.h"
#include "tallow/status.h"

struct tlw_input;

/*
 * Opens path, or standard input for "-". All memory, zlib's too, comes from memory, which may be NULL: then it is not
 * counted. TLW_ERR_NOT_FOUND: it is missing, a folder or may not be read; TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_BUDGET;
 * TLW_ERR_DATA: the gzip header is damaged. On failure *input is NULL.
 */
tlw_status tlw_input_open(const char *path, struct tlw_memory *memory, struct tlw_input **input, tlw_error *error);

/*
 * Reads 1 to capacity bytes, *size of them; none at the end. A gzip file's members follow each other without a seam.
 * TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_BUDGET; TLW_ERR_DATA: the gzip data is damaged or ends early.
 */
tlw_status tlw_input_read(struct tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error);

/* What messages call it: the path, shortened if it is very long. */
const char *tlw_input_name(const struct tlw_input *input);

/* Closes it, but not standard input itself, and sets *input to NULL. */
void tlw_input_close(struct tlw_input **input);

#endif
