#include "tuning.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/base/cache_files.h"
#include "host/base/cpus.h"
#include "host/base/file.h"
#include "host/base/hash.h"
#include "host/base/memory.h"
#include "host/cpu/tier.h"
#include "tallow/version.h"

static const struct tlw_cache_kind costs = {".costs", 16};

static const char *const work_names[TLW_WORKS] = {"charts", "files", "fold", "order", "scan", "bars", "images"};

/*
 * The file: lines that name what it is for, which must be those of the reader letter by letter; then for each work
 * and backend "WORK BACKEND POINTS EXTRA" and its points, "UNITS TIME", all whole numbers; and a checksum. A kind of
 * work without points of either backend is estimated.
 */
#define PICOSECOND 1e-12  /* of points */
#define FEMTOSECOND 1e-15 /* of extra */
#define NUMBER_MOST UINT64_C(1000000000000000)
#define TEXT_SIZE 24576

struct text {
  size_t length; /* TEXT_SIZE: it does not fit */
  char bytes[TEXT_SIZE];
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(text->bytes + text->length, TEXT_SIZE - text->length, format, args);
  va_end(args);
  text->length = n >= 0 && (size_t)n < TEXT_SIZE - text->length ? text->length + (size_t)n : TEXT_SIZE;
}

/* ---- what it is for ---- */

static void append_key(struct text *text, const tlw_device *device, uint32_t threads) {
  char cpu[TLW_NAME_SIZE];
  const struct tlw_cpu_tier *tier;
  tlw_cpus_name(cpu, sizeof cpu);
  const bool has_tier = tlw_cpu_tier(&tier, NULL) == TLW_OK;
  append(text, "tallow costs 1\nversion %s\ncpu %s\ntier %s\nthreads %" PRIu32 "\n", TLW_VERSION_STRING, cpu,
         has_tier ? tier->name : "", threads);
  append(text, "backend %s\ndevice %s\nuuid %s\ndriver %s\nmemory %" PRIu64 "\nunits %" PRIu32 "\n",
         tlw_backend_name(device->backend), device->name, device->uuid, device->driver, device->memory_bytes,
         device->compute_units);
}

/* Names the file by the hash of the key, which is all that text has. False: there is no folder. */
static bool find_file(const char *cache_dir, const struct text *key, char folder[TLW_CACHE_FOLDER_SIZE],
                      uint64_t *hash) {
  tlw_cache_folder(cache_dir, folder);
  *hash = tlw_hash(TLW_HASH_START, key->bytes, key->length);
  return folder[0] && key->length < TEXT_SIZE;
}

/* ---- writing ---- */

static uint64_t whole(double number, double unit, double least) {
  const double n = number / unit + 0.5;
  if (!(n > least)) return (uint64_t)least;
  return n < (double)NUMBER_MOST ? (uint64_t)n : NUMBER_MOST;
}

static void append_cost(struct text *text, const char *work, const char *backend, const struct tlw_cost *cost) {
  append(text, "%s %s %d %" PRIu64 "\n", work, backend, cost->n, whole(cost->extra, FEMTOSECOND, 0));
  for (int i = 0; i < cost->n; i++)
    append(text, "%" PRIu64 " %" PRIu64 "\n", whole(cost->units[i], 1, 1), whole(cost->seconds[i], PICOSECOND, 1));
}

static bool write_text(struct text *text, const char *cache_dir, const struct tlw_tuning *tuning, char *path,
                       size_t size) {
  char folder[TLW_CACHE_FOLDER_SIZE], name[TLW_CACHE_PATH_SIZE];
  uint64_t key;
  if (!find_file(cache_dir, text, folder, &key)) return false;
  tlw_cache_path(folder, &costs, key, name);
  snprintf(path, size, "%s", name);
  for (int i = 0; i < TLW_WORKS; i++) {
    static const struct tlw_cost none;
    append_cost(text, work_names[i], "device", tuning->guessed[i] ? &none : &tuning->device[i]);
    append_cost(text, work_names[i], "cpu", tuning->guessed[i] ? &none : &tuning->cpu[i]);
  }
  append(text, "checksum %016" PRIx64 "\n", tlw_hash(TLW_HASH_START, text->bytes, text->length));
  return text->length < TEXT_SIZE && tlw_cache_write(folder, &costs, key, NULL, 0, text->bytes, text->length);
}

bool tlw_tuning_store(const char *cache_dir, const tlw_device *device, uint32_t threads,
                      const struct tlw_tuning *tuning, char *path, size_t size) {
  if (size > 0) path[0] = 0;
  struct text *text = tlw_raw_calloc(1, sizeof *text);
  if (!text) return false;
  append_key(text, device, threads);
  const bool stored = write_text(text, cache_dir, tuning, path, size);
  tlw_raw_free(text);
  return stored;
}

/* ---- reading ---- */

struct scan {
  const char *at, *end;
  bool failed;
};

static void expect(struct scan *scan, const char *text) {
  const size_t length = strlen(text);
  scan->failed = scan->failed || (size_t)(scan->end - scan->at) < length || memcmp(scan->at, text, length) != 0;
  if (!scan->failed) scan->at += length;
}

/* A whole number from least to NUMBER_MOST, without zeros in front, and the character behind it. */
static uint64_t read_number(struct scan *scan, uint64_t least, const char *behind) {
  const char *begin = scan->at;
  uint64_t number = 0;
  while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' && number <= NUMBER_MOST)
    number = number * 10 + (uint64_t)(*scan->at++ - '0');
  const bool is_padded = *begin == '0' && scan->at > begin + 1;
  if (scan->at == begin || is_padded || number < least || number > NUMBER_MOST) scan->failed = true;
  expect(scan, behind);
  return number;
}

static void read_points(struct scan *scan, struct tlw_cost *cost) {
  for (int i = 0; i < cost->n && !scan->failed; i++) {
    cost->units[i] = (double)read_number(scan, 1, " ");
    cost->seconds[i] = (double)read_number(scan, 1, "\n") * PICOSECOND;
    if (i > 0 && !(cost->units[i] > cost->units[i - 1])) scan->failed = true;
  }
}

static void read_cost(struct scan *scan, const char *work, const char *backend, struct tlw_cost *cost) {
  expect(scan, work);
  expect(scan, " ");
  expect(scan, backend);
  expect(scan, " ");
  if (scan->failed) return;
  const uint64_t n = read_number(scan, 0, " ");
  if (scan->failed || n > TLW_COST_POINTS) {
    scan->failed = true;
    return;
  }
  cost->n = (int)n;
  cost->extra = (double)read_number(scan, 0, "\n") * FEMTOSECOND;
  read_points(scan, cost);
}

static bool is_intact(const struct text *text, size_t key_length) {
  static const char form[] = "checksum 0123456789abcdef\n";
  const size_t line = sizeof form - 1;
  if (text->length < key_length + line) return false;
  char expected[sizeof form];
  snprintf(expected, sizeof expected, "checksum %016" PRIx64 "\n",
           tlw_hash(TLW_HASH_START, text->bytes, text->length - line));
  return memcmp(text->bytes + text->length - line, expected, line) == 0;
}

/* What is behind the key. */
static bool parse(const struct text *text, size_t key_length, struct tlw_tuning *tuning) {
  if (!is_intact(text, key_length)) return false;
  struct scan scan = {text->bytes + key_length, text->bytes + text->length, false};
  for (int i = 0; i < TLW_WORKS && !scan.failed; i++) {
    read_cost(&scan, work_names[i], "device", &tuning->device[i]);
    read_cost(&scan, work_names[i], "cpu", &tuning->cpu[i]);
  }
  expect(&scan, "checksum ");
  tuning->measured = true;
  return !scan.failed;
}

/* False: it can't be read, or is longer than any that is written. */
static bool read_text(const char *path, struct text *text) {
  const int file = tlw_file_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return false;
  ssize_t n = 1;
  for (text->length = 0; n > 0 && text->length<TEXT_SIZE; text->length += n> 0 ? (size_t)n : 0)
    n = tlw_file_read(file, text->bytes + text->length, TEXT_SIZE - text->length);
  tlw_file_close(file);
  return n == 0;
}

/* texts[0] becomes the key, texts[1] the file. */
static bool load(const char *cache_dir, const tlw_device *device, uint32_t threads, struct text *texts,
                 struct tlw_tuning *tuning) {
  char folder[TLW_CACHE_FOLDER_SIZE], path[TLW_CACHE_PATH_SIZE];
  uint64_t key;
  append_key(&texts[0], device, threads);
  if (!find_file(cache_dir, &texts[0], folder, &key)) return false;
  tlw_cache_path(folder, &costs, key, path);
  if (!read_text(path, &texts[1]) || texts[1].length < texts[0].length) return false;
  return memcmp(texts[0].bytes, texts[1].bytes, texts[0].length) == 0 && parse(&texts[1], texts[0].length, tuning);
}

static void guess_rest(const tlw_device *device, uint32_t threads, struct tlw_tuning *tuning) {
  struct tlw_tuning estimate;
  tlw_tuning_estimate(device, threads, &estimate);
  tuning->measured = false;
  for (int i = 0; i < TLW_WORKS; i++) {
    tuning->guessed[i] = tuning->device[i].n == 0 && tuning->cpu[i].n == 0;
    tuning->measured = tuning->measured || !tuning->guessed[i];
    if (!tuning->guessed[i]) continue;
    tuning->device[i] = estimate.device[i];
    tuning->cpu[i] = estimate.cpu[i];
  }
}

bool tlw_tuning_load(const char *cache_dir, const tlw_device *device, uint32_t threads, struct tlw_tuning *tuning) {
  memset(tuning, 0, sizeof *tuning);
  struct text *texts = tlw_raw_calloc(2, sizeof *texts);
  const bool loaded = texts && load(cache_dir, device, threads, texts, tuning);
  tlw_raw_free(texts);
  if (loaded)
    guess_rest(device, threads, tuning);
  else
    tlw_tuning_estimate(device, threads, tuning);
  return loaded;
}

/* ---- the estimate ---- */

/* Of a call: seconds on the device beside those of its units, seconds a unit on each. */
struct guess {
  double device_call, device_unit, device_extra;
  double kernel_unit;                   /* of one compute unit */
  double cpu_call, cpu_unit, cpu_extra; /* of one thread */
  double threads_most;                  /* more are no faster */
};

/*
 * The device: some 5 us a launch, 10 us a copy and 10 us until the host has noticed, as discrete GPUs take; results
 * and columns at 20 GB/s, which PCIe 4 with 16 lanes gives and integrated GPUs, whose driver copies too, do not exceed.
 * Kernels by the number of compute units, each with 128 lanes at 1.5 GHz and few units for doubles, an instruction a
 * lane and cycle: some 10 for each row that a median reads, of which there are 1,600 at 100 rows, 200 operations on
 * doubles at 4 a cycle for a fold. A device that does not tell its units is taken for a small one. The CPU: measured
 * on one core with AVX-512, 1280x720 charts of 50 to 10,000,000 candles and the windows that loads.c tells, columns in
 * the cache. What only moves memory is no faster with more than 4 threads.
 */
#define PCIE (1 / 20e9)
#define UNITS_UNTOLD 16

static const struct guess guesses[TLW_WORKS] = {
    [TLW_WORK_CHARTS] = {70e-6, 1 * PCIE, 48 * PCIE, 0.2e-9, 4e-6, 0.04e-9, 1.5e-9, 4},
    [TLW_WORK_FILES] = {120e-6, 0.005e-9, 48 * PCIE, 1.5e-9, 10e-6, 0.07e-9, 1.5e-9, 32},
    [TLW_WORK_FOLD] = {60e-6, 16 * PCIE, 1e-9, 30e-9, 1e-6, 0.33e-9, 50e-9, 8},
    [TLW_WORK_ORDER] = {60e-6, 16 * PCIE, 1e-9, 90e-9, 2e-6, 8.7e-9, 400e-9, 32},
    [TLW_WORK_SCAN] = {80e-6, 16 * PCIE, 1e-9, 30e-9, 1e-6, 0.36e-9, 150e-9, 4},
    [TLW_WORK_BARS] = {80e-6, 32 * PCIE, 8e-9, 10e-9, 1e-6, 0.8e-9, 20e-9, 4},
    [TLW_WORK_IMAGES] = {50e-6, 1 * PCIE, 40e-9, 0.2e-9, 2e-6, 0.08e-9, 60e-9, 4},
};

#define GUESS_STEP 4.0 /* between points: the curves bend little over it */

static void fill(struct tlw_cost *cost, double call, double unit, double extra) {
  double units = 1;
  cost->n = TLW_COST_POINTS;
  cost->extra = extra;
  for (int i = 0; i < TLW_COST_POINTS; i++, units *= GUESS_STEP) {
    cost->units[i] = units;
    cost->seconds[i] = call + units * unit;
  }
}

void tlw_tuning_estimate(const tlw_device *device, uint32_t threads, struct tlw_tuning *tuning) {
  const double units = device->compute_units ? device->compute_units : UNITS_UNTOLD;
  memset(tuning, 0, sizeof *tuning);
  for (int i = 0; i < TLW_WORKS; i++) {
    const struct guess *guess = &guesses[i];
    const double workers = threads < guess->threads_most ? threads : guess->threads_most;
    const double unit = guess->device_unit + guess->kernel_unit / units;
    fill(&tuning->device[i], guess->device_call, unit, guess->device_extra);
    fill(&tuning->cpu[i], guess->cpu_call, guess->cpu_unit / workers, guess->cpu_extra / workers);
  }
}
