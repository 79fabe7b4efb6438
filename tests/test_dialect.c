/*
 * Files as people have them: every form of tallow/csv.h and what well-known sources write come out as the same candles,
 * and what it does not list is refused at its row and field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_kit.h"

#define SECOND INT64_C(1000000000)
#define GAP ((double)NAN)

/* --- Helpers ---------------------------------------------------------------------------------------------------- */

static void say(const char *text, size_t size) {
  for (size_t i = 0; i < size && i < 1500; i++) print_message(text[i] ? "%c" : "\\0", text[i]);
}

/* The file gives these rows, whole and two at a time. */
static void expect_bytes(const void *bytes, size_t size, const tlw_csv_options *o, const csv_candle *rows, int64_t n) {
  csv_write(bytes, size);
  for (int whole = 0; whole < 2; whole++) {
    csv_result r;
    if (whole || o->by)
      csv_read_table(csv_path(), o, &r);
    else
      csv_read_rows(csv_path(), o, 2, &r);
    const bool same = r.status == TLW_OK && csv_same_rows(&r, rows, n);
    if (!same) {
      if (r.status != TLW_OK) print_message("refused: %s\n", r.error.message);
      say(bytes, size);
      fail_msg("read %s", whole ? "whole" : "by rows");
    }
    csv_result_free(&r);
  }
}

static void expect(const char *text, const tlw_csv_options *o, const csv_candle *rows, int64_t n) {
  expect_bytes(text, strlen(text), o, rows, n);
}

/* The file is refused with this code; row, column: 0 for any; part: of the message. */
static void refuse(const char *text, const tlw_csv_options *o, tlw_status status, int64_t row, int32_t column,
                   const char *part) {
  csv_write(text, strlen(text));
  for (int whole = 0; whole < 2; whole++) {
    csv_result r;
    if (whole || o->by)
      csv_read_table(csv_path(), o, &r);
    else
      csv_read_rows(csv_path(), o, 2, &r);
    const bool same = r.status == status && (row == 0 || r.error.row == row) &&
                      (column == 0 || r.error.column == column) && strstr(r.error.message, part);
    if (!same) {
      print_message("%s at %" PRId64 ", %" PRId32 ": %s\n", tlw_status_name(r.status), r.error.row, r.error.column,
                    r.status == TLW_OK ? "" : r.error.message);
      say(text, strlen(text));
      fail_msg("instead of %s at %" PRId64 ", %" PRId32 " with \"%s\"", tlw_status_name(status), row, column, part);
    }
    csv_result_free(&r);
  }
}

/* --- Every dialect ---------------------------------------------------------------------------------------------- */

typedef struct dialect {
  char delimiter;
  bool header, comma, quotes, crlf, mark, comments, blanks, trailing, last_open;
} dialect;

/* What the rows of all dialects hold: at 2021-03-04 09:30 and the hours behind it. */
static const csv_candle canonical[] = {
    {INT64_C(1614850200) * SECOND, 1234.5, 1240.25, 1230.125, 1239, 100},
    {INT64_C(1614853800) * SECOND, 1239, 1239.75, 1200.5, 1201.0625, 0.5},
    {INT64_C(1614857400) * SECOND, 1201.25, 12345678.5, 1201, 1202, 1e6},
    {INT64_C(1614861000) * SECOND, -0.5, 0.25, -1, 0, 12},
    {INT64_C(1614864600) * SECOND, 1, 1, 1, 1, 0},
};
#define CANONICAL ((int64_t)(sizeof canonical / sizeof *canonical))

static void write_separator(csv_text *text, const dialect *d) { csv_append(text, &d->delimiter, 1); }

static void write_field(csv_text *text, const dialect *d, const char *field) {
  const bool quoted = d->quotes && (text->size % 3 != 0 || strchr(field, d->delimiter));
  csv_printf(text, quoted ? "\"%s\"" : "%s", field);
}

static void write_number(csv_text *text, const dialect *d, double value, bool grouped) {
  char field[64];
  snprintf(field, sizeof field, "%.10g", value);
  char *point = strchr(field, '.');
  if (d->comma && grouped && value == 12345678.5)
    strcpy(field, "12.345.678,5");
  else if (d->comma && grouped && value == 1239)
    strcpy(field, "1.239");
  else if (d->comma && point)
    *point = ',';
  write_field(text, d, field);
}

static void end_line(csv_text *text, const dialect *d) {
  if (d->trailing) write_separator(text, d);
  csv_printf(text, d->crlf ? "\r\n" : "\n");
}

static void write_dialect(csv_text *text, const dialect *d) {
  if (d->mark) csv_printf(text, "\xef\xbb\xbf");
  if (d->blanks) csv_printf(text, d->crlf ? "\r\n  \r\n" : "\n \t \n");
  if (d->comments) csv_printf(text, "# made by hand; \"2021\", %s", d->crlf ? "\r\n" : "\n");
  static const char *const names[] = {"Date", "Open", "High", "Low", "Close", "Volume"};
  for (int i = 0; d->header && i < 6; i++) {
    if (i > 0) write_separator(text, d);
    write_field(text, d, names[i]);
  }
  if (d->header) end_line(text, d);
  for (int64_t row = 0; row < CANONICAL; row++) {
    char time[64];
    snprintf(time, sizeof time, "2021-03-04 %02d:30", 9 + (int)row);
    write_field(text, d, time);
    const csv_candle *c = &canonical[row];
    const double numbers[] = {c->open, c->high, c->low, c->close, c->volume};
    for (int i = 0; i < 5; i++) {
      write_separator(text, d);
      write_number(text, d, numbers[i], row % 2 == 0 || i % 2);
    }
    if (row + 1 < CANONICAL || !d->last_open) end_line(text, d);
    if (d->blanks && row == 1) csv_printf(text, d->crlf ? "\r\n" : "\n");
    if (d->comments && row == 2) csv_printf(text, d->crlf ? "#\r\n" : "#\n");
  }
}

static void test_every_dialect(void **state) {
  (void)state;
  static const char delimiters[] = ",;\t|";
  for (int i = 0; i < 4 * 1024; i++) {
    const dialect d = {.delimiter = delimiters[i >> 10 & 3],
                       .header = i & 1,
                       .comma = i & 2,
                       .quotes = i & 4,
                       .crlf = i & 8,
                       .mark = i & 16,
                       .comments = i & 32,
                       .blanks = i & 64,
                       .trailing = i & 128 && !(i & 256),
                       .last_open = i & 256};
    if (d.comma && d.delimiter == ',') continue;
    csv_text text = {0};
    write_dialect(&text, &d);
    tlw_csv_options o = csv_defaults();
    o.decimal = d.comma ? ',' : i & 512 ? '.' : 0;
    if (i & 512) { /* said, not told */
      o.delimiter = d.delimiter;
      o.header = d.header ? TLW_CSV_HEADER_YES : TLW_CSV_HEADER_NO;
      o.comment = '#';
    }
    expect_bytes(text.bytes, text.size, &o, canonical, CANONICAL);
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    assert_int_equal(r.report.delimiter, d.delimiter);
    assert_int_equal(r.report.has_header, d.header);
    assert_int_equal(r.report.rows, CANONICAL);
    assert_int_equal(r.report.skipped, 0);
    csv_result_free(&r);
    csv_text_free(&text);
  }
}

/* The same in a locale that writes numbers with a comma. */
static void test_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  bool comma = false;
  for (size_t i = 0; i < sizeof names / sizeof *names && !comma; i++)
    comma = setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0;
  if (comma) {
    const tlw_csv_options o = csv_defaults();
    const csv_candle row = {INT64_C(1577836800) * SECOND, 10.5, 12.25, 9.125, 11, 1e3};
    expect("Date,Open,High,Low,Close,Volume\n2020-01-01,10.5,12.25,9.125,11,1e3\n", &o, &row, 1);
  } else {
    print_message("skipped: no locale with a decimal comma is installed\n");
  }
  setlocale(LC_ALL, "C");
}

/* --- Packed ----------------------------------------------------------------------------------------------------- */

typedef enum packing { GZIP, ZSTD, DEFLATED, STORED, PACKINGS } packing;

static tlw_packing pack(csv_text *out, const csv_text *text, packing kind) {
  switch (kind) {
  case GZIP:
    csv_gzip(out, text->bytes, text->size);
    return TLW_PACKING_GZIP;
  case ZSTD:
    csv_zstd(out, text->bytes, text->size);
    return TLW_PACKING_ZSTD;
  default:
    csv_zip(out, text->bytes, text->size, kind == DEFLATED);
    return TLW_PACKING_ZIP;
  }
}

/* libzstd may be missing; then the reader says so by its own code. */
static bool lacks_zstd(const csv_result *r) {
  if (r->status != TLW_ERR_UNAVAILABLE) return false;
  assert_non_null(strstr(r->error.message, "zstd"));
  print_message("skipped: libzstd is not there\n");
  return true;
}

static void test_packed(void **state) {
  (void)state;
  for (packing kind = GZIP; kind < PACKINGS; kind++)
    for (int i = 0; i < 16; i++) {
      const dialect d = {
          .delimiter = i & 1 ? ';' : ',', .header = i & 2, .quotes = i & 4, .mark = i & 8, .crlf = i & 1};
      csv_text text = {0}, packed = {0};
      write_dialect(&text, &d);
      const tlw_packing expected = pack(&packed, &text, kind);
      const tlw_csv_options o = csv_defaults();
      csv_write(packed.bytes, packed.size);
      csv_result r;
      csv_read_table(csv_path(), &o, &r);
      if (kind == ZSTD && lacks_zstd(&r))
        i = 16;
      else {
        if (r.status != TLW_OK) fail_msg("%s", r.error.message);
        assert_int_equal(r.report.packing, expected);
        expect_bytes(packed.bytes, packed.size, &o, canonical, CANONICAL);
      }
      csv_result_free(&r);
      csv_text_free(&packed);
      csv_text_free(&text);
    }
}

/* 40 rows from the tools zstd -19 --check and -1 --no-check, and from Python's zipfile with and without seeking. */
static const unsigned char zstd_19[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x38, 0x05, 0x75, 0x04, 0x00, 0x82, 0xc8, 0x18, 0x17, 0x70, 0x6f, 0x0e, 0x90,
    0x46, 0x84, 0x81, 0x29, 0x92, 0x61, 0xc6, 0xc4, 0xe1, 0xd2, 0xd2, 0x92, 0x2d, 0xa3, 0xce, 0xbf, 0x2a, 0xee,
    0xe1, 0xfb, 0xdf, 0x97, 0x8e, 0x86, 0x7e, 0x76, 0x6e, 0x66, 0x5e, 0xdf, 0xc1, 0x2d, 0x34, 0x47, 0xf8, 0x5c,
    0x63, 0x7b, 0xaf, 0x8c, 0xf0, 0xb9, 0xc6, 0xf6, 0xbe, 0x74, 0x34, 0xf4, 0xb3, 0x73, 0x33, 0xf3, 0xda, 0xd7,
    0x5f, 0xdd, 0x0e, 0x52, 0xdd, 0xb0, 0x57, 0x37, 0xf8, 0x6a, 0x13, 0x76, 0x70, 0x0b, 0xcc, 0xc2, 0xd7, 0x0b,
    0x4c, 0xc8, 0x7a, 0x24, 0x45, 0x27, 0x25, 0x3d, 0x85, 0x5e, 0x12, 0xa2, 0x0d, 0xe3, 0x1c, 0x1a, 0xcd, 0x29,
    0xd1, 0x59, 0x2d, 0x46, 0x28, 0xa8, 0x11, 0xe0, 0xed, 0xdd, 0xfa, 0x9f, 0x01, 0xe0, 0x37, 0x03, 0x11, 0x3c,
    0x43, 0xf0, 0xbf, 0x43, 0x18, 0x22, 0xf0, 0x03, 0x50, 0xa5, 0x04, 0x86, 0xe2, 0xfd, 0xef, 0xfc, 0xec, 0xfe,
    0xaa, 0xd0, 0xb8, 0x0e, 0x86, 0x02, 0x52, 0x15, 0x46, 0x10, 0x0b, 0xb0};
static const unsigned char zstd_1[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x38, 0x05, 0x25, 0x05, 0x00, 0xf2, 0x86, 0x16, 0x19, 0x70, 0x4d, 0x73, 0x80,
    0x12, 0x43, 0xca, 0xd9, 0x12, 0xe1, 0x8d, 0xf2, 0xf3, 0x3d, 0x2d, 0xd9, 0x22, 0xb7, 0x4c, 0x4e, 0x22, 0x3a,
    0x3d, 0xf7, 0x58, 0xf7, 0xa5, 0x12, 0x4a, 0x3c, 0x78, 0x54, 0x09, 0x25, 0x9e, 0xbb, 0x6f, 0xa9, 0x84, 0x12,
    0xcf, 0xdd, 0x5f, 0x2a, 0xa1, 0xc4, 0x73, 0xf6, 0xfb, 0x37, 0xcf, 0xac, 0xa6, 0xb9, 0x37, 0x8d, 0x5f, 0x5b,
    0x60, 0x07, 0x6e, 0xe5, 0x58, 0xf9, 0xf9, 0x00, 0xac, 0x21, 0x59, 0x1a, 0xa2, 0x0c, 0xd2, 0x96, 0x41, 0x27,
    0xcd, 0xd0, 0x85, 0x82, 0x51, 0xa8, 0x83, 0x3d, 0x0e, 0x65, 0x91, 0x04, 0x21, 0x2b, 0x20, 0xf0, 0x35, 0x36,
    0x03, 0xb7, 0x7c, 0x2e, 0xc5, 0x0a, 0x9e, 0xfb, 0xb0, 0x8f, 0x7c, 0xee, 0xc3, 0x3e, 0xf2, 0x73, 0x49, 0x08,
    0x47, 0x30, 0x3b, 0x42, 0x10, 0xe4, 0x7d, 0xd8, 0x47, 0x3e, 0xf7, 0x61, 0x3f, 0xf2, 0xb9, 0x0f, 0xfb, 0x34,
    0x8f, 0x7c, 0xee, 0xc3, 0x3e, 0xf2, 0xb9, 0x0f, 0xeb, 0x91, 0xcf, 0x7d, 0xd8, 0xa7, 0x79, 0xe4, 0x73, 0x1f,
    0xf6, 0x91, 0xcf, 0x7d, 0xd8, 0x47, 0xf6, 0x77, 0x86, 0xda, 0xe4, 0x19};
static const unsigned char zip_plain[] = {
    0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x3c, 0x76, 0x75, 0x5d, 0x00, 0xc0, 0xb5, 0xa3, 0xaf,
    0x00, 0x00, 0x00, 0x38, 0x06, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x66, 0x6f, 0x6c, 0x64, 0x65, 0x72, 0x2f, 0x73,
    0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x73, 0x76, 0x8d, 0xd4, 0x3d, 0x0a, 0xc2, 0x50, 0x10, 0x45, 0xe1, 0xde,
    0x55, 0xb8, 0x80, 0x97, 0x30, 0xf7, 0xe6, 0xcf, 0xd8, 0x6a, 0x61, 0x21, 0xd8, 0xd9, 0x5b, 0x3c, 0x54, 0x88, 0x46,
    0x50, 0x71, 0xfb, 0x46, 0x1b, 0x3b, 0x39, 0xcd, 0x30, 0x0c, 0x5f, 0x77, 0x60, 0xd6, 0x87, 0x47, 0x4e, 0xbb, 0x5b,
    0xbe, 0xa6, 0xcd, 0xf9, 0x78, 0x4a, 0xdb, 0xf1, 0x95, 0x56, 0xc3, 0x78, 0xcf, 0x69, 0x3f, 0x0e, 0xcf, 0x4b, 0x9e,
    0x39, 0xac, 0x22, 0xaa, 0x22, 0x34, 0x8f, 0x58, 0x46, 0x24, 0x45, 0xd9, 0x24, 0x79, 0x1a, 0x7d, 0xe9, 0x69, 0xd3,
    0x74, 0x89, 0x1f, 0x33, 0x63, 0x15, 0x63, 0x35, 0x63, 0x0d, 0x63, 0x2d, 0x63, 0x1d, 0x63, 0x0b, 0xc6, 0x7a, 0xc4,
    0x14, 0x8c, 0xb1, 0x0a, 0x62, 0x15, 0xc4, 0x2a, 0x88, 0x55, 0x10, 0xab, 0x20, 0x56, 0x41, 0xac, 0x82, 0x58, 0x05,
    0xb1, 0x0a, 0x66, 0x15, 0xcc, 0x2a, 0x98, 0x55, 0x30, 0xab, 0x60, 0x56, 0xc1, 0xac, 0x82, 0x59, 0x05, 0xb3, 0x0a,
    0x26, 0x15, 0xea, 0xef, 0x0f, 0x11, 0x60, 0x66, 0xac, 0x62, 0xac, 0x66, 0xac, 0x61, 0xac, 0x65, 0xac, 0x63, 0x6c,
    0xc1, 0x58, 0x8f, 0xd8, 0xe7, 0x87, 0x10, 0xc6, 0x2a, 0xe8, 0x7f, 0x85, 0x37, 0x50, 0x4b, 0x01, 0x02, 0x14, 0x03,
    0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x3c, 0x76, 0x75, 0x5d, 0x00, 0xc0, 0xb5, 0xa3, 0xaf, 0x00, 0x00, 0x00, 0x38,
    0x06, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa4, 0x81, 0x00, 0x00,
    0x00, 0x00, 0x66, 0x6f, 0x6c, 0x64, 0x65, 0x72, 0x2f, 0x73, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x73, 0x76,
    0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x3f, 0x00, 0x00, 0x00, 0xde, 0x00, 0x00,
    0x00, 0x00, 0x00};
static const unsigned char zip_streamed[] = {
    0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x08, 0x00, 0x08, 0x00, 0x3c, 0x76, 0x75, 0x5d, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x73, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63,
    0x73, 0x76, 0x8d, 0xd4, 0x3d, 0x0a, 0xc2, 0x50, 0x10, 0x45, 0xe1, 0xde, 0x55, 0xb8, 0x80, 0x97, 0x30, 0xf7, 0xe6,
    0xcf, 0xd8, 0x6a, 0x61, 0x21, 0xd8, 0xd9, 0x5b, 0x3c, 0x54, 0x88, 0x46, 0x50, 0x71, 0xfb, 0x46, 0x1b, 0x3b, 0x39,
    0xcd, 0x30, 0x0c, 0x5f, 0x77, 0x60, 0xd6, 0x87, 0x47, 0x4e, 0xbb, 0x5b, 0xbe, 0xa6, 0xcd, 0xf9, 0x78, 0x4a, 0xdb,
    0xf1, 0x95, 0x56, 0xc3, 0x78, 0xcf, 0x69, 0x3f, 0x0e, 0xcf, 0x4b, 0x9e, 0x39, 0xac, 0x22, 0xaa, 0x22, 0x34, 0x8f,
    0x58, 0x46, 0x24, 0x45, 0xd9, 0x24, 0x79, 0x1a, 0x7d, 0xe9, 0x69, 0xd3, 0x74, 0x89, 0x1f, 0x33, 0x63, 0x15, 0x63,
    0x35, 0x63, 0x0d, 0x63, 0x2d, 0x63, 0x1d, 0x63, 0x0b, 0xc6, 0x7a, 0xc4, 0x14, 0x8c, 0xb1, 0x0a, 0x62, 0x15, 0xc4,
    0x2a, 0x88, 0x55, 0x10, 0xab, 0x20, 0x56, 0x41, 0xac, 0x82, 0x58, 0x05, 0xb1, 0x0a, 0x66, 0x15, 0xcc, 0x2a, 0x98,
    0x55, 0x30, 0xab, 0x60, 0x56, 0xc1, 0xac, 0x82, 0x59, 0x05, 0xb3, 0x0a, 0x26, 0x15, 0xea, 0xef, 0x0f, 0x11, 0x60,
    0x66, 0xac, 0x62, 0xac, 0x66, 0xac, 0x61, 0xac, 0x65, 0xac, 0x63, 0x6c, 0xc1, 0x58, 0x8f, 0xd8, 0xe7, 0x87, 0x10,
    0xc6, 0x2a, 0xe8, 0x7f, 0x85, 0x37, 0x50, 0x4b, 0x07, 0x08, 0x00, 0xc0, 0xb5, 0xa3, 0xaf, 0x00, 0x00, 0x00, 0x38,
    0x06, 0x00, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x14, 0x03, 0x14, 0x00, 0x08, 0x00, 0x08, 0x00, 0x3c, 0x76, 0x75, 0x5d,
    0x00, 0xc0, 0xb5, 0xa3, 0xaf, 0x00, 0x00, 0x00, 0x38, 0x06, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00, 0x73, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63,
    0x73, 0x76, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x38, 0x00, 0x00, 0x00, 0xe7,
    0x00, 0x00, 0x00, 0x00, 0x00};

static void test_packed_by_others(void **state) {
  (void)state;
  csv_candle rows[40];
  for (int i = 0; i < 40; i++) {
    const int64_t day = i < 28 ? 18687 + i : 18718 + (i - 28); /* 2021-03-01, 2021-04-01 */
    rows[i] = (csv_candle){(day * 86400 + i / 28 * 3600) * SECOND, 10.5, 12.5, 9.25, 11, 100};
  }
  static const struct {
    const unsigned char *bytes;
    size_t size;
  } files[] = {{zstd_19, sizeof zstd_19},
               {zstd_1, sizeof zstd_1},
               {zip_plain, sizeof zip_plain},
               {zip_streamed, sizeof zip_streamed}};
  const tlw_csv_options o = csv_defaults();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    csv_write(files[i].bytes, files[i].size);
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (i >= 2 || !lacks_zstd(&r)) expect_bytes(files[i].bytes, files[i].size, &o, rows, 40);
    csv_result_free(&r);
  }
}

/* --- Names of columns ------------------------------------------------------------------------------------------- */

enum { OPEN, HIGH, LOW, CLOSE, VOLUME, TIME, N_ROLES };

static const char *const role_names[N_ROLES][16] = {
    [OPEN] = {"open", "o", "openprice", "first"},
    [HIGH] = {"high", "h", "highprice", "max"},
    [LOW] = {"low", "l", "lowprice", "min"},
    [CLOSE] = {"close", "c", "closeprice", "last", "lastprice", "closelast", "settle", "price"},
    [VOLUME] = {"volume", "vol", "v", "basevolume", "tickvolume", "tickvol", "qty", "quantity", "volumebtc"},
    [TIME] = {"timestamp", "datetime", "dateandtime", "opentime", "windowstart", "unixtimestamp", "unix", "epoch",
              "tsevent", "ts", "date", "day", "tradedate", "tradingday", "time"},
};

/* The name in another spelling; of it only letters and digits count. */
static void respell(csv_text *text, const char *name, int how) {
  if (how == 2) csv_printf(text, "<");
  if (how == 3) csv_printf(text, "\" ");
  for (size_t i = 0; name[i]; i++) {
    const char upper = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
    csv_append(text, how == 0 || (how == 4 && i % 2) ? &name[i] : &upper, 1);
    if (how >= 3 && i % 3 == 1) csv_printf(text, how == 3 ? "_" : how == 4 ? " " : "/");
  }
  if (how == 2) csv_printf(text, ">");
  if (how == 3) csv_printf(text, ".\"");
  if (how == 5) csv_printf(text, "(%%)");
}

static const csv_candle one = {INT64_C(1577836800) * SECOND, 10, 12, 9, 11, 100};
static const csv_candle one_without = {INT64_C(1577836800) * SECOND, 10, 12, 9, 11, GAP};
static const char *const one_fields[N_ROLES] = {"10", "12", "9", "11", "100", "2020-01-01"};

static void test_every_name(void **state) {
  (void)state;
  const tlw_csv_options o = csv_defaults();
  for (int role = 0; role < N_ROLES; role++)
    for (int i = 0; i < 16 && role_names[role][i]; i++)
      for (int how = 0; how < 6; how++) {
        csv_text text = {0};
        for (int k = 0; k < N_ROLES; k++) { /* in an order that depends on the case */
          const int at = (k + i + how) % N_ROLES;
          if (k > 0) csv_printf(&text, ",");
          respell(&text, role_names[at][at == role ? i : 0], how);
        }
        csv_printf(&text, "\n");
        for (int k = 0; k < N_ROLES; k++) csv_printf(&text, "%s%s", k ? "," : "", one_fields[(k + i + how) % N_ROLES]);
        csv_printf(&text, "\n");
        expect_bytes(text.bytes, text.size, &o, &one, 1);
        csv_text_free(&text);
      }
}

/* All orders of the six columns. */
static void test_every_order(void **state) {
  (void)state;
  static const char *const names[N_ROLES] = {"Open", "High", "Low", "Close", "Volume", "Date"};
  const tlw_csv_options o = csv_defaults();
  for (int code = 0; code < 720; code++) {
    int left[N_ROLES] = {0, 1, 2, 3, 4, 5}, order[N_ROLES];
    for (int i = 0, rest = code; i < N_ROLES; i++) {
      const int at = rest % (N_ROLES - i);
      rest /= N_ROLES - i;
      order[i] = left[at];
      left[at] = left[N_ROLES - 1 - i];
    }
    csv_text text = {0};
    for (int i = 0; i < N_ROLES; i++) csv_printf(&text, "%s%c", names[order[i]], i < 5 ? ';' : '\n');
    for (int i = 0; i < N_ROLES; i++) csv_printf(&text, "%s%c", one_fields[order[i]], i < 5 ? ';' : '\n');
    expect_bytes(text.bytes, text.size, &o, &one, 1);
    csv_text_free(&text);
  }
}

/* Where several columns fit, the earlier name in the list wins, then the first of the file. */
static void test_choice_of_columns(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool volume;
  } files[] = {
      {"Last,Date,Open,High,Low,Close,Volume\n7,2020-01-01,10,12,9,11,100\n", true},
      {"Date,Open,High,Low,Close,Last,Volume\n2020-01-01,10,12,9,11,7,100\n", true},
      {"Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-01,10,12,9,11,5.5,100\n", true},
      {"Date,Open,High,Low,Close,Close,Volume\n2020-01-01,10,12,9,11,5.5,100\n", true},
      {"Date,First,Open,High,Max,Low,Min,Close,Volume\n2020-01-01,7,10,12,70,9,1,11,100\n", true},
      {"Date,Open,High,Low,Close,Volume USD,Volume BTC\n2020-01-01,10,12,9,11,100,7\n", true},
      {"Date,Open,High,Low,Close,Volume USD,Volume\n2020-01-01,10,12,9,11,7,100\n", true},
      {"Date,Open,High,Low,Close,Vol,Volume\n2020-01-01,10,12,9,11,7,100\n", true},
      {"Date,Open,High,Low,Close,Quantity,Qty,Tick Vol,Vol\n2020-01-01,10,12,9,11,1,2,3,100\n", true},
      {"unix,date,symbol,open,high,low,close\n1577836800,2021-05-05,BTC/USD,10,12,9,11\n", false},
      {"Date,Timestamp,open,high,low,close\n2021-05-05,1577836800,10,12,9,11\n", false},
      {"Day,Date,Time,open,high,low,close\n2021-05-05,2020-01-01,0:00,10,12,9,11\n", false},
      {"Time,Hour,Date,open,high,low,close\n0:00,5,2020-01-01,10,12,9,11\n", false},
      {"Hour,Date,open,high,low,close\n00:00,2020-01-01,10,12,9,11\n", false},
      {"Date,TimeOfDay,open,high,low,close\n1/1/2020,0:00:00.000,10,12,9,11\n", false},
      {"Time,x,open,high,low,close\n2020-01-01T00:00:00Z,,10,12,9,11\n", false},
      {"Open Time,Time,open,high,low,close\n1577836800000,9,10,12,9,11\n", false},
      {"Date,Open,High,Low,Close,Vol. (USD),Volatility\n2020-01-01,10,12,9,11,100,7\n", true},
      {"Volatility,Date,Open,High,Low,Close,Revolving\n100,2020-01-01,10,12,9,11,7\n", false},
      {"Date,Open,High,Low,Close,Offen\xc3\xa9,x\n2020-01-01,10,12,9,11,7,x\n", false},
      {"Date,open\xc3\xa9,Open,High,Low,Close\n2020-01-01,7,10,12,9,11\n", false},
  };
  const tlw_csv_options o = csv_defaults();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    expect(files[i].text, &o, files[i].volume ? &one : &one_without, 1);
}

static void test_refused_headers(void **state) {
  (void)state;
  tlw_csv_options o = csv_defaults();
  refuse("Date,Open,High,Close\n2020-01-01,1,2,1\n", &o, TLW_ERR_DATA, 1, -1, "low");
  refuse("\n# x\nOpen,High,Low,Close\n1,1,1,1\n", &o, TLW_ERR_DATA, 3, -1, "time");
  refuse("id,price,qty,time\n1,2,3,4\n", &o, TLW_ERR_DATA, 1, -1, "open");
  o.header = TLW_CSV_HEADER_YES;
  refuse("2020-01-01,10,12,9,11,100\n2020-01-02,10,12,9,11,100\n", &o, TLW_ERR_DATA, 1, -1, "");
  o.header = TLW_CSV_HEADER_NO;
  refuse("Date,Open,High,Low,Close\n2020-01-02,10,12,9,11\n", &o, TLW_ERR_DATA, 1, 0, "");
}

/* --- Columns by flag -------------------------------------------------------------------------------------------- */

static void test_columns_option(void **state) {
  (void)state;
  static const struct {
    const char *columns, *text;
    bool volume;
  } files[] = {
      {"close=Last", "Date,Open,High,Low,Close,Last,Volume\n2020-01-01,10,12,9,7,11,100\n", true},
      {"close=last,volume=8", "Date,Open,High,Low,Close,Last,Volume,x\n2020-01-01,10,12,9,7,11,5,100\n", true},
      {"volume=none", "Date,Open,High,Low,Close,Volume\n2020-01-01,10,12,9,11,many\n", false},
      {"clock=none", "Date,Open,High,Low,Close,Time\n2020-01-01,10,12,9,11,9:30\n", false},
      {"time=2", "Timestamp,Date,Open,High,Low,Close\n0,2020-01-01,10,12,9,11\n", false},
      {"time=1,open=2,high=3,low=4,close=5", "a,b,c,d,e\n2020-01-01,10,12,9,11\n", false},
      {"time=a,open=B,high=c,low=d,close=e", "a,b,c,d,e\n2020-01-01,10,12,9,11\n", false},
      {"time=Datum,open=Er\xc3\xb6"
       "ffnung,high=Hoch,low=Tief,close=Schluss",
       "Datum;Er\xc3\xb6"
       "ffnung;Hoch;Tief;Schluss\n2020-01-01;10;12;9;11\n",
       false},
      {"open=5,close=2,volume=none", "2020-01-01,11,12,9,10,7\n2020-01-02,11,12,9,10,7\n", false},
      {"time=3,clock=1,open=4,high=5,low=6,close=7,volume=none",
       "0:00,x,2020-01-01,10,12,9,11\n0:01,x,2020-01-01,10,12,9,11\n", false},
      {"volume=Volume USD", "Date,Open,High,Low,Close,Volume BTC,Volume USD\n2020-01-01,10,12,9,11,1,100\n", true},
      {"OPEN=2", "Date,x,High,Low,Close\n2020-01-01,10,12,9,11\n", false},
      {"symbol=6", "Date,Open,High,Low,Close,Ticker\n2020-01-01,10,12,9,11,A\n", false},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    tlw_csv_options o = csv_defaults();
    o.columns = files[i].columns;
    if (strncmp(o.columns, "symbol", 6) == 0 || strncmp(o.columns, "OPEN", 4) == 0) continue; /* not promised */
    csv_write(files[i].text, strlen(files[i].text));
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_OK) fail_msg("%s: %s", files[i].columns, r.error.message);
    assert_true(r.n_rows >= 1);
    if (!csv_same_rows(&(csv_result){.rows = r.rows, .n_rows = 1}, files[i].volume ? &one : &one_without, 1))
      fail_msg("%s", files[i].columns);
    csv_result_free(&r);
  }
}

/* A specification that can't be read is the caller's mistake; one that does not fit the file is told by name. */
static void test_refused_columns(void **state) {
  (void)state;
  static const char text[] = "Date,Open,High,Low,Close,Volume\n2020-01-01,10,12,9,11,100\n";
  static const char *const malformed[] = {
      "close",          "close=", "=close", "closing=Close", "close=5,", ",close=5", "close=5,close=4", "close=5;low=4",
      "close=5,volume", "  ",     "=",      "none=3",        ",",
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    tlw_csv_options o = csv_defaults();
    o.columns = malformed[i];
    csv_write(text, sizeof text - 1);
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_ERR_ARGUMENT && !(r.status == TLW_ERR_DATA && strchr(malformed[i], ';')))
      fail_msg("'%s': %s", malformed[i], tlw_status_name(r.status));
    csv_result_free(&r);
  }
  static const struct {
    const char *columns, *part;
  } missing[] = {{"close=Schluss", "Schluss"},
                 {"close==5", "=5"},
                 {"close=7", "7"},
                 {"close=0", "0"},
                 {"close=99999999999999999999", "column"},
                 {"close=-1", "-1"},
                 {"close=none", "close"},
                 {"time=none,clock=1", "clock"},
                 {"clock=Date,time=NONE", "clock"}};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
    tlw_csv_options o = csv_defaults();
    o.columns = missing[i].columns;
    csv_write(text, sizeof text - 1);
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_ERR_ARGUMENT && r.status != TLW_ERR_DATA)
      fail_msg("'%s': %s", missing[i].columns, tlw_status_name(r.status));
    if (!strstr(r.error.message, missing[i].part)) fail_msg("'%s': %s", missing[i].columns, r.error.message);
    csv_result_free(&r);
  }
}

/* Rows without times stay as they are, of whatever policy, in every way of reading, and are numbered. */
static void test_no_times(void **state) {
  (void)state;
  static const csv_candle expected[] = {
      {0, 10, 12, 9, 11, 100}, {1, 11, 13, 8, 9, 50}, {2, 9, 9, 7, 8, 3}, {3, 8, 9, 8, 9, NAN}};
  static const struct {
    const char *text, *columns;
    int has_header, day_first;
  } files[] = {
      {"Open,High,Low,Close,Volume\n10,12,9,11,100\n11,13,8,9,50\nx,1,1,1,1\n9,9,7,8,3\n8,9,8,9,\n", "time=none", 1, 0},
      {"10,12,9,11,100\n11,13,8,9,50\n1,1,1,x,1\n9,9,7,8,3\n8,9,8,9,\n", " time = None ,clock=none", 0, 0},
      {"Volume;Close;Date;Low;High;Open\n100;11;2020-01-02;9;12;10\n50;9;2020-01-02;8;13;11\n1;;1;1;x;1\n3;8;2019-01-"
       "01;7;"
       "9;9\n;9;no date;8;9;8\n",
       "time=none", 1, 0},
      {"a\t10\t12\t9\t11\t100\na\t11\t13\t8\t9\t50\na\tx\t\t1\t\n\na\t9\t9\t7\t8\t3\na\t8\t9\t8\t9\t\n",
       "time=none,open=2,high=3,low=4,close=5,volume=6", 0, 0},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    for (int how = 0; how < 5; how++) {
      tlw_csv_options o = csv_defaults();
      o.columns = files[i].columns;
      o.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
      if (how == 1) o.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
      if (how == 2) o.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SKIP;
      if (how == 3) o.policies[TLW_DEFECT_DUPLICATE] = TLW_POLICY_LAST;
      if (how == 4) o.policies[TLW_DEFECT_DUPLICATE] = TLW_POLICY_FIRST;
      csv_write(files[i].text, strlen(files[i].text));
      for (int64_t capacity = 0; capacity < 7; capacity++) { /* 0: a table */
        csv_result r;
        if (capacity == 0)
          csv_read_table(csv_path(), &o, &r);
        else
          csv_read_rows(csv_path(), &o, capacity, &r);
        if (r.status != TLW_OK) fail_msg("file %zu: %s", i, r.error.message);
        assert_true(csv_same_rows(&r, expected, 4));
        assert_int_equal(r.report.has_time, 0);
        assert_int_equal(r.report.has_header, files[i].has_header);
        assert_int_equal(r.report.newest_first, 0);
        assert_int_equal(r.report.skipped, 1);
        assert_int_equal(r.report.defects[TLW_DEFECT_OUT_OF_ORDER] + r.report.defects[TLW_DEFECT_DUPLICATE], 0);
        csv_result_free(&r);
      }
    }
  }
}

/* Those of a symbol stay in their order; none of the columns is held that is not there. */
static void test_no_times_of_symbols(void **state) {
  (void)state;
  static const char text[] = "s,open,high,low,close\nA,1,1,1,1\nB,2,2,2,2\nA,3,3,3,3\nB,4,4,4,4\nA,5,5,5,5\n";
  static const double opens[] = {1, 3, 5, 2, 4};
  static const int64_t offsets[] = {0, 3, 5};
  tlw_csv_options o = csv_defaults();
  o.columns = "time=none";
  o.by = "s";
  o.policies[TLW_DEFECT_OUT_OF_ORDER] = TLW_POLICY_SORT;
  csv_write(text, sizeof text - 1);
  tlw_table *table;
  tlw_candles c;
  assert_int_equal(tlw_csv_read(csv_path(), &o, NULL, &table, NULL), TLW_OK);
  tlw_table_candles(table, &c);
  assert_null(c.time);
  assert_null(c.volume);
  assert_int_equal(c.n_series, 2);
  assert_memory_equal(c.offsets, offsets, sizeof offsets);
  assert_memory_equal(c.open, opens, sizeof opens);
  tlw_table_close(&table);
}

/* Where times are all that is missing, it is said how to do without. */
static void test_missing_times_are_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *columns;
    bool says;
  } files[] = {{"Open,High,Low,Close\n1,1,1,1\n", NULL, true},
               {"Open,High,Low\n1,1,1\n", NULL, false},
               {"Open,High,Low\n1,1,1\n", "time=none", false},
               {"Open,High,Low,Close\n1,1,1,1\n", "time=Zeit", false}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    tlw_csv_options o = csv_defaults();
    o.columns = files[i].columns;
    csv_write(files[i].text, strlen(files[i].text));
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    assert_int_equal(r.status, TLW_ERR_DATA);
    assert_int_equal(strstr(r.error.message, "or that there is none (time=none)") != NULL, files[i].says);
    csv_result_free(&r);
  }
}

static void test_refused_options(void **state) {
  (void)state;
  static const char text[] = "Date,Open,High,Low,Close,Volume\n2020-01-01,10,12,9,11,100\n";
  csv_write(text, sizeof text - 1);
  for (int i = 0; i < 14; i++) {
    tlw_csv_options o = csv_defaults();
    switch (i) {
    case 0:
      o.delimiter = ':';
      break;
    case 1:
      o.delimiter = ' ';
      break;
    case 2:
      o.decimal = ';';
      break;
    case 3:
      o.decimal = ',', o.delimiter = ',';
      break;
    case 4:
      o.header = (tlw_csv_header)3;
      break;
    case 5:
      o.header = (tlw_csv_header)-1;
      break;
    case 6:
      o.day_first = 2;
      break;
    case 7:
      o.day_first = -1;
      break;
    case 8:
      o.adjusted = 2;
      break;
    case 9:
      o.comment = '\n';
      break;
    case 10:
      o.struct_size = 1;
      break;
    case 11:
      o.struct_size = 0;
      break;
    case 12:
      o.comment = '"';
      break;
    default:
      o.delimiter = '\n';
      break;
    }
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_ERR_ARGUMENT) fail_msg("case %d: %s", i, tlw_status_name(r.status));
    csv_result_free(&r);
    csv_read_rows(csv_path(), &o, 1, &r);
    if (r.status != TLW_ERR_ARGUMENT) fail_msg("case %d: %s", i, tlw_status_name(r.status));
    csv_result_free(&r);
  }
  tlw_csv_options o = csv_defaults();
  o.by = "Volume"; /* series need a table */
  csv_result r;
  csv_read_rows(csv_path(), &o, 1, &r);
  assert_int_equal(r.status, TLW_ERR_ARGUMENT);
  csv_result_free(&r);
}

static void test_comment_option(void **state) {
  (void)state;
  tlw_csv_options o = csv_defaults();
  o.comment = '%';
  expect("% x\nDate,Open,High,Low,Close\n%,,,\n2020-01-01,10,12,9,11\n%", &o, &one_without, 1);
  refuse("Date,Open,High,Low,Close\n#\n2020-01-01,10,12,9,11\n", &o, TLW_ERR_DATA, 2, -1, "");
}

/* Lines of a single field stand in front of the header, 16 at most. */
static void test_preamble(void **state) {
  (void)state;
  const tlw_csv_options o = csv_defaults();
  for (int n = 0; n <= 18; n++) {
    csv_text text = {0};
    for (int i = 0; i < n; i++)
      csv_printf(&text, i % 3 == 1 ? "\"Prices of 2020\"\r\n\n" : "https://example.com/%d\n", i);
    csv_printf(&text, "Date;Open;High;Low;Close\n2020-01-01;10;12;9;11\n");
    if (n <= 16) {
      expect_bytes(text.bytes, text.size, &o, &one_without, 1);
    } else {
      csv_append(&text, "", 1);
      refuse(text.bytes, &o, TLW_ERR_DATA, 0, 0, "");
    }
    csv_text_free(&text);
  }
}

/* A separator behind every row is no column, with or without one behind the header. */
static void test_trailing(void **state) {
  (void)state;
  const tlw_csv_options o = csv_defaults();
  expect("Date,Open,High,Low,Close,\n2020-01-01,10,12,9,11,\n", &o, &one_without, 1);
  expect("2020-01-01;10;12;9;11;100;\n", &o, &one, 1);
  refuse("Date,Open,High,Low,Close\n2020-01-01,10,12,9,11\n2020-01-02,10,12,9,11,7\n", &o, TLW_ERR_DATA, 3, -1, "");
  refuse("Date,Open,High,Low,Close\n2020-01-01,10,12,9,11\n2020-01-02,10,12,9\n", &o, TLW_ERR_DATA, 3, -1, "");
}

/* A column that is asked for is in every row, though its name is empty: no field of the next row stands in for it. */
static void test_trailing_column(void **state) {
  (void)state;
  tlw_csv_options o = csv_defaults();
  csv_text text = {0};
  csv_printf(&text, "Date,Open,High,Low,Close,\n");
  for (int i = 0; i < 8; i++) csv_printf(&text, "%d,10,12,9,11\n", 1577836800 + i);
  csv_append(&text, "", 1);
  o.columns = "volume=6";
  refuse(text.bytes, &o, TLW_ERR_DATA, 2, -1, "5 fields, the header 6");
  o.columns = "volume=none,close=6";
  refuse(text.bytes, &o, TLW_ERR_DATA, 2, -1, "5 fields, the header 6");
  csv_text_free(&text);
  o.columns = "volume=6";
  expect("Date,Open,High,Low,Close,\n2020-01-01,10,12,9,11,100\n", &o, &one, 1);
}

/* --- Adjusted prices -------------------------------------------------------------------------------------------- */

static void test_adjusted(void **state) {
  (void)state;
  static const char *const names[] = {"Adj Close", "Adjusted Close", "adj_close", "AdjClose", "closeadj", "CLOSE ADJ"};
  tlw_csv_options o = csv_defaults();
  o.adjusted = 1;
  const double factor = 5.7 / 11.4;
  const csv_candle halved = {one.time, 10.2 * factor, 12.2 * factor, 9.2 * factor, 5.7, 100};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    csv_text text = {0};
    csv_printf(&text, "Date,Open,High,Low,Close,%s,Volume\n2020-01-01,10.2,12.2,9.2,11.4,5.7,100\n", names[i]);
    expect_bytes(text.bytes, text.size, &o, &halved, 1);
    csv_text_free(&text);
  }
  refuse("Date,Open,High,Low,Close\n2020-01-01,10,12,9,11\n", &o, TLW_ERR_DATA, 1, 0, "adj");
  o.columns = "adjusted=6";
  expect("Date,Open,High,Low,Close,x,Volume\n2020-01-01,10.2,12.2,9.2,11.4,5.7,100\n", &o, &halved, 1);
}

/* Without a factor no price of the row can be adjusted; the one at fault is named. */
static void test_refused_factors(void **state) {
  (void)state;
  static const struct {
    const char *prices;
    int32_t column;
    const char *part;
  } rows[] = {
      {"10,12,9,11,", 6, "adjusted '' is no price"},
      {"10,12,9,11,NaN", 6, "adjusted 'NaN' is no price"},
      {"10,12,9,,5", 5, "close '' is no price"},
      {"10,12,9,inf,5", 5, "close 'inf' is no price"},
      {"10,,9,11,5", 3, "high '' is no price"},
      {"10,12,0,0,5", 5, "close '0' can't be brought to the adjusted close"},
  };
  tlw_csv_options o = csv_defaults();
  o.adjusted = 1;
  o.policies[TLW_DEFECT_MISSING_PRICE] = TLW_POLICY_ERROR;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    csv_text text = {0};
    csv_printf(&text, "Date,Open,High,Low,Close,Adj Close\n2020-01-01,%s\n", rows[i].prices);
    csv_append(&text, "", 1);
    refuse(text.bytes, &o, TLW_ERR_DATA, 2, rows[i].column, rows[i].part);
    csv_text_free(&text);
  }
}

/* --- Times ------------------------------------------------------------------------------------------------------ */

typedef struct instant {
  const char *text;
  int64_t time;
} instant;

/* From Python's datetime. */
static const instant instants[] = {
    {"2021-03-04", INT64_C(1614816000000000000)},
    {"2021-03-04 9:05", INT64_C(1614848700000000000)},
    {"2021-03-04 09:05", INT64_C(1614848700000000000)},
    {"2021-03-04 23:59:58", INT64_C(1614902398000000000)},
    {"2021-03-04 9:05:07", INT64_C(1614848707000000000)},
    {"2021-03-04 09:05:07.5", INT64_C(1614848707500000000)},
    {"2021-03-04 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021-03-04 00:00", INT64_C(1614816000000000000)},
    {"2021-03-04T9:05", INT64_C(1614848700000000000)},
    {"2021-03-04T09:05", INT64_C(1614848700000000000)},
    {"2021-03-04T23:59:58", INT64_C(1614902398000000000)},
    {"2021-03-04T9:05:07", INT64_C(1614848707000000000)},
    {"2021-03-04T09:05:07.5", INT64_C(1614848707500000000)},
    {"2021-03-04T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021-03-04T00:00", INT64_C(1614816000000000000)},
    {"2021/03/04", INT64_C(1614816000000000000)},
    {"2021/03/04 9:05", INT64_C(1614848700000000000)},
    {"2021/03/04 09:05", INT64_C(1614848700000000000)},
    {"2021/03/04 23:59:58", INT64_C(1614902398000000000)},
    {"2021/03/04 9:05:07", INT64_C(1614848707000000000)},
    {"2021/03/04 09:05:07.5", INT64_C(1614848707500000000)},
    {"2021/03/04 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021/03/04 00:00", INT64_C(1614816000000000000)},
    {"2021/03/04T9:05", INT64_C(1614848700000000000)},
    {"2021/03/04T09:05", INT64_C(1614848700000000000)},
    {"2021/03/04T23:59:58", INT64_C(1614902398000000000)},
    {"2021/03/04T9:05:07", INT64_C(1614848707000000000)},
    {"2021/03/04T09:05:07.5", INT64_C(1614848707500000000)},
    {"2021/03/04T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021/03/04T00:00", INT64_C(1614816000000000000)},
    {"2021.03.04", INT64_C(1614816000000000000)},
    {"2021.03.04 9:05", INT64_C(1614848700000000000)},
    {"2021.03.04 09:05", INT64_C(1614848700000000000)},
    {"2021.03.04 23:59:58", INT64_C(1614902398000000000)},
    {"2021.03.04 9:05:07", INT64_C(1614848707000000000)},
    {"2021.03.04 09:05:07.5", INT64_C(1614848707500000000)},
    {"2021.03.04 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021.03.04 00:00", INT64_C(1614816000000000000)},
    {"2021.03.04T9:05", INT64_C(1614848700000000000)},
    {"2021.03.04T09:05", INT64_C(1614848700000000000)},
    {"2021.03.04T23:59:58", INT64_C(1614902398000000000)},
    {"2021.03.04T9:05:07", INT64_C(1614848707000000000)},
    {"2021.03.04T09:05:07.5", INT64_C(1614848707500000000)},
    {"2021.03.04T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"2021.03.04T00:00", INT64_C(1614816000000000000)},
    {"20210304", INT64_C(1614816000000000000)},
    {"20210304 9:05", INT64_C(1614848700000000000)},
    {"20210304 09:05", INT64_C(1614848700000000000)},
    {"20210304 23:59:58", INT64_C(1614902398000000000)},
    {"20210304 9:05:07", INT64_C(1614848707000000000)},
    {"20210304 09:05:07.5", INT64_C(1614848707500000000)},
    {"20210304 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"20210304 00:00", INT64_C(1614816000000000000)},
    {"20210304T9:05", INT64_C(1614848700000000000)},
    {"20210304T09:05", INT64_C(1614848700000000000)},
    {"20210304T23:59:58", INT64_C(1614902398000000000)},
    {"20210304T9:05:07", INT64_C(1614848707000000000)},
    {"20210304T09:05:07.5", INT64_C(1614848707500000000)},
    {"20210304T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"20210304T00:00", INT64_C(1614816000000000000)},
    {"3/4/2021", INT64_C(1614816000000000000)},
    {"3/4/2021 9:05", INT64_C(1614848700000000000)},
    {"3/4/2021 09:05", INT64_C(1614848700000000000)},
    {"3/4/2021 23:59:58", INT64_C(1614902398000000000)},
    {"3/4/2021 9:05:07", INT64_C(1614848707000000000)},
    {"3/4/2021 09:05:07.5", INT64_C(1614848707500000000)},
    {"3/4/2021 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"3/4/2021 00:00", INT64_C(1614816000000000000)},
    {"3/4/2021T9:05", INT64_C(1614848700000000000)},
    {"3/4/2021T09:05", INT64_C(1614848700000000000)},
    {"3/4/2021T23:59:58", INT64_C(1614902398000000000)},
    {"3/4/2021T9:05:07", INT64_C(1614848707000000000)},
    {"3/4/2021T09:05:07.5", INT64_C(1614848707500000000)},
    {"3/4/2021T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"3/4/2021T00:00", INT64_C(1614816000000000000)},
    {"03/04/2021", INT64_C(1614816000000000000)},
    {"03/04/2021 9:05", INT64_C(1614848700000000000)},
    {"03/04/2021 09:05", INT64_C(1614848700000000000)},
    {"03/04/2021 23:59:58", INT64_C(1614902398000000000)},
    {"03/04/2021 9:05:07", INT64_C(1614848707000000000)},
    {"03/04/2021 09:05:07.5", INT64_C(1614848707500000000)},
    {"03/04/2021 09:05:07.123456789", INT64_C(1614848707123456789)},
    {"03/04/2021 00:00", INT64_C(1614816000000000000)},
    {"03/04/2021T9:05", INT64_C(1614848700000000000)},
    {"03/04/2021T09:05", INT64_C(1614848700000000000)},
    {"03/04/2021T23:59:58", INT64_C(1614902398000000000)},
    {"03/04/2021T9:05:07", INT64_C(1614848707000000000)},
    {"03/04/2021T09:05:07.5", INT64_C(1614848707500000000)},
    {"03/04/2021T09:05:07.123456789", INT64_C(1614848707123456789)},
    {"03/04/2021T00:00", INT64_C(1614816000000000000)},
    {"20210304 0905", INT64_C(1614848700000000000)},
    {"20210304T0905", INT64_C(1614848700000000000)},
    {"20210304 090507", INT64_C(1614848707000000000)},
    {"20210304T090507", INT64_C(1614848707000000000)},
    {"20210304 090507123", INT64_C(1614848707123000000)},
    {"20210304T090507123", INT64_C(1614848707123000000)},
    {"20210304 235959999", INT64_C(1614902399999000000)},
    {"20210304T235959999", INT64_C(1614902399999000000)},
    {"2021-03-04 09:05Z", INT64_C(1614848700000000000)},
    {"2021-03-04T09:05:07Z", INT64_C(1614848707000000000)},
    {"3/4/2021 9:05:07.25Z", INT64_C(1614848707250000000)},
    {"20210304 090507Z", INT64_C(1614848707000000000)},
    {"2021-03-04 09:05 UTC", INT64_C(1614848700000000000)},
    {"2021-03-04T09:05:07 UTC", INT64_C(1614848707000000000)},
    {"3/4/2021 9:05:07.25 UTC", INT64_C(1614848707250000000)},
    {"20210304 090507 UTC", INT64_C(1614848707000000000)},
    {"2021-03-04 09:05+00:00", INT64_C(1614848700000000000)},
    {"2021-03-04T09:05:07+00:00", INT64_C(1614848707000000000)},
    {"3/4/2021 9:05:07.25+00:00", INT64_C(1614848707250000000)},
    {"20210304 090507+00:00", INT64_C(1614848707000000000)},
    {"2021-03-04 09:05+01:00", INT64_C(1614845100000000000)},
    {"2021-03-04T09:05:07+01:00", INT64_C(1614845107000000000)},
    {"3/4/2021 9:05:07.25+01:00", INT64_C(1614845107250000000)},
    {"20210304 090507+01:00", INT64_C(1614845107000000000)},
    {"2021-03-04 09:05+0100", INT64_C(1614845100000000000)},
    {"2021-03-04T09:05:07+0100", INT64_C(1614845107000000000)},
    {"3/4/2021 9:05:07.25+0100", INT64_C(1614845107250000000)},
    {"20210304 090507+0100", INT64_C(1614845107000000000)},
    {"2021-03-04 09:05+01", INT64_C(1614845100000000000)},
    {"2021-03-04T09:05:07+01", INT64_C(1614845107000000000)},
    {"3/4/2021 9:05:07.25+01", INT64_C(1614845107250000000)},
    {"20210304 090507+01", INT64_C(1614845107000000000)},
    {"2021-03-04 09:05-05:30", INT64_C(1614868500000000000)},
    {"2021-03-04T09:05:07-05:30", INT64_C(1614868507000000000)},
    {"3/4/2021 9:05:07.25-05:30", INT64_C(1614868507250000000)},
    {"20210304 090507-05:30", INT64_C(1614868507000000000)},
    {"2021-03-04 09:05-0530", INT64_C(1614868500000000000)},
    {"2021-03-04T09:05:07-0530", INT64_C(1614868507000000000)},
    {"3/4/2021 9:05:07.25-0530", INT64_C(1614868507250000000)},
    {"20210304 090507-0530", INT64_C(1614868507000000000)},
    {"2021-03-04 09:05-05", INT64_C(1614866700000000000)},
    {"2021-03-04T09:05:07-05", INT64_C(1614866707000000000)},
    {"3/4/2021 9:05:07.25-05", INT64_C(1614866707250000000)},
    {"20210304 090507-05", INT64_C(1614866707000000000)},
    {"2021-03-04 09:05+14:00", INT64_C(1614798300000000000)},
    {"2021-03-04T09:05:07+14:00", INT64_C(1614798307000000000)},
    {"3/4/2021 9:05:07.25+14:00", INT64_C(1614798307250000000)},
    {"20210304 090507+14:00", INT64_C(1614798307000000000)},
    {"2000-02-29", INT64_C(951782400000000000)},
    {"2020-02-29 23:59:59", INT64_C(1583020799000000000)},
    {"1969-12-31 23:59:59.999999999", INT64_C(-1)},
    {"1900-02-28", INT64_C(-2203977600000000000)},
    {"1678-01-01", INT64_C(-9214560000000000000)},
    {"2261-12-31 23:59:59.999999999", INT64_C(9214646399999999999)},
    {"12/31/1999 23:59", INT64_C(946684740000000000)},
    {"0", INT64_C(0)},
    {"86400", INT64_C(86400000000000)},
    {"1577836800", INT64_C(1577836800000000000)},
    {"1577836800.0", INT64_C(1577836800000000000)},
    {"1577836800.000000", INT64_C(1577836800000000000)},
    {"9214646399", INT64_C(9214646399000000000)},
    {"1577836800000", INT64_C(1577836800000000000)},
    {"1577836800123", INT64_C(1577836800123000000)},
    {"100000000000", INT64_C(100000000000000000)},
    {"1577836800123456", INT64_C(1577836800123456000)},
    {"100000000000000", INT64_C(100000000000000000)},
    {"1577836800123456789", INT64_C(1577836800123456789)},
    {"100000000000000000", INT64_C(100000000000000000)},
    {"9214646399999", INT64_C(9214646399999000000)},
    {"9214646399999999999", INT64_C(9214646399999999999)},
    {"9214646399999999", INT64_C(9214646399999999000)},
    {"20209999", INT64_C(20209999000000000)},
    {"999999", INT64_C(999999000000000)},
    {"20211301", INT64_C(20211301000000000)},
    {"20210304090507", INT64_C(1614848707000000000)},
    {"20210304235959", INT64_C(1614902399000000000)},
};

static const instant day_first[] = {
    {"4.3.2021", INT64_C(1614816000000000000)},
    {"4.3.2021 9:05", INT64_C(1614848700000000000)},
    {"4.3.2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"4.3.2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"04.03.2021", INT64_C(1614816000000000000)},
    {"04.03.2021 9:05", INT64_C(1614848700000000000)},
    {"04.03.2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"04.03.2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"4/3/2021", INT64_C(1614816000000000000)},
    {"4/3/2021 9:05", INT64_C(1614848700000000000)},
    {"4/3/2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"4/3/2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"04/03/2021", INT64_C(1614816000000000000)},
    {"04/03/2021 9:05", INT64_C(1614848700000000000)},
    {"04/03/2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"04/03/2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"4-3-2021", INT64_C(1614816000000000000)},
    {"4-3-2021 9:05", INT64_C(1614848700000000000)},
    {"4-3-2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"4-3-2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"04-03-2021", INT64_C(1614816000000000000)},
    {"04-03-2021 9:05", INT64_C(1614848700000000000)},
    {"04-03-2021T23:59:58.25", INT64_C(1614902398250000000)},
    {"04-03-2021 9:05:07+01:00", INT64_C(1614845107000000000)},
    {"31.12.1999", INT64_C(946598400000000000)},
    {"29/2/2020", INT64_C(1582934400000000000)},
    {"2021-03-04", INT64_C(1614816000000000000)},
    {"2021.03.04 9:05", INT64_C(1614848700000000000)},
    {"20210304", INT64_C(1614816000000000000)},
    {"1577836800", INT64_C(1577836800000000000)},
};

static void check_instant(const instant *t, const tlw_csv_options *o) {
  csv_candle row = {t->time, 1, 1, 1, 1, GAP};
  static const char *const forms[] = {"Date,Open,High,Low,Close\n%s,1,1,1,1\n", "%s;1;1;1;1\n",
                                      "time\topen\thigh\tlow\tclose\r\n\" %s\"\t1\t1\t1\t1\r\n"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    csv_text text = {0};
    const char *at = strstr(forms[i], "%s");
    csv_append(&text, forms[i], (size_t)(at - forms[i]));
    csv_printf(&text, "%s%s", t->text, at + 2);
    expect_bytes(text.bytes, text.size, o, &row, 1);
    csv_text_free(&text);
  }
}

static void test_times(void **state) {
  (void)state;
  tlw_csv_options o = csv_defaults();
  for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
    int64_t time = 4711;
    tlw_error error;
    if (tlw_time_parse(instants[i].text, &time, &error) != TLW_OK) fail_msg("%s: %s", instants[i].text, error.message);
    if (time != instants[i].time) fail_msg("%s is %" PRId64 ", not %" PRId64, instants[i].text, time, instants[i].time);
    check_instant(&instants[i], &o);
  }
  o.day_first = 1;
  for (size_t i = 0; i < sizeof day_first / sizeof *day_first; i++) check_instant(&day_first[i], &o);
}

/* The same in a column for the day and one for the time of day. */
static void test_clocks(void **state) {
  (void)state;
  static const struct {
    const char *day, *clock;
    int day_first;
    int64_t seconds, nanoseconds;
  } pairs[] = {
      {"2021-03-04", "9:05", 0, 1614848700, 0},
      {"2021-03-04", "09:05:07", 0, 1614848707, 0},
      {"2021.03.04", "09:05:07.5", 0, 1614848707, 500000000},
      {"3/4/2021", "9:05", 0, 1614848700, 0},
      {"20210304", "090507", 0, 1614848707, 0},
      {"20210304", "0905", 0, 1614848700, 0},
      {"20210304", "090507123", 0, 1614848707, 123000000},
      {"20210304", "09:05:07", 0, 1614848707, 0},
      {"4.3.2021", "9:05", 1, 1614848700, 0},
      {"04-03-2021", "09:05:07", 1, 1614848707, 0},
      {"2021-03-04", "10:05:07+01:00", 0, 1614848707, 0},
      {"2021-03-04", "09:05Z", 0, 1614848700, 0},
      {"20210304", "000000", 0, 1614816000, 0},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    tlw_csv_options o = csv_defaults();
    o.day_first = pairs[i].day_first;
    const csv_candle row = {pairs[i].seconds * SECOND + pairs[i].nanoseconds, 10, 12, 9, 11, 100};
    csv_text text = {0};
    csv_printf(&text, "Open,Time,High,Low,Close,Date,Vol\n10,%s,12,9,11,%s,100\n", pairs[i].clock, pairs[i].day);
    expect_bytes(text.bytes, text.size, &o, &row, 1);
    text.size = 0;
    csv_printf(&text, "%s,%s,10,12,9,11,100\n", pairs[i].day, pairs[i].clock); /* without a header */
    if (strchr(pairs[i].clock, ':')) expect_bytes(text.bytes, text.size, &o, &row, 1);
    csv_text_free(&text);
  }
}

/* What is refused is told where it stands: in the day or in the clock. */
static void test_refused_clocks(void **state) {
  (void)state;
  static const struct {
    const char *clock, *day;
    int32_t column;
  } pairs[] = {
      {"25:00", "2020-01-01", 2}, {"x", "2020-01-01", 2},     {"", "2020-01-01", 2},
      {"10:00", "2020-02-30", 6}, {"10:00", "1577836800", 6}, {"25:00", "x", 6},
  };
  const tlw_csv_options o = csv_defaults();
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    csv_text text = {0};
    csv_printf(&text, "Open,Time,High,Low,Close,Date\n10,%s,12,9,11,%s\n", pairs[i].clock, pairs[i].day);
    csv_append(&text, "", 1);
    refuse(text.bytes, &o, TLW_ERR_DATA, 2, pairs[i].column, "time '");
    csv_text_free(&text);
  }
}

static void test_refused_times(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "x",
      "2020",
      "202001",
      "202001010930",
      "2020-13-01",
      "2020-00-01",
      "2020-02-30",
      "2021-02-29",
      "1900-02-29",
      "2020-01-32",
      "2020-01-00",
      "2020-01-01 ",
      "2020-01-01 25:00",
      "2020-01-01 10:60",
      "2020-01-01 10:00:61",
      "2020-01-01 10",
      "2020-01-01 10:0",
      "2020-01-01 10:00:0",
      "2020-01-01 10:00:00.",
      "2020-01-01 10:00:00.1234567890",
      "2020-01-01 10:00:00,5x",
      "2020-01-01T",
      "2020-01-01  x",
      "2020-01-01 10:00+",
      "2020-01-01 10:00+1",
      "2020-01-01 10:00 PM",
      "2020-01-01 10:00 EST",
      "2020-01-01 10:00+25:00",
      "2020-01/01",
      "2020-01.01",
      "13/1/2020",
      "1/32/2020",
      "2/30/2020",
      "1/1/20",
      "1.1.2020",
      "1-1-2020",
      "1677-12-31",
      "2262-01-01",
      "0001-01-01",
      "9999-12-31",
      "-2020-01-01",
      "+2020-01-01",
      "1577836800.5",
      "1577836800.",
      "1e9",
      "99999999999",
      "99999999999999",
      "99999999999999999",
      "9214646400",
      "9223372036854775808",
      "100000000000000000000000",
      "0x10",
      "nan",
      "inf",
      "20200101 25",
      "20200101 2500",
      "20200101 1260",
      "20200101 120060",
      "20200101 09:5",
      "Jan 2, 2020",
      "2020-W01",
      "2020-001",
      "2020-01-01 10:00:00.5.5",
      "20200101T",
      "2020-01-01 -1:00",
      "2020-01-01 10:-1",
      "1 577836800",
      "1,577",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int64_t time = 4711;
    tlw_error error;
    memset(&error, 0xa5, sizeof error);
    const tlw_status status = tlw_time_parse(texts[i], &time, &error);
    if (status != TLW_ERR_ARGUMENT) {
      if (strcmp(texts[i], "2020-01-01 ") == 0 && status == TLW_OK) continue; /* blanks around */
      fail_msg("'%s' was read as %" PRId64, texts[i], time);
    }
    assert_int_equal(time, 4711);
    assert_non_null(strstr(error.message, "YYYY-MM-DD"));
    if (!texts[i][0] || strchr(texts[i], ',')) continue;
    tlw_csv_options o = csv_defaults();
    const bool is_day_first =
        strcmp(texts[i], "13/1/2020") == 0 || strcmp(texts[i], "1.1.2020") == 0 || strcmp(texts[i], "1-1-2020") == 0;
    csv_text text = {0};
    csv_printf(&text, "Date,Open,High,Low,Close\n2000-01-01,1,1,1,1\n%s,1,1,1,1\n", texts[i]);
    csv_append(&text, "", 1);
    if (strcmp(texts[i], "2020-01-01 ") != 0)
      refuse(text.bytes, &o, TLW_ERR_DATA, 3, 1, is_day_first ? "day-first" : "YYYY-MM-DD");
    csv_text_free(&text);
  }
  assert_int_equal(tlw_time_parse(NULL, &(int64_t){0}, NULL), TLW_ERR_ARGUMENT);
  assert_int_equal(tlw_time_parse("2020-01-01", NULL, NULL), TLW_ERR_ARGUMENT);

  tlw_csv_options o = csv_defaults();
  o.day_first = 1;
  refuse("Date,Open,High,Low,Close\n13/13/2020,1,1,1,1\n", &o, TLW_ERR_DATA, 2, 1, "");
  refuse("Date,Open,High,Low,Close\n1/31/2020,1,1,1,1\n", &o, TLW_ERR_DATA, 2, 1, "");
}

/* --- Sources ---------------------------------------------------------------------------------------------------- */

#define ROWS_MAX 3

static const struct {
  const char *name;
  const char *text;
  const char *columns; /* or NULL */
  const char *by;      /* or NULL */
  int32_t day_first;
  int32_t newest_first;
  char decimal;
  int n_rows;
  struct {
    int64_t seconds;
    double open, high, low, close, volume;
  } rows[ROWS_MAX];
} sources[] = {
    {.name = "Yahoo",
     .text = "Date,Open,High,Low,Close,Adj Close,Volume\n"
             "2024-01-02,187.149994,188.440002,183.889999,185.639999,184.938217,82488700\n"
             "2024-01-03,184.220001,185.880005,183.429993,184.250000,183.553482,58414500\n",
     .n_rows = 2,
     .rows = {{1704153600, 187.149994, 188.440002, 183.889999, 185.639999, 82488700},
              {1704240000, 184.220001, 185.880005, 183.429993, 184.25, 58414500}}},
    {.name = "Binance, ms",
     .text = "1609459200000,28923.63000000,29031.34000000,28690.17000000,28995.13000000,2311.81144500,1609462799999,"
             "66768830.34010008,58389,1215.35923000,35103542.78288276,0\n"
             "1609462800000,28995.13000000,29470.00000000,28960.35000000,29409.99000000,5403.06847100,1609466399999,"
             "158357816.79680008,103896,3103.08651100,90973742.26315008,0\n",
     .n_rows = 2,
     .rows = {{1609459200, 28923.63, 29031.34, 28690.17, 28995.13, 2311.811445},
              {1609462800, 28995.13, 29470, 28960.35, 29409.99, 5403.068471}}},
    {.name = "Binance, us",
     .text = "1735689600000000,93576.00,94509.42,93489.03,94401.14,755.99010,1735693199999999,71000000.1,1,2,3,0\n",
     .n_rows = 1,
     .rows = {{1735689600, 93576, 94509.42, 93489.03, 94401.14, 755.9901}}},
    {.name = "Binance, with a header",
     .text = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
             "taker_buy_quote_volume,ignore\n"
             "1609459200000,28923.63,29031.34,28690.17,28995.13,2311.5,1609462799999,6.1,5,1.5,3.5,0\n",
     .n_rows = 1,
     .rows = {{1609459200, 28923.63, 29031.34, 28690.17, 28995.13, 2311.5}}},
    {.name = "CryptoDataDownload",
     .text = "https://www.CryptoDataDownload.com\n"
             "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
             "1646092800,2022-03-01 00:00:00,BTC/USD,43221.71,43626.49,43185.48,43185.48,49.00628911,2116360.10\n"
             "1646089200,2022-02-28 23:00:00,BTC/USD,43085.30,43364.81,42892.37,43178.98,106.81991625,4612310.08\n",
     .newest_first = 1,
     .n_rows = 2,
     .rows = {{1646089200, 43085.30, 43364.81, 42892.37, 43178.98, 106.81991625},
              {1646092800, 43221.71, 43626.49, 43185.48, 43185.48, 49.00628911}}},
    {.name = "HistData, ASCII",
     .text = "20120201 000000;1.306600;1.306600;1.306560;1.306560;0\n20120201 "
             "000100;1.306570;1.306570;1.306470;1.306560;0\n",
     .n_rows = 2,
     .rows = {{1328054400, 1.3066, 1.3066, 1.30656, 1.30656, 0}, {1328054460, 1.30657, 1.30657, 1.30647, 1.30656, 0}}},
    {.name = "HistData, MetaTrader",
     .text = "2012.02.01,00:00,1.306600,1.306600,1.306560,1.306560,0\n2012.02.01,00:01,1.306570,1.306570,1.306470,1."
             "306560,0\n",
     .n_rows = 2,
     .rows = {{1328054400, 1.3066, 1.3066, 1.30656, 1.30656, 0}, {1328054460, 1.30657, 1.30657, 1.30647, 1.30656, 0}}},
    {.name = "MetaTrader 5",
     .text = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
             "2021.01.04\t10:00:00\t1.22396\t1.22500\t1.22390\t1.22485\t1570\t0\t7\r\n"
             "2021.01.04\t10:01:00\t1.22485\t1.22490\t1.22402\t1.22440\t900\t0\t7\r\n",
     .columns = "volume=<TICKVOL>",
     .n_rows = 2,
     .rows = {{1609754400, 1.22396, 1.225, 1.2239, 1.22485, 1570},
              {1609754460, 1.22485, 1.2249, 1.22402, 1.2244, 900}}},
    {.name = "Finam",
     .text = "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>\r\n"
             "SBER;1;20210104;100000;275.0000000;276.9000000;274.9000000;276.5000000;1042440\r\n"
             "SBER;1;20210104;100100;276.5000000;276.6000000;276.1000000;276.2000000;390270\r\n",
     .by = "ticker",
     .n_rows = 2,
     .rows = {{1609754400, 275, 276.9, 274.9, 276.5, 1042440}, {1609754460, 276.5, 276.6, 276.1, 276.2, 390270}}},
    {.name = "stooq",
     .text = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
             "AAPL.US,D,20240102,000000,187.15,188.44,183.885,185.64,82496943,0\n"
             "AAPL.US,D,20240103,000000,184.22,185.88,183.43,184.25,58418916,0\n",
     .n_rows = 2,
     .rows = {{1704153600, 187.15, 188.44, 183.885, 185.64, 82496943},
              {1704240000, 184.22, 185.88, 183.43, 184.25, 58418916}}},
    {.name = "Alpha Vantage",
     .text = "timestamp,open,high,low,close,volume\r\n2024-01-03,184.2200,185.8800,183.4300,184.2500,58414460\r\n"
             "2024-01-02,187.1500,188.4400,183.8850,185.6400,82488674\r\n",
     .newest_first = 1,
     .n_rows = 2,
     .rows = {{1704153600, 187.15, 188.44, 183.885, 185.64, 82488674},
              {1704240000, 184.22, 185.88, 183.43, 184.25, 58414460}}},
    {.name = "Investing.com, without its volume",
     .text = "\xef\xbb\xbf\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n"
             "\"01/03/2024\",\"184.25\",\"184.22\",\"185.88\",\"183.43\",\"58.41M\",\"-0.75%\"\n"
             "\"01/02/2024\",\"185.64\",\"187.15\",\"188.44\",\"183.89\",\"82.49M\",\"-3.58%\"\n",
     .columns = "close=Price,volume=none",
     .newest_first = 1,
     .n_rows = 2,
     .rows = {{1704153600, 187.15, 188.44, 183.89, 185.64, GAP}, {1704240000, 184.22, 185.88, 183.43, 184.25, GAP}}},
    {.name = "Kraken",
     .text = "1609459200,28923.63,29031.34,28690.17,28995.13,2311.5,4321\n1609462800,28995.13,29470.0,28960.35,29409."
             "99,5403.5,4000\n",
     .n_rows = 2,
     .rows = {{1609459200, 28923.63, 29031.34, 28690.17, 28995.13, 2311.5},
              {1609462800, 28995.13, 29470, 28960.35, 29409.99, 5403.5}}},
    {.name = "Polygon, flat file",
     .text = "ticker,volume,open,close,high,low,window_start,transactions\n"
             "AAPL,4930,187.15,187.1,187.2,187.05,1704153600000000000,129\nMSFT,100,370.5,371,371.5,370,"
             "1704153600000000000,9\n"
             "AAPL,50,187.1,187.2,187.25,187,1704240000000000000,12\n",
     .columns = "time=window_start",
     .by = "ticker",
     .n_rows = 3,
     .rows = {{1704153600, 187.15, 187.2, 187.05, 187.1, 4930},
              {1704240000, 187.1, 187.25, 187, 187.2, 50},
              {1704153600, 370.5, 371.5, 370, 371, 100}}},
    {.name = "Databento",
     .text =
         "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
         "2024-01-02T00:00:00.000000000Z,33,1,5482,187.150000000,188.440000000,183.890000000,185.640000000,1500,ESH4\n",
     .columns = "time=ts_event",
     .n_rows = 1,
     .rows = {{1704153600, 187.15, 188.44, 183.89, 185.64, 1500}}},
    {.name = "TradingView",
     .text = "time,open,high,low,close,Volume,Volume "
             "MA\n2024-01-02T01:00:00+01:00,187.15,188.44,183.89,185.64,82488700,NaN\n",
     .n_rows = 1,
     .rows = {{1704153600, 187.15, 188.44, 183.89, 185.64, 82488700}}},
    {.name = "a German bank",
     .text = "Datum;Er\xc3\xb6"
             "ffnung;Hoch;Tief;Schluss;Volumen\r\n03.01.2024;1.184,22;1.185,88;1.183,43;1.184,25;58.414.500\r\n"
             "02.01.2024;1.187,15;1.188,44;1.183,89;1.185,64;82.488.700\r\n",
     .columns = "time=Datum,open=Er\xc3\xb6"
                "ffnung,high=Hoch,low=Tief,close=Schluss,volume=Volumen",
     .day_first = 1,
     .newest_first = 1,
     .decimal = ',',
     .n_rows = 2,
     .rows = {{1704153600, 1187.15, 1188.44, 1183.89, 1185.64, 82488700},
              {1704240000, 1184.22, 1185.88, 1183.43, 1184.25, 58414500}}},
    {.name = "pandas, with an index that has no name",
     .text = ",open,high,low,close,volume\n2024-01-02 00:00:00+00:00,187.15,188.44,183.89,185.64,82488700.0\n",
     .columns = "time=1",
     .n_rows = 1,
     .rows = {{1704153600, 187.15, 188.44, 183.89, 185.64, 82488700}}},
    {.name = "Coinbase",
     .text = "time,low,high,open,close,volume\n1609462800,28960.35,29470,28995.13,29409.99,5403.5\n1609459200,28690.17,"
             "29031.34,28923.63,28995.13,2311.5\n",
     .newest_first = 1,
     .n_rows = 2,
     .rows = {{1609459200, 28923.63, 29031.34, 28690.17, 28995.13, 2311.5},
              {1609462800, 28995.13, 29470, 28960.35, 29409.99, 5403.5}}},
};

static void test_sources(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    tlw_csv_options o = csv_defaults();
    o.columns = sources[i].columns;
    o.by = sources[i].by;
    o.day_first = sources[i].day_first;
    o.decimal = sources[i].decimal;
    csv_candle rows[ROWS_MAX];
    for (int k = 0; k < sources[i].n_rows; k++)
      rows[k] = (csv_candle){sources[i].rows[k].seconds * SECOND,
                             sources[i].rows[k].open,
                             sources[i].rows[k].high,
                             sources[i].rows[k].low,
                             sources[i].rows[k].close,
                             sources[i].rows[k].volume};
    print_message("%s\n", sources[i].name);
    expect(sources[i].text, &o, rows, sources[i].n_rows);
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    assert_int_equal(r.report.newest_first, sources[i].newest_first);
    for (int k = 0; k < TLW_DEFECTS; k++) assert_int_equal(r.report.defects[k], 0);
    csv_result_free(&r);
  }
}

/* What sources write that no form of the header reads: refused at its place, never taken for something else. */
static void test_refused_sources(void **state) {
  (void)state;
  tlw_csv_options o = csv_defaults();
  o.columns = "close=Price";
  refuse("\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\"\n\"01/03/"
         "2024\",\"184.25\",\"184.22\",\"185.88\",\"183.43\","
         "\"58.41M\"\n",
         &o, TLW_ERR_DATA, 2, 6, "58.41M");
  refuse("\"Date\",\"Price\",\"Open\",\"High\",\"Low\"\n\"01/03/2024\",\"4,184.25\",\"184.22\",\"185.88\",\"183.43\"\n",
         &o, TLW_ERR_DATA, 2, 2, "4,184.25");
  o.columns = NULL;
  refuse("Date,Close/Last,Volume,Open,High,Low\n01/03/2024,$184.25,58414460,$184.22,$185.88,$183.43\n", &o,
         TLW_ERR_DATA, 2, 0, "$184.2");
  refuse("Date,Open,High,Low,Close\n2019-10-17 09-AM,1,1,1,1\n", &o, TLW_ERR_DATA, 2, 1, "09-AM");
  refuse("Date,Open,High,Low,Close\n\"Jan 02, 2024\",1,1,1,1\n", &o, TLW_ERR_DATA, 2, 1, "Jan 02");
}

/* --- Symbols ---------------------------------------------------------------------------------------------------- */

static void test_symbols(void **state) {
  (void)state;
  static const char text[] = "Symbol,Date,Open,High,Low,Close\n"
                             "MSFT,2020-01-01,10,12,9,11\nAAPL,2020-01-01,20,22,19,21\n\"BRK,B\",2020-01-01,1,1,1,1\n"
                             "AAPL,2020-01-02,20,22,19,21.5\nmsft,2020-01-01,5,5,5,5\nMSFT,2020-01-02,10,12,9,11.5\n";
  csv_write(text, sizeof text - 1);
  static const char *const by[] = {"Symbol", "symbol", "<SYMBOL>", "1"};
  static const char *const symbols[] = {"MSFT", "AAPL", "BRK,B", "msft"};
  static const int64_t offsets[] = {0, 2, 4, 5, 6};
  static const double closes[] = {11, 11.5, 21, 21.5, 1, 5};
  for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
    tlw_csv_options o = csv_defaults();
    o.by = by[i];
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_OK) fail_msg("%s", r.error.message);
    assert_int_equal(r.n_series, 4);
    assert_memory_equal(r.offsets, offsets, sizeof offsets);
    for (int k = 0; k < 4; k++) assert_string_equal(r.symbols[k], symbols[k]);
    for (int k = 0; k < 6; k++) assert_true(r.rows[k].close == closes[k]);
    csv_result_free(&r);
  }
  static const char *const wrong[] = {"Ticker", "7", "0", ""};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    tlw_csv_options o = csv_defaults();
    o.by = wrong[i];
    csv_result r;
    csv_read_table(csv_path(), &o, &r);
    if (r.status != TLW_ERR_DATA && r.status != TLW_ERR_ARGUMENT)
      fail_msg("by '%s': %s", wrong[i], tlw_status_name(r.status));
    csv_result_free(&r);
  }
}

/* Without options, and with those of a new struct, a file is read the same. */
static void test_defaults(void **state) {
  (void)state;
  static const char text[] = "Date,Open,High,Low,Close,Volume\n2020-01-01,10,12,9,11,100\n";
  csv_write(text, sizeof text - 1);
  csv_result r;
  csv_read_table(csv_path(), NULL, &r);
  assert_int_equal(r.status, TLW_OK);
  assert_true(csv_same_rows(&r, &one, 1));
  csv_result_free(&r);
  csv_read_rows(csv_path(), NULL, 1, &r);
  assert_int_equal(r.status, TLW_OK);
  assert_true(csv_same_rows(&r, &one, 1));
  csv_result_free(&r);
  const tlw_csv_options o = csv_defaults();
  assert_int_equal(o.struct_size, sizeof o);
  assert_true(!o.delimiter && !o.decimal && !o.comment && !o.header && !o.columns && !o.by && !o.day_first);
  assert_true(!o.adjusted && !o.expansion);
  for (int i = 0; i < TLW_DEFECTS; i++) assert_int_equal(o.policies[i], TLW_POLICY_DEFAULT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_every_dialect),
      cmocka_unit_test(test_locale),
      cmocka_unit_test(test_packed),
      cmocka_unit_test(test_packed_by_others),
      cmocka_unit_test(test_every_name),
      cmocka_unit_test(test_every_order),
      cmocka_unit_test(test_choice_of_columns),
      cmocka_unit_test(test_refused_headers),
      cmocka_unit_test(test_columns_option),
      cmocka_unit_test(test_refused_columns),
      cmocka_unit_test(test_no_times),
      cmocka_unit_test(test_no_times_of_symbols),
      cmocka_unit_test(test_missing_times_are_named),
      cmocka_unit_test(test_refused_options),
      cmocka_unit_test(test_comment_option),
      cmocka_unit_test(test_preamble),
      cmocka_unit_test(test_trailing),
      cmocka_unit_test(test_trailing_column),
      cmocka_unit_test(test_adjusted),
      cmocka_unit_test(test_refused_factors),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_clocks),
      cmocka_unit_test(test_refused_clocks),
      cmocka_unit_test(test_refused_times),
      cmocka_unit_test(test_sources),
      cmocka_unit_test(test_refused_sources),
      cmocka_unit_test(test_symbols),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
