#include "csv_policy.h"

#include <stdio.h>
#include <string.h>

#include "host/base/error.h"

#define CHOICES 5

static const struct {
  const char *name;
  tlw_policy choices[CHOICES]; /* the default first */
} defects[TLW_DEFECTS] = {
    [TLW_DEFECT_FIELD] = {"bad-field", {TLW_POLICY_ERROR, TLW_POLICY_SKIP}},
    [TLW_DEFECT_MISSING_PRICE] = {"missing-price", {TLW_POLICY_GAP, TLW_POLICY_ERROR, TLW_POLICY_SKIP}},
    [TLW_DEFECT_NEGATIVE_PRICE] = {"negative-price", {TLW_POLICY_KEEP, TLW_POLICY_ERROR}},
    [TLW_DEFECT_HIGH_BELOW_LOW] = {"high-below-low", {TLW_POLICY_ERROR, TLW_POLICY_SKIP, TLW_POLICY_SWAP}},
    [TLW_DEFECT_OUTSIDE] = {"outside", {TLW_POLICY_WIDEN, TLW_POLICY_ERROR, TLW_POLICY_SKIP, TLW_POLICY_CLAMP}},
    [TLW_DEFECT_NEGATIVE_VOLUME] = {"negative-volume", {TLW_POLICY_ERROR, TLW_POLICY_GAP, TLW_POLICY_SKIP}},
    [TLW_DEFECT_OUT_OF_ORDER] = {"out-of-order", {TLW_POLICY_ERROR, TLW_POLICY_SORT, TLW_POLICY_SKIP}},
    [TLW_DEFECT_DUPLICATE] = {"duplicate", {TLW_POLICY_ERROR, TLW_POLICY_FIRST, TLW_POLICY_LAST, TLW_POLICY_KEEP}},
};

static const char *const policies[] = {
    [TLW_POLICY_ERROR] = "error", [TLW_POLICY_SKIP] = "skip", [TLW_POLICY_GAP] = "gap",
    [TLW_POLICY_KEEP] = "keep",   [TLW_POLICY_SWAP] = "swap", [TLW_POLICY_WIDEN] = "widen",
    [TLW_POLICY_CLAMP] = "clamp", [TLW_POLICY_SORT] = "sort", [TLW_POLICY_FIRST] = "first",
    [TLW_POLICY_LAST] = "last",
};

const char *tlw_defect_name(tlw_defect defect) { return (unsigned)defect < TLW_DEFECTS ? defects[defect].name : NULL; }

const char *tlw_policy_name(tlw_policy policy) {
  return (unsigned)policy < sizeof policies / sizeof *policies ? policies[policy] : NULL;
}

tlw_policy tlw_defect_choice(tlw_defect defect, int index) {
  if ((unsigned)defect >= TLW_DEFECTS || (unsigned)index >= CHOICES) return TLW_POLICY_DEFAULT;
  return defects[defect].choices[index];
}

/* Appends "a, b or c": the choices, all of them or all but error. */
static void append_choices(char *out, size_t capacity, tlw_defect defect, bool with_error) {
  const tlw_policy *last = NULL;
  const tlw_policy *const choices = defects[defect].choices;
  for (int i = 0; i < CHOICES && choices[i]; i++)
    if (with_error || choices[i] != TLW_POLICY_ERROR) last = &choices[i];
  bool any = false;
  for (const tlw_policy *choice = choices; choice <= last; choice++) {
    if (!with_error && *choice == TLW_POLICY_ERROR) continue;
    const size_t used = strlen(out);
    const char *between = !any ? "" : choice == last ? " or " : ", ";
    snprintf(out + used, capacity - used, "%s%s", between, policies[*choice]);
    any = true;
  }
}

static tlw_status refuse(tlw_defect defect, tlw_policy policy, tlw_error *error) {
  char choices[TLW_POLICY_ADVICE_SIZE] = "";
  append_choices(choices, sizeof choices, defect, true);
  const char *name = tlw_policy_name(policy);
  if (name)
    return tlw_fail(error, TLW_ERR_ARGUMENT, "the policy %s can't be %s: choose %s", defects[defect].name, name,
                    choices);
  return tlw_fail(error, TLW_ERR_ARGUMENT, "policies[%d] is %d: the policy %s is %s", (int)defect, (int)policy,
                  defects[defect].name, choices);
}

tlw_status tlw_policy_resolve(const tlw_policy chosen[TLW_DEFECTS], tlw_policy resolved[TLW_DEFECTS],
                              tlw_error *error) {
  for (int d = 0; d < TLW_DEFECTS; d++) {
    const tlw_policy policy = chosen[d];
    bool is_choice = false;
    for (int i = 0; i < CHOICES; i++) is_choice = is_choice || (policy && defects[d].choices[i] == policy);
    if (policy && !is_choice) return refuse((tlw_defect)d, policy, error);
    resolved[d] = policy ? policy : defects[d].choices[0];
  }
  return TLW_OK;
}

const char *tlw_policy_advice(char out[TLW_POLICY_ADVICE_SIZE], tlw_defect defect) {
  snprintf(out, TLW_POLICY_ADVICE_SIZE, "or set the policy %s to ", defects[defect].name);
  append_choices(out, TLW_POLICY_ADVICE_SIZE, defect, false);
  return out;
}

void tlw_prices_widen(struct tlw_prices *p) {
  if (p->open > p->high) p->high = p->open;
  if (p->close > p->high) p->high = p->close;
  if (p->open < p->low) p->low = p->open;
  if (p->close < p->low) p->low = p->close;
}

static double clamped(double price, double low, double high) { return price < low ? low : price > high ? high : price; }

void tlw_prices_clamp(struct tlw_prices *p) {
  p->open = clamped(p->open, p->low, p->high);
  p->close = clamped(p->close, p->low, p->high);
}
