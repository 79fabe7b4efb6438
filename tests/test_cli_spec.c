/*
 * Descriptions over a table of options of its own, with every kind of setting: lists, members, text and flags too. What
 * is typed and what is described are the same values, and what is printed is read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/cli/manifest.h"
#include "tools/cli/report.h"
#include "tools/cli/spec.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum { MAV, LINES, STYLES, LEGEND, TITLE, SHADOW, GRID, SINCE, HELP, OPTIONS };

/* ---- what the command line has elsewhere ---- */

static char said[1024];

cli_exit cli_fail(cli_exit code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(said, sizeof said, format, args);
  va_end(args);
  return code;
}

const char *cli_shown_name(const char *name) { return name; }
int cli_is_setting(const cli_option *option) { return option->group == CLI_GROUP_DRAWN && !option->apart; }
const cli_unit cli_byte_units[] = {{NULL, 0}};

const char *cli_switch_name(int index) {
  static const char *const names[] = {[SWITCH_ON] = "on", [SWITCH_OFF] = "off"};
  return index < COUNT(names) ? names[index] : NULL;
}

/* ---- the table ---- */

static const char *style_name(int index) {
  static const char *const names[] = {"solid", "dashed", "dotted"};
  return index < COUNT(names) ? names[index] : NULL;
}

static const cli_option average = {.name = "each", .kind = CLI_NUMBER, .least = 1, .most = 1000};
static const cli_option line = {.name = "each", .kind = CLI_TEXT};
static const cli_option style = {.name = "each", .kind = CLI_CHOICE, .choices = style_name};
static const cli_option corner[] = {{.name = "x", .kind = CLI_NUMBER, .most = 99},
                                    {.name = "style", .kind = CLI_CHOICE, .choices = style_name}};

#define ROW(option, kind_of) .name = (option), .group = CLI_GROUP_DRAWN, .kind = (kind_of)
static const cli_option options[] = {
    [MAV] = {ROW("mav", CLI_LIST), .parts = &average, .n_parts = 1},
    [LINES] = {ROW("lines", CLI_LIST), .parts = &line, .n_parts = 1},
    [STYLES] = {ROW("styles", CLI_LIST), .parts = &style, .n_parts = 1},
    [LEGEND] = {ROW("legend", CLI_MEMBERS), .metavar = "NAME=V", .parts = corner, .n_parts = COUNT(corner)},
    [TITLE] = {ROW("title", CLI_TEXT)},
    [SHADOW] = {ROW("shadow", CLI_FLAG)},
    [GRID] = {ROW("grid", CLI_CHOICE), .choices = cli_switch_name},
    [SINCE] = {ROW("since", CLI_TIME)},
    [HELP] = {.name = "help", .kind = CLI_FLAG},
};
_Static_assert(COUNT(options) == OPTIONS, "options");

static const cli_command command = {.name = "draw", .options = options, .n_options = OPTIONS};

static const char *const typed[OPTIONS] = {
    [MAV] = "10,20,1000",
    [LINES] = "ema,a \"b\",\xC3\xA4]",
    [STYLES] = "Dotted,solid",
    [LEGEND] = "x=0,style=dashed",
    [TITLE] = "A, \\ and B",
    [SINCE] = "2020-02-29T01:02:03.5Z",
    [GRID] = "off",
    [SHADOW] = "",
};

static const char described[] = "{\"mav\": [10, 20,1000 ], \"lines\": [\"ema\", \"a \\\"b\\\"\", \"\\u00e4]\"], "
                                "\"styles\":[\"Dotted\",\"solid\"],\n"
                                " \"legend\": {\"style\": \"dashed\", \"x\": 0}, \"title\": \"A, \\\\ and B\", "
                                "\"since\": \"2020-02-29 01:02:03.5\",\n"
                                " \"grid\": false, \"shadow\": true}";

static const char printed[] = "{\n"
                              "  \"mav\": [10, 20, 1000],\n"
                              "  \"lines\": [\"ema\", \"a \\\"b\\\"\", \"\xC3\xA4]\"],\n"
                              "  \"styles\": [\"dotted\", \"solid\"],\n"
                              "  \"legend\": {\"x\": 0, \"style\": \"dashed\"},\n"
                              "  \"title\": \"A, \\\\ and B\",\n"
                              "  \"shadow\": true,\n"
                              "  \"grid\": false,\n"
                              "  \"since\": \"2020-02-29T01:02:03.500Z\"\n"
                              "}\n";

/* ---- running ---- */

/* The arguments as if these texts were typed. */
static void type_all(cli_args *args) {
  const cli_origin origin = {.command = "draw"};
  *args = (cli_args){.command = &command};
  for (int i = 0; i < OPTIONS; i++) {
    if (!typed[i]) continue;
    assert_int_equal(cli_value_read(&origin, &options[i], typed[i], &args->values[i]), CLI_OK);
    args->values[i].given = 1;
  }
}

/* Reads the text as a file. */
static cli_exit describe(cli_spec *spec, cli_args *args, const char *text) {
  char path[] = "/tmp/test_cli_spec.XXXXXX";
  const int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  FILE *file = fdopen(descriptor, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
  said[0] = 0;
  const cli_exit code = cli_spec_read(spec, path, args);
  assert_int_equal(remove(path), 0);
  return code;
}

static void check_printed(const cli_args *args, const char *expected) {
  cli_buffer text = {0};
  cli_spec_put(&text, args);
  assert_false(text.failed);
  assert_int_equal(text.length, strlen(expected));
  assert_memory_equal(text.bytes, expected, text.length);
  cli_buffer_free(&text);
}

static void check_values(const cli_args *args) {
  const cli_value *mav = &args->values[MAV], *lines = &args->values[LINES], *styles = &args->values[STYLES];
  assert_int_equal(mav->n_parts, 3);
  assert_int_equal(mav->parts[2].number, 1000);
  assert_int_equal(lines->n_parts, 3);
  assert_int_equal(lines->parts[1].length, 5);
  assert_memory_equal(lines->parts[1].text, "a \"b\"", 5);
  assert_memory_equal(lines->parts[2].text, "\xC3\xA4]", 4);
  assert_int_equal(styles->parts[0].number, 2);
  assert_int_equal(args->values[LEGEND].parts[1].number, 1);
  assert_true(args->values[LEGEND].parts[0].given);
  assert_string_equal(args->values[TITLE].text, "A, \\ and B");
  assert_true(args->values[SHADOW].given);
  assert_int_equal(args->values[GRID].number, SWITCH_OFF);
}

static void test_typed_and_described(void **state) {
  (void)state;
  cli_args args;
  type_all(&args);
  check_values(&args);
  check_printed(&args, printed);
  cli_spec spec;
  args = (cli_args){.command = &command};
  assert_int_equal(describe(&spec, &args, described), CLI_OK);
  check_values(&args);
  check_printed(&args, printed);
  cli_spec_free(&spec);
  args = (cli_args){.command = &command};
  assert_int_equal(describe(&spec, &args, printed), CLI_OK);
  check_values(&args);
  check_printed(&args, printed);
  cli_spec_free(&spec);
}

static void test_nothing(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{}", "{\"mav\": [], \"legend\": {}, \"shadow\": false}",
      "{\"mav\": null, \"lines\": null, \"legend\": {\"x\": null}, \"shadow\": null, \"title\": null}"};
  for (int i = 0; i < COUNT(texts); i++) {
    cli_args args = {.command = &command};
    cli_spec spec;
    assert_int_equal(describe(&spec, &args, texts[i]), CLI_OK);
    for (int k = 0; k < OPTIONS; k++) assert_false(args.values[k].given);
    cli_spec_free(&spec);
  }
}

static void test_typed_wins(void **state) {
  (void)state;
  cli_args args;
  type_all(&args);
  cli_spec spec;
  assert_int_equal(describe(&spec, &args, "{\"mav\": [5], \"title\": \"x\", \"legend\": {\"x\": 7}}"), CLI_OK);
  check_printed(&args, printed);
  cli_spec_free(&spec);
}

/* Of a list the place of the part is told. */
static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"{\"mav\": 10}", ":1:9: mav must be a list of at most 16, each a whole number from 1 to 1000, not 10"},
      {"{\"mav\": [10,\n 1001]}", ":2:2: each of mav must be a whole number from 1 to 1000, not 1001"},
      {"{\"mav\": [10, \"20\"]}",
       ":1:14: each of mav must be a whole number from 1 to 1000, without quotes, not \"20\""},
      {"{\"mav\": [null]}", ":1:10: each of mav must be a whole number from 1 to 1000, not null"},
      {"{\"mav\": [[1], 2]}", ":1:10: each of mav must be a whole number from 1 to 1000, not a list of 1"},
      {"{\"mav\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", ":1:9: mav must be a list of at most 16, "},
      {"{\"lines\": [\"a\", \"b,c\"]}", ":1:17: each of lines must have no comma"},
      {"{\"lines\": [\"\"]}", ":1:12: each of lines must not be empty"},
      {"{\"styles\": [\"dahsed\"]}", ":1:13: each of styles must be solid, dashed or dotted, not \"dahsed\"; did you"},
      {"{\"legend\": {\"x\": [\"}\"], \"style\": 1}}", ":1:18: x of legend must be a whole number from 0 to 99, not a"},
      {"{\"legend\": {\"style\": 1}}",
       ":1:22: style of legend must be solid, dashed or dotted, in double quotes, not 1"},
      {"{\"shadow\": \"on\"}", ":1:12: shadow must be true or false, not \"on\""},
      {"{\"title\": [\"a\"]}", ":1:11: title must be text, in double quotes, not a list of 1"},
      {"{\"help\": true}", ":1:2: 'help' is not for a description: give --help on the command line"},
  };
  for (int i = 0; i < COUNT(rows); i++) {
    cli_args args = {.command = &command};
    cli_spec spec;
    assert_int_equal(describe(&spec, &args, rows[i].text), CLI_DATA);
    if (!strstr(said, rows[i].says)) fail_msg("'%s' is not said in '%s'", rows[i].says, said);
    cli_spec_free(&spec);
  }
}

static void test_refused_when_typed(void **state) {
  (void)state;
  static const struct {
    int option;
    const char *text, *says;
  } rows[] = {
      {MAV, "10,x", "each of --mav must be a whole number from 1 to 1000, not 'x'; try 'tallow draw --help'"},
      {MAV, "", "each of --mav must be a whole number"},
      {MAV, "1,2,", "each of --mav must be a whole number"},
      {MAV, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "--mav must be at most 16 between commas, each a whole number from 1"},
      {LINES, "a,,b", "each of --lines must not be empty"},
      {STYLES, "solid,dahsed", "each of --styles must be solid, dashed or dotted, not 'dahsed'; did you mean dashed?"},
      {LEGEND, "y=1", "--legend must be NAME=V, of x and style, not 'y=1'"},
      {LEGEND, "x=1,x=1", "--legend has x twice"},
  };
  const cli_origin origin = {.command = "draw"};
  for (int i = 0; i < COUNT(rows); i++) {
    cli_value value = {0};
    assert_int_equal(cli_value_read(&origin, &options[rows[i].option], rows[i].text, &value), CLI_USAGE);
    if (!strstr(said, rows[i].says)) fail_msg("'%s' is not said in '%s'", rows[i].says, said);
  }
}

/* Two first lines of manifests that differ in a list. */
static void test_difference(void **state) {
  (void)state;
  static const char ours[] = "{\"mav\": [10, 20], \"lines\": [\"a]\", \"b\"], \"x\": 1}";
  static const char theirs[] = "{\"mav\": [10, 20], \"lines\": [\"a]\", \"c\"], \"x\": 2}";
  char shown[CLI_MANIFEST_SHOWN];
  cli_manifest_difference((cli_span){ours, strlen(ours)}, (cli_span){theirs, strlen(theirs)}, shown);
  assert_string_equal(shown, "lines is [\"a]\", \"b\"], and was [\"a]\", \"c\"] there");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_typed_and_described), cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_typed_wins),          cmocka_unit_test(test_refused),
      cmocka_unit_test(test_refused_when_typed),  cmocka_unit_test(test_difference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
