/* The known-answer self-test of the kernel of bars: the answers are those of its functions on the host, row by row. */
#include <string.h>

#include "bars.h"
#include "host/base/error.h"
#include "memory.h"
#include "selftest.h"
#include "tallow/bars.h"

#define ROWS TLW_SELFTEST_ROWS
#define PARTS 6
#define FIELDS (TLW_BAR_VOLUME | TLW_BAR_QUOTE | TLW_BAR_SIDES | TLW_BAR_IDS)

/* Some rows, none, one; what is more than a group has lanes. */
static const int64_t ends[PARTS] = {3, 3, 130, 131, 196, ROWS};

struct joining {
  int64_t open[ROWS], high[ROWS], low[ROWS], price[ROWS], quantity[ROWS], quote[ROWS];
  int64_t first_id[ROWS], last_id[ROWS], count[ROWS];
  uint8_t is_buyer_maker[ROWS];
  tlk_bar_part parts[PARTS], expected[PARTS];
};

/* Whole numbers of 1 to 2^most - 1, large and small. */
static int64_t number(uint64_t *state, int most) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)(*state >> (64 - most) >> (*state >> 20) % (unsigned)most) | 1;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void fill_columns(struct joining *j) {
  uint64_t state = 5;
  for (int i = 0; i < ROWS; i++) {
    j->open[i] = number(&state, 62);
    j->price[i] = number(&state, 62);
    j->high[i] = larger(larger(j->open[i], j->price[i]), number(&state, 63));
    j->low[i] = smaller(smaller(j->open[i], j->price[i]), number(&state, 40));
    j->quantity[i] = number(&state, 56);
    j->quote[i] = number(&state, 63);
    j->first_id[i] = number(&state, 60);
    j->last_id[i] = j->first_id[i] + number(&state, 31);
    j->count[i] = number(&state, 31);
    j->is_buyer_maker[i] = (uint8_t)(state >> 40 & 3);
  }
}

static tlw_trades rows_of(const struct joining *j, bool bars) {
  tlw_trades rows = {.struct_size = sizeof rows, .n_rows = ROWS, .price = j->price, .quantity = j->quantity};
  if (!bars) {
    rows.first_id = j->first_id;
    rows.last_id = j->last_id;
    rows.is_buyer_maker = j->is_buyer_maker;
    return rows;
  }
  rows.open = j->open;
  rows.high = j->high;
  rows.low = j->low;
  rows.quote = j->quote;
  rows.count = j->count;
  return rows;
}

static tlk_bar_part expected_row(const struct joining *j, bool bars, int64_t i) {
  const uint64_t price = (uint64_t)j->price[i], quantity = (uint64_t)j->quantity[i];
  const tlk_bar_row row = {
      .open = bars ? j->open[i] : j->price[i],
      .high = bars ? j->high[i] : j->price[i],
      .low = bars ? j->low[i] : j->price[i],
      .close = j->price[i],
      .quantity = j->quantity[i],
      .trades = bars ? j->count[i] : j->last_id[i] - j->first_id[i] + 1,
      .quote = bars ? tlk_u128_product((uint64_t)j->quote[i], TLK_DECIMAL_ONE) : tlk_u128_product(price, quantity),
      .is_buy = !bars && !j->is_buyer_maker[i],
  };
  return tlk_bar_of_row(row, FIELDS);
}

static void expect(struct joining *j, bool bars) {
  int64_t row = 0;
  for (int k = 0; k < PARTS; k++) {
    j->expected[k] = tlk_bar_none();
    for (; row < ends[k]; row++) j->expected[k] = tlk_bar_join(j->expected[k], expected_row(j, bars, row));
  }
}

static tlw_status join_and_compare(struct tlw_backend_state *state, struct joining *j, tlw_error *error) {
  fill_columns(j);
  for (int bars = 0; bars < 2; bars++) {
    const tlw_trades rows = rows_of(j, bars);
    const struct tlw_bars_job job = {
        .rows = &rows, .fields = FIELDS, .begin = 0, .ends = ends, .n_parts = PARTS, .parts = j->parts};
    memset(j->parts, 0xa5, sizeof j->parts);
    expect(j, bars);
    const tlw_status status = tlw_gpu_bars(state, &job, UINT64_MAX, error);
    if (status != TLW_OK) return status;
    if (memcmp(j->parts, j->expected, sizeof j->parts) != 0)
      return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                      "the device joins trades otherwise than it should (self-test of the kernel of bars): update its "
                      "driver");
  }
  return TLW_OK;
}

uint64_t tlw_gpu_selftest_bars_bytes(bool unified) {
  return tlw_memory_counted(sizeof(struct joining)) + tlw_gpu_bars_bytes(unified, ROWS, PARTS);
}

tlw_status tlw_gpu_selftest_bars(struct tlw_backend_state *state, tlw_error *error) {
  struct tlw_memory *memory = &state->services->memory;
  tlw_error failure;
  struct joining *joining = tlw_memory_alloc(memory, sizeof *joining, "the self-test", &failure);
  if (!joining) {
    if (error) *error = failure;
    return failure.code;
  }
  tlw_status status = join_and_compare(state, joining, error);
  tlw_memory_free(memory, joining, sizeof *joining);
  if (status == TLW_OK) status = tlw_gpu_memory_trim(state, false, error);
  return status;
}
