/*
 * The file of --checkpoint: what was asked for, how long each table is, and the state of its bars. It is replaced as
 * a whole once the tables have reached the disk, so that a run which is killed at any moment can go on from it.
 *
 *   8 bytes    "TLWBARS1"
 *   settings   for each of `settings` the text of the option and a zero byte; then columns found, 4 bytes
 *   4 bytes    the number of kinds; for each of them: a table is open, 1 byte; its part, BARS_PART_SIZE; its length
 *              and rows, 8 each; the state of the library
 *   8 bytes    FNV-1a of all above
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "bars_run.h"
#include "report.h"
#include "write_all.h"

#define MAGIC "TLWBARS1"
#define MAGIC_SIZE 8
#define SUM_SIZE 8
#define MAKER_SIZE (1 + BARS_PART_SIZE + 8 + 8 + TLW_BARS_CHECKPOINT_SIZE)
#define FILE_MOST (1 << 20)

/* Options that bars and tables depend on. */
static const int settings[] = {
    BARS_TIME,   BARS_TICK, BARS_VOLUME,  BARS_VALUE, BARS_RANGE,  BARS_RENKO,     BARS_SPLIT,    BARS_NO_GATE,
    BARS_EMPTY,  BARS_ZONE, BARS_OFFSET,  BARS_LABEL, BARS_FIELDS, BARS_PARTIAL,   BARS_OUTPUT,   BARS_FORMAT,
    BARS_ON_BAD, BARS_UNIT, BARS_COLUMNS, BARS_FROM,  BARS_TO,     BARS_PARTITION, BARS_DECIMALS,
};
#define SETTINGS (sizeof settings / sizeof *settings)

static const char *path_of(const bars_run *r) { return bars_value(r, BARS_CHECKPOINT)->text; }

static const char *setting(const bars_run *r, size_t index) {
  const cli_value *value = bars_value(r, settings[index]);
  const int is_flag = r->args->command->options[settings[index]].kind == CLI_FLAG;
  return !value->given ? "" : is_flag ? "on" : value->text;
}

static uint64_t sum_of(const char *bytes, size_t size) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* ---- writing ---- */

static void add_32(cli_buffer *out, uint32_t number) {
  number = htole32(number);
  cli_buffer_add(out, &number, sizeof number);
}

static void add_64(cli_buffer *out, uint64_t number) {
  number = htole64(number);
  cli_buffer_add(out, &number, sizeof number);
}

static cli_exit add_maker(bars_maker *maker, cli_buffer *out) {
  char state[TLW_BARS_CHECKPOINT_SIZE];
  tlw_error error;
  int64_t length;
  const cli_exit code = bars_output_sync(maker, &length);
  if (code) return code;
  if (tlw_bars_save(maker->bars, state, &error) != TLW_OK) return bars_fail(maker->run, &error);
  cli_buffer_add(out, maker->is_open ? "\1" : "", 1);
  cli_buffer_add(out, maker->part, sizeof maker->part);
  add_64(out, (uint64_t)length);
  add_64(out, (uint64_t)maker->n_rows);
  cli_buffer_add(out, state, sizeof state);
  return CLI_OK;
}

static cli_exit describe(bars_run *r, cli_buffer *out) {
  cli_exit code = CLI_OK;
  cli_buffer_add(out, MAGIC, MAGIC_SIZE);
  for (size_t i = 0; i < SETTINGS; i++) cli_buffer_add(out, setting(r, i), strlen(setting(r, i)) + 1);
  add_32(out, r->found);
  add_32(out, (uint32_t)r->n_makers);
  for (int i = 0; i < r->n_makers && !code; i++) code = add_maker(&r->makers[i], out);
  if (!code && !out->failed) add_64(out, sum_of(out->bytes, out->length));
  return !code && out->failed ? cli_fail(CLI_NO_MEMORY, "%s: no memory for a checkpoint", path_of(r)) : code;
}

int bars_sync_folder(const char *path) {
  char *folder = strdup(path);
  if (!folder) return 0;
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  const int descriptor = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int done = descriptor >= 0 && fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) close(descriptor);
  free(folder);
  errno = code;
  return done;
}

static cli_exit replace_file(const char *path, const cli_buffer *bytes) {
  cli_temporary file;
  if (cli_temporary_open(&file, path, 0) != 0) return cli_fail_output(path, errno);
  int code = cli_write_all(file.descriptor, bytes->bytes, bytes->length);
  if (code == 0 && fsync(file.descriptor) != 0) code = errno;
  if (code != 0) {
    cli_temporary_drop(&file);
    return cli_fail_output(path, code);
  }
  if (cli_temporary_keep(&file, path) != 0 || !bars_sync_folder(path)) return cli_fail_output(path, errno);
  return CLI_OK;
}

cli_exit bars_checkpoint_save(bars_run *r) {
  cli_buffer bytes = {0};
  cli_exit code = describe(r, &bytes);
  if (!code) code = replace_file(path_of(r), &bytes);
  if (!code) r->saved_rows = r->rows_read;
  cli_buffer_free(&bytes);
  return code;
}

/* ---- reading ---- */

/* What is left of the file. */
typedef struct rest {
  const char *at;
  size_t size;
} rest;

static uint32_t take_32(rest *file) {
  uint32_t number;
  memcpy(&number, file->at, sizeof number);
  *file = (rest){file->at + sizeof number, file->size - sizeof number};
  return le32toh(number);
}

static uint64_t take_64(rest *file) {
  uint64_t number;
  memcpy(&number, file->at, sizeof number);
  *file = (rest){file->at + sizeof number, file->size - sizeof number};
  return le64toh(number);
}

static cli_exit refuse_damaged(const bars_run *r) {
  return cli_fail(CLI_DATA,
                  "%s: this is no checkpoint of 'tallow bars', or it is damaged: name the right file, or remove it to "
                  "begin anew",
                  path_of(r));
}

/* CLI_OK with *is_there 0 if there is none. The buffer is to be freed in any case. */
static cli_exit read_file(const bars_run *r, cli_buffer *bytes, int *is_there) {
  char piece[4096];
  ssize_t n;
  const int descriptor = open(path_of(r), O_RDONLY | O_CLOEXEC);
  *is_there = descriptor >= 0;
  if (descriptor < 0 && errno == ENOENT) return CLI_OK;
  if (descriptor < 0) return cli_fail(CLI_NO_INPUT, "%s: can't read: %s", path_of(r), strerror(errno));
  while ((n = read(descriptor, piece, sizeof piece)) > 0 && bytes->length < FILE_MOST)
    cli_buffer_add(bytes, piece, (size_t)n);
  const int code = errno;
  close(descriptor);
  if (n < 0) return cli_fail(CLI_NO_INPUT, "%s: can't read: %s", path_of(r), strerror(code));
  return bytes->failed ? cli_fail(CLI_NO_MEMORY, "%s: no memory to read it", path_of(r)) : CLI_OK;
}

static cli_exit check_sum(const bars_run *r, rest *file) {
  if (file->size < MAGIC_SIZE + SUM_SIZE || memcmp(file->at, MAGIC, MAGIC_SIZE) != 0) return refuse_damaged(r);
  rest sum = {file->at + file->size - SUM_SIZE, SUM_SIZE};
  if (take_64(&sum) != sum_of(file->at, file->size - SUM_SIZE)) return refuse_damaged(r);
  *file = (rest){file->at + MAGIC_SIZE, file->size - MAGIC_SIZE - SUM_SIZE};
  return CLI_OK;
}

static cli_exit refuse_setting(const bars_run *r, int option, const char *saved) {
  const char *name = r->args->command->options[option].name;
  const int is_flag = r->args->command->options[option].kind == CLI_FLAG, was_given = *saved != 0;
  return cli_fail(
      CLI_USAGE,
      "--resume: %s was made %s --%s%s%.200s: go on with the same options, or remove it to begin anew" SEE_HELP,
      path_of(r), was_given ? "with" : "without", name, was_given && !is_flag ? " " : "", is_flag ? "" : saved);
}

static cli_exit check_settings(const bars_run *r, rest *file) {
  for (size_t i = 0; i < SETTINGS; i++) {
    const char *end = memchr(file->at, 0, file->size);
    if (!end) return refuse_damaged(r);
    if (strcmp(setting(r, i), file->at) != 0) return refuse_setting(r, settings[i], file->at);
    *file = (rest){end + 1, file->size - (size_t)(end + 1 - file->at)};
  }
  if (file->size != 8 + (size_t)r->n_makers * MAKER_SIZE) return refuse_damaged(r);
  if (take_32(file) != r->found)
    return cli_fail(CLI_DATA, "%s: its columns are not those of the file for which %s was made: name the same FILE",
                    cli_shown_name(r->args->operands[0]), path_of(r));
  return take_32(file) == (uint32_t)r->n_makers ? CLI_OK : refuse_damaged(r);
}

static cli_exit load_maker(bars_maker *maker, rest *file) {
  const int is_open = *file->at != 0;
  memcpy(maker->part, file->at + 1, sizeof maker->part);
  maker->part[sizeof maker->part - 1] = 0;
  /* It becomes part of a file's name. */
  if (maker->part[strspn(maker->part, "0123456789-")] != 0) return refuse_damaged(maker->run);
  *file = (rest){file->at + 1 + sizeof maker->part, file->size - 1 - sizeof maker->part};
  const int64_t length = (int64_t)take_64(file);
  maker->n_rows = (int64_t)take_64(file);
  tlw_error error;
  if (tlw_bars_load(maker->bars, file->at, TLW_BARS_CHECKPOINT_SIZE, 0, &error) != TLW_OK)
    return cli_fail(cli_exit_of(error.code), "%s: %s", path_of(maker->run), error.message);
  *file = (rest){file->at + TLW_BARS_CHECKPOINT_SIZE, file->size - TLW_BARS_CHECKPOINT_SIZE};
  return is_open ? bars_output_go_on(maker, length) : CLI_OK;
}

static cli_exit load(bars_run *r, const cli_buffer *bytes) {
  if (!bytes->bytes) return refuse_damaged(r);
  rest file = {bytes->bytes, bytes->length};
  cli_exit code = check_sum(r, &file);
  if (!code) code = check_settings(r, &file);
  for (int i = 0; i < r->n_makers && !code; i++) code = load_maker(&r->makers[i], &file);
  if (code) return code;
  tlw_bars_report report;
  tlw_bars_get_report(r->makers[0].bars, &report);
  r->known_rows = report.rows;
  if (r->verbose) cli_say("%s: going on behind row %" PRId64, path_of(r), report.rows);
  return CLI_OK;
}

/* What runs that were killed have left of it. */
static void sweep(const bars_run *r) {
  const cli_targets place = {.kind = &r->kind, .out = path_of(r)};
  cli_targets_sweep(&place);
}

cli_exit bars_checkpoint_begin(bars_run *r) {
  cli_buffer bytes = {0};
  int is_there;
  if (!path_of(r)) return CLI_OK;
  sweep(r);
  cli_exit code = read_file(r, &bytes, &is_there);
  if (!code && is_there && !bars_value(r, BARS_RESUME)->given)
    code =
        cli_fail(CLI_USAGE,
                 "--checkpoint %s is there already: add --resume to go on from it, or remove it to begin anew" SEE_HELP,
                 path_of(r));
  if (!code) code = is_there ? load(r, &bytes) : bars_checkpoint_save(r);
  cli_buffer_free(&bytes);
  return code;
}
