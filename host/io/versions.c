#include "tallow/version.h"

#include <png.h>
#include <stddef.h>
#include <zlib.h>

enum { LIBPNG, ZLIB, LIBRARIES };

const char *tlw_library_name(int index) {
  static const char *const names[LIBRARIES] = {[LIBPNG] = "libpng", [ZLIB] = "zlib"};
  return index >= 0 && index < LIBRARIES ? names[index] : NULL;
}

const char *tlw_library_version(int index) {
  if (index == LIBPNG) return png_get_libpng_ver(NULL);
  return index == ZLIB ? zlibVersion() : NULL;
}
