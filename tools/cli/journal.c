#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "report.h"
#include "temporary.h"
#include "write_all.h"

#define COPY_BUFFER 65536
#define FIRST_CAPACITY 1024

/* Where the line of a job is in the journal. */
struct place {
  uint64_t hash;  /* of its identity */
  int64_t offset; /* 0: the slot is free */
};

struct cli_journal {
  cli_journal_options options;
  cli_buffer name, path; /* of the manifest, with terminators */
  cli_temporary file;
  int is_open;
  int is_hidden; /* 1: file is one without a name */
  int finished;
  int warned; /* 1: of a run with other parameters */

  struct place *places;
  int64_t capacity, n_places;
  cli_lines found; /* of cli_journal_find */

  pthread_mutex_t lock; /* for all below */
  cli_buffer line;
  int64_t size;  /* of the file */
  int64_t begin; /* where the lines of this run begin, behind those of earlier ones */
  int failed;    /* 1: no line can be added any more */
};

/* ---- the folder ---- */

/* What an entry of the folder is to the run. */
enum kind {
  OTHER,
  MANIFEST, /* of this run or, in a folder, of one of other parts */
  JOURNAL   /* likewise */
};

struct item {
  enum kind kind;
  cli_shard shard;
  int is_own; /* 1: of the same part */
};

static cli_exit fail_memory(void) { return cli_fail(CLI_NO_MEMORY, "no memory for the manifest"); }

static struct item item_of(const cli_journal *j, const char *entry) {
  const size_t stem = cli_temporary_stem(entry), length = stem ? stem : strlen(entry);
  struct item item = {.kind = stem ? JOURNAL : MANIFEST};
  item.is_own = j->name.length == length + 1 && memcmp(j->name.bytes, entry, length) == 0;
  const int is_part = j->options.targets->in_folder && cli_manifest_read_name(entry, length, &item.shard);
  return item.is_own || is_part ? item : (struct item){0};
}

static int put_path(const cli_journal *j, const char *entry, cli_buffer *path) {
  cli_buffer_clear(path);
  cli_targets_path(j->options.targets, entry, strlen(entry), path);
  return !path->failed;
}

/* What is done with each manifest and journal of a folder. Otherwise than CLI_OK it ends there. */
typedef cli_exit (*visit_fn)(cli_journal *j, const char *path, const struct item *item);

static cli_exit visit(cli_journal *j, visit_fn call) {
  cli_buffer folder = {0}, path = {0};
  cli_targets_folder(j->options.targets, &folder);
  cli_exit code = folder.failed ? fail_memory() : CLI_OK;
  DIR *stream = code ? NULL : opendir(folder.bytes);
  for (struct dirent *entry; !code && stream && (entry = readdir(stream));) {
    const struct item item = item_of(j, entry->d_name);
    const int is_self = j->is_open && j->file.name && strstr(j->file.name, entry->d_name);
    if (item.kind == OTHER || (item.kind == JOURNAL && is_self)) continue;
    code = put_path(j, entry->d_name, &path) ? call(j, path.bytes, &item) : fail_memory();
  }
  if (stream) closedir(stream);
  cli_buffer_free(&folder);
  cli_buffer_free(&path);
  return code;
}

static int open_to_read(const char *path) { return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); }

/* ---- what earlier runs have left ---- */

static int is_header(const cli_journal *j, cli_span line) {
  return line.length == j->options.header.length && memcmp(line.text, j->options.header.text, line.length) == 0;
}

static cli_exit refuse_other(const cli_journal *j, const char *path, cli_span line) {
  char difference[CLI_MANIFEST_SHOWN];
  cli_manifest_difference(j->options.header, line, difference);
  return cli_fail(CLI_USAGE,
                  "--resume: %s is of a run with other parameters: %s; give these charts another folder, or leave out "
                  "--resume to begin anew",
                  path, difference);
}

/* Of all manifests there one is enough. A single file is written in any case. */
static void warn_of_other(cli_journal *j, const char *path, cli_span line) {
  if (j->options.quiet || j->warned || !j->options.targets->in_folder) return;
  char difference[CLI_MANIFEST_SHOWN];
  cli_manifest_difference(j->options.header, line, difference);
  j->warned = 1;
  cli_warn("%s is of a run with other parameters: %s; charts of that run that this one does not write stay in the "
           "folder",
           path, difference);
}

/* A journal may have ended before its first line was whole. What has the name of a manifest must be one. */
static cli_exit check_item(cli_journal *j, const char *path, const struct item *item) {
  const int descriptor = open_to_read(path);
  if (descriptor < 0) return CLI_OK;
  cli_lines lines;
  cli_lines_start(&lines, descriptor, 0);
  cli_span line;
  const int read = cli_lines_next(&lines, &line);
  cli_exit code = CLI_OK;
  if (!read || !cli_manifest_is_header(line.text, line.length)) {
    if (item->kind == MANIFEST)
      code = cli_fail(CLI_CANT_CREATE,
                      "%s is there already, and no manifest of tallow: rename it, or use another folder", path);
  } else if (!is_header(j, line)) {
    if (j->options.resume)
      code = refuse_other(j, path, line);
    else
      warn_of_other(j, path, line);
  }
  cli_lines_end(&lines);
  close(descriptor);
  return code;
}

/* A part begins anew for itself alone. A run of all parts has done at its end all that parts have. */
static int replaces(const cli_journal *j, const struct item *item) {
  return item->is_own || j->options.shard.count == 0;
}

static cli_exit remove_older(cli_journal *j, const char *path, const struct item *item) {
  if (!replaces(j, item)) return CLI_OK;
  if (item->kind == JOURNAL)
    cli_temporary_sweep(path);
  else if (unlink(path) != 0 && errno != ENOENT)
    return cli_fail(cli_exit_of_output(errno), "%s: can't replace it: %s", path, strerror(errno));
  return CLI_OK;
}

/* What is in them was copied into this one. Other parts may be about to do so too. */
static cli_exit sweep_journal(cli_journal *j, const char *path, const struct item *item) {
  if (item->kind == JOURNAL && (item->is_own || j->options.shard.count == 0)) cli_temporary_sweep(path);
  return CLI_OK;
}

static cli_exit sweep_finished(cli_journal *j, const char *path, const struct item *item) {
  if (item->kind == MANIFEST && !item->is_own && j->options.shard.count == 0) unlink(path);
  return sweep_journal(j, path, item);
}

/* ---- the index ---- */

static uint64_t hash_of(cli_span identity) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < identity.length; i++)
    hash = (hash ^ (unsigned char)identity.text[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static struct place *find_place(const cli_journal *j, uint64_t hash) {
  const uint64_t mask = (uint64_t)j->capacity - 1;
  uint64_t i = hash & mask;
  while (j->places[i].offset != 0 && j->places[i].hash != hash) i = (i + 1) & mask;
  return &j->places[i];
}

static int grow(cli_journal *j) {
  const struct place *old = j->places;
  const int64_t n = j->capacity, capacity = n ? 2 * n : FIRST_CAPACITY;
  struct place *places = calloc((size_t)capacity, sizeof *places);
  if (!places) return 0;
  j->places = places;
  j->capacity = capacity;
  for (int64_t i = 0; i < n; i++)
    if (old[i].offset != 0) *find_place(j, old[i].hash) = old[i];
  free((void *)old);
  return 1;
}

/* Of two lines for one job the newer counts. */
static int note_place(cli_journal *j, cli_span identity, int64_t offset) {
  if (8 * j->n_places >= 7 * j->capacity && !grow(j)) return 0;
  const uint64_t hash = hash_of(identity);
  struct place *place = find_place(j, hash);
  j->n_places += place->offset == 0;
  *place = (struct place){hash, offset};
  return 1;
}

/* ---- writing ---- */

static cli_exit fail_write(cli_journal *j, int code) {
  j->failed = 1;
  return cli_fail(cli_exit_of_output(code), "%s: can't write: %s", j->is_hidden ? "a temporary file" : j->path.bytes,
                  strerror(code));
}

/* Behind a part of a line, which readers pass over, nothing more may come. */
static cli_exit append(cli_journal *j, const char *bytes, size_t size) {
  const int code = cli_write_all(j->file.descriptor, bytes, size);
  if (code != 0) return fail_write(j, code);
  j->size += (int64_t)size;
  return CLI_OK;
}

static cli_exit append_line(cli_journal *j) {
  cli_buffer_add(&j->line, "\n", 1);
  return j->line.failed ? fail_memory() : append(j, j->line.bytes, j->line.length);
}

/* Copies the lines of charts; they go to the file some at a time. */
static cli_exit copy_lines(cli_journal *j, cli_lines *lines) {
  cli_span line;
  cli_manifest_entry entry;
  cli_exit code = CLI_OK;
  cli_buffer_clear(&j->line);
  while (!code && cli_lines_next(lines, &line)) {
    if (!cli_manifest_read_entry(line.text, line.length, &entry) || entry.failed) continue;
    if (!note_place(j, entry.identity, j->size + (int64_t)j->line.length)) return fail_memory();
    cli_buffer_add(&j->line, line.text, line.length);
    cli_buffer_add(&j->line, "\n", 1);
    if (j->line.failed) return fail_memory();
    if (j->line.length < COPY_BUFFER) continue;
    code = append(j, j->line.bytes, j->line.length);
    cli_buffer_clear(&j->line);
  }
  return code ? code : append(j, j->line.bytes, j->line.length);
}

static int is_itself(const cli_journal *j, int descriptor) {
  struct stat own, other;
  return fstat(j->file.descriptor, &own) == 0 && fstat(descriptor, &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

static cli_exit take_over(cli_journal *j, const char *path, const struct item *item) {
  (void)item;
  const int descriptor = open_to_read(path);
  if (descriptor < 0) return CLI_OK;
  cli_lines lines;
  cli_lines_start(&lines, descriptor, 0);
  cli_span line;
  const int is_wanted = !is_itself(j, descriptor) && cli_lines_next(&lines, &line) && is_header(j, line);
  const cli_exit code = is_wanted ? copy_lines(j, &lines) : CLI_OK;
  cli_lines_end(&lines);
  close(descriptor);
  return code;
}

/* ---- the beginning ---- */

/* A twin that failed may have removed the folder meanwhile. */
static int open_file(cli_journal *j) {
  for (int tries = 0; tries < 3; tries++) {
    if (cli_temporary_open(&j->file, j->path.bytes, O_APPEND) == 0) return 1;
    if (errno != ENOENT || !j->options.targets->in_folder || cli_targets_make_folder(j->options.targets)) return 0;
  }
  return 0;
}

static cli_exit open_hidden(cli_journal *j) {
  FILE *file = tmpfile();
  j->is_hidden = 1;
  j->file = (cli_temporary){.descriptor = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1, .place = -1};
  const int code = errno;
  if (file) fclose(file);
  return j->file.descriptor < 0 ? fail_write(j, code) : CLI_OK;
}

static cli_exit begin(cli_journal *j) {
  cli_exit code = CLI_OK;
  if (j->options.dry_run)
    code = open_hidden(j);
  else if (!open_file(j))
    code = fail_write(j, errno);
  j->is_open = !code;
  if (code) return code;
  if (!j->is_hidden) cli_temporary_release(&j->file); /* a signal that ends the command leaves it */
  cli_buffer_add(&j->line, j->options.header.text, j->options.header.length);
  return append_line(j);
}

static cli_exit open_all(cli_journal *j) {
  const int resume = j->options.resume, dry_run = j->options.dry_run;
  cli_exit code = visit(j, check_item);
  if (!code && !dry_run) code = cli_targets_make_folder(j->options.targets);
  if (!code) code = begin(j);
  if (!code && resume) code = visit(j, take_over);
  if (!code && !dry_run) code = visit(j, resume ? sweep_journal : remove_older);
  if (!code && resume && !dry_run) cli_targets_sweep(j->options.targets);
  j->begin = j->size;
  return code;
}

/* manifest.jsonl in a folder; beside a.png a.manifest.jsonl. */
static int name_it(cli_journal *j) {
  const cli_targets *targets = j->options.targets;
  char name[CLI_MANIFEST_NAME_SIZE];
  cli_manifest_name(&j->options.shard, name);
  if (!targets->in_folder) {
    cli_targets_name(targets, NULL, NULL, -1, &j->name);
    if (!j->name.failed) j->name.length -= strlen(".png");
    cli_buffer_add(&j->name, ".", 1);
  }
  cli_buffer_add(&j->name, name, strlen(name) + 1);
  if (!j->name.failed) cli_targets_path(targets, j->name.bytes, j->name.length - 1, &j->path);
  return !j->name.failed && !j->path.failed;
}

cli_exit cli_journal_open(cli_journal **journal, const cli_journal_options *options) {
  cli_journal *j = *journal = calloc(1, sizeof *j);
  if (!j) return cli_fail(CLI_NO_MEMORY, "no memory for the manifest");
  j->options = *options;
  pthread_mutex_init(&j->lock, NULL);
  cli_exit code = name_it(j) ? open_all(j) : fail_memory();
  if (code) cli_journal_close(journal);
  return code;
}

int cli_journal_replaces(cli_targets *targets, const cli_shard *shard, const char *entry) {
  cli_journal j = {.options = {.targets = targets, .shard = *shard}};
  const int named = name_it(&j);
  const struct item item = named ? item_of(&j, entry) : (struct item){0};
  cli_buffer_free(&j.name);
  cli_buffer_free(&j.path);
  return item.kind != OTHER && replaces(&j, &item);
}

int cli_journal_find(cli_journal *j, cli_span identity, cli_manifest_entry *entry) {
  if (j->n_places == 0) return 0;
  const struct place *place = find_place(j, hash_of(identity));
  if (place->offset == 0) return 0;
  if (!j->found.buffer) cli_lines_start(&j->found, j->file.descriptor, 0);
  cli_lines_seek(&j->found, place->offset);
  cli_span line;
  return cli_lines_next(&j->found, &line) && cli_manifest_read_entry(line.text, line.length, entry) && !entry->failed &&
         entry->identity.length == identity.length && memcmp(entry->identity.text, identity.text, identity.length) == 0;
}

cli_exit cli_journal_add(cli_journal *j, int64_t ordinal, cli_span identity, cli_span result) {
  if (j->is_hidden) return CLI_OK;
  pthread_mutex_lock(&j->lock);
  cli_buffer_clear(&j->line);
  cli_manifest_line(&j->line, ordinal, identity, result);
  const cli_exit code = j->failed ? CLI_IO : append_line(j);
  pthread_mutex_unlock(&j->lock);
  return code;
}

/* ---- the end ---- */

/* Where the line of each job of this part is, in order; of a failed one negative. Freed by the caller; NULL: no. */
static int64_t *sort_lines(cli_journal *j, int64_t jobs) {
  int64_t *offsets = calloc((size_t)jobs + 1, sizeof *offsets);
  if (!offsets) {
    fail_memory();
    return NULL;
  }
  const cli_shard *shard = &j->options.shard;
  int64_t n = 0;
  cli_lines lines;
  cli_lines_start(&lines, j->file.descriptor, j->begin);
  cli_span line;
  cli_manifest_entry entry;
  while (cli_lines_next(&lines, &line)) {
    const int read = cli_manifest_read_entry(line.text, line.length, &entry);
    const int64_t at = shard->count > 0 ? entry.ordinal / shard->count : entry.ordinal;
    if (!read || !cli_shard_has(shard, entry.ordinal) || at >= jobs || offsets[at] != 0) continue;
    offsets[at] = entry.failed ? -lines.offset : lines.offset;
    n++;
  }
  const int error = lines.error;
  cli_lines_end(&lines);
  if (n == jobs) return offsets;
  free(offsets);
  cli_fail(CLI_INTERNAL, "%s: the journal lacks %" PRId64 " of %" PRId64 " jobs%s%s", j->path.bytes, jobs - n, jobs,
           error ? ": " : "", error ? strerror(error) : "");
  return NULL;
}

static cli_exit write_line(cli_output *output, cli_span line) {
  const cli_exit code = cli_output_write(output, line.text, line.length);
  return code ? code : cli_output_write(output, "\n", 1);
}

static cli_exit write_lines(cli_journal *j, cli_output *output, const int64_t *offsets, int64_t jobs, int64_t total) {
  cli_lines lines;
  cli_lines_start(&lines, j->file.descriptor, 0);
  cli_exit code = write_line(output, j->options.header);
  int64_t failed = 0;
  for (int64_t i = 0; i < jobs && !code; i++) {
    cli_span line;
    failed += offsets[i] < 0;
    cli_lines_seek(&lines, offsets[i] < 0 ? -offsets[i] : offsets[i]);
    code = cli_lines_next(&lines, &line)
               ? write_line(output, line)
               : cli_fail(CLI_IO, "%s: can't read its journal: %s", j->path.bytes, strerror(lines.error));
  }
  cli_lines_end(&lines);
  if (code) return code;
  cli_buffer_clear(&j->line);
  cli_manifest_end(&j->line, &j->options.shard, jobs, failed, total);
  return j->line.failed ? fail_memory() : write_line(output, (cli_span){j->line.bytes, j->line.length});
}

cli_exit cli_journal_finish(cli_journal *j, int64_t total) {
  if (j->is_hidden) return CLI_OK;
  const int64_t jobs = cli_shard_size(&j->options.shard, total);
  int64_t *offsets = sort_lines(j, jobs);
  if (!offsets) return CLI_INTERNAL;
  cli_output *output = malloc(sizeof *output);
  cli_exit code = output ? cli_output_open(output, j->path.bytes) : fail_memory();
  if (!code) code = cli_output_close(output, write_lines(j, output, offsets, jobs, total));
  free(output);
  free(offsets);
  if (code) return code;
  j->finished = 1;
  return visit(j, sweep_finished);
}

void cli_journal_close(cli_journal **journal) {
  cli_journal *j = *journal;
  if (!j) return;
  if (j->is_open) {
    const int is_empty = j->size <= (int64_t)j->options.header.length + 1;
    if (j->is_hidden)
      close(j->file.descriptor);
    else if (j->finished || is_empty)
      cli_temporary_drop(&j->file);
    else
      cli_temporary_leave(&j->file);
  }
  cli_lines_end(&j->found);
  free(j->places);
  cli_buffer_free(&j->name);
  cli_buffer_free(&j->path);
  cli_buffer_free(&j->line);
  pthread_mutex_destroy(&j->lock);
  free(j);
  *journal = NULL;
}

/* ---- files ---- */

static int has_digest(int descriptor, int64_t size, const uint8_t *sha256) {
  uint8_t *buffer = malloc(COPY_BUFFER), found[TLW_DIGEST_SIZE];
  tlw_digest *digest = NULL;
  int64_t left = size;
  ssize_t n = 1;
  if (!buffer || tlw_digest_open(&digest, NULL) != TLW_OK) n = 0;
  while (n > 0) {
    n = read(descriptor, buffer, COPY_BUFFER);
    if (n > 0) tlw_digest_add(digest, buffer, (size_t)n);
    if (n > 0) left -= n;
    if (n < 0 && errno == EINTR) n = 1;
  }
  const int is_same = digest && n == 0 && left == 0 && tlw_digest_end(digest, found, NULL) == TLW_OK &&
                      memcmp(found, sha256, sizeof found) == 0;
  tlw_digest_close(&digest);
  free(buffer);
  return is_same;
}

int cli_journal_check_file(const char *path, int64_t size, const uint8_t *sha256) {
  struct stat info;
  const int descriptor = open_to_read(path);
  if (descriptor < 0) return 0;
  const int is_same = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == size &&
                      has_digest(descriptor, size, sha256);
  close(descriptor);
  return is_same;
}
