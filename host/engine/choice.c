#include "choice.h"

#include <math.h>

const char *tlw_work_name(enum tlw_work work) {
  static const char *const names[TLW_WORKS] = {
      [TLW_WORK_CHARTS] = "charts",          [TLW_WORK_FILES] = "charts as files",
      [TLW_WORK_FOLD] = "windows",           [TLW_WORK_ORDER] = "windows of ranks and quantiles",
      [TLW_WORK_SCAN] = "recursive filters", [TLW_WORK_BARS] = "chunks of ticks",
      [TLW_WORK_IMAGES] = "images",
  };
  return names[work];
}

double tlw_work_heaviest(enum tlw_work work) { return work == TLW_WORK_FOLD ? 11 : work == TLW_WORK_ORDER ? 16 : 1; }

double tlw_work_lightest(enum tlw_work work) {
  return work == TLW_WORK_ORDER ? 0.125 : work == TLW_WORK_FOLD || work == TLW_WORK_SCAN ? 0.5 : 1;
}

double tlw_heft_most(enum tlw_work work, enum tlw_heft heft) {
  static const double most[TLW_HEFTS] = {[TLW_HEFT_FOUR] = 4, [TLW_HEFT_ALIKE] = 1.25};
  const double heaviest = tlw_work_heaviest(work);
  return heft == TLW_HEFT_ANY || most[heft] > heaviest ? heaviest : most[heft];
}

/* ---- costs ---- */

static bool is_positive(double number) { return number > 0 && number < (double)INFINITY; }

static bool is_curve(const struct tlw_cost *cost) {
  if (cost->n < 1 || cost->n > TLW_COST_POINTS) return false;
  for (int i = 0; i < cost->n; i++)
    if (!is_positive(cost->units[i]) || !is_positive(cost->seconds[i]) ||
        (i > 0 && cost->units[i] <= cost->units[i - 1]))
      return false;
  return true;
}

/* 0 for what is no number, or none that counts. */
static double counted(double number) { return number > 0 ? number : 0; }

static double seconds_at(const struct tlw_cost *cost, double units) {
  const double *u = cost->units, *s = cost->seconds;
  const int last = cost->n - 1;
  if (!(units > u[0])) return s[0];
  if (units >= u[last]) return s[last] * (units / u[last]);
  int i = 1;
  while (u[i] < units) i++;
  if (u[i] == units) return s[i];
  return s[i - 1] * pow(s[i] / s[i - 1], log(units / u[i - 1]) / log(u[i] / u[i - 1]));
}

double tlw_cost_of(const struct tlw_cost *cost, const struct tlw_load *load) {
  if (!is_curve(cost)) return (double)INFINITY;
  const double each = counted(cost->extra), extra = counted(load->extra);
  return seconds_at(cost, load->units) + (each > 0 && extra > 0 ? each * extra : 0);
}

/* ---- other operations than those measured ---- */

#define ARITHMETIC_FROM 1000.0 /* units; fewer results may be of series that are too short for any */

/* The least that a unit takes up to so many: what it computes, with nothing to wait for, undisturbed. */
static double arithmetic(const struct tlw_cost *cost, double units) {
  double least = seconds_at(cost, units) / units;
  for (int i = 0; i < cost->n && cost->units[i] <= units; i++)
    if (cost->units[i] >= ARITHMETIC_FROM) least = fmin(least, cost->seconds[i] / cost->units[i]);
  return least;
}

/* More arithmetic is added to what the memory takes: the costs of columns that are in no cache are no multiples. Less
 * is as fewer units are. */
static double on_cpu(const struct tlw_cost *cost, const struct tlw_load *load) {
  struct tlw_load fewer = *load;
  fewer.units += fmin(load->cpu_more, 0);
  double seconds = tlw_cost_of(cost, &fewer);
  if (load->cpu_more > 0 && load->units > 0 && is_curve(cost))
    seconds += load->cpu_more * arithmetic(cost, load->units);
  return seconds * (load->sharers > 1 ? load->sharers : 1);
}

/* What a unit of windows of ranks and quantiles takes in kernels: by how much it is above that of folds, which move as
 * many bytes. */
static double kernel_unit(const struct tlw_tuning *tuning) {
  const struct tlw_cost *order = &tuning->device[TLW_WORK_ORDER], *fold = &tuning->device[TLW_WORK_FOLD];
  if (!is_curve(order) || !is_curve(fold)) return 0;
  return counted(arithmetic(order, order->units[order->n - 1]) - arithmetic(fold, fold->units[fold->n - 1]));
}

static double on_device(const struct tlw_tuning *tuning, const struct tlw_load *load) {
  const struct tlw_cost *cost = &tuning->device[load->work];
  struct tlw_load moved = *load, least = *load;
  moved.units += load->moved_more;
  least.units *= tlw_work_lightest(load->work);
  const double seconds = tlw_cost_of(cost, &moved);
  if (load->kernel_more == 0) return seconds;
  return fmax(seconds + load->kernel_more * kernel_unit(tuning), tlw_cost_of(cost, &least));
}

double tlw_cost_on_cpu(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n) {
  double seconds = 0;
  for (int i = 0; i < n; i++) seconds += on_cpu(&tuning->cpu[loads[i].work], &loads[i]);
  return seconds;
}

double tlw_cost_on_device(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n) {
  double seconds = 0;
  for (int i = 0; i < n; i++) seconds += on_device(tuning, &loads[i]);
  return seconds;
}

/* Of the operation of this heft that is dearest on the CPU. */
static struct tlw_cost dearest(const struct tlw_cost *cpu, enum tlw_work work, enum tlw_heft heft) {
  struct tlw_cost cost = *cpu;
  for (int i = 0; i < cost.n; i++) cost.seconds[i] *= tlw_heft_most(work, heft);
  return cost;
}

/* Of that which is cheapest on the device. */
static struct tlw_cost cheapest(const struct tlw_cost *device, enum tlw_work work) {
  struct tlw_cost cost = *device;
  for (int i = 0; i < cost.n; i++) cost.units[i] /= tlw_work_lightest(work);
  return cost;
}

/* ---- choices ---- */

bool tlw_choice_is_cpu(const struct tlw_tuning *tuning, const struct tlw_load *loads, int n) {
  return tlw_cost_on_cpu(tuning, loads, n) < tlw_cost_on_device(tuning, loads, n);
}

/* The last point of both, in order, until which a is below b at each; 0: it is not at the first. */
static double below_until(const struct tlw_cost *a, const struct tlw_cost *b) {
  double sure = 0;
  for (int i = 0, j = 0; i < a->n || j < b->n;) {
    const bool is_of_a = j == b->n || (i < a->n && a->units[i] <= b->units[j]);
    const double units = is_of_a ? a->units[i++] : b->units[j++];
    if (!(seconds_at(a, units) < seconds_at(b, units))) break;
    sure = units;
  }
  return sure;
}

static bool has_dearer_extras(const struct tlw_tuning *tuning, enum tlw_work work) {
  return counted(tuning->cpu[work].extra) > counted(tuning->device[work].extra);
}

/* Extras that are dearer on the CPU have half of what the device takes. */
static double sure_units(const struct tlw_tuning *tuning, enum tlw_work work, enum tlw_heft heft) {
  const struct tlw_cost *cpu = &tuning->cpu[work], *device = &tuning->device[work];
  if (!is_curve(cpu) || !is_curve(device)) return 0;
  struct tlw_cost most = dearest(cpu, work, heft);
  const struct tlw_cost least = cheapest(device, work);
  for (int i = 0; i < most.n; i++) most.seconds[i] *= has_dearer_extras(tuning, work) ? 2 : 1;
  return below_until(&most, &least);
}

/* The half of what the device takes at the least. */
static double sure_extras(const struct tlw_tuning *tuning, enum tlw_work work) {
  const struct tlw_cost *cpu = &tuning->cpu[work], *device = &tuning->device[work];
  if (!is_curve(device)) return 0;
  if (!has_dearer_extras(tuning, work)) return (double)INFINITY;
  double least = (double)INFINITY;
  for (int i = 0; i < device->n; i++) least = fmin(least, device->seconds[i]);
  return least / 2 / (cpu->extra - counted(device->extra));
}

void tlw_choice_sure(const struct tlw_tuning *tuning, struct tlw_sure *sure) {
  for (int i = 0; i < TLW_WORKS; i++) {
    const enum tlw_work work = (enum tlw_work)i;
    for (int k = 0; k < TLW_HEFTS; k++) sure->units[i][k] = sure_units(tuning, work, (enum tlw_heft)k);
    sure->extras[i] = sure_extras(tuning, work);
  }
}

static bool is_sure(const struct tlw_sure *sure, const struct tlw_load *load) {
  const double units = sure->units[load->work][load->heft];
  return load->sharers <= 1 && units > 0 && load->units <= units && load->extra <= sure->extras[load->work];
}

bool tlw_choice_is_sure(const struct tlw_sure *sure, const struct tlw_load *loads, int n) {
  for (int i = 0; i < n; i++)
    if (!is_sure(sure, &loads[i])) return false;
  return n > 0;
}

/* Whether a is above b at the points of both: then it is everywhere, for both are straight between these. */
static bool is_above(const struct tlw_cost *a, const struct tlw_cost *b) {
  for (int i = 0; i < a->n; i++)
    if (!(a->seconds[i] > seconds_at(b, a->units[i]))) return false;
  for (int i = 0; i < b->n; i++)
    if (!(seconds_at(a, b->units[i]) > b->seconds[i])) return false;
  return true;
}

static bool is_always_slower(const struct tlw_cost *device, const struct tlw_cost *cpu, enum tlw_work work) {
  if (!is_curve(cpu)) return false;
  if (!is_curve(device)) return true;
  const struct tlw_cost most = dearest(cpu, work, TLW_HEFT_ANY), least = cheapest(device, work);
  return counted(device->extra) >= counted(cpu->extra) && is_above(&least, &most);
}

bool tlw_choice_is_never(const struct tlw_tuning *tuning) {
  for (int i = 0; i < TLW_WORKS; i++)
    if (tuning->guessed[i] || !is_always_slower(&tuning->device[i], &tuning->cpu[i], (enum tlw_work)i)) return false;
  return true;
}
