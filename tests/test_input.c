/*
 * The source of bytes: plain, gzip, Zstandard and zip files, from files and pipes, whole and hostile, with every
 * allocation and file operation failing once. The library must be built with TALLOW_FAULTS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "folder.h"
#include "host/base/fault.h"
#include "host/io/input.h"

#ifndef TALLOW_FAULTS
#error "build with TALLOW_FAULTS"
#endif

#define GUARD 64
#define POISON 0xa5
#define ALWAYS ((size_t)64 << 20) /* what a packed file may unpack to whatever its size */
#define MOST_OPERATIONS 10000

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static const char *program;

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t n) { return (size_t)((random_u64() >> 11) % n); }

/* Bytes that grow. */
struct bytes {
  unsigned char *data;
  size_t size, capacity;
};

static unsigned char *extend(struct bytes *bytes, size_t size) {
  if (bytes->capacity - bytes->size < size) {
    bytes->capacity = 2 * bytes->capacity + size;
    bytes->data = realloc(bytes->data, bytes->capacity);
    assert_non_null(bytes->data);
  }
  bytes->size += size;
  return bytes->data + bytes->size - size;
}

static void append(struct bytes *bytes, const void *data, size_t size) {
  if (size > 0) memcpy(extend(bytes, size), data, size);
}

static void append_number(struct bytes *bytes, uint64_t number, size_t width) {
  unsigned char *out = extend(bytes, width);
  for (size_t i = 0; i < width; i++) out[i] = (unsigned char)(number >> 8 * i);
}

static void fill(struct bytes *bytes, unsigned char byte, size_t size) { memset(extend(bytes, size), byte, size); }

static void release(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

/* Text that packs to about a third, with stretches of noise and of one byte. */
static struct bytes random_content(size_t size) {
  struct bytes content = {0};
  for (size_t i = 0; content.size < size; i++) {
    char row[64];
    snprintf(row, sizeof row, "%zu,%zu.%02zu,%zu\n", 1577836800 + i * 60, random_below(200), random_below(100),
             random_below(5));
    append(&content, row, strlen(row));
    if (random_below(300) == 0) fill(&content, (unsigned char)random_below(256), random_below(9000));
    for (size_t n = random_below(300) == 0 ? random_below(3000) : 0; n > 0; n--)
      append_number(&content, random_u64(), 1);
  }
  content.size = size;
  return content;
}

/* A new file each time: some file systems write one to the disk that was emptied and written again. */
static void write_bytes(const char *path, const void *bytes, size_t size) {
  unlink(path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  if (size > 0) assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

struct outcome {
  tlw_status status;
  tlw_error error;
  tlw_packing packing;
  uint64_t consumed, peak;
  size_t size; /* bytes that came out */
};

struct manner {
  uint32_t expansion;
  size_t capacity; /* of each read; 0: at random */
  uint64_t budget; /* 0: not counted */
};

#define LARGEST_READ ((size_t)100000)

static void check_message(const tlw_error *error) {
  assert_non_null(memchr(error->message, 0, sizeof error->message));
  assert_true(strlen(error->message) > 10);
  assert_int_equal(error->row, -1);
  assert_int_equal(error->column, -1);
}

/* Reads on to the end or a failure, which stays, and writes nothing beside what it says. */
static void read_on(struct tlw_input *input, const struct manner *manner, struct bytes *out, struct outcome *outcome) {
  static unsigned char block[LARGEST_READ + GUARD];
  size_t size = 1;
  while (outcome->status == TLW_OK && size > 0) {
    const size_t capacity = manner->capacity ? manner->capacity : 1 + random_below(random_below(3) ? LARGEST_READ : 20);
    memset(block + capacity, POISON, GUARD);
    const uint64_t consumed = tlw_input_consumed(input);
    size = SIZE_MAX;
    outcome->status = tlw_input_read(input, (char *)block, capacity, &size, &outcome->error);
    for (size_t i = 0; i < GUARD; i++) assert_int_equal(block[capacity + i], POISON);
    assert_true(tlw_input_consumed(input) >= consumed);
    if (outcome->status != TLW_OK) break;
    assert_true(size <= capacity);
    outcome->size += size;
    if (out) append(out, block, size);
  }
  tlw_error again;
  memset(&again, POISON, sizeof again);
  size = SIZE_MAX;
  const tlw_status status = tlw_input_read(input, (char *)block, LARGEST_READ, &size, &again);
  if (outcome->status == TLW_OK) {
    assert_int_equal(status, TLW_OK);
    assert_int_equal(size, 0);
  } else if (tlw_input_packing(input) != TLW_PACKING_NONE) {
    assert_int_equal(status, outcome->status);
    assert_memory_equal(&again, &outcome->error, sizeof again);
  }
}

static struct outcome read_path(const char *path, const struct manner *manner, struct bytes *out) {
  struct outcome outcome = {0};
  memset(&outcome.error, POISON, sizeof outcome.error);
  struct tlw_memory counted = {.budget = manner->budget};
  struct tlw_memory *memory = manner->budget ? &counted : NULL;
  struct tlw_input *input = (struct tlw_input *)(uintptr_t)1;
  outcome.status = tlw_input_open(path, manner->expansion, memory, &input, &outcome.error);
  if (outcome.status == TLW_OK) {
    assert_non_null(input);
    read_on(input, manner, out, &outcome);
    outcome.packing = tlw_input_packing(input);
    outcome.consumed = tlw_input_consumed(input);
  } else {
    assert_null(input);
  }
  tlw_input_close(&input);
  assert_null(input);
  assert_int_equal(tlw_gauge_read(&counted.bytes).current, 0);
  outcome.peak = tlw_gauge_read(&counted.bytes).peak;
  if (outcome.status != TLW_OK) {
    assert_int_equal(outcome.error.code, outcome.status);
    check_message(&outcome.error);
  }
  return outcome;
}

static const struct manner plainly = {.budget = UINT64_MAX};

static struct outcome read_bytes(const struct bytes *packed, const struct manner *manner, struct bytes *out) {
  const char *path = path_of("file");
  write_bytes(path, packed->data, packed->size);
  return read_path(path, manner, out);
}

static void accept(const struct bytes *packed, tlw_packing packing, const struct bytes *content) {
  struct bytes out = {0};
  const struct outcome outcome = read_bytes(packed, &plainly, &out);
  if (outcome.status != TLW_OK) fail_msg("refused: %s", outcome.error.message);
  assert_int_equal(outcome.packing, packing);
  assert_int_equal(outcome.consumed, packed->size);
  assert_int_equal(out.size, content->size);
  if (out.size > 0) assert_memory_equal(out.data, content->data, out.size);
  release(&out);
}

/* It is refused as data with a message that holds each of the parts between bars. */
static void refuse(const struct bytes *packed, const char *parts) {
  const struct outcome outcome = read_bytes(packed, &plainly, NULL);
  if (outcome.status != TLW_ERR_DATA)
    fail_msg("%s instead of a refusal with \"%s\"", tlw_status_name(outcome.status), parts);
  char copy[256];
  snprintf(copy, sizeof copy, "%s", parts);
  char *rest = copy;
  for (char *part = strtok_r(rest, "|", &rest); part; part = strtok_r(NULL, "|", &rest))
    if (!strstr(outcome.error.message, part)) fail_msg("\"%s\" lacks \"%s\"", outcome.error.message, part);
  const char *path = path_of("file");
  assert_int_equal(strncmp(outcome.error.message, path, strlen(path)), 0);
}

/* --- Packing ---------------------------------------------------------------------------------------------------- */

static void deflate_bytes(struct bytes *out, const void *data, size_t size, int window_bits) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)data;
  z.avail_in = (uInt)size;
  const uLong most = deflateBound(&z, size);
  z.next_out = extend(out, most);
  z.avail_out = (uInt)most;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out->size -= z.avail_out;
  deflateEnd(&z);
}

static void append_gzip(struct bytes *out, const void *data, size_t size) { deflate_bytes(out, data, size, 15 + 16); }

#define ZSTD_MAGIC 0xfd2fb528
#define ZSTD_SKIPPABLE 0x184d2a50
#define ZSTD_BLOCK ((size_t)128 << 10)

static void begin_frame(struct bytes *out, int window_log) {
  append_number(out, ZSTD_MAGIC, 4);
  append_number(out, 0, 1); /* no size, no sum, no dictionary */
  append_number(out, (uint64_t)(window_log - 10) << 3, 1);
}

static void append_block(struct bytes *out, bool last, int type, size_t size) {
  append_number(out, (uint64_t)last | (uint64_t)type << 1 | (uint64_t)size << 3, 3);
}

/* A frame of raw blocks and, where bytes repeat, of such that say so. */
static void append_zstd(struct bytes *out, const unsigned char *data, size_t size) {
  begin_frame(out, 17);
  size_t done = 0;
  while (done < size) {
    size_t run = 1;
    while (run < size - done && run < ZSTD_BLOCK && data[done + run] == data[done]) run++;
    const bool repeats = run >= 4;
    const size_t left = size - done < ZSTD_BLOCK ? size - done : ZSTD_BLOCK;
    const size_t n = repeats ? run : 1 + random_below(left);
    append_block(out, false, repeats, n);
    append(out, data + done, repeats ? 1 : n);
    done += n;
  }
  append_block(out, true, 0, 0);
}

static void append_skippable(struct bytes *out, uint32_t variant, size_t size) {
  append_number(out, ZSTD_SKIPPABLE + variant, 4);
  append_number(out, size, 4);
  fill(out, 'x', size);
}

enum { DESCRIPTOR_SIGNED = 1, DESCRIPTOR_WIDE = 2 };

struct zip_entry {
  const char *name;
  const void *data;
  size_t size;
  bool deflated, streamed, zip64;
  int descriptor;
  uint32_t flags, method; /* besides */
};

/* The local header, the data and the descriptor of an entry; its record for the directory too. */
static void append_entry(struct bytes *out, struct bytes *directory, const struct zip_entry *entry) {
  struct bytes data = {0};
  if (entry->deflated)
    deflate_bytes(&data, entry->data, entry->size, -15);
  else
    append(&data, entry->data, entry->size);
  const uint32_t sum = (uint32_t)crc32(0, entry->data, (uInt)entry->size);
  const uint32_t flags = entry->flags | (entry->streamed ? 8 : 0);
  const uint32_t method = entry->method ? entry->method : entry->deflated ? 8 : 0;
  const size_t name_size = strlen(entry->name), begin = out->size;
  append(out, "PK\3\4", 4);
  append_number(out, entry->zip64 ? 45 : 20, 2);
  append_number(out, flags, 2);
  append_number(out, method, 2);
  append_number(out, 0x5a210000, 4);
  append_number(out, entry->streamed ? 0 : sum, 4);
  append_number(out, entry->zip64 ? UINT32_MAX : entry->streamed ? 0 : data.size, 4);
  append_number(out, entry->zip64 ? UINT32_MAX : entry->streamed ? 0 : entry->size, 4);
  append_number(out, name_size, 2);
  append_number(out, entry->zip64 ? 9 + 20 : 9, 2);
  append(out, entry->name, name_size);
  append(out, "UT\5\0\1\0\0\0\0", 9); /* a time */
  if (entry->zip64) {
    append(out, "\1\0\20\0", 4);
    append_number(out, entry->streamed ? 0 : entry->size, 8);
    append_number(out, entry->streamed ? 0 : data.size, 8);
  }
  append(out, data.data, data.size);
  if (entry->streamed) {
    if (entry->descriptor & DESCRIPTOR_SIGNED) append(out, "PK\7\10", 4);
    append_number(out, sum, 4);
    append_number(out, data.size, entry->descriptor & DESCRIPTOR_WIDE ? 8 : 4);
    append_number(out, entry->size, entry->descriptor & DESCRIPTOR_WIDE ? 8 : 4);
  }
  append(directory, "PK\1\2", 4);
  append_number(directory, 20, 2);
  append_number(directory, 20, 2);
  append_number(directory, flags, 2);
  append_number(directory, method, 2);
  append_number(directory, 0x5a210000, 4);
  append_number(directory, sum, 4);
  append_number(directory, data.size, 4);
  append_number(directory, entry->size, 4);
  append_number(directory, name_size, 2);
  append_number(directory, 3, 2); /* of further fields */
  append_number(directory, 5, 2); /* of a comment */
  append_number(directory, 0, 8);
  append_number(directory, begin, 4);
  append(directory, entry->name, name_size);
  append(directory, "abcagain", 8);
  release(&data);
}

static void append_directory(struct bytes *out, const struct bytes *directory, size_t n, bool zip64,
                             const char *comment) {
  const size_t begin = out->size;
  append(out, directory->data, directory->size);
  if (zip64) {
    append(out, "PK\6\6", 4);
    append_number(out, 44, 8);
    fill(out, 1, 44);
    append(out, "PK\6\7", 4);
    fill(out, 1, 16);
  }
  append(out, "PK\5\6", 4);
  append_number(out, 0, 4);
  append_number(out, n, 2);
  append_number(out, n, 2);
  append_number(out, directory->size, 4);
  append_number(out, begin, 4);
  append_number(out, strlen(comment), 2);
  append(out, comment, strlen(comment));
}

static void append_zip(struct bytes *out, const struct zip_entry *entries, size_t n) {
  struct bytes directory = {0};
  for (size_t i = 0; i < n; i++) append_entry(out, &directory, &entries[i]);
  append_directory(out, &directory, n, false, "");
  release(&directory);
}

/* A small text, and what the zstd command (1.5.4, -19 --check) makes of it. */
static struct bytes sample_text(void) {
  struct bytes text = {0};
  for (int i = 0; i < 40; i++) {
    char row[64];
    snprintf(row, sizeof row, "2020-01-%02d,%d.25,%d.5,%d,%d\n", i % 28 + 1, 100 + i, 101 + i * 7, 99 - i,
             i * 7919 % 1000);
    append(&text, row, strlen(row));
  }
  return text;
}

static const unsigned char sample_zstd[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x08, 0x5d, 0x0a, 0x00, 0xc6, 0xdb, 0x35, 0x0e, 0x90, 0x25, 0xd5, 0x01, 0x64, 0xab,
    0xdd, 0x82, 0x04, 0x74, 0xec, 0xf2, 0x14, 0x20, 0x34, 0x00, 0x2e, 0x00, 0x2f, 0x00, 0xc4, 0x0b, 0x1e, 0xec, 0xc8,
    0x2c, 0x3b, 0x91, 0x70, 0x63, 0x58, 0x16, 0x38, 0x8b, 0x04, 0x52, 0xcd, 0xcd, 0x81, 0x84, 0x43, 0x54, 0xf4, 0x5c,
    0x98, 0x9a, 0x9a, 0x5a, 0x4a, 0x30, 0xb1, 0x6b, 0xc8, 0xca, 0xf1, 0x36, 0x63, 0x83, 0xf8, 0xee, 0x09, 0x30, 0xf8,
    0x34, 0x10, 0xc1, 0x19, 0x00, 0x06, 0x20, 0x1a, 0x0d, 0x2d, 0x85, 0xc3, 0x96, 0xce, 0x86, 0x99, 0x76, 0x3b, 0x59,
    0xba, 0x76, 0x3b, 0x19, 0xb5, 0xd8, 0xec, 0xa4, 0xd5, 0xc1, 0x8e, 0x4e, 0x92, 0x3d, 0xf6, 0x91, 0xe1, 0x26, 0xfb,
    0xc8, 0x5e, 0x63, 0x95, 0x0b, 0x6e, 0x56, 0x6c, 0x1c, 0x3f, 0x63, 0x31, 0xc8, 0xc9, 0xea, 0x11, 0x02, 0x34, 0x45,
    0xb8, 0xc4, 0xd0, 0x51, 0x87, 0x94, 0x37, 0xa4, 0x66, 0x7d, 0x2d, 0x67, 0xd0, 0x6e, 0x7d, 0x6d, 0xcf, 0x96, 0xda,
    0xda, 0xd6, 0x1d, 0xea, 0x6a, 0x3b, 0x4f, 0x1d, 0x85, 0x29, 0xe1, 0x54, 0x92, 0x60, 0xac, 0xa7, 0xb7, 0xd7, 0xad,
    0x0e, 0xbd, 0x35, 0xf9, 0xea, 0xd0, 0x03, 0x01, 0x83, 0x1d, 0x74, 0x89, 0xb0, 0x37, 0xa9, 0xc8, 0x28, 0x97, 0x26,
    0x11, 0x1e, 0xa4, 0x47, 0x84, 0x5f, 0x10, 0x0f, 0x74, 0x10, 0xe1, 0x16, 0xa1, 0x0f, 0x2d, 0x22, 0xbc, 0xa2, 0x32,
    0xd1, 0x22, 0xc2, 0x29, 0x22, 0x5c, 0x74, 0x45, 0xf8, 0x84, 0x85, 0x8d, 0xa6, 0x08, 0x0f, 0x51, 0xf3, 0x05, 0x80,
    0x92, 0xa8, 0x21, 0x6c, 0x0a, 0xc9, 0xf2, 0xfe, 0x1b, 0xe0, 0x99, 0xd6, 0xd0, 0xae, 0x94, 0xf4, 0x98, 0x91, 0x36,
    0xc9, 0x6e, 0x15, 0xf8, 0x3f, 0x48, 0x56, 0x21, 0x47, 0xb3, 0xcb, 0xb9, 0xe6, 0x05, 0x07, 0x39, 0xea, 0xae, 0x79,
    0xc3, 0x41, 0x8e, 0xba, 0xcb, 0xbc, 0x70, 0xe0, 0x6d, 0xa4, 0x8f, 0x0c, 0x65, 0x95, 0x93, 0xcc, 0x31, 0x38, 0x0a,
    0xdf, 0x7b, 0x1d, 0xa1, 0x27, 0x88, 0x6d, 0xaa, 0xf9, 0x61, 0x87, 0x78, 0x3b, 0x8c, 0x77, 0x01, 0xd5, 0xeb, 0xae,
    0x5b, 0x4b, 0xc2, 0xa1, 0x9c, 0x08, 0x62, 0x27, 0x9f, 0x38, 0xff, 0x50, 0x21, 0x74, 0xb0, 0x08, 0x1b, 0x73, 0x5b,
    0xa7, 0xe9, 0x1c, 0x1d, 0x58, 0xc2, 0xc6, 0x1c, 0xde, 0x42, 0xc5, 0x16, 0x8a, 0x10, 0x88, 0xb2, 0x0a, 0x82, 0x71,
    0xcb, 0x80,
};

/* The text packed in each way. */
struct sample {
  const char *name;
  tlw_packing packing;
  struct bytes packed;
};

#define SAMPLES 7

static void make_samples(const struct bytes *text, struct sample samples[SAMPLES]) {
  const struct zip_entry entries[] = {
      {.name = "a.csv", .data = text->data, .size = text->size},
      {.name = "a.csv", .data = text->data, .size = text->size, .deflated = true},
      {.name = "a.csv",
       .data = text->data,
       .size = text->size,
       .deflated = true,
       .streamed = true,
       .zip64 = true,
       .descriptor = DESCRIPTOR_SIGNED | DESCRIPTOR_WIDE},
  };
  memcpy(samples,
         (struct sample[SAMPLES]){{.name = "plain"},
                                  {.name = "gzip", .packing = TLW_PACKING_GZIP},
                                  {.name = "zstd", .packing = TLW_PACKING_ZSTD},
                                  {.name = "zstd by hand", .packing = TLW_PACKING_ZSTD},
                                  {.name = "zip stored", .packing = TLW_PACKING_ZIP},
                                  {.name = "zip", .packing = TLW_PACKING_ZIP},
                                  {.name = "zip streamed", .packing = TLW_PACKING_ZIP}},
         SAMPLES * sizeof *samples);
  append(&samples[0].packed, text->data, text->size);
  append_gzip(&samples[1].packed, text->data, text->size);
  append(&samples[2].packed, sample_zstd, sizeof sample_zstd);
  append_zstd(&samples[3].packed, text->data, text->size);
  for (size_t i = 0; i < 3; i++) append_zip(&samples[4 + i].packed, &entries[i], 1);
}

static void release_samples(struct sample samples[SAMPLES]) {
  for (size_t i = 0; i < SAMPLES; i++) release(&samples[i].packed);
}

/* --- Whole files ------------------------------------------------------------------------------------------------ */

static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 100, 65535, 65536, 65537, 131072, 500000};

static void test_plain(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes content = random_content(sizes[i]);
    accept(&content, TLW_PACKING_NONE, &content);
    release(&content);
  }
}

/* What could become something packed but ends before it is. */
static void test_magic_cut(void **state) {
  (void)state;
  static const char *const texts[] = {"\x1f", "P",        "PK",           "PK\3",        "PK\5",
                                      "\x28", "\x28\xb5", "\x28\xb5\x2f", "\x50\x2a\x4d"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct bytes text = {0};
    append(&text, texts[i], strlen(texts[i]));
    accept(&text, TLW_PACKING_NONE, &text);
    release(&text);
  }
  for (int first = 0; first < 256; first++) {
    struct bytes text = {0};
    append_number(&text, (uint64_t)first, 1);
    accept(&text, TLW_PACKING_NONE, &text);
    release(&text);
  }
}

/* Other kinds of files are told by name. */
static void test_foreign(void **state) {
  (void)state;
  static const struct {
    const char *magic;
    size_t size;
    const char *parts;
  } kinds[] = {
      {"BZh91AY&SY", 10, "is packed by bzip2|bzip2 -d"},
      {"\xfd\x37zXZ\0", 6, "is packed by xz|xz -d"},
      {"\x04\x22\x4d\x18", 4, "is packed by lz4|lz4 -d"},
      {"7z\xbc\xaf\x27\x1c", 6, "is a 7z archive|unpack it"},
      {"Rar!\x1a\x07", 6, "is a rar archive|unpack it"},
      {"\x1f\x9d", 2, "is packed by compress|gzip -d"},
      {"PAR1\x15", 5, "is a Parquet file|save it as CSV"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "spreadsheet|save it as CSV"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct bytes file = {0};
    append(&file, kinds[i].magic, kinds[i].size);
    refuse(&file, kinds[i].parts);
    file.size--;
    accept(&file, TLW_PACKING_NONE, &file);
    file.size++;
    fill(&file, 0, 100);
    refuse(&file, kinds[i].parts);
    release(&file);
  }
}

static void test_gzip(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes content = random_content(sizes[i]), packed = {0};
    append_gzip(&packed, content.data, content.size);
    accept(&packed, TLW_PACKING_GZIP, &content);

    /* Members cut anywhere, empty ones among them, and zeros behind the last. */
    packed.size = 0;
    size_t done = 0;
    do {
      const size_t n = random_below(4) ? random_below(content.size - done + 1) : 0;
      append_gzip(&packed, n ? content.data + done : NULL, n);
      done += n;
    } while (done < content.size);
    accept(&packed, TLW_PACKING_GZIP, &content);
    fill(&packed, 0, i % 2 ? 100000 : 1);
    accept(&packed, TLW_PACKING_GZIP, &content);
    release(&packed);
    release(&content);
  }
}

static void test_gzip_garbage(void **state) {
  (void)state;
  struct bytes content = random_content(1000), packed = {0};
  append_gzip(&packed, content.data, content.size);
  const size_t size = packed.size;
  static const char *const texts[] = {"x", "\n", "garbage", "\x8b\x1f", "\x1fx", "PK\3\4"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t zeros = 0; zeros < 100000; zeros += 70000) {
      packed.size = size;
      fill(&packed, 0, zeros);
      append(&packed, texts[i], strlen(texts[i]));
      refuse(&packed, "the gzip data is damaged (what follows its end is not gzip)|fetch or copy the file again");
    }
  packed.size = size;
  append(&packed, "\x1f", 1);
  refuse(&packed, "gzip data ends early");
  packed.size = 2;
  refuse(&packed, "gzip data ends early");
  append(&packed, "\7\0\0\0\0\0\0\0\0\0", 10);
  refuse(&packed, "gzip data is damaged (unknown compression method)");
  release(&packed);
  release(&content);
}

static void test_zstd(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes content = random_content(sizes[i]), packed = {0};
    append_zstd(&packed, content.data, content.size);
    accept(&packed, TLW_PACKING_ZSTD, &content);

    /* Frames, empty ones and such that are to be skipped among them, which may be the first. */
    packed.size = 0;
    append_skippable(&packed, (uint32_t)i, i * 10000);
    size_t done = 0;
    do {
      const size_t n = random_below(4) ? random_below(content.size - done + 1) : 0;
      append_zstd(&packed, content.data + done, n);
      if (random_below(2)) append_skippable(&packed, (uint32_t)random_below(16), random_below(100));
      done += n;
    } while (done < content.size);
    accept(&packed, TLW_PACKING_ZSTD, &content);
    release(&packed);
    release(&content);
  }
}

static void test_zstd_packed(void **state) {
  (void)state;
  struct bytes text = sample_text(), twice = {0}, packed = {0};
  append(&packed, sample_zstd, sizeof sample_zstd);
  accept(&packed, TLW_PACKING_ZSTD, &text);
  append(&packed, sample_zstd, sizeof sample_zstd);
  append(&twice, text.data, text.size);
  append(&twice, text.data, text.size);
  accept(&packed, TLW_PACKING_ZSTD, &twice);
  release(&packed);
  release(&twice);
  release(&text);
}

static void test_zstd_refused(void **state) {
  (void)state;
  struct bytes packed = {0};
  append_zstd(&packed, (const unsigned char *)"abc", 3);
  const size_t size = packed.size;
  append(&packed, "garbage", 7);
  refuse(&packed, "the Zstandard data is damaged (|fetch or copy the file again");
  packed.size = size;
  fill(&packed, 0, 20);
  refuse(&packed, "the Zstandard data is damaged (");
  packed.size = size;
  append_number(&packed, ZSTD_MAGIC, 2);
  refuse(&packed, "the Zstandard data ends early");

  packed.size = 0;
  append_skippable(&packed, 3, 50);
  accept(&packed, TLW_PACKING_ZSTD, &(struct bytes){0});
  packed.size--;
  refuse(&packed, "the Zstandard data ends early");

  packed.size = 0;
  begin_frame(&packed, 28);
  append_block(&packed, true, 1, 1);
  append(&packed, "x", 1);
  refuse(&packed, "a window of more than 128 MiB|zstd -d --long=31");

  packed.size = 0;
  append_number(&packed, ZSTD_MAGIC, 4);
  append(&packed, "\1\70\7", 3); /* a window of 128 KiB, the dictionary 7 */
  append_block(&packed, true, 1, 1);
  append(&packed, "x", 1);
  refuse(&packed, "needs a dictionary|zstd -d -D");

  packed.size = 0;
  begin_frame(&packed, 17);
  append_block(&packed, true, 3, 1); /* no such type */
  append(&packed, "xxxx", 4);
  refuse(&packed, "the Zstandard data is damaged (");

  packed.size = 0;
  append_number(&packed, ZSTD_MAGIC, 4);
  append(&packed, "\220\41", 2);
  append_number(&packed, 1000000, 4); /* bytes, it says: more than are asked for at a time */
  append_block(&packed, false, 0, 3);
  append(&packed, "xyz", 3);
  append_block(&packed, true, 0, 0); /* behind an empty block libzstd does not count */
  refuse(&packed, "the Zstandard data is damaged (");
  release(&packed);
}

/* The largest window that is taken counts in full. */
static void test_zstd_window(void **state) {
  (void)state;
  struct bytes packed = {0}, content = {0};
  begin_frame(&packed, 27);
  append_block(&packed, true, 1, 100);
  append(&packed, "x", 1);
  fill(&content, 'x', 100);
  struct outcome outcome = read_bytes(&packed, &plainly, NULL);
  assert_int_equal(outcome.status, TLW_OK);
  assert_true(outcome.peak > 128 << 20 && outcome.peak < 129 << 20);
  accept(&packed, TLW_PACKING_ZSTD, &content);
  outcome = read_bytes(&packed, &(struct manner){.budget = 64 << 20}, NULL);
  assert_int_equal(outcome.status, TLW_ERR_BUDGET);
  assert_true(outcome.error.bytes > 128 << 20);
  outcome = read_bytes(&packed, &(struct manner){.budget = outcome.error.bytes}, NULL);
  assert_int_equal(outcome.status, TLW_OK);
  release(&packed);
  release(&content);
}

/* --- zip -------------------------------------------------------------------------------------------------------- */

/* Where the numbers stand in a header at the file's beginning. */
enum { AT_SUM = 14, AT_PACKED_SIZE = 18, AT_SIZE = 22 };

static void test_zip(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes content = random_content(sizes[i]), packed = {0};
    for (int form = 0; form < 12; form++) {
      const struct zip_entry entry = {.name = "folder/prices.csv",
                                      .data = content.data,
                                      .size = content.size,
                                      .deflated = form >= 2,
                                      .streamed = form >= 4,
                                      .zip64 = form % 2,
                                      .descriptor = (form - 4) / 2};
      packed.size = 0;
      append_zip(&packed, &entry, 1);
      accept(&packed, TLW_PACKING_ZIP, &content);
    }
    release(&packed);
    release(&content);
  }
}

/* What is beside the file: folders, what macOS adds, comments, sizes of 8 bytes at the end, zeros behind it. */
static void test_zip_beside(void **state) {
  (void)state;
  struct bytes content = random_content(30000), packed = {0}, directory = {0};
  static const char *const names[] = {"folder/",          "dos\\",      ".DS_Store",
                                      "folder/.DS_Store", "__MACOSX/x", "__MACOSX/._prices.csv"};
  for (int form = 0; form < 2 * 2 * 3; form++) {
    packed.size = directory.size = 0;
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names + 1; i++) {
      struct zip_entry entry = {.name = "prices.csv", .data = content.data, .size = content.size, .deflated = true};
      const bool file = i == (form % 2 ? 0 : sizeof names / sizeof *names);
      if (!file) {
        entry.name = names[form % 2 ? i - 1 : i];
        entry.size = entry.name[strlen(entry.name) - 1] == 'x' || strstr(entry.name, "._") ? 20000 : 0;
        entry.streamed = form / 2 % 2;
        entry.descriptor = form / 4;
        entry.deflated = entry.size > 0 || form % 3 == 0; /* a streamed folder that is stored has no data */
      }
      append_entry(&packed, &directory, &entry);
      n++;
    }
    append_directory(&packed, &directory, n, form % 3 == 1, form % 3 == 2 ? "a comment" : "");
    accept(&packed, TLW_PACKING_ZIP, &content);
    fill(&packed, 0, 70000);
    accept(&packed, TLW_PACKING_ZIP, &content);
    append(&packed, "x", 1);
    refuse(&packed, "the zip data is damaged (what follows its end is not zip)");
  }
  release(&packed);
  release(&directory);
  release(&content);
}

/* Passed over whatever packs it, as its size is known. */
static void test_zip_passed_over(void **state) {
  (void)state;
  struct bytes content = random_content(100), packed = {0};
  struct zip_entry entries[] = {
      {.name = "__MACOSX/._a.csv", .data = content.data, .size = 50, .method = 99, .flags = 1},
      {.name = "a.csv", .data = content.data, .size = content.size},
  };
  append_zip(&packed, entries, 2);
  accept(&packed, TLW_PACKING_ZIP, &content);
  packed.size = 0;
  entries[0].streamed = true;
  append_zip(&packed, entries, 2);
  refuse(&packed, "'__MACOSX/._a.csv' in the zip ends can't be told|unpack it");
  packed.size = 0;
  entries[0].method = 0;
  entries[0].deflated = true;
  append_zip(&packed, entries, 2);
  refuse(&packed, "'__MACOSX/._a.csv' in the zip ends can't be told|unpack it");
  release(&packed);
  release(&content);
}

/* Entries that must be unpacked to find their end can't take for ever: together they have a limit. */
static void test_zip_much_beside(void **state) {
  (void)state;
  struct bytes content = random_content(100), zeros = {0}, packed = {0};
  fill(&zeros, 0, (size_t)40 << 20);
  const struct zip_entry beside = {
      .name = "__MACOSX/x", .data = zeros.data, .size = zeros.size, .deflated = true, .streamed = true};
  const struct zip_entry file = {.name = "a.csv", .data = content.data, .size = content.size};
  append_zip(&packed, (const struct zip_entry[]){beside, file}, 2);
  accept(&packed, TLW_PACKING_ZIP, &content);
  packed.size = 0;
  append_zip(&packed, (const struct zip_entry[]){beside, beside, file}, 3);
  refuse(&packed, "beside the file unpacks to more than 64 MiB|unpack it");
  release(&packed);
  release(&zeros);
  release(&content);
}

/* The longest name, and the longest further fields with the sizes in the last of them. */
static void test_zip_longest_header(void **state) {
  (void)state;
  struct bytes content = random_content(100), packed = {0};
  append(&packed, "PK\3\4", 4);
  fill(&packed, 0, AT_SUM - 4);
  append_number(&packed, crc32(0, content.data, 100), 4);
  append_number(&packed, UINT64_MAX, 8);
  append_number(&packed, UINT32_MAX, 4);
  fill(&packed, 'n', 65535);
  append_number(&packed, 2, 2);
  append_number(&packed, 65535 - 20 - 4, 2);
  fill(&packed, 'e', 65535 - 20 - 4);
  append(&packed, "\1\0\20\0", 4);
  append_number(&packed, 100, 8);
  append_number(&packed, 100, 8);
  append(&packed, content.data, 100);
  append_directory(&packed, &(struct bytes){0}, 1, false, "");
  accept(&packed, TLW_PACKING_ZIP, &content);
  release(&packed);
  release(&content);
}

static void refuse_entry(struct zip_entry entry, const char *parts) {
  struct bytes packed = {0}, text = sample_text();
  if (!entry.name) entry.name = "a.csv";
  entry.data = text.data;
  if (!entry.size) entry.size = text.size;
  append_zip(&packed, &entry, 1);
  refuse(&packed, parts);
  release(&packed);
  release(&text);
}

static void test_zip_refused(void **state) {
  (void)state;
  refuse_entry((struct zip_entry){.flags = 1, .deflated = true}, "'a.csv' in the zip is encrypted|unpack it");
  refuse_entry((struct zip_entry){.flags = 1, .method = 99}, "encrypted");
  refuse_entry((struct zip_entry){.method = 12}, "'a.csv' in the zip is packed by method 12|unpack it");
  refuse_entry((struct zip_entry){.method = 93, .streamed = true}, "packed by method 93");
  refuse_entry((struct zip_entry){.streamed = true}, "'a.csv' in the zip is stored without its size|unpack it");
  refuse_entry((struct zip_entry){.name = "[Content_Types].xml"}, "is a spreadsheet|save it as CSV");
  refuse_entry((struct zip_entry){.name = "_rels/.rels"}, "is a spreadsheet|save it as CSV");
  refuse_entry((struct zip_entry){.name = "mimetype"}, "is a spreadsheet|save it as CSV");
  refuse_entry((struct zip_entry){.name = "folder/", .size = 1}, "holds no file|give one with a CSV file in it");
  refuse_entry((struct zip_entry){.name = "a\n\x1b[31m.csv", .method = 12}, "'a\\x0A\\x1B[31m.csv' in the zip");

  struct bytes packed = {0};
  append_zip(&packed, NULL, 0);
  refuse(&packed, "holds no file");
  packed.size = 0;
  append(&packed, "PK\7\10PK\3\4", 8);
  refuse(&packed, "one part of a split zip|unpack all of them");

  const struct zip_entry two[] = {{.name = "a.csv", .data = "a", .size = 1}, {.name = "b.csv", .data = "b", .size = 1}};
  packed.size = 0;
  append_zip(&packed, two, 2);
  refuse(&packed, "the zip holds more than one file: unpack it and give the one");
  release(&packed);
}

static void test_zip_wrong_numbers(void **state) {
  (void)state;
  struct bytes text = sample_text();
  for (int deflated = 0; deflated < 2; deflated++) {
    const struct zip_entry entry = {.name = "a.csv", .data = text.data, .size = text.size, .deflated = deflated};
    struct bytes packed = {0};
    append_zip(&packed, &entry, 1);
    packed.data[AT_SUM]++;
    refuse(&packed, "zip data is damaged (its checksum is wrong)");
    packed.data[AT_SUM]--;
    packed.data[AT_SIZE]++;
    refuse(&packed, "zip data is damaged (its size is wrong)");
    packed.data[AT_SIZE]--;
    packed.data[AT_PACKED_SIZE]--;
    refuse(&packed, deflated ? "zip data is damaged (it is longer than its header says)" : "its size is wrong");
    packed.data[AT_PACKED_SIZE] += 2;
    refuse(&packed, "zip data is damaged (its size is wrong)");
    packed.data[AT_PACKED_SIZE]--;
    memset(packed.data + AT_PACKED_SIZE, 0xff, 4); /* but there is no field with the real size */
    refuse(&packed, "zip data is damaged (its size is missing)");
    release(&packed);
  }
  struct zip_entry entry = {.name = "a.csv", .data = text.data, .size = text.size, .deflated = true, .zip64 = true};
  struct bytes packed = {0};
  append_zip(&packed, &entry, 1);
  packed.data[30 + 5 + 9 + 2] = 8; /* the field has room for one size only */
  refuse(&packed, "zip data is damaged (its size is missing)");
  for (int form = 0; form < 4; form++) {
    entry.streamed = true;
    entry.zip64 = false;
    entry.descriptor = form;
    struct bytes whole = {0}, directory = {0};
    append_entry(&whole, &directory, &entry);
    const size_t end = whole.size;
    const size_t size = 4 + (form & DESCRIPTOR_SIGNED ? 4u : 0) + (form & DESCRIPTOR_WIDE ? 16u : 8u);
    append_directory(&whole, &directory, 1, false, "");
    accept(&whole, TLW_PACKING_ZIP, &text);
    for (size_t i = 0; i < size; i++) {
      whole.data[end - 1 - i]++;
      refuse(&whole, "zip data is damaged (its checksum or size is wrong)");
      whole.data[end - 1 - i]--;
    }
    release(&whole);
    release(&directory);
  }
  release(&packed);
  release(&text);
}

/* An empty file whose descriptor of sizes of 8 bytes begins like one of 4 bytes. */
static void test_zip_ambiguous_descriptor(void **state) {
  (void)state;
  struct bytes packed = {0};
  for (int form = 0; form < 4; form++) {
    packed.size = 0;
    append_zip(&packed,
               &(struct zip_entry){
                   .name = "a.csv", .data = "", .size = 0, .deflated = true, .streamed = true, .descriptor = form},
               1);
    accept(&packed, TLW_PACKING_ZIP, &(struct bytes){0});
  }
  release(&packed);
}

/* --- Hostile files ---------------------------------------------------------------------------------------------- */

static void test_cut(void **state) {
  (void)state;
  struct bytes text = sample_text();
  struct sample samples[SAMPLES];
  make_samples(&text, samples);
  for (size_t i = 1; i < SAMPLES; i++) {
    struct bytes cut = samples[i].packed;
    const size_t magic = samples[i].packing == TLW_PACKING_GZIP ? 2 : 4;
    for (cut.size = 0; cut.size < samples[i].packed.size; cut.size++) {
      if (cut.size < magic)
        accept(&cut, TLW_PACKING_NONE, &cut);
      else
        refuse(&cut, "ends early, the file is cut off|fetch or copy it again");
    }
    accept(&samples[i].packed, samples[i].packing, &text);
  }
  release_samples(samples);
  release(&text);
}

/* Each bit in turn: what is still read is what was packed, and memory is bounded. */
static void test_flipped(void **state) {
  (void)state;
  struct bytes text = sample_text();
  struct sample samples[SAMPLES];
  make_samples(&text, samples);
  for (size_t i = 1; i < SAMPLES; i++) {
    struct bytes *packed = &samples[i].packed;
    const bool has_sum = strcmp(samples[i].name, "zstd by hand") != 0;
    size_t refused = 0;
    for (size_t bit = 0; bit < packed->size * 8; bit++) {
      packed->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
      struct bytes out = {0};
      const struct outcome outcome = read_bytes(packed, &plainly, &out);
      assert_true(outcome.peak < 129 << 20);
      refused += outcome.status != TLW_OK;
      if (outcome.status != TLW_OK) {
        assert_int_equal(outcome.status, TLW_ERR_DATA);
      } else if (outcome.packing == TLW_PACKING_NONE) {
        assert_true(bit / 8 < 4);
        assert_int_equal(out.size, packed->size);
      } else if (has_sum) {
        if (out.size != text.size || memcmp(out.data, text.data, out.size) != 0)
          fail_msg("%s: bit %zu changes what is read", samples[i].name, bit);
      }
      release(&out);
      packed->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_true(refused > 0);
  }
  release_samples(samples);
  release(&text);
}

static void test_noise(void **state) {
  (void)state;
  static const char *const magics[] = {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18", "PK\3\4", "PK\5\6"};
  for (int i = 0; i < 3000; i++) {
    struct bytes noise = {0};
    const char *magic = magics[i % (int)(sizeof magics / sizeof *magics)];
    append(&noise, magic, strlen(magic));
    for (size_t n = random_below(i % 10 ? 100 : 100000); n > 0; n--)
      append_number(&noise, random_below(3) ? random_u64() : 0, 1);
    const struct outcome outcome = read_bytes(&noise, &plainly, NULL);
    assert_true(outcome.status == TLW_OK || outcome.status == TLW_ERR_DATA);
    assert_true(outcome.peak < 129 << 20);
    release(&noise);
  }
}

static void test_nested(void **state) {
  (void)state;
  struct bytes text = sample_text();
  struct sample samples[SAMPLES];
  make_samples(&text, samples);
  for (size_t i = 1; i < SAMPLES; i++) {
    struct bytes packed = {0};
    append_gzip(&packed, samples[i].packed.data, samples[i].packed.size);
    accept(&packed, TLW_PACKING_GZIP, &samples[i].packed);
    packed.size = 0;
    append_zstd(&packed, samples[i].packed.data, samples[i].packed.size);
    accept(&packed, TLW_PACKING_ZSTD, &samples[i].packed);
    packed.size = 0;
    append_zip(&packed,
               &(struct zip_entry){
                   .name = "a.gz", .data = samples[i].packed.data, .size = samples[i].packed.size, .deflated = true},
               1);
    accept(&packed, TLW_PACKING_ZIP, &samples[i].packed);
    release(&packed);
  }
  release_samples(samples);
  release(&text);
}

/* --- Expansion -------------------------------------------------------------------------------------------------- */

/* A bomb is refused where it exceeds the limit, and is read in whole where it is allowed; memory does not grow. */
static void check_bomb(const struct bytes *bomb, size_t size, uint32_t enough, uint64_t most_memory) {
  struct outcome outcome = read_bytes(bomb, &(struct manner){.capacity = 65536, .budget = UINT64_MAX}, NULL);
  assert_int_equal(outcome.status, TLW_ERR_DATA);
  assert_non_null(strstr(outcome.error.message, "unpacks to more than 1000 times its size"));
  assert_non_null(strstr(outcome.error.message, "--expansion"));
  assert_non_null(strstr(outcome.error.message, "unpack it first"));
  assert_true(outcome.size <= ALWAYS && outcome.size > ALWAYS - 65536);
  assert_true(outcome.peak <= most_memory);
  outcome = read_bytes(bomb, &(struct manner){.expansion = 7, .capacity = 65536, .budget = UINT64_MAX}, NULL);
  assert_non_null(strstr(outcome.error.message, "more than 7 times its size"));
  const uint32_t factors[] = {enough, UINT32_MAX};
  for (int i = 0; i < 2; i++) {
    const struct manner manner = {.expansion = factors[i], .capacity = 65536, .budget = UINT64_MAX};
    outcome = read_bytes(bomb, &manner, NULL);
    assert_int_equal(outcome.status, TLW_OK);
    assert_int_equal(outcome.size, size);
    assert_int_equal(outcome.consumed, bomb->size);
    assert_true(outcome.peak <= most_memory);
  }
}

static void test_bombs(void **state) {
  (void)state;
  const size_t size = ALWAYS + ((size_t)8 << 20);
  struct bytes zeros = {0}, bomb = {0};
  memset(extend(&zeros, size), 0, size);
  append_gzip(&bomb, zeros.data, size);
  check_bomb(&bomb, size, 1100, 192 << 10);
  for (int streamed = 0; streamed < 2; streamed++) {
    bomb.size = 0;
    append_zip(
        &bomb,
        &(struct zip_entry){.name = "a", .data = zeros.data, .size = size, .deflated = true, .streamed = streamed}, 1);
    check_bomb(&bomb, size, 1100, 192 << 10);
  }
  release(&zeros);
  bomb.size = 0;
  begin_frame(&bomb, 17);
  for (size_t i = 0; i < size / ZSTD_BLOCK; i++) {
    append_block(&bomb, i == size / ZSTD_BLOCK - 1, 1, ZSTD_BLOCK);
    append(&bomb, "0", 1);
  }
  check_bomb(&bomb, size, 40000, 1 << 20);
  release(&bomb);
}

/* Large and packed well, but not beyond the factor. */
static void test_expansion_allowed(void **state) {
  (void)state;
  struct bytes content = {0}, packed = {0};
  while (content.size < 2 * ALWAYS) {
    char row[64];
    snprintf(row, sizeof row, "%zu,100.5,100.5,100.5,100.5,0\n", 1577836800 + content.size);
    append(&content, row, strlen(row));
  }
  append_gzip(&packed, content.data, content.size);
  const uint32_t factor = (uint32_t)(content.size / packed.size);
  assert_true(factor > 4 && factor < 500);
  struct outcome outcome = read_bytes(&packed, &(struct manner){.capacity = 65536}, NULL);
  assert_int_equal(outcome.status, TLW_OK);
  assert_int_equal(outcome.size, content.size);
  outcome = read_bytes(&packed, &(struct manner){.expansion = factor / 2, .capacity = 65536}, NULL);
  assert_int_equal(outcome.status, TLW_ERR_DATA);
  assert_true(outcome.size <= ALWAYS);
  release(&packed);
  release(&content);
}

/* --- Pipes ------------------------------------------------------------------------------------------------------ */

/* A process that writes the bytes part by part. */
static pid_t start_writer(const struct bytes *bytes, size_t part, int to, bool late) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0) return child;
  if (late) usleep(20000);
  for (size_t done = 0; done < bytes->size;) {
    const size_t n = bytes->size - done < part ? bytes->size - done : part;
    const ssize_t written = write(to, bytes->data + done, n);
    if (written < 0) _exit(1);
    done += (size_t)written;
  }
  _exit(0);
}

static struct outcome read_pipe(const struct bytes *bytes, size_t part, bool nonblocking, struct bytes *out) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = start_writer(bytes, part, ends[1], nonblocking);
  close(ends[1]);
  const int saved = dup(STDIN_FILENO);
  assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  close(ends[0]);
  if (nonblocking) assert_int_equal(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), 0);
  const struct outcome outcome = read_path("-", &plainly, out);
  assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still open */
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  return outcome;
}

static void test_pipes(void **state) {
  (void)state;
  struct bytes text = sample_text();
  struct sample samples[SAMPLES];
  make_samples(&text, samples);
  static const size_t parts[] = {1, 7, SIZE_MAX};
  for (size_t i = 0; i < SAMPLES; i++)
    for (size_t k = 0; k < 2 * sizeof parts / sizeof *parts; k++) {
      struct bytes out = {0};
      const struct outcome outcome = read_pipe(&samples[i].packed, parts[k / 2], k % 2, &out);
      assert_int_equal(outcome.status, TLW_OK);
      assert_int_equal(outcome.packing, samples[i].packing);
      assert_int_equal(out.size, text.size);
      assert_memory_equal(out.data, text.data, text.size);
      release(&out);
    }
  struct bytes cut = samples[1].packed;
  cut.size--;
  const struct outcome outcome = read_pipe(&cut, SIZE_MAX, false, NULL);
  assert_int_equal(outcome.status, TLW_ERR_DATA);
  assert_non_null(strstr(outcome.error.message, "standard input: the gzip data ends early"));
  release_samples(samples);
  release(&text);
}

static void test_named_pipe(void **state) {
  (void)state;
  struct bytes content = random_content(300000), packed = {0}, out = {0};
  append_zip(&packed,
             &(struct zip_entry){.name = "a.csv",
                                 .data = content.data,
                                 .size = content.size,
                                 .deflated = true,
                                 .streamed = true,
                                 .descriptor = DESCRIPTOR_SIGNED},
             1);
  const char *path = path_of("pipe");
  assert_int_equal(mkfifo(path, 0600), 0);
  const int keep = open(path, O_RDWR | O_CLOEXEC); /* so that the writer can open it first */
  assert_true(keep >= 0);
  const int to = open(path, O_WRONLY | O_CLOEXEC);
  assert_true(to >= 0);
  const pid_t child = start_writer(&packed, 5000, to, true);
  close(to);
  const int from = open(path, O_RDONLY | O_CLOEXEC); /* so that it lives until it is opened by name */
  close(keep);
  const struct outcome outcome = read_path(path, &plainly, &out);
  close(from);
  assert_int_equal(outcome.status, TLW_OK);
  assert_int_equal(out.size, content.size);
  assert_memory_equal(out.data, content.data, out.size);
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  unlink(path);
  release(&out);
  release(&packed);
  release(&content);
}

static void test_unopened(void **state) {
  (void)state;
  struct outcome outcome = read_path(path_of("missing"), &plainly, NULL);
  assert_int_equal(outcome.status, TLW_ERR_NOT_FOUND);
  assert_int_equal(outcome.error.native, ENOENT);
  outcome = read_path(folder, &plainly, NULL);
  assert_int_equal(outcome.status, TLW_ERR_NOT_FOUND);
  assert_int_equal(outcome.error.native, EISDIR);
}

/* --- Memory and faults ------------------------------------------------------------------------------------------ */

/* Each budget that is refused names one that gets further, and the last of them does. */
static void test_budgets(void **state) {
  (void)state;
  struct bytes text = sample_text();
  struct sample samples[SAMPLES];
  make_samples(&text, samples);
  for (size_t i = 0; i < SAMPLES; i++) {
    struct manner manner = {.capacity = 4096, .budget = 1};
    struct outcome outcome;
    int refusals = 0;
    while ((outcome = read_bytes(&samples[i].packed, &manner, NULL)).status == TLW_ERR_BUDGET) {
      assert_true(outcome.error.bytes > manner.budget);
      assert_true(outcome.peak <= manner.budget);
      manner.budget = outcome.error.bytes;
      refusals++;
    }
    assert_int_equal(outcome.status, TLW_OK);
    assert_true(refusals > 0 && refusals < 10);
    assert_true(manner.budget <= (samples[i].packing == TLW_PACKING_ZSTD ? 1 << 20 : 160 << 10));
    assert_int_equal(outcome.peak, manner.budget);
  }
  release_samples(samples);
  release(&text);
}

static int count_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

/* The nth operation of the kind fails, or all from there on, for n = 1 until there are no more. */
static void strike(const char *path, const struct manner *manner, enum tlw_fault_kind kind, bool lasting) {
  const tlw_status expected = kind == TLW_FAULT_MEMORY ? TLW_ERR_MEMORY : TLW_ERR_IO;
  int failures = 0;
  for (uint64_t nth = 1; nth < MOST_OPERATIONS; nth++) {
    const int descriptors = count_descriptors();
    tlw_fault_plant(kind, nth, lasting);
    const struct outcome outcome = read_path(path, manner, NULL);
    const uint64_t struck = tlw_fault_struck(kind);
    tlw_fault_plant(kind, 0, false);
    assert_int_equal(count_descriptors(), descriptors);
    if (struck == 0) {
      assert_int_equal(outcome.status, TLW_OK);
      assert_true(failures > 0);
      return;
    }
    if (outcome.status == TLW_OK) {
      assert_int_equal(kind, TLW_FAULT_FILE); /* closing it */
      continue;
    }
    failures++;
    assert_int_equal(outcome.status, expected);
    if (kind == TLW_FAULT_FILE) assert_int_equal(outcome.error.native, EIO);
  }
  fail_msg("the operations do not end");
}

static void test_faults(void **state) {
  (void)state;
  struct bytes content = random_content(300000);
  struct sample samples[SAMPLES];
  make_samples(&content, samples);
  for (size_t i = 0; i < SAMPLES; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s", path_of("file"));
    write_bytes(path, samples[i].packed.data, samples[i].packed.size);
    for (int form = 0; form < 8; form++) {
      const struct manner manner = {.capacity = 50000, .budget = form & 1 ? UINT64_MAX : 0};
      strike(path, &manner, form & 2 ? TLW_FAULT_FILE : TLW_FAULT_MEMORY, form & 4);
    }
  }
  release_samples(samples);
  release(&content);
}

/* --- libzstd ---------------------------------------------------------------------------------------------------- */

static void *read_in_thread(void *path) {
  struct tlw_input *input;
  tlw_error error;
  char block[4096];
  size_t size = 0;
  if (tlw_input_open(path, 0, NULL, &input, &error) != TLW_OK) return "refused";
  const tlw_status status = tlw_input_read(input, block, sizeof block, &size, &error);
  tlw_input_close(&input);
  return status == TLW_OK && size > 0 ? NULL : "not read";
}

static void test_zstd_threads(void **state) {
  (void)state;
  char path[256];
  snprintf(path, sizeof path, "%s", path_of("file"));
  write_bytes(path, sample_zstd, sizeof sample_zstd);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_in_thread, path), 0);
  for (int i = 0; i < 4; i++) {
    void *fault;
    assert_int_equal(pthread_join(threads[i], &fault), 0);
    assert_null(fault);
  }
}

/* What the program itself does for the test below. */
static int print_refusal(const char *path) {
  struct tlw_input *input;
  tlw_error error;
  const tlw_status status = tlw_input_open(path, 0, NULL, &input, &error);
  if (status == TLW_OK)
    tlw_input_close(&input);
  else
    printf("%s\n", error.message);
  return (int)status;
}

/* Runs the program again, with the folder's libzstd in front of the system's. */
static int open_elsewhere(const char *path, char *message, size_t size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    setenv("LD_LIBRARY_PATH", folder, 1);
    execl(program, program, "open", path, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  FILE *from = fdopen(ends[0], "r");
  assert_non_null(from);
  message[fread(message, 1, size - 1, from)] = '\0';
  fclose(from);
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  assert_true(WIFEXITED(result));
  return WEXITSTATUS(result);
}

static void test_zstd_missing(void **state) {
  (void)state;
  char path[256], library[256], message[1000];
  snprintf(path, sizeof path, "%s", path_of("file"));
  snprintf(library, sizeof library, "%s", path_of("libzstd.so.1"));
  write_bytes(path, sample_zstd, sizeof sample_zstd);
  assert_int_equal(open_elsewhere(path, message, sizeof message), TLW_OK);
  write_bytes(library, "", 0);
  assert_int_equal(open_elsewhere(path, message, sizeof message), TLW_ERR_UNAVAILABLE);
  if (strncmp(message, path, strlen(path)) != 0 || !strstr(message, "is packed by Zstandard: install libzstd") ||
      !strstr(message, "unpack it with zstd -d") || !strstr(message, "could not be loaded"))
    fail_msg("%s", message);
  unlink(library);
  Dl_info other; /* a library, but not this one */
  assert_true(dladdr((const void *)(uintptr_t)inflate, &other) != 0);
  assert_int_equal(symlink(other.dli_fname, library), 0);
  assert_int_equal(open_elsewhere(path, message, sizeof message), TLW_ERR_UNAVAILABLE);
  if (!strstr(message, "libzstd is too old")) fail_msg("%s", message);
  unlink(library);
  write_bytes(path, "plain", 5);
  write_bytes(library, "", 0);
  assert_int_equal(open_elsewhere(path, message, sizeof message), TLW_OK);
  unlink(library);
}

/* --- Run -------------------------------------------------------------------------------------------------------- */

static int remove_folder(void **state) {
  unlink(path_of("file"));
  return folder_remove(state);
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 3 && strcmp(argv[1], "open") == 0) return print_refusal(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_magic_cut),
      cmocka_unit_test(test_foreign),
      cmocka_unit_test(test_gzip),
      cmocka_unit_test(test_gzip_garbage),
      cmocka_unit_test(test_zstd),
      cmocka_unit_test(test_zstd_packed),
      cmocka_unit_test(test_zstd_refused),
      cmocka_unit_test(test_zstd_window),
      cmocka_unit_test(test_zip),
      cmocka_unit_test(test_zip_beside),
      cmocka_unit_test(test_zip_passed_over),
      cmocka_unit_test(test_zip_much_beside),
      cmocka_unit_test(test_zip_longest_header),
      cmocka_unit_test(test_zip_refused),
      cmocka_unit_test(test_zip_wrong_numbers),
      cmocka_unit_test(test_zip_ambiguous_descriptor),
      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_noise),
      cmocka_unit_test(test_nested),
      cmocka_unit_test(test_bombs),
      cmocka_unit_test(test_expansion_allowed),
      cmocka_unit_test(test_pipes),
      cmocka_unit_test(test_named_pipe),
      cmocka_unit_test(test_unopened),
      cmocka_unit_test(test_budgets),
      cmocka_unit_test(test_faults),
      cmocka_unit_test(test_zstd_threads),
      cmocka_unit_test(test_zstd_missing),
  };
  return cmocka_run_group_tests(tests, folder_make, remove_folder);
}
