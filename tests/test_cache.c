/* The cache of compiled kernels: bounded, and never believing a file that is not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/gpu/cache.h"

static char root[] = "/tmp/tallow_cache_XXXXXX";

static int make_root(void **state) {
  (void)state;
  return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
  (void)state;
  char command[200];
  snprintf(command, sizeof command, "rm -r %s", root);
  return system(command);
}

static struct tlw_cache open_at(const char *folder) {
  struct tlw_cache cache;
  char path[200];
  snprintf(path, sizeof path, "%s/%s", root, folder);
  tlw_cache_open(&cache, path);
  return cache;
}

static int count(const struct tlw_cache *cache) {
  int n = 0;
  DIR *folder = opendir(cache->folder);
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder));) n += entry->d_name[0] != '.';
  closedir(folder);
  return n;
}

static bool is_there(const struct tlw_cache *cache, uint64_t key) {
  struct tlw_memory memory = {.budget = UINT64_MAX};
  struct tlw_block content = {0};
  const bool there = tlw_cache_load(cache, key, &memory, &content);
  if (!there) assert_null(content.data);
  tlw_block_free(&memory, &content);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  return there;
}

static void test_what_is_stored_comes_back(void **state) {
  (void)state;
  const struct tlw_cache cache = open_at("a/deep/folder");
  assert_false(is_there(&cache, 1));
  assert_true(tlw_cache_store(&cache, 1, "kernels", 7));
  assert_true(tlw_cache_store(&cache, 2, NULL, 0));
  struct tlw_memory memory = {.budget = 64};
  struct tlw_block content = {0};
  assert_true(tlw_cache_load(&cache, 1, &memory, &content));
  assert_int_equal(content.size, 7);
  assert_memory_equal(content.data, "kernels", 7);
  tlw_block_free(&memory, &content);
  assert_true(tlw_cache_load(&cache, 2, &memory, &content));
  assert_int_equal(content.size, 0);
  assert_false(is_there(&cache, 3));
  memory.budget = 63; /* what can't be held within the budget is as good as not there */
  assert_false(tlw_cache_load(&cache, 1, &memory, &content));
  assert_null(content.data);
  assert_int_equal(count(&cache), 2);
}

static void test_no_cache(void **state) {
  (void)state;
  struct tlw_cache cache;
  tlw_cache_open(&cache, "");
  assert_false(tlw_cache_store(&cache, 1, "x", 1));
  assert_false(is_there(&cache, 1));
}

static void test_folder_by_environment(void **state) {
  (void)state;
  struct tlw_cache cache;
  setenv("XDG_CACHE_HOME", "/x", 1);
  tlw_cache_open(&cache, NULL);
  assert_string_equal(cache.folder, "/x/tallow");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/h", 1);
  tlw_cache_open(&cache, NULL);
  assert_string_equal(cache.folder, "/h/.cache/tallow");
  unsetenv("HOME");
  tlw_cache_open(&cache, NULL);
  assert_string_equal(cache.folder, "");
}

static void test_a_folder_that_cannot_be(void **state) {
  (void)state;
  const struct tlw_cache file = open_at("file");
  FILE *stream = fopen(file.folder, "w");
  assert_non_null(stream);
  fclose(stream);
  assert_false(tlw_cache_store(&file, 1, "x", 1));
  const struct tlw_cache below = open_at("file/below");
  assert_false(tlw_cache_store(&below, 1, "x", 1));
}

/* Every file shortened or with a byte changed is refused. */
static void test_damaged_files(void **state) {
  (void)state;
  const struct tlw_cache cache = open_at("damaged");
  assert_true(tlw_cache_store(&cache, 7, "0123456789", 10));
  char path[1200];
  snprintf(path, sizeof path, "%s/0000000000000007.kernels", cache.folder);
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  unsigned char whole[256];
  const size_t size = fread(whole, 1, sizeof whole, stream);
  fclose(stream);
  for (size_t i = 0; i < size; i++) {
    for (int shorten = 0; shorten <= 1; shorten++) {
      stream = fopen(path, "wb");
      assert_non_null(stream);
      unsigned char changed[256];
      memcpy(changed, whole, size);
      if (!shorten) changed[i] ^= 0x40;
      assert_int_equal(fwrite(changed, 1, shorten ? i : size, stream), shorten ? i : size);
      fclose(stream);
      assert_false(is_there(&cache, 7));
    }
  }
}

static void put(const struct tlw_cache *cache, const char *name, time_t written) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s", cache->folder, name);
  FILE *stream = fopen(path, "wb");
  assert_non_null(stream);
  fclose(stream);
  const struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The oldest go; files of others stay, however old; so do unfinished files, unless they are long dead. */
static void test_number_of_files_is_bounded(void **state) {
  (void)state;
  const struct tlw_cache cache = open_at("bounded");
  assert_true(tlw_cache_store(&cache, 1, "x", 1));
  put(&cache, "my.kernels", 1);
  put(&cache, "0123456789abcdef.kernels.old", 1);
  put(&cache, "0123456789abcdef.kernels.dead00", 1);
  put(&cache, "0123456789abcdef.kernels.alive0", time(NULL));
  for (uint64_t key = 1; key <= TLW_CACHE_FILES + 20; key++)
    assert_true(tlw_cache_store(&cache, key, &key, sizeof key));
  assert_int_equal(count(&cache), TLW_CACHE_FILES + 3);
  assert_true(is_there(&cache, TLW_CACHE_FILES + 20));
  char path[1200];
  snprintf(path, sizeof path, "%s/my.kernels", cache.folder);
  assert_int_equal(access(path, F_OK), 0);
  snprintf(path, sizeof path, "%s/0123456789abcdef.kernels.dead00", cache.folder);
  assert_int_not_equal(access(path, F_OK), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_stored_comes_back),
      cmocka_unit_test(test_no_cache),
      cmocka_unit_test(test_folder_by_environment),
      cmocka_unit_test(test_a_folder_that_cannot_be),
      cmocka_unit_test(test_damaged_files),
      cmocka_unit_test(test_number_of_files_is_bounded),
  };
  return cmocka_run_group_tests(tests, make_root, remove_root);
}
