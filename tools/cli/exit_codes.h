/* Exit codes of the command line, by sysexits.h and, for signals, as shells have them. options.c describes them. */
#ifndef CLI_EXIT_CODES_H
#define CLI_EXIT_CODES_H

typedef enum cli_exit {
  CLI_OK = 0,
  CLI_SLOWER = 1, /* bench compare --fail-on-slow */
  CLI_USAGE = 64,
  CLI_DATA = 65,
  CLI_NO_INPUT = 66,
  CLI_UNAVAILABLE = 69,
  CLI_INTERNAL = 70,
  CLI_NO_MEMORY = 71,
  CLI_CANT_CREATE = 73,
  CLI_IO = 74,
  CLI_STOPPED = 75, /* by SIGINT or SIGTERM, tidily: run it again with --resume */
  CLI_INTERRUPTED = 130,
  CLI_TERMINATED = 143
} cli_exit;

#endif
