// Shared memory on any host: registers the service worker, reloads once, or says what is missing.
//
//   isolated already          the service worker is registered for offline use
//   not isolated, top level   registered; as soon as it controls the page, one reload
//   a new version is ready    a notice; its button takes it, and the page is loaded again
//   in a frame                nothing is reloaded: the embedding page decides about isolation
//   no service worker, or     the banner
//   still not isolated
//
// A mark in the session's storage makes the reload happen at most once: where there is no
// storage there is no reload.

import type { Store } from "../app/store.js";
import { offerUpdate } from "./update.js";

const RELOADED = "vmaple.reloaded";
/** How long the service worker may take before the banner stands in for it. */
const PATIENCE_MS = 4000;

export const NO_ISOLATION = {
  id: "isolation",
  tone: "info",
  title: "One thread only: this page is not cross-origin isolated.",
  text:
    "The browser withholds shared memory, so the race of workers is missing, and the code view " +
    "takes Engine.create({ shared: false }) only; all else works. Serve the page over https or " +
    "from localhost, and reload, or send Cross-Origin-Opener-Policy: same-origin and " +
    "Cross-Origin-Embedder-Policy: require-corp.",
} as const;

export async function isolate(store: Store): Promise<void> {
  const alone = globalThis.crossOriginIsolated;
  const framed = window.top !== window;
  const registration = await register();
  const registered = registration !== null;
  if (registered && !alone && !framed && markReload()) {
    await controlled();
    if (navigator.serviceWorker.controller !== null) {
      location.reload(); // and then its files are kept: not twice
      return;
    }
  }
  if (registered) {
    void keepFiles();
    offerUpdate(registration, store);
  }
  if (!alone && !framed) store.notify(NO_ISOLATION);
}

/** Registers the service worker; null where there can be none. */
async function register(): Promise<ServiceWorkerRegistration | null> {
  if (import.meta.env.MODE !== "production" || !("serviceWorker" in navigator)) return null;
  try {
    const script = new URL("./sw.js", document.baseURI);
    // A browser under somebody's control may resolve without one.
    return (await navigator.serviceWorker.register(script)) ?? null;
  } catch {
    return null; // no https, no such file, or switched off: the banner says the rest
  }
}

/** Has the service worker fetch all files of this version, so that the page works offline. */
async function keepFiles(): Promise<void> {
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage("keep");
}

/** Resolves when a service worker controls the page, or patience ends. */
function controlled(): Promise<void> {
  const { serviceWorker } = navigator;
  return new Promise((resolve) => {
    if (serviceWorker.controller !== null) resolve();
    serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
    setTimeout(resolve, PATIENCE_MS);
  });
}

/** True once a session: the reload may happen. */
function markReload(): boolean {
  try {
    if (sessionStorage.getItem(RELOADED) !== null) return false;
    sessionStorage.setItem(RELOADED, "1");
    return true;
  } catch {
    return false;
  }
}
