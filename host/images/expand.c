#include "expand.h"

#include <string.h>

#include "host/base/arithmetic.h"
#include "host/cpu/ink_tier.h"

/* Pixels of a row, at most, as of charts. */
#define ROW_MOST 16384

static uint8_t byte_of(const uint8_t *color, int32_t channels, int32_t channel) {
  return channels == 1 ? (uint8_t)tlk_image_luma(color[0], color[1], color[2]) : color[channel];
}

static void fill(const uint8_t *rgb, int32_t n_colors, int32_t channels, struct tlw_image_inks *inks) {
  for (int32_t i = 0; i < n_colors; i++)
    for (int32_t c = 0; c < channels; c++) {
      const uint8_t byte = byte_of(rgb + 3 * i, channels, c);
      inks->bytes[c][i] = inks->rgb_bytes[i][c] = byte;
      inks->floats[c][i] = inks->rgb_floats[i][c] = (float)byte / 255.0f;
    }
}

void tlw_image_inks_of(const uint8_t *rgb, int32_t n_colors, int32_t channels, struct tlw_image_inks *inks) {
  memset(inks, 0, sizeof *inks);
  inks->are_few = n_colors <= TLW_CPU_FEW_INKS;
  struct tlw_arithmetic callers;
  tlw_arithmetic_enter(&callers);
  fill(rgb, n_colors, channels, inks);
  tlw_arithmetic_leave(&callers);
}

/* ---- rows ---- */

static void put_bytes(const uint8_t *restrict pixels, size_t n, const uint8_t *restrict inks, uint8_t *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] = inks[pixels[i]];
}

static void put_floats(const uint8_t *restrict pixels, size_t n, const float *restrict inks, float *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] = inks[pixels[i]];
}

/* Each pixel but the last also writes the first number of the next one, which that then writes itself. */
static void put_rgb_bytes(const uint8_t *restrict pixels, size_t n, const uint8_t (*restrict inks)[4],
                          uint8_t *restrict out) {
  for (size_t i = 0; i + 1 < n; i++) memcpy(out + 3 * i, inks[pixels[i]], 4);
  memcpy(out + 3 * (n - 1), inks[pixels[n - 1]], 3);
}

static void put_rgb_floats(const uint8_t *restrict pixels, size_t n, const float (*restrict inks)[4],
                           float *restrict out) {
  for (size_t i = 0; i + 1 < n; i++) memcpy(out + 3 * i, inks[pixels[i]], 4 * sizeof(float));
  memcpy(out + 3 * (n - 1), inks[pixels[n - 1]], 3 * sizeof(float));
}

/* ---- images ---- */

struct expansion {
  const struct tlw_cpu_ink_tier *tier;
  const struct tlw_image_inks *inks;
  tlk_image image;
};

static void put_plane(const struct expansion *e, int32_t channel, const uint8_t *row, size_t n, uint8_t *out) {
  const struct tlw_image_inks *inks = e->inks;
  float *floats = (float *)(void *)out;
  if (e->image.is_float)
    (inks->are_few ? e->tier->floats : put_floats)(row, n, inks->floats[channel], floats);
  else
    (inks->are_few ? e->tier->bytes : put_bytes)(row, n, inks->bytes[channel], out);
}

static void put_rgb(const struct expansion *e, const uint8_t *row, size_t n, uint8_t *out) {
  if (e->image.is_float)
    put_rgb_floats(row, n, e->inks->rgb_floats, (float *)(void *)out);
  else
    put_rgb_bytes(row, n, e->inks->rgb_bytes, out);
}

/*
 * Row by row from the top, and of planes one after the other: no number is written where a pixel lies that is still to
 * be read, for pixel i, counted from the back, has as many numbers behind its own as pixels are behind it, or more.
 */
void tlw_image_expand(const struct tlw_cpu_tier *tier, tlk_image image, const struct tlw_image_inks *inks,
                      uint8_t *memory) {
  const struct expansion e = {tier->inks, inks, image};
  const bool is_rgb = image.is_last && image.channels > 1;
  const size_t width = (size_t)image.width, size = image.is_float ? sizeof(float) : 1;
  const uint8_t *pixels = memory + tlk_image_size(image) - width * (size_t)image.height;
  uint8_t row[ROW_MOST];
  for (int32_t plane = 0; plane < (is_rgb ? 1 : image.channels); plane++)
    for (int32_t y = 0; y < image.height; y++) {
      uint8_t *out = memory + tlk_image_at(image, 0, y, plane) * size;
      memcpy(row, pixels + (size_t)y * width, width);
      if (is_rgb)
        put_rgb(&e, row, width, out);
      else
        put_plane(&e, plane, row, width, out);
    }
}
