/* Candles from CSV files. */
#ifndef TALLOW_CSV_H
#define TALLOW_CSV_H

#include <stdint.h>

#include "tallow/candles.h"
#include "tallow/engine.h"
#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Columns read from a file, owned by the table. */
typedef struct tlw_table tlw_table;

/*
 * Reads a file of candles, plain or gzip (told by content). "-" reads standard input.
 *
 * The first line that is not blank names the columns, in any case and order: date, time, timestamp or datetime
 * (needed); open, high, low, close (needed); volume or vol (may be absent). Other columns, such as Adj Close, are
 * ignored; two for the same thing are an error. If both a date and a time column are there, the date column holds the
 * day and the time column the time of day. Fields are separated by commas, blanks around them do not count, and they
 * may be quoted, each within its line; lines end in LF or CRLF and are at most 1 MiB long; blank lines and a byte
 * order mark are passed over.
 *
 * Times: YYYY-MM-DD, with "T" or a blank and HH:MM, HH:MM:SS or HH:MM:SS and a fraction of up to 9 digits behind it,
 * and "Z" or an offset (+HH:MM, +HHMM) behind that; M/D/YYYY, with H:MM or H:MM:SS behind it; an epoch in whole s,
 * ms, us or ns, told apart by size (below 1e11, 1e14, 1e17, and from there on). Digits that read as a date,
 * such as 20210104, are refused, for as an epoch they would silently be another day. Without an offset a time is UTC.
 * Times must be within the years 1678 to 2261, and must increase from row to row.
 *
 * A price that is empty, NaN or infinite is kept as NaN and makes a gap; a volume that is empty or NaN is kept as
 * NaN. Everything else that is wrong refuses the file: a field that can't be read or whose number is too great for a
 * double, a row with another number of fields than the header, high below low, open or close outside low..high, a
 * negative or infinite volume, a time that repeats or goes back. Negative prices are kept. The locale has no effect.
 *
 * On success *table must be given to tlw_table_close; on failure it is NULL. TLW_ERR_ARGUMENT; TLW_ERR_NOT_FOUND;
 * TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_DATA: row (1-based line of the file), column (1-based field, -1 if the whole
 * row is at fault) and a message that names them and says what to do; row is -1 if it is the whole file: empty, no
 * rows, no gzip. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_csv_read_candles(const char *path, tlw_table **table, tlw_error *error);

/* A file that is read some rows at a time, in memory that does not depend on its length. */
typedef struct tlw_csv tlw_csv;

/*
 * Opens a file as tlw_csv_read_candles does and reads its header. With an engine the reader's memory (about 100 KB, 150
 * KB for gzip, more for long lines: at most 3 MiB) counts against its host budget, and the engine must stay open until
 * the reader is closed; NULL: it is not counted. On success *csv must be given to tlw_csv_close; on failure it is NULL.
 * Codes as for tlw_csv_read_candles, and TLW_ERR_BUDGET. Thread-safety: any thread; one thread at a time on a reader.
 */
TLW_API tlw_status tlw_csv_open(const char *path, tlw_engine *engine, tlw_csv **csv, tlw_error *error);

/* 1 if the file has a volume column, else 0. */
TLW_API int tlw_csv_has_volume(const tlw_csv *csv);

/* Memory of the caller for rows. */
typedef struct tlw_csv_rows {
  /* capacity of each; volume and time may be NULL where they are not wanted. A file without volume gives NaN. */
  double *open, *high, *low, *close, *volume;
  int64_t *time;    /* nanoseconds since 1970-01-01 00:00 UTC */
  int64_t capacity; /* 1 or more */
} tlw_csv_rows;

/*
 * Reads the next rows, as many as fit, and says how many in *n_rows: fewer than capacity only at the end of the file, 0
 * behind it. A file without any row is TLW_ERR_DATA at the first call. After a failure *n_rows good rows before it were
 * written, and every further call gives the same failure and none; but TLW_ERR_ARGUMENT reads nothing and changes
 * nothing. Codes as for tlw_csv_read_candles, and TLW_ERR_BUDGET: a long line has no room (bytes: the budget that would
 * do for it).
 */
TLW_API tlw_status tlw_csv_next(tlw_csv *csv, const tlw_csv_rows *rows, int64_t *n_rows, tlw_error *error);

/* Closes the file and sets *csv to NULL. NULL is fine. */
TLW_API void tlw_csv_close(tlw_csv **csv);

/*
 * As tlw_csv_read_candles, with the reader's memory and the table counted against the engine's host budget;
 * TLW_ERR_BUDGET: bytes is what the part of the file read so far would need, at least. While columns grow, one of them
 * is there twice. The engine must stay open until the table is closed. engine may be NULL.
 */
TLW_API tlw_status tlw_csv_read_counted(const char *path, tlw_engine *engine, tlw_table **table, tlw_error *error);

/*
 * Sets every member to a view of the table's columns as one series, contiguous doubles, valid until the table is
 * closed. volume is NULL if the file has none. Thread-safety: any thread.
 */
TLW_API void tlw_table_candles(const tlw_table *table, tlw_candles *candles);

/*
 * Frees the table and sets *table to NULL. A NULL table, or the address of one, is fine.
 * Thread-safety: any thread; not at the same time as another use of the table or of a view of it.
 */
TLW_API void tlw_table_close(tlw_table **table);

/*
 * Reads one time in any of the forms above, to nanoseconds since 1970-01-01 00:00 UTC. TLW_ERR_ARGUMENT: can't be
 * read; the message lists the forms. Thread-safety: any thread.
 */
TLW_API tlw_status tlw_time_parse(const char *text, int64_t *time, tlw_error *error);

#ifdef __cplusplus
}
#endif

#endif
