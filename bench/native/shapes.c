// The row "shapes" by real system calls. Query is mincore: it has to find the VMA too.
//
//   shapes N CYCLES     a line of JSON a workload: ns of CPU time and wall time
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static char **at;
static char *fixed_base; // room for N pages with a hole below each, free in this process
static int n, cycles;
static double cpu0, wall0;

static double clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void begin(void) {
  wall0 = clock_ns(CLOCK_MONOTONIC);
  cpu0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void end(const char *shape, const char *place, int count) {
  double cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0, wall = clock_ns(CLOCK_MONOTONIC) - wall0;
  printf("{\"workload\":\"%s_%s\",\"cpu\":%.1f,\"wall\":%.1f}\n", shape, place, cpu / count,
         wall / count);
}

static char *map(char *where, size_t length, int prot) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (where == NULL ? 0 : MAP_FIXED_NOREPLACE);
  char *p = mmap(where, length, prot, flags, -1, 0);
  if (p == MAP_FAILED) perror("mmap"), exit(1);
  return p;
}

static void unmap_all(void) {
  for (int i = 0; i < n; i++) munmap(at[i], PAGE);
}

static void run(const char *place, int fixed) {
  begin();
  for (int i = 0; i < n; i++)
    at[i] = map(fixed ? fixed_base + 2 * i * PAGE : NULL, PAGE, i & 1 ? PROT_READ : RW);
  end("alloc", place, n);

  unsigned state = 12345;
  unsigned char resident;
  begin();
  for (int i = 0; i < n; i++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    mincore(at[state % n], PAGE, &resident);
  }
  end("query", place, n);
  unmap_all();

  begin();
  for (int i = 0; i < n; i++) {
    at[i] = map(fixed ? fixed_base + 2 * i * PAGE : NULL, PAGE, RW);
    *(volatile char *)at[i] = 1;
  }
  end("map", place, n);
  unmap_all();

  begin();
  for (int i = 0; i < cycles; i++) {
    char *p = map(fixed ? fixed_base : NULL, 4 * PAGE, RW);
    for (int page = 0; page < 4; page++) *(volatile char *)(p + page * PAGE) = 1;
    mprotect(p + PAGE, PAGE, PROT_READ);
    mprotect(p + PAGE, PAGE, RW);
    munmap(p, 4 * PAGE);
  }
  end("alloc_fault_modify", place, cycles);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: shapes N CYCLES\n"), 2;
  n = atoi(argv[1]), cycles = atoi(argv[2]);
  at = calloc(n, sizeof *at);
  const size_t room = 2 * (n + 4) * PAGE;
  fixed_base = mmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  munmap(fixed_base, room);
  run("fixed", 1);
  run("chosen", 0);
  return 0;
}
