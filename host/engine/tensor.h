/* Buffers that become tensors of other libraries. */
#ifndef TALLOW_ENGINE_TENSOR_H
#define TALLOW_ENGINE_TENSOR_H

#include "kernels/core/image.h"
#include "tallow/images.h"

/* A whole operation: hands out a buffer of n images, see tlw_images_tensor. */
tlw_status tlw_engine_tensor(tlw_engine *engine, tlw_buffer *buffer, tlk_image image, int64_t n,
                             tlw_dl_managed **tensor, tlw_error *error);

#endif
