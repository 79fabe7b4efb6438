/*
 * Tallow: market data to charts, rolling windows and bars, on CUDA, OpenCL or the CPU, with the same bytes from each.
 *
 * This header includes all others.
 */
#ifndef TALLOW_TALLOW_H
#define TALLOW_TALLOW_H

#include "tallow/bars.h"
#include "tallow/buffer.h"
#include "tallow/candles.h"
#include "tallow/chart.h"
#include "tallow/csv.h"
#include "tallow/digest.h"
#include "tallow/engine.h"
#include "tallow/images.h"
#include "tallow/npy.h"
#include "tallow/png.h"
#include "tallow/status.h"
#include "tallow/stream.h"
#include "tallow/telemetry.h"
#include "tallow/trades.h"
#include "tallow/tune.h"
#include "tallow/version.h"
#include "tallow/window.h"
#include "tallow/zone.h"

#endif
