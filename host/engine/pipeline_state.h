/*
 * What an open pipeline holds, and what its files do for each other. pipeline.c: batches and ends; pipeline_lane.c: the
 * threads that draw; pipeline_encode.c: those that encode; pipeline_deliver.c: what they hand to the sink. All of these
 * functions are called under the pipeline's lock, but for those of which it is said otherwise.
 */
#ifndef TALLOW_ENGINE_PIPELINE_STATE_H
#define TALLOW_ENGINE_PIPELINE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "choice.h"
#include "host/io/digest.h"
#include "host/io/png_encoder.h"
#include "pipeline.h"

#define TLW_LANE_PLACES 4u
#define TLW_PIPELINE_RECORDS 8u /* batches that are not finished */

/* A batch on its way. */
struct tlw_pipeline_record {
  struct tlw_batch batch;
  int64_t first_chart; /* number of its first chart */
  int64_t claimed;     /* series that lanes have taken */
  uint32_t readers;    /* claims and pieces that may still read its columns */
  uint32_t owed;       /* claims and pieces that are not finished */
  int64_t begun;       /* by the first engine's clock */
  int64_t delivered;   /* charts, whole */
  uint64_t bytes;      /* that were delivered */
  bool used;
  bool releasing, released; /* the callback was called; has returned */
};

/*
 * Where a piece stands: its claim, counted over the stream, the piece within that, and a chart of the piece.
 * Everything is delivered in this order.
 */
struct tlw_position {
  int64_t claim, piece, chart;
};

enum tlw_place_state {
  TLW_PLACE_FREE,
  TLW_PLACE_BUSY,   /* its lane works on it */
  TLW_PLACE_FLYING, /* the device does */
  TLW_PLACE_DRAWN   /* to be encoded and delivered */
};

/* A slot of the ring with what becomes of its piece. */
struct tlw_place {
  struct tlw_slot slot;
  enum tlw_place_state state;
  struct tlw_pipeline_record *record;
  int64_t claim, piece;
  bool ends_claim;
  uint32_t users;               /* encoders that look at it */
  int64_t taken, delivered;     /* charts */
  size_t bound;                 /* bytes from one file to the next */
  struct tlw_block encoded;     /* files with their digests, where the slot has no files */
  size_t sizes[TLW_JOB_SERIES]; /* of the files; 0: not made yet */
};

struct tlw_lane {
  struct tlw_guest guest; /* first, so that it is the lane's address */
  struct tlw_pipeline *pipeline;
  tlw_engine *engine;
  pthread_t thread;
  bool started;
  bool settled; /* after an end: holds nothing of its engine */
  struct tlw_cursor cursor;
  struct tlw_pipeline_record *record; /* of the claim at hand; NULL: none */
  int64_t claim, piece;
  struct tlw_share share;
  bool files;       /* whole charts of the claim are to be drawn as files */
  uint32_t threads; /* where the engine's own backend draws on the CPU; else 0 */
  /* The CPU beside a device, as in aim.h. */
  int64_t asked_of;     /* first chart of the batch that was last decided on, and 1 */
  bool prefers_cpu;     /* for that batch */
  int64_t given;        /* first chart of the batch that was last counted as given to the CPU, and 1 */
  struct tlw_load load; /* of that batch */
  bool on_cpu;          /* the claim at hand is drawn there */
  bool planned_cpu;     /* the share was planned for it */
  uint64_t yields;      /* then */
  long nap;             /* nanoseconds before the next look at the device */
  tlk_layout layout;    /* that the share was planned for */
  uint32_t encoders;    /* that the budget has room for beside the share */
  bool draining; /* the budget was exceeded: once all places are free their memory goes back, and it tries again */
  bool drained;  /* has done so */
  struct tlw_place places[TLW_LANE_PLACES];
};

/* A thread that encodes. */
struct tlw_encoder {
  struct tlw_pipeline *pipeline;
  pthread_t thread;
  tlw_digest *digest; /* or NULL */
};

struct tlw_pipeline {
  tlw_stream_options options;
  size_t n_lanes;
  uint32_t n_encoders, n_started; /* threads that encode */
  tlw_engine *engines[TLW_STREAM_ENGINES_MAX];

  pthread_mutex_t lock; /* for all that follows */
  pthread_cond_t room;  /* for pushes and those who wait for an end */
  pthread_cond_t work;  /* for lanes */
  pthread_cond_t ready; /* for encoders */
  struct tlw_pipeline_record records[TLW_PIPELINE_RECORDS];
  uint32_t next_record; /* to be filled */
  uint32_t claiming;    /* from which lanes take */
  int64_t n_charts, n_claims;
  struct tlw_position delivery; /* what comes next */
  bool delivering;
  uint32_t encoding, encoding_limit; /* encoders at work, and how many the budget allows */
  tlw_status stop;                   /* what ended it */
  tlw_error failure;
  struct tlw_position stop_at; /* the first that is not delivered */
  bool stopping;               /* no further image is begun */
  _Atomic bool at_once;        /* nothing more is delivered */
  bool dropped;                /* and all lanes are settled, all batches released */
  bool closing;
  struct tlw_lane *lanes[TLW_STREAM_ENGINES_MAX];

  /* Of the encoder that delivers: the file that is made of bands. */
  struct tlw_png_encoder *png;
  const struct tlw_place *banded;          /* the band at hand */
  bool begun;                              /* part of the file went out */
  const struct tlw_encoder *deliverer;     /* itself */
  const struct tlw_lane *delivered_lane;   /* whose piece it delivers */
  int64_t mark;                            /* up to when its time is told, by the clock of that lane's engine */
  uint64_t delivered_bytes;                /* of that piece so far */
  tlw_digest *raster_digest, *file_digest; /* or NULL */

  struct tlw_encoder encoders[];
};

static inline bool tlw_position_is_before(struct tlw_position a, struct tlw_position b) {
  if (a.claim != b.claim) return a.claim < b.claim;
  if (a.piece != b.piece) return a.piece < b.piece;
  return a.chart < b.chart;
}

static inline struct tlw_position tlw_place_position(const struct tlw_place *place, int64_t chart) {
  return (struct tlw_position){place->claim, place->piece, chart};
}

static inline struct tlw_memory *tlw_lane_memory(const struct tlw_lane *lane) {
  return tlw_engine_memory(lane->engine);
}

static inline int64_t tlw_lane_now(const struct tlw_lane *lane) {
  return tlw_ledger_now(&tlw_engine_services(lane->engine)->ledger);
}

static inline bool tlw_pipeline_is_png(const struct tlw_pipeline *p) { return p->options.format == TLW_STREAM_PNG; }

/* A piece of whole charts, each of which becomes a file of its own. */
static inline bool tlw_place_is_whole(const struct tlw_place *place) {
  return place->slot.y0 == 0 && place->slot.y1 == place->record->batch.source.layout.height;
}

/* Bytes of the digests behind a file: of its raster, then of the file. */
static inline size_t tlw_pipeline_digests(const struct tlw_pipeline *p) {
  return p->options.digest ? (size_t)2 * TLW_DIGEST_SIZE : 0;
}

static inline uint8_t *tlw_place_file(const struct tlw_place *place, int64_t chart) {
  uint8_t *files = place->slot.files.bytes ? place->slot.files.bytes : place->encoded.data;
  return files + (size_t)chart * place->bound;
}

/* ---- batches and ends: pipeline.c ---- */

void tlw_pipeline_wake(struct tlw_pipeline *p);

/* What is before the position is still delivered. The failure that stands earliest counts. */
void tlw_pipeline_fail_at(struct tlw_pipeline *p, struct tlw_position position, const tlw_error *failure);

/* What is from the position on is not begun any more. */
void tlw_pipeline_stop_at(struct tlw_pipeline *p, struct tlw_position position);

/* Nothing more is delivered. A failure that is there already stays. */
void tlw_pipeline_halt(struct tlw_pipeline *p, const tlw_error *failure);

/*
 * Releases the batch once nobody reads it, and lets its place go once nothing of it is owed. Lets the lock go while the
 * callback runs.
 */
void tlw_pipeline_look_after(struct tlw_pipeline *p, struct tlw_pipeline_record *record);

/* After an end, with all lanes settled. Likewise. */
void tlw_pipeline_drop_records(struct tlw_pipeline *p);

/* ---- lanes: pipeline_lane.c ---- */

/* The thread of a lane. Takes the lock itself. */
void *tlw_lane_main(void *lane);

/* Lets go of a piece whose pixels nobody wants. */
void tlw_lane_drop(struct tlw_pipeline *p, struct tlw_place *place);

/* Without the lock: gives the memory of the lane's places back, all of which are free, and what else is idle. */
void tlw_lane_empty(struct tlw_lane *lane);

/* ---- encoders: pipeline_encode.c ---- */

/* A thread that encodes and delivers. Takes the lock itself. */
void *tlw_encoder_main(void *encoder);

/* The file that becomes of a chart of the place. */
tlw_png_image tlw_encoder_image(const struct tlw_place *place);

/*
 * Without the lock: tells the engine of the lane what an encoder did for it from `begun` on, by the engine's clock, until
 * now, which is the result.
 */
int64_t tlw_encoder_tell(const struct tlw_encoder *encoder, const struct tlw_lane *lane, tlw_stage stage, int64_t begun,
                         int64_t items, uint64_t bytes);

/* Without the lock: adds the rows that the place has of a chart to a digest. */
void tlw_encoder_digest(tlw_digest *digest, const struct tlw_place *place, int64_t chart);

/* ---- delivery: pipeline_deliver.c ---- */

/* The piece whose turn it is, if something of it can be delivered. */
struct tlw_place *tlw_delivery_find(struct tlw_pipeline *p, struct tlw_lane **owner);

/* Delivers of that piece what can be. Lets the lock go meanwhile. */
void tlw_delivery_make(const struct tlw_encoder *by, const struct tlw_lane *lane, struct tlw_place *place);

#endif
