/*
 * How far a run has come, in a file beside its output: set.state, or set.state-1-of-3 of a part. The first line is that
 * of the manifest, all that decides bytes; the second is written anew in its place, blanks and all, whenever images have
 * been written:
 *
 *   {"images": 4368, "synced": 0, "inputs": 1, "data": "89ab...", "boot": "0d1e...", "total": -1, "sum": "cd01..."}
 *
 * Images below "images" are there as long as the machine runs on; below "synced" whatever happens to it. "data" is a hash
 * of the rows of the first "inputs". "total" is the number of images of all parts, once the part is done. The file is
 * locked for as long as its writer lives, and removed when the run is done, of parts by the last of them.
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

#define RECORD_SIZE 256
#define BOOT_SIZE 37 /* "0d1e...", 36 characters */
#define TRIES 10
#define SHOWN_PARTS 10

typedef struct record {
  dataset_point point;
  int64_t synced;
  int64_t total;
  char boot[BOOT_SIZE];
} record;

struct dataset_state {
  cli_buffer path;
  int descriptor;
  int is_own; /* 1: what is in it is of this run */
  record record;
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
  const int n = snprintf(out, RECORD_SIZE,
                         "{\"images\": %" PRId64 ", \"synced\": %" PRId64 ", \"inputs\": %" PRId32
                         ", \"data\": \"%016" PRIx64 "\", \"boot\": \"%s\", \"total\": %" PRId64 ", \"sum\": ",
                         rec->point.images, rec->synced, rec->point.inputs, rec->point.data, rec->boot, rec->total);
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
             "{\"images\": %" SCNd64 ", \"synced\": %" SCNd64 ", \"inputs\": %" SCNd32 ", \"data\": \"%" SCNx64 "\"",
             &rec->point.images, &rec->synced, &rec->point.inputs, &rec->point.data) != 4 ||
      !boot || sscanf(boot, "\"boot\": \"%36[0-9a-f-]", rec->boot) < 0)
    return 0;
  const char *total = strstr(boot, "\"total\": ");
  if (!total || sscanf(total, "\"total\": %" SCNd64, &rec->total) != 1) return 0;
  put_record(rec, again);
  return memcmp(again, text, RECORD_SIZE) == 0 && rec->point.images >= 0 && rec->synced >= 0;
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
static dataset_point find_begin(const record *rec) {
  char boot[BOOT_SIZE];
  dataset_point begin = rec->point;
  find_boot(boot);
  if ((!boot[0] || strcmp(boot, rec->boot) != 0) && rec->synced < begin.images) begin.images = rec->synced;
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
  if (!r->resume || !c.has_record) return CLI_OK;
  r->begin = find_begin(&c.record);
  s->record = c.record;
  return CLI_OK;
}

/* A file that its state has lost begins anew. */
static int has_output(const dataset_run *r) {
  struct stat info;
  cli_buffer path = {0};
  if (r->format == DATASET_TAR) return 1;
  cli_buffer_format(&path, r->shard.count > 0 ? "%s" : "%s.partial", r->out);
  cli_buffer_add(&path, "", 1);
  const int is_there = !path.failed && stat(path.bytes, &info) == 0;
  cli_buffer_free(&path);
  return is_there;
}

cli_exit dataset_state_open(dataset_run *r) {
  dataset_state *s = r->state = calloc(1, sizeof *s);
  if (!s) return fail_memory();
  s->descriptor = -1;
  s->record.total = -1;
  put_path(r, &r->shard, &s->path);
  if (s->path.failed) return fail_memory();
  cli_exit code = open_locked(r);
  if (!code) code = take_over(r);
  if (!code && !has_output(r)) r->begin = (dataset_point){0};
  return code;
}

cli_exit dataset_state_begin(dataset_run *r) {
  dataset_state *s = r->state;
  const int is_done = r->resume && s->record.total >= 0 && r->begin.images > 0;
  if (!is_done) s->record = (record){.point = r->begin, .synced = r->begin.images, .total = -1};
  find_boot(s->record.boot);
  s->is_own = 1;
  if (ftruncate(s->descriptor, 0) != 0) return cli_fail_output(s->path.bytes, errno);
  cli_exit code = write_at(s, r->header.bytes, r->header.length, 0);
  if (!code) code = write_at(s, "\n", 1, (int64_t)r->header.length);
  return code ? code : write_record(r);
}

int dataset_state_has_parts(dataset_run *r, cli_exit *code) {
  int found = 0;
  for (int64_t i = 1; i <= r->shard.count && !found; i++) {
    contents c;
    if (!read_part(r, i, &c) || !c.is_state) continue;
    found = 1;
    cli_buffer path = {0};
    const cli_shard shard = {i, r->shard.count};
    put_path(r, &shard, &path);
    if (!c.is_same && c.difference[0]) *code = refuse_other(r, path.failed ? r->out : path.bytes, &c);
    cli_buffer_free(&path);
  }
  return found;
}

/* ---- underway ---- */

cli_exit dataset_state_save(dataset_run *r, const dataset_point *point, int is_synced) {
  record *rec = &r->state->record;
  rec->point = *point;
  if (is_synced) rec->synced = point->images;
  return write_record(r);
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

static cli_exit tell_parts(const dataset_run *r, const parts_list *missing, const parts_list *others) {
  const int64_t n = r->shard.count;
  if (missing->text.failed || others->text.failed) return fail_memory();
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

static cli_exit compare_parts(dataset_run *r) {
  const record *own = &r->state->record;
  parts_list missing = {0}, others = {0};
  for (int64_t i = 1; i <= r->shard.count; i++) {
    contents c;
    if (!read_part(r, i, &c) || !c.is_same || !c.has_record || c.record.total < 0)
      add_part(&missing, i);
    else if (c.record.total != own->total || c.record.point.data != own->point.data)
      add_part(&others, i);
  }
  const cli_exit code = tell_parts(r, &missing, &others);
  if (!code && missing.n == 0) {
    remove_parts(r);
    if (!r->quiet) cli_say("%s: all %" PRId64 " parts are done", r->out, r->shard.count);
  }
  cli_buffer_free(&missing.text);
  cli_buffer_free(&others.text);
  return code;
}

cli_exit dataset_state_finish(dataset_run *r) {
  dataset_state *s = r->state;
  if (r->shard.count == 0) {
    unlink(s->path.bytes);
    return CLI_OK;
  }
  s->record = (record){.point = {r->n_images, r->inputs, r->data}, .synced = s->record.synced, .total = r->n_images};
  find_boot(s->record.boot);
  const int folder = lock_folder(r);
  cli_exit code = write_record(r);
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
