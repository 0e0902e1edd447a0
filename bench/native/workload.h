// The workload of workload/layout.mjs in C++: same generator, seeds, streams, checksums.
// Addresses are bytes.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

using u64 = uint64_t;
using u32 = uint32_t;

constexpr u64 PAGE = 4096, BASE_PAGE = 0x555555555;
constexpr u32 SPLIT_VALUE = 0x7fffff;

struct Random { // sfc32
  u32 a, b = 0x9e3779b9, c = 0x243f6a88, d = 1;
  explicit Random(u32 seed) : a(seed) {
    for (int i = 0; i < 12; i++) next();
  }
  u32 next() {
    u32 t = a + b + d++;
    a = b ^ (b >> 9), b = c + (c << 3), c = (c << 21 | c >> 11) + t;
    return t;
  }
  u32 below(u32 n) { return u32((u64(next()) * n) >> 32); }
  u32 pages() {
    u32 power = below(10), n = (1u << power);
    return std::min(n + below(n), 512u);
  }
};

struct Layout {
  std::vector<u64> start, end;
  std::vector<u32> length, gap;
  /** fill < 0: the usual layout; else percent of ranges without a hole above. */
  explicit Layout(u32 n, int fill = -1) : start(n), end(n), length(n), gap(n) {
    Random random(fill < 0 ? 1 : 7);
    u64 page = BASE_PAGE + (fill < 0 ? 0 : 16);
    for (u32 i = 0; i < n; i++) {
      start[i] = page * PAGE, length[i] = random.pages(), page += length[i], end[i] = page * PAGE;
      if (fill >= 0) gap[i] = random.below(100) >= u32(fill) ? 1 + random.below(16) : 0;
      else gap[i] = random.below(10) < 3 ? random.pages() : 0;
      page += gap[i];
    }
  }
};

inline std::vector<u32> ascending(u32 n) {
  std::vector<u32> order(n);
  for (u32 i = 0; i < n; i++) order[i] = i;
  return order;
}

inline std::vector<u32> shuffled(u32 n, u32 seed) {
  Random random(seed);
  std::vector<u32> order = ascending(n);
  for (u32 i = n; i > 1; i--) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

inline double cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) * 1e9 + double(t.tv_nsec);
}

inline void report(const char *workload, u32 n, double ns, u64 checksum) {
  printf("{\"workload\":\"%s\",\"n\":%u,\"cpu\":%.2f,", workload, n, ns);
  printf("\"checksum\":%llu}\n", (unsigned long long)checksum);
}
