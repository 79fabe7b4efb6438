/*
 * Streams a chart of every WINDOW candles, one each STRIDE, of a long history to PNG files. Memory stays within two
 * budgets however many charts there are, and drawing, encoding and writing overlap.
 *
 *     stream_windows           counts the files and their bytes
 *     stream_windows FOLDER    writes them into FOLDER, which must exist
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tallow/tallow.h>

#define ROWS 20000
#define WINDOW 120
#define STRIDE 20
#define CHARTS ((ROWS - WINDOW) / STRIDE + 1)
#define BATCH 64
#define DEVICE_BUDGET (UINT64_C(8) << 20)
#define HOST_BUDGET (UINT64_C(16) << 20)

static double column[5][ROWS];

static void fill(void) {
  uint32_t noise = 1;
  double price = 1000;
  for (int i = 0; i < ROWS; i++) {
    noise = noise * 1664525u + 1013904223u;
    const double open = price, close = price + (double)(noise >> 24) / 16 - 8;
    column[0][i] = open;
    column[1][i] = (open > close ? open : close) + 1;
    column[2][i] = (open < close ? open : close) - 1;
    column[3][i] = close;
    column[4][i] = noise >> 20;
    price = close;
  }
}

/* What goes in: windows over the history. They overlap, and nothing of it is copied. */
struct windows {
  int64_t next;
  int64_t offsets[BATCH], counts[BATCH];
};

static tlw_status give_windows(void *user, tlw_candles *candles, tlw_chart_options *chart, tlw_error *error) {
  (void)error;
  struct windows *windows = user;
  int64_t n = 0;
  for (; n < BATCH && windows->next < CHARTS; n++) {
    windows->offsets[n] = windows->next++ * STRIDE;
    windows->counts[n] = WINDOW;
  }
  tlw_candles_init(candles);
  candles->open = column[0];
  candles->high = column[1];
  candles->low = column[2];
  candles->close = column[3];
  candles->volume = column[4];
  candles->n_rows = ROWS;
  candles->offsets = windows->offsets;
  candles->counts = windows->counts;
  candles->n_series = n; /* 0 ends the run */
  chart->width = 640;
  chart->height = 360;
  return TLW_OK;
}

/* What comes out: the files in the order of the windows, each in one piece or more. A file has its name once whole. */
struct files {
  const char *folder; /* NULL: only count */
  FILE *file;
  char part[4096], name[4096 + 32];
  int64_t count;
  uint64_t bytes;
};

static tlw_status file_error(const tlw_piece *piece, tlw_error *error) {
  error->native = errno;
  snprintf(error->message, sizeof error->message, "the file of chart %" PRId64 ": %s", piece->chart, strerror(errno));
  return TLW_ERR_IO;
}

static tlw_status write_piece(struct files *files, const tlw_piece *piece, tlw_error *error) {
  if (piece->first && !(files->file = fopen(files->part, "wb"))) return file_error(piece, error);
  if (fwrite(piece->data, 1, piece->size, files->file) != piece->size) return file_error(piece, error);
  if (!piece->last) return TLW_OK;
  FILE *const file = files->file;
  files->file = NULL;
  snprintf(files->name, sizeof files->name, "%s/%06" PRId64 ".png", files->folder, piece->chart);
  if (fclose(file) == 0 && rename(files->part, files->name) == 0) return TLW_OK;
  const tlw_status status = file_error(piece, error);
  remove(files->part);
  return status;
}

static tlw_status take_piece(void *user, const tlw_piece *piece, tlw_error *error) {
  struct files *files = user;
  if (files->folder) {
    const tlw_status status = write_piece(files, piece, error);
    if (status != TLW_OK) return status;
  }
  files->bytes += piece->size;
  files->count += piece->last;
  return TLW_OK;
}

/* A stream that fails may leave a file half written. */
static void drop_part(struct files *files) {
  if (!files->file) return;
  fclose(files->file);
  remove(files->part);
}

static tlw_status stream_windows(tlw_engine *engine, struct files *files, tlw_error *error) {
  tlw_stream_options options;
  tlw_stream_options_init(&options);
  options.format = TLW_STREAM_PNG;
  options.sink = take_piece;
  options.sink_user = files;
  struct windows windows = {0};
  tlw_stream *stream;
  tlw_status status = tlw_stream_open(&stream, &engine, 1, &options, error);
  if (status == TLW_OK) status = tlw_stream_run(stream, give_windows, &windows, error);
  if (status == TLW_OK) status = tlw_stream_finish(stream, error);
  tlw_stream_close(&stream);
  drop_part(files);
  return status;
}

int main(int argc, char **argv) {
  static struct files files;
  if (argc > 1) {
    files.folder = argv[1];
    const int length = snprintf(files.part, sizeof files.part, "%s/part.tmp", files.folder);
    if (argc > 2 || length >= (int)sizeof files.part) {
      fprintf(stderr, "usage: %s [FOLDER]\n", argv[0]);
      return EXIT_FAILURE;
    }
  }
  fill();

  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.device_budget = DEVICE_BUDGET;
  options.host_budget = HOST_BUDGET;
  tlw_engine *engine;
  tlw_error error;
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_status status = tlw_engine_open(&engine, &options, &error);
  if (status == TLW_OK) status = stream_windows(engine, &files, &error);
  if (status == TLW_OK) status = tlw_engine_stats(engine, &stats, &error);
  tlw_engine_close(&engine);
  if (status != TLW_OK) {
    fprintf(stderr, "%s after %" PRId64 " of %d charts: %s\n", tlw_status_name(status), files.count, CHARTS,
            error.message);
    return EXIT_FAILURE;
  }
  printf("%" PRId64 " charts of %d candles, %" PRIu64 " bytes of PNG; at most %" PRIu64
         " bytes of host memory and %" PRIu64 " of the device\n",
         files.count, WINDOW, files.bytes, stats.host_bytes.peak, stats.device_bytes.peak);
  return EXIT_SUCCESS;
}
