/*
 * Images on their way from the engine to a file: one block is drawn while the block before it is written by a thread
 * of its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataset_run.h"
#include "interrupt.h"
#include "report.h"

#define ALIGNMENT 64
#define MILLISECOND INT64_C(1000000)
#define SAVE_EVERY (200 * MILLISECOND)
#define SYNC_EVERY (60000 * MILLISECOND)

/* Images that follow each other. */
typedef struct block {
  char *pixels;
  int64_t first, n;
  dataset_point point; /* once it is written */

  /* Of a .tar: what is said of them, and copies of what that points at. */
  dataset_window *windows;
  double *labels;
  char *symbols;
  size_t symbols_used;
} block;

struct dataset_blocks {
  block *blocks;
  int n_blocks;
  pthread_t thread;
  int has_thread;

  /* Of the thread that writes. */
  int64_t saved, synced; /* when */
  int tar_is_open;
  dataset_point last; /* what is written */

  int is_begun; /* of the thread that draws: the next block may have images */

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t changed;
  int64_t n_full, n_written; /* blocks so far: full ones from n_written to n_full - 1; the next is being drawn */
  int ended;                 /* 1: no block comes any more */
  cli_exit code;             /* why none is written any more */
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* ---- writing ---- */

static cli_exit save(dataset_run *r, const dataset_point *point) {
  dataset_blocks *b = r->blocks;
  const int64_t time = now();
  const int is_due = time - b->synced >= SYNC_EVERY;
  if (time - b->saved < SAVE_EVERY && b->saved > 0) return CLI_OK;
  cli_exit code = is_due ? dataset_array_sync(r) : CLI_OK;
  if (!code) code = dataset_state_save(r, point, is_due);
  b->saved = now();
  if (is_due) b->synced = b->saved;
  return code;
}

static cli_exit write_to_array(dataset_run *r, const block *filled) {
  const cli_exit code = dataset_array_write(r, filled->pixels, filled->first, filled->n);
  return code ? code : save(r, &filled->point);
}

/* A block lies in one tar. */
static cli_exit write_to_tar(dataset_run *r, const block *filled) {
  dataset_blocks *b = r->blocks;
  cli_exit code = CLI_OK;
  if (!b->tar_is_open) code = dataset_tar_begin(r->tar, filled->first / r->per_tar);
  b->tar_is_open = 1;
  if (!code) code = dataset_tar_add(r->tar, filled->windows, filled->n, filled->pixels);
  if (code || (filled->first + filled->n) % r->per_tar != 0) return code;
  b->tar_is_open = 0;
  code = dataset_tar_end(r->tar, CLI_OK);
  return code ? code : dataset_state_save(r, &filled->point, 0);
}

static cli_exit write_block(dataset_run *r, const block *filled) {
  const cli_stage stage = {.track = CLI_TRACK_WRITER,
                           .name = "write",
                           .begun = cli_telemetry_now(r->base.telemetry),
                           .items = filled->n,
                           .bytes = (uint64_t)filled->n * r->shape.size};
  const cli_exit code = r->format == DATASET_TAR ? write_to_tar(r, filled) : write_to_array(r, filled);
  cli_telemetry_stage(r->base.telemetry, &stage);
  if (code) return code;
  cli_telemetry_count(r->base.telemetry, CLI_COUNT_IMAGES, (uint64_t)filled->n);
  r->blocks->last = filled->point;
  cli_progress_chart(r->base.progress, CLI_CHART_WRITTEN, filled->n);
  return CLI_OK;
}

static void *write_blocks(void *user) {
  dataset_run *r = user;
  dataset_blocks *b = r->blocks;
  pthread_mutex_lock(&b->lock);
  for (;;) {
    while (b->n_written == b->n_full && !b->ended) pthread_cond_wait(&b->changed, &b->lock);
    if (b->n_written == b->n_full) break;
    const block *filled = &b->blocks[b->n_written % b->n_blocks];
    cli_exit code = b->code;
    pthread_mutex_unlock(&b->lock);
    if (!code) code = write_block(r, filled);
    pthread_mutex_lock(&b->lock);
    b->code = code;
    b->n_written++;
    r->base.images += code ? 0 : filled->n;
    pthread_cond_broadcast(&b->changed);
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

/* ---- memory ---- */

static int make_block(const dataset_run *r, block *made) {
  const size_t room = (size_t)r->room, size = room * r->shape.size;
  made->pixels = aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  if (r->format != DATASET_TAR) return made->pixels != NULL;
  made->windows = malloc(room * sizeof *made->windows);
  made->labels = malloc(room * (size_t)(r->horizons.n + 1) * sizeof *made->labels);
  made->symbols = malloc(room * DATASET_SYMBOL_SIZE);
  return made->pixels && made->windows && made->labels && made->symbols;
}

static cli_exit fail_memory(const dataset_run *r) {
  return cli_fail(CLI_NO_MEMORY, "no memory for images of %zu bytes: use a smaller --size", r->shape.size);
}

/* Without the signals of the process, which others wait for. */
static cli_exit start_thread(dataset_run *r) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int code = pthread_create(&r->blocks->thread, NULL, write_blocks, r);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) return cli_fail(CLI_NO_MEMORY, "no thread that writes images: %s", strerror(code));
  r->blocks->has_thread = 1;
  return CLI_OK;
}

cli_exit dataset_blocks_open(dataset_run *r) {
  dataset_blocks *b = r->blocks = calloc(1, sizeof *b);
  if (!b) return fail_memory(r);
  pthread_mutex_init(&b->lock, NULL);
  pthread_cond_init(&b->changed, NULL);
  b->synced = now();
  b->n_blocks = r->n_blocks;
  b->blocks = calloc((size_t)r->n_blocks, sizeof *b->blocks);
  if (!b->blocks) return fail_memory(r);
  for (int i = 0; i < b->n_blocks; i++)
    if (!make_block(r, &b->blocks[i])) return fail_memory(r);
  return start_thread(r);
}

/* ---- handing over ---- */

static block *next_block(dataset_blocks *b) { return &b->blocks[b->n_full % b->n_blocks]; }

/* Waits for a block that may be drawn into. */
static cli_exit take_block(dataset_run *r) {
  dataset_blocks *b = r->blocks;
  pthread_mutex_lock(&b->lock);
  while (b->n_full - b->n_written == b->n_blocks && !b->code) pthread_cond_wait(&b->changed, &b->lock);
  const cli_exit code = b->code;
  pthread_mutex_unlock(&b->lock);
  return code ? code : cli_interrupt_code();
}

static void hand_over(dataset_run *r) {
  dataset_blocks *b = r->blocks;
  block *filled = next_block(b);
  b->is_begun = 0;
  if (filled->n == 0) return;
  filled->point = (dataset_point){filled->first + filled->n, r->inputs, r->data};
  pthread_mutex_lock(&b->lock);
  b->n_full++;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
}

static cli_exit begin_block(dataset_run *r, int64_t first) {
  const cli_exit code = take_block(r);
  block *next = next_block(r->blocks);
  if (code) return code;
  next->first = first;
  next->n = 0;
  next->symbols_used = 0;
  r->blocks->is_begun = 1;
  return CLI_OK;
}

/* ---- drawing ---- */

/* What the windows point at does not last. Those of one symbol share its copy. */
static void describe(const dataset_run *r, block *to, const dataset_window *windows, int64_t n) {
  const size_t n_horizons = (size_t)r->horizons.n;
  const char *symbol = NULL, *copy = NULL;
  for (int64_t i = 0; i < n; i++) {
    dataset_window *window = &to->windows[to->n + i];
    *window = windows[i];
    if (window->labels) {
      double *labels = to->labels + (size_t)(to->n + i) * n_horizons;
      window->labels = memcpy(labels, windows[i].labels, n_horizons * sizeof *labels);
    }
    if (window->symbol && window->symbol != symbol) {
      symbol = window->symbol;
      copy = strcpy(to->symbols + to->symbols_used, symbol);
      to->symbols_used += strlen(symbol) + 1;
    }
    if (window->symbol) window->symbol = copy;
  }
}

static cli_exit draw(dataset_run *r, const tlw_candles *candles, const tlw_image_window *windows, int64_t n) {
  block *to = next_block(r->blocks);
  tlw_error error;
  const size_t size = (size_t)n * r->shape.size;
  const cli_stage stage = {
      .name = "draw", .begun = cli_telemetry_now(r->base.telemetry), .items = n, .bytes = size, .is_short = 1};
  const tlw_status status = tlw_images_draw(dataset_engine(r), candles, &r->images, windows, n,
                                            to->pixels + (size_t)to->n * r->shape.size, size, NULL, &error);
  cli_telemetry_stage(r->base.telemetry, &stage);
  return status == TLW_OK ? CLI_OK : render_fail_library(&r->base, NULL, &error, 0);
}

/* How many of n images from `number` on are drawn or passed over alike; *fate: what becomes of them. */
static int64_t count_alike(const dataset_run *r, int64_t number, int64_t n, cli_chart_fate *fate) {
  const int64_t turn = number / r->unit, left = (turn + 1) * r->unit - number;
  int64_t alike = n < left ? n : left;
  *fate = CLI_CHART_WRITTEN;
  if (!cli_shard_has(&r->shard, turn)) {
    *fate = CLI_CHART_ELSEWHERE;
  } else if (number < r->begin.images) {
    *fate = CLI_CHART_FOUND;
    if (alike > r->begin.images - number) alike = r->begin.images - number;
  }
  return alike;
}

/* Draws images that follow each other and those before, all of one turn. */
static cli_exit draw_all(dataset_run *r, const tlw_candles *candles, const tlw_image_window *windows,
                         const dataset_window *described, int64_t number, int64_t n) {
  dataset_blocks *b = r->blocks;
  for (int64_t done = 0, part; done < n; done += part) {
    cli_exit code = b->is_begun ? cli_interrupt_code() : begin_block(r, number + done);
    if (code) return code;
    block *to = next_block(b);
    part = n - done < r->room - to->n ? n - done : r->room - to->n;
    code = draw(r, candles, windows + done, part);
    if (code) return code;
    if (r->format == DATASET_TAR) describe(r, to, described + done, part);
    to->n += part;
    if (to->n == r->room || (to->first + to->n) % r->unit == 0) hand_over(r);
  }
  return CLI_OK;
}

cli_exit dataset_blocks_draw(dataset_run *r, const tlw_candles *candles, const tlw_image_window *windows,
                             const dataset_window *described, int64_t number, int64_t n) {
  cli_exit code = CLI_OK;
  for (int64_t done = 0, alike; done < n && !code; done += alike) {
    cli_chart_fate fate;
    alike = count_alike(r, number + done, n - done, &fate);
    r->n_own += fate != CLI_CHART_ELSEWHERE ? alike : 0;
    if (fate == CLI_CHART_WRITTEN)
      code = draw_all(r, candles, windows + done, described + done, number + done, alike);
    else
      cli_progress_chart(r->base.progress, fate, alike);
  }
  return code;
}

/* ---- the end ---- */

void dataset_blocks_settle(dataset_run *r) {
  dataset_blocks *b = r->blocks;
  if (!b || !b->has_thread) return;
  pthread_mutex_lock(&b->lock);
  while (b->n_written < b->n_full && !b->code) pthread_cond_wait(&b->changed, &b->lock);
  pthread_mutex_unlock(&b->lock);
}

cli_exit dataset_blocks_save(dataset_run *r) {
  dataset_blocks *b = r->blocks;
  if (!b || b->last.images == 0 || r->format == DATASET_TAR) return CLI_OK;
  const cli_exit code = dataset_array_sync(r);
  return code ? code : dataset_state_save(r, &b->last, 1);
}

static void stop_thread(dataset_blocks *b) {
  if (!b->has_thread) return;
  pthread_mutex_lock(&b->lock);
  b->ended = 1;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
  pthread_join(b->thread, NULL);
  b->has_thread = 0;
}

/* What was drawn before the run was stopped is worth its while. */
cli_exit dataset_blocks_finish(dataset_run *r, cli_exit code) {
  dataset_blocks *b = r->blocks;
  if (!b->has_thread) return code;
  if (b->is_begun && (!code || (code == CLI_STOPPED && r->format != DATASET_TAR))) hand_over(r);
  stop_thread(b);
  if (!code || code == CLI_STOPPED) code = b->code ? b->code : code;
  if (b->tar_is_open) {
    b->tar_is_open = 0;
    const cli_exit ended = dataset_tar_end(r->tar, code);
    if (!code) code = ended;
  }
  return code;
}

void dataset_blocks_close(dataset_run *r) {
  dataset_blocks *b = r->blocks;
  if (!b) return;
  stop_thread(b);
  for (int i = 0; b->blocks && i < b->n_blocks; i++) {
    free(b->blocks[i].pixels);
    free(b->blocks[i].windows);
    free(b->blocks[i].labels);
    free(b->blocks[i].symbols);
  }
  free(b->blocks);
  pthread_mutex_destroy(&b->lock);
  pthread_cond_destroy(&b->changed);
  free(b);
  r->blocks = NULL;
}
