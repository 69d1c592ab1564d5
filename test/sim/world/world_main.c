/* SPDX-License-Identifier: MIT */
/*
 * sim [--seed N] [--runs N] [--minutes N] [--kind NAME] [--actions N] [--jobs N]
 *     [--trace] [--snoop FOLDER] [--twice]
 *
 * Runs worlds, one seed each, in processes of their own (world.h says what a world is,
 * world_kinds.c what must hold in it). A seed that fails is named with the command that replays it.
 * When it is interrupted, the worlds under way are finished and the figures told.
 *
 *   --seed N      the first seed; default 1
 *   --runs N      how many; default 100; 0: until stopped, or for as long as --minutes says
 *   --minutes N   no new seed after that time
 *   --kind NAME   only that kind; default: each seed has its own
 *   --actions N   in each world; default 200
 *   --jobs N      processes at a time; default: one for each processor
 *   --trace       in this process, with a line for everything that happens
 *   --snoop DIR   captures of all stacks there (btsnoop), of each seed
 *   --twice       each seed twice: its traces must be the same, packet for packet
 */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64, STUCK_S = 60 };

typedef struct job {
  pid_t pid;
  uint64_t seed; /* that it is at */
  world_figures figures;
} job;

typedef struct settings {
  world_options world;
  uint64_t runs, minutes;
  unsigned jobs;
  bool twice;
  const char *program;
  time_t end; /* 0: none */
} settings;

static volatile sig_atomic_t stopped;

static void on_stop(int signal_) {
  (void) signal_;
  stopped = 1;
}

/* ---- one process: every `jobs`-th seed ---- */

static bool goes_on(const settings *s, uint64_t n) {
  return !stopped && (!s->runs || n < s->runs) && (!s->end || time(NULL) < s->end);
}

static void live(const settings *s, job *j, unsigned no) {
  world_options o = s->world;

  o.figures = &j->figures;
  for (uint64_t n = no; goes_on(s, n); n += s->jobs) {
    uint64_t hash;

    j->seed = o.seed = s->world.seed + n;
    alarm(STUCK_S);
    hash = world_live(&o);
    if (s->twice && world_live(&o) != hash) {
      fprintf(stderr, "seed %llu: the same seed has given another run\n",
              (unsigned long long) o.seed);
      abort();
    }
  }
}

/* ---- all of them ---- */

static void tell_failure(const settings *s, const job *j, int status) {
  const char *kind = world_kind_of(s->world.kind, j->seed)->name;

  fflush(stdout);
  if (WIFSIGNALED(status))
    fprintf(stderr, "seed %llu: signal %d%s\n", (unsigned long long) j->seed, WTERMSIG(status),
            WTERMSIG(status) == SIGALRM ? " (it did not end)" : "");
  else
    fprintf(stderr, "seed %llu: exit status %d\n", (unsigned long long) j->seed,
            WEXITSTATUS(status));
  fprintf(stderr, "replay: %s --seed %llu --kind %s --actions %u --trace --snoop .\n", s->program,
          (unsigned long long) j->seed, kind, s->world.actions);
}

static void add(world_figures *sum, const world_figures *of) {
  sum->runs += of->runs;
  sum->ops += of->ops;
#define ADD(member, name) sum->chances.member += of->chances.member;
  W_CHANCES(ADD)
#undef ADD
  sum->hostile += of->hostile;
  sum->sdus += of->sdus;
  sum->writes += of->writes;
  sum->links += of->links;
  for (size_t i = 0; i < sizeof sum->troubles / sizeof *sum->troubles; i++)
    sum->troubles[i] += of->troubles[i];
}

static void tell_figures(const world_figures *f) {
  printf("%llu runs, %llu operations, %llu links, %llu numbered writes, %llu SDUs\n",
         (unsigned long long) f->runs, (unsigned long long) f->ops, (unsigned long long) f->links,
         (unsigned long long) f->writes, (unsigned long long) f->sdus);
  printf("by chance:");
#define TELL(member, name) printf(" %llu %s,", (unsigned long long) f->chances.member, name);
  W_CHANCES(TELL)
#undef TELL
  printf(" %llu hostile PDUs\non purpose:", (unsigned long long) f->hostile);
  for (unsigned i = 0; world_trouble_name(i); i++)
    printf("%s %llu %s", i ? "," : "", (unsigned long long) f->troubles[i], world_trouble_name(i));
  printf("\n");
}

static void start(const settings *s, job *j, unsigned no) {
  pid_t pid;

  fflush(stdout);
  pid = fork();
  if (pid < 0) {
    perror("fork");
    exit(1);
  }
  if (pid == 0) {
    live(s, j, no);
    exit(0);
  }
  j->pid = pid; /* the memory is the child's, too */
}

/* its exit status; who is interrupted has all the others stop */
static int wait_for(const settings *s, const job *jobs, pid_t pid) {
  int status = 0;

  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR)
      return -1;
    for (unsigned i = 0; i < s->jobs; i++)
      kill(jobs[i].pid, SIGTERM);
  }
  return status;
}

static bool run(const settings *s, job *jobs) {
  world_figures sum = {0};
  bool good = true;

  sigaction(SIGINT, &(struct sigaction){.sa_handler = on_stop}, NULL);
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_stop}, NULL);
  for (unsigned i = 0; i < s->jobs; i++)
    start(s, &jobs[i], i);
  for (unsigned i = 0; i < s->jobs; i++) {
    int status = wait_for(s, jobs, jobs[i].pid);

    if (status != 0) {
      tell_failure(s, &jobs[i], status);
      good = false;
    }
    add(&sum, &jobs[i].figures);
  }
  tell_figures(&sum);
  return good;
}

/* ---- arguments ---- */

static _Noreturn void usage(const char *program) {
  fprintf(stderr,
          "usage: %s [--seed N] [--runs N] [--minutes N] [--kind NAME] [--actions N] [--jobs N]\n"
          "       [--trace] [--snoop FOLDER] [--twice]\n",
          program);
  exit(2);
}

static bool is(const char *arg, const char *name) {
  return !strcmp(arg, name);
}

static void argument(settings *s, char **argv, int *i) {
  const char *name = argv[*i], *value = argv[*i + 1];

  if (is(name, "--trace"))
    s->world.trace = true;
  else if (is(name, "--twice"))
    s->twice = true;
  else if (!value)
    usage(s->program);
  else if (++*i, is(name, "--seed"))
    s->world.seed = strtoull(value, NULL, 10);
  else if (is(name, "--runs"))
    s->runs = strtoull(value, NULL, 10);
  else if (is(name, "--minutes"))
    s->minutes = strtoull(value, NULL, 10);
  else if (is(name, "--actions"))
    s->world.actions = (unsigned) strtoul(value, NULL, 10);
  else if (is(name, "--jobs"))
    s->jobs = (unsigned) strtoul(value, NULL, 10);
  else if (is(name, "--kind"))
    s->world.kind = value;
  else if (is(name, "--snoop"))
    s->world.snoop = value;
  else
    usage(s->program);
}

int main(int argc, char **argv) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  settings s = {.world = {.seed = 1, .actions = 200},
                .runs = 100,
                .jobs = processors > 0 ? (unsigned) processors : 1,
                .program = argv[0]};
  job *jobs;

  for (int i = 1; i < argc; i++)
    argument(&s, argv, &i);
  if (!world_kind_of(s.world.kind, 0) || !s.world.actions)
    usage(argv[0]);
  if (s.minutes)
    s.end = time(NULL) + (time_t) s.minutes * 60;
  if (s.jobs == 0 || s.jobs > JOBS_MAX)
    s.jobs = JOBS_MAX;
  if (s.world.trace) {
    job here = {0};

    s.runs = s.jobs = 1;
    live(&s, &here, 0);
    tell_figures(&here.figures);
    return 0;
  }
  jobs = mmap(NULL, JOBS_MAX * sizeof *jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
              0);
  if (jobs == MAP_FAILED)
    return 1;
  return run(&s, jobs) ? 0 : 1;
}
