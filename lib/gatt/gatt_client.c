/* SPDX-License-Identifier: MIT */
/*
 * Received values (Core Vol 3, Part G, 4.10, 4.11): a hash table of listeners by value handle. A
 * value that comes before anybody listens (a bonded peer may notify at once, before we have
 * discovered anything) is kept for a while, and given to the first who does.
 */
#include "gatt/gatt_client.h"

void ab_gatt_client_init(ab_gatt_client *client, ab_att *att) {
  *client = (ab_gatt_client){.att = att};
  client->table = client->few;
  client->bits = AB_GATT_BUCKET_BITS;
  ab_list_init(&client->early);
  ab_gatt_prepare_init(&client->prepare, att);
}

/* ---- the table ---- */

/* Fibonacci hashing: handles of one kind are often evenly spaced */
static ab_gatt_listener **bucket(const ab_gatt_client *client, uint16_t handle) {
  return &client->table[(uint16_t) (handle * 40503u) >> (16 - client->bits)];
}

static ab_gatt_listener **bucket_end(const ab_gatt_client *client, uint16_t handle) {
  ab_gatt_listener **at = bucket(client, handle);

  while (*at)
    at = &(*at)->next;
  return at;
}

static void free_table(ab_gatt_client *client, ab_gatt_listener **table) {
  if (table != client->few)
    ab_free(client->att->env, table);
}

/* Twice the buckets; listeners keep their order. Without memory for it chains are longer, no more.
 */
static void grow(ab_gatt_client *client) {
  ab_gatt_listener **old = client->table;
  unsigned n = 1u << client->bits;

  if (client->listeners < n || client->bits == AB_GATT_BUCKET_BITS_MAX)
    return;
  client->table = ab_zalloc(client->att->env, 2 * n * sizeof *client->table);
  if (!client->table) {
    client->table = old;
    return;
  }
  client->bits++;
  for (unsigned i = 0; i < n; i++)
    while (old[i]) {
      ab_gatt_listener *listener = old[i];

      old[i] = listener->next;
      listener->next = NULL;
      *bucket_end(client, listener->handle) = listener;
    }
  free_table(client, old);
}

/* ---- values before their listener ---- */

static void drop_early(ab_gatt_client *client, ab_buf *value) {
  ab_buf_free(value); /* which takes it off the list */
  client->n_early--;
}

static void keep_early(ab_gatt_client *client, uint16_t handle, const uint8_t *value, size_t len,
                       bool indication) {
  ab_buf *buf = ab_buf_new(client->att->bufs, 3 + len);
  ab_wr w;

  if (!buf || client->n_early == AB_GATT_EARLY_MAX)
    client->early_dropped++;
  if (!buf)
    return;
  if (client->n_early == AB_GATT_EARLY_MAX)
    drop_early(client, ab_container_of(ab_list_first(&client->early), ab_buf, node));
  w = ab_buf_writer(buf);
  ab_wr_le16(&w, handle);
  ab_wr_u8(&w, indication);
  ab_wr_bytes(&w, value, len);
  ab_buf_wrote(buf, &w);
  ab_list_push(&client->early, &buf->node);
  client->n_early++;
}

static void hand_over_early(ab_gatt_client *client, ab_gatt_listener *listener) {
  AB_LIST_EACH(n, &client->early) {
    ab_buf *buf = ab_container_of(n, ab_buf, node);
    ab_rd r = ab_rd_of(buf->p, buf->len);
    uint16_t handle = ab_rd_le16(&r);
    bool indication = ab_rd_u8(&r);
    size_t len;
    const uint8_t *value = ab_rd_rest(&r, &len);

    if (handle != listener->handle)
      continue;
    listener->on_value(listener, value, len, indication);
    drop_early(client, buf);
  }
}

/* ---- listeners ---- */

bool ab_gatt_listen(ab_gatt_client *client, ab_gatt_listener *listener) {
  if (client->closed || listener->listening)
    return !client->closed;
  listener->listening = true;
  listener->next = NULL;
  *bucket_end(client, listener->handle) = listener;
  client->listeners++;
  grow(client);
  hand_over_early(client, listener);
  return true;
}

void ab_gatt_unlisten(ab_gatt_client *client, ab_gatt_listener *listener) {
  ab_gatt_listener **at;

  if (!listener->listening)
    return;
  at = bucket(client, listener->handle);
  while (*at != listener)
    at = &(*at)->next;
  *at = listener->next;
  if (client->next_in_turn == listener)
    client->next_in_turn = listener->next;
  listener->listening = false;
  client->listeners--;
}

void ab_gatt_client_rx_value(ab_gatt_client *client, uint16_t handle, const uint8_t *value,
                             size_t len, bool indication) {
  ab_gatt_listener *listener;
  bool taken = false;

  for (listener = *bucket(client, handle); listener; listener = client->next_in_turn) {
    client->next_in_turn = listener->next;
    if (listener->handle == handle) {
      taken = true;
      listener->on_value(listener, value, len, indication);
    }
  }
  if (!taken && !client->closed)
    keep_early(client, handle, value, len, indication);
}

static ab_gatt_listener *any_between(const ab_gatt_client *client, uint16_t first, uint16_t last,
                                     uint16_t except) {
  for (unsigned i = 0; i < 1u << client->bits; i++)
    for (ab_gatt_listener *at = client->table[i]; at; at = at->next)
      if (at->handle >= first && at->handle <= last && at->handle != except)
        return at;
  return NULL;
}

void ab_gatt_end_listeners(ab_gatt_client *client, uint16_t first, uint16_t last, uint16_t except,
                           int status) {
  ab_gatt_listener *listener;

  while ((listener = any_between(client, first, last, except))) {
    ab_gatt_unlisten(client, listener);
    listener->on_closed(listener, status);
  }
}

void ab_gatt_client_close(ab_gatt_client *client, int status) {
  ab_list *n;

  client->closed = true;
  ab_gatt_prepare_close(&client->prepare, status);
  for (unsigned i = 0; i < 1u << client->bits; i++)
    while (client->table[i]) {
      ab_gatt_listener *listener = client->table[i];

      ab_gatt_unlisten(client, listener);
      listener->on_closed(listener, status);
    }
  while ((n = ab_list_first(&client->early)))
    drop_early(client, ab_container_of(n, ab_buf, node));
  free_table(client, client->table);
  client->table = client->few;
  client->bits = AB_GATT_BUCKET_BITS;
}
