#include "extras.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/io/zone.h"

static bool one_in(rng *r, uint64_t n) { return rng_below(r, n) == 0; }

/* ---- texts ---- */

static size_t put_utf8(char *out, uint32_t c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (char)(leads[n] | c >> (6 * (n - 1)));
  for (size_t i = 1; i < n; i++) out[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
  return n;
}

/* A character that text of a kind has; 0 is none. */
static uint32_t character(uint64_t kind, rng *r) {
  static const uint32_t odd[] = {0x20ac, 0x20bf, 0x394,  0x2026, 0x2014, 0x2212, 0xfffd, 0x4e2d, 0x1f600, 0x10ffff,
                                 0x3000, 0x200b, 0x2007, 0xfeff, 0xa0,   0x2030, 0x7f,   0x1,    0xd7ff,  0xe000};
  switch (kind) {
  case 0:
    return 0x20 + (uint32_t)rng_below(r, 95);
  case 1:
    return one_in(r, 4) ? 0x20 : 0x61 + (uint32_t)rng_below(r, 26);
  case 2:
    return 0xa1 + (uint32_t)rng_below(r, 0x180 - 0xa1);
  case 3: /* letters with marks */
    return one_in(r, 2) ? 0x300 + (uint32_t)rng_below(r, 0x30) : 0x41 + (uint32_t)rng_below(r, 58);
  case 4:
    return odd[rng_below(r, sizeof odd / sizeof *odd)];
  default:
    return one_in(r, 3) ? 0x20 : odd[rng_below(r, sizeof odd / sizeof *odd)];
  }
}

void random_text(char out[TLW_TEXT_MOST + 1], rng *r) {
  static const size_t sizes[] = {0, 1, 6, 12, 30, 200, TLW_TEXT_MOST};
  const size_t size = (size_t)rng_below(r, sizes[rng_below(r, sizeof sizes / sizeof *sizes)] + 1);
  const uint64_t kind = rng_below(r, 7);
  size_t n = 0;
  while (n < size) {
    char bytes[4] = {(char)(1 + rng_below(r, 255))};
    const size_t more = kind == 6 ? 1 : put_utf8(bytes, character(kind, r));
    if (n + more > size) break;
    memcpy(out + n, bytes, more);
    n += more;
  }
  out[n] = '\0';
  if (n > 0 && one_in(r, 8)) out[rng_below(r, n)] = (char)(0x80 | rng_below(r, 0x80)); /* breaks a sequence */
}

/* ---- zones ---- */

const tlw_zone *random_zone(rng *r) {
  static const int64_t always[] = {INT64_MIN};
  static const int32_t india[] = {19800}, newfoundland[] = {-12600}, far[] = {-90000};
  static const int64_t europe[] = {INT64_MIN, 1711846800, 1729990800, 1743296400, 1761440400};
  static const int32_t berlin[] = {3600, 7200, 3600, 7200, 3600};
  static const int64_t america[] = {INT64_MIN, 1710054000, 1730613600, 1741503600, 1762063200};
  static const int32_t new_york[] = {-18000, -14400, -18000, -14400, -18000};
  static const int64_t island[] = {INT64_MIN, 0, 1325239200, 1700000000};
  static const int32_t samoa[] = {-41400, -36000, 50400, 46800};
  static const tlw_zone zones[] = {
      {.begins = always, .offsets = india, .count = 1},     {.begins = always, .offsets = newfoundland, .count = 1},
      {.begins = always, .offsets = far, .count = 1},       {.begins = europe, .offsets = berlin, .count = 5},
      {.begins = america, .offsets = new_york, .count = 5}, {.begins = island, .offsets = samoa, .count = 4},
  };
  const uint64_t i = rng_below(r, sizeof zones / sizeof *zones + 2);
  return i < sizeof zones / sizeof *zones ? &zones[i] : NULL;
}

/* ---- lines ---- */

static int32_t random_count(rng *r) {
  static const int32_t many[] = {62, 63, 125, 126, TLW_LINES_MOST};
  if (one_in(r, 40)) return many[rng_below(r, sizeof many / sizeof *many)];
  return one_in(r, 2) ? 0 : rng_between(r, 1, one_in(r, 3) ? 9 : 3);
}

static char *copy_text(const char *text) {
  char *const copy = strdup(text);
  if (copy == NULL) abort();
  return copy;
}

static tlw_line *make_lines(int32_t n) {
  tlw_line *const lines = calloc((size_t)n, sizeof *lines);
  if (lines == NULL) abort();
  return lines;
}

static void random_lines(extras *e, tlw_chart_options *o, rng *r) {
  if (o->n_lines == 0 || one_in(r, 4)) return;
  e->lines = make_lines(o->n_lines);
  e->n_lines = o->n_lines;
  for (int32_t i = 0; i < o->n_lines; i++) {
    char name[TLW_TEXT_MOST + 1];
    e->lines[i].color = one_in(r, 2) ? TLW_COLOR_AUTO : (int32_t)rng_below(r, 0x1000000);
    if (one_in(r, 3)) continue;
    random_text(name, r);
    if (!one_in(r, 4)) name[rng_below(r, 16)] = '\0';
    e->lines[i].name = copy_text(name);
  }
  o->lines = e->lines;
}

void extras_open(extras *e, tlw_chart_options *o, columns *data, rng *r) {
  const char **const texts[4] = {&o->title, &o->price_name, &o->volume_name, &o->time_name};
  memset(e, 0, sizeof *e);
  for (int k = 0; k < 4; k++) {
    char text[TLW_TEXT_MOST + 1];
    random_text(text, r);
    if (one_in(r, 3)) continue;
    e->texts[k] = copy_text(text);
    *texts[k] = e->texts[k];
  }
  o->labels = !one_in(r, 8);
  o->last_price = !one_in(r, 4);
  o->zone = random_zone(r);
  o->n_lines = random_count(r);
  random_lines(e, o, r);
  columns_open_lines(data, o->n_lines);
}

void extras_copy(extras *e, tlw_chart_options *o) {
  const char **const texts[4] = {&o->title, &o->price_name, &o->volume_name, &o->time_name};
  memset(e, 0, sizeof *e);
  if (o->zone != NULL) {
    e->zone = malloc(sizeof *e->zone);
    if (e->zone == NULL) abort();
    *e->zone = *o->zone;
    o->zone = e->zone;
  }
  for (int k = 0; k < 4; k++)
    if (*texts[k] != NULL) *texts[k] = e->texts[k] = copy_text(*texts[k]);
  if (o->lines == NULL || o->n_lines == 0) return;
  e->lines = make_lines(o->n_lines);
  e->n_lines = o->n_lines;
  for (int32_t i = 0; i < o->n_lines; i++) {
    e->lines[i] = o->lines[i];
    if (o->lines[i].name != NULL) e->lines[i].name = copy_text(o->lines[i].name);
  }
  o->lines = e->lines;
}

static void spoil_text(const char *text) {
  char *const own = (char *)(uintptr_t)text;
  if (own != NULL) memset(own, '?', strlen(own));
  free(own);
}

void extras_spoil_texts(extras *e) {
  for (int k = 0; k < 4; k++) spoil_text(e->texts[k]);
  for (int32_t i = 0; i < e->n_lines; i++) spoil_text(e->lines[i].name);
  if (e->lines != NULL) memset(e->lines, 0x7F, (size_t)e->n_lines * sizeof *e->lines);
  free(e->lines);
  *e = (extras){.zone = e->zone};
}

void extras_close(extras *e) {
  extras_spoil_texts(e);
  if (e->zone != NULL) *e->zone = (tlw_zone){0};
  free(e->zone);
  e->zone = NULL;
}
