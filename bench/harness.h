/*
 * What the benchmarks share: options, measuring, JSON.
 *
 * Measuring: the works of a case take turns, one sample each in every round, so that a busy machine or a changing clock
 * meets all of them alike. A sample is as many calls as fill its share of the time budget. What is compared is the
 * median of a work's samples, or the median over the rounds of one work's sample divided by another's.
 */
#ifndef TALLOW_BENCH_HARNESS_H
#define TALLOW_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tallow/engine.h"
#include "tallow/status.h"

/* ---- failing ---- */

#define BENCH_USAGE 64 /* exit code for a command line that can't be understood */

/* Prints "name: message" and ends the program. */
_Noreturn void bench_die(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program with the message of a call that failed. */
void bench_check(tlw_status status, const tlw_error *error);

/* Memory or the end of the program. */
void *bench_alloc(size_t size);

/* ---- options ---- */

#define BENCH_LIST_MAX 16

typedef struct bench_list {
  size_t n;
  uint32_t values[BENCH_LIST_MAX];
} bench_list;

typedef enum bench_type {
  BENCH_TEXT,    /* const char * */
  BENCH_SECONDS, /* double, above 0 */
  BENCH_BACKEND, /* tlw_backend */
  BENCH_LIST     /* bench_list of thread counts */
} bench_type;

typedef struct bench_option {
  const char *name; /* without the dashes */
  bench_type type;
  void *value; /* holds the default */
  const char *help;
} bench_option;

/* Options that several programs have. */
#define BENCH_SECONDS_DEFAULT 1.0
#define BENCH_OPTION_SECONDS(value)                                                                                    \
  { "seconds", BENCH_SECONDS, value, "time for each case (default 1)" }
#define BENCH_OPTION_CASE(value)                                                                                       \
  { "case", BENCH_TEXT, value, "run only the cases whose name contains TEXT" }
#define BENCH_OPTION_JSON(value)                                                                                       \
  { "json", BENCH_TEXT, value, "also write the results to a file" }
#define BENCH_OPTION_BACKEND(value)                                                                                    \
  { "backend", BENCH_BACKEND, value, "auto, cpu (default), opencl or cuda" }
#define BENCH_OPTION_DEVICE(value)                                                                                     \
  { "device", BENCH_TEXT, value, "index or UUID of the device (default: the first)" }

/* Reads --name VALUE and --name=VALUE. Ends the program after --help and after a fault. */
void bench_parse(int argc, char **argv, const char *about, const bench_option *options, size_t n);

/* Whether a case is to run. filter: of --case, or NULL. */
bool bench_wants(const char *filter, const char *name);

/* ---- measuring ---- */

/* Seconds since some moment. */
double bench_now(void);

/* From now on samples are processor time, of all threads together: for works of one thread on a busy machine. */
void bench_use_processor_time(void);

#define BENCH_ROUNDS_MIN 5
#define BENCH_ROUNDS_AIM 25
#define BENCH_ROUNDS_MAX 101

typedef struct bench_work {
  void (*run)(void *context, int64_t calls);
  void *context;
  /* Results. */
  int64_t calls; /* in each sample */
  int n_samples;
  double samples[BENCH_ROUNDS_MAX]; /* seconds a call, by round */
} bench_work;

/* Fills the results of n works, in about this many seconds for all of them together. */
void bench_measure(bench_work *works, size_t n, double seconds);

typedef struct bench_summary {
  double median, best; /* seconds a call */
  double low, high;    /* a 95% interval of the median, by order statistics */
} bench_summary;

bench_summary bench_summarise(const bench_work *work);

/* Half the interval, in percent of the median. */
double bench_spread(const bench_summary *summary);

/* How many times as long as b a call of a takes: the median over the rounds. Both are from one bench_measure. */
double bench_ratio(const bench_work *a, const bench_work *b);

/* The time that one first call takes. */
double bench_time_once(void (*run)(void *context, int64_t calls), void *context);

/* ---- checksums ---- */

#define BENCH_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues a checksum over size bytes. Little-endian machines agree. */
uint64_t bench_hash(uint64_t hash, const void *data, size_t size);

/* ---- JSON ---- */

typedef struct bench_json {
  FILE *file; /* NULL: all calls do nothing */
  const char *path;
  bool more; /* a value stands before */
} bench_json;

/* path may be NULL. Failures end the program. */
void bench_json_open(bench_json *json, const char *path);
void bench_json_close(bench_json *json);
/* Opens '{' or '[' and closes '}' or ']'. Within an array key is NULL. */
void bench_json_begin(bench_json *json, const char *key, char bracket);
void bench_json_end(bench_json *json, char bracket);
void bench_json_text(bench_json *json, const char *key, const char *text);
void bench_json_number(bench_json *json, const char *key, double number);
void bench_json_hash(bench_json *json, const char *key, uint64_t hash);
/* The name of a result, its samples and its times, in microseconds a call. */
void bench_json_result(bench_json *json, const char *name, const bench_work *work);

/* ---- what is measured on ---- */

/* Sets options for an engine whose warnings go to stderr. device may be NULL. */
void bench_engine_options(tlw_engine_options *options, tlw_backend backend, const char *device, uint32_t threads);

/*
 * Prints program, library, machine and backend. In the JSON they are the object "context", and the array "benchmarks"
 * is opened for the results. options: of the engine that is measured; NULL: none.
 */
void bench_begin(bench_json *json, const char *program, const tlw_engine_options *options);
void bench_end(bench_json *json);

/* Bytes of the cache of this level; 0 where unknown. */
size_t bench_cache(int level);

#endif
