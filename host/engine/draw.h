/*
 * Cutting series into pieces of work that fit the budgets, and drawing them one by one: whole charts where they fit,
 * else bands of rows of one chart, whose candles the host has merged into pixel columns before.
 */
#ifndef TALLOW_ENGINE_DRAW_H
#define TALLOW_ENGINE_DRAW_H

#include "engine.h"
#include "tallow/candles.h"
#include "tallow/chart.h"

/* Series to draw with one layout. What candles point to must stay as it is while pieces of it are in flight. */
struct tlw_source {
  tlk_layout layout;
  tlw_candles candles; /* volume NULL without a volume panel, time NULL on the index axis */
  /* The slots of series i. TLW_ERR_DATA. */
  tlw_status (*shape)(const struct tlw_source *source, int64_t i, tlk_series *series, tlw_error *error);
  const double *merged; /* a single series by pixel column, in place of its rows; or NULL */
  tlk_series merged_shape;
  /* Text and lines: what the engine does not look into, of the folder that draws charts. */
  const tlk_sheet *sheet; /* of all charts; NULL: each piece of them has its own, if the layout has text */
  void (*make_sheet)(const tlw_chart_options *options, const tlk_layout *layout, tlk_sheet *sheet);
  const tlw_chart_options *options; /* for make_sheet */
  tlw_note_fn note;
  const int64_t *times; /* on any axis, or NULL */
  const struct tlw_font *font;
  const struct tlw_zone *zone;               /* NULL: UTC */
  const struct tlw_chunk_notes *chunk_notes; /* what note needs of a single series whose rows came in chunks; or NULL */
};

struct tlw_owner {
  const struct tlw_backend_ops *ops;
  struct tlw_backend_state *state;
};

/* A piece of work and its memory. Zeroed at first, stays in place while in flight. */
struct tlw_slot {
  /* Charts first to first + n - 1 of the source, rows y0 to y1 - 1 of each, at pixels. */
  int64_t first, n; /* n = 0: nothing is drawn here */
  int32_t y0, y1;
  uint8_t *pixels;
  size_t row_stride, image_stride;
  int64_t candles; /* in charts that this piece completes */
  struct tlw_ticket ticket;
  /* Who has the ticket, and the staging, which need not be the same; ops NULL: it is host memory. */
  struct tlw_owner drawn_by, staged_by;
  struct tlw_block staging;      /* pixels, where they are not drawn in place, or files */
  struct tlw_render_files files; /* in place of pixels; bytes NULL: there are pixels */
  struct tlw_block gathered;     /* columns, where those of the source can't be used as they are */
  struct tlw_block sheet;        /* of its charts, where the source has none */
  struct tlw_block notes;        /* of its charts, where the backend wants them ready-made */
  tlk_series series[TLW_JOB_SERIES];
};

/* A walk through some series of a source. */
struct tlw_cursor {
  const struct tlw_source *source;
  int64_t next, end;
  int32_t row; /* of the chart that is drawn in bands: the next; 0 between charts */
  tlk_series shape;
  struct tlw_block merged;      /* its candles by pixel column */
  struct tlw_block notes;       /* and its notes, for all bands */
  struct tlw_slot *newest_band; /* the last piece that was drawn from them, or NULL */
};

/* What a piece of work may take. */
struct tlw_share {
  uint32_t slots; /* that there is room for, 1 or more */
  uint64_t bytes; /* of host memory for each */
};

/* Host memory that pieces of work share. */
struct tlw_wish {
  uint32_t slots;
  uint64_t held;   /* bytes that they have already */
  uint64_t beside; /* bytes that are needed beside them, at most */
  bool has_sheet;  /* the first of them has one that is large enough */
  bool files;      /* pieces of whole charts are files */
};

/* Within an operation: whether the backend can draw files. */
bool tlw_draw_has_files(const tlw_engine *engine);

/*
 * Within an operation: what each piece of the source may take; in_place: its pixels may be drawn where they are
 * wanted. TLW_ERR_BUDGET: not even one row of a chart fits.
 */
tlw_status tlw_draw_share(tlw_engine *engine, const struct tlw_source *source, bool in_place,
                          const struct tlw_wish *wish, struct tlw_share *share, tlw_error *error);

/* Within an operation: gives idle memory back until so much of the host budget is left. TLW_ERR_BUDGET. */
tlw_status tlw_draw_leave(tlw_engine *engine, const tlk_layout *layout, uint64_t leave, tlw_error *error);

/* Charts of a piece: few enough that `left` of them keep `lanes` busy to the end, enough to be worth a launch. */
int64_t tlw_draw_grain(const tlk_layout *layout, int64_t left, uint32_t lanes);

/*
 * The same on a CPU of so many threads, which share a piece out and wait for each other at its end: at most `each` of
 * them for a thread, for few rasters stay in its caches, and as many for all threads where that can be. lanes: that
 * take from the same series.
 */
int64_t tlw_draw_cpu_grain(const tlk_layout *layout, int64_t left, uint32_t lanes, uint32_t threads, uint32_t each);

/* Where pieces go. */
struct tlw_outlet {
  /* Pixels go there, from chart 0 of the source on, where the backend can draw anywhere; NULL: to staging. */
  const tlw_raster *raster;
  /* Without a raster: whole charts become such files in staging, where the backend can; or NULL. bytes is not read. */
  const struct tlw_render_files *files;
  /* Without either: images of charts, that of chart 0 of the source at its offset, where the backend can; or NULL. */
  const struct tlw_render_tensor *tensor;
  uint64_t per_chart; /* bytes of its share that a whole chart needs beside its pixels, or for its file */
};

/*
 * Within an operation: begins to draw the next piece in a slot that has nothing in flight, and moves the cursor
 * behind it. A lack of memory is met by trimming, by smaller pieces and by a fallback first.
 */
tlw_status tlw_draw_next(tlw_engine *engine, struct tlw_cursor *cursor, struct tlw_slot *slot,
                         const struct tlw_share *share, const struct tlw_outlet *outlet, tlw_error *error);

/* Within an operation: waits for the piece and counts what it completes. */
tlw_status tlw_draw_wait(tlw_engine *engine, struct tlw_slot *slot, const tlk_layout *layout, tlw_error *error);

/* Within an operation: threads of a backend that draws on the CPU, in any memory; else 0. */
uint32_t tlw_draw_threads(const tlw_engine *engine);

/* Within an operation: whether tlw_draw_wait would return at once. */
bool tlw_draw_is_done(const struct tlw_slot *slot);

/* A whole operation: draws n series of the source into the raster. */
tlw_status tlw_draw_all(tlw_engine *engine, const struct tlw_source *source, int64_t n, const tlw_raster *raster,
                        tlw_error *error);

/* The same within an operation, without a record of it. */
tlw_status tlw_draw_series(tlw_engine *engine, const struct tlw_source *source, int64_t n, const tlw_raster *raster,
                           tlw_error *error);

/*
 * Likewise images of them that stay with the backend, which has made ready what they need. Other codes than
 * TLW_ERR_DATA, _DEVICE and _DEVICE_LOST: it can't, and they are to be drawn as pixels. A fallback ends it too.
 */
tlw_status tlw_draw_tensors(tlw_engine *engine, const struct tlw_source *source, int64_t n,
                            const struct tlw_render_tensor *tensor, tlw_error *error);

/* Within an operation, with nothing in flight: gives the slot's memory back. */
void tlw_draw_release(tlw_engine *engine, struct tlw_slot *slot);
/* Likewise what renders and images keep for the next ones. */
void tlw_draw_relieve(tlw_engine *engine);
void tlw_draw_end(tlw_engine *engine, struct tlw_cursor *cursor);

/* Bytes that a slot holds. */
uint64_t tlw_draw_held(const struct tlw_slot *slot);

#endif
