/* Packed files: whatever they say of themselves, they end, within the memory and the size that they may have. */
#include <string.h>

#include "fuzz.h"
#include "host/io/input.h"

#define READ_MOST ((uint64_t)4 << 20)

/* Reads the file in parts of a size; returns a hash of what came, and how it ended. */
static uint64_t read_in_parts(const char *path, size_t part, uint64_t *n_bytes, tlw_status *status) {
  static char buffer[65536];
  tlw_error error;
  struct tlw_input *input = NULL;
  uint64_t hash = 14695981039346656037u;
  *n_bytes = 0;
  *status = tlw_input_open(path, 1000, NULL, &input, &error);
  while (*status == TLW_OK && *n_bytes < READ_MOST) {
    size_t n = 0;
    *status = tlw_input_read(input, buffer, part, &n, &error);
    FUZZ_CHECK(n <= part);
    if (*status != TLW_OK || n == 0) break;
    for (size_t i = 0; i < n && *n_bytes + i < READ_MOST; i++) hash = (hash ^ (uint8_t)buffer[i]) * 1099511628211u;
    *n_bytes += n;
  }
  if (*status != TLW_OK) {
    FUZZ_CHECK(*status == TLW_ERR_DATA || *status == TLW_ERR_UNAVAILABLE || *status == TLW_ERR_NOT_FOUND);
    FUZZ_CHECK(error.code == *status && memchr(error.message, 0, sizeof error.message) && strlen(error.message) > 10);
  }
  tlw_input_close(&input);
  FUZZ_CHECK(!input);
  return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(data, size);
  uint64_t n_large, n_small;
  tlw_status large, small;
  const uint64_t a = read_in_parts(path, 65536, &n_large, &large);
  const uint64_t b = read_in_parts(path, 977, &n_small, &small);
  if (n_large >= READ_MOST || n_small >= READ_MOST) return 0;
  FUZZ_CHECK(large == small);
  FUZZ_CHECK(large != TLW_OK || (a == b && n_large == n_small));
  return 0;
}
