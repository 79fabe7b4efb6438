/* A source of bytes: a file or standard input, plain or packed. The error that a function takes must not be NULL. */
#ifndef TALLOW_IO_INPUT_H
#define TALLOW_IO_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/memory.h"
#include "tallow/csv.h"
#include "tallow/status.h"

/* What a packed file may unpack to in any case, and how many times its size unless something else is asked for. */
#define TLW_INPUT_ALWAYS (UINT64_C(64) << 20)
#define TLW_INPUT_EXPANSION 1000

struct tlw_input;

/*
 * Opens path, or standard input for "-", and tells by its first bytes how it is packed. expansion: it may unpack to so
 * many times the packed bytes used; 0: TLW_INPUT_EXPANSION. All memory, that of the libraries that unpack too, comes
 * from memory, which may be NULL: then it is not counted. TLW_ERR_NOT_FOUND: it is missing, a folder or may not be
 * read; TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_BUDGET; TLW_ERR_UNAVAILABLE: it is packed by Zstandard and there is no
 * libzstd; TLW_ERR_DATA: it is of a kind that is not read. On failure *input is NULL.
 */
tlw_status tlw_input_open(const char *path, uint32_t expansion, struct tlw_memory *memory, struct tlw_input **input,
                          tlw_error *error);

/*
 * Reads 1 to capacity bytes, *size of them; none at the end. The members of a gzip file and the frames of a Zstandard
 * file follow each other without a seam. What is packed within what was packed stays so. TLW_ERR_IO; TLW_ERR_MEMORY;
 * TLW_ERR_BUDGET; TLW_ERR_DATA: what is packed is damaged, ends early, unpacks to too much, or is a zip that holds not
 * one file. After a failure of a packed file every further call gives the same.
 */
tlw_status tlw_input_read(struct tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error);

/* How it is packed. */
tlw_packing tlw_input_packing(const struct tlw_input *input);

/* Bytes of the file, as it is packed, that were used so far. */
uint64_t tlw_input_consumed(const struct tlw_input *input);

/* What messages call it: the path, shortened if it is very long. */
const char *tlw_input_name(const struct tlw_input *input);

/* Closes it, but not standard input itself, and sets *input to NULL. */
void tlw_input_close(struct tlw_input **input);

#endif
