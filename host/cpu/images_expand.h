/*
 * Words of bits to numbers: first to strips, in which a byte is 8 rows of a column, then to rows. Compiled once per
 * tier.
 */
#ifndef TALLOW_CPU_IMAGES_EXPAND_H
#define TALLOW_CPU_IMAGES_EXPAND_H

#include "images_vector.h"
#include "kernels/core/jkx.h"

#define STRIP_ROWS 8
#define STRIPS_MAX (TLK_JKX_HEIGHT_MAX / STRIP_ROWS)

/* Columns of a strip at most, which are numbers of a row: all channels where those of a pixel follow each other. */
#define STRIP_MAX 576

/* Register i of eight, for the columns of so many words as a vector has bytes. */
INLINE bytes load_words(const uint64_t *words, int32_t i) {
  bytes v;
#if TLK_LANES == 4
  v = (bytes)_mm256_loadu2_m128i((const __m128i *)(const void *)(words + 2 * i + 16),
                                 (const __m128i *)(const void *)(words + 2 * i));
#else
  memcpy(&v, words + i * TLK_LANES, sizeof v);
#endif
  return v;
}

/* Puts bytes of a strip in the order of their columns. */
INLINE bytes settle(bytes strip) {
#if TLK_LANES == 8
  static const uint16_t order[32] = {0, 8,  16, 24, 1, 9,  17, 25, 2, 10, 18, 26, 3, 11, 19, 27,
                                     4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31};
  return (bytes)_mm512_permutexvar_epi16(_mm512_loadu_si512(order), (__m512i)strip);
#else
  return strip;
#endif
}

/* Byte b of so many words as a vector has bytes goes to target + b * STRIP_MAX, for the first `count` bytes. */
INLINE void turn_words(const uint64_t *words, int32_t count, uint8_t *target) {
  bytes x[8], y[8];
  for (int32_t i = 0; i < 8; i++) x[i] = load_words(words, i);
  for (int32_t step = 0; step < 4; step++) {
    for (int32_t i = 0; i < 4; i++) {
      y[2 * i] = zip_low(x[i], x[i + 4]);
      y[2 * i + 1] = zip_high(x[i], x[i + 4]);
    }
    memcpy(x, y, sizeof x);
  }
  for (int32_t i = 0; i < count; i++) {
    const bytes strip = settle(x[i]);
    memcpy(target + i * STRIP_MAX, &strip, sizeof strip);
  }
}

/* ---- numbers ---- */

/* For rows that are shorter than half a vector may be. */
#define FEW 16
typedef uint8_t few_bytes __attribute__((vector_size(FEW)));

#define FLOATS (BYTES / 4)
typedef uint32_t floats __attribute__((vector_size(BYTES)));
typedef uint8_t float_bytes __attribute__((vector_size(FLOATS)));

#define ONE_AS_FLOAT 0x3f800000u

/* Where bytes have this bit. */
INLINE bytes bytes_with(bytes strip, uint8_t bit) {
#if TLK_LANES == 8
  return (bytes)_mm512_movm_epi8(_mm512_test_epi8_mask((__m512i)strip, _mm512_set1_epi8((char)bit)));
#else
  return (bytes)((strip & bit) == bit);
#endif
}

INLINE few_bytes few_with(few_bytes strip, uint8_t bit) { return (few_bytes)((strip & bit) == bit); }

INLINE floats floats_with(floats strip, uint32_t bit) {
#if TLK_LANES == 8
  return (floats)_mm512_maskz_set1_epi32(_mm512_test_epi32_mask((__m512i)strip, _mm512_set1_epi32((int)bit)),
                                         ONE_AS_FLOAT);
#else
  return (floats)((strip & bit) == bit) & ONE_AS_FLOAT;
#endif
}

/* What the numbers of an image are, and how they lie. */
struct tlw_images_form {
  int32_t row, rows; /* numbers of a row, rows */
  int32_t planes;    /* that are alike, one behind the other */
  bool is_float;
};

/* Numbers that are made at a time. */
INLINE int32_t numbers_at_once(const struct tlw_images_form *form) {
  if (form->is_float) return FLOATS;
  return form->row < BYTES / 2 ? FEW : BYTES;
}

/* A row's numbers from here on, in each plane, `size` bytes of a vector. */
INLINE void put(const struct tlw_images_form *form, uint8_t *target, const void *vector, size_t size) {
  const size_t plane = (size_t)form->row * (size_t)form->rows * (form->is_float ? 4 : 1);
  for (int32_t i = 0; i < form->planes; i++) memcpy(target + (size_t)i * plane, vector, size);
}

/*
 * Numbers of 8 rows, target being the first of the upper one. Vectors go beyond the end of a row, into what is put
 * later; but not beyond the last row of a plane, which is_last says is one of these.
 */
INLINE void put_group(const struct tlw_images_form *form, const uint8_t *strip, int32_t group, bool is_last,
                      uint8_t *target) {
  const int32_t at = numbers_at_once(form), left = form->row - group * at;
  const size_t size = form->is_float ? 4 : 1, whole = (size_t)at * size, rest = left < at ? (size_t)left * size : whole;
  uint8_t *place = target + (size_t)group * whole;
  bytes wide = {0};
  few_bytes few = {0};
  floats wider = {0};
  if (form->is_float) {
    float_bytes narrow;
    memcpy(&narrow, strip + group * at, sizeof narrow);
    wider = __builtin_convertvector(narrow, floats);
  } else if (at == FEW) {
    memcpy(&few, strip + group * at, sizeof few);
  } else {
    memcpy(&wide, strip + group * at, sizeof wide);
  }
  for (int32_t i = 0; i < STRIP_ROWS; i++, place += (size_t)form->row * size) {
    const uint8_t bit = (uint8_t)(0x80 >> i);
    const size_t n = is_last && i == STRIP_ROWS - 1 ? rest : whole;
    if (form->is_float) {
      const floats ink = floats_with(wider, bit);
      put(form, place, &ink, n);
    } else if (at == FEW) {
      const few_bytes ink = few_with(few, bit);
      put(form, place, &ink, n);
    } else {
      const bytes ink = bytes_with(wide, bit);
      put(form, place, &ink, n);
    }
  }
}

/* Strips, the lowest first, as numbers. From the last numbers of a row to the first, so that none are lost. */
INLINE void expand(const struct tlw_images_form *form, const uint8_t *strips, uint8_t *target) {
  const int32_t at = numbers_at_once(form), groups = (form->row + at - 1) / at;
  const size_t height = (size_t)form->row * STRIP_ROWS * (form->is_float ? 4 : 1);
  for (int32_t i = form->rows / STRIP_ROWS - 1; i > 0; i--, target += height)
    for (int32_t group = groups - 1; group >= 0; group--) put_group(form, strips + i * STRIP_MAX, group, false, target);
  put_group(form, strips, groups - 1, true, target);
  for (int32_t group = groups - 2; group >= 0; group--) put_group(form, strips, group, false, target);
}

#endif
