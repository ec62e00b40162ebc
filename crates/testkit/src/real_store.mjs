// Imports the store module of the real OpenClaw 2026.3.28 and lets it do what a gateway does after every request: a read-modify-write of
// the usage of one profile, under its own lock, through its own cache. Counts in a field of its own, so that a lost update shows.
// Arguments: dist folder, state directory, agent, profile. Works until standard input ends; then prints {"ok":N,"failed":N}.
import fs from "node:fs";
import path from "node:path";

const [dist, stateDir, agent, profile] = process.argv.slice(2);
process.env.OPENCLAW_STATE_DIR = stateDir;
const wanted = "updateAuthProfileStoreWithLock";
const file = fs
  .readdirSync(dist)
  .filter((name) => /^store-.*\.js$/.test(name))
  .find((name) => fs.readFileSync(path.join(dist, name), "utf8").includes(`function ${wanted}(`));
const source = fs.readFileSync(path.join(dist, file), "utf8");
const exported = new RegExp(`\\b${wanted} as (\\w+)`).exec(source);
const update = (await import(path.join(dist, file)))[exported ? exported[1] : wanted];

let going = true;
process.stdin.resume();
process.stdin.on("end", () => (going = false));
const agentDir = path.join(stateDir, "agents", agent, "agent");
let ok = 0;
let failed = 0;
console.log("ready");
while (going) {
  const stored = await update({
    agentDir,
    updater: (store) => {
      const usage = ((store.usageStats ??= {})[profile] ??= {});
      usage.n = (usage.n ?? 0) + 1;
      return true;
    },
  });
  if (stored) ok += 1;
  else failed += 1;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
console.log(JSON.stringify({ ok, failed }));
process.exit(0);
