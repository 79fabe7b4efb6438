/* Written from the header's text alone; it shares nothing with the library and is slow. */
#include "png_reference.h"

#include <stdlib.h>
#include <string.h>

#define SYMBOLS 286
#define KINDS 19

/* By bit depth: the lengths of literals and lengths, and those of the code of lengths. */
static const char *const code_lengths[4][2] = {
    {"253868a969acaba968bcacccacccabb969bcbccdacccccccacccccccaccccbb969bcbcccbcbcdddcacbccbcccccccdcc"
     "accccddcccccccccabcccdccbcccbbb858bbacccbccdcccbacccccdcccddcccc9ccdcbccccbbccccaccdccccbcccbcb9"
     "79bcccccbccccdccacccccccbcccbcb97abcbcccbcccbcb97abbaca979a97875c7777777776776777667777686895d",
     "0555054444332400400"},
    {"273698ac6caa6cba99bda7bdccdddccd6cbbdccbbdabbdcd6cbbbcddbddcbcca79bc98bccccdccdd98ac868bbccbdccd"
     "accbdccbdddbddddcdddcccdbddddccd6bbbdccdbbbcbddcdddddcbddbbcddddabccddbcab868cc89dcccddccdd8adca"
     "6abccdddbddcbbcc7dccccbdcddcccbd7ddcddddddd8bdda9abb7bac7dd99777c77778888777867677676777777585",
     "0555054444432300400"},
    {"2646689ac9abcba966bacbbbcbbbcdaa6b8adbbccaccbcdb6ba8cbbbbccb8bbc6ddd7bccdcdddbcb8bbcbaabcdcdccbb"
     "8bcccaabccddccbb8cccdbbcbcccdbccccccdccbbcccdccb8bbccdddcaabcbbb8bcccdddcaaacbbb8bccdddddbbb7ddd"
     "6cccacccccbab7897adbcccbcccbd98979adccbbdcbbc996699acb99ca886776c77788888788877776777777766784",
     "0550404444432300400"},
    {"24455678877897889ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddddddddddddddd9887987788765554d77778888788877887778777877774",
     "0440434334000400200"},
};

/* ---- files and bits ---- */

typedef struct file {
  uint8_t *bytes;
  size_t size, capacity;
  int free_bits; /* of the last byte */
} file;

static void put_byte(file *f, uint32_t byte) {
  if (f->size == f->capacity) {
    f->capacity = f->capacity * 2 + 1024;
    f->bytes = realloc(f->bytes, f->capacity);
    if (!f->bytes) abort();
  }
  f->bytes[f->size++] = (uint8_t)byte;
  f->free_bits = 0;
}

static void put_big(file *f, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) put_byte(f, value >> shift & 0xff);
}

static void put_bit(file *f, uint32_t bit) {
  if (f->free_bits == 0) {
    put_byte(f, 0);
    f->free_bits = 8;
  }
  f->bytes[f->size - 1] |= (uint8_t)(bit << (8 - f->free_bits--));
}

/* A number, its lowest bit first. */
static void put_number(file *f, uint32_t value, int bits) {
  for (int i = 0; i < bits; i++) put_bit(f, value >> i & 1);
}

/* ---- codes ---- */

typedef struct code {
  int n, lengths[SYMBOLS + 1];
  uint32_t codes[SYMBOLS + 1]; /* the first bit highest */
} code;

/* RFC 1951 3.2.2. */
static void make_code(code *c, const char *digits, int n) {
  int per_length[16] = {0};
  uint32_t next[16] = {0}, value = 0;
  c->n = n;
  for (int i = 0; i < n; i++) {
    c->lengths[i] = digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10;
    per_length[c->lengths[i]]++;
  }
  per_length[0] = 0;
  for (int bits = 1; bits < 16; bits++) next[bits] = value = (value + (uint32_t)per_length[bits - 1]) << 1;
  for (int i = 0; i < n; i++) c->codes[i] = c->lengths[i] > 0 ? next[c->lengths[i]]++ : 0;
}

static void put_symbol(file *f, const code *c, int symbol) {
  for (int i = c->lengths[symbol] - 1; i >= 0; i--) put_bit(f, c->codes[symbol] >> i & 1);
}

/* RFC 1951 3.2.5. */
static void put_match(file *f, const code *c, int length) {
  static const int firsts[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const int extras[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  int i = 28;
  while (firsts[i] > length) i--;
  put_symbol(f, c, 257 + i);
  put_number(f, (uint32_t)(length - firsts[i]), extras[i]);
  put_bit(f, 0);
}

static void put_header(file *f, const code *c, const char *kind_digits) {
  static const int order[KINDS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  code kinds;
  make_code(&kinds, kind_digits, KINDS);
  int given = KINDS, all[SYMBOLS + 1];
  while (kinds.lengths[order[given - 1]] == 0) given--;
  put_number(f, 0, 1);
  put_number(f, 2, 2);
  put_number(f, 29, 5);
  put_number(f, 0, 5);
  put_number(f, (uint32_t)(given - 4), 4);
  for (int i = 0; i < given; i++) put_number(f, (uint32_t)kinds.lengths[order[i]], 3);
  memcpy(all, c->lengths, SYMBOLS * sizeof *all);
  all[SYMBOLS] = 1;
  for (int i = 0; i <= SYMBOLS;) {
    int same = 1;
    while (i + same <= SYMBOLS && all[i + same] == all[i]) same++;
    put_symbol(f, &kinds, all[i]);
    int more = same - 1;
    while (more >= 3) {
      const int now = more < 6 ? more : 6;
      put_symbol(f, &kinds, 16);
      put_number(f, (uint32_t)now - 3, 2);
      more -= now;
    }
    while (more-- > 0) put_symbol(f, &kinds, all[i]);
    i += same;
  }
}

uint32_t png_reference_token(int table, uint8_t byte, int length, int *count) {
  file f = {0};
  code c;
  make_code(&c, code_lengths[table][0], SYMBOLS);
  if (length == 0)
    put_symbol(&f, &c, byte);
  else
    put_match(&f, &c, length);
  uint32_t bits = 0;
  for (size_t i = 0; i < f.size; i++) bits |= (uint32_t)f.bytes[i] << 8 * i;
  *count = (int)f.size * 8 - f.free_bits;
  free(f.bytes);
  return bits;
}

/* ---- rows ---- */

static int depth_of(int32_t n_colors) { return n_colors <= 2 ? 1 : n_colors <= 4 ? 2 : n_colors <= 16 ? 4 : 8; }

static uint8_t *filter_rows(const tlw_png_image *image, size_t row_size) {
  const int depth = depth_of(image->n_colors);
  uint8_t *packed = calloc((size_t)image->height + 1, row_size), *rows = calloc((size_t)image->height, row_size);
  if (!packed || !rows) abort();
  for (int32_t y = 0; y < image->height; y++) {
    uint8_t *above = packed + (size_t)y * row_size, *row = above + row_size, *out = rows + (size_t)y * row_size;
    for (int32_t x = 0; x < image->width; x++) {
      const int32_t bit = x * depth;
      row[1 + bit / 8] |= (uint8_t)(image->pixels[(size_t)y * image->row_stride + (size_t)x] << (8 - depth - bit % 8));
    }
    out[0] = 2;
    for (size_t i = 1; i < row_size; i++) out[i] = (uint8_t)(row[i] - above[i]);
  }
  free(packed);
  return rows;
}

static void put_tokens(file *f, const code *c, const uint8_t *row, size_t size) {
  for (size_t i = 0; i < size;) {
    size_t n = 1;
    while (i + n < size && row[i + n] == row[i]) n++;
    put_symbol(f, c, row[i]);
    for (size_t left = n - 1; left > 0;) {
      if (left >= 3) {
        const int length = left < 258 ? (int)left : 258;
        put_match(f, c, length);
        left -= (size_t)length;
      } else {
        put_symbol(f, c, row[i]);
        left--;
      }
    }
    i += n;
  }
}

static size_t count_bits(const file *f) { return f->size * 8 - (size_t)f->free_bits; }

static void put_stored(file *f, const uint8_t *bytes, size_t size) {
  put_number(f, 0, 3);
  f->free_bits = 0;
  put_byte(f, size & 0xff);
  put_byte(f, size >> 8 & 0xff);
  put_byte(f, ~size & 0xff);
  put_byte(f, ~size >> 8 & 0xff);
  for (size_t i = 0; i < size; i++) put_byte(f, bytes[i]);
}

static void put_blocks(file *f, const tlw_png_image *image, const uint8_t *rows, size_t row_size) {
  const int depth = depth_of(image->n_colors), table = depth == 1 ? 0 : depth == 2 ? 1 : depth == 4 ? 2 : 3;
  code c;
  make_code(&c, code_lengths[table][0], SYMBOLS);
  file header = {0};
  put_header(&header, &c, code_lengths[table][1]);
  const size_t header_bits = count_bits(&header), end_bits = (size_t)c.lengths[256];
  free(header.bytes);
  size_t segment = 16384 / row_size;
  if (segment == 0) segment = 1;
  int open = 0;
  for (size_t y = 0, n; y < (size_t)image->height; y += n) {
    n = (size_t)image->height - y < segment ? (size_t)image->height - y : segment;
    const uint8_t *bytes = rows + y * row_size;
    file tokens = {0};
    for (size_t i = 0; i < n; i++) put_tokens(&tokens, &c, bytes + i * row_size, row_size);
    if (count_bits(&tokens) + header_bits + end_bits > 8 * n * row_size) {
      if (open) put_symbol(f, &c, 256);
      open = 0;
      put_stored(f, bytes, n * row_size);
    } else {
      if (!open) put_header(f, &c, code_lengths[table][1]);
      open = 1;
      for (size_t i = 0; i < n; i++) put_tokens(f, &c, bytes + i * row_size, row_size);
    }
    free(tokens.bytes);
  }
  if (open) put_symbol(f, &c, 256);
  put_number(f, 3, 10);
  f->free_bits = 0;
}

static uint32_t adler_of(const uint8_t *bytes, size_t size) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < size; i++) {
    a = (a + bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

/* ---- chunks ---- */

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

static void put_chunk(file *f, const char *type, const uint8_t *bytes, size_t size) {
  put_big(f, (uint32_t)size);
  const size_t begin = f->size;
  for (int i = 0; i < 4; i++) put_byte(f, (uint8_t)type[i]);
  for (size_t i = 0; i < size; i++) put_byte(f, bytes[i]);
  put_big(f, crc_of(f->bytes + begin, f->size - begin));
}

uint8_t *png_reference(const tlw_png_image *image, size_t *size) {
  static const uint8_t signature[8] = {137, 80, 78, 71, 13, 10, 26, 10};
  file f = {0}, header = {0}, stream = {0};
  for (int i = 0; i < 8; i++) put_byte(&f, signature[i]);
  put_big(&header, (uint32_t)image->width);
  put_big(&header, (uint32_t)image->height);
  put_byte(&header, (uint32_t)depth_of(image->n_colors));
  put_byte(&header, 3);
  for (int i = 0; i < 3; i++) put_byte(&header, 0);
  put_chunk(&f, "IHDR", header.bytes, header.size);
  put_chunk(&f, "PLTE", image->rgb, 3 * (size_t)image->n_colors);

  const size_t row_size = 1 + ((size_t)image->width * (size_t)depth_of(image->n_colors) + 7) / 8;
  uint8_t *rows = filter_rows(image, row_size);
  put_byte(&stream, 0x78);
  put_byte(&stream, 0x01);
  put_blocks(&stream, image, rows, row_size);
  put_big(&stream, adler_of(rows, (size_t)image->height * row_size));
  for (size_t at = 0; at < stream.size; at += 32768)
    put_chunk(&f, "IDAT", stream.bytes + at, stream.size - at < 32768 ? stream.size - at : 32768);
  put_chunk(&f, "IEND", NULL, 0);
  free(rows);
  free(header.bytes);
  free(stream.bytes);
  *size = f.size;
  return f.bytes;
}
