/* SPDX-License-Identifier: MIT */
/*
 * Hooks that answer later. ATT lets a server take its time: the client sends no other request until
 * it has the response (Core Vol 3, Part F, 3.3.2), and gives the bearer up after 30 s (3.3.3).
 *
 *   1. A hook begins a late answer and returns AB_ATT_LATER; so does the handler that asked it.
 *   2. The PDU and the response as far as it got are copied into buffers. The request waits in its
 *      bearer, with the reference to its table.
 *   3. The answer comes: the handler is called again, and in place of that hook takes the answer.
 *      It may come to another hook that answers later: step 2.
 *   4. The response, or the error, goes to the bearer, and the request ends.
 *
 * When the bearer is closed meanwhile the request ends at once, and an answer to it does nothing.
 * From inside a hook it only becomes closed: the request ends when its handler returns.
 *
 * A hook that needs what others need, too, has its request stand in a line: it owes the late answer
 * itself, which in step 3 is that the hook is to be asked again.
 */
#include "gatt/gatt_server_priv.h"

/* ---- asking ---- */

/* the answer that has come is used up */
static int take_answer(ab_gatt_request *rq, ab_gatt_access *access) {
  rq->answered = false;
  access->again = rq->answer.code == AB_ATT_LATER;
  if (access->again)
    return AB_ATT_LATER;
  access->data = rq->answer.data;
  access->len = rq->answer.len;
  return rq->answer.code;
}

static void forget_late(ab_gatt_request *rq) {
  if (rq->late) {
    rq->late->request = NULL;
    ab_list_remove(&rq->place.node);
  }
  rq->late = NULL;
  rq->answered = false;
}

int ab_gatt_ask(ab_gatt_request *rq, ab_gatt_value *value, ab_gatt_hook *hook,
                ab_gatt_access *access) {
  int code;

  if (rq->answered && (code = take_answer(rq, access)) != AB_ATT_LATER)
    return code;
  code = hook(value, access);
  if (!rq->bearer->link)
    return AB_ATT_ERR_UNLIKELY;
  if (code == 0 && !rq->waiting)
    return 0; /* mostly */
  if (code == AB_ATT_LATER && rq->answered)
    return take_answer(rq, access);
  if (code == AB_ATT_LATER && rq->late)
    return AB_ATT_LATER;
  forget_late(rq);
  return (unsigned) code <= UINT8_MAX ? code : AB_ATT_ERR_UNLIKELY;
}

/* ---- waiting ---- */

/* what is kept below is defined from here on */
static void wait_for(ab_gatt_request *rq) {
  if (rq->waiting)
    return;
  rq->waiting = true;
  rq->answer = (struct ab_gatt_answer){0};
  rq->kept = (struct ab_gatt_kept){0};
  rq->place = (struct ab_gatt_place){0};
}

/* step 2 */
bool ab_gatt_keep(ab_gatt_request *rq) {
  size_t size = (size_t) (rq->rsp->end - rq->rsp->start);
  struct ab_gatt_kept *kept = &rq->kept;

  kept->pdu_buf = ab_buf_copy(rq->server->bufs, rq->begin, (size_t) (rq->pdu->end - rq->begin));
  kept->rsp_buf = ab_buf_new(rq->server->bufs, size);
  if (!kept->pdu_buf || !kept->rsp_buf)
    return false;
  kept->rsp = ab_buf_writer(kept->rsp_buf);
  ab_wr_limit(&kept->rsp, size);
  ab_wr_bytes(&kept->rsp, rq->rsp->start, ab_wr_len(rq->rsp));
  rq->rsp = &kept->rsp;
  rq->pdu = &kept->pdu;
  return true;
}

static void free_values(ab_list *values) {
  ab_list *n;

  while ((n = ab_list_pop(values)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
}

void ab_gatt_let_go(ab_gatt_request *rq) {
  if (rq->executing) {
    free_values(&rq->values);
    free_values(&rq->checked);
  }
  if (rq->waiting) {
    forget_late(rq);
    ab_buf_free(rq->answer.copy);
    ab_buf_free(rq->kept.pdu_buf);
    ab_buf_free(rq->kept.rsp_buf);
  }
}

/* ---- answering ---- */

void ab_gatt_late_begin(ab_gatt_late *late, const ab_gatt_access *access) {
  ab_gatt_request *rq = access->request;

  late->request = rq;
  if (!rq)
    return;
  wait_for(rq);
  forget_late(rq);
  late->request = rq;
  rq->late = late;
}

/* step 4 */
static void respond(ab_gatt_request *rq, int code) {
  ab_gatt_bearer *bearer = rq->bearer;
  uint16_t handle = rq->handle;
  ab_buf *rsp = rq->kept.rsp_buf;

  rq->kept.rsp_buf = NULL;
  ab_buf_wrote(rsp, &rq->kept.rsp);
  ab_gatt_end(rq);
  if (bearer->link && code == 0) {
    ab_att_respond(bearer->att, rsp);
    return;
  }
  ab_buf_free(rsp);
  if (bearer->link)
    ab_att_respond_error(bearer->att, handle, (uint8_t) code);
}

/* step 3 */
static void go_on(ab_gatt_request *rq) {
  int code;

  rq->kept.pdu = ab_rd_of(rq->kept.pdu_buf->p, rq->kept.pdu_buf->len);
  rq->running = true;
  code = rq->handler(rq);
  rq->running = false;
  if (code != AB_ATT_LATER)
    respond(rq, code);
}

/* from inside the hook: used when that returns, when the data may be gone */
static void answer_inside(ab_gatt_request *rq) {
  struct ab_gatt_answer *answer = &rq->answer;

  ab_buf_free(answer->copy);
  answer->copy = answer->data ? ab_buf_copy(rq->server->bufs, answer->data, answer->len) : NULL;
  if (answer->data && !answer->copy)
    answer->code = AB_ATT_ERR_INSUFFICIENT_RESOURCES;
  answer->data = answer->copy ? answer->copy->p : NULL;
}

/* not when the bearer broke, and will be closed */
static bool can_go_on(const ab_gatt_request *rq) {
  return rq->bearer->att->state == AB_ATT_OPEN;
}

static void answer(ab_gatt_request *rq, int code, const void *data, size_t len) {
  forget_late(rq);
  rq->answered = true;
  rq->answer.code = code;
  rq->answer.data = data;
  rq->answer.len = len < AB_ATT_VALUE_MAX ? len : AB_ATT_VALUE_MAX;
  if (rq->running)
    answer_inside(rq);
  else if (can_go_on(rq))
    go_on(rq);
  else
    ab_gatt_end(rq);
}

void ab_gatt_late_answer(ab_gatt_late *late, uint8_t code, const void *data, size_t len) {
  if (late->request)
    answer(late->request, code, data, len);
}

bool ab_gatt_late_waits(const ab_gatt_late *late) {
  return late->request && (late->request->running || can_go_on(late->request));
}

void ab_gatt_late_drop(ab_gatt_late *late) {
  ab_gatt_late_answer(late, AB_ATT_ERR_UNLIKELY, NULL, 0);
}

/* ---- lines ---- */

int ab_gatt_line_up(ab_list *line, const ab_gatt_access *access) {
  ab_gatt_request *rq = access->request;

  ab_gatt_late_begin(&rq->place.late, access);
  ab_list_push(line, &rq->place.node);
  return AB_ATT_LATER;
}

void ab_gatt_line_next(ab_list *line) {
  ab_list *first = ab_list_first(line);

  if (first)
    answer(ab_container_of(first, ab_gatt_request, place.node), AB_ATT_LATER, NULL, 0);
}

static bool is_in_line(const ab_gatt_request *rq) {
  return rq->db && rq->late == &rq->place.late;
}

static void leave_lines(ab_gatt_server_link *link) {
  AB_LIST_EACH(n, &link->bearers) {
    ab_gatt_request *rq = &ab_container_of(n, ab_gatt_bearer, node)->open;

    if (is_in_line(rq) && !ab_gatt_db_attr(rq->db, rq->handle)->value->handle)
      ab_gatt_late_drop(rq->late);
  }
}

void ab_gatt_leave_lines(ab_gatt_server *server) {
  AB_LIST_EACH(n, &server->links) {
    leave_lines(ab_container_of(n, ab_gatt_server_link, node));
  }
}
