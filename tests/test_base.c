/* Host memory, counters, threads and CPU counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/cpus.h"
#include "host/base/error.h"
#include "host/base/library.h"
#include "host/base/memory.h"
#include "host/base/threads.h"

static void test_gauge_keeps_its_limit(void **state) {
  (void)state;
  struct tlw_gauge gauge = {0};
  assert_true(tlw_gauge_add(&gauge, 60, 100));
  assert_true(tlw_gauge_add(&gauge, 40, 100));
  assert_false(tlw_gauge_add(&gauge, 1, 100));
  assert_false(tlw_gauge_add(&gauge, UINT64_MAX, UINT64_MAX));
  tlw_gauge_sub(&gauge, 60);
  assert_true(tlw_gauge_add(&gauge, 10, 100));
  const tlw_counter counter = tlw_gauge_read(&gauge);
  assert_int_equal(counter.current, 50);
  assert_int_equal(counter.peak, 100);
  assert_int_equal(counter.total, 110);
}

static void *add_and_sub(void *gauge) {
  for (int i = 0; i < 20000; i++)
    if (tlw_gauge_add(gauge, 3, 7)) tlw_gauge_sub(gauge, 3);
  return NULL;
}

static void test_gauge_from_threads(void **state) {
  (void)state;
  struct tlw_gauge gauge = {0};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, add_and_sub, &gauge), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  const tlw_counter counter = tlw_gauge_read(&gauge);
  assert_int_equal(counter.current, 0);
  assert_in_range(counter.peak, 3, 6);
  assert_int_equal(counter.total % 3, 0);
}

static void test_memory_budget_names_what_would_do(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = 1000};
  tlw_error error;
  unsigned char *first = tlw_memory_alloc(&memory, 500, "a test", &error);
  assert_non_null(first);
  assert_int_equal((uintptr_t)first % TLW_MEMORY_ALIGN, 0);
  for (int i = 0; i < 500; i++) assert_int_equal(first[i], 0);
  assert_null(tlw_memory_alloc(&memory, 500, "a test", &error));
  assert_int_equal(error.code, TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, 1024);
  memory.budget = error.bytes;
  void *second = tlw_memory_alloc(&memory, 500, "a test", &error);
  assert_non_null(second);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 1024);
  tlw_memory_free(&memory, first, 500);
  tlw_memory_free(&memory, second, 500);
  tlw_memory_free(&memory, NULL, 500);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  assert_null(tlw_memory_alloc(&memory, UINT64_MAX, "a test", NULL));
}

static void test_memory_that_the_system_lacks_is_not_counted(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  tlw_error error;
  assert_null(tlw_memory_alloc(&memory, (uint64_t)1 << 62, "a test", &error));
  assert_int_equal(error.code, TLW_ERR_MEMORY);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
}

static void test_block_grows_and_is_kept(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  struct tlw_block block = {0};
  assert_int_equal(tlw_block_reserve(&memory, &block, 100, "a test", NULL), TLW_OK);
  void *data = block.data;
  assert_int_equal(tlw_block_reserve(&memory, &block, 50, "a test", NULL), TLW_OK);
  assert_ptr_equal(block.data, data);
  assert_int_equal(tlw_block_reserve(&memory, &block, 5000, "a test", NULL), TLW_OK);
  assert_int_equal(block.size, 5000);
  tlw_block_free(&memory, &block);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
}

struct visits {
  _Atomic int count[1000];
  _Atomic int in_worker[8];
};

static void visit(void *context, uint32_t worker, int64_t item) {
  struct visits *visits = context;
  assert_int_equal(atomic_fetch_add(&visits->in_worker[worker], 1), 0);
  visits->count[item]++;
  visits->in_worker[worker]--;
}

static void test_team_visits_each_item_once(void **state) {
  (void)state;
  for (uint32_t threads = 1; threads <= 5; threads++) {
    struct tlw_memory memory = {.budget = UINT64_MAX};
    struct tlw_team *team;
    assert_int_equal(tlw_team_open(&team, threads, &memory, NULL), TLW_OK);
    assert_int_equal(tlw_team_threads(team), threads);
    for (int items = 0; items <= 1000; items += 1 + items / 3) {
      struct visits visits;
      memset(&visits, 0, sizeof visits);
      tlw_team_run(team, 1 + (uint32_t)items % threads, items, visit, &visits);
      for (int i = 0; i < 1000; i++) assert_int_equal(visits.count[i], i < items);
    }
    tlw_team_close(&team);
    assert_null(team);
    tlw_team_close(&team);
    assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
  }
}

static void put(const char *root, const char *path, const char *text) {
  char name[512];
  snprintf(name, sizeof name, "%s/%s", root, path);
  for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(name, 0700);
    *slash = '/';
  }
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static uint32_t quota(const char *root, const char *membership) {
  char file[512];
  put(root, "membership", membership);
  snprintf(file, sizeof file, "%s/membership", root);
  return tlw_cpus_quota(file, root);
}

static void test_cgroup_quota(void **state) {
  (void)state;
  char root[] = "/tmp/tallow_cgroup_XXXXXX";
  assert_non_null(mkdtemp(root));
  put(root, "job/cpu.max", "max 100000\n");
  put(root, "job/step/cpu.max", "150000 100000\n");
  put(root, "tight/cpu.max", "100000 100000\n");
  put(root, "tight/wide/cpu.max", "800000 100000\n");
  put(root, "sliver/cpu.max", "1000 100000\n");
  put(root, "broken/cpu.max", "nonsense\n");
  assert_int_equal(quota(root, "0::/job\n"), UINT32_MAX);
  assert_int_equal(quota(root, "0::/job/step\n"), 2);   /* 1.5, rounded up */
  assert_int_equal(quota(root, "0::/tight/wide\n"), 1); /* the group above allows less */
  assert_int_equal(quota(root, "0::/sliver\n"), 1);
  assert_int_equal(quota(root, "0::/broken\n"), UINT32_MAX);
  assert_int_equal(quota(root, "0::/gone\n"), UINT32_MAX);
  assert_int_equal(quota(root, "no colons\n"), UINT32_MAX);
  put(root, "cpu,cpuacct/old/cpu.cfs_quota_us", "300000\n");
  put(root, "cpu,cpuacct/old/cpu.cfs_period_us", "100000\n");
  assert_int_equal(quota(root, "5:memory:/old\n4:cpu,cpuacct:/old\n"), 3);
  put(root, "cpu,cpuacct/old/cpu.cfs_quota_us", "-1\n");
  assert_int_equal(quota(root, "4:cpu,cpuacct:/old\n"), UINT32_MAX);
  assert_int_equal(tlw_cpus_quota("/nonexistent", root), UINT32_MAX);
  char command[600];
  snprintf(command, sizeof command, "rm -r %s", root);
  assert_int_equal(system(command), 0);
}

static void test_cpus(void **state) {
  (void)state;
  assert_in_range(tlw_cpus(), 1, 1 << 20);
  char name[64];
  tlw_cpus_name(name, sizeof name);
  assert_true(strlen(name) > 0);
  assert_true(tlw_cpus_memory() > 1 << 20);
}

static void test_library_reasons(void **state) {
  (void)state;
  char reason[256];
  void *table[2];
  const char *const names[] = {"strlen", "tlw_no_such_symbol"};
  assert_true(tlw_library_load("libc.so.6", "the C library", names, 1, table, reason, sizeof reason));
  assert_false(tlw_library_load("libc.so.6", "the C library", names, 2, table, reason, sizeof reason));
  assert_non_null(strstr(reason, "tlw_no_such_symbol"));
  assert_false(tlw_library_load("libtallow_none.so.9", "nothing", names, 1, table, reason, sizeof reason));
  assert_non_null(strstr(reason, "libtallow_none.so.9"));
}

static void test_error_record(void **state) {
  (void)state;
  tlw_error error;
  memset(&error, 0x5a, sizeof error);
  assert_int_equal(tlw_fail_at(&error, TLW_ERR_DATA, 7, 3, "row %d", 7), TLW_ERR_DATA);
  assert_int_equal(error.code, TLW_ERR_DATA);
  assert_int_equal(error.row, 7);
  assert_int_equal(error.column, 3);
  assert_int_equal(error.native, 0);
  assert_int_equal(error.bytes, 0);
  assert_string_equal(error.message, "row 7");
  assert_int_equal(tlw_fail(NULL, TLW_ERR_IO, "%s", "nobody asks"), TLW_ERR_IO);
  char text[2 * TLW_ERROR_MESSAGE_SIZE];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = 0;
  tlw_fail(&error, TLW_ERR_IO, "%s", text);
  assert_int_equal(strlen(error.message), TLW_ERROR_MESSAGE_SIZE - 1);
  for (int code = TLW_OK; code <= TLW_ERR_INTERNAL; code++)
    assert_string_not_equal(tlw_status_name((tlw_status)code), "TLW_ERR_UNKNOWN");
  assert_string_equal(tlw_status_name((tlw_status)99), "TLW_ERR_UNKNOWN");
  assert_string_equal(tlw_version(), TLW_VERSION_STRING);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gauge_keeps_its_limit),
      cmocka_unit_test(test_gauge_from_threads),
      cmocka_unit_test(test_memory_budget_names_what_would_do),
      cmocka_unit_test(test_memory_that_the_system_lacks_is_not_counted),
      cmocka_unit_test(test_block_grows_and_is_kept),
      cmocka_unit_test(test_team_visits_each_item_once),
      cmocka_unit_test(test_cgroup_quota),
      cmocka_unit_test(test_cpus),
      cmocka_unit_test(test_library_reasons),
      cmocka_unit_test(test_error_record),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
