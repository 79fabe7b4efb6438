#include "tensor.h"

#include "buffers.h"
#include "gate.h"
#include "host/base/error.h"
#include "state.h"

#define DIMENSIONS 4

/* A tensor with what it points to. It outlives the engine: the buffer is found again by a handle that only it has. */
struct held_tensor {
  tlw_dl_managed managed; /* first: its address is this struct's */
  int64_t shape[DIMENSIONS], strides[DIMENSIONS];
  struct tlw_gate *gate;
  tlw_buffer buffer;
};

static void free_buffer(tlw_engine *engine, void *context) { tlw_buffer_free(engine, context, NULL); }

static void release(tlw_dl_managed *self) {
  if (!self) return;
  struct held_tensor *tensor = (struct held_tensor *)self;
  tlw_gate_leave(tensor->gate, free_buffer, &tensor->buffer);
  tlw_raw_free(tensor);
}

static void describe(struct held_tensor *tensor, tlk_image image, int64_t n, struct tlw_location location) {
  const int64_t width = image.width, height = image.height, channels = image.channels;
  tensor->shape[0] = n;
  tensor->shape[1] = image.is_last ? height : channels;
  tensor->shape[2] = image.is_last ? width : height;
  tensor->shape[3] = image.is_last ? channels : width;
  tensor->strides[DIMENSIONS - 1] = 1;
  for (int i = DIMENSIONS - 1; i > 0; i--) tensor->strides[i - 1] = tensor->strides[i] * tensor->shape[i];
  tensor->managed = (tlw_dl_managed){
      .dl_tensor =
          {
              .data = location.data,
              .device = {(int32_t)location.place, location.device},
              .ndim = DIMENSIONS,
              .dtype = {image.is_float ? TLW_DL_FLOAT : TLW_DL_UINT, image.is_float ? 32 : 8, 1},
              .shape = tensor->shape,
              .strides = tensor->strides,
              .byte_offset = location.offset,
          },
      .manager_ctx = tensor,
      .deleter = release,
  };
}

static tlw_status check_size(const struct tlw_part *part, tlk_image image, int64_t n, tlw_error *error) {
  uint64_t size;
  if (!__builtin_mul_overflow((uint64_t)n, tlk_image_size(image), &size) && size == part->size) return TLW_OK;
  return tlw_fail(error, TLW_ERR_ARGUMENT, "the buffer has %llu bytes, which are not %lld images of %llu",
                  (unsigned long long)part->size, (long long)n, (unsigned long long)tlk_image_size(image));
}

static tlw_status refuse_memory(tlw_error *error) {
  return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a tensor's record");
}

/* Within an operation. */
static tlw_status hand_out(tlw_engine *engine, tlw_buffer *buffer, tlk_image image, int64_t n, tlw_dl_managed **out,
                           tlw_error *error) {
  const struct tlw_executor *executor = engine->executor;
  struct tlw_part part;
  if (!tlw_buffer_find(engine, *buffer, &part)) return tlw_buffer_stale(error);
  const tlw_status status = check_size(&part, image, n, error);
  if (status != TLW_OK) return status;
  struct held_tensor *tensor = tlw_raw_calloc(1, sizeof *tensor);
  if (!tensor) return refuse_memory(error);
  tensor->gate = tlw_gate_hold(engine);
  if (!tensor->gate) {
    tlw_raw_free(tensor);
    return refuse_memory(error);
  }
  describe(tensor, image, n, executor->ops->locate(executor->state, &part));
  tensor->buffer = tlw_buffer_rename(engine, *buffer);
  buffer->id = 0;
  *out = &tensor->managed;
  return TLW_OK;
}

tlw_status tlw_engine_tensor(tlw_engine *engine, tlw_buffer *buffer, tlk_image image, int64_t n,
                             tlw_dl_managed **tensor, tlw_error *error) {
  tlw_status status = tlw_engine_begin(engine, error);
  if (status != TLW_OK) return status;
  status = hand_out(engine, buffer, image, n, tensor, error);
  tlw_engine_end(engine);
  return status;
}
