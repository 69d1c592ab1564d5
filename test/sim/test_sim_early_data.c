/* SPDX-License-Identifier: MIT */
/*
 * Data that overtakes the event about its encryption, as it may over USB: pairing and everything
 * after it work all the same, and what came in the clear is not taken for more.
 */
#include "helpers/strict_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LATE_US = 3000, TOO_LATE_US = 40000 };

typedef struct lateness {
  uint32_t client_us, server_us;
} lateness;

static const lateness late[] = {{LATE_US, 0}, {0, LATE_US}, {LATE_US, LATE_US}};
enum { LATENESSES = sizeof late / sizeof *late };

static aioble_transport_t *controller(strict_pair *p, const aioble_t *ble) {
  return sim_stack_of(&p->s, ble)->controller;
}

static void delay(strict_pair *p, const lateness *l) {
  aioble_virtual_controller_delay_encryption(controller(p, p->client), l->client_us);
  aioble_virtual_controller_delay_encryption(controller(p, p->server), l->server_us);
}

static void set_up(strict_pair *p) {
  strict_pair_open(p, &(aioble_options_t){.auto_secure = AIOBLE_AUTO_SECURE_NEVER});
  assert_int_equal(aioble_config_set(p->client, "le_secure", "false"), 0);
  assert_int_equal(aioble_config_set(p->server, "le_secure", "false"), 0);
  strict_pair_meet(p, true);
}

static void keys_are_distributed_and_requests_answered(void **state) {
  (void) state;
  for (unsigned i = 0; i < LATENESSES * 4; i++) { /* legacy or not, who asks */
    aioble_pair_options_t options = {.le_secure = i & 1 ? AIOBLE_LE_SECURE_REQUIRED
                                                        : AIOBLE_LE_SECURE_NEVER};
    sim_watch pairing, reading[2];
    aioble_conn_t *asks;
    strict_pair p;

    set_up(&p);
    asks = i & 2 ? p.at_client : p.at_server;
    delay(&p, &late[i / 4]);
    for (unsigned again = 0; again < 2;
         again++) { /* the second time the link is encrypted already */
      options.bond = again ? AIOBLE_YES : AIOBLE_NO;
      sim_watch_op(&pairing, aioble_conn_pair(asks, &options));
      sim_watch_expect(&pairing, 0);
    }
    sim_watch_op(&reading[0], strict_read(&p));
    sim_watch_op(&reading[1], aioble_conn_read_by_uuid(p.at_server, AIOBLE_UUID16(0x2a00)));
    sim_watch_expect(&reading[0], 0);
    sim_watch_expect(&reading[1], 0);
    sim_run_ms(&p.s, 100);
    assert_int_equal(aioble_bonds(p.client, NULL, 0), 1);
    assert_int_equal(aioble_bonds(p.server, NULL, 0), 1);
    strict_pair_close(&p);
  }
}

/* the client asks as soon as it may: before its peer knows */
static void a_bonded_peer_s_first_request_is_served(void **state) {
  (void) state;
  for (unsigned i = 0; i < LATENESSES; i++) {
    strict_pair p;

    set_up(&p);
    sim_expect(aioble_conn_pair(p.at_client, NULL), 0);
    sim_run_ms(&p.s, 100);
    for (unsigned again = 0; again < 2; again++) {
      sim_expect(aioble_conn_disconnect(p.at_client), 0);
      strict_pair_part(&p);
      sim_run_ms(&p.s, 100);
      delay(&p, &late[i]);
      sim_connect(p.client, p.server, &p.at_client, &p.at_server);
      sim_expect(aioble_conn_read_by_uuid(p.at_client, AIOBLE_UUID16(0x2a11)), 0);
      assert_int_equal(p.at_server->att.malformed + p.at_client->att.malformed, 0);
    }
    strict_pair_close(&p);
  }
}

/* an event that late has been lost: nothing waits for it for ever */
static void nothing_is_held_for_long(void **state) {
  sim_watch watch;
  strict_pair p;

  (void) state;
  set_up(&p);
  sim_expect(aioble_conn_pair(p.at_client, NULL), 0);
  sim_run_ms(&p.s, 100);
  sim_expect(aioble_conn_disconnect(p.at_client), 0);
  strict_pair_part(&p);
  sim_run_ms(&p.s, 100);
  delay(&p, &(lateness){.server_us = TOO_LATE_US});
  sim_connect(p.client, p.server, &p.at_client, &p.at_server);
  sim_watch_op(&watch, aioble_conn_read_by_uuid(p.at_client, AIOBLE_UUID16(0x2a11)));
  sim_watch_expect(&watch, AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_ENCRYPTION));
  assert_true(sim_stats(p.server).early_released > 0);
  sim_run_ms(&p.s, 100);
  sim_expect(aioble_conn_read_by_uuid(p.at_client, AIOBLE_UUID16(0x2a11)), 0);
  strict_pair_close(&p);
}

/* the 16 that are held at most, and one more: nothing is lost, nor out of order */
static void more_than_can_be_held_is_not(void **state) {
  uint8_t packet[] = {AIOBLE_H4_ACL, 0, 0x20, 5, 0, 1, 0, 4, 0, AB_ATT_CONFIRMATION};
  strict_pair p;

  (void) state;
  set_up(&p);
  ab_host_early_begin(p.at_client);
  packet[1] = (uint8_t) p.at_client->link.hci.handle;
  packet[2] |= (uint8_t) (p.at_client->link.hci.handle >> 8);
  for (unsigned i = 0; i < 16; i++)
    assert_int_equal(
        aioble_virtual_controller_inject(controller(&p, p.client), packet, sizeof packet), 0);
  sim_run_ms(&p.s, 1);
  assert_int_equal(p.at_client->att.malformed, 0); /* confirmations of nothing */
  assert_int_equal(p.at_client->early.n, 16);
  assert_int_equal(
      aioble_virtual_controller_inject(controller(&p, p.client), packet, sizeof packet), 0);
  sim_run_ms(&p.s, 1);
  assert_int_equal(p.at_client->att.malformed, 17);
  assert_int_equal(p.at_client->early.n, 0);
  assert_int_equal(sim_stats(p.client).early_released, 17);
  assert_int_equal(
      aioble_virtual_controller_inject(controller(&p, p.client), packet, sizeof packet), 0);
  sim_run_ms(&p.s, 3);
  assert_int_equal(p.at_client->att.malformed, 17);
  sim_expect(aioble_conn_disconnect(p.at_client), 0); /* what is held goes with the link */
  assert_int_equal(p.at_client->att.malformed, 17);
  strict_pair_close(&p);
}

static void nothing_is_held_when_there_is_no_encryption_after_all(void **state) {
  strict_pair p;

  (void) state;
  set_up(&p);
  ab_host_early_begin(p.at_client);
  sim_run_ms(&p.s, 40000);
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
  ab_host_early_begin(p.at_server);
  sim_run_ms(&p.s, 40000);
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
  {
    uint64_t before = aioble_virtual_now_us(p.s.radio);

    sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
    assert_int_equal(aioble_virtual_now_us(p.s.radio), before); /* not a moment, from then on */
  }
  strict_pair_close(&p);
}

static void on_notify(aioble_client_char_t *chr, aioble_bytes_t value, bool indication,
                      void *user) {
  (void) chr;
  (void) value;
  (void) indication;
  ++*(unsigned *) user;
}

/* of a bonded peer, before the link is encrypted: a real link takes longer for that than we hold it
 */
static void what_came_in_the_clear_is_not_believed(void **state) {
  uint8_t packet[] = {AIOBLE_H4_ACL, 0, 0x20, 8, 0, 4, 0, 4, 0, AB_ATT_NOTIFICATION, 0, 0, 'x'};
  unsigned told = 0;
  aioble_op_t *connecting, *advertising;
  aioble_device_t *device;
  uint16_t handle;
  strict_pair p;

  (void) state;
  set_up(&p);
  handle = aioble_client_char_handle(p.found[0]);
  sim_expect(aioble_conn_pair(p.at_client, NULL), 0);
  sim_run_ms(&p.s, 100);
  sim_expect(aioble_conn_disconnect(p.at_client), 0);
  strict_pair_part(&p);
  sim_run_ms(&p.s, 100);
  delay(&p, &(lateness){.client_us = 7500}); /* as long as the shortest interval */
  device = sim_device(p.client, p.server);
  advertising = aioble_advertise(p.server, NULL);
  connecting = aioble_device_connect(device, NULL);
  while (!ab_list_first(&p.client->conns) ||
         ab_container_of(ab_list_first(&p.client->conns), aioble_conn_t, node)->secured !=
             AIOBLE_EAGAIN)
    assert_true(aioble_virtual_run_once(p.s.radio));
  p.at_client =
      aioble_conn_ref(ab_container_of(ab_list_first(&p.client->conns), aioble_conn_t, node));
  packet[1] = (uint8_t) p.at_client->link.hci.handle;
  packet[10] = (uint8_t) handle;
  assert_int_equal(
      aioble_virtual_controller_inject(controller(&p, p.client), packet, sizeof packet), 0);
  sim_ok(connecting);
  p.at_server = aioble_conn_ref(aioble_op_conn(sim_ok(advertising)));
  assert_int_equal(p.at_client->client.early_dropped, 1);
  strict_pair_find(&p);
  aioble_client_char_on_notify(p.found[0], on_notify, &told);
  sim_run_ms(&p.s, 100);
  assert_int_equal(told, 0);
  aioble_op_unref(connecting);
  aioble_op_unref(advertising);
  aioble_device_unref(device);
  strict_pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_are_distributed_and_requests_answered),
      cmocka_unit_test(a_bonded_peer_s_first_request_is_served),
      cmocka_unit_test(nothing_is_held_for_long),
      cmocka_unit_test(more_than_can_be_held_is_not),
      cmocka_unit_test(nothing_is_held_when_there_is_no_encryption_after_all),
      cmocka_unit_test(what_came_in_the_clear_is_not_believed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
