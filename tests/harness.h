/* What the tests of rendering share: guarded images, and engines by target. */
#ifndef TALLOW_TESTS_HARNESS_H
#define TALLOW_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "tallow/chart.h"
#include "tallow/engine.h"

/*
 * Images in memory that is poisoned throughout: the pixels themselves, so that one that is never written shows (a
 * poison byte is no ink), and the bytes between rows, between images, in front and behind, which must stay.
 */
typedef struct guarded {
  uint8_t *block;
  size_t block_size;
  size_t front;
  int32_t width, height;
  int64_t n_images;
  size_t row_stride, image_stride;
  uint64_t seed;
  tlw_raster raster; /* for the call; tests may break it */
} guarded;

/* row_gap: bytes behind each row; image_gap: bytes behind the last row of an image; front, back: around it all. */
typedef struct guarded_shape {
  int32_t width, height;
  int64_t n_images;
  size_t row_gap, image_gap;
  size_t front, back;
} guarded_shape;

/* Aborts where there is no memory. The seed picks the poison. */
void guarded_open(guarded *g, const guarded_shape *shape, uint64_t seed);
void guarded_close(guarded *g);
void guarded_poison(guarded *g);
/* True if no byte outside the pixels changed; otherwise prints the first that did. */
bool guarded_intact(const guarded *g);
/* True if no byte at all changed. */
bool guarded_untouched(const guarded *g);

typedef struct difference {
  int32_t x, y; /* the first pixel, by rows */
  uint8_t got, expected;
  int64_t count;
} difference;

/* True if image i has the pixels expected (width * height without gaps). */
bool guarded_equal(const guarded *g, int64_t image, const uint8_t *expected, difference *where);

typedef struct target {
  const char *name; /* "cpu avx2", "opencl" */
  tlw_backend backend;
  const char *tier; /* of the CPU backend; else NULL */
  char device[TLW_NAME_SIZE];
  int64_t cases; /* counted by the tests */
} target;

#define TARGETS_MAX 8

typedef struct target_list {
  target targets[TARGETS_MAX];
  size_t count;
} target_list;

/*
 * The targets named by the arguments or, without any, by TALLOW_TEST_TARGETS (separated by commas or blanks), or "cpu":
 * "cpu" stands for each SIMD tier that this CPU has; the others are printed as skipped. Opens each once. False, with
 * the reason printed, if a target is unknown or can't be opened.
 */
bool targets_find(target_list *list, int argc, char **argv);

/* Prints how many cases ran on each target. False if none ran on one of them. */
bool targets_report(const target_list *list);

/* Removes what targets_find left on disk. */
void targets_close(void);

typedef struct target_limits {
  uint32_t threads;
  uint64_t device_budget, host_budget;
} target_limits;

extern const target_limits no_limits; /* everything automatic */

tlw_status target_open(const target *t, const target_limits *limits, tlw_engine **engine, tlw_error *error);

/* A number from the environment, or the one given if it is unset; aborts if it is no number. */
uint64_t environment_number(const char *name, uint64_t otherwise);

#endif
