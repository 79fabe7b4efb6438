#include "flights.h"

#include <string.h>
#include <time.h>

#include "host/base/error.h"
#include "memory.h"
#include "state.h"
#include "timing.h"

/* Most pieces of work take longer than a launch, so that asking at once is worth while; then ever less often. */
#define SPIN_NS 50000
#define FIRST_NAP_NS 20000
#define LONGEST_NAP_NS 500000

#define NS_PER_MS INT64_C(1000000)

static int64_t now(const struct tlw_backend_state *state) { return tlw_ledger_now(&state->services->ledger); }

tlw_status tlw_flights_open(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  tlw_status status = TLW_OK;
  for (int i = 0; i < TLW_GPU_FLIGHTS; i++)
    for (int q = 0; q < TLW_GPU_QUEUES && status == TLW_OK; q++)
      status = gpu->ops->event_open(gpu, &state->flights.ring[i].marks[q], error);
  for (int i = 0; i < TLW_GPU_FLIGHTS && gpu->timed; i++)
    for (int q = 0; q < TLW_GPU_QUEUES && status == TLW_OK; q++)
      status = gpu->ops->event_open(gpu, &state->flights.ring[i].begins[q], error);
  return status;
}

void tlw_flights_close(struct tlw_backend_state *state) {
  struct tlw_gpu *gpu = state->gpu;
  for (int i = 0; i < TLW_GPU_FLIGHTS; i++) {
    for (int q = 0; q < TLW_GPU_QUEUES; q++) {
      struct tlw_gpu_event *mark = &state->flights.ring[i].marks[q], *begin = &state->flights.ring[i].begins[q];
      if (mark->handle) gpu->ops->event_close(gpu, mark);
      if (begin->handle) gpu->ops->event_close(gpu, begin);
    }
  }
}

static struct tlw_flight *flight_at(struct tlw_flights *flights, uint32_t i) {
  return &flights->ring[(flights->first + i) % TLW_GPU_FLIGHTS];
}

/* ---- failure for good ---- */

/* The pool is left alone: it may be what has found out. */
void tlw_flights_lose(struct tlw_backend_state *state, const tlw_error *failure) {
  struct tlw_flights *flights = &state->flights;
  state->lost = true;
  state->failure = *failure;
  state->failure.code = TLW_ERR_DEVICE_LOST;
  for (uint32_t i = 0; i < flights->n; i++) {
    struct tlw_flight *flight = flight_at(flights, i);
    *flight->ticket = (struct tlw_ticket){.status = TLW_ERR_DEVICE_LOST, .error = state->failure};
    for (int q = 0; q < TLW_GPU_QUEUES; q++) flight->busy[q] = false;
  }
  flights->n = 0;
}

static void abandon(struct tlw_backend_state *state, const tlw_error *failure) {
  state->abandoned = true;
  tlw_flights_lose(state, failure);
}

/* ---- looking and waiting ---- */

static bool is_late(const struct tlw_backend_state *state, const struct tlw_flight *flight) {
  const uint32_t deadline = state->services->deadline_ms;
  if (deadline == TLW_DEADLINE_NONE) return false;
  const int64_t since = flight->begun > state->flights.ended ? flight->begun : state->flights.ended;
  return now(state) - since > deadline * NS_PER_MS;
}

static void keep_failure(struct tlw_ticket *ticket, tlw_status status, const tlw_error *failure) {
  if (status == TLW_OK || ticket->status != TLW_OK) return;
  ticket->status = status;
  ticket->error = *failure;
}

/*
 * For a driver that failed to mark the end of the flight or to tell about it. Once all queues are empty the flight
 * has ended, nobody knows how; a device that can't even be waited for may go on using the memory of others.
 */
static void finish_blindly(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *failure) {
  struct tlw_gpu *gpu = state->gpu;
  keep_failure(flight->ticket, failure->code, failure);
  for (int q = 0; q < TLW_GPU_QUEUES; q++) {
    const tlw_status status = gpu->ops->finish(gpu, &state->queues[q], failure);
    if (status != TLW_OK) {
      if (status == TLW_ERR_DEVICE_LOST)
        tlw_flights_lose(state, failure);
      else
        abandon(state, failure);
      return;
    }
    flight->busy[q] = false;
  }
  state->flights.ended = now(state);
}

/* Marks every queue, for one that a fault has struck shows it then. */
static void mark_all(struct tlw_backend_state *state, struct tlw_flight *flight) {
  for (int q = 0; q < TLW_GPU_QUEUES && !state->lost; q++) {
    tlw_error failure;
    tlw_status status = tlw_flight_mark(state, flight, (enum tlw_gpu_stage)q, &failure);
    if (status != TLW_OK && status != TLW_ERR_DEVICE_LOST)
      status = tlw_flight_mark(state, flight, (enum tlw_gpu_stage)q, &failure);
    if (status == TLW_ERR_DEVICE_LOST)
      tlw_flights_lose(state, &failure);
    else if (status != TLW_OK && flight->busy[q])
      finish_blindly(state, flight, &failure);
    else
      flight->busy[q] = status == TLW_OK;
  }
}

/* What follows from a mark that has not been reached. True: there is no more to wait for. */
static bool give_up(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_status status, tlw_error *failure) {
  if (status == TLW_ERR_DEVICE_LOST) {
    tlw_flights_lose(state, failure);
    return true;
  }
  if (status != TLW_OK && flight->unanswered) {
    finish_blindly(state, flight, failure);
    return true;
  }
  flight->unanswered = status != TLW_OK;
  if (flight->unanswered || !is_late(state, flight)) return false;
  tlw_fail(failure, TLW_ERR_DEVICE_LOST, "the device has not finished a piece of work within %u ms: it hangs",
           state->services->deadline_ms);
  abandon(state, failure);
  return true;
}

/* Takes the next step of a flight whose work has ended. True: there is no more to wait for. */
static bool take_step(struct tlw_backend_state *state, struct tlw_flight *flight) {
  const tlw_flight_step step = flight->then;
  flight->then = NULL;
  tlw_error failure;
  const tlw_status status = step(state, flight, &failure);
  if (status == TLW_ERR_DEVICE_LOST) {
    tlw_flights_lose(state, &failure);
    return true;
  }
  keep_failure(flight->ticket, status, &failure);
  if (status != TLW_OK) mark_all(state, flight);
  bool is_busy = false;
  for (int q = 0; q < TLW_GPU_QUEUES; q++) is_busy |= flight->busy[q];
  return !is_busy && !flight->then;
}

/* Whether the flight has ended, or the device is lost. Those before it have ended. */
static bool look(struct tlw_backend_state *state, struct tlw_flight *flight) {
  struct tlw_gpu *gpu = state->gpu;
  bool was_busy = false;
  for (int q = 0; q < TLW_GPU_QUEUES; q++) {
    if (!flight->busy[q]) continue;
    bool done = false;
    tlw_error failure;
    const tlw_status status = gpu->ops->event_done(gpu, &flight->marks[q], &done, &failure);
    if (!done || status == TLW_ERR_DEVICE_LOST) return give_up(state, flight, status, &failure);
    keep_failure(flight->ticket, status, &failure);
    flight->busy[q] = flight->unanswered = false;
    was_busy = true;
  }
  if (was_busy) state->flights.ended = now(state);
  return !flight->then || flight->ticket->status != TLW_OK || take_step(state, flight);
}

static void await(struct tlw_backend_state *state, struct tlw_flight *flight) {
  const int64_t spin_end = now(state) + SPIN_NS;
  struct timespec nap = {.tv_nsec = FIRST_NAP_NS};
  while (!look(state, flight)) {
    if (now(state) < spin_end) continue;
    nanosleep(&nap, NULL);
    nap.tv_nsec = nap.tv_nsec < LONGEST_NAP_NS / 2 ? 2 * nap.tv_nsec : LONGEST_NAP_NS;
  }
}

static void release(struct tlw_backend_state *state, struct tlw_flight *flight) {
  if (flight->part) tlw_pool_free(&state->pool, flight->part);
  flight->part = 0;
}

/* Takes the oldest flight, which has ended, out. */
static void land(struct tlw_backend_state *state) {
  struct tlw_flights *flights = &state->flights;
  struct tlw_flight *oldest = flight_at(flights, 0);
  if (oldest->ticket->status == TLW_OK) tlw_timing_land(state, oldest);
  release(state, oldest);
  oldest->ticket->number = 0;
  flights->first = (flights->first + 1) % TLW_GPU_FLIGHTS;
  flights->n--;
}

/* Waits for the oldest flight. TLW_ERR_DEVICE_LOST, but not what the flight itself has come to. */
static tlw_status wait_oldest(struct tlw_backend_state *state, tlw_error *error) {
  if (!state->lost) await(state, flight_at(&state->flights, 0));
  if (!state->lost) {
    land(state);
    return TLW_OK;
  }
  if (error) *error = state->failure;
  return TLW_ERR_DEVICE_LOST;
}

tlw_status tlw_flights_finish(struct tlw_backend_state *state, tlw_error *error) {
  tlw_status status = TLW_OK;
  while (state->flights.n > 0 && status == TLW_OK) status = wait_oldest(state, error);
  return status;
}

tlw_status tlw_flights_wait(struct tlw_backend_state *state, struct tlw_ticket *ticket, tlw_error *error) {
  while (ticket->number && wait_oldest(state, NULL) == TLW_OK) {
  }
  if (ticket->status != TLW_OK && error) *error = ticket->error;
  return ticket->status;
}

bool tlw_flights_is_done(struct tlw_backend_state *state, const struct tlw_ticket *ticket) {
  while (ticket->number && look(state, flight_at(&state->flights, 0)))
    if (!state->lost) land(state);
  return ticket->number == 0;
}

bool tlw_flights_settle(struct tlw_backend_state *state) {
  for (uint32_t i = 0; i < state->flights.n; i++) await(state, flight_at(&state->flights, i));
  return !state->abandoned;
}

/* ---- in and out ---- */

/* Spares the pool an attempt that is bound to fail, and to be counted as a failure. */
static bool is_crowded(const struct tlw_backend_state *state, uint64_t size) {
  const struct tlw_pool *pool = &state->pool;
  const uint64_t slabs = tlw_pool_slabs(pool), more = tlw_gpu_memory_available(state);
  const uint64_t used = tlw_gauge_read(&pool->in_use).current;
  return size > slabs - used && size - (slabs - used) > more;
}

static tlw_status take_part(struct tlw_backend_state *state, uint64_t size, uint64_t *part, tlw_error *error) {
  for (;;) {
    const bool alone = state->flights.n == 0;
    if (alone || !is_crowded(state, size)) {
      const tlw_status status = tlw_pool_alloc(&state->pool, size, TLW_POOL_WORK, part, error);
      if (status == TLW_ERR_BUDGET && alone) return tlw_gpu_memory_refuse(state, size, error);
      if (alone || (status != TLW_ERR_BUDGET && status != TLW_ERR_MEMORY)) return status;
    }
    const tlw_status status = wait_oldest(state, error);
    if (status != TLW_OK) return status;
  }
}

tlw_status tlw_flight_take(struct tlw_backend_state *state, uint64_t size, struct tlw_flight **flight,
                           tlw_error *error) {
  struct tlw_flights *flights = &state->flights;
  tlw_status status = TLW_OK;
  if (flights->n == TLW_GPU_FLIGHTS) status = wait_oldest(state, error);
  if (status == TLW_OK && flights->n == 0) status = tlw_timing_refresh(state, error);
  uint64_t part = 0;
  if (status == TLW_OK && size > 0) status = take_part(state, size, &part, error);
  if (status != TLW_OK) return status;
  struct tlw_flight *taken = flight_at(flights, flights->n);
  taken->part = part;
  taken->unanswered = false;
  taken->then = NULL;
  taken->items = 0;
  memset(taken->timed, 0, sizeof taken->timed);
  memset(taken->bytes, 0, sizeof taken->bytes);
  if (state->gpu->timed) taken->taken = now(state);
  *flight = taken;
  return TLW_OK;
}

void tlw_flight_begin(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue) {
  if (!flight->busy[queue]) tlw_timing_begin(state, flight, queue);
}

tlw_status tlw_flight_mark(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue,
                           tlw_error *error) {
  return state->gpu->ops->event_record(state->gpu, &state->queues[queue], &flight->marks[queue], error);
}

void tlw_flight_send(struct tlw_backend_state *state, struct tlw_flight *flight, struct tlw_ticket *ticket) {
  *ticket = (struct tlw_ticket){.number = ++state->flights.number};
  flight->ticket = ticket;
  flight->operation = state->services->telemetry.operation;
  flight->begun = now(state);
  state->flights.n++;
}

tlw_status tlw_flight_drop(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *failure) {
  struct tlw_ticket ticket;
  flight->then = NULL;
  memset(flight->timed, 0, sizeof flight->timed);
  tlw_flight_send(state, flight, &ticket);
  if (failure->code == TLW_ERR_DEVICE_LOST)
    tlw_flights_lose(state, failure);
  else
    mark_all(state, flight);
  tlw_flights_wait(state, &ticket, NULL);
  if (state->lost) *failure = state->failure;
  return failure->code;
}
