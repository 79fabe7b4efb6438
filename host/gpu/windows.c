#include "windows.h"

#include <string.h>

#include "host/base/error.h"
#include "memory.h"
#include "room.h"
#include "sending.h"
#include "windows_tables.h"

/* In the order of enum tlw_window_kernel. */
const char *const tlw_window_kernel_names[TLW_WINDOW_KERNELS] = {
    "tlk_fold_sum",           "tlk_fold_most",        "tlk_fold_most_row",       "tlk_fold_moments",
    "tlk_fold_higher",        "tlk_fold_cross",       "tlk_fold_weighted",       "tlk_fold_ends",
    "tlk_chain_sum",          "tlk_chain_most",       "tlk_chain_most_row",      "tlk_chain_moments",
    "tlk_chain_higher",       "tlk_chain_cross",      "tlk_chain_weighted",      "tlk_chain_ends",
    "tlk_join_sum",           "tlk_join_most",        "tlk_join_most_row",       "tlk_join_moments",
    "tlk_join_higher",        "tlk_join_cross",       "tlk_join_weighted",       "tlk_join_ends",
    "tlk_window_order",       "tlk_scan_ends_linear", "tlk_scan_ends_adjusted",  "tlk_scan_ends_total",
    "tlk_scan_stretch",       "tlk_scan_carry_on",    "tlk_scan_results_linear", "tlk_scan_results_adjusted",
    "tlk_scan_results_total",
};

/* The smallest piece of work, and one that is worth while beside others. */
#define LEAST_ROWS 256
#define DECENT_ROWS 4096

/*
 * Rows of a piece times their window, where each row is sorted out by itself: so few that a slow device is done with
 * them long before it is taken for one that hangs.
 */
#define ORDER_WORK ((int64_t)1 << 29)

/* Pieces are not larger than this on the host, so that copies run beside work. */
#define MOST_STAGING ((uint64_t)16 << 20)
#define SLOTS 2

/* A piece of work and its place. */
struct slot {
  struct tlw_ticket ticket;
  struct tlw_window_piece piece; /* in flight; end 0: none */
  struct tlw_window_table table;
  struct tlw_block staging;
  uint64_t offset; /* in the slab */
};

/* How a group of tasks is done. */
struct plan {
  struct tlw_window_slot slot;
  int32_t n_slots;
};

struct work {
  struct tlw_backend_state *state;
  const struct tlw_window_job *job;
  struct tlw_window_group group;
  struct plan plan;
  uint64_t part;
  struct tlw_slab slab;
  uint64_t carry; /* in the slab */
  uint32_t turn;  /* counts pieces */
  struct slot slots[SLOTS];
  struct tlw_scan_begin begins[TLW_GROUP_TASKS];
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- memory ---- */

static int64_t rows_of(const struct tlw_window_job *job) { return job->offsets[job->n_series] - job->offsets[0]; }

static struct plan plan_of(const struct tlw_window_job *job, const struct tlw_window_group *group, int64_t rows,
                           int32_t n_slots) {
  return (struct plan){.slot = tlw_window_slot_of(job, group, rows), .n_slots = n_slots};
}

static uint64_t device_bytes(const struct tlw_window_group *group, const struct plan *plan) {
  return tlw_window_carry_size(group) + (uint64_t)plan->n_slots * plan->slot.size;
}

static uint64_t host_bytes(const struct plan *plan) {
  return (uint64_t)plan->n_slots * (tlw_memory_counted(plan->slot.staging) + tlw_memory_counted(plan->slot.table_size));
}

static struct plan least_plan(const struct tlw_window_job *job, const struct tlw_window_group *group) {
  return plan_of(job, group, least(rows_of(job), LEAST_ROWS), 1);
}

static bool fits(const struct tlw_backend_state *state, const struct tlw_window_group *group, const struct plan *plan,
                 struct tlw_gpu_room room) {
  if (plan->slot.staging > MOST_STAGING) return false;
  return tlw_gpu_room_has(state, room, device_bytes(group, plan), host_bytes(plan));
}

/* Most rows of a piece, whatever the memory. */
static int64_t most_rows(const struct work *w) {
  int64_t rows = rows_of(w->job);
  for (int32_t i = 0; i < w->group.n_tasks; i++) {
    const tlk_window *window = &w->group.tasks[i].window;
    if (tlw_window_path_of(window) == TLW_PATH_ORDER) rows = least(rows, most(LEAST_ROWS, ORDER_WORK / window->window));
  }
  return rows;
}

/* The plan with the most rows that fits, or the one with the least rows, fit or not. */
static struct plan largest_plan(const struct work *w, int32_t n_slots, struct tlw_gpu_room room) {
  int64_t rows = least(rows_of(w->job), LEAST_ROWS), above = most_rows(w) + 1;
  while (above - rows > 1) {
    const int64_t middle = rows + (above - rows) / 2;
    const struct plan plan = plan_of(w->job, &w->group, middle, n_slots);
    if (fits(w->state, &w->group, &plan, room))
      rows = middle;
    else
      above = middle;
  }
  return plan_of(w->job, &w->group, rows, n_slots);
}

/* All in one piece, or two that take turns where they are not too small for it, or one at a time. */
static struct plan best_plan(const struct work *w, struct tlw_gpu_room room) {
  const int64_t all = rows_of(w->job);
  const struct plan one = largest_plan(w, 1, room);
  if (one.slot.rows == all && one.slot.staging <= MOST_STAGING / 4) return one;
  const struct plan two = largest_plan(w, SLOTS, room);
  const int64_t decent = least(all, most(DECENT_ROWS, w->group.lead));
  return two.slot.rows >= decent && fits(w->state, &w->group, &two, room) ? two : one;
}

/* The most tasks from `task` on that can share pieces of a decent size, or one. */
static void form_group(struct work *w, int32_t task, uint64_t limit) {
  const struct tlw_gpu_room room = tlw_gpu_room_of(w->state, limit);
  int32_t n = (int32_t)least(w->job->n_tasks - task, TLW_GROUP_TASKS);
  for (;; n /= 2) {
    w->group = tlw_window_group_of(w->job->tasks + task, n);
    w->plan = best_plan(w, room);
    const bool decent = w->plan.slot.rows >= least(rows_of(w->job), DECENT_ROWS);
    if (n == 1 || (decent && fits(w->state, &w->group, &w->plan, room))) return;
  }
}

/* TLW_ERR_BUDGET where not even the least plan of each task by itself has room. */
static tlw_status check_room(const struct work *w, tlw_error *error) {
  struct tlw_backend_state *state = w->state;
  uint64_t device = 0, host = 0, both = 0;
  for (int32_t i = 0; i < w->job->n_tasks; i++) {
    const struct tlw_window_group group = tlw_window_group_of(w->job->tasks + i, 1);
    const struct plan plan = least_plan(w->job, &group);
    const uint64_t d = device_bytes(&group, &plan), h = host_bytes(&plan);
    if (d > device) device = d;
    if (h > host) host = h;
    if (d + h > both) both = d + h;
  }
  return tlw_gpu_room_check(state, device, host, both, "windows", error);
}

static void give_back(struct work *w) {
  struct tlw_backend_state *state = w->state;
  for (int32_t i = 0; i < w->plan.n_slots; i++) {
    struct slot *slot = &w->slots[i];
    tlw_gpu_staging_close(state, &slot->staging);
    if (slot->table.data) tlw_memory_free(&state->services->memory, slot->table.data, w->plan.slot.table_size);
    *slot = (struct slot){0};
  }
  if (w->part) tlw_pool_free(&state->pool, w->part);
  w->part = 0;
}

static tlw_status open_slot(struct work *w, struct slot *slot, tlw_error *error) {
  struct tlw_backend_state *state = w->state;
  const tlw_status status = tlw_gpu_staging_open(state, &slot->staging, w->plan.slot.staging, error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  slot->table.data = tlw_memory_alloc(&state->services->memory, w->plan.slot.table_size, "windows", &failure);
  if (slot->table.data) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

static tlw_status open_part(struct work *w, tlw_error *error) {
  struct tlw_backend_state *state = w->state;
  const uint64_t size = device_bytes(&w->group, &w->plan);
  const tlw_status status = tlw_pool_alloc(&state->pool, size, TLW_POOL_WORK, &w->part, error);
  if (status == TLW_ERR_BUDGET) return tlw_gpu_memory_refuse(state, size, error);
  if (status != TLW_OK) return status;
  struct tlw_part part;
  tlw_pool_find(&state->pool, w->part, &part);
  w->slab = part.slab;
  w->carry = part.offset;
  for (int32_t i = 0; i < w->plan.n_slots; i++)
    w->slots[i].offset = part.offset + tlw_window_carry_size(&w->group) + (uint64_t)i * w->plan.slot.size;
  return TLW_OK;
}

static tlw_status take(struct work *w, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int32_t i = 0; i < w->plan.n_slots && status == TLW_OK; i++) status = open_slot(w, &w->slots[i], error);
  return status == TLW_OK ? open_part(w, error) : status;
}

/* ---- a piece of work on its way to the device ---- */

struct sending {
  struct work *work;
  struct slot *slot;
  struct tlw_flight *flight;
};

static struct tlw_sending sending_of(const struct sending *s) {
  return (struct tlw_sending){s->work->state, &s->work->slab, s->flight};
}

static tlw_status upload_all(const struct sending *s, tlw_error *error) {
  const struct work *w = s->work;
  const struct tlw_window_slot *places = &w->plan.slot;
  const struct tlw_window_piece *piece = &s->slot->piece;
  const uint64_t width = w->job->type == TLW_TYPE_F32 ? sizeof(float) : sizeof(double);
  const struct tlw_sending sending = sending_of(s);
  const uint64_t base = s->slot->offset;
  tlw_status status = tlw_send_upload(&sending, base + places->tables, s->slot->table.data, s->slot->table.size, error);
  for (int32_t i = 0; i < w->group.n_columns && status == TLW_OK; i++)
    status = tlw_send_upload(&sending, base + places->columns + (uint64_t)i * places->column_pitch,
                             (const char *)w->group.columns[i] + (uint64_t)piece->first * width,
                             (uint64_t)(piece->end - piece->first) * width, error);
  return status;
}

static tlw_status launch(const struct sending *s, int kernel, uint32_t groups, uint32_t lanes,
                         const tlk_window_args *args, tlw_error *error) {
  const struct tlw_sending sending = sending_of(s);
  return tlw_send_launch(&sending, TLW_PROGRAM_WINDOWS, kernel, groups, lanes, args, sizeof *args, error);
}

/* What a piece's tables say of each task. */
struct tables {
  struct tlw_window_work tiles;
  struct tlw_window_work chains[TLW_GROUP_TASKS];
  struct tlw_window_scan_work scans[TLW_GROUP_TASKS];
};

static void make_tables(struct work *w, struct slot *slot, struct tables *tables) {
  slot->table.size = 0;
  tables->tiles = tlw_window_tiles(w->job, &slot->piece, &slot->table);
  for (int32_t i = 0; i < w->group.n_tasks; i++) {
    const struct tlw_window_task *task = &w->group.tasks[i];
    switch (tlw_window_path_of(&task->window)) {
    case TLW_PATH_CHAIN:
      tables->chains[i] = tlw_window_chain_tiles(w->job, &slot->piece, &task->window, &slot->table);
      break;
    case TLW_PATH_SCAN:
      tables->scans[i] = tlw_window_scans(w->job, &slot->piece, task, &w->begins[i], &slot->table);
      break;
    default:
      break;
    }
  }
}

static tlk_window_args args_of(const struct sending *s, const struct tables *tables, int32_t i) {
  const struct work *w = s->work;
  const struct tlw_window_slot *places = &w->plan.slot;
  const struct tlw_window_piece *piece = &s->slot->piece;
  const tlk_window *window = &w->group.tasks[i].window;
  const uint64_t base = s->slot->offset, columns = base + places->columns;
  return (tlk_window_args){
      .x = columns + (uint64_t)w->group.x[i] * places->column_pitch,
      .y = columns + (uint64_t)w->group.y[i] * places->column_pitch,
      .output = base + places->outputs + (uint64_t)i * places->output_pitch,
      .tiles = base + places->tables + tables->tiles.offset,
      .lead = piece->begin - piece->first,
      .rows = piece->end - piece->begin,
      .window = window->window,
      .min_periods = window->min_periods,
      .quantile = window->quantile,
      .ddof = window->ddof,
      .keep = window->keep,
      .gain = window->gain,
      .sign = window->kind == TLK_FOLD_MIN || window->kind == TLK_FOLD_ARGMIN ? -1.0 : 1.0,
      .narrow = w->job->type == TLW_TYPE_F32,
      .kind = window->kind,
      .op = window->op,
      .skip = window->skip,
      .tile = TLK_WINDOW_TILE,
  };
}

/* Kernels by kind: those that seek the greatest seek the least too. */
static int variant_of(tlk_i32 kind) {
  static const int variants[TLK_FOLDS] = {
      [TLK_FOLD_SUM] = 0,      [TLK_FOLD_MIN] = 1,     [TLK_FOLD_MAX] = 1,    [TLK_FOLD_ARGMIN] = 2,
      [TLK_FOLD_ARGMAX] = 2,   [TLK_FOLD_MOMENTS] = 3, [TLK_FOLD_HIGHER] = 4, [TLK_FOLD_CROSS] = 5,
      [TLK_FOLD_WEIGHTED] = 6, [TLK_FOLD_ENDS] = 7,
  };
  return variants[kind];
}

static tlw_status launch_tiles(const struct sending *s, const struct tables *tables, int32_t i, tlk_window_args args,
                               tlw_error *error) {
  args.tile = tlw_window_tile_of(&s->work->group.tasks[i].window);
  const uint32_t cuts = TLK_WINDOW_TILE / (uint32_t)args.tile;
  return launch(s, TLW_WINDOW_FOLD + variant_of(args.kind), tables->tiles.groups * cuts, TLK_WINDOW_LANES, &args,
                error);
}

/* Takes a place in the scratch of the slot. */
static uint64_t scratch(uint64_t *at, uint64_t size) {
  const uint64_t place = *at;
  *at += tlw_window_align(size);
  return place;
}

static tlw_status launch_chains(const struct sending *s, const struct tables *tables, int32_t i, tlk_window_args args,
                                tlw_error *error) {
  const uint64_t n = (uint64_t)args.rows, tiles = args.tiles;
  const uint64_t members = (uint64_t)tlk_part_members(args.kind);
  uint64_t at = s->slot->offset + s->work->plan.slot.scratch;
  args.suffixes = scratch(&at, members * n * sizeof(double));
  args.suffix_counts = scratch(&at, n * sizeof(float));
  args.prefixes = scratch(&at, members * n * sizeof(double));
  args.prefix_counts = scratch(&at, n * sizeof(float));
  args.tiles = s->slot->offset + s->work->plan.slot.tables + tables->chains[i].offset;
  const tlw_status status =
      launch(s, TLW_WINDOW_CHAIN + variant_of(args.kind), tables->chains[i].groups, TLK_WINDOW_LANES, &args, error);
  args.tiles = tiles;
  if (status != TLW_OK) return status;
  return launch(s, TLW_WINDOW_JOIN + variant_of(args.kind), tables->tiles.groups, TLK_WINDOW_LANES, &args, error);
}

/* What task i carries into a piece. */
static uint64_t carry_of(const struct work *w, int32_t i, uint32_t turn) {
  return w->carry + ((uint64_t)(turn % 2) * (uint64_t)w->group.n_tasks + (uint64_t)i) * sizeof(tlk_scan_carry);
}

static tlw_status launch_scan(const struct sending *s, const struct tables *tables, int32_t i, tlk_window_args args,
                              tlw_error *error) {
  const struct tlw_window_slot *places = &s->work->plan.slot;
  const struct tlw_window_scan_work *work = &tables->scans[i];
  const uint64_t base = s->slot->offset + places->tables;
  uint64_t at = s->slot->offset + places->scratch;
  args.runs = base + work->runs.offset;
  args.blocks = scratch(&at, tlw_scan_blocks(places->rows, places->runs) * sizeof(tlk_scan_pairs));
  args.before = scratch(&at, tlw_scan_blocks(places->rows, places->runs) * sizeof(tlk_scan_pairs));
  args.stretches = scratch(&at, tlw_scan_stretches(places->rows, places->runs) * sizeof(tlk_scan_pairs));
  args.carried = scratch(&at, tlw_scan_stretches(places->rows, places->runs) * 2 * sizeof(double));
  args.carry = carry_of(s->work, i, s->work->turn);
  args.next_carry = carry_of(s->work, i, s->work->turn + 1);
  const int variant = args.kind != TLK_SCAN_LINEAR ? 2 : s->work->group.tasks[i].window.adjust ? 1 : 0;
  args.tiles = base + work->tiles.offset;
  tlw_status status = launch(s, TLW_WINDOW_SCAN_ENDS + variant, work->tiles.groups, TLK_WINDOW_LANES, &args, error);
  args.tiles = base + work->stretches.offset;
  if (status == TLW_OK)
    status = launch(s, TLW_WINDOW_SCAN_STRETCH, work->stretches.groups, TLK_SCAN_LANES, &args, error);
  if (status == TLW_OK) status = launch(s, TLW_WINDOW_SCAN_CARRY, work->runs.groups, TLK_SCAN_LANES, &args, error);
  args.tiles = base + work->tiles.offset;
  if (status != TLW_OK) return status;
  return launch(s, TLW_WINDOW_SCAN_RESULTS + variant, work->tiles.groups, TLK_WINDOW_LANES, &args, error);
}

static tlw_status launch_all(const struct sending *s, const struct tables *tables, tlw_error *error) {
  tlw_status status = TLW_OK;
  for (int32_t i = 0; i < s->work->group.n_tasks && status == TLW_OK; i++) {
    const tlk_window_args args = args_of(s, tables, i);
    switch (tlw_window_path_of(&s->work->group.tasks[i].window)) {
    case TLW_PATH_DIRECT:
      status = launch(s, TLW_WINDOW_JOIN + variant_of(args.kind), tables->tiles.groups, TLK_WINDOW_LANES, &args, error);
      break;
    case TLW_PATH_TILE:
      status = launch_tiles(s, tables, i, args, error);
      break;
    case TLW_PATH_CHAIN:
      status = launch_chains(s, tables, i, args, error);
      break;
    case TLW_PATH_ORDER:
      status = launch(s, TLW_WINDOW_ORDER, tables->tiles.groups, TLK_WINDOW_LANES, &args, error);
      break;
    case TLW_PATH_SCAN:
      status = launch_scan(s, tables, i, args, error);
      break;
    }
  }
  return status;
}

static uint64_t staged_row(const struct slot *slot) {
  return (uint64_t)(slot->piece.end - slot->piece.begin) * sizeof(double);
}

static tlw_status download_all(const struct sending *s, tlw_error *error) {
  const struct tlw_window_slot *places = &s->work->plan.slot;
  const struct tlw_sending sending = sending_of(s);
  const struct tlw_gpu_download copy = {
      .slab = &s->work->slab,
      .offset = s->slot->offset + places->outputs,
      .pitch = places->output_pitch,
      .target = s->slot->staging.data,
      .target_pitch = staged_row(s->slot),
      .width = staged_row(s->slot),
      .rows = (uint64_t)s->work->group.n_tasks,
  };
  return tlw_send_download(&sending, &copy, error);
}

static tlw_status enqueue(const struct sending *s, tlw_error *error) {
  struct tables tables;
  const struct tlw_sending sending = sending_of(s);
  make_tables(s->work, s->slot, &tables);
  tlw_status status = upload_all(s, error);
  if (status == TLW_OK) status = tlw_send_hand_over(&sending, TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, error);
  if (status == TLW_OK) status = launch_all(s, &tables, error);
  if (status == TLW_OK) status = tlw_send_hand_over(&sending, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK) status = download_all(s, error);
  if (status == TLW_OK) status = tlw_flight_mark(s->work->state, s->flight, TLW_GPU_DOWNLOAD, error);
  return status;
}

static tlw_status send(struct work *w, struct slot *slot, tlw_error *error) {
  struct sending s = {.work = w, .slot = slot};
  tlw_status status = tlw_flight_take(w->state, 0, &s.flight, error);
  if (status != TLW_OK) return status;
  tlw_error failure;
  status = enqueue(&s, &failure);
  if (status == TLW_OK) {
    tlw_flight_send(w->state, s.flight, &slot->ticket);
    return TLW_OK;
  }
  status = tlw_flight_drop(w->state, s.flight, &failure);
  if (error) *error = failure;
  return status;
}

/* Waits for the piece in a slot, if there is one, and puts its results where they belong. */
static tlw_status receive(struct work *w, struct slot *slot, tlw_error *error) {
  if (slot->piece.end == 0) return TLW_OK;
  const tlw_status status = tlw_flights_wait(w->state, &slot->ticket, error);
  const uint64_t width = staged_row(slot);
  for (int32_t i = 0; i < w->group.n_tasks && status == TLW_OK; i++)
    memcpy(w->group.tasks[i].output + slot->piece.begin, (const char *)slot->staging.data + (uint64_t)i * width, width);
  slot->piece = (struct tlw_window_piece){0};
  return status;
}

/* ---- all pieces ---- */

static tlw_status run_group(struct work *w, tlw_error *error) {
  const struct tlw_window_job *job = w->job;
  int64_t begin = job->offsets[0], series = 0;
  memset(w->begins, 0, sizeof w->begins);
  tlw_status status = take(w, error);
  const uint32_t n_slots = (uint32_t)w->plan.n_slots;
  for (w->turn = 0; status == TLW_OK && begin < job->offsets[job->n_series]; w->turn++) {
    struct slot *slot = &w->slots[w->turn % n_slots];
    status = receive(w, slot, error);
    if (status != TLW_OK) break;
    slot->piece = tlw_window_piece_of(job, &w->group, &w->plan.slot, begin, series);
    begin = slot->piece.end;
    series = slot->piece.series;
    status = send(w, slot, error);
    if (status != TLW_OK) slot->piece.end = 0;
  }
  for (uint32_t i = 0; i < n_slots && status == TLW_OK; i++)
    status = receive(w, &w->slots[(w->turn + i) % n_slots], error);
  /* After a failure what is still in flight writes to memory that goes. */
  if (status != TLW_OK) tlw_flights_finish(w->state, NULL);
  give_back(w);
  return status;
}

tlw_status tlw_gpu_windows(struct tlw_backend_state *state, const struct tlw_window_job *job, uint64_t limit,
                           tlw_error *error) {
  struct work w = {.state = state, .job = job};
  if (rows_of(job) == 0) return TLW_OK;
  tlw_status status = tlw_gpu_memory_reserve(state, error);
  if (status == TLW_OK) status = tlw_flights_finish(state, error);
  if (status == TLW_OK) {
    tlw_gpu_room_relieve(state);
    status = check_room(&w, error);
  }
  for (int32_t task = 0; task < job->n_tasks && status == TLW_OK; task += w.group.n_tasks) {
    tlw_gpu_room_relieve(state);
    form_group(&w, task, limit);
    status = run_group(&w, error);
  }
  return status;
}
