/* The steps of a push. */
#ifndef TALLOW_BARS_PUSH_H
#define TALLOW_BARS_PUSH_H

#include "state.h"

/* Checks rows, gives what a sink did not take, passes over rows that were seen. *row: the first that is new. */
tlw_status tlw_bars_ready(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error);

/* Takes rows from *row on and before `end`; *row moves on to the first that was not taken. */
tlw_status tlw_bars_take(tlw_bars *bars, const tlw_trades *rows, int64_t *row, int64_t end, tlw_error *error);

/* Gives all bars that wait, behind rows that were taken with this status. What comes back is that of the push. */
tlw_status tlw_bars_end(tlw_bars *bars, tlw_status status, tlw_error *error);

#endif
