// Asks a real OpenClaw release which agent answers each message of each config. Arguments: dist folder, file of cases, file for the answers.
// Later releases change a roster when they load one, and so it is done here. They add bindings to the default agent then; what those decide is
// called `default`, as it stands in the config.
// Each message is asked about with a copy of its config, because the program remembers answers by config.

const [dist, cases, answers] = process.argv.slice(2);

const resolve = await find("resolveAgentRoute");
const migrate = await find("migratePersistedImplicitMainRoster");
const ask = (cfg, message) => {
  try {
    const { agentId, matchedBy } = resolve({ cfg, ...message });
    return { agent: agentId, tier: matchedBy };
  } catch (error) {
    return { refused: error.message };
  }
};
const askLoaded = (cfg, message) => {
  if (!migrate) return ask(cfg, message);
  const loaded = migrate(structuredClone(cfg)).config;
  const answer = ask(loaded, message);
  if (answer.tier === "binding.channel" && ask({ ...loaded, bindings: cfg.bindings }, message).tier !== answer.tier)
    answer.tier = "default";
  return answer;
};
const asked = JSON.parse(fs.readFileSync(cases, "utf8"));
const told = asked.map(({ config, messages }) => messages.map((one) => askLoaded(structuredClone(config), one)));
fs.writeFileSync(answers, JSON.stringify({ loads: Boolean(migrate), told }));
process.exit(0);
