/* SPDX-License-Identifier: MIT */
/*
 * From any state to closed:
 *
 *   READY --close--> DRAINING --all links have ended, or DRAIN_US--> RESET
 *   RESET --the controller has answered, or RESET_US--> CLOSING
 *   any --failure, loss, or close while opening--> CLOSING --transport is closed--> CLOSED
 *
 * On the way everything pending settles: at a close what was asked before it, at a failure or loss
 * what was asked until then. What is asked later waits in the queues and has the adapter opened
 * again. In CLOSED there is no transport and no controller; with nothing left to do the handles on
 * a uv loop go, too, and then those who asked for the close are told.
 */
#include "host/host.h"

enum { DRAIN_US = 1000000, RESET_US = 500000 };

void ab_host_settle_all(ab_list *ops, int status, const char *why) {
  ab_list taken, *n;

  ab_list_take_all(&taken, ops);
  while ((n = ab_list_pop(&taken)))
    ab_op_settle_why(ab_container_of(n, aioble_op_t, node), status, why);
}

static void end_asked(aioble_t *ble, int status) {
  ab_gap_end_requests(&ble->gap, status);
  ab_host_settle_all(&ble->opens, status, ab_host_why(ble, status));
  ab_host_settle_all(&ble->written, status, ab_host_why(ble, status));
  ab_listeners_end(ble, status, false);
}

/* ---- in order: links, controller ---- */

static void give_up(aioble_t *ble) {
  ab_host_lost(ble, AIOBLE_ECANCELED, NULL);
}

static void on_reset(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  (void) status;
  (void) ret;
  give_up(ab_container_of(cmd, aioble_t, reset_cmd));
}

static void on_time_up(ab_timer *timer);

static void reset(aioble_t *ble) {
  ble->state = AB_HOST_RESET;
  ab_timer_start(&ble->env, &ble->state_timer, RESET_US, on_time_up);
  if (ab_hci_cmd_send(ble->hci, &ble->reset_cmd, AB_HCI_RESET, NULL, 0, on_reset) < 0)
    give_up(ble);
}

static void on_time_up(ab_timer *timer) {
  aioble_t *ble = ab_container_of(timer, aioble_t, state_timer);

  if (ble->state == AB_HOST_DRAINING)
    reset(ble);
  else
    give_up(ble);
}

void ab_host_link_gone(aioble_t *ble) {
  if (ble->state == AB_HOST_DRAINING && ble->n_conns == 0)
    reset(ble);
}

static void drain(aioble_t *ble) {
  ble->state = AB_HOST_DRAINING;
  ab_timer_start(&ble->env, &ble->state_timer, DRAIN_US, on_time_up);
  AB_LIST_EACH(n, &ble->conns)
    (void) ab_gap_disconnect(&ab_container_of(n, aioble_conn_t, node)->link,
                             AB_HCI_ERR_REMOTE_USER);
  ab_host_link_gone(ble);
}

void ab_host_close(aioble_t *ble) {
  ab_host_touch(ble);
  ble->reopen = ble->tell_lost = false;
  ab_gap_hold(&ble->gap);
  end_asked(ble, AIOBLE_ECANCELED);
  ab_listeners_end(ble, AIOBLE_ECANCELED, true);
  if (ble->state == AB_HOST_READY) {
    drain(ble);
  } else if (ble->state == AB_HOST_OPENING || ble->state == AB_HOST_STARTING) {
    ble->state = AB_HOST_RESET; /* not worth waiting for */
    give_up(ble);
  }
}

/* ---- at once ---- */

void ab_host_add_hci_stats(const aioble_t *ble, aioble_stats_t *stats) {
  const ab_hci_stats *hci = ab_hci_stats_of(ble->hci);

  stats->acl_in += hci->acl_in;
  stats->acl_out += hci->acl_out;
  stats->events += hci->events;
  stats->commands += hci->commands;
  stats->malformed += hci->malformed + hci->unknown_link + hci->reassembly;
}

void ab_host_tear_down(aioble_t *ble, int status) {
  bool closing = ble->state >= AB_HOST_DRAINING;

  ble->lost = 0;
  ble->state = AB_HOST_CLOSING;
  ab_timer_stop(&ble->env, &ble->state_timer);
  ab_gap_hold(&ble->gap);
  if (!closing)
    end_asked(ble, status);
  ab_gap_stop(&ble->gap, status);
  ab_server_stop(ble, status);
  if (ble->hci) {
    ab_host_add_hci_stats(ble, &ble->stats);
    ab_hci_stop(ble->hci, status);
    ab_hci_free(ble->hci);
    ble->hci = NULL;
  }
  if (ab_snoop_close(ble->snoop) < 0)
    ab_log(&ble->env, AB_LOG_WARN, "the capture file is not whole");
  ble->snoop = NULL;
  ab_host_save(ble);
  ab_store_close(ble->store);
  ble->store = NULL;
  if (ble->transport_open)
    ble->transport->ops->close(ble->transport);
  else
    ab_host_on_closed(ble);
}

void ab_host_on_closed(void *ctx) {
  aioble_t *ble = ctx;

  ble->transport_open = false;
  if (ble->transport && ble->transport != ble->options.transport)
    ble->transport->ops->destroy(ble->transport);
  ble->transport = NULL;
  ble->state = AB_HOST_CLOSED;
  ab_host_touch(ble);
  aioble_unref(ble); /* that of being open */
}

/* ---- closed ---- */

/* The last handle has gone: a turn without a loop, in which the close is told. */
static void on_loop_closed(void *ctx) {
  aioble_t *ble = ctx;

  ble->in_turn = true;
  ab_host_settle_all(&ble->closes, 0, NULL);
  ab_ops_deliver(ble);
  ble->in_turn = false;
  if (ble->reopen || !ab_list_empty(&ble->ops.ready) || !ab_list_empty(&ble->closes))
    ab_host_touch(ble);
  aioble_unref(ble);
}

static void let_go_of_loop(aioble_t *ble) {
  aioble_loop_t *loop = ble->loop;

  aioble_ref(ble);
  ble->loop = NULL;
  ble->turn_wanted = false;
  loop->ops->close(loop, on_loop_closed, ble);
}

void ab_host_after_close(aioble_t *ble) {
  bool idle = !ble->reopen && ab_timers_next(&ble->env.timers) == AIOBLE_NEVER;

  if (ble->loop == ble->options.loop) {
    ab_host_settle_all(&ble->closes, 0, NULL);
  } else if (idle || !ab_list_empty(&ble->closes)) {
    let_go_of_loop(ble);
    return;
  }
  if (ble->reopen)
    ab_host_want_open(ble);
}
