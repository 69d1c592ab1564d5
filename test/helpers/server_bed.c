/* SPDX-License-Identifier: MIT */
#include "helpers/server_bed.h"

#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- connections ---- */

static void sent(void *ctx, ab_buf *pdu) {
  server_client *client = ctx;

  pdu_script_sent(&client->script, pdu);
}

static int on_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  server_client *client = ctx;

  return ab_gatt_server_request(&client->conn->bearer, opcode, pdu, rsp, handle);
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  (void) ctx, (void) handle, (void) value, (void) len, (void) indication;
}

static void on_mtu(void *ctx, uint16_t mtu) {
  (void) ctx, (void) mtu;
}

static void on_broken(void *ctx, int status) {
  (void) ctx, (void) status;
}

static const ab_att_events att_events = {.send = sent,
                                         .on_request = on_request,
                                         .on_value = on_value,
                                         .on_mtu = on_mtu,
                                         .on_broken = on_broken};

static void receive(void *ctx, const uint8_t *pdu, size_t len) {
  server_client *client = ctx;

  ab_host_turn_begin(client->bed->ble);
  ab_att_rx(&client->conn->att, pdu, len);
  ab_host_turn_end(client->bed->ble);
}

static void connect_client(server_bed *bed, unsigned n) {
  aioble_addr_t addr = {AIOBLE_ADDR_RANDOM, {0xc0, 1, 2, 3, 5, (uint8_t) n}};
  server_client *client = &bed->clients[n];
  aioble_conn_t *conn = ab_zalloc(&bed->ble->env, sizeof *conn);

  assert_non_null(conn);
  conn->refs = 2; /* ours, and that of ble->conns */
  conn->ble = aioble_ref(bed->ble);
  conn->device = aioble_device_new(bed->ble, &addr);
  conn->link.up = true;
  ab_list_init(&conn->waiting);
  ab_att_init(&conn->att, &bed->ble->env, &bed->ble->bufs, &att_events, client, 517);
  ab_gatt_client_init(&conn->client, &conn->att);
  ab_gatt_server_link_open(&bed->ble->server, &conn->server, &conn->att);
  ab_gatt_bearer_open(&conn->bearer, &conn->server, &conn->att);
  ab_list_push(&bed->ble->conns, &conn->node);
  bed->ble->n_conns++;
  *client = (server_client){.bed = bed, .conn = conn};
  pdu_script_init(&client->script, receive, client);
  client->script.first = SERVER_BED_FIRST;
}

void server_bed_disconnect(server_bed *bed, unsigned n) {
  server_client *client = &bed->clients[n];

  if (!client->conn->link.up)
    return;
  ab_host_turn_begin(bed->ble);
  client->conn->link.up = false;
  ab_list_remove(&client->conn->node);
  bed->ble->n_conns--;
  ab_gatt_server_link_close(&client->conn->server);
  ab_att_close(&client->conn->att, AIOBLE_ENOTCONN);
  pdu_script_end(&client->script, AIOBLE_ENOTCONN);
  aioble_conn_unref(client->conn);
  ab_host_turn_end(bed->ble);
}

/* ---- the bed ---- */

server_bed *server_bed_new(void) {
  server_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  bed->base = client_bed_new();
  bed->ble = bed->base->ble;
  for (unsigned n = 0; n < SERVER_BED_CLIENTS; n++)
    connect_client(bed, n);
  bed->conn = bed->clients[0].conn;
  return bed;
}

void server_bed_free(server_bed *bed) {
  for (unsigned n = 0; n < SERVER_BED_CLIENTS; n++) {
    pdu_script_quiet(&bed->clients[n].script);
    server_bed_disconnect(bed, n);
  }
  ab_server_stop(bed->ble, AIOBLE_ECANCELED);
  for (unsigned n = 0; n < SERVER_BED_CLIENTS; n++)
    aioble_conn_unref(bed->clients[n].conn);
  client_bed_free(bed->base);
  free(bed);
}

aioble_service_t *server_bed_service(server_bed *bed, uint16_t uuid) {
  aioble_service_t *service = aioble_service_new(bed->ble, aioble_uuid16(uuid));

  assert_non_null(service);
  return service;
}

int server_bed_register(server_bed *bed, aioble_service_t *service) {
  int err = aioble_register_services(bed->ble, &service, 1);

  aioble_service_unref(service);
  return err;
}

void server_bed_char(server_bed *bed, unsigned flags, const aioble_char_options_t *options) {
  aioble_service_t *service = server_bed_service(bed, 0x181a);

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), flags, options);
  assert_non_null(bed->chr);
  assert_int_equal(server_bed_register(bed, service), 0);
}

void server_bed_play(server_bed *bed, const char *lines) {
  server_bed_play_as(bed, 0, lines);
}

void server_bed_play_as(server_bed *bed, unsigned client, const char *lines) {
  pdu_script_play(&bed->clients[client].script, lines);
}

void server_bed_run_ms(server_bed *bed, uint64_t ms) {
  client_bed_run_ms(bed->base, ms);
}

void server_bed_expect(server_bed *bed, aioble_op_t *op, int status) {
  outcome o;

  client_bed_then(&o, op);
  assert_int_equal(o.calls, 0);
  server_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, status);
}

void assert_bytes(aioble_bytes_t bytes, const char *hex) {
  assert_hex(bytes.len ? bytes.data : (const uint8_t *) "", bytes.len, hex);
}
