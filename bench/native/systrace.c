// A recorded program's memory calls, made for real: what this kernel takes for them.
//
//   systrace PASSES < program     the text of workload/trace.mjs:
//     w low high brk                     the window of the recorded mmap area; its break
//     v address length prot              what exec had mapped there
//     c op a b c d file offset result    a call; op: mmap munmap mprotect mremap brk
//
// The window is moved to a place that is free here. Calls whose place the kernel chose
// are placed where it put them then: without its search, so a little cheaper than they
// were. Files are one memfd. No page is touched. One line of JSON, median of the passes.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MMAP, MUNMAP, MPROTECT, MREMAP, BRK };
struct area { unsigned long start, length, prot; };
struct call { unsigned long op, a, b, c, d, file, offset, result; };

#define MAX 65536
static struct area areas[MAX];
static struct call calls[MAX];
static int nr_areas, nr_calls, file;
static unsigned long low, high, recorded_brk, delta, real_brk;

static double clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_program(void) {
  char kind;
  while (scanf(" %c", &kind) == 1) {
    struct area *v = &areas[nr_areas];
    struct call *c = &calls[nr_calls];
    int got = 0;
    if (nr_areas == MAX || nr_calls == MAX) exit(3);
    if (kind == 'w') got = scanf("%lx %lx %lx", &low, &high, &recorded_brk) == 3;
    if (kind == 'v') got = scanf("%lx %lx %lx", &v->start, &v->length, &v->prot) == 3, nr_areas++;
    if (kind == 'c') {
      got = scanf("%lu %lx %lx %lx %lx", &c->op, &c->a, &c->b, &c->c, &c->d) == 5 &&
            scanf("%lx %lx %lx", &c->file, &c->offset, &c->result) == 3;
      nr_calls++;
    }
    if (!got) exit(3);
  }
}

/** Finds room for the window, and moves every address of the program there. */
static void place(void) {
  const unsigned long huge = 2ul << 20, span = high - low;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  char *room = mmap(0, span + 2 * huge, PROT_NONE, flags, -1, 0);
  if (room == MAP_FAILED) fail("mmap of the window");
  munmap(room, span + 2 * huge);
  delta = ((unsigned long)room + huge - low) & -huge;
  real_brk = (unsigned long)sbrk(0);
  for (int i = 0; i < nr_areas; i++) areas[i].start += delta;
  for (struct call *c = calls; c < calls + nr_calls; c++) {
    if (c->op == BRK) {
      if (c->a != 0) c->a += real_brk - recorded_brk;
      c->result += real_brk - recorded_brk;
      continue;
    }
    if (c->op == MMAP) {
      if ((c->d & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0) c->d |= MAP_FIXED_NOREPLACE;
      c->a = c->result;
    }
    c->a += delta;
    if (c->op == MMAP || c->op == MREMAP) c->result += delta;
  }
}

static void reset(void) {
  if (munmap((void *)(low + delta), high - low) != 0) fail("munmap");
  if (syscall(SYS_brk, real_brk) != (long)real_brk) fail("brk");
  for (int i = 0; i < nr_areas; i++) {
    struct area *v = &areas[i];
    void *at = mmap((void *)v->start, v->length, v->prot, MAP_PRIVATE | MAP_FIXED, file, 0);
    if (at == MAP_FAILED) fail("mmap of exec's");
  }
}

static long perform(const struct call *c) {
  void *a = (void *)c->a;
  switch (c->op) {
    case MMAP: return (long)mmap(a, c->b, c->c, c->d, c->file == 0 ? -1 : file, c->offset);
    case MUNMAP: return munmap(a, c->b);
    case MPROTECT: return mprotect(a, c->b, c->c);
    case MREMAP: return (long)mremap(a, c->b, c->c, c->d, a);
    default: return syscall(SYS_brk, c->a);
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  int passes = argc == 2 ? atoi(argv[1]) : 0, differences = 0;
  if (passes <= 0) return fprintf(stderr, "usage: systrace PASSES < program\n"), 2;
  double *cpu = calloc(passes, sizeof *cpu), *wall = calloc(passes, sizeof *wall);
  file = memfd_create("systrace", 0);
  if (file < 0 || ftruncate(file, 1l << 30) != 0) fail("memfd_create");
  read_program();
  place();
  for (int pass = 0; pass < passes; pass++) {
    reset();
    double t = clock_ns(CLOCK_THREAD_CPUTIME_ID), w = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < nr_calls; i++) differences += perform(&calls[i]) != (long)calls[i].result;
    cpu[pass] = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - t) / nr_calls;
    wall[pass] = (clock_ns(CLOCK_MONOTONIC) - w) / nr_calls;
  }
  qsort(cpu, passes, sizeof *cpu, ascending);
  qsort(wall, passes, sizeof *wall, ascending);
  int middle = passes / 2;
  printf("{\"cpu\":%.1f,\"wall\":%.1f,", cpu[middle], wall[middle]);
  printf("\"checksum\":%d}\n", differences);
  return 0;
}
