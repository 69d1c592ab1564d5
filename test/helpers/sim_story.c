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

sim_watch *story_ask(story *st, aioble_op_t *op) {
  sim_watch *w = &st->ops[st->n_ops++];

  assert_true(st->n_ops <= STORY_OPS);
  assert_non_null(op);
  *w = (sim_watch){.op = aioble_op_ref(op)};
  aioble_op_then(op, on_settled, w);
  if (op->ble)
    assert_int_equal(w->calls, 0); /* never inline */
  return w;
}

bool story_step(story *st) {
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

  while (!w->calls && aioble_virtual_now_us(st->s.radio) < until && story_step(st))
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
  static const int some[] = {0,
                             AIOBLE_EOF,
                             AIOBLE_ECANCELED,
                             AIOBLE_ETIMEDOUT, /* by itself, … */
                             AIOBLE_ENODEV,
                             AIOBLE_ENOMEM,
                             AIOBLE_ENOTCONN};
  const size_t n = st->undisturbed ? 4 : sizeof some / sizeof *some;

  for (size_t i = 0; i < n; i++)
    if (status == some[i])
      return true;
  if (st->undisturbed)
    return false;
  return st->garbage ? status < 0 && status != AIOBLE_EAGAIN
                     : AIOBLE_ERR_IS_HCI(status) || AIOBLE_ERR_IS_ATT(status) ||
                           AIOBLE_ERR_IS_L2CAP(status) || AIOBLE_ERR_IS_SMP(status);
}

int story_wait(story *st, sim_watch *w) {
  st->current = w;
  if (!settles_within(st, w, PATIENCE_US))
    complain(st, w, "does not settle");
  st->current = NULL;
  return w->status;
}

int story_run(story *st, aioble_op_t *op) {
  return story_wait(st, story_ask(st, op));
}

int story_wait_or_give_up(story *st, sim_watch *w) {
  st->current = w;
  if (!settles_within(st, w, PATIENCE_US))
    aioble_op_cancel(w->op);
  return story_wait(st, w);
}

/* ---- beginning and end ---- */

static aioble_t *teller(story *st, const char *name, aioble_options_t options,
                        const aioble_virtual_controller_options_t *controller) {
  char path[100];

  (void) snprintf(path, sizeof path, "%s/%s.json", st->dir ? st->dir : "", name);
  options.store = st->dir ? path : "";
  options.private_address = st->plot->hidden;
  options.rotation_s = st->plot->hidden;
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
  st.undisturbed = !fault;
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
  (void) story_ask(st, aioble_close(st->central));
}

static void close_the_peripheral(story *st) {
  (void) story_ask(st, aioble_close(st->peripheral));
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
    (void) story_ask(st, aioble_conn_disconnect(conn));
}

static void peer_disconnects(story *st) {
  aioble_conn_t *conn = some_conn(st->peripheral);

  if (conn)
    (void) story_ask(st, aioble_conn_disconnect(conn));
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
