/* SPDX-License-Identifier: MIT */
/*
 * peer_channels --adapter NAME [ADDRESS]: L2CAP channels with a peer that sends back what it gets
 * (kernel_channels), in both roles; central of ADDRESS, or without it a peripheral.
 *   1. Listens, and connects or is connected to. One channel stays for all of it.
 *   2. Asks for three channels, talks on all at once, and sees them end, from either side.
 *   3. Is refused: on a PSM that the peer does not have, and on two that demand security.
 *   4. Asks for five enhanced channels at once; the peer, then we take longer SDUs.
 *   5. Is asked for enhanced channels, as a peripheral for three at once; then for two others.
 *   6. Makes none where it demands what the link is not, until the first channel ends; perhaps with
 *      the link, which the kernel takes down when it fails to secure it.
 * To talk is to send SDUs of random lengths and octets, and to compare what comes back. A line on
 * stdout for each thing done; the first that goes wrong ends it with status 1.
 */
#include <aioble/central.h>
#include <aioble/l2cap.h>
#include <aioble/peripheral.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

/* the peer's, then ours; for the others see channels.sh */
enum {
  PSM_ECHO = 0x81,
  PSM_ABSENT = 0x82,
  PSM_ENCRYPTED = 0x83,
  PSM_AUTHENTICATED = 0x84,
  PSM_ENHANCED = 0x85
};
enum { PSM_OPEN = 0x91, PSM_DEMANDING = 0x95 };
enum { MANY = 5, SDUS = 24, AT_ONCE = 4, MTU = 300, LONGER_MTU = 700, PATIENCE_MS = 20000 };

typedef struct app {
  uv_loop_t loop;
  aioble_t *ble;
  aioble_conn_t *conn;
  aioble_listener_t *open, *demanding;
  unsigned asked_for; /* channels, by the peer's last request */
} app_t;

/* Waits for the op, which stays the caller's. True when it ended as it should. */
static bool ended(aioble_op_t *op, const char *what, int expected) {
  int status;

  aioble_op_set_timeout(op, PATIENCE_MS);
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

/* --- to talk --------------------------------------------------------------------------------- */

typedef struct talk {
  aioble_channel_t *channel;
  unsigned *busy;        /* how many of them go on */
  unsigned sent, echoed; /* SDUs */
  unsigned number;       /* its octets are others than those of the rest */
  bool sending, wrong;
} talk_t;

/* The n-th SDU: its length, in the beginning of a random row of octets. */
static size_t make_sdu(const talk_t *t, unsigned n, uint8_t sdu[LONGER_MTU]) {
  uint32_t x = t->number * 7919 + n * 104729 + 1;
  size_t mtu = aioble_channel_our_mtu(t->channel);

  for (size_t i = 0; i < LONGER_MTU; i++) {
    x = x * 1664525 + 1013904223;
    sdu[i] = (uint8_t) (x >> 24);
  }
  return 1 + (n == 0 ? mtu : x >> 8) % mtu;
}

static void on_sent(aioble_op_t *op, int status, void *user);
static void on_echo(aioble_op_t *op, int status, void *user);

static void send_more(talk_t *t) {
  uint8_t sdu[LONGER_MTU];
  size_t len;

  if (t->sending || t->sent == SDUS || t->sent - t->echoed == AT_ONCE)
    return;
  len = make_sdu(t, t->sent++, sdu);
  t->sending = true;
  aioble_op_then(aioble_channel_send(t->channel, sdu, len, 0), on_sent, t);
}

static void hear_more(talk_t *t) {
  if (t->echoed == SDUS)
    --*t->busy;
  else
    aioble_op_then(aioble_channel_recv(t->channel), on_echo, t);
}

static void on_sent(aioble_op_t *op, int status, void *user) {
  talk_t *t = user;

  (void) op;
  t->sending = false;
  if (status == 0)
    send_more(t);
}

static void on_echo(aioble_op_t *op, int status, void *user) {
  talk_t *t = user;
  uint8_t sdu[LONGER_MTU];
  size_t len = make_sdu(t, t->echoed++, sdu);
  aioble_bytes_t echo = aioble_op_value(op);

  if (status < 0 || echo.len != len || memcmp(echo.data, sdu, len) != 0) {
    printf("SDU %u is wrong: %s\n", t->echoed, aioble_op_message(op));
    t->wrong = true;
    --*t->busy;
    return;
  }
  send_more(t);
  hear_more(t);
}

static bool talk(app_t *app, aioble_channel_t *const *channels, unsigned n) {
  talk_t talks[MANY];
  unsigned busy = n;
  bool ok = true;

  for (unsigned i = 0; i < n; i++) {
    talks[i] = (talk_t){.channel = channels[i], .busy = &busy, .number = i};
    send_more(&talks[i]);
    hear_more(&talks[i]);
  }
  while (busy > 0)
    uv_run(&app->loop, UV_RUN_ONCE);
  for (unsigned i = 0; i < n; i++) {
    printf("talked, peer's MTU %u, MPS %u\n", aioble_channel_peer_mtu(channels[i]),
           aioble_channel_peer_mps(channels[i]));
    ok = ok && !talks[i].wrong;
  }
  return ok;
}

/* We end the first; the peer, when it is told to, the others. */
static bool end_all(aioble_channel_t *const *channels, unsigned n) {
  bool ok = done(aioble_channel_disconnect(channels[0]), "ended by us", 0);

  for (unsigned i = 1; ok && i < n; i++)
    ok = done(aioble_channel_send(channels[i], "bye", 3, 0), "bye", 0) &&
         done(aioble_channel_recv(channels[i]), "ended by the peer", AIOBLE_EOF) &&
         aioble_channel_reason(channels[i]) == AIOBLE_EOF;
  return ok;
}

/* --- we ask ---------------------------------------------------------------------------------- */

static const aioble_channel_options_t ours = {.mtu = MTU};

static bool use_three(app_t *app) {
  aioble_op_t *ops[3];
  aioble_channel_t *channels[3];
  bool ok = true;

  for (unsigned i = 0; i < 3; i++)
    ops[i] = aioble_conn_l2cap_connect(app->conn, PSM_ECHO, &ours);
  for (unsigned i = 0; i < 3; i++) {
    ok = ended(ops[i], "channel", 0) && ok;
    channels[i] = aioble_op_channel(ops[i]);
  }
  ok = ok && talk(app, channels, 3) && end_all(channels, 3);
  for (unsigned i = 0; i < 3; i++)
    aioble_op_unref(ops[i]);
  return ok;
}

static bool be_refused(app_t *app) {
  return done(aioble_conn_l2cap_connect(app->conn, PSM_ABSENT, NULL), "no such PSM",
              AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_SUCH_PSM)) &&
         done(aioble_conn_l2cap_connect(app->conn, PSM_ENCRYPTED, NULL), "not without encryption",
              AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION)) &&
         done(aioble_conn_l2cap_connect(app->conn, PSM_AUTHENTICATED, NULL), "nor without keys",
              AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION));
}

/*
 * The peer's, which it makes larger when it is told to "grow"; and ours: the kernel (6.1) takes our
 * request for one that is too short, whatever is in it.
 */
static bool change_mtus(aioble_channel_t *const *channels) {
  unsigned before = aioble_channel_peer_mtu(channels[0]);
  bool grown = done(aioble_channel_send(channels[0], "grow", 4, 0), "grow", 0) &&
               done(aioble_channel_recv(channels[0]), "grown", 0) &&
               aioble_channel_peer_mtu(channels[0]) > before;
  int status = aioble_op_finish(aioble_channels_reconfigure(channels, MANY, LONGER_MTU, 0));

  printf("longer SDUs: %s\n", aioble_strerror(status));
  return grown && (status == 0 || status == AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INVALID_PARAMETERS));
}

static bool use_enhanced(app_t *app) {
  const aioble_channel_options_t options = {.mtu = MTU, .enhanced = true};
  aioble_op_t *op = aioble_conn_l2cap_connect_many(app->conn, PSM_ENHANCED, &options, MANY);
  aioble_channel_t *channels[MANY];
  bool ok = ended(op, "five enhanced channels", 0);

  for (unsigned i = 0; ok && i < MANY; i++) {
    channels[i] = aioble_op_channel_at(op, i);
    ok = aioble_channel_is_enhanced(channels[i]);
  }
  ok = ok && talk(app, channels, MANY) && change_mtus(channels) && talk(app, channels, MANY) &&
       end_all(channels, MANY);
  aioble_op_unref(op);
  return ok;
}

/* --- the peer asks --------------------------------------------------------------------------- */

static uint16_t on_request(aioble_listener_t *listener, aioble_conn_t *conn, unsigned n,
                           void *user) {
  (void) listener;
  (void) conn;
  ((app_t *) user)->asked_for = n;
  return 0;
}

static void start_to_listen(app_t *app) {
  const aioble_listen_options_t options = {
      .channel.mtu = MTU, .on_request = on_request, .user = app};
  const aioble_listen_options_t demanding = {.security = AIOBLE_SECURITY_AUTHENTICATED};

  app->open = aioble_l2cap_listen(app->ble, PSM_OPEN, &options);
  app->demanding = aioble_l2cap_listen(app->ble, PSM_DEMANDING, &demanding);
}

static bool be_called(app_t *app, unsigned n, unsigned at_once) {
  aioble_op_t *ops[MANY];
  aioble_channel_t *channels[MANY];
  bool ok = true;

  printf("waiting for %u\n", n);
  for (unsigned i = 0; i < n; i++)
    ops[i] = aioble_listener_accept(app->open);
  for (unsigned i = 0; i < n; i++) {
    ok = ended(ops[i], "accepted", 0) && ok;
    channels[i] = aioble_op_channel(ops[i]);
  }
  ok = ok && app->asked_for == at_once && talk(app, channels, n) && end_all(channels, n);
  for (unsigned i = 0; i < n; i++)
    aioble_op_unref(ops[i]);
  return ok;
}

/* --- from beginning to end ------------------------------------------------------------------- */

static aioble_op_t *link_up(aioble_t *ble, const char *address) {
  aioble_addr_t addr = {0};
  aioble_device_t *device;
  aioble_op_t *op;

  if (!address)
    return aioble_advertise(ble, &(aioble_advertise_options_t){.interval_us = 100000});
  aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, address);
  device = aioble_device_new(ble, &addr);
  op = aioble_device_connect(device, NULL);
  aioble_device_unref(device);
  return op;
}

static bool make_none(app_t *app, aioble_channel_t *last) {
  aioble_op_t *op = aioble_listener_accept(app->demanding);
  bool ok;

  printf("waiting for none\n");
  ok = done(aioble_channel_disconnected(last), "the end", 0) && !aioble_op_done(op);
  aioble_op_cancel(op);
  return done(op, "made none", AIOBLE_ECANCELED) && ok;
}

static bool use_link(app_t *app, unsigned enhanced) {
  aioble_op_t *op = aioble_conn_l2cap_connect(app->conn, PSM_ECHO, &ours);
  aioble_channel_t *all_along = NULL;
  bool ok = ended(op, "a channel for all of it", 0);

  all_along = aioble_op_channel(op);
  ok = ok && use_three(app) && be_refused(app) && use_enhanced(app) &&
       be_called(app, enhanced, enhanced) && be_called(app, 2, 1) && talk(app, &all_along, 1) &&
       make_none(app, all_along);
  aioble_op_unref(op);
  return done(aioble_conn_disconnect(app->conn), "disconnect", 0) && ok;
}

static bool run(app_t *app, const char *address) {
  aioble_op_t *op;
  bool ok;

  start_to_listen(app);
  op = link_up(app->ble, address);
  ok = ended(op, "linked", 0);
  app->conn = aioble_op_conn(op);
  ok = ok && use_link(app, address ? 1 : 3);
  aioble_op_unref(op);
  aioble_listener_unref(app->open);
  aioble_listener_unref(app->demanding);
  return done(aioble_close(app->ble), "close", 0) && ok;
}

int main(int argc, char **argv) {
  app_t app = {0};
  bool ok;

  if (argc < 3 || argc > 4 || strcmp(argv[1], "--adapter") != 0) {
    (void) fprintf(stderr, "usage: peer_channels --adapter NAME [ADDRESS]\n");
    return 2;
  }
  (void) setvbuf(stdout, NULL, _IOLBF, 0);
  uv_loop_init(&app.loop);
  app.ble = aioble_new(&app.loop, &(aioble_options_t){.adapter = argv[2]});
  ok = run(&app, argc == 4 ? argv[3] : NULL);
  aioble_unref(app.ble);
  if (uv_loop_close(&app.loop) != 0) {
    printf("the loop is not empty\n");
    ok = false;
  }
  return ok ? 0 : 1;
}
