#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "write_all.h"

static cli_exit fail(cli_output *output) {
  output->error = errno;
  return cli_fail_output(output->name, errno);
}

static cli_exit open_in_place(cli_output *output) {
  do output->descriptor = open(output->path, O_WRONLY | O_CLOEXEC);
  while (output->descriptor < 0 && errno == EINTR);
  return output->descriptor < 0 ? fail(output) : CLI_OK;
}

static cli_exit open_temporary(cli_output *output) {
  if (cli_temporary_open(&output->temporary, output->path, 0) != 0) return fail(output);
  output->is_temporary = 1;
  output->descriptor = output->temporary.descriptor;
  return CLI_OK;
}

cli_exit cli_output_open(cli_output *output, const char *path) {
  return cli_output_open_as(output, path, strcmp(path, "-") == 0 ? "standard output" : path);
}

cli_exit cli_output_open_as(cli_output *output, const char *path, const char *name) {
  output->name = name;
  output->used = 0;
  output->error = 0;
  output->is_temporary = 0;
  if (strcmp(path, "-") == 0) {
    output->path = NULL;
    output->descriptor = STDOUT_FILENO;
    return CLI_OK;
  }
  output->path = path;
  struct stat info;
  int in_place = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
  return in_place ? open_in_place(output) : open_temporary(output);
}

static cli_exit write_bytes(cli_output *output, const char *bytes, size_t size) {
  const int code = cli_write_all(output->descriptor, bytes, size);
  if (code == 0) return CLI_OK;
  errno = code;
  return fail(output);
}

cli_exit cli_output_flush(cli_output *output) {
  size_t size = output->used;
  output->used = 0;
  return write_bytes(output, output->buffer, size);
}

cli_exit cli_output_replace(cli_output *output, const void *bytes, size_t size) {
  cli_exit code = cli_output_flush(output);
  if (!code && lseek(output->descriptor, 0, SEEK_SET) != 0) code = fail(output);
  if (!code) code = write_bytes(output, bytes, size);
  if (!code && lseek(output->descriptor, 0, SEEK_END) < 0) code = fail(output);
  return code;
}

cli_exit cli_output_write(cli_output *output, const void *bytes, size_t size) {
  if (size > sizeof output->buffer - output->used) {
    cli_exit code = cli_output_flush(output);
    if (code) return code;
    if (size > sizeof output->buffer) return write_bytes(output, bytes, size);
  }
  memcpy(output->buffer + output->used, bytes, size);
  output->used += size;
  return CLI_OK;
}

cli_exit cli_output_close(cli_output *output, cli_exit code) {
  if (!code) code = cli_output_flush(output);
  if (!output->path) return code; /* main closes standard output */
  if (!output->is_temporary) {
    if (close(output->descriptor) != 0 && !code) code = fail(output);
  } else if (code) {
    cli_temporary_drop(&output->temporary);
  } else if (cli_temporary_keep(&output->temporary, output->path) != 0) {
    code = fail(output);
  }
  return code;
}
