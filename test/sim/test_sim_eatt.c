/* SPDX-License-Identifier: MIT */
/* Enhanced ATT between whole stacks. But for the first tests the link's security is set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/eatt_pair.h"

enum { LONG = 300 };

static uint64_t refused(aioble_t *ble) {
  aioble_stats_t stats;

  aioble_stats(ble, &stats);
  return stats.eatt_refused;
}

static uint64_t malformed(const eatt_pair *p) {
  aioble_stats_t a, b;

  aioble_stats(p->a, &a);
  aioble_stats(p->b, &b);
  return a.att_malformed + b.att_malformed + a.l2cap_dropped + b.l2cap_dropped;
}

/* ---- coming about ---- */

static void pairing_and_a_bond_open_bearers(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 3, 0);
  sim_run_ms(&p.s, 1000);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  sim_expect(aioble_conn_pair(p.at_a, NULL), 0);
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  sim_expect(aioble_conn_disconnect(p.at_a), 0);
  sim_expect(aioble_conn_disconnected(p.at_b), 0);
  assert_int_equal(aioble_conn_bearers(p.at_a), 0);
  aioble_conn_unref(p.at_a);
  aioble_conn_unref(p.at_b);
  sim_connect(p.a, p.b, &p.at_a, &p.at_b);
  eatt_pair_find(&p); /* the cache of a bonded peer sets a feature, too */
  sim_run_ms(&p.s, 500);
  assert_int_equal(p.at_b->server.features, AB_GATT_ROBUST_CACHING | AB_GATT_EATT);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  assert_int_equal(malformed(&p), 0);
  eatt_pair_close(&p);
}

static void bearers_open_once_the_link_is_encrypted(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 3, 0);
  sim_run_ms(&p.s, 1000);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_null(p.at_a->eatt);
  eatt_encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  assert_int_equal(p.at_b->server.features, AB_GATT_EATT);
  assert_int_equal(eatt_bearer(p.at_a, 0)->mtu, 517);
  assert_int_equal(refused(p.a) + refused(p.b), 0);
  eatt_encrypt(&p); /* again: nothing new */
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(malformed(&p), 0);
  sim_expect(aioble_conn_disconnect(p.at_a), 0);
  assert_int_equal(refused(p.a) + refused(p.b), 0);
  eatt_pair_close(&p);
}

static void other_features_of_the_client_stay_set(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 2, 2, 0);
  p.at_b->server.features = AB_GATT_ROBUST_CACHING;
  eatt_encrypt(&p);
  assert_int_equal(p.at_b->server.features, AB_GATT_ROBUST_CACHING | AB_GATT_EATT);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  eatt_pair_close(&p);
}

static void of_a_peer_without_it_nothing_is_asked(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 0, 0);
  eatt_encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_int_equal(p.at_b->server.features, 0);
  assert_int_equal(refused(p.a), 0);
  eatt_pair_find(&p);
  assert_null(eatt_channel(p.at_a, 0));
  eatt_pair_close(&p);
}

static void who_has_it_switched_off_does_not_ask(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 0, 3, 0);
  eatt_encrypt(&p);
  assert_null(p.at_a->eatt);
  assert_null(p.at_b->eatt);
  assert_int_equal(p.at_b->server.features, 0);
  eatt_pair_close(&p);
}

static void fewer_than_wanted_are_used(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 9, 2, 0);
  assert_int_equal(p.a->options.eatt, 5);
  eatt_encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  assert_int_equal(refused(p.a), 3);
  eatt_pair_find(&p);
  eatt_pair_close(&p);
}

static void on_a_link_that_the_peer_finds_insecure_all_are_refused(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 3, 0);
  eatt_secure(p.at_a);
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_int_equal(aioble_conn_bearers(p.at_b), 1);
  assert_null(eatt_channel(p.at_a, 0));
  assert_int_equal(refused(p.a), 3);
  eatt_pair_find(&p);
  eatt_pair_close(&p);
}

/* ---- channels of another owner, to the same EATT_PSM ---- */

typedef struct raw {
  ab_l2cap_chan chan;
  unsigned opened, ended, closed;
  int status;
  uint8_t got[64];
  size_t len;
  unsigned sdus;
} raw;

static void raw_open(ab_l2cap_chan *chan) {
  ab_container_of(chan, raw, chan)->opened++;
}

static bool raw_sdu(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  raw *r = ab_container_of(chan, raw, chan);

  r->sdus++;
  r->len = len < sizeof r->got ? len : sizeof r->got;
  memcpy(r->got, sdu, r->len);
  return true;
}

static void raw_kept(ab_l2cap_chan *chan) {
  (void) chan;
}

static void raw_end(ab_l2cap_chan *chan, int status) {
  ab_container_of(chan, raw, chan)->ended++;
  ab_container_of(chan, raw, chan)->status = status;
}

static void raw_closed(ab_l2cap_chan *chan) {
  ab_container_of(chan, raw, chan)->closed++;
}

static const ab_l2cap_chan_events raw_events = {raw_open, raw_sdu, raw_kept, raw_end, raw_closed};

static void raw_connect(aioble_conn_t *conn, raw *r, unsigned n, ab_l2cap_sizes sizes) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH];

  for (unsigned i = 0; i < n; i++) {
    r[i] = (raw){0};
    ab_l2cap_chan_init(&r[i].chan, &raw_events, &sizes);
    chans[i] = &r[i].chan;
  }
  (void) ab_host_touch(conn->ble);
  assert_int_equal(ab_l2cap_connect(&conn->l2cap, EATT_PSM, true, chans, n), 0);
}

static void raw_sent(ab_l2cap_sdu *sdu, int status) {
  (void) sdu;
  (void) status;
}

/* sends one SDU and runs for a while */
static void raw_send(eatt_pair *p, aioble_conn_t *conn, raw *r, const void *data, size_t len) {
  ab_l2cap_sdu sdu;

  (void) ab_host_touch(conn->ble);
  assert_int_equal(ab_l2cap_send_sdu(&r->chan, &sdu, data, len, 0, raw_sent), 0);
  sim_run_ms(&p->s, 100);
}

static void when_both_ask_at_once_the_central_asks_again(void **state) {
  raw theirs[2];
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 3, 0);
  eatt_secure(p.at_a);
  while (refused(p.a) == 0 && !eatt_channel(p.at_a, 0))
    assert_true(aioble_virtual_run_once(p.s.radio));
  raw_connect(p.at_b, theirs, 2, (ab_l2cap_sizes){0}); /* b refuses ours, and we theirs */
  while (refused(p.a) == 0)
    assert_true(aioble_virtual_run_once(p.s.radio));
  eatt_secure(p.at_b);
  sim_run_ms(&p.s, 1000);
  assert_int_equal(theirs[0].status, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_RESOURCES));
  assert_int_equal(theirs[0].closed + theirs[1].closed, 2);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  eatt_pair_close(&p);
}

static void the_peers_channels_take_our_places(void **state) {
  raw theirs[5];
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 3, 0, 0);
  eatt_secure(p.at_a);
  sim_run_ms(&p.s, 500);
  raw_connect(p.at_b, theirs, 5, (ab_l2cap_sizes){0});
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  for (unsigned i = 0; i < 5; i++)
    assert_int_equal(theirs[i].opened, i < 3);
  assert_int_equal(theirs[4].status, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_RESOURCES));
  (void) ab_host_touch(p.b);
  ab_l2cap_disconnect(&theirs[1].chan);
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  raw_connect(p.at_b, &theirs[1], 1, (ab_l2cap_sizes){0});
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  eatt_pair_close(&p);
}

/* GATT/SR/GAR over an enhanced bearer, PDU by PDU */
static void a_bearer_is_a_server_whose_mtu_is_its_channels(void **state) {
  static const uint8_t exchange[] = {AB_ATT_MTU_REQ, 0x05, 0x02};
  static const uint8_t read[] = {AB_ATT_READ_REQ, 0x03, 0x00};
  raw r;
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 1, 0, 0);
  aioble_config_set(p.a, "gap_name",
                    "a name of more than sixty-four octets, so that it does not fit into the least "
                    "MTU of such a bearer");
  eatt_secure(p.at_a);
  raw_connect(p.at_b, &r, 1, (ab_l2cap_sizes){.mtu = 64, .mps = 64, .credits = 10});
  sim_run_ms(&p.s, 500);
  assert_int_equal(r.opened, 1);
  assert_int_equal(eatt_bearer(p.at_a, 0)->mtu, 64);
  raw_send(&p, p.at_b, &r, exchange, sizeof exchange);
  assert_int_equal(r.sdus, 1);
  assert_int_equal(r.len, 5);
  assert_memory_equal(r.got, "\x01\x02\x00\x00\x06", 5);
  assert_int_equal(eatt_bearer(p.at_a, 0)->mtu, 64);
  raw_send(&p, p.at_b, &r, read, sizeof read);
  assert_int_equal(r.sdus, 2);
  assert_int_equal(r.got[0], AB_ATT_READ_RSP);
  assert_int_equal(r.len, 64);
  eatt_pair_close(&p);
}

static void who_asks_on_and_takes_no_answers_loses_the_bearer(void **state) {
  static const uint8_t read[] = {AB_ATT_READ_REQ, 0x03, 0x00};
  raw r;
  eatt_pair p;

  (void) state;
  eatt_pair_open(&p, 1, 0, 0);
  eatt_secure(p.at_a);
  raw_connect(p.at_b, &r, 1, (ab_l2cap_sizes){.mtu = 64, .mps = 64, .credits = 1});
  sim_run_ms(&p.s, 500);
  r.chan.ours.credits = 0; /* no more are given */
  for (unsigned i = 0; i < 6 && !r.ended; i++) {
    assert_int_equal(aioble_conn_bearers(p.at_a), 2);
    raw_send(&p, p.at_b, &r, read, sizeof read);
  }
  assert_int_equal(r.ended, 1);
  assert_int_equal(r.sdus, 1);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_true(aioble_conn_is_connected(p.at_a));
  assert_int_equal(malformed(&p), 1);
  eatt_pair_close(&p);
}

/* ---- requests ---- */

static void slow_reads_are_answered_out_of_order(void **state) {
  sim_watch slow, quick, last;
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  p.slow = true;
  sim_watch_op(&slow, aioble_client_char_read(p.found[0]));
  sim_watch_op(&quick, aioble_client_char_read(p.found[1]));
  sim_watch_op(&last, aioble_client_char_read(p.found[0]));
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 3);
  eatt_answer(&p, 1, "quick");
  sim_watch_expect(&quick, 0);
  assert_int_equal(slow.calls, 0);
  eatt_answer(&p, 2, "last");
  assert_int_equal(aioble_op_await(last.op), 0);
  assert_memory_equal(aioble_op_value(last.op).data, "last", 4);
  sim_watch_end(&last);
  assert_int_equal(slow.calls, 0);
  eatt_answer(&p, 0, "slow");
  assert_int_equal(aioble_op_await(slow.op), 0);
  assert_memory_equal(aioble_op_value(slow.op).data, "slow", 4);
  sim_watch_end(&slow);
  assert_int_equal(malformed(&p), 0);
  eatt_pair_close(&p);
}

static void the_fifth_request_waits_in_the_shortest_line(void **state) {
  sim_watch reads[EATT_LATER];
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  p.slow = true;
  for (unsigned i = 0; i < 6; i++)
    sim_watch_op(&reads[i], aioble_client_char_read(p.found[i]));
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 4);
  for (unsigned i = 0; i < 3; i++)
    assert_true(eatt_bearer(p.at_a, i)->requests.busy);
  eatt_answer(&p, 0, "0");
  eatt_answer(&p, 1, "1");
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 6);
  for (unsigned i = 2; i < 6; i++)
    eatt_answer(&p, i, "x");
  for (unsigned i = 0; i < 6; i++)
    sim_watch_expect(&reads[i], 0);
  eatt_pair_close(&p);
}

static void expect_written(eatt_pair *p, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    aioble_op_t *op = sim_ok(aioble_capture_next(p->capture));

    assert_int_equal(aioble_op_value(op).data[0], i);
    aioble_op_unref(op);
  }
}

static void writes_of_one_attribute_keep_their_order(void **state) {
  sim_watch writes[16];
  uint8_t value[LONG] = {0};
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  for (unsigned k = 0; k < EATT_CHARS; k++) {
    for (unsigned i = 0; i < 16; i++) {
      value[0] = (uint8_t) i;
      sim_watch_op(&writes[i], aioble_client_char_write(p.found[k], value, i % 2 ? 1 : LONG,
                                                        AIOBLE_WRITE_REQUEST));
    }
    for (unsigned i = 0; i < 16; i++)
      sim_watch_expect(&writes[i], 0);
    expect_written(&p, 16);
  }
  eatt_pair_close(&p);
}

/* … also those that wait on the unenhanced bearer when the others open */
static void writes_are_not_overtaken_by_those_on_a_new_bearer(void **state) {
  sim_watch writes[16];
  eatt_pair p;

  (void) state;
  for (unsigned k = 0; k < EATT_CHARS; k++) {
    unsigned n = 0;

    eatt_pair_open(&p, 3, 3, 0);
    eatt_pair_find(&p);
    eatt_secure(p.at_b);
    eatt_secure(p.at_a);
    while (n < 16) {
      uint8_t value = (uint8_t) n;

      sim_watch_op(&writes[n++],
                   aioble_client_char_write(p.found[k], &value, 1, AIOBLE_WRITE_REQUEST));
      for (unsigned i = 0; i < 3; i++)
        (void) aioble_virtual_run_once(p.s.radio);
    }
    for (unsigned i = 0; i < 16; i++)
      sim_watch_expect(&writes[i], 0);
    expect_written(&p, 16);
    assert_int_equal(aioble_conn_bearers(p.at_a), 4);
    eatt_pair_close(&p);
  }
}

static void long_values_and_discovery_are_whole(void **state) {
  uint8_t value[512];
  aioble_discovery_t *all;
  aioble_op_t *op;
  unsigned n = 0;
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  for (unsigned i = 0; i < sizeof value; i++)
    value[i] = (uint8_t) (i * 7);
  assert_int_equal(aioble_config_set(p.a, "mtu", "100"), 0);
  sim_expect(aioble_client_char_write(p.found[0], value, sizeof value, AIOBLE_WRITE_REQUEST), 0);
  op = sim_ok(aioble_client_char_read(p.found[0]));
  assert_int_equal(aioble_op_value(op).len, sizeof value);
  assert_memory_equal(aioble_op_value(op).data, value, sizeof value);
  aioble_op_unref(op);
  all = aioble_conn_services(p.at_a, NULL);
  while ((op = aioble_discovery_next(all), aioble_op_await(op)) == 0) {
    n++;
    aioble_op_unref(op);
  }
  assert_int_equal(aioble_op_status(op), AIOBLE_EOF);
  aioble_op_unref(op);
  aioble_discovery_unref(all);
  assert_int_equal(n, 3);
  assert_int_equal(malformed(&p), 0);
  eatt_pair_close(&p);
}

/* ---- values ---- */

static void subscribe_all(eatt_pair *p, unsigned what) {
  for (unsigned i = 0; i < EATT_CHARS; i++)
    sim_expect(aioble_client_char_subscribe(p->found[i], what), 0);
}

static void indications_of_several_values_do_not_wait_for_each_other(void **state) {
  sim_watch indications[EATT_CHARS][2];
  unsigned busy = 0;
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  subscribe_all(&p, AIOBLE_SUBSCRIBE_INDICATE);
  for (unsigned i = 0; i < EATT_CHARS; i++)
    for (unsigned k = 0; k < 2; k++)
      sim_watch_op(&indications[i][k], aioble_char_indicate(p.chars[i], p.at_b, k ? "2" : "1", 1));
  for (unsigned i = 0; i < 3; i++)
    busy += eatt_bearer(p.at_b, i)->indications.busy;
  assert_int_equal(busy, 3);
  assert_true(p.at_b->att.indications.busy);
  for (unsigned i = 0; i < EATT_CHARS; i++)
    for (unsigned k = 0; k < 2; k++) {
      aioble_op_t *op = sim_ok(aioble_client_char_indicated(p.found[i]));

      assert_int_equal(aioble_op_value(op).data[0], '1' + k);
      aioble_op_unref(op);
      sim_watch_expect(&indications[i][k], 0);
    }
  eatt_pair_close(&p);
}

static void notifications_come_in_their_order(void **state) {
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  subscribe_all(&p, AIOBLE_SUBSCRIBE_NOTIFY);
  for (unsigned k = 0; k < 10; k++)
    for (unsigned i = 0; i < EATT_CHARS; i++)
      assert_int_equal(aioble_char_try_notify(p.chars[i], p.at_b, &(uint8_t){(uint8_t) k}, 1), 0);
  for (unsigned i = 0; i < EATT_CHARS; i++)
    for (unsigned k = 0; k < 10; k++) {
      aioble_op_t *op = sim_ok(aioble_client_char_notified(p.found[i]));

      assert_int_equal(aioble_op_value(op).data[0], k);
      aioble_op_unref(op);
    }
  eatt_pair_close(&p);
}

/* ---- ends ---- */

/* four slow reads, one on each bearer: the unenhanced one first */
static void four_slow_reads(eatt_pair *p, sim_watch *reads) {
  p->slow = true;
  for (unsigned i = 0; i < 4; i++) {
    sim_watch_op(&reads[i], aioble_client_char_read(p->found[i]));
    aioble_op_set_timeout(reads[i].op, AIOBLE_FOREVER);
  }
  sim_run_ms(&p->s, 200);
  assert_int_equal(p->n_later, 4);
}

static void a_closed_channel_ends_what_was_on_it(void **state) {
  sim_watch reads[4];
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  (void) ab_host_touch(p.b);
  ab_l2cap_disconnect(eatt_channel(p.at_b, 1));
  sim_watch_expect(&reads[2], AIOBLE_ENOTCONN);
  assert_int_equal(reads[0].calls + reads[1].calls + reads[3].calls, 0);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  for (unsigned i = 0; i < 4; i++)
    eatt_answer(&p, i, "x");
  for (unsigned i = 0; i < 4; i++)
    if (i != 2)
      sim_watch_expect(&reads[i], 0);
  p.slow = false;
  sim_expect(aioble_client_char_write(p.found[0], "on", 2, AIOBLE_WRITE_REQUEST), 0);
  eatt_pair_close(&p);
}

static void a_bearer_that_breaks_leaves_the_link(void **state) {
  sim_watch reads[4];
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  for (unsigned i = 0; i < 4; i++)
    if (i != 3)
      eatt_answer(&p, i, "x");
  for (unsigned i = 0; i < 3; i++)
    sim_watch_expect(&reads[i], 0);
  sim_run_ms(&p.s, 29000);
  assert_int_equal(reads[3].calls, 0);
  sim_run_ms(&p.s, 1000);
  sim_watch_expect(&reads[3], AIOBLE_ETIMEDOUT);
  assert_true(aioble_conn_is_connected(p.at_a));
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  eatt_answer(&p, 3, "too late");
  sim_run_ms(&p.s, 31000);
  assert_true(aioble_conn_is_connected(p.at_a));
  eatt_pair_close(&p);
}

static void the_unenhanced_bearer_that_breaks_ends_the_link(void **state) {
  sim_watch reads[4];
  eatt_pair p;

  (void) state;
  eatt_pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  for (unsigned i = 1; i < 4; i++)
    eatt_answer(&p, i, "x");
  sim_watch_expect(&reads[0], AIOBLE_ETIMEDOUT);
  for (unsigned i = 1; i < 4; i++)
    sim_watch_expect(&reads[i], 0);
  sim_run_ms(&p.s, 500);
  assert_false(aioble_conn_is_connected(p.at_a));
  eatt_answer(&p, 0, "too late");
  eatt_pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairing_and_a_bond_open_bearers),
      cmocka_unit_test(bearers_open_once_the_link_is_encrypted),
      cmocka_unit_test(other_features_of_the_client_stay_set),
      cmocka_unit_test(of_a_peer_without_it_nothing_is_asked),
      cmocka_unit_test(who_has_it_switched_off_does_not_ask),
      cmocka_unit_test(fewer_than_wanted_are_used),
      cmocka_unit_test(on_a_link_that_the_peer_finds_insecure_all_are_refused),
      cmocka_unit_test(when_both_ask_at_once_the_central_asks_again),
      cmocka_unit_test(the_peers_channels_take_our_places),
      cmocka_unit_test(a_bearer_is_a_server_whose_mtu_is_its_channels),
      cmocka_unit_test(who_asks_on_and_takes_no_answers_loses_the_bearer),
      cmocka_unit_test(slow_reads_are_answered_out_of_order),
      cmocka_unit_test(the_fifth_request_waits_in_the_shortest_line),
      cmocka_unit_test(writes_of_one_attribute_keep_their_order),
      cmocka_unit_test(writes_are_not_overtaken_by_those_on_a_new_bearer),
      cmocka_unit_test(long_values_and_discovery_are_whole),
      cmocka_unit_test(indications_of_several_values_do_not_wait_for_each_other),
      cmocka_unit_test(notifications_come_in_their_order),
      cmocka_unit_test(a_closed_channel_ends_what_was_on_it),
      cmocka_unit_test(a_bearer_that_breaks_leaves_the_link),
      cmocka_unit_test(the_unenhanced_bearer_that_breaks_ends_the_link),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
