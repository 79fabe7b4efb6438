/*
 * What NVIDIA's management library knows of a GPU: the driver, the clocks, and what holds them back. The library
 * comes with the driver and is opened at run time; where it is missing nothing is known.
 */
#ifndef TALLOW_BENCH_NVML_H
#define TALLOW_BENCH_NVML_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_gpu_clocks {
  char driver[32];               /* "580.95.05"; "": not known, as all that follows is then */
  uint32_t core, core_most;      /* MHz; 0: not known */
  uint32_t memory, memory_most;  /* likewise */
  uint32_t core_least, core_top; /* the lowest and the highest that was seen while cases ran on it */
  uint32_t held;                 /* BENCH_HELD_ bits that were seen, then too */
} bench_gpu_clocks;

/* Why clocks are lower than they could be; bits. That a GPU has nothing to do is none. */
enum {
  BENCH_HELD_SETTING = 1, /* somebody has set them */
  BENCH_HELD_POWER = 2,
  BENCH_HELD_HEAT = 4,
  BENCH_HELD_HARDWARE = 8, /* the board slows it down, for its supply or without saying why */
  BENCH_HELD_OTHERS = 16   /* it keeps step with other GPUs */
};

/* uuid: of the GPU or of a part of it, as tlw_device has it. */
void bench_gpu_clocks_read(const char *uuid, bench_gpu_clocks *clocks);

/* Adds what they are now, as seen while a case runs. Does nothing where they are not known. */
void bench_gpu_clocks_watch(const char *uuid, bench_gpu_clocks *clocks);

/*
 * "driver 580.95.05, 345 of 1980 MHz, memory 2619 of 2619 MHz"; with what was seen while cases ran
 * "ran at 1200 to 1980 MHz, held back by power". "" where nothing is known. Return text.
 */
#define BENCH_CLOCKS_TEXT_SIZE 160
const char *bench_gpu_clocks_text(const bench_gpu_clocks *clocks, char text[BENCH_CLOCKS_TEXT_SIZE]);
const char *bench_gpu_run_text(const bench_gpu_clocks *clocks, char text[BENCH_CLOCKS_TEXT_SIZE]);

#endif
