//! Every statement that is asked of a vault, once: in SQL that SQLite and PostgreSQL both take.

macro_rules! queries {
    ($($name:ident = $text:literal;)*) => {
        $(pub(crate) const $name: &str = $text;)*
        #[cfg(test)]
        pub(crate) const ALL: &[&str] = &[$($text),*];
    };
}

queries! {
    VAULT = "SELECT id, created, tag FROM vault";
    NEW_VAULT = "INSERT INTO vault (only_row, id, created, tag, events, last_event, instances, tally_tag) \
        VALUES (1, $1, $2, $3, 0, $3, 0, $3)";
    TALLY = "SELECT events, last_event, instances, tally_tag FROM vault";
    SET_TALLY = "UPDATE vault SET events = $1, last_event = $2, instances = $3, tally_tag = $4 WHERE only_row = 1";
    SET_VAULT_TAG = "UPDATE vault SET tag = $1 WHERE only_row = 1";
    KEYS = "SELECT id, source, state, added, since, wrapped FROM keys ORDER BY added, id";
    NEW_KEY = "INSERT INTO keys (id, source, state, added, since, wrapped) VALUES ($1, $2, $3, $4, $4, $5)";
    SET_KEY_STATE = "UPDATE keys SET state = $2, since = $3 WHERE id = $1";
    SET_KEY_SOURCE = "UPDATE keys SET source = $2 WHERE id = $1";
    FORGET_KEY = "UPDATE keys SET state = 'retired', since = $2, wrapped = NULL WHERE id = $1";
    TAKE_KEY_BACK = "UPDATE keys SET state = 'active', source = $2, since = $3, wrapped = $4 WHERE id = $1";

    OPEN_REKEY = "SELECT id, old_key, new_key, begun FROM rekeys WHERE finished IS NULL";
    NEW_REKEY = "INSERT INTO rekeys (id, old_key, new_key, begun) VALUES ($1, $2, $3, $4)";
    FINISH_REKEY = "UPDATE rekeys SET finished = $2 WHERE id = $1";
    COUNT_VERSIONS_OF_KEY = "SELECT count(*) FROM versions WHERE key_id = $1";
    COUNT_DOCUMENTS_OF_KEY = "SELECT count(*) FROM documents WHERE key_id = $1";
    MIXED_UP_VERSIONS = "SELECT count(*) FROM versions WHERE key_id <> substr(wrapped, 2, 8)";
    MIXED_UP_DOCUMENTS = "SELECT count(*) FROM documents WHERE key_id <> substr(wrapped, 2, 8)";
    COUNT_VERSIONS = "SELECT count(*) FROM versions";
    COUNT_DOCUMENTS = "SELECT count(*) FROM documents";
    VERSIONS_OF_KEY = "SELECT i.organisation, c.instance, v.credential, v.number, v.created, v.wrapped \
        FROM versions v JOIN credentials c ON c.uid = v.credential JOIN instances i ON i.id = c.instance \
        WHERE v.key_id = $1 LIMIT $2";
    REWRAP_VERSION = "UPDATE versions SET key_id = $3, wrapped = $4 WHERE credential = $1 AND number = $2";
    DOCUMENTS_OF_KEY = "SELECT i.organisation, d.instance, d.name, d.number, d.created, d.wrapped \
        FROM documents d JOIN instances i ON i.id = d.instance WHERE d.key_id = $1 LIMIT $2";
    REWRAP_DOCUMENT = "UPDATE documents SET key_id = $3, wrapped = $4 WHERE instance = $1 AND name = $2";

    NEW_ORGANISATION = "INSERT INTO organisations (id, created) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    COUNT_ORGANISATIONS = "SELECT count(*) FROM organisations";
    COUNT_INSTANCES = "SELECT count(*) FROM instances";
    COUNT_AGENTS = "SELECT count(*) FROM agents";
    COUNT_CREDENTIALS = "SELECT count(*) FROM credentials WHERE dropped = 0";

    INSTANCE_IDS = "SELECT id FROM instances ORDER BY organisation, name";
    INSTANCE_BY_NAME = "SELECT id FROM instances WHERE organisation = $1 AND name = $2";
    INSTANCE = "SELECT id, organisation, name, state_dir, config, delivery, models, profile_order, revision, created, tag \
        FROM instances WHERE id = $1";
    NEW_INSTANCE = "INSERT INTO instances \
        (id, organisation, name, state_dir, config, delivery, models, profile_order, revision, created, tag) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    SET_INSTANCE = "UPDATE instances SET name = $2, state_dir = $3, config = $4, delivery = $5, models = $6, \
        profile_order = $7, revision = $8 WHERE id = $1";
    SET_INSTANCE_TAG = "UPDATE instances SET tag = $2 WHERE id = $1";
    REMOVE_INSTANCE = "DELETE FROM instances WHERE id = $1";

    AGENTS = "SELECT uid, place, id, name, enabled, is_default, models, workspace FROM agents \
        WHERE instance = $1 ORDER BY place, uid";
    PARK_AGENT = "UPDATE agents SET id = uid, is_default = 0 WHERE uid = $1";
    PUT_AGENT = "INSERT INTO agents (uid, instance, place, id, name, enabled, is_default, models, workspace) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (uid) DO UPDATE SET place = excluded.place, id = excluded.id, name = excluded.name, \
        enabled = excluded.enabled, is_default = excluded.is_default, models = excluded.models, \
        workspace = excluded.workspace";
    REMOVE_AGENT = "DELETE FROM agents WHERE uid = $1";
    REMOVE_AGENTS = "DELETE FROM agents WHERE instance = $1";

    BINDINGS = "SELECT place, agent, matching, comment FROM bindings WHERE instance = $1 ORDER BY place";
    NEW_BINDING = "INSERT INTO bindings (instance, place, agent, matching, comment) VALUES ($1, $2, $3, $4, $5)";
    REMOVE_BINDINGS = "DELETE FROM bindings WHERE instance = $1";

    CREDENTIALS = "SELECT uid, place, profile, provider, kind, agent, dropped FROM credentials \
        WHERE instance = $1 ORDER BY place, uid";
    PUT_CREDENTIAL = "INSERT INTO credentials (uid, instance, place, profile, provider, kind, agent, dropped) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (uid) DO UPDATE SET place = excluded.place, dropped = excluded.dropped";
    REMOVE_CREDENTIAL = "DELETE FROM credentials WHERE uid = $1";
    REMOVE_CREDENTIALS = "DELETE FROM credentials WHERE instance = $1";

    VERSIONS = "SELECT v.credential, v.number, v.state, v.created, v.since, v.by_whom, v.why, v.expires \
        FROM versions v JOIN credentials c ON c.uid = v.credential \
        WHERE c.instance = $1 ORDER BY v.credential, v.number";
    SEALED_VERSIONS = "SELECT v.credential, v.number, v.state, v.created, v.key_id, v.wrapped, v.sealed \
        FROM versions v JOIN credentials c ON c.uid = v.credential \
        WHERE c.instance = $1 ORDER BY v.credential, v.number";
    NEW_VERSION = "INSERT INTO versions \
        (credential, number, state, created, since, by_whom, why, expires, key_id, wrapped, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    PARK_VERSION = "UPDATE versions SET state = 'retired' WHERE credential = $1 AND number = $2";
    SET_VERSION = "UPDATE versions SET state = $3, since = $4 WHERE credential = $1 AND number = $2";
    REMOVE_VERSION = "DELETE FROM versions WHERE credential = $1 AND number = $2";
    REMOVE_VERSIONS = "DELETE FROM versions WHERE credential IN (SELECT uid FROM credentials WHERE instance = $1)";
    STALE_INSTANCES = "SELECT DISTINCT c.instance FROM versions v JOIN credentials c ON c.uid = v.credential \
        WHERE v.state = 'retired' AND v.since < $1 ORDER BY c.instance";

    DOCUMENTS = "SELECT name, number, created FROM documents WHERE instance = $1 ORDER BY name";
    SEALED_DOCUMENTS = "SELECT name, number, created, key_id, wrapped, sealed FROM documents WHERE instance = $1 ORDER BY name";
    PUT_DOCUMENT = "INSERT INTO documents (instance, name, number, created, key_id, wrapped, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (instance, name) DO UPDATE SET number = excluded.number, created = excluded.created, \
        key_id = excluded.key_id, wrapped = excluded.wrapped, sealed = excluded.sealed";
    REMOVE_DOCUMENT = "DELETE FROM documents WHERE instance = $1 AND name = $2";
    REMOVE_DOCUMENTS = "DELETE FROM documents WHERE instance = $1";

    LAST_EVENT_OF = "SELECT at, by_whom, what FROM events WHERE instance = $1 ORDER BY number DESC LIMIT 1";
    NEW_EVENT = "INSERT INTO events (number, instance, at, by_whom, why, what, tag) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    EVENTS_OF = "SELECT e.number, e.instance, e.at, e.by_whom, e.why, e.what, e.tag, p.tag \
        FROM events e LEFT JOIN events p ON p.number = e.number - 1 \
        WHERE e.instance = $1 ORDER BY e.number DESC LIMIT $2";
    EVENTS = "SELECT e.number, e.instance, e.at, e.by_whom, e.why, e.what, e.tag, p.tag \
        FROM events e LEFT JOIN events p ON p.number = e.number - 1 \
        WHERE e.number > $1 ORDER BY e.number LIMIT $2";
    NEWEST_EVENTS = "SELECT e.number, e.instance, e.at, e.by_whom, e.why, e.what, e.tag, p.tag \
        FROM events e LEFT JOIN events p ON p.number = e.number - 1 ORDER BY e.number DESC LIMIT $1";

    RAW_AGENTS = "SELECT uid, place, id, name, enabled, is_default, models, workspace, instance FROM agents \
        WHERE instance = $1 OR instance NOT IN (SELECT id FROM instances) ORDER BY place, uid";
    RAW_BINDINGS = "SELECT place, agent, matching, comment, instance FROM bindings \
        WHERE instance = $1 OR instance NOT IN (SELECT id FROM instances) ORDER BY place";
    RAW_CREDENTIALS = "SELECT uid, place, profile, provider, kind, agent, dropped, instance FROM credentials \
        WHERE instance = $1 OR instance NOT IN (SELECT id FROM instances) ORDER BY place, uid";
    RAW_VERSIONS = "SELECT v.credential, v.number, v.state, v.created, v.since, v.by_whom, v.why, v.expires, \
        v.key_id, v.wrapped, v.sealed, c.instance \
        FROM versions v LEFT JOIN credentials c ON c.uid = v.credential \
        WHERE c.instance = $1 OR c.instance IS NULL OR c.instance NOT IN (SELECT id FROM instances) \
        ORDER BY v.credential, v.number";
    RAW_DOCUMENTS = "SELECT name, number, created, key_id, wrapped, sealed, instance FROM documents \
        WHERE instance = $1 OR instance NOT IN (SELECT id FROM instances) ORDER BY name";
    RAW_ROTATIONS = "SELECT id, instance, credential, stage, state, created, updated, finished, revision, tag \
        FROM rotations WHERE instance = $1 OR instance NOT IN (SELECT id FROM instances) ORDER BY created, id";
    MISSING_INSTANCES = "SELECT instance FROM agents UNION SELECT instance FROM credentials \
        UNION SELECT instance FROM bindings UNION SELECT instance FROM documents \
        UNION SELECT instance FROM rotations EXCEPT SELECT id FROM instances ORDER BY 1";
    SET_INSTANCE_ID = "UPDATE instances SET id = $2 WHERE id = $1";
    STRAY_ROTATIONS = "DELETE FROM rotations WHERE instance NOT IN (SELECT id FROM instances)";
    STRAY_BINDINGS = "DELETE FROM bindings WHERE instance NOT IN (SELECT id FROM instances) \
        OR agent NOT IN (SELECT uid FROM agents)";
    STRAY_DOCUMENTS = "DELETE FROM documents WHERE instance NOT IN (SELECT id FROM instances)";
    STRAY_CREDENTIALS = "DELETE FROM credentials WHERE instance NOT IN (SELECT id FROM instances)";
    STRAY_VERSIONS = "DELETE FROM versions WHERE credential NOT IN (SELECT uid FROM credentials)";
    STRAY_AGENTS = "DELETE FROM agents WHERE instance NOT IN (SELECT id FROM instances)";
    REMOVE_EVENTS_OUT_OF = "DELETE FROM events WHERE number > $1 OR number < 1";

    ROTATION_TAGS = "SELECT id, revision, tag FROM rotations WHERE instance = $1 ORDER BY created, id";
    ROTATIONS = "SELECT id, instance, credential, stage, state, created, updated, finished, revision, tag \
        FROM rotations WHERE instance = $1 ORDER BY created, id";
    ROTATION = "SELECT id, instance, credential, stage, state, created, updated, finished, revision, tag \
        FROM rotations WHERE id = $1";
    OPEN_ROTATION_OF = "SELECT id FROM rotations WHERE credential = $1 AND finished IS NULL";
    NEW_ROTATION = "INSERT INTO rotations \
        (id, instance, credential, stage, state, created, updated, finished, revision, tag) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    SET_ROTATION = "UPDATE rotations SET stage = $3, state = $4, updated = $5, finished = $6, revision = $7, tag = $8 \
        WHERE id = $1 AND revision = $2";
    REMOVE_ROTATIONS = "DELETE FROM rotations WHERE instance = $1";
}

/// What removes rows that belong to nothing, in the order in which they hang together.
pub(crate) const STRAYS: [&str; 6] =
    [STRAY_ROTATIONS, STRAY_BINDINGS, STRAY_DOCUMENTS, STRAY_CREDENTIALS, STRAY_VERSIONS, STRAY_AGENTS];

/// What removes everything of an instance, each with its id: what refers to others first.
pub const REMOVE_WHOLE: [&str; 7] = [
    REMOVE_ROTATIONS,
    REMOVE_BINDINGS,
    REMOVE_DOCUMENTS,
    REMOVE_VERSIONS,
    REMOVE_CREDENTIALS,
    REMOVE_AGENTS,
    REMOVE_INSTANCE,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    /// Words that only one of the two databases knows.
    const FOREIGN: &[&str] = &[
        "OR REPLACE",
        "OR IGNORE",
        "rowid",
        "datetime",
        "julianday",
        "strftime",
        "ifnull",
        "GLOB",
        "json_",
        "::",
        "ILIKE",
        "NOW()",
        "TRUE",
        "FALSE",
        "x'",
        "||",
        "?",
    ];

    /// Parameters are `$1` to `$n` without a gap: SQLite numbers them by their numbers only because they are translated.
    #[test]
    fn every_statement_is_common_ground() {
        for text in ALL {
            for word in FOREIGN {
                assert!(!text.contains(word), "{word} in {text}");
            }
            let mut numbers: Vec<u32> = text
                .split('$')
                .skip(1)
                .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap())
                .collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>(), "{text}");
        }
    }
}
