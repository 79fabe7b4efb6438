#include <string.h>

#include "../../kernels/bars_args.h"
#include "../../kernels/png_args.h"

#include "driver.h"

enum { LARGE = 256 << 10, RANGES = 16 };

/* Where results were left, the last of them. */
static struct {
  const unsigned char *start;
  size_t size;
} ranges[RANGES];
static unsigned range_count;

static void leave(unsigned char *start, size_t size) {
  ranges[range_count % RANGES].start = start;
  ranges[range_count++ % RANGES].size = size;
}

static void say_once(void) {
  static bool said;
  if (!said) sc_report("pretend=1: kernels do nothing, results mean nothing");
  said = true;
}

/* Streams of a size that a simple chart has. */
static void pretend_streams(const sc_launch *launch) {
  const tlk_png_args *args = launch->args;
  const uint64_t pixels = (uint64_t)args->width * args->height;
  const tlk_png_stream stream = {.size = (uint32_t)(16 + pixels / 100), .adler = 1};
  unsigned char *streams = (unsigned char *)launch->slab + args->streams;
  for (uint32_t i = 0; i < launch->groups; ++i) memcpy(streams + i * sizeof stream, &stream, sizeof stream);
  leave(streams, launch->groups * sizeof stream);
}

/* Parts of nothing, of which the host makes sums. */
static void pretend_parts(const sc_launch *launch) {
  const tlk_bars_args *args = launch->args;
  unsigned char *parts = (unsigned char *)launch->slab + args->parts;
  memset(parts, 0, launch->groups * sizeof(tlk_bar_part));
  leave(parts, launch->groups * sizeof(tlk_bar_part));
}

bool sc_pretend_copy(const sc_copy *copy) {
  for (unsigned i = 0; i < RANGES; ++i)
    if (copy->source >= ranges[i].start && copy->source < ranges[i].start + ranges[i].size) return false;
  return (uint64_t)copy->width * copy->height >= LARGE;
}

void sc_pretend(const sc_launch *launch) {
  say_once();
  if (strcmp(launch->kernel->name, "tlk_png_place") == 0) pretend_streams(launch);
  if (strcmp(launch->kernel->name, "tlk_bars_join") == 0) pretend_parts(launch);
}
