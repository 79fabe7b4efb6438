#include "device_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tlw_device_list_add(struct tlw_device_list *list, const tlw_device *device) {
  if (list->count == list->capacity) {
    const size_t capacity = list->capacity ? 2 * list->capacity : 8;
    tlw_device *items = realloc(list->items, capacity * sizeof *items);
    if (!items) {
      list->lost++;
      return;
    }
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = *device;
}

void tlw_device_list_free(struct tlw_device_list *list) {
  free(list->items);
  *list = (struct tlw_device_list){0};
}

void tlw_device_refuse(tlw_device *device, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(device->reason, sizeof device->reason, format, args);
  va_end(args);
  device->usable = device->automatic = 0;
}

void tlw_device_list_add_absence(struct tlw_device_list *list, tlw_backend backend, const char *reason) {
  tlw_device none = {.backend = backend, .index = -1};
  tlw_device_refuse(&none, "%s", reason);
  tlw_device_list_add(list, &none);
}

const char *tlw_backend_name(tlw_backend backend) {
  switch (backend) {
  case TLW_BACKEND_AUTO:
    return "auto";
  case TLW_BACKEND_CPU:
    return "cpu";
  case TLW_BACKEND_OPENCL:
    return "opencl";
  case TLW_BACKEND_CUDA:
    return "cuda";
  }
  return "unknown";
}
