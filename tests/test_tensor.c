/*
 * Tensors of DLPack: shapes, strides and types; who may release them and when: before and behind a reset or a close,
 * on any thread, at the same time as a close; buffers that belong to a tensor and to nobody else.
 *
 *   test_tensor [TARGET...]         cpu, opencl, cuda; or TALLOW_TEST_TARGETS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images_kit.h"
#include "jkx_oracle.h"
#include "stream_kit.h"

#define FIRST_SEED 20260303
#define IMAGES 6

/* DLPack's own layout, where pointers have 8 bytes. */
_Static_assert(sizeof(void *) != 8 || sizeof(tlw_dl_managed) == 64, "DLManagedTensor");
_Static_assert(sizeof(void *) != 8 || offsetof(tlw_dl_managed, manager_ctx) == 48, "DLManagedTensor");
_Static_assert(offsetof(tlw_dl_tensor, device) == sizeof(void *), "DLTensor");
_Static_assert(sizeof(void *) != 8 || offsetof(tlw_dl_tensor, ndim) == 16, "DLTensor");
_Static_assert(sizeof(void *) != 8 || offsetof(tlw_dl_tensor, dtype) == 20, "DLTensor");
_Static_assert(sizeof(void *) != 8 || offsetof(tlw_dl_tensor, shape) == 24, "DLTensor");
_Static_assert(sizeof(void *) != 8 || offsetof(tlw_dl_tensor, byte_offset) == 40, "DLTensor");

static tlw_engine *engine_of(const target *t) {
  target_limits limits = no_limits;
  limits.threads = 2;
  kit_driver_restart();
  return kit_engine(t, &limits);
}

struct source {
  images_data data;
  tlw_image_window *windows;
  tlw_image_options options;
  size_t size; /* of an image */
};

static struct source source_of(rng *r) {
  static const int64_t windows_of[] = {5, 20, 60};
  static const packing plainly = {.type = TLW_TYPE_F64};
  struct source s;
  images_data_open(&s.data, 400, 0, PRICES_WALK, false, &plainly, r);
  s.windows = images_windows(&s.data, IMAGES, r);
  tlw_image_options_init(&s.options);
  s.options.window = windows_of[rng_below(r, 3)];
  images_tensor_options(&s.options, r);
  tlw_image_shape shape;
  assert_int_equal(tlw_image_shape_of(&s.options, &shape, NULL), TLW_OK);
  s.size = shape.size;
  return s;
}

static void source_close(struct source *s) {
  free(s->windows);
  images_data_close(&s->data);
}

static tlw_buffer hold(tlw_engine *engine, const struct source *s) {
  tlw_buffer buffer = {0};
  tlw_error error;
  kit_ok(tlw_images_to_buffer(engine, &s->data.candles, &s->options, s->windows, IMAGES, &buffer, NULL, &error),
         &error);
  return buffer;
}

static tlw_dl_managed *hand_out(tlw_engine *engine, const struct source *s) {
  tlw_buffer buffer = hold(engine, s);
  tlw_dl_managed *tensor = NULL;
  tlw_error error;
  kit_ok(tlw_images_tensor(engine, &buffer, &s->options, IMAGES, &tensor, &error), &error);
  assert_int_equal(buffer.id, 0);
  assert_non_null(tensor);
  return tensor;
}

/* ---- what it says ---- */

static void check_description(const target *t, const tlw_dl_managed *managed, const struct source *s) {
  const tlw_dl_tensor *tensor = &managed->dl_tensor;
  tlw_image_shape shape;
  assert_int_equal(tlw_image_shape_of(&s->options, &shape, NULL), TLW_OK);
  const bool last = s->options.order == TLW_ORDER_NHWC;
  const int64_t dims[] = {IMAGES, last ? shape.height : shape.channels, last ? shape.width : shape.height,
                          last ? shape.channels : shape.width};
  static const tlw_dl_place places[] = {
      [TLW_BACKEND_CPU] = TLW_DL_CPU, [TLW_BACKEND_OPENCL] = TLW_DL_OPENCL, [TLW_BACKEND_CUDA] = TLW_DL_CUDA};
  assert_int_equal(tensor->device.type, places[t->backend]);
  assert_true(tensor->device.id >= 0);
  assert_int_equal(tensor->ndim, 4);
  assert_int_equal(tensor->dtype.code, s->options.type == TLW_IMAGE_F32 ? TLW_DL_FLOAT : TLW_DL_UINT);
  assert_int_equal(tensor->dtype.bits, s->options.type == TLW_IMAGE_F32 ? 32 : 8);
  assert_int_equal(tensor->dtype.lanes, 1);
  int64_t stride = 1;
  for (int i = 3; i >= 0; i--) {
    assert_int_equal(tensor->shape[i], dims[i]);
    assert_int_equal(tensor->strides[i], stride);
    stride *= dims[i];
  }
  assert_non_null(tensor->data);
  assert_non_null(managed->deleter);
}

/* What the tensor's memory holds, where this program can read it. */
static void check_content(const tlw_dl_managed *managed, const struct source *s) {
  const tlw_dl_tensor *tensor = &managed->dl_tensor;
  if (tensor->device.type != TLW_DL_CPU) return;
  const uint8_t *bytes = (const uint8_t *)tensor->data + tensor->byte_offset;
  assert_int_equal((uintptr_t)bytes % 64, 0);
  uint8_t pixels[JKX_ORACLE_WIDTH_MAX * JKX_ORACLE_HEIGHT_MAX];
  uint8_t *image = malloc(s->size);
  assert_non_null(image);
  for (int64_t i = 0; i < IMAGES; i++) {
    jkx_oracle_draw(&s->data.plain, s->options.window, s->windows[i], pixels, NULL);
    tensor_oracle_grey(pixels, jkx_oracle_width(s->options.window), jkx_oracle_height(s->options.window), &s->options,
                       image);
    assert_memory_equal(bytes + (size_t)i * s->size, image, s->size);
  }
  free(image);
}

static void test_descriptions(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED};
  for (int i = 0; i < 40; i++) {
    struct source s = source_of(&r);
    tlw_dl_managed *tensors[3];
    for (int k = 0; k < 3; k++) tensors[k] = hand_out(engine, &s);
    for (int k = 0; k < 3; k++) {
      check_description(t, tensors[k], &s);
      check_content(tensors[k], &s);
    }
    const uint64_t in_use = kit_stats(engine).pool_bytes.current;
    assert_true(in_use >= 3 * IMAGES * s.size);
    for (int k = 0; k < 3; k++) tensors[k]->deleter(tensors[k]);
    assert_int_equal(kit_stats(engine).pool_bytes.current, 0);
    source_close(&s);
    t->cases++;
  }
  tlw_engine_close(&engine);
}

/* ---- arguments ---- */

static void refused(tlw_status status, tlw_status code, const tlw_error *error, const char *words) {
  kit_failed(status, code, error);
  if (strstr(error->message, words) == NULL) fail_msg("'%s' lacks '%s'", error->message, words);
}

static void test_wrong_arguments(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 1};
  struct source s = source_of(&r);
  tlw_buffer buffer = hold(engine, &s);
  const tlw_buffer before = buffer;
  tlw_dl_managed other, *tensor = &other;
  tlw_error error;
#define HAND_OUT(engine_, buffer_, options_, n_, tensor_)                                                              \
  tlw_images_tensor(engine_, buffer_, options_, n_, tensor_, &error), TLW_ERR_ARGUMENT, &error
  refused(HAND_OUT(engine, &buffer, &s.options, IMAGES, NULL), "tensor is NULL");
  refused(HAND_OUT(NULL, &buffer, &s.options, IMAGES, &tensor), "engine is NULL");
  assert_null(tensor);
  refused(HAND_OUT(engine, NULL, &s.options, IMAGES, &tensor), "buffer is NULL");
  refused(HAND_OUT(engine, &buffer, NULL, IMAGES, &tensor), "options is NULL");
  static const int64_t wrong[] = {0, -1, IMAGES - 1, IMAGES + 1, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    tensor = &other;
    refused(HAND_OUT(engine, &buffer, &s.options, wrong[i], &tensor), wrong[i] < 1 ? "n is" : "are not");
    assert_null(tensor);
  }
  tlw_image_options wider = s.options;
  wider.window = s.options.window == 60 ? 20 : 60;
  refused(HAND_OUT(engine, &buffer, &wider, IMAGES, &tensor), "are not");
  wider.window = 7;
  refused(HAND_OUT(engine, &buffer, &wider, IMAGES, &tensor), "options.window");
  assert_int_equal(buffer.id, before.id);
  tlw_buffer none = {0};
  refused(tlw_images_tensor(engine, &none, &s.options, IMAGES, &tensor, &error), TLW_ERR_STALE, &error, "gone");
  /* A buffer that a tensor has is nobody else's, whatever handle there still is. */
  kit_ok(tlw_images_tensor(engine, &buffer, &s.options, IMAGES, &tensor, &error), &error);
  assert_int_equal(buffer.id, 0);
  tlw_dl_managed *second = &other;
  refused(tlw_images_tensor(engine, &buffer, &s.options, IMAGES, &second, &error), TLW_ERR_STALE, &error, "gone");
  assert_null(second);
  tlw_buffer copy = before;
  refused(tlw_images_tensor(engine, &copy, &s.options, IMAGES, &second, &error), TLW_ERR_STALE, &error, "gone");
  assert_int_equal(copy.id, before.id);
  uint64_t size;
  kit_failed(tlw_buffer_size(engine, copy, &size, &error), TLW_ERR_STALE, &error);
  kit_failed(tlw_buffer_free(engine, &copy, &error), TLW_ERR_STALE, &error);
  check_content(tensor, &s);
  tensor->deleter(tensor);
  source_close(&s);
  tlw_engine_close(&engine);
  t->cases++;
}

/* ---- release ---- */

/* Behind a reset and a close the deleter frees nothing of the engine's, nor what has come since. */
static void test_release_when_gone(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 2};
  struct source s = source_of(&r);
  static const tlw_reset levels[] = {TLW_RESET_SESSION, TLW_RESET_MEMORY};
  tlw_error error;
  for (int i = 0; i < 2; i++) {
    tlw_dl_managed *old = hand_out(engine, &s);
    kit_ok(tlw_engine_reset(engine, levels[i], &error), &error);
    assert_int_equal(kit_stats(engine).pool_bytes.current, 0);
    tlw_dl_managed *new = hand_out(engine, &s);
    const uint64_t in_use = kit_stats(engine).pool_bytes.current;
    old->deleter(old);
    assert_int_equal(kit_stats(engine).pool_bytes.current, in_use);
    check_content(new, &s);
    new->deleter(new);
    assert_int_equal(kit_stats(engine).pool_bytes.current, 0);
  }
  tlw_dl_managed *kept = hand_out(engine, &s);
  tlw_dl_managed *other = hand_out(engine, &s);
  kit_ok(tlw_engine_reset(engine, TLW_RESET_STATS, &error), &error);
  check_content(kept, &s);
  tlw_engine_close(&engine);
  assert_int_equal(kit_driver_bytes(), 0);
  kept->deleter(kept);
  engine = engine_of(t);
  other->deleter(other);
  tlw_engine_close(&engine);
  source_close(&s);
  t->cases++;
}

struct releaser {
  tlw_dl_managed *tensors[16];
  pthread_barrier_t *barrier;
};

static void *release_all(void *argument) {
  struct releaser *releaser = argument;
  pthread_barrier_wait(releaser->barrier);
  for (int i = 0; i < 16; i++) releaser->tensors[i]->deleter(releaser->tensors[i]);
  return NULL;
}

#define RELEASERS 3

/* On several threads while the engine draws, is reset, or closes. */
static void check_threads(const target *t, const struct source *s, int round) {
  tlw_engine *engine = engine_of(t);
  pthread_barrier_t barrier;
  struct releaser releasers[RELEASERS];
  pthread_t threads[RELEASERS];
  tlw_error error;
  assert_int_equal(pthread_barrier_init(&barrier, NULL, RELEASERS + 1), 0);
  for (int i = 0; i < RELEASERS; i++) {
    releasers[i].barrier = &barrier;
    for (int k = 0; k < 16; k++) releasers[i].tensors[k] = hand_out(engine, s);
    assert_int_equal(pthread_create(&threads[i], NULL, release_all, &releasers[i]), 0);
  }
  pthread_barrier_wait(&barrier);
  if (round % 3 == 0) {
    for (int i = 0; i < 5; i++) {
      tlw_dl_managed *tensor = hand_out(engine, s);
      check_content(tensor, s);
      tensor->deleter(tensor);
    }
  } else if (round % 3 == 1) {
    kit_ok(tlw_engine_reset(engine, round % 2 ? TLW_RESET_SESSION : TLW_RESET_MEMORY, &error), &error);
  } else {
    tlw_engine_close(&engine);
  }
  for (int i = 0; i < RELEASERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  if (engine != NULL) assert_int_equal(kit_stats(engine).pool_bytes.current, 0);
  tlw_engine_close(&engine);
  pthread_barrier_destroy(&barrier);
}

static void test_threads(void **state) {
  target *t = *state;
  rng r = {FIRST_SEED + 3};
  struct source s = source_of(&r);
  const int rounds = (int)kit_for(t, 60, 9);
  for (int i = 0; i < rounds; i++) check_threads(t, &s, i);
  source_close(&s);
  t->cases += rounds;
}

/* ---- memory ---- */

/* Tensors come and go without end in constant memory. */
static void test_many(void **state) {
  target *t = *state;
  tlw_engine *engine = engine_of(t);
  rng r = {FIRST_SEED + 4};
  struct source s = source_of(&r);
  tlw_dl_managed *first = hand_out(engine, &s);
  first->deleter(first);
  const tlw_stats before = kit_stats(engine);
  const int64_t n = kit_for(t, 3000, 200);
  for (int64_t i = 0; i < n; i++) {
    tlw_dl_managed *tensor = hand_out(engine, &s);
    tensor->deleter(tensor);
  }
  const tlw_stats after = kit_stats(engine);
  assert_int_equal(after.host_bytes.total, before.host_bytes.total);
  assert_int_equal(after.device_bytes.total, before.device_bytes.total);
  assert_int_equal(after.pool_bytes.current, 0);
  source_close(&s);
  tlw_engine_close(&engine);
  t->cases++;
}

static int run_target(target *t) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_descriptions, t),
      cmocka_unit_test_prestate(test_wrong_arguments, t),
      cmocka_unit_test_prestate(test_release_when_gone, t),
      cmocka_unit_test_prestate(test_threads, t),
      cmocka_unit_test_prestate(test_many, t),
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
