/* The known-answer self-tests of the kernels, one a program. */
#ifndef TALLOW_GPU_SELFTEST_H
#define TALLOW_GPU_SELFTEST_H

#include <stdbool.h>

#include "state.h"

#define TLW_SELFTEST_SERIES 3
#define TLW_SELFTEST_ROWS 400
#define TLW_SELFTEST_WIDTH 200
#define TLW_SELFTEST_HEIGHT 160
#define TLW_SELFTEST_PIXELS (TLW_SELFTEST_SERIES * TLW_SELFTEST_WIDTH * TLW_SELFTEST_HEIGHT)

/* Windows are rolled along the prices and the volume. */
#define TLW_SELFTEST_WINDOWS 21

/* Each chart is drawn with each of these. */
enum tlw_selftest_style {
  TLW_SELFTEST_LINEAR,
  TLW_SELFTEST_LOG,
  TLW_SELFTEST_TEXT, /* and lines, on a log scale; with glyphs that no font has */
  TLW_SELFTEST_STYLES
};

/* Of a sheet: ASCII alone, and one text. */
#define TLW_SELFTEST_GLYPH_ROWS 7
#define TLW_SELFTEST_LETTERS 6
struct tlw_selftest_sheet {
  tlk_sheet head;
  tlk_box box;
  tlk_text text;
  tlk_glyph glyphs[TLK_GLYPHS_ASCII];
  uint32_t rows[TLK_GLYPHS_ASCII * TLW_SELFTEST_GLYPH_ROWS];
  uint16_t indices[TLW_SELFTEST_LETTERS];
};

/* Bytes of the notes of a chart with text. */
#define TLW_SELFTEST_NOTES 3000

/* What the charts are drawn from. */
struct tlw_selftest {
  double columns[5][TLW_SELFTEST_ROWS];
  int64_t time[TLW_SELFTEST_ROWS];
  tlk_series series[TLW_SELFTEST_SERIES];
  struct tlw_selftest_sheet sheet;
  double notes[TLW_SELFTEST_SERIES][TLW_SELFTEST_NOTES / sizeof(double)];
};

/* Fills *test and points *job at it and at TLW_SELFTEST_PIXELS bytes for the images. */
void tlw_selftest_prepare(struct tlw_selftest *test, enum tlw_selftest_style style, uint8_t *pixels,
                          struct tlw_render_job *job);

/* Whether the pixels are the known ones of the style. */
bool tlw_selftest_passed(const uint8_t *pixels, enum tlw_selftest_style style);

/* One of TLW_SELFTEST_WINDOWS, whose output has TLW_SELFTEST_ROWS rows; and the job of this one. */
void tlw_selftest_window(const struct tlw_selftest *test, int i, double *output, struct tlw_window_task *task,
                         struct tlw_window_job *job);

/* Whether the hash is that of all outputs, one after the other. */
bool tlw_selftest_rolled(uint64_t hash);

/* Their files, in the style with text. */
#define TLW_SELFTEST_COLORS (TLK_INK_LINES + 2 * 4)
struct tlw_selftest_files {
  uint8_t rgb[TLW_SELFTEST_COLORS * 3];
  size_t sizes[TLW_SELFTEST_SERIES];
  struct tlw_render_files files;
};

/* Points *files at so many bytes, or at NULL. */
size_t tlw_selftest_files_size(void);
void tlw_selftest_prepare_files(struct tlw_selftest_files *files, uint8_t *bytes);

/* Whether they are the known ones. */
bool tlw_selftest_files_passed(const struct tlw_selftest_files *files);

/* JKX images of a few windows. */
#define TLW_SELFTEST_IMAGE_CASES 8
#define TLW_SELFTEST_IMAGE_ROWS 200
#define TLW_SELFTEST_IMAGES 13 /* of a case, at most */
struct tlw_selftest_images {
  double columns[5][TLW_SELFTEST_IMAGE_ROWS];
  tlk_jkx_window windows[TLW_SELFTEST_IMAGES];
  uint8_t reasons[TLW_SELFTEST_IMAGES];
  uint8_t images[138240]; /* of a case, at most */
};

/* Fills *test and points *job at it. */
void tlw_selftest_images(struct tlw_selftest_images *test, int i, struct tlw_images_job *job);

/* Of what is drawn of a case and those before it; and whether that of all cases is the known one. */
uint64_t tlw_selftest_images_hash(const struct tlw_selftest_images *test, const struct tlw_images_job *job,
                                  uint64_t hash);
bool tlw_selftest_images_passed(uint64_t hash);

/* Host memory that the self-test of a program needs. */
uint64_t tlw_gpu_selftest_bytes(const struct tlw_gpu *gpu, enum tlw_gpu_program program);
uint64_t tlw_gpu_selftest_bars_bytes(bool unified); /* of that one alone */
uint64_t tlw_gpu_selftest_images_bytes(bool unified);

/*
 * Draw charts, make files of them, roll windows, join trades, or draw images, and compare with what is known.
 * TLW_ERR_UNAVAILABLE: it differs.
 */
tlw_status tlw_gpu_selftest_charts(struct tlw_backend_state *state, tlw_error *error);
tlw_status tlw_gpu_selftest_files(struct tlw_backend_state *state, tlw_error *error);
tlw_status tlw_gpu_selftest_windows(struct tlw_backend_state *state, tlw_error *error);
tlw_status tlw_gpu_selftest_bars(struct tlw_backend_state *state, tlw_error *error);
tlw_status tlw_gpu_selftest_images(struct tlw_backend_state *state, tlw_error *error);

#endif
