/* What "tallow bars" says: of failures, of bad rows, of how far it is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "bars_run.h"
#include "format.h"
#include "progress.h"
#include "progress_text.h"
#include "report.h"
#include "terminal.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
#define DRAW_EVERY (100 * MILLISECOND)
#define LOG_EVERY (10 * SECOND)

/* ---- failures ---- */

/* What the library says, and what it is called here: behind `says` stands what `puts` ends with. */
static const struct {
  const char *says, *puts;
} phrases[] = {
    {"first_id '' is empty: correct the row",
     "first_id '' is empty: leave ids out by --columns first_id=none,last_id=none"},
    {"skip bad rows", "skip bad rows by --on-bad skip"},
    {"skip bad ones", "skip bad ones by --on-bad skip"},
    {"so those that it has seen must come again, first and unchanged",
     "so give the earlier FILEs again, first and unchanged"},
    {"have decimals rounded", "add --decimals round"},
    {"say the unit: s", "say the unit by --unit s"},
    {"by columns: ", "by --columns "},
    {"columns: ", "--columns: "},
    {"options.size is", "the size is"},
    {"options.offset is", "--offset is"},
    {"allow more (--expansion, or expansion in the options)", "allow more by --expansion"},
};

void bars_explain(const char *message, char out[BARS_MESSAGE_SIZE]) {
  const size_t size = BARS_MESSAGE_SIZE;
  size_t used = 0;
  out[0] = 0;
  while (*message && used + 1 < size) {
    size_t said = 0;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases && said == 0; i++) {
      const size_t length = strlen(phrases[i].says);
      if (strncmp(message, phrases[i].says, length) != 0) continue;
      used += (size_t)snprintf(out + used, size - used, "%s", phrases[i].puts);
      said = length;
    }
    if (said == 0) {
      out[used++] = *message;
      out[used] = 0;
      said = 1;
    }
    message += said;
  }
}

cli_exit bars_fail(const bars_run *r, const tlw_error *error) {
  const cli_value *host_mem = bars_value(r, BARS_HOST_MEM);
  char text[BARS_MESSAGE_SIZE];
  if (error->code == TLW_ERR_BUDGET && host_mem->given)
    return cli_fail(CLI_NO_MEMORY, "--host-mem %s is too small a budget: set it to %" PRIu64 " or more", host_mem->text,
                    error->bytes + r->later_bytes + r->own_bytes);
  bars_explain(error->message, text);
  return cli_fail(cli_exit_of(error->code), "%s", text);
}

cli_exit bars_fail_row(const bars_run *r, const tlw_error *error) {
  char text[BARS_MESSAGE_SIZE];
  int32_t file;
  int64_t line;
  if (error->code != TLW_ERR_DATA || error->row < 0) return bars_fail(r, error);
  tlw_trade_reader_locate(r->reader, error->row, &file, &line);
  if (file < 0) return bars_fail(r, error);
  bars_explain(error->message, text);
  return cli_fail(CLI_DATA, "%s:%" PRId64 ": %s", cli_shown_name(r->args->operands[file]), line, text);
}

/* ---- bad rows ---- */

static const struct {
  const char *one, *many;
} defects[TLW_TRADE_DEFECTS] = {
    [TLW_TRADE_BAD_TIME] = {"goes back in time", "go back in time"},
    [TLW_TRADE_BAD_ID] = {"has an id that is not above the one before", "have ids that are not above the one before"},
    [TLW_TRADE_BAD_PRICE] = {"has a price that is not above 0, or prices in no order",
                             "have prices that are not above 0, or in no order"},
    [TLW_TRADE_BAD_QUANTITY] = {"has a quantity that is not above 0", "have quantities that are not above 0"},
};

void bars_note_bad(bars_run *r, const tlw_bars_report *before) {
  tlw_bars_report now;
  tlw_bars_get_report(r->makers[0].bars, &now);
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++) {
    if (now.skipped[i] == 0 || r->n_bad[i]) continue;
    r->n_bad[i] = 1;
    r->bad_file[i] = -1;
    if (before->skipped[i] > 0) continue;
    /* Rows that were recognised lie ahead of those that are new. */
    const int64_t index = now.first_skipped[i] - before->rows + (now.seen - before->seen);
    tlw_trade_reader_locate(r->reader, index, &r->bad_file[i], &r->bad_line[i]);
  }
}

static void warn_of_defect(const bars_run *r, int defect, int64_t n) {
  char count[CLI_COUNT_SIZE], place[PATH_MAX + 64] = "";
  cli_count_text(n, count);
  if (r->bad_file[defect] >= 0)
    snprintf(place, sizeof place, ", the first at line %" PRId64 " of %s", r->bad_line[defect],
             cli_shown_name(r->args->operands[r->bad_file[defect]]));
  cli_warn("%s row%s %s%s: %s left out", count, n == 1 ? "" : "s", n == 1 ? defects[defect].one : defects[defect].many,
           place, n == 1 ? "it is" : "they are");
}

static void warn(const bars_run *r, const tlw_trade_report *read, const tlw_bars_report *made) {
  char count[CLI_COUNT_SIZE];
  cli_count_text(read->bad, count);
  if (read->bad > 0)
    cli_warn("%s row%s can't be read, the first at line %" PRId64 " of %s: %s left out", count,
             read->bad == 1 ? "" : "s", read->first_bad_line, cli_shown_name(r->args->operands[read->first_bad_file]),
             read->bad == 1 ? "it is" : "they are");
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++)
    if (made->skipped[i] > 0) warn_of_defect(r, i, made->skipped[i]);
  cli_count_text(read->rounded, count);
  if (read->rounded > 0)
    cli_warn("%s number%s of more than 8 decimals: %s rounded", count, read->rounded == 1 ? "" : "s",
             read->rounded == 1 ? "it is" : "they are");
}

static const char *unit_name(tlw_time_unit unit) {
  static const char *const names[] = {
      [TLW_UNIT_S] = "s", [TLW_UNIT_MS] = "ms", [TLW_UNIT_US] = "us", [TLW_UNIT_NS] = "ns"};
  return unit >= TLW_UNIT_S && unit <= TLW_UNIT_NS ? names[unit] : "?";
}

static void tell_all(const bars_run *r, const tlw_trade_report *read) {
  char rows[CLI_COUNT_SIZE], outside[CLI_COUNT_SIZE], bars[CLI_COUNT_SIZE], bytes[CLI_BYTES_SIZE];
  cli_count_text(read->rows, rows);
  cli_count_text(read->outside, outside);
  cli_bytes_text((uint64_t)read->bytes, bytes);
  cli_say("%s row%s of %s, %s, times in %s%s%s%s", rows, read->rows == 1 ? "" : "s",
          r->found & TLW_TRADE_OPEN ? "bars" : "trades", bytes, unit_name(tlw_trade_reader_unit(r->reader)),
          read->outside ? ", " : "", read->outside ? outside : "", read->outside ? " outside --from and --to" : "");
  for (int i = 0; i < r->n_makers; i++) {
    tlw_bars_report made;
    tlw_bars_get_report(r->makers[i].bars, &made);
    const int64_t n_bars = made.bars + r->makers[i].is_complete;
    cli_count_text(n_bars, bars);
    cli_say("%s: %s bar%s", r->makers[i].name, bars, n_bars == 1 ? "" : "s");
  }
}

void bars_tell(const bars_run *r) {
  tlw_trade_report read;
  tlw_bars_report made;
  tlw_trade_reader_get_report(r->reader, &read);
  tlw_bars_get_report(r->makers[0].bars, &made);
  if (!r->quiet) warn(r, &read, &made);
  if (r->verbose) tell_all(r, &read);
}

/* ---- the last bars ---- */

/* Whether a bar of the kind is forming that was not written. */
static int is_left_out(const bars_run *r, int maker, tlw_bar *bar) {
  return !bars_value(r, BARS_PARTIAL)->given && !r->makers[maker].is_complete &&
         tlw_bars_forming(r->makers[maker].bars, bar);
}

void bars_tell_unfinished(const bars_run *r) {
  char count[CLI_COUNT_SIZE];
  tlw_bar bar;
  int64_t n = 0, n_rows = 0;
  if (r->quiet) return;
  for (int i = 0; i < r->n_makers; i++) {
    tlw_bars_report made;
    tlw_bars_get_report(r->makers[i].bars, &made);
    if (!is_left_out(r, i, &bar)) continue;
    if (made.bars == 0) cli_warn("%s: no bar has closed: --partial writes the one that is forming", r->makers[i].name);
    n += made.bars > 0;
    if (made.bars > 0) n_rows = bar.agg_trades;
  }
  if (n == 0) return;
  const char *later = r->in_place ? ", --resume goes on with " : "";
  cli_count_text(n == 1 ? n_rows : n, count);
  if (n == 1)
    cli_say("1 unfinished bar of %s row%s is left out (--partial writes it%s%s)", count, n_rows == 1 ? "" : "s", later,
            r->in_place ? "it" : "");
  else
    cli_say("%s unfinished bars are left out, the last of each kind (--partial writes them%s%s)", count, later,
            r->in_place ? "them" : "");
}

/* ---- progress ---- */

static struct {
  int is_drawn, is_logged;
  int64_t started, shown;
  uint64_t size; /* of all files; 0: not known */
} line;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static uint64_t size_of_files(const bars_run *r) {
  uint64_t sum = 0;
  for (int i = 0; i < r->args->n_operands; i++) {
    struct stat info;
    if (stat(r->args->operands[i], &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    sum += (uint64_t)info.st_size;
  }
  return sum;
}

void bars_progress_begin(const bars_run *r) {
  const cli_value *wanted = bars_value(r, BARS_PROGRESS);
  const int is_on = wanted->given ? wanted->number == SWITCH_ON : cli_on_smart_terminal() && !r->quiet;
  line.is_drawn = is_on && cli_on_terminal();
  line.is_logged = is_on && !cli_on_terminal();
  line.started = line.shown = now();
  line.size = size_of_files(r);
}

static void put_line(const bars_run *r, int64_t time, char out[CLI_LINE_SIZE]) {
  tlw_trade_report read;
  char rows[CLI_COUNT_SIZE], rate[CLI_COUNT_SIZE], left[CLI_DURATION_SIZE];
  tlw_trade_reader_get_report(r->reader, &read);
  const double seconds = (double)(time - line.started) / (double)SECOND;
  const double part = line.size > 0 ? (double)read.bytes / (double)line.size : 0;
  cli_count_text(r->rows_read, rows);
  cli_count_text((int64_t)((double)r->rows_read / seconds), rate);
  int n = 0;
  if (part > 0) n = snprintf(out, CLI_LINE_SIZE, "%3d%%  ", (int)(part * 100));
  n += snprintf(out + n, CLI_LINE_SIZE - (size_t)n, "%s rows  %s/s", rows, rate);
  if (part > 0 && part < 1 && seconds > 1) {
    cli_duration_text((1 - part) / part * seconds, left);
    snprintf(out + n, CLI_LINE_SIZE - (size_t)n, "  %s left", left);
  }
}

void bars_progress_step(const bars_run *r) {
  char text[CLI_LINE_SIZE];
  if (!line.is_drawn && !line.is_logged) return;
  const int64_t time = now();
  if (time - line.shown < (line.is_drawn ? DRAW_EVERY : LOG_EVERY)) return;
  line.shown = time;
  put_line(r, time, text);
  if (line.is_logged)
    cli_say("%s", text);
  else if (cli_in_foreground())
    cli_progress_draw(text);
}

void bars_progress_end(void) {
  if (line.is_drawn) cli_progress_draw("");
}
