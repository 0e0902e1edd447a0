// Asks Linux the questions of the support matrix: `gcc -O1 matrix-linux.c && ./a.out FILE < lines`.
//
// A line is `call word type mode` (matrix.ts, lineOf). FILE: an ordinary file of 16 pages.
// Prints the line, then the answer for each of the four kinds of mapping: 0 or an errno.
// Each question gets a process of its own. Run as root; what could harm the machine is
// asked without privilege.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define BASE 0x10000000ul
#define LENGTH (4 * PAGE)
enum { TAKEN = 1, GROW = 2, MOVE_TO = 3, DUPLICATE = 4, PROT_MODE = 100 };

static int file;

static long map(int kind, unsigned long address, long word, long type, long mode) {
  int shared = kind & 1, anonymous = kind < 2;
  long flags = word | (type >= 0 ? type : shared ? MAP_SHARED : MAP_PRIVATE);
  if (anonymous) flags |= MAP_ANONYMOUS;
  long prot = mode >= PROT_MODE ? mode - PROT_MODE : PROT_READ | PROT_WRITE;
  return syscall(SYS_mmap, address, LENGTH, prot, flags, anonymous ? -1 : file, 0L);
}

static long ask(const char *call, int kind, long word, long type, long mode) {
  if (!strcmp(call, "mmap")) {
    int placed = word & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (mode == TAKEN) map(0, BASE, MAP_FIXED, -1, 0);
    return map(kind, placed ? BASE : 0, word, type, mode);
  }
  map(kind, BASE, MAP_FIXED, -1, 0);
  if (!strcmp(call, "munmap")) return syscall(SYS_munmap, BASE, LENGTH);
  if (!strcmp(call, "mprotect")) return syscall(SYS_mprotect, BASE, LENGTH, word);
  if (!strcmp(call, "mremap")) {
    long old = mode == DUPLICATE ? 0 : LENGTH, new = mode == GROW ? 2 * LENGTH : LENGTH;
    return syscall(SYS_mremap, BASE, old, new, word, mode == MOVE_TO ? BASE + 64 * PAGE : 0);
  }
  if (!strcmp(call, "brk")) return syscall(SYS_brk, 0) > 0 ? 0 : -1;
  if (!strcmp(call, "madvise")) {
    if (word >= 100 && word <= 101 && setresuid(65534, 65534, 65534)) return -1;
    return syscall(SYS_madvise, BASE, LENGTH, word);
  }
  if (!strcmp(call, "mlock")) return syscall(SYS_mlock, BASE, LENGTH);
  if (!strcmp(call, "mlock2")) return syscall(SYS_mlock2, BASE, LENGTH, word);
  if (!strcmp(call, "munlock")) return syscall(SYS_munlock, BASE, LENGTH);
  if (!strcmp(call, "mlockall")) return syscall(SYS_mlockall, word);
  if (!strcmp(call, "munlockall")) return syscall(SYS_munlockall);
  if (!strcmp(call, "msync")) return syscall(SYS_msync, BASE, LENGTH, word);
  unsigned char seen[8];
  if (!strcmp(call, "mincore")) return syscall(SYS_mincore, BASE, LENGTH, seen);
  if (!strcmp(call, "mseal")) return syscall(462, BASE, LENGTH, word);
  if (!strcmp(call, "PR_SET_VMA_ANON_NAME")) return prctl(0x53564d41, 0, BASE, LENGTH, "n");
  if (!strcmp(call, "remap_file_pages")) return syscall(216, BASE, PAGE, word, 1, 0);
  if (!strcmp(call, "fork")) {
    long child = fork();
    if (child == 0) _exit(0);
    return child;
  }
  errno = 9999;
  return -1;
}

int main(int count, char **arguments) {
  char call[64];
  long word, type, mode;
  if (count < 2 || (file = open(arguments[1], O_RDWR)) < 0) return 2;
  while (scanf("%63s %ld %ld %ld", call, &word, &type, &mode) == 4) {
    printf("%s %ld %ld %ld", call, word, type, mode);
    for (int kind = 0; kind < 4; kind++) {
      fflush(stdout);
      int status, pipes[2], answer = 9999;
      if (pipe(pipes)) return 2;
      if (fork() == 0) {
        errno = 0;
        int result = ask(call, kind, word, type, mode) == -1 ? errno : 0;
        _exit(write(pipes[1], &result, sizeof result) != sizeof result);
      }
      wait(&status);
      if (read(pipes[0], &answer, sizeof answer) != sizeof answer) return 2;
      close(pipes[0]);
      close(pipes[1]);
      printf(" %d", answer);
    }
    printf("\n");
  }
}
