#include "threads.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "arithmetic.h"
#include "cpus.h"
#include "error.h"
#include "fault.h"

/* How long a thread looks for the next loop, or for the others' end, before it sleeps: waking takes longer than most
 * charts. */
#define SPIN_NANOSECONDS 30000

/* A thread of the team, the caller being worker 0. */
struct member {
  struct tlw_team *team;
  pthread_t thread;
  uint32_t worker;
  /* Its share of the items: as the same items go to the same thread in each loop, their memory stays in its cache. */
  _Alignas(64) _Atomic int64_t next;
  int64_t end;
};

struct tlw_team {
  struct tlw_memory *memory;
  uint32_t threads; /* wanted, the caller included */
  uint32_t started; /* members that run */
  pthread_mutex_t lock;
  pthread_cond_t begun, ended;
  _Atomic uint64_t round;  /* of loops; written under lock */
  _Atomic uint32_t active; /* members at work on this round; written under lock */
  uint32_t sleepers;       /* under lock, as all that follows */
  bool open;               /* members may still join this round */
  uint32_t workers;        /* that take part in it */
  bool stop;
  bool crowded; /* more threads than CPUs: whoever spins is in the way of work */
  tlw_team_fn run;
  void *context;
  struct member members[]; /* by worker */
};

uint64_t tlw_team_size(uint32_t threads) { return sizeof(struct tlw_team) + (uint64_t)threads * sizeof(struct member); }

static void take_items(struct tlw_team *team, uint32_t worker, struct member *share) {
  for (;;) {
    const int64_t item = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
    if (item >= share->end) return;
    team->run(team->context, worker, item);
  }
}

/* Its own share first, then what others have left. */
static void work(struct tlw_team *team, uint32_t worker) {
  for (uint32_t i = 0; i < team->workers; i++) take_items(team, worker, &team->members[(worker + i) % team->workers]);
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void spin_for_round_after(struct tlw_team *team, uint64_t seen) {
  if (team->crowded) return;
  const int64_t end = nanoseconds() + SPIN_NANOSECONDS;
  while (atomic_load_explicit(&team->round, memory_order_relaxed) == seen && nanoseconds() < end) pause_briefly();
}

static void spin_for_end(struct tlw_team *team) {
  if (team->crowded) return;
  const int64_t end = nanoseconds() + SPIN_NANOSECONDS;
  while (atomic_load_explicit(&team->active, memory_order_relaxed) && nanoseconds() < end) pause_briefly();
}

/* Sleeps until there is a round after *seen and joins it. Whether there is more to come. */
static bool join_round(struct tlw_team *team, uint32_t worker, uint64_t *seen, bool *joined) {
  pthread_mutex_lock(&team->lock);
  while (team->round == *seen && !team->stop) {
    team->sleepers++;
    pthread_cond_wait(&team->begun, &team->lock);
    team->sleepers--;
  }
  const bool more = !team->stop;
  *seen = team->round;
  *joined = more && team->open && worker < team->workers;
  if (*joined) team->active++;
  pthread_mutex_unlock(&team->lock);
  return more;
}

static void leave_round(struct tlw_team *team) {
  pthread_mutex_lock(&team->lock);
  if (--team->active == 0) pthread_cond_signal(&team->ended);
  pthread_mutex_unlock(&team->lock);
}

static void *member_main(void *argument) {
  const struct member *member = argument;
  struct tlw_team *team = member->team;
  fenv_t inherited;
  tlw_arithmetic_begin(&inherited);
  uint64_t seen = 0;
  bool joined;
  while (join_round(team, member->worker, &seen, &joined)) {
    if (joined) {
      work(team, member->worker);
      leave_round(team);
    }
    spin_for_round_after(team, seen);
  }
  return NULL;
}

int tlw_thread_start(pthread_t *thread, void *(*run)(void *), void *argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = tlw_fault_strikes(TLW_FAULT_MEMORY) ? EAGAIN : pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

tlw_status tlw_team_open(struct tlw_team **out, uint32_t threads, struct tlw_memory *memory, tlw_error *error) {
  *out = NULL;
  tlw_error failure;
  struct tlw_team *team = tlw_memory_alloc(memory, tlw_team_size(threads), "the threads' records", &failure);
  if (!team) {
    if (error) *error = failure;
    return failure.code;
  }
  team->memory = memory;
  team->threads = threads;
  team->crowded = threads > tlw_cpus();
  pthread_mutex_init(&team->lock, NULL);
  pthread_cond_init(&team->begun, NULL);
  pthread_cond_init(&team->ended, NULL);
  *out = team;
  for (uint32_t worker = 1; worker < threads; worker++) {
    struct member *member = &team->members[worker];
    member->team = team;
    member->worker = worker;
    const int failed = tlw_thread_start(&member->thread, member_main, member);
    if (failed) {
      tlw_team_close(out);
      return tlw_fail_native(error, TLW_ERR_MEMORY, failed, "the system refused thread %u of %u: ask for fewer",
                             worker + 1, threads);
    }
    team->started++;
  }
  return TLW_OK;
}

void tlw_team_close(struct tlw_team **out) {
  struct tlw_team *team = *out;
  if (!team) return;
  pthread_mutex_lock(&team->lock);
  team->stop = true;
  pthread_cond_broadcast(&team->begun);
  pthread_mutex_unlock(&team->lock);
  for (uint32_t i = 1; i <= team->started; i++) pthread_join(team->members[i].thread, NULL);
  pthread_cond_destroy(&team->ended);
  pthread_cond_destroy(&team->begun);
  pthread_mutex_destroy(&team->lock);
  tlw_memory_free(team->memory, team, tlw_team_size(team->threads));
  *out = NULL;
}

uint32_t tlw_team_threads(const struct tlw_team *team) { return team->threads; }

void tlw_team_run(struct tlw_team *team, uint32_t workers, int64_t items, tlw_team_fn run, void *context) {
  if (workers == 1 || items <= 1) {
    for (int64_t i = 0; i < items; i++) run(context, 0, i);
    return;
  }
  pthread_mutex_lock(&team->lock);
  team->workers = workers;
  for (uint32_t i = 0; i < workers; i++) {
    team->members[i].end = items * (i + 1) / workers;
    atomic_store_explicit(&team->members[i].next, items * i / workers, memory_order_relaxed);
  }
  team->run = run;
  team->context = context;
  team->open = true;
  team->round++;
  if (team->sleepers) pthread_cond_broadcast(&team->begun);
  pthread_mutex_unlock(&team->lock);
  work(team, 0);
  /* A member that has not woken by now is not waited for. */
  spin_for_end(team);
  pthread_mutex_lock(&team->lock);
  team->open = false;
  while (team->active) pthread_cond_wait(&team->ended, &team->lock);
  pthread_mutex_unlock(&team->lock);
}
