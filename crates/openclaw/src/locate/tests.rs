#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use proptest::prelude::*;

/// A home directory of its own.
struct Home {
    dir: tempfile::TempDir,
    env: Environment,
}

impl Home {
    fn new(dirs: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in dirs {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let env = Environment { home: Some(dir.path().to_owned()), ..Environment::default() };
        Self { dir, env }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(self, name: &str) -> Self {
        std::fs::write(self.path(name), "{}").unwrap();
        self
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.env.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    fn locate(&self) -> Locations {
        locate(&self.env, None, None).unwrap()
    }

    fn at(&self, state_dir: &str) -> Locations {
        locate(&self.env, Some(&self.path(state_dir)), None).unwrap()
    }
}

#[test]
fn finds_the_default_and_the_older_names() {
    let home = Home::new(&[".openclaw", ".clawdbot"]);
    let found = home.locate();
    assert_eq!(found.state_dir, home.path(".openclaw"));
    assert_eq!(found.config_path, home.path(".openclaw/openclaw.json"));
    assert_eq!(found.main_agent_dir(), home.path(".openclaw/agents/main/agent"));
    assert_eq!(found.oauth_dir, home.path(".openclaw/credentials"));
    assert_eq!(found.notes, [""; 0]);

    assert_eq!(Home::new(&[".clawdbot", ".moldbot"]).locate().state_dir.file_name().unwrap(), ".clawdbot");
    let old = Home::new(&[".moldbot"]).file(".moldbot/moldbot.json");
    assert_eq!(old.locate().config_path, old.path(".moldbot/moldbot.json"));
    let both = Home::new(&[".openclaw"]).file(".openclaw/clawdbot.json").file(".openclaw/openclaw.json");
    assert_eq!(both.locate().config_path, both.path(".openclaw/openclaw.json"));
    // The state directory was renamed, the config was left behind.
    let left = Home::new(&[".openclaw", ".clawdbot"]).file(".clawdbot/clawdbot.json");
    assert_eq!(left.locate().config_path, left.path(".clawdbot/clawdbot.json"));
}

#[test]
fn follows_the_environment() {
    let home = Home::new(&["elsewhere", ".openclaw", "other/.openclaw"]).file(".openclaw/openclaw.json");
    let home = home.var("OPENCLAW_STATE_DIR", " ~/x/../elsewhere/ ");
    let found = home.locate();
    assert_eq!(found.state_dir, home.path("elsewhere"));
    // A state directory that is named never falls back to the default one's config.
    assert_eq!(found.config_path, home.path("elsewhere/openclaw.json"));

    let home = home
        .var("OPENCLAW_CONFIG_PATH", "~/c.json5")
        .var("PI_CODING_AGENT_DIR", "~/pi")
        .var("OPENCLAW_OAUTH_DIR", "~/oauth")
        .var("OPENCLAW_INCLUDE_ROOTS", "~/shared: :/etc/openclaw");
    let found = home.locate();
    assert_eq!(found.config_path, home.path("c.json5"));
    assert_eq!(found.redirects, Redirects { openclaw: None, pi: Some(home.path("pi")) });
    assert_eq!(found.oauth_dir, home.path("oauth"));
    assert_eq!(found.include_roots, [home.path("shared"), PathBuf::from("/etc/openclaw")]);
    let home = home.var("OPENCLAW_AGENT_DIR", "~/own");
    assert_eq!(home.locate().redirects.openclaw, Some(home.path("own")));

    let home = Home::new(&["other/.openclaw"]).var("OPENCLAW_HOME", "~/other");
    let found = home.locate();
    assert_eq!((found.home, found.state_dir), (home.path("other"), home.path("other/.openclaw")));
    // What scripts write by accident names nothing.
    let home = Home::new(&[".openclaw"]).var("OPENCLAW_HOME", "undefined");
    assert_eq!(home.locate().state_dir, home.path(".openclaw"));
}

#[test]
fn arguments_win_and_what_belongs_elsewhere_is_left() {
    let home = Home::new(&["one", "two"]).file("one/openclaw.json").file("two/openclaw.json");
    let home = home
        .var("OPENCLAW_STATE_DIR", "~/one")
        .var("OPENCLAW_CONFIG_PATH", "~/one/special.json")
        .var("OPENCLAW_AGENT_DIR", "~/one/main");
    let same = home.at("one");
    assert_eq!(same.config_path, home.path("one/special.json"));
    assert_eq!(same.redirects.openclaw, Some(home.path("one/main")));
    let other = home.at("two");
    assert_eq!(other.config_path, home.path("two/openclaw.json"));
    assert_eq!(
        (&other.redirects, other.main_agent_dir()),
        (&Redirects::default(), home.path("two/agents/main/agent"))
    );
    assert_eq!(other.notes.len(), 2, "{:?}", other.notes);
    // The very file that is used is not ignored.
    let other = home.var("OPENCLAW_CONFIG_PATH", "~/two/openclaw.json");
    assert_eq!(other.at("two").notes.len(), 1, "{:?}", other.at("two").notes);
    let home = other;
    let named = locate(&home.env, Some(&home.path("two")), Some(&home.path("any.json"))).unwrap();
    assert_eq!(named.config_path, home.path("any.json"));
}

#[test]
fn says_where_it_looked() {
    let home = Home::new(&[]);
    let problem = locate(&home.env, None, None).unwrap_err().to_string();
    for name in [".openclaw", ".clawdbot", ".moldbot"] {
        assert!(problem.contains(&home.path(name).display().to_string()), "{problem}");
    }
    let problem = locate(&home.env, Some(&home.path("gone")), None).unwrap_err().to_string();
    assert!(problem.contains("gone") && !problem.contains(".openclaw"), "{problem}");
    let nobody = Environment::default();
    assert!(matches!(locate(&nobody, None, None), Err(LocateError::NoHome)));
    // Without any home an absolute directory still works.
    assert_eq!(locate(&nobody, Some(home.dir.path()), None).unwrap().state_dir, home.dir.path());
}

#[test]
fn a_profile_alone_moves_nothing_but_is_said() {
    let home = Home::new(&[".openclaw", ".openclaw-work"]).var("OPENCLAW_PROFILE", "work");
    let found = home.locate();
    assert_eq!(found.state_dir, home.path(".openclaw"));
    assert!(found.notes[0].contains(".openclaw-work"), "{:?}", found.notes);
    assert_eq!(Home::new(&[".openclaw"]).var("OPENCLAW_PROFILE", "work").locate().notes, [""; 0]);
}

proptest! {
    #[test]
    fn resolved_paths_are_absolute_and_plain(path in "(~|/|\\.\\.|\\.|a|b|/){1,12}") {
        let resolved = resolve(Path::new(&path), Some(Path::new("/home/x"))).unwrap();
        prop_assert!(resolved.is_absolute());
        prop_assert!(resolved.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir)));
    }
}

#[test]
fn a_directory_above_or_below_is_refused_with_the_right_one() {
    let home = Home::new(&[".openclaw/agents/main/agent", "elsewhere"]).file(".openclaw/openclaw.json");
    for wrong in ["", ".openclaw/agents", ".openclaw/agents/main", ".openclaw/agents/main/agent"] {
        let error = locate(&home.env, Some(&home.path(wrong)), None).unwrap_err();
        let LocateError::WrongLevel { right, .. } = &error else { panic!("{wrong}: {error}") };
        assert_eq!(*right, home.path(".openclaw"), "{wrong}");
    }
    assert_eq!(home.at("elsewhere").state_dir, home.path("elsewhere"), "an empty one may be a new one");
    assert_eq!(home.at(".openclaw").state_dir, home.path(".openclaw"));
}
