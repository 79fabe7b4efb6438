/* What a run of "tallow dataset" is to make, from its options: checked before anything is opened. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "csv_options.h"
#include "dataset_run.h"
#include "report.h"
#include "zone_names.h"

#define DEFAULT_SIDE 224
#define DEFAULT_BARS 20 /* of jkx */

/* More blocks make nothing faster: one is drawn, one is written, one is ready. */
#define BLOCKS 3

/* What files, and the thread that writes, have in memory beside images. */
#define FILE_BYTES ((uint64_t)512 << 10)
#define TAR_BYTES ((uint64_t)1 << 20)

#define HOST_MEM_PART 4 /* of --host-mem blocks get such a part */

const char *dataset_reason_text(int reason) {
  switch (reason) {
  case DATASET_NO_LABEL:
    return "no label";
  case DATASET_OUTSIDE:
    return "outside --from and --to";
  default:
    return tlw_image_reason_text((tlw_image_reason)reason);
  }
}

static int is_jkx(const dataset_run *r) { return dataset_value(r, DATASET_PRESET)->number == PRESET_JKX; }

/* ---- the output ---- */

static cli_exit plan_format(dataset_run *r) {
  r->out = dataset_value(r, DATASET_OUTPUT)->text;
  r->per_tar = (int64_t)dataset_value(r, DATASET_PER_TAR)->number;
  if (strcmp(r->out, "-") == 0)
    return cli_fail(CLI_USAGE,
                    "--output -: images can't go to standard output: name a .npy, .dat or .tar file" SEE_HELP);
  const size_t length = strlen(r->out);
  const char *name = strrchr(r->out, '/') ? strrchr(r->out, '/') + 1 : r->out;
  static const char *const endings[] = {[DATASET_NPY] = ".npy", [DATASET_DAT] = ".dat", [DATASET_TAR] = ".tar"};
  for (int i = 0; i < 3; i++) {
    if (length < 4 || strcasecmp(r->out + length - 4, endings[i]) != 0) continue;
    if (strlen(name) == 4)
      return cli_fail(CLI_USAGE, "--output %s: a name must stand before %s" SEE_HELP, r->out, name);
    r->format = (dataset_format)i;
    return CLI_OK;
  }
  return cli_fail(CLI_USAGE,
                  "--output %s: its ending must say what is made: .npy, an array; .dat, bare numbers; or .tar, tar "
                  "shards" SEE_HELP,
                  r->out);
}

static cli_exit check_tar(const dataset_run *r) {
  static const int options[] = {DATASET_PER_TAR, DATASET_MEMBER};
  for (int i = 0; i < 2 && r->format != DATASET_TAR; i++)
    if (dataset_value(r, options[i])->given)
      return cli_fail(CLI_USAGE, "--%s is for a .tar: --output is %s" SEE_HELP,
                      r->args->command->options[options[i]].name, r->out);
  if (r->format == DATASET_TAR && r->images.type == TLW_IMAGE_F32 &&
      dataset_value(r, DATASET_MEMBER)->number == MEMBER_PNG)
    return cli_fail(CLI_USAGE, "--type f32 does not fit into a PNG file: add --member npy" SEE_HELP);
  return CLI_OK;
}

/* What the run writes must not take the place of what it reads, or of something else that it writes. */
static cli_exit check_place(const dataset_run *r, const char *what, const char *path) {
  for (int i = 0; i < r->args->n_operands; i++)
    if (strcmp(r->args->operands[i], "-") != 0 && cli_is_same_file(path, r->args->operands[i]))
      return cli_fail(CLI_USAGE, "%s %s would replace the FILE %s" SEE_HELP, what, path, r->args->operands[i]);
  const char *spec = dataset_value(r, DATASET_SPEC)->text;
  if (spec && strcmp(spec, "-") != 0 && cli_is_same_file(path, spec))
    return cli_fail(CLI_USAGE, "%s and --spec name the same file, %s" SEE_HELP, what, path);
  return CLI_OK;
}

static cli_exit check_beside(const dataset_run *r, const char *what, const char *ending) {
  cli_buffer name = {0};
  dataset_name_beside(&name, r->out, ending);
  cli_exit code = name.failed ? cli_fail(CLI_NO_MEMORY, "no memory for the names of files") : CLI_OK;
  if (!code) code = check_place(r, what, name.bytes);
  for (int i = 0, option; (option = cli_telemetry_option(r->args, i)) >= 0 && !code; i++) {
    const char *text = dataset_value(r, option)->text;
    if (text && cli_is_same_file(text, name.bytes))
      code = cli_fail(CLI_USAGE, "--%s has the name of %s, %s" SEE_HELP, r->args->command->options[option].name, what,
                      name.bytes);
  }
  cli_buffer_free(&name);
  return code;
}

static cli_exit check_places(const dataset_run *r) {
  cli_exit code = r->format == DATASET_TAR ? CLI_OK : check_place(r, "--output", r->out);
  if (!code) code = cli_telemetry_check(r->args);
  if (!code && dataset_value(r, DATASET_MANIFEST)->number == SWITCH_ON)
    code = check_beside(r, "the manifest", ".manifest.jsonl");
  if (!code && r->horizons.n > 0) code = check_beside(r, "the file of labels", ".labels.npy");
  if (code || r->format == DATASET_TAR) return code;
  struct stat info;
  if (stat(r->out, &info) == 0 && S_ISDIR(info.st_mode))
    return cli_fail(CLI_CANT_CREATE, "%s: can't write: a folder has this name", r->out);
  if (stat(r->out, &info) == 0 && !S_ISREG(info.st_mode))
    return cli_fail(CLI_CANT_CREATE, "%s: can't write: a device, pipe or socket has this name", r->out);
  return CLI_OK;
}

/* ---- options ---- */

static cli_exit check_inputs(const dataset_run *r) {
  int n_streams = 0;
  for (int i = 0; i < r->args->n_operands; i++) n_streams += strcmp(r->args->operands[i], "-") == 0;
  if (n_streams > 1) return cli_fail(CLI_USAGE, "standard input can be read once: give - once" SEE_HELP);
  const char *spec = dataset_value(r, DATASET_SPEC)->text;
  if (n_streams == 1 && spec && strcmp(spec, "-") == 0)
    return cli_fail(CLI_USAGE, "--spec - and the FILE - can't both be standard input" SEE_HELP);
  return CLI_OK;
}

static cli_exit check_options(const dataset_run *r) {
  const uint64_t backend = dataset_value(r, DATASET_BACKEND)->number;
  const cli_value *device = dataset_value(r, DATASET_DEVICE);
  if (r->verbose && r->quiet) return cli_fail(CLI_USAGE, "--verbose and --quiet exclude each other" SEE_HELP);
  if (device->given && backend != TLW_BACKEND_OPENCL && backend != TLW_BACKEND_CUDA)
    return cli_fail(CLI_USAGE, "--device needs --backend opencl or --backend cuda" SEE_HELP);
  if (device->given && strcasecmp(device->text, "all") == 0)
    return cli_fail(CLI_USAGE, "--device all: one run uses one device: start a --shard on each" SEE_HELP);
  return check_inputs(r);
}

static cli_exit plan_windows(dataset_run *r) {
  const cli_value *window = dataset_value(r, DATASET_WINDOW), *last = dataset_value(r, DATASET_LAST);
  const cli_value *stride = dataset_value(r, DATASET_STRIDE);
  const cli_value *from = dataset_value(r, DATASET_FROM), *to = dataset_value(r, DATASET_TO);
  if (!window->given && !is_jkx(r))
    return cli_fail(CLI_USAGE, "--window is missing: the bars of each image, such as --window 20; or add --preset "
                               "jkx" SEE_HELP);
  if (!window->given) r->typed.values[DATASET_WINDOW] = (cli_value){.text = "20", .number = DEFAULT_BARS};
  r->window = (int64_t)window->number;
  r->stride = (int64_t)stride->number;
  if (is_jkx(r) && r->window != 5 && r->window != 20 && r->window != 60)
    return cli_fail(CLI_USAGE, "--window %" PRId64 ": images of --preset jkx have 5, 20 or 60 bars" SEE_HELP,
                    r->window);
  if (last->given && stride->given) return cli_fail(CLI_USAGE, "--last and --stride exclude each other" SEE_HELP);
  if (from->given && to->given && from->time >= to->time)
    return cli_fail(CLI_USAGE, "--from %.96s must lie before --to %.96s" SEE_HELP, from->text, to->text);
  if ((from->given || to->given) && cli_csv_lacks_times(r->args))
    return cli_fail(CLI_USAGE, "--%s needs times: --columns has time=none" SEE_HELP, from->given ? "from" : "to");
  return CLI_OK;
}

static cli_exit plan_horizons(dataset_run *r) {
  const cli_value *horizons = dataset_value(r, DATASET_HORIZONS);
  for (int i = 0; i < horizons->n_parts; i++) {
    r->horizon_bars[i] = (int64_t)horizons->parts[i].number;
    for (int k = 0; k < i; k++)
      if (r->horizon_bars[k] == r->horizon_bars[i])
        return cli_fail(CLI_USAGE, "--horizons has %" PRId64 " twice: give it once" SEE_HELP, r->horizon_bars[i]);
  }
  r->horizons = (dataset_horizons){.bars = r->horizon_bars, .n = horizons->n_parts};
  if (dataset_value(r, DATASET_LABELLED)->given && r->horizons.n == 0)
    return cli_fail(CLI_USAGE, "--labelled needs --horizons" SEE_HELP);
  return CLI_OK;
}

/* ---- charts ---- */

/* What the run has and "tallow render" has too. Windows and rows are chosen here in another way. */
static int is_shared(int render_option) {
  switch (render_option) {
  case RENDER_LAST:
  case RENDER_FROM:
  case RENDER_TO:
  case RENDER_WINDOW:
  case RENDER_STRIDE:
  case RENDER_MANIFEST:
    return 0;
  default:
    return 1;
  }
}

static const cli_value *find_value(const dataset_run *r, const char *name) {
  for (int i = 0; i < r->args->command->n_options; i++)
    if (strcmp(r->args->command->options[i].name, name) == 0) return &r->args->values[i];
  return NULL;
}

static cli_exit take_options(dataset_run *r) {
  cli_args *args = &r->chart_args;
  *args = (cli_args){.command = cli_find_command("render"), .operands = r->args->operands};
  args->n_operands = r->args->n_operands;
  cli_exit code = CLI_OK;
  for (int i = 0; i < args->command->n_options && !code; i++) {
    const cli_option *option = &args->command->options[i];
    const cli_value *value = is_shared(i) ? find_value(r, option->name) : NULL;
    const char *standard = cli_option_default(option);
    const cli_origin origin = {.command = "dataset"};
    if (value && (value->given || i != RENDER_SIZE))
      args->values[i] = *value;
    else if (standard)
      code = cli_value_read(&origin, option, standard, &args->values[i]);
  }
  if (!args->values[RENDER_SIZE].given)
    args->values[RENDER_SIZE] = (cli_value){.text = "224x224", .width = DEFAULT_SIDE, .height = DEFAULT_SIDE};
  return code;
}

/* Settings that decide which charts there are, or how files are packed, say nothing of an image. */
static int is_of_image(int render_option) {
  return is_shared(render_option) && render_option != RENDER_PNG && render_option != RENDER_TITLE;
}

static cli_exit check_spec(const dataset_run *r) {
  const cli_args *args = &r->chart_args;
  for (int i = 0; i < args->command->n_options; i++) {
    const cli_value *value = &args->values[i];
    const char *name = args->command->options[i].name;
    if (!value->given || !value->place || is_of_image(i) || i == RENDER_PNG) continue;
    if (i == RENDER_TITLE) {
      if (!r->base.title_varies) continue;
      return cli_fail(CLI_DATA,
                      "%s: a title that differs from image to image would tell a model what it sees: leave "
                      "out {...}, or the title",
                      value->place);
    }
    return cli_fail(CLI_DATA,
                    "%s: %s is no part of how an image looks: leave it out, and give --%s on the command line "
                    "where it is wanted",
                    value->place, name, name);
  }
  return CLI_OK;
}

/* {"size": "224x224", ...} */
static void put_chart(dataset_run *r) {
  const cli_args *args = &r->chart_args;
  const char *comma = "{";
  for (int i = 0; i < args->command->n_options; i++) {
    const cli_option *option = &args->command->options[i];
    if (!cli_is_setting(option) || (!is_of_image(i) && i != RENDER_TITLE)) continue;
    cli_buffer_format(&r->chart_text, "%s\"%s\": ", comma, option->name);
    cli_manifest_value(&r->chart_text, option, &args->values[i]);
    comma = ", ";
  }
  cli_buffer_add(&r->chart_text, "}", 1);
}

static cli_exit refuse_chart_options(const dataset_run *r) {
  static const int options[] = {DATASET_SIZE, DATASET_SPEC};
  for (int i = 0; i < 2; i++)
    if (dataset_value(r, options[i])->given)
      return cli_fail(CLI_USAGE, "--%s is for charts: --preset jkx decides what its images look like" SEE_HELP,
                      r->args->command->options[options[i]].name);
  return CLI_OK;
}

static cli_exit plan_charts(dataset_run *r) {
  const char *spec = dataset_value(r, DATASET_SPEC)->text;
  cli_exit code = spec ? cli_spec_read(&r->spec, spec, &r->chart_args) : CLI_OK;
  if (!code) code = render_plan_chart(&r->base);
  if (!code) code = check_spec(r);
  if (code) return code;
  if (r->base.chart.axis == TLW_AXIS_TIME && cli_csv_lacks_times(r->args))
    return cli_fail(CLI_DATA, "axis time of --spec needs times: --columns has time=none");
  put_chart(r);
  render_check_texts(&r->base);
  r->images.chart = &r->base.chart;
  return r->chart_text.failed ? cli_fail(CLI_NO_MEMORY, "no memory for the settings of charts") : CLI_OK;
}

static cli_exit plan_images(dataset_run *r) {
  tlw_image_options *images = &r->images;
  tlw_error error;
  tlw_image_options_init(images);
  images->style = is_jkx(r) ? TLW_IMAGES_JKX : TLW_IMAGES_CHART;
  images->window = r->window;
  images->type = (tlw_image_type)dataset_value(r, DATASET_TYPE)->number;
  images->order = (tlw_image_order)dataset_value(r, DATASET_LAYOUT)->number;
  images->color = (tlw_image_color)dataset_value(r, DATASET_COLOR)->number;
  cli_exit code = take_options(r);
  if (!code) code = is_jkx(r) ? refuse_chart_options(r) : plan_charts(r);
  if (code) return code;
  return tlw_image_shape_of(images, &r->shape, &error) == TLW_OK ? CLI_OK : cli_fail_library(&error);
}

/* ---- parts ---- */

static const char *find_variable(void *user, const char *name) {
  (void)user;
  return getenv(name);
}

static cli_exit plan_shard(dataset_run *r) {
  const cli_value *shard = dataset_value(r, DATASET_SHARD);
  char reason[512];
  if (shard->given && !cli_shard_parse(shard->text, find_variable, NULL, &r->shard, reason, sizeof reason))
    return cli_fail(CLI_USAGE, "%s" SEE_HELP, reason);
  if (shard->given && reason[0] && !r->quiet) cli_say("%s", reason);
  const int64_t fit = DATASET_BLOCK / (int64_t)r->shape.size;
  r->unit = r->format == DATASET_TAR ? r->per_tar : fit > 1 ? fit : 1;
  r->writes_beside = r->shard.count == 0 || r->shard.index == 1;
  return CLI_OK;
}

/* All that decides bytes is in the first line of the manifest, but for the format. */
static cli_exit plan_header(dataset_run *r) {
  static const char *const formats[] = {[DATASET_NPY] = "npy", [DATASET_DAT] = "dat", [DATASET_TAR] = "tar"};
  char zones[CLI_ZONE_VERSION_SIZE];
  const int has_zone = !is_jkx(r) && strcmp(r->chart_args.values[RENDER_TIMEZONE].text, "UTC") != 0;
  const dataset_manifest_options options = dataset_manifest_options_of(r, has_zone ? cli_zone_version(zones) : NULL);
  const cli_exit code = dataset_manifest_header(&r->header, &options);
  if (code) return code;
  r->header.length--; /* the brace */
  cli_buffer_format(&r->header, ", \"output\": \"%s\"}", formats[r->format]);
  return r->header.failed ? cli_fail(CLI_NO_MEMORY, "no memory for the state of the run") : CLI_OK;
}

/* ---- memory ---- */

uint64_t dataset_block_bytes(const dataset_run *r) {
  const uint64_t beside = sizeof(dataset_window) + sizeof(double) * (uint64_t)r->horizons.n + DATASET_SYMBOL_SIZE;
  return r->shape.size + (r->format == DATASET_TAR ? beside : 0);
}

static uint64_t firm_bytes(const dataset_run *r) {
  return FILE_BYTES + (r->format == DATASET_TAR ? TAR_BYTES : 0) + dataset_windows_bytes(r->horizons.n);
}

/* Where memory is short blocks become smaller, in the end two of one image each. */
static void plan_memory(dataset_run *r) {
  const cli_value *host_mem = dataset_value(r, DATASET_HOST_MEM);
  const uint64_t firm = firm_bytes(r), each = dataset_block_bytes(r);
  const int64_t fit = DATASET_BLOCK / (int64_t)r->shape.size, full = fit < r->unit ? fit : r->unit;
  r->room = full > 1 ? full : 1;
  r->n_blocks = BLOCKS;
  if (host_mem->given) {
    const uint64_t part = host_mem->number / HOST_MEM_PART, left = part > firm ? part - firm : 0;
    const uint64_t most = left / BLOCKS / each;
    if (most < (uint64_t)r->room) r->room = most > 0 ? (int64_t)most : 1;
    if (most == 0) r->n_blocks = 2;
  }
  r->base.row_bytes = firm + (uint64_t)r->n_blocks * (uint64_t)r->room * each;
  r->base.least_bytes = firm + 2 * each;
}

/* ---- all ---- */

dataset_manifest_options dataset_manifest_options_of(const dataset_run *r, const char *zones) {
  return (dataset_manifest_options){
      .output = r->out,
      .args = r->args,
      .images = &r->images,
      .horizons = r->horizons,
      .chart = {r->chart_text.bytes, r->chart_text.length},
      .zones = zones,
      .has_png = r->format == DATASET_TAR && dataset_value(r, DATASET_MEMBER)->number == MEMBER_PNG,
  };
}

cli_exit dataset_plan(dataset_run *r) {
  r->base.args = &r->chart_args;
  cli_exit code = plan_format(r);
  if (!code) code = check_options(r);
  if (!code) code = plan_windows(r);
  if (!code) code = plan_horizons(r);
  if (!code) code = plan_images(r);
  if (!code) code = check_tar(r);
  if (!code) code = cli_csv_options(r->args, r->base.columns, r->base.n_columns, &r->base.csv);
  if (!code) code = plan_shard(r);
  if (!code) code = check_places(r);
  if (!code) code = plan_header(r);
  if (!code) plan_memory(r);
  return code;
}

void dataset_plan_free(dataset_run *r) {
  render_texts_free(&r->base);
  render_lines_free(&r->base);
  cli_spec_free(&r->spec);
  cli_buffer_free(&r->chart_text);
  cli_buffer_free(&r->header);
  cli_buffer_free(&r->base.reason);
}
