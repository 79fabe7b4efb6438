#include "options.h"

#include <limits.h>
#include <stddef.h>

#include "bars_text.h"
#include "tallow/chart.h"
#include "tallow/engine.h"
#include "tallow/images.h"
#include "tallow/png.h"
#include "tallow/window.h"
#include "tools/synth/synth.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define HELP_ROW .name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "Print this text and exit."

const char *cli_switch_name(int index) {
  static const char *const names[] = {[SWITCH_ON] = "on", [SWITCH_OFF] = "off"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_synth_kind_name(int index) {
  static const char *const names[] = {[SYNTH_KIND_CANDLES] = "candles", [SYNTH_KIND_TRADES] = "trades"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_shell_name(int index) {
  static const char *const names[] = {[SHELL_BASH] = "bash", [SHELL_ZSH] = "zsh", [SHELL_FISH] = "fish"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *axis_name(int index) {
  static const char *const names[] = {[TLW_AXIS_INDEX] = "index", [TLW_AXIS_TIME] = "time"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *scale_name(int index) {
  static const char *const names[] = {[TLW_SCALE_LINEAR] = "linear", [TLW_SCALE_LOG] = "log"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *png_name(int index) {
  static const char *const names[] = {[TLW_PNG_FAST] = "fast", [TLW_PNG_SMALL] = "small", [TLW_PNG_LIBPNG] = "libpng"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *synth_format_name(int index) {
  static const char *const names[] = {[SYNTH_FORMAT_CSV] = "csv", [SYNTH_FORMAT_AGGTRADES] = "aggtrades"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *bench_clock_name(int index) {
  static const char *const names[] = {[BENCH_CLOCK_WALL] = "wall", [BENCH_CLOCK_PROCESSOR] = "processor"};
  return index < COUNT(names) ? names[index] : NULL;
}

/* All but auto. */
static const char *bench_backend_name(int index) {
  return index + TLW_BACKEND_CPU <= TLW_BACKEND_CUDA ? tlw_backend_name((tlw_backend)(index + TLW_BACKEND_CPU)) : NULL;
}

static const char *theme_name(int index) { return tlw_theme_name((tlw_theme)index); }
static const char *shape_name(int index) { return synth_shape_name((synth_shape)index); }
static const char *backend_name(int index) {
  return index <= TLW_BACKEND_CUDA ? tlw_backend_name((tlw_backend)index) : NULL;
}

static const char *header_name(int index) {
  static const char *const names[] = {
      [TLW_CSV_HEADER_AUTO] = "auto", [TLW_CSV_HEADER_YES] = "yes", [TLW_CSV_HEADER_NO] = "no"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_delimiter_name(int index) {
  static const char *const names[] = {"auto", "comma", "semicolon", "tab", "pipe"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_decimal_name(int index) {
  static const char *const names[] = {"point", "comma"};
  return index < COUNT(names) ? names[index] : NULL;
}

#define POLICY_NAMES(defect)                                                                                           \
  static const char *policy_names_##defect(int index) { return tlw_policy_name(tlw_defect_choice(defect, index)); }
POLICY_NAMES(TLW_DEFECT_FIELD)
POLICY_NAMES(TLW_DEFECT_MISSING_PRICE)
POLICY_NAMES(TLW_DEFECT_NEGATIVE_PRICE)
POLICY_NAMES(TLW_DEFECT_HIGH_BELOW_LOW)
POLICY_NAMES(TLW_DEFECT_OUTSIDE)
POLICY_NAMES(TLW_DEFECT_NEGATIVE_VOLUME)
POLICY_NAMES(TLW_DEFECT_OUT_OF_ORDER)
POLICY_NAMES(TLW_DEFECT_DUPLICATE)

const char *cli_group_title(cli_group group) {
  static const char *const titles[] = {
      [CLI_GROUP_OPTIONS] = "Options",           [CLI_GROUP_DRAWN] = "What is drawn",
      [CLI_GROUP_COMPUTED] = "What is computed", [CLI_GROUP_INPUT] = "Input",
      [CLI_GROUP_BAD_ROWS] = "Bad rows",         [CLI_GROUP_RUNS] = "Runs",
      [CLI_GROUP_WORK] = "Work and memory",      [CLI_GROUP_MESSAGES] = "Messages",
  };
  return titles[group];
}

int cli_is_setting(const cli_option *option) { return option->group == CLI_GROUP_DRAWN && !option->apart; }

const char *cli_option_default(const cli_option *option) {
  return option->group == CLI_GROUP_BAD_ROWS ? option->choices(0) : option->fallback;
}

/* Options that several commands have. */
#define HEADER_ROW                                                                                                     \
  .name = "header", .group = CLI_GROUP_INPUT, .also = " no-header noheader ", .kind = CLI_CHOICE, .metavar = "WHEN",   \
  .fallback = "auto", .choices = header_name, .help = "Whether the first line names the columns."
#define DELIMITER_ROW                                                                                                  \
  .name = "delimiter", .group = CLI_GROUP_INPUT, .also = " sep separator delim ", .kind = CLI_CHOICE,                  \
  .metavar = "NAME", .fallback = "auto", .choices = cli_delimiter_name,                                                \
  .help = "What stands between fields; the sign itself will do."
#define DECIMAL_ROW                                                                                                    \
  .name = "decimal", .group = CLI_GROUP_INPUT, .also = " decimal-comma comma ", .kind = CLI_CHOICE, .metavar = "NAME", \
  .fallback = "point", .choices = cli_decimal_name,                                                                    \
  .help = "The sign before decimals. With comma, points may group digits."
#define DAY_FIRST_ROW                                                                                                  \
  .name = "day-first", .group = CLI_GROUP_INPUT, .also = " dayfirst dmy ", .kind = CLI_FLAG,                           \
  .help = "Read 31.12.2021, 31/12/2021 and 31-12-2021, the day before the month."
#define EXPANSION_ROW                                                                                                  \
  .name = "expansion", .group = CLI_GROUP_INPUT, .kind = CLI_NUMBER, .metavar = "N", .fallback = "1000", .least = 1,   \
  .most = UINT32_MAX, .help = "A packed FILE may unpack to N times its size, and to 64 MiB anyway."
#define POLICY_ROW(first, defect, words, when)                                                                         \
  [(first) + (defect)] = {.name = (words),                                                                             \
                          .kind = CLI_CHOICE,                                                                          \
                          .metavar = "POLICY",                                                                         \
                          .choices = policy_names_##defect,                                                            \
                          .help = (when),                                                                              \
                          .group = CLI_GROUP_BAD_ROWS}
#define POLICY_ROWS(first)                                                                                             \
  POLICY_ROW(first, TLW_DEFECT_FIELD, "bad-field", "A field that can't be read."),                                     \
      POLICY_ROW(first, TLW_DEFECT_MISSING_PRICE, "missing-price", "An empty, NaN or infinite price."),                \
      POLICY_ROW(first, TLW_DEFECT_NEGATIVE_PRICE, "negative-price", "A price below 0."),                              \
      POLICY_ROW(first, TLW_DEFECT_HIGH_BELOW_LOW, "high-below-low", "A high below the low."),                         \
      POLICY_ROW(first, TLW_DEFECT_OUTSIDE, "outside", "Open or close outside low..high."),                            \
      POLICY_ROW(first, TLW_DEFECT_NEGATIVE_VOLUME, "negative-volume", "A volume below 0 or infinite."),               \
      POLICY_ROW(first, TLW_DEFECT_OUT_OF_ORDER, "out-of-order", "A time that goes back."),                            \
      POLICY_ROW(first, TLW_DEFECT_DUPLICATE, "duplicate", "A time that repeats.")
#define ADJUSTED_ROW                                                                                                   \
  .name = "adjusted", .group = CLI_GROUP_INPUT, .also = " adj adj-close adjust ", .kind = CLI_FLAG,                    \
  .help = "Multiply all prices by Adj Close / Close, for splits and dividends."
#define STATS_ROW                                                                                                      \
  .name = "stats", .group = CLI_GROUP_WORK, .hint = CLI_HINT_FILE, .kind = CLI_TEXT, .metavar = "FILE",                \
  .help = "Write what the run took to FILE as JSON when it ends, also when it fails."
#define METRICS_ROW                                                                                                    \
  .name = "metrics", .group = CLI_GROUP_WORK, .hint = CLI_HINT_FILE, .also = " prometheus prom textfile ",             \
  .kind = CLI_TEXT, .metavar = "FILE",                                                                                 \
  .help = "Write how far the run is and what it takes to FILE for Prometheus, again and again, and when it ends. "     \
          "Each time FILE is replaced as a whole."
#define METRICS_INTERVAL_ROW                                                                                           \
  .name = "metrics-interval", .group = CLI_GROUP_WORK, .kind = CLI_DURATION, .metavar = "D", .fallback = "15s",        \
  .least = UINT64_C(10000000), .most = UINT64_C(86400000000000), .help = "Time between two of --metrics, 10ms to 1d."
#define TRACE_ROW                                                                                                      \
  .name = "trace", .group = CLI_GROUP_WORK, .hint = CLI_HINT_FILE, .also = " profile timeline ", .kind = CLI_TEXT,     \
  .metavar = "FILE",                                                                                                   \
  .help = "Write what the run does when to FILE, which ui.perfetto.dev and chrome://tracing show: reading, drawing, "  \
          "encoding and writing beside each other."
#define PROGRESS_ROW                                                                                                   \
  .name = "progress", .group = CLI_GROUP_MESSAGES, .also = " progress-bar no-progress ", .kind = CLI_CHOICE,           \
  .metavar = "WHEN", .choices = cli_switch_name,                                                                       \
  .help = "A line with the rate and the time left. Without it, on where standard error is a "                          \
          "terminal. on elsewhere: a line every ten seconds."
#define PROGRESS_FD_ROW                                                                                                \
  .name = "progress-fd", .group = CLI_GROUP_MESSAGES, .kind = CLI_STREAM, .metavar = "FD", .most = INT32_MAX,          \
  .help = "Write progress to this open descriptor, a JSON object a line: about every second, and one at "              \
          "the end. Such as 3, with 3>progress.jsonl."
#define JSON_ROW                                                                                                       \
  .name = "json", .group = CLI_GROUP_MESSAGES, .kind = CLI_FLAG,                                                       \
  .help = "Print what was done as a JSON object on standard output when the command ends."
#define THREADS_ROW                                                                                                    \
  .name = "threads", .group = CLI_GROUP_WORK, .also = " jobs workers cpus parallel ", .letter = 'j',                   \
  .kind = CLI_NUMBER, .metavar = "N", .least = 1, .most = TLW_THREADS_MAX,                                             \
  .help = "Threads of the CPU backend, 1 to 1024. Without it, as many as the CPUs that this "                          \
          "process may use."
#define FALLBACK_ROW                                                                                                   \
  .name = "fallback", .group = CLI_GROUP_WORK, .kind = CLI_CHOICE, .metavar = "WHEN", .choices = cli_switch_name,      \
  .help = "Whether the next backend goes on with the work where the driver has no memory left. "                       \
          "Without it, on for --backend auto, off for one that is named."
#define DEADLINE_ROW                                                                                                   \
  .name = "deadline", .group = CLI_GROUP_WORK, .also = " timeout ", .kind = CLI_NUMBER, .metavar = "S",                \
  .fallback = "60", .least = 1, .most = (TLW_DEADLINE_NONE - 1) / 1000,                                                \
  .help = "Seconds that a device may take for one piece of work before it counts as hung."
#define VERBOSE_ROW                                                                                                    \
  .name = "verbose", .group = CLI_GROUP_MESSAGES, .also = " debug ", .letter = 'v', .kind = CLI_FLAG,                  \
  .help = "Say on standard error what is used and why, and each file that is written."
#define QUIET_ROW                                                                                                      \
  .name = "quiet", .group = CLI_GROUP_MESSAGES, .also = " silent ", .letter = 'q', .kind = CLI_FLAG,                   \
  .help = "Say nothing on standard error but errors: no warnings."

#define SIDE_ROW .kind = CLI_NUMBER, .most = TLW_CHART_MAX_SIDE

static const cli_option margin_parts[] = {
    [MARGIN_LEFT] = {.name = "left", SIDE_ROW},
    [MARGIN_TOP] = {.name = "top", SIDE_ROW},
    [MARGIN_RIGHT] = {.name = "right", SIDE_ROW},
    [MARGIN_BOTTOM] = {.name = "bottom", SIDE_ROW},
};

static const cli_option mav_parts[] = {
    {.name = "rows", .kind = CLI_NUMBER, .least = 1, .most = TLW_WINDOW_MAX_ROWS},
};
static const cli_option line_parts[] = {{.name = "column", .kind = CLI_TEXT}};
static const cli_option color_parts[] = {{.name = "color", .kind = CLI_COLOR}};

#define TEXT_ROW .group = CLI_GROUP_DRAWN, .kind = CLI_TEXT, .metavar = "TEXT", .clears = 1

static const cli_option render_options[] = {
    [RENDER_OUTPUT] = {.name = "output",
                       .group = CLI_GROUP_DRAWN,
                       .letter = 'o',
                       .kind = CLI_TEXT,
                       .required = 1,
                       .apart = 1,
                       .metavar = "OUT",
                       .hint = CLI_HINT_FILE,
                       .also = " out outfile outdir out-dir dest directory folder dir ",
                       .such = "name a PNG file, a folder, or - for standard output, such as -o chart.png",
                       .help =
                           "Where the charts go: for one FILE the name of a PNG file, or - for standard output; for "
                           "several a folder, made where it is missing, that gets one PNG named after each FILE "
                           "(aapl.csv.gz becomes aapl.png). For one FILE a folder is named with a slash at its end, "
                           "unless it exists. With --window always a folder (aapl_000000.png, aapl_000001.png, "
                           "...)."},
    [RENDER_SPEC] = {.name = "spec",
                     .group = CLI_GROUP_DRAWN,
                     .apart = 1,
                     .hint = CLI_HINT_FILE,
                     .also = " config settings description preset ",
                     .kind = CLI_TEXT,
                     .metavar = "JSON",
                     .help = "Take settings from the file JSON, or - for standard input: an object whose keys are the "
                             "options below, such as {\"size\": \"800x600\", \"grid\": false}. What is on the command "
                             "line wins; an empty text, as in --title '', leaves out that of JSON."},
    [RENDER_PRINT_SPEC] = {.name = "print-spec",
                           .group = CLI_GROUP_DRAWN,
                           .apart = 1,
                           .alone = 1,
                           .also = " dump-spec show-spec print-config ",
                           .kind = CLI_FLAG,
                           .help = "Print what the options below and --spec amount to, as a file for --spec, and draw "
                                   "nothing."},
    [RENDER_BACKEND] = {.name = "backend",
                        .group = CLI_GROUP_WORK,
                        .also = " gpu engine renderer ",
                        .letter = 'b',
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "auto",
                        .choices = backend_name,
                        .help = "What does the work. auto takes CUDA, then OpenCL on a GPU, then the CPU; a backend "
                                "that is named is used or the command fails. The pixels are the same."},
    [RENDER_DEVICE] = {.name = "device",
                       .group = CLI_GROUP_WORK,
                       .letter = 'd',
                       .kind = CLI_TEXT,
                       .metavar = "D",
                       .help = "Which device of the backend: its index or UUID in 'tallow devices', or a MIG name; "
                               "all: every one that can be used, with the charts shared between them. Needs --backend "
                               "opencl or cuda. Without it, the first that can be used."},
    [RENDER_SIZE] = {.name = "size",
                     .group = CLI_GROUP_DRAWN,
                     .also = " width height resolution dimensions figsize ",
                     .letter = 's',
                     .kind = CLI_SIZE,
                     .metavar = "WxH",
                     .fallback = "1280x720",
                     .least = TLW_CHART_MIN_SIDE,
                     .most = TLW_CHART_MAX_SIDE,
                     .help = "Width and height of each chart in pixels, 16x16 to 16384x16384."},
    [RENDER_THEME] = {.name = "theme",
                      .group = CLI_GROUP_DRAWN,
                      .also = " style colors colours palette skin ",
                      .letter = 't',
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "modern",
                      .choices = theme_name,
                      .help = "Colours."},
    [RENDER_AXIS] = {.name = "axis",
                     .group = CLI_GROUP_DRAWN,
                     .also = " x-axis xaxis ",
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .fallback = "index",
                     .choices = axis_name,
                     .help = "Spacing of candles: index gives each the same room, time leaves room where none are."},
    [RENDER_SCALE] = {.name = "scale",
                      .group = CLI_GROUP_DRAWN,
                      .also = " log logy log-scale y-axis yaxis ",
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "linear",
                      .choices = scale_name,
                      .help = "Spacing of prices: log gives equal ratios the same height, and needs prices above 0."},
    [RENDER_LAST] = {.name = "last",
                     .group = CLI_GROUP_DRAWN,
                     .also = " limit tail count rows ",
                     .letter = 'n',
                     .kind = CLI_NUMBER,
                     .metavar = "N",
                     .least = 1,
                     .most = INT64_MAX,
                     .help = "Draw the last N candles only, of those that --from and --to leave."},
    [RENDER_FROM] = {.name = "from",
                     .group = CLI_GROUP_DRAWN,
                     .also = " start since begin after ",
                     .kind = CLI_TIME,
                     .metavar = "T",
                     .help = "Draw candles that open at T or later."},
    [RENDER_TO] = {.name = "to",
                   .group = CLI_GROUP_DRAWN,
                   .also = " end until before stop ",
                   .kind = CLI_TIME,
                   .metavar = "T",
                   .help = "Draw candles that open before T."},
    [RENDER_WINDOW] = {.name = "window",
                       .group = CLI_GROUP_DRAWN,
                       .also = " windows ",
                       .letter = 'w',
                       .kind = CLI_NUMBER,
                       .metavar = "N",
                       .least = 1,
                       .most = INT64_C(1) << 40,
                       .help = "Draw a chart of every N candles in a row, of those that --from and --to leave, instead "
                               "of one of all. A FILE of any length needs no more memory than its windows."},
    [RENDER_STRIDE] = {.name = "stride",
                       .group = CLI_GROUP_DRAWN,
                       .also = " step hop ",
                       .kind = CLI_NUMBER,
                       .metavar = "M",
                       .least = 1,
                       .most = INT64_C(1) << 40,
                       .help = "Candles from the first of a window to the first of the next. Needs --window. Without "
                               "it, N."},
    [RENDER_VOLUME] = {.name = "volume",
                       .group = CLI_GROUP_DRAWN,
                       .kind = CLI_CHOICE,
                       .metavar = "WHEN",
                       .fallback = "on",
                       .choices = cli_switch_name,
                       .help = "The volume panel. A FILE without a volume column is drawn without it."},
    [RENDER_GRID] = {.name = "grid",
                     .group = CLI_GROUP_DRAWN,
                     .kind = CLI_CHOICE,
                     .metavar = "WHEN",
                     .fallback = "on",
                     .choices = cli_switch_name,
                     .help = "The grid lines."},
    [RENDER_LABELS] = {.name = "labels",
                       .group = CLI_GROUP_DRAWN,
                       .also = " text axes ticks axisoff no-labels label ",
                       .kind = CLI_CHOICE,
                       .metavar = "WHEN",
                       .fallback = "on",
                       .choices = cli_switch_name,
                       .help =
                           "All text: prices, volumes, times, names. A chart below 160x120 has none anyway. Without "
                           "text the lines of the grid are evenly spaced."},
    [RENDER_LAST_PRICE] = {.name = "last-price",
                           .group = CLI_GROUP_DRAWN,
                           .also = " price-tag price-line current-price no-last-price ",
                           .kind = CLI_CHOICE,
                           .metavar = "WHEN",
                           .fallback = "on",
                           .choices = cli_switch_name,
                           .help = "The close of the last candle, in a box beside the prices."},
    [RENDER_TITLE] = {.name = "title",
                      TEXT_ROW,
                      .also = " caption heading name ",
                      .help =
                          "A line above the chart. {symbol} is the symbol of --by, or the name of the FILE, {first} "
                          "and {last} are the times of the first and the last candle, {n} is their number; {{ and "
                          "}} are the signs themselves."},
    [RENDER_PRICE_NAME] = {.name = "price-name",
                           TEXT_ROW,
                           .also = " ylabel y-label price-label currency ",
                           .help = "What the prices are, such as USD."},
    [RENDER_VOLUME_NAME] = {.name = "volume-name",
                            TEXT_ROW,
                            .also = " ylabel-lower volume-label ",
                            .help = "What the volumes are."},
    [RENDER_TIME_NAME] = {.name = "time-name",
                          TEXT_ROW,
                          .also = " xlabel x-label time-label ",
                          .help = "What the times are, such as UTC."},
    [RENDER_TIMEZONE] = {.name = "timezone",
                         .group = CLI_GROUP_DRAWN,
                         .also = " tz zone time-zone ",
                         .kind = CLI_TEXT,
                         .metavar = "NAME",
                         .fallback = "UTC",
                         .help = "The zone that times are shown in, such as America/New_York: a name of the system's "
                                 "zoneinfo."},
    [RENDER_MAV] = {.name = "mav",
                    .group = CLI_GROUP_DRAWN,
                    .also = " ma sma moving-average moving-averages average averages ",
                    .kind = CLI_LIST,
                    .metavar = "ROWS",
                    .parts = mav_parts,
                    .n_parts = 1,
                    .help = "Moving averages of the close over so many candles, several between commas, such as "
                            "10,20. They look back beyond the first candle that is drawn."},
    [RENDER_LINES] = {.name = "lines",
                      .group = CLI_GROUP_DRAWN,
                      .also = " line overlay overlays addplot indicators ",
                      .kind = CLI_LIST,
                      .metavar = "COLUMNS",
                      .parts = line_parts,
                      .n_parts = 1,
                      .help = "Further columns of the FILE to draw as lines over the prices, names or numbers from 1, "
                              "several between commas."},
    [RENDER_LINE_COLORS] = {.name = "line-colors",
                            .group = CLI_GROUP_DRAWN,
                            .also = " line-color line-colours mavcolors mav-colors ",
                            .kind = CLI_LIST,
                            .metavar = "COLORS",
                            .parts = color_parts,
                            .n_parts = 1,
                            .help = "Colours of the lines, those of --mav first: RRGGBB or auto, several between "
                                    "commas, such as FF9F1C,2D8CFF."},
    [RENDER_MARGINS] = {.name = "margins",
                        .group = CLI_GROUP_DRAWN,
                        .also = " margin padding pad border ",
                        .kind = CLI_MEMBERS,
                        .metavar = "SIDE=N",
                        .parts = margin_parts,
                        .n_parts = COUNT(margin_parts),
                        .help = "Pixels between the plot and the sides of the chart, several between commas, such as "
                                "left=8,right=64. SIDE is left, top, right or bottom. A side without it gets what its "
                                "labels need."},
    [RENDER_PNG] = {.name = "png",
                    .group = CLI_GROUP_DRAWN,
                    .also = " encoder compression compress level png-coding ",
                    .kind = CLI_CHOICE,
                    .metavar = "CODING",
                    .fallback = "fast",
                    .choices = png_name,
                    .help =
                        "How files are compressed: by Tallow itself, the same bytes everywhere; small, by libdeflate "
                        "where it is installed; or by libpng. The pixels are the same."},
    [RENDER_BY] = {.name = "by",
                   .group = CLI_GROUP_INPUT,
                   .also = " symbol symbols ticker group-by ",
                   .kind = CLI_TEXT,
                   .metavar = "COLUMN",
                   .help = "Draw a chart for each symbol of this column, a name or a number from 1: aapl.csv becomes "
                           "aapl_MSFT.png and so on."},
    [RENDER_COLUMNS] = {.name = "columns",
                        .group = CLI_GROUP_INPUT,
                        .kind = CLI_TEXT,
                        .metavar = "SPEC",
                        .help =
                            "Columns that are not to be found by their names: ROLE=COLUMN, several between commas, "
                            "such as close=Last,volume=7. ROLE is time, clock, open, high, low, close, volume, "
                            "adjusted or symbol; COLUMN is a name, a number from 1, or none. time=none: the FILE has "
                            "no times, and its rows are drawn in their order."},
    [RENDER_HEADER] = {HEADER_ROW},
    [RENDER_DELIMITER] = {DELIMITER_ROW},
    [RENDER_DECIMAL] = {DECIMAL_ROW},
    [RENDER_DAY_FIRST] = {DAY_FIRST_ROW},
    [RENDER_ADJUSTED] = {ADJUSTED_ROW},
    [RENDER_EXPANSION] = {EXPANSION_ROW},
    POLICY_ROWS(RENDER_POLICIES),
    [RENDER_RESUME] = {.name = "resume",
                       .group = CLI_GROUP_RUNS,
                       .also = " continue skip-existing ",
                       .kind = CLI_FLAG,
                       .help = "Leave out the charts that an earlier run of the same command has made: those for which "
                               "its manifest and the file agree."},
    [RENDER_SHARD] = {.name = "shard",
                      .group = CLI_GROUP_RUNS,
                      .also = " part chunk ",
                      .kind = CLI_TEXT,
                      .metavar = "I/N",
                      .help = "Draw the I-th of N parts of the charts, I from 1; auto or auto/N: I, and N if it is not "
                              "given, from the variables of Slurm, Kubernetes, AWS Batch, MPI or GNU parallel. "
                              "'tallow merge' makes one of the parts."},
    [RENDER_MANIFEST] = {.name = "manifest",
                         .group = CLI_GROUP_RUNS,
                         .kind = CLI_CHOICE,
                         .metavar = "WHEN",
                         .choices = cli_switch_name,
                         .help = "Write manifest.jsonl beside the charts, a line for each. Without it, on for a "
                                 "folder."},
    [RENDER_DRY_RUN] = {.name = "dry-run",
                        .group = CLI_GROUP_RUNS,
                        .also = " list simulate check ",
                        .kind = CLI_FLAG,
                        .help = "Read the FILEs and list the charts that would be written, but write nothing."},
    [RENDER_THREADS] = {THREADS_ROW},
    [RENDER_POOL] = {.name = "pool",
                     .group = CLI_GROUP_WORK,
                     .also = " device-mem gpu-mem vram ",
                     .kind = CLI_BYTES,
                     .metavar = "SIZE",
                     .most = UINT64_MAX - 1,
                     .help = "Most memory of each device to use, such as 512MiB. Without it, half of what is free, at "
                             "most 1GiB. Charts are split to fit."},
    [RENDER_HOST_MEM] = {.name = "host-mem",
                         .group = CLI_GROUP_WORK,
                         .also = " memory mem max-memory ram ",
                         .kind = CLI_BYTES,
                         .metavar = "SIZE",
                         .most = UINT64_MAX - 1,
                         .help = "Most host memory for candles, pixels and engines, such as 1GiB. Without it, no "
                                 "limit."},
    [RENDER_FALLBACK] = {FALLBACK_ROW},
    [RENDER_DEADLINE] = {DEADLINE_ROW},
    [RENDER_STATS] = {STATS_ROW},
    [RENDER_METRICS] = {METRICS_ROW},
    [RENDER_METRICS_INTERVAL] = {METRICS_INTERVAL_ROW},
    [RENDER_TRACE] = {TRACE_ROW},
    [RENDER_ALLOC_LOG] = {.name = "alloc-log",
                          .group = CLI_GROUP_WORK,
                          .hint = CLI_HINT_FILE,
                          .also = " log ",
                          .kind = CLI_TEXT,
                          .metavar = "FILE",
                          .help = "Write every allocation and release of memory to FILE as CSV. With several devices "
                                  "to FILE.0, FILE.1, ..."},
    [RENDER_PROGRESS] = {PROGRESS_ROW},
    [RENDER_PROGRESS_FD] = {PROGRESS_FD_ROW},
    [RENDER_JSON] = {JSON_ROW},
    [RENDER_VERBOSE] = {VERBOSE_ROW},
    [RENDER_QUIET] = {QUIET_ROW},
    [RENDER_HELP] = {HELP_ROW, .group = CLI_GROUP_MESSAGES},
};
_Static_assert(COUNT(render_options) == RENDER_OPTIONS && RENDER_OPTIONS <= CLI_OPTIONS_MAX, "render's options");

static const char *const render_examples[] = {
    "tallow render aapl.csv -o aapl.png",
    "tallow render aapl.csv -o last-year.png --last 250 --theme light --size 1920x1080",
    "tallow render btc.csv.gz -o january.png --from 2022-01-01 --to 2022-02-01 --axis time",
    "tallow render data/*.csv -o charts",
    "tallow render aapl.csv -o aapl.png --title '{symbol}, {n} days' --mav 10,20 --timezone America/New_York",
    "tallow render --size 800x600 --theme light --print-spec > chart.json",
    "tallow render aapl.csv -o aapl.png --spec chart.json --volume off",
    "tallow render btc.csv.gz -o windows --window 100 --stride 25 --size 256x256",
    "tallow render data/*.csv -o small --host-mem 64MiB --stats stats.json",
    "tallow synth candles --rows 500 | tallow render - -o demo.png",
    NULL,
};

static const char *const render_notes[] = {
    "FILE is a CSV file of candles, or - for standard input: plain, gzip, Zstandard or zip, with commas, semicolons, "
    "tabs or pipes, in any order of columns. Its header names them: a time or date, open, high, low and close, and "
    "volume if there is one.",
    "T is a time: 2022-01-31, 2022-01-31T09:30, 2022-01-31T09:30:00Z, 2022-01-31T09:30:00+01:00, 1/31/2022 9:30, or an "
    "epoch in s, ms, us or ns. Without an offset it is UTC.",
    "--window draws complete windows only, numbered from 0 in the order of the candles: NAME_000000.png and so on. A "
    "FILE with fewer candles than N is an error. --last can't be used with it.",
    "Averages and columns are drawn where the prices of the candles leave room, in colours of their own; names stand "
    "above the chart. A candle that lacks a price leaves a gap in the averages that it is in. --adjusted does not "
    "change the numbers of --lines.",
    "JSON is text in UTF-8: one object. Numbers are numbers, on and off are true and false, SIDE=N is an object such "
    "as {\"left\": 8}, what stands between commas is a list such as [10, 20], all else is in double quotes; null is "
    "the same as leaving the key out. 'tallow render --print-spec' shows every key.",
    "SIZE is a number of bytes: 512MiB, 1.5GiB, or 512M and 1.5G for the same; KB, MB, GB and TB are powers of 1000. "
    "Neither budget changes a pixel; one that is too small is refused with the number of bytes that would do.",
    "A FILE that fails does not stop the others; the exit code is that of the first failure. SIGINT and SIGTERM end "
    "the command; charts that were written by then are complete, and --resume goes on.",
    NULL,
};

/* What an operation that has the field calls its values. */
static const char *choice_name(tlw_window_op op, tlw_window_field field, int index) {
  const tlw_window_parameter *p = tlw_window_find_parameter(op, field);
  return index <= p->most ? p->choices[index].name : NULL;
}

static const char *nan_policy_name(int index) { return choice_name(TLW_WINDOW_EMA, TLW_FIELD_NAN, index); }

static const char *seed_name(int index) { return choice_name(TLW_WINDOW_EMA, TLW_FIELD_SEED, index); }

static const char *table_format_name(int index) {
  static const char *const names[] = {"auto", "csv", "npy"};
  return index < COUNT(names) ? names[index] : NULL;
}

const char *cli_window_op_name(int index) {
  const tlw_window_info *info = tlw_window_describe((tlw_window_op)index);
  return info ? info->name : NULL;
}

static const char *order_name(int index) {
  static const char *const names[] = {"error", "skip", "keep"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const cli_option window_options[] = {
    [WINDOW_COLUMN] = {.name = "column",
                       .group = CLI_GROUP_COMPUTED,
                       .also = " field source price cols ",
                       .letter = 'c',
                       .kind = CLI_TEXT,
                       .metavar = "NAMES",
                       .help = "The columns to look at, names or numbers from 1, several between commas. Without it, "
                               "close of a CSV file (price of trades) and all of an array."},
    [WINDOW_OP] = {.name = "op",
                   .group = CLI_GROUP_COMPUTED,
                   .also = " ops operation operations func function agg indicator ",
                   .kind = CLI_TEXT,
                   .metavar = "NAMES",
                   .listed = cli_window_op_name,
                   .help = "Operations that 'tallow window --list' shows, several between commas. Parameters of one "
                           "alone stand behind it and win over options: ema:adjust=1,rma:window=14."},
    [WINDOW_WINDOW] = {.name = "window",
                       .group = CLI_GROUP_COMPUTED,
                       .also = " windows span period length rows ",
                       .letter = 'w',
                       .kind = CLI_TEXT,
                       .metavar = "ROWS",
                       .help = "Rows of each window, 1 to 1048576, several between commas. Without it, 20, and 14 for "
                               "rma."},
    [WINDOW_OTHER] = {.name = "other",
                      .group = CLI_GROUP_COMPUTED,
                      .also = " second versus against ",
                      .kind = CLI_TEXT,
                      .metavar = "COLUMN",
                      .help = "The second column of cov, corr and beta."},
    [WINDOW_QUANTILE] = {.name = "quantile",
                         .group = CLI_GROUP_COMPUTED,
                         .also = " percentile ",
                         .kind = CLI_TEXT,
                         .metavar = "Q",
                         .help = "Of quantile: 0 to 1, several between commas. Without it, 0.5."},
    [WINDOW_DDOF] = {.name = "ddof",
                     .group = CLI_GROUP_COMPUTED,
                     .kind = CLI_NUMBER,
                     .metavar = "N",
                     .most = INT32_MAX,
                     .help = "Of var, std and cov: what is subtracted from the number of rows. Without it, 1."},
    [WINDOW_MIN_PERIODS] = {.name = "min-periods",
                            .group = CLI_GROUP_COMPUTED,
                            .also = " min-rows min-samples minimum ",
                            .kind = CLI_NUMBER,
                            .metavar = "N",
                            .least = 1,
                            .most = INT64_C(1) << 40,
                            .help = "Rows that are not NaN which a result needs. Without it, all of its window, or 1 "
                                    "for ema, rma and what begins with cum."},
    [WINDOW_NAN] = {.name = "nan",
                    .group = CLI_GROUP_COMPUTED,
                    .also = " skipna null na ",
                    .kind = CLI_CHOICE,
                    .metavar = "POLICY",
                    .choices = nan_policy_name,
                    .help = "What a NaN does: propagate makes NaN of each window that it is in, and from there on of "
                            "ema, rma and what begins with cum; skip leaves it out. Without it, propagate."},
    [WINDOW_ADJUST] = {.name = "adjust",
                       .group = CLI_GROUP_COMPUTED,
                       .kind = CLI_FLAG,
                       .help = "Of ema: the weights of the rows so far add up to 1."},
    [WINDOW_SEED] = {.name = "seed",
                     .group = CLI_GROUP_COMPUTED,
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .choices = seed_name,
                     .help = "Of ema and rma: what they begin with, the first row or the mean of the first window. "
                             "Without it, first for ema, mean for rma."},
    [WINDOW_OUTPUT] = {.name = "output",
                       .group = CLI_GROUP_COMPUTED,
                       .letter = 'o',
                       .kind = CLI_TEXT,
                       .metavar = "OUT",
                       .hint = CLI_HINT_FILE,
                       .also = " out outfile outdir out-dir dest directory folder dir ",
                       .help = "Where the results go: for one FILE the name of a CSV or .npy file, or - for standard "
                               "output, as without it; for several a folder, made where it is missing, that gets a "
                               "file named after each FILE (data/aapl.csv.gz becomes aapl.csv). For one FILE a folder "
                               "is named with a slash at its end, unless it exists."},
    [WINDOW_FORMAT] = {.name = "format",
                       .group = CLI_GROUP_COMPUTED,
                       .also = " output-format type ",
                       .kind = CLI_CHOICE,
                       .metavar = "NAME",
                       .fallback = "auto",
                       .choices = table_format_name,
                       .help = "What is written: text, or an array of doubles, which has neither names nor times. "
                               "auto goes by the name of OUT: csv unless it ends in .npy."},
    [WINDOW_KEEP] = {.name = "keep",
                     .group = CLI_GROUP_COMPUTED,
                     .also = " labels index id ",
                     .kind = CLI_TEXT,
                     .metavar = "COLUMNS",
                     .help = "Columns that are copied as they are, ahead of the results: names or numbers from 1, "
                             "several between commas; none: no column. Without it, the time, if there is one."},
    [WINDOW_LIST] = {.name = "list",
                     .group = CLI_GROUP_COMPUTED,
                     .also = " ls show ",
                     .kind = CLI_FLAG,
                     .help = "Print the operations and exit; with --op, those with their parameters."},
    [WINDOW_JSON] = {.name = "json",
                     .group = CLI_GROUP_COMPUTED,
                     .kind = CLI_FLAG,
                     .help = "With --list: as a JSON array, for programs."},
    [WINDOW_INPUT] = {.name = "input",
                      .group = CLI_GROUP_INPUT,
                      .also = " input-format in ",
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "auto",
                      .choices = table_format_name,
                      .help = "What each FILE is. auto goes by its name: csv unless it ends in .npy, packed or not."},
    [WINDOW_COLUMNS] = {.name = "columns",
                        .group = CLI_GROUP_INPUT,
                        .kind = CLI_TEXT,
                        .metavar = "SPEC",
                        .help = "Which column is the time, where its name does not tell: time=COLUMN, and "
                                "clock=COLUMN for a time of day beside it; COLUMN may be none."},
    [WINDOW_HEADER] = {HEADER_ROW},
    [WINDOW_DELIMITER] = {DELIMITER_ROW},
    [WINDOW_DECIMAL] = {DECIMAL_ROW},
    [WINDOW_DAY_FIRST] = {DAY_FIRST_ROW},
    [WINDOW_EXPANSION] = {EXPANSION_ROW},
    [WINDOW_BAD_FIELD] = {.name = "bad-field",
                          .group = CLI_GROUP_INPUT,
                          .also = " errors ",
                          .kind = CLI_CHOICE,
                          .metavar = "POLICY",
                          .fallback = "error",
                          .choices = policy_names_TLW_DEFECT_FIELD,
                          .help = "A row with a field that can't be read: error refuses the FILE, skip leaves the row "
                                  "out."},
    [WINDOW_OUT_OF_ORDER] = {.name = "out-of-order",
                             .group = CLI_GROUP_INPUT,
                             .kind = CLI_CHOICE,
                             .metavar = "POLICY",
                             .fallback = "error",
                             .choices = order_name,
                             .help = "A row whose time is before that of the row above it: error refuses the FILE, "
                                     "skip leaves the row out, keep takes rows as they come."},
    [WINDOW_BACKEND] = {.name = "backend",
                        .group = CLI_GROUP_WORK,
                        .also = " gpu engine ",
                        .letter = 'b',
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "auto",
                        .choices = backend_name,
                        .help = "What computes windows. auto takes CUDA, then OpenCL on a GPU, then the CPU; a backend "
                                "that is named is used or the command fails. The numbers are the same to the last "
                                "bit. ema, rma and what begins with cum go from row to row, on the CPU."},
    [WINDOW_DEVICE] = {.name = "device",
                       .group = CLI_GROUP_WORK,
                       .letter = 'd',
                       .kind = CLI_TEXT,
                       .metavar = "D",
                       .help = "Which device of the backend: its index or UUID in 'tallow devices', or a MIG name. "
                               "Needs --backend opencl or cuda. Without it, the first that can be used."},
    [WINDOW_THREADS] = {THREADS_ROW},
    [WINDOW_POOL] = {.name = "pool",
                     .group = CLI_GROUP_WORK,
                     .also = " device-mem gpu-mem vram ",
                     .kind = CLI_BYTES,
                     .metavar = "SIZE",
                     .most = UINT64_MAX - 1,
                     .help = "Most memory of the device to use, such as 512MiB. Without it, half of what is free, at "
                             "most 1GiB."},
    [WINDOW_HOST_MEM] = {.name = "host-mem",
                         .group = CLI_GROUP_WORK,
                         .also = " memory mem max-memory ram ",
                         .kind = CLI_BYTES,
                         .metavar = "SIZE",
                         .most = UINT64_MAX - 1,
                         .help = "Most host memory for rows, results and the engine, such as 64MiB. Without it, no "
                                 "limit, but what is used does not depend on the length of a FILE."},
    [WINDOW_FALLBACK] = {FALLBACK_ROW},
    [WINDOW_DEADLINE] = {DEADLINE_ROW},
    [WINDOW_STATS] = {STATS_ROW},
    [WINDOW_METRICS] = {METRICS_ROW},
    [WINDOW_METRICS_INTERVAL] = {METRICS_INTERVAL_ROW},
    [WINDOW_TRACE] = {TRACE_ROW},
    [WINDOW_VERBOSE] = {VERBOSE_ROW},
    [WINDOW_QUIET] = {QUIET_ROW},
    [WINDOW_HELP] = {HELP_ROW, .group = CLI_GROUP_MESSAGES},
};
_Static_assert(COUNT(window_options) == WINDOW_OPTIONS && WINDOW_OPTIONS <= CLI_OPTIONS_MAX, "window's options");

static const char *const window_examples[] = {
    "tallow window aapl.csv --op mean,std --window 20,200 -o out.csv",
    "tallow window btc.csv.gz --column high,low --op max,ema --window 14 | tail -n 3",
    "tallow window aapl.csv --op corr --other volume --window 60 -o corr.npy",
    "tallow window data/*.csv --column close,volume --op median,quantile --quantile 0.9 -o results",
    "tallow window corr.npy --op std,kurtosis --window 250 -o risk.npy",
    "tallow window --list",
    NULL,
};

static const char *const window_notes[] = {
    "FILE is a CSV file with columns of numbers, of candles or not, as 'tallow render' reads them, or a .npy array of "
    "one or two dimensions of doubles, floats or integers; - is standard input. Each FILE is a series of its own, "
    "oldest row "
    "first, and is read in memory that does not depend on its length. An empty field, null or NaN is NaN.",
    "Results are columns named COLUMN_OP_WINDOW, such as close_mean_20: for each column all operations, for each of "
    "them all windows. Without a window there is none in the name (close_cumsum); a quantile has its number "
    "(close_quantile_0.9_20), the second column stands behind the first (close_volume_corr_60), and what parameters "
    "behind an operation of --op change is in the name (close_ema_adjust1_20). A column that was not "
    "asked for by its name has that of the header, or c and its number where there is none or several have it.",
    "Numbers have 17 significant digits, which give back the same bits; where there is no result they are nan. How "
    "each is computed is told in tallow/window.h. An array that is written has two dimensions, rows and results, of a "
    "single result too.",
    "A FILE that fails does not stop the others; the exit code is that of the first failure.",
    NULL,
};

static const char *bars_empty_name(int index) {
  static const char *const names[] = {[TLW_EMPTY_NONE] = "none", [TLW_EMPTY_FLAT] = "flat", [TLW_EMPTY_NULL] = "null"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *bars_format_name(int index) {
  static const char *const names[] = {"auto", "csv", "jsonl", "npy"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *bars_label_name(int index) {
  static const char *const names[] = {"open", "close"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *bars_partition_name(int index) {
  static const char *const names[] = {"year", "month", "day"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *time_unit_name(int index) {
  static const char *const names[] = {[TLW_UNIT_DEFAULT] = "auto",
                                      [TLW_UNIT_S] = "s",
                                      [TLW_UNIT_MS] = "ms",
                                      [TLW_UNIT_US] = "us",
                                      [TLW_UNIT_NS] = "ns"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *on_bad_name(int index) {
  static const char *const names[] = {[TLW_BAD_ERROR] = "error", [TLW_BAD_SKIP] = "skip"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *decimals_name(int index) {
  static const char *const names[] = {"error", "round"};
  return index < COUNT(names) ? names[index] : NULL;
}

#define BARS_KIND_ROW .group = CLI_GROUP_COMPUTED, .kind = CLI_TEXT

static const cli_option bars_options[] = {
    [BARS_TIME] = {.name = "time",
                   BARS_KIND_ROW,
                   .letter = 't',
                   .metavar = "INTERVALS",
                   .also = " interval timeframe period freq frequency resample every ",
                   .help = "Bars of so much time: a whole number with ms, s, m, h, d, w or mo (months), such as 1m or "
                           "250ms; several between commas, as for each kind."},
    [BARS_TICK] = {.name = "tick",
                   BARS_KIND_ROW,
                   .metavar = "ROWS",
                   .also = " ticks trades count ",
                   .help = "Bars of so many trades (rows), such as 1000."},
    [BARS_VOLUME] = {.name = "volume",
                     BARS_KIND_ROW,
                     .metavar = "QUANTITY",
                     .also = " vol size ",
                     .help = "Bars that close with the trade that brings their volume to QUANTITY, such as 12.5."},
    [BARS_VALUE] = {.name = "value",
                    BARS_KIND_ROW,
                    .metavar = "TURNOVER",
                    .also = " dollar dollars quote turnover notional ",
                    .help = "Likewise by turnover, price times quantity, such as 1000000."},
    [BARS_RANGE] = {.name = "range",
                    BARS_KIND_ROW,
                    .metavar = "N",
                    .help = "Bars that close with a trade N/100,000 of their open, or more, above or below it: 250 is "
                            "0.25%."},
    [BARS_RENKO] = {.name = "renko",
                    BARS_KIND_ROW,
                    .metavar = "HEIGHT",
                    .also = " brick bricks ",
                    .help = "Bricks of this height, such as 50. It takes two heights from the last close to turn "
                            "round. A trade that closes several belongs to the first; the others have no volume."},
    [BARS_SPLIT] = {.name = "split",
                    .group = CLI_GROUP_COMPUTED,
                    .kind = CLI_FLAG,
                    .help = "Of --volume and --value: a trade that crosses the threshold is divided between the bars. "
                            "Without it, it belongs whole to the one that it closes. By value a bar may exceed the "
                            "threshold, by less than a price times 0.00000001."},
    [BARS_NO_GATE] = {.name = "no-gate",
                      .group = CLI_GROUP_COMPUTED,
                      .kind = CLI_FLAG,
                      .help = "Of --range: a bar may close at the time at which it opened."},
    [BARS_EMPTY] = {.name = "empty",
                    .group = CLI_GROUP_COMPUTED,
                    .also = " fill gaps fillna ",
                    .kind = CLI_CHOICE,
                    .metavar = "BARS",
                    .fallback = "none",
                    .choices = bars_empty_name,
                    .help = "Of --time: what stands for an interval without trades. flat: a bar at the close before; "
                            "null: one without prices."},
    [BARS_ZONE] = {.name = "zone",
                   .group = CLI_GROUP_COMPUTED,
                   .also = " timezone tz time-zone ",
                   .kind = CLI_TEXT,
                   .metavar = "NAME",
                   .fallback = "UTC",
                   .help = "Of --time and --partition: the zone whose clock and calendar count, such as Europe/Berlin. "
                           "T of --from and --to, and times in FILE, are UTC all the same unless they have an offset."},
    [BARS_OFFSET] = {.name = "offset",
                     .group = CLI_GROUP_COMPUTED,
                     .also = " shift origin ",
                     .kind = CLI_TEXT,
                     .metavar = "D",
                     .help = "Of --time: bars begin so much later than the clock would have it, such as 30m, or "
                             "earlier, --offset=-5h."},
    [BARS_OUTPUT] = {.name = "output",
                     .group = CLI_GROUP_OPTIONS,
                     .letter = 'o',
                     .kind = CLI_TEXT,
                     .metavar = "OUT",
                     .fallback = "-",
                     .hint = CLI_HINT_FILE,
                     .also = " out outfile outdir out-dir dest directory folder dir ",
                     .help = "Where the bars go: a .csv, .jsonl or .npy file, or - for standard output. For several "
                             "kinds a name with {kind} in it ('bars-{kind}.csv' gives bars-time-1m.csv), or a folder, "
                             "named with a slash at its end unless it exists (time-1m.csv in it). A file appears once "
                             "it is complete, but see --checkpoint."},
    [BARS_FORMAT] = {.name = "format",
                     .group = CLI_GROUP_OPTIONS,
                     .also = " output-format type ",
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .fallback = "auto",
                     .choices = bars_format_name,
                     .help = "What is written: CSV, JSON lines, or an array of records. auto goes by the name of OUT; "
                             "csv where that says nothing."},
    [BARS_FIELDS] = {.name = "fields",
                     .group = CLI_GROUP_OPTIONS,
                     .also = " columns-out select only ",
                     .letter = 'f',
                     .kind = CLI_TEXT,
                     .metavar = "NAMES",
                     .listed = bars_choice_name,
                     .help = "Columns to write, in this order, several between commas. Without it, all that FILE has "
                             "the data for."},
    [BARS_LABEL] = {.name = "label",
                    .group = CLI_GROUP_OPTIONS,
                    .also = " timestamp ",
                    .kind = CLI_CHOICE,
                    .metavar = "END",
                    .choices = bars_label_name,
                    .help = "Write a first column, timestamp: open, when the bar opens; close, when it is over, which "
                            "for bars of time is when the next one opens."},
    [BARS_PARTIAL] = {.name = "partial",
                      .group = CLI_GROUP_OPTIONS,
                      .also = " unfinished incomplete last ",
                      .kind = CLI_FLAG,
                      .help = "Write the last bar too, which has not closed, and a last column, partial: 1 for it, 0 "
                              "for the others. Without it, a line on standard error says that it is left out."},
    [BARS_PARTITION] = {.name = "partition",
                        .group = CLI_GROUP_OPTIONS,
                        .also = " partition-by split-by rotate ",
                        .kind = CLI_CHOICE,
                        .metavar = "SPAN",
                        .choices = bars_partition_name,
                        .help = "A file for each, by the time at which bars open: bars.csv becomes bars-2024-08.csv "
                                "and so on."},
    [BARS_COLUMNS] = {.name = "columns",
                      .group = CLI_GROUP_INPUT,
                      .kind = CLI_TEXT,
                      .metavar = "SPEC",
                      .help = "Columns that are not to be found by their names: ROLE=COLUMN, several between commas, "
                              "such as price=Px,quantity=5. ROLE is time, price, quantity, id, first_id, last_id, "
                              "maker, symbol, open, high, low, quote or count; COLUMN is a name, a number from 1, or "
                              "none."},
    [BARS_HEADER] = {HEADER_ROW},
    [BARS_DELIMITER] = {DELIMITER_ROW},
    [BARS_UNIT] = {.name = "unit",
                   .group = CLI_GROUP_INPUT,
                   .also = " time-unit ",
                   .kind = CLI_CHOICE,
                   .metavar = "NAME",
                   .fallback = "auto",
                   .choices = time_unit_name,
                   .help = "What times that are whole numbers count. auto tells it by the size of the first."},
    [BARS_FROM] = {.name = "from",
                   .group = CLI_GROUP_INPUT,
                   .also = " start since begin after ",
                   .kind = CLI_TIME,
                   .metavar = "T",
                   .help = "Leave out trades before T, which is UTC unless it has an offset, such as "
                           "2024-08-08T09:00+02:00. The first bar may have a part of its interval alone."},
    [BARS_TO] = {.name = "to",
                 .group = CLI_GROUP_INPUT,
                 .also = " end until before stop ",
                 .kind = CLI_TIME,
                 .metavar = "T",
                 .help = "Leave out trades at T or later. A last bar of --time that ends by T is complete when the "
                         "input ends."},
    [BARS_ON_BAD] = {.name = "on-bad",
                     .group = CLI_GROUP_INPUT,
                     .also = " bad-field errors out-of-order duplicate ",
                     .kind = CLI_CHOICE,
                     .metavar = "POLICY",
                     .fallback = "error",
                     .choices = on_bad_name,
                     .help = "A row that can't be read, is out of order or doubled, or lacks a price or quantity above "
                             "0: error ends the command, skip leaves it out and counts it."},
    [BARS_DECIMALS] = {.name = "decimals",
                       .group = CLI_GROUP_INPUT,
                       .also = " round precision ",
                       .kind = CLI_CHOICE,
                       .metavar = "POLICY",
                       .fallback = "error",
                       .choices = decimals_name,
                       .help = "A number with more than 8 decimals: error makes it a bad row, round rounds and counts "
                               "it."},
    [BARS_EXPANSION] = {EXPANSION_ROW},
    [BARS_CHECKPOINT] = {.name = "checkpoint",
                         .group = CLI_GROUP_RUNS,
                         .hint = CLI_HINT_FILE,
                         .also = " state save ",
                         .kind = CLI_TEXT,
                         .metavar = "FILE",
                         .help = "Save now and then in FILE how far the run is, for --resume. The files of bars then "
                                 "grow under their own names."},
    [BARS_CHECKPOINT_EVERY] = {.name = "checkpoint-every",
                               .group = CLI_GROUP_RUNS,
                               .kind = CLI_NUMBER,
                               .metavar = "ROWS",
                               .fallback = "10000000",
                               .least = 1,
                               .most = INT64_MAX,
                               .help = "Rows from one to the next. One is saved in the end too, and when a signal ends "
                                       "the command."},
    [BARS_RESUME] = {.name = "resume",
                     .group = CLI_GROUP_RUNS,
                     .also = " continue ",
                     .kind = CLI_FLAG,
                     .help = "Go on from the checkpoint, if there is one, whatever ended the run before: the files "
                             "become what an unbroken run would have made. Trades that it has seen may come again; "
                             "where they have no ids they must, from the first on."},
    [BARS_BACKEND] = {.name = "backend",
                      .group = CLI_GROUP_WORK,
                      .also = " gpu engine ",
                      .letter = 'b',
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "cpu",
                      .choices = backend_name,
                      .help = "What makes the bars, which are the same from each. Reading takes longer than that, so "
                              "that the CPU is the best choice."},
    [BARS_THREADS] = {.name = "threads",
                      .group = CLI_GROUP_WORK,
                      .also = " jobs workers cpus parallel ",
                      .letter = 'j',
                      .kind = CLI_NUMBER,
                      .metavar = "N",
                      .least = 1,
                      .most = TLW_THREADS_MAX,
                      .help = "Threads that make bars, 1 to 1024. Without it, 1 for one kind, for several as many as "
                              "the CPUs that this process may use."},
    [BARS_HOST_MEM] = {.name = "host-mem",
                       .group = CLI_GROUP_WORK,
                       .also = " memory mem max-memory ram ",
                       .kind = CLI_BYTES,
                       .metavar = "SIZE",
                       .most = UINT64_MAX - 1,
                       .help =
                           "Most host memory to use, such as 16MiB. Without it, no limit, but what is used does not "
                           "depend on the length of a FILE."},
    [BARS_STATS] = {STATS_ROW},
    [BARS_METRICS] = {METRICS_ROW},
    [BARS_METRICS_INTERVAL] = {METRICS_INTERVAL_ROW},
    [BARS_TRACE] = {TRACE_ROW},
    [BARS_PROGRESS] = {.name = "progress",
                       .group = CLI_GROUP_MESSAGES,
                       .also = " progress-bar no-progress ",
                       .kind = CLI_CHOICE,
                       .metavar = "WHEN",
                       .choices = cli_switch_name,
                       .help = "A line with the rate and the time left. Without it, on where standard error is a "
                               "terminal. on elsewhere: a line every ten seconds."},
    [BARS_VERBOSE] = {.name = "verbose",
                      .group = CLI_GROUP_MESSAGES,
                      .also = " debug ",
                      .letter = 'v',
                      .kind = CLI_FLAG,
                      .help = "Say on standard error what is used, and how many rows and bars there were."},
    [BARS_QUIET] = {QUIET_ROW},
    [BARS_HELP] = {HELP_ROW, .group = CLI_GROUP_MESSAGES},
};
_Static_assert(COUNT(bars_options) == BARS_OPTIONS && BARS_OPTIONS <= CLI_OPTIONS_MAX, "bars's options");

static const char *const bars_examples[] = {
    "tallow bars trades.csv.gz --time 1m -o minutes.csv",
    "tallow bars trades.csv.gz --time 1m,1h --range 250 --tick 1000 -o 'bars-{kind}.csv'",
    "tallow bars minutes.csv --time 1h --label close --partial",
    "tallow bars trades.csv.gz --volume 12.5 --split --fields open_time,close,volume,vwap -o volume.npy",
    "tallow bars trades.csv.gz --time 1h --zone Europe/Berlin --partition month -o months/",
    "tallow bars trades.csv.gz --time 5m | tallow render - -o trades.png",
    "tallow bars trades.csv.gz --range 250 -o range.jsonl --checkpoint range.state --resume",
    NULL,
};

static const char *const bars_notes[] = {
    "FILE is a file of trades, or - for standard input: plain, gzip, Zstandard or zip; several are one stream, in this "
    "order. The header names the columns: a time, price and quantity; an id, the ids of the trades that a row is made "
    "of, and who was the maker, where there are such. The files of trades and aggregated trades of Binance are read "
    "without a header too. With open, high, low and close rows are bars, of which --time and --tick make longer ones.",
    "Columns of bars: open_time, close_time, open, high, low, close, volume, quote_volume, vwap, trades, agg_trades, "
    "buy_volume, sell_volume, buy_quote_volume, sell_quote_volume, buy_trades, sell_trades, first_id, last_id. Times "
    "are whole numbers as in FILE, nanoseconds where it has text. A bar of time closes one unit before the next opens. "
    "trades counts those that aggregated rows are made of, agg_trades the rows. Numbers are exact; vwap is cut to 8 "
    "decimals. What a bar without trades lacks is empty, null or NaN; its ids are -1 in an array.",
    "Intervals of --time are counted on the clock of the zone from 1970-01-01 00:00, weeks from Monday, months from "
    "January: 7h or 36h do not begin anew each day. A bar that is read belongs whole to the interval of its open_time.",
    "A brick's high and low are the extremes since the brick before, from the price on that closed that one, less the "
    "price that closes its own, which its volume and vwap do count: vwap may lie beyond them.",
    "An array has a record for each bar: times, counts and ids are 64-bit integers, partial is a bool, all else is the "
    "nearest double. numpy.load reads it.",
    "Where standard output is read as it comes, a bar is written when it closes: tallow can stand behind a live feed. "
    "A trade out of order or doubled is an error with its line unless --on-bad skip is given: ids must increase, or "
    "where there are none, times not go back.",
    "SIGINT and SIGTERM end the command; with --checkpoint they save one, and the exit code is 75.",
    NULL,
};

static const char *preset_name(int index) {
  static const char *const names[] = {[PRESET_CHART] = "chart", [PRESET_JKX] = "jkx"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *image_type_name(int index) {
  static const char *const names[] = {[TLW_IMAGE_U8] = "u8", [TLW_IMAGE_F32] = "f32"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *image_order_name(int index) {
  static const char *const names[] = {[TLW_ORDER_NCHW] = "nchw", [TLW_ORDER_NHWC] = "nhwc"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *image_color_name(int index) {
  static const char *const names[] = {[TLW_IMAGE_LUMA] = "luma", [TLW_IMAGE_RGB] = "rgb"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const char *member_name(int index) {
  static const char *const names[] = {[MEMBER_PNG] = "png", [MEMBER_NPY] = "npy"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const cli_option horizon_parts[] = {
    {.name = "rows", .kind = CLI_NUMBER, .least = 1, .most = INT64_C(1) << 40},
};

static const cli_option dataset_options[] = {
    [DATASET_OUTPUT] = {.name = "output",
                        .group = CLI_GROUP_OPTIONS,
                        .letter = 'o',
                        .kind = CLI_TEXT,
                        .required = 1,
                        .metavar = "OUT",
                        .hint = CLI_HINT_FILE,
                        .also = " out outfile dest file ",
                        .such = "name a file that ends in .npy, .dat or .tar, such as -o set.npy",
                        .help = "Where the images go: a .npy array, all of them along its first axis; a .dat file, the "
                                "same numbers bare; or a .tar, which stands for tar shards as WebDataset reads them "
                                "(set.tar gives set-000000.tar, set-000001.tar, ...). Beside it go set.labels.npy, "
                                "where labels are asked for, and set.manifest.jsonl."},
    [DATASET_PRESET] = {.name = "preset",
                        .group = CLI_GROUP_DRAWN,
                        .also = " style kind mode ",
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "chart",
                        .choices = preset_name,
                        .help = "What an image is. jkx: the images of Jiang, Kelly and Xiu, '(Re-)Imag(in)ing Price "
                                "Trends', of 5, 20 or 60 bars, pixel by pixel. chart: a chart of 'tallow render', by "
                                "--size and --spec."},
    [DATASET_WINDOW] = {.name = "window",
                        .group = CLI_GROUP_DRAWN,
                        .also = " windows bars length lookback ",
                        .letter = 'w',
                        .kind = CLI_NUMBER,
                        .metavar = "N",
                        .least = 1,
                        .most = TLW_IMAGE_BARS_MAX,
                        .help = "Bars of each image. jkx has images of 5, 20 and 60 bars; without it, 20. Charts need "
                                "it."},
    [DATASET_STRIDE] = {.name = "stride",
                        .group = CLI_GROUP_DRAWN,
                        .also = " step hop every ",
                        .kind = CLI_NUMBER,
                        .metavar = "M",
                        .fallback = "1",
                        .least = 1,
                        .most = INT64_C(1) << 40,
                        .help = "Bars from the end of a window to that of the next. The first is the first that is "
                                "complete."},
    [DATASET_LAST] = {.name = "last",
                      .group = CLI_GROUP_DRAWN,
                      .also = " latest newest tail ",
                      .kind = CLI_FLAG,
                      .help = "Of each FILE, or each symbol, the last window only."},
    [DATASET_FROM] = {.name = "from",
                      .group = CLI_GROUP_DRAWN,
                      .also = " start since begin after ",
                      .kind = CLI_TIME,
                      .metavar = "T",
                      .help = "Windows whose last bar opens at T or later. What lies before is still what they look "
                              "back on."},
    [DATASET_TO] = {.name = "to",
                    .group = CLI_GROUP_DRAWN,
                    .also = " end until before stop ",
                    .kind = CLI_TIME,
                    .metavar = "T",
                    .help = "Windows whose last bar opens before T. Labels look beyond it."},
    [DATASET_HORIZONS] = {.name = "horizons",
                          .group = CLI_GROUP_DRAWN,
                          .also = " horizon labels label returns forward ahead targets ",
                          .kind = CLI_LIST,
                          .metavar = "BARS",
                          .parts = horizon_parts,
                          .n_parts = 1,
                          .help = "Labels: the return of the close over so many bars from the last bar of the window "
                                  "on, several between commas, such as 5,20. They are NaN where the bars end before. "
                                  "Nothing behind the last bar enters an image."},
    [DATASET_LABELLED] = {.name = "labelled",
                          .group = CLI_GROUP_DRAWN,
                          .also = " labeled dropna drop-na only-labelled ",
                          .kind = CLI_FLAG,
                          .help = "Leave out windows that lack a label. Needs --horizons."},
    [DATASET_TYPE] = {.name = "type",
                      .group = CLI_GROUP_DRAWN,
                      .also = " dtype number float uint8 float32 ",
                      .kind = CLI_CHOICE,
                      .metavar = "NAME",
                      .fallback = "u8",
                      .choices = image_type_name,
                      .help = "Numbers of an image: u8, bytes from 0 to 255, or f32, floats from 0 to 1."},
    [DATASET_LAYOUT] = {.name = "layout",
                        .group = CLI_GROUP_DRAWN,
                        .also = " order axes format channels ",
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "nchw",
                        .choices = image_order_name,
                        .help = "Order of the axes: images, channels, rows, columns; or nhwc, channels last."},
    [DATASET_COLOR] = {.name = "color",
                       .group = CLI_GROUP_DRAWN,
                       .also = " colour gray grey grayscale mode rgb ",
                       .kind = CLI_CHOICE,
                       .metavar = "NAME",
                       .fallback = "luma",
                       .choices = image_color_name,
                       .help = "Channels: luma, one of brightness, or rgb, three. In charts rising and falling candles "
                               "are almost equally bright, but for theme classic, which a --spec may ask for: take "
                               "that, or rgb."},
    [DATASET_SIZE] = {.name = "size",
                      .group = CLI_GROUP_DRAWN,
                      .also = " width height resolution dimensions figsize ",
                      .letter = 's',
                      .kind = CLI_SIZE,
                      .metavar = "WxH",
                      .least = TLW_CHART_MIN_SIDE,
                      .most = TLW_CHART_MAX_SIDE,
                      .help = "Width and height of a chart in pixels, 16x16 to 16384x16384. Without it and in no "
                              "--spec, 224x224. jkx decides its own."},
    [DATASET_SPEC] = {.name = "spec",
                      .group = CLI_GROUP_DRAWN,
                      .apart = 1,
                      .hint = CLI_HINT_FILE,
                      .also = " config settings description theme mav lines line-colors scale axis grid volume title "
                              "timezone margins ",
                      .kind = CLI_TEXT,
                      .metavar = "JSON",
                      .help = "Of charts: how they look, a description as 'tallow render --print-spec' writes it, or - "
                              "for standard input."},
    [DATASET_MEMBER] = {.name = "member",
                        .group = CLI_GROUP_DRAWN,
                        .also = " members encoding codec ",
                        .kind = CLI_CHOICE,
                        .metavar = "NAME",
                        .fallback = "png",
                        .choices = member_name,
                        .help = "What an image is in a .tar: png, or npy, which --type f32 needs. A png has a "
                                "palette: in Pillow np.array(Image.open(file).convert('L')), 'RGB' with --color rgb, "
                                "has the numbers of the npy."},
    [DATASET_PER_TAR] = {.name = "per-tar",
                         .group = CLI_GROUP_DRAWN,
                         .also = " maxcount shard-size samples-per-shard ",
                         .kind = CLI_NUMBER,
                         .metavar = "K",
                         .fallback = "10000",
                         .least = 1,
                         .most = 10000000,
                         .help = "Images in each .tar."},
    [DATASET_BY] = {.name = "by",
                    .group = CLI_GROUP_INPUT,
                    .also = " symbol symbols ticker group-by ",
                    .kind = CLI_TEXT,
                    .metavar = "COLUMN",
                    .help = "Each symbol of this column, a name or a number from 1, is a series of its own."},
    [DATASET_COLUMNS] = {.name = "columns",
                         .group = CLI_GROUP_INPUT,
                         .kind = CLI_TEXT,
                         .metavar = "SPEC",
                         .help = "Columns that are not to be found by their names: ROLE=COLUMN, several between "
                                 "commas, such as close=Last,volume=7. ROLE is time, clock, open, high, low, close, "
                                 "volume, adjusted or symbol; COLUMN is a name, a number from 1, or none. time=none: "
                                 "the FILE has no times, and its rows are taken in their order."},
    [DATASET_HEADER] = {HEADER_ROW},
    [DATASET_DELIMITER] = {DELIMITER_ROW},
    [DATASET_DECIMAL] = {DECIMAL_ROW},
    [DATASET_DAY_FIRST] = {DAY_FIRST_ROW},
    [DATASET_ADJUSTED] = {ADJUSTED_ROW},
    [DATASET_EXPANSION] = {EXPANSION_ROW},
    POLICY_ROWS(DATASET_POLICIES),
    [DATASET_RESUME] = {.name = "resume",
                        .group = CLI_GROUP_RUNS,
                        .also = " continue ",
                        .kind = CLI_FLAG,
                        .help = "Go on where an earlier run of the same command was stopped or killed, if there was "
                                "one: the bytes become those of an unbroken run."},
    [DATASET_SHARD] = {.name = "shard",
                       .group = CLI_GROUP_RUNS,
                       .also = " part chunk ",
                       .kind = CLI_TEXT,
                       .metavar = "I/N",
                       .help = "Draw the I-th of N parts of the images, I from 1, into the same OUT, which all parts "
                               "together complete; auto or auto/N: I, and N if it is not given, from the variables of "
                               "Slurm, Kubernetes, AWS Batch, MPI or GNU parallel. Each reads all FILEs. The part "
                               "that ends last says that all are there."},
    [DATASET_MANIFEST] = {.name = "manifest",
                          .group = CLI_GROUP_RUNS,
                          .kind = CLI_CHOICE,
                          .metavar = "WHEN",
                          .fallback = "on",
                          .choices = cli_switch_name,
                          .help = "Write set.manifest.jsonl beside OUT: a line for each window, with its image or why "
                                  "there is none."},
    [DATASET_BACKEND] = {.name = "backend",
                         .group = CLI_GROUP_WORK,
                         .also = " gpu engine renderer ",
                         .letter = 'b',
                         .kind = CLI_CHOICE,
                         .metavar = "NAME",
                         .fallback = "auto",
                         .choices = backend_name,
                         .help = "What draws. auto takes CUDA, then OpenCL on a GPU, then the CPU; a backend that is "
                                 "named is used or the command fails. The numbers are the same."},
    [DATASET_DEVICE] = {.name = "device",
                        .group = CLI_GROUP_WORK,
                        .letter = 'd',
                        .kind = CLI_TEXT,
                        .metavar = "D",
                        .help = "Which device of the backend: its index or UUID in 'tallow devices', or a MIG name. "
                                "Needs --backend opencl or cuda. Without it, the first that can be used."},
    [DATASET_THREADS] = {THREADS_ROW},
    [DATASET_POOL] = {.name = "pool",
                      .group = CLI_GROUP_WORK,
                      .also = " device-mem gpu-mem vram ",
                      .kind = CLI_BYTES,
                      .metavar = "SIZE",
                      .most = UINT64_MAX - 1,
                      .help = "Most memory of the device to use, such as 512MiB. Without it, half of what is free, at "
                              "most 1GiB."},
    [DATASET_HOST_MEM] = {.name = "host-mem",
                          .group = CLI_GROUP_WORK,
                          .also = " memory mem max-memory ram ",
                          .kind = CLI_BYTES,
                          .metavar = "SIZE",
                          .most = UINT64_MAX - 1,
                          .help = "Most host memory for candles, images and the engine, such as 1GiB. Without it, no "
                                  "limit, but what is used does not depend on the number of images."},
    [DATASET_FALLBACK] = {FALLBACK_ROW},
    [DATASET_DEADLINE] = {DEADLINE_ROW},
    [DATASET_STATS] = {STATS_ROW},
    [DATASET_METRICS] = {METRICS_ROW},
    [DATASET_METRICS_INTERVAL] = {METRICS_INTERVAL_ROW},
    [DATASET_TRACE] = {TRACE_ROW},
    [DATASET_ALLOC_LOG] = {.name = "alloc-log",
                           .group = CLI_GROUP_WORK,
                           .hint = CLI_HINT_FILE,
                           .also = " log ",
                           .kind = CLI_TEXT,
                           .metavar = "FILE",
                           .help = "Write every allocation and release of memory to FILE as CSV."},
    [DATASET_PROGRESS] = {PROGRESS_ROW},
    [DATASET_PROGRESS_FD] = {PROGRESS_FD_ROW},
    [DATASET_JSON] = {JSON_ROW},
    [DATASET_VERBOSE] = {.name = "verbose",
                         .group = CLI_GROUP_MESSAGES,
                         .also = " debug ",
                         .letter = 'v',
                         .kind = CLI_FLAG,
                         .help = "Say on standard error what is used and why, and what each FILE gave."},
    [DATASET_QUIET] = {.name = "quiet",
                       .group = CLI_GROUP_MESSAGES,
                       .also = " silent ",
                       .letter = 'q',
                       .kind = CLI_FLAG,
                       .help = "Say nothing on standard error but errors: no warnings, and not how many images there "
                               "are."},
    [DATASET_HELP] = {HELP_ROW, .group = CLI_GROUP_MESSAGES},
};
_Static_assert(COUNT(dataset_options) == DATASET_OPTIONS && DATASET_OPTIONS <= CLI_OPTIONS_MAX, "dataset's options");

static const char *const dataset_examples[] = {
    "tallow dataset aapl.csv --preset jkx --window 20 -o set.npy",
    "tallow dataset data/*.csv --preset jkx --window 60 --stride 5 --horizons 5,20 --labelled -o train.npy",
    "tallow dataset prices.csv.gz --by symbol --preset jkx --last -o today.npy",
    "tallow dataset btc.csv.gz --window 100 --size 128x128 --color rgb --type f32 -o charts.npy",
    "tallow dataset data/*.csv --preset jkx --horizons 5 -o shards/train.tar --per-tar 20000",
    "tallow dataset data/*.csv --preset jkx -o set.npy --shard 1/2",
    NULL,
};

static const char *const dataset_notes[] = {
    "FILE is a CSV file of candles, or - for standard input, as 'tallow render' reads it; its series, of each symbol "
    "of "
    "--by, give a window behind each --stride bars, in their order. T is a time, UTC unless it has an offset.",
    "An array has four axes: (images, channels, rows, columns), or with --layout nhwc (images, rows, columns, "
    "channels). numpy.load(OUT, mmap_mode='r') opens it in no time. A window that gives no image has no row in it: "
    "bars without a price range, a first close that is missing or 0, fewer bars than N. How many there were is told in "
    "the end, and the manifest has each.",
    "Labels are close[t+h]/close[t]-1, t being the last bar of the window and h of --horizons: doubles, a row for each "
    "image. In a .tar an image has KEY.png or KEY.npy, KEY.json with its source, row, times and labels, and KEY.cls: 1 "
    "if its first label is above 0, else 0; KEY is the number of the image, 12 digits.",
    "A FILE that fails does not stop the others; the exit code is that of the first failure. SIGINT and SIGTERM end "
    "the command; what was drawn by then stays beside OUT, and --resume goes on. Without --shard, OUT appears once it "
    "is complete.",
    "Once a .tar is complete, shards of an earlier run that follow its last one without a gap are removed. Parts of an "
    "array need a folder in which all see each other's writes at once, of one machine or of a cluster file system; "
    "over NFS draw a .tar.",
    NULL,
};

static const cli_option bench_backend_parts[] = {
    {.name = "backend", .kind = CLI_CHOICE, .metavar = "NAME", .choices = bench_backend_name},
};
static const cli_option bench_thread_parts[] = {
    {.name = "threads", .kind = CLI_NUMBER, .metavar = "N", .least = 1, .most = TLW_THREADS_MAX},
};

static const cli_option bench_options[] = {
    [BENCH_BACKEND] = {.name = "backend",
                       .also = " device gpu ",
                       .letter = 'b',
                       .kind = CLI_LIST,
                       .metavar = "NAME,...",
                       .parts = bench_backend_parts,
                       .n_parts = COUNT(bench_backend_parts),
                       .listed = bench_backend_name,
                       .help = "On what: of cpu, opencl and cuda. Without it, on all that can be used, but on "
                               "OpenCL only where it has a GPU."},
    [BENCH_THREADS] = {.name = "threads",
                       .also = " jobs workers cpus parallel ",
                       .letter = 'j',
                       .kind = CLI_LIST,
                       .metavar = "N,...",
                       .parts = bench_thread_parts,
                       .n_parts = COUNT(bench_thread_parts),
                       .help = "Threads of the CPU backend, each number a line. Without it, as many as the CPUs that "
                               "this process may use. Others are compared with the first."},
    [BENCH_TIME] = {.name = "time",
                    .also = " seconds duration budget ",
                    .letter = 't',
                    .kind = CLI_DURATION,
                    .metavar = "D",
                    .least = 1000000,
                    .most = UINT64_C(3600000000000),
                    .help = "Time for each line, such as 500ms or 5s. Without it, 1s or less, so that all take about "
                            "20 s; more of it makes intervals smaller."},
    [BENCH_ROWS] = {.name = "rows",
                    .also = " size ",
                    .letter = 'n',
                    .kind = CLI_NUMBER,
                    .metavar = "N",
                    .least = 1,
                    .most = 200000000,
                    .help = "Rows of the suites window, bars, csv and trades, and images of a call. Without it, "
                            "as many as no cache holds."},
    [BENCH_CLOCK] = {.name = "clock",
                     .kind = CLI_CHOICE,
                     .metavar = "NAME",
                     .fallback = "wall",
                     .choices = bench_clock_name,
                     .help = "processor: the time that one thread has had of a processor, for a busy machine; on the "
                             "CPU alone."},
    [BENCH_LIST] = {.name = "list", .letter = 'l', .kind = CLI_FLAG, .help = "List cases, and measure nothing."},
    [BENCH_JSON] = {.name = "json",
                    .kind = CLI_TEXT,
                    .metavar = "FILE",
                    .hint = CLI_HINT_FILE,
                    .help = "Also write the run as JSON in the format of google-benchmark. - is standard output, in "
                            "place of the table."},
    [BENCH_SAVE] = {.name = "save",
                    .kind = CLI_FLAG,
                    .help = "Also put the run into the history, a folder of the newest 200."},
    [BENCH_HISTORY_FOLDER] = {.name = "history",
                              .kind = CLI_TEXT,
                              .metavar = "FOLDER",
                              .hint = CLI_HINT_FOLDER,
                              .help = "The history. Without it, tallow/bench in $XDG_DATA_HOME or ~/.local/share."},
    [BENCH_OUTPUT] = {.name = "output",
                      .also = " out file ",
                      .letter = 'o',
                      .kind = CLI_TEXT,
                      .metavar = "FILE",
                      .hint = CLI_HINT_FILE,
                      .help = "With report: the page, such as report.html. - is standard output."},
    [BENCH_FAIL_ON_SLOW] = {.name = "fail-on-slow",
                            .kind = CLI_FLAG,
                            .help = "With compare: exit code 1 if a case is SLOW."},
    [BENCH_FORCE] = {.name = "force",
                     .kind = CLI_FLAG,
                     .help = "With compare: compare runs of different machines too."},
    [BENCH_HELP] = {HELP_ROW},
};
_Static_assert(COUNT(bench_options) == BENCH_OPTIONS && BENCH_OPTIONS <= CLI_OPTIONS_MAX, "bench's options");

static const char *const bench_examples[] = {
    "tallow bench",
    "tallow bench --list",
    "tallow bench 'render/1080p*' --backend cuda,cpu --threads 1,2",
    "tallow bench window/mean/20 window/std/20 --time 3s --json new.json --save",
    "tallow bench compare old.json new.json --fail-on-slow",
    "tallow bench report old.json new.json -o report.html",
    NULL,
};

static const char *const bench_notes[] = {
    "PATTERN names cases: all of a name, its first parts, or with *, ? and []. First parts mean all the cases that "
    "begin so, not only the usual ones of --list, which can be hundreds of lines and take minutes. Without a PATTERN "
    "the "
    "usual cases of every suite are measured, in under 30 seconds. SIGINT (Ctrl-C) ends the measuring: what was "
    "measured "
    "by then is printed and written to --json, but not put into the history.",
    "Lines take turns in 16 rounds. A time is the median of the rounds' medians, and its interval holds it in 95 of "
    "100 "
    "runs. Rounds that other programs disturbed are left out and measured again while there is time; a ! says so. A "
    "speedup stands only where outputs are equal.",
    "compare takes the older run first. FAST and SLOW are surely so, by more than 1%; SAME is surely within 2%; "
    "AMBIGUOUS can't be told from these runs. Runs of different machines, or of other drivers, are refused.",
    "report makes one page of HTML of a history, or of the RUNs and FOLDERs that are named: times over the runs of "
    "each "
    "machine, what has changed, speedups, shares of the limit. It loads nothing from elsewhere. show prints the table "
    "of "
    "a RUN that was saved.",
    NULL,
};

static const cli_option tune_options[] = {
    [TUNE_THREADS] = {.name = "threads",
                      .also = " jobs workers cpus parallel ",
                      .letter = 'j',
                      .kind = CLI_NUMBER,
                      .metavar = "N",
                      .least = 1,
                      .most = TLW_THREADS_MAX,
                      .help = "Threads of the CPU backend, 1 to 1024. Without it, as many as the CPUs that this "
                              "process may use."},
    [TUNE_TIME] = {.name = "time",
                   .also = " seconds duration budget ",
                   .letter = 't',
                   .kind = CLI_DURATION,
                   .metavar = "D",
                   .fallback = "10s",
                   .least = 100000000,
                   .most = UINT64_C(3600000000000),
                   .help = "Time for all measuring, about, 100ms to 1h. With more of it crossings are found closer."},
    [TUNE_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "Print a JSON object with all that was measured."},
    [TUNE_HELP] = {HELP_ROW},
};
_Static_assert(COUNT(tune_options) == TUNE_OPTIONS && TUNE_OPTIONS <= CLI_OPTIONS_MAX, "tune's options");

static const char *const tune_examples[] = {
    "tallow tune",
    "tallow tune --threads 8 --time 30s",
    "tallow tune --json",
    NULL,
};

static const char *const tune_notes[] = {
    "Measures each kind of work on the device that --backend auto would take and on the CPU, transfers included, and "
    "keeps from which size on the device is faster. auto then gives each batch to the faster of the two; without it, "
    "by an estimate. Where the device is never faster auto uses the CPU alone.",
    "It counts for this CPU, device, driver and version and this number of threads; else measure again. The machine "
    "should be idle. Without a device there is nothing to measure. Where the folder for caches can't be written a "
    "warning says so, and the exit code is 0.",
    NULL,
};

static const cli_option merge_options[] = {
    [MERGE_QUIET] = {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .help = "Say nothing but errors."},
    [MERGE_HELP] = {HELP_ROW},
};
_Static_assert(COUNT(merge_options) == MERGE_OPTIONS && MERGE_OPTIONS <= CLI_OPTIONS_MAX, "merge's options");

static const char *const merge_examples[] = {
    "tallow render data/*.csv -o parts --shard 1/2",
    "tallow render data/*.csv -o parts --shard 2/2",
    "tallow merge parts",
    NULL,
};

static const char *const merge_notes[] = {
    "FOLDER holds the charts and manifests of all parts that 'tallow render --shard' has made. Checks that every part "
    "and every file is there and whole, and makes one manifest of theirs, the same as that of a single run.",
    NULL,
};

static const cli_option devices_options[] = {
    [DEVICES_CHECK] = {.name = "check",
                       .kind = CLI_FLAG,
                       .help =
                           "Also open each device and run its self-test. This may compile kernels and take seconds."},
    [DEVICES_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "Print a JSON array, for programs."},
    [DEVICES_HELP] = {HELP_ROW},
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
                      .choices = synth_format_name,
                      .help = "Format of the rows. aggtrades: of trades, columns and times as the files of aggregated "
                              "trades of Binance have them."},
    [SYNTH_OUTPUT] = {.name = "output",
                      .hint = CLI_HINT_FILE,
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
    [SYNTH_HELP] = {HELP_ROW},
};
_Static_assert(COUNT(synth_options_table) == SYNTH_OPTIONS && SYNTH_OPTIONS <= CLI_OPTIONS_MAX, "synth's options");

static const char *const synth_examples[] = {
    "tallow synth candles --rows 5 --interval 1d",
    "tallow synth candles --rows 390 --shape gaps --seed 7 -o week.csv",
    "tallow synth trades --rows 100000 --shape jumps --format aggtrades | gzip > trades.csv.gz",
    NULL,
};

static const char *const synth_notes[] = {
    "Columns of candles: time,open,high,low,close,volume. Columns of trades: time,id,price,quantity,side. Columns of "
    "aggtrades: agg_trade_id, price, quantity, first_trade_id, last_trade_id, transact_time, is_buyer_maker, the time "
    "in ms where it is of whole ones. Times are UTC; prices have 2 digits behind the point, quantities 3.",
    NULL,
};

static const cli_option help_options[] = {
    [HELP_MAN] = {.name = "man",
                  .kind = CLI_FLAG,
                  .help = "Print the manual, all commands, as a page for man: 'tallow help --man | man -l -'."},
    [HELP_HELP] = {HELP_ROW},
};
_Static_assert(COUNT(help_options) == HELP_OPTIONS, "help's options");

static const char *const help_examples[] = {"tallow help", "tallow help render", "tallow help --man > tallow.1", NULL};
static const char *const no_notes[] = {NULL};

static const cli_option completion_options[] = {[COMPLETION_HELP] = {HELP_ROW}};
_Static_assert(COUNT(completion_options) == COMPLETION_OPTIONS, "completion's options");

static const char *const completion_examples[] = {
    "source <(tallow completion bash)",
    "tallow completion zsh > _tallow",
    "tallow completion fish > tallow.fish",
    NULL,
};

static const char *const completion_notes[] = {
    "An installed tallow has them in place. Otherwise: for bash, put the first example into ~/.bashrc; for zsh, put "
    "_tallow into a folder of $fpath, ahead of compinit; for fish, put tallow.fish into ~/.config/fish/completions.",
    NULL,
};

const cli_command cli_commands[] = {
    {.name = "render",
     .summary = "draw candle charts from CSV files",
     .operands = "FILE...",
     .least_operands = 1,
     .most_operands = INT_MAX,
     .operand_hint = CLI_HINT_FILE,
     .also = " draw plot chart charts candles candlestick png ",
     .examples = render_examples,
     .notes = render_notes,
     .options = render_options,
     .n_options = RENDER_OPTIONS,
     .run = cli_run_render},
    {.name = "window",
     .summary = "compute rolling windows over columns of CSV files and arrays",
     .operands = "FILE...",
     .most_operands = INT_MAX,
     .operand_hint = CLI_HINT_FILE,
     .also = " windows rolling roll indicator indicators mean ema sma ",
     .examples = window_examples,
     .notes = window_notes,
     .options = window_options,
     .n_options = WINDOW_OPTIONS,
     .run = cli_run_window},
    {.name = "bars",
     .summary = "make bars of trades: by time, ticks, volume, value, range or renko",
     .operands = "FILE...",
     .most_operands = INT_MAX,
     .operand_hint = CLI_HINT_FILE,
     .also = " bar aggregate resample ohlc ohlcv ticks trades klines ",
     .examples = bars_examples,
     .notes = bars_notes,
     .options = bars_options,
     .n_options = BARS_OPTIONS,
     .run = cli_run_bars},
    {.name = "dataset",
     .summary = "make training sets: images of windows as arrays or tar shards",
     .operands = "FILE...",
     .least_operands = 1,
     .most_operands = INT_MAX,
     .operand_hint = CLI_HINT_FILE,
     .also = " datasets data tensor tensors images npy train training webdataset jkx ",
     .examples = dataset_examples,
     .notes = dataset_notes,
     .options = dataset_options,
     .n_options = DATASET_OPTIONS,
     .run = cli_run_dataset},
    {.name = "bench",
     .summary = "measure speed on each backend, and compare runs",
     .operands = "[PATTERN...] | compare A B | report ... | show A",
     .most_operands = INT_MAX,
     .operand_hint = CLI_HINT_FILE,
     .also = " benchmark benchmarks perf speed measure time compare report ",
     .examples = bench_examples,
     .notes = bench_notes,
     .options = bench_options,
     .n_options = BENCH_OPTIONS,
     .run = cli_run_bench},
    {.name = "tune",
     .summary = "measure from which size on auto takes the device",
     .operands = "",
     .also = " autotune calibrate crossover optimize optimise ",
     .examples = tune_examples,
     .notes = tune_notes,
     .options = tune_options,
     .n_options = TUNE_OPTIONS,
     .run = cli_run_tune},
    {.name = "merge",
     .summary = "check the parts of a sharded run and make one of them",
     .operands = "FOLDER",
     .least_operands = 1,
     .most_operands = 1,
     .operand_hint = CLI_HINT_FOLDER,
     .also = " join combine gather ",
     .examples = merge_examples,
     .notes = merge_notes,
     .options = merge_options,
     .n_options = MERGE_OPTIONS,
     .run = cli_run_merge},
    {.name = "devices",
     .summary = "list what can do the work, and why the rest can't",
     .operands = "",
     .also = " gpu gpus device list info ",
     .examples = devices_examples,
     .notes = devices_notes,
     .options = devices_options,
     .n_options = DEVICES_OPTIONS,
     .run = cli_run_devices},
    {.name = "synth",
     .summary = "make candles or trades for demos and tests",
     .operands = "candles|trades",
     .least_operands = 1,
     .most_operands = 1,
     .operand_names = cli_synth_kind_name,
     .also = " generate gen make demo random ",
     .examples = synth_examples,
     .notes = synth_notes,
     .options = synth_options_table,
     .n_options = SYNTH_OPTIONS,
     .run = cli_run_synth},
    {.name = "completion",
     .summary = "print what makes a shell complete commands and options",
     .operands = "bash|zsh|fish",
     .least_operands = 1,
     .most_operands = 1,
     .operand_names = cli_shell_name,
     .also = " completions bash zsh fish ",
     .examples = completion_examples,
     .notes = completion_notes,
     .options = completion_options,
     .n_options = COMPLETION_OPTIONS,
     .run = cli_run_completion},
    {.name = "help",
     .summary = "explain a command",
     .operands = "[COMMAND]",
     .most_operands = 1,
     .operand_hint = CLI_HINT_COMMAND,
     .also = " man manual usage ",
     .examples = help_examples,
     .notes = no_notes,
     .options = help_options,
     .n_options = HELP_OPTIONS,
     .run = cli_run_help},
};
const int cli_n_commands = COUNT(cli_commands);

const cli_exit_text cli_exit_texts[] = {
    {CLI_OK, "done"},
    {CLI_SLOWER, "bench compare --fail-on-slow has found a case that is slower"},
    {CLI_USAGE, "the command line is wrong"},
    {CLI_DATA, "an input file holds bad data, or nothing in the range asked for"},
    {CLI_NO_INPUT, "an input file is missing or can't be read"},
    {CLI_UNAVAILABLE, "a backend, device or library is missing, was refused or failed"},
    {CLI_INTERNAL, "a fault of this program"},
    {CLI_NO_MEMORY, "out of memory, or --pool or --host-mem is too small"},
    {CLI_CANT_CREATE, "an output file or folder can't be made"},
    {CLI_IO, "reading or writing failed underway, or nobody reads the output"},
    {CLI_STOPPED, "stopped by SIGINT (Ctrl-C) or SIGTERM; --resume goes on"},
    {CLI_INTERRUPTED, "stopped by SIGINT, by a second one where there was something to finish"},
    {CLI_TERMINATED, "stopped by SIGTERM, likewise"},
};
const int cli_n_exit_texts = COUNT(cli_exit_texts);

/* Told in any case. The first names are those that messages give. */
const cli_unit cli_byte_units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"K", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {"KB", UINT64_C(1000)},
    {"MB", UINT64_C(1000000)},
    {"GB", UINT64_C(1000000000)},
    {"TB", UINT64_C(1000000000000)},
    {NULL, 0},
};

const char cli_bad_rows_text[] =
    "Each takes a policy, the default first, as in --outside clamp. error: the FILE is refused. skip: the row is left "
    "out. gap: its candle, or its volume, is not drawn. keep: it stays as it is. swap: high and low change places. "
    "widen: low and high are stretched to hold open and close. clamp: open and close are moved into low to high. sort: "
    "rows are put in order of time. first, last: of rows with the same time, that one stays.";

const char cli_manual_date[] = "November 22, 2026";

const cli_variable cli_environment[] = {
    {"NO_COLOR", "If it is set and not empty, messages have no colour. They have none but on a terminal anyway."},
    {"COLUMNS", "Width of a terminal that does not tell its own."},
    {"XDG_CACHE_HOME",
     "The folder in which the cache of compiled programs and of what tune measures, the folder tallow, lies; without "
     "it, or where it is no absolute path, ~/.cache. Where that can't be written nothing is cached."},
    {"POCL_CACHE_DIR", "The cache folder of PoCL, an OpenCL driver, which has no device where it can't write one."},
    {"TZDIR", "The folder of time zones; without it /usr/share/zoneinfo."},
    {"TALLOW_CPU_TIER", "Forces the SIMD tier of the CPU backend: baseline, avx2 or avx512; neon on 64-bit Arm."},
    {"TALLOW_CUDA_IMAGE", "A file with the CUDA kernels to use in place of those that are built in."},
};
const int cli_n_environment = COUNT(cli_environment);
