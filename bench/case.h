/*
 * What is measured: cases, which suites list, and subjects, which are cases that were opened on a lane.
 *
 * A new suite is a file suite_NAME.c that defines a bench_suite, and a line of BENCH_SUITES.
 */
#ifndef TALLOW_BENCH_CASE_H
#define TALLOW_BENCH_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tallow/engine.h"
#include "tallow/status.h"

#define BENCH_SUITES(X)                                                                                                \
  X(render)                                                                                                            \
  X(encode)                                                                                                            \
  X(files)                                                                                                             \
  X(stream)                                                                                                            \
  X(images)                                                                                                            \
  X(window)                                                                                                            \
  X(bars)                                                                                                              \
  X(csv)                                                                                                               \
  X(trades)

/* ---- lanes: on what a case runs ---- */

typedef enum bench_lanes {
  BENCH_LANES_ALONE, /* the thread that calls, without an engine */
  BENCH_LANES_CPU,   /* the CPU backend, by each number of threads */
  BENCH_LANES_ALL    /* every backend */
} bench_lanes;

typedef struct bench_lane {
  tlw_backend backend;
  uint32_t threads; /* of the CPU; other backends: 1 */
} bench_lane;

/* Opens an engine for a lane, which says nothing. */
tlw_status bench_engine_open(const bench_lane *lane, tlw_engine **engine, tlw_error *error);

/* ---- cases ---- */

/* From where to where a call goes. */
typedef enum bench_stage {
  BENCH_STAGE_MEMORY, /* host memory to host memory; on a device with both transfers */
  BENCH_STAGE_LEFT,   /* host memory to the memory of the backend, where the output is left */
  BENCH_STAGE_WHOLE,  /* end to end: to or from files as people have them */
  BENCH_STAGES
} bench_stage;

/* "memory", "left", "whole" */
const char *bench_stage_name(bench_stage stage);

#define BENCH_NAME_SIZE 80
#define BENCH_NUMBERS 6

typedef struct bench_suite bench_suite;

typedef struct bench_case {
  char name[BENCH_NAME_SIZE]; /* suite/case/parameter */
  const bench_suite *suite;
  bench_lanes lanes;
  bench_stage stage;
  bool usual;                     /* measured where nothing is asked for by name */
  int64_t numbers[BENCH_NUMBERS]; /* what the suite wants to know of it */
} bench_case;

typedef struct bench_cases {
  bench_case *cases;
  size_t n, capacity;
  int64_t rows;      /* that were asked for; 0: as many as the suite likes */
  tlw_status status; /* memory may end while cases are listed */
  tlw_error error;
} bench_cases;

/* Adds a copy, named by the format, to the list. */
void bench_add(bench_cases *cases, const bench_case *add, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- subjects ---- */

typedef struct bench_subject {
  void *state;
  tlw_status (*run)(void *state, int64_t calls, tlw_error *error);
  /* A checksum of what a call makes of the first input, which must be the same on every lane; NULL: no output. */
  tlw_status (*hash)(void *state, uint64_t *hash, tlw_error *error);
  void (*close)(void *state);
  const tlw_engine *engine; /* whose memory is told; or NULL */
  const char *item;         /* "charts" */
  double items, bytes;      /* of a call; bytes read and written */
} bench_subject;

struct bench_suite {
  const char *name, *summary;
  void (*list)(bench_cases *cases);
  /* On failure there is nothing to close. */
  tlw_status (*open)(const bench_case *what, const bench_lane *lane, bench_subject *subject, tlw_error *error);
};

/* All suites; NULL behind the last. */
const bench_suite *bench_suite_at(size_t index);

/* All cases of all suites. Freed in any case. */
tlw_status bench_cases_list(bench_cases *cases, int64_t rows, tlw_error *error);
void bench_cases_free(bench_cases *cases);

/*
 * Whether a name is meant: by a pattern with *, ? and [], by all of the name, or by its first parts, such as
 * "render" or "render/1080p".
 */
bool bench_matches(const char *pattern, const char *name);

/* Likewise of a list, where a pattern that is all of a name in it means that case alone. */
bool bench_means(const bench_cases *cases, const char *pattern, const bench_case *what);

#endif
