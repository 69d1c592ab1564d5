/* SPDX-License-Identifier: MIT */
#include "helpers/fake_controller.h"

#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fake_packet {
  struct fake_packet *next;
  size_t len;
  uint8_t data[];
} fake_packet;

static int on_send(void *ctx, const uint8_t *packet, size_t len) {
  fake_controller *c = ctx;
  fake_packet *p;

  if (!c->room)
    return AIOBLE_EAGAIN;
  c->room--;
  p = malloc(sizeof *p + len);
  assert_non_null(p);
  p->next = NULL;
  p->len = len;
  memcpy(p->data, packet, len);
  if (c->last)
    c->last->next = p;
  else
    c->first = p;
  c->last = p;
  return 0;
}

static void on_failed(void *ctx, int status, const char *why) {
  fake_controller *c = ctx;

  c->failures++;
  c->failed_status = status;
  (void) snprintf(c->why, sizeof c->why, "%s", why);
  if (c->stop_on_failure)
    ab_hci_stop(c->hci, AIOBLE_ENODEV);
}

static const struct {
  uint16_t opcode;
  const char *hex;
} simple[] = {
    {AB_HCI_RESET, "00"},
    {AB_HCI_READ_LOCAL_VERSION, "00 0c 00 00 0c f1 05 00 00"},
    {AB_HCI_READ_LOCAL_COMMANDS, "12"},
    {AB_HCI_READ_LOCAL_FEATURES, "00 00 00 00 00 60 00 00 00"},
    {AB_HCI_READ_BD_ADDR, "00 06 05 04 03 02 01"},
    {AB_HCI_SET_EVENT_MASK, "00"},
    {AB_HCI_LE_READ_LOCAL_FEATURES, "00 00 00 00 00 00 00 00 00"},
    {AB_HCI_LE_READ_BUFFER_SIZE, "00 1b 00 08"},
    {AB_HCI_LE_READ_SUPPORTED_STATES, "00 ff ff ff ff ff 03 00 00"},
    {AB_HCI_LE_SET_EVENT_MASK, "00"},
    {AB_HCI_LE_SET_RANDOM_ADDR, "00"},
};

fake_controller *fake_controller_new(void) {
  fake_controller *c = calloc(1, sizeof *c);

  assert_non_null(c);
  c->env = fake_env_new();
  ab_bufs_init(&c->bufs, c->env, 32);
  c->room = 1u << 30;
  c->hci = ab_hci_new(c->env, &c->bufs, &(ab_hci_down){on_send, on_failed, c});
  assert_non_null(c->hci);
  for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++)
    fake_controller_reply(c, simple[i].opcode, simple[i].hex);
  return c;
}

void fake_controller_free(fake_controller *c) {
  ab_hci_stop(c->hci, AIOBLE_ENODEV);
  ab_hci_free(c->hci);
  ab_bufs_free(&c->bufs);
  fake_controller_forget(c);
  fake_env_free(c->env);
  free(c);
}

void fake_controller_gives(fake_controller *c, const char *text) {
  static const size_t max = 70000;
  uint8_t *data = malloc(max), *exact;
  size_t len = hex_read(text, data, max);

  exact = malloc(len ? len : 1); /* so that a read beyond the packet is seen */
  memcpy(exact, data, len);
  free(data);
  ab_hci_rx(c->hci, exact, len);
  free(exact);
}

size_t fake_controller_take(fake_controller *c, uint8_t *data, size_t size) {
  fake_packet *p = c->first;
  size_t len;

  if (!p)
    return 0;
  c->first = p->next;
  if (!c->first)
    c->last = NULL;
  len = p->len;
  assert_true(len <= size);
  memcpy(data, p->data, len);
  free(p);
  return len;
}

void fake_controller_got(fake_controller *c, const char *text) {
  uint8_t data[2048];
  size_t len = fake_controller_take(c, data, sizeof data);

  assert_hex(data, len, text);
}

void fake_controller_got_nothing(fake_controller *c) {
  if (c->first)
    assert_hex(c->first->data, c->first->len, "");
}

void fake_controller_forget(fake_controller *c) {
  fake_packet *p;

  while ((p = c->first)) {
    c->first = p->next;
    free(p);
  }
  c->last = NULL;
}

unsigned fake_controller_pending(const fake_controller *c) {
  unsigned n = 0;

  for (const fake_packet *p = c->first; p; p = p->next)
    n++;
  return n;
}

static uint16_t opcode_of(const fake_packet *p, ab_rd *params) {
  ab_rd r = ab_rd_of(p->data, p->len);
  bool command = ab_rd_u8(&r) == 1;
  uint16_t opcode = ab_rd_le16(&r);
  uint8_t len = ab_rd_u8(&r);

  assert_true(!command || len == ab_rd_left(&r));
  if (params)
    *params = r;
  return command ? opcode : 0;
}

bool fake_controller_was_sent(const fake_controller *c, uint16_t opcode, ab_rd *params) {
  for (const fake_packet *p = c->first; p; p = p->next)
    if (opcode_of(p, params) == opcode)
      return true;
  return false;
}

/* a reply is kept as the whole Command Complete: its opcode's place is found by its text */
static char *reply_of(fake_controller *c, uint16_t opcode) {
  char key[8];

  (void) snprintf(key, sizeof key, "%02x %02x", opcode & 0xff, opcode >> 8);
  for (unsigned i = 0; i < c->replies; i++)
    if (strncmp(c->reply[i], key, 5) == 0)
      return c->reply[i];
  return NULL;
}

void fake_controller_reply(fake_controller *c, uint16_t opcode, const char *hex) {
  char *reply = reply_of(c, opcode);

  if (!reply) {
    assert_true(c->replies < 32);
    reply = c->reply[c->replies++];
  }
  (void) snprintf(reply, sizeof c->reply[0], "%02x %02x %s", opcode & 0xff, opcode >> 8, hex);
}

static void on_start(void *ctx, int status, const char *why) {
  fake_controller *c = ctx;

  c->starts++;
  c->start_status = status;
  (void) snprintf(c->why, sizeof c->why, "%s", why ? why : "");
}

/* one Command Complete for the command; false: it stays silent */
static bool answer(fake_controller *c, uint16_t opcode) {
  const char *reply = reply_of(c, opcode);
  uint8_t params[80];
  char packet[256], unknown[16];

  (void) snprintf(unknown, sizeof unknown, "%02x %02x 01", opcode & 0xff, opcode >> 8);
  if (!reply)
    reply = unknown;
  if (strlen(reply) <= 6)
    return false;
  (void) snprintf(packet, sizeof packet, "04 0e %02zx 01 %s",
                  1 + hex_read(reply, params, sizeof params), reply);
  fake_controller_gives(c, packet);
  return true;
}

void fake_controller_start(fake_controller *c, const ab_hci_config *config) {
  unsigned before = c->starts;
  const fake_packet *seen = NULL, *next;

  ab_hci_start(c->hci, config, on_start, c);
  assert_int_equal(c->starts, before); /* never inline */
  fake_env_advance(c->env, 0);
  while (c->starts == before) {
    next = seen ? seen->next : c->first;
    if (!next || !answer(c, opcode_of(next, NULL)))
      break;
    seen = next;
  }
}

void fake_controller_ready(fake_controller *c) {
  fake_controller_start(c, &(ab_hci_config){.static_addr = {{0xc0, 1, 2, 3, 4, 5}}});
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, 0);
  fake_controller_forget(c);
}
