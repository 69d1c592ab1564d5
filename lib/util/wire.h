/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out: one sticky-error cursor each way.
 *
 * Every byte from outside goes through ab_rd, every byte to the wire through ab_wr. One function of
 * each moves the pointer; the first short access marks the cursor bad, later reads give zero and
 * later writes do nothing, so a decoder reads all its fields and asks once.
 *
 * Fixed PDUs are one field list, AB_WIRE_RECORD, that yields the struct, the reader and the writer.
 */
#ifndef AB_WIRE_H
#define AB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- reading ---- */

typedef struct ab_rd {
  const uint8_t *p, *end;
  bool bad;
} ab_rd;

static inline ab_rd ab_rd_of(const void *data, size_t len) {
  const uint8_t *p = data;

  return (ab_rd){p, len ? p + len : p, false};
}

static inline size_t ab_rd_left(const ab_rd *r) {
  return (size_t) (r->end - r->p);
}

/** The next n bytes, or NULL and the cursor is bad (and empty) from now on. */
static inline const uint8_t *ab_rd_take(ab_rd *r, size_t n) {
  const uint8_t *at = r->p;

  if (ab_rd_left(r) < n) {
    r->bad = true;
    r->p = r->end;
    return NULL;
  }
  if (n)
    r->p += n;
  return at;
}

/** All that is left. */
static inline const uint8_t *ab_rd_rest(ab_rd *r, size_t *len) {
  *len = ab_rd_left(r);
  return ab_rd_take(r, *len);
}

/** A length field becomes a slice at once: it cannot read its neighbour. Short: empty and bad. */
static inline ab_rd ab_rd_slice(ab_rd *r, size_t n) {
  const uint8_t *at = ab_rd_take(r, n);

  return r->bad ? (ab_rd){r->end, r->end, true} : ab_rd_of(at, n);
}

static inline uint8_t ab_rd_u8(ab_rd *r) {
  const uint8_t *b = ab_rd_take(r, 1);

  return b ? b[0] : 0;
}

static inline int8_t ab_rd_s8(ab_rd *r) {
  return (int8_t) ab_rd_u8(r);
}

static inline uint16_t ab_rd_le16(ab_rd *r) {
  const uint8_t *b = ab_rd_take(r, 2);

  return (uint16_t) (b ? b[0] | b[1] << 8 : 0);
}

static inline uint32_t ab_rd_le24(ab_rd *r) {
  const uint8_t *b = ab_rd_take(r, 3);

  return b ? (uint32_t) b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 : 0;
}

static inline uint32_t ab_rd_le32(ab_rd *r) {
  const uint8_t *b = ab_rd_take(r, 4);

  return b ? (uint32_t) b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24
           : 0;
}

static inline uint64_t ab_rd_le64(ab_rd *r) {
  uint64_t low = ab_rd_le32(r);

  return low | (uint64_t) ab_rd_le32(r) << 32;
}

/** n bytes copied to dst, or zeroes when short. */
static inline void ab_rd_copy(ab_rd *r, void *dst, size_t n) {
  const uint8_t *b = ab_rd_take(r, n);

  if (b && n)
    memcpy(dst, b, n);
  else if (n)
    memset(dst, 0, n);
}

/** Nothing was short. */
static inline bool ab_rd_ok(const ab_rd *r) {
  return !r->bad;
}

/** Nothing was short and nothing is left over. */
static inline bool ab_rd_done(const ab_rd *r) {
  return !r->bad && r->p == r->end;
}

/** The same octets are left in both. */
static inline bool ab_rd_equal(const ab_rd *a, const ab_rd *b) {
  size_t len = ab_rd_left(a);

  return len == ab_rd_left(b) && (len == 0 || memcmp(a->p, b->p, len) == 0);
}

/* ---- writing ---- */

typedef struct ab_wr {
  uint8_t *p, *end, *start;
  bool bad;
} ab_wr;

static inline ab_wr ab_wr_of(void *data, size_t size) {
  uint8_t *p = data;

  return (ab_wr){p, size ? p + size : p, p, false};
}

/** Room for n bytes, or NULL and the cursor is bad (and full) from now on. */
static inline uint8_t *ab_wr_take(ab_wr *w, size_t n) {
  uint8_t *at = w->p;

  if (w->bad || (size_t) (w->end - at) < n) {
    w->bad = true;
    return NULL;
  }
  if (n)
    w->p += n;
  return at;
}

static inline size_t ab_wr_len(const ab_wr *w) {
  return (size_t) (w->p - w->start);
}

static inline size_t ab_wr_room(const ab_wr *w) {
  return w->bad ? 0 : (size_t) (w->end - w->p);
}

static inline bool ab_wr_ok(const ab_wr *w) {
  return !w->bad;
}

/** No more than size bytes in all, of which some may have been written; never widens. */
static inline void ab_wr_limit(ab_wr *w, size_t size) {
  if ((size_t) (w->end - w->start) > size)
    w->end = w->start + size;
}

static inline void ab_wr_u8(ab_wr *w, uint8_t v) {
  uint8_t *b = ab_wr_take(w, 1);

  if (b)
    b[0] = v;
}

static inline void ab_wr_s8(ab_wr *w, int8_t v) {
  ab_wr_u8(w, (uint8_t) v);
}

static inline void ab_wr_le16(ab_wr *w, uint16_t v) {
  uint8_t *b = ab_wr_take(w, 2);

  if (b) {
    b[0] = (uint8_t) v;
    b[1] = (uint8_t) (v >> 8);
  }
}

static inline void ab_wr_le24(ab_wr *w, uint32_t v) {
  uint8_t *b = ab_wr_take(w, 3);

  if (b) {
    b[0] = (uint8_t) v;
    b[1] = (uint8_t) (v >> 8);
    b[2] = (uint8_t) (v >> 16);
  }
}

static inline void ab_wr_le32(ab_wr *w, uint32_t v) {
  uint8_t *b = ab_wr_take(w, 4);

  if (b) {
    b[0] = (uint8_t) v;
    b[1] = (uint8_t) (v >> 8);
    b[2] = (uint8_t) (v >> 16);
    b[3] = (uint8_t) (v >> 24);
  }
}

static inline void ab_wr_le64(ab_wr *w, uint64_t v) {
  ab_wr_le32(w, (uint32_t) v);
  ab_wr_le32(w, (uint32_t) (v >> 32));
}

static inline void ab_wr_bytes(ab_wr *w, const void *data, size_t n) {
  uint8_t *b = ab_wr_take(w, n);

  if (b && n)
    memcpy(b, data, n);
}

/* ---- fixed-size fields that are not numbers ---- */

/** A device address in display order (most significant byte first); the wire has it reversed. */
typedef struct ab_addr6 {
  uint8_t b[6];
} ab_addr6;
typedef struct ab_key16 {
  uint8_t b[16];
} ab_key16;
typedef struct ab_key32 {
  uint8_t b[32];
} ab_key32;
typedef struct ab_ad31 {
  uint8_t b[31];
} ab_ad31;
typedef struct ab_cmds64 {
  uint8_t b[64];
} ab_cmds64;
typedef struct ab_chmap5 {
  uint8_t b[5];
} ab_chmap5;
typedef struct ab_text248 {
  uint8_t b[248];
} ab_text248;

static inline ab_addr6 ab_rd_addr(ab_rd *r) {
  const uint8_t *b = ab_rd_take(r, 6);

  return b ? (ab_addr6){{b[5], b[4], b[3], b[2], b[1], b[0]}} : (ab_addr6){{0}};
}

static inline void ab_wr_addr(ab_wr *w, ab_addr6 a) {
  uint8_t *b = ab_wr_take(w, 6);

  for (size_t i = 0; b && i < 6; i++)
    b[i] = a.b[5 - i];
}

#define AB_WIRE_BLOB(name, type)                      \
  static inline type ab_rd_##name(ab_rd *r) {         \
    type v;                                           \
                                                      \
    ab_rd_copy(r, v.b, sizeof v.b);                   \
    return v;                                         \
  }                                                   \
  static inline void ab_wr_##name(ab_wr *w, type v) { \
    ab_wr_bytes(w, v.b, sizeof v.b);                  \
  }
AB_WIRE_BLOB(key16, ab_key16)
AB_WIRE_BLOB(key32, ab_key32)
AB_WIRE_BLOB(ad31, ab_ad31)
AB_WIRE_BLOB(cmds64, ab_cmds64)
AB_WIRE_BLOB(chmap5, ab_chmap5)
AB_WIRE_BLOB(text248, ab_text248)
#undef AB_WIRE_BLOB

/* ---- records ---- */

/* kind      C type                          bytes on the wire */
typedef uint8_t ab_wire_u8;         /* 1 */
typedef int8_t ab_wire_s8;          /* 1 */
typedef uint16_t ab_wire_le16;      /* 2 */
typedef uint32_t ab_wire_le24;      /* 3 */
typedef uint32_t ab_wire_le32;      /* 4 */
typedef uint64_t ab_wire_le64;      /* 8 */
typedef ab_addr6 ab_wire_addr;      /* 6 */
typedef ab_key16 ab_wire_key16;     /* 16 */
typedef ab_key32 ab_wire_key32;     /* 32 */
typedef ab_ad31 ab_wire_ad31;       /* 31 */
typedef ab_cmds64 ab_wire_cmds64;   /* 64 */
typedef ab_chmap5 ab_wire_chmap5;   /* 5 */
typedef ab_text248 ab_wire_text248; /* 248 */

enum {
  ab_wire_size_u8 = 1,
  ab_wire_size_s8 = 1,
  ab_wire_size_le16 = 2,
  ab_wire_size_le24 = 3,
  ab_wire_size_le32 = 4,
  ab_wire_size_le64 = 8,
  ab_wire_size_addr = 6,
  ab_wire_size_key16 = 16,
  ab_wire_size_key32 = 32,
  ab_wire_size_ad31 = 31,
  ab_wire_size_cmds64 = 64,
  ab_wire_size_chmap5 = 5,
  ab_wire_size_text248 = 248,
};

#define AB_WIRE_FIELD_(kind, name) ab_wire_##kind name;
#define AB_WIRE_READ_(kind, name)  rec->name = ab_rd_##kind(r);
#define AB_WIRE_WRITE_(kind, name) ab_wr_##kind(w, rec->name);
#define AB_WIRE_SIZE_(kind, name)  +ab_wire_size_##kind

/**
 * AB_WIRE_RECORD(hci_foo, HCI_FOO) makes, of a list `#define HCI_FOO(F) F(u8, a) F(le16, b) …`:
 *   struct ab_hci_foo, ab_hci_foo_size (bytes on the wire),
 *   bool ab_hci_foo_read(ab_rd *, ab_hci_foo *)   true: nothing was short (more may follow),
 *   bool ab_hci_foo_write(ab_wr *, const ab_hci_foo *).
 */
#define AB_WIRE_RECORD(record, LIST)                                         \
  typedef struct ab_##record {                                               \
    LIST(AB_WIRE_FIELD_)                                                     \
  } ab_##record;                                                             \
  enum { ab_##record##_size = 0 LIST(AB_WIRE_SIZE_) };                       \
  static inline bool ab_##record##_read(ab_rd *r, ab_##record *rec) {        \
    LIST(AB_WIRE_READ_)                                                      \
    return ab_rd_ok(r);                                                      \
  }                                                                          \
  static inline bool ab_##record##_write(ab_wr *w, const ab_##record *rec) { \
    LIST(AB_WIRE_WRITE_)                                                     \
    return ab_wr_ok(w);                                                      \
  }

#endif
