#include "timing.h"

#include "state.h"

#define ROUNDS 8
#define OLD_NS INT64_C(1000000000) /* of a base: a driver that tells milliseconds as a float errs by 60 ns then */

/* Of a flight's time on both clocks, the difference that is put down to how they run. */
#define TOLERANCE_NS 10000
#define TOLERANCE_SHARE 64

static int64_t now(const struct tlw_backend_state *state) { return tlw_ledger_now(&state->services->ledger); }

static bool measure(const struct tlw_backend_state *state, const struct tlw_gpu_event *mark, int64_t *time) {
  struct tlw_gpu *gpu = state->gpu;
  return gpu->ops->event_time(gpu, &state->timing.base, mark, time, NULL) == TLW_OK;
}

/* ---- the base ---- */

/* A mark that was reached, so that each is still one of its owner. */
static void exchange(struct tlw_gpu_event *a, struct tlw_gpu_event *b) {
  const struct tlw_gpu_event kept = *a;
  *a = *b;
  *b = kept;
}

/* A flight that is nothing but a mark, and between which moments it was reached. */
static tlw_status fly_mark(struct tlw_backend_state *state, struct tlw_gpu_event **mark, int64_t *from, int64_t *to,
                           tlw_error *error) {
  struct tlw_flight *flight;
  struct tlw_ticket ticket;
  tlw_error failure;
  tlw_status status = tlw_flight_take(state, 0, &flight, error);
  if (status != TLW_OK) return status;
  *mark = &flight->marks[TLW_GPU_DOWNLOAD];
  *from = now(state);
  status = tlw_flight_mark(state, flight, TLW_GPU_DOWNLOAD, &failure);
  if (status != TLW_OK) {
    status = tlw_flight_drop(state, flight, &failure);
    if (error) *error = failure;
    return status;
  }
  flight->busy[TLW_GPU_DOWNLOAD] = true;
  tlw_flight_send(state, flight, &ticket);
  status = tlw_flights_wait(state, &ticket, error);
  *to = state->flights.ended;
  return status;
}

/* The mark of the round in which the host knew best when it was reached becomes the base. */
static tlw_status find_base(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_timing *timing = &state->timing;
  int64_t narrowest = INT64_MAX;
  for (int i = 0; i < ROUNDS; i++) {
    struct tlw_gpu_event *mark;
    int64_t from = 0, to = 0;
    const tlw_status status = fly_mark(state, &mark, &from, &to, error);
    if (status != TLW_OK) return status;
    if (to - from >= narrowest) continue;
    narrowest = to - from;
    timing->base_time = from + narrowest / 2;
    exchange(&timing->base, mark);
  }
  return TLW_OK;
}

/* Times are no result: work goes on without them, unless the device is lost. */
static tlw_status look_for_base(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_timing *timing = &state->timing;
  tlw_error failure;
  timing->works = false; /* while marks fly */
  const tlw_status status = find_base(state, &failure);
  timing->works = status == TLW_OK;
  if (status == TLW_OK) return TLW_OK;
  if (error) *error = failure;
  if (status == TLW_ERR_DEVICE_LOST) return status;
  tlw_gpu_warn(state, "stages on the device are not timed: %.300s", failure.message);
  return TLW_OK;
}

tlw_status tlw_timing_open(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_gpu *gpu = state->gpu;
  if (!gpu->timed) return TLW_OK;
  const tlw_status status = gpu->ops->event_open(gpu, &state->timing.base, error);
  return status == TLW_OK ? look_for_base(state, error) : status;
}

void tlw_timing_close(struct tlw_backend_state *state) {
  struct tlw_gpu_event *base = &state->timing.base;
  if (base->handle) state->gpu->ops->event_close(state->gpu, base);
}

tlw_status tlw_timing_refresh(struct tlw_backend_state *state, tlw_error *error) {
  const struct tlw_timing *timing = &state->timing;
  if (!timing->works || now(state) - timing->base_time <= OLD_NS) return TLW_OK;
  return look_for_base(state, error);
}

/* While flights follow each other without a pause, the base moves on with them. */
static void move_base(struct tlw_timing *timing, struct tlw_gpu_event *mark, int64_t *time) {
  if (*time < OLD_NS) return;
  timing->base_time += *time;
  exchange(&timing->base, mark);
  *time = 0;
}

/* ---- flights ---- */

void tlw_timing_begin(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue) {
  struct tlw_gpu *gpu = state->gpu;
  if (!state->timing.works || state->timing.pauses || flight->timed[queue]) return;
  flight->timed[queue] = gpu->ops->event_record(gpu, &state->queues[queue], &flight->begins[queue], NULL) == TLW_OK;
}

/* From the base. */
struct times {
  int64_t begin, end;
};

static void read_times(struct tlw_backend_state *state, struct tlw_flight *flight, struct times *times) {
  bool first = true;
  for (int q = 0; q < TLW_GPU_QUEUES; q++) {
    struct times *t = &times[q];
    if (flight->timed[q]) flight->timed[q] = measure(state, &flight->begins[q], &t->begin);
    if (!flight->timed[q]) continue;
    if (first) move_base(&state->timing, &flight->begins[q], &t->begin);
    first = false;
    flight->timed[q] = measure(state, &flight->marks[q], &t->end) && t->end >= t->begin;
  }
}

/*
 * Sets the base's time so that the flight has begun after it was taken, and ended before it was seen to. False: it
 * can't have taken the time that the device says.
 */
static bool fit(struct tlw_backend_state *state, const struct tlw_flight *flight, const struct times *times) {
  struct tlw_timing *timing = &state->timing;
  const int64_t host = state->flights.ended - flight->taken;
  int64_t first = INT64_MAX, last = INT64_MIN;
  for (int q = 0; q < TLW_GPU_QUEUES; q++) {
    if (!flight->timed[q]) continue;
    if (times[q].begin < first) first = times[q].begin;
    if (times[q].end > last) last = times[q].end;
  }
  if (last < first || last - first > host + host / TOLERANCE_SHARE + TOLERANCE_NS) return false;
  if (timing->base_time + last > state->flights.ended) timing->base_time = state->flights.ended - last;
  if (timing->base_time + first < flight->taken) timing->base_time = flight->taken - first;
  return true;
}

/* A base that was just set anew must not let spans of a track overlap. */
static void tell(struct tlw_backend_state *state, const struct tlw_flight *flight, enum tlw_gpu_stage queue,
                 struct times times) {
  static const struct {
    tlw_stage stage;
    uint32_t track;
  } names[TLW_GPU_QUEUES] = {
      [TLW_GPU_UPLOAD] = {TLW_STAGE_UPLOAD, TLW_TRACK_UPLOAD},
      [TLW_GPU_COMPUTE] = {TLW_STAGE_COMPUTE, TLW_TRACK_COMPUTE},
      [TLW_GPU_DOWNLOAD] = {TLW_STAGE_DOWNLOAD, TLW_TRACK_DOWNLOAD},
  };
  struct tlw_timing *timing = &state->timing;
  int64_t begin = timing->base_time + times.begin, end = timing->base_time + times.end;
  int64_t *newest = &timing->newest[queue];
  if (begin < *newest) begin = *newest;
  if (end < begin) end = begin;
  *newest = end;
  const tlw_span span = {
      .begin = begin,
      .duration = (uint64_t)(end - begin),
      .operation = (int32_t)flight->operation,
      .stage = (int32_t)names[queue].stage,
      .track = names[queue].track,
      .items = flight->items,
      .bytes = flight->bytes[queue],
  };
  tlw_telemetry_span(&state->services->telemetry, &span);
}

void tlw_timing_land(struct tlw_backend_state *state, struct tlw_flight *flight) {
  struct times times[TLW_GPU_QUEUES] = {{0}};
  bool any = false;
  for (int q = 0; q < TLW_GPU_QUEUES; q++) any |= flight->timed[q];
  if (!any) return;
  read_times(state, flight, times);
  if (!fit(state, flight, times)) return;
  for (int q = 0; q < TLW_GPU_QUEUES; q++)
    if (flight->timed[q]) tell(state, flight, (enum tlw_gpu_stage)q, times[q]);
}
