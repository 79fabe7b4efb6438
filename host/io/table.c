#include <inttypes.h>
#include <string.h>

#include "csv_reader.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/seam/backend.h"

struct tlw_table {
  struct tlw_memory *memory; /* or NULL */
  struct tlw_store store;
  struct tlw_symbols symbols;
  struct tlw_block offsets; /* of the series, if there are symbols */
  tlw_csv_report report;
  const void *lines[TLW_CSV_LINES_MAX];
  char names[TLW_CSV_LINES_MAX][TLW_TIME_NAME_SIZE]; /* of the lines */
  int32_t n_lines;
};

/* What the reader has held becomes the table's. */
static void take_rows(tlw_table *table, tlw_csv *csv) {
  table->store = csv->store;
  table->symbols = csv->symbols;
  table->offsets = csv->offsets;
  csv->store = (struct tlw_store){0};
  csv->symbols = (struct tlw_symbols){0};
  csv->offsets = (struct tlw_block){0};
  tlw_store_drop(&table->store, TLW_STORE_LINE);
  tlw_store_drop(&table->store, TLW_STORE_SERIES);
  tlw_symbols_seal(&table->symbols);
  tlw_csv_get_report(csv, &table->report);
  for (; table->n_lines < csv->n_drawn; table->n_lines++) {
    table->lines[table->n_lines] = table->store.columns[TLW_STORE_LINES + table->n_lines].data;
    memcpy(table->names[table->n_lines], csv->drawn[table->n_lines].name, TLW_TIME_NAME_SIZE);
  }
}

static tlw_status read_table(const char *path, const tlw_csv_options *options, struct tlw_memory *memory,
                             tlw_table **table, tlw_error *error) {
  tlw_csv *csv = NULL;
  tlw_status status = tlw_csv_begin(path, options, memory, &csv, error);
  if (status != TLW_OK) return status;
  tlw_table *t = tlw_heap_alloc(memory, sizeof *t, "the candles of a CSV file", error);
  if (t) {
    *t = (tlw_table){.memory = memory, .store.memory = memory, .symbols.memory = memory};
    status = tlw_csv_hold(csv);
    if (status == TLW_OK) {
      take_rows(t, csv);
    } else {
      *error = csv->error;
      tlw_table_close(&t);
    }
  } else {
    status = error->code;
  }
  tlw_csv_close(&csv);
  *table = t;
  return status;
}

tlw_status tlw_csv_read(const char *path, const tlw_csv_options *options, tlw_engine *engine, tlw_table **table,
                        tlw_error *error) {
  if (table) *table = NULL;
  if (!path || !table) return tlw_fail(error, TLW_ERR_ARGUMENT, "path and table must not be NULL");
  tlw_error failure;
  const tlw_status status = read_table(path, options, engine ? tlw_engine_memory(engine) : NULL, table, &failure);
  if (status != TLW_OK && error) *error = failure;
  return status;
}

void tlw_table_candles(const tlw_table *table, tlw_candles *candles) {
  const struct tlw_block *columns = table->store.columns;
  *candles = (tlw_candles){
      .struct_size = sizeof *candles,
      .open = columns[TLW_ROLE_OPEN].data,
      .high = columns[TLW_ROLE_HIGH].data,
      .low = columns[TLW_ROLE_LOW].data,
      .close = columns[TLW_ROLE_CLOSE].data,
      .volume = columns[TLW_ROLE_VOLUME].data,
      .time = columns[TLW_STORE_TIME].data,
      .n_rows = table->store.n_rows,
      .offsets = table->offsets.data,
      .n_series = table->offsets.data ? table->symbols.n : 1,
      .type = TLW_TYPE_F64,
      .lines = table->n_lines > 0 ? table->lines : NULL,
      .n_lines = table->n_lines,
  };
}

tlw_status tlw_table_add_line(tlw_table *table, double **line, tlw_error *error) {
  if (!table || !line) return tlw_fail(error, TLW_ERR_ARGUMENT, "table and line must not be NULL");
  if (table->n_lines == TLW_CSV_LINES_MAX)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the table has %d lines, and no table has more", TLW_CSV_LINES_MAX);
  const size_t size = (size_t)table->store.n_rows * sizeof **line;
  tlw_error failure;
  *line = tlw_heap_alloc(table->memory, size, "a line over candles", &failure);
  if (!*line && error) *error = failure;
  if (!*line) return failure.code;
  table->store.columns[TLW_STORE_LINES + table->n_lines] = (struct tlw_block){*line, size};
  table->lines[table->n_lines++] = *line;
  return TLW_OK;
}

const char *tlw_table_line_name(const tlw_table *table, int32_t index) {
  return index >= 0 && index < table->n_lines ? table->names[index] : NULL;
}

const char *tlw_table_symbol(const tlw_table *table, int64_t series) {
  return series >= 0 && series < table->symbols.n ? tlw_symbols_name(&table->symbols, series) : NULL;
}

void tlw_table_get_report(const tlw_table *table, tlw_csv_report *report) { *report = table->report; }

void tlw_table_close(tlw_table **table) {
  if (!table || !*table) return;
  tlw_table *t = *table;
  tlw_store_close(&t->store);
  tlw_symbols_close(&t->symbols);
  tlw_heap_free(t->memory, t->offsets.data, (size_t)t->offsets.size);
  tlw_heap_free(t->memory, t, sizeof *t);
  *table = NULL;
}
