/* SPDX-License-Identifier: MIT */
/*
 * peer_central --adapter NAME ADDRESS: the central of a peer with a service of its own, which
 * central.sh registers.
 *   1. Connects, finds the service and its characteristics, and no service that is not there.
 *   2. Reads the value, which is "Hi!", and subscribes.
 *   3. Writes another, is notified of it (the peer notifies each change), and reads it.
 *   4. Where the peer has a value longer than a packet: reads it and its descriptor, and writes
 *      others: the value with its halves changed over.
 *   5. Subscribes to the other characteristic's indications, then takes three notifications and an
 *      indication that somebody else causes: the scenario does, on "subscribed".
 *   6. Unsubscribes and disconnects.
 * A line on stdout for each thing done; the first that goes wrong ends it with status 1.
 */
#include <aioble/central.h>
#include <aioble/client.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define SERVICE "12345678-1234-5678-1234-56789abcdef0"
#define VALUE   "12345678-1234-5678-1234-56789abcdef1" /* read, write, notify */
#define NEWS    "12345678-1234-5678-1234-56789abcdef2" /* indicate */
#define LONG    "12345678-1234-5678-1234-56789abcdef3" /* read, write */
#define NOTE    "2901"                                 /* its descriptor */
#define ABSENT  "12345678-1234-5678-1234-56789abcdeff"

/* Four octets less than may be: bluetoothd (5.66) counts the head of a long write's last part. */
enum { LONG_LEN = 508 };

static aioble_uuid_t uuid(const char *text) {
  aioble_uuid_t parsed = {0};

  aioble_uuid_parse(&parsed, text);
  return parsed;
}

/*
 * Waits for the op, which stays the caller's, as long as the other side may take in an emulated
 * machine. True when it ended as it should.
 */
static bool ended(aioble_op_t *op, const char *what, int expected) {
  int status;

  aioble_op_set_timeout(op, 15000);
  status = aioble_op_await(op);
  printf("%s%s%s\n", what, status == 0 ? "" : ": ", status == 0 ? "" : aioble_op_message(op));
  return status == expected;
}

/* An op without a result. */
static bool done(aioble_op_t *op, const char *what, int expected) {
  bool ok = ended(op, what, expected);

  aioble_op_unref(op);
  return ok;
}

/* An op that yields a value. */
static bool yields(aioble_op_t *op, const char *what, const char *expected) {
  bool ok = ended(op, what, 0);
  aioble_bytes_t value = aioble_op_value(op);

  printf("  %zu bytes: %.*s\n", value.len, (int) value.len, (const char *) value.data);
  ok = ok && value.len == strlen(expected) && memcmp(value.data, expected, value.len) == 0;
  aioble_op_unref(op);
  return ok;
}

/* A characteristic, a reference; NULL: not found. */
static aioble_client_char_t *find(aioble_client_service_t *service, const char *text) {
  aioble_op_t *op = aioble_client_service_char(service, uuid(text));
  aioble_client_char_t *found = NULL;

  if (ended(op, "characteristic", 0))
    found = aioble_client_char_ref(aioble_op_char(op));
  aioble_op_unref(op);
  return found;
}

static bool use_value(aioble_client_char_t *value) {
  static const char text[] = "yes"; /* as long as what the peer registered, or it says no */

  return yields(aioble_client_char_read(value), "read", "Hi!") &&
         done(aioble_client_char_subscribe(value, AIOBLE_SUBSCRIBE_NOTIFY), "subscribe", 0) &&
         done(aioble_client_char_write(value, text, 3, AIOBLE_WRITE_REQUEST), "write", 0) &&
         yields(aioble_client_char_notified(value), "notified of it", text) &&
         yields(aioble_client_char_read(value), "read it", text);
}

/* Tells the long value, and keeps it. */
static bool read_long(aioble_client_char_t *chr, uint8_t *kept) {
  aioble_op_t *op = aioble_client_char_read(chr);
  bool ok = ended(op, "read long", 0) && aioble_op_value(op).len == LONG_LEN;

  if (ok) {
    memcpy(kept, aioble_op_value(op).data, LONG_LEN);
    printf("long ");
    for (size_t i = 0; i < LONG_LEN; i++)
      printf("%02x", kept[i]);
    printf(".\n");
  }
  aioble_op_unref(op);
  return ok;
}

static bool write_long(aioble_client_char_t *chr, const uint8_t *old) {
  uint8_t changed[LONG_LEN], now[LONG_LEN];

  memcpy(changed, old + LONG_LEN / 2, LONG_LEN / 2);
  memcpy(changed + LONG_LEN / 2, old, LONG_LEN / 2);
  return done(aioble_client_char_write(chr, changed, LONG_LEN, AIOBLE_WRITE_REQUEST), "write long",
              0) &&
         read_long(chr, now) && memcmp(now, changed, LONG_LEN) == 0;
}

static bool use_note(aioble_client_char_t *chr) {
  aioble_op_t *op = aioble_client_char_desc(chr, uuid(NOTE));
  bool ok = ended(op, "descriptor", 0) &&
            yields(aioble_client_desc_read(aioble_op_desc(op)), "read note", "note") &&
            done(aioble_client_desc_write(aioble_op_desc(op), "seen", 4), "write note", 0) &&
            yields(aioble_client_desc_read(aioble_op_desc(op)), "read note", "seen");

  aioble_op_unref(op);
  return ok;
}

/* bleno has none: its descriptors cannot be written */
static bool use_long(aioble_client_service_t *service) {
  aioble_client_char_t *chr = find(service, LONG);
  uint8_t value[LONG_LEN];
  bool ok = !chr || (use_note(chr) && read_long(chr, value) && write_long(chr, value));

  aioble_client_char_unref(chr);
  return ok;
}

static bool listen_to(aioble_client_char_t *value, aioble_client_char_t *news) {
  return done(aioble_client_char_subscribe(news, AIOBLE_SUBSCRIBE_INDICATE), "subscribed", 0) &&
         yields(aioble_client_char_notified(value), "notified", "n1") &&
         yields(aioble_client_char_notified(value), "notified", "n2") &&
         yields(aioble_client_char_notified(value), "notified", "n3") &&
         yields(aioble_client_char_indicated(news), "indicated", "i1") &&
         done(aioble_client_char_subscribe(value, AIOBLE_SUBSCRIBE_NONE), "unsubscribe", 0);
}

static bool talk(aioble_conn_t *conn) {
  aioble_op_t *service = aioble_conn_service(conn, uuid(SERVICE));
  aioble_client_char_t *value = NULL, *news = NULL;
  bool ok = ended(service, "service", 0);

  if (ok) {
    value = find(aioble_op_service(service), VALUE);
    news = find(aioble_op_service(service), NEWS);
    ok = done(aioble_conn_service(conn, uuid(ABSENT)), "no such service", AIOBLE_ENOENT) &&
         use_value(value) && use_long(aioble_op_service(service)) && listen_to(value, news);
  }
  aioble_client_char_unref(news);
  aioble_client_char_unref(value);
  aioble_op_unref(service);
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
