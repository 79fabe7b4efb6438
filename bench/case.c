#include "case.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "stages.h"

#define DECLARE(name) extern const bench_suite bench_suite_##name;
BENCH_SUITES(DECLARE)

#define ADDRESS(name) &bench_suite_##name,
static const bench_suite *const suites[] = {BENCH_SUITES(ADDRESS)};

const bench_suite *bench_suite_at(size_t index) { return index < BENCH_COUNT(suites) ? suites[index] : NULL; }

tlw_status bench_engine_open(const bench_lane *lane, tlw_engine **engine, tlw_error *error) {
  tlw_engine_options options;
  tlw_engine_options_init(&options);
  options.backend = lane->backend;
  if (lane->backend == TLW_BACKEND_CPU) options.threads = lane->threads;
  bench_stages_ask(&options);
  return tlw_engine_open(engine, &options, error);
}

const char *bench_stage_name(bench_stage stage) {
  static const char *const names[BENCH_STAGES] = {"memory", "left", "whole"};
  return names[stage];
}

static bool make_room(bench_cases *cases) {
  if (cases->n < cases->capacity) return true;
  const size_t capacity = cases->capacity ? 2 * cases->capacity : 256;
  bench_case *grown = realloc(cases->cases, capacity * sizeof *grown);
  if (!grown) {
    cases->status = bench_fail(&cases->error, TLW_ERR_MEMORY, "no memory for a list of %zu cases", capacity);
    return false;
  }
  cases->cases = grown;
  cases->capacity = capacity;
  return true;
}

void bench_add(bench_cases *cases, const bench_case *add, const char *format, ...) {
  if (!make_room(cases)) return;
  bench_case *added = &cases->cases[cases->n++];
  *added = *add;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(added->name, sizeof added->name, format, arguments);
  va_end(arguments);
}

tlw_status bench_cases_list(bench_cases *cases, int64_t rows, tlw_error *error) {
  *cases = (bench_cases){.rows = rows};
  for (size_t i = 0; i < BENCH_COUNT(suites); i++) {
    const size_t first = cases->n;
    suites[i]->list(cases);
    for (size_t k = first; k < cases->n; k++) cases->cases[k].suite = suites[i];
  }
  if (cases->status != TLW_OK) *error = cases->error;
  return cases->status;
}

void bench_cases_free(bench_cases *cases) {
  free(cases->cases);
  *cases = (bench_cases){0};
}

bool bench_matches(const char *pattern, const char *name) {
  const size_t length = strlen(pattern);
  if (strncmp(pattern, name, length) == 0 && (name[length] == 0 || name[length] == '/')) return true;
  return fnmatch(pattern, name, 0) == 0;
}

bool bench_means(const bench_cases *cases, const char *pattern, const bench_case *what) {
  for (size_t i = 0; i < cases->n; i++)
    if (strcmp(cases->cases[i].name, pattern) == 0) return strcmp(what->name, pattern) == 0;
  return bench_matches(pattern, what->name);
}
