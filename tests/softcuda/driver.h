/*
 * The parts of the software CUDA driver. One lock guards everything; a function of the CUDA API takes it in sc_enter
 * and gives it back in sc_leave, and all other functions are called under it. Only sc_clock_wait lets go of it
 * between: what calls it, directly or not, looks again at what another thread may have freed.
 */
#ifndef TALLOW_SOFTCUDA_DRIVER_H
#define TALLOW_SOFTCUDA_DRIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../host/gpu/cuda_api.h"
#include "softcuda.h"

#define SC_DECLARE(name, member, parameters) SOFTCUDA_API cu_result name parameters;
CU_FUNCTIONS(SC_DECLARE)
#undef SC_DECLARE

/* SC_EXECUTE stands for the execution of a queued operation. */
#define SC_ENUMERATE(name, member, parameters) SC_##name,
typedef enum sc_function { CU_FUNCTIONS(SC_ENUMERATE) SC_EXECUTE, SC_FUNCTIONS } sc_function;
#undef SC_ENUMERATE

enum { SC_MAX_DEVICES = 8, SC_MAX_LANES = 1024 };

/* Each does one operation of a device at a time. Copies within the device are computing. */
typedef enum sc_engine { SC_UPLOAD, SC_DOWNLOAD, SC_COMPUTE, SC_ENGINES } sc_engine;

typedef struct sc_stream sc_stream;
typedef struct sc_allocation sc_allocation;

typedef struct sc_context {
  cu_device device;
  unsigned retains;
  cu_result error;   /* sticky */
  cu_context handle; /* NULL: not alive */
  sc_stream *legacy; /* the default stream */
  sc_allocation *allocations, *host_allocations;
  uint64_t allocated;               /* of the device */
  uint64_t engine_free[SC_ENGINES]; /* when it has done all that was queued for it */
} sc_context;

typedef struct sc_config {
  int devices, driver, capability;
  bool fp64, mig, integrated;
  uint64_t memory;
  cu_result init;
  char skip[64];  /* a kernel that does nothing */
  bool pretended; /* kernels and large copies do nothing but take their time */
  /* Planted times: bytes, bytes and lanes a second; microseconds. 0: no time. */
  uint64_t upload_rate, download_rate, compute_rate, launch_time, copy_time;
  bool virtual_clock;
} sc_config;

typedef struct sc_driver {
  pthread_mutex_t lock;
  bool configured, initialised;
  cu_result lost;   /* a sticky error that struck outside any context */
  uint64_t life;    /* grows when everything is abandoned */
  uint64_t hang_in; /* that many operations from now one never ends; 0: none */
  sc_config config;
  uint64_t random;
  uint64_t calls[SC_FUNCTIONS];
  struct softcuda_stats stats;
  uint64_t device_peak[SC_MAX_DEVICES];
  sc_context contexts[SC_MAX_DEVICES];
} sc_driver;

extern sc_driver sc;

/* ---- driver.c ---- */

typedef enum sc_need { SC_NEED_NOTHING, SC_NEED_INIT, SC_NEED_CONTEXT } sc_need;

/* Takes the lock. context may be NULL unless need is SC_NEED_CONTEXT. sc_leave follows whatever is returned. */
cu_result sc_enter(sc_function function, sc_need need, sc_context **context);
cu_result sc_leave(cu_result result);
/* The call at hand waits for an operation that hangs. */
_Noreturn void sc_never(void);

/* ---- control.c ---- */

/* Reads the environment, the first time. */
void sc_configure(void);
/* The code with which this call must fail, or CU_SUCCESS. */
cu_result sc_fault(sc_function function, bool *sticky);
const char *sc_function_name(sc_function function);
/* Below bound, which must not be 0. */
uint32_t sc_random(uint32_t bound);
__attribute__((format(printf, 1, 2))) void sc_report(const char *format, ...);

/* 0 to count - 1, each once, in a random order. */
typedef struct sc_walk {
  uint32_t at, stride, count;
} sc_walk;
sc_walk sc_walk_start(uint32_t count);
uint32_t sc_walk_next(sc_walk *walk);

/* ---- error.c ---- */

/* NULL where the code is unknown. */
const char *sc_error_name(cu_result code);
bool sc_error_code(const char *name, cu_result *code);

/* ---- handle.c ---- */

typedef enum sc_kind { SC_CONTEXT = 1, SC_STREAM, SC_EVENT, SC_MODULE, SC_KERNEL } sc_kind;

/* A number that was never given before and is no address. NULL when out of memory. */
void *sc_handle_new(sc_kind kind, sc_context *context, void *object);
/* The object, or NULL if the handle is not alive, or of another kind or context. context NULL: of any. */
void *sc_handle_object(const void *handle, sc_kind kind, const sc_context *context);
void sc_handle_close(const void *handle);
/* Some handle of a kind and context, or NULL. */
void *sc_handle_first(sc_kind kind, const sc_context *context);
void sc_handle_end(void);

/* ---- context.c ---- */

cu_result sc_context_current(sc_context **context);
/* Sets the sticky error, if none is set, and drops queued work. */
void sc_context_fail(sc_context *context, cu_result code);
void sc_context_destroy(sc_context *context);

/* All threads have nothing pushed. */
void sc_context_forget_pushed(void);

/* ---- clock.c ---- */

/* Whether operations take time. */
bool sc_clock_planted(void);
/*
 * Nanoseconds. Each device has a virtual clock of its own, so that a thread that waits for one does not delay others.
 */
uint64_t sc_clock_now(cu_device device);
/* Until then. Sleeps without the lock, or sets the virtual clock. */
void sc_clock_wait(cu_device device, uint64_t until);
/* Nanoseconds that a copy from or to the host, and a launch, take. */
uint64_t sc_clock_copy(sc_engine engine, uint64_t bytes);
uint64_t sc_clock_launch(uint64_t lanes);
/* When an operation that is queued now and takes so long begins, not before it is ready, and ends. */
typedef struct sc_span {
  uint64_t begin, end;
} sc_span;
sc_span sc_clock_plan(sc_context *context, sc_engine engine, uint64_t duration, uint64_t ready);
/* An operation was carried out. */
void sc_clock_count(cu_device device, sc_engine engine, sc_span span);
void sc_clock_restart(void);

/* ---- memory.c ---- */

/* Whether one allocation of the device holds all these bytes. */
bool sc_memory_holds(const sc_context *context, cu_pointer pointer, size_t bytes);
/* Of a range of host memory. SC_STRADDLING: it is page-locked in part. */
typedef enum sc_locking { SC_PAGEABLE, SC_LOCKED, SC_STRADDLING } sc_locking;
sc_locking sc_memory_locking(uintptr_t start, size_t bytes);
/* Looks at every guard zone; a damaged one is reported, repaired, and fails the context. */
void sc_memory_check(sc_context *context, const char *when);
void sc_memory_release(sc_context *context);
void sc_memory_end(void);

/* ---- stream.c ---- */

typedef struct sc_copy {
  unsigned char *target;
  const unsigned char *source;
  size_t target_pitch, source_pitch, width, height;
  bool from_host, to_host;
  bool source_locked, target_locked; /* the host's side is page-locked */
} sc_copy;

typedef struct sc_kernel {
  const char *name;
  void (*entry)(const void *const *parameters);
  size_t args_size;
  bool barriers; /* false: the kernel has none, and its lanes may run one after another */
} sc_kernel;

typedef struct sc_launch {
  const sc_kernel *kernel;
  uint32_t groups, lanes;
  void *args, *slab; /* args: a copy */
} sc_launch;

sc_stream *sc_stream_new(sc_context *context, bool blocking);
/* The stream of a handle, NULL being the default stream; NULL if there is none. */
sc_stream *sc_stream_get(sc_context *context, cu_stream handle);
/* Takes the bytes of pageable memory, and waits until those for pageable memory are written. */
cu_result sc_stream_copy(sc_stream *stream, const sc_copy *copy);
/* Takes args. */
cu_result sc_stream_launch(sc_stream *stream, const sc_launch *launch);
/* Whether an operation of a context hangs. */
bool sc_stream_hangs(const sc_context *context);
/* Carries out all that is queued on a context. */
void sc_stream_drain(const sc_context *context);
/* Fails each context with a queued copy from or to host memory that was freed. */
void sc_stream_fail_users(const unsigned char *start, size_t size);
/* Forgets all that is queued on a context. */
void sc_stream_drop(const sc_context *context);
/* Destroys the streams and events of a context whose queues are empty. */
void sc_stream_release(sc_context *context);

/* ---- module.c ---- */

void sc_module_release(sc_context *context);

/* ---- group.c ---- */

cu_result sc_launch_run(const sc_launch *launch);
void sc_group_end(void);

/* ---- pretend.c ---- */

/* In place of a launch: leaves no results but those without which the host would take the device for broken. */
void sc_pretend(const sc_launch *launch);
/* Whether a copy need not be carried out: it is large, and not of such results. */
bool sc_pretend_copy(const sc_copy *copy);

/* ---- kernels.c, test_kernels.c ---- */

extern const sc_kernel sc_product_kernels[], sc_test_kernels[];
extern const size_t sc_product_kernel_count, sc_test_kernel_count;

#endif
