// A new version of the page that is ready behind this one: says so, and takes it when asked.

import type { Store } from "../app/store.js";

const NOTICE = {
  id: "update",
  tone: "info",
  title: "A new version of this page is ready.",
} as const;

/** Tells the reader as soon as a service worker of another version waits. */
export function offerUpdate(registration: ServiceWorkerRegistration, store: Store): void {
  const { serviceWorker } = navigator;
  // The first one that ever came does not wait, and there is nothing older to be replaced.
  const offer = () => {
    const { waiting } = registration;
    if (waiting === null || serviceWorker.controller === null) return;
    const take = () => {
      serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage("take");
    };
    const text = "The log stays, as far as the page's address holds it.";
    store.notify({ ...NOTICE, text, action: { words: "Reload", act: take } });
  };
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offer);
  });
  offer();
}
