// Builds ../../onboarding/web/static from styles/ and scripts/, and writes the manifest that says what is in it and where it came from.
// A new sheet or script is a file of that name in its folder, and its name here.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../../onboarding/web/static");
const SHEETS = ["onboarding", "console"];
const SCRIPTS = ["onboarding", "console"];
const VENDORED = ["govuk-frontend"];
const TOOLS = ["esbuild", "sass"];

tidyLock();
rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "licences"), { recursive: true });
for (const sheet of SHEETS) writeFileSync(join(target, `${sheet}.css`), style(sheet));
for (const entry of SCRIPTS) writeFileSync(join(target, `${entry}.js`), await script(entry));
cpSync(join(here, "favicon.svg"), join(target, "favicon.svg"));
for (const name of VENDORED) cpSync(join(here, "licences", `${name}.txt`), join(target, "licences", `${name}.txt`));
writeFileSync(join(target, "manifest.json"), JSON.stringify(manifest(), null, 2) + "\n");

// npm writes where a package was fetched and who wants money for it; the lock needs neither.
function tidyLock() {
  const path = join(here, "package-lock.json");
  const lock = JSON.parse(readFileSync(path));
  for (const entry of Object.values(lock.packages)) {
    delete entry.resolved;
    delete entry.funding;
  }
  writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
}

function style(entry) {
  // Without its byte order mark, which Sass would put behind our comment; the file is served as UTF-8.
  const options = { style: "compressed", charset: false, loadPaths: [join(here, "node_modules")], quietDeps: true };
  const banner = entry === "onboarding" ? "/* GOV.UK Frontend (MIT) in its layer, then our own rules. */\n" : "";
  return banner + sass.compile(join(here, "styles", `${entry}.scss`), options).css + "\n";
}

async function script(entry) {
  const result = await esbuild.build({
    entryPoints: [join(here, "scripts", `${entry}.js`)],
    banner: entry === "onboarding" ? { js: "/* Contains parts of GOV.UK Frontend (MIT). */" } : {},
    bundle: true,
    format: "esm",
    legalComments: "none",
    minify: true,
    target: "es2021",
    write: false,
  });
  return result.outputFiles[0].text;
}

function manifest() {
  const sources = ["favicon.svg", "package-lock.json", "build.mjs", ...within("styles"), ...within("scripts")];
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    packages: VENDORED.map((name) => ({ ...locked(name), licence_text: `licences/${name}.txt` })),
    built_with: TOOLS.map(locked),
    sources: hashes(sources, here),
    files: hashes(files.map((file) => relative(target, join(file.parentPath, file.name))), target),
  };
}

function locked(name) {
  const { version, integrity, license } = JSON.parse(readFileSync(join(here, "package-lock.json"))).packages[`node_modules/${name}`];
  return { name, version, licence: license, integrity };
}

function within(folder) {
  return readdirSync(join(here, folder)).map((name) => `${folder}/${name}`);
}

function hashes(names, folder) {
  return Object.fromEntries(names.sort().map((name) => [name, sha256(join(folder, name))]));
}

function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
