/* SPDX-License-Identifier: MIT */
/* The main job on the virtual radio: find, connect, read, write, be notified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

#define ENV_SENSING AIOBLE_UUID16(0x181a)
#define TEMPERATURE AIOBLE_UUID16(0x2a6e)

static aioble_char_t *make_sensor(aioble_t *ble) {
  aioble_service_t *service = aioble_service_new(ble, ENV_SENSING);
  aioble_char_t *chr = aioble_char_new(
      service, TEMPERATURE,
      AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE,
      &(aioble_char_options_t){.initial = {(const uint8_t *) "hello", 5}});

  assert_non_null(chr);
  assert_int_equal(aioble_register_services(ble, &service, 1), 0);
  aioble_service_unref(service);
  return chr;
}

static void finds_connects_reads_writes_is_notified(void **state) {
  sim s;
  aioble_t *peripheral, *central;
  aioble_char_t *sensor;
  aioble_scan_t *scan;
  aioble_op_t *advertising, *next, *conn, *svc, *chr, *op;
  aioble_device_t *device;
  const aioble_uuid_t services[] = {ENV_SENSING};
  char name[32];

  (void) state;
  sim_open(&s, NULL);
  peripheral = sim_stack_new(&s, NULL, NULL);
  central = sim_stack_new(&s, NULL, NULL);
  sensor = make_sensor(peripheral);
  advertising = aioble_advertise(
      peripheral, &(aioble_advertise_options_t){
                      .fields = {.name = "temp", .services = services, .service_count = 1}});
  scan = aioble_scan(central, &(aioble_scan_options_t){.active = true});
  next = sim_ok(aioble_scan_next(scan));
  assert_true(aioble_scan_result_name(aioble_op_scan_result(next), name, sizeof name));
  assert_string_equal(name, "temp");
  assert_true(aioble_scan_result_has_service(aioble_op_scan_result(next), ENV_SENSING));
  device = aioble_scan_result_device(aioble_op_scan_result(next));
  aioble_op_unref(next);
  sim_expect(aioble_scan_stop(scan), 0);
  aioble_scan_unref(scan);

  conn = sim_ok(aioble_device_connect(device, NULL));
  aioble_device_unref(device);
  sim_ok(advertising);
  svc = sim_ok(aioble_conn_service(aioble_op_conn(conn), ENV_SENSING));
  chr = sim_ok(aioble_client_service_char(aioble_op_service(svc), TEMPERATURE));
  op = sim_ok(aioble_client_char_read(aioble_op_char(chr)));
  assert_int_equal(aioble_op_value(op).len, 5);
  assert_memory_equal(aioble_op_value(op).data, "hello", 5);
  aioble_op_unref(op);
  sim_expect(aioble_client_char_write(aioble_op_char(chr), "abc", 3, AIOBLE_WRITE_REQUEST), 0);
  assert_int_equal(aioble_char_read(sensor).len, 3);
  op = sim_ok(aioble_char_written(sensor));
  assert_ptr_equal(aioble_op_conn(op), aioble_op_conn(advertising));
  aioble_op_unref(op);
  sim_expect(aioble_client_char_subscribe(aioble_op_char(chr), AIOBLE_SUBSCRIBE_NOTIFY), 0);
  assert_int_equal(aioble_char_write(sensor, "new", 3, AIOBLE_SEND_UPDATE), 0);
  op = sim_ok(aioble_client_char_notified(aioble_op_char(chr)));
  assert_int_equal(aioble_op_value(op).len, 3);
  assert_memory_equal(aioble_op_value(op).data, "new", 3);
  aioble_op_unref(op);
  sim_expect(aioble_char_indicate(sensor, aioble_op_conn(advertising), "ind", 3), 0);
  op = sim_ok(aioble_client_char_indicated(aioble_op_char(chr)));
  assert_memory_equal(aioble_op_value(op).data, "ind", 3);
  aioble_op_unref(op);
  assert_int_equal(aioble_conn_mtu(aioble_op_conn(conn)), 517);
  sim_expect(aioble_conn_disconnect(aioble_op_conn(conn)), 0);
  sim_expect(aioble_conn_disconnected(aioble_op_conn(advertising)), 0);
  aioble_op_unref(advertising);
  aioble_op_unref(chr);
  aioble_op_unref(svc);
  aioble_op_unref(conn);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_connects_reads_writes_is_notified),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
