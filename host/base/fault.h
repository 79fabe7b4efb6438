/*
 * Planted failures, for tests: builds with TALLOW_FAULTS can make the Nth allocation, file operation or device call
 * fail. Other builds have nothing of this.
 */
#ifndef TALLOW_BASE_FAULT_H
#define TALLOW_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum tlw_fault_kind { TLW_FAULT_MEMORY, TLW_FAULT_FILE, TLW_FAULT_DEVICE, TLW_FAULT_KINDS };

#ifdef TALLOW_FAULTS

/* Whether this operation is to fail. Counts it. Thread-safe, like all of these. */
bool tlw_fault_strikes(enum tlw_fault_kind kind);

/*
 * The nth operation of this kind from now on fails, and with lasting every later one too. 0, or more than
 * TLW_FAULT_LAST: none does.
 */
#define TLW_FAULT_LAST ((UINT64_C(1) << 27) - 1)
void tlw_fault_plant(enum tlw_fault_kind kind, uint64_t nth, bool lasting);

/* Operations of this kind since the last plant, and how many of them were made to fail. */
uint64_t tlw_fault_count(enum tlw_fault_kind kind);
uint64_t tlw_fault_struck(enum tlw_fault_kind kind);

#else

static inline bool tlw_fault_strikes(enum tlw_fault_kind kind) {
  (void)kind;
  return false;
}

#endif

#endif
