/* SPDX-License-Identifier: MIT */
/* A life: stacks are made, chance acts, now and then all comes to rest and is looked at. */
#include "world.h"
#include "host/host.h"

#include <stdlib.h>

enum {
  REST_MS = 5000, /* longer than a link takes to die */
  QUIET_MS = 1000,
  UNREST_MS = 120000, /* slow links have much to carry */
  END_MS = 15000,
  RESTS = 3,
  STEPS = 30,
  MEETINGS = 4,
  MEETING_MS = 300,
  FINDS = 120,
  FIND_MS = 5,
  LIVE_MAX = 20000, /* allocations, of all stacks */
};

/* ---- acting ---- */

void world_act(world *w) {
  static w_deed *const deeds[] = {world_meet,
                                  world_meet,
                                  world_scan,
                                  world_scan_next,
                                  world_scan_stop,
                                  world_advertise,
                                  world_connect,
                                  world_disconnect,
                                  world_update,
                                  world_forget,
                                  world_group,
                                  world_ask_link,
                                  world_find,
                                  world_find,
                                  world_find,
                                  world_write,
                                  world_write,
                                  world_write,
                                  world_write,
                                  world_read,
                                  world_read,
                                  world_use_any,
                                  world_use_any,
                                  world_answer_one,
                                  world_answer_one,
                                  world_take,
                                  world_subscribe,
                                  world_subscribe,
                                  world_notify,
                                  world_notify,
                                  world_indicate,
                                  world_indicate,
                                  world_take_told,
                                  world_change_table,
                                  world_discover,
                                  world_channel_send,
                                  world_channel_send,
                                  world_channel_send,
                                  world_channel_read,
                                  world_channel_read,
                                  world_channel_connect,
                                  world_channel_close,
                                  world_pair,
                                  world_pair,
                                  world_answer_prompt,
                                  world_answer_prompt,
                                  world_answer_prompt,
                                  world_forget_bond};
  unsigned deed = world_roll(w, 8 * sizeof deeds / sizeof *deeds);

  if (deed == 0)
    world_open_or_close(world_side(w));
  else if (deed < 24)
    world_disturb_an_op(w);
  else
    deeds[deed % (sizeof deeds / sizeof *deeds)](world_side(w));
}

static void pass_time(world *w) {
  for (unsigned steps = world_roll(w, STEPS); steps; steps--) {
    (void) aioble_virtual_run_once(w->s.radio);
    if (w->hostile && world_roll(w, 4) == 0)
      world_hostile_act(w->hostile);
  }
  if (world_roll(w, 30) == 0)
    sim_run_ms(&w->s, world_roll(w, 1000));
}

/* links, and handles to begin with */
static void get_acquainted(world *w) {
  for (unsigned i = 0; i < MEETINGS; i++) {
    world_meet(world_side(w));
    sim_run_ms(&w->s, MEETING_MS);
  }
  for (unsigned i = 0; i < FINDS; i++) {
    world_find(&w->sides[i % W_STACKS]);
    sim_run_ms(&w->s, FIND_MS);
  }
}

/* ---- rest ---- */

/* packets make sense, and buffers are free for them. (Data of a link that was refused is for
   nobody.) */
static void check_tidy(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++) {
    const aioble_virtual_stats_t *there = aioble_virtual_stats(w->sides[i].controller);
    const aioble_t *ble = w->sides[i].ble;
    aioble_stats_t here;

    aioble_stats(ble, &here);
    if (ble->hci)
      here.malformed = ab_hci_stats_of(ble->hci)->malformed + ab_hci_stats_of(ble->hci)->reassembly;
    W_CHECK(w, !ble->hci || (!here.malformed && !here.att_malformed),
            "%u: %llu malformed packets, %llu PDUs", i, (unsigned long long) here.malformed,
            (unsigned long long) here.att_malformed);
    W_CHECK(w, !there->command_violations && !there->acl_violations && !there->malformed,
            "the controller of %u: %llu commands and %llu packets too many, %llu malformed", i,
            (unsigned long long) there->command_violations,
            (unsigned long long) there->acl_violations, (unsigned long long) there->malformed);
  }
}

static void check_limits(world *w) {
  W_CHECK(w, w->s.live < LIVE_MAX, "%zu allocations", w->s.live);
  for (unsigned i = 0; i < W_STACKS; i++)
    W_CHECK(w, w->sides[i].ble->n_conns <= 32, "%u links", w->sides[i].ble->n_conns);
}

/* what is owed is given, until nothing is sent any more */
static void come_to_rest(world *w) {
  uint64_t before;
  unsigned ms = 0;

  do {
    before = w->data;
    for (unsigned i = 0; i < W_KEPT; i++)
      world_answer(w, i, false);
    world_pipes_drain(w);
    sim_run_ms(&w->s, QUIET_MS);
    ms += QUIET_MS;
    W_CHECK(w, ms < UNREST_MS, "the links do not come to rest");
  } while (ms < REST_MS || w->data != before);
}

void world_settle(world *w) {
  bool ending = w->ending;

  world_trace(w, "rest", (long) w->n_ops, (long) w->n_links, (long) w->n_ends);
  w->ending = true; /* no ideas */
  world_trouble_over(w);
  come_to_rest(w);
  world_values_check(w);
  check_limits(w);
  if (world_promises(w, W_TIDY))
    check_tidy(w);
  if (world_promises(w, W_AGREE)) {
    world_link_check(w);
    world_tell_check(w);
    world_pipes_check(w);
    world_keys_check(w);
  }
  w->ending = ending;
  aioble_virtual_set_faults(w->s.radio, &w->kind->weather);
}

/* ---- a life ---- */

static void side_begin(world *w, unsigned no) {
  static const aioble_cache_t caches[] = {AIOBLE_CACHE_DEFAULT, AIOBLE_CACHE_ALL, AIOBLE_CACHE_NONE,
                                          AIOBLE_CACHE_DEFAULT};
  static const aioble_virtual_controller_options_t controllers[] = {
      {.acl_len = 0},
      {.acl_len = 27, .acl_count = 2},
      {.rx_fragment = 30, .command_count = 3},
      {.acl_count = 1, .shared_buffers = true}};
  w_side *side = &w->sides[no];
  aioble_options_t options = {.appearance = (uint16_t) no,
                              .mtu = world_roll(w, 2) ? 23 : 0,
                              .random_address = world_roll(w, 3) == 0,
                              .auto_secure = (aioble_auto_secure_t) world_roll(w, 4),
                              .gatt_cache = caches[world_roll(w, 4)],
                              .eatt = world_roll(w, 2) ? 2 : 0};

  side->w = w;
  side->no = no;
  side->closed_at = UINT32_MAX;
  side->remembers = options.gatt_cache == AIOBLE_CACHE_ALL;
  side->ble = sim_stack_new(&w->s, &options, &controllers[world_roll(w, 4)]);
  side->controller = w->s.stacks[no].controller;
  world_values_begin(side);
  world_tell_begin(side);
  world_tables_begin(side);
  world_keys_begin(side);
  world_pipes_begin(side);
}

static void begin(world *w) {
  bool timing;

  w->random = w->options->seed * 0x9e3779b97f4a7c15u + 1;
  timing = world_roll(w, 2);
  w->still = world_roll(w, 2);
  sim_open(&w->s, &(aioble_virtual_options_t){.seed = w->options->seed, .timing = timing});
  w->s.tap = world_tap;
  if (w->kind->hostile)
    w->hostile = world_hostile_new(w);
  for (unsigned i = 0; i < W_STACKS; i++)
    side_begin(w, i);
  world_links_begin(w);
  get_acquainted(w);
  aioble_virtual_set_faults(w->s.radio, &w->kind->weather);
}

static void count_faults(world *w) {
  aioble_virtual_fault_counts_t *sum = &w->options->figures->chances;

  for (unsigned i = 0; i < W_STACKS; i++) {
    const aioble_virtual_stats_t *stats = aioble_virtual_stats(w->sides[i].controller);

#define ADD(member, name) sum->member += stats->by_fault.member;
    W_CHANCES(ADD)
#undef ADD
  }
}

static void end(world *w) {
  w->ending = true;
  world_settle(w);
  aioble_virtual_set_faults(w->s.radio, NULL);
  for (unsigned i = 0; i < w->n_ops; i++)
    aioble_op_cancel(w->ops[i].op);
  sim_run_ms(&w->s, END_MS);
  for (unsigned i = 0; i < W_STACKS; i++) { /* a channel to accept is waited for until then */
    w_op *o = W_PLAY(&w->sides[i], "last close", aioble_close(w->sides[i].ble), NULL);

    if (!o)
      sim_expect(aioble_close(w->sides[i].ble), 0);
  }
  sim_run_ms(&w->s, END_MS);
  for (unsigned i = 0; i < W_STACKS; i++)
    W_CHECK(w, w->sides[i].ble->state == AB_HOST_CLOSED, "%u does not close", i);
  world_ops_end(w);
  count_faults(w);
  if (w->hostile)
    world_hostile_free(w->hostile);
  world_links_end(w);
  world_pipes_end(w);
  for (unsigned i = 0; i < W_STACKS; i++) {
    world_values_end(&w->sides[i]);
    world_tables_end(&w->sides[i]);
  }
  sim_close(&w->s);
  for (unsigned i = 0; i < W_STACKS; i++)
    world_tap_free(w->sides[i].tap);
}

uint64_t world_live(const world_options *options) {
  world *w = calloc(1, sizeof *w);
  uint64_t hash;

  if (!w)
    abort();
  w->options = options;
  w->kind = world_kind_of(options->kind, options->seed);
  w->hash = 0xcbf29ce484222325u;
  begin(w);
  for (w->step = 1; w->step <= options->actions; w->step++) {
    world_act(w);
    if (w->kind->trouble_every && world_roll(w, w->kind->trouble_every) == 0)
      world_trouble(w);
    world_trouble_goes_on(w);
    pass_time(w);
    if (w->step % (options->actions / RESTS + 1) == 0)
      world_settle(w);
  }
  end(w);
  options->figures->runs++;
  hash = w->hash;
  free(w);
  return hash;
}
