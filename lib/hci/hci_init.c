/* SPDX-License-Identifier: MIT */
/*
 * From reset to ready (Core Vol 4, Part E, 4.2; Vol 6, Part D, 2.1), as a table of steps.
 *
 * 1. Each step is one command, sent when its condition holds: it is on the controller's list of
 *    supported commands, or is tried anyway (the mandatory ones: some controllers' lists are
 *    empty), and `wanted` agrees.
 * 2. Its answer is taken over; then comes the next step.
 * 3. An optional step that fails is logged and skipped. A required one ends the start with its
 *    error, and so does silence. After the last one the controller is ready.
 */
#include "hci/hci_priv.h"

#include <assert.h>
#include <stdio.h>

/* LMP features page 0 (Core Vol 2, Part C, 3.3) and LE features (Vol 6, Part B, 4.6) */
enum { LMP_NO_BR_EDR = 37 };
enum {
  LE_CONN_PARAM_REQUEST = 1,
  LE_DATA_LENGTH = 5,
  LE_PRIVACY = 6,
  LE_EXT_FILTER = 7,
  LE_PHY_2M = 8,
  LE_PHY_CODED = 11,
  LE_CHANNEL_SELECTION_2 = 14,
};

/* what data length extension allows, Core Vol 6, Part B, 4.5.10 */
enum { OCTETS_MIN = 27, OCTETS_MAX = 251, TIME_MIN = 328, TIME_MAX = 17040 };

typedef struct step {
  const char *name;
  uint16_t opcode;
  uint8_t octet, bit; /* in the supported commands; 0, 0: tried anyway */
  bool required;
  int (*begin)(ab_hci *hci);                 /* NULL: nothing comes before; 0 or an error */
  bool (*wanted)(const ab_hci *hci);         /* NULL: always */
  int (*build)(const ab_hci *hci, ab_wr *w); /* NULL: no parameters; 0 or an error */
  int (*take)(ab_hci *hci, ab_rd *ret);      /* NULL: nothing to take; 0 or an error */
} step;

static bool has(uint64_t features, unsigned bit) {
  return features >> bit & 1;
}

bool ab_hci_supports(const ab_hci *hci, unsigned octet, unsigned bit) {
  return octet < sizeof hci->info.commands.b && bit < 8 && hci->info.commands.b[octet] >> bit & 1;
}

const ab_hci_info *ab_hci_info_of(const ab_hci *hci) {
  return &hci->info;
}

/* ---- what the controller is ---- */

static int take_version(ab_hci *hci, ab_rd *ret) {
  ab_hci_local_version_ret v;

  if (!ab_hci_local_version_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  hci->info.hci_version = v.hci_version;
  hci->info.manufacturer = v.manufacturer;
  return 0;
}

static int take_commands(ab_hci *hci, ab_rd *ret) {
  ab_hci_commands_ret v;

  if (!ab_hci_commands_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  hci->info.commands = v.commands;
  return 0;
}

static int take_mask(uint64_t *to, ab_rd *ret) {
  ab_hci_features_ret v;

  if (!ab_hci_features_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  *to = v.features;
  return 0;
}

static int take_features(ab_hci *hci, ab_rd *ret) {
  return take_mask(&hci->info.features, ret);
}

static int take_le_features(ab_hci *hci, ab_rd *ret) {
  return take_mask(&hci->info.le_features, ret);
}

static int take_le_states(ab_hci *hci, ab_rd *ret) {
  return take_mask(&hci->info.le_states, ret);
}

/* ---- addresses ---- */

static bool all(const ab_addr6 *addr, uint8_t value) {
  size_t i = 0;

  while (i < sizeof addr->b && addr->b[i] == value)
    i++;
  return i == sizeof addr->b;
}

/* a controller without a public address says all zeroes, or has erased flash there */
static int take_addr(ab_hci *hci, ab_rd *ret) {
  ab_hci_addr v;

  if (!ab_hci_addr_read(ret, &v))
    return AIOBLE_EPROTO;
  if (!all(&v.addr, 0xff))
    hci->info.public_addr = v.addr;
  return 0;
}

static int tell_address(ab_hci *hci) {
  ab_hci_config *config = &hci->config;

  return config->identified
             ? config->identified(hci->ready_ctx, &hci->info.public_addr, &config->static_addr)
             : 0;
}

static bool wants_random(const ab_hci *hci) {
  return hci->config.use_random || all(&hci->info.public_addr, 0);
}

static int build_random(const ab_hci *hci, ab_wr *w) {
  ab_wr_addr(w, hci->config.static_addr);
  return all(&hci->config.static_addr, 0) ? AIOBLE_EINVAL : 0;
}

static int take_random(ab_hci *hci, ab_rd *ret) {
  (void) ret;
  hci->info.random_addr = hci->config.static_addr;
  return 0;
}

/* ---- resolving list (7.8.41) ---- */

/* without LE Set Privacy Mode a peer that shows its identity would not be heard any more */
static bool wants_resolving_list(const ab_hci *hci) {
  return has(hci->info.le_features, LE_PRIVACY) && ab_hci_supports(hci, 39, 2);
}

static int take_resolving_list(ab_hci *hci, ab_rd *ret) {
  hci->info.resolvable = ab_rd_u8(ret);
  return ab_rd_ok(ret) ? 0 : AIOBLE_EPROTO;
}

/* ---- buffers ---- */

/* no length or no count: there are none of their own for LE (Core Vol 4, Part E, 7.8.2) */
static int take_buffers(ab_hci *hci, uint16_t len, uint16_t count) {
  hci->le_buffers_read = true;
  if (len && count) {
    hci->info.acl_len = len;
    hci->info.acl_count = count;
  }
  return 0;
}

static int take_le_buffers(ab_hci *hci, ab_rd *ret) {
  ab_hci_le_buffer_size_ret v;

  if (!ab_hci_le_buffer_size_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  return take_buffers(hci, v.acl_len, v.acl_count);
}

static int take_le_buffers_v2(ab_hci *hci, ab_rd *ret) {
  ab_hci_le_buffer_size_v2_ret v;

  if (!ab_hci_le_buffer_size_v2_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  return take_buffers(hci, v.acl_len, v.acl_count);
}

static bool wants_le_buffers(const ab_hci *hci) {
  return !hci->le_buffers_read;
}

static bool wants_shared_buffers(const ab_hci *hci) {
  return !hci->info.acl_len;
}

static int take_shared_buffers(ab_hci *hci, ab_rd *ret) {
  ab_hci_buffer_size_ret v;

  if (!ab_hci_buffer_size_ret_read(ret, &v) || !v.acl_len || !v.acl_count)
    return AIOBLE_EPROTO;
  hci->info.shared_buffers = true;
  return take_buffers(hci, v.acl_len, v.acl_count);
}

/* ---- events ---- */

/* What the stack always handles. Beyond that, a handler registered before the start enables its
   event, too. */
static const uint8_t events[] = {
    AB_HCI_EV_DISCONNECTION_COMPLETE,
    AB_HCI_EV_ENCRYPTION_CHANGE,
    AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE,
    AB_HCI_EV_HARDWARE_ERROR,
    AB_HCI_EV_DATA_BUFFER_OVERFLOW,
    AB_HCI_EV_ENCRYPTION_KEY_REFRESH,
    AB_HCI_EV_LE_META,
};
static const uint8_t le_events[] = {
    AB_HCI_LE_EV_CONN_COMPLETE,        AB_HCI_LE_EV_ADV_REPORT,
    AB_HCI_LE_EV_CONN_UPDATE_COMPLETE, AB_HCI_LE_EV_REMOTE_FEATURES_COMPLETE,
    AB_HCI_LE_EV_LTK_REQUEST,          AB_HCI_LE_EV_CONN_PARAM_REQUEST,
    AB_HCI_LE_EV_DATA_LENGTH_CHANGE,   AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE,
    AB_HCI_LE_EV_PHY_UPDATE_COMPLETE,
};

/* the subevents that come only with a feature; a controller may refuse the mask bit otherwise */
static const struct {
  uint8_t subevent;
  uint32_t any;
} le_needs[] = {
    {AB_HCI_LE_EV_CONN_PARAM_REQUEST, 1u << LE_CONN_PARAM_REQUEST},
    {AB_HCI_LE_EV_DATA_LENGTH_CHANGE, 1u << LE_DATA_LENGTH},
    {AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE, 1u << LE_PRIVACY},
    {AB_HCI_LE_EV_DIRECTED_ADV_REPORT, 1u << LE_EXT_FILTER},
    {AB_HCI_LE_EV_PHY_UPDATE_COMPLETE, 1u << LE_PHY_2M | 1u << LE_PHY_CODED},
    {AB_HCI_LE_EV_CHANNEL_SELECTION, 1u << LE_CHANNEL_SELECTION_2},
};

/* bit n stands for the code first + n: those on the list, and those with a handler of others */
static uint64_t mask_of(const ab_hci *hci, const ab_hci_handler *handlers, unsigned first,
                        const uint8_t *list, size_t n) {
  uint64_t mask = 0;

  for (size_t i = 0; i < n; i++)
    mask |= UINT64_C(1) << (list[i] - first);
  for (unsigned bit = 0; bit < 64; bit++)
    if (handlers[first + bit].fn && handlers[first + bit].ctx != hci)
      mask |= UINT64_C(1) << bit;
  return mask;
}

/* 7.3.1 */
static int build_event_mask(const ab_hci *hci, ab_wr *w) {
  ab_wr_le64(w, mask_of(hci, hci->event, 1, events, sizeof events));
  return 0;
}

/* 7.3.69 */
static uint64_t mask_page_2(const ab_hci *hci) {
  return mask_of(hci, hci->event, 0x40, NULL, 0);
}

static bool wants_event_mask_2(const ab_hci *hci) {
  return mask_page_2(hci) != 0;
}

static int build_event_mask_2(const ab_hci *hci, ab_wr *w) {
  ab_wr_le64(w, mask_page_2(hci));
  return 0;
}

/* 7.8.1 */
static int build_le_event_mask(const ab_hci *hci, ab_wr *w) {
  uint64_t mask = mask_of(hci, hci->le_event, 1, le_events, sizeof le_events);

  for (size_t i = 0; i < sizeof le_needs / sizeof le_needs[0]; i++)
    if (!(hci->info.le_features & le_needs[i].any))
      mask &= ~(UINT64_C(1) << (le_needs[i].subevent - 1));
  ab_wr_le64(w, mask);
  return 0;
}

/* ---- BR/EDR controllers; data length ---- */

static bool has_br_edr(const ab_hci *hci) {
  return hci->info.features && !has(hci->info.features, LMP_NO_BR_EDR);
}

static int build_le_host(const ab_hci *hci, ab_wr *w) {
  (void) hci;
  ab_hci_write_le_host_write(w, &(ab_hci_write_le_host){.supported = 1});
  return 0;
}

static bool has_data_length(const ab_hci *hci) {
  return has(hci->info.le_features, LE_DATA_LENGTH);
}

static int take_max_data(ab_hci *hci, ab_rd *ret) {
  ab_hci_le_max_data_length_ret v;

  if (!ab_hci_le_max_data_length_ret_read(ret, &v))
    return AIOBLE_EPROTO;
  hci->max_data = v;
  return 0;
}

static bool wants_default_data(const ab_hci *hci) {
  return hci->max_data.tx_octets != 0;
}

static uint16_t clamp(uint16_t value, uint16_t min, uint16_t max) {
  return value < min ? min : value > max ? max : value;
}

static int build_default_data(const ab_hci *hci, ab_wr *w) {
  ab_hci_le_default_data_length v = {
      .tx_octets = clamp(hci->max_data.tx_octets, OCTETS_MIN, OCTETS_MAX),
      .tx_time = clamp(hci->max_data.tx_time, TIME_MIN, TIME_MAX),
  };

  ab_hci_le_default_data_length_write(w, &v);
  return 0;
}

/* ---- the table ---- */

static const step steps[] = {
    {"Reset", AB_HCI_RESET, .required = true},
    {"Read Local Version Information", AB_HCI_READ_LOCAL_VERSION, .take = take_version},
    {"Read Local Supported Commands", AB_HCI_READ_LOCAL_COMMANDS, .take = take_commands},
    {"Read Local Supported Features", AB_HCI_READ_LOCAL_FEATURES, .take = take_features},
    {"Read BD_ADDR", AB_HCI_READ_BD_ADDR, .take = take_addr},
    {"Set Event Mask", AB_HCI_SET_EVENT_MASK, .required = true, .build = build_event_mask},
    {"Set Event Mask Page 2", AB_HCI_SET_EVENT_MASK_PAGE_2, 22, 2, .wanted = wants_event_mask_2,
     .build = build_event_mask_2},
    {"Write LE Host Support", AB_HCI_WRITE_LE_HOST_SUPPORT, 24, 6, .wanted = has_br_edr,
     .build = build_le_host},
    {"LE Read Local Supported Features", AB_HCI_LE_READ_LOCAL_FEATURES, .take = take_le_features},
    {"LE Read Buffer Size [v2]", AB_HCI_LE_READ_BUFFER_SIZE_V2, 41, 5, .take = take_le_buffers_v2},
    {"LE Read Buffer Size", AB_HCI_LE_READ_BUFFER_SIZE, .wanted = wants_le_buffers,
     .take = take_le_buffers},
    {"Read Buffer Size", AB_HCI_READ_BUFFER_SIZE, .required = true, .wanted = wants_shared_buffers,
     .take = take_shared_buffers},
    {"LE Read Supported States", AB_HCI_LE_READ_SUPPORTED_STATES, .take = take_le_states},
    {"LE Set Event Mask", AB_HCI_LE_SET_EVENT_MASK, .required = true, .build = build_le_event_mask},
    {"LE Read Maximum Data Length", AB_HCI_LE_READ_MAX_DATA_LENGTH, 35, 3,
     .wanted = has_data_length, .take = take_max_data},
    {"LE Write Suggested Default Data Length", AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, 34, 0,
     .wanted = wants_default_data, .build = build_default_data},
    {"LE Read Resolving List Size", AB_HCI_LE_READ_RESOLVING_LIST_SIZE, 34, 6,
     .wanted = wants_resolving_list, .take = take_resolving_list},
    {"LE Set Random Address", AB_HCI_LE_SET_RANDOM_ADDR, .required = true, .begin = tell_address,
     .wanted = wants_random, .build = build_random, .take = take_random},
};

enum { STEPS = sizeof steps / sizeof steps[0] };

static bool applies(const ab_hci *hci, const step *s) {
  bool listed = ab_hci_supports(hci, s->octet, s->bit);
  bool anyway = s->octet == 0;

  return (listed || anyway) && (!s->wanted || s->wanted(hci));
}

static ab_hci_cmd_fn on_answer;

static int send_step(ab_hci *hci, const step *s) {
  uint8_t params[UINT8_MAX];
  ab_wr w = ab_wr_of(params, sizeof params);
  int status = s->build ? s->build(hci, &w) : 0;

  if (status < 0)
    return status;
  return ab_hci_cmd_queue(hci, &hci->start_cmd, s->opcode, params, ab_wr_len(&w), on_answer);
}

static void fail_step(ab_hci *hci, const step *s, int status) {
  if (AIOBLE_ERR_IS_HCI(status))
    ab_hci_fail(hci, status, "%s: the controller answers 0x%02x", s->name, AIOBLE_ERR_CODE(status));
  else if (status == AIOBLE_ETIMEDOUT)
    ab_hci_fail(hci, status, "%s: the controller does not answer", s->name);
  else if (status == AIOBLE_EPROTO)
    ab_hci_fail(hci, status, "%s: the controller's answer makes no sense", s->name);
  else
    ab_hci_fail(hci, status, "%s: could not be sent (%d)", s->name, status);
}

/* sends the next step that applies; after the last one the controller is ready */
static void advance(ab_hci *hci) {
  for (; hci->step < STEPS; hci->step++) {
    const step *s = &steps[hci->step];
    int status = s->begin ? s->begin(hci) : 0;

    if (status == 0 && !applies(hci, s))
      continue;
    if (status == 0)
      status = send_step(hci, s);
    if (status < 0)
      fail_step(hci, s, status);
    return;
  }
  hci->state = AB_HCI_READY;
  ab_hci_acl_ready(hci);
  ab_hci_start_end(hci, 0, NULL);
}

static void on_answer(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_hci *hci = ab_container_of(cmd, ab_hci, start_cmd);
  const step *s = &steps[hci->step];

  if (hci->state != AB_HCI_STARTING)
    return;
  if (status == 0 && s->take)
    status = s->take(hci, ret);
  if (status < 0 && (s->required || status == AIOBLE_ETIMEDOUT)) {
    fail_step(hci, s, status);
    return;
  }
  if (status < 0)
    ab_log(hci->env, AB_LOG_WARN, "hci: %s failed (%d), going on without", s->name, status);
  hci->step++;
  advance(hci);
}

static void begin(ab_timer *timer) {
  ab_hci *hci = ab_container_of(timer, ab_hci, start_timer);

  ab_hci_enter(hci);
  advance(hci);
  ab_hci_leave(hci);
}

void ab_hci_start(ab_hci *hci, const ab_hci_config *config, ab_hci_ready_fn *fn, void *ctx) {
  assert(hci->state == AB_HCI_STOPPED && !hci->ending);
  hci->state = AB_HCI_STARTING;
  hci->blocked = false;
  hci->config = *config;
  hci->ready = fn;
  hci->ready_ctx = ctx;
  hci->step = 0;
  hci->le_buffers_read = false;
  hci->max_data = (ab_hci_le_max_data_length_ret){0};
  hci->info = (ab_hci_info){0};
  ab_hci_cmds_reset(hci);
  /* from the loop, so that no failure can call back from in here */
  ab_timer_start(hci->env, &hci->start_timer, 0, begin);
}

void ab_hci_start_end(ab_hci *hci, int status, const char *why) {
  ab_hci_ready_fn *ready = hci->ready;

  hci->ready = NULL;
  if (ready)
    ready(hci->ready_ctx, status, why);
}
