#include "files.h"

#include <string.h>

#include "host/base/error.h"
#include "host/io/png_coder.h"

const char *const tlw_png_kernel_names[TLW_PNG_KERNELS] = {
    [TLW_PNG_COUNT] = "tlk_png_count",
    [TLW_PNG_PLACE] = "tlk_png_place",
    [TLW_PNG_WRITE] = "tlk_png_write",
    [TLW_PNG_JOIN] = "tlk_png_join",
};

/* ---- what stands around the data ---- */

/* Where the next bytes of a file are to be. */
struct place {
  uint8_t *at;
};

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  (void)error;
  struct place *place = context;
  if (bytes != place->at) memcpy(place->at, bytes, size);
  place->at += size;
  return TLW_OK;
}

/* The data of a file is in place, of a stream of so many bytes. Returns the size of the file. */
static size_t complete(const struct tlw_flight_files *f, uint8_t *file, size_t stream) {
  struct place place = {file};
  struct tlw_png_job job = {.width = (int32_t)f->args.width,
                            .height = (int32_t)f->args.height,
                            .n_colors = f->files.n_colors,
                            .rgb = f->files.rgb,
                            .take = take,
                            .context = &place};
  tlw_png_give_head(&job);
  for (size_t left = stream, size; left > 0; left -= size) {
    size = left < TLK_PNG_CHUNK_SIZE ? left : TLK_PNG_CHUNK_SIZE;
    tlw_png_give_data(&job, place.at + 8, (uint32_t)size);
  }
  tlw_png_give_end(&job);
  return (size_t)(place.at - file);
}

static tlw_status complete_all(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *error) {
  (void)state;
  (void)error;
  const struct tlw_flight_files *f = &flight->files;
  for (int64_t i = 0; i < f->n; i++)
    f->files.sizes[i] = complete(f, f->files.bytes + (size_t)i * f->files.stride, f->files.sizes[i]);
  return TLW_OK;
}

/* ---- the way of the data ---- */

static tlw_status download(struct tlw_backend_state *state, struct tlw_flight *flight, enum tlw_gpu_stage queue,
                           const struct tlw_gpu_download *d, tlw_error *error) {
  tlw_flight_begin(state, flight, queue);
  const tlw_status status = state->gpu->ops->download(state->gpu, &state->queues[queue], d, error);
  if (status != TLW_OK) return status;
  flight->busy[queue] = true;
  flight->bytes[queue] += d->width * d->rows;
  state->services->downloaded += d->width * d->rows;
  return TLW_OK;
}

/* Where the data of a file ends. */
static uint64_t data_end(const struct tlw_flight_files *f, uint64_t stream) {
  return f->args.frame + stream + (stream - 1) / TLK_PNG_CHUNK_SIZE * TLK_PNG_AROUND_CHUNK;
}

/* Puts the bytes of each stream where the size of its file is to be. A device that is out of order says anything. */
static tlw_status read_sizes(const struct tlw_flight_files *f, tlw_error *error) {
  for (int64_t i = 0; i < f->n; i++) {
    tlk_png_stream stream;
    memcpy(&stream, f->files.bytes + (size_t)i * f->files.stride, sizeof stream);
    if (stream.size == 0 || data_end(f, stream.size) + 2 * TLK_PNG_AROUND_CHUNK - 8 > f->files.capacity)
      return tlw_fail(error, TLW_ERR_DEVICE, "the device made %u bytes of a chart, where 1 to %zu are possible",
                      (unsigned)stream.size, f->files.capacity);
    f->files.sizes[i] = stream.size;
  }
  return TLW_OK;
}

/* Files of about the same size come in one copy. */
static tlw_status fetch(struct tlw_backend_state *state, struct tlw_flight *flight, tlw_error *error) {
  const struct tlw_flight_files *f = &flight->files;
  tlw_status status = read_sizes(f, error);
  if (status != TLW_OK) return status;
  uint64_t most = 0, sum = 0;
  for (int64_t i = 0; i < f->n; i++) {
    const uint64_t size = data_end(f, f->files.sizes[i]) - f->args.frame;
    most = size > most ? size : most;
    sum += size;
  }
  struct tlw_gpu_download d = {
      .slab = &f->slab,
      .offset = f->args.files + f->args.frame,
      .pitch = f->args.stride,
      .target = f->files.bytes + f->args.frame,
      .target_pitch = f->files.stride,
      .width = most,
      .rows = (uint64_t)f->n,
  };
  if (most * (uint64_t)f->n <= sum + sum / 4) {
    status = download(state, flight, TLW_GPU_DOWNLOAD, &d, error);
  } else {
    d.rows = 1;
    for (int64_t i = 0; i < f->n && status == TLW_OK; i++) {
      d.width = data_end(f, f->files.sizes[i]) - f->args.frame;
      status = download(state, flight, TLW_GPU_DOWNLOAD, &d, error);
      d.offset += d.pitch;
      d.target += d.target_pitch;
    }
  }
  if (status == TLW_OK) status = tlw_flight_mark(state, flight, TLW_GPU_DOWNLOAD, error);
  if (status == TLW_OK) flight->then = complete_all;
  return status;
}

/* ---- encoding ---- */

static tlw_status launch(struct tlw_backend_state *state, const struct tlw_flight_files *f, enum tlw_png_kernel kernel,
                         uint64_t groups, uint32_t lanes, tlw_error *error) {
  const tlw_status status = state->gpu->ops->launch(state->gpu, &state->queues[TLW_GPU_COMPUTE],
                                                    &state->programs[TLW_PROGRAM_PNG].kernels[kernel], (uint32_t)groups,
                                                    lanes, &f->args, sizeof f->args, &f->slab, error);
  if (status == TLW_OK) state->services->launches++;
  return status;
}

tlw_status tlw_gpu_files_make(struct tlw_backend_state *state, struct tlw_flight *flight,
                              const struct tlw_render_job *job, const tlk_png_args *args, const struct tlw_slab *slab,
                              tlw_error *error) {
  struct tlw_flight_files *f = &flight->files;
  *f = (struct tlw_flight_files){.files = *job->files, .n = job->n_series, .slab = *slab, .args = *args};
  const uint64_t rows = args->n_rows, charts = (uint64_t)f->n;
  tlw_status status = launch(state, f, TLW_PNG_COUNT, rows, TLK_PNG_ROW_LANES, error);
  if (status == TLW_OK) status = launch(state, f, TLW_PNG_PLACE, charts, TLK_PNG_PLACE_LANES, error);
  if (status == TLW_OK) status = launch(state, f, TLW_PNG_WRITE, rows, TLK_PNG_ROW_LANES, error);
  if (status == TLW_OK)
    status =
        launch(state, f, TLW_PNG_JOIN, (rows + TLK_PNG_JOIN_LANES - 1) / TLK_PNG_JOIN_LANES, TLK_PNG_JOIN_LANES, error);
  if (status != TLW_OK) return status;
  const struct tlw_gpu_download sizes = {
      .slab = &f->slab,
      .offset = args->streams,
      .pitch = sizeof(tlk_png_stream),
      .target = f->files.bytes,
      .target_pitch = f->files.stride,
      .width = sizeof(tlk_png_stream),
      .rows = charts,
  };
  flight->then = fetch;
  return download(state, flight, TLW_GPU_COMPUTE, &sizes, error);
}
