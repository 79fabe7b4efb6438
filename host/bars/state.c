/* Bars as rows come: open, push, read what forms. */
#include "state.h"

#include <stddef.h>
#include <string.h>

#include "emit.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/cpu/tier.h"
#include "host/engine/engine.h"
#include "host/io/time_text.h"
#include "kinds.h"
#include "share.h"

/* ---- opening ---- */

void tlw_bars_begin(tlw_bars *bars) {
  memset(&bars->shape, 0, sizeof *bars - offsetof(tlw_bars, shape));
  bars->report.last_time = INT64_MIN;
  bars->report.last_id = -1;
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++) bars->report.first_skipped[i] = -1;
  if (bars->way->begin) bars->way->begin(bars);
}

static void configure(tlw_bars *bars, const tlw_bars_options *options) {
  bars->options = *options;
  if (options->unit == TLW_UNIT_DEFAULT) bars->options.unit = TLW_UNIT_MS;
  strcpy(bars->zone_name, options->kind == TLW_BARS_TIME && options->zone_name ? options->zone_name : "UTC");
  bars->options.zone_name = bars->zone_name;
  bars->way = tlw_bars_way_of(options->kind);
  bars->fields = options->fields;
  if (options->fields & TLW_BAR_QUOTE) bars->fields |= TLW_BAR_VOLUME;
  const int64_t units = INT64_C(1000000000) / tlw_clock_unit(options->unit);
  bars->first_time = TLW_TIME_FIRST * units;
  bars->last_time = TLW_TIME_END * units - 1;
  if (options->kind == TLW_BARS_TIME) tlw_clock_init(&bars->clock, &bars->options);
}

tlw_status tlw_bars_open(const tlw_bars_options *options, tlw_bars_sink sink, void *user, tlw_engine *engine,
                         tlw_bars **out, tlw_error *error) {
  if (!out) return tlw_fail(error, TLW_ERR_ARGUMENT, "bars is NULL: pass the address of a tlw_bars pointer");
  *out = NULL;
  tlw_status status = tlw_bars_check(options, error);
  if (status != TLW_OK) return status;
  if (!sink) return tlw_fail(error, TLW_ERR_ARGUMENT, "sink is NULL: pass a function that takes bars");
  tlw_error failure;
  const struct tlw_cpu_tier *tier;
  status = tlw_cpu_tier(&tier, &failure);
  struct tlw_memory *memory = engine ? tlw_engine_memory(engine) : NULL;
  tlw_bars *bars = status == TLW_OK ? tlw_heap_alloc(memory, sizeof *bars, "bars", &failure) : NULL;
  if (!bars) {
    if (error) *error = failure;
    return failure.code;
  }
  memset(bars, 0, sizeof *bars);
  bars->sink = sink;
  bars->user = user;
  bars->memory = memory;
  bars->tier = tier->bars;
  configure(bars, options);
  tlw_bars_begin(bars);
  *out = bars;
  return TLW_OK;
}

void tlw_bars_close(tlw_bars **bars) {
  if (!bars || !*bars) return;
  tlw_heap_free((*bars)->memory, *bars, sizeof **bars);
  *bars = NULL;
}

uint64_t tlw_bars_size(void) { return tlw_memory_counted(sizeof(tlw_bars)); }

void tlw_bars_clear(tlw_bars *bars) {
  if (bars) tlw_bars_begin(bars);
}

/* ---- reading ---- */

int tlw_bars_forming(const tlw_bars *bars, tlw_bar *bar) {
  if (!bar) return 0;
  *bar = (tlw_bar){0};
  if (!bars || !tlw_bars_is_forming(bars)) return 0;
  const struct tlw_bars_forming *forming = &bars->forming;
  const tlk_bar_part whole = tlw_bars_whole_part(bars);
  tlw_bars_fill(bars, &whole, bar);
  tlw_bars_place(bars, forming->open_time, forming->close_time, forming->first_id, forming->last_id, bar);
  if (bars->way->form) bars->way->form(bars, bar);
  bar->flags |= TLW_BAR_PARTIAL;
  return 1;
}

void tlw_bars_get_report(const tlw_bars *bars, tlw_bars_report *report) {
  if (bars && report) *report = bars->report;
}

/* ---- rows into the forming bar ---- */

static bool is_too_large(const tlk_bar_part *part) { return part->overflow || part->trades > TLW_BARS_MOST_TRADES; }

void tlw_bars_look(const tlw_bars *bars, const struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                   struct tlw_bars_piece *piece) {
  if (bars->script) {
    tlw_bars_look_up(bars, span, end, cut, piece);
    return;
  }
  const struct tlw_cpu_last_row before = {bars->report.last_time, bars->report.last_id};
  piece->end = bars->tier->take(span->rows, bars->fields, span->begin, end, before, bars->first_time, bars->last_time,
                                cut, &piece->part, &piece->taken);
}

static tlk_bar_part join_with(const tlw_bars *bars, const tlk_bar_part *part) {
  return bars->forming.part.rows > 0 ? tlk_bar_join(bars->forming.part, *part) : *part;
}

static void extend(tlw_bars *bars, struct tlw_bars_span *span, const tlk_bar_part *part, int64_t end) {
  tlw_bars_extend(bars, span->rows, span->begin, end);
  tlw_bars_note(bars, span->rows, span->begin, end);
  bars->forming.part = *part;
  span->begin = end;
}

/* Somewhere before `end` is a row with which sums are too large. Takes those before it. */
static tlw_status commit_before(tlw_bars *bars, struct tlw_bars_span *span, int64_t end, tlw_error *error) {
  int64_t fits = span->begin, bad = end;
  tlk_bar_part before = bars->forming.part;
  while (bad - fits > 1) {
    const int64_t middle = fits + (bad - fits) / 2;
    tlk_bar_part part;
    bars->tier->join(span->rows, bars->fields, span->begin, middle, &part);
    part = join_with(bars, &part);
    if (is_too_large(&part)) {
      bad = middle;
    } else {
      fits = middle;
      before = part;
    }
  }
  if (fits > span->begin) extend(bars, span, &before, fits);
  return tlw_fail_at(error, TLW_ERR_DATA, fits, -1,
                     "with this row the turnover of a bar would leave 128 bits, or its trades 2^62: are prices and "
                     "quantities at 1e-8?");
}

tlw_status tlw_bars_commit(tlw_bars *bars, struct tlw_bars_span *span, const struct tlw_bars_piece *piece,
                           tlw_error *error) {
  if (piece->end == span->begin) return TLW_OK;
  const tlk_bar_part part = join_with(bars, &piece->part);
  if (is_too_large(&part)) return commit_before(bars, span, piece->end, error);
  extend(bars, span, &part, piece->end);
  return TLW_OK;
}

tlk_bar_part tlw_bars_part_of_row(const tlw_bars *bars, const tlw_trades *rows, int64_t row, int64_t quantity) {
  const int64_t price = rows->price[row];
  const tlk_bar_row values = {
      .open = price,
      .high = price,
      .low = price,
      .close = price,
      .quantity = quantity,
      .trades = rows->first_id ? rows->last_id[row] - rows->first_id[row] + 1 : 1,
      .quote = tlk_u128_product((uint64_t)price, (uint64_t)quantity),
      .is_buy = rows->is_buyer_maker && !rows->is_buyer_maker[row],
  };
  return tlk_bar_of_row(values, bars->fields);
}

tlw_status tlw_bars_refuse(int64_t row, tlw_error *error) {
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "this row would close more than %d bars: take a larger size, or look at its price and time",
                     TLW_BARS_ROW_MAX);
}
