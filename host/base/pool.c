#include "pool.h"

#include "error.h"

/* An id is the generation of an entry above its index. */
#define INDEX_BITS 13
_Static_assert(TLW_POOL_PARTS <= 1 << INDEX_BITS, "the index of every entry fits in an id");

/* Room for a part. */
struct gap {
  int32_t slab;
  int32_t previous; /* the part before it, -1: none */
  uint64_t offset;  /* of the part that is to be made */
};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t align_down(uint64_t size) { return size / TLW_POOL_ALIGN * TLW_POOL_ALIGN; }

/* UINT64_MAX, which no slab can have, where it would not fit. */
static uint64_t align_up(uint64_t size) {
  return size > UINT64_MAX - (TLW_POOL_ALIGN - 1) ? UINT64_MAX : align_down(size + TLW_POOL_ALIGN - 1);
}

static void note(struct tlw_pool *pool, tlw_operation operation, uint64_t bytes, tlw_status status) {
  if (!pool->ledger) return;
  const bool of_slab = operation == TLW_OP_SLAB_OPEN || operation == TLW_OP_SLAB_CLOSE;
  const tlw_record record = {.bytes = bytes, .items = 1, .operation = (int32_t)operation, .status = (int32_t)status};
  tlw_ledger_note(pool->ledger, &record, of_slab ? tlw_pool_slabs(pool) : tlw_gauge_read(&pool->in_use).current);
}

void tlw_pool_init(struct tlw_pool *pool, const struct tlw_pool_source *source, uint64_t slab_size, uint64_t largest,
                   struct tlw_ledger *ledger) {
  pool->source = *source;
  pool->slab_size = align_down(slab_size);
  pool->largest = align_down(largest);
  pool->ledger = ledger;
  for (int i = 0; i < TLW_POOL_SLABS; i++) pool->first[i] = -1;
  for (int32_t i = 0; i < TLW_POOL_PARTS; i++) {
    pool->entries[i].slab = -1;
    pool->entries[i].next = i + 1 < TLW_POOL_PARTS ? i + 1 : -1;
  }
  pool->free_entries = 0;
}

/* ---- slabs ---- */

static bool is_open(const struct tlw_pool *pool, int slab) { return pool->slabs[slab].size > 0; }
static bool is_empty(const struct tlw_pool *pool, int slab) { return is_open(pool, slab) && pool->first[slab] < 0; }

uint64_t tlw_pool_slabs(const struct tlw_pool *pool) {
  uint64_t bytes = 0;
  for (int i = 0; i < TLW_POOL_SLABS; i++) bytes += pool->slabs[i].size;
  return bytes;
}

/* -1: none. */
static int free_place(const struct tlw_pool *pool) {
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (!is_open(pool, i)) return i;
  return -1;
}

static int empty_slab(const struct tlw_pool *pool) {
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (is_empty(pool, i)) return i;
  return -1;
}

static uint64_t empty_bytes(const struct tlw_pool *pool) {
  uint64_t bytes = 0;
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (is_empty(pool, i)) bytes += pool->slabs[i].size;
  return bytes;
}

static uint64_t sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* Most bytes of a new slab, once `closed` bytes of others are closed. */
static uint64_t new_slab(const struct tlw_pool *pool, uint64_t closed) {
  return least(pool->largest, align_down(sum(pool->source.available(pool->source.context), closed)));
}

static void close_slab(struct tlw_pool *pool, int slab) {
  const uint64_t size = pool->slabs[slab].size;
  pool->source.close(pool->source.context, &pool->slabs[slab]);
  pool->slabs[slab] = (struct tlw_slab){0};
  note(pool, TLW_OP_SLAB_CLOSE, size, TLW_OK);
}

static tlw_status open_slab(struct tlw_pool *pool, int slab, uint64_t size, tlw_error *error) {
  struct tlw_slab opened = {.size = size};
  const tlw_status status = pool->source.open(pool->source.context, size, &opened, error);
  if (status == TLW_OK) pool->slabs[slab] = opened;
  note(pool, TLW_OP_SLAB_OPEN, size, status);
  return status;
}

/* Of slab_size if that can be, by halves less, but not below size, where the driver has no more. */
static tlw_status open_slab_for(struct tlw_pool *pool, int slab, uint64_t size, tlw_error *error) {
  uint64_t wanted = most(size, least(pool->slab_size, new_slab(pool, 0)));
  for (;;) {
    const tlw_status status = open_slab(pool, slab, wanted, error);
    if (status != TLW_ERR_MEMORY || wanted == size) return status;
    wanted = most(size, align_down(wanted / 2));
  }
}

static tlw_status refuse_place(tlw_error *error) {
  return tlw_fail(error, TLW_ERR_MEMORY, "a pool has no place for more than %d slabs", TLW_POOL_SLABS);
}

tlw_status tlw_pool_reserve(struct tlw_pool *pool, uint64_t size, tlw_error *error) {
  const uint64_t bytes = align_up(size);
  const int slab = free_place(pool);
  if (slab < 0) return refuse_place(error);
  if (bytes > pool->largest)
    return tlw_fail(error, TLW_ERR_BUDGET, "a slab of %llu bytes is more than the %llu that one may have",
                    (unsigned long long)size, (unsigned long long)pool->largest);
  return open_slab(pool, slab, bytes, error);
}

/* Makes room among the slabs for a new one that holds a part of this size, and opens it. */
static tlw_status add_slab(struct tlw_pool *pool, uint64_t size, tlw_error *error) {
  const uint64_t limit = new_slab(pool, empty_bytes(pool));
  if (size > limit)
    return tlw_fail(error, TLW_ERR_BUDGET, "a part of %llu bytes is more than the %llu that a new slab may have",
                    (unsigned long long)size, (unsigned long long)limit);
  for (;;) {
    const int slab = free_place(pool), empty = empty_slab(pool);
    if (slab >= 0 && size <= new_slab(pool, 0)) return open_slab_for(pool, slab, size, error);
    if (empty < 0 && slab < 0) return refuse_place(error);
    if (empty < 0) break;
    close_slab(pool, empty);
  }
  return tlw_fail(error, TLW_ERR_BUDGET, "the budgets no longer leave the %llu bytes of a part",
                  (unsigned long long)size);
}

void tlw_pool_trim(struct tlw_pool *pool) {
  for (int i = 0; i < TLW_POOL_SLABS; i++)
    if (is_empty(pool, i)) close_slab(pool, i);
}

/* ---- parts ---- */

static uint64_t end_of(const struct tlw_pool_entry *entry) { return entry->offset + entry->size; }

/* The lowest gap of a slab for work, the highest for what is kept; a part is made at that end of it. */
static bool find_gap_in(const struct tlw_pool *pool, int slab, uint64_t size, enum tlw_pool_end end, struct gap *gap) {
  bool found = false;
  uint64_t begin = 0;
  int32_t previous = -1, next = pool->first[slab];
  for (;;) {
    const uint64_t stop = next < 0 ? pool->slabs[slab].size : pool->entries[next].offset;
    if (stop - begin >= size) {
      *gap = (struct gap){slab, previous, end == TLW_POOL_WORK ? begin : stop - size};
      found = true;
      if (end == TLW_POOL_WORK) break;
    }
    if (next < 0) break;
    begin = end_of(&pool->entries[next]);
    previous = next;
    next = pool->entries[next].next;
  }
  return found;
}

static bool find_gap(const struct tlw_pool *pool, uint64_t size, enum tlw_pool_end end, struct gap *gap) {
  for (int i = 0; i < TLW_POOL_SLABS; i++) {
    const int slab = end == TLW_POOL_WORK ? i : TLW_POOL_SLABS - 1 - i;
    if (is_open(pool, slab) && find_gap_in(pool, slab, size, end, gap)) return true;
  }
  return false;
}

static int32_t *link_after(struct tlw_pool *pool, int32_t slab, int32_t previous) {
  return previous < 0 ? &pool->first[slab] : &pool->entries[previous].next;
}

static uint64_t id_of(const struct tlw_pool *pool, int32_t index) {
  return pool->entries[index].generation << INDEX_BITS | (uint64_t)index;
}

static uint64_t make_part(struct tlw_pool *pool, const struct gap *gap, uint64_t bytes, uint64_t asked,
                          enum tlw_pool_end end) {
  const int32_t index = pool->free_entries;
  struct tlw_pool_entry *entry = &pool->entries[index];
  pool->free_entries = entry->next;
  int32_t *link = link_after(pool, gap->slab, gap->previous);
  *entry = (struct tlw_pool_entry){
      .generation = entry->generation + 1,
      .offset = gap->offset,
      .size = bytes,
      .asked = asked,
      .slab = gap->slab,
      .previous = gap->previous,
      .next = *link,
      .end = (int32_t)end,
  };
  if (*link >= 0) pool->entries[*link].previous = index;
  *link = index;
  if (end == TLW_POOL_KEPT) pool->n_kept++;
  tlw_gauge_add(&pool->in_use, bytes, UINT64_MAX);
  return id_of(pool, index);
}

static void drop_part(struct tlw_pool *pool, int32_t index) {
  struct tlw_pool_entry *entry = &pool->entries[index];
  *link_after(pool, entry->slab, entry->previous) = entry->next;
  if (entry->next >= 0) pool->entries[entry->next].previous = entry->previous;
  if (entry->end == TLW_POOL_KEPT) pool->n_kept--;
  entry->slab = -1;
  entry->next = pool->free_entries;
  pool->free_entries = index;
  tlw_gauge_sub(&pool->in_use, entry->size);
  note(pool, TLW_OP_POOL_FREE, entry->size, TLW_OK);
}

static tlw_status place_part(struct tlw_pool *pool, uint64_t size, enum tlw_pool_end end, struct gap *gap,
                             tlw_error *error) {
  if (pool->free_entries < 0)
    return tlw_fail(error, TLW_ERR_MEMORY, "a pool has no place for more than %d parts", TLW_POOL_PARTS);
  if (find_gap(pool, size, end, gap)) return TLW_OK;
  const tlw_status status = add_slab(pool, size, error);
  if (status != TLW_OK || find_gap(pool, size, end, gap)) return status;
  return tlw_fail(error, TLW_ERR_INTERNAL, "a new slab has no room for the part that it was opened for");
}

tlw_status tlw_pool_alloc(struct tlw_pool *pool, uint64_t size, enum tlw_pool_end end, uint64_t *id, tlw_error *error) {
  const uint64_t bytes = align_up(size);
  struct gap gap = {0};
  const tlw_status status = place_part(pool, bytes, end, &gap, error);
  *id = status == TLW_OK ? make_part(pool, &gap, bytes, size, end) : 0;
  note(pool, TLW_OP_POOL_ALLOC, bytes, status);
  return status;
}

/* Index of the entry, -1: the id is not, or no longer, one of a part. */
static int32_t entry_of(const struct tlw_pool *pool, uint64_t id) {
  const uint64_t index = id & ((UINT64_C(1) << INDEX_BITS) - 1);
  if (index >= TLW_POOL_PARTS) return -1;
  const struct tlw_pool_entry *entry = &pool->entries[index];
  return entry->slab >= 0 && entry->generation == id >> INDEX_BITS ? (int32_t)index : -1;
}

bool tlw_pool_find(const struct tlw_pool *pool, uint64_t id, struct tlw_part *part) {
  const int32_t index = entry_of(pool, id);
  if (index < 0) return false;
  const struct tlw_pool_entry *entry = &pool->entries[index];
  *part = (struct tlw_part){pool->slabs[entry->slab], entry->offset, entry->asked};
  return true;
}

bool tlw_pool_free(struct tlw_pool *pool, uint64_t id) {
  const int32_t index = entry_of(pool, id);
  if (index < 0) return false;
  drop_part(pool, index);
  return true;
}

uint64_t tlw_pool_rename(struct tlw_pool *pool, uint64_t id) {
  const int32_t index = entry_of(pool, id);
  if (index < 0) return 0;
  pool->entries[index].generation++;
  return id_of(pool, index);
}

/* The widest gap between parts that are kept; *kept: whether there are any. */
static uint64_t widest_gap(const struct tlw_pool *pool, int slab, bool *kept) {
  uint64_t widest = 0, begin = 0;
  *kept = false;
  for (int32_t i = pool->first[slab]; i >= 0; i = pool->entries[i].next) {
    const struct tlw_pool_entry *entry = &pool->entries[i];
    if (entry->end != TLW_POOL_KEPT) continue;
    widest = most(widest, entry->offset - begin);
    begin = end_of(entry);
    *kept = true;
  }
  return most(widest, pool->slabs[slab].size - begin);
}

uint64_t tlw_pool_room(const struct tlw_pool *pool) {
  if (pool->n_kept == TLW_POOL_PARTS) return 0;
  uint64_t widest = 0, closable = 0;
  bool may_open = free_place(pool) >= 0;
  for (int i = 0; i < TLW_POOL_SLABS; i++) {
    if (!is_open(pool, i)) continue;
    bool kept;
    widest = most(widest, widest_gap(pool, i, &kept));
    if (kept) continue;
    closable += pool->slabs[i].size;
    may_open = true;
  }
  return may_open ? most(widest, new_slab(pool, closable)) : widest;
}

void tlw_pool_clear(struct tlw_pool *pool) {
  for (int32_t i = 0; i < TLW_POOL_PARTS && pool->n_kept > 0; i++)
    if (pool->entries[i].slab >= 0 && pool->entries[i].end == TLW_POOL_KEPT) drop_part(pool, i);
}

void tlw_pool_close(struct tlw_pool *pool) {
  for (int32_t i = 0; i < TLW_POOL_PARTS; i++)
    if (pool->entries[i].slab >= 0) drop_part(pool, i);
  tlw_pool_trim(pool);
}
