/* SPDX-License-Identifier: MIT */
/*
 * Scans: a request of GAP, the devices it has heard of, and either a queue of results with those
 * who wait for them, or a callback.
 *
 *   RUNNING --duration, stop--> ENDING --the radio has ended it--> ENDED
 *   RUNNING --adapter closed, lost, refused--> ENDED
 */
#include "api/scan_devices.h"
#include "host/host.h"

enum { DEFAULT_DEVICES = 4096, DEFAULT_QUEUE = 256 };

struct aioble_scan {
  aioble_t *ble;
  uint32_t refs; /* the caller's, one until it has ended, one for each op that waits */
  ab_gap_scan gap;
  aioble_scan_options_t options; /* what its pointers point to is copied below */
  aioble_uuid_t uuid;
  aioble_addr_t addr;
  char *name_prefix;
  ab_scan_devices devices;
  aioble_scan_result_t **queue; /* a ring of max_queued; a reference each */
  unsigned first, queued;
  ab_list nexts, stops; /* aioble_op_t waiting, by its node */
  ab_timer duration;
  aioble_op_t *end_op; /* calls on_end; NULL: nobody wants to know */
  int status;
  bool ended;
};

static void put_result(void *result) {
  aioble_scan_result_unref(result);
}

/* ---- the scan itself ---- */

aioble_scan_t *aioble_scan_ref(aioble_scan_t *scan) {
  if (scan)
    scan->refs++;
  return scan;
}

static aioble_scan_result_t *dequeue(aioble_scan_t *scan) {
  aioble_scan_result_t *result = scan->queue[scan->first];

  scan->first = (scan->first + 1) % scan->options.max_queued;
  scan->queued--;
  return result;
}

aioble_scan_t *aioble_scan_unref(aioble_scan_t *scan) {
  aioble_t *ble;

  if (!scan || --scan->refs)
    return NULL;
  ble = scan->ble;
  while (scan->queued)
    aioble_scan_result_unref(dequeue(scan));
  ab_scan_devices_free(&scan->devices);
  ab_free(&ble->env, scan->queue);
  ab_free(&ble->env, scan->name_prefix);
  ab_free(&ble->env, scan);
  aioble_unref(ble);
  return NULL;
}

/* ---- results ---- */

static bool matches(const aioble_scan_t *scan, const aioble_scan_result_t *result) {
  const aioble_scan_filter_t *f = &scan->options.filter;
  aioble_ad_payload_t payload = aioble_scan_result_payload(result);
  aioble_bytes_t found;
  size_t n;

  if (f->addr && !aioble_addr_equal(f->addr, &result->addr))
    return false;
  if (f->rssi_min && (result->rssi < f->rssi_min || result->rssi == 127))
    return false;
  if (f->uuid && !aioble_ad_has_service(payload, f->uuid) &&
      !aioble_ad_service_data(payload, f->uuid, &found))
    return false;
  if (f->by_company && !aioble_ad_manufacturer(payload, f->company, &found))
    return false;
  if (!f->name_prefix)
    return true;
  n = strlen(f->name_prefix);
  return aioble_ad_name(payload, &found, NULL) && found.len >= n &&
         !memcmp(found.data, f->name_prefix, n);
}

/* gives a result, which the op takes over, to the one who waits longest */
static void give(aioble_op_t *next, aioble_scan_result_t *result) {
  ab_op_take_handle(next, result, put_result);
  ab_op_settle(next, 0);
}

static void enqueue(aioble_scan_t *scan, aioble_scan_result_t *result) {
  ab_list *waiting = ab_list_pop(&scan->nexts);

  aioble_scan_result_ref(result);
  if (waiting) {
    give(ab_container_of(waiting, aioble_op_t, node), result);
    return;
  }
  if (scan->queued == scan->options.max_queued) {
    aioble_scan_result_unref(dequeue(scan));
    scan->ble->stats.scan_dropped++;
  }
  scan->queue[(scan->first + scan->queued) % scan->options.max_queued] = result;
  scan->queued++;
}

static void on_report(ab_gap_scan *gap, const ab_gap_report *report) {
  aioble_scan_t *scan = ab_container_of(gap, aioble_scan_t, gap);
  const aioble_scan_options_t *o = &scan->options;
  uint64_t evicted = scan->devices.evicted;
  unsigned changed;
  aioble_scan_result_t *result = ab_scan_devices_report(&scan->devices, report, &changed);

  scan->ble->stats.scan_evicted += scan->devices.evicted - evicted;
  if (o->ignore_rssi)
    changed &= ~(unsigned) AB_SCAN_RSSI;
  if (!result || (!changed && result->told && !o->every_report) || !matches(scan, result))
    return;
  result->told = true;
  if (!o->on_result) {
    enqueue(scan, result);
    return;
  }
  aioble_scan_ref(scan); /* it may end in there */
  o->on_result(scan, result, o->user);
  aioble_scan_unref(scan);
}

/* ---- the end ---- */

static void on_ended(ab_gap_scan *gap, int status) {
  aioble_scan_t *scan = ab_container_of(gap, aioble_scan_t, gap);
  const char *why = ab_host_why(scan->ble, status);

  scan->ended = true;
  scan->status = status;
  ab_timer_stop(&scan->ble->env, &scan->duration);
  ab_host_settle_all(&scan->nexts, status ? status : AIOBLE_EOF, why);
  ab_host_settle_all(&scan->stops, 0, NULL);
  if (scan->end_op)
    ab_op_settle_why(scan->end_op, status, why);
  aioble_scan_unref(scan);
}

static void begin_end(aioble_scan_t *scan) {
  if (!scan->ended && !scan->gap.removing)
    ab_gap_scan_remove(&scan->ble->gap, &scan->gap);
}

static void on_duration(ab_timer *timer) {
  begin_end(ab_container_of(timer, aioble_scan_t, duration));
}

static void on_start(ab_gap_scan *gap) {
  aioble_scan_t *scan = ab_container_of(gap, aioble_scan_t, gap);
  uint64_t ms = scan->options.duration_ms;

  if (ms && ms < UINT64_MAX / 1000)
    ab_timer_start(&scan->ble->env, &scan->duration, ms * 1000, on_duration);
}

/* on_end is a continuation like any other */
static const ab_op_kind end_kind = {"scan end", sizeof(aioble_op_t), AIOBLE_FOREVER, NULL, NULL};

static void call_on_end(aioble_op_t *op, int status, void *user) {
  aioble_scan_t *scan = user;

  (void) op;
  scan->options.on_end(scan, status, scan->options.user);
  aioble_scan_unref(scan);
}

/* ---- starting ---- */

static bool in_range(uint32_t us) {
  return us >= 2500 && us <= 10240000;
}

static int to_request(aioble_scan_t *scan) {
  const aioble_scan_options_t *o = &scan->options;
  uint32_t interval = o->interval_us ? o->interval_us : 60000;
  uint32_t window = o->window_us ? o->window_us : interval < 60000 ? interval : 60000;

  if (!in_range(interval) || !in_range(window) || window > interval)
    return AIOBLE_EINVAL;
  scan->gap.interval = (uint16_t) (interval / 625);
  scan->gap.window = (uint16_t) (window / 625);
  scan->gap.active = o->active;
  return 0;
}

static bool copy_options(aioble_scan_t *scan, const aioble_scan_options_t *given) {
  aioble_scan_filter_t *f = &scan->options.filter;

  scan->options = *given;
  if (f->uuid) {
    scan->uuid = *f->uuid;
    f->uuid = &scan->uuid;
  }
  if (f->addr) {
    scan->addr = *f->addr;
    f->addr = &scan->addr;
  }
  if (f->name_prefix) {
    f->name_prefix = scan->name_prefix = ab_strdup(&scan->ble->env, f->name_prefix);
    if (!f->name_prefix)
      return false;
  }
  if (!scan->options.max_devices)
    scan->options.max_devices = DEFAULT_DEVICES;
  if (!scan->options.max_queued)
    scan->options.max_queued = DEFAULT_QUEUE;
  scan->queue = ab_alloc(&scan->ble->env, scan->options.max_queued * sizeof(*scan->queue));
  return scan->queue != NULL;
}

static bool prepare_on_end(aioble_scan_t *scan) {
  if (!scan->options.on_end)
    return true;
  scan->end_op = ab_op_new(scan->ble, &end_kind);
  if (!scan->end_op)
    return false;
  aioble_op_then(scan->end_op, call_on_end, aioble_scan_ref(scan));
  return true;
}

static void start(aioble_scan_t *scan) {
  int err = to_request(scan);

  aioble_scan_ref(scan); /* until it has ended */
  if (err < 0) {
    on_ended(&scan->gap, err);
    return;
  }
  ab_gap_scan_add(&scan->ble->gap, &scan->gap);
  ab_host_want_open(scan->ble);
}

aioble_scan_t *aioble_scan(aioble_t *ble, const aioble_scan_options_t *options) {
  static const aioble_scan_options_t defaults;
  aioble_scan_t *scan;

  if (!ble || !ab_host_touch(ble) || !(scan = ab_zalloc(&ble->env, sizeof *scan)))
    return NULL;
  scan->refs = 1;
  scan->ble = aioble_ref(ble);
  scan->gap.on_start = on_start;
  scan->gap.on_report = on_report;
  scan->gap.done = on_ended;
  ab_list_init(&scan->nexts);
  ab_list_init(&scan->stops);
  ab_scan_devices_init(&scan->devices, &ble->env, ble, 0);
  if (!copy_options(scan, options ? options : &defaults) || !prepare_on_end(scan))
    return aioble_scan_unref(scan);
  scan->devices.max = scan->options.max_devices;
  start(scan);
  return scan;
}

/* ---- ops ---- */

struct scan_op {
  aioble_op_t op;
  aioble_scan_t *scan; /* a reference */
};

static void release(aioble_op_t *op) {
  aioble_scan_unref(ab_container_of(op, struct scan_op, op)->scan);
}

static const ab_op_kind next_kind = {"scan next", sizeof(struct scan_op), AIOBLE_FOREVER,
                                     ab_op_leave_list, release};
static const ab_op_kind stop_kind = {"scan stop", sizeof(struct scan_op), 2000, ab_op_leave_list,
                                     release};

static aioble_op_t *scan_op_new(aioble_scan_t *scan, const ab_op_kind *kind) {
  aioble_op_t *op = ab_op_new(scan->ble, kind);

  if (op)
    ab_container_of(op, struct scan_op, op)->scan = aioble_scan_ref(scan);
  return op;
}

aioble_op_t *aioble_scan_next(aioble_scan_t *scan) {
  aioble_op_t *op;

  if (!scan)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (scan->ended && !scan->queued && scan->status)
    return ab_op_failed_why(scan->ble, scan->status, ab_host_why(scan->ble, scan->status));
  op = scan_op_new(scan, &next_kind);
  if (!op)
    return ab_op_failed(scan->ble, AIOBLE_ENOMEM);
  if (scan->queued)
    give(op, dequeue(scan));
  else if (scan->ended)
    ab_op_settle(op, AIOBLE_EOF);
  else
    ab_list_push(&scan->nexts, &op->node);
  return op;
}

aioble_op_t *aioble_scan_stop(aioble_scan_t *scan) {
  aioble_op_t *op;

  if (!scan)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (scan->ended)
    return ab_op_succeeded(scan->ble);
  op = scan_op_new(scan, &stop_kind);
  if (op)
    ab_list_push(&scan->stops, &op->node);
  begin_end(scan);
  return op ? op : ab_op_failed(scan->ble, AIOBLE_ENOMEM);
}

/* ---- what a result says ---- */

aioble_scan_result_t *aioble_op_scan_result(const aioble_op_t *op) {
  return ab_op_handle(op, put_result);
}

aioble_scan_result_t *aioble_scan_result_ref(aioble_scan_result_t *result) {
  if (result)
    result->refs++;
  return result;
}

aioble_scan_result_t *aioble_scan_result_unref(aioble_scan_result_t *result) {
  aioble_t *ble;

  if (!result || --result->refs)
    return NULL;
  ble = result->ble;
  ab_free(result->env, result);
  aioble_unref(ble);
  return NULL;
}

const aioble_addr_t *aioble_scan_result_addr(const aioble_scan_result_t *result) {
  return result ? &result->addr : NULL;
}

aioble_device_t *aioble_scan_result_device(const aioble_scan_result_t *result) {
  return result ? aioble_device_new(result->ble, &result->addr) : NULL;
}

int aioble_scan_result_rssi(const aioble_scan_result_t *result) {
  return result ? result->rssi : 127;
}

bool aioble_scan_result_connectable(const aioble_scan_result_t *result) {
  return result && result->connectable;
}

uint64_t aioble_scan_result_time_us(const aioble_scan_result_t *result) {
  return result ? result->time_us : 0;
}

aioble_ad_payload_t aioble_scan_result_payload(const aioble_scan_result_t *result) {
  static const aioble_ad_payload_t nothing;

  if (!result)
    return nothing;
  return (aioble_ad_payload_t){{result->adv, result->adv_len}, {result->rsp, result->rsp_len}};
}

bool aioble_scan_result_name(const aioble_scan_result_t *result, char *buf, size_t size) {
  aioble_bytes_t name = {NULL, 0};
  bool found = aioble_ad_name(aioble_scan_result_payload(result), &name, NULL);

  (void) aioble_ad_text(name, buf, size);
  return found;
}

bool aioble_scan_result_has_service(const aioble_scan_result_t *result, aioble_uuid_t uuid) {
  return aioble_ad_has_service(aioble_scan_result_payload(result), &uuid);
}
