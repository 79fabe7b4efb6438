#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "temporary.h"

#define SIGNALS 2

static const int signals[SIGNALS] = {SIGINT, SIGTERM};
static struct sigaction before[SIGNALS];

/* What comes through the pipe. */
enum { SIGNAL, END };

static int wake[2]; /* a byte for the first signal, and one when the command has ended by itself */
static pthread_t thread;
static cli_interrupt_actions chosen;

static atomic_int first_signal; /* its number; 0: none has come */
static atomic_int at_once;
static atomic_int noted_alone;                       /* there is no pipe, and no thread that waits for it */
static int (*last_words)(void *user, cli_exit code); /* ahead of an end at once; NULL: none */

/* Of the main thread. */
static int held;
static sigset_t mask_before; /* of signals, once they were held */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int n_waiting; /* under lock */
static int settling;  /* under lock: nobody may go on from a wait */
static int leaving;   /* under lock */

static void wake_with(unsigned char byte) {
  const ssize_t written = write(wake[1], &byte, 1);
  (void)written; /* there is room */
}

static void on_signal(int number) {
  const int code = errno;
  int none = 0;
  const int is_first = atomic_compare_exchange_strong(&first_signal, &none, number);
  if (!is_first || (atomic_load(&at_once) && !last_words)) {
    cli_temporary_abandon();
    _exit(number == SIGINT ? CLI_INTERRUPTED : CLI_TERMINATED);
  }
  if (atomic_load(&noted_alone)) return;
  wake_with(SIGNAL);
  errno = code;
}

/* What the command ends with at once. */
cli_exit cli_interrupt_code_at_once(void) {
  return atomic_load(&first_signal) == SIGINT ? CLI_INTERRUPTED : CLI_TERMINATED;
}

void cli_interrupt_wait_for_end(void) {
  for (;;) pause();
}

static void end_stopped(void) {
  cli_temporary_abandon();
  _exit(CLI_STOPPED);
}

static void *leave(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  const int again = leaving;
  leaving = 1;
  pthread_mutex_unlock(&lock);
  if (!again && chosen.leave(chosen.user)) end_stopped();
  return NULL;
}

/* Waits until something comes through the pipe. 0: the time is over. */
static int wait_for_pipe(int milliseconds) {
  struct pollfd entry = {.fd = wake[0], .events = POLLIN};
  int n;
  do n = poll(&entry, 1, milliseconds);
  while (n < 0 && errno == EINTR);
  return n;
}

/*
 * Nobody may read what it says, or a disk that it writes to may have stopped. 1: the command has ended by itself,
 * which it does if it has told its end first. 0: the time is over.
 */
static int say_in_time(void *(*say)(void *)) {
  pthread_t speaker;
  if (pthread_create(&speaker, NULL, say, NULL) != 0) return 0;
  if (wait_for_pipe(CLI_INTERRUPT_LEAVE_SECONDS * 1000) == 0) return 0;
  pthread_join(speaker, NULL);
  return 1;
}

static void leave_in_time(void) {
  if (!say_in_time(leave)) end_stopped();
}

static void *settle(void *unused) {
  chosen.settle(chosen.user);
  return leave(unused);
}

/* Returns whether a signal has come: else the command has ended. */
static int wait_for_signal(void) {
  unsigned char byte;
  pthread_sigmask(SIG_SETMASK, &mask_before, NULL); /* this thread gets them, whatever the others are doing */
  wait_for_pipe(-1);
  return read(wake[0], &byte, 1) == 1 && byte == SIGNAL;
}

static void *watch(void *unused) {
  (void)unused;
  if (!wait_for_signal()) return NULL;
  chosen.stop(chosen.user);
  pthread_mutex_lock(&lock);
  settling = n_waiting > 0;
  pthread_mutex_unlock(&lock);
  pthread_t settler;
  if (settling && pthread_create(&settler, NULL, settle, NULL) != 0) leave_in_time();
  if (wait_for_pipe(CLI_INTERRUPT_SECONDS * 1000) == 0) leave_in_time();
  return NULL;
}

/* Of the calling thread, and of those that it makes from then on. */
void cli_interrupt_hold(void) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < SIGNALS; i++) sigaddset(&set, signals[i]);
  if (!held) pthread_sigmask(SIG_BLOCK, &set, &mask_before);
  held = 1;
}

void cli_interrupt_release(void) {
  if (held) pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
  held = 0;
}

static void set_handlers(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) sigaddset(&action.sa_mask, signals[i]);
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(signals[i], NULL, &before[i]);
    if (before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
  }
}

static void restore_handlers(void) {
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
}

/* A thread that waits for the pipe, and gets the signals. */
static cli_exit start(void *(*run)(void *)) {
  if (pipe2(wake, O_CLOEXEC) != 0) return cli_fail(CLI_NO_MEMORY, "no pipe for signals: %s", strerror(errno));
  cli_interrupt_hold();
  set_handlers();
  const int code = pthread_create(&thread, NULL, run, NULL);
  if (code == 0) return CLI_OK;
  restore_handlers();
  cli_interrupt_release();
  close(wake[0]);
  close(wake[1]);
  return cli_fail(CLI_NO_MEMORY, "no thread for signals: %s", strerror(code));
}

cli_exit cli_interrupt_begin(const cli_interrupt_actions *actions) {
  chosen = *actions;
  return start(watch);
}

void cli_interrupt_end(void) {
  restore_handlers();
  if (atomic_load(&noted_alone) || (atomic_load(&at_once) && !last_words)) return;
  wake_with(END);
  pthread_join(thread, NULL); /* the only one that a handler may still have run on */
  cli_interrupt_release();
  close(wake[1]);
  close(wake[0]);
}

void cli_interrupt_note(void) {
  atomic_store(&noted_alone, 1);
  set_handlers();
}

void cli_interrupt_at_once(void) {
  atomic_store(&at_once, 1);
  set_handlers();
}

static void end_at_once(void) {
  cli_temporary_abandon();
  _exit((int)cli_interrupt_code_at_once());
}

static void *speak(void *unused) {
  (void)unused;
  if (last_words(chosen.user, cli_interrupt_code_at_once())) end_at_once();
  return NULL;
}

static void *watch_for_last_words(void *unused) {
  (void)unused;
  if (wait_for_signal() && !say_in_time(speak)) end_at_once();
  return NULL;
}

cli_exit cli_interrupt_at_once_after(int (*words)(void *user, cli_exit code), void *user) {
  last_words = words;
  chosen.user = user;
  atomic_store(&at_once, 1);
  return start(watch_for_last_words);
}

cli_exit cli_interrupt_code(void) { return atomic_load(&first_signal) ? CLI_STOPPED : CLI_OK; }

const char *cli_interrupt_name(void) { return atomic_load(&first_signal) == SIGINT ? "SIGINT" : "SIGTERM"; }

cli_exit cli_interrupt_wait_begin(void) {
  pthread_mutex_lock(&lock);
  const cli_exit code = cli_interrupt_code();
  if (code == CLI_OK) n_waiting++;
  pthread_mutex_unlock(&lock);
  return code;
}

void cli_interrupt_wait_end(void) {
  pthread_mutex_lock(&lock);
  n_waiting--;
  const int ending = settling;
  pthread_mutex_unlock(&lock);
  if (ending) cli_interrupt_wait_for_end();
}
