/* Bricks of a fixed size. */
#include "emit.h"
#include "kinds.h"
#include "rows.h"

__extension__ typedef __int128 wide;

/* The prices at which the next brick closes: two sizes from the level against the direction. */
static void set_level(struct tlw_bars_rule *rule, int64_t size, int64_t level, int32_t direction) {
  rule->level = level;
  rule->direction = direction;
  const wide low = (wide)level - (direction > 0 ? 2 : 1) * (wide)size;
  const wide high = (wide)level + (direction < 0 ? 2 : 1) * (wide)size - 1;
  rule->low = low < 0 ? 0 : (int64_t)low;
  rule->high = high > INT64_MAX ? INT64_MAX : (int64_t)high;
}

/* The bricks that a price closes. */
struct bricks {
  int64_t open; /* of the first */
  int64_t step; /* from the open to the close of each */
  int64_t count;
};

static struct bricks bricks_to(const struct tlw_bars_rule *rule, int64_t size, int64_t price) {
  const int32_t direction = price > rule->level ? 1 : -1;
  const int64_t step = direction * size;
  const int64_t open = rule->direction == -direction ? rule->level + step : rule->level;
  return (struct bricks){open, step, (price - open) / step};
}

static void put_brick(tlw_bar *bar, int64_t open, int64_t close) {
  bar->open = open;
  bar->close = close;
  bar->high = open > close ? open : close;
  bar->low = open < close ? open : close;
}

static void widen(tlw_bar *bar, int64_t high, int64_t low) {
  if (high > bar->high) bar->high = high;
  if (low < bar->low) bar->low = low;
}

/* A price that closes a brick lies beyond its close, where no price before it did. */
static void close_first(tlw_bars *bars, const struct bricks *bricks) {
  const tlk_bar_part part = bars->forming.part;
  const int64_t close = bricks->open + bricks->step, seed = bars->forming.seed;
  tlw_bar *bar = tlw_bars_close_forming(bars);
  put_brick(bar, bricks->open, close);
  if (bricks->step > 0)
    widen(bar, close, part.low);
  else
    widen(bar, part.high, close);
  if (seed) widen(bar, seed, seed);
}

/* first_id: that of the row. */
static void close_bricks(tlw_bars *bars, const struct bricks *bricks, int64_t price, int64_t first_id) {
  struct tlw_bars_rule *rule = &bars->rule;
  close_first(bars, bricks);
  bars->owed = (struct tlw_bars_owed){
      .count = bricks->count - 1,
      .time = bars->forming.close_time,
      .first_id = first_id,
      .last_id = bars->forming.last_id,
      .open = bricks->open + bricks->step,
      .step = bricks->step,
  };
  bars->forming.seed = price;
  set_level(rule, bars->options.size, bricks->open + bricks->count * bricks->step, bricks->step > 0 ? 1 : -1);
}

static void owe(tlw_bars *bars, tlw_bar *bar) {
  struct tlw_bars_owed *owed = &bars->owed;
  *bar = (tlw_bar){0};
  put_brick(bar, owed->open, owed->open + owed->step);
  if (tlw_bars_gives_quote(bars)) bar->vwap = bar->close;
  owed->open = bar->close;
  tlw_bars_place_owed(bars, bar);
}

/* Takes the rows before one that would close too many bricks. */
static tlw_status refuse(tlw_bars *bars, struct tlw_bars_span *span, int64_t row, tlw_error *error) {
  const tlw_status status = tlw_bars_collect_all(bars, span, row, error);
  return status == TLW_OK ? tlw_bars_refuse(row, error) : status;
}

static tlw_status walk(tlw_bars *bars, struct tlw_bars_span *span, tlw_error *error) {
  const struct tlw_bars_rule *rule = &bars->rule;
  const int64_t *price = span->rows->price, size = bars->options.size;
  if (rule->level == 0) {
    if (!tlw_bars_is_good(bars, span->rows, span->begin)) return TLW_OK;
    set_level(&bars->rule, size, price[span->begin], 0);
  }
  struct tlw_cpu_cut cut = {.kind = TLW_CPU_CUT_PRICE, .gate = INT64_MIN};
  while (span->begin < span->end) {
    tlw_status status = tlw_bars_reserve(bars, error);
    if (status != TLW_OK) return status;
    cut.low = rule->low;
    cut.high = rule->high;
    struct tlw_bars_piece piece;
    tlw_bars_look(bars, span, span->end, &cut, &piece);
    if (piece.taken != TLW_CPU_TAKEN_TO_CUT) return tlw_bars_commit(bars, span, &piece, error);
    const int64_t closing = piece.end - 1;
    const struct bricks bricks = bricks_to(rule, size, price[closing]);
    if (bricks.count > TLW_BARS_ROW_MAX) return refuse(bars, span, closing, error);
    status = tlw_bars_commit(bars, span, &piece, error);
    if (status != TLW_OK) return status;
    close_bricks(bars, &bricks, price[closing], tlw_bars_first_id(bars, span->rows, closing));
    status = tlw_bars_settle(bars, error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

static void form(const tlw_bars *bars, tlw_bar *bar) {
  const tlk_bar_part *part = &bars->forming.part;
  put_brick(bar, bars->rule.level, part->close);
  widen(bar, part->high, part->low);
  if (bars->forming.seed) widen(bar, bars->forming.seed, bars->forming.seed);
}

static bool holds(tlw_bars *bars) {
  const struct tlw_bars_rule *rule = &bars->rule;
  struct tlw_bars_rule right = {0};
  if (rule->level < 0 || rule->direction < -1 || rule->direction > 1) return false;
  if (rule->level == 0) return rule->direction == 0 && bars->report.last_time == INT64_MIN;
  set_level(&right, bars->options.size, rule->level, rule->direction);
  const bool is_right = rule->low == right.low && rule->high == right.high;
  return is_right && (bars->forming.seed > 0) == (rule->direction != 0);
}

const struct tlw_bars_way tlw_bars_renko = {.name = "renko", .walk = walk, .owe = owe, .form = form, .holds = holds};
