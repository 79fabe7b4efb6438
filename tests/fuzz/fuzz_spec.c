/*
 * What people write in options: the first character says which it is, 'c' the columns of files, 'b' the column of
 * symbols, 't' a time, 's' a shard with lines of the environment behind it.
 */
#include <string.h>

#include "fuzz.h"
#include "tallow/csv.h"
#include "tools/cli/shard.h"

#define YEAR_1678 (-INT64_C(9214560000) * 1000000000)
#define YEAR_2262 (INT64_C(9214646400) * 1000000000)

static void read_with(const tlw_csv_options *o) {
  static const char text[] = "Date,Time,Open,High,Low,Close,Volume BTC,x,Er\xc3\xb6"
                             "ffnung\n2020-01-01,10:00,1,1,1,1,1,1,1\n2020-01-02,10:00,1,1,1,1,1,1,1\n";
  tlw_table *table = NULL;
  tlw_error error;
  const tlw_status status = tlw_csv_read(fuzz_file(text, sizeof text - 1), o, NULL, &table, &error);
  FUZZ_CHECK((status == TLW_OK) == (table != NULL));
  FUZZ_CHECK(status == TLW_OK || status == TLW_ERR_ARGUMENT || status == TLW_ERR_DATA);
  FUZZ_CHECK(status == TLW_OK || (memchr(error.message, 0, sizeof error.message) && strlen(error.message) > 10));
  for (const char *at = error.message; status != TLW_OK && *at; at++) FUZZ_CHECK((unsigned char)*at >= ' ');
  tlw_table_close(&table);
}

static void read_time(const char *text) {
  int64_t time = 4711;
  tlw_error error;
  if (tlw_time_parse(text, &time, &error) == TLW_OK)
    FUZZ_CHECK(time >= YEAR_1678 && time < YEAR_2262);
  else
    FUZZ_CHECK(time == 4711 && error.code == TLW_ERR_ARGUMENT && strlen(error.message) < sizeof error.message);
}

/* Lines of NAME=VALUE in place of the environment. */
static const char *find(void *user, const char *name) {
  static char value[256];
  const size_t length = strlen(name);
  for (const char *line = user; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, name, length) != 0 || line[length] != '=') continue;
    const size_t size = strcspn(line + length + 1, "\n");
    snprintf(value, sizeof value, "%.*s", (int)(size < 255 ? size : 255), line + length + 1);
    return value;
  }
  return NULL;
}

static void read_shard(char *text) {
  char *lines = strchr(text, '\n');
  static char none[] = "";
  if (lines) *lines = 0;
  cli_shard shard = {-1, -1};
  char reason[200];
  memset(reason, 0x7f, sizeof reason);
  if (cli_shard_parse(text, find, lines ? lines + 1 : none, &shard, reason, sizeof reason))
    FUZZ_CHECK((shard.index == 0 && shard.count == 0) ||
               (shard.index >= 1 && shard.index <= shard.count && shard.count <= CLI_SHARDS_MAX));
  else
    FUZZ_CHECK(memchr(reason, 0, sizeof reason) && reason[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 100000) return 0;
  char *text = malloc(size);
  FUZZ_CHECK(text);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  tlw_csv_options o;
  tlw_csv_options_init(&o);
  if (data[0] == 't') read_time(text);
  if (data[0] == 's') read_shard(text);
  if (data[0] == 'c') o.columns = text;
  if (data[0] == 'b') o.by = text;
  if (o.columns || o.by) read_with(&o);
  free(text);
  return 0;
}
