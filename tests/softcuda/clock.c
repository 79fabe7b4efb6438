#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "driver.h"

/*
 * Planted times. Each operation is planned when it is queued: it begins once what it waits for has ended and its
 * engine has done what was queued before. Virtual clocks begin at START, as an end of 0 is that of an operation
 * without times.
 */
enum { START = 1000000000 };

/* Systems wake a sleeper so much later, or less. */
enum { LATE = 80000 };

static uint64_t virtual_now[SC_MAX_DEVICES];

static struct {
  uint64_t busy[SC_ENGINES];
  sc_span span; /* end 0: nothing was carried out */
} timeline;

bool sc_clock_planted(void) {
  const sc_config *c = &sc.config;
  return (c->upload_rate | c->download_rate | c->compute_rate | c->launch_time | c->copy_time) != 0;
}

uint64_t sc_clock_now(cu_device device) {
  if (sc.config.virtual_clock) return virtual_now[device];
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void reach(cu_device device, uint64_t time) {
  if (virtual_now[device] < time) virtual_now[device] = time;
}

static void sleep_until(uint64_t time) {
  const struct timespec t = {(time_t)(time / 1000000000), (long)(time % 1000000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

/* The end is waited for awake, so that short times are what was planted. */
void sc_clock_wait(cu_device device, uint64_t until) {
  if (sc.config.virtual_clock) {
    reach(device, until);
    return;
  }
  pthread_mutex_unlock(&sc.lock);
  if (sc_clock_now(device) + LATE < until) sleep_until(until - LATE);
  while (sc_clock_now(device) < until) sched_yield();
  pthread_mutex_lock(&sc.lock);
}

static uint64_t time_of(uint64_t amount, uint64_t rate) {
  return rate == 0 ? 0 : (uint64_t)((double)amount * 1e9 / (double)rate);
}

uint64_t sc_clock_copy(sc_engine engine, uint64_t bytes) {
  if (engine == SC_COMPUTE) return 0;
  return sc.config.copy_time * 1000 +
         time_of(bytes, engine == SC_UPLOAD ? sc.config.upload_rate : sc.config.download_rate);
}

uint64_t sc_clock_launch(uint64_t lanes) {
  return sc.config.launch_time * 1000 + time_of(lanes, sc.config.compute_rate);
}

sc_span sc_clock_plan(sc_context *context, sc_engine engine, uint64_t duration, uint64_t ready) {
  uint64_t begin = sc_clock_now(context->device);
  if (begin < ready) begin = ready;
  if (begin < context->engine_free[engine]) begin = context->engine_free[engine];
  const uint64_t end = begin + duration;
  context->engine_free[engine] = end;
  return (sc_span){begin, end};
}

void sc_clock_count(cu_device device, sc_engine engine, sc_span span) {
  if (span.end == 0) return;
  if (sc.config.virtual_clock) reach(device, span.end); /* it was another device's wait that carried it out */
  timeline.busy[engine] += span.end - span.begin;
  if (timeline.span.end == 0 || span.begin < timeline.span.begin) timeline.span.begin = span.begin;
  if (span.end > timeline.span.end) timeline.span.end = span.end;
}

static void reset_timeline(void) { memset(&timeline, 0, sizeof timeline); }

void sc_clock_restart(void) {
  for (int i = 0; i < SC_MAX_DEVICES; ++i) virtual_now[i] = START;
  reset_timeline();
}

/* ---- what tests call ---- */

void softcuda_timeline(struct softcuda_timeline *t) {
  pthread_mutex_lock(&sc.lock);
  *t = (struct softcuda_timeline){.upload_busy = timeline.busy[SC_UPLOAD],
                                  .download_busy = timeline.busy[SC_DOWNLOAD],
                                  .compute_busy = timeline.busy[SC_COMPUTE],
                                  .elapsed = timeline.span.end - timeline.span.begin};
  pthread_mutex_unlock(&sc.lock);
}

void softcuda_reset_timeline(void) {
  pthread_mutex_lock(&sc.lock);
  reset_timeline();
  pthread_mutex_unlock(&sc.lock);
}
