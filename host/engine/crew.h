/* Threads of an engine for an operation that is done above it. */
#ifndef TALLOW_ENGINE_CREW_H
#define TALLOW_ENGINE_CREW_H

#include <stdatomic.h>

#include "choice.h"
#include "engine.h"
#include "host/base/threads.h"

struct tlw_crew {
  struct tlw_engine *engine;
  struct tlw_team *team;
  struct tlw_team *own; /* of this operation, where the backend has none */
  uint32_t workers;     /* at least 1; with 1 there may be no team */
  int64_t begun;
  uint32_t busy;                    /* threads that call sinks; of several, sums are kept until the end: */
  _Atomic uint64_t away, delivered; /* nanoseconds that sinks took, bytes that they did */
};

/* What an operation asks for. */
struct tlw_crew_wish {
  tlw_operation operation; /* for records */
  int64_t most;            /* threads */
  uint64_t bytes;          /* of host memory that it is going to take */
  struct tlw_load load;    /* what a device could do of it; no units: nothing */
};

/*
 * Takes the engine's turn and as many threads as it has and are wished for. End it unless it fails: TLW_ERR_BUDGET,
 * TLW_ERR_MEMORY, TLW_ERR_DEVICE_LOST.
 */
tlw_status tlw_crew_begin(struct tlw_crew *crew, tlw_engine *engine, const struct tlw_crew_wish *wish,
                          tlw_error *error);

/* Makes a record of the operation. */
void tlw_crew_end(struct tlw_crew *crew, int64_t items, tlw_status status);

/* Calls run for each item, see tlw_team_run. */
void tlw_crew_run(const struct tlw_crew *crew, int64_t items, tlw_team_fn run, void *context);

/* Likewise where run may call sinks; once for an operation, and the last that it does. */
void tlw_crew_spread(struct tlw_crew *crew, int64_t items, tlw_team_fn run, void *context);

/*
 * Around a sink, on the thread that calls it: its time is DELIVER, what was done before COMPUTE. Leave tells when the
 * thread left, for the return.
 */
int64_t tlw_crew_leave(struct tlw_crew *crew);
void tlw_crew_return(struct tlw_crew *crew, int64_t left, uint64_t bytes, tlw_status status);

/* Whether the engine's device joins rows. */
bool tlw_crew_has_device(const struct tlw_crew *crew);

/*
 * Joins rows on the engine's device. False: it does not, has no room or failed, and parts may be anything. A device
 * that is lost is told of by the next operation.
 */
bool tlw_crew_join(const struct tlw_crew *crew, const struct tlw_bars_job *job);

#endif
