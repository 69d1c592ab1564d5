/* SPDX-License-Identifier: MIT */
/*
 * The Security Manager of one link: which command is legal when (Core Vol 3, Part H, 3.3 to 3.5),
 * the way out, the end, and the 30 seconds.
 *
 * 1. A command that the state does not know ends the pairing (unspecified reason), one of another
 *    length does so, too (invalid parameters). Without a pairing, requests are answered and the
 *    rest is ignored, as are reserved codes at any time.
 * 2. Pairing Failed ends a pairing in any state, without an answer.
 * 3. The timer starts anew with each command sent and each request received; when it fires, nothing
 *    more is said or heard on this link (3.4).
 * 4. A peer that sends and does not listen is ignored while IN_FLIGHT_MAX commands of ours wait.
 */
#include "smp/smp_priv.h"

enum { TIMEOUT_US = 30000000, IN_FLIGHT_MAX = 16 };

static ab_smp_step on_failed, ignore, wrong_role;

/* with the code */
static const uint8_t lengths[AB_SMP_CODES] = {
    [AB_SMP_PAIRING_REQUEST] = 7, [AB_SMP_PAIRING_RESPONSE] = 7, [AB_SMP_CONFIRM] = 17,
    [AB_SMP_RANDOM] = 17,         [AB_SMP_FAILED] = 2,           [AB_SMP_ENCRYPTION_INFO] = 17,
    [AB_SMP_CENTRAL_ID] = 11,     [AB_SMP_IDENTITY_INFO] = 17,   [AB_SMP_IDENTITY_ADDR] = 8,
    [AB_SMP_SIGNING_INFO] = 17,   [AB_SMP_SECURITY_REQUEST] = 2, [AB_SMP_PUBLIC_KEY] = 65,
    [AB_SMP_DHKEY_CHECK] = 17,    [AB_SMP_KEYPRESS] = 2,
};

/* a Security Request may cross a pairing on its way */
#define PAIRING [AB_SMP_FAILED] = on_failed, [AB_SMP_SECURITY_REQUEST] = ignore

static ab_smp_step *const steps[AB_SMP_STATES][AB_SMP_CODES] = {
    [AB_SMP_C_IDLE] = {[AB_SMP_PAIRING_REQUEST] = wrong_role,
                       [AB_SMP_SECURITY_REQUEST] = ab_smp_on_security_request},
    [AB_SMP_P_IDLE] =
        {[AB_SMP_PAIRING_REQUEST] = ab_smp_on_request, [AB_SMP_SECURITY_REQUEST] = wrong_role},
    [AB_SMP_P_ASKED] = {[AB_SMP_PAIRING_REQUEST] = ab_smp_on_request,
                        [AB_SMP_SECURITY_REQUEST] = wrong_role,
                        [AB_SMP_FAILED] = on_failed},
    [AB_SMP_C_RESPONSE] = {PAIRING, [AB_SMP_PAIRING_RESPONSE] = ab_smp_on_response},
    [AB_SMP_C_LEGACY_CONFIRM] = {PAIRING, [AB_SMP_CONFIRM] = ab_smp_c_legacy_confirm,
                                 [AB_SMP_KEYPRESS] = ab_smp_on_keypress},
    [AB_SMP_P_LEGACY_CONFIRM] = {PAIRING, [AB_SMP_CONFIRM] = ab_smp_p_legacy_confirm,
                                 [AB_SMP_KEYPRESS] = ab_smp_on_keypress},
    [AB_SMP_C_LEGACY_RANDOM] = {PAIRING, [AB_SMP_RANDOM] = ab_smp_c_legacy_random},
    [AB_SMP_P_LEGACY_RANDOM] = {PAIRING, [AB_SMP_RANDOM] = ab_smp_p_legacy_random},
    [AB_SMP_PUBLIC] = {PAIRING, [AB_SMP_PUBLIC_KEY] = ab_smp_on_public_key},
    [AB_SMP_C_SC_CONFIRM] =
        {PAIRING, [AB_SMP_CONFIRM] = ab_smp_c_sc_confirm, [AB_SMP_KEYPRESS] = ab_smp_on_keypress},
    [AB_SMP_P_SC_CONFIRM] =
        {PAIRING, [AB_SMP_CONFIRM] = ab_smp_p_sc_confirm, [AB_SMP_KEYPRESS] = ab_smp_on_keypress},
    [AB_SMP_C_SC_RANDOM] = {PAIRING, [AB_SMP_RANDOM] = ab_smp_c_sc_random},
    [AB_SMP_P_SC_RANDOM] = {PAIRING, [AB_SMP_RANDOM] = ab_smp_p_sc_random},
    [AB_SMP_C_CHECK] = {PAIRING, [AB_SMP_DHKEY_CHECK] = ab_smp_c_check},
    [AB_SMP_P_CHECK] = {PAIRING, [AB_SMP_DHKEY_CHECK] = ab_smp_p_check},
    [AB_SMP_USER] = {PAIRING, [AB_SMP_KEYPRESS] = ab_smp_on_keypress},
    [AB_SMP_ENCRYPTION] = {PAIRING},
    [AB_SMP_KEYS] = {PAIRING, [AB_SMP_ENCRYPTION_INFO] = ab_smp_on_encryption_info,
                     [AB_SMP_CENTRAL_ID] = ab_smp_on_central_id,
                     [AB_SMP_IDENTITY_INFO] = ab_smp_on_identity_info,
                     [AB_SMP_IDENTITY_ADDR] = ab_smp_on_identity_addr,
                     [AB_SMP_SIGNING_INFO] = ab_smp_on_signing_info},
    [AB_SMP_SENT] = {PAIRING},
};

/* ---- out ---- */

static void on_taken(ab_buf *buf, int status) {
  ab_smp *smp = buf->ctx;

  smp->in_flight--;
  if (status == 0 && smp->state == AB_SMP_SENT && !smp->in_flight)
    smp->ev->await_ack(smp->ctx);
}

static bool is_secret(ab_smp_code code) {
  return code == AB_SMP_ENCRYPTION_INFO || code == AB_SMP_IDENTITY_INFO ||
         code == AB_SMP_SIGNING_INFO;
}

static bool put(ab_smp *smp, ab_smp_code code, const void *data, size_t len) {
  ab_buf *buf = ab_buf_new(smp->stack->bufs, 1 + len);
  ab_wr w;

  if (!buf)
    return false;
  w = ab_buf_writer(buf);
  ab_wr_u8(&w, (uint8_t) code);
  ab_wr_bytes(&w, data, len);
  ab_buf_wrote(buf, &w);
  buf->done = on_taken;
  buf->ctx = smp;
  buf->secret = is_secret(code);
  smp->in_flight++;
  smp->ev->send(smp->ctx, buf);
  return true;
}

bool ab_smp_send(ab_smp *smp, ab_smp_code code, const void *data, size_t len) {
  if (!put(smp, code, data, len)) {
    ab_smp_fail(smp, AIOBLE_ENOMEM);
    return false;
  }
  ab_smp_watch(smp);
  return true;
}

void ab_smp_say_failed(ab_smp *smp, uint8_t reason) {
  (void) put(smp, AB_SMP_FAILED, &reason, 1);
}

/* ---- beginning and end ---- */

static ab_smp_state idle(const ab_smp *smp) {
  return smp->central ? AB_SMP_C_IDLE : AB_SMP_P_IDLE;
}

static void on_time_up(ab_timer *timer) {
  ab_smp *smp = ab_container_of(timer, ab_smp, timer);
  const ab_smp_pairing *p = smp->pairing;

  if (p && p->asking && p->prompt == AB_SMP_CONSENT)
    ab_smp_refuse(smp, AB_SMP_ERR_NOT_SUPPORTED); /* nothing has begun */
  else
    ab_smp_end(smp, AIOBLE_ETIMEDOUT);
}

void ab_smp_watch(ab_smp *smp) {
  ab_timer_start(smp->stack->env, &smp->timer, TIMEOUT_US, on_time_up);
}

int ab_smp_begin(ab_smp *smp, const ab_smp_policy *policy) {
  ab_smp_pairing *p = ab_zalloc(smp->stack->env, sizeof *p);

  if (!p)
    return AIOBLE_ENOMEM;
  p->policy = *policy;
  p->local = ab_smp_features_of(smp->stack, policy);
  p->initiator = smp->central ? smp->local : smp->peer;
  p->responder = smp->central ? smp->peer : smp->local;
  smp->pairing = p;
  ab_smp_watch(smp);
  return 0;
}

static void forget(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  smp->pairing = NULL;
  if (!p)
    return;
  ab_smp_bond_free(smp->stack, p->bond);
  ab_free_secret(smp->stack->env, p, sizeof *p);
}

static void end(ab_smp *smp, int status, ab_smp_state state) {
  ab_timer_stop(smp->stack->env, &smp->timer);
  smp->stack->pairings_failed += smp->pairing && status < 0;
  forget(smp);
  smp->state = (uint8_t) state;
  ab_smp_attempt_ended(smp->stack, &smp->peer, status);
  smp->ev->ended(smp->ctx, status);
}

void ab_smp_end(ab_smp *smp, int status) {
  end(smp, status, status == AIOBLE_ETIMEDOUT ? AB_SMP_BROKEN : idle(smp));
}

void ab_smp_fail(ab_smp *smp, int status) {
  ab_smp_say_failed(smp, AIOBLE_ERR_IS_SMP(status) ? (uint8_t) AIOBLE_ERR_CODE(status)
                                                   : AB_SMP_ERR_UNSPECIFIED);
  ab_smp_end(smp, status);
}

void ab_smp_cancel(ab_smp *smp, uint8_t reason) {
  if (smp->pairing)
    ab_smp_refuse(smp, reason);
  else if (smp->state == AB_SMP_P_ASKED)
    ab_smp_end(smp, AIOBLE_ERR_SMP(reason));
}

void ab_smp_open(ab_smp *smp, ab_smp_stack *stack, const ab_smp_events *events, void *ctx,
                 bool central, const aioble_addr_t *local, const aioble_addr_t *peer) {
  *smp = (ab_smp){
      .stack = stack, .ev = events, .ctx = ctx, .central = central, .local = *local, .peer = *peer};
  smp->state = (uint8_t) idle(smp);
}

bool ab_smp_busy(const ab_smp *smp) {
  return smp->pairing || smp->encrypting || smp->state == AB_SMP_P_ASKED;
}

void ab_smp_close(ab_smp *smp, int status) {
  bool busy = ab_smp_busy(smp);

  smp->encrypting = false;
  smp->security = smp->next = (ab_smp_security){0};
  smp->state = AB_SMP_BROKEN;
  if (busy)
    end(smp, status, AB_SMP_BROKEN);
}

/* ---- in ---- */

static void on_failed(ab_smp *smp, ab_rd *command) {
  uint8_t reason = ab_rd_u8(command);

  ab_smp_end(smp, AIOBLE_ERR_SMP(reason ? reason : AB_SMP_ERR_UNSPECIFIED));
}

static void ignore(ab_smp *smp, ab_rd *command) {
  (void) command;
  smp->ignored++;
}

/* that is for the other role to ask */
static void wrong_role(ab_smp *smp, ab_rd *command) {
  (void) command;
  ab_smp_say_failed(smp, AB_SMP_ERR_COMMAND);
}

static bool known(uint8_t code) {
  return code < AB_SMP_CODES && lengths[code];
}

static void malformed(ab_smp *smp, uint8_t code) {
  if (smp->pairing)
    ab_smp_refuse(smp, AB_SMP_ERR_PARAMETERS);
  else if (code == AB_SMP_PAIRING_REQUEST || code == AB_SMP_SECURITY_REQUEST)
    ab_smp_say_failed(smp, AB_SMP_ERR_PARAMETERS);
  else
    smp->ignored++;
}

void ab_smp_rx(ab_smp *smp, const uint8_t *command, size_t len) {
  ab_rd r = ab_rd_of(command, len);
  uint8_t code = ab_rd_u8(&r);

  if (!known(code) || smp->state == AB_SMP_BROKEN || smp->in_flight >= IN_FLIGHT_MAX)
    smp->ignored++;
  else if (len != lengths[code])
    malformed(smp, code);
  else if (steps[smp->state][code])
    steps[smp->state][code](smp, &r);
  else if (smp->pairing)
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
  else
    smp->ignored++;
}
