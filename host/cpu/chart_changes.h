/*
 * What changes from row to row of a chart, without a raster of it: the events of its candles change packed bytes one by
 * one. Only blocks that the grid, lines or text have a part in are painted, and compared with those of the row above.
 */
#ifndef TALLOW_CPU_CHART_CHANGES_H
#define TALLOW_CPU_CHART_CHANGES_H

#include "chart.h"
#include "host/io/png_rows.h"

/* A chart on its way, from its first row on. */
struct tlw_cpu_changes;

/* Bytes of it for charts of this layout of which at most so many rows are made together. */
uint64_t tlw_cpu_changes_size(const tlk_layout *layout, int32_t most_rows);

/*
 * Begins with the chart that tlw_cpu_mark made in scratch, in memory of that size aligned to TLW_MEMORY_ALIGN. Until
 * the last row nothing else may use the scratch.
 */
struct tlw_cpu_changes *tlw_cpu_changes_begin(void *memory, const struct tlw_cpu_tier *tier,
                                              const struct tlw_render_job *job, const tlk_series *series,
                                              const struct tlw_cpu_scratch *scratch, int32_t most_rows);

/* Puts in what changes in the next rows->n rows; those are of the table that the chart's first rows were of. */
void tlw_cpu_changes_take(struct tlw_cpu_changes *changes, const struct tlw_png_rows *rows);

#endif
