/* Windows for JKX images as tests give them to the library: series made to harm, in any form, and the images due. */
#ifndef TALLOW_TESTS_JKX_CASES_H
#define TALLOW_TESTS_JKX_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "jkx_oracle.h"
#include "packing.h"
#include "series.h"
#include "tallow/images.h"

#define JKX_CASE_SERIES 6
#define JKX_CASE_WINDOWS 48

typedef struct jkx_case {
  uint64_t seed;
  tlw_image_options options;
  tlw_image_shape shape; /* as the rules have it */
  columns data;
  packing how;
  packed packed;
  tlw_candles candles;
  int64_t offsets[JKX_CASE_SERIES + 1], counts[JKX_CASE_SERIES];
  const char *prices[JKX_CASE_SERIES], *volumes[JKX_CASE_SERIES];
  int64_t n_windows;
  tlw_image_window windows[JKX_CASE_WINDOWS];
  bool wants_reasons;
} jkx_case;

/* What came up in all cases of a test. */
typedef struct jkx_tally {
  int64_t reasons[TLW_IMAGE_REASONS];
  jkx_oracle_seen seen;
} jkx_tally;

/* A random case of n bars. Aborts where there is no memory. */
void jkx_case_open(jkx_case *c, uint64_t seed, int64_t n);
void jkx_case_close(jkx_case *c);
/* In one line; window: -1 or one of them, which gets a line of its own. */
void jkx_case_print(const char *target, const jkx_case *c, int64_t window);

/* Sets options and shape for n bars. */
void jkx_case_options(tlw_image_options *options, tlw_image_shape *shape, int64_t n, tlw_image_type type,
                      tlw_image_order order, tlw_image_color color);

/* Prices on whole numbers from 0 to twice the rows, volumes likewise: many lie right between two rows. */
void jkx_fill_halves(columns *data, int64_t first, int64_t n_rows, int64_t n, rng *r);

/* Memory for images, poisoned: every byte that is not written shows, and so does one that is written around them. */
typedef struct jkx_images {
  uint8_t *block, *images;
  size_t size, front, back;
} jkx_images;

void jkx_images_open(jkx_images *m, size_t size, size_t front, size_t back);
void jkx_images_close(jkx_images *m);
/* Prints what was written around them. */
bool jkx_images_intact(const jkx_images *m);

/*
 * Whether images, and reasons unless NULL, are those of n windows; else prints which is not. tally: is added to, or
 * NULL.
 */
bool jkx_images_right(const char *target, const jkx_case *c, const uint8_t *images, const uint8_t *reasons,
                      jkx_tally *tally);

#endif
