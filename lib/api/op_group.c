/* SPDX-License-Identifier: MIT */
/*
 * Several ops as one. A group hears of its members through their continuations. Once its outcome
 * is known it cancels the members still pending, and settles when the last of them has ended.
 */
#include "api/op.h"
#include "host/host.h"

struct group {
  aioble_op_t op;
  aioble_op_t **members; /* a reference each */
  size_t n, open;        /* members, and how many have not ended */
  aioble_op_t *winner;   /* of any: the first that succeeded */
  int status;            /* the outcome so far */
  bool any;              /* the first success decides; else the first failure */
  bool decided;
};

static struct group *group_of(aioble_op_t *op) {
  return ab_container_of(op, struct group, op);
}

static void cancel_rest(struct group *g) {
  for (size_t i = 0; i < g->n; i++)
    aioble_op_cancel(g->members[i]);
}

static void on_member(aioble_op_t *member, int status, void *user) {
  struct group *g = user;

  if (!g->decided && (g->any ? status == 0 : status < 0)) {
    g->decided = true;
    g->winner = g->any ? member : NULL;
    g->status = status;
    cancel_rest(g);
  } else if (!g->decided) {
    g->status = status;
  }
  if (--g->open == 0)
    ab_op_settle(&g->op, g->status);
  aioble_op_unref(&g->op);
}

static void end(aioble_op_t *op, int why) {
  struct group *g = group_of(op);

  if (g->decided)
    return;
  g->decided = true;
  g->status = why;
  cancel_rest(g);
}

static void release(aioble_op_t *op) {
  struct group *g = group_of(op);

  for (size_t i = 0; i < g->n; i++)
    aioble_op_unref(g->members[i]);
  ab_free(&op->ble->env, g->members);
}

static const ab_op_kind group_kind = {"group", sizeof(struct group), AIOBLE_FOREVER, end, release};

static void drop_all(aioble_op_t **ops, size_t n) {
  for (size_t i = 0; i < n; i++)
    aioble_op_unref(ops[i]);
}

/* the stack of the first member that has one */
static aioble_t *stack_of(aioble_op_t **ops, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (ops[i] && ops[i]->ble)
      return ops[i]->ble;
  return NULL;
}

/* ops of no loop have settled, and so has a group of them */
static int outcome_of(aioble_op_t **ops, size_t n, bool any) {
  int status = any ? AIOBLE_EINVAL : 0;

  for (size_t i = 0; i < n; i++) {
    status = aioble_op_status(ops[i]);
    if ((status == 0) == any)
      break;
  }
  return status;
}

static aioble_op_t *group_new(aioble_op_t **ops, size_t n, bool any) {
  aioble_t *ble = stack_of(ops, n);
  struct group *g;
  aioble_op_t *op;

  if (!ble)
    return ab_op_failed(NULL, outcome_of(ops, n, any));
  op = ab_op_new(ble, &group_kind);
  g = op ? group_of(op) : NULL;
  if (!g || !(g->members = ab_zalloc(&ble->env, n * sizeof(*g->members)))) {
    drop_all(ops, n);
    if (g)
      ab_op_settle(op, AIOBLE_ENOMEM);
    return g ? op : ab_op_failed(ble, AIOBLE_ENOMEM);
  }
  g->any = any;
  g->n = g->open = n;
  for (size_t i = 0; i < n; i++) /* all first: a member of no loop calls back at once */
    g->members[i] = aioble_op_ref(ops[i]);
  for (size_t i = 0; i < n; i++) {
    aioble_op_ref(op);
    aioble_op_then(ops[i], on_member, g);
  }
  return op;
}

aioble_op_t *aioble_op_all(aioble_op_t **ops, size_t n) {
  return group_new(ops, n, false);
}

aioble_op_t *aioble_op_any(aioble_op_t **ops, size_t n) {
  return group_new(ops, n, true);
}

static struct group *as_group(aioble_op_t *op) {
  return op && op->kind == &group_kind ? group_of(op) : NULL;
}

aioble_op_t *aioble_op_member(aioble_op_t *op, size_t i) {
  struct group *g = as_group(op);

  return g && i < g->n ? g->members[i] : NULL;
}

aioble_op_t *aioble_op_winner(aioble_op_t *op) {
  struct group *g = as_group(op);

  return g ? g->winner : NULL;
}
