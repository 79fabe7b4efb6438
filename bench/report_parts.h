/* The parts of the page, each of one machine. */
#ifndef TALLOW_BENCH_REPORT_PARTS_H
#define TALLOW_BENCH_REPORT_PARTS_H

#include <stdio.h>

#include "trends.h"

/* A machine, with all that its parts want to know. */
typedef struct report_machine {
  const bench_trends *trends;
  const bench_machine_past *past;
  size_t number;       /* from 0, in the ids of its parts */
  const size_t *shown; /* its series, past->n_series of them */
} report_machine;

/* The series that is shown as number i. */
const bench_series *report_series(const report_machine *machine, size_t i);

/* The end of the series of one case, of which the first is shown as number i. */
size_t report_case_end(const report_machine *machine, size_t i);

/* 0 to 5, of a lane's colour and line: the same on all of a machine's page. */
int report_slot(const report_machine *machine, const char *on);

/* A note of the run that a figure is of, where that is not the newest. */
void report_older(FILE *file, const report_machine *machine, const bench_series *series);

/* Bars: over the CPU; of what this machine copies; beside other programs, where there are any. */
void report_speedups(FILE *file, const report_machine *machine);
void report_shares(FILE *file, const report_machine *machine);
void report_peers(FILE *file, const report_machine *machine);

/* The newest run against the one before: TLW_ERR_MEMORY. */
tlw_status report_changes(FILE *file, const report_machine *machine, tlw_error *error);

/* A plot for each case, over all runs. */
void report_plots(FILE *file, const report_machine *machine);

/* The newest figures of everything, and what failed or is missing. */
void report_figures(FILE *file, const report_machine *machine);

#endif
