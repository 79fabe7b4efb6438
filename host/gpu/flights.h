/*
 * Work in flight on the device: first in, first out. Waiting is asking again and again, so that a device that hangs
 * holds nobody for longer than the deadline. Only a driver that fails to answer is waited for blindly.
 */
#ifndef TALLOW_GPU_FLIGHTS_H
#define TALLOW_GPU_FLIGHTS_H

#include "device.h"
#include "host/seam/backend.h"
#include "kernels/png_args.h"

/* Queues of the device, which run beside each other; a flight goes through them in this order. */
enum tlw_gpu_stage { TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, TLW_GPU_QUEUES };

#define TLW_GPU_FLIGHTS 4

/* The files that a flight makes. */
struct tlw_flight_files {
  struct tlw_render_files files;
  int64_t n;
  struct tlw_slab slab;
  tlk_png_args args;
};

/*
 * What is to be done once the work of a flight has ended so far. It may put more work into queues, which it marks, and
 * another step into the flight. Where it fails the flight ends so.
 */
struct tlw_flight;
typedef tlw_status (*tlw_flight_step)(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *error);

struct tlw_flight {
  struct tlw_ticket *ticket;                  /* of the owner */
  uint64_t part;                              /* of the pool; 0: none */
  struct tlw_gpu_event marks[TLW_GPU_QUEUES]; /* behind the work of the flight in each queue */
  bool busy[TLW_GPU_QUEUES];                  /* work is there that has not been seen to end */
  bool unanswered;                            /* the driver failed to say whether it has ended */
  int64_t begun;
  tlw_flight_step then; /* or NULL */
  /* Where the device is timed. */
  struct tlw_gpu_event begins[TLW_GPU_QUEUES]; /* in front of the work of the flight in each queue */
  bool timed[TLW_GPU_QUEUES];                  /* that mark is there */
  int64_t taken;                               /* before any work was put in a queue */
  tlw_operation operation;                     /* for which it was sent */
  int64_t items;                               /* as in records of the operation; 0: not known */
  uint64_t bytes[TLW_GPU_QUEUES];              /* copied */
  struct tlw_flight_files files;
  tlk_series series[TLW_JOB_SERIES]; /* of the job, where they are not as its owner has them */
};

struct tlw_flights {
  struct tlw_flight ring[TLW_GPU_FLIGHTS];
  uint32_t first, n;
  uint64_t number; /* of the newest ticket */
  int64_t ended;   /* when a flight was last seen to end */
};

tlw_status tlw_flights_open(struct tlw_backend_state *state, tlw_error *error);
/* Nothing is in flight. */
void tlw_flights_close(struct tlw_backend_state *state);

/*
 * A flight to put work in, with a part of size bytes of the pool; 0: with none. Waits for others where there is no
 * place or no room. Give it to tlw_flight_send or tlw_flight_drop.
 */
tlw_status tlw_flight_take(struct tlw_backend_state *state, uint64_t size, struct tlw_flight **flight,
                           tlw_error *error);

/* Work of the flight for a queue is put in next. */
void tlw_flight_begin(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue);

/* Marks the end of the flight's work in a queue. */
tlw_status tlw_flight_mark(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue,
                           tlw_error *error);

/* All its work is enqueued and marked: the ticket is filled, and has the result once the flight has ended. */
void tlw_flight_send(struct tlw_backend_state *state, struct tlw_flight *flight, struct tlw_ticket *ticket);

/*
 * Enqueuing it has failed: waits until the device is done with what was enqueued. Gives failure->code, or
 * TLW_ERR_DEVICE_LOST with *failure filled anew.
 */
tlw_status tlw_flight_drop(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *failure);

/* Waits for one, and gives its result; for all, the results of which are then in their tickets. */
tlw_status tlw_flights_wait(struct tlw_backend_state *state, struct tlw_ticket *ticket, tlw_error *error);
tlw_status tlw_flights_finish(struct tlw_backend_state *state, tlw_error *error);

/* Whether waiting would return at once. */
bool tlw_flights_is_done(struct tlw_backend_state *state, const struct tlw_ticket *ticket);

/*
 * Waits until the device is idle, for a driver whose closing calls wait for it for ever. Neither tickets nor the pool
 * change. False: the driver is not to be called any more.
 */
bool tlw_flights_settle(struct tlw_backend_state *state);

/* The driver has said that the device is lost: all that is in flight has failed with it. */
void tlw_flights_lose(struct tlw_backend_state *state, const tlw_error *failure);

#endif
