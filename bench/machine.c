#include "machine.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "common.h"

/* ---- facts ---- */

/* The first line of a file without its end; "" if there is none. */
static void read_line(const char *path, char *line, size_t size) {
  FILE *file = fopen(path, "re");
  *line = 0;
  if (file && fgets(line, (int)size, file)) line[strcspn(line, "\n")] = 0;
  if (file) fclose(file);
}

static double read_megahertz(void) {
  char line[256];
  double megahertz = 0;
  FILE *file = fopen("/proc/cpuinfo", "re");
  while (file && megahertz == 0 && fgets(line, sizeof line, file))
    if (strncmp(line, "cpu MHz", 7) == 0 && strchr(line, ':')) megahertz = strtod(strchr(line, ':') + 1, NULL);
  if (file) fclose(file);
  return megahertz;
}

static void read_date(char *date, size_t size) {
  const time_t now = time(NULL);
  struct tm day;
  gmtime_r(&now, &day);
  strftime(date, size, "%Y-%m-%dT%H:%M:%SZ", &day);
}

static tlw_status read_devices(bench_machine *machine, tlw_error *error) {
  tlw_device devices[4 * BENCH_DEVICES_MAX];
  size_t n;
  const tlw_status status = tlw_devices(0, devices, BENCH_COUNT(devices), &n, error);
  for (size_t i = 0; status == TLW_OK && i < n && i < BENCH_COUNT(devices); i++) {
    const tlw_device *d = &devices[i];
    if (d->backend == TLW_BACKEND_CPU) {
      snprintf(machine->cpu, sizeof machine->cpu, "%s", d->name);
      snprintf(machine->tier, sizeof machine->tier, "%s", d->driver);
      machine->cpus = d->compute_units;
    } else if (d->usable && machine->n_devices < BENCH_DEVICES_MAX) {
      bench_gpu_clocks_read(d->uuid, &machine->clocks[machine->n_devices]);
      machine->devices[machine->n_devices++] = *d;
    }
  }
  return status;
}

void bench_machine_watch(bench_machine *machine, tlw_backend backend) {
  int i = 0;
  while (i < machine->n_devices && machine->devices[i].backend != backend) i++;
  if (i < machine->n_devices) bench_gpu_clocks_watch(machine->devices[i].uuid, &machine->clocks[i]);
}

void bench_machine_identify(bench_machine *machine) {
  uint64_t hash = bench_hash(BENCH_HASH_START, machine->cpu, strlen(machine->cpu));
  hash = bench_hash(hash, machine->tier, strlen(machine->tier));
  hash = bench_hash(hash, &machine->cpus, sizeof machine->cpus);
  for (int i = 0; i < machine->n_devices; i++) {
    hash = bench_hash(hash, machine->devices[i].name, strlen(machine->devices[i].name));
    hash = bench_hash(hash, machine->devices[i].driver, strlen(machine->devices[i].driver));
  }
  snprintf(machine->fingerprint, sizeof machine->fingerprint, "%016" PRIx64, hash);
}

tlw_status bench_machine_read(bench_machine *machine, tlw_error *error) {
  *machine = (bench_machine){.load = -1};
  read_date(machine->date, sizeof machine->date);
  if (gethostname(machine->host, sizeof machine->host - 1) != 0) machine->host[0] = 0;
  machine->megahertz = read_megahertz();
  read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", machine->governor, sizeof machine->governor);
  if (getloadavg(&machine->load, 1) != 1) machine->load = -1;
#ifdef __clang__
  snprintf(machine->compiler, sizeof machine->compiler, "%s", __VERSION__);
#else
  snprintf(machine->compiler, sizeof machine->compiler, "gcc %s", __VERSION__);
#endif
  snprintf(machine->version, sizeof machine->version, "%s", tlw_version());
  snprintf(machine->commit, sizeof machine->commit, "%s", BENCH_COMMIT);
#ifdef NDEBUG
  machine->optimized = true;
#endif
  const tlw_status status = read_devices(machine, error);
  bench_machine_identify(machine);
  return status;
}

/* ---- copying ---- */

#define COPIES 2
#define TRIES 3
#define COPY_LEAST ((size_t)32 << 20)
#define COPY_MOST ((size_t)128 << 20)

struct copier {
  pthread_t thread;
  uint8_t *to, *from;
  size_t size;
  double begin, end;
};

static void *copy_part(void *argument) {
  struct copier *copier = argument;
  copier->begin = bench_now();
  for (int i = 0; i < COPIES; i++) {
    memcpy(copier->to, copier->from, copier->size);
    __asm__ volatile("" : : "r"(copier->to) : "memory"); /* so that no copy is left out */
  }
  copier->end = bench_now();
  return NULL;
}

/* Bytes a second that n threads read and write, each a part. 0: threads were refused. */
static double time_copies(uint8_t *to, uint8_t *from, size_t size, uint32_t n) {
  static struct copier copiers[TLW_THREADS_MAX];
  uint32_t started = 0;
  for (; started < n; started++) {
    const size_t begin = size * started / n, end = size * (started + 1) / n;
    copiers[started] = (struct copier){.to = to + begin, .from = from + begin, .size = end - begin};
    if (pthread_create(&copiers[started].thread, NULL, copy_part, &copiers[started]) != 0) break;
  }
  double begin = INFINITY, end = 0;
  for (uint32_t i = 0; i < started; i++) {
    pthread_join(copiers[i].thread, NULL);
    begin = fmin(begin, copiers[i].begin);
    end = fmax(end, copiers[i].end);
  }
  return started == n ? 2 * COPIES * (double)size / (end - begin) : 0;
}

static double best_copies(uint8_t *to, uint8_t *from, size_t size, uint32_t n) {
  double best = 0;
  for (int i = 0; i < TRIES; i++) best = fmax(best, time_copies(to, from, size, n));
  return best;
}

tlw_status bench_machine_copy(bench_machine *machine, uint32_t threads, tlw_error *error) {
  size_t size = 2 * bench_cache(3);
  size = size < COPY_LEAST ? COPY_LEAST : size > COPY_MOST ? COPY_MOST : size;
  uint8_t *to = bench_alloc(size, error), *from = bench_alloc(size, error);
  if (to && from) {
    memset(from, 1, size);
    memset(to, 1, size);
    machine->copy_one = fmax(machine->copy_one, best_copies(to, from, size, 1));
    machine->copy_all = fmax(machine->copy_all, machine->copy_one);
    if (threads > 1) machine->copy_all = fmax(machine->copy_all, best_copies(to, from, size, threads));
    machine->copy_threads = threads;
  }
  const bool failed = !to || !from;
  free(to);
  free(from);
  return failed ? TLW_ERR_MEMORY : TLW_OK;
}
