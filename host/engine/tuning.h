/*
 * Costs as `tlw_tune` has measured them: one small text file a machine, device, driver, library version and number of
 * threads, in the folder for caches; and what is taken for them where there is no such file.
 */
#ifndef TALLOW_ENGINE_TUNING_H
#define TALLOW_ENGINE_TUNING_H

#include "choice.h"

/*
 * Reads the costs for this device beside the CPU with so many threads. cache_dir: as in tlw_engine_options. False:
 * there is no intact file; *tuning is then an estimate from latencies and bandwidths, never an error. Kinds of work
 * that were stored as guessed are estimated too.
 */
bool tlw_tuning_load(const char *cache_dir, const tlw_device *device, uint32_t threads, struct tlw_tuning *tuning);

/*
 * Writes them by rename. False: the folder can't be written. path (size bytes) names the file in any case, "" where
 * there is no folder.
 */
bool tlw_tuning_store(const char *cache_dir, const tlw_device *device, uint32_t threads,
                      const struct tlw_tuning *tuning, char *path, size_t size);

/* The estimate. Pure. */
void tlw_tuning_estimate(const tlw_device *device, uint32_t threads, struct tlw_tuning *tuning);

#endif
