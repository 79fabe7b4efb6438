#include "reading.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "common.h"

#define VARIABLE "TALLOW_CPU_TIER"

const char *bench_tier_name(int tier) {
#ifdef __aarch64__
  static const char *const names[] = {"neon"};
#else
  static const char *const names[] = {"baseline", "avx2", "avx512"};
#endif
  return tier < (int)BENCH_COUNT(names) ? names[tier] : NULL;
}

char *bench_tier_enter(const char *tier) {
  const char *now = getenv(VARIABLE);
  char *before = tier && now ? strdup(now) : NULL;
  if (tier) setenv(VARIABLE, tier, 1);
  return before;
}

void bench_tier_leave(const char *tier, char *before) {
  if (before)
    setenv(VARIABLE, before, 1);
  else if (tier)
    unsetenv(VARIABLE);
  free(before);
}

static bool try_tier(const char *name) {
  tlw_engine *engine;
  tlw_error error;
  char *before = bench_tier_enter(name);
  const tlw_status status = bench_engine_open(&(bench_lane){TLW_BACKEND_CPU, 1}, &engine, &error);
  bench_tier_leave(name, before);
  tlw_engine_close(&engine);
  return status == TLW_OK;
}

bool bench_tier_exists(int tier) {
  enum { UNKNOWN, YES, NO };
  static int known[8];
  if (known[tier] == UNKNOWN) known[tier] = try_tier(bench_tier_name(tier)) ? YES : NO;
  return known[tier] == YES;
}

static char chunk[BENCH_CHUNK];
static volatile int64_t n_lines;

static int64_t count_lines(const char *text, size_t size) {
  int64_t lines = 0;
  for (const char *line = text; (line = memchr(line, '\n', (size_t)(text + size - line))); line++) lines++;
  return lines;
}

static tlw_status read_file(const bench_file *file, int64_t calls, bool lines, tlw_error *error) {
  for (int64_t i = 0; i < calls; i++) {
    off_t at = 0;
    for (ssize_t n; (n = pread(file->descriptor, chunk, BENCH_CHUNK, at)) != 0; at += n) {
      if (n < 0) return bench_fail(error, TLW_ERR_IO, "a file in memory can't be read");
      if (lines) n_lines += count_lines(chunk, (size_t)n);
    }
  }
  return TLW_OK;
}

tlw_status bench_read_bytes(const bench_file *file, int64_t calls, tlw_error *error) {
  return read_file(file, calls, false, error);
}

tlw_status bench_read_lines(const bench_file *file, int64_t calls, tlw_error *error) {
  return read_file(file, calls, true, error);
}
