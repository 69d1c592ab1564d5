/* SPDX-License-Identifier: MIT */
/* aioble_config_get() and _set(): a table of keys, each with how its value is read and written. */
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>

/* both: 0 or an error; get writes text, set reads it */
struct key {
  const char *name;
  int (*get)(const aioble_t *ble, char *value, size_t size);
  int (*set)(aioble_t *ble, const char *value); /* NULL: read-only */
};

static int put(char *value, size_t size, const char *text) {
  int n = snprintf(value, size, "%s", text);

  return n >= 0 && (size_t) n < size ? 0 : AIOBLE_EMSGSIZE;
}

/* the index of a word in a list that ends with NULL; -1: it is not there */
static int index_of(const char *const *words, const char *word) {
  for (int i = 0; words[i]; i++)
    if (!strcmp(words[i], word))
      return i;
  return -1;
}

static int number(const char *text, long min, long max, long *out) {
  char *end;

  *out = strtol(text, &end, 10);
  return *text && !*end && *out >= min && *out <= max ? 0 : AIOBLE_EINVAL;
}

/* TGAP(private_addr_int) and its longest value, Core Vol 3, Part C, Appendix A; Vol 4, Part E,
   7.8.45 */
enum { ROTATION_S = 900, ROTATION_MAX_S = 3600 };

/* ---- mac ---- */

static int get_mac(const aioble_t *ble, char *value, size_t size) {
  char text[AIOBLE_ADDR_TEXT_SIZE], line[sizeof text + sizeof "public "];
  aioble_addr_t addr;

  if (!aioble_is_open(ble))
    return AIOBLE_ENODEV;
  addr = ble->gap.identity;
  (void) snprintf(line, sizeof line, "%s %s", addr.type ? "random" : "public",
                  aioble_addr_text(&addr, text));
  return put(value, size, line);
}

/* ---- addr_mode ---- */

/* private ones are made beside an identity, which stays what it was */
enum { MODE_PUBLIC, MODE_RANDOM, MODE_PRIVATE };
static const char *const addr_modes[] = {
    [MODE_PUBLIC] = "public", [MODE_RANDOM] = "random", [MODE_PRIVATE] = "private", NULL};

static int get_addr_mode(const aioble_t *ble, char *value, size_t size) {
  const ab_config *c = &ble->config;

  return put(value, size, addr_modes[c->private_address ? (int) MODE_PRIVATE : c->random_address]);
}

static int set_addr_mode(aioble_t *ble, const char *value) {
  int mode = index_of(addr_modes, value);

  if (mode < 0)
    return AIOBLE_EINVAL;
  ble->config.private_address = mode == MODE_PRIVATE;
  if (mode != MODE_PRIVATE)
    ble->config.random_address = mode == MODE_RANDOM;
  return 0;
}

/* ---- gap_name ---- */

static int get_name(const aioble_t *ble, char *value, size_t size) {
  return put(value, size, ab_gatt_server_name(&ble->server));
}

static int set_name(aioble_t *ble, const char *value) {
  return ab_gatt_server_set_name(&ble->server, value);
}

/* ---- numbers ---- */

static int put_number(char *value, size_t size, long n) {
  char text[24];

  (void) snprintf(text, sizeof text, "%ld", n);
  return put(value, size, text);
}

static int get_mtu(const aioble_t *ble, char *value, size_t size) {
  return put_number(value, size, ble->config.mtu);
}

static int set_mtu(aioble_t *ble, const char *value) {
  long n;

  if (number(value, AB_ATT_MTU_MIN, AB_ATT_MTU_MAX, &n) < 0)
    return AIOBLE_EINVAL;
  ble->config.mtu = (uint16_t) n;
  return 0;
}

static int get_rotation(const aioble_t *ble, char *value, size_t size) {
  return put_number(value, size, ble->config.rotation_s);
}

static int set_rotation(aioble_t *ble, const char *value) {
  long n;

  if (number(value, 1, ROTATION_MAX_S, &n) < 0)
    return AIOBLE_EINVAL;
  ble->config.rotation_s = (uint16_t) n;
  return 0;
}

static int get_log_level(const aioble_t *ble, char *value, size_t size) {
  return put_number(value, size, ble->env.log_level);
}

static int set_log_level(aioble_t *ble, const char *value) {
  long n;

  if (number(value, AIOBLE_LOG_NONE, AIOBLE_LOG_INFO, &n) < 0)
    return AIOBLE_EINVAL;
  ble->env.log_level = (int) n;
  return 0;
}

/* ---- pairing ---- */

static const char *const booleans[] = {"false", "true", NULL};

static int set_bool(bool *to, const char *value) {
  int i = index_of(booleans, value);

  if (i < 0)
    return AIOBLE_EINVAL;
  *to = i == 1;
  return 0;
}

#define BOOLEAN(key)                                                    \
  static int get_##key(const aioble_t *ble, char *value, size_t size) { \
    return put(value, size, booleans[ble->config.key]);                 \
  }                                                                     \
  static int set_##key(aioble_t *ble, const char *value) {              \
    return set_bool(&ble->config.key, value);                           \
  }
BOOLEAN(bond)
BOOLEAN(mitm)
BOOLEAN(le_secure)
BOOLEAN(secure_only)
#undef BOOLEAN

/* IO capabilities in the order of Core Vol 3, Part H, 2.3.2 */
static const char *const io_words[] = {"display", "display-yesno",    "keyboard",
                                       "none",    "keyboard-display", NULL};
enum { IO_NONE = 3 };

static int get_io(const aioble_t *ble, char *value, size_t size) {
  return put(value, size, io_words[ble->config.io]);
}

static int set_io(aioble_t *ble, const char *value) {
  int i = index_of(io_words, value);

  if (i < 0)
    return AIOBLE_EINVAL;
  ble->config.io = (uint8_t) i;
  return 0;
}

/* in the order of ab_smp_pairable */
static const char *const pairables[] = {"true", "bonded", "false", NULL};

static int get_pairable(const aioble_t *ble, char *value, size_t size) {
  return put(value, size, pairables[ble->config.pairable]);
}

static int set_pairable(aioble_t *ble, const char *value) {
  int i = index_of(pairables, value);

  if (i < 0)
    return AIOBLE_EINVAL;
  ble->config.pairable = (uint8_t) i;
  return 0;
}

/* ---- the table ---- */

static const struct key keys[] = {
    {"mac", get_mac, NULL},
    {"addr_mode", get_addr_mode, set_addr_mode},
    {"rotation_s", get_rotation, set_rotation},
    {"gap_name", get_name, set_name},
    {"mtu", get_mtu, set_mtu},
    {"bond", get_bond, set_bond},
    {"mitm", get_mitm, set_mitm},
    {"le_secure", get_le_secure, set_le_secure},
    {"secure_only", get_secure_only, set_secure_only},
    {"io", get_io, set_io},
    {"pairable", get_pairable, set_pairable},
    {"log_level", get_log_level, set_log_level},
};

static const struct key *find(const char *name) {
  for (size_t i = 0; name && i < sizeof keys / sizeof *keys; i++)
    if (!strcmp(keys[i].name, name))
      return &keys[i];
  return NULL;
}

int aioble_config_get(const aioble_t *ble, const char *name, char *value, size_t size) {
  const struct key *key = find(name);

  if (!ble)
    return AIOBLE_ENOTCONN;
  return key ? key->get(ble, value, size) : AIOBLE_ENOENT;
}

int aioble_config_set(aioble_t *ble, const char *name, const char *value) {
  const struct key *key = find(name);
  int err;

  if (!ble)
    return AIOBLE_ENOTCONN;
  if (!key)
    return AIOBLE_ENOENT;
  if (!key->set)
    return AIOBLE_EPERM;
  err = value ? key->set(ble, value) : AIOBLE_EINVAL;
  if (err == 0)
    ab_host_smp_configure(ble);
  return err;
}

int ab_config_init(aioble_t *ble, const aioble_options_t *options) {
  ab_config *c = &ble->config;

  c->random_address = options->random_address;
  c->private_address = options->private_address;
  c->rotation_s = ROTATION_S;
  if (options->rotation_s)
    c->rotation_s = options->rotation_s < ROTATION_MAX_S ? options->rotation_s : ROTATION_MAX_S;
  c->mtu = options->mtu ? options->mtu : AB_ATT_MTU_MAX;
  c->bond = c->le_secure = true;
  c->io = IO_NONE;
  if (c->mtu < AB_ATT_MTU_MIN)
    c->mtu = AB_ATT_MTU_MIN;
  if (c->mtu > AB_ATT_MTU_MAX)
    c->mtu = AB_ATT_MTU_MAX;
  ab_gatt_server_set_appearance(&ble->server, options->appearance);
  return ab_gatt_server_set_name(&ble->server, options->name ? options->name : "aioble");
}
