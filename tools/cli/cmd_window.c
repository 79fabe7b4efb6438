#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv_options.h"
#include "format.h"
#include "interrupt.h"
#include "report.h"
#include "rolling.h"

enum { FORMAT_AUTO, FORMAT_CSV, FORMAT_NPY };

/* ---- what can be known before anything is opened ---- */

static cli_exit check_options(const rolling *r) {
  const cli_args *args = r->args;
  if (args->values[WINDOW_JSON].given) return cli_fail(CLI_USAGE, "--json needs --list" SEE_HELP);
  if (args->n_operands == 0)
    return cli_fail(CLI_USAGE, "FILE... is missing, - for standard input; an example: '%s'" SEE_HELP,
                    args->command->examples[0]);
  if (r->verbose && r->quiet) return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other" SEE_HELP);
  const cli_value *device = rolling_value(r, WINDOW_DEVICE);
  const uint64_t backend = rolling_value(r, WINDOW_BACKEND)->number;
  if (device->given && backend != TLW_BACKEND_OPENCL && backend != TLW_BACKEND_CUDA)
    return cli_fail(CLI_USAGE, "--device needs --backend opencl or --backend cuda" SEE_HELP);
  return CLI_OK;
}

static cli_exit plan_format(rolling *r, const char *out) {
  const uint64_t format = rolling_value(r, WINDOW_FORMAT)->number;
  const int names_npy = cli_ends_in(out, ".npy"), names_csv = cli_ends_in(out, ".csv");
  if ((format == FORMAT_CSV && names_npy) || (format == FORMAT_NPY && names_csv))
    return cli_fail(CLI_USAGE, "--output %s and --format %s contradict each other" SEE_HELP, out,
                    rolling_value(r, WINDOW_FORMAT)->text);
  r->writes_npy = format == FORMAT_NPY || names_npy;
  if (r->writes_npy && r->plan.labels.n > 0)
    return cli_fail(CLI_USAGE, "--keep is for CSV: an array holds numbers alone" SEE_HELP);
  if (r->writes_npy && strcmp(out, "-") == 0 && isatty(STDOUT_FILENO))
    return cli_fail(CLI_USAGE, "--output -: standard output is a terminal: send it to a file, or name one" SEE_HELP);
  return CLI_OK;
}

static cli_exit refuse_packed(const char *out) {
  static const char *const endings[] = {".gz", ".zst", ".zip", ".bz2", ".xz", ".npz"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (cli_ends_in(out, endings[i]))
      return cli_fail(CLI_USAGE,
                      "--output %s: results are not packed: name a .csv or .npy file, or pack standard output" SEE_HELP,
                      out);
  return CLI_OK;
}

static int is_device_or_pipe(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* Where --format says what is written the name of a file may have any ending; that of a device or pipe always may. */
static void plan_kind(rolling *r, const char *out) {
  const char *slash = strrchr(out, '/'), *point = strrchr(slash ? slash : out, '.');
  const int is_said = rolling_value(r, WINDOW_FORMAT)->number != FORMAT_AUTO && r->args->n_operands == 1;
  r->kind = (cli_target_kind){.command = "window", .things = "results", .endings = {".csv", ".npy"}};
  if (r->writes_npy) r->kind.endings[0] = ".npy";
  if (r->writes_npy) r->kind.endings[1] = ".csv";
  if (is_said && point && point[1]) r->kind.endings[1] = point;
  if (r->args->n_operands == 1 && is_device_or_pipe(out)) r->kind.endings[1] = out + 1;
}

static cli_exit plan_output(rolling *r) {
  const cli_args *args = r->args;
  const char *out = rolling_value(r, WINDOW_OUTPUT)->text;
  if (!out && args->n_operands > 1)
    return cli_fail(CLI_USAGE, "--output OUT is missing: %d files need a folder, such as -o results" SEE_HELP,
                    args->n_operands);
  if (!out) out = "-";
  cli_exit code = plan_format(r, out);
  if (!code && args->n_operands == 1) code = refuse_packed(out);
  if (code) return code;
  plan_kind(r, out);
  return cli_targets_plan(&r->targets, &r->kind, out, 0, 0, args->n_operands, args->operands);
}

/* Results must not take the place of what they are made of. */
static cli_exit check_places(const rolling *r) {
  const cli_args *args = r->args;
  for (int i = 0; i < args->n_operands; i++) {
    const char *name = args->operands[i];
    if (strcmp(name, "-") == 0) continue;
    char *entry = r->targets.in_folder ? cli_targets_entry(&r->targets, name) : NULL;
    const int is_hit = r->targets.in_folder
                           ? entry && cli_targets_has(&r->targets, entry, args->n_operands, args->operands)
                           : strcmp(r->targets.out, "-") != 0 && cli_is_same_file(r->targets.out, name);
    free(entry);
    if (is_hit)
      return cli_fail(CLI_USAGE, "--output %s would replace the FILE %s: use another %s" SEE_HELP, r->targets.out, name,
                      r->targets.in_folder ? "folder" : "name");
  }
  return CLI_OK;
}

/* Nor must what is written beside them have the name of results. */
static cli_exit check_reports(const rolling *r) {
  const cli_args *args = r->args;
  cli_exit code = cli_telemetry_check(args);
  for (int i = 0, option; (option = cli_telemetry_option(args, i)) >= 0 && !code; i++) {
    const char *text = rolling_value(r, option)->text;
    char *entry = text && r->targets.in_folder ? cli_targets_entry(&r->targets, text) : NULL;
    if (entry && cli_targets_has(&r->targets, entry, args->n_operands, args->operands))
      code = cli_fail(CLI_USAGE, "--%s %s has the name of results of the run" SEE_HELP,
                      args->command->options[option].name, text);
    free(entry);
  }
  return code;
}

static cli_exit plan_run(rolling *r) {
  static const tlw_policy orders[] = {TLW_POLICY_ERROR, TLW_POLICY_SKIP, TLW_POLICY_KEEP};
  cli_exit code = check_options(r);
  if (!code) code = rolling_plan_read(&r->plan, r->args);
  if (!code) code = plan_output(r);
  if (!code) code = check_places(r);
  if (!code) code = check_reports(r);
  if (!code) code = cli_csv_options(r->args, NULL, 0, &r->csv);
  if (!code) r->csv.policies[TLW_DEFECT_OUT_OF_ORDER] = orders[rolling_value(r, WINDOW_OUT_OF_ORDER)->number];
  return code;
}

/* ---- the engine ---- */

/* An engine has what is left of --host-mem: it would tell of a budget that nobody gave. What it lacks is told later. */
static const char *without_budget(const rolling *r, const char *message, char *out, size_t size) {
  const char *budget = strstr(message, "a host memory budget of ");
  const cli_value *host_mem = rolling_value(r, WINDOW_HOST_MEM);
  if (!budget || !host_mem->given) return message;
  snprintf(out, size, "%.*s--host-mem %s leaves too little for an engine", (int)(budget - message), message,
           host_mem->text);
  return out;
}

static void on_log(void *user, tlw_log_level level, const char *message) {
  const rolling *r = user;
  char text[512];
  message = without_budget(r, message, text, sizeof text);
  if (level == TLW_LOG_WARNING && !r->quiet) cli_warn("%s", message);
  if (level == TLW_LOG_INFO && r->verbose) cli_say("%s", message);
}

static cli_exit open_engine(rolling *r) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  const cli_value *host_mem = rolling_value(r, WINDOW_HOST_MEM), *pool = rolling_value(r, WINDOW_POOL);
  const cli_value *threads = rolling_value(r, WINDOW_THREADS), *fallback = rolling_value(r, WINDOW_FALLBACK);
  options.backend = (tlw_backend)rolling_value(r, WINDOW_BACKEND)->number;
  options.device = rolling_value(r, WINDOW_DEVICE)->text;
  if (host_mem->given) options.host_budget = rolling_engine_bytes(r);
  if (pool->given) options.device_budget = pool->number;
  if (threads->given) options.threads = (uint32_t)threads->number;
  if (fallback->given) options.allow_fallback = fallback->number == SWITCH_ON ? TLW_FALLBACK_ON : TLW_FALLBACK_OFF;
  options.deadline_ms = (uint32_t)rolling_value(r, WINDOW_DEADLINE)->number * 1000;
  options.log = on_log;
  options.log_user = r;
  cli_telemetry_listen(r->telemetry, &options);
  tlw_error error;
  if (tlw_engine_open(&r->engine, &options, &error) != TLW_OK) return rolling_fail(r, NULL, &error);
  cli_telemetry_add_engine(r->telemetry, r->engine);
  tlw_device device;
  const int is_cpu = tlw_engine_describe(r->engine, &device, NULL) == TLW_OK && device.backend == TLW_BACKEND_CPU;
  if (is_cpu && pool->given && !r->quiet)
    cli_warn("--pool has no effect, for the CPU does the work: --host-mem limits its memory");
  return CLI_OK;
}

/* ---- the results of a file ---- */

static cli_exit make_result(rolling *r, const rolling_task *task, int32_t column, rolling_result *result) {
  char name[ROLLING_NAME_SIZE], other[ROLLING_NAME_SIZE] = "";
  const int32_t last = r->input.n_columns - 1;
  const tlw_window_info *info = tlw_window_describe(task->spec.op);
  rolling_column_name(r, column, name, sizeof name);
  if (r->plan.other) rolling_column_name(r, last, other, sizeof other);
  result->spec = task->spec;
  result->spec.column = column;
  if (info->inputs == 2) result->spec.other = last;
  result->name = rolling_result_name(task, name, other);
  result->has_number = 0;
  if (!result->name) return cli_fail(CLI_NO_MEMORY, "%s: no memory for names", r->input.name);
  if (!info->remembers) return CLI_OK;
  tlw_window_spec spec = result->spec;
  tlw_error error;
  spec.column = 0;
  if (tlw_window_state_open(&spec, 0, r->engine, &result->state, &error) == TLW_OK) return CLI_OK;
  return rolling_fail(r, r->input.name, &error);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Nor could a column that is copied. */
static cli_exit check_label(const rolling *r, int32_t label, char **names, size_t n) {
  char name[ROLLING_NAME_SIZE];
  const char *key = name;
  rolling_label_name(r, label, name, sizeof name);
  if (!bsearch(&key, names, n, sizeof *names, compare_names)) return CLI_OK;
  return cli_fail(CLI_USAGE,
                  "%s: a column that is copied and a result would both be called %s: name others by --keep" SEE_HELP,
                  cli_shown_name(r->input.name), name);
}

/* Columns of results that have one name could not be told apart. */
static cli_exit check_names(const rolling *r) {
  const size_t n = (size_t)r->n_results;
  char **names = malloc(n * sizeof *names);
  if (!names) return cli_fail(CLI_NO_MEMORY, "%s: no memory for names", r->input.name);
  for (size_t i = 0; i < n; i++) names[i] = r->results[i].name;
  qsort(names, n, sizeof *names, compare_names);
  cli_exit code = CLI_OK;
  for (size_t i = 1; i < n && !code; i++)
    if (strcmp(names[i - 1], names[i]) == 0)
      code = cli_fail(CLI_USAGE,
                      "%s: two results would be called %s: ask for each once, and for columns of one name by their "
                      "numbers" SEE_HELP,
                      cli_shown_name(r->input.name), names[i]);
  for (int32_t i = 0; i < r->input.n_labels && !code; i++) code = check_label(r, i, names, n);
  free(names);
  return code;
}

static cli_exit make_results(rolling *r) {
  const int32_t n_asked = r->input.n_columns - (r->plan.other != NULL);
  cli_exit code = CLI_OK;
  for (int32_t c = 0; c < n_asked && !code; c++)
    for (int i = 0; i < r->plan.n_tasks && !code; i++)
      code = make_result(r, &r->plan.tasks[i], c, &r->results[r->n_results++]);
  return code ? code : check_names(r);
}

static void drop_results(rolling *r) {
  for (int32_t i = 0; i < r->n_results; i++) {
    tlw_window_state_close(&r->results[i].state);
    free(r->results[i].name);
    r->results[i].name = NULL;
  }
  r->n_results = 0;
}

/* ---- pieces ---- */

static cli_stage begin_stage(const rolling *r, const char *name, int64_t n_rows) {
  return (cli_stage){
      .name = name, .file = r->input.name, .begun = cli_telemetry_now(r->telemetry), .items = n_rows, .is_short = 1};
}

/* Windows of a piece, behind the rows that they look back on. first: the absolute number of the first of those. */
static cli_exit run_windows(rolling *r, int64_t first, int64_t n_rows) {
  const void **columns = (const void **)(void *)r->ahead; /* not in use now */
  for (int32_t i = 0; i < r->input.n_columns; i++) columns[i] = r->columns[i];
  int32_t n = 0;
  for (int32_t i = 0; i < r->n_results; i++) {
    if (r->results[i].state) continue;
    r->specs[n] = r->results[i].spec;
    r->outputs[n++] = r->results[i].values;
  }
  if (n == 0) return CLI_OK;
  tlw_window_batch batch;
  tlw_window_batch_init(&batch);
  batch.columns = columns;
  batch.n_columns = r->input.n_columns;
  batch.n_rows = n_rows;
  batch.origin = &first;
  tlw_error error;
  const cli_stage stage = begin_stage(r, "run windows", n_rows);
  const tlw_status status = tlw_window_run(r->engine, &batch, r->specs, n, r->outputs, &error);
  cli_telemetry_stage(r->telemetry, &stage);
  return status == TLW_OK ? CLI_OK : rolling_fail(r, r->input.name, &error);
}

static void feed_states(rolling *r, int64_t kept, int64_t n) {
  const cli_stage stage = begin_stage(r, "row by row", n);
  for (int32_t i = 0; i < r->n_results; i++) {
    const rolling_result *result = &r->results[i];
    if (!result->state) continue;
    tlw_window_feed(result->state, r->columns[result->spec.column] + kept, NULL, n, result->values + kept);
  }
  cli_telemetry_stage(r->telemetry, &stage);
}

static void look_for_numbers(rolling *r, int64_t kept, int64_t n) {
  for (int32_t i = 0; i < r->n_results; i++) {
    rolling_result *result = &r->results[i];
    for (int64_t k = kept; k < kept + n && !result->has_number; k++) result->has_number = !isnan(result->values[k]);
  }
}

/* What the next piece looks back on. Returns how many rows. */
static int64_t keep_rows(rolling *r, int64_t n_rows) {
  const int64_t kept = n_rows < r->look_back ? n_rows : r->look_back;
  for (int32_t i = 0; i < r->input.n_columns; i++)
    memmove(r->columns[i], r->columns[i] + n_rows - kept, (size_t)kept * sizeof(double));
  return kept;
}

static cli_exit run_pieces(rolling *r, int64_t *n_rows) {
  int64_t kept = 0, n = 0;
  cli_exit code;
  for (*n_rows = 0;; *n_rows += n) {
    cli_stage stage = begin_stage(r, "read and parse", 0);
    code = rolling_input_next(r, kept, &n);
    stage.items = n;
    cli_telemetry_stage(r->telemetry, &stage);
    if (code || n == 0) return code;
    cli_telemetry_count(r->telemetry, CLI_COUNT_ROWS, (uint64_t)n);
    code = run_windows(r, *n_rows - kept, kept + n);
    if (code) return code;
    feed_states(r, kept, n);
    look_for_numbers(r, kept, n);
    stage = begin_stage(r, "write", n);
    code = rolling_output_rows(r, kept, n);
    cli_telemetry_stage(r->telemetry, &stage);
    if (code) return code;
    cli_telemetry_count(r->telemetry, CLI_COUNT_RESULTS, (uint64_t)n * (uint64_t)r->n_results);
    kept = keep_rows(r, kept + n);
  }
}

/* ---- files ---- */

/* Results that are nan throughout for want of rows, of the file, or of a window that is too short for any file. */
static int is_wanting(const rolling_result *result, int64_t n_rows, int is_hopeless) {
  if (result->has_number || rolling_is_hopeless(&result->spec) != is_hopeless) return 0;
  return is_hopeless || tlw_window_lookback(&result->spec) >= n_rows;
}

/* Either is likely a mistake. what: what is too short for them. */
static void warn_of_wanting(const rolling *r, int64_t n_rows, int is_hopeless, const char *what) {
  const rolling_result *first = NULL;
  int32_t n = 0;
  for (int32_t i = 0; i < r->n_results; i++) {
    if (!is_wanting(&r->results[i], n_rows, is_hopeless)) continue;
    if (!first) first = &r->results[i];
    n++;
  }
  char more[48] = "";
  if (n > 1) snprintf(more, sizeof more, " and %" PRId32 " other%s", n - 1, n > 2 ? "s" : "");
  if (n > 0)
    cli_warn("%s: %s for %s%s, which %s nan throughout", cli_shown_name(r->input.name), what, first->name, more,
             n > 1 ? "are" : "is");
}

static void warn_of_short(const rolling *r, int64_t n_rows) {
  char rows[64];
  snprintf(rows, sizeof rows, "%" PRId64 " row%s too few", n_rows, n_rows == 1 ? " is" : "s are");
  warn_of_wanting(r, n_rows, 0, rows);
  warn_of_wanting(r, n_rows, 1, "the window is too short");
}

#define PLACE_SIZE 256

/* Where the results were computed: averages that remember and running totals go from row to row, on the CPU. */
static void tell_place(const rolling *r, char out[PLACE_SIZE]) {
  int32_t n_states = 0;
  for (int32_t i = 0; i < r->n_results; i++) n_states += r->results[i].state != NULL;
  tlw_device device = {0};
  const int is_known = tlw_engine_describe(r->engine, &device, NULL) == TLW_OK;
  if (!is_known || n_states == r->n_results)
    snprintf(out, PLACE_SIZE, "%s, row by row", tlw_backend_name(TLW_BACKEND_CPU));
  else if (n_states == 0 || device.backend == TLW_BACKEND_CPU)
    snprintf(out, PLACE_SIZE, "%s (%s)", tlw_backend_name(device.backend), device.driver);
  else
    snprintf(out, PLACE_SIZE, "%s (%s), %" PRId32 " of them row by row on the cpu", tlw_backend_name(device.backend),
             device.driver, n_states);
}

static void tell(const rolling *r, const char *path, int64_t n_rows) {
  char count[CLI_COUNT_SIZE];
  char place[PLACE_SIZE];
  cli_count_text(n_rows, count);
  tell_place(r, place);
  cli_say("%s: %s row%s, %" PRId32 " result%s to %s, %s", cli_shown_name(r->input.name), count, n_rows == 1 ? "" : "s",
          r->n_results, r->n_results == 1 ? "" : "s", strcmp(path, "-") == 0 ? "standard output" : path, place);
}

static void warn_of_rows(const rolling *r) {
  if (!r->input.numbers) return;
  tlw_csv_report found;
  tlw_numbers_get_report(r->input.numbers, &found);
  cli_csv_warn(r->args, r->input.name, &found, r->quiet);
}

static cli_exit fail_empty(const rolling *r) {
  warn_of_rows(r);
  return cli_fail(CLI_DATA, "%s: the %s has no rows: add some", cli_shown_name(r->input.name),
                  r->input.npy ? "array" : "file");
}

static void report(const rolling *r, const char *path, int64_t n_rows) {
  warn_of_rows(r);
  if (!r->quiet) warn_of_short(r, n_rows);
  if (r->verbose) tell(r, path, n_rows);
}

static cli_exit write_file(rolling *r, const char *path) {
  cli_exit code = rolling_output_open(r, path);
  if (code) return code;
  int64_t n_rows;
  code = run_pieces(r, &n_rows);
  if (!code && n_rows == 0) code = fail_empty(r);
  code = rolling_output_close(r, n_rows, code);
  if (!code) report(r, path, n_rows);
  cli_telemetry_count(r->telemetry, CLI_COUNT_FILES, !code);
  return code;
}

static cli_exit run_file(rolling *r, const char *name) {
  cli_buffer entry = {0}, path = {0};
  cli_targets_name(&r->targets, name, NULL, -1, &entry);
  if (!entry.failed) cli_targets_path(&r->targets, entry.bytes, entry.length, &path);
  cli_exit code = entry.failed || path.failed ? cli_fail(CLI_NO_MEMORY, "%s: no memory for its name", name) : CLI_OK;
  if (!code) code = rolling_input_open(r, name);
  if (!code) code = make_results(r);
  if (!code) code = write_file(r, r->targets.in_folder ? path.bytes : r->targets.out);
  drop_results(r);
  rolling_input_close(&r->input);
  cli_buffer_free(&entry);
  cli_buffer_free(&path);
  return code;
}

/* A file that fails does not stop the others; where nothing can be written, or nobody reads it, they are not tried. */
static cli_exit run_files(rolling *r) {
  cli_exit first = CLI_OK;
  for (int i = 0; i < r->args->n_operands; i++) {
    r->output->error = 0;
    const cli_exit code = run_file(r, r->args->operands[i]);
    if (!first) first = code;
    if (code == CLI_IO && r->output->error != 0) break;
  }
  return first;
}

static cli_exit run(rolling *r) {
  cli_exit code = rolling_memory_plan(r);
  cli_telemetry_row_bytes(r->telemetry, r->own_bytes);
  if (!code) code = open_engine(r);
  if (!code) code = rolling_memory_take(r);
  if (!code) code = cli_targets_make_folder(&r->targets);
  if (!code) code = run_files(r);
  cli_targets_sweep(&r->targets);
  cli_targets_remove_folder(&r->targets);
  code = cli_telemetry_end(r->telemetry, code);
  tlw_npy_close(&r->piped);
  tlw_engine_close(&r->engine);
  rolling_memory_free(r);
  return code;
}

static cli_exit run_with_signals(rolling *r) {
  const cli_exit begun = r->telemetry ? cli_interrupt_at_once_after(cli_telemetry_leave, r->telemetry) : CLI_OK;
  if (begun) return begun;
  if (!r->telemetry) cli_interrupt_at_once();
  const cli_exit code = run(r);
  cli_interrupt_end();
  return code;
}

static cli_exit list(const cli_args *args) {
  if (args->n_operands > 0) return cli_fail(CLI_USAGE, "--list has no use for '%.200s'" SEE_HELP, args->operands[0]);
  rolling_plan plan = {0};
  const cli_exit code = args->values[WINDOW_OP].given ? rolling_plan_read_ops(&plan, args) : CLI_OK;
  if (!code) rolling_print_list(&plan, args->values[WINDOW_JSON].given);
  rolling_plan_free(&plan);
  return code;
}

cli_exit cli_run_window(const cli_args *args) {
  if (args->values[WINDOW_LIST].given) return list(args);
  rolling r = {.args = args, .verbose = args->values[WINDOW_VERBOSE].given, .quiet = args->values[WINDOW_QUIET].given};
  cli_exit code = plan_run(&r);
  if (!code) code = cli_telemetry_begin(&r.telemetry, args, &r.targets);
  if (!code) code = run_with_signals(&r);
  code = cli_telemetry_close(&r.telemetry, code);
  rolling_plan_free(&r.plan);
  return code;
}
