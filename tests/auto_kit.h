/*
 * What the tests of TLW_BACKEND_AUTO share: engines beside the software CUDA driver, jobs of each kind of work in two
 * sizes with what they must give, and planted costs, by which it is known on which backend each has to run.
 */
#ifndef TALLOW_TESTS_AUTO_KIT_H
#define TALLOW_TESTS_AUTO_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/engine/tuning.h"
#include "tallow/images.h"
#include "tallow/stream.h"
#include "tallow/tallow.h"

#define AUTO_WIDTH 64                         /* of a chart, in pixels */
#define AUTO_HEIGHT 48                        /* likewise */
#define AUTO_IMAGE (AUTO_WIDTH * AUTO_HEIGHT) /* its bytes */
#define AUTO_FEW 2                            /* charts or images of a small batch */
#define AUTO_MANY 30                          /* of a large one */
#define AUTO_ROWS 4000                        /* of candles, and of a large batch of windows */
#define AUTO_FEW_ROWS 100                     /* of a small one */
#define AUTO_THREADS 2                        /* of each engine */

/* ---- work ---- */

#define AUTO_OUT_SIZE (8u << 20) /* the most that a job gives */

/* Where results go, one behind the other. */
typedef struct auto_out {
  size_t size;
  uint8_t bytes[AUTO_OUT_SIZE];
} auto_out;

/* What the last job gave, and what it had to. */
extern auto_out auto_got, auto_wanted;

/* So many poisoned bytes behind the others. */
uint8_t *auto_room(auto_out *out, size_t size);

/* n series of 40 rows each, that overlap. */
tlw_candles auto_candles(int64_t n, int64_t *offsets, int64_t *counts);
/* Charts of AUTO_WIDTH and AUTO_HEIGHT. */
tlw_chart_options auto_chart(void);

/* Batches one behind the other: for each letter a small (s) or a large (L) one. */
tlw_status auto_stream(tlw_engine *const *engines, size_t n_engines, tlw_stream_format format, bool digest,
                       const char *batches, auto_out *out, tlw_error *error);

/* n images, to the buffer if there is one, else to out. */
tlw_status auto_draw_images(tlw_engine *engine, const tlw_image_options *options, int64_t n, tlw_buffer *buffer,
                            auto_out *out, tlw_error *error);
/* Of the job of images. */
tlw_image_options auto_jkx_options(void);

/* Work in a small and in a large batch. */
typedef struct auto_job {
  const char *name;
  enum tlw_work work;
  double small, large; /* units */
  tlw_status (*run)(tlw_engine *engine, bool large, auto_out *out, tlw_error *error);
} auto_job;

/* Each kind of work, some by several ways to it. */
#define AUTO_JOBS 11
extern const auto_job auto_jobs[AUTO_JOBS];

/* ---- engines ---- */

/* Where engines look for tunings. */
extern char auto_folder[];
/* The device of the driver. */
extern tlw_device auto_cuda;

/* The last messages of an engine; n of all. */
typedef struct auto_log {
  int n;
  char text[64][600];
} auto_log;

/* The log of tlw_engine_options; log_user is an auto_log. */
void auto_remember(void *user, tlw_log_level level, const char *message);
/* How many messages have this part. */
int auto_times_said(const auto_log *log, const char *part);

/* Few threads, little memory of the device, and the tunings of auto_folder. */
tlw_engine_options auto_options(tlw_backend backend);
/* Both fail the test if the engine can't be opened. */
tlw_engine *auto_open_with(const tlw_engine_options *options);
tlw_engine *auto_open(tlw_backend backend);

/* What the engine says of itself. */
tlw_backend auto_backend(const tlw_engine *engine);

/* ---- planted tunings ---- */

/* Crossovers for auto_plant. */
#define AUTO_ALL_ON_DEVICE 0.5
#define AUTO_ALL_ON_CPU 1e12

/* What engines that are opened from now on go by: this tuning of auto_cuda. */
void auto_plant_tuning(const struct tlw_tuning *tuning);
/* One by which each kind of work is the CPU's up to so many units. */
void auto_plant(double crossover);
/* Crossovers in the middle of each job's sizes. */
void auto_plant_middle(void);

/* ---- jobs ---- */

/* Puts what the job must give, which the CPU alone gives, into auto_wanted. */
void auto_want(const auto_job *job, bool large);
/* Fails the test unless auto_got is auto_wanted. */
void auto_compare(const char *name);
/* Does the job that was wanted last, and compares if it went well. */
tlw_status auto_try(const auto_job *job, bool large, tlw_engine *engine, tlw_error *error);
/* Likewise; it must go well. */
void auto_run(const auto_job *job, bool large, tlw_engine *engine);
/* Likewise, and looks at where it ran: on the CPU or on the device. */
void auto_runs_on(const auto_job *job, bool large, bool cpu, tlw_engine *engine);

/* ---- the test group ---- */

/* For cmocka: before all tests and behind them. They need the software driver. */
int auto_prepare(void **state);
int auto_finish(void **state);
/* Before each test: a healthy driver, and no fault. */
int auto_healthy(void **state);

#endif
