/* SPDX-License-Identifier: MIT */
/*
 * What servers tell. Each server has a characteristic for each client; what it notifies and
 * indicates is numbered. A client that listens gets each once, in order; in the end it has got all
 * that it has confirmed, and all notifications that a controller has taken.
 */
#include "host/host.h"
#include "world.h"

enum { UUID = 0xb003, SHORT_MAX = 20 };

static unsigned who(const w_tell *t) {
  return t->server * 64 + t->client * 8 + 7;
}

static size_t length(unsigned seq) {
  return 2 + seq * 7 % (SHORT_MAX - 1);
}

static w_side *server_of(const w_tell *t) {
  return &t->w->sides[t->server];
}

static w_side *client_of(const w_tell *t) {
  return &t->w->sides[t->client];
}

/* the client has a hook, and this is still the link */
static bool listens(const w_tell *t) {
  const w_side *client = client_of(t);

  return t->listening_on && t->listening_on == client->link[t->server] &&
         aioble_conn_is_connected(client->conns[t->server]);
}

/* ---- the client ---- */

static void on_told(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  w_tell *t = user;
  unsigned seq = world_pattern_seq(value.data, value.len);

  world_called_back(client_of(t), "on_notify");
  W_CHECK(t->w, chr && value.len <= 512, "a notification of nobody");
  world_trace(t->w, "told", (long) t->client, indication, (long) seq);
  if (world_promises(t->w, W_EXACT)) {
    W_CHECK(t->w,
            seq && seq <= t->issued && value.len == length(seq) &&
                world_pattern_is(value.data, value.len, who(t), seq),
            "%u was told what %u did not say", t->client, t->server);
    W_CHECK(t->w, seq > t->seen[indication], "%u was told %u behind %u", t->client, seq,
            t->seen[indication]);
  }
  t->seen[indication] = seq;
  world_act_inside(t->w);
}

void world_tell_gone(w_side *side, unsigned peer, uint16_t first, uint16_t last) {
  w_tell *t = peer < W_STACKS ? &side->w->sides[peer].tells[side->no] : NULL;
  uint16_t handle = t && t->found ? aioble_client_char_handle(t->found) : 0;

  if (!handle || handle < first || handle > last)
    return;
  t->listening_on = 0;
  t->found = aioble_client_char_unref(t->found);
}

static w_tell *some(w_side *side) {
  unsigned peer;

  (void) world_conn(side, &peer);
  return peer < W_STACKS && side->w->sides[peer].tells[side->no].found
             ? &side->w->sides[peer].tells[side->no]
             : NULL;
}

/* the handle is good: what comes is for us */
static void listen(w_tell *t) {
  w_side *client = client_of(t);
  aioble_conn_t *conn = aioble_client_service_conn(aioble_client_char_service(t->found));

  if (conn != client->conns[t->server] || !aioble_conn_is_connected(conn) || listens(t))
    return;
  t->listening_on = client->link[t->server];
  W_CALL(client, aioble_client_char_on_notify(t->found, on_told, t));
}

static void subscribed(w_op *o, int status) {
  w_tell *t = o->what;
  w_side *server = server_of(t);

  if (status < 0 || t->found != o->with)
    return;
  listen(t);
  if (!world_promises(o->w, W_EXACT) || t->asked != o->mark || !listens(t) ||
      !world_other_end(client_of(t), t->server))
    return;
  W_CHECK(o->w, aioble_char_subscribed(t->chr, server->conns[t->client]) == o->seq,
          "%u has subscribed to %u, which does not know", t->client, t->server);
}

void world_subscribe(w_side *side) {
  w_tell *t = some(side);
  unsigned what = world_roll(side->w, 4);
  w_op *o;

  if (!t) {
    world_find(side);
    return;
  }
  t->asked++;
  o = W_PLAY(side, "subscribe", aioble_client_char_subscribe(t->found, what), subscribed);
  if (!o)
    return;
  o->what = t;
  o->with = t->found;
  o->seq = what;
  o->mark = t->asked;
}

/* ---- the server ---- */

static void on_subscribe(aioble_char_t *chr, aioble_conn_t *conn, unsigned what, void *user) {
  w_tell *t = user;

  world_called_back(server_of(t), "on_subscribe");
  W_CHECK(t->w, chr == t->chr && conn && what < 4, "who subscribes?");
  world_act_inside(t->w);
}

static w_tell *told(w_side *side) {
  unsigned peer;

  (void) world_conn(side, &peer);
  return peer < W_STACKS && side->tells[peer].issued + 1 < 0xffff ? &side->tells[peer] : NULL;
}

/* the link from here to the client is the one that the client listens on */
static unsigned heard_on(const w_tell *t) {
  const w_side *server = server_of(t);

  return listens(t) && aioble_conn_is_connected(server->conns[t->client]) ? t->listening_on : 0;
}

/* A client confirms what it has queued, its hook may get it a little later: so this is looked at
   when all is quiet. */
static void taken(w_op *o, int status, bool indication) {
  w_tell *t = o->what;

  if (status < 0 || !o->mark)
    return;
  if (t->taken_on[indication] != o->mark || o->seq > t->taken[indication])
    t->taken[indication] = o->seq;
  t->taken_on[indication] = o->mark;
}

static void notified(w_op *o, int status) {
  taken(o, status, false);
}

static void indicated(w_op *o, int status) {
  taken(o, status, true);
}

static void tell(w_side *side, bool indicate) {
  w_tell *t = told(side);
  uint8_t data[SHORT_MAX];
  aioble_conn_t *conn;
  size_t len;
  w_op *o;

  if (!t)
    return;
  conn = side->conns[t->client];
  len = length(++t->issued);
  world_pattern(data, len, who(t), t->issued);
  if (indicate)
    o = W_PLAY(side, "indicate", aioble_char_indicate(t->chr, conn, data, len), indicated);
  else
    o = W_PLAY(side, "notify", aioble_char_notify(t->chr, conn, data, len), notified);
  if (!o)
    return;
  o->what = t;
  o->seq = t->issued;
  o->mark = heard_on(t);
}

void world_notify(w_side *side) {
  tell(side, false);
}

void world_indicate(w_side *side) {
  tell(side, true);
}

/* to whoever has subscribed, whatever anybody uses */
void world_take_told(w_side *side) {
  uint8_t octet = (uint8_t) world_roll(side->w, 256);

  W_CALL(side, (void) aioble_char_write(side->open, &octet, 1, AIOBLE_SEND_UPDATE));
}

void world_tell_begin(w_side *side) {
  for (unsigned i = 0; i < W_STACKS; i++) {
    w_tell *t = &side->tells[i];

    *t = (w_tell){.w = side->w, .server = side->no, .client = i};
    t->chr = aioble_char_new(side->service, aioble_uuid16((uint16_t) (UUID + i * 16)),
                             AIOBLE_NOTIFY | AIOBLE_INDICATE,
                             &(aioble_char_options_t){.on_subscribe = on_subscribe, .user = t});
  }
}

void world_tell_check(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++)
    for (unsigned j = 0; j < W_STACKS; j++) {
      const w_tell *t = &w->sides[i].tells[j];

      for (unsigned indication = 0; indication < 2; indication++)
        if (t->taken_on[indication] && t->taken_on[indication] == heard_on(t))
          W_CHECK(w, t->seen[indication] >= t->taken[indication], "%u was not told %u by %u", j,
                  t->taken[indication], i);
    }
}
