/* The pool, beside a slow model that knows the owner of every unit of every slab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/pool.h"

#define UNIT ((uint64_t)TLW_POOL_ALIGN)
#define EVENTS 256

struct event {
  bool open;
  uint64_t handle, size;
  uint64_t available; /* before it */
  tlw_status status;
};

/* What slabs are made of here: a number that must not pass the budget. */
struct source {
  uint64_t budget, used, next_handle;
  uint64_t fail_at; /* the open that fails, counted down; 0: none */
  tlw_status failure;
  bool lasting;
  uint64_t sizes[1 << 16]; /* of open slabs by handle */
  struct event events[EVENTS];
  int n_events;
};

static uint64_t source_available(void *context) {
  const struct source *source = context;
  return source->budget - source->used;
}

static void log_event(struct source *source, bool open, uint64_t handle, uint64_t size, tlw_status status) {
  assert_true(source->n_events < EVENTS);
  source->events[source->n_events++] = (struct event){open, handle, size, source_available(source), status};
}

static bool strikes(struct source *source) {
  if (source->fail_at == 0) return false;
  if (source->fail_at > 1) {
    source->fail_at--;
    return false;
  }
  if (!source->lasting) source->fail_at = 0;
  return true;
}

static tlw_status source_open(void *context, uint64_t size, struct tlw_slab *slab, tlw_error *error) {
  struct source *source = context;
  assert_int_equal(size % UNIT, 0);
  assert_true(size > 0);
  assert_true(size <= source_available(source));
  if (strikes(source)) {
    log_event(source, true, 0, size, source->failure);
    memset(slab, 0x5a, sizeof *slab);
    return tlw_fail(error, source->failure, "planted");
  }
  const uint64_t handle = ++source->next_handle;
  assert_true(handle < sizeof source->sizes / sizeof *source->sizes);
  log_event(source, true, handle, size, TLW_OK);
  source->used += size;
  source->sizes[handle] = size;
  *slab = (struct tlw_slab){handle, size};
  return TLW_OK;
}

static void source_close(void *context, struct tlw_slab *slab) {
  struct source *source = context;
  assert_true(slab->handle < sizeof source->sizes / sizeof *source->sizes);
  assert_true(slab->size > 0);
  assert_int_equal(source->sizes[slab->handle], slab->size);
  log_event(source, false, slab->handle, slab->size, TLW_OK);
  source->used -= slab->size;
  source->sizes[slab->handle] = 0;
}

static uint64_t random_state;
static uint64_t random_below(uint64_t n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (random_state >> 11) % n;
}

static void new_pool(struct tlw_pool **pool, struct source **source, uint64_t budget, uint64_t slab_size,
                     uint64_t largest, struct tlw_ledger *ledger) {
  *source = calloc(1, sizeof **source);
  *pool = calloc(1, sizeof **pool);
  assert_non_null(*source);
  assert_non_null(*pool);
  (*source)->budget = budget;
  const struct tlw_pool_source table = {*source, source_open, source_close, source_available};
  tlw_pool_init(*pool, &table, slab_size, largest, ledger);
}

static void end_pool(struct tlw_pool *pool, struct source *source) {
  source->n_events = 0;
  tlw_pool_close(pool);
  assert_int_equal(source->used, 0);
  assert_int_equal(tlw_pool_slabs(pool), 0);
  assert_int_equal(tlw_gauge_read(&pool->in_use).current, 0);
  free(pool);
  free(source);
}

/* ---- the model ---- */

#define MOST_UNITS 512
#define MOST_PARTS 2048
#define FREE (-1)

struct model_part {
  uint64_t id, asked;
  uint64_t handle, offset;
  bool live, kept;
};

struct model_slab {
  uint64_t handle;
  int64_t units; /* 0: none */
  int16_t owner[MOST_UNITS];
};

struct model {
  struct tlw_pool *pool;
  struct source *source;
  uint64_t slab_size, largest;
  struct model_slab slabs[TLW_POOL_SLABS];
  struct model_part parts[MOST_PARTS];
  int n_parts; /* ever made; the index is that in owner */
  uint64_t in_use, peak, total;
  uint64_t refused_budget, refused_memory, refused_device, closed_for_room, halved;
};

static bool is_free(const struct model_slab *slab, int64_t offset, int64_t units) {
  for (int64_t i = offset; i < offset + units; i++)
    if (slab->owner[i] != FREE) return false;
  return true;
}

static bool slab_is_empty(const struct model_slab *slab) { return slab->units > 0 && is_free(slab, 0, slab->units); }

static bool model_find(const struct model *model, int64_t units, bool kept, int *slab, int64_t *offset) {
  for (int i = 0; i < TLW_POOL_SLABS; i++) {
    *slab = kept ? TLW_POOL_SLABS - 1 - i : i;
    const struct model_slab *s = &model->slabs[*slab];
    for (int64_t k = 0; k + units <= s->units; k++) {
      *offset = kept ? s->units - units - k : k;
      if (is_free(s, *offset, units)) return true;
    }
  }
  return false;
}

static uint64_t model_empty_bytes(const struct model *model) {
  uint64_t bytes = 0;
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (slab_is_empty(&model->slabs[i])) bytes += (uint64_t)model->slabs[i].units * UNIT;
  return bytes;
}

static int model_place(const struct model *model) {
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (model->slabs[i].units == 0) return i;
  return -1;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void model_close(struct model *model, const struct event *event) {
  for (int i = 0; i < TLW_POOL_SLABS; i++) {
    struct model_slab *slab = &model->slabs[i];
    if (slab->units == 0 || slab->handle != event->handle) continue;
    assert_true(slab_is_empty(slab));
    assert_int_equal(event->size, (uint64_t)slab->units * UNIT);
    slab->units = 0;
    return;
  }
  fail_msg("a slab was closed that was not open");
}

static void model_open(struct model *model, const struct event *event) {
  const int place = model_place(model);
  assert_true(place >= 0);
  struct model_slab *slab = &model->slabs[place];
  slab->handle = event->handle;
  slab->units = (int64_t)(event->size / UNIT);
  assert_in_range(slab->units, 1, MOST_UNITS);
  for (int i = 0; i < MOST_UNITS; i++) slab->owner[i] = FREE;
}

/* Follows what the pool did with its source for a part that no slab had room for, and gives the status due. */
static tlw_status model_add_slab(struct model *model, uint64_t size) {
  const struct source *source = model->source;
  int at = 0;
  while (at < source->n_events && !source->events[at].open) {
    const struct event *event = &source->events[at++];
    assert_true(model_place(model) < 0 || event->available < size); /* else it need not have been closed */
    model_close(model, event);
    model->closed_for_room++;
  }
  const uint64_t available = source->events[at].available;
  uint64_t expected = larger(size, smaller(model->slab_size, smaller(model->largest, available / UNIT * UNIT)));
  for (; at < source->n_events; at++) {
    const struct event *event = &source->events[at];
    assert_true(event->open);
    assert_int_equal(event->size, expected);
    if (event->status == TLW_OK) {
      assert_int_equal(at, source->n_events - 1);
      model_open(model, event);
      return TLW_OK;
    }
    if (event->status != TLW_ERR_MEMORY || expected == size) {
      assert_int_equal(at, source->n_events - 1);
      return event->status;
    }
    expected = larger(size, expected / 2 / UNIT * UNIT);
    model->halved++;
  }
  fail_msg("no slab was opened, although there was room for one");
  return TLW_ERR_INTERNAL;
}

static uint64_t available_before(const struct model *model) {
  const struct source *source = model->source;
  return source->n_events > 0 ? source->events[0].available : source->budget - source->used;
}

/* The status due, and where there is one the place of the part. */
static tlw_status model_alloc(struct model *model, uint64_t size, bool kept, int *slab, int64_t *offset) {
  const int64_t units = (int64_t)(size / UNIT);
  if (model_find(model, units, kept, slab, offset)) {
    assert_int_equal(model->source->n_events, 0);
    return TLW_OK;
  }
  const uint64_t empty = model_empty_bytes(model);
  tlw_status status = TLW_OK;
  if (size > smaller(model->largest, (available_before(model) + empty) / UNIT * UNIT))
    status = TLW_ERR_BUDGET;
  else if (model_place(model) < 0 && empty == 0)
    status = TLW_ERR_MEMORY;
  if (status != TLW_OK) {
    assert_int_equal(model->source->n_events, 0); /* nothing is closed in vain */
    return status;
  }
  status = model_add_slab(model, size);
  if (status == TLW_OK) assert_true(model_find(model, units, kept, slab, offset));
  return status;
}

static void set_owner(struct model *model, const struct model_part *part, int owner) {
  const int64_t units = (int64_t)((part->asked + UNIT - 1) / UNIT);
  for (int i = 0; i < TLW_POOL_SLABS; i++) {
    struct model_slab *slab = &model->slabs[i];
    if (slab->units == 0 || slab->handle != part->handle) continue;
    for (int64_t k = 0; k < units; k++) slab->owner[(int64_t)(part->offset / UNIT) + k] = (int16_t)owner;
  }
}

static void check_part(const struct model *model, const struct model_part *part) {
  struct tlw_part found;
  memset(&found, 0x5a, sizeof found);
  assert_int_equal(tlw_pool_find(model->pool, part->id, &found), part->live);
  if (!part->live) return;
  assert_int_equal(found.slab.handle, part->handle);
  assert_int_equal(found.slab.size, model->source->sizes[part->handle]);
  assert_int_equal(found.offset, part->offset);
  assert_int_equal(found.size, part->asked);
}

static void step_alloc(struct model *model, uint64_t asked, bool kept) {
  const uint64_t size = (asked + UNIT - 1) / UNIT * UNIT;
  uint64_t id = UINT64_MAX;
  tlw_error error;
  memset(&error, 0x5a, sizeof error);
  const tlw_status status = tlw_pool_alloc(model->pool, asked, kept ? TLW_POOL_KEPT : TLW_POOL_WORK, &id, &error);
  int slab = 0;
  int64_t offset = 0;
  assert_int_equal(status, model_alloc(model, size, kept, &slab, &offset));
  if (status != TLW_OK) {
    assert_int_equal(error.code, status);
    assert_int_equal(id, 0);
    model->refused_budget += status == TLW_ERR_BUDGET;
    model->refused_memory += status == TLW_ERR_MEMORY;
    model->refused_device += status == TLW_ERR_DEVICE;
    return;
  }
  assert_int_not_equal(id, 0);
  for (int i = 0; i < model->n_parts; i++) assert_int_not_equal(model->parts[i].id, id);
  assert_true(model->n_parts < MOST_PARTS);
  struct model_part *part = &model->parts[model->n_parts];
  *part = (struct model_part){id, asked, model->slabs[slab].handle, (uint64_t)offset * UNIT, true, kept};
  set_owner(model, part, model->n_parts++);
  check_part(model, part);
  model->in_use += size;
  model->total += size;
  model->peak = larger(model->peak, model->in_use);
}

static void model_free(struct model *model, struct model_part *part) {
  set_owner(model, part, FREE);
  part->live = false;
  model->in_use -= (part->asked + UNIT - 1) / UNIT * UNIT;
}

static void step_free(struct model *model) {
  if (model->n_parts == 0) return;
  struct model_part *part = &model->parts[random_below((uint64_t)model->n_parts)];
  assert_int_equal(tlw_pool_free(model->pool, part->id), part->live);
  if (part->live) model_free(model, part);
  assert_false(tlw_pool_free(model->pool, part->id));
  check_part(model, part);
}

static void step_trim(struct model *model) {
  const uint64_t empty = model_empty_bytes(model);
  tlw_pool_trim(model->pool);
  uint64_t closed = 0;
  for (int i = 0; i < model->source->n_events; i++) {
    assert_false(model->source->events[i].open);
    closed += model->source->events[i].size;
    model_close(model, &model->source->events[i]);
  }
  assert_int_equal(closed, empty);
}

static void step_clear(struct model *model) {
  tlw_pool_clear(model->pool);
  for (int i = 0; i < model->n_parts; i++)
    if (model->parts[i].live && model->parts[i].kept) model_free(model, &model->parts[i]);
  assert_int_equal(model->source->n_events, 0);
}

static void step_reserve(struct model *model, uint64_t asked) {
  const uint64_t size = (asked + UNIT - 1) / UNIT * UNIT;
  const bool place = model_place(model) >= 0;
  if (size > model->source->budget - model->source->used && size <= model->largest) return; /* the source's to refuse */
  const tlw_status status = tlw_pool_reserve(model->pool, asked, NULL);
  const struct event *event = &model->source->events[0];
  if (!place || size > model->largest) {
    assert_int_equal(status, place ? TLW_ERR_BUDGET : TLW_ERR_MEMORY);
    assert_int_equal(model->source->n_events, 0);
    return;
  }
  assert_int_equal(model->source->n_events, 1);
  assert_int_equal(event->size, size);
  assert_int_equal(status, event->status);
  if (status == TLW_OK) model_open(model, event);
}

static void check_state(const struct model *model) {
  const tlw_counter in_use = tlw_gauge_read(&model->pool->in_use);
  assert_int_equal(in_use.current, model->in_use);
  assert_int_equal(in_use.peak, model->peak);
  assert_int_equal(in_use.total, model->total);
  assert_int_equal(tlw_pool_slabs(model->pool), model->source->used);
  int kept = 0;
  for (int i = 0; i < model->n_parts; i++) {
    check_part(model, &model->parts[i]);
    kept += model->parts[i].live && model->parts[i].kept;
  }
  assert_int_equal(model->pool->n_kept, kept);
}

/* Room is what a copy of the pool without work can really give, and one unit more is what it can't. */
static void check_room(const struct model *model) {
  static struct tlw_pool pool;
  static struct source source;
  for (uint64_t extra = 0; extra <= 1; extra++) {
    pool = *model->pool;
    source = *model->source;
    pool.source.context = &source;
    pool.ledger = NULL;
    source.fail_at = 0;
    source.n_events = 0;
    const uint64_t room = tlw_pool_room(&pool);
    assert_int_equal(room % UNIT, 0);
    for (int i = 0; i < model->n_parts; i++)
      if (model->parts[i].live && !model->parts[i].kept) assert_true(tlw_pool_free(&pool, model->parts[i].id));
    assert_int_equal(tlw_pool_room(&pool), room);
    uint64_t id;
    const enum tlw_pool_end end = room / UNIT % 2 ? TLW_POOL_WORK : TLW_POOL_KEPT;
    if (extra == 0 && room == 0) continue;
    const tlw_status status = tlw_pool_alloc(&pool, room + extra, end, &id, NULL);
    if (extra == 0)
      assert_int_equal(status, TLW_OK);
    else
      assert_true(status == TLW_ERR_BUDGET || status == TLW_ERR_MEMORY);
  }
}

static void check_against_model(struct model *model, int steps, uint64_t most_asked) {
  for (int step = 0; step < steps; step++) {
    model->source->n_events = 0;
    if (random_below(40) == 0) {
      model->source->fail_at = random_below(4);
      model->source->failure = random_below(4) ? TLW_ERR_MEMORY : TLW_ERR_DEVICE;
      model->source->lasting = random_below(2);
    }
    const uint64_t dice = random_below(1000);
    const uint64_t asked = 1 + random_below(random_below(8) ? most_asked / 6 : most_asked);
    if (dice < 500)
      step_alloc(model, asked, random_below(3) == 0);
    else if (dice < 985)
      for (int i = 0; i < 6; i++) step_free(model);
    else if (dice < 992)
      step_trim(model);
    else if (dice < 996)
      step_clear(model);
    else
      step_reserve(model, asked);
    if (step % 16 == 0) check_state(model);
    if (step % 64 == 0) check_room(model);
  }
}

static void test_pool_is_its_model(void **state) {
  (void)state;
  struct model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  uint64_t budget = 0, memory = 0, device = 0, closed = 0, halved = 0;
  for (uint64_t round = 0; round < 300; round++) {
    random_state = 0x9e3779b97f4a7c15u * (round + 1);
    memset(model, 0, sizeof *model);
    model->slab_size = UNIT * (1 + random_below(round % 3 ? 64 : 8));
    model->largest = UNIT * (8 + random_below(MOST_UNITS - 8));
    const uint64_t units = round % 3 == 0 ? 2000 : 64 + random_below(1000);
    new_pool(&model->pool, &model->source, units * UNIT + random_below(UNIT), model->slab_size + random_below(UNIT),
             model->largest + random_below(UNIT), NULL);
    check_against_model(model, 1500, round % 3 ? 200 * UNIT : 6 * UNIT);
    budget += model->refused_budget;
    memory += model->refused_memory;
    device += model->refused_device;
    closed += model->closed_for_room;
    halved += model->halved;
    end_pool(model->pool, model->source);
  }
  /* The rounds did come by all of these. */
  assert_true(budget > 100 && memory > 100 && device > 100 && closed > 100 && halved > 100);
  free(model);
}

/* ---- single cases ---- */

static void test_sizes_beyond_anything(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, UINT64_MAX, 1 << 20, UINT64_MAX, NULL);
  const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 254};
  uint64_t id;
  tlw_error error;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    id = 1;
    assert_int_equal(tlw_pool_alloc(pool, sizes[i], TLW_POOL_WORK, &id, &error), TLW_ERR_BUDGET);
    assert_int_equal(id, 0);
    assert_int_equal(error.bytes, 0);
    assert_int_equal(tlw_pool_reserve(pool, sizes[i], &error), TLW_ERR_BUDGET);
  }
  assert_int_equal(source->n_events, 0);
  assert_int_equal(tlw_gauge_read(&pool->in_use).total, 0);
  assert_int_equal(tlw_pool_room(pool), UINT64_MAX / UNIT * UNIT);
  assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  assert_int_equal(source->used, 1 << 20);
  end_pool(pool, source);
}

static void test_no_id_is_found_but_those_given(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 1 << 20, 1 << 16, 1 << 20, NULL);
  struct tlw_part part;
  assert_false(tlw_pool_find(pool, 0, &part));
  uint64_t id;
  assert_int_equal(tlw_pool_alloc(pool, 1000, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  random_state = 77;
  for (int i = 0; i < 1000000; i++) {
    uint64_t guess = i < 100000 ? (uint64_t)i : random_below(UINT64_MAX) << 11 ^ random_below(UINT64_MAX);
    if (i % 3 == 0 && i >= 100000) guess = id ^ (uint64_t)1 << i % 64;
    if (guess == id) continue;
    assert_false(tlw_pool_find(pool, guess, &part));
    assert_false(tlw_pool_free(pool, guess));
  }
  assert_true(tlw_pool_find(pool, id, &part));
  end_pool(pool, source);
}

/* One entry used over and over: ids of every age stay stale, over clears and closes too. */
static void test_ids_of_every_age_are_stale(void **state) {
  (void)state;
  enum { AGES = 50000 };
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 1 << 20, 1 << 16, 1 << 20, NULL);
  uint64_t *ids = calloc(AGES, sizeof *ids);
  assert_non_null(ids);
  struct tlw_part part;
  for (int i = 0; i < AGES; i++) {
    source->n_events = 0;
    assert_int_equal(tlw_pool_alloc(pool, 1, i % 2 ? TLW_POOL_KEPT : TLW_POOL_WORK, &ids[i], NULL), TLW_OK);
    if (i % 2 && i % 3 == 0)
      tlw_pool_clear(pool);
    else if (i % 101 == 0)
      tlw_pool_close(pool);
    else
      assert_true(tlw_pool_free(pool, ids[i]));
  }
  uint64_t live;
  assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_KEPT, &live, NULL), TLW_OK);
  for (int i = 0; i < AGES; i++) {
    if (i > 0) assert_true(ids[i] != ids[i - 1]);
    assert_false(ids[i] == live);
    assert_false(tlw_pool_find(pool, ids[i], &part));
    assert_false(tlw_pool_free(pool, ids[i]));
  }
  assert_true(tlw_pool_find(pool, live, &part));
  free(ids);
  end_pool(pool, source);
}

/* A part under another name is the same part; none is found under the former, and no later one has either. */
static void test_renamed_parts(void **state) {
  (void)state;
  struct source *source;
  struct tlw_pool *pool;
  new_pool(&pool, &source, 100000, 10000, UINT64_MAX, NULL);
  uint64_t ids[2];
  struct tlw_part before, part;
  for (int i = 0; i < 2; i++) assert_int_equal(tlw_pool_alloc(pool, 700, TLW_POOL_KEPT, &ids[i], NULL), TLW_OK);
  assert_true(tlw_pool_find(pool, ids[0], &before));
  const uint64_t id = tlw_pool_rename(pool, ids[0]);
  assert_true(id != 0 && id != ids[0] && id != ids[1]);
  assert_false(tlw_pool_find(pool, ids[0], &part));
  assert_false(tlw_pool_free(pool, ids[0]));
  assert_int_equal(tlw_pool_rename(pool, ids[0]), 0);
  assert_int_equal(tlw_pool_rename(pool, UINT64_MAX), 0);
  assert_true(tlw_pool_find(pool, id, &part));
  assert_memory_equal(&part, &before, sizeof part);
  assert_true(tlw_pool_find(pool, ids[1], &part));
  assert_int_equal(pool->n_kept, 2);
  assert_true(tlw_pool_free(pool, id));
  assert_int_equal(tlw_pool_rename(pool, id), 0);
  uint64_t next;
  assert_int_equal(tlw_pool_alloc(pool, 700, TLW_POOL_KEPT, &next, NULL), TLW_OK);
  assert_true(next != id && next != ids[0]);
  end_pool(pool, source);
}

static void test_entries_run_out(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 1 << 24, 1 << 22, 1 << 24, NULL);
  static uint64_t ids[TLW_POOL_PARTS];
  for (int i = 0; i < TLW_POOL_PARTS; i++)
    assert_int_equal(tlw_pool_alloc(pool, 1, i % 2 ? TLW_POOL_KEPT : TLW_POOL_WORK, &ids[i], NULL), TLW_OK);
  uint64_t id = 1;
  tlw_error error;
  assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_WORK, &id, &error), TLW_ERR_MEMORY);
  assert_int_equal(error.code, TLW_ERR_MEMORY);
  assert_int_equal(id, 0);
  assert_true(tlw_pool_room(pool) > 0);
  for (int i = 0; i < TLW_POOL_PARTS; i += 2) {
    assert_true(tlw_pool_free(pool, ids[i]));
    assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_KEPT, &ids[i], NULL), TLW_OK);
  }
  assert_int_equal(tlw_pool_room(pool), 0); /* no entry is left for a part of any size */
  assert_int_equal(tlw_gauge_read(&pool->in_use).current, TLW_POOL_PARTS * UNIT);
  tlw_pool_clear(pool);
  assert_int_equal(tlw_gauge_read(&pool->in_use).current, 0);
  tlw_pool_trim(pool);
  assert_int_equal(source->used, 0);
  assert_int_equal(tlw_pool_room(pool), 1 << 24);
  end_pool(pool, source);
}

static void test_slabs_run_out(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 1 << 24, UNIT, 1 << 24, NULL);
  uint64_t ids[TLW_POOL_SLABS], id;
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    assert_int_equal(tlw_pool_alloc(pool, UNIT, TLW_POOL_KEPT, &ids[i], NULL), TLW_OK);
  assert_int_equal(tlw_pool_room(pool), 0);
  assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_WORK, &id, NULL), TLW_ERR_MEMORY);
  assert_int_equal(tlw_pool_reserve(pool, 1, NULL), TLW_ERR_MEMORY);
  assert_true(tlw_pool_free(pool, ids[7]));
  const uint64_t room = tlw_pool_room(pool);
  assert_int_equal(room, (1 << 24) - (TLW_POOL_SLABS - 1) * UNIT);
  assert_int_equal(tlw_pool_alloc(pool, room, TLW_POOL_KEPT, &id, NULL), TLW_OK);
  assert_int_equal(source->used, 1 << 24);
  end_pool(pool, source);
}

/* Every failure of the source at every open leaves the pool as it was, and what is asked for again then works. */
static void test_source_fails_at_the_nth_open(void **state) {
  (void)state;
  const tlw_status failures[] = {TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_DEVICE, TLW_ERR_DEVICE_LOST};
  for (size_t k = 0; k < sizeof failures / sizeof *failures; k++) {
    for (uint64_t n = 1; n <= 6; n++) {
      struct tlw_pool *pool;
      struct source *source;
      new_pool(&pool, &source, 1 << 20, 1 << 16, 1 << 20, NULL);
      source->fail_at = n;
      source->failure = failures[k];
      source->lasting = true;
      uint64_t made = 0, id;
      tlw_status status;
      while ((status = tlw_pool_alloc(pool, 1 << 16, TLW_POOL_WORK, &id, NULL)) == TLW_OK) made++;
      assert_int_equal(status, failures[k]);
      assert_int_equal(made, n - 1);
      assert_int_equal(source->used, made << 16);
      assert_int_equal(tlw_gauge_read(&pool->in_use).current, made << 16);
      source->fail_at = 0;
      assert_int_equal(tlw_pool_alloc(pool, 1 << 16, TLW_POOL_WORK, &id, NULL), TLW_OK);
      end_pool(pool, source);
    }
  }
}

static void test_driver_with_less_than_a_slab(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 1 << 20, 1 << 18, 1 << 20, NULL);
  source->fail_at = 1;
  source->failure = TLW_ERR_MEMORY;
  uint64_t id;
  assert_int_equal(tlw_pool_alloc(pool, 1000, TLW_POOL_WORK, &id, NULL), TLW_OK);
  assert_int_equal(source->n_events, 2);
  assert_int_equal(source->used, 1 << 17);
  end_pool(pool, source);
}

/* A part that the budget holds only without the empty slabs closes as many of them as it must; another none. */
static void test_empty_slabs_make_room(void **state) {
  (void)state;
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 100 * UNIT, 10 * UNIT, 100 * UNIT, NULL);
  uint64_t kept, id;
  for (int i = 0; i < 10; i++) assert_int_equal(tlw_pool_reserve(pool, 10 * UNIT, NULL), TLW_OK);
  assert_int_equal(tlw_pool_alloc(pool, 1, TLW_POOL_KEPT, &kept, NULL), TLW_OK);
  assert_int_equal(tlw_pool_room(pool), 90 * UNIT);
  source->n_events = 0;
  assert_int_equal(tlw_pool_alloc(pool, 90 * UNIT + 1, TLW_POOL_WORK, &id, NULL), TLW_ERR_BUDGET);
  assert_int_equal(source->n_events, 0);
  assert_int_equal(tlw_pool_alloc(pool, 35 * UNIT, TLW_POOL_WORK, &id, NULL), TLW_OK);
  assert_int_equal(source->n_events, 5);
  assert_int_equal(tlw_pool_room(pool), 90 * UNIT);
  assert_true(tlw_pool_free(pool, id));
  assert_int_equal(tlw_pool_alloc(pool, 90 * UNIT, TLW_POOL_WORK, &id, NULL), TLW_OK);
  assert_int_equal(tlw_pool_slabs(pool), 100 * UNIT);
  end_pool(pool, source);
}

static void test_ledger_is_told_everything(void **state) {
  (void)state;
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  assert_non_null(ledger);
  assert_int_equal(tlw_ledger_open(ledger, NULL, NULL), TLW_OK);
  struct tlw_pool *pool;
  struct source *source;
  new_pool(&pool, &source, 20 * UNIT, 10 * UNIT, 20 * UNIT, ledger);
  uint64_t a, b, c;
  assert_int_equal(tlw_pool_alloc(pool, 300, TLW_POOL_WORK, &a, NULL), TLW_OK);
  assert_int_equal(tlw_pool_alloc(pool, UNIT, TLW_POOL_KEPT, &b, NULL), TLW_OK);
  assert_int_equal(tlw_pool_alloc(pool, 11 * UNIT, TLW_POOL_WORK, &c, NULL), TLW_ERR_BUDGET);
  source->fail_at = 1;
  source->failure = TLW_ERR_DEVICE;
  assert_int_equal(tlw_pool_alloc(pool, 8 * UNIT, TLW_POOL_WORK, &c, NULL), TLW_ERR_DEVICE);
  tlw_pool_clear(pool);
  assert_true(tlw_pool_free(pool, a));
  tlw_pool_trim(pool);
  const struct {
    tlw_operation operation;
    uint64_t bytes;
    tlw_status status;
  } due[] = {
      {TLW_OP_SLAB_OPEN, 10 * UNIT, TLW_OK},
      {TLW_OP_POOL_ALLOC, 2 * UNIT, TLW_OK},
      {TLW_OP_POOL_ALLOC, UNIT, TLW_OK},
      {TLW_OP_POOL_ALLOC, 11 * UNIT, TLW_ERR_BUDGET},
      {TLW_OP_SLAB_OPEN, 10 * UNIT, TLW_ERR_DEVICE},
      {TLW_OP_POOL_ALLOC, 8 * UNIT, TLW_ERR_DEVICE},
      {TLW_OP_POOL_FREE, UNIT, TLW_OK},
      {TLW_OP_POOL_FREE, 2 * UNIT, TLW_OK},
      {TLW_OP_SLAB_CLOSE, 10 * UNIT, TLW_OK},
  };
  const size_t n = sizeof due / sizeof *due;
  tlw_record records[20];
  assert_int_equal(tlw_ledger_read(ledger, records, 20), n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(records[i].operation, due[i].operation);
    assert_int_equal(records[i].bytes, due[i].bytes);
    assert_int_equal(records[i].status, due[i].status);
    assert_int_equal(records[i].items, 1);
  }
  end_pool(pool, source);
  tlw_ledger_close(ledger);
  free(ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pool_is_its_model),
      cmocka_unit_test(test_sizes_beyond_anything),
      cmocka_unit_test(test_no_id_is_found_but_those_given),
      cmocka_unit_test(test_ids_of_every_age_are_stale),
      cmocka_unit_test(test_renamed_parts),
      cmocka_unit_test(test_entries_run_out),
      cmocka_unit_test(test_slabs_run_out),
      cmocka_unit_test(test_source_fails_at_the_nth_open),
      cmocka_unit_test(test_driver_with_less_than_a_slab),
      cmocka_unit_test(test_empty_slabs_make_room),
      cmocka_unit_test(test_ledger_is_told_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
