/*
 * Pixels of charts to the numbers of tensors: each lane writes words of 16 bytes or 4 floats, which lie one behind the
 * other whatever image they are of.
 */
#include "images_args.h"

/* A number: which chart's, and where. */
typedef struct {
  tlk_u32 chart, channel, y, x;
} tlk_expand_place;

/* Number `number` of the charts from `chart` on. */
TLK_FN tlk_expand_place tlk_expand_find(tlk_image image, tlk_u32 chart, tlk_u32 number) {
  const tlk_u32 width = (tlk_u32)image.width, pixels = width * (tlk_u32)image.height;
  const tlk_u32 channels = (tlk_u32)image.channels, each = pixels * channels, rest = number % each;
  const tlk_u32 pixel = image.is_last ? rest / channels : rest % pixels;
  tlk_expand_place place;
  place.chart = chart + number / each;
  place.channel = image.is_last ? rest % channels : rest / pixels;
  place.y = pixel / width;
  place.x = pixel % width;
  return place;
}

TLK_FN tlk_expand_place tlk_expand_step(tlk_image image, tlk_expand_place place) {
  if (image.is_last) {
    if (++place.channel < (tlk_u32)image.channels) return place;
    place.channel = 0;
  }
  if (++place.x < (tlk_u32)image.width) return place;
  place.x = 0;
  if (++place.y < (tlk_u32)image.height) return place;
  place.y = 0;
  if (!image.is_last) {
    if (++place.channel < (tlk_u32)image.channels) return place;
    place.channel = 0;
  }
  place.chart++;
  return place;
}

TLK_FN tlk_u32 tlk_expand_number(tlk_expand_args a, TLK_GLOBAL const tlk_u8 *m, TLK_LOCAL const tlk_u32 *inks,
                                 tlk_expand_place place) {
  const tlk_u64 row = (tlk_u64)place.chart * (tlk_u64)a.image.height + place.y;
  const tlk_u32 ink =
      TLK_AT(const tlk_series, m, a.series)[place.chart].count ? m[a.pixels + row * a.pitch + place.x] : 0;
  return inks[place.channel * TLK_IMAGE_INKS + ink];
}

/* The next numbers that a quarter of a word has, those behind the last being 0. */
TLK_FN tlk_u32 tlk_expand_quarter(tlk_expand_args a, TLK_GLOBAL const tlk_u8 *m, TLK_LOCAL const tlk_u32 *inks,
                                  tlk_expand_place *place, tlk_u64 *left) {
  tlk_u32 bits = 0;
  for (tlk_u32 i = 0; i < (a.image.is_float ? 1u : 4u) && *left > 0; i++, --*left) {
    bits |= tlk_expand_number(a, m, inks, *place) << 8 * i;
    *place = tlk_expand_step(a.image, *place);
  }
  return bits;
}

TLK_KERNEL(tlk_image_expand, tlk_expand_args) {
  TLK_SHARED(tlk_u32, inks, TLK_IMAGE_CHANNELS * TLK_IMAGE_INKS);
  for (tlk_u32 i = TLK_LANE(); i < TLK_IMAGE_CHANNELS * TLK_IMAGE_INKS; i += TLK_EXPAND_LANES)
    inks[i] = TLK_AT(const tlk_u32, m, a.inks)[i];
  TLK_BARRIER();
  const tlk_u32 numbers = a.image.is_float ? 4 : 16;
  const tlk_u64 begin = (tlk_u64)TLK_GROUP() * (TLK_EXPAND_LANES * TLK_EXPAND_WORDS) * numbers;
  const tlk_u64 each = (tlk_u64)a.image.width * (tlk_u64)a.image.height * (tlk_u64)a.image.channels;
  const tlk_u32 chart = (tlk_u32)(begin / each), rest = (tlk_u32)(begin % each);
  for (tlk_u32 i = 0; i < TLK_EXPAND_WORDS; i++) {
    const tlk_u32 offset = (i * TLK_EXPAND_LANES + TLK_LANE()) * numbers;
    if (begin + offset >= a.count) return;
    tlk_expand_place place = tlk_expand_find(a.image, chart, rest + offset);
    tlk_u64 left = a.count - begin - offset;
    tlk_quad word;
    word.x = tlk_expand_quarter(a, m, inks, &place, &left);
    word.y = tlk_expand_quarter(a, m, inks, &place, &left);
    word.z = tlk_expand_quarter(a, m, inks, &place, &left);
    word.w = tlk_expand_quarter(a, m, inks, &place, &left);
    TLK_AT(tlk_quad, m, a.numbers)[(begin + offset) / numbers] = word;
  }
}
