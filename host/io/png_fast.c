/* Tallow's own PNG files: include/tallow/png.h states the format, kernels/core/png.h is its arithmetic. */
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
#define SAME_MOST 4096u      /* bytes of a row that may have less than 57 bits: a match has 2 or more */
#define SAME_ROOM 64u        /* for the bits of such a row: at most 17 matches and 3 literals */

/* Where the stream ends: whole bytes up to `at`, and less than 8 bits more. */
struct end {
  uint8_t *at;
  uint64_t bits;
  uint32_t count;
};

struct fast {
  const struct tlw_png_tier *tier;
  bool by_bmi; /* the loop over runs is that for CPUs with BMI2 */
  uint32_t table;
  struct tlw_png_row row;                    /* at hand */
  uint32_t packed_size, row_size;            /* without and with the byte of the filter */
  uint32_t segment_rows, segment_size, left; /* of the segment at hand: rows, bytes, rows to come */
  uint32_t used;                             /* bytes of it so far */
  bool open;                                 /* a block of tokens was begun */
  bool stored;                               /* the segment will be */
  uint64_t sum_first, sum_second;            /* of Adler-32, reduced before a segment and where they are needed */
  struct end end, segment_end;               /* now; before the segment */
  uint64_t token_bits;                       /* of the segment */
  uint8_t *segment, *data;
  uint64_t same_bits;  /* of a row that equals the one above */
  uint32_t same_count; /* of them; 0: they are more than 56 */
  /* Bits, and from bit 56 how many: of a byte by itself, and of runs of zeros by their length. */
  uint64_t literals[256], zero_runs[LONGEST_TABLED + 1];
  uint32_t tabled; /* lengths */
};

static size_t in_blocks(size_t size) { return (size + TLW_PNG_BLOCK - 1) / TLW_PNG_BLOCK * TLW_PNG_BLOCK; }

/* Sizes of the state's parts. */
struct parts {
  size_t row, edges, blocks, segment, data;
};

static uint32_t row_size_of(int32_t width, int32_t n_colors) {
  return tlk_png_row_size((uint32_t)width, tlk_png_table((uint32_t)n_colors));
}

static struct parts measure_parts(int32_t width, int32_t n_colors) {
  const uint32_t row = row_size_of(width, n_colors);
  const size_t segment = (size_t)tlk_png_segment_rows(row) * row;
  /* A segment is given up only behind a row, whose bytes may take 15 bits each. */
  const size_t most = segment + (size_t)row * 2 + TLK_PNG_HEADER_SIZE + STORED_HEAD + 4 * WORD;
  const size_t data = CHUNK_HEAD + TLK_PNG_CHUNK_SIZE + most + STREAM_TAIL + TLW_PNG_AROUND_DATA;
  const size_t words = in_blocks(row) / TLW_PNG_BLOCK + 1;
  return (struct parts){in_blocks(row), in_blocks(words * sizeof(uint64_t)), in_blocks(words * sizeof(uint16_t)),
                        in_blocks(segment + TLW_PNG_BLOCK), in_blocks(data)};
}

static size_t fast_state_size(int32_t width, int32_t height, int32_t n_colors) {
  (void)height;
  const struct parts parts = measure_parts(width, n_colors);
  return in_blocks(sizeof(struct fast)) + 2 * parts.row + parts.edges + parts.blocks + parts.segment + parts.data;
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

/* At most 56 bits at a time. Bits must be flushed before another 64 - 7 come together. */
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

#define TABLED_BITS UINT64_C(0xffffffffffffff)

/* A token behind what there is; 0 where there is no room for it. */
static uint64_t append(uint64_t tabled, uint32_t token) {
  const uint64_t count = tabled >> 56, sum = count + TLK_PNG_COUNT(token);
  return sum > 56 ? 0 : (tabled & TABLED_BITS) | (uint64_t)TLK_PNG_BITS(token) << count | sum << 56;
}

static void make_tables(struct fast *f) {
  const uint32_t zero = tlk_png_literal(f->table, 0);
  for (uint32_t byte = 0; byte < 256; byte++) f->literals[byte] = append(0, tlk_png_literal(f->table, byte));
  f->zero_runs[1] = append(0, zero);
  f->tabled = 1;
  for (uint32_t length = 2; length <= LONGEST_TABLED && length < f->row_size; length++) {
    /* Behind a shorter run comes a literal or a match. */
    const uint32_t beyond = (length - 2) % TLK_PNG_LONGEST_MATCH + 1;
    const uint64_t run = beyond < TLK_PNG_SHORTEST_MATCH
                             ? append(f->zero_runs[length - 1], zero)
                             : append(f->zero_runs[length - beyond], tlk_png_match(f->table, beyond));
    if (run == 0) return;
    f->zero_runs[length] = run;
    f->tabled = length;
  }
}

/* A row's runs on their way: where the stream ends, and what they add to both sums, the second above the first. */
struct runs {
  struct end end;
  uint64_t sums;
};

#define SECOND_SUM 24 /* first bit of the second: 255 times the bytes of a row are less than 1 << 24 */

static __attribute__((noinline)) void take_long_run(const struct fast *f, struct runs *runs, uint32_t start,
                                                    uint32_t stop, uint32_t byte) {
  put_run(&runs->end, f->table, byte, stop - start);
  runs->sums += tlk_png_adler_first(byte, stop - start);
  runs->sums += tlk_png_adler_second(byte, stop - start, start, f->row_size) << SECOND_SUM;
}

/* Most runs are of zeros or one byte long; which of them comes next can't be foreseen. */
static inline __attribute__((always_inline)) void take_run(const struct fast *f, struct runs *runs, uint32_t start,
                                                           uint32_t stop, const uint8_t *row) {
  const uint32_t byte = row[start], length = stop - start;
  if (length > (byte == 0 ? f->tabled : 1)) {
    struct runs copy = *runs; /* so that those at hand stay in registers */
    take_long_run(f, &copy, start, stop, byte);
    *runs = copy;
    return;
  }
  const uint64_t run = *(byte == 0 ? &f->zero_runs[length] : &f->literals[byte]);
  put(&runs->end, run & TABLED_BITS, (uint32_t)(run >> 56));
  flush(&runs->end);
  runs->sums += byte * ((uint64_t)(f->row_size - start) << SECOND_SUM | 1);
}

/* The rows of a segment are few enough that no sum exceeds its type. */
static void add_sums(struct fast *f, uint64_t first, uint64_t second) {
  f->sum_second += f->row_size * f->sum_first + second;
  f->sum_first += first;
}

static void reduce_sums(struct fast *f) {
  f->sum_first %= TLK_PNG_ADLER_BASE;
  f->sum_second %= TLK_PNG_ADLER_BASE;
}

static inline __attribute__((always_inline)) void put_runs(struct fast *f, const uint8_t *row) {
  struct runs runs = {f->end, 0};
  uint32_t start = 0;
  for (uint32_t i = 0; i < f->row.n_edges; i++)
    for (uint64_t edges = f->row.edges[i]; edges; edges &= edges - 1) {
      const uint32_t stop = 1 + f->row.blocks[i] * TLW_PNG_BLOCK + (uint32_t)__builtin_ctzll(edges);
      take_run(f, &runs, start, stop, row);
      start = stop;
    }
  take_run(f, &runs, start, f->row_size, row);
  add_sums(f, runs.sums & ((1u << SECOND_SUM) - 1), runs.sums >> SECOND_SUM);
  f->end = runs.end;
}

static void put_row_plainly(struct fast *f, const uint8_t *row) { put_runs(f, row); }

/* Shifts by any number of bits are one instruction there, in place of three. */
#if defined(__x86_64__)
static __attribute__((target("bmi,bmi2"))) void put_row_by_bmi(struct fast *f, const uint8_t *row) { put_runs(f, row); }

static bool has_bmi(void) { return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"); }
#else
#define put_row_by_bmi put_row_plainly

static bool has_bmi(void) { return false; }
#endif

static void put_row(struct fast *f, const uint8_t *row) {
  if (f->by_bmi)
    put_row_by_bmi(f, row);
  else
    put_row_plainly(f, row);
}

static void put_same_run(struct end *end, const struct fast *f) {
  put_run(end, f->table, TLK_PNG_FILTER, 1);
  put_run(end, f->table, 0, f->packed_size);
}

/* Where it fits one number. */
static void make_same_row(struct fast *f) {
  uint8_t bytes[SAME_ROOM] = {0};
  const struct end begin = {.at = bytes};
  struct end end = begin;
  if (f->packed_size > SAME_MOST) return;
  put_same_run(&end, f);
  const uint64_t count = bits_between(&begin, &end);
  if (count > 56) return;
  memcpy(&f->same_bits, bytes, sizeof f->same_bits);
  f->same_count = (uint32_t)count;
}

/* A row of zeros behind the filter: it equals the one above. */
static void put_same_row(struct fast *f) {
  if (f->same_count > 0)
    put_alone(&f->end, f->same_bits, f->same_count);
  else
    put_same_run(&f->end, f);
  add_sums(f, tlk_png_adler_first(TLK_PNG_FILTER, 1), tlk_png_adler_second(TLK_PNG_FILTER, 1, 0, f->row_size));
}

static void sum_row(struct fast *f, const uint8_t *row) {
  reduce_sums(f);
  const uLong sum = adler32((uLong)(f->sum_second << 16 | f->sum_first), row, f->row_size);
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
  f->stored = false;
  f->token_bits = 0;
  reduce_sums(f);
  f->segment_end = f->end;
  if (!f->open) put_header(f);
}

static void put_stored(struct fast *f) {
  f->end = f->segment_end;
  if (f->open) put_token(&f->end, tlk_png_ends[f->table]);
  f->open = false;
  put_alone(&f->end, 0, TLK_PNG_STORED_BITS);
  pad(&f->end);
  put_alone(&f->end, f->segment_size | (uint64_t)(~f->segment_size & 0xffff) << 16, 32);
  memcpy(f->end.at, f->segment, f->segment_size);
  f->end.at += f->segment_size;
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
  if (f->stored)
    put_stored(f);
  else
    f->open = true;
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

static void fast_begin(void *state, struct tlw_png_job *job) {
  struct fast *f = state;
  const struct parts parts = measure_parts(job->width, job->n_colors);
  *f = (struct fast){.tier = tlw_png_tier(), .table = tlk_png_table((uint32_t)job->n_colors), .sum_first = 1};
  f->by_bmi = f->tier != &LEAST && has_bmi();
  f->row_size = tlk_png_row_size((uint32_t)job->width, f->table);
  f->packed_size = f->row_size - 1;
  f->segment_rows = tlk_png_segment_rows(f->row_size);
  f->row = (struct tlw_png_row){.width = (uint32_t)job->width, .table = f->table, .most = (uint8_t)(job->n_colors - 1)};
  f->row.packed = (uint8_t *)state + in_blocks(sizeof *f);
  f->row.fresh = f->row.packed + parts.row;
  f->row.edges = (uint64_t *)(void *)(f->row.fresh + parts.row);
  f->row.blocks = (uint16_t *)(void *)(f->row.fresh + parts.row + parts.edges);
  f->segment = f->row.fresh + parts.row + parts.edges + parts.blocks;
  f->data = f->segment + parts.segment + CHUNK_HEAD;
  memset(f->row.packed, 0, 2 * parts.row);
  make_tables(f);
  make_same_row(f);
  f->end.at = f->data;
  put_alone(&f->end, 0x0178, 16); /* a window of 32 KiB, the quickest level */
  tlw_png_give_head(job);
}

static void take_same_row(struct fast *f) {
  uint8_t *row = f->segment + f->used;
  row[0] = TLK_PNG_FILTER;
  memset(row + 1, 0, f->packed_size);
  if (f->stored)
    sum_row(f, row);
  else
    put_same_row(f);
}

static bool take_row(struct fast *f, struct tlw_png_job *job, const uint8_t *pixels, const uint64_t *changed) {
  uint8_t *row = f->segment + f->used;
  row[0] = TLK_PNG_FILTER;
  f->row.filtered = row + 1;
  if (!f->tier->change(&f->row, pixels, changed)) {
    tlw_png_fail_pixel(job, pixels);
    return false;
  }
  if (f->stored)
    sum_row(f, row);
  else
    put_row(f, row);
  return true;
}

/* changed: as in tlw_png_encoder_row, or NULL: the row equals that above. */
static bool add_row(struct fast *f, struct tlw_png_job *job, const uint8_t *pixels, const uint64_t *changed) {
  if (f->left == 0) begin_segment(f, job->height - job->y);
  const struct end before = f->end;
  if (!changed)
    take_same_row(f);
  else if (!take_row(f, job, pixels, changed))
    return false;
  f->token_bits += bits_between(&before, &f->end);
  f->stored = f->stored || tlk_png_is_stored(f->table, f->token_bits, f->segment_size);
  f->used += f->row_size;
  job->y++;
  return --f->left > 0 || end_segment(f, job);
}

void tlw_png_fast_row(void *state, struct tlw_png_job *job, const uint8_t *pixels, const uint64_t *changed) {
  if (add_row(state, job, pixels, changed) && job->y == job->height) end_stream(state, job);
}

static void fast_rows(void *state, struct tlw_png_job *job, const uint8_t *pixels, size_t row_stride, int32_t rows) {
  static const uint64_t all[TLW_PNG_CHANGES] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
  const uint8_t *above = NULL;
  for (int32_t i = 0; i < rows && job->failure.code == TLW_OK; i++, pixels += row_stride) {
    const bool same = above && memcmp(pixels, above, (size_t)job->width) == 0;
    tlw_png_fast_row(state, job, pixels, same ? NULL : all);
    above = pixels;
  }
}

static void fast_end(void *state, struct tlw_png_job *job) {
  (void)state;
  (void)job;
}

const struct tlw_png_coder tlw_png_fast = {fast_state_size, fast_beside, fast_bound, fast_begin, fast_rows, fast_end};
