#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static cli_exit open_in_place(cli_output *output) {
  output->descriptor = open(output->path, O_WRONLY | O_CLOEXEC);
  return output->descriptor < 0 ? cli_fail_output(output->name, errno) : CLI_OK;
}

static cli_exit open_temporary(cli_output *output) {
  size_t size = strlen(output->path) + sizeof ".XXXXXX";
  output->temporary = malloc(size);
  if (!output->temporary) return cli_fail(CLI_NO_MEMORY, "%s: no memory to write it", output->name);
  snprintf(output->temporary, size, "%s.XXXXXX", output->path);
  output->descriptor = mkostemp(output->temporary, O_CLOEXEC);
  if (output->descriptor < 0) {
    cli_exit code = cli_fail_output(output->name, errno);
    free(output->temporary);
    return code;
  }
  mode_t mask = umask(0);
  umask(mask);
  fchmod(output->descriptor, 0666 & ~mask);
  return CLI_OK;
}

cli_exit cli_output_open(cli_output *output, const char *path) {
  output->used = 0;
  output->temporary = NULL;
  if (strcmp(path, "-") == 0) {
    output->name = "standard output";
    output->path = NULL;
    output->descriptor = STDOUT_FILENO;
    return CLI_OK;
  }
  output->name = output->path = path;
  struct stat info;
  int in_place = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
  return in_place ? open_in_place(output) : open_temporary(output);
}

static cli_exit write_all(cli_output *output, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(output->descriptor, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cli_fail_output(output->name, errno);
    bytes += n;
    size -= (size_t)n;
  }
  return CLI_OK;
}

cli_exit cli_output_flush(cli_output *output) {
  size_t size = output->used;
  output->used = 0;
  return write_all(output, output->buffer, size);
}

cli_exit cli_output_write(cli_output *output, const void *bytes, size_t size) {
  if (size > sizeof output->buffer - output->used) {
    cli_exit code = cli_output_flush(output);
    if (code) return code;
    if (size > sizeof output->buffer) return write_all(output, bytes, size);
  }
  memcpy(output->buffer + output->used, bytes, size);
  output->used += size;
  return CLI_OK;
}

cli_exit cli_output_close(cli_output *output, cli_exit code) {
  if (!code) code = cli_output_flush(output);
  if (!output->path) return code; /* main closes standard output */
  if (close(output->descriptor) != 0 && !code) code = cli_fail_output(output->name, errno);
  if (output->temporary) {
    if (!code && rename(output->temporary, output->path) != 0) code = cli_fail_output(output->name, errno);
    if (code) unlink(output->temporary);
    free(output->temporary);
  }
  return code;
}
