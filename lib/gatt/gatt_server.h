/* SPDX-License-Identifier: MIT */
/*
 * The GATT server (Core Vol 3, Part G; requests: Part F, 3.4): the attribute table, what each link
 * has put into it, and the answers to a client's requests. Knows neither connections nor handles of
 * the application: values carry hooks upward, links are embedded by their owner.
 */
#ifndef AB_GATT_SERVER_H
#define AB_GATT_SERVER_H

#include "att/att.h"
#include "util/buf.h"
#include "util/env.h"
#include "util/list.h"

enum {
  AB_GATT_PREPARED_WRITES = 128,  /* entries of a link's prepare queue … */
  AB_GATT_PREPARED_OCTETS = 4096, /* … and their size, 6 octets of header each included */
  AB_GATT_NAME_MAX = 248,         /* of the Device Name, Part C, 12.1 */
  AB_GATT_NO_CCCD = 0xffff,
  AB_GATT_MULTIPLE_NOTIFICATIONS = 0x04, /* a client's features, Part G, 7.2 */
};

typedef struct ab_gatt_server ab_gatt_server;
typedef struct ab_gatt_server_link ab_gatt_server_link;
typedef struct ab_gatt_db ab_gatt_db;

/* ---- values: of characteristics and of descriptors ---- */

typedef struct ab_gatt_value ab_gatt_value;

typedef struct ab_gatt_new_value {
  const uint8_t *data; /* the whole new value, put together from prepared writes if need be */
  size_t len;
  bool command; /* the client will not hear of an error */
} ab_gatt_new_value;

/*
 * Upward. They may do anything the public functions do, replacing the table and ending the link
 * included: the table in use is kept until the request has been answered.
 */
typedef struct ab_gatt_value_ops {
  /* before a read of any kind: 0 or the ATT error code; may set another value */
  uint8_t (*read)(ab_gatt_value *value, ab_gatt_server_link *link);
  /* before a write, which is permitted and fits: 0 or the ATT error code */
  uint8_t (*check)(ab_gatt_value *value, ab_gatt_server_link *link, const ab_gatt_new_value *write);
  /* the write has been stored */
  void (*written)(ab_gatt_value *value, ab_gatt_server_link *link, const ab_gatt_new_value *write);
  /* the link changed its subscription; what: 1 notify, 2 indicate (3.3.3.3) */
  void (*subscribed)(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what);
} ab_gatt_value_ops;

struct ab_gatt_value {
  const ab_gatt_value_ops *ops; /* NULL: no hooks */
  uint8_t *data;
  uint16_t len, room; /* room 0: the memory is not ours, and the value is never set */
  uint16_t max_len;
  uint16_t handle; /* in the table in use; 0: not in it */
  uint16_t cccd;   /* index of its configuration in it; AB_GATT_NO_CCCD */
  uint8_t props;   /* AIOBLE_READ and so on: the characteristic's properties (3.3.1.1) */
  bool append;     /* a client's write is added behind what is there */
};

void ab_gatt_value_init(ab_gatt_value *value, const ab_gatt_value_ops *ops, uint8_t props,
                        uint16_t max_len);
void ab_gatt_value_free(ab_gatt_value *value, ab_env *env);
/* The value from octet `at` on (at most its length) becomes these octets; false: out of memory. The
   limit is the caller's to check. data may be the value's own. */
bool ab_gatt_value_put(ab_gatt_value *value, ab_env *env, size_t at, const void *data, size_t len);

/* ---- the attribute table ---- */

/*
 * A new table that begins with the GAP and GATT services, one reference; NULL: out of memory. Then
 * fill it in order of definition and install it. Errors stick: the first one makes the rest do
 * nothing, and ab_gatt_db_status() tells. Values are the owner's, to be kept until release(owner).
 */
ab_gatt_db *ab_gatt_db_new(ab_gatt_server *server);
void ab_gatt_db_add_service(ab_gatt_db *db, const aioble_uuid_t *uuid);
/* to the last service: declaration, value and, with NOTIFY or INDICATE, the CCCD */
void ab_gatt_db_add_char(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value);
/* to the last characteristic */
void ab_gatt_db_add_desc(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value);
/* 0, AIOBLE_ENOMEM, or AIOBLE_ENOBUFS: more than 65,535 attributes */
int ab_gatt_db_status(const ab_gatt_db *db);
/* called once, when the last reference is gone */
void ab_gatt_db_set_owner(ab_gatt_db *db, void *owner, void (*release)(void *owner));
void ab_gatt_db_unref(ab_gatt_db *db);

/* ---- the server of one stack ---- */

struct ab_gatt_server {
  ab_env *env;
  ab_bufs *bufs;
  ab_gatt_db *db;
  ab_list links;
  ab_gatt_value name, appearance; /* of the GAP service, Part C, 12 */
  ab_gatt_value service_changed;  /* Part G, 7.1 */
  char name_text[AB_GATT_NAME_MAX + 1];
  uint8_t appearance_octets[2];
};

int ab_gatt_server_init(ab_gatt_server *server, ab_env *env, ab_bufs *bufs); /* 0, AIOBLE_ENOMEM */
void ab_gatt_server_close(ab_gatt_server *server);

/* AIOBLE_EINVAL: longer than AB_GATT_NAME_MAX */
int ab_gatt_server_set_name(ab_gatt_server *server, const char *name);
const char *ab_gatt_server_name(const ab_gatt_server *server);
void ab_gatt_server_set_appearance(ab_gatt_server *server, uint16_t appearance);
uint16_t ab_gatt_server_appearance(const ab_gatt_server *server);

/*
 * Takes the caller's reference to a table without errors and lets go of the one before. The values
 * get their handles. Links forget what they prepared and subscribed to, Service Changed excepted.
 */
void ab_gatt_server_install(ab_gatt_server *server, ab_gatt_db *db);
/* what ab_gatt_db_set_owner() was given for the table in use; NULL: nothing */
void *ab_gatt_server_owner(const ab_gatt_server *server);
/* the handles that are not the library's own: from here to 0xffff */
uint16_t ab_gatt_server_first_handle(const ab_gatt_server *server);

/* ---- one link ---- */

struct ab_gatt_server_link {
  ab_list node;
  ab_gatt_server *server;
  uint8_t *cccds;   /* by index, what it subscribed to; NULL: nothing yet */
  uint8_t features; /* that the client supports */
  ab_wr prepared;   /* queue of Prepare Write; start NULL: empty */
  unsigned n_prepared;
};

void ab_gatt_server_link_open(ab_gatt_server *server, ab_gatt_server_link *link);
/* no request may come from it any more; harmless when it is not open (zeroed), or closed before */
void ab_gatt_server_link_close(ab_gatt_server_link *link);

/* a set of 1 notify, 2 indicate */
unsigned ab_gatt_server_subscribed(const ab_gatt_server_link *link, const ab_gatt_value *value);

/* What ab_att_events.on_request wants: 0, or the ATT error code with *handle set. */
int ab_gatt_server_request(ab_gatt_server *server, ab_gatt_server_link *link, uint8_t opcode,
                           ab_rd *pdu, ab_wr *rsp, uint16_t *handle);

/*
 * A Handle Value Notification or Indication PDU (opcode). NULL, and *status says why:
 * AIOBLE_EMSGSIZE (it must fit whole), AIOBLE_ENOMEM.
 */
ab_buf *ab_gatt_server_value_pdu(ab_att *att, uint8_t opcode, uint16_t handle, const void *data,
                                 size_t len, int *status);

#endif
