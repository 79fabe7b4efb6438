/* The PNG writer: what libpng reads back, the bound, files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <png.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "tallow/png.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define GUARD 0xa5
#define GUARD_SIZE 64

static tlw_png_options options; /* of the coding at hand: all tests run with each */

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

typedef struct picture {
  tlw_png_image image;
  uint8_t *pixels;
  uint8_t rgb[3 * 256];
} picture;

/* Noise (run 1) or runs of one colour, in rows with a gap of bytes that are no indices. */
static void make_picture(picture *p, int32_t width, int32_t height, int32_t n_colors, size_t gap, size_t run) {
  const size_t stride = (size_t)width + gap;
  p->pixels = malloc(stride * (size_t)height);
  assert_non_null(p->pixels);
  memset(p->pixels, 0xff, stride * (size_t)height);
  uint8_t color = 0;
  for (int32_t y = 0; y < height; y++)
    for (int32_t x = 0; x < width; x++) {
      if (random_below(run) == 0) color = (uint8_t)random_below((size_t)n_colors);
      p->pixels[(size_t)y * stride + (size_t)x] = color;
    }
  for (size_t i = 0; i < sizeof p->rgb; i++) p->rgb[i] = (uint8_t)random_u64();
  p->image = (tlw_png_image){p->pixels, stride, width, height, p->rgb, n_colors};
}

typedef struct source {
  const uint8_t *bytes;
  size_t left;
} source;

static void take_bytes(png_structp png, png_bytep out, size_t size) {
  source *s = png_get_io_ptr(png);
  if (size > s->left) png_error(png, "the file ends early");
  memcpy(out, s->bytes, size);
  s->bytes += size;
  s->left -= size;
}

static void fail_read(png_structp png, png_const_charp message) {
  (void)png;
  fail_msg("libpng reads: %s", message);
}

static int expected_depth(int32_t n_colors) { return n_colors <= 2 ? 1 : n_colors <= 4 ? 2 : n_colors <= 16 ? 4 : 8; }

/* libpng finds the image in the bytes, without a warning and with none left. */
static void check_png(const tlw_png_image *image, const uint8_t *bytes, size_t size) {
  source s = {bytes, size};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, fail_read, fail_read);
  png_infop info = png_create_info_struct(png);
  png_set_read_fn(png, &s, take_bytes);
  png_read_info(png, info);
  assert_int_equal(png_get_image_width(png, info), image->width);
  assert_int_equal(png_get_image_height(png, info), image->height);
  assert_int_equal(png_get_color_type(png, info), PNG_COLOR_TYPE_PALETTE);
  assert_int_equal(png_get_bit_depth(png, info), expected_depth(image->n_colors));
  assert_int_equal(png_get_interlace_type(png, info), PNG_INTERLACE_NONE);
  png_colorp palette = NULL;
  int n_colors = 0;
  assert_int_equal(png_get_PLTE(png, info, &palette, &n_colors), PNG_INFO_PLTE);
  assert_int_equal(n_colors, image->n_colors);
  for (int i = 0; i < n_colors; i++) {
    assert_int_equal(palette[i].red, image->rgb[3 * i]);
    assert_int_equal(palette[i].green, image->rgb[3 * i + 1]);
    assert_int_equal(palette[i].blue, image->rgb[3 * i + 2]);
  }
  png_set_packing(png);
  uint8_t *row = malloc((size_t)image->width);
  assert_non_null(row);
  for (int32_t y = 0; y < image->height; y++) {
    png_read_row(png, row, NULL);
    if (memcmp(row, image->pixels + (size_t)y * image->row_stride, (size_t)image->width) != 0)
      fail_msg("row %d of %d x %d with %d colours differs", y, image->width, image->height, image->n_colors);
  }
  free(row);
  png_read_end(png, info);
  png_destroy_read_struct(&png, &info, NULL);
  assert_int_equal(s.left, 0);
}

/* Encodes with exactly the bound, guarded; the caller frees. */
static uint8_t *encode(const tlw_png_image *image, size_t *size) {
  const size_t bound = tlw_png_bound(image->width, image->height);
  uint8_t *out = malloc(bound + GUARD_SIZE);
  assert_non_null(out);
  memset(out + bound, GUARD, GUARD_SIZE);
  tlw_error error = {0};
  if (tlw_png_encode(image, &options, out, bound, size, &error) != TLW_OK) fail_msg("%s", error.message);
  assert_in_range(*size, 1, bound);
  for (size_t i = 0; i < GUARD_SIZE; i++) assert_int_equal(out[bound + i], GUARD);
  return out;
}

static void round_trip(int32_t width, int32_t height, int32_t n_colors, size_t gap, size_t run) {
  picture p;
  make_picture(&p, width, height, n_colors, gap, run);
  size_t size = 0;
  uint8_t *bytes = encode(&p.image, &size);
  check_png(&p.image, bytes, size);
  free(bytes);
  free(p.pixels);
}

/* --- Encoding --------------------------------------------------------------------------------------------------- */

static void test_every_palette(void **state) {
  (void)state;
  for (int32_t n_colors = 1; n_colors <= 256; n_colors++) {
    round_trip(37, 11, n_colors, 0, 1);
    round_trip(64, 5, n_colors, 13, 20);
  }
}

static void test_every_small_size(void **state) {
  (void)state;
  static const int32_t colors[] = {1, 2, 3, 5, 17, 256};
  for (int32_t width = 1; width <= 18; width++)
    for (int32_t height = 1; height <= 6; height++)
      for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        round_trip(width, height, colors[i], random_below(3), 1 + random_below(8));
}

/* Noise is the worst that deflate can meet; sizes around those where zlib's window and libpng's chunks change. */
static void test_bound(void **state) {
  (void)state;
  static const int32_t sizes[][2] = {{1, 1},      {1, 2},      {100, 1},   {1, 100},   {1, 16384},
                                     {16384, 1},  {3, 16384},  {16384, 3}, {255, 1},   {15, 16},
                                     {127, 4},    {180, 180},  {1023, 16}, {1000, 33}, {32767 / 7, 7},
                                     {16384, 40}, {40, 16384}, {500, 700}, {1024, 768}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    round_trip(sizes[i][0], sizes[i][1], 256, 0, 1);
    round_trip(sizes[i][0], sizes[i][1], 16, 1, 1);
  }
  for (int i = 0; i < 40; i++)
    round_trip(1 + (int32_t)random_below(300), 1 + (int32_t)random_below(300), 200 + (int32_t)random_below(57), 0,
               1 + random_below(3));
  assert_true(tlw_png_bound(16384, 16384) > (size_t)16384 * 16385);
  assert_true(tlw_png_bound(16384, 16384) < (size_t)400000000);
  assert_int_equal(tlw_png_bound(0, 1), 0);
  assert_int_equal(tlw_png_bound(1, 0), 0);
  assert_int_equal(tlw_png_bound(-1, 1), 0);
  assert_int_equal(tlw_png_bound(16385, 1), 0);
  assert_int_equal(tlw_png_bound(1, INT32_MAX), 0);
  assert_int_equal(tlw_png_bound(INT32_MIN, INT32_MIN), 0);
}

static void test_same_bytes_again(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 300, 200, 6, 4, 30);
  size_t size = 0, again = 0;
  uint8_t *first = encode(&p.image, &size);
  uint8_t *second = encode(&p.image, &again);
  assert_int_equal(size, again);
  assert_memory_equal(first, second, size);
  free(first);
  free(second);
  free(p.pixels);
}

/* Every row's filter is Up: a picture whose rows are all alike is next to nothing. */
static void test_filter_up(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 2000, 1, 256, 0, 1);
  uint8_t *rows = malloc(2000 * 1000);
  assert_non_null(rows);
  for (size_t y = 0; y < 1000; y++) memcpy(rows + y * 2000, p.pixels, 2000);
  const tlw_png_image image = {rows, 2000, 2000, 1000, p.rgb, 256};
  size_t size = 0;
  uint8_t *bytes = encode(&image, &size);
  check_png(&image, bytes, size);
  assert_in_range(size, 2000, options.coding == TLW_PNG_FAST ? 12000 : 8000);
  free(bytes);
  free(rows);
  free(p.pixels);
}

/* Any capacity below the size is refused, and no byte beyond it is touched. */
static void test_capacity(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 50, 20, 256, 0, 1);
  size_t size = 0;
  uint8_t *whole = encode(&p.image, &size);
  uint8_t *out = malloc(size + GUARD_SIZE);
  assert_non_null(out);
  for (size_t capacity = 0; capacity <= size; capacity++) {
    memset(out, GUARD, size + GUARD_SIZE);
    size_t used = 4711;
    tlw_error error = {0};
    const tlw_status status = tlw_png_encode(&p.image, &options, out, capacity, &used, &error);
    for (size_t i = capacity; i < size + GUARD_SIZE; i++) assert_int_equal(out[i], GUARD);
    if (capacity == size) {
      assert_int_equal(status, TLW_OK);
      assert_int_equal(used, size);
      assert_memory_equal(out, whole, size);
    } else {
      assert_int_equal(status, TLW_ERR_BUDGET);
      assert_int_equal(error.code, TLW_ERR_BUDGET);
      assert_int_equal(error.bytes, tlw_png_bound(50, 20));
      assert_int_equal(used, 4711);
    }
  }
  assert_int_equal(tlw_png_encode(&p.image, &options, out, 1, &size, NULL), TLW_ERR_BUDGET);
  free(out);
  free(whole);
  free(p.pixels);
}

/* --- Arguments -------------------------------------------------------------------------------------------------- */

static void refuse(const tlw_png_image *image, const char *part) {
  uint8_t out[4096];
  size_t size = 0;
  tlw_error error = {0};
  assert_int_equal(tlw_png_encode(image, &options, out, sizeof out, &size, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(error.code, TLW_ERR_ARGUMENT);
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
  assert_int_equal(tlw_png_encode(image, &options, out, sizeof out, &size, NULL), TLW_ERR_ARGUMENT);
  error = (tlw_error){0};
  assert_int_equal(tlw_png_write(image, &options, path_of("refused.png"), &error), TLW_ERR_ARGUMENT);
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
  assert_int_equal(access(path_of("refused.png"), F_OK), -1);
}

static int count_files(void) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
  closedir(dir);
  return n;
}

static void test_arguments(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 20, 10, 5, 0, 1);
  refuse(NULL, "NULL");
#define REFUSE(member, value, part)                                                                                    \
  do {                                                                                                                 \
    tlw_png_image image = p.image;                                                                                     \
    image.member = value;                                                                                              \
    refuse(&image, part);                                                                                              \
  } while (0)
  REFUSE(pixels, NULL, "NULL");
  REFUSE(rgb, NULL, "NULL");
  REFUSE(width, 0, "0 x 10: a side must be 1 to 16384");
  REFUSE(width, -5, "-5 x 10");
  REFUSE(width, 16385, "16385 x 10");
  REFUSE(height, 0, "20 x 0");
  REFUSE(height, INT32_MIN, "a side");
  REFUSE(height, INT32_MAX, "a side");
  REFUSE(row_stride, 19, "row_stride is 19");
  REFUSE(row_stride, 0, "row_stride is 0");
  REFUSE(n_colors, 0, "n_colors is 0");
  REFUSE(n_colors, 257, "n_colors is 257");
  REFUSE(n_colors, -1, "n_colors is -1");
#undef REFUSE
  uint8_t out[4096];
  size_t size = 0;
  assert_int_equal(tlw_png_encode(&p.image, &options, NULL, 4096, &size, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_png_encode(&p.image, &options, out, 4096, NULL, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_png_write(&p.image, &options, NULL, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_png_write(&p.image, &options, "", NULL), TLW_ERR_ARGUMENT);
  tlw_png_options wrong = options;
  wrong.coding = (tlw_png_coding)3;
  tlw_error error = {0};
  assert_int_equal(tlw_png_encode(&p.image, &wrong, out, 4096, &size, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "coding is 3: it must be TLW_PNG_FAST"));
  assert_int_equal(tlw_png_write(&p.image, &wrong, path_of("refused.png"), &error), TLW_ERR_ARGUMENT);
  wrong = (tlw_png_options){0};
  assert_int_equal(tlw_png_encode(&p.image, &wrong, out, 4096, &size, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "call tlw_png_options_init first"));
  assert_int_equal(tlw_png_write(&p.image, &wrong, path_of("refused.png"), &error), TLW_ERR_ARGUMENT);
  assert_int_equal(count_files(), 0);
  free(p.pixels);
}

/* A pixel that is no colour, wherever it is, is named; the bytes between rows are never looked at. */
static void test_bad_pixels(void **state) {
  (void)state;
  for (int i = 0; i < 300; i++) {
    const int32_t width = 1 + (int32_t)random_below(40), height = 1 + (int32_t)random_below(10);
    const int32_t n_colors = 1 + (int32_t)random_below(255);
    picture p;
    make_picture(&p, width, height, n_colors, 3, 1);
    const size_t x = random_below((size_t)width), y = random_below((size_t)height);
    const int value = i % 2 ? n_colors : 255;
    p.pixels[y * p.image.row_stride + x] = (uint8_t)value;
    char part[160];
    snprintf(part, sizeof part, "the pixel at column %zu, row %zu is %d: it must be less than n_colors, %d", x, y,
             value, n_colors);
    refuse(&p.image, part);
    free(p.pixels);
  }
  assert_int_equal(count_files(), 0);
}

/* --- Files ------------------------------------------------------------------------------------------------------ */

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  uint8_t *bytes = malloc(4 << 20);
  assert_non_null(bytes);
  *size = fread(bytes, 1, 4 << 20, file);
  fclose(file);
  return bytes;
}

static void check_file(const tlw_png_image *image, const char *path) {
  size_t size = 0, encoded_size = 0;
  uint8_t *bytes = read_file(path, &size);
  uint8_t *encoded = encode(image, &encoded_size);
  assert_int_equal(size, encoded_size);
  assert_memory_equal(bytes, encoded, size);
  check_png(image, bytes, size);
  free(encoded);
  free(bytes);
}

/* No options are the defaults, which are Tallow's own coding. */
static void test_defaults(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 90, 40, 5, 3, 9);
  size_t size = 0, plain_size = 0;
  const tlw_png_options before = options;
  memset(&options, 0xa5, sizeof options);
  tlw_png_options_init(&options);
  assert_int_equal(options.coding, TLW_PNG_FAST);
  uint8_t *bytes = encode(&p.image, &size), *plain = malloc(tlw_png_bound(90, 40));
  assert_non_null(plain);
  assert_int_equal(tlw_png_encode(&p.image, NULL, plain, tlw_png_bound(90, 40), &plain_size, NULL), TLW_OK);
  assert_int_equal(plain_size, size);
  assert_memory_equal(plain, bytes, size);
  assert_int_equal(tlw_png_write(&p.image, NULL, path_of("a.png"), NULL), TLW_OK);
  check_file(&p.image, path_of("a.png"));
  unlink(path_of("a.png"));
  options = before;
  free(plain);
  free(bytes);
  free(p.pixels);
}

static void check_failure(const tlw_png_image *image, const char *path, int native, const char *part) {
  const int before = count_files();
  tlw_error error = {0};
  assert_int_equal(tlw_png_write(image, &options, path, &error), TLW_ERR_IO);
  assert_int_equal(error.code, TLW_ERR_IO);
  assert_int_equal(error.native, native);
  if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
  assert_int_equal(tlw_png_write(image, &options, path, NULL), TLW_ERR_IO);
  assert_int_equal(count_files(), before);
}

static void test_write(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 600, 500, 200, 0, 1); /* more than any buffer in between */
  const mode_t mask = umask(027);
  for (int i = 0; i < 3; i++) { /* a new file, then in place of an older one */
    tlw_error error = {0};
    if (tlw_png_write(&p.image, &options, path_of("a.png"), &error) != TLW_OK) fail_msg("%s", error.message);
    check_file(&p.image, path_of("a.png"));
    assert_int_equal(count_files(), 1);
    struct stat about;
    assert_int_equal(stat(path_of("a.png"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    p.pixels[i] ^= 1;
  }
  umask(mask);
  unlink(path_of("a.png"));
  free(p.pixels);
}

static void test_write_failures(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 30, 20, 4, 0, 1);
  check_failure(&p.image, path_of("missing/a.png"), ENOENT, "missing/a.png: can't write: No such file or directory");
  check_failure(&p.image, path_of("missing/"), ENOENT, "No such file");
  check_failure(&p.image, folder, EISDIR, "folder");
  assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
  check_failure(&p.image, path_of("pipe"), EEXIST, "pipe");
  struct stat about;
  assert_true(stat(path_of("pipe"), &about) == 0 && S_ISFIFO(about.st_mode));
  unlink(path_of("pipe"));
  check_failure(&p.image, "/dev/null", EEXIST, "/dev/null: is a device");
  assert_true(stat("/dev/null", &about) == 0 && S_ISCHR(about.st_mode));
  char name[6000];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  check_failure(&p.image, name, ENAMETOOLONG, "xxx: can't write: File name too long");

  assert_int_equal(tlw_png_write(&p.image, &options, path_of("b.png"), NULL), TLW_OK);
  check_failure(&p.image, path_of("b.png/a.png"), ENOTDIR, "Not a directory");
  check_file(&p.image, path_of("b.png"));
  unlink(path_of("b.png"));
  free(p.pixels);
}

static int wait_for(pid_t child) {
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void test_read_only_folder(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 30, 20, 4, 0, 1);
  const char *path = path_of("a.png");
  assert_int_equal(chmod(folder, 0555), 0);
  const pid_t child = fork(); /* root may write everywhere, another user may not */
  assert_true(child >= 0);
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    tlw_error error = {0};
    const tlw_status status = tlw_png_write(&p.image, &options, path, &error);
    _exit(status == TLW_ERR_IO && error.native == EACCES && strstr(error.message, "ermission") ? 0 : 1);
  }
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(chmod(folder, 0700), 0);
  assert_int_equal(count_files(), 0);
  free(p.pixels);
}

/* The disk is full after any number of bytes: the older file is whole, and nothing else is left. */
static void test_full_disk(void **state) {
  (void)state;
  picture old, new;
  make_picture(&old, 30, 20, 4, 0, 1);
  make_picture(&new, 300, 300, 256, 0, 1);
  const char *path = path_of("a.png");
  assert_int_equal(tlw_png_write(&old.image, &options, path, NULL), TLW_OK);
  size_t size = 0;
  free(encode(&new.image, &size));
  for (size_t limit = 0; limit <= size + 2000; limit += 1 + random_below(4000)) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      signal(SIGXFSZ, SIG_IGN);
      if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit}) != 0) _exit(2);
      tlw_error error = {0};
      const tlw_status status = tlw_png_write(&new.image, &options, path, &error);
      if (status == TLW_OK) _exit(0);
      _exit(status == TLW_ERR_IO && error.native == EFBIG && strstr(error.message, "free space") ? 1 : 3);
    }
    assert_int_equal(wait_for(child), limit < size ? 1 : 0);
    assert_int_equal(count_files(), 1);
    check_file(limit < size ? &old.image : &new.image, path);
    assert_int_equal(tlw_png_write(&old.image, &options, path, NULL), TLW_OK);
  }
  unlink(path);
  free(old.pixels);
  free(new.pixels);
}

/* Temporary names that are taken are passed over and left alone. */
static void test_taken_names(void **state) {
  (void)state;
  picture p;
  make_picture(&p, 30, 20, 4, 0, 1);
  static const int counts[] = {50, 5000};
  for (int i = 0; i < 2; i++) {
    const pid_t child = fork(); /* a process of its own, so that its names are known */
    assert_true(child >= 0);
    if (child == 0) {
      char name[300];
      for (int k = 0; k < counts[i]; k++) {
        snprintf(name, sizeof name, "%s.tmp%ld-%d", path_of("a.png"), (long)getpid(), k);
        FILE *file = fopen(name, "wb");
        if (!file || fputs("mine", file) < 0 || fclose(file) != 0) _exit(2);
      }
      tlw_error error = {0};
      const tlw_status status = tlw_png_write(&p.image, &options, path_of("a.png"), &error);
      bool kept = true;
      for (int k = 0; k < counts[i]; k++) {
        snprintf(name, sizeof name, "%s.tmp%ld-%d", path_of("a.png"), (long)getpid(), k);
        struct stat about;
        kept = kept && stat(name, &about) == 0 && about.st_size == 4;
        unlink(name);
      }
      if (!kept) _exit(3);
      _exit(status == TLW_OK ? 0 : status == TLW_ERR_IO && error.native == EEXIST ? 1 : 4);
    }
    assert_int_equal(wait_for(child), i);
  }
  assert_int_equal(count_files(), 1);
  check_file(&p.image, path_of("a.png"));
  unlink(path_of("a.png"));
  free(p.pixels);
}

typedef struct job {
  picture picture;
  const char *path;
  tlw_status status;
} job;

static void *write_often(void *argument) {
  job *j = argument;
  for (int i = 0; i < 30 && j->status == TLW_OK; i++)
    j->status = tlw_png_write(&j->picture.image, &options, j->path, NULL);
  return NULL;
}

/* Threads that write to one name leave the whole file of one of them. */
static void test_threads(void **state) {
  (void)state;
  enum { N = 6 };
  job jobs[N];
  pthread_t threads[N];
  const char *path = path_of("shared.png");
  for (int i = 0; i < N; i++) {
    make_picture(&jobs[i].picture, 100, 80, 7, 0, 1);
    jobs[i].path = path;
    jobs[i].status = TLW_OK;
    assert_int_equal(pthread_create(&threads[i], NULL, write_often, &jobs[i]), 0);
  }
  for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
  assert_int_equal(count_files(), 1);
  size_t size = 0;
  uint8_t *bytes = read_file(path, &size);
  int matches = 0;
  for (int i = 0; i < N; i++) {
    assert_int_equal(jobs[i].status, TLW_OK);
    size_t encoded_size = 0;
    uint8_t *encoded = encode(&jobs[i].picture.image, &encoded_size);
    matches += encoded_size == size && memcmp(encoded, bytes, size) == 0;
    free(encoded);
    free(jobs[i].picture.pixels);
  }
  assert_int_equal(matches, 1);
  free(bytes);
  unlink(path);
}

static long long virtual_size(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long long pages = 0;
  if (!file || fscanf(file, "%lld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

/* Takes what malloc has at hand, then allows limit bytes more. */
static bool use_up_memory(long long limit) {
  const long long size = virtual_size();
  if (setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)size, RLIM_INFINITY}) != 0) return false;
  void *volatile taken; /* volatile keeps the calls */
  for (size_t part = (size_t)1 << 20; part >= 16; part /= 2) do
      taken = malloc(part);
    while (taken);
  return setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)(size + limit), RLIM_INFINITY}) == 0;
}

/* Whichever allocation fails, also of a library, it is TLW_ERR_MEMORY. */
static void test_memory_limits(void **state) {
  (void)state;
  if (SANITIZED || getenv("TALLOW_VALGRIND")) {
    print_message("skipped: the address space can't be limited under this tool\n");
    return;
  }
  picture p;
  make_picture(&p, 16384, 4, 200, 0, 1);
  const size_t bound = tlw_png_bound(16384, 4);
  uint8_t *out = malloc(bound);
  assert_non_null(out);
  bool refused = false, written = false;
  for (long long limit = 0; limit <= 16 << 20 && !written; limit += 4096) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      if (!use_up_memory(limit)) _exit(2);
      size_t size = 0;
      tlw_error error = {0};
      const tlw_status status = tlw_png_encode(&p.image, &options, out, bound, &size, &error);
      _exit(status == TLW_OK ? 0 : status == TLW_ERR_MEMORY && strstr(error.message, "no memory") ? 1 : 3);
    }
    const int result = wait_for(child);
    assert_in_range(result, 0, 1);
    refused = refused || result == 1;
    written = result == 0;
  }
  assert_true(refused && written);
  free(out);
  free(p.pixels);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

static int use(tlw_png_coding coding) {
  tlw_png_options_init(&options);
  options.coding = coding;
  return 0;
}

static int use_fast(void **state) {
  (void)state;
  return use(TLW_PNG_FAST);
}

static int use_small(void **state) {
  (void)state;
  return use(TLW_PNG_SMALL);
}

static int use_libpng(void **state) {
  (void)state;
  return use(TLW_PNG_LIBPNG);
}

#define EACH(test)                                                                                                     \
  cmocka_unit_test_setup(test, use_fast), cmocka_unit_test_setup(test, use_small),                                     \
      cmocka_unit_test_setup(test, use_libpng)

int main(void) {
  const struct CMUnitTest tests[] = {
      EACH(test_every_palette),  EACH(test_every_small_size),
      EACH(test_bound),          EACH(test_same_bytes_again),
      EACH(test_filter_up),      EACH(test_capacity),
      EACH(test_arguments),      EACH(test_defaults),
      EACH(test_bad_pixels),     EACH(test_write),
      EACH(test_write_failures), EACH(test_read_only_folder),
      EACH(test_full_disk),      EACH(test_taken_names),
      EACH(test_threads),        EACH(test_memory_limits),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
