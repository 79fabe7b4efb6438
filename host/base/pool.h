/*
 * A pool: parts of a few large slabs, so that no driver is called for each piece of work. It knows nothing of what a
 * slab is made of. Records have a fixed size. Not thread-safe.
 */
#ifndef TALLOW_BASE_POOL_H
#define TALLOW_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "counter.h"
#include "ledger.h"
#include "tallow/status.h"

/* Memory of a device or of the host in one piece. */
struct tlw_slab {
  uint64_t handle;
  uint64_t size;
};

struct tlw_pool_source {
  void *context;
  /* Both count against the budgets. Open: TLW_ERR_BUDGET, TLW_ERR_MEMORY, TLW_ERR_DEVICE, TLW_ERR_DEVICE_LOST. */
  tlw_status (*open)(void *context, uint64_t size, struct tlw_slab *slab, tlw_error *error);
  void (*close)(void *context, struct tlw_slab *slab);
  /* Bytes that the budgets would allow in new slabs now. */
  uint64_t (*available)(void *context);
};

#define TLW_POOL_SLABS 32
#define TLW_POOL_PARTS 4352 /* buffers, and parts for work in flight */
#define TLW_POOL_ALIGN 256u /* of parts and slabs, which count in multiples of it */

/* Where in a slab a part is looked for, so that short-lived and long-lived ones do not mix. */
enum tlw_pool_end { TLW_POOL_WORK, TLW_POOL_KEPT };

/* A part of a slab. */
struct tlw_part {
  struct tlw_slab slab;
  uint64_t offset;
  uint64_t size; /* as it was asked for */
};

struct tlw_pool_entry {
  uint64_t generation; /* of the handle; counts up each time that the entry is given out */
  uint64_t offset, size, asked;
  int32_t slab;     /* index, -1: the entry is free */
  int32_t previous; /* in the same slab by offset; -1: none */
  int32_t next;     /* likewise, or in the list of free entries */
  int32_t end;      /* tlw_pool_end */
};

struct tlw_pool {
  struct tlw_pool_source source;
  uint64_t slab_size; /* of a slab that a smaller part makes necessary, where the budgets allow it */
  uint64_t largest;   /* most bytes of a slab */
  struct tlw_ledger *ledger;
  struct tlw_gauge in_use;               /* bytes of parts, aligned */
  struct tlw_slab slabs[TLW_POOL_SLABS]; /* size 0: none */
  int32_t first[TLW_POOL_SLABS];         /* part of each slab, by offset; -1: none */
  int32_t free_entries;
  int32_t n_kept; /* parts of TLW_POOL_KEPT */
  struct tlw_pool_entry entries[TLW_POOL_PARTS];
};

/* pool is zeroed memory. Nothing is opened yet. ledger may be NULL. */
void tlw_pool_init(struct tlw_pool *pool, const struct tlw_pool_source *source, uint64_t slab_size, uint64_t largest,
                   struct tlw_ledger *ledger);

/* Opens a slab of size bytes ahead of need. TLW_ERR_BUDGET, TLW_ERR_MEMORY, and what the source gives. */
tlw_status tlw_pool_reserve(struct tlw_pool *pool, uint64_t size, tlw_error *error);

/*
 * A part of size bytes, 1 or more; *id names it from then on and is never given twice; 0 if it fails. Where no slab has
 * room, a new one is opened: of slab_size, or of what the budgets leave if that is less, or by halves less if the
 * source gives TLW_ERR_MEMORY, but never of less than the part; empty slabs are closed first where that makes room for
 * it. TLW_ERR_BUDGET (error->bytes is left to the caller), TLW_ERR_MEMORY (also: no entry is free, or all
 * TLW_POOL_SLABS are in use), and what the source gives.
 */
tlw_status tlw_pool_alloc(struct tlw_pool *pool, uint64_t size, enum tlw_pool_end end, uint64_t *id, tlw_error *error);

/* False: there is no such part, or no longer. */
bool tlw_pool_find(const struct tlw_pool *pool, uint64_t id, struct tlw_part *part);
bool tlw_pool_free(struct tlw_pool *pool, uint64_t id);

/* Gives the part another name, so that there is none under the former one. 0: there is no such part. */
uint64_t tlw_pool_rename(struct tlw_pool *pool, uint64_t id);

/* The size of the largest part that could be had if there were no parts of TLW_POOL_WORK, new slabs included. */
uint64_t tlw_pool_room(const struct tlw_pool *pool);

/* Bytes of all slabs. */
uint64_t tlw_pool_slabs(const struct tlw_pool *pool);

/* Frees every part of TLW_POOL_KEPT. */
void tlw_pool_clear(struct tlw_pool *pool);

/* Closes slabs without parts. */
void tlw_pool_trim(struct tlw_pool *pool);

/* Closes all slabs, parts or not. */
void tlw_pool_close(struct tlw_pool *pool);

#endif
