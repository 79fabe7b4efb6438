/*
 * What decides the bits of averages that remember and of running totals, as include/tallow/window.h defines them: pairs
 * and their join. Rows are in groups of TLK_SCAN_GROUP, blocks and stretches, counted from the row where the scan begins.
 */
#ifndef TLK_CORE_SCAN_H
#define TLK_CORE_SCAN_H

#include "window.h"

#define TLK_SCAN_GROUP 8
#define TLK_SCAN_BLOCK 256
#define TLK_SCAN_STRETCH 65536

/* a of a product is below this only if it is taken as 0. */
#define TLK_SCAN_LEAST 0x1p-900

typedef struct {
  tlk_real a, v; /* a counts for TLK_SCAN_LINEAR alone */
} tlk_pair;

/* The pair that joining, as the earlier one, changes nothing with; also that of a row that is skipped. */
TLK_FN tlk_pair tlk_scan_empty(tlk_i32 kind) {
  tlk_pair pair;
  pair.a = tlk_splat(1.0);
  pair.v = tlk_splat(kind == TLK_SCAN_LINEAR    ? 0.0
                     : kind == TLK_SCAN_PRODUCT ? 1.0
                     : kind == TLK_SCAN_MIN     ? TLK_INFINITY
                                                : -TLK_INFINITY);
  return pair;
}

TLK_FN tlk_pair tlk_scan_join(tlk_i32 kind, tlk_pair earlier, tlk_pair later) {
  if (kind == TLK_SCAN_LINEAR) {
    const tlk_real a = later.a * earlier.a;
    later.v = later.v + later.a * earlier.v;
    later.a = tlk_pick(a < tlk_splat(TLK_SCAN_LEAST), tlk_splat(0.0), a);
  } else if (kind == TLK_SCAN_PRODUCT) {
    later.v = earlier.v * later.v;
  } else if (kind == TLK_SCAN_MIN) {
    later.v = tlk_lesser(earlier.v, later.v);
  } else {
    later.v = tlk_greater(earlier.v, later.v);
  }
  return later;
}

/* A row's result before min_periods: itself within its block, U of its stretch, the value carried into the stretch. */
TLK_FN tlk_real tlk_scan_value(tlk_i32 kind, tlk_pair row, tlk_pair u, tlk_real c) {
  tlk_pair carried;
  carried.a = tlk_splat(1.0);
  carried.v = c;
  carried = tlk_scan_join(kind, carried, u);
  return tlk_scan_join(kind, carried, row).v;
}

/* The canonical result, of a numerator and, where the operation adjusts, of what x = 1 gives. */
TLK_FN tlk_real tlk_scan_result(tlk_i32 kind, tlk_i32 adjust, tlk_real value, tlk_real ones) {
  const tlk_real x = adjust ? value / ones : value;
  return tlk_one_nan(kind == TLK_SCAN_MIN || kind == TLK_SCAN_MAX ? x + 0.0 : x);
}

#endif
