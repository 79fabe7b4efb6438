#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "sanitize.h"

/*
 * A page of guard bytes, the memory, and a page or more of guard bytes. Fresh memory reads as POISON: its pages are
 * private copies of one poisoned file, so that a slab of a GiB costs nothing until it is written. Freed memory becomes
 * inaccessible, and its addresses stay taken for a while.
 */
enum { GUARD = 0xE7, POISON = 0xDB, POISON_FILE_SIZE = 1 << 22, GRAVES = 64 };

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

/* NULL when out of memory. */
static unsigned char *map_poison(size_t size) {
  if (!open_poison_file()) return NULL;
  unsigned char *map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return NULL;
  for (size_t at = 0; at < size; at += POISON_FILE_SIZE) {
    const size_t part = size - at < POISON_FILE_SIZE ? size - at : POISON_FILE_SIZE;
    if (mmap(map + at, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, poison_file, 0) ==
        MAP_FAILED) {
      munmap(map, size);
      return NULL;
    }
  }
  return map;
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

static sc_allocation *allocate(sc_context *context, size_t size) {
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
  a->next = context->allocations;
  context->allocations = a;
  context->allocated += size;
  sc.stats.memory_current += size;
  sc.stats.memory_total += size;
  if (sc.stats.memory_current > sc.stats.memory_peak) sc.stats.memory_peak = sc.stats.memory_current;
  ++sc.stats.allocations;
  return a;
}

/* The allocation that *link points at. */
static void release(sc_context *context, sc_allocation **link) {
  sc_allocation *a = *link;
  *link = a->next;
  allow(front_guard(a));
  allow(back_guard(a));
  bury(a->map, a->mapped);
  context->allocated -= a->size;
  sc.stats.memory_current -= a->size;
  --sc.stats.allocations;
  free(a);
}

bool sc_memory_holds(const sc_context *context, cu_pointer pointer, size_t bytes) {
  for (const sc_allocation *a = context->allocations; a != NULL; a = a->next) {
    const cu_pointer start = (uintptr_t)a->start;
    if (pointer >= start && pointer - start <= a->size && bytes <= a->size - (pointer - start)) return true;
  }
  return false;
}

static bool check_guard(const sc_allocation *a, zone z, const char *when) {
  const size_t at = damage(z);
  if (at == z.size) return true;
  sc_report("%s: a guard byte of %zu bytes at %p is damaged, at offset %td", when, a->size, (void *)a->start,
            z.start + at - a->start);
  set_guard(z);
  ++sc.stats.guard_violations;
  return false;
}

void sc_memory_check(sc_context *context, const char *when) {
  bool good = true;
  for (const sc_allocation *a = context->allocations; a != NULL; a = a->next) {
    good = check_guard(a, front_guard(a), when) && good;
    good = check_guard(a, back_guard(a), when) && good;
  }
  if (!good) sc_context_fail(context, CU_ILLEGAL_ADDRESS);
}

void sc_memory_release(sc_context *context) {
  while (context->allocations != NULL) release(context, &context->allocations);
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
  const sc_allocation *a = allocate(context, bytes);
  if (a == NULL) return CU_OUT_OF_MEMORY;
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
  sc_allocation **link = &context->allocations;
  while (*link != NULL && (uintptr_t)(*link)->start != pointer) link = &(*link)->next;
  if (*link == NULL) return CU_INVALID_VALUE;
  sc_stream_drain(context);
  sc_memory_check(context, "when memory was freed");
  if (context->error == CU_SUCCESS) release(context, link);
  return context->error;
}

cu_result cuMemFree_v2(cu_pointer pointer) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuMemFree_v2, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = memory_free(context, pointer);
  return sc_leave(result);
}
