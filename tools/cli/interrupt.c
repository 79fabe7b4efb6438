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

static int wake[2]; /* a byte for the first signal; closed at the end */
static pthread_t thread;
static cli_interrupt_actions chosen;

static atomic_int first_signal; /* its number; 0: none has come */
static atomic_int at_once;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int n_waiting; /* under lock */
static int settling;  /* under lock: nobody may go on from a wait */
static int leaving;   /* under lock */

static void on_signal(int number) {
  const int code = errno;
  int none = 0;
  if (!atomic_compare_exchange_strong(&first_signal, &none, number) || atomic_load(&at_once)) {
    cli_temporary_abandon();
    _exit(number == SIGINT ? CLI_INTERRUPTED : CLI_TERMINATED);
  }
  const ssize_t written = write(wake[1], "", 1);
  (void)written; /* the pipe is empty */
  errno = code;
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
  if (again) cli_interrupt_wait_for_end();
  chosen.leave(chosen.user);
  end_stopped();
  return NULL;
}

/* Nobody may read what it says, or a disk that it writes to may have stopped. */
static void leave_in_time(void) {
  pthread_t leaver;
  if (pthread_create(&leaver, NULL, leave, NULL) == 0) sleep(CLI_INTERRUPT_LEAVE_SECONDS);
  end_stopped();
}

static void *settle(void *unused) {
  chosen.settle(chosen.user);
  return leave(unused);
}

/* Waits until the pipe can be read or is closed. 0: the time is over. */
static int wait_for_pipe(int milliseconds) {
  struct pollfd entry = {.fd = wake[0], .events = POLLIN};
  int n;
  do n = poll(&entry, 1, milliseconds);
  while (n < 0 && errno == EINTR);
  return n;
}

static void *watch(void *unused) {
  (void)unused;
  unsigned char byte;
  wait_for_pipe(-1);
  if (read(wake[0], &byte, 1) != 1) return NULL;
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
static void mask_signals(int how) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < SIGNALS; i++) sigaddset(&set, signals[i]);
  pthread_sigmask(how, &set, NULL);
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

cli_exit cli_interrupt_begin(const cli_interrupt_actions *actions) {
  if (pipe2(wake, O_CLOEXEC) != 0) return cli_fail(CLI_NO_MEMORY, "no pipe for signals: %s", strerror(errno));
  chosen = *actions;
  const int code = pthread_create(&thread, NULL, watch, NULL);
  if (code != 0) {
    close(wake[0]);
    close(wake[1]);
    return cli_fail(CLI_NO_MEMORY, "no thread for signals: %s", strerror(code));
  }
  set_handlers();
  mask_signals(SIG_BLOCK); /* the thread above gets them, whatever the others are doing */
  return CLI_OK;
}

void cli_interrupt_end(void) {
  restore_handlers();
  if (atomic_load(&at_once)) return;
  mask_signals(SIG_UNBLOCK);
  close(wake[1]); /* which ends the thread */
  pthread_join(thread, NULL);
  close(wake[0]);
}

void cli_interrupt_at_once(void) {
  atomic_store(&at_once, 1);
  set_handlers();
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
