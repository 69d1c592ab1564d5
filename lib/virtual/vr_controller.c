/* SPDX-License-Identifier: MIT */
/*
 * One controller: a transport above, a queue each way, a turn in which they move.
 *
 * A turn takes what the host has sent, in order, then gives the host what it is owed: credits
 * first, then events and data in order, then batch_end. The host may do anything from inside the
 * sink's calls: send, close, destroy; what it sends is for the next turn, and a controller that is
 * destroyed there is released when the turn ends.
 */
#include "virtual/vr_priv.h"

enum {
  DEFAULT_ACL_LEN = 251,
  DEFAULT_ACL_COUNT = 8,
  DEFAULT_LINKS = 16,
  DEFAULT_LIST = 16,
  DEFAULT_DUPLICATES = 512,
  DEFAULT_LE_MASK = 0x1f, /* Core Vol 4, Part E, 7.8.1; the other one 7.3.1 */
};
#define DEFAULT_EVENT_MASK 0x00001fffffffffffu

vr_ctrl *vr_ctrl_of(aioble_transport_t *t) {
  return ab_container_of(t, vr_ctrl, base);
}

/* ---- to the host ---- */

void vr_ctrl_to_host(vr_ctrl *c, ab_buf *buf) {
  if (!c->on) {
    ab_buf_finish(buf, AIOBLE_ENODEV);
    return;
  }
  vr_fault_queue(c, buf);
  c->to_host_count++;
  vr_ctrl_wake(c);
}

/* the host stopped in the middle of a packet: the rest is still the first */
void vr_ctrl_give_back(vr_ctrl *c, ab_buf *buf) {
  ab_list_push_front(&c->to_host, &buf->node);
  c->to_host_count++;
}

bool vr_ctrl_may_give(const vr_ctrl *c) {
  return c->on && c->open && !c->hold && !c->silent && !c->delay.running;
}

/* Its done comes first: a host that learns of a link's end may use that link's buffers at once. */
static void deliver(vr_ctrl *c, ab_buf *buf) {
  if (vr_acl_is_data(buf)) {
    vr_acl_deliver(c, buf);
    return;
  }
  c->stats.events++;
  if (buf->done)
    buf->done(buf, 0);
  vr_fault_give(c, buf->p, buf->len);
  ab_buf_free(buf);
}

/* data that the host has no buffer for steps aside; events do not wait for it */
static bool step_aside(vr_ctrl *c, ab_buf *buf) {
  if (vr_acl_host_has_room(c) || !vr_acl_is_data(buf))
    return false;
  ab_list_push(&c->blocked, &buf->node);
  return true;
}

void vr_ctrl_purge(vr_ctrl *c, const vr_end *about) {
  AB_LIST_EACH(n, &c->blocked) {
    ab_buf *buf = ab_container_of(n, ab_buf, node);

    if (buf->ctx == about)
      ab_buf_free(buf);
  }
  AB_LIST_EACH(n, &c->to_host) {
    ab_buf *buf = ab_container_of(n, ab_buf, node);

    if (buf->ctx == about) {
      c->to_host_count--;
      ab_buf_free(buf);
    }
  }
}

void vr_ctrl_unblock(vr_ctrl *c) {
  while (!ab_list_empty(&c->blocked)) {
    ab_list *last = c->blocked.prev;

    ab_list_remove(last);
    ab_list_push_front(&c->to_host, last);
    c->to_host_count++;
  }
  vr_ctrl_wake(c);
}

static void give_all(vr_ctrl *c) {
  ab_list *n;

  vr_fault_batch(c);
  vr_acl_report_completed(c);
  while (vr_ctrl_may_give(c) && (n = ab_list_pop(&c->to_host))) {
    ab_buf *buf = ab_container_of(n, ab_buf, node);

    c->to_host_count--;
    if (!step_aside(c, buf))
      deliver(c, buf);
  }
}

/* ---- from the host ---- */

static void take(vr_ctrl *c, ab_buf *buf) {
  ab_rd r = ab_rd_of(buf->p, buf->len);

  if (ab_rd_u8(&r) == AIOBLE_H4_ACL) {
    vr_acl_from_host(c, buf);
    return;
  }
  c->commands_queued--;
  vr_command_run(c, &r);
  ab_buf_free(buf);
}

/* a host that does not take its answers is not given more of them */
static bool may_take(const vr_ctrl *c) {
  return !ab_list_empty(&c->from_host) && c->to_host_count < VR_REPORTS_QUEUED;
}

static void take_all(vr_ctrl *c) {
  while (may_take(c))
    take(c, ab_container_of(ab_list_pop(&c->from_host), ab_buf, node));
}

static void tell_lost(vr_ctrl *c) {
  c->lost_due = false;
  c->open = false;
  c->sink->lost(c->sink_ctx, AIOBLE_ENODEV, "the virtual controller was unplugged");
}

static void on_turn(vr_turn *turn) {
  vr_ctrl *c = ab_container_of(turn, vr_ctrl, turn);

  c->busy = true;
  c->gave = false;
  take_all(c);
  if (vr_ctrl_may_give(c) && !vr_fault_delay(c))
    give_all(c);
  if (c->open && c->gave)
    c->sink->batch_end(c->sink_ctx);
  if (c->lost_due)
    tell_lost(c);
  if (may_take(c))
    vr_ctrl_wake(c);
  c->busy = false;
  if (c->destroyed)
    vr_ctrl_free(c);
}

/* ---- the transport ---- */

static int transport_open(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
                          const char **why) {
  vr_ctrl *c = vr_ctrl_of(t);

  if (c->open || c->lost_due) {
    *why = "the virtual controller is open";
    return AIOBLE_EBUSY;
  }
  vr_now(c->radio);
  c->sink = sink;
  c->sink_ctx = ctx;
  c->on = c->open = true;
  return 0;
}

/* Host Number Of Completed Packets needs no credit (7.3.40) */
static bool admit_command(vr_ctrl *c, ab_rd *packet) {
  if (ab_rd_le16(packet) != AB_HCI_HOST_NUM_COMPLETED &&
      c->commands_queued >= c->options.command_count)
    c->stats.command_violations++;
  if (c->commands_queued >= VR_COMMANDS_QUEUED)
    return false;
  c->commands_queued++;
  return true;
}

/* false: it goes nowhere */
static bool admit(vr_ctrl *c, const uint8_t *packet, size_t len) {
  ab_rd r = ab_rd_of(packet, len);

  switch (ab_rd_u8(&r)) {
  case AIOBLE_H4_ACL:
    return vr_acl_admit(c, &r);
  case AIOBLE_H4_COMMAND:
    return admit_command(c, &r);
  default:
    c->stats.malformed++;
    return false;
  }
}

static int transport_send(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  vr_ctrl *c = vr_ctrl_of(t);
  ab_buf *buf;
  ab_wr w;

  if (!c->on)
    return AIOBLE_ENODEV;
  if (c->silent)
    return 0;
  if (!(buf = ab_buf_new(&c->radio->bufs, len))) {
    c->stats.no_memory++;
    return 0;
  }
  if (!admit(c, packet, len)) {
    ab_buf_free(buf);
    return 0;
  }
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, packet, len);
  ab_buf_wrote(buf, &w);
  ab_list_push(&c->from_host, &buf->node);
  vr_ctrl_wake(c);
  return 0;
}

static void transport_flush(aioble_transport_t *t) {
  (void) t; /* what was sent has asked for a turn already */
}

static void queue_clear(ab_list *queue) {
  ab_list *n;

  while ((n = ab_list_pop(queue)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
}

static void power_off(vr_ctrl *c) {
  vr_now(c->radio);
  c->on = false;
  vr_timer_stop(c->radio, &c->delay);
  vr_ctrl_reset(c);
  queue_clear(&c->from_host);
  queue_clear(&c->to_host);
  c->commands_queued = c->to_host_count = 0;
}

static void transport_close(aioble_transport_t *t) {
  vr_ctrl *c = vr_ctrl_of(t);

  power_off(c);
  c->open = c->lost_due = false;
  c->sink->closed(c->sink_ctx);
}

static void transport_destroy(aioble_transport_t *t) {
  vr_ctrl *c = vr_ctrl_of(t);

  c->destroyed = true;
  if (!c->busy)
    vr_ctrl_free(c);
}

static const aioble_transport_ops_t transport_ops = {
    transport_open, transport_send, transport_flush, transport_close, transport_destroy,
};

/* ---- life ---- */

static void state_defaults(vr_ctrl *c) {
  c->masks = (vr_masks){.event = DEFAULT_EVENT_MASK, .le = DEFAULT_LE_MASK};
  c->has_random_addr = c->testing = false;
  c->host_flow = false;
  c->host_acl_len = c->host_acl_count = c->host_acl_room = 0;
  c->acl_outstanding = 0;
  c->suggested_octets = VR_LL_OCTETS_MIN;
  c->suggested_time = VR_LL_TIME_MIN;
  c->default_tx_phys = c->default_rx_phys = 0xff;
  c->channels = (ab_chmap5){{0xff, 0xff, 0xff, 0xff, 0x1f}};
  c->accept.count = 0;
  c->adv.params =
      (ab_hci_le_adv_params){.interval_min = 0x800, .interval_max = 0x800, .channel_map = 7};
  c->scan.params = (ab_hci_le_scan_params){.interval = 0x10, .window = 0x10};
}

void vr_ctrl_reset(vr_ctrl *c) {
  c->epoch++;
  vr_adv_off(c);
  vr_scan_off(c);
  vr_init_off(c);
  c->adv.air.data_len = c->adv.air.rsp_len = 0;
  vr_timer_stop(c->radio, &c->keys.timer);
  c->keys.have = false;
  c->keys.event = 0;
  vr_links_drop(c);
  vr_resolving_clear(c);
  state_defaults(c);
}

void vr_ctrl_free(vr_ctrl *c) {
  vr_radio *r = c->radio;

  power_off(c);
  vr_range_forget(c);
  ab_list_remove(&c->turn.node);
  ab_list_remove(&c->node);
  ab_free(&r->env, c->slots);
  ab_free(&r->env, c->accept.devices);
  ab_free(&r->env, c->resolving.entries);
  ab_free(&r->env, c);
}

static void options_defaults(aioble_virtual_controller_options_t *o) {
  if (!o->acl_len)
    o->acl_len = DEFAULT_ACL_LEN;
  if (o->acl_len < VR_LL_OCTETS_MIN)
    o->acl_len = VR_LL_OCTETS_MIN;
  if (!o->acl_count)
    o->acl_count = DEFAULT_ACL_COUNT;
  if (!o->max_links)
    o->max_links = DEFAULT_LINKS;
  if (!o->command_count)
    o->command_count = 1;
  if (!o->accept_list)
    o->accept_list = DEFAULT_LIST;
  if (!o->resolving_list)
    o->resolving_list = DEFAULT_LIST;
  if (!o->duplicate_filter)
    o->duplicate_filter = DEFAULT_DUPLICATES;
}

/* 02:a1:0b:1e and a count: locally administered, so nobody else's */
static ab_addr6 public_addr(const vr_ctrl *c) {
  uint32_t n = c->radio->made;
  ab_addr6 a = {{0x02, 0xa1, 0x0b, 0x1e, (uint8_t) (n >> 8), (uint8_t) n}};
  ab_addr6 given;

  memcpy(given.b, c->options.public_addr, sizeof given.b);
  if (c->options.no_public_addr)
    return (ab_addr6){{0}};
  return vr_addr6_zero(&given) ? a : given;
}

static bool tables_new(vr_ctrl *c) {
  ab_env *env = &c->radio->env;

  c->slots = ab_zalloc(env, c->options.max_links * sizeof(vr_end *));
  c->accept.size = c->options.accept_list;
  c->accept.devices = ab_zalloc(env, c->accept.size * sizeof *c->accept.devices);
  c->resolving.size = c->options.resolving_list;
  c->resolving.entries = ab_zalloc(env, c->resolving.size * sizeof *c->resolving.entries);
  return c->slots && c->accept.devices && c->resolving.entries;
}

aioble_transport_t *aioble_virtual_controller_new(
    aioble_virtual_radio_t *radio, const aioble_virtual_controller_options_t *options) {
  vr_ctrl *c = ab_zalloc(&radio->env, sizeof *c);

  if (!c)
    return NULL;
  c->base.ops = &transport_ops;
  c->radio = radio;
  c->turn.run = on_turn;
  if (options)
    c->options = *options;
  options_defaults(&c->options);
  radio->made++;
  c->public_addr = public_addr(c);
  c->place = (vr_place){c->options.x_cm, c->options.y_cm};
  c->le_features = VR_FEAT_ALL & ~c->options.le_features_off;
  c->le_states = VR_STATES_ALL & ~c->options.le_states_off;
  ab_list_init(&c->from_host);
  ab_list_init(&c->to_host);
  ab_list_init(&c->blocked);
  ab_list_init(&c->credits);
  ab_list_push(&radio->controllers, &c->node);
  vr_adv_init(&c->adv.air, radio, c);
  vr_scan_init(c);
  vr_connect_init(c);
  state_defaults(c);
  if (!tables_new(c)) {
    vr_ctrl_free(c);
    return NULL;
  }
  return &c->base;
}

const aioble_virtual_stats_t *aioble_virtual_stats(const aioble_transport_t *t) {
  return &ab_container_of(t, const vr_ctrl, base)->stats;
}

void aioble_virtual_controller_hold(aioble_transport_t *t, bool hold) {
  vr_ctrl *c = vr_ctrl_of(t);

  c->hold = hold;
  vr_ctrl_wake(c);
}

void aioble_virtual_controller_set_position(aioble_transport_t *t, int32_t x_cm, int32_t y_cm) {
  vr_ctrl *c = vr_ctrl_of(t);

  c->place = c->adv.air.place = (vr_place){x_cm, y_cm};
}

void aioble_virtual_controller_reset(aioble_transport_t *t) {
  vr_ctrl *c = vr_ctrl_of(t);

  if (!c->on)
    return;
  power_off(c);
  c->on = true;
}

void aioble_virtual_controller_unplug(aioble_transport_t *t) {
  vr_ctrl *c = vr_ctrl_of(t);

  if (!c->on)
    return;
  power_off(c);
  c->lost_due = true;
  vr_ctrl_wake(c);
}
