// Makes the memory calls of a sequence and tells what Linux answers: see scripts/ask-linux.mjs.
//
// gcc -O1 sequences-linux.c && ./a.out < sequence, in an empty directory, as root. A line is a
// call and its arguments in hexadecimal; @X is the file X. Prints `r RESULT` or `r ERRNO` after
// each, and, after a call on memory, `m LINE | VmFlags` for each VMA of the window.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define BASE 0x200000000000ul
#define WINDOW (2048 * PAGE)
#define NO_FILE 999
enum { SYS_MSEAL = 462, ADD_SEALS = 1033, SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };

static sigjmp_buf fault;
static char text[1 << 20];

static void on_signal(int number) { siglongjmp(fault, number); }

static void answer(long result) {
  if (result == -1) printf("r %s\n", strerrorname_np(errno));
  else printf("r %lx\n", result);
}

/** VmSize, VmLck, VmData, VmStk in kB. */
static long status(const char *key) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long value = -1;
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
      value = atol(line + strlen(key) + 1);
  fclose(file);
  return value;
}

static void window(void) {
  int smaps = open("/proc/self/smaps", O_RDONLY);
  long length = 0, n;
  while ((n = read(smaps, text + length, sizeof text - 1 - length)) > 0) length += n;
  text[length] = 0;
  close(smaps);
  char *rest, *head = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    char dash;
    if (sscanf(line, "%lx%c%lx ", &start, &dash, &end) == 3 && dash == '-')
      head = start < BASE + WINDOW && end > BASE ? line : NULL;
    else if (head && !strncmp(line, "VmFlags:", 8)) printf("m %s | %s\n", head, line + 8);
  }
}

static void touch(char *at, unsigned long length, int write) {
  int number = sigsetjmp(fault, 1);
  if (number) printf("r %s\n", number == SIGSEGV ? "SIGSEGV" : "SIGBUS");
  else {
    for (unsigned long i = 0; i < length; i += PAGE)
      if (write) *(volatile char *)(at + i) = 1;
      else (void)*(volatile char *)(at + i);
    printf("r 0\n");
  }
}

static int memory(const char *call, const unsigned long *a, int file) {
  if (!strcmp(call, "mmap")) answer(syscall(SYS_mmap, a[0], a[1], a[2], a[3], file, a[4]));
  else if (!strcmp(call, "munmap")) answer(syscall(SYS_munmap, a[0], a[1]));
  else if (!strcmp(call, "mprotect")) answer(syscall(SYS_mprotect, a[0], a[1], a[2]));
  else if (!strcmp(call, "mremap")) answer(syscall(SYS_mremap, a[0], a[1], a[2], a[3], a[4]));
  else if (!strcmp(call, "madvise")) answer(syscall(SYS_madvise, a[0], a[1], a[2]));
  else if (!strcmp(call, "mlock2")) answer(syscall(SYS_mlock2, a[0], a[1], a[2]));
  else if (!strcmp(call, "munlock")) answer(syscall(SYS_munlock, a[0], a[1]));
  else if (!strcmp(call, "mlockall")) answer(syscall(SYS_mlockall, a[0]));
  else if (!strcmp(call, "munlockall")) answer(syscall(SYS_munlockall));
  else if (!strcmp(call, "msync")) answer(syscall(SYS_msync, a[0], a[1], a[2]));
  else if (!strcmp(call, "mincore")) answer(syscall(SYS_mincore, a[0], a[1], text));
  else if (!strcmp(call, "mseal")) answer(syscall(SYS_MSEAL, a[0], a[1], a[2]));
  else if (!strcmp(call, "remap_file_pages"))
    answer(syscall(SYS_remap_file_pages, a[0], a[1], a[2], a[3], a[4]));
  else if (!strcmp(call, "touch")) touch((char *)a[0], a[1], 1);
  else if (!strcmp(call, "read")) touch((char *)a[0], a[1], 0);
  else if (!strcmp(call, "fork")) {
    pid_t child = fork();
    if (child) waitpid(child, NULL, 0), _exit(0);
    printf("r 0\n");
  } else return 0;
  window();
  return 1;
}

static void limit(int which, unsigned long bytes) {
  struct rlimit both = {bytes, bytes};
  answer(setrlimit(which, &both));
}

static void process(const char *call, const unsigned long *a, const char *name, int *file) {
  if (!strcmp(call, "memfd")) {
    *file = syscall(SYS_memfd_create, name, a[1]);
    answer(ftruncate(*file, a[0]));
  } else if (!strcmp(call, "seal")) answer(fcntl(*file, ADD_SEALS, a[0]));
  else if (!strcmp(call, "file")) {
    close(open(name, O_RDWR | O_CREAT, 0666));
    answer(truncate(name, a[0]));
    *file = open(name, a[1]);
  } else if (!strcmp(call, "zero")) answer((*file = open("/dev/zero", O_RDWR)) < 0 ? -1 : 0);
  else if (!strcmp(call, "mdwe")) answer(prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0));
  else if (!strcmp(call, "personality")) answer(personality(a[0]) < 0 ? -1 : 0);
  else if (!strcmp(call, "rlimit")) limit(a[0], a[1]);
  else if (!strcmp(call, "headroom"))
    limit(a[0], status(a[0] == RLIMIT_AS ? "VmSize" : "VmData") * 1024 + a[1]);
  else if (!strcmp(call, "dropcap")) {
    answer(setresuid(65534, 65534, 65534));
    prctl(PR_SET_DUMPABLE, 1); // or /proc/self is root's
  } else printf("r %lx\n", status(call) / 4); // VmLck ...: pages
}

int main(void) {
  static char stack[65536], script[1 << 16];
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  setvbuf(stdout, NULL, _IONBF, 0);
  long length = 0, n;
  while ((n = read(0, script + length, sizeof script - 1 - length)) > 0) length += n;
  int files[256];
  for (int i = 0; i < 256; i++) files[i] = i == '!' ? NO_FILE : -1;
  char *rest;
  for (char *line = strtok_r(script, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long arguments[8] = {0};
    char *words, name[] = "seq?";
    int count = 0, *file = &files[0];
    char *call = strtok_r(line, " ", &words);
    for (char *word; (word = strtok_r(NULL, " ", &words));)
      if (word[0] == '@') name[3] = word[1], file = &files[(unsigned char)word[1]];
      else arguments[count++] = strtoul(word, NULL, 16);
    if (!memory(call, arguments, *file)) process(call, arguments, name, file);
  }
}
