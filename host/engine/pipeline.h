/*
 * The streaming pipeline: batches of series in, pieces of finished images out in order.
 *
 * Each engine has a lane: a thread that cuts batches into claims, draws them piece by piece into the slots of the
 * lane and waits for the device. Encoders take drawn charts, make files of them and hand them to the sink in order.
 * Nothing is ever queued without a bound: a lane waits for a free slot, a push for a free place of a batch.
 */
#ifndef TALLOW_ENGINE_PIPELINE_H
#define TALLOW_ENGINE_PIPELINE_H

#include "draw.h"
#include "tallow/stream.h"

struct tlw_pipeline;

#define TLW_PIPELINE_COLORS 256

/* Series to draw. What the source points to must stay until release is called. */
struct tlw_batch {
  struct tlw_source source;
  tlw_chart_options options; /* what source.options points to once the batch is taken over */
  int64_t n_series;
  uint8_t rgb[3 * TLW_PIPELINE_COLORS]; /* for PNG */
  int32_t n_colors;
  void *user;             /* for the sink and release */
  tlw_release_fn release; /* or NULL */
  /* What source.merged, .sheet and .chunk_notes point to, of the first engine's memory; they go with the batch. */
  struct tlw_block merged, sheet, notes;
};

/* Gives that memory back. */
void tlw_batch_free(struct tlw_memory *memory, struct tlw_batch *batch);

/* What an open pipeline counts in the memory of its first engine, of which it is told here. */
uint64_t tlw_pipeline_bytes(tlw_engine *engine, const tlw_stream_options *options);

tlw_status tlw_pipeline_open(struct tlw_pipeline **pipeline, tlw_engine *const *engines, size_t n_engines,
                             const tlw_stream_options *options, tlw_error *error);

/*
 * Takes the batch over, after waiting for a place; its memory even where that fails. `wait`: returns when it is
 * released. Else the failure that ended it all.
 */
tlw_status tlw_pipeline_push(struct tlw_pipeline *pipeline, const struct tlw_batch *batch, bool wait, tlw_error *error);

/* The failure that ended the pipeline, if one did. */
tlw_status tlw_pipeline_status(struct tlw_pipeline *pipeline, tlw_error *error);

/* Ends the pipeline with a failure of the producer: what was pushed before is delivered. */
void tlw_pipeline_fail(struct tlw_pipeline *pipeline, const tlw_error *failure);

tlw_status tlw_pipeline_finish(struct tlw_pipeline *pipeline, tlw_error *error);
/*
 * After a lack of host memory: waits until all is delivered, and gives back what is idle, so that as much of the first
 * engine's budget is left beside what a chart of this layout needs. TLW_ERR_BUDGET, or the failure that ended it.
 */
tlw_status tlw_pipeline_relieve(struct tlw_pipeline *pipeline, const tlk_layout *layout, uint64_t leave,
                                tlw_error *error);

/* As tlw_stream_stop says. */
void tlw_pipeline_stop(struct tlw_pipeline *pipeline);

void tlw_pipeline_cancel(struct tlw_pipeline *pipeline);
void tlw_pipeline_close(struct tlw_pipeline **pipeline);

/* Marks that the calling thread is in a callback of the pipeline's owner, until tlw_engine_leave. */
void tlw_pipeline_enter(const struct tlw_pipeline *pipeline, struct tlw_callback *callback);

/* The clock of the first engine, and tells it that the rows of a series were prepared from `begun` until now. */
int64_t tlw_pipeline_now(const struct tlw_pipeline *pipeline);
void tlw_pipeline_tell(const struct tlw_pipeline *pipeline, int64_t begun);

tlw_engine *tlw_pipeline_engine(const struct tlw_pipeline *pipeline);

#endif
