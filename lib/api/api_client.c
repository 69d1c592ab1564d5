/* SPDX-License-Identifier: MIT */
/* Handles of what was discovered: services, characteristics, descriptors. */
#include "api/api_client.h"

#include "host/host.h"

/* ---- services ---- */

aioble_client_service_t *ab_client_service_new(aioble_conn_t *conn, const ab_gatt_item *item) {
  aioble_client_service_t *service = ab_zalloc(&conn->ble->env, sizeof *service);

  if (!service)
    return NULL;
  service->refs = 1;
  service->conn = aioble_conn_ref(conn);
  service->uuid = item->uuid;
  service->first = item->handle;
  service->last = item->last;
  ab_list_push(&conn->services, &service->node);
  return service;
}

aioble_client_service_t *aioble_client_service_ref(aioble_client_service_t *service) {
  if (service)
    service->refs++;
  return service;
}

aioble_client_service_t *aioble_client_service_unref(aioble_client_service_t *service) {
  aioble_conn_t *conn;

  if (!service || --service->refs > 0)
    return NULL;
  conn = service->conn;
  ab_list_remove(&service->node);
  ab_free(&conn->ble->env, service);
  aioble_conn_unref(conn);
  return NULL;
}

void ab_client_service_put(void *service) {
  aioble_client_service_unref(service);
}

aioble_client_service_t *aioble_op_service(const aioble_op_t *op) {
  return ab_op_handle(op, ab_client_service_put);
}

aioble_conn_t *aioble_client_service_conn(const aioble_client_service_t *service) {
  return service ? service->conn : NULL;
}

aioble_uuid_t aioble_client_service_uuid(const aioble_client_service_t *service) {
  return service ? service->uuid : (aioble_uuid_t){0};
}

void aioble_client_service_range(const aioble_client_service_t *service, uint16_t *first,
                                 uint16_t *last) {
  *first = service ? service->first : 0;
  *last = service ? service->last : 0;
}

/* Two walks: those who listened may do anything when they are told. */
void ab_client_services_gone(aioble_conn_t *conn, ab_att_range range) {
  ab_att_range gone = range;

  AB_LIST_EACH(n, &conn->services) {
    aioble_client_service_t *service = ab_container_of(n, aioble_client_service_t, node);

    if (service->first > range.last || service->last < range.first)
      continue;
    service->gone = true;
    if (service->first < gone.first)
      gone.first = service->first;
    if (service->last > gone.last)
      gone.last = service->last;
  }
  ab_gatt_end_listeners(&conn->client, gone.first, gone.last, conn->cache.changes.handle,
                        AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC));
}

/* ---- characteristics ---- */

aioble_client_char_t *ab_client_char_new(aioble_client_service_t *service,
                                         const ab_gatt_item *item) {
  aioble_client_char_t *chr = ab_zalloc(&service->conn->ble->env, sizeof *chr);

  if (!chr)
    return NULL;
  chr->refs = 1;
  chr->service = aioble_client_service_ref(service);
  chr->uuid = item->uuid;
  chr->handle = item->value;
  chr->last = item->last;
  chr->properties = item->properties;
  ab_list_init(&chr->subscribing);
  ab_client_char_streams_init(chr);
  return chr;
}

aioble_client_char_t *aioble_client_char_ref(aioble_client_char_t *chr) {
  if (chr)
    chr->refs++;
  return chr;
}

aioble_client_char_t *aioble_client_char_unref(aioble_client_char_t *chr) {
  aioble_client_service_t *service;

  if (!chr || --chr->refs > 0)
    return NULL;
  service = chr->service;
  ab_client_char_streams_free(chr);
  ab_free(&service->conn->ble->env, chr);
  aioble_client_service_unref(service);
  return NULL;
}

void ab_client_char_put(void *chr) {
  aioble_client_char_unref(chr);
}

aioble_client_char_t *aioble_op_char(const aioble_op_t *op) {
  return ab_op_handle(op, ab_client_char_put);
}

aioble_conn_t *ab_client_char_conn(const aioble_client_char_t *chr) {
  return chr->service->conn;
}

int ab_client_char_check(const aioble_client_char_t *chr) {
  if (!chr)
    return AIOBLE_ENOTCONN;
  return chr->service->gone ? AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC) : 0;
}

int ab_client_desc_check(const aioble_client_desc_t *desc) {
  return ab_client_char_check(desc ? desc->chr : NULL);
}

aioble_op_t *ab_client_char_failed(const aioble_client_char_t *chr, int status) {
  return ab_op_failed(chr ? ab_client_char_conn(chr)->ble : NULL, status);
}

int ab_client_chars_conn(aioble_client_char_t *const *chars, size_t n, aioble_conn_t **conn) {
  int status;

  *conn = chars && chars[0] ? ab_client_char_conn(chars[0]) : NULL;
  for (size_t i = 0; *conn && i < n; i++) {
    if ((status = ab_client_char_check(chars[i])) < 0)
      return status;
    if (ab_client_char_conn(chars[i]) != *conn)
      return AIOBLE_EINVAL;
  }
  return *conn ? 0 : AIOBLE_ENOTCONN;
}

aioble_client_service_t *aioble_client_char_service(const aioble_client_char_t *chr) {
  return chr ? chr->service : NULL;
}

aioble_uuid_t aioble_client_char_uuid(const aioble_client_char_t *chr) {
  return chr ? chr->uuid : (aioble_uuid_t){0};
}

unsigned aioble_client_char_properties(const aioble_client_char_t *chr) {
  return chr ? chr->properties : 0;
}

uint16_t aioble_client_char_handle(const aioble_client_char_t *chr) {
  return chr ? chr->handle : 0;
}

/* ---- descriptors ---- */

aioble_client_desc_t *ab_client_desc_new(aioble_client_char_t *chr, const ab_gatt_item *item) {
  aioble_client_desc_t *desc = ab_zalloc(&ab_client_char_conn(chr)->ble->env, sizeof *desc);

  if (!desc)
    return NULL;
  desc->refs = 1;
  desc->chr = aioble_client_char_ref(chr);
  desc->uuid = item->uuid;
  desc->handle = item->handle;
  return desc;
}

aioble_client_desc_t *aioble_client_desc_ref(aioble_client_desc_t *desc) {
  if (desc)
    desc->refs++;
  return desc;
}

aioble_client_desc_t *aioble_client_desc_unref(aioble_client_desc_t *desc) {
  aioble_client_char_t *chr;

  if (!desc || --desc->refs > 0)
    return NULL;
  chr = desc->chr;
  ab_free(&ab_client_char_conn(chr)->ble->env, desc);
  aioble_client_char_unref(chr);
  return NULL;
}

void ab_client_desc_put(void *desc) {
  aioble_client_desc_unref(desc);
}

aioble_client_desc_t *aioble_op_desc(const aioble_op_t *op) {
  return ab_op_handle(op, ab_client_desc_put);
}

aioble_client_char_t *aioble_client_desc_char(const aioble_client_desc_t *desc) {
  return desc ? desc->chr : NULL;
}

aioble_uuid_t aioble_client_desc_uuid(const aioble_client_desc_t *desc) {
  return desc ? desc->uuid : (aioble_uuid_t){0};
}

uint16_t aioble_client_desc_handle(const aioble_client_desc_t *desc) {
  return desc ? desc->handle : 0;
}
