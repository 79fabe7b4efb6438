/* The ledger: exact totals, whole records beside writers, and the log of allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/fault.h"
#include "host/base/ledger.h"

#define WRITERS 4

static struct tlw_ledger *open_ledger(const char *log_path) {
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  assert_non_null(ledger);
  assert_int_equal(tlw_ledger_open(ledger, log_path, NULL), TLW_OK);
  return ledger;
}

static void close_ledger(struct tlw_ledger *ledger) {
  tlw_ledger_close(ledger);
  free(ledger);
}

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 31) * 0x7fb5d329728ea185u;
  x = (x ^ x >> 27) * 0x81dadef4bc2dd44du;
  return x ^ x >> 33;
}

/* Every word follows from the seed, so that a record of two notes shows. One in 8 has failed. */
static tlw_record record_of(uint64_t seed) {
  return (tlw_record){
      .duration = mix(seed) >> 30, /* so that no sum goes round */
      .bytes = mix(seed + 1) >> 30,
      .items = (int64_t)seed,
      .operation = TLW_OP_RENDER + (int32_t)(mix(seed + 2) % 8),
      .status = seed % 8 ? TLW_OK : TLW_ERR_DEVICE,
  };
}

static bool is_whole(const tlw_record *record) {
  const tlw_record due = record_of((uint64_t)record->items);
  return record->duration == due.duration && record->bytes == due.bytes && record->operation == due.operation &&
         record->status == due.status;
}

static void assert_totals(const struct tlw_ledger *ledger, uint64_t operations, uint64_t failures) {
  uint64_t o = UINT64_MAX, f = UINT64_MAX;
  tlw_ledger_totals(ledger, &o, &f);
  assert_int_equal(o, operations);
  assert_int_equal(f, failures);
}

/* By operation, after the records of these seeds. */
static void assert_sums(const struct tlw_ledger *ledger, uint64_t first, uint64_t n) {
  uint64_t due[TLW_OPERATION_COUNT][TLW_LEDGER_SUMS] = {{0}};
  for (uint64_t seed = first; seed < first + n; seed++) {
    const tlw_record record = record_of(seed);
    uint64_t *sums = due[record.operation];
    const bool failed = record.status != TLW_OK;
    sums[TLW_LEDGER_CALLS]++;
    sums[TLW_LEDGER_FAILURES] += failed;
    sums[TLW_LEDGER_ITEMS] += failed ? 0 : (uint64_t)record.items;
    sums[TLW_LEDGER_BYTES] += failed ? 0 : record.bytes;
    sums[TLW_LEDGER_NANOSECONDS] += record.duration;
  }
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    uint64_t sums[TLW_LEDGER_SUMS];
    tlw_ledger_sums(ledger, (tlw_operation)i, sums);
    assert_memory_equal(sums, due[i], sizeof sums);
  }
}

/* Bytes in memory. */
static long resident(void) {
  long total = 0, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &total, &pages), 2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void note_many(struct tlw_ledger *ledger, uint64_t first, uint64_t n) {
  for (uint64_t seed = first; seed < first + n; seed++) {
    const tlw_record record = record_of(seed);
    tlw_ledger_note(ledger, &record, 0);
  }
}

static void test_ten_million_notes_keep_the_newest(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  tlw_record *records = calloc(TLW_RECORDS + 1, sizeof *records);
  assert_non_null(records);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), 0);
  note_many(ledger, 0, TLW_RECORDS);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS + 1), TLW_RECORDS);
  assert_int_equal(records[0].number, 1);
  const long before = resident();
  note_many(ledger, TLW_RECORDS, 10000000 - TLW_RECORDS);
  assert_true(resident() - before < 256 << 10);
  assert_totals(ledger, 10000000, 1250000);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS + 1), TLW_RECORDS);
  for (uint64_t i = 0; i < TLW_RECORDS; i++) {
    assert_int_equal(records[i].number, 10000000 - TLW_RECORDS + 1 + i);
    assert_int_equal(records[i].items, records[i].number - 1);
    assert_true(is_whole(&records[i]));
    if (i > 0) assert_true(records[i].time >= records[i - 1].time);
  }
  assert_in_range(records[0].time, 0, tlw_ledger_now(ledger));
  free(records);
  close_ledger(ledger);
}

static void test_capacity_takes_the_newest(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  note_many(ledger, 0, 12345);
  static tlw_record records[TLW_RECORDS + 2];
  for (size_t capacity = 0; capacity <= TLW_RECORDS; capacity = 2 * capacity + 1) {
    memset(records, 0x5a, sizeof records);
    assert_int_equal(tlw_ledger_read(ledger, records, capacity), capacity);
    for (size_t i = 0; i < capacity; i++) assert_int_equal(records[i].number, 12345 - capacity + 1 + i);
    assert_int_equal(records[capacity].number, 0x5a5a5a5a5a5a5a5a);
  }
  assert_int_equal(tlw_ledger_read(ledger, NULL, 0), 0);
  close_ledger(ledger);
}

static void test_clear_begins_anew(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  static tlw_record records[TLW_RECORDS];
  tlw_ledger_clear(ledger);
  assert_totals(ledger, 0, 0);
  for (uint64_t n = 1; n < 40000; n = n * 7 + 1) {
    note_many(ledger, 0, n);
    assert_totals(ledger, n, (n + 7) / 8);
    assert_sums(ledger, 0, n);
    const uint64_t kept = n < TLW_RECORDS ? n : TLW_RECORDS;
    assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), kept);
    for (uint64_t i = 0; i < kept; i++) {
      assert_int_equal(records[i].number, n - kept + 1 + i);
      assert_int_equal(records[i].items, records[i].number - 1);
    }
    tlw_ledger_clear(ledger);
    tlw_ledger_clear(ledger);
    assert_totals(ledger, 0, 0);
    assert_sums(ledger, 0, 0);
    assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), 0);
  }
  close_ledger(ledger);
}

/* ---- threads ---- */

struct crew {
  struct tlw_ledger *ledger;
  uint64_t notes; /* of each writer */
  _Atomic uint32_t next_writer, writing;
  _Atomic uint64_t torn, misplaced, seen, cleared;
};

static void *write_records(void *argument) {
  struct crew *crew = argument;
  const uint64_t writer = atomic_fetch_add(&crew->next_writer, 1);
  note_many(crew->ledger, writer * crew->notes, crew->notes);
  atomic_fetch_sub(&crew->writing, 1);
  return NULL;
}

static void *read_records(void *argument) {
  struct crew *crew = argument;
  tlw_record *records = calloc(TLW_RECORDS, sizeof *records);
  if (!records) return NULL;
  do {
    const size_t n = tlw_ledger_read(crew->ledger, records, crew->seen % 3 ? TLW_RECORDS : 100);
    for (size_t i = 0; i < n; i++) {
      if (!is_whole(&records[i])) crew->torn++;
      if (records[i].number == 0 || (i > 0 && records[i].number <= records[i - 1].number)) crew->misplaced++;
      if (records[i].number > WRITERS * crew->notes) crew->misplaced++;
    }
    crew->seen += n + 1;
    uint64_t operations, failures;
    tlw_ledger_totals(crew->ledger, &operations, &failures);
    if (operations > WRITERS * crew->notes || failures > WRITERS * crew->notes) crew->misplaced++;
  } while (crew->writing);
  free(records);
  return NULL;
}

static void *clear_records(void *argument) {
  struct crew *crew = argument;
  do {
    tlw_ledger_clear(crew->ledger);
    crew->cleared++;
  } while (crew->writing);
  return NULL;
}

static void run_crew(struct crew *crew, int clearers) {
  crew->writing = WRITERS;
  pthread_t threads[WRITERS + 4];
  int n = 0;
  for (int i = 0; i < WRITERS; i++) assert_int_equal(pthread_create(&threads[n++], NULL, write_records, crew), 0);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[n++], NULL, read_records, crew), 0);
  for (int i = 0; i < clearers; i++) assert_int_equal(pthread_create(&threads[n++], NULL, clear_records, crew), 0);
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
  assert_int_equal(crew->torn, 0);
  assert_int_equal(crew->misplaced, 0);
  assert_true(crew->seen > 2);
}

static void test_readers_beside_writers(void **state) {
  (void)state;
  struct crew crew = {.ledger = open_ledger(NULL), .notes = 500000};
  run_crew(&crew, 0);
  assert_totals(crew.ledger, WRITERS * crew.notes, WRITERS * crew.notes / 8);
  assert_sums(crew.ledger, 0, WRITERS * crew.notes);
  static tlw_record records[TLW_RECORDS];
  const size_t n = tlw_ledger_read(crew.ledger, records, TLW_RECORDS);
  /* All but those whose places were held by a writer that slept for a whole ring. */
  assert_in_range(n, TLW_RECORDS - WRITERS, TLW_RECORDS);
  for (size_t i = 0; i < n; i++) {
    assert_true(is_whole(&records[i]));
    assert_in_range(records[i].number, WRITERS * crew.notes - TLW_RECORDS + 1, WRITERS * crew.notes);
  }
  close_ledger(crew.ledger);
}

static void test_clear_beside_writers(void **state) {
  (void)state;
  struct crew crew = {.ledger = open_ledger(NULL), .notes = 300000};
  run_crew(&crew, 2);
  assert_true(crew.cleared > 0);
  uint64_t operations, failures;
  tlw_ledger_totals(crew.ledger, &operations, &failures);
  assert_true(operations <= WRITERS * crew.notes);
  assert_true(failures <= operations);
  uint64_t calls = 0, failed = 0;
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    uint64_t sums[TLW_LEDGER_SUMS];
    tlw_ledger_sums(crew.ledger, (tlw_operation)i, sums);
    assert_true(sums[TLW_LEDGER_FAILURES] <= sums[TLW_LEDGER_CALLS]);
    calls += sums[TLW_LEDGER_CALLS];
    failed += sums[TLW_LEDGER_FAILURES];
  }
  assert_true(calls <= WRITERS * crew.notes && failed <= WRITERS * crew.notes / 8);
  static tlw_record records[TLW_RECORDS];
  const size_t n = tlw_ledger_read(crew.ledger, records, TLW_RECORDS);
  assert_true(n <= operations);
  if (n > 0) assert_true(records[n - 1].number <= operations);
  tlw_ledger_clear(crew.ledger);
  assert_totals(crew.ledger, 0, 0);
  note_many(crew.ledger, 8, 9);
  assert_totals(crew.ledger, 9, 2);
  assert_int_equal(tlw_ledger_read(crew.ledger, records, TLW_RECORDS), 9);
  assert_int_equal(records[0].number, 1);
  close_ledger(crew.ledger);
}

/* A writer that was stopped halfway, and then the ring goes round: its place is left out, never shown half. */
static void test_slow_writer_is_left_out(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  static tlw_record records[TLW_RECORDS];
  note_many(ledger, 1, 100);
  struct tlw_ledger_place *place = &ledger->ring[50];
  assert_int_equal(place->state, 100);
  const tlw_record half = record_of(4711);
  atomic_store(&place->state, 2 * (TLW_RECORDS + 50) - 1);
  atomic_store(&place->words[3], half.bytes);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), 99);
  note_many(ledger, 101, 3 * TLW_RECORDS);
  assert_totals(ledger, 100 + 3 * TLW_RECORDS, (100 + 3 * TLW_RECORDS) / 8);
  assert_int_equal(atomic_load(&place->words[3]), half.bytes); /* nobody else wrote there */
  const size_t n = tlw_ledger_read(ledger, records, TLW_RECORDS);
  assert_int_equal(n, TLW_RECORDS - 1);
  for (size_t i = 0; i < n; i++) assert_true(is_whole(&records[i]));
  /* It ends at last: its record is too old to be shown, and the next one gets the place. */
  atomic_store(&place->state, 2 * (TLW_RECORDS + 50));
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), TLW_RECORDS - 1);
  note_many(ledger, 101 + 3 * TLW_RECORDS, TLW_RECORDS);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), TLW_RECORDS);
  close_ledger(ledger);
}

/* A writer that took its number a whole ring ago and only now gets to its place, which a later record has. */
static void test_late_writer_is_left_out(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  static tlw_record records[TLW_RECORDS];
  note_many(ledger, 1, 3 * TLW_RECORDS);
  atomic_store(&ledger->noted, TLW_RECORDS + 50);
  note_many(ledger, 4711, 1);
  atomic_store(&ledger->noted, 3 * TLW_RECORDS);
  assert_int_equal(tlw_ledger_read(ledger, records, TLW_RECORDS), TLW_RECORDS);
  for (uint64_t i = 0; i < TLW_RECORDS; i++) assert_int_equal(records[i].items, 2 * TLW_RECORDS + 1 + i);
  close_ledger(ledger);
}

static void test_operation_names(void **state) {
  (void)state;
  assert_string_equal(tlw_operation_name(TLW_OP_HOST_ALLOC), "host_alloc");
  assert_string_equal(tlw_operation_name(TLW_OP_POOL_FREE), "pool_free");
  assert_string_equal(tlw_operation_name(TLW_OP_FALLBACK), "fallback");
  for (int i = 0; i < TLW_OPERATION_COUNT; i++) {
    assert_non_null(tlw_operation_name((tlw_operation)i));
    for (int k = 0; k < i; k++)
      assert_string_not_equal(tlw_operation_name((tlw_operation)i), tlw_operation_name((tlw_operation)k));
  }
  assert_null(tlw_operation_name((tlw_operation)TLW_OPERATION_COUNT));
  assert_null(tlw_operation_name((tlw_operation)-1));
}

/* One thread at a time, with a time of its own. */
static void test_notes_of_one_thread(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger(NULL);
  for (uint64_t seed = 0; seed < 5000; seed++) {
    tlw_record record = record_of(seed);
    record.time = (int64_t)seed;
    tlw_ledger_note_alone(ledger, &record);
    if (seed == 999) tlw_ledger_clear(ledger);
  }
  assert_totals(ledger, 4000, 500);
  assert_sums(ledger, 1000, 4000);
  tlw_record newest;
  assert_int_equal(tlw_ledger_read(ledger, &newest, 1), 1);
  assert_true(is_whole(&newest));
  assert_int_equal(newest.time, 4999);
  assert_int_equal(newest.number, 4000);
  close_ledger(ledger);
}

/* ---- the log ---- */

static void note_allocation(struct tlw_ledger *ledger, uint64_t i) {
  const bool failed = i % 10 == 9;
  const tlw_record record = {
      .bytes = mix(i),
      .items = 1,
      .operation = (int32_t)(i % 8), /* TLW_OP_RENDER and TLW_OP_DRAW are no allocations */
      .status = failed ? TLW_ERR_BUDGET : TLW_OK,
  };
  tlw_ledger_note(ledger, &record, mix(i + 1));
}

static void test_log_holds_every_allocation(void **state) {
  (void)state;
  char name[] = "/tmp/tallow_log_XXXXXX";
  const int descriptor = mkstemp(name);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, "older\n", 6), 6);
  close(descriptor);
  struct tlw_ledger *ledger = open_ledger(name);
  for (uint64_t i = 0; i < 20000; i++) {
    note_allocation(ledger, i);
    if (i == 15000) tlw_ledger_clear(ledger);
  }
  assert_totals(ledger, 4999, 500);
  tlw_ledger_close(ledger);
  assert_int_equal(tlw_ledger_log_failure(ledger), 0);

  FILE *file = fopen(name, "r");
  assert_non_null(file);
  char line[300];
  assert_non_null(fgets(line, sizeof line, file));
  assert_string_equal(line, "number,nanoseconds,operation,bytes,in_use,status\n");
  int64_t last = 0;
  for (uint64_t i = 0; i < 20000; i++) {
    if (i % 8 > TLW_OP_POOL_FREE) continue;
    assert_non_null(fgets(line, sizeof line, file));
    uint64_t number, bytes, in_use;
    int64_t time;
    char operation[32], status[32], end;
    const int fields = sscanf(line, "%" SCNu64 ",%" SCNd64 ",%31[^,],%" SCNu64 ",%" SCNu64 ",%31[^\n]%c", &number,
                              &time, operation, &bytes, &in_use, status, &end);
    assert_int_equal(fields, 7);
    assert_int_equal(number, i + 1);
    assert_true(time >= last);
    last = time;
    assert_string_equal(operation, tlw_operation_name((tlw_operation)(i % 8)));
    assert_int_equal(bytes, mix(i));
    assert_int_equal(in_use, mix(i + 1));
    assert_string_equal(status, i % 10 == 9 ? "TLW_ERR_BUDGET" : "TLW_OK");
  }
  assert_null(fgets(line, sizeof line, file));
  fclose(file);
  unlink(name);
  free(ledger);
}

static void *note_allocations(void *ledger) {
  for (uint64_t i = 0; i < 20000; i++) note_allocation(ledger, i);
  return NULL;
}

static void test_log_of_threads_is_in_order(void **state) {
  (void)state;
  char name[] = "/tmp/tallow_log_XXXXXX";
  close(mkstemp(name));
  struct tlw_ledger *ledger = open_ledger(name);
  pthread_t threads[WRITERS];
  for (int i = 0; i < WRITERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, note_allocations, ledger), 0);
  for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
  close_ledger(ledger);
  FILE *file = fopen(name, "r");
  assert_non_null(file);
  char line[300];
  assert_non_null(fgets(line, sizeof line, file));
  uint64_t lines = 0, last = 0;
  while (fgets(line, sizeof line, file)) {
    const uint64_t number = strtoull(line, NULL, 10);
    assert_true(number > last);
    last = number;
    lines++;
  }
  assert_int_equal(lines, WRITERS * 20000 * 6 / 8);
  fclose(file);
  unlink(name);
}

static void test_log_that_cant_be_made(void **state) {
  (void)state;
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  tlw_error error;
  assert_int_equal(tlw_ledger_open(ledger, "/nonexistent/log.csv", &error), TLW_ERR_IO);
  assert_int_equal(error.code, TLW_ERR_IO);
  assert_int_equal(error.native, ENOENT);
  assert_non_null(strstr(error.message, "/nonexistent/log.csv"));
  free(ledger);
}

static void test_full_disk_ends_the_log_once(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger("/dev/full");
  int failures = 0;
  for (uint64_t i = 0; i < 20000; i++) {
    note_allocation(ledger, i);
    const int reason = tlw_ledger_log_failure(ledger);
    if (reason == 0) continue;
    assert_int_equal(reason, ENOSPC);
    failures++;
  }
  assert_int_equal(failures, 1);
  assert_totals(ledger, 20000, 2000); /* the rest goes on */
  tlw_ledger_close(ledger);
  assert_int_equal(tlw_ledger_log_failure(ledger), 0);
  free(ledger);
}

static void test_full_disk_shows_at_close(void **state) {
  (void)state;
  struct tlw_ledger *ledger = open_ledger("/dev/full");
  note_allocation(ledger, 0);
  assert_int_equal(tlw_ledger_log_failure(ledger), 0);
  tlw_ledger_close(ledger);
  assert_int_equal(tlw_ledger_log_failure(ledger), ENOSPC);
  assert_int_equal(tlw_ledger_log_failure(ledger), 0);
  free(ledger);
}

#ifdef TALLOW_FAULTS

/* One memory, then file operations 1: open, 2 and on: writes, last: close. */
static void test_log_survives_every_fault(void **state) {
  (void)state;
  struct tlw_ledger *ledger = calloc(1, sizeof *ledger);
  assert_non_null(ledger);
  tlw_error error;
  char name[] = "/tmp/tallow_log_XXXXXX";
  close(mkstemp(name));
  tlw_fault_plant(TLW_FAULT_MEMORY, 1, false);
  assert_int_equal(tlw_ledger_open(ledger, name, &error), TLW_ERR_MEMORY);
  assert_int_equal(error.code, TLW_ERR_MEMORY);
  tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
  uint64_t nth = 1;
  for (;; nth++) {
    memset(ledger, 0, sizeof *ledger);
    tlw_fault_plant(TLW_FAULT_FILE, nth, nth % 2);
    const tlw_status status = tlw_ledger_open(ledger, name, &error);
    assert_int_equal(status, nth == 1 ? TLW_ERR_IO : TLW_OK);
    if (status != TLW_OK) {
      assert_int_equal(error.native, EIO);
      continue;
    }
    for (uint64_t i = 0; i < 5000; i++) note_allocation(ledger, i);
    assert_totals(ledger, 5000, 500);
    tlw_ledger_close(ledger);
    const bool struck = tlw_fault_struck(TLW_FAULT_FILE) > 0;
    assert_int_equal(tlw_ledger_log_failure(ledger), struck ? EIO : 0);
    if (!struck) break;
  }
  assert_true(nth > 5);
  tlw_fault_plant(TLW_FAULT_FILE, 0, false);
  unlink(name);
  free(ledger);
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ten_million_notes_keep_the_newest),
      cmocka_unit_test(test_capacity_takes_the_newest),
      cmocka_unit_test(test_clear_begins_anew),
      cmocka_unit_test(test_readers_beside_writers),
      cmocka_unit_test(test_clear_beside_writers),
      cmocka_unit_test(test_slow_writer_is_left_out),
      cmocka_unit_test(test_late_writer_is_left_out),
      cmocka_unit_test(test_operation_names),
      cmocka_unit_test(test_notes_of_one_thread),
      cmocka_unit_test(test_log_holds_every_allocation),
      cmocka_unit_test(test_log_of_threads_is_in_order),
      cmocka_unit_test(test_log_that_cant_be_made),
      cmocka_unit_test(test_full_disk_ends_the_log_once),
      cmocka_unit_test(test_full_disk_shows_at_close),
#ifdef TALLOW_FAULTS
      cmocka_unit_test(test_log_survives_every_fault),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
