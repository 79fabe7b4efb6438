/* Time zones: how far the time of day is ahead of UTC at any time that nanoseconds of 64 bits have. */
#ifndef TALLOW_IO_ZONE_H
#define TALLOW_IO_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/memory.h"
#include "tallow/zone.h"

/* The longest name, and the greatest file. */
#define TLW_ZONE_NAME_MOST 128
#define TLW_ZONE_FILE_MOST 65535

/*
 * From begins[i], seconds since 1970-01-01 00:00 UTC, up to begins[i + 1], the time of day is offsets[i] seconds
 * ahead of UTC. Each offset differs from the one before. begins[0] is INT64_MIN; the last has no end.
 */
struct tlw_zone {
  const int64_t *begins;
  const int32_t *offsets;
  int32_t count; /* 1 or more */
  struct tlw_memory *memory;
  void *block; /* what holds both; NULL: nothing is allocated */
  size_t size;
};

/* UTC. Nothing is allocated. */
void tlw_zone_utc(struct tlw_zone *zone);

/*
 * Reads a zone of the system's zoneinfo, a TZif file of version 1 to 4 (RFC 8536, RFC 9636), by its name: letters,
 * digits and _ + - in parts that / divides, such as Europe/Berlin. It lies in the folder that TZDIR names, else in
 * /usr/share/zoneinfo. "UTC" needs no file. memory may be NULL. Close the zone where TLW_OK comes back.
 *
 * Before the first change the first local time type of the file is used; from the last change on, the rule at its
 * end. TLW_ERR_ARGUMENT: the name is none; TLW_ERR_NOT_FOUND: there is no such zone; TLW_ERR_DATA: the file is no
 * zone, is broken, counts leap seconds (as those of right/ do), or is longer than TLW_ZONE_FILE_MOST; TLW_ERR_IO;
 * TLW_ERR_BUDGET; TLW_ERR_MEMORY. error must not be NULL.
 */
tlw_status tlw_zone_load(struct tlw_zone *zone, const char *name, struct tlw_memory *memory, tlw_error *error);

/* The same from the bytes of a file, which messages call name. */
tlw_status tlw_zone_read(struct tlw_zone *zone, const unsigned char *bytes, size_t size, const char *name,
                         struct tlw_memory *memory, tlw_error *error);

void tlw_zone_unload(struct tlw_zone *zone);

/* A time without changes: begin <= seconds < end. */
struct tlw_zone_span {
  int64_t begin, end; /* INT64_MIN and INT64_MAX: it has none; all zero: not looked up yet */
  int32_t offset;
  int32_t next; /* the number of the span behind it */
};

/* The span of a time, by binary search, and the one behind a span that has an end. */
struct tlw_zone_span tlw_zone_span_at(const struct tlw_zone *zone, int64_t seconds);
struct tlw_zone_span tlw_zone_span_after(const struct tlw_zone *zone, const struct tlw_zone_span *span);

/* Seconds that the time of day is ahead of UTC. The caller keeps the span of the last call, all zero at first. */
static inline int32_t tlw_zone_offset(const struct tlw_zone *zone, struct tlw_zone_span *span, int64_t seconds) {
  if (seconds >= span->end && span->next > 0 && span->next < zone->count) *span = tlw_zone_span_after(zone, span);
  if (seconds < span->begin || seconds >= span->end) *span = tlw_zone_span_at(zone, seconds);
  return span->offset;
}

#endif
