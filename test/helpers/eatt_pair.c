/* SPDX-License-Identifier: MIT */
#include "helpers/eatt_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- the server ---- */

static int on_read(aioble_access_t *access, void *user) {
  eatt_pair *p = user;

  if (!p->slow)
    return 0;
  assert_true(p->n_later < EATT_LATER);
  p->later[p->n_later++] = aioble_access_later(access);
  return AIOBLE_ANSWER_LATER;
}

static void serve(eatt_pair *p) {
  aioble_service_t *service = aioble_service_new(p->b, AIOBLE_UUID16(0x181a));

  p->capture = aioble_capture_new(p->b, 0);
  for (unsigned i = 0; i < EATT_CHARS; i++)
    p->chars[i] = aioble_char_new(
        service, aioble_uuid16((uint16_t) (0x2a00 + i)),
        AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY | AIOBLE_INDICATE,
        &(aioble_char_options_t){
            .max_len = 512, .on_read = on_read, .capture_to = p->capture, .user = p});
  assert_int_equal(aioble_register_services(p->b, &service, 1), 0);
  aioble_service_unref(service);
}

void eatt_answer(eatt_pair *p, unsigned i, const char *text) {
  (void) aioble_answer(p->later[i], 0, text, strlen(text));
}

/* ---- the pair ---- */

void eatt_pair_open(eatt_pair *p, unsigned eatt_a, unsigned eatt_b, uint16_t mtu) {
  memset(p, 0, sizeof *p);
  sim_open(&p->s, NULL);
  p->a = sim_stack_new(&p->s, &(aioble_options_t){.eatt = eatt_a, .mtu = mtu}, NULL);
  p->b = sim_stack_new(&p->s, &(aioble_options_t){.eatt = eatt_b, .mtu = mtu}, NULL);
  serve(p);
  sim_connect(p->a, p->b, &p->at_a, &p->at_b);
}

void eatt_secure(aioble_conn_t *conn) {
  conn->l2cap.security = (ab_l2cap_security){.keyed = true, .encrypted = true, .key_size = 16};
  ab_gatt_server_link_security(
      &conn->server, (ab_gatt_security){.level = AB_GATT_LEVEL_ENCRYPTED, .key_size = 16});
  (void) ab_host_touch(conn->ble);
  ab_host_eatt_encrypted(conn);
}

void eatt_encrypt(eatt_pair *p) {
  eatt_secure(p->at_b);
  eatt_secure(p->at_a);
  sim_run_ms(&p->s, 500);
}

void eatt_pair_find(eatt_pair *p) {
  aioble_op_t *service = sim_ok(aioble_conn_service(p->at_a, AIOBLE_UUID16(0x181a)));

  for (unsigned i = 0; i < EATT_CHARS; i++) {
    aioble_op_t *op = sim_ok(aioble_client_service_char(aioble_op_service(service),
                                                        aioble_uuid16((uint16_t) (0x2a00 + i))));

    p->found[i] = aioble_client_char_ref(aioble_op_char(op));
    aioble_op_unref(op);
  }
  aioble_op_unref(service);
}

void eatt_pair_ready(eatt_pair *p, unsigned n) {
  eatt_pair_open(p, n, n, 0);
  eatt_encrypt(p);
  assert_int_equal(aioble_conn_bearers(p->at_a), 1 + n);
  assert_int_equal(aioble_conn_bearers(p->at_b), 1 + n);
  eatt_pair_find(p);
}

void eatt_pair_close(eatt_pair *p) {
  for (unsigned i = 0; i < EATT_CHARS; i++)
    aioble_client_char_unref(p->found[i]);
  aioble_capture_unref(p->capture);
  aioble_conn_unref(p->at_a);
  aioble_conn_unref(p->at_b);
  sim_close(&p->s);
}

ab_att *eatt_bearer(const aioble_conn_t *conn, unsigned i) {
  return conn->att.group ? conn->att.group->at[i] : NULL;
}

ab_l2cap_chan *eatt_channel(const aioble_conn_t *conn, unsigned i) {
  for (unsigned k = 0; k < AB_L2CAP_CHANS; k++)
    if (conn->l2cap.chans[k] && conn->l2cap.chans[k]->psm == EATT_PSM && i-- == 0)
      return conn->l2cap.chans[k];
  return NULL;
}
