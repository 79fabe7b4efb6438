/*
 * A file that is being written: NAME.XXXXXX.part beside NAME, locked (flock) for as long as its writer lives, so that
 * what a killed command has left can be told from what another one is writing.
 */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include <stddef.h>

typedef struct cli_temporary {
  char *name;
  int descriptor;
  int place; /* among those that are taken back when a signal ends the command at once; -1: none */
} cli_temporary;

/* Makes one for path, to read and write, with further flags of open. 0, or -1 with errno. */
int cli_temporary_open(cli_temporary *file, const char *path, int flags);

/* Closes it and gives it the name path. 0; or -1 with errno, then it is gone. */
int cli_temporary_keep(cli_temporary *file, const char *path);

/* Closes and removes it. */
void cli_temporary_drop(cli_temporary *file);

/* From now on nothing but its owner takes it back. */
void cli_temporary_release(cli_temporary *file);

/* Closes it but leaves it where it is. */
void cli_temporary_leave(cli_temporary *file);

/* Removes all that are open now, but none that was released. For signal handlers too. */
void cli_temporary_abandon(void);

/* If entry is such a name the length of the NAME in it, else 0. */
size_t cli_temporary_stem(const char *entry);

/* Removes a temporary unless its writer lives. */
void cli_temporary_sweep(const char *path);

#endif
