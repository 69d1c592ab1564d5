/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Pairing, bonds and encryption (Core Vol 3, Part H; Part C, 10).
 *
 * Pairing, by aioble_conn_pair() or begun by the peer, protects from a man in the middle if one of
 * the sides asks for it (`mitm`), and fails if we do and the capabilities of both do not allow it.
 * If neither asks, it is Just Works, whatever they can show. What comes of it can be kept as a
 * bond: the next connection to the peer is encrypted with its key before the connect op resolves,
 * and does not resolve with success if the peer has lost the key; there is no silent fall-back. A
 * bond is never replaced by a weaker one, nor by a peer that only claims its address.
 *
 * Secure Connections Only mode (Part C, 10.2.4; aioble_config_set(), "secure_only") takes nothing
 * but the best: LE Secure Connections, authenticated, with a key of 16 octets. Pairings of which
 * less would come fail with AIOBLE_ERR_SMP(0x03) or (0x06), whatever their options say. A bond that
 * is less is kept, but as if it were none. Attributes and channels that ask for any security ask
 * for this much; AIOBLE_SECURITY_NONE stays open.
 *
 * Bonds are kept in the adapter's state file (aioble_options_t.store), readable for its owner only,
 * and are on the disk when the pairing ends, or aioble_store_status() says why not; then, and
 * without a state file, in memory for as long as the stack lives.
 */
#ifndef AIOBLE_SECURITY_H
#define AIOBLE_SECURITY_H

#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the user's part ---- */

/** What a user is asked while pairing (Part H, 2.3.5). */
typedef enum aioble_prompt {
  /** Show `number` as six digits, leading zeroes included; the peer's user enters them. No answer
   * is needed, but aioble_pairing_answer() may refuse. */
  AIOBLE_PROMPT_SHOW,
  /** Ask for the six digits that the peer shows. */
  AIOBLE_PROMPT_ENTER,
  /** Ask whether the peer shows `number`, six digits, too. */
  AIOBLE_PROMPT_COMPARE
} aioble_prompt_t;

/**
 * Asks the user; called from the loop like a continuation. The answer is given by
 * aioble_pairing_answer(), from inside this or later; the peer's own time limit is 30 s.
 */
typedef void aioble_prompt_fn(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number,
                              void *user);

/** Whom to ask in pairings that the peer starts, and in those without an `on_prompt`. NULL, also
 * the default: nobody, and what needs an answer is refused. */
AIOBLE_API void aioble_set_on_prompt(aioble_t *ble, aioble_prompt_fn *fn, void *user);

/**
 * A peer wants to pair: it has sent Pairing Request, or, as our peripheral, Security Request, and
 * no bond will do (Part H, 2.4.6, 3.5.1). Called from the loop like a continuation;
 * aioble_pairing_answer() lets it, or not, from inside this or later. No answer within 30 s is a
 * no.
 */
typedef void aioble_pairing_request_fn(aioble_conn_t *conn, void *user);

/** Whom to ask before a pairing that a peer starts; a peer that is refused gets the reason Pairing
 * Not Supported. NULL, also the default: nobody; whoever is "pairable" (aioble_config_set()) may.
 */
AIOBLE_API void aioble_set_on_pairing_request(aioble_t *ble, aioble_pairing_request_fn *fn,
                                              void *user);

/**
 * The user's answer. `yes` false refuses, at any time after the prompt, and both sides' pairing
 * fails: AIOBLE_ERR_SMP(0x01), AIOBLE_ERR_SMP(0x0c) for a comparison, AIOBLE_ERR_SMP(0x05) for a
 * pairing request.
 * @param passkey  what was entered, 0 to 999999; else not used.
 * @return 0; AIOBLE_EINVAL (more than six digits: ask again); AIOBLE_EALREADY (nothing is asked, or
 *         the pairing has ended); AIOBLE_ENOTCONN
 */
AIOBLE_API int aioble_pairing_answer(aioble_conn_t *conn, bool yes, uint32_t passkey);

/** What the user does while a passkey is entered (Part H, 3.5.8). */
typedef enum aioble_keypress {
  AIOBLE_KEYPRESS_STARTED,
  AIOBLE_KEYPRESS_DIGIT,
  AIOBLE_KEYPRESS_ERASED,
  AIOBLE_KEYPRESS_CLEARED,
  AIOBLE_KEYPRESS_COMPLETED
} aioble_keypress_t;

/**
 * Tells the peer, if it wants to know; each also gives the user 30 s more.
 * @return 0, AIOBLE_EINVAL, AIOBLE_ENOTCONN, AIOBLE_ENOMEM, AIOBLE_EALREADY (no passkey is being
 *         entered)
 */
AIOBLE_API int aioble_pairing_keypress(aioble_conn_t *conn, aioble_keypress_t key);

/* ---- pairing ---- */

/** For options whose default is a configured value (aioble_config_set()). */
typedef enum aioble_choice { AIOBLE_CONFIGURED, AIOBLE_YES, AIOBLE_NO } aioble_choice_t;

/** LE Secure Connections (Part H, 2.3.5.6), or legacy pairing, which does not withstand whoever
 * listens to it. */
typedef enum aioble_le_secure {
  AIOBLE_LE_SECURE_CONFIGURED, /**< "true": required; "false": preferred */
  AIOBLE_LE_SECURE_REQUIRED,   /**< legacy pairing is refused */
  AIOBLE_LE_SECURE_PREFERRED,  /**< legacy pairing where the peer knows no other */
  AIOBLE_LE_SECURE_NEVER       /**< legacy pairing only */
} aioble_le_secure_t;

/** What the user's device can do (Part H, 2.3.2). */
typedef enum aioble_io {
  AIOBLE_IO_CONFIGURED,
  AIOBLE_IO_DISPLAY,         /**< shows six digits */
  AIOBLE_IO_DISPLAY_YESNO,   /**< … and the user can say yes or no */
  AIOBLE_IO_KEYBOARD,        /**< digits can be entered */
  AIOBLE_IO_NONE,            /**< neither: Just Works */
  AIOBLE_IO_KEYBOARD_DISPLAY /**< both */
} aioble_io_t;

/**
 * What the two devices tell each other by another way than Bluetooth, a tag or a QR code for
 * example (Part H, 2.3.5.6.4; legacy pairing 2.3.5.4). Numbers least significant octet first, as in
 * the AD types 0x22 and 0x23 and in a tag's records.
 */
typedef struct aioble_oob {
  uint8_t secret[32];       /**< ours, of aioble_oob_make(); for nobody else */
  uint8_t random[16];       /**< to be told to the peer … */
  uint8_t confirm[16];      /**< … together with this */
  bool has_peer;            /**< the peer has told us, by whatever way: */
  uint8_t peer_random[16];  /**< … its random value */
  uint8_t peer_confirm[16]; /**< … and its confirm value */
  /** For legacy pairing. Where this is all there is, and le_secure is preferred, legacy pairing is
   * what is asked for, and agreed to. */
  bool has_temporary_key;
  uint8_t temporary_key[16]; /**< … the same at both sides, random, used once */
} aioble_oob_t;

/** Fills `secret`, `random` and `confirm` for one pairing. @return 0, AIOBLE_ENOTCONN (no stack),
 * AIOBLE_EINVAL, AIOBLE_EIO (no randomness), AIOBLE_ENOMEM */
AIOBLE_API int aioble_oob_make(aioble_t *ble, aioble_oob_t *oob);
/** For pairings that the peer starts. Copied; NULL, also the default: there is none.
 * @return 0, AIOBLE_ENOTCONN, AIOBLE_EINVAL (neither of aioble_oob_make() nor all-zero) */
AIOBLE_API int aioble_set_oob(aioble_t *ble, const aioble_oob_t *oob);

/** Options of aioble_conn_pair(). All-zero: as configured. Copied. */
typedef struct aioble_pair_options {
  aioble_choice_t bond; /**< keep the keys for later connections */
  aioble_le_secure_t le_secure;
  aioble_choice_t mitm; /**< protection from a man in the middle is required: no Just Works */
  aioble_io_t io;
  /** Shortest key allowed, 7 to 16 octets; 0: 16. */
  uint8_t min_key_size;
  /** Let a peer that has lost its keys take the place of its bond without proving that it is the
   * same peer, as far as the new bond is not weaker. */
  bool repair;
  const aioble_oob_t *oob;     /**< copied, too; NULL: none */
  aioble_prompt_fn *on_prompt; /**< NULL: that of aioble_set_on_prompt() */
  void *user;                  /**< given to on_prompt */
} aioble_pair_options_t;

/**
 * Makes the link as secure as the options say: as the central with the bond's key where there is a
 * bond that will do, else by pairing; as the peripheral by asking the central for it (Security
 * Request, Part H, 2.4.6). Several calls take turns.
 *
 * Resolves with 0 when the link is encrypted and the keys have been exchanged, at once if it is as
 * secure already. Else, as soon as either side says so: AIOBLE_ERR_SMP(reason) (Part H, 3.5.5; 0x09
 * also from this side: too soon after failures), AIOBLE_ERR_HCI (the encryption failed; 0x06: the
 * peer has lost the bond's key: aioble_bond_delete(), or `repair` at its side), AIOBLE_ETIMEDOUT
 * (also: the peer's silence of 30 s, after which nothing but a new connection helps),
 * AIOBLE_ENOTCONN, AIOBLE_EINVAL, AIOBLE_ENOMEM. A cancel ends the pairing. Time limit: 20 s.
 */
AIOBLE_API aioble_op_t *aioble_conn_pair(aioble_conn_t *conn, const aioble_pair_options_t *options);

/** How secure a link is now (Part C, 10.2.1). */
typedef struct aioble_conn_security {
  bool encrypted;
  bool authenticated;      /**< with protection from a man in the middle */
  bool bonded;             /**< the key is kept */
  bool secure_connections; /**< by LE Secure Connections */
  uint8_t key_size;        /**< in octets, 7 to 16; 0: not encrypted */
} aioble_conn_security_t;

/** Not encrypted, for NULL or a connection that has ended. */
AIOBLE_API aioble_conn_security_t aioble_conn_security(const aioble_conn_t *conn);

/* ---- bonds ---- */

/** A bond; without its keys. */
typedef struct aioble_bond {
  aioble_addr_t addr; /**< identity address */
  bool authenticated, secure_connections;
  bool private_addresses; /**< the peer may use resolvable private addresses */
  uint8_t key_size;
} aioble_bond_t;

/**
 * Copies up to `max` bonds, the oldest first. Before the first opening of the adapter, too, those
 * in the state file, if options.store (or store_ops) says where it is: by default that depends on
 * the adapter's address (aioble_store_path()). The file is only read then, also while another
 * program has it. @return how many there are; 0 as well if they cannot be read:
 * aioble_store_status()
 */
AIOBLE_API size_t aioble_bonds(aioble_t *ble, aioble_bond_t *bonds, size_t max);
/**
 * Forgets a bond, and all else that is kept of the peer, also while the adapter is closed; a link
 * that is encrypted with it stays. While the adapter is open the state file follows at the end of
 * the turn.
 * @return 0, AIOBLE_ENOENT, AIOBLE_ENOTCONN (no stack); while the adapter is closed also
 *         AIOBLE_ENODEV (which file is only known when it has been open once), AIOBLE_EBUSY
 *         (another program has the file), AIOBLE_ENOMEM, or why the file cannot be read or written
 */
AIOBLE_API int aioble_bond_delete(aioble_t *ble, const aioble_addr_t *addr);
/**
 * Adds the bonds in a file of secrets of MicroPython's aioble ("ble_secrets.json"), which stays as
 * it is. Their form depends on the build that wrote them; what cannot be read is counted and
 * logged. Peers with a bond are left out. Peers know whom they are bonded with by its address, so
 * this is of use to an adapter that has the address of that device; the device's own identity
 * resolving key comes along if there are no bonds yet and the adapter is closed.
 * @param unreadable  set to the entries and bonds that could not be read; NULL: not wanted
 * @return how many bonds have come; AIOBLE_ENOENT, AIOBLE_EACCES, … (the file cannot be read),
 *         AIOBLE_EINVAL (it is no such file), AIOBLE_ENOBUFS (too many: some have come), or as
 *         aioble_bond_delete()
 */
AIOBLE_API int aioble_bonds_import(aioble_t *ble, const char *path, unsigned *unreadable);

#ifdef __cplusplus
}
#endif
#endif
