/*
 * The text of a manifest: lines of JSON, whose bytes follow from the inputs, the options and the versions of
 * libraries alone.
 *
 *   {"tallow": "0.1.0", "manifest": 1, "parameters": {"size": "64x64", ...}, "libraries": {"tallow-png": "1"}}
 *   {"ordinal": 0, "name": "a.png", "source": "in/a.csv", "symbol": null, "window": null, "range": {"first":
 *     "2020-01-01T00:00:00Z", "last": "2020-01-01T00:59:00Z", "rows": 60}, "data": "5d41...", "status": "ok", "size":
 *     1234, "width": 64, "height": 64, "sha256": "9f86...", "raster_sha256": "60303a..."}
 *   {"ordinal": 1, "name": null, "source": "in/b.csv", "symbol": null, "window": null, "range": null, "data": null,
 *     "status": "failed", "exit_code": 65, "reason": "in/b.csv:3: ..."}
 *   {"jobs": 2, "failed": 1}
 *
 * each on one line. The last one of a part has "shard": I, "of": N, "total": T behind it, T being the jobs of all
 * parts.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "parse.h"
#include "shard.h"
#include "tallow/digest.h"

#define CLI_MANIFEST_NAME_SIZE 64
#define CLI_MANIFEST_SHOWN 256

/* A part of a longer text. */
typedef struct cli_span {
  const char *text; /* NULL: null in the JSON */
  size_t length;
} cli_span;

/* ---- names ---- */

/* "manifest.jsonl", or that of a part: "manifest-2-of-7.jsonl". */
void cli_manifest_name(const cli_shard *shard, char out[CLI_MANIFEST_NAME_SIZE]);

/* 1 if these length bytes are such a name; sets *shard. */
int cli_manifest_read_name(const char *name, size_t length, cli_shard *shard);

/* ---- writing ---- */

/* The value of an option as JSON; null where it was not given and has no default. */
void cli_manifest_value(cli_buffer *out, const cli_option *option, const cli_value *value);

/*
 * The first line, from the options of render. zones: the version of the time zones, NULL where none is needed. None of
 * these write a newline.
 */
void cli_manifest_header(cli_buffer *out, const cli_args *args, const char *zones);

/* What tells a chart from all others. */
typedef struct cli_manifest_job {
  const char *name;   /* or NULL */
  const char *source; /* the operand */
  const char *symbol; /* or NULL */
  int64_t window;     /* -1: none */
  int64_t rows;       /* 0: range and data are null */
  int lacks_times;    /* 1: first and last of the range are null */
  int64_t first, last;
  const uint8_t *data; /* TLW_DIGEST_SIZE bytes */
} cli_manifest_job;

/* The members from name to data. */
void cli_manifest_identity(cli_buffer *out, const cli_manifest_job *job);

/* The members behind those, of a chart and of a failure. */
void cli_manifest_drawn(cli_buffer *out, int64_t size, int32_t width, int32_t height, const uint8_t *file,
                        const uint8_t *raster);
void cli_manifest_failed(cli_buffer *out, int code, const char *reason);

void cli_manifest_line(cli_buffer *out, int64_t ordinal, cli_span identity, cli_span result);

void cli_manifest_end(cli_buffer *out, const cli_shard *shard, int64_t jobs, int64_t failed, int64_t total);

/* ---- reading ---- */

typedef struct cli_manifest_entry {
  int64_t ordinal;
  cli_span identity, result; /* as they were written */
  cli_span name;             /* between its quotes */
  int failed;                /* 1: exit_code is set; 0: size and sha256 are */
  int exit_code;
  int64_t size;
  uint8_t sha256[TLW_DIGEST_SIZE];
} cli_manifest_entry;

typedef struct cli_manifest_tail {
  cli_shard shard;
  int64_t jobs, failed, total;
} cli_manifest_tail;

/* Read a line without its newline. 1; 0 if it is none of that kind: every byte is looked at. */
int cli_manifest_read_entry(const char *text, size_t length, cli_manifest_entry *entry);
int cli_manifest_read_end(const char *text, size_t length, cli_manifest_tail *tail);

/* 1 if it begins as a first line does. */
int cli_manifest_is_header(const char *text, size_t length);

/* Where two first lines differ, for people: "size is "64x64", and was "32x32" there". */
void cli_manifest_difference(cli_span ours, cli_span theirs, char out[CLI_MANIFEST_SHOWN]);

/* ---- lines of an open file ---- */

typedef struct cli_lines {
  int descriptor;
  int64_t offset; /* of the line that was given last */
  int64_t next;   /* of the one behind it */
  char *buffer;
  size_t capacity;
  int64_t at;  /* of the buffer */
  size_t used; /* bytes in it */
  int error;   /* errno of what ended it; 0: the end of the file, or a last line that is not whole */
} cli_lines;

void cli_lines_start(cli_lines *lines, int descriptor, int64_t offset);
void cli_lines_end(cli_lines *lines);

/* Goes to another offset. */
void cli_lines_seek(cli_lines *lines, int64_t offset);

/* The next line without its newline, valid until the next call. 0: there is none. */
int cli_lines_next(cli_lines *lines, cli_span *line);

#endif
