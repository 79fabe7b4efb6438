#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "progress.h"
#include "terminal.h"

#define TEXT_SIZE 8192

typedef enum kind { NOTE, WARNING, FAILURE } kind;

/* What kind of message it is. An error is called that on a terminal only. */
static const char *prefix(kind k) {
  static const char *const plain[] = {[NOTE] = "", [WARNING] = "warning: ", [FAILURE] = "error: "};
  static const char *const coloured[] = {
      [NOTE] = "", [WARNING] = "\033[1;33mwarning:\033[0m ", [FAILURE] = "\033[1;31merror:\033[0m "};
  if (!cli_on_terminal()) return k == WARNING ? plain[k] : "";
  return cli_in_colour() ? coloured[k] : plain[k];
}

/* In one write, so that lines of several threads stay whole. */
static void say(kind k, const char *format, va_list args) {
  char text[TEXT_SIZE], line[TEXT_SIZE + 64];
  vsnprintf(text, sizeof text, format, args);
  cli_make_plain(text);
  snprintf(line, sizeof line, "tallow: %s%s\n", prefix(k), text);
  cli_progress_hide();
  fputs(line, stderr);
  cli_progress_show();
}

void cli_say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(NOTE, format, args);
  va_end(args);
}

void cli_warn(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(WARNING, format, args);
  va_end(args);
}

const char *cli_shown_name(const char *name) { return strcmp(name, "-") == 0 ? "standard input" : name; }

cli_exit cli_fail(cli_exit code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(FAILURE, format, args);
  va_end(args);
  return code;
}

cli_exit cli_exit_of(tlw_status status) {
  switch (status) {
  case TLW_OK:
    return CLI_OK;
  case TLW_ERR_ARGUMENT:
    return CLI_USAGE;
  case TLW_ERR_MEMORY:
  case TLW_ERR_BUDGET:
    return CLI_NO_MEMORY;
  case TLW_ERR_DATA:
    return CLI_DATA;
  case TLW_ERR_NOT_FOUND:
    return CLI_NO_INPUT;
  case TLW_ERR_IO:
    return CLI_IO;
  case TLW_ERR_UNAVAILABLE:
  case TLW_ERR_DEVICE:
  case TLW_ERR_DEVICE_LOST:
    return CLI_UNAVAILABLE;
  case TLW_ERR_CANCELLED:
    return CLI_INTERRUPTED;
  case TLW_ERR_STALE:
  case TLW_ERR_INTERNAL:
    break;
  }
  return CLI_INTERNAL;
}

cli_exit cli_exit_of_output(int code) {
  switch (code) {
  case ENOENT:
  case ENOTDIR:
  case EISDIR:
  case EEXIST:
  case EACCES:
  case EPERM:
  case EROFS:
  case ELOOP:
  case ENAMETOOLONG:
  case EINVAL:
  case ENXIO:
  case EBUSY:
  case ETXTBSY:
  case EMFILE:
  case ENFILE:
    return CLI_CANT_CREATE;
  default:
    return CLI_IO;
  }
}

cli_exit cli_fail_library(const tlw_error *error) { return cli_fail(cli_exit_of(error->code), "%s", error->message); }

cli_exit cli_fail_file(const char *option, const char *path, int code) {
  const char *slash = strrchr(path, '/');
  const cli_exit refused = cli_exit_of_output(code);
  if (code == ENOENT && slash)
    return cli_fail(refused, "--%s %s: there is no folder %.*s", option, path, slash == path ? 1 : (int)(slash - path),
                    path);
  return cli_fail(refused, "--%s %s: can't write: %s", option, path, strerror(code));
}

cli_exit cli_fail_output(const char *name, int code) {
  if (code == EPIPE) return CLI_IO;
  return cli_fail(cli_exit_of_output(code), "%s: can't write: %s", name, strerror(code));
}
