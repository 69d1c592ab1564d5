/* SPDX-License-Identifier: MIT */
/* The adapter's public functions: making, opening, closing, releasing. */
#include "host/host.h"
#include "loop/system.h"

enum { DEFAULT_MAX_LINKS = 32, IDLE_BUFS = 64 };

/* ---- making ---- */

static int copy_options(aioble_t *ble, const aioble_options_t *given) {
  aioble_options_t *o = &ble->options;
  const char *const from[] = {given->adapter, given->snoop, given->store};
  const char **const to[] = {&o->adapter, &o->snoop, &o->store};

  *o = *given;
  o->allocator = NULL;
  o->name = NULL;
  o->adapter = o->snoop = o->store = NULL;
  for (size_t i = 0; i < 3; i++)
    if (from[i] && !(*to[i] = ab_strdup(&ble->env, from[i])))
      return AIOBLE_ENOMEM;
  if (o->store_ops) {
    ble->store_ops = *o->store_ops;
    o->store_ops = &ble->store_ops;
  }
  if (!o->max_links)
    o->max_links = DEFAULT_MAX_LINKS;
  return 0;
}

static void init_env(aioble_t *ble, const aioble_options_t *o, const aioble_allocator_t *mem) {
  ble->env.mem = *mem;
  ble->env.random_fn = o->random ? o->random : ab_system_random;
  ble->env.random_ctx = o->user;
  ble->env.log_fn = o->log;
  ble->env.log_ctx = o->user;
  ble->env.log_level = o->log_level;
}

static void init_lists(aioble_t *ble) {
  ab_list_init(&ble->conns);
  ab_list_init(&ble->hooks_due);
  ab_list_init(&ble->opens);
  ab_list_init(&ble->closes);
  ab_list_init(&ble->written);
  ab_list_init(&ble->listeners);
  ab_bufs_init(&ble->bufs, &ble->env, IDLE_BUFS);
  ab_gap_init(&ble->gap, &ble->env, &ab_host_gap_events, ble);
  ab_host_smp_init(ble);
}

/* everything but the memory of `ble` itself; works on half-built ones, too */
static void destroy(aioble_t *ble) {
  ab_host_store_free(ble);
  ab_gatt_server_close(&ble->server);
  ab_smp_stack_close(&ble->smp);
  ab_wipe(&ble->oob, sizeof ble->oob);
  ab_ops_free(&ble->ops, &ble->env);
  ab_bufs_free(&ble->bufs);
  ab_free(&ble->env, (char *) (uintptr_t) ble->options.adapter);
  ab_free(&ble->env, (char *) (uintptr_t) ble->options.snoop);
  ab_free(&ble->env, (char *) (uintptr_t) ble->options.store);
}

static int init(aioble_t *ble, uv_loop_t *uv, const aioble_options_t *o) {
  int err = copy_options(ble, o);

  if (err == 0)
    err = ab_ops_init(&ble->ops, &ble->env);
  if (err == 0)
    err = ab_gatt_server_init(&ble->server, &ble->env, &ble->bufs);
  if (err == 0)
    err = ab_config_init(ble, o);
  if (err < 0)
    return err;
  ble->server.verify = ab_host_verify;
  ab_host_smp_configure(ble);
  ab_host_eatt_init(ble);
  ble->uv = uv;
  ab_host_use_loop(ble, o->loop);
  return 0;
}

aioble_t *aioble_new(uv_loop_t *loop, const aioble_options_t *options) {
  static const aioble_options_t defaults;
  const aioble_options_t *o = options ? options : &defaults;
  const aioble_allocator_t *mem = o->allocator ? o->allocator : &ab_libc_allocator;
  aioble_t *ble = mem->alloc(mem->ctx, sizeof *ble);

  if (!ble)
    return NULL;
  memset(ble, 0, sizeof *ble);
  ble->refs = 1;
  init_env(ble, o, mem);
  init_lists(ble);
  if (init(ble, loop, o) < 0) {
    destroy(ble);
    mem->free(mem->ctx, ble);
    return NULL;
  }
  return ble;
}

/* ---- releasing ---- */

aioble_t *aioble_ref(aioble_t *ble) {
  if (ble)
    ble->refs++;
  return ble;
}

static void on_loop_closed(void *ctx) {
  (void) ctx;
}

aioble_t *aioble_unref(aioble_t *ble) {
  aioble_allocator_t mem;

  if (!ble || --ble->refs)
    return NULL;
  if (ble->loop)
    ble->loop->ops->close(ble->loop, on_loop_closed, NULL);
  destroy(ble);
  mem = ble->env.mem;
  mem.free(mem.ctx, ble);
  return NULL;
}

/* ---- opening and closing ---- */

static const ab_op_kind open_kind = {"open", sizeof(aioble_op_t), 10000, ab_op_leave_list, NULL};

aioble_op_t *aioble_open(aioble_t *ble) {
  aioble_op_t *op;

  if (!ble)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (aioble_is_open(ble))
    return ab_op_succeeded(ble);
  op = ab_op_new(ble, &open_kind);
  if (!op)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  ab_list_push(&ble->opens, &op->node);
  ab_host_want_open(ble);
  return op;
}

/* it cannot be called off: the outcome comes when it has ended */
static void cannot_end(aioble_op_t *op, int why) {
  (void) op;
  (void) why;
}

static const ab_op_kind close_kind = {"close", sizeof(aioble_op_t), AIOBLE_FOREVER, cannot_end,
                                      NULL};

aioble_op_t *aioble_close(aioble_t *ble) {
  aioble_op_t *op;

  if (!ble)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  op = ab_op_new_reserved(ble, &close_kind);
  if (!op)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  ab_list_push(&ble->closes, &op->node);
  ab_host_close(ble);
  return op;
}

bool aioble_is_open(const aioble_t *ble) {
  return ble && ble->state == AB_HOST_READY && !ble->lost;
}

int aioble_store_path(const aioble_addr_t *adapter, char *path, size_t size) {
  return adapter && path ? ab_host_store_path(adapter, path, size) : AIOBLE_EINVAL;
}

int aioble_store_status(const aioble_t *ble, const char **why) {
  if (why)
    *why = ble ? ble->store_why : "";
  return ble ? ble->store_status : AIOBLE_ENOTCONN;
}

int aioble_store_saved(aioble_t *ble, int status) {
  if (!ble)
    return AIOBLE_ENOTCONN;
  return status > 0 ? AIOBLE_EINVAL : ab_host_store_saved(ble, status);
}

void *aioble_user(const aioble_t *ble) {
  return ble ? ble->options.user : NULL;
}

void aioble_stats(const aioble_t *ble, aioble_stats_t *stats) {
  *stats = ble ? ble->stats : (aioble_stats_t){0};
  if (!ble)
    return;
  stats->ops_without_memory = ble->ops.without_memory;
  stats->scan_reports = ble->gap.reports;
  stats->malformed += ble->gap.malformed;
  stats->signatures_refused = ble->smp.signatures_refused;
  stats->signatures_replayed = ble->smp.signatures_replayed;
  stats->pairings_failed = ble->smp.pairings_failed;
  stats->pairings_refused = ble->smp.pairings_refused;
  stats->bonds_refused = ble->smp.bonds_refused;
  stats->private_lookups = ble->smp.lookups;
  AB_LIST_EACH(n, &ble->conns)
    ab_host_add_conn_stats(ab_container_of(n, aioble_conn_t, node), stats);
  if (ble->hci)
    ab_host_add_hci_stats(ble, stats);
}
