#include "input.h"

#include <inttypes.h>
#include <string.h>

#include "feed.h"
#include "host/base/error.h"
#include "host/base/heap.h"
#include "unpack.h"

struct tlw_input {
  struct tlw_memory *memory;           /* or NULL */
  const struct tlw_unpacker *unpacker; /* NULL: plain */
  void *state;                         /* of the unpacker */
  uint32_t expansion;
  uint64_t unpacked;
  tlw_error failure; /* packed: the code is TLW_OK before there is one */
  struct tlw_feed feed;
};

static tlw_status start(struct tlw_input *input, const char *path, tlw_error *error) {
  struct tlw_feed *feed = &input->feed;
  tlw_status status = tlw_feed_open(feed, path, error);
  if (status == TLW_OK) status = tlw_feed_peek(feed, TLW_UNPACK_MAGIC, error);
  if (status != TLW_OK) return status;
  const struct tlw_unpacker *unpacker = tlw_unpack_find(tlw_feed_bytes(feed), tlw_feed_left(feed));
  if (!unpacker) return tlw_unpack_check_foreign(feed, error);
  status = unpacker->begin(feed, input->memory, &input->state, error);
  if (status == TLW_OK) input->unpacker = unpacker;
  return status;
}

tlw_status tlw_input_open(const char *path, uint32_t expansion, struct tlw_memory *memory, struct tlw_input **input,
                          tlw_error *error) {
  *input = NULL;
  struct tlw_input *opened = tlw_heap_alloc(memory, sizeof *opened, "reading a file", error);
  if (!opened) return error->code;
  memset(opened, 0, sizeof *opened);
  opened->memory = memory;
  opened->expansion = expansion ? expansion : TLW_INPUT_EXPANSION;
  const tlw_status status = start(opened, path, error);
  if (status != TLW_OK)
    tlw_input_close(&opened);
  else
    *input = opened;
  return status;
}

static tlw_status check_expansion(const struct tlw_input *input, tlw_error *error) {
  if (input->unpacked <= TLW_INPUT_ALWAYS || (input->unpacked - 1) / input->expansion < input->feed.taken)
    return TLW_OK;
  return tlw_fail(error, TLW_ERR_DATA,
                  "%s: unpacks to more than %" PRIu32 " times its size: if that is meant, allow more (--expansion, "
                  "or expansion in the options) or unpack it first",
                  input->feed.name, input->expansion);
}

static tlw_status read_packed(struct tlw_input *input, char *buffer, size_t capacity, size_t *size) {
  tlw_error *failure = &input->failure;
  if (failure->code == TLW_OK) {
    tlw_status status = input->unpacker->read(input->state, buffer, capacity, size, failure);
    if (status == TLW_OK) {
      input->unpacked += *size;
      status = check_expansion(input, failure);
    }
    failure->code = status;
  }
  return failure->code;
}

tlw_status tlw_input_read(struct tlw_input *input, char *buffer, size_t capacity, size_t *size, tlw_error *error) {
  if (!input->unpacker) return tlw_feed_read(&input->feed, buffer, capacity, size, error);
  const tlw_status status = read_packed(input, buffer, capacity, size);
  if (status != TLW_OK) {
    *size = 0;
    *error = input->failure;
  }
  return status;
}

tlw_packing tlw_input_packing(const struct tlw_input *input) {
  return input->unpacker ? input->unpacker->packing : TLW_PACKING_NONE;
}

uint64_t tlw_input_consumed(const struct tlw_input *input) { return input->feed.taken; }

const char *tlw_input_name(const struct tlw_input *input) { return input->feed.name; }

void tlw_input_close(struct tlw_input **input) {
  struct tlw_input *closed = *input;
  if (!closed) return;
  if (closed->unpacker) closed->unpacker->end(closed->state);
  tlw_feed_close(&closed->feed);
  tlw_heap_free(closed->memory, closed, sizeof *closed);
  *input = NULL;
}
