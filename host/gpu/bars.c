#include "bars.h"

#include "host/base/error.h"
#include "kernels/bars_args.h"
#include "memory.h"
#include "room.h"
#include "sending.h"
#include "tallow/bars.h"

const char *const tlw_bars_kernel_names[TLW_BARS_KERNELS] = {"tlk_bars_join"};

/* Pieces of work have so many rows, and run by run as many parts as make an eighth of these. */
#define LEAST_ROWS 256
#define MOST_ROWS ((int64_t)1 << 20)
#define SLOTS 2
#define ALIGN ((uint64_t)TLW_POOL_ALIGN)

/* Columns in the order of their places in a slot. */
enum column { OPEN, HIGH, LOW, PRICE, QUANTITY, QUOTE, FIRST_ID, LAST_ID, COUNT, MAKER, COLUMNS };

/* A column of the caller; NULL: it is not needed. */
struct column_of_job {
  const void *data;
  uint64_t width;
};

/* Where what lies in a slot. */
struct places {
  int64_t rows, runs;
  uint64_t columns[COLUMNS];
  uint64_t runs_at, parts_at;
  uint64_t size;
};

/* A piece of work and its place. */
struct slot {
  struct tlw_ticket ticket;
  tlk_bars_run *runs;     /* of the piece in flight, on the host */
  int64_t n_runs;         /* 0: none is in flight */
  struct tlw_block parts; /* on the host */
  int64_t first, end;     /* rows */
  uint64_t offset;        /* in the slab */
};

struct work {
  struct tlw_backend_state *state;
  const struct tlw_bars_job *job;
  struct column_of_job columns[COLUMNS];
  struct places places;
  int n_slots;
  uint64_t part;
  struct tlw_slab slab;
  struct slot slots[SLOTS];
  int64_t next_part, next_row; /* what follows the last piece */
};

static uint64_t align(uint64_t size) { return (size + ALIGN - 1) / ALIGN * ALIGN; }

/* ---- columns ---- */

static void find_columns(struct work *w) {
  const tlw_trades *rows = w->job->rows;
  const uint32_t fields = w->job->fields;
  const bool is_bars = rows->open != NULL, quotes = is_bars && fields & TLW_BAR_QUOTE;
  const bool quantities = fields & TLW_BAR_VOLUME || (!is_bars && fields & TLW_BAR_QUOTE);
  const bool trades = fields & (TLW_BAR_IDS | TLW_BAR_SIDES);
  const void *const data[COLUMNS] = {
      [OPEN] = rows->open,
      [HIGH] = is_bars ? rows->high : NULL,
      [LOW] = is_bars ? rows->low : NULL,
      [PRICE] = rows->price,
      [QUANTITY] = quantities ? rows->quantity : NULL,
      [QUOTE] = quotes ? rows->quote : NULL,
      [FIRST_ID] = trades && !is_bars ? rows->first_id : NULL,
      [LAST_ID] = trades && !is_bars ? rows->last_id : NULL,
      [COUNT] = trades && is_bars ? rows->count : NULL,
      [MAKER] = fields & TLW_BAR_SIDES ? rows->is_buyer_maker : NULL,
  };
  for (int i = 0; i < COLUMNS; i++)
    w->columns[i] = (struct column_of_job){data[i], i == MAKER ? sizeof(uint8_t) : sizeof(int64_t)};
}

static uint32_t columns_there(const struct work *w) {
  uint32_t there = 0;
  if (w->columns[OPEN].data) there |= TLK_BARS_PRICES;
  if (w->columns[QUANTITY].data) there |= TLK_BARS_QUANTITIES;
  if (w->columns[QUOTE].data) there |= TLK_BARS_QUOTES;
  if (w->columns[FIRST_ID].data) there |= TLK_BARS_RANGES;
  if (w->columns[COUNT].data) there |= TLK_BARS_COUNTS;
  if (w->columns[MAKER].data) there |= TLK_BARS_MAKERS;
  return there;
}

/* ---- memory ---- */

static struct places places_of(const struct work *w, int64_t rows) {
  struct places places = {.rows = rows, .runs = rows / 8 + 8};
  for (int i = 0; i < COLUMNS; i++) {
    places.columns[i] = places.size;
    if (w->columns[i].data) places.size += align((uint64_t)rows * w->columns[i].width);
  }
  places.runs_at = places.size;
  places.size += align((uint64_t)places.runs * sizeof(tlk_bars_run));
  places.parts_at = places.size;
  places.size += align((uint64_t)places.runs * sizeof(tlk_bar_part));
  return places;
}

static uint64_t device_bytes(const struct places *places, int n_slots) { return (uint64_t)n_slots * places->size; }

static uint64_t runs_size(const struct places *places) { return (uint64_t)places->runs * sizeof(tlk_bars_run); }
static uint64_t parts_size(const struct places *places) { return (uint64_t)places->runs * sizeof(tlk_bar_part); }

static uint64_t host_bytes(const struct places *places, int n_slots) {
  return (uint64_t)n_slots * (tlw_memory_counted(runs_size(places)) + tlw_memory_counted(parts_size(places)));
}

static int64_t rows_of(const struct tlw_bars_job *job) { return job->ends[job->n_parts - 1] - job->begin; }

/* Two slots of as many rows as there is room for, or one of the least. */
static void plan(struct work *w, uint64_t limit) {
  const struct tlw_gpu_room room = tlw_gpu_room_of(w->state, limit);
  int64_t rows = rows_of(w->job) < MOST_ROWS ? rows_of(w->job) : MOST_ROWS;
  for (w->n_slots = SLOTS; w->n_slots > 0; rows /= 2) {
    if (rows < LEAST_ROWS) {
      rows = LEAST_ROWS;
      w->n_slots--;
    }
    w->places = places_of(w, rows);
    if (tlw_gpu_room_has(w->state, room, device_bytes(&w->places, w->n_slots), host_bytes(&w->places, w->n_slots)))
      break;
  }
  if (w->n_slots == 0) w->n_slots = 1; /* taking it will tell what is missing */
}

static tlw_status check_room(const struct work *w, tlw_error *error) {
  const struct places least = places_of(w, LEAST_ROWS);
  const uint64_t device = device_bytes(&least, 1), host = host_bytes(&least, 1);
  return tlw_gpu_room_check(w->state, device, host, device + host, "bars", error);
}

uint64_t tlw_gpu_bars_bytes(bool unified, int64_t rows, int64_t parts) {
  struct work w = {0};
  for (int i = 0; i < COLUMNS; i++) w.columns[i] = (struct column_of_job){&w, sizeof(int64_t)};
  const struct places places = places_of(&w, rows + 8 * parts < LEAST_ROWS ? LEAST_ROWS : rows + 8 * parts);
  return host_bytes(&places, SLOTS) + (unified ? device_bytes(&places, SLOTS) : 0);
}

static void give_back(struct work *w) {
  struct tlw_memory *memory = &w->state->services->memory;
  for (int i = 0; i < w->n_slots; i++) {
    tlw_gpu_staging_close(w->state, &w->slots[i].parts);
    if (w->slots[i].runs) tlw_memory_free(memory, w->slots[i].runs, runs_size(&w->places));
  }
  if (w->part) tlw_pool_free(&w->state->pool, w->part);
}

static tlw_status open_slot(struct work *w, struct slot *slot, tlw_error *error) {
  const tlw_status status = tlw_gpu_staging_open(w->state, &slot->parts, parts_size(&w->places), error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  slot->runs = tlw_memory_alloc(&w->state->services->memory, runs_size(&w->places), "bars", &failure);
  if (slot->runs) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

static tlw_status open_part(struct work *w, tlw_error *error) {
  struct tlw_pool *pool = &w->state->pool;
  const uint64_t size = device_bytes(&w->places, w->n_slots);
  const tlw_status status = tlw_pool_alloc(pool, size, TLW_POOL_WORK, &w->part, error);
  if (status == TLW_ERR_BUDGET) return tlw_gpu_memory_refuse(w->state, size, error);
  if (status != TLW_OK) return status;
  struct tlw_part part;
  tlw_pool_find(pool, w->part, &part);
  w->slab = part.slab;
  for (int i = 0; i < w->n_slots; i++) w->slots[i].offset = part.offset + (uint64_t)i * w->places.size;
  return TLW_OK;
}

static tlw_status take(struct work *w, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int i = 0; i < w->n_slots && status == TLW_OK; i++) status = open_slot(w, &w->slots[i], error);
  return status == TLW_OK ? open_part(w, error) : status;
}

/* ---- pieces ---- */

/* Cuts the next parts into runs, as many as a slot has room for. */
static void fill(struct work *w, struct slot *slot) {
  const struct tlw_bars_job *job = w->job;
  slot->first = w->next_row;
  slot->n_runs = 0;
  while (w->next_part < job->n_parts && slot->n_runs < w->places.runs) {
    const int64_t left = job->ends[w->next_part] - w->next_row;
    if (left <= 0) {
      w->next_part++;
      continue;
    }
    const int64_t room = slot->first + w->places.rows - w->next_row;
    if (room == 0) break;
    const int64_t most = room < TLK_BARS_RUN ? room : TLK_BARS_RUN;
    slot->runs[slot->n_runs++] = (tlk_bars_run){.begin = (int32_t)(w->next_row - slot->first),
                                                .count = (int32_t)(left < most ? left : most),
                                                .part = w->next_part};
    w->next_row += left < most ? left : most;
  }
  slot->end = w->next_row;
}

static tlk_bars_args args_of(const struct work *w, const struct slot *slot) {
  const struct places *places = &w->places;
  const uint64_t base = slot->offset;
  return (tlk_bars_args){
      .open = base + places->columns[OPEN],
      .high = base + places->columns[HIGH],
      .low = base + places->columns[LOW],
      .price = base + places->columns[PRICE],
      .quantity = base + places->columns[QUANTITY],
      .quote = base + places->columns[QUOTE],
      .first_id = base + places->columns[FIRST_ID],
      .last_id = base + places->columns[LAST_ID],
      .count = base + places->columns[COUNT],
      .maker = base + places->columns[MAKER],
      .runs = base + places->runs_at,
      .parts = base + places->parts_at,
      .fields = w->job->fields,
      .columns = columns_there(w),
  };
}

static tlw_status upload_all(const struct work *w, const struct slot *slot, const struct tlw_sending *sending,
                             tlw_error *error) {
  tlw_status status = tlw_send_upload(sending, slot->offset + w->places.runs_at, slot->runs,
                                      (uint64_t)slot->n_runs * sizeof(tlk_bars_run), error);
  for (int i = 0; i < COLUMNS && status == TLW_OK; i++) {
    const struct column_of_job *column = &w->columns[i];
    if (!column->data) continue;
    status = tlw_send_upload(sending, slot->offset + w->places.columns[i],
                             (const char *)column->data + (uint64_t)slot->first * column->width,
                             (uint64_t)(slot->end - slot->first) * column->width, error);
  }
  return status;
}

static tlw_status enqueue(const struct work *w, const struct slot *slot, const struct tlw_sending *sending,
                          tlw_error *error) {
  const tlk_bars_args args = args_of(w, slot);
  const uint64_t size = (uint64_t)slot->n_runs * sizeof(tlk_bar_part);
  const struct tlw_gpu_download copy = {.slab = &w->slab,
                                        .offset = args.parts,
                                        .pitch = size,
                                        .target = slot->parts.data,
                                        .target_pitch = size,
                                        .width = size,
                                        .rows = 1};
  tlw_status status = upload_all(w, slot, sending, error);
  if (status == TLW_OK) status = tlw_send_hand_over(sending, TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, error);
  if (status == TLW_OK)
    status = tlw_send_launch(sending, TLW_PROGRAM_BARS, TLW_BARS_JOIN, (uint32_t)slot->n_runs, TLK_BARS_LANES, &args,
                             sizeof args, error);
  if (status == TLW_OK) status = tlw_send_hand_over(sending, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK) status = tlw_send_download(sending, &copy, error);
  if (status == TLW_OK) status = tlw_flight_mark(w->state, sending->flight, TLW_GPU_DOWNLOAD, error);
  return status;
}

static tlw_status send(struct work *w, struct slot *slot, tlw_error *error) {
  struct tlw_sending sending = {.state = w->state, .slab = &w->slab};
  tlw_status status = tlw_flight_take(w->state, 0, &sending.flight, error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  status = enqueue(w, slot, &sending, &failure);
  if (status == TLW_OK) {
    tlw_flight_send(w->state, sending.flight, &slot->ticket);
    return TLW_OK;
  }
  status = tlw_flight_drop(w->state, sending.flight, &failure);
  if (error) *error = failure;
  return status;
}

/* Waits for the piece in a slot, if there is one, and joins its runs to their parts. */
static tlw_status receive(struct work *w, struct slot *slot, tlw_error *error) {
  if (slot->n_runs == 0) return TLW_OK;
  const tlw_status status = tlw_flights_wait(w->state, &slot->ticket, error);
  const tlk_bar_part *joined = slot->parts.data;
  for (int64_t i = 0; i < slot->n_runs && status == TLW_OK; i++) {
    tlk_bar_part *part = &w->job->parts[slot->runs[i].part];
    *part = tlk_bar_join(*part, joined[i]);
  }
  slot->n_runs = 0;
  return status;
}

static tlw_status run(struct work *w, tlw_error *error) {
  tlw_status status = take(w, error);
  int turn = 0;
  for (; status == TLW_OK; turn++) {
    struct slot *slot = &w->slots[turn % w->n_slots];
    status = receive(w, slot, error);
    if (status != TLW_OK) break;
    fill(w, slot);
    if (slot->n_runs == 0) break;
    status = send(w, slot, error);
    if (status != TLW_OK) slot->n_runs = 0;
  }
  for (int i = 1; i < w->n_slots && status == TLW_OK; i++)
    status = receive(w, &w->slots[(turn + i) % w->n_slots], error);
  /* After a failure what is still in flight writes to memory that goes. */
  if (status != TLW_OK) tlw_flights_finish(w->state, NULL);
  give_back(w);
  return status;
}

tlw_status tlw_gpu_bars(struct tlw_backend_state *state, const struct tlw_bars_job *job, uint64_t limit,
                        tlw_error *error) {
  struct work w = {.state = state, .job = job, .next_row = job->begin};
  for (int64_t i = 0; i < job->n_parts; i++) job->parts[i] = tlk_bar_none();
  if (job->n_parts == 0 || rows_of(job) == 0) return TLW_OK;
  find_columns(&w);
  tlw_status status = tlw_gpu_memory_reserve(state, error);
  if (status == TLW_OK) status = tlw_flights_finish(state, error);
  if (status != TLW_OK) return status;
  tlw_gpu_room_relieve(state);
  status = check_room(&w, error);
  if (status != TLW_OK) return status;
  plan(&w, limit);
  return run(&w, error);
}
