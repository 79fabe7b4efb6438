#include "window_cases.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

static double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double either_sign(rng *r, double x) { return one_in(r, 2) ? x : -x; }

static void *memory_for(int64_t n, size_t size) {
  void *memory = malloc(n > 0 ? (size_t)n * size : 1);
  if (memory == NULL) {
    fprintf(stderr, "window cases: no memory for %lld rows\n", (long long)n);
    abort();
  }
  return memory;
}

/* ---- numbers ---- */

const char *number_kind_name(number_kind kind) {
  static const char *const names[NUMBER_KIND_COUNT] = {"walk",   "noise",    "gaps",    "gap runs", "late", "infinite",
                                                       "broken", "denormal", "zeros",   "constant", "huge", "tiny",
                                                       "few",    "rising",   "falling", "spike",    "wild", "bits"};
  return names[kind];
}

static double scale_of(rng *r) {
  double scale = 1.0;
  const int32_t power = rng_between(r, -12, 12);
  for (int32_t i = 0; i < power; i++) scale *= 10.0;
  for (int32_t i = 0; i > power; i--) scale /= 10.0;
  return scale;
}

/* Any NaN, quiet or not. */
static double any_nan(rng *r) {
  const uint64_t quiet = UINT64_C(0x7ff8000000000000), payload = rng_below(r, UINT64_C(1) << 51);
  return from_bits((one_in(r, 2) ? quiet | payload : UINT64_C(0x7ff0000000000001) + payload) | rng_below(r, 2) << 63);
}

static double wild(rng *r) { return either_sign(r, ldexp(1.0 + rng_unit(r), rng_between(r, -40, 59))); }

static void fill_walk(double *x, int64_t n, rng *r) {
  const double scale = scale_of(r), step = (0.0001 + 0.05 * rng_unit(r)) * scale;
  double level = (one_in(r, 4) ? 0.0 : 1.0 + 9.0 * rng_unit(r)) * scale;
  for (int64_t i = 0; i < n; i++) {
    x[i] = level;
    level += (rng_unit(r) - 0.5) * step;
  }
}

static void fill_runs(double *x, int64_t n, rng *r) {
  const uint64_t most = one_in(r, 2) ? 12 : 300;
  for (int64_t i = (int64_t)rng_below(r, 40); i < n; i += 1 + (int64_t)rng_below(r, 80))
    for (int64_t end = i + 1 + (int64_t)rng_below(r, most); i < end && i < n; i++) x[i] = any_nan(r);
}

static void fill_infinite(double *x, int64_t n, rng *r) {
  const uint64_t rate = 2 + rng_below(r, 60), signs = rng_below(r, 3);
  for (int64_t i = 0; i < n; i++)
    if (one_in(r, rate)) x[i] = signs == 0 ? HUGE_VAL : signs == 1 ? -HUGE_VAL : either_sign(r, HUGE_VAL);
}

static double broken(rng *r) {
  static const double numbers[] = {0.0, 1.0, 2.0, 1e300, 0x1p-1074, (double)INFINITY};
  return one_in(r, 6) ? any_nan(r) : either_sign(r, numbers[rng_below(r, sizeof numbers / sizeof numbers[0])]);
}

static double number(number_kind kind, rng *r) {
  switch (kind) {
  case NUMBERS_NOISE:
    return 1e6 + 0.001 * (rng_unit(r) + rng_unit(r) - 1.0);
  case NUMBERS_BROKEN:
    return broken(r);
  case NUMBERS_DENORMAL:
    return either_sign(r, from_bits(rng_below(r, one_in(r, 2) ? 8 : UINT64_C(1) << 52)));
  case NUMBERS_ZEROS:
    return either_sign(r, one_in(r, 40) ? 1e-300 : 0.0);
  case NUMBERS_HUGE:
    return either_sign(r, one_in(r, 8) ? DBL_MAX : 1.7e308 * rng_unit(r));
  case NUMBERS_TINY:
    return either_sign(r, ldexp(rng_unit(r), rng_between(r, -1060, -500)));
  case NUMBERS_WILD:
    return wild(r);
  default:
    return from_bits(rng_next(r));
  }
}

static void fill_steps(double *x, int64_t n, double sign, rng *r) {
  const double step = scale_of(r);
  double level = sign * step * rng_unit(r);
  for (int64_t i = 0; i < n; i++) {
    x[i] = level;
    level += sign * step * (0.5 + rng_unit(r));
  }
}

void fill_numbers(double *x, int64_t n, number_kind kind, rng *r) {
  const uint64_t rate = 2 + rng_below(r, 60);
  const int32_t few = rng_between(r, 1, 9);
  const double level = either_sign(r, one_in(r, 8) ? 0.0 : scale_of(r) / 3.0);
  if (kind <= NUMBERS_INFINITE || kind == NUMBERS_SPIKE) fill_walk(x, n, r);
  switch (kind) {
  case NUMBERS_WALK:
    break;
  case NUMBERS_GAPS:
    for (int64_t i = 0; i < n; i++)
      if (one_in(r, rate)) x[i] = any_nan(r);
    break;
  case NUMBERS_GAP_RUNS:
    fill_runs(x, n, r);
    break;
  case NUMBERS_LATE:
    for (int64_t i = one_in(r, 8) ? n : (int64_t)rng_below(r, (uint64_t)(n < 100 ? n : 100) + 1); i > 0; i--)
      x[i - 1] = any_nan(r);
    break;
  case NUMBERS_INFINITE:
    fill_infinite(x, n, r);
    break;
  case NUMBERS_CONSTANT:
    for (int64_t i = 0; i < n; i++) x[i] = level;
    break;
  case NUMBERS_FEW:
    for (int64_t i = 0; i < n; i++) x[i] = (double)rng_between(r, -few, few);
    break;
  case NUMBERS_RISING:
    fill_steps(x, n, 1.0, r);
    break;
  case NUMBERS_FALLING:
    fill_steps(x, n, -1.0, r);
    break;
  case NUMBERS_SPIKE:
    if (n > 0) x[rng_below(r, (uint64_t)n)] = either_sign(r, 1e15 * scale_of(r));
    break;
  default:
    for (int64_t i = 0; i < n; i++) x[i] = number(kind, r);
  }
}

/* ---- specs ---- */

typedef struct values {
  int32_t n;
  double x[6];
} values;

/* What a parameter is tried with; window: that of the spec, 0 if it has none. */
static values values_of(const tlw_window_parameter *p, int64_t window) {
  switch (p->field) {
  case TLW_FIELD_WINDOW:
    return (values){1, {(double)window}};
  case TLW_FIELD_MIN_PERIODS:
    if (p->initial == 0.0) return (values){3, {1.0, (double)((window + 1) / 2), (double)window}};
    return (values){4, {1.0, (double)(window / 2 + 1), (double)(window > 0 ? window : 20), (double)(window + 37)}};
  case TLW_FIELD_NAN:
    return (values){2, {TLW_NAN_PROPAGATE, TLW_NAN_SKIP}};
  case TLW_FIELD_DDOF:
    return (values){3, {1.0, 0.0, 3.0}};
  case TLW_FIELD_QUANTILE:
    return (values){6, {0.5, 0.0, 1.0, 0.25, 1.0 / 3.0, 0.99}};
  case TLW_FIELD_ADJUST:
    return (values){2, {0.0, 1.0}};
  case TLW_FIELD_SEED:
    return (values){2, {TLW_SEED_FIRST, TLW_SEED_MEAN}};
  }
  fprintf(stderr, "window cases: no values for the parameter %s: say in values_of what to try\n", p->name);
  abort();
}

int64_t window_variants(tlw_window_op op) {
  const tlw_window_info *info = tlw_window_describe(op);
  int64_t n = 1;
  for (int32_t i = 0; i < info->n_parameters; i++) n *= values_of(&info->parameters[i], 1).n;
  return n;
}

bool window_variant(tlw_window_spec *spec, tlw_window_op op, int64_t window, int64_t i) {
  const tlw_window_info *info = tlw_window_describe(op);
  if (!tlw_window_find_parameter(op, TLW_FIELD_WINDOW)) window = 0;
  tlw_window_spec_init(spec, op, window);
  for (int32_t k = 0; k < info->n_parameters; k++) {
    const values v = values_of(&info->parameters[k], window);
    if (tlw_window_spec_set(spec, &info->parameters[k], v.x[i % v.n], NULL) != TLW_OK) abort();
    i /= v.n;
  }
  return tlw_window_check(spec, 2, NULL) == TLW_OK;
}

const char *window_text(const tlw_window_spec *spec, char *text, size_t size) {
  const tlw_window_info *info = tlw_window_describe(spec->op);
  snprintf(text, size,
           "%s, window %lld, min_periods %lld, nan %d, ddof %d, quantile %.17g, adjust %d, seed %d, columns %d and %d",
           info->name, (long long)spec->window, (long long)spec->min_periods, (int)spec->nan, (int)spec->ddof,
           spec->quantile, (int)spec->adjust, (int)spec->seed, (int)spec->column, (int)spec->other);
  return text;
}

/* ---- batches ---- */

static int64_t random_length(rng *r, int64_t most) {
  switch (rng_below(r, 8)) {
  case 0:
    return 0;
  case 1:
    return 1;
  case 2:
    return 2 + (int64_t)rng_below(r, 20);
  case 3:
    return most;
  default:
    return (int64_t)rng_below(r, (uint64_t)most + 1);
  }
}

static int64_t random_origin(rng *r) {
  switch (rng_below(r, 6)) {
  case 0:
    return (int64_t)rng_below(r, (UINT64_C(1) << 52) + 1);
  case 1:
  case 2:
    return (int64_t)rng_below(r, 100000);
  case 3:
    return (int64_t)rng_below(r, 20);
  default:
    return 0;
  }
}

/* The second column's numbers may follow the first's, so that they correlate fully or not at all. */
static void fill_related(double *y, const double *x, int64_t n, rng *r) {
  const double level = scale_of(r), slope = either_sign(r, one_in(r, 2) ? 1.0 : scale_of(r));
  for (int64_t i = 0; i < n; i++) y[i] = level + slope * x[i];
}

static void fill_column(window_case *c, int32_t k, rng *r) {
  double *x = c->wide[k];
  for (int64_t i = 0; i < c->batch.n_rows; i++) x[i] = from_bits(rng_next(r));
  for (int64_t s = 0; s < c->batch.n_series; s++) {
    const int64_t first = c->offsets[s], n = c->offsets[s + 1] - first;
    c->kinds[k][s] = (number_kind)rng_below(r, NUMBER_KIND_COUNT);
    if (k > 0 && one_in(r, 4))
      fill_related(x + first, c->wide[k - 1] + first, n, r);
    else
      fill_numbers(x + first, n, c->kinds[k][s], r);
  }
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < n; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static size_t width_of(const window_case *c) { return c->batch.type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double); }

static uint64_t hash_of(const window_case *c) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int32_t k = 0; k < c->batch.n_columns; k++)
    hash = hash_bytes(hash, c->columns[k], (size_t)c->batch.n_rows * width_of(c));
  return hash;
}

static void place_floats(float *to, double *wide, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    to[i] = (float)wide[i];
    wide[i] = (double)to[i];
  }
}

/* The column as it is given to the library, in memory that ends where it ends. */
static void place_column(window_case *c, int32_t k, rng *r) {
  const size_t width = width_of(c), skew = rng_below(r, 8) * width;
  unsigned char *block = memory_for(c->batch.n_rows * (int64_t)width + (int64_t)skew, 1);
  c->blocks[k] = block;
  c->columns[k] = block + skew;
  if (c->batch.type == TLW_TYPE_F32)
    place_floats((float *)(void *)(block + skew), c->wide[k], c->batch.n_rows);
  else
    memcpy(block + skew, c->wide[k], (size_t)c->batch.n_rows * width);
}

static void open_series(window_case *c, uint64_t seed, int64_t n_series) {
  memset(c, 0, sizeof *c);
  c->seed = seed;
  tlw_window_batch_init(&c->batch);
  c->batch.n_series = n_series;
  c->offsets = memory_for(n_series + 1, sizeof *c->offsets);
  c->origin = memory_for(n_series, sizeof *c->origin);
}

/* n_rows and offsets are set. */
static void fill_case(window_case *c, rng *r) {
  const int64_t n_series = c->batch.n_series;
  c->batch.columns = c->columns;
  c->batch.n_columns = 2 + (int32_t)rng_below(r, WINDOW_CASE_COLUMNS - 1);
  c->batch.type = one_in(r, 4) ? TLW_TYPE_F32 : TLW_TYPE_F64;
  c->batch.offsets = c->offsets;
  if (!one_in(r, 4)) c->batch.origin = c->origin;
  for (int64_t s = 0; s < n_series; s++) c->origin[s] = random_origin(r);
  for (int32_t k = 0; k < c->batch.n_columns; k++) {
    c->wide[k] = memory_for(c->batch.n_rows, sizeof(double));
    c->kinds[k] = memory_for(n_series, sizeof *c->kinds[k]);
    fill_column(c, k, r);
  }
  for (int32_t k = 0; k < c->batch.n_columns; k++) place_column(c, k, r);
  c->hash = hash_of(c);
}

void window_case_open(window_case *c, uint64_t seed, int64_t n_series, int64_t most) {
  rng r = {seed};
  open_series(c, seed, n_series);
  int64_t end = one_in(&r, 2) ? 0 : (int64_t)rng_below(&r, 10);
  c->offsets[0] = end;
  for (int64_t s = 0; s < n_series; s++) c->offsets[s + 1] = end += random_length(&r, most);
  c->batch.n_rows = end + (one_in(&r, 2) ? 0 : (int64_t)rng_below(&r, 10));
  fill_case(c, &r);
}

void window_case_open_one(window_case *c, uint64_t seed, int64_t n) {
  rng r = {seed};
  open_series(c, seed, 1);
  c->batch.n_rows = n;
  c->offsets[0] = 0;
  c->offsets[1] = n;
  fill_case(c, &r);
  c->batch.offsets = NULL;
}

void window_case_replace(window_case *c, const double *x) {
  rng r = {c->seed};
  for (int32_t k = 0; k < c->batch.n_columns; k++) {
    memcpy(c->wide[k], x, (size_t)c->batch.n_rows * sizeof *x);
    free(c->blocks[k]);
    place_column(c, k, &r);
  }
  c->hash = hash_of(c);
}

void window_case_close(window_case *c) {
  for (int32_t k = 0; k < WINDOW_CASE_COLUMNS; k++) {
    free(c->wide[k]);
    free(c->kinds[k]);
    free(c->blocks[k]);
  }
  free(c->offsets);
  free(c->origin);
  free(c->specs);
  memset(c, 0, sizeof *c);
}

void window_case_add(window_case *c, tlw_window_spec spec, rng *r) {
  spec.column = (int32_t)rng_below(r, (uint64_t)c->batch.n_columns);
  if (tlw_window_describe(spec.op)->inputs == 2) spec.other = (int32_t)rng_below(r, (uint64_t)c->batch.n_columns);
  tlw_window_spec *specs = realloc(c->specs, (size_t)(c->n_specs + 1) * sizeof *specs);
  if (specs == NULL) abort();
  specs[c->n_specs++] = spec;
  c->specs = specs;
}

void window_case_add_all(window_case *c, int64_t window, int64_t round) {
  rng r = {c->seed ^ UINT64_C(0x5bd1e995)};
  for (int op = 0; op < TLW_WINDOW_OPS; op++) {
    tlw_window_spec spec;
    const int64_t turn = round + op + window + window / window_variants((tlw_window_op)op);
    if (window_variant(&spec, (tlw_window_op)op, window, turn)) window_case_add(c, spec, &r);
  }
}

bool window_case_unharmed(const window_case *c) { return hash_of(c) == c->hash; }

/* ---- outputs ---- */

#define GUARD 40

/* A NaN that is not the one of results. */
static uint64_t poison_at(const poisoned *p, int64_t word) {
  return (((uint64_t)word + p->seed) * UINT64_C(0x9E3779B97F4A7C15)) | UINT64_C(0x7ff4000000000001);
}

void poisoned_open(poisoned *p, int64_t n, uint64_t seed) {
  *p = (poisoned){.n = n, .front = GUARD + (int64_t)(seed % 8), .size = n + 2 * GUARD + 8, .seed = seed};
  p->block = memory_for(p->size, sizeof *p->block);
  for (int64_t i = 0; i < p->size; i++) p->block[i] = from_bits(poison_at(p, i));
  p->rows = p->block + p->front;
}

void poisoned_close(poisoned *p) {
  free(p->block);
  memset(p, 0, sizeof *p);
}

bool poisoned_is(const poisoned *p, int64_t i) { return bits_of(p->rows[i]) == poison_at(p, p->front + i); }

bool poisoned_intact(const poisoned *p, int64_t from, int64_t to) {
  for (int64_t i = -p->front; i < p->size - p->front; i++) {
    if ((i >= from && i < to) || poisoned_is(p, i)) continue;
    printf("row %lld of an output of %lld rows, of which %lld to %lld are of series, was overwritten with 0x%016llx\n",
           (long long)i, (long long)p->n, (long long)from, (long long)to - 1, (unsigned long long)bits_of(p->rows[i]));
    return false;
  }
  return true;
}
