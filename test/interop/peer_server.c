/* SPDX-License-Identifier: MIT */
/*
 * peer_server --adapter NAME: advertises, and serves a table of values as a scenario tells it on
 * stdin, a command a line:
 *   register SERVICE...   these services instead of what was registered
 *   set NAME HEX          the value of a characteristic or descriptor
 *   get NAME              tells it
 *   notify NAME HEX       sends that to the client that came last; the value stays as it is
 *   indicate NAME HEX
 *   mtu                   tells that client's
 *   quit                  ends it in order, with status 0
 * Every command but the last is answered on stdout, and what clients do is told there, too; bytes
 * as hexadecimal digits with a full stop behind the last. To serve something else: another row in
 * the table.
 */
#include "peer_commands.h"

#include <aioble/peripheral.h>
#include <aioble/server.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "aioble-peer"
#define BASE "12345678-1234-5678-1234-56789abcde"

enum { VALUE_MAX = 512, NAMES_MAX = 16 };

typedef enum kind { SERVICE, SECONDARY, INCLUDE, CHAR, DESC } kind_t;

/* hundredths of a degree Celsius */
static const aioble_format_t celsius = {
    .format = AIOBLE_FORMAT_SINT16, .exponent = -2, .unit = 0x272f, .name_space = 1};

/*
 * A characteristic is in the service above it, a descriptor in the characteristic above it; an
 * INCLUDE names the service, further above, that the one above it includes. (Of a UUID of 16 bits:
 * tshark calls the declarations of others malformed.)
 */
static const struct definition {
  kind_t kind;
  const char *name, *uuid;
  unsigned flags;
  const char *description;
  const aioble_format_t *format;
} table[] = {
    {SECONDARY, "parts", "1815", 0, NULL, NULL},
    {CHAR, "serial", BASE "c1", AIOBLE_READ, NULL, NULL},
    {SERVICE, "values", BASE "a0", 0, NULL, NULL},
    {CHAR, "long", BASE "a1", AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP, NULL, NULL},
    {DESC, "note", BASE "a2", AIOBLE_READ | AIOBLE_WRITE, NULL, NULL},
    {CHAR, "news", BASE "a3", AIOBLE_READ | AIOBLE_NOTIFY, NULL, NULL},
    {CHAR, "alert", BASE "a4", AIOBLE_READ | AIOBLE_INDICATE, NULL, NULL},
    {SERVICE, "weather", "181a", 0, NULL, NULL},
    {INCLUDE, "parts", NULL, 0, NULL, NULL},
    {CHAR, "temperature", "2a6e", AIOBLE_READ, "attic", &celsius},
    {CHAR, "indoors", "2a6f", AIOBLE_READ, NULL, NULL},
    {CHAR, "outdoors", "2a6f", AIOBLE_READ, NULL, NULL},
    {SERVICE, "later", BASE "b0", 0, NULL, NULL},
    {CHAR, "more", BASE "b1", AIOBLE_READ, NULL, NULL},
};

enum { ROWS = sizeof table / sizeof table[0] };

typedef struct row {
  const struct definition *as;
  aioble_service_t *service; /* one of the three, or none */
  aioble_char_t *chr;
  aioble_desc_t *desc;
} row_t;

typedef struct app {
  aioble_t *ble;
  aioble_conn_t *conn; /* of the client that came last */
  row_t rows[ROWS];
  peer_commands_t commands;
} app_t;

static void print_value(const char *what, const char *name, aioble_bytes_t value) {
  printf("%s %s ", what, name);
  for (size_t i = 0; i < value.len; i++)
    printf("%02x", value.data[i]);
  printf(".\n");
}

/* --- what clients do ------------------------------------------------------------------------- */

static int on_write(aioble_access_t *access, void *user) {
  const row_t *row = user;

  print_value("written", row->as->name, access->value);
  return 0;
}

static void on_subscribe(aioble_char_t *chr, aioble_conn_t *conn, unsigned what, void *user) {
  const row_t *row = user;

  (void) chr;
  (void) conn;
  printf("subscribed %s %u\n", row->as->name, what);
}

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  (void) conn;
  (void) user;
  printf("disconnected: %s\n", aioble_strerror(reason));
}

static void on_client(aioble_op_t *op, int status, void *user);

static void advertise(app_t *app) {
  aioble_op_then(
      aioble_advertise(
          app->ble, &(aioble_advertise_options_t){.interval_us = 100000, .fields = {.name = NAME}}),
      on_client, app);
}

static void on_client(aioble_op_t *op, int status, void *user) {
  app_t *app = user;

  if (status < 0) {
    printf("not advertising: %s\n", aioble_op_message(op));
    return;
  }
  printf("connected\n");
  aioble_conn_unref(app->conn);
  app->conn = aioble_conn_ref(aioble_op_conn(op));
  aioble_conn_set_hooks(app->conn, &(aioble_conn_hooks_t){.on_disconnect = on_disconnect});
  advertise(app);
}

/* --- the table ------------------------------------------------------------------------------- */

static row_t *row_named(app_t *app, const char *name) {
  for (row_t *row = app->rows; row < app->rows + ROWS; row++)
    if (strcmp(row->as->name, name) == 0)
      return row;
  printf("there is no %s\n", name);
  exit(2);
}

static void make_row(app_t *app, row_t *row, aioble_service_t *service, aioble_char_t *chr) {
  const struct definition *as = row->as;
  const aioble_char_options_t options = {.on_write = on_write,
                                         .on_subscribe = on_subscribe,
                                         .user = row,
                                         .user_description = as->description,
                                         .formats = as->format,
                                         .n_formats = as->format ? 1 : 0};
  aioble_uuid_t uuid = {0};

  if (as->uuid)
    aioble_uuid_parse(&uuid, as->uuid);
  switch (as->kind) {
  case SERVICE:
    row->service = aioble_service_new(app->ble, uuid);
    break;
  case SECONDARY:
    row->service = aioble_service_new_secondary(app->ble, uuid);
    break;
  case INCLUDE:
    aioble_service_include(service, row_named(app, as->name)->service);
    break;
  case CHAR:
    row->chr = aioble_char_new(service, uuid, as->flags, &options);
    break;
  case DESC:
    row->desc = aioble_desc_new(chr, uuid, row->as->flags, NULL);
    break;
  }
}

static void make_table(app_t *app) {
  aioble_service_t *service = NULL;
  aioble_char_t *chr = NULL;

  for (size_t i = 0; i < ROWS; i++) {
    row_t *row = &app->rows[i];

    row->as = &table[i];
    make_row(app, row, service, chr);
    service = row->service ? row->service : service;
    chr = row->chr ? row->chr : chr;
  }
}

/* --- commands -------------------------------------------------------------------------------- */

/* Two digits a byte. */
static size_t parse_hex(const char *text, uint8_t *bytes) {
  size_t len = text ? strlen(text) / 2 : 0;
  unsigned byte;

  if (len > VALUE_MAX)
    len = VALUE_MAX;
  for (size_t i = 0; i < len; i++)
    bytes[i] = (uint8_t) (sscanf(text + 2 * i, "%2x", &byte) == 1 ? byte : 0);
  return len;
}

/* as the library says it, and shortly when all went well */
static void say_status(const char *what, int status) {
  printf("%s: %s\n", what, status < 0 ? aioble_strerror(status) : "ok");
}

static void do_register(void *user, char *names) {
  app_t *app = user;
  aioble_service_t *services[NAMES_MAX];
  size_t n = 0;
  const char *name;

  while (n < NAMES_MAX && *(name = peer_word(&names)))
    services[n++] = row_named(app, name)->service;
  say_status("register", aioble_register_services(app->ble, services, n));
}

static void do_set(void *user, char *arguments) {
  const row_t *row = row_named(user, peer_word(&arguments));
  uint8_t bytes[VALUE_MAX];
  size_t len = parse_hex(arguments, bytes);

  say_status("set", row->chr ? aioble_char_write(row->chr, bytes, len, 0)
                             : aioble_desc_write(row->desc, bytes, len));
}

static void do_get(void *user, char *name) {
  const row_t *row = row_named(user, name);

  print_value("value", name, row->chr ? aioble_char_read(row->chr) : aioble_desc_read(row->desc));
}

static void on_sent(aioble_op_t *op, int status, void *user) {
  const row_t *row = user;

  printf("sent %s: %s\n", row->as->name, status < 0 ? aioble_op_message(op) : "ok");
}

typedef aioble_op_t *send_fn(aioble_char_t *chr, aioble_conn_t *conn, const void *data, size_t len);

static void send_value(app_t *app, char *arguments, send_fn *send) {
  row_t *row = row_named(app, peer_word(&arguments));
  uint8_t bytes[VALUE_MAX];
  size_t len = parse_hex(arguments, bytes);

  aioble_op_then(send(row->chr, app->conn, bytes, len), on_sent, row);
}

static void do_notify(void *user, char *arguments) {
  send_value(user, arguments, aioble_char_notify);
}

static void do_indicate(void *user, char *arguments) {
  send_value(user, arguments, aioble_char_indicate);
}

static void do_mtu(void *user, char *arguments) {
  const app_t *app = user;

  (void) arguments;
  printf("mtu: %u\n", aioble_conn_mtu(app->conn));
}

static const peer_command_t commands[] = {
    {"register", do_register}, {"set", do_set}, {"get", do_get}, {"notify", do_notify},
    {"indicate", do_indicate}, {"mtu", do_mtu}, {NULL, NULL},
};

/* --- from beginning to end ------------------------------------------------------------------- */

static void run(app_t *app, uv_loop_t *loop) {
  peer_commands_start(&app->commands, loop, commands, app->ble, app);
  make_table(app);
  advertise(app);
  uv_run(loop, UV_RUN_DEFAULT);
  aioble_conn_unref(app->conn);
  for (size_t i = 0; i < ROWS; i++)
    aioble_service_unref(app->rows[i].service);
}

int main(int argc, char **argv) {
  app_t app = {0};
  uv_loop_t loop;

  if (argc != 3 || strcmp(argv[1], "--adapter") != 0) {
    (void) fprintf(stderr, "usage: peer_server --adapter NAME\n");
    return 2;
  }
  uv_loop_init(&loop);
  app.ble = aioble_new(&loop, &(aioble_options_t){.adapter = argv[2], .name = NAME});
  run(&app, &loop);
  aioble_unref(app.ble);
  if (uv_loop_close(&loop) != 0) {
    printf("the loop is not empty\n");
    return 1;
  }
  return 0;
}
