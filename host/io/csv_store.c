#include "csv_store.h"

#include <inttypes.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/heap.h"

#define CANDLES "the candles of a CSV file"
#define ITEM sizeof(int64_t)
#define SMALL 16 /* rows of most files until it is known that they need not be held */
#define FIRST_CAPACITY 4096

_Static_assert(sizeof(double) == ITEM, "all columns of a store grow alike");

void tlw_sink_put(const struct tlw_sink *sink, int64_t i, const struct tlw_row *row) {
  const tlw_csv_rows *rows = &sink->rows;
  rows->open[i] = row->numbers[TLW_ROLE_OPEN];
  rows->high[i] = row->numbers[TLW_ROLE_HIGH];
  rows->low[i] = row->numbers[TLW_ROLE_LOW];
  rows->close[i] = row->numbers[TLW_ROLE_CLOSE];
  if (rows->volume) rows->volume[i] = row->numbers[TLW_ROLE_VOLUME];
  if (rows->time) rows->time[i] = row->time;
  if (sink->line) sink->line[i] = row->line;
  if (sink->series) sink->series[i] = row->series;
  for (int32_t k = 0; k < sink->n_lines; k++)
    if (sink->lines[k]) sink->lines[k][i] = row->lines[k];
}

static void *at(const struct tlw_store *store, int column, int64_t row) {
  return store->columns[column].data ? (char *)store->columns[column].data + row * (int64_t)ITEM : NULL;
}

struct tlw_sink tlw_store_sink(const struct tlw_store *store, int64_t first) {
  struct tlw_sink sink;
  sink.rows = (tlw_csv_rows){.open = at(store, TLW_ROLE_OPEN, first),
                             .high = at(store, TLW_ROLE_HIGH, first),
                             .low = at(store, TLW_ROLE_LOW, first),
                             .close = at(store, TLW_ROLE_CLOSE, first),
                             .volume = at(store, TLW_ROLE_VOLUME, first),
                             .time = at(store, TLW_STORE_TIME, first),
                             .capacity = store->capacity - first};
  sink.line = at(store, TLW_STORE_LINE, first);
  sink.series = at(store, TLW_STORE_SERIES, first);
  for (sink.n_lines = 0; sink.n_lines < TLW_CSV_LINES_MAX && store->has[TLW_STORE_LINES + sink.n_lines]; sink.n_lines++)
    sink.lines[sink.n_lines] = at(store, TLW_STORE_LINES + sink.n_lines, first);
  return sink;
}

/* TLW_ERR_BUDGET unless all columns can grow, one after the other: each is there twice while it does. */
static tlw_status check_growth(const struct tlw_store *store, size_t size, tlw_error *error) {
  if (!store->memory) return TLW_OK;
  uint64_t n_columns = 0;
  for (int i = 0; i < TLW_STORE_COLUMNS; i++) n_columns += store->has[i];
  const uint64_t before = store->capacity ? tlw_memory_counted((uint64_t)store->capacity * ITEM) : 0;
  return tlw_memory_check(store->memory, n_columns * (tlw_memory_counted(size) - before) + before, CANDLES, error);
}

static tlw_status grow_columns(struct tlw_store *store, size_t size, tlw_error *error) {
  tlw_status status = check_growth(store, size, error);
  for (int i = 0; i < TLW_STORE_COLUMNS && status == TLW_OK; i++) {
    if (!store->has[i]) continue;
    struct tlw_block *column = &store->columns[i];
    void *grown = tlw_heap_grow(store->memory, column->data, (size_t)column->size, size, CANDLES, error);
    if (grown)
      *column = (struct tlw_block){grown, size};
    else
      status = error->code;
  }
  return status;
}

tlw_status tlw_store_grow(struct tlw_store *store, const char *name, tlw_error *error) {
  const bool fits = store->capacity <= (int64_t)(PTRDIFF_MAX / ITEM / 2);
  const int64_t capacity = !store->capacity                   ? SMALL
                           : store->capacity < FIRST_CAPACITY ? FIRST_CAPACITY
                                                              : 2 * store->capacity;
  const tlw_status status = fits ? grow_columns(store, (size_t)capacity * ITEM, error) : TLW_ERR_MEMORY;
  if (status == TLW_ERR_MEMORY)
    return tlw_fail(error, status, "%s: no memory for more than %" PRId64 " rows: read a smaller file", name,
                    store->n_rows);
  if (status == TLW_OK) store->capacity = capacity;
  return status;
}

void tlw_store_permute(struct tlw_store *store, const int64_t *order, int64_t n_rows, void *scratch) {
  int64_t *sorted = scratch;
  for (int i = 0; i < TLW_STORE_COLUMNS; i++) {
    int64_t *column = store->columns[i].data;
    if (!column) continue;
    for (int64_t row = 0; row < n_rows; row++) sorted[row] = column[order[row]];
    memcpy(column, sorted, (size_t)n_rows * ITEM);
  }
  store->n_rows = n_rows;
}

void tlw_store_reverse(struct tlw_store *store) {
  for (int i = 0; i < TLW_STORE_COLUMNS; i++) {
    int64_t *first = store->columns[i].data;
    if (!first) continue;
    for (int64_t *last = first + store->n_rows - 1; first < last; first++, last--) {
      const int64_t kept = *first;
      *first = *last;
      *last = kept;
    }
  }
}

void tlw_store_drop(struct tlw_store *store, int column) {
  struct tlw_block *dropped = &store->columns[column];
  tlw_heap_free(store->memory, dropped->data, (size_t)dropped->size);
  *dropped = (struct tlw_block){0};
  store->has[column] = false;
}

void tlw_store_close(struct tlw_store *store) {
  for (int i = 0; i < TLW_STORE_COLUMNS; i++) {
    tlw_heap_free(store->memory, store->columns[i].data, (size_t)store->columns[i].size);
    store->columns[i] = (struct tlw_block){0};
  }
  store->n_rows = store->capacity = 0;
}
