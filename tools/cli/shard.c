#include "shard.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a system says. */
struct system {
  const char *name;  /* of the variable that has the index */
  const char *count; /* of the one that has the number of parts; NULL: there is none */
  int64_t index;     /* from 1 */
  int64_t parts;     /* 0: it does not say */
};

struct search {
  cli_getenv find;
  void *user;
  char *reason;
  size_t size;
  struct system found[9];
  int n;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct search *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(s->reason, s->size, format, args);
  va_end(args);
  return 0;
}

/* Up to 9 digits and nothing else; or -1. */
static int64_t number_of(const char *text, size_t length) {
  int64_t number = 0;
  if (length == 0 || length > 9) return -1;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

/* *number is that of a variable; otherwise where it is not set. 0 after a reason: it is no number. */
static int read_number(const struct search *s, const char *name, int64_t otherwise, int64_t *number) {
  const char *text = name ? s->find(s->user, name) : NULL;
  *number = otherwise;
  if (!text) return 1;
  *number = number_of(text, strlen(text));
  return *number >= 0 || refuse(s, "%s is '%.40s': a whole number was expected; write --shard I/N", name, text);
}

static int has(const struct search *s, const char *name) { return s->find(s->user, name) != NULL; }

static int add(struct search *s, const char *name, const char *count, int64_t index, int64_t parts) {
  if (parts > CLI_SHARDS_MAX || (parts == 0 && count && has(s, count)))
    return refuse(s, "%s is %" PRId64 ": 1 to %d parts were expected; write --shard I/N", count, parts, CLI_SHARDS_MAX);
  if (parts > 0 && index > parts)
    return refuse(s, "%s is beyond the %" PRId64 " parts that %s says; write --shard I/N", name, parts, count);
  s->found[s->n++] = (struct system){name, count, index, parts};
  return 1;
}

/* A system that numbers its parts from `from` on. */
static int ask(struct search *s, const char *name, int64_t from, const char *count) {
  int64_t index, parts;
  if (!has(s, name)) return 1;
  if (!read_number(s, name, 0, &index) || !read_number(s, count, 0, &parts)) return 0;
  if (index < from) return refuse(s, "%s is %" PRId64 ": it begins at 1; write --shard I/N", name, index);
  return add(s, name, count, index - from + 1, parts);
}

/* An array may begin anywhere and have a step; one with gaps has no order that its parts could know. */
static int ask_array(struct search *s) {
  static const char id_name[] = "SLURM_ARRAY_TASK_ID", count_name[] = "SLURM_ARRAY_TASK_COUNT";
  int64_t id, first, step, last, count;
  if (!has(s, id_name)) return 1;
  if (!read_number(s, id_name, 0, &id) || !read_number(s, "SLURM_ARRAY_TASK_MIN", 0, &first) ||
      !read_number(s, "SLURM_ARRAY_TASK_STEP", 1, &step) || !read_number(s, count_name, 0, &count) ||
      !read_number(s, "SLURM_ARRAY_TASK_MAX", first + (count - 1) * step, &last))
    return 0;
  const int is_regular = step > 0 && id >= first && (id - first) % step == 0;
  if (!is_regular || (count > 0 && last != first + (count - 1) * step))
    return refuse(s, "the Slurm array has gaps in its numbers: number its tasks 1-N, or write --shard I/N");
  return add(s, id_name, count_name, (id - first) / step + 1, count);
}

static int ask_tasks(struct search *s) {
  const int in_step = has(s, "SLURM_STEP_NUM_TASKS");
  const int is_array = has(s, "SLURM_ARRAY_TASK_ID");
  const int is_mpi = has(s, "OMPI_COMM_WORLD_RANK") || has(s, "PMI_RANK") || has(s, "PMIX_RANK");
  if (is_mpi || (is_array && !in_step)) return 1; /* the script of a task of an array is not a task of srun */
  return ask(s, "SLURM_PROCID", 0, in_step ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS");
}

static int ask_all(struct search *s) {
  return ask_array(s) && ask(s, "JOB_COMPLETION_INDEX", 0, NULL) &&
         ask(s, "AWS_BATCH_JOB_ARRAY_INDEX", 0, "AWS_BATCH_JOB_ARRAY_SIZE") &&
         ask(s, "AWS_BATCH_JOB_NODE_INDEX", 0, "AWS_BATCH_JOB_NUM_NODES") &&
         ask(s, "OMPI_COMM_WORLD_RANK", 0, "OMPI_COMM_WORLD_SIZE") && ask(s, "PMI_RANK", 0, "PMI_SIZE") &&
         ask(s, "PMIX_RANK", 0, NULL) && ask_tasks(s) && ask(s, "PARALLEL_SEQ", 1, NULL);
}

/* A task that is alone says nothing about parts, if others do. */
static void drop_lonely(struct search *s) {
  int kept = 0;
  for (int i = 0; i < s->n; i++)
    if (s->found[i].parts != 1) s->found[kept++] = s->found[i];
  if (kept > 0) s->n = kept;
}

static int agree(const struct search *s, cli_shard *shard) {
  const struct system *counted = NULL;
  for (int i = 0; i < s->n; i++) {
    const struct system *a = &s->found[0], *b = &s->found[i];
    if (a->index != b->index)
      return refuse(s, "%s says part %" PRId64 " but %s part %" PRId64 "; write --shard I/N", a->name, a->index,
                    b->name, b->index);
    if (counted && b->parts > 0 && counted->parts != b->parts)
      return refuse(s, "%s says %" PRId64 " parts but %s %" PRId64 "; write --shard I/N", counted->count,
                    counted->parts, b->count, b->parts);
    if (b->parts > 0) counted = b;
  }
  if (shard->count > 0 && counted && counted->parts != shard->count)
    return refuse(s, "%s says %" PRId64 " parts, not %" PRId64 "; write --shard I/N", counted->count, counted->parts,
                  shard->count);
  if (shard->count == 0 && !counted)
    return refuse(s, "%s does not tell how many parts there are: write --shard auto/N", s->found[0].name);
  if (counted) shard->count = counted->parts;
  shard->index = s->found[0].index;
  snprintf(s->reason, s->size, "this is part %" PRId64 " of %" PRId64 ", by %s%s%s", shard->index, shard->count,
           s->found[0].name, counted ? " and " : "", counted ? counted->count : "");
  return 1;
}

static int find_out(struct search *s, cli_shard *shard) {
  if (!ask_all(s)) return 0;
  if (s->n == 0)
    return refuse(s, "no variable of Slurm, Kubernetes, AWS Batch, MPI or GNU parallel is set; write --shard I/N");
  drop_lonely(s);
  if (!agree(s, shard)) return 0;
  return shard->index <= shard->count || refuse(s, "%s says part %" PRId64 ", but there are %" PRId64 " parts",
                                                s->found[0].name, shard->index, shard->count);
}

int cli_shard_parse(const char *text, cli_getenv find, void *user, cli_shard *shard, char *reason, size_t size) {
  struct search s = {.find = find, .user = user, .reason = reason, .size = size};
  const char *slash = strchr(text, '/');
  const size_t length = slash ? (size_t)(slash - text) : strlen(text);
  const int is_auto = length == 4 && memcmp(text, "auto", 4) == 0;
  if (size > 0) reason[0] = 0;
  *shard = (cli_shard){.index = is_auto ? 1 : number_of(text, length)};
  if (slash) shard->count = number_of(slash + 1, strlen(slash + 1));
  const int has_count = slash && shard->count >= 1 && shard->count <= CLI_SHARDS_MAX;
  if (shard->index < 1 || (slash ? !has_count || shard->index > shard->count : !is_auto))
    return refuse(&s, "--shard must be I/N, I from 1 to N, auto/N or auto, N at most %d, not '%.40s'", CLI_SHARDS_MAX,
                  text);
  return !is_auto || find_out(&s, shard);
}
