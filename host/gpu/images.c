#include "images.h"

#include <string.h>

#include "host/base/error.h"
#include "kernels/images_args.h"
#include "memory.h"
#include "room.h"
#include "sending.h"

const char *const tlw_images_kernel_names[TLW_IMAGES_KERNELS] = {
    [TLW_IMAGES_JKX_5] = "tlk_jkx_5",
    [TLW_IMAGES_JKX_20] = "tlk_jkx_20",
    [TLW_IMAGES_JKX_60] = "tlk_jkx_60",
    [TLW_IMAGES_EXPAND] = "tlk_image_expand",
};

/* Pieces of work take so many bytes or fewer, unless an image takes more; and a job of many images has four or more. */
#define MOST_BYTES ((uint64_t)16 << 20)
#define LEAST_SHARE 2048 /* images */
#define SLOTS TLW_IMAGES_SLOTS
#define ALIGN ((uint64_t)TLW_POOL_ALIGN)

/* Columns in the order of their places in a slot. */
enum column { OPEN, HIGH, LOW, CLOSE, VOLUME, COLUMNS };

/* Where what lies in a slot; the host has windows and packed rows first, and then, in their place, the results. */
struct places {
  int64_t images, rows;
  uint64_t columns[COLUMNS];
  uint64_t windows_at, reasons_at, images_at;
  uint64_t size;
  uint64_t staged_rows, staged_reasons; /* on the host, each behind what begins it */
  uint64_t staging;
};

/* A piece of work and its place. */
struct slot {
  struct tlw_ticket ticket;
  int64_t first, n;  /* windows; n 0: none is in flight */
  int64_t row, rows; /* of the columns that go up; row -1: packed ones */
  void *staging;     /* on the host */
  uint64_t offset;   /* in the slab */
};

struct work {
  struct tlw_backend_state *state;
  const struct tlw_images_job *job;
  const double *columns[COLUMNS]; /* NULL: it is not there */
  uint64_t image_size;
  bool draws_in_slot; /* else right into the job's part */
  bool downloads;     /* images to the host */
  struct places places;
  int n_slots;
  uint64_t part;
  struct tlw_slab slab;
  struct slot slots[SLOTS];
  int64_t next; /* window */
};

static uint64_t align(uint64_t size) { return (size + ALIGN - 1) / ALIGN * ALIGN; }
static int64_t fewer(int64_t a, int64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

static struct work work_of(struct tlw_backend_state *state, const struct tlw_images_job *job) {
  return (struct work){
      .state = state,
      .job = job,
      .columns =
          {[OPEN] = job->open, [HIGH] = job->high, [LOW] = job->low, [CLOSE] = job->close, [VOLUME] = job->volume},
      .image_size = tlk_image_size(job->image),
      .draws_in_slot = true,
      .downloads = job->images != NULL,
  };
}

static uint64_t count_columns(const struct work *w) {
  uint64_t n = 0;
  for (int i = 0; i < COLUMNS; i++) n += w->columns[i] != NULL;
  return n;
}

/* ---- memory ---- */

/* Room for the rows of windows that overlap, or of a quarter as many that do not; the least is that for one. */
static int64_t rows_for(const struct work *w, int64_t images) {
  const int64_t bars = w->job->jkx.bars;
  return 2 * bars + (images - 1) * bars / 2;
}

static uint64_t held(const struct tlw_backend_state *state) {
  uint64_t bytes = 0;
  for (int i = 0; i < SLOTS; i++) bytes += state->images_staging[i].size;
  return bytes;
}

void tlw_gpu_images_relieve(struct tlw_backend_state *state) {
  for (int i = 0; i < SLOTS; i++) tlw_gpu_staging_close(state, &state->images_staging[i]);
}

static struct places places_of(const struct work *w, int64_t images) {
  struct places places = {.images = images, .rows = rows_for(w, images)};
  const uint64_t column = (uint64_t)places.rows * sizeof(double), n = (uint64_t)images;
  const uint64_t drawn = w->draws_in_slot ? n * w->image_size : 0;
  const uint64_t windows = n * sizeof(tlk_jkx_window), downloaded = w->downloads ? drawn : 0;
  for (int i = 0; i < COLUMNS; i++) {
    places.columns[i] = places.size;
    if (w->columns[i]) places.size += align(column);
  }
  places.windows_at = places.size;
  places.reasons_at = places.windows_at + align(windows);
  places.images_at = places.reasons_at + align(n);
  places.size = places.images_at + align(drawn);
  places.staged_rows = windows;
  places.staged_reasons = downloaded;
  places.staging = most(windows + count_columns(w) * column, downloaded + n);
  return places;
}

static uint64_t device_bytes(const struct places *places, int n_slots) { return (uint64_t)n_slots * places->size; }

static uint64_t host_bytes(const struct places *places, int n_slots) {
  return (uint64_t)n_slots * tlw_memory_counted(places->staging);
}

/* The most images that a piece is to have. */
static int64_t enough(const struct work *w) {
  const int64_t n = w->job->n, quarter = (n + 3) / 4, share = fewer(n, quarter > LEAST_SHARE ? quarter : LEAST_SHARE);
  const int64_t fitting = (int64_t)(MOST_BYTES / places_of(w, 1).size);
  return fewer(share, fitting > 0 ? fitting : 1);
}

/* Two slots for as many images as there is room for, or one for one. */
static void plan(struct work *w, uint64_t limit) {
  struct tlw_gpu_room room = tlw_gpu_room_of(w->state, limit);
  if (room.host != UINT64_MAX) room.host += held(w->state);
  int64_t images = enough(w);
  for (w->n_slots = SLOTS; w->n_slots > 0; images /= 2) {
    if (images < 1) {
      images = 1;
      w->n_slots--;
    }
    w->places = places_of(w, images);
    if (tlw_gpu_room_has(w->state, room, device_bytes(&w->places, w->n_slots), host_bytes(&w->places, w->n_slots)))
      break;
  }
  if (w->n_slots == 0) w->n_slots = 1; /* taking it will tell what is missing */
}

static tlw_status check_room(const struct work *w, tlw_error *error) {
  const struct places least = places_of(w, 1);
  const uint64_t device = device_bytes(&least, 1), host = host_bytes(&least, 1);
  const tlw_status status = tlw_gpu_room_check(w->state, device, host, device + host, "images", error);
  if (status != TLW_ERR_BUDGET) return status;
  tlw_gpu_room_relieve(w->state);
  tlw_gpu_images_relieve(w->state);
  return tlw_gpu_room_check(w->state, device, host, device + host, "images", error);
}

uint64_t tlw_gpu_images_bytes(bool unified, const struct tlw_images_job *job) {
  struct work w = work_of(NULL, job);
  const double column = 0.0;
  w.downloads = true;
  for (int i = 0; i < COLUMNS; i++) w.columns[i] = &column;
  const struct places places = places_of(&w, job->n);
  return host_bytes(&places, SLOTS) + (unified ? device_bytes(&places, SLOTS) : 0);
}

static void give_back(struct work *w) {
  if (w->part) tlw_pool_free(&w->state->pool, w->part);
  w->part = 0;
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

/* Whether what earlier jobs have left will do. */
static bool is_kept(const struct work *w) {
  const struct tlw_block *kept = w->state->images_staging;
  for (int i = 0; i < SLOTS; i++)
    if (i < w->n_slots ? kept[i].size < w->places.staging : kept[i].size > 0) return false;
  return true;
}

static tlw_status take(struct work *w, tlw_error *error) {
  struct tlw_block *kept = w->state->images_staging;
  tlw_status status = TLW_OK;
  if (!is_kept(w)) tlw_gpu_images_relieve(w->state);
  for (int i = 0; i < w->n_slots && status == TLW_OK; i++) {
    if (!kept[i].data) status = tlw_gpu_staging_open(w->state, &kept[i], w->places.staging, error);
    w->slots[i].staging = kept[i].data;
  }
  return status == TLW_OK ? open_part(w, error) : status;
}

/* Slabs that share the host's budget go, unless this job does with what the one before has left. */
static void make_room(struct work *w, uint64_t limit) {
  w->draws_in_slot = w->downloads;
  plan(w, limit);
  const uint64_t kept = w->state->images_staging[0].size;
  if (!is_kept(w) || kept > 4 * w->places.staging) tlw_gpu_room_relieve(w->state);
  w->draws_in_slot = true;
}

/* Kernels see one slab. Images that go to a part of another are drawn in slots, and copied. */
static tlw_status prepare(struct work *w, uint64_t limit, tlw_error *error) {
  w->draws_in_slot = w->downloads;
  plan(w, limit);
  const tlw_status status = take(w, error);
  if (status != TLW_OK || w->draws_in_slot || w->slab.handle == w->job->part.slab.handle) return status;
  give_back(w);
  w->draws_in_slot = true;
  plan(w, limit);
  return take(w, error);
}

/* ---- pieces ---- */

/* The rows that some windows lie in, and the sum of theirs. */
struct span {
  int64_t begin, end, sum;
};

static int64_t lead_of(const struct work *w, const tlk_jkx_window *window) {
  return window->averages ? w->job->jkx.bars : 0;
}

static struct span widen(const struct work *w, struct span span, const tlk_jkx_window *window) {
  if (window->few) return span;
  const int64_t begin = window->begin - lead_of(w, window), end = window->begin + w->job->jkx.bars;
  if (span.sum == 0 || begin < span.begin) span.begin = begin;
  if (span.sum == 0 || end > span.end) span.end = end;
  span.sum += end - begin;
  return span;
}

static bool is_packed(struct span span) { return span.sum < span.end - span.begin; }
static int64_t rows_of(struct span span) { return fewer(span.sum, span.end - span.begin); }

/* The windows with their rows behind each other, and these. */
static void pack(const struct work *w, struct slot *slot) {
  tlk_jkx_window *windows = slot->staging;
  double *rows = (double *)(void *)((char *)slot->staging + w->places.staged_rows);
  int64_t at = 0;
  for (int64_t i = 0; i < slot->n; i++) {
    const tlk_jkx_window *window = &w->job->windows[slot->first + i];
    const int64_t lead = lead_of(w, window), count = window->few ? 0 : lead + w->job->jkx.bars;
    windows[i] = *window;
    windows[i].begin = at + lead;
    double *target = rows + at;
    for (int c = 0; c < COLUMNS && count > 0; c++) {
      if (!w->columns[c]) continue;
      memcpy(target, w->columns[c] + window->begin - lead, (size_t)count * sizeof *target);
      target += w->places.rows;
    }
    at += count;
  }
}

static void place(const struct work *w, struct slot *slot) {
  tlk_jkx_window *windows = slot->staging;
  for (int64_t i = 0; i < slot->n; i++) {
    windows[i] = w->job->windows[slot->first + i];
    windows[i].begin = windows[i].few ? 0 : windows[i].begin - slot->row;
  }
}

/* As many windows as a slot has room for. */
static void fill(struct work *w, struct slot *slot) {
  const struct tlw_images_job *job = w->job;
  struct span span = {0};
  slot->first = w->next;
  for (; w->next < job->n && w->next - slot->first < w->places.images; w->next++) {
    const struct span wider = widen(w, span, &job->windows[w->next]);
    if (rows_of(wider) > w->places.rows) break;
    span = wider;
  }
  slot->n = w->next - slot->first;
  slot->rows = rows_of(span);
  slot->row = is_packed(span) ? -1 : span.begin;
  if (is_packed(span))
    pack(w, slot);
  else
    place(w, slot);
}

static tlk_jkx_args args_of(const struct work *w, const struct slot *slot) {
  const struct tlw_images_job *job = w->job;
  const struct places *places = &w->places;
  const uint64_t base = slot->offset;
  const uint64_t direct = job->part.offset + job->offset + (uint64_t)slot->first * w->image_size;
  return (tlk_jkx_args){
      .open = base + places->columns[OPEN],
      .high = base + places->columns[HIGH],
      .low = base + places->columns[LOW],
      .close = base + places->columns[CLOSE],
      .volume = base + places->columns[VOLUME],
      .windows = base + places->windows_at,
      .images = w->draws_in_slot ? base + places->images_at : direct,
      .reasons = base + places->reasons_at,
      .image = job->image,
      .n = (uint32_t)slot->n,
      .has_volume = job->volume != NULL,
  };
}

static tlw_status upload_all(const struct work *w, const struct slot *slot, const struct tlw_sending *sending,
                             tlw_error *error) {
  const char *staging = slot->staging;
  const double *packed = (const double *)(const void *)(staging + w->places.staged_rows);
  tlw_status status = tlw_send_upload(sending, slot->offset + w->places.windows_at, staging,
                                      (uint64_t)slot->n * sizeof(tlk_jkx_window), error);
  for (int i = 0; i < COLUMNS && status == TLW_OK; i++) {
    if (!w->columns[i]) continue;
    status = tlw_send_upload(sending, slot->offset + w->places.columns[i],
                             slot->row < 0 ? packed : w->columns[i] + slot->row, (uint64_t)slot->rows * sizeof(double),
                             error);
    packed += w->places.rows;
  }
  return status;
}

static tlw_status launch(const struct work *w, const struct tlw_sending *sending, const tlk_jkx_args *args,
                         tlw_error *error) {
  const int32_t bars = w->job->jkx.bars;
  const enum tlw_images_kernel kernel = bars == 5    ? TLW_IMAGES_JKX_5
                                        : bars == 20 ? TLW_IMAGES_JKX_20
                                                     : TLW_IMAGES_JKX_60;
  const uint32_t each = TLK_JKX_BARS / (uint32_t)bars;
  return tlw_send_launch(sending, TLW_PROGRAM_IMAGES, (int)kernel, (args->n + each - 1) / each, TLK_JKX_LANES, args,
                         sizeof *args, error);
}

static tlw_status download(const struct work *w, const struct tlw_sending *sending, uint64_t offset, void *target,
                           uint64_t size, tlw_error *error) {
  const struct tlw_gpu_download copy = {.slab = &w->slab,
                                        .offset = offset,
                                        .pitch = size,
                                        .target = target,
                                        .target_pitch = size,
                                        .width = size,
                                        .rows = 1};
  return tlw_send_download(sending, &copy, error);
}

/* Results that the caller has on the host, from the kernel's queue on. */
static tlw_status fetch(const struct work *w, const struct slot *slot, const struct tlw_sending *sending,
                        const tlk_jkx_args *args, tlw_error *error) {
  const struct tlw_images_job *job = w->job;
  uint8_t *staging = slot->staging;
  if (!w->downloads && !job->reasons) return tlw_flight_mark(w->state, sending->flight, TLW_GPU_COMPUTE, error);
  tlw_status status = tlw_send_hand_over(sending, TLW_GPU_COMPUTE, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK && w->downloads)
    status = download(w, sending, args->images, staging, (uint64_t)slot->n * w->image_size, error);
  if (status == TLW_OK && job->reasons)
    status = download(w, sending, args->reasons, staging + w->places.staged_reasons, (uint64_t)slot->n, error);
  if (status == TLW_OK) status = tlw_flight_mark(w->state, sending->flight, TLW_GPU_DOWNLOAD, error);
  return status;
}

static tlw_status enqueue(const struct work *w, const struct slot *slot, const struct tlw_sending *sending,
                          tlw_error *error) {
  const struct tlw_images_job *job = w->job;
  const tlk_jkx_args args = args_of(w, slot);
  const struct tlw_gpu_copy copy = {.from = &w->slab,
                                    .from_offset = args.images,
                                    .to = &job->part.slab,
                                    .to_offset = job->part.offset + job->offset + (uint64_t)slot->first * w->image_size,
                                    .size = (uint64_t)slot->n * w->image_size};
  tlw_status status = upload_all(w, slot, sending, error);
  if (status == TLW_OK) status = tlw_send_hand_over(sending, TLW_GPU_UPLOAD, TLW_GPU_COMPUTE, error);
  if (status == TLW_OK) status = launch(w, sending, &args, error);
  if (status == TLW_OK && !w->downloads && w->draws_in_slot) status = tlw_send_copy(sending, &copy, error);
  return status == TLW_OK ? fetch(w, slot, sending, &args, error) : status;
}

static tlw_status send(struct work *w, struct slot *slot, tlw_error *error) {
  struct tlw_sending sending = {.state = w->state, .slab = &w->slab};
  tlw_status status = tlw_flight_take(w->state, 0, &sending.flight, error);
  if (status != TLW_OK) return status;
  sending.flight->items = slot->n;
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

/* Waits for the piece in a slot, if there is one, and hands out its results. */
static tlw_status receive(struct work *w, struct slot *slot, tlw_error *error) {
  const struct tlw_images_job *job = w->job;
  if (slot->n == 0) return TLW_OK;
  const tlw_status status = tlw_flights_wait(w->state, &slot->ticket, error);
  const uint8_t *staging = slot->staging;
  const uint64_t first = (uint64_t)slot->first, n = (uint64_t)slot->n;
  if (status == TLW_OK && w->downloads) memcpy(job->images + first * w->image_size, staging, n * w->image_size);
  if (status == TLW_OK && job->reasons) memcpy(job->reasons + first, staging + w->places.staged_reasons, n);
  slot->n = 0;
  return status;
}

static tlw_status run(struct work *w, uint64_t limit, tlw_error *error) {
  tlw_status status = prepare(w, limit, error);
  int turn = 0;
  for (; status == TLW_OK; turn++) {
    struct slot *slot = &w->slots[turn % w->n_slots];
    status = receive(w, slot, error);
    if (status != TLW_OK) break;
    fill(w, slot);
    if (slot->n == 0) break;
    status = send(w, slot, error);
    if (status != TLW_OK) slot->n = 0;
  }
  for (int i = 1; i < w->n_slots && status == TLW_OK; i++)
    status = receive(w, &w->slots[(turn + i) % w->n_slots], error);
  /* After a failure what is still in flight writes to memory that goes. */
  if (status != TLW_OK) {
    tlw_flights_finish(w->state, NULL);
    tlw_gpu_images_relieve(w->state);
  }
  give_back(w);
  return status;
}

tlw_status tlw_gpu_images(struct tlw_backend_state *state, const struct tlw_images_job *job, uint64_t limit,
                          tlw_error *error) {
  if (job->n == 0) return TLW_OK;
  struct work w = work_of(state, job);
  tlw_status status = tlw_gpu_memory_reserve(state, error);
  if (status == TLW_OK) status = tlw_flights_finish(state, error);
  if (status != TLW_OK) return status;
  make_room(&w, limit);
  status = check_room(&w, error);
  return status == TLW_OK ? run(&w, limit, error) : status;
}
