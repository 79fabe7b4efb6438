/*
 * What the CSV fast path does with the instructions of each CPU:
 *
 * tlw_plain_stops: which bytes of a block are the delimiter, a quote or a control character up to the carriage return
 * (a zero byte and the line feed are such), the first of them lowest.
 *
 * tlw_plain_digits: the number of a piece of up to TLW_PLAIN_DIGITS bytes, times 10^*places. Behind decimals a 0 is
 * added: 1.5 is 150 with two places. Sets *odd if the piece is longer or has others than digits and at most one
 * point.
 *
 * tlw_plain_prices: the numbers of four pieces, each to the nearest double. false: one of them is odd or begins with
 * no digit.
 *
 * Pieces longer than they may be are read no further than that. With TLW_PLAIN_PORTABLE none of a CPU's own is used.
 */
#ifndef TALLOW_IO_PLAIN_VECTOR_H
#define TALLOW_IO_PLAIN_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(TLW_PLAIN_PORTABLE)
#elif defined(__AVX2__)
#include <immintrin.h>
#elif defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#define TLW_PLAIN_PORTABLE
#endif

#define TLW_PLAIN_BLOCK 64
#define TLW_PLAIN_DIGITS 16

/* The text of a field. */
struct tlw_plain_piece {
  const char *end;
  size_t length;
};

static const double tlw_plain_powers[TLW_PLAIN_DIGITS + 1] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                                              1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

/*
 * How 16 bytes that end with a piece become a number, here and four at a time below: what is not of the piece is made
 * 0; the digits behind the point are moved into its place, so that with a point the last digit is a 0 that was added;
 * then neighbours are joined, to 8 numbers of 2 digits, 4 of 4 and 2 of 8.
 */
#if defined(TLW_PLAIN_PORTABLE)

static inline uint64_t tlw_plain_stops(const char *block, char delimiter) {
  uint64_t stops = 0;
  for (int i = 0; i < TLW_PLAIN_BLOCK; i++) {
    const bool stop = block[i] == delimiter || block[i] == '"' || (unsigned char)block[i] <= '\r';
    stops |= (uint64_t)stop << i;
  }
  return stops;
}

static inline uint64_t tlw_plain_digits(struct tlw_plain_piece piece, uint32_t *places, bool *odd) {
  uint64_t value = 0;
  size_t n_points = 0;
  *places = 0;
  const size_t length = piece.length <= TLW_PLAIN_DIGITS ? piece.length : 0;
  for (const char *at = piece.end - length; at < piece.end; at++) {
    const uint32_t digit = (uint32_t)(unsigned char)*at - '0';
    if (*at == '.') {
      n_points++;
      *places = (uint32_t)(piece.end - at);
    } else {
      *odd = *odd || digit > 9;
      value = value * 10 + digit;
    }
  }
  *odd = *odd || n_points > 1 || piece.length > length;
  return n_points > 0 ? value * 10 : value;
}

#else

/* 16 bytes from n on: the last n of them are set. */
static const uint8_t tlw_plain_last[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                           255,        255, 255, 255, 255, 255, 255, 255};

#if defined(__x86_64__)

static inline __m128i tlw_plain_load_16(const void *at) { return _mm_loadu_si128((const __m128i *)at); }

#if defined(__AVX512BW__)

static inline uint64_t tlw_plain_stops(const char *block, char delimiter) {
  const __m512i x = _mm512_loadu_si512(block);
  return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(delimiter)) | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"')) |
         _mm512_cmple_epu8_mask(x, _mm512_set1_epi8('\r'));
}

#elif defined(__AVX2__)

static inline uint64_t tlw_plain_stops(const char *block, char delimiter) {
  uint64_t stops = 0;
  for (int i = 0; i < TLW_PLAIN_BLOCK; i += 32) {
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(block + i));
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8('\r')), x);
    const __m256i other =
        _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(delimiter)), _mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')));
    stops |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(control, other)) << i;
  }
  return stops;
}

#else

static inline uint64_t tlw_plain_stops(const char *block, char delimiter) {
  uint64_t stops = 0;
  for (int i = 0; i < TLW_PLAIN_BLOCK; i += 16) {
    const __m128i x = tlw_plain_load_16(block + i);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8('\r')), x);
    const __m128i other =
        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(delimiter)), _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
    stops |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(control, other)) << i;
  }
  return stops;
}

#endif

static inline uint64_t tlw_plain_digits(struct tlw_plain_piece piece, uint32_t *places, bool *odd) {
  const size_t length = piece.length <= TLW_PLAIN_DIGITS ? piece.length : 0;
  const __m128i text = _mm_sub_epi8(tlw_plain_load_16(piece.end - 16), _mm_set1_epi8('0'));
  const __m128i digits = _mm_and_si128(text, tlw_plain_load_16(tlw_plain_last + length));
  const int points = _mm_movemask_epi8(_mm_cmpeq_epi8(digits, _mm_set1_epi8('.' - '0')));
  *places = 16 - (uint32_t)__builtin_ctz((unsigned)points | 0x10000);
  const __m128i behind = tlw_plain_load_16(tlw_plain_last + *places);
  const __m128i x = _mm_or_si128(_mm_andnot_si128(behind, digits), _mm_and_si128(behind, _mm_srli_si128(digits, 1)));
  const __m128i nine = _mm_set1_epi8(9);
  *odd = *odd || _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(x, nine), nine)) != 0xffff || piece.length > length;
#if defined(__SSSE3__)
  const __m128i twos = _mm_maddubs_epi16(x, _mm_set1_epi16(1 << 8 | 10));
#else
  const __m128i tens = _mm_mullo_epi16(_mm_and_si128(x, _mm_set1_epi16(255)), _mm_set1_epi16(10));
  const __m128i twos = _mm_add_epi16(tens, _mm_srli_epi16(x, 8));
#endif
  const __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(1 << 16 | 100));
  const __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10000));
  const uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
  return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

#else

static inline uint64_t tlw_plain_stops(const char *block, char delimiter) {
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t stops[4];
  for (int i = 0; i < 4; i++) {
    const uint8x16_t x = vld1q_u8((const uint8_t *)block + 16 * i);
    const uint8x16_t other = vorrq_u8(vceqq_u8(x, vdupq_n_u8((uint8_t)delimiter)), vceqq_u8(x, vdupq_n_u8('"')));
    stops[i] = vandq_u8(vorrq_u8(vcleq_u8(x, vdupq_n_u8('\r')), other), vld1q_u8(bits));
  }
  const uint8x16_t halves = vpaddq_u8(vpaddq_u8(stops[0], stops[1]), vpaddq_u8(stops[2], stops[3]));
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(halves, halves)), 0);
}

static inline uint64_t tlw_plain_digits(struct tlw_plain_piece piece, uint32_t *places, bool *odd) {
  static const uint8_t tens[16] = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1};
  static const uint16_t hundreds[8] = {100, 1, 100, 1, 100, 1, 100, 1};
  static const uint32_t ten_thousands[4] = {10000, 1, 10000, 1};
  const size_t length = piece.length <= TLW_PLAIN_DIGITS ? piece.length : 0;
  const uint8x16_t text = vsubq_u8(vld1q_u8((const uint8_t *)piece.end - 16), vdupq_n_u8('0'));
  const uint8x16_t digits = vandq_u8(text, vld1q_u8(tlw_plain_last + length));
  const uint8x16_t point = vceqq_u8(digits, vdupq_n_u8((uint8_t)('.' - '0')));
  /* four bits for each byte */
  const uint64_t points = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(point), 4)), 0);
  *places = points ? 16 - (uint32_t)__builtin_ctzll(points) / 4 : 0;
  const uint8x16_t behind = vld1q_u8(tlw_plain_last + *places);
  const uint8x16_t x = vbslq_u8(behind, vextq_u8(digits, vdupq_n_u8(0), 1), digits);
  *odd = *odd || vmaxvq_u8(x) > 9 || piece.length > length;
  const uint16x8_t twos = vpaddlq_u8(vmulq_u8(x, vld1q_u8(tens)));
  const uint32x4_t fours = vpaddlq_u16(vmulq_u16(twos, vld1q_u16(hundreds)));
  const uint64x2_t eights = vpaddlq_u32(vmulq_u32(fours, vld1q_u32(ten_thousands)));
  return vgetq_lane_u64(eights, 0) * 100000000 + vgetq_lane_u64(eights, 1);
}

#endif
#endif

/*
 * The number of a piece. false: as for tlw_plain_prices. It is rounded once: without decimals when it becomes a
 * double; with them it is even and below 2^54, so that it is one already, and the power of ten is one too.
 */
static inline bool tlw_plain_decimal(struct tlw_plain_piece piece, double *value) {
  uint32_t places;
  bool odd = false;
  const uint64_t digits = tlw_plain_digits(piece, &places, &odd);
  *value = (double)(int64_t)digits / tlw_plain_powers[places];
  return !odd && places < piece.length;
}

#if defined(__AVX512BW__) && !defined(TLW_PLAIN_PORTABLE)

/* The bits of a piece of 1 to 16 bytes among 16. */
static inline uint64_t tlw_plain_bits(struct tlw_plain_piece piece) {
  return UINT64_C(0xffff0000) >> (piece.length & 31) & 0xffff;
}

static inline bool tlw_plain_prices(const struct tlw_plain_piece pieces[4], double prices[4]) {
  /* By the place of the point, 1 to 16, plus 15, modulo 16. */
  static const double powers[16] = {1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8,
                                    1e7,  1e6,  1e5,  1e4,  1e3,  1e2,  1e1, 1e0};
  const uint64_t tops = UINT64_C(0x8000800080008000), ones = UINT64_C(0x0001000100010001);
  __m512i text = _mm512_castsi128_si512(tlw_plain_load_16(pieces[0].end - 16));
  text = _mm512_inserti32x4(text, tlw_plain_load_16(pieces[1].end - 16), 1);
  text = _mm512_inserti32x4(text, tlw_plain_load_16(pieces[2].end - 16), 2);
  text = _mm512_inserti32x4(text, tlw_plain_load_16(pieces[3].end - 16), 3);
  bool odd = false;
  for (int i = 0; i < 4; i++) odd = odd || pieces[i].length - 1 >= TLW_PLAIN_DIGITS;
  const uint64_t within = tlw_plain_bits(pieces[0]) | tlw_plain_bits(pieces[1]) << 16 |
                          tlw_plain_bits(pieces[2]) << 32 | tlw_plain_bits(pieces[3]) << 48;
  const __m512i digits = _mm512_maskz_sub_epi8(within, text, _mm512_set1_epi8('0'));
  const uint64_t points = _mm512_cmpeq_epi8_mask(digits, _mm512_set1_epi8('.' - '0'));
  const uint64_t begins = within & ~(within << 1 & ~ones);
  /* Of each 16 bits those from the lowest that is set, by a subtraction of 1 that borrows from no other 16. */
  const uint64_t behind = points | ~(((points | tops) - ones) ^ (~points & tops));
  const __m512i x = _mm512_mask_mov_epi8(digits, behind, _mm512_bsrli_epi128(digits, 1));
  odd = odd || _mm512_cmpgt_epu8_mask(x, _mm512_set1_epi8(9)) || (points & begins);
  const __m512i twos = _mm512_maddubs_epi16(x, _mm512_set1_epi16(1 << 8 | 10));
  const __m512i fours = _mm512_madd_epi16(twos, _mm512_set1_epi32(1 << 16 | 100));
  const __m512i eights = _mm512_madd_epi16(_mm512_packs_epi32(fours, fours), _mm512_set1_epi32(1 << 16 | 10000));
  const __m512i all =
      _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(eights, 32));
  const __m256i wholes =
      _mm512_castsi512_si256(_mm512_permutexvar_epi64(_mm512_set_epi64(0, 0, 0, 0, 6, 4, 2, 0), all));
  /* The place of the point is the exponent of its bit. */
  __m256i point =
      _mm256_or_si256(_mm256_cvtepu16_epi64(_mm_cvtsi64_si128((int64_t)points)), _mm256_set1_epi64x(1 << 16));
  point = _mm256_and_si256(point, _mm256_sub_epi64(_mm256_setzero_si256(), point));
  const __m256i place = _mm256_srli_epi64(_mm256_castpd_si256(_mm256_cvtepi64_pd(point)), 52);
  const __m512d power =
      _mm512_permutex2var_pd(_mm512_loadu_pd(powers), _mm512_castsi256_si512(place), _mm512_loadu_pd(powers + 8));
  _mm256_storeu_pd(prices, _mm256_div_pd(_mm256_cvtepi64_pd(wholes), _mm512_castpd512_pd256(power)));
  return !odd;
}

#else

static inline bool tlw_plain_prices(const struct tlw_plain_piece pieces[4], double prices[4]) {
  uint64_t digits[4];
  uint32_t places[4];
  bool odd = false;
  for (int i = 0; i < 4; i++) {
    digits[i] = tlw_plain_digits(pieces[i], &places[i], &odd);
    odd = odd || places[i] >= pieces[i].length;
  }
  for (int i = 0; i < 4; i++) prices[i] = (double)(int64_t)digits[i] / tlw_plain_powers[places[i]];
  return !odd;
}

#endif

#endif
