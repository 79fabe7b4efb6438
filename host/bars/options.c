#include <string.h>

#include "clock.h"
#include "host/base/error.h"
#include "kinds.h"

#define YEAR INT64_C(31556952) /* seconds, of 365.2425 days */
#define MOST_YEARS 300
#define MOST_OFFSET (10 * YEAR * INT64_C(1000000000))
#define MOST_SIZE (INT64_C(1) << 31)
#define ALL_FIELDS (TLW_BAR_VOLUME | TLW_BAR_QUOTE | TLW_BAR_SIDES | TLW_BAR_IDS)

void tlw_bars_options_init(tlw_bars_options *options, tlw_bars_kind kind, int64_t size) {
  if (!options) return;
  *options = (tlw_bars_options){
      .struct_size = sizeof *options,
      .kind = kind,
      .interval = TLW_INTERVAL_MINUTE,
      .size = size,
      .empty = TLW_EMPTY_NONE,
      .unit = TLW_UNIT_MS,
      .fields = TLW_BAR_VOLUME | TLW_BAR_QUOTE,
      .on_bad = TLW_BAD_ERROR,
  };
}

const char *tlw_trade_defect_name(tlw_trade_defect defect) {
  static const char *const names[TLW_TRADE_DEFECTS] = {"time", "id", "price", "quantity"};
  return (int)defect >= 0 && (int)defect < TLW_TRADE_DEFECTS ? names[defect] : NULL;
}

/* ---- what will do ---- */

static tlw_status check_number(const char *name, int64_t number, int64_t least, int64_t most, tlw_error *error) {
  if (number >= least && number <= most) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "options.%s is %lld: it must be %lld to %lld", name, (long long)number,
                  (long long)least, (long long)most);
}

/* So many of the interval's unit are 300 years. */
static int64_t most_intervals(tlw_interval interval) {
  const int64_t length = tlw_clock_length(interval);
  if (length == 0) return MOST_YEARS * 12;
  const int64_t seconds = MOST_YEARS * YEAR, thousandths = length / 1000000;
  const int64_t most = seconds * 1000 / thousandths;
  return most < MOST_SIZE ? most : MOST_SIZE;
}

static tlw_status check_time(const tlw_bars_options *options, tlw_error *error) {
  tlw_status status = check_number("interval", options->interval, TLW_INTERVAL_MS, TLW_INTERVAL_MONTH, error);
  if (status == TLW_OK) status = check_number("size", options->size, 1, most_intervals(options->interval), error);
  if (status == TLW_OK) status = check_number("offset", options->offset, 1 - MOST_OFFSET, MOST_OFFSET - 1, error);
  if (status == TLW_OK) status = check_number("empty", options->empty, TLW_EMPTY_NONE, TLW_EMPTY_NULL, error);
  if (status != TLW_OK) return status;
  const int64_t unit = tlw_clock_unit(options->unit);
  /* Of milliseconds alone the size decides, and they are few. */
  if (options->interval == TLW_INTERVAL_MS && options->size * tlw_clock_length(options->interval) % unit != 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "options.size is %lld milliseconds: it must be whole units of the rows' time",
                    (long long)options->size);
  if (options->offset % unit != 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT,
                    "options.offset is %lld ns: it must be whole units of the rows' time, %lld ns",
                    (long long)options->offset, (long long)unit);
  if (options->zone_name && strlen(options->zone_name) >= TLW_BARS_ZONE_SIZE)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.zone_name has %zu bytes: it must be %d at most",
                    strlen(options->zone_name), TLW_BARS_ZONE_SIZE - 1);
  return TLW_OK;
}

/* What is for one kind must be 0 for the others. */
static tlw_status check_others(const tlw_bars_options *options, const struct tlw_bars_way *way, tlw_error *error) {
  const bool is_time = options->kind == TLW_BARS_TIME;
  const char *wrong = NULL;
  if (!is_time && options->offset != 0) wrong = "offset";
  if (!is_time && options->zone) wrong = "zone";
  if (!is_time && options->empty != TLW_EMPTY_NONE) wrong = "empty";
  if (!way->splits && options->split) wrong = "split";
  if (options->kind != TLW_BARS_RANGE && options->no_gate) wrong = "no_gate";
  if (!wrong) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "options.%s is given, which %s bars do not have: leave it 0", wrong,
                  way->name);
}

tlw_status tlw_bars_check(const tlw_bars_options *options, tlw_error *error) {
  if (!options) return tlw_fail(error, TLW_ERR_ARGUMENT, "options is NULL");
  if (options->struct_size != sizeof *options)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "options.struct_size is %zu: call tlw_bars_options_init",
                    options->struct_size);
  tlw_status status = check_number("kind", options->kind, 0, TLW_BARS_KINDS - 1, error);
  if (status != TLW_OK) return status;
  status = check_number("unit", options->unit, TLW_UNIT_DEFAULT, TLW_UNIT_NS, error);
  if (status != TLW_OK) return status;
  const int64_t most = options->kind == TLW_BARS_RANGE ? MOST_SIZE : INT64_MAX;
  status =
      options->kind == TLW_BARS_TIME ? check_time(options, error) : check_number("size", options->size, 1, most, error);
  if (status == TLW_OK) status = check_number("split", options->split, 0, 1, error);
  if (status == TLW_OK) status = check_number("no_gate", options->no_gate, 0, 1, error);
  if (status == TLW_OK) status = check_number("fields", options->fields, 0, ALL_FIELDS, error);
  if (status == TLW_OK) status = check_number("on_bad", options->on_bad, TLW_BAD_ERROR, TLW_BAD_SKIP, error);
  return status == TLW_OK ? check_others(options, tlw_bars_way_of(options->kind), error) : status;
}
