#include "dataset_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_members.h"
#include "format.h"
#include "output.h"
#include "report.h"

#define NUMBER_DIGITS 6
#define CHUNK_SIZE 131072 /* bytes of images that a thread takes at once */
#define CHUNKS_PER_THREAD 4

/* Members of some images, one behind the other. */
struct chunk {
  cli_buffer bytes;
  int is_made;
};

/* One of the threads beside that of the caller. */
struct helper {
  struct dataset_tar *tar;
  dataset_members *members;
  pthread_t thread;
};

struct dataset_tar {
  dataset_tar_options options;
  size_t image_size;
  int64_t chunk_images; /* of a chunk at most */
  dataset_members *members;
  struct helper *helpers;
  int n_helpers;
  cli_buffer name;
  int is_begun;
  cli_output output;

  pthread_mutex_t lock;
  pthread_cond_t changed;
  int ends;
  int n_active; /* helpers that make a chunk */

  /* What is added; chunk i is in chunks[i % n_slots]. */
  const dataset_window *windows;
  const char *pixels;
  int64_t n, n_chunks;
  int64_t n_taken, n_written; /* chunks */
  struct chunk *chunks;
  int64_t n_slots;
  cli_exit code;
};

static cli_exit fail_memory(void) { return cli_fail(CLI_NO_MEMORY, "no memory for shards"); }

/* ---- chunks ---- */

static cli_exit make_chunk(const dataset_tar *tar, dataset_members *members, int64_t i, cli_buffer *out) {
  const int64_t first = i * tar->chunk_images, left = tar->n - first;
  const int64_t end = first + (left < tar->chunk_images ? left : tar->chunk_images);
  cli_exit code = CLI_OK;
  cli_buffer_clear(out);
  for (int64_t k = first; k < end && !code; k++)
    code = dataset_members_add(members, &tar->windows[k], tar->pixels + (size_t)k * tar->image_size, out);
  return code;
}

/* These have the lock. */

static int can_take(const dataset_tar *tar) {
  return tar->n_taken < tar->n_chunks && tar->n_taken < tar->n_written + tar->n_slots;
}

static void take_chunk(dataset_tar *tar, dataset_members *members) {
  const int64_t i = tar->n_taken++;
  struct chunk *chunk = &tar->chunks[i % tar->n_slots];
  tar->n_active++;
  pthread_mutex_unlock(&tar->lock);
  const cli_exit code = make_chunk(tar, members, i, &chunk->bytes);
  pthread_mutex_lock(&tar->lock);
  tar->n_active--;
  chunk->is_made = 1;
  if (code && !tar->code) tar->code = code;
  pthread_cond_broadcast(&tar->changed);
}

static void write_chunk(dataset_tar *tar) {
  struct chunk *chunk = &tar->chunks[tar->n_written % tar->n_slots];
  pthread_mutex_unlock(&tar->lock);
  const cli_exit code = cli_output_write(&tar->output, chunk->bytes.bytes, chunk->bytes.length);
  pthread_mutex_lock(&tar->lock);
  chunk->is_made = 0;
  tar->n_written++;
  if (code && !tar->code) tar->code = code;
  pthread_cond_broadcast(&tar->changed);
}

static void *help(void *user) {
  const struct helper *helper = user;
  dataset_tar *tar = helper->tar;
  pthread_mutex_lock(&tar->lock);
  while (!tar->ends) {
    if (can_take(tar) && !tar->code)
      take_chunk(tar, helper->members);
    else
      pthread_cond_wait(&tar->changed, &tar->lock);
  }
  pthread_mutex_unlock(&tar->lock);
  return NULL;
}

cli_exit dataset_tar_add(dataset_tar *tar, const dataset_window *windows, int64_t n, const void *pixels) {
  pthread_mutex_lock(&tar->lock);
  tar->windows = windows;
  tar->pixels = pixels;
  tar->n = n;
  tar->n_chunks = (n + tar->chunk_images - 1) / tar->chunk_images;
  tar->n_taken = tar->n_written = 0;
  for (int64_t i = 0; i < tar->n_slots; i++) tar->chunks[i].is_made = 0;
  pthread_cond_broadcast(&tar->changed);
  while (!tar->code && tar->n_written < tar->n_chunks) {
    if (tar->n_written < tar->n_taken && tar->chunks[tar->n_written % tar->n_slots].is_made)
      write_chunk(tar);
    else if (can_take(tar))
      take_chunk(tar, tar->members);
    else
      pthread_cond_wait(&tar->changed, &tar->lock);
  }
  tar->n_chunks = 0;
  while (tar->n_active > 0) pthread_cond_wait(&tar->changed, &tar->lock);
  const cli_exit code = tar->code;
  pthread_mutex_unlock(&tar->lock);
  return code;
}

/* ---- shards ---- */

void dataset_tar_name(cli_buffer *out, const char *output, int64_t number) {
  char ending[CLI_COUNT_SIZE] = "-";
  char *end = cli_put_digits(ending + 1, (uint64_t)number, NUMBER_DIGITS);
  memcpy(end, ".tar", sizeof ".tar");
  dataset_name_beside(out, output, ending);
}

int dataset_tar_is_there(const char *output, int64_t number) {
  struct stat info;
  cli_buffer name = {0};
  dataset_tar_name(&name, output, number);
  const int is_there = !name.failed && stat(name.bytes, &info) == 0;
  cli_buffer_free(&name);
  return is_there;
}

static cli_exit sync_file(const char *name) {
  const int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return cli_fail_output(name, errno);
  const int failed = fsync(descriptor) != 0 && errno != EINVAL ? errno : 0; /* a pipe has no disk */
  close(descriptor);
  return failed ? cli_fail_output(name, failed) : CLI_OK;
}

cli_exit dataset_tar_sync(const char *output, int64_t number) {
  cli_buffer name = {0};
  dataset_tar_name(&name, output, number);
  const cli_exit code = name.failed ? fail_memory() : sync_file(name.bytes);
  cli_buffer_free(&name);
  return code;
}

void dataset_tar_remove(const char *output, int64_t number) {
  struct stat info;
  cli_buffer name = {0};
  for (int is_removed = 1; is_removed; number++) {
    dataset_tar_name(&name, output, number);
    is_removed = !name.failed && lstat(name.bytes, &info) == 0 && S_ISREG(info.st_mode) && unlink(name.bytes) == 0;
  }
  cli_buffer_free(&name);
}

cli_exit dataset_tar_begin(dataset_tar *tar, int64_t number) {
  dataset_tar_name(&tar->name, tar->options.output, number);
  const cli_exit code = tar->name.failed ? fail_memory() : cli_output_open(&tar->output, tar->name.bytes);
  tar->is_begun = !code;
  pthread_mutex_lock(&tar->lock);
  tar->code = code;
  pthread_mutex_unlock(&tar->lock);
  return code;
}

cli_exit dataset_tar_end(dataset_tar *tar, cli_exit code) {
  static const char zeros[2 * DATASET_TAR_BLOCK] = {0};
  if (!tar->is_begun) return code;
  if (!code) code = tar->code;
  if (!code) code = cli_output_write(&tar->output, zeros, sizeof zeros);
  tar->is_begun = 0;
  return cli_output_close(&tar->output, code);
}

/* ---- the writer ---- */

/* Fewer threads than were asked for are fine. */
static cli_exit start_helpers(dataset_tar *tar) {
  const dataset_tar_options *options = &tar->options;
  for (; tar->n_helpers < options->threads - 1; tar->n_helpers++) {
    struct helper *helper = &tar->helpers[tar->n_helpers];
    *helper = (struct helper){.tar = tar};
    helper->members = dataset_members_open(options->images, options->writes_npy, options->horizons);
    if (!helper->members) return CLI_NO_MEMORY;
    if (pthread_create(&helper->thread, NULL, help, helper) == 0) continue;
    dataset_members_close(helper->members);
    return CLI_OK;
  }
  return CLI_OK;
}

static cli_exit prepare(dataset_tar *tar) {
  const dataset_tar_options *options = &tar->options;
  tlw_image_shape shape;
  tlw_error error;
  if (tlw_image_shape_of(options->images, &shape, &error) != TLW_OK) return cli_fail_library(&error);
  tar->image_size = shape.size;
  tar->chunk_images = shape.size < CHUNK_SIZE ? (int64_t)(CHUNK_SIZE / shape.size) : 1;
  tar->n_slots = CHUNKS_PER_THREAD * (int64_t)options->threads;
  tar->chunks = calloc((size_t)tar->n_slots, sizeof *tar->chunks);
  tar->helpers = calloc((size_t)options->threads, sizeof *tar->helpers);
  if (!tar->chunks || !tar->helpers) return fail_memory();
  tar->members = dataset_members_open(options->images, options->writes_npy, options->horizons);
  return tar->members ? start_helpers(tar) : CLI_NO_MEMORY;
}

cli_exit dataset_tar_open(dataset_tar **tar, const dataset_tar_options *options) {
  *tar = calloc(1, sizeof **tar);
  if (!*tar) return fail_memory();
  (*tar)->options = *options;
  pthread_mutex_init(&(*tar)->lock, NULL);
  pthread_cond_init(&(*tar)->changed, NULL);
  const cli_exit code = prepare(*tar);
  if (code) dataset_tar_close(tar);
  return code;
}

static void end_helpers(dataset_tar *tar) {
  pthread_mutex_lock(&tar->lock);
  tar->ends = 1;
  pthread_cond_broadcast(&tar->changed);
  pthread_mutex_unlock(&tar->lock);
  for (int i = 0; i < tar->n_helpers; i++) {
    pthread_join(tar->helpers[i].thread, NULL);
    dataset_members_close(tar->helpers[i].members);
  }
}

void dataset_tar_close(dataset_tar **tar) {
  if (!*tar) return;
  end_helpers(*tar);
  dataset_tar_end(*tar, CLI_IO);
  dataset_members_close((*tar)->members);
  for (int64_t i = 0; (*tar)->chunks && i < (*tar)->n_slots; i++) cli_buffer_free(&(*tar)->chunks[i].bytes);
  free((*tar)->chunks);
  free((*tar)->helpers);
  cli_buffer_free(&(*tar)->name);
  pthread_cond_destroy(&(*tar)->changed);
  pthread_mutex_destroy(&(*tar)->lock);
  free(*tar);
  *tar = NULL;
}
