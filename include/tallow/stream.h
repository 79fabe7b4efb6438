/*
 * Streams: series in, finished images out in the same order, in memory that does not grow with their number or size.
 *
 * A producer gives series, whole or in chunks of rows; a sink gets each finished image as a raster or as a PNG file,
 * whole where it fits, else in bands of rows from top to bottom. Between them a ring of slots on each engine overlaps
 * upload, drawing, download and encoding; when all slots are taken, the producer waits. Several engines share the
 * series between them: order and bytes are those of one.
 *
 * A chart whose rows do not fit a slot is merged into pixel columns on the host first, and one whose image does not
 * fit is drawn in bands: the pixels are the same.
 *
 * Failures: the first ends the stream. Every image before the one that failed is still delivered, none after it; each
 * further call returns the same failure. tlw_stream_close is always due and never fails.
 *
 * Thread-safety: push, rows, run and finish come from one thread at a time. tlw_stream_stop and tlw_stream_cancel may
 * be called from any thread at any time before close begins, callbacks included. Callbacks are called on threads of
 * the stream (release also on the pushing one), the sink by one thread at a time; no callback may call another
 * function of the stream, or tlw_engine_reset or tlw_engine_close on its engines. Other work may be done on the
 * engines meanwhile. Once a stream has ended, its batches are released without any further call.
 */
#ifndef TALLOW_STREAM_H
#define TALLOW_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/chart.h"
#include "tallow/engine.h"
#include "tallow/png.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tlw_stream tlw_stream;

typedef enum tlw_stream_format {
  TLW_STREAM_RASTER = 0, /* pixels as tlw_chart_render draws them */
  TLW_STREAM_PNG = 1     /* a PNG file with the colours of tlw_chart_palette, as tlw_png_encode writes it */
} tlw_stream_format;

/* A part of a finished image, valid during the call. */
typedef struct tlw_piece {
  int64_t chart;         /* 0 for the first series that was pushed */
  int32_t first;         /* 1: the image begins */
  int32_t last;          /* 1: the image is complete */
  int32_t width, height; /* of the whole image */
  /* RASTER: rows y to y + rows - 1, row r of them at data + r * row_stride. PNG: 0. */
  int32_t y, rows;
  size_t row_stride;
  const uint8_t *data;
  size_t size; /* PNG: bytes at data, the next of the file, 0 at times; RASTER: bytes up to the last pixel */
  void *user;  /* of the push that the series came by */
  /*
   * With options.digest, in the last piece of an image: the SHA-256 of its width * height pixels, row by row, and of
   * the PNG file; else NULL. TLW_DIGEST_SIZE bytes each.
   */
  const uint8_t *raster_digest, *file_digest;
} tlw_piece;

/*
 * Takes a piece. Anything but TLW_OK ends the stream with that code and what was written to *error, which is never
 * NULL.
 */
typedef tlw_status (*tlw_sink_fn)(void *user, const tlw_piece *piece, tlw_error *error);

/* The columns, offsets and counts of a push are no longer looked at. Called once for each push that was accepted. */
typedef void (*tlw_release_fn)(void *user);

#define TLW_STREAM_ENGINES_MAX 64

typedef struct tlw_stream_options {
  size_t struct_size;       /* set by tlw_stream_options_init */
  tlw_stream_format format; /* default TLW_STREAM_RASTER */
  tlw_png_coding coding;    /* of TLW_STREAM_PNG; default TLW_PNG_FAST */
  uint32_t slots;    /* of each engine, 2 to 4; default 3. Fewer are used where a host budget has no room for them */
  uint32_t encoders; /* threads that encode and deliver, 1 to TLW_THREADS_MAX; AUTO: as many as engine 0 has */
  int32_t digest;    /* 1: pieces come with digests, made by the encoders; for TLW_STREAM_PNG only. Default 0 */
  tlw_sink_fn sink;  /* must not be NULL */
  void *sink_user;
} tlw_stream_options;

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_stream_options_init(tlw_stream_options *options);

/*
 * Opens a stream over n_engines different engines, 1 to TLW_STREAM_ENGINES_MAX, which must stay open until it is
 * closed. Memory comes out of the budgets of those that draw, that of series in chunks out of the first one's. On
 * failure *stream is NULL.
 *
 * TLW_ERR_ARGUMENT; TLW_ERR_BUDGET: a host budget can't hold the stream itself; TLW_ERR_MEMORY; TLW_ERR_DEVICE_LOST;
 * TLW_ERR_UNAVAILABLE: digests are asked for and there is no libcrypto, or TLW_PNG_SMALL and no libdeflate.
 */
TLW_API tlw_status tlw_stream_open(tlw_stream **stream, tlw_engine *const *engines, size_t n_engines,
                                   const tlw_stream_options *options, tlw_error *error);

/*
 * Pushes the series of a batch, one chart each. candles and chart are copied, what they point to is not: with release
 * it must stay as it is until release(user) is called, and the call returns as soon as the stream has taken note of
 * it (after waiting until at most 7 earlier pushes are unfinished); without release the call returns when the columns
 * have been read.
 *
 * TLW_ERR_ARGUMENT: as for tlw_chart_render; the stream goes on as if the call had not been made, release is not
 * called. Else the failure that ended the stream, which may be of an earlier push: TLW_ERR_DATA (row: of this batch),
 * TLW_ERR_BUDGET (bytes: what the budget that the message names must be), TLW_ERR_MEMORY, TLW_ERR_IO, TLW_ERR_DEVICE,
 * TLW_ERR_DEVICE_LOST, TLW_ERR_STALE after a reset, TLW_ERR_CANCELLED, or a code of the sink. A push that fails so is
 * not released unless it was accepted.
 */
TLW_API tlw_status tlw_stream_push(tlw_stream *stream, const tlw_candles *candles, const tlw_chart_options *chart,
                                   tlw_release_fn release, void *user, tlw_error *error);

/* What a chart with TLW_AXIS_TIME must know of a series before its first row: see tlw_chart_render for D. */
typedef struct tlw_time_range {
  int64_t first, last; /* times of the first and last row */
  uint64_t step;       /* the least positive difference of neighbouring times; 1 if there is none */
} tlw_time_range;

/*
 * Begins a series of n_rows rows that come in chunks, for one chart, what chart points to being needed until the call
 * returns, but its zone until the last row was given. Where any chunk lacks times, the chart has no time labels.
 * range is needed for TLW_AXIS_TIME only, else NULL. The rows are merged into pixel columns as they come, so that the
 * series may be of any length. No other push may come before its last row.
 *
 * TLW_ERR_ARGUMENT: out of range or missing, or another series is not complete; else as for tlw_stream_push.
 */
TLW_API tlw_status tlw_stream_series(tlw_stream *stream, int64_t n_rows, const tlw_time_range *range,
                                     const tlw_chart_options *chart, void *user, tlw_error *error);

/*
 * The next rows of that series, all n_rows of candles, whose offsets and counts must be NULL. They are no longer
 * looked at when the call returns.
 *
 * TLW_ERR_ARGUMENT: more rows than were announced, no series, as for tlw_chart_render; TLW_ERR_DATA: times decrease
 * or do not agree with the range, or a log scale has no place for a price (row: counted from the beginning of the
 * series); else as for tlw_stream_push.
 */
TLW_API tlw_status tlw_stream_rows(tlw_stream *stream, const tlw_candles *candles, tlw_error *error);

/*
 * Fills in *candles with the next batch, which must stay as it is until the next call, and *chart, which holds what
 * it held after the last call (the defaults at first). n_series = 0 ends the run. Anything but TLW_OK ends the
 * stream.
 */
typedef tlw_status (*tlw_producer_fn)(void *user, tlw_candles *candles, tlw_chart_options *chart, tlw_error *error);

/*
 * Pushes what the producer gives until it ends. Failures as for tlw_stream_push; of its arguments, they end the
 * stream.
 */
TLW_API tlw_status tlw_stream_run(tlw_stream *stream, tlw_producer_fn producer, void *user, tlw_error *error);

/*
 * Waits until every image is delivered. The stream can then be used on. TLW_ERR_ARGUMENT: a series is not complete;
 * else the failure that ended the stream.
 */
TLW_API tlw_status tlw_stream_finish(tlw_stream *stream, tlw_error *error);

/*
 * Lets the stream end early but tidily: no further image is begun, those that are being drawn or encoded are
 * delivered in order, then the stream ends with TLW_ERR_CANCELLED, or with the failure of one of these. What is still
 * delivered is at most what the slots hold, and the rest of an image that is drawn in bands. With several engines,
 * images behind the first that is not begun are dropped, so that none is left out.
 *
 * Returns at once; tlw_stream_finish waits for the end. Calls that wait for room return with TLW_ERR_CANCELLED, a
 * push without release once the end has come. A series whose rows are not complete is not drawn. After a failure, or
 * twice, it does nothing. NULL is fine. Thread-safety: as tlw_stream_cancel.
 */
TLW_API void tlw_stream_stop(tlw_stream *stream);

/*
 * Ends the stream with TLW_ERR_CANCELLED: what is not yet delivered is dropped, the rest of an image that was begun
 * too, calls that wait return. A stream that has failed already keeps its failure, but drops what is not yet
 * delivered. NULL is fine. The engines can be used on.
 */
TLW_API void tlw_stream_cancel(tlw_stream *stream);

/*
 * Cancels what is unfinished, waits for callbacks to return, frees everything and sets *stream to NULL. NULL is fine.
 */
TLW_API void tlw_stream_close(tlw_stream **stream);

#ifdef __cplusplus
}
#endif

#endif
