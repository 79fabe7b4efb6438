/* What the command line of "tallow bars" asks for: kinds of bars, and columns of tables. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bars_run.h"
#include "nearest.h"
#include "report.h"
#include "zone_names.h"

#define ITEM_SIZE 64

/* ---- numbers ---- */

/* Digits alone, at least one. Returns what follows; NULL: there are none, or too many. */
static const char *read_digits(const char *text, uint64_t *number) {
  const char *c = text;
  for (*number = 0; *c >= '0' && *c <= '9'; c++) {
    const uint64_t digit = (uint64_t)(*c - '0');
    if (*number > ((uint64_t)INT64_MAX - digit) / 10) return NULL;
    *number = *number * 10 + digit;
  }
  return c == text ? NULL : c;
}

/* 12.5 at 1e-8, above 0. */
static int read_decimal(const char *text, int64_t *number) {
  uint64_t whole, rest = 0;
  const char *end = read_digits(text, &whole);
  if (!end || whole > (uint64_t)INT64_MAX / TLW_DECIMAL_ONE) return 0;
  if (*end == '.') {
    const char *digits = end + 1;
    if (!(end = read_digits(digits, &rest)) || end - digits > TLW_DECIMALS) return 0;
    for (long n = end - digits; n < TLW_DECIMALS; n++) rest *= 10;
  }
  const uint64_t sum = whole * TLW_DECIMAL_ONE + rest;
  *number = (int64_t)sum;
  return *end == 0 && sum > 0 && sum <= (uint64_t)INT64_MAX;
}

static int read_count(const char *text, int64_t *number) {
  uint64_t count;
  const char *end = read_digits(text, &count);
  *number = end ? (int64_t)count : 0;
  return end && *end == 0 && count > 0;
}

static const struct {
  const char *name;
  int64_t nanoseconds; /* 0: it has no fixed length */
} intervals[] = {
    [TLW_INTERVAL_MS] = {"ms", INT64_C(1000000)},
    [TLW_INTERVAL_SECOND] = {"s", INT64_C(1000000000)},
    [TLW_INTERVAL_MINUTE] = {"m", INT64_C(60000000000)},
    [TLW_INTERVAL_HOUR] = {"h", INT64_C(3600000000000)},
    [TLW_INTERVAL_DAY] = {"d", INT64_C(86400000000000)},
    [TLW_INTERVAL_WEEK] = {"w", INT64_C(604800000000000)},
    [TLW_INTERVAL_MONTH] = {"mo", 0},
};
#define INTERVALS ((int)(sizeof intervals / sizeof *intervals))

/* 1m, 250ms, 3mo */
static int read_interval(const char *text, tlw_interval *interval, int64_t *size) {
  uint64_t count;
  const char *end = read_digits(text, &count);
  if (!end || count == 0) return 0;
  *size = (int64_t)count;
  for (int i = 0; i < INTERVALS; i++) {
    if (strcmp(end, intervals[i].name) != 0) continue;
    *interval = (tlw_interval)i;
    return 1;
  }
  return 0;
}

/* 30m, -30m; nanoseconds. */
static int read_offset(const char *text, int64_t *offset) {
  const int is_negative = *text == '-';
  tlw_interval interval;
  int64_t size;
  *offset = 0;
  if (strcmp(text, "0") == 0) return 1;
  if (!read_interval(text + is_negative, &interval, &size)) return 0;
  const int64_t one = intervals[interval].nanoseconds;
  if (one == 0 || size > INT64_MAX / one) return 0;
  *offset = is_negative ? -size * one : size * one;
  return 1;
}

/* ---- kinds ---- */

static const struct {
  int option;
  const char *expected;
} kinds[TLW_BARS_KINDS] = {
    [TLW_BARS_TIME] = {BARS_TIME, "a whole number with ms, s, m, h, d, w or mo, such as 1m, 250ms or 3mo"},
    [TLW_BARS_TICK] = {BARS_TICK, "a whole number of rows above 0, such as 1000"},
    [TLW_BARS_VOLUME] = {BARS_VOLUME, "a quantity above 0 with at most 8 decimals, such as 12.5"},
    [TLW_BARS_VALUE] = {BARS_VALUE, "a turnover above 0 with at most 8 decimals, such as 1000000"},
    [TLW_BARS_RANGE] = {BARS_RANGE, "a whole number of 1/100,000 of the open, such as 250 for 0.25%"},
    [TLW_BARS_RENKO] = {BARS_RENKO, "the height of a brick above 0 with at most 8 decimals, such as 50"},
};

static const char *option_name(const bars_run *r, tlw_bars_kind kind) {
  return r->args->command->options[kinds[kind].option].name;
}

static int read_size(tlw_bars_kind kind, const char *item, tlw_bars_options *options) {
  switch (kind) {
  case TLW_BARS_TIME:
    return read_interval(item, &options->interval, &options->size);
  case TLW_BARS_TICK:
  case TLW_BARS_RANGE:
    return read_count(item, &options->size);
  case TLW_BARS_VOLUME:
  case TLW_BARS_VALUE:
  case TLW_BARS_RENKO:
    return read_decimal(item, &options->size);
  }
  return 0;
}

/* "time-1m", "volume-12.5" */
static void put_name(const tlw_bars_options *options, char out[BARS_NAME_SIZE]) {
  const int has_decimals =
      options->kind == TLW_BARS_VOLUME || options->kind == TLW_BARS_VALUE || options->kind == TLW_BARS_RENKO;
  char size[24];
  *bars_put_decimal(size, (tlw_u128){.low = (uint64_t)options->size}, has_decimals ? TLW_DECIMALS : 0) = 0;
  snprintf(out, BARS_NAME_SIZE, "%s-%s%s", tlw_bars_kind_name(options->kind), size,
           options->kind == TLW_BARS_TIME ? intervals[options->interval].name : "");
}

/* "1m", of bars of time. */
static const char *interval_text(const bars_maker *maker) { return strchr(maker->name, '-') + 1; }

static cli_exit refuse_size(const bars_run *r, tlw_bars_kind kind, const char *item) {
  return cli_fail(CLI_USAGE, "--%s must be %s, several between commas, not '%.200s'" SEE_HELP, option_name(r, kind),
                  kinds[kind].expected, item);
}

/* Nanoseconds of each interval, if it begins where others of as many do: weeks and months don't. 0: it is none such. */
static int64_t length_of(const tlw_bars_options *options) {
  const int64_t one = intervals[options->interval].nanoseconds;
  if (options->kind != TLW_BARS_TIME || options->interval >= TLW_INTERVAL_WEEK) return 0;
  return options->size <= INT64_MAX / one ? options->size * one : 0;
}

static cli_exit refuse_again(const bars_run *r, const bars_maker *maker, const char *item) {
  for (int i = 0; i < r->n_makers; i++) {
    const bars_maker *other = &r->makers[i];
    const int64_t length = length_of(&other->options);
    if (strcmp(other->name, maker->name) == 0)
      return cli_fail(CLI_USAGE, "--%s has '%s' twice: give it once" SEE_HELP, option_name(r, maker->options.kind),
                      item);
    if (length > 0 && length == length_of(&maker->options))
      return cli_fail(CLI_USAGE, "--time: %s and %s are the same bars: give one of them" SEE_HELP, interval_text(other),
                      item);
  }
  return CLI_OK;
}

static cli_exit add_maker(bars_run *r, tlw_bars_kind kind, const char *item) {
  if (r->n_makers == BARS_MAKERS_MAX)
    return cli_fail(CLI_USAGE, "at most %d kinds of bars can be made in one run: make the others in another" SEE_HELP,
                    BARS_MAKERS_MAX);
  bars_maker *maker = &r->makers[r->n_makers];
  tlw_bars_options_init(&maker->options, kind, 1);
  maker->run = r;
  if (!read_size(kind, item, &maker->options)) return refuse_size(r, kind, item);
  put_name(&maker->options, maker->name);
  const cli_exit code = refuse_again(r, maker, item);
  if (!code) r->n_makers++;
  return code;
}

/* Takes what stands ahead of the next comma, behind blanks. 0: it is too long. */
static int take_item(const char **at, char item[ITEM_SIZE]) {
  *at += strspn(*at, " ");
  const size_t length = strcspn(*at, ",");
  if (length >= ITEM_SIZE) return 0;
  memcpy(item, *at, length);
  item[length] = 0;
  *at += length + ((*at)[length] == ',');
  return 1;
}

static cli_exit read_kind(bars_run *r, tlw_bars_kind kind) {
  const char *at = bars_value(r, kinds[kind].option)->text;
  char item[ITEM_SIZE];
  cli_exit code = CLI_OK;
  if (!at) return CLI_OK;
  do {
    const char *begin = at;
    if (!take_item(&at, item)) return refuse_size(r, kind, begin);
    code = add_maker(r, kind, item);
    if (!code && *at == 0 && at[-1] == ',') code = refuse_size(r, kind, "");
  } while (!code && *at);
  return code;
}

static int has_kind(const bars_run *r, tlw_bars_kind kind) { return bars_value(r, kinds[kind].option)->given; }

static cli_exit check_together(const bars_run *r) {
  const struct {
    int option, is_of_use;
    const char *needs;
  } rules[] = {
      {BARS_SPLIT, has_kind(r, TLW_BARS_VOLUME) || has_kind(r, TLW_BARS_VALUE), "--volume or --value"},
      {BARS_NO_GATE, has_kind(r, TLW_BARS_RANGE), "--range"},
      {BARS_EMPTY, has_kind(r, TLW_BARS_TIME), "--time"},
      {BARS_OFFSET, has_kind(r, TLW_BARS_TIME), "--time"},
      {BARS_ZONE, has_kind(r, TLW_BARS_TIME) || bars_value(r, BARS_PARTITION)->given, "--time or --partition"},
      {BARS_CHECKPOINT_EVERY, bars_value(r, BARS_CHECKPOINT)->given, "--checkpoint"},
      {BARS_RESUME, bars_value(r, BARS_CHECKPOINT)->given, "--checkpoint"},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (bars_value(r, rules[i].option)->given && !rules[i].is_of_use)
      return cli_fail(CLI_USAGE, "--%s needs %s" SEE_HELP, r->args->command->options[rules[i].option].name,
                      rules[i].needs);
  return CLI_OK;
}

static cli_exit plan_zone(bars_run *r) {
  char meant[CLI_ZONE_NAME_SIZE];
  tlw_error error;
  r->zone_name = bars_value(r, BARS_ZONE)->text;
  if (tlw_zone_open(&r->zone, r->zone_name, &error) == TLW_OK) return CLI_OK;
  if (error.code != TLW_ERR_NOT_FOUND && error.code != TLW_ERR_ARGUMENT) return cli_fail_library(&error);
  if (!cli_zone_nearest(r->zone_name, meant)) return cli_fail(CLI_USAGE, "--zone: %s" SEE_HELP, error.message);
  return cli_fail(CLI_USAGE, "--zone: there is no zone '%.200s'; did you mean %s?", r->zone_name, meant);
}

/* What the kinds share. */
static cli_exit plan_kinds(bars_run *r) {
  int64_t offset = 0;
  const cli_value *text = bars_value(r, BARS_OFFSET);
  if (text->given && !read_offset(text->text, &offset))
    return cli_fail(
        CLI_USAGE,
        "--offset must be a whole number with ms, s, m, h, d or w, such as 30m or -5h, not '%.200s'" SEE_HELP,
        text->text);
  for (int i = 0; i < r->n_makers; i++) {
    tlw_bars_options *options = &r->makers[i].options;
    options->on_bad = (tlw_on_bad)bars_value(r, BARS_ON_BAD)->number;
    options->split =
        bars_value(r, BARS_SPLIT)->given && (options->kind == TLW_BARS_VOLUME || options->kind == TLW_BARS_VALUE);
    options->no_gate = bars_value(r, BARS_NO_GATE)->given && options->kind == TLW_BARS_RANGE;
    if (options->kind != TLW_BARS_TIME) continue;
    options->offset = offset;
    options->zone = r->zone;
    options->zone_name = r->zone_name;
    options->empty = (tlw_empty_bars)bars_value(r, BARS_EMPTY)->number;
  }
  return CLI_OK;
}

cli_exit bars_plan_check(const bars_run *r) {
  tlw_error error;
  char text[BARS_MESSAGE_SIZE];
  for (int i = 0; i < r->n_makers; i++) {
    if (tlw_bars_check(&r->makers[i].options, &error) == TLW_OK) continue;
    bars_explain(error.message, text);
    return cli_fail(CLI_USAGE, "--%s: %s" SEE_HELP, option_name(r, r->makers[i].options.kind), text);
  }
  return CLI_OK;
}

/* ---- columns ---- */

static cli_exit refuse_field(const char *item) {
  cli_nearest nearest;
  if (strcasecmp(item, bars_column_name(BARS_COLUMN_TIMESTAMP_OPEN)) == 0)
    return cli_fail(CLI_USAGE, "--fields: timestamp is the first column where --label open or --label close is given, "
                               "and can't be chosen" SEE_HELP);
  if (strcasecmp(item, bars_column_name(BARS_COLUMN_PARTIAL)) == 0)
    return cli_fail(CLI_USAGE,
                    "--fields: partial is the last column where --partial is given, and can't be chosen" SEE_HELP);
  cli_nearest_start(&nearest, item);
  for (int i = 0; i < BARS_CHOICES; i++) cli_nearest_try(&nearest, bars_choice_name(i));
  if (nearest.best)
    return cli_fail(CLI_USAGE, "--fields: there is no '%s'; did you mean %s? try 'tallow bars --help'", item,
                    nearest.best);
  return cli_fail(CLI_USAGE, "--fields: there is no '%s': 'tallow bars --help' lists what there is", item);
}

static int index_of_field(const char *item) {
  for (int i = 0; i < BARS_CHOICES; i++)
    if (strcasecmp(bars_choice_name(i), item) == 0) return i;
  return -1;
}

static int has_column(const bars_columns *columns, bars_column column) {
  for (int i = 0; i < columns->n; i++)
    if (columns->list[i] == column) return 1;
  return 0;
}

static cli_exit read_fields(bars_run *r, const char *text) {
  char item[ITEM_SIZE];
  const char *at = text;
  do {
    if (!take_item(&at, item)) return cli_fail(CLI_USAGE, "--fields: there is no '%.200s'" SEE_HELP, at);
    const int index = index_of_field(item);
    if (index < 0) return refuse_field(item);
    if (has_column(&r->columns, (bars_column)index))
      return cli_fail(CLI_USAGE, "--fields has '%s' twice: give it once" SEE_HELP, item);
    r->columns.list[r->columns.n++] = (bars_column)index;
  } while (*at);
  return at[-1] == ',' ? refuse_field("") : CLI_OK;
}

static cli_exit plan_fields(bars_run *r) {
  const char *text = bars_value(r, BARS_FIELDS)->text;
  const cli_value *label = bars_value(r, BARS_LABEL);
  if (label->given)
    r->columns.list[r->columns.n++] = label->number == 0 ? BARS_COLUMN_TIMESTAMP_OPEN : BARS_COLUMN_TIMESTAMP_CLOSE;
  r->is_chosen = text != NULL;
  if (text) return read_fields(r, text);
  for (int i = 0; i < BARS_CHOICES; i++) r->columns.list[r->columns.n++] = (bars_column)i;
  return CLI_OK;
}

/* What the library has to reckon for a column. */
static uint32_t field_of(bars_column column) {
  switch (column) {
  case BARS_COLUMN_VOLUME:
    return TLW_BAR_VOLUME;
  case BARS_COLUMN_QUOTE_VOLUME:
    return TLW_BAR_QUOTE;
  case BARS_COLUMN_VWAP:
    return TLW_BAR_QUOTE | TLW_BAR_VOLUME;
  case BARS_COLUMN_BUY_VOLUME:
  case BARS_COLUMN_SELL_VOLUME:
    return TLW_BAR_SIDES | TLW_BAR_VOLUME;
  case BARS_COLUMN_BUY_QUOTE_VOLUME:
  case BARS_COLUMN_SELL_QUOTE_VOLUME:
    return TLW_BAR_SIDES | TLW_BAR_QUOTE;
  case BARS_COLUMN_BUY_TRADES:
  case BARS_COLUMN_SELL_TRADES:
    return TLW_BAR_SIDES;
  case BARS_COLUMN_TRADES:
  case BARS_COLUMN_FIRST_ID:
  case BARS_COLUMN_LAST_ID:
    return TLW_BAR_IDS;
  default:
    return 0;
  }
}

static uint32_t fields_of(const bars_run *r) {
  uint32_t fields = 0;
  for (int i = 0; i < r->columns.n; i++) fields |= field_of(r->columns.list[i]);
  return fields;
}

uint32_t bars_plan_wanted(const bars_run *r) {
  const uint32_t fields = fields_of(r);
  uint32_t wanted = TLW_TRADE_TIME | TLW_TRADE_PRICE | TLW_TRADE_QUANTITY | TLW_TRADE_ID | TLW_TRADE_OPEN |
                    TLW_TRADE_HIGH | TLW_TRADE_LOW;
  if (fields & TLW_BAR_QUOTE) wanted |= TLW_TRADE_QUOTE;
  if (fields & (TLW_BAR_IDS | TLW_BAR_SIDES)) wanted |= TLW_TRADE_FIRST_ID | TLW_TRADE_LAST_ID | TLW_TRADE_COUNT;
  if (fields & TLW_BAR_SIDES) wanted |= TLW_TRADE_MAKER;
  return wanted;
}

/* NULL: the input has what the column is made of. */
static const char *lacks(const bars_run *r, bars_column column) {
  const int is_bars = (r->found & TLW_TRADE_OPEN) != 0;
  const uint32_t field = field_of(column);
  if (field & (TLW_BAR_VOLUME | TLW_BAR_QUOTE) && !(r->found & TLW_TRADE_QUANTITY)) return "the quantity (quantity)";
  if (field & TLW_BAR_SIDES && !(r->found & TLW_TRADE_MAKER)) return "who bought and who sold (is_buyer_maker)";
  if (field & TLW_BAR_QUOTE && is_bars && !(r->found & TLW_TRADE_QUOTE)) return "the turnover (quote_volume)";
  if (column == BARS_COLUMN_TRADES && is_bars && !(r->found & TLW_TRADE_COUNT)) return "the number of trades (trades)";
  if ((column == BARS_COLUMN_FIRST_ID || column == BARS_COLUMN_LAST_ID) &&
      !(r->found & (TLW_TRADE_ID | TLW_TRADE_FIRST_ID)))
    return "the trades' numbers (id)";
  return NULL;
}

/* Whether the input will do for the kinds. */
static cli_exit check_input(const bars_run *r) {
  const int is_bars = (r->found & TLW_TRADE_OPEN) != 0;
  for (int i = 0; i < r->n_makers; i++) {
    const tlw_bars_kind kind = r->makers[i].options.kind;
    if ((kind == TLW_BARS_VOLUME || kind == TLW_BARS_VALUE) && !(r->found & TLW_TRADE_QUANTITY))
      return cli_fail(CLI_DATA,
                      "%s: it has no column of quantities, which --%s needs: say which it is by --columns "
                      "quantity=COLUMN",
                      cli_shown_name(r->args->operands[0]), option_name(r, kind));
    if (is_bars && kind != TLW_BARS_TIME && kind != TLW_BARS_TICK)
      return cli_fail(CLI_USAGE,
                      "%s: its rows are bars, of which --time and --tick alone can make others: --%s needs "
                      "trades" SEE_HELP,
                      cli_shown_name(r->args->operands[0]), option_name(r, kind));
  }
  return CLI_OK;
}

cli_exit bars_plan_columns(bars_run *r) {
  const bars_columns asked = r->columns;
  r->columns.n = 0;
  for (int i = 0; i < asked.n; i++) {
    const char *lack = lacks(r, asked.list[i]);
    if (lack && r->is_chosen)
      return cli_fail(CLI_DATA, "%s: it has no column that says %s, which --fields %s needs",
                      cli_shown_name(r->args->operands[0]), lack, bars_column_name(asked.list[i]));
    if (!lack) r->columns.list[r->columns.n++] = asked.list[i];
  }
  for (int i = 0; i < r->n_makers; i++) r->makers[i].options.fields = fields_of(r);
  if (bars_value(r, BARS_PARTIAL)->given) r->columns.list[r->columns.n++] = BARS_COLUMN_PARTIAL;
  return check_input(r);
}

void bars_plan_compare(const bars_run *r, int64_t apart) {
  for (int i = 0; i < r->n_makers; i++) {
    const int64_t length = length_of(&r->makers[i].options);
    if (length > 0 && length < apart)
      cli_warn("--time %s is shorter than the bars of %s, which can't be divided: each of them stays a bar",
               interval_text(&r->makers[i]), cli_shown_name(r->args->operands[0]));
  }
}

/* ---- all of it ---- */

static cli_exit read_kinds(bars_run *r) {
  cli_exit code = CLI_OK;
  for (int kind = 0; kind < TLW_BARS_KINDS && !code; kind++) code = read_kind(r, (tlw_bars_kind)kind);
  if (!code && r->n_makers == 0)
    code = cli_fail(CLI_USAGE, "which bars? give --time, --tick, --volume, --value, --range or --renko, such as --time "
                               "1m" SEE_HELP);
  return code;
}

cli_exit bars_plan_read(bars_run *r) {
  r->makers = calloc(BARS_MAKERS_MAX, sizeof *r->makers);
  if (!r->makers) return cli_fail(CLI_NO_MEMORY, "no memory for %d kinds of bars", BARS_MAKERS_MAX);
  cli_exit code = read_kinds(r);
  if (!code) code = check_together(r);
  if (!code) code = plan_zone(r);
  if (!code) code = plan_kinds(r);
  if (!code) code = plan_fields(r);
  return code ? code : bars_plan_check(r);
}

void bars_plan_free(bars_run *r) {
  tlw_zone_close(&r->zone);
  free(r->makers);
}
