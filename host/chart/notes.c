#include "notes.h"

#include <string.h>

#include "host/cpu/chart.h"
#include "host/cpu/columns.h"
#include "kernels/core/line.h"
#include "time_ticks.h"

/* ---- rows ---- */

static int64_t time_at(const int64_t *times, int64_t stride, int64_t row) {
  if (stride == 0) return times[row];
  int64_t time;
  memcpy(&time, (const char *)times + (size_t)row * (size_t)stride, sizeof time);
  return time;
}

static double number_at(const tlw_candles *candles, int32_t line, int64_t row) {
  double number;
  if (candles->type == TLW_TYPE_F64 && candles->stride == 0) return ((const double *)candles->lines[line])[row];
  tlw_cpu_gather(&number, candles->lines[line], candles->type, candles->stride, row, 1);
  return number;
}

/* The last value of rows begin to end - 1 that has a point; NaN if there is none. */
static double last_value(const tlw_candles *candles, int32_t line, int64_t begin, int64_t end,
                         const tlk_layout *layout) {
  for (int64_t row = end; row-- > begin;) {
    const double value = number_at(candles, line, row);
    if (tlk_line_has(value, *layout)) return value;
  }
  return TLK_NAN;
}

/* ---- pixel columns ---- */

/* A walk over the pixel columns of a series that hold candles. times: of its rows, where it is by time. */
struct walk {
  const tlk_series *series;
  const int64_t *times;
  int64_t stride;
  int32_t width;
  int64_t begin, end; /* the rows of the column at hand, from 0 on */
  int32_t x;
};

static uint64_t position_of(const struct walk *walk, int64_t row) {
  const tlk_series *series = walk->series;
  if (!series->by_time) return (uint64_t)row;
  return tlk_slot_position(time_at(walk->times, walk->stride, row), series->origin, series->shift);
}

/* The first row from `from` on, one of column x, that is right of it. */
static int64_t end_of_column(const struct walk *walk, int64_t from, int32_t x) {
  const int64_t count = walk->series->count;
  if (!walk->series->by_time) return count <= walk->width ? from + 1 : tlk_slot_first(x + 1, count, walk->width);
  const uint64_t reach = tlw_cpu_reach(walk->series, walk->width, x + 1);
  int64_t low = from + 1, high = low, step = 1;
  for (; high < count && position_of(walk, high) < reach; step *= 2) {
    low = high + 1;
    high = step < count - high ? high + step : count;
  }
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (position_of(walk, middle) < reach)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool next_column(struct walk *walk) {
  const tlk_series *series = walk->series;
  walk->begin = walk->end;
  if (walk->begin >= series->count) return false;
  walk->x = tlk_slot_centre(position_of(walk, walk->begin), series->step, series->span, walk->width);
  walk->end = end_of_column(walk, walk->begin, walk->x);
  return true;
}

/* ---- parts of the notes ---- */

static tlk_time_mark *marks_of(tlk_notes *notes) {
  return (tlk_time_mark *)(void *)((char *)notes + tlk_notes_marks());
}

static tlk_i32 *points_of(tlk_notes *notes, const tlk_layout *layout) {
  return (tlk_i32 *)(void *)((char *)notes + tlk_notes_points(*layout));
}

static double *values_of(tlk_notes *notes, const tlk_layout *layout, int32_t line) {
  return (double *)(void *)((char *)notes + tlk_notes_values(*layout, line));
}

/* ---- time labels ---- */

/* Fills in the time marks of an axis of which times and candles are given; returns how many. */
static int32_t mark_times(struct tlw_time_axis *axis, const struct tlw_source *source, tlk_time_mark *marks) {
  const tlk_layout *layout = &source->layout;
  struct tlw_time_label labels[TLK_TIME_MARKS_MOST];
  struct tlw_zone utc;
  tlw_zone_utc(&utc);
  axis->zone = source->zone ? source->zone : &utc;
  axis->font = source->font;
  axis->plot_width = layout->plot_width;
  axis->room_left = layout->plot_x;
  axis->room_right = layout->width - layout->plot_x - layout->plot_width;
  axis->gap = 4 * axis->font->digit_advance;
  const int32_t n = tlw_time_ticks(axis, labels, layout->time_marks);
  for (int32_t i = 0; i < n; i++) {
    marks[i] = (tlk_time_mark){labels[i].x, layout->plot_x + labels[i].left, labels[i].length, {0}};
    memcpy(marks[i].text, labels[i].text, (size_t)labels[i].length);
  }
  return n;
}

_Static_assert(TLW_TIME_TEXT_SIZE <= TLK_TIME_TEXT, "a label fits a mark");

/* ---- points of lines ---- */

static void add_points(const struct tlw_source *source, struct walk *walk, int64_t first, tlk_notes *notes) {
  const tlk_layout *layout = &source->layout;
  tlk_i32 *columns = points_of(notes, layout);
  while (next_column(walk)) {
    columns[notes->n_points] = walk->x;
    for (int32_t line = 0; line < layout->n_lines; line++)
      values_of(notes, layout, line)[notes->n_points] =
          last_value(&source->candles, line, first + walk->begin, first + walk->end, layout);
    notes->n_points++;
  }
}

/* ---- rows in chunks ---- */

struct tlw_chunk_notes {
  tlk_layout layout;
  int32_t n_points, n_marks;
  bool lacks_times;
  tlk_time_mark marks[TLK_TIME_MARKS_MOST];
  uint64_t reach;  /* the first position right of the newest column */
  int64_t bytes[]; /* times by point, values of each line by point, columns by point, whether they hold several */
};

static int64_t *chunk_times(const struct tlw_chunk_notes *notes) { return (int64_t *)notes->bytes; }

static double *chunk_values(const struct tlw_chunk_notes *notes, int32_t line) {
  return (double *)notes->bytes + (size_t)notes->layout.plot_width * (size_t)(1 + line);
}

static int32_t *chunk_columns(const struct tlw_chunk_notes *notes) {
  return (int32_t *)(void *)chunk_values(notes, notes->layout.n_lines);
}

static uint8_t *chunk_shared(const struct tlw_chunk_notes *notes) {
  return (uint8_t *)(chunk_columns(notes) + notes->layout.plot_width);
}

uint64_t tlw_chunk_notes_size(const tlk_layout *layout) {
  return sizeof(struct tlw_chunk_notes) +
         (uint64_t)layout->plot_width * (sizeof(int64_t) * (uint64_t)(1 + layout->n_lines) + sizeof(int32_t) + 1);
}

struct tlw_chunk_notes *tlw_chunk_notes_begin(void *memory, const tlk_layout *layout) {
  struct tlw_chunk_notes *notes = memory;
  *notes = (struct tlw_chunk_notes){.layout = *layout};
  return notes;
}

static void begin_point(struct tlw_chunk_notes *notes, const tlk_series *series, uint64_t position) {
  const int32_t width = notes->layout.plot_width, n = notes->n_points++;
  const int32_t x = tlk_slot_centre(position, series->step, series->span, width);
  chunk_columns(notes)[n] = x;
  chunk_shared(notes)[n] = 0;
  for (int32_t line = 0; line < notes->layout.n_lines; line++) chunk_values(notes, line)[n] = TLK_NAN;
  notes->reach = tlw_cpu_reach(series, width, x + 1);
}

void tlw_chunk_notes_add(struct tlw_chunk_notes *notes, const tlw_candles *candles, const tlk_series *series,
                         int64_t first) {
  if (candles->n_rows > 0 && !candles->time) notes->lacks_times = true;
  for (int64_t i = 0; i < candles->n_rows; i++) {
    const int64_t time = candles->time ? time_at(candles->time, candles->time_stride, i) : 0;
    const uint64_t position =
        series->by_time ? tlk_slot_position(time, series->origin, series->shift) : (uint64_t)(first + i);
    if (notes->n_points == 0 || position >= notes->reach)
      begin_point(notes, series, position);
    else
      chunk_shared(notes)[notes->n_points - 1] = 1;
    chunk_times(notes)[notes->n_points - 1] = time;
    for (int32_t line = 0; line < notes->layout.n_lines; line++) {
      const double value = number_at(candles, line, i);
      if (tlk_line_has(value, notes->layout)) chunk_values(notes, line)[notes->n_points - 1] = value;
    }
  }
}

void tlw_chunk_notes_end(struct tlw_chunk_notes *notes, const struct tlw_source *source) {
  if (notes->layout.time_marks == 0 || notes->lacks_times) return;
  struct tlw_time_axis axis = {.times = chunk_times(notes),
                               .columns = chunk_columns(notes),
                               .shared = chunk_shared(notes),
                               .n_columns = notes->n_points};
  notes->n_marks = mark_times(&axis, source, notes->marks);
}

static void fill_from_chunks(const struct tlw_chunk_notes *from, const tlk_layout *layout, tlk_notes *notes) {
  const size_t n = (size_t)from->n_points;
  notes->n_marks = from->n_marks;
  memcpy(marks_of(notes), from->marks, (size_t)from->n_marks * sizeof *from->marks);
  if (layout->n_lines == 0) return;
  notes->n_points = from->n_points;
  memcpy(points_of(notes, layout), chunk_columns(from), n * sizeof(tlk_i32));
  for (int32_t line = 0; line < layout->n_lines; line++)
    memcpy(values_of(notes, layout, line), chunk_values(from, line), n * sizeof(double));
}

/* ---- all of it ---- */

void tlw_notes_fill(const struct tlw_source *source, int64_t i, const tlk_series *series, tlk_notes *notes) {
  const tlw_candles *c = &source->candles;
  const tlk_layout *layout = &source->layout;
  *notes = (tlk_notes){0};
  if (source->chunk_notes) {
    fill_from_chunks(source->chunk_notes, layout, notes);
    return;
  }
  if (series->count == 0) return;
  const int64_t first = c->offsets ? c->offsets[i] : 0;
  const int64_t *times = NULL;
  if (source->times)
    times = (const int64_t *)(const void *)((const char *)source->times +
                                            (size_t)first * (c->time_stride ? (size_t)c->time_stride : sizeof *times));
  if (layout->time_marks > 0 && times) {
    struct tlw_time_axis axis = {
        .times = times, .stride = c->time_stride, .in_order = series->by_time, .slots = series};
    notes->n_marks = mark_times(&axis, source, marks_of(notes));
  }
  if (layout->n_lines == 0) return;
  struct walk walk = {.series = series, .times = times, .stride = c->time_stride, .width = layout->plot_width};
  add_points(source, &walk, first, notes);
}
