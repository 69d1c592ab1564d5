/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
  att_peer *peer;
  ab_gatt_client client;
} world;

typedef struct ear {
  ab_gatt_listener listener;
  world *w;
  unsigned values, indications, closed;
  uint8_t last; /* first octet of the last value */
  int status;
  struct ear *drop; /* this one, too, stops listening on the first value */
} ear;

static void to_client(att_peer *peer, uint16_t handle, const uint8_t *value, size_t len,
                      bool indication) {
  world *w = peer->user;

  ab_gatt_client_rx_value(&w->client, handle, value, len, indication);
}

static world *world_new(void) {
  world *w = calloc(1, sizeof *w);

  assert_non_null(w);
  w->peer = att_peer_new(23);
  w->peer->user = w;
  w->peer->on_value = to_client;
  ab_gatt_client_init(&w->client, &w->peer->att);
  return w;
}

static void world_free(world *w) {
  ab_gatt_client_close(&w->client, AIOBLE_ENOTCONN);
  att_peer_free(w->peer);
  free(w);
}

static void on_value(ab_gatt_listener *listener, const uint8_t *value, size_t len,
                     bool indication) {
  ear *e = ab_container_of(listener, ear, listener);

  e->values++;
  e->indications += indication;
  e->last = len ? value[0] : 0;
  if (e->drop)
    ab_gatt_unlisten(&e->w->client, &e->drop->listener);
}

static void on_closed(ab_gatt_listener *listener, int status) {
  ear *e = ab_container_of(listener, ear, listener);

  e->closed++;
  e->status = status;
  ab_gatt_unlisten(&e->w->client, listener);
  assert_false(ab_gatt_listen(&e->w->client, listener));
}

static bool listen_on(world *w, ear *e, uint16_t handle) {
  *e = (ear){.w = w, .drop = e->drop};
  e->listener.handle = handle;
  e->listener.on_value = on_value;
  e->listener.on_closed = on_closed;
  return ab_gatt_listen(&w->client, &e->listener);
}

static void a_value_goes_to_all_who_listen_on_its_handle_and_to_nobody_else(void **state) {
  world *w = world_new();
  ear a = {0}, b = {0}, other = {0};

  (void) state;
  assert_true(listen_on(w, &a, 3) && listen_on(w, &b, 3) && listen_on(w, &other, 4));
  assert_true(ab_gatt_listen(&w->client, &a.listener)); /* once is enough */
  att_peer_play(w->peer, "> 1b 0300 07\n> 1d 0300 08\n< 1e\n");
  assert_int_equal(a.values, 2);
  assert_int_equal(b.values, 2);
  assert_int_equal(a.indications, 1);
  assert_int_equal(b.last, 8);
  assert_int_equal(other.values, 0);
  ab_gatt_unlisten(&w->client, &a.listener);
  ab_gatt_unlisten(&w->client, &a.listener);
  att_peer_play(w->peer, "> 1b 0300 09\n");
  assert_int_equal(a.values, 2);
  assert_int_equal(b.values, 3);
  world_free(w);
  assert_int_equal(a.closed, 0);
  assert_int_equal(b.closed, 1);
  assert_int_equal(other.closed, 1);
  assert_int_equal(other.status, AIOBLE_ENOTCONN);
}

static void a_listener_may_stop_itself_and_others_while_called(void **state) {
  for (int who = 0; who < 3; who++) {
    world *w = world_new();
    ear e[3] = {0};

    (void) state;
    e[0].drop = &e[who];
    for (int i = 0; i < 3; i++)
      assert_true(listen_on(w, &e[i], 3));
    att_peer_play(w->peer, "> 1b 0300 07\n");
    for (int i = 0; i < 3; i++)
      assert_int_equal(e[i].values, i == who && i > 0 ? 0 : 1);
    att_peer_play(w->peer, "> 1b 0300 08\n");
    for (int i = 0; i < 3; i++)
      assert_int_equal(e[i].last, i != who ? 8 : i == 0 ? 7 : 0);
    world_free(w);
  }
}

static void a_value_before_its_listener_is_kept_for_it_in_order(void **state) {
  world *w = world_new();
  ear a = {0}, b = {0}, late = {0};

  (void) state;
  att_peer_play(w->peer, "> 1b 0300 01\n> 1b 0400 02\n> 1d 0300 03\n< 1e\n");
  assert_true(listen_on(w, &a, 3));
  assert_int_equal(a.values, 2);
  assert_int_equal(a.indications, 1);
  assert_int_equal(a.last, 3);
  assert_true(listen_on(w, &late, 3));
  assert_int_equal(late.values, 0); /* they were taken */
  assert_true(listen_on(w, &b, 4));
  assert_int_equal(b.values, 1);
  assert_int_equal(b.last, 2);
  assert_int_equal(w->client.early_dropped, 0);
  world_free(w);
}

/* hostile: notifications for a handle nobody knows */
static void early_values_are_bounded_and_the_oldest_is_dropped_and_counted(void **state) {
  world *w = world_new();
  ear a = {0};
  uint8_t value[] = {0x1b, 3, 0, 0};

  (void) state;
  for (unsigned i = 0; i < 1000; i++) {
    value[3] = (uint8_t) i;
    ab_att_rx(&w->peer->att, value, sizeof value);
  }
  assert_int_equal(w->client.early_dropped, 1000 - AB_GATT_EARLY_MAX);
  assert_true(fake_env_live(w->peer->env) <= AB_GATT_EARLY_MAX + 4);
  assert_true(listen_on(w, &a, 3));
  assert_int_equal(a.values, AB_GATT_EARLY_MAX);
  assert_int_equal(a.last, (uint8_t) 999);
  world_free(w);
}

static void early_values_without_memory_are_counted(void **state) {
  world *w = world_new();
  ear a = {0};

  (void) state;
  fake_env_fail_at(w->peer->env, 1);
  att_peer_play(w->peer, "> 1b 0300 01\n> 1b 0300 02\n");
  assert_int_equal(w->client.early_dropped, 1);
  assert_true(listen_on(w, &a, 3));
  assert_int_equal(a.values, 1);
  assert_int_equal(a.last, 2);
  world_free(w);
}

static void many_listeners_are_all_found(void **state) {
  enum { N = 3000 };
  world *w = world_new();
  ear *e = calloc(N, sizeof *e);

  (void) state;
  assert_non_null(e);
  for (unsigned i = 0; i < N; i++)
    assert_true(listen_on(w, &e[i], (uint16_t) (4 * i + 3)));
  assert_true(1u << w->client.bits >= N / 2);
  for (unsigned i = 0; i < N; i++) {
    uint8_t value = (uint8_t) i;

    ab_gatt_client_rx_value(&w->client, (uint16_t) (4 * i + 3), &value, 1, false);
    assert_int_equal(e[i].values, 1);
    assert_int_equal(e[i].last, value);
  }
  for (unsigned i = 0; i < N; i += 2)
    ab_gatt_unlisten(&w->client, &e[i].listener);
  assert_int_equal(w->client.listeners, N / 2);
  world_free(w);
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(e[i].closed, i % 2);
  free(e);
}

static void no_memory_to_grow_the_table_harms_nobody(void **state) {
  enum { N = 40 };
  world *w = world_new();
  ear e[N] = {0};
  uint8_t value = 1;

  (void) state;
  for (unsigned i = 0; i < N; i++) {
    fake_env_fail_at(w->peer->env, 1);
    assert_true(listen_on(w, &e[i], (uint16_t) (i + 1)));
  }
  fake_env_fail_at(w->peer->env, 0);
  for (unsigned i = 0; i < N; i++) {
    ab_gatt_client_rx_value(&w->client, (uint16_t) (i + 1), &value, 1, false);
    assert_int_equal(e[i].values, 1);
  }
  world_free(w);
}

static void after_the_end_nothing_is_kept(void **state) {
  world *w = world_new();
  ear a = {0};
  uint8_t value = 1;

  (void) state;
  att_peer_play(w->peer, "> 1b 0300 01\n");
  ab_gatt_client_close(&w->client, AIOBLE_ENOTCONN);
  ab_gatt_client_rx_value(&w->client, 3, &value, 1, false);
  assert_false(listen_on(w, &a, 3));
  assert_int_equal(a.values, 0);
  world_free(w);
}

static void on_ended(ab_gatt_listener *listener, int status) {
  ear *e = ab_container_of(listener, ear, listener);

  e->closed++;
  e->status = status;
  if (e->drop)
    ab_gatt_unlisten(&e->w->client, &e->drop->listener);
}

static void listeners_of_a_range_are_ended_but_for_one_handle(void **state) {
  world *w = world_new();
  ear ears[40] = {{.closed = 0}};

  (void) state;
  for (unsigned i = 0; i < 40; i++) {
    assert_true(listen_on(w, &ears[i], (uint16_t) (i + 1)));
    ears[i].listener.on_closed = on_ended;
  }
  ears[11].drop = &ears[10];
  ears[10].drop = &ears[11];
  ab_gatt_end_listeners(&w->client, 11, 20, 15, AIOBLE_EPROTO);
  for (unsigned i = 0; i < 40; i++) {
    bool ended = i >= 10 && i < 20 && i != 14;

    assert_int_equal(ears[i].listener.listening, !ended);
    if (i != 10 && i != 11)
      assert_int_equal(ears[i].closed, ended);
  }
  assert_int_equal(ears[10].closed + ears[11].closed, 1); /* one had the other stop */
  assert_int_equal(ears[19].status, AIOBLE_EPROTO);
  ab_gatt_end_listeners(&w->client, 1, 0xffff, 0, AIOBLE_EPROTO);
  assert_int_equal(w->client.listeners, 0);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_goes_to_all_who_listen_on_its_handle_and_to_nobody_else),
      cmocka_unit_test(a_listener_may_stop_itself_and_others_while_called),
      cmocka_unit_test(a_value_before_its_listener_is_kept_for_it_in_order),
      cmocka_unit_test(early_values_are_bounded_and_the_oldest_is_dropped_and_counted),
      cmocka_unit_test(early_values_without_memory_are_counted),
      cmocka_unit_test(many_listeners_are_all_found),
      cmocka_unit_test(no_memory_to_grow_the_table_harms_nobody),
      cmocka_unit_test(after_the_end_nothing_is_kept),
      cmocka_unit_test(listeners_of_a_range_are_ended_but_for_one_handle),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
