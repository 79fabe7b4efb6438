/* The loops of one tier: compiled once per tier, with TLW_PNG_TIER and TLW_TIER_NAME naming the result. */
#include "kernels/core/png.h"
#include "png_vector.h"

/* Pixels are read as one number, the leftmost in the lowest byte. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pixels are packed by little-endian words"
#endif

/*
 * Whether no pixel is above most. Eight at a time where most leaves the highest bit free: bytes below 128 plus 127 -
 * most reach that bit where they are above most, and never go beyond it.
 */
static bool is_valid(const uint8_t *pixels, size_t width, uint8_t most) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t beyond = 0;
  uint8_t greatest = 0;
  for (; most < 128 && width >= sizeof(uint64_t); width -= sizeof(uint64_t), pixels += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, pixels, sizeof word);
    beyond |= word | (word + (UINT64_C(127) - most) * ones);
  }
  for (size_t x = 0; x < width; x++) greatest = pixels[x] > greatest ? pixels[x] : greatest;
  return greatest <= most && !(beyond & ones << 7);
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

/* Puts what packed bytes have more than those above in their places. */
static inline void put_differences(const struct tlw_png_rows *rows, size_t at, const uint8_t *packed,
                                   const uint8_t *above, size_t size) {
  for (size_t i = 0; i < size; i += TLW_PNG_BLOCK) {
    const uint32_t n = (uint32_t)(size - i < TLW_PNG_BLOCK ? size - i : TLW_PNG_BLOCK);
    tlw_png_rows_mark(rows, at + i, tlw_png_subtract(rows->bytes + at + i, packed + i, above + i, n), n);
  }
}

static bool change(struct tlw_png_row *row, const uint8_t *pixels, const struct tlw_png_rows *rows, size_t at) {
  uint8_t *fresh = row->fresh;
  const size_t size = (((size_t)row->width << row->table) + 7) / 8;
  if (!pack(fresh, pixels, row->width, row->table, row->most)) return false;
  put_differences(rows, at, fresh, row->packed, size);
  row->fresh = row->packed;
  row->packed = fresh;
  return true;
}

static inline void pack_unit(uint8_t *packed, const uint8_t *pixels, uint32_t table) {
  tlw_png_most unused = tlw_png_most_none();
  if (table > 0)
    tlw_png_pack_unit(packed, pixels, table, &unused);
  else
    pack_8(packed, pixels, TLW_PNG_UNIT / 8);
}

static inline __attribute__((always_inline)) void revise_any(const struct tlw_png_rows *rows, size_t at, size_t size,
                                                             const uint8_t *pixels, const uint8_t *above,
                                                             const uint64_t *units, size_t n_words, uint32_t table) {
  const size_t unit_size = (size_t)8 << table;
  for (size_t word = 0; word < n_words; word++)
    for (uint64_t rest = units[word]; rest; rest &= rest - 1) {
      const size_t unit = word * 64 + (size_t)__builtin_ctzll(rest), i = unit * unit_size;
      uint8_t packed[TLW_PNG_UNIT], packed_above[TLW_PNG_UNIT];
      if (i >= size) return;
      pack_unit(packed, pixels + unit * TLW_PNG_UNIT, table);
      pack_unit(packed_above, above + unit * TLW_PNG_UNIT, table);
      put_differences(rows, at + i, packed, packed_above, size - i < unit_size ? size - i : unit_size);
    }
}

/* Once for each depth. */
static void revise(const struct tlw_png_rows *rows, size_t at, size_t size, const uint8_t *pixels, const uint8_t *above,
                   const uint64_t *units, size_t n_words) {
  switch (rows->table) {
  case 0:
    revise_any(rows, at, size, pixels, above, units, n_words, 0);
    return;
  case 1:
    revise_any(rows, at, size, pixels, above, units, n_words, 1);
    return;
  case 2:
    revise_any(rows, at, size, pixels, above, units, n_words, 2);
    return;
  default:
    revise_any(rows, at, size, pixels, above, units, n_words, 3);
  }
}

/* Of which blocks four bytes in a row are not zero, or the last and the first of the next. */
static inline uint64_t may_repeat(const uint64_t *marks) {
  uint64_t found[TLW_PNG_GROUP];
  for (uint32_t i = 0; i < TLW_PNG_GROUP; i++) {
    const uint64_t pairs = marks[i] & marks[i] >> 1;
    found[i] = (pairs & pairs >> 2) | (marks[i] >> 63 & marks[i + 1]);
  }
  return tlw_png_busy(found);
}

static void scan(const uint8_t *bytes, const uint64_t *marks, const uint64_t *starts, struct tlw_png_scan *scan) {
  scan->busy = tlw_png_busy(marks);
  scan->repeating = scan->busy & (uint64_t)(bytes[-1] == bytes[0]) & marks[0] & ~starts[0];
  if (scan->busy == 0) return;
  for (uint64_t rest = may_repeat(marks) | scan->repeating; rest; rest &= rest - 1) {
    const uint32_t i = (uint32_t)__builtin_ctzll(rest);
    const uint8_t *next = bytes + (i + 1) * TLW_PNG_BLOCK;
    const uint64_t edges = tlw_png_edges(bytes + i * TLW_PNG_BLOCK) | starts[i], same = marks[i] & ~edges;
    const uint64_t goes_on = tlw_png_goes_on(marks[i], &marks[i + 1], &starts[i + 1], next);
    const uint64_t repeats = (same & same >> 1 & same >> 2) != 0;
    scan->edges[i] = edges;
    scan->repeating |= (repeats | goes_on) << i | goes_on << i << 1;
    rest |= goes_on << i << 1;
  }
}

extern const struct tlw_png_tier TLW_PNG_TIER;
const struct tlw_png_tier TLW_PNG_TIER = {TLW_TIER_NAME, pack, change, revise, filter, scan};
