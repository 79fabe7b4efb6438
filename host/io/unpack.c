#include "unpack.h"

#include <string.h>

#include "host/base/error.h"

static const struct tlw_unpacker *const unpackers[] = {&tlw_unpack_gzip, &tlw_unpack_zstd, &tlw_unpack_zip};

const struct tlw_unpacker *tlw_unpack_find(const unsigned char *head, size_t size) {
  for (size_t i = 0; i < sizeof unpackers / sizeof *unpackers; i++)
    if (unpackers[i]->is_packed(head, size)) return unpackers[i];
  return NULL;
}

/* No text begins like these. */
static const struct {
  size_t size;
  const char *magic, *kind, *advice;
} foreigners[] = {
    {10, "BZh91AY&SY", "is packed by bzip2", "unpack it first (bzip2 -d)"},
    {6, "\xfd\x37zXZ\0", "is packed by xz", "unpack it first (xz -d)"},
    {4, "\x04\x22\x4d\x18", "is packed by lz4", "unpack it first (lz4 -d)"},
    {6, "7z\xbc\xaf\x27\x1c", "is a 7z archive", "unpack it first (7z x)"},
    {6, "Rar!\x1a\a", "is a rar archive", "unpack it first (unrar x)"},
    {2, "\x1f\x9d", "is packed by compress", "unpack it first (gzip -d)"},
    {5, "PAR1\x15", "is a Parquet file", "save it as CSV"},
    {8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old spreadsheet or another document", "save it as CSV"},
};

tlw_status tlw_unpack_check_foreign(const struct tlw_feed *feed, tlw_error *error) {
  for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++)
    if (tlw_feed_left(feed) >= foreigners[i].size &&
        memcmp(tlw_feed_bytes(feed), foreigners[i].magic, foreigners[i].size) == 0)
      return tlw_fail(error, TLW_ERR_DATA, "%s: %s: %s", feed->name, foreigners[i].kind, foreigners[i].advice);
  return TLW_OK;
}

tlw_status tlw_unpack_fail_cut(const struct tlw_feed *feed, const char *format, tlw_error *error) {
  return tlw_fail(error, TLW_ERR_DATA, "%s: the %s data ends early, the file is cut off: fetch or copy it again",
                  feed->name, format);
}

tlw_status tlw_unpack_fail_damaged(const struct tlw_feed *feed, const char *format, const char *reason,
                                   tlw_error *error) {
  return tlw_fail(error, TLW_ERR_DATA, "%s: the %s data is damaged (%s): fetch or copy the file again", feed->name,
                  format, reason);
}

tlw_status tlw_unpack_fail_memory(const struct tlw_room *room, tlw_error *error) {
  if (room->failure.code == TLW_OK) return tlw_fail(error, TLW_ERR_MEMORY, "no memory for %s", room->what);
  *error = room->failure;
  return error->code;
}
