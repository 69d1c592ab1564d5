/* SPDX-License-Identifier: MIT */
/*
 * What the peer refuses us for want of security (Core Vol 3, Part C, 10.3; Part F, 3.4.1.1; Part A,
 * 4.22, 4.26), by the connection's aioble_auto_secure_t:
 *
 *   refused, once --nothing better is possible, or allowed--> the error
 *        \--> it waits --> one encryption or pairing for all that wait --success--> sent once more
 *                                                                 \----failure--> the error
 *
 * ATT requests wait in their bearers, whatever asked for them; others as an ab_demand_wait. What
 * was refused by a peer that had not yet heard of the link's new security is sent again at once.
 *
 * After a failure nothing more is tried by ourselves until the link's security changes: whoever
 * polls a value shall not ask the user as often.
 */
#include "host/host.h"

typedef enum demand { NOTHING, AUTHENTICATION, ENCRYPTION, KEY_SIZE } demand;

/* Authorization is not ours to give. */
static demand demand_of(int status) {
  switch (status) {
  case AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION):
  case AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION):
    return AUTHENTICATION;
  case AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_ENCRYPTION):
  case AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION):
    return ENCRYPTION;
  case AIOBLE_ERR_ATT(AB_ATT_ERR_KEY_SIZE_TOO_SHORT):
  case AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_KEY_TOO_SHORT):
    return KEY_SIZE;
  default:
    return NOTHING;
  }
}

/* ---- what to do about it ---- */

static bool can_authenticate(const ab_smp_policy *policy) {
  const ab_smp_oob *oob = policy->oob;

  return policy->io != AB_SMP_IO_NONE || oob->has_tk || oob->has_local || oob->has_peer;
}

/* more than the link has; false: there is nothing more */
static bool more_than(ab_smp_policy *policy, const ab_smp_security *has, demand what) {
  switch (what) {
  case AUTHENTICATION:
    policy->prefer_mitm = policy->io != AB_SMP_IO_NONE;
    policy->mitm |= has->level >= AIOBLE_SECURITY_ENCRYPTED;
    if (has->level == AIOBLE_SECURITY_AUTHENTICATED)
      policy->sc = AB_SMP_SC_REQUIRED;
    return has->level < AIOBLE_SECURITY_SECURE_CONNECTIONS &&
           (!policy->mitm || can_authenticate(policy));
  case ENCRYPTION:
    return has->level < AIOBLE_SECURITY_ENCRYPTED;
  case KEY_SIZE:
    policy->min_key = AB_SMP_KEY_MAX;
    return has->key_size < AB_SMP_KEY_MAX;
  default:
    return false;
  }
}

static void on_secured(aioble_op_t *op, int status, void *user);

static bool start(aioble_conn_t *conn, const ab_smp_policy *policy) {
  aioble_op_t *op = ab_pair(conn, policy);
  int status = aioble_op_status(op);

  if (status < 0 && status != AIOBLE_EAGAIN) {
    if (status != AIOBLE_ENOENT) /* that was no attempt */
      conn->demand.status = status;
    aioble_op_unref(op);
    return false;
  }
  conn->demand.busy = true;
  aioble_op_then(op, on_secured, aioble_conn_ref(conn));
  return true;
}

/* true: whatever was refused waits for the end of it */
static bool satisfy(aioble_conn_t *conn, demand what) {
  ab_smp_policy policy = conn->ble->smp.policy;

  if (what == NOTHING || conn->demand.use == AIOBLE_AUTO_SECURE_NEVER)
    return false;
  if (conn->demand.busy)
    return true;
  policy.ask = false;
  policy.pairable =
      conn->demand.use == AIOBLE_AUTO_SECURE_PAIR ? AB_SMP_PAIRABLE : AB_SMP_NOT_PAIRABLE;
  return conn->demand.status == 0 && more_than(&policy, &conn->smp.security, what) &&
         start(conn, &policy);
}

/* ---- those who wait ---- */

static void release_bearers(aioble_conn_t *conn, bool again) {
  const ab_att_group *group = conn->att.group;

  ab_att_release(&conn->att, again);
  for (unsigned i = 0; group && i < group->places; i++)
    if (group->at[i])
      ab_att_release(group->at[i], again);
}

static void on_secured(aioble_op_t *op, int status, void *user) {
  aioble_conn_t *conn = user;
  ab_host_demand *d = &conn->demand;
  ab_list waiting, *n;

  (void) op;
  d->busy = false;
  d->status = status;
  d->ended_us = conn->ble->env.now_us;
  ab_list_take_all(&waiting, &d->waiting);
  release_bearers(conn, status == 0);
  while ((n = ab_list_pop(&waiting))) {
    ab_demand_wait *wait = ab_container_of(n, ab_demand_wait, node);

    wait->fn(wait, status == 0 || !conn->link.up); /* asking again says that it has ended */
  }
  aioble_conn_unref(conn);
}

bool ab_host_demand_wait(aioble_conn_t *conn, int status, ab_demand_wait *wait,
                         void (*fn)(ab_demand_wait *wait, bool again)) {
  if (!satisfy(conn, demand_of(status)))
    return false;
  wait->fn = fn;
  ab_list_push(&conn->demand.waiting, &wait->node);
  return true;
}

ab_att_verdict ab_host_demand_refused(aioble_conn_t *conn, uint8_t code, bool secured) {
  demand what = demand_of(AIOBLE_ERR_ATT(code));

  if (secured && what != NOTHING && conn->demand.use != AIOBLE_AUTO_SECURE_NEVER)
    return AB_ATT_REPEATS;
  return satisfy(conn, what) ? AB_ATT_HOLDS : AB_ATT_ENDS;
}

/* ---- the link ---- */

void ab_host_demand_init(aioble_conn_t *conn) {
  conn->demand.use = conn->ble->options.auto_secure;
  ab_list_init(&conn->demand.waiting);
}

void ab_host_demand_secured(aioble_conn_t *conn) {
  const ab_att_group *group = conn->att.group;

  conn->demand.status = 0;
  ab_att_secured(&conn->att);
  for (unsigned i = 0; group && i < group->places; i++)
    if (group->at[i])
      ab_att_secured(group->at[i]);
}

/* ---- ops ---- */

uint64_t ab_host_demand_longer(const aioble_conn_t *conn, uint64_t limit_us) {
  const ab_host_demand *d = &conn->demand;
  uint64_t now = conn->ble->env.now_us;

  if (d->busy)
    return limit_us;
  return d->ended_us && d->ended_us + limit_us > now ? d->ended_us + limit_us - now : 0;
}

int ab_host_demand_failed(const aioble_conn_t *conn, int status) {
  return demand_of(status) == NOTHING ? 0 : conn->demand.status;
}
