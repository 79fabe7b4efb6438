#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dirent.h>

const target_limits no_limits = {TLW_THREADS_AUTO, TLW_BUDGET_AUTO, TLW_BUDGET_AUTO};

static char cache_dir[64];

/* Never below 0x80, so never an ink. */
static uint8_t poison_at(const guarded *g, size_t i) {
  return (uint8_t)((((uint64_t)i + g->seed) * UINT64_C(0x9E3779B97F4A7C15)) >> 56 | 0x80);
}

void guarded_open(guarded *g, const guarded_shape *shape, uint64_t seed) {
  size_t row_stride = (size_t)shape->width + shape->row_gap;
  size_t image_stride = row_stride * (size_t)(shape->height - 1) + (size_t)shape->width + shape->image_gap;
  size_t size = shape->n_images > 0 ? image_stride * (size_t)shape->n_images - shape->image_gap : 0;
  *g = (guarded){.block_size = shape->front + size + shape->back,
                 .front = shape->front,
                 .width = shape->width,
                 .height = shape->height,
                 .n_images = shape->n_images,
                 .row_stride = row_stride,
                 .image_stride = image_stride,
                 .seed = seed};
  g->block = malloc(g->block_size > 0 ? g->block_size : 1);
  if (g->block == NULL) {
    fprintf(stderr, "harness: no memory for %zu bytes of images\n", g->block_size);
    abort();
  }
  g->raster = (tlw_raster){
      .pixels = g->block + shape->front, .size = size, .row_stride = row_stride, .image_stride = image_stride};
  guarded_poison(g);
}

void guarded_close(guarded *g) {
  free(g->block);
  memset(g, 0, sizeof *g);
}

void guarded_poison(guarded *g) {
  for (size_t i = 0; i < g->block_size; i++) g->block[i] = poison_at(g, i);
}

static size_t row_start(const guarded *g, int64_t image, int32_t y) {
  return g->front + (size_t)image * g->image_stride + (size_t)y * g->row_stride;
}

/* Checks the bytes from first to before end of the block. */
static bool stayed(const guarded *g, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    if (g->block[i] == poison_at(g, i)) continue;
    printf("byte %lld of the images' memory, outside the pixels, was overwritten with 0x%02x\n",
           (long long)i - (long long)g->front, g->block[i]);
    return false;
  }
  return true;
}

bool guarded_intact(const guarded *g) {
  size_t seen = 0;
  for (int64_t image = 0; image < g->n_images; image++) {
    for (int32_t y = 0; y < g->height; y++) {
      size_t row = row_start(g, image, y);
      if (!stayed(g, seen, row)) return false;
      seen = row + (size_t)g->width;
    }
  }
  return stayed(g, seen, g->block_size);
}

bool guarded_untouched(const guarded *g) { return stayed(g, 0, g->block_size); }

bool guarded_equal(const guarded *g, int64_t image, const uint8_t *expected, difference *where) {
  *where = (difference){.x = -1, .y = -1};
  for (int32_t y = 0; y < g->height; y++) {
    const uint8_t *got = g->block + row_start(g, image, y);
    const uint8_t *want = expected + (size_t)y * (size_t)g->width;
    if (memcmp(got, want, (size_t)g->width) == 0) continue;
    for (int32_t x = 0; x < g->width; x++) {
      if (got[x] == want[x]) continue;
      if (where->count++ == 0) {
        where->x = x;
        where->y = y;
        where->got = got[x];
        where->expected = want[x];
      }
    }
  }
  return where->count == 0;
}

/* Whether this build has a tier and this CPU surely has what it needs, so that a refusal would be a fault. */
static bool must_have(const char *tier) {
  if (strcmp(tier, "baseline") == 0) return true;
#if defined(TALLOW_WITH_AVX2)
  if (strcmp(tier, "avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
#if defined(TALLOW_WITH_AVX512)
  if (strcmp(tier, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  return false;
}

tlw_status target_open(const target *t, const target_limits *limits, tlw_engine **engine, tlw_error *error) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = t->backend;
  options.threads = limits->threads;
  options.device_budget = limits->device_budget;
  options.host_budget = limits->host_budget;
  options.cache_dir = cache_dir;
  if (t->tier == NULL) return tlw_engine_open(engine, &options, error);
  setenv("TALLOW_CPU_TIER", t->tier, 1);
  tlw_status status = tlw_engine_open(engine, &options, error);
  unsetenv("TALLOW_CPU_TIER");
  return status;
}

/* Opens the target once and adds it. False if it can't be opened, unless it is a tier that this CPU or build lacks. */
static bool add(target_list *list, const char *name, tlw_backend backend, const char *tier) {
  target t = {.name = name, .backend = backend, .tier = tier};
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->targets[i].name, name) == 0) return true;
  }
  tlw_engine *engine = NULL;
  tlw_error error;
  tlw_status status = target_open(&t, &no_limits, &engine, &error);
  if (status == TLW_ERR_UNAVAILABLE && tier != NULL && !must_have(tier)) {
    printf("%s: skipped: %s\n", name, error.message);
    return true;
  }
  if (status != TLW_OK) {
    printf("%s: can't be opened: %s: %s\n", name, tlw_status_name(status), error.message);
    return false;
  }
  tlw_device device;
  status = tlw_engine_describe(engine, &device, &error);
  tlw_engine_close(&engine);
  if (status != TLW_OK || device.backend != backend) {
    printf("%s: opened, but it is described as something else\n", name);
    return false;
  }
  if (tier != NULL && strstr(device.driver, tier) == NULL) {
    printf("%s: the engine runs another tier: %s\n", name, device.driver);
    return false;
  }
  memcpy(t.device, device.name, sizeof t.device);
  list->targets[list->count++] = t;
  return true;
}

static bool add_named(target_list *list, const char *name) {
  if (strcmp(name, "cpu") == 0) {
    return add(list, "cpu baseline", TLW_BACKEND_CPU, "baseline") && add(list, "cpu avx2", TLW_BACKEND_CPU, "avx2") &&
           add(list, "cpu avx512", TLW_BACKEND_CPU, "avx512");
  }
  if (strcmp(name, "opencl") == 0) return add(list, "opencl", TLW_BACKEND_OPENCL, NULL);
  if (strcmp(name, "cuda") == 0) return add(list, "cuda", TLW_BACKEND_CUDA, NULL);
  printf("%s: no such target; there are cpu, opencl and cuda\n", name);
  return false;
}

static bool add_from_text(target_list *list, const char *text) {
  char names[256];
  snprintf(names, sizeof names, "%s", text);
  char *rest = NULL;
  for (char *name = strtok_r(names, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest)) {
    if (!add_named(list, name)) return false;
  }
  return true;
}

bool targets_find(target_list *list, int argc, char **argv) {
  memset(list, 0, sizeof *list);
  snprintf(cache_dir, sizeof cache_dir, "/tmp/tallow-test-XXXXXX");
  if (mkdtemp(cache_dir) == NULL) {
    printf("can't make a folder %s: %s\n", cache_dir, strerror(errno));
    return false;
  }
  bool all = true;
  for (int i = 1; all && i < argc; i++) all = add_from_text(list, argv[i]);
  if (all && argc <= 1) {
    const char *text = getenv("TALLOW_TEST_TARGETS");
    all = add_from_text(list, text != NULL ? text : "cpu");
  }
  if (all && list->count == 0) {
    printf("no target was named; there are cpu, opencl and cuda\n");
    all = false;
  }
  return all;
}

void targets_close(void) {
  DIR *folder = opendir(cache_dir);
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
  rmdir(cache_dir);
}

bool targets_report(const target_list *list) {
  bool all = true;
  for (size_t i = 0; i < list->count; i++) {
    const target *t = &list->targets[i];
    printf("%s: %lld cases on %s\n", t->name, (long long)t->cases, t->device);
    if (t->cases == 0) all = false;
  }
  return all;
}

uint64_t environment_number(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  if (text == NULL || *text == '\0') return otherwise;
  char *end = NULL;
  uint64_t value = strtoull(text, &end, 0);
  if (*end != '\0') {
    fprintf(stderr, "%s is no number: %s\n", name, text);
    abort();
  }
  return value;
}
