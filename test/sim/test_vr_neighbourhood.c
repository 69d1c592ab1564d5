/* SPDX-License-Identifier: MIT */
/*
 * Some controllers, hosts that do anything at any moment but keep HCI's rules, and faults: many
 * seeds. Whatever happens, each host's own book-keeping of links and buffers stays right.
 */
#include "virtual/vr_priv.h"

#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HOSTS = 4, LINKS = 16, BUFFERS = 8, STEPS = 3000, SEEDS = 200 };

typedef struct known_link {
  uint16_t handle; /* 0: free */
  uint16_t in_flight;
  uint8_t role;
} known_link;

typedef struct resident {
  vr_host h;
  known_link links[LINKS];
  unsigned in_flight;
  bool plugged;
} resident;

typedef struct town {
  aioble_virtual_radio_t *radio;
  resident r[HOSTS];
  ab_addr6 addr[HOSTS];
  unsigned connected, data;
} town;

/* ---- a host's book-keeping ---- */

static known_link *link_of(resident *r, uint16_t handle) {
  for (int i = 0; i < LINKS; i++)
    if (r->links[i].handle == handle)
      return &r->links[i];
  return NULL;
}

static void on_connected(town *t, resident *r, ab_rd *p) {
  ab_hci_le_ev_conn_complete ev;
  known_link *l;

  assert_true(ab_hci_le_ev_conn_complete_read(p, &ev) && ab_rd_done(p));
  if (ev.status)
    return;
  assert_null(link_of(r, ev.handle));
  l = link_of(r, 0);
  assert_non_null(l);
  *l = (known_link){.handle = ev.handle, .role = ev.role};
  t->connected++;
}

static void on_disconnected(resident *r, ab_rd *p) {
  ab_hci_ev_disconnection ev;
  known_link *l;

  assert_true(ab_hci_ev_disconnection_read(p, &ev) && ab_rd_done(p));
  l = link_of(r, ev.handle);
  assert_non_null(l);
  r->in_flight -= l->in_flight;
  *l = (known_link){0};
}

static void on_completed(resident *r, ab_rd *p) {
  uint8_t count = ab_rd_u8(p);
  ab_hci_completed c;

  while (count--) {
    known_link *l;

    assert_true(ab_hci_completed_read(p, &c));
    l = link_of(r, c.handle);
    assert_non_null(l);
    assert_true(c.count && c.count <= l->in_flight);
    l->in_flight = (uint16_t) (l->in_flight - c.count);
    r->in_flight -= c.count;
  }
}

static void post_handle(resident *r, uint16_t opcode, uint16_t handle, const void *more,
                        size_t len) {
  uint8_t params[64];
  ab_wr w = ab_wr_of(params, sizeof params);

  ab_wr_le16(&w, handle);
  ab_wr_bytes(&w, more, len);
  vr_host_post(&r->h, opcode, params, ab_wr_len(&w));
}

/* mostly there is a key, mostly the right one */
static void on_key_wanted(town *t, resident *r, ab_rd *p) {
  uint16_t handle = ab_rd_le16(p);
  uint8_t key[16] = {vr_chance(t->radio, 200000)};

  if (vr_chance(t->radio, 200000))
    post_handle(r, AB_HCI_LE_LTK_NEG_REPLY, handle, NULL, 0);
  else
    post_handle(r, AB_HCI_LE_LTK_REPLY, handle, key, sizeof key);
}

static void look(town *t, resident *r) {
  ab_rd p;

  while (vr_host_take(&r->h, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &p))
    on_connected(t, r, &p);
  while (vr_host_take(&r->h, AB_HCI_EV_NUM_COMPLETED_PACKETS, &p))
    on_completed(r, &p);
  while (vr_host_take(&r->h, VR_LE(AB_HCI_LE_EV_LTK_REQUEST), &p))
    on_key_wanted(t, r, &p);
  while (vr_host_take(&r->h, AB_HCI_EV_DISCONNECTION_COMPLETE, &p))
    on_disconnected(r, &p);
  vr_host_forget(&r->h);
}

static void look_at_all(town *t) {
  for (int i = 0; i < HOSTS; i++)
    if (t->r[i].plugged)
      look(t, &t->r[i]);
}

/* ---- what a host does ---- */

static void forget(resident *r) {
  vr_host_forget(&r->h);
  memset(r->links, 0, sizeof r->links);
  r->in_flight = 0;
}

static void set_up(resident *r) {
  static const uint8_t all[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  static const uint8_t le[8] = {0xff, 1};
  static const uint8_t adv[15] = {0x20, 0, 0x20, [13] = 7};

  vr_host_post(&r->h, AB_HCI_RESET, NULL, 0);
  vr_host_post(&r->h, AB_HCI_SET_EVENT_MASK, all, sizeof all);
  vr_host_post(&r->h, AB_HCI_LE_SET_EVENT_MASK, le, sizeof le);
  vr_host_post(&r->h, AB_HCI_LE_SET_ADV_PARAMS, adv, sizeof adv);
}

static void create(town *t, resident *r) {
  ab_hci_le_create_conn p = {.scan_interval = 16,
                             .scan_window = 16,
                             .interval_min = 8,
                             .interval_max = 8,
                             .supervision_timeout = 50};
  uint8_t params[ab_hci_le_create_conn_size];
  ab_wr w = ab_wr_of(params, sizeof params);

  p.peer_addr = t->addr[vr_random_below(t->radio, HOSTS)];
  ab_hci_le_create_conn_write(&w, &p);
  vr_host_post(&r->h, AB_HCI_LE_CREATE_CONN, params, sizeof params);
}

static void send_data(town *t, resident *r, known_link *l) {
  uint8_t data[60] = {0};

  if (r->in_flight == BUFFERS)
    return;
  r->in_flight++;
  l->in_flight++;
  t->data++;
  vr_host_acl(&r->h, l->handle, 0, data, 1 + vr_random_below(t->radio, sizeof data - 1));
}

static known_link *some_link(town *t, resident *r) {
  uint32_t from = vr_random_below(t->radio, LINKS);

  for (uint32_t i = 0; i < LINKS; i++)
    if (r->links[(from + i) % LINKS].handle)
      return &r->links[(from + i) % LINKS];
  return NULL;
}

static void with_a_link(town *t, resident *r) {
  static const uint8_t encrypt[26] = {0}, update[12] = {8, 0, 8, 0, 0, 0, 50, 0},
                       length[4] = {251, 0, 0x48, 8}, phy[5] = {0, 2, 2}, reason[] = {0x13};
  known_link *l = some_link(t, r);

  if (!l)
    return;
  switch (vr_random_below(t->radio, 20)) {
  case 0:
    post_handle(r, AB_HCI_DISCONNECT, l->handle, reason, sizeof reason);
    return;
  case 1:
    post_handle(r, AB_HCI_LE_ENABLE_ENCRYPTION, l->handle, encrypt, sizeof encrypt);
    return;
  case 2:
    post_handle(r, AB_HCI_LE_CONN_UPDATE, l->handle, update, sizeof update);
    return;
  case 3:
    post_handle(r, AB_HCI_LE_CONN_PARAM_REPLY, l->handle, update, sizeof update);
    return;
  case 4:
    post_handle(r, AB_HCI_LE_SET_DATA_LENGTH, l->handle, length, sizeof length);
    return;
  case 5:
    post_handle(r, AB_HCI_LE_SET_PHY, l->handle, phy, sizeof phy);
    return;
  case 6:
    post_handle(r, AB_HCI_LE_READ_REMOTE_FEATURES, l->handle, NULL, 0);
    return;
  default:
    send_data(t, r, l);
  }
}

static void rarely(town *t, resident *r) {
  resident *other = &t->r[vr_random_below(t->radio, HOSTS)];

  switch (vr_random_below(t->radio, 6)) {
  case 0:
    set_up(r);
    vr_run_ms(t->radio, 0);
    forget(r);
    return;
  case 1:
    r->h.t->ops->close(r->h.t);
    forget(r);
    r->plugged = false;
    return;
  case 2:
    aioble_virtual_controller_unplug(r->h.t);
    vr_run_ms(t->radio, 0);
    r->h.t->ops->close(r->h.t);
    forget(r);
    r->plugged = false;
    return;
  case 3:
    aioble_virtual_link_loss(r->h.t, r->links[0].handle);
    return;
  case 4:
    if (r != other)
      assert_int_equal(aioble_virtual_set_in_range(r->h.t, other->h.t, vr_chance(t->radio, 700000)),
                       0);
    return;
  default:
    aioble_virtual_controller_hold(r->h.t, vr_chance(t->radio, 300000));
  }
}

static void act(town *t, resident *r) {
  static const uint8_t on[] = {1}, scan[] = {1, 0}, no_scan[] = {0, 0};

  switch (vr_random_below(t->radio, 60)) {
  case 0:
    rarely(t, r);
    return;
  case 1:
  case 2:
    create(t, r);
    return;
  case 3:
    vr_host_post(&r->h, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0);
    return;
  case 4:
  case 5:
    vr_host_post(&r->h, AB_HCI_LE_SET_ADV_ENABLE, on, sizeof on);
    return;
  case 6:
    vr_host_post(&r->h, AB_HCI_LE_SET_SCAN_ENABLE, scan, sizeof scan);
    return;
  case 7:
    vr_host_post(&r->h, AB_HCI_LE_SET_SCAN_ENABLE, no_scan, sizeof no_scan);
    return;
  default:
    with_a_link(t, r);
  }
}

static void step(town *t) {
  resident *r = &t->r[vr_random_below(t->radio, HOSTS)];

  look_at_all(t);
  if (r->plugged) {
    act(t, r);
  } else if (vr_chance(t->radio, 100000)) {
    vr_host_reopen(&r->h);
    r->plugged = true;
    set_up(r);
  }
  if (vr_chance(t->radio, 500000))
    vr_run_ms(t->radio, vr_random_below(t->radio, 20));
}

/* ---- towns ---- */

static void live(uint64_t seed) {
  const aioble_virtual_options_t options = {
      .seed = seed,
      .timing = seed & 1,
      .faults = {.link_loss_ppm = seed & 2 ? 2000 : 0,
                 .reorder_ppm = seed & 4 ? 300000 : 0,
                 .establish_fail_ppm = seed & 8 ? 100000 : 0},
  };
  const aioble_virtual_controller_options_t o = {.acl_count = BUFFERS,
                                                 .max_links = LINKS,
                                                 .command_count = 16,
                                                 .rx_fragment = seed & 16 ? 13 : 0};
  town t = {.radio = aioble_virtual_radio_new(&options)};

  assert_non_null(t.radio);
  for (int i = 0; i < HOSTS; i++) {
    vr_host_attach(&t.r[i].h, t.radio, &o);
    t.addr[i] = vr_host_addr(&t.r[i].h);
    t.r[i].plugged = true;
    set_up(&t.r[i]);
  }
  for (int i = 0; i < STEPS; i++)
    step(&t);
  assert_true(t.connected > 10);
  assert_true(t.data > 20);
  for (int i = 0; i < HOSTS; i++) {
    const aioble_virtual_stats_t *stats = aioble_virtual_stats(t.r[i].h.t);

    assert_int_equal(stats->acl_violations, 0);
    assert_int_equal(stats->malformed, 0);
    assert_int_equal(stats->commands_unknown, 0);
    vr_host_close(&t.r[i].h);
  }
  vr_expect_idle(t.radio);
  aioble_virtual_radio_free(t.radio, NULL, NULL);
}

static void whatever_happens_the_books_balance(void **state) {
  (void) state;
  for (uint64_t seed = 0; seed < SEEDS; seed++)
    live(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_happens_the_books_balance),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
