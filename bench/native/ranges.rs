// Rust's BTreeMap on the index workloads: start of a range -> end and value.
// It does not know its holes: gap walks downwards.
//
//   ranges GROUP N OPS     a line of JSON a workload (workload/index.mjs has the groups)
use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PAGE: u64 = 4096;
const BASE_PAGE: u64 = 0x555555555;
const SPLIT_VALUE: u32 = 0x7fffff;

struct Counting;
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        ALLOCATED.fetch_add(block.size(), Relaxed);
        unsafe { System.alloc(block) }
    }
    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        ALLOCATED.fetch_sub(block.size(), Relaxed);
        unsafe { System.dealloc(at, block) }
    }
}
#[global_allocator]
static GLOBAL: Counting = Counting;

/// CPU time of this thread, ns.
fn cpu_ns() -> f64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        ns: i64,
    }
    extern "C" {
        fn clock_gettime(clock: i32, at: *mut Timespec) -> i32;
    }
    const THREAD_CPUTIME: i32 = 3;
    let mut t = Timespec { seconds: 0, ns: 0 };
    unsafe { clock_gettime(THREAD_CPUTIME, &mut t) };
    t.seconds as f64 * 1e9 + t.ns as f64
}

/// sfc32, as workload/layout.mjs.
struct Random(u32, u32, u32, u32);
impl Random {
    fn new(seed: u32) -> Self {
        let mut random = Random(seed, 0x9e3779b9, 0x243f6a88, 1);
        for _ in 0..12 {
            random.next();
        }
        random
    }
    fn next(&mut self) -> u32 {
        let t = self.0.wrapping_add(self.1).wrapping_add(self.3);
        self.3 = self.3.wrapping_add(1);
        self.0 = self.1 ^ (self.1 >> 9);
        self.1 = self.2.wrapping_add(self.2 << 3);
        self.2 = self.2.rotate_left(21).wrapping_add(t);
        t
    }
    fn below(&mut self, n: u32) -> u32 {
        ((self.next() as u64 * n as u64) >> 32) as u32
    }
    fn pages(&mut self) -> u32 {
        let n = 1 << self.below(10);
        (n + self.below(n)).min(512)
    }
}

struct Layout {
    start: Vec<u64>,
    end: Vec<u64>,
    length: Vec<u32>,
    gap: Vec<u32>,
}

fn layout(n: u32, fill: Option<u32>) -> Layout {
    let mut random = Random::new(if fill.is_some() { 7 } else { 1 });
    let mut l = Layout { start: vec![], end: vec![], length: vec![], gap: vec![] };
    let mut page = BASE_PAGE + if fill.is_some() { 16 } else { 0 };
    for _ in 0..n {
        let length = random.pages();
        l.start.push(page * PAGE);
        page += length as u64;
        l.end.push(page * PAGE);
        l.length.push(length);
        let gap = match fill {
            Some(percent) => if random.below(100) >= percent { 1 + random.below(16) } else { 0 },
            None => if random.below(10) < 3 { random.pages() } else { 0 },
        };
        l.gap.push(gap);
        page += gap as u64;
    }
    l
}

fn shuffled(n: u32, seed: u32) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut order: Vec<u32> = (0..n).collect();
    for i in (2..=n).rev() {
        order.swap(i as usize - 1, random.below(i) as usize);
    }
    order
}

type Map = BTreeMap<u64, (u64, u32)>;

fn insert(map: &mut Map, l: &Layout, i: u32) {
    map.insert(l.start[i as usize], (l.end[i as usize], i + 1));
}

fn filled(l: &Layout, order: &[u32]) -> Map {
    let mut map = Map::new();
    for &i in order {
        insert(&mut map, l, i);
    }
    map
}

fn lookup(map: &Map, address: u64) -> u32 {
    match map.range(..=address).next_back() {
        Some((_, &(end, value))) if address < end => value,
        _ => 0,
    }
}

fn iterate(map: &Map) -> u64 {
    map.values().map(|range| range.1 as u64).sum()
}

fn gap(map: &Map, low: u64, high: u64, size: u64) -> Option<u64> {
    let mut top = high;
    for (&start, &(end, _)) in map.range(..high).rev() {
        if top - end >= size {
            return Some(top - size);
        }
        top = start;
    }
    if top - low >= size { Some(top - size) } else { None }
}

fn report(workload: &str, n: u32, ns: f64, checksum: u64) {
    println!(
        "{{\"workload\":\"{workload}\",\"n\":{n},\"cpu\":{ns:.2},\"checksum\":{checksum}}}"
    );
}

fn build(n: u32, ops: u32) {
    let l = layout(n, None);
    let asc: Vec<u32> = (0..n).collect();
    let (order, erased) = (shuffled(n, 3), shuffled(n, 4));
    let repeats = ops.div_ceil(n).clamp(1, 50);
    let (mut t_asc, mut t_rand, mut t_erase, mut sum) = (0.0, 0.0, 0.0, 0);
    for _ in 0..repeats {
        let t = cpu_ns();
        let map = filled(&l, &asc);
        t_asc += cpu_ns() - t;
        drop(map);
        let t = cpu_ns();
        let mut map = filled(&l, &order);
        t_rand += cpu_ns() - t;
        sum = iterate(&map);
        let t = cpu_ns();
        for &i in &erased {
            map.remove(&l.start[i as usize]);
        }
        t_erase += cpu_ns() - t;
    }
    let all = repeats as f64 * n as f64;
    report("insert_asc", n, t_asc / all, sum);
    report("insert_rand", n, t_rand / all, sum);
    report("erase_rand", n, t_erase / all, sum);
}

fn read(n: u32, ops: u32) {
    let l = layout(n, None);
    let order = shuffled(n, 3);
    let before = ALLOCATED.load(Relaxed);
    let map = filled(&l, &order);
    let bytes = (ALLOCATED.load(Relaxed) - before) as f64 / n as f64;
    println!("{{\"workload\":\"bytes\",\"n\":{n},\"value\":{bytes:.2},\"unit\":\"bytes\"}}");
    let mut random = Random::new(2);
    let addresses: Vec<u64> = (0..ops)
        .map(|_| {
            let i = random.below(n) as usize;
            let page = random.below(l.length[i] + l.gap[i]) as u64;
            l.start[i] + page * PAGE + random.below(PAGE as u32) as u64
        })
        .collect();
    for &address in &addresses[..ops as usize / 10] {
        std::hint::black_box(lookup(&map, address));
    }
    let t = cpu_ns();
    let sum: u64 = addresses.iter().map(|&address| lookup(&map, address) as u64).sum();
    report("lookup_rand", n, (cpu_ns() - t) / ops as f64, sum);
    let times = ops.div_ceil(n).max(1);
    let mut once = 0;
    let t = cpu_ns();
    for _ in 0..times {
        once = std::hint::black_box(iterate(std::hint::black_box(&map)));
    }
    report("iterate", n, (cpu_ns() - t) / times as f64 / n as f64, once);
}

fn split_merge(n: u32, ops: u32) {
    let l = layout(n, None);
    let mut map = filled(&l, &shuffled(n, 3));
    let mut random = Random::new(9);
    let pairs: Vec<(usize, u64)> = (0..ops.div_ceil(4))
        .map(|_| loop {
            let i = random.below(n) as usize;
            if l.length[i] >= 3 {
                return (i, 1 + random.below(l.length[i] - 2) as u64);
            }
        })
        .collect();
    let t = cpu_ns();
    for &(i, page) in &pairs {
        let (start, end, from) = (l.start[i], l.end[i], l.start[i] + page * PAGE);
        map.get_mut(&start).unwrap().0 = from;
        map.insert(from, (from + PAGE, SPLIT_VALUE));
        map.insert(from + PAGE, (end, i as u32 + 1));
        map.get_mut(&start).unwrap().0 = end;
        map.remove(&from);
        map.remove(&(from + PAGE));
    }
    report("split_merge", n, (cpu_ns() - t) / pairs.len() as f64 / 2.0, iterate(&map));
}

fn mixed(n: u32, ops: u32) {
    let l = layout(2 * n, None);
    let order = shuffled(2 * n, 6);
    let first = &order[..n as usize];
    let mut map = filled(&l, first);
    let mut present = vec![false; 2 * n as usize];
    for &i in first {
        present[i as usize] = true;
    }
    let mut random = Random::new(5);
    let slots: Vec<u32> = (0..ops).map(|_| random.below(2 * n)).collect();
    let t = cpu_ns();
    for &i in &slots {
        let here = &mut present[i as usize];
        if *here {
            map.remove(&l.start[i as usize]);
        } else {
            insert(&mut map, &l, i);
        }
        *here = !*here;
    }
    report("mixed", n, (cpu_ns() - t) / ops as f64, iterate(&map));
}

fn gaps(n: u32, ops: u32) {
    for (fill, workload) in [(0, "gap_0"), (50, "gap_50"), (99, "gap_99")] {
        let l = layout(n, Some(fill));
        let map = filled(&l, &shuffled(n, 3));
        let mut random = Random::new(8);
        let queries: Vec<(usize, u64)> = (0..ops.div_ceil(4))
            .map(|_| (random.below(n) as usize, 1 + random.below(16) as u64))
            .collect();
        let mut sum = 0;
        let t = cpu_ns();
        for &(i, pages) in &queries {
            let found = gap(&map, BASE_PAGE * PAGE, l.start[i], pages * PAGE);
            sum += found.map_or(1, |at| at / PAGE - BASE_PAGE);
        }
        report(workload, n, (cpu_ns() - t) / queries.len() as f64, sum);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let (n, ops) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    match words[1].as_str() {
        "build" => build(n, ops),
        "read" => read(n, ops),
        "mixed" => mixed(n, ops),
        "split_merge" => split_merge(n, ops),
        "gap" => gaps(n, ops),
        group => panic!("no group {group}"),
    }
}
