/*
 * Writes kernels/core/png_codes.h, the Huffman codes of Tallow's own PNG files: one for each bit depth, for charts.
 *
 *     build/dev/tools/png_codes > kernels/core/png_codes.h
 *
 * Charts of synthetic candles, of many sizes, are counted by the tokens that their rows become: the output is the same on
 * every machine, and follows what charts look like. To change a code is to change the format: raise TLW_PNG_FAST_VERSION, and copy the lengths
 * to include/tallow/png.h, the definition, and to tests/png_reference.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tallow/tallow.h"
#include "tools/synth/synth.h"

#define TABLES 4
#define SYMBOLS 286
#define END 256
#define FIRST_LENGTH 257
#define MOST_BITS 15
#define KINDS 19 /* of code lengths */
#define KIND_REPEAT 16
#define MOST_KIND_BITS 7
#define SMOOTHING 8192 /* every symbol is at least as frequent as one in so many */
#define KIND_SMOOTHING 16
#define FILTER 2
#define LONGEST 258
#define MOST_CANDLES 30000

static void die(const char *message) {
  fprintf(stderr, "png_codes: %s\n", message);
  exit(EXIT_FAILURE);
}

/* ---- lengths of matches ---- */

/* Symbol, first length and extra bits, as RFC 1951 has them. */
static void find_length(int length, int *symbol, int *first, int *extra) {
  int s = FIRST_LENGTH, low = 3, bits = 0;
  while (s < SYMBOLS - 2) {
    bits = s < FIRST_LENGTH + 8 ? 0 : (s - FIRST_LENGTH - 4) / 4;
    if (length < low + (1 << bits)) break;
    low += 1 << bits;
    s++;
  }
  if (s == SYMBOLS - 2) bits = 5;
  if (length == LONGEST) s = SYMBOLS - 1, low = LONGEST, bits = 0;
  *symbol = s, *first = low, *extra = bits;
}

/* ---- counting ---- */

static uint64_t counts[TABLES][SYMBOLS];

static void count_run(uint64_t *count, uint8_t byte, int length) {
  count[byte]++;
  for (int left = length - 1; left > 0;) {
    int match = left < LONGEST ? left : LONGEST, symbol, first, extra;
    if (match < 3) {
      count[byte]++;
      left--;
      continue;
    }
    find_length(match, &symbol, &first, &extra);
    count[symbol]++;
    left -= match;
  }
}

static void count_row(uint64_t *count, const uint8_t *row, int size) {
  int start = 0;
  for (int i = 1; i <= size; i++) {
    if (i < size && row[i] == row[start]) continue;
    count_run(count, row[start], i - start);
    start = i;
  }
}

static void pack(const uint8_t *pixels, int width, int depth, uint8_t *row) {
  memset(row, 0, (size_t)(width * depth + 7) / 8);
  for (int x = 0; x < width; x++) {
    const int bit = x * depth;
    row[bit / 8] |= (uint8_t)(pixels[x] << (8 - depth - bit % 8));
  }
}

static void count_picture(int table, const uint8_t *pixels, int width, int height) {
  const int depth = 1 << table, size = (width * depth + 7) / 8;
  uint8_t *rows = calloc(3, (size_t)size + 1), *above = rows, *row = above + size + 1, *filtered = row + size + 1;
  if (!rows) die("no memory");
  filtered[0] = FILTER;
  for (int y = 0; y < height; y++) {
    pack(pixels + (size_t)y * (size_t)width, width, depth, row);
    for (int i = 0; i < size; i++) filtered[i + 1] = (uint8_t)(row[i] - above[i]);
    memcpy(above, row, (size_t)size);
    count_row(counts[table], filtered, size + 1);
  }
  counts[table][END]++;
  free(rows);
}

/* ---- pictures ---- */

#define MOST_LINES 3
static const int spans[MOST_LINES] = {10, 20, 50}; /* candles of the averages that are drawn */

/* Candles, and averages of their closes. */
static struct {
  int64_t time[MOST_CANDLES];
  double prices[5][MOST_CANDLES], lines[MOST_LINES][MOST_CANDLES];
} rows;

static void make_rows(synth_shape shape) {
  synth_source source;
  synth_start(&source, &(synth_options){.seed = 1, .shape = shape, .interval = 60 * SYNTH_SECOND});
  const synth_columns columns = {rows.time,      rows.prices[0], rows.prices[1],
                                 rows.prices[2], rows.prices[3], rows.prices[4]};
  synth_fill_candles(&source, &columns, MOST_CANDLES);
  for (int line = 0; line < MOST_LINES; line++)
    for (int i = 0; i < MOST_CANDLES; i++) {
      double sum = 0.0;
      for (int back = 0; back < spans[line] && back <= i; back++) sum += rows.prices[3][i - back];
      rows.lines[line][i] = sum / spans[line];
    }
}

/* What is drawn of them. */
struct picture {
  int width, height, volume, labels, n_lines;
  int64_t candles;
};

static void draw(tlw_engine *engine, const struct picture *picture, uint8_t *pixels) {
  const void *lines[MOST_LINES];
  tlw_candles candles;
  tlw_chart_options options;
  tlw_error error;
  tlw_candles_init(&candles);
  tlw_chart_options_init(&options);
  for (int i = 0; i < MOST_LINES; i++) lines[i] = rows.lines[i];
  candles.open = rows.prices[0], candles.high = rows.prices[1], candles.low = rows.prices[2];
  candles.close = rows.prices[3], candles.volume = rows.prices[4], candles.time = rows.time;
  candles.n_rows = picture->candles;
  candles.lines = lines;
  candles.n_lines = options.n_lines = picture->n_lines;
  options.width = picture->width, options.height = picture->height;
  options.volume = picture->volume, options.labels = picture->labels;
  const size_t width = (size_t)picture->width, size = width * (size_t)picture->height;
  const tlw_raster raster = {pixels, size, width, size};
  if (tlw_chart_render(engine, &candles, &options, &raster, &error) != TLW_OK) die(error.message);
}

static void count_drawn(tlw_engine *engine, int table, struct picture picture, int labels, int n_lines) {
  static uint8_t pixels[1920 * 1080];
  picture.labels = labels;
  picture.n_lines = n_lines;
  draw(engine, &picture, pixels);
  if (table == 0)
    for (int i = 0; i < picture.width * picture.height; i++) pixels[i] = pixels[i] != 0;
  count_picture(table, pixels, picture.width, picture.height);
}

static void count_charts(void) {
  static const int sizes[][2] = {{200, 150}, {400, 300}, {800, 600}, {1280, 720}, {1920, 1080}};
  static const int64_t candles[] = {30, 100, 300, 1000, 3000, MOST_CANDLES};
  tlw_engine *engine;
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  tlw_error error;
  if (tlw_engine_open(&engine, &engine_options, &error) != TLW_OK) die(error.message);
  for (int shape = 0; shape < SYNTH_SHAPE_COUNT; shape++) {
    make_rows((synth_shape)shape);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t c = 0; c < sizeof candles / sizeof *candles; c++) {
        const struct picture picture = {
            .width = sizes[s][0], .height = sizes[s][1], .volume = c % 3 != 2, .candles = candles[c]};
        count_drawn(engine, 0, picture, 0, 0);
        count_drawn(engine, 1, picture, 0, 0);
        count_drawn(engine, 2, picture, 1, 0);
        count_drawn(engine, 2, picture, 1, 2);
        count_drawn(engine, 3, picture, 1, 3);
      }
  }
  tlw_engine_close(&engine);
}

/* ---- codes ---- */

/* Lengths of a Huffman code; of equal counts the one made first is taken first. */
static void make_lengths(const uint64_t *count, int n, int most, int *lengths) {
  uint64_t weight[2 * SYMBOLS];
  int parent[2 * SYMBOLS], nodes = n;
  for (int i = 0; i < n; i++) weight[i] = count[i], parent[i] = -1;
  for (;;) {
    int least = -1, second = -1;
    for (int i = 0; i < nodes; i++) {
      if (weight[i] == 0 || parent[i] >= 0) continue;
      if (least < 0 || weight[i] < weight[least])
        second = least, least = i;
      else if (second < 0 || weight[i] < weight[second])
        second = i;
    }
    if (second < 0) break;
    weight[nodes] = weight[least] + weight[second];
    parent[nodes] = -1;
    parent[least] = parent[second] = nodes++;
  }
  for (int i = 0; i < n; i++) {
    lengths[i] = 0;
    for (int k = i; weight[i] > 0 && parent[k] >= 0; k = parent[k]) lengths[i]++;
    if (lengths[i] > most) die("a code is longer than deflate allows: raise the smoothing");
  }
}

/* The codes of RFC 1951, their first bit lowest. */
static void make_codes(const int *lengths, int n, uint32_t *codes) {
  uint32_t next = 0;
  for (int length = 1; length <= MOST_BITS; length++, next <<= 1)
    for (int i = 0; i < n; i++) {
      if (lengths[i] != length) continue;
      codes[i] = 0;
      for (int bit = 0; bit < length; bit++) codes[i] |= (next >> bit & 1) << (length - 1 - bit);
      next++;
    }
}

/* ---- the header of a block ---- */

struct bits {
  uint8_t bytes[512];
  uint32_t count;
};

static void put(struct bits *bits, uint32_t value, int n) {
  for (int i = 0; i < n; i++, bits->count++)
    bits->bytes[bits->count / 8] |= (uint8_t)((value >> i & 1) << bits->count % 8);
}

/* Lengths, and how often the one before is repeated as KIND_REPEAT + repeats. All lengths are above 0. */
static int make_kinds(const int *lengths, int n, int *kinds) {
  int made = 0;
  for (int i = 0; i < n;) {
    kinds[made++] = lengths[i];
    int repeats = 0;
    for (i++; i < n && lengths[i] == lengths[i - 1]; i++) repeats++;
    for (; repeats >= 3; repeats -= repeats < 6 ? repeats : 6)
      kinds[made++] = KIND_REPEAT + (repeats < 6 ? repeats : 6);
    for (; repeats > 0; repeats--) kinds[made++] = lengths[i - 1];
  }
  return made;
}

static int kind_of(int kind) { return kind < KIND_REPEAT ? kind : KIND_REPEAT; }

static void make_header(const int *lengths, int *kind_lengths, struct bits *bits) {
  static const int order[KINDS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  int all[SYMBOLS + 1], kinds[SYMBOLS + 1];
  uint64_t kind_counts[KINDS] = {0};
  uint32_t codes[KINDS] = {0};
  memcpy(all, lengths, SYMBOLS * sizeof *all);
  all[SYMBOLS] = 1; /* of the one distance */
  const int n = make_kinds(all, SYMBOLS + 1, kinds);
  for (int i = 0; i < n; i++) kind_counts[kind_of(kinds[i])]++;
  for (int i = 0; i < KINDS; i++)
    if (kind_counts[i] > 0) kind_counts[i] += (uint64_t)n / KIND_SMOOTHING;
  make_lengths(kind_counts, KINDS, MOST_KIND_BITS, kind_lengths);
  make_codes(kind_lengths, KINDS, codes);
  int given = KINDS;
  while (kind_lengths[order[given - 1]] == 0) given--;
  put(bits, 0, 1); /* not the last block */
  put(bits, 2, 2);
  put(bits, SYMBOLS - 257, 5);
  put(bits, 0, 5);
  put(bits, (uint32_t)given - 4, 4);
  for (int i = 0; i < given; i++) put(bits, (uint32_t)kind_lengths[order[i]], 3);
  for (int i = 0; i < n; i++) {
    put(bits, codes[kind_of(kinds[i])], kind_lengths[kind_of(kinds[i])]);
    if (kinds[i] > KIND_REPEAT) put(bits, (uint32_t)(kinds[i] - KIND_REPEAT) - 3, 2);
  }
}

/* ---- the file ---- */

static void write_tokens(const char *what, int n, uint32_t (*tokens)[SYMBOLS]) {
  printf("TLK_CONSTANT tlk_u32 tlk_png_%s[%d][%d] = {\n", what, TABLES, n);
  for (int table = 0; table < TABLES; table++)
    for (int i = 0; i < n; i++)
      printf("%s0x%07x%s",
             i == 0        ? "    {"
             : i % 10 == 0 ? "     "
                           : " ",
             tokens[table][i],
             i == n - 1    ? table == TABLES - 1 ? "}};\n" : "},\n"
             : i % 10 == 9 ? ",\n"
                           : ",");
}

static void write_row(const char *what, const uint32_t *values) {
  printf("TLK_CONSTANT tlk_u32 tlk_png_%s[%d] = {%u, %u, %u, %u};\n", what, TABLES, values[0], values[1], values[2],
         values[3]);
}

static void write_lengths(int table, const int *lengths, const int *kind_lengths) {
  printf(" *\n * %d bit%s:", 1 << table, table ? "s" : "");
  for (int i = 0; i < SYMBOLS; i++) printf("%s%x", i % 96 == 0 ? "\n *   " : "", (unsigned)lengths[i]);
  printf("\n *   ");
  for (int i = 0; i < KINDS; i++) printf("%x", (unsigned)kind_lengths[i]);
  printf("\n");
}

int main(void) {
  static int lengths[TABLES][SYMBOLS], kind_lengths[TABLES][KINDS];
  static uint32_t literals[TABLES][SYMBOLS], matches[TABLES][SYMBOLS], ends[TABLES], header_bits[TABLES];
  static struct bits headers[TABLES];
  uint32_t header_size = 0;
  count_charts();
  for (int table = 0; table < TABLES; table++) {
    uint64_t total = 0;
    uint32_t codes[SYMBOLS] = {0};
    for (int i = 0; i < SYMBOLS; i++) total += counts[table][i];
    for (int i = 0; i < SYMBOLS; i++) counts[table][i] += total / SMOOTHING + 1;
    make_lengths(counts[table], SYMBOLS, MOST_BITS, lengths[table]);
    make_codes(lengths[table], SYMBOLS, codes);
    for (int i = 0; i < END; i++) literals[table][i] = codes[i] | (uint32_t)lengths[table][i] << 24;
    for (int length = 3; length <= LONGEST; length++) {
      int symbol, first, extra;
      find_length(length, &symbol, &first, &extra);
      const int bits = lengths[table][symbol];
      /* Behind the code the extra bits, then the code of the distance, a 0. */
      matches[table][length - 3] =
          codes[symbol] | (uint32_t)(length - first) << bits | (uint32_t)(bits + extra + 1) << 24;
    }
    ends[table] = codes[END] | (uint32_t)lengths[table][END] << 24;
    make_header(lengths[table], kind_lengths[table], &headers[table]);
    header_bits[table] = headers[table].count;
    if ((header_bits[table] + 7) / 8 > header_size) header_size = (header_bits[table] + 7) / 8;
  }
  printf("/*\n * The Huffman codes of Tallow's own PNG files, by depth: 1, 2, 4 and 8 bits. Written by "
         "tools/png_codes: do not"
         "\n * edit.\n *\n * Lengths in hexadecimal, a digit a symbol: of literals and lengths, then of the code of "
         "lengths.\n");
  for (int table = 0; table < TABLES; table++) write_lengths(table, lengths[table], kind_lengths[table]);
  printf(" */\n#ifndef TLK_CORE_PNG_CODES_H\n#define TLK_CORE_PNG_CODES_H\n\n#include \"../dialect.h\"\n\n");
  printf(
      "/* clang-format off */\n\n/* Tokens: bits, the first lowest, and from bit 24 how many. Matches are of 3 to 258 "
      "bytes. */\n");
  write_tokens("literals", END, literals);
  write_tokens("matches", END, matches);
  write_row("ends", ends);
  printf("\n/* What a block begins with, the first bit lowest in the first byte. */\n");
  printf("#define TLK_PNG_HEADER_SIZE %u\n", header_size);
  write_row("header_bits", header_bits);
  printf("TLK_CONSTANT tlk_u8 tlk_png_headers[%d][TLK_PNG_HEADER_SIZE] = {\n", TABLES);
  for (int table = 0; table < TABLES; table++)
    for (uint32_t i = 0; i < header_size; i++)
      printf("%s0x%02x%s",
             i == 0        ? "    {"
             : i % 18 == 0 ? "     "
                           : " ",
             headers[table].bytes[i],
             i == header_size - 1 ? table == TABLES - 1 ? "}};\n" : "},\n"
             : i % 18 == 17       ? ",\n"
                                  : ",");
  printf("\n/* clang-format on */\n\n#endif\n");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
