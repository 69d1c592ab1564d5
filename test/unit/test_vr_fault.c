/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ALWAYS = 1000000 };

static void a_silent_controller_takes_and_gives_nothing(void **state) {
  uint8_t status;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_set_silent(w.peripheral.t, true);
  vr_host_post(&w.peripheral, AB_HCI_LE_RAND, NULL, 0);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_expect_idle(w.radio);
  assert_false(vr_host_answer(&w.peripheral, AB_HCI_LE_RAND, &status));
  assert_int_equal(w.peripheral.acl_packets, 0);
  aioble_virtual_controller_set_silent(w.peripheral.t, false);
  vr_expect_idle(w.radio);
  assert_false(vr_host_answer(&w.peripheral, AB_HCI_LE_RAND, &status));
  assert_int_equal(w.peripheral.acl_packets, 1);
  assert_int_equal(vr_host_do(&w.peripheral, AB_HCI_LE_RAND, NULL, 0), 0);
  vr_world_free(&w);
}

static void lost_credits_stay_lost_until_the_link_ends(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &(aioble_virtual_controller_options_t){.acl_count = 2}, NULL);
  aioble_virtual_controller_lose_credits(w.central.t, true);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_expect_idle(w.radio);
  aioble_virtual_controller_lose_credits(w.central.t, false);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_NUM_COMPLETED_PACKETS), 0);
  assert_int_equal(w.peripheral.acl_packets, 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->faults, 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->by_fault.lost_credits, 1);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 1);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.central, w.ch);
  vr_host_gone(&w.peripheral, w.ph);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 1);
  vr_world_free(&w);
}

static void a_hardware_error_has_its_code(void **state) {
  vr_world w;
  ab_rd r;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_hardware_error(w.central.t, 0x42);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_HARDWARE_ERROR), 0);
  assert_true(vr_host_wait(&w.central, AB_HCI_EV_HARDWARE_ERROR, &r));
  assert_int_equal(ab_rd_u8(&r), 0x42);
  assert_true(ab_rd_done(&r));
  vr_world_free(&w);
}

static void what_is_injected_comes_as_it_is(void **state) {
  static const uint8_t event[] = {AIOBLE_H4_EVENT, AB_HCI_EV_VENDOR, 2, 7, 8};
  static const uint8_t data[] = {AIOBLE_H4_ACL, 0xff, 0x2e, 1, 0, 9};
  uint16_t handle;
  uint8_t pb;
  vr_world w;
  ab_rd r;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(aioble_virtual_controller_inject(w.central.t, event, sizeof event), 0);
  assert_int_equal(aioble_virtual_controller_inject(w.central.t, data, sizeof data), 0);
  assert_true(vr_host_wait(&w.central, AB_HCI_EV_VENDOR, &r));
  assert_int_equal(ab_rd_u8(&r), 7);
  assert_true(vr_host_take_acl(&w.central, &handle, &pb, &r));
  assert_int_equal(handle, 0xeff);
  w.central.t->ops->close(w.central.t);
  assert_int_equal(aioble_virtual_controller_inject(w.central.t, event, sizeof event), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_VENDOR), 0);
  vr_world_free(&w);
}

/* an answer comes late, once or not at all */
static unsigned answers_to(vr_world *w, const aioble_virtual_faults_t *faults, unsigned ms) {
  unsigned n = 0;
  uint8_t status;

  aioble_virtual_set_faults(w->radio, faults);
  vr_host_post(&w->central, AB_HCI_LE_RAND, NULL, 0);
  vr_run_ms(w->radio, ms);
  aioble_virtual_set_faults(w->radio, NULL);
  while (vr_host_answer(&w->central, AB_HCI_LE_RAND, &status))
    n++;
  return n;
}

static void events_are_lost_or_come_twice_but_data_never_is(void **state) {
  static const aioble_virtual_faults_t faults[] = {{.duplicated_ppm = ALWAYS},
                                                   {.lost_event_ppm = ALWAYS}};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(answers_to(&w, NULL, 1), 1);
  assert_int_equal(answers_to(&w, &faults[0], 1), 2);
  assert_int_equal(answers_to(&w, &faults[1], 1), 0);
  assert_int_equal(answers_to(&w, NULL, 1), 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->by_fault.duplicated, 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->by_fault.lost_events, 1);
  for (unsigned i = 0; i < 2; i++) {
    aioble_virtual_set_faults(w.radio, &faults[i]);
    vr_host_acl(&w.central, w.ch, 0, "x", 1);
    vr_run_ms(w.radio, 1);
    assert_int_equal(w.peripheral.acl_packets, i + 1);
  }
  vr_world_free(&w);
}

static void a_delayed_batch_comes_later_and_whole(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(answers_to(&w, &(aioble_virtual_faults_t){.delay_ppm = ALWAYS}, 0), 0);
  assert_int_equal(answers_to(&w, NULL, 200), 2);
  assert_int_equal(aioble_virtual_stats(w.central.t)->by_fault.delayed, 1);
  assert_int_equal(answers_to(&w, &(aioble_virtual_faults_t){.delay_ppm = ALWAYS}, 0), 0);
  w.central.t->ops->close(w.central.t); /* the delay goes with what was delayed */
  vr_host_reopen(&w.central);
  assert_int_equal(answers_to(&w, NULL, 0), 1);
  vr_world_free(&w);
}

static void a_controller_that_resets_itself_knows_nothing_any_more(void **state) {
  uint8_t status;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  vr_host_post(&w.central, AB_HCI_LE_RAND, NULL, 0);
  aioble_virtual_controller_reset(w.central.t);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
  assert_false(vr_host_answer(&w.central, AB_HCI_LE_RAND, &status));
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(w.central.lost, 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  vr_host_init(&w.central);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  w.central.t->ops->close(w.central.t);
  aioble_virtual_controller_reset(w.central.t); /* off: nothing to reset */
  vr_host_reopen(&w.central);
  vr_world_free(&w);
}

/* the whole stack of controllers under a fault, with a host that takes anything */
static void batter(vr_world *w, const aioble_virtual_faults_t *faults) {
  uint8_t data[20] = {0};

  vr_world_new(w, NULL, NULL, NULL);
  w->central.count_only = w->peripheral.count_only = true;
  aioble_virtual_set_faults(w->radio, faults);
  for (int i = 0; i < 8; i++) {
    vr_host_acl(&w->central, w->ch, 0, data, sizeof data);
    vr_host_acl(&w->peripheral, w->ph, 0, data, sizeof data);
    vr_host_post(&w->central, AB_HCI_LE_RAND, NULL, 0);
    aioble_virtual_run_once(w->radio);
  }
  vr_run_ms(w->radio, 3000);
}

static uint64_t faults_of(const vr_world *w) {
  return aioble_virtual_stats(w->central.t)->faults + aioble_virtual_stats(w->peripheral.t)->faults;
}

static void faults_by_chance_happen_and_are_counted(void **state) {
  static const aioble_virtual_faults_t faults[] = {
      {.malformed_ppm = ALWAYS},      {.truncated_ppm = ALWAYS},
      {.delay_ppm = ALWAYS},          {.lost_event_ppm = ALWAYS},
      {.duplicated_ppm = ALWAYS},     {.lost_credits_ppm = ALWAYS},
      {.hardware_error_ppm = ALWAYS}, {.malformed_ppm = ALWAYS / 2, .truncated_ppm = ALWAYS / 2},
  };
  vr_world w;

  (void) state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    batter(&w, &faults[i]);
    assert_true(faults_of(&w) > 0);
    vr_world_free(&w);
  }
  batter(&w, NULL);
  assert_int_equal(faults_of(&w), 0);
  vr_world_free(&w);
}

static void links_are_lost_by_chance(void **state) {
  const aioble_virtual_faults_t lossy = {.link_loss_ppm = ALWAYS};
  vr_world w;

  (void) state;
  for (int timing = 0; timing < 2; timing++) {
    vr_world_new(&w, &(aioble_virtual_options_t){.timing = timing}, NULL, NULL);
    aioble_virtual_set_faults(w.radio, &lossy);
    vr_host_acl(&w.central, w.ch, 0, "x", 1);
    assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_CONNECTION_TIMEOUT);
    assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
    assert_int_equal(w.peripheral.acl_packets, 0);
    assert_int_equal(aioble_virtual_stats(w.central.t)->by_fault.links_lost, 1);
    vr_world_free(&w);
  }
}

/* data of two links changes places, data of one link never does */
static void only_packets_of_different_links_are_reordered(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  unsigned seen[3] = {0}, overtaken = 0;
  uint16_t ch[3], ph[3], handle;
  vr_host hosts[3];
  uint8_t pb, n;
  ab_rd r;

  (void) state;
  for (int i = 0; i < 3; i++)
    vr_host_open(&hosts[i], radio, NULL);
  vr_host_connect(&hosts[0], &hosts[1], &ch[1], &ph[1]);
  vr_host_connect(&hosts[0], &hosts[2], &ch[2], &ph[2]);
  aioble_virtual_set_faults(radio, &(aioble_virtual_faults_t){.reorder_ppm = ALWAYS / 2});
  for (n = 0; n < 8; n++)
    for (int i = 1; i < 3; i++)
      vr_host_acl(&hosts[i], ph[i], 0, &n, 1);
  vr_expect_idle(radio);
  for (int i = 0; i < 16; i++) {
    int link;

    assert_true(vr_host_take_acl(&hosts[0], &handle, &pb, &r));
    link = handle == ch[1] ? 1 : 2;
    assert_int_equal(ab_rd_u8(&r), seen[link]);
    seen[link]++;
    overtaken += link == 2 && seen[1] < 8; /* all of the first link was there before */
  }
  assert_true(overtaken > 0);
  assert_true(aioble_virtual_stats(hosts[0].t)->faults > 0);
  for (int i = 0; i < 3; i++)
    vr_host_close(&hosts[i]);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_silent_controller_takes_and_gives_nothing),
      cmocka_unit_test(lost_credits_stay_lost_until_the_link_ends),
      cmocka_unit_test(a_hardware_error_has_its_code),
      cmocka_unit_test(what_is_injected_comes_as_it_is),
      cmocka_unit_test(events_are_lost_or_come_twice_but_data_never_is),
      cmocka_unit_test(a_delayed_batch_comes_later_and_whole),
      cmocka_unit_test(a_controller_that_resets_itself_knows_nothing_any_more),
      cmocka_unit_test(faults_by_chance_happen_and_are_counted),
      cmocka_unit_test(links_are_lost_by_chance),
      cmocka_unit_test(only_packets_of_different_links_are_reordered),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
