#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset_run.h"
#include "format.h"
#include "interrupt.h"
#include "report.h"
#include "zone_names.h"

#define REASONS_SIZE 256

/* ---- what is opened ---- */

static cli_exit open_tar(dataset_run *r) {
  tlw_stats stats = {.struct_size = sizeof stats};
  const dataset_tar_options options = {
      .output = r->out,
      .images = &r->images,
      .writes_npy = dataset_value(r, DATASET_MEMBER)->number == MEMBER_NPY,
      .horizons = r->horizons,
      .threads =
          tlw_engine_stats(dataset_engine(r), &stats, NULL) == TLW_OK && stats.threads > 0 ? (int)stats.threads : 1,
  };
  return r->format == DATASET_TAR ? dataset_tar_open(&r->tar, &options) : CLI_OK;
}

/* Labels and the manifest follow from the inputs alone: every run makes them anew, of parts the first. */
static cli_exit open_beside(dataset_run *r) {
  char zones[CLI_ZONE_VERSION_SIZE];
  const int has_zone =
      r->images.style == TLW_IMAGES_CHART && strcmp(r->chart_args.values[RENDER_TIMEZONE].text, "UTC") != 0;
  const dataset_manifest_options options = dataset_manifest_options_of(r, has_zone ? cli_zone_version(zones) : NULL);
  cli_exit code = CLI_OK;
  if (!r->writes_beside) return CLI_OK;
  if (r->horizons.n > 0) code = dataset_labels_open(&r->labels, r->out, r->horizons.n);
  if (!code && dataset_value(r, DATASET_MANIFEST)->number == SWITCH_ON)
    code = dataset_manifest_open(&r->manifest, &options);
  return code;
}

static void tell_begin(const dataset_run *r) {
  char count[CLI_COUNT_SIZE];
  if (!r->resume || r->quiet) return;
  cli_count_text(r->begin.images, count);
  if (r->begin.images > 0)
    cli_say("%s: going on behind image %s", r->out, count);
  else
    cli_say("%s: no earlier run to go on from: beginning anew", r->out);
}

static cli_exit open_output(dataset_run *r) {
  cli_exit code = dataset_state_open(r);
  if (!code) code = dataset_array_open(r);
  if (!code) code = dataset_state_begin(r);
  if (!code) code = open_tar(r);
  if (!code) code = open_beside(r);
  if (!code) code = dataset_blocks_open(r);
  if (!code) tell_begin(r);
  r->drawing = !code;
  return code;
}

/* ---- what is said at the end ---- */

/* " (40 flat prices, 26 too few bars)" */
static void put_reasons(const dataset_run *r, char out[REASONS_SIZE]) {
  size_t used = 0;
  out[0] = 0;
  for (int reason = TLW_IMAGE_DRAWN + 1; reason < DATASET_REASONS && used < REASONS_SIZE; reason++) {
    char count[CLI_COUNT_SIZE];
    if (r->left_out[reason] == 0) continue;
    cli_count_text(r->left_out[reason], count);
    used += (size_t)snprintf(out + used, REASONS_SIZE - used, "%s%s %s", used == 0 ? " (" : ", ", count,
                             dataset_reason_text(reason));
  }
  if (used > 0 && used < REASONS_SIZE - 1) strcpy(out + used, ")");
}

static void tell(const dataset_run *r) {
  char images[CLI_COUNT_SIZE], windows[CLI_COUNT_SIZE], own[CLI_COUNT_SIZE], reasons[REASONS_SIZE];
  char part[2 * CLI_COUNT_SIZE + 64] = "";
  if (r->quiet) return;
  cli_count_text(r->n_images, images);
  cli_count_text(r->n_windows, windows);
  cli_count_text(r->n_own, own);
  put_reasons(r, reasons);
  if (r->shard.count > 0)
    snprintf(part, sizeof part, "%s in part %" PRId64 " of %" PRId64 ", of ", own, r->shard.index, r->shard.count);
  cli_say("%s: %s%s image%s of %s window%s%s", r->out, part, images, r->n_images == 1 ? "" : "s", windows,
          r->n_windows == 1 ? "" : "s", reasons);
}

/* For --json. */
static void add_summary(dataset_run *r, cli_buffer *out) {
  cli_buffer_format(out, "  \"windows\": %" PRId64 ",\n  \"images_total\": %" PRId64 ",\n  \"left_out\": {",
                    r->n_windows, r->n_images);
  for (int reason = TLW_IMAGE_DRAWN + 1; reason < DATASET_REASONS; reason++)
    cli_buffer_format(out, "%s\"%s\": %" PRId64, reason > TLW_IMAGE_DRAWN + 1 ? ", " : "", dataset_reason_text(reason),
                      r->left_out[reason]);
  cli_buffer_format(out, "},\n");
  cli_buffer_add(out, "", 1);
}

static cli_exit refuse_none(const dataset_run *r) {
  char windows[CLI_COUNT_SIZE], reasons[REASONS_SIZE];
  cli_count_text(r->n_windows, windows);
  put_reasons(r, reasons);
  const int64_t few = r->left_out[TLW_IMAGE_FEW_BARS];
  if (few == r->n_windows && few > 0)
    return cli_fail(CLI_DATA, "no image: %s fewer than the %" PRId64 " bars of --window: use a smaller one",
                    r->args->n_operands == 1 && few == 1 ? "the FILE has" : "every series has", r->window);
  if (r->left_out[DATASET_OUTSIDE] == r->n_windows && r->n_windows > 0)
    return cli_fail(CLI_DATA, "no image: no window ends in the range asked for: change --from or --to");
  return cli_fail(CLI_DATA, "no image: none of %s window%s gives one%s", windows, r->n_windows == 1 ? "" : "s",
                  reasons);
}

/* Images of the part below this one of the run. */
static int64_t count_own(const dataset_run *r, int64_t image) {
  const int64_t turns = image / r->unit, more = cli_shard_has(&r->shard, turns) ? image % r->unit : 0;
  return cli_shard_size(&r->shard, turns) * r->unit + more;
}

static void tell_stopped(const dataset_run *r) {
  char count[CLI_COUNT_SIZE];
  const int64_t n = count_own(r, r->kept);
  cli_count_text(n, count);
  cli_say("stopped by %s: %s image%s written; run the same command with --resume to go on", cli_interrupt_name(), count,
          n == 1 ? " is" : "s are");
}

/* ---- the run ---- */

static cli_exit draw_files(dataset_run *r) {
  dataset_windows *windows;
  cli_exit code = dataset_windows_open(&windows, r);
  for (int i = 0; i < r->args->n_operands && !code; i++) {
    code = cli_interrupt_code();
    if (!code) code = dataset_windows_file(windows, i);
  }
  dataset_windows_close(&windows);
  return code;
}

static cli_exit close_beside(dataset_run *r, cli_exit code) {
  cli_exit closed = dataset_labels_close(&r->labels, code);
  if (!code) code = closed;
  closed = dataset_manifest_close(&r->manifest, r->data, code);
  return code ? code : closed;
}

/* Files get their names: the images last, for what is beside them can be made again. */
static cli_exit complete(dataset_run *r) {
  cli_exit code = dataset_windows_end(r);
  if (!code && r->n_images == 0) code = r->first_code ? r->first_code : refuse_none(r);
  if (!code && r->labels && !r->quiet) dataset_labels_warn(r->labels, r->horizons);
  code = close_beside(r, code);
  if (!code) code = dataset_remove_stale(r);
  if (!code && r->shard.count == 0) code = dataset_array_finish(r);
  if (code) return code;
  tell(r);
  return dataset_state_finish(r);
}

static cli_exit draw(dataset_run *r) {
  cli_exit code = render_engines_open(&r->base);
  if (!code) code = open_output(r);
  if (!code) code = dataset_blocks_finish(r, draw_files(r));
  if (!code) code = complete(r);
  return code;
}

static void tell_kept(const dataset_run *r) {
  const char *partial = dataset_array_partial(r);
  if (partial)
    cli_say("what was drawn is kept in %s: run the same command with --resume to go on, or delete it", partial);
  else
    cli_say("what was drawn is kept: run the same command with --resume to go on");
}

/* What stays for another run: nothing unless there are images that it can go on from. */
static void leave_output(dataset_run *r, cli_exit code) {
  const int is_over = code == CLI_OK, is_kept = !is_over && (r->begin.images > 0 || r->kept > 0);
  if (code == CLI_STOPPED && is_kept) dataset_blocks_save(r);
  if (is_kept && r->drawing && code != CLI_STOPPED && code != CLI_DATA) tell_kept(r);
  close_beside(r, code ? code : CLI_INTERNAL);
  dataset_blocks_close(r);
  dataset_tar_close(&r->tar);
  dataset_array_close(r, !is_kept && r->begin.images == 0);
  dataset_state_close(r, !is_kept && !is_over);
  dataset_sweep(r);
}

/* Tells the end once: either the command's own or that by a signal, which comes on another thread. 0: it was told. */
static int finish(dataset_run *r, cli_exit *code) {
  pthread_mutex_lock(&r->base.lock);
  const int is_first = !r->base.finished;
  r->base.finished = 1;
  pthread_mutex_unlock(&r->base.lock);
  if (!is_first) return 0;
  if (*code == CLI_STOPPED) tell_stopped(r);
  *code = cli_telemetry_end(r->base.telemetry, *code);
  return 1;
}

static cli_exit run(dataset_run *r) {
  cli_exit code = draw(r);
  leave_output(r, code);
  if (!code) code = r->first_code;
  if (!finish(r, &code)) cli_interrupt_wait_for_end();
  cli_buffer summary = {0};
  add_summary(r, &summary);
  cli_progress_summary(r->base.progress, summary.failed ? NULL : summary.bytes);
  code = cli_progress_end(&r->base.progress, code);
  cli_buffer_free(&summary);
  render_engines_close(&r->base);
  return code;
}

/* ---- signals: on threads of their own ---- */

static void stop(void *user) { (void)user; }

/* The thread that reads waits for something else, and will do so until the end. */
static void settle(void *user) {
  dataset_run *r = user;
  dataset_blocks_settle(r);
  r->base.settled = 1;
}

static int leave(void *user) {
  dataset_run *r = user;
  cli_exit code = CLI_STOPPED;
  if (r->base.settled && r->drawing) dataset_blocks_save(r);
  if (!finish(r, &code)) return 0;
  if (r->base.settled) {
    cli_progress_end(&r->base.progress, code);
    fflush(stdout);
  } else {
    cli_progress_hide();
  }
  return 1;
}

static cli_exit run_interruptibly(dataset_run *r) {
  const cli_interrupt_actions actions = {.stop = stop, .settle = settle, .leave = leave, .user = r};
  cli_exit code = cli_interrupt_begin(&actions);
  if (code) return code;
  code = run(r);
  cli_interrupt_end();
  return code;
}

static cli_exit begin_and_run(dataset_run *r) {
  render *base = &r->base;
  cli_exit code = cli_telemetry_begin(&base->telemetry, r->args, NULL);
  cli_telemetry_row_bytes(base->telemetry, base->row_bytes);
  code = code ? cli_progress_end(&base->progress, code) : run_interruptibly(r);
  return cli_telemetry_close(&base->telemetry, code);
}

cli_exit cli_run_dataset(const cli_args *args) {
  dataset_run r = {
      .typed = *args,
      .verbose = args->values[DATASET_VERBOSE].given,
      .quiet = args->values[DATASET_QUIET].given,
      .resume = args->values[DATASET_RESUME].given,
      .base = {.stream_lock = PTHREAD_MUTEX_INITIALIZER,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .released = PTHREAD_COND_INITIALIZER,
               .refused = -1},
  };
  r.args = &r.typed;
  r.base.verbose = r.verbose;
  r.base.quiet = r.quiet;
  cli_exit code = dataset_plan(&r);
  if (!code) code = cli_progress_begin(&r.base.progress, "dataset", &r.chart_args, args->n_operands);
  if (!code) code = begin_and_run(&r);
  dataset_plan_free(&r);
  return code;
}
