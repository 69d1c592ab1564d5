/* SPDX-License-Identifier: MIT */
/*
 * Reading advertising data (Core Vol 3, Part C, 11; Core Specification Supplement, Part A).
 *
 * A payload is a row of structures: length (of what follows), type, data. Whatever a peer sends,
 * each step takes at least one byte of the payload, so every walk ends.
 */
#include "util/utf8.h"
#include "util/wire.h"
#include <aioble/ad.h>

/* the next structure of one payload; one that runs past the end leaves nothing */
static bool next_structure(ab_rd *r, aioble_ad_t *ad) {
  while (ab_rd_left(r)) {
    uint8_t len = ab_rd_u8(r);
    ab_rd body = ab_rd_slice(r, len);

    if (ab_rd_left(&body)) {
      ad->type = ab_rd_u8(&body);
      ad->data.data = ab_rd_rest(&body, &ad->data.len);
      return true;
    }
  }
  return false;
}

aioble_ad_iter_t aioble_ad_iter(aioble_ad_payload_t payload) {
  return (aioble_ad_iter_t){.here = payload.adv, .after = payload.rsp};
}

bool aioble_ad_next(aioble_ad_iter_t *it, aioble_ad_t *ad) {
  ab_rd r = ab_rd_of(it->here.data, it->here.len);
  bool found = next_structure(&r, ad);

  if (!found) {
    r = ab_rd_of(it->after.data, it->after.len);
    it->after.len = 0;
    found = next_structure(&r, ad);
  }
  it->here.data = ab_rd_rest(&r, &it->here.len);
  return found;
}

/* the first structure of a type that has at least that many bytes */
static bool find(aioble_ad_payload_t payload, uint8_t type, size_t least, aioble_bytes_t *data) {
  aioble_ad_iter_t it = aioble_ad_iter(payload);
  aioble_ad_t ad;

  while (aioble_ad_next(&it, &ad))
    if (ad.type == type && ad.data.len >= least) {
      *data = ad.data;
      return true;
    }
  return false;
}

bool aioble_ad_find(aioble_ad_payload_t payload, uint8_t type, aioble_bytes_t *data) {
  return find(payload, type, 0, data);
}

bool aioble_ad_name(aioble_ad_payload_t payload, aioble_bytes_t *name, bool *complete) {
  bool whole = aioble_ad_find(payload, AIOBLE_AD_NAME, name);

  if (!whole && !aioble_ad_find(payload, AIOBLE_AD_NAME_SHORTENED, name))
    return false;
  if (complete)
    *complete = whole;
  return true;
}

/* neither a control character (C0, DEL, C1) nor a byte that was no UTF-8 */
static bool printable(uint32_t c) {
  return c >= 0x20 && (c < 0x7f || c >= 0xa0) && c != AB_UTF8_REPLACEMENT;
}

size_t aioble_ad_text(aioble_bytes_t raw, char *buf, size_t size) {
  static const char replacement[] = "\xef\xbf\xbd";
  ab_rd r = ab_rd_of(raw.data, raw.len);
  ab_wr w = ab_wr_of(buf, size ? size - 1 : 0);
  size_t total = 0;

  while (ab_rd_left(&r)) {
    const uint8_t *start = r.p;
    uint32_t c = ab_utf8_next(&r);
    bool keep = printable(c);
    size_t len = keep ? (size_t) (r.p - start) : sizeof replacement - 1;

    if (c == 0)
      break;
    ab_wr_bytes(&w, keep ? (const void *) start : replacement, len);
    total += len;
  }
  if (size)
    buf[ab_wr_len(&w)] = '\0';
  return total;
}

bool aioble_ad_flags(aioble_ad_payload_t payload, uint8_t *flags) {
  aioble_bytes_t data;
  ab_rd r;

  if (!find(payload, AIOBLE_AD_FLAGS, 1, &data))
    return false;
  r = ab_rd_of(data.data, data.len);
  *flags = ab_rd_u8(&r);
  return true;
}

bool aioble_ad_appearance(aioble_ad_payload_t payload, uint16_t *appearance) {
  aioble_bytes_t data;
  ab_rd r;

  if (!find(payload, AIOBLE_AD_APPEARANCE, 2, &data))
    return false;
  r = ab_rd_of(data.data, data.len);
  *appearance = ab_rd_le16(&r);
  return true;
}

bool aioble_ad_tx_power(aioble_ad_payload_t payload, int8_t *dbm) {
  aioble_bytes_t data;
  ab_rd r;

  if (!find(payload, AIOBLE_AD_TX_POWER, 1, &data))
    return false;
  r = ab_rd_of(data.data, data.len);
  *dbm = ab_rd_s8(&r);
  return true;
}

/* ---- services ---- */

typedef struct width {
  uint8_t size, incomplete, complete, data;
} width;

enum { WIDTHS = 3 };

static const width widths[WIDTHS] = {
    {2, AIOBLE_AD_SERVICES16_INCOMPLETE, AIOBLE_AD_SERVICES16, AIOBLE_AD_SERVICE_DATA16},
    {4, AIOBLE_AD_SERVICES32_INCOMPLETE, AIOBLE_AD_SERVICES32, AIOBLE_AD_SERVICE_DATA32},
    {16, AIOBLE_AD_SERVICES128_INCOMPLETE, AIOBLE_AD_SERVICES128, AIOBLE_AD_SERVICE_DATA128},
};

aioble_ad_service_iter_t aioble_ad_service_iter(aioble_ad_payload_t payload) {
  return (aioble_ad_service_iter_t){.payload = payload, .fields = aioble_ad_iter(payload)};
}

/* a UUID off the front of some bytes */
static bool take_uuid(aioble_bytes_t *bytes, size_t size, aioble_uuid_t *uuid) {
  ab_rd r = ab_rd_of(bytes->data, bytes->len);
  const uint8_t *at = ab_rd_take(&r, size);

  bytes->data = ab_rd_rest(&r, &bytes->len);
  return at && aioble_uuid_from_bytes(uuid, at, size) == 0;
}

/* on to the next list of this width, or to the first of the next width */
static void next_list(aioble_ad_service_iter_t *it) {
  const width *w = &widths[it->width];
  aioble_ad_t ad;

  while (aioble_ad_next(&it->fields, &ad))
    if (ad.type == w->complete || ad.type == w->incomplete) {
      it->list = ad.data;
      return;
    }
  it->width++;
  it->fields = aioble_ad_iter(it->payload);
}

bool aioble_ad_service_next(aioble_ad_service_iter_t *it, aioble_uuid_t *uuid) {
  while (it->width < WIDTHS) {
    if (take_uuid(&it->list, widths[it->width].size, uuid))
      return true;
    next_list(it);
  }
  return false;
}

bool aioble_ad_has_service(aioble_ad_payload_t payload, const aioble_uuid_t *uuid) {
  aioble_ad_service_iter_t it = aioble_ad_service_iter(payload);
  aioble_uuid_t listed;

  while (aioble_ad_service_next(&it, &listed))
    if (aioble_uuid_equal(&listed, uuid))
      return true;
  return false;
}

/* ---- data of manufacturers and services ---- */

bool aioble_ad_manufacturer_next(aioble_ad_iter_t *it, aioble_ad_manufacturer_t *found) {
  aioble_ad_t ad;

  while (aioble_ad_next(it, &ad))
    if (ad.type == AIOBLE_AD_MANUFACTURER && ad.data.len >= 2) {
      ab_rd r = ab_rd_of(ad.data.data, ad.data.len);

      found->company = ab_rd_le16(&r);
      found->data.data = ab_rd_rest(&r, &found->data.len);
      return true;
    }
  return false;
}

bool aioble_ad_manufacturer(aioble_ad_payload_t payload, uint16_t company, aioble_bytes_t *data) {
  aioble_ad_iter_t it = aioble_ad_iter(payload);
  aioble_ad_manufacturer_t found;

  while (aioble_ad_manufacturer_next(&it, &found))
    if (found.company == company) {
      *data = found.data;
      return true;
    }
  return false;
}

bool aioble_ad_service_data_next(aioble_ad_iter_t *it, aioble_ad_service_data_t *found) {
  aioble_uuid_t uuid;
  aioble_ad_t ad;

  while (aioble_ad_next(it, &ad))
    for (size_t i = 0; i < WIDTHS; i++)
      if (ad.type == widths[i].data && take_uuid(&ad.data, widths[i].size, &uuid)) {
        *found = (aioble_ad_service_data_t){uuid, ad.data};
        return true;
      }
  return false;
}

bool aioble_ad_service_data(aioble_ad_payload_t payload, const aioble_uuid_t *uuid,
                            aioble_bytes_t *data) {
  aioble_ad_iter_t it = aioble_ad_iter(payload);
  aioble_ad_service_data_t found;

  while (aioble_ad_service_data_next(&it, &found))
    if (aioble_uuid_equal(&found.uuid, uuid)) {
      *data = found.data;
      return true;
    }
  return false;
}
