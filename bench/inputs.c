#include "inputs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "common.h"
#include "csv_text.h"
#include "tools/synth/synth.h"
#include "trade_text.h"

/* ---- candles ---- */

#define START INT64_C(1577836800000000000) /* 2020-01-01 */
#define SHIFT 37                           /* rows by which a pass over a series differs from the one before */

static struct {
  double *columns[5];
  int64_t *time;
  double *averages[BENCH_LINES];
  tlw_candles candles;
  bool made;
} series;

static void free_series(void) {
  for (int i = 0; i < 5; i++) free(series.columns[i]);
  for (int i = 0; i < BENCH_LINES; i++) free(series.averages[i]);
  free(series.time);
  memset(&series, 0, sizeof series);
}

const tlw_candles *bench_series(tlw_error *error) {
  if (series.made) return &series.candles;
  free_series();
  for (int i = 0; i < 5; i++)
    if (!(series.columns[i] = bench_alloc((size_t)BENCH_SERIES_ROWS * sizeof(double), error))) return NULL;
  series.time = bench_alloc((size_t)BENCH_SERIES_ROWS * sizeof *series.time, error);
  if (!series.time) return NULL;
  synth_source source;
  synth_start(&source,
              &(synth_options){.seed = 1, .shape = SYNTH_JUMPS, .start = START, .interval = 60 * SYNTH_SECOND});
  double **c = series.columns;
  const synth_columns columns = {series.time, c[0], c[1], c[2], c[3], c[4]};
  synth_fill_candles(&source, &columns, (size_t)BENCH_SERIES_ROWS);
  tlw_candles_init(&series.candles);
  series.candles.open = c[0];
  series.candles.high = c[1];
  series.candles.low = c[2];
  series.candles.close = c[3];
  series.candles.volume = c[4];
  series.candles.time = series.time;
  series.candles.n_rows = BENCH_SERIES_ROWS;
  series.made = true;
  return &series.candles;
}

void bench_series_window(const tlw_candles *all, int64_t candles, int64_t charts, int64_t call, int64_t *offsets,
                         tlw_candles *window, int64_t *first) {
  const int64_t span = candles * charts, calls = all->n_rows / span, slack = all->n_rows % span + 1;
  const int64_t row = call % calls * span + call / calls * SHIFT % slack;
  *window = *all;
  const void **columns[] = {&window->open, &window->high, &window->low, &window->close, &window->volume};
  for (size_t c = 0; c < BENCH_COUNT(columns); c++) *columns[c] = (const double *)*columns[c] + row;
  window->time = all->time + row;
  for (int64_t i = 0; i <= charts; i++) offsets[i] = i * candles;
  window->n_rows = span;
  window->offsets = offsets;
  window->n_series = charts;
  *first = row;
}

const double *bench_average(int k, tlw_error *error) {
  static const int64_t lengths[BENCH_LINES] = {10, 20};
  if (series.averages[k]) return series.averages[k];
  if (!bench_series(error)) return NULL;
  double *average = bench_alloc((size_t)BENCH_SERIES_ROWS * sizeof *average, error), sum = 0;
  const double *close = series.columns[3];
  const int64_t n = lengths[k];
  for (int64_t i = 0; average && i < BENCH_SERIES_ROWS; i++) {
    sum += close[i];
    if (i >= n) sum -= close[i - n];
    average[i] = sum / (double)(i < n ? i + 1 : n);
  }
  return series.averages[k] = average;
}

/* ---- columns of numbers ---- */

static uint64_t noise;

static uint64_t next_noise(void) { return noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407; }

/* Normal with mean 0 and deviation 1, nearly: the sum of twelve. */
static double draw(void) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += (double)(next_noise() >> 40) * 0x1p-24;
  return sum;
}

static double next_number(int form, double before) {
  switch (form) {
  case BENCH_FORM_WALK:
    return before + 0.01 * draw();
  case BENCH_FORM_NOISE:
    return 100 + draw();
  case BENCH_FORM_RISE:
    return before + 1e-6;
  case BENCH_FORM_FALL:
    return before - 1e-6;
  default:
    return before;
  }
}

const char *bench_form_name(int form) {
  static const char *const names[BENCH_FORMS] = {"walk", "noise", "rise", "fall", "flat"};
  return form < BENCH_FORMS ? names[form] : NULL;
}

static struct {
  double *numbers;
  int64_t n;
} columns[BENCH_FORMS][2];

static void free_columns(void) {
  for (int form = 0; form < BENCH_FORMS; form++)
    for (int i = 0; i < 2; i++) free(columns[form][i].numbers);
  memset(columns, 0, sizeof columns);
}

/* Cases of one run that use a column ask for as many rows of it, so that it never moves. */
const double *bench_column(int form, int which, int64_t n, tlw_error *error) {
  if (columns[form][which].numbers) {
    if (n <= columns[form][which].n) return columns[form][which].numbers;
    bench_fail(error, TLW_ERR_INTERNAL, "a column of %" PRId64 " rows is used already", columns[form][which].n);
    return NULL;
  }
  double *numbers = bench_alloc((size_t)n * sizeof *numbers, error), x = 100;
  if (!numbers) return NULL;
  noise = (uint64_t)which + 1;
  for (int64_t i = 0; i < n; i++) numbers[i] = x = next_number(form, x);
  columns[form][which].numbers = numbers;
  columns[form][which].n = n;
  return numbers;
}

/* ---- trades ---- */

#define CENT INT64_C(1000000) /* at 1e-8 */
#define MINUTE_ROWS 190       /* on average */

static struct {
  int64_t *numbers[6];
  uint8_t *maker;
  tlw_trades trades;
} trades;

static void free_trades(void) {
  for (int i = 0; i < 6; i++) free(trades.numbers[i]);
  free(trades.maker);
  memset(&trades, 0, sizeof trades);
}

/* 0 to n - 1. */
static int64_t draw_below(uint64_t n) { return (int64_t)((next_noise() >> 33) % n); }

/* A walk in steps of up to ten, a trade of 1 or 2 every 316 ms on average. */
static void fill_trades(int64_t n) {
  int64_t now = INT64_C(1700000000000), last = 6180000 * CENT, trade = 0;
  int64_t **c = trades.numbers;
  noise = 1;
  for (int64_t i = 0; i < n; i++) {
    const int64_t step = (draw_below(2001) - 1000) * CENT;
    c[0][i] = now += draw_below(2 * 60000 / MINUTE_ROWS + 1);
    c[1][i] = last += last + step > 3000000 * CENT && last + step < 12000000 * CENT ? step : -step;
    c[2][i] = 1 + draw_below(TLW_DECIMAL_ONE);
    c[3][i] = i;
    c[4][i] = trade;
    trade += 1 + draw_below(2);
    c[5][i] = trade - 1;
    trades.maker[i] = (uint8_t)draw_below(2);
  }
}

const tlw_trades *bench_trades(int64_t n, tlw_error *error) {
  if (trades.trades.n_rows >= n && n > 0) return &trades.trades;
  free_trades();
  for (int i = 0; i < 6; i++)
    if (!(trades.numbers[i] = bench_alloc((size_t)n * sizeof(int64_t), error))) return NULL;
  if (!(trades.maker = bench_alloc((size_t)n, error))) return NULL;
  fill_trades(n);
  tlw_trades *t = &trades.trades;
  tlw_trades_init(t);
  t->n_rows = n;
  t->time = trades.numbers[0];
  t->price = trades.numbers[1];
  t->quantity = trades.numbers[2];
  t->id = trades.numbers[3];
  t->first_id = trades.numbers[4];
  t->last_id = trades.numbers[5];
  t->is_buyer_maker = trades.maker;
  return t;
}

/* ---- files in memory ---- */

#define FILES_MAX 128

static struct {
  char key[64]; /* what is in it */
  bench_file file;
} files[FILES_MAX];
static int n_files;

static void free_files(void) {
  for (int i = 0; i < n_files; i++) close(files[i].file.descriptor);
  n_files = 0;
}

static const bench_file *find_file(const char *key) {
  for (int i = 0; i < n_files; i++)
    if (strcmp(files[i].key, key) == 0) return &files[i].file;
  return NULL;
}

static tlw_status write_file(bench_file *file, const void *data, size_t size, int pieces, size_t skip,
                             tlw_error *error) {
  for (int piece = 0; piece < pieces; piece++)
    for (size_t done = piece > 0 ? skip : 0; done < size;) {
      const ssize_t n = write(file->descriptor, (const char *)data + done, size - done);
      if (n < 0 && errno != EINTR)
        return bench_fail(error, TLW_ERR_MEMORY, "a file of %zu bytes in memory: %s", size, strerror(errno));
      if (n > 0) done += (size_t)n, file->size += n;
    }
  return TLW_OK;
}

/* pieces: how many times the data stands in the file, of which skip bytes only once. */
static const bench_file *keep_file(const char *key, const void *data, size_t size, int pieces, size_t skip,
                                   tlw_error *error) {
  if (n_files == FILES_MAX) {
    bench_fail(error, TLW_ERR_INTERNAL, "more than %d files of benchmarks", FILES_MAX);
    return NULL;
  }
  bench_file *file = &files[n_files].file;
  *file = (bench_file){.descriptor = memfd_create("tallow-bench", MFD_CLOEXEC)};
  if (file->descriptor < 0) {
    bench_fail(error, TLW_ERR_MEMORY, "no file in memory: %s", strerror(errno));
    return NULL;
  }
  snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->descriptor);
  snprintf(files[n_files].key, sizeof files[n_files].key, "%s", key);
  if (write_file(file, data, size, pieces, skip, error) != TLW_OK) {
    close(file->descriptor);
    return NULL;
  }
  file->text_size = file->size;
  return &files[n_files++].file;
}

static const bench_file *keep_packed(const char *key, const bench_text *text, tlw_error *error) {
  z_stream stream = {0};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    bench_fail(error, TLW_ERR_MEMORY, "zlib can't start");
    return NULL;
  }
  const uLong bound = deflateBound(&stream, text->size);
  uint8_t *out = bench_alloc(bound, error);
  const bench_file *file = NULL;
  if (out) {
    stream.next_in = (Bytef *)text->data;
    stream.avail_in = (uInt)text->size;
    stream.next_out = out;
    stream.avail_out = (uInt)bound;
    if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
      file = keep_file(key, out, stream.total_out, 1, 0, error);
    else
      bench_fail(error, TLW_ERR_INTERNAL, "zlib can't compress");
  }
  deflateEnd(&stream);
  free(out);
  return file;
}

const bench_file *bench_candle_file(int dialect, int64_t n_rows, int seed, int packed, tlw_error *error) {
  char key[64];
  snprintf(key, sizeof key, "candles %d %" PRId64 " %d %d", dialect, n_rows, seed, packed);
  const bench_file *found = find_file(key);
  if (found) return found;
  bench_text text;
  if (bench_dialect_open(&text, (size_t)dialect, n_rows, (uint64_t)seed, error) != TLW_OK) return NULL;
  bench_file *made =
      (bench_file *)(packed ? keep_packed(key, &text, error) : keep_file(key, text.data, text.size, 1, 0, error));
  if (made) {
    made->text_size = (int64_t)text.size;
    made->n_rows = n_rows;
  }
  bench_text_close(&text);
  return made;
}

/* ---- files of trades ---- */

#define PIECE_ROWS 200000 /* which a file repeats */

const bench_file *bench_trade_file(int kind, int64_t n_rows, tlw_error *error) {
  char key[64];
  snprintf(key, sizeof key, "trades %d %" PRId64, kind, n_rows);
  const bench_file *found = find_file(key);
  if (found) return found;
  const int64_t rows = n_rows < PIECE_ROWS ? n_rows : PIECE_ROWS;
  const int pieces = (int)(n_rows / rows);
  bench_text text;
  size_t header;
  if (bench_trade_text_open(&text, kind, rows, &header, error) != TLW_OK) return NULL;
  bench_file *made = (bench_file *)keep_file(key, text.data, text.size, pieces, header, error);
  if (made) made->n_rows = rows * pieces;
  bench_text_close(&text);
  return made;
}

/* ---- space for outputs ---- */

#define SPACE ((size_t)2 << 30)
#define SPACE_PAGE 4096 /* or a part of one */

static uint8_t *space;
static size_t space_used;

void *bench_space(size_t size, tlw_error *error) {
  if (!space) {
    void *mapped = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped != MAP_FAILED) space = mapped;
  }
  if (!space || size > SPACE) {
    bench_fail(error, TLW_ERR_MEMORY, "no %zu bytes for what a benchmark writes", size);
    return NULL;
  }
  if (size > space_used) space_used = size;
  return space;
}

void bench_space_forget(void) {
  if (space_used) madvise(space, space_used, MADV_DONTNEED);
}

void bench_space_touch(void) {
  volatile uint8_t *pages = space;
  for (size_t i = 0; i < space_used; i += SPACE_PAGE) pages[i] = pages[i];
}

void bench_inputs_free(void) {
  free_series();
  free_columns();
  free_trades();
  free_files();
  if (space) munmap(space, SPACE);
  space = NULL;
  space_used = 0;
}
