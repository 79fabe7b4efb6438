/* The newest figures of each case, and what failed or is missing. */
#include <math.h>
#include <string.h>

#include "report_html.h"
#include "report_parts.h"
#include "table.h"

static void write_cell(FILE *file, const char *text) {
  fputs("<td>", file);
  report_text(file, text);
  fputs("</td>", file);
}

static void write_rates(FILE *file, const bench_record *record) {
  char rate[BENCH_TEXT_SIZE], text[BENCH_TEXT_SIZE + 32] = "";
  bench_rate_text(record->items, rate);
  if (record->items > 0) snprintf(text, sizeof text, "%s%s/s", rate, *record->item ? record->item : "items");
  write_cell(file, text);
  *text = 0;
  if (record->bytes > 0) snprintf(text, sizeof text, "%.2f", record->bytes * 1e-9);
  write_cell(file, text);
  *text = 0;
  if (record->share_of_copy > 0) snprintf(text, sizeof text, "%.2f", record->share_of_copy);
  write_cell(file, text);
}

static void write_size(FILE *file, uint64_t bytes) {
  char text[BENCH_TEXT_SIZE];
  bench_size_text(bytes, text);
  write_cell(file, text);
}

static void write_speedup(FILE *file, const bench_series *series) {
  fputs("<td>", file);
  if (!series->newest.is_peer && series->standing == BENCH_STANDS) {
    report_number(file, series->newest.speedup.value);
    fputc(' ', file);
    report_reach(file, &series->newest.speedup);
  }
  fputs("</td>", file);
}

static void write_series(FILE *file, const bench_series *series) {
  const bench_record *record = &series->newest;
  bool disturbed;
  const bench_interval time = bench_record_time(record, &disturbed);
  fputs("<tr><td><code>", file);
  report_text(file, record->what);
  fputs("</code></td><td class=\"left\">", file);
  report_text(file, record->on);
  fputs("</td><td>", file);
  report_time_interval(file, &time);
  fputs(disturbed ? " !</td><td>" : "</td><td>", file);
  report_time(file, bench_record_best(record));
  fputs("</td><td>", file);
  if (record->kernel > 0) report_time(file, record->kernel);
  fputs("</td><td>", file);
  if (record->cold > 0) report_time(file, record->cold);
  fputs("</td>", file);
  write_rates(file, record);
  write_size(file, record->host_peak);
  write_size(file, record->device_peak);
  write_speedup(file, series);
  fputs("<td><code>", file);
  report_text(file, record->hash);
  fputs("</code></td><td>", file);
  report_run(file, series->date, series->commit);
  fputs("</td></tr>\n", file);
}

#define FAILURES_MOST 100

static void write_failures(FILE *file, const bench_records *newest) {
  if (newest->n_failures == 0) return;
  fprintf(file, "<p class=\"warn\">%zu line%s of the newest run failed:</p><ul>\n", newest->n_failures,
          newest->n_failures == 1 ? "" : "s");
  for (size_t i = 0; i < newest->n_failures && i < FAILURES_MOST; i++) {
    fputs("<li><code>", file);
    report_text(file, newest->failures[i].name);
    fputs("</code> ", file);
    report_text(file, newest->failures[i].failure);
    fputs("</li>\n", file);
  }
  fputs("</ul>\n", file);
}

static void write_missing(FILE *file, const bench_records *newest) {
  if (newest->n_missing == 0) return;
  fputs("<p>Other programs that could not be installed, and so were not measured:</p><ul>\n", file);
  for (int i = 0; i < newest->n_missing; i++) {
    fputs("<li><b>", file);
    report_text(file, newest->missing[i].name);
    fputs("</b> ", file);
    report_text(file, newest->missing[i].reason);
    fputs("</li>\n", file);
  }
  fputs("</ul>\n", file);
}

void report_figures(FILE *file, const report_machine *machine) {
  fprintf(file, "<section id=\"figures-%zu\"><h2>All figures</h2>\n", machine->number);
  write_failures(file, &machine->past->newest);
  write_missing(file, &machine->past->newest);
  fputs(
      "<details><summary>The newest of each case and lane</summary><div class=\"scroll\" tabindex=\"0\"><table><thead>"
      "<tr><th>case</th><th class=\"left\">on</th><th>median (95%)</th><th>best</th><th>kernels "
      "alone</th><th>cold</th><th>rate</th>"
      "<th>GB/s</th><th>of memcpy</th><th>host memory</th><th>device memory</th><th>speedup</th><th>output</th>"
      "<th>run</th></tr></thead><tbody>\n",
      file);
  for (size_t i = 0; i < machine->past->n_series; i++) write_series(file, report_series(machine, i));
  fputs("</tbody></table></div></details></section>\n", file);
}
