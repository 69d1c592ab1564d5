/* SPDX-License-Identifier: MIT */
#include "virtual/vr_priv.h"

#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int rssi_at(int32_t x_cm, int32_t y_cm) {
  return vr_rssi(&(vr_place){0, 0}, &(vr_place){x_cm, y_cm});
}

static void rssi_falls_with_distance(void **state) {
  (void) state;
  assert_int_equal(rssi_at(0, 0), -40);
  assert_int_equal(rssi_at(100, 0), -40);
  assert_int_equal(rssi_at(150, 0), -43);
  assert_int_equal(rssi_at(200, 0), -46);
  assert_int_equal(rssi_at(-400, 0), -52);
  assert_int_equal(rssi_at(300, 400), -52);
  assert_int_equal(rssi_at(0, 100000), -97);
  assert_int_equal(rssi_at(INT32_MAX, INT32_MIN), -100);
  assert_int_equal(vr_rssi(&(vr_place){INT32_MIN, INT32_MIN}, &(vr_place){INT32_MAX, INT32_MAX}),
                   -100);
  for (int32_t x = 0; x < 20000; x += 10)
    assert_true(rssi_at(x + 10, 0) <= rssi_at(x, 0));
}

static void apart_is_between_two_and_ends(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  aioble_transport_t *a = aioble_virtual_controller_new(radio, NULL);
  aioble_transport_t *b = aioble_virtual_controller_new(radio, NULL);
  aioble_transport_t *c = aioble_virtual_controller_new(radio, NULL);

  (void) state;
  assert_int_equal(aioble_virtual_set_in_range(a, b, true), 0);
  assert_true(vr_in_range(radio, vr_ctrl_of(a), vr_ctrl_of(b)));
  assert_int_equal(aioble_virtual_set_in_range(a, b, false), 0);
  assert_int_equal(aioble_virtual_set_in_range(b, a, false), 0);
  assert_false(vr_in_range(radio, vr_ctrl_of(a), vr_ctrl_of(b)));
  assert_false(vr_in_range(radio, vr_ctrl_of(b), vr_ctrl_of(a)));
  assert_true(vr_in_range(radio, vr_ctrl_of(a), vr_ctrl_of(c)));
  assert_int_equal(aioble_virtual_set_in_range(b, a, true), 0);
  assert_true(vr_in_range(radio, vr_ctrl_of(a), vr_ctrl_of(b)));
  assert_int_equal(aioble_virtual_set_in_range(b, a, false), 0);
  b->ops->destroy(b); /* and the pair with it */
  assert_true(ab_list_empty(&radio->apart));
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void who_is_out_of_range_is_not_heard(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host a, b;

  (void) state;
  vr_host_open(&a, radio, NULL);
  vr_host_open(&b, radio, NULL);
  assert_int_equal(aioble_virtual_set_in_range(a.t, b.t, false), 0);
  vr_host_advertise(&a, AB_HCI_ADV_IND);
  vr_host_scan(&b, 0, false);
  assert_int_equal(vr_host_create(&b, vr_host_addr(&a)), 0);
  vr_run_ms(radio, 1000);
  assert_int_equal(vr_host_count(&b, VR_LE(AB_HCI_LE_EV_ADV_REPORT)), 0);
  assert_int_equal(vr_host_count(&b, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 0);
  assert_int_equal(aioble_virtual_set_in_range(a.t, b.t, true), 0);
  vr_run_ms(radio, 1000);
  assert_int_equal(vr_host_count(&b, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 1);
  vr_host_close(&a);
  vr_host_close(&b);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void a_link_out_of_range_dies_of_its_timeout(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(aioble_virtual_set_in_range(w.central.t, w.peripheral.t, false), 0);
  vr_run_ms(w.radio, 999);
  assert_int_equal(aioble_virtual_set_in_range(w.central.t, w.peripheral.t, true), 0);
  vr_run_ms(w.radio, 5000);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(aioble_virtual_set_in_range(w.central.t, w.peripheral.t, false), 0);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_CONNECTION_TIMEOUT);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rssi_falls_with_distance),
      cmocka_unit_test(apart_is_between_two_and_ends),
      cmocka_unit_test(who_is_out_of_range_is_not_heard),
      cmocka_unit_test(a_link_out_of_range_dies_of_its_timeout),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
