/* gzip files: members that follow each other without a seam, and zeros that pad the end. */
#include "unpack.h"
#include "unpack_deflate.h"

#define FORMAT "gzip"
#define WINDOW_BITS (15 + 16) /* 16: with gzip's header and sums */

struct gzip {
  struct tlw_memory *memory;
  struct tlw_feed *feed;
  bool between_members;
  struct tlw_deflated deflated;
};

static bool is_gzip(const unsigned char *head, size_t size) { return size >= 2 && head[0] == 0x1f && head[1] == 0x8b; }

static void end_gzip(void *state) {
  struct gzip *gzip = state;
  tlw_deflated_end(&gzip->deflated);
  tlw_heap_free(gzip->memory, gzip, sizeof *gzip);
}

static tlw_status begin_gzip(struct tlw_feed *feed, struct tlw_memory *memory, void **state, tlw_error *error) {
  *state = NULL;
  struct gzip *gzip = tlw_heap_alloc(memory, sizeof *gzip, "unpacking a gzip file", error);
  if (!gzip) return error->code;
  *gzip = (struct gzip){.memory = memory, .feed = feed};
  const tlw_status status = tlw_deflated_begin(&gzip->deflated, FORMAT, WINDOW_BITS, feed, memory, error);
  if (status == TLW_OK)
    *state = gzip;
  else
    end_gzip(gzip);
  return status;
}

/* Begins the next member. Nothing is left in the feed if there is none. */
static tlw_status pass_seam(struct gzip *gzip, tlw_error *error) {
  struct tlw_feed *feed = gzip->feed;
  tlw_status status = tlw_feed_pass_zeros(feed, error);
  if (status == TLW_OK) status = tlw_feed_peek(feed, 2, error);
  if (status != TLW_OK || tlw_feed_left(feed) == 0) return status;
  if (tlw_feed_left(feed) == 1 && *tlw_feed_bytes(feed) == 0x1f) return tlw_unpack_fail_cut(feed, FORMAT, error);
  if (!is_gzip(tlw_feed_bytes(feed), tlw_feed_left(feed)))
    return tlw_unpack_fail_damaged(feed, FORMAT, "what follows its end is not gzip", error);
  tlw_deflated_restart(&gzip->deflated);
  gzip->between_members = false;
  return TLW_OK;
}

static tlw_status read_gzip(void *state, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  struct gzip *gzip = state;
  *size = 0;
  while (*size == 0) {
    if (gzip->between_members) {
      const tlw_status status = pass_seam(gzip, error);
      if (status != TLW_OK || gzip->between_members) return status;
    }
    uint64_t limit = UINT64_MAX;
    const tlw_status status =
        tlw_deflated_read(&gzip->deflated, &limit, buffer, capacity, size, &gzip->between_members, error);
    if (status != TLW_OK) return status;
  }
  return TLW_OK;
}

const struct tlw_unpacker tlw_unpack_gzip = {TLW_PACKING_GZIP, is_gzip, begin_gzip, read_gzip, end_gzip};
