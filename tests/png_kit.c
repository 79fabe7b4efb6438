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

static bool refuses(const struct tlw_png_tier *tier, kit *k, rng *r) {
  if (k->most == UINT8_MAX) return true;
  k->pixels[rng_below(r, k->width)] = (uint8_t)(k->most + 1 + rng_below(r, (uint64_t)UINT8_MAX - k->most));
  return !tier->pack(k->packed, k->pixels, k->width, k->table, k->most);
}

bool png_tier_agrees(const struct tlw_png_tier *tier, uint64_t seed) {
  rng r = {seed};
  kit k;
  fill(&k, &r);
  return packs(tier, &k) && filters(tier, &k, &r) && refuses(tier, &k, &r);
}
