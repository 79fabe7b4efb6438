/* Fibres: each runs one function on a stack of its own. Used under the driver's lock. */
#ifndef TALLOW_SOFTCUDA_FIBRE_H
#define TALLOW_SOFTCUDA_FIBRE_H

#include <stdbool.h>

typedef struct sc_fibre sc_fibre;

/* NULL when out of memory. */
sc_fibre *sc_fibre_new(void);
void sc_fibre_free(sc_fibre *fibre);
/* Runs the function, or what is left of it, until it yields or returns. True when it has returned. */
bool sc_fibre_resume(sc_fibre *fibre, void (*function)(void));
/* Called on a fibre: back to who resumed it. */
void sc_fibre_yield(void);
/* Forgets a function that has yielded and will not be resumed. */
void sc_fibre_abandon(sc_fibre *fibre);

#endif
