/*
 * SIGINT and SIGTERM: the command ends in order where it can, and at once where it waits for something outside of the
 * process. A signal that was ignored when the command began stays ignored.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "exit_codes.h"

typedef struct cli_interrupt_actions {
  void (*stop)(void *user);                 /* makes work in flight end soon */
  void (*leave)(void *user, cli_exit code); /* the last that is done: the process ends behind it with that code */
  void *user;
} cli_interrupt_actions;

/*
 * From now on the first signal calls stop, or, while some thread waits, leave; the second calls leave. Each is called
 * on a thread of its own, at most once. CLI_OK, or another code after a message: then nothing was begun.
 */
cli_exit cli_interrupt_begin(const cli_interrupt_actions *actions);

/* The signals have their former effect again. Returns what cli_interrupt_code would have. */
cli_exit cli_interrupt_end(void);

/* CLI_OK, or, once a signal has come, the code that the command must end with. Any thread. */
cli_exit cli_interrupt_code(void);

/*
 * Stand around what may wait for ever: a read of a pipe, a driver. Any thread. Unless begin gives CLI_OK a signal has
 * come: the thread must turn back, and there is nothing to end.
 */
cli_exit cli_interrupt_wait_begin(void);
void cli_interrupt_wait_end(void);

#endif
