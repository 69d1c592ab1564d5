/* SPDX-License-Identifier: MIT */
/*
 * Late answers, in the application's hands. The request goes its own way: it may end before its
 * answer comes, which the layer below notes in `late`.
 */
#include "api/api_server.h"

struct aioble_answer {
  aioble_t *ble; /* a reference */
  ab_gatt_late late;
};

aioble_answer_t *aioble_access_later(aioble_access_t *access) {
  const ab_gatt_access *gatt = access ? ab_container_of(access, ab_access, access)->gatt : NULL;
  aioble_t *ble = gatt ? access->conn->ble : NULL;
  aioble_answer_t *answer;

  if (!gatt || !gatt->request || !(answer = ab_zalloc(&ble->env, sizeof *answer)))
    return NULL;
  answer->ble = aioble_ref(ble);
  ab_gatt_late_begin(&answer->late, gatt);
  return answer;
}

/* 0 if somebody waits for this */
static int check_answer(const aioble_answer_t *answer, int code, size_t len) {
  if (code < 0 || code > UINT8_MAX || len > AB_ATT_VALUE_MAX)
    return AIOBLE_EINVAL;
  return ab_gatt_late_waits(&answer->late) ? 0 : AIOBLE_ENOTCONN;
}

int aioble_answer(aioble_answer_t *answer, int code, const void *value, size_t len) {
  aioble_t *ble = answer ? answer->ble : NULL;
  int err = answer ? check_answer(answer, code, len) : AIOBLE_EINVAL;

  if (!answer)
    return err;
  if (answer->late.request)
    ab_host_touch(ble);
  if (err == 0)
    ab_gatt_late_answer(&answer->late, (uint8_t) code, value, len);
  else
    ab_gatt_late_drop(&answer->late);
  ab_free(&ble->env, answer);
  aioble_unref(ble);
  return err;
}
