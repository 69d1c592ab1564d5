/* SPDX-License-Identifier: MIT */
/*
 * PDU scripts: what goes over one channel, line by line, as the qualification cases write it.
 *
 *   pdu_script_play(&s, "> 0a 03 00\n"        the peer sends a PDU: given to rx()
 *                       "< 0b 41*22 42\n");   the layer must have sent exactly this
 *
 * A line is a direction and bytes in hex, as one string or spaced; "41*22" is that byte 22 times,
 * "??" (only behind "<") any byte, "+02" the handle `first` and 2 more; text behind '#' is a
 * comment. Everything sent must be named, in order: a PDU that no line expects fails the test, at
 * the next ">" or at the end of the script. Each received PDU is given in memory of exactly its
 * size, gone after rx() returns.
 */
#ifndef PDU_SCRIPT_H
#define PDU_SCRIPT_H

#include "util/buf.h"
#include "util/list.h"

typedef struct pdu_script {
  void (*rx)(void *ctx, const uint8_t *pdu, size_t len); /* the layer's receive entry */
  void *ctx;
  ab_list sent; /* ab_buf, not yet named by a line */
  uint16_t first;
} pdu_script;

void pdu_script_init(pdu_script *s, void (*rx)(void *ctx, const uint8_t *pdu, size_t len),
                     void *ctx);
/* to be called by the layer's send hook: takes the buffer; a matching line finishes it with 0 */
void pdu_script_sent(pdu_script *s, ab_buf *pdu);
void pdu_script_play(pdu_script *s, const char *lines);
/* nothing was sent that no line has named */
void pdu_script_quiet(const pdu_script *s);
/* the link goes: what was sent and not named is finished with `status` */
void pdu_script_end(pdu_script *s, int status);

/* "> 41 42*3" without the direction, as bytes; returns how many */
size_t pdu_script_bytes(const char *text, uint8_t *out, size_t size);

#endif
