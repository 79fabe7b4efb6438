/*
 * What an operation works with: the device, or the CPU beside it where the engine was opened for TLW_BACKEND_AUTO
 * and choice.h prefers that. The CPU is opened by the first batch that is given to it, and its memory counts. Where it
 * can't be opened the device does all until the engine is reset; where it has no room for a batch, all of that kind
 * that are not smaller.
 */
#ifndef TALLOW_ENGINE_AIM_H
#define TALLOW_ENGINE_AIM_H

#include "choice.h"

/* Whether there is a choice at all. Thread-safe, without the turn, as is the next. */
bool tlw_aim_has_choice(const tlw_engine *engine);

/* Whether the CPU beside the device is to do these loads in one batch. */
bool tlw_aim_prefers_cpu(const tlw_engine *engine, const struct tlw_load *loads, int n);

/* The following ones are called within an operation. */

/* Has the operation work with what is preferred for it, until it ends, and counts a batch that is given to the CPU. */
void tlw_aim(tlw_engine *engine, const struct tlw_load *loads, int n);

/*
 * The same for loads of which no more is known than their kinds, units, extras and hefts, where it is sure by these and
 * nothing of them is left to be logged. False: nothing is decided.
 */
bool tlw_aim_at_once(tlw_engine *engine, const struct tlw_load *loads, int n);

/* The same in parts, for a batch of several operations: on the CPU, if that can be. And what counts the batch. */
bool tlw_aim_at_cpu(tlw_engine *engine, const struct tlw_load *loads, int n);
void tlw_aim_count(tlw_engine *engine, const struct tlw_load *loads, int n);

/* Whether the operation works on the CPU beside a device. */
bool tlw_aim_is_at_cpu(const tlw_engine *engine);

/* How often memory that work on the CPU was planned with may have been given back. */
uint64_t tlw_aim_yields(const tlw_engine *engine);

/*
 * After a lack of memory: has the operation go on with the device, which from now on does all such batches that are
 * not smaller. False: it did already.
 */
bool tlw_aim_leave_cpu(tlw_engine *engine);

/*
 * Gives idle memory of what the operation works with back; where that is the CPU within a budget, also of the device,
 * for it may be host memory.
 */
tlw_status tlw_aim_trim(tlw_engine *engine);

/* Gives back what the CPU holds while the operation works with the device: within a budget all, else what is idle. */
void tlw_aim_relieve(tlw_engine *engine);

/* The same of its working memory, where there is a budget. */
void tlw_aim_yield(tlw_engine *engine);

/* The operation works with the device again; the CPU stays open, or is closed. */
void tlw_aim_home(tlw_engine *engine);
void tlw_aim_close(tlw_engine *engine);

/* The threads of the CPU, whatever the operation works with; or NULL. */
struct tlw_team *tlw_aim_team(const tlw_engine *engine);

/* Allows choices where they are possible: after an opening and a reset. */
void tlw_aim_reset(tlw_engine *engine);

#endif
