#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "pipeline_state.h"

#define MOST_TAKEN 16 /* charts that an encoder takes at one time */

tlw_png_image tlw_encoder_image(const struct tlw_place *place) {
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

void tlw_encoder_digest(tlw_digest *digest, const struct tlw_place *place, int64_t chart) {
  const struct tlw_slot *slot = &place->slot;
  /* Slots have no gaps between rows. */
  tlw_digest_add(digest, slot->pixels + (size_t)chart * slot->image_stride,
                 (size_t)(slot->y1 - slot->y0) * slot->row_stride);
}

/* Writes the digests of a chart behind its file. */
static tlw_status digest_chart(tlw_digest *digest, const struct tlw_place *place, int64_t chart,
                               const struct file *file, tlw_error *error) {
  uint8_t *out = file->bytes + file->capacity;
  tlw_encoder_digest(digest, place, chart);
  const tlw_status status = tlw_digest_end(digest, out, error);
  if (status != TLW_OK) return status;
  tlw_digest_add(digest, file->bytes, file->size);
  return tlw_digest_end(digest, out + TLW_DIGEST_SIZE, error);
}

static tlw_status encode_chart(const struct tlw_encoder *by, const struct tlw_lane *lane, const struct tlw_place *place,
                               int64_t chart, size_t *size, tlw_error *error) {
  const struct tlw_slot *slot = &place->slot;
  const tlw_png_image image = tlw_encoder_image(place);
  struct file file = {tlw_place_file(place, chart), 0, place->bound - tlw_pipeline_digests(by->pipeline)};
  struct tlw_png_encoder *encoder;
  tlw_status status = tlw_png_encoder_open(&encoder, &image, by->pipeline->options.coding, tlw_lane_memory(lane),
                                           take_in_memory, &file, error);
  if (status != TLW_OK) return status;
  status = tlw_png_encoder_rows(encoder, slot->pixels + (size_t)chart * slot->image_stride, slot->row_stride,
                                image.height, error);
  tlw_png_encoder_close(&encoder);
  if (status == TLW_OK && by->digest) status = digest_chart(by->digest, place, chart, &file, error);
  *size = file.size;
  return status;
}

/* The earliest piece with charts that nobody has taken. */
static struct tlw_place *find_encodable(struct tlw_pipeline *p, struct tlw_lane **owner) {
  struct tlw_place *found = NULL;
  if (!tlw_pipeline_is_png(p) || p->encoding >= p->encoding_limit) return NULL;
  for (size_t l = 0; l < p->n_lanes; l++) {
    for (uint32_t i = 0; i < TLW_LANE_PLACES; i++) {
      struct tlw_place *place = &p->lanes[l]->places[i];
      if (place->state != TLW_PLACE_DRAWN || place->taken == place->slot.n || !tlw_place_is_whole(place)) continue;
      const struct tlw_position position = tlw_place_position(place, place->taken);
      if (!tlw_position_is_before(position, p->stop_at) ||
          (found && !tlw_position_is_before(position, tlw_place_position(found, found->taken))))
        continue;
      found = place;
      *owner = p->lanes[l];
    }
  }
  return found;
}

int64_t tlw_encoder_tell(const struct tlw_encoder *encoder, const struct tlw_lane *lane, tlw_stage stage, int64_t begun,
                         int64_t items, uint64_t bytes) {
  const uint32_t number = (uint32_t)(encoder - encoder->pipeline->encoders);
  const int64_t now = tlw_lane_now(lane);
  const tlw_span span = {
      .begin = begun,
      .duration = (uint64_t)(now - begun),
      .operation = TLW_OP_STREAM,
      .stage = (int32_t)stage,
      .track = TLW_TRACK_ENCODER(number) + TLW_TRACK_STREAM * lane->guest.number,
      .items = items,
      .bytes = bytes,
  };
  tlw_telemetry_span(&tlw_engine_services(lane->engine)->telemetry, &span);
  return now;
}

static void encode_some(const struct tlw_encoder *by, const struct tlw_lane *lane, struct tlw_place *place) {
  struct tlw_pipeline *p = by->pipeline;
  const int64_t first = place->taken, even = (place->slot.n - first) / (2 * (int64_t)p->n_encoders) + 1;
  const int64_t n = even < MOST_TAKEN ? even : MOST_TAKEN;
  size_t sizes[MOST_TAKEN];
  place->taken += n;
  place->users++;
  p->encoding++;
  pthread_mutex_unlock(&p->lock);
  tlw_error failure;
  tlw_status status = TLW_OK;
  const int64_t begun = tlw_lane_now(lane);
  uint64_t bytes = 0;
  int64_t done = 0;
  while (done < n && status == TLW_OK && !p->at_once) {
    status = encode_chart(by, lane, place, first + done, &sizes[done], &failure);
    if (status == TLW_OK) bytes += sizes[done++];
  }
  tlw_encoder_tell(by, lane, TLW_STAGE_ENCODE, begun, done, bytes);
  pthread_mutex_lock(&p->lock);
  memcpy(place->sizes + first, sizes, (size_t)done * sizeof *sizes);
  if (status != TLW_OK) tlw_pipeline_fail_at(p, tlw_place_position(place, first + done), &failure);
  place->users--;
  p->encoding--;
  pthread_cond_broadcast(p->at_once ? &p->work : &p->ready);
}

void *tlw_encoder_main(void *argument) {
  const struct tlw_encoder *encoder = argument;
  struct tlw_pipeline *p = encoder->pipeline;
  fenv_t inherited;
  tlw_arithmetic_begin(&inherited);
  pthread_mutex_lock(&p->lock);
  for (;;) {
    struct tlw_lane *lane = NULL;
    struct tlw_place *place;
    if (p->stop != TLW_OK && !p->at_once && !tlw_position_is_before(p->delivery, p->stop_at))
      tlw_pipeline_halt(p, &p->failure);
    if (p->at_once) {
      if (p->closing && p->dropped) break;
      pthread_cond_wait(&p->ready, &p->lock);
    } else if ((place = tlw_delivery_find(p, &lane))) {
      tlw_delivery_make(encoder, lane, place);
    } else if ((place = find_encodable(p, &lane))) {
      encode_some(encoder, lane, place);
    } else {
      pthread_cond_wait(&p->ready, &p->lock);
    }
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}
