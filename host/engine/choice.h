/*
 * Which backend a batch runs on, where the engine was opened for TLW_BACKEND_AUTO and has a device: what either would
 * take for it, from costs that were measured (tuning.h) or else from bandwidths and latencies.
 */
#ifndef TALLOW_ENGINE_CHOICE_H
#define TALLOW_ENGINE_CHOICE_H

#include <stdbool.h>

#include "tallow/engine.h"

/* Kinds of work that differ in what decides their time. */
enum tlw_work {
  TLW_WORK_CHARTS, /* units: pixels; extra: candles. Also images that are made of charts */
  TLW_WORK_FILES,  /* charts as PNG files of TLW_PNG_FAST without digests; likewise */
  TLW_WORK_FOLD,   /* windows of sums, means, variances, extremes ...: units: results; extra: series */
  TLW_WORK_ORDER,  /* of medians, ranks and quantiles: likewise */
  TLW_WORK_SCAN,   /* of recursive filters: likewise */
  TLW_WORK_BARS,   /* units: ticks of a chunk that a device could join; extra: 0, for bars are not known before */
  TLW_WORK_IMAGES, /* JKX images. Units: their bytes; extra: images */
  TLW_WORKS
};

/* How much arithmetic an operation takes on the CPU, at most, in terms of that which was measured. */
enum tlw_heft {
  TLW_HEFT_ANY,   /* tlw_work_heaviest */
  TLW_HEFT_FOUR,  /* 4 times as much */
  TLW_HEFT_ALIKE, /* 1.25 times */
  TLW_HEFTS
};

/*
 * What a call does at once; of a stream, what it was given at once, by the number of its engines. Costs are measured of
 * one operation for each kind of work; what others take differs by the members behind `extra`, where all are 0 for that
 * one.
 */
struct tlw_load {
  enum tlw_work work;
  double units, extra;
  enum tlw_heft heft; /* a bound of cpu_more that is told sooner */
  double cpu_more;    /* units' worth of arithmetic beyond that of `units`, on the CPU; may be below 0 */
  double moved_more;  /* likewise of bytes between host and device */
  double kernel_more; /* likewise of what windows of ranks and quantiles take in kernels */
  int sharers;        /* loads that the CPU would have to do at the same time; 0 as 1 */
};

/* The most arithmetic of an operation on the CPU, in terms of that which was measured; what it costs on a device is at
 * least what that costs of so much less. */
double tlw_work_heaviest(enum tlw_work work);
double tlw_work_lightest(enum tlw_work work);
double tlw_heft_most(enum tlw_work work, enum tlw_heft heft);

/* Seconds of a load: a curve through points of growing units, in logarithms straight between them, beyond the ends
 * constant below and in proportion above; and so much for each extra. */
#define TLW_COST_POINTS 24

struct tlw_cost {
  int n; /* 0: not known, the other backend is taken */
  double units[TLW_COST_POINTS], seconds[TLW_COST_POINTS];
  double extra;
};

/* Costs on the device that AUTO takes, and on the CPU beside it. */
struct tlw_tuning {
  bool measured;           /* else estimated */
  bool guessed[TLW_WORKS]; /* of what was measured: kinds of which that told too little, and which are estimated */
  struct tlw_cost device[TLW_WORKS], cpu[TLW_WORKS];
};

/* As of the operation that was measured. Infinite where it is not known, or where the curve is none. */
double tlw_cost_of(const struct tlw_cost *cost, const struct tlw_load *load);

/* Of n loads one after the other, as they are. */
double tlw_cost_on_cpu(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n);
double tlw_cost_on_device(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n);

/* Whether the CPU is to do n loads in one batch; what takes as long on the device is the device's. Pure. */
bool tlw_choice_is_cpu(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n);

/*
 * Units of each kind of work, and extras, up to which the CPU is faster whatever the operation, if it is of this heft,
 * without sharers, as long as costs grow with units; 0 units where there is no such bound: what spares small batches,
 * which take less time than their costs do to be told, the telling.
 */
struct tlw_sure {
  double units[TLW_WORKS][TLW_HEFTS], extras[TLW_WORKS];
};

/* Pure, both. */
void tlw_choice_sure(const struct tlw_tuning *tuning, struct tlw_sure *sure);
bool tlw_choice_is_sure(const struct tlw_sure *sure, const struct tlw_load *loads, int n);

/* Whether the device is known to be slower at every load of every kind, by any operation: there is no use in opening
 * it. Pure. */
bool tlw_choice_is_never(const struct tlw_tuning *tuning);

/* "charts", "windows", ... for a sentence. */
const char *tlw_work_name(enum tlw_work work);

#endif
