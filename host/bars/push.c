/* Rows in. */
#include "push.h"
#include "emit.h"
#include "host/base/error.h"
#include "kinds.h"
#include "rows.h"

/* Takes rows up to one that is bad, which it meets; *row moves on to the first that was not taken. */
static tlw_status take_some(tlw_bars *bars, const tlw_trades *rows, int64_t *row, int64_t end, tlw_error *error) {
  struct tlw_bars_span span = {rows, *row, end};
  tlw_status status = bars->way->walk(bars, &span, error);
  *row = span.begin;
  if (status != TLW_OK || span.begin == end) return status;
  status = tlw_bars_meet_bad(bars, rows, span.begin, error);
  if (status == TLW_OK) ++*row;
  return status;
}

tlw_status tlw_bars_take(tlw_bars *bars, const tlw_trades *rows, int64_t *row, int64_t end, tlw_error *error) {
  const int64_t first = *row;
  bars->first_number = bars->report.rows - first;
  tlw_status status = TLW_OK;
  while (*row < end && status == TLW_OK) status = take_some(bars, rows, row, end, error);
  tlw_bars_remember(bars, rows, first, *row);
  return status;
}

tlw_status tlw_bars_ready(tlw_bars *bars, const tlw_trades *rows, int64_t *row, tlw_error *error) {
  *row = 0;
  bars->sink_failed = false;
  uint32_t shape;
  tlw_status status = tlw_bars_check_rows(bars, rows, &shape, error);
  if (status == TLW_OK) status = tlw_bars_settle(bars, error);
  if (status == TLW_OK) status = tlw_bars_flush(bars, error);
  if (status != TLW_OK) return status;
  bars->shape = shape;
  return tlw_bars_pass_over(bars, rows, row, error);
}

tlw_status tlw_bars_end(tlw_bars *bars, tlw_status status, tlw_error *error) {
  if (bars->sink_failed) return status;
  tlw_error failure;
  const tlw_status given = tlw_bars_flush(bars, &failure);
  if (given == TLW_OK) return status;
  if (error) *error = failure;
  return given;
}

tlw_status tlw_bars_push(tlw_bars *bars, const tlw_trades *trades, tlw_error *error) {
  if (!bars) return tlw_fail(error, TLW_ERR_ARGUMENT, "bars is NULL");
  int64_t row;
  tlw_status status = tlw_bars_ready(bars, trades, &row, error);
  if (status != TLW_OK) return status;
  status = tlw_bars_take(bars, trades, &row, trades->n_rows, error);
  return tlw_bars_end(bars, status, error);
}
