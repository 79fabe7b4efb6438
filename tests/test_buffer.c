/*
 * Buffers: random allocs, writes, reads and frees against a model; handles that are stale; budgets that refuse and name
 * one that does; buffers beside renders and streams; ten million operations in constant memory.
 *
 *   test_buffer [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 *   TALLOW_TEST_CASES=N             at most so many random cases; with 100 or less fewer operations
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_kit.h"

#define FIRST_SEED 20251001
#define MIB (UINT64_C(1) << 20)

static tlw_engine *engine_with(const target *t, uint64_t host, uint64_t device) {
  target_limits limits = no_limits;
  limits.threads = 2;
  limits.host_budget = host;
  limits.device_budget = device;
  kit_driver_restart();
  return kit_engine(t, &limits);
}

static tlw_engine *engine_of(const target *t) { return engine_with(t, TLW_BUDGET_AUTO, 32 * MIB); }

static tlw_buffer alloc(tlw_engine *engine, uint64_t size) {
  tlw_buffer buffer = {99};
  tlw_error error;
  kit_ok(tlw_buffer_alloc(engine, size, &buffer, &error), &error);
  assert_true(buffer.id != 0);
  return buffer;
}

/* ---- the model ---- */

#define SLOTS 60
#define GUARD 16

struct slot {
  tlw_buffer buffer;
  uint8_t *content;
  uint8_t *known; /* by byte: whether it was written */
  uint64_t size;
};

struct model {
  tlw_engine *engine;
  struct slot slots[SLOTS];
  tlw_buffer gone[256]; /* handles of what was freed */
  int n_gone;
  rng r;
};

static void model_alloc(struct model *m, struct slot *s) {
  static const uint64_t most[] = {4, 300, 5000, 400000};
  s->size = 1 + rng_below(&m->r, most[rng_below(&m->r, 4)]);
  s->buffer = alloc(m->engine, s->size);
  s->content = malloc(s->size);
  s->known = calloc(s->size, 1);
  assert_true(s->content != NULL && s->known != NULL);
  for (int i = 0; i < SLOTS; i++) assert_true(&m->slots[i] == s || m->slots[i].buffer.id != s->buffer.id);
  for (int i = 0; i < m->n_gone; i++) assert_true(m->gone[i].id != s->buffer.id);
}

static void forget(struct model *m, struct slot *s) {
  m->gone[m->n_gone < 256 ? m->n_gone++ : (int)rng_below(&m->r, 256)] = s->buffer;
  free(s->content);
  free(s->known);
  *s = (struct slot){0};
}

static void model_free(struct model *m, struct slot *s) {
  tlw_buffer buffer = s->buffer;
  tlw_error error;
  kit_ok(tlw_buffer_free(m->engine, &buffer, &error), &error);
  assert_int_equal(buffer.id, 0);
  forget(m, s);
}

static void random_range(struct model *m, const struct slot *s, uint64_t *offset, uint64_t *size) {
  *offset = rng_below(&m->r, s->size + 1);
  *size = rng_below(&m->r, s->size - *offset + 1);
  if (rng_below(&m->r, 4) == 0) *offset = 0, *size = s->size;
}

static void model_write(struct model *m, struct slot *s) {
  uint64_t offset, size;
  random_range(m, s, &offset, &size);
  uint8_t *source = malloc(size + 1);
  assert_non_null(source);
  for (uint64_t i = 0; i < size; i++) source[i] = (uint8_t)rng_next(&m->r);
  tlw_error error;
  kit_ok(tlw_buffer_write(m->engine, s->buffer, offset, source, size, &error), &error);
  memcpy(s->content + offset, source, size);
  memset(s->known + offset, 1, size);
  memset(source, 0x7F, size);
  free(source);
}

static void model_read(struct model *m, const struct slot *s) {
  uint64_t offset, size;
  random_range(m, s, &offset, &size);
  uint8_t *bytes = malloc(size + 2 * GUARD);
  assert_non_null(bytes);
  memset(bytes, 0xC3, size + 2 * GUARD);
  tlw_error error;
  kit_ok(tlw_buffer_read(m->engine, s->buffer, offset, bytes + GUARD, size, &error), &error);
  for (uint64_t i = 0; i < size; i++)
    if (s->known[offset + i]) assert_int_equal(bytes[GUARD + i], s->content[offset + i]);
  for (uint64_t i = 0; i < GUARD; i++) {
    assert_int_equal(bytes[i], 0xC3);
    assert_int_equal(bytes[GUARD + size + i], 0xC3);
  }
  free(bytes);
}

static void model_look(struct model *m, const struct slot *s) {
  uint64_t size = 0;
  tlw_error error;
  kit_ok(tlw_buffer_size(m->engine, s->buffer, &size, &error), &error);
  assert_int_equal(size, s->size);
}

static void expect_stale(tlw_engine *engine, tlw_buffer buffer) {
  uint8_t bytes[4] = {0};
  uint64_t size;
  tlw_error error;
  kit_failed(tlw_buffer_size(engine, buffer, &size, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_read(engine, buffer, 0, bytes, 1, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_write(engine, buffer, 0, bytes, 0, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_free(engine, &buffer, &error), TLW_ERR_STALE, &error);
  assert_int_equal(buffer.id, 0);
}

static void expect_in_use(const struct model *m) {
  uint64_t least = 0, most = 0;
  for (int i = 0; i < SLOTS; i++) {
    least += m->slots[i].size;
    most += m->slots[i].size > 0 ? m->slots[i].size + 255 : 0;
  }
  const uint64_t current = kit_stats(m->engine).pool_bytes.current;
  assert_true(current >= least && current <= most);
}

static void test_model(void **state) {
  target *t = *state;
  struct model *m = calloc(1, sizeof *m);
  assert_non_null(m);
  m->engine = engine_of(t);
  m->r.state = FIRST_SEED;
  const int64_t n = kit_in_full() ? kit_for(t, 40000, 6000) : kit_for(t, 8000, 4000);
  for (int64_t i = 0; i < n; i++) {
    struct slot *s = &m->slots[rng_below(&m->r, SLOTS)];
    const uint64_t choice = rng_below(&m->r, 100);
    if (s->buffer.id == 0) {
      model_alloc(m, s);
    } else if (choice < 25) {
      model_free(m, s);
    } else if (choice < 55) {
      model_write(m, s);
    } else if (choice < 90) {
      model_read(m, s);
    } else {
      model_look(m, s);
    }
    if (m->n_gone > 0 && choice % 8 == 0) expect_stale(m->engine, m->gone[rng_below(&m->r, (uint64_t)m->n_gone)]);
    if (i % 64 == 0) expect_in_use(m);
    if (i % 4000 == 3999) {
      tlw_error error;
      kit_ok(tlw_engine_reset(m->engine, i % 8000 == 7999 ? TLW_RESET_MEMORY : TLW_RESET_SESSION, &error), &error);
      for (int k = 0; k < SLOTS; k++)
        if (m->slots[k].buffer.id != 0) forget(m, &m->slots[k]);
      expect_in_use(m);
    }
  }
  for (int k = 0; k < SLOTS; k++)
    if (m->slots[k].buffer.id != 0) model_free(m, &m->slots[k]);
  assert_int_equal(kit_stats(m->engine).pool_bytes.current, 0);
  tlw_engine_close(&m->engine);
  assert_int_equal(kit_driver_bytes(), 0);
  free(m);
  t->cases += n;
}

/* ---- arguments and handles ---- */

static void test_wrong_arguments(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  tlw_error error;
  tlw_buffer buffer = {5};
  uint8_t bytes[100] = {0};
  uint64_t size;
  kit_failed(tlw_buffer_alloc(NULL, 10, &buffer, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_alloc(engine, 10, NULL, &error), TLW_ERR_ARGUMENT, &error);
  buffer.id = 5;
  kit_failed(tlw_buffer_alloc(engine, 0, &buffer, &error), TLW_ERR_ARGUMENT, &error);
  assert_int_equal(buffer.id, 0);
  kit_failed(tlw_buffer_free(NULL, &buffer, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_free(engine, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  buffer = alloc(engine, 64);
  kit_failed(tlw_buffer_size(NULL, buffer, &size, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_size(engine, buffer, NULL, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_write(NULL, buffer, 0, bytes, 1, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_write(engine, buffer, 0, NULL, 1, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_read(NULL, buffer, 0, bytes, 1, &error), TLW_ERR_ARGUMENT, &error);
  kit_failed(tlw_buffer_read(engine, buffer, 0, NULL, 1, &error), TLW_ERR_ARGUMENT, &error);
  static const uint64_t outside[][2] = {{0, 65}, {64, 1}, {65, 0}, {1, 64}, {UINT64_MAX, 1}, {1, UINT64_MAX}, {63, 2}};
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
    kit_failed(tlw_buffer_write(engine, buffer, outside[i][0], bytes, outside[i][1], &error), TLW_ERR_ARGUMENT, &error);
    kit_failed(tlw_buffer_read(engine, buffer, outside[i][0], bytes, outside[i][1], &error), TLW_ERR_ARGUMENT, &error);
    assert_int_equal(tlw_buffer_read(engine, buffer, outside[i][0], bytes, outside[i][1], NULL), TLW_ERR_ARGUMENT);
  }
  kit_ok(tlw_buffer_write(engine, buffer, 64, NULL, 0, &error), &error);
  kit_ok(tlw_buffer_read(engine, buffer, 0, NULL, 0, &error), &error);
  /* What is no handle, or not of this engine. */
  for (uint64_t i = 0; i < 64; i++) expect_stale(engine, (tlw_buffer){buffer.id ^ UINT64_C(1) << i});
  expect_stale(engine, (tlw_buffer){UINT64_MAX});
  kit_failed(tlw_buffer_size(engine, (tlw_buffer){0}, &size, &error), TLW_ERR_STALE, &error);
  kit_ok(tlw_buffer_size(engine, buffer, &size, &error), &error);
  const tlw_buffer copy = buffer;
  kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  expect_stale(engine, copy);
  assert_int_equal(tlw_buffer_size(engine, copy, &size, NULL), TLW_ERR_STALE);
  tlw_engine_close(&engine);
  t->cases++;
}

/* However many have come since. */
static void test_old_handles(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  tlw_buffer old = alloc(engine, 100);
  const tlw_buffer copy = old;
  tlw_error error;
  kit_ok(tlw_buffer_free(engine, &old, &error), &error);
  for (int i = 0; i < 30000; i++) {
    tlw_buffer buffer = alloc(engine, 100);
    assert_true(buffer.id != copy.id);
    if (i % 1000 == 0) expect_stale(engine, copy);
    kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  }
  tlw_engine_close(&engine);
  t->cases++;
}

static void test_most_buffers(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  static tlw_buffer buffers[TLW_BUFFERS_MAX];
  for (int i = 0; i < TLW_BUFFERS_MAX; i++) buffers[i] = alloc(engine, 1);
  tlw_buffer more = {7};
  tlw_error error;
  kit_failed(tlw_buffer_alloc(engine, 1, &more, &error), TLW_ERR_MEMORY, &error);
  assert_int_equal(more.id, 0);
  /* There is room for work all the same. */
  kit_plan plan;
  const kit_shape shape = {.batches = 2, .most_side = 80};
  kit_plan_open(&plan, FIRST_SEED, &shape);
  rng r = {1};
  kit_pass(&plan, TLW_STREAM_PNG, &engine, 1, 4, 2, &r);
  kit_plan_close(&plan);
  kit_ok(tlw_buffer_free(engine, &buffers[77], &error), &error);
  buffers[77] = alloc(engine, 1);
  for (int i = 0; i < TLW_BUFFERS_MAX; i++) kit_ok(tlw_buffer_free(engine, &buffers[i], &error), &error);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- budgets ---- */

#define LIVE 300

/* The budget that buffers count against. */
static tlw_engine *budgeted(const target *t, uint64_t budget) {
  return t->backend == TLW_BACKEND_CPU ? engine_with(t, budget, TLW_BUDGET_AUTO)
                                       : engine_with(t, TLW_BUDGET_AUTO, budget);
}

static void expect_within(const target *t, const tlw_engine *engine, uint64_t budget) {
  const tlw_stats stats = kit_stats(engine);
  assert_true((t->backend == TLW_BACKEND_CPU ? stats.host_bytes.peak : stats.device_bytes.peak) <= budget);
  assert_true(stats.pool_bytes.current <= budget);
  if (t->backend != TLW_BACKEND_CPU) assert_true(kit_driver_peak() <= budget);
}

/* Allocates until a buffer is refused. With holes, frees some on the way. The number of buffers before that one. */
static int fill(tlw_engine *engine, rng *r, uint64_t most, bool holes, int limit, tlw_status *status,
                tlw_error *error) {
  tlw_buffer held[LIVE] = {{0}};
  for (int k = 0; k < limit; k++) {
    if (holes && k % 5 == 4) kit_ok(tlw_buffer_free(engine, &held[rng_below(r, (uint64_t)k)], error), error);
    *status = tlw_buffer_alloc(engine, 1 + rng_below(r, most), &held[k], error);
    if (*status != TLW_OK) return k;
  }
  return limit;
}

/* The budget that a refusal names takes the same buffers and the one that was refused. */
static void test_refusals_name_what_does(void **state) {
  target *t = *state;
  const int64_t n = kit_cases(kit_for(t, 150, 30));
  for (int64_t i = 0; i < n; i++) {
    rng r = {FIRST_SEED + (uint64_t)i};
    const uint64_t budget = 3 * MIB + rng_below(&r, 3 * MIB), most = budget / 30 + rng_below(&r, budget);
    const bool holes = i % 3 == 2;
    const rng start = r;
    tlw_engine *engine = budgeted(t, budget);
    tlw_error error;
    tlw_status status;
    const int refused = fill(engine, &r, most, holes, LIVE, &status, &error);
    kit_failed(status, TLW_ERR_BUDGET, &error);
    assert_non_null(strstr(error.message, t->backend == TLW_BACKEND_CPU ? "host" : "device"));
    assert_true(error.bytes > budget && error.bytes <= budget + most + MIB + 512);
    expect_within(t, engine, budget);
    tlw_engine_close(&engine);
    t->cases++;
    /* Between holes the same buffers may come to lie elsewhere. */
    if (holes) continue;
    r = start;
    const uint64_t enough = error.bytes;
    engine = budgeted(t, enough);
    fill(engine, &r, most, holes, refused + 1, &status, &error);
    kit_ok(status, &error);
    expect_within(t, engine, enough);
    tlw_engine_close(&engine);
  }
}

static void test_too_large(void **state) {
  target *t = *state;
  tlw_engine *engine = budgeted(t, 8 * MIB);
  static const uint64_t sizes[] = {9 * MIB, UINT64_C(1) << 40, UINT64_MAX / 2, UINT64_MAX - 256, UINT64_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    tlw_buffer buffer = {3};
    tlw_error error;
    kit_failed(tlw_buffer_alloc(engine, sizes[i], &buffer, &error), TLW_ERR_BUDGET, &error);
    assert_int_equal(buffer.id, 0);
    assert_true(error.bytes > 8 * MIB);
  }
  tlw_engine_close(&engine);
  t->cases++;
}

/* Slabs of a device that shares the host's memory count against the host budget too. */
static void test_host_budget_of_slabs(void **state) {
  target *t = *state;
  if (t->backend != TLW_BACKEND_OPENCL) skip();
  for (uint64_t i = 0; i < 20; i++) {
    uint64_t budget = 3 * MIB;
    for (int attempt = 0; attempt < 2; attempt++) {
      tlw_engine *engine = engine_with(t, budget, TLW_BUDGET_AUTO);
      tlw_buffer buffer;
      tlw_error error;
      const tlw_status status = tlw_buffer_alloc(engine, 3 * MIB + i * 77777, &buffer, &error);
      assert_true(kit_stats(engine).host_bytes.peak <= budget);
      tlw_engine_close(&engine);
      if (attempt > 0) kit_ok(status, &error);
      if (attempt > 0) continue;
      kit_failed(status, TLW_ERR_BUDGET, &error);
      assert_non_null(strstr(error.message, "host"));
      assert_true(error.bytes > budget && error.bytes < 3 * budget);
      budget = error.bytes;
    }
    t->cases++;
  }
}

/* ---- beside other work ---- */

#define ROUNDS 10

struct worker {
  tlw_engine *engine;
  const kit_plan *plan;
  kit_run runs[ROUNDS];
  uint64_t seed;
  bool good;
};

static void *stream_on(void *argument) {
  struct worker *w = argument;
  for (int i = 0; i < ROUNDS; i++) {
    rng r = {w->seed + (uint64_t)i};
    w->good = kit_passes(&w->runs[i], &w->engine, 1, 3, 2, &r) && w->good;
  }
  return NULL;
}

static void *render_on(void *argument) {
  struct worker *w = argument;
  for (int i = 0; i < ROUNDS; i++)
    for (int k = 0; k < w->plan->n_batches; k++) w->good = kit_renders(w->engine, &w->plan->batches[k]) && w->good;
  return NULL;
}

/* A few buffers that stay, and many that go. */
static void *use_buffers(void *argument) {
  struct worker *w = argument;
  rng r = {w->seed};
  tlw_buffer held[8] = {{0}};
  uint8_t marks[8] = {0};
  for (int i = 0; i < 400; i++) {
    const uint64_t k = rng_below(&r, 8), size = 1 + rng_below(&r, 60000);
    uint8_t out = 0;
    if (held[k].id != 0) {
      w->good = tlw_buffer_read(w->engine, held[k], 0, &out, 1, NULL) == TLW_OK && out == marks[k] && w->good;
      w->good = tlw_buffer_free(w->engine, &held[k], NULL) == TLW_OK && w->good;
    }
    marks[k] = (uint8_t)rng_next(&r);
    w->good = tlw_buffer_alloc(w->engine, size, &held[k], NULL) == TLW_OK && w->good;
    w->good = tlw_buffer_write(w->engine, held[k], 0, &marks[k], 1, NULL) == TLW_OK && w->good;
  }
  for (int k = 0; k < 8; k++) w->good = tlw_buffer_free(w->engine, &held[k], NULL) == TLW_OK && w->good;
  return NULL;
}

static void test_beside_streams_and_renders(void **state) {
  target *t = *state;
  const uint64_t host = 64 * MIB, device = 12 * MIB;
  tlw_engine *engine = engine_with(t, host, device);
  kit_plan plan;
  const kit_shape shape = {.batches = 4, .most_side = 250};
  kit_plan_open(&plan, FIRST_SEED + 9, &shape);
  static struct worker workers[5];
  static void *(*const work[5])(void *) = {stream_on, stream_on, render_on, use_buffers, use_buffers};
  pthread_t threads[5];
  for (uint64_t k = 0; k < 5; k++) {
    workers[k] = (struct worker){.engine = engine, .plan = &plan, .seed = FIRST_SEED + 100 * k, .good = true};
    for (int i = 0; i < ROUNDS; i++)
      kit_run_open(&workers[k].runs[i], &plan, i % 2 == 0 ? TLW_STREAM_PNG : TLW_STREAM_RASTER);
  }
  for (int k = 0; k < 5; k++) assert_int_equal(pthread_create(&threads[k], NULL, work[k], &workers[k]), 0);
  for (int k = 0; k < 5; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
  for (int k = 0; k < 5; k++) {
    assert_true(workers[k].good);
    for (int i = 0; i < ROUNDS; i++) kit_run_close(&workers[k].runs[i]);
  }
  const tlw_stats stats = kit_stats(engine);
  assert_true(stats.host_bytes.peak <= host);
  assert_true(stats.device_bytes.peak <= device);
  assert_true(kit_driver_peak() <= device);
  assert_int_equal(stats.pool_bytes.current, 0);
  tlw_engine_close(&engine);
  kit_plan_close(&plan);
  t->cases += 5;
}

/* ---- ten million operations ---- */

static void test_ten_million_operations(void **state) {
  target *t = *state;
  const bool all = t->backend == TLW_BACKEND_CPU && kit_in_full();
  const uint64_t pairs = all ? 5000000 : 100000;
  tlw_engine *engine = engine_of(t);
  tlw_buffer first = alloc(engine, 1000);
  tlw_error error;
  for (int i = 0; i < 20000; i++) {
    tlw_buffer buffer = alloc(engine, 4096);
    kit_ok(tlw_buffer_free(engine, &buffer, &error), &error);
  }
  const tlw_stats before = kit_stats(engine);
  const uint64_t resident = kit_resident();
  for (uint64_t i = 0; i < pairs; i++) {
    tlw_buffer buffer;
    if (tlw_buffer_alloc(engine, 1 + i % 5000, &buffer, &error) != TLW_OK) kit_ok(error.code, &error);
    if (tlw_buffer_free(engine, &buffer, &error) != TLW_OK) kit_ok(error.code, &error);
  }
  const uint64_t grown = kit_resident() > resident ? kit_resident() - resident : 0;
  const tlw_stats after = kit_stats(engine);
  assert_int_equal(after.operations - before.operations, 2 * pairs);
  assert_int_equal(after.failures, before.failures);
  assert_int_equal(after.host_bytes.current, before.host_bytes.current);
  assert_int_equal(after.host_bytes.peak, before.host_bytes.peak);
  assert_int_equal(after.device_bytes.current, before.device_bytes.current);
  assert_int_equal(after.pool_bytes.current, before.pool_bytes.current);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < 5000; i++) bytes += (i / 256 + 1) * 256;
  assert_int_equal(after.pool_bytes.total - before.pool_bytes.total, bytes * (pairs / 5000));
  /* A few pages may be touched for the first time. */
  if (grown > 256 * 1024) fail_msg("memory grew by %llu bytes", (unsigned long long)grown);

  static tlw_record records[TLW_RECORDS + 1];
  memset(records, 0x5A, sizeof records);
  size_t count = 0;
  assert_int_equal(tlw_engine_records(engine, records, TLW_RECORDS + 1, &count, &error), TLW_OK);
  assert_int_equal(count, TLW_RECORDS);
  assert_int_equal(records[TLW_RECORDS].number, UINT64_C(0x5A5A5A5A5A5A5A5A));
  for (size_t i = 0; i < TLW_RECORDS; i++) {
    assert_int_equal(records[i].number, after.operations - TLW_RECORDS + 1 + i);
    assert_int_equal(records[i].operation, i % 2 == 0 ? TLW_OP_POOL_ALLOC : TLW_OP_POOL_FREE);
    assert_int_equal(records[i].status, TLW_OK);
    if (i > 0) assert_true(records[i].time >= records[i - 1].time);
  }
  kit_ok(tlw_buffer_free(engine, &first, &error), &error);
  tlw_engine_close(&engine);
  t->cases++;
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_model, t),
      cmocka_unit_test_prestate(test_wrong_arguments, t),
      cmocka_unit_test_prestate(test_old_handles, t),
      cmocka_unit_test_prestate(test_most_buffers, t),
      cmocka_unit_test_prestate(test_refusals_name_what_does, t),
      cmocka_unit_test_prestate(test_too_large, t),
      cmocka_unit_test_prestate(test_host_budget_of_slabs, t),
      cmocka_unit_test_prestate(test_beside_streams_and_renders, t),
      cmocka_unit_test_prestate(test_ten_million_operations, t),
  };
  return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  target_list list;
  int failed = 0;
  const bool found = kit_open(&list, argc, argv);
  for (size_t i = 0; found && i < list.count; i++) failed += run_target(&list.targets[i]);
  const bool ran = found && targets_report(&list);
  kit_close();
  return ran && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
