/* Where what is made of each input goes. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include <stdint.h>

#include "buffer.h"
#include "exit_codes.h"

/* What a command makes. */
typedef struct cli_target_kind {
  const char *command;    /* "render" */
  const char *things;     /* "charts" */
  const char *endings[2]; /* of the files, with the point: the first is that of files in a folder; NULL: no more */
} cli_target_kind;

extern const cli_target_kind cli_charts;

typedef struct cli_targets {
  const cli_target_kind *kind;
  const char *out;
  int in_folder;      /* 1: out is a folder that gets the files; 0: out is the file, or "-" */
  int numbered;       /* 1: there are windows */
  int by_symbol;      /* 1: there are symbols */
  int n_made;         /* folders that were made, one in the other */
  size_t made_length; /* of the name of the last of them, which begins as out does */
} cli_targets;

/*
 * Decides how out is meant for n inputs. CLI_OK, or CLI_USAGE after a message: two inputs would give one file, ...
 */
cli_exit cli_targets_plan(cli_targets *targets, const cli_target_kind *kind, const char *out, int numbered,
                          int by_symbol, int n, char **inputs);

/*
 * Makes the folder and those above it where they are missing; that of a single file must be there. CLI_OK, or another
 * code after a message.
 */
cli_exit cli_targets_make_folder(cli_targets *targets);

/* 1 if the path ends so, in any case, and is longer. */
int cli_ends_in(const char *path, const char *ending);

/* 1 if both are names of one file. */
int cli_is_same_file(const char *a, const char *b);

/* Removes the folders that were made, as far as they are empty. */
void cli_targets_remove_folder(cli_targets *targets);

/* The name of a file without its folder: STEM_SYMBOL_NUMBER.png. symbol may be NULL, number -1. */
void cli_targets_name(const cli_targets *targets, const char *input, const char *symbol, int64_t number,
                      cli_buffer *out);

/* The name of an input without folders and endings: data/aapl.csv.gz gives aapl. */
void cli_targets_stem(const char *input, cli_buffer *out);

/* The file with that name, or with another in the same folder, with a terminator. */
void cli_targets_path(const cli_targets *targets, const char *name, size_t length, cli_buffer *out);

/* The folder that the files are in: out, or what comes before the last slash, or ".". With a terminator. */
void cli_targets_folder(const cli_targets *targets, cli_buffer *out);

/* The name of path in the folder that the files are in; NULL: it is not in it. Freed by the caller. */
char *cli_targets_entry(const cli_targets *targets, const char *path);

/* 1 if one of n inputs may give a file of this name in the folder. */
int cli_targets_has(const cli_targets *targets, const char *entry, int n, char **inputs);

/* Removes what dead writers have left of such files. */
void cli_targets_sweep(const cli_targets *targets);

/*
 * Symbols whose names were given out, of all inputs. All 0: none. Not more memory than the symbols themselves and a
 * little for each.
 */
typedef struct cli_names_taken {
  struct cli_name_taken *slots;
  int64_t capacity, used;
} cli_names_taken;

/*
 * Takes the name of a symbol of an input. CLI_OK; CLI_DATA with a reason if another has it; CLI_NO_MEMORY with one.
 */
cli_exit cli_names_take(cli_names_taken *names, const cli_targets *targets, const char *input, const char *symbol,
                        cli_buffer *reason);
void cli_names_free(cli_names_taken *names);

#endif
