/* SPDX-License-Identifier: MIT */
/* Who hears whom, and how loud. */
#include "virtual/vr_priv.h"

typedef struct pair {
  ab_list node;
  const vr_ctrl *a, *b;
} pair;

static pair *find(const vr_radio *r, const vr_ctrl *a, const vr_ctrl *b) {
  AB_LIST_EACH(n, &r->apart) {
    pair *p = ab_container_of(n, pair, node);

    if ((p->a == a && p->b == b) || (p->a == b && p->b == a))
      return p;
  }
  return NULL;
}

bool vr_in_range(const vr_radio *r, const vr_ctrl *a, const vr_ctrl *b) {
  return !find(r, a, b);
}

static void drop(vr_radio *r, pair *p) {
  ab_list_remove(&p->node);
  ab_free(&r->env, p);
}

void vr_range_forget(vr_ctrl *c) {
  AB_LIST_EACH(n, &c->radio->apart) {
    pair *p = ab_container_of(n, pair, node);

    if (p->a == c || p->b == c)
      drop(c->radio, p);
  }
}

int aioble_virtual_set_in_range(aioble_transport_t *a, aioble_transport_t *b, bool in_range) {
  vr_ctrl *ca = vr_ctrl_of(a), *cb = vr_ctrl_of(b);
  vr_radio *r = ca->radio;
  pair *p = find(r, ca, cb);

  vr_now(r);
  if (p && in_range) {
    drop(r, p);
  } else if (!p && !in_range) {
    if (!(p = ab_zalloc(&r->env, sizeof *p)))
      return AIOBLE_ENOMEM;
    p->a = ca;
    p->b = cb;
    ab_list_push(&r->apart, &p->node);
  }
  vr_links_check(ca);
  return 0;
}

/*
 * Free space at 2.4 GHz: 40 dB in the first metre, then 6 dB for each doubling of the distance,
 * halves of a doubling interpolated. Both send with 0 dBm.
 */
int8_t vr_rssi(const vr_place *a, const vr_place *b) {
  int64_t dx = ((int64_t) a->x_cm - b->x_cm) / 10, dy = ((int64_t) a->y_cm - b->y_cm) / 10;
  uint64_t metres2 = (uint64_t) (dx * dx + dy * dy) / 100;
  int loss = 40;

  for (; metres2 >= 4; metres2 /= 4)
    loss += 6;
  if (metres2 >= 2)
    loss += 3;
  return (int8_t) (loss < 100 ? -loss : -100);
}
