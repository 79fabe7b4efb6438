#include "pipeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/base/threads.h"
#include "host/io/png_encoder.h"

#define MOST_PLACES 4u  /* of a lane */
#define MOST_RECORDS 8u /* batches that are not finished */
#define MOST_TAKEN 16   /* charts that an encoder takes at one time */

/* Between looks at what the device does, ever longer. */
#define FIRST_NAP_NS 20000
#define LONGEST_NAP_NS 500000
#define NS_PER_SECOND 1000000000

/* A batch on its way. */
struct record {
  struct tlw_batch batch;
  int64_t first_chart; /* number of its first chart */
  int64_t claimed;     /* series that lanes have taken */
  uint32_t readers;    /* claims and pieces that may still read its columns */
  uint32_t owed;       /* claims and pieces that are not finished */
  bool used;
  bool releasing, released; /* the callback was called; has returned */
};

/*
 * Where a piece stands: its claim, counted over the stream, the piece within that, and a chart of the piece.
 * Everything is delivered in this order.
 */
struct position {
  int64_t claim, piece, chart;
};

enum place_state {
  PLACE_FREE,
  PLACE_BUSY,   /* its lane works on it */
  PLACE_FLYING, /* the device does */
  PLACE_DRAWN   /* to be encoded and delivered */
};

/* A slot of the ring with what becomes of its piece. */
struct place {
  struct tlw_slot slot;
  enum place_state state;
  struct record *record;
  int64_t claim, piece;
  bool ends_claim;
  uint32_t users;           /* encoders that look at it */
  int64_t taken, delivered; /* charts */
  struct tlw_block encoded; /* files, each `bound` bytes from the one before */
  size_t bound;
  size_t sizes[TLW_JOB_SERIES]; /* of the files; 0: not made yet */
};

struct lane {
  struct tlw_guest guest; /* first, so that it is the lane's address */
  struct tlw_pipeline *pipeline;
  tlw_engine *engine;
  pthread_t thread;
  bool started;
  bool settled; /* after an end: holds nothing of its engine */
  struct tlw_cursor cursor;
  struct record *record; /* of the claim at hand; NULL: none */
  int64_t claim, piece;
  struct tlw_share share;
  uint32_t threads;  /* of a backend that draws on the CPU; else 0 */
  long nap;          /* nanoseconds before the next look at the device */
  tlk_layout layout; /* that the share was planned for */
  uint32_t encoders; /* that the budget has room for beside the share */
  bool draining;     /* the budget was exceeded: once all places are free their memory goes back, and it tries again */
  bool drained;      /* has done so */
  struct place places[MOST_PLACES];
};

struct tlw_pipeline {
  tlw_stream_options options;
  size_t n_lanes;
  uint32_t n_encoders, n_started; /* threads that encode */
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX];

  pthread_mutex_t lock; /* for all that follows */
  pthread_cond_t room;  /* for pushes and those who wait for an end */
  pthread_cond_t work;  /* for lanes */
  pthread_cond_t ready; /* for encoders */
  struct record records[MOST_RECORDS];
  uint32_t next_record; /* to be filled */
  uint32_t claiming;    /* from which lanes take */
  int64_t n_charts, n_claims;
  struct position delivery; /* what comes next */
  bool delivering;
  uint32_t encoding, encoding_limit; /* encoders at work, and how many the budget allows */
  tlw_status stop;                   /* what ended it */
  tlw_error failure;
  struct position stop_at; /* the first that is not delivered */
  _Atomic bool at_once;    /* nothing more is delivered */
  bool dropped;            /* and all lanes are settled, all batches released */
  bool closing;
  struct lane *lanes[TLW_STREAM_ENGINES_MAX];

  /* Of the encoder that delivers: the file that is made of bands. */
  struct tlw_png_encoder *png;
  const struct place *banded; /* the band at hand */
  bool begun;                 /* part of the file went out */

  pthread_t encoders[];
};

static bool is_before(struct position a, struct position b) {
  if (a.claim != b.claim) return a.claim < b.claim;
  if (a.piece != b.piece) return a.piece < b.piece;
  return a.chart < b.chart;
}

static struct position position_of(const struct place *place, int64_t chart) {
  return (struct position){place->claim, place->piece, chart};
}

static struct tlw_memory *memory_of(const struct lane *lane) { return tlw_engine_memory(lane->engine); }

static bool is_png(const struct tlw_pipeline *p) { return p->options.format == TLW_STREAM_PNG; }

/* A piece of whole charts, each of which becomes a file of its own. */
static bool is_whole(const struct place *place) {
  return place->slot.y0 == 0 && place->slot.y1 == place->record->batch.source.layout.height;
}

/* ---- ending ---- */

static void wake_all(struct tlw_pipeline *p) {
  pthread_cond_broadcast(&p->room);
  pthread_cond_broadcast(&p->work);
  pthread_cond_broadcast(&p->ready);
}

/* What is before the position is still delivered. The failure that stands earliest counts. */
static void fail_at(struct tlw_pipeline *p, struct position position, const tlw_error *failure) {
  if (p->at_once || (p->stop != TLW_OK && !is_before(position, p->stop_at))) return;
  p->stop = failure->code;
  p->failure = *failure;
  p->stop_at = position;
  wake_all(p);
}

/* Nothing more is delivered. A failure that is there already stays. */
static void halt(struct tlw_pipeline *p, const tlw_error *failure) {
  if (p->stop == TLW_OK) {
    p->stop = failure->code;
    p->failure = *failure;
  }
  p->at_once = true;
  wake_all(p);
}

void tlw_pipeline_enter(const struct tlw_pipeline *p, struct tlw_callback *callback) {
  tlw_engine_enter(callback, p->engines, p->n_lanes);
}

/* Under lock, which it lets go meanwhile: others may find the record on its way out. */
static void release(struct tlw_pipeline *p, struct record *record) {
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

static void retire(struct tlw_pipeline *p, struct record *record) {
  tlw_block_free(tlw_engine_memory(p->engines[0]), &record->batch.merged);
  record->used = false;
  pthread_cond_broadcast(&p->room);
}

/* Releases the batch once nobody reads it, and lets its place go once nothing of it is owed. */
static void look_after(struct tlw_pipeline *p, struct record *record) {
  if (record->claimed < record->batch.n_series) return;
  if (record->readers == 0 && !record->releasing) release(p, record);
  if (record->owed == 0 && record->released) retire(p, record);
}

/* After an end, with all lanes settled. */
static void drop_records(struct tlw_pipeline *p) {
  for (uint32_t i = 0; i < MOST_RECORDS; i++) {
    struct record *record = &p->records[i];
    if (!record->used) continue;
    if (!record->releasing) release(p, record);
    while (!record->released) pthread_cond_wait(&p->room, &p->lock);
    retire(p, record);
  }
  tlw_png_encoder_close(&p->png);
  p->dropped = true;
  wake_all(p);
}

/* ---- lanes ---- */

static void free_place(struct place *place) {
  place->state = PLACE_FREE;
  place->record->owed--;
  place->record = NULL;
}

/* Lets go of a piece whose pixels nobody wants. */
static void drop_place(struct tlw_pipeline *p, struct place *place) {
  struct record *record = place->record;
  free_place(place);
  look_after(p, record);
}

static void end_claim(struct tlw_pipeline *p, struct lane *lane) {
  struct record *record = lane->record;
  lane->record = NULL;
  record->readers--;
  record->owed--;
  look_after(p, record);
}

/* Waits for the device to finish a piece. */
static void land(struct tlw_pipeline *p, struct lane *lane, struct place *place) {
  struct record *record = place->record;
  place->state = PLACE_BUSY;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_engine_seize(lane->engine);
  const tlw_status status = tlw_draw_wait(lane->engine, &place->slot, &record->batch.source.layout, &failure);
  tlw_engine_end(lane->engine);
  pthread_mutex_lock(&p->lock);
  record->readers--;
  if (status == TLW_OK) {
    place->state = PLACE_DRAWN;
    look_after(p, record);
    pthread_cond_broadcast(&p->ready);
  } else {
    fail_at(p, position_of(place, 0), &failure);
    drop_place(p, place);
  }
}

/* Most bytes of a chart's file. */
static uint64_t bound_of(const struct tlw_pipeline *p, const struct tlw_batch *batch) {
  const tlk_layout *layout = &batch->source.layout;
  return is_png(p) ? tlw_png_encoder_bound(layout->width, layout->height, batch->n_colors) : 0;
}

static uint64_t held_by(const struct lane *lane) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < MOST_PLACES; i++) {
    bytes += tlw_draw_held(&lane->places[i].slot);
    if (lane->places[i].encoded.data) bytes += tlw_memory_counted(lane->places[i].encoded.size);
  }
  if (lane->cursor.merged.data) bytes += tlw_memory_counted(lane->cursor.merged.size);
  return bytes;
}

static bool is_empty(const struct lane *lane) {
  for (uint32_t i = 0; i < MOST_PLACES; i++)
    if (lane->places[i].state != PLACE_FREE) return false;
  return true;
}

/* Within an operation, with nothing of the lane in use: gives the memory of its places back. */
static void release_places(struct lane *lane) {
  for (uint32_t i = 0; i < MOST_PLACES; i++) {
    tlw_draw_release(lane->engine, &lane->places[i].slot);
    tlw_block_free(memory_of(lane), &lane->places[i].encoded);
  }
}

/* Whether memory that the lane's places have was planned for charts of another size, under a budget. */
static bool is_planned_otherwise(const struct lane *lane, const struct record *record) {
  return memory_of(lane)->budget != UINT64_MAX &&
         memcmp(&lane->layout, &record->batch.source.layout, sizeof lane->layout) != 0;
}

/* What pieces of the claim may take, with as many encoders as leave room for whole charts. */
static tlw_status plan(struct tlw_pipeline *p, struct lane *lane, tlw_error *error) {
  const struct tlw_source *source = &lane->record->batch.source;
  const uint64_t each = is_png(p) ? tlw_png_encoder_bytes(source->layout.width) : 0;
  const uint64_t chart =
      (uint64_t)source->layout.width * (uint64_t)source->layout.height + bound_of(p, &lane->record->batch);
  uint32_t encoders = p->n_encoders;
  for (;; encoders = (encoders + 1) / 2) {
    const struct tlw_wish wish = {.slots = p->options.slots, .held = held_by(lane), .beside = encoders * each};
    const tlw_status status = tlw_draw_share(lane->engine, source, false, &wish, &lane->share, error);
    if (encoders > 1 && (status == TLW_ERR_BUDGET || (status == TLW_OK && lane->share.bytes < chart))) continue;
    if (status != TLW_OK) return status;
    break;
  }
  lane->layout = source->layout;
  pthread_mutex_lock(&p->lock);
  lane->encoders = p->encoding_limit = encoders;
  for (size_t i = 0; i < p->n_lanes; i++)
    if (p->lanes[i]->encoders < p->encoding_limit) p->encoding_limit = p->lanes[i]->encoders;
  pthread_mutex_unlock(&p->lock);
  return TLW_OK;
}

/* Memory for the files of a piece of whole charts. */
static tlw_status reserve_files(const struct tlw_pipeline *p, const struct lane *lane, struct place *place,
                                tlw_error *error) {
  memset(place->sizes, 0, sizeof place->sizes);
  if (!is_png(p) || !is_whole(place)) return TLW_OK;
  place->bound = bound_of(p, &place->record->batch);
  return tlw_block_reserve(memory_of(lane), &place->encoded, (uint64_t)place->slot.n * place->bound, "encoded charts",
                           error);
}

/* A piece of whole charts that is drawn in vain: they are not counted, and come again. */
static void take_back(struct lane *lane, struct place *place) {
  lane->cursor.next = place->slot.first;
  place->slot.n = place->slot.candles = 0;
}

/* Within an operation: the next piece of the claim into the place, drawn or in flight. */
static tlw_status draw(struct tlw_pipeline *p, struct lane *lane, struct place *place, tlw_error *error) {
  const tlk_layout *layout = &lane->record->batch.source.layout;
  tlw_status status = TLW_OK;
  if (lane->piece == 0 && is_planned_otherwise(lane, lane->record)) release_places(lane);
  if (lane->piece == 0 || lane->drained) status = plan(p, lane, error);
  lane->threads = tlw_draw_threads(lane->engine);
  if (status == TLW_OK)
    status = tlw_draw_next(lane->engine, &lane->cursor, &place->slot, &lane->share, bound_of(p, &lane->record->batch),
                           NULL, error);
  if (status != TLW_OK) return status;
  status = reserve_files(p, lane, place, error);
  /* A backend that draws at once needs no second turn. */
  if (status == TLW_OK && place->slot.ticket.number) return TLW_OK;
  if (status != TLW_OK) take_back(lane, place);
  tlw_error failure;
  const tlw_status waited = tlw_draw_wait(lane->engine, &place->slot, layout, &failure);
  if (status != TLW_OK || waited == TLW_OK) return status;
  *error = failure;
  return waited;
}

/* A lane whose budget was planned for other charts first delivers all of these. */
static bool may_claim(const struct tlw_pipeline *p, const struct lane *lane) {
  const struct record *record = &p->records[p->claiming];
  return record->used && record->claimed < record->batch.n_series && p->n_claims <= p->stop_at.claim &&
         (is_empty(lane) || !is_planned_otherwise(lane, record));
}

/* Takes the next series of the batch at hand. */
static void claim(struct tlw_pipeline *p, struct lane *lane) {
  struct record *record = &p->records[p->claiming];
  const struct tlw_batch *batch = &record->batch;
  const uint32_t slots = (uint32_t)p->n_lanes * p->options.slots;
  const int64_t n = tlw_draw_grain(&batch->source.layout, batch->n_series - record->claimed, slots, lane->threads);
  lane->record = record;
  lane->cursor.source = &batch->source;
  lane->cursor.next = record->claimed;
  lane->cursor.end = record->claimed + n;
  lane->cursor.row = 0;
  lane->claim = p->n_claims++;
  lane->piece = 0;
  record->claimed += n;
  record->readers++;
  record->owed++;
  if (record->claimed == batch->n_series) p->claiming = (p->claiming + 1) % MOST_RECORDS;
}

/* Draws the next piece of the lane's claim in a free place. */
static void step(struct tlw_pipeline *p, struct lane *lane, struct place *place) {
  struct record *record = lane->record;
  place->state = PLACE_BUSY;
  place->record = record;
  place->claim = lane->claim;
  place->piece = lane->piece;
  place->taken = place->delivered = 0;
  record->readers++;
  record->owed++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  bool flies = false;
  tlw_status status = tlw_engine_begin(lane->engine, &failure);
  if (status == TLW_OK) {
    status = draw(p, lane, place, &failure);
    flies = status == TLW_OK && place->slot.ticket.number;
    tlw_engine_end(lane->engine);
  }
  pthread_mutex_lock(&p->lock);
  if (status == TLW_ERR_BUDGET && !lane->drained) {
    lane->draining = true;
    record->readers--;
    free_place(place);
    return;
  }
  lane->drained = false;
  lane->piece++;
  if (status != TLW_OK) fail_at(p, position_of(place, 0), &failure);
  const bool ends = status != TLW_OK || lane->cursor.next == lane->cursor.end;
  place->ends_claim = ends;
  if (flies) {
    place->state = PLACE_FLYING;
  } else {
    record->readers--;
    place->state = PLACE_DRAWN;
    if (status != TLW_OK) free_place(place);
    pthread_cond_broadcast(&p->ready);
  }
  if (ends) end_claim(p, lane);
}

static struct place *find_place(struct lane *lane, enum place_state state) {
  struct place *found = NULL;
  const uint32_t n = lane->record && lane->piece > 0 ? lane->share.slots : lane->pipeline->options.slots;
  for (uint32_t i = 0; i < MOST_PLACES; i++) {
    struct place *place = &lane->places[i];
    if (place->state != state || (state == PLACE_FREE && i >= n)) continue;
    if (!found || (state != PLACE_FREE && is_before(position_of(place, 0), position_of(found, 0)))) found = place;
  }
  return found;
}

/* Gives the memory of the lane's places back, all of which are free, and what else is idle. */
static void empty(struct lane *lane) {
  tlw_engine_seize(lane->engine);
  tlw_draw_relieve(lane->engine);
  if (lane->cursor.row == 0) tlw_draw_end(lane->engine, &lane->cursor);
  release_places(lane);
  tlw_engine_end(lane->engine);
}

/* Towards a second try of what exceeded the budget: waits for what is in flight, then for what is being delivered. */
static void drain(struct tlw_pipeline *p, struct lane *lane, struct place *flying) {
  if (flying) {
    land(p, lane, flying);
  } else if (is_empty(lane)) {
    pthread_mutex_unlock(&p->lock);
    empty(lane);
    pthread_mutex_lock(&p->lock);
    lane->draining = false;
    lane->drained = true;
  } else {
    pthread_cond_wait(&p->work, &p->lock);
  }
}

/* After an end: drops what is at hand as far as nobody uses it. Whether there is nothing left. */
static bool settle(struct tlw_pipeline *p, struct lane *lane) {
  if (lane->record) end_claim(p, lane);
  for (uint32_t i = 0; i < MOST_PLACES; i++) {
    struct place *place = &lane->places[i];
    if (place->state == PLACE_FLYING) land(p, lane, place);
    if (place->state == PLACE_DRAWN && place->users == 0) drop_place(p, place);
  }
  if (!is_empty(lane)) return false;
  if (lane->settled) return true;
  pthread_mutex_unlock(&p->lock);
  lane->cursor.row = 0;
  empty(lane);
  pthread_mutex_lock(&p->lock);
  lane->settled = true;
  bool all = true;
  for (size_t i = 0; i < p->n_lanes; i++) all = all && p->lanes[i]->settled;
  if (all) drop_records(p);
  return true;
}

/* Whether an encoder looks at one of the lane's places. */
static bool is_looked_at(const struct lane *lane) {
  for (uint32_t i = 0; i < MOST_PLACES; i++)
    if (lane->places[i].users > 0) return true;
  return false;
}

/* Lands the piece if the device has finished it. */
static bool land_if_done(struct tlw_pipeline *p, struct lane *lane, struct place *place) {
  pthread_mutex_unlock(&p->lock);
  tlw_engine_seize(lane->engine);
  const bool done = tlw_draw_is_done(&place->slot);
  tlw_engine_end(lane->engine);
  pthread_mutex_lock(&p->lock);
  if (done) land(p, lane, place);
  return done;
}

/* Looks whether the piece has landed; if not, naps, until a place becomes free if that is sooner. */
static void await_flight(struct tlw_pipeline *p, struct lane *lane, struct place *flying) {
  if (land_if_done(p, lane, flying)) {
    lane->nap = FIRST_NAP_NS;
    return;
  }
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += lane->nap;
  if (end.tv_nsec >= NS_PER_SECOND) {
    end.tv_nsec -= NS_PER_SECOND;
    end.tv_sec++;
  }
  const bool may_draw = find_place(lane, PLACE_FREE) && (lane->record || may_claim(p, lane));
  if (!p->at_once && !may_draw) pthread_cond_timedwait(&p->work, &p->lock, &end);
  lane->nap = lane->nap < LONGEST_NAP_NS / 2 ? 2 * lane->nap : LONGEST_NAP_NS;
}

/* Whether the rest of the lane's claim would not be delivered. */
static bool is_past_stop(const struct tlw_pipeline *p, const struct lane *lane) {
  return !is_before((struct position){lane->claim, lane->piece, 0}, p->stop_at);
}

static void *lane_main(void *argument) {
  struct lane *lane = argument;
  struct tlw_pipeline *p = lane->pipeline;
  pthread_mutex_lock(&p->lock);
  for (;;) {
    if (p->at_once) {
      const bool settled = settle(p, lane);
      if (settled && p->closing) break;
      /* Settling lets the lock go: who looked at a place then may have left it by now. */
      if (settled || is_looked_at(lane)) pthread_cond_wait(&p->work, &p->lock);
      continue;
    }
    if (lane->record && is_past_stop(p, lane)) end_claim(p, lane);
    struct place *free_one = find_place(lane, PLACE_FREE), *flying = find_place(lane, PLACE_FLYING);
    const bool in_hand = lane->record != NULL;
    if (lane->draining && in_hand) {
      drain(p, lane, flying);
    } else if (free_one && (in_hand || may_claim(p, lane))) {
      if (!in_hand) claim(p, lane);
      step(p, lane, free_one);
      if (flying) land_if_done(p, lane, flying);
    } else if (flying) {
      await_flight(p, lane, flying);
    } else {
      pthread_cond_wait(&p->work, &p->lock);
    }
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* ---- encoders ---- */

static tlw_png_image image_of(const struct place *place) {
  const struct tlw_batch *batch = &place->record->batch;
  return (tlw_png_image){.width = batch->source.layout.width,
                         .height = batch->source.layout.height,
                         .rgb = batch->rgb,
                         .n_colors = batch->n_colors};
}

/* A file in memory. */
struct file {
  uint8_t *bytes;
  size_t size, capacity;
};

static tlw_status take_in_memory(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct file *file = context;
  if (size > file->capacity - file->size)
    return tlw_fail(error, TLW_ERR_INTERNAL, "a chart takes more than %zu bytes as PNG", file->capacity);
  memcpy(file->bytes + file->size, bytes, size);
  file->size += size;
  return TLW_OK;
}

static tlw_status encode_chart(const struct lane *lane, const struct place *place, int64_t chart, size_t *size,
                               tlw_error *error) {
  const struct tlw_slot *slot = &place->slot;
  const tlw_png_image image = image_of(place);
  struct file file = {(uint8_t *)place->encoded.data + (size_t)chart * place->bound, 0, place->bound};
  struct tlw_png_encoder *encoder;
  tlw_status status = tlw_png_encoder_open(&encoder, &image, memory_of(lane), take_in_memory, &file, error);
  if (status != TLW_OK) return status;
  status = tlw_png_encoder_rows(encoder, slot->pixels + (size_t)chart * slot->image_stride, slot->row_stride,
                                image.height, error);
  tlw_png_encoder_close(&encoder);
  *size = file.size;
  return status;
}

/* The earliest piece with charts that nobody has taken. */
static struct place *find_encodable(struct tlw_pipeline *p, struct lane **owner) {
  struct place *found = NULL;
  if (!is_png(p) || p->encoding >= p->encoding_limit) return NULL;
  for (size_t l = 0; l < p->n_lanes; l++) {
    for (uint32_t i = 0; i < MOST_PLACES; i++) {
      struct place *place = &p->lanes[l]->places[i];
      if (place->state != PLACE_DRAWN || place->taken == place->slot.n || !is_whole(place)) continue;
      const struct position position = position_of(place, place->taken);
      if (!is_before(position, p->stop_at) || (found && !is_before(position, position_of(found, found->taken))))
        continue;
      found = place;
      *owner = p->lanes[l];
    }
  }
  return found;
}

static void encode_some(struct tlw_pipeline *p, const struct lane *lane, struct place *place) {
  const int64_t first = place->taken, even = (place->slot.n - first) / (2 * (int64_t)p->n_encoders) + 1;
  const int64_t n = even < MOST_TAKEN ? even : MOST_TAKEN;
  size_t sizes[MOST_TAKEN];
  place->taken += n;
  place->users++;
  p->encoding++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_status status = TLW_OK;
  int64_t done = 0;
  while (done < n && status == TLW_OK && !p->at_once) {
    status = encode_chart(lane, place, first + done, &sizes[done], &failure);
    if (status == TLW_OK) done++;
  }
  pthread_mutex_lock(&p->lock);
  memcpy(place->sizes + first, sizes, (size_t)done * sizeof *sizes);
  if (status != TLW_OK) fail_at(p, position_of(place, first + done), &failure);
  place->users--;
  p->encoding--;
  pthread_cond_broadcast(p->at_once ? &p->work : &p->ready);
}

/* ---- delivery ---- */

static tlw_status call_sink(const struct tlw_pipeline *p, const tlw_piece *piece, tlw_error *error) {
  *error = (tlw_error){.row = -1, .column = -1};
  struct tlw_callback callback;
  tlw_pipeline_enter(p, &callback);
  const tlw_status status = p->options.sink(p->options.sink_user, piece, error);
  tlw_engine_leave(&callback);
  if (status != TLW_OK && !*error->message)
    return tlw_fail(error, status, "the sink of the stream returned %s", tlw_status_name(status));
  error->code = status;
  return status;
}

static tlw_piece piece_of(const struct place *place, int64_t chart) {
  const struct record *record = place->record;
  const tlk_layout *layout = &record->batch.source.layout;
  return (tlw_piece){.chart = record->first_chart + place->slot.first + chart,
                     .first = 1,
                     .last = 1,
                     .width = layout->width,
                     .height = layout->height,
                     .user = record->batch.user};
}

static tlw_status deliver_raster(const struct tlw_pipeline *p, const struct place *place, int64_t chart,
                                 tlw_error *error) {
  const struct tlw_slot *slot = &place->slot;
  tlw_piece piece = piece_of(place, chart);
  piece.first = slot->y0 == 0;
  piece.last = slot->y1 == piece.height;
  piece.y = slot->y0;
  piece.rows = slot->y1 - slot->y0;
  piece.row_stride = slot->row_stride;
  piece.data = slot->pixels + (size_t)chart * slot->image_stride;
  piece.size = (size_t)(piece.rows - 1) * slot->row_stride + (size_t)piece.width;
  return call_sink(p, &piece, error);
}

static tlw_status deliver_file(const struct tlw_pipeline *p, const struct place *place, int64_t chart,
                               tlw_error *error) {
  tlw_piece piece = piece_of(place, chart);
  piece.data = (const uint8_t *)place->encoded.data + (size_t)chart * place->bound;
  piece.size = place->sizes[chart];
  return call_sink(p, &piece, error);
}

/* The next part of a file that goes to the sink as it is made. */
static tlw_status take_part(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct tlw_pipeline *p = context;
  tlw_piece piece = piece_of(p->banded, 0);
  piece.first = !p->begun;
  piece.last = 0;
  piece.data = bytes;
  piece.size = size;
  p->begun = true;
  return call_sink(p, &piece, error);
}

/* A band of a file. What follows its last bytes is an empty part, for only then they are known to be the last. */
static tlw_status deliver_band(struct tlw_pipeline *p, const struct lane *lane, const struct place *place,
                               tlw_error *error) {
  const struct tlw_slot *slot = &place->slot;
  const tlw_png_image image = image_of(place);
  tlw_status status = TLW_OK;
  p->banded = place;
  if (slot->y0 == 0) {
    p->begun = false;
    status = tlw_png_encoder_open(&p->png, &image, memory_of(lane), take_part, p, error);
  }
  if (status == TLW_OK)
    status = tlw_png_encoder_rows(p->png, slot->pixels, slot->row_stride, slot->y1 - slot->y0, error);
  if (status != TLW_OK || slot->y1 < image.height) return status;
  tlw_png_encoder_close(&p->png);
  tlw_piece piece = piece_of(place, 0);
  piece.first = 0;
  piece.data = (const uint8_t *)"";
  return call_sink(p, &piece, error);
}

static tlw_status deliver_chart(struct tlw_pipeline *p, const struct lane *lane, const struct place *place,
                                int64_t chart, tlw_error *error) {
  if (!is_png(p)) return deliver_raster(p, place, chart, error);
  return is_whole(place) ? deliver_file(p, place, chart, error) : deliver_band(p, lane, place, error);
}

/* Charts of the piece that can be delivered now, from the next one on: up to this one. */
static int64_t deliverable_end(const struct tlw_pipeline *p, const struct place *place) {
  int64_t end = place->delivered;
  if (is_png(p) && is_whole(place))
    while (end < place->slot.n && place->sizes[end] > 0) end++;
  else
    end = place->slot.n;
  while (end > place->delivered && !is_before(position_of(place, end - 1), p->stop_at)) end--;
  return end;
}

/* A file in bands needs an encoder of its own from its first band to its last. */
static bool begins_file(const struct tlw_pipeline *p, const struct place *place) {
  return is_png(p) && !is_whole(place) && place->slot.y0 == 0;
}

/* The piece whose turn it is, if something of it can be delivered. */
static struct place *find_deliverable(struct tlw_pipeline *p, struct lane **owner) {
  if (p->delivering) return NULL;
  for (size_t l = 0; l < p->n_lanes; l++) {
    for (uint32_t i = 0; i < MOST_PLACES; i++) {
      struct place *place = &p->lanes[l]->places[i];
      if (place->state != PLACE_DRAWN || place->claim != p->delivery.claim || place->piece != p->delivery.piece)
        continue;
      *owner = p->lanes[l];
      if (begins_file(p, place) && p->encoding >= p->encoding_limit) return NULL;
      return deliverable_end(p, place) > place->delivered ? place : NULL;
    }
  }
  return NULL;
}

static void advance(struct tlw_pipeline *p, struct place *place) {
  p->delivery.chart = place->delivered;
  if (place->delivered < place->slot.n) return;
  if (is_png(p) && !is_whole(place) && place->slot.y1 == place->record->batch.source.layout.height) p->encoding--;
  p->delivery = place->ends_claim ? (struct position){place->claim + 1, 0, 0}
                                  : (struct position){place->claim, place->piece + 1, 0};
  drop_place(p, place);
  pthread_cond_broadcast(&p->work);
}

static void deliver_some(struct tlw_pipeline *p, const struct lane *lane, struct place *place) {
  const int64_t end = deliverable_end(p, place);
  int64_t next = place->delivered;
  p->delivering = true;
  place->users++;
  if (begins_file(p, place)) p->encoding++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_status status = TLW_OK;
  for (; next < end && status == TLW_OK && !p->at_once; next++) status = deliver_chart(p, lane, place, next, &failure);
  pthread_mutex_lock(&p->lock);
  p->delivering = false;
  place->users--;
  place->delivered = next;
  if (status != TLW_OK) {
    fail_at(p, position_of(place, next - 1), &failure);
    halt(p, &failure);
  } else if (!p->at_once) {
    advance(p, place);
  }
  pthread_cond_broadcast(p->at_once ? &p->work : &p->ready);
}

static void *encoder_main(void *argument) {
  struct tlw_pipeline *p = argument;
  fenv_t inherited;
  tlw_arithmetic_begin(&inherited);
  pthread_mutex_lock(&p->lock);
  for (;;) {
    struct lane *lane = NULL;
    struct place *place;
    if (p->stop != TLW_OK && !p->at_once && !is_before(p->delivery, p->stop_at)) halt(p, &p->failure);
    if (p->at_once) {
      if (p->closing && p->dropped) break;
      pthread_cond_wait(&p->ready, &p->lock);
    } else if ((place = find_deliverable(p, &lane))) {
      deliver_some(p, lane, place);
    } else if ((place = find_encodable(p, &lane))) {
      encode_some(p, lane, place);
    } else {
      pthread_cond_wait(&p->ready, &p->lock);
    }
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* ---- the pipeline ---- */

static tlw_error sentence(tlw_status code, const char *text) {
  tlw_error error;
  tlw_fail(&error, code, "%s", text);
  return error;
}

static void evict(struct tlw_guest *guest) {
  struct tlw_pipeline *p = ((struct lane *)guest)->pipeline;
  const tlw_error stale = sentence(TLW_ERR_STALE, "the engine was reset: close this stream and open another");
  pthread_mutex_lock(&p->lock);
  halt(p, &stale);
  while (!p->dropped) pthread_cond_wait(&p->room, &p->lock);
  pthread_mutex_unlock(&p->lock);
}

static tlw_status open_lane(struct tlw_pipeline *p, tlw_engine *engine, tlw_error *error) {
  struct lane *lane = tlw_memory_alloc(tlw_engine_memory(engine), sizeof *lane, "a stream", error);
  if (!lane) return error->code;
  lane->guest.evict = evict;
  lane->pipeline = p;
  lane->engine = engine;
  lane->encoders = p->n_encoders;
  lane->nap = FIRST_NAP_NS;
  p->lanes[p->n_lanes] = lane;
  p->engines[p->n_lanes++] = engine;
  return TLW_OK;
}

static tlw_status start_thread(pthread_t *thread, void *(*run)(void *), void *argument, tlw_error *error) {
  const int failed = tlw_thread_start(thread, run, argument);
  if (!failed) return TLW_OK;
  return tlw_fail_native(error, TLW_ERR_MEMORY, failed, "the system refused a thread of a stream: ask for fewer");
}

static tlw_status start(struct tlw_pipeline *p, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (size_t i = 0; i < p->n_lanes && status == TLW_OK; i++) {
    struct lane *lane = p->lanes[i];
    status = start_thread(&lane->thread, lane_main, lane, error);
    lane->started = status == TLW_OK;
  }
  for (; p->n_started < p->n_encoders && status == TLW_OK; p->n_started += status == TLW_OK)
    status = start_thread(&p->encoders[p->n_started], encoder_main, p, error);
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

/* The record with the encoders' threads behind it. */
static uint64_t record_size(uint32_t n_encoders) {
  return sizeof(struct tlw_pipeline) + n_encoders * sizeof(pthread_t);
}

static uint32_t encoders_of(tlw_engine *engine, const tlw_stream_options *options) {
  return options->encoders == TLW_THREADS_AUTO ? tlw_engine_services(engine)->threads : options->encoders;
}

uint64_t tlw_pipeline_bytes(tlw_engine *engine, const tlw_stream_options *options) {
  return tlw_memory_counted(record_size(encoders_of(engine, options))) + tlw_memory_counted(sizeof(struct lane));
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
    p->stop_at = (struct position){INT64_MAX, INT64_MAX, INT64_MAX};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->room, NULL);
    init_timed(&p->work);
    pthread_cond_init(&p->ready, NULL);
    for (size_t i = 0; i < n_engines && status == TLW_OK; i++) status = open_lane(p, engines[i], &failure);
    for (size_t i = 0; i < p->n_lanes; i++) tlw_engine_enlist(p->engines[i], &p->lanes[i]->guest);
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
  struct record *record = &p->records[p->next_record];
  while (p->stop == TLW_OK && record->used) pthread_cond_wait(&p->room, &p->lock);
  if (p->stop == TLW_OK) {
    *record = (struct record){.batch = *batch, .first_chart = p->n_charts, .used = true};
    record->batch.source.merged = batch->merged.data ? batch->merged.data : batch->source.merged;
    p->n_charts += batch->n_series;
    p->next_record = (p->next_record + 1) % MOST_RECORDS;
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
    wake_all(p);
  }
  pthread_mutex_unlock(&p->lock);
}

static bool is_idle(const struct tlw_pipeline *p) {
  for (uint32_t i = 0; i < MOST_RECORDS; i++)
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
  for (size_t i = 0; i < p->n_lanes; i++) empty(p->lanes[i]);
  status = tlw_engine_begin(p->engines[0], error);
  if (status != TLW_OK) return status;
  status = tlw_draw_leave(p->engines[0], layout, leave, error);
  tlw_engine_end(p->engines[0]);
  return status;
}

void tlw_pipeline_cancel(struct tlw_pipeline *p) {
  const tlw_error cancelled = sentence(TLW_ERR_CANCELLED, "the stream was cancelled");
  pthread_mutex_lock(&p->lock);
  halt(p, &cancelled);
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
  if (!p->dropped) drop_records(p);
  pthread_mutex_unlock(&p->lock);
  for (uint32_t i = 0; i < p->n_started; i++) pthread_join(p->encoders[i], NULL);
}

void tlw_pipeline_close(struct tlw_pipeline **address) {
  struct tlw_pipeline *p = *address;
  if (!p) return;
  stop_threads(p);
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

tlw_engine *tlw_pipeline_engine(const struct tlw_pipeline *p) { return p->engines[0]; }
