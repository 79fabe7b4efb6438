#include "csv_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "tools/synth/synth.h"

#define MINUTE (60 * SYNTH_SECOND)
#define RECENT INT64_C(1577836800000000000) /* 2020-01-01 */
#define LONG_AGO (-98616 * SYNTH_DAY)       /* 1700-01-01 */
#define ROW_SIZE 320                        /* no row is longer */

enum dialect { ISO, FRACTION, BINANCE, YAHOO, FLOATS, MONTH_FIRST, COMPACT, GENERAL };

static const struct {
  const char *name;
  const char *header;
  int64_t start, interval;
} dialects[BENCH_DIALECTS] = {
    [ISO] = {"iso", "Date,Open,High,Low,Close,Volume\n", RECENT, MINUTE},
    [FRACTION] = {"fraction", "timestamp,open,high,low,close,volume\n", RECENT, MINUTE},
    [BINANCE] = {"binance",
                 "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
                 "taker_buy_quote_volume,ignore\n",
                 RECENT, MINUTE},
    [YAHOO] = {"yahoo", "Date,Open,High,Low,Close,Adj Close,Volume\n", LONG_AGO, SYNTH_DAY},
    [FLOATS] = {"floats", "Date,Open,High,Low,Close,Adj Close,Volume\n", LONG_AGO, SYNTH_DAY},
    [MONTH_FIRST] = {"month-first", "Date,Open,High,Low,Close,Volume\n", RECENT, MINUTE},
    [COMPACT] = {"compact", "Date;Open;High;Low;Close;Volume\n", RECENT, MINUTE},
    [GENERAL] = {"general", "Date,Open,High,Low,Close,Volume\n", RECENT, MINUTE}, /* iso, but no line is plain */
};

const char *bench_dialect_name(size_t dialect) { return dialect < BENCH_DIALECTS ? dialects[dialect].name : NULL; }

/* Writes the prices with their decimals in front of them a separator each. */
static int write_prices(char *out, const synth_candle *c, char separator, int decimals) {
  const int64_t ticks[] = {c->open, c->high, c->low, c->close};
  int n = 0;
  for (int i = 0; i < 4; i++) n += sprintf(out + n, "%c%.*f", separator, decimals, (double)ticks[i] / SYNTH_TICKS);
  return n;
}

static int write_floats(char *out, const synth_candle *c) {
  const int64_t ticks[] = {c->open, c->high, c->low, c->close, c->close};
  int n = 0;
  for (int i = 0; i < 5; i++) n += sprintf(out + n, ",%.17g", (double)((float)ticks[i] * (i < 4 ? 0.0137f : 0.0133f)));
  return n;
}

static int write_binance(char *out, const synth_candle *c) {
  const int64_t milliseconds = c->time / 1000000;
  const double volume = (double)c->volume, quote = volume * (double)c->close / SYNTH_TICKS;
  int n = sprintf(out, "%" PRId64, milliseconds);
  n += write_prices(out + n, c, ',', 8);
  return n + sprintf(out + n, ",%.8f,%" PRId64 ",%.8f,%" PRId64 ",%.8f,%.8f,0", volume / 1000, milliseconds + 59999,
                     quote / 1000, c->volume % 5000, volume / 2000, quote / 2000);
}

static int write_row(char *out, enum dialect dialect, const synth_candle *c) {
  const time_t seconds = (time_t)(c->time / SYNTH_SECOND);
  struct tm t;
  gmtime_r(&seconds, &t);
  int n = 0;
  switch (dialect) {
  case BINANCE:
    return write_binance(out, c);
  case FRACTION:
    n += (int)strftime(out, ROW_SIZE, "%Y-%m-%d %H:%M:%S.000000", &t);
    n += write_prices(out + n, c, ',', 1);
    return n + sprintf(out + n, ",%.4f", (double)c->volume * 1.0917);
  case YAHOO:
    n += (int)strftime(out, ROW_SIZE, "%Y-%m-%d", &t);
    n += write_prices(out + n, c, ',', 6);
    return n + sprintf(out + n, ",%.6f,%" PRId64, (double)c->close / SYNTH_TICKS * 0.97, c->volume * 100);
  case FLOATS:
    n += (int)strftime(out, ROW_SIZE, "%Y-%m-%d", &t);
    n += write_floats(out + n, c);
    return n + sprintf(out + n, ",%" PRId64, c->volume * 100);
  case MONTH_FIRST:
    n += sprintf(out, "%d/%d/%d %d:%02d", t.tm_mon + 1, t.tm_mday, t.tm_year + 1900, t.tm_hour, t.tm_min);
    break;
  case COMPACT:
    n += (int)strftime(out, ROW_SIZE, "%Y%m%d %H%M%S", &t);
    n += write_prices(out + n, c, ';', 6);
    return n + sprintf(out + n, ";%" PRId64, c->volume);
  case GENERAL:
    n += (int)strftime(out, ROW_SIZE, "%Y-%m-%d %H:%M:%S UTC", &t);
    break;
  default:
    n += (int)strftime(out, ROW_SIZE, "%Y-%m-%d %H:%M:%S", &t);
  }
  n += write_prices(out + n, c, ',', 2);
  return n + sprintf(out + n, ",%" PRId64, c->volume);
}

void bench_text_close(bench_text *text) {
  free(text->data);
  text->data = NULL;
}

tlw_status bench_dialect_open(bench_text *text, size_t dialect, int64_t n_rows, uint64_t seed, tlw_error *error) {
  synth_source source;
  synth_start(&source, &(synth_options){.seed = seed,
                                        .shape = SYNTH_JUMPS,
                                        .start = dialects[dialect].start,
                                        .interval = dialects[dialect].interval});
  const size_t header = strlen(dialects[dialect].header);
  text->data = bench_alloc(header + (size_t)n_rows * ROW_SIZE, error);
  if (!text->data) return TLW_ERR_MEMORY;
  text->size = header;
  memcpy(text->data, dialects[dialect].header, header);
  for (int64_t i = 0; i < n_rows; i++) {
    synth_candle candle;
    if (!synth_next_candle(&source, &candle)) {
      bench_text_close(text);
      return bench_fail(error, TLW_ERR_ARGUMENT, "%" PRId64 " candles are more than time has room for", n_rows);
    }
    text->size += (size_t)write_row(text->data + text->size, (enum dialect)dialect, &candle);
    text->data[text->size++] = '\n';
  }
  return TLW_OK;
}
