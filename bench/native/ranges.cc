// std::map and absl::btree_map on the index workloads: start of a range -> end and value.
// Compiled with -DABSEIL for the latter. Neither knows its holes: gap walks downwards.
//
//   ranges GROUP N OPS     a line of JSON a workload (workload/index.mjs has the groups)
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <new>
#ifdef ABSEIL
#include "absl/container/btree_map.h"
#endif
#include "workload.h"

static u64 allocated = 0;

template <class T> struct Counting {
  using value_type = T;
  Counting() = default;
  template <class U> Counting(const Counting<U> &) {}
  T *allocate(size_t n) {
    allocated += n * sizeof(T);
    return static_cast<T *>(::operator new(n * sizeof(T)));
  }
  void deallocate(T *p, size_t n) { allocated -= n * sizeof(T), ::operator delete(p); }
  bool operator==(const Counting &) const { return true; }
  bool operator!=(const Counting &) const { return false; }
};

struct Range {
  u64 end;
  u32 value;
};
using Allocator = Counting<std::pair<const u64, Range>>;
#ifdef ABSEIL
using Map = absl::btree_map<u64, Range, std::less<u64>, Allocator>;
constexpr u64 MALLOC_HEADER = 0; // nodes of 256 bytes: nothing in it
#else
using Map = std::map<u64, Range, std::less<u64>, Allocator>;
constexpr u64 MALLOC_HEADER = 8;
#endif

static Map map;

static void insert(const Layout &l, u32 i) { map.emplace(l.start[i], Range{l.end[i], i + 1}); }

static u32 lookup(u64 address) {
  auto it = map.upper_bound(address);
  if (it == map.begin()) return 0;
  --it;
  return address < it->second.end ? it->second.value : 0;
}

static u64 iterate() {
  u64 sum = 0;
  for (auto &range : map) sum += range.second.value;
  return sum;
}

static u64 gap(u64 low, u64 high, u64 size) { // 0: none
  u64 top = high;
  for (auto it = map.lower_bound(high); it != map.begin();) {
    --it;
    if (top - it->second.end >= size) return top - size;
    top = it->first;
  }
  return top - low >= size ? top - size : 0;
}

static void carve(u64 start, u64 end, u64 from, u64 to, u32 value) {
  auto it = map.find(start);
  it->second.end = from;
  it = map.emplace_hint(++it, from, Range{to, SPLIT_VALUE});
  map.emplace_hint(++it, to, Range{end, value});
}

static void merge(u64 start, u64 end) {
  auto it = map.find(start);
  it->second.end = end;
  it = map.erase(++it);
  map.erase(it);
}

static void fill(const Layout &l, const std::vector<u32> &order, u32 n) {
  map.clear();
  for (u32 k = 0; k < n; k++) insert(l, order[k]);
}

static void build(u32 n, u32 ops) {
  Layout l(n);
  auto asc = ascending(n), in = shuffled(n, 3), out = shuffled(n, 4);
  u32 repeats = std::max(1u, std::min(50u, (ops + n - 1) / n));
  double t_asc = 0, t_rand = 0, t_erase = 0;
  u64 sum = 0;
  for (u32 r = 0; r < repeats; r++) {
    map.clear();
    double t = cpu_ns();
    for (u32 i : asc) insert(l, i);
    t_asc += cpu_ns() - t;
    map.clear();
    t = cpu_ns();
    for (u32 i : in) insert(l, i);
    t_rand += cpu_ns() - t;
    sum = iterate();
    t = cpu_ns();
    for (u32 i : out) map.erase(l.start[i]);
    t_erase += cpu_ns() - t;
  }
  double all = double(repeats) * n;
  report("insert_asc", n, t_asc / all, sum);
  report("insert_rand", n, t_rand / all, sum);
  report("erase_rand", n, t_erase / all, sum);
}

static void read(u32 n, u32 ops) {
  Layout l(n);
  fill(l, shuffled(n, 3), n);
  double bytes = double(allocated + map.size() * MALLOC_HEADER) / n;
  printf("{\"workload\":\"bytes\",\"n\":%u,\"value\":%.2f,\"unit\":\"bytes\"}\n", n, bytes);
  Random random(2);
  std::vector<u64> addresses(ops);
  for (u64 &address : addresses) {
    u32 i = random.below(n), page = random.below(l.length[i] + l.gap[i]);
    address = l.start[i] + page * PAGE + random.below(u32(PAGE));
  }
  u64 sum = 0;
  for (u32 k = 0; k < ops / 10; k++) sum += lookup(addresses[k]);
  sum = 0;
  double t = cpu_ns();
  for (u64 address : addresses) sum += lookup(address);
  report("lookup_rand", n, (cpu_ns() - t) / ops, sum);
  u32 times = std::max(1u, (ops + n - 1) / n);
  u64 once = 0;
  t = cpu_ns();
  for (u32 r = 0; r < times; r++) once = iterate();
  report("iterate", n, (cpu_ns() - t) / times / n, once);
}

static void split_merge(u32 n, u32 ops) {
  Layout l(n);
  fill(l, shuffled(n, 3), n);
  Random random(9);
  std::vector<std::pair<u32, u32>> pairs((ops + 3) / 4);
  for (auto &[i, page] : pairs) {
    do i = random.below(n);
    while (l.length[i] < 3);
    page = 1 + random.below(l.length[i] - 2);
  }
  double t = cpu_ns();
  for (auto &[i, page] : pairs) {
    u64 from = l.start[i] + page * PAGE;
    carve(l.start[i], l.end[i], from, from + PAGE, i + 1);
    merge(l.start[i], l.end[i]);
  }
  report("split_merge", n, (cpu_ns() - t) / double(pairs.size()) / 2, iterate());
}

static void mixed(u32 n, u32 ops) {
  Layout l(2 * n);
  auto order = shuffled(2 * n, 6);
  fill(l, order, n);
  std::vector<char> present(2 * n);
  for (u32 k = 0; k < n; k++) present[order[k]] = 1;
  Random random(5);
  std::vector<u32> slots(ops);
  for (u32 &slot : slots) slot = random.below(2 * n);
  double t = cpu_ns();
  for (u32 i : slots) {
    if (present[i]) map.erase(l.start[i]);
    else insert(l, i);
    present[i] ^= 1;
  }
  report("mixed", n, (cpu_ns() - t) / ops, iterate());
}

static void gaps(u32 n, u32 ops) {
  const int fills[] = {0, 50, 99};
  const char *names[] = {"gap_0", "gap_50", "gap_99"};
  for (int f = 0; f < 3; f++) {
    Layout l(n, fills[f]);
    fill(l, shuffled(n, 3), n);
    Random random(8);
    std::vector<std::pair<u32, u32>> queries((ops + 3) / 4);
    for (auto &[i, pages] : queries) i = random.below(n), pages = 1 + random.below(16);
    u64 sum = 0;
    double t = cpu_ns();
    for (auto &[i, pages] : queries) {
      u64 at = gap(BASE_PAGE * PAGE, l.start[i], pages * PAGE);
      sum += at == 0 ? 1 : at / PAGE - BASE_PAGE;
    }
    report(names[f], n, (cpu_ns() - t) / double(queries.size()), sum);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: ranges GROUP N OPS\n"), 2;
  const char *group = argv[1];
  u32 n = u32(atoi(argv[2])), ops = u32(atoi(argv[3]));
  if (strcmp(group, "build") == 0) build(n, ops);
  if (strcmp(group, "read") == 0) read(n, ops);
  if (strcmp(group, "split_merge") == 0) split_merge(n, ops);
  if (strcmp(group, "mixed") == 0) mixed(n, ops);
  if (strcmp(group, "gap") == 0) gaps(n, ops);
  return 0;
}
