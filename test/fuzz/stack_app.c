/* SPDX-License-Identifier: MIT */
#include "stack_app.h"

#include "api/op.h"
#include "helpers/seeded.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void app_check_at(bool ok, const char *what, const char *file, int line) {
  if (ok)
    return;
  (void) fprintf(stderr, "%s:%d: %s\n", file, line, what);
  abort();
}

/* ---- memory, randomness ---- */

static void account(app *a, void *gone, void *come) {
  a->bytes += malloc_usable_size(come) - malloc_usable_size(gone);
  a->live = a->live + (come != NULL) - (gone != NULL);
  app_check(a->bytes <= APP_MEMORY_MAX + a->n_ops * APP_OP_MEMORY_MAX);
}

static void *take(void *ctx, size_t size) {
  app *a = ctx;
  bool fails = a->fail_in && --a->fail_in == 0;
  void *p = fails ? NULL : malloc(size);

  a->failed |= fails;
  account(a, NULL, p);
  return p;
}

static void release(void *ctx, void *ptr) {
  account(ctx, ptr, NULL);
  free(ptr);
}

static void *resize(void *ctx, void *ptr, size_t size) {
  void *p = take(ctx, size);
  size_t had = malloc_usable_size(ptr);

  if (!p)
    return NULL;
  if (ptr)
    memcpy(p, ptr, had < size ? had : size);
  release(ctx, ptr);
  return p;
}

static int fill(void *user, void *buf, size_t len) {
  app *a = user;

  return seeded_random(&a->random, buf, len);
}

/* ---- ops ---- */

static void on_done(aioble_op_t *op, int status, void *user) {
  app_op *o = user;
  app *a = o->a;

  app_check(op == o->op && !a->closed && (!o->starting || !op->ble));
  app_check(o->calls == 0 && status == aioble_op_status(op) && status <= 0);
  o->calls++;
  o->status = status;
  if (status == 0 && o->then)
    o->then(op, status, a);
  o->op = aioble_op_unref(op);
}

app_op *app_ask(app *a, aioble_op_t *op, aioble_op_fn *then) {
  app_op *o = &a->ops[a->n_ops];

  app_check(op != NULL);
  if (a->n_ops == a->room) { /* enough: nobody waits */
    aioble_op_unref(op);
    return NULL;
  }
  a->n_ops++;
  *o = (app_op){.a = a, .op = aioble_op_ref(op), .then = then, .starting = true};
  aioble_op_then(op, on_done, o);
  o->starting = false;
  return o;
}

bool app_settled(const app *a) {
  for (unsigned i = 0; i < a->n_ops; i++)
    if (!a->ops[i].calls)
      return false;
  return true;
}

/* ---- hooks of a server, and prompts ---- */

void app_act_inside(app *a) {
  uint8_t hook = a->hook;

  app_check(!a->closed);
  a->hook = 0;
  if (hook && !a->in_callback) {
    a->in_callback = true;
    app_act(a, hook, hook);
    a->in_callback = false;
  }
}

void app_on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  app *a = user;

  app_check(number < 1000000);
  a->prompts++;
  a->number = number;
  if (a->hook)
    app_act_inside(a);
  else if (prompt == AIOBLE_PROMPT_COMPARE)
    (void) aioble_pairing_answer(conn, number == a->other->number || !a->other->number, 0);
}

static int access_of(app *a, aioble_access_t *access) {
  app_check(access->chr && aioble_conn_is_connected(access->conn) && access->value.len <= 512);
  if (a->hook < 0xf0) {
    app_act_inside(a);
    return 0;
  }
  if (a->hook > 0xf7) {
    a->hook = 0;
    return 0x80;
  }
  a->hook = 0;
  (void) aioble_answer(a->answer, 0, "late", 4);
  a->answer = aioble_access_later(access);
  return AIOBLE_ANSWER_LATER;
}

static int on_read(aioble_access_t *access, void *user) {
  return access_of(user, access);
}

static int on_write(aioble_access_t *access, void *user) {
  return access_of(user, access);
}

static int on_secret(aioble_access_t *access, void *user) {
  aioble_conn_security_t is = aioble_conn_security(access->conn);

  app_check(is.encrypted && is.authenticated);
  return access_of(user, access);
}

static void on_subscribe(aioble_char_t *chr, aioble_conn_t *conn, unsigned what, void *user) {
  app_check(chr && conn && what < 4);
  app_act_inside(user);
}

/* ---- a life ---- */

static void add_services(app *a) {
  aioble_service_t *service = aioble_service_new(a->ble, AIOBLE_UUID16(0x181a));
  const aioble_char_options_t plain = {.initial = {(const uint8_t *) "known", 5}, .user = a},
                              hooked = {.on_read = on_read,
                                        .on_write = on_write,
                                        .on_subscribe = on_subscribe,
                                        .user_description = "all of it",
                                        .user = a},
                              captured = {.capture = true, .capture_depth = 2, .max_len = 40},
                              secret = {.read_security = AIOBLE_SECURITY_AUTHENTICATED,
                                        .write_security = AIOBLE_SECURITY_AUTHENTICATED,
                                        .on_read = on_secret,
                                        .on_write = on_secret,
                                        .user = a};
  const unsigned all = AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY |
                       AIOBLE_INDICATE | AIOBLE_RELIABLE_WRITE | AIOBLE_SIGNED_WRITE;

  app_check(service != NULL);
  a->chars[0] =
      aioble_char_new(service, AIOBLE_UUID16(0x2a6e), AIOBLE_READ | AIOBLE_NOTIFY, &plain);
  a->chars[1] = aioble_char_new(service, AIOBLE_UUID16(0x2a6f), all, &hooked);
  a->chars[2] = aioble_char_new(service, AIOBLE_UUID16(0x2a70),
                                AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY, &captured);
  a->chars[3] =
      aioble_char_new(service, AIOBLE_UUID16(0x2a71), AIOBLE_READ | AIOBLE_WRITE, &secret);
  app_check(aioble_register_services(a->ble, &service, 1) == 0);
  a->extra = aioble_service_new_secondary(a->ble, AIOBLE_UUID16(0x180f));
  app_check(a->extra && aioble_service_include(a->extra, service) == 0);
  aioble_service_unref(service);
}

void app_init(app *a, aioble_loop_t *loop, struct aioble_transport *transport,
              const aioble_options_t *given) {
  const aioble_allocator_t memory = {take, resize, release, a};
  aioble_options_t options = *given;

  options.loop = loop;
  options.transport = transport;
  options.allocator = &memory;
  options.random = fill;
  options.user = a;
  if (!options.store)
    options.store = "";
  options.max_links = 4;
  a->room = APP_OPS - APP_RESERVED;
  a->ble = aioble_new(NULL, &options);
  app_check(a->ble != NULL);
  aioble_set_on_prompt(a->ble, app_on_prompt, a);
  add_services(a);
}

void app_end(app *a) {
  app_check(app_settled(a));
  a->closed = true;
  (void) aioble_answer(a->answer, 0, NULL, 0);
  for (unsigned i = 0; i < APP_KEPT; i++) {
    aioble_client_char_unref(a->found[i]);
    aioble_channel_unref(a->channels[i]);
  }
  aioble_client_desc_unref(a->desc);
  aioble_scan_unref(a->scan);
  aioble_listener_stop(a->listener);
  aioble_listener_unref(a->listener);
  aioble_conn_unref(a->conn);
  aioble_service_unref(a->extra);
  aioble_unref(a->ble);
}
