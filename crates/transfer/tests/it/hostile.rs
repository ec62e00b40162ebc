//! Payloads that nobody of good will made: each is refused, with a reason that names the place, and leaves nothing behind.

use crate::stage::*;
use keyshoal_core::{AgentId, StoreId};
use keyshoal_transfer::manifest::Part;
use keyshoal_transfer::{Draft, FileEntry, Form, Key, Limits, Lock, Payload, ReadError, Tail, open};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const HEADER: [u8; 10] = *b"\x89KSHL\r\n\x1a\x01\x00";

/// A body made by hand.
struct Body(Vec<u8>);

impl Body {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn section(mut self, kind: u8, bytes: &[u8]) -> Self {
        self.0.push(kind);
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// A section that says another length than it has.
    fn lying(mut self, kind: u8, length: u64, bytes: &[u8]) -> Self {
        self.0.push(kind);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn file(self, header: &Value, contents: &[u8]) -> Self {
        let digest = Sha256::digest(contents);
        self.section(3, header.to_string().as_bytes()).section(4, &[contents, digest.as_slice()].concat())
    }

    fn end(self) -> Vec<u8> {
        let digest = Sha256::digest(&self.0);
        let whole = self.section(0, &digest);
        [HEADER.as_slice(), &whole.0].concat()
    }
}

/// A payload with a profile of each store, a channel, and a file.
fn good() -> (TempDir, Payload) {
    let dir = TempDir::new().unwrap();
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, StoreId::Base, "anthropic:default", "k1");
    key(&mut payload, StoreId::Agent("stocks".into()), "anthropic:default", "k2");
    let telegram = value(&mut payload, "{}");
    payload
        .manifest
        .channels
        .push(keyshoal_transfer::manifest::Named { name: "telegram".into(), value: telegram });
    std::fs::write(dir.path().join("a"), "hello").unwrap();
    payload.files.push(FileEntry {
        agent: AgentId::new("stocks"),
        part: Part::Workspace,
        path: "notes/a".into(),
        mode: 0o600,
        size: 5,
        at: Some(dir.path().join("a")),
    });
    payload.manifest.files = Some(keyshoal_transfer::manifest::Totals { files: 1, bytes: 5 });
    (dir, payload)
}

fn manifest(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = serde_json::to_value(&good().1.manifest).unwrap();
    change(&mut manifest);
    manifest.to_string().into_bytes()
}

fn values(body: Body) -> Body {
    let entry = |key: &str| format!(r#"{{"type":"api_key","provider":"anthropic","key":"{key}"}}"#);
    body.section(2, entry("k1").as_bytes()).section(2, entry("k2").as_bytes()).section(2, b"{}")
}

fn header() -> Value {
    json!({ "agent": "stocks", "part": "workspace", "path": "notes/a", "mode": 0o600, "size": 5 })
}

/// Reads into an empty directory, and holds that nothing stays in it.
fn refused(bytes: &[u8]) -> String {
    let drafts = TempDir::new().unwrap();
    let error = read(bytes, Some(drafts.path())).map(|_| ()).unwrap_err().to_string();
    assert_eq!(std::fs::read_dir(drafts.path()).unwrap().count(), 0, "{error}");
    error
}

fn with_manifest(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    values(Body::new().section(1, &manifest(change))).file(&header(), b"hello").end()
}

fn with_file(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut header = header();
    change(&mut header);
    values(Body::new().section(1, &manifest(|_| {}))).file(&header, b"hello").end()
}

fn with_entry(entry: &[u8]) -> Vec<u8> {
    let body = Body::new().section(1, &manifest(|_| {})).section(2, entry);
    let rest = br#"{"type":"api_key","provider":"anthropic","key":"k2"}"#;
    body.section(2, rest).section(2, b"{}").file(&header(), b"hello").end()
}

#[test]
fn what_is_made_by_hand_is_what_the_writer_makes() {
    let (_dir, payload) = good();
    assert_eq!(with_manifest(|_| {}), clear(&payload));
    assert!(read(&clear(&payload), None).is_ok());
}

#[test]
fn hostile_manifests_are_refused_at_their_place() {
    let set = |pointer: &'static str, to: Value| {
        with_manifest(move |manifest| *manifest.pointer_mut(pointer).unwrap() = to)
    };
    let table: Vec<(Vec<u8>, &str)> = vec![
        (set("/agents", json!([])), "agents"),
        (set("/agents/1/id", json!("MAIN")), "agents[1]"),
        (set("/agents/1/id", json!("main")), "is agent main again"),
        (set("/agents/1/id", json!("a.b")), "no agent id"),
        (set("/agents/1/id", json!("")), "no agent id"),
        (set("/agents/1/id", json!("../../etc")), "no agent id"),
        (set("/agents/1/id", json!(7)), "invalid type"),
        (set("/agents/1/default", json!(true)), "2 default agents"),
        (set("/agents", json!({})), "invalid type"),
        (set("/made", json!("yesterday")), "the manifest"),
        (set("/values", json!(2)), "names value 2"),
        (set("/values", json!(4)), "nothing names"),
        (set("/values", json!(4_294_967_295_u32)), "values"),
        (set("/values", json!(-1)), "invalid value"),
        (set("/values", json!(1.5)), "invalid type"),
        (set("/profiles/1/entry", json!(0)), "as something else does"),
        (set("/profiles/1/store", json!("base")), "again"),
        (set("/profiles/1/profile", json!("__proto__")), "OpenClaw ignores"),
        (set("/profiles/1/store", json!({ "agent": "ghost" })), "not in the roster"),
        (set("/profiles/1/store", json!({ "agent": "stocks", "base": 1 })), "the manifest"),
        (set("/profiles/1/profile", json!("")), "profile  of stocks"),
        (set("/channels/0/name", json!(" ")), "channels[0]"),
        (set("/included", json!([{ "name": "../x", "value": 2 }])), "leads out of its directory"),
        (set("/included", json!([{ "name": "/etc/passwd", "value": 2 }])), "absolute"),
        (set("/order", json!([{ "store": null, "provider": "x", "profiles": ["a", "a"] }])), "twice"),
        (set("/files", json!(null)), "no files"),
        (set("/files/bytes", json!(4)), "more than the manifest says"),
        (set("/files/files", json!(2)), "files"),
        (with_manifest(|manifest| manifest["further"] = json!(1)), "unknown field"),
        (
            with_manifest(|manifest| drop(manifest.as_object_mut().unwrap().shift_remove("agents"))),
            "missing field",
        ),
    ];
    for (bytes, said) in table {
        let error = refused(&bytes);
        assert!(error.contains(said), "{said:?} in {error}");
    }
}

#[test]
fn json_that_readers_read_differently_is_refused() {
    let text = String::from_utf8(manifest(|_| {})).unwrap();
    let of = |text: &[u8]| values(Body::new().section(1, text)).file(&header(), b"hello").end();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let table: Vec<(Vec<u8>, &str)> = vec![
        (of(text.replacen("\"agents\"", "\"agents\":[],\"agents\"", 1).as_bytes()), "a key twice"),
        (of(text.replacen("\"values\":3", "\"values\":1e999", 1).as_bytes()), "out of range"),
        (of(text.replacen("/home/ada", "\\ud800", 1).as_bytes()), "surrogate"),
        (of(text.replacen("\"bindings\":[]", &format!("\"bindings\":{deep}"), 1).as_bytes()), "too deep"),
        (of(&text.as_bytes()[..text.len() - 1]), "cut off"),
        (of(format!("{text}{text}").as_bytes()), "the manifest"),
        (of(b"\xff\xfe"), "not UTF-8"),
        (of(b""), "cut off"),
        (of(b"null"), "invalid type"),
    ];
    for (bytes, said) in table {
        let error = refused(&bytes);
        assert!(error.contains(said) && error.contains("the manifest"), "{said:?} in {error}");
    }
}

#[test]
fn hostile_entries_are_refused_and_not_repeated() {
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"sk-secret".to_vec(), "no JSON"),
        (br#"{"type":"api_key","provider":"anthropic","key":"sk-secret"#.to_vec(), "cut off"),
        (br#"{"type":"api_key","provider":"anthropic","key":"sk-secret","key":"sk-secret2"}"#.to_vec(), "a key twice"),
        (br#"{"type":"api_key","provider":"anthropic","key":"sk-secret\ud800"}"#.to_vec(), "surrogate"),
        (br#"{"type":"token","provider":"anthropic","token":"sk-secret","expires":1e999}"#.to_vec(), "out of range"),
        (br#"{"type":"api_key","provider":"anthropic","key":["sk-secret"]}"#.to_vec(), "no credential"),
        (br#"{"type":"api_key","provider":7,"key":"sk-secret"}"#.to_vec(), "no `provider`"),
        (br#"{"type":"mystery","provider":"anthropic","key":"sk-secret"}"#.to_vec(), "`type` is unknown"),
        (br#"["sk-secret"]"#.to_vec(), "no object"),
        (b"\xff{\"key\":\"sk-secret\"}".to_vec(), "not UTF-8"),
        (
            format!(r#"{{"type":"api_key","provider":"a","key":"sk-secret","x":{}1{}}}"#, "[".repeat(500), "]".repeat(500)).into_bytes(),
            "too deep",
        ),
        (
            br#"{"type":"oauth","provider":"a","access":"openclaw-oauth-refresh-fence:v1:x","refresh":"sk-secret"}"#.to_vec(),
            "refreshing this login",
        ),
        (format!(r#"{{"type":"api_key","provider":"a","key":"{}"}}"#, "k".repeat(2 << 20)).into_bytes(), "longer than 1 MiB"),
    ];
    for (entry, said) in table {
        let error = refused(&with_entry(&entry));
        assert!(error.contains(said), "{said:?} in {error}");
        assert!(error.contains("anthropic:default of base") || error.contains("value 0"), "{error}");
        assert!(!error.contains("sk-secret"), "{error}");
    }
}

#[test]
fn hostile_files_are_refused_and_land_nowhere() {
    let set = |key: &'static str, to: Value| with_file(move |header| header[key] = to);
    let table: Vec<(Vec<u8>, &str)> = vec![
        (set("path", json!("../../../etc/cron.d/x")), "leads out"),
        (set("path", json!("/etc/cron.d/x")), "absolute"),
        (set("path", json!("/dev/sda")), "absolute"),
        (set("path", json!("a/./b")), "leads out"),
        (set("path", json!("a//b")), "empty name"),
        (set("path", json!("")), "empty"),
        (set("path", json!("a\u{0}b")), "control character"),
        (set("path", json!("..\\..\\x")), "backslash"),
        (set("path", json!("x".repeat(300))), "longer than any"),
        (set("agent", json!("ghost")), "not in the roster"),
        (set("agent", json!("../..")), "not in the roster"),
        (set("part", json!("link")), "unknown variant"),
        (set("part", json!("database")), "never comes along"),
        (set("mode", json!(0o4755)), "not its owner's alone"),
        (set("mode", json!(0o644)), "not its owner's alone"),
        (set("mode", json!(0)), "not its owner's alone"),
        (set("size", json!(6)), "more than the manifest says"),
        (set("size", json!(4)), "not as long as its header says"),
        (set("size", json!(u64::MAX)), "more than the manifest says"),
        (set("size", json!(-5)), "invalid value"),
        (set("target", json!("/etc/passwd")), "unknown field"),
    ];
    for (bytes, said) in table {
        let error = refused(&bytes);
        assert!(error.contains(said), "{said:?} in {error}");
    }
    let two = |paths: [&str; 2]| {
        let body = values(
            Body::new()
                .section(1, &manifest(|manifest| manifest["files"] = json!({ "files": 2, "bytes": 10 }))),
        );
        let with = |body: Body, path: &str| {
            let mut header = header();
            header["path"] = json!(path);
            body.file(&header, b"hello")
        };
        paths.into_iter().fold(body, with).end()
    };
    assert!(refused(&two(["a", "a"])).contains("twice"));
    assert!(refused(&two(["a", "a/b"])).contains("a file and a directory"));
    assert!(refused(&two(["a/b", "a"])).contains("a file and a directory"));
    assert!(read(&two(["a/b", "a.b"]), None).is_ok());
}

#[test]
fn sections_in_another_order_or_of_another_kind_are_refused() {
    let manifest = manifest(|_| {});
    let wrong_digest = [b"hello".as_slice(), &[0; 32]].concat();
    let header = header().to_string().into_bytes();
    let table: Vec<(Vec<u8>, &str)> = vec![
        (Body::new().end(), "stands where the manifest should be"),
        (values(Body::new()).section(1, &manifest).end(), "stands where the manifest should be"),
        (Body::new().section(1, &manifest).section(1, &manifest).end(), "stands where a value should be"),
        (
            values(Body::new().section(1, &manifest)).section(2, b"{}").end(),
            "stands where a file or the end should be",
        ),
        (values(Body::new().section(1, &manifest)).section(9, b"").end(), "unknown kind"),
        (values(Body::new().section(1, &manifest)).section(4, b"").end(), "stands where a file"),
        (
            values(Body::new().section(1, &manifest)).section(3, &header).section(3, &header).end(),
            "not as long as",
        ),
        (
            values(Body::new().section(1, &manifest)).section(3, &header).section(4, &wrong_digest).end(),
            "does not fit its digest",
        ),
        (values(Body::new().section(1, &manifest)).end(), "files: are 0"),
        (values(Body::new().section(1, &manifest)).section(3, &vec![b' '; 20 << 10]).end(), "may have 16384"),
        (Body::new().lying(1, 1 << 30, b"{}").end(), "may have 16777216"),
        (Body::new().lying(1, u64::MAX, b"{}").end(), "may have 16777216"),
        (Body::new().section(1, &manifest).lying(2, 1 << 30, b"x").end(), "may have 16777216"),
        (Body::new().section(1, &manifest).lying(2, 1 << 20, b"x").end(), "cut off"),
    ];
    for (bytes, said) in table {
        let error = refused(&bytes);
        assert!(
            error.contains(said) && (error.contains("byte ") || error.contains("files")),
            "{said:?} in {error}"
        );
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let (_dir, payload) = good();
    let code = code();
    for (lock, key) in [(Lock::Clear, Key::Nothing), (Lock::Code(&code), Key::Code(&code))] {
        for form in [Form::Binary, Form::Text] {
            let whole = written(&payload, lock, form);
            // Only the line end behind the last marker may be missing.
            let end = if form == Form::Text { whole.len() - 1 } else { whole.len() };
            for at in 0..end {
                let drafts = TempDir::new().unwrap();
                let result =
                    opened(&whole[..at]).and_then(|incoming| incoming.read(key, Some(drafts.path())));
                assert!(result.is_err(), "cut at {at} of {}", whole.len());
                drop(result);
                assert_eq!(std::fs::read_dir(drafts.path()).unwrap().count(), 0, "cut at {at}");
            }
            for more in [b"x".as_slice(), b"\0", b"\n\nx", &whole] {
                let longer = [whole.as_slice(), more].concat();
                assert!(opened(longer.as_slice()).and_then(|incoming| incoming.read(key, None)).is_err());
            }
        }
    }
}

#[test]
fn what_is_no_payload_is_told_at_once() {
    for bytes in [
        b"".as_slice(),
        b"PK\x03\x04 a zip of sorts",
        b"-----BEGIN CERTIFICATE-----\n",
        b"{}",
        &[0; 4096],
        b"-----BEGIN",
    ] {
        let error =
            opened(bytes).and_then(|incoming| incoming.read(Key::Nothing, None)).map(|_| ()).unwrap_err();
        assert!(matches!(error, ReadError::NotAPayload | ReadError::Refused { .. }), "{error}");
    }
    let mut later = HEADER;
    later[8] = 2;
    assert!(matches!(opened(later.as_slice()).map(|_| ()).unwrap_err(), ReadError::OtherForm { found: 2 }));
    let mut sealed = HEADER;
    sealed[9] = 7;
    assert!(opened(sealed.as_slice()).map(|_| ()).unwrap_err().to_string().contains("nobody knows"));
}

#[test]
fn text_is_read_however_it_was_pasted_and_no_other() {
    let (_dir, payload) = good();
    let text = String::from_utf8(written(&payload, Lock::Clear, Form::Text)).unwrap();
    let reads = |text: &str| opened(text.as_bytes()).and_then(|incoming| incoming.read(Key::Nothing, None));
    for same in [
        text.clone(),
        text.replace('\n', "\r\n"),
        format!("\u{feff}\n\n  {}", text.replace('\n', "  \n  ")),
        format!("{text}\n\n \n"),
    ] {
        assert_same(&reads(&same).unwrap(), &payload);
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    for wrong in [
        swapped.join("\n"),
        lines[..lines.len() - 1].join("\n"),
        text.replacen('A', "!", 1),
        text.replace("\n", "\n\n"),
        format!("{}\n{}", "x".repeat(5000), text),
        text.replace("KEYSHOAL PAYLOAD-----\n", &format!("KEYSHOAL PAYLOAD-----\n{}\n", "A".repeat(5000))),
    ] {
        assert!(reads(&wrong).is_err(), "{wrong:.200}");
    }
    // Who pastes does not have to end the input.
    let endless = std::io::Read::chain(text.as_bytes(), std::io::repeat(b'x'));
    assert!(open(endless, Limits::default(), Tail::Unread).unwrap().read(Key::Nothing, None).is_ok());
}

#[test]
fn another_key_is_told_from_damage() {
    let (_dir, payload) = good();
    let (one, other) = (code(), code());
    let sealed = written(&payload, Lock::Code(&one), Form::Binary);
    let of = |key: Key<'_>| opened(sealed.as_slice()).unwrap().read(key, None).map(|_| ()).unwrap_err();
    assert!(matches!(of(Key::Code(&other)), ReadError::WrongCode));
    assert!(matches!(of(Key::Nothing), ReadError::OtherKey { .. }));
    assert!(matches!(of(Key::Recipient(&recipient())), ReadError::OtherKey { .. }));
    let mut damaged = sealed.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let error = opened(damaged.as_slice()).unwrap().read(Key::Code(&one), None).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("does not open"), "{error}");
    let (ours, theirs) = (recipient(), keyshoal_seal::KeyFile::from_bytes([3; 32]).recipient_key());
    let sealed = written(&payload, Lock::Recipient(&theirs.recipient()), Form::Binary);
    let error = opened(sealed.as_slice()).unwrap().read(Key::Recipient(&ours), None).map(|_| ()).unwrap_err();
    assert!(matches!(error, ReadError::OtherRecipient { .. }), "{error}");
}

#[test]
fn what_would_be_refused_is_not_written() {
    let (_dir, mut payload) = good();
    payload.files[0].path = "../x".into();
    let mut bytes = Vec::new();
    assert!(keyshoal_transfer::write(&payload, Lock::Clear, Form::Binary, &mut bytes).is_err());
    assert!(bytes.is_empty());
}

#[test]
fn a_draft_is_its_owners_alone_and_stays_only_when_it_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, payload) = good();
    let drafts = TempDir::new().unwrap();
    let mut back = read(&clear(&payload), Some(drafts.path())).unwrap();
    let draft: Draft = back.draft.take().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(draft.path()), 0o700);
    assert_eq!(mode(&draft.path().join("stocks/workspace/notes")), 0o700);
    assert_eq!(mode(back.files[0].at.as_ref().unwrap()), 0o600);
    let kept = draft.keep();
    assert_eq!(std::fs::read_to_string(kept.join("stocks/workspace/notes/a")).unwrap(), "hello");
}
