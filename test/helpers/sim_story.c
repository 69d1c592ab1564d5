/* SPDX-License-Identifier: MIT */
#include "helpers/sim_story.h"
#include "helpers/temp_dir.h"
#include "host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
  PATIENCE_US = 60000000, /* longer than any time limit of an op */
  END_US = 5000000,       /* an op that was cancelled has settled by then */
};

/* ---- telling ---- */

static void on_settled(aioble_op_t *op, int status, void *user) {
  sim_watch *w = user;

  (void) op;
  w->calls++;
  w->status = status;
}

/* asks: takes the reference of the call that started it */
static sim_watch *ask(story *st, aioble_op_t *op) {
  sim_watch *w = &st->ops[st->n_ops++];

  assert_true(st->n_ops <= STORY_OPS);
  assert_non_null(op);
  *w = (sim_watch){.op = aioble_op_ref(op)};
  aioble_op_then(op, on_settled, w);
  if (op->ble)
    assert_int_equal(w->calls, 0); /* never inline */
  return w;
}

static bool step(story *st) {
  bool more = aioble_virtual_run_once(st->s.radio);

  if (++st->step == st->strike_at) {
    st->struck = true;
    st->fault->strike(st);
    more = true;
  }
  return more;
}

static bool settles_within(story *st, sim_watch *w, uint64_t us) {
  uint64_t until = aioble_virtual_now_us(st->s.radio) + us;

  while (!w->calls && aioble_virtual_now_us(st->s.radio) < until && step(st))
    continue;
  return w->calls > 0;
}

static void complain(const story *st, const sim_watch *w, const char *what) {
  fail_msg("%s, %s at step %u: \"%s\" %s", st->plot->name,
           st->fault ? st->fault->name : "by chance or without memory", st->step,
           w->op->ble ? w->op->kind->name : "op of no loop", what);
}

/* what an op may end with when something went wrong around it; garbage may lead to any error */
static bool is_an_outcome(const story *st, int status) {
  static const int some[] = {
      0,          AIOBLE_ECANCELED, AIOBLE_ENODEV, AIOBLE_ENOMEM, AIOBLE_ENOTCONN,
      AIOBLE_EOF, AIOBLE_ETIMEDOUT};

  for (size_t i = 0; i < sizeof some / sizeof *some; i++)
    if (status == some[i])
      return true;
  return st->garbage ? status < 0 && status != AIOBLE_EAGAIN
                     : AIOBLE_ERR_IS_HCI(status) || AIOBLE_ERR_IS_ATT(status) ||
                           AIOBLE_ERR_IS_L2CAP(status) || AIOBLE_ERR_IS_SMP(status);
}

/* runs until it has settled by itself */
static int wait(story *st, sim_watch *w) {
  st->current = w;
  if (!settles_within(st, w, PATIENCE_US))
    complain(st, w, "does not settle");
  st->current = NULL;
  return w->status;
}

static int run(story *st, aioble_op_t *op) {
  return wait(st, ask(st, op));
}

/* one that only comes if all goes well: given up after a while */
static int wait_or_give_up(story *st, sim_watch *w) {
  st->current = w;
  if (!settles_within(st, w, PATIENCE_US))
    aioble_op_cancel(w->op);
  return wait(st, w);
}

/* ---- beginning and end ---- */

static aioble_t *teller(story *st, const char *name, aioble_options_t options,
                        const aioble_virtual_controller_options_t *controller) {
  char path[100];

  (void) snprintf(path, sizeof path, "%s/%s.json", st->dir ? st->dir : "", name);
  options.store = st->dir ? path : "";
  return sim_stack_new(&st->s, &options, controller);
}

static void begin(story *st, const story_plot *plot, uint64_t seed) {
  const aioble_virtual_controller_options_t old = {.le_features_off = 1 << 1};
  aioble_security_t security = plot->secured ? AIOBLE_SECURITY_ENCRYPTED : AIOBLE_SECURITY_NONE;
  aioble_service_t *service;

  memset(st, 0, sizeof *st);
  st->plot = plot;
  sim_open(&st->s, &(aioble_virtual_options_t){.timing = plot->timing, .seed = seed});
  st->dir = plot->kept ? temp_dir_new() : NULL;
  st->central = teller(st, "central",
                       (aioble_options_t){.mtu = plot->mtu,
                                          .gatt_cache = plot->kept ? AIOBLE_CACHE_ALL : 0,
                                          .auto_secure = AIOBLE_AUTO_SECURE_PAIR},
                       NULL);
  st->peripheral = teller(st, "peripheral", (aioble_options_t){0}, plot->old_peer ? &old : NULL);
  service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x181a));
  st->chr = aioble_char_new(
      service, AIOBLE_UUID16(0x2a6e),
      AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE,
      &(aioble_char_options_t){.read_security = security, .write_security = security});
  assert_int_equal(aioble_register_services(st->peripheral, &service, 1), 0);
  aioble_service_unref(service);
}

/* what still waits is cancelled; then everything must have settled, once, and nothing be left */
static void end(story *st) {
  st->s.fail_at = st->s.fail_from = 0;
  st->strike_at = 0;
  for (unsigned i = 0; i < st->n_ops; i++)
    aioble_op_cancel(st->ops[i].op);
  for (unsigned i = 0; i < st->n_ops; i++)
    if (!settles_within(st, &st->ops[i], END_US))
      complain(st, &st->ops[i], "does not settle");
  (void) aioble_answer(st->answer, 0, NULL, 0);
  st->conn = aioble_conn_unref(st->conn);
  st->peer_conn = aioble_conn_unref(st->peer_conn);
  sim_run_ms(&st->s, 100);
  for (unsigned i = 0; i < st->n_ops; i++) {
    assert_int_equal(st->ops[i].calls, 1);
    if (!is_an_outcome(st, st->ops[i].status))
      complain(st, &st->ops[i], aioble_strerror(st->ops[i].status));
    sim_watch_end(&st->ops[i]);
  }
  sim_close(&st->s);
  if (st->dir)
    temp_dir_free(st->dir);
}

bool story_tell(const story_plot *plot, const story_fault *fault, unsigned strike_at) {
  story st;

  begin(&st, plot, 0);
  st.fault = fault;
  st.strike_at = strike_at;
  plot->tell(&st);
  end(&st);
  return st.struck;
}

void story_tell_with_faults(const story_plot *plot, const aioble_virtual_faults_t *faults,
                            uint64_t seed) {
  story st;

  begin(&st, plot, seed);
  st.garbage = true;
  aioble_virtual_set_faults(st.s.radio, faults);
  plot->tell(&st);
  aioble_virtual_set_faults(st.s.radio, NULL);
  end(&st);
}

bool story_tell_without_memory(const story_plot *plot, size_t fail_at, bool for_good) {
  story st;
  size_t made;

  begin(&st, plot, 0);
  st.s.allocations = 0;
  *(for_good ? &st.s.fail_from : &st.s.fail_at) = fail_at;
  plot->tell(&st);
  made = st.s.allocations;
  end(&st);
  return made >= fail_at;
}

/* ---- faults ---- */

static aioble_conn_t *some_conn(aioble_t *ble) {
  ab_list *n = ab_list_first(&ble->conns);

  return n ? ab_container_of(n, aioble_conn_t, node) : NULL;
}

static void cut_the_link(story *st) {
  aioble_conn_t *conn = some_conn(st->central);

  if (conn)
    (void) aioble_virtual_link_loss(st->s.stacks[0].controller, conn->link.hci.handle);
}

static void unplug_the_central(story *st) {
  aioble_virtual_controller_unplug(st->s.stacks[0].controller);
}

static void unplug_the_peripheral(story *st) {
  aioble_virtual_controller_unplug(st->s.stacks[1].controller);
}

static void walk_away(story *st) {
  assert_int_equal(
      aioble_virtual_set_in_range(st->s.stacks[0].controller, st->s.stacks[1].controller, false),
      0);
}

static void silence_the_central(story *st) {
  aioble_virtual_controller_set_silent(st->s.stacks[0].controller, true);
}

static void silence_the_peripheral(story *st) {
  aioble_virtual_controller_set_silent(st->s.stacks[1].controller, true);
}

static void close_the_central(story *st) {
  (void) ask(st, aioble_close(st->central));
}

static void close_the_peripheral(story *st) {
  (void) ask(st, aioble_close(st->peripheral));
}

static void cancel_what_is_waited_for(story *st) {
  if (st->current)
    aioble_op_cancel(st->current->op);
}

static void cancel_everything(story *st) {
  for (unsigned i = 0; i < st->n_ops; i++)
    aioble_op_cancel(st->ops[i].op);
}

static void time_out_what_is_waited_for(story *st) {
  if (st->current)
    aioble_op_set_timeout(st->current->op, 0);
}

static void disconnect(story *st) {
  aioble_conn_t *conn = some_conn(st->central);

  if (conn)
    (void) ask(st, aioble_conn_disconnect(conn));
}

static void peer_disconnects(story *st) {
  aioble_conn_t *conn = some_conn(st->peripheral);

  if (conn)
    (void) ask(st, aioble_conn_disconnect(conn));
}

const story_fault story_faults[] = {
    {"cut the link", cut_the_link},
    {"unplug the central", unplug_the_central},
    {"unplug the peripheral", unplug_the_peripheral},
    {"walk away", walk_away},
    {"silence the central", silence_the_central},
    {"silence the peripheral", silence_the_peripheral},
    {"close the central", close_the_central},
    {"close the peripheral", close_the_peripheral},
    {"cancel what is waited for", cancel_what_is_waited_for},
    {"cancel everything", cancel_everything},
    {"time out what is waited for", time_out_what_is_waited_for},
    {"disconnect", disconnect},
    {"peer disconnects", peer_disconnects},
};
const unsigned story_n_faults = sizeof story_faults / sizeof *story_faults;

/* ---- plots ---- */

/* both open, connected: false when that did not come about */
static bool meet(story *st) {
  sim_watch *opening = ask(st, aioble_open(st->central)), *advertising, *connecting;
  aioble_addr_t addr = {AIOBLE_ADDR_PUBLIC, {0x02, 0xa1, 0x0b, 0x1e, 0, 2}};
  aioble_device_t *device;

  if (wait(st, opening) < 0 || run(st, aioble_open(st->peripheral)) < 0)
    return false;
  if (aioble_is_open(st->peripheral))
    memcpy(addr.bytes, ab_hci_info_of(st->peripheral->hci)->public_addr.b, sizeof addr.bytes);
  device = aioble_device_new(st->central, &addr);
  if (!device)
    return false;
  advertising = ask(st, aioble_advertise(st->peripheral, NULL));
  connecting = ask(st, aioble_device_connect(device, NULL));
  aioble_device_unref(device);
  if (wait(st, connecting) < 0)
    return false;
  st->conn = aioble_conn_ref(aioble_op_conn(connecting->op));
  if (wait_or_give_up(st, advertising) < 0)
    return false;
  st->peer_conn = aioble_conn_ref(aioble_op_conn(advertising->op));
  return st->conn && st->peer_conn;
}

static void part(story *st) {
  sim_watch *bye = ask(st, aioble_conn_disconnected(st->peer_conn));

  (void) run(st, aioble_conn_disconnect(st->conn));
  (void) wait_or_give_up(st, bye);
}

static void values(story *st) {
  sim_watch *service, *chr, *written, *notified, *indicated;
  aioble_client_char_t *c;

  if (!meet(st))
    return;
  service = ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (wait(st, service) < 0)
    return;
  chr = ask(st, aioble_client_service_char(aioble_op_service(service->op), AIOBLE_UUID16(0x2a6e)));
  if (wait(st, chr) < 0)
    return;
  c = aioble_op_char(chr->op);
  written = ask(st, aioble_char_written(st->chr));
  if (run(st, aioble_client_char_read(c)) < 0 ||
      run(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST)) < 0 ||
      wait_or_give_up(st, written) < 0 ||
      run(st, aioble_client_char_write(c, "def", 3, AIOBLE_WRITE_NO_RESPONSE)) < 0 ||
      run(st,
          aioble_client_char_subscribe(c, AIOBLE_SUBSCRIBE_NOTIFY | AIOBLE_SUBSCRIBE_INDICATE)) < 0)
    return;
  notified = ask(st, aioble_client_char_notified(c));
  indicated = ask(st, aioble_client_char_indicated(c));
  (void) run(st, aioble_char_notify(st->chr, st->peer_conn, "new", 3));
  (void) wait_or_give_up(st, notified);
  (void) run(st, aioble_char_indicate(st->chr, st->peer_conn, "ind", 3));
  (void) wait_or_give_up(st, indicated);
  part(st);
}

/* what is found is visited; NULL: only counted */
static void walk(story *st, aioble_discovery_t *discovery,
                 void (*visit)(story *st, const aioble_op_t *found)) {
  sim_watch *next;

  while (discovery && wait(st, next = ask(st, aioble_discovery_next(discovery))) == 0)
    if (visit)
      visit(st, next->op);
  aioble_discovery_unref(discovery);
}

static void visit_char(story *st, const aioble_op_t *found) {
  walk(st, aioble_client_char_descs(aioble_op_char(found), NULL), NULL);
}

static void visit_service(story *st, const aioble_op_t *found) {
  walk(st, aioble_client_service_includes(aioble_op_service(found), NULL), NULL);
  walk(st, aioble_client_service_chars(aioble_op_service(found), NULL), visit_char);
}

static void discovery(story *st) {
  if (!meet(st))
    return;
  walk(st, aioble_conn_services(st->conn, NULL), visit_service);
  walk(st, aioble_conn_secondary_services(st->conn, NULL), NULL);
  part(st);
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
    if (!meet(st))
      return;
    bonded(st->conn);
    bonded(st->peer_conn);
    (void) run(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
    if (i)
      change_the_table(st);
    walk(st, aioble_conn_services(st->conn, NULL), NULL);
    part(st);
    st->conn = aioble_conn_unref(st->conn);
    st->peer_conn = aioble_conn_unref(st->peer_conn);
  }
  (void) run(st, aioble_close(st->central));
}

/* written in parts, alone and with others; read in parts, alone and with others */
static void long_values(story *st) {
  static const uint8_t octets[60];
  sim_watch *chr;
  aioble_client_char_t *both[2];
  aioble_write_t writes[2] = {{.data = octets, .len = 25},
                              {.data = octets, .len = 25, .offset = 25}};

  if (!meet(st))
    return;
  chr = ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (wait(st, chr) < 0)
    return;
  chr = ask(st, aioble_client_service_char(aioble_op_service(chr->op), AIOBLE_UUID16(0x2a6e)));
  if (wait(st, chr) < 0)
    return;
  both[0] = both[1] = writes[0].chr = writes[1].chr = aioble_op_char(chr->op);
  (void) run(st, aioble_client_char_write(both[0], octets, sizeof octets, AIOBLE_WRITE_REQUEST));
  (void) ask(st, aioble_conn_write_reliable(st->conn, writes, 2));
  (void) run(st, aioble_conn_write_reliable(st->conn, writes, 2));
  (void) run(st, aioble_client_read_multiple_variable(both, 2));
  (void) run(st, aioble_conn_read_by_uuid(st->conn, AIOBLE_UUID16(0x2a6e)));
  part(st);
}

static int answer_later(aioble_access_t *access, void *user) {
  story *st = user;

  (void) aioble_answer(st->answer, 0, NULL, 0); /* nobody waits for that any more */
  st->answer = aioble_access_later(access);
  return AIOBLE_ANSWER_LATER;
}

/* a read that is answered late, and two writes of which the second has to wait for the first to be
   taken */
static void wait_for_server(story *st, aioble_client_char_t *c, aioble_char_t *chr) {
  sim_watch *reading = ask(st, aioble_client_char_read(c)), *writes[2];

  while (!st->answer && !reading->calls && step(st))
    continue;
  (void) aioble_answer(st->answer, 0, "late", 4);
  st->answer = NULL;
  if (wait(st, reading) < 0)
    return;
  for (int i = 0; i < 2; i++)
    writes[i] = ask(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST));
  if (wait(st, writes[0]) < 0)
    return;
  (void) wait_or_give_up(st, ask(st, aioble_char_written(chr)));
  (void) wait_or_give_up(st, ask(st, aioble_char_written(chr)));
  (void) wait(st, writes[1]);
}

/* of a server that takes its time, and a service that comes and goes */
static void use_slow_service(story *st, aioble_service_t *service, aioble_char_t *chr) {
  sim_watch *found;

  if (!chr || !meet(st) || aioble_service_add(service) < 0)
    return;
  found = ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x180f)));
  if (wait(st, found) < 0)
    return;
  found = ask(st, aioble_client_service_char(aioble_op_service(found->op), AIOBLE_UUID16(0x2a19)));
  if (wait(st, found) < 0)
    return;
  wait_for_server(st, aioble_op_char(found->op), chr);
  (void) aioble_service_remove(service);
  part(st);
}

static void slow_server(story *st) {
  aioble_service_t *service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x180f));
  const aioble_char_options_t options = {
      .capture = true, .capture_depth = 1, .on_read = answer_later, .user = st};

  use_slow_service(st, service,
                   service ? aioble_char_new(service, AIOBLE_UUID16(0x2a19),
                                             AIOBLE_READ | AIOBLE_WRITE, &options)
                           : NULL);
  aioble_service_unref(service);
}

static void link_commands(story *st) {
  const aioble_conn_update_t slow = {.interval_min_us = 100000, .interval_max_us = 100000},
                             fast = {.interval_min_us = 15000, .interval_max_us = 15000};

  if (!meet(st))
    return;
  (void) run(st, aioble_conn_rssi(st->conn));
  (void) run(st, aioble_conn_exchange_mtu(st->conn));
  (void) run(st, aioble_conn_update_params(st->conn, &slow));
  (void) run(st, aioble_conn_update_params(st->peer_conn, &fast));
  walk(st, aioble_conn_services(st->conn, NULL), NULL);
  part(st);
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
  if (!meet(st))
    return;
  if (run(st, aioble_conn_pair(st->conn, &options)) < 0)
    return;
  assert_true(!aioble_conn_is_connected(st->conn) || aioble_conn_security(st->conn).authenticated);
  part(st);
  let_go(st);
  if (!meet(st))
    return;
  if (aioble_bonds(st->central, NULL, 0) && aioble_conn_is_connected(st->conn))
    assert_true(aioble_conn_security(st->conn).authenticated);
  (void) run(st, aioble_conn_pair(st->peer_conn, NULL));
  (void) run(st, aioble_conn_rssi(st->conn));
  part(st);
}

static void scanning(story *st) {
  aioble_scan_t *scan, *second;
  sim_watch *advertising =
      ask(st, aioble_advertise(st->peripheral, &(aioble_advertise_options_t){
                                                   .fields = {.name = "a name to be found"}}));

  scan = aioble_scan(st->central,
                     &(aioble_scan_options_t){.active = true, .duration_ms = 400, .max_queued = 4});
  second = aioble_scan(st->central, &(aioble_scan_options_t){.filter.name_prefix = "nobody"});
  if (scan)
    while (run(st, aioble_scan_next(scan)) == 0 && st->n_ops < STORY_OPS / 2)
      continue;
  if (second)
    (void) run(st, aioble_scan_stop(second));
  aioble_op_cancel(advertising->op);
  (void) wait(st, advertising);
  if (scan)
    (void) run(st, aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  aioble_scan_unref(second);
}

static void nobody_there(story *st) {
  static const aioble_addr_t nobody = {AIOBLE_ADDR_RANDOM, {0xc1, 2, 3, 4, 5, 6}};
  aioble_device_t *device = aioble_device_new(st->central, &nobody);
  sim_watch *first, *second;
  aioble_op_t *both[2];

  first = ask(st, aioble_device_connect(device, NULL));
  both[0] = aioble_device_connect(device, NULL);
  both[1] = aioble_advertise(st->central, NULL);
  aioble_op_set_timeout(both[1], 300);
  second = ask(st, aioble_op_any(both, 2));
  (void) wait(st, first);
  (void) wait(st, second);
  (void) run(st, aioble_close(st->central));
  (void) run(st, aioble_open(st->central));
  aioble_device_unref(device);
}

/* a few SDUs each way, of several frames */
static void chat(story *st, aioble_channel_t *a, aioble_channel_t *b) {
  static const uint8_t data[1500];
  static uint8_t into[100];
  sim_watch *sends[2] = {ask(st, aioble_channel_send(a, data, sizeof data, 0)),
                         ask(st, aioble_channel_send(b, data, sizeof data, 700))};

  (void) wait_or_give_up(st, ask(st, aioble_channel_recv(b)));
  for (unsigned i = 0; i < 3; i++)
    (void) wait_or_give_up(st, ask(st, aioble_channel_recv(a)));
  (void) wait_or_give_up(st, ask(st, aioble_channel_recvinto(b, into, sizeof into)));
  (void) wait_or_give_up(st, sends[0]);
  (void) wait_or_give_up(st, sends[1]);
  (void) wait_or_give_up(st, ask(st, aioble_channel_flush(a)));
}

static void channels(story *st) {
  aioble_listener_t *listener =
      aioble_l2cap_listen(st->peripheral, 0x80, &(aioble_listen_options_t){.channel.mtu = 1000});
  sim_watch *accept, *connect;
  aioble_channel_t *a, *b;

  if (!meet(st) || !listener)
    goto done;
  accept = ask(st, aioble_listener_accept(listener));
  connect = ask(st, aioble_conn_l2cap_connect_many(st->conn, 0x80, NULL, 3));
  if (wait(st, connect) < 0 || wait_or_give_up(st, accept) < 0)
    goto done;
  a = aioble_op_channel(connect->op);
  b = aioble_op_channel(accept->op);
  (void) wait_or_give_up(st, ask(st, aioble_channels_reconfigure(&b, 1, 1200, 0)));
  chat(st, a, b);
  (void) run(st, aioble_channel_disconnect(b));
  (void) wait_or_give_up(st, ask(st, aioble_channel_disconnected(a)));
  (void) wait_or_give_up(st, ask(st, aioble_channel_recv(a)));
  accept = ask(st, aioble_conn_l2cap_accept(st->conn, 0x81, NULL));
  connect = ask(st, aioble_conn_l2cap_connect(st->peer_conn, 0x81, NULL));
  (void) wait(st, connect);
  (void) wait_or_give_up(st, accept);
  aioble_listener_stop(listener);
  part(st);
done:
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
}

static void consent(aioble_conn_t *conn, void *user) {
  (void) user;
  (void) aioble_pairing_answer(conn, true, 0);
}

/* several are refused at once, and a channel, until the link is paired for them */
static void secured_values(story *st) {
  aioble_listener_t *listener = aioble_l2cap_listen(
      st->peripheral, 0x80, &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
  sim_watch *chr, *asked[5];
  aioble_client_char_t *c;

  aioble_set_on_pairing_request(st->peripheral, consent, st);
  if (!meet(st) || !listener)
    goto done;
  chr = ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (wait(st, chr) < 0)
    goto done;
  chr = ask(st, aioble_client_service_char(aioble_op_service(chr->op), AIOBLE_UUID16(0x2a6e)));
  if (wait(st, chr) < 0)
    goto done;
  c = aioble_op_char(chr->op);
  asked[0] = ask(st, aioble_client_char_read(c));
  asked[1] = ask(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST));
  asked[2] = ask(st, aioble_client_char_subscribe(c, AIOBLE_SUBSCRIBE_NOTIFY));
  asked[3] = ask(st, aioble_conn_write_reliable(
                         st->conn, &(aioble_write_t){.chr = c, .data = "def", .len = 3}, 1));
  asked[4] = ask(st, aioble_conn_l2cap_connect(st->conn, 0x80, NULL));
  for (unsigned i = 0; i < 5; i++)
    (void) wait_or_give_up(st, asked[i]);
  part(st);
done:
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
}

const story_plot story_plots[] = {
    {.name = "values", .tell = values},
    {.name = "values in time", .tell = values, .timing = true},
    {.name = "discovery", .tell = discovery, .mtu = 23},
    {.name = "long values", .tell = long_values, .mtu = 23},
    {.name = "slow server", .tell = slow_server},
    {.name = "link commands", .tell = link_commands},
    {.name = "link commands of an old peer", .tell = link_commands, .old_peer = true},
    {.name = "meeting again", .tell = meeting_again, .kept = true},
    {.name = "pairing", .tell = pairing},
    {.name = "pairing in time", .tell = pairing, .timing = true},
    {.name = "secured values", .tell = secured_values, .secured = true},
    {.name = "scanning", .tell = scanning},
    {.name = "nobody there", .tell = nobody_there},
    {.name = "channels", .tell = channels},
    {.name = "channels in time", .tell = channels, .timing = true},
};
const unsigned story_n_plots = sizeof story_plots / sizeof *story_plots;
