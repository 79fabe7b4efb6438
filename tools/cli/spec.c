#include "spec.h"

#include <stdio.h>
#include <string.h>

#include "manifest.h"
#include "nearest.h"
#include "report.h"
#include "spec_text.h"

#define SHOWN_SIZE 80

/* A description that is being read. */
struct reader {
  const cli_spec_text *text;
  cli_spec *spec;
  cli_args *args;
  cli_buffer place; /* of what is looked at */
};

/* A value in the text: the JSON from start to end. */
struct node {
  const json_t *json;
  size_t start, end;
};

static cli_exit fail_memory(const struct reader *r) {
  return cli_fail(CLI_NO_MEMORY, "no memory for --spec %s", r->text->name);
}

/* ---- what was given ---- */

/* As it stands there, if that is short. */
static void show(const struct reader *r, const struct node *node, char out[SHOWN_SIZE]) {
  const int length = (int)(node->end - node->start), most = SHOWN_SIZE - 4;
  if (json_is_object(node->json))
    snprintf(out, SHOWN_SIZE, "an object");
  else if (json_is_array(node->json))
    snprintf(out, SHOWN_SIZE, "a list of %zu", json_array_size(node->json));
  else
    snprintf(out, SHOWN_SIZE, "%.*s%s", length < most ? length : most, r->text->bytes.bytes + node->start,
             length < most ? "" : "...");
}

static const char *place_of(struct reader *r, size_t offset) {
  cli_spec_text_place(r->text, offset, &r->place);
  return r->place.failed ? r->text->name : r->place.bytes;
}

static int is_switch(const cli_option *option) { return option->choices == cli_switch_name; }

/* Whether the JSON is what this kind of value is written as. */
static int is_right_type(const cli_option *option, const json_t *json) {
  switch (option->kind) {
  case CLI_FLAG:
    return json_is_boolean(json);
  case CLI_NUMBER:
    return json_is_number(json);
  case CLI_LIST:
    return json_is_array(json) && json_array_size(json) <= CLI_PARTS_MAX;
  case CLI_MEMBERS:
    return json_is_object(json);
  case CLI_CHOICE:
    return json_is_string(json) || (is_switch(option) && json_is_boolean(json));
  default:
    return json_is_string(json);
  }
}

/* What the type should have been, where what is expected does not say so. */
static const char *type_hint(const cli_option *option, const json_t *json) {
  if (option->kind == CLI_NUMBER) return json_is_string(json) ? ", without quotes" : "";
  if (option->kind == CLI_FLAG || option->kind == CLI_LIST || option->kind == CLI_MEMBERS || is_switch(option))
    return "";
  return ", in double quotes";
}

/* ---- values ---- */

static cli_exit put_value(struct reader *r, const cli_option *option, const char *within, const struct node *node,
                          cli_buffer *out);

/* The value behind the separators at *at; goes behind it. */
static struct node next_node(const struct reader *r, const json_t *json, size_t *at) {
  const size_t start = cli_spec_text_skip(r->text, *at, ",:");
  *at = cli_spec_text_end(r->text, start);
  return (struct node){json, start, *at};
}

/* a,b,c */
static cli_exit put_list(struct reader *r, const cli_option *option, const struct node *node, cli_buffer *out) {
  size_t at = node->start + 1;
  cli_exit code = CLI_OK;
  for (size_t i = 0; i < json_array_size(node->json) && !code; i++) {
    const struct node item = next_node(r, json_array_get(node->json, i), &at);
    if (i > 0) cli_buffer_add(out, ",", 1);
    code = put_value(r, option->parts, option->name, &item, out);
  }
  return code;
}

static cli_exit fail_member(struct reader *r, const cli_option *option, const char *name, size_t at) {
  const cli_origin origin = {.place = place_of(r, at)};
  cli_nearest nearest;
  cli_nearest_start(&nearest, name);
  for (int i = 0; i < option->n_parts; i++) cli_nearest_try(&nearest, option->parts[i].name);
  return cli_origin_fail(&origin, nearest.best, "%s has no key '%.64s'", option->name, name);
}

/* name=a,other=b */
static cli_exit put_members(struct reader *r, const cli_option *option, const struct node *node, cli_buffer *out) {
  size_t at = node->start + 1;
  const char *name, *comma = "";
  json_t *json;
  json_object_foreach((json_t *)node->json, name, json) {
    const struct node key = next_node(r, NULL, &at), value = next_node(r, json, &at);
    const cli_option *part = cli_find_part(option, name, strlen(name));
    if (!part) return fail_member(r, option, name, key.start);
    if (json_is_null(json)) continue;
    cli_buffer_format(out, "%s%s=", comma, name);
    const cli_exit code = put_value(r, part, option->name, &value, out);
    if (code) return code;
    comma = ",";
  }
  return CLI_OK;
}

static void put_text(const struct reader *r, const struct node *node, cli_buffer *out) {
  if (json_is_boolean(node->json))
    cli_buffer_format(out, json_is_true(node->json) ? "on" : "off");
  else if (json_is_string(node->json))
    cli_buffer_format(out, "%s", json_string_value(node->json));
  else
    cli_buffer_add(out, r->text->bytes.bytes + node->start, node->end - node->start);
}

/* Adds what one would type, if that is a right value. within: the name of the option that has it as a part, or NULL. */
static cli_exit put_value(struct reader *r, const cli_option *option, const char *within, const struct node *node,
                          cli_buffer *out) {
  char shown[SHOWN_SIZE];
  show(r, node, shown);
  const cli_origin origin = {.place = place_of(r, node->start), .shown = shown, .within = within};
  if (!is_right_type(option, node->json)) return cli_value_refuse(&origin, option, type_hint(option, node->json));
  if (option->kind == CLI_LIST) return put_list(r, option, node, out);
  if (option->kind == CLI_MEMBERS) return put_members(r, option, node, out);
  cli_buffer text = {0};
  cli_value value = {0};
  put_text(r, node, &text);
  cli_buffer_add(&text, "", 1);
  cli_exit code = text.failed ? fail_memory(r) : cli_value_read(&origin, option, text.bytes, &value);
  if (!code && within && strchr(text.bytes, ','))
    code = cli_origin_fail(&origin, NULL, "%s of %s must have no comma", option->name, within);
  if (!code) cli_buffer_add(out, text.bytes, text.length - 1);
  cli_buffer_free(&text);
  return code;
}

/* ---- settings ---- */

/* Keeps text and place as the value that was given, unless one was typed. */
static cli_exit keep(struct reader *r, int index, const struct node *node) {
  const cli_option *option = &r->args->command->options[index];
  cli_value *value = &r->args->values[index];
  cli_buffer *text = &r->spec->texts[index], *place = &r->spec->places[index];
  cli_exit code = put_value(r, option, NULL, node, text);
  cli_buffer_add(text, "", 1);
  cli_spec_text_place(r->text, node->start, place);
  if (!code && (text->failed || place->failed)) code = fail_memory(r);
  const int is_nothing = option->kind == CLI_FLAG ? json_is_false(node->json) : !code && text->length == 1;
  if (code || value->given || is_nothing) return code;
  *value = (cli_value){.given = 1, .place = place->bytes};
  const cli_origin origin = {.place = place->bytes};
  return cli_value_read(&origin, option, text->bytes, value);
}

static int find_setting(const cli_command *command, const char *name) {
  for (int i = 0; i < command->n_options; i++)
    if (cli_is_setting(&command->options[i]) && strcmp(command->options[i].name, name) == 0) return i;
  return -1;
}

static cli_exit fail_key(struct reader *r, const char *name, size_t at) {
  const cli_command *command = r->args->command;
  const cli_origin origin = {.place = place_of(r, at)};
  const char *also = NULL;
  cli_nearest nearest;
  cli_nearest_start(&nearest, name);
  for (int i = 0; i < command->n_options; i++) {
    const cli_option *option = &command->options[i];
    if (strcmp(option->name, name) == 0)
      return cli_origin_fail(&origin, NULL, "'%s' is not for a description: give --%s on the command line", name, name);
    if (!cli_is_setting(option)) continue;
    if (cli_is_also(option->also, name)) also = option->name;
    cli_nearest_try(&nearest, option->name);
  }
  if (also || nearest.best)
    return cli_origin_fail(&origin, also ? also : nearest.best, "there is no key '%.64s'", name);
  return cli_origin_fail(&origin, NULL, "there is no key '%.64s'; 'tallow %s --print-spec' shows all", name,
                         command->name);
}

static cli_exit read_settings(struct reader *r, json_t *root) {
  size_t at = cli_spec_text_skip(r->text, 0, "") + 1;
  const char *name;
  json_t *json;
  json_object_foreach(root, name, json) { /* in the order in which they stand there */
    const struct node key = next_node(r, NULL, &at), value = next_node(r, json, &at);
    const int index = find_setting(r->args->command, name);
    const cli_exit code = index < 0            ? fail_key(r, name, key.start)
                          : json_is_null(json) ? CLI_OK
                                               : keep(r, index, &value);
    if (code) return code;
  }
  return CLI_OK;
}

cli_exit cli_spec_read(cli_spec *spec, const char *path, cli_args *args) {
  *spec = (cli_spec){0};
  cli_spec_text text;
  cli_exit code = cli_spec_text_read(&text, path);
  json_t *root = code ? NULL : cli_spec_text_parse(&text, &code);
  struct reader reader = {.text = &text, .spec = spec, .args = args};
  if (root) code = read_settings(&reader, root);
  json_decref(root);
  cli_buffer_free(&reader.place);
  cli_spec_text_free(&text);
  return code;
}

void cli_spec_free(cli_spec *spec) {
  for (int i = 0; i < CLI_OPTIONS_MAX; i++) {
    cli_buffer_free(&spec->texts[i]);
    cli_buffer_free(&spec->places[i]);
  }
}

/* ---- writing ---- */

void cli_spec_put(cli_buffer *out, const cli_args *args) {
  const char *comma = "{\n";
  for (int i = 0; i < args->command->n_options; i++) {
    const cli_option *option = &args->command->options[i];
    if (!cli_is_setting(option)) continue;
    cli_buffer_format(out, "%s  \"%s\": ", comma, option->name);
    if (is_switch(option))
      cli_buffer_format(out, args->values[i].number == SWITCH_ON ? "true" : "false");
    else
      cli_manifest_value(out, option, &args->values[i]);
    comma = ",\n";
  }
  cli_buffer_format(out, "\n}\n");
}
