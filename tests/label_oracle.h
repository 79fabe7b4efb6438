/*
 * All text of a chart and the lines of its grid, as tallow/chart.h states them: what stands where.
 */
#ifndef TALLOW_TESTS_LABEL_ORACLE_H
#define TALLOW_TESTS_LABEL_ORACLE_H

#include "frame_oracle.h"
#include "text_oracle.h"
#include "ticks_oracle.h"

/* What of a chart's candles its labels depend on. */
typedef struct label_data {
  bool any;                 /* whether a candle is drawn; else there are no ticks */
  double high, low, volume; /* HI, LO, VMAX, as prices */
  double close;             /* C */
  uint8_t last_ink;         /* of the rightmost drawn candle */
  int32_t n_columns;        /* pixel columns that hold candles, gaps too */
  const int32_t *columns;   /* of the plot */
  const int64_t *times;     /* of the last candle of each; NULL: there are none */
  const bool *shared;       /* whether it holds others */
} label_data;

typedef enum label_kind {
  LABEL_TITLE,
  LABEL_PRICE_NAME,
  LABEL_LINE_NAME,
  LABEL_PRICE,
  LABEL_VOLUME,
  LABEL_VOLUME_NAME,
  LABEL_LAST_PRICE,
  LABEL_TIME,
  LABEL_TIME_NAME
} label_kind;

/* A line of text. */
typedef struct label {
  label_kind kind;
  const frame_font *font;
  int32_t x, top;   /* where it begins; it has part.width columns and font->line rows */
  const char *text; /* its part is drawn; NULL: own is the text */
  text_part part;
  uint8_t ink;
  int32_t at; /* of ticks the row, of times the column of the image that is meant */
  char own[DECIMAL_TEXT];
} label;

typedef struct label_box {
  int32_t x, y, width, height;
  uint8_t ink;
} label_box;

#define LABELS_MOST (TLW_LINES_MOST + 2 * TICKS_MOST + 72)

typedef struct labels {
  frame frame;
  label_data data; /* without columns and times */
  int32_t n_labels, n_boxes;
  label labels[LABELS_MOST];
  label_box boxes[TLW_LINES_MOST + 1]; /* below all text */
  int32_t n_rows, n_columns;           /* of the image that are lines of the grid; n_columns 0: by cells */
  int32_t rows[2 * TICKS_MOST], columns[64];
} labels;

/* For a chart with text. To be freed. */
labels *labels_oracle(const tlw_chart_options *options, const label_data *data);

const char *label_text(const label *l);

#endif
