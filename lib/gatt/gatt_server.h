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
  AB_GATT_PREPARED_WRITES = 128,  /* entries of a bearer's prepare queue … */
  AB_GATT_PREPARED_OCTETS = 4096, /* … and their size, 6 octets of header each included */
  AB_GATT_NAME_MAX = 248,         /* of the Device Name, Part C, 12.1 */
  AB_GATT_NO_CCCD = 0xffff,
  AB_GATT_HASH_SIZE = 16, /* of the Database Hash, Part G, 7.3 */
};

typedef struct ab_gatt_server ab_gatt_server;
typedef struct ab_gatt_server_link ab_gatt_server_link;
typedef struct ab_gatt_bearer ab_gatt_bearer;
typedef struct ab_gatt_request ab_gatt_request;
typedef struct ab_gatt_db ab_gatt_db;

/* ---- values: of characteristics and of descriptors ---- */

typedef struct ab_gatt_value ab_gatt_value;

/* one access of a client to a value */
typedef struct ab_gatt_access {
  ab_gatt_server_link *link;
  ab_gatt_request *request; /* what a late answer resumes; NULL: it cannot be answered later */
  /* A write: the whole new value, put together from prepared writes if need be. A read: NULL; the
     hook may point it to what the client gets instead of the stored value, to live until the hooks
     of this request are asked next, at most AB_ATT_VALUE_MAX octets. */
  const uint8_t *data;
  size_t len;
  uint16_t offset;   /* of a Read Blob */
  bool command;      /* the client will not hear of an error */
  uint8_t signature; /* of a command: what ab_gatt_server.verify has said of it; else 0 */
  bool again;        /* the hook was asked before, and stood in a line since */
} ab_gatt_access;

/*
 * Upward; each may be NULL. They may do anything the public functions do, replacing the table and
 * ending the link included: the table in use is kept until the request has been answered.
 */
typedef struct ab_gatt_value_ops {
  /* before a read of any kind: 0, the ATT error code, or AB_ATT_LATER; may set another value */
  int (*read)(ab_gatt_value *value, ab_gatt_access *access);
  /* the same before a write that is permitted and fits */
  int (*check)(ab_gatt_value *value, ab_gatt_access *access);
  /* the write has been stored */
  void (*written)(ab_gatt_value *value, const ab_gatt_access *access);
  /* the link changed its subscription; what: 1 notify, 2 indicate (3.3.3.3) */
  void (*subscribed)(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what);
  /* before a write is prepared, or a subscription begins: 0 or the ATT error code */
  int (*permit)(ab_gatt_value *value, ab_gatt_server_link *link, bool write);
} ab_gatt_value_ops;

struct ab_gatt_value {
  const ab_gatt_value_ops *ops; /* NULL: no hooks */
  uint8_t *data;
  uint16_t len, room; /* room 0: the memory is not ours, and the value is never set */
  uint16_t max_len;
  uint16_t handle; /* in the table in use; 0: not in it */
  uint16_t cccd;   /* index of its configuration in it; AB_GATT_NO_CCCD */
  uint8_t props;   /* AIOBLE_READ and so on: the characteristic's properties (3.3.1.1) */
  uint8_t read_level, write_level; /* ab_gatt_level that the link must have */
  uint8_t min_key;                 /* … and octets of its key, where a level is asked for */
  bool append;                     /* a client's write is added behind what is there */
  bool truncate;                   /* a longer write is cut to what fits, instead of refused */
};

void ab_gatt_value_init(ab_gatt_value *value, const ab_gatt_value_ops *ops, uint8_t props,
                        uint16_t max_len);
void ab_gatt_value_free(ab_gatt_value *value, ab_env *env);
/* The value from octet `at` on (at most its length) becomes these octets; false: out of memory. The
   limit is the caller's to check. data may be the value's own. */
bool ab_gatt_value_put(ab_gatt_value *value, ab_env *env, size_t at, const void *data, size_t len);

/* ---- the attribute table ---- */

/*
 * A table is made, filled, finished and installed. It begins with the GAP and GATT services, or
 * with all that the table in use has, at the same handles; one reference; NULL: out of memory.
 * Errors stick: the first one makes the rest do nothing, and ab_gatt_db_finish() tells. Values are
 * the owner's, to be kept until release(owner).
 */
ab_gatt_db *ab_gatt_db_new(ab_gatt_server *server);
ab_gatt_db *ab_gatt_db_copy(const ab_gatt_server *server);
/*
 * A service of `attrs` attributes in all, its declaration included: into the first gap that is
 * large enough, else behind the last service. More than these are AIOBLE_EINVAL. 0: not counted,
 * behind the last service. The key is its name for the caller, for which NULL is none.
 */
void ab_gatt_db_add_service(ab_gatt_db *db, const aioble_uuid_t *uuid, bool secondary,
                            const void *key, uint32_t attrs);
/* its handles become a gap; nobody else's change */
void ab_gatt_db_remove_service(ab_gatt_db *db, const void *key);
/* to the last service, before its characteristics; the service of that key may be added later */
void ab_gatt_db_add_include(ab_gatt_db *db, const void *key);
/* to the last service: declaration, value and, with NOTIFY or INDICATE, the CCCD */
void ab_gatt_db_add_char(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value);
/* to the last characteristic */
void ab_gatt_db_add_desc(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value);
/*
 * Resolves the includes and computes the Database Hash: 0, or the first error. AIOBLE_ENOMEM;
 * AIOBLE_ENOBUFS: more than 65,535 attributes; AIOBLE_EINVAL: a wrong count of attributes, a key
 * that names no service, services that include each other.
 */
int ab_gatt_db_finish(ab_gatt_db *db);
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
  /* of the GATT service, Part G, 7 */
  ab_gatt_value service_changed, client_features, hash, features;
  char name_text[AB_GATT_NAME_MAX + 1];
  uint8_t appearance_octets[2];
  uint8_t hash_octets[AB_GATT_HASH_SIZE], features_octet;
  /* The owner's: is the client's command (its opcode; and what is behind it, the signature at the
     end) signed by whom we know? 0: no. NULL: nobody knows. */
  uint8_t (*verify)(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len);
};

int ab_gatt_server_init(ab_gatt_server *server, ab_env *env, ab_bufs *bufs); /* 0, AIOBLE_ENOMEM */
void ab_gatt_server_close(ab_gatt_server *server);

/* AIOBLE_EINVAL: longer than AB_GATT_NAME_MAX */
int ab_gatt_server_set_name(ab_gatt_server *server, const char *name);
const char *ab_gatt_server_name(const ab_gatt_server *server);
void ab_gatt_server_set_appearance(ab_gatt_server *server, uint16_t appearance);
uint16_t ab_gatt_server_appearance(const ab_gatt_server *server);

/*
 * Takes the caller's reference to a table that was finished without an error and lets go of the one
 * before. The values get their handles. What a client can see of both is compared: where a service
 * has changed, links lose their subscriptions; if anything has, they lose what they prepared (and
 * cannot execute the rest), and are told by Service Changed. 0, or AIOBLE_ENOMEM: the old table
 * stays.
 */
int ab_gatt_server_install(ab_gatt_server *server, ab_gatt_db *db);
/* what ab_gatt_db_set_owner() was given for the table in use; NULL: nothing */
void *ab_gatt_server_owner(const ab_gatt_server *server);

/* ---- one link ---- */

/* Client Supported Features, Part G, 7.2 */
enum {
  AB_GATT_ROBUST_CACHING = 1,
  AB_GATT_EATT = 2,
  AB_GATT_MULTIPLE_NOTIFICATIONS = 4,
  AB_GATT_CLIENT_FEATURES = 7, /* all that are known */
};

/* Server Supported Features, Part G, 7.4 */
enum { AB_GATT_SERVER_EATT = 1 };

/* whether the client knows the table as it is, Part G, 2.5.2.1 */
typedef enum ab_gatt_awareness {
  AB_GATT_AWARE,
  AB_GATT_UNAWARE,
  AB_GATT_TOLD, /* it was told of the change: aware from its next request on */
} ab_gatt_awareness;

/* Part C, 10.2.1: the levels of security mode 1, counted from 0 */
typedef enum ab_gatt_level {
  AB_GATT_LEVEL_NONE,
  AB_GATT_LEVEL_ENCRYPTED,
  AB_GATT_LEVEL_AUTHENTICATED,
  AB_GATT_LEVEL_SECURE, /* authenticated by LE Secure Connections */
} ab_gatt_level;

typedef struct ab_gatt_security {
  uint8_t level;    /* ab_gatt_level */
  uint8_t key_size; /* octets, of an encrypted link */
  bool has_key;     /* a key is known, so the link could be encrypted without pairing */
} ab_gatt_security;

struct ab_gatt_server_link {
  ab_list node;
  ab_gatt_server *server;
  ab_list bearers;
  ab_gatt_security security;
  ab_att *att;         /* where Service Changed is sent */
  uint8_t *cccds;      /* by index, what it subscribed to; NULL: nothing yet */
  uint8_t *next_cccds; /* … in the table being installed */
  uint8_t features;    /* what the client supports */
  ab_gatt_awareness awareness;
  const ab_gatt_bearer *told;      /* by an error on that one; NULL: it has asked */
  uint8_t hash[AB_GATT_HASH_SIZE]; /* of the table that the client knows of */
  ab_att_range changed;            /* to be indicated; first 0: nothing */
  ab_att_req changed_req;
  bool dirty; /* there is something new to save; the owner clears it */
};

void ab_gatt_server_link_open(ab_gatt_server *server, ab_gatt_server_link *link, ab_att *att);
/* closes its bearers, too; harmless when it is not open (zeroed), or closed before */
void ab_gatt_server_link_close(ab_gatt_server_link *link);

/* a set of 1 notify, 2 indicate */
unsigned ab_gatt_server_subscribed(const ab_gatt_server_link *link, const ab_gatt_value *value);
/* notifications and indications: not to a client that is unaware of a change (Part G, 2.5.2.1) */
static inline bool ab_gatt_server_may_send(const ab_gatt_server_link *link) {
  return link->awareness == AB_GATT_AWARE;
}

/* What is kept of a bonded peer while it is away. */
typedef struct ab_gatt_peer_state {
  uint8_t features;
  uint8_t hash[AB_GATT_HASH_SIZE];
  size_t n;
  struct {
    uint16_t handle; /* of the configuration */
    uint8_t what;
  } cccds[];
} ab_gatt_peer_state;

/* how many configurations there are; out (NULL: only that) has room for max and gets the first */
size_t ab_gatt_server_link_save(const ab_gatt_server_link *link, ab_gatt_peer_state *out,
                                size_t max);
/*
 * Subscribes to what the peer had subscribed to and still can; the hooks hear of it. If the table
 * is another one than the peer knows, that is told like any change. 0, or AIOBLE_ENOMEM: not
 * subscribed to anything.
 */
int ab_gatt_server_link_restore(ab_gatt_server_link *link, const ab_gatt_peer_state *state);

/* what the link's encryption is from now on; nothing at first */
void ab_gatt_server_link_security(ab_gatt_server_link *link, ab_gatt_security security);
/* 0, or the ATT error that tells the client what it lacks (Part C, 10.3.1) */
uint8_t ab_gatt_lacks_security(const ab_gatt_server_link *link, uint8_t level, uint8_t min_key);
static inline uint8_t ab_gatt_check_security(const ab_gatt_server_link *link, uint8_t level,
                                             uint8_t min_key) {
  return level == AB_GATT_LEVEL_NONE ? 0 : ab_gatt_lacks_security(link, level, min_key);
}

/* ---- answering later ---- */

/* Embedded by whoever does. A hook that returns AB_ATT_LATER must have begun one. */
typedef struct ab_gatt_late {
  ab_gatt_request *request; /* NULL: nobody waits for it, or not any more */
} ab_gatt_late;

/* one for each access; of a second one the first is forgotten */
void ab_gatt_late_begin(ab_gatt_late *late, const ab_gatt_access *access);
/*
 * code: 0 or the ATT error; data: octets for a read, NULL: the stored value (nothing, for a write);
 * they need not outlive the call. Once; harmless when nobody waits. Goes on with the request, which
 * may ask other hooks. It may come from inside the hook that began it.
 */
void ab_gatt_late_answer(ab_gatt_late *late, uint8_t code, const void *data, size_t len);
/* somebody does: the answer will be acted upon */
bool ab_gatt_late_waits(const ab_gatt_late *late);
/* the owner goes away: the client gets Unlikely Error */
void ab_gatt_late_drop(ab_gatt_late *late);

/*
 * Requests may also stand in line for what a hook needs, each until its turn, or its end: they
 * leave the line by themselves. When another table has none of a value, those who stand in a line
 * for it get Unlikely Error.
 */
/* a hook stands the request in a line, and returns what this does: AB_ATT_LATER */
int ab_gatt_line_up(ab_list *line, const ab_gatt_access *access);
/* The first one's hook is asked again, now (access->again). Not from inside a hook that lines up;
   the line may be gone when it returns. */
void ab_gatt_line_next(ab_list *line);

/* ---- one ATT bearer of a link, and the request it has open ---- */

typedef int ab_gatt_handler(ab_gatt_request *rq);

/* The server's own. A request of a client lives in its bearer, a command on the stack. */
struct ab_gatt_request {
  ab_gatt_bearer *bearer;
  ab_gatt_server_link *link;
  ab_gatt_server *server;
  ab_gatt_db *db; /* kept by a reference, whatever the hooks do; NULL: there is no request */
  ab_gatt_handler *handler;
  ab_rd *pdu;                /* behind the opcode */
  const uint8_t *begin;      /* … where it began */
  ab_wr *rsp;                /* behind the opcode of the response */
  struct ab_gatt_late *late; /* who owes an answer to the hook that was asked last */
  uint16_t handle;           /* in error */

  /* what the handler is about, and where it goes on when it is called again */
  uint16_t offset; /* of a Read Blob */
  uint32_t next;   /* handle of a range, or octets of a list read; 0: it has not begun */
  uint16_t entry;  /* of a list: octets of an entry; 0: none yet */

  bool running;   /* the handler is */
  bool answered;  /* `answer` has come, and has not been used yet */
  bool waiting;   /* a hook answers later, or did: `answer`, `kept` and `place` are there */
  bool executing; /* `values` and `checked` are there */

  size_t len;              /* of the value in an entry, before it is cut; if there is an entry */
  ab_list values, checked; /* ab_buf, prepared values: not checked yet, and checked */
  struct ab_gatt_answer {
    int code;            /* AB_ATT_LATER: the hook is to be asked again */
    const uint8_t *data; /* for a read */
    size_t len;
    ab_buf *copy; /* of data that came from inside the hook */
  } answer;
  struct ab_gatt_kept {
    ab_buf *pdu_buf, *rsp_buf;
    ab_rd pdu;
    ab_wr rsp;
  } kept;
  struct ab_gatt_place { /* in a line */
    ab_list node;
    ab_gatt_late late;
  } place;
};

struct ab_gatt_bearer {
  ab_list node;              /* in link->bearers */
  ab_gatt_server_link *link; /* NULL: closed */
  ab_att *att;
  ab_wr prepared; /* queue of Prepare Write; start NULL: empty */
  unsigned n_prepared;
  bool prepared_lost; /* some of it, by a change of the table: the rest is no good, either */
  ab_gatt_request open;
};

void ab_gatt_bearer_open(ab_gatt_bearer *bearer, ab_gatt_server_link *link, ab_att *att);
/* The open request ends unanswered, what was prepared is forgotten. Harmless when it is not open
   (zeroed). From inside a hook: its memory must stay until the request has returned. */
void ab_gatt_bearer_close(ab_gatt_bearer *bearer);

/* What ab_att_events.on_request wants: 0, or the ATT error code with *handle set, or AB_ATT_LATER:
   then the answer goes to bearer->att by itself. */
int ab_gatt_server_request(ab_gatt_bearer *bearer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp,
                           uint16_t *handle);

/* ---- sending ---- */

/*
 * A Handle Value Notification or Indication PDU (opcode). NULL, and *status says why:
 * AIOBLE_EMSGSIZE (it must fit whole), AIOBLE_ENOMEM.
 */
ab_buf *ab_gatt_server_value_pdu(ab_att *att, uint8_t opcode, uint16_t handle, const void *data,
                                 size_t len, int *status);

#endif
