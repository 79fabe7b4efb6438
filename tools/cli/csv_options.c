#include "csv_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format.h"
#include "report.h"

/* The option of that name. A command that lacks it has its value as if it were not given. */
static const cli_value *value_of(const cli_args *args, const char *name) {
  static const cli_value absent = {0};
  const cli_command *command = args->command;
  for (int i = 0; i < command->n_options; i++)
    if (strcmp(command->options[i].name, name) == 0) return &args->values[i];
  return &absent;
}

static const cli_value *policy_value(const cli_args *args, tlw_defect defect) {
  return value_of(args, tlw_defect_name(defect));
}

/* By its name, for a command may have choices of its own. */
static tlw_policy policy_of(const cli_args *args, tlw_defect defect) {
  const cli_value *value = policy_value(args, defect);
  for (int policy = TLW_POLICY_ERROR; value->text && policy <= TLW_POLICY_LAST; policy++)
    if (strcasecmp(value->text, tlw_policy_name((tlw_policy)policy)) == 0) return (tlw_policy)policy;
  return tlw_defect_choice(defect, 0);
}

static int is_choice(tlw_defect defect, tlw_policy policy) {
  for (int i = 0; tlw_defect_choice(defect, i); i++)
    if (tlw_defect_choice(defect, i) == policy) return 1;
  return 0;
}

/* By the order of cli_delimiter_name and cli_decimal_name. */
static const char delimiters[] = {0, ',', ';', '\t', '|'};
static const char decimals[] = {'.', ','};

/* Whether the library's message begins with the name of an option, as "columns: ...". */
static int names_option(const cli_command *command, const char *message) {
  const size_t length = strcspn(message, ": ");
  for (int i = 0; i < command->n_options; i++)
    if (strncmp(command->options[i].name, message, length) == 0 && command->options[i].name[length] == 0)
      return message[length] == ':';
  return 0;
}

/* The reader examines its options before it looks at a file, so that any will do to have them examined. */
static cli_exit check(const cli_args *args, const tlw_csv_options *options) {
  tlw_error error;
  tlw_table *table = NULL;
  const tlw_status status = tlw_csv_read("/dev/null", options, NULL, &table, &error);
  tlw_table_close(&table);
  if (status != TLW_ERR_ARGUMENT) return CLI_OK;
  return cli_fail(CLI_USAGE, "%s%s; try 'tallow %s --help'", names_option(args->command, error.message) ? "--" : "",
                  error.message, args->command->name);
}

int cli_csv_lacks_times(const cli_args *args) {
  const char *at = value_of(args, "columns")->text;
  while (at) {
    char role[8], column[8];
    int end = 0;
    if (sscanf(at, " %7[A-Za-z] = %7[A-Za-z] %n", role, column, &end) == 2 && (at[end] == ',' || !at[end]) &&
        strcasecmp(role, "time") == 0 && strcasecmp(column, "none") == 0)
      return 1;
    at = strchr(at, ',');
    at += at != NULL;
  }
  return 0;
}

cli_exit cli_csv_options(const cli_args *args, const char *const *lines, int32_t n_lines, tlw_csv_options *options) {
  tlw_csv_options_init(options);
  options->lines = lines;
  options->n_lines = n_lines;
  options->columns = value_of(args, "columns")->text;
  options->by = value_of(args, "by")->text;
  options->header = (tlw_csv_header)value_of(args, "header")->number;
  options->delimiter = delimiters[value_of(args, "delimiter")->number];
  options->decimal = decimals[value_of(args, "decimal")->number];
  options->day_first = value_of(args, "day-first")->given;
  options->adjusted = value_of(args, "adjusted")->given;
  options->expansion = (uint32_t)value_of(args, "expansion")->number;
  for (int i = 0; i < TLW_DEFECTS; i++) {
    const tlw_policy policy = policy_of(args, (tlw_defect)i);
    if (policy_value(args, (tlw_defect)i)->given && is_choice((tlw_defect)i, policy)) options->policies[i] = policy;
  }
  if (options->decimal == ',' && options->delimiter == ',')
    return cli_fail(CLI_USAGE, "--decimal comma and --delimiter comma exclude each other; try 'tallow %s --help'",
                    args->command->name);
  return check(args, options);
}

/* ---- words ---- */

/* What the library says, and what it is called here: behind `says` stands what `puts` ends with. */
static const struct {
  const char *says, *puts;
} phrases[] = {
    {"choose day-first", "use --day-first"},
    {"leave out day-first", "leave out --day-first"},
    {"choose the decimal comma", "use --decimal comma"},
    {"say by columns which they are (close=Last,volume=7)", "say which they are: --columns close=Last,volume=7"},
    {"say by columns which they are (close=5,volume=7)", "say which they are: --columns close=5,volume=7"},
    {"say by columns which it is, or that there is none (time=none)",
     "say which it is: --columns time=NAME, or that there is none: --columns time=none"},
    {"allow more (--expansion, or expansion in the options)", "allow more by --expansion"},
    {"open it by tlw_npy_open", "add --input npy"},
    {"choose other policies", "choose otherwise with the options for bad rows, such as --bad-field"},
};

#define POLICY_SAYS "set the policy "
#define POLICY_HOW " to "

/* "set the policy bad-field to skip": adds "use --bad-field skip". Returns the length of what was said, 0: not this. */
static size_t explain_policy(const char *at, cli_buffer *out) {
  if (strncmp(at, POLICY_SAYS, strlen(POLICY_SAYS)) != 0) return 0;
  const char *name = at + strlen(POLICY_SAYS);
  for (int i = 0; i < TLW_DEFECTS; i++) {
    const char *defect = tlw_defect_name((tlw_defect)i);
    const size_t length = strlen(defect);
    if (strncmp(name, defect, length) != 0 || strncmp(name + length, POLICY_HOW, strlen(POLICY_HOW)) != 0) continue;
    cli_buffer_format(out, "use --%s ", defect);
    return strlen(POLICY_SAYS) + length + strlen(POLICY_HOW);
  }
  return 0;
}

static size_t explain_phrase(const char *at, cli_buffer *out) {
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
    const size_t length = strlen(phrases[i].says);
    if (strncmp(at, phrases[i].says, length) != 0) continue;
    cli_buffer_format(out, "%s", phrases[i].puts);
    return length;
  }
  return explain_policy(at, out);
}

void cli_csv_explain(const char *name, const char *message, cli_buffer *out) {
  const size_t length = strlen(name);
  const char *at = message;
  if (strncmp(message, name, length) == 0) at += length;
  cli_buffer_add(out, message, (size_t)(at - message));
  while (*at) {
    size_t said = explain_phrase(at, out);
    if (said == 0) cli_buffer_add(out, at, said = 1);
    at += said;
  }
}

static const char *delimiter_text(char delimiter) {
  switch (delimiter) {
  case ';':
    return "semicolons";
  case '\t':
    return "tabs";
  case '|':
    return "pipes";
  default:
    return "commas";
  }
}

void cli_csv_tell(const cli_args *args, const char *name, const tlw_csv_report *report) {
  static const char *const packings[] = {[TLW_PACKING_NONE] = "",
                                         [TLW_PACKING_GZIP] = "gzip, ",
                                         [TLW_PACKING_ZSTD] = "zstd, ",
                                         [TLW_PACKING_ZIP] = "zip, "};
  if (!value_of(args, "verbose")->given) return;
  char count[CLI_COUNT_SIZE];
  cli_count_text(report->rows, count);
  cli_say("%s: %s row%s, %s%s, %s, %s%s", cli_shown_name(name), count, report->rows == 1 ? "" : "s",
          packings[report->packing], delimiter_text(report->delimiter), report->has_header ? "header" : "no header",
          !report->has_time      ? "no times, "
          : report->newest_first ? "newest first, "
                                 : "",
          report->has_volume ? "volume" : "no volume");
}

/* ---- bad rows ---- */

/* What is said of one row, or of several. */
struct words {
  const char *one, *many;
};

static const struct words defect_texts[TLW_DEFECTS] = {
    [TLW_DEFECT_FIELD] = {"has a field that can't be read", "have a field that can't be read"},
    [TLW_DEFECT_MISSING_PRICE] = {"lacks a price", "lack a price"},
    [TLW_DEFECT_NEGATIVE_PRICE] = {"has a price below 0", "have a price below 0"},
    [TLW_DEFECT_HIGH_BELOW_LOW] = {"has a high below the low", "have a high below the low"},
    [TLW_DEFECT_OUTSIDE] = {"has an open or close outside low to high", "have an open or close outside low to high"},
    [TLW_DEFECT_NEGATIVE_VOLUME] = {"has a volume below 0 or infinite", "have a volume below 0 or infinite"},
    [TLW_DEFECT_OUT_OF_ORDER] = {"goes back in time", "go back in time"},
    [TLW_DEFECT_DUPLICATE] = {"repeats a time", "repeat a time"},
};

static const struct words policy_texts[] = {
    [TLW_POLICY_SKIP] = {"it is left out", "they are left out"},
    [TLW_POLICY_GAP] = {"it is a gap", "they are gaps"},
    [TLW_POLICY_KEEP] = {"it is kept as it is", "they are kept as they are"},
    [TLW_POLICY_SWAP] = {"its high and low changed places", "their high and low changed places"},
    [TLW_POLICY_WIDEN] = {"its high and low were widened", "their high and low were widened"},
    [TLW_POLICY_CLAMP] = {"its open and close were moved into it", "their open and close were moved into it"},
    [TLW_POLICY_SORT] = {"the rows were put in order of time", "the rows were put in order of time"},
    [TLW_POLICY_FIRST] = {"the first of each time is kept", "the first of each time is kept"},
    [TLW_POLICY_LAST] = {"the last of each time is kept", "the last of each time is kept"},
};

static const struct words no_volume = {"it is drawn without volume", "they are drawn without volume"};

static const char *choose(struct words words, int64_t count) { return count == 1 ? words.one : words.many; }

void cli_csv_warn(const cli_args *args, const char *name, const tlw_csv_report *report, int quiet) {
  if (quiet) return;
  for (int i = 0; i < TLW_DEFECTS; i++) {
    const tlw_defect defect = (tlw_defect)i;
    const cli_value *value = policy_value(args, defect);
    const tlw_policy policy = policy_of(args, defect);
    const int64_t n = report->defects[i];
    if (n == 0 || policy == TLW_POLICY_ERROR) continue;
    const int is_volume = defect == TLW_DEFECT_NEGATIVE_VOLUME && policy == TLW_POLICY_GAP;
    char count[CLI_COUNT_SIZE], text[256];
    cli_count_text(n, count);
    snprintf(text, sizeof text, "%s row%s %s, the first at line %" PRId64 ": %s", count, n == 1 ? "" : "s",
             choose(defect_texts[i], n), report->first_line[i],
             choose(is_volume ? no_volume : policy_texts[policy], n));
    if (policy == TLW_POLICY_KEEP) {
      if (value_of(args, "verbose")->given) cli_say("%s: %s", cli_shown_name(name), text);
    } else {
      cli_warn("%s: %s%s%s%s", cli_shown_name(name), text, value->given ? "" : "; --",
               value->given ? "" : tlw_defect_name(defect),
               value->given ? ""
               : n == 1     ? " error refuses it"
                            : " error refuses them");
    }
  }
}
