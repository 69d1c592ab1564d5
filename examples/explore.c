/* SPDX-License-Identifier: MIT */
/*
 * Prints a peer's whole attribute table, with what can be read:
 *
 *   explore [--adapter NAME] [--random 1] ADDRESS
 */
#include "example.h"

static void print_value(aioble_op_t *read) {
  int status = aioble_op_await(read);
  aioble_bytes_t value = aioble_op_value(read);

  if (status < 0) {
    printf(" (%s)\n", aioble_op_message(read));
    goto done;
  }
  for (size_t i = 0; i < value.len; i++)
    printf(" %02x", value.data[i]);
  printf(" |");
  for (size_t i = 0; i < value.len; i++)
    printf("%c", value.data[i] >= 0x20 && value.data[i] < 0x7f ? value.data[i] : '.');
  printf("|\n");
done:
  aioble_op_unref(read);
}

static void print_desc(aioble_op_t *found) {
  aioble_client_desc_t *desc = aioble_op_desc(found);
  aioble_uuid_t uuid = aioble_client_desc_uuid(desc);
  char text[AIOBLE_UUID_TEXT_SIZE];

  printf("    %04x descriptor %s", aioble_client_desc_handle(desc), aioble_uuid_text(&uuid, text));
  print_value(aioble_client_desc_read(desc));
}

/* everything an iterator finds, one by one */
static int for_each(const char *what, aioble_discovery_t *found, void (*print)(aioble_op_t *)) {
  aioble_op_t *next;
  int status;

  do {
    next = aioble_discovery_next(found);
    status = example_await(what, next);
    if (status == 0)
      print(next);
    aioble_op_unref(next);
  } while (status == 0);
  aioble_discovery_unref(found);
  return status == AIOBLE_EOF ? 0 : status;
}

static void print_properties(unsigned properties) {
  static const char *const names[] = {"broadcast", "read",     "write-no-response", "write",
                                      "notify",    "indicate", "signed-write",      "extended"};

  for (unsigned i = 0; i < 8; i++)
    if (properties >> i & 1)
      printf(" %s", names[i]);
}

static void print_char(aioble_op_t *found) {
  aioble_client_char_t *chr = aioble_op_char(found);
  aioble_uuid_t uuid = aioble_client_char_uuid(chr);
  char text[AIOBLE_UUID_TEXT_SIZE];

  printf("  %04x characteristic %s", aioble_client_char_handle(chr), aioble_uuid_text(&uuid, text));
  print_properties(aioble_client_char_properties(chr));
  if (aioble_client_char_properties(chr) & AIOBLE_PROP_READ)
    print_value(aioble_client_char_read(chr));
  else
    printf("\n");
  (void) for_each("descriptors", aioble_client_char_descs(chr, NULL), print_desc);
}

static void print_range(const char *indent, const char *what,
                        const aioble_client_service_t *service) {
  aioble_uuid_t uuid = aioble_client_service_uuid(service);
  char text[AIOBLE_UUID_TEXT_SIZE];
  uint16_t first, last;

  aioble_client_service_range(service, &first, &last);
  printf("%s%04x-%04x %s %s\n", indent, first, last, what, aioble_uuid_text(&uuid, text));
}

static void print_include(aioble_op_t *found) {
  print_range("  ", "included service", aioble_op_service(found));
}

static void print_content(aioble_client_service_t *service) {
  (void) for_each("included services", aioble_client_service_includes(service, NULL),
                  print_include);
  (void) for_each("characteristics", aioble_client_service_chars(service, NULL), print_char);
}

static void print_service(aioble_op_t *found) {
  print_range("", "service", aioble_op_service(found));
  print_content(aioble_op_service(found));
}

static void print_secondary(aioble_op_t *found) {
  print_range("", "secondary service", aioble_op_service(found));
  print_content(aioble_op_service(found));
}

static int print_table(aioble_conn_t *conn) {
  int status = for_each("services", aioble_conn_services(conn, NULL), print_service);

  if (status == 0)
    status =
        for_each("secondary services", aioble_conn_secondary_services(conn, NULL), print_secondary);
  return status;
}

int main(int argc, char **argv) {
  const char *adapter = NULL;
  long random = example_args(argc, argv, "[--random 1] ADDRESS", "random", 0, &adapter);
  aioble_device_t *device;
  aioble_op_t *conn;
  aioble_addr_t addr;
  uv_loop_t loop;
  aioble_t *ble;
  int status;

  if (optind >= argc || aioble_addr_parse(&addr, random != 0, argv[optind]) < 0) {
    (void) fprintf(stderr, "%s: give the address of a device, like aa:bb:cc:dd:ee:ff\n", argv[0]);
    return 2;
  }
  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  device = aioble_device_new(ble, &addr);
  conn = aioble_device_connect(device, NULL);
  status = example_await("connect", conn);
  if (status == 0)
    status = print_table(aioble_op_conn(conn));
  if (status == 0)
    status = aioble_op_finish(aioble_conn_disconnect(aioble_op_conn(conn)));
  aioble_op_unref(conn);
  aioble_device_unref(device);
  return example_end(ble, &loop, status);
}
