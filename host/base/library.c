#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool tlw_library_load(const char *file, const char *what, const char *const *names, size_t n, void *table, char *reason,
                      size_t reason_size) {
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    snprintf(reason, reason_size, "%s could not be loaded: %.170s", what, why ? why : file);
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    void *function = dlsym(library, names[i]);
    if (!function) {
      snprintf(reason, reason_size, "%s is too old, it has no %s: update it", what, names[i]);
      dlclose(library);
      return false;
    }
    memcpy((char *)table + i * sizeof function, &function, sizeof function);
  }
  return true;
}
