/* All devices of all backends, as tlw_devices lists them. */
#ifndef CLI_DEVICE_LIST_H
#define CLI_DEVICE_LIST_H

#include <stddef.h>

#include "exit_codes.h"
#include "tallow/engine.h"

typedef struct cli_device_list {
  tlw_device *devices;
  size_t count;
} cli_device_list;

/* check as for tlw_devices. CLI_OK, or another code after a message: then there is nothing to free. */
cli_exit cli_device_list_read(cli_device_list *list, int check);
void cli_device_list_free(cli_device_list *list);

#endif
