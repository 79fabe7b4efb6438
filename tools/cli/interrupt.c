#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define SIGNALS 2

static const int signals[SIGNALS] = {SIGINT, SIGTERM};
static struct sigaction before[SIGNALS];

static int wake[2]; /* a byte for each signal, its number */
static pthread_t thread;
static cli_interrupt_actions chosen;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cli_exit first; /* under lock: the code of the first signal */
static int n_waiting;  /* under lock */

static void on_signal(int number) {
  const int code = errno;
  const unsigned char byte = (unsigned char)number;
  const ssize_t written = write(wake[1], &byte, 1);
  (void)written; /* a full pipe holds signals enough */
  errno = code;
}

static cli_exit code_of(int number) { return number == SIGINT ? CLI_INTERRUPTED : CLI_TERMINATED; }

/* Where it ends the process the lock is kept, so that nobody goes on from a wait meanwhile. */
static void obey(int number) {
  pthread_mutex_lock(&lock);
  const int again = first != CLI_OK;
  if (!again) first = code_of(number);
  if (again || n_waiting > 0) {
    chosen.leave(chosen.user, first);
    _exit((int)first);
  }
  pthread_mutex_unlock(&lock);
  chosen.stop(chosen.user);
}

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    unsigned char number;
    const ssize_t n = read(wake[0], &number, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n != 1) return NULL;
    obey(number);
  }
}

static void set_handlers(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(signals[i], NULL, &before[i]);
    if (before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
  }
}

cli_exit cli_interrupt_begin(const cli_interrupt_actions *actions) {
  if (pipe2(wake, O_CLOEXEC) != 0) return cli_fail(CLI_NO_MEMORY, "no pipe for signals: %s", strerror(errno));
  fcntl(wake[1], F_SETFL, O_NONBLOCK); /* a handler must not wait */
  chosen = *actions;
  first = CLI_OK;
  const int code = pthread_create(&thread, NULL, watch, NULL);
  if (code != 0) {
    close(wake[0]);
    close(wake[1]);
    return cli_fail(CLI_NO_MEMORY, "no thread for signals: %s", strerror(code));
  }
  set_handlers();
  return CLI_OK;
}

cli_exit cli_interrupt_end(void) {
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
  close(wake[1]); /* which ends the thread */
  pthread_join(thread, NULL);
  close(wake[0]);
  return cli_interrupt_code();
}

cli_exit cli_interrupt_code(void) {
  pthread_mutex_lock(&lock);
  const cli_exit code = first;
  pthread_mutex_unlock(&lock);
  return code;
}

cli_exit cli_interrupt_wait_begin(void) {
  pthread_mutex_lock(&lock);
  const cli_exit code = first;
  if (code == CLI_OK) n_waiting++;
  pthread_mutex_unlock(&lock);
  return code;
}

void cli_interrupt_wait_end(void) {
  pthread_mutex_lock(&lock);
  n_waiting--;
  pthread_mutex_unlock(&lock);
}
