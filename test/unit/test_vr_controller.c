/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t reset[] = {AIOBLE_H4_COMMAND, 3, 12, 0};

static void opening_twice_is_refused(void **state) {
  static const aioble_transport_sink_t unused;
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  const char *why = NULL;
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  assert_int_equal(h.t->ops->open(h.t, &unused, NULL, &why), AIOBLE_EBUSY);
  assert_non_null(why);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void a_batch_ends_once_behind_its_packets(void **state) {
  const aioble_virtual_controller_options_t four = {.command_count = 4};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  unsigned before;
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &four);
  before = h.batches;
  for (int i = 0; i < 4; i++)
    vr_host_post(&h, AB_HCI_LE_RAND, NULL, 0);
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 0);
  vr_expect_idle(radio);
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 4);
  assert_int_equal(h.batches, before + 1);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void closed_it_takes_nothing_and_it_can_be_opened_again(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  vr_host_advertise(&h, AB_HCI_ADV_IND);
  vr_host_post(&h, AB_HCI_LE_RAND, NULL, 0);
  h.t->ops->close(h.t);
  assert_int_equal(h.closed, 1);
  assert_int_equal(h.t->ops->send(h.t, reset, sizeof reset), AIOBLE_ENODEV);
  vr_expect_idle(radio);
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 0);
  vr_host_reopen(&h);
  vr_host_init(&h);
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 0); /* of the time before */
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void unplugged_it_is_lost_once_and_comes_back(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  vr_host_post(&w.central, AB_HCI_LE_RAND, NULL, 0);
  aioble_virtual_controller_unplug(w.central.t);
  assert_int_equal(w.central.lost, 0); /* never inline */
  aioble_virtual_controller_unplug(w.central.t);
  assert_int_equal(w.central.t->ops->send(w.central.t, reset, sizeof reset), AIOBLE_ENODEV);
  vr_run_ms(w.radio, 1);
  assert_int_equal(w.central.lost, 1);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_COMMAND_COMPLETE), 0);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
  w.central.t->ops->close(w.central.t);
  assert_int_equal(w.central.closed, 1);
  vr_host_reopen(&w.central);
  vr_host_init(&w.central);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  assert_int_equal(w.central.lost, 1);
  vr_world_free(&w);
}

static void close_before_lost_was_told_is_enough(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  aioble_virtual_controller_unplug(h.t);
  h.t->ops->close(h.t);
  vr_expect_idle(radio);
  assert_int_equal(h.lost, 0);
  assert_int_equal(h.closed, 1);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void close_inside(vr_host *h) {
  h->on_packet = NULL;
  h->t->ops->close(h->t);
}

static void destroy_inside(vr_host *h) {
  close_inside(h);
  h->t->ops->destroy(h->t);
}

/* the host closes, and releases, from inside the delivery of a packet of every kind */
static void the_host_may_close_and_release_inside_a_delivery(void **state) {
  void (*const what[])(vr_host * h) = {close_inside, destroy_inside};
  vr_world w;

  (void) state;
  for (int i = 0; i < 2; i++) {
    for (int kind = 0; kind < 3; kind++) {
      vr_world_new(&w, NULL, NULL, &(aioble_virtual_controller_options_t){.rx_fragment = 4});
      w.peripheral.on_packet = what[i];
      if (kind == 0)
        assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
      if (kind == 1)
        vr_host_acl(&w.central, w.ch, 0, "0123456789", 10);
      if (kind == 2)
        vr_host_acl(&w.peripheral, w.ph, 0, "0123456789", 10); /* Number Of Completed Packets */
      vr_run_ms(w.radio, 2000);
      assert_null(w.peripheral.on_packet);
      assert_int_equal(w.peripheral.closed, 1);
      if (kind)
        assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_CONNECTION_TIMEOUT);
      vr_host_close(&w.central);
      vr_host_forget(&w.peripheral);
      aioble_virtual_radio_free(w.radio, NULL, NULL);
    }
  }
}

static void answer_inside(vr_host *h) {
  h->on_packet = NULL;
  assert_int_equal(h->t->ops->send(h->t, reset, sizeof reset), 0);
}

static void what_is_sent_inside_a_delivery_is_for_later(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  unsigned before;
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  before = h.batches;
  h.on_packet = answer_inside;
  vr_host_post(&h, AB_HCI_LE_RAND, NULL, 0);
  vr_expect_idle(radio);
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 2);
  assert_int_equal(h.batches, before + 2);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

/* ---- a host that sends and takes nothing ---- */

static void commands_wait_while_their_answers_do(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  aioble_virtual_controller_hold(h.t, true);
  for (int i = 0; i < 3000; i++) {
    vr_host_post(&h, AB_HCI_LE_RAND, NULL, 0);
    vr_expect_idle(radio);
  }
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 0);
  aioble_virtual_controller_hold(h.t, false);
  vr_expect_idle(radio);
  /* those answered, and those queued; the rest found no room */
  assert_int_equal(vr_host_count(&h, AB_HCI_EV_COMMAND_COMPLETE), 1024 + 64);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_RAND, NULL, 0), 0);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void a_peer_cannot_fill_the_queue_without_end(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_hold(w.central.t, true);
  for (uint16_t i = 0; i < 9000; i++) {
    assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_DATA_LENGTH, hci_le_data_length, w.ph,
                           (uint16_t) (27 + i % 2), 2120),
                     0);
    vr_expect_idle(w.radio);
    vr_host_forget(&w.peripheral);
  }
  assert_true(aioble_virtual_stats(w.central.t)->no_memory > 0);
  aioble_virtual_controller_hold(w.central.t, false);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 8192);
  vr_world_free(&w);
}

/* ---- no memory: every allocation fails once ---- */

typedef struct meter {
  unsigned left; /* allocations that still work */
  long live;
} meter;

static void *meter_alloc(void *ctx, size_t size) {
  meter *m = ctx;

  if (!m->left)
    return NULL;
  m->left--;
  m->live++;
  return malloc(size);
}

static void *meter_resize(void *ctx, void *p, size_t size) {
  (void) ctx;
  return realloc(p, size);
}

static void meter_free(void *ctx, void *p) {
  ((meter *) ctx)->live -= p != NULL;
  free(p);
}

static const uint8_t adv[] = {AIOBLE_H4_COMMAND, 0x0a, 0x20, 1, 1};
static const uint8_t scan[] = {AIOBLE_H4_COMMAND, 0x0c, 0x20, 2, 1, 1};

/* LE Create Connection to the first of a radio's public addresses */
static void send_create(aioble_transport_t *t) {
  const ab_hci_le_create_conn p = {.scan_interval = 16,
                                   .scan_window = 16,
                                   .peer_addr = {{0x02, 0xa1, 0x0b, 0x1e, 0, 1}},
                                   .interval_min = 24,
                                   .interval_max = 24,
                                   .supervision_timeout = 100};
  uint8_t packet[4 + ab_hci_le_create_conn_size];
  ab_wr w = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&w, AIOBLE_H4_COMMAND);
  ab_wr_le16(&w, AB_HCI_LE_CREATE_CONN);
  ab_wr_u8(&w, ab_hci_le_create_conn_size);
  ab_hci_le_create_conn_write(&w, &p);
  t->ops->send(t, packet, sizeof packet);
}

/* connects and sends with what memory there is; all that must be is that it ends and is freed */
static void scenario(meter *m) {
  const aioble_allocator_t allocator = {meter_alloc, meter_resize, meter_free, m};
  aioble_virtual_radio_t *radio =
      aioble_virtual_radio_new(&(aioble_virtual_options_t){.allocator = &allocator});
  aioble_transport_t *t[2];
  vr_host h[2];

  if (!radio)
    return;
  for (int i = 0; i < 2; i++) {
    t[i] = aioble_virtual_controller_new(radio, NULL);
    if (!t[i])
      goto done;
    h[i] = (vr_host){.radio = radio, .t = t[i], .count_only = true};
    vr_host_reopen(&h[i]);
  }
  t[0]->ops->send(t[0], adv, sizeof adv);
  t[1]->ops->send(t[1], scan, sizeof scan);
  aioble_virtual_beacon_new(radio, &(aioble_virtual_beacon_options_t){.type = 3});
  send_create(t[1]);
  aioble_virtual_run_until(radio, 3000000);
  for (uint8_t i = 0; i < 2; i++) {
    uint8_t data[] = {AIOBLE_H4_ACL, 1, 0, 1, 0, 9},
            end[] = {AIOBLE_H4_COMMAND, 6, 4, 3, 1, 0, 0x13};

    t[i]->ops->send(t[i], data, sizeof data);
    t[i]->ops->send(t[i], end, sizeof end);
  }
  aioble_virtual_run_until(radio, 6000000);
done:
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void without_memory_nothing_breaks_and_nothing_leaks(void **state) {
  meter m = {.left = UINT32_MAX};
  unsigned used;

  (void) state;
  scenario(&m);
  used = UINT32_MAX - m.left;
  assert_int_equal(m.live, 0);
  assert_true(used > 10);
  for (unsigned i = 0; i < used; i++) {
    m.left = i;
    scenario(&m);
    assert_int_equal(m.live, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opening_twice_is_refused),
      cmocka_unit_test(a_batch_ends_once_behind_its_packets),
      cmocka_unit_test(closed_it_takes_nothing_and_it_can_be_opened_again),
      cmocka_unit_test(unplugged_it_is_lost_once_and_comes_back),
      cmocka_unit_test(close_before_lost_was_told_is_enough),
      cmocka_unit_test(the_host_may_close_and_release_inside_a_delivery),
      cmocka_unit_test(what_is_sent_inside_a_delivery_is_for_later),
      cmocka_unit_test(commands_wait_while_their_answers_do),
      cmocka_unit_test(a_peer_cannot_fill_the_queue_without_end),
      cmocka_unit_test(without_memory_nothing_breaks_and_nothing_leaks),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
