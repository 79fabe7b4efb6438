#include <string.h>
#include <time.h>

#include "aim.h"
#include "host/base/error.h"
#include "loads.h"
#include "pipeline_state.h"

/* Between looks at what the device does, ever longer. */
#define FIRST_NAP_NS 20000
#define LONGEST_NAP_NS 500000
#define NS_PER_SECOND 1000000000

/* Charts of a piece of files: enough that meeting for the next costs little, no pixels of which need a cache meanwhile. */
#define FILES_PER_THREAD 16

static void free_place(struct tlw_place *place) {
  place->state = TLW_PLACE_FREE;
  place->record->owed--;
  place->record = NULL;
}

void tlw_lane_drop(struct tlw_pipeline *p, struct tlw_place *place) {
  struct tlw_pipeline_record *record = place->record;
  free_place(place);
  tlw_pipeline_look_after(p, record);
}

static void end_claim(struct tlw_pipeline *p, struct tlw_lane *lane) {
  struct tlw_pipeline_record *record = lane->record;
  lane->record = NULL;
  record->readers--;
  record->owed--;
  tlw_pipeline_look_after(p, record);
}

/* Waits for the device to finish a piece. */
static void land(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *place) {
  struct tlw_pipeline_record *record = place->record;
  place->state = TLW_PLACE_BUSY;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_engine_seize(lane->engine);
  const tlw_status status = tlw_draw_wait(lane->engine, &place->slot, &record->batch.source.layout, &failure);
  tlw_engine_end(lane->engine);
  pthread_mutex_lock(&p->lock);
  record->readers--;
  if (status == TLW_OK) {
    place->state = TLW_PLACE_DRAWN;
    tlw_pipeline_look_after(p, record);
    pthread_cond_broadcast(&p->ready);
  } else {
    tlw_pipeline_fail_at(p, tlw_place_position(place, 0), &failure);
    tlw_lane_drop(p, place);
  }
}

/* Most bytes of a chart's file and its digests. */
static uint64_t bound_of(const struct tlw_pipeline *p, const struct tlw_batch *batch) {
  const tlk_layout *layout = &batch->source.layout;
  if (!tlw_pipeline_is_png(p)) return 0;
  return tlw_png_encoder_bound(p->options.coding, layout->width, layout->height, batch->n_colors) +
         tlw_pipeline_digests(p);
}

static uint64_t held_by(const struct tlw_lane *lane) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
    bytes += tlw_draw_held(&lane->places[i].slot);
    if (lane->places[i].encoded.data) bytes += tlw_memory_counted(lane->places[i].encoded.size);
  }
  if (lane->cursor.merged.data) bytes += tlw_memory_counted(lane->cursor.merged.size);
  if (lane->cursor.notes.data) bytes += tlw_memory_counted(lane->cursor.notes.size);
  return bytes;
}

static bool is_empty(const struct tlw_lane *lane) {
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++)
    if (lane->places[i].state != TLW_PLACE_FREE) return false;
  return true;
}

/* Within an operation, with nothing of the lane in use: gives the memory of its places back. */
static void release_places(struct tlw_lane *lane) {
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
    tlw_draw_release(lane->engine, &lane->places[i].slot);
    tlw_block_free(tlw_lane_memory(lane), &lane->places[i].encoded);
  }
}

/* Whether memory that the lane's places have was planned for charts of another size or backend, under a budget. */
static bool is_planned_otherwise(const struct tlw_lane *lane, const struct tlw_pipeline_record *record, bool on_cpu) {
  return tlw_lane_memory(lane)->budget != UINT64_MAX &&
         (lane->planned_cpu != on_cpu || memcmp(&lane->layout, &record->batch.source.layout, sizeof lane->layout) != 0);
}

/* Bytes that an encoder of such charts takes. */
static uint64_t encoder_bytes(const struct tlw_pipeline *p, const struct tlw_batch *batch) {
  const tlk_layout *layout = &batch->source.layout;
  if (!tlw_pipeline_is_png(p)) return 0;
  return tlw_png_encoder_bytes(p->options.coding, layout->width, layout->height, batch->n_colors);
}

/* Whether charts of the batch may be files as soon as they are drawn, if the backend can. */
static bool may_be_files(const struct tlw_pipeline *p, const struct tlw_pipeline_record *record) {
  return tlw_pipeline_is_png(p) && p->options.coding == TLW_PNG_FAST && !p->options.digest &&
         !record->batch.source.merged;
}

/* What falls to each engine of a batch. Each has a device of its own, but all of them the same CPUs. */
static struct tlw_load load_of(const struct tlw_pipeline *p, const struct tlw_pipeline_record *record) {
  const int64_t lanes = (int64_t)p->n_lanes, n = (record->batch.n_series + lanes - 1) / lanes;
  const enum tlw_work work = may_be_files(p, record) ? TLW_WORK_FILES : TLW_WORK_CHARTS;
  struct tlw_load load = tlw_load_of_charts(work, &record->batch.source, n);
  load.sharers = (int)(lanes < record->batch.n_series ? lanes : record->batch.n_series);
  return load;
}

/* Whether claims of the batch are for the CPU beside the lane's device. */
static bool is_for_cpu(const struct tlw_pipeline *p, struct tlw_lane *lane, const struct tlw_pipeline_record *record) {
  if (!tlw_aim_has_choice(lane->engine)) return false;
  if (lane->asked_of != record->first_chart + 1) {
    const struct tlw_load load = load_of(p, record);
    lane->asked_of = record->first_chart + 1;
    lane->prefers_cpu = tlw_aim_prefers_cpu(lane->engine, &load, 1);
  }
  return lane->prefers_cpu;
}

/* Within an operation: has it work where the claim is drawn. */
static void aim(const struct tlw_pipeline *p, struct tlw_lane *lane) {
  const struct tlw_pipeline_record *record = lane->record;
  const bool is_new = lane->on_cpu && lane->given != record->first_chart + 1;
  if (is_new) lane->load = load_of(p, record);
  lane->on_cpu = lane->on_cpu && tlw_aim_at_cpu(lane->engine, &lane->load, 1);
  if (!is_new || !lane->on_cpu) return;
  tlw_aim_count(lane->engine, &lane->load, 1);
  lane->given = record->first_chart + 1;
}

/* Whether the share of the claim still holds. */
static bool is_planned(const struct tlw_lane *lane) {
  return lane->planned_cpu == lane->on_cpu && (!lane->on_cpu || lane->yields == tlw_aim_yields(lane->engine));
}

/* What pieces of the claim may take, with as many encoders as leave room for whole charts of so many bytes. */
static tlw_status share_out(struct tlw_pipeline *p, struct tlw_lane *lane, bool files, uint64_t chart,
                            uint32_t *encoders, tlw_error *error) {
  const struct tlw_batch *batch = &lane->record->batch;
  const uint64_t each = encoder_bytes(p, batch);
  for (*encoders = p->n_encoders;; *encoders = (*encoders + 1) / 2) {
    const struct tlw_wish wish = {
        .slots = p->options.slots, .held = held_by(lane), .beside = *encoders * each, .files = files};
    const tlw_status status = tlw_draw_share(lane->engine, &batch->source, false, &wish, &lane->share, error);
    if (*encoders > 1 && (status == TLW_ERR_BUDGET || (status == TLW_OK && lane->share.bytes < chart))) continue;
    return status;
  }
}

/* Charts become files where whole ones have room as such and the backend has what that takes; else pixels. */
static tlw_status plan(struct tlw_pipeline *p, struct tlw_lane *lane, tlw_error *error) {
  const struct tlw_source *source = &lane->record->batch.source;
  const uint64_t file = bound_of(p, &lane->record->batch);
  const uint64_t image = (uint64_t)source->layout.width * (uint64_t)source->layout.height;
  uint32_t encoders;
  tlw_status status = TLW_ERR_BUDGET;
  lane->files = false;
  if (may_be_files(p, lane->record) && tlw_draw_has_files(lane->engine)) {
    status = share_out(p, lane, true, file, &encoders, error);
    if (status != TLW_OK && status != TLW_ERR_BUDGET && status != TLW_ERR_UNAVAILABLE) return status;
    lane->files = status == TLW_OK && lane->share.bytes >= file;
  }
  if (!lane->files) status = share_out(p, lane, false, image + file, &encoders, error);
  if (status != TLW_OK) return status;
  lane->layout = source->layout;
  lane->planned_cpu = lane->on_cpu;
  lane->yields = tlw_aim_yields(lane->engine);
  pthread_mutex_lock(&p->lock);
  lane->encoders = p->encoding_limit = encoders;
  for (size_t i = 0; i < p->n_lanes; i++)
    if (p->lanes[i]->encoders < p->encoding_limit) p->encoding_limit = p->lanes[i]->encoders;
  /* More may be at work from before, each between two charts and about to take memory that is now for something else. */
  while (p->encoding > encoders && !p->at_once) pthread_cond_wait(&p->ready, &p->lock);
  pthread_mutex_unlock(&p->lock);
  return TLW_OK;
}

/* Memory for the files of a piece of whole charts that are not files yet. */
static tlw_status reserve_files(const struct tlw_pipeline *p, const struct tlw_lane *lane, struct tlw_place *place,
                                tlw_error *error) {
  if (!tlw_pipeline_is_png(p) || !tlw_place_is_whole(place) || place->slot.files.bytes) return TLW_OK;
  return tlw_block_reserve(tlw_lane_memory(lane), &place->encoded, (uint64_t)place->slot.n * place->bound,
                           "encoded charts", error);
}

/* A piece of whole charts that is drawn in vain: they are not counted, and come again. */
static void take_back(struct tlw_lane *lane, struct tlw_place *place) {
  lane->cursor.next = place->slot.first;
  place->slot.n = place->slot.candles = 0;
}

/* Begins to draw the next piece of the claim. */
static tlw_status begin_piece(const struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *place,
                              tlw_error *error) {
  const struct tlw_batch *batch = &lane->record->batch;
  memset(place->sizes, 0, sizeof place->sizes);
  place->bound = bound_of(p, batch);
  const struct tlw_render_files files = {.rgb = batch->rgb,
                                         .n_colors = batch->n_colors,
                                         .stride = place->bound,
                                         .capacity = place->bound,
                                         .sizes = place->sizes};
  const struct tlw_outlet outlet = {.files = lane->files ? &files : NULL, .per_chart = place->bound};
  const tlw_status status = tlw_draw_next(lane->engine, &lane->cursor, &place->slot, &lane->share, &outlet, error);
  if (status == TLW_OK && place->slot.files.bytes) place->taken = place->slot.n;
  return status;
}

/* Within an operation: the next piece of the claim into the place, drawn or in flight. */
static tlw_status draw(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *place, tlw_error *error) {
  const tlk_layout *layout = &lane->record->batch.source.layout;
  tlw_status status = TLW_OK;
  aim(p, lane);
  if (lane->piece == 0 && is_planned_otherwise(lane, lane->record, lane->on_cpu)) release_places(lane);
  if (lane->piece == 0 || lane->drained || !is_planned(lane)) status = plan(p, lane, error);
  if (!lane->on_cpu) lane->threads = tlw_draw_threads(lane->engine);
  tlw_telemetry_begin(&tlw_engine_services(lane->engine)->telemetry, TLW_OP_STREAM);
  if (status == TLW_OK) status = begin_piece(p, lane, place, error);
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
static bool may_claim(const struct tlw_pipeline *p, struct tlw_lane *lane) {
  const struct tlw_pipeline_record *record = &p->records[p->claiming];
  return record->used && record->claimed < record->batch.n_series &&
         tlw_position_is_before((struct tlw_position){p->n_claims, 0, 0}, p->stop_at) &&
         (is_empty(lane) || !is_planned_otherwise(lane, record, is_for_cpu(p, lane, record)));
}

/* Series of a batch that a lane takes at a time, as far as is known from the one before. */
static int64_t grain(const struct tlw_pipeline *p, const struct tlw_lane *lane,
                     const struct tlw_pipeline_record *record) {
  const tlk_layout *layout = &record->batch.source.layout;
  const int64_t left = record->batch.n_series - record->claimed;
  const uint32_t lanes = (uint32_t)p->n_lanes;
  if (lane->on_cpu)
    return tlw_draw_cpu_grain(layout, left, lanes, tlw_engine_services(lane->engine)->threads,
                              may_be_files(p, record) ? FILES_PER_THREAD : 1);
  if (lane->threads == 0) return tlw_draw_grain(layout, left, lanes * p->options.slots);
  return tlw_draw_cpu_grain(layout, left, lanes, lane->threads, lane->files ? FILES_PER_THREAD : 1);
}

/* Takes the next series of the batch at hand. */
static void claim(struct tlw_pipeline *p, struct tlw_lane *lane) {
  struct tlw_pipeline_record *record = &p->records[p->claiming];
  const struct tlw_batch *batch = &record->batch;
  lane->on_cpu = is_for_cpu(p, lane, record);
  const int64_t n = grain(p, lane, record);
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
  if (record->claimed == batch->n_series) p->claiming = (p->claiming + 1) % TLW_PIPELINE_RECORDS;
}

/* Within an operation: whether what has no room is tried again with all places drained, on the device in the end. */
static bool may_draw_again(struct tlw_lane *lane, tlw_status status) {
  if (status == TLW_ERR_BUDGET && !lane->drained) return true;
  return (status == TLW_ERR_BUDGET || status == TLW_ERR_MEMORY) && tlw_aim_leave_cpu(lane->engine);
}

/* Draws the next piece of the lane's claim in a free place. */
static void step(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *place) {
  struct tlw_pipeline_record *record = lane->record;
  place->state = TLW_PLACE_BUSY;
  place->record = record;
  place->claim = lane->claim;
  place->piece = lane->piece;
  place->taken = place->delivered = 0;
  record->readers++;
  record->owed++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  bool flies = false, again = false;
  tlw_status status = tlw_engine_begin(lane->engine, &failure);
  if (status == TLW_OK) {
    status = draw(p, lane, place, &failure);
    flies = status == TLW_OK && place->slot.ticket.number;
    again = may_draw_again(lane, status);
    if (lane->on_cpu && !tlw_aim_is_at_cpu(lane->engine)) {
      lane->on_cpu = false;
      lane->asked_of = 0; /* what is left of the batch is not for the CPU any more */
    }
    tlw_engine_end(lane->engine);
  }
  pthread_mutex_lock(&p->lock);
  if (again) {
    lane->draining = true;
    record->readers--;
    free_place(place);
    return;
  }
  lane->drained = false;
  lane->piece++;
  if (status != TLW_OK) tlw_pipeline_fail_at(p, tlw_place_position(place, 0), &failure);
  const bool ends = status != TLW_OK || lane->cursor.next == lane->cursor.end;
  place->ends_claim = ends;
  if (flies) {
    place->state = TLW_PLACE_FLYING;
  } else {
    record->readers--;
    place->state = TLW_PLACE_DRAWN;
    if (status != TLW_OK) free_place(place);
    pthread_cond_broadcast(&p->ready);
  }
  if (ends) end_claim(p, lane);
}

static struct tlw_place *find_place(struct tlw_lane *lane, enum tlw_place_state state) {
  struct tlw_place *found = NULL;
  const uint32_t n = lane->record && lane->piece > 0 ? lane->share.slots : lane->pipeline->options.slots;
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
    struct tlw_place *place = &lane->places[i];
    if (place->state != state || (state == TLW_PLACE_FREE && i >= n)) continue;
    if (!found ||
        (state != TLW_PLACE_FREE && tlw_position_is_before(tlw_place_position(place, 0), tlw_place_position(found, 0))))
      found = place;
  }
  return found;
}

void tlw_lane_empty(struct tlw_lane *lane) {
  tlw_engine_seize(lane->engine);
  tlw_draw_relieve(lane->engine);
  if (lane->cursor.row == 0) tlw_draw_end(lane->engine, &lane->cursor);
  release_places(lane);
  tlw_engine_end(lane->engine);
}

/* Towards a second try of what exceeded the budget: waits for what is in flight, then for what is being delivered. */
static void drain(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *flying) {
  if (flying) {
    land(p, lane, flying);
  } else if (is_empty(lane)) {
    pthread_mutex_unlock(&p->lock);
    tlw_lane_empty(lane);
    pthread_mutex_lock(&p->lock);
    lane->draining = false;
    lane->drained = true;
  } else {
    pthread_cond_wait(&p->work, &p->lock);
  }
}

/* After an end: drops what is at hand as far as nobody uses it. Whether there is nothing left. */
static bool settle(struct tlw_pipeline *p, struct tlw_lane *lane) {
  if (lane->record) end_claim(p, lane);
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
    struct tlw_place *place = &lane->places[i];
    if (place->state == TLW_PLACE_FLYING) land(p, lane, place);
    if (place->state == TLW_PLACE_DRAWN && place->users == 0) tlw_lane_drop(p, place);
  }
  if (!is_empty(lane)) return false;
  if (lane->settled) return true;
  pthread_mutex_unlock(&p->lock);
  lane->cursor.row = 0;
  tlw_lane_empty(lane);
  pthread_mutex_lock(&p->lock);
  lane->settled = true;
  bool all = true;
  for (size_t i = 0; i < p->n_lanes; i++) all = all && p->lanes[i]->settled;
  if (all) tlw_pipeline_drop_records(p);
  return true;
}

/* Whether an encoder looks at one of the lane's places. */
static bool is_looked_at(const struct tlw_lane *lane) {
  for (uint32_t i = 0; i < TLW_LANE_PLACES; i++)
    if (lane->places[i].users > 0) return true;
  return false;
}

/* Lands the piece if the device has finished it. */
static bool land_if_done(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *place) {
  pthread_mutex_unlock(&p->lock);
  tlw_engine_seize(lane->engine);
  const bool done = tlw_draw_is_done(&place->slot);
  tlw_engine_end(lane->engine);
  pthread_mutex_lock(&p->lock);
  if (done) land(p, lane, place);
  return done;
}

/* Looks whether the piece has landed; if not, naps, until a place becomes free if that is sooner. */
static void await_flight(struct tlw_pipeline *p, struct tlw_lane *lane, struct tlw_place *flying) {
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
  const bool may_draw = find_place(lane, TLW_PLACE_FREE) && (lane->record || may_claim(p, lane));
  if (!p->at_once && !may_draw) pthread_cond_timedwait(&p->work, &p->lock, &end);
  lane->nap = lane->nap < LONGEST_NAP_NS / 2 ? 2 * lane->nap : LONGEST_NAP_NS;
}

/* The piece that the lane draws next. */
static struct tlw_position next_of(const struct tlw_lane *lane) {
  return (struct tlw_position){lane->claim, lane->piece, 0};
}

/* Whether the rest of the lane's claim would not be delivered. */
static bool is_past_stop(const struct tlw_pipeline *p, const struct tlw_lane *lane) {
  return !tlw_position_is_before(next_of(lane), p->stop_at);
}

void *tlw_lane_main(void *argument) {
  struct tlw_lane *lane = argument;
  struct tlw_pipeline *p = lane->pipeline;
  lane->nap = FIRST_NAP_NS;
  pthread_mutex_lock(&p->lock);
  for (;;) {
    if (p->at_once) {
      const bool settled = settle(p, lane);
      if (settled && p->closing) break;
      /* Settling lets the lock go: who looked at a place then may have left it by now. */
      if (settled || is_looked_at(lane)) pthread_cond_wait(&p->work, &p->lock);
      continue;
    }
    if (lane->record && p->stopping && lane->cursor.row == 0) tlw_pipeline_stop_at(p, next_of(lane));
    if (lane->record && is_past_stop(p, lane)) end_claim(p, lane);
    struct tlw_place *free_one = find_place(lane, TLW_PLACE_FREE), *flying = find_place(lane, TLW_PLACE_FLYING);
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
