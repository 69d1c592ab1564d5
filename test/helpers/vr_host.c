/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COMMAND_HEADER = 4, ACL_HEADER = 5 };

/* ---- the sink ---- */

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  vr_host *h = ctx;
  vr_packet *p;

  assert_false(h->inside);
  assert_true(len > 0);
  h->inside = true;
  h->acl_packets += *packet == AIOBLE_H4_ACL;
  if (!h->count_only) {
    p = malloc(sizeof *p + len);
    assert_non_null(p);
    p->at_us = aioble_virtual_now_us(h->radio);
    p->len = len;
    memcpy(p->data, packet, len);
    ab_list_push(&h->packets, &p->node);
  }
  if (h->on_packet)
    h->on_packet(h);
  h->inside = false;
}

static void on_batch_end(void *ctx) {
  ((vr_host *) ctx)->batches++;
}

static void on_lost(void *ctx, int status, const char *why) {
  assert_int_equal(status, AIOBLE_ENODEV);
  assert_non_null(why);
  ((vr_host *) ctx)->lost++;
}

static void on_closed(void *ctx) {
  ((vr_host *) ctx)->closed++;
}

static const aioble_transport_sink_t sink = {
    .packet = on_packet, .batch_end = on_batch_end, .lost = on_lost, .closed = on_closed};

/* ---- life ---- */

void vr_host_reopen(vr_host *h) {
  const char *why = NULL;

  assert_int_equal(h->t->ops->open(h->t, &sink, h, &why), 0);
}

void vr_host_attach(vr_host *h, aioble_virtual_radio_t *radio,
                    const aioble_virtual_controller_options_t *options) {
  *h = (vr_host){.radio = radio};
  ab_list_init(&h->packets);
  h->t = aioble_virtual_controller_new(radio, options);
  assert_non_null(h->t);
  vr_host_reopen(h);
}

void vr_host_init(vr_host *h) {
  assert_int_equal(vr_host_do(h, AB_HCI_RESET, NULL, 0), 0);
  assert_int_equal(VR_DO(h, AB_HCI_SET_EVENT_MASK, hci_mask64, UINT64_MAX), 0);
  assert_int_equal(VR_DO(h, AB_HCI_SET_EVENT_MASK_PAGE_2, hci_mask64, UINT64_MAX), 0);
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x1ff), 0);
}

void vr_host_open(vr_host *h, aioble_virtual_radio_t *radio,
                  const aioble_virtual_controller_options_t *options) {
  vr_host_attach(h, radio, options);
  vr_host_init(h);
}

void vr_host_forget(vr_host *h) {
  ab_list *n;

  while ((n = ab_list_pop(&h->packets)))
    free(ab_container_of(n, vr_packet, node));
  free(h->taken);
  h->taken = NULL;
}

void vr_host_close(vr_host *h) {
  h->t->ops->close(h->t);
  h->t->ops->destroy(h->t);
  vr_host_forget(h);
}

/* ---- events ---- */

/* the event of a packet as tests name it, its parameters behind that; 0: not an event */
static unsigned event_of(const vr_packet *p, ab_rd *params) {
  unsigned code, len;

  *params = ab_rd_of(p->data, p->len);
  if (ab_rd_u8(params) != AIOBLE_H4_EVENT)
    return 0;
  code = ab_rd_u8(params);
  len = ab_rd_u8(params);
  assert_int_equal(len, ab_rd_left(params));
  return code == AB_HCI_EV_LE_META ? (unsigned) VR_LE(ab_rd_u8(params)) : code;
}

static void take(vr_host *h, vr_packet *p) {
  ab_list_remove(&p->node);
  free(h->taken);
  h->taken = p;
}

bool vr_host_take(vr_host *h, unsigned event, ab_rd *params) {
  AB_LIST_EACH(n, &h->packets) {
    vr_packet *p = ab_container_of(n, vr_packet, node);
    ab_rd r;

    if (event_of(p, &r) == event) {
      if (params)
        *params = r;
      take(h, p);
      return true;
    }
  }
  return false;
}

unsigned vr_host_count(const vr_host *h, unsigned event) {
  unsigned count = 0;

  AB_LIST_EACH(n, &h->packets) {
    ab_rd r;

    count += event_of(ab_container_of(n, vr_packet, node), &r) == event;
  }
  return count;
}

bool vr_host_wait_ms(vr_host *h, unsigned event, ab_rd *params, unsigned ms) {
  uint64_t until = aioble_virtual_now_us(h->radio) + ms * 1000ull;

  while (!vr_host_take(h, event, params))
    if (aioble_virtual_now_us(h->radio) > until || !aioble_virtual_run_once(h->radio))
      return false;
  return true;
}

void vr_run_ms(aioble_virtual_radio_t *radio, unsigned ms) {
  aioble_virtual_run_until(radio, aioble_virtual_now_us(radio) + ms * 1000ull);
}

/* ---- commands ---- */

void vr_host_post(vr_host *h, uint16_t opcode, const void *params, size_t len) {
  uint8_t packet[COMMAND_HEADER + 255];
  ab_wr w = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&w, AIOBLE_H4_COMMAND);
  ab_wr_le16(&w, opcode);
  ab_wr_u8(&w, (uint8_t) len);
  ab_wr_bytes(&w, params, len);
  assert_int_equal(h->t->ops->send(h->t, packet, ab_wr_len(&w)), 0);
  h->t->ops->flush(h->t);
}

static bool answer_of(const vr_packet *p, uint16_t opcode, uint8_t *status, ab_rd *ret) {
  unsigned event = event_of(p, ret);

  if (event == AB_HCI_EV_COMMAND_STATUS) {
    *status = ab_rd_u8(ret);
    assert_true(ab_rd_u8(ret) > 0);
    return ab_rd_le16(ret) == opcode;
  }
  if (event != AB_HCI_EV_COMMAND_COMPLETE)
    return false;
  assert_true(ab_rd_u8(ret) > 0);
  if (ab_rd_le16(ret) != opcode)
    return false;
  *status = ab_rd_u8(ret);
  return true;
}

bool vr_host_answer(vr_host *h, uint16_t opcode, uint8_t *status) {
  AB_LIST_EACH(n, &h->packets) {
    vr_packet *p = ab_container_of(n, vr_packet, node);

    if (answer_of(p, opcode, status, &h->ret)) {
      take(h, p);
      return true;
    }
  }
  return false;
}

uint8_t vr_host_do(vr_host *h, uint16_t opcode, const void *params, size_t len) {
  uint8_t status = 0xff;

  vr_host_post(h, opcode, params, len);
  while (!vr_host_answer(h, opcode, &status))
    assert_true(aioble_virtual_run_once(h->radio));
  return status;
}

ab_addr6 vr_host_addr(vr_host *h) {
  assert_int_equal(vr_host_do(h, AB_HCI_READ_BD_ADDR, NULL, 0), 0);
  return ab_rd_addr(&h->ret);
}

/* ---- data ---- */

void vr_host_acl(vr_host *h, uint16_t handle, uint8_t pb, const void *data, size_t len) {
  uint8_t *packet = malloc(ACL_HEADER + len);
  ab_wr w = ab_wr_of(packet, ACL_HEADER + len);

  assert_non_null(packet);
  ab_wr_u8(&w, AIOBLE_H4_ACL);
  ab_wr_le16(&w, (uint16_t) (handle | pb << 12));
  ab_wr_le16(&w, (uint16_t) len);
  ab_wr_bytes(&w, data, len);
  assert_int_equal(h->t->ops->send(h->t, packet, ab_wr_len(&w)), 0);
  free(packet);
}

bool vr_host_take_acl(vr_host *h, uint16_t *handle, uint8_t *pb, ab_rd *payload) {
  AB_LIST_EACH(n, &h->packets) {
    vr_packet *p = ab_container_of(n, vr_packet, node);
    ab_rd r = ab_rd_of(p->data, p->len);
    uint16_t head, len;

    if (ab_rd_u8(&r) != AIOBLE_H4_ACL)
      continue;
    head = ab_rd_le16(&r);
    *handle = head & AB_HCI_HANDLE_MASK;
    *pb = (uint8_t) (head >> 12);
    len = ab_rd_le16(&r);
    assert_int_equal(len, ab_rd_left(&r));
    *payload = r;
    take(h, p);
    return true;
  }
  return false;
}

/* ---- what most tests need ---- */

void vr_host_advertise(vr_host *h, uint8_t type) {
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, .interval_min = 0x20,
                         .interval_max = 0x20, .type = type, .channel_map = 7),
                   0);
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
}

void vr_host_scan(vr_host *h, uint8_t type, bool filter_duplicates) {
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, .type = type,
                         .interval = 0x10, .window = 0x10),
                   0);
  assert_int_equal(VR_DO(h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, filter_duplicates),
                   0);
}

uint8_t vr_host_create(vr_host *h, ab_addr6 peer) {
  return VR_DO(h, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, .scan_interval = 0x10,
               .scan_window = 0x10, .peer_addr = peer, .interval_min = 24, .interval_max = 24,
               .supervision_timeout = 100);
}

static uint16_t connected(vr_host *h, uint8_t role) {
  ab_hci_le_ev_conn_complete ev;
  ab_rd r;

  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &r));
  assert_true(ab_hci_le_ev_conn_complete_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.role, role);
  return ev.handle;
}

void vr_host_connect(vr_host *central, vr_host *peripheral, uint16_t *central_handle,
                     uint16_t *peripheral_handle) {
  ab_addr6 peer = vr_host_addr(peripheral);

  vr_host_advertise(peripheral, AB_HCI_ADV_IND);
  assert_int_equal(vr_host_create(central, peer), 0);
  *central_handle = connected(central, AB_HCI_ROLE_CENTRAL);
  *peripheral_handle = connected(peripheral, AB_HCI_ROLE_PERIPHERAL);
}

void vr_world_new(vr_world *w, const aioble_virtual_options_t *radio,
                  const aioble_virtual_controller_options_t *central,
                  const aioble_virtual_controller_options_t *peripheral) {
  w->radio = aioble_virtual_radio_new(radio);
  assert_non_null(w->radio);
  vr_host_open(&w->central, w->radio, central);
  vr_host_open(&w->peripheral, w->radio, peripheral);
  vr_host_connect(&w->central, &w->peripheral, &w->ch, &w->ph);
}

void vr_world_free(vr_world *w) {
  vr_host_close(&w->central);
  vr_host_close(&w->peripheral);
  aioble_virtual_radio_free(w->radio, NULL, NULL);
}

uint8_t vr_host_gone(vr_host *h, uint16_t handle) {
  ab_hci_ev_disconnection ev;
  ab_rd r;

  assert_true(vr_host_wait(h, AB_HCI_EV_DISCONNECTION_COMPLETE, &r));
  assert_true(ab_hci_ev_disconnection_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.handle, handle);
  return ev.reason;
}

void vr_expect_idle(aioble_virtual_radio_t *radio) {
  enum { TURNS = 100 };
  int turns = 0;

  while (aioble_virtual_run_once(radio))
    assert_true(turns++ < TURNS);
}
