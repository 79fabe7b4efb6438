/* Runs over time as one page of HTML that loads nothing, needs no script, and is light or dark as its reader likes. */
#ifndef TALLOW_BENCH_REPORT_H
#define TALLOW_BENCH_REPORT_H

#include <stdio.h>

#include "trends.h"

/*
 * Writes the page of trends that were sorted and have a run. TLW_ERR_MEMORY. What the file says of failed writes is its
 * own.
 */
tlw_status bench_report_write(FILE *file, const bench_trends *trends, tlw_error *error);

#endif
