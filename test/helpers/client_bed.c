/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "api/api_client.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the loop ---- */

static client_bed *of_loop(aioble_loop_t *loop) {
  return ab_container_of(loop, client_bed, loop);
}

static uint64_t now_us(aioble_loop_t *loop) {
  return of_loop(loop)->now_us;
}

static void wake_at(aioble_loop_t *loop, uint64_t at_us) {
  of_loop(loop)->wake_at_us = at_us;
}

static void want_turn(aioble_loop_t *loop) {
  of_loop(loop)->turn_wanted = true;
}

/* one turn, if one is wanted or due until then */
static bool turn(client_bed *bed, uint64_t until_us) {
  if (!bed->turn_wanted && bed->wake_at_us > until_us)
    return false;
  if (!bed->turn_wanted && bed->wake_at_us > bed->now_us)
    bed->now_us = bed->wake_at_us;
  bed->turn_wanted = false;
  bed->wake_at_us = AIOBLE_NEVER;
  bed->loop.on_turn(bed->loop.ctx);
  return true;
}

static bool run_once(aioble_loop_t *loop) {
  return turn(of_loop(loop), AIOBLE_NEVER - 1);
}

static void loop_close(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx) {
  (void) loop;
  closed(ctx);
}

static const aioble_loop_ops_t loop_ops = {now_us, wake_at, want_turn, run_once, loop_close};

void client_bed_run_ms(client_bed *bed, uint64_t ms) {
  uint64_t until_us = bed->now_us + ms * 1000;

  while (turn(bed, until_us)) {}
  bed->now_us = until_us;
}

/* ---- the connection ---- */

static void sent(void *ctx, ab_buf *pdu) {
  client_bed *bed = ctx;

  pdu_script_sent(&bed->script, pdu);
}

static int on_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  (void) ctx, (void) opcode, (void) pdu, (void) rsp, (void) handle;
  return AB_ATT_ERR_REQUEST_NOT_SUPPORTED;
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  client_bed *bed = ctx;

  ab_gatt_client_rx_value(&bed->conn->client, handle, value, len, indication);
}

static void on_mtu(void *ctx, uint16_t mtu) {
  (void) ctx, (void) mtu;
}

static void on_broken(void *ctx, int status) {
  client_bed *bed = ctx;

  (void) status;
  bed->broken++;
}

static void on_error(void *ctx, uint8_t code) {
  client_bed *bed = ctx;

  if (code == AB_ATT_ERR_DATABASE_OUT_OF_SYNC)
    ab_host_cache_out_of_sync(bed->conn);
}

static const ab_att_events att_events = {.send = sent,
                                         .on_request = on_request,
                                         .on_value = on_value,
                                         .on_mtu = on_mtu,
                                         .on_broken = on_broken,
                                         .on_error = on_error};

static void receive(void *ctx, const uint8_t *pdu, size_t len) {
  client_bed *bed = ctx;

  ab_host_turn_begin(bed->ble);
  ab_att_rx(&bed->conn->att, pdu, len);
  ab_host_turn_end(bed->ble);
}

static aioble_conn_t *conn_new(client_bed *bed) {
  aioble_addr_t addr = {AIOBLE_ADDR_RANDOM, {0xc0, 1, 2, 3, 4, 5}};
  aioble_conn_t *conn = ab_zalloc(&bed->ble->env, sizeof *conn);

  assert_non_null(conn);
  conn->refs = 1;
  conn->ble = aioble_ref(bed->ble);
  conn->device = aioble_device_new(bed->ble, &addr);
  conn->link.up = true;
  ab_list_init(&conn->waiting);
  ab_host_cache_init(conn);
  ab_att_init(&conn->att, &bed->ble->env, &bed->ble->bufs, &att_events, bed, 517);
  ab_gatt_client_init(&conn->client, &conn->att);
  return conn;
}

client_bed *client_bed_new(void) {
  client_bed *bed = calloc(1, sizeof *bed);
  aioble_options_t options = {.store = ""};

  assert_non_null(bed);
  bed->loop.ops = &loop_ops;
  bed->now_us = 1000000;
  bed->wake_at_us = AIOBLE_NEVER;
  bed->memory = fake_env_new();
  options.loop = &bed->loop;
  options.allocator = &bed->memory->mem;
  bed->ble = aioble_new(NULL, &options);
  assert_non_null(bed->ble);
  bed->conn = conn_new(bed);
  pdu_script_init(&bed->script, receive, bed);
  return bed;
}

void client_bed_disconnect(client_bed *bed) {
  ab_host_turn_begin(bed->ble);
  bed->conn->link.up = false;
  ab_gatt_client_close(&bed->conn->client, AIOBLE_ENOTCONN);
  ab_att_close(&bed->conn->att, AIOBLE_ENOTCONN);
  pdu_script_end(&bed->script, AIOBLE_ENOTCONN);
  ab_host_turn_end(bed->ble);
}

void client_bed_free(client_bed *bed) {
  pdu_script_quiet(&bed->script);
  if (bed->conn->link.up)
    client_bed_disconnect(bed);
  aioble_conn_unref(bed->conn);
  client_bed_run_ms(bed, 0);
  assert_int_equal(bed->ble->refs, 1);
  assert_true(ab_timers_next(&bed->ble->env.timers) == UINT64_MAX);
  aioble_unref(bed->ble);
  fake_env_free(bed->memory);
  free(bed);
}

void client_bed_play(client_bed *bed, const char *lines) {
  pdu_script_play(&bed->script, lines);
}

/* ---- outcomes ---- */

static uint16_t handle_of(aioble_op_t *op) {
  uint16_t first = 0, last;

  if (op->result.kind != AB_OP_HANDLE)
    return 0;
  if (op->result.put == ab_client_desc_put)
    return aioble_client_desc_handle(aioble_op_desc(op));
  if (op->result.put == ab_client_char_put)
    return aioble_client_char_handle(aioble_op_char(op));
  aioble_client_service_range(aioble_op_service(op), &first, &last);
  return first;
}

static void on_outcome(aioble_op_t *op, int status, void *user) {
  outcome *o = user;
  aioble_bytes_t value = aioble_op_value(op);
  ab_rd r = ab_rd_of(value.data, value.len);

  assert_true(value.len <= sizeof o->value);
  o->calls++;
  o->status = status;
  o->len = value.len;
  ab_rd_copy(&r, o->value, value.len);
  o->handle = handle_of(op);
  o->op = NULL;
}

void client_bed_then(outcome *o, aioble_op_t *op) {
  memset(o, 0, sizeof *o);
  o->op = op;
  aioble_op_then(op, on_outcome, o);
}

/* ---- the usual peer ---- */

aioble_client_service_t *client_bed_service(client_bed *bed) {
  aioble_op_t *op = aioble_conn_service(bed->conn, aioble_uuid16(0x181a));
  aioble_client_service_t *service;

  client_bed_play(bed, "< 06 0100 ffff 0028 1a18\n> 07 0100 0900\n");
  assert_int_equal(aioble_op_status(op), 0);
  service = aioble_client_service_ref(aioble_op_service(op));
  aioble_op_unref(op);
  return service;
}

aioble_client_char_t *client_bed_char(client_bed *bed, unsigned properties) {
  aioble_client_service_t *service = client_bed_service(bed);
  aioble_op_t *op = aioble_client_service_char(service, aioble_uuid16(0x2a6e));
  aioble_client_char_t *chr;
  char lines[100];

  (void) snprintf(lines, sizeof lines, "< 08 0100 0900 0328\n> 09 07 0200 %02x 0300 6e2a\n",
                  properties);
  client_bed_play(bed, lines);
  assert_int_equal(aioble_op_status(op), 0);
  chr = aioble_client_char_ref(aioble_op_char(op));
  aioble_op_unref(op);
  aioble_client_service_unref(service);
  return chr;
}
