#include "pipeline.h"

#include "host/base/error.h"
#include "host/base/threads.h"
#include "pipeline_state.h"

#define BAND_DIGESTS 2u /* of the file that is made of bands */

/* ---- ending ---- */

void tlw_pipeline_wake(struct tlw_pipeline *p) {
  pthread_cond_broadcast(&p->room);
  pthread_cond_broadcast(&p->work);
  pthread_cond_broadcast(&p->ready);
}

void tlw_pipeline_fail_at(struct tlw_pipeline *p, struct tlw_position position, const tlw_error *failure) {
  if (p->at_once || (p->stop != TLW_OK && !tlw_position_is_before(position, p->stop_at))) return;
  p->stop = failure->code;
  p->failure = *failure;
  p->stop_at = position;
  tlw_pipeline_wake(p);
}

static tlw_error sentence(tlw_status code, const char *text) {
  tlw_error error;
  tlw_fail(&error, code, "%s", text);
  return error;
}

void tlw_pipeline_stop_at(struct tlw_pipeline *p, struct tlw_position position) {
  const tlw_error stopped = sentence(TLW_ERR_CANCELLED, "the stream was stopped");
  tlw_pipeline_fail_at(p, position, &stopped);
}

void tlw_pipeline_halt(struct tlw_pipeline *p, const tlw_error *failure) {
  if (p->stop == TLW_OK) {
    p->stop = failure->code;
    p->failure = *failure;
  }
  p->at_once = true;
  tlw_pipeline_wake(p);
}

void tlw_pipeline_enter(const struct tlw_pipeline *p, struct tlw_callback *callback) {
  tlw_engine_enter(callback, p->engines, p->n_lanes);
}

/* Under lock, which it lets go meanwhile: others may find the record on its way out. */
static void release(struct tlw_pipeline *p, struct tlw_pipeline_record *record) {
  const struct tlw_batch *batch = &record->batch;
  record->releasing = true;
  if (batch->release) {
    struct tlw_callback callback;
    pthread_mutex_unlock(&p->lock);
    tlw_pipeline_enter(p, &callback);
    batch->release(batch->user);
    tlw_engine_leave(&callback);
    pthread_mutex_lock(&p->lock);
  }
  record->released = true;
  pthread_cond_broadcast(&p->room);
}

void tlw_batch_free(struct tlw_memory *memory, struct tlw_batch *batch) {
  tlw_block_free(memory, &batch->merged);
  tlw_block_free(memory, &batch->sheet);
  tlw_block_free(memory, &batch->notes);
}

/* Makes the record of the batch. */
static void note(const struct tlw_pipeline *p, const struct tlw_pipeline_record *record) {
  const tlw_status status = record->delivered < record->batch.n_series ? p->stop : TLW_OK;
  const tlw_record made = {
      .duration = (uint64_t)(tlw_pipeline_now(p) - record->begun),
      .bytes = record->bytes,
      .items = record->delivered,
      .operation = TLW_OP_STREAM,
      .status = (int32_t)status,
  };
  tlw_ledger_note(&tlw_engine_services(p->engines[0])->ledger, &made, 0);
}

static void retire(struct tlw_pipeline *p, struct tlw_pipeline_record *record) {
  note(p, record);
  tlw_batch_free(tlw_engine_memory(p->engines[0]), &record->batch);
  record->used = false;
  pthread_cond_broadcast(&p->room);
}

void tlw_pipeline_look_after(struct tlw_pipeline *p, struct tlw_pipeline_record *record) {
  if (record->claimed < record->batch.n_series) return;
  if (record->readers == 0 && !record->releasing) release(p, record);
  if (record->owed == 0 && record->released) retire(p, record);
}

void tlw_pipeline_drop_records(struct tlw_pipeline *p) {
  for (uint32_t i = 0; i < TLW_PIPELINE_RECORDS; i++) {
    struct tlw_pipeline_record *record = &p->records[i];
    if (!record->used) continue;
    if (!record->releasing) release(p, record);
    while (!record->released) pthread_cond_wait(&p->room, &p->lock);
    retire(p, record);
  }
  tlw_png_encoder_close(&p->png);
  p->dropped = true;
  tlw_pipeline_wake(p);
}

/* ---- the pipeline ---- */

static void evict(struct tlw_guest *guest) {
  struct tlw_pipeline *p = ((struct tlw_lane *)guest)->pipeline;
  const tlw_error stale = sentence(TLW_ERR_STALE, "the engine was reset: close this stream and open another");
  pthread_mutex_lock(&p->lock);
  tlw_pipeline_halt(p, &stale);
  while (!p->dropped) pthread_cond_wait(&p->room, &p->lock);
  pthread_mutex_unlock(&p->lock);
}

static tlw_status open_lane(struct tlw_pipeline *p, tlw_engine *engine, tlw_error *error) {
  struct tlw_lane *lane = tlw_memory_alloc(tlw_engine_memory(engine), sizeof *lane, "a stream", error);
  if (!lane) return error->code;
  lane->guest.evict = evict;
  lane->pipeline = p;
  lane->engine = engine;
  lane->encoders = p->n_encoders;
  p->lanes[p->n_lanes] = lane;
  p->engines[p->n_lanes++] = engine;
  return TLW_OK;
}

static tlw_status open_digests(struct tlw_pipeline *p, tlw_error *error) {
  struct tlw_memory *memory = tlw_engine_memory(p->engines[0]);
  tlw_status status = tlw_digest_open_counted(&p->raster_digest, memory, error);
  if (status == TLW_OK) status = tlw_digest_open_counted(&p->file_digest, memory, error);
  for (uint32_t i = 0; i < p->n_encoders && status == TLW_OK; i++)
    status = tlw_digest_open_counted(&p->encoders[i].digest, memory, error);
  return status;
}

static void close_digests(struct tlw_pipeline *p) {
  tlw_digest_close(&p->raster_digest);
  tlw_digest_close(&p->file_digest);
  for (uint32_t i = 0; i < p->n_encoders; i++) tlw_digest_close(&p->encoders[i].digest);
}

static tlw_status start_thread(pthread_t *thread, void *(*run)(void *), void *argument, tlw_error *error) {
  const int failed = tlw_thread_start(thread, run, argument);
  if (!failed) return TLW_OK;
  return tlw_fail_native(error, TLW_ERR_MEMORY, failed, "the system refused a thread of a stream: ask for fewer");
}

static tlw_status start(struct tlw_pipeline *p, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (size_t i = 0; i < p->n_lanes && status == TLW_OK; i++) {
    struct tlw_lane *lane = p->lanes[i];
    status = start_thread(&lane->thread, tlw_lane_main, lane, error);
    lane->started = status == TLW_OK;
  }
  for (; p->n_started < p->n_encoders && status == TLW_OK; p->n_started += status == TLW_OK)
    status = start_thread(&p->encoders[p->n_started].thread, tlw_encoder_main, &p->encoders[p->n_started], error);
  return status;
}

/* A condition whose waits end by the clock that is not set. */
static void init_timed(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

/* The record with the encoders behind it. */
static uint64_t record_size(uint32_t n_encoders) {
  return sizeof(struct tlw_pipeline) + n_encoders * sizeof(struct tlw_encoder);
}

static uint32_t encoders_of(tlw_engine *engine, const tlw_stream_options *options) {
  return options->encoders == TLW_THREADS_AUTO ? tlw_engine_services(engine)->threads : options->encoders;
}

uint64_t tlw_pipeline_bytes(tlw_engine *engine, const tlw_stream_options *options) {
  const uint32_t n_encoders = encoders_of(engine, options);
  const uint64_t digests = options->digest ? (n_encoders + BAND_DIGESTS) * tlw_digest_bytes() : 0;
  return tlw_memory_counted(record_size(n_encoders)) + tlw_memory_counted(sizeof(struct tlw_lane)) + digests;
}

tlw_status tlw_pipeline_open(struct tlw_pipeline **out, tlw_engine *const *engines, size_t n_engines,
                             const tlw_stream_options *options, tlw_error *error) {
  *out = NULL;
  tlw_error failure;
  const uint32_t n_encoders = encoders_of(engines[0], options);
  struct tlw_pipeline *p =
      tlw_memory_alloc(tlw_engine_memory(engines[0]), record_size(n_encoders), "a stream", &failure);
  tlw_status status = p ? TLW_OK : failure.code;
  if (p) {
    p->options = *options;
    p->engines[0] = engines[0]; /* whose memory this is, lanes or not */
    p->n_encoders = p->encoding_limit = n_encoders;
    for (uint32_t i = 0; i < n_encoders; i++) p->encoders[i].pipeline = p;
    p->stop_at = (struct tlw_position){INT64_MAX, INT64_MAX, INT64_MAX};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->room, NULL);
    init_timed(&p->work);
    pthread_cond_init(&p->ready, NULL);
    for (size_t i = 0; i < n_engines && status == TLW_OK; i++) status = open_lane(p, engines[i], &failure);
    for (size_t i = 0; i < p->n_lanes; i++) tlw_engine_enlist(p->engines[i], &p->lanes[i]->guest);
    if (status == TLW_OK && options->digest) status = open_digests(p, &failure);
    if (status == TLW_OK) status = start(p, &failure);
    if (status != TLW_OK) tlw_pipeline_close(&p);
  }
  *out = p;
  if (status != TLW_OK && error) *error = failure;
  return status;
}

static tlw_status report(const struct tlw_pipeline *p, tlw_error *error) {
  if (p->stop != TLW_OK && error) *error = p->failure;
  return p->stop;
}

tlw_status tlw_pipeline_push(struct tlw_pipeline *p, const struct tlw_batch *batch, bool wait, tlw_error *error) {
  pthread_mutex_lock(&p->lock);
  struct tlw_pipeline_record *record = &p->records[p->next_record];
  while (p->stop == TLW_OK && record->used) pthread_cond_wait(&p->room, &p->lock);
  if (p->stop != TLW_OK) {
    struct tlw_batch refused = *batch;
    tlw_batch_free(tlw_engine_memory(p->engines[0]), &refused);
  } else {
    *record = (struct tlw_pipeline_record){.batch = *batch, .first_chart = p->n_charts, .used = true};
    record->batch.source.options = &record->batch.options;
    record->batch.source.merged = batch->merged.data ? batch->merged.data : batch->source.merged;
    record->begun = tlw_pipeline_now(p);
    p->n_charts += batch->n_series;
    p->next_record = (p->next_record + 1) % TLW_PIPELINE_RECORDS;
    pthread_cond_broadcast(&p->work);
    while (wait && !record->released) pthread_cond_wait(&p->room, &p->lock);
  }
  const tlw_status status = report(p, error);
  pthread_mutex_unlock(&p->lock);
  return status;
}

tlw_status tlw_pipeline_status(struct tlw_pipeline *p, tlw_error *error) {
  pthread_mutex_lock(&p->lock);
  const tlw_status status = report(p, error);
  pthread_mutex_unlock(&p->lock);
  return status;
}

void tlw_pipeline_fail(struct tlw_pipeline *p, const tlw_error *failure) {
  pthread_mutex_lock(&p->lock);
  if (p->stop == TLW_OK) {
    p->stop = failure->code;
    p->failure = *failure;
    tlw_pipeline_wake(p);
  }
  pthread_mutex_unlock(&p->lock);
}

static bool is_idle(const struct tlw_pipeline *p) {
  for (uint32_t i = 0; i < TLW_PIPELINE_RECORDS; i++)
    if (p->records[i].used) return false;
  return true;
}

tlw_status tlw_pipeline_finish(struct tlw_pipeline *p, tlw_error *error) {
  pthread_mutex_lock(&p->lock);
  while (!is_idle(p)) pthread_cond_wait(&p->room, &p->lock);
  const tlw_status status = report(p, error);
  pthread_mutex_unlock(&p->lock);
  return status;
}

/* Lanes without work touch nothing of theirs but under the turn of their engine. */
tlw_status tlw_pipeline_relieve(struct tlw_pipeline *p, const tlk_layout *layout, uint64_t leave, tlw_error *error) {
  pthread_mutex_lock(&p->lock);
  while (p->stop == TLW_OK && !is_idle(p)) pthread_cond_wait(&p->room, &p->lock);
  tlw_status status = report(p, error);
  pthread_mutex_unlock(&p->lock);
  if (status != TLW_OK) return status;
  for (size_t i = 0; i < p->n_lanes; i++) tlw_lane_empty(p->lanes[i]);
  status = tlw_engine_begin(p->engines[0], error);
  if (status != TLW_OK) return status;
  status = tlw_draw_leave(p->engines[0], layout, leave, error);
  tlw_engine_end(p->engines[0]);
  return status;
}

void tlw_pipeline_stop(struct tlw_pipeline *p) {
  pthread_mutex_lock(&p->lock);
  if (p->stop == TLW_OK) {
    p->stopping = true;
    tlw_pipeline_stop_at(p, (struct tlw_position){p->n_claims, 0, 0});
  }
  pthread_mutex_unlock(&p->lock);
}

void tlw_pipeline_cancel(struct tlw_pipeline *p) {
  const tlw_error cancelled = sentence(TLW_ERR_CANCELLED, "the stream was cancelled");
  pthread_mutex_lock(&p->lock);
  tlw_pipeline_halt(p, &cancelled);
  pthread_mutex_unlock(&p->lock);
}

/* Ends all threads: first the lanes, for which encoders let go of what they use. */
static void stop_threads(struct tlw_pipeline *p) {
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->n_lanes; i++)
    if (!p->lanes[i]->started) p->lanes[i]->settled = true;
  p->closing = true;
  pthread_mutex_unlock(&p->lock);
  tlw_pipeline_cancel(p);
  for (size_t i = 0; i < p->n_lanes; i++)
    if (p->lanes[i]->started) pthread_join(p->lanes[i]->thread, NULL);
  pthread_mutex_lock(&p->lock);
  if (!p->dropped) tlw_pipeline_drop_records(p);
  pthread_mutex_unlock(&p->lock);
  for (uint32_t i = 0; i < p->n_started; i++) pthread_join(p->encoders[i].thread, NULL);
}

void tlw_pipeline_close(struct tlw_pipeline **address) {
  struct tlw_pipeline *p = *address;
  if (!p) return;
  stop_threads(p);
  close_digests(p);
  for (size_t i = 0; i < p->n_lanes; i++) {
    tlw_engine_delist(p->engines[i], &p->lanes[i]->guest);
    tlw_memory_free(tlw_engine_memory(p->engines[i]), p->lanes[i], sizeof *p->lanes[i]);
  }
  pthread_cond_destroy(&p->ready);
  pthread_cond_destroy(&p->work);
  pthread_cond_destroy(&p->room);
  pthread_mutex_destroy(&p->lock);
  tlw_memory_free(tlw_engine_memory(p->engines[0]), p, record_size(p->n_encoders));
  *address = NULL;
}

int64_t tlw_pipeline_now(const struct tlw_pipeline *p) {
  return tlw_ledger_now(&tlw_engine_services(p->engines[0])->ledger);
}

void tlw_pipeline_tell(const struct tlw_pipeline *p, int64_t begun) {
  const tlw_span span = {
      .begin = begun,
      .duration = (uint64_t)(tlw_pipeline_now(p) - begun),
      .operation = TLW_OP_STREAM,
      .stage = TLW_STAGE_PREPARE,
      .track = TLW_TRACK_ROWS + TLW_TRACK_STREAM * p->lanes[0]->guest.number,
  };
  tlw_telemetry_span(&tlw_engine_services(p->engines[0])->telemetry, &span);
}

tlw_engine *tlw_pipeline_engine(const struct tlw_pipeline *p) { return p->engines[0]; }
