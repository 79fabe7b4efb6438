#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "host/base/error.h"
#include "kernels/core/chart.h"
#include "tallow/chart.h"

/* Background, grid, up, down, text, as tlw_ink orders them. */
static const struct {
  const char *name;
  uint8_t rgb[TLW_INK_COUNT * 3];
} themes[TLW_THEME_COUNT] = {
    [TLW_THEME_CLASSIC] = {"classic",
                           {0x00, 0x00, 0x00, 0x33, 0x33, 0x33, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0x00, 0xC8, 0xC8, 0xC8}},
    [TLW_THEME_MODERN] = {"modern",
                          {0x1E, 0x1E, 0x1E, 0x42, 0x42, 0x42, 0x26, 0xA6, 0x9A, 0xEF, 0x53, 0x50, 0xC4, 0xC4, 0xC4}},
    [TLW_THEME_TRADINGVIEW] = {"tradingview",
                               {0x13, 0x17, 0x22, 0x2A, 0x2E, 0x39, 0x08, 0x99, 0x81, 0xF2, 0x36, 0x45, 0xB2, 0xB5,
                                0xBE}},
    [TLW_THEME_LIGHT] = {"light",
                         {0xFF, 0xFF, 0xFF, 0xE0, 0xE0, 0xE0, 0x26, 0xA6, 0x9A, 0xEF, 0x53, 0x50, 0x40, 0x40, 0x40}},
};

_Static_assert((int)TLW_INK_TEXT == TLK_INK_TEXT && (int)TLW_INK_LINES == TLK_INK_LINES, "inks are the same");

static bool is_theme(tlw_theme theme) { return (int)theme >= 0 && (int)theme < TLW_THEME_COUNT; }

const char *tlw_theme_name(tlw_theme theme) { return is_theme(theme) ? themes[theme].name : NULL; }

tlw_status tlw_theme_find(const char *name, tlw_theme *theme, tlw_error *error) {
  if (!name || !theme) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", name ? "theme" : "name");
  for (int i = 0; i < TLW_THEME_COUNT; i++) {
    if (strcasecmp(name, themes[i].name) != 0) continue;
    *theme = (tlw_theme)i;
    return TLW_OK;
  }
  return tlw_fail(error, TLW_ERR_ARGUMENT, "there is no theme '%.40s': use classic, modern, tradingview or light",
                  name);
}

tlw_status tlw_theme_palette(tlw_theme theme, uint8_t rgb[TLW_INK_COUNT * 3], tlw_error *error) {
  if (!rgb) return tlw_fail(error, TLW_ERR_ARGUMENT, "rgb is NULL: pass %d bytes", TLW_INK_COUNT * 3);
  if (!is_theme(theme))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "theme is %d: it must be 0 to %d", (int)theme, TLW_THEME_COUNT - 1);
  memcpy(rgb, themes[theme].rgb, sizeof themes[theme].rgb);
  return TLW_OK;
}
