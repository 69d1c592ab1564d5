/* SPDX-License-Identifier: MIT */
/*
 * A GATT server and its ATT bearer against a client that sends anything at any time. The input is a
 * list of steps: one octet says what happens here, or how long the client's next PDU is. Every
 * request is answered once and by its own response or an error, a command by nothing, and no value
 * gets longer than it may.
 */
#include "gatt/gatt_server.h"
#include <aioble/server.h>

#include <stdlib.h>
#include <string.h>

enum { VALUES = 6, STEP_PDU = 0xc0, STEP_LATE = 0x38, COMMAND_BIT = 0x40 };

typedef struct world {
  ab_env env;
  ab_bufs bufs;
  ab_att att;
  ab_gatt_server server;
  ab_gatt_server_link link;
  ab_gatt_bearer bearer;
  ab_gatt_late late;
  uint8_t late_asked; /* the request that waits for it */
  ab_gatt_value values[VALUES];
  uint8_t asked;    /* the request being answered */
  unsigned answers; /* to it */
  uint8_t hook;     /* what the next hook does */
  bool included;    /* change() has added its services */
} world;

static void check(bool ok) {
  if (!ok)
    abort();
}

static void change(world *w);

/* ---- hooks ---- */

static world *world_of(ab_gatt_server_link *link) {
  return ab_container_of(link, world, link);
}

static void answer_late(world *w, uint8_t code) {
  uint8_t octets[3] = {'n', 'e', 'w'};

  ab_gatt_late_answer(&w->late, code, octets, sizeof octets);
  memset(octets, 0, sizeof octets);
}

static int act(world *w, const ab_gatt_access *access) {
  uint8_t hook = w->hook;

  w->hook = 0;
  if (hook == 1)
    change(w);
  else if (hook == 2)
    ab_gatt_server_link_close(&w->link);
  else if (hook == 3)
    check(ab_gatt_value_put(&w->values[0], &w->env, 0, "refreshed", 9));
  if ((hook == 4 || hook == 5) && access && !(w->asked & COMMAND_BIT)) { /* which has no answer */
    ab_gatt_late_drop(&w->late); /* never two at a time, but for a link that has ended */
    ab_gatt_late_begin(&w->late, access);
    w->late_asked = w->asked;
    if (hook == 5)
      answer_late(w, 0);
    return AB_ATT_LATER;
  }
  return hook > 5 ? hook : 0;
}

static int on_read(ab_gatt_value *value, ab_gatt_access *read) {
  (void) value;
  return act(world_of(read->link), read);
}

static int on_check(ab_gatt_value *value, ab_gatt_access *write) {
  check(write->len <= value->max_len);
  return act(world_of(write->link), write);
}

static void on_written(ab_gatt_value *value, const ab_gatt_access *write) {
  check(value->len >= write->len);
  (void) act(world_of(write->link), NULL);
}

static void on_subscribed(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what) {
  check(value->handle != 0 && what <= 3);
  (void) act(world_of(link), NULL);
}

static const ab_gatt_value_ops ops = {
    .read = on_read, .check = on_check, .written = on_written, .subscribed = on_subscribed};

/* what a last octet of 0 signs is good */
static uint8_t verify(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len) {
  ab_rd r = ab_rd_of(data, len);

  check(world_of(link)->link.server && opcode == AB_ATT_SIGNED_WRITE_CMD);
  check(len >= 2 + AB_ATT_SIGNATURE);
  (void) ab_rd_take(&r, len - 1);
  return ab_rd_u8(&r) == 0;
}

/* ---- the table ---- */

static void install(world *w) {
  static const aioble_uuid_t wide = {16, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  ab_gatt_db *db = ab_gatt_db_new(&w->server);

  check(db != NULL);
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x181a), false, NULL, 0);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a6e), &w->values[0]);
  ab_gatt_db_add_desc(db, &AIOBLE_UUID16(0x2901), &w->values[1]);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a6f), &w->values[2]);
  ab_gatt_db_add_service(db, &wide, false, NULL, 0);
  ab_gatt_db_add_char(db, &wide, &w->values[3]);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a6e), &w->values[4]);
  ab_gatt_db_add_desc(db, &wide, &w->values[5]);
  check(ab_gatt_db_finish(db) == 0);
  check(ab_gatt_server_install(&w->server, db) == 0);
}

/* A service that includes another comes, behind a gap, or goes. */
static void change(world *w) {
  static const char outer[] = "outer", inner[] = "inner", gap[] = "gap";
  ab_gatt_db *db = ab_gatt_db_copy(&w->server);

  check(db != NULL);
  if (w->included) {
    ab_gatt_db_remove_service(db, outer);
    ab_gatt_db_remove_service(db, inner);
  } else {
    ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x180f), true, gap, 1);
    ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x180f), true, inner, 1);
    ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x181b), false, outer, 2);
    ab_gatt_db_add_include(db, inner);
    ab_gatt_db_remove_service(db, gap);
  }
  w->included = !w->included;
  check(ab_gatt_db_finish(db) == 0);
  check(ab_gatt_server_install(&w->server, db) == 0);
}

static void init_values(world *w) {
  static const struct {
    uint8_t props;
    uint16_t max_len;
  } made[VALUES] = {{AIOBLE_READ | AIOBLE_NOTIFY, 20},
                    {AIOBLE_READ, 512},
                    {AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_SIGNED_WRITE, 30},
                    {AIOBLE_WRITE | AIOBLE_INDICATE, 512},
                    {AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY | AIOBLE_INDICATE, 512},
                    {AIOBLE_READ | AIOBLE_WRITE, 3}};

  for (size_t i = 0; i < VALUES; i++) {
    ab_gatt_value_init(&w->values[i], &ops, made[i].props, made[i].max_len);
    check(ab_gatt_value_put(&w->values[i], &w->env, 0, "abc", 3));
  }
  w->values[2].append = true;
  w->values[5].truncate = true;
}

/* ---- the bearer ---- */

static bool of_our_own(uint8_t opcode) {
  return opcode == AB_ATT_NOTIFICATION || opcode == AB_ATT_INDICATION; /* Service Changed */
}

static void take(void *ctx, ab_buf *pdu) {
  ab_rd r = ab_rd_of(pdu->p, pdu->len);
  world *w = ctx;
  uint8_t opcode = ab_rd_u8(&r);

  check(pdu->len > 0 && pdu->len <= w->att.mtu);
  if (opcode == AB_ATT_ERROR_RSP)
    check(pdu->len == 5 && ab_rd_u8(&r) == w->asked);
  else if (!of_our_own(opcode) && opcode != AB_ATT_CONFIRMATION)
    check(opcode == w->asked + 1);
  w->answers += !of_our_own(opcode);
  ab_buf_finish(pdu, 0);
}

static int answer(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  world *w = ctx;

  return ab_gatt_server_request(&w->bearer, opcode, pdu, rsp, handle);
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  (void) ctx, (void) handle, (void) value, (void) len, (void) indication;
}

static void on_mtu(void *ctx, uint16_t mtu) {
  (void) ctx, (void) mtu;
}

static void on_broken(void *ctx, int status) {
  (void) ctx, (void) status;
  abort(); /* memory does not run out here */
}

static const ab_att_events events = {.send = take,
                                     .on_request = answer,
                                     .on_value = on_value,
                                     .on_mtu = on_mtu,
                                     .on_broken = on_broken};

/* ---- steps ---- */

static void reconnect(world *w) {
  ab_gatt_server_link_close(&w->link);
  check(!w->late.request);
  ab_att_close(&w->att, AIOBLE_ENOTCONN);
  ab_att_init(&w->att, &w->env, &w->bufs, &events, w, AB_ATT_MTU_MAX);
  ab_gatt_server_link_open(&w->server, &w->link, &w->att);
  ab_gatt_bearer_open(&w->bearer, &w->link, &w->att);
}

static void settle(world *w, uint8_t code) {
  bool waiting = w->late.request != NULL;

  w->asked = w->late_asked;
  w->answers = 0;
  answer_late(w, code);
  check(w->answers == (waiting && !w->late.request && w->link.server));
}

static void receive(world *w, const uint8_t *pdu, size_t len) {
  ab_rd r = ab_rd_of(pdu, len);

  if (!w->link.server) /* a hook has ended it: another one */
    reconnect(w);
  w->asked = ab_rd_u8(&r);
  w->answers = 0;
  ab_att_rx(&w->att, pdu, len);
  check(w->answers <= 1);
  if (w->asked & COMMAND_BIT || len == 0)
    check(w->answers == 0);
  for (size_t i = 0; i < VALUES; i++)
    check(w->values[i].len <= w->values[i].max_len);
  check(ab_gatt_server_may_send(&w->link) || w->link.features & AB_GATT_ROBUST_CACHING);
}

static void notify(world *w) {
  ab_gatt_value *value = &w->values[4];
  int status = 0;
  ab_buf *pdu = ab_gatt_server_value_pdu(&w->att, AB_ATT_NOTIFICATION, value->handle, value->data,
                                         value->len, &status);

  check(pdu || status == AIOBLE_EMSGSIZE);
  if (pdu)
    ab_att_send(&w->att, pdu);
}

static void step(world *w, uint8_t what) {
  if (what == 0) {
    change(w);
  } else if (what == 1) {
    reconnect(w);
  } else if (what == 2) {
    notify(w);
  } else if (what >= STEP_LATE) {
    settle(w, what & 1 ? 0x80 : 0);
  } else {
    w->hook = what - 2;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  ab_rd input = ab_rd_of(bytes, len);
  world *w = calloc(1, sizeof *w);

  check(w != NULL);
  w->env.mem = ab_libc_allocator;
  ab_bufs_init(&w->bufs, &w->env, 8);
  ab_att_init(&w->att, &w->env, &w->bufs, &events, w, AB_ATT_MTU_MAX);
  check(ab_gatt_server_init(&w->server, &w->env, &w->bufs) == 0);
  w->server.verify = verify;
  init_values(w);
  install(w);
  ab_gatt_server_link_open(&w->server, &w->link, &w->att);
  ab_gatt_bearer_open(&w->bearer, &w->link, &w->att);
  while (ab_rd_left(&input) > 0) {
    uint8_t what = ab_rd_u8(&input);

    if (what < STEP_PDU) {
      size_t n = what < ab_rd_left(&input) ? what : ab_rd_left(&input);

      receive(w, ab_rd_take(&input, n), n);
    } else {
      step(w, what - STEP_PDU);
    }
  }
  ab_gatt_server_link_close(&w->link);
  ab_gatt_server_close(&w->server);
  ab_att_close(&w->att, AIOBLE_ENOTCONN);
  for (size_t i = 0; i < VALUES; i++)
    ab_gatt_value_free(&w->values[i], &w->env);
  ab_bufs_free(&w->bufs);
  free(w);
  return 0;
}
