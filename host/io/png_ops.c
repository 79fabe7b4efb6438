/* The loops of one tier: compiled once per tier, with TLW_PNG_TIER and TLW_TIER_NAME naming the result. */
#include "kernels/core/png.h"
#include "png_vector.h"

/* Pixels are read as one number, the leftmost in the lowest byte. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pixels are packed by little-endian words"
#endif

static bool is_valid(const uint8_t *pixels, size_t width, uint8_t most) {
  uint8_t greatest = 0;
  for (size_t x = 0; x < width; x++) greatest = pixels[x] > greatest ? pixels[x] : greatest;
  return greatest <= most;
}

static void pack_8(uint8_t *restrict packed, const uint8_t *restrict pixels, size_t size) {
  for (size_t i = 0; i < size; i++) {
    uint64_t word;
    memcpy(&word, pixels + 8 * i, sizeof word);
    packed[i] = (uint8_t)tlk_png_pack_8(word);
  }
}

static void pack_4(uint8_t *restrict packed, const uint8_t *restrict pixels, size_t size) {
  for (size_t i = 0; i < size; i++) {
    uint32_t word;
    memcpy(&word, pixels + 4 * i, sizeof word);
    packed[i] = (uint8_t)tlk_png_pack_4(word);
  }
}

static void pack_2(uint8_t *restrict packed, const uint8_t *restrict pixels, size_t size) {
  for (size_t i = 0; i < size; i++) {
    uint16_t word;
    memcpy(&word, pixels + 2 * i, sizeof word);
    packed[i] = (uint8_t)tlk_png_pack_2(word);
  }
}

static void pack_whole(uint8_t *packed, const uint8_t *pixels, size_t size, uint32_t table) {
  if (table == 0)
    pack_8(packed, pixels, size);
  else if (table == 1)
    pack_4(packed, pixels, size);
  else if (table == 2)
    pack_2(packed, pixels, size);
  else
    memcpy(packed, pixels, size);
}

static bool pack(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most) {
  const size_t in_byte = (size_t)8 >> table;
  uint8_t greatest, rest[8] = {0};
  const size_t done = tlw_png_pack_vectors(packed, pixels, width, table, &greatest);
  if (greatest > most || !is_valid(pixels + done, width - done, most)) return false;
  packed += done / in_byte;
  pixels += done;
  width -= done;
  const size_t size = width / in_byte, whole = size * in_byte;
  pack_whole(packed, pixels, size, table);
  if (whole == width) return true;
  memcpy(rest, pixels + whole, width - whole);
  pack_whole(packed + size, rest, 1, table);
  return true;
}

static void filter(uint8_t *filtered, uint64_t *edges, const uint8_t *packed, const uint8_t *above, size_t size) {
  tlw_png_last last = tlw_png_last_of(TLK_PNG_FILTER);
  for (size_t at = 0; at < size; at += TLW_PNG_BLOCK)
    edges[at / TLW_PNG_BLOCK] = tlw_png_filter_block(filtered + at, packed + at, above + at, &last);
  const size_t beyond = size % TLW_PNG_BLOCK;
  if (beyond > 0) edges[size / TLW_PNG_BLOCK] &= (UINT64_C(1) << beyond) - 1;
}

extern const struct tlw_png_tier TLW_PNG_TIER;
const struct tlw_png_tier TLW_PNG_TIER = {TLW_TIER_NAME, pack, filter};
