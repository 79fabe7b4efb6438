/* The tiers of the fast path of trade files: trades_plain_ops.c, compiled once per instruction set. */
#ifndef TALLOW_IO_TRADES_PLAIN_TIER_H
#define TALLOW_IO_TRADES_PLAIN_TIER_H

#include "trades_plain.h"

struct tlw_trade_plain_tier {
  const char *name;
  /* As tlw_trade_plain_read. */
  struct tlw_trade_plain_part (*read)(const struct tlw_trade_plain *plain, const char *text, size_t size);
};

/* The best tier that this CPU has, or what TALLOW_CPU_TIER names; the least where that names none of this CPU. */
const struct tlw_trade_plain_tier *tlw_trade_plain_tier(void);

#endif
