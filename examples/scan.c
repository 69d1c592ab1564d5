/* SPDX-License-Identifier: MIT */
/* Lists who is advertising: scan [--adapter NAME] [--ms N] */
#include "example.h"

static void print_services(const aioble_scan_result_t *result) {
  aioble_ad_service_iter_t it = aioble_ad_service_iter(aioble_scan_result_payload(result));
  char text[AIOBLE_UUID_TEXT_SIZE];
  aioble_uuid_t uuid;

  while (aioble_ad_service_next(&it, &uuid))
    printf(" %s", aioble_uuid_text(&uuid, text));
}

static void print_result(const aioble_scan_result_t *result) {
  const aioble_addr_t *addr = aioble_scan_result_addr(result);
  char text[AIOBLE_ADDR_TEXT_SIZE], name[128];

  (void) aioble_scan_result_name(result, name, sizeof name);
  printf("%s %-6s %4d dBm %s '%s'", aioble_addr_text(addr, text),
         addr->type == AIOBLE_ADDR_PUBLIC ? "public" : "random", aioble_scan_result_rssi(result),
         aioble_scan_result_connectable(result) ? "connectable" : "broadcast  ", name);
  print_services(result);
  printf("\n");
}

int main(int argc, char **argv) {
  const char *adapter = NULL;
  long ms = example_args(argc, argv, "[--ms N]", "ms", 5000, &adapter);
  uv_loop_t loop;
  aioble_t *ble;
  aioble_scan_t *scan;
  aioble_op_t *next;
  int status;

  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  scan = aioble_scan(ble, &(aioble_scan_options_t){
                              .duration_ms = (uint64_t) ms, .active = true, .ignore_rssi = true});
  do {
    next = aioble_scan_next(scan);
    status = example_await("scan", next);
    if (status == 0)
      print_result(aioble_op_scan_result(next));
    aioble_op_unref(next);
  } while (status == 0);
  aioble_scan_unref(scan);
  return example_end(ble, &loop, status == AIOBLE_EOF ? 0 : status);
}
