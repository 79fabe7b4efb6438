#include "dataset_labels.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#include "output.h"
#include "report.h"
#include "tallow/npy.h"

/* ---- numbers ---- */

/* One division and one subtraction, so that the bits are those of close.shift(-h) / close - 1 in pandas. */
static double label_of(double now, double then) {
  const double label = then / now - 1;
  return isfinite(now) && isfinite(then) && isfinite(label) ? label : (double)NAN;
}

void dataset_labels_of(const double *close, int64_t n_bars, const int64_t *rows, int64_t n, dataset_horizons horizons,
                       double *out) {
  for (int64_t i = 0; i < n; i++)
    for (int32_t k = 0; k < horizons.n; k++) {
      const int is_there = horizons.bars[k] < n_bars - rows[i];
      *out++ = is_there ? label_of(close[rows[i]], close[rows[i] + horizons.bars[k]]) : (double)NAN;
    }
}

int dataset_lacks_label(const double *labels, int32_t n_horizons) {
  int lacks = 0;
  for (int32_t k = 0; k < n_horizons; k++) lacks |= isnan(labels[k]);
  return lacks;
}

/* ---- the file ---- */

struct dataset_labels {
  int32_t n_horizons;
  uint8_t is_known[CLI_PARTS_MAX]; /* 1: some row has a label for this horizon */
  int64_t n_rows;
  cli_buffer name;
  cli_output output;
};

static cli_exit write_header(dataset_labels *labels, cli_exit (*write)(cli_output *, const void *, size_t)) {
  char header[TLW_NPY_HEADER_SIZE];
  tlw_error error;
  if (tlw_npy_header(header, labels->n_rows, labels->n_horizons, &error) != TLW_OK) return cli_fail_library(&error);
  return write(&labels->output, header, sizeof header);
}

static cli_exit begin(dataset_labels *labels, const char *output) {
  dataset_name_beside(&labels->name, output, ".labels.npy");
  if (labels->name.failed) return cli_fail(CLI_NO_MEMORY, "no memory for the labels");
  cli_exit code = cli_output_open(&labels->output, labels->name.bytes);
  if (code) return code;
  code = write_header(labels, cli_output_write);
  return code ? cli_output_close(&labels->output, code) : CLI_OK;
}

cli_exit dataset_labels_open(dataset_labels **labels, const char *output, int32_t n_horizons) {
  *labels = malloc(sizeof **labels);
  if (!*labels) return cli_fail(CLI_NO_MEMORY, "no memory for the labels");
  (*labels)->n_horizons = n_horizons;
  (*labels)->n_rows = 0;
  (*labels)->name = (cli_buffer){0};
  memset((*labels)->is_known, 0, sizeof(*labels)->is_known);
  const cli_exit code = begin(*labels, output);
  if (!code) return CLI_OK;
  cli_buffer_free(&(*labels)->name);
  free(*labels);
  *labels = NULL;
  return code;
}

static cli_exit write_row(dataset_labels *labels, const double *row) {
  cli_exit code = CLI_OK;
  for (int32_t k = 0; k < labels->n_horizons && !code; k++) {
    uint64_t bits;
    memcpy(&bits, &row[k], sizeof bits);
    bits = htole64(bits);
    if (!isnan(row[k])) labels->is_known[k] = 1;
    code = cli_output_write(&labels->output, &bits, sizeof bits);
  }
  return code;
}

cli_exit dataset_labels_add(dataset_labels *labels, const dataset_window *windows, int64_t n) {
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code; i++) {
    if (windows[i].image < 0) continue;
    code = write_row(labels, windows[i].labels);
    labels->n_rows++;
  }
  return code;
}

void dataset_labels_warn(const dataset_labels *labels, dataset_horizons horizons) {
  for (int32_t k = 0; k < horizons.n && labels->n_rows > 0; k++) {
    const long long bars = horizons.bars[k];
    if (!labels->is_known[k])
      cli_warn("every label of --horizons %lld is NaN: no image has a close %lld bar%s behind its last", bars, bars,
               bars == 1 ? "" : "s");
  }
}

cli_exit dataset_labels_close(dataset_labels **labels, cli_exit code) {
  if (!*labels) return code;
  if (!code) code = write_header(*labels, cli_output_replace);
  code = cli_output_close(&(*labels)->output, code);
  cli_buffer_free(&(*labels)->name);
  free(*labels);
  *labels = NULL;
  return code;
}
