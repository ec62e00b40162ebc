// Stands before the scripts that ask a real OpenClaw release: finds a function of its dist folder by the name that it has in the source.
// `dist` is the script's own.
import fs from "node:fs";
import path from "node:path";

async function find(name) {
  for (const file of fs.readdirSync(dist).filter((file) => /\.m?js$/.test(file))) {
    const source = fs.readFileSync(path.join(dist, file), "utf8");
    if (!source.includes(`function ${name}(`)) continue;
    const exported = new RegExp(`\\b${name} as (\\w+)`).exec(source);
    if (exported) return (await import(path.join(dist, file)))[exported[1]];
  }
  return undefined;
}
