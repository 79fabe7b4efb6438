#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bars_run.h"
#include "format.h"
#include "interrupt.h"
#include "report.h"

#define CHUNK_ROWS (1 << 14) /* columns of so many stay in the cache */
#define COLUMN_ALIGNMENT 64

/* What a reader takes at most, and where it unpacks Zstandard. */
#define READER_BYTES ((uint64_t)4 << 20)
#define ZSTD_BYTES ((uint64_t)9 << 20)

/* ---- what can be known before anything is opened ---- */

static cli_exit check_options(const bars_run *r) {
  const cli_args *args = r->args;
  const cli_value *progress = bars_value(r, BARS_PROGRESS);
  if (args->n_operands == 0)
    return cli_fail(CLI_USAGE, "FILE... is missing, - for standard input; an example: '%s'" SEE_HELP,
                    args->command->examples[0]);
  if (r->verbose && r->quiet) return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other" SEE_HELP);
  if (r->quiet && progress->given && progress->number == SWITCH_ON)
    return cli_fail(CLI_USAGE, "--quiet and --progress on exclude each other" SEE_HELP);
  int n_streams = 0;
  for (int i = 0; i < args->n_operands; i++) n_streams += strcmp(args->operands[i], "-") == 0;
  if (n_streams > 1) return cli_fail(CLI_USAGE, "standard input can be read once: give - once" SEE_HELP);
  return CLI_OK;
}

static cli_exit plan_reading(bars_run *r) {
  static const char delimiters[] = {0, ',', ';', '\t', '|'};
  const cli_value *from = bars_value(r, BARS_FROM), *to = bars_value(r, BARS_TO);
  tlw_trade_options *reading = &r->reading;
  tlw_trade_options_init(reading);
  reading->columns = bars_value(r, BARS_COLUMNS)->text;
  reading->delimiter = delimiters[bars_value(r, BARS_DELIMITER)->number];
  reading->header = (int8_t)bars_value(r, BARS_HEADER)->number;
  reading->round = (int8_t)bars_value(r, BARS_DECIMALS)->number;
  reading->unit = (tlw_time_unit)bars_value(r, BARS_UNIT)->number;
  reading->on_bad = (tlw_on_bad)bars_value(r, BARS_ON_BAD)->number;
  reading->expansion = (uint32_t)bars_value(r, BARS_EXPANSION)->number;
  reading->wanted = bars_plan_wanted(r);
  if (!from->given && !to->given) return CLI_OK;
  reading->from = from->given ? from->time : INT64_MIN;
  reading->to = to->given ? to->time : INT64_MAX;
  if (reading->from < reading->to) return CLI_OK;
  return cli_fail(CLI_USAGE, "--from %.96s must lie before --to %.96s" SEE_HELP, from->text, to->text);
}

static cli_exit plan(bars_run *r) {
  cli_exit code = check_options(r);
  if (!code) code = bars_plan_read(r);
  if (!code) code = bars_output_plan(r);
  if (!code) code = cli_telemetry_check(r->args);
  return code ? code : plan_reading(r);
}

/* ---- what is opened ---- */

static void on_log(void *user, tlw_log_level level, const char *message) {
  const bars_run *r = user;
  if (level == TLW_LOG_WARNING && !r->quiet) cli_warn("%s", message);
  if (level == TLW_LOG_INFO && r->verbose) cli_say("%s", message);
}

static uint64_t reader_bytes(const bars_run *r) {
  uint64_t bytes = READER_BYTES;
  for (int i = 0; i < r->args->n_operands; i++)
    if (cli_ends_in(r->args->operands[i], ".zst")) bytes = READER_BYTES + ZSTD_BYTES;
  return bytes;
}

/* One kind of bars is made while rows are read: no further thread would have anything to do. */
static cli_exit open_engine(bars_run *r) {
  const cli_value *threads = bars_value(r, BARS_THREADS), *host_mem = bars_value(r, BARS_HOST_MEM);
  tlw_engine_options options;
  tlw_error error;
  tlw_engine_options_init(&options);
  options.backend = (tlw_backend)bars_value(r, BARS_BACKEND)->number;
  if (threads->given || r->n_makers == 1) options.threads = threads->given ? (uint32_t)threads->number : 1;
  options.log = on_log;
  options.log_user = r;
  r->later_bytes = reader_bytes(r) + (uint64_t)r->n_makers * tlw_bars_size();
  r->own_bytes = (uint64_t)CHUNK_ROWS * 12 * sizeof(int64_t) + (uint64_t)r->n_makers * sizeof *r->makers;
  if (host_mem->given) options.host_budget = host_mem->number > r->own_bytes ? host_mem->number - r->own_bytes : 1;
  cli_telemetry_row_bytes(r->telemetry, r->own_bytes);
  cli_telemetry_listen(r->telemetry, &options);
  if (tlw_engine_open(&r->engine, &options, &error) != TLW_OK) return bars_fail(r, &error);
  cli_telemetry_add_engine(r->telemetry, r->engine);
  return CLI_OK;
}

static cli_exit open_reader(bars_run *r) {
  tlw_error error;
  r->later_bytes = (uint64_t)r->n_makers * tlw_bars_size();
  const tlw_status status = tlw_trade_reader_open((const char *const *)r->args->operands, r->args->n_operands,
                                                  &r->reading, r->engine, &r->reader, &r->found, &error);
  r->found &= r->reading.wanted;
  return status == TLW_OK ? CLI_OK : bars_fail(r, &error);
}

static cli_exit open_bars(bars_run *r) {
  tlw_error error;
  for (int i = 0; i < r->n_makers; i++) {
    bars_maker *maker = &r->makers[i];
    r->later_bytes = (uint64_t)(r->n_makers - i - 1) * tlw_bars_size();
    if (tlw_bars_open(&maker->options, bars_output_take, maker, r->engine, &maker->bars, &error) != TLW_OK)
      return bars_fail(r, &error);
  }
  return CLI_OK;
}

static int64_t *take_column(bars_run *r, uint32_t column, char **at) {
  if (!(r->found & column)) return NULL;
  char *begin = *at;
  *at += (size_t)r->rows.capacity * sizeof(int64_t);
  return (int64_t *)(void *)begin;
}

/* Rows between checkpoints are whole chunks. */
static cli_exit take_memory(bars_run *r) {
  tlw_trade_rows *rows = &r->rows;
  const uint64_t every = bars_value(r, BARS_CHECKPOINT_EVERY)->number;
  rows->capacity = r->in_place && every < CHUNK_ROWS ? (int64_t)every : CHUNK_ROWS;
  const size_t size = (size_t)rows->capacity * (11 * sizeof(int64_t) + 1);
  r->memory = aligned_alloc(COLUMN_ALIGNMENT, (size + COLUMN_ALIGNMENT) / COLUMN_ALIGNMENT * COLUMN_ALIGNMENT);
  if (!r->memory) return cli_fail(CLI_NO_MEMORY, "no memory for %" PRId64 " rows", rows->capacity);
  char *at = r->memory;
  rows->time = take_column(r, TLW_TRADE_TIME, &at);
  rows->price = take_column(r, TLW_TRADE_PRICE, &at);
  rows->quantity = take_column(r, TLW_TRADE_QUANTITY, &at);
  rows->id = take_column(r, TLW_TRADE_ID, &at);
  rows->first_id = take_column(r, TLW_TRADE_FIRST_ID, &at);
  rows->last_id = take_column(r, TLW_TRADE_LAST_ID, &at);
  rows->open = take_column(r, TLW_TRADE_OPEN, &at);
  rows->high = take_column(r, TLW_TRADE_HIGH, &at);
  rows->low = take_column(r, TLW_TRADE_LOW, &at);
  rows->quote = take_column(r, TLW_TRADE_QUOTE, &at);
  rows->count = take_column(r, TLW_TRADE_COUNT, &at);
  if (r->found & TLW_TRADE_MAKER) rows->is_buyer_maker = (uint8_t *)at;
  return CLI_OK;
}

/* ---- reading ---- */

/* With checkpoints a signal ends the command in order, also while it waits for input. */
static cli_exit read_chunk(bars_run *r) {
  bars_chunk *chunk = &r->chunk;
  atomic_store(&r->is_idle, 1);
  const cli_exit code = r->in_place ? cli_interrupt_wait_begin() : CLI_OK;
  if (!code) {
    cli_stage stage = {.name = "read and parse", .begun = cli_telemetry_now(r->telemetry), .is_short = 1};
    chunk->n_rows = 0;
    chunk->is_new = 1;
    chunk->status = tlw_trade_reader_next(r->reader, &r->rows, &chunk->n_rows, &chunk->error);
    stage.items = chunk->n_rows;
    cli_telemetry_stage(r->telemetry, &stage);
    if (r->in_place) cli_interrupt_wait_end();
  }
  atomic_store(&r->is_idle, 0);
  return code;
}

/* It is not known before there is a row that can be read. */
static cli_exit find_unit(bars_run *r) {
  static const int64_t scales[] = {[TLW_UNIT_DEFAULT] = 1000000,
                                   [TLW_UNIT_S] = 1000000000,
                                   [TLW_UNIT_MS] = 1000000,
                                   [TLW_UNIT_US] = 1000,
                                   [TLW_UNIT_NS] = 1};
  cli_exit code = CLI_OK;
  if (tlw_trade_reader_unit(r->reader) == TLW_UNIT_DEFAULT) code = read_chunk(r);
  if (code) return code;
  const tlw_time_unit unit = tlw_trade_reader_unit(r->reader);
  r->time_scale = scales[unit];
  for (int i = 0; i < r->n_makers; i++) r->makers[i].options.unit = unit;
  return bars_plan_check(r);
}

/* ---- rows ---- */

static tlw_trades view_of(const bars_run *r, int64_t n_rows) {
  const tlw_trade_rows *rows = &r->rows;
  tlw_trades trades;
  tlw_trades_init(&trades);
  trades.n_rows = n_rows;
  trades.time = rows->time;
  trades.price = rows->price;
  trades.quantity = rows->quantity;
  trades.id = rows->id;
  trades.first_id = rows->first_id;
  trades.last_id = rows->last_id;
  trades.is_buyer_maker = rows->is_buyer_maker;
  trades.open = rows->open;
  trades.high = rows->high;
  trades.low = rows->low;
  trades.quote = rows->quote;
  trades.count = rows->count;
  return trades;
}

static tlw_status push(bars_run *r, const tlw_trades *trades, tlw_error *error) {
  tlw_bars *bars[BARS_MAKERS_MAX];
  tlw_trades views[BARS_MAKERS_MAX];
  tlw_status statuses[BARS_MAKERS_MAX];
  if (r->n_makers == 1 && bars_value(r, BARS_BACKEND)->number == TLW_BACKEND_CPU)
    return tlw_bars_push(r->makers[0].bars, trades, error);
  for (int i = 0; i < r->n_makers; i++) {
    bars[i] = r->makers[i].bars;
    views[i] = *trades;
  }
  return tlw_bars_run(r->engine, bars, views, r->n_makers, statuses, error);
}

static cli_exit push_rows(bars_run *r, int64_t n_rows) {
  const tlw_trades trades = view_of(r, n_rows);
  tlw_bars_report before;
  tlw_error error;
  tlw_bars_get_report(r->makers[0].bars, &before);
  const cli_stage stage = {
      .name = "make bars", .begun = cli_telemetry_now(r->telemetry), .items = n_rows, .is_short = 1};
  const tlw_status status = push(r, &trades, &error);
  cli_telemetry_stage(r->telemetry, &stage);
  r->rows_read += n_rows;
  cli_telemetry_count(r->telemetry, CLI_COUNT_ROWS, (uint64_t)n_rows);
  for (int i = 0; i < r->n_makers; i++)
    if (r->makers[i].code) return r->makers[i].code;
  if (status != TLW_OK) return bars_fail_row(r, &error);
  bars_note_bad(r, &before);
  return CLI_OK;
}

/* The least distance between two of the first bars of the input; 0: there are no two. */
static int64_t distance_of_bars(const bars_run *r, int64_t n_rows) {
  const int64_t *time = r->rows.time;
  uint64_t least = 0;
  for (int64_t row = 1; row < n_rows; row++) {
    const uint64_t distance = time[row] > time[row - 1] ? (uint64_t)time[row] - (uint64_t)time[row - 1] : 0;
    if (distance > 0 && (least == 0 || distance < least)) least = distance;
  }
  return least <= (uint64_t)(INT64_MAX / r->time_scale) ? (int64_t)least * r->time_scale : 0;
}

static void compare_bars(bars_run *r, int64_t n_rows) {
  if (r->is_compared || r->quiet || n_rows < 2 || !(r->found & TLW_TRADE_OPEN)) return;
  r->is_compared = 1;
  bars_plan_compare(r, distance_of_bars(r, n_rows));
}

static cli_exit save_if_due(bars_run *r) {
  const int64_t every = (int64_t)bars_value(r, BARS_CHECKPOINT_EVERY)->number;
  return r->in_place && r->rows_read - r->saved_rows >= every ? bars_checkpoint_save(r) : CLI_OK;
}

/* Where bars are waited for, or a checkpoint is due; else there is nothing to tell of either. */
static cli_exit write_rows(bars_run *r) {
  const cli_stage stage = {.name = "write", .begun = cli_telemetry_now(r->telemetry), .is_short = 1};
  const int64_t saved = r->saved_rows;
  const int is_waited_for = bars_output_waits(r);
  cli_exit code = bars_output_flush(r);
  if (!code) code = save_if_due(r);
  if (is_waited_for || r->saved_rows != saved) cli_telemetry_stage(r->telemetry, &stage);
  return code;
}

static cli_exit run_rows(bars_run *r) {
  bars_chunk *chunk = &r->chunk;
  for (;;) {
    cli_exit code = chunk->is_new ? CLI_OK : read_chunk(r);
    chunk->is_new = 0;
    if (!code) compare_bars(r, chunk->n_rows);
    if (!code && chunk->n_rows > 0) code = push_rows(r, chunk->n_rows);
    if (!code && chunk->status != TLW_OK) code = bars_fail(r, &chunk->error);
    if (code || chunk->n_rows == 0) return code;
    code = write_rows(r);
    if (code) return code;
    bars_progress_step(r);
  }
}

/* ---- the end ---- */

/* Without ids the first rows are taken for those that were seen, so that fewer of them can't be right. */
static cli_exit refuse_short(const bars_run *r) {
  char rows[CLI_COUNT_SIZE];
  cli_count_text(r->known_rows, rows);
  return cli_fail(CLI_DATA,
                  "%s: the input ends before row %s, the last that %s has seen: rows without ids are known by their "
                  "number, so give the earlier FILEs again, first",
                  cli_shown_name(r->args->operands[r->args->n_operands - 1]), rows,
                  bars_value(r, BARS_CHECKPOINT)->text);
}

static cli_exit check_rows(const bars_run *r) {
  tlw_trade_report read;
  tlw_bars_report made;
  tlw_trade_reader_get_report(r->reader, &read);
  tlw_bars_get_report(r->makers[0].bars, &made);
  if (!(r->found & TLW_TRADE_ID) && made.seen < r->known_rows) return refuse_short(r);
  if (made.rows > 0) return CLI_OK;
  const char *name = cli_shown_name(r->args->operands[0]);
  if (read.bad > 0) return cli_fail(CLI_DATA, "%s: none of its rows can be read", name);
  if (read.outside > 0)
    return cli_fail(CLI_DATA, "%s: none of its %" PRId64 " rows lies between --from and --to", name, read.outside);
  return cli_fail(CLI_DATA, "%s: the file has no rows: add some", name);
}

static cli_exit finish(bars_run *r, cli_exit code) {
  if (code == CLI_STOPPED) {
    const cli_exit saved = bars_checkpoint_save(r);
    cli_say("stopped by %s: --resume goes on", cli_interrupt_name());
    return saved ? saved : code;
  }
  if (!code) code = check_rows(r);
  if (!code && r->in_place) code = bars_checkpoint_save(r);
  if (!code) code = bars_output_last(r);
  return code;
}

static cli_exit run_tables(bars_run *r) {
  cli_exit code = cli_targets_make_folder(&r->targets);
  if (!code) code = bars_output_check(r);
  if (!code) code = bars_checkpoint_begin(r);
  if (!code) code = bars_output_open(r);
  if (!code) {
    atomic_store(&r->is_begun, 1);
    bars_progress_begin(r);
    code = finish(r, run_rows(r));
    bars_progress_end();
  }
  code = bars_output_close(r, code);
  if (!code) bars_tell(r);
  if (!code) bars_tell_unfinished(r);
  bars_output_sweep(r);
  cli_targets_remove_folder(&r->targets);
  return code;
}

static cli_exit run(bars_run *r) {
  cli_exit code = open_engine(r);
  if (!code) code = open_reader(r);
  if (!code) code = bars_plan_columns(r);
  if (!code) code = take_memory(r);
  if (!code) code = find_unit(r);
  if (!code) code = open_bars(r);
  if (!code) code = run_tables(r);
  code = cli_telemetry_end(r->telemetry, code);
  for (int i = 0; i < r->n_makers; i++) tlw_bars_close(&r->makers[i].bars);
  tlw_trade_reader_close(&r->reader);
  tlw_engine_close(&r->engine);
  free(r->memory);
  return code;
}

/* ---- signals ---- */

static void stop(void *user) { (void)user; }

/* Nothing goes on while input is waited for: what has come so far can be saved. */
static int leave(void *user) {
  bars_run *r = user;
  if (atomic_load(&r->is_idle) && atomic_load(&r->is_begun)) {
    bars_progress_end();
    if (bars_checkpoint_save(r) == CLI_OK) cli_say("stopped by %s: --resume goes on", cli_interrupt_name());
  }
  return cli_telemetry_leave(r->telemetry, CLI_STOPPED);
}

static cli_exit run_with_signals(bars_run *r) {
  const cli_interrupt_actions actions = {.stop = stop, .settle = stop, .leave = leave, .user = r};
  cli_exit begun = CLI_OK;
  if (r->in_place)
    begun = cli_interrupt_begin(&actions);
  else if (r->telemetry)
    begun = cli_interrupt_at_once_after(cli_telemetry_leave, r->telemetry);
  else
    cli_interrupt_at_once();
  if (begun) return begun;
  const cli_exit code = run(r);
  cli_interrupt_end();
  return code;
}

cli_exit cli_run_bars(const cli_args *args) {
  bars_run r = {.args = args, .verbose = args->values[BARS_VERBOSE].given, .quiet = args->values[BARS_QUIET].given};
  cli_exit code = plan(&r);
  if (!code) code = cli_telemetry_begin(&r.telemetry, args, &r.targets);
  if (!code) code = run_with_signals(&r);
  code = cli_telemetry_close(&r.telemetry, code);
  bars_plan_free(&r);
  return code;
}
