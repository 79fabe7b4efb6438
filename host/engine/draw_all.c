/* A render: every piece of a source in turn, into the caller's raster. */
#include <string.h>

#include "aim.h"
#include "images.h"
#include "loads.h"
#include "state.h"

static uint64_t held(const tlw_engine *engine) {
  uint64_t bytes = 0;
  for (int i = 0; i < TLW_RENDER_SLOTS; i++) bytes += tlw_draw_held(&engine->slots[i]);
  return bytes;
}

static void release_all(tlw_engine *engine) {
  for (int i = 0; i < TLW_RENDER_SLOTS; i++) tlw_draw_release(engine, &engine->slots[i]);
}

void tlw_draw_relieve(tlw_engine *engine) {
  release_all(engine);
  tlw_images_relieve(engine);
  tlw_aim_relieve(engine);
}

static uint64_t bytes_of(const struct tlw_slot *slot, const tlk_layout *layout) {
  return (uint64_t)layout->width * (uint64_t)(slot->y1 - slot->y0);
}

/* Copies what was drawn in staging to where the caller wants it. */
static void deliver(const struct tlw_slot *slot, const tlk_layout *layout, const tlw_raster *raster) {
  const size_t width = (size_t)layout->width, rows = (size_t)(slot->y1 - slot->y0);
  for (int64_t i = 0; i < slot->n; i++) {
    const uint8_t *from = slot->pixels + (size_t)i * slot->image_stride;
    uint8_t *to =
        raster->pixels + (size_t)(slot->first + i) * raster->image_stride + (size_t)slot->y0 * raster->row_stride;
    for (size_t y = 0; y < rows; y++) memcpy(to + y * raster->row_stride, from + y * slot->row_stride, width);
  }
}

/* raster: NULL, where there are no pixels. */
static tlw_status finish(tlw_engine *engine, struct tlw_slot *slot, const tlk_layout *layout, const tlw_raster *raster,
                         tlw_error *error) {
  const tlw_status status = tlw_draw_wait(engine, slot, layout, error);
  if (status == TLW_OK && raster && slot->pixels == slot->staging.data) {
    deliver(slot, layout, raster);
    tlw_telemetry_lap(&engine->services.telemetry, TLW_STAGE_DELIVER, slot->n,
                      (uint64_t)slot->n * bytes_of(slot, layout));
  }
  slot->n = 0;
  return status;
}

/*
 * The pieces follow each other through the slots; after a failure those in flight are waited for. The cursor is then at
 * the first chart that is not drawn, or at the very first where that is not known.
 */
static tlw_status draw_pieces(tlw_engine *engine, struct tlw_cursor *cursor, int64_t n, const struct tlw_share *share,
                              const struct tlw_outlet *outlet, tlw_error *error) {
  const tlk_layout *layout = &cursor->source->layout;
  const tlw_raster *raster = outlet->raster;
  tlw_status status = TLW_OK;
  bool all_finished = true;
  uint32_t turn = 0;
  for (; cursor->next < n && status == TLW_OK; turn = (turn + 1) % share->slots) {
    struct tlw_slot *slot = &engine->slots[turn];
    if (slot->n) status = finish(engine, slot, layout, raster, error);
    all_finished = status == TLW_OK;
    if (!all_finished) break;
    const bool in_place = engine->executor->ops->draws_anywhere;
    if (cursor->row == 0)
      cursor->end = in_place ? n : cursor->next + tlw_draw_grain(layout, n - cursor->next, share->slots);
    status = tlw_draw_next(engine, cursor, slot, share, outlet, error);
  }
  for (uint32_t i = 0; i < share->slots; i++, turn = (turn + 1) % share->slots) {
    if (!engine->slots[turn].n) continue;
    tlw_error failure;
    const tlw_status finished = finish(engine, &engine->slots[turn], layout, raster, &failure);
    if (finished == TLW_OK) continue;
    all_finished = false;
    if (status != TLW_OK) continue;
    status = finished;
    if (error) *error = failure;
  }
  tlw_draw_end(engine, cursor);
  cursor->row = 0;
  cursor->newest_band = NULL;
  if (!all_finished) cursor->next = 0;
  return status;
}

static tlw_status draw(tlw_engine *engine, struct tlw_cursor *cursor, int64_t n, const struct tlw_outlet *outlet,
                       tlw_error *error) {
  const struct tlw_source *source = cursor->source;
  const struct tlw_wish wish = {.slots = TLW_RENDER_SLOTS,
                                .held = held(engine),
                                .has_sheet = engine->slots[0].sheet.size >= (uint64_t)source->layout.sheet_size};
  struct tlw_share share;
  const tlw_status status = tlw_draw_share(engine, source, true, &wish, &share, error);
  return status == TLW_OK ? draw_pieces(engine, cursor, n, &share, outlet, error) : status;
}

/* From the cursor on. */
static tlw_status draw_rest(tlw_engine *engine, struct tlw_cursor *cursor, int64_t n, const struct tlw_outlet *outlet,
                            tlw_error *error) {
  const tlw_status status = draw(engine, cursor, n, outlet, error);
  if (status != TLW_ERR_BUDGET || held(engine) == 0) return status;
  /* Memory of charts of another size stands in the way. */
  release_all(engine);
  return draw(engine, cursor, n, outlet, error);
}

static tlw_status draw_series(tlw_engine *engine, const struct tlw_source *source, int64_t n,
                              const struct tlw_outlet *outlet, tlw_error *error) {
  struct tlw_cursor cursor = {.source = source};
  return draw_rest(engine, &cursor, n, outlet, error);
}

tlw_status tlw_draw_series(tlw_engine *engine, const struct tlw_source *source, int64_t n, const tlw_raster *raster,
                           tlw_error *error) {
  const struct tlw_outlet outlet = {.raster = raster};
  return draw_series(engine, source, n, &outlet, error);
}

tlw_status tlw_draw_tensors(tlw_engine *engine, const struct tlw_source *source, int64_t n,
                            const struct tlw_render_tensor *tensor, tlw_error *error) {
  const struct tlw_outlet outlet = {.tensor = tensor};
  return draw_series(engine, source, n, &outlet, error);
}

static void aim(tlw_engine *engine, const struct tlw_source *source, int64_t n) {
  if (!tlw_aim_has_choice(engine)) return;
  const struct tlw_load load = tlw_load_of_charts(TLW_WORK_CHARTS, source, n);
  tlw_aim(engine, &load, 1);
}

/* Where the budget is too small, what images keep is given back, and then the device takes over from the CPU. */
static tlw_status draw_in_room(tlw_engine *engine, const struct tlw_source *source, int64_t n,
                               const struct tlw_outlet *outlet, tlw_error *error) {
  struct tlw_cursor cursor = {.source = source};
  tlw_status status = draw_rest(engine, &cursor, n, outlet, error);
  if (status == TLW_ERR_BUDGET && tlw_images_held(engine) > 0) {
    tlw_images_relieve(engine);
    status = draw_rest(engine, &cursor, n, outlet, error);
  }
  if ((status != TLW_ERR_BUDGET && status != TLW_ERR_MEMORY) || !tlw_aim_leave_cpu(engine)) return status;
  return draw_rest(engine, &cursor, n, outlet, error);
}

tlw_status tlw_draw_all(tlw_engine *engine, const struct tlw_source *source, int64_t n, const tlw_raster *raster,
                        tlw_error *error) {
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  const int64_t begun = tlw_telemetry_begin(&engine->services.telemetry, TLW_OP_RENDER);
  const struct tlw_outlet outlet = {.raster = raster};
  if (n > 0) {
    aim(engine, source, n);
    status = draw_in_room(engine, source, n, &outlet, error);
  }
  const uint64_t pixels = (uint64_t)n * (uint64_t)source->layout.width * (uint64_t)source->layout.height;
  tlw_engine_note(engine, TLW_OP_RENDER, begun, pixels, n, status);
  tlw_engine_end(engine);
  return status;
}
