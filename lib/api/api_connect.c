/* SPDX-License-Identifier: MIT */
/* Connecting to a device, and advertising until a central connects: ops around a request of GAP. */
#include "host/host.h"

/* ---- connect ---- */

struct connect_op {
  aioble_op_t op;
  ab_gap_connect gap;
  aioble_cache_t gatt_cache;
  aioble_auto_secure_t auto_secure;
  bool unencrypted;
};

/* connected, but not secure yet: the last to lose patience ends it */
static void end_securing(aioble_op_t *op, int why) {
  aioble_conn_t *conn = op->result.conn;

  ab_op_leave_list(op, why);
  if (ab_list_empty(&conn->securing))
    (void) ab_gap_disconnect(&conn->link, AB_HCI_ERR_REMOTE_USER);
}

static void end_connect(aioble_op_t *op, int why) {
  if (op->result.conn)
    end_securing(op, why);
  else
    ab_gap_request_remove(&op->ble->gap, &ab_container_of(op, struct connect_op, op)->gap.req, why);
}

static const ab_op_kind connect_kind = {"connect", sizeof(struct connect_op), 10000, end_connect,
                                        NULL};

static void settle_with_link(aioble_op_t *op, int status, ab_gap_link *link) {
  if (link)
    ab_op_set_conn(op, ab_conn_of_link(link));
  ab_op_settle_why(op, status, ab_host_why(op->ble, status));
}

/* a bonded peer's link is not used before it is encrypted (host_smp.c) */
static void settle_when_secure(aioble_op_t *op, int status, ab_gap_link *link) {
  aioble_conn_t *conn = link ? ab_conn_of_link(link) : NULL;

  if (!conn || !conn->secured) {
    settle_with_link(op, status, link);
    return;
  }
  ab_op_set_conn(op, conn);
  ab_list_push(&conn->securing, &op->node);
}

static void on_connected(ab_gap_request *req, int status, ab_gap_link *link) {
  struct connect_op *connect = ab_container_of(req, struct connect_op, gap.req);

  if (link && connect->gatt_cache)
    ab_host_cache_start(ab_conn_of_link(link), connect->gatt_cache);
  if (link && connect->auto_secure)
    ab_conn_of_link(link)->demand.use = connect->auto_secure;
  if (link && connect->unencrypted)
    ab_host_conn_start(ab_conn_of_link(link));
  else if (link)
    ab_host_smp_secure(ab_conn_of_link(link));
  settle_when_secure(&connect->op, status, link);
}

static uint32_t or_default(uint32_t value, uint32_t fallback) {
  return value ? value : fallback;
}

/* options in the units of HCI (Core Vol 4, Part E, 7.8.12); false: out of range */
static bool to_request(const aioble_connect_options_t *o, ab_gap_connect *req) {
  uint32_t min = or_default(o->interval_min_us, o->interval_max_us ? o->interval_max_us : 30000);
  uint32_t max = or_default(o->interval_max_us, min > 50000 ? min : 50000);
  uint32_t timeout = or_default(o->timeout_ms, 2560);
  uint32_t interval = or_default(o->scan_interval_us, 60000);
  uint32_t window = or_default(o->scan_window_us, interval < 30000 ? interval : 30000);

  if (min > 4000000 || max > 4000000 || timeout > 32000 || interval > 10240000 ||
      window > interval || window < 2500 || (unsigned) o->gatt_cache > AIOBLE_CACHE_NONE ||
      (unsigned) o->auto_secure > AIOBLE_AUTO_SECURE_NEVER)
    return false;
  if (!o->interval_min_us && min > max)
    min = max;
  req->params = (ab_gap_params){(uint16_t) (min / 1250), (uint16_t) (max / 1250), o->latency,
                                (uint16_t) (timeout / 10)};
  req->scan_interval = (uint16_t) (interval / 625);
  req->scan_window = (uint16_t) (window / 625);
  return ab_gap_params_valid(&req->params);
}

/* what is known without trying */
static int check(const aioble_device_t *device, bool valid) {
  if (!valid || device->addr.type > AIOBLE_ADDR_RANDOM)
    return AIOBLE_EINVAL;
  return device->ble->n_conns >= device->ble->options.max_links ? AIOBLE_ENOBUFS : 0;
}

aioble_op_t *aioble_device_connect(aioble_device_t *device,
                                   const aioble_connect_options_t *options) {
  static const aioble_connect_options_t defaults;
  const aioble_connect_options_t *o = options ? options : &defaults;
  aioble_conn_t *conn = device ? ab_conn_to(device) : NULL;
  ab_gap_connect req = {.req.done = on_connected};
  struct connect_op *connect;
  aioble_op_t *op;
  int err;

  if (!device)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (conn && conn->link.ending)
    conn = NULL; /* the next one is meant */
  err = conn ? 0 : check(device, to_request(o, &req));
  if (err < 0)
    return ab_op_failed(device->ble, err);
  op = ab_op_new(device->ble, &connect_kind);
  if (!op)
    return ab_op_failed(device->ble, AIOBLE_ENOMEM);
  if (conn) {
    if (!o->unencrypted)
      ab_host_smp_secure(conn);
    settle_when_secure(op, 0, &conn->link);
    return op;
  }
  req.peer = *ab_host_identity_of(device->ble, &device->addr);
  connect = ab_container_of(op, struct connect_op, op);
  connect->gap = req;
  connect->gatt_cache = o->gatt_cache;
  connect->auto_secure = o->auto_secure;
  connect->unencrypted = o->unencrypted;
  ab_gap_connect_add(&device->ble->gap, &connect->gap);
  ab_host_want_open(device->ble);
  return op;
}

/* ---- advertise ---- */

struct advertise_op {
  aioble_op_t op;
  ab_gap_adv gap;
};

static void end_advertise(aioble_op_t *op, int why) {
  ab_gap_request_remove(&op->ble->gap, &ab_container_of(op, struct advertise_op, op)->gap.req, why);
}

static const ab_op_kind advertise_kind = {"advertise", sizeof(struct advertise_op), AIOBLE_FOREVER,
                                          end_advertise, NULL};

static void on_central(ab_gap_request *req, int status, ab_gap_link *link) {
  settle_with_link(&ab_container_of(req, struct advertise_op, gap.req)->op, status, link);
}

static void take_payload(uint8_t *len, ab_ad31 *to, const void *from, size_t n) {
  *len = (uint8_t) n;
  if (n)
    memcpy(to->b, from, n);
}

/* the payloads: raw, or built of the fields */
static int to_payloads(const aioble_advertise_options_t *o, ab_gap_adv *req, const char **why,
                       aioble_ad_packed_t *packed) {
  aioble_ad_fields_t fields = o->fields;
  int err;

  if (o->adv_data.len || o->scan_rsp.len) {
    *why = "raw advertising data and scan response are at most 31 bytes each";
    if (o->adv_data.len > sizeof req->adv.b || o->scan_rsp.len > sizeof req->rsp.b)
      return AIOBLE_EMSGSIZE;
    take_payload(&req->adv_len, &req->adv, o->adv_data.data, o->adv_data.len);
    take_payload(&req->rsp_len, &req->rsp, o->scan_rsp.data, o->scan_rsp.len);
    return 0;
  }
  fields.no_scan_response |= o->mode == AIOBLE_ADV_BROADCAST;
  err = aioble_ad_build(&fields, packed);
  *why = packed->why;
  take_payload(&req->adv_len, &req->adv, packed->adv, packed->adv_len);
  take_payload(&req->rsp_len, &req->rsp, packed->rsp, packed->rsp_len);
  return err;
}

static int to_adv(const aioble_advertise_options_t *o, ab_gap_adv *req, const char **why,
                  aioble_ad_packed_t *packed) {
  static const uint8_t types[] = {[AIOBLE_ADV_CONNECTABLE] = AB_HCI_ADV_IND,
                                  [AIOBLE_ADV_SCANNABLE] = AB_HCI_ADV_SCAN_IND,
                                  [AIOBLE_ADV_BROADCAST] = AB_HCI_ADV_NONCONN_IND};
  uint32_t interval = or_default(o->interval_us, 100000);

  *why = "the advertising interval is 20 ms to 10.24 s";
  if (interval < 20000 || interval > 10240000)
    return AIOBLE_EINVAL;
  *why = "unknown advertising mode";
  if ((unsigned) o->mode >= sizeof types)
    return AIOBLE_EINVAL;
  req->interval = (uint16_t) (interval / 625);
  req->type = types[o->mode];
  return to_payloads(o, req, why, packed);
}

aioble_op_t *aioble_advertise(aioble_t *ble, const aioble_advertise_options_t *options) {
  static const aioble_advertise_options_t defaults;
  ab_gap_adv req = {.req.done = on_central};
  aioble_ad_packed_t packed;
  const char *why = NULL;
  aioble_op_t *op;
  int err;

  if (!ble)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  err = to_adv(options ? options : &defaults, &req, &why, &packed);
  if (err < 0)
    return ab_op_failed_why(ble, err, why);
  if (req.type == AB_HCI_ADV_IND && ble->n_conns >= ble->options.max_links)
    return ab_op_failed(ble, AIOBLE_ENOBUFS);
  op = ab_op_new(ble, &advertise_kind);
  if (!op)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  ab_container_of(op, struct advertise_op, op)->gap = req;
  ab_gap_adv_add(&ble->gap, &ab_container_of(op, struct advertise_op, op)->gap);
  ab_host_want_open(ble);
  return op;
}
