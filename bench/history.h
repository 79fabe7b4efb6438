/* A bounded history of runs: a folder with one JSON file a run, the newest BENCH_HISTORY_RUNS of them. */
#ifndef TALLOW_BENCH_HISTORY_H
#define TALLOW_BENCH_HISTORY_H

#include <stddef.h>

#include "run.h"

#define BENCH_HISTORY_RUNS 200

/* "tallow/bench" in $XDG_DATA_HOME or, where that is no absolute path, in $HOME/.local/share. */
tlw_status bench_history_folder(char *folder, size_t size, tlw_error *error);

/*
 * Writes text into the folder, which is made where there is none, as run-DATE-PROCESS-COMMIT.json by rename, and
 * removes the oldest runs beyond the bound; other files stay. path receives its name. TLW_ERR_IO: the folder or file
 * can't be made.
 */
tlw_status bench_history_save(const char *folder, const bench_machine *machine, const char *text, char *path,
                              size_t size, tlw_error *error);

/* Names of files. */
typedef struct bench_paths {
  size_t n, left_out; /* left_out: older ones beyond BENCH_HISTORY_RUNS */
  char **paths;
} bench_paths;

/*
 * The files of a folder whose names end in .json, by name, so that those of a history are in order of time; the last
 * BENCH_HISTORY_RUNS of them. TLW_ERR_NOT_FOUND: the folder can't be read. Freed in any case.
 */
tlw_status bench_history_list(const char *folder, bench_paths *paths, tlw_error *error);
void bench_paths_free(bench_paths *paths);

#endif
