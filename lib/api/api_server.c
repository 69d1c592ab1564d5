/* SPDX-License-Identifier: MIT */
/* Services, characteristics and descriptors: made, filled, registered, released. */
#include "api/api_server.h"

#include <assert.h>

enum {
  ALL_FLAGS = AIOBLE_READ | AIOBLE_WRITE_NO_RSP | AIOBLE_WRITE | AIOBLE_NOTIFY | AIOBLE_INDICATE
};

/* ---- services ---- */

aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid) {
  aioble_service_t *service = ble ? ab_zalloc(&ble->env, sizeof *service) : NULL;

  if (!service)
    return NULL;
  service->ble = aioble_ref(ble);
  service->uuid = uuid;
  service->refs = 1;
  service->status = uuid.size ? 0 : AIOBLE_EINVAL;
  ab_list_init(&service->chars);
  return service;
}

static void free_char(aioble_char_t *chr) {
  ab_env *env = &chr->service->ble->env;
  ab_list *n;

  while ((n = ab_list_pop(&chr->descs))) {
    aioble_desc_t *desc = ab_container_of(n, aioble_desc_t, node);

    ab_gatt_value_free(&desc->value, env);
    ab_free(env, desc);
  }
  ab_char_forget_writes(chr);
  ab_gatt_value_free(&chr->value, env);
  ab_free(env, chr);
}

static void free_unused(aioble_service_t *service) {
  ab_list *n;

  if (service->refs || service->tables)
    return;
  while ((n = ab_list_pop(&service->chars)))
    free_char(ab_container_of(n, aioble_char_t, node));
  ab_free(&service->ble->env, service);
}

aioble_service_t *aioble_service_ref(aioble_service_t *service) {
  if (service && service->refs++ == 0)
    aioble_ref(service->ble);
  return service;
}

aioble_service_t *aioble_service_unref(aioble_service_t *service) {
  aioble_t *ble = service ? service->ble : NULL;

  if (!service || --service->refs)
    return NULL;
  free_unused(service);
  aioble_unref(ble);
  return NULL;
}

/* ---- what is in them ---- */

/* a value of its own for a characteristic or descriptor; false: out of memory */
static bool make_value(aioble_service_t *service, ab_gatt_value *value,
                       const ab_gatt_value_ops *ops, unsigned flags, uint16_t max_len,
                       aioble_bytes_t initial) {
  ab_gatt_value_init(value, ops, (uint8_t) flags, max_len);
  if (initial.len <= max_len)
    return ab_gatt_value_put(value, &service->ble->env, 0, initial.data, initial.len);
  service->status = AIOBLE_EINVAL;
  return true;
}

aioble_char_t *aioble_char_new(aioble_service_t *service, aioble_uuid_t uuid, unsigned flags,
                               const aioble_char_options_t *options) {
  const aioble_char_options_t defaults = {0};
  const aioble_char_options_t *o = options ? options : &defaults;
  uint16_t max_len = o->max_len ? o->max_len : AB_ATT_VALUE_MAX;
  aioble_char_t *chr;

  assert((!service || !service->tables) && "registered already");
  if (!service || service->tables)
    return NULL;
  if (!(chr = ab_zalloc(&service->ble->env, sizeof *chr)))
    return NULL;
  if (!make_value(service, &chr->value, &ab_char_ops, flags, max_len, o->initial)) {
    ab_free(&service->ble->env, chr);
    return NULL;
  }
  if (!uuid.size || max_len > AB_ATT_VALUE_MAX || flags & ~(unsigned) ALL_FLAGS)
    service->status = AIOBLE_EINVAL;
  chr->service = service;
  chr->uuid = uuid;
  chr->options = *o;
  chr->options.initial = (aioble_bytes_t){NULL, 0};
  chr->options.capture_depth = o->capture_depth ? o->capture_depth : AB_CAPTURE_DEPTH;
  chr->value.append = o->append;
  ab_list_init(&chr->descs);
  ab_list_init(&chr->waiters);
  ab_list_init(&chr->captured);
  ab_list_push(&service->chars, &chr->node);
  return chr;
}

aioble_desc_t *aioble_desc_new(aioble_char_t *chr, aioble_uuid_t uuid, unsigned flags,
                               aioble_bytes_t initial) {
  aioble_service_t *service = chr ? chr->service : NULL;
  aioble_desc_t *desc;

  assert((!service || !service->tables) && "registered already");
  if (!service || service->tables)
    return NULL;
  if (!(desc = ab_zalloc(&service->ble->env, sizeof *desc)))
    return NULL;
  if (!make_value(service, &desc->value, NULL, flags, AB_ATT_VALUE_MAX, initial)) {
    ab_free(&service->ble->env, desc);
    return NULL;
  }
  if (!uuid.size || aioble_uuid_equal(&uuid, &AIOBLE_UUID16(0x2902)) ||
      flags & ~(unsigned) (AIOBLE_READ | AIOBLE_WRITE))
    service->status = AIOBLE_EINVAL;
  desc->chr = chr;
  desc->uuid = uuid;
  ab_list_push(&chr->descs, &desc->node);
  return desc;
}

aioble_uuid_t aioble_char_uuid(const aioble_char_t *chr) {
  return chr ? chr->uuid : (aioble_uuid_t){0};
}

uint16_t aioble_char_handle(const aioble_char_t *chr) {
  return chr ? chr->value.handle : 0;
}

void *aioble_char_user(const aioble_char_t *chr) {
  return chr ? chr->options.user : NULL;
}

/* ---- values ---- */

static int put(aioble_service_t *service, ab_gatt_value *value, const void *data, size_t len) {
  if (len > value->max_len)
    return AIOBLE_EMSGSIZE;
  return ab_gatt_value_put(value, &service->ble->env, 0, data, len) ? 0 : AIOBLE_ENOMEM;
}

aioble_bytes_t aioble_char_read(aioble_char_t *chr) {
  aioble_bytes_t value = {NULL, 0};

  if (chr)
    value = (aioble_bytes_t){chr->value.data, chr->value.len};
  if (chr && chr->value.append)
    chr->value.len = 0;
  return value;
}

int aioble_char_write(aioble_char_t *chr, const void *data, size_t len, unsigned flags) {
  int err = chr ? put(chr->service, &chr->value, data, len) : AIOBLE_EINVAL;

  return err < 0 || !(flags & AIOBLE_SEND_UPDATE) ? err : ab_char_send_update(chr);
}

aioble_bytes_t aioble_desc_read(aioble_desc_t *desc) {
  return desc ? (aioble_bytes_t){desc->value.data, desc->value.len} : (aioble_bytes_t){NULL, 0};
}

int aioble_desc_write(aioble_desc_t *desc, const void *data, size_t len) {
  return desc ? put(desc->chr->service, &desc->value, data, len) : AIOBLE_EINVAL;
}

/* ---- registration ---- */

/* the owner of a table: its services, each counted */
typedef struct registered {
  ab_env *env;
  size_t n;
  aioble_service_t *services[];
} registered;

static void release(void *owner) {
  registered *reg = owner;

  for (size_t i = 0; i < reg->n; i++) {
    reg->services[i]->tables--;
    free_unused(reg->services[i]);
  }
  ab_free(reg->env, reg);
}

/* each once, and fit for it */
static int check_list(aioble_t *ble, aioble_service_t *const *services, size_t n) {
  size_t i = 0;
  int err = 0;

  for (; i < n && err == 0; i++) {
    if (!services[i] || services[i]->ble != ble || services[i]->listed)
      err = AIOBLE_EINVAL;
    else
      err = services[i]->status;
    if (err == 0)
      services[i]->listed = true;
  }
  while (i-- > 0)
    if (services[i])
      services[i]->listed = false;
  return err;
}

/* of its table: a declaration for each, and configurations */
static uint32_t count_attrs(const aioble_service_t *service) {
  uint32_t n = 1;

  AB_LIST_EACH(c, &service->chars) {
    const aioble_char_t *chr = ab_container_of(c, aioble_char_t, node);

    n += chr->value.props & (AIOBLE_NOTIFY | AIOBLE_INDICATE) ? 3 : 2;
    AB_LIST_EACH(d, &chr->descs) {
      n++;
    }
  }
  return n;
}

static void fill(ab_gatt_db *db, aioble_service_t *service) {
  ab_gatt_db_add_service(db, &service->uuid, false, service, count_attrs(service));
  AB_LIST_EACH(c, &service->chars) {
    aioble_char_t *chr = ab_container_of(c, aioble_char_t, node);

    ab_gatt_db_add_char(db, &chr->uuid, &chr->value);
    AB_LIST_EACH(d, &chr->descs) {
      aioble_desc_t *desc = ab_container_of(d, aioble_desc_t, node);

      ab_gatt_db_add_desc(db, &desc->uuid, &desc->value);
    }
  }
}

int aioble_register_services(aioble_t *ble, aioble_service_t *const *services, size_t n) {
  int err = ble ? check_list(ble, services, n) : AIOBLE_EINVAL;
  registered *reg;
  ab_gatt_db *db;

  if (err < 0)
    return err;
  reg = ab_alloc(&ble->env, sizeof *reg + n * sizeof *reg->services);
  db = reg ? ab_gatt_db_new(&ble->server) : NULL;
  for (size_t i = 0; db && i < n; i++)
    fill(db, services[i]);
  err = db ? ab_gatt_db_finish(db) : AIOBLE_ENOMEM;
  if (err < 0) {
    ab_gatt_db_unref(db);
    ab_free(&ble->env, reg);
    return err;
  }
  reg->env = &ble->env;
  reg->n = n;
  for (size_t i = 0; i < n; i++) {
    reg->services[i] = services[i];
    services[i]->tables++;
  }
  ab_gatt_db_set_owner(db, reg, release);
  if (ble->n_conns) /* whose clients may be told */
    ab_host_touch(ble);
  return ab_gatt_server_install(&ble->server, db);
}

void ab_server_stop(aioble_t *ble, int status) {
  registered *reg = ab_gatt_server_owner(&ble->server);

  ab_host_settle_all(&ble->written, status, NULL);
  for (size_t i = 0; reg && i < reg->n; i++) {
    AB_LIST_EACH(n, &reg->services[i]->chars) {
      ab_char_forget_conns(ab_container_of(n, aioble_char_t, node));
    }
  }
}
