#include "png_kit.h"

#include <string.h>

#include "series.h"

#define MOST_WIDTH 600
#define ROOM (MOST_WIDTH + 2 * TLW_PNG_BLOCK)

/* A row and what comes of it. */
typedef struct kit {
  size_t width, size;
  uint32_t table, depth;
  uint8_t most, pixels[MOST_WIDTH], above[ROOM], packed[ROOM], filtered[ROOM];
  uint64_t edges[ROOM / TLW_PNG_BLOCK];
} kit;

static void fill(kit *k, rng *r) {
  memset(k, 0, sizeof *k);
  k->table = (uint32_t)rng_below(r, 4);
  k->depth = 1u << k->table;
  k->width = 1 + rng_below(r, MOST_WIDTH);
  k->size = (k->width * k->depth + 7) / 8;
  k->most = (uint8_t)rng_below(r, UINT64_C(1) << k->depth);
  for (size_t x = 0; x < k->width; x++) k->pixels[x] = (uint8_t)rng_below(r, (uint64_t)k->most + 1);
}

static bool packs(const struct tlw_png_tier *tier, kit *k) {
  uint8_t expected[MOST_WIDTH] = {0};
  const uint32_t depth = k->depth;
  for (size_t x = 0; x < k->width; x++)
    expected[x * depth / 8] |= (uint8_t)(k->pixels[x] << (8 - depth - x * depth % 8));
  return tier->pack(k->packed, k->pixels, k->width, k->table, k->most) && memcmp(k->packed, expected, k->size) == 0;
}

static bool filters(const struct tlw_png_tier *tier, kit *k, rng *r) {
  for (size_t i = 0; i < k->size; i++) k->above[i] = rng_below(r, 5) ? k->packed[i] : (uint8_t)rng_next(r);
  memset(k->edges, 0xff, sizeof k->edges);
  tier->filter(k->filtered, k->edges, k->packed, k->above, k->size);
  for (size_t i = 0; i < k->size; i++) {
    const uint8_t before = i > 0 ? k->filtered[i - 1] : 2; /* the filter's byte */
    if (k->filtered[i] != (uint8_t)(k->packed[i] - k->above[i])) return false;
    if ((k->edges[i / TLW_PNG_BLOCK] >> i % TLW_PNG_BLOCK & 1) != (k->filtered[i] != before)) return false;
  }
  const size_t beyond = k->size % TLW_PNG_BLOCK;
  return beyond == 0 || k->edges[k->size / TLW_PNG_BLOCK] >> beyond == 0;
}

/* Rows of which some units change, held against packing and filtering all of them. */
static bool changes(const struct tlw_png_tier *tier, const kit *k, rng *r) {
  uint8_t pixels[MOST_WIDTH], above[ROOM] = {0}, whole[ROOM] = {0}, packed[ROOM] = {0}, fresh[ROOM] = {0};
  uint8_t expected[ROOM], filtered[ROOM];
  uint64_t edges[ROOM / TLW_PNG_BLOCK], found[ROOM / TLW_PNG_BLOCK + 1];
  uint16_t blocks[ROOM / TLW_PNG_BLOCK + 1];
  const size_t words = (k->size + TLW_PNG_BLOCK - 1) / TLW_PNG_BLOCK;
  struct tlw_png_row row = {(uint32_t)k->width, k->table, k->most, packed, fresh, filtered, found, blocks, 0};
  memcpy(pixels, k->pixels, k->width);
  for (int y = 0; y < 6; y++) {
    uint64_t changed[TLW_PNG_CHANGES] = {y == 0 ? UINT64_MAX : rng_next(r) & rng_next(r)};
    uint8_t given[MOST_WIDTH];
    for (size_t x = 0; x < k->width; x++) {
      const bool is_changed = changed[0] >> x / TLW_PNG_UNIT & 1;
      if (y > 0 && is_changed && rng_below(r, 9) == 0) pixels[x] = (uint8_t)rng_below(r, (uint64_t)k->most + 1);
      given[x] = is_changed ? pixels[x] : UINT8_MAX; /* which is not looked at */
    }
    if (!tier->pack(whole, pixels, k->width, k->table, k->most) || !tier->change(&row, given, changed)) return false;
    tier->filter(expected, edges, whole, above, k->size);
    if (memcmp(filtered, expected, k->size) != 0 || memcmp(packed, whole, k->size) != 0) return false;
    uint32_t n = 0;
    for (size_t i = 0; i < words; i++) {
      if (edges[i] == 0) continue;
      if (n == row.n_edges || blocks[n] != i || found[n] != edges[i]) return false;
      n++;
    }
    if (n != row.n_edges) return false;
    memcpy(above, whole, sizeof above);
  }
  if (k->most == UINT8_MAX) return true;
  const uint64_t all[TLW_PNG_CHANGES] = {UINT64_MAX};
  pixels[rng_below(r, k->width)] = (uint8_t)(k->most + 1);
  return !tier->change(&row, pixels, all);
}

static bool refuses(const struct tlw_png_tier *tier, kit *k, rng *r) {
  if (k->most == UINT8_MAX) return true;
  k->pixels[rng_below(r, k->width)] = (uint8_t)(k->most + 1 + rng_below(r, (uint64_t)UINT8_MAX - k->most));
  return !tier->pack(k->packed, k->pixels, k->width, k->table, k->most);
}

bool png_tier_agrees(const struct tlw_png_tier *tier, uint64_t seed) {
  rng r = {seed};
  kit k;
  fill(&k, &r);
  return packs(tier, &k) && filters(tier, &k, &r) && changes(tier, &k, &r) && refuses(tier, &k, &r);
}
