/* Version of the Tallow library, at compile time and at run time. */
#ifndef TALLOW_VERSION_H
#define TALLOW_VERSION_H

#if defined(__GNUC__)
#define TLW_API __attribute__((visibility("default")))
#else
#define TLW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Semantic versioning. Before 1.0 a new minor version may change the API; the SONAME then changes with it. */
#define TLW_VERSION_MAJOR 0
#define TLW_VERSION_MINOR 1
#define TLW_VERSION_PATCH 0
#define TLW_VERSION_STRING "0.1.0"

/*
 * The version of the library that is linked, as "MAJOR.MINOR.PATCH". Static storage, never NULL.
 * Thread-safety: any thread, any time.
 */
TLW_API const char *tlw_version(void);

/*
 * The libraries that decide the bytes of files of TLW_PNG_LIBPNG, such as "zlib", and their versions at run time, by
 * index from 0; NULL behind the last. Static storage. Thread-safety: any thread, any time.
 */
TLW_API const char *tlw_library_name(int index);
TLW_API const char *tlw_library_version(int index);

#ifdef __cplusplus
}
#endif

#endif
