#include "event_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void cli_event_stream_start(cli_event_stream *stream, int descriptor) {
  stream->descriptor = descriptor;
  stream->rest_size = 0;
}

/* A pipe with room takes a line at once; of a socket that is asked for each time. The descriptor is left as it is. */
static ssize_t write_now(int descriptor, const char *bytes, size_t size) {
  const ssize_t n = send(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 && errno == ENOTSOCK ? write(descriptor, bytes, size) : n;
}

/* Returns how many bytes were taken. */
static size_t write_some(cli_event_stream *stream, const char *bytes, size_t size, int milliseconds) {
  size_t done = 0;
  while (done < size) {
    struct pollfd room = {.fd = stream->descriptor, .events = POLLOUT};
    if (poll(&room, 1, milliseconds) <= 0) break;
    const ssize_t n = write_now(stream->descriptor, bytes + done, size - done);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) break;
    if (n < 0) {
      stream->descriptor = -1;
      break;
    }
    done += (size_t)n;
  }
  return done;
}

void cli_event_stream_send(cli_event_stream *stream, const char *line, size_t size, int milliseconds) {
  if (stream->descriptor < 0) return;
  const size_t before = write_some(stream, stream->rest, stream->rest_size, milliseconds);
  stream->rest_size -= before;
  memmove(stream->rest, stream->rest + before, stream->rest_size);
  if (stream->descriptor < 0 || stream->rest_size > 0) return;
  const size_t done = write_some(stream, line, size, milliseconds);
  if (done == 0) return;
  stream->rest_size = size - done;
  memcpy(stream->rest, line + done, stream->rest_size);
}
