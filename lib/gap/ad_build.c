/* SPDX-License-Identifier: MIT */
/*
 * Packing advertising data (Core Vol 3, Part C, 11; Core Specification Supplement, Part A).
 *
 *  1. The fields are listed in their order, as (type, bytes of one item, number of items); a list
 *     of services has several items, everything else has one.
 *  2. place() tries each field in the advertising data, then in the scan response, and takes a
 *     choice back when what follows cannot be placed. Its first way through is aioble's first-fit,
 *     so where that works, that is the result.
 *  3. Failing that, lists of services may also be divided; failing that, the name gets shorter.
 *
 * A field has at least two bytes and all fit into 62, so the search is small.
 */
#include "util/utf8.h"
#include "util/wire.h"
#include <aioble/ad.h>

#include <stdio.h>
#include <string.h>

enum {
  HEADER = 2, /* length and type */
  MAX_SERVICE_DATA = 2 * AIOBLE_AD_MAX / (HEADER + 2),
  MAX_FIELDS = 8 + MAX_SERVICE_DATA,
};

typedef struct field {
  uint8_t type;
  uint8_t part_type; /* when the items are divided */
  const char *label;
  const void *source; /* name, manufacturer, service data: what it is made of */
  size_t unit, count; /* bytes of an item, and how many there are */
  size_t in_adv;      /* the choice: that many items in the advertising data */
} field;

typedef struct plan {
  const aioble_ad_fields_t *from;
  field fields[MAX_FIELDS];
  size_t n;
  field *name; /* NULL: none */
  size_t rsp_room;
  bool divide; /* lists of services may be divided */
} plan;

/* ---- 1. the list ---- */

static field *add(plan *p, field f) {
  field *at = &p->fields[p->n++];

  f.count = f.count ? f.count : 1;
  *at = f;
  return at;
}

static void add_services(plan *p, field f) {
  for (size_t i = 0; i < p->from->service_count; i++)
    f.count += p->from->services[i].size == f.unit;
  if (f.count)
    add(p, f);
}

static void add_service_data(plan *p, const aioble_ad_service_data_t *d) {
  uint8_t type = d->uuid.size == 2   ? AIOBLE_AD_SERVICE_DATA16
                 : d->uuid.size == 4 ? AIOBLE_AD_SERVICE_DATA32
                                     : AIOBLE_AD_SERVICE_DATA128;

  add(p, (field){type, .label = "service data", .source = d, .unit = d->uuid.size + d->data.len});
}

static void list_fields(plan *p) {
  const aioble_ad_fields_t *f = p->from;
  size_t name_len = f->name ? strlen(f->name) : 0;

  if (f->discoverable != AIOBLE_AD_NO_FLAGS)
    add(p, (field){AIOBLE_AD_FLAGS, .label = "flags", .unit = 1});
  add_services(p, (field){AIOBLE_AD_SERVICES16, AIOBLE_AD_SERVICES16_INCOMPLETE,
                          "list of 16-bit services", .unit = 2});
  add_services(p, (field){AIOBLE_AD_SERVICES32, AIOBLE_AD_SERVICES32_INCOMPLETE,
                          "list of 32-bit services", .unit = 4});
  add_services(p, (field){AIOBLE_AD_SERVICES128, AIOBLE_AD_SERVICES128_INCOMPLETE,
                          "list of 128-bit services", .unit = 16});
  if (name_len)
    p->name = add(p, (field){AIOBLE_AD_NAME, .label = "name", .source = f->name, .unit = name_len});
  if (f->appearance)
    add(p, (field){AIOBLE_AD_APPEARANCE, .label = "appearance", .unit = 2});
  if (f->manufacturer)
    add(p, (field){AIOBLE_AD_MANUFACTURER, .label = "manufacturer data", .source = f->manufacturer,
                   .unit = 2 + f->manufacturer->data.len});
  for (size_t i = 0; i < f->service_data_count; i++)
    add_service_data(p, &f->service_data[i]);
  if (f->has_tx_power)
    add(p, (field){AIOBLE_AD_TX_POWER, .label = "TX power", .unit = 1});
}

/* ---- 2. the search ---- */

static size_t size_of(const field *f, size_t items) {
  return items ? HEADER + items * f->unit : 0;
}

/* the choices for a field, best first: all in adv, all in rsp, then divided; how many in adv */
static size_t choice(const field *f, size_t nth) {
  return nth == 0 ? f->count : nth == 1 ? 0 : f->count + 1 - nth;
}

static size_t choices(const plan *p, const field *f) {
  if (f->type == AIOBLE_AD_FLAGS)
    return 1; /* never in a scan response (Core Specification Supplement, Part A, 1.3) */
  return p->divide ? f->count + 1 : 2;
}

/* places the fields from the i-th on in that room */
static bool place(plan *p, size_t i, size_t adv_room, size_t rsp_room) {
  field *f = &p->fields[i];

  if (i == p->n)
    return true;
  for (size_t nth = 0; nth < choices(p, f); nth++) {
    size_t adv, rsp;

    f->in_adv = choice(f, nth);
    adv = size_of(f, f->in_adv);
    rsp = size_of(f, f->count - f->in_adv);
    if (adv <= adv_room && rsp <= rsp_room && place(p, i + 1, adv_room - adv, rsp_room - rsp))
      return true;
  }
  return false;
}

static bool fits(plan *p) {
  p->divide = false;
  if (place(p, 0, AIOBLE_AD_MAX, p->rsp_room))
    return true;
  p->divide = true;
  return place(p, 0, AIOBLE_AD_MAX, p->rsp_room);
}

/* 3. the longest beginning of the name with which everything fits */
static bool fits_with_less_name(plan *p) {
  size_t len;

  if (!p->name || !p->from->name_may_shorten)
    return false;
  p->name->type = AIOBLE_AD_NAME_SHORTENED;
  len = p->name->unit < AIOBLE_AD_MAX ? p->name->unit : AIOBLE_AD_MAX;
  while ((len = ab_utf8_cut(p->from->name, len, len - 1))) {
    p->name->unit = len;
    if (fits(p))
      return true;
  }
  return false;
}

/* ---- writing ---- */

static uint8_t flags_of(const aioble_ad_fields_t *f) {
  unsigned flags = f->br_edr ? AIOBLE_AD_FLAG_BR_EDR_CONTROLLER | AIOBLE_AD_FLAG_BR_EDR_HOST
                             : AIOBLE_AD_FLAG_NO_BR_EDR;

  if (f->discoverable == AIOBLE_AD_DISCOVERABLE_GENERAL)
    flags |= AIOBLE_AD_FLAG_GENERAL;
  if (f->discoverable == AIOBLE_AD_DISCOVERABLE_LIMITED)
    flags |= AIOBLE_AD_FLAG_LIMITED;
  return (uint8_t) flags;
}

/* the services of one width: `count` of them after skipping `from` */
static void write_services(ab_wr *w, const aioble_ad_fields_t *f, size_t width, size_t from,
                           size_t count) {
  size_t nth = 0;

  for (size_t i = 0; i < f->service_count; i++) {
    const aioble_uuid_t *uuid = &f->services[i];

    if (uuid->size != width)
      continue;
    if (nth >= from && nth < from + count)
      ab_wr_bytes(w, uuid->bytes, width);
    nth++;
  }
}

static void write_manufacturer(ab_wr *w, const aioble_ad_manufacturer_t *m) {
  ab_wr_le16(w, m->company);
  ab_wr_bytes(w, m->data.data, m->data.len);
}

static void write_service_data(ab_wr *w, const aioble_ad_service_data_t *d) {
  ab_wr_bytes(w, d->uuid.bytes, d->uuid.size);
  ab_wr_bytes(w, d->data.data, d->data.len);
}

/* `count` items of a field, from the given one on */
static void write_field(ab_wr *w, const plan *p, const field *f, size_t from, size_t count) {
  if (!count)
    return;
  ab_wr_u8(w, (uint8_t) (size_of(f, count) - 1));
  ab_wr_u8(w, count < f->count ? f->part_type : f->type);
  switch (f->type) {
  case AIOBLE_AD_FLAGS:
    ab_wr_u8(w, flags_of(p->from));
    break;
  case AIOBLE_AD_NAME:
  case AIOBLE_AD_NAME_SHORTENED:
    ab_wr_bytes(w, f->source, f->unit);
    break;
  case AIOBLE_AD_APPEARANCE:
    ab_wr_le16(w, p->from->appearance);
    break;
  case AIOBLE_AD_MANUFACTURER:
    write_manufacturer(w, f->source);
    break;
  case AIOBLE_AD_TX_POWER:
    ab_wr_s8(w, p->from->tx_power_dbm);
    break;
  case AIOBLE_AD_SERVICE_DATA16:
  case AIOBLE_AD_SERVICE_DATA32:
  case AIOBLE_AD_SERVICE_DATA128:
    write_service_data(w, f->source);
    break;
  default:
    write_services(w, p->from, f->unit, from, count);
  }
}

static void write_all(const plan *p, aioble_ad_packed_t *packed) {
  ab_wr adv = ab_wr_of(packed->adv, sizeof packed->adv);
  ab_wr rsp = ab_wr_of(packed->rsp, sizeof packed->rsp);

  for (const field *f = p->fields; f < p->fields + p->n; f++) {
    write_field(&adv, p, f, 0, f->in_adv);
    write_field(&rsp, p, f, f->in_adv, f->count - f->in_adv);
  }
  packed->adv_len = (uint8_t) ab_wr_len(&adv);
  packed->rsp_len = (uint8_t) ab_wr_len(&rsp);
}

/* ---- errors ---- */

#define WHY(packed, ...) (void) snprintf((packed)->why, sizeof(packed)->why, __VA_ARGS__)

static bool valid(const aioble_uuid_t *uuid) {
  return uuid->size == 2 || uuid->size == 4 || uuid->size == 16;
}

static int check(const aioble_ad_fields_t *f, aioble_ad_packed_t *packed) {
  for (size_t i = 0; i < f->service_count; i++)
    if (!valid(&f->services[i])) {
      WHY(packed, "service %zu: no UUID (its size is %u)", i, f->services[i].size);
      return AIOBLE_EINVAL;
    }
  for (size_t i = 0; i < f->service_data_count; i++)
    if (!valid(&f->service_data[i].uuid)) {
      WHY(packed, "service data %zu: no UUID (its size is %u)", i, f->service_data[i].uuid.size);
      return AIOBLE_EINVAL;
    }
  if (f->service_data_count > MAX_SERVICE_DATA) {
    WHY(packed, "%zu pieces of service data are more than the %d that could ever fit",
        f->service_data_count, MAX_SERVICE_DATA);
    return AIOBLE_EMSGSIZE;
  }
  return 0;
}

static int does_not_fit(const plan *p, aioble_ad_packed_t *packed) {
  size_t room = AIOBLE_AD_MAX + p->rsp_room;
  size_t total = 0;

  for (const field *f = p->fields; f < p->fields + p->n; f++) {
    size_t size = size_of(f, f->count);

    total += size;
    if (f->count == 1 && size > AIOBLE_AD_MAX) {
      WHY(packed, "the %s takes %zu bytes and cannot be longer than %d", f->label, size,
          AIOBLE_AD_MAX);
      return AIOBLE_EMSGSIZE;
    }
  }
  if (total > room)
    WHY(packed, "%zu bytes of fields are %zu too many for %s", total, total - room,
        p->rsp_room ? "advertising data and scan response" : "advertising data alone");
  else
    WHY(packed, "%zu bytes of fields cannot be divided into two parts of at most %d bytes", total,
        AIOBLE_AD_MAX);
  return AIOBLE_EMSGSIZE;
}

int aioble_ad_build(const aioble_ad_fields_t *fields, aioble_ad_packed_t *packed) {
  plan p = {.from = fields, .rsp_room = fields->no_scan_response ? 0 : AIOBLE_AD_MAX};
  int err;

  memset(packed, 0, sizeof *packed);
  if ((err = check(fields, packed)) < 0)
    return err;
  list_fields(&p);
  if (!fits(&p) && !fits_with_less_name(&p))
    return does_not_fit(&p, packed);
  write_all(&p, packed);
  return 0;
}
