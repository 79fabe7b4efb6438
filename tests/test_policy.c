/*
 * Bad rows by policy: every defect under every policy that it has, against a small model of the table of tallow/csv.h
 * for files that are oldest first, newest first, sorted and of several symbols, read whole and some rows at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "csv_kit.h"

#define SECOND INT64_C(1000000000)
#define START INT64_C(1577836800) /* 2020-01-01 */
#define SYMBOLS 3

/* --- The table, spelt out --------------------------------------------------------------------------------------- */

static const struct {
  tlw_defect defect;
  const char *name;
  const char *choices; /* the default first */
} table[] = {
    {TLW_DEFECT_FIELD, "bad-field", "error skip"},
    {TLW_DEFECT_MISSING_PRICE, "missing-price", "gap error skip"},
    {TLW_DEFECT_NEGATIVE_PRICE, "negative-price", "keep error"},
    {TLW_DEFECT_HIGH_BELOW_LOW, "high-below-low", "error skip swap"},
    {TLW_DEFECT_OUTSIDE, "outside", "widen error skip clamp"},
    {TLW_DEFECT_NEGATIVE_VOLUME, "negative-volume", "error gap skip"},
    {TLW_DEFECT_OUT_OF_ORDER, "out-of-order", "error sort skip"},
    {TLW_DEFECT_DUPLICATE, "duplicate", "error first last keep"},
};

static void test_names(void **state) {
  (void)state;
  assert_int_equal(sizeof table / sizeof *table, TLW_DEFECTS);
  for (int i = 0; i < TLW_DEFECTS; i++) {
    assert_int_equal(table[i].defect, i);
    assert_string_equal(tlw_defect_name((tlw_defect)i), table[i].name);
    char choices[64] = "";
    int n = 0;
    for (; tlw_defect_choice((tlw_defect)i, n) != TLW_POLICY_DEFAULT; n++) {
      const size_t used = strlen(choices);
      const char *name = tlw_policy_name(tlw_defect_choice((tlw_defect)i, n));
      assert_non_null(name);
      snprintf(choices + used, sizeof choices - used, "%s%s", n ? " " : "", name);
    }
    assert_string_equal(choices, table[i].choices);
    static const int beyond[] = {-1, 5, 100, INT32_MAX, INT32_MIN};
    for (size_t k = 0; k < sizeof beyond / sizeof *beyond; k++)
      assert_int_equal(tlw_defect_choice((tlw_defect)i, beyond[k]), TLW_POLICY_DEFAULT);
  }
  static const char *const policies[] = {"error", "skip",  "gap",  "keep",  "swap",
                                         "widen", "clamp", "sort", "first", "last"};
  assert_null(tlw_policy_name(TLW_POLICY_DEFAULT));
  for (int i = 0; i < 10; i++) assert_string_equal(tlw_policy_name((tlw_policy)(i + 1)), policies[i]);
  assert_null(tlw_policy_name((tlw_policy)11));
  assert_null(tlw_policy_name((tlw_policy)-1));
  assert_null(tlw_defect_name((tlw_defect)TLW_DEFECTS));
  assert_null(tlw_defect_name((tlw_defect)-1));
  assert_int_equal(tlw_defect_choice((tlw_defect)TLW_DEFECTS, 0), TLW_POLICY_DEFAULT);
  assert_int_equal(tlw_defect_choice((tlw_defect)-1, 0), TLW_POLICY_DEFAULT);
}

/* A policy that a defect does not have is refused, by a message that names it. */
static void test_refused_policies(void **state) {
  (void)state;
  static const char text[] = "Date,Open,High,Low,Close\n2020-01-01,10,12,9,11\n";
  csv_write(text, sizeof text - 1);
  for (int defect = 0; defect < TLW_DEFECTS; defect++)
    for (int policy = -1; policy <= 12; policy++) {
      tlw_csv_options options = csv_defaults();
      options.policies[defect] = (tlw_policy)policy;
      bool fits = policy == TLW_POLICY_DEFAULT;
      for (int i = 0; i < 4; i++)
        fits = fits || (policy > 0 && (int)tlw_defect_choice((tlw_defect)defect, i) == policy);
      csv_result whole, rows;
      csv_read_table(csv_path(), &options, &whole);
      csv_read_rows(csv_path(), &options, 5, &rows);
      assert_int_equal(whole.status, fits ? TLW_OK : TLW_ERR_ARGUMENT);
      assert_int_equal(rows.status, whole.status);
      if (!fits && !strstr(whole.error.message, tlw_defect_name((tlw_defect)defect)))
        fail_msg("\"%s\" does not name %s", whole.error.message, tlw_defect_name((tlw_defect)defect));
      csv_result_free(&whole);
      csv_result_free(&rows);
    }
}

/* --- Rows as they are written ----------------------------------------------------------------------------------- */

typedef enum broken {
  WHOLE,
  BAD_OPEN,
  BAD_VOLUME,
  BAD_TIME,
  TOO_GREAT, /* the low */
  TOO_FEW,
  TOO_MANY,
  BAD_QUOTES, /* about the close */
  ZERO_BYTE,  /* in the high */
  HEADER_AGAIN,
  BROKEN_KINDS
} broken;

typedef struct row {
  int64_t time;     /* s */
  double prices[4]; /* open, high, low, close; NaN or infinite: missing */
  double volume;
  broken broken;
  int symbol;
  int64_t line; /* of the file; set when it is written */
} row;

enum { OPEN, HIGH, LOW, CLOSE };

typedef struct layout {
  bool by;
  int times;       /* 0: epoch s, 1: ISO, 2: epoch ms, 3: ISO with T and Z */
  bool in_between; /* comments, blank lines, CRLF and quotes here and there */
} layout;

static void write_number(csv_text *text, double value, size_t i) {
  static const char *const nans[] = {"", "NaN", "nan", " "};
  if (isnan(value))
    csv_printf(text, ",%s", nans[i % 4]);
  else if (isinf(value))
    csv_printf(text, ",%s", value > 0 ? "inf" : "-Infinity");
  else
    csv_printf(text, ",%.2f", value);
}

static void write_time(csv_text *text, int64_t seconds, int form) {
  struct tm tm;
  const time_t t = (time_t)seconds;
  char out[64];
  assert_non_null(gmtime_r(&t, &tm));
  if (form % 2 == 0) {
    csv_printf(text, "%" PRId64 "%s", seconds, form ? "000" : "");
    return;
  }
  assert_true(strftime(out, sizeof out, form == 1 ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
  csv_printf(text, "%s", out);
}

static void write_header(csv_text *text, const layout *l) {
  csv_printf(text, "Time,Open,High,Low,Close,Volume%s\n", l->by ? ",Symbol" : "");
}

static const char *symbol_name(int symbol) { return (const char *const[]){"MSFT", "AAPL", "Ge \"x\""}[symbol]; }

static void write_row(csv_text *text, const row *r, const layout *l, size_t i) {
  if (r->broken == HEADER_AGAIN) {
    write_header(text, l);
    return;
  }
  if (r->broken == BAD_TIME)
    csv_printf(text, "2020-02-30 10:00");
  else
    write_time(text, r->time, l->times);
  for (int k = 0; k < 4; k++) {
    if (r->broken == BAD_OPEN && k == OPEN)
      csv_printf(text, ",1x");
    else if (r->broken == TOO_GREAT && k == LOW)
      csv_printf(text, ",1e999");
    else if (r->broken == BAD_QUOTES && k == CLOSE)
      csv_printf(text, ",\"1\"1");
    else if (r->broken == ZERO_BYTE && k == HIGH)
      csv_append(text, ",1\0", 3);
    else if (l->in_between && i % 5 == 3 && isfinite(r->prices[k]))
      csv_printf(text, ", \"%.2f\" ", r->prices[k]);
    else
      write_number(text, r->prices[k], i + (size_t)k);
  }
  if (r->broken == BAD_VOLUME)
    csv_printf(text, ",many");
  else if (r->broken != TOO_FEW)
    write_number(text, r->volume, i);
  if (r->broken == TOO_MANY) csv_printf(text, ",1");
  if (l->by)
    csv_printf(text, strchr(symbol_name(r->symbol), '"') ? ",\"Ge \"\"x\"\"\"" : ",%s", symbol_name(r->symbol));
  csv_printf(text, l->in_between && i % 3 == 0 ? "\r\n" : "\n");
}

static int64_t count_lines(const csv_text *text) {
  int64_t n = text->size > 0 && text->bytes[text->size - 1] != '\n';
  for (size_t i = 0; i < text->size; i++) n += text->bytes[i] == '\n';
  return n;
}

/* Writes the file and notes where its rows are; returns how many lines it has. */
static int64_t write_file(row *rows, size_t n, const layout *l) {
  csv_text text = {0};
  write_header(&text, l);
  int64_t line = 1;
  for (size_t i = 0; i < n; i++) {
    if (l->in_between && i % 7 == 2) {
      csv_printf(&text, i % 2 ? "\r\n  \n" : "# a comment, of two fields\n\n");
      line += 2;
    }
    rows[i].line = ++line;
    write_row(&text, &rows[i], l, i);
  }
  if (l->in_between) csv_printf(&text, "\n# the end");
  csv_write(text.bytes, text.size);
  const int64_t lines = count_lines(&text);
  csv_text_free(&text);
  return lines;
}

/* --- The model -------------------------------------------------------------------------------------------------- */

typedef struct outcome {
  bool failed;
  tlw_defect defect; /* that refused the file */
  int64_t line;
  int32_t column;   /* 0: not said by the header */
  csv_candle *rows; /* those in front of the failure */
  int64_t n_rows;
  int64_t offsets[SYMBOLS + 1];
  int symbols[SYMBOLS];
  int n_series;
  bool held; /* the rows can't be given before the end of the file is read */
  bool newest_first;
  int64_t skipped;
  int64_t defects[TLW_DEFECTS], first_line[TLW_DEFECTS];
} outcome;

typedef struct kept {
  csv_candle candle;
  int64_t line;
  int symbol;
} kept;

typedef enum verdict { KEEP, SKIP, REFUSE } verdict;

static tlw_policy policy_of(const tlw_csv_options *options, tlw_defect defect) {
  const tlw_policy policy = options->policies[defect];
  return policy == TLW_POLICY_DEFAULT ? tlw_defect_choice(defect, 0) : policy;
}

static void count(outcome *out, tlw_defect defect, int64_t line) {
  if (out->defects[defect]++ == 0 || line < out->first_line[defect]) out->first_line[defect] = line;
}

static verdict refuse(outcome *out, tlw_defect defect, int64_t line, int32_t column) {
  out->failed = true;
  out->defect = defect;
  out->line = line;
  out->column = column;
  return REFUSE;
}

/* Error and skip mean the same everywhere. */
static verdict judge(outcome *out, tlw_defect defect, tlw_policy policy, int64_t line, int32_t column) {
  count(out, defect, line);
  if (policy == TLW_POLICY_ERROR) return refuse(out, defect, line, column);
  if (policy != TLW_POLICY_SKIP) return KEEP;
  out->skipped++;
  return SKIP;
}

static int32_t broken_column(broken b) {
  switch (b) {
  case BAD_OPEN:
    return 2;
  case BAD_VOLUME:
    return 6;
  case BAD_TIME:
    return 1;
  case TOO_GREAT:
    return 4;
  case BAD_QUOTES:
    return 5;
  case ZERO_BYTE:
    return 3;
  case TOO_FEW:
  case TOO_MANY:
    return -1;
  default:
    return 0;
  }
}

static double least(const double *p) { return fmin(fmin(p[OPEN], p[HIGH]), fmin(p[LOW], p[CLOSE])); }
static double greatest(const double *p) { return fmax(fmax(p[OPEN], p[HIGH]), fmax(p[LOW], p[CLOSE])); }

static bool is_outside(const double *p, int k) { return p[k] < p[LOW] || p[k] > p[HIGH]; }

static double clamped(const double *p, int k) {
  if (p[k] < p[LOW]) return p[LOW];
  return p[k] > p[HIGH] ? p[HIGH] : p[k];
}

/* What is wrong with the numbers of a row, in the order of the table. */
static verdict examine(outcome *out, const row *r, const tlw_csv_options *o, kept *k) {
  verdict v = KEEP;
  if (r->broken != WHOLE) {
    v = judge(out, TLW_DEFECT_FIELD, policy_of(o, TLW_DEFECT_FIELD), r->line, broken_column(r->broken));
    if (v != KEEP) return v;
  }
  double p[4];
  int missing = -1, negative = -1;
  for (int i = 3; i >= 0; i--) {
    p[i] = isfinite(r->prices[i]) ? r->prices[i] : (double)NAN;
    if (isnan(p[i])) missing = i;
    if (p[i] < 0) negative = i;
  }
  if (missing >= 0)
    v = judge(out, TLW_DEFECT_MISSING_PRICE, policy_of(o, TLW_DEFECT_MISSING_PRICE), r->line, missing + 2);
  if (v != KEEP) return v;
  if (negative >= 0)
    v = judge(out, TLW_DEFECT_NEGATIVE_PRICE, policy_of(o, TLW_DEFECT_NEGATIVE_PRICE), r->line, negative + 2);
  if (v != KEEP) return v;
  if (p[HIGH] < p[LOW]) {
    v = judge(out, TLW_DEFECT_HIGH_BELOW_LOW, policy_of(o, TLW_DEFECT_HIGH_BELOW_LOW), r->line, 3);
    if (v != KEEP) return v;
    const double high = p[HIGH];
    p[HIGH] = p[LOW];
    p[LOW] = high;
  }
  if (is_outside(p, OPEN) || is_outside(p, CLOSE)) {
    const tlw_policy policy = policy_of(o, TLW_DEFECT_OUTSIDE);
    v = judge(out, TLW_DEFECT_OUTSIDE, policy, r->line, is_outside(p, OPEN) ? 2 : 5);
    if (v != KEEP) return v;
    const double low = isnan(p[LOW]) ? p[LOW] : least(p);
    const double high = isnan(p[HIGH]) ? p[HIGH] : greatest(p);
    if (policy == TLW_POLICY_CLAMP) {
      const double open = clamped(p, OPEN), close = clamped(p, CLOSE);
      p[OPEN] = open;
      p[CLOSE] = close;
    } else {
      p[LOW] = low;
      p[HIGH] = high;
    }
  }
  double volume = isnan(r->volume) ? (double)NAN : r->volume;
  if (volume < 0 || isinf(volume)) {
    v = judge(out, TLW_DEFECT_NEGATIVE_VOLUME, policy_of(o, TLW_DEFECT_NEGATIVE_VOLUME), r->line, 6);
    if (v != KEEP) return v;
    volume = (double)NAN;
  }
  *k = (kept){{r->time * SECOND, p[OPEN], p[HIGH], p[LOW], p[CLOSE], volume}, r->line, r->symbol};
  return KEEP;
}

/* The first two different times of a symbol decide. */
static bool is_newest_first(const kept *k, int64_t n, int symbol) {
  int64_t first = 0;
  while (first < n && k[first].symbol != symbol) first++;
  for (int64_t i = first + 1; i < n; i++)
    if (k[i].symbol == symbol && k[i].candle.time != k[first].candle.time)
      return k[i].candle.time < k[first].candle.time;
  return false;
}

/* Judges the order of row i of those of one symbol; list holds those before it that are left. */
static verdict order_row(outcome *out, const tlw_csv_options *o, kept *list, int64_t *n, const kept *k, int64_t latest,
                         bool newest_first) {
  const tlw_policy order = policy_of(o, TLW_DEFECT_OUT_OF_ORDER);
  const int64_t time = k->candle.time;
  if (*n > 0 && (newest_first ? time > latest : time < latest)) {
    const verdict v = judge(out, TLW_DEFECT_OUT_OF_ORDER, order, k->line, 1);
    if (v != KEEP) return v;
  }
  if (*n > 0 && time == latest && order != TLW_POLICY_SORT) {
    const tlw_policy policy = policy_of(o, TLW_DEFECT_DUPLICATE);
    const verdict v = judge(out, TLW_DEFECT_DUPLICATE, policy, k->line, 1);
    if (v != KEEP) return v;
    out->skipped += policy != TLW_POLICY_KEEP;
    if (policy == TLW_POLICY_FIRST) return SKIP;
    if (policy == TLW_POLICY_LAST) (*n)--;
  }
  list[(*n)++] = *k;
  return KEEP;
}

static int compare(const void *a, const void *b) {
  const kept *x = a, *y = b;
  if (x->candle.time != y->candle.time) return x->candle.time < y->candle.time ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

/* Of sorted rows those that the policy of duplicates leaves. Refused is the first of the file that repeats. */
static int64_t thin_out(outcome *out, const tlw_csv_options *o, kept *list, int64_t n) {
  const tlw_policy policy = policy_of(o, TLW_DEFECT_DUPLICATE);
  int64_t left = 0;
  for (int64_t i = 0; i < n; i++) {
    const bool repeats = left > 0 && list[left - 1].candle.time == list[i].candle.time;
    if (repeats && policy == TLW_POLICY_ERROR) {
      if (!out->failed || list[i].line < out->line) refuse(out, TLW_DEFECT_DUPLICATE, list[i].line, 1);
    } else if (repeats) {
      count(out, TLW_DEFECT_DUPLICATE, list[i].line);
      out->skipped += policy != TLW_POLICY_KEEP;
      if (policy == TLW_POLICY_FIRST) continue;
      if (policy == TLW_POLICY_LAST) left--;
    }
    list[left++] = list[i];
  }
  return left;
}

static void turn_around(kept *list, int64_t n) {
  for (int64_t i = 0; i < n / 2; i++) {
    const kept k = list[i];
    list[i] = list[n - 1 - i];
    list[n - 1 - i] = k;
  }
}

/* What the header says comes of the rows. */
static void model(const row *rows, size_t n, const tlw_csv_options *o, outcome *out) {
  *out = (outcome){0};
  kept *all = calloc(n + 1, sizeof *all);
  kept *lists[SYMBOLS];
  int64_t lengths[SYMBOLS] = {0}, latest[SYMBOLS] = {0};
  for (int s = 0; s < SYMBOLS; s++) lists[s] = calloc(n + 1, sizeof **lists);
  out->rows = calloc(n + 1, sizeof *out->rows);
  assert_true(all && out->rows && lists[0] && lists[1] && lists[2]);

  /* The direction needs rows ahead: look at them first, then go through the file again. */
  outcome ahead = {0};
  int64_t n_all = 0;
  for (size_t i = 0; i < n && !ahead.failed; i++) n_all += examine(&ahead, &rows[i], o, &all[n_all]) == KEEP;
  bool newest_first[SYMBOLS];
  for (int s = 0; s < SYMBOLS; s++) {
    newest_first[s] = is_newest_first(all, n_all, s);
    out->newest_first = out->newest_first || newest_first[s];
  }
  const bool sorts = policy_of(o, TLW_DEFECT_OUT_OF_ORDER) == TLW_POLICY_SORT;
  out->held = sorts || out->newest_first || o->by;

  for (size_t i = 0; i < n && !out->failed; i++) {
    kept k;
    if (examine(out, &rows[i], o, &k) != KEEP) continue;
    const int s = k.symbol;
    if (lengths[s] == 0 && out->n_series < SYMBOLS) out->symbols[out->n_series++] = s;
    if (order_row(out, o, lists[s], &lengths[s], &k, latest[s], newest_first[s]) != KEEP) continue;
    const bool further = newest_first[s] ? k.candle.time < latest[s] : k.candle.time > latest[s];
    if (lengths[s] == 1 || further) latest[s] = k.candle.time;
  }
  const bool refused = out->failed;
  for (int i = 0; i < out->n_series; i++) {
    const int s = out->symbols[i];
    if (sorts) {
      qsort(lists[s], (size_t)lengths[s], sizeof **lists, compare);
      if (!refused) lengths[s] = thin_out(out, o, lists[s], lengths[s]);
    } else if (newest_first[s]) {
      turn_around(lists[s], lengths[s]);
    }
    for (int64_t k = 0; k < lengths[s]; k++) out->rows[out->n_rows++] = lists[s][k].candle;
    out->offsets[i + 1] = out->n_rows;
  }
  if (refused && !sorts && !o->by) { /* what came before may not have told the direction */
    while (n_all > 0 && all[n_all - 1].line >= out->line) n_all--;
    out->held = is_newest_first(all, n_all, 0);
  }
  if (out->failed && out->held) out->n_rows = 0;
  free(all);
  for (int s = 0; s < SYMBOLS; s++) free(lists[s]);
}

/* --- Comparing -------------------------------------------------------------------------------------------------- */

static void describe(const tlw_csv_options *o) {
  for (int i = 0; i < TLW_DEFECTS; i++)
    print_message("%s=%s ", tlw_defect_name((tlw_defect)i), tlw_policy_name(policy_of(o, (tlw_defect)i)));
  print_message("by=%s\n", o->by ? o->by : "-");
  FILE *file = fopen(csv_path(), "rb");
  int c;
  for (int i = 0; file && i < 1500 && (c = fgetc(file)) != EOF; i++) print_message(c ? "%c" : "\\0", c);
  if (file) fclose(file);
}

static bool same_report(const outcome *e, const csv_result *r, int64_t n_rows, int64_t lines) {
  bool same = true;
  for (int i = 0; i < TLW_DEFECTS; i++)
    if (r->report.defects[i] != e->defects[i] || r->report.first_line[i] != e->first_line[i]) {
      print_message("%s: %" PRId64 ", first in line %" PRId64 ", instead of %" PRId64 ", %" PRId64 "\n",
                    tlw_defect_name((tlw_defect)i), r->report.defects[i], r->report.first_line[i], e->defects[i],
                    e->first_line[i]);
      same = false;
    }
  if (e->failed) return same;
  const tlw_csv_report *p = &r->report;
  if (p->lines != lines || p->rows != n_rows || p->skipped != e->skipped || p->newest_first != e->newest_first) {
    print_message("lines %" PRId64 ", rows %" PRId64 ", skipped %" PRId64 ", newest first %d, not %" PRId64 ", %" PRId64
                  ", %" PRId64 ", %d\n",
                  p->lines, p->rows, p->skipped, (int)p->newest_first, lines, n_rows, e->skipped, e->newest_first);
    same = false;
  }
  return same && p->has_header == 1 && p->has_volume == 1 && p->delimiter == ',' && p->packing == TLW_PACKING_NONE;
}

static bool same_series(const outcome *e, const csv_result *r, bool by) {
  if (!by) return r->n_series == 1 && !r->offsets && !r->symbols[0];
  if (r->n_series != e->n_series || !r->offsets) {
    print_message("%" PRId64 " series instead of %d\n", r->n_series, e->n_series);
    return false;
  }
  for (int i = 0; i <= e->n_series; i++)
    if (r->offsets[i] != e->offsets[i]) {
      print_message("offset %d is %" PRId64 ", not %" PRId64 "\n", i, r->offsets[i], e->offsets[i]);
      return false;
    }
  for (int i = 0; i < e->n_series; i++)
    if (!r->symbols[i] || strcmp(r->symbols[i], symbol_name(e->symbols[i])) != 0) {
      print_message("symbol %d is %s, not %s\n", i, r->symbols[i] ? r->symbols[i] : "-", symbol_name(e->symbols[i]));
      return false;
    }
  return true;
}

/* A refusal at the row and field of the model, or no rows at all. */
static bool same_failure(const outcome *e, const csv_result *r) {
  const int64_t line = e->failed ? e->line : -1;
  const bool same = r->status == TLW_ERR_DATA && r->error.row == line &&
                    (!e->failed || e->column == 0 || r->error.column == e->column);
  if (!same)
    print_message("%s at %" PRId64 ", %" PRId32 " (%s) instead of a refusal for %s at %" PRId64 ", %" PRId32 "\n",
                  tlw_status_name(r->status), r->error.row, r->error.column,
                  r->status == TLW_OK ? "" : r->error.message, e->failed ? tlw_defect_name(e->defect) : "no rows", line,
                  e->column);
  return same;
}

static bool same_table(const outcome *e, const tlw_csv_options *o, size_t n, int64_t lines) {
  csv_result r;
  csv_read_table(csv_path(), o, &r);
  const bool refused = e->failed || e->n_rows == 0;
  bool same = false;
  if (refused)
    same = same_failure(e, &r);
  else if (r.status != TLW_OK)
    print_message("refused: %s\n", r.error.message);
  else
    same = same_report(e, &r, (int64_t)n, lines) && csv_same_rows(&r, e->rows, e->n_rows) && same_series(e, &r, o->by);
  csv_result_free(&r);
  return same;
}

static bool same_stream(const outcome *e, const tlw_csv_options *o, size_t n, int64_t lines, int64_t capacity) {
  csv_result r;
  csv_read_rows(csv_path(), o, capacity, &r);
  const bool refused = e->failed || e->n_rows == 0;
  bool same = refused ? same_failure(e, &r) : r.status == TLW_OK;
  if (!same && !refused) print_message("refused: %s\n", r.error.message);
  if (same && (r.status == TLW_OK || r.has_report)) same = csv_same_rows(&r, e->rows, e->n_rows);
  if (same && r.has_report && (!refused || !e->held)) same = same_report(e, &r, (int64_t)n, lines);
  csv_result_free(&r);
  return same;
}

/* Reads the rows in every way and compares what comes of it with the model. */
static void check(row *rows, size_t n, const tlw_csv_options *o, const layout *l) {
  static const int64_t capacities[] = {1, 2, 3, 1000};
  const int64_t lines = write_file(rows, n, l);
  outcome e;
  model(rows, n, o, &e);
  bool same = same_table(&e, o, n, lines);
  for (size_t i = 0; i < sizeof capacities / sizeof *capacities && same && !o->by; i++)
    if (n < 100 || capacities[i] > 100) same = same_stream(&e, o, n, lines, capacities[i]);
  free(e.rows);
  if (same) return;
  describe(o);
  fail_msg("a file of %zu rows does not come out as the header says", n);
}

/* --- Defects, planted ------------------------------------------------------------------------------------------- */

#define N 7

/* Times in s, one row per minute. */
static void good_rows(row *rows, size_t n, bool newest_first) {
  for (size_t i = 0; i < n; i++) {
    const double base = 10 + (double)(i % 50) * 0.25;
    const int64_t minute = (int64_t)(newest_first ? n - i : i);
    rows[i] = (row){.time = START + minute * 60, .prices = {base, base + 2, base - 1, base + 1}, .volume = (double)i};
  }
}

/* variant: one of several shapes of the defect. */
static void plant(row *rows, size_t i, tlw_defect defect, bool newest_first, int variant) {
  row *r = &rows[i];
  const double high = r->prices[HIGH];
  const int64_t back = newest_first ? 1 : -1;
  switch (defect) {
  case TLW_DEFECT_FIELD:
    r->broken = (broken)(1 + variant % (BROKEN_KINDS - 1));
    break;
  case TLW_DEFECT_MISSING_PRICE:
    r->prices[variant % 4] = variant % 3 == 0 ? (double)INFINITY : variant % 3 == 1 ? -(double)INFINITY : (double)NAN;
    break;
  case TLW_DEFECT_NEGATIVE_PRICE:
    for (int k = 0; k < 4; k++) r->prices[k] -= 100;
    break;
  case TLW_DEFECT_HIGH_BELOW_LOW:
    r->prices[HIGH] = r->prices[LOW];
    r->prices[LOW] = high;
    break;
  case TLW_DEFECT_OUTSIDE:
    if (variant % 3 != 1) r->prices[OPEN] += variant % 2 ? 3 : -3;
    if (variant % 3 != 0) r->prices[CLOSE] += variant % 4 < 2 ? 3 : -3;
    break;
  case TLW_DEFECT_NEGATIVE_VOLUME:
    r->volume = variant % 3 == 0 ? -5 : variant % 3 == 1 ? (double)INFINITY : -(double)INFINITY;
    break;
  case TLW_DEFECT_OUT_OF_ORDER:
    if (i > 0) r->time = rows[i - 1].time + back * (variant % 2 ? 30 : 90);
    break;
  default:
    if (i > 0) r->time = rows[i - 1].time;
    break;
  }
}

typedef struct mode {
  bool newest_first, sorts;
  int by; /* 1: the symbols take turns, 2: one behind the other */
} mode;

static const mode modes[] = {{false, false, 0}, {true, false, 0}, {false, true, 0}, {true, true, 0},
                             {false, false, 1}, {true, false, 1}, {false, true, 1}, {true, true, 1},
                             {false, false, 2}, {true, true, 2}};

#define MODES (sizeof modes / sizeof *modes)

/* Sets what the mode needs; false: the policies of the case go against it. */
static bool enter(const mode *m, tlw_csv_options *o, layout *l) {
  tlw_policy *order = &o->policies[TLW_DEFECT_OUT_OF_ORDER];
  if (m->sorts && *order == TLW_POLICY_DEFAULT) *order = TLW_POLICY_SORT;
  if (m->sorts != (*order == TLW_POLICY_SORT)) return false;
  o->by = m->by ? "symbol" : NULL;
  l->by = m->by != 0;
  return true;
}

static void deal_symbols(row *rows, size_t n, const mode *m) {
  for (size_t i = 0; i < n; i++) rows[i].symbol = m->by == 0 ? 0 : (int)(m->by == 1 ? i % SYMBOLS : i * SYMBOLS / n);
}

static void check_planted(const mode *m, tlw_csv_options o, uint32_t where, tlw_defect a, tlw_defect b, int variant) {
  layout l = {.times = variant % 4, .in_between = variant % 3 == 1};
  if (!enter(m, &o, &l)) return;
  row rows[N];
  const size_t n = where == 1 && variant % 2 ? 1 : N; /* also alone in the file */
  good_rows(rows, n, m->newest_first);
  deal_symbols(rows, n, m);
  for (size_t i = 0; i < n; i++) {
    if (!(where >> i & 1)) continue;
    plant(rows, i, a, m->newest_first, variant);
    if (b != a) plant(rows, i, b, m->newest_first, variant);
  }
  check(rows, n, &o, &l);
}

/* Each cell: the defect first, second, in the middle, last, twice in a row, twice apart, everywhere. */
static void test_cells(void **state) {
  (void)state;
  static const uint32_t places[] = {1, 2, 8, 64, 24, 6, 34, 127};
  for (int defect = 0; defect < TLW_DEFECTS; defect++)
    for (int i = 0; tlw_defect_choice((tlw_defect)defect, i) != TLW_POLICY_DEFAULT; i++)
      for (size_t m = 0; m < MODES; m++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++)
          for (int variant = 0; variant < 12; variant++) {
            tlw_csv_options o = csv_defaults();
            o.policies[defect] = tlw_defect_choice((tlw_defect)defect, i);
            check_planted(&modes[m], o, places[p], (tlw_defect)defect, (tlw_defect)defect, variant);
          }
}

/* Two defects in one row, under every two policies: the table says which is looked at first. */
static void test_pairs(void **state) {
  (void)state;
  for (int a = 0; a < TLW_DEFECTS; a++)
    for (int b = a + 1; b < TLW_DEFECTS; b++)
      for (int i = 0; tlw_defect_choice((tlw_defect)a, i) != TLW_POLICY_DEFAULT; i++)
        for (int k = 0; tlw_defect_choice((tlw_defect)b, k) != TLW_POLICY_DEFAULT; k++)
          for (size_t m = 0; m < MODES; m++) {
            tlw_csv_options o = csv_defaults();
            o.policies[a] = tlw_defect_choice((tlw_defect)a, i);
            o.policies[b] = tlw_defect_choice((tlw_defect)b, k);
            const int variant = a + b + i + k;
            check_planted(&modes[m], o, 8, (tlw_defect)a, (tlw_defect)b, variant);
            check_planted(&modes[m], o, 24, (tlw_defect)a, (tlw_defect)b, variant + 1);
          }
}

static uint64_t seed = 0x9e3779b97f4a7c15u;

static size_t below(size_t n) { return csv_random_below(&seed, n); }

/* Any policies but, mostly, not those that refuse the file. */
static void random_policies(tlw_csv_options *o) {
  for (int d = 0; d < TLW_DEFECTS; d++) {
    int n = 0;
    while (tlw_defect_choice((tlw_defect)d, n) != TLW_POLICY_DEFAULT) n++;
    do {
      o->policies[d] = tlw_defect_choice((tlw_defect)d, (int)below((size_t)n));
    } while (o->policies[d] == TLW_POLICY_ERROR && below(5));
  }
}

static void random_rows(row *rows, size_t n, const mode *m, size_t one_in) {
  good_rows(rows, n, m->newest_first);
  deal_symbols(rows, n, m);
  for (size_t i = 0; i < n; i++)
    for (int times = below(one_in) ? 0 : 1 + (int)below(2); times > 0; times--)
      plant(rows, i, (tlw_defect)below(TLW_DEFECTS), m->newest_first, (int)below(60));
}

static void check_random(size_t n, size_t one_in) {
  row *rows = calloc(n, sizeof *rows);
  assert_non_null(rows);
  const mode *m = &modes[below(MODES)];
  tlw_csv_options o = csv_defaults();
  layout l = {.times = (int)below(4), .in_between = below(3) == 0};
  do random_policies(&o);
  while (!enter(m, &o, &l));
  random_rows(rows, n, m, one_in);
  check(rows, n, &o, &l);
  free(rows);
}

static void test_random(void **state) {
  (void)state;
  const char *cases = getenv("TALLOW_TEST_CASES");
  const int n = cases ? 20 * atoi(cases) : 20000;
  for (int i = 0; i < n; i++) check_random(1 + below(30), 1 + below(6));
}

/* Long enough for more than one block of whatever reads ahead. */
static void test_random_long(void **state) {
  (void)state;
  for (int i = 0; i < 60; i++) check_random(9000 + below(3000), 1000 + below(8000));
}

/* --- Cells by hand ---------------------------------------------------------------------------------------------- */

/* open/high/low/close/volume of the rows that come out, at 10:00, 11:00 ... as said; or a refusal. */
static const struct {
  tlw_defect defect;
  tlw_policy policy;
  const char *row;      /* between a row at 10:00 and one at 12:00; without a time in front it is at 11:00 */
  const char *expected; /* "hour: open high low close volume"; NULL: refused */
  int32_t column;
} cells[] = {
    {TLW_DEFECT_FIELD, TLW_POLICY_ERROR, "1,x,1,1,5", NULL, 3},
    {TLW_DEFECT_FIELD, TLW_POLICY_SKIP, "1,x,1,1,5", "", 0},
    {TLW_DEFECT_FIELD, TLW_POLICY_SKIP, "1,2,1,1", "", 0},
    {TLW_DEFECT_MISSING_PRICE, TLW_POLICY_GAP, "1,,1,1,5", "11: 1 nan 1 1 5", 0},
    {TLW_DEFECT_MISSING_PRICE, TLW_POLICY_DEFAULT, "1,2,inf,1,5", "11: 1 2 nan 1 5", 0},
    {TLW_DEFECT_MISSING_PRICE, TLW_POLICY_ERROR, "1,2,1,nan,5", NULL, 5},
    {TLW_DEFECT_MISSING_PRICE, TLW_POLICY_SKIP, ",2,1,1,5", "", 0},
    {TLW_DEFECT_NEGATIVE_PRICE, TLW_POLICY_KEEP, "-37.63,-1,-40,-37.5,5", "11: -37.63 -1 -40 -37.5 5", 0},
    {TLW_DEFECT_NEGATIVE_PRICE, TLW_POLICY_ERROR, "1,2,-1,1,5", NULL, 4},
    {TLW_DEFECT_HIGH_BELOW_LOW, TLW_POLICY_ERROR, "1.5,1,2,1.5,5", NULL, 3},
    {TLW_DEFECT_HIGH_BELOW_LOW, TLW_POLICY_SKIP, "1.5,1,2,1.5,5", "", 0},
    {TLW_DEFECT_HIGH_BELOW_LOW, TLW_POLICY_SWAP, "1.5,1,2,1.5,5", "11: 1.5 2 1 1.5 5", 0},
    {TLW_DEFECT_HIGH_BELOW_LOW, TLW_POLICY_SWAP, "3,1,2,0.5,5", "11: 3 3 0.5 0.5 5", 0},
    {TLW_DEFECT_OUTSIDE, TLW_POLICY_WIDEN, "209.419998,211,209.850006,212,5", "11: 209.419998 212 209.419998 212 5", 0},
    {TLW_DEFECT_OUTSIDE, TLW_POLICY_DEFAULT, "3,2,1,1.5,5", "11: 3 3 1 1.5 5", 0},
    {TLW_DEFECT_OUTSIDE, TLW_POLICY_ERROR, "1,2,1,0.5,5", NULL, 5},
    {TLW_DEFECT_OUTSIDE, TLW_POLICY_SKIP, "0.5,2,1,1,5", "", 0},
    {TLW_DEFECT_OUTSIDE, TLW_POLICY_CLAMP, "0.5,2,1,2.5,5", "11: 1 2 1 2 5", 0},
    {TLW_DEFECT_NEGATIVE_VOLUME, TLW_POLICY_ERROR, "1,2,1,1,-1", NULL, 6},
    {TLW_DEFECT_NEGATIVE_VOLUME, TLW_POLICY_GAP, "1,2,1,1,-1", "11: 1 2 1 1 nan", 0},
    {TLW_DEFECT_NEGATIVE_VOLUME, TLW_POLICY_SKIP, "1,2,1,1,inf", "", 0},
    {TLW_DEFECT_OUT_OF_ORDER, TLW_POLICY_ERROR, "2020-01-01 09:30,1,2,1,1,5", NULL, 1},
    {TLW_DEFECT_OUT_OF_ORDER, TLW_POLICY_SORT, "2020-01-01 08:00,1,2,1,1,5", "8: 1 2 1 1 5", 0},
    {TLW_DEFECT_OUT_OF_ORDER, TLW_POLICY_SKIP, "2020-01-01 09:59:59,1,2,1,1,5", "", 0},
    {TLW_DEFECT_DUPLICATE, TLW_POLICY_ERROR, "2020-01-01 10:00,1,2,1,1,5", NULL, 1},
    {TLW_DEFECT_DUPLICATE, TLW_POLICY_FIRST, "2020-01-01 10:00,1,2,1,1,5", "", 0},
    {TLW_DEFECT_DUPLICATE, TLW_POLICY_LAST, "2020-01-01 10:00,1,2,1,1,5", "10: 1 2 1 1 5", 0},
    {TLW_DEFECT_DUPLICATE, TLW_POLICY_KEEP, "2020-01-01 10:00,1,2,1,1,5", "10: 1 2 1 1 5", 0},
};

static void check_cell(size_t i) {
  const int64_t hour = 3600 * SECOND;
  csv_text text = {0};
  csv_printf(&text, "Date,Open,High,Low,Close,Volume\n2020-01-01 09:00,2,3,1,2,10\n2020-01-01 10:00,2,3,1,2,10\n");
  csv_printf(&text, "%s%s\n2020-01-01 12:00,2,3,1,2,10\n",
             strncmp(cells[i].row, "2020", 4) == 0 ? "" : "2020-01-01 11:00,", cells[i].row);
  csv_write(text.bytes, text.size);
  csv_text_free(&text);
  tlw_csv_options o = csv_defaults();
  o.policies[cells[i].defect] = cells[i].policy;
  csv_result r;
  csv_read_rows(csv_path(), &o, 2, &r);
  if (!cells[i].expected) {
    if (r.status != TLW_ERR_DATA || r.error.row != 4 || r.error.column != cells[i].column)
      fail_msg("cell %zu: %s: %s", i, tlw_status_name(r.status), r.error.message);
    assert_int_equal(r.n_rows, 2);
  } else {
    if (r.status != TLW_OK) fail_msg("cell %zu: %s", i, r.error.message);
    csv_candle expected[5];
    const int64_t midnight = START * SECOND;
    int64_t n = 0;
    long at = -1;
    csv_candle c = {0};
    char *end = NULL;
    if (cells[i].expected[0]) {
      at = strtol(cells[i].expected, &end, 10);
      end++;
      double *const fields[] = {&c.open, &c.high, &c.low, &c.close, &c.volume};
      for (int k = 0; k < 5; k++) *fields[k] = strtod(end, &end);
      c.time = midnight + at * hour;
    }
    for (int k = 8; k <= 12; k++) {
      if (k != 8 && k != 11 && !(k == 10 && at == 10 && cells[i].policy == TLW_POLICY_LAST))
        expected[n++] = (csv_candle){midnight + k * hour, 2, 3, 1, 2, 10};
      if (k == at) expected[n++] = c;
    }
    if (!csv_same_rows(&r, expected, n)) fail_msg("cell %zu", i);
    assert_int_equal(r.report.skipped, 4 - n);
    assert_int_equal(r.report.rows, 4);
  }
  assert_int_equal(r.report.defects[cells[i].defect], 1);
  assert_int_equal(r.report.first_line[cells[i].defect], 4);
  csv_result_free(&r);
}

static void test_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) check_cell(i);
}

/* A file of which every row is left out has none. */
static void test_nothing_left(void **state) {
  (void)state;
  static const char text[] = "Date,Open,High,Low,Close\n2020-01-01,x,12,9,11\n2020-01-02,x,12,9,11\n";
  csv_write(text, sizeof text - 1);
  tlw_csv_options o = csv_defaults();
  o.policies[TLW_DEFECT_FIELD] = TLW_POLICY_SKIP;
  for (int whole = 0; whole < 2; whole++) {
    csv_result r;
    if (whole)
      csv_read_table(csv_path(), &o, &r);
    else
      csv_read_rows(csv_path(), &o, 5, &r);
    assert_int_equal(r.status, TLW_ERR_DATA);
    assert_int_equal(r.error.row, -1);
    assert_int_equal(r.error.column, -1);
    csv_result_free(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),   cmocka_unit_test(test_refused_policies),
      cmocka_unit_test(test_by_hand), cmocka_unit_test(test_nothing_left),
      cmocka_unit_test(test_cells),   cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_random),  cmocka_unit_test(test_random_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
