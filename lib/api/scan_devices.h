/* SPDX-License-Identifier: MIT */
/*
 * What a scan knows: one entry per device, found by hash, at most so many (the one heard of longest
 * ago makes room), each with its advertising data and scan response merged into one result.
 *
 * A result is a snapshot: once somebody else holds it, a further report works on a copy.
 */
#ifndef AB_SCAN_DEVICES_H
#define AB_SCAN_DEVICES_H

#include "gap/gap.h"
#include "util/env.h"
#include "util/list.h"
#include <aioble/central.h>

struct aioble_scan_result {
  ab_env *env;
  aioble_t *ble; /* whose it is: a reference */
  uint32_t refs;
  aioble_addr_t addr;
  int8_t rssi;
  bool connectable;
  bool told; /* this device has been yielded before */
  uint64_t time_us;
  uint8_t adv_len, rsp_len;
  uint8_t adv[AB_GAP_AD_MAX], rsp[AB_GAP_AD_MAX];
};

typedef struct ab_scan_devices {
  ab_env *env;
  aioble_t *ble;
  struct ab_scan_device **buckets; /* n_buckets, a power of two, chained */
  ab_list by_age;                  /* the one heard of longest ago first */
  unsigned n, n_buckets, max;
  uint64_t evicted;
} ab_scan_devices;

/* what a report changed */
enum {
  AB_SCAN_NEW = 1,
  AB_SCAN_DATA = 2,
  AB_SCAN_RSSI = 4,
  AB_SCAN_CONNECTABLE = 8,
};

void ab_scan_devices_init(ab_scan_devices *devices, ab_env *env, aioble_t *ble, unsigned max);
void ab_scan_devices_free(ab_scan_devices *devices);
/* Merges a report: the device's result as it is now (borrowed) and what changed; NULL: out of
   memory. */
aioble_scan_result_t *ab_scan_devices_report(ab_scan_devices *devices, const ab_gap_report *report,
                                             unsigned *changed);

#endif
