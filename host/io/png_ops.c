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

/* Pixels to whole bytes, the last with zeros behind them. */
static bool pack_plainly(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most) {
  const size_t in_byte = (size_t)8 >> table, size = width / in_byte, whole = size * in_byte;
  uint8_t rest[8] = {0};
  if (!is_valid(pixels, width, most)) return false;
  pack_whole(packed, pixels, size, table);
  if (whole == width) return true;
  memcpy(rest, pixels + whole, width - whole);
  pack_whole(packed + size, rest, 1, table);
  return true;
}

static bool pack(uint8_t *packed, const uint8_t *pixels, size_t width, uint32_t table, uint8_t most) {
  tlw_png_most greatest = tlw_png_most_none();
  for (; table > 0 && width >= TLW_PNG_UNIT; width -= TLW_PNG_UNIT) {
    tlw_png_pack_unit(packed, pixels, table, &greatest);
    packed += (size_t)8 << table;
    pixels += TLW_PNG_UNIT;
  }
  return !tlw_png_exceeds(greatest, most) && pack_plainly(packed, pixels, width, table, most);
}

static void filter(uint8_t *filtered, uint64_t *edges, const uint8_t *packed, const uint8_t *above, size_t size) {
  tlw_png_last last = tlw_png_last_of(TLK_PNG_FILTER);
  for (size_t at = 0; at < size; at += TLW_PNG_BLOCK)
    edges[at / TLW_PNG_BLOCK] = tlw_png_filter_block(filtered + at, packed + at, above + at, &last);
  const size_t beyond = size % TLW_PNG_BLOCK;
  if (beyond > 0) edges[size / TLW_PNG_BLOCK] &= (UINT64_C(1) << beyond) - 1;
}

/* Packs the units of a row that changed; false: a pixel is greater than limit. */
static inline bool pack_changed(uint8_t *fresh, const uint8_t *pixels, const uint64_t *changed, uint32_t width,
                                uint32_t table, uint8_t limit) {
  tlw_png_most most = tlw_png_most_none();
  for (uint32_t from = 0; from < width; from += 64 * TLW_PNG_UNIT)
    for (uint64_t units = *changed++; units; units &= units - 1) {
      const uint32_t x = from + (uint32_t)__builtin_ctzll(units) * TLW_PNG_UNIT;
      if (x >= width) break;
      const uint8_t *unit = pixels + x;
      uint8_t padded[TLW_PNG_UNIT] = {0};
      if (width - x < TLW_PNG_UNIT) unit = memcpy(padded, unit, width - x);
      if (table > 0)
        tlw_png_pack_unit(fresh + (x >> (3 - table)), unit, table, &most);
      else if (!pack_plainly(fresh + (x >> 3), unit, TLW_PNG_UNIT, table, limit))
        return false;
    }
  return !tlw_png_exceeds(most, limit);
}

/* One bit, the lowest, for all units of a block of which one is set. */
static inline uint64_t in_blocks(uint64_t units, uint32_t table) {
  if (table == 3) return units;
  units |= units >> 1;
  if (table == 2) return units & UINT64_C(0x5555555555555555);
  units |= units >> 2;
  if (table == 1) return units & UINT64_C(0x1111111111111111);
  return (units | units >> 4) & UINT64_C(0x0101010101010101);
}

static inline void add_edges(struct tlw_png_row *row, uint32_t block, uint64_t edges) {
  row->edges[row->n_edges] = edges;
  row->blocks[row->n_edges] = (uint16_t)block;
  row->n_edges += edges != 0;
}

static inline bool change_any(struct tlw_png_row *row, const uint8_t *pixels, const uint64_t *changed, uint32_t table) {
  const uint32_t in_byte = 8u >> table, in_block = TLW_PNG_BLOCK * in_byte;
  const uint32_t size = (row->width + in_byte - 1) / in_byte, blocks = (size + TLW_PNG_BLOCK - 1) / TLW_PNG_BLOCK;
  if (!pack_changed(row->fresh, pixels, changed, row->width, table, row->most)) return false;
  tlw_png_last last = tlw_png_last_of(TLK_PNG_FILTER);
  uint32_t next = 0; /* the block that `last` is before */
  memset(row->filtered, 0, (size_t)blocks * TLW_PNG_BLOCK);
  row->n_edges = 0;
  for (uint32_t from = 0; from < row->width; from += 64 * TLW_PNG_UNIT)
    for (uint64_t units = in_blocks(*changed++, table); units; units &= units - 1) {
      const uint32_t block = (from + (uint32_t)__builtin_ctzll(units) * TLW_PNG_UNIT) / in_block;
      const size_t at = (size_t)block * TLW_PNG_BLOCK;
      if (block >= blocks) break;
      if (block != next) {
        add_edges(row, next, tlw_png_byte_of(last) != 0);
        last = tlw_png_last_of(0);
      }
      uint64_t edges = tlw_png_filter_block(row->filtered + at, row->fresh + at, row->packed + at, &last);
      if (size - at < TLW_PNG_BLOCK) edges &= (UINT64_C(1) << (size - at)) - 1;
      add_edges(row, block, edges);
      memcpy(row->packed + at, row->fresh + at, TLW_PNG_BLOCK);
      next = block + 1;
    }
  if (next < blocks) add_edges(row, next, tlw_png_byte_of(last) != 0);
  return true;
}

/* Once for each depth. */
static bool change(struct tlw_png_row *row, const uint8_t *pixels, const uint64_t *changed) {
  switch (row->table) {
  case 0:
    return change_any(row, pixels, changed, 0);
  case 1:
    return change_any(row, pixels, changed, 1);
  case 2:
    return change_any(row, pixels, changed, 2);
  default:
    return change_any(row, pixels, changed, 3);
  }
}

extern const struct tlw_png_tier TLW_PNG_TIER;
const struct tlw_png_tier TLW_PNG_TIER = {TLW_TIER_NAME, pack, change, filter};
