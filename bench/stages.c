#include "stages.h"

#include <math.h>
#include <stdatomic.h>

#include "common.h"

#define CALLS_LEAST 3

static struct {
  bool active;
  bool on_device;
  _Atomic uint64_t nanoseconds[TLW_STAGES];
} pass;

/* What the host does beside a device is none of its stages. */
static void add_span(void *user, const tlw_span *span) {
  (void)user;
  if (pass.on_device && (span->track < TLW_TRACK_UPLOAD || span->track > TLW_TRACK_DOWNLOAD)) return;
  atomic_fetch_add_explicit(&pass.nanoseconds[span->stage], span->duration, memory_order_relaxed);
}

void bench_stages_ask(tlw_engine_options *options) {
  if (pass.active) options->trace = add_span;
}

/* Of the spans since it was last taken. */
static double take_seconds(tlw_stage stage) { return (double)atomic_exchange(&pass.nanoseconds[stage], 0) * 1e-9; }

/* A busy machine makes calls slower, never faster; and of a new engine the first one is slower by itself. */
static bench_stage_times run_pass(bench_subject *subject, double seconds) {
  bench_stage_times least = {INFINITY, INFINITY, INFINITY};
  const double end = bench_now() + seconds;
  for (int call = 0; call < CALLS_LEAST || bench_now() < end; call++) {
    tlw_error error;
    if (subject->run(subject->state, 1, &error) != TLW_OK) return (bench_stage_times){0};
    least.upload = fmin(least.upload, take_seconds(TLW_STAGE_UPLOAD));
    least.compute = fmin(least.compute, take_seconds(TLW_STAGE_COMPUTE));
    least.download = fmin(least.download, take_seconds(TLW_STAGE_DOWNLOAD));
  }
  return least;
}

bench_stage_times bench_measure_stages(const bench_case *what, const bench_lane *lane, double seconds) {
  bench_stage_times times = {0};
  bench_subject subject;
  tlw_error error;
  pass.active = true;
  pass.on_device = lane->backend != TLW_BACKEND_CPU;
  if (what->suite->open(what, lane, &subject, &error) == TLW_OK) {
    times = run_pass(&subject, seconds);
    subject.close(subject.state);
  }
  pass.active = false;
  return times;
}
