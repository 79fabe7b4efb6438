#include "device_list.h"

#include <stdlib.h>

#include "report.h"

#define FIRST_CAPACITY 16

cli_exit cli_device_list_read(cli_device_list *list, int check) {
  *list = (cli_device_list){0};
  size_t capacity = FIRST_CAPACITY;
  for (;;) {
    tlw_error error;
    tlw_device *devices = realloc(list->devices, capacity * sizeof *devices);
    if (!devices) {
      cli_device_list_free(list);
      return cli_fail(CLI_NO_MEMORY, "no memory to list %zu devices", capacity);
    }
    list->devices = devices;
    if (tlw_devices(check, devices, capacity, &list->count, &error) != TLW_OK) {
      cli_device_list_free(list);
      return cli_fail_library(&error);
    }
    if (list->count <= capacity) return CLI_OK;
    capacity = list->count;
  }
}

void cli_device_list_free(cli_device_list *list) {
  free(list->devices);
  *list = (cli_device_list){0};
}
