/* Buffers of images as tensors of DLPack. */
#include "host/engine/tensor.h"
#include "host/base/error.h"
#include "options.h"

tlw_status tlw_images_tensor(tlw_engine *engine, tlw_buffer *buffer, const tlw_image_options *options, int64_t n,
                             tlw_dl_managed **tensor, tlw_error *error) {
  if (!tensor) return tlw_fail(error, TLW_ERR_ARGUMENT, "tensor is NULL: pass the address of a tlw_dl_managed pointer");
  *tensor = NULL;
  if (!engine || !buffer) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", engine ? "buffer" : "engine");
  const tlw_status status = tlw_image_options_check(options, error);
  if (status != TLW_OK) return status;
  if (n < 1) return tlw_fail(error, TLW_ERR_ARGUMENT, "n is %lld: it must be 1 or more", (long long)n);
  return tlw_engine_tensor(engine, buffer, tlw_image_of(options), n, tensor, error);
}
