/*
 * Images for models: windows of bars as tensors, a million at a time.
 *
 * ## What an image shows
 *
 * TLW_IMAGES_CHART draws the bars of the window as tallow/chart.h states. TLW_IMAGES_JKX draws the images of "(Re-)
 * Imag(in)ing Price Trends" (Jiang, Kelly, Xiu; Journal of Finance 78, 2023), by these rules, which decide every
 * pixel; floating-point operations are IEEE 754 binary64, each rounded to nearest even, none fused. A number that is
 * not finite counts as missing.
 *
 * **Shape.** n = 5, 20 or 60 bars make W = 3 * n columns and H = 32, 64 or 96 rows; row 0 is on top. The background
 * is 0, ink is 255. The lowest VH = H / 5 rows (6, 12, 19) are the volume panel, one row above stays empty, and the
 * PH = H - VH - 1 rows (25, 51, 76) above that are the price panel. Bar i, 0 to n - 1, has its centre in column 3 * i
 * + 1.
 *
 * **Average.** The average of a bar is the sum of the closes of it and the n - 1 bars before it, added one by one
 * from the oldest on, divided by n; it is missing where one of them is. An image has the averages of its bars if the
 * series has n bars or more before the window, else none.
 *
 * **Scale.** MIN and MAX are the least and the greatest open, high, low, close and average of the window's bars,
 * missing ones apart; k = (PH - 1) / (MAX - MIN). A price p has the height Y(p) = (p - MIN) * k, rounded to the
 * nearest whole number, halves to the even one, and lies in row PH - 1 - Y(p).
 *
 * **Prices.** A bar whose high and low are there has ink in its column from Y(low) to Y(high), whichever is the
 * greater, and, where they are there, at Y(open) in its column and the one left of it, at Y(close) in the column right
 * of it. A bar that lacks one of high and low has none of these.
 *
 * **Line.** The averages are points at their columns and heights, y upwards. Each has ink. Neighbours that are both
 * there are joined from left to right: with dx = 3 and dy the difference of heights without its sign, if dx > dy, e =
 * 2 * dy - dx, then dx times: ink; if e >= 0 one step in y and e -= 2 * dx; e += 2 * dy; one step in x; else the same
 * with the axes changed over.
 *
 * **Volume.** VMAX is the greatest volume of the window. If it is above 0 and s = VH / VMAX is finite, each bar whose
 * volume v is there has ink in its column in the lowest max(1, h) rows, h being v * s rounded as above. Volumes are
 * drawn for bars without prices too.
 *
 * **No image.** An image that has a reason (tlw_image_reason) is all background: of a chart, TLW_INK_BACKGROUND.
 *
 * ## Tensors
 *
 * An image is channels x height x width numbers (TLW_ORDER_NCHW), or height x width x channels (TLW_ORDER_NHWC), one
 * behind the other without gaps, and images likewise. Of a chart the colour of a pixel is that of the palette; luma
 * is (19595 * R + 38470 * G + 7471 * B + 32768) >> 16, ITU-R BT.601. Of a JKX image all channels are alike. A float
 * is the byte divided by 255, in binary32.
 *
 * The numbers are the same on every backend, SIMD tier, thread count, budget and split.
 */
#ifndef TALLOW_IMAGES_H
#define TALLOW_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/buffer.h"
#include "tallow/candles.h"
#include "tallow/chart.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_image_style { TLW_IMAGES_JKX = 0, TLW_IMAGES_CHART = 1 } tlw_image_style;
typedef enum tlw_image_type { TLW_IMAGE_U8 = 0, TLW_IMAGE_F32 = 1 } tlw_image_type;
typedef enum tlw_image_order { TLW_ORDER_NCHW = 0, TLW_ORDER_NHWC = 1 } tlw_image_order;
typedef enum tlw_image_color { TLW_IMAGE_LUMA = 0, TLW_IMAGE_RGB = 1 } tlw_image_color; /* 1 and 3 channels */

/* Bars of an image at most. */
#define TLW_IMAGE_BARS_MAX ((int64_t)1 << 24)

typedef struct tlw_image_options {
  size_t struct_size;    /* set by tlw_image_options_init */
  tlw_image_style style; /* default TLW_IMAGES_JKX */
  int64_t window;        /* bars of an image: of JKX 5, 20 (default) or 60, of charts 1 to TLW_IMAGE_BARS_MAX */
  tlw_image_type type;   /* default TLW_IMAGE_U8 */
  tlw_image_order order; /* default TLW_ORDER_NCHW */
  tlw_image_color color; /* default TLW_IMAGE_LUMA */
  const tlw_chart_options *chart; /* of TLW_IMAGES_CHART: must not be NULL; else not looked at */
} tlw_image_options;

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_image_options_init(tlw_image_options *options);

typedef struct tlw_image_shape {
  int32_t channels, height, width;
  size_t size; /* bytes of an image */
} tlw_image_shape;

/* The shape that options gives. TLW_ERR_ARGUMENT. Thread-safety: any thread. */
TLW_API tlw_status tlw_image_shape_of(const tlw_image_options *options, tlw_image_shape *shape, tlw_error *error);

/* A window: the bars of a series up to row `last` of it, 0 being its first. */
typedef struct tlw_image_window {
  int64_t series, last;
} tlw_image_window;

/* Why a window gives no image, or that it does. Of several reasons it is the first. */
typedef enum tlw_image_reason {
  TLW_IMAGE_DRAWN = 0,
  TLW_IMAGE_FEW_BARS = 1, /* the series has not enough bars up to there */
  TLW_IMAGE_NO_CLOSE = 2, /* JKX: the first close of the window is 0 or missing */
  TLW_IMAGE_FLAT = 3,     /* JKX: MAX = MIN */
  TLW_IMAGE_BEYOND = 4    /* JKX: MAX - MIN or k is not finite */
} tlw_image_reason;
#define TLW_IMAGE_REASONS 5

/* A few words, such as "flat prices"; NULL for another value. Thread-safety: any thread, any time. */
TLW_API const char *tlw_image_reason_text(tlw_image_reason reason);

/*
 * Windows that a series of n_bars has: the first ends at row window - 1, each further one `stride` rows behind the
 * one before. 0 if it has none, or an argument is below 1. Thread-safety: any thread, any time.
 */
TLW_API int64_t tlw_image_windows(int64_t n_bars, int64_t window, int64_t stride);

/*
 * Finds the reasons of n windows, as tlw_image_reason, without drawing. Candles as for tlw_images_draw.
 * TLW_ERR_ARGUMENT: as there. Thread-safety: any thread. Cost: O(n * window) comparisons for JKX, else O(n).
 */
TLW_API tlw_status tlw_image_reasons(const tlw_candles *candles, const tlw_image_options *options,
                                     const tlw_image_window *windows, int64_t n, uint8_t *reasons, tlw_error *error);

/*
 * Draws n windows of the candles' series: image i at images + i * shape.size. reasons gets n of tlw_image_reason; it
 * may be NULL. Windows may come in any order, overlap and repeat. JKX needs open, high, low and close; without volume
 * its panel stays empty; times are not looked at. Charts as tlw_chart_render.
 *
 * images: n * shape.size bytes, aligned to the type of the numbers; size: its bytes, n * shape.size or more.
 *
 * TLW_ERR_ARGUMENT: an argument is out of range or missing, or a window names a series or row that is not there;
 * TLW_ERR_DATA: as for tlw_chart_render (row: counted from the start of the columns); TLW_ERR_BUDGET (bytes: what the
 * budget that the message names must be); TLW_ERR_MEMORY; TLW_ERR_DEVICE; TLW_ERR_DEVICE_LOST. After an error the
 * images are unspecified, but nothing outside of them is touched.
 *
 * Thread-safety: any thread; calls on one engine run one after the other. Cost: O(images); no memory is allocated by
 * the second call of the same shape.
 */
TLW_API tlw_status tlw_images_draw(tlw_engine *engine, const tlw_candles *candles, const tlw_image_options *options,
                                   const tlw_image_window *windows, int64_t n, void *images, size_t size,
                                   uint8_t *reasons, tlw_error *error);

/*
 * Likewise into a new buffer of n * shape.size bytes on the engine's device, where the images stay: n is 1 or more.
 * On failure buffer->id is 0. Codes as for tlw_images_draw and tlw_buffer_alloc.
 */
TLW_API tlw_status tlw_images_to_buffer(tlw_engine *engine, const tlw_candles *candles,
                                        const tlw_image_options *options, const tlw_image_window *windows, int64_t n,
                                        tlw_buffer *buffer, uint8_t *reasons, tlw_error *error);

/*
 * ## DLPack
 *
 * Tensors are handed to other libraries as those of DLPack (dmlc.github.io/dlpack), whose DLManagedTensor the last of
 * these structs is, member by member.
 */
typedef enum tlw_dl_place { TLW_DL_CPU = 1, TLW_DL_CUDA = 2, TLW_DL_OPENCL = 4 } tlw_dl_place;
typedef enum tlw_dl_code { TLW_DL_UINT = 1, TLW_DL_FLOAT = 2 } tlw_dl_code;

typedef struct tlw_dl_tensor {
  void *data; /* with TLW_DL_CPU and TLW_DL_CUDA an address; with TLW_DL_OPENCL a cl_mem */
  struct {
    int32_t type; /* tlw_dl_place */
    int32_t id;   /* the driver's number of the device */
  } device;
  int32_t ndim; /* 4 */
  struct {
    uint8_t code, bits; /* tlw_dl_code; 8 or 32 */
    uint16_t lanes;     /* 1 */
  } dtype;
  int64_t *shape;       /* n, then as order says */
  int64_t *strides;     /* in numbers */
  uint64_t byte_offset; /* from data to the first number */
} tlw_dl_tensor;

typedef struct tlw_dl_managed {
  tlw_dl_tensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct tlw_dl_managed
                      *self); /* releases the tensor and its buffer, of which nothing may read any more; any thread */
} tlw_dl_managed;

/*
 * Hands out a buffer of images as a tensor. It belongs to the tensor from then on: buffer->id becomes 0 and
 * (*tensor)->deleter frees it. Work on the images is complete, so that any stream may read them at once.
 *
 * The memory is valid until the tensor is released, or the engine is reset (SESSION, MEMORY), changes backend or is
 * closed, whichever comes first; the deleter is always due, also behind these, and then only frees the struct (about
 * 200 bytes that no budget counts).
 *
 * The deleter gives the memory back at once, for other buffers and drawings to write to: it knows nothing of other
 * libraries' streams. Whoever calls it must have completed all work on the memory first, on a device too; what was only
 * launched may still read. Where a library calls it as soon as its own tensor is released, wait for that library's
 * streams before, or copy the images.
 *
 * Handles of the buffer that were copied before are stale from then on. The deleter waits for an operation that runs on
 * the engine; it must not be called from the engine's log function.
 *
 * TLW_ERR_ARGUMENT: also where the buffer is not of n images of that shape; TLW_ERR_STALE; TLW_ERR_MEMORY;
 * TLW_ERR_DEVICE_LOST. On failure *tensor is NULL and the buffer is as it was. Thread-safety: any thread; calls on one
 * engine run one after the other.
 */
TLW_API tlw_status tlw_images_tensor(tlw_engine *engine, tlw_buffer *buffer, const tlw_image_options *options,
                                     int64_t n, tlw_dl_managed **tensor, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
