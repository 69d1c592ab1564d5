/* SPDX-License-Identifier: MIT */
/* Services: made, registered, released. */
#include "api/api_server.h"

/* ---- services ---- */

aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid) {
  aioble_service_t *service = ble ? ab_zalloc(&ble->env, sizeof *service) : NULL;

  if (!service)
    return NULL;
  service->ble = aioble_ref(ble);
  service->uuid = uuid;
  service->refs = 1;
  if (!uuid.size)
    service->unfit = "a service without a UUID";
  ab_list_init(&service->chars);
  return service;
}

static void free_unused(aioble_service_t *service) {
  ab_list *n;

  if (service->refs || service->tables)
    return;
  while ((n = ab_list_first(&service->chars)))
    ab_char_free(ab_container_of(n, aioble_char_t, node));
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

aioble_uuid_t aioble_service_uuid(const aioble_service_t *service) {
  return service ? service->uuid : (aioble_uuid_t){0};
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

static int check_service(const aioble_service_t *service) {
  const char *why = service->unfit;
  char text[AIOBLE_UUID_TEXT_SIZE];

  AB_LIST_EACH(n, &service->chars) {
    if (!why)
      why = ab_char_unfit(ab_container_of(n, aioble_char_t, node));
  }
  if (!why)
    return 0;
  ab_log(&service->ble->env, AB_LOG_ERROR, "service %s cannot be registered: %s",
         aioble_uuid_text(&service->uuid, text), why);
  return AIOBLE_EINVAL;
}

/* each once, and fit for it */
static int check_list(aioble_t *ble, aioble_service_t *const *services, size_t n) {
  size_t i = 0;
  int err = 0;

  for (; i < n && err == 0; i++) {
    if (!services[i] || services[i]->ble != ble || services[i]->listed)
      err = AIOBLE_EINVAL;
    else
      err = check_service(services[i]);
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

    n += chr->local.value.props & (AIOBLE_NOTIFY | AIOBLE_INDICATE) ? 3 : 2;
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

    ab_gatt_db_add_char(db, &chr->uuid, &chr->local.value);
    AB_LIST_EACH(d, &chr->descs) {
      aioble_desc_t *desc = ab_container_of(d, aioble_desc_t, node);

      ab_gatt_db_add_desc(db, &desc->uuid, &desc->local.value);
    }
  }
}

static void tell_registered(const registered *reg) {
  for (size_t i = 0; i < reg->n; i++) {
    AB_LIST_EACH(n, &reg->services[i]->chars) {
      ab_char_registered(ab_container_of(n, aioble_char_t, node));
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
  err = ab_gatt_server_install(&ble->server, db);
  if (err == 0)
    tell_registered(reg);
  return err;
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
