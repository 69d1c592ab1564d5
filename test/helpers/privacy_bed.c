/* SPDX-License-Identifier: MIT */
#include "helpers/privacy_bed.h"
#include "helpers/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the layer above ---- */

static void on_start(ab_gap_scan *scan) {
  ab_container_of(scan, privacy_bed, scan)->starts++;
}

static void on_report(ab_gap_scan *scan, const ab_gap_report *report) {
  (void) scan;
  (void) report;
}

static void on_done(ab_gap_scan *scan, int status) {
  privacy_bed *b = ab_container_of(scan, privacy_bed, scan);

  b->dones++;
  b->status = status;
}

static int private_address(void *ctx, aioble_addr_t *addr) {
  privacy_bed *b = ctx;

  if (b->no_address)
    return b->no_address;
  *addr = (aioble_addr_t){AIOBLE_ADDR_RANDOM, {0x40, 0, 0, 0, 0, (uint8_t) ++b->addresses}};
  return 0;
}

static bool private_peer(void *ctx, unsigned i, ab_gap_peer *peer) {
  const privacy_bed *b = ctx;

  if (i < b->n_peers)
    *peer = b->peers[i];
  return i < b->n_peers;
}

static const ab_gap_events events = {.private_address = private_address,
                                     .private_peer = private_peer};

/* ---- the bed ---- */

privacy_bed *privacy_bed_new(uint8_t resolvable, bool mode) {
  privacy_bed *b = calloc(1, sizeof *b);
  char commands[160], size[8];

  assert_non_null(b);
  (void) snprintf(commands, sizeof commands, "00%068d40%08d%02d%048d", 0, 0, mode ? 4 : 0, 0);
  (void) snprintf(size, sizeof size, "00 %02x", resolvable);
  b->c = fake_controller_new();
  fake_controller_reply(b->c, AB_HCI_READ_LOCAL_COMMANDS, commands);
  fake_controller_reply(b->c, AB_HCI_LE_READ_LOCAL_FEATURES, "00 40 00 00 00 00 00 00 00");
  fake_controller_reply(b->c, AB_HCI_LE_READ_RESOLVING_LIST_SIZE, size);
  fake_controller_ready(b->c);
  ab_gap_init(&b->gap, b->c->env, &events, b);
  b->scan = (ab_gap_scan){
      .interval = 96, .window = 96, .on_start = on_start, .on_report = on_report, .done = on_done};
  for (unsigned i = 0; i < sizeof b->peers / sizeof *b->peers; i++)
    b->peers[i] = (ab_gap_peer){.identity = {AIOBLE_ADDR_RANDOM, {0xc0, 0, 0, 0, 0, (uint8_t) i}},
                                .irk = {{(uint8_t) (0xa0 + i)}},
                                .local_irk = {{0xee}}};
  return b;
}

void privacy_bed_free(privacy_bed *b) {
  ab_gap_end_requests(&b->gap, AIOBLE_ECANCELED);
  ab_gap_stop(&b->gap, AIOBLE_ENODEV);
  fake_controller_free(b->c);
  free(b);
}

void privacy_bed_start(privacy_bed *b, uint64_t rotation_us) {
  ab_gap_set_rotation(&b->gap, rotation_us);
  ab_gap_start(&b->gap, b->c->hci);
  ab_gap_scan_add(&b->gap, &b->scan);
}

/* ---- commands ---- */

uint16_t privacy_bed_answer(privacy_bed *b, uint8_t status) {
  uint8_t sent[260] = {0};
  char event[32];
  size_t len = fake_controller_take(b->c, sent, sizeof sent);

  if (!len)
    return 0;
  (void) snprintf(event, sizeof event, "040e0401%02x%02x%02x", sent[1], sent[2], status);
  fake_controller_gives(b->c, event);
  return (uint16_t) (sent[1] + 0x100u * sent[2]);
}

void privacy_bed_expect(privacy_bed *b, uint16_t opcode, uint8_t status) {
  assert_int_equal(privacy_bed_answer(b, status), opcode);
}

void privacy_bed_expect_params(privacy_bed *b, uint16_t opcode, const char *params) {
  ab_rd found;
  size_t len;
  const uint8_t *octets;

  assert_true(fake_controller_was_sent(b->c, opcode, &found));
  octets = ab_rd_rest(&found, &len);
  assert_hex(octets, len, params);
  privacy_bed_expect(b, opcode, PRIVACY_BED_OK);
}

void privacy_bed_expect_scan(privacy_bed *b) {
  privacy_bed_expect(b, AB_HCI_LE_SET_SCAN_PARAMS, PRIVACY_BED_OK);
  privacy_bed_expect_params(b, AB_HCI_LE_SET_SCAN_ENABLE, "01 00");
}

void privacy_bed_expect_pause(privacy_bed *b) {
  privacy_bed_expect_params(b, AB_HCI_LE_SET_SCAN_ENABLE, "00 00");
}
