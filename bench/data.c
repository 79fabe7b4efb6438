#include "data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "tools/synth/synth.h"

#define START INT64_C(1577836800000000000) /* 2020-01-01 */
#define MINUTE (60 * SYNTH_SECOND)
#define SHIFT 37 /* rows by which a pass over a series differs from the one before */

static void start(synth_source *source, uint64_t seed) {
  synth_start(source, &(synth_options){.seed = seed, .shape = SYNTH_JUMPS, .start = START, .interval = MINUTE});
}

/* ---- series ---- */

void bench_series_open(bench_series *series, int64_t n_rows) {
  series->n_rows = n_rows;
  for (int i = 0; i < 5; i++) series->columns[i] = bench_alloc((size_t)n_rows * sizeof(double));
  series->time = bench_alloc((size_t)n_rows * sizeof *series->time);
  synth_source source;
  start(&source, 1);
  double **c = series->columns;
  const synth_columns columns = {series->time, c[0], c[1], c[2], c[3], c[4]};
  if (synth_fill_candles(&source, &columns, (size_t)n_rows) != (size_t)n_rows)
    bench_die(EXIT_FAILURE, "%" PRId64 " candles are more than time has room for", n_rows);
}

void bench_series_close(bench_series *series) {
  for (int i = 0; i < 5; i++) free(series->columns[i]);
  free(series->time);
}

void bench_series_candles(const bench_series *series, tlw_candles *candles) {
  tlw_candles_init(candles);
  candles->open = series->columns[0];
  candles->high = series->columns[1];
  candles->low = series->columns[2];
  candles->close = series->columns[3];
  candles->volume = series->columns[4];
  candles->time = series->time;
  candles->n_rows = series->n_rows;
}

int64_t bench_series_window(const bench_series *series, int64_t span, int64_t call) {
  const int64_t calls = series->n_rows / span, slack = series->n_rows % span + 1;
  return call % calls * span + call / calls * SHIFT % slack;
}

/* ---- CSV ---- */

#define HEADER "Date,Open,High,Low,Close,Volume\n"
#define ROW_SIZE 160 /* no row is longer */

static int write_row(char *out, const synth_candle *c) {
  const time_t seconds = (time_t)(c->time / SYNTH_SECOND);
  struct tm day;
  gmtime_r(&seconds, &day);
  const int length = (int)strftime(out, ROW_SIZE, "%Y-%m-%d %H:%M:%S", &day);
  const int64_t t = SYNTH_TICKS;
  return length + snprintf(out + length, (size_t)(ROW_SIZE - length),
                           ",%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 "\n",
                           c->open / t, (int)(c->open % t), c->high / t, (int)(c->high % t), c->low / t,
                           (int)(c->low % t), c->close / t, (int)(c->close % t), c->volume);
}

void bench_text_open(bench_text *text, int64_t n_rows, uint64_t seed) {
  synth_source source;
  start(&source, seed);
  text->data = bench_alloc(sizeof HEADER + (size_t)n_rows * ROW_SIZE);
  text->size = sizeof HEADER - 1;
  memcpy(text->data, HEADER, text->size);
  for (int64_t i = 0; i < n_rows; i++) {
    synth_candle candle;
    if (!synth_next_candle(&source, &candle))
      bench_die(EXIT_FAILURE, "%" PRId64 " candles are more than time has room for", n_rows);
    text->size += (size_t)write_row(text->data + text->size, &candle);
  }
}

void bench_text_close(bench_text *text) { free(text->data); }

/* ---- files ---- */

void bench_file_open(bench_file *file, const void *data, size_t size) {
  file->descriptor = memfd_create("tallow-bench", MFD_CLOEXEC);
  file->size = size;
  if (file->descriptor < 0) bench_die(EXIT_FAILURE, "no file in memory: %s", strerror(errno));
  snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->descriptor);
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(file->descriptor, (const char *)data + done, size - done);
    if (n < 0 && errno != EINTR) bench_die(EXIT_FAILURE, "a file of %zu bytes in memory: %s", size, strerror(errno));
    if (n > 0) done += (size_t)n;
  }
}

void bench_file_close(bench_file *file) { close(file->descriptor); }
