#include "search.h"

#include <math.h>
#include <string.h>

#define GRID_STEP 4.0
#define GRID_MOST 12 /* steps over the whole range */
#define STEP_LEAST 1.3
#define EXTRAS_COST 12 /* calls as of the usual shape that finding out takes, about */
#define TAIL 2         /* points beyond the greatest size */
#define TAIL_STEP 16.0
#define MOST (TLW_COST_POINTS - TAIL)
#define CLIMBS 3 /* of these, for sizes that take long */
#define POINTS_LEAST 3
#define RANGE_LEAST 100.0 /* times the least size */
#define SAMPLES_LEAST 3
#define SAMPLES_MOST 40
#define SAMPLES_DOUBTED 5
#define POLISH_ROUNDS 20
#define POLISH_SAMPLES 4 /* of a point in a round */

/* Logarithms of how many times as long: what may be wrong by choosing without a closer look. */
#define NEAR 0.15  /* noise, or a step of a cache, may turn it round */
#define EQUAL 0.02 /* it does not matter */
#define NARROW 0.04
#define JUMP 0.2 /* one overtakes the other by so much at once: a size on the wrong side costs as much */
#define JUMP_NARROW 0.002
#define SCORE_LEAST 0.1

struct search {
  const struct tlw_tune_meter *meter;
  enum tlw_work work;
  const struct tlw_tune_range *range;
  double until, slice; /* slice: for a size */
  struct tlw_tune_curve *curve;
  bool is_full; /* there are no greater sizes */
};

static double now(const struct search *s) { return s->meter->now(s->meter->user); }

/* ---- one size ---- */

static tlw_status sample(const struct search *s, enum tlw_tune_shape shape, struct tlw_tune_point_pair *pair,
                         bool on_cpu, tlw_error *error) {
  double seconds, *least = on_cpu ? &pair->cpu : &pair->device;
  const tlw_status status = s->meter->sample(s->meter->user, &pair->load, shape, on_cpu, &seconds, error);
  if (status == TLW_OK && seconds < *least) *least = seconds > 1e-12 ? seconds : 1e-12;
  return status;
}

static tlw_status sample_both(const struct search *s, enum tlw_tune_shape shape, struct tlw_tune_point_pair *pair,
                              tlw_error *error) {
  const tlw_status status = sample(s, shape, pair, true, error);
  return status == TLW_OK ? sample(s, shape, pair, false, error) : status;
}

/* The least of several calls, in turns. */
static tlw_status measure(const struct search *s, enum tlw_tune_shape shape, struct tlw_tune_point_pair *pair,
                          tlw_error *error) {
  const double begun = now(s);
  tlw_status status = TLW_OK;
  pair->cpu = pair->device = (double)INFINITY;
  for (int i = 0; status == TLW_OK && i < SAMPLES_MOST && (i < SAMPLES_LEAST || now(s) - begun < s->slice); i++)
    status = sample_both(s, shape, pair, error);
  return status;
}

static bool is_lack(tlw_status status) { return status == TLW_ERR_BUDGET || status == TLW_ERR_MEMORY; }

/* ---- sizes over the range ---- */

static int insert(struct tlw_tune_curve *curve, const struct tlw_tune_point_pair *pair) {
  int i = curve->n++;
  for (; i > 0 && curve->points[i - 1].load.units > pair->load.units; i--) curve->points[i] = curve->points[i - 1];
  curve->points[i] = *pair;
  return i;
}

/* More samples of a size that took longer than the next greater one. Mostly it was disturbed. */
static tlw_status doubt(const struct search *s, int i, tlw_error *error) {
  struct tlw_tune_point_pair *p = &s->curve->points[i];
  if (i + 1 == s->curve->n || (p[0].cpu <= p[1].cpu && p[0].device <= p[1].device)) return TLW_OK;
  tlw_status status = TLW_OK;
  for (int k = 0; k < SAMPLES_DOUBTED && status == TLW_OK; k++) status = sample_both(s, TLW_TUNE_USUAL, p, error);
  return is_lack(status) ? TLW_OK : status;
}

static bool has_units(const struct tlw_tune_curve *curve, double units) {
  for (int i = 0; i < curve->n; i++)
    if (curve->points[i].load.units == units) return true;
  return false;
}

/* Measures a size that is not there yet. */
static tlw_status add(struct search *s, double units, tlw_error *error) {
  struct tlw_tune_point_pair pair = {.load = s->meter->load(s->meter->user, s->work, TLW_TUNE_USUAL, units)};
  if (has_units(s->curve, pair.load.units)) return TLW_OK;
  const tlw_status status = measure(s, TLW_TUNE_USUAL, &pair, error);
  if (is_lack(status) && s->curve->n > 0) {
    s->is_full = true;
    return TLW_OK;
  }
  if (status != TLW_OK) return status;
  const int at = insert(s->curve, &pair);
  const tlw_status before = at > 0 ? doubt(s, at - 1, error) : TLW_OK;
  return before == TLW_OK ? doubt(s, at, error) : before;
}

/* Greater and greater sizes, as long as each takes no more than a part of the time that is left. */
static tlw_status climb(struct search *s, double part, tlw_error *error) {
  const struct tlw_tune_curve *c = s->curve;
  const double least = s->range->least, most = s->range->most;
  const double step = fmax(GRID_STEP, pow(most / least, 1.0 / GRID_MOST));
  tlw_status status = c->n > 0 ? TLW_OK : add(s, least, error);
  while (status == TLW_OK && !s->is_full && c->n < MOST) {
    const struct tlw_tune_point_pair *last = &c->points[c->n - 1];
    const double rest = most / last->load.units, wanted = step * sqrt(step) > rest ? rest : step;
    const double times = fmin(wanted, part * (s->until - now(s)) / (SAMPLES_LEAST + 1) / (last->cpu + last->device));
    s->is_full = rest < STEP_LEAST;
    if (s->is_full || times < STEP_LEAST) break;
    status = add(s, last->load.units * times, error);
  }
  return status;
}

/* ---- extras ---- */

static double each(double rich, double usual, double extras) {
  return extras > 0 ? fmax(0, (rich - usual) / extras) : 0;
}

/* Where even the greatest size is far from where extras show, or there is no time, they are taken to cost nothing. */
static tlw_status find_extras(const struct search *s, tlw_error *error) {
  const struct tlw_tune_meter *m = s->meter;
  const struct tlw_tune_point_pair *last = &s->curve->points[s->curve->n - 1];
  const double units = fmin(s->range->rich, last->load.units);
  const double seconds = (last->cpu + last->device) * fmin(1, s->range->rich / last->load.units);
  if (units < s->range->rich / 10 || units == 0 || EXTRAS_COST * seconds > s->until - now(s)) return TLW_OK;
  struct tlw_tune_point_pair usual = {.load = m->load(m->user, s->work, TLW_TUNE_USUAL, units)};
  struct tlw_tune_point_pair rich = {.load = m->load(m->user, s->work, TLW_TUNE_RICH, usual.load.units)};
  tlw_status status = measure(s, TLW_TUNE_USUAL, &usual, error);
  if (status == TLW_OK) status = measure(s, TLW_TUNE_RICH, &rich, error);
  if (is_lack(status)) return TLW_OK;
  if (status != TLW_OK) return status;
  const double extras = rich.load.extra - usual.load.extra;
  s->curve->cpu_extra = each(rich.cpu, usual.cpu, extras);
  s->curve->device_extra = each(rich.device, usual.device, extras);
  return TLW_OK;
}

/* ---- closer to where one overtakes the other ---- */

/* Above 0 where the device wins. */
static double lead(const struct tlw_tune_point_pair *pair) { return log(pair->cpu / pair->device); }

/* How much there may be to learn between two sizes. */
static double score(const struct tlw_tune_point_pair *a, const struct tlw_tune_point_pair *b) {
  const double width = log(b->load.units / a->load.units), x = lead(a), y = lead(b);
  const double nearer = fmin(fabs(x), fabs(y)), farther = fmax(fabs(x), fabs(y));
  const bool overtakes = (x < 0) != (y < 0), jumps = overtakes && farther > JUMP;
  if (width < (jumps ? JUMP_NARROW : NARROW)) return 0;
  if (jumps) return SCORE_LEAST + 4 * width;
  if (overtakes) return farther > EQUAL ? 4 * width : width / 2;
  return width * exp(-nearer / NEAR);
}

/* The size in between that is worth most; 0: none is, or there is no time for it. */
static double most_worth(const struct search *s) {
  const struct tlw_tune_curve *c = s->curve;
  const double left = s->until - now(s);
  double best = SCORE_LEAST, units = 0;
  for (int i = 0; i + 1 < c->n; i++) {
    const struct tlw_tune_point_pair *a = &c->points[i], *b = &c->points[i + 1];
    const double middle = sqrt(a->load.units * b->load.units);
    const double made = s->meter->load(s->meter->user, s->work, TLW_TUNE_USUAL, middle).units;
    if (has_units(c, made) || (SAMPLES_LEAST + 1) * (b->cpu + b->device) > left) continue;
    const double worth = score(a, b);
    if (worth > best) {
      best = worth;
      units = middle;
    }
  }
  return units;
}

static tlw_status refine(struct search *s, int most, tlw_error *error) {
  tlw_status status = TLW_OK;
  while (status == TLW_OK && s->curve->n < most && now(s) < s->until) {
    const double units = most_worth(s);
    if (units == 0) break;
    const int before = s->curve->n;
    status = add(s, units, error);
    if (s->curve->n == before) break;
  }
  return status;
}

/* More samples of sizes at which both take about as long. */
static tlw_status polish(const struct search *s, tlw_error *error) {
  for (int i = 0; i < POLISH_ROUNDS * s->curve->n; i++) {
    struct tlw_tune_point_pair *pair = &s->curve->points[i % s->curve->n];
    const double cost = (POLISH_SAMPLES + 1) * (pair->cpu + pair->device);
    if (fabs(lead(pair)) > NEAR || now(s) + cost > s->until) continue;
    for (int k = 0; k < POLISH_SAMPLES; k++) {
      const tlw_status status = sample_both(s, TLW_TUNE_USUAL, pair, error);
      if (status != TLW_OK) return is_lack(status) ? TLW_OK : status;
    }
  }
  return TLW_OK;
}

/* ---- beyond the greatest size ---- */

/* Seconds that a unit more takes there. */
static double slope(const struct tlw_tune_point_pair *a, const struct tlw_tune_point_pair *b, bool on_cpu) {
  const double x = on_cpu ? a->cpu : a->device, y = on_cpu ? b->cpu : b->device;
  const double found = (y - x) / (b->load.units - a->load.units), whole = y / b->load.units;
  return found > 0.9 * whole ? whole : fmax(found, whole / 50);
}

/* Whether sizes ended short of the greatest, and are too few or too close to each other to go by. */
static bool is_poor(const struct search *s) {
  const struct tlw_tune_curve *c = s->curve;
  const double most = c->points[c->n - 1].load.units;
  if (s->range->most / most < STEP_LEAST) return false;
  return c->n < POINTS_LEAST || most < RANGE_LEAST * c->points[0].load.units;
}

/* What is not yet in proportion to units goes on as it was from half the greatest size up to it. */
static void extend(struct tlw_tune_curve *curve) {
  const struct tlw_tune_point_pair *p = curve->points, *last = &p[curve->n - 1];
  curve->measured = curve->n;
  int other = curve->n - 2;
  while (other > 0 && p[other].load.units > last->load.units / 2) other--;
  if (other < 0) return;
  const double cpu = slope(&p[other], last, true), device = slope(&p[other], last, false);
  struct tlw_tune_point_pair next = *last;
  for (int i = 0; i < TAIL; i++) {
    next.load.units *= TAIL_STEP;
    next.load.extra *= TAIL_STEP;
    next.cpu = last->cpu + cpu * (next.load.units - last->load.units);
    next.device = last->device + device * (next.load.units - last->load.units);
    curve->points[curve->n++] = next;
  }
}

tlw_status tlw_tune_search(const struct tlw_tune_meter *meter, enum tlw_work work, const struct tlw_tune_range *range,
                           double until, struct tlw_tune_curve *curve, tlw_error *error) {
  memset(curve, 0, sizeof *curve);
  struct search s = {.meter = meter, .work = work, .range = range, .until = until, .curve = curve};
  s.slice = (until - now(&s)) / (2 * TLW_COST_POINTS);
  tlw_status status = climb(&s, 0.3, error);
  if (status == TLW_OK) status = find_extras(&s, error);
  if (status == TLW_OK) status = refine(&s, MOST - CLIMBS, error);
  if (status == TLW_OK) status = climb(&s, 0.8, error);
  if (status == TLW_OK) status = refine(&s, MOST, error);
  if (status == TLW_OK) status = polish(&s, error);
  if (status == TLW_OK) {
    curve->is_poor = is_poor(&s);
    extend(curve);
  }
  if (status != TLW_ERR_UNAVAILABLE) return status;
  curve->n = 0;
  return TLW_OK;
}

/* ---- what comes of it ---- */

static bool wins(const struct tlw_tune_point_pair *pair) { return !(pair->cpu < pair->device); }

static double between(const struct tlw_tune_point_pair *a, const struct tlw_tune_point_pair *b) {
  const double x = lead(a), y = lead(b);
  return a->load.units * pow(b->load.units / a->load.units, x == y ? 0.5 : x / (x - y));
}

bool tlw_tune_crossing(const struct tlw_tune_curve *curve, double *from, double *until) {
  const struct tlw_tune_point_pair *p = curve->points;
  int last = curve->n - 1;
  while (last >= 0 && !wins(&p[last])) last--;
  if (last < 0) return false;
  *until = last == curve->n - 1 ? (double)INFINITY : between(&p[last], &p[last + 1]);
  int first = last;
  while (first > 0 && wins(&p[first - 1])) first--;
  *from = first == 0 ? 0 : between(&p[first - 1], &p[first]);
  return true;
}

/* So that what is left of each size's time is above 0. */
static double limited(const struct tlw_tune_curve *curve, double extra, bool on_cpu) {
  for (int i = 0; i < curve->n; i++) {
    const struct tlw_tune_point_pair *p = &curve->points[i];
    if (p->load.extra > 0) extra = fmin(extra, 0.9 * (on_cpu ? p->cpu : p->device) / p->load.extra);
  }
  return extra;
}

static void fill(const struct tlw_tune_curve *curve, bool on_cpu, double extra, struct tlw_cost *cost) {
  *cost = (struct tlw_cost){.n = curve->n, .extra = extra};
  for (int i = 0; i < curve->n; i++) {
    const struct tlw_tune_point_pair *p = &curve->points[i];
    cost->units[i] = p->load.units;
    cost->seconds[i] = (on_cpu ? p->cpu : p->device) - extra * p->load.extra;
  }
}

void tlw_tune_costs(const struct tlw_tune_curve *curve, struct tlw_cost *cpu, struct tlw_cost *device) {
  if (curve->n == 0) {
    *cpu = (struct tlw_cost){.n = 1, .units = {1}, .seconds = {1e-9}};
    *device = (struct tlw_cost){0};
    return;
  }
  double from, until, cpu_extra = limited(curve, curve->cpu_extra, true);
  double device_extra = limited(curve, curve->device_extra, false);
  /* Where only noise could make it win. */
  if (!tlw_tune_crossing(curve, &from, &until) && device_extra > 0.9 * cpu_extra)
    cpu_extra = device_extra = fmin(cpu_extra, device_extra);
  fill(curve, true, cpu_extra, cpu);
  fill(curve, false, device_extra, device);
}
