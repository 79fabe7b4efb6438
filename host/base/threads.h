/* Threads, and a fixed team of them that shares out the items of one loop at a time. */
#ifndef TALLOW_BASE_THREADS_H
#define TALLOW_BASE_THREADS_H

#include <pthread.h>
#include <stdint.h>

#include "memory.h"

/* Starts a thread that leaves signals to those of the program. 0, or an errno. */
int tlw_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

struct tlw_team;

/* worker: 0 to threads - 1, no two at the same time, so it can index scratch memory. */
typedef void (*tlw_team_fn)(void *context, uint32_t worker, int64_t item);

/* A team of threads, the caller of tlw_team_run being one of them. */
tlw_status tlw_team_open(struct tlw_team **out, uint32_t threads, struct tlw_memory *memory, tlw_error *error);
/* Bytes of host memory that a team counts. */
uint64_t tlw_team_size(uint32_t threads);
void tlw_team_close(struct tlw_team **out);
uint32_t tlw_team_threads(const struct tlw_team *team);

/*
 * Calls run for each item from 0 to items - 1, in no order, by the first so many workers of the team (1 to threads), and
 * returns when all are done. One call at a time.
 */
void tlw_team_run(struct tlw_team *team, uint32_t workers, int64_t items, tlw_team_fn run, void *context);

#endif
