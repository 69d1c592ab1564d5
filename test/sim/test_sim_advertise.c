/* SPDX-License-Identifier: MIT */
/* Advertising: what is on air, who comes, and when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

typedef struct bed {
  sim s;
  aioble_t *ble, *peer;
  aioble_scan_t *scan; /* the peer listens: every report */
} bed;

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, NULL);
  b->ble = sim_stack_new(&b->s, NULL, NULL);
  b->peer = sim_stack_new(&b->s, NULL, NULL);
  sim_expect(aioble_open(b->ble), 0);
  b->scan = aioble_scan(
      b->peer, &(aioble_scan_options_t){.active = true, .every_report = true, .max_queued = 1});
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  aioble_scan_unref(b->scan);
  sim_close(&b->s);
  test_free(b);
  return 0;
}

/* reports heard by the peer so far */
static uint64_t heard(bed *b) {
  aioble_stats_t stats;

  aioble_stats(b->peer, &stats);
  return stats.scan_reports;
}

static void expect_silence(bed *b) {
  uint64_t before = heard(b);

  sim_run_ms(&b->s, 3000);
  assert_int_equal(heard(b), before);
}

static aioble_ad_payload_t hear(bed *b, aioble_op_t **op) {
  sim_run_ms(&b->s, 500); /* the last of all that came */
  *op = sim_ok(aioble_scan_next(b->scan));
  return aioble_scan_result_payload(aioble_op_scan_result(*op));
}

/* ---- what is on air ---- */

static void fields_are_built_into_payloads(void **state) {
  bed *b = *state;
  const aioble_uuid_t service = AIOBLE_UUID16(0x181a);
  aioble_op_t *op,
      *advertising =
          aioble_advertise(b->ble, &(aioble_advertise_options_t){.fields = {.services = &service,
                                                                            .service_count = 1,
                                                                            .appearance = 768,
                                                                            .name = "thermo"}});
  aioble_ad_payload_t payload = hear(b, &op);
  static const uint8_t want[] = {2,   1,   6,   3,   3,   0x1a, 0x18, 7,    9,   't',
                                 'h', 'e', 'r', 'm', 'o', 3,    0x19, 0x00, 0x03};

  assert_int_equal(payload.adv.len, sizeof want);
  assert_memory_equal(payload.adv.data, want, sizeof want);
  assert_true(aioble_scan_result_connectable(aioble_op_scan_result(op)));
  aioble_op_unref(op);
  aioble_op_cancel(advertising);
  sim_expect(advertising, AIOBLE_ECANCELED);
}

static void raw_payloads_go_out_as_they_are(void **state) {
  bed *b = *state;
  uint8_t adv[31], rsp[31];
  aioble_op_t *op, *advertising;
  aioble_ad_payload_t payload;

  memset(adv, 0xa5, sizeof adv);
  memset(rsp, 0x5a, sizeof rsp);
  advertising = aioble_advertise(
      b->ble, &(aioble_advertise_options_t){.adv_data = {adv, 31}, .scan_rsp = {rsp, 31}});
  payload = hear(b, &op);
  assert_int_equal(payload.adv.len, 31);
  assert_int_equal(payload.rsp.len, 31);
  assert_memory_equal(payload.adv.data, adv, 31);
  assert_memory_equal(payload.rsp.data, rsp, 31);
  aioble_op_unref(op);
  aioble_op_cancel(advertising);
  sim_expect(advertising, AIOBLE_ECANCELED);
  /* nothing of it is left for the next one */
  advertising = aioble_advertise(b->ble, &(aioble_advertise_options_t){.adv_data = {adv, 1}});
  sim_run_ms(&b->s, 500);
  payload = hear(b, &op);
  assert_int_equal(payload.adv.len, 1);
  assert_int_equal(payload.rsp.len, 0);
  aioble_op_unref(op);
  aioble_op_cancel(advertising);
  sim_expect(advertising, AIOBLE_ECANCELED);
}

static void what_does_not_fit_says_by_how_much(void **state) {
  bed *b = *state;
  uint8_t data[40] = {0};
  aioble_op_t *op;
  const aioble_ad_manufacturer_t huge = {.company = 1, .data = {data, sizeof data}};

  op = aioble_advertise(b->ble, &(aioble_advertise_options_t){.adv_data = {data, 32}});
  assert_int_equal(aioble_op_await(op), AIOBLE_EMSGSIZE);
  assert_non_null(strstr(aioble_op_message(op), "31"));
  aioble_op_unref(op);
  op = aioble_advertise(b->ble, &(aioble_advertise_options_t){.scan_rsp = {data, 32}});
  sim_expect(op, AIOBLE_EMSGSIZE);
  op = aioble_advertise(b->ble, &(aioble_advertise_options_t){.fields = {.manufacturer = &huge}});
  assert_int_equal(aioble_op_await(op), AIOBLE_EMSGSIZE);
  assert_string_not_equal(aioble_op_message(op), aioble_strerror(AIOBLE_EMSGSIZE));
  aioble_op_unref(op);
  expect_silence(b);
}

static void bad_options_are_invalid(void **state) {
  bed *b = *state;

  sim_expect(aioble_advertise(b->ble, &(aioble_advertise_options_t){.interval_us = 19999}),
             AIOBLE_EINVAL);
  sim_expect(aioble_advertise(b->ble, &(aioble_advertise_options_t){.interval_us = 10240001}),
             AIOBLE_EINVAL);
  sim_expect(aioble_advertise(b->ble, &(aioble_advertise_options_t){.mode = 7}), AIOBLE_EINVAL);
}

static void a_broadcast_cannot_be_connected_to(void **state) {
  bed *b = *state;
  aioble_device_t *device = sim_device(b->peer, b->ble);
  aioble_advertise_options_t options = {.mode = AIOBLE_ADV_BROADCAST, .fields = {.name = "beacon"}};

  for (int mode = 0; mode < 2; mode++) {
    aioble_op_t *op, *connecting, *advertising = aioble_advertise(b->ble, &options);

    (void) hear(b, &op);
    assert_false(aioble_scan_result_connectable(aioble_op_scan_result(op)));
    aioble_op_unref(op);
    connecting = aioble_device_connect(device, NULL);
    aioble_op_set_timeout(connecting, 2000);
    sim_expect(connecting, AIOBLE_ETIMEDOUT);
    assert_false(aioble_op_done(advertising));
    aioble_op_cancel(advertising);
    sim_expect(advertising, AIOBLE_ECANCELED);
    options.mode = AIOBLE_ADV_SCANNABLE;
  }
  aioble_device_unref(device);
}

/* ---- the end ---- */

static void when_it_has_settled_nothing_is_on_air(void **state) {
  bed *b = *state;
  aioble_op_t *op;

  op = aioble_advertise(b->ble, NULL);
  aioble_op_set_timeout(op, 1500);
  sim_expect(op, AIOBLE_ETIMEDOUT);
  assert_true(heard(b) > 5);
  expect_silence(b);
  op = aioble_advertise(b->ble, NULL);
  sim_run_ms(&b->s, 1000);
  aioble_op_cancel(op);
  sim_expect(op, AIOBLE_ECANCELED);
  expect_silence(b);
}

static void a_cancel_at_any_step_of_the_start_leaves_nothing_on_air(void **state) {
  bed *b = *state;

  for (unsigned steps = 0; steps < 20; steps++) {
    aioble_op_t *op = aioble_advertise(b->ble, NULL);

    for (unsigned i = 0; i < steps; i++)
      aioble_virtual_run_once(b->s.radio);
    aioble_op_cancel(op);
    sim_expect(op, AIOBLE_ECANCELED);
    expect_silence(b);
  }
}

static void two_take_turns(void **state) {
  bed *b = *state;
  const uint8_t one[] = {2, 9, '1'}, two[] = {2, 9, '2'};
  sim_watch first, second;
  aioble_op_t *op;

  sim_watch_op(&first,
               aioble_advertise(b->ble, &(aioble_advertise_options_t){.adv_data = {one, 3}}));
  sim_watch_op(&second,
               aioble_advertise(b->ble, &(aioble_advertise_options_t){.adv_data = {two, 3}}));
  assert_memory_equal(hear(b, &op).adv.data, one, 3);
  aioble_op_unref(op);
  assert_int_equal(second.calls, 0);
  aioble_op_cancel(first.op);
  sim_watch_expect(&first, AIOBLE_ECANCELED);
  sim_run_ms(&b->s, 500);
  assert_memory_equal(hear(b, &op).adv.data, two, 3);
  aioble_op_unref(op);
  aioble_op_cancel(second.op);
  sim_watch_expect(&second, AIOBLE_ECANCELED);
  expect_silence(b);
}

/* ---- centrals ---- */

static void several_centrals_come_in_turn_and_stay(void **state) {
  enum { CENTRALS = 5 };
  bed *b = *state;
  aioble_conn_t *conns[CENTRALS];

  for (int i = 0; i < CENTRALS; i++) {
    aioble_t *central = sim_stack_new(&b->s, NULL, NULL);
    aioble_device_t *device = sim_device(central, b->ble);
    aioble_op_t *advertising = aioble_advertise(b->ble, NULL);

    sim_expect(aioble_device_connect(device, NULL), 0);
    sim_ok(advertising);
    conns[i] = aioble_conn_ref(aioble_op_conn(advertising));
    aioble_op_unref(advertising);
    expect_silence(b); /* advertising has ended with it */
    for (int j = 0; j <= i; j++)
      assert_true(aioble_conn_is_connected(conns[j]));
    aioble_device_unref(device);
  }
  for (int i = 0; i < CENTRALS; i++) {
    sim_expect(aioble_conn_disconnect(conns[i]), 0);
    for (int j = 0; j < CENTRALS; j++)
      assert_int_equal(aioble_conn_is_connected(conns[j]), j > i);
  }
  for (int i = 0; i < CENTRALS; i++)
    aioble_conn_unref(conns[i]);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(fields_are_built_into_payloads),
      WITH_BED(raw_payloads_go_out_as_they_are),
      WITH_BED(what_does_not_fit_says_by_how_much),
      WITH_BED(bad_options_are_invalid),
      WITH_BED(a_broadcast_cannot_be_connected_to),
      WITH_BED(when_it_has_settled_nothing_is_on_air),
      WITH_BED(a_cancel_at_any_step_of_the_start_leaves_nothing_on_air),
      WITH_BED(two_take_turns),
      WITH_BED(several_centrals_come_in_turn_and_stay),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
