/* SPDX-License-Identifier: MIT */
/*
 * Services, registered: each change is a new table, and a new list of those that it is made of. The
 * table keeps the list, and the list its services, until no request uses that table any more.
 */
#include "api/api_server.h"

/* ---- what is registered ---- */

/* the owner of a table: its services, each counted */
typedef struct registered {
  aioble_t *ble;
  size_t n;
  aioble_service_t *services[];
} registered;

/* with room for n; NULL: out of memory */
static registered *new_registered(aioble_t *ble, size_t n) {
  registered *reg = ab_alloc(&ble->env, sizeof *reg + n * sizeof *reg->services);

  if (!reg)
    return NULL;
  reg->ble = ble;
  reg->n = 0;
  return reg;
}

static void register_one(registered *reg, aioble_service_t *service) {
  reg->services[reg->n++] = service;
  service->tables++;
}

static void release(void *owner) {
  registered *reg = owner;

  for (size_t i = 0; reg && i < reg->n; i++) {
    reg->services[i]->tables--;
    ab_service_free_unused(reg->services[i]);
  }
  if (reg)
    ab_free(&reg->ble->env, reg);
}

/* those there are now; NULL: none have been yet */
static registered *registered_of(const aioble_service_t *service) {
  return ab_gatt_server_owner(&service->ble->server);
}

static bool is_registered(const aioble_service_t *service) {
  const registered *reg = registered_of(service);

  for (size_t i = 0; service->tables && reg && i < reg->n; i++)
    if (reg->services[i] == service)
      return true;
  return false;
}

/* ---- what can be registered ---- */

static const char *includes_unfit(const aioble_service_t *service, bool alone) {
  AB_LIST_EACH(n, &service->includes) {
    const aioble_service_t *included = ab_container_of(n, ab_include, node)->service;

    if (alone ? !is_registered(included) : !included->listed)
      return "it includes one that is not";
  }
  return NULL;
}

/* alone: to be added to those there are */
static int check_service(const aioble_service_t *service, bool alone) {
  const char *why = service->unfit;
  char text[AIOBLE_UUID_TEXT_SIZE];

  AB_LIST_EACH(n, &service->chars) {
    if (!why)
      why = ab_char_unfit(ab_container_of(n, aioble_char_t, node));
  }
  if (!why)
    why = includes_unfit(service, alone);
  if (!why)
    return 0;
  ab_log(&service->ble->env, AB_LOG_ERROR, "service %s cannot be registered: %s",
         aioble_uuid_text(&service->uuid, text), why);
  return AIOBLE_EINVAL;
}

/* each once, and fit for it */
static int check_list(aioble_t *ble, aioble_service_t *const *services, size_t n) {
  size_t listed = 0;
  int err = 0;

  for (; listed < n && err == 0; listed += err == 0) {
    if (!services[listed] || services[listed]->ble != ble || services[listed]->listed)
      err = AIOBLE_EINVAL;
    else
      services[listed]->listed = true;
  }
  for (size_t i = 0; i < n && err == 0; i++)
    err = check_service(services[i], false);
  while (listed)
    services[--listed]->listed = false;
  return err;
}

/* ---- attributes ---- */

/* of its table: a declaration for each, and configurations */
static uint32_t count_attrs(const aioble_service_t *service) {
  uint32_t n = 1;

  AB_LIST_EACH(i, &service->includes) {
    n++;
  }
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
  ab_gatt_db_add_service(db, &service->uuid, service->secondary, service, count_attrs(service));
  AB_LIST_EACH(i, &service->includes) {
    ab_gatt_db_add_include(db, ab_container_of(i, ab_include, node)->service);
  }
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

/* ---- registration ---- */

/* takes both over; either may be NULL, out of memory */
static int install(aioble_t *ble, ab_gatt_db *db, registered *reg) {
  int err = db && reg ? ab_gatt_db_finish(db) : AIOBLE_ENOMEM;

  if (err < 0) {
    ab_gatt_db_unref(db);
    release(reg);
    return err;
  }
  ab_gatt_db_set_owner(db, reg, release);
  if (ble->n_conns) /* whose clients may be told */
    ab_host_touch(ble);
  err = ab_gatt_server_install(&ble->server, db);
  if (err == 0)
    tell_registered(reg);
  return err;
}

int aioble_register_services(aioble_t *ble, aioble_service_t *const *services, size_t n) {
  int err = ble ? check_list(ble, services, n) : AIOBLE_EINVAL;
  registered *reg;
  ab_gatt_db *db;

  if (err < 0)
    return err;
  reg = new_registered(ble, n);
  db = reg ? ab_gatt_db_new(&ble->server) : NULL;
  for (size_t i = 0; db && i < n; i++) {
    register_one(reg, services[i]);
    fill(db, services[i]);
  }
  return install(ble, db, reg);
}

/* those there are now, but one, with room for one more */
static registered *others(const aioble_service_t *but) {
  const registered *now = registered_of(but);
  registered *reg = new_registered(but->ble, now ? now->n + 1 : 1);

  for (size_t i = 0; reg && now && i < now->n; i++)
    if (now->services[i] != but)
      register_one(reg, now->services[i]);
  return reg;
}

int aioble_service_add(aioble_service_t *service) {
  int err = service ? check_service(service, true) : AIOBLE_EINVAL;
  registered *reg;
  ab_gatt_db *db;

  if (err < 0)
    return err;
  if (is_registered(service))
    return AIOBLE_EALREADY;
  reg = others(service);
  db = reg ? ab_gatt_db_copy(&service->ble->server) : NULL;
  if (db) {
    register_one(reg, service);
    fill(db, service);
  }
  return install(service->ble, db, reg);
}

static bool is_needed(const aioble_service_t *service) {
  const registered *reg = registered_of(service);

  for (size_t i = 0; service->includers && i < reg->n; i++)
    if (ab_service_includes(reg->services[i], service))
      return true;
  return false;
}

int aioble_service_remove(aioble_service_t *service) {
  aioble_t *ble = service ? service->ble : NULL;
  registered *reg;
  ab_gatt_db *db;

  if (!service)
    return AIOBLE_EINVAL;
  if (!is_registered(service))
    return AIOBLE_ENOENT;
  if (is_needed(service))
    return AIOBLE_EBUSY;
  reg = others(service);
  db = reg ? ab_gatt_db_copy(&ble->server) : NULL;
  if (db)
    ab_gatt_db_remove_service(db, service);
  return install(ble, db, reg);
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
