/* Columns of numbers and specs for tests of rolling windows: random and hostile, the same from the same seed. */
#ifndef TALLOW_TESTS_WINDOW_CASES_H
#define TALLOW_TESTS_WINDOW_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "series.h"
#include "tallow/window.h"

/* ---- numbers ---- */

typedef enum number_kind {
  NUMBERS_WALK,     /* a random walk, at a scale from 1e-12 to 1e12 */
  NUMBERS_NOISE,    /* 1e6 and a little noise */
  NUMBERS_GAPS,     /* a walk with NaN of both signs and any payload here and there */
  NUMBERS_GAP_RUNS, /* a walk with runs of NaN */
  NUMBERS_LATE,     /* NaN at first, sometimes throughout */
  NUMBERS_INFINITE, /* a walk with infinities here and there, of one sign or both */
  NUMBERS_BROKEN,   /* NaN, infinities and zeros of both signs among few numbers */
  NUMBERS_DENORMAL, /* of both signs */
  NUMBERS_ZEROS,    /* of both signs, and little else */
  NUMBERS_CONSTANT, /* one number */
  NUMBERS_HUGE,     /* up to the greatest double: sums and squares overflow */
  NUMBERS_TINY,     /* squares underflow */
  NUMBERS_FEW,      /* small whole numbers, so that most have equals */
  NUMBERS_RISING,   /* each greater than the one before */
  NUMBERS_FALLING,  /* each less than the one before */
  NUMBERS_SPIKE,    /* a walk but for one number */
  NUMBERS_WILD,     /* from 2^-40 to 2^60, of both signs: sums differ by the order of adding */
  NUMBERS_BITS      /* any bits */
} number_kind;
#define NUMBER_KIND_COUNT 18

const char *number_kind_name(number_kind kind);

void fill_numbers(double *x, int64_t n, number_kind kind, rng *r);

/* ---- specs ---- */

/*
 * How many variants of an operation with this window there are: each combination of values of the parameters that the
 * table gives it, those that tlw_window_check refuses among them. Aborts on a parameter that is not known here.
 */
int64_t window_variants(tlw_window_op op);

/* Variant i, counted on from 0 again at the end. False: it is refused. */
bool window_variant(tlw_window_spec *spec, tlw_window_op op, int64_t window, int64_t i);

/* "std, window 20, min_periods 1, nan 0, ddof 1, columns 0 and 1" */
const char *window_text(const tlw_window_spec *spec, char *text, size_t size);

/* ---- batches ---- */

#define WINDOW_CASE_COLUMNS 3

/*
 * Columns of a batch, each in memory that ends where it ends and begins at any address aligned to its type, and the
 * same widened to doubles.
 */
typedef struct window_case {
  uint64_t seed;
  tlw_window_batch batch;
  double *wide[WINDOW_CASE_COLUMNS];
  number_kind *kinds[WINDOW_CASE_COLUMNS]; /* by series */
  int64_t *offsets, *origin;
  const void *columns[WINDOW_CASE_COLUMNS];
  void *blocks[WINDOW_CASE_COLUMNS];
  uint64_t hash; /* of what the columns hold */
  tlw_window_spec *specs;
  int32_t n_specs;
} window_case;

/* n_series of various lengths up to `most` rows. Aborts where there is no memory. No specs yet. */
void window_case_open(window_case *c, uint64_t seed, int64_t n_series, int64_t most);
/* One series of n rows. */
void window_case_open_one(window_case *c, uint64_t seed, int64_t n);
/* Puts other numbers in all columns; numbers that a float can't hold change. */
void window_case_replace(window_case *c, const double *x);
void window_case_close(window_case *c);

/* Adds a spec, with columns of the case. */
void window_case_add(window_case *c, tlw_window_spec spec, rng *r);

/* Adds a variant of each operation; those of consecutive windows and rounds take turns. */
void window_case_add_all(window_case *c, int64_t window, int64_t round);

/* Whether the columns still hold what they held. */
bool window_case_unharmed(const window_case *c);

/* ---- outputs ---- */

/* n doubles that are poisoned, as are the words around them. */
typedef struct poisoned {
  double *block;
  double *rows; /* at any address aligned to 8 bytes */
  int64_t n, front, size;
  uint64_t seed;
} poisoned;

void poisoned_open(poisoned *p, int64_t n, uint64_t seed);
void poisoned_close(poisoned *p);
/* Whether row i is as it was. */
bool poisoned_is(const poisoned *p, int64_t i);
/* Whether no word outside of rows from to to - 1 changed; otherwise prints the first that did. */
bool poisoned_intact(const poisoned *p, int64_t from, int64_t to);

#endif
