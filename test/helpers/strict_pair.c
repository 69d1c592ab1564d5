/* SPDX-License-Identifier: MIT */
#include "helpers/strict_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- the server ---- */

static int decide(strict_pair *p, const aioble_access_t *access) {
  if (access->offset < p->from)
    return 0;
  p->asked++;
  if (access->conn->smp.security.level < p->level)
    return p->code;
  p->served++;
  return 0;
}

static int on_read(aioble_access_t *access, void *user) {
  return decide(user, access);
}

static int on_write(aioble_access_t *access, void *user) {
  strict_pair *p = user;
  int code = decide(p, access);

  if (code == 0 && access->value.len == 1)
    strncat(p->order, (const char *) access->value.data, 1);
  return code;
}

static void on_pairing_request(aioble_conn_t *conn, void *user) {
  strict_pair *p = user;

  assert_ptr_equal(conn, p->at_server);
  p->pairings++;
  if (!p->later)
    assert_int_equal(aioble_pairing_answer(conn, true, 0), 0);
}

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  (void) number;
  (void) user;
  if (prompt == AIOBLE_PROMPT_COMPARE)
    assert_int_equal(aioble_pairing_answer(conn, true, 0), 0);
}

static void serve(strict_pair *p) {
  static const uint8_t value[STRICT_LONG] = {1, 2, 3};
  aioble_char_options_t options = {
      .max_len = STRICT_LONG, .on_read = on_read, .on_write = on_write, .user = p};

  p->service = aioble_service_new(p->server, AIOBLE_UUID16(0x181a));
  for (uint16_t i = 0; i < STRICT_CHARS; i++) {
    options.initial = (aioble_bytes_t){value, i == STRICT_CHARS - 1 ? STRICT_LONG : 1};
    options.read_security = i == 1 ? AIOBLE_SECURITY_ENCRYPTED : AIOBLE_SECURITY_NONE;
    p->chars[i] = aioble_char_new(p->service, aioble_uuid16((uint16_t) (0x2a10 + i)),
                                  AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY, &options);
  }
  p->desc = aioble_desc_new(
      p->chars[0], AIOBLE_UUID16(0x2a20), AIOBLE_READ | AIOBLE_WRITE,
      &(aioble_desc_options_t){
          .max_len = STRICT_LONG, .on_read = on_read, .on_write = on_write, .user = p});
  assert_int_equal(aioble_register_services(p->server, &p->service, 1), 0);
}

/* ---- the two ---- */

void strict_pair_find(strict_pair *p) {
  aioble_op_t *service = sim_ok(aioble_conn_service(p->at_client, AIOBLE_UUID16(0x181a))), *op;

  for (uint16_t i = 0; i < STRICT_CHARS; i++) {
    op = sim_ok(aioble_client_service_char(aioble_op_service(service),
                                           aioble_uuid16((uint16_t) (0x2a10 + i))));
    p->found[i] = aioble_client_char_ref(aioble_op_char(op));
    aioble_op_unref(op);
  }
  op = sim_ok(aioble_client_char_desc(p->found[0], AIOBLE_UUID16(0x2a20)));
  p->found_desc = aioble_client_desc_ref(aioble_op_desc(op));
  aioble_op_unref(op);
  aioble_op_unref(service);
}

void strict_pair_part(strict_pair *p) {
  for (unsigned i = 0; i < STRICT_CHARS; i++)
    p->found[i] = aioble_client_char_unref(p->found[i]);
  p->found_desc = aioble_client_desc_unref(p->found_desc);
  p->at_client = aioble_conn_unref(p->at_client);
  p->at_server = aioble_conn_unref(p->at_server);
}

void strict_pair_meet(strict_pair *p, bool client_is_central) {
  if (client_is_central)
    sim_connect(p->client, p->server, &p->at_client, &p->at_server);
  else
    sim_connect(p->server, p->client, &p->at_server, &p->at_client);
  strict_pair_find(p);
}

void strict_pair_open(strict_pair *p, const aioble_options_t *client) {
  aioble_options_t server = {.eatt = client->eatt, .mtu = client->mtu};

  memset(p, 0, sizeof *p);
  p->level = AIOBLE_SECURITY_ENCRYPTED;
  p->code = AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION;
  sim_open(&p->s, NULL);
  p->client = sim_stack_new(&p->s, client, NULL);
  p->server = sim_stack_new(&p->s, &server, NULL);
  aioble_set_on_pairing_request(p->server, on_pairing_request, p);
  aioble_set_on_prompt(p->client, on_prompt, p);
  aioble_set_on_prompt(p->server, on_prompt, p);
  serve(p);
}

void strict_pair_set_up(strict_pair *p, aioble_auto_secure_t use) {
  strict_pair_open(p, &(aioble_options_t){.auto_secure = use, .mtu = 23});
  strict_pair_meet(p, true);
}

void strict_pair_close(strict_pair *p) {
  strict_pair_part(p);
  aioble_service_unref(p->service);
  sim_close(&p->s);
}

/* ---- every kind of request ---- */

aioble_op_t *strict_read(strict_pair *p) {
  return aioble_client_char_read(p->found[0]);
}

static aioble_op_t *read_long(strict_pair *p) {
  return aioble_client_char_read(p->found[STRICT_CHARS - 1]);
}

static aioble_op_t *read_desc(strict_pair *p) {
  return aioble_client_desc_read(p->found_desc);
}

static aioble_op_t *read_multiple(strict_pair *p) {
  return aioble_client_read_multiple(p->found, 2);
}

static aioble_op_t *read_variable(strict_pair *p) {
  return aioble_client_read_multiple_variable(p->found, 2);
}

static aioble_op_t *read_by_uuid(strict_pair *p) {
  return aioble_conn_read_by_uuid(p->at_client, AIOBLE_UUID16(0x2a10));
}

static aioble_op_t *write_short(strict_pair *p) {
  return aioble_client_char_write(p->found[0], "a", 1, AIOBLE_WRITE_REQUEST);
}

static aioble_op_t *write_long(strict_pair *p) {
  static const uint8_t value[STRICT_LONG] = {5};

  return aioble_client_char_write(p->found[0], value, STRICT_LONG, AIOBLE_WRITE_REQUEST);
}

static aioble_op_t *write_desc(strict_pair *p) {
  return aioble_client_desc_write(p->found_desc, "b", 1);
}

static aioble_op_t *write_reliable(strict_pair *p) {
  const aioble_write_t writes[] = {{.chr = p->found[0], .data = "c", .len = 1},
                                   {.chr = p->found[2], .data = "d", .len = 1}};

  return aioble_conn_write_reliable(p->at_client, writes, 2);
}

static aioble_op_t *subscribe(strict_pair *p) {
  return aioble_client_char_subscribe(p->found[1], AIOBLE_SUBSCRIBE_NOTIFY);
}

const strict_request strict_requests[STRICT_REQUESTS] = {
    {"read", strict_read},
    {"read a long value", read_long},
    {"read a descriptor", read_desc},
    {"read multiple", read_multiple},
    {"read multiple of variable length", read_variable},
    {"read by UUID", read_by_uuid},
    {"write", write_short},
    {"write a long value", write_long},
    {"write a descriptor", write_desc},
    {"write reliably", write_reliable},
    {"subscribe", subscribe},
};
