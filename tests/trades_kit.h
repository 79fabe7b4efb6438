/* All that comes of reading files of trades. Without a test framework, for fuzz targets use it too. */
#ifndef TALLOW_TESTS_TRADES_KIT_H
#define TALLOW_TESTS_TRADES_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/io/trades_plain_tier.h"
#include "tallow/trades.h"

/* rows are those that came before a failure. */
typedef struct trades_result {
  tlw_status status;
  tlw_error error;
  bool is_open; /* false if the file was not even opened */
  uint32_t there;
  tlw_time_unit unit;
  tlw_trade_report report;
  int64_t n_rows, n_room;
  int64_t *numbers[TLW_TRADE_ROLES]; /* by role; of columns that are not there what they were poisoned with */
  int32_t *files;                    /* where each row stood */
  int64_t *lines;
} trades_result;

#define TRADES_POISON INT64_C(-0x5a5a5a5a5a5a5a5b)

/*
 * Reads the files, so many rows at a time, by the general path alone where tier is NULL. engine may be NULL. Ends the
 * process where a promise of the header about any reading is broken. The result must be freed.
 */
void trades_read(const char *const *paths, int32_t n_paths, const tlw_trade_options *options, int64_t capacity,
                 const struct tlw_trade_plain_tier *tier, tlw_engine *engine, trades_result *result);
void trades_free(trades_result *result);

/* Compares all of it; prints the first difference. */
bool trades_same(const trades_result *a, const trades_result *b);

#endif
