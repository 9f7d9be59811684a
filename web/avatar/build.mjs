// Bundles the page into the room that serves it: one module, no address of another place, nothing inline.
import { cp, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const page = here("../../consumers/avatar/viewer/page");

await rm(page, { recursive: true, force: true });
await mkdir(page, { recursive: true });
await cp(here("static"), page, { recursive: true });
await build({
  entryPoints: [here("src/main.ts")],
  outfile: `${page}/main.js`,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  // The licences of what is bundled go with it, in a file beside.
  legalComments: "linked",
  logLevel: "warning",
});
