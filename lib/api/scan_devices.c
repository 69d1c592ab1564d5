/* SPDX-License-Identifier: MIT */
#include "api/scan_devices.h"

enum { FIRST_BUCKETS = 64 };

struct ab_scan_device {
  ab_list by_age;
  struct ab_scan_device *next; /* in its bucket */
  aioble_scan_result_t *result;
};

void ab_scan_devices_init(ab_scan_devices *d, ab_env *env, aioble_t *ble, unsigned max) {
  memset(d, 0, sizeof *d);
  d->env = env;
  d->ble = ble;
  d->max = max;
  ab_list_init(&d->by_age);
}

/* FNV-1a over the address and its type: a peer cannot choose ours to collide for long, since the
   table is bounded and its oldest entries go */
static uint32_t hash(const aioble_addr_t *addr) {
  uint32_t h = 2166136261u ^ addr->type;

  for (size_t i = 0; i < sizeof addr->bytes; i++)
    h = (h ^ addr->bytes[i]) * 16777619u;
  return h ^ h >> 15;
}

static struct ab_scan_device **bucket(const ab_scan_devices *d, const aioble_addr_t *addr) {
  return &d->buckets[hash(addr) & (d->n_buckets - 1)];
}

static struct ab_scan_device *find(const ab_scan_devices *d, const aioble_addr_t *addr) {
  struct ab_scan_device *device = d->n_buckets ? *bucket(d, addr) : NULL;

  while (device && !aioble_addr_equal(&device->result->addr, addr))
    device = device->next;
  return device;
}

static void forget(ab_scan_devices *d, struct ab_scan_device *device) {
  struct ab_scan_device **at = bucket(d, &device->result->addr);

  while (*at != device)
    at = &(*at)->next;
  *at = device->next;
  ab_list_remove(&device->by_age);
  aioble_scan_result_unref(device->result);
  ab_free(d->env, device);
  d->n--;
}

void ab_scan_devices_free(ab_scan_devices *d) {
  ab_list *n;

  while ((n = ab_list_first(&d->by_age)))
    forget(d, ab_container_of(n, struct ab_scan_device, by_age));
  ab_free(d->env, d->buckets);
  d->buckets = NULL;
  d->n_buckets = 0;
}

/* as many buckets as devices, doubled as they come */
static bool grow(ab_scan_devices *d) {
  unsigned n = d->n_buckets ? d->n_buckets * 2 : FIRST_BUCKETS;
  struct ab_scan_device **buckets, **at;

  if (d->n < d->n_buckets)
    return true;
  if (!(buckets = ab_zalloc(d->env, n * sizeof(*buckets))))
    return d->n_buckets > 0; /* it goes on with longer chains */
  ab_free(d->env, d->buckets);
  d->buckets = buckets;
  d->n_buckets = n;
  AB_LIST_EACH(node, &d->by_age) {
    struct ab_scan_device *device = ab_container_of(node, struct ab_scan_device, by_age);

    at = bucket(d, &device->result->addr);
    device->next = *at;
    *at = device;
  }
  return true;
}

static aioble_scan_result_t *result_new(const ab_scan_devices *d) {
  aioble_scan_result_t *result = ab_zalloc(d->env, sizeof *result);

  if (!result)
    return NULL;
  result->env = d->env;
  result->ble = aioble_ref(d->ble);
  result->refs = 1;
  result->rssi = 127;
  return result;
}

static struct ab_scan_device *add(ab_scan_devices *d, const aioble_addr_t *addr) {
  struct ab_scan_device *device = NULL, **at;

  if (d->n >= d->max) {
    forget(d, ab_container_of(ab_list_first(&d->by_age), struct ab_scan_device, by_age));
    d->evicted++;
  }
  if (!grow(d) || !(device = ab_zalloc(d->env, sizeof *device)))
    return NULL;
  if (!(device->result = result_new(d))) {
    ab_free(d->env, device);
    return NULL;
  }
  device->result->addr = *addr;
  at = bucket(d, addr);
  device->next = *at;
  *at = device;
  ab_list_push(&d->by_age, &device->by_age);
  d->n++;
  return device;
}

static bool set_data(uint8_t *to, uint8_t *to_len, const ab_gap_report *report) {
  if (*to_len == report->len && (report->len == 0 || !memcmp(to, report->data, report->len)))
    return false;
  if (report->len)
    memcpy(to, report->data, report->len);
  *to_len = report->len;
  return true;
}

/* what a report changes in a result, put into it */
static unsigned merge(aioble_scan_result_t *result, const ab_gap_report *report) {
  bool connectable = result->connectable;
  unsigned changed = 0;

  switch (report->type) {
  case AB_HCI_REPORT_SCAN_RSP:
    if (set_data(result->rsp, &result->rsp_len, report))
      changed |= AB_SCAN_DATA;
    break;
  case AB_HCI_REPORT_DIRECT_IND: /* carries no data */
    connectable = true;
    break;
  default:
    connectable = report->type == AB_HCI_REPORT_ADV_IND;
    if (set_data(result->adv, &result->adv_len, report))
      changed |= AB_SCAN_DATA;
  }
  if (connectable != result->connectable)
    changed |= AB_SCAN_CONNECTABLE;
  if (report->rssi != result->rssi)
    changed |= AB_SCAN_RSSI;
  result->connectable = connectable;
  result->rssi = report->rssi;
  return changed;
}

/* the device's result, for us alone to change */
static aioble_scan_result_t *own_result(ab_scan_devices *d, struct ab_scan_device *device) {
  aioble_scan_result_t *old = device->result, *copy;

  if (old->refs == 1)
    return old;
  if (!(copy = ab_alloc(d->env, sizeof *copy)))
    return NULL;
  *copy = *old;
  copy->refs = 1;
  aioble_ref(copy->ble);
  device->result = copy;
  aioble_scan_result_unref(old);
  return copy;
}

aioble_scan_result_t *ab_scan_devices_report(ab_scan_devices *d, const ab_gap_report *report,
                                             unsigned *changed) {
  struct ab_scan_device *device = find(d, &report->addr);
  aioble_scan_result_t *result;

  *changed = device ? 0 : AB_SCAN_NEW;
  if (!device && !(device = add(d, &report->addr)))
    return NULL;
  if (!(result = own_result(d, device)))
    return NULL;
  ab_list_remove(&device->by_age);
  ab_list_push(&d->by_age, &device->by_age);
  *changed |= merge(result, report);
  result->time_us = d->env->now_us;
  return result;
}
