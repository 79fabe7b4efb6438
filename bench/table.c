#include "table.h"

#include <math.h>
#include <string.h>

#include "common.h"

/* ---- numbers ---- */

/* Three digits that count. */
static int decimals_of(double value) { return value < 9.995 ? 2 : value < 99.95 ? 1 : 0; }

static void scaled_text(double value, const char *const *units, size_t n, double step, const char *end,
                        char text[BENCH_TEXT_SIZE]) {
  size_t i = 0;
  while (i + 1 < n && value >= step * 0.9995) {
    value /= step;
    i++;
  }
  snprintf(text, BENCH_TEXT_SIZE, "%.*f %s%s", decimals_of(value), value, units[i], end);
}

void bench_time_text(double seconds, char text[BENCH_TEXT_SIZE]) {
  static const char *const units[] = {"ns", "us", "ms", "s"};
  scaled_text(seconds * 1e9, units, BENCH_COUNT(units), 1000, "", text);
}

void bench_ratio_text(double ratio, char text[BENCH_TEXT_SIZE]) {
  if (ratio < 0.9995 || !(ratio < 999499.5)) {
    snprintf(text, BENCH_TEXT_SIZE, "%#.3g", ratio);
  } else if (ratio < 999.5) {
    snprintf(text, BENCH_TEXT_SIZE, "%.*f", decimals_of(ratio), ratio);
  } else {
    const int step = ratio < 9995 ? 10 : ratio < 99950 ? 100 : 1000, rounded = (int)(ratio / step + 0.5) * step;
    snprintf(text, BENCH_TEXT_SIZE, "%d,%03d", rounded / 1000, rounded % 1000);
  }
}

void bench_rate_text(double rate, char text[BENCH_TEXT_SIZE]) {
  static const char *const units[] = {"", "k ", "M ", "G "};
  scaled_text(rate, units, BENCH_COUNT(units), 1000, "", text);
}

void bench_size_text(uint64_t bytes, char text[BENCH_TEXT_SIZE]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
  if (bytes == 0)
    snprintf(text, BENCH_TEXT_SIZE, "-");
  else
    scaled_text((double)bytes, units, BENCH_COUNT(units), 1024, "", text);
}

#define ON_WIDTH 7
#define OTHERS_MATTER 0.05 /* of the time of all CPUs */

static int longer(int width, const char *text) {
  const size_t length = strlen(text);
  return length > (size_t)width ? (int)length : width;
}

/* Half of an interval in percent of its value. */
static void spread_text(const bench_interval *interval, char text[BENCH_TEXT_SIZE]) {
  const double spread = 50 * (interval->high - interval->low) / interval->value;
  if (spread < 1000)
    snprintf(text, BENCH_TEXT_SIZE, "%.1f%%", spread);
  else
    snprintf(text, BENCH_TEXT_SIZE, "?");
}

/* ---- what it was made on ---- */

static void print_device(FILE *file, const char *backend, const char *name, const char *driver, uint64_t bytes,
                         const char *clocks, const char *note) {
  char memory[BENCH_TEXT_SIZE];
  bench_size_text(bytes, memory);
  fprintf(file, "%-9s%s, %s, %s%s%s%s\n", backend, name, driver, memory, *clocks ? ", " : "", clocks, note);
}

/* What a GPU's clocks did while cases ran on it, where that is known. */
static void print_device_run(FILE *file, const char *backend, const char *name, const char *ran) {
  if (*ran) fprintf(file, "%-9s%s %s\n", backend, name, ran);
}

static void print_program(FILE *file, const char *version, const char *commit, const char *compiler, bool optimized) {
  fprintf(file, "tallow   %s, commit %s, %s%s\n", version, commit, compiler,
          optimized ? "" : ", NOT OPTIMIZED: times say little");
}

static void print_cpu(FILE *file, const char *cpu, unsigned cpus, const char *tier, double megahertz,
                      const char *governor, double load) {
  fprintf(file, "cpu      %s, %u CPUs, tier %s", cpu, cpus, tier);
  if (megahertz > 0) fprintf(file, ", %.0f MHz now", megahertz);
  fprintf(file, ", governor %s", *governor ? governor : "not known");
  if (load >= 0) fprintf(file, ", load %.2f", load);
  fputc('\n', file);
}

void bench_print_machine(FILE *file, const bench_machine *m) {
  print_program(file, m->version, m->commit, m->compiler, m->optimized);
  print_cpu(file, m->cpu, m->cpus, m->tier, m->megahertz, m->governor, m->load);
  for (int i = 0; i < m->n_devices; i++) {
    const tlw_device *d = &m->devices[i];
    char clocks[BENCH_CLOCKS_TEXT_SIZE];
    bench_gpu_clocks_text(&m->clocks[i], clocks);
    print_device(file, tlw_backend_name(d->backend), d->name, d->driver, d->memory_bytes, clocks,
                 d->automatic ? "" : ", not taken by auto");
  }
}

static void print_saved_machine(FILE *file, const bench_records *r) {
  print_program(file, r->version, r->commit, r->compiler, r->optimized);
  print_cpu(file, r->cpu, (unsigned)r->cpus, r->tier, r->megahertz, r->governor, r->load);
  for (int i = 0; i < r->n_devices; i++) {
    const bench_saved_device *d = &r->devices[i];
    print_device(file, d->backend, d->name, d->driver, d->memory_bytes, d->clocks, "");
  }
  fprintf(file, "date     %s\n", r->date);
}

/* ---- lines ---- */

/* A row of a run, or what was saved of one. */
struct line {
  const char *name, *item, *failure; /* failure: NULL where there is a time */
  char on[80];
  bench_interval time;
  bool disturbed;
  double best, kernel, cold, items, bytes, share; /* items and bytes a second; 0: not known */
  uint64_t host_peak, device_peak;
  char speedup[192];
};

static void ratio_text(bench_interval ratio, char *text, size_t size) {
  char value[BENCH_TEXT_SIZE], low[BENCH_TEXT_SIZE], high[BENCH_TEXT_SIZE];
  bench_ratio_text(ratio.value, value);
  bench_ratio_text(ratio.low, low);
  bench_ratio_text(ratio.high, high);
  if (isfinite(ratio.high))
    snprintf(text, size, "%s (%s to %s)", value, low, high);
  else
    snprintf(text, size, "%s (not sure)", value);
}

static void print_line(FILE *file, const struct line *line, int width, int width_on, bool named) {
  char kernel[BENCH_TEXT_SIZE] = "-", time[BENCH_TEXT_SIZE], spread[BENCH_TEXT_SIZE], best[BENCH_TEXT_SIZE],
       rate[BENCH_TEXT_SIZE];
  char cold[BENCH_TEXT_SIZE] = "-", host[BENCH_TEXT_SIZE], device[BENCH_TEXT_SIZE], items[BENCH_TEXT_SIZE + 32] = "-";
  char share[BENCH_TEXT_SIZE] = "-", bytes[BENCH_TEXT_SIZE] = "-";
  fprintf(file, "%-*s %-*s ", width, named ? line->name : "", width_on, line->on);
  if (line->failure) {
    fprintf(file, "failed: %s\n", line->failure);
    return;
  }
  bench_time_text(line->time.value, time);
  spread_text(&line->time, spread);
  bench_time_text(line->best, best);
  bench_rate_text(line->items, rate);
  if (line->items > 0) snprintf(items, sizeof items, "%s%s/s", rate, line->item);
  if (line->kernel > 0) bench_time_text(line->kernel, kernel);
  if (line->cold > 0) bench_time_text(line->cold, cold);
  if (line->bytes > 0) snprintf(bytes, sizeof bytes, "%.2f", line->bytes * 1e-9);
  if (line->share > 0) snprintf(share, sizeof share, "%.2f", line->share);
  bench_size_text(line->host_peak, host);
  bench_size_text(line->device_peak, device);
  fprintf(file, "%8s %6s%c %8s %8s %17s %6s %5s %8s %8s %8s", time, spread, line->disturbed ? '!' : ' ', best, kernel,
          items, bytes, share, cold, host, device);
  fprintf(file, *line->speedup ? "  %s\n" : "\n", line->speedup);
}

static void print_titles(FILE *file, int width, int width_on) {
  fprintf(file, "\n%-*s %-*s %8s %7s %8s %8s %17s %6s %5s %8s %8s %8s  %s\n", width, "case", width_on, "on", "time",
          "+-  ", "best", "kernel", "rate", "GB/s", "copy", "cold", "host", "device", "speedup");
}

static void print_legend(FILE *file, const char *tier, bool processor_time, double copy_one, double copy_all,
                         uint32_t copy_threads, int disturbed) {
  char by_all[BENCH_TEXT_SIZE] = "";
  if (copy_threads > 1)
    snprintf(by_all, sizeof by_all, " and %.1f GB/s by %u", fmin(copy_all * 1e-9, 1e9), copy_threads);
  fprintf(
      file,
      "\non       backend; cpu:N is the CPU by N threads, with the SIMD tier %s\n"
      "time     the median of a call%s, then half of its 95%% interval; best: the least; cold: a new engine's first\n"
      "kernel   the part of a call that is kernels, or the CPU's threads, alone: without copies and the host\n"
      "GB/s     bytes that a call must read and write\n"
      "copy     that as a share of memcpy, %.1f GB/s by one thread%s; devices beside all; over 1: caches help\n"
      "host     the most memory that the engine took; device: likewise there\n"
      "speedup  over the first cpu line of the case, with its 95%% interval; only where outputs are equal\n",
      tier, processor_time ? ", of processor time" : "", copy_one * 1e-9, by_all);
  if (disturbed > 0)
    fprintf(file, "!        this machine was busy: some batches of %d line%s were left out and measured again\n",
            disturbed, disturbed == 1 ? "" : "s");
}

/* ---- a run ---- */

static void lane_text(const bench_row *row, char *text, size_t size) {
  if (row->lane.backend == TLW_BACKEND_CPU)
    snprintf(text, size, "cpu:%u", row->lane.threads);
  else
    snprintf(text, size, "%s", tlw_backend_name(row->lane.backend));
}

static void speedup_text(const bench_run *run, const bench_row *row, char *text, size_t size) {
  const bench_row *baseline = bench_baseline(run, row);
  *text = 0;
  if (row->changed) {
    snprintf(text, size, "none: its output changed");
  } else if (baseline && baseline != row) {
    const bench_equality equality = bench_compare_outputs(row, baseline);
    if (equality == BENCH_DIFFERS)
      snprintf(text, size, "none: other output");
    else if (equality == BENCH_UNKNOWN)
      snprintf(text, size, "none: no output to compare");
    else
      ratio_text(bench_speedup(row, baseline), text, size);
  }
}

static struct line line_of_row(const bench_run *run, const bench_row *row) {
  struct line line = {.name = row->what->name, .item = row->item};
  lane_text(row, line.on, sizeof line.on);
  if (row->status != TLW_OK) {
    line.failure = row->error.message;
    return line;
  }
  line.time = bench_row_time(row, &line.disturbed);
  line.best = bench_row_best(row);
  line.cold = row->cold;
  line.kernel = row->stages.compute;
  line.items = row->items / line.time.value;
  line.bytes = row->bytes / line.time.value;
  line.share = bench_share_of_copy(run, row);
  line.host_peak = row->host_peak;
  line.device_peak = row->device_peak;
  speedup_text(run, row, line.speedup, sizeof line.speedup);
  return line;
}

static double most_others(const bench_run *run) {
  double most = 0;
  for (size_t i = 0; i < run->n; i++) most = fmax(most, run->rows[i].others);
  return most;
}

void bench_print_table(FILE *file, const bench_run *run) {
  const bench_machine *m = &run->machine;
  int width = 4, disturbed = 0;
  for (size_t i = 0; i < run->n; i++) width = longer(width, run->rows[i].what->name);
  print_titles(file, width, ON_WIDTH);
  for (size_t i = 0; i < run->n; i++) {
    const struct line line = line_of_row(run, &run->rows[i]);
    print_line(file, &line, width, ON_WIDTH, i == 0 || run->rows[i].what != run->rows[i - 1].what);
    disturbed += line.disturbed;
  }
  print_legend(file, m->tier, run->processor_time, m->copy_one, m->copy_all, m->copy_threads, disturbed);
  for (int i = 0; i < m->n_devices; i++) {
    char ran[BENCH_CLOCKS_TEXT_SIZE];
    bench_gpu_run_text(&m->clocks[i], ran);
    print_device_run(file, tlw_backend_name(m->devices[i].backend), m->devices[i].name, ran);
  }
  if (run->ran_out)
    fprintf(file, "rounds   some were left out, for a run without --time ends after 30 s%s: its intervals are wider\n",
            most_others(run) >= OTHERS_MATTER ? ", and this machine was busy" : "");
  if (run->leaves_opencl)
    fprintf(file, "opencl   runs on the CPU here and was left out, for nobody asked: --backend cpu,opencl\n");
}

/* ---- a run that was saved ---- */

static void saved_speedup_text(const bench_records *records, const bench_record *record, char *text, size_t size) {
  static const char *const reasons[] = {[BENCH_OTHER_OUTPUT] = "none: other output",
                                        [BENCH_CHANGED_OUTPUT] = "none: its output changed",
                                        [BENCH_NO_OUTPUT] = "none: no output to compare"};
  const bench_standing standing = bench_record_standing(records, record);
  *text = 0;
  if (standing >= BENCH_OTHER_OUTPUT) snprintf(text, size, "%s", reasons[standing]);
  if (standing != BENCH_STANDS && standing != BENCH_STANDS_UNCHECKED) return;
  const char *start = record->is_peer ? "tallow is " : "";
  const size_t used = (size_t)snprintf(text, size, "%s", start);
  ratio_text(record->speedup, text + used, size - used);
  if (standing == BENCH_STANDS_UNCHECKED) snprintf(text + strlen(text), size - strlen(text), ", output not compared");
}

static struct line line_of_record(const bench_records *records, const bench_record *record) {
  struct line line = {.name = record->what, .item = record->item};
  snprintf(line.on, sizeof line.on, "%s", record->on);
  if (record->n == 0) {
    line.failure = record->failure;
    return line;
  }
  line.time = bench_record_time(record, &line.disturbed);
  line.best = bench_record_best(record);
  line.cold = record->cold;
  line.kernel = record->kernel;
  line.items = record->items;
  line.bytes = record->bytes;
  line.share = record->share_of_copy;
  line.host_peak = record->host_peak;
  line.device_peak = record->device_peak;
  saved_speedup_text(records, record, line.speedup, sizeof line.speedup);
  return line;
}

/* Whether no record before it is of the same peer with the same settings. */
static bool is_first_of_settings(const bench_records *records, size_t index) {
  const bench_record *record = &records->records[index];
  for (size_t i = 0; i < index; i++) {
    const bench_record *other = &records->records[i];
    if (other->is_peer && strcmp(other->on, record->on) == 0 && strcmp(other->settings, record->settings) == 0)
      return false;
  }
  return record->is_peer;
}

static void print_peers(FILE *file, const bench_records *records) {
  bool any = false;
  for (size_t i = 0; i < records->n; i++) {
    if (!is_first_of_settings(records, i)) continue;
    if (!any)
      fprintf(file, "\npeers: 'tallow is N' is N times as fast, by its cpu line; said where outputs are the same\n");
    any = true;
    fprintf(file, "%s on %s: %s\n", records->records[i].on, records->records[i].what, records->records[i].settings);
  }
  for (int i = 0; i < records->n_missing; i++)
    fprintf(file, "%s is missing: %s\n", records->missing[i].name, records->missing[i].reason);
}

void bench_print_saved(FILE *file, const bench_records *records) {
  int width = 4, width_on = ON_WIDTH, disturbed = 0;
  for (size_t i = 0; i < records->n; i++) {
    width = longer(width, records->records[i].what);
    width_on = longer(width_on, records->records[i].on);
  }
  print_saved_machine(file, records);
  print_titles(file, width, width_on);
  const char *previous = "";
  for (size_t i = 0; i < records->n + records->n_failures; i++) {
    const bench_record *record = i < records->n ? &records->records[i] : &records->failures[i - records->n];
    const struct line line = line_of_record(records, record);
    print_line(file, &line, width, width_on, strcmp(record->what, previous) != 0);
    previous = record->what;
    disturbed += line.disturbed;
  }
  print_legend(file, records->tier, records->processor_time, records->copy_one, records->copy_all,
               records->copy_threads, disturbed);
  for (int i = 0; i < records->n_devices; i++)
    print_device_run(file, records->devices[i].backend, records->devices[i].name, records->devices[i].ran);
  print_peers(file, records);
}

/* ---- changes ---- */

/* What such runs could have told. */
static void print_least(FILE *file, const bench_change *c) {
  const double least = bench_change_least(c->ratio);
  if (least < 10)
    fprintf(file, " below %.*f%%", least < 0.0995 ? 1 : 0, 100 * least);
  else
    fputs(c->other_turns ? " beside peers in one run" : " too few batches", file);
}

/* Why verdicts are AMBIGUOUS, and what helps. */
static void print_reason(FILE *file, const bench_changes *changes) {
  if (changes->ambiguous == 0) return;
  double least = INFINITY;
  int other_turns = 0;
  for (size_t i = 0; i < changes->n; i++) {
    if (changes->changes[i].verdict != BENCH_AMBIGUOUS) continue;
    least = fmin(least, bench_change_least(changes->changes[i].ratio));
    other_turns += changes->changes[i].other_turns;
  }
  if (other_turns > 0)
    fputs("a case that takes turns with other programs finds other caches than one that does not: compare runs of one "
          "kind\n",
          file);
  if (other_turns == changes->ambiguous) return;
  if ((size_t)changes->ambiguous == changes->n && least < 10)
    fprintf(file, "nothing can be told: changes below %.*f%% are too small for these runs\n", least < 0.0995 ? 1 : 0,
            100 * least);
  const double before = changes->others_before, after = changes->others_after;
  if (before < OTHERS_MATTER && after < OTHERS_MATTER)
    fputs("longer runs, by --time, can tell smaller changes\n", file);
  else
    fprintf(
        file,
        "other programs took up to %.0f%% of the CPUs during the first run and %.0f%% during the second, which makes "
        "the\nintervals wide: measure on an idle machine\n",
        100 * fmin(before, 1), 100 * fmin(after, 1));
}

static void print_change(FILE *file, const bench_change *c) {
  char before[BENCH_TEXT_SIZE], after[BENCH_TEXT_SIZE], ratio[BENCH_TEXT_SIZE] = "(not sure)";
  bench_time_text(c->before, before);
  bench_time_text(c->after, after);
  if (isfinite(c->ratio.high)) snprintf(ratio, sizeof ratio, "(%.3f to %.3f)", c->ratio.low, c->ratio.high);
  fprintf(file, "%-48s %9s %9s %7.3f %-18s %-9s", c->name, before, after, c->ratio.value, ratio,
          bench_verdict_name(c->verdict));
  if (c->verdict == BENCH_AMBIGUOUS) print_least(file, c);
  fputs(c->other_output ? "  other output\n" : "\n", file);
}

void bench_print_changes(FILE *file, const bench_changes *changes) {
  int counts[BENCH_AMBIGUOUS + 1] = {0};
  size_t same = 0;
  fprintf(file, "%-48s %9s %9s %7s %-18s %s\n", "case", "before", "after", "ratio", "95% interval", "verdict");
  for (size_t i = 0; i < changes->n; i++) {
    print_change(file, &changes->changes[i]);
    counts[changes->changes[i].verdict]++;
    same += changes->changes[i].same_samples;
  }
  fprintf(file, "\n%zu cases: %d FAST, %d SLOW, %d SAME, %d AMBIGUOUS", changes->n, counts[BENCH_FAST],
          counts[BENCH_SLOW], counts[BENCH_SAME], counts[BENCH_AMBIGUOUS]);
  if (changes->only_before + changes->only_after > 0)
    fprintf(file, "; only before: %d, only after: %d", changes->only_before, changes->only_after);
  fprintf(file,
          "\nratio: times as long as before. SLOW or FAST: surely by more than %.0f%%; SAME: surely within %.0f%%;\n"
          "AMBIGUOUS: the runs can't tell; below N%%: nor any change that is smaller\n",
          50 * BENCH_MARGIN, 100 * BENCH_MARGIN);
  print_reason(file, changes);
  if (same == changes->n) fputs("both runs have the same samples: they are one measurement\n", file);
}
