/* What an open engine holds, for the files of this folder. */
#ifndef TALLOW_ENGINE_STATE_H
#define TALLOW_ENGINE_STATE_H

#include <pthread.h>

#include "choice.h"
#include "draw.h"
#include "engine.h"
#include "host/base/arithmetic.h"
#include "host/base/threads.h"

/* Pieces of work that a render has in flight. */
#define TLW_RENDER_SLOTS 2

/* What images keep for the next ones. */
struct tlw_images_kept {
  struct tlw_block windows; /* of a group, or the rows of a block of charts */
  struct tlw_block rows;    /* of a group, where columns can't be read as they are */
  struct tlw_block pixels;  /* of charts on their way to a device */
  struct tlw_team *team;    /* where the backend has none */
};

/* The CPU beside a device that AUTO has taken, see aim.h. */
struct tlw_choosing {
  struct tlw_sure sure;    /* from open on, of the tuning */
  bool is_possible;        /* under turn: AUTO has taken the device that this is of, and no fallback has left it */
  _Atomic bool is_allowed; /* likewise, and nothing speaks against the CPU */
  struct tlw_executor cpu; /* under turn; ops NULL: it is not there */
  uint64_t device_limit;   /* under turn: work_limit of the device while an operation works on the CPU */
  uint64_t yields;         /* under turn */
  bool beats_device;       /* while the engine is opened: the CPU, by all that was measured of a device */
  double given[TLW_WORKS]; /* under turn: units of the batch that the CPU has */
  /* Least units of those that it had no room for, since a reset; INFINITY: of none. Written under turn. */
  _Atomic double refused[TLW_WORKS];
  uint32_t told;            /* under turn: bits by tlw_work */
  struct tlw_tuning tuning; /* from open on; large, and behind what small batches look at */
};

struct tlw_gate;

struct tlw_engine {
  struct tlw_services services;
  tlw_backend wanted;     /* of the options */
  uint64_t wanted_budget; /* of the device, likewise */
  bool may_fall_back;
  pthread_mutex_t facts;         /* of what statistics and description read: home, reason */
  struct tlw_executor home;      /* what the engine runs on */
  struct tlw_executor *executor; /* under turn: what the operation at hand works with, home or the CPU beside it */
  struct tlw_choosing choosing;
  struct tlw_executor retired[TLW_BACKENDS]; /* left by a fallback, without memory, until close */
  int n_retired;
  uint32_t passed_over;
  char reason[TLW_REASON_SIZE];

  pthread_mutex_t turn;          /* held by the operation that runs */
  bool lost;                     /* under turn: the device failed for good */
  struct tlw_arithmetic callers; /* under turn */
  uint64_t work_limit; /* under turn: most bytes of a piece of work, less than UINT64_MAX after a lack of memory */
  struct tlw_slot slots[TLW_RENDER_SLOTS]; /* under turn */
  struct tlw_images_kept images_kept;      /* under turn */
  struct tlw_gate *gate;                   /* under turn until close; NULL: nothing has asked for it */

  pthread_mutex_t guest_lock;
  struct tlw_guest *guests; /* under guest_lock */
  uint64_t session;         /* likewise: counts resets */
  pthread_cond_t evicted;

  _Atomic uint64_t charts, candles, pixels, values, images, copied, reduced, resets, trims, halvings, to_cpu;
  _Atomic uint64_t fallbacks_memory, fallbacks_unavailable;
};

void tlw_engine_add(_Atomic uint64_t *number, uint64_t n);

/*
 * Under turn: makes a record of an operation that began at `begun` by tlw_ledger_now. Of the one that has the turn all
 * but a little is told by then, see telemetry.h.
 */
void tlw_engine_note(tlw_engine *engine, tlw_operation operation, int64_t begun, uint64_t bytes, int64_t items,
                     tlw_status status);

/* Writes a line to the log of the options. */
void tlw_engine_log(const tlw_engine *engine, tlw_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Under turn: what follows from this status of the backend. */
void tlw_engine_judge(tlw_engine *engine, tlw_status status, tlw_error *error);

/* Under turn, after TLW_ERR_MEMORY: gives idle memory of the backend back. False: the device failed. */
bool tlw_engine_trim(tlw_engine *engine);

/* Under turn, after TLW_ERR_MEMORY or TLW_ERR_UNAVAILABLE: opens the next backend that works in place of this one. */
bool tlw_engine_fall_back(tlw_engine *engine, const tlw_error *error);

#endif
