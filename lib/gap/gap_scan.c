/* SPDX-License-Identifier: MIT */
/*
 * Scanning (Core Vol 4, Part E, 7.8.10, 7.8.11). All scans asked for share the one of the
 * controller: active if one of them is, with the shortest interval and the longest window. So does
 * a request to connect to somebody who has to be heard first (gap_init.c).
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_le_scan_params)
AB_HCI_SENDER(hci_le_scan_enable)

static bool wanted(const ab_gap *gap) {
  AB_LIST_EACH(n, &gap->scans)
    if (!ab_container_of(n, ab_gap_scan, node)->removing)
      return true;
  return ab_gap_init_seeks(gap) != NULL;
}

/* what all scans together need */
static void merge(const ab_gap *gap, bool *active, uint16_t *interval, uint16_t *window) {
  const ab_gap_connect *connect = ab_gap_init_seeks(gap);

  *active = false;
  *interval = UINT16_MAX;
  *window = 0;
  AB_LIST_EACH(n, &gap->scans) {
    const ab_gap_scan *scan = ab_container_of(n, ab_gap_scan, node);

    if (scan->removing)
      continue;
    *active |= scan->active;
    *interval = scan->interval < *interval ? scan->interval : *interval;
    *window = scan->window > *window ? scan->window : *window;
  }
  if (connect && connect->scan_interval < *interval)
    *interval = connect->scan_interval;
  if (connect && connect->scan_window > *window)
    *window = connect->scan_window;
  if (*window > *interval)
    *window = *interval;
}

static ab_le_state le_state(const ab_gap *gap) {
  bool active;
  uint16_t interval, window;

  merge(gap, &active, &interval, &window);
  return active ? AB_LE_SCAN_ACTIVE : AB_LE_SCAN_PASSIVE;
}

static bool outdated(const ab_gap *gap) {
  bool active;
  uint16_t interval, window;

  merge(gap, &active, &interval, &window);
  return active != gap->scan_active || interval != gap->scan_interval || window != gap->scan_window;
}

/* those for whom it begins now */
static void tell_started(ab_gap *gap) {
  AB_LIST_EACH(n, &gap->scans) {
    ab_gap_scan *scan = ab_container_of(n, ab_gap_scan, node);

    if (scan->started || scan->removing)
      continue;
    scan->started = true;
    scan->on_start(scan);
  }
}

static int start(ab_gap *gap, unsigned step) {
  static const ab_hci_le_scan_enable enable = {.enable = 1, .filter_duplicates = 0};
  ab_hci_cmd *cmd = &gap->activity[AB_GAP_SCAN].cmd;
  ab_hci_le_scan_params params = {.own_addr_type = gap->own.type};

  switch (step) {
  case 0:
    merge(gap, &gap->scan_active, &gap->scan_interval, &gap->scan_window);
    params.type = gap->scan_active;
    params.interval = gap->scan_interval;
    params.window = gap->scan_window;
    return ab_hci_send(gap->hci, cmd, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, &params,
                       ab_gap_on_start_step);
  case 1:
    return ab_hci_send(gap->hci, cmd, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, &enable,
                       ab_gap_on_start_step);
  default:
    tell_started(gap);
    return AIOBLE_EOF;
  }
}

static void end_scan(ab_gap *gap, ab_gap_scan *scan, int status) {
  if (gap->next_scan == &scan->node)
    gap->next_scan = scan->node.next;
  ab_list_remove(&scan->node);
  scan->done(scan, status);
}

/* a scan that leaves others running has nothing to wait for */
static void reap(ab_gap *gap) {
  if (gap->activity[AB_GAP_SCAN].state != AB_GAP_OFF && !wanted(gap))
    return;
  AB_LIST_EACH(n, &gap->scans) {
    ab_gap_scan *scan = ab_container_of(n, ab_gap_scan, node);

    if (scan->removing)
      end_scan(gap, scan, 0);
  }
}

static void end_all(ab_gap *gap, int status) {
  AB_LIST_EACH(n, &gap->scans) {
    ab_gap_scan *scan = ab_container_of(n, ab_gap_scan, node);

    end_scan(gap, scan, scan->removing ? 0 : status);
  }
}

static void failed(ab_gap *gap, int status) {
  end_all(gap, status);
  ab_gap_init_seek_failed(gap, status);
}

const ab_gap_kind_ops ab_gap_scan_ops = {
    .wanted = wanted,
    .le_state = le_state,
    .outdated = outdated,
    .start = start,
    .reap = reap,
    .failed = failed,
    .end_all = end_all,
    .stop_opcode = AB_HCI_LE_SET_SCAN_ENABLE,
    .stop_len = 2,
    .stop_params = {0, 0},
};

void ab_gap_scan_add(ab_gap *gap, ab_gap_scan *scan) {
  scan->removing = scan->started = false;
  ab_list_push(&gap->scans, &scan->node);
  ab_gap_run(gap);
  if (gap->activity[AB_GAP_SCAN].state == AB_GAP_ON)
    tell_started(gap); /* the radio scans already, as this one wants it */
}

void ab_gap_scan_remove(ab_gap *gap, ab_gap_scan *scan) {
  scan->removing = true;
  ab_gap_run(gap);
}

/* ---- reports, 7.7.65.2 ---- */

static bool read_report(const ab_gap *gap, ab_rd *r, ab_gap_report *report) {
  ab_hci_le_adv_report rec;

  if (!ab_hci_le_adv_report_read(r, &rec))
    return false;
  report->type = rec.type;
  report->air.type = rec.addr_type & 1; /* 2 and 3: an identity address that was resolved */
  memcpy(report->air.bytes, rec.addr.b, sizeof rec.addr.b);
  report->len = rec.len;
  report->data = ab_rd_take(r, rec.len);
  report->rssi = ab_rd_s8(r);
  if (!ab_rd_ok(r) || rec.len > AB_GAP_AD_MAX || rec.type > AB_HCI_REPORT_SCAN_RSP)
    return false;
  report->addr = ab_gap_identity_of(gap, &report->air);
  return true;
}

/* a scan that is removed from inside is only marked until all have been told; but all of them may
   end there, with the adapter */
static void tell(ab_gap *gap, const ab_gap_report *report) {
  gap->reports++;
  gap->running = true;
  gap->next_scan = gap->scans.next;
  while (gap->next_scan != &gap->scans) {
    ab_gap_scan *scan = ab_container_of(gap->next_scan, ab_gap_scan, node);

    gap->next_scan = gap->next_scan->next;
    if (!scan->removing)
      scan->on_report(scan, report);
  }
  gap->running = false;
  if (gap->again)
    ab_gap_run(gap);
}

void ab_gap_on_adv_report(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_gap_report report;
  uint8_t count = ab_rd_u8(params);

  if (!ab_rd_ok(params))
    gap->malformed++;
  for (; count; count--) {
    if (!read_report(gap, params, &report)) {
      gap->malformed++;
      return;
    }
    if (ab_gap_init_seeks(gap))
      ab_gap_init_heard(gap, &report);
    tell(gap, &report);
  }
}
