// Makes configs at random, with files that they include, and prints what the functions of a real OpenClaw release read from each:
// one JSON line per config. Arguments: dist folder, folder for the configs, how many, seed.
// What a release does not export is left out of its line, and not compared.

const [dist, base, count, seed] = process.argv.slice(2);
process.env.OPENCLAW_STATE_DIR = path.join(base, "none");

const includes = await find("resolveConfigIncludes");
const substitute = await find("resolveConfigEnvVars");
const applyEnv = await find("applyConfigEnvVars");
const listIds = await find("listAgentIds");
const effective = await find("resolveEffectiveAgentDir");
const plain = await find("resolveAgentDir");
const directory = (config, agent, deps) => (effective ? effective(config, agent, deps) : plain(config, agent, deps.env));
const duplicates = await find("findDuplicateAgentDirs");
const primary = await find("resolveAgentEffectiveModelPrimary");
const defaultAgent = (await find("tryResolveDefaultAgentId")) ?? (await find("resolveDefaultAgentId"));
const entriesKnown = (await find("tryResolveDefaultAgentId")) !== undefined;

let state = Number(seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const times = (most, make) => Array.from({ length: Math.floor(random() * (most + 1)) }, make);

const id = () => pick(["main", "ops", "Ops", "stocks", times(6, () => pick(["a", "B", "9", "_", "-", ".", " ", "é", "日", "ſ", "\u0130", "\u212a"])).join("")]);
const key = () => pick(["main", "ops", "stocks", "7", "42", "10", "_u", "a-b", "b"]);
const text = () => pick(["plain", "${AA}", "${BB}", "${NO}", "x$${AA}", "x${AA}y", "${CC}", "${aa}", "$AA x", "x ${DD}", "${EE}", "$", "${AA", "x$$${AA}"]);
const reference = () => pick(["mock/m1", "mock/m2", "Mock/m1", "other/x/y"]);
const model = () => pick([undefined, reference(), { primary: reference() }, { primary: reference(), fallbacks: [reference()] }, { fallbacks: [reference()] }, "  ", {}]);
function agent() {
  const made = {};
  if (random() < 0.2) made.default = true;
  const named = model();
  if (named !== undefined) made.model = named;
  if (random() < 0.15) made.agentDir = pick(["~/d1", "/abs/d2", "/abs/../abs/d3", " ", "~"]);
  if (random() < 0.2) made.name = text();
  return made;
}

for (let n = 0; n < Number(count); n++) {
  const dir = path.join(base, `c${n}`);
  fs.mkdirSync(dir, { recursive: true });
  const agents = {};
  const defaults = model();
  if (random() < 0.7 && defaults !== undefined) agents.defaults = { model: defaults };
  if (!entriesKnown || random() < 0.5) agents.list = times(5, () => ({ id: id(), ...agent() }));
  else if (random() < 0.8) agents.entries = Object.fromEntries(times(5, () => [key(), agent()]));
  if (entriesKnown && random() < 0.2) agents.ownership = "explicit";
  const providers = Object.fromEntries(times(4, () => [pick(["mock", "other", "p", "q"]), { apiKey: text(), models: [] }]));
  let config = { agents, models: { providers }, env: { vars: { DD: pick(["dd", "${AA}"]), AA: "never" }, EE: "ee", BB: "bb" } };
  let files = 0;
  const put = (value) => {
    fs.writeFileSync(path.join(dir, `i${files}.json5`), JSON.stringify(value));
    return `./i${files++}.json5`;
  };
  if (random() < 0.4) config.agents = { $include: put(config.agents), ...(random() < 0.5 ? { defaults: { model: model() ?? "mock/m9" } } : {}) };
  if (random() < 0.3) {
    const { models, ...rest } = config;
    config = { $include: [put({ models }), put({ models: { providers: { p: { apiKey: text() } } }, agents: {} })], ...rest };
  }
  if (random() < 0.05) config.models = { ...config.models, $include: pick(["../escape.json5", "./none.json5", "openclaw.json"]) };
  fs.writeFileSync(path.join(dir, "openclaw.json"), JSON.stringify(config));

  const env = { OPENCLAW_STATE_DIR: dir, AA: "va", BB: "", CC: "x${AA}", HOME: "/home/nobody" };
  let read = null;
  try {
    let whole = includes(config, path.join(dir, "openclaw.json"));
    if (substitute && applyEnv) {
      applyEnv(whole, env);
      whole = substitute(whole, env, { onMissing() {} });
    }
    const deps = { env, homedir: () => "/home/nobody" };
    if (duplicates?.(whole, deps).length) throw new Error("two agents share a directory");
    const ids = listIds(whole);
    read = {
      // A roster that is there but empty has no agents in the latest releases; `main` stands for it here.
      agents: (ids.length ? ids : ["main"]).map((agent) => [agent, directory(whole, agent, deps), primary(whole, agent) ?? null]),
    };
    if (ids.length && (whole.agents?.entries || !entriesKnown)) read.default = [defaultAgent(whole) ?? null];
    if (substitute && applyEnv) read.keys = Object.entries(whole.models?.providers ?? {}).map(([name, { apiKey }]) => [name, apiKey]);
    if (!duplicates) read.sharedUnknown = true;
  } catch (error) {
    read = { refused: error.message };
  }
  console.log(JSON.stringify(read));
}
process.exit(0);
