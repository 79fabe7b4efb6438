/*
 * zip files of one file, read from front to back, so that they may come through a pipe: by the headers in front of
 * the entries (PKWARE's APPNOTE 6.3.9, 4.3), not by the directory at the end.
 */
#include <string.h>

#include "host/base/error.h"
#include "unpack.h"
#include "unpack_deflate.h"

#define FORMAT "zip"
#define WINDOW_BITS (-15) /* bare deflated data */
#define SCRATCH_SIZE 4096
#define MOST_BESIDE (UINT64_C(64) << 20) /* what entries that are passed over may unpack to, together */

#define ENTRY_SIGNATURE 0x04034b50
#define ENTRY_SIZE 30
#define END_SIGNATURE 0x06054b50
#define SPLIT_SIGNATURE 0x08074b50      /* in front of the first entry */
#define DESCRIPTOR_SIGNATURE 0x08074b50 /* behind an entry; may be left out */
#define LONGEST_DESCRIPTOR 24

#define FLAG_ENCRYPTED 1
#define FLAG_STREAMED 8 /* sums and sizes stand in a descriptor behind the entry */
#define METHOD_STORED 0
#define METHOD_DEFLATED 8
#define EXTRA_ZIP64 1
#define IN_ZIP64 0xffffffff

struct entry {
  uint32_t flags, method, sum;
  uint64_t packed_size, size;
  char shown_name[TLW_SHOWN_SIZE];
  /* as it is read */
  uint64_t begin; /* in the feed */
  uint64_t limit; /* packed bytes that may still come */
  uint32_t found_sum;
  uint64_t found_size;
};

struct zip {
  struct tlw_memory *memory;
  struct tlw_feed *feed;
  bool has_file, in_file, ended;
  uint64_t beside; /* bytes of entries that were unpacked and passed over */
  struct entry entry;
  struct tlw_deflated deflated;
  char scratch[SCRATCH_SIZE]; /* where entries go that are passed over */
};

static uint32_t get_u16(const unsigned char *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

static uint32_t get_u32(const unsigned char *bytes) { return get_u16(bytes) | get_u16(bytes + 2) << 16; }

static uint64_t get_u64(const unsigned char *bytes) { return get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32; }

static bool is_zip(const unsigned char *head, size_t size) {
  if (size < 4) return false;
  const uint32_t signature = get_u32(head);
  return signature == ENTRY_SIGNATURE || signature == END_SIGNATURE || signature == SPLIT_SIGNATURE;
}

static void end_zip(void *state) {
  struct zip *zip = state;
  tlw_deflated_end(&zip->deflated);
  tlw_heap_free(zip->memory, zip, sizeof *zip);
}

static tlw_status begin_zip(struct tlw_feed *feed, struct tlw_memory *memory, void **state, tlw_error *error) {
  *state = NULL;
  struct zip *zip = tlw_heap_alloc(memory, sizeof *zip, "unpacking a zip file", error);
  if (!zip) return error->code;
  *zip = (struct zip){.memory = memory, .feed = feed};
  const tlw_status status = tlw_deflated_begin(&zip->deflated, FORMAT, WINDOW_BITS, feed, memory, error);
  if (status == TLW_OK)
    *state = zip;
  else
    end_zip(zip);
  return status;
}

static tlw_status fail_damaged(const struct zip *zip, const char *reason, tlw_error *error) {
  return tlw_unpack_fail_damaged(zip->feed, FORMAT, reason, error);
}

/* Looks ahead by size bytes, which must be there. */
static tlw_status need(const struct zip *zip, size_t size, tlw_error *error) {
  const tlw_status status = tlw_feed_peek(zip->feed, size, error);
  if (status == TLW_OK && tlw_feed_left(zip->feed) < size) return tlw_unpack_fail_cut(zip->feed, FORMAT, error);
  return status;
}

static tlw_status pass(const struct zip *zip, uint64_t size, tlw_error *error) {
  uint64_t passed = 0;
  const tlw_status status = tlw_feed_pass(zip->feed, size, &passed, error);
  if (status == TLW_OK && passed < size) return tlw_unpack_fail_cut(zip->feed, FORMAT, error);
  return status;
}

/* --- The data of an entry --------------------------------------------------------------------------------------- */

/* A descriptor of this form stands next, says what was found, and is followed by another record. */
static bool is_descriptor(const struct zip *zip, bool has_signature, size_t width) {
  const struct entry *entry = &zip->entry;
  const unsigned char *bytes = tlw_feed_bytes(zip->feed);
  const size_t size = (has_signature ? 8 : 4) + 2 * width;
  if (tlw_feed_left(zip->feed) < size + 2 || memcmp(bytes + size, "PK", 2) != 0) return false;
  if (has_signature) {
    if (get_u32(bytes) != DESCRIPTOR_SIGNATURE) return false;
    bytes += 4;
  }
  const uint64_t packed_size = width == 8 ? get_u64(bytes + 4) : get_u32(bytes + 4);
  const uint64_t unpacked_size = width == 8 ? get_u64(bytes + 4 + width) : get_u32(bytes + 4 + width);
  return get_u32(bytes) == entry->found_sum && packed_size == zip->feed->taken - entry->begin &&
         unpacked_size == entry->found_size;
}

/* With a signature or without, with sizes of 4 or 8 bytes: writers do not say which, so it is the one that fits. */
static tlw_status take_descriptor(struct zip *zip, tlw_error *error) {
  const tlw_status status = tlw_feed_peek(zip->feed, LONGEST_DESCRIPTOR + 2, error);
  if (status != TLW_OK) return status;
  for (int form = 0; form < 4; form++) {
    const bool has_signature = form < 2;
    const size_t width = form % 2 ? 8 : 4;
    if (!is_descriptor(zip, has_signature, width)) continue;
    tlw_feed_take(zip->feed, (has_signature ? 8 : 4) + 2 * width);
    return TLW_OK;
  }
  if (tlw_feed_left(zip->feed) < LONGEST_DESCRIPTOR + 2) return tlw_unpack_fail_cut(zip->feed, FORMAT, error);
  return fail_damaged(zip, "its checksum or size is wrong", error);
}

static tlw_status finish_entry(struct zip *zip, tlw_error *error) {
  const struct entry *entry = &zip->entry;
  zip->in_file = false;
  if (entry->flags & FLAG_STREAMED) return take_descriptor(zip, error);
  if (entry->limit > 0 || entry->found_size != entry->size) return fail_damaged(zip, "its size is wrong", error);
  return entry->found_sum == entry->sum ? TLW_OK : fail_damaged(zip, "its checksum is wrong", error);
}

static tlw_status read_stored(struct zip *zip, char *buffer, size_t capacity, size_t *size, bool *ended,
                              tlw_error *error) {
  struct entry *entry = &zip->entry;
  *size = 0;
  *ended = entry->limit == 0;
  if (*ended) return TLW_OK;
  const size_t most = entry->limit < capacity ? (size_t)entry->limit : capacity;
  const tlw_status status = tlw_feed_read(zip->feed, buffer, most, size, error);
  if (status != TLW_OK) return status;
  if (*size == 0) return tlw_unpack_fail_cut(zip->feed, FORMAT, error);
  entry->limit -= *size;
  return TLW_OK;
}

/* The next bytes of the entry; none at its end, which is examined. */
static tlw_status read_entry(struct zip *zip, char *buffer, size_t capacity, size_t *size, bool *ended,
                             tlw_error *error) {
  struct entry *entry = &zip->entry;
  const tlw_status status = entry->method == METHOD_STORED ? read_stored(zip, buffer, capacity, size, ended, error)
                                                           : tlw_deflated_read(&zip->deflated, &entry->limit, buffer,
                                                                               capacity, size, ended, error);
  if (status != TLW_OK) return status;
  entry->found_sum = (uint32_t)crc32_z(entry->found_sum, (const unsigned char *)buffer, *size);
  entry->found_size += *size;
  return *ended ? finish_entry(zip, error) : TLW_OK;
}

/* --- The headers of entries ------------------------------------------------------------------------------------- */

/* Sizes that do not fit the header stand in a field behind it, the unpacked one first. */
static tlw_status take_extra(struct zip *zip, size_t size, tlw_error *error) {
  struct entry *entry = &zip->entry;
  const tlw_status status = need(zip, size, error);
  if (status != TLW_OK) return status;
  const unsigned char *bytes = tlw_feed_bytes(zip->feed);
  uint64_t *const sizes[] = {&entry->size, &entry->packed_size};
  bool found = entry->size != IN_ZIP64 && entry->packed_size != IN_ZIP64;
  for (size_t at = 0; !found && at + 4 <= size;) {
    const size_t end = at + 4 + get_u16(bytes + at + 2);
    const uint32_t id = get_u16(bytes + at);
    at += 4;
    for (int i = 0; id == EXTRA_ZIP64 && i < 2; i++) {
      if (*sizes[i] != IN_ZIP64) continue;
      if (at + 8 > end || end > size) return fail_damaged(zip, "its size is missing", error);
      *sizes[i] = get_u64(bytes + at);
      at += 8;
    }
    found = id == EXTRA_ZIP64;
    at = end;
  }
  if (!found && !(entry->flags & FLAG_STREAMED)) return fail_damaged(zip, "its size is missing", error);
  tlw_feed_take(zip->feed, size);
  return TLW_OK;
}

static bool ends_with(const char *name, size_t size, const char *end) {
  const size_t length = strlen(end);
  return size >= length && memcmp(name + size - length, end, length) == 0;
}

static bool is_name(const char *name, size_t size, const char *other) {
  return size == strlen(other) && memcmp(name, other, size) == 0;
}

/* Folders, and what macOS adds to a zip of its own accord. */
static bool is_passed_over(const char *name, size_t size) {
  static const char macos[] = "__MACOSX/";
  return ends_with(name, size, "/") || ends_with(name, size, "\\") || ends_with(name, size, "/.DS_Store") ||
         is_name(name, size, ".DS_Store") || (size >= sizeof macos && memcmp(name, macos, sizeof macos - 1) == 0);
}

/* Spreadsheets are zips too, and this is what they have first. */
static bool is_of_document(const char *name, size_t size) {
  return ends_with(name, size, ".xml") || ends_with(name, size, ".rels") || is_name(name, size, "mimetype");
}

/* What can't be read by itself. shown_name is set. */
static tlw_status examine_file(const struct zip *zip, bool of_document, tlw_error *error) {
  const struct entry *entry = &zip->entry;
  const char *name = zip->feed->name;
  if (zip->has_file)
    return tlw_fail(error, TLW_ERR_DATA, "%s: the zip holds more than one file: unpack it and give the one", name);
  if (of_document)
    return tlw_fail(error, TLW_ERR_DATA, "%s: is a spreadsheet or another document: save it as CSV", name);
  if (entry->flags & FLAG_ENCRYPTED)
    return tlw_fail(error, TLW_ERR_DATA, "%s: '%s' in the zip is encrypted: unpack it and give the file", name,
                    entry->shown_name);
  if (entry->method != METHOD_STORED && entry->method != METHOD_DEFLATED)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: '%s' in the zip is packed by method %u, not stored (0) or deflated (8): unpack it and give "
                    "the file",
                    name, entry->shown_name, (unsigned)entry->method);
  if (entry->method == METHOD_STORED && entry->flags & FLAG_STREAMED && entry->packed_size == 0)
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: '%s' in the zip is stored without its size in front: unpack it and give the file", name,
                    entry->shown_name);
  return TLW_OK;
}

static void begin_data(struct zip *zip) {
  struct entry *entry = &zip->entry;
  const bool by_its_end = entry->flags & FLAG_STREAMED && entry->method == METHOD_DEFLATED;
  entry->limit = by_its_end ? UINT64_MAX : entry->packed_size;
  entry->begin = zip->feed->taken;
  if (entry->method == METHOD_DEFLATED) tlw_deflated_restart(&zip->deflated);
}

static tlw_status pass_entry(struct zip *zip, tlw_error *error) {
  const struct entry *entry = &zip->entry;
  if (!(entry->flags & FLAG_STREAMED)) return pass(zip, entry->packed_size, error);
  if (entry->flags & FLAG_ENCRYPTED || (entry->method != METHOD_STORED && entry->method != METHOD_DEFLATED))
    return tlw_fail(error, TLW_ERR_DATA,
                    "%s: where '%s' in the zip ends can't be told: unpack it and give the one file", zip->feed->name,
                    entry->shown_name);
  begin_data(zip);
  tlw_status status = TLW_OK;
  for (bool ended = false; status == TLW_OK && !ended;) {
    size_t size = 0;
    status = read_entry(zip, zip->scratch, SCRATCH_SIZE, &size, &ended, error);
    zip->beside += size;
    if (status == TLW_OK && zip->beside > MOST_BESIDE)
      return tlw_fail(error, TLW_ERR_DATA,
                      "%s: what the zip holds beside the file unpacks to more than 64 MiB: unpack it and give the file",
                      zip->feed->name);
  }
  return status;
}

static tlw_status take_entry(struct zip *zip, tlw_error *error) {
  tlw_status status = need(zip, ENTRY_SIZE, error);
  if (status != TLW_OK) return status;
  struct tlw_feed *feed = zip->feed;
  const unsigned char *header = tlw_feed_bytes(feed);
  zip->entry = (struct entry){.flags = get_u16(header + 6),
                              .method = get_u16(header + 8),
                              .sum = get_u32(header + 14),
                              .packed_size = get_u32(header + 18),
                              .size = get_u32(header + 22)};
  const size_t name_size = get_u16(header + 26), extra_size = get_u16(header + 28);
  tlw_feed_take(feed, ENTRY_SIZE);
  status = need(zip, name_size, error);
  if (status != TLW_OK) return status;
  const char *name = (const char *)tlw_feed_bytes(feed);
  tlw_show_text(zip->entry.shown_name, sizeof zip->entry.shown_name, name, name_size);
  const bool passed_over = is_passed_over(name, name_size);
  const bool of_document = is_of_document(name, name_size);
  tlw_feed_take(feed, name_size);
  status = take_extra(zip, extra_size, error);
  if (status != TLW_OK) return status;
  if (passed_over) return pass_entry(zip, error);
  status = examine_file(zip, of_document, error);
  if (status != TLW_OK) return status;
  begin_data(zip);
  zip->has_file = zip->in_file = true;
  return TLW_OK;
}

/* --- The directory at the end ----------------------------------------------------------------------------------- */

/* Records behind the entries: their fixed sizes, and where in that the sizes of what follows stand. */
struct record {
  uint32_t signature;
  size_t size;
  size_t parts[3], part_width; /* 0: no further part */
};

static const struct record records[] = {
    {0x02014b50, 46, {28, 30, 32}, 2}, /* an entry again */
    {0x05054b50, 6, {4}, 2},           /* a digital signature */
    {0x06064b50, 12, {4}, 8},          /* the end, with sizes of 8 bytes */
    {0x07064b50, 20, {0}, 0},          /* where that stands */
    {END_SIGNATURE, 22, {20}, 2},
};

static const struct record *find_record(uint32_t signature) {
  for (size_t i = 0; i < sizeof records / sizeof *records; i++)
    if (records[i].signature == signature) return &records[i];
  return NULL;
}

static tlw_status pass_record(struct zip *zip, const struct record *record, tlw_error *error) {
  const tlw_status status = need(zip, record->size, error);
  if (status != TLW_OK) return status;
  const unsigned char *bytes = tlw_feed_bytes(zip->feed);
  uint64_t size = 0;
  for (int i = 0; i < 3 && record->parts[i]; i++)
    size += record->part_width == 8 ? get_u64(bytes + record->parts[i]) : get_u16(bytes + record->parts[i]);
  tlw_feed_take(zip->feed, record->size);
  return pass(zip, size, error);
}

/* Nothing but zeros may follow. */
static tlw_status finish(struct zip *zip, tlw_error *error) {
  if (!zip->has_file)
    return tlw_fail(error, TLW_ERR_DATA, "%s: the zip holds no file: give one with a CSV file in it", zip->feed->name);
  const tlw_status status = tlw_feed_pass_zeros(zip->feed, error);
  if (status != TLW_OK) return status;
  if (tlw_feed_left(zip->feed) > 0) return fail_damaged(zip, "what follows its end is not zip", error);
  zip->ended = true;
  return TLW_OK;
}

static tlw_status pass_directory(struct zip *zip, tlw_error *error) {
  for (;;) {
    tlw_status status = need(zip, 4, error);
    if (status != TLW_OK) return status;
    const struct record *record = find_record(get_u32(tlw_feed_bytes(zip->feed)));
    if (!record) return fail_damaged(zip, "something else stands where its directory should", error);
    status = pass_record(zip, record, error);
    if (status != TLW_OK) return status;
    if (record->signature == END_SIGNATURE) return finish(zip, error);
  }
}

static tlw_status next_record(struct zip *zip, tlw_error *error) {
  const tlw_status status = need(zip, 4, error);
  if (status != TLW_OK) return status;
  const uint32_t signature = get_u32(tlw_feed_bytes(zip->feed));
  if (signature == ENTRY_SIGNATURE) return take_entry(zip, error);
  if (signature == SPLIT_SIGNATURE && zip->feed->taken == 0)
    return tlw_fail(error, TLW_ERR_DATA, "%s: is one part of a split zip: unpack all of them and give the file",
                    zip->feed->name);
  return pass_directory(zip, error);
}

static tlw_status read_zip(void *state, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  struct zip *zip = state;
  tlw_status status = TLW_OK;
  bool ended;
  *size = 0;
  while (status == TLW_OK && *size == 0 && !zip->ended)
    status = zip->in_file ? read_entry(zip, buffer, capacity, size, &ended, error) : next_record(zip, error);
  return status;
}

const struct tlw_unpacker tlw_unpack_zip = {TLW_PACKING_ZIP, is_zip, begin_zip, read_zip, end_zip};
