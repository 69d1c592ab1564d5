/* SPDX-License-Identifier: MIT */
/* What the application can do, one action after the other, and what it hears then. */
#include "stack_app.h"

#include <string.h>

/* ---- hooks of a connection ---- */

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  app_check(!aioble_conn_is_connected(conn) && reason < 0);
  app_act_inside(user);
}

static void on_params(aioble_conn_t *conn, const aioble_conn_params_t *params, void *user) {
  app_check(conn && params);
  app_act_inside(user);
}

static void on_mtu(aioble_conn_t *conn, uint16_t mtu, void *user) {
  app_check(conn && mtu >= 23 && mtu <= 517);
  app_act_inside(user);
}

static bool on_wish(aioble_conn_t *conn, const aioble_conn_update_t *wish, void *user) {
  app_check(conn && wish->interval_min_us >= 7500 && wish->interval_max_us <= 4000000);
  app_act_inside(user);
  return wish->latency != 1;
}

static void on_services_changed(aioble_conn_t *conn, uint16_t first, uint16_t last, void *user) {
  app_check(conn && first <= last && first > 0);
  app_act_inside(user);
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  const app *a = user;
  aioble_conn_security_t is = aioble_conn_security(conn);

  app_check(status <= 0 && (!is.encrypted || (is.key_size >= 7 && is.key_size <= 16)));
  app_check(!is.authenticated || (is.encrypted && a->prompts > 0));
  app_act_inside(user);
}

static void on_keypress(aioble_conn_t *conn, int key, void *user) {
  app_check(conn && key >= 0 && key <= AIOBLE_KEYPRESS_COMPLETED);
  app_act_inside(user);
}

static void keep_conn(aioble_op_t *op, int status, void *user) {
  app *a = user;
  aioble_conn_t *conn = aioble_op_conn(op);

  (void) status;
  if (!conn || aioble_addr_equal(aioble_device_addr(aioble_conn_device(conn)), &a->bystander))
    return;
  aioble_conn_unref(a->conn);
  a->conn = aioble_conn_ref(conn);
  aioble_conn_set_hooks(conn, &(aioble_conn_hooks_t){.on_disconnect = on_disconnect,
                                                     .on_params = on_params,
                                                     .on_mtu = on_mtu,
                                                     .on_param_request = on_wish,
                                                     .on_services_changed = on_services_changed,
                                                     .on_security = on_security,
                                                     .on_keypress = on_keypress,
                                                     .user = a});
}

/* ---- the adapter, the radio ---- */

static void open_adapter(app *a, uint8_t arg) {
  (void) arg;
  app_ask(a, aioble_open(a->ble), NULL);
}

static void advertise(app *a, uint8_t arg) {
  aioble_op_t *op = aioble_advertise(
      a->ble, &(aioble_advertise_options_t){.mode = arg & 0xf ? AIOBLE_ADV_CONNECTABLE : arg % 3,
                                            .fields.name = "fuzz"});

  aioble_op_set_timeout(op, arg & 0x80 ? 1000 : AIOBLE_FOREVER);
  app_ask(a, op, keep_conn);
}

static void connect_to(app *a, uint8_t arg) {
  aioble_addr_t addr = a->peer_addr;
  aioble_device_t *device;

  addr.bytes[5] ^= arg & 0xf0;
  device = aioble_device_new(a->ble, &addr);
  app_ask(a, aioble_device_connect(device, NULL), keep_conn);
  aioble_device_unref(device);
}

static void on_result(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  char name[64];

  app_check(scan != NULL);
  (void) aioble_scan_result_name(result, name, sizeof name);
  (void) aioble_scan_result_has_service(result, AIOBLE_UUID16(0x181a));
  app_act_inside(user);
}

static void scan(app *a, uint8_t arg) {
  aioble_scan_options_t options = {.active = arg & 1,
                                   .every_report = arg & 2,
                                   .on_result = arg & 4 ? on_result : NULL,
                                   .duration_ms = arg & 8 ? 1000 : 0,
                                   .filter.by_company = arg & 16,
                                   .filter.name_prefix = arg & 32 ? "f" : NULL,
                                   .max_devices = 8,
                                   .max_queued = 4,
                                   .user = a};

  aioble_scan_unref(a->scan);
  a->scan = aioble_scan(a->ble, &options);
}

static void use_scan(app *a, uint8_t arg) {
  if (a->scan)
    app_ask(a, arg & 1 ? aioble_scan_stop(a->scan) : aioble_scan_next(a->scan), NULL);
}

static void on_pairing_request(aioble_conn_t *conn, void *user) {
  app *a = user;

  if (a->hook)
    app_act_inside(a);
  else
    (void) aioble_pairing_answer(conn, true, 0);
}

static void configure(app *a, uint8_t arg) {
  static const char *const io[] = {"none", "display", "display-yesno", "keyboard",
                                   "keyboard-display"};

  (void) aioble_config_set(a->ble, "io", io[arg % 5]);
  (void) aioble_config_set(a->ble, "mitm", arg & 0x10 ? "true" : "false");
  (void) aioble_config_set(a->ble, "le_secure", arg & 0x20 ? "true" : "false");
  (void) aioble_config_set(a->ble, "bond", arg & 0x40 ? "false" : "true");
  (void) aioble_config_set(a->ble, "secure_only", arg & 0x80 ? "true" : "false");
  (void) aioble_config_set(a->ble, "pairable", arg & 0x40 && arg & 0x20 ? "bonded" : "true");
  aioble_set_on_pairing_request(a->ble, arg & 8 ? on_pairing_request : NULL, a);
}

static void close_adapter(app *a, uint8_t arg) {
  if (arg != 0x55) /* not often: it ends most */
    return;
  a->went = true;
  app_ask(a, aioble_close(a->ble), NULL);
}

/* ---- the link ---- */

static void update(app *a, uint8_t arg) {
  uint32_t us = 7500 + 1250u * arg;

  app_ask(a,
          aioble_conn_update_params(
              a->conn, &(aioble_conn_update_t){.interval_min_us = us, .interval_max_us = us}),
          NULL);
}

static void link_command(app *a, uint8_t arg) {
  app_ask(a, arg & 1 ? aioble_conn_rssi(a->conn) : aioble_conn_exchange_mtu(a->conn), NULL);
}

static void disconnect(app *a, uint8_t arg) {
  app_ask(a, arg & 1 ? aioble_conn_disconnected(a->conn) : aioble_conn_disconnect(a->conn), NULL);
}

/* ---- security ---- */

static void pair(app *a, uint8_t arg) {
  app_ask(
      a,
      aioble_conn_pair(a->conn, &(aioble_pair_options_t){.bond = arg & 1 ? AIOBLE_NO : AIOBLE_YES,
                                                         .mitm = arg & 2 ? AIOBLE_YES : AIOBLE_NO,
                                                         .le_secure = arg >> 2 & 3,
                                                         .io = (arg >> 4) % 6,
                                                         .repair = arg & 0x80,
                                                         .on_prompt = app_on_prompt,
                                                         .user = a}),
      NULL);
}

static void answer_prompt(app *a, uint8_t arg) {
  (void) aioble_pairing_answer(a->conn, !(arg & 1), arg & 2 ? arg : a->other->number);
}

static void press_key(app *a, uint8_t arg) {
  (void) aioble_pairing_keypress(a->conn, arg % 6);
}

static void forget_bond(app *a, uint8_t arg) {
  (void) arg;
  (void) aioble_bond_delete(a->ble, &a->peer_addr);
}

static void exchange_oob(app *a, uint8_t arg) {
  aioble_oob_t ours = {0}, theirs = {0};

  if (aioble_oob_make(a->ble, &ours) < 0 || aioble_oob_make(a->other->ble, &theirs) < 0)
    return;
  if (arg & 1) {
    ours.has_peer = true;
    memcpy(ours.peer_random, theirs.random, sizeof ours.peer_random);
    memcpy(ours.peer_confirm, theirs.confirm, sizeof ours.peer_confirm);
  }
  ours.has_temporary_key = theirs.has_temporary_key = arg & 2;
  (void) aioble_set_oob(a->ble, &ours);
  (void) aioble_set_oob(a->other->ble, &theirs);
  a->prompts++; /* authenticated without asking anybody */
  a->other->prompts++;
}

/* ---- client ---- */

enum { FIRST_CHAR = 0x2a6e }; /* those of the app's service follow */

/* a walk through all there is, each step from the continuation of the one before */
static void walk(app *a, aioble_discovery_t *discovery, aioble_op_fn *visit) {
  if (discovery && a->explored) {
    a->explored--;
    app_ask(a, aioble_discovery_next(discovery), visit);
  }
  aioble_discovery_unref(discovery);
}

static void keep_desc(aioble_op_t *op, int status, void *user) {
  app *a = user;

  (void) status;
  aioble_client_desc_unref(a->desc);
  a->desc = aioble_client_desc_ref(aioble_op_desc(op));
}

static void keep_char(aioble_op_t *op, int status, void *user) {
  app *a = user;
  aioble_client_char_t *chr = aioble_op_char(op);
  aioble_uuid_t uuid = aioble_client_char_uuid(chr);
  unsigned at = 0;

  (void) status;
  while (at < APP_KEPT && !aioble_uuid_equal(&uuid, &AIOBLE_UUID16(FIRST_CHAR + at)))
    at++;
  if (at < APP_KEPT) {
    aioble_client_char_unref(a->found[at]);
    a->found[at] = aioble_client_char_ref(chr);
  }
  walk(a, aioble_client_char_descs(chr, NULL), keep_desc);
}

/* every characteristic; a discovery is asked for all of them at once, which it may be */
static void visit_service(aioble_op_t *op, int status, void *user) {
  app *a = user;
  aioble_client_service_t *service = aioble_op_service(op);
  aioble_discovery_t *chars = aioble_client_service_chars(service, NULL);

  (void) status;
  for (unsigned i = 0; chars && i < 3 && a->explored; i++)
    walk(a, aioble_discovery_ref(chars), keep_char);
  aioble_discovery_unref(chars);
  walk(a, aioble_client_service_includes(service, NULL), NULL);
}

static void explore(app *a, uint8_t arg) {
  aioble_discovery_t *services =
      arg & 1 ? aioble_conn_secondary_services(a->conn, NULL) : aioble_conn_services(a->conn, NULL);

  a->explored = 40;
  for (unsigned i = 0; services && i < 6; i++)
    walk(a, aioble_discovery_ref(services), visit_service);
  aioble_discovery_unref(services);
}

static void find_char(aioble_op_t *op, int status, void *user) {
  (void) status;
  app_ask(user, aioble_client_service_char(aioble_op_service(op), AIOBLE_UUID16(0x2a6e)),
          keep_char);
}

static void find(app *a, uint8_t arg) {
  a->explored = arg & 7;
  app_ask(a,
          arg & 0x80 ? aioble_conn_secondary_service(a->conn, AIOBLE_UUID16(0x181a))
                     : aioble_conn_service(a->conn, AIOBLE_UUID16(0x181a)),
          find_char);
}

static aioble_client_char_t *some_char(const app *a, uint8_t arg) {
  for (unsigned i = 0; i < APP_KEPT; i++)
    if (a->found[(i + arg) % APP_KEPT])
      return a->found[(i + arg) % APP_KEPT];
  return NULL;
}

static void check_value(aioble_op_t *op, int status, void *user) {
  (void) status;
  (void) user;
  app_check(aioble_op_value(op).len <= 512);
}

static void read_value(app *a, uint8_t arg) {
  app_ask(
      a, arg & 0x80 ? aioble_client_desc_read(a->desc) : aioble_client_char_read(some_char(a, arg)),
      check_value);
}

static const uint8_t octets[512];

static void write_value(app *a, uint8_t arg) {
  size_t len = (size_t) (arg >> 2 & 15) * 20;

  if (arg & 0x80)
    app_ask(a, aioble_client_desc_write(a->desc, octets, len), NULL);
  else
    app_ask(a, aioble_client_char_write(some_char(a, arg), octets, len, arg >> 6), NULL);
}

static void on_notify(aioble_client_char_t *chr, aioble_bytes_t value, bool indication,
                      void *user) {
  (void) indication;
  app_check(chr && value.len <= 512);
  app_act_inside(user);
}

static void subscribe(app *a, uint8_t arg) {
  aioble_client_char_t *chr = some_char(a, arg);

  app_ask(a, aioble_client_char_subscribe(chr, arg >> 2 & 3), NULL);
  if (arg & 0x10)
    aioble_client_char_on_notify(chr, arg & 0x20 ? on_notify : NULL, a);
}

static void await_value(app *a, uint8_t arg) {
  aioble_client_char_t *chr = some_char(a, arg);

  app_ask(a, arg & 4 ? aioble_client_char_notified(chr) : aioble_client_char_indicated(chr),
          check_value);
}

static void several_values(app *a, uint8_t arg) {
  aioble_client_char_t *both[] = {some_char(a, arg), some_char(a, arg >> 2)};
  const aioble_write_t writes[] = {{.chr = both[0], .data = octets, .len = arg >> 2},
                                   {.chr = both[1], .data = octets, .len = 30, .offset = 3}};

  switch (arg & 3) {
  case 0:
    app_ask(a, aioble_conn_write_reliable(a->conn, writes, 2), NULL);
    break;
  case 1:
    app_ask(a, aioble_client_read_multiple(both, 2), NULL);
    break;
  case 2:
    app_ask(a, aioble_client_read_multiple_variable(both, 2), NULL);
    break;
  default:
    app_ask(a, aioble_conn_read_by_uuid(a->conn, AIOBLE_UUID16(0x2a6e)), NULL);
  }
}

/* ---- server ---- */

static void notify(app *a, uint8_t arg) {
  aioble_char_t *chr = a->chars[arg % APP_KEPT];

  if (arg & 0x40)
    app_ask(a, aioble_char_indicate(chr, a->conn, octets, arg), NULL);
  else if (arg & 0x20)
    app_ask(a, aioble_char_notify_many(a->chars, 3, a->conn), NULL);
  else
    app_ask(a, aioble_char_notify(chr, a->conn, octets, arg), NULL);
}

static void write_local(app *a, uint8_t arg) {
  (void) aioble_char_write(a->chars[1 + arg % (APP_KEPT - 1)], octets, arg, arg & 0x80 ? 1 : 0);
}

static void await_write(app *a, uint8_t arg) {
  app_ask(a, aioble_char_written(a->chars[arg % APP_KEPT]), NULL);
}

static void answer_request(app *a, uint8_t arg) {
  aioble_answer_t *owed = a->answer;

  a->answer = NULL;
  (void) aioble_answer(owed, arg & 1 ? 0x80 : 0, octets, arg);
}

static void change_table(app *a, uint8_t arg) {
  (void) (arg & 1 ? aioble_service_add(a->extra) : aioble_service_remove(a->extra));
}

/* ---- channels ---- */

static void keep_channel(app *a, aioble_channel_t *channel) {
  for (unsigned i = 0; i < APP_KEPT; i++)
    if (!aioble_channel_is_open(a->channels[i])) {
      aioble_channel_unref(a->channels[i]);
      a->channels[i] = aioble_channel_ref(channel);
      return;
    }
}

static void on_channel(aioble_op_t *op, int status, void *user) {
  (void) status;
  for (size_t i = 0; aioble_op_channel_at(op, i); i++)
    keep_channel(user, aioble_op_channel_at(op, i));
}

static const aioble_channel_options_t sizes = {.mtu = 300, .mps = 100, .credits = 4};

static void open_channels(app *a, uint8_t arg) {
  aioble_channel_options_t options = sizes;

  options.enhanced = arg & 8;
  app_ask(a, aioble_conn_l2cap_connect_many(a->conn, APP_PSM, &options, arg % 6), on_channel);
}

static void listen_to(app *a, uint8_t arg) {
  if (!a->listener || arg & 1) {
    aioble_listener_stop(a->listener);
    aioble_listener_unref(a->listener);
    a->listener = aioble_l2cap_listen(
        a->ble, APP_PSM,
        &(aioble_listen_options_t){.channel = sizes, .backlog = 2, .security = arg >> 6});
  }
  if (a->listener)
    app_ask(a, aioble_listener_accept(a->listener), on_channel);
}

static void send_sdu(app *a, uint8_t arg) {
  app_ask(a, aioble_channel_send(a->channels[arg % APP_KEPT], octets, arg * 2, 0), NULL);
}

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  app_check(sdu.len <= aioble_channel_our_mtu(channel));
  app_act_inside(user);
}

static void receive(app *a, uint8_t arg) {
  aioble_channel_t *channel = a->channels[arg % APP_KEPT];

  if (arg & 0x40)
    aioble_channel_on_sdu(channel, arg & 0x20 ? on_sdu : NULL, a);
  else if (arg & 0x20)
    app_ask(a, aioble_channel_recvinto(channel, a->into, sizeof a->into), NULL);
  else
    app_ask(a, aioble_channel_recv(channel), NULL);
}

static void end_channel(app *a, uint8_t arg) {
  aioble_channel_t *channel = a->channels[arg % APP_KEPT];

  app_ask(a, arg & 4 ? aioble_channel_disconnect(channel) : aioble_channel_disconnected(channel),
          NULL);
}

static void reconfigure(app *a, uint8_t arg) {
  app_ask(a, aioble_channels_reconfigure(a->channels, 1 + arg % 3, 400, 128), NULL);
}

/* ---- ops ---- */

static void cancel(app *a, uint8_t arg) {
  if (a->n_ops)
    aioble_op_cancel(a->ops[arg % a->n_ops].op);
}

static void limit(app *a, uint8_t arg) {
  if (a->n_ops)
    aioble_op_set_timeout(a->ops[arg % a->n_ops].op, arg);
}

static void forget(app *a, uint8_t arg) {
  unsigned at = arg % APP_KEPT;

  a->found[at] = aioble_client_char_unref(a->found[at]);
  a->channels[at] = aioble_channel_unref(a->channels[at]);
  if (arg & 4)
    a->scan = aioble_scan_unref(a->scan);
  if (arg & 8)
    a->desc = aioble_client_desc_unref(a->desc);
}

static void run_out_of_memory(app *a, uint8_t arg) {
  a->fail_in = arg;
}

static void do_inside(app *a, uint8_t arg) {
  a->hook = arg;
}

void app_act(app *a, uint8_t what, uint8_t arg) {
  static void (*const actions[])(app * a, uint8_t arg) = {
      open_adapter,  advertise,        connect_to,   scan,           use_scan,  configure,
      close_adapter, update,           link_command, disconnect,     pair,      answer_prompt,
      press_key,     forget_bond,      exchange_oob, explore,        find,      read_value,
      write_value,   subscribe,        await_value,  several_values, notify,    write_local,
      await_write,   answer_request,   change_table, open_channels,  listen_to, send_sdu,
      receive,       end_channel,      reconfigure,  cancel,         limit,     forget,
      do_inside,     run_out_of_memory};

  actions[what % (sizeof actions / sizeof *actions)](a, arg);
}
