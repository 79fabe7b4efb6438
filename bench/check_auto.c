/*
 * check_auto: what AUTO takes beside the CPU and beside the device, at 30 sizes over 6 decades, after measuring as
 * `tallow tune` does. It goes by the inside of the library to make the same calls as that.
 *
 *   check_auto [--threads N] [--tune SECONDS] [--cache FOLDER] [--seconds S] [--soft SETTINGS] WORK...
 *
 * WORK: charts, files, fold, order, scan, bars or images, or an operation of windows and its window, as corr:20. Without
 * any all kinds, and some operations that cost more or less than those that are measured.
 *
 * What counts is the least of some rounds, each with engines of its own: where the memory of an engine lies makes up to
 * 10%, and on which CPU the system has its threads wake up to twice the time, for as long as the engine lives.
 *
 * With --soft the device is the software CUDA driver (tests/softcuda) with these settings, which are made once its
 * self-tests are passed. Without --tune it goes by what is in the folder.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/tune/works.h"
#include "tallow/tune.h"

#define SIZES 30
#define DECADES 6
#define SAMPLES 4    /* of a turn */
#define PAUSE 200000 /* nanoseconds before it */
#define ROUNDS 3
#define TURNS_LEAST 2
#define TURNS_MOST 10000
#define MEMORY ((uint64_t)1 << 30)

enum { FORCED_DEVICE, FORCED_CPU, BY_AUTO, WAYS };

static const char *cache = "/tmp/tallow-check-auto";
static uint32_t threads = TLW_THREADS_AUTO;
static double seconds = 0.5; /* of each size */

static void fail(const char *what, const tlw_error *error) {
  fprintf(stderr, "check_auto: %s: %s\n", what, error->message);
  exit(1);
}

static bool always(void *user) {
  (void)user;
  return true;
}

static tlw_engine *open_engine(tlw_backend backend) {
  tlw_engine_options options;
  tlw_engine *engine;
  tlw_error error;
  tlw_engine_options_init(&options);
  options.backend = backend;
  options.threads = threads;
  options.cache_dir = cache;
  if (tlw_engine_open(&engine, &options, &error) != TLW_OK) fail(tlw_backend_name(backend), &error);
  return engine;
}

/* The backend of the device that AUTO takes where nobody has measured. */
static tlw_backend device_backend(void) {
  tlw_device devices[32];
  size_t n;
  if (tlw_devices(0, devices, 32, &n, NULL) != TLW_OK) return TLW_BACKEND_CPU;
  for (size_t i = 0; i < n && i < 32; i++)
    if (devices[i].automatic && devices[i].usable) return devices[i].backend;
  return TLW_BACKEND_CPU;
}

/* ---- the software driver ---- */

static void pass_self_tests(void) {
  tlw_tune_options options;
  static tlw_tune_result result;
  tlw_error error;
  tlw_tune_options_init(&options);
  options.seconds = 0.1;
  options.threads = threads;
  options.cache_dir = cache;
  result.struct_size = sizeof result;
  if (tlw_tune(&options, &result, &error) != TLW_OK) fail("self-tests", &error);
}

static void plant(char *settings) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  int (*set)(const char *) = NULL;
  if (driver) *(void **)&set = dlsym(driver, "softcuda_set");
  if (!set) {
    fprintf(stderr, "check_auto: --soft needs the software driver in LD_LIBRARY_PATH\n");
    exit(1);
  }
  for (char *s = strtok(settings, ","); s; s = strtok(NULL, ","))
    if (set(s) != 0) {
      fprintf(stderr, "check_auto: %s is no setting of the software driver\n", s);
      exit(1);
    }
}

static void tune(double time) {
  tlw_tune_options options;
  static tlw_tune_result result;
  tlw_error error;
  tlw_tune_options_init(&options);
  options.seconds = time;
  options.threads = threads;
  options.cache_dir = cache;
  result.struct_size = sizeof result;
  if (tlw_tune(&options, &result, &error) != TLW_OK) fail("tune", &error);
  if (result.has_device && !result.stored) fail(result.path, &error);
}

/* ---- a kind of work ---- */

struct row {
  struct tlw_load load;
  double least[WAYS];
  bool is_cpu; /* by AUTO's choice */
};

static uint64_t given_to_cpu(const tlw_engine *engine) {
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_engine_stats(engine, &stats, NULL);
  return stats.to_cpu;
}

/* The least of some calls, once the threads of another engine that still spin have gone to sleep. */
static void take_turn(struct tlw_tune_works *works, bool on_cpu, const struct tlw_load *load, double *least) {
  nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
  for (int i = 0; i < SAMPLES; i++) {
    double time;
    tlw_error error;
    if (tlw_tune_works_sample(works, load, TLW_TUNE_USUAL, on_cpu, &time, &error) != TLW_OK) fail("a call", &error);
    *least = fmin(*least, time);
  }
}

/* In turns, so that a busy machine meets all alike. */
static void measure(struct tlw_tune_works *forced, struct tlw_tune_works *automatic, struct row *row) {
  const tlw_engine *engine = automatic->engines[TLW_TUNE_DEVICE];
  const uint64_t before = given_to_cpu(engine);
  const double begun = tlw_tune_now();
  for (int i = 0; i < TURNS_MOST && (i < TURNS_LEAST || tlw_tune_now() - begun < seconds / ROUNDS); i++)
    for (int k = 0; k < WAYS; k++) {
      const int way = (i + k) % WAYS;
      take_turn(way == BY_AUTO ? automatic : forced, way == FORCED_CPU, &row->load, &row->least[way]);
    }
  tlw_device device;
  tlw_engine_describe(engine, &device, NULL);
  row->is_cpu = device.backend == TLW_BACKEND_CPU || given_to_cpu(engine) > before;
}

static void print_row(const struct row *row) {
  const double *t = row->least, better = fmin(t[FORCED_CPU], t[FORCED_DEVICE]);
  const double by_choice = (row->is_cpu ? t[FORCED_CPU] : t[FORCED_DEVICE]) / better;
  printf("%14.0f", row->load.units);
  printf(" %12.1f %12.1f %12.1f", t[FORCED_CPU] * 1e6, t[FORCED_DEVICE] * 1e6, t[BY_AUTO] * 1e6);
  printf("  %-6s %7.3f %7.3f%s\n", row->is_cpu ? "cpu" : "device", t[BY_AUTO] / better, by_choice,
         by_choice > 1.05 ? " *" : "");
  fflush(stdout);
}

/* What is checked: a kind of work, or an operation of windows that is of it. */
struct what {
  enum tlw_work work;
  bool has_operation;
  tlw_window_op operation;
  int64_t window;
};

static void begin(struct tlw_tune_works *works, const struct what *what, tlw_engine *device, tlw_engine *cpu,
                  struct tlw_tune_range *range) {
  tlw_error error;
  *works = (struct tlw_tune_works){
      .engines = {[TLW_TUNE_DEVICE] = device, [TLW_TUNE_CPU] = cpu},
      .goes_on = always,
      .has_operation = what->has_operation,
      .operation = what->operation,
      .window = what->window,
  };
  if (tlw_tune_works_begin(works, what->work, MEMORY, range, &error) != TLW_OK) fail("memory", &error);
}

/* The sizes over the range of a kind. Returns how many. */
static int list_sizes(struct tlw_tune_works *works, const struct tlw_tune_range *range, struct row rows[SIZES]) {
  const double most = fmin(range->most, range->least * pow(10, DECADES));
  int n = 0;
  for (int i = 0; i < SIZES; i++) {
    const double units = range->least * pow(most / range->least, i / (SIZES - 1.0));
    const struct tlw_load load = tlw_tune_works_load(works, works->work, TLW_TUNE_USUAL, units);
    if (n > 0 && load.units == rows[n - 1].load.units) continue;
    rows[n++] = (struct row){.load = load, .least = {(double)INFINITY, (double)INFINITY, (double)INFINITY}};
  }
  return n;
}

/* Both work with the memory of one. Returns the number of rows. */
static int check_round(const struct what *what, tlw_backend backend, int round, struct row rows[SIZES], int n) {
  tlw_engine *engines[WAYS] = {open_engine(backend), open_engine(TLW_BACKEND_CPU), open_engine(TLW_BACKEND_AUTO)};
  struct tlw_tune_works forced, automatic;
  struct tlw_tune_range range;
  begin(&automatic, what, engines[BY_AUTO], engines[FORCED_CPU], &range);
  begin(&forced, what, engines[FORCED_DEVICE], engines[FORCED_CPU], &range);
  const struct tlw_block input = automatic.input, output = automatic.output;
  automatic.input = forced.input;
  automatic.output = forced.output;
  if (round == 0) n = list_sizes(&forced, &range, rows);
  for (int i = 0; i < n; i++) measure(&forced, &automatic, &rows[i]);
  automatic.input = input;
  automatic.output = output;
  tlw_tune_works_end(&automatic);
  tlw_tune_works_end(&forced);
  for (int way = 0; way < WAYS; way++) tlw_engine_close(&engines[way]);
  return n;
}

static void check(const struct what *what, const char *name, tlw_backend backend) {
  struct row rows[SIZES];
  int n = 0;
  printf("\n%-14s %12s %12s %12s  %-6s %7s %7s\n", name, "cpu, us", "device, us", "auto, us", "chose", "auto",
         "chosen");
  for (int round = 0; round < ROUNDS; round++) n = check_round(what, backend, round, rows, n);
  double worst_auto = 1, worst_chosen = 1;
  for (int i = 0; i < n; i++) {
    const struct row *row = &rows[i];
    const double better = fmin(row->least[FORCED_CPU], row->least[FORCED_DEVICE]);
    print_row(row);
    worst_auto = fmax(worst_auto, row->least[BY_AUTO] / better);
    worst_chosen = fmax(worst_chosen, row->least[row->is_cpu ? FORCED_CPU : FORCED_DEVICE] / better);
  }
  printf("worst: auto %.3f of the better, what it chose %.3f\n", worst_auto, worst_chosen);
}

static enum tlw_work work_of(tlw_window_op op) {
  if (op >= TLW_WINDOW_MEDIAN && op <= TLW_WINDOW_RANK) return TLW_WORK_ORDER;
  const bool is_scan = op == TLW_WINDOW_EMA || op == TLW_WINDOW_RMA || op >= TLW_WINDOW_CUMSUM;
  return is_scan ? TLW_WORK_SCAN : TLW_WORK_FOLD;
}

/* False: there is no such kind or operation. */
static bool find(const char *name, struct what *what) {
  const size_t length = strcspn(name, ":");
  for (int i = 0; i < TLW_WORKS; i++) {
    *what = (struct what){.work = (enum tlw_work)i};
    if (strcmp(tlw_tune_kind_name((tlw_tune_kind)i), name) == 0) return true;
  }
  for (int i = 0; i < TLW_WINDOW_OPS; i++) {
    const tlw_window_op op = (tlw_window_op)i;
    const char *other = tlw_window_describe(op)->name;
    *what = (struct what){work_of(op), true, op,
                          name[length]              ? strtoll(name + length + 1, NULL, 10)
                          : op >= TLW_WINDOW_CUMSUM ? 0
                                                    : 20};
    if (strlen(other) == length && strncmp(other, name, length) == 0) return true;
  }
  return false;
}

static void check_all(char *const *names, tlw_backend backend) {
  static char *const usual[] = {"charts", "files",   "fold",        "order",    "scan",      "bars",        "images",
                                "std:20", "corr:20", "kurtosis:20", "median:5", "median:20", "median:2000", NULL};
  for (char *const *name = *names ? names : usual; *name; name++) {
    struct what what;
    if (!find(*name, &what)) {
      fprintf(stderr, "check_auto: %s is no kind of work and no operation\n", *name);
      exit(64);
    }
    check(&what, *name, backend);
  }
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"threads", 1, NULL, 'j'}, {"tune", 1, NULL, 't'}, {"cache", 1, NULL, 'c'},
                                          {"seconds", 1, NULL, 's'}, {"soft", 1, NULL, 'f'}, {0}};
  double time = 0;
  char *soft = NULL;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option == '?') return 64;
    if (option == 'j') threads = (uint32_t)strtoul(optarg, NULL, 10);
    if (option == 't') time = strtod(optarg, NULL);
    if (option == 'c') cache = optarg;
    if (option == 's') seconds = strtod(optarg, NULL);
    if (option == 'f') soft = optarg;
  }
  const tlw_backend backend = device_backend();
  if (soft) {
    if (time > 0) pass_self_tests();
    plant(soft);
  }
  if (time > 0) tune(time);
  tlw_engine *automatic = open_engine(TLW_BACKEND_AUTO);
  tlw_device taken;
  tlw_engine_describe(automatic, &taken, NULL);
  tlw_engine_close(&automatic);
  printf("device: %s; auto takes %s\n", tlw_backend_name(backend), tlw_backend_name(taken.backend));
  check_all(argv + optind, backend);
  return 0;
}
