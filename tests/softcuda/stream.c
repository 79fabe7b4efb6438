#include <stdlib.h>
#include <string.h>

#include "driver.h"

/*
 * A stream is a queue of work that is carried out only when someone waits for it: then what is waited for runs, and
 * chance decides how much of the other streams' work runs before. With planted times it runs when its time has come. A
 * marker is a point in a queue; an event is the name of the marker that it recorded last.
 */
typedef struct marker {
  unsigned holders;
  sc_stream *stream; /* valid until it is done */
  uint64_t time;     /* when it is reached, by planted times */
  uint64_t reached;  /* when it was, for those who ask */
  bool done;
} marker;

typedef enum work_kind { COPY, LAUNCH, RECORD, WAIT } work_kind;

typedef struct work {
  struct work *next;
  work_kind kind;
  uint64_t serial; /* grows over all streams */
  sc_engine engine;
  sc_span span; /* when it runs; ends never fall within a stream */
  sc_copy copy;
  sc_launch launch;
  marker *marker;
} work;

struct sc_stream {
  sc_stream *next; /* of all streams of all contexts */
  sc_context *context;
  bool blocking;
  bool closed;      /* destroyed by its owner; lives until its work is done */
  bool hung;        /* its first operation never ends */
  unsigned waiters; /* calls that wait for it: it lives until they have returned */
  work *head, **tail;
  unsigned length;
  uint64_t last;  /* serial of what was queued last */
  uint64_t ready; /* when all that is queued has ended */
};

typedef struct event {
  marker *last; /* NULL: never recorded */
  bool timed;
} event;

enum { MAX_LENGTH = 1024 };

static sc_stream *streams;
static uint64_t serial;

/* ---- queues ---- */

static void marker_drop(marker *m) {
  if (m != NULL && --m->holders == 0) free(m);
}

/* Whether the source is the copy's own, taken at the call. */
static bool captured(const sc_copy *copy) { return copy->from_host && !copy->source_locked; }

static void work_free(work *w) {
  if (w->kind == COPY && captured(&w->copy)) free((void *)(uintptr_t)w->copy.source);
  if (w->kind == LAUNCH) free(w->launch.args);
  marker_drop(w->marker);
  free(w);
}

static work *take(sc_stream *s) {
  work *w = s->head;
  s->head = w->next;
  if (s->head == NULL) s->tail = &s->head;
  --s->length;
  --sc.stats.queued;
  return w;
}

static bool waits(const sc_stream *s) { return s->head->kind == WAIT && !s->head->marker->done; }

static bool blocked(const sc_stream *s) { return s->hung || waits(s); }

/* Whether some of what was queued up to this serial is left. */
static bool pending(const sc_stream *s, uint64_t last) { return s->head != NULL && s->head->serial <= last; }

static void stream_free(sc_stream *stream) {
  sc_stream **link = &streams;
  while (*link != stream) link = &(*link)->next;
  *link = stream->next;
  free(stream);
}

static void free_closed(void) {
  for (sc_stream *s = streams, *next; s != NULL; s = next) {
    next = s->next;
    if (s->closed && s->head == NULL && s->waiters == 0) stream_free(s);
  }
}

void sc_stream_drop(const sc_context *context) {
  for (sc_stream *s = streams; s != NULL; s = s->next) {
    if (s->context != context) continue;
    while (s->head != NULL) {
      work *w = take(s);
      if (w->kind == RECORD) w->marker->done = true;
      work_free(w);
    }
  }
}

/* ---- execution ---- */

static uint64_t size_of(const sc_copy *copy) { return (uint64_t)copy->width * copy->height; }

static void execute_copy(const sc_copy *copy) {
  const uint64_t bytes = size_of(copy);
  const bool pretended = sc.config.pretended && sc_pretend_copy(copy);
  for (size_t y = 0; y < copy->height && !pretended; ++y)
    memmove(copy->target + y * copy->target_pitch, copy->source + y * copy->source_pitch, copy->width);
  if (copy->from_host && !copy->to_host) sc.stats.bytes_up += bytes;
  if (!copy->from_host && copy->to_host) sc.stats.bytes_down += bytes;
  if (!copy->from_host && !copy->to_host) sc.stats.bytes_within += bytes;
}

static cu_result execute(sc_context *context, work *w) {
  ++sc.calls[SC_EXECUTE];
  bool sticky;
  const cu_result code = sc_fault(SC_EXECUTE, &sticky);
  if (code != CU_SUCCESS) return code;
  if (w->kind == COPY) execute_copy(&w->copy);
  if (w->kind != LAUNCH) return CU_SUCCESS;
  if (strcmp(w->launch.kernel->name, sc.config.skip) == 0) return CU_SUCCESS;
  if (sc.config.pretended) {
    sc_pretend(&w->launch);
    return CU_SUCCESS;
  }
  const cu_result result = sc_launch_run(&w->launch);
  sc_memory_check(context, w->launch.kernel->name);
  return result;
}

/* With planted times it is carried out at some moment behind its own. */
static void reach(const sc_stream *s, marker *m) {
  if (!sc_clock_planted()) m->reached = sc_clock_now(s->context->device);
  m->done = true;
}

static bool is_operation(const work *w) { return w->kind == COPY || w->kind == LAUNCH; }

/* Carries out the first operation of a queue, if it doesn't hang. */
static void step(sc_stream *s) {
  if (is_operation(s->head) && sc.hang_in > 0 && --sc.hang_in == 0) {
    s->hung = true;
    return;
  }
  work *w = take(s);
  if (is_operation(w)) {
    sc_clock_count(s->context->device, w->engine, w->span);
    const cu_result code = execute(s->context, w);
    if (code != CU_SUCCESS) sc_context_fail(s->context, code);
  }
  if (w->kind == RECORD) reach(s, w->marker);
  work_free(w);
}

/* The stream whose first operation must run so that this stream goes on. NULL: that one hangs. */
static sc_stream *demanded(sc_stream *s) {
  while (!s->hung && waits(s)) s = s->head->marker->stream;
  return s->hung ? NULL : s;
}

/* Any stream that can go on, or NULL. */
static sc_stream *runnable(void) {
  uint32_t count = 0;
  sc_stream *chosen = NULL;
  for (sc_stream *s = streams; s != NULL; s = s->next)
    if (s->head != NULL && !blocked(s) && sc_random(++count) == 0) chosen = s;
  return chosen;
}

/* ---- by chance ---- */

enum { MOST = 4 };

static void step_by_chance(sc_stream *s, uint32_t eagerness) {
  sc_stream *next = demanded(s);
  if (next == NULL) sc_never();
  step(sc_random(MOST) < eagerness ? runnable() : next);
}

/* What a query does, so that asking again and again comes to an end. */
static void make_progress(const marker *m) {
  const uint32_t steps = 1 + sc_random(MOST), eagerness = sc_random(MOST + 1);
  for (uint32_t i = 0; i < steps && !m->done; ++i) {
    sc_stream *next = sc_random(MOST) < eagerness ? runnable() : demanded(m->stream);
    if (next != NULL) step(next);
  }
}

/* ---- by planted times ---- */

static bool is_earlier(const work *a, const work *b) {
  return a->span.end != b->span.end ? a->span.end < b->span.end : a->serial < b->serial;
}

/* The stream of a context whose first operation ends next, of those that can go on and end at these times. Or NULL. */
static sc_stream *next_due(const sc_context *context, uint64_t from, uint64_t to) {
  sc_stream *next = NULL;
  for (sc_stream *s = streams; s != NULL; s = s->next) {
    if (s->context != context || s->head == NULL || s->head->span.end < from || s->head->span.end > to) continue;
    if (demanded(s) != NULL && (next == NULL || is_earlier(s->head, next->head))) next = s;
  }
  return next;
}

static void run_due(const sc_context *context, uint64_t now) {
  for (sc_stream *s = next_due(context, 0, now); s != NULL; s = next_due(context, 0, now)) step(demanded(s));
}

static void step_in_time(sc_stream *s, uint64_t last) {
  const cu_device device = s->context->device;
  const uint64_t now = sc_clock_now(device);
  run_due(s->context, now);
  if (!pending(s, last)) return;
  if (s->head->span.end <= now) sc_never();
  sc_clock_wait(device, s->head->span.end);
}

/* What a query does: a virtual clock goes on to the next end. */
static void let_time_pass(const sc_context *context) {
  const uint64_t now = sc_clock_now(context->device);
  const sc_stream *next = sc.config.virtual_clock ? next_due(context, now + 1, UINT64_MAX) : NULL;
  if (next != NULL) sc_clock_wait(context->device, next->head->span.end);
}

/* ---- waiting ---- */

/* Waits for what was queued on a stream up to this serial. Returns the error of its context. */
static cu_result complete(sc_stream *s, uint64_t last) {
  const uint32_t eagerness = sc_random(MOST + 1);
  const bool was_closed = s->closed;
  ++s->waiters;
  while (pending(s, last)) {
    if (sc_clock_planted())
      step_in_time(s, last);
    else
      step_by_chance(s, eagerness);
  }
  --s->waiters;
  const cu_result result = s->closed && !was_closed ? CU_INVALID_HANDLE : s->context->error;
  free_closed();
  return result;
}

bool sc_stream_hangs(const sc_context *context) {
  const sc_stream *s = streams;
  while (s != NULL && (s->context != context || !s->hung)) s = s->next;
  return s != NULL;
}

static sc_stream *busy(const sc_context *context) {
  sc_stream *s = streams;
  while (s != NULL && (s->context != context || s->head == NULL)) s = s->next;
  return s;
}

void sc_stream_drain(const sc_context *context) {
  const cu_context handle = context->handle;
  for (sc_stream *s = busy(context); s != NULL && context->handle == handle; s = busy(context)) complete(s, s->last);
}

/* ---- submission ---- */

static sc_engine engine_of(const work *w) {
  if (w->kind == COPY && w->copy.from_host && !w->copy.to_host) return SC_UPLOAD;
  if (w->kind == COPY && !w->copy.from_host && w->copy.to_host) return SC_DOWNLOAD;
  return SC_COMPUTE;
}

static void plan(sc_stream *s, work *w) {
  w->span = (sc_span){s->ready, s->ready};
  if (!is_operation(w) || !sc_clock_planted()) return;
  w->engine = engine_of(w);
  const uint64_t time = w->kind == COPY ? sc_clock_copy(w->engine, size_of(&w->copy))
                                        : sc_clock_launch((uint64_t)w->launch.groups * w->launch.lanes);
  w->span = sc_clock_plan(s->context, w->engine, time, s->ready);
  s->ready = w->span.end;
}

static cu_result append(sc_stream *s, const work *what) {
  work *w = malloc(sizeof *w);
  if (w == NULL) return CU_OUT_OF_MEMORY;
  *w = *what;
  w->next = NULL;
  w->serial = s->last = ++serial;
  plan(s, w);
  if (w->marker != NULL) ++w->marker->holders;
  *s->tail = w;
  s->tail = &w->next;
  ++s->length;
  ++sc.stats.queued;
  return CU_SUCCESS;
}

/* Marks the end of a queue. The caller holds the marker. NULL when out of memory. */
static marker *record(sc_stream *s) {
  marker *m = malloc(sizeof *m);
  if (m == NULL) return NULL;
  const uint64_t now = sc_clock_now(s->context->device);
  *m = (marker){.holders = 1, .stream = s, .time = s->ready, .reached = now > s->ready ? now : s->ready};
  if (append(s, &(work){.kind = RECORD, .marker = m}) != CU_SUCCESS) {
    free(m);
    return NULL;
  }
  return m;
}

static cu_result wait_for(sc_stream *s, marker *m) {
  if (s->ready < m->time) s->ready = m->time;
  return m->done ? CU_SUCCESS : append(s, &(work){.kind = WAIT, .marker = m});
}

/* What is queued on a after this waits for what is queued on b before. */
static cu_result join(sc_stream *a, sc_stream *b) {
  if (b->head == NULL) return CU_SUCCESS;
  marker *m = record(b);
  if (m == NULL) return CU_OUT_OF_MEMORY;
  const cu_result result = wait_for(a, m);
  marker_drop(m);
  return result;
}

/* The default stream and the blocking ones wait for each other. */
static cu_result join_legacy(sc_stream *s) {
  sc_stream *legacy = s->context->legacy;
  if (s != legacy) return s->blocking ? join(s, legacy) : CU_SUCCESS;
  cu_result result = CU_SUCCESS;
  for (sc_stream *other = streams; other != NULL && result == CU_SUCCESS; other = other->next)
    if (other->context == s->context && other->blocking && other != legacy) result = join(legacy, other);
  return result;
}

/* Room in a queue, where a submission begins. */
static cu_result make_room(sc_stream *s) {
  return s->length < MAX_LENGTH ? s->context->error : complete(s, s->head->serial);
}

/* On failure what the work owns stays with the caller. */
static cu_result submit(sc_stream *s, const work *what) {
  cu_result result = make_room(s);
  if (result == CU_SUCCESS) result = join_legacy(s);
  return result == CU_SUCCESS ? append(s, what) : result;
}

cu_result sc_stream_copy(sc_stream *stream, const sc_copy *copy) {
  if (copy->width == 0 || copy->height == 0) return CU_SUCCESS;
  work w = {.kind = COPY, .copy = *copy};
  if (captured(copy)) {
    unsigned char *bytes = malloc(copy->width * copy->height);
    if (bytes == NULL) return CU_OUT_OF_MEMORY;
    for (size_t y = 0; y < copy->height; ++y)
      memcpy(bytes + y * copy->width, copy->source + y * copy->source_pitch, copy->width);
    w.copy.source = bytes;
    w.copy.source_pitch = copy->width;
  }
  const cu_result result = submit(stream, &w);
  if (result != CU_SUCCESS && captured(copy)) free((void *)(uintptr_t)w.copy.source);
  const bool blocks = (copy->to_host && !copy->target_locked) || (captured(copy) && sc_clock_planted());
  return result == CU_SUCCESS && blocks ? complete(stream, stream->last) : result;
}

cu_result sc_stream_launch(sc_stream *stream, const sc_launch *launch) {
  const cu_result result = submit(stream, &(work){.kind = LAUNCH, .launch = *launch});
  if (result != CU_SUCCESS) free(launch->args);
  return result;
}

/* ---- memory that is freed too early ---- */

static bool overlaps(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size) {
  return (uintptr_t)a < (uintptr_t)b + b_size && (uintptr_t)b < (uintptr_t)a + a_size;
}

static bool uses(const work *w, const unsigned char *start, size_t size) {
  const sc_copy *c = &w->copy;
  if (w->kind != COPY) return false;
  return overlaps(c->target, (c->height - 1) * c->target_pitch + c->width, start, size) ||
         overlaps(c->source, (c->height - 1) * c->source_pitch + c->width, start, size);
}

void sc_stream_fail_users(const unsigned char *start, size_t size) {
  for (sc_stream *s = streams; s != NULL; s = s->next) {
    const work *w = s->head;
    while (w != NULL && !uses(w, start, size)) w = w->next;
    if (w == NULL) continue;
    sc_report("page-locked memory at %p was freed, which a queued copy still uses", (const void *)start);
    ++sc.stats.guard_violations;
    sc_context_fail(s->context, CU_ILLEGAL_ADDRESS);
  }
}

/* ---- streams ---- */

sc_stream *sc_stream_new(sc_context *context, bool blocking) {
  sc_stream *s = malloc(sizeof *s);
  if (s == NULL) return NULL;
  *s = (sc_stream){.next = streams, .context = context, .blocking = blocking};
  s->tail = &s->head;
  streams = s;
  return s;
}

sc_stream *sc_stream_get(sc_context *context, cu_stream handle) {
  return handle == NULL ? context->legacy : sc_handle_object(handle, SC_STREAM, context);
}

static void close_stream(sc_context *context, cu_stream handle) {
  sc_stream *s = sc_handle_object(handle, SC_STREAM, context);
  sc_handle_close(handle);
  --sc.stats.streams;
  s->closed = true;
  free_closed();
}

static void close_event(cu_event handle) {
  event *e = sc_handle_object(handle, SC_EVENT, NULL);
  sc_handle_close(handle);
  --sc.stats.events;
  marker_drop(e->last);
  free(e);
}

void sc_stream_release(sc_context *context) {
  cu_stream stream;
  cu_event an_event;
  while ((stream = sc_handle_first(SC_STREAM, context)) != NULL) close_stream(context, stream);
  while ((an_event = sc_handle_first(SC_EVENT, context)) != NULL) close_event(an_event);
  context->legacy->closed = true;
  context->legacy = NULL;
  free_closed();
}

static cu_result stream_create(sc_context *context, cu_stream *handle, unsigned flags) {
  if (handle == NULL || flags > CU_STREAM_NON_BLOCKING) return CU_INVALID_VALUE;
  sc_stream *s = sc_stream_new(context, flags == 0);
  if (s == NULL) return CU_OUT_OF_MEMORY;
  const cu_stream number = sc_handle_new(SC_STREAM, context, s);
  if (number == NULL) {
    stream_free(s);
    return CU_OUT_OF_MEMORY;
  }
  ++sc.stats.streams;
  *handle = number;
  return CU_SUCCESS;
}

cu_result cuStreamCreate(cu_stream *handle, unsigned flags) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuStreamCreate, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = stream_create(context, handle, flags);
  return sc_leave(result);
}

cu_result cuStreamDestroy_v2(cu_stream handle) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuStreamDestroy_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS && sc_handle_object(handle, SC_STREAM, context) == NULL) result = CU_INVALID_HANDLE;
  if (result == CU_SUCCESS) close_stream(context, handle);
  return sc_leave(result);
}

static cu_result stream_synchronize(sc_context *context, cu_stream handle) {
  sc_stream *s = sc_stream_get(context, handle);
  if (s == NULL) return CU_INVALID_HANDLE;
  cu_result result = CU_SUCCESS;
  if (handle == NULL) result = join_legacy(s);
  if (result == CU_SUCCESS) result = complete(s, s->last);
  sc_memory_check(context, "when a stream was synchronised");
  return context->error != CU_SUCCESS ? context->error : result;
}

cu_result cuStreamSynchronize(cu_stream handle) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuStreamSynchronize, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = stream_synchronize(context, handle);
  return sc_leave(result);
}

/* ---- events ---- */

static cu_result event_create(sc_context *context, cu_event *handle, unsigned flags) {
  enum { ALL_FLAGS = 7, INTERPROCESS = 4 };
  if (handle == NULL || flags > ALL_FLAGS) return CU_INVALID_VALUE;
  if ((flags & INTERPROCESS) != 0 && (flags & CU_EVENT_DISABLE_TIMING) == 0) return CU_INVALID_VALUE;
  event *e = calloc(1, sizeof *e);
  if (e == NULL) return CU_OUT_OF_MEMORY;
  e->timed = (flags & CU_EVENT_DISABLE_TIMING) == 0;
  const cu_event number = sc_handle_new(SC_EVENT, context, e);
  if (number == NULL) {
    free(e);
    return CU_OUT_OF_MEMORY;
  }
  ++sc.stats.events;
  *handle = number;
  return CU_SUCCESS;
}

cu_result cuEventCreate(cu_event *handle, unsigned flags) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuEventCreate, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = event_create(context, handle, flags);
  return sc_leave(result);
}

cu_result cuEventDestroy_v2(cu_event handle) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuEventDestroy_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS && sc_handle_object(handle, SC_EVENT, context) == NULL) result = CU_INVALID_HANDLE;
  if (result == CU_SUCCESS) close_event(handle);
  return sc_leave(result);
}

static cu_result event_record(sc_context *context, cu_event handle, cu_stream stream) {
  event *e = sc_handle_object(handle, SC_EVENT, context);
  sc_stream *s = sc_stream_get(context, stream);
  if (e == NULL || s == NULL) return CU_INVALID_HANDLE;
  cu_result result = make_room(s);
  if (result == CU_SUCCESS) result = join_legacy(s);
  if (result != CU_SUCCESS) return result;
  marker *m = record(s);
  if (m == NULL) return CU_OUT_OF_MEMORY;
  marker_drop(e->last);
  e->last = m;
  return CU_SUCCESS;
}

cu_result cuEventRecord(cu_event handle, cu_stream stream) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuEventRecord, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = event_record(context, handle, stream);
  return sc_leave(result);
}

static cu_result event_query(sc_context *context, cu_event handle) {
  const event *e = sc_handle_object(handle, SC_EVENT, context);
  if (e == NULL) return CU_INVALID_HANDLE;
  marker *m = e->last;
  if (m == NULL) return CU_SUCCESS;
  if (sc_clock_planted())
    run_due(context, sc_clock_now(context->device));
  else
    make_progress(m);
  const bool done = m->done;
  free_closed();
  if (done) sc_memory_check(context, "when an event was complete");
  if (context->error != CU_SUCCESS) return context->error;
  if (!done) let_time_pass(context);
  return done ? CU_SUCCESS : CU_NOT_READY;
}

cu_result cuEventQuery(cu_event handle) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuEventQuery, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = event_query(context, handle);
  return sc_leave(result);
}

static cu_result event_elapsed(sc_context *context, float *milliseconds, cu_event from, cu_event to) {
  const event *a = sc_handle_object(from, SC_EVENT, context), *b = sc_handle_object(to, SC_EVENT, context);
  if (milliseconds == NULL) return CU_INVALID_VALUE;
  if (a == NULL || b == NULL || !a->timed || !b->timed || a->last == NULL || b->last == NULL) return CU_INVALID_HANDLE;
  if (sc_clock_planted()) run_due(context, sc_clock_now(context->device));
  const bool done = a->last->done && b->last->done;
  const double nanoseconds = (double)(int64_t)(b->last->reached - a->last->reached);
  free_closed();
  if (context->error != CU_SUCCESS) return context->error;
  if (done) *milliseconds = (float)(nanoseconds / 1e6);
  return done ? CU_SUCCESS : CU_NOT_READY;
}

cu_result cuEventElapsedTime(float *milliseconds, cu_event from, cu_event to) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuEventElapsedTime, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = event_elapsed(context, milliseconds, from, to);
  return sc_leave(result);
}

static cu_result stream_wait_event(sc_context *context, cu_stream stream, cu_event handle, unsigned flags) {
  sc_stream *s = sc_stream_get(context, stream);
  const event *e = sc_handle_object(handle, SC_EVENT, NULL);
  if (s == NULL || e == NULL) return CU_INVALID_HANDLE;
  if (flags != 0) return CU_INVALID_VALUE;
  const cu_result result = make_room(s);
  return result == CU_SUCCESS && e->last != NULL ? wait_for(s, e->last) : result;
}

cu_result cuStreamWaitEvent(cu_stream stream, cu_event handle, unsigned flags) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuStreamWaitEvent, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = stream_wait_event(context, stream, handle, flags);
  return sc_leave(result);
}
