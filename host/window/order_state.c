/* Order statistics row by row. */
#include "sorted.h"
#include "state.h"

/* Behind the numbers of the ring. */
static struct tlw_sorted *sorted_of(tlw_window_state *s) { return (struct tlw_sorted *)(s->room + s->window.window); }
static const struct tlw_sorted *sorted_in(const tlw_window_state *s) {
  return (const struct tlw_sorted *)(s->room + s->window.window);
}

/* The sorted numbers after the oldest has left and another has come. */
struct shifted {
  const struct tlw_sorted *sorted;
  int64_t n, nans;
  int64_t leaver, comer; /* places: of that which leaves, and then of that which has come; or NOWHERE */
  double x;              /* what comes */
};

#define NOWHERE INT64_MAX

static struct shifted shift(const tlw_window_state *s, double x) {
  const struct tlw_sorted *sorted = sorted_in(s);
  struct shifted t = {sorted, sorted->n, s->order.nans, NOWHERE, NOWHERE, x};
  if (s->order.rows == s->window.window) {
    const double oldest = s->room[s->order.next];
    if (oldest == oldest)
      t.leaver = tlw_sorted_below(sorted, oldest), t.n--;
    else
      t.nans--;
  }
  if (x == x) {
    t.comer = tlw_sorted_below(sorted, x), t.n++;
    if (t.leaver < t.comer) t.comer--;
  } else {
    t.nans++;
  }
  return t;
}

static double at(const struct shifted *t, int64_t place) {
  if (place == t->comer) return t->x;
  if (place > t->comer) place--;
  if (place >= t->leaver) place++;
  return tlw_sorted_at(t->sorted, place);
}

static double quantile(const struct shifted *t, double q) {
  const double h = (double)(t->n - 1) * q;
  const int64_t i = (int64_t)h;
  const double f = h - (double)i, low = at(t, i);
  return tlk_one_nan(tlk_between(low, f == 0 ? low : at(t, i + 1), f));
}

static double rank(const tlw_window_state *s, const struct shifted *t) {
  if (t->comer == NOWHERE) return TLK_NAN;
  const bool equal_leaves = t->leaver != NOWHERE && s->room[s->order.next] == t->x;
  const int64_t among = tlw_sorted_up_to(t->sorted, t->x) - tlw_sorted_below(t->sorted, t->x) + 1 - equal_leaves;
  return (double)t->comer + (double)(among + 1) / 2;
}

/* Both zeros are one. */
static double peek(const tlw_window_state *s, double x, double y) {
  (void)y;
  const tlk_window *w = &s->window;
  const struct shifted t = shift(s, x + 0.0);
  if (t.n < w->min_periods || (t.nans > 0 && !w->skip)) return TLK_NAN;
  return w->kind == TLK_ORDER_RANK ? rank(s, &t) : quantile(&t, w->quantile);
}

static double update(tlw_window_state *s, double x, double y) {
  const double result = peek(s, x, y);
  struct tlw_order_state *order = &s->order;
  struct tlw_sorted *sorted = sorted_of(s);
  double *place = &s->room[order->next];
  if (order->rows < s->window.window)
    order->rows++;
  else if (*place == *place)
    tlw_sorted_remove(sorted, *place);
  else
    order->nans--;
  *place = x + 0.0;
  if (x == x)
    tlw_sorted_add(sorted, *place);
  else
    order->nans++;
  if (++order->next == s->window.window) order->next = 0;
  return result;
}

static uint64_t room(const tlk_window *w) { return (uint64_t)w->window * sizeof(double) + tlw_sorted_size(w->window); }

static void begin(tlw_window_state *s) {
  s->order = (struct tlw_order_state){0};
  tlw_sorted_begin(sorted_of(s), s->window.window);
}

const struct tlw_state_way tlw_order_way = {room, begin, update, peek};
