/* SPDX-License-Identifier: MIT */
/*
 * Attribute tables: services come and go, and a survey finds all characteristics of a peer's
 * primary services, one after the other. If the table did not change meanwhile it finds those there
 * are, each at its handle.
 */
#include "host/host.h"
#include "world.h"

#include <stdlib.h>

enum { EXTRA = 0xa000, EXTRA_CHAR = 0x2a19, OLD_NEWS_US = 5000000 };

/* ---- the server ---- */

static void changed(w_side *side, int status) {
  if (status < 0)
    return;
  side->changes++;
  side->changed_us = aioble_virtual_now_us(side->w->s.radio);
}

/* the next one that is not there; the last one goes first; or the same table anew, without extras
 */
void world_change_table(w_side *side) {
  unsigned there = 0, what = world_roll(side->w, 5);
  int status;

  if (side->w->still)
    return;
  while (there < W_EXTRAS && aioble_char_handle(side->extra_chars[there]))
    there++;
  if (what == 0)
    W_CALL(side, status = aioble_register_services(side->ble, &side->service, 1));
  else if (what < 3 && there > 0)
    W_CALL(side, status = aioble_service_remove(side->extras[there - 1]));
  else
    W_CALL(side, status = aioble_service_add(side->extras[there % W_EXTRAS]));
  world_trace(side->w, "table", (long) side->no, (long) side->changes, status);
  changed(side, status);
}

void world_tables_begin(w_side *side) {
  for (unsigned n = 0; n < W_EXTRAS; n++) {
    aioble_uuid_t uuid = aioble_uuid16((uint16_t) (EXTRA + n));

    side->extras[n] =
        n ? aioble_service_new(side->ble, uuid) : aioble_service_new_secondary(side->ble, uuid);
    side->extra_chars[n] = aioble_char_new(side->extras[n], AIOBLE_UUID16(EXTRA_CHAR),
                                           AIOBLE_READ | AIOBLE_NOTIFY, NULL);
    if (n)
      W_CHECK(side->w, aioble_service_include(side->extras[n], side->extras[n - 1]) == 0,
              "an include is refused");
  }
  W_CHECK(side->w, aioble_register_services(side->ble, &side->service, 1) == 0,
          "the services are refused");
}

void world_tables_end(w_side *side) {
  for (unsigned n = 0; n < W_EXTRAS; n++)
    aioble_service_unref(side->extras[n]);
}

/* ---- a survey ---- */

typedef struct survey {
  w_side *side;
  unsigned peer, changes;
  aioble_conn_t *conn;
  aioble_discovery_t *services, *chars;
  uint64_t found; /* a sum of what each characteristic is and where */
  unsigned n;
} survey;

static uint64_t worth(aioble_uuid_t uuid, unsigned handle) {
  return (uuid.bytes[0] + 256u * uuid.bytes[1] + 65536ull * handle) * 0x9e3779b97f4a7c15u >> 8;
}

/* GAP and GATT have others */
static bool is_ours(aioble_uuid_t uuid) {
  unsigned n = uuid.size == 2 ? uuid.bytes[0] + 256u * uuid.bytes[1] : 0;

  return n >= EXTRA || n == EXTRA_CHAR || n == 0x2a6e || n == 0x2a6f;
}

static void count(uint64_t *sum, unsigned *n, const aioble_char_t *chr) {
  if (!aioble_char_handle(chr))
    return;
  *sum += worth(aioble_char_uuid(chr), aioble_char_handle(chr));
  ++*n;
}

static uint64_t there_is(const w_side *server, unsigned *n) {
  uint64_t sum = 0;

  *n = 0;
  for (unsigned i = 0; i < W_STACKS; i++) {
    for (unsigned kind = 0; kind < W_ATTRS; kind++)
      count(&sum, n, server->attrs[i][kind].chr);
    count(&sum, n, server->tells[i].chr);
  }
  count(&sum, n, server->open);
  count(&sum, n, server->captured);
  count(&sum, n, server->secret);
  for (unsigned i = 1; i < W_EXTRAS; i++) /* the first is secondary */
    count(&sum, n, server->extra_chars[i]);
  return sum;
}

/* Who remembers tables is told of changes, which may take as long as a host is slow. */
static bool may_judge(const survey *v) {
  world *w = v->side->w;
  const w_side *server = &w->sides[v->peer];

  if (!world_promises(w, W_EXACT) || server->changes != v->changes)
    return false;
  return (!v->side->remembers && !aioble_conn_security(v->conn).bonded) ||
         (!w->kind->trouble_every &&
          aioble_virtual_now_us(w->s.radio) - server->changed_us > OLD_NEWS_US);
}

static void judge(const survey *v) {
  unsigned n;
  uint64_t sum;

  if (v->peer == W_STACKS || !may_judge(v))
    return;
  sum = there_is(&v->side->w->sides[v->peer], &n);
  W_CHECK(v->side->w, n == v->n && sum == v->found,
          "%u found %u characteristics at %u, which has %u, or others", v->side->no, v->n, v->peer,
          n);
}

static void survey_free(survey *v) {
  aioble_discovery_unref(v->services);
  aioble_discovery_unref(v->chars);
  aioble_conn_unref(v->conn);
  free(v);
}

static void next(survey *v);

static void has_char(w_op *o, int status) {
  survey *v = o->what;
  aioble_client_char_t *chr = aioble_op_char(o->op);

  if (status == AIOBLE_EOF) {
    v->chars = aioble_discovery_unref(v->chars);
  } else if (status < 0) {
    survey_free(v);
    return;
  } else if (is_ours(aioble_client_char_uuid(chr))) {
    v->found += worth(aioble_client_char_uuid(chr), aioble_client_char_handle(chr));
    v->n++;
  }
  next(v);
}

static void has_service(w_op *o, int status) {
  survey *v = o->what;

  if (status == AIOBLE_EOF)
    judge(v);
  if (status < 0) {
    survey_free(v);
    return;
  }
  W_CALL(v->side, v->chars = aioble_client_service_chars(aioble_op_service(o->op), NULL));
  if (v->chars)
    next(v);
  else
    survey_free(v); /* no memory */
}

static void next(survey *v) {
  w_op *o;

  if (v->chars)
    o = W_PLAY(v->side, "survey characteristics", aioble_discovery_next(v->chars), has_char);
  else
    o = W_PLAY(v->side, "survey services", aioble_discovery_next(v->services), has_service);
  if (o && !o->calls)
    o->what = v;
  else
    survey_free(v);
}

void world_discover(w_side *side) {
  unsigned peer;
  aioble_conn_t *conn = world_conn(side, &peer);
  survey *v = calloc(1, sizeof *v);

  W_CHECK(side->w, v, "out of memory");
  *v = (survey){.side = side, .peer = peer, .conn = aioble_conn_ref(conn)};
  if (peer < W_STACKS)
    v->changes = side->w->sides[peer].changes;
  W_CALL(side, v->services = aioble_conn_services(conn, NULL));
  next(v);
}
