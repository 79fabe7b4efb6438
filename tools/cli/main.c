#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "help.h"
#include "parse.h"
#include "report.h"
#include "tallow/version.h"

/* So that no file that is opened later takes the place of a standard stream; using a stream that was closed fails. */
static void occupy_closed_streams(void) {
  for (int d = STDIN_FILENO; d <= STDERR_FILENO; d++)
    if (fcntl(d, F_GETFD) < 0 && errno == EBADF) open("/dev/null", d == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static cli_exit run_command(const cli_command *command, int n, char **words) {
  if (cli_wants_help(n, words)) {
    cli_print_command_help(stdout, command);
    return CLI_OK;
  }
  cli_args args;
  cli_exit code = cli_parse(command, n, words, &args);
  return code ? code : command->run(&args);
}

static cli_exit run(int argc, char **argv) {
  if (argc < 2) {
    cli_print_help(stderr);
    return CLI_USAGE;
  }
  const char *name = argv[1];
  if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
    printf("tallow %s\n", tlw_version());
    return CLI_OK;
  }
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (name[0] == '-')
    return cli_fail(CLI_USAGE, "a command comes first, such as render, not '%.200s'; try 'tallow --help'", name);
  const cli_command *command = cli_find_command(name);
  return command ? run_command(command, argc - 2, argv + 2) : CLI_USAGE;
}

static cli_exit close_standard_output(cli_exit code) {
  int failed = ferror(stdout);
  int closed = fclose(stdout) == 0;
  if (code || (!failed && closed)) return code;
  return cli_fail_output("standard output", closed ? EIO : errno);
}

int main(int argc, char **argv) {
  static char buffer[1 << 16];
  occupy_closed_streams();
  signal(SIGPIPE, SIG_IGN); /* a write that can't be done is an error with an exit code */
  signal(SIGXFSZ, SIG_IGN);
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  return (int)close_standard_output(run(argc, argv));
}
