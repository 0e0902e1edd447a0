// How the page is served and built: `npm run web`, `npm run web:build`.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { precache, SW_FILE } from "./offline/plugin.js";

/** Without these two the browser withholds SharedArrayBuffer. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export default defineConfig({
  plugins: [precache()],
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./", // the built folder runs from any path
  oxc: {
    target: "es2022", // `using` is compiled away for the dev server too
    jsx: { runtime: "automatic", importSource: "preact" },
  },
  server: { headers, fs: { allow: [".."] } },
  preview: { headers },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: {
      input: { index: file("index.html"), sw: file("offline/sw.ts") },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? SW_FILE : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
});
