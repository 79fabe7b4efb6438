#include "sha256.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
static uint32_t sum_0(uint32_t x) { return rotate(x, 2) ^ rotate(x, 13) ^ rotate(x, 22); }
static uint32_t sum_1(uint32_t x) { return rotate(x, 6) ^ rotate(x, 11) ^ rotate(x, 25); }
static uint32_t sigma_0(uint32_t x) { return rotate(x, 7) ^ rotate(x, 18) ^ x >> 3; }
static uint32_t sigma_1(uint32_t x) { return rotate(x, 17) ^ rotate(x, 19) ^ x >> 10; }

static void schedule(const uint8_t *block, uint32_t w[64]) {
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
           block[4 * t + 3];
  for (int t = 16; t < 64; t++) w[t] = sigma_1(w[t - 2]) + w[t - 7] + sigma_0(w[t - 15]) + w[t - 16];
}

static void take_block(sha256 *s) {
  uint32_t w[64], v[8];
  schedule(s->block, w);
  memcpy(v, s->state, sizeof v);
  for (int t = 0; t < 64; t++) {
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    const uint32_t first = v[7] + sum_1(v[4]) + choice + constants[t] + w[t], second = sum_0(v[0]) + majority;
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; i++) s->state[i] += v[i];
}

void sha256_begin(sha256 *s) {
  *s = (sha256){
      .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(sha256 *s, const void *bytes, size_t size) {
  const uint8_t *from = bytes;
  while (size > 0) {
    const size_t at = s->size % 64, n = size < 64 - at ? size : 64 - at;
    memcpy(s->block + at, from, n);
    s->size += n;
    from += n;
    size -= n;
    if (s->size % 64 == 0) take_block(s);
  }
}

void sha256_end(sha256 *s, uint8_t out[SHA256_SIZE]) {
  static const uint8_t padding[64] = {0x80};
  const uint64_t bits = 8 * s->size;
  sha256_add(s, padding, 1 + (119 - s->size % 64) % 64);
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_add(s, length, sizeof length);
  for (int i = 0; i < SHA256_SIZE; i++) out[i] = (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_of(const void *bytes, size_t size, uint8_t out[SHA256_SIZE]) {
  sha256 s;
  sha256_begin(&s);
  sha256_add(&s, bytes, size);
  sha256_end(&s, out);
}
