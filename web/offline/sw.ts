// The service worker: isolates the page on hosts that send no headers, and keeps it offline.
//
//   first visit    installed and activated at once; the page then reloads itself, isolated, and
//                  asks for the files to be kept ("keep")
//   later visits   every file of this version comes from the cache
//   a new version  keeps its files first, then waits until no page of the old one is open, or
//                  the reader takes it ("take")
//
// The build writes the names of all files and their common hash in here (plugin.ts). Nothing
// outside the page's own folder is touched.

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface Scope {
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string; readonly active: object | null };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate" | "message", listener: (e: Lasting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
}

const scope = globalThis as unknown as Scope;

/** Paths of the build's files, relative to the scope, and a hash of all: see plugin.ts. */
const FILES = JSON.parse("__VMAPLE_FILES__") as readonly string[];
const VERSION = "__VMAPLE_VERSION__";

const PREFIX = "vmaple ";
/** Named by scope too: two copies on one host do not clear each other's files. */
const CACHE = `${PREFIX}${scope.registration.scope} ${VERSION}`;

scope.addEventListener("install", (event) => {
  // On the first visit the page waits for us: its files are kept when it asks for them.
  if (scope.registration.active !== null) event.waitUntil(keepFiles());
});

scope.addEventListener("activate", (event) => {
  event.waitUntil(dropOldFiles().then(() => scope.clients.claim()));
});

scope.addEventListener("message", (event) => {
  const { data } = event as unknown as MessageEvent;
  if (data === "keep") event.waitUntil(keepFiles());
  if (data === "take") event.waitUntil(scope.skipWaiting());
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(scope.registration.scope)) {
    event.respondWith(answer(request));
  }
});

async function keepFiles(): Promise<void> {
  const cache = await caches.open(CACHE);
  const kept = new Set((await cache.keys()).map(({ url }) => url));
  const missing = FILES.map(urlOf).filter((url) => !kept.has(url));
  await cache.addAll(missing.map((url) => new Request(url, { cache: "no-cache" })));
}

async function dropOldFiles(): Promise<void> {
  const ours = `${PREFIX}${scope.registration.scope} `;
  const names = (await caches.keys()).filter((name) => name.startsWith(ours) && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  url.search = ""; // ?embed=1 is the page's own business
  url.hash = "";
  if (url.href === scope.registration.scope) url.href = urlOf("index.html");
  const cache = await caches.open(CACHE);
  return isolated((await cache.match(url.href)) ?? (await fetch(request)));
}

/** The same answer with the headers that give the page SharedArrayBuffer. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const { status, statusText } = response;
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : response.body, { status, statusText, headers });
}

function urlOf(path: string): string {
  return new URL(path, scope.registration.scope).href;
}
