/* SPDX-License-Identifier: MIT */
/* Members of an object: to and from plain values. What is not of the form is never half read. */
#include "store/store_priv.h"

#include "util/hex.h"
#include <string.h>

enum { OCTETS_MAX = 16 };

/* ---- reading; false: it makes no sense ---- */

bool ab_store_number(const cJSON *number, uint16_t max, uint16_t *out) {
  *out = 0;
  if (!number)
    return true;
  if (!cJSON_IsNumber(number) || !(number->valuedouble >= 0 && number->valuedouble <= max))
    return false;
  *out = (uint16_t) number->valuedouble;
  return *out == number->valuedouble;
}

bool ab_store_number_in(const cJSON *object, const char *name, uint16_t *out) {
  return ab_store_number(cJSON_GetObjectItemCaseSensitive(object, name), UINT16_MAX, out);
}

bool ab_store_octet_in(const cJSON *object, const char *name, uint8_t *out) {
  uint16_t number;
  bool ok = ab_store_number(cJSON_GetObjectItemCaseSensitive(object, name), UINT8_MAX, &number);

  *out = (uint8_t) number;
  return ok;
}

bool ab_store_bool_in(const cJSON *object, const char *name, bool *out) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

  *out = cJSON_IsTrue(value);
  return !value || cJSON_IsBool(value);
}

bool ab_store_octets_in(const cJSON *object, const char *name, uint8_t *out, size_t n) {
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, name);

  if (!cJSON_IsString(text) || strlen(text->valuestring) != 2 * n)
    return false;
  for (size_t i = 0; i < n; i++)
    if (!ab_hex_read(text->valuestring + 2 * i, &out[i]))
      return false;
  return true;
}

int ab_store_result(const ab_store *store, const aioble_addr_t *peer, const char *name, int err) {
  char text[AIOBLE_ADDR_TEXT_SIZE];

  if (err != AIOBLE_EINVAL)
    return err;
  ab_log(store->env, AB_LOG_WARN, "%s: \"%s\" of %s makes no sense: ignored", store->path, name,
         aioble_addr_text(peer, text));
  return AIOBLE_ENOENT;
}

/* ---- writing; false: out of memory ---- */

bool ab_store_put_number(cJSON *object, const char *name, unsigned number) {
  return number == 0 || cJSON_AddNumberToObject(object, name, number);
}

bool ab_store_put_octets(cJSON *object, const char *name, const uint8_t *octets, size_t n) {
  char text[2 * OCTETS_MAX + 1], *end = text;
  bool ok;

  for (size_t i = 0; i < n && i < OCTETS_MAX; i++)
    end = ab_hex_write(end, octets[i]);
  *end = '\0';
  ok = ab_store_set_member(object, name, cJSON_CreateString(text)) == 0;
  explicit_bzero(text, sizeof text);
  return ok;
}

cJSON *ab_store_whole(cJSON *part, bool ok) {
  if (ok)
    return part;
  ab_store_delete(part);
  return NULL;
}
