/* SPDX-License-Identifier: MIT */
/*
 * Who may use the radio. Scanning, advertising and initiating each are
 *
 *   OFF --start--> STARTING --last step answered--> ON --stop--> STOPPING --answered--> OFF
 *
 * (initiating goes by way of WAIT_EVENT: Connection Complete follows its cancel). ab_gap_run()
 *   1. plans: in order of priority, what is asked for and can be beside the links and what is
 *      planned already (LE supported states);
 *   2. stops what is on and not planned, or is on otherwise than asked;
 *   3. starts what is planned, once all that is not planned is off.
 * While something is to be changed that no activity allows (gap_privacy.c), nothing is planned.
 * It is called whenever a request, a link or an activity changes. What has no place now waits.
 *
 * A controller may refuse a start beside others in spite of its states (Command Disallowed): from
 * then on there is one kind at a time, by priority, for as long as more than one is asked for.
 */
#include "gap/gap_priv.h"

static const ab_gap_kind_ops *const kinds[AB_GAP_KINDS] = {
    [AB_GAP_SCAN] = &ab_gap_scan_ops,
    [AB_GAP_ADV] = &ab_gap_adv_ops,
    [AB_GAP_INIT] = &ab_gap_init_ops,
};
enum { RETRY_US = 20000 };

static const ab_gap_kind by_priority[AB_GAP_KINDS] = {AB_GAP_INIT, AB_GAP_ADV, AB_GAP_SCAN};

void ab_gap_init(ab_gap *gap, ab_env *env, const ab_gap_events *events, void *ctx) {
  memset(gap, 0, sizeof *gap);
  gap->env = env;
  gap->ev = events;
  gap->ctx = ctx;
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    gap->activity[k].gap = gap;
  ab_list_init(&gap->scans);
  ab_gap_queue_init(&gap->advs);
  ab_gap_queue_init(&gap->connects);
  ab_list_init(&gap->links);
}

/* ---- 1. plan ---- */

static bool beside_links(const ab_gap *gap, uint64_t states, ab_le_state state) {
  return (!gap->n_links[AB_HCI_ROLE_CENTRAL] || ab_le_states_allow(states, state, AB_LE_CENTRAL)) &&
         (!gap->n_links[AB_HCI_ROLE_PERIPHERAL] ||
          ab_le_states_allow(states, state, AB_LE_PERIPHERAL));
}

static bool beside_planned(const ab_gap *gap, const bool *plan, uint64_t states, ab_gap_kind kind) {
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    if (plan[k] && (gap->one_at_a_time || !ab_le_states_allow(states, kinds[k]->le_state(gap),
                                                              kinds[kind]->le_state(gap))))
      return false;
  return true;
}

static unsigned n_wanted(const ab_gap *gap) {
  unsigned n = 0;

  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    n += kinds[k]->wanted(gap);
  return n;
}

static void make_plan(ab_gap *gap, bool plan[AB_GAP_KINDS]) {
  uint64_t states = ab_hci_info_of(gap->hci)->le_states;

  if (n_wanted(gap) < 2)
    gap->one_at_a_time = false;
  for (unsigned i = 0; i < AB_GAP_KINDS; i++) {
    ab_gap_kind k = by_priority[i];

    if (kinds[k]->wanted(gap) && beside_links(gap, states, kinds[k]->le_state(gap)))
      plan[k] = beside_planned(gap, plan, states, k);
  }
}

/* ---- 2. and 3. act ---- */

void ab_gap_is_off(ab_gap *gap, ab_gap_kind kind) {
  gap->activity[kind].state = AB_GAP_OFF;
  ab_gap_run(gap);
}

static void start_failed(ab_gap *gap, ab_gap_kind kind, int status) {
  bool others = false;

  gap->activity[kind].state = AB_GAP_OFF;
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    others |= k != kind && gap->activity[k].state != AB_GAP_OFF;
  if (status == AIOBLE_ERR_HCI(AB_HCI_ERR_COMMAND_DISALLOWED) && others && !gap->one_at_a_time)
    gap->one_at_a_time = true;
  else
    kinds[kind]->failed(gap, status);
  ab_gap_run(gap);
}

static void start_step(ab_gap *gap, ab_gap_kind kind) {
  ab_gap_activity *a = &gap->activity[kind];
  int err = kinds[kind]->start(gap, a->step);

  if (err == AIOBLE_EOF) {
    a->state = AB_GAP_ON;
    a->own = gap->own;
    ab_gap_run(gap);
  } else if (err < 0) {
    start_failed(gap, kind, err);
  }
}

static ab_gap_kind kind_of(const ab_gap_activity *a) {
  return (ab_gap_kind) (a - a->gap->activity);
}

void ab_gap_on_start_step(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap_activity *a = ab_container_of(cmd, ab_gap_activity, cmd);

  (void) ret;
  if (status < 0) {
    start_failed(a->gap, kind_of(a), status);
    return;
  }
  a->step++;
  start_step(a->gap, kind_of(a));
}

static void on_stopped(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap_activity *a = ab_container_of(cmd, ab_gap_activity, cmd);
  ab_gap_kind kind = kind_of(a);

  (void) ret;
  if (kinds[kind]->stopped)
    kinds[kind]->stopped(a->gap, status);
  else
    ab_gap_is_off(a->gap, kind);
}

static void on_retry(ab_timer *timer) {
  ab_gap *gap = ab_container_of(timer, ab_gap, retry);

  ab_gap_refuse_next(gap);
  ab_gap_run(gap);
}

void ab_gap_retry_soon(ab_gap *gap) {
  ab_timer_start(gap->env, &gap->retry, RETRY_US, on_retry);
}

static void stop(ab_gap *gap, ab_gap_kind kind) {
  ab_gap_activity *a = &gap->activity[kind];
  const ab_gap_kind_ops *ops = kinds[kind];

  a->state = AB_GAP_STOPPING;
  if (ab_hci_cmd_send(gap->hci, &a->cmd, ops->stop_opcode, ops->stop_params, ops->stop_len,
                      on_stopped) < 0) {
    a->state = AB_GAP_ON; /* no memory now */
    ab_gap_retry_soon(gap);
  }
}

static void act(ab_gap *gap) {
  bool plan[AB_GAP_KINDS] = {false}, clear = true, paused;

  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    kinds[k]->reap(gap);
  if (!gap->started)
    return;
  paused = ab_gap_privacy_due(gap, n_wanted(gap) > 0);
  if (!paused)
    make_plan(gap, plan);
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++) {
    if (gap->activity[k].state == AB_GAP_ON && (!plan[k] || kinds[k]->outdated(gap)))
      stop(gap, k);
    clear &= plan[k] || gap->activity[k].state == AB_GAP_OFF;
  }
  if (paused && clear)
    ab_gap_privacy_work(gap);
  for (ab_gap_kind k = 0; clear && k < AB_GAP_KINDS; k++) {
    if (!plan[k] || gap->activity[k].state != AB_GAP_OFF)
      continue;
    gap->activity[k].state = AB_GAP_STARTING;
    gap->activity[k].step = 0;
    start_step(gap, k);
  }
}

void ab_gap_run(ab_gap *gap) {
  gap->again = true;
  if (gap->running)
    return;
  gap->running = true;
  while (gap->again) {
    gap->again = false;
    act(gap);
  }
  gap->running = false;
}

/* ---- start and stop ---- */

static void on_complete(ab_gap *gap, const ab_hci_le_ev_enh_conn_complete *ev) {
  int status = ev->status ? AIOBLE_ERR_HCI(ev->status) : 0;

  /* a failure as peripheral can only be the end of directed advertising (7.7.65.1) */
  if (ev->status == AB_HCI_ERR_ADV_TIMEOUT || (!ev->status && ev->role == AB_HCI_ROLE_PERIPHERAL))
    ab_gap_adv_connected(gap, status, ev);
  else
    ab_gap_init_connected(gap, status, ev);
  ab_gap_run(gap);
}

static void on_enhanced_connection(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_le_ev_enh_conn_complete ev;

  if (ab_hci_le_ev_enh_conn_complete_read(params, &ev))
    on_complete(gap, &ev);
  else
    gap->malformed++;
}

/* of a controller that knows no private addresses */
static void on_connection(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_le_ev_conn_complete plain;
  ab_hci_le_ev_enh_conn_complete ev;

  if (!ab_hci_le_ev_conn_complete_read(params, &plain)) {
    gap->malformed++;
    return;
  }
  ev = (ab_hci_le_ev_enh_conn_complete){
      .status = plain.status,
      .handle = plain.handle,
      .role = plain.role,
      .peer_addr_type = plain.peer_addr_type,
      .peer_addr = plain.peer_addr,
      .interval = plain.interval,
      .latency = plain.latency,
      .supervision_timeout = plain.supervision_timeout,
      .clock_accuracy = plain.clock_accuracy,
  };
  on_complete(gap, &ev);
}

/* the random address was set during the reset, if one was needed */
static aioble_addr_t identity_of(const ab_hci_info *info) {
  static const ab_addr6 none;
  aioble_addr_t addr = {.type = memcmp(&info->random_addr, &none, sizeof none) != 0};

  memcpy(addr.bytes, addr.type ? info->random_addr.b : info->public_addr.b, sizeof addr.bytes);
  return addr;
}

void ab_gap_start(ab_gap *gap, ab_hci *hci) {
  gap->hci = hci;
  gap->started = true;
  gap->identity = gap->own = identity_of(ab_hci_info_of(hci));
  ab_gap_privacy_start(gap);
  ab_hci_on_le_event(hci, AB_HCI_LE_EV_ADV_REPORT, ab_gap_on_adv_report, gap);
  ab_hci_on_le_event(hci, AB_HCI_LE_EV_CONN_COMPLETE, on_connection, gap);
  ab_hci_on_le_event(hci, AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE, on_enhanced_connection, gap);
  ab_gap_links_register(gap);
  ab_gap_run(gap);
}

void ab_gap_end_requests(ab_gap *gap, int status) {
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    kinds[k]->end_all(gap, status);
  ab_gap_run(gap);
}

void ab_gap_hold(ab_gap *gap) {
  gap->started = false;
  ab_timer_stop(gap->env, &gap->init_timer);
  ab_timer_stop(gap->env, &gap->retry);
  gap->init_pause = gap->init_ended = false;
  ab_gap_privacy_hold(gap);
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++) {
    if (gap->hci)
      ab_hci_cmd_detach(gap->hci, &gap->activity[k].cmd);
    gap->activity[k].state = AB_GAP_OFF;
  }
}

void ab_gap_stop(ab_gap *gap, int status) {
  ab_gap_hold(gap);
  if (gap->hci)
    ab_gap_links_stop(gap, status);
  gap->one_at_a_time = false;
  gap->hci = NULL;
}
