/* The colours of a chart: those of its theme, and its lines blended with the background. */
#include <stdbool.h>
#include <string.h>

#include "host/base/error.h"
#include "layout.h"

static const uint32_t line_colors[] = {0x2D8CFF, 0xFF9F1C, 0xB15DFF, 0x00B8D9, 0xFF5DA2, 0x7CB342, 0xD4B106, 0xA1887F};
#define LINE_COLORS ((int32_t)(sizeof line_colors / sizeof *line_colors))

static uint32_t color_of(const tlw_chart_options *options, int32_t line) {
  const bool automatic = !options->lines || options->lines[line].color == TLW_COLOR_AUTO;
  return automatic ? line_colors[line % LINE_COLORS] : (uint32_t)options->lines[line].color;
}

/* The colours of a line that covers 1 to `levels` parts of as many of a pixel. */
static uint8_t *blend(uint8_t *out, const uint8_t *background, uint32_t color, uint32_t levels) {
  for (uint32_t q = 1; q <= levels; q++)
    for (int channel = 0; channel < 3; channel++) {
      const uint32_t ink = color >> (16 - 8 * channel) & 0xff;
      *out++ = (uint8_t)((background[channel] * (levels - q) + ink * q + levels / 2) / levels);
    }
  return out;
}

tlw_status tlw_chart_palette(const tlw_chart_options *options, uint8_t rgb[TLW_COLORS_MOST * 3], int32_t *n_colors,
                             tlw_error *error) {
  if (!rgb) return tlw_fail(error, TLW_ERR_ARGUMENT, "rgb is NULL: pass %d bytes", TLW_COLORS_MOST * 3);
  if (!n_colors) return tlw_fail(error, TLW_ERR_ARGUMENT, "n_colors is NULL");
  tlk_layout layout;
  const tlw_status status = tlw_layout_of(options, &layout, error);
  if (status != TLW_OK) return status;
  uint8_t theme[TLW_INK_COUNT * 3];
  tlw_theme_palette(options->theme, theme, NULL);
  *n_colors = tlw_layout_colors(&layout);
  memcpy(rgb, theme, (size_t)(*n_colors < TLW_INK_COUNT ? *n_colors : TLW_INK_COUNT) * 3);
  uint8_t *out = rgb + TLW_INK_COUNT * 3;
  for (int32_t i = 0; i < layout.n_lines; i++)
    out = blend(out, theme, color_of(options, i), (uint32_t)layout.line_levels);
  return TLW_OK;
}
