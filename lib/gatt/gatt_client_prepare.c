/* SPDX-License-Identifier: MIT */
/*
 * Reliable writes (Core Vol 3, Part G, 4.9.4, 4.9.5, 4.12.4; Part F, 3.4.6). One sequence at a
 * time:
 *
 *   IDLE --> PREPARING: Prepare Write of the next octets, as many as the MTU allows, until there
 *                       are no more --> EXECUTING: Execute Write (write) --> IDLE
 *              \--another echo, an error, or its owner has gone--> IDLE
 *   IDLE, and the server holds what is not to be written
 *        --> CANCELLING: Execute Write (cancel) --> IDLE
 *
 * Ordinary requests go in between. What was prepared is cancelled before anything else is prepared,
 * if need be when the next sequence is asked for (no memory for the request).
 */
#include "gatt/gatt_client.h"

enum { EXECUTE_CANCEL = 0, EXECUTE_WRITE = 1 }; /* Part F, 3.4.6.3 */

/* how parts are kept: this in front of the octets of each */
#define PART_LIST(F) F(le16, handle) F(le16, offset) F(le16, len)
AB_WIRE_RECORD(gatt_part, PART_LIST)

void ab_gatt_prepare_init(ab_gatt_prepare *prepare, ab_att *att) {
  *prepare = (ab_gatt_prepare){.att = att};
  ab_list_init(&prepare->waiting);
}

static ab_gatt_reliable *pop(ab_gatt_prepare *p) {
  ab_list *n = ab_list_pop(&p->waiting);

  return n ? ab_container_of(n, ab_gatt_reliable, node) : NULL;
}

static void drop_parts(ab_gatt_reliable *reliable) {
  ab_buf_free(reliable->parts);
  reliable->parts = NULL;
}

static void end(ab_gatt_reliable *reliable, int status) {
  if (!reliable->keeps)
    drop_parts(reliable);
  reliable->fn(reliable, status);
}

/* ---- asking ---- */

static ab_att_req_fn on_response;

static void request(ab_gatt_prepare *p, ab_gatt_prepare_state state, ab_buf *buf, ab_wr *w) {
  if (buf)
    ab_buf_wrote(buf, w);
  p->state = state;
  ab_att_request(p->att, &p->req, buf, on_response);
}

static void execute(ab_gatt_prepare *p, ab_gatt_prepare_state state, uint8_t what) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(p->att, AB_ATT_EXECUTE_WRITE_REQ, &w);

  if (buf)
    ab_wr_u8(&w, what);
  request(p, state, buf, &w);
}

static void prepare_octets(ab_gatt_prepare *p) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(p->att, AB_ATT_PREPARE_WRITE_REQ, &w);
  size_t len;

  if (buf) {
    ab_att_blob_write(&w, &p->at);
    len = ab_rd_left(&p->data) < ab_wr_room(&w) ? ab_rd_left(&p->data) : ab_wr_room(&w);
    p->sent = ab_rd_slice(&p->data, len);
    ab_wr_bytes(&w, p->sent.p, len);
  }
  request(p, AB_GATT_PREPARING, buf, &w);
}

static bool next_part(ab_gatt_prepare *p) {
  ab_gatt_part part;

  if (ab_rd_left(&p->parts) == 0)
    return false;
  ab_gatt_part_read(&p->parts, &part);
  p->at = (ab_att_blob){.handle = part.handle, .offset = part.offset};
  p->data = ab_rd_slice(&p->parts, part.len);
  return true;
}

/* a part may be empty: it is prepared, too */
static void go_on(ab_gatt_prepare *p) {
  if (ab_rd_left(&p->data) > 0 || next_part(p))
    prepare_octets(p);
  else
    execute(p, AB_GATT_EXECUTING, EXECUTE_WRITE);
}

static void begin_next(ab_gatt_prepare *p) {
  if (p->state != AB_GATT_IDLE)
    return;
  if (p->dirty) {
    execute(p, AB_GATT_CANCELLING, EXECUTE_CANCEL);
  } else if ((p->now = pop(p))) {
    p->parts = ab_rd_of(p->now->parts->p, p->now->parts->len);
    p->data = ab_rd_of(NULL, 0);
    go_on(p);
  }
}

/* ---- answers ---- */

/* The server's queue holds something: what it took, or may have; nothing once it was executed,
   whatever came of it (Part F, 3.4.6.3). */
static bool is_dirty(const ab_gatt_prepare *p, ab_gatt_prepare_state state, int status) {
  if (status == AIOBLE_ENOMEM || (state == AB_GATT_PREPARING && AIOBLE_ERR_IS_ATT(status)))
    return p->dirty;
  return state == AB_GATT_PREPARING;
}

static bool echoes(ab_gatt_prepare *p, ab_rd *pdu) {
  ab_att_blob at;

  return ab_att_blob_read(pdu, &at) && at.handle == p->at.handle && at.offset == p->at.offset &&
         ab_rd_equal(pdu, &p->sent);
}

/* 0: go on with it; else how it ends */
static int prepared(ab_gatt_prepare *p, ab_rd *pdu) {
  ab_gatt_reliable *now = p->now;

  if (!now)
    return AIOBLE_ECANCELED;
  if (!echoes(p, pdu))
    return AIOBLE_EPROTO;
  p->at.offset = (uint16_t) (p->at.offset + ab_rd_left(&p->sent));
  now->fn(now, AIOBLE_EAGAIN);
  return p->now ? 0 : AIOBLE_ECANCELED;
}

static void end_all(ab_gatt_prepare *p, int status) {
  ab_gatt_reliable *reliable = p->now;

  p->now = NULL;
  p->dirty = false;
  if (reliable)
    end(reliable, status);
  while ((reliable = pop(p)))
    end(reliable, status);
}

static void on_response(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_prepare *p = ab_container_of(req, ab_gatt_prepare, req);
  ab_gatt_prepare_state state = p->state;
  ab_gatt_reliable *ended;

  if (status == AIOBLE_ENOTCONN || status == AIOBLE_ETIMEDOUT) {
    p->state = AB_GATT_IDLE;
    end_all(p, status);
    return;
  }
  p->dirty = is_dirty(p, state, status);
  if (status == 0 && state == AB_GATT_PREPARING && (status = prepared(p, pdu)) == 0) {
    go_on(p);
    return;
  }
  p->state = AB_GATT_IDLE;
  ended = state == AB_GATT_CANCELLING && status == AIOBLE_ENOMEM ? pop(p) : p->now;
  p->now = NULL;
  if (ended)
    end(ended, status);
  if (status != AIOBLE_ENOMEM || !ab_list_empty(&p->waiting))
    begin_next(p);
}

void ab_gatt_prepare_close(ab_gatt_prepare *prepare, int status) {
  ab_att_detach(&prepare->req);
  prepare->state = AB_GATT_IDLE;
  end_all(prepare, status);
}

/* ---- the owner ---- */

bool ab_gatt_reliable_init(ab_gatt_reliable *reliable, ab_gatt_client *client, size_t n,
                           size_t len) {
  *reliable = (ab_gatt_reliable){.client = client};
  ab_list_init(&reliable->node);
  reliable->parts = ab_buf_new(client->att->bufs, n * ab_gatt_part_size + len);
  return reliable->parts != NULL;
}

void ab_gatt_reliable_add(ab_gatt_reliable *reliable, uint16_t handle, uint16_t offset,
                          const void *data, size_t len) {
  ab_gatt_part part = {.handle = handle, .offset = offset, .len = (uint16_t) len};
  ab_wr w = ab_buf_writer(reliable->parts);

  ab_gatt_part_write(&w, &part);
  ab_wr_bytes(&w, data, len);
  ab_buf_wrote(reliable->parts, &w);
}

int ab_gatt_reliable_start(ab_gatt_reliable *reliable, ab_gatt_reliable_fn *fn) {
  ab_gatt_client *client = reliable->client;

  if (client->closed || client->att->state != AB_ATT_OPEN) {
    drop_parts(reliable);
    return AIOBLE_ENOTCONN;
  }
  reliable->fn = fn;
  ab_list_push(&client->prepare.waiting, &reliable->node);
  begin_next(&client->prepare);
  return 0;
}

/* A request not yet sent is withdrawn; what is on the air is waited for. */
void ab_gatt_reliable_stop(ab_gatt_reliable *reliable) {
  ab_gatt_prepare *p;

  if (!reliable->parts)
    return;
  p = &reliable->client->prepare;
  ab_list_remove(&reliable->node);
  drop_parts(reliable);
  if (p->now != reliable)
    return;
  p->now = NULL;
  if (p->req.buf) {
    ab_att_detach(&p->req);
    p->state = AB_GATT_IDLE;
    begin_next(p);
  }
}
