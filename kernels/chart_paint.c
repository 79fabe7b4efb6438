/* Paints tiles: each lane has TLK_PAINT_PIXELS neighbouring pixels in each of TLK_PAINT_ROWS rows. */
#include "chart_args.h"

TLK_FN tlk_u32 tlk_pixel(tlk_column column, tlk_i32 y, tlk_u32 bare) {
  const tlk_i32 inked = (y >= column.top && y <= column.bottom) || y >= column.volume_top;
  const tlk_u32 ink = column.ink & TLK_COLUMN_INK;
  return inked && ink ? ink : bare;
}

TLK_FN tlk_i32 tlk_is_grid_row(tlk_chart_args a, TLK_GLOBAL const tlk_u8 *m, tlk_u32 chart, tlk_i32 y) {
  const tlk_layout layout = a.layout;
  if (layout.sheet_size == 0)
    return tlk_on_grid(y - layout.price_y, layout.price_height, layout.price_cells) |
           tlk_on_grid(y - layout.volume_y, layout.volume_height, layout.volume_cells);
  TLK_GLOBAL const tlk_axis *axis = TLK_AT(const tlk_axis, m, a.axis) + chart;
  tlk_i32 found = 0;
  for (tlk_i32 i = 0; i < axis->n_lines; i++) found |= axis->lines[i] == y;
  return found & layout.grid;
}

TLK_KERNEL(tlk_chart_paint, tlk_chart_args) {
  TLK_SHARED(tlk_u8, on_grid, TLK_PAINT_ROWS);
  const tlk_layout layout = a.layout;
  const tlk_u32 tiles_across =
      ((tlk_u32)a.pitch + TLK_PAINT_LANES * TLK_PAINT_PIXELS - 1) / (TLK_PAINT_LANES * TLK_PAINT_PIXELS);
  const tlk_u32 chart = TLK_GROUP() / a.groups;
  const tlk_u32 tile = TLK_GROUP() % a.groups;
  const tlk_u32 lane = TLK_LANE();
  const tlk_i32 x0 = (tlk_i32)((tile % tiles_across * TLK_PAINT_LANES + lane) * TLK_PAINT_PIXELS);
  const tlk_i32 top = a.y0 + (tlk_i32)(tile / tiles_across * TLK_PAINT_ROWS);
  if (lane < TLK_PAINT_ROWS) on_grid[lane] = (tlk_u8)tlk_is_grid_row(a, m, chart, top + (tlk_i32)lane);
  TLK_BARRIER();
  if (x0 >= a.pitch) return;

  tlk_column columns[TLK_PAINT_PIXELS];
  tlk_u32 bare[TLK_PAINT_PIXELS], in_plot[TLK_PAINT_PIXELS];
  for (tlk_i32 i = 0; i < TLK_PAINT_PIXELS; i++) {
    const tlk_i32 x = x0 + i - layout.plot_x;
    in_plot[i] = x >= 0 && x < layout.plot_width;
    columns[i].top = columns[i].bottom = columns[i].volume_top = columns[i].ink = TLK_INK_BACKGROUND;
    if (in_plot[i])
      columns[i] = TLK_AT(const tlk_column, m, a.columns)[(tlk_u64)chart * (tlk_u64)layout.plot_width + (tlk_u64)x];
    bare[i] = columns[i].ink & TLK_COLUMN_ON_GRID ? TLK_INK_GRID : TLK_INK_BACKGROUND;
  }
  const tlk_i32 plot_end = tlk_plot_end(layout);
  const tlk_i32 end = top + TLK_PAINT_ROWS < a.y1 ? top + TLK_PAINT_ROWS : a.y1;
  TLK_GLOBAL tlk_u8 *row =
      m + a.pixels + ((tlk_u64)chart * (tlk_u64)(a.y1 - a.y0) + (tlk_u64)(top - a.y0)) * (tlk_u64)a.pitch + (tlk_u64)x0;
  for (tlk_i32 y = top; y < end; y++) {
    const tlk_u32 in_rows = y >= layout.price_y && y < plot_end;
    tlk_u32 word = 0; /* little-endian: the first pixel is the lowest byte */
    for (tlk_i32 i = 0; i < TLK_PAINT_PIXELS; i++) {
      const tlk_u32 grid = on_grid[y - top] && in_plot[i] ? TLK_INK_GRID : bare[i];
      word |= (in_rows ? tlk_pixel(columns[i], y, grid) : TLK_INK_BACKGROUND) << (8 * i);
    }
    *(TLK_GLOBAL tlk_u32 *)row = word;
    row += a.pitch;
  }
}
