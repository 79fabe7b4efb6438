/* A run for people: what it was made on, and a line for each row. */
#ifndef TALLOW_BENCH_TABLE_H
#define TALLOW_BENCH_TABLE_H

#include <stdio.h>

#include "compare.h"
#include "records.h"
#include "run.h"

void bench_print_machine(FILE *file, const bench_machine *machine);

/* The rows, and what the columns mean. A row that is slower or faster than the CPU says so only if outputs are equal. */
void bench_print_table(FILE *file, const bench_run *run);

/* Likewise of a run that was saved, with the rows of peers behind those of Tallow. */
void bench_print_saved(FILE *file, const bench_records *records);

/* What bench_compare found. */
void bench_print_changes(FILE *file, const bench_changes *changes);

#define BENCH_TEXT_SIZE 48

/* Bytes: "4.00 MiB" or, of none, "-". */
void bench_size_text(uint64_t bytes, char text[BENCH_TEXT_SIZE]);

/* "97.1 us", with three digits. */
void bench_time_text(double seconds, char text[BENCH_TEXT_SIZE]);

/* "2.00", "0.997", "5,200": three digits that count, and all before the point. */
void bench_ratio_text(double ratio, char text[BENCH_TEXT_SIZE]);

/* "10,300" or "2.44 G" and the like, with three digits; for counts a second. */
void bench_rate_text(double rate, char text[BENCH_TEXT_SIZE]);

#endif
