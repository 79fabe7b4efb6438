#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TLK_HOST_KERNELS
#include "../../kernels/dialect.h"
#include "driver.h"
#include "fibre.h"
#include "sanitize.h"

/*
 * One block at a time. Its lanes run up to the barrier, in a random order, and then on to the next. Lanes share no
 * order but that of the barriers, which ThreadSanitizer is told, so that it finds races between them.
 */
enum { SHARED_SIZE = 48 << 10, SHARED_GAP = 64, SHARED_POISON = 0xD5, MAX_REQUESTS = 32 };

typedef struct request {
  size_t start, size;
} request;

static struct {
  const sc_launch *launch;
  const void *parameters[2];
  uint32_t group, lane, phase;
  const char *fault; /* what the kernel did wrong */
  cu_result code;
  pthread_t thread; /* that runs it */
  struct sigaction former_segv, former_bus;
  sigset_t former_mask;
  request requests[MAX_REQUESTS];
  unsigned request_count, requests_of[SC_MAX_LANES];
  size_t shared_used, shared_end;
  char start, end, barriers[2]; /* what ThreadSanitizer knows these points by */
} block;

static sc_fibre *fibres[SC_MAX_LANES];
static _Alignas(64) unsigned char shared[SHARED_SIZE + SHARED_GAP * (2 * MAX_REQUESTS)];

/* ---- what a kernel calls ---- */

SC_NO_TSAN uint32_t tlk_host_group(void) { return block.group; }

SC_NO_TSAN uint32_t tlk_host_lane(void) { return block.lane; }

SC_NO_TSAN static void set_fault(cu_result code, const char *fault) {
  block.code = code;
  block.fault = fault;
}

/* The lane at hand goes no further. */
SC_NO_TSAN static _Noreturn void stop_lane(cu_result code, const char *fault) {
  set_fault(code, fault);
  SC_RELEASE(&block.end);
  sc_fibre_yield();
  abort();
}

SC_NO_TSAN void tlk_host_barrier(void) {
  if (!block.launch->kernel->barriers)
    stop_lane(CU_LAUNCH_FAILED, "a barrier in a kernel whose table entry says that it has none");
  void *token = &block.barriers[block.phase & 1];
  SC_RELEASE(token);
  sc_fibre_yield();
  SC_ACQUIRE(token);
}

static size_t round_up(size_t size) { return (size + SHARED_GAP - 1) / SHARED_GAP * SHARED_GAP; }

SC_NO_TSAN void *tlk_host_shared(size_t size) {
  const unsigned index = block.requests_of[block.lane]++;
  if (index == block.request_count) {
    if (index == MAX_REQUESTS || size > SHARED_SIZE - block.shared_used)
      stop_lane(CU_LAUNCH_FAILED, "more shared memory than there is");
    block.requests[block.request_count++] = (request){block.shared_end, size};
    block.shared_used += size;
    block.shared_end += round_up(size) + SHARED_GAP;
    SC_FORBID(shared + block.requests[index].start + size, round_up(size) - size + SHARED_GAP);
  }
  if (block.requests[index].size != size) stop_lane(CU_LAUNCH_FAILED, "lanes that ask for shared memory differently");
  return shared + block.requests[index].start;
}

/* ---- lanes ---- */

SC_NO_TSAN static void run_lane(void) {
  SC_ACQUIRE(&block.start);
  block.launch->kernel->entry(block.parameters);
  SC_RELEASE(&block.end);
}

/* A kernel without barriers needs one fibre for all lanes. */
static void run_lanes(void) {
  sc_walk walk = sc_walk_start(block.launch->lanes);
  for (uint32_t i = 0; i < block.launch->lanes; ++i) {
    block.lane = sc_walk_next(&walk);
    run_lane();
  }
}

/* ThreadSanitizer sees a race only between fibres. */
static bool fibre_per_lane(void) { return block.launch->kernel->barriers || SC_TSAN; }

static uint32_t fibre_count(void) { return fibre_per_lane() ? block.launch->lanes : 1; }

/* Every fibre once, up to the barrier or its end. True when all have ended. */
static bool run_phase(void) {
  uint32_t waiting = 0;
  const uint32_t count = fibre_count();
  sc_walk walk = sc_walk_start(count);
  for (uint32_t i = 0; i < count && block.fault == NULL; ++i) {
    block.lane = sc_walk_next(&walk);
    if (!sc_fibre_resume(fibres[block.lane], fibre_per_lane() ? run_lane : run_lanes)) ++waiting;
  }
  ++block.phase;
  if (block.fault == NULL && waiting > 0 && waiting < count)
    set_fault(CU_LAUNCH_FAILED, "a barrier that some lanes of a block did not come to");
  return waiting == 0;
}

static void run_block(void) {
  while (block.fault == NULL)
    if (run_phase()) return;
  for (uint32_t i = 0; i < fibre_count(); ++i) sc_fibre_abandon(fibres[i]);
  SC_ACQUIRE(&block.barriers[0]);
  SC_ACQUIRE(&block.barriers[1]);
}

static bool make_fibres(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (fibres[i] == NULL) fibres[i] = sc_fibre_new();
    if (fibres[i] == NULL) return false;
  }
  return true;
}

/* ---- blocks ---- */

static void open_block(uint32_t group) {
  block.group = group;
  block.phase = 0;
  block.request_count = 0;
  memset(block.requests_of, 0, block.launch->lanes * sizeof *block.requests_of);
  SC_ALLOW(shared, sizeof shared);
  memset(shared, SHARED_POISON, block.shared_end);
  block.shared_used = block.shared_end = 0;
  SC_RELEASE(&block.start);
}

static void close_block(void) {
  SC_ACQUIRE(&block.end);
  SC_ALLOW(shared, sizeof shared);
  for (unsigned i = 0; i < block.request_count; ++i) {
    const request r = block.requests[i];
    for (size_t at = r.start + r.size; at < r.start + round_up(r.size) + SHARED_GAP; ++at)
      if (shared[at] != SHARED_POISON) set_fault(CU_LAUNCH_FAILED, "a write beyond shared memory");
  }
}

/* ---- illegal addresses ---- */

/* A lane that touches what is not mapped, freed memory for one, is left where it stands. */
SC_NO_TSAN static void on_signal(int number, siginfo_t *info, void *machine) {
  (void)info, (void)machine;
  if (pthread_equal(pthread_self(), block.thread)) stop_lane(CU_ILLEGAL_ADDRESS, "an illegal memory access");
  sigaction(number, number == SIGSEGV ? &block.former_segv : &block.former_bus, NULL);
}

static void catch_signals(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  block.thread = pthread_self();
  pthread_sigmask(SIG_SETMASK, NULL, &block.former_mask);
  sigaction(SIGSEGV, &action, &block.former_segv);
  sigaction(SIGBUS, &action, &block.former_bus);
}

/* The handler doesn't return, so the mask is as in the handler. */
static void release_signals(void) {
  pthread_sigmask(SIG_SETMASK, &block.former_mask, NULL);
  sigaction(SIGSEGV, &block.former_segv, NULL);
  sigaction(SIGBUS, &block.former_bus, NULL);
}

/* ---- launches ---- */

cu_result sc_launch_run(const sc_launch *launch) {
  block.launch = launch;
  block.parameters[0] = launch->args;
  block.parameters[1] = &launch->slab;
  block.fault = NULL;
  block.shared_end = sizeof shared;
  if (!make_fibres(fibre_count())) set_fault(CU_OUT_OF_MEMORY, "more fibres than this machine has memory for");
  catch_signals();
  sc_walk walk = sc_walk_start(launch->groups);
  for (uint32_t i = 0; i < launch->groups && block.fault == NULL; ++i) {
    open_block(sc_walk_next(&walk));
    run_block();
    close_block();
    ++sc.stats.blocks;
  }
  release_signals();
  ++sc.stats.launches;
  if (block.fault == NULL) return CU_SUCCESS;
  sc_report("%s, block %u: %s", launch->kernel->name, (unsigned)block.group, block.fault);
  return block.code;
}

void sc_group_end(void) {
  for (unsigned i = 0; i < SC_MAX_LANES; ++i) {
    sc_fibre_free(fibres[i]);
    fibres[i] = NULL;
  }
}
