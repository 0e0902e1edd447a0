// `npm run package`: is what `npm pack` makes fit to be installed?
//
//   publint   the manifest against the files of the tarball
//   types     @arethetypeswrong: each subpath resolves, with types, where ESM is imported
//   contents  what is published has a source, and nothing else is
//   pure      importing a subpath does nothing: a bundler keeps no byte of it
//   budget    gzipped bytes of what somebody's bundle or page gets
//
// One line a finding, exit status 1 if there is any.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { rollup } from "rollup";
import { pack, ROOT } from "./lib/pack.mjs";
import { bundle, gzippedBytes } from "./lib/weigh.mjs";

const KB = 1024;

/** Readers need no wasm, nor anything else of the library. */
const isReader = (entry) => entry.startsWith("dist/src/formats/");
const READER_FLOORS = /^dist\/src\/(formats\/|address\.js$)/;

/** Theirs is 4 KB; what is kept free is for the next correction. */
const READER_LIMIT = 4 * KB - 200;

const BUDGETS = [
  { what: "vmaple/engine.wasm", file: "dist/engine.wasm", limit: 40 * KB },
  { what: "vmaple/engine.verify.wasm", file: "dist/engine.verify.wasm", limit: 40 * KB },
  { what: "vmaple, without its wasm", entry: "dist/src/index.js", limit: 15 * KB },
  { what: "vmaple/comlink, with vmaple", entry: "dist/src/comlink.js", limit: 20 * KB },
  { what: "vmaple/process, alone", entry: "dist/src/process.js", limit: 3 * KB },
  { what: "vmaple/why, alone", entry: "dist/src/why.js", limit: 11.5 * KB },
  { what: "vmaple/maps", entry: "dist/src/formats/maps.js", limit: READER_LIMIT },
  { what: "vmaple/strace", entry: "dist/src/formats/strace.js", limit: READER_LIMIT },
  { what: "vmaple/perf", entry: "dist/src/formats/perf.js", limit: READER_LIMIT },
];

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const entries = Object.values(manifest.exports).flatMap((target) => target.default ?? []);

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "vmaple-package-"));
  try {
    const tarball = readFileSync(pack(folder));
    const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const published = createPackageFromTarballData(tarball);
    const findings = [
      ...(await report("publint", lint(bytes))),
      ...(await report("types", types(published))),
      ...(await report("contents", contents(published))),
      ...(await report("pure", pure())),
      ...(await report("budget", budget())),
    ];
    return findings.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Promise<{ findings: string[], told: string }>} check */
async function report(name, check) {
  const { findings, told } = await check;
  process.stdout.write(`${name}: ${findings.length === 0 ? told : "not fit"}\n`);
  for (const finding of findings) process.stderr.write(`  ${finding}\n`);
  return findings;
}

async function lint(tarball) {
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  const findings = messages.map((message) => formatMessage(message, pkg, { color: false }));
  return { findings, told: "nothing to say" };
}

/** The contract is ESM only: how `require` of old resolves is no matter (see fixtures/apps). */
const RESOLUTIONS = ["node16-esm", "bundler"];
/** Subpaths that are no modules. */
const FILES = /\.(wasm|json|h|rs|ts)$/;

async function types(published) {
  const analysis = await checkPackage(published);
  if (analysis.types === false) return { findings: ["the package has no types"], told: "" };
  const findings = analysis.problems
    .filter(({ entrypoint = "" }) => !FILES.test(entrypoint))
    .filter(({ resolutionKind = RESOLUTIONS[0] }) => RESOLUTIONS.includes(resolutionKind))
    .map(
      (problem) => `${problem.kind} ${problem.entrypoint ?? ""} ${problem.resolutionKind ?? ""}`,
    );
  for (const [subpath, { resolutions }] of Object.entries(analysis.entrypoints)) {
    if (!FILES.test(subpath)) {
      for (const kind of RESOLUTIONS) {
        if (resolutions[kind]?.resolution?.isTypeScript !== true) {
          findings.push(`${subpath}: no types by ${kind}`);
        }
      }
    }
  }
  const count = Object.keys(analysis.entrypoints).length;
  return { findings, told: `${count} subpaths, by ${RESOLUTIONS.join(" and ")}` };
}

async function contents(published) {
  const prefix = `/node_modules/${manifest.name}/`;
  const files = published.listFiles().map((file) => file.slice(prefix.length));
  const foreign = files.filter((file) => !/^((dist|docs|examples)\/|[\w.-]+$)/.test(file));
  const jobs = files.filter((file) => file.startsWith("dist/src/main-job"));
  const bundled = files
    .filter((file) => file.endsWith(".js"))
    .filter((file) => published.readFile(prefix + file).includes("Copyright 2019 Google"));
  const dead = files
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => linksOf(published.readFile(prefix + file)).map((link) => [file, link]))
    .filter(([file, link]) => !files.includes(posix.join(posix.dirname(file), link)));
  const findings = [
    ...dead.map(([file, link]) => `${file}: links to ${link}, which is not published`),
    ...foreign.map((file) => `${file}: not meant to be published`),
    ...jobs.map((file) => `${file}: part of npm start, of no use to others`),
    ...bundled.map((file) => `${file}: has comlink in it, which is a dependency`),
  ];
  return { findings, told: `${files.length} files` };
}

/** Where the relative links of a page lead. */
function linksOf(page) {
  return [...page.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target]) => target);
}

/**
 * rollup keeps what it cannot prove to be without effect; it is not told sideEffects, only that
 * there are no getters in our tables, nor behind the globals we ask for.
 */
async function pure() {
  const findings = [];
  for (const entry of entries) {
    const result = await rollup({
      input: "pure",
      plugins: [
        {
          name: "pure",
          resolveId: (id) => (id === "pure" ? id : null),
          load: (id) => (id === "pure" ? `import ${JSON.stringify(join(ROOT, entry))};` : null),
        },
      ],
      external: ["comlink"],
      treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
      onLog: () => {},
    });
    const { output } = await result.generate({ format: "es" });
    const rest = output[0].code.replace(/^(import ['"]comlink['"];|\/\/.*|\s*)$/gm, "").trim();
    if (rest !== "") findings.push(`${entry}: importing it runs ${rest.slice(0, 200)}`);
  }
  return { findings, told: `${entries.length} modules do nothing when imported` };
}

async function budget() {
  const findings = [];
  for (const { what, file, entry, limit } of BUDGETS) {
    let bytes;
    if (file === undefined) {
      const built = await bundle(entry);
      bytes = built.bytes;
      if (isReader(entry)) {
        const others = built.modules.filter((id) => !READER_FLOORS.test(id));
        if (others.length !== 0) findings.push(`${what}: brings ${others.join(", ")}`);
      }
    } else {
      bytes = gzippedBytes(file);
    }
    const line = `${what}: ${bytes} of ${limit} bytes`;
    process.stdout.write(`  ${line}\n`);
    if (bytes > limit) findings.push(`${line}: ${bytes - limit} too many`);
  }
  return { findings, told: `${BUDGETS.length} parts within their limits` };
}

process.exitCode = await main();
