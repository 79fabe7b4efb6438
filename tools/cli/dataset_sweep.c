/*
 * What earlier runs of "tallow dataset" have left: files that were to appear by rename, of runs that were killed, and
 * labels and manifests that are not of the images beside them.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_run.h"
#include "report.h"
#include "targets.h"
#include "temporary.h"

#define NUMBER_DIGITS 6 /* at least, of a tar shard */

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Whether the first length bytes of an entry are the name of a file beside the output. */
static int is_beside(const dataset_run *r, const char *entry, size_t length, const char *ending) {
  cli_buffer name = {0};
  dataset_name_beside(&name, r->out, ending);
  const char *base = name.failed ? "" : base_name(name.bytes);
  const int is_it = strlen(base) == length && memcmp(base, entry, length) == 0;
  cli_buffer_free(&name);
  return is_it;
}

/* set-000000.tar */
static int is_shard(const dataset_run *r, const char *entry, size_t length) {
  const char *base = base_name(r->out);
  const size_t stem = strlen(base) - strlen(".tar");
  if (r->format != DATASET_TAR || length < stem + 1 + NUMBER_DIGITS + strlen(".tar")) return 0;
  if (memcmp(entry, base, stem) != 0 || entry[stem] != '-') return 0;
  const size_t digits = strspn(entry + stem + 1, "0123456789");
  return stem + 1 + digits + strlen(".tar") == length && memcmp(entry + stem + 1 + digits, ".tar", 4) == 0;
}

void dataset_sweep(const dataset_run *r) {
  const size_t folder = (size_t)(base_name(r->out) - r->out);
  cli_buffer path = {0};
  cli_buffer_add(&path, folder > 0 ? r->out : "./", folder > 0 ? folder : 2);
  cli_buffer_add(&path, "", 1);
  DIR *stream = path.failed ? NULL : opendir(path.bytes);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    const size_t length = cli_temporary_stem(entry->d_name);
    if (length == 0 || (!is_beside(r, entry->d_name, length, ".labels.npy") &&
                        !is_beside(r, entry->d_name, length, ".manifest.jsonl") && !is_shard(r, entry->d_name, length)))
      continue;
    cli_buffer_clear(&path);
    cli_buffer_format(&path, "%.*s%s", (int)folder, r->out, entry->d_name);
    cli_buffer_add(&path, "", 1);
    if (!path.failed) cli_temporary_sweep(path.bytes);
  }
  if (stream) closedir(stream);
  cli_buffer_free(&path);
}

/* What the command itself names is not what an earlier run has left. */
static int is_named(const dataset_run *r, const char *path) {
  const char *spec = dataset_value(r, DATASET_SPEC)->text;
  int is_it = spec && strcmp(spec, "-") != 0 && cli_is_same_file(path, spec);
  for (int i = 0; i < r->args->n_operands; i++)
    is_it |= strcmp(r->args->operands[i], "-") != 0 && cli_is_same_file(path, r->args->operands[i]);
  for (int i = 0, option; (option = cli_telemetry_option(r->args, i)) >= 0; i++) {
    const char *text = dataset_value(r, option)->text;
    is_it |= text && cli_is_same_file(path, text);
  }
  return is_it;
}

static cli_exit remove_beside(const dataset_run *r, const char *ending, const char *what) {
  cli_buffer name = {0};
  struct stat info;
  dataset_name_beside(&name, r->out, ending);
  cli_exit code = name.failed ? cli_fail(CLI_NO_MEMORY, "no memory for the names of files") : CLI_OK;
  if (!code && lstat(name.bytes, &info) == 0 && S_ISREG(info.st_mode) && !is_named(r, name.bytes)) {
    const int is_gone = unlink(name.bytes) == 0;
    if (is_gone && !r->quiet) cli_say("%s: removed: this run makes no %s", name.bytes, what);
    if (!is_gone && errno != ENOENT)
      code = cli_fail(cli_exit_of_output(errno), "%s: is not of these images, and can't be removed: %s", name.bytes,
                      strerror(errno));
  }
  cli_buffer_free(&name);
  return code;
}

cli_exit dataset_remove_stale(const dataset_run *r) {
  cli_exit code = CLI_OK;
  if (r->writes_beside && r->horizons.n == 0) code = remove_beside(r, ".labels.npy", "labels");
  if (!code && r->writes_beside && dataset_value(r, DATASET_MANIFEST)->number != SWITCH_ON)
    code = remove_beside(r, ".manifest.jsonl", "manifest");
  return code;
}
