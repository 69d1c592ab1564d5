/* SPDX-License-Identifier: MIT */
/* Enhanced ATT between whole stacks. The links' security is set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_server.h"
#include "helpers/sim.h"

enum { PSM = 0x27, CHARS = 12, LATER = 8, LONG = 300 };

/* a connects to b, whose server may answer reads and writes later */
typedef struct pair {
  sim s;
  aioble_t *a, *b;
  aioble_conn_t *at_a, *at_b;
  aioble_char_t *chars[CHARS];
  aioble_client_char_t *found[CHARS];
  ab_gatt_late later[LATER]; /* in the order of the requests */
  unsigned n_later;
  bool slow; /* reads are answered later */
  ab_gatt_value_ops slow_ops;
  aioble_capture_t *capture;
} pair;

/* ---- the server ---- */

static int read_later(ab_gatt_value *value, ab_gatt_access *access) {
  ab_local *local = ab_container_of(value, ab_local, value);
  pair *p = ((sim_stack *) aioble_user(local->chr->service->ble))->user;

  if (!p->slow)
    return 0;
  assert_true(p->n_later < LATER);
  ab_gatt_late_begin(&p->later[p->n_later++], access);
  return AB_ATT_LATER;
}

static void serve(pair *p) {
  aioble_service_t *service = aioble_service_new(p->b, AIOBLE_UUID16(0x181a));

  sim_stack_of(&p->s, p->b)->user = p;
  p->capture = aioble_capture_new(p->b, 0);
  for (unsigned i = 0; i < CHARS; i++)
    p->chars[i] = aioble_char_new(
        service, aioble_uuid16((uint16_t) (0x2a00 + i)),
        AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE,
        &(aioble_char_options_t){
            .max_len = 512, .capture_to = p->capture});
  assert_int_equal(aioble_register_services(p->b, &service, 1), 0);
  p->slow_ops = *p->chars[0]->local.value.ops;
  p->slow_ops.read = read_later;
  for (unsigned i = 0; i < CHARS; i++)
    p->chars[i]->local.value.ops = &p->slow_ops;
  aioble_service_unref(service);
}

/* harmless when the client has gone */
static void answer(pair *p, unsigned i, const char *text) {
  (void) ab_host_touch(p->b);
  ab_gatt_late_answer(&p->later[i], 0, text, strlen(text));
}

/* ---- the pair ---- */

static void pair_open(pair *p, unsigned eatt_a, unsigned eatt_b) {
  memset(p, 0, sizeof *p);
  sim_open(&p->s, NULL);
  p->a = sim_stack_new(&p->s, &(aioble_options_t){.eatt = eatt_a}, NULL);
  p->b = sim_stack_new(&p->s, &(aioble_options_t){.eatt = eatt_b}, NULL);
  serve(p);
  sim_connect(p->a, p->b, &p->at_a, &p->at_b);
}

static void secure(aioble_conn_t *conn) {
  conn->l2cap.security = (ab_l2cap_security){.keyed = true, .encrypted = true, .key_size = 16};
  ab_gatt_server_link_security(&conn->server,
                               (ab_gatt_security){.level = AB_GATT_LEVEL_ENCRYPTED, .key_size = 16});
  (void) ab_host_touch(conn->ble);
  ab_host_eatt_encrypted(conn);
}

static void encrypt(pair *p) {
  secure(p->at_b);
  secure(p->at_a);
  sim_run_ms(&p->s, 500);
}

static void find_chars(pair *p) {
  aioble_op_t *service = sim_ok(aioble_conn_service(p->at_a, AIOBLE_UUID16(0x181a)));

  for (unsigned i = 0; i < CHARS; i++) {
    aioble_op_t *op = sim_ok(aioble_client_service_char(aioble_op_service(service),
                                                        aioble_uuid16((uint16_t) (0x2a00 + i))));

    p->found[i] = aioble_client_char_ref(aioble_op_char(op));
    aioble_op_unref(op);
  }
  aioble_op_unref(service);
}

/* with n enhanced bearers, and everything found */
static void pair_ready(pair *p, unsigned n) {
  pair_open(p, n, n);
  encrypt(p);
  assert_int_equal(aioble_conn_bearers(p->at_a), 1 + n);
  assert_int_equal(aioble_conn_bearers(p->at_b), 1 + n);
  find_chars(p);
}

static void pair_close(pair *p) {
  for (unsigned i = 0; i < CHARS; i++)
    aioble_client_char_unref(p->found[i]);
  aioble_capture_unref(p->capture);
  aioble_conn_unref(p->at_a);
  aioble_conn_unref(p->at_b);
  sim_close(&p->s);
}

static uint64_t refused(aioble_t *ble) {
  aioble_stats_t stats;

  aioble_stats(ble, &stats);
  return stats.eatt_refused;
}

static uint64_t malformed(const pair *p) {
  aioble_stats_t a, b;

  aioble_stats(p->a, &a);
  aioble_stats(p->b, &b);
  return a.att_malformed + b.att_malformed + a.l2cap_dropped + b.l2cap_dropped;
}

static ab_att *bearer(aioble_conn_t *conn, unsigned i) {
  assert_non_null(conn->att.group);
  return conn->att.group->at[i];
}

/* an enhanced bearer's channel, found by its owner's place among the link's channels */
static ab_l2cap_chan *channel(aioble_conn_t *conn, unsigned i) {
  for (unsigned k = 0; k < AB_L2CAP_CHANS; k++)
    if (conn->l2cap.chans[k] && conn->l2cap.chans[k]->psm == PSM && i-- == 0)
      return conn->l2cap.chans[k];
  return NULL;
}

/* ---- coming about ---- */

static void bearers_open_once_the_link_is_encrypted(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 3, 3);
  sim_run_ms(&p.s, 1000);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_null(p.at_a->eatt);
  encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  assert_int_equal(p.at_b->server.features, AB_GATT_EATT);
  assert_int_equal(bearer(p.at_a, 0)->mtu, 517);
  assert_int_equal(refused(p.a) + refused(p.b), 0);
  encrypt(&p); /* again: nothing new */
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(malformed(&p), 0);
  sim_expect(aioble_conn_disconnect(p.at_a), 0);
  assert_int_equal(aioble_conn_bearers(p.at_a), 0);
  assert_int_equal(refused(p.a) + refused(p.b), 0);
  pair_close(&p);
}

static void other_features_of_the_client_stay_set(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 2, 2);
  p.at_b->server.features = AB_GATT_ROBUST_CACHING;
  encrypt(&p);
  assert_int_equal(p.at_b->server.features, AB_GATT_ROBUST_CACHING | AB_GATT_EATT);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  pair_close(&p);
}

static void of_a_peer_without_it_nothing_is_asked(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 3, 0);
  encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_int_equal(p.at_b->server.features, 0);
  assert_int_equal(refused(p.a), 0);
  find_chars(&p);
  assert_null(channel(p.at_a, 0));
  pair_close(&p);
}

static void who_has_it_switched_off_does_not_ask(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 0, 3);
  encrypt(&p);
  assert_null(p.at_a->eatt);
  assert_null(p.at_b->eatt);
  assert_int_equal(p.at_b->server.features, 0);
  pair_close(&p);
}

static void fewer_than_wanted_are_used(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 9, 2);
  assert_int_equal(p.a->options.eatt, 5);
  encrypt(&p);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  assert_int_equal(refused(p.a), 3);
  find_chars(&p);
  pair_close(&p);
}

static void on_a_link_that_the_peer_finds_insecure_all_are_refused(void **state) {
  pair p;

  (void) state;
  pair_open(&p, 3, 3);
  secure(p.at_a);
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_a), 1);
  assert_int_equal(aioble_conn_bearers(p.at_b), 1);
  assert_null(channel(p.at_a, 0));
  assert_int_equal(refused(p.a), 3);
  find_chars(&p);
  pair_close(&p);
}

/* ---- channels of another owner, to the same PSM ---- */

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
  assert_int_equal(ab_l2cap_connect(&conn->l2cap, PSM, true, chans, n), 0);
}

static void raw_sent(ab_l2cap_sdu *sdu, int status) {
  (void) sdu;
  (void) status;
}

/* sends one SDU and runs for a while */
static void raw_send(pair *p, aioble_conn_t *conn, raw *r, const void *data, size_t len) {
  ab_l2cap_sdu sdu;

  (void) ab_host_touch(conn->ble);
  assert_int_equal(ab_l2cap_send_sdu(&r->chan, &sdu, data, len, 0, raw_sent), 0);
  sim_run_ms(&p->s, 100);
}

static void when_both_ask_at_once_the_central_asks_again(void **state) {
  raw theirs[2];
  pair p;

  (void) state;
  pair_open(&p, 3, 3);
  secure(p.at_a);
  while (refused(p.a) == 0 && !channel(p.at_a, 0))
    assert_true(aioble_virtual_run_once(p.s.radio));
  raw_connect(p.at_b, theirs, 2, (ab_l2cap_sizes){0}); /* b refuses ours, and we theirs */
  while (refused(p.a) == 0)
    assert_true(aioble_virtual_run_once(p.s.radio));
  secure(p.at_b);
  sim_run_ms(&p.s, 1000);
  assert_int_equal(theirs[0].status, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_RESOURCES));
  assert_int_equal(theirs[0].closed + theirs[1].closed, 2);
  assert_int_equal(aioble_conn_bearers(p.at_a), 4);
  assert_int_equal(aioble_conn_bearers(p.at_b), 4);
  pair_close(&p);
}

static void the_peers_channels_take_our_places(void **state) {
  raw theirs[5];
  pair p;

  (void) state;
  pair_open(&p, 3, 0);
  secure(p.at_a);
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
  pair_close(&p);
}

/* GATT/SR/GAR over an enhanced bearer, PDU by PDU */
static void a_bearer_is_a_server_whose_mtu_is_its_channels(void **state) {
  static const uint8_t exchange[] = {AB_ATT_MTU_REQ, 0x05, 0x02};
  static const uint8_t read[] = {AB_ATT_READ_REQ, 0x03, 0x00};
  raw r;
  pair p;

  (void) state;
  pair_open(&p, 1, 0);
  aioble_config_set(p.a, "gap_name",
                    "a name of more than sixty-four octets, so that it does not fit into the least "
                    "MTU of such a bearer");
  secure(p.at_a);
  raw_connect(p.at_b, &r, 1, (ab_l2cap_sizes){.mtu = 64, .mps = 64, .credits = 10});
  sim_run_ms(&p.s, 500);
  assert_int_equal(r.opened, 1);
  assert_int_equal(bearer(p.at_a, 0)->mtu, 64);
  raw_send(&p, p.at_b, &r, exchange, sizeof exchange);
  assert_int_equal(r.sdus, 1);
  assert_int_equal(r.len, 5);
  assert_memory_equal(r.got, "\x01\x02\x00\x00\x06", 5);
  assert_int_equal(bearer(p.at_a, 0)->mtu, 64);
  raw_send(&p, p.at_b, &r, read, sizeof read);
  assert_int_equal(r.sdus, 2);
  assert_int_equal(r.got[0], AB_ATT_READ_RSP);
  assert_int_equal(r.len, 64);
  pair_close(&p);
}

static void who_asks_on_and_takes_no_answers_loses_the_bearer(void **state) {
  static const uint8_t read[] = {AB_ATT_READ_REQ, 0x03, 0x00};
  raw r;
  pair p;

  (void) state;
  pair_open(&p, 1, 0);
  secure(p.at_a);
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
  pair_close(&p);
}

/* ---- requests ---- */

static void slow_reads_are_answered_out_of_order(void **state) {
  sim_watch slow, quick, last;
  pair p;

  (void) state;
  pair_ready(&p, 3);
  p.slow = true;
  sim_watch_op(&slow, aioble_client_char_read(p.found[0]));
  sim_watch_op(&quick, aioble_client_char_read(p.found[1]));
  sim_watch_op(&last, aioble_client_char_read(p.found[0]));
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 3);
  answer(&p, 1, "quick");
  sim_watch_expect(&quick, 0);
  assert_int_equal(slow.calls, 0);
  answer(&p, 2, "last");
  assert_int_equal(aioble_op_await(last.op), 0);
  assert_memory_equal(aioble_op_value(last.op).data, "last", 4);
  sim_watch_end(&last);
  assert_int_equal(slow.calls, 0);
  answer(&p, 0, "slow");
  assert_int_equal(aioble_op_await(slow.op), 0);
  assert_memory_equal(aioble_op_value(slow.op).data, "slow", 4);
  sim_watch_end(&slow);
  assert_int_equal(malformed(&p), 0);
  pair_close(&p);
}

static void the_fifth_request_waits_in_the_shortest_line(void **state) {
  sim_watch reads[LATER];
  pair p;

  (void) state;
  pair_ready(&p, 3);
  p.slow = true;
  for (unsigned i = 0; i < 6; i++)
    sim_watch_op(&reads[i], aioble_client_char_read(p.found[i]));
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 4);
  for (unsigned i = 0; i < 3; i++)
    assert_true(bearer(p.at_a, i)->requests.busy);
  answer(&p, 0, "0");
  answer(&p, 1, "1");
  sim_run_ms(&p.s, 200);
  assert_int_equal(p.n_later, 6);
  for (unsigned i = 2; i < 6; i++)
    answer(&p, i, "x");
  for (unsigned i = 0; i < 6; i++)
    sim_watch_expect(&reads[i], 0);
  pair_close(&p);
}

static void expect_written(pair *p, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    aioble_op_t *op = sim_ok(aioble_capture_next(p->capture));

    assert_int_equal(aioble_op_value(op).data[0], i);
    aioble_op_unref(op);
  }
}

static void writes_of_one_attribute_keep_their_order(void **state) {
  sim_watch writes[16];
  uint8_t value[LONG] = {0};
  pair p;

  (void) state;
  pair_ready(&p, 3);
  for (unsigned k = 0; k < CHARS; k++) {
    for (unsigned i = 0; i < 16; i++) {
      value[0] = (uint8_t) i;
      sim_watch_op(&writes[i], aioble_client_char_write(p.found[k], value, i % 2 ? 1 : LONG,
                                                        AIOBLE_WRITE_REQUEST));
    }
    for (unsigned i = 0; i < 16; i++)
      sim_watch_expect(&writes[i], 0);
    expect_written(&p, 16);
  }
  pair_close(&p);
}

/* … also those that wait on the unenhanced bearer when the others open */
static void writes_are_not_overtaken_by_those_on_a_new_bearer(void **state) {
  sim_watch writes[16];
  pair p;

  (void) state;
  for (unsigned k = 0; k < CHARS; k++) {
    unsigned n = 0;

    pair_open(&p, 3, 3);
    find_chars(&p);
    secure(p.at_b);
    secure(p.at_a);
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
    pair_close(&p);
  }
}

static void long_values_and_discovery_are_whole(void **state) {
  uint8_t value[512];
  aioble_discovery_t *all;
  aioble_op_t *op;
  unsigned n = 0;
  pair p;

  (void) state;
  pair_ready(&p, 3);
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
  pair_close(&p);
}

/* ---- values ---- */

static void subscribe_all(pair *p, unsigned what) {
  for (unsigned i = 0; i < CHARS; i++)
    sim_expect(aioble_client_char_subscribe(p->found[i], what), 0);
}

static void indications_of_several_values_do_not_wait_for_each_other(void **state) {
  sim_watch indications[CHARS][2];
  unsigned busy = 0;
  pair p;

  (void) state;
  pair_ready(&p, 3);
  subscribe_all(&p, AIOBLE_SUBSCRIBE_INDICATE);
  for (unsigned i = 0; i < CHARS; i++)
    for (unsigned k = 0; k < 2; k++)
      sim_watch_op(&indications[i][k],
                   aioble_char_indicate(p.chars[i], p.at_b, k ? "2" : "1", 1));
  for (unsigned i = 0; i < 3; i++)
    busy += bearer(p.at_b, i)->indications.busy;
  assert_int_equal(busy, 3);
  assert_true(p.at_b->att.indications.busy);
  for (unsigned i = 0; i < CHARS; i++)
    for (unsigned k = 0; k < 2; k++) {
      aioble_op_t *op = sim_ok(aioble_client_char_indicated(p.found[i]));

      assert_int_equal(aioble_op_value(op).data[0], '1' + k);
      aioble_op_unref(op);
      sim_watch_expect(&indications[i][k], 0);
    }
  pair_close(&p);
}

static void notifications_come_in_their_order(void **state) {
  pair p;

  (void) state;
  pair_ready(&p, 3);
  subscribe_all(&p, AIOBLE_SUBSCRIBE_NOTIFY);
  for (unsigned k = 0; k < 10; k++)
    for (unsigned i = 0; i < CHARS; i++)
      assert_int_equal(aioble_char_try_notify(p.chars[i], p.at_b, &(uint8_t){(uint8_t) k}, 1), 0);
  for (unsigned i = 0; i < CHARS; i++)
    for (unsigned k = 0; k < 10; k++) {
      aioble_op_t *op = sim_ok(aioble_client_char_notified(p.found[i]));

      assert_int_equal(aioble_op_value(op).data[0], k);
      aioble_op_unref(op);
    }
  pair_close(&p);
}

/* ---- ends ---- */

/* four slow reads, one on each bearer: the unenhanced one first */
static void four_slow_reads(pair *p, sim_watch *reads) {
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
  pair p;

  (void) state;
  pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  (void) ab_host_touch(p.b);
  ab_l2cap_disconnect(channel(p.at_b, 1));
  sim_watch_expect(&reads[2], AIOBLE_ENOTCONN);
  assert_int_equal(reads[0].calls + reads[1].calls + reads[3].calls, 0);
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  for (unsigned i = 0; i < 4; i++)
    answer(&p, i, "x");
  for (unsigned i = 0; i < 4; i++)
    if (i != 2)
      sim_watch_expect(&reads[i], 0);
  p.slow = false;
  sim_expect(aioble_client_char_write(p.found[0], "on", 2, AIOBLE_WRITE_REQUEST), 0);
  pair_close(&p);
}

static void a_bearer_that_breaks_leaves_the_link(void **state) {
  sim_watch reads[4];
  pair p;

  (void) state;
  pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  for (unsigned i = 0; i < 4; i++)
    if (i != 3)
      answer(&p, i, "x");
  for (unsigned i = 0; i < 3; i++)
    sim_watch_expect(&reads[i], 0);
  sim_run_ms(&p.s, 29000);
  assert_int_equal(reads[3].calls, 0);
  sim_run_ms(&p.s, 1000);
  sim_watch_expect(&reads[3], AIOBLE_ETIMEDOUT);
  assert_true(aioble_conn_is_connected(p.at_a));
  assert_int_equal(aioble_conn_bearers(p.at_a), 3);
  assert_int_equal(aioble_conn_bearers(p.at_b), 3);
  answer(&p, 3, "too late");
  sim_run_ms(&p.s, 31000);
  assert_true(aioble_conn_is_connected(p.at_a));
  pair_close(&p);
}

static void the_unenhanced_bearer_that_breaks_ends_the_link(void **state) {
  sim_watch reads[4];
  pair p;

  (void) state;
  pair_ready(&p, 3);
  four_slow_reads(&p, reads);
  for (unsigned i = 1; i < 4; i++)
    answer(&p, i, "x");
  sim_watch_expect(&reads[0], AIOBLE_ETIMEDOUT);
  for (unsigned i = 1; i < 4; i++)
    sim_watch_expect(&reads[i], 0);
  sim_run_ms(&p.s, 500);
  assert_false(aioble_conn_is_connected(p.at_a));
  answer(&p, 0, "too late");
  pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
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
