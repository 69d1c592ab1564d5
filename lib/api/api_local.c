/* SPDX-License-Identifier: MIT */
/*
 * A local value: what a characteristic's value and a descriptor have in common. It is read and
 * written by the application, and by clients, of which the application's hooks are asked in this
 * order:
 *
 *   1. on_authorize
 *   2. writing: is there room in the queue, if it is captured? The request waits until there is
 *   3. on_read or on_write
 */
#include "api/api_server.h"

_Static_assert(AIOBLE_SECURITY_ENCRYPTED == (int) AB_GATT_LEVEL_ENCRYPTED &&
                   AIOBLE_SECURITY_AUTHENTICATED == (int) AB_GATT_LEVEL_AUTHENTICATED &&
                   AIOBLE_SECURITY_SECURE_CONNECTIONS == (int) AB_GATT_LEVEL_SECURE,
               "the same levels");

enum { KEY_SIZE_MIN = 7, KEY_SIZE_MAX = 16 };

/* ---- what clients want ---- */

static ab_local *local_of(ab_gatt_value *value) {
  return ab_container_of(value, ab_local, value);
}

static aioble_conn_t *conn_of(ab_gatt_server_link *link) {
  return ab_container_of(link, aioble_conn_t, server);
}

static ab_access access_of(const ab_local *local, const ab_gatt_access *a) {
  return (ab_access){.access = {.conn = conn_of(a->link),
                                .chr = local->chr,
                                .desc = local->desc,
                                .offset = a->offset,
                                .value = {a->data, a->len},
                                .command = a->command,
                                .signature = (aioble_signature_t) a->signature},
                     .gatt = a};
}

static bool authorized(const ab_local *local, const aioble_access_t *access, bool write) {
  return !local->options.on_authorize ||
         local->options.on_authorize(access, write, local->options.user);
}

/* what a hook has returned, for the client */
static int code_of(int answer) {
  if (answer == AIOBLE_ANSWER_LATER)
    return AB_ATT_LATER;
  return answer >= 0 && answer <= UINT8_MAX ? answer : AB_ATT_ERR_UNLIKELY;
}

static int on_read(ab_gatt_value *value, ab_gatt_access *a) {
  ab_local *local = local_of(value);
  const aioble_desc_options_t *o = &local->options;
  ab_access access;
  int code;

  if (!o->on_read && !o->on_authorize)
    return 0;
  access = access_of(local, a);
  if (!authorized(local, &access.access, false))
    return AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
  code = o->on_read ? code_of(o->on_read(&access.access, o->user)) : 0;
  a->data = access.access.value.data;
  a->len = access.access.value.len;
  return a->len > AB_ATT_VALUE_MAX ? AB_ATT_ERR_UNLIKELY : code;
}

static int on_check(ab_gatt_value *value, ab_gatt_access *write) {
  ab_local *local = local_of(value);
  const aioble_desc_options_t *o = &local->options;
  ab_access access;
  int code;

  if (!o->on_write && !o->on_authorize)
    return ab_local_make_room(local, write);
  access = access_of(local, write);
  if (!write->again && !authorized(local, &access.access, true))
    return AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
  code = ab_local_make_room(local, write);
  return code || !o->on_write ? code : code_of(o->on_write(&access.access, o->user));
}

static void on_written(ab_gatt_value *value, const ab_gatt_access *write) {
  ab_local_written(local_of(value), conn_of(write->link), write);
}

static void on_subscribed(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what) {
  ab_local *local = local_of(value);

  if (local->chr->on_subscribe)
    local->chr->on_subscribe(local->chr, conn_of(link), what, local->options.user);
}

/* there is no value to be shown yet */
bool ab_local_authorized(const ab_local *local, aioble_conn_t *conn, bool write) {
  aioble_access_t access = {.conn = conn, .chr = local->chr, .desc = local->desc};

  return authorized(local, &access, write);
}

static int on_permit(ab_gatt_value *value, ab_gatt_server_link *link, bool write) {
  return ab_local_authorized(local_of(value), conn_of(link), write)
             ? 0
             : AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
}

static const ab_gatt_value_ops ops = {on_read, on_check, on_written, on_subscribed, on_permit};
/* … of a value about which nobody is asked */
static const ab_gatt_value_ops plain_ops = {.written = on_written, .subscribed = on_subscribed};

static const ab_gatt_value_ops *ops_for(const aioble_desc_options_t *o) {
  bool asks = o->on_authorize || o->on_read || o->on_write || o->capture || o->capture_to;

  return asks ? &ops : &plain_ops;
}

/* ---- made and freed ---- */

static const char *unfit(const aioble_service_t *service, const aioble_desc_options_t *o) {
  if (o->max_len > AB_ATT_VALUE_MAX)
    return "a value of more than 512 octets";
  if (o->initial.len > (o->max_len ? o->max_len : AB_ATT_VALUE_MAX))
    return "a first value longer than max_len";
  if (o->capture_to && o->capture_to->ble != service->ble)
    return "captured to a queue of another stack";
  if (o->min_key_size && (o->min_key_size < KEY_SIZE_MIN || o->min_key_size > KEY_SIZE_MAX))
    return "a key of other than 7 to 16 octets";
  if (o->read_security > AIOBLE_SECURITY_SECURE_CONNECTIONS ||
      o->write_security > AIOBLE_SECURITY_SECURE_CONNECTIONS)
    return "a security that there is none of";
  return NULL;
}

bool ab_local_init(ab_local *local, aioble_char_t *chr, aioble_desc_t *desc, unsigned flags,
                   const aioble_desc_options_t *options) {
  aioble_service_t *service = chr->service;
  const char *why = unfit(service, options);

  local->chr = chr;
  local->desc = desc;
  ab_gatt_value_init(&local->value, ops_for(options), (uint8_t) flags,
                     options->max_len ? options->max_len : AB_ATT_VALUE_MAX);
  local->value.append = options->append;
  local->value.truncate = options->truncate & AIOBLE_TRUNCATE_WRITES;
  local->value.read_level = (uint8_t) options->read_security;
  local->value.write_level = (uint8_t) options->write_security;
  local->value.min_key = options->min_key_size;
  ab_writes_init(&local->own, service->ble, options->capture_depth);
  local->writes = &local->own;
  if (why) {
    ab_service_unfit(service, why);
    return true;
  }
  if (!ab_gatt_value_put(&local->value, &service->ble->env, 0, options->initial.data,
                         options->initial.len))
    return false;
  local->options = *options;
  local->options.initial = (aioble_bytes_t){NULL, 0};
  if (options->capture_to) {
    ab_capture_use(options->capture_to);
    local->options.capture = true;
    local->writes = &options->capture_to->writes;
  }
  return true;
}

void ab_local_free(ab_local *local) {
  ab_local_forget_writes(local);
  if (local->options.capture_to)
    ab_capture_unuse(local->options.capture_to);
  ab_writes_close(&local->own);
  ab_gatt_value_free(&local->value, &local->chr->service->ble->env);
}

/* ---- the application's side ---- */

static aioble_bytes_t read_local(ab_local *local) {
  aioble_bytes_t bytes = ab_local_bytes(local);

  if (local->value.append)
    local->value.len = 0;
  return bytes;
}

static int write_local(ab_local *local, const void *data, size_t len) {
  if (len > local->value.max_len)
    return AIOBLE_EMSGSIZE;
  return ab_gatt_value_put(&local->value, &local->chr->service->ble->env, 0, data, len)
             ? 0
             : AIOBLE_ENOMEM;
}

aioble_bytes_t aioble_char_read(aioble_char_t *chr) {
  return chr ? read_local(&chr->local) : (aioble_bytes_t){NULL, 0};
}

aioble_bytes_t aioble_desc_read(aioble_desc_t *desc) {
  return desc ? read_local(&desc->local) : (aioble_bytes_t){NULL, 0};
}

int aioble_char_write(aioble_char_t *chr, const void *data, size_t len, unsigned flags) {
  int err = chr ? write_local(&chr->local, data, len) : AIOBLE_EINVAL;

  return err < 0 || !(flags & AIOBLE_SEND_UPDATE) ? err : ab_char_send_update(chr);
}

int aioble_desc_write(aioble_desc_t *desc, const void *data, size_t len) {
  return desc ? write_local(&desc->local, data, len) : AIOBLE_EINVAL;
}

uint16_t aioble_char_handle(const aioble_char_t *chr) {
  return chr ? chr->local.value.handle : 0;
}

uint16_t aioble_desc_handle(const aioble_desc_t *desc) {
  return desc ? desc->local.value.handle : 0;
}

void *aioble_char_user(const aioble_char_t *chr) {
  return chr ? chr->local.options.user : NULL;
}

void *aioble_desc_user(const aioble_desc_t *desc) {
  return desc ? desc->local.options.user : NULL;
}
