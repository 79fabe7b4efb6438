/*
 * The manifest of a run while it goes on: a journal of its own, NAME.XXXXXX.part beside the manifest NAME, which gets
 * a line as each job is done. Whatever ends the command, the lines stay, and a later run takes over what it finds.
 */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include <stdint.h>

#include "exit_codes.h"
#include "manifest.h"
#include "shard.h"
#include "targets.h"

typedef struct cli_journal cli_journal;

typedef struct cli_journal_options {
  cli_targets *targets; /* whose folder it is in; must outlive the journal */
  cli_span header;      /* the first line, likewise */
  cli_shard shard;
  int resume;  /* 1: jobs are taken over; 0: what older runs have left is removed, by a part what is its own */
  int dry_run; /* 1: nothing is written */
  int quiet;   /* 1: nothing is said but errors */
} cli_journal_options;

/*
 * Looks at what is in the folder, makes the folder if it is missing, and begins a journal there. CLI_OK; CLI_USAGE
 * after a message if a manifest is of other parameters and resume is set; or another code after a message.
 */
cli_exit cli_journal_open(cli_journal **journal, const cli_journal_options *options);

/* 1 if a run of these parts writes or removes the entry of its folder: a manifest, or the journal of one. */
int cli_journal_replaces(cli_targets *targets, const cli_shard *shard, const char *entry);

/*
 * The line of an earlier run for this job, valid until the next call. 0: there is none. Not at the same time as
 * another call of this function.
 */
int cli_journal_find(cli_journal *journal, cli_span identity, cli_manifest_entry *entry);

/* Adds a line; each ordinal once. CLI_OK, or another code after a message: then the run must end. Any thread. */
cli_exit cli_journal_add(cli_journal *journal, int64_t ordinal, cli_span identity, cli_span result);

/*
 * Makes the manifest, of a run that had `total` jobs with those of other parts, and removes what is of no use any
 * more. Every ordinal of the part must have been added.
 */
cli_exit cli_journal_finish(cli_journal *journal, int64_t total);

/* Ends it and sets *journal to NULL. Unless it was finished it stays where it is, if it has a job. NULL is fine. */
void cli_journal_close(cli_journal **journal);

/* 1 if the file has this size and SHA-256. */
int cli_journal_check_file(const char *path, int64_t size, const uint8_t *sha256);

#endif
