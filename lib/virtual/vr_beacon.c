/* SPDX-License-Identifier: MIT */
/* Advertisers without a controller: only what goes on the air. */
#include "virtual/vr_priv.h"

enum { INTERVAL_US = 100000, INTERVAL_MIN_US = 20000, INTERVAL_MAX_US = 10240000 };

struct aioble_virtual_beacon {
  ab_list node;
  vr_adv air;
};

static bool valid(const aioble_virtual_beacon_options_t *o) {
  return (o->type == AB_HCI_ADV_IND || o->type == AB_HCI_ADV_SCAN_IND ||
          o->type == AB_HCI_ADV_NONCONN_IND) &&
         o->data.len <= VR_AD_MAX && o->response.len <= VR_AD_MAX &&
         o->addr.type <= AIOBLE_ADDR_RANDOM &&
         (!o->interval_us ||
          (o->interval_us >= INTERVAL_MIN_US && o->interval_us <= INTERVAL_MAX_US));
}

static void fill(ab_ad31 *ad, uint8_t *len, aioble_bytes_t bytes) {
  ab_wr w = ab_wr_of(ad->b, sizeof ad->b);

  ab_wr_bytes(&w, bytes.data, bytes.len);
  *len = (uint8_t) bytes.len;
}

aioble_virtual_beacon_t *aioble_virtual_beacon_new(aioble_virtual_radio_t *radio,
                                                   const aioble_virtual_beacon_options_t *o) {
  aioble_virtual_beacon_t *b = valid(o) ? ab_zalloc(&radio->env, sizeof *b) : NULL;
  vr_adv *air;

  if (!b)
    return NULL;
  air = &b->air;
  vr_now(radio);
  vr_adv_init(air, radio, NULL);
  air->own.type = o->addr.type;
  memcpy(air->own.a.b, o->addr.bytes, sizeof air->own.a.b);
  air->type = o->type;
  air->channels = 7;
  air->interval_us = o->interval_us ? o->interval_us : (uint32_t) INTERVAL_US;
  air->place = (vr_place){o->x_cm, o->y_cm};
  fill(&air->data, &air->data_len, o->data);
  fill(&air->rsp, &air->rsp_len, o->response);
  ab_list_push(&radio->beacons, &b->node);
  vr_adv_start(air);
  return b;
}

int aioble_virtual_beacon_set_data(aioble_virtual_beacon_t *beacon, aioble_bytes_t data) {
  if (data.len > VR_AD_MAX)
    return AIOBLE_EINVAL;
  fill(&beacon->air.data, &beacon->air.data_len, data);
  return 0;
}

void aioble_virtual_beacon_free(aioble_virtual_beacon_t *beacon) {
  if (!beacon)
    return;
  vr_adv_stop(&beacon->air);
  ab_list_remove(&beacon->node);
  ab_free(&beacon->air.radio->env, beacon);
}

void vr_beacon_free_all(vr_radio *r) {
  ab_list *n;

  while ((n = ab_list_first(&r->beacons)))
    aioble_virtual_beacon_free(ab_container_of(n, aioble_virtual_beacon_t, node));
}
