#include "gate.h"

#include "state.h"

struct tlw_gate {
  pthread_mutex_t lock;
  tlw_engine *engine;       /* under lock; NULL: it is closed */
  _Atomic uint64_t holders; /* the engine is one until it closes */
};

static void give_back(struct tlw_gate *gate) {
  if (atomic_fetch_sub(&gate->holders, 1) > 1) return;
  pthread_mutex_destroy(&gate->lock);
  tlw_raw_free(gate);
}

static struct tlw_gate *make(tlw_engine *engine) {
  struct tlw_gate *gate = tlw_raw_calloc(1, sizeof *gate);
  if (!gate) return NULL;
  pthread_mutex_init(&gate->lock, NULL);
  gate->engine = engine;
  gate->holders = 1;
  return gate;
}

/* Without the lock, which one that leaves may have while it waits for its turn on the engine. */
struct tlw_gate *tlw_gate_hold(tlw_engine *engine) {
  if (!engine->gate) engine->gate = make(engine);
  if (engine->gate) atomic_fetch_add(&engine->gate->holders, 1);
  return engine->gate;
}

void tlw_gate_leave(struct tlw_gate *gate, void (*visit)(tlw_engine *engine, void *context), void *context) {
  pthread_mutex_lock(&gate->lock);
  if (gate->engine) visit(gate->engine, context);
  pthread_mutex_unlock(&gate->lock);
  give_back(gate);
}

void tlw_gate_shut(tlw_engine *engine) {
  struct tlw_gate *gate = engine->gate;
  if (!gate) return;
  pthread_mutex_lock(&gate->lock);
  gate->engine = NULL;
  pthread_mutex_unlock(&gate->lock);
  give_back(gate);
}
