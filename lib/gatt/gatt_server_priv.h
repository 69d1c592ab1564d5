/* SPDX-License-Identifier: MIT */
/* Between the files of the GATT server: the attribute table seen from inside, and one request. */
#ifndef AB_GATT_SERVER_PRIV_H
#define AB_GATT_SERVER_PRIV_H

#include "gatt/gatt_server.h"

/* attribute types, Part G, 3 and 7.1; Part C, 12 */
enum {
  AB_GATT_PRIMARY_SERVICE = 0x2800,
  AB_GATT_SECONDARY_SERVICE = 0x2801,
  AB_GATT_INCLUDE = 0x2802,
  AB_GATT_CHARACTERISTIC = 0x2803,
  AB_GATT_EXTENDED_PROPERTIES = 0x2900,
  AB_GATT_CCCD = 0x2902,
  AB_GATT_AGGREGATE_FORMAT = 0x2905,
  AB_GATT_DATABASE_HASH = 0x2b2a,
};

/* what an attribute's value is made of */
typedef enum ab_gatt_kind {
  AB_GATT_KIND_NONE,    /* no attribute: the handle is free */
  AB_GATT_KIND_SERVICE, /* the declared UUID */
  AB_GATT_KIND_INCLUDE, /* handle, end and, of 16 bits, UUID of the included service */
  AB_GATT_KIND_CHAR,    /* properties, value handle and declared UUID of the value behind it */
  AB_GATT_KIND_VALUE,   /* `value`, of a characteristic or descriptor */
  AB_GATT_KIND_CCCD,    /* what the link has configured for `value` */
} ab_gatt_kind;

typedef struct ab_gatt_attr {
  union {
    ab_gatt_value *value;
    const void *key; /* the name of a service, or of the one that is included */
  };
  uint16_t type;  /* as a 16-bit UUID; 0: `uuid` */
  uint16_t end;   /* last handle of the group it opens, or its own */
  uint8_t kind;   /* ab_gatt_kind */
  uint8_t access; /* AIOBLE_READ, _WRITE, _WRITE_NO_RSP, _SIGNED_WRITE: what a client may do */
  bool mark;      /* of who is walking over the table: finish, install */
  /* the type, of 16 or 128 bits; of a declaration, what it declares; of an include, its octets */
  aioble_uuid_t uuid;
} ab_gatt_attr;

struct ab_gatt_db {
  ab_env *env;
  ab_gatt_attr *attrs; /* the handle is the index + 1 */
  uint32_t n, room;
  uint32_t refs;
  uint32_t n_cccds;
  uint32_t next, limit;  /* where the service still open goes on, and where it must end */
  uint32_t packed;       /* no gap before this one */
  uint16_t service, chr; /* the groups still open; 0: none */
  int status;
  uint8_t hash[AB_GATT_HASH_SIZE]; /* as it is sent: the least significant octet first */
  void *owner;
  void (*release)(void *owner);
};

/* the shortest form: 16 bits, or the 128 that ATT has for all others (Part F, 3.2.1) */
aioble_uuid_t ab_gatt_uuid(const aioble_uuid_t *uuid);
/* the attribute's type */
aioble_uuid_t ab_gatt_attr_type(const ab_gatt_attr *attr);
/* NULL: no such handle */
static inline const ab_gatt_attr *ab_gatt_db_attr(const ab_gatt_db *db, uint32_t handle) {
  const ab_gatt_attr *attr = handle && handle <= db->n ? &db->attrs[handle - 1] : NULL;

  return attr && attr->kind != AB_GATT_KIND_NONE ? attr : NULL;
}
static inline uint16_t ab_gatt_db_handle(const ab_gatt_db *db, const ab_gatt_attr *attr) {
  return (uint16_t) (attr - db->attrs + 1);
}
/* the first attribute of that type (in its shortest form) in a range; NULL: none */
const ab_gatt_attr *ab_gatt_db_find(const ab_gatt_db *db, uint32_t first, uint16_t last,
                                    const aioble_uuid_t *type);

/* one without services, to which ab_gatt_db_new() adds the library's own */
ab_gatt_db *ab_gatt_db_new_empty(ab_env *env);
/* NULL: no service of that name */
ab_gatt_attr *ab_gatt_db_service(const ab_gatt_db *db, const void *key);
/* the value of a characteristic's declaration (Part G, 3.3.1) */
void ab_gatt_put_char(const ab_gatt_db *db, const ab_gatt_attr *attr, ab_wr *w);

/* ---- a request being answered ---- */

/*
 * Each answers one kind of request: 0, the ATT error code, or AB_ATT_LATER when a hook does not
 * know yet. It is then called again with the PDU as it was and the response as far as it got, and
 * goes on where the request's cursors say: at the attribute whose hook has been answered meanwhile.
 */
ab_gatt_handler ab_gatt_on_find_info, ab_gatt_on_find_by_type_value, ab_gatt_on_read_by_type,
    ab_gatt_on_read_by_group, ab_gatt_on_read, ab_gatt_on_read_blob, ab_gatt_on_read_multiple,
    ab_gatt_on_read_multiple_var, ab_gatt_on_write_request, ab_gatt_on_write_command,
    ab_gatt_on_signed_write, ab_gatt_on_prepare_write, ab_gatt_on_execute_write;

/* the value of an attribute as the link sees it */
typedef struct ab_gatt_view {
  const uint8_t *data; /* a stored value, or `made` */
  size_t len;
  uint8_t made[19]; /* the longest that is put together: a characteristic declaration */
} ab_gatt_view;

/* asks the hook, too; an error is that of rq->handle, which is set to `handle` */
int ab_gatt_view_attr(ab_gatt_request *rq, uint16_t handle, ab_gatt_view *view);
/* as many of these octets as the response has room for */
void ab_gatt_put(ab_gatt_request *rq, const uint8_t *data, size_t len);

/* ---- writing: gatt_server_write.c ---- */

/* the hook's word on whether that client may write, or have what it subscribes to; the hook may end
   the link */
int ab_gatt_permit(ab_gatt_request *rq, ab_gatt_value *value, bool write);
/* *attr: the attribute, if the client may write it in this way (AIOBLE_WRITE, _WRITE_NO_RSP,
   _SIGNED_WRITE) */
int ab_gatt_find_writable(ab_gatt_request *rq, uint16_t handle, uint8_t way,
                          const ab_gatt_attr **attr);
/* the first half: the length, the hook, the memory that can be taken; nothing has changed yet */
int ab_gatt_check_write(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write);
/* the second half: stores, then tells */
int ab_gatt_commit_write(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write);

/* what all bearers of a link have prepared is forgotten */
void ab_gatt_forget_prepared(ab_gatt_server_link *link);
void ab_gatt_bearer_forget_prepared(ab_gatt_bearer *bearer);

/* ---- hooks and late answers: gatt_server_late.c ---- */

typedef int ab_gatt_hook(ab_gatt_value *value, ab_gatt_access *access);

/* Asks, unless this is the hook that has been answered meanwhile: then the answer is what it says.
   A link that the hook has ended is asked no more. */
int ab_gatt_ask(ab_gatt_request *rq, ab_gatt_value *value, ab_gatt_hook *hook,
                ab_gatt_access *access);
/* makes sure that it can wait; false: out of memory */
bool ab_gatt_keep(ab_gatt_request *rq);
/* of what it took when it was executing or waiting; nobody owes an answer to it any more */
void ab_gatt_let_go(ab_gatt_request *rq);
/* requests that stand in line for a value that is in the table no longer get an error */
void ab_gatt_leave_lines(ab_gatt_server *server);
/* it is over, answered or not */
static inline void ab_gatt_end(ab_gatt_request *rq) {
  ab_gatt_db *db = rq->db;

  if (rq->executing || rq->waiting)
    ab_gatt_let_go(rq);
  rq->db = NULL;
  ab_gatt_db_unref(db);
}

/* what a client may configure: NOTIFY and INDICATE, shifted, are the two bits (Part G, 3.3.3.3) */
static inline unsigned ab_gatt_cccd_bits(const ab_gatt_value *value) {
  return value->props >> 4 & 3u;
}

/* the link's configuration becomes `what`, and the hook hears of it; false: there is none (any
   more), or no memory for it (cccds NULL) */
bool ab_gatt_subscribe(ab_gatt_server_link *link, ab_gatt_value *value, unsigned what);

/* ---- caching: gatt_server_caching.c ---- */

void ab_gatt_caching_init(ab_gatt_server *server);
void ab_gatt_caching_close(ab_gatt_server *server);
/* what is between these handles has changed */
void ab_gatt_caching_changed(ab_gatt_server_link *link, const ab_att_range *range);

uint8_t ab_gatt_caching_unaware(const ab_gatt_bearer *bearer, uint8_t opcode, ab_rd pdu);

/* before each request and command: 0, or the error that it gets instead of an answer */
static inline uint8_t ab_gatt_caching_gate(const ab_gatt_bearer *bearer, uint8_t opcode,
                                           const ab_rd *pdu) {
  return bearer->link->awareness == AB_GATT_AWARE ? 0
                                                  : ab_gatt_caching_unaware(bearer, opcode, *pdu);
}

#endif
