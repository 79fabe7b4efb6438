#include "prices.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"

#define PRICES 4
static const char *const names[PRICES] = {"open", "high", "low", "close"};

/* A price column from some row on. */
struct column {
  const char *data;
  size_t stride;
  tlw_type type;
};

static struct column column_of(const tlw_candles *c, const void *data, int64_t first) {
  const size_t size = c->type == TLW_TYPE_F64 ? sizeof(double) : sizeof(float);
  const size_t stride = c->stride ? (size_t)c->stride : size;
  return (struct column){(const char *)data + (size_t)first * stride, stride, c->type};
}

static double price_at(const struct column *column, int64_t i) {
  const char *at = column->data + (size_t)i * column->stride;
  float single;
  double price;
  if (column->type == TLW_TYPE_F64) {
    memcpy(&price, at, sizeof price);
    return price;
  }
  memcpy(&single, at, sizeof single);
  return (double)single;
}

/* The compiler makes vectors of this loop. */
static bool are_doubles_above_zero(const char *data, int64_t n) {
  int64_t others = 0;
  for (int64_t i = 0; i < n; i++) {
    double price;
    memcpy(&price, data + (size_t)i * sizeof price, sizeof price);
    others |= price <= 0.0;
  }
  return others == 0;
}

/* NaN counts as above. */
static bool are_above_zero(const struct column *column, int64_t n) {
  const bool contiguous = column->type == TLW_TYPE_F64 && column->stride == sizeof(double);
  if (contiguous) return are_doubles_above_zero(column->data, n);
  for (int64_t i = 0; i < n; i++)
    if (price_at(column, i) <= 0.0) return false;
  return true;
}

/* The shortest digits that are read as this price again, with a point in every locale. */
static void show_price(char *out, size_t capacity, double price, tlw_type type) {
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(out, capacity, "%.*g", digits, price);
    const double again = strtod(out, NULL);
    if (again == price || (type == TLW_TYPE_F32 && (double)(float)again == price)) break;
  }
  const size_t whole = strspn(out, "-0123456789"), point = strcspn(out + whole, "0123456789e");
  if (point == 0) return;
  out[whole] = '.';
  memmove(out + whole + 1, out + whole + point, strlen(out + whole + point) + 1);
}

static tlw_status refuse(const struct column *column, int64_t i, const char *name, int64_t row, tlw_error *error) {
  char price[64];
  show_price(price, sizeof price, price_at(column, i), column->type);
  return tlw_fail_at(error, TLW_ERR_DATA, row, -1,
                     "row %lld: a log scale has no place for the price %s (%s): use the linear scale", (long long)row,
                     price, name);
}

/* A price of a gap is not drawn. */
static bool is_valid(const struct column columns[PRICES], int64_t i) {
  for (int k = 0; k < PRICES; k++)
    if (!isfinite(price_at(&columns[k], i))) return false;
  return true;
}

tlw_status tlw_prices_above_zero(const tlw_candles *c, int64_t first, int64_t n, int64_t number, tlw_error *error) {
  const struct column columns[PRICES] = {column_of(c, c->open, first), column_of(c, c->high, first),
                                         column_of(c, c->low, first), column_of(c, c->close, first)};
  bool all = true;
  for (int k = 0; k < PRICES; k++) all = all && are_above_zero(&columns[k], n);
  for (int64_t i = 0; i < n && !all; i++) {
    if (!is_valid(columns, i)) continue;
    for (int k = 0; k < PRICES; k++)
      if (price_at(&columns[k], i) <= 0.0) return refuse(&columns[k], i, names[k], number + i, error);
  }
  return TLW_OK;
}
