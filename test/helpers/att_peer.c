/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void sent(void *ctx, ab_buf *pdu) {
  att_peer *peer = ctx;

  pdu_script_sent(&peer->script, pdu);
}

static int on_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  att_peer *peer = ctx;

  peer->requests++;
  if (peer->on_request)
    return peer->on_request(peer, opcode, pdu, rsp, handle);
  return AB_ATT_ERR_REQUEST_NOT_SUPPORTED;
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  att_peer *peer = ctx;

  peer->values++;
  peer->indications += indication;
  peer->value_handle = handle;
  peer->value_len = len;
  if (peer->on_value)
    peer->on_value(peer, handle, value, len, indication);
}

static void on_mtu(void *ctx, uint16_t mtu) {
  att_peer *peer = ctx;

  peer->mtus++;
  peer->mtu = mtu;
}

static void on_broken(void *ctx, int status) {
  att_peer *peer = ctx;

  peer->broken++;
  peer->broken_status = status;
  if (peer->on_broken)
    peer->on_broken(peer, status);
}

static void on_error(void *ctx, uint8_t code) {
  att_peer *peer = ctx;

  peer->errors++;
  peer->error = code;
}

static ab_att_verdict on_refused(void *ctx, uint8_t code, bool secured) {
  att_peer *peer = ctx;

  assert_int_equal(code, peer->error);
  peer->refused++;
  peer->secured = secured;
  return peer->verdict;
}

static const ab_att_events events = {.send = sent,
                                     .on_request = on_request,
                                     .on_value = on_value,
                                     .on_mtu = on_mtu,
                                     .on_broken = on_broken,
                                     .on_error = on_error,
                                     .on_refused = on_refused};

static void receive(void *ctx, const uint8_t *pdu, size_t len) {
  ab_att_rx(ctx, pdu, len);
}

att_peer *att_peer_new(uint16_t local_mtu) {
  att_peer *peer = calloc(1, sizeof *peer);

  assert_non_null(peer);
  peer->env = fake_env_new();
  ab_bufs_init(&peer->bufs, peer->env, 4);
  ab_att_init(&peer->att, peer->env, &peer->bufs, &events, peer, local_mtu);
  pdu_script_init(&peer->script, receive, &peer->att);
  return peer;
}

void att_peer_free(att_peer *peer) {
  pdu_script_end(&peer->script, AIOBLE_ENOTCONN);
  if (peer->att.state != AB_ATT_CLOSED)
    ab_att_close(&peer->att, AIOBLE_ENOTCONN);
  fake_env_advance(peer->env, 0);
  ab_bufs_free(&peer->bufs);
  fake_env_free(peer->env);
  free(peer);
}

void att_peer_play(att_peer *peer, const char *lines) {
  pdu_script_play(&peer->script, lines);
}
