/* Libraries that are opened at run time. */
#ifndef TALLOW_BASE_LIBRARY_H
#define TALLOW_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens a shared library and fills table, a struct of n function pointers, from the symbols of these names, in order.
 * what names the library to people. On failure the reason says what is missing and *table is unspecified. The library stays loaded for good: drivers
 * keep threads of their own.
 */
bool tlw_library_load(const char *file, const char *what, const char *const *names, size_t n, void *table, char *reason,
                      size_t reason_size);

#endif
