/* Budgets from threads, large blocks that go back to the system, and planted faults in memory and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/base/fault.h"
#include "host/base/file.h"
#include "host/base/memory.h"

#define LARGE ((uint64_t)1 << 20)

static uint64_t random_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state >> 11;
}

static bool is_all(const unsigned char *bytes, uint64_t n, unsigned char value) {
  for (uint64_t i = 0; i < n; i++)
    if (bytes[i] != value) return false;
  return true;
}

static void test_blocks_of_every_size(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  const uint64_t sizes[] = {0,          1,          63,         64,    65,        4096,
                            LARGE - 65, LARGE - 64, LARGE - 63, LARGE, LARGE + 1, 5 * LARGE - 1};
  uint64_t total = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const uint64_t counted = tlw_memory_counted(sizes[i]);
    assert_int_equal(counted % TLW_MEMORY_ALIGN, 0);
    for (int again = 0; again < 2; again++) { /* zero also where it was used before */
      unsigned char *block = tlw_memory_alloc(&memory, sizes[i], "a test", NULL);
      assert_non_null(block);
      assert_int_equal((uintptr_t)block % TLW_MEMORY_ALIGN, 0);
      if (counted >= LARGE) assert_int_equal((uintptr_t)block % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
      assert_true(is_all(block, counted, 0));
      memset(block, 0x5a, (size_t)counted);
      assert_int_equal(tlw_gauge_read(&memory.bytes).current, counted);
      tlw_memory_free(&memory, block, sizes[i]);
      total += counted;
    }
  }
  const tlw_counter counter = tlw_gauge_read(&memory.bytes);
  assert_int_equal(counter.current, 0);
  assert_int_equal(counter.total, total);
  assert_int_equal(counter.peak, 5 * LARGE);
}

static bool is_mapped(void *page, size_t size) {
  static unsigned char there[1024];
  return mincore(page, size, there) == 0 || errno != ENOMEM;
}

static void test_large_blocks_go_back_to_the_system(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (uint64_t size = LARGE; size <= LARGE + page; size += page / 2) {
    unsigned char *block = tlw_memory_alloc(&memory, size, "a test", NULL);
    assert_non_null(block);
    memset(block, 1, (size_t)size);
    assert_true(is_mapped(block, (size_t)size));
    tlw_memory_free(&memory, block, size);
    for (size_t at = 0; at < size; at += page) assert_false(is_mapped(block + at, page));
  }
}

/* What the system refuses was never there: neither in use, nor in the peak, nor in the total. */
static void test_refusals_leave_no_trace(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  void *block = tlw_memory_alloc(&memory, 100, "a test", NULL);
  tlw_error error;
  assert_null(tlw_memory_alloc(&memory, (uint64_t)1 << 62, "a test", &error));
  assert_int_equal(error.code, TLW_ERR_MEMORY);
  assert_null(tlw_memory_alloc(&memory, UINT64_MAX, "a test", &error));
  memory.budget = 191;
  assert_null(tlw_memory_alloc(&memory, 64, "a test", &error));
  assert_int_equal(error.code, TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, 192);
  assert_int_equal(tlw_memory_claim(&memory, 1, "a test", &error), TLW_ERR_BUDGET);
  assert_int_equal(error.bytes, 192);
  assert_int_equal(tlw_memory_claim(&memory, UINT64_MAX, "a test", &error), TLW_ERR_BUDGET);
  const tlw_counter counter = tlw_gauge_read(&memory.bytes);
  assert_int_equal(counter.current, 128);
  assert_int_equal(counter.peak, 128);
  assert_int_equal(counter.total, 128);
  memory.budget = 192;
  assert_int_equal(tlw_memory_claim(&memory, 1, "a test", &error), TLW_OK);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 192);
  tlw_memory_return(&memory, 1);
  tlw_memory_free(&memory, block, 100);
  assert_int_equal(tlw_gauge_read(&memory.bytes).current, 0);
}

/* ---- threads ---- */

#define THREADS 4
#define HELD 16
#define TRIES 20000

struct crew {
  struct tlw_memory memory;
  _Atomic uint64_t seed, total, over, refused, dirty;
  _Atomic uint64_t there; /* counted beside: less than what is held, as it is added later and taken off earlier */
};

static void *allocate_and_free(void *argument) {
  struct crew *crew = argument;
  uint64_t state = atomic_fetch_add(&crew->seed, 1) * 0x9e3779b97f4a7c15u, total = 0;
  struct {
    void *block;
    uint64_t size;
    bool claimed;
  } held[HELD] = {0};
  for (int i = 0; i < TRIES + HELD; i++) {
    const uint64_t k = i < TRIES ? random_next(&state) % HELD : (uint64_t)(i - TRIES);
    if (held[k].size > 0) {
      atomic_fetch_sub(&crew->there, tlw_memory_counted(held[k].size));
      if (held[k].claimed)
        tlw_memory_return(&crew->memory, held[k].size);
      else
        tlw_memory_free(&crew->memory, held[k].block, held[k].size);
      held[k].size = 0;
    }
    if (i >= TRIES) continue;
    const uint64_t size = 1 + random_next(&state) % (i % 100 ? 5000 : 2 * LARGE);
    held[k].claimed = random_next(&state) % 2;
    if (held[k].claimed) {
      if (tlw_memory_claim(&crew->memory, size, "a test", NULL) == TLW_OK) held[k].size = size;
    } else {
      unsigned char *block = tlw_memory_alloc(&crew->memory, size, "a test", NULL);
      if (block) {
        if (block[0] || block[size - 1]) crew->dirty++;
        block[0] = block[size - 1] = 1;
        held[k].block = block;
        held[k].size = size;
      }
    }
    if (held[k].size == 0) crew->refused++;
    if (held[k].size > 0) {
      total += tlw_memory_counted(size);
      const uint64_t counted = tlw_memory_counted(size);
      if (atomic_fetch_add(&crew->there, counted) + counted > crew->memory.budget) crew->over++;
    }
    if (tlw_gauge_read(&crew->memory.bytes).current > crew->memory.budget) crew->over++;
  }
  atomic_fetch_add(&crew->total, total);
  return NULL;
}

static void test_budget_holds_from_threads(void **state) {
  (void)state;
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  assert_non_null(ledger);
  assert_int_equal(tlw_ledger_open(ledger, NULL, NULL), TLW_OK);
  struct crew crew = {.memory = {.budget = 2 * LARGE + 77, .ledger = ledger}, .seed = 1};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, allocate_and_free, &crew), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(crew.over, 0);
  assert_int_equal(crew.dirty, 0);
  assert_true(crew.refused > 0 && crew.refused < THREADS * TRIES / 2);
  const tlw_counter counter = tlw_gauge_read(&crew.memory.bytes);
  assert_int_equal(counter.current, 0);
  assert_int_equal(counter.total, crew.total);
  assert_in_range(counter.peak, LARGE, crew.memory.budget);
  uint64_t operations, failures;
  tlw_ledger_totals(ledger, &operations, &failures);
  assert_int_equal(failures, crew.refused);
  assert_int_equal(operations, THREADS * TRIES + (THREADS * TRIES - crew.refused));
  tlw_ledger_close(ledger);
  free(ledger);
}

static void *claim_once(void *argument) {
  struct crew *crew = argument;
  for (int i = 0; i < TRIES; i++)
    if (tlw_memory_claim(&crew->memory, 64, "a test", NULL) == TLW_OK) atomic_fetch_add(&crew->total, 64);
  return NULL;
}

/* With nothing given back, all of the budget is handed out: a refusal is never for want of bytes that are there. */
static void test_budget_is_handed_out_to_the_last_byte(void **state) {
  (void)state;
  struct crew crew = {.memory = {.budget = 64 * 30001}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, claim_once, &crew), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  const tlw_counter counter = tlw_gauge_read(&crew.memory.bytes);
  assert_int_equal(crew.total, crew.memory.budget);
  assert_int_equal(counter.current, crew.memory.budget);
  assert_int_equal(counter.peak, crew.memory.budget);
  assert_int_equal(counter.total, crew.memory.budget);
}

static void test_ledger_is_told_everything(void **state) {
  (void)state;
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  assert_non_null(ledger);
  assert_int_equal(tlw_ledger_open(ledger, NULL, NULL), TLW_OK);
  struct tlw_memory memory = {.budget = LARGE * 2, .ledger = ledger};
  void *block = tlw_memory_alloc(&memory, LARGE, "a test", NULL);
  assert_null(tlw_memory_alloc(&memory, LARGE + 1, "a test", NULL));
  assert_int_equal(tlw_memory_claim(&memory, 100, "a test", NULL), TLW_OK);
  assert_int_equal(tlw_memory_claim(&memory, LARGE, "a test", NULL), TLW_ERR_BUDGET);
  tlw_memory_return(&memory, 100);
  tlw_memory_free(&memory, block, LARGE);
  tlw_memory_free(&memory, NULL, 1);
  const struct {
    tlw_operation operation;
    uint64_t bytes;
    tlw_status status;
  } due[] = {
      {TLW_OP_HOST_ALLOC, LARGE, TLW_OK}, {TLW_OP_HOST_ALLOC, LARGE + 64, TLW_ERR_BUDGET},
      {TLW_OP_HOST_ALLOC, 128, TLW_OK},   {TLW_OP_HOST_ALLOC, LARGE, TLW_ERR_BUDGET},
      {TLW_OP_HOST_FREE, 128, TLW_OK},    {TLW_OP_HOST_FREE, LARGE, TLW_OK},
  };
  const size_t n = sizeof due / sizeof *due;
  tlw_record records[10];
  assert_int_equal(tlw_ledger_read(ledger, records, 10), n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(records[i].operation, due[i].operation);
    assert_int_equal(records[i].bytes, due[i].bytes);
    assert_int_equal(records[i].status, due[i].status);
    assert_int_equal(records[i].items, 1);
  }
  tlw_ledger_close(ledger);
  free(ledger);
}

static void test_raw_memory(void **state) {
  (void)state;
  char *copy = tlw_raw_copy("a text");
  assert_string_equal(copy, "a text");
  copy = tlw_raw_realloc(copy, 1000);
  assert_string_equal(copy, "a text");
  tlw_raw_free(copy);
  unsigned char *zeroed = tlw_raw_calloc(10, 10);
  assert_true(is_all(zeroed, 100, 0));
  tlw_raw_free(zeroed);
  tlw_raw_free(tlw_raw_alloc(10));
  tlw_raw_free(NULL);
}

/* ---- files ---- */

static char root[] = "/tmp/tallow_memory_XXXXXX";

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

static void path_of(char *path, size_t size, const char *name) { snprintf(path, size, "%s/%s", root, name); }

static void test_files(void **state) {
  (void)state;
  char from[200], to[200], text[100] = {0};
  path_of(from, sizeof from, "new_XXXXXX");
  path_of(to, sizeof to, "final");
  int descriptor = tlw_file_temporary(from);
  assert_true(descriptor >= 0);
  assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
  assert_int_equal(tlw_file_write(descriptor, "content", 7), 0);
  assert_int_equal(tlw_file_write(descriptor, NULL, 0), 0);
  assert_int_equal(tlw_file_close(descriptor), 0);
  assert_int_equal(tlw_file_rename(from, to), 0);
  assert_int_equal(access(from, F_OK), -1);
  descriptor = tlw_file_open(to, O_RDONLY | O_CLOEXEC, 0);
  assert_true(descriptor >= 0);
  assert_int_equal(tlw_file_read(descriptor, text, sizeof text), 7);
  assert_string_equal(text, "content");
  assert_int_equal(tlw_file_read(descriptor, text, sizeof text), 0);
  assert_int_equal(tlw_file_write(descriptor, "x", 1), -1);
  assert_int_equal(errno, EBADF);
  assert_int_equal(tlw_file_close(descriptor), 0);
  assert_int_equal(tlw_file_close(descriptor), -1);
  assert_int_equal(tlw_file_unlink(to), 0);
  assert_int_equal(tlw_file_unlink(to), -1);
  assert_int_equal(errno, ENOENT);
  assert_int_equal(tlw_file_open(to, O_RDONLY, 0), -1);
  assert_int_equal(errno, ENOENT);
}

static void do_nothing(int signal_number) { (void)signal_number; }

struct pipe_work {
  int descriptor;
  pthread_t target;
  _Atomic bool done;
  size_t size;
};

static void *drain_beside_signals(void *argument) {
  struct pipe_work *work = argument;
  static unsigned char buffer[3000];
  size_t total = 0;
  while (total < work->size) {
    pthread_kill(work->target, SIGUSR1);
    const ssize_t n = read(work->descriptor, buffer, sizeof buffer);
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; i++)
      if (buffer[i] != (unsigned char)((total + (size_t)i) * 31 >> 3)) return NULL;
    total += (size_t)n;
  }
  work->done = total == work->size;
  return NULL;
}

/* A pipe takes a little at a time, and signals without SA_RESTART break off what waits for it. */
static void test_write_is_whole_beside_signals(void **state) {
  (void)state;
  const struct sigaction action = {.sa_handler = do_nothing};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  struct pipe_work work = {.descriptor = ends[0], .target = pthread_self(), .size = 4 << 20};
  unsigned char *bytes = malloc(work.size);
  assert_non_null(bytes);
  for (size_t i = 0; i < work.size; i++) bytes[i] = (unsigned char)(i * 31 >> 3);
  pthread_t reader;
  assert_int_equal(pthread_create(&reader, NULL, drain_beside_signals, &work), 0);
  assert_int_equal(tlw_file_write(ends[1], bytes, work.size), 0);
  pthread_join(reader, NULL);
  assert_true(work.done);
  close(ends[0]);
  close(ends[1]);
  free(bytes);
  sigaction(SIGUSR1, &before, NULL);
}

/* ---- planted faults ---- */

#ifdef TALLOW_FAULTS

static void test_faults_strike_where_planted(void **state) {
  (void)state;
  for (int kind = 0; kind < TLW_FAULT_KINDS; kind++) {
    for (uint64_t nth = 0; nth <= 5; nth++) {
      for (int lasting = 0; lasting <= 1; lasting++) {
        tlw_fault_plant((enum tlw_fault_kind)kind, nth, lasting);
        uint64_t struck = 0;
        for (uint64_t i = 1; i <= 8; i++) {
          const bool due = nth && (i == nth || (lasting && i > nth));
          assert_int_equal(tlw_fault_strikes((enum tlw_fault_kind)kind), due);
          struck += due;
          assert_int_equal(tlw_fault_count((enum tlw_fault_kind)kind), i);
          assert_int_equal(tlw_fault_struck((enum tlw_fault_kind)kind), struck);
        }
        for (int other = 0; other < TLW_FAULT_KINDS; other++)
          if (other != kind) assert_int_equal(tlw_fault_struck((enum tlw_fault_kind)other), 0);
      }
    }
    tlw_fault_plant((enum tlw_fault_kind)kind, 0, false);
  }
  tlw_fault_plant(TLW_FAULT_DEVICE, TLW_FAULT_LAST + 1, true);
  assert_false(tlw_fault_strikes(TLW_FAULT_DEVICE));
  tlw_fault_plant(TLW_FAULT_DEVICE, 0, false);
}

static void *strike_often(void *struck) {
  for (int i = 0; i < 50000; i++)
    if (tlw_fault_strikes(TLW_FAULT_DEVICE)) atomic_fetch_add((_Atomic uint64_t *)struck, 1);
  return NULL;
}

static void test_faults_from_threads(void **state) {
  (void)state;
  for (int lasting = 0; lasting <= 1; lasting++) {
    _Atomic uint64_t struck = 0;
    tlw_fault_plant(TLW_FAULT_DEVICE, 70001, lasting);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, strike_often, &struck), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(struck, lasting ? THREADS * 50000 - 70000 : 1);
    assert_int_equal(tlw_fault_struck(TLW_FAULT_DEVICE), struck);
    assert_int_equal(tlw_fault_count(TLW_FAULT_DEVICE), THREADS * 50000);
  }
  tlw_fault_plant(TLW_FAULT_DEVICE, 0, false);
}

static void test_each_kind_of_memory_can_be_refused(void **state) {
  (void)state;
  struct tlw_memory memory = {.budget = UINT64_MAX};
  tlw_error error;
  const uint64_t sizes[] = {1, LARGE};
  for (int i = 0; i < 2; i++) {
    tlw_fault_plant(TLW_FAULT_MEMORY, 1, false);
    assert_null(tlw_memory_alloc(&memory, sizes[i], "a test", &error));
    assert_int_equal(error.code, TLW_ERR_MEMORY);
    assert_int_equal(tlw_fault_count(TLW_FAULT_MEMORY), 1);
    assert_int_equal(tlw_gauge_read(&memory.bytes).peak, 0);
    void *block = tlw_memory_alloc(&memory, sizes[i], "a test", &error);
    assert_non_null(block);
    assert_int_equal(tlw_fault_count(TLW_FAULT_MEMORY), 2);
    tlw_memory_free(&memory, block, sizes[i]);
    memory.bytes = (struct tlw_gauge){0};
  }
  assert_int_equal(tlw_fault_count(TLW_FAULT_MEMORY), 2);
  char *text = tlw_raw_copy("kept");
  tlw_fault_plant(TLW_FAULT_MEMORY, 1, true);
  errno = 0;
  assert_null(tlw_raw_alloc(1));
  assert_int_equal(errno, ENOMEM);
  assert_null(tlw_raw_calloc(1, 1));
  assert_null(tlw_raw_realloc(text, 100));
  assert_null(tlw_raw_copy("another"));
  assert_int_equal(tlw_fault_struck(TLW_FAULT_MEMORY), 4);
  tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
  assert_string_equal(text, "kept");
  tlw_raw_free(text);
}

static int open_descriptors(void) {
  int n = 0;
  for (int i = 0; i < 200; i++) n += fcntl(i, F_GETFD) >= 0;
  return n;
}

/* The usual way of a file: written beside, renamed, read. Operations until one failed. */
static bool store_and_load(char *from, const char *to) {
  char text[4] = {0};
  int descriptor = tlw_file_temporary(from);
  if (descriptor < 0) return false;
  bool good = tlw_file_write(descriptor, "abc", 3) == 0;
  if (!good) assert_int_equal(lseek(descriptor, 0, SEEK_END), 0); /* nothing of it was written */
  if (!good) assert_int_equal(errno, EIO);
  good = tlw_file_close(descriptor) == 0 && good;
  good = good && tlw_file_rename(from, to) == 0;
  if (!good) return false;
  descriptor = tlw_file_open(to, O_RDONLY | O_CLOEXEC, 0);
  if (descriptor < 0) return false;
  good = tlw_file_read(descriptor, text, sizeof text) == 3 && memcmp(text, "abc", 3) == 0;
  return tlw_file_close(descriptor) == 0 && good;
}

static void test_each_file_operation_can_fail(void **state) {
  (void)state;
  char from[200], to[200];
  path_of(to, sizeof to, "target");
  const int before = open_descriptors();
  uint64_t nth = 1;
  for (bool good = false; !good; nth++) {
    path_of(from, sizeof from, "beside_XXXXXX");
    unlink(to);
    tlw_fault_plant(TLW_FAULT_FILE, nth, false);
    errno = 0;
    good = store_and_load(from, to);
    assert_int_equal(tlw_fault_struck(TLW_FAULT_FILE), !good);
    if (!good) assert_int_equal(errno, EIO);
    tlw_fault_plant(TLW_FAULT_FILE, 0, false);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(access(to, F_OK) == 0, nth > 4); /* temporary, write, close and rename went well */
    if (nth > 1) assert_int_equal(access(from, F_OK) == 0, nth <= 4);
  }
  assert_int_equal(nth, 9);
  tlw_fault_plant(TLW_FAULT_FILE, 1, false);
  assert_int_equal(tlw_file_unlink(to), -1);
  assert_int_equal(errno, EIO);
  assert_int_equal(access(to, F_OK), 0);
  assert_int_equal(tlw_file_unlink(to), 0);
  tlw_fault_plant(TLW_FAULT_FILE, 0, false);
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks_of_every_size),
      cmocka_unit_test(test_large_blocks_go_back_to_the_system),
      cmocka_unit_test(test_refusals_leave_no_trace),
      cmocka_unit_test(test_budget_holds_from_threads),
      cmocka_unit_test(test_budget_is_handed_out_to_the_last_byte),
      cmocka_unit_test(test_ledger_is_told_everything),
      cmocka_unit_test(test_raw_memory),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_write_is_whole_beside_signals),
#ifdef TALLOW_FAULTS
      cmocka_unit_test(test_faults_strike_where_planted),
      cmocka_unit_test(test_faults_from_threads),
      cmocka_unit_test(test_each_kind_of_memory_can_be_refused),
      cmocka_unit_test(test_each_file_operation_can_fail),
#endif
  };
  return cmocka_run_group_tests(tests, make_root, remove_root);
}
