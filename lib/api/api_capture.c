/* SPDX-License-Identifier: MIT */
/* Queues of captured writes that several values share: made, taken from, released. */
#include "api/api_server.h"

aioble_capture_t *aioble_capture_new(aioble_t *ble, unsigned depth) {
  aioble_capture_t *capture = ble ? ab_zalloc(&ble->env, sizeof *capture) : NULL;

  if (!capture)
    return NULL;
  capture->ble = aioble_ref(ble);
  capture->refs = 1;
  ab_writes_init(&capture->writes, ble, depth);
  return capture;
}

static void free_unused(aioble_capture_t *capture) {
  if (capture->refs || capture->users)
    return;
  ab_writes_close(&capture->writes);
  ab_free(&capture->ble->env, capture);
}

aioble_capture_t *aioble_capture_ref(aioble_capture_t *capture) {
  if (capture && capture->refs++ == 0)
    aioble_ref(capture->ble);
  return capture;
}

aioble_capture_t *aioble_capture_unref(aioble_capture_t *capture) {
  aioble_t *ble = capture ? capture->ble : NULL;

  if (!capture || --capture->refs)
    return NULL;
  free_unused(capture);
  aioble_unref(ble);
  return NULL;
}

void ab_capture_use(aioble_capture_t *capture) {
  capture->users++;
}

void ab_capture_unuse(aioble_capture_t *capture) {
  capture->users--;
  free_unused(capture);
}

aioble_op_t *aioble_capture_next(aioble_capture_t *capture) {
  return capture ? ab_writes_next(&capture->writes, NULL, capture)
                 : ab_op_failed(NULL, AIOBLE_ENOTCONN);
}

uint64_t aioble_capture_dropped(const aioble_capture_t *capture) {
  return capture ? capture->dropped : 0;
}
