/* A plot for each case: times over the runs of a machine, with their intervals, a line for each lane. */
#include <math.h>
#include <string.h>

#include "report_html.h"
#include "report_parts.h"

#define MANY 70         /* runs beyond which marks are small */
#define REACH_MOST 1.25 /* times its median: what an interval may ask of a scale */

struct plot {
  const report_machine *machine;
  const bench_past *runs;
  size_t n;          /* runs */
  size_t begin, end; /* series */
  report_scale scale;
};

static double place_of(const struct plot *plot, size_t run) {
  return plot->n > 1 ? 100.0 * (double)run / (double)(plot->n - 1) : 50;
}

/* From the top. */
static double height_of(const struct plot *plot, double seconds) { return 100 - report_place(&plot->scale, seconds); }

static const bench_point *point_of(const struct plot *plot, size_t run, size_t series) {
  return bench_past_point(&plot->runs[run], plot->machine->shown[series]);
}

static report_scale scale_of(const struct plot *plot) {
  double least = INFINITY, most = 0;
  for (size_t i = plot->begin; i < plot->end; i++)
    for (size_t run = 0; run < plot->n; run++) {
      const bench_point *point = point_of(plot, run, i);
      if (!point || report_series(plot->machine, i)->newest.is_peer) continue;
      least = fmin(least, fmax(point->time.low, point->time.value / REACH_MOST));
      most = fmax(most, fmin(point->time.high, point->time.value * REACH_MOST));
    }
  return report_scale_of_times(least, most);
}

/* ---- lines ---- */

/* Where one of three times of a point is, in thousandths of the picture. */
static void write_place(FILE *file, const struct plot *plot, size_t run, double seconds) {
  fprintf(file, "%.1f,%.1f ", 10 * place_of(plot, run), 10 * height_of(plot, seconds));
}

/* Where intervals are known, run by run; a gap parts them. */
static void write_bands(FILE *file, const struct plot *plot, size_t series) {
  for (size_t begin = 0; begin < plot->n;) {
    size_t end = begin;
    for (const bench_point *point; end < plot->n && (point = point_of(plot, end, series)); end++)
      if (!isfinite(point->time.high)) break;
    if (end > begin + 1) {
      fputs("<polygon class=\"band\" points=\"", file);
      for (size_t i = begin; i < end; i++) write_place(file, plot, i, point_of(plot, i, series)->time.high);
      for (size_t i = end; i-- > begin;) write_place(file, plot, i, point_of(plot, i, series)->time.low);
      fputs("\"/>", file);
    }
    begin = end + 1;
  }
}

static void write_curve(FILE *file, const struct plot *plot, size_t series) {
  fputs("<polyline class=\"curve\" points=\"", file);
  for (size_t i = 0; i < plot->n; i++) {
    const bench_point *point = point_of(plot, i, series);
    if (point) write_place(file, plot, i, point->time.value);
  }
  fputs("\"/>", file);
}

static void write_lines(FILE *file, const struct plot *plot) {
  fputs("<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\">", file);
  for (int i = 0; i < plot->scale.n; i++) {
    const double y = 10 * height_of(plot, plot->scale.ticks[i]);
    fprintf(file, "<line class=\"gridline\" x1=\"0\" x2=\"1000\" y1=\"%.1f\" y2=\"%.1f\"/>", y, y);
  }
  for (size_t i = plot->begin; i < plot->end; i++) {
    const bench_record *record = &report_series(plot->machine, i)->newest;
    if (record->is_peer || plot->n < 2) continue;
    fprintf(file, "<g class=\"s%d\">", report_slot(plot->machine, record->on));
    write_bands(file, plot, i);
    write_curve(file, plot, i);
    fputs("</g>", file);
  }
  fputs("</svg>\n", file);
}

/* ---- marks ---- */

static void write_mark(FILE *file, const struct plot *plot, size_t run, const bench_point *point, const char *on) {
  const double x = place_of(plot, run);
  if (plot->n == 1 && isfinite(point->time.high))
    fprintf(file, "<line class=\"reach\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.2f%%\" y2=\"%.2f%%\"/>", x, x,
            height_of(plot, point->time.low), height_of(plot, point->time.high));
  fprintf(file, "<circle class=\"mark%s\" cx=\"%.2f%%\" cy=\"%.2f%%\" r=\"%s\"><title>",
          point->disturbed ? " busy" : "", x, height_of(plot, point->time.value), plot->n > MANY ? "1.7" : "3.6");
  report_run(file, plot->runs[run].date, plot->runs[run].commit);
  fputs(", ", file);
  report_text(file, on);
  fputs(": ", file);
  report_time_interval(file, &point->time);
  fputs("</title></circle>\n", file);
}

static void write_marks(FILE *file, const struct plot *plot) {
  for (size_t i = plot->begin; i < plot->end; i++) {
    const bench_record *record = &report_series(plot->machine, i)->newest;
    if (record->is_peer) continue;
    fprintf(file, "<g class=\"s%d\">", report_slot(plot->machine, record->on));
    for (size_t run = 0; run < plot->n; run++) {
      const bench_point *point = point_of(plot, run, i);
      if (point) write_mark(file, plot, run, point, record->on);
    }
    fputs("</g>", file);
  }
}

/* ---- around it ---- */

static void write_axes(FILE *file, const struct plot *plot) {
  for (int i = 0; i < plot->scale.n; i++) {
    fprintf(file, "<text x=\"-8\" y=\"%.2f%%\" dy=\".35em\" text-anchor=\"end\">",
            height_of(plot, plot->scale.ticks[i]));
    report_time(file, plot->scale.ticks[i]);
    fputs("</text>", file);
  }
}

#define NAMED 3 /* runs beneath a plot that have room */

/* Whether days tell runs apart. */
static bool days_repeat(const struct plot *plot) {
  for (size_t i = 1; i < plot->n; i++)
    if (strncmp(plot->runs[i].date, plot->runs[i - 1].date, sizeof "2026-11-22" - 1) == 0) return true;
  return false;
}

static void write_end(FILE *file, const bench_past *run, bool with_time) {
  char day[sizeof "2026-11-22"], time[sizeof "11:45"] = "";
  snprintf(day, sizeof day, "%.10s", run->date);
  if (strlen(run->date) > sizeof day) snprintf(time, sizeof time, "%.5s", run->date + sizeof day);
  fputs("<span>", file);
  report_text(file, day);
  if (with_time) fputc(' ', file);
  if (with_time) report_text(file, time);
  fputs("<br>", file);
  report_text(file, run->commit);
  fputs("</span>", file);
}

/* Which runs the plot begins and ends with, or all of few. */
static void write_ends(FILE *file, const struct plot *plot) {
  const bool with_time = days_repeat(plot);
  const size_t step = plot->n <= NAMED ? 1 : plot->n - 1;
  fprintf(file, "<div class=\"ends%s\">", plot->n == 1 ? " alone" : "");
  for (size_t i = 0; i < plot->n; i += step) write_end(file, &plot->runs[i], with_time);
  fputs("</div>\n", file);
}

static void write_key(FILE *file, const struct plot *plot) {
  fputs("<ul class=\"key\">", file);
  for (size_t i = plot->begin; i < plot->end; i++) {
    const bench_series *series = report_series(plot->machine, i);
    bool disturbed;
    const bench_interval time = bench_record_time(&series->newest, &disturbed);
    if (series->newest.is_peer) continue;
    fprintf(file,
            "<li class=\"s%d\"><svg aria-hidden=\"true\"><line class=\"curve\" x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\"/>"
            "<circle class=\"mark\" cx=\"13\" cy=\"5\" r=\"3.6\"/></svg><span>",
            report_slot(plot->machine, series->newest.on));
    report_text(file, series->newest.on);
    fputs(" <b>", file);
    report_time(file, time.value);
    fputs("</b>", file);
    report_older(file, plot->machine, series);
    fputs("</span></li>\n", file);
  }
  fputs("</ul>\n", file);
}

/* The figures of the plot, the newest run first. */
static void write_table(FILE *file, const struct plot *plot) {
  fputs("<details><summary>Figures</summary><div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>run</th>", file);
  for (size_t i = plot->begin; i < plot->end; i++) {
    const bench_record *record = &report_series(plot->machine, i)->newest;
    if (record->is_peer) continue;
    fputs("<th>", file);
    report_text(file, record->on);
    fputs("</th>", file);
  }
  fputs("</tr></thead><tbody>\n", file);
  for (size_t run = plot->n; run-- > 0;) {
    fputs("<tr><td>", file);
    report_run(file, plot->runs[run].date, plot->runs[run].commit);
    fputs("</td>", file);
    for (size_t i = plot->begin; i < plot->end; i++) {
      const bench_point *point = point_of(plot, run, i);
      if (report_series(plot->machine, i)->newest.is_peer) continue;
      fputs("<td>", file);
      if (point) report_time_interval(file, &point->time);
      fputs("</td>", file);
    }
    fputs("</tr>\n", file);
  }
  fputs("</tbody></table></div></details>\n", file);
}

static void write_plot(FILE *file, const struct plot *plot) {
  const char *what = report_series(plot->machine, plot->begin)->newest.what;
  fputs("<figure class=\"card\"><figcaption><code>", file);
  report_text(file, what);
  fputs("</code></figcaption>\n", file);
  write_key(file, plot);
  fprintf(file, "<div class=\"plot%s\">", plot->n > MANY ? " many" : "");
  fputs("<svg role=\"img\" aria-label=\"", file);
  report_text(file, what);
  fprintf(file, ": times of %zu run%s; the table below has them\">\n", plot->n, plot->n == 1 ? "" : "s");
  write_lines(file, plot);
  write_axes(file, plot);
  write_marks(file, plot);
  fputs("</svg></div>\n", file);
  write_ends(file, plot);
  write_table(file, plot);
  fputs("</figure>\n", file);
}

static bool is_of_tallow(const report_machine *machine, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++)
    if (!report_series(machine, i)->newest.is_peer) return true;
  return false;
}

void report_plots(FILE *file, const report_machine *machine) {
  fprintf(file, "<section id=\"plots-%zu\"><h2>Over time</h2>\n", machine->number);
  fputs(
      "<p class=\"soft\">The median of a call, run by run, and the interval that holds it in 95 of 100 runs. The scale "
      "is logarithmic: the same ratio has the same height. Times of other machines are never on these lines.</p>\n"
      "<div class=\"plots\">\n",
      file);
  for (size_t i = 0; i < machine->past->n_series;) {
    struct plot plot = {
        machine, machine->trends->runs + machine->past->first, machine->past->n, i, report_case_end(machine, i), {0}};
    if (is_of_tallow(machine, plot.begin, plot.end)) {
      plot.scale = scale_of(&plot);
      write_plot(file, &plot);
    }
    i = plot.end;
  }
  fputs("</div></section>\n", file);
}
