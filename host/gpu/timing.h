/*
 * When the work of flights began and ended, by the device's own clock: for each queue that a flight has gone through a
 * span, once the flight has landed.
 *
 * A device's clock runs beside the host's, and two of its marks far apart tell their distance badly. So times are read
 * from a mark not long ago, the base, the host's time of which is known about: a round of marks tells it within
 * microseconds, and then each flight, which can't begin before it is given nor end after it was seen to.
 */
#ifndef TALLOW_GPU_TIMING_H
#define TALLOW_GPU_TIMING_H

#include "flights.h"

struct tlw_timing {
  bool works;
  bool pauses; /* what begins now is not timed */
  struct tlw_gpu_event base;
  int64_t base_time;              /* of the host */
  int64_t newest[TLW_GPU_QUEUES]; /* end of the newest span of each */
};

/* Where the device is timed; else nothing here does anything. The queues and flights are open. TLW_ERR_DEVICE_LOST. */
tlw_status tlw_timing_open(struct tlw_backend_state *state, tlw_error *error);
void tlw_timing_close(struct tlw_backend_state *state);

/* Nothing is in flight: a base of long ago gives way to a new one. TLW_ERR_DEVICE_LOST. */
tlw_status tlw_timing_refresh(struct tlw_backend_state *state, tlw_error *error);

/* The flight's first work for a queue is put in next. */
void tlw_timing_begin(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue);

/* The flight has ended as it should, and was seen to. */
void tlw_timing_land(struct tlw_backend_state *state, struct tlw_flight *flight);

#endif
