/*
 * MB and rows per second of tlw_csv_read_candles on files in the page cache, plain and gzip, beside what can't be
 * avoided: reading the bytes, and inflating them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "data.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SEED 1
#define CHUNK ((size_t)256 << 10)

static const int64_t sizes[] = {1000, 100000, 1000000};

/* ---- works ---- */

static void read_table(void *context, int64_t calls) {
  const bench_file *file = context;
  for (int64_t i = 0; i < calls; i++) {
    tlw_table *table;
    tlw_error error;
    bench_check(tlw_csv_read_candles(file->path, &table, &error), &error);
    tlw_table_close(&table);
  }
}

static char chunk[CHUNK];

static void read_bytes(void *context, int64_t calls) {
  const bench_file *file = context;
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(file->descriptor, chunk, CHUNK, at)) != 0; at += n)
      if (n < 0) bench_die(EXIT_FAILURE, "a file in memory can't be read");
  }
}

static void inflate_bytes(void *context, int64_t calls) {
  const bench_file *file = context;
  for (int64_t i = 0; i < calls; i++) {
    const gzFile source = gzopen(file->path, "rb");
    if (!source || gzbuffer(source, CHUNK) != 0) bench_die(EXIT_FAILURE, "zlib can't open a file in memory");
    int n;
    while ((n = gzread(source, chunk, CHUNK)) > 0) continue;
    if (n < 0 || gzclose(source) != Z_OK) bench_die(EXIT_FAILURE, "zlib can't read a file in memory");
  }
}

/* ---- cases ---- */

static void open_gzip(bench_file *file, const bench_text *text) {
  z_stream stream = {0};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    bench_die(EXIT_FAILURE, "zlib can't start");
  const uLong bound = deflateBound(&stream, text->size);
  uint8_t *out = bench_alloc(bound);
  stream.next_in = (Bytef *)text->data;
  stream.avail_in = (uInt)text->size;
  stream.next_out = out;
  stream.avail_out = (uInt)bound;
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) bench_die(EXIT_FAILURE, "zlib can't compress");
  bench_file_open(file, out, stream.total_out);
  deflateEnd(&stream);
  free(out);
}

/* The checksum of all columns, after a check that no row is missing. */
static uint64_t hash_table(const bench_file *file, int64_t n_rows) {
  tlw_table *table;
  tlw_error error;
  tlw_candles c;
  bench_check(tlw_csv_read_candles(file->path, &table, &error), &error);
  tlw_table_candles(table, &c);
  if (c.n_rows != n_rows) bench_die(EXIT_FAILURE, "%" PRId64 " rows were read of a file of %" PRId64, c.n_rows, n_rows);
  const size_t size = (size_t)n_rows * sizeof(double);
  const double *const columns[] = {c.open, c.high, c.low, c.close, c.volume};
  uint64_t hash = bench_hash(BENCH_HASH_START, c.time, (size_t)n_rows * sizeof *c.time);
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) hash = bench_hash(hash, columns[i], size);
  tlw_table_close(&table);
  return hash;
}

/* Measures a file of n_rows rows, whose text has text_size bytes, and returns the checksum of its columns. */
static uint64_t run_file(const char *name, bench_file *file, int64_t n_rows, size_t text_size, bool packed,
                         double seconds, bench_json *json) {
  const double cold = bench_time_once(read_table, file);
  const uint64_t hash = hash_table(file, n_rows);
  bench_work works[] = {{.run = read_table, .context = file},
                        {.run = packed ? inflate_bytes : read_bytes, .context = file}};
  bench_measure(works, 2, seconds);
  const bench_summary table = bench_summarise(&works[0]), bytes = bench_summarise(&works[1]);
  const double size = (double)text_size, rows = (double)n_rows, ratio = bench_ratio(&works[0], &works[1]);
  printf("%-12s %8.2f %8.2f %8.1f %8.2f %10.1f %10.1f %6.1f%% %9.1f %7.2f %10.1f  %016" PRIx64 "\n", name, size * 1e-6,
         (double)file->size * 1e-6, size / table.median * 1e-6, rows / table.median * 1e-6, table.median * 1e6,
         table.best * 1e6, bench_spread(&table), size / bytes.median * 1e-6, ratio, cold * 1e6, hash);
  fflush(stdout);

  char full[64];
  snprintf(full, sizeof full, "csv/%s", name);
  bench_json_begin(json, NULL, '{');
  bench_json_result(json, full, &works[0]);
  bench_json_number(json, "rows", rows);
  bench_json_number(json, "text_bytes", size);
  bench_json_number(json, "file_bytes", (double)file->size);
  bench_json_number(json, "items_per_second", rows / table.median);
  bench_json_number(json, "bytes_per_second", size / table.median);
  bench_json_number(json, "limit_bytes_per_second", size / bytes.median);
  bench_json_number(json, "over_limit", ratio);
  bench_json_number(json, "cold", cold * 1e6);
  bench_json_hash(json, "columns", hash);
  bench_json_end(json, '}');
  return hash;
}

static void run_size(int64_t n_rows, const char *filter, double seconds, bench_json *json) {
  char plain_name[32], gzip_name[32];
  snprintf(plain_name, sizeof plain_name, "plain/%" PRId64, n_rows);
  snprintf(gzip_name, sizeof gzip_name, "gzip/%" PRId64, n_rows);
  const bool wants_plain = bench_wants(filter, plain_name), wants_gzip = bench_wants(filter, gzip_name);
  if (!wants_plain && !wants_gzip) return;
  bench_text text;
  bench_file plain, gzip;
  bench_text_open(&text, n_rows, SEED);
  bench_file_open(&plain, text.data, text.size);
  open_gzip(&gzip, &text);
  bench_text_close(&text);
  uint64_t plain_hash = 0, gzip_hash = 0;
  if (wants_plain) plain_hash = run_file(plain_name, &plain, n_rows, plain.size, false, seconds, json);
  if (wants_gzip) gzip_hash = run_file(gzip_name, &gzip, n_rows, plain.size, true, seconds, json);
  if (wants_plain && wants_gzip && plain_hash != gzip_hash)
    bench_die(EXIT_FAILURE, "%s and %s give other columns", plain_name, gzip_name);
  bench_file_close(&plain);
  bench_file_close(&gzip);
}

int main(int argc, char **argv) {
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *path = NULL;
  const bench_option options[] = {BENCH_OPTION_SECONDS(&seconds), BENCH_OPTION_CASE(&filter), BENCH_OPTION_JSON(&path)};
  bench_parse(argc, argv, "Reading of candles from CSV files in the page cache, plain and gzip.", options,
              sizeof options / sizeof options[0]);
  bench_json json;
  bench_json_open(&json, path);
  bench_begin(&json, "bench_csv", NULL);
  printf("columns  medians; MB are of the text, in a gzip file too; limit: reading the bytes alone, or inflating them\n"
         "         by zlib; /limit: time over that; columns: checksum of what was read\n\n");
  printf("%-12s %8s %8s %8s %8s %10s %10s %7s %9s %7s %10s  %s\n", "file/rows", "text MB", "file MB", "MB/s", "Mrows/s",
         "us/file", "best", "spread", "limitMB/s", "/limit", "cold us", "columns");
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) run_size(sizes[i], filter, seconds, &json);
  bench_end(&json);
  return EXIT_SUCCESS;
}
