#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80

int cli_on_terminal(void) { return isatty(STDERR_FILENO); }

int cli_on_smart_terminal(void) {
  const char *kind = getenv("TERM");
  return kind && *kind && strcmp(kind, "dumb") != 0 && cli_on_terminal();
}

int cli_in_colour(void) {
  const char *refused = getenv("NO_COLOR");
  return !(refused && *refused) && cli_on_smart_terminal();
}

int cli_in_foreground(void) {
  const pid_t job = tcgetpgrp(STDERR_FILENO);
  return job < 0 || job == getpgrp();
}

int cli_terminal_width(void) {
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char *columns = getenv("COLUMNS");
  const long width = columns ? strtol(columns, NULL, 10) : 0;
  return width > 0 && width < 10000 ? (int)width : USUAL_WIDTH;
}
