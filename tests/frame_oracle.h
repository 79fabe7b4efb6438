/*
 * What size and options alone decide of a chart, as tallow/chart.h states it: margins, panels, fonts, and the room of
 * text. The names of the header's rules stand behind the fields.
 */
#ifndef TALLOW_TESTS_FRAME_ORACLE_H
#define TALLOW_TESTS_FRAME_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/chart/font.h"
#include "tallow/chart.h"

typedef struct frame_font {
  const struct tlw_font *tables;
  int32_t line, cap, digit; /* LH, CAP, DA */
} frame_font;

typedef struct frame {
  int32_t width, height;                 /* W, H */
  int32_t x, y, plot_width, plot_height; /* X, Y, PW, PH */
  int32_t right, bottom;                 /* margins */
  int32_t price_height, between;         /* PR, g */
  int32_t volume_y, volume_height;       /* VH; 0 and 0 without volume */
  int32_t pad, price_rows;               /* P, R */
  bool has_text;                         /* and without, nothing below means anything but levels and half */
  frame_font font, title_font;
  int32_t p;
  int32_t title_rows, second_rows, time_name_rows; /* TH, SH, NH */
  int32_t room;                                    /* RW */
  int32_t levels, thickness;                       /* of lines: L, T */
} frame;

/* Of valid options. */
frame frame_of(const tlw_chart_options *options);

/* Whether there is such a text. */
bool frame_has(const char *text);

/* The name of line i, or NULL. */
const char *frame_line_name(const tlw_chart_options *options, int32_t i);

#endif
