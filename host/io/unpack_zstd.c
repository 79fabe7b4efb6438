/*
 * Zstandard files, by a libzstd that is opened at run time. What is needed of its interface is declared here, so that a
 * build does not need it.
 */
#include <pthread.h>

#include "host/base/error.h"
#include "host/base/library.h"
#include "unpack.h"

#define FORMAT "Zstandard"
#define WINDOW_LOG 27 /* 128 MiB, as much as the zstd command takes */
#define WINDOW_LOG_PARAMETER 100
#define ERROR_WINDOW 16
#define ERROR_DICTIONARY 32
#define ERROR_MEMORY 64
#define UNKNOWN UINT64_MAX
#define FAULTY (UINT64_MAX - 1)
#define LONGEST_HEADER 18

struct context;

struct memory_functions {
  void *(*allocate)(void *opaque, size_t size);
  void (*release)(void *opaque, void *pointer);
  void *opaque;
};

struct in_buffer {
  const void *bytes;
  size_t size, used;
};

struct out_buffer {
  void *bytes;
  size_t size, used;
};

static const char *const names[] = {
    "ZSTD_createDCtx_advanced",
    "ZSTD_freeDCtx",
    "ZSTD_DCtx_setParameter",
    "ZSTD_decompressStream",
    "ZSTD_isError",
    "ZSTD_getErrorName",
    "ZSTD_getErrorCode",
    "ZSTD_getFrameContentSize",
};

static struct {
  struct context *(*create)(struct memory_functions memory);
  size_t (*free)(struct context *context);
  size_t (*set_parameter)(struct context *context, int parameter, int value);
  size_t (*decompress)(struct context *context, struct out_buffer *out, struct in_buffer *in);
  unsigned (*is_error)(size_t result);
  const char *(*error_name)(size_t result);
  int (*error_code)(size_t result);
  unsigned long long (*content_size)(const void *frame, size_t size);
} library;

struct zstd {
  struct tlw_memory *memory;
  struct tlw_feed *feed;
  struct context *context;
  struct tlw_room room;
  bool within_frame;
  uint64_t promised; /* bytes of the frame by its header, UNKNOWN or FAULTY */
  uint64_t unpacked; /* of the frame so far */
};

static bool is_zstd(const unsigned char *head, size_t size) {
  if (size < 4) return false;
  const uint32_t magic = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
  return magic == 0xfd2fb528 || (magic & 0xfffffff0) == 0x184d2a50; /* a frame, or one to be skipped */
}

/* Once it is loaded it stays so; until then every file tries again, for it may have been installed. */
static tlw_status load(const struct tlw_feed *feed, tlw_error *error) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool loaded;
  char reason[160];
  pthread_mutex_lock(&lock);
  if (!loaded)
    loaded = tlw_library_load("libzstd.so.1", "libzstd", names, sizeof names / sizeof names[0], &library, reason,
                              sizeof reason);
  const bool ready = loaded;
  pthread_mutex_unlock(&lock);
  if (ready) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "%s: is packed by Zstandard: install libzstd (package libzstd1) or unpack it with zstd -d (%s)",
                  feed->name, reason);
}

static void *on_alloc(void *room, size_t size) { return tlw_room_alloc(room, size); }

static void on_free(void *room, void *pointer) { tlw_room_free(room, pointer); }

static void end_zstd(void *state) {
  struct zstd *zstd = state;
  library.free(zstd->context); /* NULL is fine */
  tlw_heap_free(zstd->memory, zstd, sizeof *zstd);
}

static tlw_status begin_zstd(struct tlw_feed *feed, struct tlw_memory *memory, void **state, tlw_error *error) {
  *state = NULL;
  const tlw_status status = load(feed, error);
  if (status != TLW_OK) return status;
  struct zstd *zstd = tlw_heap_alloc(memory, sizeof *zstd, "unpacking a Zstandard file", error);
  if (!zstd) return error->code;
  *zstd = (struct zstd){.memory = memory, .feed = feed};
  zstd->room = (struct tlw_room){.memory = memory, .what = "unpacking a Zstandard file"};
  zstd->context = library.create((struct memory_functions){on_alloc, on_free, &zstd->room});
  if (!zstd->context) {
    tlw_unpack_fail_memory(&zstd->room, error);
    end_zstd(zstd);
    return error->code;
  }
  library.set_parameter(zstd->context, WINDOW_LOG_PARAMETER, WINDOW_LOG);
  *state = zstd;
  return TLW_OK;
}

static tlw_status fail(const struct zstd *zstd, size_t result, tlw_error *error) {
  const char *name = zstd->feed->name;
  const int code = library.error_code(result);
  if (code == ERROR_MEMORY) return tlw_unpack_fail_memory(&zstd->room, error);
  if (code == ERROR_WINDOW)
    tlw_fail(error, TLW_ERR_DATA,
             "%s: its Zstandard data needs a window of more than 128 MiB: unpack it first (zstd -d --long=31)", name);
  else if (code == ERROR_DICTIONARY)
    tlw_fail(error, TLW_ERR_DATA, "%s: its Zstandard data needs a dictionary: unpack it first (zstd -d -D)", name);
  else
    tlw_unpack_fail_damaged(zstd->feed, FORMAT, library.error_name(result), error);
  error->native = code;
  return error->code;
}

/* libzstd compares what a frame holds with what its header says only where it has room for all of it. */
static tlw_status check_size(const struct zstd *zstd, tlw_error *error) {
  if (zstd->within_frame || zstd->promised >= FAULTY || zstd->promised == zstd->unpacked) return TLW_OK;
  return tlw_unpack_fail_damaged(zstd->feed, FORMAT, "it is not as long as it says", error);
}

static tlw_status read_zstd(void *state, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  struct zstd *zstd = state;
  struct tlw_feed *feed = zstd->feed;
  struct out_buffer out = {.bytes = buffer, .size = capacity};
  while (out.used == 0) {
    tlw_status status = tlw_feed_peek(feed, zstd->within_frame ? 1 : LONGEST_HEADER, error);
    if (status != TLW_OK) return status;
    struct in_buffer in = {.bytes = tlw_feed_bytes(feed), .size = tlw_feed_left(feed)};
    if (in.size == 0 && !zstd->within_frame) break;
    if (!zstd->within_frame) {
      zstd->promised = library.content_size(in.bytes, in.size);
      zstd->unpacked = 0;
    }
    const size_t result = library.decompress(zstd->context, &out, &in);
    if (library.is_error(result)) return fail(zstd, result, error);
    tlw_feed_take(feed, in.used);
    zstd->within_frame = result != 0;
    zstd->unpacked += out.used;
    status = check_size(zstd, error);
    if (status != TLW_OK) return status;
    if (in.size == 0 && out.used == 0 && zstd->within_frame) return tlw_unpack_fail_cut(feed, FORMAT, error);
  }
  *size = out.used;
  return TLW_OK;
}

const struct tlw_unpacker tlw_unpack_zstd = {TLW_PACKING_ZSTD, is_zstd, begin_zstd, read_zstd, end_zstd};
