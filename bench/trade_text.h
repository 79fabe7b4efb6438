/* Files of trades as people have them, for the benchmarks of reading. */
#ifndef TALLOW_BENCH_TRADE_TEXT_H
#define TALLOW_BENCH_TRADE_TEXT_H

#include "csv_text.h"

/* A file of a kind of inputs.h. header: bytes of its first line, 0 where it has none. On failure nothing is open. */
tlw_status bench_trade_text_open(bench_text *text, int kind, int64_t n_rows, size_t *header, tlw_error *error);

#endif
