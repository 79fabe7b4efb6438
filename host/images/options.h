/* Options of images, checked and made into what draws them. */
#ifndef TALLOW_IMAGES_OPTIONS_H
#define TALLOW_IMAGES_OPTIONS_H

#include "kernels/core/image.h"
#include "tallow/images.h"

/* TLW_ERR_ARGUMENT. */
tlw_status tlw_image_options_check(const tlw_image_options *options, tlw_error *error);

/* Of options that are checked. */
tlk_image tlw_image_of(const tlw_image_options *options);

#endif
