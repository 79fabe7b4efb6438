/* Checkpoints: what a tlw_bars needs to go on, as bytes that are the same on every machine. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/hash.h"
#include "kinds.h"

#define SIZE ((size_t)TLW_BARS_CHECKPOINT_SIZE)
#define CHECKSUM_AT (SIZE - 8)
#define VERSION 1

static const char magic[8] = "TLWBARS";

/* ---- bytes ---- */

/* One walk over the members both writes and reads them, so that the two can't differ. */
struct stream {
  uint8_t *bytes;
  size_t at;
  bool reads;
};

static void put_word(uint8_t *bytes, uint64_t word) {
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> 8 * i);
}

static uint64_t get_word(const uint8_t *bytes) {
  uint64_t word = 0;
  for (int i = 0; i < 8; i++) word |= (uint64_t)bytes[i] << 8 * i;
  return word;
}

static void move_u64(struct stream *stream, uint64_t *number) {
  uint8_t *bytes = stream->bytes + stream->at;
  if (stream->reads)
    *number = get_word(bytes);
  else
    put_word(bytes, *number);
  stream->at += 8;
}

static void move_i64(struct stream *stream, int64_t *number) {
  uint64_t word = (uint64_t)*number;
  move_u64(stream, &word);
  *number = (int64_t)word;
}

/* Numbers of less than 64 bits that do not fit become what is refused everywhere. */
static void move_i32(struct stream *stream, int32_t *number) {
  int64_t wide = *number;
  move_i64(stream, &wide);
  *number = wide == (int32_t)wide ? (int32_t)wide : INT32_MIN;
}

static void move_u32(struct stream *stream, uint32_t *number) {
  uint64_t wide = *number;
  move_u64(stream, &wide);
  *number = wide <= UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
}

static void move_u128(struct stream *stream, tlk_u128 *number) {
  move_u64(stream, &number->low);
  move_u64(stream, &number->high);
}

/* ---- options ---- */

struct option {
  const char *name;
  int64_t number;
};

#define N_OPTIONS 10

static void list_options(const tlw_bars_options *options, struct option list[N_OPTIONS]) {
  const bool is_time = options->kind == TLW_BARS_TIME;
  const struct option all[N_OPTIONS] = {
      {"kind", options->kind},     {"interval", is_time ? (int64_t)options->interval : 0},
      {"size", options->size},     {"offset", options->offset},
      {"empty", options->empty},   {"unit", options->unit},
      {"split", options->split},   {"no_gate", options->no_gate},
      {"fields", options->fields}, {"on_bad", options->on_bad},
  };
  memcpy(list, all, sizeof all);
}

static void write_options(struct stream *stream, const tlw_bars *bars) {
  struct option options[N_OPTIONS];
  list_options(&bars->options, options);
  for (int i = 0; i < N_OPTIONS; i++) move_i64(stream, &options[i].number);
  strncpy((char *)stream->bytes + stream->at, bars->zone_name, TLW_BARS_ZONE_SIZE);
  stream->at += TLW_BARS_ZONE_SIZE;
}

/* TLW_ERR_ARGUMENT: they are others than these bars have. */
static tlw_status compare_options(struct stream *stream, const tlw_bars *bars, tlw_error *error) {
  struct option options[N_OPTIONS];
  list_options(&bars->options, options);
  for (int i = 0; i < N_OPTIONS; i++) {
    int64_t number = 0;
    move_i64(stream, &number);
    if (number != options[i].number)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "the checkpoint is of options.%s %lld, these bars are of %lld",
                      options[i].name, (long long)number, (long long)options[i].number);
  }
  const char *zone = (const char *)stream->bytes + stream->at;
  stream->at += TLW_BARS_ZONE_SIZE;
  if (strncmp(zone, bars->zone_name, TLW_BARS_ZONE_SIZE) == 0) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "the checkpoint is of options.zone_name '%.*s', these bars are of '%s'",
                  TLW_BARS_ZONE_SIZE - 1, zone, bars->zone_name);
}

/* ---- state ---- */

static void move_rule(struct stream *stream, struct tlw_bars_rule *rule) {
  move_i64(stream, &rule->interval.begin);
  move_i64(stream, &rule->interval.end);
  move_i64(stream, &rule->rest);
  move_u128(stream, &rule->need);
  move_i64(stream, &rule->low);
  move_i64(stream, &rule->high);
  move_i64(stream, &rule->level);
  move_i32(stream, &rule->direction);
}

static void move_part(struct stream *stream, tlk_bar_part *part) {
  move_i64(stream, &part->open);
  move_i64(stream, &part->high);
  move_i64(stream, &part->low);
  move_i64(stream, &part->close);
  move_u128(stream, &part->volume);
  move_u128(stream, &part->quote);
  move_u128(stream, &part->buy_volume);
  move_u128(stream, &part->buy_quote);
  move_i64(stream, &part->rows);
  move_i64(stream, &part->trades);
  move_i64(stream, &part->buy_trades);
}

static void move_forming(struct stream *stream, struct tlw_bars_forming *forming) {
  move_part(stream, &forming->part);
  move_i64(stream, &forming->open_time);
  move_i64(stream, &forming->close_time);
  move_i64(stream, &forming->first_id);
  move_i64(stream, &forming->last_id);
  move_i64(stream, &forming->carry.price);
  move_i64(stream, &forming->carry.quantity);
  move_i32(stream, &forming->carry.is_buy);
  move_i64(stream, &forming->seed);
}

static void move_report(struct stream *stream, tlw_bars_report *report) {
  move_i64(stream, &report->rows);
  move_i64(stream, &report->bars);
  move_i64(stream, &report->seen);
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++) {
    move_i64(stream, &report->skipped[i]);
    move_i64(stream, &report->first_skipped[i]);
  }
  move_i64(stream, &report->last_time);
  move_i64(stream, &report->last_id);
}

static void move_seen(struct stream *stream, struct tlw_bars_seen *seen) {
  int32_t skipped = seen->skipped;
  move_u64(stream, &seen->hash);
  move_i64(stream, &seen->id);
  move_i32(stream, &skipped);
  seen->skipped = skipped != 0;
}

static void move_state(struct stream *stream, tlw_bars *bars) {
  move_u32(stream, &bars->shape);
  move_rule(stream, &bars->rule);
  move_forming(stream, &bars->forming);
  move_i64(stream, &bars->close);
  move_report(stream, &bars->report);
  move_u32(stream, &bars->skips);
  for (int i = 0; i < TLW_BARS_REMEMBERED; i++) move_seen(stream, &bars->seen[i]);
}

/* ---- what a state can be ---- */

#define MOST (INT64_C(1) << 62)

static bool is_within(int64_t number, int64_t least, int64_t most) { return number >= least && number <= most; }

static bool is_none(tlk_u128 number) { return (number.low | number.high) == 0; }

static bool holds_report(const tlw_bars *bars) {
  const tlw_bars_report *report = &bars->report;
  int64_t good = report->rows;
  if (!is_within(good, 0, MOST) || !is_within(report->bars, 0, MOST) || !is_within(report->seen, 0, MOST)) return false;
  for (int i = 0; i < TLW_TRADE_DEFECTS; i++) {
    const int64_t skipped = report->skipped[i], first = report->first_skipped[i];
    if (!is_within(skipped, 0, good)) return false;
    if (skipped ? !is_within(first, 0, report->rows - 1) : first != -1) return false;
    good -= skipped;
  }
  if (good == 0) return report->last_time == INT64_MIN && report->last_id == -1;
  if (bars->options.on_bad == TLW_BAD_ERROR && good != report->rows) return false;
  const bool has_ids = bars->shape & TLW_BARS_SHAPE_IDS;
  return is_within(report->last_time, bars->first_time, bars->last_time) &&
         is_within(report->last_id, 0, has_ids ? INT64_MAX : report->rows - 1);
}

static bool holds_shape(const tlw_bars *bars) {
  const uint32_t shape = bars->shape;
  const uint32_t all = TLW_BARS_SHAPE_KNOWN | TLW_BARS_SHAPE_IDS | TLW_BARS_SHAPE_BARS | TLW_BARS_SHAPE_QUOTE;
  if (shape & ~all || (bars->report.rows > 0 && !(shape & TLW_BARS_SHAPE_KNOWN))) return false;
  if (shape & TLW_BARS_SHAPE_QUOTE && !(shape & TLW_BARS_SHAPE_BARS)) return false;
  return !(shape & TLW_BARS_SHAPE_BARS) || bars->way->from_bars;
}

static bool holds_sums(uint32_t fields, const tlk_bar_part *part) {
  if (part->volume.high >> 62 || tlk_u128_less(part->volume, part->buy_volume)) return false;
  if (tlk_u128_less(part->quote, part->buy_quote)) return false;
  if (!(fields & TLW_BAR_VOLUME) && !is_none(part->volume)) return false;
  if (!(fields & TLW_BAR_QUOTE) && !is_none(part->quote)) return false;
  if (!(fields & TLW_BAR_SIDES) && (!is_none(part->buy_volume) || !is_none(part->buy_quote) || part->buy_trades))
    return false;
  return is_within(part->trades, 0, TLW_BARS_MOST_TRADES) && is_within(part->buy_trades, 0, part->trades);
}

static bool holds_forming(const tlw_bars *bars) {
  const struct tlw_bars_forming *forming = &bars->forming;
  const tlk_bar_part *part = &forming->part;
  const struct tlw_bars_carry *carry = &forming->carry;
  if (!is_within(part->rows, 0, bars->report.rows) || !holds_sums(bars->fields, part)) return false;
  if (part->rows > 0 && !(part->low > 0 && part->low <= part->open && part->low <= part->close &&
                          part->high >= part->open && part->high >= part->close))
    return false;
  if (!is_within(carry->quantity, 0, bars->options.split ? INT64_MAX : 0)) return false;
  if (carry->quantity > 0 && (carry->price <= 0 || !is_within(carry->is_buy, 0, 1))) return false;
  if (forming->seed < 0 || bars->close < 0) return false;
  if (!tlw_bars_is_forming(bars)) return true;
  return forming->close_time == bars->report.last_time &&
         is_within(forming->open_time, bars->first_time, forming->close_time);
}

/* A checksum keeps away accidents; a file may be made to harm. */
static bool holds(tlw_bars *bars) {
  return holds_shape(bars) && holds_report(bars) && holds_forming(bars) && bars->way->holds(bars);
}

/* ---- saving and loading ---- */

/* What was left in members that count for nothing is not written. */
static void tidy(struct tlw_bars_forming *forming) {
  if (forming->part.rows == 0) forming->part = tlk_bar_none();
  if (forming->carry.quantity == 0) forming->carry = (struct tlw_bars_carry){0};
  if (forming->part.rows > 0 || forming->carry.quantity > 0) return;
  forming->open_time = forming->close_time = forming->first_id = forming->last_id = 0;
}

tlw_status tlw_bars_save(const tlw_bars *bars, void *bytes, tlw_error *error) {
  if (!bars || !bytes) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", bars ? "bytes" : "bars");
  if (bars->n_pending > 0 || bars->owed.count > 0)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "bars wait for a sink that failed: push again, no rows at least, first");
  struct stream stream = {.bytes = bytes};
  memset(bytes, 0, SIZE);
  memcpy(bytes, magic, sizeof magic);
  stream.at = sizeof magic;
  uint64_t version = VERSION;
  move_u64(&stream, &version);
  write_options(&stream, bars);
  tlw_bars copy = *bars;
  tidy(&copy.forming);
  move_state(&stream, &copy);
  put_word(stream.bytes + CHECKSUM_AT, tlw_hash(TLW_HASH_START, bytes, CHECKSUM_AT));
  return TLW_OK;
}

static tlw_status fail_of_damage(tlw_error *error) {
  return tlw_fail(error, TLW_ERR_DATA, "the checkpoint is damaged: take an older one, or begin anew");
}

static tlw_status check_frame(const uint8_t *bytes, size_t size, tlw_error *error) {
  if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
    return tlw_fail(error, TLW_ERR_DATA, "this is no checkpoint of bars");
  if (size != SIZE || get_word(bytes + CHECKSUM_AT) != tlw_hash(TLW_HASH_START, bytes, CHECKSUM_AT))
    return fail_of_damage(error);
  const uint64_t version = get_word(bytes + sizeof magic);
  if (version == VERSION) return TLW_OK;
  return tlw_fail(error, TLW_ERR_DATA, "the checkpoint is of version %llu, this library reads version %d",
                  (unsigned long long)version, VERSION);
}

tlw_status tlw_bars_load(tlw_bars *bars, const void *bytes, size_t size, int64_t row, tlw_error *error) {
  if (!bars || !bytes) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", bars ? "bytes" : "bars");
  tlw_status status = check_frame(bytes, size, error);
  if (status != TLW_OK) return status;
  uint8_t copied[TLW_BARS_CHECKPOINT_SIZE];
  memcpy(copied, bytes, SIZE);
  struct stream stream = {.bytes = copied, .at = sizeof magic + 8, .reads = true};
  status = compare_options(&stream, bars, error);
  if (status != TLW_OK) return status;
  tlw_bars loaded = *bars;
  tlw_bars_begin(&loaded);
  move_state(&stream, &loaded);
  if (!holds(&loaded)) return fail_of_damage(error);
  const int64_t rows = loaded.report.rows;
  if (row < 0 || row > rows)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "row is %lld: it must be 0 to %lld, the rows that the checkpoint has seen",
                    (long long)row, (long long)rows);
  const bool has_ids = loaded.shape & TLW_BARS_SHAPE_IDS;
  loaded.again = has_ids ? 0 : rows - row;
  loaded.comes_again = has_ids ? rows > 0 : rows > row;
  *bars = loaded;
  return TLW_OK;
}

/* ---- files ---- */

static tlw_status fail_of_file(const char *path, const char *what, int code, tlw_error *error) {
  return tlw_fail_native(error, TLW_ERR_IO, code, "%.200s: can't be %s: %s", path, what, strerror(code));
}

/* The name of the file has reached the disk once its folder has. Not every file system knows this, or needs it. */
static void sync_folder(const char *path) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  const int descriptor = tlw_file_open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (descriptor < 0) return;
  tlw_file_sync(descriptor);
  tlw_file_close(descriptor);
}

/* 0, or what went wrong. */
static int write_file(const char *path, char *temporary, const uint8_t *bytes) {
  const int descriptor = tlw_file_temporary(temporary);
  if (descriptor < 0) return errno;
  int code = tlw_file_write(descriptor, bytes, SIZE) == 0 && tlw_file_sync(descriptor) == 0 ? 0 : errno;
  if (tlw_file_close(descriptor) != 0 && code == 0) code = errno;
  if (code == 0 && tlw_file_rename(temporary, path) != 0) code = errno;
  if (code != 0) tlw_file_unlink(temporary);
  return code;
}

tlw_status tlw_bars_save_file(const tlw_bars *bars, const char *path, tlw_error *error) {
  if (!path) return tlw_fail(error, TLW_ERR_ARGUMENT, "path is NULL");
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE];
  const tlw_status status = tlw_bars_save(bars, bytes, error);
  if (status != TLW_OK) return status;
  char temporary[PATH_MAX];
  const int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (length < 0 || length >= (int)sizeof temporary) return fail_of_file(path, "written", ENAMETOOLONG, error);
  const int code = write_file(path, temporary, bytes);
  if (code != 0) return fail_of_file(path, "written", code, error);
  sync_folder(path);
  return TLW_OK;
}

/* What there is, up to one byte more than a checkpoint has. -1 with errno. */
static ssize_t read_file(int descriptor, uint8_t *bytes) {
  size_t size = 0;
  while (size < SIZE + 1) {
    const ssize_t n = tlw_file_read(descriptor, bytes + size, SIZE + 1 - size);
    if (n < 0) return -1;
    if (n == 0) break;
    size += (size_t)n;
  }
  return (ssize_t)size;
}

tlw_status tlw_bars_load_file(tlw_bars *bars, const char *path, int64_t row, tlw_error *error) {
  if (!path) return tlw_fail(error, TLW_ERR_ARGUMENT, "path is NULL");
  const int descriptor = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (descriptor < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == EPERM))
    return tlw_fail_native(error, TLW_ERR_NOT_FOUND, errno, "%.200s: can't open: %s", path, strerror(errno));
  if (descriptor < 0) return fail_of_file(path, "opened", errno, error);
  uint8_t bytes[TLW_BARS_CHECKPOINT_SIZE + 1];
  const ssize_t size = read_file(descriptor, bytes);
  const int code = errno;
  tlw_file_close(descriptor);
  return size < 0 ? fail_of_file(path, "read", code, error) : tlw_bars_load(bars, bytes, (size_t)size, row, error);
}
