// Asks the modules of a real OpenClaw which credentials an agent would try, for states made here, and prints one JSON line per state.
//   HOME=<empty> OPENCLAW_STATE_DIR=<empty> node ask.mjs <package folder> <release> <how many random states> <seed>
// `cases.jsonl` holds 40 states with seed 11 of each release that it names; lines that do not begin with { are the program's own log.
import fs from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

const [pkg, release, count, seed] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
const dist = path.join(pkg, "dist") + "/";
const NOW = 1_800_000_000_000; // every state is looked at in this moment
Date.now = () => NOW;
for (const name of Object.keys(process.env)) if (/_(API_KEY|TOKEN)$/.test(name)) delete process.env[name];

/** Finds the module that declares `name`, and what it exports it as. */
async function real(name, prefix) {
  for (const file of fs.readdirSync(dist)) {
    if (!file.startsWith(prefix) || !/\.m?js$/.test(file)) continue;
    const text = fs.readFileSync(dist + file, "utf8");
    if (!new RegExp(`^(async )?function ${name}\\(`, "m").test(text)) continue;
    const as = text.match(new RegExp(`[{ ]${name}(?: as ([\\w$]+))?[, ]`, "g"))?.map((m) => m.match(/ as ([\w$]+)/)?.[1]).filter(Boolean).at(-1);
    const module = await import(dist + file);
    if (as && module[as]) return module[as];
  }
  throw new Error(`${name} is not in ${prefix}*`);
}

const [, month, day] = release.split(".").map(Number);
const since = (m, d) => month > m || (month === m && day >= d); // all of 2026
const dir = path.join(process.env.OPENCLAW_STATE_DIR, "agents");
const database = since(6, 5);
const put = (agent, store) => {
  const at = path.join(dir, agent, "agent");
  fs.rmSync(at, { recursive: true, force: true });
  fs.mkdirSync(at, { recursive: true });
  if (!store) return at;
  const { profiles, ...marks } = store;
  if (!database) {
    const state = since(4, 8);
    fs.writeFileSync(path.join(at, "auth-profiles.json"), JSON.stringify({ version: 1, profiles, ...(state ? {} : marks) }));
    if (state) fs.writeFileSync(path.join(at, "auth-state.json"), JSON.stringify({ version: 1, ...marks }));
    return at;
  }
  const db = new DatabaseSync(path.join(at, "openclaw-agent.sqlite"));
  for (const [table, key, json, what] of [["store", "store_key", "store_json", { version: 1, profiles }], ["state", "state_key", "state_json", { version: 1, ...marks }]]) {
    db.exec(`CREATE TABLE auth_profile_${table} (${key} TEXT NOT NULL PRIMARY KEY, ${json} TEXT NOT NULL, updated_at INTEGER NOT NULL)`);
    db.prepare(`INSERT INTO auth_profile_${table} VALUES ('primary', ?, 1)`).run(JSON.stringify(what));
  }
  db.close();
  return at;
};

let ask;
if (!since(8, 0)) {
  const bundled = !since(5, 0); // nearly everything in one file
  const load = await real("loadAuthProfileStoreForSecretsRuntime", "store-");
  const order = await real("resolveAuthProfileOrder", bundled ? "auth-profiles-" : "order-");
  const key = await real("resolveApiKeyForProvider", bundled ? "auth-profiles-" : "model-auth-");
  const prefers = bundled ? () => false : await real("shouldPreferExplicitConfigApiKeyAuth", "model-auth-");
  let n = 0; // a directory of its own for every state: stores are cached by path
  ask = async (state) => {
    put("main", state.base);
    return early(state, load(put(`stocks${n++}`, state.local)), order, key, prefers);
  };
} else {
  const merge = await real("mergeAuthProfileStores", "persisted-");
  const prepare = await real("prepareAgentRuntimeAuth", "prepare-auth-");
  const key = await real("resolveApiKeyForProviderCore", "model-auth-");
  ask = async (state) => later(state, merge({ version: 1, ...state.base }, { version: 1, profiles: {}, ...state.local }), prepare, key);
}

/** What the run of an embedded agent does with the order up to 2026.7. */
async function early(state, store, order, key, prefers) {
  const { provider, config: cfg } = state;
  const ids = prefers(cfg, provider) ? [] : order({ cfg, store, provider });
  const until = (id) => Math.max(0, ...["cooldownUntil", "disabledUntil"].map((k) => store.usageStats?.[id]?.[k] ?? 0));
  const cools = (id) => !["openrouter", "kilocode"].includes(store.profiles[id]?.provider) && until(id) > NOW;
  const tried = [];
  for (const id of ids) {
    if (cools(id)) continue;
    const got = await key({ provider, cfg, store, profileId: id }).catch(() => undefined);
    if (got?.apiKey) tried.push(`profile:${id}`);
  }
  if (ids.length > 0) return tried;
  Object.assign(process.env, state.env);
  const got = await key({ provider, cfg, store }).catch(() => undefined);
  for (const name of Object.keys(state.env)) delete process.env[name];
  return got ? [direct(got)] : [];
}

/** What `prepareAgentRuntimeAuth` lets it try since 2026.8; what is direct is looked up by the same function that requests use. */
async function later(state, store, prepare, key) {
  const { provider, config: cfg, env } = state;
  const route = { modelId: "m", modelApi: "anthropic-messages", modelBaseUrl: "https://api.example.com" };
  let attempts;
  try {
    ({ attempts } = prepare({ provider, config: cfg, env, authProfileStore: store, ...route }));
  } catch {
    return []; // the program refuses to ask
  }
  const tried = [];
  for (const one of attempts) {
    if (one.kind === "profile") tried.push(`profile:${one.profileId}`);
    else {
      Object.assign(process.env, env);
      const got = await key({ provider, cfg, store, allowAuthProfileFallback: false, ...route }).catch(() => undefined);
      for (const name of Object.keys(env)) delete process.env[name];
      if (got?.apiKey) tried.push(direct(got));
    }
  }
  return tried;
}

function direct(got) {
  if (got.profileId) return `profile:${got.profileId}`;
  const name = got.source.match(/env: ([A-Z_]+)/)?.[1];
  if (got.source.includes("synthetic")) return "keyless";
  return name && !got.source.includes("models.json") ? `env:${name}` : "config";
}

// ---- states ----
let x = seed >>> 0;
const random = () => ((x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32);
const pick = (...of) => of[Math.floor(random() * of.length)];
const chance = (p) => random() < p;

function profile(id, provider) {
  const type = pick("api_key", "api_key", "token", "oauth");
  const secret = `${id}-${Math.floor(random() * 1e6)}`;
  if (type === "api_key") return chance(0.1) ? { type, provider } : { type, provider, key: secret };
  if (type === "token") {
    const expires = pick(undefined, undefined, NOW + 864e5, NOW - 1, 1_700_000_000, "soon", 0);
    return { type, provider, token: secret, ...(expires === undefined ? {} : { expires }) };
  }
  return { type, provider, access: secret, refresh: `r-${secret}`, expires: NOW + pick(36e5, 72e5) };
}

function store(ids, provider) {
  const profiles = {};
  for (const id of ids) if (chance(0.5)) profiles[id] = profile(id, chance(0.9) ? provider : "groq");
  const made = { profiles };
  const order = ids.filter(() => chance(0.6)).sort(() => random() - 0.5);
  if (chance(0.3) && order.length > 0) made.order = { [provider]: order }; // empty ones are dropped when a store is read
  if (chance(0.5)) {
    made.usageStats = {};
    for (const id of ids)
      if (chance(0.5)) {
        made.usageStats[id] = pick(
          { errorCount: 0 },
          { lastUsed: NOW - Math.floor(random() * 1e7) },
          { cooldownUntil: NOW + 30_000, errorCount: 1 },
          { cooldownUntil: NOW - 30_000, lastUsed: NOW - 5000 },
          { disabledUntil: NOW + 9e6, disabledReason: "billing" },
        );
      }
  }
  return made;
}

function state() {
  const provider = pick("anthropic", "anthropic", "anthropic", "openrouter");
  const ids = ["default", "b", "work", "z"].map((name) => `${provider}:${name}`).slice(0, pick(1, 2, 3, 4));
  const config = {};
  if (chance(0.35)) {
    config.auth = { profiles: {} };
    for (const id of ids) if (chance(0.5)) config.auth.profiles[id] = { provider, mode: pick("api_key", "api_key", "token", "oauth") };
  }
  if (chance(0.2)) config.auth = { ...config.auth, order: { [provider]: ids.filter(() => chance(0.7)).reverse() } };
  if (config.auth?.order && config.auth.order[provider].length === 0) delete config.auth.order;
  if (chance(0.35)) {
    const entry = { baseUrl: pick("https://api.example.com", "https://api.example.com", "http://127.0.0.1:9/v1"), api: "anthropic-messages", models: [{ id: "m", name: "m" }] };
    if (chance(0.7)) entry.apiKey = pick("LITERAL-KEY", "LITERAL-KEY", ids[0], "ANTHROPIC_API_KEY");
    if (chance(0.4)) entry.auth = pick("api-key", "token");
    config.models = { providers: { [provider]: entry } };
  }
  const env = provider === "anthropic" && chance(0.4) ? { [pick("ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN")]: "ENV-KEY" } : {};
  return { provider, config, env, base: store(ids, provider), local: chance(0.7) ? store(ids, provider) : null };
}

for (let n = 0; n < count; n++) {
  const made = state();
  const copy = JSON.parse(JSON.stringify(made)); // asking may change what it is given
  process.stdout.write(JSON.stringify({ release, now: NOW, ...made, tried: await ask(copy) }) + "\n");
}
process.exit(0);
