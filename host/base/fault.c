#include "fault.h"

#ifdef TALLOW_FAULTS

#include <stdatomic.h>

/*
 * All of a kind in one word, so that an operation beside a plant is either before it or after it: operations since the
 * plant in the low bits, the one that fails above them, and whether later ones do too.
 */
#define COUNT_BITS 36
#define COUNT(word) ((word) & ((UINT64_C(1) << COUNT_BITS) - 1))
#define NTH(word) ((word) >> COUNT_BITS & TLW_FAULT_LAST)
#define LASTING (UINT64_C(1) << 63)

static _Atomic uint64_t words[TLW_FAULT_KINDS];

static uint64_t read(enum tlw_fault_kind kind) { return atomic_load_explicit(&words[kind], memory_order_relaxed); }

bool tlw_fault_strikes(enum tlw_fault_kind kind) {
  const uint64_t word = atomic_fetch_add_explicit(&words[kind], 1, memory_order_relaxed);
  const uint64_t count = COUNT(word) + 1, nth = NTH(word);
  return nth && (count == nth || (count > nth && (word & LASTING)));
}

void tlw_fault_plant(enum tlw_fault_kind kind, uint64_t nth, bool lasting) {
  if (nth > TLW_FAULT_LAST) nth = 0;
  atomic_store_explicit(&words[kind], nth << COUNT_BITS | (lasting ? LASTING : 0), memory_order_relaxed);
}

uint64_t tlw_fault_count(enum tlw_fault_kind kind) { return COUNT(read(kind)); }

uint64_t tlw_fault_struck(enum tlw_fault_kind kind) {
  const uint64_t word = read(kind), count = COUNT(word), nth = NTH(word);
  if (nth == 0 || count < nth) return 0;
  return word & LASTING ? count - nth + 1 : 1;
}

#endif
