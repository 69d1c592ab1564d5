/* SPDX-License-Identifier: MIT */
/*
 * An ATT bearer with a scripted peer, in a fake environment: the start of every test of ATT and of
 * what is above it. What the bearer raises is recorded; a test may answer requests by hook.
 */
#ifndef ATT_PEER_H
#define ATT_PEER_H

#include "att/att.h"
#include "helpers/fake_env.h"
#include "helpers/pdu_script.h"

typedef struct att_peer {
  ab_env *env;
  ab_bufs bufs;
  ab_att att;
  pdu_script script;

  /* hooks, NULL: requests are refused, values recorded below */
  int (*on_request)(struct att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp,
                    uint16_t *handle);
  void (*on_value)(struct att_peer *peer, uint16_t handle, const uint8_t *value, size_t len,
                   bool indication);
  void (*on_broken)(struct att_peer *peer, int status);
  void *user;

  unsigned requests; /* that reached on_request */
  unsigned values, indications;
  uint16_t value_handle; /* of the last value */
  size_t value_len;
  unsigned mtus; /* on_mtu calls, and the last one's */
  uint16_t mtu;
  unsigned errors; /* on_error calls, and the last one's */
  uint8_t error;
  ab_att_verdict verdict; /* that on_refused gives; its calls, and what the last one said */
  unsigned refused;
  bool secured;
  unsigned broken; /* on_broken calls, and the last one's */
  int broken_status;
} att_peer;

att_peer *att_peer_new(uint16_t local_mtu);
/* closes the bearer if it is open; asserts that nothing is left over */
void att_peer_free(att_peer *peer);
void att_peer_play(att_peer *peer, const char *lines);

#endif
