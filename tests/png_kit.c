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

/* Filtered bytes of a row, at any place among others that must stay, with the marks of all. */
typedef struct place {
  uint8_t bytes[2 * ROOM], expected[2 * ROOM];
  uint64_t marks[2 * ROOM / 64 + 1];
  size_t at;
  struct tlw_png_rows rows;
} place;

static void open_place(place *p, const kit *k, rng *r) {
  p->at = rng_below(r, ROOM - 1);
  for (size_t i = 0; i < sizeof p->bytes; i++) p->bytes[i] = rng_below(r, 2) ? (uint8_t)rng_next(r) : 0;
  memcpy(p->expected, p->bytes, sizeof p->bytes);
  memset(p->marks, 0, sizeof p->marks);
  for (size_t i = 0; i < sizeof p->bytes; i++) p->marks[i / 64] |= (uint64_t)(p->bytes[i] != 0) << i % 64;
  p->rows = (struct tlw_png_rows){p->bytes, p->marks, (uint32_t)k->size + 1, k->table, 1};
}

static bool is_as_expected(const place *p) {
  for (size_t i = 0; i < sizeof p->bytes; i++)
    if ((p->marks[i / 64] >> i % 64 & 1) != (p->expected[i] != 0)) return false;
  return memcmp(p->bytes, p->expected, sizeof p->bytes) == 0;
}

/* Rows that differ in some pixels, each from the one before. */
static bool changes(const struct tlw_png_tier *tier, const kit *k, rng *r) {
  uint8_t pixels[MOST_WIDTH], above[ROOM] = {0}, whole[ROOM] = {0}, packed[ROOM] = {0}, fresh[ROOM] = {0};
  struct tlw_png_row row = {(uint32_t)k->width, k->table, k->most, packed, fresh};
  place p;
  memcpy(pixels, k->pixels, k->width);
  for (int y = 0; y < 4; y++) {
    for (size_t x = 0; x < k->width && y > 0; x++)
      if (rng_below(r, 30) == 0) pixels[x] = (uint8_t)rng_below(r, (uint64_t)k->most + 1);
    open_place(&p, k, r);
    if (!tier->pack(whole, pixels, k->width, k->table, k->most) || !tier->change(&row, pixels, &p.rows, p.at))
      return false;
    for (size_t i = 0; i < k->size; i++) p.expected[p.at + i] = (uint8_t)(whole[i] - above[i]);
    if (!is_as_expected(&p) || memcmp(row.packed, whole, k->size) != 0) return false;
    memcpy(above, whole, sizeof above);
  }
  if (k->most == UINT8_MAX) return true;
  pixels[rng_below(r, k->width)] = (uint8_t)(k->most + 1);
  return !tier->change(&row, pixels, &p.rows, p.at);
}

/* Some units of a row against those of another. */
static bool revises(const struct tlw_png_tier *tier, const kit *k, rng *r) {
  uint8_t pixels[ROOM] = {0}, above[ROOM] = {0}, packed[ROOM] = {0}, packed_above[ROOM] = {0};
  const uint64_t units[2] = {rng_next(r), rng_next(r)};
  place p;
  memcpy(pixels, k->pixels, k->width);
  for (size_t x = 0; x < k->width; x++)
    above[x] = rng_below(r, 4) ? pixels[x] : (uint8_t)rng_below(r, (uint64_t)k->most + 1);
  if (!tier->pack(packed, pixels, k->width, k->table, k->most) ||
      !tier->pack(packed_above, above, k->width, k->table, k->most))
    return false;
  open_place(&p, k, r);
  tier->revise(&p.rows, p.at, k->size, pixels, above, units, 2);
  for (size_t i = 0; i < k->size; i++)
    if (units[0] >> i * 8 / k->depth / TLW_PNG_UNIT & 1) p.expected[p.at + i] = (uint8_t)(packed[i] - packed_above[i]);
  return is_as_expected(&p);
}

/* A group of blocks with what says of their bytes that they are not zero, or that runs begin there; and a byte around. */
struct group {
  uint8_t before[TLW_PNG_BLOCK], bytes[TLW_PNG_GROUP * TLW_PNG_BLOCK + 1];
  uint64_t marks[TLW_PNG_GROUP + 1], starts[TLW_PNG_GROUP + 1];
};

/* Whether byte i goes on with the run of the one before. */
static bool goes_on(const struct group *g, size_t i) {
  const uint8_t before = i == 0 ? g->before[TLW_PNG_BLOCK - 1] : g->bytes[i - 1];
  return g->bytes[i] != 0 && g->bytes[i] == before && !(g->starts[i / TLW_PNG_BLOCK] >> i % TLW_PNG_BLOCK & 1);
}

static bool must_repeat(const struct group *g, size_t block) {
  const size_t begin = block * TLW_PNG_BLOCK, end = begin + TLW_PNG_BLOCK;
  if (goes_on(g, begin) || goes_on(g, end)) return true;
  for (size_t i = begin; i + 3 <= end; i++)
    if (goes_on(g, i) && goes_on(g, i + 1) && goes_on(g, i + 2)) return true;
  return false;
}

static bool scans(const struct tlw_png_tier *tier, rng *r) {
  static struct group g;
  const uint64_t zeros = rng_below(r, 40), same = rng_below(r, 6);
  memset(&g, 0, sizeof g);
  g.before[TLW_PNG_BLOCK - 1] = (uint8_t)rng_below(r, 3);
  for (size_t i = 0; i < sizeof g.bytes; i++) {
    const uint8_t before = i == 0 ? g.before[TLW_PNG_BLOCK - 1] : g.bytes[i - 1];
    g.bytes[i] = rng_below(r, 1 + same) ? before : rng_below(r, 1 + zeros) ? 0 : (uint8_t)rng_below(r, 4);
    g.marks[i / TLW_PNG_BLOCK] |= (uint64_t)(g.bytes[i] != 0) << i % TLW_PNG_BLOCK;
    g.starts[i / TLW_PNG_BLOCK] |= (uint64_t)(rng_below(r, 100) == 0) << i % TLW_PNG_BLOCK;
  }
  struct tlw_png_scan scan;
  memset(&scan, 0xa5, sizeof scan);
  tier->scan(g.bytes, g.marks, g.starts, &scan);
  for (size_t i = 0; i < TLW_PNG_GROUP; i++) {
    const bool repeats = scan.repeating >> i & 1;
    if ((scan.busy >> i & 1) != (g.marks[i] != 0) || repeats != must_repeat(&g, i)) return false;
    for (size_t k = i * TLW_PNG_BLOCK; k < (i + 1) * TLW_PNG_BLOCK && repeats; k++) {
      const bool edge = g.bytes[k] != (k == 0 ? g.before[TLW_PNG_BLOCK - 1] : g.bytes[k - 1]);
      const bool start = g.starts[i] >> k % TLW_PNG_BLOCK & 1;
      if ((scan.edges[i] >> k % TLW_PNG_BLOCK & 1) != (edge || start)) return false;
    }
  }
  return true;
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
  return packs(tier, &k) && filters(tier, &k, &r) && changes(tier, &k, &r) && revises(tier, &k, &r) &&
         scans(tier, &r) && refuses(tier, &k, &r);
}
