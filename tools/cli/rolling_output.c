/* The tables of results: text with 17 significant digits, or arrays. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format.h"
#include "report.h"
#include "rolling.h"

/* ---- text ---- */

/* In quotes where it would be read as something else without them. */
static cli_exit write_text(cli_output *output, const char *text, size_t length) {
  int is_plain = length == 0 || (text[0] != ' ' && text[length - 1] != ' ' && text[0] != '#');
  for (size_t i = 0; i < length && is_plain; i++) is_plain = !memchr("\",;|\t\n\r", text[i], 7);
  if (is_plain) return cli_output_write(output, text, length);
  cli_exit code = cli_output_write(output, "\"", 1);
  for (size_t i = 0; i < length && !code; i++)
    code = cli_output_write(output, text[i] == '"' ? "\"\"" : text + i, text[i] == '"' ? 2 : 1);
  return code ? code : cli_output_write(output, "\"", 1);
}

static cli_exit write_name(cli_output *output, const char *name, int is_first) {
  const cli_exit code = is_first ? CLI_OK : cli_output_write(output, ",", 1);
  return code ? code : write_text(output, name, strlen(name));
}

static cli_exit write_names(rolling *r) {
  cli_exit code = CLI_OK;
  char name[ROLLING_NAME_SIZE];
  for (int32_t i = 0; i < r->input.n_labels && !code; i++) {
    rolling_label_name(r, i, name, sizeof name);
    code = write_name(r->output, name, i == 0);
  }
  for (int32_t i = 0; i < r->n_results && !code; i++)
    code = write_name(r->output, r->results[i].name, i == 0 && r->input.n_labels == 0);
  return code ? code : cli_output_write(r->output, "\n", 1);
}

static cli_exit write_labels(rolling *r, int64_t row) {
  const size_t *ends = r->ends + row * r->input.n_labels;
  size_t begin = row > 0 ? ends[-1] : 0;
  cli_exit code = CLI_OK;
  for (int32_t i = 0; i < r->input.n_labels && !code; i++) {
    code = write_text(r->output, r->text + begin, ends[i] - begin);
    if (!code) code = cli_output_write(r->output, ",", 1);
    begin = ends[i];
  }
  return code;
}

static cli_exit write_text_rows(rolling *r, int64_t first, int64_t n) {
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code; i++) {
    if (r->input.n_labels > 0) code = write_labels(r, i);
    for (int32_t k = 0; k < r->n_results && !code; k++) {
      char text[CLI_DOUBLE_SIZE + 1];
      char *end = cli_put_double(text, r->results[k].values[first + i]);
      *end++ = k == r->n_results - 1 ? '\n' : ',';
      code = cli_output_write(r->output, text, (size_t)(end - text));
    }
  }
  return code;
}

/* ---- arrays ---- */

static cli_exit write_header(rolling *r, int64_t n_rows, cli_exit (*write)(cli_output *, const void *, size_t)) {
  char header[TLW_NPY_HEADER_SIZE];
  tlw_error error;
  if (tlw_npy_header(header, n_rows, r->n_results, &error) != TLW_OK) return cli_fail_library(&error);
  return write(r->output, header, sizeof header);
}

/* The number of rows must be known, or be told in the end. */
static cli_exit check_end(const rolling *r) {
  if (r->input.n_rows >= 0 || r->output->is_temporary) return CLI_OK;
  return cli_fail(CLI_USAGE,
                  "%s: an array says first how many rows it has, which the end of a CSV file tells: name a "
                  "file for it" SEE_HELP,
                  r->output->name);
}

static cli_exit write_array_rows(rolling *r, int64_t first, int64_t n) {
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < n && !code; i++) {
    for (int32_t k = 0; k < r->n_results && !code; k++) {
      uint64_t bits;
      unsigned char bytes[sizeof bits];
      memcpy(&bits, &r->results[k].values[first + i], sizeof bits);
      for (size_t b = 0; b < sizeof bytes; b++) bytes[b] = (unsigned char)(bits >> 8 * b);
      code = cli_output_write(r->output, bytes, sizeof bytes);
    }
  }
  return code;
}

/* ---- either ---- */

/* Whether something other than a file is in the place of one in the folder. */
static int is_taken(const rolling *r, const char *path) {
  struct stat info;
  return r->targets.in_folder && stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

cli_exit rolling_output_open(rolling *r, const char *path) {
  if (is_taken(r, path))
    return cli_fail(CLI_CANT_CREATE, "%s: can't write: a folder, device, pipe or socket has this name", path);
  cli_exit code = cli_output_open(r->output, path);
  if (code) return code;
  if (r->writes_npy) {
    code = check_end(r);
    if (!code) code = write_header(r, r->input.n_rows < 0 ? 0 : r->input.n_rows, cli_output_write);
  } else {
    code = write_names(r);
  }
  return code ? cli_output_close(r->output, code) : CLI_OK;
}

cli_exit rolling_output_rows(rolling *r, int64_t first, int64_t n) {
  return r->writes_npy ? write_array_rows(r, first, n) : write_text_rows(r, first, n);
}

cli_exit rolling_output_close(rolling *r, int64_t n_rows, cli_exit code) {
  if (!code && r->writes_npy && r->input.n_rows < 0) code = write_header(r, n_rows, cli_output_replace);
  return cli_output_close(r->output, code);
}
