/* SPDX-License-Identifier: MIT */
/*
 * A GATT client and its ATT bearer against a peer that sends anything at any time. The input is a
 * list of steps: one octet says what we do next, or how long the next PDU of the peer is. Whatever
 * was started must end exactly once, what is found must be in order, and nothing may be left.
 */
#include "gatt/gatt_client.h"

#include <stdlib.h>

enum { READS = 4, RELIABLE = 2, VALUES = 5, STEP_PDU = 0xc0 };

typedef struct world {
  ab_env env;
  ab_bufs bufs;
  ab_att att;
  ab_gatt_client client;
  ab_gatt_listener listener;
  ab_gatt_read reads[READS];
  ab_gatt_read multiple;
  ab_gatt_values *values;
  bool asking; /* for values */
  ab_gatt_reliable reliable[RELIABLE];
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

/* held until time passes, or sent again at once */
static ab_att_verdict on_refused(void *ctx, uint8_t code, bool secured) {
  (void) ctx;
  if (code == AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION)
    return secured ? AB_ATT_REPEATS : AB_ATT_HOLDS;
  return code == AB_ATT_ERR_INSUFFICIENT_ENCRYPTION ? AB_ATT_REPEATS : AB_ATT_ENDS;
}

static const ab_att_events events = {.send = take,
                                     .on_request = answer,
                                     .on_value = on_value,
                                     .on_mtu = on_mtu,
                                     .on_refused = on_refused,
                                     .on_broken = on_broken};

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

static void on_multiple(ab_gatt_read *read, int status) {
  check((status == 0) == (read->value != NULL));
  ab_buf_free(read->value);
  read->value = NULL;
  ab_container_of(read, world, multiple)->ended++;
}

static void read_multiple(world *w) {
  static const uint16_t handles[] = {3, 4, 5};

  if (!w->multiple.req.pending)
    w->started += ab_gatt_read_multiple(&w->multiple, &w->att, handles, 3, on_multiple) == 0;
}

static void on_values(ab_gatt_values *values, int status) {
  world *w = values->ctx;

  if (status == AIOBLE_EAGAIN)
    return;
  for (unsigned i = 0; status == 0 && i < values->n; i++)
    check(values->at[i].value && values->at[i].value->len <= AB_ATT_VALUE_MAX);
  w->asking = false;
  w->ended++;
}

static void stop_values(world *w) {
  if (w->values && w->asking) {
    ab_gatt_values_stop(w->values);
    w->started--;
  }
  w->asking = false;
  ab_gatt_values_free(w->values);
  w->values = NULL;
}

static void start_values(world *w, bool by_uuid) {
  aioble_uuid_t uuid = aioble_uuid16(0x2a6e);

  stop_values(w);
  w->values = ab_gatt_values_new(&w->att, VALUES);
  check(w->values != NULL);
  w->values->ctx = w;
  w->asking = true;
  w->started++;
  if (by_uuid) {
    ab_gatt_values_find(w->values, 1, 0xffff, &uuid, on_values);
    return;
  }
  for (uint16_t i = 0; i < VALUES; i++)
    w->values->at[i].handle = (uint16_t) (3 + i);
  w->values->n = VALUES;
  ab_gatt_values_read(w->values, on_values);
}

static void on_reliable(ab_gatt_reliable *reliable, int status) {
  if (status == AIOBLE_EAGAIN)
    return;
  check(!reliable->parts);
  ab_container_of(reliable->client, world, client)->ended++;
}

static void start_reliable(world *w, ab_gatt_reliable *reliable, size_t len) {
  static const uint8_t data[64];

  if (reliable->parts || !ab_gatt_reliable_init(reliable, &w->client, 2, 2 * len))
    return;
  ab_gatt_reliable_add(reliable, 3, 0, data, len);
  ab_gatt_reliable_add(reliable, 4, 7, data, len);
  w->started += ab_gatt_reliable_start(reliable, on_reliable) == 0;
}

static void stop_reliable(world *w, ab_gatt_reliable *reliable) {
  w->started -= reliable->parts != NULL;
  ab_gatt_reliable_stop(reliable);
}

static void on_fetched(ab_gatt_disc *disc) {
  world *w = ab_container_of(disc, world, disc);

  w->fetching = false;
  w->ended++;
}

static void discover(world *w, ab_gatt_disc_kind kind) {
  aioble_uuid_t uuid = aioble_uuid16(0x2800);
  bool by_uuid = kind == AB_GATT_SERVICES_BY_UUID || kind == AB_GATT_SECONDARY_BY_UUID ||
                 kind == AB_GATT_VALUES;

  if (w->fetching) {
    ab_gatt_disc_stop(&w->disc);
    w->started--;
  }
  w->fetching = false;
  w->seen = 1;
  ab_gatt_disc_init(&w->disc, &w->att, kind, 1, 0xffff, by_uuid ? &uuid : NULL);
}

static void next(world *w) {
  ab_gatt_item item;
  int status;

  while (!w->fetching && (status = ab_gatt_disc_next(&w->disc, &item)) != 0) {
    if (status == 1) {
      check(item.handle >= w->seen && item.last >= (item.value ? item.value : item.handle));
      check(w->disc.kind != AB_GATT_CHARS || item.value > item.handle);
      check(ab_rd_left(&item.data) <= 253);
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
  unsigned which = what / 19;

  switch (what % 19) {
  case 0:
  case 1:
  case 2:
  case 3:
    start_read(w, what % 19);
    break;
  case 4:
    stop_read(w, which);
    break;
  case 5:
    discover(w, (ab_gatt_disc_kind) which);
    break;
  case 6:
    next(w);
    break;
  case 7:
    if (!w->write.pending)
      w->started += ab_gatt_write(&w->att, &w->write, 3, data, 10 * which, on_written) == 0;
    break;
  case 8:
    w->started += ab_att_exchange_mtu(&w->att, &w->mtu, on_exchanged);
    break;
  case 9:
    w->env.now_us += what * 1000000u;
    ab_timers_run(&w->env.timers, w->env.now_us);
    ab_att_secured(&w->att);
    ab_att_release(&w->att, which % 2);
    break;
  case 10:
    ab_att_respond_error(&w->att, 1, AB_ATT_ERR_UNLIKELY);
    break;
  case 11:
    if (w->listener.listening)
      ab_gatt_unlisten(&w->client, &w->listener);
    else
      (void) ab_gatt_listen(&w->client, &w->listener);
    break;
  case 12:
    start_reliable(w, &w->reliable[which % RELIABLE], 0);
    break;
  case 13:
    start_reliable(w, &w->reliable[which % RELIABLE], what);
    break;
  case 14:
    stop_reliable(w, &w->reliable[which % RELIABLE]);
    break;
  case 15:
    start_values(w, which % 2);
    break;
  case 16:
    stop_values(w);
    break;
  case 17:
    read_multiple(w);
    break;
  default:
    discover(w, (ab_gatt_disc_kind) (AB_GATT_INCLUDES + which));
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
  check(!w->reliable[0].parts && !w->reliable[1].parts);
  stop_values(w);
  check(ab_timers_next(&w->env.timers) == UINT64_MAX);
  ab_bufs_free(&w->bufs);
  free(w);
  return 0;
}
