#include <inttypes.h>
#include <stdio.h>

#include "device_list.h"
#include "format.h"
#include "parse.h"
#include "report.h"
#include "tallow/engine.h"

/* Index of the device that AUTO takes; the count if there is none. */
static size_t automatic_device(const cli_device_list *list) {
  size_t i = 0;
  while (i < list->count && !(list->devices[i].usable && list->devices[i].automatic)) i++;
  return i;
}

static void print_row(const tlw_device *d, int chosen) {
  printf("%-8s", tlw_backend_name(d->backend));
  if (d->index >= 0) {
    printf("%-3d ", d->index);
    cli_print_plain(stdout, d->name);
  } else {
    printf("-   no device");
  }
  if (chosen) printf("  <- auto takes this");
  putchar('\n');
}

static void print_facts(const tlw_device *d) {
  const char *separator = "            ";
  if (*d->driver) {
    fputs(separator, stdout);
    cli_print_plain(stdout, d->driver);
    separator = ", ";
  }
  if (d->memory_bytes) {
    char memory[CLI_BYTES_SIZE];
    cli_bytes_text(d->memory_bytes, memory);
    printf("%s%s", separator, memory);
    separator = ", ";
  }
  if (d->compute_units) {
    printf("%s%" PRIu32 " %s", separator, d->compute_units, d->backend == TLW_BACKEND_CPU ? "CPUs" : "compute units");
    separator = ", ";
  }
  if (*d->uuid) {
    fputs(separator, stdout);
    cli_print_plain(stdout, d->uuid);
    separator = ", ";
  }
  if (*separator == ',') putchar('\n');
}

static void print_state(const tlw_device *d) {
  const char *usable = d->automatic ? "usable" : "usable by name, auto passes over it";
  printf("            %s", d->usable ? usable : d->index < 0 ? "not available" : "refused");
  if (*d->reason) {
    printf(": ");
    cli_print_plain(stdout, d->reason);
  }
  putchar('\n');
}

static void print_table(const cli_device_list *list) {
  size_t chosen = automatic_device(list);
  for (size_t i = 0; i < list->count; i++) {
    print_row(&list->devices[i], i == chosen);
    if (list->devices[i].index >= 0) print_facts(&list->devices[i]);
    print_state(&list->devices[i]);
  }
}

static void print_json_text(const char *name, const char *text) {
  printf("    \"%s\": ", name);
  cli_print_json(stdout, text);
  printf(",\n");
}

static const char *json_bool(int value) { return value ? "true" : "false"; }

static void print_json_device(const tlw_device *d, int chosen, int checked) {
  printf("  {\n");
  print_json_text("backend", tlw_backend_name(d->backend));
  if (d->index >= 0)
    printf("    \"index\": %d,\n", d->index);
  else
    printf("    \"index\": null,\n");
  print_json_text("name", d->name);
  print_json_text("uuid", d->uuid);
  print_json_text("driver", d->driver);
  printf("    \"memory_bytes\": %" PRIu64 ",\n    \"compute_units\": %" PRIu32 ",\n", d->memory_bytes,
         d->compute_units);
  print_json_text("reason", d->reason);
  printf("    \"usable\": %s,\n    \"checked\": %s,\n    \"automatic\": %s,\n    \"auto_choice\": %s\n  }",
         json_bool(d->usable), json_bool(checked), json_bool(d->automatic), json_bool(chosen));
}

static void print_json(const cli_device_list *list, int checked) {
  size_t chosen = automatic_device(list);
  printf("[");
  for (size_t i = 0; i < list->count; i++) {
    printf(i ? ",\n" : "\n");
    print_json_device(&list->devices[i], i == chosen, checked);
  }
  printf(list->count ? "\n]\n" : "]\n");
}

static int any_usable(const cli_device_list *list) {
  for (size_t i = 0; i < list->count; i++)
    if (list->devices[i].usable) return 1;
  return 0;
}

cli_exit cli_run_devices(const cli_args *args) {
  int check = args->values[DEVICES_CHECK].given;
  cli_device_list list;
  cli_exit code = cli_device_list_read(&list, check);
  if (code) return code;
  if (args->values[DEVICES_JSON].given)
    print_json(&list, check);
  else
    print_table(&list);
  if (!any_usable(&list)) code = cli_fail(CLI_UNAVAILABLE, "no device can be used; the reasons are in the list");
  cli_device_list_free(&list);
  return code;
}
