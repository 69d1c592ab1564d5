/* SPDX-License-Identifier: MIT */
/*
 * A GATT client and its ATT bearer against a peer that sends anything at any time. The input is a
 * list of steps: one octet says what we do next, or how long the next PDU of the peer is. Whatever
 * was started must end exactly once, what is found must be in order, and nothing may be left.
 */
#include "gatt/gatt_client.h"

#include <stdlib.h>

enum { READS = 4, STEP_PDU = 0xc0 };

typedef struct world {
  ab_env env;
  ab_bufs bufs;
  ab_att att;
  ab_gatt_client client;
  ab_gatt_listener listener;
  ab_gatt_read reads[READS];
  ab_gatt_disc disc;
  ab_att_req write, mtu;
  bool fetching;
  unsigned started, ended; /* requests of ours, those stopped aside */
  uint32_t seen;           /* handles discovered so far are below it */
} world;

static void check(bool ok) {
  if (!ok)
    abort();
}

/* ---- the bearer ---- */

static void take(void *ctx, ab_buf *pdu) {
  world *w = ctx;

  check(pdu->len > 0 && pdu->len <= w->att.mtu);
  ab_buf_finish(pdu, 0);
}

static int answer(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  *handle = ab_rd_le16(pdu);
  (void) ctx;
  if (*handle == 0)
    return AB_ATT_ERR_INVALID_HANDLE;
  if (*handle & 1)
    return AB_ATT_LATER;
  ab_wr_u8(rsp, (uint8_t) (opcode + 1));
  return 0;
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  world *w = ctx;

  ab_gatt_client_rx_value(&w->client, handle, value, len, indication);
}

static void on_mtu(void *ctx, uint16_t mtu) {
  (void) ctx;
  check(mtu >= AB_ATT_MTU_MIN && mtu <= AB_ATT_MTU_MAX);
}

static void on_broken(void *ctx, int status) {
  (void) ctx;
  check(status < 0);
}

static const ab_att_events events = {take, answer, on_value, on_mtu, on_broken};

/* ---- what we do ---- */

static void on_heard(ab_gatt_listener *listener, const uint8_t *value, size_t len,
                     bool indication) {
  (void) indication;
  check(listener->listening);
  check(len <= AB_ATT_MTU_MAX && (len == 0 || value[len - 1] <= 0xff));
}

static void on_closed(ab_gatt_listener *listener, int status) {
  check(!listener->listening && status < 0);
}

static void on_read(ab_gatt_read *read, int status) {
  world *w = ab_container_of(read, world, reads[read->handle]);

  if (status == AIOBLE_EAGAIN) {
    ab_gatt_read_more(read);
    return;
  }
  check((status == 0) == (read->value != NULL));
  check(!read->value || read->value->len <= AB_ATT_VALUE_MAX);
  ab_buf_free(read->value);
  read->value = NULL;
  w->ended++;
}

static void start_read(world *w, unsigned i) {
  if (w->reads[i].req.pending)
    return;
  w->started++;
  ab_gatt_read_start(&w->reads[i], &w->att, (uint16_t) i, on_read);
}

static void stop_read(world *w, unsigned i) {
  if (!w->reads[i].req.pending)
    return;
  ab_gatt_read_stop(&w->reads[i]);
  w->started--;
}

static void on_fetched(ab_gatt_disc *disc) {
  world *w = ab_container_of(disc, world, disc);

  w->fetching = false;
  w->ended++;
}

static void discover(world *w, ab_gatt_disc_kind kind) {
  aioble_uuid_t uuid = aioble_uuid16(0x2800);

  if (w->fetching) {
    ab_gatt_disc_stop(&w->disc);
    w->started--;
  }
  w->fetching = false;
  w->seen = 1;
  ab_gatt_disc_init(&w->disc, &w->att, kind, 1, 0xffff,
                    kind == AB_GATT_SERVICES_BY_UUID ? &uuid : NULL);
}

static void next(world *w) {
  ab_gatt_item item;
  int status;

  while (!w->fetching && (status = ab_gatt_disc_next(&w->disc, &item)) != 0) {
    if (status == 1) {
      check(item.handle >= w->seen && item.last >= item.handle);
      check(!item.value || (item.value > item.handle && item.value <= item.last));
      w->seen = item.handle + 1u;
    } else if (status == AIOBLE_EAGAIN) {
      w->fetching = true;
      w->started++;
      ab_gatt_disc_fetch(&w->disc, on_fetched);
    } else {
      return;
    }
  }
}

static void on_written(ab_att_req *req, int status, ab_rd *pdu) {
  world *w = ab_container_of(req, world, write);

  check(status <= 0 && ab_rd_left(pdu) == 0);
  w->ended++;
}

static void on_exchanged(ab_att_req *req, int status, ab_rd *pdu) {
  (void) status;
  (void) pdu;
  ab_container_of(req, world, mtu)->ended++;
}

static void step(world *w, uint8_t what) {
  static const uint8_t data[30];

  switch (what % 12) {
  case 0:
  case 1:
  case 2:
  case 3:
    start_read(w, what % READS);
    break;
  case 4:
    stop_read(w, what / 12 % READS);
    break;
  case 5:
    discover(w, (ab_gatt_disc_kind) (what / 12 % 4));
    break;
  case 6:
    next(w);
    break;
  case 7:
    if (!w->write.pending)
      w->started += ab_gatt_write(&w->att, &w->write, 3, data, what / 12, on_written) == 0;
    break;
  case 8:
    w->started += ab_att_exchange_mtu(&w->att, &w->mtu, on_exchanged);
    break;
  case 9:
    w->env.now_us += what * 1000000u;
    ab_timers_run(&w->env.timers, w->env.now_us);
    break;
  case 10:
    ab_att_respond_error(&w->att, 1, AB_ATT_ERR_UNLIKELY);
    break;
  default:
    if (w->listener.listening)
      ab_gatt_unlisten(&w->client, &w->listener);
    else
      (void) ab_gatt_listen(&w->client, &w->listener);
  }
}

static world *world_new(void) {
  world *w = calloc(1, sizeof *w);

  check(w != NULL);
  w->env.mem = ab_libc_allocator;
  ab_bufs_init(&w->bufs, &w->env, 8);
  ab_att_init(&w->att, &w->env, &w->bufs, &events, w, AB_ATT_MTU_MAX);
  ab_gatt_client_init(&w->client, &w->att);
  w->listener.handle = 3;
  w->listener.on_value = on_heard;
  w->listener.on_closed = on_closed;
  discover(w, AB_GATT_SERVICES);
  return w;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  ab_rd input = ab_rd_of(bytes, len);
  world *w = world_new();

  while (ab_rd_left(&input) > 0) {
    uint8_t what = ab_rd_u8(&input);

    if (what < STEP_PDU) {
      size_t n = what < ab_rd_left(&input) ? what : ab_rd_left(&input);

      ab_att_rx(&w->att, ab_rd_take(&input, n), n);
    } else {
      step(w, what - STEP_PDU);
    }
  }
  ab_gatt_client_close(&w->client, AIOBLE_ENOTCONN);
  ab_att_close(&w->att, AIOBLE_ENOTCONN);
  ab_timers_run(&w->env.timers, w->env.now_us);
  check(w->started == w->ended);
  check(ab_timers_next(&w->env.timers) == UINT64_MAX);
  ab_bufs_free(&w->bufs);
  free(w);
  return 0;
}
