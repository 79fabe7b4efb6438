#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

sc_driver sc = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define SC_NAME(name, member, parameters) #name,
static const char *const function_names[SC_FUNCTIONS] = {CU_FUNCTIONS(SC_NAME) "execute"};

const char *sc_function_name(sc_function function) { return function_names[function]; }

/* ---- faults ---- */

enum { MAX_FAULTS = 16, ANY_FUNCTION = SC_FUNCTIONS };

typedef struct fault {
  unsigned function;
  bool sticky;
  uint64_t calls_left; /* 0: has struck */
  cu_result code;
} fault;

static fault faults[MAX_FAULTS];
static unsigned fault_count;

cu_result sc_fault(sc_function function, bool *sticky) {
  cu_result code = CU_SUCCESS;
  *sticky = false;
  for (unsigned i = 0; i < fault_count; ++i) {
    fault *f = &faults[i];
    const bool meant = f->function == (unsigned)function || (f->function == ANY_FUNCTION && function != SC_EXECUTE);
    if (!meant || f->calls_left == 0 || --f->calls_left > 0) continue;
    code = f->code;
    *sticky = *sticky || f->sticky;
  }
  return code;
}

/* The driver's name of a function with or without its version. */
static bool find_function(const char *name, size_t length, unsigned *function) {
  if (length == 1 && name[0] == '*') {
    *function = ANY_FUNCTION;
    return true;
  }
  for (unsigned i = 0; i < SC_FUNCTIONS; ++i) {
    const char *full = function_names[i];
    if (strncmp(full, name, length) == 0 && (full[length] == '\0' || strcmp(full + length, "_v2") == 0)) {
      *function = i;
      return true;
    }
  }
  return false;
}

/* ---- settings ---- */

/* Digits, then K, M or G if units are allowed, up to the end. */
static bool parse_number(const char *text, bool units, uint64_t *value) {
  if (*text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (errno != 0) return false;
  static const char letters[] = "KMG";
  const char *unit = units && *end != '\0' ? strchr(letters, *end) : NULL;
  if (unit != NULL) {
    const unsigned shift = 10 * (unsigned)(unit - letters + 1);
    if (number >> (64 - shift) != 0) return false;
    number <<= shift;
    ++end;
  }
  *value = number;
  return *end == '\0';
}

static bool parse_int(const char *text, int most, int *value) {
  uint64_t number;
  if (!parse_number(text, false, &number) || number > (uint64_t)most) return false;
  *value = (int)number;
  return true;
}

static bool parse_bool(const char *text, bool *value) {
  int number;
  if (!parse_int(text, 1, &number)) return false;
  *value = number != 0;
  return true;
}

static bool parse_code(const char *text, cu_result *code) {
  return sc_error_code(text, code) || parse_int(text, CU_UNKNOWN, code);
}

/* FUNCTION:N:CODE */
static bool parse_fault(const char *text, bool sticky) {
  const char *first = strchr(text, ':');
  const char *second = first != NULL ? strchr(first + 1, ':') : NULL;
  char digits[24];
  if (second == NULL || (size_t)(second - first) > sizeof digits || fault_count == MAX_FAULTS) return false;
  const size_t length = (size_t)(second - first) - 1;
  memcpy(digits, first + 1, length);
  digits[length] = '\0';
  fault f = {.sticky = sticky};
  if (!find_function(text, (size_t)(first - text), &f.function)) return false;
  if (!parse_number(digits, false, &f.calls_left) || f.calls_left == 0) return false;
  if (!parse_code(second + 1, &f.code) || f.code == CU_SUCCESS) return false;
  if (f.function == SC_EXECUTE && !sticky) return false;
  faults[fault_count++] = f;
  return true;
}

/* execute:N */
static bool parse_hang(const char *text) {
  static const char prefix[] = "execute:";
  const size_t length = sizeof prefix - 1;
  uint64_t operations;
  if (strncmp(text, prefix, length) != 0 || !parse_number(text + length, false, &operations) || operations == 0)
    return false;
  sc.hang_in = operations;
  return true;
}

static bool parse_time(const char *text, uint64_t *microseconds) {
  enum { MOST = 1000000000 };
  int number;
  if (!parse_int(text, MOST, &number)) return false;
  *microseconds = (uint64_t)number;
  return true;
}

/* What is queued was planned by the clock at hand. */
static bool parse_clock(const char *text, bool *is_virtual) {
  const bool wanted = strcmp(text, "virtual") == 0;
  if ((!wanted && strcmp(text, "real") != 0) || sc.stats.contexts > 0) return false;
  if (*is_virtual != wanted) sc_clock_restart();
  *is_virtual = wanted;
  return true;
}

static bool parse_seed(const char *text) {
  uint64_t seed;
  if (!parse_number(text, false, &seed)) return false;
  sc.random = seed;
  return true;
}

static bool apply(const char *setting) {
  const char *equals = strchr(setting, '=');
  if (equals == NULL) return false;
  const size_t length = (size_t)(equals - setting);
  const char *value = equals + 1;
  sc_config *c = &sc.config;
#define IS(key) (length == sizeof key - 1 && memcmp(setting, key, length) == 0)
  if (IS("fail")) return parse_fault(value, false);
  if (IS("sticky")) return parse_fault(value, true);
  if (IS("hang")) return parse_hang(value);
  if (IS("memory")) return parse_number(value, true, &c->memory);
  if (IS("devices")) return parse_int(value, SC_MAX_DEVICES, &c->devices);
  if (IS("driver")) return parse_int(value, 1000000, &c->driver);
  if (IS("fp64")) return parse_bool(value, &c->fp64);
  if (IS("capability")) return parse_int(value, 999, &c->capability);
  if (IS("seed")) return parse_seed(value);
  if (IS("init")) return parse_code(value, &c->init);
  if (IS("upload_rate")) return parse_number(value, true, &c->upload_rate);
  if (IS("download_rate")) return parse_number(value, true, &c->download_rate);
  if (IS("compute_rate")) return parse_number(value, true, &c->compute_rate);
  if (IS("launch_time")) return parse_time(value, &c->launch_time);
  if (IS("copy_time")) return parse_time(value, &c->copy_time);
  if (IS("pretend")) return parse_bool(value, &c->pretended);
  if (IS("clock")) return parse_clock(value, &c->virtual_clock);
  if (IS("mig")) return parse_bool(value, &c->mig);
  if (IS("integrated")) return parse_bool(value, &c->integrated);
  if (IS("skip")) return snprintf(c->skip, sizeof c->skip, "%s", value) < (int)sizeof c->skip;
#undef IS
  return false;
}

void sc_configure(void) {
  if (sc.configured) return;
  sc.configured = true;
  sc.random = 1;
  sc.config = (sc_config){.devices = 1, .driver = 13000, .capability = 90, .fp64 = true, .memory = (uint64_t)64 << 30};
  const char *environment = getenv("SOFTCUDA");
  char *settings = strdup(environment != NULL ? environment : "");
  char *rest = NULL;
  for (char *s = settings != NULL ? strtok_r(settings, ",", &rest) : NULL; s != NULL; s = strtok_r(NULL, ",", &rest)) {
    if (apply(s)) continue;
    sc_report("SOFTCUDA=%s: \"%s\" is not a setting", environment, s);
    abort();
  }
  free(settings);
}

/* ---- what tests call ---- */

static void lock(void) {
  pthread_mutex_lock(&sc.lock);
  sc_configure();
}

static void unlock(void) { pthread_mutex_unlock(&sc.lock); }

void softcuda_stats(struct softcuda_stats *stats) {
  lock();
  *stats = sc.stats;
  unlock();
}

static bool is_device(int device) { return device >= 0 && device < SC_MAX_DEVICES; }

uint64_t softcuda_device_current(int device) {
  lock();
  const uint64_t bytes = is_device(device) ? sc.contexts[device].allocated : 0;
  unlock();
  return bytes;
}

uint64_t softcuda_device_peak(int device) {
  lock();
  const uint64_t bytes = is_device(device) ? sc.device_peak[device] : 0;
  unlock();
  return bytes;
}

void softcuda_reset_peaks(void) {
  lock();
  sc.stats.memory_peak = sc.stats.memory_current;
  sc.stats.host_peak = sc.stats.host_current;
  for (int i = 0; i < SC_MAX_DEVICES; ++i) sc.device_peak[i] = sc.contexts[i].allocated;
  unlock();
}

uint64_t softcuda_calls(const char *function) {
  unsigned index;
  uint64_t calls = 0;
  lock();
  if (find_function(function, strlen(function), &index)) {
    if (index != ANY_FUNCTION)
      calls = sc.calls[index];
    else
      for (unsigned i = 0; i < SC_EXECUTE; ++i) calls += sc.calls[i];
  }
  unlock();
  return calls;
}

int softcuda_set(const char *setting) {
  lock();
  const bool good = apply(setting);
  unlock();
  return good ? 0 : -1;
}

static void reset_faults(void) {
  fault_count = 0;
  sc.hang_in = 0;
  sc.lost = CU_SUCCESS;
}

void softcuda_reset_faults(void) {
  lock();
  reset_faults();
  unlock();
}

/* Without a context. */
static void restart(void) {
  reset_faults();
  sc.initialised = sc.configured = false;
  memset(sc.calls, 0, sizeof sc.calls);
  memset(sc.device_peak, 0, sizeof sc.device_peak);
  sc.stats = (struct softcuda_stats){.pushes = sc.stats.pushes};
  sc_clock_restart();
  sc_configure();
}

int softcuda_restart(void) {
  lock();
  const int contexts = (int)sc.stats.contexts;
  if (contexts == 0) restart();
  unlock();
  return contexts;
}

void softcuda_abandon(void) {
  lock();
  for (int i = 0; i < SC_MAX_DEVICES; ++i)
    if (sc.contexts[i].handle != NULL) sc_context_destroy(&sc.contexts[i]);
  sc_context_forget_pushed();
  restart();
  unlock();
}

/* ---- chance ---- */

uint32_t sc_random(uint32_t bound) {
  /* splitmix64 */
  uint64_t z = sc.random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)(((z ^ (z >> 31)) >> 32) * bound >> 32);
}

static uint32_t common_divisor(uint32_t a, uint32_t b) {
  while (b != 0) {
    const uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

sc_walk sc_walk_start(uint32_t count) {
  sc_walk walk = {.at = sc_random(count), .stride = 1 + sc_random(count), .count = count};
  while (common_divisor(walk.stride, count) != 1) walk.stride = 1 + sc_random(count);
  return walk;
}

uint32_t sc_walk_next(sc_walk *walk) {
  const uint32_t at = walk->at, left = walk->count - at;
  walk->at = walk->stride < left ? at + walk->stride : walk->stride - left;
  return at;
}

/* ---- reports ---- */

void sc_report(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("softcuda: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}
