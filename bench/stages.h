/*
 * Where the time of a call goes by stages, as the engine tells it: on a device by the device's own clock. In a pass of
 * its own, so that telling disturbs no figure.
 */
#ifndef TALLOW_BENCH_STAGES_H
#define TALLOW_BENCH_STAGES_H

#include "case.h"

/* Seconds of a call, the least; 0: there is no such stage, or it is not known. Stages of a call may overlap. */
typedef struct bench_stage_times {
  double upload, compute, download; /* compute: kernels alone, or the threads of the CPU */
} bench_stage_times;

/* Calls a case on a lane, which has an engine, for about so long. */
bench_stage_times bench_measure_stages(const bench_case *what, const bench_lane *lane, double seconds);

/* During a pass an engine is opened so that it tells. */
void bench_stages_ask(tlw_engine_options *options);

#endif
