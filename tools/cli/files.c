#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "interrupt.h"
#include "render.h"
#include "report.h"

/*
 * A table being read takes up to about 16 times its text, and something however short that is. Tables beside each
 * other get a sixteenth of --host-mem each.
 */
#define TABLE_BASE ((uint64_t)512 << 10)
#define TABLE_PER_BYTE 16
#define TABLE_PART 16

/* Rows that a table begins with room for; it doubles whenever there are more, and then holds a column twice. */
#define TABLE_ROWS 4096
#define TABLE_ROW_BYTES (7 * sizeof(double))

int64_t render_lower_bound(const int64_t *times, int64_t n, int64_t time) {
  int64_t low = 0;
  while (low < n) {
    const int64_t middle = low + (n - low) / 2;
    if (times[middle] < time)
      low = middle + 1;
    else
      n = middle;
  }
  return low;
}

static const void *skip(const void *column, int64_t rows) { return column ? (const double *)column + rows : NULL; }

/* Narrows candles to what --from, --to and --last leave. */
static void select_rows(const render *r, tlw_candles *candles) {
  const cli_value *from = render_value(r, RENDER_FROM), *to = render_value(r, RENDER_TO);
  const cli_value *last = render_value(r, RENDER_LAST);
  int64_t first = 0, end = candles->n_rows;
  if (from->given) first = render_lower_bound(candles->time, end, from->time);
  if (to->given) end = render_lower_bound(candles->time, end, to->time);
  if (last->given && (uint64_t)(end - first) > last->number) first = end - (int64_t)last->number;
  candles->open = skip(candles->open, first);
  candles->high = skip(candles->high, first);
  candles->low = skip(candles->low, first);
  candles->close = skip(candles->close, first);
  candles->volume = skip(candles->volume, first);
  candles->time += first;
  candles->n_rows = end - first;
}

static cli_exit fail_empty(const char *input, const tlw_candles *all) {
  char first[CLI_TIME_SIZE], last[CLI_TIME_SIZE];
  cli_time_text(all->time[0], first);
  cli_time_text(all->time[all->n_rows - 1], last);
  return cli_fail(CLI_DATA,
                  "%s: none of its %" PRId64 " candles, from %s to %s, lies in the range asked for: change --from or "
                  "--to",
                  input, all->n_rows, first, last);
}

/* Whether a file is plain text so short that its table may stand beside others in --host-mem. */
static int is_small(const render *r, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  const uint64_t part = render_value(r, RENDER_HOST_MEM)->number / TABLE_PART;
  if (part < TABLE_BASE || (uint64_t)info.st_size > (part - TABLE_BASE) / TABLE_PER_BYTE) return 0;
  unsigned char head[2];
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  const ssize_t n = read(descriptor, head, sizeof head);
  close(descriptor);
  return n == sizeof head && !(head[0] == 0x1F && head[1] == 0x8B);
}

/*
 * Waits until another table may be read beside those that are being drawn. A large one gets what --host-mem has for
 * the first, so that no file fails for those before it.
 */
static cli_exit make_room(render *r, const char *path) {
  if (render_value(r, RENDER_HOST_MEM)->given && !is_small(r, path)) return render_restart(r);
  pthread_mutex_lock(&r->lock);
  while (r->tables >= RENDER_TABLES - 1) pthread_cond_wait(&r->released, &r->lock);
  pthread_mutex_unlock(&r->lock);
  return CLI_OK;
}

/* A pipe or terminal may give nothing for ever. */
static cli_exit read_table(render *r, const char *path, tlw_table **table, tlw_error *error) {
  const cli_exit code = cli_interrupt_wait_begin();
  if (code) return code;
  error->code = tlw_csv_read_counted(path, r->engines[0], table, error);
  cli_interrupt_wait_end();
  return CLI_OK;
}

static int64_t count_rows(tlw_csv *csv) {
  double numbers[4][256];
  const tlw_csv_rows rows = {
      .open = numbers[0], .high = numbers[1], .low = numbers[2], .close = numbers[3], .capacity = 256};
  int64_t n = 0, got;
  while (tlw_csv_next(csv, &rows, &got, NULL) == TLW_OK && got > 0) n += got;
  return n;
}

/* What the table of a file takes, where that can be found out: the refusal names what its first rows take. */
static uint64_t table_bytes(const char *path) {
  struct stat info;
  tlw_csv *csv;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || tlw_csv_open(path, NULL, &csv, NULL) != TLW_OK) return 0;
  const int64_t n = count_rows(csv);
  tlw_csv_close(&csv);
  uint64_t capacity = TABLE_ROWS;
  while (capacity < (uint64_t)n) capacity *= 2;
  return capacity * TABLE_ROW_BYTES;
}

static cli_exit fail_read(const render *r, const char *path, const tlw_error *error) {
  if (error->code != TLW_ERR_BUDGET) return cli_fail_library(error);
  return render_fail_library(r, path, error, table_bytes(path));
}

cli_exit render_file(render *r, int input) {
  const char *name = render_name(r, input);
  tlw_error error;
  tlw_table *table;
  cli_exit code = make_room(r, name);
  if (!code) code = read_table(r, name, &table, &error);
  if (code) return code;
  if (error.code != TLW_OK) {
    render_fail_input(r, input, fail_read(r, name, &error));
    return CLI_OK;
  }
  tlw_candles all;
  tlw_table_candles(table, &all);
  tlw_candles candles = all;
  select_rows(r, &candles);
  if (candles.n_rows == 0) render_fail_input(r, input, fail_empty(name, &all));
  render_job *job = candles.n_rows > 0 ? render_job_make(r, input, 1) : NULL;
  if (!job) {
    tlw_table_close(&table);
    return CLI_OK;
  }
  job->table = table;
  job->candles = candles.n_rows;
  return render_push(r, job, &candles);
}
