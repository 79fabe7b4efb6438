#include "synth.h"

#define FINE 256           /* parts of a tick in which prices move */
#define USUAL 256          /* heat at rest */
#define CANDLE_STEPS 8     /* steps of the price in one candle */
#define PRICE_SPAN 16      /* the price stays within anchor / PRICE_SPAN and anchor * PRICE_SPAN */
#define JUMP_SURGE 1024    /* surge right after a jump */
#define OVERNIGHT_PPM 6000 /* size of a usual move while closed */
#define MILLISECOND INT64_C(1000000)
#define SESSION_OPEN (INT64_C(34200) * SYNTH_SECOND)  /* 09:30 */
#define SESSION_CLOSE (INT64_C(57600) * SYNTH_SECOND) /* 16:00 */

/* How a shape moves, by step. */
typedef struct profile {
  const char *name;
  int64_t move_ppm;   /* size of a usual move */
  int64_t drift_ppm;  /* size of a usual trend; 0: none */
  int64_t pull;       /* the part of the way back to the anchor is 1 / pull */
  uint64_t jump_odds; /* a jump every so many steps; 0: never */
} profile;

static const profile profiles[SYNTH_SHAPE_COUNT] = {
    [SYNTH_QUIET] = {"quiet", 150, 0, 2048, 0},
    [SYNTH_TRENDING] = {"trending", 450, 40, 8192, 0},
    [SYNTH_GAPS] = {"gaps", 350, 0, 4096, 0},
    [SYNTH_JUMPS] = {"jumps", 300, 0, 8192, 1600},
};

const char *synth_shape_name(synth_shape shape) {
  return (unsigned)shape < SYNTH_SHAPE_COUNT ? profiles[shape].name : NULL;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(synth_source *s) {
  uint64_t z = s->random += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static int64_t draw_below(synth_source *s, int64_t limit) { return (int64_t)(draw(s) % (uint64_t)limit); }

/* Close to normal: the sum of four uniforms, mean 0, standard deviation 37837, within +-131070. */
static int64_t draw_noise(synth_source *s) {
  uint64_t z = draw(s);
  int64_t sum = 0;
  for (int k = 0; k < 4; k++) sum += (int64_t)((z >> (16 * k)) & 0xFFFF);
  return sum - 2 * 65535;
}

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
  return value < least ? least : value > most ? most : value;
}

static void move_to(synth_source *s, int64_t price) {
  s->price = clamp(price, s->anchor / PRICE_SPAN, s->anchor * PRICE_SPAN);
}

static void move_by_noise(synth_source *s, int64_t noise, int64_t ppm) {
  move_to(s, s->price + s->price * noise / 32768 * ppm / 1000000);
}

static void turn_trend(synth_source *s, int64_t usual_ppm) {
  s->drift = usual_ppm / 2 + draw_below(s, usual_ppm);
  int up = s->price < s->anchor / 4 || (s->price <= s->anchor * 4 && (draw(s) & 1));
  if (!up) s->drift = -s->drift;
  s->drift_left = 400 + draw_below(s, 2000);
}

static void jump(synth_source *s) {
  int64_t ppm = 15000 + draw_below(s, 35000);
  move_to(s, s->price + s->price * (draw(s) & 1 ? ppm : -ppm) / 1000000);
  s->surge = JUMP_SURGE;
}

/* Moves the price by one step and returns the volume that came with it. */
static int64_t step(synth_source *s) {
  const profile *p = &profiles[s->options.shape];
  int64_t noise = draw_noise(s);
  uint64_t bits = draw(s);
  int64_t heat_noise = (int64_t)(bits & 0xFFFF) - 32768;
  int64_t volume_noise = (int64_t)((bits >> 16) & 0xFFFF);

  s->heat = clamp(s->heat + (USUAL - s->heat) / 64 + heat_noise / 2048, USUAL / 4, USUAL * 3);
  s->surge -= (s->surge + 127) / 128;
  move_by_noise(s, noise, p->move_ppm * s->heat / USUAL * (USUAL + s->surge / 2) / USUAL);
  if (p->drift_ppm) {
    if (s->drift_left == 0) turn_trend(s, p->drift_ppm);
    s->drift_left--;
    move_to(s, s->price + s->price * s->drift / 1000000);
  }
  move_to(s, s->price + (s->anchor - s->price) / p->pull);
  if (p->jump_odds && (bits >> 32) % p->jump_odds == 0) jump(s);

  int64_t size = noise < 0 ? -noise : noise;
  int64_t busy = (USUAL + size / 256) * s->heat / USUAL * (USUAL + 4 * s->surge) / USUAL;
  return 1 + s->activity * busy / USUAL * (32768 + volume_noise) / 65536;
}

/* Monday is 0. */
static int64_t day_of_week(int64_t day) { return ((day + 3) % 7 + 7) % 7; }

/* The first time at or after time at which the market is open. Rows of a day or longer know days only. */
static int64_t when_open(int64_t time, int64_t interval) {
  int64_t day = time / SYNTH_DAY - (time % SYNTH_DAY < 0);
  int64_t clock = time - day * SYNTH_DAY;
  if (interval < SYNTH_DAY) {
    if (clock >= SESSION_CLOSE) day++;
    if (clock >= SESSION_CLOSE || clock < SESSION_OPEN) clock = SESSION_OPEN;
  }
  int64_t week_day = day_of_week(day);
  if (week_day >= 5) {
    day += 7 - week_day;
    if (interval < SYNTH_DAY) clock = SESSION_OPEN;
  }
  return day * SYNTH_DAY + clock;
}

/* Sets the time of the next row, `wait` after the newest. Returns 0 at the end of time. */
static int advance(synth_source *s, int64_t wait) {
  if (s->time >= SYNTH_TIME_END - wait) return 0;
  int64_t time = s->time + wait;
  if (s->options.shape == SYNTH_GAPS) {
    int64_t open = when_open(time, s->options.interval);
    if (open >= SYNTH_TIME_END) return 0;
    int overnight = open != time || (wait > 0 && s->options.interval >= SYNTH_DAY);
    if (overnight && s->rows > 0) move_by_noise(s, draw_noise(s), OVERNIGHT_PPM);
    time = open;
  }
  s->time = time;
  s->rows++;
  return 1;
}

void synth_start(synth_source *source, const synth_options *options) {
  *source = (synth_source){.options = *options, .random = options->seed, .time = options->start, .heat = USUAL};
  source->anchor = (10000 + draw_below(source, 90000)) * FINE;
  source->price = source->anchor;
  source->activity = 200 + draw_below(source, 2000);
}

int synth_next_candle(synth_source *source, synth_candle *candle) {
  if (!advance(source, source->rows > 0 ? source->options.interval : 0)) return 0;
  int64_t volume = step(source);
  int64_t price = source->price / FINE;
  *candle = (synth_candle){.time = source->time, .open = price, .high = price, .low = price};
  for (int k = 1; k < CANDLE_STEPS; k++) {
    volume += step(source);
    price = source->price / FINE;
    if (price > candle->high) candle->high = price;
    if (price < candle->low) candle->low = price;
  }
  candle->close = price;
  candle->volume = volume;
  return 1;
}

/* Half of all trades come at the same moment as the one before; the others after up to four mean intervals. */
static int64_t draw_wait(synth_source *s) {
  int64_t unit = s->options.interval >= MILLISECOND ? MILLISECOND : 1;
  if (draw(s) & 1) return 0;
  return draw_below(s, 4 * (s->options.interval / unit) + 1) * unit;
}

int synth_next_trade(synth_source *source, synth_trade *trade) {
  if (!advance(source, source->rows > 0 ? draw_wait(source) : 0)) return 0;
  int64_t volume = step(source);
  int32_t side = draw(source) & 1 ? 1 : -1;
  int64_t lots = 1 + draw_below(source, SYNTH_LOTS);
  *trade = (synth_trade){
      .time = source->time,
      .id = source->rows,
      .price = source->price / FINE + (side > 0),
      .quantity = 1 + volume * lots / 16,
      .side = side,
  };
  return 1;
}

static void put(double *column, size_t row, int64_t value, int divisor) {
  if (column) column[row] = (double)value / divisor;
}

size_t synth_fill_candles(synth_source *source, const synth_columns *columns, size_t n) {
  synth_candle c;
  size_t row = 0;
  for (; row < n && synth_next_candle(source, &c); row++) {
    if (columns->time) columns->time[row] = c.time;
    put(columns->open, row, c.open, SYNTH_TICKS);
    put(columns->high, row, c.high, SYNTH_TICKS);
    put(columns->low, row, c.low, SYNTH_TICKS);
    put(columns->close, row, c.close, SYNTH_TICKS);
    put(columns->volume, row, c.volume, 1);
  }
  return row;
}
