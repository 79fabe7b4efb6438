/* The programs of a GPU backend: loaded when they are first used, and tested unless an earlier run has kept them. */
#ifndef TALLOW_GPU_PROGRAMS_H
#define TALLOW_GPU_PROGRAMS_H

#include "state.h"

/*
 * Makes a program ready, and takes the memory of the device for it to work in. TLW_ERR_UNAVAILABLE: it can't be
 * compiled or gives wrong results, now and from now on; TLW_ERR_BUDGET, with what its self-test needs;
 * TLW_ERR_MEMORY, TLW_ERR_DEVICE: it may be tried again; TLW_ERR_DEVICE_LOST.
 */
tlw_status tlw_program_prepare(struct tlw_backend_state *state, enum tlw_gpu_program which, tlw_error *error);

#endif
