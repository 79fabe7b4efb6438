#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "sanitize.h"

/*
 * A page of guard bytes, the memory, and a page or more of guard bytes. Fresh memory reads as POISON within EDGE
 * bytes of either end: its pages are private copies of one poisoned file. What lies between is empty pages, so that a
 * slab of many GiB costs a few maps, and no memory until it is written. Freed memory becomes inaccessible, and its
 * addresses stay taken for a while.
 */
enum { GUARD = 0xE7, POISON = 0xDB, POISON_FILE_SIZE = 1 << 22, EDGE = 8 * POISON_FILE_SIZE, GRAVES = 64 };

struct sc_allocation {
  sc_allocation *next;
  unsigned char *map, *start;
  size_t mapped, size;
};

typedef struct grave {
  void *map;
  size_t mapped;
} grave;

static grave graves[GRAVES];
static unsigned next_grave;
static int poison_file = -1;

/* ---- maps ---- */

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static bool open_poison_file(void) {
  if (poison_file >= 0) return true;
  const int file = memfd_create("softcuda poison", MFD_CLOEXEC);
  if (file < 0) return false;
  void *map = MAP_FAILED;
  if (ftruncate(file, POISON_FILE_SIZE) == 0)
    map = mmap(NULL, POISON_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) {
    close(file);
    return false;
  }
  memset(map, POISON, POISON_FILE_SIZE);
  munmap(map, POISON_FILE_SIZE);
  poison_file = file;
  return true;
}

static bool poison(unsigned char *start, size_t size) {
  for (size_t at = 0; at < size; at += POISON_FILE_SIZE) {
    const size_t part = size - at < POISON_FILE_SIZE ? size - at : POISON_FILE_SIZE;
    if (mmap(start + at, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, poison_file, 0) ==
        MAP_FAILED)
      return false;
  }
  return true;
}

/* NULL when out of memory. */
static unsigned char *map_poison(size_t size) {
  if (!open_poison_file()) return NULL;
  unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return NULL;
  madvise(map, size, MADV_NOHUGEPAGE); /* a byte that is touched is to cost a page, not a huge one */
  const size_t front = size < EDGE ? size : EDGE, back = size - front < EDGE ? size - front : EDGE;
  if (poison(map, front) && poison(map + size - back, back)) return map;
  munmap(map, size);
  return NULL;
}

static void dig_up(grave *g) {
  if (g->map != NULL) munmap(g->map, g->mapped);
  g->map = NULL;
}

/* The oldest freed range is given back in exchange. */
static void bury(void *map, size_t mapped) {
  if (mmap(map, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
    munmap(map, mapped);
    return;
  }
  dig_up(&graves[next_grave]);
  graves[next_grave] = (grave){map, mapped};
  next_grave = (next_grave + 1) % GRAVES;
}

/* ---- allocations ---- */

typedef struct zone {
  unsigned char *start;
  size_t size;
} zone;

static zone front_guard(const sc_allocation *a) { return (zone){a->map, (size_t)(a->start - a->map)}; }

static zone back_guard(const sc_allocation *a) { return (zone){a->start + a->size, a->mapped - page_size() - a->size}; }

static void allow(zone z) { SC_ALLOW(z.start, z.size); }

static void set_guard(zone z) {
  allow(z);
  memset(z.start, GUARD, z.size);
  SC_FORBID(z.start, z.size);
}

/* The first byte that is no guard byte, or the zone's size. */
SC_NO_ASAN static size_t damage(zone z) {
  size_t i = 0;
  while (i < z.size && z.start[i] == GUARD) ++i;
  return i;
}

/* Appends to the list. NULL when out of memory. */
static sc_allocation *allocate(sc_allocation **list, size_t size) {
  sc_allocation *a = malloc(sizeof *a);
  if (a == NULL) return NULL;
  const size_t page = page_size();
  a->size = size;
  a->mapped = (size + 3 * page - 1) / page * page;
  a->map = map_poison(a->mapped);
  if (a->map == NULL) {
    free(a);
    return NULL;
  }
  a->start = a->map + page;
  set_guard(front_guard(a));
  set_guard(back_guard(a));
  a->next = *list;
  *list = a;
  return a;
}

/* The allocation that *link points at. Returns its size. */
static size_t release(sc_allocation **link) {
  sc_allocation *a = *link;
  const size_t size = a->size;
  *link = a->next;
  allow(front_guard(a));
  allow(back_guard(a));
  bury(a->map, a->mapped);
  free(a);
  return size;
}

static sc_allocation **find(sc_allocation **list, uintptr_t start) {
  while (*list != NULL && (uintptr_t)(*list)->start != start) list = &(*list)->next;
  return list;
}

static bool holds(const sc_allocation *a, uintptr_t start, size_t bytes) {
  const uintptr_t own = (uintptr_t)a->start;
  return start >= own && start - own <= a->size && bytes <= a->size - (start - own);
}

bool sc_memory_holds(const sc_context *context, cu_pointer pointer, size_t bytes) {
  for (const sc_allocation *a = context->allocations; a != NULL; a = a->next)
    if (holds(a, pointer, bytes)) return true;
  return false;
}

/* Memory that one context locked is locked to all. */
sc_locking sc_memory_locking(uintptr_t start, size_t bytes) {
  for (int i = 0; i < SC_MAX_DEVICES; ++i)
    for (const sc_allocation *a = sc.contexts[i].host_allocations; a != NULL; a = a->next) {
      if (holds(a, start, bytes)) return SC_LOCKED;
      const uintptr_t own = (uintptr_t)a->start;
      if (start < own + a->size && (start >= own || bytes > own - start)) return SC_STRADDLING;
    }
  return SC_PAGEABLE;
}

static void device_release(sc_context *context, sc_allocation **link) {
  const size_t size = release(link);
  context->allocated -= size;
  sc.stats.memory_current -= size;
  --sc.stats.allocations;
}

static void host_release(sc_allocation **link) {
  const size_t size = release(link);
  sc.stats.host_current -= size;
  --sc.stats.host_allocations;
}

/* ---- guards ---- */

static bool check_guard(const sc_allocation *a, zone z, const char *when) {
  const size_t at = damage(z);
  if (at == z.size) return true;
  sc_report("%s: a guard byte of %zu bytes at %p is damaged, at offset %td", when, a->size, (void *)a->start,
            z.start + at - a->start);
  set_guard(z);
  ++sc.stats.guard_violations;
  return false;
}

static bool check_guards(const sc_allocation *list, const char *when) {
  bool good = true;
  for (const sc_allocation *a = list; a != NULL; a = a->next) {
    good = check_guard(a, front_guard(a), when) && good;
    good = check_guard(a, back_guard(a), when) && good;
  }
  return good;
}

void sc_memory_check(sc_context *context, const char *when) {
  const bool device = check_guards(context->allocations, when), host = check_guards(context->host_allocations, when);
  if (!device || !host) sc_context_fail(context, CU_ILLEGAL_ADDRESS);
}

void sc_memory_release(sc_context *context) {
  while (context->allocations != NULL) device_release(context, &context->allocations);
  while (context->host_allocations != NULL) host_release(&context->host_allocations);
}

void sc_memory_end(void) {
  for (unsigned i = 0; i < GRAVES; ++i) dig_up(&graves[i]);
  if (poison_file >= 0) close(poison_file);
  poison_file = -1;
}

/* ---- the API ---- */

cu_result cuMemGetInfo_v2(size_t *available, size_t *total) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemGetInfo_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS && (available == NULL || total == NULL)) result = CU_INVALID_VALUE;
  if (result == CU_SUCCESS) {
    const uint64_t memory = sc.config.memory;
    *total = memory;
    *available = memory > context->allocated ? memory - context->allocated : 0;
  }
  return sc_leave(result);
}

static cu_result memory_alloc(sc_context *context, cu_pointer *pointer, size_t bytes) {
  if (pointer == NULL || bytes == 0) return CU_INVALID_VALUE;
  const uint64_t memory = sc.config.memory;
  if (context->allocated > memory || bytes > memory - context->allocated) return CU_OUT_OF_MEMORY;
  const sc_allocation *a = allocate(&context->allocations, bytes);
  if (a == NULL) return CU_OUT_OF_MEMORY;
  struct softcuda_stats *s = &sc.stats;
  uint64_t *device_peak = &sc.device_peak[context->device];
  context->allocated += bytes;
  s->memory_current += bytes;
  s->memory_total += bytes;
  ++s->allocations;
  if (s->memory_current > s->memory_peak) s->memory_peak = s->memory_current;
  if (context->allocated > *device_peak) *device_peak = context->allocated;
  *pointer = (uintptr_t)a->start;
  return CU_SUCCESS;
}

cu_result cuMemAlloc_v2(cu_pointer *pointer, size_t bytes) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemAlloc_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = memory_alloc(context, pointer, bytes);
  return sc_leave(result);
}

static cu_result memory_free(sc_context *context, cu_pointer pointer) {
  if (*find(&context->allocations, pointer) == NULL) return CU_INVALID_VALUE;
  sc_stream_drain(context);
  sc_memory_check(context, "when memory was freed");
  sc_allocation **link = find(&context->allocations, pointer);
  if (context->error == CU_SUCCESS && *link != NULL) device_release(context, link);
  return context->error;
}

cu_result cuMemFree_v2(cu_pointer pointer) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemFree_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = memory_free(context, pointer);
  return sc_leave(result);
}

static cu_result host_alloc(sc_context *context, void **pointer, size_t bytes, unsigned flags) {
  enum { ALL_FLAGS = 7 };
  if (pointer == NULL || bytes == 0 || flags > ALL_FLAGS) return CU_INVALID_VALUE;
  if (bytes > PTRDIFF_MAX / 2) return CU_OUT_OF_MEMORY;
  const sc_allocation *a = allocate(&context->host_allocations, bytes);
  if (a == NULL) return CU_OUT_OF_MEMORY;
  struct softcuda_stats *s = &sc.stats;
  s->host_current += bytes;
  ++s->host_allocations;
  if (s->host_current > s->host_peak) s->host_peak = s->host_current;
  *pointer = a->start;
  return CU_SUCCESS;
}

cu_result cuMemHostAlloc(void **pointer, size_t bytes, unsigned flags) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemHostAlloc, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = host_alloc(context, pointer, bytes, flags);
  return sc_leave(result);
}

static cu_result host_free(sc_context *context, uintptr_t start) {
  const sc_allocation *a = *find(&context->host_allocations, start);
  if (a == NULL) return CU_INVALID_VALUE;
  if (sc_stream_hangs(context)) sc_never();
  sc_stream_fail_users(a->start, a->size);
  sc_stream_drain(context);
  sc_memory_check(context, "when page-locked memory was freed");
  sc_allocation **link = find(&context->host_allocations, start);
  if (context->error == CU_SUCCESS && *link != NULL) host_release(link);
  return context->error;
}

cu_result cuMemFreeHost(void *pointer) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemFreeHost, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = host_free(context, (uintptr_t)pointer);
  return sc_leave(result);
}
