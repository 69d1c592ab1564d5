/* SPDX-License-Identifier: MIT */
/*
 * A peer that pairs as it likes: cases 30 to 37. Case numbers are those of SECURITY.md's list. In
 * each the neighbour is served afterwards, and nothing is left.
 */
#include "helpers/hostile_bed.h"
#include "helpers/pdu_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PDU_TEXT = 512, SMP_MAX = 65, PUBLIC_KEY = 0x0c };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Pairing Request: no input, no output, no OOB data, 16 octets, no keys; … legacy, with a bond; …
 */
#define LEGACY_REQUEST "01 03 00 01 10 00 00"
/* … or LE Secure Connections */
#define SC_REQUEST "01 03 00 09 10 00 00"

/* … of a victim that takes legacy pairing, too */
static void open_to_all(hostile_bed *b) {
  hostile_open(b, true);
  assert_int_equal(aioble_config_set(b->victim, "le_secure", "false"), 0);
}

/* no link is secure by whatever was said, and no bond is there */
static void expect_nothing_gained(hostile_bed *b) {
  assert_false(aioble_conn_security(b->conn).encrypted);
  assert_int_equal(aioble_bonds(b->victim, NULL, 0), 0);
  hostile_asks(b, CID_ATT, "0a 15 00", "01 0a 15 00 05");
  hostile_alive(b);
}

static void case_30_any_code_at_any_length(void **state) {
  hostile_bed b;
  char text[PDU_TEXT];

  (void) state;
  hostile_open(&b, true);
  for (unsigned code = 0; code <= UINT8_MAX; code++)
    for (unsigned len = 0; len < 4; len++) {
      (void) snprintf(text, sizeof text, len ? "%02x 03*%u" : "%02x", code, len * len * 2);
      hostile_mumbles(&b, CID_SMP, text);
    }
  hostile_mumbles(&b, CID_SMP, "");
  assert_true(hostile_stats(&b).smp_dropped >= UINT8_MAX);
  expect_nothing_gained(&b);
  hostile_close(&b);
}

/* … in the state that each way of pairing begins with */
static void case_30_any_code_in_a_pairing(void **state) {
  static const char *const requests[] = {LEGACY_REQUEST, SC_REQUEST};
  static const char *const rest[] = {"", " 00*6", " 00*16", " 00*64", " ff*80"};
  hostile_bed b;
  char text[PDU_TEXT];

  (void) state;
  open_to_all(&b);
  for (size_t i = 0; i < COUNT(requests); i++)
    for (unsigned code = 0; code < 0x12; code++)
      for (size_t k = 0; k < COUNT(rest); k++) {
        hostile_mumbles(&b, CID_SMP, requests[i]);
        (void) snprintf(text, sizeof text, "%02x%s", code, rest[k]);
        hostile_mumbles(&b, CID_SMP, text);
        hostile_mumbles(&b, CID_SMP, "05 08"); /* whatever it was: it ends here */
        sim_run_ms(&b.s, 600000);              /* longer than any penalty for failures */
      }
  expect_nothing_gained(&b);
  hostile_close(&b);
}

static void case_31_key_sizes_that_are_not_ours(void **state) {
  static const struct {
    const char *request, *answer;
  } cases[] = {
      {"01 03 00 09 00 00 00", "05 0a"},
      {"01 03 00 09 06 00 00", "05 0a"},
      {"01 03 00 09 11 00 00", "05 0a"},
      {"01 03 00 09 ff 00 00", "05 0a"},
      {"01 03 00 09 07 00 00", "05 06"},
      {"01 03 00 09 0f 00 00", "05 06"},
      {"01 03 00 01 07 00 00", "05 06"},
      {"01 05 00 09 10 00 00", "05 0a"}, /* a capability there is not */
      {"01 03 02 09 10 00 00", "05 0a"},
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    open_to_all(&b);
    hostile_asks(&b, CID_SMP, cases[i].request, cases[i].answer);
    expect_nothing_gained(&b);
    hostile_close(&b);
  }
}

static void case_32_public_keys_that_are_none(void **state) {
  static const char *const keys[] = {
      "0c 00*64",       /* no point at all */
      "0c 01*32 02*32", /* off the curve */
      "0c ff*64",       /* beyond the field */
      "0c 01*31 02*32", /* one octet short */
      "0c",
      /* the debug key of the specification (Part H, 2.3.5.6.1), least significant octet first */
      "0c e6 9d 35 0e 48 01 03 cc db fd f4 ac 11 91 f4 ef b9 a5 f9 e9 a7 83 2c 5e 2c be 97 f2 d2 "
      "03 b0 20"
      " 8b d2 89 15 d0 8e 1c 74 24 30 ed 8f c2 45 63 76 5c 15 52 5a bf 9a 32 63 6d eb 2a 65 49 9c "
      "80 dc",
  };
  hostile_bed b;
  uint8_t heard[SMP_MAX];

  (void) state;
  for (size_t i = 0; i < COUNT(keys); i++) {
    hostile_open(&b, true);
    hostile_asks(&b, CID_SMP, SC_REQUEST, "02 ?? 00 ?? 10 ?? ??");
    hostile_says(&b, CID_SMP, keys[i]);
    do /* a key may come before the other is judged; what comes of it is a failure */
      (void) hostile_takes(&b, CID_SMP, heard, sizeof heard);
    while (heard[0] == PUBLIC_KEY);
    assert_int_equal(heard[0], 0x05);
    expect_nothing_gained(&b);
    hostile_close(&b);
  }
}

static void case_33_our_own_public_key_comes_back(void **state) {
  const aioble_pair_options_t options = {.le_secure = AIOBLE_LE_SECURE_REQUIRED,
                                         .io = AIOBLE_IO_NONE};
  hostile_bed b;
  uint8_t key[SMP_MAX];
  aioble_op_t *pair;

  (void) state;
  for (unsigned flipped = 0; flipped < 2; flipped++) {
    hostile_open(&b, false);
    pair = aioble_conn_pair(b.conn, &options);
    hostile_hears(&b, CID_SMP, "01 03 00 ?? 10 ?? ??");
    hostile_says(&b, CID_SMP, "02 03 00 09 10 00 00");
    assert_int_equal(hostile_takes(&b, CID_SMP, key, sizeof key), SMP_MAX);
    assert_int_equal(key[0], PUBLIC_KEY);
    key[SMP_MAX - 1] ^= (uint8_t) (flipped ? 0x80 : 0); /* X is ours, Y is not */
    hostile_says_octets(&b, CID_SMP, key, sizeof key);
    hostile_hears(&b, CID_SMP, "05 ??");
    assert_true(aioble_op_await(pair) < 0);
    aioble_op_unref(pair);
    expect_nothing_gained(&b);
    hostile_close(&b);
  }
}

static void case_34_steps_that_are_left_out(void **state) {
  static const struct {
    const char *first, *then;
  } cases[] = {
      {SC_REQUEST, "0d 00*16"}, /* the check before the keys */
      {SC_REQUEST, "04 00*16"}, /* the random number, too */
      {SC_REQUEST, "03 00*16"}, /* a commitment that the central does not make here */
      {SC_REQUEST, "06 00*16"}, /* keys on a link that is not encrypted */
      {SC_REQUEST, "08 00*16"},     {LEGACY_REQUEST, "04 00*16"}, /* a random number without its
                                                                     commitment */
      {LEGACY_REQUEST, "0c 00*64"}, /* a public key in legacy pairing */
      {LEGACY_REQUEST, "0d 00*16"}, {LEGACY_REQUEST, "06 00*16"}, {LEGACY_REQUEST, "0a 00*16"},
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    open_to_all(&b);
    hostile_says(&b, CID_SMP, cases[i].first);
    hostile_hears(&b, CID_SMP, "02 ?? 00 ?? 10 ?? ??");
    hostile_asks(&b, CID_SMP, cases[i].then, "05 ??");
    expect_nothing_gained(&b);
    hostile_close(&b);
  }
}

/* LE Enable Encryption by the peer, with that key: what the controllers made of it */
static uint8_t encrypt(hostile_bed *b, ab_hci_le_enable_enc command) {
  ab_hci_ev_encryption ev;
  ab_rd r;

  command.handle = b->handle;
  assert_int_equal(vr_host_do_hci_le_enable_enc(&b->host, AB_HCI_LE_ENABLE_ENCRYPTION, &command),
                   0);
  assert_true(vr_host_wait(&b->host, AB_HCI_EV_ENCRYPTION_CHANGE, &r));
  assert_true(ab_hci_ev_encryption_read(&r, &ev));
  return ev.status;
}

static void case_34_encryption_before_there_is_a_key(void **state) {
  static const char *const first[] = {"", LEGACY_REQUEST, SC_REQUEST};
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(first); i++) {
    open_to_all(&b);
    hostile_mumbles(&b, CID_SMP, first[i]);
    assert_int_equal(encrypt(&b, (ab_hci_le_enable_enc){0}), AB_HCI_ERR_PIN_OR_KEY_MISSING);
    expect_nothing_gained(&b);
    assert_int_equal(encrypt(&b, (ab_hci_le_enable_enc){.rand = UINT64_MAX, .ediv = UINT16_MAX}),
                     AB_HCI_ERR_PIN_OR_KEY_MISSING);
    expect_nothing_gained(&b);
    hostile_close(&b);
  }
}

/* ---- somebody with another's address ---- */

enum { VICTIM, TRUE_PEER, IMPOSTOR };

static const aioble_virtual_controller_options_t same_address = {
    .public_addr = {0xc0, 0xff, 0xee, 0, 0, 1}};

typedef struct theft {
  sim s;
  aioble_t *ble[3];
  aioble_conn_t *at_victim, *at_other;
} theft;

static aioble_t *newcomer(theft *t, const aioble_virtual_controller_options_t *controller) {
  aioble_t *ble = sim_stack_new(&t->s, NULL, controller);

  assert_int_equal(aioble_config_set(ble, "bond", "true"), 0);
  return ble;
}

static void part(theft *t) {
  (void) aioble_op_finish(aioble_conn_disconnect(t->at_victim));
  (void) aioble_op_finish(aioble_conn_disconnected(t->at_other));
  t->at_victim = aioble_conn_unref(t->at_victim);
  t->at_other = aioble_conn_unref(t->at_other);
}

/* the victim is bonded with a peer, which goes; another takes its place */
static void steal(theft *t) {
  memset(t, 0, sizeof *t);
  sim_open(&t->s, NULL);
  t->ble[VICTIM] = newcomer(t, NULL);
  t->ble[TRUE_PEER] = newcomer(t, &same_address);
  sim_connect(t->ble[VICTIM], t->ble[TRUE_PEER], &t->at_victim, &t->at_other);
  sim_expect(aioble_conn_pair(t->at_victim, NULL), 0);
  assert_true(aioble_conn_security(t->at_victim).bonded);
  part(t);
  sim_expect(aioble_close(t->ble[TRUE_PEER]), 0);
  t->ble[IMPOSTOR] = newcomer(t, &same_address);
}

static void case_35_a_bond_is_not_replaced_by_who_claims_its_address(void **state) {
  theft t;
  aioble_addr_t addr;
  aioble_device_t *device;
  aioble_op_t *advertising, *connecting;

  (void) state;
  steal(&t);
  addr = sim_addr(t.ble[VICTIM]); /* the impostor is the central: it may pair, or try to */
  device = aioble_device_new(t.ble[IMPOSTOR], &addr);
  advertising = aioble_advertise(t.ble[VICTIM], NULL);
  connecting = sim_ok(aioble_device_connect(device, NULL));
  (void) aioble_op_await(advertising);
  assert_true(aioble_op_finish(aioble_conn_pair(aioble_op_conn(connecting), NULL)) < 0);
  aioble_op_unref(connecting);
  aioble_op_unref(advertising);
  aioble_device_unref(device);
  assert_int_equal(aioble_bonds(t.ble[VICTIM], NULL, 0), 1);
  sim_expect(aioble_close(t.ble[IMPOSTOR]), 0);
  sim_connect(t.ble[VICTIM], t.ble[TRUE_PEER], &t.at_victim,
              &t.at_other); /* the true one is known */
  assert_true(aioble_conn_security(t.at_victim).bonded);
  part(&t);
  sim_close(&t.s);
}

static void case_36_a_bonded_peer_without_its_key_is_not_spoken_to(void **state) {
  theft t;
  aioble_addr_t addr;
  aioble_device_t *device;
  aioble_op_t *advertising;

  (void) state;
  steal(&t);
  addr = sim_addr(t.ble[IMPOSTOR]);
  device = aioble_device_new(t.ble[VICTIM], &addr);
  advertising = aioble_advertise(t.ble[IMPOSTOR], NULL);
  sim_expect(aioble_device_connect(device, NULL), AIOBLE_ERR_HCI(AB_HCI_ERR_PIN_OR_KEY_MISSING));
  aioble_op_cancel(advertising);
  (void) aioble_op_finish(advertising);
  aioble_device_unref(device);
  assert_int_equal(aioble_bonds(t.ble[VICTIM], NULL, 0), 1);
  sim_close(&t.s);
}

/* ---- failures, and silence ---- */

static void case_37_requests_that_are_invalid(void **state) {
  static const char *const requests[] = {
      "01",
      "01 03 00 09 10 00",
      "01 03 00 09 10 00 00 00", /* of another length */
      "0b 01",                   /* a Security Request from the central */
      "02 03 00 09 10 00 00",    /* a response to nothing */
      "0e 00",
      "0e",
      "ff 00",
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(requests); i++)
    hostile_mumbles(&b, CID_SMP, requests[i]);
  expect_nothing_gained(&b);
  hostile_close(&b);
}

static void case_37_failures_cost_time(void **state) {
  hostile_bed b;
  unsigned refused = 0;
  uint8_t heard[SMP_MAX];

  (void) state;
  hostile_open(&b, true);
  for (unsigned i = 0; i < 20; i++) { /* one guess after the other */
    hostile_says(&b, CID_SMP, SC_REQUEST);
    (void) hostile_takes(&b, CID_SMP, heard, sizeof heard);
    refused += heard[0] == 0x05 && heard[1] == 0x09;
    hostile_mumbles(&b, CID_SMP, "05 04");
  }
  assert_true(refused >= 10);
  assert_int_equal(hostile_stats(&b).pairings_refused, refused);
  assert_int_equal(hostile_stats(&b).pairings_failed, 20 - refused);
  expect_nothing_gained(&b);
  sim_run_ms(&b.s, 24ull * 3600 * 1000);
  hostile_asks(&b, CID_SMP, SC_REQUEST, "02 ?? 00 ?? 10 ?? ??"); /* but not for ever */
  hostile_close(&b);
}

static void case_37_silence_ends_it_for_that_link(void **state) {
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  hostile_asks(&b, CID_SMP, SC_REQUEST, "02 ?? 00 ?? 10 ?? ??");
  sim_run_ms(&b.s, 31000);
  hostile_says(&b, CID_SMP, SC_REQUEST); /* Part H, 3.4: not on this link any more */
  hostile_hears_nothing(&b, CID_SMP);
  expect_nothing_gained(&b);
  hostile_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(case_30_any_code_at_any_length),
      cmocka_unit_test(case_30_any_code_in_a_pairing),
      cmocka_unit_test(case_31_key_sizes_that_are_not_ours),
      cmocka_unit_test(case_32_public_keys_that_are_none),
      cmocka_unit_test(case_33_our_own_public_key_comes_back),
      cmocka_unit_test(case_34_steps_that_are_left_out),
      cmocka_unit_test(case_34_encryption_before_there_is_a_key),
      cmocka_unit_test(case_35_a_bond_is_not_replaced_by_who_claims_its_address),
      cmocka_unit_test(case_36_a_bonded_peer_without_its_key_is_not_spoken_to),
      cmocka_unit_test(case_37_requests_that_are_invalid),
      cmocka_unit_test(case_37_failures_cost_time),
      cmocka_unit_test(case_37_silence_ends_it_for_that_link),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
