/* SPDX-License-Identifier: MIT */
/*
 * Discovery as iterators (include/aioble/client.h). An iterator asks the peer only when somebody
 * waits for the next item and none is held; then
 *
 *   op waits --(item held)--> handle made, op settles
 *            --(none held)--> one request for all who wait --> again from the top
 *
 * An op that is cancelled or times out only stops waiting: the response still comes to the
 * iterator.
 *
 * Where items come from (host/host_cache.c says whether the cache may be used):
 *
 *   begin ----no cache--> from_peer
 *         \---cache----> from_cache --it does not know--> learn --there are no more, or the table
 *                              ^                             |     has changed--\
 *                              \---------------------------------------------------/
 */
#include "api/api_client.h"
#include "api/op_peer.h"
#include "host/host.h"

struct aioble_discovery {
  aioble_conn_t *conn; /* a reference */
  uint32_t refs;
  aioble_client_service_t *service; /* a reference, of characteristics and includes */
  aioble_client_char_t *chr;        /* a reference, of descriptors */
  ab_gatt_disc_kind kind;
  /* The next item: 1, and it is in d->item; 0: there are no more; an error; AIOBLE_EAGAIN: call it
     again, if d->fetching later */
  int (*next)(aioble_discovery_t *d);
  ab_gatt_disc disc;
  ab_gatt_item item;
  bool have_item; /* … which nobody has got yet */
  bool fetching;
  ab_list waiting; /* next_op */

  /* of one that uses the cache */
  ab_cache_wait check;
  ab_gatt_unit unit;
  aioble_uuid_t uuid; /* wanted; size 0: all */
  uint32_t from;      /* the first handle not yet seen */
  ab_gatt_ask ask;    /* what the peer is being asked */
  bool out_of_sync;   /* it was asked again, since nothing else has come */
};

/* of a NULL handle */
static const aioble_discovery_t nowhere;

typedef struct next_op {
  ab_peer_op p;
  ab_list node;
  aioble_discovery_t *discovery; /* a reference */
  int none;                      /* the status when there is no more */
} next_op;

aioble_discovery_t *aioble_discovery_ref(aioble_discovery_t *discovery) {
  if (discovery && discovery != &nowhere)
    discovery->refs++;
  return discovery;
}

aioble_discovery_t *aioble_discovery_unref(aioble_discovery_t *discovery) {
  aioble_conn_t *conn;

  if (!discovery || discovery == &nowhere || --discovery->refs > 0)
    return NULL;
  conn = discovery->conn;
  ab_gatt_disc_stop(&discovery->disc);
  ab_list_remove(&discovery->check.node);
  aioble_client_char_unref(discovery->chr);
  aioble_client_service_unref(discovery->service);
  ab_free(&conn->ble->env, discovery);
  aioble_conn_unref(conn);
  return NULL;
}

/* ---- one by one ---- */

static void end_next(aioble_op_t *op, int why) {
  ab_list_remove(&ab_container_of(op, next_op, p.op)->node);
  ab_op_settle(op, why);
}

static void release_next(aioble_op_t *op) {
  aioble_discovery_unref(ab_container_of(op, next_op, p.op)->discovery);
  ab_peer_op_release(op);
}

static const ab_op_kind next_kind = {"discovery", sizeof(next_op), 2000, end_next, release_next};

static void *make_service(const aioble_discovery_t *d) {
  return ab_client_service_new(d->conn, &d->item);
}

static void *make_include(const aioble_discovery_t *d) {
  ab_gatt_item item = d->item;

  item.handle = item.value;
  return ab_client_service_new(d->conn, &item);
}

static void *make_char(const aioble_discovery_t *d) {
  return ab_client_char_new(d->service, &d->item);
}

static void *make_desc(const aioble_discovery_t *d) {
  return ab_client_desc_new(d->chr, &d->item);
}

typedef struct handle_kind {
  void *(*make)(const aioble_discovery_t *d);
  void (*put)(void *handle);
} handle_kind;

static const handle_kind handles[] = {
    [AB_GATT_SERVICES] = {make_service, ab_client_service_put},
    [AB_GATT_SERVICES_BY_UUID] = {make_service, ab_client_service_put},
    [AB_GATT_SECONDARY] = {make_service, ab_client_service_put},
    [AB_GATT_SECONDARY_BY_UUID] = {make_service, ab_client_service_put},
    [AB_GATT_INCLUDES] = {make_include, ab_client_service_put},
    [AB_GATT_CHARS] = {make_char, ab_client_char_put},
    [AB_GATT_DESCS] = {make_desc, ab_client_desc_put},
};

/* the item as a handle, given to the op; false: out of memory */
static bool give(aioble_op_t *op, const aioble_discovery_t *d) {
  const handle_kind *kind = &handles[d->kind];
  void *handle = kind->make(d);

  if (handle)
    ab_op_take_handle(op, handle, kind->put);
  return handle != NULL;
}

static void settle_next(aioble_discovery_t *d, next_op *waiting, int status) {
  ab_list_remove(&waiting->node);
  if (status == 1) {
    d->have_item = !give(&waiting->p.op, d); /* it is still there for the next try */
    status = d->have_item ? AIOBLE_ENOMEM : 0;
  } else if (status == 0) {
    status = waiting->none;
  }
  ab_peer_op_settle(&waiting->p, status);
}

/* its service is not where it was */
static bool is_gone(const aioble_discovery_t *d) {
  const aioble_client_service_t *within = d->chr ? d->chr->service : d->service;

  return within && within->gone;
}

static int next_item(aioble_discovery_t *d) {
  int status;

  if (is_gone(d))
    return AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC);
  if (d->have_item)
    return 1;
  do
    status = d->next(d);
  while (status == AIOBLE_EAGAIN && !d->fetching);
  return status;
}

static void serve(aioble_discovery_t *d) {
  ab_list *n;
  int status;

  aioble_discovery_ref(d); /* the ops may hold the last references */
  while (!d->fetching && (n = ab_list_first(&d->waiting))) {
    status = next_item(d);
    if (status != AIOBLE_EAGAIN)
      settle_next(d, ab_container_of(n, next_op, node), status);
  }
  aioble_discovery_unref(d);
}

static void on_fetched(ab_gatt_disc *disc) {
  aioble_discovery_t *d = ab_container_of(disc, aioble_discovery_t, disc);

  d->fetching = false;
  serve(d);
}

/* ---- from the peer ---- */

static int from_peer(aioble_discovery_t *d) {
  int found = ab_gatt_disc_next(&d->disc, &d->item);

  if (found == AIOBLE_EAGAIN) {
    d->fetching = true;
    ab_gatt_disc_fetch(&d->disc, on_fetched);
  }
  return found;
}

/* ---- from the cache, which learns what it does not know ---- */

static int from_cache(aioble_discovery_t *d);

static void on_checked(ab_cache_wait *wait) {
  aioble_discovery_t *d = ab_container_of(wait, aioble_discovery_t, check);

  d->fetching = false;
  serve(d);
}

/* 0: it is known whether the cache may be used; EAGAIN: on_checked() follows; ENOTCONN */
static int wait_for_check(aioble_discovery_t *d) {
  if (d->conn->att.state != AB_ATT_OPEN)
    return AIOBLE_ENOTCONN;
  d->fetching = ab_host_cache_wait(d->conn, &d->check, on_checked);
  return d->fetching ? AIOBLE_EAGAIN : 0;
}

/* the last handle that the item is all about */
static uint16_t reach_of(const aioble_discovery_t *d) {
  return d->unit.kind <= AB_GATT_CACHE_SECONDARY ? d->item.last
         : d->unit.kind == AB_GATT_CACHE_CHAR    ? d->item.value
                                                 : d->item.handle;
}

static bool is_wanted(const aioble_discovery_t *d) {
  return !d->uuid.size || aioble_uuid_equal(&d->item.uuid, &d->uuid);
}

/* the peer does not answer from where we ask, until we know that its table has changed: once */
static bool asks_again(aioble_discovery_t *d, int status) {
  bool again = status == AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC) && !d->out_of_sync;

  d->out_of_sync = again;
  return again;
}

static int learn(aioble_discovery_t *d) {
  int found = from_peer(d);
  bool known;

  if (found == AIOBLE_EAGAIN || (found < 0 && !asks_again(d, found)))
    return found;
  known =
      found >= 0 && ab_gatt_cache_learn(&d->conn->cache.table, &d->unit, &d->ask,
                                        found ? reach_of(d) : d->ask.last, found ? &d->item : NULL);
  if (known) {
    d->from = d->ask.first;
    d->out_of_sync = false;
  }
  if (!known || !found)
    d->next = from_cache;
  return known && found && is_wanted(d) ? 1 : AIOBLE_EAGAIN;
}

static int from_cache(aioble_discovery_t *d) {
  static const ab_gatt_disc_kind asked[] = {
      [AB_GATT_CACHE_PRIMARY] = AB_GATT_SERVICES, [AB_GATT_CACHE_SECONDARY] = AB_GATT_SECONDARY,
      [AB_GATT_CACHE_INCLUDE] = AB_GATT_INCLUDES, [AB_GATT_CACHE_CHAR] = AB_GATT_CHARS,
      [AB_GATT_CACHE_DESC] = AB_GATT_DESCS,
  };
  int found = wait_for_check(d);

  if (found < 0)
    return found;
  found = ab_gatt_cache_next(&d->conn->cache.table, &d->unit, d->from,
                             d->uuid.size ? &d->uuid : NULL, &d->item, &d->ask);
  if (found == 1)
    d->from = reach_of(d) + 1u;
  if (found == AIOBLE_EAGAIN) {
    ab_gatt_disc_init(&d->disc, &d->conn->att, asked[d->unit.kind], d->ask.first, d->ask.last,
                      NULL);
    d->next = learn;
  }
  return found;
}

static int begin(aioble_discovery_t *d) {
  int status = wait_for_check(d);

  if (status < 0)
    return status;
  d->next = d->conn->cache.state == AB_CACHE_OFF ? from_peer : from_cache;
  return AIOBLE_EAGAIN;
}

/* ---- ops ---- */

static aioble_op_t *next(aioble_discovery_t *d, int none) {
  aioble_t *ble = d && d->conn ? d->conn->ble : NULL;
  ab_peer_op *p = ble ? ab_peer_op_new(d->conn, &next_kind) : NULL;
  next_op *waiting;

  if (!p)
    return ab_op_failed(ble, d == &nowhere ? AIOBLE_ENOTCONN : AIOBLE_ENOMEM);
  waiting = ab_container_of(p, next_op, p);
  waiting->discovery = aioble_discovery_ref(d);
  waiting->none = none;
  ab_list_push(&d->waiting, &waiting->node);
  serve(d);
  return &p->op;
}

aioble_op_t *aioble_discovery_next(aioble_discovery_t *discovery) {
  return next(discovery, AIOBLE_EOF);
}

/* ---- iterators ---- */

static ab_gatt_cache_kind unit_kind(ab_gatt_disc_kind kind) {
  static const ab_gatt_cache_kind kinds[] = {
      [AB_GATT_SERVICES] = AB_GATT_CACHE_PRIMARY,
      [AB_GATT_SERVICES_BY_UUID] = AB_GATT_CACHE_PRIMARY,
      [AB_GATT_SECONDARY] = AB_GATT_CACHE_SECONDARY,
      [AB_GATT_SECONDARY_BY_UUID] = AB_GATT_CACHE_SECONDARY,
      [AB_GATT_INCLUDES] = AB_GATT_CACHE_INCLUDE,
      [AB_GATT_CHARS] = AB_GATT_CACHE_CHAR,
      [AB_GATT_DESCS] = AB_GATT_CACHE_DESC,
  };

  return kinds[kind];
}

static aioble_discovery_t *discovery_new(aioble_conn_t *conn, ab_gatt_disc_kind kind,
                                         uint32_t first, uint16_t last, const aioble_uuid_t *uuid) {
  aioble_discovery_t *d = ab_alloc(&conn->ble->env, sizeof *d);

  if (!d)
    return NULL;
  d->conn = aioble_conn_ref(conn);
  d->refs = 1;
  d->service = NULL;
  d->chr = NULL;
  d->kind = kind;
  d->have_item = false;
  d->fetching = false;
  ab_list_init(&d->waiting);
  ab_gatt_disc_init(&d->disc, &conn->att, kind, first, last, uuid);
  d->next = d->disc.status < 0 ? from_peer : begin; /* a UUID that is none: it says so */
  ab_list_init(&d->check.node);
  d->unit = (ab_gatt_unit){.kind = unit_kind(kind), .last = last};
  d->uuid = uuid ? *uuid : (aioble_uuid_t){0};
  d->from = first;
  d->out_of_sync = false;
  return d;
}

static aioble_discovery_t *from_nowhere(void) {
  return (aioble_discovery_t *) (uintptr_t) &nowhere;
}

aioble_discovery_t *aioble_conn_services(aioble_conn_t *conn, const aioble_uuid_t *uuid) {
  return conn ? discovery_new(conn, uuid ? AB_GATT_SERVICES_BY_UUID : AB_GATT_SERVICES, 1, 0xffff,
                              uuid)
              : from_nowhere();
}

aioble_discovery_t *aioble_conn_secondary_services(aioble_conn_t *conn, const aioble_uuid_t *uuid) {
  return conn ? discovery_new(conn, uuid ? AB_GATT_SECONDARY_BY_UUID : AB_GATT_SECONDARY, 1, 0xffff,
                              uuid)
              : from_nowhere();
}

static aioble_discovery_t *within(aioble_client_service_t *service, ab_gatt_disc_kind kind,
                                  const aioble_uuid_t *uuid) {
  aioble_discovery_t *d;

  if (!service)
    return from_nowhere();
  d = discovery_new(service->conn, kind, service->first, service->last, uuid);
  if (!d)
    return NULL;
  d->service = aioble_client_service_ref(service);
  d->unit.parent = service->first;
  return d;
}

aioble_discovery_t *aioble_client_service_includes(aioble_client_service_t *service,
                                                   const aioble_uuid_t *uuid) {
  return within(service, AB_GATT_INCLUDES, uuid);
}

aioble_discovery_t *aioble_client_service_chars(aioble_client_service_t *service,
                                                const aioble_uuid_t *uuid) {
  return within(service, AB_GATT_CHARS, uuid);
}

aioble_discovery_t *aioble_client_char_descs(aioble_client_char_t *chr, const aioble_uuid_t *uuid) {
  aioble_discovery_t *d;

  if (!chr)
    return from_nowhere();
  d = discovery_new(ab_client_char_conn(chr), AB_GATT_DESCS, chr->handle + 1u, chr->last, uuid);
  if (!d)
    return NULL;
  d->chr = aioble_client_char_ref(chr);
  d->unit.parent = chr->handle;
  return d;
}

/* ---- the first one ---- */

static aioble_op_t *first_of(aioble_discovery_t *d) {
  aioble_op_t *op = next(d, AIOBLE_ENOENT);

  aioble_discovery_unref(d);
  return op;
}

aioble_op_t *aioble_conn_service(aioble_conn_t *conn, aioble_uuid_t uuid) {
  return first_of(aioble_conn_services(conn, &uuid));
}

aioble_op_t *aioble_conn_secondary_service(aioble_conn_t *conn, aioble_uuid_t uuid) {
  return first_of(aioble_conn_secondary_services(conn, &uuid));
}

aioble_op_t *aioble_client_service_include(aioble_client_service_t *service, aioble_uuid_t uuid) {
  return first_of(aioble_client_service_includes(service, &uuid));
}

aioble_op_t *aioble_client_service_char(aioble_client_service_t *service, aioble_uuid_t uuid) {
  return first_of(aioble_client_service_chars(service, &uuid));
}

aioble_op_t *aioble_client_char_desc(aioble_client_char_t *chr, aioble_uuid_t uuid) {
  return first_of(aioble_client_char_descs(chr, &uuid));
}
