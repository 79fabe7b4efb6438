/*
 * Runs that were saved: what files of json.h say, and those that other programs add rows of peers to (bench/peers).
 * Nothing in a file is trusted: sizes are bounded, numbers finite, texts UTF-8 that ends where a sign does.
 */
#ifndef TALLOW_BENCH_RECORDS_H
#define TALLOW_BENCH_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batches.h"
#include "case.h"
#include "machine.h"
#include "statistics.h"
#include "tallow/status.h"

#define BENCH_RECORD_NAME (BENCH_NAME_SIZE + 112)
#define BENCH_RECORDS_MAX 8192
#define BENCH_MISSING_MAX 16

/* What a file says of one benchmark. */
typedef struct bench_record {
  char name[BENCH_RECORD_NAME]; /* render/1080p/1000/cpu/threads:2 */
  char what[BENCH_RECORD_NAME]; /* render/1080p/1000 */
  char on[64];                  /* "cpu:2", "cuda", "polars 1.34"; "": not known */
  char hash[24];                /* of its output; "": not known */
  char item[24], stage[16];
  char baseline[BENCH_RECORD_NAME]; /* the name of what it is compared with; "": nothing */
  bench_interval speedup;           /* of a peer: Tallow over it; value 0: none */
  double items, bytes;              /* a second; 0: not known, as all below */
  double share_of_copy;
  double cold, kernel, others; /* seconds; others: as in bench_row */
  uint64_t host_peak, device_peak;
  int threads;                   /* of the CPU */
  bool changed;                  /* its output was another behind the measuring */
  bool is_peer, has_peers;       /* has_peers: Tallow's, which took turns with other programs */
  char settings[200], said[200]; /* of a peer: how it was set, and how its output compares */
  bool is_compared, is_same;     /* likewise: whether its output was compared, and is the same */
  char failure[200];             /* why there is no time; "": there is */
  int n;
  bench_batch batches[BENCH_BATCHES_MAX];
} bench_record;

typedef struct bench_saved_device {
  char backend[16], name[TLW_NAME_SIZE], driver[TLW_NAME_SIZE];
  char clocks[160], ran[160]; /* of a GPU, at the start and while cases ran; "": not known */
  uint64_t memory_bytes;
} bench_saved_device;

typedef struct bench_missing {
  char name[64], reason[200];
} bench_missing;

typedef struct bench_records {
  char fingerprint[24]; /* "": not known */
  char machine[256];    /* for people */
  char commit[48], date[32], host[64];
  char cpu[TLW_NAME_SIZE], tier[32], governor[32], compiler[128], version[32];
  int cpus;
  uint32_t copy_threads;
  double megahertz, load;    /* 0 and below 0: not known */
  double copy_one, copy_all; /* bytes a second; 0: not known */
  bool processor_time, optimized;
  int n_devices, n_missing;
  bench_saved_device devices[BENCH_DEVICES_MAX];
  bench_missing missing[BENCH_MISSING_MAX]; /* peers that could not be installed */
  size_t n, n_failures;
  bench_record *records;  /* with one batch or more */
  bench_record *failures; /* behind them */
} bench_records;

/* Reads a file. TLW_ERR_NOT_FOUND; TLW_ERR_DATA; TLW_ERR_MEMORY. On failure there is nothing to free. */
tlw_status bench_records_read(const char *path, bench_records *records, tlw_error *error);
void bench_records_free(bench_records *records);

/* The one of this name, of those with batches; NULL: there is none. */
const bench_record *bench_records_find(const bench_records *records, const char *name);

/* The median of the batches that count, with its interval; and whether some were spoiled. As of a row of a run. */
bench_interval bench_record_time(const bench_record *record, bool *disturbed);
double bench_record_best(const bench_record *record);

/* Why a speedup may stand there or not. */
typedef enum bench_standing {
  BENCH_STANDS,
  BENCH_STANDS_UNCHECKED, /* of a peer, whose output can't be compared */
  BENCH_IS_BASELINE,      /* or there is nothing to compare with */
  BENCH_OTHER_OUTPUT,
  BENCH_CHANGED_OUTPUT,
  BENCH_NO_OUTPUT
} bench_standing;

/* The record that others of its case are compared with: the first on the CPU; NULL: there is none. */
const bench_record *bench_record_baseline(const bench_records *records, const bench_record *record);

/* Of the speedup of a record, one of these. */
bench_standing bench_record_standing(const bench_records *records, const bench_record *record);

#endif
