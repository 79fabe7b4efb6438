#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/case.h"
#include "bench/common.h"
#include "bench/compare.h"
#include "bench/history.h"
#include "bench/inputs.h"
#include "bench/json.h"
#include "bench/method.h"
#include "bench/records.h"
#include "bench/table.h"
#include "bench_saved.h"
#include "format.h"
#include "interrupt.h"
#include "nearest.h"
#include "output.h"
#include "parse.h"
#include "report.h"

#define COMPARE "compare"
#define REPORT "report"
#define SHOW "show"
#define COPY_AGAIN 2 /* seconds after which this machine may copy better than before */

/* ---- two runs ---- */

static cli_exit check_comparable(const cli_args *args, const bench_records *before, const bench_records *after) {
  if (before->processor_time != after->processor_time)
    return cli_fail(CLI_DATA, "one run has times of the processor, the other of the wall: measure both by one --clock");
  if (args->values[BENCH_FORCE].given) return CLI_OK;
  const bench_records *const both[] = {before, after};
  for (int i = 0; i < 2; i++)
    if (!*both[i]->fingerprint)
      return cli_fail(CLI_DATA, "%s does not say which machine it was made on; --force compares it all the same",
                      cli_shown_name(args->operands[i + 1]));
  if (strcmp(before->fingerprint, after->fingerprint) == 0) return CLI_OK;
  return cli_fail(CLI_DATA,
                  "the runs are of different machines: %s; and: %s. Times of two machines say nothing about a change; "
                  "--force compares them all the same",
                  before->machine, after->machine);
}

static cli_exit print_changes(const cli_args *args, const bench_records *before, const bench_records *after) {
  bench_changes changes;
  tlw_error error;
  cli_exit code = check_comparable(args, before, after);
  if (code) return code;
  if (bench_compare(before, after, &changes, &error) != TLW_OK) return cli_fail_library(&error);
  if (changes.n == 0) {
    code = cli_fail(CLI_DATA, "the runs have no case in common");
  } else {
    bench_print_changes(stdout, &changes);
    if (changes.slow > 0 && args->values[BENCH_FAIL_ON_SLOW].given) code = CLI_SLOWER;
    if ((size_t)changes.ambiguous == changes.n && args->values[BENCH_FAIL_ON_SLOW].given)
      cli_warn("--fail-on-slow: every case is AMBIGUOUS, so that nothing could be told, and nothing failed");
  }
  bench_changes_free(&changes);
  return code;
}

/* Options that say how to measure have no place there. */
static cli_exit check_compare_options(const cli_args *args) {
  for (int i = 0; i < BENCH_OPTIONS; i++)
    if (args->values[i].given && i != BENCH_FAIL_ON_SLOW && i != BENCH_FORCE)
      return cli_fail(CLI_USAGE,
                      "--%s has no place beside 'compare', which measures nothing; try 'tallow bench --help'",
                      args->command->options[i].name);
  return CLI_OK;
}

static cli_exit compare(const cli_args *args) {
  bench_records before, after;
  tlw_error error;
  cli_exit code = check_compare_options(args);
  if (code) return code;
  if (args->n_operands != 3)
    return cli_fail(CLI_USAGE,
                    "compare takes two FILEs that 'tallow bench --json' or --save has made, the older first");
  if (bench_records_read(args->operands[1], &before, &error) != TLW_OK) return cli_fail_library(&error);
  if (bench_records_read(args->operands[2], &after, &error) == TLW_OK) {
    code = print_changes(args, &before, &after);
    bench_records_free(&after);
  } else {
    code = cli_fail_library(&error);
  }
  bench_records_free(&before);
  return code;
}

/* ---- which cases ---- */

/* A case, or a part of its name, that is much like the pattern. */
static cli_exit refuse_pattern(const bench_cases *cases, const char *pattern) {
  cli_nearest nearest;
  cli_nearest_start(&nearest, pattern);
  for (size_t i = 0; bench_suite_at(i); i++) cli_nearest_try(&nearest, bench_suite_at(i)->name);
  cli_nearest_try(&nearest, COMPARE);
  cli_nearest_try(&nearest, REPORT);
  cli_nearest_try(&nearest, SHOW);
  for (size_t i = 0; i < cases->n; i++) cli_nearest_try(&nearest, cases->cases[i].name);
  if (nearest.best) return cli_fail(CLI_USAGE, "no case is called '%.200s': did you mean '%s'?", pattern, nearest.best);
  return cli_fail(CLI_USAGE, "no case is called '%.200s': 'tallow bench --list' names all", pattern);
}

static cli_exit check_patterns(const cli_args *args, const bench_cases *cases) {
  for (int i = 0; i < args->n_operands; i++) {
    size_t k = 0;
    while (k < cases->n && !bench_matches(args->operands[i], cases->cases[k].name)) k++;
    if (k == cases->n) return refuse_pattern(cases, args->operands[i]);
  }
  return CLI_OK;
}

static int is_wanted(const cli_args *args, const bench_cases *cases, const bench_case *what) {
  for (int i = 0; i < args->n_operands; i++)
    if (bench_means(cases, args->operands[i], what)) return 1;
  return args->n_operands == 0 && what->usual;
}

static void print_list(const cli_args *args, const bench_cases *cases) {
  const bench_suite *suite = NULL;
  for (size_t i = 0; i < cases->n; i++) {
    const bench_case *what = &cases->cases[i];
    if (args->n_operands > 0 && !is_wanted(args, cases, what)) continue;
    if (what->suite != suite) printf("%s# %s\n", suite ? "\n" : "", what->suite->summary);
    suite = what->suite;
    printf(what->usual ? "%-47s usual\n" : "%s\n", what->name);
  }
}

/* ---- on what ---- */

#define LANES_MAX (TLW_BACKEND_CUDA + CLI_PARTS_MAX)

typedef struct lanes {
  int n;
  int leaves_opencl;
  bench_lane lanes[LANES_MAX];
} lanes;

static void add_lane(lanes *all, tlw_backend backend, uint32_t threads) {
  for (int i = 0; i < all->n; i++)
    if (all->lanes[i].backend == backend && all->lanes[i].threads == threads) return;
  all->lanes[all->n++] = (bench_lane){backend, threads};
}

/* Fills *threads with what an engine of the lane has, and so finds out whether it can be opened. */
static tlw_status try_lane(tlw_backend backend, uint32_t *threads, tlw_error *error) {
  tlw_engine *engine;
  tlw_stats stats = {.struct_size = sizeof stats};
  tlw_status status = bench_engine_open(&(bench_lane){backend, TLW_THREADS_AUTO}, &engine, error);
  if (status != TLW_OK) return status;
  status = tlw_engine_stats(engine, &stats, error);
  tlw_engine_close(&engine);
  *threads = stats.threads;
  return status;
}

static cli_exit add_cpu(const cli_args *args, lanes *all) {
  const cli_value *threads = &args->values[BENCH_THREADS];
  const int by_processor = args->values[BENCH_CLOCK].number == BENCH_CLOCK_PROCESSOR;
  uint32_t n = 1;
  tlw_error error;
  for (int i = 0; i < threads->n_parts; i++) {
    if (by_processor && threads->parts[i].number != 1)
      return cli_fail(CLI_USAGE, "--clock processor is for one thread: leave out --threads %s", threads->text);
    add_lane(all, TLW_BACKEND_CPU, (uint32_t)threads->parts[i].number);
  }
  if (threads->n_parts > 0) return CLI_OK;
  if (!by_processor && try_lane(TLW_BACKEND_CPU, &n, &error) != TLW_OK) return cli_fail_library(&error);
  add_lane(all, TLW_BACKEND_CPU, n);
  return CLI_OK;
}

/* Whether the device that a lane would take is one that AUTO never takes: a CPU by OpenCL, slow and rarely meant. */
static int is_only_by_name(const bench_machine *machine, tlw_backend backend) {
  for (int i = 0; i < machine->n_devices; i++)
    if (machine->devices[i].backend == backend) return !machine->devices[i].automatic;
  return 0;
}

/* The CPU comes first, for others are compared with it. */
static cli_exit choose_lanes(const cli_args *args, const bench_machine *machine, lanes *all) {
  const cli_value *named = &args->values[BENCH_BACKEND];
  int wanted[TLW_BACKEND_CUDA + 1] = {0};
  for (int i = 0; i < named->n_parts; i++) wanted[named->parts[i].number + TLW_BACKEND_CPU] = 1;
  *all = (lanes){0};
  if (wanted[TLW_BACKEND_CPU] || !named->given) {
    const cli_exit code = add_cpu(args, all);
    if (code) return code;
  }
  for (tlw_backend backend = TLW_BACKEND_OPENCL; backend <= TLW_BACKEND_CUDA; ++backend) {
    tlw_error error;
    uint32_t threads;
    if (named->given ? !wanted[backend] : args->values[BENCH_CLOCK].number == BENCH_CLOCK_PROCESSOR) continue;
    if (!named->given && is_only_by_name(machine, backend)) {
      all->leaves_opencl = 1;
      continue;
    }
    const tlw_status status = try_lane(backend, &threads, &error);
    if (status == TLW_OK)
      add_lane(all, backend, 1);
    else if (named->given)
      return cli_fail_library(&error);
  }
  return CLI_OK;
}

static int fits(const bench_case *what, const bench_lane *lane) {
  return what->lanes == BENCH_LANES_ALL || lane->backend == TLW_BACKEND_CPU;
}

/* Rows that were asked for are a part of the name, so that no other is compared with it. */
static void name_row(const cli_args *args, bench_row *row) {
  char rows[32] = "";
  if (args->values[BENCH_ROWS].given) snprintf(rows, sizeof rows, "/rows:%.20s", args->values[BENCH_ROWS].text);
  if (row->lane.backend == TLW_BACKEND_CPU)
    snprintf(row->name, sizeof row->name, "%s%s/cpu/threads:%u", row->what->name, rows, row->lane.threads);
  else
    snprintf(row->name, sizeof row->name, "%s%s/%s", row->what->name, rows, tlw_backend_name(row->lane.backend));
}

/* The rows of a case: one on each lane, or by one thread alone. */
static void add_rows(const cli_args *args, bench_run *run, const bench_case *what, const lanes *all) {
  int alone = 0;
  for (int i = 0; i < all->n; i++) {
    if (!fits(what, &all->lanes[i]) || alone) continue;
    bench_row *row = &run->rows[run->n++];
    *row = (bench_row){.what = what, .lane = all->lanes[i]};
    alone = what->lanes == BENCH_LANES_ALONE;
    if (alone) row->lane.threads = 1;
    if (row->lane.backend == TLW_BACKEND_CPU) snprintf(row->tier, sizeof row->tier, "%.31s", run->machine.tier);
    name_row(args, row);
  }
}

static cli_exit make_rows(const cli_args *args, const bench_cases *cases, bench_run *run) {
  lanes all;
  cli_exit code = choose_lanes(args, &run->machine, &all);
  if (code) return code;
  run->leaves_opencl = all.leaves_opencl;
  size_t n = 0;
  for (size_t i = 0; i < cases->n; i++) n += is_wanted(args, cases, &cases->cases[i]) ? (size_t)all.n : 0;
  run->rows = calloc(n ? n : 1, sizeof *run->rows);
  if (!run->rows) return cli_fail(CLI_NO_MEMORY, "no memory to measure %zu rows", n);
  for (size_t i = 0; i < cases->n; i++)
    if (is_wanted(args, cases, &cases->cases[i])) add_rows(args, run, &cases->cases[i], &all);
  if (run->n > 0) return CLI_OK;
  return cli_fail(CLI_USAGE, "what is asked for runs on the CPU alone: leave out --backend %s, or add cpu",
                  args->values[BENCH_BACKEND].text);
}

/* ---- a run ---- */

static void say_progress(void *user, size_t done, size_t rows) {
  (void)user;
  if (isatty(STDERR_FILENO)) cli_say("measuring, %zu of %zu lines are done", done, rows);
}

#define LONG_RUN 30 /* seconds, of which people should know ahead */

static bool is_stopped(void *user) {
  (void)user;
  return cli_interrupt_code() != CLI_OK;
}

/* A name's first parts can mean more than one thinks. */
static void tell_length(const bench_run *run, const bench_plan *plan) {
  char time[CLI_DURATION_SIZE];
  const double rows = (double)run->n;
  const double seconds =
      plan->seconds > 0 ? plan->seconds * rows : fmax(BENCH_SECONDS_WALL, BENCH_SECONDS_WALL_ROW * rows);
  if (seconds <= LONG_RUN) return;
  if (seconds < 120)
    snprintf(time, sizeof time, "%.0f s", seconds);
  else if (seconds < 7200)
    snprintf(time, sizeof time, "%.0f min", seconds / 60);
  else
    snprintf(time, sizeof time, "%.0f h", seconds / 3600);
  cli_say("%zu lines, about %s", run->n, time);
}

/* Leaves those that were measured, or failed. Returns how many were measured. */
static size_t keep_measured(bench_run *run) {
  size_t kept = 0, measured = 0;
  for (size_t i = 0; i < run->n; i++) {
    const bench_row row = run->rows[i];
    if (row.n == 0 && row.status == TLW_OK) continue;
    measured += row.status == TLW_OK;
    run->rows[kept++] = row;
  }
  run->n = kept;
  return measured;
}

static cli_exit write_json(const cli_args *args, cli_output *output, const char *text) {
  if (!args->values[BENCH_JSON].given) return CLI_OK;
  cli_exit code = cli_output_write(output, text, strlen(text));
  return code ? code : cli_output_write(output, "\n", 1);
}

static tlw_status find_history(const cli_args *args, char folder[PATH_MAX], tlw_error *error) {
  if (!args->values[BENCH_HISTORY_FOLDER].given) return bench_history_folder(folder, PATH_MAX, error);
  snprintf(folder, PATH_MAX, "%s", args->values[BENCH_HISTORY_FOLDER].text);
  return TLW_OK;
}

/* 0, or errno: of the folder or, where there is none, of the one that it would be made in. */
static int check_folder(char *path) {
  struct stat info;
  while (stat(path, &info) != 0) {
    char *slash = strrchr(path, '/');
    if (errno != ENOENT) return errno;
    if (!slash) return access(".", W_OK | X_OK) == 0 ? 0 : errno;
    slash[slash == path] = 0;
  }
  if (!S_ISDIR(info.st_mode)) return ENOTDIR;
  return access(path, W_OK | X_OK) == 0 ? 0 : errno;
}

/* Before the measuring, that it is not done for nothing. */
static cli_exit check_history(const cli_args *args) {
  char folder[PATH_MAX], path[PATH_MAX];
  tlw_error error;
  if (!args->values[BENCH_SAVE].given) return CLI_OK;
  if (find_history(args, folder, &error) != TLW_OK) return cli_fail(CLI_CANT_CREATE, "%s", error.message);
  strcpy(path, folder);
  const int code = check_folder(path);
  if (!code) return CLI_OK;
  return cli_fail(CLI_CANT_CREATE, "--save: a run can't be written into %s: %s", folder, strerror(code));
}

static cli_exit save(const cli_args *args, const bench_machine *machine, const char *text) {
  char folder[PATH_MAX], path[PATH_MAX];
  tlw_error error;
  if (!args->values[BENCH_SAVE].given || cli_interrupt_code()) return CLI_OK;
  tlw_status status = find_history(args, folder, &error);
  if (status == TLW_OK) status = bench_history_save(folder, machine, text, path, sizeof path, &error);
  if (status != TLW_OK) return cli_fail(CLI_CANT_CREATE, "%s", error.message);
  cli_say("saved as %s", path);
  return CLI_OK;
}

static cli_exit keep(const cli_args *args, const bench_run *run, cli_output *output) {
  tlw_error error;
  if (!args->values[BENCH_JSON].given && !args->values[BENCH_SAVE].given) return CLI_OK;
  char *text = bench_run_json(run, &error);
  if (!text) return cli_fail_library(&error);
  cli_exit code = write_json(args, output, text);
  if (!code) code = save(args, &run->machine, text);
  free(text);
  return code;
}

/* Lines that failed; the others are shown and kept all the same. */
static cli_exit tell_failures(const bench_run *run) {
  const bench_row *first = NULL;
  size_t failed = 0;
  for (size_t i = 0; i < run->n; i++) {
    if (run->rows[i].status == TLW_OK) continue;
    if (failed++ == 0) first = &run->rows[i];
  }
  if (!first) return CLI_OK;
  return cli_fail(cli_exit_of(first->status), "%zu of %zu lines failed, the first because: %s", failed, run->n,
                  first->error.message);
}

static cli_exit measure(const cli_args *args, bench_run *run, cli_output *output) {
  const cli_value *json = &args->values[BENCH_JSON];
  const int shows = !json->given || strcmp(json->text, "-") != 0;
  const bench_plan plan = {.seconds = (double)args->values[BENCH_TIME].number * 1e-9,
                           .processor_time = args->values[BENCH_CLOCK].number == BENCH_CLOCK_PROCESSOR,
                           .progress = say_progress,
                           .stopped = is_stopped};
  uint32_t threads = 1;
  tlw_error error;
  for (size_t i = 0; i < run->n; i++)
    if (run->rows[i].lane.threads > threads) threads = run->rows[i].lane.threads;
  if (bench_machine_copy(&run->machine, threads, &error) != TLW_OK) return cli_fail_library(&error);
  if (shows) {
    bench_print_machine(stdout, &run->machine);
    fflush(stdout);
  }
  tell_length(run, &plan);
  const double start = bench_now();
  if (bench_measure(run, &plan, &error) != TLW_OK) return cli_fail_library(&error);
  const bool interrupted = is_stopped(NULL);
  const size_t asked = run->n, measured = interrupted ? keep_measured(run) : run->n;
  if (!interrupted && bench_now() - start > COPY_AGAIN && bench_machine_copy(&run->machine, threads, &error) != TLW_OK)
    return cli_fail_library(&error);
  if (shows && run->n > 0) bench_print_table(stdout, run);
  if (interrupted && shows) printf("interrupted: %zu of %zu lines measured\n", measured, asked);
  if (interrupted && !shows) cli_say("interrupted: %zu of %zu lines measured", measured, asked);
  const cli_exit code = run->n > 0 ? keep(args, run, output) : CLI_OK;
  return code || !interrupted ? code : cli_interrupt_code_at_once();
}

/* The file of --json is made first, so that nothing is measured in vain. */
static cli_exit measure_to_file(const cli_args *args, bench_run *run) {
  const cli_value *json = &args->values[BENCH_JSON];
  const cli_exit refused = check_history(args);
  if (refused) return refused;
  if (!json->given) return measure(args, run, NULL);
  cli_output *output = malloc(sizeof *output);
  if (!output) return cli_fail(CLI_NO_MEMORY, "no memory to write");
  cli_exit code = cli_output_open(output, json->text);
  if (!code) {
    code = measure(args, run, output);
    const bool has_lines = code == CLI_OK || (run->n > 0 && code == cli_interrupt_code_at_once());
    const cli_exit closed = cli_output_close(output, has_lines ? CLI_OK : code);
    if (!code) code = closed;
  }
  free(output);
  return code;
}

/* What a first signal ends with is what has been measured by then. */
static cli_exit measure_interruptibly(const cli_args *args, bench_run *run) {
  cli_interrupt_note();
  const cli_exit code = measure_to_file(args, run);
  cli_interrupt_end();
  return code;
}

static cli_exit measure_cases(const cli_args *args, const bench_cases *cases) {
  bench_run run = {0};
  tlw_error error;
  if (bench_machine_read(&run.machine, &error) != TLW_OK) return cli_fail_library(&error);
  cli_exit code = make_rows(args, cases, &run);
  if (!code) code = measure_interruptibly(args, &run);
  if (!code) code = tell_failures(&run);
  bench_run_free(&run);
  bench_inputs_free();
  return code;
}

static cli_exit check_measure_options(const cli_args *args) {
  if (args->values[BENCH_FAIL_ON_SLOW].given || args->values[BENCH_FORCE].given)
    return cli_fail(CLI_USAGE, "--%s is for 'tallow bench compare': there is nothing to compare with",
                    args->values[BENCH_FORCE].given ? "force" : "fail-on-slow");
  if (args->values[BENCH_OUTPUT].given)
    return cli_fail(CLI_USAGE, "--output is for 'tallow bench report': use --json for a run");
  if (args->values[BENCH_HISTORY_FOLDER].given && !args->values[BENCH_SAVE].given)
    return cli_fail(CLI_USAGE, "--history says where --save puts a run: add --save, or leave it out");
  return CLI_OK;
}

cli_exit cli_run_bench(const cli_args *args) {
  const char *verb = args->n_operands > 0 ? args->operands[0] : "";
  if (strcmp(verb, COMPARE) == 0) return compare(args);
  if (strcmp(verb, REPORT) == 0) return bench_saved_report(args);
  if (strcmp(verb, SHOW) == 0) return bench_saved_show(args);
  bench_cases cases;
  tlw_error error;
  cli_exit code = check_measure_options(args);
  if (code) return code;
  if (bench_cases_list(&cases, (int64_t)args->values[BENCH_ROWS].number, &error) == TLW_OK) {
    code = check_patterns(args, &cases);
    if (!code && args->values[BENCH_LIST].given)
      print_list(args, &cases);
    else if (!code)
      code = measure_cases(args, &cases);
  } else {
    code = cli_fail_library(&error);
  }
  bench_cases_free(&cases);
  return code;
}
