/* One run of "tallow dataset": windows of candles through an engine into a set of images. */
#ifndef CLI_DATASET_RUN_H
#define CLI_DATASET_RUN_H

#include <stdint.h>

#include "buffer.h"
#include "dataset.h"
#include "dataset_labels.h"
#include "dataset_manifest.h"
#include "dataset_tar.h"
#include "render.h"
#include "spec.h"

#define SEE_HELP "; try 'tallow dataset --help'"

/* Windows that are looked at together. */
#define DATASET_GROUP 2048

/* Images of so many bytes, or one, are drawn and written together, and are what parts of a run take turns with. */
#define DATASET_BLOCK ((int64_t)4 << 20)

/* A symbol of a table with its terminator, at most. */
#define DATASET_SYMBOL_SIZE 256

typedef enum dataset_format { DATASET_NPY, DATASET_DAT, DATASET_TAR } dataset_format;

typedef struct dataset_blocks dataset_blocks;
typedef struct dataset_array dataset_array;
typedef struct dataset_state dataset_state;

/* How far images have come: all of the part below `images` are written. */
typedef struct dataset_point {
  int64_t images;
  int32_t inputs; /* that were read by then */
  uint64_t data;  /* hash of their rows */
} dataset_point;

/* Which file the array is; all 0: there is none. */
typedef struct dataset_identity {
  uint64_t device, inode;
} dataset_identity;

typedef struct dataset_run {
  cli_args typed;       /* with what follows from others */
  const cli_args *args; /* these */
  int quiet, verbose, resume;

  /* What is drawn, and what is shared with "tallow render": its chart, engine, progress and statistics. */
  cli_args chart_args; /* options of render that mean the same */
  cli_spec spec;
  render base;
  tlw_image_options images;
  tlw_image_shape shape;
  int64_t window, stride;
  int64_t horizon_bars[CLI_PARTS_MAX];
  dataset_horizons horizons;
  cli_buffer chart_text; /* the description of charts on one line */
  cli_buffer header;     /* all that decides bytes, and the format, on one line */

  /* Where it goes. */
  dataset_format format;
  const char *out;
  int64_t per_tar;
  cli_shard shard;
  int64_t unit;         /* images in a turn of a part; of a .tar all of one */
  int64_t room;         /* images of a block */
  int n_blocks;         /* in memory */
  int writes_beside;    /* 1: labels and manifest; of parts the first has them */
  dataset_array *array; /* NULL: of a .tar */
  dataset_tar *tar;
  dataset_labels *labels;
  dataset_manifest *manifest;
  dataset_state *state;
  dataset_blocks *blocks;

  /* Of the thread that reads. */
  dataset_point begin; /* where an earlier run has come to */
  int32_t inputs;      /* that were read */
  uint64_t data;       /* hash of their rows */
  int64_t n_windows, n_images;
  int64_t n_own; /* images of this part */
  int64_t left_out[DATASET_REASONS];
  int64_t n_failed;    /* inputs that could not be read */
  cli_exit first_code; /* of the first of them */
  int drawing;         /* 1: there may be images */

  _Atomic int64_t kept; /* all of the part below it are what another run can go on from */
} dataset_run;

static inline const cli_value *dataset_value(const dataset_run *r, int option) { return &r->args->values[option]; }
static inline tlw_engine *dataset_engine(const dataset_run *r) { return r->base.engines[0]; }

/* ---- dataset_plan.c ---- */

/* What can be known before anything is opened. CLI_OK, or another code after a message. To be freed in any case. */
cli_exit dataset_plan(dataset_run *r);
void dataset_plan_free(dataset_run *r);

/* What the manifest is made of; zones as in its options. */
dataset_manifest_options dataset_manifest_options_of(const dataset_run *r, const char *zones);

/* Bytes of a block for each image. */
uint64_t dataset_block_bytes(const dataset_run *r);

/* ---- dataset_windows.c ---- */

typedef struct dataset_windows dataset_windows;

/* CLI_OK, or another code after a message. */
cli_exit dataset_windows_open(dataset_windows **windows, dataset_run *r);
void dataset_windows_close(dataset_windows **windows);

/* Draws the windows of an input. CLI_OK: go on with the next, whether it could be read or not. */
cli_exit dataset_windows_file(dataset_windows *windows, int input);

/* All inputs were read: refuses fewer than those of the run that it goes on from. */
cli_exit dataset_windows_end(const dataset_run *r);

/* Bytes that they take. */
uint64_t dataset_windows_bytes(int32_t n_horizons);

/* ---- dataset_blocks.c ---- */

/* Starts the thread that writes. CLI_OK, or another code after a message. */
cli_exit dataset_blocks_open(dataset_run *r);

/*
 * Draws the next images of the run, those of the part that are not there yet: n windows of candles, which are described
 * too; number: of the first.
 */
cli_exit dataset_blocks_draw(dataset_run *r, const tlw_candles *candles, const tlw_image_window *windows,
                             const dataset_window *described, int64_t number, int64_t n);

/*
 * Ends the thread once all that was drawn is written; a block that is not full too, if code is CLI_OK. Returns the first
 * failure, or code.
 */
cli_exit dataset_blocks_finish(dataset_run *r, cli_exit code);

/* For another thread, in place of the one that draws: waits until blocks that are full are written. */
void dataset_blocks_settle(dataset_run *r);

/* Behind one of these two: has the state say how far images are, once they have reached the disk. */
cli_exit dataset_blocks_save(dataset_run *r);

/* Ends the thread. */
void dataset_blocks_close(dataset_run *r);

/* ---- dataset_array.c ---- */

/* Opens the file that images go to until it is complete. CLI_OK, or another code after a message; so do all. */
cli_exit dataset_array_open(dataset_run *r);

/* Whether the disk lacks room for the array with n images; and refuses it then. */
int dataset_array_may_lack_room(const dataset_run *r, int64_t n);
cli_exit dataset_array_check_room(const dataset_run *r, int64_t n);

/* What it is called until it is complete; NULL: it has no name of its own. */
const char *dataset_array_partial(const dataset_run *r);

/* Any one thread. */
cli_exit dataset_array_write(dataset_run *r, const void *pixels, int64_t first, int64_t n);
cli_exit dataset_array_sync(dataset_run *r);

dataset_identity dataset_array_identity(const dataset_run *r);

/* Writes the header, now that the number of images is known, and gives it its length and name. Of parts the last. */
cli_exit dataset_array_finish(dataset_run *r);

/* Closes it. Unless it is complete it stays for --resume, or, if `is_removed` is 1, goes. */
void dataset_array_close(dataset_run *r, int is_removed);

/* ---- dataset_sweep.c ---- */

/* Removes temporaries whose writers are dead. */
void dataset_sweep(const dataset_run *r);

/*
 * Removes labels and a manifest of other images that have the names of those that the run does not make: of parts the
 * first does. Those alone that are regular files. CLI_OK, or another code after a message.
 */
cli_exit dataset_remove_stale(const dataset_run *r);

/* ---- dataset_state.c ---- */

/*
 * Opens the state of the run, or that of an earlier one that it goes on from: sets r->begin. Refuses an output that is
 * of others.
 */
cli_exit dataset_state_open(dataset_run *r);

/* Writes it, now that the output is open. */
cli_exit dataset_state_begin(dataset_run *r);

/* Notes how far images are. is_synced: 1: they have reached the disk. The thread that writes. */
cli_exit dataset_state_save(dataset_run *r, const dataset_point *point, int is_synced);

/* The run is done. Of parts the last that is done completes the output and removes the state of all. */
cli_exit dataset_state_finish(dataset_run *r);

/* Closes it. Unless the run is done it stays for --resume, or, if `is_removed` is 1, goes. */
void dataset_state_close(dataset_run *r, int is_removed);

#endif
