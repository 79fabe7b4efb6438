/* Tallow's own PNG files: include/tallow/png.h states the format, kernels/core/png.h is its arithmetic. */
#include <pthread.h>
#include <string.h>
#include <zlib.h>

#include "host/base/simd.h"
#include "kernels/core/png.h"
#include "png_coder.h"
#include "png_tier.h"

/* ---- tiers ---- */

#if defined(__aarch64__)
#define LEAST tlw_png_tier_neon
#else
#define LEAST tlw_png_tier_baseline
#endif

extern const struct tlw_png_tier LEAST;
#if defined(TALLOW_WITH_AVX2)
extern const struct tlw_png_tier tlw_png_tier_avx2;
#endif
#if defined(TALLOW_WITH_AVX512)
extern const struct tlw_png_tier tlw_png_tier_avx512;
#endif

const struct tlw_png_tier *tlw_png_tier(void) {
  static const struct tlw_png_tier *const tiers[] = {
    [TLW_SIMD_BASELINE] = &LEAST,
#if defined(TALLOW_WITH_AVX2)
    [TLW_SIMD_AVX2] = &tlw_png_tier_avx2,
#endif
#if defined(TALLOW_WITH_AVX512)
    [TLW_SIMD_AVX512] = &tlw_png_tier_avx512,
#endif
  };
  enum tlw_simd simd = TLW_SIMD_BASELINE;
  return tlw_simd_choose(&simd, NULL) == TLW_OK ? tiers[simd] : &LEAST;
}

/* ---- state ---- */

#define CHUNK_HEAD TLW_PNG_BLOCK /* room for the 8 bytes before data, which stay aligned */
#define STREAM_HEAD 2u
#define STREAM_TAIL 4u       /* Adler-32 */
#define STORED_HEAD 5u       /* of a stored block, at most 7 bits before it not counted */
#define WORD 8u              /* bytes that are written at a time */
#define LONGEST_TABLED 1033u /* a literal and four of the longest match */
#define GROUP TLW_PNG_GROUP
#define GROUP_SIZE (GROUP * TLW_PNG_BLOCK)
#define MOST_GROUPS (TLK_PNG_SEGMENT_SIZE / GROUP_SIZE + 1) /* of a segment: the longest row is hardly longer */

/* Where the stream ends: whole bytes up to `at`, and less than 8 bits more. */
struct end {
  uint8_t *at;
  uint64_t bits;
  uint32_t count;
};

/*
 * Bits, and below them, in COUNT_BITS, how many: of a byte by itself; of runs of zeros by their length, as far as
 * these leave room for a byte and a match beside them; and of what follows the first byte of a run of any other, by its
 * length too, NO_TAIL where that is literals.
 */
struct codes {
  uint64_t literals[256], zero_runs[LONGEST_TABLED + 1], tails[LONGEST_TABLED + 1];
  uint32_t tabled; /* lengths */
};
#define NO_TAIL UINT64_MAX
#define COUNT_BITS 6
#define COUNT_MASK 63u
#define LONGEST_LITERAL 15u

struct fast {
  const struct tlw_png_tier *tier;
  const struct codes *codes;
  bool by_bmi; /* the loop over runs is that for CPUs with BMI2 */
  uint32_t table;
  struct tlw_png_row row;                    /* at hand */
  uint32_t packed_size, row_size;            /* without and with the byte of the filter */
  uint32_t segment_rows, segment_size, left; /* of the segment at hand: rows, bytes, rows to come */
  uint32_t used;                             /* bytes of it so far */
  bool open;                                 /* a block of tokens was begun */
  uint64_t sum_first, sum_second;            /* of Adler-32, reduced before a segment and where they are needed */
  struct end end;
  uint64_t busy[MOST_GROUPS]; /* of the segment: which blocks are not all zeros */
  uint8_t *segment, *data;
  uint64_t *marks, *starts; /* of the segment: as in tlw_png_rows; which of its bytes are those of filters */
};

static size_t in_blocks(size_t size) { return (size + TLW_PNG_BLOCK - 1) / TLW_PNG_BLOCK * TLW_PNG_BLOCK; }

/* Sizes of the state's parts. */
struct parts {
  size_t row, marks, segment, data;
};

static uint32_t row_size_of(int32_t width, int32_t n_colors) {
  return tlk_png_row_size((uint32_t)width, tlk_png_table((uint32_t)n_colors));
}

static struct parts measure_parts(int32_t width, int32_t n_colors) {
  const uint32_t row = row_size_of(width, n_colors);
  const size_t segment = row > TLK_PNG_SEGMENT_SIZE ? row : TLK_PNG_SEGMENT_SIZE;
  /* A segment is given up only behind a group of its bytes, which may take LONGEST_LITERAL bits each. */
  const size_t most = segment + 2 * GROUP_SIZE + TLK_PNG_HEADER_SIZE + STORED_HEAD + 4 * WORD;
  const size_t data = CHUNK_HEAD + TLK_PNG_CHUNK_SIZE + most + STREAM_TAIL + TLW_PNG_AROUND_DATA;
  const size_t groups = segment / GROUP_SIZE + 1;
  return (struct parts){in_blocks(row), in_blocks((groups * GROUP + 1) * sizeof(uint64_t)),
                        TLW_PNG_BLOCK + groups * GROUP_SIZE, in_blocks(data)};
}

static size_t fast_state_size(int32_t width, int32_t height, int32_t n_colors) {
  (void)height;
  const struct parts parts = measure_parts(width, n_colors);
  return in_blocks(sizeof(struct fast)) + 2 * parts.row + 2 * parts.marks + parts.segment + parts.data;
}

static uint64_t fast_beside(void) { return 0; }

static size_t fast_bound(int32_t width, int32_t height, int32_t n_colors) {
  const size_t raw = tlw_png_raw_size(width, height, n_colors);
  const size_t rows = tlk_png_segment_rows(row_size_of(width, n_colors));
  const size_t segments = ((size_t)height + rows - 1) / rows;
  const size_t stream = STREAM_HEAD + raw + segments * (STORED_HEAD + 1) + 2 + STREAM_TAIL;
  const size_t chunks = (stream + TLK_PNG_CHUNK_SIZE - 1) / TLK_PNG_CHUNK_SIZE;
  return tlw_png_frame_size(n_colors) + stream + chunks * TLW_PNG_AROUND_DATA;
}

/* ---- bits ---- */

/* Bits that may come at a time. */
#define MOST_BITS 56u

/* At most MOST_BITS at a time. Bits must be flushed before another 64 - 7 come together. */
static inline void put(struct end *end, uint64_t bits, uint32_t count) {
  end->bits |= bits << end->count;
  end->count += count;
}

static inline void flush(struct end *end) {
  memcpy(end->at, &end->bits, WORD);
  end->at += end->count >> 3;
  end->bits >>= end->count & 56;
  end->count &= 7;
}

static inline void put_token(struct end *end, uint32_t token) { put(end, TLK_PNG_BITS(token), TLK_PNG_COUNT(token)); }

static void put_alone(struct end *end, uint64_t bits, uint32_t count) {
  put(end, bits, count);
  flush(end);
}

static void pad(struct end *end) {
  end->count = (end->count + 7) & ~7u;
  flush(end);
}

static uint64_t bits_between(const struct end *from, const struct end *to) {
  return (uint64_t)(to->at - from->at) * 8 + to->count - from->count;
}

/* ---- rows ---- */

/* One byte, again and again. */
static inline void put_run(struct end *end, uint32_t table, uint32_t byte, uint32_t length) {
  const uint32_t literal = tlk_png_literal(table, byte);
  put_token(end, literal);
  for (uint32_t left = length - 1, match; left > 0; left -= match) {
    match = tlk_png_next(left);
    put_token(end, match > 0 ? tlk_png_match(table, match) : literal);
    flush(end);
    if (match == 0) match = 1;
  }
  flush(end);
}

/* Bits that a run of zeros may have, so that MOST_BITS hold it with a literal and a match of any length behind it. */
static uint32_t room_of(uint32_t table) {
  uint32_t literal = 0, match = 0;
  for (uint32_t byte = 0; byte < 256; byte++) {
    const uint32_t count = TLK_PNG_COUNT(tlk_png_literal(table, byte));
    if (count > literal) literal = count;
  }
  for (uint32_t length = TLK_PNG_SHORTEST_MATCH; length <= TLK_PNG_LONGEST_MATCH; length++) {
    const uint32_t count = TLK_PNG_COUNT(tlk_png_match(table, length));
    if (count > match) match = count;
  }
  return MOST_BITS - literal - match;
}

/* A token behind what there is; 0 where there are more bits then than there is room for. */
static uint64_t append(uint64_t tabled, uint32_t token, uint32_t room) {
  const uint64_t count = tabled & COUNT_MASK, sum = count + TLK_PNG_COUNT(token);
  if (sum > room) return 0;
  return (tabled & ~(uint64_t)COUNT_MASK) | (uint64_t)TLK_PNG_BITS(token) << (count + COUNT_BITS) | sum;
}

/* The tokens of a run of one byte that has some, behind those of a shorter one; 0 where there is no room for them. */
static uint64_t lengthened(const uint64_t *runs, uint32_t length, uint32_t table, uint32_t room) {
  const uint32_t beyond = (length - 2) % TLK_PNG_LONGEST_MATCH + 1;
  if (beyond < TLK_PNG_SHORTEST_MATCH) return append(runs[length - 1], tlk_png_literal(table, 0), room);
  return append(runs[length - beyond], tlk_png_match(table, beyond), room);
}

static void make_codes(struct codes *codes, uint32_t table) {
  const uint32_t zero = tlk_png_literal(table, 0), zero_count = TLK_PNG_COUNT(zero), room = room_of(table);
  for (uint32_t byte = 0; byte < 256; byte++)
    codes->literals[byte] = append(0, tlk_png_literal(table, byte), LONGEST_LITERAL);
  codes->zero_runs[0] = codes->tails[1] = 0;
  codes->zero_runs[1] = append(0, zero, LONGEST_LITERAL);
  codes->tails[0] = NO_TAIL;
  codes->tabled = 1;
  for (uint32_t length = 2; length <= LONGEST_TABLED; length++) {
    const uint64_t run = lengthened(codes->zero_runs, length, table, room);
    if (run == 0) return;
    const bool ends_in_literals = (length - 2) % TLK_PNG_LONGEST_MATCH + 1 < TLK_PNG_SHORTEST_MATCH;
    const uint64_t bits = run >> COUNT_BITS >> zero_count, count = (run & COUNT_MASK) - zero_count;
    codes->zero_runs[length] = run;
    codes->tails[length] = ends_in_literals ? NO_TAIL : bits << COUNT_BITS | count;
    codes->tabled = length;
  }
}

static struct codes all_codes[4];

static void make_all_codes(void) {
  for (uint32_t table = 0; table < 4; table++) make_codes(&all_codes[table], table);
}

static const struct codes *codes_of(uint32_t table) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_all_codes);
  return &all_codes[table];
}

/*
 * Runs on their way: where the stream ends; what they add to both sums, the second above the first; and the first
 * byte that is in none yet.
 */
struct runs {
  struct end end;
  uint64_t sums;
  uint32_t start;
};

#define SECOND_SUM 24 /* first bit of the second: 255 times the bytes of a segment are less than 1 << 24 */

/* By parts, so that those of the loop over bytes may stay in registers. */
static inline __attribute__((always_inline)) void copy_runs(struct runs *to, const struct runs *from) {
  to->end.at = from->end.at;
  to->end.bits = from->end.bits;
  to->end.count = from->end.count;
  to->sums = from->sums;
  to->start = from->start;
}

/* Up to `stop`, of any length. */
static __attribute__((noinline)) void take_long_run(const struct fast *f, struct runs *runs, uint32_t stop) {
  const uint32_t byte = f->segment[runs->start], length = stop - runs->start;
  put_run(&runs->end, f->table, byte, length);
  runs->sums += tlk_png_adler_first(byte, length);
  runs->sums += tlk_png_adler_second(byte, length, runs->start, f->segment_size) << SECOND_SUM;
  runs->start = stop;
}

/* The same for runs that are in registers otherwise. */
static inline __attribute__((always_inline)) void take_rare_run(const struct fast *f, struct runs *runs,
                                                                uint32_t stop) {
  struct runs copy;
  copy_runs(&copy, runs);
  take_long_run(f, &copy, stop);
  copy_runs(runs, &copy);
}

/* What the loop over bytes reads, which nothing that it writes changes. */
struct reading {
  const uint8_t *segment;
  const uint64_t *literals, *zero_runs;
  uint32_t tabled, size;
};

/* Zeros, and one byte that is none. */
static inline __attribute__((always_inline)) void take_byte(const struct fast *f, const struct reading *r,
                                                            struct runs *runs, uint32_t at) {
  const uint64_t byte = r->segment[at];
  if (at - runs->start > r->tabled) take_rare_run(f, runs, at);
  const uint64_t zeros = r->zero_runs[at - runs->start], literal = r->literals[byte];
  runs->end.bits |= (zeros >> COUNT_BITS | literal >> COUNT_BITS << (zeros & COUNT_MASK)) << runs->end.count;
  runs->end.count += (zeros + literal) & COUNT_MASK;
  flush(&runs->end);
  runs->sums += byte * ((uint64_t)(r->size - at) << SECOND_SUM | 1);
  runs->start = at + 1;
}

/* Up to `stop`, where all that is read of f is what nothing changes meanwhile. */
static inline __attribute__((always_inline)) void take_run(const struct fast *f, const struct codes *codes,
                                                           struct runs *runs, uint32_t stop) {
  const uint64_t byte = f->segment[runs->start];
  const uint32_t length = stop - runs->start, place = length <= codes->tabled ? length : 0;
  /* Whether it is of zeros can't be foreseen. */
  const uint64_t is_zero = 0 - (uint64_t)(byte == 0), first = codes->literals[byte] & ~is_zero;
  const uint64_t rest = (codes->zero_runs[place] & is_zero) | (codes->tails[place] & ~is_zero);
  if (place == 0 || rest == NO_TAIL) {
    take_rare_run(f, runs, stop);
    return;
  }
  put(&runs->end, first >> COUNT_BITS | rest >> COUNT_BITS << (first & COUNT_MASK),
      (uint32_t)(first + rest) & COUNT_MASK);
  flush(&runs->end);
  runs->sums += tlk_png_adler_first((uint32_t)byte, length);
  runs->sums += tlk_png_adler_second((uint32_t)byte, length, runs->start, f->segment_size) << SECOND_SUM;
  runs->start = stop;
}

static void take_last_run(const struct fast *f, struct runs *runs, uint32_t stop) {
  if (runs->start < stop) take_run(f, f->codes, runs, stop);
}

/* Zeros, a run of one byte that is none, and what follows its first byte: a match or nothing. */
static inline __attribute__((always_inline)) void take_repeated(const struct fast *f, const struct reading *r,
                                                                struct runs *runs, uint32_t at, uint32_t length) {
  const uint64_t byte = r->segment[at];
  if (at - runs->start > r->tabled) take_rare_run(f, runs, at);
  const uint64_t zeros = r->zero_runs[at - runs->start], literal = r->literals[byte], tail = f->codes->tails[length];
  const uint64_t front = zeros >> COUNT_BITS | literal >> COUNT_BITS << (zeros & COUNT_MASK);
  put(&runs->end, front | tail >> COUNT_BITS << ((zeros + literal) & COUNT_MASK),
      (uint32_t)(zeros + literal + tail) & COUNT_MASK);
  flush(&runs->end);
  runs->sums += tlk_png_adler_first((uint32_t)byte, length);
  runs->sums += tlk_png_adler_second((uint32_t)byte, length, at, r->size) << SECOND_SUM;
  runs->start = at + length;
}

/*
 * Bytes of block i, which has runs that are matches; edges: where runs begin. open: one began before. true: the last
 * one goes on in the next block, and is not taken.
 */
static inline __attribute__((always_inline)) bool take_edges(const struct fast *f, const struct reading *r,
                                                             struct runs *all, uint32_t i, uint64_t edges, bool open) {
  const uint32_t begin = i * TLW_PNG_BLOCK;
  const uint64_t marks = f->marks[i];
  const bool goes_on =
      tlw_png_goes_on(marks, &f->marks[i + 1], &f->starts[i + 1], r->segment + begin + TLW_PNG_BLOCK) != 0;
  if (edges == 0 && goes_on) return true;
  struct runs runs;
  copy_runs(&runs, all);
  if (open) take_run(f, f->codes, &runs, begin + (edges ? (uint32_t)__builtin_ctzll(edges) : TLW_PNG_BLOCK));
  const uint32_t last = edges ? 63 - (uint32_t)__builtin_clzll(edges) : 0;
  const uint64_t same = marks & ~edges, three = same & same >> 1 & same >> 2;
  /* Bytes that are in no match are taken one by one. */
  const uint64_t matched = three | three << 1 | three << 2, taken = goes_on ? (UINT64_C(1) << last) - 1 : UINT64_MAX;
  for (uint64_t rest = (edges | (same & ~matched)) & marks & taken & ~((edges & -edges) - 1); rest; rest &= rest - 1) {
    const uint32_t place = (uint32_t)__builtin_ctzll(rest);
    const uint64_t beyond = (~matched >> place >> 1) | UINT64_C(1) << (63 - place);
    take_repeated(f, r, &runs, begin + place, 1 + (uint32_t)__builtin_ctzll(beyond));
  }
  if (goes_on && begin + last > runs.start) take_run(f, f->codes, &runs, begin + last);
  copy_runs(all, &runs);
  return goes_on;
}

/* Two of these at once, unless they have more bits than come together. */
static inline __attribute__((always_inline)) bool take_two(const struct reading *r, struct runs *runs, uint32_t at,
                                                           uint32_t at_next) {
  const uint32_t before = at - runs->start, between = at_next - at - 1;
  if (before > r->tabled || between > r->tabled) return false;
  const uint64_t zeros = r->zero_runs[before], literal = r->literals[r->segment[at]];
  const uint64_t next_zeros = r->zero_runs[between], next_literal = r->literals[r->segment[at_next]];
  const uint32_t count = (uint32_t)(zeros + literal) & COUNT_MASK;
  const uint32_t next_count = (uint32_t)(next_zeros + next_literal) & COUNT_MASK;
  if (count + next_count > MOST_BITS) return false;
  const uint64_t bits = zeros >> COUNT_BITS | literal >> COUNT_BITS << (zeros & COUNT_MASK);
  const uint64_t next = next_zeros >> COUNT_BITS | next_literal >> COUNT_BITS << (next_zeros & COUNT_MASK);
  put(&runs->end, bits | next << count, count + next_count);
  flush(&runs->end);
  runs->sums += r->segment[at] * ((uint64_t)(r->size - at) << SECOND_SUM | 1);
  runs->sums += r->segment[at_next] * ((uint64_t)(r->size - at_next) << SECOND_SUM | 1);
  runs->start = at_next + 1;
  return true;
}

#define PLACES 512 /* of bytes that are found before they are taken */

/* Bytes that are not zero, by their places in the segment; with room for those of a block, and three more. */
struct places {
  uint32_t count;
  uint16_t at[PLACES + TLW_PNG_BLOCK + 3];
};

static inline uint64_t lowest(uint64_t marks) { return (uint64_t)__builtin_ctzll(marks | UINT64_C(1) << 63); }

/* Four at a time, for how many there are can't be foreseen. */
static inline __attribute__((always_inline)) void add_places(struct places *places, uint32_t begin, uint64_t marks) {
  const uint32_t count = (uint32_t)__builtin_popcountll(marks);
  for (uint32_t i = 0; i < count; i += 4) {
    uint64_t four = lowest(marks);
    marks &= marks - 1;
    four |= lowest(marks) << 16;
    marks &= marks - 1;
    four |= lowest(marks) << 32;
    marks &= marks - 1;
    four |= lowest(marks) << 48;
    marks &= marks - 1;
    four += begin * UINT64_C(0x1000100010001);
    memcpy(places->at + places->count + i, &four, sizeof four);
  }
  places->count += count;
}

static inline __attribute__((always_inline)) void take_places(const struct fast *f, const struct reading *reading,
                                                              struct runs *runs, struct places *places) {
  uint32_t i = 0;
  for (; i + 1 < places->count; i += 2) {
    if (take_two(reading, runs, places->at[i], places->at[i + 1])) continue;
    take_byte(f, reading, runs, places->at[i]);
    take_byte(f, reading, runs, places->at[i + 1]);
  }
  if (i < places->count) take_byte(f, reading, runs, places->at[i]);
  places->count = 0;
}

/* The blocks of a group that are before the next one with a match, by the places of their bytes. */
static inline __attribute__((always_inline)) void take_plain(const struct fast *f, const struct reading *reading,
                                                             struct runs *runs, struct places *places, uint32_t first,
                                                             uint64_t blocks) {
  for (; blocks; blocks &= blocks - 1) {
    const uint32_t i = first + (uint32_t)__builtin_ctzll(blocks);
    add_places(places, i * TLW_PNG_BLOCK, f->marks[i]);
    if (places->count > PLACES) take_places(f, reading, runs, places);
  }
}

/* The tokens of a segment. false: they are more than its bytes stored. */
static inline __attribute__((always_inline)) bool put_runs(struct fast *f) {
  const struct reading reading = {f->segment, f->codes->literals, f->codes->zero_runs, f->codes->tabled,
                                  f->segment_size};
  struct tlw_png_scan scan;
  struct runs runs;
  struct places places;
  places.count = 0;
  runs.end.at = f->end.at;
  runs.end.bits = f->end.bits;
  runs.end.count = f->end.count;
  runs.sums = runs.start = 0;
  bool open = false;
  for (uint32_t first = 0; first * TLW_PNG_BLOCK < reading.size; first += GROUP) {
    f->tier->scan(f->segment + first * TLW_PNG_BLOCK, f->marks + first, f->starts + first, &scan);
    f->busy[first / GROUP] = scan.busy;
    uint64_t plain = scan.busy & ~scan.repeating;
    for (uint64_t rest = scan.repeating; rest; rest &= rest - 1) {
      const uint32_t i = (uint32_t)__builtin_ctzll(rest);
      const uint64_t before = (UINT64_C(1) << i) - 1;
      take_plain(f, &reading, &runs, &places, first, plain & before);
      plain &= ~before;
      take_places(f, &reading, &runs, &places);
      struct runs copy;
      copy_runs(&copy, &runs);
      open = take_edges(f, &reading, &copy, first + i, scan.edges[i], open);
      copy_runs(&runs, &copy);
    }
    take_plain(f, &reading, &runs, &places, first, plain);
    if (tlk_png_is_stored(f->table, bits_between(&f->end, &runs.end), reading.size)) return false;
  }
  take_places(f, &reading, &runs, &places);
  struct runs last;
  copy_runs(&last, &runs);
  take_last_run(f, &last, reading.size);
  copy_runs(&runs, &last);
  if (tlk_png_is_stored(f->table, bits_between(&f->end, &runs.end), reading.size)) return false;
  f->sum_second += reading.size * f->sum_first + (runs.sums >> SECOND_SUM);
  f->sum_first += runs.sums & ((1u << SECOND_SUM) - 1);
  f->end = runs.end;
  return true;
}

static bool put_runs_plainly(struct fast *f) { return put_runs(f); }

/* Shifts by any number of bits are one instruction there, in place of three. */
#if defined(__x86_64__)
static __attribute__((target("bmi,bmi2,popcnt"))) bool put_runs_by_bmi(struct fast *f) { return put_runs(f); }

static bool has_bmi(void) { return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"); }
#else
#define put_runs_by_bmi put_runs_plainly

static bool has_bmi(void) { return false; }
#endif

static void reduce_sums(struct fast *f) {
  f->sum_first %= TLK_PNG_ADLER_BASE;
  f->sum_second %= TLK_PNG_ADLER_BASE;
}

static void sum_bytes(struct fast *f) {
  reduce_sums(f);
  const uLong sum = adler32((uLong)(f->sum_second << 16 | f->sum_first), f->segment, f->segment_size);
  f->sum_first = sum & 0xffff;
  f->sum_second = sum >> 16;
}

/* ---- segments ---- */

static void put_header(struct fast *f) {
  const uint8_t *header = tlk_png_headers[f->table];
  uint32_t left = tlk_png_header_bits[f->table];
  for (; left > 8; left -= 8) put_alone(&f->end, *header++, 8);
  put_alone(&f->end, *header, left);
}

static void begin_segment(struct fast *f, int32_t rows_left) {
  f->left = (uint32_t)rows_left < f->segment_rows ? (uint32_t)rows_left : f->segment_rows;
  f->segment_size = f->left * f->row_size;
  f->used = 0;
  reduce_sums(f);
  /* The last segment may have fewer rows. */
  for (uint32_t at = f->segment_size; at < f->segment_rows * f->row_size; at += f->row_size) {
    f->segment[at] = 0;
    f->starts[at / 64] &= ~(UINT64_C(1) << at % 64);
    f->marks[at / 64] = f->starts[at / 64];
  }
}

/* As the tokens of a segment do, for one that has none. */
static void find_busy(struct fast *f) {
  struct tlw_png_scan scan;
  for (uint32_t first = 0; first * TLW_PNG_BLOCK < f->segment_size; first += GROUP) {
    f->tier->scan(f->segment + first * TLW_PNG_BLOCK, f->marks + first, f->starts + first, &scan);
    f->busy[first / GROUP] = scan.busy;
  }
}

static void put_stored(struct fast *f) {
  if (f->open) put_token(&f->end, tlk_png_ends[f->table]);
  f->open = false;
  put_alone(&f->end, 0, TLK_PNG_STORED_BITS);
  pad(&f->end);
  put_alone(&f->end, f->segment_size | (uint64_t)(~f->segment_size & 0xffff) << 16, 32);
  memcpy(f->end.at, f->segment, f->segment_size);
  f->end.at += f->segment_size;
  sum_bytes(f);
  find_busy(f);
}

static void put_segment(struct fast *f) {
  const struct end before = f->end;
  if (!f->open) put_header(f);
  if (f->by_bmi ? put_runs_by_bmi(f) : put_runs_plainly(f)) {
    f->open = true;
  } else {
    f->end = before;
    put_stored(f);
  }
}

/* Makes all bytes of the segment zeros again, but those of the filters. */
static void clear_segment(struct fast *f) {
  for (uint32_t group = 0; group * GROUP_SIZE < f->segment_size; group++)
    for (uint64_t busy = f->busy[group]; busy; busy &= busy - 1) {
      const uint32_t i = group * GROUP + (uint32_t)__builtin_ctzll(busy);
      memset(f->segment + i * TLW_PNG_BLOCK, 0, TLW_PNG_BLOCK);
      f->marks[i] = f->starts[i];
    }
  for (uint32_t at = 0; at < f->segment_rows * f->row_size; at += f->row_size) f->segment[at] = TLK_PNG_FILTER;
}

/* Chunks that are full, and what is left after the last of them moves to the front. */
static bool give_chunks(struct fast *f, struct tlw_png_job *job, uint32_t least) {
  uint8_t *data = f->data;
  size_t left = (size_t)(f->end.at - data);
  while (left >= least && left > 0) {
    const uint32_t size = left < TLK_PNG_CHUNK_SIZE ? (uint32_t)left : TLK_PNG_CHUNK_SIZE;
    uint8_t behind[4];
    memcpy(behind, data + size, sizeof behind);
    if (!tlw_png_give_data(job, data, size)) return false;
    left -= size;
    memcpy(data + size, behind, sizeof behind);
    memmove(data, data + size, left);
  }
  f->end.at = data + left;
  return true;
}

static bool end_segment(struct fast *f, struct tlw_png_job *job) {
  put_segment(f);
  clear_segment(f);
  return give_chunks(f, job, TLK_PNG_CHUNK_SIZE);
}

static void end_stream(struct fast *f, struct tlw_png_job *job) {
  if (f->open) put_token(&f->end, tlk_png_ends[f->table]);
  put_alone(&f->end, TLK_PNG_LAST_BLOCK, TLK_PNG_LAST_BITS);
  pad(&f->end);
  reduce_sums(f);
  const uint32_t sum = (uint32_t)(f->sum_second << 16 | f->sum_first);
  put_alone(&f->end, __builtin_bswap32(sum), 32);
  if (give_chunks(f, job, 1)) tlw_png_give_end(job);
}

/* ---- the coding ---- */

static void begin_rows(struct fast *f, const struct parts *parts) {
  memset(f->segment, 0, parts->segment - TLW_PNG_BLOCK);
  memset(f->starts, 0, parts->marks);
  for (uint32_t at = 0; at < f->segment_rows * f->row_size; at += f->row_size) {
    f->segment[at] = TLK_PNG_FILTER;
    f->starts[at / 64] |= UINT64_C(1) << at % 64;
  }
  memcpy(f->marks, f->starts, parts->marks);
}

static void fast_begin(void *state, struct tlw_png_job *job) {
  struct fast *f = state;
  const struct parts parts = measure_parts(job->width, job->n_colors);
  *f = (struct fast){.tier = tlw_png_tier(), .table = tlk_png_table((uint32_t)job->n_colors), .sum_first = 1};
  f->codes = codes_of(f->table);
  f->by_bmi = f->tier != &LEAST && has_bmi();
  f->row_size = tlk_png_row_size((uint32_t)job->width, f->table);
  f->packed_size = f->row_size - 1;
  f->segment_rows = tlk_png_segment_rows(f->row_size);
  /* Of a small image there is less to clear. */
  if (f->segment_rows > (uint32_t)job->height) f->segment_rows = (uint32_t)job->height;
  f->row = (struct tlw_png_row){.width = (uint32_t)job->width, .table = f->table, .most = (uint8_t)(job->n_colors - 1)};
  f->row.packed = (uint8_t *)state + in_blocks(sizeof *f);
  f->row.fresh = f->row.packed + parts.row;
  f->marks = (uint64_t *)(void *)(f->row.fresh + parts.row);
  f->starts = (uint64_t *)(void *)(f->row.fresh + parts.row + parts.marks);
  f->segment = f->row.fresh + parts.row + 2 * parts.marks + TLW_PNG_BLOCK;
  f->data = f->segment + parts.segment - TLW_PNG_BLOCK + CHUNK_HEAD;
  memset(f->row.packed, 0, 2 * parts.row);
  begin_rows(f, &parts);
  f->end.at = f->data;
  put_alone(&f->end, 0x0178, 16); /* a window of 32 KiB, the quickest level */
  tlw_png_give_head(job);
}

static struct tlw_png_rows rows_of(const struct fast *f) {
  return (struct tlw_png_rows){f->segment, f->marks, f->row_size, f->table, (int32_t)f->left};
}

/* same: the row equals that above. */
static bool add_row(struct fast *f, struct tlw_png_job *job, const uint8_t *pixels, bool same) {
  if (f->left == 0) begin_segment(f, job->height - job->y);
  const struct tlw_png_rows rows = rows_of(f);
  if (!same && !f->tier->change(&f->row, pixels, &rows, f->used + 1)) {
    tlw_png_fail_pixel(job, pixels);
    return false;
  }
  f->used += f->row_size;
  job->y++;
  return --f->left > 0 || end_segment(f, job);
}

static void fast_rows(void *state, struct tlw_png_job *job, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  const uint8_t *above = NULL;
  for (int32_t i = 0; i < rows; i++, pixels += row_stride) {
    if (!add_row(state, job, pixels, above && memcmp(pixels, above, (size_t)job->width) == 0)) return;
    above = pixels;
  }
  if (rows > 0 && job->y == job->height) end_stream(state, job);
}

static void fast_end(void *state, struct tlw_png_job *job) {
  (void)state;
  (void)job;
}

const struct tlw_png_coder tlw_png_fast = {fast_state_size, fast_beside, fast_bound, fast_begin, fast_rows, fast_end};

void tlw_png_fast_begin_rows(void *state, const struct tlw_png_job *job, struct tlw_png_rows *rows) {
  struct fast *f = state;
  begin_segment(f, job->height - job->y);
  *rows = rows_of(f);
}

void tlw_png_fast_end_rows(void *state, struct tlw_png_job *job) {
  struct fast *f = state;
  job->y += (int32_t)f->left;
  f->left = 0;
  if (end_segment(f, job) && job->y == job->height) end_stream(f, job);
}
