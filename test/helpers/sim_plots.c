/* SPDX-License-Identifier: MIT */
#include "helpers/sim_plots.h"
#include "host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

bool plot_meet(story *st) {
  sim_watch *opening = story_ask(st, aioble_open(st->central)), *advertising, *connecting;
  aioble_addr_t addr = {AIOBLE_ADDR_PUBLIC, {0x02, 0xa1, 0x0b, 0x1e, 0, 2}};
  const aioble_connect_options_t options = {.unencrypted = st->unencrypted};
  aioble_device_t *device;

  if (story_wait(st, opening) < 0 || story_run(st, aioble_open(st->peripheral)) < 0)
    return false;
  if (aioble_is_open(st->peripheral))
    memcpy(addr.bytes, ab_hci_info_of(st->peripheral->hci)->public_addr.b, sizeof addr.bytes);
  device = aioble_device_new(st->central, &addr);
  if (!device)
    return false;
  advertising = story_ask(st, aioble_advertise(st->peripheral, NULL));
  connecting = story_ask(st, aioble_device_connect(device, &options));
  aioble_device_unref(device);
  if (story_wait(st, connecting) < 0)
    return false;
  st->conn = aioble_conn_ref(aioble_op_conn(connecting->op));
  if (story_wait_or_give_up(st, advertising) < 0)
    return false;
  st->peer_conn = aioble_conn_ref(aioble_op_conn(advertising->op));
  return st->conn && st->peer_conn;
}

void plot_part(story *st) {
  sim_watch *bye = story_ask(st, aioble_conn_disconnected(st->peer_conn));

  (void) story_run(st, aioble_conn_disconnect(st->conn));
  (void) story_wait_or_give_up(st, bye);
}

static void bonded(aioble_conn_t *conn) {
  aioble_addr_t identity = *aioble_device_addr(aioble_conn_device(conn));

  if (aioble_conn_is_connected(conn) && ab_host_touch(conn->ble))
    ab_host_peer_bonded(conn, &identity, false);
}

static void change_the_table(story *st) {
  aioble_service_t *service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x180f));

  if (service && aioble_char_new(service, AIOBLE_UUID16(0x2a19), AIOBLE_NOTIFY, NULL))
    (void) aioble_register_services(st->peripheral, &service, 1);
  aioble_service_unref(service);
}

/* one peer, met again; and the table changes */
static void meeting_again(story *st) {
  for (unsigned i = 0; i < 2; i++) {
    if (!plot_meet(st))
      return;
    bonded(st->conn);
    bonded(st->peer_conn);
    (void) story_run(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
    if (i)
      change_the_table(st);
    plot_walk(st, aioble_conn_services(st->conn, NULL), NULL);
    plot_part(st);
    st->conn = aioble_conn_unref(st->conn);
    st->peer_conn = aioble_conn_unref(st->peer_conn);
  }
  (void) story_run(st, aioble_close(st->central));
}

static void link_commands(story *st) {
  const aioble_conn_update_t slow = {.interval_min_us = 100000, .interval_max_us = 100000},
                             fast = {.interval_min_us = 15000, .interval_max_us = 15000};

  if (!plot_meet(st))
    return;
  (void) story_run(st, aioble_conn_rssi(st->conn));
  (void) story_run(st, aioble_conn_exchange_mtu(st->conn));
  (void) story_run(st, aioble_conn_update_params(st->conn, &slow));
  (void) story_run(st, aioble_conn_update_params(st->peer_conn, &fast));
  plot_walk(st, aioble_conn_services(st->conn, NULL), NULL);
  plot_part(st);
}

static void agree(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  (void) prompt;
  (void) number;
  (void) user;
  (void) aioble_pairing_answer(conn, true, 0);
}

static void let_go(story *st) {
  st->conn = aioble_conn_unref(st->conn);
  st->peer_conn = aioble_conn_unref(st->peer_conn);
}

/* the users compare numbers; then a second link, which the bond encrypts */
static void pairing(story *st) {
  const aioble_pair_options_t options = {
      .mitm = AIOBLE_YES, .io = AIOBLE_IO_DISPLAY_YESNO, .on_prompt = agree};

  aioble_set_on_prompt(st->peripheral, agree, NULL);
  assert_int_equal(aioble_config_set(st->peripheral, "io", "display-yesno"), 0);
  if (!plot_meet(st))
    return;
  if (story_run(st, aioble_conn_pair(st->conn, &options)) < 0)
    return;
  assert_true(!aioble_conn_is_connected(st->conn) || aioble_conn_security(st->conn).authenticated);
  plot_part(st);
  let_go(st);
  if (!plot_meet(st))
    return;
  if (aioble_bonds(st->central, NULL, 0) && aioble_conn_is_connected(st->conn))
    assert_true(aioble_conn_security(st->conn).authenticated);
  (void) story_run(st, aioble_conn_pair(st->peer_conn, NULL));
  (void) story_run(st, aioble_conn_rssi(st->conn));
  plot_part(st);
}

/* a door that opens to a signature; with the bond, on a link that is not encrypted */
static void knocking(story *st) {
  aioble_service_t *service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x1815));
  aioble_char_t *door =
      service ? aioble_char_new(service, AIOBLE_UUID16(0x2a56), AIOBLE_SIGNED_WRITE, NULL) : NULL;
  bool there = door && aioble_service_add(service) == 0;
  sim_watch *found, *written;

  aioble_service_unref(service);
  if (!there || !plot_meet(st) || story_run(st, aioble_conn_pair(st->conn, NULL)) < 0)
    return;
  plot_part(st);
  let_go(st);
  st->unencrypted = true;
  if (!plot_meet(st))
    return;
  found = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x1815)));
  if (story_wait(st, found) < 0)
    return;
  found = story_ask(
      st, aioble_client_service_char(aioble_op_service(found->op), AIOBLE_UUID16(0x2a56)));
  if (story_wait(st, found) < 0)
    return;
  written = story_ask(st, aioble_char_written(door));
  (void) story_run(
      st, aioble_client_char_write(aioble_op_char(found->op), "open", 4, AIOBLE_WRITE_SIGNED));
  (void) story_wait_or_give_up(st, written);
  plot_part(st);
}

static void scanning(story *st) {
  aioble_scan_t *scan, *second;
  sim_watch *advertising = story_ask(
      st, aioble_advertise(st->peripheral, &(aioble_advertise_options_t){
                                               .fields = {.name = "a name to be found"}}));

  scan = aioble_scan(st->central,
                     &(aioble_scan_options_t){.active = true, .duration_ms = 400, .max_queued = 4});
  second = aioble_scan(st->central, &(aioble_scan_options_t){.filter.name_prefix = "nobody"});
  if (scan)
    while (story_run(st, aioble_scan_next(scan)) == 0 && st->n_ops < STORY_OPS / 2)
      continue;
  if (second)
    (void) story_run(st, aioble_scan_stop(second));
  aioble_op_cancel(advertising->op);
  (void) story_wait(st, advertising);
  if (scan)
    (void) story_run(st, aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  aioble_scan_unref(second);
}

static void nobody_there(story *st) {
  static const aioble_addr_t nobody = {AIOBLE_ADDR_RANDOM, {0xc1, 2, 3, 4, 5, 6}};
  aioble_device_t *device = aioble_device_new(st->central, &nobody);
  sim_watch *first, *second;
  aioble_op_t *both[2];

  first = story_ask(st, aioble_device_connect(device, NULL));
  both[0] = aioble_device_connect(device, NULL);
  both[1] = aioble_advertise(st->central, NULL);
  aioble_op_set_timeout(both[1], 300);
  second = story_ask(st, aioble_op_any(both, 2));
  (void) story_wait(st, first);
  (void) story_wait(st, second);
  (void) story_run(st, aioble_close(st->central));
  (void) story_run(st, aioble_open(st->central));
  aioble_device_unref(device);
}

/* a few SDUs each way, of several frames */
static void chat(story *st, aioble_channel_t *a, aioble_channel_t *b) {
  static const uint8_t data[1500];
  static uint8_t into[100];
  sim_watch *sends[2] = {story_ask(st, aioble_channel_send(a, data, sizeof data, 0)),
                         story_ask(st, aioble_channel_send(b, data, sizeof data, 700))};

  (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_recv(b)));
  for (unsigned i = 0; i < 3; i++)
    (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_recv(a)));
  (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_recvinto(b, into, sizeof into)));
  (void) story_wait_or_give_up(st, sends[0]);
  (void) story_wait_or_give_up(st, sends[1]);
  (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_flush(a)));
}

static void channels(story *st) {
  aioble_listener_t *listener =
      aioble_l2cap_listen(st->peripheral, 0x80, &(aioble_listen_options_t){.channel.mtu = 1000});
  sim_watch *accept, *connect;
  aioble_channel_t *a, *b;

  if (!plot_meet(st) || !listener)
    goto done;
  accept = story_ask(st, aioble_listener_accept(listener));
  connect = story_ask(st, aioble_conn_l2cap_connect_many(st->conn, 0x80, NULL, 3));
  if (story_wait(st, connect) < 0 || story_wait_or_give_up(st, accept) < 0)
    goto done;
  a = aioble_op_channel(connect->op);
  b = aioble_op_channel(accept->op);
  (void) story_wait_or_give_up(st, story_ask(st, aioble_channels_reconfigure(&b, 1, 1200, 0)));
  chat(st, a, b);
  (void) story_run(st, aioble_channel_disconnect(b));
  (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_disconnected(a)));
  (void) story_wait_or_give_up(st, story_ask(st, aioble_channel_recv(a)));
  accept = story_ask(st, aioble_conn_l2cap_accept(st->conn, 0x81, NULL));
  connect = story_ask(st, aioble_conn_l2cap_connect(st->peer_conn, 0x81, NULL));
  (void) story_wait(st, connect);
  (void) story_wait_or_give_up(st, accept);
  aioble_listener_stop(listener);
  plot_part(st);
done:
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
}

const story_plot story_plots[] = {
    {.name = "values", .tell = plot_values},
    {.name = "values in time", .tell = plot_values, .timing = true},
    {.name = "discovery", .tell = plot_discovery, .mtu = 23},
    {.name = "long values", .tell = plot_long_values, .mtu = 23},
    {.name = "slow server", .tell = plot_slow_server},
    {.name = "descriptors", .tell = plot_descriptors},
    {.name = "many values", .tell = plot_many_values},
    {.name = "link commands", .tell = link_commands},
    {.name = "link commands of an old peer", .tell = link_commands, .old_peer = true},
    {.name = "meeting again", .tell = meeting_again, .kept = true},
    {.name = "pairing", .tell = pairing},
    {.name = "pairing in time", .tell = pairing, .timing = true},
    {.name = "in hiding", .tell = plot_in_hiding, .hidden = true},
    {.name = "knocking", .tell = knocking},
    {.name = "secured values", .tell = plot_secured_values, .secured = true},
    {.name = "scanning", .tell = scanning},
    {.name = "nobody there", .tell = nobody_there},
    {.name = "channels", .tell = channels},
    {.name = "channels in time", .tell = channels, .timing = true},
};
const unsigned story_n_plots = sizeof story_plots / sizeof *story_plots;
