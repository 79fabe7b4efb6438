/* Bars: speedups, shares of what the machine copies, and other programs. */
#include <math.h>
#include <string.h>

#include "report_html.h"
#include "report_parts.h"

/* ---- what bars share ---- */

static void write_gridlines(FILE *file, const report_scale *scale, bool with_one) {
  for (int i = 0; i < scale->n; i++) {
    const double x = report_place(scale, scale->ticks[i]);
    const bool is_one = with_one && fabs(scale->ticks[i] - 1) < 1e-9;
    fprintf(file, "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"-4\" y2=\"18\"/>", is_one ? "one" : "gridline",
            x, x);
  }
}

static const char *anchor_of(double x) { return x < 3 ? "start" : x > 97 ? "end" : "middle"; }

/* The numbers above the bars. */
static void write_axis(FILE *file, const report_scale *scale, void (*label)(FILE *file, double tick)) {
  fputs("<div class=\"line axis\" aria-hidden=\"true\"><span></span><svg>", file);
  for (int i = 0; i < scale->n; i++) {
    const double x = report_place(scale, scale->ticks[i]);
    fprintf(file, "<text x=\"%.2f%%\" y=\"11\" text-anchor=\"%s\">", x, anchor_of(x));
    label(file, scale->ticks[i]);
    fputs("</text>", file);
  }
  fputs("</svg><span></span></div>\n", file);
}

/* From one place to another, with the reach of what isn't sure. */
static void write_bar(FILE *file, const report_scale *scale, double from, const bench_interval *to) {
  const double begin = report_place(scale, from), end = report_place(scale, to->value);
  fprintf(file, "<rect class=\"bar\" x=\"%.2f%%\" y=\"1\" width=\"%.2f%%\" height=\"12\" rx=\"1.5\"/>",
          fmin(begin, end), fmax(fabs(end - begin), 0.2));
  if (isfinite(to->high))
    fprintf(file, "<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"7\" y2=\"7\"/>",
            report_place(scale, to->low), report_place(scale, to->high));
}

static void begin_case(FILE *file, const bench_series *series, bool first) {
  fprintf(file, "<li class=\"case%s\"><code>", first ? " first" : "");
  report_text(file, series->newest.what);
  fputs("</code>\n", file);
}

static void begin_line(FILE *file, const char *on, int slot, const char *more) {
  fprintf(file, "<div class=\"line s%d%s\"><span class=\"on\" title=\"", slot, more);
  report_text(file, on);
  fputs("\">", file);
  report_text(file, on);
  fputs("</span>", file);
}

static void begin_picture(FILE *file, const bench_series *series) {
  fputs("<svg role=\"img\"><title>", file);
  report_text(file, series->newest.what);
  fputs(" on ", file);
  report_text(file, series->newest.on);
  fputs(": ", file);
}

/* ---- speedups ---- */

static bool stands(const bench_series *series) {
  return !series->newest.is_peer && series->standing == BENCH_STANDS && series->newest.speedup.value > 0;
}

/* Whether a line says something: a speedup, or why there is none, but not that its case has no output. */
static bool is_compared(const bench_series *series) {
  return !series->newest.is_peer &&
         (stands(series) || series->standing == BENCH_OTHER_OUTPUT || series->standing == BENCH_CHANGED_OUTPUT);
}

static void label_ratio(FILE *file, double tick) {
  if (tick >= 1)
    fprintf(file, tick >= 1000 ? "%gk" : "%g", tick >= 1000 ? tick / 1000 : tick);
  else
    fprintf(file, "1/%g", 1 / tick);
}

static report_scale scale_of_speedups(const report_machine *machine) {
  double least = 0.5, most = 2;
  for (size_t i = 0; i < machine->past->n_series; i++) {
    const bench_series *series = report_series(machine, i);
    if (!stands(series)) continue;
    least = fmin(least, series->newest.speedup.value);
    most = fmax(most, series->newest.speedup.value);
  }
  return report_scale_of_ratios(least, most);
}

static void write_speedup(FILE *file, const report_machine *machine, const bench_series *series,
                          const report_scale *scale) {
  const bench_record *record = &series->newest;
  static const char *const reasons[] = {
      [BENCH_OTHER_OUTPUT] = "none: other output", [BENCH_CHANGED_OUTPUT] = "none: its output changed"};
  begin_line(file, record->on, report_slot(machine, record->on), stands(series) ? "" : " said");
  if (stands(series)) {
    begin_picture(file, series);
    report_number(file, record->speedup.value);
    fputc(' ', file);
    report_reach(file, &record->speedup);
    fputs(" times as fast as ", file);
    report_text(file, series->baseline_on);
    fputs("</title>", file);
    write_gridlines(file, scale, true);
    write_bar(file, scale, 1, &record->speedup);
    fputs("</svg>", file);
  }
  fputs("<span class=\"num\">", file);
  if (stands(series)) {
    report_number(file, record->speedup.value);
    fputs("\u00d7 <small>", file);
    report_reach(file, &record->speedup);
    fputs("</small>", file);
  } else {
    fputs(reasons[series->standing], file);
  }
  report_older(file, machine, series);
  fputs("</span></div>\n", file);
}

void report_speedups(FILE *file, const report_machine *machine) {
  const report_scale scale = scale_of_speedups(machine);
  bool any = false;
  fprintf(file, "<section id=\"speedup-%zu\"><h2>Speedup over the CPU</h2>\n", machine->number);
  fprintf(file, "<p class=\"soft\">How many times as fast as the first CPU line of the case, by the threads that are "
                "named, with the SIMD tier ");
  report_text(file, *machine->past->newest.tier ? machine->past->newest.tier : "that is not known");
  fputs(". It is said only where the outputs are equal.</p>\n<div class=\"panel\">\n", file);
  for (size_t i = 0; i < machine->past->n_series;) {
    const size_t end = report_case_end(machine, i);
    size_t k = i;
    while (k < end && !is_compared(report_series(machine, k))) k++;
    if (k < end) {
      if (!any) write_axis(file, &scale, label_ratio);
      if (!any) fputs("<ul>\n", file);
      begin_case(file, report_series(machine, k), !any);
      fputs(" <small>over ", file);
      report_text(file, report_series(machine, k)->baseline_on);
      fputs("</small>\n", file);
      for (; k < end; k++)
        if (is_compared(report_series(machine, k))) write_speedup(file, machine, report_series(machine, k), &scale);
      fputs("</li>\n", file);
      any = true;
    }
    i = end;
  }
  fputs(any ? "</ul>\n"
            : "<p>Each case has one line here, so that there is nothing to compare. Measure with "
              "<code>--threads 1,2</code>, or on a machine with a GPU.</p>\n",
        file);
  fputs("</div></section>\n", file);
}

/* ---- shares ---- */

static void label_share(FILE *file, double tick) { fprintf(file, "%.0f%%", 100 * tick); }

static void write_share(FILE *file, const report_machine *machine, const bench_series *series,
                        const report_scale *scale) {
  const bench_record *record = &series->newest;
  const bench_interval share = {record->share_of_copy, record->share_of_copy, INFINITY};
  begin_line(file, record->on, report_slot(machine, record->on), "");
  begin_picture(file, series);
  fprintf(file, "%.0f%% of memcpy, %.2f GB/s</title>", 100 * record->share_of_copy, record->bytes * 1e-9);
  write_gridlines(file, scale, true);
  write_bar(file, scale, 0, &share);
  fprintf(file, "</svg><span class=\"num\">%.0f%% <small>%.1f GB/s</small>", 100 * record->share_of_copy,
          record->bytes * 1e-9);
  report_older(file, machine, series);
  fputs("</span></div>\n", file);
}

static bool has_share(const bench_series *series) {
  return !series->newest.is_peer && series->newest.share_of_copy > 0;
}

static void write_share_intro(FILE *file, const bench_records *newest) {
  fputs("<p class=\"soft\">Bytes that a call must read and write, by its time, over what <code>memcpy</code> does on "
        "this "
        "machine",
        file);
  if (newest->copy_one > 0) fprintf(file, ": %.1f GB/s by one thread", newest->copy_one * 1e-9);
  if (newest->copy_all > 0 && newest->copy_threads > 1)
    fprintf(file, ", %.1f GB/s by %u", newest->copy_all * 1e-9, newest->copy_threads);
  fputs(". Over 100% is work that a cache holds.</p>\n", file);
}

void report_shares(FILE *file, const report_machine *machine) {
  double most = 1;
  bool any = false;
  for (size_t i = 0; i < machine->past->n_series; i++)
    if (has_share(report_series(machine, i))) most = fmax(most, report_series(machine, i)->newest.share_of_copy);
  const report_scale scale = report_scale_from_zero(fmin(most, 1e6));
  fprintf(file, "<section id=\"share-%zu\"><h2>Share of the limit</h2>\n", machine->number);
  write_share_intro(file, &machine->past->newest);
  fputs("<div class=\"panel\">\n", file);
  for (size_t i = 0; i < machine->past->n_series;) {
    const size_t end = report_case_end(machine, i);
    size_t k = i;
    while (k < end && !has_share(report_series(machine, k))) k++;
    if (k < end) {
      if (!any) write_axis(file, &scale, label_share);
      if (!any) fputs("<ul>\n", file);
      begin_case(file, report_series(machine, k), !any);
      for (; k < end; k++)
        if (has_share(report_series(machine, k))) write_share(file, machine, report_series(machine, k), &scale);
      fputs("</li>\n", file);
      any = true;
    }
    i = end;
  }
  fputs(any ? "</ul>\n" : "<p>No case here says how many bytes it moves.</p>\n", file);
  fputs("</div></section>\n", file);
}

/* ---- other programs ---- */

static bool is_beside_peers(const report_machine *machine, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++)
    if (report_series(machine, i)->newest.is_peer) return true;
  return false;
}

static bench_interval time_of(const bench_series *series) {
  bool disturbed;
  return bench_record_time(&series->newest, &disturbed);
}

/* Whether it is said how many times as fast Tallow is. */
static bool has_ratio(const bench_series *series) {
  return series->newest.is_peer && (series->standing == BENCH_STANDS || series->standing == BENCH_STANDS_UNCHECKED);
}

static void write_peer_title(FILE *file, const bench_series *series, const bench_interval *time) {
  const bench_record *record = &series->newest;
  begin_picture(file, series);
  report_time_interval(file, time);
  fputs("; Tallow is ", file);
  report_number(file, record->speedup.value);
  fputc(' ', file);
  report_reach(file, &record->speedup);
  fputs(" times as fast; ", file);
  report_text(file, record->settings);
  fputs("</title>", file);
}

static void write_peer_line(FILE *file, const bench_series *series, const report_scale *scale) {
  const bench_record *record = &series->newest;
  const bench_interval time = time_of(series);
  char on[sizeof record->on + 16];
  snprintf(on, sizeof on, "%s%s", record->is_peer ? "" : "tallow, ", record->on);
  begin_line(file, on, record->is_peer ? 5 : 0, has_ratio(series) ? "" : " said");
  if (has_ratio(series)) {
    write_peer_title(file, series, &time);
    write_gridlines(file, scale, true);
    write_bar(file, scale, 1, &record->speedup);
    fputs("</svg>", file);
  }
  fputs("<span class=\"num\">", file);
  report_time(file, time.value);
  if (has_ratio(series)) {
    fputs(" <small>Tallow is ", file);
    report_number(file, record->speedup.value);
    fputs(series->standing == BENCH_STANDS ? "\u00d7 as fast</small>" : "\u00d7 as fast*</small>", file);
  } else if (record->is_peer) {
    fputs(series->standing == BENCH_OTHER_OUTPUT ? " <small>other output</small>" : "", file);
  }
  fputs("</span></div>\n", file);
}

/* Those of a case, and the line of Tallow that they are compared with. */
static void write_peers_of(FILE *file, const report_machine *machine, size_t begin, size_t end,
                           const report_scale *scale, bool first) {
  const char *baseline = "";
  for (size_t i = begin; i < end; i++)
    if (report_series(machine, i)->newest.is_peer) baseline = report_series(machine, i)->baseline_on;
  begin_case(file, report_series(machine, begin), first);
  for (size_t i = begin; i < end; i++) {
    const bench_series *series = report_series(machine, i);
    if (series->newest.is_peer || strcmp(series->newest.on, baseline) == 0) write_peer_line(file, series, scale);
  }
  fputs("</li>\n", file);
}

static report_scale scale_of_peers(const report_machine *machine) {
  double least = 1, most = 2;
  for (size_t i = 0; i < machine->past->n_series; i++) {
    const bench_series *series = report_series(machine, i);
    if (!has_ratio(series)) continue;
    least = fmin(least, series->newest.speedup.value);
    most = fmax(most, series->newest.speedup.value);
  }
  return report_scale_of_ratios(least, most);
}

/* How each is set, of which the newest row tells. */
static void write_settings(FILE *file, const report_machine *machine) {
  fputs("<details><summary>How they are set, and how outputs compare</summary><ul>\n", file);
  for (size_t i = 0; i < machine->past->n_series; i++) {
    const bench_record *record = &report_series(machine, i)->newest;
    if (!record->is_peer) continue;
    fputs("<li><code>", file);
    report_text(file, record->what);
    fputs("</code> ", file);
    report_text(file, record->on);
    fputs(": ", file);
    report_text(file, *record->settings ? record->settings : "settings not known");
    fputs("; output ", file);
    report_text(file, *record->said ? record->said : record->is_same ? "the same" : "not compared");
    fputs("</li>\n", file);
  }
  fputs("</ul></details>\n", file);
}

static void begin_peers(FILE *file, const report_machine *machine, const report_scale *scale) {
  fprintf(file, "<section id=\"peers-%zu\"><h2>Beside other programs</h2>\n", machine->number);
  fputs("<p class=\"soft\">How many times as long others take for the same work as Tallow by the line that is named, "
        "on a "
        "logarithmic scale. Where outputs differ nothing but the time is said; of those with a * they can't be "
        "compared.</p>\n<div class=\"panel wide\">\n",
        file);
  write_axis(file, scale, label_ratio);
  fputs("<ul>\n", file);
}

void report_peers(FILE *file, const report_machine *machine) {
  const report_scale scale = scale_of_peers(machine);
  bool any = false;
  for (size_t i = 0; i < machine->past->n_series;) {
    const size_t end = report_case_end(machine, i);
    if (is_beside_peers(machine, i, end)) {
      if (!any) begin_peers(file, machine, &scale);
      write_peers_of(file, machine, i, end, &scale, !any);
      any = true;
    }
    i = end;
  }
  if (!any) return;
  fputs("</ul>\n", file);
  write_settings(file, machine);
  fputs("</div></section>\n", file);
}
