#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "interrupt.h"
#include "journal.h"
#include "manifest.h"
#include "options.h"
#include "output.h"
#include "parse.h"
#include "report.h"
#include "targets.h"
#include "temporary.h"

#define SHOWN_PARTS 10

/* The manifest of a part. */
struct part {
  int descriptor; /* -1: there is none */
  cli_lines lines;
};

struct merge {
  const char *folder;
  cli_targets targets;
  int quiet;
  int64_t n_parts; /* 0: none was found */
  int64_t other;   /* another number of parts that was found too; 0: none */
  int has_whole;   /* 1: there is a manifest.jsonl */
  struct part *parts;
  cli_buffer header, path;
  int64_t total, n_failed; /* jobs of all parts */
  int code;                /* exit code of the first job that failed */
  int64_t n_bad;           /* charts that are missing or damaged */
};

static cli_exit fail_memory(void) { return cli_fail(CLI_NO_MEMORY, "no memory for the parts"); }

static const char *path_of(struct merge *m, const char *name) {
  cli_buffer_clear(&m->path);
  cli_targets_path(&m->targets, name, strlen(name), &m->path);
  return m->path.failed ? NULL : m->path.bytes;
}

static void part_name(const struct merge *m, int64_t i, char name[CLI_MANIFEST_NAME_SIZE]) {
  cli_manifest_name(&(cli_shard){i + 1, m->n_parts}, name);
}

/* ---- what is there ---- */

static void note_entry(struct merge *m, const char *entry) {
  cli_shard shard;
  if (!cli_manifest_read_name(entry, strlen(entry), &shard)) return;
  if (shard.count == 0)
    m->has_whole = 1;
  else if (m->n_parts == 0)
    m->n_parts = shard.count;
  else if (m->n_parts != shard.count)
    m->other = shard.count;
}

/* The parts of a data set write into one file, which needs no merging. */
static int is_dataset(const char *path) {
  return cli_ends_in(path, ".npy") || cli_ends_in(path, ".dat") || cli_ends_in(path, ".tar");
}

static cli_exit look(struct merge *m) {
  DIR *stream = opendir(m->folder);
  if (!stream && is_dataset(m->folder))
    return cli_fail(CLI_USAGE,
                    "%s: parts of a data set need no merge: they write into it together, and the last of them says "
                    "that all are there",
                    m->folder);
  if (!stream) return cli_fail(CLI_NO_INPUT, "%s: can't be read: %s", m->folder, strerror(errno));
  for (struct dirent *entry; (entry = readdir(stream));) note_entry(m, entry->d_name);
  closedir(stream);
  if (m->other)
    return cli_fail(
        CLI_DATA, "%s: there are manifests of %" PRId64 " parts and of %" PRId64 ": remove those that are not wanted",
        m->folder, m->n_parts < m->other ? m->n_parts : m->other, m->n_parts < m->other ? m->other : m->n_parts);
  if (m->n_parts > 0) return CLI_OK;
  return cli_fail(CLI_NO_INPUT, "%s: no manifest of a part, such as manifest-1-of-2.jsonl%s", m->folder,
                  m->has_whole ? ": there is manifest.jsonl, the parts are merged already"
                               : ": draw the parts first, with 'tallow render ... --shard I/N'");
}

/* Each part keeps a file open. */
static void raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static cli_exit open_part(struct merge *m, int64_t i) {
  char name[CLI_MANIFEST_NAME_SIZE];
  part_name(m, i, name);
  const char *path = path_of(m, name);
  if (!path) return fail_memory();
  m->parts[i].descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  cli_lines_start(&m->parts[i].lines, m->parts[i].descriptor, 0);
  if (m->parts[i].descriptor >= 0 || errno == ENOENT) return CLI_OK;
  return cli_fail(errno == EMFILE || errno == ENFILE ? CLI_NO_MEMORY : CLI_NO_INPUT, "%s: can't be read: %s", path,
                  strerror(errno));
}

static cli_exit fail_missing(const struct merge *m, int64_t n_missing, int64_t first, const cli_buffer *list) {
  return cli_fail(CLI_NO_INPUT,
                  "%s: %s %.*s of %" PRId64 " %s missing: run the command of each again, with --shard %" PRId64
                  "/%" PRId64 " --resume%s",
                  m->folder, n_missing == 1 ? "part" : "parts", (int)list->length, list->bytes, m->n_parts,
                  n_missing == 1 ? "is" : "are", first + 1, m->n_parts, n_missing == 1 ? "" : " and so on");
}

static cli_exit open_parts(struct merge *m) {
  m->parts = malloc((size_t)m->n_parts * sizeof *m->parts);
  if (!m->parts) return fail_memory();
  for (int64_t i = 0; i < m->n_parts; i++) m->parts[i] = (struct part){.descriptor = -1};
  cli_buffer missing = {0};
  int64_t n = 0, first = -1;
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < m->n_parts && !code; i++) {
    code = open_part(m, i);
    if (code || m->parts[i].descriptor >= 0) continue;
    if (n < SHOWN_PARTS) cli_buffer_format(&missing, "%s%" PRId64, n > 0 ? ", " : "", i + 1);
    if (n == SHOWN_PARTS) cli_buffer_format(&missing, ", ...");
    if (n++ == 0) first = i;
  }
  if (!code && missing.failed) code = fail_memory();
  if (!code && n > 0) code = fail_missing(m, n, first, &missing);
  cli_buffer_free(&missing);
  return code;
}

/* ---- what is in the parts ---- */

static cli_exit fail_part(const struct merge *m, int64_t i, const char *what) {
  char name[CLI_MANIFEST_NAME_SIZE];
  part_name(m, i, name);
  const int error = m->parts[i].lines.error;
  return cli_fail(error ? CLI_IO : CLI_DATA,
                  "%s/%s: %s: run the command of this part again, with --shard %" PRId64 "/%" PRId64 " --resume",
                  m->folder, name, error ? strerror(error) : what, i + 1, m->n_parts);
}

/* All parts must be of one run. */
static cli_exit read_header(struct merge *m, int64_t i) {
  cli_span line;
  if (!cli_lines_next(&m->parts[i].lines, &line) || !cli_manifest_is_header(line.text, line.length))
    return fail_part(m, i, "its first line is not that of a manifest");
  if (i == 0) {
    cli_buffer_add(&m->header, line.text, line.length);
    return m->header.failed ? fail_memory() : CLI_OK;
  }
  const cli_span first = {m->header.bytes, m->header.length};
  if (line.length == first.length && memcmp(line.text, first.text, first.length) == 0) return CLI_OK;
  char difference[CLI_MANIFEST_SHOWN];
  cli_manifest_difference(line, first, difference);
  return cli_fail(CLI_DATA,
                  "%s: part %" PRId64 " has other parameters than part 1: %s: draw both with the same options",
                  m->folder, i + 1, difference);
}

static cli_exit read_headers(struct merge *m) {
  cli_exit code = CLI_OK;
  for (int64_t i = 0; i < m->n_parts && !code; i++) code = read_header(m, i);
  return code;
}

static void tell_bad(struct merge *m, int64_t i, const char *name) {
  if (m->n_bad++ == 0)
    cli_say("%s/%s is missing, or not the chart that part %" PRId64 " has made", m->folder, name, i + 1);
}

static cli_exit check_chart(struct merge *m, int64_t i, const cli_manifest_entry *entry) {
  char name[PATH_MAX];
  const int64_t length = cli_json_decode(entry->name.text, entry->name.length, name, sizeof name);
  if (length <= 0 || strchr(name, '/')) return fail_part(m, i, "it names a chart that can't be in this folder");
  const char *path = path_of(m, name);
  if (!path) return fail_memory();
  if (!cli_journal_check_file(path, entry->size, entry->sha256)) tell_bad(m, i, name);
  return CLI_OK;
}

static cli_exit take_job(struct merge *m, int64_t ordinal, cli_output *output) {
  const int64_t i = ordinal % m->n_parts;
  cli_span line;
  cli_manifest_entry entry;
  if (!cli_lines_next(&m->parts[i].lines, &line) || !cli_manifest_read_entry(line.text, line.length, &entry) ||
      entry.ordinal != ordinal)
    return fail_part(m, i, "a job is missing or out of place");
  if (entry.failed && m->n_failed++ == 0) m->code = entry.exit_code;
  cli_exit code = cli_output_write(output, line.text, line.length);
  if (!code) code = cli_output_write(output, "\n", 1);
  return code || entry.failed ? code : check_chart(m, i, &entry);
}

/* The last line of the first part, whose place it has behind so many lines, tells how many jobs there are. */
static cli_exit take_jobs(struct merge *m, cli_output *output) {
  cli_exit code = CLI_OK;
  for (int64_t ordinal = 0; ordinal < m->total && !code; ordinal++) code = take_job(m, ordinal, output);
  return code;
}

static cli_exit check_end(struct merge *m, int64_t i) {
  cli_span line;
  cli_manifest_tail tail;
  const cli_shard shard = {i + 1, m->n_parts};
  if (!cli_lines_next(&m->parts[i].lines, &line) || !cli_manifest_read_end(line.text, line.length, &tail) ||
      tail.shard.index != shard.index || tail.shard.count != shard.count ||
      tail.jobs != cli_shard_size(&shard, tail.total))
    return fail_part(m, i, "its last line is missing or wrong");
  if (tail.total == m->total) return CLI_OK;
  return cli_fail(CLI_DATA,
                  "%s: part %" PRId64 " saw %" PRId64 " jobs, part 1 saw %" PRId64
                  ": the inputs have changed; draw all parts again, with --resume",
                  m->folder, i + 1, tail.total, m->total);
}

/* How many jobs all parts have, by the first: it is found at its end. */
static cli_exit find_total(struct merge *m) {
  cli_lines lines;
  cli_lines_start(&lines, m->parts[0].descriptor, 0);
  cli_span line;
  cli_manifest_tail tail;
  int found = 0;
  while (!found && cli_lines_next(&lines, &line)) found = cli_manifest_read_end(line.text, line.length, &tail);
  cli_lines_end(&lines);
  if (!found) return fail_part(m, 0, "its last line is missing");
  m->total = tail.total;
  return CLI_OK;
}

static cli_exit write_all(struct merge *m, cli_output *output) {
  cli_exit code = cli_output_write(output, m->header.bytes, m->header.length);
  if (!code) code = cli_output_write(output, "\n", 1);
  if (!code) code = take_jobs(m, output);
  for (int64_t i = 0; i < m->n_parts && !code; i++) code = check_end(m, i);
  if (!code && m->n_bad > 0)
    code = cli_fail(CLI_NO_INPUT,
                    "%s: %" PRId64 " %s missing or damaged: run the commands of the parts again, with --resume",
                    m->folder, m->n_bad, m->n_bad == 1 ? "chart is" : "charts are");
  if (code) return code;
  cli_buffer_clear(&m->header);
  cli_manifest_end(&m->header, &(cli_shard){0}, m->total, m->n_failed, m->total);
  cli_buffer_add(&m->header, "\n", 1);
  return m->header.failed ? fail_memory() : cli_output_write(output, m->header.bytes, m->header.length);
}

/* ---- the end ---- */

/* The parts, and what dead writers have left of any part. */
static void remove_parts(struct merge *m) {
  DIR *stream = opendir(m->folder);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    const size_t stem = cli_temporary_stem(entry->d_name), length = stem ? stem : strlen(entry->d_name);
    cli_shard shard;
    if (!cli_manifest_read_name(entry->d_name, length, &shard)) continue;
    const char *path = path_of(m, entry->d_name);
    if (path && stem) cli_temporary_sweep(path);
    if (path && !stem && shard.count > 0) unlink(path);
  }
  if (stream) closedir(stream);
  cli_targets_sweep(&m->targets);
}

static cli_exit merge(struct merge *m, cli_output *output) {
  cli_exit code = look(m);
  if (!code) code = open_parts(m);
  if (!code) code = read_headers(m);
  if (!code) code = find_total(m);
  if (code) return code;
  cli_buffer whole = {0};
  cli_targets_path(&m->targets, "manifest.jsonl", strlen("manifest.jsonl"), &whole);
  code = whole.failed ? fail_memory() : cli_output_open(output, whole.bytes);
  if (!code) code = cli_output_close(output, write_all(m, output));
  cli_buffer_free(&whole);
  if (code) return code;
  remove_parts(m);
  if (!m->quiet)
    cli_say("%s: %" PRId64 " %s in %" PRId64 " %s, %" PRId64 " failed", m->folder, m->total,
            m->total == 1 ? "job" : "jobs", m->n_parts, m->n_parts == 1 ? "part" : "parts", m->n_failed);
  return m->n_failed > 0 ? (cli_exit)m->code : CLI_OK;
}

cli_exit cli_run_merge(const cli_args *args) {
  struct merge m = {.folder = args->operands[0], .quiet = args->values[MERGE_QUIET].given};
  m.targets = (cli_targets){.kind = &cli_charts, .out = m.folder, .in_folder = 1};
  cli_output *output = malloc(sizeof *output);
  if (!output) return fail_memory();
  raise_limit();
  cli_interrupt_at_once();
  const cli_exit code = m.folder[0] ? merge(&m, output) : cli_fail(CLI_USAGE, "FOLDER must not be empty");
  cli_interrupt_end();
  for (int64_t i = 0; m.parts && i < m.n_parts; i++) {
    cli_lines_end(&m.parts[i].lines);
    if (m.parts[i].descriptor >= 0) close(m.parts[i].descriptor);
  }
  free(m.parts);
  cli_buffer_free(&m.header);
  cli_buffer_free(&m.path);
  free(output);
  return code;
}
