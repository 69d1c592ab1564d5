/* SPDX-License-Identifier: MIT */
/* Clean-up code needs no ifs: every function takes NULL where it takes a handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

static void ops_of_null_handles_are_not_connected(void **state) {
  aioble_op_t *const ops[] = {
      aioble_open(NULL),
      aioble_close(NULL),
      aioble_advertise(NULL, NULL),
      aioble_scan_next(NULL),
      aioble_scan_stop(NULL),
      aioble_device_connect(NULL, NULL),
      aioble_conn_disconnect(NULL),
      aioble_conn_disconnected(NULL),
      aioble_conn_rssi(NULL),
      aioble_conn_exchange_mtu(NULL),
      aioble_conn_update_params(NULL, NULL),
      aioble_conn_service(NULL, AIOBLE_UUID16(0x1800)),
      aioble_conn_secondary_service(NULL, AIOBLE_UUID16(0x1800)),
      aioble_client_service_include(NULL, AIOBLE_UUID16(0x1800)),
      aioble_client_service_char(NULL, AIOBLE_UUID16(0x2a00)),
      aioble_client_char_desc(NULL, AIOBLE_UUID16(0x2902)),
      aioble_client_char_read(NULL),
      aioble_client_char_write(NULL, "", 0, AIOBLE_WRITE_AUTO),
      aioble_client_char_subscribe(NULL, AIOBLE_SUBSCRIBE_NOTIFY),
      aioble_client_char_notified(NULL),
      aioble_client_char_indicated(NULL),
      aioble_client_desc_read(NULL),
      aioble_client_desc_write(NULL, "", 0),
      aioble_client_read_multiple(NULL, 2),
      aioble_client_read_multiple_variable(NULL, 1),
      aioble_conn_read_by_uuid(NULL, AIOBLE_UUID16(0x2a00)),
      aioble_client_service_read_by_uuid(NULL, AIOBLE_UUID16(0x2a00)),
      aioble_conn_write_reliable(NULL, NULL, 1),
      aioble_char_notify(NULL, NULL, "", 0),
      aioble_char_indicate(NULL, NULL, "", 0),
      aioble_char_notify_many(NULL, 0, NULL),
      aioble_char_written(NULL),
      aioble_desc_written(NULL),
      aioble_capture_next(NULL),
      aioble_conn_l2cap_connect(NULL, 0x80, NULL),
      aioble_conn_l2cap_connect_many(NULL, 0x80, NULL, 2),
      aioble_conn_l2cap_accept(NULL, 0x80, NULL),
      aioble_listener_accept(NULL),
      aioble_channel_send(NULL, "", 1, 0),
      aioble_channel_flush(NULL),
      aioble_channel_recv(NULL),
      aioble_channel_recvinto(NULL, NULL, 0),
      aioble_channel_disconnect(NULL),
      aioble_channel_disconnected(NULL),
      aioble_channels_reconfigure(NULL, 1, 0, 0),
  };

  (void) state;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    assert_non_null(ops[i]);
    assert_true(aioble_op_done(ops[i]));
    assert_int_equal(aioble_op_finish(ops[i]), AIOBLE_ENOTCONN);
  }
  /* there is no discovery only when there is no memory for one */
  assert_int_equal(aioble_op_finish(aioble_discovery_next(NULL)), AIOBLE_ENOMEM);
}

static void references_of_null_are_null(void **state) {
  (void) state;
  assert_null(aioble_ref(NULL));
  assert_null(aioble_unref(NULL));
  assert_null(aioble_device_ref(NULL));
  assert_null(aioble_device_unref(NULL));
  assert_null(aioble_conn_ref(NULL));
  assert_null(aioble_conn_unref(NULL));
  assert_null(aioble_scan_ref(NULL));
  assert_null(aioble_scan_unref(NULL));
  assert_null(aioble_scan_result_ref(NULL));
  assert_null(aioble_scan_result_unref(NULL));
  assert_null(aioble_discovery_ref(NULL));
  assert_null(aioble_discovery_unref(NULL));
  assert_null(aioble_client_service_ref(NULL));
  assert_null(aioble_client_service_unref(NULL));
  assert_null(aioble_client_char_ref(NULL));
  assert_null(aioble_client_char_unref(NULL));
  assert_null(aioble_client_desc_ref(NULL));
  assert_null(aioble_client_desc_unref(NULL));
  assert_null(aioble_service_ref(NULL));
  assert_null(aioble_service_unref(NULL));
  assert_null(aioble_capture_ref(NULL));
  assert_null(aioble_capture_unref(NULL));
  assert_null(aioble_listener_ref(NULL));
  assert_null(aioble_listener_unref(NULL));
  assert_null(aioble_channel_ref(NULL));
  assert_null(aioble_channel_unref(NULL));
}

static void questions_about_null_have_an_answer(void **state) {
  const aioble_conn_params_t none = {0, 0, 0};
  const aioble_addr_t addr = {0, {1, 2, 3, 4, 5, 6}};
  aioble_stats_t stats;
  char text[8];

  (void) state;
  assert_false(aioble_is_open(NULL));
  assert_null(aioble_user(NULL));
  aioble_stats(NULL, &stats);
  assert_int_equal(stats.commands, 0);
  assert_int_equal(aioble_config_get(NULL, "mtu", text, sizeof text), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_config_set(NULL, "mtu", "23"), AIOBLE_ENOTCONN);
  assert_null(aioble_device_new(NULL, &addr));
  assert_null(aioble_device_addr(NULL));
  assert_null(aioble_device_conn(NULL));
  assert_true(aioble_device_equal(NULL, NULL));
  assert_null(aioble_conn_device(NULL));
  assert_null(aioble_conn_adapter(NULL));
  assert_false(aioble_conn_is_connected(NULL));
  assert_int_equal(aioble_conn_mtu(NULL), 0);
  assert_int_equal(aioble_conn_bearers(NULL), 0);
  sim_expect_params(NULL, &none);
  assert_int_equal(aioble_conn_reason(NULL), AIOBLE_ENOTCONN);
  aioble_conn_set_hooks(NULL, NULL);
  assert_null(aioble_scan(NULL, NULL));
  assert_null(aioble_scan_result_addr(NULL));
  assert_null(aioble_scan_result_device(NULL));
  assert_int_equal(aioble_scan_result_rssi(NULL), 127);
  assert_false(aioble_scan_result_connectable(NULL));
  assert_int_equal(aioble_scan_result_time_us(NULL), 0);
  assert_int_equal(aioble_scan_result_payload(NULL).adv.len, 0);
  assert_false(aioble_scan_result_name(NULL, text, sizeof text));
  assert_string_equal(text, "");
  assert_false(aioble_scan_result_has_service(NULL, AIOBLE_UUID16(0x1800)));
}

static void client_handles_may_be_null(void **state) {
  uint16_t first = 7, last = 7;

  (void) state;
  assert_null(aioble_client_service_conn(NULL));
  assert_int_equal(aioble_client_service_uuid(NULL).size, 0);
  aioble_client_service_range(NULL, &first, &last);
  assert_null(aioble_client_char_service(NULL));
  assert_int_equal(aioble_client_char_uuid(NULL).size, 0);
  assert_int_equal(aioble_client_char_properties(NULL), 0);
  assert_int_equal(aioble_client_char_handle(NULL), 0);
  assert_null(aioble_client_desc_char(NULL));
  assert_int_equal(aioble_client_desc_uuid(NULL).size, 0);
  assert_int_equal(aioble_client_desc_handle(NULL), 0);
  assert_int_equal(aioble_client_char_dropped(NULL), 0);
  assert_true(aioble_client_char_set_depth(NULL, 3) < 0);
  assert_int_equal(aioble_client_char_try_write(NULL, "", 0), AIOBLE_ENOTCONN);
  aioble_client_char_on_notify(NULL, NULL, NULL);
}

static void discoveries_of_nothing_end_at_once(void **state) {
  aioble_discovery_t *const of_nothing[] = {
      aioble_conn_services(NULL, NULL), aioble_conn_secondary_services(NULL, NULL),
      aioble_client_service_includes(NULL, NULL), aioble_client_service_chars(NULL, NULL),
      aioble_client_char_descs(NULL, NULL)};

  (void) state;
  for (size_t i = 0; i < sizeof of_nothing / sizeof *of_nothing; i++) {
    assert_int_equal(aioble_op_finish(aioble_discovery_next(of_nothing[i])), AIOBLE_ENOTCONN);
    assert_null(aioble_discovery_unref(of_nothing[i]));
  }
}

static void server_handles_may_be_null(void **state) {
  (void) state;
  assert_null(aioble_service_new(NULL, AIOBLE_UUID16(0x1800)));
  assert_null(aioble_char_new(NULL, AIOBLE_UUID16(0x2a00), AIOBLE_READ, NULL));
  assert_null(aioble_desc_new(NULL, AIOBLE_UUID16(0x2901), AIOBLE_READ, NULL));
  assert_null(aioble_capture_new(NULL, 1));
  assert_true(aioble_register_services(NULL, NULL, 0) < 0);
  assert_null(aioble_service_new_secondary(NULL, AIOBLE_UUID16(0x1800)));
  assert_int_equal(aioble_service_include(NULL, NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_add(NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_remove(NULL), AIOBLE_EINVAL);
  assert_null(aioble_access_later(NULL));
  assert_int_equal(aioble_answer(NULL, 0, NULL, 0), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_uuid(NULL).size, 0);
  assert_int_equal(aioble_char_uuid(NULL).size, 0);
  assert_int_equal(aioble_char_handle(NULL), 0);
  assert_null(aioble_char_user(NULL));
  assert_int_equal(aioble_char_flags(NULL), 0);
  assert_null(aioble_char_desc(NULL, AIOBLE_UUID16(0x2901)));
  assert_null(aioble_desc_char(NULL));
  assert_int_equal(aioble_desc_uuid(NULL).size, 0);
  assert_int_equal(aioble_desc_handle(NULL), 0);
  assert_null(aioble_desc_user(NULL));
  assert_int_equal(aioble_char_read(NULL).len, 0);
  assert_true(aioble_char_write(NULL, "", 0, 0) < 0);
  assert_int_equal(aioble_desc_read(NULL).len, 0);
  assert_true(aioble_desc_write(NULL, "", 0) < 0);
  assert_true(aioble_char_try_notify(NULL, NULL, "", 0) < 0);
  assert_int_equal(aioble_char_subscribed(NULL, NULL), 0);
  assert_int_equal(aioble_char_subscribers(NULL, NULL, 0), 0);
  assert_int_equal(aioble_char_dropped(NULL), 0);
  assert_int_equal(aioble_desc_dropped(NULL), 0);
  assert_int_equal(aioble_capture_dropped(NULL), 0);
  assert_null(aioble_op_local_char(NULL));
  assert_null(aioble_op_local_desc(NULL));
}

static void channel_handles_may_be_null(void **state) {
  aioble_channel_stats_t stats;

  (void) state;
  assert_null(aioble_l2cap_listen(NULL, 0x80, NULL));
  aioble_listener_stop(NULL);
  assert_int_equal(aioble_listener_psm(NULL), 0);
  assert_int_equal(aioble_channel_try_send(NULL, "", 0), AIOBLE_ENOTCONN);
  aioble_channel_on_sdu(NULL, NULL, NULL);
  assert_int_equal(aioble_channel_available(NULL), 0);
  assert_int_equal(aioble_channel_reason(NULL), AIOBLE_ENOTCONN);
  assert_false(aioble_channel_is_open(NULL));
  assert_false(aioble_channel_is_enhanced(NULL));
  assert_null(aioble_channel_conn(NULL));
  assert_int_equal(aioble_channel_psm(NULL), 0);
  assert_int_equal(aioble_channel_our_mtu(NULL), 0);
  assert_int_equal(aioble_channel_peer_mtu(NULL), 0);
  assert_int_equal(aioble_channel_our_mps(NULL), 0);
  assert_int_equal(aioble_channel_peer_mps(NULL), 0);
  assert_int_equal(aioble_channel_our_credits(NULL), 0);
  assert_int_equal(aioble_channel_peer_credits(NULL), 0);
  aioble_channel_stats(NULL, &stats);
  assert_int_equal(stats.sdus_in, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ops_of_null_handles_are_not_connected),
      cmocka_unit_test(references_of_null_are_null),
      cmocka_unit_test(questions_about_null_have_an_answer),
      cmocka_unit_test(client_handles_may_be_null),
      cmocka_unit_test(discoveries_of_nothing_end_at_once),
      cmocka_unit_test(server_handles_may_be_null),
      cmocka_unit_test(channel_handles_may_be_null),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
