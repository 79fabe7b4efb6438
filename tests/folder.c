#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char folder[] = "/tmp/tallow_test_XXXXXX";

int folder_make(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

int folder_remove(void **state) {
  (void)state;
  return rmdir(folder);
}

const char *path_of(const char *name) {
  static char path[sizeof folder + 300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}
