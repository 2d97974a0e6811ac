import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The page's first script, which runs before the app's. */
const BOOTSTRAP = "ui/lib/bootstrap.ts";

/**
 * Adds the first script to the app's page. The app imports it as well (a module runs only once). In the page it runs as
 * soon as it has loaded, without waiting for the much larger app.
 */
function bootstrapFirst(): Plugin {
  return {
    name: "bootstrap-first",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle, path }) {
        const first = Object.values(bundle ?? {}).find((chunk) => chunk.type === "chunk" && chunk.name === "bootstrap");
        if (!first || path !== "/index.html") return html;
        const attrs = { type: "module", crossorigin: true, async: true, src: `/${first.fileName}` };
        return [{ tag: "script", attrs, injectTo: "body" }];
      },
    },
  };
}

/** The interface: two pages (login and app), no inline script or style, no resources of other origins. */
export default defineConfig({
  root: "ui",
  base: "/",
  plugins: [react(), bootstrapFirst()],
  build: {
    outDir: "../dist/ui",
    emptyOutDir: true,
    sourcemap: false,
    // The policy forbids inline scripts and data: URLs for scripts; every browser we support preloads natively.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      // How long plugins take is for those who write plugins, not for those who start a hive.
      checks: { pluginTimings: false },
      input: { index: "ui/index.html", login: "ui/login.html", bootstrap: BOOTSTRAP },
      // Everything that the dashboard needs is one file: over HTTP/1.1 each further file waits for a connection.
      output: {
        codeSplitting: {
          groups: [
            { name: "bootstrap", test: /\/ui\/lib\/(?:bootstrap|start|shared-stream)\.ts$/, priority: 2 },
            { name: "app", tags: ["$initial"], test: /^(?!.*\/ui\/(?:login|style\/login))/, priority: 1 },
          ],
        },
      },
    },
  },
});
