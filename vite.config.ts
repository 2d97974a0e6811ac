import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The interface: two pages (login and app), no inline script or style, nothing from elsewhere. */
export default defineConfig({
  root: "ui",
  base: "/",
  plugins: [react()],
  build: {
    outDir: "../dist/ui",
    emptyOutDir: true,
    sourcemap: false,
    // The policy forbids inline scripts and data: URLs for scripts; every browser we support preloads by itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: { index: "ui/index.html", login: "ui/login.html" } },
  },
});
