/* SPDX-License-Identifier: MIT */
/* Services: made, put together, released. */
#include "api/api_server.h"

/* ---- services ---- */

static aioble_service_t *new_service(aioble_t *ble, aioble_uuid_t uuid, bool secondary) {
  aioble_service_t *service = ble ? ab_zalloc(&ble->env, sizeof *service) : NULL;

  if (!service)
    return NULL;
  service->ble = aioble_ref(ble);
  service->uuid = uuid;
  service->secondary = secondary;
  service->refs = 1;
  if (!uuid.size)
    service->unfit = "a service without a UUID";
  ab_list_init(&service->includes);
  ab_list_init(&service->chars);
  return service;
}

aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid) {
  return new_service(ble, uuid, false);
}

aioble_service_t *aioble_service_new_secondary(aioble_t *ble, aioble_uuid_t uuid) {
  return new_service(ble, uuid, true);
}

void ab_service_free_unused(aioble_service_t *service) {
  ab_list *n;

  if (service->refs || service->tables || service->includers)
    return;
  while ((n = ab_list_pop(&service->includes))) {
    ab_include *include = ab_container_of(n, ab_include, node);

    include->service->includers--;
    ab_service_free_unused(include->service);
    ab_free(&service->ble->env, include);
  }
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
  ab_service_free_unused(service);
  aioble_unref(ble);
  return NULL;
}

aioble_uuid_t aioble_service_uuid(const aioble_service_t *service) {
  return service ? service->uuid : (aioble_uuid_t){0};
}

/* ---- includes ---- */

/* itself, or over others */
static bool reaches(const aioble_service_t *from, const aioble_service_t *service) {
  bool found = from == service;

  AB_LIST_EACH(n, &from->includes) {
    found = found || reaches(ab_container_of(n, ab_include, node)->service, service);
  }
  return found;
}

bool ab_service_includes(const aioble_service_t *service, const aioble_service_t *included) {
  AB_LIST_EACH(n, &service->includes) {
    if (ab_container_of(n, ab_include, node)->service == included)
      return true;
  }
  return false;
}

int aioble_service_include(aioble_service_t *service, aioble_service_t *included) {
  ab_include *include;

  if (!service || !included || service->ble != included->ble || reaches(included, service))
    return AIOBLE_EINVAL;
  if (service->tables || ab_service_includes(service, included))
    return AIOBLE_EALREADY;
  if (!(include = ab_zalloc(&service->ble->env, sizeof *include)))
    return AIOBLE_ENOMEM;
  include->service = included;
  included->includers++;
  ab_list_push(&service->includes, &include->node);
  return 0;
}
