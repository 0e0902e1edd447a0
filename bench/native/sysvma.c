// The real system calls of the row "space", in this process: cost on this kernel.
//
//   sysvma VMAS OPS ROUNDS     one line of JSON a workload: ns of CPU time and wall time
//
// The space is the one of workload/space.mjs: VMAS pieces of four pages side by side, r--
// and rw- in turn, so that none merges with its neighbour. Pages are not touched unless
// the name says so: what is measured is the VMA work, as far as a system call can be.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define PIECE (4 * PAGE)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *pieces;
static int vmas, ops;
static double cpu0, wall0;

static double clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void begin(void) {
  wall0 = clock_ns(CLOCK_MONOTONIC);
  cpu0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void end(const char *workload, int n) {
  double cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0, wall = clock_ns(CLOCK_MONOTONIC) - wall0;
  printf("{\"workload\":\"%s\",\"cpu\":%.1f,\"wall\":%.1f}\n", workload, cpu / n, wall / n);
}

static unsigned state = 12345;
static unsigned below(unsigned n) { // xorshift
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return state % n;
}

static void *map(void *at, size_t length, int prot, int flags) {
  void *p = mmap(at, length, prot, ANON | flags, -1, 0);
  if (p == MAP_FAILED) fail("mmap");
  return p;
}

static void must(int result, const char *what) {
  if (result != 0) fail(what);
}

static void fill(void) {
  pieces = map(0, vmas * PIECE, PROT_READ, MAP_NORESERVE);
  for (int i = 1; i < vmas; i += 2) must(mprotect(pieces + i * PIECE, PIECE, RW), "mprotect");
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: sysvma VMAS OPS ROUNDS\n"), 2;
  vmas = atoi(argv[1]), ops = atoi(argv[2]);
  fill();
  char *spare = map(0, 4 * PAGE, PROT_NONE, 0); // two places for mremap
  for (int round = atoi(argv[3]); round > 0; round--) {
    begin();
    for (int i = 0; i < ops; i++) getppid();
    end("getppid", ops);

    begin();
    for (int i = 0; i < ops; i++) must(munmap(map(0, PAGE, RW, 0), PAGE), "munmap");
    end("mmap_munmap", ops);

    begin();
    for (int i = 0; i < ops; i++) {
      char *middle = pieces + (below(vmas / 2) * 2 + 1) * PIECE + PAGE;
      must(mprotect(middle, PAGE, PROT_NONE), "mprotect");
      must(mprotect(middle, PAGE, RW), "mprotect");
    }
    end("mprotect", 2 * ops);

    must(munmap(spare, 4 * PAGE), "munmap");
    char *at = map(spare, PAGE, RW, MAP_FIXED);
    begin();
    for (int i = 0; i < ops; i++) {
      at = mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
      if (at == MAP_FAILED || mremap(at, 2 * PAGE, PAGE, 0) == MAP_FAILED) fail("mremap");
    }
    end("mremap_grow", 2 * ops);
    must(munmap(at, PAGE), "munmap");

    map(spare, PAGE, RW, MAP_FIXED);
    begin();
    for (int i = 0; i < ops; i++) {
      const int move = MREMAP_MAYMOVE | MREMAP_FIXED;
      if (mremap(spare, PAGE, PAGE, move, spare + 2 * PAGE) == MAP_FAILED) fail("mremap");
      if (mremap(spare + 2 * PAGE, PAGE, PAGE, move, spare) == MAP_FAILED) fail("mremap");
    }
    end("mremap_move", 2 * ops);
    map(spare, 4 * PAGE, PROT_NONE, MAP_FIXED);

    int forks = vmas > 10000 ? 3 : 20; // the child ends at once: its VMAs are torn down by it
    begin();
    for (int i = 0; i < forks; i++) {
      pid_t child = fork();
      if (child < 0) fail("fork");
      if (child == 0) _exit(0);
      waitpid(child, 0, 0);
    }
    end("fork", forks);
  }
  return 0;
}
