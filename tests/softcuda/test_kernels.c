/* Kernels for the driver's own test: some right, some wrong on purpose. */
#define TLK_HOST_KERNELS
#include "test_kernels.h"
#include "../../kernels/dialect.h"
#include "driver.h"
#include "sanitize.h"

enum { SCAN_LANES = 256 };

TLK_FN tlk_u32 global_lane(softcuda_test_args a) { return TLK_GROUP() * a.lanes + TLK_LANE(); }

/* out[i] = value */
TLK_KERNEL(softcuda_fill, softcuda_test_args) {
  if (global_lane(a) < a.count) TLK_AT(tlk_u32, m, a.out)[global_lane(a)] = a.value;
}

/* out[i] = in[i] + value */
TLK_KERNEL(softcuda_add, softcuda_test_args) {
  const tlk_u32 i = global_lane(a);
  if (i < a.count) TLK_AT(tlk_u32, m, a.out)[i] = TLK_AT(tlk_u32, m, a.in)[i] + a.value;
}

/* out[i] = the sum of in up to i, within each block of up to SCAN_LANES lanes */
TLK_KERNEL(softcuda_scan, softcuda_test_args) {
  TLK_SHARED(tlk_u32, sums, SCAN_LANES);
  const tlk_u32 lane = TLK_LANE();
  sums[lane] = TLK_AT(tlk_u32, m, a.in)[global_lane(a)];
  TLK_BARRIER();
  for (tlk_u32 distance = 1; distance < a.lanes; distance *= 2) {
    const tlk_u32 left = lane >= distance ? sums[lane - distance] : 0;
    TLK_BARRIER();
    sums[lane] += left;
    TLK_BARRIER();
  }
  TLK_AT(tlk_u32, m, a.out)[global_lane(a)] = sums[lane];
}

/* out[i] = how many lanes of all blocks ran before */
SC_NO_TSAN TLK_KERNEL(softcuda_order, softcuda_test_args) {
  tlk_u32 *counter = TLK_AT(tlk_u32, m, a.in);
  TLK_AT(tlk_u32, m, a.out)[global_lane(a)] = (*counter)++;
}

/* Wrong: one byte, wherever it may be. */
SC_NO_ASAN TLK_KERNEL(softcuda_poke, softcuda_test_args) {
  if (global_lane(a) == 0) *(tlk_u8 *)((uintptr_t)m + a.out) = (tlk_u8)a.value;
}

/* Wrong: reads shared memory before it writes it, which shows that it is poisoned for each block. */
TLK_KERNEL(softcuda_unset, softcuda_test_args) {
  TLK_SHARED(tlk_u32, values, SCAN_LANES);
  TLK_AT(tlk_u32, m, a.out)[global_lane(a)] = values[TLK_LANE()];
  values[TLK_LANE()] = a.value;
}

/* Wrong: reads what another lane wrote, with no barrier between. */
TLK_KERNEL(softcuda_race, softcuda_test_args) {
  TLK_SHARED(tlk_u32, values, SCAN_LANES);
  values[TLK_LANE()] = a.value;
  TLK_AT(tlk_u32, m, a.out)[global_lane(a)] = values[TLK_LANE() ^ 1];
}

/* Wrong: one byte beyond shared memory. */
SC_NO_ASAN TLK_KERNEL(softcuda_spill, softcuda_test_args) {
  (void)m;
  TLK_SHARED(tlk_u8, bytes, 5);
  if (global_lane(a) == 0) bytes[5] = (tlk_u8)a.value;
}

/* Wrong: the lanes below value don't come to the barrier. */
TLK_KERNEL(softcuda_diverge, softcuda_test_args) {
  (void)m;
  TLK_SHARED(tlk_u32, values, SCAN_LANES);
  if (TLK_LANE() < SCAN_LANES) values[TLK_LANE()] = 0;
  if (TLK_LANE() >= a.value) TLK_BARRIER();
}

/* Wrong: its table entry denies the barrier. */
TLK_KERNEL(softcuda_liar, softcuda_test_args) {
  (void)a, (void)m;
  TLK_BARRIER();
}

/* Wrong: more shared memory than a block has. */
TLK_KERNEL(softcuda_greedy, softcuda_test_args) {
  TLK_SHARED(tlk_u8, bytes, 49153);
  bytes[0] = TLK_AT(tlk_u8, m, a.in)[0];
}

/* Wrong: lanes disagree on their shared memory. */
TLK_KERNEL(softcuda_disagree, softcuda_test_args) {
  (void)m;
  TLK_SHARED(tlk_u8, bytes, a.value + TLK_LANE());
  (void)bytes;
}

#define KERNEL(name, barriers)                                                                                         \
  { #name, name, sizeof(softcuda_test_args), barriers }

const sc_kernel sc_test_kernels[] = {
    KERNEL(softcuda_fill, false),  KERNEL(softcuda_add, false),    KERNEL(softcuda_scan, true),
    KERNEL(softcuda_order, false), KERNEL(softcuda_poke, false),   KERNEL(softcuda_unset, true),
    KERNEL(softcuda_race, true),   KERNEL(softcuda_spill, true),   KERNEL(softcuda_diverge, true),
    KERNEL(softcuda_liar, false),  KERNEL(softcuda_greedy, false), KERNEL(softcuda_disagree, true),
};

const size_t sc_test_kernel_count = sizeof sc_test_kernels / sizeof *sc_test_kernels;
