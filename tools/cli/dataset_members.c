#include "dataset_members.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "report.h"
#include "tallow/npy.h"
#include "tallow/png.h"

#define BLOCK DATASET_TAR_BLOCK
#define KEY_DIGITS 12
#define NAME_SIZE 32
#define COLORS 256
#define SLOTS 1024 /* of the table of colours, a power of two */

struct dataset_members {
  tlw_image_shape shape;
  int is_nchw, is_two_toned, writes_npy;
  dataset_horizons horizons;
  dataset_sources sources;
  unsigned header_sum; /* of the bytes of header */
  size_t png_bound;
  char header[BLOCK];                     /* of a member without a name, empty */
  char array_header[TLW_NPY_HEADER_SIZE]; /* of KEY.npy */
  uint8_t *indices;                       /* of an image, into the palette */
  uint8_t palette[3 * COLORS];
  int32_t n_colors;
  uint32_t slots[SLOTS]; /* colours, found by what they hash to; NO_COLOR */
  uint8_t slot_index[SLOTS];
};

/* ---- tar ---- */

/*
 * Archives of plain files with short names need 512 bytes of header for each, of which name, size and sum differ: as
 * much text as it would take to tell a library to leave out times and owners.
 */
static void make_header(dataset_members *m) {
  static const struct {
    size_t at;
    const char *text;
  } fields[] = {{100, "0000644"}, {108, "0000000"}, {116, "0000000"}, {136, "00000000000"}, {148, "        "},
                {156, "0"},       {257, "ustar"},   {263, "00"},      {329, "0000000"},     {337, "0000000"}};
  memset(m->header, 0, BLOCK);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    memcpy(m->header + fields[i].at, fields[i].text, strlen(fields[i].text));
  m->header_sum = 0;
  for (int i = 0; i < BLOCK; i++) m->header_sum += (unsigned char)m->header[i];
}

static unsigned put_octal(char *out, int digits, uint64_t value) {
  unsigned sum = 0;
  for (int i = digits - 1; i >= 0; i--) {
    out[i] = (char)('0' + (value & 7));
    sum += (unsigned char)out[i];
    value >>= 3;
  }
  return sum;
}

/* Puts the header of a member in front of its bytes at out + BLOCK, and zeros behind them. Returns the end. */
static char *close_member(const dataset_members *m, char *out, int64_t image, const char *ending, size_t size) {
  char name[NAME_SIZE];
  char *end = cli_put_digits(name, (uint64_t)image, KEY_DIGITS);
  end = dataset_put_span(end, ending, strlen(ending));
  unsigned sum = m->header_sum;
  for (const char *c = name; c < end; c++) sum += (unsigned char)*c;
  memcpy(out, m->header, BLOCK);
  dataset_put_span(out, name, (size_t)(end - name));
  sum += put_octal(out + 124, 11, size);
  put_octal(out + 148, 6, sum);
  out[154] = 0;
  out += BLOCK;
  const size_t padding = (BLOCK - size % BLOCK) % BLOCK;
  memset(out + size, 0, padding);
  return out + size + padding;
}

/* ---- PNG ---- */

/* Images of two tones have both in their palette, whether or not they occur. Eight pixels at a time. */
static void index_two_tones(dataset_members *m, const uint8_t *pixels, size_t n) {
  static const uint8_t palette[6] = {0, 0, 0, 255, 255, 255};
  memcpy(m->palette, palette, sizeof palette);
  m->n_colors = 2;
  uint8_t *indices = m->indices;
  size_t i = 0;
  for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, pixels + i, sizeof word);
    word &= UINT64_C(0x0101010101010101);
    memcpy(indices + i, &word, sizeof word);
  }
  for (; i < n; i++) indices[i] = pixels[i] & 1;
}

/* The palette has the levels that occur, from dark to light. */
static void index_luma(dataset_members *m, const uint8_t *pixels, size_t n) {
  uint8_t occurs[COLORS] = {0}, index[COLORS] = {0};
  for (size_t i = 0; i < n; i++) occurs[pixels[i]] = 1;
  m->n_colors = 0;
  for (int level = 0; level < COLORS; level++) {
    if (!occurs[level]) continue;
    memset(m->palette + 3 * m->n_colors, level, 3);
    index[level] = (uint8_t)m->n_colors++;
  }
  uint8_t *indices = m->indices;
  for (size_t i = 0; i < n; i++) indices[i] = index[pixels[i]];
}

#define NO_COLOR UINT32_MAX

/* The palette has the colours that occur, in the order in which they do. -1: there are too many. */
static int32_t find_color(dataset_members *m, uint32_t color) {
  uint32_t slot = (color * UINT32_C(2654435761)) >> 22;
  while (m->slots[slot] != color && m->slots[slot] != NO_COLOR) slot = (slot + 1) % SLOTS;
  if (m->slots[slot] == color) return m->slot_index[slot];
  if (m->n_colors == COLORS) return -1;
  uint8_t *entry = m->palette + 3 * m->n_colors;
  entry[0] = (uint8_t)(color >> 16);
  entry[1] = (uint8_t)(color >> 8);
  entry[2] = (uint8_t)color;
  m->slots[slot] = color;
  m->slot_index[slot] = (uint8_t)m->n_colors;
  return m->n_colors++;
}

static int index_rgb(dataset_members *m, const uint8_t *pixels, size_t n) {
  const size_t plane = m->is_nchw ? n : 1, step = m->is_nchw ? 1 : 3;
  memset(m->slots, 0xff, sizeof m->slots);
  m->n_colors = 0;
  uint32_t last = NO_COLOR;
  int32_t index = 0;
  for (size_t i = 0; i < n; i++, pixels += step) {
    const uint32_t color = (uint32_t)pixels[0] << 16 | (uint32_t)pixels[plane] << 8 | pixels[2 * plane];
    if (color != last) index = find_color(m, color);
    if (index < 0) return 0;
    last = color;
    m->indices[i] = (uint8_t)index;
  }
  return 1;
}

static cli_exit put_png(dataset_members *m, const dataset_window *window, const uint8_t *pixels, char *out,
                        size_t *size) {
  const size_t n = (size_t)m->shape.height * (size_t)m->shape.width;
  if (m->is_two_toned)
    index_two_tones(m, pixels, n);
  else if (m->shape.channels == 1)
    index_luma(m, pixels, n);
  else if (!index_rgb(m, pixels, n))
    return cli_fail(CLI_DATA, "image %" PRId64 " has more than %d colours: write it with --member npy", window->image,
                    COLORS);
  const tlw_png_image image = {.pixels = m->indices,
                               .row_stride = (size_t)m->shape.width,
                               .width = m->shape.width,
                               .height = m->shape.height,
                               .rgb = m->palette,
                               .n_colors = m->n_colors};
  tlw_error error;
  if (tlw_png_encode(&image, NULL, (uint8_t *)out, m->png_bound, size, &error) == TLW_OK) return CLI_OK;
  return cli_fail_library(&error);
}

/* ---- arrays ---- */

static cli_exit make_array_header(dataset_members *m, const tlw_image_options *images) {
  const int64_t height = m->shape.height, width = m->shape.width, channels = m->shape.channels;
  const int64_t nchw[3] = {channels, height, width}, nhwc[3] = {height, width, channels};
  const tlw_npy_type type = images->type == TLW_IMAGE_U8 ? TLW_NPY_U8 : TLW_NPY_F32;
  tlw_error error;
  if (tlw_npy_array_header(m->array_header, type, m->is_nchw ? nchw : nhwc, 3, &error) == TLW_OK) return CLI_OK;
  return cli_fail_library(&error);
}

static size_t put_array(const dataset_members *m, const void *pixels, char *out) {
  memcpy(out, m->array_header, sizeof m->array_header);
  memcpy(out + sizeof m->array_header, pixels, m->shape.size);
  return sizeof m->array_header + m->shape.size;
}

/* ---- texts ---- */

static char *put_json(const dataset_members *m, const dataset_window *window, cli_span source, char *out) {
  *out++ = '{';
  out = dataset_put_span(out, source.text, source.length);
  out = DATASET_PUT(out, ", \"row\": ");
  out = cli_put_digits(out, (uint64_t)window->row, 1);
  out = DATASET_PUT(out, ", \"first\": ");
  out = dataset_put_time(out, window, window->first);
  out = DATASET_PUT(out, ", \"last\": ");
  out = dataset_put_time(out, window, window->last);
  if (m->horizons.n > 0) {
    out = DATASET_PUT(out, ", \"labels\": ");
    out = dataset_put_labels(out, m->horizons, window->labels);
  }
  *out++ = '}';
  return out;
}

/* ---- members ---- */

/* Bytes that the members of an image take at most. */
static size_t bound(const dataset_members *m, size_t source_length) {
  const size_t image = m->writes_npy ? TLW_NPY_HEADER_SIZE + m->shape.size : m->png_bound;
  return image + dataset_text_bound(source_length, m->horizons.n) + 6 * (size_t)BLOCK;
}

cli_exit dataset_members_add(dataset_members *m, const dataset_window *window, const void *pixels, cli_buffer *out) {
  const cli_span source = dataset_source_text(&m->sources, window->source, window->symbol);
  char *begin = source.text ? cli_buffer_room(out, bound(m, source.length)) : NULL, *at = begin;
  if (!begin) return cli_fail(CLI_NO_MEMORY, "no memory for a shard");
  size_t size = 0;
  cli_exit code = CLI_OK;
  if (m->writes_npy)
    size = put_array(m, pixels, at + BLOCK);
  else
    code = put_png(m, window, pixels, at + BLOCK, &size);
  if (code) return code;
  at = close_member(m, at, window->image, m->writes_npy ? ".npy" : ".png", size);
  at = close_member(m, at, window->image, ".json", (size_t)(put_json(m, window, source, at + BLOCK) - at - BLOCK));
  if (m->horizons.n > 0 && !isnan(window->labels[0])) {
    at[BLOCK] = window->labels[0] > 0 ? '1' : '0';
    at = close_member(m, at, window->image, ".cls", 1);
  }
  out->length += (size_t)(at - begin);
  return CLI_OK;
}

static cli_exit prepare(dataset_members *m, const tlw_image_options *images) {
  tlw_error error;
  if (tlw_image_shape_of(images, &m->shape, &error) != TLW_OK) return cli_fail_library(&error);
  m->is_nchw = images->order == TLW_ORDER_NCHW;
  m->is_two_toned = images->style == TLW_IMAGES_JKX && m->shape.channels == 1;
  m->png_bound = tlw_png_bound(m->shape.width, m->shape.height);
  m->indices = malloc((size_t)m->shape.height * (size_t)m->shape.width);
  if (!m->indices) return cli_fail(CLI_NO_MEMORY, "no memory for a shard");
  make_header(m);
  return make_array_header(m, images);
}

dataset_members *dataset_members_open(const tlw_image_options *images, int writes_npy, dataset_horizons horizons) {
  dataset_members *m = calloc(1, sizeof *m);
  if (!m) {
    cli_fail(CLI_NO_MEMORY, "no memory for a shard");
    return NULL;
  }
  m->writes_npy = writes_npy;
  m->horizons = horizons;
  if (prepare(m, images) == CLI_OK) return m;
  dataset_members_close(m);
  return NULL;
}

void dataset_members_close(dataset_members *m) {
  if (!m) return;
  dataset_sources_free(&m->sources);
  free(m->indices);
  free(m);
}
