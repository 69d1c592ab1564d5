/* SPDX-License-Identifier: MIT */
/*
 * Characteristics and descriptors, made (Core Vol 3, Part G, 3.3). The library adds what follows
 * from a characteristic's flags and options, as descriptors like any other, in this order:
 *
 *   0x2900  extended properties, 3.3.3.1: the flags beyond the eighth bit
 *   0x2901  user description, 3.3.3.2
 *   0x2904  presentation formats, 3.3.3.5
 *   0x2905  behind the second format: the list of the handles of all, 3.3.3.6, which are known when
 *           it is registered
 *
 * (0x2902 is the table's.) What cannot be makes the service unfit, which is said when somebody
 * wants to register it.
 */
#include "api/api_server.h"

#include <assert.h>
#include <string.h>

enum {
  EXTENDED_FLAGS = AIOBLE_RELIABLE_WRITE | AIOBLE_WRITABLE_AUXILIARIES,
  CHAR_FLAGS = AIOBLE_BROADCAST | AIOBLE_READ | AIOBLE_WRITE_NO_RSP | AIOBLE_WRITE | AIOBLE_NOTIFY |
               AIOBLE_INDICATE | AIOBLE_SIGNED_WRITE | EXTENDED_FLAGS,
  DESC_FLAGS = AIOBLE_READ | AIOBLE_WRITE,
  EXTENDED_PROPERTIES_BIT = 0x80, /* of the properties, 3.3.1.1 */
  EXTENDED_AT = 8,                /* where the flags are that 0x2900 has */
  FORMAT_SIZE = 7
};

enum {
  EXTENDED_PROPERTIES = 0x2900,
  USER_DESCRIPTION = 0x2901,
  CLIENT_CONFIGURATION = 0x2902,
  SERVER_CONFIGURATION = 0x2903,
  FORMAT = 0x2904,
  AGGREGATE = 0x2905
};

#define BYTES_OF(array) ((aioble_bytes_t){(array), sizeof(array)})

static bool is(const aioble_uuid_t *uuid, uint16_t type) {
  return aioble_uuid_equal(uuid, &AIOBLE_UUID16(type));
}

static bool may_be_filled(const aioble_service_t *service) {
  assert((!service || !service->tables) && "registered already");
  return service && !service->tables;
}

/* ---- descriptors ---- */

static void free_desc(aioble_desc_t *desc) {
  ab_env *env = &desc->local.chr->service->ble->env;

  ab_list_remove(&desc->node);
  ab_local_free(&desc->local);
  ab_free(env, desc);
}

static aioble_desc_t *add_desc(aioble_char_t *chr, const aioble_uuid_t *uuid, unsigned flags,
                               const aioble_desc_options_t *options) {
  aioble_desc_t *desc = ab_zalloc(&chr->service->ble->env, sizeof *desc);

  if (!desc)
    return NULL;
  desc->uuid = *uuid;
  ab_list_push(&chr->descs, &desc->node);
  if (ab_local_init(&desc->local, chr, desc, flags, options))
    return desc;
  free_desc(desc);
  return NULL;
}

/* one that the library adds */
static aioble_desc_t *add_own(aioble_char_t *chr, uint16_t type, unsigned flags,
                              aioble_bytes_t value) {
  return add_desc(chr, &AIOBLE_UUID16(type), flags, &(aioble_desc_options_t){.initial = value});
}

/* one format more: room for its handle in the list; false: out of memory */
static bool count_format(aioble_char_t *chr) {
  static const uint8_t handles[AB_ATT_VALUE_MAX];
  aioble_bytes_t list = {handles, ++chr->n_formats * sizeof(uint16_t)};

  if (list.len > sizeof handles)
    ab_service_unfit(chr->service, "more than 256 formats");
  if (chr->n_formats < 2 || chr->service->unfit)
    return true;
  if (!chr->aggregate)
    return (chr->aggregate = add_own(chr, AGGREGATE, AIOBLE_READ, list));
  return aioble_desc_write(chr->aggregate, list.data, list.len) == 0;
}

static bool add_format(aioble_char_t *chr, const aioble_format_t *f) {
  uint8_t octets[FORMAT_SIZE];
  ab_wr w = ab_wr_of(octets, sizeof octets);

  ab_wr_u8(&w, f->format);
  ab_wr_s8(&w, f->exponent);
  ab_wr_le16(&w, f->unit);
  ab_wr_u8(&w, f->name_space);
  ab_wr_le16(&w, f->description);
  if (!f->format)
    ab_service_unfit(chr->service, "a presentation format that says nothing");
  return add_own(chr, FORMAT, AIOBLE_READ, BYTES_OF(octets)) && count_format(chr);
}

/* what the flags and options say; false: out of memory */
static bool add_own_descs(aioble_char_t *chr, const aioble_char_options_t *o) {
  uint8_t bits[2];
  ab_wr w = ab_wr_of(bits, sizeof bits);
  const char *text = o->user_description;
  unsigned access = AIOBLE_READ | (chr->flags & AIOBLE_WRITABLE_AUXILIARIES ? AIOBLE_WRITE : 0);
  bool ok = true;

  ab_wr_le16(&w, (uint16_t) (chr->flags >> EXTENDED_AT));
  if (chr->flags & EXTENDED_FLAGS)
    ok = add_own(chr, EXTENDED_PROPERTIES, AIOBLE_READ, BYTES_OF(bits));
  if (ok && text)
    ok = add_own(chr, USER_DESCRIPTION, access,
                 (aioble_bytes_t){(const uint8_t *) text, strlen(text)});
  for (size_t i = 0; ok && i < o->n_formats; i++)
    ok = add_format(chr, &o->formats[i]);
  return ok;
}

static const char *desc_unfit(const aioble_uuid_t *uuid, unsigned flags, size_t len) {
  if (!uuid->size)
    return "a descriptor without a UUID";
  if (flags & ~(unsigned) DESC_FLAGS)
    return "a descriptor with flags that it cannot have";
  if (is(uuid, EXTENDED_PROPERTIES) || is(uuid, CLIENT_CONFIGURATION) || is(uuid, AGGREGATE))
    return "a descriptor that the library adds itself";
  if (is(uuid, FORMAT) && (flags != AIOBLE_READ || len != FORMAT_SIZE))
    return "a presentation format of another size, or to be written";
  return NULL;
}

aioble_desc_t *aioble_desc_new(aioble_char_t *chr, aioble_uuid_t uuid, unsigned flags,
                               const aioble_desc_options_t *options) {
  const aioble_desc_options_t defaults = {0};
  const aioble_desc_options_t *o = options ? options : &defaults;
  aioble_desc_t *desc;

  if (!chr || !may_be_filled(chr->service))
    return NULL;
  ab_service_unfit(chr->service, desc_unfit(&uuid, flags, o->initial.len));
  desc = add_desc(chr, &uuid, flags, o);
  if (!desc || !is(&uuid, FORMAT) || count_format(chr))
    return desc;
  free_desc(desc);
  chr->n_formats--;
  return NULL;
}

/* ---- characteristics ---- */

/* what a value has in common with a descriptor */
static aioble_desc_options_t local_options(const aioble_char_options_t *o) {
  return (aioble_desc_options_t){.initial = o->initial,
                                 .max_len = o->max_len,
                                 .truncate = o->truncate,
                                 .append = o->append,
                                 .capture = o->capture,
                                 .capture_depth = o->capture_depth,
                                 .capture_to = o->capture_to,
                                 .read_security = o->read_security,
                                 .write_security = o->write_security,
                                 .min_key_size = o->min_key_size,
                                 .on_authorize = o->on_authorize,
                                 .on_read = o->on_read,
                                 .on_write = o->on_write,
                                 .user = o->user};
}

void ab_char_free(aioble_char_t *chr) {
  ab_env *env = &chr->service->ble->env;
  ab_list *n;

  while ((n = ab_list_first(&chr->descs)))
    free_desc(ab_container_of(n, aioble_desc_t, node));
  ab_list_remove(&chr->node);
  ab_local_free(&chr->local);
  ab_free(env, chr);
}

aioble_char_t *aioble_char_new(aioble_service_t *service, aioble_uuid_t uuid, unsigned flags,
                               const aioble_char_options_t *options) {
  const aioble_char_options_t defaults = {0};
  const aioble_char_options_t *o = options ? options : &defaults;
  const aioble_desc_options_t local = local_options(o);
  unsigned props = flags | (flags & EXTENDED_FLAGS ? EXTENDED_PROPERTIES_BIT : 0);
  aioble_char_t *chr;

  if (!may_be_filled(service) || !(chr = ab_zalloc(&service->ble->env, sizeof *chr)))
    return NULL;
  if (!uuid.size)
    ab_service_unfit(service, "a characteristic without a UUID");
  if (flags & ~(unsigned) CHAR_FLAGS)
    ab_service_unfit(service, "a characteristic with flags that there are none of");
  chr->service = service;
  chr->uuid = uuid;
  chr->flags = flags;
  chr->truncate = o->truncate;
  chr->on_subscribe = o->on_subscribe;
  ab_list_init(&chr->descs);
  ab_list_push(&service->chars, &chr->node);
  if (ab_local_init(&chr->local, chr, NULL, props, &local) && add_own_descs(chr, o))
    return chr;
  ab_char_free(chr);
  return NULL;
}

const char *ab_char_unfit(const aioble_char_t *chr) {
  unsigned descriptions = 0, writable = 0, configurations = 0;

  AB_LIST_EACH(n, &chr->descs) {
    const aioble_desc_t *desc = ab_container_of(n, aioble_desc_t, node);

    descriptions += is(&desc->uuid, USER_DESCRIPTION);
    writable += is(&desc->uuid, USER_DESCRIPTION) && desc->local.value.props & AIOBLE_WRITE;
    configurations += is(&desc->uuid, SERVER_CONFIGURATION);
  }
  if (descriptions > 1)
    return "a characteristic with more than one user description";
  if (writable != !!(chr->flags & AIOBLE_WRITABLE_AUXILIARIES))
    return "a user description to be written goes with AIOBLE_WRITABLE_AUXILIARIES";
  if (configurations > 1 || (chr->flags & AIOBLE_BROADCAST && !configurations))
    return "AIOBLE_BROADCAST goes with one descriptor 0x2903";
  if (chr->flags & AIOBLE_RELIABLE_WRITE && !(chr->flags & AIOBLE_WRITE))
    return "AIOBLE_RELIABLE_WRITE without AIOBLE_WRITE";
  return NULL;
}

void ab_char_forget_conns(aioble_char_t *chr) {
  ab_local_forget_conns(&chr->local);
  AB_LIST_EACH(n, &chr->descs) {
    ab_local_forget_conns(&ab_container_of(n, aioble_desc_t, node)->local);
  }
}

void ab_char_registered(aioble_char_t *chr) {
  ab_gatt_value *list = chr->aggregate ? &chr->aggregate->local.value : NULL;
  ab_wr w = ab_wr_of(list ? list->data : NULL, list ? list->room : 0);

  if (!list)
    return;
  AB_LIST_EACH(n, &chr->descs) {
    const aioble_desc_t *desc = ab_container_of(n, aioble_desc_t, node);

    if (is(&desc->uuid, FORMAT))
      ab_wr_le16(&w, desc->local.value.handle);
  }
  list->len = (uint16_t) ab_wr_len(&w);
}

/* ---- what they are ---- */

aioble_uuid_t aioble_char_uuid(const aioble_char_t *chr) {
  return chr ? chr->uuid : (aioble_uuid_t){0};
}

unsigned aioble_char_flags(const aioble_char_t *chr) {
  return chr ? chr->flags : 0;
}

aioble_desc_t *aioble_char_desc(const aioble_char_t *chr, aioble_uuid_t uuid) {
  if (!chr)
    return NULL;
  AB_LIST_EACH(n, &chr->descs) {
    aioble_desc_t *desc = ab_container_of(n, aioble_desc_t, node);

    if (aioble_uuid_equal(&desc->uuid, &uuid))
      return desc;
  }
  return NULL;
}

aioble_char_t *aioble_desc_char(const aioble_desc_t *desc) {
  return desc ? desc->local.chr : NULL;
}

aioble_uuid_t aioble_desc_uuid(const aioble_desc_t *desc) {
  return desc ? desc->uuid : (aioble_uuid_t){0};
}
