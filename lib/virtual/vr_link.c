/* SPDX-License-Identifier: MIT */
/*
 * A link: two ends, each a slot of its controller, and what is between them.
 *
 *   end: NONE -> NEW (the initiator was heard) -> UP (Connection Complete) -> GONE (Disconnection
 *   Complete queued) -> NONE (the host has it, and its buffers back)
 *
 * Timers: `event` is the first connection event, and later the next one in which there is something
 * to do; `dying` is the supervision timeout (before anything was heard: six intervals, 0x3e), and
 * runs only while the ends do not hear each other; `response` is a host that owes an answer.
 *
 * Control PDUs are functions called at the other end at a connection event, in order; what they
 * send waits for another event. Core Vol 6, Part B, 4.5 and 5.1.6.
 */
#include "virtual/vr_priv.h"

enum { ESTABLISH_EVENTS = 6, TIMEOUT_UNIT_US = 10000 };

typedef struct pdu {
  ab_list node;
  vr_pdu_fn *fn;
  vr_pdu_args args;
} pdu;

static void on_connected(ab_timer *timer);
static void on_event(ab_timer *timer);
static void on_dead(ab_timer *timer);

/* ---- slots ---- */

static vr_end **slot_of(const vr_ctrl *c, uint16_t handle) {
  return &c->slots[handle % c->options.max_links];
}

vr_end *vr_end_known(const vr_ctrl *c, uint16_t handle) {
  vr_end *e = *slot_of(c, handle);

  return e && e->handle == handle && e->state >= VR_END_UP ? e : NULL;
}

vr_end *vr_end_of(const vr_ctrl *c, uint16_t handle) {
  vr_end *e = vr_end_known(c, handle);

  return e && e->state == VR_END_UP ? e : NULL;
}

bool vr_slot_free(const vr_ctrl *c) {
  return c->links < c->options.max_links;
}

/* handles go up, so that one is not used again soon */
static void slot_take(vr_ctrl *c, vr_end *e) {
  do
    c->next_handle = c->next_handle < AB_HCI_HANDLE_MAX ? (uint16_t) (c->next_handle + 1) : 1;
  while (*slot_of(c, c->next_handle));
  e->handle = c->next_handle;
  *slot_of(c, e->handle) = e;
  c->links++;
}

/* ---- ends ---- */

static void pdus_free(vr_radio *r, ab_list *pdus) {
  ab_list *n;

  while ((n = ab_list_pop(pdus)))
    ab_free(&r->env, ab_container_of(n, pdu, node));
}

static void end_quiet(vr_end *e) {
  pdus_free(e->link->radio, &e->pdus);
  vr_acl_flush(e);
  vr_timer_stop(e->link->radio, &e->auth);
  vr_timer_stop(e->link->radio, &e->late);
  ab_list_remove(&e->credit_node);
  e->completed = 0;
}

static void link_free(vr_link *l) {
  vr_radio *r = l->radio;

  if (l->busy) {
    l->doomed = true;
    return;
  }
  vr_timer_stop(r, &l->event);
  vr_timer_stop(r, &l->dying);
  vr_timer_stop(r, &l->response);
  vr_timer_stop(r, &l->update.instant);
  ab_free(&r->env, l);
}

/* the slot is free again; the link goes with its second end */
static void end_release(vr_end *e) {
  vr_ctrl *c = e->ctrl;

  end_quiet(e);
  vr_ctrl_purge(c, e);
  c->acl_outstanding = (uint16_t) (c->acl_outstanding - e->outstanding);
  *slot_of(c, e->handle) = NULL;
  c->links--;
  e->ctrl = NULL;
  e->state = VR_END_NONE;
  if (vr_peer(e)->state == VR_END_NONE)
    link_free(e->link);
}

static void on_told(ab_buf *buf, int status) {
  (void) status;
  end_release(buf->ctx);
}

/* Disconnection Complete; the slot stays until the host has it */
static void end_close(vr_end *e, uint8_t reason) {
  vr_ctrl *c = e->ctrl;
  ab_buf *buf = NULL;
  ab_wr w;

  if (e->state != VR_END_UP)
    return;
  end_quiet(e);
  e->state = VR_END_GONE;
  if (vr_event_wanted(c, AB_HCI_EV_DISCONNECTION_COMPLETE))
    buf = vr_event_new(c, AB_HCI_EV_DISCONNECTION_COMPLETE, ab_hci_ev_disconnection_size);
  if (!buf) {
    end_release(e);
    return;
  }
  w = ab_buf_writer(buf);
  ab_hci_ev_disconnection_write(&w,
                                &(ab_hci_ev_disconnection){.handle = e->handle, .reason = reason});
  ab_buf_wrote(buf, &w);
  buf->ctx = e;
  buf->done = on_told;
  vr_ctrl_to_host(c, buf);
}

static void end_init(vr_link *l, uint8_t role, vr_ctrl *c, const vr_addr *own,
                     const vr_addr *peer) {
  vr_end *e = &l->end[role];

  e->link = l;
  e->ctrl = c;
  e->role = role;
  e->state = VR_END_NEW;
  e->own = *own;
  e->own_is_private = vr_addr_is_rpa(own) && !vr_addr_eq(own, &c->random_addr);
  e->peer_air = *peer;
  e->peer = vr_identify(c, peer);
  ab_list_init(&e->pdus);
  ab_list_init(&e->tx);
  ab_list_init(&e->credit_node);
  slot_take(c, e);
  vr_ll_init(e);
}

vr_link *vr_link_new(vr_ctrl *central, vr_ctrl *peripheral, const vr_params *params,
                     const vr_addr *central_addr, const vr_addr *peripheral_addr) {
  vr_radio *r = central->radio;
  vr_link *l = ab_zalloc(&r->env, sizeof *l);

  if (!l)
    return NULL;
  l->radio = r;
  l->params = *params;
  l->lost = vr_chance(r, r->faults.establish_fail_ppm);
  end_init(l, AB_HCI_ROLE_CENTRAL, central, central_addr, peripheral_addr);
  end_init(l, AB_HCI_ROLE_PERIPHERAL, peripheral, peripheral_addr, central_addr);
  vr_timer_in(r, &l->event, VR_CONNECT_US, on_connected);
  return l;
}

static void on_connected(ab_timer *timer) {
  vr_link *l = ab_container_of(timer, vr_link, event);

  l->up = true;
  l->anchor_us = l->radio->env.now_us;
  for (uint8_t role = 0; role < 2; role++) {
    if (l->end[role].state == VR_END_NEW) {
      l->end[role].state = VR_END_UP;
      vr_connect_complete(l->end[role].ctrl, &l->end[role], AB_HCI_OK, role);
    }
  }
  vr_link_check(l);
  l->established = !l->silent;
  for (uint8_t role = 0; l->established && role < 2; role++)
    vr_ll_connected(&l->end[role]);
}

/* ---- life and death ---- */

void vr_link_end(vr_link *l, uint8_t central_reason, uint8_t peripheral_reason) {
  bool was_busy = l->busy;

  l->up = false;
  l->busy = true; /* the second end is still to be looked at */
  vr_timer_stop(l->radio, &l->event);
  vr_timer_stop(l->radio, &l->dying);
  vr_timer_stop(l->radio, &l->response);
  vr_timer_stop(l->radio, &l->update.instant);
  end_close(&l->end[AB_HCI_ROLE_CENTRAL], central_reason);
  end_close(&l->end[AB_HCI_ROLE_PERIPHERAL], peripheral_reason);
  l->busy = was_busy;
  if (l->doomed)
    link_free(l);
}

/* an end that was leaving anyway is done with it */
static uint8_t death_reason(const vr_end *e) {
  if (e->reason)
    return AB_HCI_ERR_LOCAL_HOST;
  return e->link->established ? AB_HCI_ERR_CONNECTION_TIMEOUT : AB_HCI_ERR_FAILED_TO_ESTABLISH;
}

static void on_dead(ab_timer *timer) {
  vr_link *l = ab_container_of(timer, vr_link, dying);

  vr_link_end(l, death_reason(&l->end[0]), death_reason(&l->end[1]));
}

static bool hears(const vr_link *l) {
  const vr_ctrl *a = l->end[0].ctrl, *b = l->end[1].ctrl;

  return !l->lost && a && b && vr_in_range(l->radio, a, b);
}

void vr_link_check(vr_link *l) {
  bool silent = !hears(l);

  if (!l->up || silent == l->silent)
    return;
  l->silent = silent;
  vr_auth_silence(&l->end[0], silent);
  vr_auth_silence(&l->end[1], silent);
  if (!silent) {
    l->established = true;
    vr_timer_stop(l->radio, &l->dying);
    vr_acl_pump(l);
    vr_link_kick(l);
    return;
  }
  vr_timer_stop(l->radio, &l->event);
  vr_timer_in(l->radio, &l->dying,
              l->established ? (uint64_t) l->params.timeout * TIMEOUT_UNIT_US
                             : (uint64_t) ESTABLISH_EVENTS * vr_interval_us(l),
              on_dead);
}

void vr_link_lose(vr_link *l) {
  l->lost = true;
  vr_link_check(l);
}

void vr_links_check(vr_ctrl *c) {
  for (size_t i = 0; i < c->options.max_links; i++)
    if (c->slots[i])
      vr_link_check(c->slots[i]->link);
}

void vr_links_drop(vr_ctrl *c) {
  for (size_t i = 0; c->slots && i < c->options.max_links; i++) {
    vr_end *e = c->slots[i];
    vr_link *l;
    bool last;

    if (!e)
      continue;
    l = e->link;
    last = vr_peer(e)->state == VR_END_NONE;
    end_release(e);
    if (!last)
      vr_link_check(l);
  }
}

int aioble_virtual_link_loss(aioble_transport_t *t, uint16_t handle) {
  vr_ctrl *c = vr_ctrl_of(t);
  vr_end *e = vr_end_of(c, handle);

  if (!e)
    return AIOBLE_ENOTCONN;
  vr_now(c->radio);
  vr_link_lose(e->link);
  return 0;
}

/* ---- connection events ---- */

uint32_t vr_interval_us(const vr_link *l) {
  return l->params.interval * (uint32_t) VR_UNIT_US;
}

/* A peripheral with latency sleeps unless it has something to send, or the last event had more. */
static uint64_t next_event_us(const vr_link *l) {
  const vr_end *p = &l->end[AB_HCI_ROLE_PERIPHERAL];
  uint64_t now = l->radio->env.now_us, interval = vr_interval_us(l);
  bool awake = l->more || !ab_list_empty(&p->pdus) || !ab_list_empty(&p->tx);

  if (!l->radio->timing)
    return now + VR_QUICK_US;
  if (!awake)
    interval *= l->params.latency + 1u;
  return l->anchor_us + ((now - l->anchor_us) / interval + 1) * interval;
}

static bool pending(const vr_link *l) {
  return !ab_list_empty(&l->end[0].pdus) || !ab_list_empty(&l->end[1].pdus) ||
         (l->radio->timing && vr_acl_waiting(l));
}

void vr_link_kick(vr_link *l) {
  uint64_t at_us;

  if (!l->up || l->silent || l->busy || !pending(l))
    return;
  at_us = next_event_us(l);
  if (!l->event.running || at_us < l->event.at_us)
    vr_timer_at(l->radio, &l->event, at_us, on_event);
}

void vr_pdu_send(vr_end *from, vr_pdu_fn *fn, const vr_pdu_args *args) {
  vr_link *l = from->link;
  pdu *p = ab_zalloc(&l->radio->env, sizeof *p);

  if (!p) {
    vr_link_lose(l);
    return;
  }
  p->fn = fn;
  if (args)
    p->args = *args;
  ab_list_push(&from->pdus, &p->node);
  vr_link_kick(l);
}

/* what was there when the event began */
static void pdus_exchange(vr_link *l) {
  ab_list on_air[2];
  ab_list *n;

  ab_list_take_all(&on_air[0], &l->end[0].pdus);
  ab_list_take_all(&on_air[1], &l->end[1].pdus);
  for (int from = 0; from < 2; from++) {
    while (l->up && (n = ab_list_pop(&on_air[from]))) {
      pdu *p = ab_container_of(n, pdu, node);

      p->fn(&l->end[!from], &p->args);
      ab_free(&l->radio->env, p);
    }
    pdus_free(l->radio, &on_air[from]);
  }
}

static void on_event(ab_timer *timer) {
  vr_link *l = ab_container_of(timer, vr_link, event);

  l->anchor_us = l->radio->env.now_us;
  l->busy = true;
  pdus_exchange(l);
  if (l->up && l->radio->timing)
    vr_acl_event(l);
  l->more = l->up && vr_acl_waiting(l);
  l->busy = false;
  if (l->doomed)
    link_free(l);
  else
    vr_link_kick(l);
}

/* ---- a host that owes an answer ---- */

static void on_no_response(ab_timer *timer) {
  vr_link *l = ab_container_of(timer, vr_link, response);

  vr_link_end(l, AB_HCI_ERR_LL_RESPONSE_TIMEOUT, AB_HCI_ERR_LL_RESPONSE_TIMEOUT);
}

void vr_response_timeout(vr_link *l) {
  if (l->update.phase == VR_UPDATE_WAIT_HOST || l->enc.phase == VR_ENC_WAIT_KEY)
    vr_timer_in(l->radio, &l->response, VR_PROCEDURE_US, on_no_response);
  else
    vr_timer_stop(l->radio, &l->response);
}

/* ---- commands ---- */

static void on_terminate(vr_end *at, const vr_pdu_args *args) {
  if (at->role == AB_HCI_ROLE_CENTRAL)
    vr_link_end(at->link, args->reason, AB_HCI_ERR_LOCAL_HOST);
  else
    vr_link_end(at->link, AB_HCI_ERR_LOCAL_HOST, args->reason);
}

void vr_link_terminate(vr_end *e, uint8_t reason) {
  e->reason = reason;
  vr_pdu_send(e, on_terminate, &(vr_pdu_args){.reason = reason});
}

/* 7.1.6 */
static bool reason_valid(uint8_t reason) {
  static const uint8_t reasons[] = {
      AB_HCI_ERR_AUTH_FAILURE,
      AB_HCI_ERR_REMOTE_USER,
      AB_HCI_ERR_REMOTE_LOW_RESOURCES,
      AB_HCI_ERR_REMOTE_POWER_OFF,
      AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE,
      AB_HCI_ERR_UNIT_KEY,
      AB_HCI_ERR_UNACCEPTABLE_CONN_PARAMS,
  };

  for (size_t i = 0; i < sizeof reasons; i++)
    if (reasons[i] == reason)
      return true;
  return false;
}

static uint8_t disconnect(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_disconnect p;
  vr_end *e;

  (void) ret;
  ab_hci_disconnect_read(params, &p);
  if (!(e = vr_end_of(c, p.handle)))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (!reason_valid(p.reason))
    return AB_HCI_ERR_INVALID_PARAMS;
  if (e->reason)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  vr_link_terminate(e, p.reason);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_DISCONNECT, 3, 0, 5, VR_STATUS, VR_ALWAYS, 0, 0, disconnect},
};
const vr_command_table vr_link_commands = {commands, sizeof commands / sizeof *commands};
