/* A way to an engine for what may outlive it: shut when the engine closes. */
#ifndef TALLOW_ENGINE_GATE_H
#define TALLOW_ENGINE_GATE_H

#include "tallow/engine.h"

struct tlw_gate;

/* Within an operation: the engine's gate, to be left once; NULL: the system has no memory for it. */
struct tlw_gate *tlw_gate_hold(tlw_engine *engine);

/* Calls visit unless the engine is closed; it can't be closed meanwhile. Then gives the gate back. Any thread. */
void tlw_gate_leave(struct tlw_gate *gate, void (*visit)(tlw_engine *engine, void *context), void *context);

/* By close, before anything of the engine is taken down. */
void tlw_gate_shut(tlw_engine *engine);

#endif
