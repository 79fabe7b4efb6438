#include "options.h"

#include <limits.h>
#include <stddef.h>

#include "tallow/chart.h"
#include "tallow/engine.h"
#include "tools/synth/synth.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define HELP_ROW                                                                                                       \
  { .name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "Print this text and exit." }

const char *cli_switch_name(int index) {
  static const char *const names[] = {[SWITCH_ON] = "on", [SWITCH_OFF] = "off"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_synth_kind_name(int index) {
  static const char *const names[] = {[SYNTH_KIND_CANDLES] = "candles", [SYNTH_KIND_TRADES] = "trades"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *axis_name(int index) {
  static const char *const names[] = {[TLW_AXIS_INDEX] = "index", [TLW_AXIS_TIME] = "time"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *format_name(int index) { return index == 0 ? "csv" : NULL; }
static const char *theme_name(int index) { return tlw_theme_name((tlw_theme)index); }
static const char *shape_name(int index) { return synth_shape_name((synth_shape)index); }
static const char *backend_name(int index) {
  return index <= TLW_BACKEND_CUDA ? tlw_backend_name((tlw_backend)index) : NULL;
}

static const cli_option render_options[] = {
    [RENDER_OUTPUT] = {.name = "output",
                       .letter = 'o',
                       .kind = CLI_TEXT,
                       .required = 1,
                       .metavar = "OUT",
                       .help =
                           "Where the charts go: for one FILE the name of a PNG file, or - for standard output; for "
                           "several a folder, made where it is missing, that gets one PNG named after each FILE "
                           "(aapl.csv.gz becomes aapl.png). For one FILE a folder is named with a slash at its end, "
                           "unless it exists. With --window always a folder (aapl_000000.png, aapl_000001.png, "
                           "...)."},
    [RENDER_BACKEND] = {.name = "backend",
                        .letter = 'b',
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "auto",
                        .choices = backend_name,
                        .help = "What does the work. auto takes CUDA, then OpenCL on a GPU, then the CPU; a backend "
                                "that is named is used or the command fails. The pixels are the same."},
    [RENDER_DEVICE] = {.name = "device",
                       .letter = 'd',
                       .kind = CLI_TEXT,
                       .metavar = "D",
                       .help = "Which device of the backend: its index or UUID in 'tallow devices', or a MIG name; "
                               "all: every one that can be used, with the charts shared between them. Needs --backend "
                               "opencl or cuda. Without it, the first that can be used."},
    [RENDER_SIZE] = {.name = "size",
                     .letter = 's',
                     .kind = CLI_SIZE,
                     .metavar = "WxH",
                     .fallback = "1280x720",
                     .least = TLW_CHART_MIN_SIDE,
                     .most = TLW_CHART_MAX_SIDE,
                     .help = "Width and height of each chart in pixels, 16x16 to 16384x16384."},
    [RENDER_THEME] = {.name = "theme",
                      .letter = 't',
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "modern",
                      .choices = theme_name,
                      .help = "Colours."},
    [RENDER_AXIS] = {.name = "axis",
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .fallback = "index",
                     .choices = axis_name,
                     .help = "Spacing of candles: index gives each the same room, time leaves room where none are."},
    [RENDER_LAST] = {.name = "last",
                     .letter = 'n',
                     .kind = CLI_NUMBER,
                     .metavar = "N",
                     .least = 1,
                     .most = INT64_MAX,
                     .help = "Draw the last N candles only, of those that --from and --to leave."},
    [RENDER_FROM] = {.name = "from", .kind = CLI_TIME, .metavar = "T", .help = "Draw candles that open at T or later."},
    [RENDER_TO] = {.name = "to", .kind = CLI_TIME, .metavar = "T", .help = "Draw candles that open before T."},
    [RENDER_WINDOW] = {.name = "window",
                       .letter = 'w',
                       .kind = CLI_NUMBER,
                       .metavar = "N",
                       .least = 1,
                       .most = INT64_C(1) << 40,
                       .help = "Draw a chart of every N candles in a row, of those that --from and --to leave, instead "
                               "of one of all. A FILE of any length needs no more memory than its windows."},
    [RENDER_STRIDE] = {.name = "stride",
                       .kind = CLI_NUMBER,
                       .metavar = "M",
                       .least = 1,
                       .most = INT64_C(1) << 40,
                       .help = "Candles from the first of a window to the first of the next. Needs --window. Without "
                               "it, N."},
    [RENDER_VOLUME] = {.name = "volume",
                       .kind = CLI_CHOICE,
                       .metavar = "WHEN",
                       .fallback = "on",
                       .choices = cli_switch_name,
                       .help = "The volume panel. A FILE without a volume column is drawn without it."},
    [RENDER_GRID] = {.name = "grid",
                     .kind = CLI_CHOICE,
                     .metavar = "WHEN",
                     .fallback = "on",
                     .choices = cli_switch_name,
                     .help = "The grid lines."},
    [RENDER_THREADS] = {.name = "threads",
                        .letter = 'j',
                        .kind = CLI_NUMBER,
                        .metavar = "N",
                        .least = 1,
                        .most = TLW_THREADS_MAX,
                        .help = "Threads of the CPU backend, 1 to 1024. Without it, as many as the CPUs that this "
                                "process may use."},
    [RENDER_POOL] = {.name = "pool",
                     .kind = CLI_BYTES,
                     .metavar = "SIZE",
                     .most = UINT64_MAX - 1,
                     .help = "Most memory of each device to use, such as 512MiB. Without it, half of what is free, at "
                             "most 1GiB. Charts are split to fit."},
    [RENDER_HOST_MEM] = {.name = "host-mem",
                         .kind = CLI_BYTES,
                         .metavar = "SIZE",
                         .most = UINT64_MAX - 1,
                         .help = "Most host memory for candles, pixels and engines, such as 1GiB. Without it, no "
                                 "limit."},
    [RENDER_FALLBACK] = {.name = "fallback",
                         .kind = CLI_CHOICE,
                         .metavar = "WHEN",
                         .choices = cli_switch_name,
                         .help = "Whether the next backend goes on with the work where the driver has no memory left. "
                                 "Without it, on for --backend auto, off for one that is named."},
    [RENDER_DEADLINE] = {.name = "deadline",
                         .kind = CLI_NUMBER,
                         .metavar = "S",
                         .fallback = "60",
                         .least = 1,
                         .most = (TLW_DEADLINE_NONE - 1) / 1000,
                         .help = "Seconds that a device may take for one piece of work before it counts as hung."},
    [RENDER_STATS] = {.name = "stats",
                      .kind = CLI_TEXT,
                      .metavar = "FILE",
                      .help = "Write what the run took to FILE as JSON when it ends, also when it fails."},
    [RENDER_ALLOC_LOG] = {.name = "alloc-log",
                          .kind = CLI_TEXT,
                          .metavar = "FILE",
                          .help = "Write every allocation and release of memory to FILE as CSV. With several devices "
                                  "to FILE.0, FILE.1, ..."},
    [RENDER_VERBOSE] = {.name = "verbose",
                        .letter = 'v',
                        .kind = CLI_FLAG,
                        .help = "Say on standard error what is used and why, and each file that is written."},
    [RENDER_QUIET] = {.name = "quiet",
                      .letter = 'q',
                      .kind = CLI_FLAG,
                      .help = "Say nothing on standard error but errors: no warnings."},
    [RENDER_HELP] = HELP_ROW,
};
_Static_assert(COUNT(render_options) == RENDER_OPTIONS && RENDER_OPTIONS <= CLI_OPTIONS_MAX, "render's options");

static const char *const render_examples[] = {
    "tallow render aapl.csv -o aapl.png",
    "tallow render aapl.csv -o last-year.png --last 250 --theme light --size 1920x1080",
    "tallow render btc.csv.gz -o january.png --from 2022-01-01 --to 2022-02-01 --axis time",
    "tallow render data/*.csv -o charts",
    "tallow render btc.csv.gz -o windows --window 100 --stride 25 --size 256x256",
    "tallow render data/*.csv -o small --host-mem 64MiB --pool 16MiB --stats stats.json",
    "tallow synth candles --rows 500 | tallow render - -o demo.png",
    NULL,
};

static const char *const render_notes[] = {
    "FILE is a CSV file of candles, plain or gzip, or - for standard input. Its first line names the columns: a date "
    "or "
    "time, open, high, low and close, and volume if there is one.",
    "T is a time: 2022-01-31, 2022-01-31T09:30, 2022-01-31T09:30:00Z, 2022-01-31T09:30:00+01:00, 1/31/2022 9:30, or an "
    "epoch in s, ms, us or ns. Without an offset it is UTC.",
    "--window draws complete windows only, numbered from 0 in the order of the candles: NAME_000000.png and so on. A "
    "FILE with fewer candles than N is an error. --last can't be used with it.",
    "SIZE is a number of bytes, alone or with KiB, MiB, GiB or TiB. Neither budget changes a pixel; one that is too "
    "small is refused with the number of bytes that would do.",
    "A FILE that fails does not stop the others; the exit code is that of the first failure. SIGINT and SIGTERM end "
    "the "
    "command; charts that were written by then are complete.",
    NULL,
};

static const cli_option devices_options[] = {
    [DEVICES_CHECK] = {.name = "check",
                       .kind = CLI_FLAG,
                       .help =
                           "Also open each device and run its self-test. This may compile kernels and take seconds."},
    [DEVICES_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "Print a JSON array, for programs."},
    [DEVICES_HELP] = HELP_ROW,
};
_Static_assert(COUNT(devices_options) == DEVICES_OPTIONS && DEVICES_OPTIONS <= CLI_OPTIONS_MAX, "devices' options");

static const char *const devices_examples[] = {
    "tallow devices",
    "tallow devices --check",
    "tallow devices --json",
    NULL,
};

static const char *const devices_notes[] = {
    "Devices are listed in the order in which --backend auto tries them. A backend without a device is listed with the "
    "reason. Exit code 69 if no device can be used.",
    NULL,
};

static const cli_option synth_options_table[] = {
    [SYNTH_ROWS] = {.name = "rows",
                    .letter = 'n',
                    .kind = CLI_NUMBER,
                    .metavar = "N",
                    .fallback = "1000",
                    .most = INT64_MAX,
                    .help = "How many rows."},
    [SYNTH_SEED] = {.name = "seed",
                    .kind = CLI_NUMBER,
                    .metavar = "S",
                    .fallback = "1",
                    .most = UINT64_MAX,
                    .help = "Another seed gives another market; the same seed the same bytes, on every machine."},
    [SYNTH_SHAPE] = {.name = "shape",
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .fallback = "trending",
                     .choices = shape_name,
                     .help =
                         "quiet: small moves about a level. trending: long runs up and down. gaps: open on weekdays "
                         "from 09:30 to 16:00 only, the price leaps while closed. jumps: rare large moves with high "
                         "volume."},
    [SYNTH_FORMAT] = {.name = "format",
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "csv",
                      .choices = format_name,
                      .help = "Format of the rows."},
    [SYNTH_OUTPUT] = {.name = "output",
                      .letter = 'o',
                      .kind = CLI_TEXT,
                      .metavar = "FILE",
                      .fallback = "-",
                      .help = "Where the rows go; - is standard output. A file appears once it is complete."},
    [SYNTH_INTERVAL] = {.name = "interval",
                        .letter = 'i',
                        .kind = CLI_DURATION,
                        .metavar = "D",
                        .least = 1,
                        .most = SYNTH_INTERVAL_MAX,
                        .help = "Time from candle to candle, or the mean between trades: a number with ns, us, ms, s, "
                                "m, h, d or w, at most 366d. Without it, 1m for candles and 250ms for trades."},
    [SYNTH_START] = {.name = "start",
                     .kind = CLI_TIME,
                     .metavar = "T",
                     .fallback = "2020-01-01",
                     .help = "Time of the first row, such as 2020-01-01 or 2020-01-01T09:30:00Z. With --shape gaps the "
                             "market opens at T or later."},
    [SYNTH_HELP] = HELP_ROW,
};
_Static_assert(COUNT(synth_options_table) == SYNTH_OPTIONS && SYNTH_OPTIONS <= CLI_OPTIONS_MAX, "synth's options");

static const char *const synth_examples[] = {
    "tallow synth candles --rows 5 --interval 1d",
    "tallow synth candles --rows 390 --shape gaps --seed 7 -o week.csv",
    "tallow synth trades --rows 100000 --shape jumps | gzip > trades.csv.gz",
    NULL,
};

static const char *const synth_notes[] = {
    "Columns of candles: time,open,high,low,close,volume. Columns of trades: time,id,price,quantity,side. Times are "
    "UTC; "
    "prices have 2 digits behind the point, quantities 3.",
    NULL,
};

static const cli_option help_options[] = {[HELP_HELP] = HELP_ROW};
_Static_assert(COUNT(help_options) == HELP_OPTIONS, "help's options");

static const char *const help_examples[] = {"tallow help", "tallow help render", NULL};
static const char *const no_notes[] = {NULL};

const cli_command cli_commands[] = {
    {"render", "draw candle charts from CSV files", "FILE...", 1, INT_MAX, render_examples, render_notes,
     render_options, RENDER_OPTIONS, cli_run_render},
    {"devices", "list what can do the work, and why the rest can't", "", 0, 0, devices_examples, devices_notes,
     devices_options, DEVICES_OPTIONS, cli_run_devices},
    {"synth", "make candles or trades for demos and tests", "candles|trades", 1, 1, synth_examples, synth_notes,
     synth_options_table, SYNTH_OPTIONS, cli_run_synth},
    {"help", "explain a command", "[COMMAND]", 0, 1, help_examples, no_notes, help_options, HELP_OPTIONS, cli_run_help},
};
const int cli_n_commands = COUNT(cli_commands);

const cli_exit_text cli_exit_texts[] = {
    {CLI_OK, "done"},
    {CLI_USAGE, "the command line is wrong"},
    {CLI_DATA, "an input file holds bad data, or nothing in the range asked for"},
    {CLI_NO_INPUT, "an input file is missing or can't be read"},
    {CLI_UNAVAILABLE, "a backend, device or library is missing, was refused or failed"},
    {CLI_INTERNAL, "a fault of this program"},
    {CLI_NO_MEMORY, "out of memory, or --pool or --host-mem is too small"},
    {CLI_CANT_CREATE, "an output file or folder can't be made"},
    {CLI_IO, "reading or writing failed underway"},
    {CLI_INTERRUPTED, "stopped by SIGINT (Ctrl-C)"},
    {CLI_TERMINATED, "stopped by SIGTERM"},
};
const int cli_n_exit_texts = COUNT(cli_exit_texts);
