/* Which SIMD instructions the tiers of the library may use. */
#ifndef TALLOW_BASE_SIMD_H
#define TALLOW_BASE_SIMD_H

#include "tallow/status.h"

/* What the loops are compiled for. Every CPU of the architecture has the first. */
enum tlw_simd { TLW_SIMD_BASELINE, TLW_SIMD_AVX2, TLW_SIMD_AVX512 };

/* The best that this CPU has, or what TALLOW_CPU_TIER names. TLW_ERR_UNAVAILABLE: it lacks that, or there is none. */
tlw_status tlw_simd_choose(enum tlw_simd *simd, tlw_error *error);

#endif
