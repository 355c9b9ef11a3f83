import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const HUB = "http://127.0.0.1:8080"; // whose API `npm run dev` shows

export default defineConfig(({ command }) => ({
  // Built, it is relative: the hub's index.html says by <base> where /ui/ is.
  base: command === "serve" ? "/ui/" : "./",
  logLevel: command === "serve" ? "info" : "warn",
  plugins: [vue({ features: { optionsAPI: false } })],
  build: {
    outDir: "../src/taskflow_hub/http/ui",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // which know light-dark()
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // a policy without data: for scripts and styles
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { "^/(?!ui/)": { target: HUB, changeOrigin: false } } },
}));
