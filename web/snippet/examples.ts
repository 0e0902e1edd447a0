// Snippets to start from. A test runs each of them.

export interface Example {
  readonly title: string;
  readonly source: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "Split a mapping",
    source: `import { Engine, MapFlags, Prot } from "vmaple";
const mm = (await Engine.create({ shared: false })).createMm();
const flags: number = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
const at = mm.mmap({ length: 16 * 4096, prot: Prot.READ | Prot.WRITE, flags });
mm.mprotect(at + 4 * 4096, 4096, Prot.READ);
console.log(mm.maps());
`,
  },
  {
    title: "Why do two not merge?",
    source: `import { Engine, MapFlags, Prot } from "vmaple";
import { whyApart } from "vmaple/why";
const mm = (await Engine.create({ shared: false })).createMm();
const flags = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
const map = (address: number, prot: number) => mm.mmap({ address, length: 4096, prot, flags });
map(0x100000, Prot.READ);
map(0x101000, Prot.READ | Prot.WRITE);
console.log(whyApart(mm, 0x100000));
`,
  },
  {
    title: "What is refused, and why",
    source: `import { Engine, type MmError } from "vmaple";
const mm = (await Engine.create({ shared: false })).createMm();
try {
  mm.munmap(0x1234, 4096);
} catch (error) {
  const { code, errno, message } = error as MmError;
  console.log(code, errno, message);
}
`,
  },
  {
    title: "Lock one VMA",
    source: `import { Engine, MapFlags, Prot } from "vmaple";
const mm = (await Engine.create({ shared: false })).createMm();
const at = mm.mmap({ length: 8192, prot: Prot.READ, flags: MapFlags.PRIVATE | MapFlags.ANONYMOUS });
const guard = mm.lockVmaUnderRcu(at);
console.log(guard?.start, guard?.end);
guard?.dispose();
`,
  },
  {
    title: "Read a maps file",
    source: `import { readMaps } from "vmaple/maps";
const text: string = \`00400000-00401000 r-xp 00000000 08:02 7   /bin/true
00601000-00603000 rw-p 00001000 08:02 7   /bin/true
\`;
for (const { start, end, perms, name } of readMaps(text).entries) {
  console.log(start, end, perms, name);
}
`,
  },
];
