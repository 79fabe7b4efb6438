/*
 * Arguments of the kernels of images. Of JKX a piece of work is some windows and the rows that they read; others are made
 * of the pixels of charts. Offsets are of the slab.
 */
#ifndef TLK_IMAGES_ARGS_H
#define TLK_IMAGES_ARGS_H

#include "core/chart.h"
#include "core/image.h"
#include "core/jkx.h"

/* Lanes of a group, and what it draws: 12 images of 5 bars, 3 of 20, or 1 of 60. */
#define TLK_JKX_LANES 64
#define TLK_JKX_BARS 60

/* Bytes that a lane writes at a time. Every image is a multiple of them, and begins at one. */
#define TLK_JKX_WORD 16

typedef struct {
  tlk_u64 open, high, low, close, volume; /* columns */
  tlk_u64 windows;                        /* tlk_jkx_window, whose rows count in these columns */
  tlk_u64 images, reasons;                /* results; reasons are a byte each */
  tlk_image image;
  tlk_u32 n; /* images */
  tlk_u32 has_volume;
} tlk_jkx_args;

/* Lanes of a group that expands pixels, and how many words each of them writes. */
#define TLK_EXPAND_LANES 128
#define TLK_EXPAND_WORDS 8

typedef struct {
  tlk_u64 pixels;  /* inks, of each chart behind that of the one before */
  tlk_u64 series;  /* tlk_series by chart; one without rows is all background */
  tlk_u64 inks;    /* by channel, then ink: the bits of its number */
  tlk_u64 numbers; /* results, with room for a last word that is whole */
  tlk_u64 count;   /* numbers of all images */
  tlk_image image; /* of each */
  tlk_u32 pitch;   /* bytes from a row of pixels to the next */
} tlk_expand_args;

#endif
