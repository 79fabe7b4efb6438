/* Numbers in ascending order, of a fixed number at most, found by value and by place. */
#ifndef TALLOW_WINDOW_SORTED_H
#define TALLOW_WINDOW_SORTED_H

#include <stdint.h>

/* Lies in front of its memory, with nothing in it that points there. */
struct tlw_sorted {
  int64_t n;
  int32_t capacity; /* numbers of a bucket */
  int32_t most;     /* buckets */
  int32_t used;     /* likewise: the first of those in order */
};

/* Bytes for so many numbers. */
uint64_t tlw_sorted_size(int64_t most);

/* Empty, for so many numbers. */
void tlw_sorted_begin(struct tlw_sorted *sorted, int64_t most);

/* How many are less than x; and how many are not greater. */
int64_t tlw_sorted_below(const struct tlw_sorted *sorted, double x);
int64_t tlw_sorted_up_to(const struct tlw_sorted *sorted, double x);

/* The one at a place, which is 0 to n - 1. */
double tlw_sorted_at(const struct tlw_sorted *sorted, int64_t place);

/* x is not NaN, and there is room for it; one that is equal to x is there. */
void tlw_sorted_add(struct tlw_sorted *sorted, double x);
void tlw_sorted_remove(struct tlw_sorted *sorted, double x);

#endif
