/* Devices as backends describe them: a list to append to, names and refusals. */
#ifndef TALLOW_SEAM_DEVICE_LIST_H
#define TALLOW_SEAM_DEVICE_LIST_H

#include <stddef.h>

#include "tallow/engine.h"

struct tlw_device_list {
  tlw_device *items;
  size_t count, capacity;
  size_t lost; /* devices that no memory was left for */
};

void tlw_device_list_add(struct tlw_device_list *list, const tlw_device *device);
void tlw_device_list_free(struct tlw_device_list *list);

/* Makes the device one that can't be used, with the reason. */
void tlw_device_refuse(tlw_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the entry of a backend that has no device, with the reason. */
void tlw_device_list_add_absence(struct tlw_device_list *list, tlw_backend backend, const char *reason);

#endif
