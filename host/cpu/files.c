#include "files.h"

#include <string.h>

#include "chart_changes.h"
#include "host/base/error.h"
#include "host/io/png_encoder.h"
#include "kernels/core/png.h"

#define MOST_COLORS 256

/* What a file is made in. */
struct studio {
  void *changes, *encoder;
};

/* The next part of size bytes; memory may be NULL to count only. */
static void *take_part(uint8_t *memory, uint64_t *offset, uint64_t size) {
  void *part = memory ? memory + *offset : NULL;
  *offset += (size + TLW_MEMORY_ALIGN - 1) / TLW_MEMORY_ALIGN * TLW_MEMORY_ALIGN;
  return part;
}

/* Rows that an encoder takes together, at most: those of the least depth. */
static int32_t most_rows(const tlk_layout *layout) {
  const tlk_u32 rows = tlk_png_segment_rows(tlk_png_row_size((tlk_u32)layout->width, 0));
  return rows < (tlk_u32)layout->height ? (int32_t)rows : layout->height;
}

static uint64_t place(struct studio *s, const tlk_layout *layout, void *memory) {
  uint64_t offset = 0;
  s->changes = take_part(memory, &offset, tlw_cpu_changes_size(layout, most_rows(layout)));
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

tlw_status tlw_cpu_file(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, int64_t i,
                        const struct tlw_cpu_scratch *scratch, void *memory, tlw_error *error) {
  const tlk_layout *layout = &job->layout;
  const struct tlw_render_files *files = job->files;
  const tlw_png_image image = {
      .width = layout->width, .height = layout->height, .rgb = files->rgb, .n_colors = files->n_colors};
  struct file file = {files->bytes + (size_t)i * files->stride, 0, files->capacity};
  struct studio s;
  place(&s, layout, memory);
  struct tlw_png_encoder *encoder;
  tlw_status status = tlw_png_encoder_place(&encoder, s.encoder, &image, take, &file, error);
  struct tlw_cpu_changes *changes =
      tlw_cpu_changes_begin(s.changes, tier, job, &job->series[i], scratch, most_rows(layout));
  struct tlw_png_rows rows;
  for (int32_t y = 0; y < layout->height && status == TLW_OK; y += rows.n) {
    tlw_png_encoder_begin_rows(encoder, &rows);
    tlw_cpu_changes_take(changes, &rows);
    status = tlw_png_encoder_end_rows(encoder, error);
  }
  files->sizes[i] = status == TLW_OK ? file.size : 0;
  return status;
}
