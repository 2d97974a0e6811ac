import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The script that runs before the app's. */
const BEGIN = "ui/lib/begin.ts";

/**
 * Names the first script in the app's page. The app imports it as well (a module runs once, whoever asks for it); named in
 * the page it runs as soon as it is there, and not only once the large rest is.
 */
function beginFirst(): Plugin {
  return {
    name: "begin-first",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle, path }) {
        const first = Object.values(bundle ?? {}).find((chunk) => chunk.type === "chunk" && chunk.name === "begin");
        if (!first || path !== "/index.html") return html;
        const attrs = { type: "module", crossorigin: true, async: true, src: `/${first.fileName}` };
        return [{ tag: "script", attrs, injectTo: "body" }];
      },
    },
  };
}

/** The interface: two pages (login and app), no inline script or style, nothing from elsewhere. */
export default defineConfig({
  root: "ui",
  base: "/",
  plugins: [react(), beginFirst()],
  build: {
    outDir: "../dist/ui",
    emptyOutDir: true,
    sourcemap: false,
    // The policy forbids inline scripts and data: URLs for scripts; every browser we support preloads by itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: "ui/index.html", login: "ui/login.html", begin: BEGIN },
      // What the dashboard needs is one file: over HTTP/1.1 each further one waits for a connection.
      output: {
        codeSplitting: {
          groups: [
            { name: "begin", test: /\/ui\/lib\/(?:begin|start|shared-stream)\.ts$/, priority: 2 },
            { name: "app", tags: ["$initial"], test: /^(?!.*\/ui\/(?:login|style\/login))/, priority: 1 },
          ],
        },
      },
    },
  },
});
