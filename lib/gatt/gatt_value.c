/* SPDX-License-Identifier: MIT */
/* Values of characteristics and descriptors: octets that grow as they must. */
#include "gatt/gatt_server.h"

#include <string.h>

void ab_gatt_value_init(ab_gatt_value *value, const ab_gatt_value_ops *ops, uint8_t props,
                        uint16_t max_len) {
  *value = (ab_gatt_value){.ops = ops, .props = props, .max_len = max_len, .cccd = AB_GATT_NO_CCCD};
}

void ab_gatt_value_free(ab_gatt_value *value, ab_env *env) {
  if (value->room)
    ab_free(env, value->data);
  value->data = NULL;
  value->len = value->room = 0;
}

bool ab_gatt_value_put(ab_gatt_value *value, ab_env *env, size_t at, const void *data, size_t len) {
  size_t room = (at + len + 15) & ~(size_t) 15;
  uint8_t *grown;

  if (at + len > value->room) {
    /* not resized in place: data may be part of the old octets */
    if (!(grown = ab_alloc(env, room)))
      return false;
    if (at)
      memcpy(grown, value->data, at);
    memcpy(grown + at, data, len);
    ab_gatt_value_free(value, env);
    value->data = grown;
    value->room = (uint16_t) room;
  } else if (len) {
    memmove(value->data + at, data, len);
  }
  value->len = (uint16_t) (at + len);
  return true;
}
