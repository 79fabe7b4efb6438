/* Compiled once for each TLK_LANES. */
#include "math_lanes.h"

#include <string.h>

#include "kernels/core/math.h"

#define JOINED(name, lanes) name##lanes
#define NAME(name, lanes) JOINED(name, lanes)

void NAME(ln_by_, TLK_LANES)(const double *x, double *y, size_t n) {
  for (size_t i = 0; i < n; i += TLK_LANES) {
    tlk_real lanes;
    memcpy(&lanes, x + i, sizeof lanes);
    lanes = tlk_ln(lanes);
    memcpy(y + i, &lanes, sizeof lanes);
  }
}
