/*
 * Candles, and columns of numbers, from text files as people have them.
 *
 * FILES. Plain, gzip, Zstandard (with libzstd, looked for at run time) or zip (one file in it, stored or deflated),
 * told by content. Text is ASCII or UTF-8, with or without a byte order mark; lines end in LF or CRLF and are at most
 * 1 MiB long. Fields are separated by commas, semicolons, tabs or pipes, whichever the first lines have; blanks
 * around them do not count; they may be quoted, each within its line. Blank lines, lines that begin with the comment
 * character, and up to 16 lines of a single field ahead of the header are passed over. A separator at the end of
 * every row is fine. The locale has no effect.
 *
 * COLUMNS. The header names them, in any case and order; of a name only letters, digits and signs beyond ASCII count,
 * so that <OPEN>, "Open" and open are the same. Where several columns fit a role, the name that is earlier in the
 * list wins, then the first of the file; others are ignored.
 *
 *   time      timestamp, datetime, dateandtime, opentime, windowstart, unixtimestamp, unix, epoch, tsevent, ts; date,
 *             day, tradedate, tradingday (with the clock if there is one); time alone
 *   clock     time, timeofday, hour: the time of day beside a date column that holds the day
 *   open      open, o, openprice, first          high  high, h, highprice, max      low  low, l, lowprice, min
 *   close     close, c, closeprice, last, lastprice, closelast, settle, price
 *   volume    volume, vol, v, basevolume, tickvolume, tickvol, qty, quantity; volume or vol with a word behind it
 *   adjusted  adjclose, adjustedclose, closeadj: read only for adjusted prices
 *
 * A file without a header (its first line holds a time and numbers) has the columns time, open, high, low, close and
 * volume in this order, or date, clock, open, high, low, close and volume if the second holds times of day; columns
 * whose numbers are given as options are passed over in this, and what is behind the last is ignored. One without a
 * volume column has no volumes.
 *
 * A file may have no times: if columns says so, by time=none. Rows are then given in the order in which they are,
 * the oldest first, there is no time that could go back or repeat, and a line without a header has no time at its front.
 *
 * TIMES. Without an offset a time is UTC. In any of these forms, in one column or in a date and a clock column:
 *   YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD or YYYYMMDD; M/D/YYYY; with day_first D.M.YYYY, D/M/YYYY or D-M-YYYY; behind
 *   each, after a blank or "T", H:MM, H:MM:SS or H:MM:SS and a fraction of up to 9 digits, or HHMM, HHMMSS, HHMMSSmmm
 *   behind YYYYMMDD; behind those "Z", " UTC" or an offset (+HH:MM, +HHMM, +HH); a clock column may hold digits alone
 *   beside any form of the day, HMM and HMMSS too, and one that is called hour also H or HH;
 *   an epoch in s, ms, us or ns, told apart by size (below 1e11, 1e14, 1e17, and from there on), which may have a
 *   fraction of zeros. 8 or 14 digits that read as YYYYMMDD or YYYYMMDDHHMMSS are that; 4, 6 or 12 digits that read
 *   as a date are refused, for as an epoch they would silently be another day.
 * Times lie within the years 1678 to 2261.
 *
 * ORDER. Rows are given oldest first. A file whose first two different times decrease is newest first: in it a time
 * goes back where it increases, and it is read whole and turned around. Read whole is also a file that is to be
 * sorted, and one with a symbol column, of which each symbol is looked at by itself. What is held counts against the
 * engine's host budget, and so do rows of one time that are kept at the beginning. Every other file is read in memory
 * that does not depend on its length.
 *
 * NUMBERS. Decimal text, [+-] digits [point digits] [e [+-] digits], to the nearest double, ties to even. null, none,
 * na, n/a and - stand for NaN, in any case.
 *
 * BAD ROWS. A row is examined in the order of this table; each defect has a policy, and is counted.
 *
 *   tlw_defect                        default  choices
 *   FIELD            can't be read    error    error, skip
 *   MISSING_PRICE    empty, NaN, inf  gap      gap, error, skip
 *   NEGATIVE_PRICE   below 0          keep     keep, error
 *   HIGH_BELOW_LOW                    error    error, skip, swap
 *   OUTSIDE          open or close    widen    widen, error, skip, clamp
 *                    not in low..high
 *   NEGATIVE_VOLUME  below 0 or inf   error    error, gap, skip
 *   OUT_OF_ORDER     time goes back   error    error, sort, skip
 *   DUPLICATE        time repeats     error    error, first, last, keep
 *
 *   error  the file is refused with TLW_ERR_DATA at that row
 *   skip   the row is left out
 *   gap    the price or the volume is NaN: such a candle is not drawn, its volume is nothing
 *   keep   as it is
 *   swap   high and low change places
 *   widen  open and close are kept, high becomes the greatest and low the least of the four
 *   clamp  open and close become the nearest price in low..high
 *   sort   the rows are brought into order of time; rows of equal time stay in the order of the file
 *   first, last  of rows with the same time, the one that the file has first, or last, is kept
 *
 * FIELD is a field that can't be read or whose number is too great for a double, a row with another number of fields
 * than the header, quotes that do not enclose their field, a zero byte, a line that is too long, and a line that
 * repeats the header. An empty or NaN volume is NaN and no defect. With a symbol column order and duplicates are
 * those among the rows of a symbol.
 */
#ifndef TALLOW_CSV_H
#define TALLOW_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tlw_defect {
  TLW_DEFECT_FIELD = 0,
  TLW_DEFECT_MISSING_PRICE = 1,
  TLW_DEFECT_NEGATIVE_PRICE = 2,
  TLW_DEFECT_HIGH_BELOW_LOW = 3,
  TLW_DEFECT_OUTSIDE = 4,
  TLW_DEFECT_NEGATIVE_VOLUME = 5,
  TLW_DEFECT_OUT_OF_ORDER = 6,
  TLW_DEFECT_DUPLICATE = 7
} tlw_defect;

#define TLW_DEFECTS 8

typedef enum tlw_policy {
  TLW_POLICY_DEFAULT = 0,
  TLW_POLICY_ERROR = 1,
  TLW_POLICY_SKIP = 2,
  TLW_POLICY_GAP = 3,
  TLW_POLICY_KEEP = 4,
  TLW_POLICY_SWAP = 5,
  TLW_POLICY_WIDEN = 6,
  TLW_POLICY_CLAMP = 7,
  TLW_POLICY_SORT = 8,
  TLW_POLICY_FIRST = 9,
  TLW_POLICY_LAST = 10
} tlw_policy;

/*
 * Names for people and option tables: "bad-field", "missing-price", "negative-price", "high-below-low", "outside",
 * "negative-volume", "out-of-order", "duplicate"; "error", "skip", ... NULL for another value, and for
 * TLW_POLICY_DEFAULT. Thread-safety: any thread, any time.
 */
TLW_API const char *tlw_defect_name(tlw_defect defect);
TLW_API const char *tlw_policy_name(tlw_policy policy);

/* The choices of a defect by index, its default first; TLW_POLICY_DEFAULT behind the last. Thread-safety: any thread. */
TLW_API tlw_policy tlw_defect_choice(tlw_defect defect, int index);

typedef enum tlw_csv_header { TLW_CSV_HEADER_AUTO = 0, TLW_CSV_HEADER_YES = 1, TLW_CSV_HEADER_NO = 2 } tlw_csv_header;

typedef struct tlw_csv_options {
  size_t struct_size; /* set by tlw_csv_options_init */
  char delimiter;     /* ',', ';', '\t' or '|'; 0: told by the first lines */
  char decimal;       /* '.' or ','; 0: '.'. With ',' the delimiter is not ',' and fields may group digits with '.' */
  char comment;       /* lines that begin with it are passed over; 0: '#' */
  tlw_csv_header header; /* default AUTO: told by the first line */
  /*
   * Columns that are not to be found by their names: "ROLE=COLUMN", several of them between commas, such as
   * "close=Last,volume=7,clock=none". ROLE is of the list above, or symbol; COLUMN is the name in the header, or a
   * number from 1; none: there is none, which goes for time, clock, volume and adjusted. NULL: all by name.
   */
  const char *columns;
  const char *by;     /* name or number of the column of symbols: one series each; NULL: one series */
  int32_t day_first;  /* 1: the day stands before the month where the year is last */
  int32_t adjusted;   /* 1: each price times (adjusted close / close); needs that column */
  uint32_t expansion; /* a packed file may unpack to so many times its size, and to 64 MiB anyway; 0: 1,000 */
  tlw_policy policies[TLW_DEFECTS];
  /*
   * Further columns of numbers, for lines over the candles: n_lines of them, 0 to TLW_CSV_LINES_MAX, each by a name
   * or a number from 1, as columns of numbers (below) are asked for. What they hold is given as it stands in the
   * file; nothing, and what stands for it, is NaN.
   */
  const char *const *lines;
  int32_t n_lines;
} tlw_csv_options;

#define TLW_CSV_LINES_MAX 32

/* Sets the defaults named above. Thread-safety: any thread. */
TLW_API void tlw_csv_options_init(tlw_csv_options *options);

typedef enum tlw_packing {
  TLW_PACKING_NONE = 0,
  TLW_PACKING_GZIP = 1,
  TLW_PACKING_ZSTD = 2,
  TLW_PACKING_ZIP = 3
} tlw_packing;

/* What was found in a file, as far as it has been read. */
typedef struct tlw_csv_report {
  int64_t bytes;   /* of the file, packed as it may be */
  int64_t lines;   /* of the file, all of them */
  int64_t rows;    /* rows of candles among them, skipped ones included */
  int64_t skipped; /* rows that a policy left out, first and last included */
  tlw_packing packing;
  char delimiter;
  int32_t has_header; /* 0 or 1 */
  int32_t newest_first;
  int32_t has_volume;
  int32_t has_time;
  int64_t defects[TLW_DEFECTS];    /* rows with each, whatever became of them; a refused one is counted too */
  int64_t first_line[TLW_DEFECTS]; /* the line of the first such row, from 1; 0: there is none */
} tlw_csv_report;

/* A file that is read some rows at a time. */
typedef struct tlw_csv tlw_csv;

/*
 * Opens a file, "-" for standard input, and reads its first lines. options may be NULL. With an engine the reader's
 * memory (about 340 KB; 60 KB more for gzip and zip; for Zstandard up to 9 MiB more, up to 129 MiB if it was packed
 * by --ultra or --long; more for long lines, at most 3 MiB; the rows themselves where they must be held, see ORDER)
 * counts against its host budget, and the engine must stay open until the reader is closed; NULL: it is not counted.
 * On success *csv must be given to tlw_csv_close; on failure it is NULL.
 *
 * TLW_ERR_ARGUMENT: an option is out of range, or by is given; TLW_ERR_NOT_FOUND; TLW_ERR_IO; TLW_ERR_MEMORY;
 * TLW_ERR_BUDGET; TLW_ERR_UNAVAILABLE: it needs libzstd, which is not there; TLW_ERR_DATA: row (1-based line of the
 * file), column (1-based field, -1 if the whole row is at fault) and a message that names them and says what to do;
 * row is -1 if it is the whole file: empty, no rows, damaged. Thread-safety: any thread; one thread at a time on a
 * reader.
 */
TLW_API tlw_status tlw_csv_open(const char *path, const tlw_csv_options *options, tlw_engine *engine, tlw_csv **csv,
                                tlw_error *error);

/* 1 if the file has a volume column, or times, else 0. */
TLW_API int tlw_csv_has_volume(const tlw_csv *csv);
TLW_API int tlw_csv_has_time(const tlw_csv *csv);

/*
 * What the header calls a column of options.lines, at most 63 bytes of it; "" without a header, NULL if there is none
 * of that index. Valid until the file is closed.
 */
TLW_API const char *tlw_csv_line_name(const tlw_csv *csv, int32_t index);

/* What was found so far. */
TLW_API void tlw_csv_get_report(const tlw_csv *csv, tlw_csv_report *report);

/* Memory of the caller for rows. */
typedef struct tlw_csv_rows {
  /* capacity of each; volume and time may be NULL where they are not wanted. A file without volume gives NaN. */
  double *open, *high, *low, *close, *volume;
  int64_t *time;    /* nanoseconds since 1970-01-01 00:00 UTC; of a file without times the row's number, from 0 */
  int64_t capacity; /* 1 or more */
  double *const
      *lines; /* capacity for each of options.lines; may be NULL, and so may each, where they are not wanted */
} tlw_csv_rows;

/*
 * Reads the next rows, as many as fit, and says how many in *n_rows: fewer than capacity only at the end of the file,
 * 0 behind it. A file without any row left is TLW_ERR_DATA at the first call. After a failure *n_rows good rows
 * before it were written, and every further call gives the same failure and none; but TLW_ERR_ARGUMENT reads nothing
 * and changes nothing. Codes as for tlw_csv_open, and TLW_ERR_BUDGET: a long line, or the rows of a file that must be
 * held, have no room (bytes: the budget that would do for what has been read so far).
 */
TLW_API tlw_status tlw_csv_next(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows, tlw_error *error);

/* Closes the file and sets *csv to NULL. NULL is fine. */
TLW_API void tlw_csv_close(tlw_csv **csv);

/* Columns read from a file, owned by the table. */
typedef struct tlw_table tlw_table;

/*
 * Reads a whole file. options and engine may be NULL. With an engine the table too counts against its host budget,
 * and the engine must stay open until the table is closed; TLW_ERR_BUDGET: bytes is what the part of the file read so
 * far would need, at least. While columns grow, one of them is there twice. With options.by the table has one series
 * for each symbol, in the order in which the file has them first. On success *table must be given to tlw_table_close;
 * on failure it is NULL. Codes as for tlw_csv_open and tlw_csv_next. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_csv_read(const char *path, const tlw_csv_options *options, tlw_engine *engine, tlw_table **table,
                                tlw_error *error);

/*
 * Sets every member to a view of the table's columns, contiguous doubles, valid until the table is closed: one
 * series, or with a symbol column n_series of them by offsets. volume is NULL if the file has none, and so is time;
 * lines are those of the options. Thread-safety: any thread.
 */
TLW_API void tlw_table_candles(const tlw_table *table, tlw_candles *candles);

/*
 * Adds a column behind the lines: *line gets n_rows doubles that the caller fills in, such as an average of the
 * closes. They are of the table and count like the rest of it. Views that were taken before are without it, but stay
 * valid.
 * TLW_ERR_ARGUMENT: there are TLW_CSV_LINES_MAX already; TLW_ERR_MEMORY; TLW_ERR_BUDGET. Thread-safety: no other call
 * on the table at the same time.
 */
TLW_API tlw_status tlw_table_add_line(tlw_table *table, double **line, tlw_error *error);

/* As tlw_csv_line_name; lines that were added have no name, "". */
TLW_API const char *tlw_table_line_name(const tlw_table *table, int32_t index);

/* The symbol of a series, at most 255 bytes as the file has it, valid until the table is closed; NULL: it has none. */
TLW_API const char *tlw_table_symbol(const tlw_table *table, int64_t series);

/* What was found in the file. */
TLW_API void tlw_table_get_report(const tlw_table *table, tlw_csv_report *report);

/*
 * Frees the table and sets *table to NULL. A NULL table, or the address of one, is fine.
 * Thread-safety: any thread; not at the same time as another use of the table or of a view of it.
 */
TLW_API void tlw_table_close(tlw_table **table);

/* ---- columns of numbers ---- */

/*
 * Any file of rows, of which some columns are numbers: candles or not. FILES, TIMES and NUMBERS are as above, blank
 * lines, comments and what is ahead of the header too; there are no candles to examine. What a row has is given as it
 * is: infinities are numbers, an empty field is NaN.
 *
 * A column is asked for by its number from 1 or by its name: the one in the header, letter for letter; or as names
 * count in COLUMNS; or one of the roles time to adjusted, which then is the column that a candle file would be read by.
 * A file without a header has numbered columns and, if its first line is a candle's, roles.
 *
 * Labels are columns that are given as text: by default the time, and the clock beside it, where there are such.
 *
 * Of the policies FIELD has a say: error, or skip, which leaves the row out; and OUT_OF_ORDER where the file has a time
 * column of which the first row can be read: a time before that of the row above it is TLW_POLICY_ERROR, TLW_POLICY_SKIP
 * or, here alone, TLW_POLICY_KEEP. Of the other options columns says which are time and clock; adjusted, by and lines
 * must not be given.
 */
typedef struct tlw_numbers tlw_numbers;

/* Columns or labels at most, and bytes of a label. */
#define TLW_NUMBERS_MAX 1024
#define TLW_LABEL_SIZE 256

/*
 * Opens a file as tlw_csv_open does, with the same codes; in addition about 200 bytes for each column count. columns are
 * n_columns of them, 0 to TLW_NUMBERS_MAX; labels n_labels, or NULL for the time. *numbers must be given to
 * tlw_numbers_close.
 */
TLW_API tlw_status tlw_numbers_open(const char *path, const char *const *columns, int32_t n_columns,
                                    const char *const *labels, int32_t n_labels, const tlw_csv_options *options,
                                    tlw_engine *engine, tlw_numbers **numbers, tlw_error *error);

/* How many labels each row has. */
TLW_API int32_t tlw_numbers_labels(const tlw_numbers *numbers);

/*
 * What the header calls a column or a label, at most 63 bytes of it; "" without a header, NULL if there is none of that
 * index. Valid until the file is closed.
 */
TLW_API const char *tlw_numbers_column_name(const tlw_numbers *numbers, int32_t index);
TLW_API const char *tlw_numbers_label_name(const tlw_numbers *numbers, int32_t index);

/* Where a column stands in the file, from 0; -1 if there is none of that index. */
TLW_API int32_t tlw_numbers_column_place(const tlw_numbers *numbers, int32_t index);

/* What was found so far. Of candles nothing. */
TLW_API void tlw_numbers_get_report(const tlw_numbers *numbers, tlw_csv_report *report);

/* Memory of the caller for rows. */
typedef struct tlw_numbers_rows {
  double *const *columns; /* capacity of each */
  int64_t capacity;       /* 1 or more */
  char *text;             /* of labels, one behind the other without anything between; NULL: they are not wanted */
  size_t text_size;       /* TLW_LABEL_SIZE for each label of a row at least */
  size_t *ends;           /* where each label ends in text: capacity for each label, row by row */
} tlw_numbers_rows;

/*
 * Reads the next rows, as many as numbers and text have room for, and says how many in *n_rows: 0 only behind the last.
 * After a failure as tlw_csv_next.
 */
TLW_API tlw_status tlw_numbers_next(tlw_numbers *numbers, const tlw_numbers_rows *rows, int64_t *n_rows,
                                    tlw_error *error);

/* Closes the file and sets *numbers to NULL. NULL is fine. */
TLW_API void tlw_numbers_close(tlw_numbers **numbers);

/*
 * Reads one time in any of the forms above, with the month first, to nanoseconds since 1970-01-01 00:00 UTC.
 * TLW_ERR_ARGUMENT: can't be read; the message lists the forms. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_time_parse(const char *text, int64_t *time, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
