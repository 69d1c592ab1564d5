/* SPDX-License-Identifier: MIT */
/*
 * Finds a temperature sensor (Environmental Sensing, 0x181A), connects, reads its Temperature
 * (0x2A6E) and prints ten notifications: temp_client [--adapter NAME] [--count N]
 */
#include "example.h"

#define ENV_SENSING AIOBLE_UUID16(0x181a)
#define TEMPERATURE AIOBLE_UUID16(0x2a6e)

static int print_value(const char *what, aioble_bytes_t value) {
  if (value.len != 2)
    return AIOBLE_EPROTO;
  printf("%s %.2f C\n", what, (int16_t) (value.data[0] | value.data[1] << 8) / 100.0);
  return 0;
}

/* the first device that offers the service */
static int find(aioble_t *ble, aioble_device_t **device) {
  const aioble_uuid_t uuid = ENV_SENSING;
  aioble_scan_t *scan = aioble_scan(
      ble,
      &(aioble_scan_options_t){.duration_ms = 10000, .active = true, .filter = {.uuid = &uuid}});
  aioble_op_t *next = aioble_scan_next(scan);
  int status = example_await("scan", next);
  char addr[AIOBLE_ADDR_TEXT_SIZE], name[64];
  aioble_scan_result_t *result;

  if (status == AIOBLE_EOF)
    (void) fprintf(stderr, "no temperature sensor found\n");
  if (status == 0) {
    result = aioble_op_scan_result(next);
    (void) aioble_scan_result_name(result, name, sizeof name);
    printf("found %s '%s' %d dBm\n", aioble_addr_text(aioble_scan_result_addr(result), addr), name,
           aioble_scan_result_rssi(result));
    *device = aioble_scan_result_device(result);
  }
  aioble_op_unref(next);
  aioble_op_finish(aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  return status;
}

static int print_services(aioble_conn_t *conn) {
  aioble_discovery_t *services = aioble_conn_services(conn, NULL);
  char text[AIOBLE_UUID_TEXT_SIZE];
  aioble_uuid_t uuid;
  aioble_op_t *next;
  int status;

  while ((status = example_await("services", next = aioble_discovery_next(services))) == 0) {
    uuid = aioble_client_service_uuid(aioble_op_service(next));
    printf("service %s\n", aioble_uuid_text(&uuid, text));
    aioble_op_unref(next);
  }
  aioble_op_unref(next);
  aioble_discovery_unref(services);
  return status == AIOBLE_EOF ? 0 : status;
}

static int read_and_listen(aioble_client_char_t *temperature, long count) {
  aioble_op_t *op = aioble_client_char_read(temperature);
  int status = example_await("read", op);

  if (status == 0)
    status = print_value("read", aioble_op_value(op));
  aioble_op_unref(op);
  if (status == 0)
    status = aioble_op_finish(aioble_client_char_subscribe(temperature, AIOBLE_SUBSCRIBE_NOTIFY));
  for (long i = 0; status == 0 && i < count; i++) {
    op = aioble_client_char_notified(temperature);
    status = example_await("notified", op);
    if (status == 0)
      status = print_value("notified", aioble_op_value(op));
    aioble_op_unref(op);
  }
  return status;
}

static int use(aioble_device_t *device, long count) {
  aioble_op_t *conn = aioble_device_connect(device, NULL), *svc = NULL, *chr = NULL;
  int status = example_await("connect", conn);

  if (status < 0)
    goto done;
  printf("connected\n");
  if ((status = print_services(aioble_op_conn(conn))) < 0)
    goto done;
  svc = aioble_conn_service(aioble_op_conn(conn), ENV_SENSING);
  if ((status = example_await("service 181a", svc)) < 0)
    goto done;
  chr = aioble_client_service_char(aioble_op_service(svc), TEMPERATURE);
  if ((status = example_await("characteristic 2a6e", chr)) < 0)
    goto done;
  status = read_and_listen(aioble_op_char(chr), count);
  aioble_op_finish(aioble_conn_disconnect(aioble_op_conn(conn)));
done:
  aioble_op_unref(chr);
  aioble_op_unref(svc);
  aioble_op_unref(conn);
  return status;
}

int main(int argc, char **argv) {
  const char *adapter = NULL;
  long count = example_args(argc, argv, "[--count N]", "count", 10, &adapter);
  aioble_device_t *device = NULL;
  uv_loop_t loop;
  aioble_t *ble;
  int status;

  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  status = find(ble, &device);
  if (status == 0)
    status = use(device, count);
  aioble_device_unref(device);
  return example_end(ble, &loop, status);
}
