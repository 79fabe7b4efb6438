#include "time_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text_oracle.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* Steps: of years, of months, of days, and periods; weights: a year, a month, a day, and periods. */
#define STEPS 48
#define WEIGHTS 33
#define CANDIDATES_MOST 384

#define FIRST_YEAR_SECONDS (-INT64_C(9214560000)) /* 1678 */
#define END_YEAR_SECONDS INT64_C(9214646400)      /* 2262 */

typedef enum context { SHORT, WITH_DAY, WITH_YEAR } context;

static const int64_t periods[] = {12 * HOUR,  6 * HOUR, 3 * HOUR,    HOUR,        30 * MINUTE, 15 * MINUTE,
                                  5 * MINUTE, MINUTE,   30 * SECOND, 15 * SECOND, 5 * SECOND,  SECOND};
static const int32_t fractions[] = {500, 100, 50, 10, 5, 1};

static int64_t period_of(int32_t i) {
  if (i < 12) return periods[i];
  return fractions[(i - 12) % 6] * (i < 18 ? 1000000 : i < 24 ? 1000 : 1);
}

static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* ---- moments ---- */

/* A local time, and its calendar. */
typedef struct moment {
  int64_t local;
  struct tm tm;
} moment;

static moment moment_of(int64_t local) {
  const time_t seconds = floor_of(local, SECOND);
  moment m = {.local = local};
  if (gmtime_r(&seconds, &m.tm) == NULL) abort();
  return m;
}

static int64_t local_of(const times_question *q, int32_t i) {
  if (q->zone == NULL) return q->times[i];
  const int64_t seconds = floor_of(q->times[i], SECOND);
  int32_t k = q->zone->count - 1;
  while (q->zone->begins[k] > seconds) k--;
  return q->times[i] + q->zone->offsets[k] * SECOND;
}

/* ---- steps ---- */

static int64_t month_number(const moment *m, int32_t n) { return ((m->tm.tm_year + 1900) * 12 + m->tm.tm_mon) / n; }

static int64_t day_number(const moment *m, int32_t n) {
  if (n == 1) return floor_of(m->local, DAY);
  const int32_t part = (m->tm.tm_mday - 1) / n, last = 31 / n - 1;
  return month_number(m, 1) * 20 + (part < last ? part : last);
}

/* Which one of all its times a step had last. */
static int64_t step_number(int32_t step, const moment *m) {
  static const int32_t counts[] = {100, 50, 20, 10, 5, 2, 1, 6, 3, 2, 1, 15, 10, 7, 5, 3, 2, 1};
  if (step < 7) return month_number(m, 12 * counts[step]);
  if (step < 11) return month_number(m, counts[step]);
  if (step < 18) return day_number(m, counts[step]);
  return floor_of(m->local, period_of(step - 18));
}

static int32_t step_of_weight(int32_t weight) {
  return weight == 0 ? 6 : weight == 1 ? 10 : weight == 2 ? 17 : weight - 3 + 18;
}

/* Whether a time of the step lies behind the first moment and not behind the second. */
static bool is_crossed(int32_t step, const moment *before, const moment *at) {
  return at->local > before->local && step_number(step, at) > step_number(step, before);
}

/* ---- labels ---- */

typedef struct seen {
  moment at, before; /* L and M */
  bool counts, placed;
  times_label label;
} seen;

static void say(char out[64], int32_t weight, const moment *m, context how) {
  const int64_t rest = m->local - floor_of(m->local, SECOND) * SECOND, period = weight > 2 ? period_of(weight - 3) : 0;
  char date[32] = "", clock[16] = "", fraction[16] = "";
  const char *form = weight == 0 ? "%Y" : weight == 1 ? "%b" : weight == 2 ? "%-d" : "";
  if (how == WITH_DAY && weight > 1) form = "%-d %b";
  if (how == WITH_YEAR && weight > 0) form = weight == 1 ? "%b %Y" : "%-d %b %Y";
  strftime(date, sizeof date, form, &m->tm);
  if (weight > 2) {
    if (period >= SECOND || how != SHORT)
      strftime(clock, sizeof clock, period >= MINUTE ? "%H:%M" : "%H:%M:%S", &m->tm);
    char nine[16];
    snprintf(nine, sizeof nine, ".%09d", (int)rest);
    if (period < SECOND)
      snprintf(fraction, sizeof fraction, "%.*s", period >= 1000000 ? 4 : period >= 1000 ? 7 : 10, nine);
  }
  snprintf(out, 64, "%s%s%s%s", date, *date && (*clock || *fraction) ? " " : "", clock, fraction);
}

static void measure(const times_question *q, seen *s, context how) {
  times_label *const label = &s->label;
  const int64_t unit = label->weight > 2 ? period_of(label->weight - 3) : DAY;
  const moment boundary = moment_of(floor_of(s->at.local, unit) * unit);
  say(label->text, label->weight, q->shared[label->candle] ? &boundary : &s->at, how);
  label->width = text_width(q->font, label->text, strlen(label->text));
  label->left = label->x - label->width / 2;
  s->counts = label->left >= -q->room_left && label->left + label->width <= q->plot_width + q->room_right;
}

static bool are_near(const times_label *a, const times_label *b, int32_t gap) {
  return a->left < b->left + b->width + gap && b->left < a->left + a->width + gap;
}

static bool is_free(const seen *all, int32_t n, int32_t i, int32_t gap) {
  for (int32_t k = 0; k < n; k++)
    if (k != i && all[k].placed && are_near(&all[k].label, &all[i].label, gap)) return false;
  return true;
}

static int32_t place(seen *all, int32_t n, int32_t gap) {
  int32_t placed = 0;
  for (int32_t weight = 0; weight < WEIGHTS; weight++) {
    for (int32_t i = 0; i < n; i++) {
      if (all[i].label.weight != weight || !all[i].counts || !is_free(all, n, i, gap)) continue;
      all[i].placed = true;
      placed++;
    }
  }
  return placed;
}

/* Whether each that counts and was not placed is too near to a heavier one that was. */
static bool all_give_way(const seen *all, int32_t n, int32_t gap) {
  for (int32_t i = 0; i < n; i++) {
    bool gives_way = all[i].placed || !all[i].counts;
    for (int32_t k = 0; k < n; k++)
      if (all[k].placed && all[k].label.weight < all[i].label.weight && are_near(&all[k].label, &all[i].label, gap))
        gives_way = true;
    if (!gives_way) return false;
  }
  return true;
}

static bool have_times(const times_question *q) {
  if (q->times == NULL || q->n == 0) return false;
  for (int32_t i = 0; i < q->n; i++) {
    if (i > 0 && q->times[i] < q->times[i - 1]) return false;
    const int64_t seconds = floor_of(q->times[i], SECOND);
    if (seconds < FIRST_YEAR_SECONDS || seconds >= END_YEAR_SECONDS) return false;
  }
  return true;
}

static seen look(const times_question *q, int32_t i, const moment *before) {
  seen s = {.at = moment_of(local_of(q, i)), .before = *before};
  s.label = (times_label){.candle = i, .x = q->columns[i], .weight = -1};
  for (int32_t w = 0; w < WEIGHTS && s.label.weight < 0; w++)
    if (is_crossed(step_of_weight(w), before, &s.at)) s.label.weight = w;
  return s;
}

static seen *look_at_all(const times_question *q) {
  seen *const candles = calloc((size_t)q->n, sizeof *candles);
  if (candles == NULL) abort();
  moment before = moment_of(local_of(q, 0));
  for (int32_t i = 1; i < q->n; i++) {
    candles[i] = look(q, i, &before);
    if (candles[i].at.local > before.local) before = candles[i].at;
  }
  return candles;
}

static int32_t most_candidates(const times_question *q) {
  static const int32_t advances[] = {6, 7, 10, 12, 18};
  int32_t size = 0;
  while (tlw_font((enum tlw_font_size)size) != q->font) size++;
  const int32_t most = 3 * ((q->room_left + q->plot_width + q->room_right) / (advances[size] + q->gap) + 1) / 2;
  return most < CANDIDATES_MOST ? most : CANDIDATES_MOST;
}

/* The labels of the finest step that fits, at `best`. */
static int32_t choose(const times_question *q, const seen *candles, seen *best, int32_t room) {
  seen *const chosen = calloc(CANDIDATES_MOST, sizeof *chosen);
  if (chosen == NULL) abort();
  const int32_t most = most_candidates(q);
  int32_t n_best = 0;
  for (int32_t step = 0; step < STEPS; step++) {
    int32_t n = 0, counting = 0;
    for (int32_t i = 1; i < q->n && n <= most; i++) {
      if (candles[i].label.weight < 0 || !is_crossed(step, &candles[i].before, &candles[i].at)) continue;
      if (n++ == most) continue;
      chosen[n - 1] = candles[i];
      measure(q, &chosen[n - 1], SHORT);
      counting += chosen[n - 1].counts;
    }
    if (n > most) break;
    const int32_t placed = place(chosen, n, q->gap);
    if (placed == 0 || placed > room || 3 * placed < 2 * counting || !all_give_way(chosen, n, q->gap)) continue;
    n_best = 0;
    for (int32_t i = 0; i < n; i++)
      if (chosen[i].placed) best[n_best++] = chosen[i];
  }
  free(chosen);
  return n_best;
}

static void add_context(const times_question *q, seen *labels, int32_t n) {
  for (context how = WITH_YEAR; how > SHORT; how--) {
    for (int32_t i = 0; i < n && labels[i].label.weight != 0; i++) {
      measure(q, &labels[i], how);
      if (labels[i].counts && is_free(labels, n, i, q->gap / 4)) return;
      measure(q, &labels[i], SHORT);
    }
  }
}

/* The one label of a chart that has no other. */
static int32_t label_middle(const times_question *q, times_label *label) {
  int32_t i = 0;
  while (i < q->n - 1 && q->columns[i] < q->plot_width / 2) i++;
  seen s = {.at = moment_of(local_of(q, i)), .label = {.candle = i, .x = q->columns[i], .weight = 2}};
  for (int64_t period = DAY; s.at.local % period != 0; period = period_of(s.label.weight - 3)) s.label.weight++;
  measure(q, &s, WITH_YEAR);
  *label = s.label;
  return s.counts;
}

int32_t times_oracle(const times_question *q, times_label *labels, int32_t room) {
  if (room < 1 || !have_times(q)) return 0;
  seen *const candles = look_at_all(q), *const best = calloc(CANDIDATES_MOST, sizeof *best);
  if (best == NULL) abort();
  const int32_t n = choose(q, candles, best, room);
  add_context(q, best, n);
  for (int32_t i = 0; i < n; i++) labels[i] = best[i].label;
  free(candles);
  free(best);
  return n > 0 ? n : label_middle(q, labels);
}
