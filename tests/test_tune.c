/*
 * Measuring for AUTO: what the search finds on modelled machines, and the choices that come of it; the file of costs;
 * and tlw_tune itself, as far as it can be told without asserting times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/fault.h"
#include "host/engine/tuning.h"
#include "host/tune/search.h"
#include "host/tune/works.h"
#include "tallow/tune.h"

/* ---- modelled machines ---- */

#define STEPS 3

/* Seconds of a load: latency, and units at a rate that steps change, as when they leave a cache. */
struct side {
  double latency, unit, extra;
  double at[STEPS], times[STEPS], width[STEPS];
};

struct machine {
  struct side sides[2]; /* device, CPU */
  double noise, spikes; /* of samples: how much longer, mostly; how many take far longer */
  double clock;
  uint64_t random;
  int calls;
  int fail_after; /* so many calls; with the status below */
  tlw_status failure;
};

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static double uniform(uint64_t *state, double from, double to) {
  return from + (to - from) * (double)(next_random(state) >> 11) * 0x1p-53;
}

/* As likely in each decade. */
static double decades(uint64_t *state, double from, double to) { return exp(uniform(state, log(from), log(to))); }

static double true_seconds(const struct side *side, const struct tlw_load *load) {
  double unit = side->unit;
  for (int i = 0; i < STEPS; i++) {
    if (side->times[i] == 1) continue;
    double part = log(load->units / side->at[i]) / side->width[i] + 0.5;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    unit *= pow(side->times[i], part);
  }
  return side->latency + unit * load->units + side->extra * load->extra;
}

static struct tlw_load modelled_load(void *user, enum tlw_work work, enum tlw_tune_shape shape, double units) {
  (void)user;
  const double whole = floor(units + 0.5);
  return (struct tlw_load){.work = work, .units = whole, .extra = ceil(whole / (shape == TLW_TUNE_RICH ? 20 : 1000))};
}

static tlw_status modelled_sample(void *user, const struct tlw_load *load, enum tlw_tune_shape shape, bool on_cpu,
                                  double *seconds, tlw_error *error) {
  (void)shape;
  struct machine *m = user;
  if (m->fail_after > 0 && ++m->calls > m->fail_after) {
    if (error) *error = (tlw_error){.code = m->failure};
    return m->failure;
  }
  double times = 1 + m->noise * -log(uniform(&m->random, 1e-9, 1));
  if (uniform(&m->random, 0, 1) < m->spikes) times *= uniform(&m->random, 1.1, 4);
  *seconds = true_seconds(&m->sides[on_cpu], load) * times;
  m->clock += *seconds + 1e-6;
  return TLW_OK;
}

static double modelled_now(void *user) { return ((struct machine *)user)->clock; }

static const struct tlw_tune_range modelled_range = {.least = 100, .most = 1e8, .rich = 1e5};

/* sharp: some of the steps are at one size. */
static struct side random_side(uint64_t *state, double least_latency, double most_latency, bool sharp) {
  struct side side = {.latency = decades(state, least_latency, most_latency),
                      .unit = decades(state, 1e-11, 2e-10),
                      .extra = uniform(state, 0, 1) < 0.3 ? 0 : decades(state, 1e-9, 1e-6)};
  for (int i = 0; i < STEPS; i++) {
    side.at[i] = decades(state, 1e3, 1e8);
    side.times[i] = uniform(state, 0, 1) < 0.5 ? 1 : uniform(state, 0.8, 2.5);
    side.width[i] = sharp && uniform(state, 0, 1) < 0.3 ? 0.01 : uniform(state, sharp ? 0.1 : 0.7, 2);
  }
  return side;
}

static struct machine random_machine(uint64_t seed, bool sharp) {
  struct machine m = {.random = seed};
  m.sides[0] = random_side(&m.random, 5e-6, 2e-3, sharp);
  m.sides[1] = random_side(&m.random, 2e-7, 2e-5, sharp);
  m.noise = uniform(&m.random, 0, 0.05);
  m.spikes = uniform(&m.random, 0, 0.2);
  return m;
}

#define SECONDS 1.4 /* of each kind of work, as tlw_tune has them by default */

static tlw_status search_for(double seconds, struct machine *m, enum tlw_work work, struct tlw_tune_curve *curve,
                             struct tlw_tuning *tuning) {
  const struct tlw_tune_meter meter = {m, modelled_load, modelled_sample, modelled_now};
  memset(curve, 0xa5, sizeof *curve);
  const tlw_status status = tlw_tune_search(&meter, work, &modelled_range, m->clock + seconds, curve, NULL);
  if (status == TLW_OK) tlw_tune_costs(curve, &tuning->cpu[work], &tuning->device[work]);
  return status;
}

static tlw_status search(struct machine *m, enum tlw_work work, struct tlw_tune_curve *curve,
                         struct tlw_tuning *tuning) {
  return search_for(SECONDS, m, work, curve, tuning);
}

#define SIZES 30

/* The most by which a choice takes longer than the better would. */
static double worst_choice(struct machine *m, enum tlw_work work, const struct tlw_tuning *tuning) {
  double worst = 1;
  for (int i = 0; i < SIZES; i++) {
    const double units = 100 * pow(1e6, (i + uniform(&m->random, 0, 1)) / SIZES);
    const struct tlw_load load = modelled_load(m, work, TLW_TUNE_USUAL, units);
    const double device = true_seconds(&m->sides[0], &load), cpu = true_seconds(&m->sides[1], &load);
    const double taken = tlw_choice_is_cpu(tuning, &load, 1) ? cpu : device;
    worst = fmax(worst, taken / fmin(cpu, device));
  }
  return worst;
}

/* At most 5% more than the better at 30 sizes over 6 decades; steps may lie hidden in one of 200 machines. */
static void test_choices(void **state) {
  (void)state;
  enum { MACHINES = 100 };
  int missed[2] = {0, 0};
  for (int i = 0; i < 2 * MACHINES; i++)
    for (int work = 0; work < TLW_WORKS; work++) {
      const bool sharp = i >= MACHINES;
      struct machine m = random_machine((uint64_t)(i * TLW_WORKS + work), sharp);
      struct tlw_tuning tuning = {0};
      struct tlw_tune_curve curve;
      assert_int_equal(search(&m, (enum tlw_work)work, &curve, &tuning), TLW_OK);
      assert_true(m.clock < 1.5 * SECONDS);
      const double worst = worst_choice(&m, (enum tlw_work)work, &tuning);
      if (worst > 1.05) {
        print_message("machine %d, work %d: %.3f times the better\n", i, work, worst);
        missed[sharp]++;
      }
    }
  assert_in_range(missed[false], 0, MACHINES * TLW_WORKS / 200);
  assert_in_range(missed[true], 0, MACHINES * TLW_WORKS / 200);
}

/* Where the device gets past the CPU at once, as one that cuts its work otherwise from some size on, right beside it. */
static void test_jumps(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 40; i++) {
    struct machine m = {.random = i, .noise = 0.01};
    const double at = decades(&m.random, 3e3, 3e6); /* calls that leave time for many sizes */
    m.sides[0] = (struct side){.latency = 1e-7, .unit = 1.5e-9, .times = {0.4, 1, 1}, .at = {at}, .width = {1e-6}};
    m.sides[1] = (struct side){.latency = 1e-7, .unit = 1e-9, .times = {1, 1, 1}};
    struct tlw_tuning tuning = {0};
    struct tlw_tune_curve curve;
    assert_int_equal(search(&m, TLW_WORK_ORDER, &curve, &tuning), TLW_OK);
    for (int k = -5; k <= 5; k++) {
      const struct tlw_load load = modelled_load(&m, TLW_WORK_ORDER, TLW_TUNE_USUAL, at * (1 + 0.006 * k));
      if (k != 0) assert_int_equal(tlw_choice_is_cpu(&tuning, &load, 1), k < 0);
    }
  }
}

/* Two lines that cross at 1,000,000 units. */
static struct machine plain_machine(void) {
  struct machine m = {.random = 1};
  m.sides[0] = (struct side){.latency = 1.01e-3, .unit = 1e-9, .times = {1, 1, 1}};
  m.sides[1] = (struct side){.latency = 1e-5, .unit = 2e-9, .times = {1, 1, 1}};
  return m;
}

static void test_crossing(void **state) {
  (void)state;
  struct machine m = plain_machine();
  struct tlw_tuning tuning = {0};
  struct tlw_tune_curve curve;
  double from, until;
  assert_int_equal(search(&m, TLW_WORK_FOLD, &curve, &tuning), TLW_OK);
  assert_true(tlw_tune_crossing(&curve, &from, &until));
  assert_true(from > 0.98e6 && from < 1.02e6);
  assert_true(isinf(until));
  /* Beyond what was measured time goes on as it did. */
  const struct tlw_load load = {.work = TLW_WORK_FOLD, .units = 1e10, .extra = 0};
  assert_true(tlw_cost_of(&tuning.device[TLW_WORK_FOLD], &load) < 1.3 * 10);
  assert_true(tlw_cost_of(&tuning.device[TLW_WORK_FOLD], &load) > 10 / 1.3);
  /* The device wins at small sizes alone. */
  struct machine turned = plain_machine();
  turned.sides[0] = m.sides[1];
  turned.sides[1] = m.sides[0];
  assert_int_equal(search(&turned, TLW_WORK_FOLD, &curve, &tuning), TLW_OK);
  assert_true(tlw_tune_crossing(&curve, &from, &until));
  assert_true(from == 0);
  assert_true(until > 0.98e6 && until < 1.02e6);
}

/* The device is slow, with extras or without, and noise does not make it win. */
static void test_never_and_always(void **state) {
  (void)state;
  struct tlw_tuning never = {0}, always = {0};
  for (int work = 0; work < TLW_WORKS; work++) {
    struct machine m = plain_machine();
    m.random = (uint64_t)work;
    m.noise = 0.03;
    m.spikes = 0.1;
    m.sides[0].unit = 2.5e-9 * tlw_work_heaviest((enum tlw_work)work) / tlw_work_lightest((enum tlw_work)work);
    m.sides[0].extra = m.sides[1].extra = work % 2 ? 1e-7 : 0;
    struct tlw_tune_curve curve;
    double from, until;
    assert_int_equal(search(&m, (enum tlw_work)work, &curve, &never), TLW_OK);
    assert_false(tlw_tune_crossing(&curve, &from, &until));
    m.sides[0] = (struct side){.latency = 5e-6, .unit = 1e-9, .times = {1, 1, 1}};
    assert_int_equal(search(&m, (enum tlw_work)work, &curve, &always), TLW_OK);
    assert_true(tlw_tune_crossing(&curve, &from, &until));
    assert_true(from == 0 && isinf(until));
    for (double units = 1; units < 1e12; units *= 3)
      for (double extra = 0; extra <= 1e6; extra = extra * 10 + 1) {
        const struct tlw_load load = {.work = (enum tlw_work)work, .units = units, .extra = extra};
        assert_true(tlw_choice_is_cpu(&never, &load, 1));
        assert_false(extra == 0 && tlw_choice_is_cpu(&always, &load, 1));
      }
  }
  assert_true(tlw_choice_is_never(&never));
  assert_false(tlw_choice_is_never(&always));
}

/* Extras are told apart from units. */
static void test_extras(void **state) {
  (void)state;
  struct machine m = plain_machine();
  m.sides[0].extra = 1e-8;
  m.sides[1].extra = 5e-7;
  struct tlw_tuning tuning = {0};
  struct tlw_tune_curve curve;
  assert_int_equal(search(&m, TLW_WORK_CHARTS, &curve, &tuning), TLW_OK);
  assert_true(fabs(tuning.cpu[TLW_WORK_CHARTS].extra - 5e-7) < 1e-8);
  assert_true(fabs(tuning.device[TLW_WORK_CHARTS].extra - 1e-8) < 1e-9);
  const struct tlw_load few = {.work = TLW_WORK_CHARTS, .units = 1e5, .extra = 100},
                        many = {.work = TLW_WORK_CHARTS, .units = 1e5, .extra = 1e4};
  assert_true(tlw_choice_is_cpu(&tuning, &few, 1));
  assert_false(tlw_choice_is_cpu(&tuning, &many, 1));
}

/* What ends before it has come anywhere near the crossing is no verdict. */
static void test_too_little_time(void **state) {
  (void)state;
  struct tlw_tuning tuning = {0};
  struct tlw_tune_curve curve;
  double from, until;
  int poor = 0, verdicts = 0;
  for (double seconds = 1e-4; seconds < 2; seconds *= 1.5) {
    struct machine m = plain_machine();
    assert_int_equal(search_for(seconds, &m, TLW_WORK_FOLD, &curve, &tuning), TLW_OK);
    assert_true(curve.measured >= 1);
    const double range = curve.points[curve.measured - 1].load.units / curve.points[0].load.units;
    assert_int_equal(curve.is_poor, curve.measured < 3 || range < 100);
    poor += curve.is_poor;
    if (!curve.is_poor) verdicts += tlw_tune_crossing(&curve, &from, &until);
  }
  assert_true(poor > 0 && verdicts > 0);
  /* Few sizes are enough where there are no others. */
  struct machine m = plain_machine();
  const struct tlw_tune_meter meter = {&m, modelled_load, modelled_sample, modelled_now};
  const struct tlw_tune_range narrow = {.least = 100, .most = 1000};
  assert_int_equal(tlw_tune_search(&meter, TLW_WORK_BARS, &narrow, 1, &curve, NULL), TLW_OK);
  assert_false(curve.is_poor);
}

static void test_failures(void **state) {
  (void)state;
  static const tlw_status passed_on[] = {TLW_ERR_CANCELLED, TLW_ERR_DEVICE_LOST, TLW_ERR_DEVICE, TLW_ERR_INTERNAL};
  struct tlw_tuning tuning = {0};
  struct tlw_tune_curve curve;
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
    for (int calls = 1; calls < 200; calls += 33) {
      struct machine m = plain_machine();
      m.fail_after = calls;
      m.failure = passed_on[i];
      assert_int_equal(search(&m, TLW_WORK_FOLD, &curve, &tuning), passed_on[i]);
    }
  /* Sizes end where memory does; where it does at once that is a failure. */
  struct machine m = plain_machine();
  m.fail_after = 200;
  m.failure = TLW_ERR_BUDGET;
  assert_int_equal(search(&m, TLW_WORK_FOLD, &curve, &tuning), TLW_OK);
  assert_in_range(curve.measured, 1, 6);
  assert_true(curve.is_poor);
  m = plain_machine();
  m.fail_after = 1;
  m.failure = TLW_ERR_MEMORY;
  assert_int_equal(search(&m, TLW_WORK_FOLD, &curve, &tuning), TLW_ERR_MEMORY);
  /* A device that can't do it. */
  m = plain_machine();
  m.fail_after = 1;
  m.failure = TLW_ERR_UNAVAILABLE;
  assert_int_equal(search(&m, TLW_WORK_FOLD, &curve, &tuning), TLW_OK);
  assert_int_equal(curve.n, 0);
  const struct tlw_load load = {.work = TLW_WORK_FOLD, .units = 1e12, .extra = 1};
  assert_true(tlw_choice_is_cpu(&tuning, &load, 1));
}

/* ---- the file of costs ---- */

static char cache[] = "/tmp/tallow-tune-XXXXXX";

static const tlw_device gpu = {.backend = TLW_BACKEND_CUDA,
                               .name = "A device",
                               .uuid = "GPU-1",
                               .driver = "CUDA 13.0",
                               .memory_bytes = 1 << 30,
                               .compute_units = 4};

static struct tlw_tuning made_tuning(void) {
  struct tlw_tuning tuning = {.measured = true};
  for (int work = 0; work < TLW_WORKS; work++)
    for (int side = 0; side < 2; side++) {
      struct tlw_cost *cost = side ? &tuning.cpu[work] : &tuning.device[work];
      cost->n = side ? TLW_COST_POINTS : work;
      cost->extra = work * 1e-9;
      for (int i = 0; i < cost->n; i++) {
        cost->units[i] = 100 * pow(3, i);
        cost->seconds[i] = (i + work + 1) * 1.25e-6;
      }
    }
  return tuning;
}

static void assert_same_tuning(const struct tlw_tuning *a, const struct tlw_tuning *b) {
  for (int i = 0; i < TLW_WORKS; i++) {
    const struct tlw_cost *x[2] = {&a->device[i], &a->cpu[i]}, *y[2] = {&b->device[i], &b->cpu[i]};
    for (int side = 0; side < 2; side++) {
      assert_int_equal(x[side]->n, y[side]->n);
      assert_true(fabs(x[side]->extra - y[side]->extra) < 1e-15);
      for (int k = 0; k < x[side]->n; k++) {
        assert_true(x[side]->units[k] == y[side]->units[k]);
        assert_true(fabs(x[side]->seconds[k] - y[side]->seconds[k]) < 1e-12);
      }
    }
  }
}

static char path[1200];

static void store(void) {
  const struct tlw_tuning tuning = made_tuning();
  assert_true(tlw_tuning_store(cache, &gpu, 2, &tuning, path, sizeof path));
  assert_int_equal(strncmp(path, cache, strlen(cache)), 0);
}

/* An estimate in place of a file. */
static void assert_estimated(const char *folder, const tlw_device *device, uint32_t threads) {
  struct tlw_tuning tuning, estimate;
  memset(&tuning, 0xa5, sizeof tuning);
  assert_false(tlw_tuning_load(folder, device, threads, &tuning));
  assert_false(tuning.measured);
  tlw_tuning_estimate(device, threads, &estimate);
  assert_memory_equal(&tuning, &estimate, sizeof tuning);
}

static void test_costs_are_kept(void **state) {
  (void)state;
  assert_estimated(cache, &gpu, 2);
  store();
  const struct tlw_tuning tuning = made_tuning();
  struct tlw_tuning read;
  memset(&read, 0xa5, sizeof read);
  assert_true(tlw_tuning_load(cache, &gpu, 2, &read));
  assert_true(read.measured);
  assert_same_tuning(&tuning, &read);
  /* They are of that device, driver and number of threads alone. */
  assert_estimated(cache, &gpu, 3);
  tlw_device other = gpu;
  other.uuid[4] = '2';
  assert_estimated(cache, &other, 2);
  other = gpu;
  strcat(other.driver, "1");
  assert_estimated(cache, &other, 2);
  other = gpu;
  other.backend = TLW_BACKEND_OPENCL;
  assert_estimated(cache, &other, 2);
  other = gpu;
  other.name[0] = 'a';
  assert_estimated(cache, &other, 2);
  setenv("TALLOW_CPU_TIER", "baseline", 1);
  assert_estimated(cache, &gpu, 2);
  unsetenv("TALLOW_CPU_TIER");
  assert_true(tlw_tuning_load(cache, &gpu, 2, &read));
}

/* Kinds of work that measuring told too little of are estimated, and no device is given up for the others. */
static void test_guesses_are_kept(void **state) {
  (void)state;
  const struct tlw_cost slow = {.n = 1, .units = {1}, .seconds = {1}}, fast = {.n = 1, .units = {1}, .seconds = {1e-6}};
  struct tlw_tuning tuning = {.measured = true}, read, estimate;
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.device[work] = slow;
    tuning.cpu[work] = fast;
  }
  assert_true(tlw_choice_is_never(&tuning));
  tlw_tuning_estimate(&gpu, 2, &estimate);
  for (int work = 0; work < TLW_WORKS; work++) {
    tuning.guessed[work] = true;
    assert_false(tlw_choice_is_never(&tuning));
    assert_true(tlw_tuning_store(cache, &gpu, 2, &tuning, path, sizeof path));
    assert_true(tlw_tuning_load(cache, &gpu, 2, &read));
    assert_int_equal(read.measured, work + 1 < TLW_WORKS);
    assert_false(tlw_choice_is_never(&read));
    assert_memory_equal(read.guessed, tuning.guessed, sizeof read.guessed);
    for (int other = 0; other < TLW_WORKS; other++) {
      const bool is_guessed = other <= work;
      assert_memory_equal(&read.cpu[other], is_guessed ? &estimate.cpu[other] : &fast, sizeof fast);
      assert_int_equal(read.device[other].n, is_guessed ? estimate.device[other].n : 1);
    }
  }
}

static void write_bytes(const char *bytes, size_t size) {
  FILE *stream = fopen(path, "wb");
  assert_non_null(stream);
  assert_int_equal(fwrite(bytes, 1, size, stream), size);
  assert_int_equal(fclose(stream), 0);
}

static size_t read_bytes(char *bytes, size_t room) {
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  const size_t size = fread(bytes, 1, room, stream);
  assert_true(size < room);
  fclose(stream);
  return size;
}

/* FNV-1a, as the file has it. */
static void sign(char *bytes, size_t size) {
  const size_t line = strlen("checksum 0123456789abcdef\n");
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i + line < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  char text[40];
  snprintf(text, sizeof text, "checksum %016llx\n", (unsigned long long)hash);
  memcpy(bytes + size - line, text, line);
}

static void test_damaged_costs(void **state) {
  (void)state;
  store();
  char whole[32768], changed[sizeof whole];
  const size_t size = read_bytes(whole, sizeof whole);
  for (size_t i = 0; i < size; i += 41) {
    memcpy(changed, whole, size);
    changed[i] ^= 1;
    write_bytes(changed, size);
    assert_estimated(cache, &gpu, 2);
    write_bytes(whole, i);
    assert_estimated(cache, &gpu, 2);
  }
  memcpy(changed, whole, size);
  changed[size] = '\n';
  write_bytes(changed, size + 1);
  assert_estimated(cache, &gpu, 2);
  /* The same with a checksum that is right: nothing but a number may differ, and only so that curves stay curves. */
  const char *body = strstr(whole, "charts device");
  assert_non_null(body);
  int taken = 0;
  for (size_t i = 0; i < size - 27; i += 11)
    for (int k = 0; k < 3; k++) {
      static const char others[] = "9-\n";
      memcpy(changed, whole, size);
      if (changed[i] == others[k]) continue;
      changed[i] = others[k];
      sign(changed, size);
      write_bytes(changed, size);
      struct tlw_tuning read;
      const bool loaded = tlw_tuning_load(cache, &gpu, 2, &read);
      if (loaded) assert_true(whole + i >= body && whole[i] >= '0' && whole[i] <= '9' && others[k] == '9');
      for (int work = 0; loaded && work < TLW_WORKS; work++)
        for (int p = 1; p < read.cpu[work].n; p++) assert_true(read.cpu[work].units[p] > read.cpu[work].units[p - 1]);
      taken += loaded;
    }
  assert_true(taken > 0);
  write_bytes(whole, size);
  struct tlw_tuning read;
  assert_true(tlw_tuning_load(cache, &gpu, 2, &read));
}

static void test_what_is_no_file(void **state) {
  (void)state;
  store();
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_estimated(cache, &gpu, 2);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_estimated(cache, &gpu, 2);
  const struct tlw_tuning tuning = made_tuning();
  char named[1200];
  assert_false(tlw_tuning_store(cache, &gpu, 2, &tuning, named, sizeof named));
  assert_string_equal(named, path);
  assert_int_equal(rmdir(path), 0);
  assert_false(tlw_tuning_store("", &gpu, 2, &tuning, named, sizeof named));
  assert_string_equal(named, "");
  assert_estimated("", &gpu, 2);
  assert_false(tlw_tuning_store("/proc/nothing", &gpu, 2, &tuning, named, sizeof named));
}

static int count_files(void) {
  DIR *folder = opendir(cache);
  assert_non_null(folder);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(folder));) n += strstr(entry->d_name, ".costs") != NULL;
  closedir(folder);
  return n;
}

static void test_number_of_files_is_bounded(void **state) {
  (void)state;
  const struct tlw_tuning tuning = made_tuning();
  struct tlw_tuning read;
  for (uint32_t threads = 1; threads <= 40; threads++)
    assert_true(tlw_tuning_store(cache, &gpu, threads, &tuning, path, sizeof path));
  assert_int_equal(count_files(), 16);
  assert_true(tlw_tuning_load(cache, &gpu, 40, &read));
}

/* More threads are never slower, and all of it is a curve that grows. */
static void test_estimate(void **state) {
  (void)state;
  struct tlw_tuning few, many;
  tlw_tuning_estimate(&gpu, 1, &few);
  tlw_tuning_estimate(&gpu, 64, &many);
  assert_false(few.measured);
  assert_false(tlw_choice_is_never(&few));
  for (int work = 0; work < TLW_WORKS; work++) {
    for (double units = 1; units < 1e13; units *= 10) {
      const struct tlw_load load = {.work = (enum tlw_work)work, .units = units, .extra = 1};
      const double one = tlw_cost_of(&few.cpu[work], &load), all = tlw_cost_of(&many.cpu[work], &load);
      const double device = tlw_cost_of(&few.device[work], &load);
      assert_true(isfinite(one) && isfinite(device) && all > 0 && all <= one && device > 0);
    }
    const struct tlw_load small = {.work = (enum tlw_work)work, .units = 100, .extra = 1};
    assert_true(tlw_choice_is_cpu(&few, &small, 1));
  }
}

/* ---- tlw_tune ---- */

static int (*soft_set)(const char *setting);

static void needs_cuda(void) {
#ifndef TALLOW_WITH_CUDA
  print_message("this build has no CUDA backend\n");
  skip();
#endif
}

static tlw_tune_options quick_options(void) {
  tlw_tune_options options;
  tlw_tune_options_init(&options);
  options.cache_dir = cache;
  options.seconds = 0.1;
  options.memory = 16 << 20;
  options.threads = 1;
  return options;
}

static int32_t stop_behind(void *user, double done) {
  int *calls = user;
  assert_true(done >= 0 && done <= 1);
  return (*calls)-- == 0; /* once is enough */
}

static void test_tune(void **state) {
  (void)state;
  needs_cuda();
  static tlw_tune_result result;
  result.struct_size = sizeof result;
  tlw_error error;
  tlw_tune_options options = quick_options();
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_OK);
  assert_int_equal(result.has_device, 1);
  assert_int_equal(result.device.backend, TLW_BACKEND_CUDA);
  assert_int_equal(result.stored, 1);
  assert_int_equal(result.threads, 1);
  struct tlw_tuning tuning;
  assert_true(tlw_tuning_load(cache, &result.device, 1, &tuning));
  for (int kind = 0; kind < TLW_TUNE_KINDS; kind++) {
    const tlw_tune_result_of_kind *found = &result.kinds[kind];
    assert_in_range(found->n_points, 1, TLW_TUNE_POINTS);
    assert_in_range(found->verdict, TLW_TUNE_NEVER, TLW_TUNE_TOO_LITTLE);
    for (int i = 0; i < found->n_points; i++) {
      assert_true(found->points[i].cpu_seconds > 0 && found->points[i].device_seconds > 0);
      assert_true(i == 0 || found->points[i].units > found->points[i - 1].units);
    }
    assert_int_equal(tuning.guessed[kind], found->verdict == TLW_TUNE_TOO_LITTLE);
    if (tuning.guessed[kind]) continue;
    /* What is kept chooses as what was measured, in the usual shape: as many units as were measured first. */
    assert_true(tuning.cpu[kind].n >= found->n_points && tuning.device[kind].n >= found->n_points);
    assert_true(tuning.cpu[kind].units[0] == found->points[0].units);
  }
  /* Called off: what was kept stays. */
  for (int calls = 0; calls < 56; calls += 27) {
    int left = calls;
    options.watch = stop_behind;
    options.watch_user = &left;
    assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_CANCELLED);
    assert_int_equal(result.stored, 0);
  }
  assert_true(tlw_tuning_load(cache, &result.device, 1, &tuning));
}

/* With as much time as it takes. */
static int32_t verdict_of(tlw_tune_kind kind, tlw_tune_result *result) {
  tlw_tune_options options = quick_options();
  for (options.seconds = 1; options.seconds < 20; options.seconds *= 4) {
    assert_int_equal(tlw_tune(&options, result, NULL), TLW_OK);
    if (result->kinds[kind].verdict != TLW_TUNE_TOO_LITTLE) break;
  }
  return result->kinds[kind].verdict;
}

/* A device that takes no time wins in the end, one that takes its time does not. */
static void test_tune_finds_the_faster(void **state) {
  (void)state;
  needs_cuda();
  static tlw_tune_result result;
  result.struct_size = sizeof result;
  tlw_tune_options options = quick_options();
  assert_int_equal(tlw_tune(&options, &result, NULL), TLW_OK); /* self-tests are passed and kept */
  assert_int_equal(soft_set("pretend=1"), 0);
  assert_int_equal(soft_set("launch_time=100"), 0);
  assert_int_equal(soft_set("compute_rate=10000000"), 0);
  assert_int_equal(verdict_of(TLW_TUNE_SCAN, &result), TLW_TUNE_NEVER);
  assert_int_equal(soft_set("launch_time=0"), 0);
  assert_int_equal(soft_set("compute_rate=0"), 0);
  const int32_t verdict = verdict_of(TLW_TUNE_ORDER, &result);
  assert_true(verdict == TLW_TUNE_BETWEEN || verdict == TLW_TUNE_ALWAYS);
  assert_int_equal(soft_set("pretend=0"), 0);
}

/* What keeps a device from being opened is told: as a failure where it would pass, else as the reason. */
static void test_tune_tells_why_no_device_opens(void **state) {
  (void)state;
  needs_cuda();
  static tlw_tune_result result;
  result.struct_size = sizeof result;
  tlw_error error;
  tlw_tune_options options = quick_options();
  const int before = count_files();
  options.device_budget = 1000;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_BUDGET);
  assert_int_equal(error.code, TLW_ERR_BUDGET);
  assert_non_null(strstr(error.message, "budget"));
  options = quick_options();
  options.cache_dir = ""; /* self-tests are run */
  assert_int_equal(soft_set("skip=tlk_chart_scale"), 0);
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_OK);
  assert_int_equal(soft_set("skip="), 0);
  assert_int_equal(result.has_device, 0);
  assert_int_equal(strncmp(result.reason, "cuda device 0: ", 15), 0);
  assert_true(strlen(result.reason) > 15);
  assert_int_equal(count_files(), before);
}

static bool goes_on(void *user) {
  (void)user;
  return true;
}

/* A lack of memory ends that call alone: the stream of the files is another afterwards. */
static void test_files_after_a_lack_of_memory(void **state) {
  (void)state;
  static struct tlw_tune_works works;
  struct tlw_tune_range range;
  tlw_engine_options options;
  double seconds;
  tlw_engine_options_init(&options);
  options.backend = TLW_BACKEND_CPU;
  options.threads = 1;
  works.goes_on = goes_on;
  for (int side = 0; side < TLW_TUNE_SIDES; side++)
    assert_int_equal(tlw_engine_open(&works.engines[side], &options, NULL), TLW_OK);
  assert_int_equal(tlw_tune_works_begin(&works, TLW_WORK_FILES, 16 << 20, &range, NULL), TLW_OK);
  const struct tlw_load small = tlw_tune_works_load(&works, TLW_WORK_FILES, TLW_TUNE_USUAL, 1e4);
  const struct tlw_load large = tlw_tune_works_load(&works, TLW_WORK_FILES, TLW_TUNE_USUAL, 1e6);
  for (int cpu = 0; cpu < TLW_TUNE_SIDES; cpu++)
    for (int turn = 0; turn < 3; turn++) {
      assert_int_equal(tlw_tune_works_sample(&works, &small, TLW_TUNE_USUAL, cpu, &seconds, NULL), TLW_OK);
      tlw_fault_plant(TLW_FAULT_MEMORY, 1, true);
      const tlw_status status = tlw_tune_works_sample(&works, &large, TLW_TUNE_USUAL, cpu, &seconds, NULL);
      tlw_fault_plant(TLW_FAULT_MEMORY, 0, false);
      assert_int_equal(status, TLW_ERR_MEMORY);
    }
  tlw_tune_works_end(&works);
  for (int side = 0; side < TLW_TUNE_SIDES; side++) tlw_engine_close(&works.engines[side]);
}

static void test_tune_without_device(void **state) {
  (void)state;
  static tlw_tune_result result;
  result.struct_size = sizeof result;
  const tlw_tune_options options = quick_options();
  const int before = count_files();
  assert_int_equal(soft_set("fp64=0"), 0);
  assert_int_equal(tlw_tune(&options, &result, NULL), TLW_OK);
  assert_int_equal(soft_set("fp64=1"), 0);
  assert_int_equal(result.has_device, 0);
  assert_int_equal(result.device.backend, TLW_BACKEND_CPU);
  assert_int_equal(result.stored, 0);
  assert_int_equal(count_files(), before);
}

static void test_tune_arguments(void **state) {
  (void)state;
  static tlw_tune_result result;
  tlw_error error;
  tlw_tune_options options = quick_options();
  result.struct_size = sizeof result;
  assert_int_equal(tlw_tune(&options, NULL, &error), TLW_ERR_ARGUMENT);
  static const double wrong[] = {0, -1, 0.09, 3601, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    options.seconds = wrong[i];
    assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_ARGUMENT);
    assert_non_null(strstr(error.message, "seconds"));
  }
  options = quick_options();
  options.memory = (16 << 20) - 1;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_ARGUMENT);
  options = quick_options();
  options.threads = 0;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_ARGUMENT);
  options = quick_options();
  options.struct_size = 3;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_ARGUMENT);
  options = quick_options();
  result.struct_size = 0;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_ARGUMENT);
  options.host_budget = 0;
  result.struct_size = sizeof result;
  assert_int_equal(tlw_tune(&options, &result, &error), TLW_ERR_BUDGET);
  assert_null(tlw_tune_kind_name((tlw_tune_kind)TLW_TUNE_KINDS));
  assert_null(tlw_tune_unit((tlw_tune_kind)-1));
  assert_string_equal(tlw_tune_kind_name(TLW_TUNE_BARS), "bars");
  assert_string_equal(tlw_tune_unit(TLW_TUNE_BARS), "ticks");
}

/* ---- groups ---- */

static int make_cache(void **state) {
  (void)state;
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (driver) *(void **)&soft_set = dlsym(driver, "softcuda_set");
  if (!soft_set) print_message("libcuda.so.1 is not the software driver\n");
  return soft_set && mkdtemp(cache) ? 0 : -1;
}

static int remove_cache(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -r %s", cache);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_choices),
      cmocka_unit_test(test_jumps),
      cmocka_unit_test(test_crossing),
      cmocka_unit_test(test_never_and_always),
      cmocka_unit_test(test_extras),
      cmocka_unit_test(test_too_little_time),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_costs_are_kept),
      cmocka_unit_test(test_guesses_are_kept),
      cmocka_unit_test(test_damaged_costs),
      cmocka_unit_test(test_what_is_no_file),
      cmocka_unit_test(test_number_of_files_is_bounded),
      cmocka_unit_test(test_estimate),
      cmocka_unit_test(test_tune),
      cmocka_unit_test(test_tune_finds_the_faster),
      cmocka_unit_test(test_tune_without_device),
      cmocka_unit_test(test_tune_tells_why_no_device_opens),
      cmocka_unit_test(test_files_after_a_lack_of_memory),
      cmocka_unit_test(test_tune_arguments),
  };
  return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
