#include "tallow/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/heap.h"
#include "host/seam/backend.h"
#include "input.h"
#include "text.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define LONGEST_HEADER 65536
#define BUFFER_SIZE 65536
#define MOST_EXACT ((int64_t)1 << 53)
#define ADVICE "save it with numpy.save(file, array.astype('<f8'))"

/* How a number is stored. */
struct format {
  char kind; /* f, i or u */
  size_t size;
  bool is_big; /* the most significant byte first */
};

struct tlw_npy {
  struct tlw_memory *memory; /* or NULL */
  struct tlw_input *input;
  tlw_npy_shape shape;
  struct format format;
  int64_t row;       /* the next */
  int descriptor;    /* where columns are read at their places; else -1 */
  int64_t ahead;     /* bytes in front of the array */
  size_t begin, end; /* of the buffer: what was read and not used */
  tlw_status failed;
  tlw_error failure;
  _Alignas(8) char buffer[BUFFER_SIZE];
};

/* --- Bytes ------------------------------------------------------------------------------------------------------ */

static tlw_status fail_cut(const tlw_npy *npy, tlw_error *error) {
  return tlw_fail(error, TLW_ERR_DATA, "%s: the array ends early, the file is cut off: fetch or copy it again",
                  tlw_input_name(npy->input));
}

static tlw_status fail_read(const tlw_npy *npy, int code, tlw_error *error) {
  char shown[TLW_SHOWN_ERRNO_SIZE];
  return tlw_fail_native(error, TLW_ERR_IO, code, "%s: reading failed: %s: check the disk or copy the file again",
                         tlw_input_name(npy->input), tlw_show_errno(shown, code));
}

/* So that the buffer has size bytes or more. */
static tlw_status fill(tlw_npy *npy, size_t size, tlw_error *error) {
  if (npy->end - npy->begin >= size) return TLW_OK;
  memmove(npy->buffer, npy->buffer + npy->begin, npy->end - npy->begin);
  npy->end -= npy->begin;
  npy->begin = 0;
  while (npy->end < size) {
    size_t got = 0;
    const tlw_status status =
        tlw_input_read(npy->input, npy->buffer + npy->end, sizeof npy->buffer - npy->end, &got, error);
    if (status != TLW_OK) return status;
    if (got == 0) return fail_cut(npy, error);
    npy->end += got;
  }
  return TLW_OK;
}

/* --- The header: a dictionary of Python ------------------------------------------------------------------------- */

struct text {
  const char *at, *end;
};

/* What was found in it. */
struct dictionary {
  const char *descr; /* between its quotes; NULL: it is no string */
  size_t descr_length;
  bool has_descr, has_order, has_shape;
  bool is_fortran;
  int n_dimensions;
  int64_t dimensions[2];
};

static void pass_blanks(struct text *t) {
  while (t->at < t->end && memchr(" \t\r\n", *t->at, 4)) t->at++;
}

static bool take_sign(struct text *t, char sign) {
  pass_blanks(t);
  if (t->at == t->end || *t->at != sign) return false;
  t->at++;
  return true;
}

static bool take_word(struct text *t, const char *word) {
  const size_t length = strlen(word);
  pass_blanks(t);
  if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0) return false;
  t->at += length;
  return true;
}

/* A string without escapes. */
static bool take_string(struct text *t, const char **string, size_t *length) {
  pass_blanks(t);
  if (t->at == t->end || (*t->at != '\'' && *t->at != '"')) return false;
  const char *close = memchr(t->at + 1, *t->at, (size_t)(t->end - t->at - 1));
  if (!close) return false;
  *string = t->at + 1;
  *length = (size_t)(close - *string);
  t->at = close + 1;
  return memchr(*string, '\\', *length) == NULL;
}

static bool take_number(struct text *t, int64_t *number) {
  pass_blanks(t);
  const char *const first = t->at;
  for (*number = 0; t->at < t->end && (unsigned char)(*t->at - '0') <= 9; t->at++) {
    const int64_t digit = *t->at - '0';
    if (*number > (INT64_MAX - digit) / 10) return false;
    *number = *number * 10 + digit;
  }
  return t->at > first;
}

/* (), (3,) or (3, 4) and longer ones, which are only counted. */
static bool take_shape(struct text *t, struct dictionary *d) {
  d->n_dimensions = 0;
  if (!take_sign(t, '(')) return false;
  while (!take_sign(t, ')')) {
    int64_t number;
    if (!take_number(t, &number)) return false;
    if (d->n_dimensions < 2) d->dimensions[d->n_dimensions] = number;
    if (d->n_dimensions < 64) d->n_dimensions++;
    if (!take_sign(t, ',') && !(take_sign(t, ')') && d->n_dimensions > 1)) return false;
    if (t->at[-1] == ')') break;
  }
  return true;
}

/* A descr that is no string, that of a structure, ends the reading: such an array is refused. */
static bool take_entry(struct text *t, struct dictionary *d) {
  const char *key;
  size_t length;
  if (!take_string(t, &key, &length) || !take_sign(t, ':')) return false;
  if (length == 5 && memcmp(key, "descr", 5) == 0 && !d->has_descr) {
    d->has_descr = true;
    return take_string(t, &d->descr, &d->descr_length);
  }
  if (length == 13 && memcmp(key, "fortran_order", 13) == 0 && !d->has_order) {
    d->has_order = true;
    d->is_fortran = take_word(t, "True");
    return d->is_fortran || take_word(t, "False");
  }
  if (length == 5 && memcmp(key, "shape", 5) == 0 && !d->has_shape) {
    d->has_shape = true;
    return take_shape(t, d);
  }
  return false;
}

static bool read_dictionary(struct text *t, struct dictionary *d) {
  if (!take_sign(t, '{')) return false;
  while (!take_sign(t, '}')) {
    if (!take_entry(t, d)) return false;
    if (take_sign(t, ',')) continue;
    if (!take_sign(t, '}')) return false;
    break;
  }
  pass_blanks(t);
  return t->at == t->end && d->has_descr && d->has_order && d->has_shape;
}

static tlw_status refuse_type(const tlw_npy *npy, const struct dictionary *d, tlw_error *error) {
  const char *name = tlw_input_name(npy->input);
  char shown[TLW_SHOWN_SIZE];
  if (!d->descr)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: the array is one of structures, not of numbers: save one field of it, or "
                    "all as columns, as '<f8'",
                    name);
  tlw_show_text(shown, sizeof shown, d->descr, d->descr_length);
  return tlw_fail(error, TLW_ERR_DATA, "%s: the array is of type '%s', not of doubles, floats or integers: " ADVICE,
                  name, shown);
}

/* '<f8', '>i4', '|u1' ...; a boolean is an integer. */
static bool read_format(const struct dictionary *d, struct format *format) {
  if (!d->descr || d->descr_length != 3) return false;
  const char order = d->descr[0], kind = d->descr[1], size = d->descr[2];
  *format = (struct format){.kind = kind == 'b' ? 'u' : kind, .size = (size_t)(size - '0'), .is_big = order == '>'};
  const bool is_one = size == '1', is_wide = size == '4' || size == '8';
  if (order != '<' && order != '>' && !(order == '|' && is_one)) return false;
  if (kind == 'f') return is_wide;
  if (kind == 'b') return is_one;
  return (kind == 'i' || kind == 'u') && (is_one || is_wide || size == '2');
}

/* Every byte of the array must have a number in 63 bits. */
static tlw_status check_size(const tlw_npy *npy, const struct dictionary *d, int64_t element, tlw_error *error) {
  const char *name = tlw_input_name(npy->input);
  const int64_t columns = d->n_dimensions == 2 ? d->dimensions[1] : 1;
  if (columns < 1 || columns > TLW_NPY_COLUMNS_MAX)
    return tlw_fail(error, TLW_ERR_DATA, "%s: the array has %" PRId64 " columns: 1 to %d can be read", name, columns,
                    TLW_NPY_COLUMNS_MAX);
  if (d->dimensions[0] > (INT64_MAX - LONGEST_HEADER - 64) / (columns * element))
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: the array claims %" PRId64 " rows, more than a file can hold: the header "
                    "is damaged",
                    name, d->dimensions[0]);
  return TLW_OK;
}

static tlw_status take_dictionary(tlw_npy *npy, const struct dictionary *d, tlw_error *error) {
  if (!read_format(d, &npy->format)) return refuse_type(npy, d, error);
  if (d->n_dimensions < 1 || d->n_dimensions > 2)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: the array has %s dimensions: save it with 1, or with 2 as rows and columns",
                    tlw_input_name(npy->input), d->n_dimensions == 0 ? "no" : "more than 2");
  const tlw_status status = check_size(npy, d, (int64_t)npy->format.size, error);
  if (status != TLW_OK) return status;
  const bool is_float = npy->format.kind == 'f' && npy->format.size == 4;
  npy->shape = (tlw_npy_shape){.n_rows = d->dimensions[0],
                               .n_columns = d->n_dimensions == 2 ? (int32_t)d->dimensions[1] : 1,
                               .n_dimensions = d->n_dimensions,
                               .type = is_float ? TLW_TYPE_F32 : TLW_TYPE_F64,
                               .is_fortran = d->is_fortran};
  return TLW_OK;
}

static size_t little(const char *bytes, int n) {
  size_t number = 0;
  for (int i = n - 1; i >= 0; i--) number = number << 8 | (unsigned char)bytes[i];
  return number;
}

static tlw_status read_header(tlw_npy *npy, tlw_error *error) {
  const char *name = tlw_input_name(npy->input);
  tlw_status status = fill(npy, MAGIC_SIZE + 4, error);
  if (status == TLW_ERR_DATA && npy->end == 0)
    return tlw_fail(error, TLW_ERR_DATA, "%s: the file is empty: " ADVICE, name);
  if (status == TLW_ERR_DATA || (status == TLW_OK && memcmp(npy->buffer, MAGIC, MAGIC_SIZE) != 0))
    return tlw_fail(error, TLW_ERR_DATA, "%s: this is no .npy file, it does not begin as one: " ADVICE, name);
  if (status != TLW_OK) return status;
  const int major = npy->buffer[MAGIC_SIZE], minor = npy->buffer[MAGIC_SIZE + 1];
  if (major < 1 || major > 3 || minor != 0)
    return tlw_fail(error, TLW_ERR_DATA, "%s: the file has .npy version %d.%d: 1.0, 2.0 and 3.0 can be read: " ADVICE,
                    name, (unsigned char)major, (unsigned char)minor);
  const int width = major == 1 ? 2 : 4;
  const size_t ahead = MAGIC_SIZE + 2 + (size_t)width;
  status = fill(npy, ahead, error);
  if (status != TLW_OK) return status;
  const size_t length = little(npy->buffer + MAGIC_SIZE + 2, width);
  if (length > sizeof npy->buffer - ahead)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: the header claims %zu bytes, more than those of any array of numbers has: " ADVICE, name,
                    length);
  status = fill(npy, ahead + length, error);
  if (status != TLW_OK) return status;
  struct text text = {npy->buffer + ahead, npy->buffer + ahead + length};
  struct dictionary found = {0};
  const bool is_read = read_dictionary(&text, &found);
  if (!is_read && !(found.has_descr && !found.descr))
    return tlw_fail(error, TLW_ERR_DATA, "%s: the header can't be read, it is damaged: " ADVICE, name);
  npy->begin = ahead + length;
  npy->ahead = (int64_t)(ahead + length);
  return take_dictionary(npy, &found, error);
}

/* --- Opening ---------------------------------------------------------------------------------------------------- */

/* Columns that lie one behind the other are read at their places, all of them in step. */
static tlw_status open_places(tlw_npy *npy, const char *path, tlw_error *error) {
  if (!npy->shape.is_fortran || npy->shape.n_columns == 1) return TLW_OK;
  struct stat info;
  const bool is_plain = strcmp(path, "-") != 0 && tlw_input_packing(npy->input) == TLW_PACKING_NONE &&
                        stat(path, &info) == 0 && S_ISREG(info.st_mode);
  if (!is_plain)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: the array is in Fortran order, which can only be read from a plain file: "
                    "save it with numpy.ascontiguousarray",
                    tlw_input_name(npy->input));
  npy->descriptor = tlw_file_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (npy->descriptor < 0 || fstat(npy->descriptor, &info) != 0) return fail_read(npy, errno, error);
  const int64_t size = npy->shape.n_rows * npy->shape.n_columns * (int64_t)npy->format.size;
  return (int64_t)info.st_size - npy->ahead < size ? fail_cut(npy, error) : TLW_OK;
}

static tlw_status open_npy(const char *path, uint32_t expansion, struct tlw_memory *memory, tlw_npy **npy,
                           tlw_error *error) {
  tlw_npy *opened = tlw_heap_alloc(memory, sizeof *opened, "reading an array", error);
  if (!opened) return error->code;
  opened->memory = memory;
  opened->input = NULL;
  opened->row = 0;
  opened->descriptor = -1;
  opened->begin = opened->end = 0;
  opened->failed = TLW_OK;
  tlw_status status = tlw_input_open(path, expansion, memory, &opened->input, error);
  if (status == TLW_OK) status = read_header(opened, error);
  if (status == TLW_OK) status = open_places(opened, path, error);
  if (status != TLW_OK) tlw_npy_close(&opened);
  *npy = opened;
  return status;
}

tlw_status tlw_npy_open(const char *path, uint32_t expansion, tlw_engine *engine, tlw_npy **npy, tlw_error *error) {
  if (npy) *npy = NULL;
  if (!path || !npy) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and npy must not be NULL");
  tlw_error failure;
  const tlw_status status = open_npy(path, expansion, engine ? tlw_engine_memory(engine) : NULL, npy, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

void tlw_npy_get_shape(const tlw_npy *npy, tlw_npy_shape *shape) { *shape = npy->shape; }

void tlw_npy_close(tlw_npy **npy) {
  if (!npy || !*npy) return;
  tlw_npy *closed = *npy;
  if (closed->descriptor >= 0) tlw_file_close(closed->descriptor);
  tlw_input_close(&closed->input);
  tlw_heap_free(closed->memory, closed, sizeof *closed);
  *npy = NULL;
}

/* --- Rows ------------------------------------------------------------------------------------------------------- */

static inline uint64_t bits_of(const char *bytes, struct format format) {
  uint64_t bits = 0;
  for (size_t i = 0; i < format.size; i++) {
    const size_t place = format.is_big ? format.size - 1 - i : i;
    bits |= (uint64_t)(unsigned char)bytes[i] << 8 * place;
  }
  return bits;
}

static inline double float_of(uint64_t bits, size_t size) {
  if (size == 8) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  const uint32_t narrow = (uint32_t)bits;
  float value;
  memcpy(&value, &narrow, sizeof value);
  return (double)value;
}

/* Its sign goes through all bits. */
static inline int64_t integer_of(uint64_t bits, size_t size) {
  const uint64_t sign = (uint64_t)1 << (8 * size - 1);
  const uint64_t wide = (bits ^ sign) - sign;
  int64_t value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

/* false: it is an integer too large for a double. */
static inline bool element(const char *bytes, struct format format, double *value) {
  const uint64_t bits = bits_of(bytes, format);
  if (format.kind == 'f') {
    *value = float_of(bits, format.size);
    return true;
  }
  if (format.kind == 'u') {
    *value = (double)bits;
    return bits <= (uint64_t)MOST_EXACT;
  }
  const int64_t integer = integer_of(bits, format.size);
  *value = (double)integer;
  return integer >= -MOST_EXACT && integer <= MOST_EXACT;
}

/* row and column: from 0. */
static tlw_status fail_large(const tlw_npy *npy, const char *bytes, int64_t row, int32_t column, tlw_error *error) {
  const uint64_t bits = bits_of(bytes, npy->format);
  char shown[32];
  if (npy->format.kind == 'u')
    snprintf(shown, sizeof shown, "%" PRIu64, bits);
  else
    snprintf(shown, sizeof shown, "%" PRId64, integer_of(bits, npy->format.size));
  return tlw_fail(error, TLW_ERR_DATA,
                  "%s: row %" PRId64 " of column %" PRId32
                  " is %s, beyond 2^53, up to which doubles hold all integers: "
                  "save it as doubles if it may be rounded",
                  tlw_input_name(npy->input), row + 1, column + 1, shown);
}

/* Numbers as they come, row by row. */
static tlw_status read_in_rows(tlw_npy *npy, double *const *columns, int64_t n, tlw_error *error) {
  const size_t size = npy->format.size;
  int64_t row = 0;
  int32_t column = 0;
  while (row < n) {
    const tlw_status status = fill(npy, size, error);
    if (status != TLW_OK) return status;
    const char *at = npy->buffer + npy->begin, *const end = npy->buffer + npy->end;
    for (; row < n && (size_t)(end - at) >= size; at += size) {
      if (columns[column] && !element(at, npy->format, &columns[column][row]))
        return fail_large(npy, at, npy->row + row, column, error);
      if (++column < npy->shape.n_columns) continue;
      column = 0;
      row++;
    }
    npy->begin = (size_t)(at - npy->buffer);
  }
  return TLW_OK;
}

static tlw_status read_at(tlw_npy *npy, int64_t offset, size_t size, tlw_error *error) {
  for (size_t done = 0; done < size;) {
    const ssize_t n =
        tlw_file_read_at(npy->descriptor, npy->buffer + done, size - done, (off_t)(offset + (int64_t)done));
    if (n < 0) return fail_read(npy, errno, error);
    if (n == 0) return fail_cut(npy, error);
    done += (size_t)n;
  }
  return TLW_OK;
}

static tlw_status read_in_columns(tlw_npy *npy, double *const *columns, int64_t n, tlw_error *error) {
  const int64_t size = (int64_t)npy->format.size, most = BUFFER_SIZE / size;
  for (int32_t c = 0; c < npy->shape.n_columns; c++) {
    for (int64_t done = 0; columns[c] && done < n;) {
      const int64_t part = n - done < most ? n - done : most;
      const int64_t first = (int64_t)c * npy->shape.n_rows + npy->row + done;
      const tlw_status status = read_at(npy, npy->ahead + first * size, (size_t)(part * size), error);
      if (status != TLW_OK) return status;
      for (int64_t i = 0; i < part; i++)
        if (!element(npy->buffer + i * size, npy->format, &columns[c][done + i]))
          return fail_large(npy, npy->buffer + i * size, npy->row + done + i, c, error);
      done += part;
    }
  }
  return TLW_OK;
}

tlw_status tlw_npy_next(tlw_npy *npy, double *const *columns, int64_t capacity, int64_t *n_rows, tlw_error *error) {
  if (n_rows) *n_rows = 0;
  if (!npy || !columns || !n_rows) return tlw_fail(error, TLW_ERR_ARGUMENT, "npy, columns and n_rows must not be NULL");
  if (capacity < 1) return tlw_fail(error, TLW_ERR_ARGUMENT, "capacity is %" PRId64 ": it must be 1 or more", capacity);
  if (npy->failed == TLW_OK) {
    const int64_t left = npy->shape.n_rows - npy->row, n = left < capacity ? left : capacity;
    npy->failed = npy->descriptor >= 0 ? read_in_columns(npy, columns, n, &npy->failure)
                                       : read_in_rows(npy, columns, n, &npy->failure);
    if (npy->failed == TLW_OK) {
      npy->row += n;
      *n_rows = n;
      return TLW_OK;
    }
  }
  if (error) *error = npy->failure;
  return npy->failed;
}

/* --- Writing ---------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  int64_t size;
} types[] = {[TLW_NPY_U8] = {"|u1", 1}, [TLW_NPY_F32] = {"<f4", 4}, [TLW_NPY_F64] = {"<f8", 8}};

#define TYPES (int)(sizeof types / sizeof *types)

static bool fits_file(int64_t size, const int64_t *dimensions, int32_t n_dimensions) {
  for (int32_t i = 0; i < n_dimensions; i++)
    if (dimensions[i] == 0) return true;
  for (int32_t i = 0; i < n_dimensions; i++)
    if (__builtin_mul_overflow(size, dimensions[i], &size)) return false;
  return size <= INT64_MAX - TLW_NPY_HEADER_SIZE;
}

static tlw_status check_array(const char *out, tlw_npy_type type, const int64_t *dimensions, int32_t n_dimensions,
                              tlw_error *error) {
  if (!out || !dimensions) return tlw_fail(error, TLW_ERR_ARGUMENT, "out and dimensions must not be NULL");
  if ((int)type < 0 || (int)type >= TYPES)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "type is %d: it must be TLW_NPY_U8, TLW_NPY_F32 or TLW_NPY_F64",
                    (int)type);
  if (n_dimensions < 1 || n_dimensions > TLW_NPY_DIMENSIONS_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_dimensions is %" PRId32 ": it must be 1 to %d", n_dimensions,
                    TLW_NPY_DIMENSIONS_MAX);
  for (int32_t i = 0; i < n_dimensions; i++)
    if (dimensions[i] < 0)
      return tlw_fail(error, TLW_ERR_ARGUMENT, "dimension %" PRId32 " is %" PRId64 ": it must be 0 or more", i,
                      dimensions[i]);
  if (fits_file(types[type].size, dimensions, n_dimensions)) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "an array of so many numbers does not fit into a file");
}

/* (2, 3), or (2,) of one dimension. Returns its length. */
static int put_shape(char *out, size_t size, const int64_t *dimensions, int32_t n_dimensions) {
  int used = snprintf(out, size, "(%" PRId64 "%s", dimensions[0], n_dimensions == 1 ? "," : "");
  for (int32_t i = 1; i < n_dimensions; i++)
    used += snprintf(out + used, size - (size_t)used, ", %" PRId64, dimensions[i]);
  return used + snprintf(out + used, size - (size_t)used, ")");
}

/* Version 1.0, padded with blanks to a line's end as the format wants it. */
tlw_status tlw_npy_array_header(char out[TLW_NPY_HEADER_SIZE], tlw_npy_type type, const int64_t *dimensions,
                                int32_t n_dimensions, tlw_error *error) {
  const tlw_status status = check_array(out, type, dimensions, n_dimensions, error);
  if (status != TLW_OK) return status;
  const size_t ahead = MAGIC_SIZE + 4, length = TLW_NPY_HEADER_SIZE - ahead;
  char text[2 * TLW_NPY_HEADER_SIZE];
  int used = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': ", types[type].name);
  used += put_shape(text + used, sizeof text - (size_t)used, dimensions, n_dimensions);
  used += snprintf(text + used, sizeof text - (size_t)used, ", }");
  if ((size_t)used >= length) /* only where one of them is 0 can the others be so large */
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the dimensions of an array must not be larger than a file can hold");
  memset(out, ' ', TLW_NPY_HEADER_SIZE);
  memcpy(out, MAGIC "\x01\x00", MAGIC_SIZE + 2);
  out[MAGIC_SIZE + 2] = (char)length;
  out[MAGIC_SIZE + 3] = 0;
  memcpy(out + ahead, text, (size_t)used);
  out[TLW_NPY_HEADER_SIZE - 1] = '\n';
  return TLW_OK;
}

tlw_status tlw_npy_header(char out[TLW_NPY_HEADER_SIZE], int64_t n_rows, int32_t n_columns, tlw_error *error) {
  if (n_columns < 1 || n_columns > TLW_NPY_COLUMNS_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "n_columns is %" PRId32 ": it must be 1 to %d", n_columns,
                    TLW_NPY_COLUMNS_MAX);
  return tlw_npy_array_header(out, TLW_NPY_F64, (const int64_t[]){n_rows, n_columns}, 2, error);
}
