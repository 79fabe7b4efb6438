/* What a batch is for a choice between backends. Each takes a time that does not depend on the number of rows. */
#ifndef TALLOW_ENGINE_LOADS_H
#define TALLOW_ENGINE_LOADS_H

#include "choice.h"
#include "draw.h"
#include "images.h"
#include "windows.h"

/* n series of the source, as TLW_WORK_CHARTS or TLW_WORK_FILES. */
struct tlw_load tlw_load_of_charts(enum tlw_work work, const struct tlw_source *source, int64_t n);

/* Of each kind of window that there is one. tasks: those of the source, or NULL: they are made. Returns how many. */
#define TLW_WINDOW_LOADS 3
int tlw_loads_of_windows(const struct tlw_window_source *source, const struct tlw_window_task *tasks,
                         struct tlw_load loads[TLW_WINDOW_LOADS]);

/* The same as far as tlw_aim_at_once goes by it, with no fewer extras: telling all takes as long as the shortest calls. */
int tlw_units_of_windows(const struct tlw_window_job *job, const struct tlw_window_task *tasks,
                         struct tlw_load loads[TLW_WINDOW_LOADS]);

struct tlw_load tlw_load_of_images(const struct tlw_images_source *source);

#endif
