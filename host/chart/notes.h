/* The notes of a chart: its time labels, and the points of its lines. include/tallow/chart.h states the rules. */
#ifndef TALLOW_CHART_NOTES_H
#define TALLOW_CHART_NOTES_H

#include "host/engine/draw.h"

/* Fills in the notes of series i of a source: a tlw_note_fn. */
void tlw_notes_fill(const struct tlw_source *source, int64_t i, const tlk_series *series, tlk_notes *notes);

/* What notes need of rows that come in chunks: the pixel columns that hold candles, from left to right. */
struct tlw_chunk_notes;

/* Bytes of it, for charts that have notes. */
uint64_t tlw_chunk_notes_size(const tlk_layout *layout);

/* Begins with no rows, in so much memory, aligned to 8. */
struct tlw_chunk_notes *tlw_chunk_notes_begin(void *memory, const tlk_layout *layout);

/*
 * Adds all rows of candles, the first of which is row `first` of the series. Where some have no times, there are no time
 * labels.
 */
void tlw_chunk_notes_add(struct tlw_chunk_notes *notes, const tlw_candles *candles, const tlk_series *series,
                         int64_t first);

/* All rows are added: makes the time labels of the source that the notes are of, whose zone is not needed any more. */
void tlw_chunk_notes_end(struct tlw_chunk_notes *notes, const struct tlw_source *source);

#endif
