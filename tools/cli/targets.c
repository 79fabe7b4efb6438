#include "targets.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "temporary.h"

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
  if (!drop_ending(&s, ".gz") && !drop_ending(&s, ".zst")) drop_ending(&s, ".zip");
  if (!drop_ending(&s, ".csv") && !drop_ending(&s, ".txt")) drop_ending(&s, ".npy");
  return s;
}

static int compare_stems(const void *a, const void *b) {
  const stem *p = a, *q = b;
  int shorter = p->length < q->length ? p->length : q->length;
  int order = memcmp(p->text, q->text, (size_t)shorter);
  return order ? order : p->length - q->length;
}

/* Whether all n inputs give files of their own. */
static cli_exit check_stems(const cli_targets *targets, int n, char **inputs) {
  stem *stems = malloc((size_t)n * sizeof *stems);
  if (!stems) return cli_fail(CLI_NO_MEMORY, "no memory for %d file names", n);
  for (int i = 0; i < n; i++) stems[i] = stem_of(inputs[i]);
  qsort(stems, (size_t)n, sizeof *stems, compare_stems);
  cli_exit code = CLI_OK;
  for (int i = 1; i < n && !code; i++)
    if (compare_stems(&stems[i - 1], &stems[i]) == 0)
      code = cli_fail(CLI_USAGE, "%s and %s would both become %.*s%s in %s: give them to different folders",
                      stems[i - 1].input, stems[i].input, stems[i].length, stems[i].text, targets->kind->endings[0],
                      targets->out);
  free(stems);
  return code;
}

static int is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int cli_ends_in(const char *path, const char *ending) {
  const size_t length = strlen(path), ending_length = strlen(ending);
  return length > ending_length && strcasecmp(path + length - ending_length, ending) == 0;
}

static int ends_in_any(const char *path, const cli_target_kind *kind) {
  return cli_ends_in(path, kind->endings[0]) || (kind->endings[1] && cli_ends_in(path, kind->endings[1]));
}

const cli_target_kind cli_charts = {.command = "render", .things = "charts", .endings = {".png", NULL}};

cli_exit cli_targets_plan(cli_targets *targets, const cli_target_kind *kind, const char *out, int numbered,
                          int by_symbol, int n, char **inputs) {
  int named_folder = out[strlen(out) - 1] == '/' || is_folder(out);
  int named_file = !named_folder && (ends_in_any(out, kind) || strcmp(out, "-") == 0);
  const int several = numbered || by_symbol;
  *targets = (cli_targets){.kind = kind,
                           .out = out,
                           .in_folder = named_folder || n > 1 || several,
                           .numbered = numbered,
                           .by_symbol = by_symbol};
  if (n > 1 && named_file)
    return cli_fail(CLI_USAGE, "--output %s can't hold the %s of %d files: name a folder; try 'tallow %s --help'", out,
                    kind->things, n, kind->command);
  if (several && named_file)
    return cli_fail(CLI_USAGE, "--output %s can't hold the %s of --%s: name a folder; try 'tallow %s --help'", out,
                    kind->things, numbered ? "window" : "by", kind->command);
  if (targets->in_folder) return check_stems(targets, n, inputs);
  if (named_file) return CLI_OK;
  return cli_fail(CLI_USAGE, "--output %s must end in %s%s%s, or in / to name a folder; try 'tallow %s --help'", out,
                  kind->endings[0], kind->endings[1] ? " or " : "", kind->endings[1] ? kind->endings[1] : "",
                  kind->command);
}

/* Whether files that are not there yet would be one. */
static int is_same_place(const char *a, const char *b) {
  const cli_targets places[2] = {{.out = a}, {.out = b}};
  const char *slashes[2] = {strrchr(a, '/'), strrchr(b, '/')};
  struct stat info[2];
  int n = 0;
  if (strcmp(slashes[0] ? slashes[0] + 1 : a, slashes[1] ? slashes[1] + 1 : b) != 0) return 0;
  for (int i = 0; i < 2; i++) {
    cli_buffer folder = {0};
    cli_targets_folder(&places[i], &folder);
    n += !folder.failed && stat(folder.bytes, &info[i]) == 0;
    cli_buffer_free(&folder);
  }
  return n == 2 && info[0].st_dev == info[1].st_dev && info[0].st_ino == info[1].st_ino;
}

#define LINKS_MOST 40

/* Where a file would be made that is opened by this name: links may lead to what is not there yet. */
static void follow_links(const char *name, char place[PATH_MAX]) {
  char target[PATH_MAX];
  snprintf(place, PATH_MAX, "%s", name);
  for (int i = 0; i < LINKS_MOST; i++) {
    const ssize_t length = readlink(place, target, sizeof target - 1);
    if (length < 0) return;
    target[length] = 0;
    char *slash = strrchr(place, '/'), *end = *target != '/' && slash ? slash + 1 : place;
    if ((size_t)(end - place) + (size_t)length >= PATH_MAX) return;
    memcpy(end, target, (size_t)length + 1);
  }
}

int cli_is_same_file(const char *a, const char *b) {
  struct stat one, other;
  if (strcmp(a, b) == 0) return 1;
  const int is_there = stat(a, &one) == 0, is_other_there = stat(b, &other) == 0;
  if (!is_there && !is_other_there) {
    char one_place[PATH_MAX], other_place[PATH_MAX];
    follow_links(a, one_place);
    follow_links(b, other_place);
    return is_same_place(one_place, other_place);
  }
  return is_there && is_other_there && one.st_dev == other.st_dev && one.st_ino == other.st_ino && S_ISREG(one.st_mode);
}

static int make_one(cli_targets *targets, const char *path) {
  if (mkdir(path, 0777) == 0) {
    targets->n_made++;
    targets->made_length = strlen(path);
    return 1;
  }
  return errno == EEXIST && is_folder(path);
}

/* path: the first of the folders that could not be made. */
static cli_exit fail_folder(const cli_targets *targets, const char *path, int error) {
  struct stat info;
  if (error == EEXIST && stat(path, &info) == 0)
    return cli_fail(CLI_CANT_CREATE, "%s: can't make this folder: %s is a file", targets->out, path);
  return cli_fail(CLI_CANT_CREATE, "%s: can't make this folder: %s", targets->out, strerror(error));
}

/* A single file is written into a folder that is there. */
static cli_exit check_folder(const cli_targets *targets) {
  const char *slash = strrchr(targets->out, '/');
  char *path = slash && slash > targets->out ? strndup(targets->out, (size_t)(slash - targets->out)) : NULL;
  struct stat info;
  const int is_missing = path && stat(path, &info) != 0 && errno == ENOENT;
  cli_exit code = CLI_OK;
  if (is_missing)
    code =
        cli_fail(CLI_CANT_CREATE, "%s: can't write: the folder %s does not exist: make it first", targets->out, path);
  free(path);
  return code;
}

cli_exit cli_targets_make_folder(cli_targets *targets) {
  if (!targets->in_folder) return check_folder(targets);
  if (is_folder(targets->out)) return CLI_OK;
  char *path = strdup(targets->out);
  if (!path) return cli_fail(CLI_NO_MEMORY, "%s: no memory to make it", targets->out);
  for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--) path[end - 1] = 0;
  int made = 1;
  for (char *slash = strchr(path + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    made = make_one(targets, path);
    if (made) *slash = '/';
  }
  made = made && make_one(targets, path);
  const int error = errno;
  cli_exit code = CLI_OK;
  if (!made) {
    cli_targets_remove_folder(targets);
    code = fail_folder(targets, path, error);
  }
  free(path);
  return code;
}

void cli_targets_remove_folder(cli_targets *targets) {
  char *path = targets->n_made > 0 ? strndup(targets->out, targets->made_length) : NULL;
  for (size_t end = targets->made_length; path && targets->n_made > 0 && end > 0; targets->n_made--) {
    path[end] = 0;
    if (rmdir(path) != 0) break;
    while (end > 0 && path[end - 1] != '/') end--;
    while (end > 0 && path[end - 1] == '/') end--;
  }
  targets->n_made = 0;
  free(path);
}

/* ---- names ---- */

static int belongs_in_name(char c, int is_first) {
  if (c == '.') return !is_first;
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
         c == '=' || (unsigned char)c >= 0x80;
}

static void add_symbol(const char *symbol, cli_buffer *out) {
  cli_buffer_add(out, "_", 1);
  for (const char *c = symbol; *c; c++) cli_buffer_add(out, belongs_in_name(*c, c == symbol) ? c : "_", 1);
}

void cli_targets_name(const cli_targets *targets, const char *input, const char *symbol, int64_t number,
                      cli_buffer *out) {
  if (!targets->in_folder) {
    const char *slash = strrchr(targets->out, '/');
    const char *name = slash ? slash + 1 : targets->out;
    cli_buffer_add(out, name, strlen(name));
    return;
  }
  const stem s = stem_of(input);
  cli_buffer_add(out, s.text, (size_t)s.length);
  if (symbol) add_symbol(symbol, out);
  if (number >= 0) cli_buffer_format(out, "_%06" PRId64, number);
  cli_buffer_add(out, targets->kind->endings[0], strlen(targets->kind->endings[0]));
}

void cli_targets_stem(const char *input, cli_buffer *out) {
  const stem s = stem_of(input);
  cli_buffer_add(out, s.text, (size_t)s.length);
}

void cli_targets_path(const cli_targets *targets, const char *name, size_t length, cli_buffer *out) {
  const char *slash = strrchr(targets->out, '/');
  size_t folder = slash ? (size_t)(slash - targets->out) + 1 : 0;
  if (targets->in_folder) folder = strlen(targets->out);
  cli_buffer_add(out, targets->out, folder);
  if (targets->in_folder && targets->out[folder - 1] != '/') cli_buffer_add(out, "/", 1);
  cli_buffer_add(out, name, length);
  cli_buffer_add(out, "", 1);
}

void cli_targets_folder(const cli_targets *targets, cli_buffer *out) {
  const char *slash = strrchr(targets->out, '/');
  size_t length = slash ? (size_t)(slash - targets->out) + 1 : 0;
  if (targets->in_folder) length = strlen(targets->out);
  cli_buffer_add(out, length > 0 ? targets->out : ".", length > 0 ? length : 1);
  cli_buffer_add(out, "", 1);
}

static int same_folder(const char *a, const char *b) {
  struct stat one, other;
  if (stat(a, &one) == 0 && stat(b, &other) == 0) return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
  size_t n = strlen(a), m = strlen(b);
  while (n > 1 && a[n - 1] == '/') n--;
  while (m > 1 && b[m - 1] == '/') m--;
  return n == m && memcmp(a, b, n) == 0;
}

static int is_in_folder(const cli_targets *targets, const char *path) {
  cli_buffer ours = {0}, theirs = {0};
  const char *slash = strrchr(path, '/');
  cli_targets_folder(targets, &ours);
  cli_buffer_add(&theirs, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
  cli_buffer_add(&theirs, "", 1);
  const int is_same = !ours.failed && !theirs.failed && same_folder(theirs.bytes, ours.bytes);
  cli_buffer_free(&ours);
  cli_buffer_free(&theirs);
  return is_same;
}

char *cli_targets_entry(const cli_targets *targets, const char *path) {
  char *real = realpath(path, NULL);
  const char *place = real ? real : path, *slash = strrchr(place, '/');
  char *entry = is_in_folder(targets, place) ? strdup(slash ? slash + 1 : place) : NULL;
  free(real);
  return entry;
}

/* Whether this is what a name has between the stem and the ending. */
static int is_rest(const cli_targets *targets, const char *rest, size_t length) {
  size_t digits = 0;
  while (digits < length && rest[length - 1 - digits] >= '0' && rest[length - 1 - digits] <= '9') digits++;
  if (targets->numbered && (digits < 6 || digits == length || rest[length - 1 - digits] != '_')) return 0;
  if (targets->by_symbol) return length > 0 && rest[0] == '_';
  return length == (targets->numbered ? digits + 1 : 0);
}

int cli_targets_has(const cli_targets *targets, const char *entry, int n, char **inputs) {
  const char *ending = targets->kind->endings[0];
  size_t length = strlen(entry);
  if (!targets->in_folder || length <= strlen(ending) || strcmp(entry + length - strlen(ending), ending) != 0) return 0;
  length -= strlen(ending);
  for (int i = 0; i < n; i++) {
    const stem s = stem_of(inputs[i]);
    const size_t stem_length = (size_t)s.length;
    if (stem_length <= length && memcmp(entry, s.text, stem_length) == 0 &&
        is_rest(targets, entry + stem_length, length - stem_length))
      return 1;
  }
  return 0;
}

static int is_target(const cli_targets *targets, const char *entry, size_t length) {
  const char *ending = targets->kind->endings[0];
  const size_t ending_length = strlen(ending);
  if (targets->in_folder)
    return length > ending_length && memcmp(entry + length - ending_length, ending, ending_length) == 0;
  const char *slash = strrchr(targets->out, '/'), *name = slash ? slash + 1 : targets->out;
  return strlen(name) == length && memcmp(entry, name, length) == 0;
}

void cli_targets_sweep(const cli_targets *targets) {
  cli_buffer folder = {0}, path = {0};
  cli_targets_folder(targets, &folder);
  DIR *stream = folder.failed || strcmp(targets->out, "-") == 0 ? NULL : opendir(folder.bytes);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    if (!is_target(targets, entry->d_name, cli_temporary_stem(entry->d_name))) continue;
    cli_buffer_clear(&path);
    cli_targets_path(targets, entry->d_name, strlen(entry->d_name), &path);
    if (!path.failed) cli_temporary_sweep(path.bytes);
  }
  if (stream) closedir(stream);
  cli_buffer_free(&folder);
  cli_buffer_free(&path);
}

/* ---- names that are taken ---- */

struct cli_name_taken {
  uint64_t hash;
  char *name; /* and behind its terminator the symbol, behind that the input */
};

static uint64_t hash_of(const char *name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
  return hash;
}

/* The slot that has the name, or the free one where it goes. */
static struct cli_name_taken *find_slot(const cli_names_taken *names, uint64_t hash, const char *name) {
  const uint64_t mask = (uint64_t)names->capacity - 1;
  for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
    struct cli_name_taken *slot = &names->slots[i];
    if (!slot->name || (slot->hash == hash && strcmp(slot->name, name) == 0)) return slot;
  }
}

static int grow_names(cli_names_taken *names) {
  cli_names_taken larger = {.capacity = names->capacity ? 2 * names->capacity : 64, .used = names->used};
  larger.slots = calloc((size_t)larger.capacity, sizeof *larger.slots);
  if (!larger.slots) return 0;
  for (int64_t i = 0; i < names->capacity; i++)
    if (names->slots[i].name) *find_slot(&larger, names->slots[i].hash, names->slots[i].name) = names->slots[i];
  free(names->slots);
  *names = larger;
  return 1;
}

static void refuse_name(cli_buffer *reason, const char *input, const char *symbol, const char *taken) {
  const char *other = taken + strlen(taken) + 1, *source = other + strlen(other) + 1;
  if (strcmp(source, input) == 0)
    cli_buffer_format(reason, "%s: the symbols %s and %s would both become %s: rename one of them", input, other,
                      symbol, taken);
  else
    cli_buffer_format(reason, "%s: its symbol %s and %s of %s would both become %s: give them to different folders",
                      input, symbol, other, source, taken);
}

cli_exit cli_names_take(cli_names_taken *names, const cli_targets *targets, const char *input, const char *symbol,
                        cli_buffer *reason) {
  cli_buffer text = {0};
  cli_targets_name(targets, input, symbol, -1, &text);
  cli_buffer_add(&text, "", 1);
  cli_buffer_add(&text, symbol, strlen(symbol) + 1);
  cli_buffer_add(&text, input, strlen(input) + 1);
  cli_exit code = CLI_OK;
  if (text.failed || (4 * names->used >= 3 * names->capacity && !grow_names(names))) {
    cli_buffer_format(reason, "%s: no memory for the names of its charts", input);
    code = CLI_NO_MEMORY;
  } else {
    const uint64_t hash = hash_of(text.bytes);
    struct cli_name_taken *slot = find_slot(names, hash, text.bytes);
    if (slot->name) {
      refuse_name(reason, input, symbol, slot->name);
      code = CLI_DATA;
    } else {
      char *kept = realloc(text.bytes, text.length);
      *slot = (struct cli_name_taken){hash, kept ? kept : text.bytes};
      text = (cli_buffer){0};
      names->used++;
    }
  }
  cli_buffer_free(&text);
  return code;
}

void cli_names_free(cli_names_taken *names) {
  for (int64_t i = 0; i < names->capacity; i++) free(names->slots[i].name);
  free(names->slots);
  *names = (cli_names_taken){0};
}
