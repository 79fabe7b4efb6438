#include "files.h"

#include <string.h>

#include "host/base/error.h"
#include "host/io/png_encoder.h"

#define MOST_COLORS 256
/* Of a band: few enough for a cache, enough that it costs little by itself. */
#define BAND_BYTES (256 * 1024)
#define LEAST_ROWS 16
#define MOST_ROWS 128

_Static_assert(TLW_CPU_BLOCK == TLW_PNG_UNIT && TLW_CPU_CHANGES == TLW_PNG_CHANGES, "painter and encoder agree");

/* What a file is made in. */
struct studio {
  uint8_t *band;
  uint64_t *changed; /* by row of the band, tlw_cpu_change_words each */
  void *encoder;
};

/* The next part of size bytes; memory may be NULL to count only. */
static void *take_part(uint8_t *memory, uint64_t *offset, uint64_t size) {
  void *part = memory ? memory + *offset : NULL;
  *offset += (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN;
  return part;
}

static int32_t band_rows(const tlk_layout *layout) {
  const int32_t rows = BAND_BYTES / layout->width;
  return rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
}

static uint64_t place(struct studio *s, const tlk_layout *layout, void *memory) {
  uint64_t offset = 0;
  const uint64_t rows = (uint64_t)band_rows(layout), words = (uint64_t)tlw_cpu_change_words(layout->width);
  s->band = take_part(memory, &offset, rows * (uint64_t)layout->width);
  s->changed = take_part(memory, &offset, rows * words * sizeof *s->changed);
  s->encoder = take_part(memory, &offset, tlw_png_encoder_placed_size(layout->width, layout->height, MOST_COLORS));
  return offset;
}

uint64_t tlw_cpu_file_size(const tlk_layout *layout) {
  struct studio unused;
  return place(&unused, layout, NULL);
}

/* Where the bytes of a file go. */
struct file {
  uint8_t *bytes;
  size_t size, capacity;
};

static tlw_status take(void *context, const uint8_t *bytes, size_t size, tlw_error *error) {
  struct file *file = context;
  if (size > file->capacity - file->size)
    return tlw_fail(error, TLW_ERR_INTERNAL, "a chart takes more than %zu bytes as PNG", file->capacity);
  memcpy(file->bytes + file->size, bytes, size);
  file->size += size;
  return TLW_OK;
}

static bool is_changed(const uint64_t *words, int32_t n) {
  uint64_t any = 0;
  for (int32_t i = 0; i < n; i++) any |= words[i];
  return any != 0;
}

tlw_status tlw_cpu_file(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, int64_t i, size_t n_marks,
                        const struct tlw_cpu_scratch *scratch, void *memory, tlw_error *error) {
  const tlk_layout *layout = &job->layout;
  const struct tlw_render_files *files = job->files;
  const tlw_png_image image = {
      .width = layout->width, .height = layout->height, .rgb = files->rgb, .n_colors = files->n_colors};
  const int32_t words = tlw_cpu_change_words(layout->width);
  struct file file = {files->bytes + (size_t)i * files->stride, 0, files->capacity};
  struct tlw_render_job bands = *job;
  bands.row_stride = (size_t)layout->width;
  struct studio s;
  place(&s, layout, memory);
  struct tlw_png_encoder *encoder;
  tlw_status status = tlw_png_encoder_place(&encoder, s.encoder, &image, take, &file, error);
  const int32_t most = band_rows(layout);
  for (int32_t y = 0, rows; y < layout->height && status == TLW_OK; y += rows) {
    rows = layout->height - y < most ? layout->height - y : most;
    tlw_cpu_paint_changes(tier, &bands, &job->series[i], n_marks, scratch, scratch, y, y + rows, s.band, s.changed);
    for (int32_t r = 0; r < rows && status == TLW_OK; r++) {
      const uint64_t *changed = s.changed + (ptrdiff_t)r * words;
      status = tlw_png_encoder_row(encoder, s.band + (size_t)r * bands.row_stride,
                                   is_changed(changed, words) ? changed : NULL, error);
    }
  }
  files->sizes[i] = status == TLW_OK ? file.size : 0;
  return status;
}
