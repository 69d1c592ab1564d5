/* SPDX-License-Identifier: MIT */
/*
 * What the stories are made of. Every call of the library that starts something is in one of them:
 * test/lint/stories says which is not.
 */
#ifndef TEST_SIM_PLOTS_H
#define TEST_SIM_PLOTS_H

#include "helpers/sim_story.h"

/* both open, connected: false when that did not come about */
bool plot_meet(story *st);
/* the central disconnects */
void plot_part(story *st);
/* what is found is visited; NULL: only counted */
void plot_walk(story *st, aioble_discovery_t *discovery,
               void (*visit)(story *st, const aioble_op_t *found));

/* with private addresses (sim_plots_privacy.c) */
void plot_in_hiding(story *st);

/* of values and attributes (sim_plots_gatt.c); the others are in sim_plots.c */
void plot_values(story *st);
void plot_discovery(story *st);
void plot_long_values(story *st);
void plot_slow_server(story *st);
void plot_descriptors(story *st);
void plot_many_values(story *st);
void plot_secured_values(story *st);

#endif
