#include <stdlib.h>
#include <string.h>

#include "driver.h"

/*
 * A stream is a queue of work that is carried out only when someone waits for it: then what is waited for runs, and
 * chance decides how much of the other streams' work runs before. A marker is a point in a queue; an event is the name
 * of the marker that it recorded last.
 */
typedef struct marker {
  unsigned holders;
  sc_stream *stream; /* valid until it is done */
  bool done;
} marker;

typedef enum work_kind { COPY, LAUNCH, RECORD, WAIT } work_kind;

typedef struct work {
  struct work *next;
  work_kind kind;
  sc_copy copy;
  sc_launch launch;
  marker *marker;
} work;

struct sc_stream {
  sc_stream *next; /* of all streams of all contexts */
  sc_context *context;
  bool blocking;
  bool closed; /* destroyed by its owner; lives until its work is done */
  work *head, **tail;
  unsigned length;
};

typedef struct event {
  marker *last; /* NULL: never recorded */
} event;

enum { MAX_LENGTH = 1024 };

static sc_stream *streams;

/* ---- queues ---- */

static void marker_drop(marker *m) {
  if (m != NULL && --m->holders == 0) free(m);
}

static void work_free(work *w) {
  if (w->kind == COPY && w->copy.from_host) free((void *)(uintptr_t)w->copy.source);
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

static bool blocked(const sc_stream *s) { return s->head->kind == WAIT && !s->head->marker->done; }

static void stream_free(sc_stream *stream) {
  sc_stream **link = &streams;
  while (*link != stream) link = &(*link)->next;
  *link = stream->next;
  free(stream);
}

static void free_closed(void) {
  for (sc_stream *s = streams, *next; s != NULL; s = next) {
    next = s->next;
    if (s->closed && s->head == NULL) stream_free(s);
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

static void execute_copy(const sc_copy *copy) {
  for (size_t y = 0; y < copy->height; ++y)
    memmove(copy->target + y * copy->target_pitch, copy->source + y * copy->source_pitch, copy->width);
  const uint64_t bytes = (uint64_t)copy->width * copy->height;
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
  const cu_result result = sc_launch_run(&w->launch);
  sc_memory_check(context, w->launch.kernel->name);
  return result;
}

/* Carries out the first operation of a queue. */
static void step(sc_stream *s) {
  work *w = take(s);
  if (w->kind == COPY || w->kind == LAUNCH) {
    const cu_result code = execute(s->context, w);
    if (code != CU_SUCCESS) sc_context_fail(s->context, code);
  }
  if (w->kind == RECORD) w->marker->done = true;
  work_free(w);
}

/* The stream whose first operation must run so that this stream goes on. */
static sc_stream *demanded(sc_stream *s) {
  while (blocked(s)) s = s->head->marker->stream;
  return s;
}

/* Any stream that can go on; there is one. */
static sc_stream *runnable(void) {
  uint32_t count = 0;
  sc_stream *chosen = NULL;
  for (sc_stream *s = streams; s != NULL; s = s->next)
    if (s->head != NULL && !blocked(s) && sc_random(++count) == 0) chosen = s;
  return chosen;
}

static void run_until(sc_stream *stream, unsigned length) {
  enum { MOST = 4 };
  const uint32_t eagerness = sc_random(MOST + 1);
  while (stream->length > length) step(sc_random(MOST) < eagerness ? runnable() : demanded(stream));
  free_closed();
}

static sc_stream *busy(const sc_context *context) {
  sc_stream *s = streams;
  while (s != NULL && (s->context != context || s->head == NULL)) s = s->next;
  return s;
}

void sc_stream_drain(const sc_context *context) {
  for (sc_stream *s = busy(context); s != NULL; s = busy(context)) run_until(s, 0);
}

/* ---- submission ---- */

static cu_result append(sc_stream *s, const work *what) {
  work *w = malloc(sizeof *w);
  if (w == NULL) return CU_OUT_OF_MEMORY;
  *w = *what;
  w->next = NULL;
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
  *m = (marker){.holders = 1, .stream = s};
  if (append(s, &(work){.kind = RECORD, .marker = m}) != CU_SUCCESS) {
    free(m);
    return NULL;
  }
  return m;
}

static cu_result wait_for(sc_stream *s, marker *m) {
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
  if (s->length >= MAX_LENGTH) run_until(s, MAX_LENGTH - 1);
  return s->context->error;
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
  if (copy->from_host) {
    unsigned char *captured = malloc(copy->width * copy->height);
    if (captured == NULL) return CU_OUT_OF_MEMORY;
    for (size_t y = 0; y < copy->height; ++y)
      memcpy(captured + y * copy->width, copy->source + y * copy->source_pitch, copy->width);
    w.copy.source = captured;
    w.copy.source_pitch = copy->width;
  }
  const cu_result result = submit(stream, &w);
  if (result != CU_SUCCESS && copy->from_host) free((void *)(uintptr_t)w.copy.source);
  return result;
}

cu_result sc_stream_launch(sc_stream *stream, const sc_launch *launch) {
  const cu_result result = submit(stream, &(work){.kind = LAUNCH, .launch = *launch});
  if (result != CU_SUCCESS) free(launch->args);
  return result;
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
  if (result == CU_SUCCESS) run_until(s, 0);
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
