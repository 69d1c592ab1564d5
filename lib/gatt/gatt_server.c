/* SPDX-License-Identifier: MIT */
/*
 * The server of one stack, its links, and which request goes where.
 *
 *   1. The bearer gives each request or command, malformed or not, to ab_gatt_server_request(); a
 *      client that does not know the table as it is may be turned away (gatt_server_caching.c).
 *   2. A handler reads the whole PDU, looks the attributes up, asks for access, then the hooks, and
 *      writes the response; or it returns an error code with the handle that it concerns.
 *   3. The table that the handler began with is kept until it ends: a hook may install another.
 *   4. A hook may answer later: gatt_server_late.c.
 *
 * A response has the opcode of its request plus one (Core Vol 3, Part F, 3.4.8): written here. What
 * is not in the table of handlers is Request Not Supported; of a command the bearer tells nobody.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

#include <string.h>

static ab_gatt_handler *const handlers[] = {
    [AB_ATT_FIND_INFO_REQ] = ab_gatt_on_find_info,
    [AB_ATT_FIND_TYPE_REQ] = ab_gatt_on_find_by_type_value,
    [AB_ATT_READ_TYPE_REQ] = ab_gatt_on_read_by_type,
    [AB_ATT_READ_REQ] = ab_gatt_on_read,
    [AB_ATT_READ_BLOB_REQ] = ab_gatt_on_read_blob,
    [AB_ATT_READ_MULTIPLE_REQ] = ab_gatt_on_read_multiple,
    [AB_ATT_READ_GROUP_REQ] = ab_gatt_on_read_by_group,
    [AB_ATT_WRITE_REQ] = ab_gatt_on_write_request,
    [AB_ATT_PREPARE_WRITE_REQ] = ab_gatt_on_prepare_write,
    [AB_ATT_EXECUTE_WRITE_REQ] = ab_gatt_on_execute_write,
    [AB_ATT_READ_MULTIPLE_VAR_REQ] = ab_gatt_on_read_multiple_var,
    [AB_ATT_WRITE_CMD] = ab_gatt_on_write_command,
    [AB_ATT_SIGNED_WRITE_CMD] = ab_gatt_on_signed_write,
};

/* one by one: most of the struct is for what seldom happens */
static void begin(ab_gatt_request *rq, ab_gatt_bearer *bearer, ab_gatt_handler *handler, ab_rd *pdu,
                  ab_wr *rsp) {
  rq->bearer = bearer;
  rq->link = bearer->link;
  rq->server = rq->link->server;
  rq->db = rq->server->db;
  rq->db->refs++;
  rq->handler = handler;
  rq->pdu = pdu;
  rq->begin = pdu->p;
  rq->rsp = rsp;
  rq->late = NULL;
  rq->handle = 0;
  rq->offset = 0;
  rq->next = 0;
  rq->entry = 0;
  rq->running = true;
  rq->answered = false;
  rq->waiting = false;
  rq->executing = false;
}

int ab_gatt_server_request(ab_gatt_bearer *bearer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp,
                           uint16_t *handle) {
  ab_gatt_handler *handler = opcode < sizeof handlers / sizeof *handlers ? handlers[opcode] : NULL;
  ab_gatt_request command; /* begun by begin(), like any */
  ab_gatt_request *rq = &bearer->open;
  int code;

  *handle = 0;
  if (!handler)
    return AB_ATT_ERR_REQUEST_NOT_SUPPORTED;
  if (!bearer->link)
    return AB_ATT_ERR_UNLIKELY;
  if ((code = ab_gatt_caching_gate(bearer, opcode, pdu)))
    return code;
  if (opcode & AB_ATT_COMMAND_BIT)
    rq = &command;
  begin(rq, bearer, handler, pdu, rsp);
  ab_wr_u8(rsp, (uint8_t) (opcode + 1));
  code = handler(rq);
  rq->running = false;
  if (code == AB_ATT_LATER && ab_gatt_keep(rq))
    return code;
  *handle = rq->handle;
  ab_gatt_end(rq);
  return code == AB_ATT_LATER ? AB_ATT_ERR_INSUFFICIENT_RESOURCES : code;
}

ab_buf *ab_gatt_server_value_pdu(ab_att *att, uint8_t opcode, uint16_t handle, const void *data,
                                 size_t len, int *status) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, opcode, &w);

  if (!buf) {
    *status = AIOBLE_ENOMEM;
    return NULL;
  }
  ab_wr_le16(&w, handle);
  ab_wr_bytes(&w, data, len);
  if (!ab_wr_ok(&w)) {
    ab_buf_free(buf);
    *status = AIOBLE_EMSGSIZE;
    return NULL;
  }
  ab_buf_wrote(buf, &w);
  return buf;
}

/* ---- the stack's server ---- */

int ab_gatt_server_init(ab_gatt_server *server, ab_env *env, ab_bufs *bufs) {
  ab_gatt_db *db;

  *server = (ab_gatt_server){.env = env, .bufs = bufs};
  ab_list_init(&server->links);
  ab_gatt_value_init(&server->name, NULL, AIOBLE_READ, 0);
  server->name.data = (uint8_t *) server->name_text;
  ab_gatt_value_init(&server->appearance, NULL, AIOBLE_READ, 0);
  server->appearance.data = server->appearance_octets;
  server->appearance.len = sizeof server->appearance_octets;
  ab_gatt_caching_init(server);
  db = ab_gatt_db_new(server);
  if (!db || ab_gatt_db_finish(db) < 0) {
    ab_gatt_db_unref(db);
    return AIOBLE_ENOMEM;
  }
  return ab_gatt_server_install(server, db);
}

void ab_gatt_server_close(ab_gatt_server *server) {
  ab_list *n;

  if (!server->env)
    return;
  while ((n = ab_list_first(&server->links)))
    ab_gatt_server_link_close(ab_container_of(n, ab_gatt_server_link, node));
  ab_gatt_db_unref(server->db);
  server->db = NULL;
  ab_gatt_caching_close(server);
}

int ab_gatt_server_set_name(ab_gatt_server *server, const char *name) {
  size_t len = strlen(name);

  if (len > AB_GATT_NAME_MAX)
    return AIOBLE_EINVAL;
  memmove(server->name_text, name, len + 1);
  server->name.len = (uint16_t) len;
  return 0;
}

const char *ab_gatt_server_name(const ab_gatt_server *server) {
  return server->name_text;
}

void ab_gatt_server_set_appearance(ab_gatt_server *server, uint16_t appearance) {
  ab_wr w = ab_wr_of(server->appearance_octets, sizeof server->appearance_octets);

  ab_wr_le16(&w, appearance);
}

uint16_t ab_gatt_server_appearance(const ab_gatt_server *server) {
  ab_rd r = ab_rd_of(server->appearance_octets, sizeof server->appearance_octets);

  return ab_rd_le16(&r);
}

void *ab_gatt_server_owner(const ab_gatt_server *server) {
  return server->db->owner;
}

/* ---- links ---- */

void ab_gatt_server_link_open(ab_gatt_server *server, ab_gatt_server_link *link, ab_att *att) {
  *link = (ab_gatt_server_link){.server = server, .att = att};
  memcpy(link->hash, server->hash_octets, sizeof link->hash);
  ab_list_init(&link->bearers);
  ab_list_push(&server->links, &link->node);
}

void ab_gatt_server_link_close(ab_gatt_server_link *link) {
  ab_list *n;

  if (!link->server)
    return;
  while ((n = ab_list_first(&link->bearers)))
    ab_gatt_bearer_close(ab_container_of(n, ab_gatt_bearer, node));
  ab_list_remove(&link->node);
  ab_att_detach(&link->changed_req);
  ab_free(link->server->env, link->cccds);
  link->cccds = NULL;
  link->server = NULL;
}

unsigned ab_gatt_server_subscribed(const ab_gatt_server_link *link, const ab_gatt_value *value) {
  return link->cccds && value->cccd != AB_GATT_NO_CCCD ? link->cccds[value->cccd] : 0;
}

bool ab_gatt_subscribe(ab_gatt_server_link *link, ab_gatt_value *value, unsigned what) {
  if (!link->cccds || value->cccd == AB_GATT_NO_CCCD)
    return false;
  if (link->cccds[value->cccd] == what)
    return true;
  link->cccds[value->cccd] = (uint8_t) what;
  if (value->ops && value->ops->subscribed)
    value->ops->subscribed(value, link, what);
  return true;
}

void ab_gatt_server_link_security(ab_gatt_server_link *link, ab_gatt_security security) {
  link->security = security;
}

uint8_t ab_gatt_lacks_security(const ab_gatt_server_link *link, uint8_t level, uint8_t min_key) {
  const ab_gatt_security *has = &link->security;

  if (has->level == AB_GATT_LEVEL_NONE && has->has_key)
    return AB_ATT_ERR_INSUFFICIENT_ENCRYPTION;
  if (has->level < level)
    return AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION;
  return has->key_size < min_key ? AB_ATT_ERR_KEY_SIZE_TOO_SHORT : 0;
}

/* ---- their bearers ---- */

void ab_gatt_bearer_open(ab_gatt_bearer *bearer, ab_gatt_server_link *link, ab_att *att) {
  *bearer = (ab_gatt_bearer){.link = link, .att = att};
  ab_list_push(&link->bearers, &bearer->node);
}

void ab_gatt_bearer_close(ab_gatt_bearer *bearer) {
  if (!bearer->link)
    return;
  ab_list_remove(&bearer->node);
  if (bearer->link->told == bearer)
    bearer->link->told = NULL;
  ab_gatt_bearer_forget_prepared(bearer);
  bearer->link = NULL;
  if (bearer->open.db && !bearer->open.running)
    ab_gatt_end(&bearer->open);
}
