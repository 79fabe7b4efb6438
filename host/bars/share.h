/*
 * One long chunk on many threads, or on a device. In rounds: a copy of the bars is walked from cut to cut without
 * looking at more than cuts need; the pieces between them are examined and joined, all at once; then the bars
 * themselves are walked with what was found.
 */
#ifndef TALLOW_BARS_SHARE_H
#define TALLOW_BARS_SHARE_H

#include <stdatomic.h>

#include "host/engine/crew.h"
#include "state.h"

/* Chunks of fewer rows are not worth it. */
#define TLW_BARS_SHARED_ROWS (INT64_C(1) << 16)

/* A piece of rows, what made its end, and what that left of a volume or a value. */
struct tlw_bars_step {
  int64_t begin, end;
  tlk_u128 need;
  enum tlw_cpu_taken taken;
  bool is_before; /* the row at the cut belongs to what is behind it */
};

/* Steps of a round, one behind the other. */
struct tlw_bars_script {
  bool plans; /* they are being found, and not read */
  int64_t n, next, n_windows;
  struct tlw_bars_step *steps;
  int64_t *ends; /* of the steps once more, for a device */
  tlk_bar_part *parts;
  int64_t *firsts; /* of each window of rows its first step; and one more */
};

/* Scratch for rounds, to be freed with tlw_memory_free. */
uint64_t tlw_bars_script_size(void);
void tlw_bars_script_place(struct tlw_bars_script *script, void *memory);

/* As tlw_bars_look, of the script. */
void tlw_bars_look_up(const tlw_bars *bars, const struct tlw_bars_span *span, int64_t end, struct tlw_cpu_cut *cut,
                      struct tlw_bars_piece *piece);

/* As tlw_bars_push. */
tlw_status tlw_bars_share(tlw_bars *bars, const tlw_trades *rows, const struct tlw_crew *crew,
                          struct tlw_bars_script *script, tlw_error *error);

#endif
