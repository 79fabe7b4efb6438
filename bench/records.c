#include "records.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define BYTES_MOST ((size_t)64 << 20) /* of a file */
#define SECONDS_MOST 1e6              /* of a call */

/* ---- texts ---- */

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

/* Whether a control character begins here, of ASCII or of Latin-1: terminals obey them. */
static bool is_control(const char *text) {
  const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
  return first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second < 0xa0);
}

static void copy_text(char *out, size_t size, const char *text) {
  size_t length = strlen(text);
  if (length >= size)
    for (length = size - 1; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;) length--;
  for (size_t i = 0; i < length; i++) {
    const bool control = is_control(text + i);
    if (control && (unsigned char)text[i] == 0xc2) i++;
    *out++ = control ? '?' : text[i];
  }
  *out = 0;
}

/* ---- numbers ---- */

/* 0 where there is none above it. */
static double number_of(const json_t *object, const char *name) {
  const double number = json_number_value(json_object_get(object, name));
  return isfinite(number) && number > 0 ? number : 0;
}

static uint64_t bytes_of(const json_t *object, const char *name) {
  const json_int_t bytes = json_integer_value(json_object_get(object, name));
  return bytes > 0 ? (uint64_t)bytes : 0;
}

static bench_interval interval_of(const json_t *object, const char *value, const char *low, const char *high) {
  const json_t *most = json_object_get(object, high);
  bench_interval interval = {number_of(object, value), number_of(object, low), INFINITY};
  if (json_is_number(most)) interval.high = number_of(object, high);
  interval.low = fmin(interval.low, interval.value);
  interval.high = fmax(interval.high, interval.value);
  return interval;
}

static double unit_of(const json_t *entry) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
  for (size_t i = 0; i < BENCH_COUNT(units); i++)
    if (strcmp(text_of(entry, "time_unit"), units[i].name) == 0) return units[i].seconds;
  return 1e-9;
}

/* ---- records ---- */

struct list {
  bench_record *records;
  size_t n, capacity;
};

static bench_record *append(struct list *list, const char *path, const char *name, tlw_error *error) {
  if (list->n == BENCH_RECORDS_MAX) {
    bench_fail(error, TLW_ERR_DATA, "%s: there are more than %d benchmarks, which is more than a run has", path,
               BENCH_RECORDS_MAX);
    return NULL;
  }
  if (list->n == list->capacity) {
    const size_t capacity = list->capacity ? 2 * list->capacity : 64;
    bench_record *grown = realloc(list->records, capacity * sizeof *grown);
    if (!grown) {
      bench_fail(error, TLW_ERR_MEMORY, "no memory for %zu benchmarks of %s", capacity, path);
      return NULL;
    }
    list->records = grown;
    list->capacity = capacity;
  }
  bench_record *record = &list->records[list->n++];
  memset(record, 0, sizeof *record);
  copy_text(record->name, sizeof record->name, name);
  return record;
}

/* The record of this name, or a new one. Entries of one stand together, as a rule. */
static bench_record *record_of(struct list *list, const char *path, const char *name, tlw_error *error) {
  char clean[BENCH_RECORD_NAME];
  copy_text(clean, sizeof clean, name);
  for (size_t i = list->n; i-- > 0;)
    if (strcmp(list->records[i].name, clean) == 0) return &list->records[i];
  return append(list, path, clean, error);
}

static void read_peer(const json_t *entry, bench_record *record) {
  const json_t *same = json_object_get(entry, "same_output");
  record->is_peer = true;
  copy_text(record->on, sizeof record->on, text_of(entry, "peer"));
  copy_text(record->settings, sizeof record->settings, text_of(entry, "peer_settings"));
  copy_text(record->said, sizeof record->said, text_of(entry, "output_said"));
  record->is_compared = json_is_boolean(same);
  record->is_same = json_is_true(same);
  record->speedup = interval_of(entry, "times_as_fast", "times_as_fast_low", "times_as_fast_high");
}

static void read_facts(const json_t *entry, bench_record *record) {
  copy_text(record->hash, sizeof record->hash, text_of(entry, "output_hash"));
  copy_text(record->item, sizeof record->item, text_of(entry, "item"));
  copy_text(record->stage, sizeof record->stage, text_of(entry, "stage"));
  copy_text(record->baseline, sizeof record->baseline, text_of(entry, "baseline"));
  record->changed = json_is_true(json_object_get(entry, "output_changed"));
  record->items = number_of(entry, "items_per_second");
  record->bytes = number_of(entry, "bytes_per_second");
  record->share_of_copy = number_of(entry, "share_of_copy");
  record->cold = number_of(entry, "cold") * unit_of(entry);
  record->kernel = number_of(entry, "kernel_time") * unit_of(entry);
  record->others = number_of(entry, "others");
  record->threads = (int)json_integer_value(json_object_get(entry, "threads"));
  record->host_peak = bytes_of(entry, "host_peak_bytes");
  record->device_peak = bytes_of(entry, "device_peak_bytes");
  if (json_object_get(entry, "peer"))
    read_peer(entry, record);
  else
    record->speedup = interval_of(entry, "speedup", "speedup_low", "speedup_high");
}

static tlw_status read_failure(const char *path, const char *name, const json_t *entry, struct list *failures,
                               tlw_error *error) {
  bench_record *record = append(failures, path, name, error);
  if (!record) return error->code;
  copy_text(record->failure, sizeof record->failure, text_of(entry, "error_message"));
  copy_text(record->baseline, sizeof record->baseline, text_of(entry, "baseline"));
  if (json_object_get(entry, "peer")) read_peer(entry, record);
  return TLW_OK;
}

static tlw_status read_entry(const char *path, const json_t *entry, struct list *list, struct list *failures,
                             tlw_error *error) {
  const char *name = text_of(entry, "run_name"), *type = text_of(entry, "run_type");
  if (!*name) name = text_of(entry, "name"); /* of programs that know no repetitions */
  if (!*name) return bench_fail(error, TLW_ERR_DATA, "%s: a benchmark has no name", path);
  if (strlen(name) >= BENCH_RECORD_NAME)
    return bench_fail(error, TLW_ERR_DATA, "%s: a benchmark has a name of more than %d bytes", path,
                      BENCH_RECORD_NAME - 1);
  if (json_is_true(json_object_get(entry, "error_occurred"))) return read_failure(path, name, entry, failures, error);
  const bool aggregate = strcmp(type, "aggregate") == 0;
  if (aggregate && strcmp(text_of(entry, "aggregate_name"), "median") != 0) return TLW_OK;
  const double seconds = number_of(entry, "real_time") * unit_of(entry);
  if (!aggregate && !(seconds > 0))
    return bench_fail(error, TLW_ERR_DATA, "%s: %s has no real_time above 0", path, name);
  if (!aggregate && seconds > SECONDS_MOST)
    return bench_fail(error, TLW_ERR_DATA, "%s: %s has a real_time of more than %.0f s, which no call takes", path,
                      name, SECONDS_MOST);
  bench_record *record = record_of(list, path, name, error);
  if (!record) return error->code;
  if (aggregate) {
    read_facts(entry, record);
  } else if (record->n < BENCH_BATCHES_MAX) {
    const json_t *spoiled = json_object_get(entry, "spoiled");
    record->batches[record->n++] = (bench_batch){.seconds = seconds, .spoiled = spoiled ? 1 : 0};
  }
  return TLW_OK;
}

/* Those without a single batch are of rows whose repetitions were left out of the file. */
static void drop_empty(struct list *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->n; i++)
    if (list->records[i].n > 0) {
      if (kept != i) list->records[kept] = list->records[i];
      kept++;
    }
  list->n = kept;
}

/* ---- names ---- */

/* Cuts /cpu/threads:N, /opencl or /cuda off the end of a name, and says what it was; without one nothing happens. */
static void part_name(char *name, char *on, size_t size) {
  static const char threads[] = "/cpu/threads:";
  char *found = strstr(name, threads);
  if (found && strspn(found + sizeof threads - 1, "0123456789") == strlen(found + sizeof threads - 1)) {
    snprintf(on, size, "cpu:%.9s", found + sizeof threads - 1);
    *found = 0;
    return;
  }
  char *last = strrchr(name, '/');
  for (tlw_backend backend = TLW_BACKEND_CPU; last && backend <= TLW_BACKEND_CUDA; ++backend)
    if (strcmp(last + 1, tlw_backend_name(backend)) == 0) {
      snprintf(on, size, "%s", tlw_backend_name(backend));
      *last = 0;
      return;
    }
}

/* The name of a peer's row is that of Tallow's row of the same work, and its own behind it. */
static void name_peer(bench_record *record) {
  char ignored[sizeof record->on];
  char *last = strrchr(record->what, '/');
  if (*record->baseline)
    copy_text(record->what, sizeof record->what, record->baseline);
  else if (last)
    *last = 0;
  part_name(record->what, ignored, sizeof ignored);
}

/* Likewise what it counts, where it does not say so. */
static void pair_with_baseline(struct list *list, bench_record *record) {
  for (size_t i = 0; i < list->n; i++) {
    bench_record *baseline = &list->records[i];
    if (baseline->is_peer || strcmp(baseline->name, record->baseline) != 0) continue;
    baseline->has_peers = true;
    if (!*record->item) memcpy(record->item, baseline->item, sizeof record->item);
    return;
  }
}

static void name_records(struct list *list) {
  for (size_t i = 0; i < list->n; i++) {
    bench_record *record = &list->records[i];
    memcpy(record->what, record->name, sizeof record->what);
    if (record->is_peer) {
      name_peer(record);
      pair_with_baseline(list, record);
    } else {
      part_name(record->what, record->on, sizeof record->on);
    }
  }
}

/* ---- a file ---- */

static void read_devices(const json_t *context, bench_records *records) {
  size_t i;
  json_t *device;
  json_array_foreach(json_object_get(context, "devices"), i, device) {
    if (records->n_devices == BENCH_DEVICES_MAX) return;
    bench_saved_device *saved = &records->devices[records->n_devices++];
    copy_text(saved->backend, sizeof saved->backend, text_of(device, "backend"));
    copy_text(saved->name, sizeof saved->name, text_of(device, "name"));
    copy_text(saved->driver, sizeof saved->driver, text_of(device, "driver"));
    copy_text(saved->clocks, sizeof saved->clocks, text_of(device, "clocks"));
    copy_text(saved->ran, sizeof saved->ran, text_of(device, "ran"));
    saved->memory_bytes = bytes_of(device, "memory_bytes");
  }
}

static void read_missing(const json_t *context, bench_records *records) {
  const char *name;
  json_t *reason;
  json_object_foreach(json_object_get(context, "peers_missing"), name, reason) {
    if (records->n_missing == BENCH_MISSING_MAX) return;
    bench_missing *missing = &records->missing[records->n_missing++];
    copy_text(missing->name, sizeof missing->name, name);
    copy_text(missing->reason, sizeof missing->reason, json_is_string(reason) ? json_string_value(reason) : "");
  }
}

static void describe_machine(bench_records *records) {
  size_t used = 0;
  const size_t size = sizeof records->machine;
  snprintf(records->machine, size, "%s, %d CPUs, tier %s", records->cpu, records->cpus, records->tier);
  for (int i = 0; i < records->n_devices; i++) {
    used = strlen(records->machine);
    snprintf(records->machine + used, size - used, ", %.90s %.60s", records->devices[i].name,
             records->devices[i].driver);
  }
}

static void read_context(const json_t *context, bench_records *records) {
  const json_int_t cpus = json_integer_value(json_object_get(context, "num_cpus"));
  const json_t *load = json_array_get(json_object_get(context, "load_avg"), 0);
  copy_text(records->fingerprint, sizeof records->fingerprint, text_of(context, "fingerprint"));
  copy_text(records->commit, sizeof records->commit, text_of(context, "commit"));
  copy_text(records->date, sizeof records->date, text_of(context, "date"));
  copy_text(records->host, sizeof records->host, text_of(context, "host_name"));
  copy_text(records->cpu, sizeof records->cpu, text_of(context, "cpu"));
  copy_text(records->tier, sizeof records->tier, text_of(context, "tier"));
  copy_text(records->governor, sizeof records->governor, text_of(context, "governor"));
  copy_text(records->compiler, sizeof records->compiler, text_of(context, "compiler"));
  copy_text(records->version, sizeof records->version, text_of(context, "library_version"));
  records->cpus = cpus > 0 && cpus < 1000000 ? (int)cpus : 0;
  records->megahertz = number_of(context, "mhz_per_cpu");
  records->load = json_is_number(load) ? json_number_value(load) : -1;
  records->copy_one = number_of(context, "copy_bytes_per_second");
  records->copy_all = number_of(context, "copy_bytes_per_second_all");
  records->copy_threads = (uint32_t)fmin(number_of(context, "copy_threads"), TLW_THREADS_MAX);
  records->processor_time = strcmp(text_of(context, "clock"), "processor") == 0;
  records->optimized = strcmp(text_of(context, "library_build_type"), "debug") != 0;
  read_devices(context, records);
  read_missing(context, records);
  describe_machine(records);
}

static tlw_status read_whole(const char *path, const json_t *whole, bench_records *records, tlw_error *error) {
  const json_t *list = json_object_get(whole, "benchmarks");
  if (!json_is_array(list))
    return bench_fail(error, TLW_ERR_DATA, "%s: there is no list \"benchmarks\", as 'tallow bench --json' writes it",
                      path);
  struct list found = {0}, failures = {0};
  tlw_status status = TLW_OK;
  size_t i;
  json_t *entry;
  read_context(json_object_get(whole, "context"), records);
  json_array_foreach(list, i, entry) if (status == TLW_OK) status = read_entry(path, entry, &found, &failures, error);
  drop_empty(&found);
  name_records(&found);
  name_records(&failures);
  records->records = found.records;
  records->n = found.n;
  records->failures = failures.records;
  records->n_failures = failures.n;
  return status;
}

struct source {
  FILE *file;
  size_t size;
};

static size_t read_some(void *buffer, size_t size, void *user) {
  struct source *source = user;
  const size_t got = fread(buffer, 1, size, source->file);
  source->size += got;
  return source->size > BYTES_MOST || ferror(source->file) ? (size_t)-1 : got;
}

static tlw_status refuse_text(const char *path, const json_error_t *fault, size_t size, tlw_error *error) {
  if (size == 0) return bench_fail(error, TLW_ERR_DATA, "%s is empty: no JSON of a run", path);
  if (json_error_code(fault) == json_error_premature_end_of_input)
    return bench_fail(
        error, TLW_ERR_DATA,
        "%s:%d:%d: no JSON: the file is cut short: it ends within a value; copy it again, or measure anew", path,
        fault->line, fault->column);
  return bench_fail(error, TLW_ERR_DATA, "%s:%d:%d: no JSON: %s", path, fault->line, fault->column, fault->text);
}

tlw_status bench_records_read(const char *path, bench_records *records, tlw_error *error) {
  *records = (bench_records){.load = -1};
  struct source source = {.file = fopen(path, "re")};
  if (!source.file)
    return bench_fail(error, TLW_ERR_NOT_FOUND, "%s: can't open: %s: check the name and the permissions", path,
                      strerror(errno));
  json_error_t fault;
  json_t *whole = json_load_callback(read_some, &source, 0, &fault);
  const bool failed = ferror(source.file);
  fclose(source.file);
  if (source.size > BYTES_MOST) {
    json_decref(whole);
    return bench_fail(error, TLW_ERR_DATA, "%s has more than %zu MiB, which is more than a run has", path,
                      BYTES_MOST >> 20);
  }
  if (!whole && failed) return bench_fail(error, TLW_ERR_NOT_FOUND, "%s can't be read", path);
  if (!whole) return refuse_text(path, &fault, source.size, error);
  const tlw_status status = read_whole(path, whole, records, error);
  json_decref(whole);
  if (status != TLW_OK) bench_records_free(records);
  return status;
}

void bench_records_free(bench_records *records) {
  free(records->records);
  free(records->failures);
  *records = (bench_records){0};
}

/* ---- what they say ---- */

const bench_record *bench_records_find(const bench_records *records, const char *name) {
  for (size_t i = 0; i < records->n; i++)
    if (strcmp(records->records[i].name, name) == 0) return &records->records[i];
  return NULL;
}

bench_interval bench_record_time(const bench_record *record, bool *disturbed) {
  bench_batches good;
  *disturbed = bench_good_batches(record->batches, record->n, &good);
  return bench_estimate(&good);
}

double bench_record_best(const bench_record *record) {
  double best = record->batches[0].seconds;
  for (int i = 1; i < record->n; i++) best = fmin(best, record->batches[i].seconds);
  return best;
}

const bench_record *bench_record_baseline(const bench_records *records, const bench_record *record) {
  for (size_t i = 0; i < records->n; i++) {
    const bench_record *other = &records->records[i];
    if (!other->is_peer && strncmp(other->on, "cpu", 3) == 0 && strcmp(other->what, record->what) == 0) return other;
  }
  return NULL;
}

static bench_standing standing_of_peer(const bench_record *record) {
  if (record->is_compared && !record->is_same) return BENCH_OTHER_OUTPUT;
  if (record->speedup.value <= 0) return BENCH_IS_BASELINE;
  return record->is_compared ? BENCH_STANDS : BENCH_STANDS_UNCHECKED;
}

bench_standing bench_record_standing(const bench_records *records, const bench_record *record) {
  if (record->is_peer) return standing_of_peer(record);
  const bench_record *baseline = bench_record_baseline(records, record);
  if (record->changed) return BENCH_CHANGED_OUTPUT;
  if (!baseline || baseline == record) return BENCH_IS_BASELINE;
  if (baseline->changed) return BENCH_OTHER_OUTPUT;
  if (!*record->hash || !*baseline->hash) return BENCH_NO_OUTPUT;
  if (strcmp(record->hash, baseline->hash) != 0) return BENCH_OTHER_OUTPUT;
  return record->speedup.value > 0 && strcmp(record->baseline, baseline->name) == 0 ? BENCH_STANDS : BENCH_IS_BASELINE;
}
