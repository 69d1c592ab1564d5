/* SPDX-License-Identifier: MIT */
/*
 * Whole tables discovered over the whole stack: everything is found, in order, with no more
 * requests than the procedures of the specification need at that MTU for that table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { MAX_ATTRS = 12000, PER_SERVICE = 1000 };

typedef enum found_kind { SERVICE, CHAR, DESC } found_kind;

typedef struct found {
  found_kind kind;
  uint16_t handle, last; /* of a service: its range; else where it is */
  bool wide;             /* a UUID of 128 bits */
} found;

typedef struct world {
  sim s;
  aioble_t *client, *server;
  aioble_conn_t *to_server, *to_client;
  aioble_char_t *chars[MAX_ATTRS];
  unsigned n_chars;
  unsigned own_services; /* registered by the test */
  found found[MAX_ATTRS];
  unsigned n;
  unsigned chars_matched; /* of `chars`, those found at their place */
} world;

/* ---- tables ---- */

static aioble_uuid_t uuid_of(unsigned n, bool wide) {
  aioble_uuid_t uuid = aioble_uuid16((uint16_t) (0xa000 + n % 0x1000));

  if (wide) {
    uuid = aioble_uuid_to128(&uuid);
    uuid.bytes[0] ^= 0xff;
  }
  return uuid;
}

/* a characteristic of two attributes or three, as many as are left for; how many it took */
static unsigned add_char(world *w, aioble_service_t *service, unsigned left) {
  unsigned n = w->n_chars,
           flags = AIOBLE_READ | AIOBLE_WRITE | (n % 3 == 0 && left >= 3 ? AIOBLE_NOTIFY : 0);

  w->chars[n] = aioble_char_new(service, uuid_of(n, n % 5 == 4), flags, NULL);
  assert_non_null(w->chars[n]);
  w->n_chars++;
  return flags & AIOBLE_NOTIFY ? 3 : 2;
}

/* that many attributes in all: each service is a declaration, and characteristics */
static void register_attrs(world *w, unsigned attrs) {
  aioble_service_t *services[MAX_ATTRS / PER_SERVICE + 20];
  unsigned n = 0;

  while (attrs > 0) {
    unsigned size = attrs < PER_SERVICE ? attrs : PER_SERVICE;

    attrs -= size--;
    services[n] = aioble_service_new(w->server, uuid_of(n, n % 3 == 2));
    while (size >= 2)
      size -= add_char(w, services[n], size);
    attrs += size; /* an odd one left over */
    n++;
  }
  assert_int_equal(aioble_register_services(w->server, services, n), 0);
  w->own_services = n;
  while (n > 0)
    aioble_service_unref(services[--n]);
}

/* 10 services with 6 characteristics each, 16 and 128 bits mixed, some with descriptors */
static void register_usual(world *w) {
  aioble_service_t *services[10];

  for (unsigned i = 0; i < 10; i++) {
    services[i] = aioble_service_new(w->server, uuid_of(i, i % 3 == 2));
    for (unsigned c = 0; c < 6; c++) {
      aioble_char_t *chr = aioble_char_new(services[i], uuid_of(c, (i + c) % 4 == 3),
                                           AIOBLE_READ | (c % 2 ? AIOBLE_NOTIFY : 0), NULL);

      w->chars[w->n_chars++] = chr;
      if (c == 2)
        aioble_desc_new(chr, AIOBLE_UUID16(0x2901), AIOBLE_READ, NULL);
      if (c == 3)
        aioble_desc_new(chr, uuid_of(c, true), AIOBLE_READ, NULL);
    }
  }
  assert_int_equal(aioble_register_services(w->server, services, 10), 0);
  w->own_services = 10;
  for (unsigned i = 0; i < 10; i++)
    aioble_service_unref(services[i]);
}

static world *world_new(uint16_t mtu) {
  world *w = calloc(1, sizeof *w);

  assert_non_null(w);
  sim_open(&w->s, NULL);
  w->client = sim_stack_new(&w->s, &(aioble_options_t){.mtu = mtu}, NULL);
  w->server = sim_stack_new(&w->s, NULL, NULL);
  return w;
}

static void meet(world *w) {
  sim_connect(w->client, w->server, &w->to_server, &w->to_client);
  sim_expect(aioble_conn_exchange_mtu(w->to_server), 0);
}

static void world_free(world *w) {
  aioble_conn_unref(w->to_server);
  aioble_conn_unref(w->to_client);
  sim_close(&w->s);
  free(w);
}

/* ---- discovery ---- */

static void keep(world *w, found_kind kind, uint16_t handle, uint16_t last, aioble_uuid_t uuid) {
  found *f = &w->found[w->n++];

  assert_true(w->n < MAX_ATTRS);
  assert_true(w->n == 1 || handle > f[-1].handle); /* in order, nothing twice */
  *f = (found){kind, handle, last, uuid.size == 16};
}

static void each(world *w, aioble_discovery_t *d, void (*visit)(world *w, const aioble_op_t *op)) {
  int status;

  do {
    aioble_op_t *op = aioble_discovery_next(d);

    status = aioble_op_await(op);
    if (status == 0)
      visit(w, op);
    aioble_op_unref(op);
  } while (status == 0);
  assert_int_equal(status, AIOBLE_EOF);
  aioble_discovery_unref(d);
}

static void visit_desc(world *w, const aioble_op_t *op) {
  aioble_client_desc_t *desc = aioble_op_desc(op);
  uint16_t handle = aioble_client_desc_handle(desc);

  keep(w, DESC, handle, handle, aioble_client_desc_uuid(desc));
}

static void visit_char(world *w, const aioble_op_t *op) {
  aioble_client_char_t *chr = aioble_op_char(op);
  uint16_t handle = aioble_client_char_handle(chr);

  keep(w, CHAR, handle, handle, aioble_client_char_uuid(chr));
  w->chars_matched +=
      w->chars_matched < w->n_chars && aioble_char_handle(w->chars[w->chars_matched]) == handle;
  each(w, aioble_client_char_descs(chr, NULL), visit_desc);
}

static void visit_service(world *w, const aioble_op_t *op) {
  aioble_client_service_t *service = aioble_op_service(op);
  uint16_t first, last;

  aioble_client_service_range(service, &first, &last);
  keep(w, SERVICE, first, last, aioble_client_service_uuid(service));
  each(w, aioble_client_service_chars(service, NULL), visit_char);
}

static unsigned packets_out(const world *w) {
  aioble_stats_t stats;

  aioble_stats(w->client, &stats);
  return (unsigned) stats.acl_out;
}

/* … and how many requests that took */
static unsigned discover(world *w) {
  unsigned before = packets_out(w);

  each(w, aioble_conn_services(w->to_server, NULL), visit_service);
  return packets_out(w) - before;
}

/* ---- the least there can be, from what is in the table ---- */

typedef struct listing {
  unsigned narrow, wide; /* entries that one response holds */
  unsigned run;          /* entries of one width in a row, so far */
  bool was_wide;
  unsigned requests;
} listing;

static listing listing_of(uint16_t mtu, unsigned head, unsigned narrow, unsigned wide) {
  return (listing){(mtu - head) / narrow, (mtu - head) / wide, 0, false, 0};
}

/* all entries of a response have one width: a new one begins with each change, or when it is full
 */
static void list(listing *l, bool wide) {
  unsigned most = wide ? l->wide : l->narrow;

  if (l->run == 0 || wide != l->was_wide || l->run == most) {
    l->requests++;
    l->run = 0;
  }
  l->run++;
  l->was_wide = wide;
}

/* 4.4.1: until there is no more, or the last handle is reached */
static unsigned least_for_services(const world *w, uint16_t mtu) {
  listing l = listing_of(mtu, 2, 6, 20);
  uint16_t last = 0;

  for (unsigned i = 0; i < w->n; i++)
    if (w->found[i].kind == SERVICE) {
      list(&l, w->found[i].wide);
      last = w->found[i].last;
    }
  return l.requests + (last < 0xffff);
}

/* 4.6.1: one more behind the last, if another could be there: that takes two attributes */
static unsigned least_for_chars(const world *w, unsigned at, uint16_t mtu) {
  listing l = listing_of(mtu, 2, 7, 21);
  uint16_t seen = w->found[at].handle, last = w->found[at].last;

  if (seen == last)
    return 0;
  for (unsigned i = at + 1; i < w->n && w->found[i].kind != SERVICE; i++)
    if (w->found[i].kind == CHAR) {
      list(&l, w->found[i].wide);
      seen = w->found[i].handle;
    }
  return l.requests + (seen + 2 <= last || l.requests == 0);
}

/* 4.7.1: they are all that lies between the value and the next characteristic */
static unsigned least_for_descs(const world *w, unsigned at, uint16_t mtu) {
  listing l = listing_of(mtu, 2, 4, 18);

  for (unsigned i = at + 1; i < w->n && w->found[i].kind == DESC; i++)
    list(&l, w->found[i].wide);
  return l.requests;
}

static unsigned least(const world *w, uint16_t mtu) {
  unsigned requests = least_for_services(w, mtu);

  for (unsigned i = 0; i < w->n; i++)
    if (w->found[i].kind == SERVICE)
      requests += least_for_chars(w, i, mtu);
    else if (w->found[i].kind == CHAR)
      requests += least_for_descs(w, i, mtu);
  return requests;
}

static void discovers(world *w, uint16_t mtu, const char *what) {
  unsigned requests;

  meet(w);
  requests = discover(w);
  print_message("[   NOTE   ] %s, MTU %u: %u requests\n", what, mtu, requests);
  assert_int_equal(aioble_conn_mtu(w->to_server), mtu);
  assert_int_equal(w->chars_matched, w->n_chars); /* all of ours, at their handles */
  assert_int_equal(requests, least(w, mtu));
}

static void ten_services_and_sixty_characteristics_take_the_fewest_requests(void **state) {
  static const uint16_t mtus[] = {23, 24, 50, 185, 247, 517};

  (void) state;
  for (size_t i = 0; i < sizeof mtus / sizeof *mtus; i++) {
    world *w = world_new(mtus[i]);

    register_usual(w);
    discovers(w, mtus[i], "10 services, 60 characteristics");
    world_free(w);
  }
}

static void attributes(uint16_t mtu) {
  for (unsigned attrs = 1; attrs <= 10000; attrs *= 10) {
    world *w = world_new(mtu);
    char what[40];
    unsigned count = 0;
    uint16_t from = UINT16_MAX;

    register_attrs(w, attrs);
    (void) snprintf(what, sizeof what, "%u attributes", attrs);
    discovers(w, mtu, what);
    /* the services of the test are the last: all their attributes have been seen */
    for (unsigned i = w->n, services = 0; i-- > 0 && services < w->own_services;)
      if (w->found[i].kind == SERVICE) {
        services++;
        from = w->found[i].handle;
      }
    for (unsigned i = 0; i < w->n; i++)
      if (w->found[i].handle >= from)
        count += w->found[i].kind == CHAR ? 2 : 1;
    assert_int_equal(count, attrs);
    world_free(w);
  }
}

static void one_to_ten_thousand_attributes_are_all_found_at_mtu_23(void **state) {
  (void) state;
  attributes(23);
}

static void one_to_ten_thousand_attributes_are_all_found_at_mtu_517(void **state) {
  (void) state;
  attributes(517);
}

/* ---- long values ---- */

/* which must be all old or all new, wherever the link ends */
static bool cut_at(unsigned step) {
  world *w = world_new(23);
  uint8_t value[100];
  aioble_client_char_t *chr;
  aioble_op_t *service, *chr_op, *op;
  aioble_bytes_t now;
  unsigned n = 0;
  bool cut, written;

  register_attrs(w, 3);
  meet(w);
  for (size_t i = 0; i < sizeof value; i++)
    value[i] = (uint8_t) i;
  service = sim_ok(aioble_conn_service(w->to_server, uuid_of(0, false)));
  chr_op = sim_ok(aioble_client_service_char(aioble_op_service(service), uuid_of(0, false)));
  chr = aioble_op_char(chr_op);
  assert_int_equal(aioble_char_write(w->chars[0], "old", 3, 0), 0);
  op = aioble_client_char_write(chr, value, sizeof value, AIOBLE_WRITE_REQUEST);
  while (!aioble_op_done(op) && n < step && aioble_virtual_run_once(w->s.radio))
    n++;
  cut = !aioble_op_done(op);
  if (cut)
    aioble_op_unref(aioble_conn_disconnect(step % 2 ? w->to_server : w->to_client));
  sim_run_ms(&w->s, 5000);
  assert_true(aioble_op_done(op));
  written = aioble_op_status(op) == 0; /* the response may still overtake the end */
  assert_true(written || (cut && aioble_op_status(op) == AIOBLE_ENOTCONN));
  now = aioble_char_read(w->chars[0]);
  if (!written && now.len == 3)
    assert_memory_equal(now.data, "old", 3);
  else
    assert_true(now.len == sizeof value && memcmp(now.data, value, sizeof value) == 0);
  aioble_op_unref(op);
  aioble_op_unref(chr_op);
  aioble_op_unref(service);
  world_free(w);
  return cut;
}

static void a_long_write_cut_at_any_step_is_written_whole_or_not_at_all(void **state) {
  unsigned step = 0;

  (void) state;
  while (cut_at(step))
    step++;
  assert_true(step > 14); /* six parts and the execution, there and back */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_services_and_sixty_characteristics_take_the_fewest_requests),
      cmocka_unit_test(one_to_ten_thousand_attributes_are_all_found_at_mtu_23),
      cmocka_unit_test(one_to_ten_thousand_attributes_are_all_found_at_mtu_517),
      cmocka_unit_test(a_long_write_cut_at_any_step_is_written_whole_or_not_at_all),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
