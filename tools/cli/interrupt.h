/*
 * SIGINT and SIGTERM. The first lets the command end in order: nothing new begins, what is in flight is finished, for
 * CLI_INTERRUPT_SECONDS at most. The second ends it at once. A signal that was ignored when the command began stays
 * ignored. Whatever ends the command here takes back the files that are open (temporary.h).
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "exit_codes.h"

#define CLI_INTERRUPT_SECONDS 5
#define CLI_INTERRUPT_LEAVE_SECONDS 2

typedef struct cli_interrupt_actions {
  void (*stop)(void *user);   /* no new work begins any more; returns soon */
  void (*settle)(void *user); /* waits for work in flight, in place of a thread that waits for something outside */
  /*
   * The last that is done: the process ends behind it, or CLI_INTERRUPT_LEAVE_SECONDS later, with CLI_STOPPED.
   * Returns 0 if the command has told its own end: then it goes on to that, for the same time at most.
   */
  int (*leave)(void *user);
  void *user;
} cli_interrupt_actions;

/*
 * From now on the first signal calls stop. If a thread waits for something outside then, settle and leave follow; if
 * the command has not ended in time, leave alone. Each is called at most once, on threads of their own. CLI_OK, or
 * another code after a message: then nothing was begun.
 */
cli_exit cli_interrupt_begin(const cli_interrupt_actions *actions);

/* The signals have their former effect again. */
void cli_interrupt_end(void);

/*
 * From now on signals wait until one of the functions of this file has begun to handle them, or until release: for
 * what must not be left half made. All on one thread, ahead of others.
 */
void cli_interrupt_hold(void);
void cli_interrupt_release(void);

/* For a command with nothing to finish: until cli_interrupt_end the first signal ends it at once. */
void cli_interrupt_at_once(void);

/*
 * Likewise, but ahead of the end the first signal has words called, with the code that the command ends with, on a
 * thread of its own, for CLI_INTERRUPT_LEAVE_SECONDS at most; the second ends it at once. If words return 0 the command
 * has told its own end, and goes on to that, for the same time at most. CLI_OK, or another code after a message: then
 * nothing was begun.
 */
cli_exit cli_interrupt_at_once_after(int (*words)(void *user, cli_exit code), void *user);

/*
 * For a command that asks cli_interrupt_code again and again: the first signal does nothing else; until
 * cli_interrupt_end the second ends it at once.
 */
void cli_interrupt_note(void);

/* What a command that had nothing to finish ends with, once a signal has come. */
cli_exit cli_interrupt_code_at_once(void);

/* For a thread that must touch nothing any more, for leave goes on beside it. Does not return. */
void cli_interrupt_wait_for_end(void);

/* CLI_OK, or, once a signal has come, CLI_STOPPED. Any thread. */
cli_exit cli_interrupt_code(void);

/* "SIGINT" or "SIGTERM", once one has come. */
const char *cli_interrupt_name(void);

/*
 * Stand around what may wait for ever on the thread that pushes work: a read of a pipe, a driver. Unless begin gives
 * CLI_OK a signal has come: the thread must turn back, and there is nothing to end.
 */
cli_exit cli_interrupt_wait_begin(void);
void cli_interrupt_wait_end(void);

#endif
