#include "fibre.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sanitize.h"

/* Multiples of any page size. */
enum { FENCE = 1 << 16, STACK_SIZE = SC_ASAN || SC_TSAN ? 1 << 18 : 1 << 16 };

/* Stacks begin at different places in their pages, or all would compete for the same lines of the cache. */
enum { SKEW = 320, SKEWS = 64 };

/*
 * A switch saves the registers that a call preserves on the stack that it leaves. ucontext does the same with two
 * system calls, which a kernel with barriers feels.
 */
#if defined(__x86_64__) && defined(__LP64__) && !defined(SOFTCUDA_UCONTEXT)

typedef void *machine;

__attribute__((visibility("hidden"))) void sc_fibre_switch(machine *from, machine to);

__asm__(".text\n"
        ".globl sc_fibre_switch\n"
        ".hidden sc_fibre_switch\n"
        ".type sc_fibre_switch, @function\n"
        "sc_fibre_switch:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  ret\n"
        ".size sc_fibre_switch, .-sc_fibre_switch\n");

static void machine_init(machine *m, unsigned char *stack, size_t size, void (*entry)(void)) {
  /* Six registers, the address to return to, and a place that keeps the stack aligned as after a call. */
  void **top = (void **)(void *)(stack + size) - 8;
  memset(top, 0, 8 * sizeof *top);
  memcpy(&top[6], &entry, sizeof entry);
  *m = top;
}

SC_NO_TSAN static void machine_switch(machine *from, machine *to) { sc_fibre_switch(from, *to); }

#else

#include <ucontext.h>

typedef ucontext_t machine;

static void machine_init(machine *m, unsigned char *stack, size_t size, void (*entry)(void)) {
  getcontext(m);
  m->uc_stack.ss_sp = stack;
  m->uc_stack.ss_size = size;
  m->uc_link = NULL;
  makecontext(m, entry, 0);
}

SC_NO_TSAN static void machine_switch(machine *from, machine *to) { swapcontext(from, to); }

#endif

struct sc_fibre {
  machine inside, outside;
  unsigned char *map, *stack; /* the fence below the stack is forbidden */
  size_t size;
  void (*function)(void);
  bool returned;
#if SC_ASAN
  void *fake_inside, *fake_outside;
  const void *outside_stack;
  size_t outside_size;
#endif
#if SC_TSAN
  void *tsan_inside, *tsan_outside;
#endif
};

static sc_fibre *running;
static unsigned made;

SC_NO_TSAN static void arrived(sc_fibre *f) {
#if SC_ASAN
  __sanitizer_finish_switch_fiber(f->fake_inside, &f->outside_stack, &f->outside_size);
#else
  (void)f;
#endif
}

SC_NO_TSAN void sc_fibre_yield(void) {
  sc_fibre *f = running;
#if SC_ASAN
  __sanitizer_start_switch_fiber(&f->fake_inside, f->outside_stack, f->outside_size);
#endif
#if SC_TSAN
  __tsan_switch_to_fiber(f->tsan_outside, __tsan_switch_to_fiber_no_sync);
#endif
  machine_switch(&f->inside, &f->outside);
  arrived(f);
}

SC_NO_TSAN static void body(void) {
  sc_fibre *f = running;
  arrived(f);
  for (;;) {
    f->function();
    f->returned = true;
    sc_fibre_yield();
  }
}

SC_NO_TSAN bool sc_fibre_resume(sc_fibre *f, void (*function)(void)) {
  f->function = function;
  f->returned = false;
  running = f;
#if SC_ASAN
  __sanitizer_start_switch_fiber(&f->fake_outside, f->stack, f->size);
#endif
#if SC_TSAN
  f->tsan_outside = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(f->tsan_inside, __tsan_switch_to_fiber_no_sync);
#endif
  machine_switch(&f->outside, &f->inside);
#if SC_ASAN
  __sanitizer_finish_switch_fiber(f->fake_outside, NULL, NULL);
#endif
  running = NULL;
  return f->returned;
}

static void start(sc_fibre *f) {
  machine_init(&f->inside, f->stack, f->size, body);
#if SC_ASAN
  f->fake_inside = NULL;
#endif
#if SC_TSAN
  f->tsan_inside = __tsan_create_fiber(0);
#endif
}

static void stop(sc_fibre *f) {
  SC_ALLOW(f->stack, STACK_SIZE);
#if SC_TSAN
  __tsan_destroy_fiber(f->tsan_inside);
#else
  (void)f;
#endif
}

sc_fibre *sc_fibre_new(void) {
  sc_fibre *f = calloc(1, sizeof *f);
  if (f == NULL) return NULL;
  void *map = mmap(NULL, FENCE + STACK_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED || mprotect(map, FENCE, PROT_NONE) != 0) {
    if (map != MAP_FAILED) munmap(map, FENCE + STACK_SIZE);
    free(f);
    return NULL;
  }
  f->map = map;
  f->stack = f->map + FENCE;
  f->size = STACK_SIZE - SKEW * (made++ % SKEWS);
  start(f);
  return f;
}

void sc_fibre_free(sc_fibre *f) {
  if (f == NULL) return;
  stop(f);
  munmap(f->map, FENCE + STACK_SIZE);
  free(f);
}

void sc_fibre_abandon(sc_fibre *f) {
  stop(f);
  start(f);
}
