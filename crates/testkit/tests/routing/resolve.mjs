// Asks a real OpenClaw release which agent answers each message of each config. Arguments: dist folder, file of cases, file for the answers.
// Each message is asked about with a copy of its config, because the program remembers answers by config.
import fs from "node:fs";
import path from "node:path";

const [dist, cases, answers] = process.argv.slice(2);

async function find(name) {
  for (const file of fs.readdirSync(dist).filter((file) => /\.m?js$/.test(file))) {
    const source = fs.readFileSync(path.join(dist, file), "utf8");
    if (!source.includes(`function ${name}(`)) continue;
    const exported = new RegExp(`\\b${name} as (\\w+)`).exec(source);
    if (exported) return (await import(path.join(dist, file)))[exported[1]];
  }
  throw new Error(`no file of ${dist} exports ${name}`);
}

const resolve = await find("resolveAgentRoute");
const ask = (cfg, message) => {
  try {
    const { agentId, matchedBy } = resolve({ cfg: structuredClone(cfg), ...message });
    return { agent: agentId, tier: matchedBy };
  } catch (error) {
    return { refused: error.message };
  }
};
const asked = JSON.parse(fs.readFileSync(cases, "utf8"));
fs.writeFileSync(answers, JSON.stringify(asked.map(({ config, messages }) => messages.map((one) => ask(config, one)))));
process.exit(0);
