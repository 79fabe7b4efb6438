/*
 * Runs as JSON in the format of google-benchmark: an object with "context" and "benchmarks", where each batch is a
 * repetition, and mean, median, stddev and cv are aggregates. What it has no name for are members of the aggregate
 * "median", and "spoiled" of a repetition. records.h reads it.
 */
#ifndef TALLOW_BENCH_JSON_H
#define TALLOW_BENCH_JSON_H

#include "run.h"

/* Text that must be freed; NULL and an error. */
char *bench_run_json(const bench_run *run, tlw_error *error);

#endif
