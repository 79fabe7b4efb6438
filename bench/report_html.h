/* What the parts of the page share: text, numbers, scales, and the style. */
#ifndef TALLOW_BENCH_REPORT_HTML_H
#define TALLOW_BENCH_REPORT_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "statistics.h"

/* Text of files, for elements and attributes in double quotes. */
void report_text(FILE *file, const char *text);

/* "97.1 µs", "97.1 µs (96.0 µs to 98.2 µs)" */
void report_time(FILE *file, double seconds);
void report_time_interval(FILE *file, const bench_interval *time);

/* "1.97"; and "(1.93 to 2.01)" of its interval, or that it isn't sure. */
void report_number(FILE *file, double ratio);
void report_reach(FILE *file, const bench_interval *ratio);

/* "2026-11-22 10:11", commit "27b4bba" */
void report_run(FILE *file, const char *date, const char *commit);

/* ---- scales: where a number lies, in percent of a width or height ---- */

#define REPORT_TICKS 8

typedef struct report_scale {
  bool is_log;
  double low, high;
  int n;
  double ticks[REPORT_TICKS];
} report_scale;

/* 0 to 100, also of what lies beyond. */
double report_place(const report_scale *scale, double value);

/* From 0 up to at least most. */
report_scale report_scale_from_zero(double most);

/* Ratios: 1 is in it and a tick, as are powers of two or ten. */
report_scale report_scale_of_ratios(double least, double most);

/* Times, all above 0, with room for what is hardly different. */
report_scale report_scale_of_times(double least, double most);

/* ---- the page ---- */

void report_begin(FILE *file);
void report_end(FILE *file);

#endif
