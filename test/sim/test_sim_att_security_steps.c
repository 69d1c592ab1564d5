/* SPDX-License-Identifier: MIT */
/*
 * What was refused for want of security, while something else happens: at every step of it, and of
 * channels as well as of values.
 */
#include "helpers/strict_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { PSM = 0x80 };

/* ---- whatever happens, at every step ---- */

typedef void strike(strict_pair *p, sim_watch *watch);

static void client_leaves(strict_pair *p, sim_watch *watch) {
  (void) watch;
  aioble_op_unref(aioble_conn_disconnect(p->at_client));
}

static void server_leaves(strict_pair *p, sim_watch *watch) {
  (void) watch;
  aioble_op_unref(aioble_conn_disconnect(p->at_server));
}

static void nobody_wants_it(strict_pair *p, sim_watch *watch) {
  (void) p;
  aioble_op_cancel(watch->op);
}

static void server_loses_its_adapter(strict_pair *p, sim_watch *watch) {
  (void) watch;
  aioble_virtual_controller_unplug(sim_stack_of(&p->s, p->server)->controller);
}

static void nobody_may_pair(strict_pair *p, sim_watch *watch) {
  (void) watch;
  assert_int_equal(aioble_config_set(p->server, "pairable", "false"), 0);
}

static void the_peripheral_asks_to_pair(strict_pair *p, sim_watch *watch) {
  (void) watch;
  aioble_op_unref(aioble_conn_pair(p->at_server, NULL));
}

static void a_user_pairs(strict_pair *p, sim_watch *watch) {
  (void) watch;
  aioble_op_unref(aioble_conn_pair(p->at_client, NULL));
}

static const struct {
  const char *name;
  strike *strike;
} strikes[] = {
    {"the client leaves", client_leaves},
    {"the server leaves", server_leaves},
    {"cancelled", nobody_wants_it},
    {"the server is unplugged", server_loses_its_adapter},
    {"nobody may pair", nobody_may_pair},
    {"the peripheral asks to pair", the_peripheral_asks_to_pair},
    {"the application pairs", a_user_pairs},
};

static bool is_an_outcome(int status) {
  return status == 0 || status == AIOBLE_ENOTCONN || status == AIOBLE_ECANCELED ||
         status == AIOBLE_ETIMEDOUT || AIOBLE_ERR_IS_ATT(status);
}

/* false: it was over before that step */
static bool tell(unsigned request, unsigned what, unsigned at) {
  sim_watch watch;
  unsigned step = 0;
  bool struck;
  strict_pair p;

  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  sim_watch_op(&watch, strict_requests[request].ask(&p));
  while (step < at && !watch.calls && aioble_virtual_run_once(p.s.radio))
    step++;
  struck = step == at && !watch.calls;
  if (struck)
    strikes[what].strike(&p, &watch);
  sim_run_ms(&p.s, 60000);
  assert_int_equal(watch.calls, 1);
  if (!is_an_outcome(watch.status))
    fail_msg("%s, %s at step %u: %s", strict_requests[request].name, strikes[what].name, at,
             aioble_op_message(watch.op));
  assert_false(p.at_client->demand.busy);
  assert_true(p.asked <= p.served + 2);
  sim_watch_end(&watch);
  strict_pair_close(&p);
  return struck;
}

static void each_settles_once_whatever_happens_at_every_step(void **state) {
  static const unsigned some[] = {0, STRICT_WRITE, STRICT_RELIABLE};

  (void) state;
  for (unsigned i = 0; i < sizeof some / sizeof *some; i++)
    for (unsigned what = 0; what < sizeof strikes / sizeof *strikes; what++) {
      unsigned at = 0;

      while (tell(some[i], what, at))
        at++;
      assert_true(at > 20);
    }
}

/* ---- channels ---- */

static uint16_t on_channel(aioble_listener_t *listener, aioble_conn_t *conn, unsigned n,
                           void *user) {
  strict_pair *p = user;

  (void) listener;
  (void) n;
  p->asked++;
  return conn->smp.security.level < p->level ? p->code : 0;
}

static void a_channel_is_asked_for_once_more(void **state) {
  static const uint16_t results[] = {
      AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION, AIOBLE_L2CAP_KEY_TOO_SHORT,
      AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION, AIOBLE_L2CAP_INSUFFICIENT_AUTHORIZATION};

  (void) state;
  for (unsigned i = 0; i < 16; i++) {
    bool pairs = i & 4, enhanced = i & 8;
    uint16_t result = results[i % 4];
    bool works = pairs && result != AIOBLE_L2CAP_INSUFFICIENT_AUTHORIZATION;
    aioble_channel_options_t options = {.enhanced = enhanced};
    aioble_listener_t *listener;
    aioble_op_t *op;
    strict_pair p;

    strict_pair_set_up(&p, pairs ? AIOBLE_AUTO_SECURE_PAIR : AIOBLE_AUTO_SECURE_BONDED);
    p.code = (uint8_t) result;
    listener = aioble_l2cap_listen(
        p.server, PSM, &(aioble_listen_options_t){.on_request = on_channel, .user = &p});
    op = aioble_conn_l2cap_connect(p.at_client, PSM, &options);
    assert_int_equal(aioble_op_await(op), works ? 0 : AIOBLE_ERR_L2CAP(result));
    assert_int_equal(aioble_op_channel(op) != NULL, works);
    assert_int_equal(p.asked, works ? 2 : 1);
    assert_int_equal(p.pairings, works);
    aioble_op_unref(op);
    aioble_listener_stop(listener);
    aioble_listener_unref(listener);
    strict_pair_close(&p);
  }
}

static void a_channel_and_a_value_wait_for_the_same_pairing(void **state) {
  sim_watch value, channel, gone;
  aioble_listener_t *listener;
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.later = true;
  listener = aioble_l2cap_listen(p.server, PSM,
                                 &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
  sim_watch_op(&channel, aioble_conn_l2cap_connect(p.at_client, PSM, NULL));
  sim_watch_op(&gone, aioble_conn_l2cap_connect(p.at_client, PSM, NULL));
  sim_watch_op(&value, strict_read(&p));
  sim_run_ms(&p.s, 5000);
  aioble_op_cancel(gone.op);
  sim_watch_expect(&gone, AIOBLE_ECANCELED);
  assert_int_equal(aioble_pairing_answer(p.at_server, true, 0), 0);
  sim_watch_expect(&value, 0);
  sim_watch_expect(&channel, 0);
  assert_int_equal(p.pairings, 1);
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
  strict_pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_settles_once_whatever_happens_at_every_step),
      cmocka_unit_test(a_channel_is_asked_for_once_more),
      cmocka_unit_test(a_channel_and_a_value_wait_for_the_same_pairing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
