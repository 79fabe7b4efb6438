#include "host/base/error.h"
#include "pipeline_state.h"

/* What the encoder that delivers did since the mark. */
static void lap(struct tlw_pipeline *p, tlw_stage stage, int64_t items, uint64_t bytes) {
  p->mark = tlw_encoder_tell(p->deliverer, p->delivered_lane, stage, p->mark, items, bytes);
}

static tlw_status call_sink(struct tlw_pipeline *p, const tlw_piece *piece, tlw_error *error) {
  *error = (tlw_error){.row = -1, .column = -1};
  struct tlw_callback callback;
  tlw_pipeline_enter(p, &callback);
  const tlw_status status = p->options.sink(p->options.sink_user, piece, error);
  tlw_engine_leave(&callback);
  if (status == TLW_OK) p->delivered_bytes += piece->size;
  if (status != TLW_OK && !*error->message)
    return tlw_fail(error, status, "the sink of the stream returned %s", tlw_status_name(status));
  error->code = status;
  return status;
}

static tlw_piece piece_of(const struct tlw_place *place, int64_t chart) {
  const struct tlw_pipeline_record *record = place->record;
  const tlk_layout *layout = &record->batch.source.layout;
  return (tlw_piece){.chart = record->first_chart + place->slot.first + chart,
                     .first = 1,
                     .last = 1,
                     .width = layout->width,
                     .height = layout->height,
                     .user = record->batch.user};
}

static tlw_status deliver_raster(struct tlw_pipeline *p, const struct tlw_place *place, int64_t chart,
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

/* Those of the raster and the file, one behind the other. */
static void add_digests(tlw_piece *piece, const uint8_t *digests) {
  piece->raster_digest = digests;
  piece->file_digest = digests + TLW_DIGEST_SIZE;
}

static tlw_status deliver_file(struct tlw_pipeline *p, const struct tlw_place *place, int64_t chart, tlw_error *error) {
  tlw_piece piece = piece_of(place, chart);
  piece.data = tlw_place_file(place, chart);
  piece.size = place->sizes[chart];
  if (p->options.digest) add_digests(&piece, piece.data + place->bound - tlw_pipeline_digests(p));
  return call_sink(p, &piece, error);
}

/* Likewise of a file that is made meanwhile: it was being made up to here. */
static tlw_status call_sink_between(struct tlw_pipeline *p, const tlw_piece *piece, tlw_error *error) {
  lap(p, TLW_STAGE_ENCODE, piece->last, piece->size);
  const tlw_status status = call_sink(p, piece, error);
  lap(p, TLW_STAGE_DELIVER, piece->last, piece->size);
  return status;
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
  if (p->file_digest) tlw_digest_add(p->file_digest, bytes, size);
  return call_sink_between(p, &piece, error);
}

/* What follows the last band of a file. */
static tlw_status deliver_end(struct tlw_pipeline *p, const struct tlw_place *place, tlw_error *error) {
  tlw_piece piece = piece_of(place, 0);
  piece.first = 0;
  piece.data = (const uint8_t *)"";
  uint8_t digests[2 * TLW_DIGEST_SIZE];
  if (p->options.digest) {
    tlw_status status = tlw_digest_end(p->raster_digest, digests, error);
    if (status == TLW_OK) status = tlw_digest_end(p->file_digest, digests + TLW_DIGEST_SIZE, error);
    if (status != TLW_OK) return status;
    add_digests(&piece, digests);
  }
  return call_sink_between(p, &piece, error);
}

/* A band of a file. What follows its last bytes is an empty part, for only then they are known to be the last. */
static tlw_status deliver_band(struct tlw_pipeline *p, const struct tlw_lane *lane, const struct tlw_place *place,
                               tlw_error *error) {
  const struct tlw_slot *slot = &place->slot;
  const tlw_png_image image = tlw_encoder_image(place);
  tlw_status status = TLW_OK;
  p->banded = place;
  if (slot->y0 == 0) {
    p->begun = false;
    status = tlw_png_encoder_open(&p->png, &image, p->options.coding, tlw_lane_memory(lane), take_part, p, error);
  }
  if (status == TLW_OK)
    status = tlw_png_encoder_rows(p->png, slot->pixels, slot->row_stride, slot->y1 - slot->y0, error);
  if (status == TLW_OK && p->raster_digest) tlw_encoder_digest(p->raster_digest, place, 0);
  if (status == TLW_OK && slot->y1 < image.height) lap(p, TLW_STAGE_ENCODE, 0, 0);
  if (status != TLW_OK || slot->y1 < image.height) return status;
  tlw_png_encoder_close(&p->png);
  return deliver_end(p, place, error);
}

static tlw_status deliver_chart(struct tlw_pipeline *p, const struct tlw_lane *lane, const struct tlw_place *place,
                                int64_t chart, tlw_error *error) {
  if (!tlw_pipeline_is_png(p)) return deliver_raster(p, place, chart, error);
  return tlw_place_is_whole(place) ? deliver_file(p, place, chart, error) : deliver_band(p, lane, place, error);
}

/* Charts of the piece that can be delivered now, from the next one on: up to this one. */
static int64_t deliverable_end(const struct tlw_pipeline *p, const struct tlw_place *place) {
  int64_t end = place->delivered;
  if (tlw_pipeline_is_png(p) && tlw_place_is_whole(place))
    while (end < place->slot.n && place->sizes[end] > 0) end++;
  else
    end = place->slot.n;
  while (end > place->delivered && !tlw_position_is_before(tlw_place_position(place, end - 1), p->stop_at)) end--;
  return end;
}

/* A file in bands needs an encoder of its own from its first band to its last. */
static bool begins_file(const struct tlw_pipeline *p, const struct tlw_place *place) {
  return tlw_pipeline_is_png(p) && !tlw_place_is_whole(place) && place->slot.y0 == 0;
}

struct tlw_place *tlw_delivery_find(struct tlw_pipeline *p, struct tlw_lane **owner) {
  if (p->delivering) return NULL;
  for (size_t l = 0; l < p->n_lanes; l++) {
    for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
      struct tlw_place *place = &p->lanes[l]->places[i];
      if (place->state != TLW_PLACE_DRAWN || place->claim != p->delivery.claim || place->piece != p->delivery.piece)
        continue;
      *owner = p->lanes[l];
      if (begins_file(p, place) && p->encoding >= p->encoding_limit) return NULL;
      return deliverable_end(p, place) > place->delivered ? place : NULL;
    }
  }
  return NULL;
}

static void advance(struct tlw_pipeline *p, struct tlw_place *place) {
  p->delivery.chart = place->delivered;
  if (place->delivered < place->slot.n) return;
  if (tlw_pipeline_is_png(p) && !tlw_place_is_whole(place) &&
      place->slot.y1 == place->record->batch.source.layout.height)
    p->encoding--;
  p->delivery = place->ends_claim ? (struct tlw_position){place->claim + 1, 0, 0}
                                  : (struct tlw_position){place->claim, place->piece + 1, 0};
  tlw_lane_drop(p, place);
  pthread_cond_broadcast(&p->work);
}

/* Charts of a piece that end with it. */
static int64_t completed(const struct tlw_place *place, int64_t charts) {
  return place->slot.y1 == place->record->batch.source.layout.height ? charts : 0;
}

void tlw_delivery_make(const struct tlw_encoder *by, const struct tlw_lane *lane, struct tlw_place *place) {
  struct tlw_pipeline *p = by->pipeline;
  const int64_t first = place->delivered, end = deliverable_end(p, place);
  int64_t next = first;
  p->delivering = true;
  place->users++;
  if (begins_file(p, place)) p->encoding++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_status status = TLW_OK;
  p->deliverer = by;
  p->delivered_lane = lane;
  p->mark = tlw_lane_now(lane);
  p->delivered_bytes = 0;
  for (; next < end && status == TLW_OK && !p->at_once; next++) status = deliver_chart(p, lane, place, next, &failure);
  const int64_t whole = completed(place, next - first - (status != TLW_OK));
  if (!tlw_pipeline_is_png(p) || tlw_place_is_whole(place)) lap(p, TLW_STAGE_DELIVER, whole, p->delivered_bytes);
  pthread_mutex_lock(&p->lock);
  place->record->delivered += whole;
  place->record->bytes += p->delivered_bytes;
  p->delivering = false;
  place->users--;
  place->delivered = next;
  if (status != TLW_OK) {
    tlw_pipeline_fail_at(p, tlw_place_position(place, next - 1), &failure);
    tlw_pipeline_halt(p, &failure);
  } else if (!p->at_once) {
    advance(p, place);
  }
  pthread_cond_broadcast(p->at_once ? &p->work : &p->ready);
}
