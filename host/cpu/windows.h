/* Rolling windows on the CPU. */
#ifndef TALLOW_CPU_WINDOWS_H
#define TALLOW_CPU_WINDOWS_H

#include "host/base/threads.h"
#include "host/seam/backend.h"
#include "tier.h"

/* As windows of tlw_backend_ops. block: scratch that is kept between calls. */
tlw_status tlw_cpu_windows(const struct tlw_cpu_tier *tier, struct tlw_memory *memory, struct tlw_team *team,
                           struct tlw_block *block, const struct tlw_window_job *job, tlw_error *error);

#endif
