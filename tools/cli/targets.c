#include "targets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "report.h"

typedef struct stem {
  const char *text;
  int length;
  const char *input;
} stem;

static int drop_ending(stem *s, const char *ending) {
  int length = (int)strlen(ending);
  if (s->length <= length || strncasecmp(s->text + s->length - length, ending, (size_t)length) != 0) return 0;
  s->length -= length;
  return 1;
}

/* The name of an input without folders and endings: data/aapl.csv.gz gives aapl. */
static stem stem_of(const char *input) {
  if (strcmp(input, "-") == 0) return (stem){.text = "stdin", .length = 5, .input = input};
  const char *slash = strrchr(input, '/');
  stem s = {.text = slash ? slash + 1 : input, .input = input};
  s.length = (int)strlen(s.text);
  drop_ending(&s, ".gz");
  if (!drop_ending(&s, ".csv")) drop_ending(&s, ".txt");
  return s;
}

static int compare_stems(const void *a, const void *b) {
  const stem *p = a, *q = b;
  int shorter = p->length < q->length ? p->length : q->length;
  int order = memcmp(p->text, q->text, (size_t)shorter);
  return order ? order : p->length - q->length;
}

/* Whether all n inputs give files of their own. */
static cli_exit check_stems(const char *out, int n, char **inputs) {
  stem *stems = malloc((size_t)n * sizeof *stems);
  if (!stems) return cli_fail(CLI_NO_MEMORY, "no memory for %d file names", n);
  for (int i = 0; i < n; i++) stems[i] = stem_of(inputs[i]);
  qsort(stems, (size_t)n, sizeof *stems, compare_stems);
  cli_exit code = CLI_OK;
  for (int i = 1; i < n && !code; i++)
    if (compare_stems(&stems[i - 1], &stems[i]) == 0)
      code = cli_fail(CLI_USAGE, "%s and %s would both become %.*s.png in %s: give them to different folders",
                      stems[i - 1].input, stems[i].input, stems[i].length, stems[i].text, out);
  free(stems);
  return code;
}

static int is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int ends_in_png(const char *path) {
  size_t length = strlen(path);
  return length > 4 && strcasecmp(path + length - 4, ".png") == 0;
}

cli_exit cli_targets_plan(cli_targets *targets, const char *out, int numbered, int n, char **inputs) {
  int named_folder = out[strlen(out) - 1] == '/' || is_folder(out);
  int named_file = !named_folder && (ends_in_png(out) || strcmp(out, "-") == 0);
  *targets = (cli_targets){.out = out, .in_folder = named_folder || n > 1 || numbered, .numbered = numbered};
  if (n > 1 && named_file)
    return cli_fail(CLI_USAGE,
                    "--output %s can't hold the charts of %d files: name a folder; try 'tallow render --help'", out, n);
  if (numbered && named_file)
    return cli_fail(CLI_USAGE,
                    "--output %s can't hold the charts of --window: name a folder; try 'tallow render --help'", out);
  if (targets->in_folder) return check_stems(out, n, inputs);
  if (named_file) return CLI_OK;
  return cli_fail(CLI_USAGE, "--output %s must end in .png, or in / to name a folder; try 'tallow render --help'", out);
}

static int make_one(const char *path) { return mkdir(path, 0777) == 0 || (errno == EEXIST && is_folder(path)); }

cli_exit cli_targets_make_folder(const cli_targets *targets) {
  if (!targets->in_folder || is_folder(targets->out)) return CLI_OK;
  char *path = strdup(targets->out);
  if (!path) return cli_fail(CLI_NO_MEMORY, "%s: no memory to make it", targets->out);
  int made = 1;
  for (char *slash = strchr(path + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    made = make_one(path);
    *slash = '/';
  }
  made = made && make_one(path);
  int code = errno;
  free(path);
  return made ? CLI_OK : cli_fail(CLI_CANT_CREATE, "%s: can't make this folder: %s", targets->out, strerror(code));
}

char *cli_targets_path(const cli_targets *targets, const char *input, int64_t number) {
  if (!targets->in_folder) return strdup(targets->out);
  stem s = stem_of(input);
  const char *slash = targets->out[strlen(targets->out) - 1] == '/' ? "" : "/";
  char tail[32] = "";
  if (targets->numbered) snprintf(tail, sizeof tail, "_%06" PRId64, number);
  size_t size = strlen(targets->out) + (size_t)s.length + strlen(tail) + sizeof "/.png";
  char *path = malloc(size);
  if (path) snprintf(path, size, "%s%s%.*s%s.png", targets->out, slash, s.length, s.text, tail);
  return path;
}
