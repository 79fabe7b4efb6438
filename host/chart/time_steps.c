#include "time_steps.h"

#include "host/io/time_text.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The numbers of the steps: years, months, days, periods. */
#define FIRST_MONTH 7
#define FIRST_DAY 11
#define FIRST_PERIOD 18

static const uint8_t counts[FIRST_PERIOD] = {100, 50, 20, 10, 5, 2, 1, 6, 3, 2, 1, 15, 10, 7, 5, 3, 2, 1};

static const int64_t periods[TLW_WEIGHTS - TLW_WEIGHT_PERIODS] = {
    12 * HOUR,  6 * HOUR, 3 * HOUR, HOUR,     30 * MINUTE, 15 * MINUTE, 5 * MINUTE, MINUTE, 30 * SECOND, 15 * SECOND,
    5 * SECOND, SECOND,   500 * MS, 100 * MS, 50 * MS,     10 * MS,     5 * MS,     MS,     500 * US,    100 * US,
    50 * US,    10 * US,  5 * US,   US,       500,         100,         50,         10,     5,           1};

static int64_t floor_division(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t day_of(int64_t local) { return floor_division(local, DAY); }

static struct tlw_time_date date_of(int64_t local) { return tlw_time_date_of(day_of(local)); }

/* A midnight; before and behind all times that 64 bits have, the least and the greatest number. */
static int64_t start_of(int32_t year, int32_t month, int32_t day) {
  const int64_t number = tlw_time_day_number((struct tlw_time_date){year, month, day});
  if (number < INT64_MIN / DAY) return INT64_MIN;
  return number > INT64_MAX / DAY ? INT64_MAX : number * DAY;
}

static int64_t month_after(struct tlw_time_date date, int32_t n) {
  const int32_t month = (date.month - 1) / n * n + n + 1;
  return month > 12 ? start_of(date.year + 1, 1, 1) : start_of(date.year, month, 1);
}

static int64_t day_after(struct tlw_time_date date, int32_t n) {
  const int32_t day = (date.day - 1) / n * n + n + 1;
  const int64_t next_month = month_after(date, 1);
  if (day + n - 1 > 31) return next_month;
  const int64_t next = start_of(date.year, date.month, 1) + (day - 1) * DAY;
  return next < next_month ? next : next_month;
}

bool tlw_time_step_is_in_finer(int32_t step) { return step >= FIRST_PERIOD || counts[step] == 1; }

int64_t tlw_time_step_next(int32_t step, int64_t local) {
  if (step >= FIRST_PERIOD) {
    const int64_t period = periods[step - FIRST_PERIOD];
    return (floor_division(local, period) + 1) * period;
  }
  const int32_t n = counts[step];
  if (step >= FIRST_DAY && n == 1) return (day_of(local) + 1) * DAY;
  const struct tlw_time_date date = date_of(local);
  if (step >= FIRST_DAY) return day_after(date, n);
  if (step >= FIRST_MONTH) return month_after(date, n);
  return start_of(date.year / n * n + n, 1, 1);
}

int64_t tlw_time_weight_floor(int32_t weight, int64_t local) {
  if (weight >= TLW_WEIGHT_PERIODS) {
    const int64_t period = periods[weight - TLW_WEIGHT_PERIODS];
    return floor_division(local, period) * period;
  }
  if (weight == TLW_WEIGHT_DAY) return day_of(local) * DAY;
  const struct tlw_time_date date = date_of(local);
  return start_of(date.year, weight == TLW_WEIGHT_YEAR ? 1 : date.month, 1);
}

/* ---- text ---- */

struct text {
  char *out;
  int32_t length;
};

static void add(struct text *text, char letter) { text->out[text->length++] = letter; }

/* A number of at least so many digits. */
static void add_number(struct text *text, int32_t number, int32_t digits) {
  int32_t unit = 1;
  for (; digits > 1 || number / unit >= 10; digits--) unit *= 10;
  for (; unit > 0; unit /= 10) add(text, (char)('0' + number / unit % 10));
}

static void add_month(struct text *text, int32_t month) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int32_t i = 0; i < 3; i++) add(text, names[3 * (month - 1) + i]);
}

static void add_date(struct text *text, int32_t weight, int64_t local, enum tlw_time_context context) {
  const struct tlw_time_date date = date_of(local);
  if (weight >= TLW_WEIGHT_DAY) add_number(text, date.day, 1);
  if (weight == TLW_WEIGHT_MONTH || (weight > TLW_WEIGHT_MONTH && context != TLW_TIME_SHORT)) {
    if (text->length > 0) add(text, ' ');
    add_month(text, date.month);
  }
  if (weight == TLW_WEIGHT_YEAR || context == TLW_TIME_WITH_YEAR) {
    if (text->length > 0) add(text, ' ');
    add_number(text, date.year, 1);
  }
}

static void add_clock(struct text *text, int64_t period, int64_t of_day) {
  add_number(text, (int32_t)(of_day / HOUR), 2);
  add(text, ':');
  add_number(text, (int32_t)(of_day % HOUR / MINUTE), 2);
  if (period >= MINUTE) return;
  add(text, ':');
  add_number(text, (int32_t)(of_day % MINUTE / SECOND), 2);
}

static void add_fraction(struct text *text, int64_t period, int64_t of_day) {
  const int32_t digits = period >= MS ? 3 : period >= US ? 6 : 9;
  const int64_t unit = digits == 3 ? MS : digits == 6 ? US : 1;
  add(text, '.');
  add_number(text, (int32_t)(of_day % SECOND / unit), digits);
}

int32_t tlw_time_text(char out[TLW_TIME_TEXT_SIZE], int32_t weight, int64_t local, enum tlw_time_context context) {
  struct text text = {out, 0};
  if (weight < TLW_WEIGHT_PERIODS || context != TLW_TIME_SHORT) add_date(&text, weight, local, context);
  if (weight >= TLW_WEIGHT_PERIODS) {
    const int64_t period = periods[weight - TLW_WEIGHT_PERIODS], of_day = local - day_of(local) * DAY;
    if (text.length > 0) add(&text, ' ');
    if (period >= SECOND || text.length > 0) add_clock(&text, period, of_day);
    if (period < SECOND) add_fraction(&text, period, of_day);
  }
  add(&text, '\0');
  return text.length - 1;
}

int32_t tlw_time_exact_weight(int64_t local) {
  int32_t weight = TLW_WEIGHT_DAY;
  while (weight < TLW_WEIGHTS - 1 && tlw_time_weight_floor(weight, local) != local) weight++;
  return weight;
}
