/*
 * What the fast path of trade files does with the instructions of each CPU:
 *
 * tlw_trade_marks: which bytes of a block are stops (the delimiter or a line feed), line feeds, and such that no plain
 * line has (a quote or a zero byte), the first of them lowest.
 *
 * tlw_trade_group: the numbers of TLW_TRADE_GROUP fields that have one form, 16 bytes of each at once. Where a CPU has
 * no instructions for it there is none.
 *
 * With TLW_PLAIN_PORTABLE none of a CPU's own is used.
 */
#ifndef TALLOW_IO_TRADES_PLAIN_VECTOR_H
#define TALLOW_IO_TRADES_PLAIN_VECTOR_H

#include <string.h>

#include "plain_vector.h"

struct tlw_trade_marks {
  uint64_t stops, feeds, odd;
};

#if defined(TLW_PLAIN_PORTABLE)

static inline struct tlw_trade_marks tlw_trade_marks(const char *block, char delimiter) {
  struct tlw_trade_marks marks = {0, 0, 0};
  for (int i = 0; i < TLW_PLAIN_BLOCK; i++) {
    const uint64_t feed = block[i] == '\n';
    marks.feeds |= feed << i;
    marks.stops |= (feed | (block[i] == delimiter)) << i;
    marks.odd |= (uint64_t)(block[i] == '"' || block[i] == 0) << i;
  }
  return marks;
}

#elif defined(__AVX512BW__)

static inline struct tlw_trade_marks tlw_trade_marks(const char *block, char delimiter) {
  const __m512i x = _mm512_loadu_si512(block);
  const uint64_t feeds = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
  return (struct tlw_trade_marks){feeds | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(delimiter)), feeds,
                                  _mm512_testn_epi8_mask(x, x) | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"'))};
}

#elif defined(__AVX2__)

static inline struct tlw_trade_marks tlw_trade_marks(const char *block, char delimiter) {
  struct tlw_trade_marks marks = {0, 0, 0};
  for (int i = 0; i < TLW_PLAIN_BLOCK; i += 32) {
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(block + i));
    const __m256i feed = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\n'));
    const __m256i stop = _mm256_or_si256(feed, _mm256_cmpeq_epi8(x, _mm256_set1_epi8(delimiter)));
    const __m256i odd =
        _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_setzero_si256()), _mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')));
    marks.feeds |= (uint64_t)(uint32_t)_mm256_movemask_epi8(feed) << i;
    marks.stops |= (uint64_t)(uint32_t)_mm256_movemask_epi8(stop) << i;
    marks.odd |= (uint64_t)(uint32_t)_mm256_movemask_epi8(odd) << i;
  }
  return marks;
}

#elif defined(__x86_64__)

static inline struct tlw_trade_marks tlw_trade_marks(const char *block, char delimiter) {
  struct tlw_trade_marks marks = {0, 0, 0};
  for (int i = 0; i < TLW_PLAIN_BLOCK; i += 16) {
    const __m128i x = tlw_plain_load_16(block + i);
    const __m128i feed = _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'));
    const __m128i stop = _mm_or_si128(feed, _mm_cmpeq_epi8(x, _mm_set1_epi8(delimiter)));
    const __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_setzero_si128()), _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
    marks.feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(feed) << i;
    marks.stops |= (uint64_t)(uint32_t)_mm_movemask_epi8(stop) << i;
    marks.odd |= (uint64_t)(uint32_t)_mm_movemask_epi8(odd) << i;
  }
  return marks;
}

#else

/* A bit for each byte of 64 that is set. */
static inline uint64_t tlw_trade_bits(const uint8x16_t set[4]) {
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t parts[4];
  for (int i = 0; i < 4; i++) parts[i] = vandq_u8(set[i], vld1q_u8(bits));
  const uint8x16_t halves = vpaddq_u8(vpaddq_u8(parts[0], parts[1]), vpaddq_u8(parts[2], parts[3]));
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(halves, halves)), 0);
}

static inline struct tlw_trade_marks tlw_trade_marks(const char *block, char delimiter) {
  uint8x16_t stops[4], feeds[4], odd[4];
  for (int i = 0; i < 4; i++) {
    const uint8x16_t x = vld1q_u8((const uint8_t *)block + 16 * i);
    feeds[i] = vceqq_u8(x, vdupq_n_u8('\n'));
    stops[i] = vorrq_u8(feeds[i], vceqq_u8(x, vdupq_n_u8((uint8_t)delimiter)));
    odd[i] = vorrq_u8(vceqq_u8(x, vdupq_n_u8(0)), vceqq_u8(x, vdupq_n_u8('"')));
  }
  return (struct tlw_trade_marks){tlw_trade_bits(stops), tlw_trade_bits(feeds), tlw_trade_bits(odd)};
}

#endif

/* Fields of a column: the places behind the stops before each, and those behind the stops that end them. */
struct tlw_trade_strip {
  const char *text;       /* places count from here */
  const uint16_t *behind; /* of the first field; the one that ends it is next to it */
  size_t stride;          /* from a field to the same one of the next row */
  size_t cut;             /* bytes between the end of a field and its stop */
};

#if defined(__AVX2__) && !defined(TLW_PLAIN_PORTABLE)

#define TLW_TRADE_WHOLE (-1) /* in place of a number of decimals */

/*
 * Numbers with one number of decimals. Of the 16 bytes that end with such a field, digits come to the places where
 * there are 8 decimals, or, of whole numbers, stay.
 */
struct tlw_trade_form {
  bool is_usable;
  __m128i control; /* where each digit comes from */
  __m128i left;    /* bytes that do not come along: they must be zeros */
  uint32_t point;  /* the bit of the point; 0: there must be none */
};

/* places: decimals, or TLW_TRADE_WHOLE. */
static inline struct tlw_trade_form tlw_trade_form(int places) {
  static const uint8_t whole[17] = {128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  static const uint8_t decimals[16] = {8, 9, 10, 11, 12, 13, 14, 15, 128, 128, 128, 128, 128, 128, 128, 128};
  static const uint8_t is_left[32] = {255, 255, 255, 255, 255, 255, 255, 255};
  struct tlw_trade_form form = {places <= 8, tlw_plain_load_16(whole + 1), _mm_setzero_si128(), 0};
  if (places == TLW_TRADE_WHOLE || places > 8) return form;
  uint64_t halves[2];
  memcpy(&halves[0], whole + (places > 0 ? 8 - places : 9), 8);
  memcpy(&halves[1], decimals + 8 - places, 8);
  form.control = tlw_plain_load_16(halves);
  form.left = tlw_plain_load_16(is_left + (places == 0 ? 0 : places < 7 ? places + 1 : 8));
  form.point = places > 0 ? 1u << (15 - places) : 0;
  return form;
}

/* The place behind a field's stop, and the length of the field. */
static inline uint32_t tlw_trade_measure(const struct tlw_trade_strip *strip, size_t row, uint32_t *length) {
  uint32_t pair;
  memcpy(&pair, strip->behind + row * strip->stride, sizeof pair);
  const uint32_t end = pair >> 16;
  *length = end - (pair & 0xffff) - 1 - (uint32_t)strip->cut;
  return end;
}

#if defined(__AVX512BW__)

#define TLW_TRADE_GROUP 8

/* The digits of every other field of eight, from the first or second on, four by four. Adds to *odd and *over. */
static inline __m512i tlw_trade_four(const struct tlw_trade_strip *strip, const struct tlw_trade_form *form,
                                     size_t first, uint64_t *odd, uint32_t *over) {
  const char *const text = strip->text - 1 - strip->cut - 16;
  uint32_t lengths[4], ends[4];
  for (size_t i = 0; i < 4; i++) ends[i] = tlw_trade_measure(strip, first + 2 * i, &lengths[i]);
  __m512i x = _mm512_castsi128_si512(tlw_plain_load_16(text + ends[0]));
  x = _mm512_inserti32x4(x, tlw_plain_load_16(text + ends[1]), 1);
  x = _mm512_inserti32x4(x, tlw_plain_load_16(text + ends[2]), 2);
  x = _mm512_inserti32x4(x, tlw_plain_load_16(text + ends[3]), 3);
  uint64_t within = 0;
  for (int i = 0; i < 4; i++) {
    *over |= lengths[i] - 1;
    within |= (uint64_t)(uint16_t)(0xffff0000u >> (lengths[i] & 31)) << 16 * i;
  }
  x = _mm512_maskz_sub_epi8(within, x, _mm512_set1_epi8('0'));
  const uint64_t points = form->point * UINT64_C(0x0001000100010001);
  *odd |= _mm512_mask_cmpneq_epi8_mask(points, x, _mm512_set1_epi8('.' - '0'));
  *odd |= _mm512_test_epi8_mask(x, _mm512_broadcast_i32x4(form->left));
  x = _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(form->control));
  *odd |= _mm512_cmpgt_epu8_mask(x, _mm512_set1_epi8(9));
  return _mm512_madd_epi16(_mm512_maddubs_epi16(x, _mm512_set1_epi16(1 << 8 | 10)), _mm512_set1_epi32(1 << 16 | 100));
}

/* The numbers of fields that have the form. false: one has not. */
static inline bool tlw_trade_group(const struct tlw_trade_strip *strip, const struct tlw_trade_form *form,
                                   int64_t *out) {
  uint64_t odd = 0;
  uint32_t over = 0;
  const __m512i even_rows = tlw_trade_four(strip, form, 0, &odd, &over);
  const __m512i odd_rows = tlw_trade_four(strip, form, 1, &odd, &over);
  const __m512i eights = _mm512_madd_epi16(_mm512_packs_epi32(even_rows, odd_rows), _mm512_set1_epi32(1 << 16 | 10000));
  _mm512_storeu_si512(
      out, _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(eights, 32)));
  return odd == 0 && over < 16;
}

#else

#define TLW_TRADE_GROUP 4

/* Of every other field of four, from the first or second on. */
static inline __m256i tlw_trade_two(const struct tlw_trade_strip *strip, const struct tlw_trade_form *form,
                                    size_t first, __m256i *odd, uint32_t *over) {
  static const uint8_t last[48] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                   255,        255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                   255,        255, 255, 255, 255, 255, 255, 255, 255, 255};
  const char *const text = strip->text - 1 - strip->cut - 16;
  uint32_t lengths[2], ends[2];
  for (size_t i = 0; i < 2; i++) {
    ends[i] = tlw_trade_measure(strip, first + 2 * i, &lengths[i]);
    *over |= lengths[i] - 1;
  }
  const __m256i raw = _mm256_set_m128i(tlw_plain_load_16(text + ends[1]), tlw_plain_load_16(text + ends[0]));
  const __m256i within =
      _mm256_set_m128i(tlw_plain_load_16(last + (lengths[1] & 31)), tlw_plain_load_16(last + (lengths[0] & 31)));
  __m256i x = _mm256_and_si256(_mm256_sub_epi8(raw, _mm256_set1_epi8('0')), within);
  const uint32_t points = form->point * 0x00010001u;
  const uint32_t found = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('.' - '0')));
  *over |= (points & ~found) ? 16 : 0;
  *odd = _mm256_or_si256(*odd, _mm256_and_si256(x, _mm256_broadcastsi128_si256(form->left)));
  x = _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(form->control));
  *odd = _mm256_or_si256(*odd, _mm256_subs_epu8(x, _mm256_set1_epi8(9)));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(x, _mm256_set1_epi16(1 << 8 | 10)), _mm256_set1_epi32(1 << 16 | 100));
}

static inline bool tlw_trade_group(const struct tlw_trade_strip *strip, const struct tlw_trade_form *form,
                                   int64_t *out) {
  __m256i odd = _mm256_setzero_si256();
  uint32_t over = 0;
  const __m256i even_rows = tlw_trade_two(strip, form, 0, &odd, &over);
  const __m256i odd_rows = tlw_trade_two(strip, form, 1, &odd, &over);
  const __m256i eights = _mm256_madd_epi16(_mm256_packs_epi32(even_rows, odd_rows), _mm256_set1_epi32(1 << 16 | 10000));
  _mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi64(_mm256_mul_epu32(eights, _mm256_set1_epi64x(100000000)),
                                                               _mm256_srli_epi64(eights, 32)));
  return _mm256_testz_si256(odd, odd) && over < 16;
}

#endif
#endif

#endif
