// Builds dist: the page, its script and style sheet under names with a hash of their
// content, and the licences of what they contain. `node build.mjs FOLDER` builds into
// another folder, so that a check can compare.
import { build, transform } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const out = process.argv[2] ?? "dist";
await rm(out, { recursive: true, force: true });
await mkdir(join(out, "assets"), { recursive: true });

// Sheets of single screens are texts within their scripts, so that others do not load them.
const screenSheets = {
  name: "screen-sheets",
  setup: (b) => b.onLoad({ filter: /\.screen\.css$/ }, async ({ path }) => {
    const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: "es2022" });
    return { contents: code, loader: "text" };
  }),
};

const result = await build({
  plugins: [screenSheets],
  entryPoints: { app: "src/main.tsx", style: "src/styles/style.css" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  logLevel: "warning",
});

const names = {};
for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) {
  if (entryPoint === "src/main.tsx") names.script = basename(file);
  if (entryPoint === "src/styles/style.css") names.style = basename(file);
}
const page = await readFile("src/index.html", "utf8");
await writeFile(join(out, "index.html"), page.replace("%script%", names.script).replace("%style%", names.style));

const packages = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found) packages.add(found[1]);
}
const licences = ["The files beside this one contain these packages."];
for (const name of [...packages].sort()) {
  const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  licences.push(`${name} ${version}\n\n${(await readFile(`node_modules/${name}/LICENSE`, "utf8")).trim()}`);
}
await writeFile(join(out, "assets", "licences.txt"), licences.join("\n\n----\n\n") + "\n");
