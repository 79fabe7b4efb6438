/* Rows of a push: which columns they must have, what is wrong with one, and those that have come before. */
#ifndef TALLOW_BARS_ROWS_H
#define TALLOW_BARS_ROWS_H

#include "state.h"

/* TLW_ERR_ARGUMENT: a column is missing or may not be there. *shape: TLW_BARS_SHAPE_... of these rows. */
tlw_status tlw_bars_check_rows(const tlw_bars *bars, const tlw_trades *rows, uint32_t *shape, tlw_error *error);

/* Whether a row is good behind the last one taken. */
bool tlw_bars_is_good(const tlw_bars *bars, const tlw_trades *rows, int64_t row);

/* Skips a bad row and counts it, or fails with TLW_ERR_DATA. */
tlw_status tlw_bars_meet_bad(tlw_bars *bars, const tlw_trades *rows, int64_t row, tlw_error *error);

/*
 * Passes over rows from `row` on that were seen before the checkpoint; *row becomes the first that is new.
 * TLW_ERR_DATA: where *row stands is another one than there was.
 */
tlw_status tlw_bars_pass_over(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error);

/* Remembers the last of rows begin to end - 1, which were taken or skipped. */
void tlw_bars_remember(tlw_bars *bars, const tlw_trades *rows, int64_t begin, int64_t end);

#endif
