/* Bars of intervals of time. */
#include "emit.h"
#include "kinds.h"
#include "rows.h"

static int64_t last_of(struct tlw_clock_interval interval) {
  return interval.end == INT64_MAX ? INT64_MAX : interval.end - 1;
}

static void place(struct tlw_clock_interval interval, tlw_bar *bar) {
  bar->open_time = interval.begin;
  bar->close_time = last_of(interval);
}

static bool has_begun(const struct tlw_bars_rule *rule) { return rule->interval.begin != rule->interval.end; }

/* The interval that begins here. Most of them are as long as the one before. */
static struct tlw_clock_interval interval_from(tlw_bars *bars, int64_t begin) {
  const struct tlw_clock *clock = &bars->clock;
  if (begin >= clock->even_begin && begin < clock->even_end)
    return (struct tlw_clock_interval){begin, begin + clock->step};
  return tlw_clock_at(&bars->clock, begin);
}

/* Closes the bar. There is room. The row, in a later interval, opens the next. */
static void close_for(tlw_bars *bars, struct tlw_clock_interval next) {
  tlw_bar *bar = tlw_bars_close_forming(bars);
  place(bars->rule.interval, bar);
  bars->close = bar->close;
  bars->rule.interval = next;
}

/* Intervals lie between that of the bar, behind which `next` comes, and that of the span's first row. */
static tlw_status close_over_gap(tlw_bars *bars, struct tlw_bars_span *span, struct tlw_clock_interval next,
                                 tlw_error *error) {
  const struct tlw_clock_interval reached = tlw_clock_at(&bars->clock, span->rows->time[span->begin]);
  if (bars->options.empty == TLW_EMPTY_NONE) {
    close_for(bars, reached);
    return TLW_OK;
  }
  const int64_t count = tlw_clock_count(&bars->clock, next.begin, reached.begin, TLW_BARS_ROW_MAX);
  if (count >= TLW_BARS_ROW_MAX) return tlw_bars_refuse(span->begin, error);
  close_for(bars, reached);
  bars->owed = (struct tlw_bars_owed){.count = count, .open = next.begin};
  const tlw_status status = tlw_bars_collect_all(bars, span, span->begin + 1, error);
  return status == TLW_OK ? tlw_bars_settle(bars, error) : status;
}

/* An interval without rows. */
static void owe(tlw_bars *bars, tlw_bar *bar) {
  const struct tlw_clock_interval interval = interval_from(bars, bars->owed.open);
  *bar = (tlw_bar){.flags = TLW_BAR_EMPTY};
  if (bars->options.empty == TLW_EMPTY_NULL) {
    bar->flags |= TLW_BAR_NULL;
  } else {
    bar->open = bar->high = bar->low = bar->close = bars->close;
    if (tlw_bars_gives_quote(bars)) bar->vwap = bars->close;
  }
  if (bars->options.fields & TLW_BAR_IDS) bar->first_id = bar->last_id = -1;
  place(interval, bar);
  bars->owed.open = interval.end;
}

/* The span's first row, which is good, lies behind the interval. */
static tlw_status enter(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  const tlw_status status = tlw_bars_reserve(bars, error);
  if (status != TLW_OK) return status;
  const struct tlw_clock_interval next = interval_from(bars, bars->rule.interval.end);
  if (span->rows->time[span->begin] >= next.end) return close_over_gap(bars, span, next, error);
  close_for(bars, next);
  return TLW_OK;
}

static tlw_status walk(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  struct tlw_bars_rule *rule = &bars->rule;
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_TIME};
  if (!has_begun(rule)) {
    if (!tlw_bars_is_good(bars, span->rows, span->begin)) return TLW_OK;
    rule->interval = tlw_clock_at(&bars->clock, span->rows->time[span->begin]);
  }
  while (span->begin < span->end) {
    tlw_status status;
    cut.time = rule->interval.end;
    if (!tlw_bars_collect(bars, span, span->end, &cut, &status, error)) return status;
    status = enter(bars, span, error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

static void form(const tlw_bars *bars, tlw_bar *bar) { place(bars->rule.interval, bar); }

/* Once there is a row, there is a bar. */
static bool holds(tlw_bars *bars) {
  const int64_t last = bars->report.last_time;
  if (last == INT64_MIN) return !has_begun(&bars->rule) && !tlw_bars_is_forming(bars);
  const struct tlw_clock_interval interval = bars->rule.interval, right = tlw_clock_at(&bars->clock, last);
  return tlw_bars_is_forming(bars) && interval.begin == right.begin && interval.end == right.end;
}

const struct tlw_bars_way tlw_bars_time = {
    .name = "time", .from_bars = true, .walk = walk, .owe = owe, .form = form, .holds = holds};
