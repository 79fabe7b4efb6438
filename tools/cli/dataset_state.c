/*
 * How far a run has come, in a file beside its output: set.state, or set.state-1-of-3 of a part. The first line is that
 * of the manifest, all that decides bytes, and the format; the second is written anew in its place, blanks and all,
 * whenever images have been written:
 *
 *   {"images": 4368, "inputs": 1, "data": "89ab...", "synced": 0, "synced_inputs": 0, "synced_data": "0000...",
 *     "file": "fd01-1e240", "boot": "0d1e...", "total": -1, "sum": "cd01..."}
 *
 * on one line. Images below "images" are there as long as the machine runs on; below "synced" whatever happens to it.
 * "data" is a hash of the rows of the first "inputs". "file" is the device and the inode of the array. "total" is the
 * number of images of all parts, once the part is done. The file is locked for as long as its writer lives, and removed
 * when the run is done, of parts by the last of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_run.h"
#include "report.h"

#define RECORD_SIZE 512
#define BOOT_SIZE 37 /* "0d1e...", 36 characters */
#define TRIES 10
#define SHOWN_PARTS 10

typedef struct record {
  dataset_point point, synced;
  dataset_identity file;
  int64_t total;
  char boot[BOOT_SIZE];
} record;

struct dataset_state {
  cli_buffer path;
  int descriptor;
  int is_own;     /* 1: what is in it is of this run */
  int has_header; /* 1: so is its first line */
  record record;
  char boot[BOOT_SIZE]; /* "" if the machine does not tell */
};

static cli_exit fail_memory(void) { return cli_fail(CLI_NO_MEMORY, "no memory for the state of the run"); }

/* With a terminator. */
static void put_path(const dataset_run *r, const cli_shard *shard, cli_buffer *out) {
  char ending[64] = ".state";
  if (shard->count > 0) snprintf(ending, sizeof ending, ".state-%" PRId64 "-of-%" PRId64, shard->index, shard->count);
  dataset_name_beside(out, r->out, ending);
}

/* ---- the record ---- */

static uint64_t sum_of(const char *bytes, size_t size) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* Which start of the machine this is; "" if it does not tell. */
static void find_boot(char out[BOOT_SIZE]) {
  const int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  const ssize_t n = descriptor < 0 ? -1 : read(descriptor, out, BOOT_SIZE - 1);
  if (descriptor >= 0) close(descriptor);
  out[n == BOOT_SIZE - 1 ? n : 0] = 0;
  if (strspn(out, "0123456789abcdef-") != strlen(out)) out[0] = 0;
}

static void put_record(const record *rec, char out[RECORD_SIZE]) {
  memset(out, ' ', RECORD_SIZE);
  const int n =
      snprintf(out, RECORD_SIZE,
               "{\"images\": %" PRId64 ", \"inputs\": %" PRId32 ", \"data\": \"%016" PRIx64 "\", \"synced\": %" PRId64
               ", \"synced_inputs\": %" PRId32 ", \"synced_data\": \"%016" PRIx64 "\", \"file\": \"%" PRIx64 "-%" PRIx64
               "\", \"boot\": \"%s\", \"total\": %" PRId64 ", \"sum\": ",
               rec->point.images, rec->point.inputs, rec->point.data, rec->synced.images, rec->synced.inputs,
               rec->synced.data, rec->file.device, rec->file.inode, rec->boot, rec->total);
  const int m = snprintf(out + n, RECORD_SIZE - (size_t)n, "\"%016" PRIx64 "\"}", sum_of(out, (size_t)n));
  out[n + m] = ' ';
  out[RECORD_SIZE - 1] = '\n';
}

/* 0: it is none, or was not written to its end. */
static int read_record(const char text[RECORD_SIZE], record *rec) {
  char line[RECORD_SIZE + 1], again[RECORD_SIZE];
  memcpy(line, text, RECORD_SIZE);
  line[RECORD_SIZE] = 0;
  *rec = (record){0};
  const char *boot = strstr(line, "\"boot\": \"");
  if (sscanf(line,
             "{\"images\": %" SCNd64 ", \"inputs\": %" SCNd32 ", \"data\": \"%" SCNx64 "\", \"synced\": %" SCNd64
             ", \"synced_inputs\": %" SCNd32 ", \"synced_data\": \"%" SCNx64 "\", \"file\": \"%" SCNx64 "-%" SCNx64
             "\"",
             &rec->point.images, &rec->point.inputs, &rec->point.data, &rec->synced.images, &rec->synced.inputs,
             &rec->synced.data, &rec->file.device, &rec->file.inode) != 8 ||
      !boot || sscanf(boot, "\"boot\": \"%36[0-9a-f-]", rec->boot) < 0)
    return 0;
  const char *total = strstr(boot, "\"total\": ");
  if (!total || sscanf(total, "\"total\": %" SCNd64, &rec->total) != 1) return 0;
  put_record(rec, again);
  return memcmp(again, text, RECORD_SIZE) == 0 && rec->synced.images >= 0 && rec->synced.images <= rec->point.images;
}

static cli_exit write_at(dataset_state *s, const char *bytes, size_t size, int64_t offset) {
  while (size > 0) {
    const ssize_t n = pwrite(s->descriptor, bytes, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return cli_fail_output(s->path.bytes, n < 0 ? errno : EIO);
    bytes += n;
    size -= (size_t)n;
    offset += n;
  }
  return CLI_OK;
}

static cli_exit write_record(dataset_run *r) {
  char text[RECORD_SIZE];
  put_record(&r->state->record, text);
  return write_at(r->state, text, sizeof text, (int64_t)r->header.length + 1);
}

/* ---- reading ---- */

/* What is in a file of state. */
typedef struct contents {
  int is_there, is_state, is_same; /* of this run */
  int has_record;
  record record;
  char difference[CLI_MANIFEST_SHOWN]; /* unless it is the same */
} contents;

static void read_contents(const dataset_run *r, int descriptor, contents *c) {
  const size_t size = r->header.length + 1 + RECORD_SIZE;
  cli_lines lines;
  cli_span line;
  char text[RECORD_SIZE];
  *c = (contents){.is_there = 1};
  cli_lines_start(&lines, descriptor, 0);
  c->is_state = cli_lines_next(&lines, &line) && cli_manifest_is_header(line.text, line.length);
  c->is_same = c->is_state && line.length == r->header.length && memcmp(line.text, r->header.bytes, line.length) == 0;
  if (c->is_state && !c->is_same)
    cli_manifest_difference((cli_span){r->header.bytes, r->header.length}, line, c->difference);
  cli_lines_end(&lines);
  if (!c->is_same) return;
  const int64_t at = (int64_t)(size - RECORD_SIZE);
  c->has_record = pread(descriptor, text, sizeof text, at) == RECORD_SIZE && read_record(text, &c->record);
}

/* Of another part. 0: there is none that can be read. */
static int read_part(const dataset_run *r, int64_t index, contents *c) {
  cli_buffer path = {0};
  const cli_shard shard = {index, r->shard.count};
  *c = (contents){0};
  put_path(r, &shard, &path);
  const int descriptor = path.failed ? -1 : open(path.bytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor >= 0) read_contents(r, descriptor, c);
  if (descriptor >= 0) close(descriptor);
  cli_buffer_free(&path);
  return c->is_there;
}

/* ---- the beginning ---- */

static cli_exit refuse_other(const dataset_run *r, const char *path, const contents *c) {
  return cli_fail(CLI_USAGE, "%s%s is of a run with other parameters: %s; name another file%s",
                  r->resume ? "--resume: " : "", path, c->difference,
                  r->resume ? ", or leave out --resume to begin anew" : ", or remove it to begin anew");
}

static int is_named(int descriptor, const char *path) {
  struct stat file, named;
  return fstat(descriptor, &file) == 0 && stat(path, &named) == 0 && file.st_dev == named.st_dev &&
         file.st_ino == named.st_ino;
}

/* Whoever ends at this moment removes the file: then another is made. */
static cli_exit open_locked(dataset_run *r) {
  dataset_state *s = r->state;
  const char *path = s->path.bytes;
  for (int i = 0; i < TRIES; i++) {
    s->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->descriptor < 0 && errno == EINTR) continue;
    if (s->descriptor < 0 && errno == ENOENT)
      return cli_fail(CLI_CANT_CREATE, "%s: can't write: its folder is not there: make it first", r->out);
    if (s->descriptor < 0) return cli_fail_output(r->out, errno);
    if (flock(s->descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(s->descriptor);
      s->descriptor = -1;
      return cli_fail(CLI_CANT_CREATE,
                      "%s: another command is writing this set: wait until it ends, or name another "
                      "file",
                      r->out);
    }
    if (is_named(s->descriptor, path)) return CLI_OK;
    close(s->descriptor);
    s->descriptor = -1;
  }
  return cli_fail(CLI_CANT_CREATE, "%s: can't be made: it is removed again and again", path);
}

/* Where to go on. */
static dataset_point find_begin(const dataset_state *s, const record *rec) {
  const char *boot = s->boot;
  dataset_point begin = rec->point;
  if (!boot[0] || strcmp(boot, rec->boot) != 0) begin = rec->synced;
  return begin.images > 0 ? begin : (dataset_point){0};
}

static cli_exit take_over(dataset_run *r) {
  dataset_state *s = r->state;
  contents c;
  struct stat info;
  s->is_own = fstat(s->descriptor, &info) == 0 && info.st_size == 0;
  if (s->is_own) return CLI_OK;
  read_contents(r, s->descriptor, &c);
  if (!c.is_state)
    return cli_fail(CLI_CANT_CREATE, "%s is there already, and no state of a run: rename it, or name another output",
                    s->path.bytes);
  if (!c.is_same && (r->resume || r->shard.count > 0)) return refuse_other(r, s->path.bytes, &c);
  s->has_header = c.is_same;
  if (!r->resume || !c.has_record) return CLI_OK;
  r->begin = find_begin(s, &c.record);
  s->record = c.record;
  return CLI_OK;
}

/* Numbers of devices last until the machine starts anew, and others have others. */
static int is_file_of(const dataset_state *s, const record *rec, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0 || (uint64_t)info.st_ino != rec->file.inode) return 0;
  return (uint64_t)info.st_dev == rec->file.device || strcmp(s->boot, rec->boot) != 0;
}

static int is_there(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

/* The first shard of the part, or of all, of so many images that is not there; -1: none. */
static int64_t find_missing_shard(const dataset_run *r, const cli_shard *part, int64_t images) {
  const int64_t n = (images + r->per_tar - 1) / r->per_tar;
  for (int64_t i = 0; i < n; i++)
    if (cli_shard_has(part, i) && !dataset_tar_is_there(r->out, i)) return i;
  return -1;
}

static void begin_without_shard(dataset_run *r) {
  cli_buffer name = {0};
  const int64_t missing = find_missing_shard(r, &r->shard, r->begin.images);
  if (missing < 0) return;
  dataset_tar_name(&name, r->out, missing);
  if (!r->quiet && !name.failed) cli_say("%s is missing", name.bytes);
  cli_buffer_free(&name);
  r->begin = (dataset_point){0};
}

/* What its state has lost begins anew; what is not its own is not touched. */
static cli_exit check_output(dataset_run *r) {
  cli_exit code = CLI_OK;
  cli_buffer path = {0};
  if (r->begin.images == 0) return CLI_OK;
  if (r->format == DATASET_TAR) {
    begin_without_shard(r);
    return CLI_OK;
  }
  cli_buffer_format(&path, r->shard.count > 0 ? "%s" : "%s.partial", r->out);
  cli_buffer_add(&path, "", 1);
  if (path.failed) {
    code = fail_memory();
  } else if (!is_file_of(r->state, &r->state->record, path.bytes)) {
    if (r->shard.count == 0 && is_there(path.bytes))
      code = cli_fail(CLI_DATA,
                      "--resume: %s is not the file that the run has written into: leave out --resume to begin anew",
                      path.bytes);
    r->begin = (dataset_point){0};
  }
  cli_buffer_free(&path);
  return code;
}

static cli_exit refuse_stray(const dataset_run *r, int64_t index, const char *path) {
  return cli_fail(CLI_DATA,
                  "%s %s that part %" PRId64 " of %" PRId64 " was drawn into: remove %s and draw that part again, or "
                  "name another file",
                  r->out, is_there(r->out) ? "is not the file" : "is gone, the file", index, r->shard.count, path);
}

/* How another part, or an earlier run of this one, gets on with the output. *is_theirs: 1 if it has written there. */
static cli_exit check_part(const dataset_run *r, int64_t index, int *is_theirs) {
  contents c;
  cli_buffer path = {0};
  cli_exit code = CLI_OK;
  const cli_shard shard = {index, r->shard.count};
  if (!read_part(r, index, &c) || !c.is_state) return CLI_OK;
  put_path(r, &shard, &path);
  const char *name = path.failed ? r->out : path.bytes;
  if (!c.is_same)
    code = refuse_other(r, name, &c);
  else if (c.has_record && r->format != DATASET_TAR && is_file_of(r->state, &c.record, r->out))
    *is_theirs = 1;
  else if (c.has_record && r->format != DATASET_TAR && index != r->shard.index && c.record.point.images > 0)
    code = refuse_stray(r, index, name);
  cli_buffer_free(&path);
  return code;
}

/* Parts may come to a file in any order; what is no file of theirs is not touched. */
static cli_exit check_parts(const dataset_run *r) {
  struct stat info;
  cli_exit code = CLI_OK;
  int is_theirs = 0;
  for (int64_t i = 1; i <= r->shard.count && !code; i++) code = check_part(r, i, &is_theirs);
  if (code || r->shard.count == 0 || is_theirs || r->format == DATASET_TAR) return code;
  if (stat(r->out, &info) != 0 || info.st_size == 0) return CLI_OK;
  return cli_fail(CLI_CANT_CREATE,
                  "%s is there already, and is not of parts that are being drawn: remove it, or name another file",
                  r->out);
}

cli_exit dataset_state_open(dataset_run *r) {
  dataset_state *s = r->state = calloc(1, sizeof *s);
  if (!s) return fail_memory();
  s->descriptor = -1;
  s->record.total = -1;
  find_boot(s->boot); /* ahead of files that may take the last descriptor */
  put_path(r, &r->shard, &s->path);
  if (s->path.failed) return fail_memory();
  cli_exit code = open_locked(r);
  if (!code) code = take_over(r);
  if (!code) code = check_output(r);
  return code ? code : check_parts(r);
}

static cli_exit write_first(const dataset_run *r) {
  dataset_state *s = r->state;
  if (ftruncate(s->descriptor, 0) != 0) return cli_fail_output(s->path.bytes, errno);
  const cli_exit code = write_at(s, r->header.bytes, r->header.length, 0);
  return code ? code : write_at(s, "\n", 1, (int64_t)r->header.length);
}

cli_exit dataset_state_begin(dataset_run *r) {
  dataset_state *s = r->state;
  const int goes_on = r->begin.images > 0;
  const int is_done = goes_on && s->record.total >= 0 && r->begin.images == s->record.point.images;
  if (!is_done)
    s->record = (record){.point = r->begin, .synced = goes_on ? s->record.synced : (dataset_point){0}, .total = -1};
  s->record.file = dataset_array_identity(r);
  memcpy(s->record.boot, s->boot, sizeof s->boot);
  s->is_own = 1;
  r->kept = r->begin.images;
  const cli_exit code = s->has_header ? CLI_OK : write_first(r);
  return code ? code : write_record(r);
}

/* ---- underway ---- */

cli_exit dataset_state_save(dataset_run *r, const dataset_point *point, int is_synced) {
  record *rec = &r->state->record;
  rec->point = *point;
  if (is_synced) rec->synced = *point;
  const cli_exit code = write_record(r);
  if (!code) r->kept = point->images;
  return code;
}

/* ---- the end ---- */

/* The folder of the output, which parts that end take in turns; -1: it can't be opened. */
static int lock_folder(const dataset_run *r) {
  cli_buffer folder = {0};
  const char *slash = strrchr(r->out, '/');
  if (slash)
    cli_buffer_add(&folder, r->out, slash == r->out ? 1 : (size_t)(slash - r->out));
  else
    cli_buffer_add(&folder, ".", 1);
  cli_buffer_add(&folder, "", 1);
  const int descriptor = folder.failed ? -1 : open(folder.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) flock(descriptor, LOCK_EX); /* where there are no locks, parts seldom end at one moment */
  cli_buffer_free(&folder);
  return descriptor;
}

/* Of an earlier run that made more. */
static void remove_later_shards(const dataset_run *r) {
  if (r->format == DATASET_TAR) dataset_tar_remove(r->out, (r->n_images + r->per_tar - 1) / r->per_tar);
}

static void remove_parts(const dataset_run *r) {
  cli_buffer path = {0};
  for (int64_t i = 1; i <= r->shard.count; i++) {
    const cli_shard shard = {i, r->shard.count};
    put_path(r, &shard, &path);
    if (!path.failed) unlink(path.bytes);
  }
  cli_buffer_free(&path);
}

/* Parts that are of some kind, for people: "2, 3 and 7". */
typedef struct parts_list {
  cli_buffer text;
  int64_t n;
} parts_list;

static void add_part(parts_list *list, int64_t part) {
  if (list->n == SHOWN_PARTS) cli_buffer_format(&list->text, ", ...");
  if (list->n++ < SHOWN_PARTS) cli_buffer_format(&list->text, "%s%" PRId64, list->n > 1 ? ", " : "", part);
}

static cli_exit tell_parts(const dataset_run *r, const parts_list *missing, const parts_list *others,
                           const parts_list *strays) {
  const int64_t n = r->shard.count;
  if (missing->text.failed || others->text.failed || strays->text.failed) return fail_memory();
  if (strays->n > 0)
    return cli_fail(CLI_DATA, "%s: %s %.*s of %" PRId64 " %s drawn into another file of this name: draw %s again",
                    r->out, strays->n == 1 ? "part" : "parts", (int)strays->text.length, strays->text.bytes, n,
                    strays->n == 1 ? "was" : "were", strays->n == 1 ? "it" : "them");
  if (others->n > 0)
    return cli_fail(CLI_DATA,
                    "%s: %s %.*s of %" PRId64 " %s not made of the same input as part %" PRId64
                    ": give all the same FILEs, and make those again that had others",
                    r->out, others->n == 1 ? "part" : "parts", (int)others->text.length, others->text.bytes, n,
                    others->n == 1 ? "was" : "were", r->shard.index);
  if (!r->quiet && missing->n > 0)
    cli_say("%s: part %" PRId64 " of %" PRId64 " is done; %s %.*s %s not", r->out, r->shard.index, n,
            missing->n == 1 ? "part" : "parts", (int)missing->text.length, missing->text.bytes,
            missing->n == 1 ? "is" : "are");
  return CLI_OK;
}

static cli_exit refuse_missing_shard(const dataset_run *r, int64_t number) {
  cli_buffer name = {0};
  dataset_tar_name(&name, r->out, number);
  const int64_t n = r->shard.count;
  const cli_exit code = name.failed ? fail_memory()
                                    : cli_fail(CLI_DATA, "%s is missing: draw part %" PRId64 " of %" PRId64 " again",
                                               name.bytes, number % n + 1, n);
  cli_buffer_free(&name);
  return code;
}

/* All parts are done: the folder is locked. */
static cli_exit complete_parts(dataset_run *r) {
  const cli_shard all = {0};
  const int64_t missing = r->format == DATASET_TAR ? find_missing_shard(r, &all, r->n_images) : -1;
  const cli_exit code = missing < 0 ? dataset_array_finish(r) : refuse_missing_shard(r, missing);
  if (code) return code;
  remove_later_shards(r);
  remove_parts(r);
  if (!r->quiet) cli_say("%s: all %" PRId64 " parts are done", r->out, r->shard.count);
  return CLI_OK;
}

static cli_exit compare_parts(dataset_run *r) {
  const record *own = &r->state->record;
  parts_list missing = {0}, others = {0}, strays = {0};
  for (int64_t i = 1; i <= r->shard.count; i++) {
    contents c;
    if (!read_part(r, i, &c) || !c.is_same || !c.has_record || c.record.total < 0)
      add_part(&missing, i);
    else if (c.record.total != own->total || c.record.point.data != own->point.data)
      add_part(&others, i);
    else if (r->format != DATASET_TAR && !is_file_of(r->state, &c.record, r->out))
      add_part(&strays, i);
  }
  cli_exit code = tell_parts(r, &missing, &others, &strays);
  if (!code && missing.n == 0) code = complete_parts(r);
  cli_buffer_free(&missing.text);
  cli_buffer_free(&others.text);
  cli_buffer_free(&strays.text);
  return code;
}

/* What a part says is done must outlast the machine: another may end the set. */
static cli_exit sync_part(dataset_run *r) {
  const int64_t n = r->format == DATASET_TAR ? (r->n_images + r->per_tar - 1) / r->per_tar : 0;
  cli_exit code = dataset_array_sync(r);
  for (int64_t i = 0; i < n && !code; i++)
    if (cli_shard_has(&r->shard, i)) code = dataset_tar_sync(r->out, i);
  return code;
}

cli_exit dataset_state_finish(dataset_run *r) {
  dataset_state *s = r->state;
  const dataset_point end = {r->n_images, r->inputs, r->data};
  if (r->shard.count == 0) {
    remove_later_shards(r);
    unlink(s->path.bytes);
    return CLI_OK;
  }
  cli_exit code = sync_part(r);
  if (code) return code;
  s->record.point = s->record.synced = end;
  s->record.total = r->n_images;
  const int folder = lock_folder(r);
  if (folder >= 0) fsync(folder); /* names of shards; where that can't be done, they are on the way */
  code = write_record(r);
  if (!code && is_named(s->descriptor, s->path.bytes)) code = compare_parts(r);
  if (folder >= 0) close(folder);
  return code;
}

void dataset_state_close(dataset_run *r, int is_removed) {
  dataset_state *s = r->state;
  if (!s) return;
  if (is_removed && s->is_own) unlink(s->path.bytes);
  if (s->descriptor >= 0) close(s->descriptor);
  cli_buffer_free(&s->path);
  free(s);
  r->state = NULL;
}
