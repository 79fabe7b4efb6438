/* What a run is measured on: machine, devices, compiler, commit, and how fast this machine copies. */
#ifndef TALLOW_BENCH_MACHINE_H
#define TALLOW_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "nvml.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#define BENCH_DEVICES_MAX 8

typedef struct bench_machine {
  char date[32]; /* UTC */
  char host[64];
  char cpu[TLW_NAME_SIZE], tier[TLW_NAME_SIZE];
  uint32_t cpus;
  double megahertz;  /* of the first CPU now; 0: not known */
  char governor[32]; /* "": not known */
  double load;       /* the average of a minute; below 0: not known */
  char compiler[128], version[32], commit[48];
  bool optimized;
  int n_devices;
  tlw_device devices[BENCH_DEVICES_MAX];      /* beside the CPU, usable */
  bench_gpu_clocks clocks[BENCH_DEVICES_MAX]; /* of each */
  double copy_one, copy_all;                  /* bytes a second, read and written; 0: not measured */
  uint32_t copy_threads;
  char fingerprint[24]; /* the same for runs that can be compared */
} bench_machine;

/* All but the bandwidth. */
tlw_status bench_machine_read(bench_machine *machine, tlw_error *error);

/*
 * Fills copy_one and copy_all, of so many threads, with what is more than they hold already: called at the beginning
 * and at the end of a run it gives the better of both. Takes some tenths of a second.
 */
tlw_status bench_machine_copy(bench_machine *machine, uint32_t threads, tlw_error *error);

/* Looks at the clocks of the device that engines of this backend take, while cases run on it. */
void bench_machine_watch(bench_machine *machine, tlw_backend backend);

/* From the CPU, its tier and number, and the devices with their drivers. */
void bench_machine_identify(bench_machine *machine);

#endif
