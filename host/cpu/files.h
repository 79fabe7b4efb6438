/*
 * A chart on the CPU as a PNG file, from the events of its rows: no raster of it exists.
 */
#ifndef TALLOW_CPU_FILES_H
#define TALLOW_CPU_FILES_H

#include "chart.h"

/* Bytes of one worker for charts of this layout, of any palette: memory aligned to TLW_MEMORY_ALIGN. */
uint64_t tlw_cpu_file_size(const tlk_layout *layout);

/*
 * Makes the file of chart i of the job, whose files are not NULL, from its marks; memory: of tlw_cpu_file_size bytes.
 * TLW_ERR_INTERNAL: the file has no room.
 */
tlw_status tlw_cpu_file(const struct tlw_cpu_tier *tier, const struct tlw_render_job *job, int64_t i,
                        const struct tlw_cpu_scratch *scratch, void *memory, tlw_error *error);

#endif
