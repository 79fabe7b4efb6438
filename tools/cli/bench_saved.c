#include "bench_saved.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/history.h"
#include "bench/records.h"
#include "bench/report.h"
#include "bench/table.h"
#include "bench/trends.h"
#include "interrupt.h"
#include "output.h"
#include "parse.h"
#include "report.h"
#include "targets.h"

/* Options that say how to measure have no place there. */
static cli_exit check_options(const cli_args *args, const int *allowed, int n) {
  for (int i = 0; i < BENCH_OPTIONS; i++) {
    int k = 0;
    while (k < n && allowed[k] != i) k++;
    if (args->values[i].given && k == n)
      return cli_fail(CLI_USAGE, "--%s has no place beside '%s', which measures nothing; try 'tallow bench --help'",
                      args->command->options[i].name, args->operands[0]);
  }
  return CLI_OK;
}

/* ---- show ---- */

cli_exit bench_saved_show(const cli_args *args) {
  bench_records records;
  tlw_error error;
  const cli_exit code = check_options(args, NULL, 0);
  if (code) return code;
  if (args->n_operands != 2)
    return cli_fail(CLI_USAGE, "show takes one FILE that 'tallow bench --json' or --save has made");
  if (bench_records_read(args->operands[1], &records, &error) != TLW_OK) return cli_fail_library(&error);
  bench_print_saved(stdout, &records);
  bench_records_free(&records);
  return CLI_OK;
}

/* ---- report ---- */

/* Names of folders that were listed are kept, for trends refer to them. */
typedef struct sources {
  bench_trends *trends;
  bench_paths *folders;
  int n_folders;
} sources;

/* As the oldest run of a history is once another has been saved. */
static int is_gone(const char *path) {
  struct stat info;
  return lstat(path, &info) != 0 && errno == ENOENT;
}

/* What is no run is left out of a folder, but refused where it was named. */
static cli_exit add_folder(sources *all, const char *folder) {
  bench_paths *paths = &all->folders[all->n_folders++];
  tlw_error error;
  if (bench_history_list(folder, paths, &error) != TLW_OK) return cli_fail_library(&error);
  if (paths->left_out > 0)
    cli_warn("%s: %zu older files are left out, for a report shows the newest %d", cli_shown_name(folder),
             paths->left_out, BENCH_HISTORY_RUNS);
  for (size_t i = 0; i < paths->n; i++) {
    const tlw_status status = bench_trends_add(all->trends, paths->paths[i], &error);
    if (status == TLW_ERR_NOT_FOUND && is_gone(paths->paths[i])) continue;
    if (status == TLW_ERR_DATA && all->trends->n_runs < BENCH_TRENDS_RUNS)
      cli_warn("left out, for it is no run: %s", error.message);
    else if (status != TLW_OK)
      return cli_fail_library(&error);
  }
  return CLI_OK;
}

static int is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static cli_exit add_named(const cli_args *args, sources *all) {
  tlw_error error;
  for (int i = 1; i < args->n_operands; i++) {
    if (is_folder(args->operands[i])) {
      const cli_exit code = add_folder(all, args->operands[i]);
      if (code) return code;
    } else if (bench_trends_add(all->trends, args->operands[i], &error) != TLW_OK) {
      return cli_fail_library(&error);
    }
  }
  return CLI_OK;
}

static cli_exit add_history(const cli_args *args, sources *all) {
  char folder[PATH_MAX];
  tlw_error error;
  if (args->values[BENCH_HISTORY_FOLDER].given)
    snprintf(folder, sizeof folder, "%s", args->values[BENCH_HISTORY_FOLDER].text);
  else if (bench_history_folder(folder, sizeof folder, &error) != TLW_OK)
    return cli_fail_library(&error);
  if (!is_folder(folder))
    return cli_fail(CLI_NO_INPUT, "there is no history: no folder %s; 'tallow bench --save' puts runs there", folder);
  return add_folder(all, folder);
}

static cli_exit write_page(const bench_trends *trends, cli_output *output) {
  char *text = NULL;
  size_t size = 0;
  tlw_error error;
  FILE *file = open_memstream(&text, &size);
  if (!file) return cli_fail(CLI_NO_MEMORY, "no memory for a page");
  const tlw_status status = bench_report_write(file, trends, &error);
  const int failed = ferror(file);
  cli_exit code = CLI_OK;
  if (fclose(file) != 0 || failed)
    code = cli_fail(CLI_NO_MEMORY, "no memory for a page");
  else if (status != TLW_OK)
    code = cli_fail_library(&error);
  else
    code = cli_output_write(output, text, size);
  free(text);
  return code;
}

static cli_exit write_file(const bench_trends *trends, const char *path) {
  cli_output *output = malloc(sizeof *output);
  if (!output) return cli_fail(CLI_NO_MEMORY, "no memory to write");
  cli_interrupt_at_once();
  cli_exit code = cli_output_open(output, path);
  if (!code) {
    code = write_page(trends, output);
    code = cli_output_close(output, code);
  }
  cli_interrupt_end();
  free(output);
  return code;
}

static cli_exit refuse_output(const char *page, const char *file) {
  return cli_fail(CLI_USAGE, "--output %s would replace %s; try 'tallow bench --help'", page, file);
}

/* The page must not take the place of a run, nor of a file that was listed beside runs. */
static cli_exit check_page(const cli_args *args, const sources *all) {
  const char *page = args->values[BENCH_OUTPUT].text;
  if (strcmp(page, "-") == 0) return CLI_OK;
  for (int i = 1; i < args->n_operands; i++)
    if (cli_is_same_file(page, args->operands[i])) return refuse_output(page, args->operands[i]);
  for (int i = 0; i < all->n_folders; i++)
    for (size_t k = 0; k < all->folders[i].n; k++)
      if (cli_is_same_file(page, all->folders[i].paths[k])) return refuse_output(page, all->folders[i].paths[k]);
  return CLI_OK;
}

static cli_exit make_page(const cli_args *args, sources *all) {
  tlw_error error;
  cli_exit code = args->n_operands > 1 ? add_named(args, all) : add_history(args, all);
  if (!code) code = check_page(args, all);
  if (code) return code;
  if (all->trends->n_runs == 0)
    return cli_fail(CLI_NO_INPUT, "there is no run to report: 'tallow bench --save' puts one into the history, --json "
                                  "into a file");
  if (bench_trends_sort(all->trends, &error) != TLW_OK) return cli_fail_library(&error);
  return write_file(all->trends, args->values[BENCH_OUTPUT].text);
}

cli_exit bench_saved_report(const cli_args *args) {
  static const int allowed[] = {BENCH_OUTPUT, BENCH_HISTORY_FOLDER};
  tlw_error error;
  cli_exit code = check_options(args, allowed, sizeof allowed / sizeof *allowed);
  if (code) return code;
  if (!args->values[BENCH_OUTPUT].given)
    return cli_fail(CLI_USAGE, "report writes a page: name it by -o, such as -o report.html");
  if (args->n_operands > 1 && args->values[BENCH_HISTORY_FOLDER].given)
    return cli_fail(CLI_USAGE, "report takes RUNs and FOLDERs, or --history: leave one of them out");
  sources all = {.trends = bench_trends_open(&error), .folders = calloc((size_t)args->n_operands, sizeof *all.folders)};
  code = all.trends && all.folders ? make_page(args, &all) : cli_fail(CLI_NO_MEMORY, "no memory for a report");
  for (int i = 0; i < all.n_folders; i++) bench_paths_free(&all.folders[i]);
  free(all.folders);
  bench_trends_close(&all.trends);
  return code;
}
