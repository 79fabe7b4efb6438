/* Where the data of a piece of work lie on the device, and how much of a job fits. */
#ifndef TALLOW_GPU_PLAN_H
#define TALLOW_GPU_PLAN_H

#include "host/seam/backend.h"
#include "kernels/chart_args.h"
#include "kernels/images_args.h"
#include "kernels/png_args.h"

struct tlw_plan {
  int64_t row, rows;      /* of the columns; packed: rows 0 to the sum of the series' rows */
  bool packed;            /* each series' rows behind those of the one before, without what lies between them */
  tlk_chart_args args;    /* offsets in the slab */
  tlk_png_args png;       /* likewise, for a job with files */
  tlk_expand_args expand; /* for one with a tensor, whose images are made here first */
  uint64_t size;          /* bytes */
};

/* Of the whole job, from byte `base` of a slab on. */
struct tlw_plan tlw_plan_of(const struct tlw_render_job *job, uint64_t base);

/* The most charts, from the first series on, whose plan has at most so many bytes; with merged, rows of the chart. */
int64_t tlw_plan_fit(const struct tlw_render_job *job, uint64_t bytes);

/* Bytes of the plan of one row of a chart, merged. */
uint64_t tlw_plan_least(const tlk_layout *layout);

#endif
