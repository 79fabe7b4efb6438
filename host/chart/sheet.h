/* The sheet of a chart: the texts that all charts of a batch share, and the glyphs that any text of theirs needs. */
#ifndef TALLOW_CHART_SHEET_H
#define TALLOW_CHART_SHEET_H

#include "kernels/core/text.h"
#include "text_room.h"

/* Bytes of the sheet for checked options and their layout, which has text. */
int32_t tlw_sheet_size(const tlw_chart_options *options, const tlk_layout *layout);

/* Makes it in layout->sheet_size bytes, aligned to 8. */
void tlw_sheet_make(const tlw_chart_options *options, const tlk_layout *layout, tlk_sheet *sheet);

#endif
