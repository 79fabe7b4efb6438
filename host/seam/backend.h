/*
 * The seam between what is done and where: the operations that cpu/ and gpu/ fill in and engine/ calls. Arguments
 * have been validated by the public function that the work came through.
 */
#ifndef TALLOW_SEAM_BACKEND_H
#define TALLOW_SEAM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/ledger.h"
#include "host/base/memory.h"
#include "host/base/pool.h"
#include "host/base/telemetry.h"
#include "kernels/core/bars.h"
#include "kernels/core/image.h"
#include "kernels/core/jkx.h"
#include "kernels/core/text.h"
#include "kernels/core/window.h"
#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/images.h"
#include "tallow/trades.h"

/* What an engine lends its backend. It outlives the backend. */
struct tlw_services {
  struct tlw_memory memory;
  struct tlw_ledger ledger;
  struct tlw_telemetry telemetry;
  struct tlw_gauge device_bytes;
  _Atomic uint64_t device_budget; /* may still be TLW_BUDGET_AUTO when a backend opens, which then settles it */
  _Atomic uint64_t host_reserve;  /* bytes of the host budget that others than slabs of the device have, or will take */
  uint32_t threads;
  uint32_t deadline_ms;
  _Atomic uint64_t launches, uploaded, downloaded;
  tlw_log_fn log; /* or NULL */
  void *log_user;
  const char *cache_dir; /* as in tlw_engine_options; valid while the backend opens */
};

/* The host memory of an engine, for what is not part of it but counts against its budget. */
struct tlw_memory *tlw_engine_memory(tlw_engine *engine);

/* Series of a job, at most. */
#define TLW_JOB_SERIES 512

/* Fills in the notes of chart i of a source, aligned to 8 bytes. Pure; of series, all but `begin` is used. */
struct tlw_source;
typedef void (*tlw_note_fn)(const struct tlw_source *source, int64_t i, const tlk_series *series, tlk_notes *notes);

/* Files of charts, as tlw_png_encode makes them of their pixels with TLW_PNG_FAST. */
struct tlw_render_files {
  const uint8_t *rgb; /* the palette */
  int32_t n_colors;
  uint8_t *bytes;  /* of the first chart's file */
  size_t stride;   /* from one file's place to the next */
  size_t capacity; /* of each place: no file needs more */
  size_t *sizes;   /* of the files, which are filled in with them */
};

/* Images of charts, one behind the other, as tlw_image_options has them; a series without rows is all background. */
struct tlw_render_tensor {
  tlk_image image;
  const uint32_t (*inks)[TLK_IMAGE_INKS]; /* by channel: the bits of the number of each ink */
  struct tlw_part part;                   /* of the backend's pool */
  uint64_t offset;                        /* of the first chart's image in it */
};

/* Charts to draw: one layout, many series; or, with merged, rows y0 to y1 - 1 of the chart of one series. */
struct tlw_render_job {
  tlk_layout layout;
  const double *open, *high, *low, *close;
  const double *volume; /* NULL where the layout has no volume panel */
  const int64_t *time;  /* NULL on the index axis */
  const tlk_series *series;
  int64_t n_series;
  /* The candles of each pixel column, as tlw_cpu_columns_end gives them, in place of rows; or NULL. */
  const double *merged;
  /*
   * What is drawn over candles, in a layout with text or lines. sheet: NULL without text. notes: of each chart, behind
   * each other, tlk_notes_size(layout) bytes a chart; or, of whole charts for a backend that draws anywhere, NULL:
   * `note` fills in those of series i as note(source, first + i, &series[i], notes), on any thread.
   */
  const tlk_sheet *sheet;
  const void *notes;
  tlw_note_fn note;
  const struct tlw_source *source;
  int64_t first;
  int32_t y0, y1;  /* 0 and the height without merged */
  uint8_t *pixels; /* row y0 of the first chart */
  size_t row_stride, image_stride;
  /* In place of pixels, of whole charts, where the backend can; or NULL: files; images that stay with the backend. */
  const struct tlw_render_files *files;
  const struct tlw_render_tensor *tensor;
};

/* One output of rolling windows. */
struct tlw_window_task {
  tlk_window window;
  const void *x, *y; /* columns; y NULL where the operation reads one. Tasks may share them */
  double *output;    /* n_rows; rows of no series are not written */
};

/* Rolling windows over many series, as in tlw_window_batch. */
struct tlw_window_job {
  const struct tlw_window_task *tasks;
  int32_t n_tasks;
  tlw_type type; /* of the columns */
  int64_t n_rows, n_series;
  const int64_t *offsets; /* n_series + 1 */
  const int64_t *origin;  /* n_series, or NULL: all 0 */
};

/* Work in flight. Its owner zeroes it, keeps it in place and waits for it before the memory of the job is touched. */
struct tlw_ticket {
  uint64_t number; /* 0: nothing is in flight */
  tlw_status status;
  tlw_error error; /* where status is not TLW_OK */
};

/* Rows to be joined into parts: one series, one behind the other. */
struct tlw_bars_job {
  const tlw_trades *rows; /* examined; of columns only those that fields need are looked at */
  uint32_t fields;        /* TLW_BAR_... */
  int64_t begin;          /* first row of the first part */
  const int64_t *ends;    /* of each part, exclusive; they do not decrease. A part may be empty */
  int64_t n_parts;
  tlk_bar_part *parts; /* results */
};

/* JKX images of windows over columns, one behind the other. */
struct tlw_images_job {
  tlk_jkx jkx;
  tlk_image image;
  const double *open, *high, *low, *close;
  const double *volume; /* or NULL */
  const tlk_jkx_window *windows;
  int64_t n;
  /* Where they go: host memory; or, where it is NULL, `offset` bytes into a part of the backend's pool. */
  uint8_t *images;
  struct tlw_part part;
  uint64_t offset;
  uint8_t *reasons; /* n results, or NULL */
};

/* Where a part of the pool lies, for others: see tlw_dl_tensor. */
struct tlw_location {
  tlw_dl_place place;
  int32_t device;
  void *data;
  uint64_t offset;
};

struct tlw_backend_state; /* each backend's own */
struct tlw_team;

/*
 * Calls come from one thread at a time. After TLW_ERR_DEVICE_LOST only staging_close and close are called.
 */
struct tlw_backend_ops {
  void (*close)(struct tlw_backend_state *state);

  /*
   * How many charts of the job, from its first series on, one of `shares` equal shares of the device can take whole,
   * and with merged how many rows of the chart. limit: most bytes of such a piece of work. 0: none.
   */
  int64_t (*fit)(struct tlw_backend_state *state, const struct tlw_render_job *job, uint32_t shares, uint64_t limit);

  /*
   * Bytes of the smallest piece of work of a chart with this layout, one row, merged: of the device's budget, and of
   * the host's where device memory is taken from there.
   */
  uint64_t (*least_device)(struct tlw_backend_state *state, const tlk_layout *layout);
  uint64_t (*least_host)(struct tlw_backend_state *state, const tlk_layout *layout);

  /*
   * Takes the host memory that drawing needs, leaving as much of the budget as said. TLW_ERR_BUDGET, TLW_ERR_MEMORY.
   */
  tlw_status (*prepare)(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave, tlw_error *error);

  /* As prepare, for jobs with files as well. NULL: this backend has none of these. */
  tlw_status (*prepare_files)(struct tlw_backend_state *state, const tlk_layout *layout, uint64_t leave,
                              tlw_error *error);

  /* Makes ready what jobs with a tensor need, besides. NULL: this backend has none of these. */
  tlw_status (*prepare_tensors)(struct tlw_backend_state *state, tlw_error *error);

  /*
   * Begins to draw what fits. Unless it fails, the pixels or files are there, and the columns no longer needed, once
   * wait gives TLW_OK; a backend that is done at once leaves the ticket zero.
   */
  tlw_status (*draw)(struct tlw_backend_state *state, const struct tlw_render_job *job, struct tlw_ticket *ticket,
                     tlw_error *error);
  tlw_status (*wait)(struct tlw_backend_state *state, struct tlw_ticket *ticket, tlw_error *error);
  /* Whether wait would return at once. */
  bool (*is_done)(struct tlw_backend_state *state, const struct tlw_ticket *ticket);

  /*
   * Rolling windows, complete on return. The first call makes ready what only windows need. TLW_ERR_BUDGET, with what
   * would do; TLW_ERR_MEMORY: it may be tried again, outputs so far being written anew; TLW_ERR_UNAVAILABLE: this
   * backend has no windows here, for good. limit: most bytes of the device that a piece of work takes.
   */
  tlw_status (*windows)(struct tlw_backend_state *state, const struct tlw_window_job *job, uint64_t limit,
                        tlw_error *error);

  /*
   * Joins rows into parts, complete on return. Otherwise as windows. NULL: this backend does not, and the CPU's loops do.
   */
  tlw_status (*bars)(struct tlw_backend_state *state, const struct tlw_bars_job *job, uint64_t limit, tlw_error *error);

  /* Draws images, complete on return. Otherwise as windows. */
  tlw_status (*images)(struct tlw_backend_state *state, const struct tlw_images_job *job, uint64_t limit,
                       tlw_error *error);

  /* Host memory that jobs may draw into: on a GPU where copies from the device run beside work. Counted. */
  tlw_status (*staging_open)(struct tlw_backend_state *state, struct tlw_block *block, uint64_t size, tlw_error *error);
  void (*staging_close)(struct tlw_backend_state *state, struct tlw_block *block);
  bool draws_anywhere; /* any memory will do as well */

  /* Threads that are idle between calls. NULL: this backend has none. */
  struct tlw_team *(*team)(struct tlw_backend_state *state);

  /* Parts of the pool, see pool.h. The copies are complete on return; a read goes to staging memory. */
  struct tlw_pool *(*pool)(struct tlw_backend_state *state);
  tlw_status (*write)(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset, const void *source,
                      uint64_t size, tlw_error *error);
  tlw_status (*read)(struct tlw_backend_state *state, const struct tlw_part *part, uint64_t offset, void *target,
                     uint64_t size, tlw_error *error);
  struct tlw_location (*locate)(struct tlw_backend_state *state, const struct tlw_part *part);

  /* Waits for work in flight, then gives back memory that nothing uses: of slabs, with all of working memory too. */
  tlw_status (*trim)(struct tlw_backend_state *state, bool all, tlw_error *error);
};

/* An open backend. */
struct tlw_executor {
  const struct tlw_backend_ops *ops;
  struct tlw_backend_state *state;
  tlw_device device; /* what it runs on */
};

#endif
