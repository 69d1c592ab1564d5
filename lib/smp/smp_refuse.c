/* SPDX-License-Identifier: MIT */
/*
 * The security manager of a host that does not pair (Core Vol 3, Part H).
 *
 * 1. A Pairing Request to the peripheral, and a Security Request to the central, are answered with
 *    Pairing Failed, "pairing not supported" (2.4.6, 3.5.1, 3.5.5, 3.6.7). So the peer gives up at
 *    once, instead of after its 30 s.
 * 2. The same to the other role is not supported; of another length, it has invalid parameters.
 * 3. Everything else belongs to a pairing that there is not, or is reserved, and is ignored (3.3).
 *
 * One answer at a time: what comes before the controller took the last is ignored, too.
 */
#include "smp/smp.h"

enum { PAIRING_REQUEST = 0x01, PAIRING_FAILED = 0x05, SECURITY_REQUEST = 0x0b };

/* 3.5.5 */
enum {
  NO_ANSWER = 0,
  PAIRING_NOT_SUPPORTED = 0x05,
  COMMAND_NOT_SUPPORTED = 0x07,
  INVALID_PARAMETERS = 0x0a
};

static const struct {
  uint8_t code;
  uint8_t len;     /* with the code */
  bool to_central; /* whose command it is */
} requests[] = {
    {PAIRING_REQUEST, 7, false},
    {SECURITY_REQUEST, 2, true},
};

static uint8_t reason_for(const ab_smp *smp, uint8_t code, size_t len) {
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
    if (code != requests[i].code)
      continue;
    if (len != requests[i].len)
      return INVALID_PARAMETERS;
    return requests[i].to_central == smp->central ? PAIRING_NOT_SUPPORTED : COMMAND_NOT_SUPPORTED;
  }
  return NO_ANSWER;
}

static void answer_taken(ab_buf *buf, int status) {
  ab_smp *smp = buf->ctx;

  (void) status;
  smp->answering = false;
}

void ab_smp_open(ab_smp *smp, ab_bufs *bufs, ab_smp_send_fn *send, void *ctx, bool central) {
  *smp = (ab_smp){.bufs = bufs, .send = send, .ctx = ctx, .central = central};
}

void ab_smp_rx(ab_smp *smp, const uint8_t *command, size_t len) {
  ab_rd r = ab_rd_of(command, len);
  uint8_t reason = reason_for(smp, ab_rd_u8(&r), len);
  ab_buf *buf = reason && !smp->answering ? ab_buf_new(smp->bufs, 2) : NULL;
  ab_wr w;

  if (!buf) {
    smp->ignored++;
    return;
  }
  w = ab_buf_writer(buf);
  ab_wr_u8(&w, PAIRING_FAILED);
  ab_wr_u8(&w, reason);
  ab_buf_wrote(buf, &w);
  buf->done = answer_taken;
  buf->ctx = smp;
  smp->answering = true;
  smp->send(smp->ctx, buf);
}
