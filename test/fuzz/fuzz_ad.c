/* SPDX-License-Identifier: MIT */
/*
 * Advertising data: the first byte says where the scan response begins. Everything is read, and
 * what was read is packed again: whatever can be packed has to read back the same.
 */
#include <aioble/ad.h>

#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

typedef struct heard {
  aioble_ad_fields_t fields;
  aioble_uuid_t services[MOST];
  aioble_ad_service_data_t data[MOST];
  aioble_ad_manufacturer_t maker;
  char name[256];
} heard;

static void check(bool ok) {
  if (!ok)
    abort();
}

static void hear(heard *h, aioble_ad_payload_t p) {
  aioble_ad_service_iter_t services = aioble_ad_service_iter(p);
  aioble_ad_iter_t data = aioble_ad_iter(p), makers = aioble_ad_iter(p);
  aioble_ad_fields_t *f = &h->fields;
  aioble_bytes_t name;

  memset(h, 0, sizeof *h);
  f->discoverable = AIOBLE_AD_NO_FLAGS;
  f->services = h->services;
  f->service_data = h->data;
  while (f->service_count < MOST &&
         aioble_ad_service_next(&services, &h->services[f->service_count]))
    f->service_count++;
  while (f->service_data_count < MOST &&
         aioble_ad_service_data_next(&data, &h->data[f->service_data_count]))
    f->service_data_count++;
  if (aioble_ad_manufacturer_next(&makers, &h->maker))
    f->manufacturer = &h->maker;
  if (aioble_ad_name(p, &name, NULL))
    check(aioble_ad_text(name, h->name, sizeof h->name) <= 3 * name.len);
  f->name = h->name;
  (void) aioble_ad_appearance(p, &f->appearance);
  f->has_tx_power = aioble_ad_tx_power(p, &f->tx_power_dbm);
}

static bool bytes_equal(aioble_bytes_t a, aioble_bytes_t b) {
  return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

/* in another order maybe: what does not fit into the advertising data is read later */
static bool has_data(const heard *h, const aioble_ad_service_data_t *data) {
  for (size_t i = 0; i < h->fields.service_data_count; i++)
    if (memcmp(&h->data[i].uuid, &data->uuid, sizeof data->uuid) == 0 &&
        bytes_equal(h->data[i].data, data->data))
      return true;
  return false;
}

static void check_same(const heard *a, const heard *b) {
  check(a->fields.service_count == b->fields.service_count);
  for (size_t i = 0; i < a->fields.service_count; i++)
    check(memcmp(&a->services[i], &b->services[i], sizeof a->services[i]) == 0);
  check(a->fields.service_data_count == b->fields.service_data_count);
  for (size_t i = 0; i < a->fields.service_data_count; i++)
    check(has_data(b, &a->data[i]));
  check(!a->fields.manufacturer == !b->fields.manufacturer);
  check(a->maker.company == b->maker.company && bytes_equal(a->maker.data, b->maker.data));
  check(strcmp(a->name, b->name) == 0);
  check(a->fields.appearance == b->fields.appearance);
  check(a->fields.has_tx_power == b->fields.has_tx_power);
  check(a->fields.tx_power_dbm == b->fields.tx_power_dbm);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  aioble_ad_packed_t packed;
  heard first, again;
  size_t adv;

  if (!len)
    return 0;
  adv = bytes[0] < len ? bytes[0] : len - 1;
  hear(&first, (aioble_ad_payload_t){{bytes + 1, adv}, {bytes + 1 + adv, len - 1 - adv}});
  if (aioble_ad_build(&first.fields, &packed) < 0)
    return 0;
  hear(&again, (aioble_ad_payload_t){{packed.adv, packed.adv_len}, {packed.rsp, packed.rsp_len}});
  check_same(&first, &again);
  return 0;
}
