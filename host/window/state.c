/* States of rolling windows: their memory, and the arithmetic around each row. */
#include "state.h"

#include <string.h>

#include "host/base/arithmetic.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/engine/engine.h"

static const struct tlw_state_way *way_of(const tlk_window *window) {
  if (window->kind < TLK_FOLDS) return tlw_fold_way(window->kind);
  return window->kind < TLK_SCAN_LINEAR ? &tlw_order_way : &tlw_scan_way;
}

/* The columns of a spec may be any. */
static tlw_status check_spec(const tlw_window_spec *spec, tlw_error *error) {
  return tlw_window_check(spec, INT32_MAX, error);
}

static uint64_t size_of(const tlk_window *window) {
  return tlw_memory_counted(sizeof(tlw_window_state) + way_of(window)->room(window));
}

uint64_t tlw_window_state_size(const tlw_window_spec *spec) {
  if (check_spec(spec, NULL) != TLW_OK) return 0;
  const tlk_window window = tlw_window_plan(spec);
  return size_of(&window);
}

static tlw_status allocate(struct tlw_memory *memory, uint64_t size, tlw_window_state **state, tlw_error *error) {
  tlw_error failure;
  *state = tlw_heap_alloc(memory, (size_t)size, "the state of a window", &failure);
  if (*state) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

tlw_status tlw_window_state_open(const tlw_window_spec *spec, int64_t origin, tlw_engine *engine,
                                 tlw_window_state **state, tlw_error *error) {
  if (!state) return tlw_fail(error, TLW_ERR_ARGUMENT, "state is NULL: pass the address of a tlw_window_state pointer");
  *state = NULL;
  tlw_status status = check_spec(spec, error);
  if (status != TLW_OK) return status;
  if (origin < 0 || origin > TLW_WINDOW_MOST_ORIGIN)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "origin is %lld: it must be 0 to 2^52", (long long)origin);
  const tlk_window window = tlw_window_plan(spec);
  const uint64_t size = size_of(&window);
  struct tlw_memory *memory = engine ? tlw_engine_memory(engine) : NULL;
  tlw_window_state *opened;
  status = allocate(memory, size, &opened, error);
  if (status != TLW_OK) return status;
  *opened =
      (tlw_window_state){.window = window, .way = way_of(&window), .memory = memory, .size = size, .origin = origin};
  tlw_window_state_clear(opened);
  *state = opened;
  return TLW_OK;
}

void tlw_window_state_close(tlw_window_state **state) {
  if (!state || !*state) return;
  tlw_heap_free((*state)->memory, *state, (size_t)(*state)->size);
  *state = NULL;
}

void tlw_window_state_clear(tlw_window_state *state) {
  if (!state) return;
  memset(state->room, 0, (size_t)state->way->room(&state->window));
  state->way->begin(state);
}

tlw_status tlw_window_state_clone(const tlw_window_state *state, tlw_window_state **clone, tlw_error *error) {
  if (!clone) return tlw_fail(error, TLW_ERR_ARGUMENT, "clone is NULL: pass the address of a tlw_window_state pointer");
  *clone = NULL;
  if (!state) return tlw_fail(error, TLW_ERR_ARGUMENT, "state is NULL");
  tlw_window_state *copy;
  const tlw_status status = allocate(state->memory, state->size, &copy, error);
  if (status != TLW_OK) return status;
  memcpy(copy, state, sizeof *state + (size_t)state->way->room(&state->window));
  *clone = copy;
  return TLW_OK;
}

/* ---- rows ---- */

double tlw_window_update(tlw_window_state *state, double x, double y) {
  if (tlw_arithmetic_is_ours()) return state->way->update(state, x, y);
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  const double result = state->way->update(state, x, y);
  tlw_arithmetic_end(&callers);
  return result;
}

double tlw_window_peek(const tlw_window_state *state, double x, double y) {
  if (tlw_arithmetic_is_ours()) return state->way->peek(state, x, y);
  fenv_t callers;
  tlw_arithmetic_begin(&callers);
  const double result = state->way->peek(state, x, y);
  tlw_arithmetic_end(&callers);
  return result;
}

void tlw_window_feed(tlw_window_state *state, const double *x, const double *y, int64_t n, double *output) {
  fenv_t callers;
  const bool switches = !tlw_arithmetic_is_ours();
  if (switches) tlw_arithmetic_begin(&callers);
  double (*const update)(tlw_window_state *, double, double) = state->way->update;
  for (int64_t i = 0; i < n; i++) output[i] = update(state, x[i], y ? y[i] : 0);
  if (switches) tlw_arithmetic_end(&callers);
}
