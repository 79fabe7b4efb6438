/* Lines to a descriptor that someone may or may not read. Nothing here waits for them, or fails. */
#ifndef CLI_EVENT_STREAM_H
#define CLI_EVENT_STREAM_H

#include <stddef.h>

#include "progress_text.h"

typedef struct cli_event_stream {
  int descriptor;            /* -1: none, or its reader has gone */
  char rest[CLI_EVENT_SIZE]; /* of a line of which a part was taken */
  size_t rest_size;
} cli_event_stream;

/* descriptor: open for writing, or -1. */
void cli_event_stream_start(cli_event_stream *stream, int descriptor);

/*
 * Writes a line, or nothing of it where there is no room: then it is lost. milliseconds: how long to wait for room.
 * SIGPIPE must be ignored.
 */
void cli_event_stream_send(cli_event_stream *stream, const char *line, size_t size, int milliseconds);

#endif
