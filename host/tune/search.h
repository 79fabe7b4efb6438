/*
 * Finds out at which sizes of a kind of work the device is faster than the CPU: sizes over the whole range first,
 * then more where one overtakes the other or might. What measures is given, so that it can be a model.
 */
#ifndef TALLOW_TUNE_SEARCH_H
#define TALLOW_TUNE_SEARCH_H

#include "host/engine/choice.h"
#include "tallow/status.h"

/* Which of the two shapes of a kind of work: as it mostly is; with more extras for as many units. */
enum tlw_tune_shape { TLW_TUNE_USUAL, TLW_TUNE_RICH };

struct tlw_tune_meter {
  void *user;
  /* The load that can be made with about so many units. Pure; grows with units. */
  struct tlw_load (*load)(void *user, enum tlw_work work, enum tlw_tune_shape shape, double units);
  /* Seconds of one call, warm. */
  tlw_status (*sample)(void *user, const struct tlw_load *load, enum tlw_tune_shape shape, bool on_cpu, double *seconds,
                       tlw_error *error);
  /* Seconds of the clock. */
  double (*now)(void *user);
};

/* Sizes of a kind of work; rich: at which to find what extras take, 0 where there are none. */
struct tlw_tune_range {
  double least, most, rich;
};

struct tlw_tune_point_pair {
  struct tlw_load load;
  double cpu, device; /* seconds */
};

struct tlw_tune_curve {
  int n;        /* 0: the device can't do this work */
  bool is_poor; /* time or memory was at an end before sizes told anything */
  int measured; /* the first so many points; those behind go on as they do */
  struct tlw_tune_point_pair points[TLW_COST_POINTS];
  double cpu_extra, device_extra; /* seconds */
};

/*
 * Fills in the curve until about the time `until`. What sample fails with is given back, but TLW_ERR_BUDGET and
 * TLW_ERR_MEMORY, which end the range, unless they come at its first size; and TLW_ERR_UNAVAILABLE, after which there
 * are no points.
 */
tlw_status tlw_tune_search(const struct tlw_tune_meter *meter, enum tlw_work work, const struct tlw_tune_range *range,
                           double until, struct tlw_tune_curve *curve, tlw_error *error);

/* The costs that a choice is made by; where the device can't do this work, such that the CPU is taken. */
void tlw_tune_costs(const struct tlw_tune_curve *curve, struct tlw_cost *cpu, struct tlw_cost *device);

/*
 * Units between which the device wins, of the last such sizes. False: it wins at none; *from is 0 where it wins at
 * all sizes up to *until, which is INFINITY where it wins at the greatest.
 */
bool tlw_tune_crossing(const struct tlw_tune_curve *curve, double *from, double *until);

#endif
