/* SPDX-License-Identifier: MIT */
/*
 * peer_central --adapter NAME ADDRESS: the central of a peer with a service of its own, which
 * central.sh registers.
 *   1. Connects, finds the service and its characteristic, and not one that is not there.
 *   2. Reads the value, which is "Hi!", and subscribes.
 *   3. Writes another, is notified of it (the peer notifies each change), and reads it.
 *   4. Takes three notifications that somebody else causes: the scenario does, on "subscribed".
 *   5. Unsubscribes and disconnects.
 * A line on stdout for each thing done; the first that goes wrong ends it with status 1.
 */
#include <aioble/central.h>
#include <aioble/client.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define SERVICE        "12345678-1234-5678-1234-56789abcdef0"
#define CHARACTERISTIC "12345678-1234-5678-1234-56789abcdef1"
#define ABSENT         "12345678-1234-5678-1234-56789abcdeff"

static aioble_uuid_t uuid(const char *text) {
  aioble_uuid_t parsed = {0};

  aioble_uuid_parse(&parsed, text);
  return parsed;
}

/* Waits for the op, which stays the caller's. True when it ended as it should. */
static bool ended(aioble_op_t *op, const char *what, int expected) {
  int status = aioble_op_await(op);

  printf("%s%s%s\n", what, status == 0 ? "" : ": ", status == 0 ? "" : aioble_op_message(op));
  return status == expected;
}

/* An op without a result. */
static bool done(aioble_op_t *op, const char *what, int expected) {
  bool ok = ended(op, what, expected);

  aioble_op_unref(op);
  return ok;
}

/* An op that yields a value; with `expected` only that one will do. */
static bool yields(aioble_op_t *op, const char *what, const char *expected) {
  bool ok = ended(op, what, 0);
  aioble_bytes_t value = aioble_op_value(op);

  printf("  %zu bytes: %.*s\n", value.len, (int) value.len, (const char *) value.data);
  if (expected != NULL)
    ok = ok && value.len == strlen(expected) && memcmp(value.data, expected, value.len) == 0;
  aioble_op_unref(op);
  return ok;
}

/* The characteristic, a reference; NULL: not found. */
static aioble_client_char_t *find(aioble_conn_t *conn) {
  aioble_op_t *service = aioble_conn_service(conn, uuid(SERVICE)), *chr = NULL;
  aioble_client_char_t *found = NULL;

  if (!ended(service, "service", 0))
    goto done;
  chr = aioble_client_service_char(aioble_op_service(service), uuid(CHARACTERISTIC));
  if (ended(chr, "characteristic", 0))
    found = aioble_client_char_ref(aioble_op_char(chr));

done:
  aioble_op_unref(chr);
  aioble_op_unref(service);
  return found;
}

static bool use(aioble_client_char_t *chr) {
  static const char text[] = "yes"; /* as long as what the peer registered, or it says no */

  return yields(aioble_client_char_read(chr), "read", "Hi!") &&
         done(aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY), "subscribe", 0) &&
         done(aioble_client_char_write(chr, text, strlen(text), AIOBLE_WRITE_REQUEST), "write",
              0) &&
         yields(aioble_client_char_notified(chr), "notified of it", text) &&
         yields(aioble_client_char_read(chr), "read it", text) && puts("subscribed") >= 0 &&
         yields(aioble_client_char_notified(chr), "notified", NULL) &&
         yields(aioble_client_char_notified(chr), "notified", NULL) &&
         yields(aioble_client_char_notified(chr), "notified", NULL) &&
         done(aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NONE), "unsubscribe", 0);
}

static bool talk(aioble_conn_t *conn) {
  aioble_client_char_t *chr = find(conn);
  bool ok = chr != NULL &&
            done(aioble_conn_service(conn, uuid(ABSENT)), "no such service", AIOBLE_ENOENT) &&
            use(chr);

  aioble_client_char_unref(chr);
  return done(aioble_conn_disconnect(conn), "disconnect", 0) && ok;
}

static bool run(aioble_t *ble, const char *address) {
  aioble_addr_t addr = {0};
  aioble_device_t *device;
  aioble_op_t *connect;
  bool ok;

  aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, address);
  device = aioble_device_new(ble, &addr);
  connect = aioble_device_connect(device, NULL);
  ok = ended(connect, "connect", 0) && talk(aioble_op_conn(connect));
  aioble_op_unref(connect);
  aioble_device_unref(device);
  return done(aioble_close(ble), "close", 0) && ok;
}

int main(int argc, char **argv) {
  uv_loop_t loop;
  aioble_t *ble;
  bool ok;

  if (argc != 4 || strcmp(argv[1], "--adapter") != 0) {
    fprintf(stderr, "usage: peer_central --adapter NAME ADDRESS\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  uv_loop_init(&loop);
  ble = aioble_new(&loop, &(aioble_options_t){.adapter = argv[2]});
  ok = run(ble, argv[3]);
  aioble_unref(ble);
  if (uv_loop_close(&loop) != 0) {
    printf("the loop is not empty\n");
    ok = false;
  }
  return ok ? 0 : 1;
}
