#include "nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

/* ---- the library, as NVIDIA's reference of NVML declares it ---- */

#define FILE_NAME "libnvidia-ml.so.1"
#define CLOCK_CORE 1 /* NVML_CLOCK_SM */
#define CLOCK_MEMORY 2

typedef struct nvml_device *nvml_handle;

static struct {
  int (*init)(void);
  int (*driver)(char *text, unsigned size);
  int (*by_uuid)(const char *uuid, nvml_handle *handle);
  int (*clock)(nvml_handle handle, int type, unsigned *megahertz);
  int (*clock_most)(nvml_handle handle, int type, unsigned *megahertz);
  /* Of newer drivers, under the name that older ones have, or NULL. */
  int (*reasons)(nvml_handle handle, unsigned long long *bits);
  int (*of_part)(nvml_handle part, nvml_handle *whole);
} nvml;

/* The order is that of the table. Those behind NEEDED may be missing. */
#define NEEDED 5
static const char *const names[] = {"nvmlInit_v2",
                                    "nvmlSystemGetDriverVersion",
                                    "nvmlDeviceGetHandleByUUID",
                                    "nvmlDeviceGetClockInfo",
                                    "nvmlDeviceGetMaxClockInfo",
                                    "nvmlDeviceGetCurrentClocksThrottleReasons",
                                    "nvmlDeviceGetDeviceHandleFromMigDeviceHandle"};
_Static_assert(sizeof nvml == BENCH_COUNT(names) * sizeof(void *), "a name for each function");

static bool load(void) {
  void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  for (size_t i = 0; i < BENCH_COUNT(names); i++) {
    void *function = dlsym(library, names[i]);
    if (!function && i < NEEDED) return false;
    memcpy((char *)&nvml + i * sizeof function, &function, sizeof function);
  }
  if (!nvml.reasons) {
    void *function = dlsym(library, "nvmlDeviceGetCurrentClocksEventReasons");
    memcpy(&nvml.reasons, &function, sizeof function);
  }
  return nvml.init() == 0;
}

static bool is_loaded(void) {
  static enum { UNTRIED, LOADED, MISSING } state;
  if (state == UNTRIED) state = load() ? LOADED : MISSING;
  return state == LOADED;
}

/* ---- a GPU ---- */

static bool find(const char *uuid, nvml_handle *handle) {
  if (!*uuid || !is_loaded() || nvml.by_uuid(uuid, handle) != 0) return false;
  nvml_handle whole; /* a part has no clock of its own */
  if (strncmp(uuid, "MIG-", 4) == 0 && nvml.of_part && nvml.of_part(*handle, &whole) == 0) *handle = whole;
  return true;
}

static uint32_t ask(int (*function)(nvml_handle, int, unsigned *), nvml_handle handle, int type) {
  unsigned megahertz = 0;
  return function(handle, type, &megahertz) == 0 ? megahertz : 0;
}

static uint32_t held_by(nvml_handle handle) {
  /* By the place of the bit in theirs; the first says that it has nothing to do. */
  static const uint32_t ours[] = {0,
                                  BENCH_HELD_SETTING,
                                  BENCH_HELD_POWER,
                                  BENCH_HELD_HARDWARE,
                                  BENCH_HELD_OTHERS,
                                  BENCH_HELD_HEAT,
                                  BENCH_HELD_HEAT,
                                  BENCH_HELD_POWER,
                                  BENCH_HELD_SETTING};
  unsigned long long theirs = 0;
  uint32_t held = 0;
  if (!nvml.reasons || nvml.reasons(handle, &theirs) != 0) return 0;
  for (size_t i = 0; i < BENCH_COUNT(ours); i++)
    if (theirs >> i & 1) held |= ours[i];
  return held;
}

void bench_gpu_clocks_read(const char *uuid, bench_gpu_clocks *clocks) {
  nvml_handle handle;
  *clocks = (bench_gpu_clocks){0};
  if (!find(uuid, &handle)) return;
  if (nvml.driver(clocks->driver, sizeof clocks->driver) != 0)
    snprintf(clocks->driver, sizeof clocks->driver, "not known");
  clocks->core = ask(nvml.clock, handle, CLOCK_CORE);
  clocks->core_most = ask(nvml.clock_most, handle, CLOCK_CORE);
  clocks->memory = ask(nvml.clock, handle, CLOCK_MEMORY);
  clocks->memory_most = ask(nvml.clock_most, handle, CLOCK_MEMORY);
}

void bench_gpu_clocks_watch(const char *uuid, bench_gpu_clocks *clocks) {
  nvml_handle handle;
  if (!*clocks->driver || !find(uuid, &handle)) return;
  const uint32_t core = ask(nvml.clock, handle, CLOCK_CORE);
  if (core && (!clocks->core_least || core < clocks->core_least)) clocks->core_least = core;
  if (core > clocks->core_top) clocks->core_top = core;
  clocks->held |= held_by(handle);
}

/* ---- words ---- */

static void add(char text[BENCH_CLOCKS_TEXT_SIZE], const char *more) {
  const size_t used = strlen(text);
  snprintf(text + used, BENCH_CLOCKS_TEXT_SIZE - used, "%s", more);
}

static void add_clock(char text[BENCH_CLOCKS_TEXT_SIZE], const char *what, uint32_t now, uint32_t most) {
  char more[64];
  if (!now) return;
  snprintf(more, sizeof more, most ? ", %s%u of %u MHz" : ", %s%u MHz", what, now, most);
  add(text, more);
}

const char *bench_gpu_clocks_text(const bench_gpu_clocks *clocks, char text[BENCH_CLOCKS_TEXT_SIZE]) {
  *text = 0;
  if (!*clocks->driver) return text;
  snprintf(text, BENCH_CLOCKS_TEXT_SIZE, "driver %s", clocks->driver);
  add_clock(text, "", clocks->core, clocks->core_most);
  add_clock(text, "memory ", clocks->memory, clocks->memory_most);
  return text;
}

const char *bench_gpu_run_text(const bench_gpu_clocks *clocks, char text[BENCH_CLOCKS_TEXT_SIZE]) {
  static const char *const why[] = {"a setting", "power", "heat", "the board", "other GPUs"};
  *text = 0;
  if (clocks->core_top && clocks->core_least < clocks->core_top)
    snprintf(text, BENCH_CLOCKS_TEXT_SIZE, "ran at %u to %u MHz", clocks->core_least, clocks->core_top);
  else if (clocks->core_top)
    snprintf(text, BENCH_CLOCKS_TEXT_SIZE, "ran at %u MHz", clocks->core_top);
  const char *between = *text ? ", held back by " : "held back by ";
  for (size_t i = 0; i < BENCH_COUNT(why); i++)
    if (clocks->held >> i & 1) {
      add(text, between);
      add(text, why[i]);
      between = " and ";
    }
  return text;
}
