/*
 * Digests: the examples of FIPS 180-4, every short length and random chunks against a slow SHA-256, threads that load
 * libcrypto at one time; and, in processes of their own with another libcrypto, what happens where there is none, where
 * it is too old, where only that of OpenSSL 1.1 is there, and where its calls fail, in digests and in streams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sha256.h"
#include "tallow/tallow.h"

#define GUARD 16

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static tlw_digest *open_digest(void) {
  tlw_digest *digest = NULL;
  tlw_error error;
  if (tlw_digest_open(&digest, &error) != TLW_OK) fail_msg("%s", error.message);
  assert_non_null(digest);
  return digest;
}

/* Ends a digest into poisoned memory with guards, and compares. */
static void expect(tlw_digest *digest, const uint8_t wanted[TLW_DIGEST_SIZE]) {
  uint8_t out[GUARD + TLW_DIGEST_SIZE + GUARD], guard[GUARD];
  memset(out, 0xC3, sizeof out);
  memset(guard, 0xC3, sizeof guard);
  tlw_error error;
  memset(&error, 0x5A, sizeof error);
  const tlw_error untouched = error;
  assert_int_equal(tlw_digest_end(digest, out + GUARD, &error), TLW_OK);
  assert_memory_equal(&error, &untouched, sizeof error);
  assert_memory_equal(out + GUARD, wanted, TLW_DIGEST_SIZE);
  assert_memory_equal(out, guard, GUARD);
  assert_memory_equal(out + GUARD + TLW_DIGEST_SIZE, guard, GUARD);
}

/* ---- right ---- */

#define THREADS 8

/* The first digests of the process. */
static void *make_first(void *argument) {
  tlw_digest *digest = NULL;
  bool *good = argument;
  uint8_t out[TLW_DIGEST_SIZE], wanted[SHA256_SIZE];
  sha256_of("abc", 3, wanted);
  if (tlw_digest_open(&digest, NULL) == TLW_OK) {
    tlw_digest_add(digest, "abc", 3);
    *good = tlw_digest_end(digest, out, NULL) == TLW_OK && memcmp(out, wanted, sizeof out) == 0;
  }
  tlw_digest_close(&digest);
  return NULL;
}

static void test_threads_that_come_first(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  bool good[THREADS] = {false};
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, make_first, &good[i]), 0);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < THREADS; i++) assert_true(good[i]);
}

static void parse(const char *hex, uint8_t out[TLW_DIGEST_SIZE]) {
  for (size_t i = 0; i < TLW_DIGEST_SIZE; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    out[i] = (uint8_t)byte;
  }
}

static const struct {
  const char *text;
  int times;
  const char *digest;
} examples[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void test_examples_of_the_standard(void **state) {
  (void)state;
  tlw_digest *digest = open_digest();
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    uint8_t wanted[TLW_DIGEST_SIZE], slow[SHA256_SIZE];
    sha256 s;
    parse(examples[i].digest, wanted);
    sha256_begin(&s);
    for (int k = 0; k < examples[i].times; k++) {
      sha256_add(&s, examples[i].text, strlen(examples[i].text));
      tlw_digest_add(digest, examples[i].text, strlen(examples[i].text));
    }
    sha256_end(&s, slow);
    assert_memory_equal(slow, wanted, sizeof slow);
    expect(digest, wanted);
  }
  tlw_digest_close(&digest);
  assert_null(digest);
}

#define MOST_BYTES 70000

static void test_lengths_and_chunks(void **state) {
  (void)state;
  static uint8_t bytes[MOST_BYTES];
  uint64_t random = 20250901;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random(&random);
  tlw_digest *digest = open_digest();
  for (int i = 0; i < 700; i++) {
    uint8_t wanted[SHA256_SIZE];
    const size_t size = i < 300 ? (size_t)i : (size_t)(next_random(&random) % MOST_BYTES);
    const size_t most = i % 2 == 0 ? size + 1 : 150;
    sha256_of(bytes, size, wanted);
    for (size_t done = 0; done < size;) {
      size_t n = (size_t)(next_random(&random) % (most + 1));
      if (n > size - done) n = size - done;
      tlw_digest_add(digest, n > 0 ? bytes + done : NULL, n);
      done += n;
    }
    expect(digest, wanted);
  }
  tlw_digest_close(&digest);
}

/* Digests that are open at one time know nothing of each other. */
static void test_two_at_one_time(void **state) {
  (void)state;
  tlw_digest *first = open_digest(), *second = open_digest();
  uint8_t wanted[SHA256_SIZE];
  tlw_digest_add(first, "one", 3);
  tlw_digest_add(second, "another", 7);
  tlw_digest_add(first, " more", 5);
  sha256_of("another", 7, wanted);
  expect(second, wanted);
  tlw_digest_close(&second);
  sha256_of("one more", 8, wanted);
  expect(first, wanted);
  tlw_digest_close(&first);
}

static void test_wrong_arguments(void **state) {
  (void)state;
  tlw_error error;
  assert_int_equal(tlw_digest_open(NULL, &error), TLW_ERR_ARGUMENT);
  assert_int_equal(error.code, TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_digest_open(NULL, NULL), TLW_ERR_ARGUMENT);
  uint8_t out[TLW_DIGEST_SIZE];
  assert_int_equal(tlw_digest_end(NULL, out, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "digest"));
  tlw_digest *digest = open_digest();
  assert_int_equal(tlw_digest_end(digest, NULL, &error), TLW_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "out"));
  uint8_t wanted[SHA256_SIZE];
  tlw_digest_add(digest, "abc", 3);
  assert_int_equal(tlw_digest_end(digest, NULL, NULL), TLW_ERR_ARGUMENT);
  sha256_of("abc", 3, wanted);
  expect(digest, wanted);
  tlw_digest_close(&digest);
  tlw_digest_close(&digest);
  tlw_digest_close(NULL);
}

/* ---- another libcrypto: what the children do ---- */

/* A digest of "abc", three times. */
static int make_three(void) {
  tlw_digest *digest = (tlw_digest *)(void *)"";
  tlw_error error = {.code = TLW_OK};
  printf("open %s", tlw_status_name(tlw_digest_open(&digest, &error)));
  if (digest == NULL) {
    printf(": %s\n", error.message);
    return error.code == TLW_OK;
  }
  uint8_t wanted[SHA256_SIZE], zeros[TLW_DIGEST_SIZE] = {0};
  sha256_of("abc", 3, wanted);
  for (int i = 0; i < 3; i++) {
    uint8_t out[TLW_DIGEST_SIZE];
    memset(out, 0xC3, sizeof out);
    tlw_digest_add(digest, "ab", 2);
    tlw_digest_add(digest, "c", 1);
    const tlw_status status = tlw_digest_end(digest, out, &error);
    const bool good = memcmp(out, status == TLW_OK ? wanted : zeros, sizeof out) == 0;
    printf(" %s", !good ? "wrong" : tlw_status_name(status));
  }
  tlw_digest_close(&digest);
  printf("\n");
  return 0;
}

#define CHARTS 12
#define ROWS_EACH 50

static double price[CHARTS * ROWS_EACH];

struct counts {
  int64_t delivered, pieces;
  uint64_t left; /* bytes of the engine's */
};

static tlw_status count(void *user, const tlw_piece *piece, tlw_error *error) {
  struct counts *counts = user;
  (void)error;
  counts->pieces++;
  if (piece->chart != counts->delivered) return TLW_ERR_INTERNAL;
  if (piece->last && (piece->raster_digest == NULL || piece->file_digest == NULL)) return TLW_ERR_INTERNAL;
  counts->delivered += piece->last;
  return TLW_OK;
}

/* What a stream with digests comes to, with one encoder; in bands where the budget has no room for a chart. */
static tlw_status try_to_stream(uint64_t budget, struct counts *counts, tlw_error *error) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  if (budget > 0) options.host_budget = budget;
  tlw_engine *engine = NULL;
  tlw_status status = tlw_engine_open(&engine, &options, error);
  if (status != TLW_OK) return status;
  tlw_stats before = {.struct_size = sizeof before}, after = before;
  tlw_engine_stats(engine, &before, NULL);
  tlw_stream_options stream_options;
  tlw_stream_options_init(&stream_options);
  stream_options.format = TLW_STREAM_PNG;
  stream_options.digest = 1;
  stream_options.encoders = 1;
  stream_options.sink = count;
  stream_options.sink_user = counts;
  tlw_stream *stream = NULL;
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = candles.high = candles.low = candles.close = candles.volume = price;
  candles.n_rows = CHARTS * ROWS_EACH;
  candles.n_series = CHARTS;
  static int64_t offsets[CHARTS + 1];
  for (int i = 0; i <= CHARTS; i++) offsets[i] = (int64_t)ROWS_EACH * i;
  candles.offsets = offsets;
  tlw_chart_options chart;
  tlw_chart_options_init(&chart);
  chart.width = chart.height = budget > 0 ? 1000 : 64;
  *counts = (struct counts){0};
  status = tlw_stream_open(&stream, &engine, 1, &stream_options, error);
  if (status == TLW_OK) status = tlw_stream_push(stream, &candles, &chart, NULL, NULL, error);
  if (status == TLW_OK)
    status = tlw_stream_finish(stream, error);
  else if (stream)
    tlw_stream_finish(stream, NULL); /* what comes before a failure is still delivered */
  tlw_stream_close(&stream);
  tlw_engine_reset(engine, TLW_RESET_MEMORY, NULL);
  tlw_engine_stats(engine, &after, NULL);
  counts->left = after.host_bytes.current - before.host_bytes.current;
  tlw_engine_close(&engine);
  return status;
}

static int make_stream(bool banded) {
  for (int i = 0; i < CHARTS * ROWS_EACH; i++) price[i] = 10 + i % 7;
  struct counts counts;
  uint64_t budget = banded;
  tlw_error error;
  tlw_status status = try_to_stream(budget, &counts, &error);
  for (int i = 0; i < 4 && status == TLW_ERR_BUDGET; i++) {
    budget = error.bytes;
    status = try_to_stream(budget, &counts, &error);
  }
  if (banded && counts.delivered > 0 && counts.pieces <= counts.delivered) printf("not in bands: ");
  printf("%s, %d charts, %llu bytes left\n", tlw_status_name(status), (int)counts.delivered,
         (unsigned long long)counts.left);
  return 0;
}

/* ---- and what they must say ---- */

static char self[4096];

static void link_library(const char *folder, const char *name, const char *library) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  unlink(path);
  if (library != NULL) assert_int_equal(symlink(library, path), 0);
}

/* A child with these files in place of libcrypto.so.3 and libcrypto.so.1.1; "": a file that is no library. */
static void expect_child(const char *newer, const char *older, const char *failure, const char *work,
                         const char *wanted) {
  static char folder[64], command[9000], said[1000];
  strcpy(folder, "/tmp/tallow_digest_XXXXXX");
  assert_non_null(mkdtemp(folder));
  link_library(folder, "libcrypto.so.3", *newer ? newer : "/etc/passwd");
  link_library(folder, "libcrypto.so.1.1", *older ? older : "/etc/passwd");
  snprintf(command, sizeof command, "LD_LIBRARY_PATH='%s' TALLOW_FAKE_CRYPTO='%s' '%s' %s", folder, failure, self,
           work);
  FILE *child = popen(command, "r");
  assert_non_null(child);
  const size_t n = fread(said, 1, sizeof said - 1, child);
  said[n] = '\0';
  const int status = pclose(child);
  link_library(folder, "libcrypto.so.3", NULL);
  link_library(folder, "libcrypto.so.1.1", NULL);
  rmdir(folder);
  if (status != 0 || strstr(said, wanted) != said)
    fail_msg("%s, '%s': status %d, it says '%s' in place of '%s'", work, failure, status, said, wanted);
}

#define GOOD FAKE_CRYPTO
#define OLD OLD_CRYPTO

static void test_no_libcrypto(void **state) {
  (void)state;
  static const char *const missing =
      "open TLW_ERR_UNAVAILABLE: a SHA-256 needs OpenSSL 1.1 or 3: install it. libcrypto "
      "of OpenSSL 3";
  expect_child("", "", "", "three", missing);
  expect_child(OLD, "", "", "three", missing);
  expect_child(OLD, OLD, "", "three", missing);
  expect_child("", "", "", "stream", "TLW_ERR_UNAVAILABLE, 0 charts, 0 bytes left");
}

static void test_older_libcrypto(void **state) {
  (void)state;
  static const char *const all = "open TLW_OK TLW_OK TLW_OK TLW_OK\n";
  expect_child(GOOD, "", "", "three", all);
  expect_child("", GOOD, "", "three", all);
  expect_child(OLD, GOOD, "", "three", all);
  expect_child(OLD, GOOD, "", "stream", "TLW_OK, 12 charts, 0 bytes left");
}

/* After a call that failed the digest says so, and the next one is right. */
static void test_calls_that_fail(void **state) {
  (void)state;
  expect_child(GOOD, "", "new:1", "three", "open TLW_ERR_MEMORY: ");
  expect_child(GOOD, "", "init:1", "three", "open TLW_ERR_UNAVAILABLE: libcrypto refuses");
  expect_child(GOOD, "", "init:2", "three", "open TLW_OK TLW_OK TLW_ERR_INTERNAL TLW_OK\n");
  expect_child(GOOD, "", "update:1", "three", "open TLW_OK TLW_ERR_INTERNAL TLW_OK TLW_OK\n");
  expect_child(GOOD, "", "update:4", "three", "open TLW_OK TLW_OK TLW_ERR_INTERNAL TLW_OK\n");
  expect_child(GOOD, "", "final:2", "three", "open TLW_OK TLW_OK TLW_ERR_INTERNAL TLW_OK\n");
}

/* A stream of one encoder, whose digests are two of bands and one of its own, and end with a raster, then a file. */
static void test_streams_whose_digests_fail(void **state) {
  (void)state;
  static const char *const works[] = {"stream", "bands"};
  for (int i = 0; i < 2; i++) {
    const char *work = works[i];
    expect_child(GOOD, "", "", work, "TLW_OK, 12 charts, 0 bytes left");
    expect_child(GOOD, "", "new:1", work, "TLW_ERR_MEMORY, 0 charts, 0 bytes left");
    expect_child(GOOD, "", "init:2", work, "TLW_ERR_UNAVAILABLE, 0 charts, 0 bytes left");
    expect_child(GOOD, "", "new:3", work, "TLW_ERR_MEMORY, 0 charts, 0 bytes left");
    expect_child(GOOD, "", "final:1", work, "TLW_ERR_INTERNAL, 0 charts, 0 bytes left");
    expect_child(GOOD, "", "final:2", work, "TLW_ERR_INTERNAL, 0 charts, 0 bytes left");
    expect_child(GOOD, "", "final:9", work, "TLW_ERR_INTERNAL, 4 charts, 0 bytes left");
    expect_child(GOOD, "", "final:24", work, "TLW_ERR_INTERNAL, 11 charts, 0 bytes left");
    expect_child(GOOD, "", "update:2", work, "TLW_ERR_INTERNAL, 0 charts, 0 bytes left");
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "three") == 0) return make_three();
  if (argc == 2 && strcmp(argv[1], "stream") == 0) return make_stream(false);
  if (argc == 2 && strcmp(argv[1], "bands") == 0) return make_stream(true);
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 1) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_threads_that_come_first),
      cmocka_unit_test(test_examples_of_the_standard),
      cmocka_unit_test(test_lengths_and_chunks),
      cmocka_unit_test(test_two_at_one_time),
      cmocka_unit_test(test_wrong_arguments),
      cmocka_unit_test(test_no_libcrypto),
      cmocka_unit_test(test_older_libcrypto),
      cmocka_unit_test(test_calls_that_fail),
      cmocka_unit_test(test_streams_whose_digests_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
