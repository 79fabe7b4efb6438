#include "csv_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

int tlw_find_role(const struct tlw_wish *wish) {
  int role = 0;
  while (role <= TLW_ROLE_CLOCK && !tlw_same_word(wish->name, wish->length, tlw_role_name((enum tlw_role)role))) role++;
  return role <= TLW_ROLE_CLOCK ? role : -1;
}

static int32_t find_name(const char *line, size_t length, char delimiter, const struct tlw_wish *wish) {
  const char *const end = line + length;
  int32_t similar = -1, column = 0;
  for (const char *at = line;; at++, column++) {
    struct tlw_field f;
    at = tlw_field_take(at, end, delimiter, &f);
    if (!at) break;
    if (f.length == wish->length && memcmp(f.text, wish->name, f.length) == 0) return column;
    if (similar < 0 && tlw_columns_same_name(wish->name, wish->length, f.text, f.length)) similar = column;
    if (at == end) break;
  }
  return similar;
}

int32_t tlw_find_column(const char *line, size_t length, char delimiter, const struct tlw_columns *columns,
                        const struct tlw_wish *wish) {
  if (wish->kind == TLW_WISH_NUMBER) return wish->number < columns->n_columns ? wish->number : -1;
  const int32_t named = columns->has_header ? find_name(line, length, delimiter, wish) : -1;
  const int role = tlw_find_role(wish);
  return named >= 0 || role < 0 ? named : columns->of[role];
}

/* The field of the line that is most like the name. false: none is. */
static bool find_nearest(const char *line, size_t length, char delimiter, const struct tlw_wish *wish,
                         struct tlw_field *nearest) {
  const char *const end = line + length;
  int least = 1 + (int)wish->length / 3;
  bool any = false;
  for (const char *at = line; wish->length <= TLW_DISTANCE_MOST; at++) {
    struct tlw_field f;
    at = tlw_field_take(at, end, delimiter, &f);
    if (!at) break;
    char name[TLW_TIME_NAME_SIZE];
    snprintf(name, sizeof name, "%.*s", f.length < sizeof name ? (int)f.length : 0, f.text);
    const int distance = *name ? tlw_columns_distance(wish->name, wish->length, name) : least + 1;
    if (distance <= least && distance < (int)wish->length) {
      least = distance - 1;
      *nearest = f;
      any = true;
    }
    if (at == end) break;
  }
  return any;
}

void tlw_find_explain(const char *line, size_t length, char delimiter, const struct tlw_columns *columns,
                      const struct tlw_wish *wish, char out[TLW_FIND_MESSAGE_SIZE]) {
  char found[TLW_FOUND_SIZE] = "", shown[TLW_SHOWN_SIZE], meant[TLW_SHOWN_SIZE];
  tlw_columns_list(line, length, delimiter, found);
  if (wish->kind == TLW_WISH_NUMBER) {
    snprintf(out, TLW_FIND_MESSAGE_SIZE, "there is no column %" PRId32 ", only %" PRId32 " (%s)", wish->number + 1,
             columns->n_columns, found);
    return;
  }
  tlw_show_text(shown, sizeof shown, wish->name, wish->length);
  struct tlw_field nearest;
  if (columns->has_header && find_nearest(line, length, delimiter, wish, &nearest))
    snprintf(out, TLW_FIND_MESSAGE_SIZE, "there is no column '%s' (found: %s): did you mean '%s'?", shown, found,
             tlw_show_text(meant, sizeof meant, nearest.text, nearest.length));
  else
    snprintf(out, TLW_FIND_MESSAGE_SIZE,
             "there is no column '%s' (found: %s): name one of the header, or give a number from 1", shown, found);
}

void tlw_find_keep_name(struct tlw_field field, char name[TLW_TIME_NAME_SIZE]) {
  size_t size;
  if (field.length >= TLW_TIME_NAME_SIZE) {
    field.length = TLW_TIME_NAME_SIZE - 1;
    while (field.length > 0 && ((unsigned char)field.text[field.length] & 0xc0) == 0x80) field.length--;
  }
  tlw_field_copy(&field, name, TLW_TIME_NAME_SIZE - 1, &size);
  name[size] = '\0';
}
