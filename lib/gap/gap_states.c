/* SPDX-License-Identifier: MIT */
/* LE Supported States, Core Vol 4, Part E, 7.8.27: the bit that promises each pair of states. */
#include "gap/gap_priv.h"

static const struct {
  uint8_t a, b, bit;
} pairs[] = {
    {AB_LE_ADV_NONCONN, AB_LE_SCAN_PASSIVE, 8},  {AB_LE_ADV_SCANNABLE, AB_LE_SCAN_PASSIVE, 9},
    {AB_LE_ADV_CONN, AB_LE_SCAN_PASSIVE, 10},    {AB_LE_ADV_HIGH_DUTY, AB_LE_SCAN_PASSIVE, 11},
    {AB_LE_ADV_NONCONN, AB_LE_SCAN_ACTIVE, 12},  {AB_LE_ADV_SCANNABLE, AB_LE_SCAN_ACTIVE, 13},
    {AB_LE_ADV_CONN, AB_LE_SCAN_ACTIVE, 14},     {AB_LE_ADV_HIGH_DUTY, AB_LE_SCAN_ACTIVE, 15},
    {AB_LE_ADV_NONCONN, AB_LE_INITIATING, 16},   {AB_LE_ADV_SCANNABLE, AB_LE_INITIATING, 17},
    {AB_LE_ADV_NONCONN, AB_LE_CENTRAL, 18},      {AB_LE_ADV_SCANNABLE, AB_LE_CENTRAL, 19},
    {AB_LE_ADV_NONCONN, AB_LE_PERIPHERAL, 20},   {AB_LE_ADV_SCANNABLE, AB_LE_PERIPHERAL, 21},
    {AB_LE_SCAN_PASSIVE, AB_LE_INITIATING, 22},  {AB_LE_SCAN_ACTIVE, AB_LE_INITIATING, 23},
    {AB_LE_SCAN_PASSIVE, AB_LE_CENTRAL, 24},     {AB_LE_SCAN_ACTIVE, AB_LE_CENTRAL, 25},
    {AB_LE_SCAN_PASSIVE, AB_LE_PERIPHERAL, 26},  {AB_LE_SCAN_ACTIVE, AB_LE_PERIPHERAL, 27},
    {AB_LE_INITIATING, AB_LE_CENTRAL, 28},       {AB_LE_ADV_LOW_DUTY, AB_LE_SCAN_PASSIVE, 30},
    {AB_LE_ADV_LOW_DUTY, AB_LE_SCAN_ACTIVE, 31}, {AB_LE_ADV_CONN, AB_LE_INITIATING, 32},
    {AB_LE_ADV_HIGH_DUTY, AB_LE_INITIATING, 33}, {AB_LE_ADV_LOW_DUTY, AB_LE_INITIATING, 34},
    {AB_LE_ADV_CONN, AB_LE_CENTRAL, 35},         {AB_LE_ADV_HIGH_DUTY, AB_LE_CENTRAL, 36},
    {AB_LE_ADV_LOW_DUTY, AB_LE_CENTRAL, 37},     {AB_LE_ADV_CONN, AB_LE_PERIPHERAL, 38},
    {AB_LE_ADV_HIGH_DUTY, AB_LE_PERIPHERAL, 39}, {AB_LE_ADV_LOW_DUTY, AB_LE_PERIPHERAL, 40},
    {AB_LE_INITIATING, AB_LE_PERIPHERAL, 41},
};

bool ab_le_states_allow(uint64_t le_states, ab_le_state a, ab_le_state b) {
  if (le_states == 0)
    return true;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if ((pairs[i].a == a && pairs[i].b == b) || (pairs[i].a == b && pairs[i].b == a))
      return le_states >> pairs[i].bit & 1;
  return false;
}
