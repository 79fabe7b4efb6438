#include "nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LONGEST 32

static int least(int a, int b) { return a < b ? a : b; }

static int same(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Letters to insert, drop, replace, or swap with a neighbour to turn a into b. */
static int edit_distance(const char *a, int a_length, const char *b, int b_length) {
  int d[LONGEST + 1][LONGEST + 1];
  for (int i = 0; i <= a_length; i++) d[i][0] = i;
  for (int j = 0; j <= b_length; j++) d[0][j] = j;
  for (int i = 1; i <= a_length; i++) {
    for (int j = 1; j <= b_length; j++) {
      int replaced = d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);
      d[i][j] = least(replaced, 1 + least(d[i - 1][j], d[i][j - 1]));
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a_length][b_length];
}

void cli_nearest_start(cli_nearest *nearest, const char *word) {
  *nearest = (cli_nearest){.word = word, .distance = LONGEST};
}

void cli_nearest_try(cli_nearest *nearest, const char *name) {
  size_t word_length = strlen(nearest->word), name_length = strlen(name);
  if (word_length == 0 || word_length > LONGEST || name_length > LONGEST) return;
  int distance = edit_distance(nearest->word, (int)word_length, name, (int)name_length);
  if (word_length >= 2 && strncasecmp(nearest->word, name, word_length) == 0) distance = 0;
  if (distance > (int)(word_length + 2) / 3 || distance >= nearest->distance) return;
  nearest->best = name;
  nearest->distance = distance;
}
