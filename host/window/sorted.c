/*
 * Buckets of sorted numbers, themselves in order. A full one is cut in two, and neighbours that have become small are
 * made one, so that a change moves part of a bucket and no more. Any two neighbours have more than LEAST_PAIR numbers
 * together, which bounds how many buckets there are.
 */
#include "sorted.h"

#include <stdbool.h>
#include <string.h>

#define BUCKET 1024
#define LEAST_PAIR 768

static int32_t buckets_for(int64_t most) { return most <= BUCKET ? 1 : (int32_t)(2 * most / LEAST_PAIR) + 3; }
static int32_t capacity_for(int64_t most) { return most <= BUCKET ? (int32_t)most : BUCKET; }

uint64_t tlw_sorted_size(int64_t most) {
  const uint64_t buckets = (uint64_t)buckets_for(most);
  return sizeof(struct tlw_sorted) + buckets * (2 * sizeof(int32_t) + (uint64_t)capacity_for(most) * sizeof(double));
}

/* ---- where things are: numbers of a bucket, how many by place in order, buckets by place in order and then unused ---- */

static double *all_numbers(const struct tlw_sorted *s) { return (double *)(s + 1); }
static int32_t *counts(const struct tlw_sorted *s) {
  return (int32_t *)(all_numbers(s) + (size_t)s->most * (size_t)s->capacity);
}
static int32_t *order(const struct tlw_sorted *s) { return counts(s) + s->most; }

static double *numbers(const struct tlw_sorted *s, int32_t at) {
  return all_numbers(s) + (size_t)order(s)[at] * (size_t)s->capacity;
}

void tlw_sorted_begin(struct tlw_sorted *s, int64_t most) {
  *s = (struct tlw_sorted){.capacity = capacity_for(most), .most = buckets_for(most)};
  for (int32_t i = 0; i < s->most; i++) order(s)[i] = i;
}

/* ---- looking ---- */

/* Whether a number lies before the place that is looked for: behind equal ones or in front of them. */
static bool is_before(double number, double x, bool behind) { return behind ? number <= x : number < x; }

static int32_t place_in(const double *sorted, int32_t n, double x, bool behind) {
  int32_t first = 0;
  while (n > 0) {
    const int32_t half = n / 2;
    const bool before = is_before(sorted[first + half], x, behind);
    first = before ? first + half + 1 : first;
    n = before ? n - half - 1 : half;
  }
  return first;
}

/* The first bucket whose last number does not lie before the place; `used` if there is none. */
static int32_t bucket_of(const struct tlw_sorted *s, double x, bool behind) {
  int32_t first = 0, n = s->used;
  while (n > 0) {
    const int32_t half = n / 2, at = first + half;
    const bool before = is_before(numbers(s, at)[counts(s)[at] - 1], x, behind);
    first = before ? at + 1 : first;
    n = before ? n - half - 1 : half;
  }
  return first;
}

static int64_t count_before(const struct tlw_sorted *s, double x, bool behind) {
  const int32_t bucket = bucket_of(s, x, behind), *count = counts(s);
  if (bucket == s->used) return s->n;
  int64_t n = place_in(numbers(s, bucket), count[bucket], x, behind);
  for (int32_t i = 0; i < bucket; i++) n += count[i];
  return n;
}

int64_t tlw_sorted_below(const struct tlw_sorted *s, double x) { return count_before(s, x, false); }
int64_t tlw_sorted_up_to(const struct tlw_sorted *s, double x) { return count_before(s, x, true); }

double tlw_sorted_at(const struct tlw_sorted *s, int64_t place) {
  const int32_t *count = counts(s);
  int32_t bucket = 0;
  while (place >= count[bucket]) place -= count[bucket++];
  return numbers(s, bucket)[place];
}

/* ---- changing ---- */

static void move_buckets(struct tlw_sorted *s, int32_t to, int32_t from) {
  const size_t n = (size_t)(s->used - from) * sizeof(int32_t);
  memmove(order(s) + to, order(s) + from, n);
  memmove(counts(s) + to, counts(s) + from, n);
}

/* An unused bucket becomes the one at this place. */
static void open_bucket(struct tlw_sorted *s, int32_t at) {
  const int32_t bucket = order(s)[s->used];
  move_buckets(s, at + 1, at);
  order(s)[at] = bucket;
  counts(s)[at] = 0;
  s->used++;
}

static void close_bucket(struct tlw_sorted *s, int32_t at) {
  const int32_t bucket = order(s)[at];
  move_buckets(s, at, at + 1);
  s->used--;
  order(s)[s->used] = bucket;
}

/* Makes a bucket and the next one into one, if there are two and they are small or one is empty. */
static bool join(struct tlw_sorted *s, int32_t at) {
  if (at < 0 || at + 1 >= s->used) return false;
  int32_t *count = counts(s);
  if (count[at] + count[at + 1] > LEAST_PAIR && count[at] > 0 && count[at + 1] > 0) return false;
  memcpy(numbers(s, at) + count[at], numbers(s, at + 1), (size_t)count[at + 1] * sizeof(double));
  count[at] += count[at + 1];
  close_bucket(s, at + 1);
  return true;
}

static void split(struct tlw_sorted *s, int32_t at) {
  open_bucket(s, at + 1);
  int32_t *count = counts(s);
  count[at + 1] = count[at] / 2;
  count[at] -= count[at + 1];
  memcpy(numbers(s, at + 1), numbers(s, at) + count[at], (size_t)count[at + 1] * sizeof(double));
  join(s, at + 1);
  join(s, at - 1);
}

void tlw_sorted_add(struct tlw_sorted *s, double x) {
  if (s->used == 0) open_bucket(s, 0);
  int32_t bucket = s->n > 0 ? bucket_of(s, x, true) : 0;
  if (bucket == s->used) bucket--;
  if (counts(s)[bucket] == s->capacity) {
    split(s, bucket);
    bucket = bucket_of(s, x, true);
    if (bucket == s->used) bucket--;
  }
  double *to = numbers(s, bucket);
  int32_t *count = &counts(s)[bucket];
  const int32_t place = place_in(to, *count, x, true);
  memmove(to + place + 1, to + place, (size_t)(*count - place) * sizeof *to);
  to[place] = x;
  ++*count;
  s->n++;
}

void tlw_sorted_remove(struct tlw_sorted *s, double x) {
  const int32_t bucket = bucket_of(s, x, false);
  double *from = numbers(s, bucket);
  int32_t *count = &counts(s)[bucket];
  const int32_t place = place_in(from, *count, x, false);
  memmove(from + place, from + place + 1, (size_t)(*count - place - 1) * sizeof *from);
  --*count;
  s->n--;
  if (s->n == 0) {
    s->used = 0;
    return;
  }
  join(s, bucket);
  join(s, bucket - 1);
}
