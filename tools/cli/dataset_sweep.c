/* What runs of "tallow dataset" that were killed have left of files that appear by rename. */
#include <dirent.h>
#include <string.h>

#include "dataset_run.h"
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
