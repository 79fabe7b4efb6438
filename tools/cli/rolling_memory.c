/* The memory of "tallow window": how many rows it works on at a time, and what --host-mem has to be. */
#include <inttypes.h>
#include <stdlib.h>

#include "report.h"
#include "rolling.h"

#define PIECE ((int64_t)1 << 16)        /* rows that are worked on at a time */
#define LEAST_PIECE ((int64_t)1 << 8)   /* where memory is short */
#define OWN_BYTES ((uint64_t)256 << 20) /* for pieces, where there is no --host-mem */
#define TEXT_BYTES 32                   /* of a label, in the middle */

/* Each piece goes over the rows that it looks back on once more: so many times as many rows make this little. */
#define LONG_PIECE 8

/* What an engine takes when it opens, and a reader for its lines and tables. */
#define ENGINE_BYTES ((uint64_t)3 << 19)
#define READER_BYTES ((uint64_t)1 << 20)
#define ZSTD_BYTES ((uint64_t)9 << 20) /* for what levels up to 19 look back on */

/* What windows are computed in: for each result, beside a state for each row of the longest, and in any case. */
#define TASK_BYTES 128
#define WINDOW_BYTES 16
#define SCRATCH_BYTES ((uint64_t)1 << 17)

#define SPARE_BYTES ((uint64_t)1 << 18)

/* ---- pieces ---- */

static uint64_t row_bytes(const rolling *r) {
  return ((uint64_t)r->most_columns + (uint64_t)r->most_results) * sizeof(double);
}

static uint64_t label_bytes(const rolling *r) { return (uint64_t)r->most_labels * (TEXT_BYTES + sizeof(size_t)); }

/* What does not depend on the piece, names of results and the list that they are compared in among it. */
static uint64_t firm_bytes(const rolling *r) {
  const uint64_t result =
      sizeof(rolling_result) + sizeof(tlw_window_spec) + sizeof(double *) + ROLLING_NAME_SIZE + sizeof(char *);
  return row_bytes(r) * (uint64_t)r->look_back + (uint64_t)r->most_results * result +
         (uint64_t)r->plan.tasks_room * sizeof(rolling_task) + (uint64_t)r->most_columns * 2 * sizeof(double *) +
         (uint64_t)r->most_labels * TLW_LABEL_SIZE + sizeof(cli_output);
}

static uint64_t own_bytes(const rolling *r, int64_t piece) {
  return firm_bytes(r) + (row_bytes(r) + label_bytes(r)) * (uint64_t)piece;
}

/* Rows of a piece, with so many bytes for all. */
static int64_t piece_of(const rolling *r, uint64_t bytes) {
  const int64_t longest = LONG_PIECE * r->look_back > PIECE ? LONG_PIECE * r->look_back : PIECE;
  const int64_t least =
      rolling_value(r, WINDOW_HOST_MEM)->given || r->look_back / 4 < LEAST_PIECE ? LEAST_PIECE : r->look_back / 4;
  const uint64_t firm = firm_bytes(r);
  const uint64_t fit = bytes > firm ? (bytes - firm) / (row_bytes(r) + label_bytes(r)) : 0;
  if (fit >= (uint64_t)longest) return longest;
  return fit > (uint64_t)least ? (int64_t)fit : least;
}

/* Of --host-mem pieces may have what an engine and a reader leave, half of it at most. */
static int64_t piece_within(const rolling *r, uint64_t host_mem) {
  const uint64_t others = ENGINE_BYTES + SPARE_BYTES + r->reader_bytes + r->state_bytes + r->scratch_bytes;
  const uint64_t left = host_mem > others ? host_mem - others : 0;
  return piece_of(r, left < host_mem / 2 ? left : host_mem / 2);
}

/* ---- what the library needs ---- */

static uint64_t reader_bytes(const rolling *r) {
  int any = 0;
  for (int i = 0; i < r->args->n_operands; i++) any |= cli_ends_in(r->args->operands[i], ".zst");
  return READER_BYTES + (any ? ZSTD_BYTES : 0);
}

/* Of averages that remember and running totals. */
static uint64_t state_bytes(const rolling *r) {
  uint64_t bytes = 0;
  for (int i = 0; i < r->plan.n_tasks; i++) {
    const tlw_window_spec *spec = &r->plan.tasks[i].spec;
    if (tlw_window_describe(spec->op)->remembers) bytes += tlw_window_state_size(spec);
  }
  return bytes * (uint64_t)(r->most_results / r->plan.n_tasks);
}

/* What windows are computed in on the CPU is little more than a state of the longest. */
static uint64_t scratch_bytes(const rolling *r) {
  uint64_t most = 0;
  for (int i = 0; i < r->plan.n_tasks; i++) {
    const tlw_window_spec *spec = &r->plan.tasks[i].spec;
    const uint64_t bytes = tlw_window_state_size(spec) + WINDOW_BYTES * (uint64_t)spec->window;
    if (!tlw_window_describe(spec->op)->remembers && bytes > most) most = bytes;
  }
  return (uint64_t)r->most_results * TASK_BYTES + most + SCRATCH_BYTES;
}

/* ---- the plan ---- */

static cli_exit count_columns(rolling *r) {
  for (int i = 0; i < r->args->n_operands; i++) {
    int32_t n;
    const cli_exit code = rolling_count_columns(r, r->args->operands[i], &n);
    if (code) return code;
    if (n > r->most_columns) r->most_columns = n;
  }
  if ((int64_t)r->most_columns * r->plan.n_tasks > TLW_WINDOW_SPECS_MAX)
    return cli_fail(CLI_USAGE, "%" PRId32 " columns with %d results each are more than %d: ask for fewer" SEE_HELP,
                    r->most_columns, r->plan.n_tasks, TLW_WINDOW_SPECS_MAX);
  return CLI_OK;
}

cli_exit rolling_memory_plan(rolling *r) {
  const cli_exit code = count_columns(r);
  if (code) return code;
  r->most_results = r->most_columns * r->plan.n_tasks;
  r->most_columns += r->plan.other != NULL;
  r->most_labels = r->plan.labels.n > 0 ? r->plan.labels.n : r->plan.keeps_none || r->writes_npy ? 0 : 2;
  r->look_back = rolling_plan_look_back(&r->plan);
  r->reader_bytes = reader_bytes(r);
  r->state_bytes = state_bytes(r);
  r->scratch_bytes = scratch_bytes(r);
  const cli_value *host_mem = rolling_value(r, WINDOW_HOST_MEM);
  r->piece = host_mem->given ? piece_within(r, host_mem->number) : piece_of(r, OWN_BYTES);
  r->own_bytes = own_bytes(r, r->piece);
  return CLI_OK;
}

uint64_t rolling_engine_bytes(const rolling *r) {
  const uint64_t host_mem = rolling_value(r, WINDOW_HOST_MEM)->number;
  return host_mem > r->own_bytes ? host_mem - r->own_bytes : 1;
}

cli_exit rolling_memory_take(rolling *r) {
  const size_t rows = (size_t)(r->look_back + r->piece);
  const size_t n_columns = (size_t)r->most_columns, n_results = (size_t)r->most_results;
  r->text_size = (size_t)r->most_labels * ((size_t)r->piece * TEXT_BYTES + TLW_LABEL_SIZE);
  r->memory = malloc((n_columns + n_results) * rows * sizeof *r->memory);
  r->columns = calloc(2 * n_columns, sizeof *r->columns);
  r->results = calloc(n_results, sizeof *r->results);
  r->specs = malloc(n_results * sizeof *r->specs);
  r->outputs = malloc(n_results * sizeof *r->outputs);
  r->text = malloc(r->text_size + 1);
  r->ends = malloc((size_t)r->most_labels * (size_t)r->piece * sizeof *r->ends + 1);
  r->output = calloc(1, sizeof *r->output);
  if (!r->memory || !r->columns || !r->results || !r->specs || !r->outputs || !r->text || !r->ends || !r->output)
    return cli_fail(CLI_NO_MEMORY, "no memory for %" PRId64 " rows of %zu columns", r->piece, n_columns + n_results);
  r->ahead = r->columns + n_columns;
  for (size_t i = 0; i < n_columns; i++) r->columns[i] = r->memory + i * rows;
  for (size_t i = 0; i < n_results; i++) r->results[i].values = r->memory + (n_columns + i) * rows;
  return CLI_OK;
}

void rolling_memory_free(rolling *r) {
  free(r->memory);
  free(r->columns);
  free(r->results);
  free(r->specs);
  free(r->outputs);
  free(r->text);
  free(r->ends);
  free(r->output);
}

/* ---- what a budget has to be ---- */

uint64_t rolling_enough(const rolling *r, uint64_t engine_bytes) {
  uint64_t needed = engine_bytes + SPARE_BYTES + r->reader_bytes + r->state_bytes + r->scratch_bytes;
  if (r->input.numbers || r->input.npy) needed -= r->reader_bytes;
  for (int32_t i = 0; i < r->n_results; i++)
    if (r->results[i].state) needed -= tlw_window_state_size(&r->results[i].spec);
  uint64_t enough = needed, own;
  while ((own = own_bytes(r, piece_within(r, enough))) + needed > enough) enough = own + needed;
  return enough;
}
