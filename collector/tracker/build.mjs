// Builds dist/tracker.js, a script that any page can load: it leaves no global name but eye.
import { build } from "esbuild";

await build({
  entryPoints: ["src/tracker.ts"],
  outfile: "dist/tracker.js",
  bundle: true,
  format: "iife",
  target: "es2022",
  minify: true,
  tsconfigRaw: "{}", // without the directive "use strict", which nothing here needs
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
});
