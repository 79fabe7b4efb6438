#include "harness.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* ---- failing ---- */

void bench_die(int code, const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(code);
}

void bench_check(tlw_status status, const tlw_error *error) {
  if (status != TLW_OK) bench_die(EXIT_FAILURE, "%s: %s", tlw_status_name(status), error->message);
}

void *bench_alloc(size_t size) {
  void *memory = malloc(size);
  if (!memory) bench_die(EXIT_FAILURE, "no memory for %zu bytes", size);
  return memory;
}

/* ---- options ---- */

static void print_help(const char *about, const bench_option *options, size_t n) {
  static const char *const arguments[] = {
      [BENCH_TEXT] = "TEXT", [BENCH_SECONDS] = "SECONDS", [BENCH_BACKEND] = "NAME", [BENCH_LIST] = "N,N..."};
  printf("usage: %s [options]\n\n%s\n\n", program_invocation_short_name, about);
  for (size_t i = 0; i < n; i++)
    printf("  --%-9s %-8s %s\n", options[i].name, arguments[options[i].type], options[i].help);
  printf("  --%-9s %-8s %s\n", "help", "", "print this");
}

static bool read_seconds(const char *text, double *seconds) {
  char *end;
  *seconds = strtod(text, &end);
  return end != text && *end == 0 && *seconds > 0 && *seconds <= 86400;
}

static bool read_backend(const char *text, tlw_backend *backend) {
  for (*backend = TLW_BACKEND_AUTO; *backend <= TLW_BACKEND_CUDA; ++*backend)
    if (strcasecmp(text, tlw_backend_name(*backend)) == 0) return true;
  return false;
}

static bool read_list(const char *text, bench_list *list) {
  for (list->n = 0; list->n < BENCH_LIST_MAX; text++) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || value < 1 || value > TLW_THREADS_MAX) return false;
    list->values[list->n++] = (uint32_t)value;
    text = end;
    if (*text == 0) return true;
    if (*text != ',') return false;
  }
  return false;
}

static bool read_value(const bench_option *option, const char *text) {
  switch (option->type) {
  case BENCH_TEXT:
    *(const char **)option->value = text;
    return true;
  case BENCH_SECONDS:
    return read_seconds(text, option->value);
  case BENCH_BACKEND:
    return read_backend(text, option->value);
  case BENCH_LIST:
    return read_list(text, option->value);
  }
  return false;
}

static const bench_option *find_option(const char *word, size_t length, const bench_option *options, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strlen(options[i].name) == length && memcmp(options[i].name, word, length) == 0) return &options[i];
  return NULL;
}

void bench_parse(int argc, char **argv, const char *about, const bench_option *options, size_t n) {
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (strcmp(word, "--help") == 0) {
      print_help(about, options, n);
      exit(EXIT_SUCCESS);
    }
    const size_t length = strcspn(word, "=");
    const bench_option *option = strncmp(word, "--", 2) == 0 ? find_option(word + 2, length - 2, options, n) : NULL;
    if (!option) bench_die(BENCH_USAGE, "there is no option '%s': see --help", word);
    const char *text = word[length] ? word + length + 1 : argv[++i];
    if (!text) bench_die(BENCH_USAGE, "--%s needs a value: see --help", option->name);
    if (!read_value(option, text)) bench_die(BENCH_USAGE, "--%s can't be '%s': %s", option->name, text, option->help);
  }
}

bool bench_wants(const char *filter, const char *name) { return !filter || strstr(name, filter); }

/* ---- measuring ---- */

static double read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_now(void) { return read_clock(CLOCK_MONOTONIC); }

static clockid_t sample_clock = CLOCK_MONOTONIC;

void bench_use_processor_time(void) { sample_clock = CLOCK_PROCESS_CPUTIME_ID; }

static double time_calls(void (*run)(void *context, int64_t calls), void *context, int64_t calls) {
  const double start = read_clock(sample_clock);
  run(context, calls);
  return read_clock(sample_clock) - start;
}

double bench_time_once(void (*run)(void *context, int64_t calls), void *context) { return time_calls(run, context, 1); }

/* Calls that take about this long. */
static int64_t calibrate(const bench_work *work, double seconds) {
  for (int64_t calls = 1;;) {
    const double taken = time_calls(work->run, work->context, calls);
    const double factor = seconds / fmax(taken, 1e-9);
    if (factor < 4) return (int64_t)fmax(1, (double)calls * factor + 0.5);
    calls = (int64_t)((double)calls * fmin(factor, 100) / 2);
  }
}

void bench_measure(bench_work *works, size_t n, double seconds) {
  for (size_t i = 0; i < n; i++) {
    works[i].calls = calibrate(&works[i], seconds / (BENCH_ROUNDS_AIM * (double)n));
    works[i].n_samples = 0;
  }
  const double start = bench_now();
  for (int round = 0; round < BENCH_ROUNDS_MAX; round++) {
    if (round >= BENCH_ROUNDS_MIN && bench_now() - start >= seconds) break;
    for (size_t i = 0; i < n; i++) {
      bench_work *work = &works[((size_t)round + i) % n];
      work->samples[work->n_samples++] = time_calls(work->run, work->context, work->calls) / (double)work->calls;
    }
  }
}

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sort(double *values, int n) { qsort(values, (size_t)n, sizeof *values, compare_doubles); }

static double middle(const double *sorted, int n) { return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2; }

bench_summary bench_summarise(const bench_work *work) {
  const int n = work->n_samples;
  double sorted[BENCH_ROUNDS_MAX];
  memcpy(sorted, work->samples, (size_t)n * sizeof *sorted);
  sort(sorted, n);
  /* Ranks of a binomial distribution of n and 1/2, by its normal approximation. */
  const double reach = 1.96 * sqrt(n) / 2;
  const int low = (int)fmax(0, floor(n / 2.0 - reach));
  const int high = (int)fmin(n - 1, ceil(n / 2.0 + reach));
  return (bench_summary){middle(sorted, n), sorted[0], sorted[low], sorted[high]};
}

double bench_spread(const bench_summary *summary) { return 50 * (summary->high - summary->low) / summary->median; }

double bench_ratio(const bench_work *a, const bench_work *b) {
  double ratios[BENCH_ROUNDS_MAX];
  for (int i = 0; i < a->n_samples; i++) ratios[i] = a->samples[i] / b->samples[i];
  sort(ratios, a->n_samples);
  return middle(ratios, a->n_samples);
}

/* ---- checksums ---- */

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

uint64_t bench_hash(uint64_t hash, const void *data, size_t size) {
  const uint8_t *bytes = data;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    hash = mix(hash, word);
  }
  for (; i < size; i++) hash = mix(hash, bytes[i]);
  return hash;
}

/* ---- JSON ---- */

void bench_json_open(bench_json *json, const char *path) {
  *json = (bench_json){.path = path};
  if (!path) return;
  json->file = fopen(path, "w");
  if (!json->file) bench_die(EXIT_FAILURE, "%s: %s", path, strerror(errno));
  bench_json_begin(json, NULL, '{');
}

void bench_json_close(bench_json *json) {
  if (!json->file) return;
  bench_json_end(json, '}');
  fputc('\n', json->file);
  const bool failed = ferror(json->file) != 0;
  if (fclose(json->file) != 0 || failed) bench_die(EXIT_FAILURE, "%s can't be written", json->path);
}

static void write_text(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') fputc('\\', file);
    if ((unsigned char)*text >= ' ') fputc(*text, file);
  }
  fputc('"', file);
}

static void write_key(bench_json *json, const char *key) {
  fputs(json->more ? ",\n" : "\n", json->file);
  json->more = true;
  if (!key) return;
  write_text(json->file, key);
  fputs(": ", json->file);
}

void bench_json_begin(bench_json *json, const char *key, char bracket) {
  if (!json->file) return;
  write_key(json, key);
  fputc(bracket, json->file);
  json->more = false;
}

void bench_json_end(bench_json *json, char bracket) {
  if (!json->file) return;
  fprintf(json->file, "\n%c", bracket);
  json->more = true;
}

void bench_json_text(bench_json *json, const char *key, const char *text) {
  if (!json->file) return;
  write_key(json, key);
  write_text(json->file, text);
}

void bench_json_number(bench_json *json, const char *key, double number) {
  if (!json->file) return;
  write_key(json, key);
  fprintf(json->file, "%.9g", number);
}

void bench_json_hash(bench_json *json, const char *key, uint64_t hash) {
  char text[17];
  snprintf(text, sizeof text, "%016" PRIx64, hash);
  bench_json_text(json, key, text);
}

void bench_json_result(bench_json *json, const char *name, const bench_work *work) {
  const bench_summary summary = bench_summarise(work);
  bench_json_text(json, "name", name);
  bench_json_text(json, "time_unit", "us");
  bench_json_number(json, "real_time", summary.median * 1e6);
  bench_json_number(json, "best", summary.best * 1e6);
  bench_json_number(json, "median_low", summary.low * 1e6);
  bench_json_number(json, "median_high", summary.high * 1e6);
  bench_json_number(json, "iterations", (double)work->calls);
  bench_json_begin(json, "samples", '[');
  for (int i = 0; i < work->n_samples; i++) bench_json_number(json, NULL, work->samples[i] * 1e6);
  bench_json_end(json, ']');
}

/* ---- what is measured on ---- */

static void print_warning(void *user, tlw_log_level level, const char *message) {
  (void)user;
  if (level >= TLW_LOG_WARNING) fprintf(stderr, "%s: %s\n", program_invocation_short_name, message);
}

void bench_engine_options(tlw_engine_options *options, tlw_backend backend, const char *device, uint32_t threads) {
  tlw_engine_options_init(options);
  options->backend = backend;
  options->device = device;
  options->threads = threads;
  options->log = print_warning;
}

static void describe(const tlw_engine_options *options, tlw_device *device) {
  tlw_engine *engine;
  tlw_error error;
  bench_check(tlw_engine_open(&engine, options, &error), &error);
  bench_check(tlw_engine_describe(engine, device, &error), &error);
  tlw_engine_close(&engine);
}

size_t bench_cache(int level) {
  const long size = sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
  return size > 0 ? (size_t)size : 0;
}

static void describe_date(bench_json *json) {
  const time_t now = time(NULL);
  struct tm day;
  char text[32];
  gmtime_r(&now, &day);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &day);
  bench_json_text(json, "date", text);
}

static void describe_host(bench_json *json) {
  tlw_engine_options options;
  tlw_device cpu;
  bench_engine_options(&options, TLW_BACKEND_CPU, NULL, 1);
  describe(&options, &cpu);
  double load = -1;
  if (getloadavg(&load, 1) != 1) load = -1;
  printf("host     %s, %u CPUs, tier %s, L2 %.4g MiB, L3 %.4g MiB, load %.2f\n", cpu.name, cpu.compute_units,
         cpu.driver, (double)bench_cache(2) / 1048576, (double)bench_cache(3) / 1048576, load);
  bench_json_text(json, "host", cpu.name);
  bench_json_text(json, "tier", cpu.driver);
  bench_json_number(json, "num_cpus", cpu.compute_units);
  bench_json_number(json, "cache_2", (double)bench_cache(2));
  bench_json_number(json, "cache_3", (double)bench_cache(3));
  bench_json_number(json, "load_avg", load);
}

static void describe_backend(bench_json *json, const tlw_engine_options *options) {
  tlw_device device;
  describe(options, &device);
  printf("backend  %s: %s, %s\n", tlw_backend_name(device.backend), device.name, device.driver);
  bench_json_text(json, "backend", tlw_backend_name(device.backend));
  bench_json_text(json, "device", device.name);
  bench_json_text(json, "driver", device.driver);
}

void bench_begin(bench_json *json, const char *program, const tlw_engine_options *options) {
  printf("program  %s, library %s, compiler %s\n", program, tlw_version(), __VERSION__);
  bench_json_begin(json, "context", '{');
  bench_json_text(json, "executable", program);
  bench_json_text(json, "library_version", tlw_version());
  bench_json_text(json, "compiler", __VERSION__);
  describe_date(json);
  describe_host(json);
  if (options) describe_backend(json, options);
  bench_json_end(json, '}');
  bench_json_begin(json, "benchmarks", '[');
}

void bench_end(bench_json *json) {
  bench_json_end(json, ']');
  bench_json_close(json);
}
