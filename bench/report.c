/* The page as a whole, what its machines are, and the newest run against the one before. */
#include "report.h"

#include <math.h>
#include <string.h>

#include "common.h"
#include "compare.h"
#include "report_html.h"
#include "report_parts.h"
#include "table.h"

/* ---- what parts share ---- */

const bench_series *report_series(const report_machine *machine, size_t i) {
  return &machine->trends->series[machine->shown[i]];
}

size_t report_case_end(const report_machine *machine, size_t i) {
  size_t end = i + 1;
  while (end < machine->past->n_series &&
         strcmp(report_series(machine, end)->newest.what, report_series(machine, i)->newest.what) == 0)
    end++;
  return end;
}

int report_slot(const report_machine *machine, const char *on) {
  const char *lanes[BENCH_DEVICES_MAX] = {0};
  int n = 0;
  for (size_t i = 0; i < machine->past->n_series && n < 5; i++) {
    const bench_record *record = &report_series(machine, i)->newest;
    int k = 0;
    while (k < n && strcmp(lanes[k], record->on) != 0) k++;
    if (record->is_peer || k < n) continue;
    if (strcmp(record->on, on) == 0) return n;
    lanes[n++] = record->on;
  }
  for (int k = 0; k < n; k++)
    if (strcmp(lanes[k], on) == 0) return k;
  return 5;
}

void report_older(FILE *file, const report_machine *machine, const bench_series *series) {
  if (strcmp(series->date, machine->past->newest.date) == 0) return;
  fputs(" <small class=\"older\">of ", file);
  report_run(file, series->date, series->commit);
  fputs("</small>", file);
}

/* ---- the newest run against the one before ---- */

static report_scale scale_of_changes(const bench_changes *changes) {
  double reach = log(1.06);
  for (size_t i = 0; i < changes->n; i++) {
    const bench_interval *ratio = &changes->changes[i].ratio;
    reach = fmax(reach, fabs(log(ratio->value)));
    if (isfinite(ratio->high)) reach = fmax(reach, fmax(-log(ratio->low), log(ratio->high)));
  }
  reach = fmin(reach, log(2)) * 1.02;
  return (report_scale){.is_log = true, .low = exp(-reach), .high = exp(reach)};
}

#define LABELS_A_SIDE 3 /* of no change */

/* Percent from one to the next, so that the last is as near to the end as can be. */
static double step_of_labels(double reach) {
  static const double steps[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50};
  double best = 100, last = 0;
  for (size_t i = 0; i < BENCH_COUNT(steps); i++) {
    const int n = (int)(reach / steps[i]);
    if (n < 1 || n > LABELS_A_SIDE || n * steps[i] <= last) continue;
    last = n * steps[i];
    best = steps[i];
  }
  return best;
}

static void write_change_axis(FILE *file, const report_scale *scale) {
  const double step = step_of_labels(100 * (scale->high - 1));
  fputs("<li class=\"change axis\" aria-hidden=\"true\"><span></span><span></span><svg>", file);
  for (int i = -LABELS_A_SIDE; i <= LABELS_A_SIDE; i++) {
    const double percent = i * step, ratio = 1 + percent / 100;
    if (ratio >= scale->low && ratio <= scale->high)
      fprintf(file, "<text x=\"%.2f%%\" y=\"14\" text-anchor=\"middle\">%s%.0f%%</text>", report_place(scale, ratio),
              percent > 0 ? "+" : "", percent);
  }
  fputs("</svg></li>\n", file);
}

static void write_change_picture(FILE *file, const bench_change *change, const report_scale *scale) {
  const bench_interval *ratio = &change->ratio;
  const double low = report_place(scale, 1 / (1 + BENCH_MARGIN)), high = report_place(scale, 1 + BENCH_MARGIN);
  fputs("<svg role=\"img\"><title>", file);
  report_number(file, ratio->value);
  fputc(' ', file);
  report_reach(file, ratio);
  fprintf(file,
          " times as long as before</title><rect class=\"margin\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"-2\" "
          "height=\"24\"/>",
          low, high - low);
  fputs("<line class=\"zero\" x1=\"50%\" x2=\"50%\" y1=\"-2\" y2=\"22\"/>", file);
  fprintf(file, "<line class=\"reach\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"10\" y2=\"10\"/>",
          report_place(scale, ratio->low), report_place(scale, ratio->high));
  fprintf(file, "<circle class=\"dot\" cx=\"%.2f%%\" cy=\"10\" r=\"4\"/></svg>", report_place(scale, ratio->value));
}

static void write_change(FILE *file, const bench_change *change, const report_scale *scale) {
  static const char *const signs[] = {
      [BENCH_SAME] = "=", [BENCH_FAST] = "\u25bc", [BENCH_SLOW] = "\u25b2", [BENCH_AMBIGUOUS] = "?"};
  const char *name = bench_verdict_name(change->verdict);
  fprintf(file, "<li class=\"change %s\"><span class=\"verdict\">%s %s</span><span class=\"name\"><code>", name,
          signs[change->verdict], name);
  report_text(file, change->name);
  fprintf(file, "</code>%s%s</span>", change->other_output ? " <small class=\"warn\">other output</small>" : "",
          change->other_turns ? " <small>beside other programs in one run</small>" : "");
  write_change_picture(file, change, scale);
  fprintf(file, "<span class=\"num\">%+.1f%% ", 100 * (change->ratio.value - 1));
  if (isfinite(change->ratio.high))
    fprintf(file, "<small>(%+.1f to %+.1f)</small>", 100 * (change->ratio.low - 1), 100 * (change->ratio.high - 1));
  else
    fputs("<small>(not sure)</small>", file);
  fputs("</span><span class=\"num times\">", file);
  report_time(file, change->before);
  fputs(" \u2192 ", file);
  report_time(file, change->after);
  fputs("</span></li>\n", file);
}

static void write_verdicts(FILE *file, const bench_changes *changes, const report_scale *scale,
                           const bench_verdict *verdicts, int n) {
  for (int k = 0; k < n; k++)
    for (size_t i = 0; i < changes->n; i++)
      if (changes->changes[i].verdict == verdicts[k]) write_change(file, &changes->changes[i], scale);
}

#define FEW 12 /* changes that are shown whatever they are */

static void write_changes(FILE *file, const bench_changes *changes) {
  static const bench_verdict order[] = {BENCH_SLOW, BENCH_FAST, BENCH_AMBIGUOUS, BENCH_SAME};
  const report_scale scale = scale_of_changes(changes);
  int counts[BENCH_AMBIGUOUS + 1] = {0};
  for (size_t i = 0; i < changes->n; i++) counts[changes->changes[i].verdict]++;
  fputs("<ul class=\"counts\">", file);
  for (int i = 0; i < 4; i++)
    fprintf(file, "<li class=\"%s\"><b>%d</b>%s</li>", bench_verdict_name(order[i]), counts[order[i]],
            bench_verdict_name(order[i]));
  fputs("</ul>\n<div class=\"panel\"><ul>\n", file);
  write_change_axis(file, &scale);
  write_verdicts(file, changes, &scale, order, 2);
  const int others = counts[BENCH_SAME] + counts[BENCH_AMBIGUOUS], found = counts[BENCH_SLOW] + counts[BENCH_FAST];
  fputs("</ul>", file);
  if (others > 0)
    fprintf(file, "<details%s><summary>%d AMBIGUOUS or SAME</summary><ul>\n", others + found <= FEW ? " open" : "",
            others);
  write_verdicts(file, changes, &scale, order + 2, 2);
  fputs(others > 0 ? "</ul></details></div>\n" : "</div>\n", file);
}

static bool have_common(const bench_past *a, const bench_past *b) {
  for (size_t i = 0; i < a->n; i++)
    if (bench_past_point(b, a->points[i].series)) return true;
  return false;
}

/*
 * What both runs have: pairs of records, as the page shows them. `before` is the newest run that has anything of
 * `after`, so that it is the run before the newest of all series that both have.
 */
static size_t copy_common(const report_machine *machine, const bench_past *before, const bench_past *after,
                          bench_record *old, bench_record *new) {
  size_t n = 0;
  for (size_t i = 0; i < machine->past->n_series; i++) {
    const bench_series *series = report_series(machine, i);
    if (series->run != after->order || series->before.n == 0 || series->run_before != before->order) continue;
    old[n] = series->before;
    new[n++] = series->newest;
  }
  return n;
}

static tlw_status write_comparison(FILE *file, const report_machine *machine, const bench_past *before,
                                   const bench_past *after, tlw_error *error) {
  const size_t size = machine->past->n_series * sizeof(bench_record);
  bench_records old = {.records = bench_alloc(size, error)}, new = {.records = bench_alloc(size, error)};
  bench_changes changes = {0};
  tlw_status status = TLW_ERR_MEMORY;
  if (old.records && new.records) {
    old.n = new.n = copy_common(machine, before, after, old.records, new.records);
    status = bench_compare(&old, &new, &changes, error);
    if (status == TLW_OK) write_changes(file, &changes);
  }
  bench_changes_free(&changes);
  bench_records_free(&new);
  bench_records_free(&old);
  return status;
}

tlw_status report_changes(FILE *file, const report_machine *machine, tlw_error *error) {
  const bench_past *runs = machine->trends->runs + machine->past->first, *after = runs + machine->past->n - 1;
  const bench_past *before = after;
  while (before > runs && (before == after || !have_common(before, after))) before--;
  fprintf(file, "<section id=\"changes-%zu\"><h2>The newest run against the one before</h2>\n", machine->number);
  tlw_status status = TLW_OK;
  if (!*machine->past->newest.fingerprint) {
    fputs("<p>These runs don't say which machine they were made on, so that they are not compared.</p>\n", file);
  } else if (before == after || !have_common(before, after)) {
    fputs("<p>There is no earlier run of these cases on this machine to compare with.</p>\n", file);
  } else {
    fputs("<p class=\"soft\">", file);
    report_run(file, after->date, after->commit);
    fputs(" against ", file);
    report_run(file, before->date, before->commit);
    fprintf(file,
            ". Right of the line is slower. SLOW and FAST are surely so, by more than %.0f%%; SAME is surely within "
            "%.0f%%; AMBIGUOUS can't be told from these runs.</p>\n",
            50 * BENCH_MARGIN, 100 * BENCH_MARGIN);
    status = write_comparison(file, machine, before, after, error);
  }
  fputs("</section>\n", file);
  return status;
}

/* ---- what a machine is ---- */

static void write_fact(FILE *file, const char *name, const char *value) {
  fprintf(file, "<div><dt>%s</dt><dd>", name);
  report_text(file, value);
  fputs("</dd></div>\n", file);
}

static void write_devices(FILE *file, const bench_records *newest) {
  for (int i = 0; i < newest->n_devices; i++) {
    const bench_saved_device *device = &newest->devices[i];
    char memory[BENCH_TEXT_SIZE], text[2 * TLW_NAME_SIZE + 2 * sizeof device->ran + BENCH_TEXT_SIZE + 16];
    bench_size_text(device->memory_bytes, memory);
    snprintf(text, sizeof text, "%s, %s, %s%s%s%s%s", device->name, device->driver, memory, *device->clocks ? ", " : "",
             device->clocks, *device->ran ? ", " : "", device->ran);
    write_fact(file,
               strcmp(device->backend, "cuda") == 0     ? "CUDA"
               : strcmp(device->backend, "opencl") == 0 ? "OpenCL"
                                                        : "Device",
               text);
  }
}

static void write_facts(FILE *file, const bench_records *newest) {
  char text[512];
  size_t used;
  fputs("<dl class=\"facts\">\n", file);
  snprintf(text, sizeof text, "%s, %d CPU%s, %s", *newest->cpu ? newest->cpu : "not known", newest->cpus,
           newest->cpus == 1 ? "" : "s", *newest->tier ? newest->tier : "SIMD tier not known");
  write_fact(file, "CPU", text);
  write_devices(file, newest);
  used = (size_t)snprintf(text, sizeof text, "governor %s", *newest->governor ? newest->governor : "not known");
  if (newest->megahertz > 0)
    used += (size_t)snprintf(text + used, sizeof text - used, ", %.0f MHz", fmin(newest->megahertz, 1e6));
  if (newest->load >= 0) snprintf(text + used, sizeof text - used, ", load %.2f", fmin(newest->load, 1e6));
  write_fact(file, "Clock", text);
  if (newest->copy_one > 0) {
    used = (size_t)snprintf(text, sizeof text, "%.1f GB/s by one thread", fmin(newest->copy_one * 1e-9, 1e9));
    if (newest->copy_threads > 1)
      snprintf(text + used, sizeof text - used, ", %.1f GB/s by %u", fmin(newest->copy_all * 1e-9, 1e9),
               newest->copy_threads);
    write_fact(file, "memcpy, read and written", text);
  }
  snprintf(text, sizeof text, "tallow %s, %s", *newest->version ? newest->version : "not known",
           *newest->compiler ? newest->compiler : "compiler not known");
  write_fact(file, "Build", text);
  fputs("</dl>\n", file);
  if (!newest->optimized) fputs("<p class=\"warn\">Not optimized: times say little.</p>\n", file);
}

static void write_run_count(FILE *file, const report_machine *machine) {
  const bench_past *runs = machine->trends->runs + machine->past->first;
  const size_t n = machine->past->n;
  fputs("Newest run ", file);
  report_run(file, runs[n - 1].date, runs[n - 1].commit);
  if (n < 2) return;
  char day[11];
  snprintf(day, sizeof day, "%.10s", runs[0].date);
  fprintf(file, "; %zu runs since ", n);
  report_text(file, day);
}

/* ---- the page ---- */

static bool has_peers(const report_machine *machine) {
  for (size_t i = 0; i < machine->past->n_series; i++)
    if (report_series(machine, i)->newest.is_peer) return true;
  return false;
}

static tlw_status write_machine(FILE *file, const report_machine *machine, tlw_error *error) {
  const tlw_status status = report_changes(file, machine, error);
  fputs("<div class=\"pair\">\n", file);
  report_speedups(file, machine);
  report_shares(file, machine);
  fputs("</div>\n", file);
  report_peers(file, machine);
  report_plots(file, machine);
  report_figures(file, machine);
  return status;
}

static report_machine machine_at(const bench_trends *trends, size_t i) {
  const bench_machine_past *past = &trends->machines[i];
  return (report_machine){trends, past, i, trends->shown + past->first_series};
}

static const char *clock_of(const bench_machine_past *past) {
  return past->newest.processor_time ? "processor time" : "wall clock";
}

/* Whether it is the first machine, by another clock. */
static bool is_same_machine(const bench_trends *trends, size_t i) {
  const char *first = trends->machines[0].newest.fingerprint;
  return *first && strcmp(trends->machines[i].newest.fingerprint, first) == 0;
}

static const char *title_of_others(const bench_trends *trends) {
  size_t same = 0;
  for (size_t i = 1; i < trends->n_machines; i++) same += is_same_machine(trends, i);
  return same == 0                        ? "Other machines"
         : same == trends->n_machines - 1 ? "By another clock"
                                          : "Other clocks and machines";
}

static void write_why_apart(FILE *file, const bench_trends *trends) {
  fprintf(file, "<section id=\"machines\"><h2>%s</h2>\n<p class=\"soft\">", title_of_others(trends));
  bool clocks = false, machines = false;
  for (size_t i = 1; i < trends->n_machines; i++) {
    clocks = clocks || is_same_machine(trends, i);
    machines = machines || !is_same_machine(trends, i);
  }
  if (clocks)
    fputs("Processor time is what threads had of the CPUs, the wall clock what passed: times of one are never compared "
          "with those of the other. ",
          file);
  if (machines)
    fputs("Times of two machines, or of other drivers, say nothing about a change, so that each has lines of its own.",
          file);
  fputs("</p>\n", file);
}

static void write_summary(FILE *file, const bench_trends *trends, const report_machine *machine) {
  const bench_records *newest = &machine->past->newest;
  if (is_same_machine(trends, machine->number))
    fputs("This machine", file);
  else
    report_text(file, *newest->cpu ? newest->cpu : "A machine that is not named");
  fprintf(file, ", %s <small>", clock_of(machine->past));
  write_run_count(file, machine);
  fputs("</small></summary>\n", file);
}

static void write_head(FILE *file, const report_machine *machine) {
  fputs("<header>\n<h1>Tallow benchmarks</h1>\n<p class=\"soft\">", file);
  write_run_count(file, machine);
  fprintf(file, "; %s</p>\n", clock_of(machine->past));
  write_facts(file, &machine->past->newest);
  fputs("<nav aria-label=\"Parts of this page\"><a href=\"#changes-0\">Changes</a><a href=\"#speedup-0\">Speedup</a>"
        "<a href=\"#share-0\">Share of the limit</a>",
        file);
  if (has_peers(machine)) fputs("<a href=\"#peers-0\">Other programs</a>", file);
  fputs("<a href=\"#plots-0\">Over time</a><a href=\"#figures-0\">All figures</a>", file);
  if (machine->trends->n_machines > 1) fprintf(file, "<a href=\"#machines\">%s</a>", title_of_others(machine->trends));
  fputs("</nav>\n</header>\n", file);
}

static tlw_status write_others(FILE *file, const bench_trends *trends, tlw_error *error) {
  tlw_status status = TLW_OK;
  if (trends->n_machines > 1) write_why_apart(file, trends);
  for (size_t i = 1; i < trends->n_machines && status == TLW_OK; i++) {
    const report_machine machine = machine_at(trends, i);
    fputs("<details class=\"machine\"><summary>", file);
    write_summary(file, trends, &machine);
    write_facts(file, &machine.past->newest);
    status = write_machine(file, &machine, error);
    fputs("</details>\n", file);
  }
  if (trends->n_machines > 1) fputs("</section>\n", file);
  return status;
}

tlw_status bench_report_write(FILE *file, const bench_trends *trends, tlw_error *error) {
  const report_machine newest = machine_at(trends, 0);
  report_begin(file);
  write_head(file, &newest);
  fputs("<main>\n", file);
  tlw_status status = write_machine(file, &newest, error);
  if (status == TLW_OK) status = write_others(file, trends, error);
  fputs("</main>\n", file);
  report_end(file);
  return status;
}
