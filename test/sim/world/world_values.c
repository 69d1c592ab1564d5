/* SPDX-License-Identifier: MIT */
/*
 * Values, and who knows what of them.
 *
 * At each server each client has three attributes that only it writes: one with short writes, one
 * with writes of any length (one at a time), one with commands. What is written is numbered, and
 * its octets follow from the number. So the server's hook knows whether anything came twice, out of
 * order or spoiled; a client that is told "written" finds it stored; a read yields what is stored;
 * and in the end the server's value is what was stored last.
 *
 * Beside them there are attributes that anybody uses anyhow.
 */
#include "host/host.h"
#include "world.h"

#include <string.h>

enum {
  SERVICE = 0x181a,
  OWN = 0xb000,
  TELL = 3,
  OPEN = 0x2a6e,
  CAPTURED = 0x2a6f,
  SECRET = 0xbf00
};
enum { FOREIGN = 0x80, REFUSED = 0x81, SHORT_MAX = 20, LONG_MAX = 512 };

static unsigned who(const w_attr *a) {
  return a->server * 64 + a->client * 8 + a->kind;
}

static size_t length(const w_attr *a, unsigned seq) {
  unsigned mix = (seq * 7919 + who(a) * 31) >> 2;

  return 2 + mix % (a->kind == W_LONG ? LONG_MAX - 1u : SHORT_MAX - 1u);
}

static bool is_value(const w_attr *a, unsigned seq, aioble_bytes_t value) {
  return seq == 0
             ? value.len == 0
             : value.len == length(a, seq) && world_pattern_is(value.data, value.len, who(a), seq);
}

/* What a hook has agreed to may not have been stored, if there was no memory for it. */
static void look(w_attr *a) {
  aioble_bytes_t value = aioble_char_read(a->chr);
  bool poor = a->w->kind->troubles & W_NO_MEMORY;

  if (poor && a->stored != a->before && !is_value(a, a->stored, value)) {
    a->fate[a->stored] = W_REFUSED;
    a->stored = a->before;
  }
  W_CHECK(a->w, is_value(a, a->stored, value), "the value that %u has at %u, kind %u, is not %u",
          a->client, a->server, a->kind, a->stored);
  a->before = a->stored;
}

/* from now on, if all goes well */
static void store(w_attr *a, unsigned seq) {
  a->fate[seq] = W_STORED;
  a->stored = seq;
}

/* ---- the server ---- */

/* an answer that is owed; the one in its place is given */
static int owe(world *w, aioble_access_t *access, w_attr *a, unsigned seq) {
  unsigned at = world_roll(w, W_KEPT);
  aioble_answer_t *answer = aioble_access_later(access);

  if (!answer)
    return 0;
  world_answer(w, at, world_roll(w, 2));
  w->answers[at] = answer;
  w->owed[at] = a;
  w->owed_seq[at] = seq;
  return AIOBLE_ANSWER_LATER;
}

void world_answer(world *w, unsigned at, bool refuse) {
  aioble_answer_t *answer = w->answers[at];
  w_attr *a = w->owed[at];
  unsigned seq = w->owed_seq[at], before = 0;
  int status;

  w->answers[at] = NULL;
  w->owed[at] = NULL;
  if (!answer)
    return;
  if (a) { /* before the answer, which may have the next request come */
    look(a);
    a->looks++;
    before = a->stored;
    a->fate[seq] = W_REFUSED;
    if (!refuse)
      store(a, seq);
  }
  status = aioble_answer(answer, refuse ? REFUSED : 0, NULL, 0);
  world_trace(w, "answer", (long) seq, refuse, status);
  if (status < 0 && a) {
    a->fate[seq] = W_REFUSED;
    a->stored = before;
  }
}

/* Who has not heard of a change of the table may send commands, which are then ignored (Core Vol 3,
   Part G, 2.5.2.1). */
static bool counts_commands(const w_attr *a) {
  return a->kind == W_COMMAND && a->w->sides[a->server].changes == 0 &&
         a->sent_on == a->w->sides[a->client].link[a->server];
}

static void came(w_attr *a, unsigned seq, const aioble_access_t *access) {
  W_CHECK(a->w, seq > 0 && seq <= a->issued, "value %u: nobody has written that", seq);
  W_CHECK(a->w, is_value(a, seq, access->value),
          "value %u of %u to %u, kind %u, is spoiled: %zu octets instead of %zu", seq, a->client,
          a->server, a->kind, access->value.len, length(a, seq));
  W_CHECK(a->w, a->fate[seq] == W_UNKNOWN, "value %u came twice", seq);
  W_CHECK(a->w, access->command == (a->kind == W_COMMAND), "a write came in another way");
  W_CHECK(a->w, a->kind == W_LONG || seq > a->seen, "value %u came behind %u", seq, a->seen);
  W_CHECK(a->w, !counts_commands(a) || a->sent <= a->seen || a->sent >= seq, "command %u was lost",
          a->sent);
}

static int on_own_write(aioble_access_t *access, void *user) {
  w_attr *a = user;
  world *w = a->w;
  unsigned seq = world_pattern_seq(access->value.data, access->value.len), fate;
  int code = 0;

  world_called_back(&w->sides[a->server], "on_write");
  if (world_peer_of(&w->sides[a->server], access->conn) != a->client)
    return FOREIGN;
  if (!world_promises(w, W_EXACT))
    return world_roll(w, 8) ? 0 : REFUSED;
  look(a);
  came(a, seq, access);
  w->options->figures->writes++;
  fate = world_roll(w, 8);
  if (fate == 0)
    code = REFUSED;
  else if (fate == 1)
    code = owe(w, access, a, seq);
  a->looks++;
  a->seen = seq;
  a->fate[seq] = code == REFUSED ? W_REFUSED : W_OWED;
  if (code == 0)
    store(a, seq);
  return code;
}

static int on_read(aioble_access_t *access, void *user) {
  w_side *side = user;

  world_called_back(side, "on_read");
  W_CHECK(side->w, access->chr && access->conn && !access->value.data, "what is read?");
  world_act_inside(side->w);
  if (world_roll(side->w, 5) == 0)
    return owe(side->w, access, NULL, 0);
  return world_roll(side->w, 10) ? 0 : FOREIGN;
}

static int on_write(aioble_access_t *access, void *user) {
  w_side *side = user;

  world_called_back(side, "on_write");
  W_CHECK(side->w, access->chr && access->conn && access->value.len <= 512, "what is written?");
  world_act_inside(side->w);
  if (world_roll(side->w, 5) == 0)
    return owe(side->w, access, NULL, 0);
  return world_roll(side->w, 10) ? 0 : FOREIGN;
}

static int on_secret(aioble_access_t *access, void *user) {
  w_side *side = user;

  world_called_back(side, "on_read");
  W_CHECK(side->w, aioble_conn_security(access->conn).encrypted, "a secret is told in clear");
  return 0;
}

static void own_begin(w_side *side, unsigned client) {
  static const unsigned flags[] = {AIOBLE_READ | AIOBLE_WRITE, AIOBLE_READ | AIOBLE_WRITE,
                                   AIOBLE_READ | AIOBLE_WRITE_NO_RSP};

  for (unsigned kind = 0; kind < W_ATTRS; kind++) {
    w_attr *a = &side->attrs[client][kind];
    aioble_uuid_t uuid = aioble_uuid16((uint16_t) (OWN + client * 16 + kind));

    *a = (w_attr){.w = side->w, .server = side->no, .client = client, .kind = kind};
    a->chr = aioble_char_new(side->service, uuid, flags[kind],
                             &(aioble_char_options_t){.on_write = on_own_write, .user = a});
    W_CHECK(side->w, a->chr, "no memory for a characteristic");
  }
}

void world_values_begin(w_side *side) {
  aioble_char_options_t open = {.on_read = on_read, .on_write = on_write, .user = side};
  aioble_char_options_t captured = {
      .capture = true, .capture_depth = 1, .on_write = on_write, .user = side};
  aioble_char_options_t secret = {
      .read_security = AIOBLE_SECURITY_ENCRYPTED, .on_read = on_secret, .user = side};
  unsigned all = AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE;

  side->service = aioble_service_new(side->ble, AIOBLE_UUID16(SERVICE));
  for (unsigned i = 0; i < W_STACKS; i++)
    own_begin(side, i);
  side->open = aioble_char_new(side->service, AIOBLE_UUID16(OPEN), all, &open);
  side->captured = aioble_char_new(side->service, AIOBLE_UUID16(CAPTURED),
                                   AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP, &captured);
  side->secret = aioble_char_new(side->service, AIOBLE_UUID16(SECRET), AIOBLE_READ, &secret);
}

void world_values_end(w_side *side) {
  for (unsigned i = 0; i < W_STACKS; i++) {
    for (unsigned kind = 0; kind < W_ATTRS; kind++)
      aioble_client_char_unref(side->attrs[i][kind].found);
    aioble_client_char_unref(side->tells[i].found);
  }
  for (unsigned i = 0; i < W_PEERS; i++)
    aioble_client_service_unref(side->main[i]);
  for (unsigned i = 0; i < W_KEPT; i++)
    aioble_client_char_unref(side->found[i]);
  aioble_service_unref(side->service);
}

void world_answer_one(w_side *side) {
  world_answer(side->w, world_roll(side->w, W_KEPT), world_roll(side->w, 4) == 0);
}

void world_take(w_side *side) {
  W_PLAY(side, "written", aioble_char_written(side->captured), NULL);
}

/* ---- what must be in the end ---- */

static void check_value(w_attr *a) {
  w_side *server = &a->w->sides[a->server], *client = &a->w->sides[a->client];

  look(a);
  if (counts_commands(a) && aioble_conn_is_connected(client->conns[a->server]) &&
      world_other_end(client, a->server))
    W_CHECK(a->w, a->seen >= a->sent, "command %u of %u to %u did not arrive", a->sent, a->client,
            server->no);
}

void world_values_check(world *w) {
  for (unsigned i = 0; i < W_STACKS && world_promises(w, W_EXACT); i++)
    for (unsigned j = 0; j < W_STACKS; j++)
      for (unsigned kind = 0; kind < W_ATTRS; kind++)
        check_value(&w->sides[i].attrs[j][kind]);
}

/* ---- the client: discovery ---- */

static void main_found(w_op *o, int status) {
  w_side *side = &o->w->sides[o->at];

  if (status < 0)
    return;
  aioble_client_service_unref(side->main[o->seq]);
  side->main[o->seq] = aioble_client_service_ref(aioble_op_service(o->op));
}

static void char_found(w_op *o, int status) {
  aioble_client_char_t **place = o->what;

  if (status < 0)
    return;
  aioble_client_char_unref(*place);
  *place = aioble_client_char_ref(aioble_op_char(o->op));
}

/* where the handle of some characteristic of that peer is to be kept, and its UUID */
static aioble_client_char_t **wanted(w_side *side, unsigned peer, unsigned *uuid) {
  static const unsigned anybodys[] = {OPEN, CAPTURED, SECRET};
  unsigned kind = world_roll(side->w, 7);
  w_side *server = peer < W_STACKS ? &side->w->sides[peer] : NULL;

  *uuid = OWN + side->no * 16 + kind;
  if (server && kind < W_ATTRS)
    return &server->attrs[side->no][kind].found;
  if (server && kind == TELL)
    return &server->tells[side->no].found;
  *uuid = anybodys[kind % 3];
  return &side->found[world_roll(side->w, W_KEPT)];
}

void world_find(w_side *side) {
  unsigned peer, uuid;
  aioble_conn_t *conn = world_conn(side, &peer);
  aioble_client_service_t *service = side->main[peer];
  aioble_client_char_t **place;
  w_op *o;

  if (!service || aioble_client_service_conn(service) != conn) {
    o = W_PLAY(side, "find service", aioble_conn_service(conn, AIOBLE_UUID16(SERVICE)), main_found);
    if (o)
      o->seq = peer;
    return;
  }
  place = wanted(side, peer, &uuid);
  o = W_PLAY(side, "find characteristic",
             aioble_client_service_char(service, aioble_uuid16((uint16_t) uuid)), char_found);
  if (o)
    o->what = place;
}

/* ---- the client: what it owns ---- */

/* an attribute of ours, somewhere, that was found; or NULL */
static w_attr *own(w_side *side) {
  unsigned peer;

  (void) world_conn(side, &peer);
  for (unsigned i = 0, kind = world_roll(side->w, W_ATTRS); i < W_ATTRS && peer < W_STACKS; i++) {
    w_attr *a = &side->w->sides[peer].attrs[side->no][(kind + i) % W_ATTRS];

    if (a->found)
      return a;
  }
  return NULL;
}

/* the number of the link that a handle is of; 0: of none that we know */
static unsigned link_of(const w_side *side, unsigned peer, const aioble_client_char_t *chr) {
  aioble_conn_t *conn = aioble_client_service_conn(aioble_client_char_service(chr));

  return conn == side->conns[peer] ? side->link[peer] : 0;
}

static void wrote(w_op *o, int status) {
  w_attr *a = o->what;

  a->busy -= a->kind == W_LONG;
  if (!world_promises(o->w, W_EXACT))
    return;
  if (status == AIOBLE_ERR_ATT(REFUSED))
    W_CHECK(o->w, a->fate[o->seq] == W_REFUSED, "value %u was not refused", o->seq);
  if (status != 0)
    return;
  if (a->kind != W_COMMAND) {
    look(a);
    W_CHECK(o->w, a->fate[o->seq] == W_STORED, "value %u of %u to %u is acknowledged, not written",
            o->seq, a->client, a->server);
  } else if (o->mark && (a->sent_on != o->mark || o->seq > a->sent)) {
    a->sent = o->seq;
    a->sent_on = o->mark;
  }
}

void world_write(w_side *side) {
  w_attr *a = own(side);
  uint8_t data[LONG_MAX];
  unsigned seq;
  size_t len;
  w_op *o;

  if (!a || a->issued + 1 == W_SEQS || a->busy || side->w->n_ops == W_OPS) {
    world_find(side);
    return;
  }
  seq = ++a->issued;
  len = length(a, seq);
  world_pattern(data, len, who(a), seq);
  o = W_PLAY(side, "write",
             aioble_client_char_write(a->found, data, len,
                                      a->kind == W_COMMAND ? AIOBLE_WRITE_NO_RESPONSE
                                                           : AIOBLE_WRITE_REQUEST),
             wrote);
  o->what = a;
  o->each = true;
  o->seq = seq;
  o->mark = link_of(side, a->server, a->found);
  a->busy += a->kind == W_LONG && !o->calls;
}

static void has_read(w_op *o, int status) {
  w_attr *a = o->what;
  aioble_bytes_t value = aioble_op_value(o->op);
  unsigned seq = world_pattern_seq(value.data, value.len);

  if (status < 0 || !world_promises(o->w, W_EXACT))
    return;
  look(a);
  if (o->mark == a->looks)
    W_CHECK(o->w, is_value(a, a->stored, value), "read %u of %u at %u, stored is %u", seq,
            a->client, a->server, a->stored);
  else if (a->kind != W_LONG)
    W_CHECK(o->w, seq <= a->issued && is_value(a, seq, value), "nobody has written what is read");
}

void world_read(w_side *side) {
  w_attr *a = own(side);
  w_op *o;

  if (!a) {
    world_find(side);
    return;
  }
  o = W_PLAY(side, "read", aioble_client_char_read(a->found), has_read);
  if (!o)
    return;
  o->what = a;
  o->each = true;
  o->mark = a->looks;
}

/* ---- the client: anybody's ---- */

static aioble_client_char_t *any(w_side *side) {
  aioble_client_char_t *chr = NULL;

  for (int i = 0; i < 6 && !chr; i++)
    chr = side->found[world_roll(side->w, W_KEPT)];
  return chr;
}

static void on_any(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  w_side *side = user;

  (void) indication;
  world_called_back(side, "on_notify");
  W_CHECK(side->w, chr && value.len <= 512, "a notification of nobody");
  world_act_inside(side->w);
}

/* these have a time limit for each of their requests */
static void each(w_op *o) {
  if (o)
    o->each = true;
}

static void use_several(w_side *side) {
  static const uint8_t octets[60];
  world *w = side->w;
  aioble_client_char_t *chr = any(side), *both[] = {chr, any(side)};
  aioble_conn_t *conn = aioble_client_service_conn(aioble_client_char_service(chr));
  aioble_write_t writes[] = {{.chr = chr, .data = octets, .len = world_roll(w, 60)},
                             {.chr = both[1], .data = octets, .len = world_roll(w, 30)}};

  switch (world_roll(w, 5)) {
  case 0:
    each(W_PLAY(side, "write reliably", aioble_conn_write_reliable(conn, writes, 2), NULL));
    break;
  case 1:
    each(W_PLAY(side, "read multiple", aioble_client_read_multiple(both, 2), NULL));
    break;
  case 2:
    each(W_PLAY(side, "read variable", aioble_client_read_multiple_variable(both, 2), NULL));
    break;
  case 3:
    each(W_PLAY(side, "read by UUID", aioble_conn_read_by_uuid(conn, AIOBLE_UUID16(OPEN)), NULL));
    break;
  default:
    W_CALL(side, (void) aioble_client_char_try_write(chr, octets, world_roll(w, 60)));
  }
}

void world_use_any(w_side *side) {
  world *w = side->w;
  aioble_client_char_t *chr = any(side);
  static const uint8_t octets[60];
  size_t len = world_roll(w, 60);

  switch (world_roll(w, 8)) {
  case 0:
    each(W_PLAY(side, "read any", aioble_client_char_read(chr), NULL));
    break;
  case 1:
    each(W_PLAY(side, "write any", aioble_client_char_write(chr, octets, len, AIOBLE_WRITE_REQUEST),
                NULL));
    break;
  case 2:
    W_PLAY(side, "command any",
           aioble_client_char_write(chr, octets, len, AIOBLE_WRITE_NO_RESPONSE), NULL);
    break;
  case 3:
    W_PLAY(side, "subscribe any", aioble_client_char_subscribe(chr, world_roll(w, 4)), NULL);
    break;
  case 4:
    W_CALL(side, aioble_client_char_on_notify(chr, world_roll(w, 2) ? on_any : NULL, side));
    break;
  case 5:
    W_PLAY(side, "notified", aioble_client_char_notified(chr), NULL);
    break;
  default:
    use_several(side);
  }
}
