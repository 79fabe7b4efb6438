/* Which column of a file of trades is what: what was asked for, the names of a header, the known files without one. */
#ifndef TALLOW_IO_TRADES_COLUMNS_H
#define TALLOW_IO_TRADES_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csv_columns.h"
#include "tallow/trades.h"

/* In the order of TLW_TRADE_TIME and the bits behind it. */
enum tlw_trade_role {
  TLW_TRADE_ROLE_TIME,
  TLW_TRADE_ROLE_PRICE,
  TLW_TRADE_ROLE_QUANTITY,
  TLW_TRADE_ROLE_ID,
  TLW_TRADE_ROLE_FIRST_ID,
  TLW_TRADE_ROLE_LAST_ID,
  TLW_TRADE_ROLE_MAKER,
  TLW_TRADE_ROLE_OPEN,
  TLW_TRADE_ROLE_HIGH,
  TLW_TRADE_ROLE_LOW,
  TLW_TRADE_ROLE_QUOTE,
  TLW_TRADE_ROLE_COUNT,
  TLW_TRADE_ROLES, /* the roles above are what a row holds */
  TLW_TRADE_ROLE_SYMBOL = TLW_TRADE_ROLES,
  TLW_TRADE_COLUMNS
};

/* As options.columns and the header's text have it: "first_id". */
const char *tlw_trade_role_name(enum tlw_trade_role role);

struct tlw_trade_wishes {
  struct tlw_wish roles[TLW_TRADE_COLUMNS];
};

/* Reads options.columns, which may be NULL, and keeps pointers into it. TLW_ERR_ARGUMENT. */
tlw_status tlw_trade_wishes_read(const char *columns, struct tlw_trade_wishes *wishes, tlw_error *error);

#define TLW_TRADE_NAME_SIZE 32

struct tlw_trade_columns {
  int32_t of[TLW_TRADE_COLUMNS]; /* the column of each, from 0; -1: there is none */
  int32_t n_columns;
  bool has_header;
  bool last_is_empty; /* the header ends in a separator */
  bool maker_is_side; /* by its name: 1 may be a buyer as well as a seller, and is neither */
  char names[TLW_TRADE_COLUMNS][TLW_TRADE_NAME_SIZE]; /* in the header, cut to fit; "": there is none */
};

/* The columns as TLW_TRADE_.... */
uint32_t tlw_trade_columns_mask(const struct tlw_trade_columns *columns);

/*
 * Finds the columns by the names in the line, or by its fields if it is the first row of a file without a header.
 * false: a time or a price, or what was asked for, is not there, or a field is not enclosed by its quotes.
 */
bool tlw_trade_columns_by_name(const char *line, size_t length, char delimiter, const struct tlw_trade_wishes *wishes,
                               struct tlw_trade_columns *columns);
bool tlw_trade_columns_by_place(const char *line, size_t length, char delimiter, const struct tlw_trade_wishes *wishes,
                                struct tlw_trade_columns *columns);

/* Reads a word of the column of makers. is_side: as maker_is_side above. false: it is none of them. */
bool tlw_trade_maker(const char *text, size_t length, bool is_side, uint8_t *maker);

/*
 * "no column for price (found: Date, Amount)": why the line does not give the columns. needed: TLW_TRADE_.... Returns
 * which of those are missing; 0: a column that was asked for is not there.
 */
uint32_t tlw_trade_columns_explain(const char *line, size_t length, char delimiter, uint32_t needed,
                                   const struct tlw_trade_wishes *wishes, const struct tlw_trade_columns *columns,
                                   char out[TLW_COLUMNS_MESSAGE_SIZE]);

#endif
