/* What 'tallow bench' does with runs that were saved, beside comparing two of them. */
#ifndef CLI_BENCH_SAVED_H
#define CLI_BENCH_SAVED_H

#include "options.h"

/* tallow bench report [FOLDER or RUN ...] -o PAGE; tallow bench show RUN. The first operand is the verb. */
cli_exit bench_saved_report(const cli_args *args);
cli_exit bench_saved_show(const cli_args *args);

#endif
