#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "interrupt.h"
#include "output.h"
#include "parse.h"
#include "report.h"
#include "tools/synth/synth.h"

#define ROW_SIZE 256 /* no row is longer */
#define PRICE_DECIMALS 2
#define QUANTITY_DECIMALS 3
_Static_assert(SYNTH_TICKS == 100 && SYNTH_LOTS == 1000, "the decimals above are those of a tick and a lot");

/* Writes the next row to out and returns its end; NULL at the end of time. */
typedef char *(*row_writer)(synth_source *source, int time_digits, char *out);

static char *put_price(char *out, int64_t ticks) {
  *out++ = ',';
  return cli_put_fixed(out, ticks, PRICE_DECIMALS);
}

static char *put_count(char *out, int64_t count) {
  *out++ = ',';
  return cli_put_digits(out, (uint64_t)count, 1);
}

static char *write_candle(synth_source *source, int time_digits, char *out) {
  synth_candle c;
  if (!synth_next_candle(source, &c)) return NULL;
  out = cli_put_time(out, c.time, time_digits);
  out = put_price(out, c.open);
  out = put_price(out, c.high);
  out = put_price(out, c.low);
  out = put_price(out, c.close);
  out = put_count(out, c.volume);
  *out++ = '\n';
  return out;
}

static char *write_trade(synth_source *source, int time_digits, char *out) {
  synth_trade t;
  if (!synth_next_trade(source, &t)) return NULL;
  out = cli_put_time(out, t.time, time_digits);
  out = put_count(out, t.id);
  out = put_price(out, t.price);
  *out++ = ',';
  out = cli_put_fixed(out, t.quantity, QUANTITY_DECIMALS);
  const char *side = t.side > 0 ? ",buy\n" : ",sell\n";
  size_t length = strlen(side);
  memcpy(out, side, length);
  return out + length;
}

/* Trades of all rows up to this one: rows are made of 2, 3 and 1 in turn. */
static int64_t trades_up_to(int64_t row) { return 6 * (row / 3) + (row % 3 == 1 ? 2 : row % 3 == 2 ? 5 : 0); }

/* A whole number with so many digits behind the second. */
static char *put_epoch(char *out, int64_t time, int digits) {
  int64_t scale = SYNTH_SECOND;
  for (int i = 0; i < digits; i++) scale /= 10;
  const int64_t whole = time / scale;
  if (whole < 0) *out++ = '-';
  return cli_put_digits(out, (uint64_t)(whole < 0 ? -whole : whole), 1);
}

static char *write_aggregated(synth_source *source, int time_digits, char *out) {
  synth_trade t;
  if (!synth_next_trade(source, &t)) return NULL;
  out = cli_put_digits(out, (uint64_t)t.id, 1);
  out = put_price(out, t.price);
  *out++ = ',';
  out = cli_put_fixed(out, t.quantity, QUANTITY_DECIMALS);
  out = put_count(out, trades_up_to(t.id - 1) + 1);
  out = put_count(out, trades_up_to(t.id));
  *out++ = ',';
  out = put_epoch(out, t.time, time_digits);
  const char *maker = t.side > 0 ? ",false\n" : ",true\n";
  const size_t length = strlen(maker);
  memcpy(out, maker, length);
  return out + length;
}

typedef struct table {
  const char *header;
  int64_t interval; /* default */
  row_writer write;
} table;

static const table tables[][2] = {
    [SYNTH_KIND_CANDLES] = {[SYNTH_FORMAT_CSV] = {"time,open,high,low,close,volume\n", 60 * SYNTH_SECOND,
                                                  write_candle}},
    [SYNTH_KIND_TRADES] = {[SYNTH_FORMAT_CSV] = {"time,id,price,quantity,side\n", SYNTH_SECOND / 4, write_trade},
                           [SYNTH_FORMAT_AGGTRADES] = {"agg_trade_id,price,quantity,first_trade_id,last_trade_id,"
                                                       "transact_time,is_buyer_maker\n",
                                                       SYNTH_SECOND / 4, write_aggregated}},
};

/* Digits behind the second that all times of a series need. */
static int time_digits_of(const synth_options *options, int kind) {
  int start = cli_time_digits(options->start);
  int step = cli_time_digits(options->interval);
  if (kind == SYNTH_KIND_TRADES) step = options->interval >= SYNTH_SECOND / 1000 ? 3 : 9;
  return start > step ? start : step;
}

static cli_exit fail_late(int64_t row) {
  return cli_fail(CLI_USAGE,
                  "row %" PRId64
                  " would lie beyond the year 2261: use fewer --rows, a smaller --interval or an earlier "
                  "--start",
                  row);
}

static cli_exit write_rows(cli_output *output, const table *t, const synth_options *options, int time_digits,
                           int64_t rows) {
  cli_exit code = cli_output_write(output, t->header, strlen(t->header));
  synth_source source;
  synth_start(&source, options);
  for (int64_t row = 0; !code && row < rows; row++) {
    char line[ROW_SIZE];
    const char *end = t->write(&source, time_digits, line);
    if (!end) return fail_late(row + 1);
    code = cli_output_write(output, line, (size_t)(end - line));
  }
  return code;
}

/* Candles are an interval or more apart, so that too many are known before the first is written: so many may fit. */
static uint64_t most_rows(int kind, const synth_options *options) {
  if (kind != SYNTH_KIND_CANDLES) return UINT64_MAX;
  return ((uint64_t)(SYNTH_TIME_END - 1) - (uint64_t)options->start) / (uint64_t)options->interval + 1;
}

cli_exit cli_run_synth(const cli_args *args) {
  int kind = cli_find_name("what synth makes", args->operands[0], cli_synth_kind_name, args->command->name);
  if (kind < 0) return CLI_USAGE;
  const table *t = &tables[kind][args->values[SYNTH_FORMAT].number];
  if (!t->write)
    return cli_fail(CLI_USAGE, "--format %s is one of trades: candles are csv; try 'tallow synth --help'",
                    args->values[SYNTH_FORMAT].text);
  const cli_value *interval = &args->values[SYNTH_INTERVAL];
  synth_options options = {
      .seed = args->values[SYNTH_SEED].number,
      .shape = (synth_shape)args->values[SYNTH_SHAPE].number,
      .start = args->values[SYNTH_START].time,
      .interval = interval->given ? (int64_t)interval->number : t->interval,
  };
  const int64_t rows = (int64_t)args->values[SYNTH_ROWS].number;
  const uint64_t most = most_rows(kind, &options);
  if ((uint64_t)rows > most) return fail_late((int64_t)most + 1);
  cli_output *output = malloc(sizeof *output);
  if (!output) return cli_fail(CLI_NO_MEMORY, "no memory to write");
  cli_interrupt_at_once();
  cli_exit code = cli_output_open(output, args->values[SYNTH_OUTPUT].text);
  if (!code) {
    code = write_rows(output, t, &options, time_digits_of(&options, kind), rows);
    code = cli_output_close(output, code);
  }
  cli_interrupt_end();
  free(output);
  return code;
}
