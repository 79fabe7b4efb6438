#include "counter.h"

static void raise_peak(struct tlw_gauge *gauge, uint64_t n) {
  uint64_t peak = atomic_load_explicit(&gauge->peak, memory_order_relaxed);
  while (peak < n &&
         !atomic_compare_exchange_weak_explicit(&gauge->peak, &peak, n, memory_order_relaxed, memory_order_relaxed)) {
  }
}

bool tlw_gauge_add(struct tlw_gauge *gauge, uint64_t n, uint64_t limit) {
  uint64_t before = atomic_load_explicit(&gauge->current, memory_order_relaxed);
  do {
    if (n > limit || before > limit - n) return false;
  } while (!atomic_compare_exchange_weak_explicit(&gauge->current, &before, before + n, memory_order_relaxed,
                                                  memory_order_relaxed));
  raise_peak(gauge, before + n);
  atomic_fetch_add_explicit(&gauge->total, n, memory_order_relaxed);
  return true;
}

void tlw_gauge_sub(struct tlw_gauge *gauge, uint64_t n) {
  atomic_fetch_sub_explicit(&gauge->current, n, memory_order_relaxed);
}

void tlw_gauge_clear(struct tlw_gauge *gauge) {
  atomic_store_explicit(&gauge->total, 0, memory_order_relaxed);
  atomic_store_explicit(&gauge->peak, atomic_load_explicit(&gauge->current, memory_order_relaxed),
                        memory_order_relaxed);
  /* What was added meanwhile may have raised the peak before it was stored. */
  raise_peak(gauge, atomic_load_explicit(&gauge->current, memory_order_relaxed));
}

tlw_counter tlw_gauge_read(const struct tlw_gauge *gauge) {
  return (tlw_counter){
      .current = atomic_load_explicit(&gauge->current, memory_order_relaxed),
      .peak = atomic_load_explicit(&gauge->peak, memory_order_relaxed),
      .total = atomic_load_explicit(&gauge->total, memory_order_relaxed),
  };
}
