/* SPDX-License-Identifier: MIT */
#include "helpers/cached_pair.h"
#include "helpers/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the server's table ---- */

static void register_table(cached_pair *p) {
  aioble_service_t *services[2];

  p->battery = aioble_service_new(p->server, AIOBLE_UUID16(0x180f));
  p->level = aioble_char_new(p->battery, AIOBLE_UUID16(0x2a19), AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  p->environment = aioble_service_new(p->server, AIOBLE_UUID16(0x181a));
  p->temperature = aioble_char_new(p->environment, AIOBLE_UUID16(0x2a6e),
                                   AIOBLE_READ | AIOBLE_WRITE | AIOBLE_INDICATE, NULL);
  (void) aioble_desc_new(p->temperature, AIOBLE_UUID16(0x2901), AIOBLE_READ, NULL);
  assert_int_equal(aioble_service_include(p->environment, p->battery), 0);
  services[0] = p->battery;
  services[1] = p->environment;
  assert_int_equal(aioble_register_services(p->server, services, 2), 0);
}

static void release_table(cached_pair *p) {
  p->battery = aioble_service_unref(p->battery);
  p->environment = aioble_service_unref(p->environment);
  p->extra = aioble_service_unref(p->extra);
}

void cached_pair_add_extra(cached_pair *p) {
  p->extra = aioble_service_new(p->server, AIOBLE_UUID16(0x1816));
  (void) aioble_char_new(p->extra, AIOBLE_UUID16(0x2a5b), AIOBLE_NOTIFY, NULL);
  assert_int_equal(aioble_service_add(p->extra), 0);
}

void cached_pair_remove_extra(cached_pair *p) {
  assert_int_equal(aioble_service_remove(p->extra), 0);
  p->extra = aioble_service_unref(p->extra);
}

void cached_pair_remove_all(cached_pair *p) {
  assert_int_equal(aioble_register_services(p->server, NULL, 0), 0);
}

/* ---- beginning and end ---- */

static aioble_t *stack_new(cached_pair *p, const aioble_options_t *given, const char *name) {
  aioble_options_t options = given ? *given : (aioble_options_t){0};
  char path[100];
  aioble_t *ble;

  (void) snprintf(path, sizeof path, "%s/%s.json", p->dir, name);
  options.store = path;
  ble = sim_stack_new(&p->s, &options, NULL);
  sim_stack_of(&p->s, ble)->user = p;
  return ble;
}

cached_pair *cached_pair_new(const aioble_options_t *options) {
  cached_pair *p = calloc(1, sizeof *p);

  assert_non_null(p);
  sim_open(&p->s, NULL);
  p->dir = temp_dir_new();
  p->client = stack_new(p, options, "client");
  p->server = stack_new(p, NULL, "server");
  register_table(p);
  return p;
}

void cached_pair_free(cached_pair *p) {
  aioble_conn_unref(p->at_client);
  aioble_conn_unref(p->at_server);
  release_table(p);
  sim_close(&p->s);
  temp_dir_free(p->dir);
  free(p);
}

static aioble_t *restart(cached_pair *p, aioble_t *ble, const char *name) {
  char path[100];

  (void) snprintf(path, sizeof path, "%s/%s.json", p->dir, name);
  sim_stack_of(&p->s, ble)->options.store = path;
  return sim_restart(&p->s, ble);
}

void cached_pair_restart_client(cached_pair *p) {
  p->client = restart(p, p->client, "client");
}

void cached_pair_restart_server(cached_pair *p) {
  release_table(p);
  p->server = restart(p, p->server, "server");
  register_table(p);
}

/* ---- links ---- */

static bool asks_for_the_hash(uint8_t opcode, ab_rd pdu) {
  return opcode == AB_ATT_READ_TYPE_REQ && ab_rd_le32(&pdu) == 0xffff0001 &&
         ab_rd_le16(&pdu) == 0x2b2a;
}

static int count(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  aioble_conn_t *conn = ctx;
  cached_pair *p = ((sim_stack *) aioble_user(conn->ble))->user;
  bool hash = asks_for_the_hash(opcode, *pdu);
  int error = hash ? p->hash_error : p->next_error ? p->next_error : p->always_error;

  p->requests += !(opcode & AB_ATT_COMMAND_BIT);
  p->hash_reads += hash;
  if (!hash)
    p->next_error = 0;
  *handle = 1;
  return error ? error : p->real->on_request(ctx, opcode, pdu, rsp, handle);
}

void cached_pair_meet(cached_pair *p, const aioble_connect_options_t *options) {
  aioble_device_t *device = sim_device(p->client, p->server);
  aioble_op_t *advertising = aioble_advertise(p->server, NULL);
  aioble_op_t *connecting = sim_ok(aioble_device_connect(device, options));

  sim_ok(advertising);
  p->at_client = aioble_conn_ref(aioble_op_conn(connecting));
  p->at_server = aioble_conn_ref(aioble_op_conn(advertising));
  aioble_op_unref(advertising);
  aioble_op_unref(connecting);
  aioble_device_unref(device);
  p->real = p->at_server->att.ev;
  p->events = *p->real;
  p->events.on_request = count;
  p->at_server->att.ev = &p->events;
  sim_run_ms(&p->s, 50);
  p->requests = p->hash_reads = 0;
}

static void encrypted(aioble_conn_t *conn, aioble_t *peer) {
  aioble_addr_t identity = sim_addr(peer);

  ab_host_touch(conn->ble);
  ab_host_peer_bonded(conn, &identity);
}

void cached_pair_meet_bonded(cached_pair *p) {
  cached_pair_meet(p, NULL);
  encrypted(p->at_client, p->server);
  encrypted(p->at_server, p->client);
  sim_run_ms(&p->s, 50);
}

void cached_pair_part(cached_pair *p) {
  sim_expect(aioble_conn_disconnect(p->at_client), 0);
  sim_expect(aioble_conn_disconnected(p->at_server), 0);
  p->at_client = aioble_conn_unref(p->at_client);
  p->at_server = aioble_conn_unref(p->at_server);
}

/* ---- discovery ---- */

typedef struct found {
  cached_pair *p;
  unsigned n;
  uint32_t sum;
} found;

static void add(found *f, uint32_t what) {
  f->n++;
  f->sum = (f->sum ^ what) * 16777619u;
}

static void each(found *f, aioble_discovery_t *d, void (*visit)(found *f, aioble_op_t *op)) {
  aioble_op_t *op;

  for (;; aioble_op_unref(op)) {
    op = aioble_discovery_next(d);
    if (aioble_op_await(op) < 0)
      break;
    visit(f, op);
  }
  assert_int_equal(aioble_op_status(op), AIOBLE_EOF);
  aioble_op_unref(op);
  aioble_discovery_unref(d);
}

static void visit_desc(found *f, aioble_op_t *op) {
  aioble_uuid_t uuid = aioble_client_desc_uuid(aioble_op_desc(op));

  add(f, aioble_client_desc_handle(aioble_op_desc(op)) + ((uint32_t) uuid.bytes[0] << 16));
}

static void visit_char(found *f, aioble_op_t *op) {
  aioble_client_char_t *chr = aioble_op_char(op);
  aioble_uuid_t uuid = aioble_client_char_uuid(chr);

  add(f, aioble_client_char_handle(chr) + (aioble_client_char_properties(chr) << 16) +
             ((uint32_t) uuid.bytes[0] << 24));
  each(f, aioble_client_char_descs(chr, NULL), visit_desc);
}

static void visit_include(found *f, aioble_op_t *op) {
  uint16_t first, last;

  aioble_client_service_range(aioble_op_service(op), &first, &last);
  add(f, first + ((uint32_t) last << 16));
}

static void visit_service(found *f, aioble_op_t *op) {
  visit_include(f, op);
  each(f, aioble_client_service_includes(aioble_op_service(op), NULL), visit_include);
  each(f, aioble_client_service_chars(aioble_op_service(op), NULL), visit_char);
}

unsigned cached_pair_discover(cached_pair *p, unsigned *requests, uint32_t *sum) {
  found f = {.p = p};
  unsigned before = p->requests;

  each(&f, aioble_conn_services(p->at_client, NULL), visit_service);
  each(&f, aioble_conn_secondary_services(p->at_client, NULL), visit_service);
  if (requests)
    *requests = p->requests - before;
  if (sum)
    *sum = f.sum;
  return f.n;
}

unsigned cached_pair_cost(cached_pair *p) {
  unsigned requests;

  sim_run_ms(&p->s, 100);
  (void) cached_pair_discover(p, &requests, NULL);
  return requests;
}

aioble_client_char_t *cached_pair_char(cached_pair *p, uint16_t service, uint16_t chr) {
  aioble_op_t *svc = sim_ok(aioble_conn_service(p->at_client, aioble_uuid16(service)));
  aioble_op_t *op = sim_ok(aioble_client_service_char(aioble_op_service(svc), aioble_uuid16(chr)));
  aioble_client_char_t *there = aioble_client_char_ref(aioble_op_char(op));

  aioble_op_unref(op);
  aioble_op_unref(svc);
  return there;
}
