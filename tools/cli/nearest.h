/* Which of some names someone meant. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

typedef struct cli_nearest {
  const char *word;
  const char *best; /* NULL: none is near */
  int distance;
} cli_nearest;

void cli_nearest_start(cli_nearest *nearest, const char *word);
void cli_nearest_try(cli_nearest *nearest, const char *name);

#endif
