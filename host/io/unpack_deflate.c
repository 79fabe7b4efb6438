#include "unpack_deflate.h"

#include <limits.h>

#include "host/base/error.h"
#include "unpack.h"

#define ROOM_SIZE 49152 /* zlib takes 40 KB, zlib-ng 43 KB */

static voidpf on_alloc(voidpf room, uInt items, uInt size) { return tlw_room_alloc(room, (size_t)items * size); }

static void on_free(voidpf room, voidpf pointer) { tlw_room_free(room, pointer); }

tlw_status tlw_deflated_begin(struct tlw_deflated *deflated, const char *format, int window_bits, struct tlw_feed *feed,
                              struct tlw_memory *memory, tlw_error *error) {
  deflated->feed = feed;
  deflated->format = format;
  struct tlw_room *room = &deflated->room;
  *room = (struct tlw_room){.memory = memory, .what = "unpacking a gzip or zip file", .size = ROOM_SIZE};
  room->bytes = tlw_heap_alloc(memory, ROOM_SIZE, room->what, error);
  if (!room->bytes) return error->code;
  deflated->z = (z_stream){.zalloc = on_alloc, .zfree = on_free, .opaque = room};
  const int code = inflateInit2(&deflated->z, window_bits);
  if (code == Z_MEM_ERROR) return tlw_unpack_fail_memory(room, error);
  if (code != Z_OK)
    return tlw_fail_native(error, TLW_ERR_INTERNAL, code,
                           "zlib refuses to begin: its version is not the one built for");
  deflated->begun = true;
  return TLW_OK;
}

void tlw_deflated_end(struct tlw_deflated *deflated) {
  if (deflated->begun) inflateEnd(&deflated->z);
  tlw_heap_free(deflated->room.memory, deflated->room.bytes, ROOM_SIZE);
}

void tlw_deflated_restart(struct tlw_deflated *deflated) { inflateReset(&deflated->z); }

static tlw_status fail(const struct tlw_deflated *deflated, int code, tlw_error *error) {
  if (code == Z_MEM_ERROR) return tlw_unpack_fail_memory(&deflated->room, error);
  const char *reason = deflated->z.msg ? deflated->z.msg : "unknown fault";
  tlw_unpack_fail_damaged(deflated->feed, deflated->format, reason, error);
  error->native = code;
  return error->code;
}

tlw_status tlw_deflated_read(struct tlw_deflated *deflated, uint64_t *limit, char *buffer, size_t capacity,
                             size_t *size, bool *ended, tlw_error *error) {
  struct tlw_feed *feed = deflated->feed;
  z_stream *z = &deflated->z;
  const uInt room = capacity < UINT_MAX ? (uInt)capacity : UINT_MAX;
  z->next_out = (unsigned char *)buffer;
  z->avail_out = room;
  *ended = false;
  while (z->avail_out == room && !*ended) {
    const tlw_status status = tlw_feed_peek(feed, *limit > 0, error);
    if (status != TLW_OK) return status;
    const size_t left = tlw_feed_left(feed);
    const uInt given = left < *limit ? (uInt)left : (uInt)*limit;
    z->next_in = (unsigned char *)(uintptr_t)tlw_feed_bytes(feed); /* zlib only reads it */
    z->avail_in = given;
    const int code = inflate(z, Z_NO_FLUSH);
    const uInt used = given - z->avail_in;
    tlw_feed_take(feed, used);
    *limit -= used;
    *ended = code == Z_STREAM_END;
    if (code == Z_BUF_ERROR && *limit == 0)
      return tlw_unpack_fail_damaged(feed, deflated->format, "it is longer than its header says", error);
    if (code == Z_BUF_ERROR && feed->ended) return tlw_unpack_fail_cut(feed, deflated->format, error);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return fail(deflated, code, error);
  }
  *size = room - z->avail_out;
  return TLW_OK;
}
