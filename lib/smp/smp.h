/* SPDX-License-Identifier: MIT */
/*
 * The Security Manager (Core Vol 3, Part H): pairing, the keys that come of it, and which key a
 * link is encrypted with. One ab_smp_stack per adapter has the defaults, the bonds and the memory
 * of failed attempts; one ab_smp per link takes the commands of L2CAP channel 6.
 *
 * All keys are as they go over the air, least significant octet first.
 */
#ifndef AB_SMP_H
#define AB_SMP_H

#include "crypto/crypto.h"
#include "util/buf.h"

typedef struct ab_smp ab_smp;
typedef struct ab_smp_pairing ab_smp_pairing;

/* ---- what a pairing shall be like ---- */

typedef enum ab_smp_io { /* 2.3.2 */
                         AB_SMP_IO_DISPLAY,
                         AB_SMP_IO_DISPLAY_YESNO,
                         AB_SMP_IO_KEYBOARD,
                         AB_SMP_IO_NONE,
                         AB_SMP_IO_KEYBOARD_DISPLAY,
} ab_smp_io;

typedef enum ab_smp_sc {
  AB_SMP_SC_REQUIRED,  /* LE Secure Connections, or no pairing */
  AB_SMP_SC_PREFERRED, /* … or legacy pairing, where the peer knows no other */
  AB_SMP_SC_NEVER,
} ab_smp_sc;

/* what one side tells the other by another way (2.3.5.6.4) */
typedef struct ab_smp_oob_data {
  ab_key16 random, confirm;
} ab_smp_oob_data;

typedef struct ab_smp_oob {
  bool has_tk, has_local, has_peer;
  ab_key16 tk;           /* legacy pairing: the same at both sides */
  ab_p256_pair pair;     /* ours, with … */
  ab_smp_oob_data local; /* … what we told the peer */
  ab_smp_oob_data peer;  /* what it told us */
} ab_smp_oob;

/* who may pair; a bond's key may be used in any case */
typedef enum ab_smp_pairable {
  AB_SMP_PAIRABLE,
  AB_SMP_PAIRABLE_BONDED, /* only a peer with a bond, which becomes another one */
  AB_SMP_NOT_PAIRABLE,
} ab_smp_pairable;

typedef struct ab_smp_policy {
  uint8_t io;       /* ab_smp_io */
  uint8_t sc;       /* ab_smp_sc */
  uint8_t pairable; /* ab_smp_pairable */
  bool bond;
  bool mitm;             /* Just Works will not do */
  bool prefer_mitm;      /* … unless there is nothing better */
  bool ask;              /* our user is asked before a pairing that the peer starts */
  bool repair;           /* a bond may be replaced by one that does not prove it is the same peer */
  uint8_t min_key;       /* 7 to 16 */
  const ab_smp_oob *oob; /* NULL: none; must stay until the pairing has ended */
} ab_smp_policy;

/* Makes what is to be told to the peer: a pair of keys, a random number and its commitment. */
int ab_smp_oob_make(ab_env *env, ab_smp_oob *oob);

/* ---- bonds ---- */

typedef struct ab_smp_ltk {
  ab_key16 key;
  uint64_t rand;
  uint16_t ediv;
  bool there;
} ab_smp_ltk;

typedef struct ab_bond {
  ab_list node;
  aioble_addr_t addr; /* its identity, or the address it has always */
  ab_smp_ltk local;   /* when we are the peripheral */
  ab_smp_ltk peer;    /* when we are the central; of LE Secure Connections: the same */
  ab_key16 irk, csrk, local_csrk;
  ab_aes *ah_key; /* of irk, as smp_resolve.c wants it; NULL: not yet */
  bool has_irk, has_csrk, has_local_csrk;
  bool authenticated, sc;
  uint8_t key_size;
  /* SignCounters, up to 2^32. Of local_csrk: the next one; those before `reserved` count as used
     for whoever keeps the bond. Of csrk: the lowest that the peer has not used. */
  uint64_t counter, reserved, peer_counter;
  bool kept; /* for whoever keeps them on a disk: it is there */
} ab_bond;

enum {
  AB_SMP_BONDS_MAX = 1024,
  AB_SMP_ATTEMPTS = 16,
  AB_SMP_KEY_MAX = 16,
  AB_SMP_KEY_MIN = 7,
  AB_SMP_KEYPRESSES = 200, /* of a peer's user that are told in one pairing */
};

/* somebody whose pairing has failed (2.3.6) */
typedef struct ab_smp_attempt {
  aioble_addr_t addr;
  unsigned failures; /* 0: a free place */
  uint64_t until_us; /* nothing from it before */
} ab_smp_attempt;

/* whose private addresses are that were looked for lately (smp_resolve.c) */
enum { AB_SMP_RESOLVED_SETS = 128, AB_SMP_RESOLVED_WAYS = 4 };

typedef struct ab_smp_resolved {
  aioble_addr_t addr; /* of type public: a free place */
  ab_bond *bond;      /* NULL: of nobody */
} ab_smp_resolved;

typedef struct ab_smp_stack {
  ab_env *env;
  ab_bufs *bufs;
  ab_smp_policy policy; /* for what the peer starts */
  bool secure_only;     /* Part C, 10.2.4: a bond of less than level 4 is as none */
  aioble_addr_t identity;
  ab_key16 irk;
  bool has_irk;
  ab_list bonds;
  unsigned n_bonds;
  ab_smp_resolved resolved[AB_SMP_RESOLVED_SETS][AB_SMP_RESOLVED_WAYS];
  ab_smp_attempt attempts[AB_SMP_ATTEMPTS];
  /* A bond has come or, to be freed after this returns, goes: the place for whoever keeps them on
     a disk. NULL: nobody does. */
  void (*on_bond)(void *ctx, ab_bond *bond, bool gone);
  /* The bond's `reserved` (ours) or peer_counter has changed. Ours is not used before it is kept:
     0, or why it is not. NULL: nobody keeps them. */
  int (*on_counter)(void *ctx, const ab_bond *bond, bool ours);
  void *ctx;
  uint64_t signatures_refused;  /* wrong, or by nobody whom we know */
  uint64_t signatures_replayed; /* right, but an old one */
  uint64_t bonds_refused;       /* weaker than the one there is, by another peer, or too many */
  uint64_t pairings_failed, pairings_refused;
  uint64_t lookups; /* of private addresses, with all keys */
} ab_smp_stack;

void ab_smp_stack_init(ab_smp_stack *stack, ab_env *env, ab_bufs *bufs);
void ab_smp_stack_close(ab_smp_stack *stack);

/* that of this identity; NULL: none */
ab_bond *ab_smp_bond_with(const ab_smp_stack *stack, const aioble_addr_t *identity);
/* the bond of a peer that uses that address now: its own, or a resolvable one; NULL: none */
ab_bond *ab_smp_bond_of(ab_smp_stack *stack, const aioble_addr_t *addr);
/* its key may be used */
bool ab_smp_bond_usable(const ab_smp_stack *stack, const ab_bond *bond);
/* … whose key the central asks us for; NULL: none */
const ab_bond *ab_smp_bond_by_ltk(ab_smp_stack *stack, const aioble_addr_t *addr, uint64_t rand,
                                  uint16_t ediv);
/* A new resolvable private address of our own. EIO: there is no randomness, or no key; ENOMEM. */
int ab_smp_private_address(ab_smp_stack *stack, aioble_addr_t *addr);
ab_bond *ab_smp_bond_new(ab_smp_stack *stack); /* on no list; NULL: out of memory */
void ab_smp_bond_free(ab_smp_stack *stack, ab_bond *bond);
/* Takes the bond over, in place of one of the same address. ENOBUFS: there are too many; it has
   been freed. */
int ab_smp_bond_add(ab_smp_stack *stack, ab_bond *bond);
void ab_smp_bond_delete(ab_smp_stack *stack, ab_bond *bond);

/* ---- one link ---- */

typedef enum ab_smp_prompt {
  AB_SMP_SHOW_PASSKEY,  /* number is to be shown; needs no answer, but may be refused */
  AB_SMP_ENTER_PASSKEY, /* the answer is what the user reads at the peer */
  AB_SMP_COMPARE,       /* is number shown at both? */
  AB_SMP_CONSENT,       /* may the peer pair? No answer within 30 s: no */
} ab_smp_prompt;

typedef struct ab_smp_security {
  uint8_t level; /* 0: none; 1: encrypted; 2: authenticated; 3: … by LE Secure Connections */
  uint8_t key_size;
  bool bonded, sc;
} ab_smp_security;

typedef struct ab_smp_events {
  /* takes the buffer (one command, head-room in front), and finishes it */
  void (*send)(void *ctx, ab_buf *command);
  /* the central's controller is to encrypt the link; 0, or why not */
  int (*encrypt)(void *ctx, const ab_smp_ltk *key);
  /* ab_smp_acked() is to follow, perhaps from inside this, once the peer has all that was sent */
  void (*await_ack)(void *ctx);
  /* ask the user; ab_smp_answer() follows, not from inside this */
  void (*prompt)(void *ctx, ab_smp_prompt kind, uint32_t number);
  /* the peer's user presses keys, 3.5.8 */
  void (*keypress)(void *ctx, uint8_t type);
  /* ab_smp.security has changed */
  void (*changed)(void *ctx);
  /* the pairing, or the encryption that we started, has ended: 0, AIOBLE_ERR_SMP (said by either
     side), AIOBLE_ETIMEDOUT, AIOBLE_ERR_HCI (the encryption), AIOBLE_ENOMEM, AIOBLE_ENOTCONN */
  void (*ended)(void *ctx, int status);
} ab_smp_events;

/* The struct must stay until every buffer given to `send` is finished. */
struct ab_smp {
  ab_smp_stack *stack;
  const ab_smp_events *ev;
  void *ctx;
  aioble_addr_t local, peer; /* as they are in use on this link */
  bool central;              /* our role */
  bool encrypting;           /* with a bond's key, asked for by us */
  uint8_t state;
  unsigned in_flight;       /* commands of ours that the controller has not taken */
  ab_smp_pairing *pairing;  /* NULL: none is going on */
  ab_smp_policy policy;     /* of the pairing that we ask for */
  ab_timer timer;           /* 3.4 */
  ab_smp_security security; /* now … */
  ab_smp_security next;     /* … and once the encryption that was asked for is on */
  uint64_t ignored;         /* commands that called for no answer, or came too fast */
};

void ab_smp_open(ab_smp *smp, ab_smp_stack *stack, const ab_smp_events *events, void *ctx,
                 bool central, const aioble_addr_t *local, const aioble_addr_t *peer);
/* what is going on ends with `status` */
void ab_smp_close(ab_smp *smp, int status);
void ab_smp_rx(ab_smp *smp, const uint8_t *command, size_t len);

/* a pairing, or an encryption that we started, is going on */
bool ab_smp_busy(const ab_smp *smp);
/* The central encrypts with the bond's key. 0: `ended` follows; ENOENT: there is none; EALREADY,
   EBUSY, or what `encrypt` says. */
int ab_smp_encrypt(ab_smp *smp);
/*
 * Makes the link as secure as the policy (copied) says: with the bond where there is one that will
 * do, else by pairing, if it is pairable. The peripheral asks the central for it. 0: `ended`
 * follows. EALREADY: it is as secure. EBUSY: something is going on. ETIMEDOUT: not any more on this
 * link (3.4). ENOENT: no bond that will do, and not pairable. AIOBLE_ERR_SMP(9): too soon after
 * failures. EINVAL, ENOMEM.
 */
int ab_smp_secure(ab_smp *smp, const ab_smp_policy *policy);
/* ends the pairing with that reason, if there is one */
void ab_smp_cancel(ab_smp *smp, uint8_t reason);
/* The user has answered: EALREADY when nothing is asked (any more), EINVAL for more than six
   digits. */
int ab_smp_answer(ab_smp *smp, bool yes, uint32_t passkey);
/* tells the peer that our user presses keys; EALREADY: no passkey is being entered */
int ab_smp_keypress(ab_smp *smp, uint8_t type);

/* the controller asks the peripheral for the key of an encryption; false: there is none */
bool ab_smp_ltk_request(ab_smp *smp, uint64_t rand, uint16_t ediv, ab_key16 *key);
/* ---- smp_sign.c: signed data ---- */

typedef enum ab_smp_signature {
  AB_SMP_UNSIGNED,
  AB_SMP_SIGNED,
  AB_SMP_SIGNED_AUTHENTICATED, /* with a key that no man in the middle has */
} ab_smp_signature;

/* SignCounter and MAC; counters kept ahead at once */
enum { AB_SMP_SIGNATURE = 12, AB_SMP_RESERVE = 256 };

/* Puts our signature behind what is in the buffer, which has room for it. ENOENT: there is no bond
   with a key for it; ENOBUFS: the key is used up; ENOMEM, or why the counter could not be kept. */
int ab_smp_sign(ab_smp *smp, ab_buf *buf);
/* An opcode and what came behind it, the signature at the end. What has been verified once is not
   again. */
ab_smp_signature ab_smp_verify(ab_smp *smp, uint8_t opcode, const uint8_t *data, size_t len);

/* the peer has it all */
void ab_smp_acked(ab_smp *smp);
/* Encryption Change, Encryption Key Refresh Complete */
void ab_smp_encryption(ab_smp *smp, int status, bool on);

#endif
