/* SPDX-License-Identifier: MIT */
/*
 * Somebody who calls anything at any time, also from inside continuations, while the radio goes
 * wrong now and then. Each op settles once, never inline, and in the end nothing is left. The same
 * seed gives the same run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "host/host.h"

enum { STACKS = 4, SEEDS = 60, ACTIONS = 400, OPS = 1024, KEPT = 8, EXTRA = 3 };

typedef struct monkey monkey;

/* an op, and whose it is */
typedef struct toy {
  monkey *m;
  aioble_op_t *op;
  unsigned calls;
  bool calling; /* the call that started it has not returned */
} toy;

struct monkey {
  sim s;
  uint64_t seed;
  unsigned n_ops, depth;
  toy toys[OPS];
  aioble_service_t *services[STACKS];
  aioble_char_t *chars[STACKS];
  aioble_char_t *captured[STACKS];         /* one write at a time */
  aioble_service_t *extras[STACKS][EXTRA]; /* come and go; each includes the one before */
  aioble_device_t *devices[STACKS][STACKS];
  aioble_conn_t *conns[KEPT]; /* references that are kept, perhaps beyond their links */
  aioble_scan_t *scans[KEPT];
  aioble_client_char_t *found[KEPT];
  aioble_answer_t *answers[KEPT]; /* that are owed */
};

static unsigned roll(monkey *m, unsigned sides) {
  m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
  return (unsigned) (m->seed >> 33) % sides;
}

static void act(monkey *m);

/* ---- callbacks ---- */

/* in whatever callback we are: something, now and then */
static void act_inside(monkey *m) {
  if (m->depth || roll(m, 4))
    return;
  m->depth++;
  act(m);
  m->depth--;
}

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  assert_int_equal(aioble_conn_reason(conn), reason);
  act_inside(user);
}

static void on_params(aioble_conn_t *conn, const aioble_conn_params_t *params, void *user) {
  assert_true(conn && params);
  act_inside(user);
}

static void on_mtu(aioble_conn_t *conn, uint16_t mtu, void *user) {
  assert_true(conn && mtu >= 23);
  act_inside(user);
}

static bool on_wish(aioble_conn_t *conn, const aioble_conn_update_t *wish, void *user) {
  assert_true(conn && wish);
  act_inside(user);
  return roll(user, 4) > 0;
}

static void on_notify(aioble_client_char_t *chr, aioble_bytes_t value, bool indication,
                      void *user) {
  (void) indication;
  assert_true(chr && value.len <= 512);
  act_inside(user);
}

/* the one owed before is given, or this one now, or never until the end */
static int answer_later(monkey *m, aioble_access_t *access) {
  unsigned at = roll(m, KEPT);
  aioble_answer_t *before = m->answers[at];

  m->answers[at] = aioble_access_later(access);
  if (before)
    (void) aioble_answer(before, (int) roll(m, 3) - 1, "later", roll(m, 6));
  return AIOBLE_ANSWER_LATER;
}

static int on_read(aioble_access_t *access, void *user) {
  assert_true(access->chr && access->conn && !access->desc && !access->value.data);
  act_inside(user);
  if (roll(user, 5) == 0)
    return answer_later(user, access);
  return roll(user, 10) ? 0 : 0x80;
}

static int on_write(aioble_access_t *access, void *user) {
  assert_true(access->chr && access->conn && !access->desc && access->value.len <= 512);
  act_inside(user);
  if (roll(user, 5) == 0)
    return answer_later(user, access);
  return roll(user, 10) ? 0 : 0x81;
}

static void on_subscribe(aioble_char_t *chr, aioble_conn_t *conn, unsigned what, void *user) {
  assert_true(chr && conn && what < 4);
  act_inside(user);
}

/* ---- what comes of it ---- */

static void keep_results(monkey *m, aioble_op_t *op) {
  unsigned at = roll(m, KEPT);

  if (aioble_op_conn(op)) {
    aioble_conn_unref(m->conns[at]);
    m->conns[at] = aioble_conn_ref(aioble_op_conn(op));
    aioble_conn_set_hooks(m->conns[at], &(aioble_conn_hooks_t){.on_disconnect = on_disconnect,
                                                               .on_params = on_params,
                                                               .on_mtu = on_mtu,
                                                               .on_param_request = on_wish,
                                                               .user = m});
  }
}

static void on_done(aioble_op_t *op, int status, void *user) {
  toy *t = user;
  monkey *m = t->m;

  assert_ptr_equal(op, t->op);
  assert_false(t->calling && op->ble);
  t->calls++;
  if (status == 0)
    keep_results(m, op);
  if (m->depth || roll(m, 3))
    return;
  m->depth++;
  assert_int_equal(aioble_op_await(t->op), aioble_op_status(op)); /* it has settled */
  act(m);
  m->depth--;
}

static void on_found(aioble_op_t *op, int status, void *user) {
  toy *t = user;
  monkey *m = t->m;
  unsigned at = roll(m, KEPT);

  if (status == 0) {
    aioble_client_char_unref(m->found[at]);
    m->found[at] = aioble_client_char_ref(aioble_op_char(op));
  }
  on_done(op, AIOBLE_EOF, user); /* it has no connection to keep */
}

static void play_with(monkey *m, aioble_op_t *op, aioble_op_fn *fn) {
  toy *t = &m->toys[m->n_ops];

  if (m->n_ops == OPS) { /* enough: nobody waits */
    aioble_op_unref(op);
    return;
  }
  m->n_ops++;
  *t = (toy){.m = m, .op = aioble_op_ref(op), .calling = true};
  aioble_op_then(op, fn, t);
  t->calling = false;
}

static void play(monkey *m, aioble_op_t *op) {
  play_with(m, op, on_done);
}

/* ---- what can be done ---- */

static aioble_t *some_stack(monkey *m) {
  return m->s.stacks[roll(m, STACKS)].ble;
}

static aioble_transport_t *some_controller(monkey *m) {
  return m->s.stacks[roll(m, STACKS)].controller;
}

/* one that is connected, if that can be had in a few tries */
static aioble_conn_t *some_conn(monkey *m) {
  aioble_conn_t *conn = NULL;

  for (int i = 0; i < 6 && !aioble_conn_is_connected(conn); i++)
    conn = m->conns[roll(m, KEPT)];
  return conn;
}

static aioble_client_char_t *some_char(monkey *m) {
  aioble_client_char_t *chr = NULL;

  for (int i = 0; i < 6 && !chr; i++)
    chr = m->found[roll(m, KEPT)];
  return chr;
}

static void pushed(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  monkey *m = user;

  if (!m->depth && roll(m, 20) == 0)
    play(m, aioble_scan_stop(scan));
  act_inside(m);
  assert_non_null(aioble_scan_result_addr(result)); /* still borrowed */
}

static void scan(monkey *m) {
  unsigned at = roll(m, KEPT);
  aioble_scan_options_t options = {.active = roll(m, 2),
                                   .every_report = roll(m, 2),
                                   .duration_ms = roll(m, 2) ? 0 : 1 + roll(m, 2000),
                                   .max_queued = 1 + roll(m, 5),
                                   .max_devices = 1 + roll(m, 5),
                                   .user = m};

  if (roll(m, 3) == 0)
    options.on_result = pushed;
  aioble_scan_unref(m->scans[at]);
  m->scans[at] = aioble_scan(some_stack(m), &options);
}

static void advertise(monkey *m) {
  static const aioble_adv_mode_t modes[] = {AIOBLE_ADV_CONNECTABLE, AIOBLE_ADV_CONNECTABLE,
                                            AIOBLE_ADV_CONNECTABLE, AIOBLE_ADV_BROADCAST};
  aioble_op_t *op =
      aioble_advertise(some_stack(m), &(aioble_advertise_options_t){.mode = modes[roll(m, 4)]});

  aioble_op_set_timeout(op, 100 + roll(m, 5000));
  play(m, op);
}

static void connect(monkey *m) {
  aioble_op_t *op = aioble_device_connect(m->devices[roll(m, STACKS)][roll(m, STACKS)], NULL);

  if (roll(m, 2))
    aioble_op_set_timeout(op, roll(m, 3000));
  play(m, op);
}

static void update(monkey *m) {
  uint32_t us = 7500 + 1250 * roll(m, 100);

  play(m, aioble_conn_update_params(
              some_conn(m), &(aioble_conn_update_t){.interval_min_us = us, .interval_max_us = us}));
}

static void find(monkey *m) {
  aioble_op_t *op = aioble_conn_service(some_conn(m), AIOBLE_UUID16(0x181a));

  if (!m->depth && aioble_op_await(op) == 0)
    play_with(m,
              aioble_client_service_char(aioble_op_service(op),
                                         aioble_uuid16(roll(m, 3) ? 0x2a6e : 0x2a6f)),
              on_found);
  aioble_op_unref(op);
}

static void use_char(monkey *m) {
  aioble_client_char_t *chr = some_char(m);

  switch (roll(m, 6)) {
  case 0:
    play(m, aioble_client_char_read(chr));
    break;
  case 1:
    play(m, aioble_client_char_write(chr, "abc", roll(m, 4), AIOBLE_WRITE_REQUEST));
    break;
  case 2:
    play(m, aioble_client_char_write(chr, "abc", roll(m, 4), AIOBLE_WRITE_NO_RESPONSE));
    break;
  case 3:
    play(m, aioble_client_char_subscribe(chr, roll(m, 4)));
    break;
  case 4:
    aioble_client_char_on_notify(chr, roll(m, 2) ? on_notify : NULL, m);
    break;
  default:
    play(m, aioble_client_char_notified(chr));
  }
}

/* procedures of several requests, with several values */
static void use_chars(monkey *m) {
  static const uint8_t octets[60];
  aioble_client_char_t *chr = some_char(m), *both[] = {chr, some_char(m)};
  aioble_write_t writes[] = {{.chr = chr, .data = octets, .len = roll(m, 60)},
                             {.chr = both[1], .data = octets, .len = roll(m, 30)}};

  switch (roll(m, 6)) {
  case 0:
    play(m, aioble_client_char_write(chr, octets, roll(m, 60), AIOBLE_WRITE_REQUEST));
    break;
  case 1:
    play(m, aioble_conn_write_reliable(aioble_client_service_conn(aioble_client_char_service(chr)),
                                       writes, 2));
    break;
  case 2:
    play(m, aioble_client_read_multiple(both, 2));
    break;
  case 3:
    play(m, aioble_client_read_multiple_variable(both, 2));
    break;
  case 4:
    play(m, aioble_conn_read_by_uuid(some_conn(m), AIOBLE_UUID16(0x2a6e)));
    break;
  default:
    (void) aioble_client_char_try_write(chr, octets, roll(m, 60));
  }
}

static void serve(monkey *m) {
  unsigned whose = roll(m, STACKS);
  aioble_char_t *chr = m->chars[whose];

  switch (roll(m, 6)) {
  case 0:
    play(m, aioble_char_notify(chr, some_conn(m), "n", 1));
    break;
  case 1:
    play(m, aioble_char_indicate(chr, some_conn(m), "i", 1));
    break;
  case 2:
    play(m, aioble_char_written(chr));
    break;
  case 3: /* the same table anew */
    (void) aioble_register_services(m->s.stacks[whose].ble, &m->services[whose], 1);
    break;
  default:
    (void) aioble_char_write(chr, "w", 1, AIOBLE_SEND_UPDATE);
  }
}

static void answer(monkey *m) {
  unsigned at = roll(m, KEPT);
  aioble_answer_t *owed = m->answers[at];

  m->answers[at] = NULL;
  if (owed)
    (void) aioble_answer(owed, roll(m, 4) ? 0 : 0x82, "answer", roll(m, 7));
}

static void change(monkey *m) {
  aioble_service_t *service = m->extras[roll(m, STACKS)][roll(m, EXTRA)];

  if (roll(m, 2))
    (void) aioble_service_add(service);
  else
    (void) aioble_service_remove(service);
}

static void take(monkey *m) {
  play(m, aioble_char_written(m->captured[roll(m, STACKS)]));
}

static void group(monkey *m) {
  aioble_op_t *ops[] = {aioble_conn_rssi(some_conn(m)), aioble_scan_next(m->scans[roll(m, KEPT)]),
                        aioble_open(some_stack(m))};

  play(m, roll(m, 2) ? aioble_op_all(ops, 3) : aioble_op_any(ops, 3));
}

static void disturb_an_op(monkey *m) {
  aioble_op_t *op = m->n_ops ? m->toys[roll(m, m->n_ops)].op : NULL;

  if (roll(m, 2))
    aioble_op_cancel(op);
  else
    aioble_op_set_timeout(op, roll(m, 500));
}

static void disturb_the_radio(monkey *m) {
  aioble_transport_t *t = some_controller(m);

  switch (roll(m, 10)) {
  case 8:
  case 9: /* some allocation will fail soon */
    m->s.fail_at = m->s.allocations + 1 + roll(m, 10);
    break;
  case 0:
    aioble_virtual_controller_unplug(t);
    break;
  case 1:
    aioble_virtual_controller_hardware_error(t, 1);
    break;
  case 2:
    aioble_virtual_controller_set_silent(t, true);
    break;
  case 3:
    (void) aioble_virtual_link_loss(t, (uint16_t) roll(m, 4));
    break;
  case 4:
    (void) aioble_virtual_set_in_range(t, some_controller(m), roll(m, 2));
    break;
  case 5:
    aioble_virtual_controller_lose_credits(t, roll(m, 2));
    break;
  default:
    aioble_virtual_controller_set_silent(t, false);
  }
}

static void forget(monkey *m) {
  unsigned at = roll(m, KEPT);

  m->conns[at] = aioble_conn_unref(m->conns[at]);
  at = roll(m, KEPT);
  m->scans[at] = aioble_scan_unref(m->scans[at]);
  at = roll(m, KEPT);
  m->found[at] = aioble_client_char_unref(m->found[at]);
}

static void next(monkey *m) {
  play(m, aioble_scan_next(m->scans[roll(m, KEPT)]));
}

static void stop(monkey *m) {
  play(m, aioble_scan_stop(m->scans[roll(m, KEPT)]));
}

static void open_or_close(monkey *m) {
  play(m, roll(m, 4) ? aioble_open(some_stack(m)) : aioble_close(some_stack(m)));
}

static void disconnect(monkey *m) {
  play(m,
       roll(m, 3) ? aioble_conn_disconnected(some_conn(m)) : aioble_conn_disconnect(some_conn(m)));
}

static void act(monkey *m) {
  static void (*const deeds[])(monkey * m) = {
      scan,   scan,   advertise, advertise,     connect,   connect,       next,       stop,
      update, find,   find,      use_char,      use_char,  open_or_close, disconnect, serve,
      group,  forget, forget,    disturb_an_op, use_chars, answer,        take,       change};
  unsigned deed = roll(m, 73);

  if (deed == 72)
    disturb_the_radio(m);
  else
    deeds[deed % (sizeof deeds / sizeof *deeds)](m);
}

/* ---- a life ---- */

/* what goes wrong by chance, in every second life */
static const aioble_virtual_faults_t weather = {.link_loss_ppm = 1000,
                                                .reorder_ppm = 50000,
                                                .malformed_ppm = 2000,
                                                .truncated_ppm = 1000,
                                                .lost_credits_ppm = 1000,
                                                .establish_fail_ppm = 50000};

static void begin(monkey *m, uint64_t seed) {
  sim_open(&m->s, &(aioble_virtual_options_t){.seed = seed, .timing = seed & 1});
  m->seed = seed;
  for (uint16_t i = 0; i < STACKS; i++) {
    aioble_t *ble =
        sim_stack_new(&m->s, &(aioble_options_t){.appearance = i, .mtu = i % 2 ? 23 : 0}, NULL);
    aioble_service_t *service = aioble_service_new(ble, AIOBLE_UUID16(0x181a));

    m->chars[i] = aioble_char_new(
        service, AIOBLE_UUID16(0x2a6e),
        AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE,
        &(aioble_char_options_t){
            .on_read = on_read, .on_write = on_write, .on_subscribe = on_subscribe, .user = m});
    m->captured[i] =
        aioble_char_new(service, AIOBLE_UUID16(0x2a6f), AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP,
                        &(aioble_char_options_t){
                            .capture = true, .capture_depth = 1, .on_write = on_write, .user = m});
    assert_int_equal(aioble_register_services(ble, &service, 1), 0);
    m->services[i] = service;
    for (uint16_t n = 0; n < EXTRA; n++) {
      m->extras[i][n] = (n ? aioble_service_new : aioble_service_new_secondary)(
          ble, aioble_uuid16((uint16_t) (0xa000 + n)));
      aioble_char_new(m->extras[i][n], AIOBLE_UUID16(0x2a19), AIOBLE_READ | AIOBLE_NOTIFY, NULL);
      if (n)
        assert_int_equal(aioble_service_include(m->extras[i][n], m->extras[i][n - 1]), 0);
    }
  }
  for (int i = 0; i < STACKS; i++)
    for (int j = 0; j < STACKS; j++)
      m->devices[i][j] = sim_device(m->s.stacks[i].ble, m->s.stacks[j].ble);
  if (seed % 4 < 2)
    aioble_virtual_set_faults(m->s.radio, &weather);
}

static void end(monkey *m) {
  m->depth = 1; /* no more ideas */
  m->s.fail_at = 0;
  aioble_virtual_set_faults(m->s.radio, NULL);
  for (int i = 0; i < STACKS; i++)
    aioble_virtual_controller_set_silent(m->s.stacks[i].controller, false);
  for (unsigned i = 0; i < m->n_ops; i++)
    aioble_op_cancel(m->toys[i].op);
  sim_run_ms(&m->s, 15000);
  for (unsigned i = 0; i < m->n_ops; i++) {
    if (m->toys[i].calls != 1)
      fail_msg("op %u, %s, was delivered %u times", i, m->toys[i].op->kind->name, m->toys[i].calls);
    aioble_op_unref(m->toys[i].op);
  }
  for (unsigned i = 0; i < KEPT; i++) {
    aioble_conn_unref(m->conns[i]);
    aioble_scan_unref(m->scans[i]);
    aioble_client_char_unref(m->found[i]);
    (void) aioble_answer(m->answers[i], 0, NULL, 0);
  }
  for (int i = 0; i < STACKS; i++) {
    aioble_service_unref(m->services[i]);
    for (int n = 0; n < EXTRA; n++)
      aioble_service_unref(m->extras[i][n]);
    for (int j = 0; j < STACKS; j++)
      aioble_device_unref(m->devices[i][j]);
  }
  sim_close(&m->s);
}

static void anything_at_any_time(void **state) {
  const char *wish = getenv("AIOBLE_TEST_SEED"); /* only that one */
  uint64_t first = wish ? strtoull(wish, NULL, 10) : 1;

  (void) state;
  for (uint64_t seed = first; seed < first + (wish ? 1 : SEEDS); seed++) {
    monkey *m = test_calloc(1, sizeof *m);

    begin(m, seed);
    for (int i = 0; i < ACTIONS; i++) {
      act(m);
      for (unsigned steps = roll(m, 20); steps; steps--)
        (void) aioble_virtual_run_once(m->s.radio);
    }
    end(m);
    test_free(m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(anything_at_any_time)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
