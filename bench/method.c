#include "method.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"
#include "inputs.h"

#define GROUP 32          /* rows that are open at a time, or all of one case */
#define SAMPLES_AIM 16    /* of a batch */
#define SAMPLES_MOST 64   /* likewise */
#define SAMPLES_CLEAN 3   /* that nothing interrupted, of which a batch can be made */
#define SAMPLE_LEAST 5e-5 /* seconds that a clock tells well */
#define EXTRA 0.5         /* of the time, for batches that were spoiled */
#define STAGES 0.1        /* likewise, for stages */

/* ---- what the machine does meanwhile ---- */

struct moment {
  double seconds, processor;
  double busy, stolen; /* of all CPUs */
  int64_t switches;
};

static int64_t forced_switches(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

/* Seconds since the system began; 0 where it does not tell. */
static void read_cpus(double *busy, double *stolen) {
  enum { USER, NICE, SYSTEM, IDLE, WAITING, INTERRUPTS, SOFT_INTERRUPTS, STOLEN, FIELDS };
  unsigned long long ticks[FIELDS] = {0};
  FILE *file = fopen("/proc/stat", "re");
  const int n =
      !file ? 0
            : fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE], &ticks[SYSTEM],
                     &ticks[IDLE], &ticks[WAITING], &ticks[INTERRUPTS], &ticks[SOFT_INTERRUPTS], &ticks[STOLEN]);
  const double tick = n == FIELDS ? 1 / (double)sysconf(_SC_CLK_TCK) : 0;
  if (file) fclose(file);
  *busy = tick * (double)(ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[INTERRUPTS] + ticks[SOFT_INTERRUPTS]);
  *stolen = tick * (double)ticks[STOLEN];
}

static struct moment now(void) {
  struct moment moment = {bench_now(), bench_processor_time(), 0, 0, forced_switches()};
  read_cpus(&moment.busy, &moment.stolen);
  return moment;
}

static uint32_t count_cpus(void) {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  return cpus > 0 ? (uint32_t)cpus : 1;
}

static uint32_t judge_since(const struct moment *before, const struct moment *after, const bench_lane *lane,
                            bool clean) {
  const bench_disturbance disturbance = {
      .seconds = after->seconds - before->seconds,
      .processor = after->processor - before->processor,
      .stolen = after->stolen - before->stolen,
      .switches = after->switches - before->switches,
      .threads = lane->threads,
      .cpus = count_cpus(),
      .waits = lane->backend != TLW_BACKEND_CPU,
      .clean = clean,
  };
  return bench_disturbed(&disturbance);
}

/* Of the time of all CPUs, what programs beside this one took. */
static double others_since(const struct moment *before, const struct moment *after) {
  const double own = after->processor - before->processor, all = (after->seconds - before->seconds) * count_cpus();
  return fmin(fmax((after->busy - before->busy - own) / all, 0), 1); /* ticks of the system are coarse */
}

/* ---- batches ---- */

struct turn {
  bench_row *row;
  bench_subject subject;
  bool open;
  int64_t calls;
  double second; /* seconds of the second call, and of its checksum; 0: there was none */
  double used;   /* seconds in all batches */
};

static double read_sample_clock(bool processor_time) { return processor_time ? bench_processor_time() : bench_now(); }

static void fail_row(struct turn *turn, tlw_status status) {
  turn->row->status = status;
  if (turn->open) turn->subject.close(turn->subject.state);
  turn->open = false;
}

/* Seconds of some calls; below 0: they failed. */
static double time_calls(struct turn *turn, int64_t calls, bool processor_time) {
  const double start = read_sample_clock(processor_time);
  const tlw_status status = turn->subject.run(turn->subject.state, calls, &turn->row->error);
  const double taken = read_sample_clock(processor_time) - start;
  if (status == TLW_OK) return fmax(taken, 1e-9);
  fail_row(turn, status);
  return -1;
}

/* As many calls as a sample of this many seconds has. */
static void calibrate(struct turn *turn, double seconds, bool processor_time) {
  seconds = fmax(seconds, SAMPLE_LEAST);
  turn->calls = 1;
  if (turn->second > SAMPLES_AIM * seconds) return; /* it need not be called to know that one is enough */
  for (;;) {
    const double taken = time_calls(turn, turn->calls, processor_time);
    if (taken < 0) return;
    const double factor = seconds / taken;
    if (factor < 4) {
      turn->calls = (int64_t)fmax(1, (double)turn->calls * factor + 0.5);
      return;
    }
    turn->calls = (int64_t)fmax((double)turn->calls + 1, (double)turn->calls * fmin(factor, 100) / 2);
  }
}

/* What samples tell that nothing interrupted, and all of them. */
struct samples {
  int n, n_clean;
  double all[SAMPLES_MOST], clean[SAMPLES_MOST];
};

/* One sample more. false: it failed. */
static bool take_sample(struct turn *turn, bool processor_time, struct samples *samples) {
  const bench_lane *lane = &turn->row->lane;
  const int64_t switches = forced_switches();
  const double start = bench_now(), processor = bench_processor_time();
  const double taken = time_calls(turn, turn->calls, processor_time);
  if (taken < 0) return false;
  const double worked = bench_processor_time() - processor, passed = bench_now() - start;
  const double sample = taken / (double)turn->calls;
  samples->all[samples->n++] = sample;
  const bool waited = lane->backend == TLW_BACKEND_CPU && lane->threads == 1 && passed > worked * BENCH_WAITED;
  if (!waited && forced_switches() == switches) samples->clean[samples->n_clean++] = sample;
  return true;
}

static void measure_batch(struct turn *turn, double seconds, bool processor_time, bench_batch *batch) {
  struct samples samples = {.n = 0};
  const struct moment before = now();
  do
    if (!take_sample(turn, processor_time, &samples)) return;
  while (samples.n < SAMPLES_MOST && bench_now() - before.seconds < seconds);
  const struct moment after = now();
  const bool clean = samples.n_clean >= SAMPLES_CLEAN;
  const double processor = (after.processor - before.processor) / ((double)turn->calls * samples.n);
  *batch = (bench_batch){.seconds = clean ? bench_median(samples.clean, samples.n_clean)
                                          : bench_median(samples.all, samples.n),
                         .processor = processor,
                         .calls = turn->calls,
                         .spoiled = judge_since(&before, &after, &turn->row->lane, clean)};
}

/* Whether a call takes longer than all of them should: then there is as little more as can be. */
static bool is_slow(const struct turn *turn, double seconds) { return turn->row->cold > seconds && turn->calls == 1; }

/* ---- rows ---- */

static void open_turn(struct turn *turn) {
  bench_row *row = turn->row;
  row->status = row->what->suite->open(row->what, &row->lane, &turn->subject, &row->error);
  if (row->status != TLW_OK) return;
  turn->open = true;
  row->item = turn->subject.item;
  row->items = turn->subject.items;
  row->bytes = turn->subject.bytes;
  bench_space_forget();
  row->cold = time_calls(turn, 1, false);
  if (!turn->open || !turn->subject.hash) return;
  const double start = bench_now();
  const tlw_status status = turn->subject.hash(turn->subject.state, &row->hash, &row->error);
  turn->second = bench_now() - start;
  row->has_hash = status == TLW_OK;
  if (status != TLW_OK) fail_row(turn, status);
}

/* Looks at the output once more, and at what memory it took. */
static void close_turn(struct turn *turn, double seconds) {
  bench_row *row = turn->row;
  uint64_t again;
  if (!turn->open) return;
  if (row->has_hash && !is_slow(turn, seconds) &&
      turn->subject.hash(turn->subject.state, &again, &row->error) == TLW_OK)
    row->changed = again != row->hash;
  tlw_stats stats = {.struct_size = sizeof stats};
  if (turn->subject.engine && tlw_engine_stats(turn->subject.engine, &stats, NULL) == TLW_OK) {
    row->host_peak = stats.host_bytes.peak;
    row->device_peak = stats.device_bytes.peak;
  }
  turn->subject.close(turn->subject.state);
  turn->open = false;
}

/* While the engine that was measured is still open, which makes opening another quicker. */
static void measure_stages(struct turn *turn, double seconds) {
  const bench_row *row = turn->row;
  if (!turn->open || !turn->subject.engine || row->n == 0 || row->batches[row->n - 1].seconds > seconds) return;
  turn->row->stages = bench_measure_stages(turn->row->what, &turn->row->lane, STAGES * seconds);
}

/* A turn, unless one call takes so long that the turns before have used up this one's time. */
static void take_turn(struct turn *turn, int round, double seconds, bool processor_time) {
  bench_row *row = turn->row;
  if (!turn->open || turn->used > seconds * (round + 1)) return;
  const double start = bench_now();
  measure_batch(turn, seconds, processor_time, &row->batches[row->n]);
  turn->used += bench_now() - start;
  row->batches[row->n].round = round;
  if (turn->open) row->n++;
}

/* Seconds a row, and when all of a group should be over. */
struct budget {
  double seconds, end;
  const bench_plan *plan;
};

static bool is_stopped(const bench_plan *plan) { return plan->stopped && plan->stopped(plan->user); }

/* Clocks of a GPU are looked at right behind its turn, while it still runs as it did. */
static bool measure_rounds(bench_machine *on, struct turn *turns, size_t n, const struct budget *budget,
                           bool processor_time) {
  for (int round = 0; round < BENCH_ROUNDS; round++) {
    if (round >= BENCH_ROUNDS_LEAST && bench_now() > budget->end) return false;
    for (size_t i = 0; i < n; i++) {
      struct turn *turn = &turns[((size_t)round + i) % n];
      if (is_stopped(budget->plan)) return true;
      take_turn(turn, round, budget->seconds / BENCH_ROUNDS, processor_time);
      if (turn->row->lane.backend != TLW_BACKEND_CPU) bench_machine_watch(on, turn->row->lane.backend);
    }
  }
  return true;
}

/* Goes round what was spoiled until there is none or the time is used. */
static void measure_again(struct turn *turns, size_t n, const struct budget *budget, bool processor_time) {
  const double seconds = budget->seconds, batch = seconds / BENCH_ROUNDS;
  const double end = fmin(bench_now() + EXTRA * seconds * (double)n, budget->end);
  for (bool any = true; any && bench_now() < end && !is_stopped(budget->plan);) {
    any = false;
    for (size_t i = 0; i < n; i++) {
      bench_row *row = turns[i].row;
      if (!turns[i].open || bench_mark_slow(row->batches, row->n) == 0) continue;
      for (int k = 0; k < row->n && turns[i].open && bench_now() < end && !is_stopped(budget->plan); k++)
        if (row->batches[k].spoiled && !is_slow(&turns[i], seconds)) {
          const int round = row->batches[k].round;
          measure_batch(&turns[i], batch, processor_time, &row->batches[k]);
          row->batches[k].round = round;
          any = true;
        }
    }
  }
  for (size_t i = 0; i < n; i++) bench_mark_slow(turns[i].row->batches, turns[i].row->n);
}

/* Looking at outputs once more takes as long as the first time, and the time for it is put aside. */
static void keep_time_to_close(struct budget *budget, const struct turn *turns, size_t n) {
  for (size_t i = 0; i < n; i++) budget->end -= turns[i].second;
}

/* false: rounds were left out, for the time was over. */
static bool measure_group(bench_machine *on, struct turn *turns, size_t n, struct budget budget, bool processor_time) {
  const double seconds = budget.seconds;
  for (size_t i = 0; i < n && !is_stopped(budget.plan); i++) open_turn(&turns[i]);
  bench_space_touch();
  for (size_t i = 0; i < n; i++)
    if (turns[i].open && !is_stopped(budget.plan))
      calibrate(&turns[i], seconds / BENCH_ROUNDS / SAMPLES_AIM, processor_time);
  keep_time_to_close(&budget, turns, n);
  const struct moment before = now();
  const bool all = measure_rounds(on, turns, n, &budget, processor_time);
  measure_again(turns, n, &budget, processor_time);
  const struct moment after = now();
  for (size_t i = 0; i < n; i++) turns[i].row->others = others_since(&before, &after);
  for (size_t i = 0; i < n && bench_now() < budget.end && !is_stopped(budget.plan); i++)
    measure_stages(&turns[i], seconds);
  for (size_t i = 0; i < n; i++) close_turn(&turns[i], seconds);
  return all;
}

/* Rows of a case stay together, for they are compared. */
static size_t group_size(const bench_run *run, size_t first) {
  size_t n = 0;
  while (first + n < run->n) {
    size_t same = 1;
    while (first + n + same < run->n && run->rows[first + n + same].what == run->rows[first + n].what) same++;
    if (n > 0 && n + same > GROUP) break;
    n += same;
  }
  return n;
}

static double wall_of(size_t rows) { return fmax(BENCH_SECONDS_WALL, BENCH_SECONDS_WALL_ROW * (double)rows); }

tlw_status bench_measure(bench_run *run, const bench_plan *plan, tlw_error *error) {
  double seconds = plan->seconds;
  if (seconds <= 0) seconds = fmin(BENCH_SECONDS_MOST, BENCH_SECONDS_ALL / (1 + EXTRA) / (double)run->n);
  const double end = plan->wall > 0       ? bench_now() + plan->wall
                     : plan->seconds <= 0 ? bench_now() + wall_of(run->n)
                                          : INFINITY;
  run->processor_time = plan->processor_time;
  for (size_t first = 0, n; first < run->n && !is_stopped(plan); first += n) {
    n = group_size(run, first);
    struct turn *turns = calloc(n, sizeof *turns);
    if (!turns) return bench_fail(error, TLW_ERR_MEMORY, "no memory to measure %zu rows", n);
    for (size_t i = 0; i < n; i++) turns[i].row = &run->rows[first + i];
    if (plan->progress) plan->progress(plan->user, first, run->n);
    const double start = bench_now(), share = (end - start) * (double)n / (double)(run->n - first);
    if (!measure_group(&run->machine, turns, n, (struct budget){seconds, start + share, plan}, plan->processor_time))
      run->ran_out = true;
    free(turns);
  }
  return TLW_OK;
}
