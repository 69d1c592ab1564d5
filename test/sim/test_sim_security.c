/* SPDX-License-Identifier: MIT */
/* What values and channels ask of a link, and what pairing makes of it. */
#include "helpers/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PSM = 0x80, NOT_AUTHENTICATED = 0x05 };

typedef struct pair {
  sim s;
  aioble_t *client, *server;
  aioble_service_t *service;
  aioble_listener_t *listener;
  aioble_char_t *plain, *encrypted, *authenticated; /* how each may be read */
  aioble_conn_t *at_client, *at_server;
  aioble_client_char_t *found[3]; /* in that order */
} pair;

static aioble_char_t *add(pair *p, aioble_security_t level, uint16_t uuid) {
  aioble_char_options_t options = {.initial = {(const uint8_t *) "x", 1}, .read_security = level};

  return aioble_char_new(p->service, aioble_uuid16(uuid), AIOBLE_READ | AIOBLE_NOTIFY, &options);
}

static void find(pair *p) {
  aioble_op_t *service = sim_ok(aioble_conn_service(p->at_client, aioble_uuid16(0x181a)));

  for (uint16_t i = 0; i < 3; i++) {
    aioble_op_t *chr = sim_ok(aioble_client_service_char(aioble_op_service(service),
                                                         aioble_uuid16((uint16_t) (0x2a6e + i))));

    p->found[i] = aioble_client_char_ref(aioble_op_char(chr));
    aioble_op_unref(chr);
  }
  aioble_op_unref(service);
}

static int set_up(void **state) {
  pair *p = calloc(1, sizeof *p);

  *state = p;
  sim_open(&p->s, NULL);
  p->client = sim_stack_new(&p->s, &(aioble_options_t){.store = ""}, NULL);
  p->server = sim_stack_new(&p->s, &(aioble_options_t){.store = ""}, NULL);
  p->service = aioble_service_new(p->server, aioble_uuid16(0x181a));
  p->plain = add(p, AIOBLE_SECURITY_NONE, 0x2a6e);
  p->encrypted = add(p, AIOBLE_SECURITY_ENCRYPTED, 0x2a6f);
  p->authenticated = add(p, AIOBLE_SECURITY_AUTHENTICATED, 0x2a70);
  assert_int_equal(aioble_register_services(p->server, &p->service, 1), 0);
  p->listener = aioble_l2cap_listen(
      p->server, PSM, &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
  sim_connect(p->client, p->server, &p->at_client, &p->at_server);
  find(p);
  return 0;
}

static int tear_down(void **state) {
  pair *p = *state;

  for (size_t i = 0; i < 3; i++)
    aioble_client_char_unref(p->found[i]);
  aioble_conn_unref(p->at_client);
  aioble_conn_unref(p->at_server);
  aioble_listener_unref(p->listener);
  aioble_service_unref(p->service);
  sim_close(&p->s);
  free(p);
  return 0;
}

static void expect_reads(pair *p, int plain, int encrypted, int authenticated) {
  sim_expect(aioble_client_char_read(p->found[0]), plain);
  sim_expect(aioble_client_char_read(p->found[1]), encrypted);
  sim_expect(aioble_client_char_read(p->found[2]), authenticated);
}

/* Just Works gives encryption, and no more */
static void pairing_opens_what_asks_for_encryption(void **state) {
  pair *p = *state;

  expect_reads(p, 0, AIOBLE_ERR_ATT(NOT_AUTHENTICATED), AIOBLE_ERR_ATT(NOT_AUTHENTICATED));
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  expect_reads(p, 0, 0, AIOBLE_ERR_ATT(NOT_AUTHENTICATED));
}

static void a_subscription_and_a_notification_ask_for_as_much_as_reading(void **state) {
  pair *p = *state;

  sim_expect(aioble_client_char_subscribe(p->found[1], AIOBLE_SUBSCRIBE_NOTIFY),
             AIOBLE_ERR_ATT(NOT_AUTHENTICATED));
  sim_expect(aioble_char_notify(p->encrypted, p->at_server, NULL, 0),
             AIOBLE_ERR_ATT(NOT_AUTHENTICATED));
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_expect(aioble_client_char_subscribe(p->found[1], AIOBLE_SUBSCRIBE_NOTIFY), 0);
  sim_expect(aioble_char_notify(p->encrypted, p->at_server, NULL, 0), 0);
  sim_expect(aioble_client_char_notified(p->found[1]), 0);
}

static void a_channel_is_refused_until_the_link_is_encrypted(void **state) {
  enum { AUTHENTICATION = 0x0005 };
  pair *p = *state;

  sim_expect(aioble_conn_l2cap_connect(p->at_client, PSM, NULL), AIOBLE_ERR_L2CAP(AUTHENTICATION));
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_expect(aioble_conn_l2cap_connect(p->at_client, PSM, NULL), 0);
}

static void a_bonded_client_on_a_new_link_is_encrypted_before_it_can_ask(void **state) {
  pair *p = *state;

  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_expect(aioble_conn_disconnect(p->at_client), 0);
  for (size_t i = 0; i < 3; i++)
    p->found[i] = aioble_client_char_unref(p->found[i]);
  aioble_conn_unref(p->at_client);
  aioble_conn_unref(p->at_server);
  sim_connect(p->client, p->server, &p->at_client, &p->at_server);
  find(p);
  assert_true(aioble_conn_security(p->at_server).encrypted);
  expect_reads(p, 0, 0, AIOBLE_ERR_ATT(NOT_AUTHENTICATED));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(pairing_opens_what_asks_for_encryption),
      TEST(a_subscription_and_a_notification_ask_for_as_much_as_reading),
      TEST(a_channel_is_refused_until_the_link_is_encrypted),
      TEST(a_bonded_client_on_a_new_link_is_encrypted_before_it_can_ask),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
