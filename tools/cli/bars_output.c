/* The tables of bars: which file gets which bar, whole files or such that grow, parts by the calendar. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bars_run.h"
#include "format.h"
#include "report.h"

#define KIND_WORD "{kind}"
#define DAY_NANOSECONDS INT64_C(86400000000000)

enum { FORMAT_AUTO, FORMAT_CSV, FORMAT_JSONL, FORMAT_NPY };

static const char *const endings[] = {[BARS_CSV] = ".csv", [BARS_JSONL] = ".jsonl", [BARS_NPY] = ".npy"};
static const char *const format_texts[] = {[BARS_CSV] = "csv", [BARS_JSONL] = "jsonl", [BARS_NPY] = "npy"};

/* ---- what can be known before anything is opened ---- */

static int is_stdout(const bars_run *r) { return strcmp(r->out, "-") == 0; }

static int is_folder(const char *path) {
  struct stat info;
  return path[strlen(path) - 1] == '/' || (stat(path, &info) == 0 && S_ISDIR(info.st_mode));
}

static int is_device_or_pipe(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* The format that the name of a file speaks of; -1: none. */
static int format_of_name(const char *name) {
  for (int i = BARS_CSV; i <= BARS_NPY; i++)
    if (cli_ends_in(name, endings[i])) return i;
  return cli_ends_in(name, ".ndjson") ? (int)BARS_JSONL : -1;
}

static cli_exit refuse_packed(const char *out) {
  static const char *const packed[] = {".gz", ".zst", ".zip", ".bz2", ".xz", ".npz"};
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
    if (cli_ends_in(out, packed[i]))
      return cli_fail(CLI_USAGE,
                      "--output %s: bars are not packed: name a .csv, .jsonl or .npy file, or pack standard "
                      "output" SEE_HELP,
                      out);
  return CLI_OK;
}

static cli_exit plan_format(bars_run *r, int is_named) {
  const uint64_t format = bars_value(r, BARS_FORMAT)->number;
  const int named = is_named ? format_of_name(r->out) : -1;
  r->format = format != FORMAT_AUTO ? (bars_format)(format - FORMAT_CSV) : named >= 0 ? (bars_format)named : BARS_CSV;
  if (named >= 0 && named != (int)r->format)
    return cli_fail(CLI_USAGE, "--output %s and --format %s contradict each other" SEE_HELP, r->out,
                    format_texts[r->format]);
  if (!is_named || named >= 0 || format != FORMAT_AUTO || is_device_or_pipe(r->out)) return CLI_OK;
  cli_exit code = refuse_packed(r->out);
  if (!code)
    code = cli_fail(CLI_USAGE,
                    "--output %s must end in .csv, .jsonl or .npy, or in / to name a folder; or say what it "
                    "is by --format" SEE_HELP,
                    r->out);
  return code;
}

/* What must be files, which standard output, a device or a pipe is not. */
static cli_exit check_stream(const bars_run *r) {
  const char *what = is_stdout(r) ? "standard output" : r->out;
  if (!is_stdout(r) && !is_device_or_pipe(r->out)) return CLI_OK;
  if (r->n_makers > 1)
    return cli_fail(CLI_USAGE,
                    "%s holds bars of one kind, not of %d: name a folder, or files as -o 'bars-" KIND_WORD
                    ".csv'" SEE_HELP,
                    what, r->n_makers);
  if (r->part_length > 0)
    return cli_fail(CLI_USAGE, "--partition needs files: name one by --output, such as -o bars.csv" SEE_HELP);
  if (r->in_place)
    return cli_fail(CLI_USAGE,
                    "--checkpoint needs files, for what was written to %s can't be taken back: name one by --output, "
                    "such as -o bars.csv" SEE_HELP,
                    what);
  if (r->format == BARS_NPY)
    return cli_fail(CLI_USAGE,
                    "an array says first how many rows it has, which is known in the end: name a file for it, "
                    "such as -o bars.npy" SEE_HELP);
  return CLI_OK;
}

static cli_exit check_words(const char *out) {
  for (const char *word = strchr(out, '{'); word; word = strchr(word + 1, '{')) {
    const char *end = strchr(word, '}');
    if (end && strncmp(word, KIND_WORD, strlen(KIND_WORD)) != 0)
      return cli_fail(CLI_USAGE, "--output %s: %.*s is not known: " KIND_WORD " stands for the kind of bars" SEE_HELP,
                      out, (int)(end + 1 - word), word);
  }
  return CLI_OK;
}

static void plan_parts(bars_run *r) {
  static const int lengths[] = {4, 7, 10}; /* year, month, day */
  const cli_value *partition = bars_value(r, BARS_PARTITION);
  r->part_length = partition->given ? lengths[partition->number] : 0;
}

cli_exit bars_output_plan(bars_run *r) {
  const cli_value *out = bars_value(r, BARS_OUTPUT);
  r->out = out->text ? out->text : "-";
  r->in_place = bars_value(r, BARS_CHECKPOINT)->given;
  plan_parts(r);
  const int in_folder = !is_stdout(r) && is_folder(r->out);
  cli_exit code = plan_format(r, !in_folder && !is_stdout(r));
  if (!code) code = check_stream(r);
  if (code) return code;
  r->kind = (cli_target_kind){.command = "bars", .things = "bars", .endings = {endings[r->format], NULL}};
  r->targets = (cli_targets){.kind = &r->kind, .out = r->out, .in_folder = in_folder};
  if (in_folder || is_stdout(r)) return CLI_OK;
  code = check_words(r->out);
  if (code || r->n_makers == 1 || strstr(r->out, KIND_WORD)) return code;
  return cli_fail(CLI_USAGE,
                  "--output %s can't hold %d kinds of bars: write " KIND_WORD " into the name, as in 'bars-" KIND_WORD
                  ".csv', or name a folder" SEE_HELP,
                  r->out, r->n_makers);
}

/* ---- names ---- */

/* Puts the name of the kind in the place of {kind}. */
static void put_pattern(const bars_maker *maker, cli_buffer *path) {
  const char *at = maker->run->out;
  for (const char *word; (word = strstr(at, KIND_WORD)); at = word + strlen(KIND_WORD)) {
    cli_buffer_add(path, at, (size_t)(word - at));
    cli_buffer_add(path, maker->name, strlen(maker->name));
  }
  cli_buffer_add(path, at, strlen(at));
}

/* NAME.csv becomes NAME-2024-08.csv. */
static void insert_part(cli_buffer *path, const char *part) {
  size_t point = path->length;
  while (point > 0 && path->bytes[point - 1] != '.' && path->bytes[point - 1] != '/') point--;
  const size_t at = point > 0 && path->bytes[point - 1] == '.' ? point - 1 : path->length;
  char *ending = strndup(path->bytes + at, path->length - at);
  path->failed |= !ending;
  path->length = at;
  cli_buffer_format(path, "-%s%s", part, ending ? ending : "");
  free(ending);
}

static cli_exit find_path(bars_maker *maker) {
  const bars_run *r = maker->run;
  cli_buffer path = {0};
  if (r->targets.in_folder)
    cli_buffer_format(&path, "%s%s%s%s", r->out, r->out[strlen(r->out) - 1] == '/' ? "" : "/", maker->name,
                      endings[r->format]);
  else
    put_pattern(maker, &path);
  if (maker->part[0] && !path.failed) insert_part(&path, maker->part);
  cli_buffer_add(&path, "", 1);
  cli_exit code = CLI_OK;
  if (path.failed)
    code = cli_fail(CLI_NO_MEMORY, "%s: no memory for its name", r->out);
  else if (path.length > sizeof maker->path)
    code = cli_fail(CLI_USAGE, "--output %s: this name is too long", r->out);
  else
    memcpy(maker->path, path.bytes, path.length);
  cli_buffer_free(&path);
  return code;
}

/* Bars must not take the place of what they are made of, or of the checkpoint. */
static cli_exit check_place(const bars_maker *maker) {
  const cli_args *args = maker->run->args;
  const char *checkpoint = bars_value(maker->run, BARS_CHECKPOINT)->text;
  struct stat info;
  for (int i = 0; i < args->n_operands; i++)
    if (strcmp(args->operands[i], "-") != 0 && cli_is_same_file(maker->path, args->operands[i]))
      return cli_fail(CLI_USAGE, "--output: %s would replace the FILE %s: use another name" SEE_HELP, maker->path,
                      args->operands[i]);
  if (checkpoint && cli_is_same_file(checkpoint, maker->path))
    return cli_fail(CLI_USAGE, "--output and --checkpoint are both %s: use another name for one" SEE_HELP, checkpoint);
  for (int i = 0, option; (option = cli_telemetry_option(args, i)) >= 0; i++) {
    const char *text = bars_value(maker->run, option)->text;
    if (text && cli_is_same_file(text, maker->path))
      return cli_fail(CLI_USAGE, "--output and --%s are both %s: use another name for one" SEE_HELP,
                      args->command->options[option].name, text);
  }
  const int is_alone = maker->run->n_makers == 1 && !maker->run->part_length && !maker->run->in_place;
  if ((!is_alone || maker->run->targets.in_folder) && stat(maker->path, &info) == 0 && !S_ISREG(info.st_mode))
    return cli_fail(CLI_CANT_CREATE, "%s: can't write: a folder, device, pipe or socket has this name", maker->path);
  return CLI_OK;
}

cli_exit bars_output_check(bars_run *r) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < r->n_makers && !code && !is_stdout(r) && r->part_length == 0; i++) {
    code = find_path(&r->makers[i]);
    if (!code) code = check_place(&r->makers[i]);
  }
  return code;
}

/* ---- files ---- */

static cli_exit open_in_place(bars_maker *maker, int flags) {
  cli_output *output = &maker->output;
  output->name = output->path = maker->path;
  output->used = 0;
  output->error = 0;
  output->is_temporary = 0;
  do output->descriptor = open(maker->path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
  while (output->descriptor < 0 && errno == EINTR);
  if (output->descriptor < 0) return cli_fail_output(maker->path, errno);
  bars_sync_folder(maker->path); /* the next checkpoint counts on the name */
  return CLI_OK;
}

static cli_exit write_header(bars_maker *maker) {
  const bars_run *r = maker->run;
  char text[BARS_ROW_SIZE];
  if (r->format == BARS_JSONL) return CLI_OK;
  const char *end =
      r->format == BARS_CSV ? bars_put_names(text, &r->columns) : bars_put_array_header(text, &r->columns, 0);
  return cli_output_write(&maker->output, text, (size_t)(end - text));
}

static cli_exit open_table(bars_maker *maker) {
  cli_exit code = CLI_OK;
  if (is_stdout(maker->run)) {
    strcpy(maker->path, "-");
  } else {
    code = find_path(maker);
    if (!code) code = check_place(maker);
  }
  if (!code) code = maker->run->in_place ? open_in_place(maker, O_TRUNC) : cli_output_open(&maker->output, maker->path);
  if (code) return code;
  maker->is_open = 1;
  maker->n_rows = 0;
  return write_header(maker);
}

/* The number of rows of an array is told in the end. */
static cli_exit finish_header(bars_maker *maker) {
  char text[BARS_ROW_SIZE];
  if (maker->run->format != BARS_NPY) return CLI_OK;
  const char *end = bars_put_array_header(text, &maker->run->columns, maker->n_rows);
  return cli_output_replace(&maker->output, text, (size_t)(end - text));
}

static cli_exit sync_table(bars_maker *maker) {
  cli_exit code = finish_header(maker);
  if (!code) code = cli_output_flush(&maker->output);
  if (!code && fdatasync(maker->output.descriptor) != 0) code = cli_fail_output(maker->path, errno);
  return code;
}

static cli_exit close_table(bars_maker *maker, cli_exit code) {
  if (!maker->is_open) return code;
  maker->is_open = 0;
  if (!code) code = maker->run->in_place ? sync_table(maker) : finish_header(maker);
  return cli_output_close(&maker->output, code);
}

/* ---- parts ---- */

static int64_t local_time(const bars_run *r, int64_t time) { return tlw_zone_local(r->zone, time * r->time_scale); }

/* A clock that is put back does not lead back to an older part. */
static cli_exit choose_part(bars_maker *maker, const tlw_bar *bar) {
  const bars_run *r = maker->run;
  const int64_t local = local_time(r, bar->open_time);
  const int64_t day = local / DAY_NANOSECONDS - (local % DAY_NANOSECONDS < 0);
  if (maker->is_open && maker->has_day && maker->day == day) return CLI_OK;
  char text[CLI_TIME_SIZE], part[BARS_PART_SIZE] = "";
  cli_put_time(text, local, 0);
  memcpy(part, text, (size_t)r->part_length);
  maker->day = day;
  maker->has_day = 1;
  if (maker->is_open && strcmp(part, maker->part) <= 0) return CLI_OK;
  cli_exit code = close_table(maker, CLI_OK);
  if (code) return code;
  if (strcmp(part, maker->part) > 0) strcpy(maker->part, part);
  return open_table(maker);
}

/* ---- bars ---- */

static inline cli_exit make_room(cli_output *output) {
  return sizeof output->buffer - output->used < BARS_ROW_SIZE ? cli_output_flush(output) : CLI_OK;
}

static char *put_bar(const bars_run *r, char *out, const tlw_bar *bar, tlw_bars_kind kind) {
  switch (r->format) {
  case BARS_CSV:
    return bars_put_csv(out, &r->columns, bar, kind);
  case BARS_JSONL:
    return bars_put_json(out, &r->columns, bar, kind);
  case BARS_NPY:
    break;
  }
  return bars_put_array(out, &r->columns, bar, kind);
}

static cli_exit write_bars(bars_maker *maker, const tlw_bar *bars, int64_t n_bars) {
  const bars_run *r = maker->run;
  cli_output *output = &maker->output;
  for (int64_t i = 0; i < n_bars; i++) {
    cli_exit code = r->part_length > 0 ? choose_part(maker, &bars[i]) : CLI_OK;
    if (!code) code = make_room(output);
    if (code) return code;
    char *begin = output->buffer + output->used;
    output->used += (size_t)(put_bar(r, begin, &bars[i], maker->options.kind) - begin);
    maker->n_rows++;
  }
  cli_telemetry_count(r->telemetry, CLI_COUNT_BARS, (uint64_t)n_bars);
  return CLI_OK;
}

tlw_status bars_output_take(void *user, const tlw_bar *bars, int64_t n_bars, tlw_error *error) {
  bars_maker *maker = user;
  maker->code = write_bars(maker, bars, n_bars);
  if (!maker->code) return TLW_OK;
  *error = (tlw_error){.code = TLW_ERR_IO, .row = -1, .column = -1};
  snprintf(error->message, sizeof error->message, "the bars of %s could not be written", maker->name);
  return TLW_ERR_IO;
}

/* No row in its interval can come, for the range ends behind it. */
static int ends_by_to(const bars_maker *maker, const tlw_bar *bar) {
  const bars_run *r = maker->run;
  if (maker->options.kind != TLW_BARS_TIME || !bars_value(r, BARS_TO)->given) return 0;
  const int64_t to = r->reading.to;
  return bar->close_time < to / r->time_scale - (to % r->time_scale < 0);
}

cli_exit bars_output_last(bars_run *r) {
  const int is_partial = bars_value(r, BARS_PARTIAL)->given;
  cli_exit code = CLI_OK;
  tlw_bar bar;
  for (int i = 0; i < r->n_makers && !code; i++) {
    bars_maker *maker = &r->makers[i];
    if (!tlw_bars_forming(maker->bars, &bar)) continue;
    maker->is_complete = ends_by_to(maker, &bar);
    if (maker->is_complete) bar.flags &= ~TLW_BAR_PARTIAL;
    if (maker->is_complete || is_partial) code = write_bars(maker, &bar, 1);
  }
  return code;
}

/* ---- all tables ---- */

cli_exit bars_output_open(bars_run *r) {
  cli_exit code = cli_targets_make_folder(&r->targets);
  for (int i = 0; i < r->n_makers && !code && r->part_length == 0; i++)
    if (!r->makers[i].is_open) code = open_table(&r->makers[i]);
  return code;
}

cli_exit bars_output_go_on(bars_maker *maker, int64_t length) {
  struct stat info;
  cli_exit code = find_path(maker);
  if (!code) code = check_place(maker);
  if (!code && (stat(maker->path, &info) != 0 || info.st_size < length))
    code = cli_fail(CLI_DATA,
                    "%s: it is missing or shorter than the checkpoint says: begin anew without --resume and "
                    "without the file %s",
                    maker->path, bars_value(maker->run, BARS_CHECKPOINT)->text);
  if (!code) code = open_in_place(maker, 0);
  if (code) return code;
  maker->is_open = 1;
  const int descriptor = maker->output.descriptor;
  if (ftruncate(descriptor, length) == 0 && lseek(descriptor, 0, SEEK_END) == length) return CLI_OK;
  return cli_fail_output(maker->path, errno);
}

/* Others may read it as it grows, so that what is in memory does not wait for more. */
static int is_in_place(const bars_maker *maker) { return maker->is_open && !maker->output.is_temporary; }

int bars_output_waits(const bars_run *r) {
  for (int i = 0; i < r->n_makers; i++)
    if (is_in_place(&r->makers[i]) && r->makers[i].output.used > 0) return 1;
  return 0;
}

cli_exit bars_output_flush(bars_run *r) {
  cli_exit code = CLI_OK;
  for (int i = 0; i < r->n_makers && !code; i++)
    if (is_in_place(&r->makers[i])) code = cli_output_flush(&r->makers[i].output);
  return code;
}

cli_exit bars_output_sync(bars_maker *maker, int64_t *length) {
  *length = 0;
  if (!maker->is_open) return CLI_OK;
  const cli_exit code = sync_table(maker);
  if (!code) *length = lseek(maker->output.descriptor, 0, SEEK_END);
  return code;
}

cli_exit bars_output_close(bars_run *r, cli_exit code) {
  for (int i = 0; i < r->n_makers; i++) {
    const cli_exit closed = close_table(&r->makers[i], code);
    if (!code) code = closed;
  }
  return code;
}

void bars_output_sweep(const bars_run *r) {
  if (r->targets.in_folder) cli_targets_sweep(&r->targets);
  for (int i = 0; i < r->n_makers && !r->targets.in_folder; i++) {
    const cli_targets place = {.kind = &r->kind, .out = r->makers[i].path};
    if (*place.out) cli_targets_sweep(&place);
  }
}
