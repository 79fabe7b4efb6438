/* Which part of the charts a command draws. */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include <stddef.h>
#include <stdint.h>

#define CLI_SHARDS_MAX 1000000

/* Chart k of a run, from 0, belongs to the part k mod count + 1. All 0: all charts, not in parts. */
typedef struct cli_shard {
  int64_t index; /* from 1 */
  int64_t count;
} cli_shard;

/* As getenv; user is passed through. */
typedef const char *(*cli_getenv)(void *user, const char *name);

/*
 * Reads "I/N", "auto/N" or "auto", the latter two with the help of the environment:
 *   SLURM_ARRAY_TASK_ID with _MIN, _MAX, _STEP and _COUNT; JOB_COMPLETION_INDEX; AWS_BATCH_JOB_ARRAY_INDEX and _SIZE;
 *   AWS_BATCH_JOB_NODE_INDEX and AWS_BATCH_JOB_NUM_NODES; OMPI_COMM_WORLD_RANK and _SIZE; PMI_RANK and PMI_SIZE;
 *   PMIX_RANK; SLURM_PROCID and SLURM_STEP_NUM_TASKS or SLURM_NTASKS; PARALLEL_SEQ.
 * What MPI says goes before SLURM_PROCID, which processes of mpirun inherit from the script that called it. A system
 * that says "1 of 1" does not count beside others. 1, with the part and its variables in reason, which is empty
 * unless the environment told; or 0 with what is wrong and what to do in reason.
 */
int cli_shard_parse(const char *text, cli_getenv find, void *user, cli_shard *shard, char *reason, size_t size);

/* 1 if the chart belongs to the part. */
static inline int cli_shard_has(const cli_shard *shard, int64_t ordinal) {
  return shard->count == 0 || ordinal % shard->count == shard->index - 1;
}

/* How many of the charts 0 to total - 1 belong to the part. */
static inline int64_t cli_shard_size(const cli_shard *shard, int64_t total) {
  if (shard->count == 0) return total;
  return total < shard->index ? 0 : (total - shard->index) / shard->count + 1;
}

#endif
