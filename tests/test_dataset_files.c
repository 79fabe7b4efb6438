/* What "tallow dataset" writes beside arrays: labels, the manifest, and the members of shards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "png_reference.h"
#include "tallow/npy.h"
#include "tallow/png.h"
#include "tallow/version.h"
#include "tools/cli/dataset_labels.h"
#include "tools/cli/dataset_manifest.h"
#include "tools/cli/dataset_members.h"
#include "tools/cli/dataset_tar.h"
#include "tools/cli/progress.h"

#define SECOND INT64_C(1000000000)
#define BLOCK DATASET_TAR_BLOCK

/* ---- what the modules need of the command ---- */

const char *dataset_reason_text(int reason) { return reason == DATASET_NO_LABEL ? "no label" : "flat prices"; }
int cli_is_setting(const cli_option *option) { return option->group == CLI_GROUP_DRAWN; }
void cli_progress_hide(void) {}
void cli_progress_show(void) {}

/* ---- random numbers ---- */

static uint64_t random_state = 1;

static uint64_t next_random(void) {
  uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* ---- files ---- */

static char *read_file(const char *name, size_t *size) {
  FILE *file = fopen(path_of(name), "rb");
  if (!file) return NULL;
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

static void remove_file(const char *name) { assert_int_equal(unlink(path_of(name)), 0); }

static int is_there(const char *name) { return access(path_of(name), F_OK) == 0; }

/* ---- labels ---- */

static void same_label(double label, double expected) {
  if (isnan(expected))
    assert_true(isnan(label));
  else
    assert_memory_equal(&label, &expected, sizeof label);
}

static void test_labels(void **state) {
  (void)state;
  const double close[] = {4, 5, NAN, 0, -2, INFINITY, 1e-308, 1e308, 3};
  const int64_t rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, bars[] = {1, 3, 8, INT64_C(1) << 40};
  const double one[] = {5.0 / 4.0 - 1, NAN, NAN, NAN, NAN, NAN, NAN, 3 / 1e308 - 1, NAN};
  const double three[] = {0.0 / 4.0 - 1, -2.0 / 5.0 - 1, NAN, NAN, 1e308 / -2.0 - 1, NAN, NAN, NAN, NAN};
  double out[9 * 4 + 1];
  out[36] = 77;
  dataset_labels_of(close, 9, rows, 9, (dataset_horizons){bars, 4}, out);
  for (int i = 0; i < 9; i++) {
    same_label(out[4 * i], one[i]);
    same_label(out[4 * i + 1], three[i]);
    same_label(out[4 * i + 2], i == 0 ? 3.0 / 4.0 - 1 : NAN);
    same_label(out[4 * i + 3], NAN);
  }
  assert_true(out[36] == 77);
  assert_true(dataset_lacks_label(out, 4));
  assert_false(dataset_lacks_label(out, 3));
  assert_true(dataset_lacks_label(out + 4, 1));
  dataset_labels_of(close, 9, rows + 7, 1, (dataset_horizons){bars, 1}, out);
  same_label(out[0], one[7]);
}

static void test_labels_file(void **state) {
  (void)state;
  const double labels[3][2] = {{1, NAN}, {5, 6}, {-0.0, 1e-300}};
  dataset_window windows[3] = {{.image = 0}, {.image = -1}, {.image = 1}};
  for (int i = 0; i < 3; i++) windows[i].labels = labels[i];
  for (int fails = 0; fails < 2; fails++) {
    dataset_labels *file;
    assert_int_equal(dataset_labels_open(&file, path_of("set.NPY"), 2), CLI_OK);
    assert_false(is_there("set.labels.npy") && !fails);
    assert_int_equal(dataset_labels_add(file, windows, 2), CLI_OK);
    if (!fails) assert_int_equal(dataset_labels_add(file, windows + 2, 1), CLI_OK);
    assert_int_equal(dataset_labels_close(&file, fails ? CLI_STOPPED : CLI_OK), fails ? CLI_STOPPED : CLI_OK);
    assert_null(file);
    size_t size;
    char *bytes = read_file("set.labels.npy", &size), header[TLW_NPY_HEADER_SIZE];
    assert_int_equal(size, sizeof header + 4 * sizeof(double));
    assert_int_equal(tlw_npy_header(header, 2, 2, NULL), TLW_OK);
    assert_memory_equal(bytes, header, sizeof header);
    double numbers[4];
    memcpy(numbers, bytes + sizeof header, sizeof numbers);
    same_label(numbers[0], 1);
    same_label(numbers[1], NAN);
    same_label(numbers[2], -0.0);
    same_label(numbers[3], 1e-300);
    free(bytes);
  }
  remove_file("set.labels.npy");
  dataset_labels *file;
  assert_int_equal(dataset_labels_open(&file, "/nowhere/set.npy", 1), CLI_CANT_CREATE);
  assert_null(file);
  assert_int_equal(dataset_labels_close(&file, CLI_OK), CLI_OK);
}

/* ---- the manifest ---- */

static const cli_option parameters[] = {
    {.name = "output", .group = CLI_GROUP_DRAWN, .hint = CLI_HINT_FILE, .kind = CLI_TEXT},
    {.name = "by", .group = CLI_GROUP_INPUT, .kind = CLI_TEXT},
    {.name = "labelled", .group = CLI_GROUP_DRAWN, .kind = CLI_FLAG},
    {.name = "threads", .group = CLI_GROUP_WORK, .kind = CLI_NUMBER},
};

#define FIRST_LINE                                                                                                     \
  "{\"tallow\": \"" TLW_VERSION_STRING "\", \"dataset\": 1, \"image\": {\"shape\": [1, 64, 60], \"type\": \"u8\"}, "   \
  "\"chart\": null, \"parameters\": {\"by\": \"na\\\"me\", \"labelled\": true}, \"libraries\": {}}"
#define RANGE "\"range\": {\"first\": \"1970-01-01T00:00:00Z\", \"last\": \"1970-01-01T00:19:00.500Z\", \"rows\": 20}"

static void expect_text(const char *name, const char *expected) {
  size_t size;
  char *text = read_file(name, &size);
  assert_non_null(text);
  assert_string_equal(text, expected);
  free(text);
  remove_file(name);
}

static dataset_window window_of(int64_t ordinal, int64_t image, const double *labels) {
  return (dataset_window){.ordinal = ordinal,
                          .image = image,
                          .source = "a.csv",
                          .row = 19,
                          .last = 1140 * SECOND + SECOND / 2,
                          .labels = labels,
                          .has_times = 1};
}

static void open_manifest(dataset_manifest **manifest, const tlw_image_options *images, dataset_horizons horizons) {
  static const cli_command command = {.options = parameters, .n_options = 4};
  static cli_args args = {.command = &command};
  args.values[0] = (cli_value){.text = "set.npy", .given = 1};
  args.values[1] = (cli_value){.text = "na\"me", .given = 1};
  args.values[2] = (cli_value){.given = 1};
  const dataset_manifest_options options = {
      .output = path_of("set.tar"), .args = &args, .images = images, .horizons = horizons};
  assert_int_equal(dataset_manifest_open(manifest, &options), CLI_OK);
  cli_buffer first = {0};
  assert_int_equal(dataset_manifest_header(&first, &options), CLI_OK);
  assert_int_equal(first.length, strlen(FIRST_LINE));
  assert_memory_equal(first.bytes, FIRST_LINE, first.length);
  cli_buffer_free(&first);
}

static void test_manifest(void **state) {
  (void)state;
  const int64_t bars[] = {5, 20};
  const double labels[] = {0.25, NAN};
  tlw_image_options images;
  tlw_image_options_init(&images);
  dataset_manifest *manifest;
  open_manifest(&manifest, &images, (dataset_horizons){bars, 2});
  dataset_window windows[] = {window_of(0, 0, labels), window_of(1, -1, labels), window_of(2, 1, labels),
                              window_of(3, -1, NULL), window_of(4, -1, NULL)};
  windows[1].reason = DATASET_NO_LABEL;
  windows[2].symbol = "a\\b/\xc3\xa9\xff\x01";
  windows[2].has_times = 0;
  windows[3].source = "b.csv";
  windows[3].row = -1;
  windows[3].reason = windows[4].reason = TLW_IMAGE_FEW_BARS;
  windows[4].row = 6;
  assert_int_equal(dataset_manifest_add(manifest, windows, 3), CLI_OK);
  assert_int_equal(dataset_manifest_add_failure(manifest, "c.csv", CLI_DATA, "c.csv:3: \"x\""), CLI_OK);
  assert_int_equal(dataset_manifest_add(manifest, windows + 3, 2), CLI_OK);
  assert_false(is_there("set.manifest.jsonl"));
  assert_int_equal(dataset_manifest_close(&manifest, 0xabc, CLI_OK), CLI_OK);
  assert_null(manifest);
  expect_text("set.manifest.jsonl", FIRST_LINE
              "\n"
              "{\"ordinal\": 0, \"image\": 0, \"source\": \"a.csv\", \"symbol\": null, \"row\": 19, " RANGE
              ", \"labels\": {\"5\": 0.25, \"20\": null}, \"status\": \"ok\"}\n"
              "{\"ordinal\": 1, \"image\": null, \"source\": \"a.csv\", \"symbol\": null, \"row\": 19, " RANGE
              ", \"labels\": {\"5\": 0.25, \"20\": null}, \"status\": \"left out\", \"reason\": \"no label\"}\n"
              "{\"ordinal\": 2, \"image\": 1, \"source\": \"a.csv\", \"symbol\": \"a\\\\b/\xc3\xa9\\udcff\\u0001\", "
              "\"row\": 19, \"range\": {\"first\": null, \"last\": null, \"rows\": 20}, "
              "\"labels\": {\"5\": 0.25, \"20\": null}, \"status\": \"ok\"}\n"
              "{\"ordinal\": null, \"image\": null, \"source\": \"c.csv\", \"symbol\": null, \"row\": null, "
              "\"range\": null, \"status\": \"failed\", \"exit_code\": 65, \"reason\": \"c.csv:3: \\\"x\\\"\"}\n"
              "{\"ordinal\": 3, \"image\": null, \"source\": \"b.csv\", \"symbol\": null, \"row\": null, "
              "\"range\": null, \"status\": \"left out\", \"reason\": \"flat prices\"}\n"
              "{\"ordinal\": 4, \"image\": null, \"source\": \"a.csv\", \"symbol\": null, \"row\": 6, "
              "\"range\": {\"first\": \"1970-01-01T00:00:00Z\", \"last\": \"1970-01-01T00:19:00.500Z\", \"rows\": 7}, "
              "\"status\": \"left out\", \"reason\": \"flat prices\"}\n"
              "{\"windows\": 5, \"images\": 2, \"left out\": {\"flat prices\": 2, \"no label\": 1}, \"failed\": 1, "
              "\"data\": \"0000000000000abc\"}\n");
  open_manifest(&manifest, &images, (dataset_horizons){NULL, 0});
  assert_int_equal(dataset_manifest_close(&manifest, 0, CLI_IO), CLI_IO);
  assert_false(is_there("set.manifest.jsonl"));
}

/* As many lines as need several writes come whole. */
static void test_long_manifest(void **state) {
  (void)state;
  tlw_image_options images;
  tlw_image_options_init(&images);
  dataset_manifest *manifest;
  open_manifest(&manifest, &images, (dataset_horizons){NULL, 0});
  for (int64_t i = 0; i < 2000; i++) {
    const dataset_window window = window_of(i, i, NULL);
    assert_int_equal(dataset_manifest_add(manifest, &window, 1), CLI_OK);
  }
  assert_int_equal(dataset_manifest_close(&manifest, 0, CLI_OK), CLI_OK);
  size_t size;
  char *text = read_file("set.manifest.jsonl", &size), *line = text, expected[512];
  for (int i = -1; i < 2001; i++) {
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = 0;
    snprintf(expected, sizeof expected,
             "{\"ordinal\": %d, \"image\": %d, \"source\": \"a.csv\", \"symbol\": null, \"row\": 19, " RANGE
             ", \"status\": \"ok\"}",
             i, i);
    if (i >= 0 && i < 2000) assert_string_equal(line, expected);
    line = end + 1;
  }
  assert_true(line == text + size);
  free(text);
  remove_file("set.manifest.jsonl");
}

/* ---- members ---- */

static unsigned octal_of(const char *field, int digits) {
  unsigned value = 0;
  for (int i = 0; i < digits; i++) {
    assert_true(field[i] >= '0' && field[i] <= '7');
    value = 8 * value + (unsigned)(field[i] - '0');
  }
  return value;
}

/* A member at *at of an archive: its header is checked, *at moves behind it. Its bytes. */
static const char *take_member(const char **at, const char *name, size_t *size) {
  const char *header = *at;
  assert_string_equal(header, name);
  assert_string_equal(header + 100, "0000644");
  assert_string_equal(header + 108, "0000000");
  assert_string_equal(header + 116, "0000000");
  assert_string_equal(header + 136, "00000000000");
  assert_int_equal(header[156], '0');
  assert_memory_equal(header + 257, "ustar\00000", 8);
  *size = octal_of(header + 124, 11);
  unsigned sum = 0;
  for (int i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
  assert_int_equal(octal_of(header + 148, 6), sum);
  const char *bytes = header + BLOCK;
  *at = bytes + (*size + BLOCK - 1) / BLOCK * BLOCK;
  for (const char *c = bytes + *size; c < *at; c++) assert_int_equal(*c, 0);
  return bytes;
}

static void expect_member(const char **at, const char *name, const char *expected) {
  size_t size;
  const char *bytes = take_member(at, name, &size);
  assert_int_equal(size, strlen(expected));
  assert_memory_equal(bytes, expected, size);
}

/* The PNG of pixels with the palette that colours have: by the plain encoder. */
static void expect_png(const char **at, const char *name, int32_t width, int32_t height, const uint8_t *indices,
                       const uint8_t *rgb, int32_t n_colors) {
  const tlw_png_image image = {indices, (size_t)width, width, height, rgb, n_colors};
  size_t size, expected_size;
  uint8_t *expected = png_reference(&image, &expected_size);
  const char *bytes = take_member(at, name, &size);
  assert_int_equal(size, expected_size);
  assert_memory_equal(bytes, expected, size);
  free(expected);
}

/* The members of an image, in an empty buffer. */
static const char *make_members(const tlw_image_options *images, int writes_npy, dataset_horizons horizons,
                                const dataset_window *window, const void *pixels, cli_buffer *out) {
  dataset_members *members = dataset_members_open(images, writes_npy, horizons);
  assert_non_null(members);
  assert_int_equal(dataset_members_add(members, window, pixels, out), CLI_OK);
  dataset_members_close(members);
  return out->bytes;
}

static void test_two_tones(void **state) {
  (void)state;
  static const uint8_t rgb[] = {0, 0, 0, 255, 255, 255};
  const int64_t bars[] = {5};
  tlw_image_options images;
  tlw_image_options_init(&images);
  images.window = 5;
  uint8_t pixels[32 * 15], indices[32 * 15];
  for (int all = 0; all < 2; all++) { /* also where one tone is all that there is */
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (indices[i] = all ? 0 : next_random() & 1) ? 255 : 0;
    for (int sign = 0; sign < 4; sign++) {
      const double label = sign == 0 ? 0.5 : sign == 1 ? 0 : sign == 2 ? -0.5 : (double)NAN;
      static const char *const shown[] = {"0.5", "0", "-0.5", "null"};
      dataset_window window = window_of(7, 123, &label);
      cli_buffer out = {0};
      const char *at = make_members(&images, 0, (dataset_horizons){bars, 1}, &window, pixels, &out);
      expect_png(&at, "000000000123.png", 15, 32, indices, rgb, 2);
      char json[256];
      snprintf(json, sizeof json,
               "{\"source\": \"a.csv\", \"symbol\": null, \"row\": 19, \"first\": \"1970-01-01T00:00:00Z\", \"last\": "
               "\"1970-01-01T00:19:00.500Z\", \"labels\": {\"5\": %s}}",
               shown[sign]);
      expect_member(&at, "000000000123.json", json);
      if (sign < 3) expect_member(&at, "000000000123.cls", sign == 0 ? "1" : "0");
      assert_true(at == out.bytes + out.length);
      cli_buffer_free(&out);
    }
  }
}

#define SIDE 20

static tlw_image_options chart_images(tlw_chart_options *chart, tlw_image_color color, tlw_image_order order) {
  tlw_image_options images;
  tlw_image_options_init(&images);
  tlw_chart_options_init(chart);
  chart->width = chart->height = SIDE;
  images.style = TLW_IMAGES_CHART;
  images.chart = chart;
  images.color = color;
  images.order = order;
  return images;
}

/* Grey levels, dark to light; nothing of an image stays for the next. */
static void test_luma(void **state) {
  (void)state;
  tlw_chart_options chart;
  const tlw_image_options images = chart_images(&chart, TLW_IMAGE_LUMA, TLW_ORDER_NCHW);
  static const uint8_t levels[] = {3, 90, 91, 254, 255};
  uint8_t pixels[SIDE * SIDE], indices[SIDE * SIDE], rgb[15];
  for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = levels[i / 3];
  dataset_window window = window_of(0, INT64_C(1234567890123), NULL);
  window.symbol = "\xc3\xa9\"";
  window.has_times = 0;
  dataset_members *members = dataset_members_open(&images, 0, (dataset_horizons){NULL, 0});
  assert_non_null(members);
  cli_buffer out = {0};
  for (unsigned n = 5; n > 0; n -= 2) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = levels[indices[i] = (uint8_t)(next_random() % n)];
    cli_buffer_clear(&out);
    assert_int_equal(dataset_members_add(members, &window, pixels, &out), CLI_OK);
    const char *at = out.bytes;
    expect_png(&at, "1234567890123.png", SIDE, SIDE, indices, rgb, (int32_t)n);
    expect_member(&at, "1234567890123.json",
                  "{\"source\": \"a.csv\", \"symbol\": \"\xc3\xa9\\\"\", \"row\": 19, \"first\": null, "
                  "\"last\": null}");
    assert_true(at == out.bytes + out.length);
    if (n == 1) break;
  }
  dataset_members_close(members);
  cli_buffer_free(&out);
}

/* Colours in the order in which they occur, in either layout; 256 fit, 257 do not. */
static void test_rgb(void **state) {
  (void)state;
  static const int counts[] = {1, 2, 17, 256, 257};
  for (int nhwc = 0; nhwc < 2; nhwc++)
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
      tlw_chart_options chart;
      const tlw_image_options images = chart_images(&chart, TLW_IMAGE_RGB, nhwc ? TLW_ORDER_NHWC : TLW_ORDER_NCHW);
      uint8_t rgb[3 * 257], pixels[3 * SIDE * SIDE], indices[SIDE * SIDE];
      for (int c = 0; c < counts[k]; c++) {
        rgb[3 * c] = (uint8_t)c;
        rgb[3 * c + 1] = (uint8_t)(c / 256 + 1);
        rgb[3 * c + 2] = (uint8_t)next_random();
      }
      for (size_t i = 0; i < SIDE * SIDE; i++) {
        const size_t fresh = i < (size_t)counts[k] ? i : next_random() % (size_t)counts[k];
        indices[i] = (uint8_t)fresh;
        for (size_t channel = 0; channel < 3; channel++)
          pixels[nhwc ? 3 * i + channel : channel * SIDE * SIDE + i] = rgb[3 * fresh + channel];
      }
      const dataset_window window = window_of(0, 0, NULL);
      cli_buffer out = {0};
      dataset_members *members = dataset_members_open(&images, 0, (dataset_horizons){NULL, 0});
      assert_non_null(members);
      for (int again = 0; again < 2; again++) { /* nothing of an image stays for the next */
        cli_buffer_clear(&out);
        const cli_exit code = dataset_members_add(members, &window, pixels, &out);
        assert_int_equal(code, counts[k] > 256 ? CLI_DATA : CLI_OK);
        if (code) continue;
        const char *at = out.bytes;
        expect_png(&at, "000000000000.png", SIDE, SIDE, indices, rgb, counts[k]);
      }
      dataset_members_close(members);
      cli_buffer_free(&out);
    }
}

static void test_arrays(void **state) {
  (void)state;
  for (int nhwc = 0; nhwc < 2; nhwc++)
    for (int rgb = 0; rgb < 2; rgb++)
      for (int wide = 0; wide < 2; wide++) {
        tlw_chart_options chart;
        tlw_image_options images =
            chart_images(&chart, rgb ? TLW_IMAGE_RGB : TLW_IMAGE_LUMA, nhwc ? TLW_ORDER_NHWC : TLW_ORDER_NCHW);
        images.type = wide ? TLW_IMAGE_F32 : TLW_IMAGE_U8;
        chart.height = SIDE + 3;
        tlw_image_shape shape;
        assert_int_equal(tlw_image_shape_of(&images, &shape, NULL), TLW_OK);
        uint8_t *pixels = malloc(shape.size);
        for (size_t i = 0; i < shape.size; i++) pixels[i] = (uint8_t)next_random();
        const int64_t channels = rgb ? 3 : 1, nchw_sides[] = {channels, SIDE + 3, SIDE};
        const int64_t nhwc_sides[] = {SIDE + 3, SIDE, channels};
        char header[TLW_NPY_HEADER_SIZE];
        assert_int_equal(
            tlw_npy_array_header(header, wide ? TLW_NPY_F32 : TLW_NPY_U8, nhwc ? nhwc_sides : nchw_sides, 3, NULL),
            TLW_OK);
        const dataset_window window = window_of(0, 5, NULL);
        cli_buffer out = {0};
        const char *at = make_members(&images, 1, (dataset_horizons){NULL, 0}, &window, pixels, &out);
        size_t size;
        const char *bytes = take_member(&at, "000000000005.npy", &size);
        assert_int_equal(size, sizeof header + shape.size);
        assert_memory_equal(bytes, header, sizeof header);
        assert_memory_equal(bytes + sizeof header, pixels, shape.size);
        take_member(&at, "000000000005.json", &size);
        assert_true(at == out.bytes + out.length);
        cli_buffer_free(&out);
        free(pixels);
      }
}

/* ---- shards ---- */

#define IMAGES 1500

/* A shard of all images, added so many at a time at most. */
static char *make_shard(const tlw_image_options *images, const dataset_window *windows, const uint8_t *pixels,
                        size_t image_size, int threads, int64_t most, size_t *size) {
  dataset_tar *tar;
  const dataset_tar_options options = {.output = path_of("set.tar"), .images = images, .threads = threads};
  assert_int_equal(dataset_tar_open(&tar, &options), CLI_OK);
  assert_int_equal(dataset_tar_begin(tar, 42), CLI_OK);
  for (int64_t first = 0; first < IMAGES;) {
    int64_t n = 1 + (int64_t)(next_random() % (uint64_t)most);
    if (n > IMAGES - first) n = IMAGES - first;
    assert_int_equal(dataset_tar_add(tar, windows + first, n, pixels + (size_t)first * image_size), CLI_OK);
    first += n;
  }
  assert_false(is_there("set-000042.tar"));
  assert_int_equal(dataset_tar_end(tar, CLI_OK), CLI_OK);
  dataset_tar_close(&tar);
  assert_null(tar);
  char *bytes = read_file("set-000042.tar", size);
  assert_non_null(bytes);
  remove_file("set-000042.tar");
  return bytes;
}

/* The bytes do not depend on threads and on how images come. */
static void test_shards(void **state) {
  (void)state;
  tlw_image_options images;
  tlw_image_options_init(&images);
  const size_t image_size = 64 * 60;
  uint8_t *pixels = malloc(IMAGES * image_size);
  dataset_window *windows = malloc(IMAGES * sizeof *windows);
  for (size_t i = 0; i < IMAGES * image_size; i++) pixels[i] = next_random() % 8 ? 0 : 255;
  for (int64_t i = 0; i < IMAGES; i++) {
    windows[i] = window_of(i, i, NULL);
    windows[i].symbol = i < 100 ? NULL : i < 200 ? "A" : "B";
  }
  cli_buffer expected = {0};
  dataset_members *members = dataset_members_open(&images, 0, (dataset_horizons){NULL, 0});
  for (int64_t i = 0; i < IMAGES; i++)
    dataset_members_add(members, &windows[i], pixels + (size_t)i * image_size, &expected);
  dataset_members_close(members);
  static const char zeros[2 * BLOCK];
  cli_buffer_add(&expected, zeros, sizeof zeros);
  static const int64_t most[] = {1 << 20, 400, 3};
  for (int threads = 1; threads < 5; threads++)
    for (int k = 0; k < 3; k++) {
      size_t size;
      char *bytes = make_shard(&images, windows, pixels, image_size, threads, most[k], &size);
      assert_int_equal(size, expected.length);
      assert_memory_equal(bytes, expected.bytes, size);
      free(bytes);
    }
  cli_buffer_free(&expected);
  free(windows);
  free(pixels);
}

/* A shard that fails, or is not ended, leaves no file; the next one is as if it had not been. */
static void test_failed_shard(void **state) {
  (void)state;
  tlw_chart_options chart;
  const tlw_image_options images = chart_images(&chart, TLW_IMAGE_RGB, TLW_ORDER_NCHW);
  const size_t image_size = 3 * SIDE * SIDE;
  uint8_t *pixels = calloc(IMAGES, image_size);
  dataset_window *windows = malloc(IMAGES * sizeof *windows);
  for (int64_t i = 0; i < IMAGES; i++) windows[i] = window_of(i, i, NULL);
  for (size_t i = 0; i < image_size; i++) pixels[200 * image_size + i] = (uint8_t)next_random();
  for (int threads = 1; threads < 4; threads += 2) {
    dataset_tar *tar;
    const dataset_tar_options options = {.output = path_of("set.tar"), .images = &images, .threads = threads};
    assert_int_equal(dataset_tar_open(&tar, &options), CLI_OK);
    assert_int_equal(dataset_tar_begin(tar, 0), CLI_OK);
    assert_int_equal(dataset_tar_add(tar, windows, 100, pixels), CLI_OK);
    assert_int_equal(dataset_tar_add(tar, windows, IMAGES, pixels), CLI_DATA);
    assert_int_equal(dataset_tar_end(tar, CLI_OK), CLI_DATA);
    assert_int_equal(dataset_tar_begin(tar, 1), CLI_OK);
    assert_int_equal(dataset_tar_add(tar, windows, 100, pixels), CLI_OK);
    assert_int_equal(dataset_tar_end(tar, CLI_OK), CLI_OK);
    assert_int_equal(dataset_tar_begin(tar, 2), CLI_OK);
    dataset_tar_close(&tar);
    assert_false(is_there("set-000000.tar") || is_there("set-000002.tar"));
    remove_file("set-000001.tar");
  }
  dataset_tar *tar;
  const dataset_tar_options options = {.output = "/nowhere/set.tar", .images = &images, .threads = 1};
  assert_int_equal(dataset_tar_open(&tar, &options), CLI_OK);
  assert_int_equal(dataset_tar_begin(tar, 0), CLI_CANT_CREATE);
  assert_int_equal(dataset_tar_end(tar, CLI_CANT_CREATE), CLI_CANT_CREATE);
  dataset_tar_close(&tar);
  free(windows);
  free(pixels);
}

static void test_names(void **state) {
  (void)state;
  static const char *const names[][2] = {{"set.tar", "set-000007.tar"},     {"a.b/set.TAR", "a.b/set-000007.tar"},
                                         {"a.b/set", "a.b/set-000007.tar"}, {"x.npy.tar", "x.npy-000007.tar"},
                                         {".tar", ".tar-000007.tar"},       {"set.csv", "set.csv-000007.tar"}};
  cli_buffer name = {0};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    dataset_tar_name(&name, names[i][0], 7);
    assert_string_equal(name.bytes, names[i][1]);
  }
  dataset_tar_name(&name, "s.tar", 12345678);
  assert_string_equal(name.bytes, "s-12345678.tar");
  cli_buffer_free(&name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_labels),        cmocka_unit_test(test_labels_file), cmocka_unit_test(test_manifest),
      cmocka_unit_test(test_long_manifest), cmocka_unit_test(test_two_tones),   cmocka_unit_test(test_luma),
      cmocka_unit_test(test_rgb),           cmocka_unit_test(test_arrays),      cmocka_unit_test(test_shards),
      cmocka_unit_test(test_failed_shard),  cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
