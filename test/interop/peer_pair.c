/* SPDX-License-Identifier: MIT */
/*
 * peer_pair --adapter NAME [--eatt N]: pairs, as a scenario tells it on stdin, a command a line,
 * and its user answers with more of them; one link at a time:
 *
 *   config KEY VALUE    of aioble_config_set(): io, bond, mitm, le_secure
 *   advertise           the next link, as the peripheral …
 *   connect ADDRESS     … or as the central
 *   pair [legacy]       with what is configured
 *   answer yes|no|SIX-DIGITS
 *   bonds               lists them
 *   forget ADDRESS      deletes one
 *   read UUID           a characteristic of the peer's service BASEd0
 *   listen PSM LEVEL    0 to 3: what a link must be for a channel
 *   open PSM [enhanced] asks the peer for a channel
 *   send N LENGTH       so many SDUs on the channel that was made last
 *   end                 that channel
 *   bearers             how many ATT bearers there are; --eatt N allows so many enhanced ones
 *   disconnect
 *   quit                ends it in order, with status 0
 *
 * Each is answered on stdout when it is done, and so is what the peer does. SDUs are those of
 * l2test, and are checked. Its server has two characteristics, BASEe1 for encrypted links and
 * BASEe2 for authenticated ones.
 */
#include "peer_commands.h"

#include <aioble/central.h>
#include <aioble/client.h>
#include <aioble/l2cap.h>
#include <aioble/peripheral.h>
#include <aioble/security.h>
#include <aioble/server.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "12345678-1234-5678-1234-56789abcde"

enum { SDU_MAX = 1024, DOORS = 4, BONDS_MAX = 4, PATIENCE_MS = 30000 };

typedef struct app app_t;

typedef struct door {
  app_t *app;
  aioble_listener_t *listener;
} door_t;

struct app {
  aioble_t *ble;
  aioble_service_t *service;
  aioble_conn_t *conn;
  aioble_uuid_t wanted; /* what is to be read */
  door_t doors[DOORS];
  unsigned n_doors;
  aioble_channel_t *channel; /* made last */
  unsigned received, sent;   /* SDUs on it */
  peer_commands_t commands;
};

static aioble_uuid_t uuid(const char *text) {
  aioble_uuid_t parsed = {0};

  aioble_uuid_parse(&parsed, text);
  return parsed;
}

static void say(const char *what, aioble_op_t *op, int status) {
  printf("%s: %s\n", what, status < 0 ? aioble_op_message(op) : "ok");
}

/* --- the link -------------------------------------------------------------------------------- */

static void say_security(const char *what, const aioble_conn_t *conn) {
  aioble_conn_security_t s = aioble_conn_security(conn);

  printf("%s: %s%s%s%s, key %u\n", what, s.encrypted ? "encrypted" : "plain",
         s.authenticated ? ", authenticated" : "", s.secure_connections ? ", secure" : "",
         s.bonded ? ", bonded" : "", s.key_size);
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  (void) user;
  if (status < 0)
    printf("not secured: %s\n", aioble_strerror(status));
  else
    say_security("security", conn);
}

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  (void) conn;
  (void) user;
  printf("disconnected: %s\n", aioble_strerror(reason));
}

static void on_link(aioble_op_t *op, int status, void *user) {
  app_t *app = user;

  if (status < 0) {
    printf("not connected: %s\n", aioble_op_message(op));
    return;
  }
  aioble_conn_unref(app->conn);
  app->conn = aioble_conn_ref(aioble_op_conn(op));
  aioble_conn_set_hooks(app->conn, &(aioble_conn_hooks_t){.on_disconnect = on_disconnect,
                                                          .on_security = on_security});
  say_security("connected", app->conn);
}

static void do_advertise(void *user, char *arguments) {
  app_t *app = user;
  const aioble_advertise_options_t options = {.interval_us = 100000, .fields = {.name = "pair"}};

  (void) arguments;
  aioble_op_then(aioble_advertise(app->ble, &options), on_link, app);
}

static void do_connect(void *user, char *address) {
  app_t *app = user;
  aioble_addr_t addr = {0};
  aioble_device_t *device;
  aioble_op_t *op;

  aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, address);
  device = aioble_device_new(app->ble, &addr);
  op = aioble_device_connect(device, NULL);
  aioble_op_set_timeout(op, PATIENCE_MS);
  aioble_op_then(op, on_link, app);
  aioble_device_unref(device);
}

static void do_disconnect(void *user, char *arguments) {
  app_t *app = user;

  (void) arguments;
  aioble_op_unref(aioble_conn_disconnect(app->conn)); /* the hook says when */
}

/* --- pairing --------------------------------------------------------------------------------- */

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  (void) conn;
  (void) user;
  switch (prompt) {
  case AIOBLE_PROMPT_SHOW:
    printf("show %06u\n", number);
    break;
  case AIOBLE_PROMPT_ENTER:
    printf("enter\n");
    break;
  case AIOBLE_PROMPT_COMPARE:
    printf("compare %06u\n", number);
    break;
  }
}

static void on_paired(aioble_op_t *op, int status, void *user) {
  (void) user;
  say("pair", op, status);
}

static void do_pair(void *user, char *how) {
  app_t *app = user;
  const aioble_pair_options_t options = {
      .le_secure = strcmp(how, "legacy") == 0 ? AIOBLE_LE_SECURE_NEVER : 0};

  aioble_op_then(aioble_conn_pair(app->conn, &options), on_paired, app);
}

static void do_answer(void *user, char *text) {
  app_t *app = user;
  bool yes = strcmp(text, "no") != 0;
  int status = aioble_pairing_answer(app->conn, yes, (uint32_t) strtoul(text, NULL, 10));

  printf("answer: %s\n", status < 0 ? aioble_strerror(status) : "ok");
}

static void do_config(void *user, char *arguments) {
  app_t *app = user;
  const char *key = peer_word(&arguments);
  int status = aioble_config_set(app->ble, key, arguments);

  printf("config: %s\n", status < 0 ? aioble_strerror(status) : "ok");
}

static void do_bonds(void *user, char *arguments) {
  app_t *app = user;
  aioble_bond_t bonds[BONDS_MAX];
  size_t n = aioble_bonds(app->ble, bonds, BONDS_MAX);
  char text[AIOBLE_ADDR_TEXT_SIZE];

  (void) arguments;
  printf("bonds: %zu\n", n);
  for (size_t i = 0; i < n && i < BONDS_MAX; i++)
    printf("bond %s%s%s\n", aioble_addr_text(&bonds[i].addr, text),
           bonds[i].authenticated ? ", authenticated" : "",
           bonds[i].secure_connections ? ", secure" : "");
}

static void do_forget(void *user, char *address) {
  app_t *app = user;
  aioble_addr_t addr = {0};
  int status;

  aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, address);
  status = aioble_bond_delete(app->ble, &addr);
  printf("forget: %s\n", status < 0 ? aioble_strerror(status) : "ok");
}

/* --- attributes ------------------------------------------------------------------------------ */

static void make_service(app_t *app) {
  app->service = aioble_service_new(app->ble, uuid(BASE "e0"));
  aioble_char_new(app->service, uuid(BASE "e1"), AIOBLE_READ,
                  &(aioble_char_options_t){.initial = {(const uint8_t *) "hidden", 6},
                                           .read_security = AIOBLE_SECURITY_ENCRYPTED});
  aioble_char_new(app->service, uuid(BASE "e2"), AIOBLE_READ,
                  &(aioble_char_options_t){.initial = {(const uint8_t *) "secret", 6},
                                           .read_security = AIOBLE_SECURITY_AUTHENTICATED});
  aioble_register_services(app->ble, &app->service, 1);
}

static void on_value(aioble_op_t *op, int status, void *user) {
  aioble_bytes_t value = aioble_op_value(op);

  (void) user;
  if (status < 0)
    say("read", op, status);
  else
    printf("read: %.*s.\n", (int) value.len, (const char *) value.data);
}

static void on_char(aioble_op_t *op, int status, void *user) {
  if (status < 0)
    say("characteristic", op, status);
  else
    aioble_op_then(aioble_client_char_read(aioble_op_char(op)), on_value, user);
}

static void on_service(aioble_op_t *op, int status, void *user) {
  app_t *app = user;

  if (status < 0)
    say("service", op, status);
  else
    aioble_op_then(aioble_client_service_char(aioble_op_service(op), app->wanted), on_char, app);
}

static void do_read(void *user, char *text) {
  app_t *app = user;

  app->wanted = uuid(text);
  aioble_op_then(aioble_conn_service(app->conn, uuid(BASE "d0")), on_service, app);
}

static void do_bearers(void *user, char *arguments) {
  const app_t *app = user;

  (void) arguments;
  printf("bearers: %u\n", aioble_conn_bearers(app->conn));
}

/* --- channels -------------------------------------------------------------------------------- */

/* as l2test makes it: its number and its length, and then all the same */
static void make_sdu(unsigned number, size_t len, uint8_t sdu[SDU_MAX]) {
  for (size_t i = 0; i < len; i++)
    sdu[i] = (uint8_t) (i < 4 ? number >> 8 * i : 0x7f);
  sdu[4] = (uint8_t) len;
  sdu[5] = (uint8_t) (len >> 8);
}

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  app_t *app = user;
  uint8_t expected[SDU_MAX];

  (void) channel;
  if (sdu.len >= 6 && sdu.len <= SDU_MAX)
    make_sdu(app->received, sdu.len, expected);
  if (sdu.len < 6 || sdu.len > SDU_MAX || memcmp(sdu.data, expected, sdu.len) != 0)
    printf("SDU %u is wrong\n", app->received);
  printf("received %u\n", ++app->received);
}

static void on_end(aioble_op_t *op, int status, void *user) {
  aioble_channel_t *channel = user;

  (void) op;
  (void) status;
  printf("channel ended: %s\n", aioble_strerror(aioble_channel_reason(channel)));
  aioble_channel_unref(channel);
}

static void on_channel(aioble_op_t *op, int status, void *user) {
  app_t *app = user;

  if (status < 0) {
    say("channel", op, status);
    return;
  }
  aioble_channel_unref(app->channel);
  app->channel = aioble_channel_ref(aioble_op_channel(op));
  app->received = app->sent = 0;
  printf("channel: %s\n", aioble_channel_is_enhanced(app->channel) ? "enhanced" : "plain");
  aioble_channel_on_sdu(app->channel, on_sdu, app);
  op = aioble_channel_disconnected(app->channel);
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  aioble_op_then(op, on_end, aioble_channel_ref(app->channel));
}

static void do_open(void *user, char *arguments) {
  app_t *app = user;
  uint16_t psm = (uint16_t) strtol(peer_word(&arguments), NULL, 0);
  const aioble_channel_options_t options = {.enhanced = strcmp(arguments, "enhanced") == 0};
  aioble_op_t *op = aioble_conn_l2cap_connect(app->conn, psm, &options);

  aioble_op_set_timeout(op, PATIENCE_MS);
  aioble_op_then(op, on_channel, app);
}

static void on_accepted(aioble_op_t *op, int status, void *user) {
  door_t *door = user;

  if (status < 0) /* closed */
    return;
  on_channel(op, status, door->app);
  aioble_op_then(aioble_listener_accept(door->listener), on_accepted, door);
}

static void do_listen(void *user, char *arguments) {
  app_t *app = user;
  uint16_t psm = (uint16_t) strtol(peer_word(&arguments), NULL, 0);
  const aioble_listen_options_t options = {.security = (aioble_security_t) atoi(arguments)};
  door_t *door = &app->doors[app->n_doors];

  if (app->n_doors++ == DOORS)
    exit(2);
  *door = (door_t){.app = app, .listener = aioble_l2cap_listen(app->ble, psm, &options)};
  aioble_op_then(aioble_listener_accept(door->listener), on_accepted, door);
  printf("listen: ok\n");
}

static void on_sent(aioble_op_t *op, int status, void *user) {
  app_t *app = user;

  if (status < 0)
    say("send", op, status);
  else
    printf("sent %u\n", ++app->sent);
}

static void do_send(void *user, char *arguments) {
  app_t *app = user;
  unsigned n = (unsigned) atoi(peer_word(&arguments));
  size_t len = (size_t) atoi(arguments);
  uint8_t sdu[SDU_MAX] = {0};

  for (unsigned i = 0; i < n && len >= 6 && len <= SDU_MAX; i++) {
    make_sdu(i, len, sdu);
    aioble_op_then(aioble_channel_send(app->channel, sdu, len, 0), on_sent, app);
  }
}

static void do_end(void *user, char *arguments) {
  app_t *app = user;

  (void) arguments;
  aioble_op_unref(aioble_channel_disconnect(app->channel));
}

/* --- from beginning to end ------------------------------------------------------------------- */

static const peer_command_t commands[] = {
    {"config", do_config},
    {"advertise", do_advertise},
    {"connect", do_connect},
    {"pair", do_pair},
    {"answer", do_answer},
    {"bonds", do_bonds},
    {"forget", do_forget},
    {"read", do_read},
    {"listen", do_listen},
    {"open", do_open},
    {"send", do_send},
    {"end", do_end},
    {"bearers", do_bearers},
    {"disconnect", do_disconnect},
    {NULL, NULL},
};

static void run(app_t *app, uv_loop_t *loop) {
  peer_commands_start(&app->commands, loop, commands, app->ble, app);
  aioble_set_on_prompt(app->ble, on_prompt, app);
  make_service(app);
  uv_run(loop, UV_RUN_DEFAULT);
  for (unsigned i = 0; i < DOORS; i++)
    aioble_listener_unref(app->doors[i].listener);
  aioble_channel_unref(app->channel);
  aioble_conn_unref(app->conn);
  aioble_service_unref(app->service);
}

int main(int argc, char **argv) {
  app_t app = {0};
  uv_loop_t loop;

  if ((argc != 3 && argc != 5) || strcmp(argv[1], "--adapter") != 0) {
    (void) fprintf(stderr, "usage: peer_pair --adapter NAME [--eatt N]\n");
    return 2;
  }
  uv_loop_init(&loop);
  app.ble =
      aioble_new(&loop, &(aioble_options_t){.adapter = argv[2],
                                            .eatt = argc == 5 ? (unsigned) atoi(argv[4]) : 0});
  run(&app, &loop);
  aioble_unref(app.ble);
  if (uv_loop_close(&loop) != 0) {
    printf("the loop is not empty\n");
    return 1;
  }
  return 0;
}
