/* SPDX-License-Identifier: MIT */
/*
 * The store of a stack: where it is, when it is open and when it is written, and who is told that
 * it cannot be.
 *
 * 1. Each adapter has a file of its own, so it is opened once the controller has said who it is,
 *    and closed with the adapter; then all is written. To be listed, bonds are read before, too.
 * 2. Attributes and the like are written within 5 s; bonds at the end of the turn, before anybody
 *    is told of them: several changes are one file.
 * 3. What cannot be written is tried again with the next change, after 30 s, and at the close; then
 *    the store stays open until it can be. One that cannot be opened is not tried again before the
 *    adapter is opened again; bonds made meanwhile are in memory, and kept then.
 */
#include "host/host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAVE_US = 5000000, RETRY_US = 30000000 };

/* ---- what is said ---- */

static void report(aioble_t *ble, int status, const char *why) {
  ble->stats.store_failures += status < 0;
  if (status == ble->store_status)
    return;
  ble->store_status = status;
  (void) snprintf(ble->store_why, sizeof ble->store_why, "%s",
                  *why || status == 0 ? why : aioble_strerror(status));
  if (status < 0)
    ab_log(&ble->env, AB_LOG_WARN, "%s", ble->store_why);
  ble->tell_store = true;
  if (ble->state != AB_HOST_CLOSED)
    ab_host_touch(ble);
}

void ab_host_tell_store(aioble_t *ble) {
  ble->tell_store = false;
  if (ble->options.on_store)
    ble->options.on_store(ble, ble->store_status, ble->store_why, ble->options.user);
}

/* ---- where ---- */

static bool keeps_nothing(const aioble_t *ble) {
  const aioble_options_t *o = &ble->options;

  return !o->store_ops && o->store && !*o->store;
}

/* "aa-bb-cc-dd-ee-ff" */
static void name_of(const aioble_addr_t *addr, char text[AIOBLE_ADDR_TEXT_SIZE]) {
  (void) aioble_addr_text(addr, text);
  for (char *c = text; *c; c++)
    if (*c == ':')
      *c = '-';
}

int ab_host_store_path(const aioble_addr_t *adapter, char *path, size_t size) {
  char name[AIOBLE_ADDR_TEXT_SIZE];

  name_of(adapter, name);
  return ab_store_default_path(name, path, size);
}

/* one without a public address is known by what it is called here */
static int default_path(const aioble_t *ble, char *path, size_t size) {
  static const aioble_addr_t none;
  const char *adapter = ble->options.adapter ? ble->options.adapter : getenv("AIOBLE_ADAPTER");

  if (!ble->identified)
    return AIOBLE_ENODEV;
  if (!aioble_addr_equal(&ble->public_addr, &none))
    return ab_host_store_path(&ble->public_addr, path, size);
  return ab_store_default_path(adapter && *adapter ? adapter : "default", path, size);
}

/* ---- open ---- */

/* NULL and the error, which has been reported, or is nobody's fault: ENOMEM, ENODEV */
static ab_store *open_store(aioble_t *ble, bool look, int *err) {
  char path[PATH_MAX], why[AB_STORE_WHY] = "there is no home directory for the state file";
  ab_store_options o = {
      .path = ble->options.store, .ops = ble->options.store_ops, .user = ble->options.user};
  ab_store *store = NULL;

  *err = 0;
  o.look = look;
  if (!o.ops && !o.path) {
    *err = default_path(ble, path, sizeof path);
    o.path = path;
  }
  if (*err == 0)
    store = ab_store_open(&ble->env, &o, err, why);
  if (!store && *err != AIOBLE_ENOMEM && *err != AIOBLE_ENODEV)
    report(ble, *err, why);
  else if (store && !look)
    report(ble, *why ? AIOBLE_EINVAL : 0, why);
  return store;
}

int ab_host_store_open(aioble_t *ble) {
  ab_store *store;
  int err;

  if (ble->store || keeps_nothing(ble))
    return 0;
  store = open_store(ble, false, &err);
  if (!store)
    return err;
  err = ab_host_bonds_read(ble, store);
  if (err < 0) {
    ab_store_close(store);
    return err;
  }
  ble->store = store;
  ab_host_bonds_keep(ble);
  if (ab_store_dirty(store))
    ab_host_save_now(ble);
  return 0;
}

void ab_host_store_look(aioble_t *ble) {
  ab_store *store;
  int err;

  if (ble->store || ble->state != AB_HOST_CLOSED || keeps_nothing(ble))
    return;
  store = open_store(ble, true, &err);
  if (!store)
    return;
  (void) ab_host_bonds_read(ble, store);
  ab_store_close(store);
}

static void free_store(aioble_t *ble) {
  ab_store_close(ble->store);
  ble->store = NULL;
}

int ab_host_store_identify(aioble_t *ble, const aioble_addr_t *public_addr) {
  bool other = ble->identified && !aioble_addr_equal(&ble->public_addr, public_addr);
  int err;

  if (other && !ble->options.store_ops && !ble->options.store)
    free_store(ble); /* one that could not be written, of another adapter */
  ble->identified = true;
  ble->public_addr = *public_addr;
  err = ab_host_store_open(ble);
  return err == AIOBLE_ENOMEM ? err : 0;
}

void ab_host_store_close(aioble_t *ble) {
  ab_host_save(ble);
  ab_timer_stop(&ble->env, &ble->save_timer);
  if (ble->store && !ab_store_dirty(ble->store) && !ab_store_waiting(ble->store))
    free_store(ble);
}

void ab_host_store_free(aioble_t *ble) {
  ab_host_store_close(ble);
  free_store(ble);
}

/* ---- writing ---- */

static void on_save_timer(ab_timer *timer) {
  ab_host_save(ab_container_of(timer, aioble_t, save_timer));
}

static void saved(aioble_t *ble, int status, const char *why) {
  ble->save_failed = status < 0;
  report(ble, status, why);
  if (status < 0)
    ab_timer_start(&ble->env, &ble->save_timer, RETRY_US, on_save_timer);
}

void ab_host_save(aioble_t *ble) {
  char why[AB_STORE_WHY];
  int err;

  ab_timer_stop(&ble->env, &ble->save_timer);
  ble->save_due = false;
  if (!ble->store || !ab_store_dirty(ble->store))
    return;
  err = ab_store_flush(ble->store, why);
  if (err < 0 || !ab_store_waiting(ble->store))
    saved(ble, err, why);
}

void ab_host_save_soon(aioble_t *ble) {
  if (ble->store && ab_store_dirty(ble->store) && !ble->save_timer.running)
    ab_timer_start(&ble->env, &ble->save_timer, SAVE_US, on_save_timer);
}

void ab_host_save_paced(aioble_t *ble) {
  if (ble->save_timer.running)
    return;
  ab_host_save(ble);
  if (!ble->save_timer.running)
    ab_timer_start(&ble->env, &ble->save_timer, SAVE_US, on_save_timer);
}

void ab_host_save_now(aioble_t *ble) {
  if (!ble->store || ble->state == AB_HOST_CLOSED)
    return;
  ble->save_due = true;
  ab_host_touch(ble);
}

int ab_host_store_saved(aioble_t *ble, int status) {
  if (!ble->store || !ab_store_saved(ble->store, status))
    return AIOBLE_EALREADY;
  saved(ble, status, "");
  if (ble->state == AB_HOST_CLOSED && status == 0)
    ab_host_store_close(ble);
  else if (status == 0 && ab_store_dirty(ble->store))
    ab_host_save_now(ble);
  return 0;
}
