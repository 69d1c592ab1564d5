/* SPDX-License-Identifier: MIT */
/*
 * Commands (Core Vol 4, Part E, 4.4, 7.7.14, 7.7.15).
 *
 *   idle -send-> WAITING for a credit -sent-> on the AIR -answer-> idle
 *
 * 1. A command is queued as a packet; commands leave in order, while the controller has credits
 *    (Num_HCI_Command_Packets of its last answer) and the transport takes them.
 * 2. Command Complete or Command Status answers the oldest command of that opcode on the air. One
 *    with opcode 0 only brings credits; one for no command of ours is counted.
 * 3. Each command on the air is due 2 s after it was sent (Reset: 4 s). Without any there, waiting
 *    ones are due 2 s after the last answer: a controller that never gives a credit back is silent,
 *    too. A silent controller is beyond use.
 *
 * One timer, for the first due: it is not moved with each command, but looks again when it fires.
 */
#include "hci/hci_priv.h"

static uint64_t timeout_of(uint16_t opcode) {
  return opcode == AB_HCI_RESET ? AB_HCI_RESET_TIMEOUT_US : AB_HCI_CMD_TIMEOUT_US;
}

static ab_hci_cmd *first_waiting(const ab_hci *hci) {
  ab_list *n = ab_list_first(&hci->waiting);

  return n ? ab_container_of(n, ab_hci_cmd, node) : NULL;
}

/* off the queue; cmd may be NULL */
static void finish(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  if (!cmd)
    return;
  cmd->pending = false;
  cmd->fn(cmd, status, ret);
}

static void finish_empty(ab_hci_cmd *cmd, int status) {
  ab_rd none = ab_rd_of(NULL, 0);

  finish(cmd, status, &none);
}

static ab_hci_cmd *take_waiting(ab_hci *hci) {
  ab_hci_cmd *cmd = first_waiting(hci);

  if (cmd) {
    ab_list_remove(&cmd->node);
    ab_buf_free(cmd->buf);
    cmd->buf = NULL;
  }
  return cmd;
}

static ab_hci_cmd *take_air(ab_hci *hci, unsigned at) {
  ab_hci_cmd *cmd = hci->air[at].cmd;

  hci->air_count--;
  for (; at < hci->air_count; at++)
    hci->air[at] = hci->air[at + 1];
  return cmd;
}

/* ---- silence ---- */

static void on_timer(ab_timer *timer) {
  ab_hci *hci = ab_container_of(timer, ab_hci, cmd_timer);
  bool on_air = hci->air_count > 0;
  uint64_t due = on_air ? hci->air[0].due_us : hci->answered_us + AB_HCI_CMD_TIMEOUT_US;
  uint16_t opcode;

  if (hci->env->now_us < due) {
    ab_timer_start(hci->env, timer, due - hci->env->now_us, on_timer);
    return;
  }
  ab_hci_enter(hci);
  opcode = on_air ? hci->air[0].opcode : first_waiting(hci)->opcode;
  finish_empty(on_air ? take_air(hci, 0) : take_waiting(hci), AIOBLE_ETIMEDOUT);
  ab_hci_fail(hci, AIOBLE_ETIMEDOUT, "the controller does not answer command 0x%04x", opcode);
  ab_hci_leave(hci);
}

static void watch(ab_hci *hci) {
  bool idle = !hci->air_count && ab_list_empty(&hci->waiting);

  if (idle || !ab_hci_running(hci))
    ab_timer_stop(hci->env, &hci->cmd_timer);
  else if (!hci->cmd_timer.running)
    ab_timer_start(hci->env, &hci->cmd_timer, AB_HCI_CMD_TIMEOUT_US, on_timer);
}

/* ---- out ---- */

static bool may_send(const ab_hci *hci) {
  return hci->cmd_credits && hci->air_count < AB_HCI_AIR_MAX && !hci->blocked &&
         !ab_list_empty(&hci->waiting);
}

void ab_hci_cmds_pump(ab_hci *hci) {
  while (ab_hci_running(hci) && may_send(hci)) {
    ab_hci_cmd *cmd = first_waiting(hci);

    if (hci->down.send(hci->down.ctx, cmd->buf->p, cmd->buf->len) < 0) {
      hci->blocked = true;
      break;
    }
    take_waiting(hci);
    hci->cmd_credits--;
    hci->stats.commands++;
    hci->air[hci->air_count++] =
        (ab_hci_air){cmd, hci->env->now_us + timeout_of(cmd->opcode), cmd->opcode};
  }
  watch(hci);
}

int ab_hci_cmd_queue(ab_hci *hci, ab_hci_cmd *cmd, uint16_t opcode, const void *params, size_t len,
                     ab_hci_cmd_fn *fn) {
  ab_wr w;

  if (cmd->pending)
    return AIOBLE_EBUSY;
  if (len > UINT8_MAX)
    return AIOBLE_EINVAL;
  cmd->buf = ab_buf_new(hci->bufs, 4 + len);
  if (!cmd->buf)
    return AIOBLE_ENOMEM;
  cmd->buf->secret = true; /* some are */
  w = ab_buf_writer(cmd->buf);
  ab_wr_u8(&w, AIOBLE_H4_COMMAND);
  ab_wr_le16(&w, opcode);
  ab_wr_u8(&w, (uint8_t) len);
  ab_wr_bytes(&w, params, len);
  ab_buf_wrote(cmd->buf, &w);
  cmd->fn = fn;
  cmd->opcode = opcode;
  cmd->pending = true;
  ab_list_push(&hci->waiting, &cmd->node);
  ab_hci_cmds_pump(hci);
  return 0;
}

int ab_hci_cmd_send(ab_hci *hci, ab_hci_cmd *cmd, uint16_t opcode, const void *params, size_t len,
                    ab_hci_cmd_fn *fn) {
  if (hci->state != AB_HCI_READY)
    return AIOBLE_ENODEV;
  return ab_hci_cmd_queue(hci, cmd, opcode, params, len, fn);
}

void ab_hci_cmd_detach(ab_hci *hci, ab_hci_cmd *cmd) {
  if (!cmd->pending)
    return;
  cmd->pending = false;
  if (cmd->buf) {
    ab_list_remove(&cmd->node);
    ab_buf_free(cmd->buf);
    cmd->buf = NULL;
    watch(hci);
    return;
  }
  for (unsigned i = 0; i < hci->air_count; i++)
    if (hci->air[i].cmd == cmd)
      hci->air[i].cmd = NULL;
}

/* ---- answers ---- */

static void answered(ab_hci *hci, uint16_t opcode, unsigned credits, int status, ab_rd *ret) {
  unsigned at = 0;

  hci->cmd_credits = credits;
  hci->answered_us = hci->env->now_us;
  while (at < hci->air_count && hci->air[at].opcode != opcode)
    at++;
  if (at < hci->air_count)
    finish(take_air(hci, at), status, ret);
  else if (opcode)
    hci->stats.unexpected++;
  ab_hci_cmds_pump(hci);
}

void ab_hci_on_command_complete(void *ctx, ab_rd *params) {
  ab_hci *hci = ctx;
  ab_hci_ev_command_complete ev;
  uint8_t code;
  int status;

  if (!ab_hci_ev_command_complete_read(params, &ev)) {
    hci->stats.malformed++;
    return;
  }
  code = ev.opcode ? ab_rd_u8(params) : 0;
  status = code ? AIOBLE_ERR_HCI(code) : 0;
  if (!ab_rd_ok(params)) {
    hci->stats.malformed++;
    status = AIOBLE_EPROTO; /* not even a status */
  }
  if (status < 0)
    *params = ab_rd_of(NULL, 0);
  answered(hci, ev.opcode, ev.credits, status, params);
}

void ab_hci_on_command_status(void *ctx, ab_rd *params) {
  ab_hci *hci = ctx;
  ab_rd none = ab_rd_of(NULL, 0);
  ab_hci_ev_command_status ev;

  if (ab_hci_ev_command_status_read(params, &ev))
    answered(hci, ev.opcode, ev.credits, ev.status ? AIOBLE_ERR_HCI(ev.status) : 0, &none);
  else
    hci->stats.malformed++;
}

/* ---- beginning and end ---- */

void ab_hci_cmds_reset(ab_hci *hci) {
  hci->cmd_credits = 1;
  hci->answered_us = hci->env->now_us;
}

void ab_hci_cmds_end(ab_hci *hci, int status) {
  while (hci->air_count)
    finish_empty(take_air(hci, 0), status);
  while (!ab_list_empty(&hci->waiting))
    finish_empty(take_waiting(hci), status);
}
