/*
 * MB and rows per second of candle files in the page cache: streamed by tlw_csv_next into columns that are used
 * again, on each SIMD tier, and read whole by tlw_csv_read; beside what can't be avoided: reading the bytes, finding
 * the lines, and of a packed file inflating them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "csv_text.h"
#include "harness.h"
#include "tallow/tallow.h"

#define SEED 1
#define CHUNK ((size_t)256 << 10)
#define ROWS 200000
#define FEW_ROWS 1000
#define BATCH 8192 /* rows that tlw_csv_next gives at a time */

static const char *const tier_names[] = {"baseline", "avx2", "avx512"};
#define TIERS (sizeof tier_names / sizeof *tier_names)

/* ---- works ---- */

struct job {
  const char *path;
  int descriptor;
  const char *tier; /* that TALLOW_CPU_TIER is to name; NULL: none */
  int64_t n_rows;   /* that the last reading gave */
  uint64_t hash;    /* of them, if that is asked for */
  bool hashes;
};

static double columns[5][BATCH];
static int64_t times[BATCH];

static void hash_rows(struct job *job, int64_t n) {
  for (int i = 0; i < 5; i++) job->hash = bench_hash(job->hash, columns[i], (size_t)n * sizeof(double));
  job->hash = bench_hash(job->hash, times, (size_t)n * sizeof *times);
}

static void stream_rows(struct job *job) {
  const tlw_csv_rows rows = {columns[0], columns[1], columns[2], columns[3], columns[4], times, .capacity = BATCH};
  tlw_csv *csv;
  tlw_error error;
  int64_t n;
  bench_check(tlw_csv_open(job->path, NULL, NULL, &csv, &error), &error);
  job->n_rows = 0;
  do {
    bench_check(tlw_csv_next(csv, &rows, &n, &error), &error);
    job->n_rows += n;
    if (job->hashes) hash_rows(job, n);
  } while (n == BATCH);
  tlw_csv_close(&csv);
}

static void stream(void *context, int64_t calls) {
  struct job *job = context;
  if (job->tier) setenv("TALLOW_CPU_TIER", job->tier, 1);
  for (int64_t i = 0; i < calls; i++) stream_rows(job);
  if (job->tier) unsetenv("TALLOW_CPU_TIER");
}

static void read_table(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    tlw_table *table;
    tlw_error error;
    bench_check(tlw_csv_read(job->path, NULL, NULL, &table, &error), &error);
    tlw_table_close(&table);
  }
}

static char chunk[CHUNK];

static void read_bytes(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(job->descriptor, chunk, CHUNK, at)) != 0; at += n)
      if (n < 0) bench_die(EXIT_FAILURE, "a file in memory can't be read");
  }
}

static volatile int64_t n_lines;

static void read_lines(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(job->descriptor, chunk, CHUNK, at)) != 0; at += n) {
      if (n < 0) bench_die(EXIT_FAILURE, "a file in memory can't be read");
      int64_t lines = 0;
      for (const char *line = chunk; (line = memchr(line, '\n', (size_t)(chunk + n - line))); line++) lines++;
      n_lines += lines;
    }
  }
}

static void inflate_bytes(void *context, int64_t calls) {
  const struct job *job = context;
  for (int64_t i = 0; i < calls; i++) {
    const gzFile source = gzopen(job->path, "rb");
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

/* The tiers that this CPU has. */
static size_t find_tiers(const char *tiers[TIERS]) {
  size_t n = 0;
  for (size_t i = 0; i < TIERS; i++) {
    tlw_engine_options options;
    bench_engine_options(&options, TLW_BACKEND_CPU, NULL, 1);
    options.log = NULL;
    tlw_engine *engine;
    setenv("TALLOW_CPU_TIER", tier_names[i], 1);
    if (tlw_engine_open(&engine, &options, NULL) != TLW_OK) continue;
    tlw_engine_close(&engine);
    tiers[n++] = tier_names[i];
  }
  unsetenv("TALLOW_CPU_TIER");
  return n;
}

struct measured {
  const char *name;
  const bench_work *work;
};

static void print_result(const char *name, double size, int64_t n_rows, const struct measured *m, size_t n,
                         bench_json *json) {
  char full[96];
  for (size_t i = 0; i < n; i++) {
    const bench_summary s = bench_summarise(m[i].work);
    printf("%-18s %-9s %8.0f %8.0f %6.1f%% %8.2f %9.2f\n", i ? "" : name, m[i].name, size / s.median * 1e-6,
           size / s.best * 1e-6, bench_spread(&s), (double)n_rows / s.median * 1e-6,
           i ? bench_ratio(m[i].work, m[0].work) : 1.0);
    snprintf(full, sizeof full, "csv/%s/%s", name, m[i].name);
    bench_json_begin(json, NULL, '{');
    bench_json_result(json, full, m[i].work);
    bench_json_number(json, "rows", (double)n_rows);
    bench_json_number(json, "text_bytes", size);
    bench_json_number(json, "items_per_second", (double)n_rows / s.median);
    bench_json_number(json, "bytes_per_second", size / s.median);
    bench_json_number(json, "over_limit", bench_ratio(m[i].work, m[0].work));
    bench_json_end(json, '}');
  }
  fflush(stdout);
}

/* The rows of a file, and their checksum. */
static uint64_t hash_file(struct job *job) {
  job->hash = BENCH_HASH_START;
  job->hashes = true;
  stream(job, 1);
  job->hashes = false;
  return job->hash;
}

/*
 * Measures a file whose text has so many bytes, and returns the checksum of its rows. The first work is what can't be
 * avoided.
 */
static uint64_t run_file(const char *name, const char *path, int descriptor, double size, bool packed, double seconds,
                         bench_json *json) {
  const char *tiers[TIERS];
  const size_t n_tiers = find_tiers(tiers);
  struct job jobs[TIERS], plain = {.path = path, .descriptor = descriptor};
  const uint64_t hash = hash_file(&plain);
  bench_work works[TIERS + 3];
  struct measured m[TIERS + 3];
  size_t n = 0;
  works[n] = (bench_work){.run = packed ? inflate_bytes : read_bytes, .context = &plain};
  m[n] = (struct measured){packed ? "inflate" : "read", &works[n]};
  n++;
  if (!packed) {
    works[n] = (bench_work){.run = read_lines, .context = &plain};
    m[n] = (struct measured){"lines", &works[n]};
    n++;
  }
  for (size_t i = 0; i < n_tiers; i++, n++) {
    jobs[i] = plain;
    jobs[i].tier = tiers[i];
    if (hash_file(&jobs[i]) != hash) bench_die(EXIT_FAILURE, "%s has other rows on the tier %s", name, tiers[i]);
    works[n] = (bench_work){.run = stream, .context = &jobs[i]};
    m[n] = (struct measured){tiers[i], &works[n]};
  }
  works[n] = (bench_work){.run = read_table, .context = &plain};
  m[n] = (struct measured){"table", &works[n]};
  n++;
  bench_measure(works, n, seconds);
  print_result(name, size, plain.n_rows, m, n, json);
  printf("%-18s %" PRId64 " rows, %.1f bytes each, checksum %016" PRIx64 "\n", "", plain.n_rows,
         size / (double)plain.n_rows, hash);
  return hash;
}

static void run_dialect(size_t dialect, int64_t n_rows, bool packed, const char *filter, double seconds,
                        bench_json *json) {
  char name[48], gzip_name[64];
  snprintf(name, sizeof name, "%s/%" PRId64, bench_dialect_name(dialect), n_rows);
  snprintf(gzip_name, sizeof gzip_name, "%s/gzip", name);
  const bool wants = bench_wants(filter, name), wants_gzip = packed && bench_wants(filter, gzip_name);
  if (!wants && !wants_gzip) return;
  bench_text text;
  bench_file file, gzip;
  bench_dialect_open(&text, dialect, n_rows, SEED);
  const double size = (double)text.size;
  uint64_t hash = 0;
  if (wants) {
    bench_file_open(&file, text.data, text.size);
    hash = run_file(name, file.path, file.descriptor, size, false, seconds, json);
    bench_file_close(&file);
  }
  if (wants_gzip) {
    open_gzip(&gzip, &text);
    const uint64_t packed_hash = run_file(gzip_name, gzip.path, gzip.descriptor, size, true, seconds, json);
    if (wants && packed_hash != hash) bench_die(EXIT_FAILURE, "%s and %s have other rows", name, gzip_name);
    bench_file_close(&gzip);
  }
  bench_text_close(&text);
}

static void run_path(const char *path, double seconds, bench_json *json) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) bench_die(EXIT_FAILURE, "%s can't be opened", path);
  run_file("file", path, descriptor, (double)status.st_size, false, seconds, json);
  close(descriptor);
}

static void write_files(const char *folder) {
  for (size_t i = 0; i < BENCH_DIALECTS; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.csv", folder, bench_dialect_name(i));
    bench_text text;
    bench_dialect_open(&text, i, ROWS, SEED);
    FILE *file = fopen(path, "wbe");
    if (!file || fwrite(text.data, 1, text.size, file) != text.size || fclose(file) != 0)
      bench_die(EXIT_FAILURE, "%s can't be written", path);
    bench_text_close(&text);
  }
}

int main(int argc, char **argv) {
  double seconds = BENCH_SECONDS_DEFAULT;
  const char *filter = NULL, *json_path = NULL, *csv = NULL, *folder = NULL;
  const bench_option options[] = {
      BENCH_OPTION_SECONDS(&seconds),
      BENCH_OPTION_CASE(&filter),
      BENCH_OPTION_JSON(&json_path),
      {"csv", BENCH_TEXT, &csv, "measure this file alone, which is not packed"},
      {"write", BENCH_TEXT, &folder, "only write the files of all dialects into this folder"},
  };
  bench_parse(argc, argv, "Reading of candles from CSV files in the page cache, on each SIMD tier.", options,
              sizeof options / sizeof options[0]);
  if (folder) {
    write_files(folder);
    return EXIT_SUCCESS;
  }
  bench_json json;
  bench_json_open(&json, json_path);
  bench_begin(&json, "bench_csv", NULL);
  printf("MB are of the text, in a gzip file too. read: pread of the bytes; lines: that, and memchr of line feeds;\n"
         "inflate: by zlib; a tier: tlw_csv_next into columns of %d rows; table: tlw_csv_read; /limit: time over that\n"
         "of the first line\n\n",
         BATCH);
  printf("%-18s %-9s %8s %8s %7s %8s %9s\n", "file/rows", "work", "MB/s", "best", "spread", "Mrows/s", "/limit");
  if (csv) {
    run_path(csv, seconds, &json);
  } else {
    run_dialect(0, FEW_ROWS, true, filter, seconds, &json);
    for (size_t i = 0; i < BENCH_DIALECTS; i++) run_dialect(i, ROWS, i == 0, filter, seconds, &json);
  }
  bench_end(&json);
  return EXIT_SUCCESS;
}
