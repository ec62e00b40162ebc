//! What entries of `models.providers` change about requests.

use super::{Place, Plain};
use keyshoal_core::{ProviderId, Secret, Transport, TransportValue};

fn of(text: &str) -> (Transport, Vec<Secret>, Vec<String>) {
    let mut place = Place::new(&format!("{{models: {{providers: {{p: {text}}}}}}}"));
    place.env.vars.insert("TENANT".into(), "blue".into());
    let config = place.load();
    let decl = &config.providers[&ProviderId::new("p")].transport;
    let endpoint = config.endpoint(&ProviderId::new("p"), &Plain);
    assert!(!format!("{decl:?} {endpoint:?} {}", endpoint.key()).contains("hush"), "a value was shown");
    (
        endpoint.transport.map(|boxed| *boxed).unwrap_or_default(),
        decl.secrets().cloned().collect(),
        config.warnings,
    )
}

#[test]
fn headers_are_known_by_fingerprints_or_unresolved_by_name() {
    let (transport, secrets, _) = of(
        "{headers: {'X-Tenant': '${TENANT}', 'X-Key': 'hush', 'X-Ref': {source: 'env', provider: 'default', \
        id: 'TENANT'}, 'X-None': 'Bearer ${NOT_SET}', 'X-Exec': {source: 'exec', provider: 'op', id: 'op/key'}}, \
        request: {headers: {'x-key': 'hush-2'}}, authHeader: true}",
    );
    let unresolved = |name: &str| Some(TransportValue::Unresolved(name.to_owned()));
    assert!(transport.bearer && transport.unlike.is_none() && transport.proxy.is_none());
    assert_eq!(transport.headers.len(), 5);
    assert_eq!(transport.headers.get("x-none").cloned(), unresolved("NOT_SET"));
    assert_eq!(transport.headers.get("x-exec").cloned(), unresolved("op/key"));
    assert_eq!(transport.headers.get("x-tenant"), transport.headers.get("x-ref"), "both are blue");
    assert_eq!(secrets, ["hush-2", "blue", "blue"].map(Secret::new), "request.headers counts");
}

#[test]
fn what_cannot_be_done_likewise_is_named() {
    let unlike = |text: &str| of(&format!("{{request: {text}}}")).0.unlike;
    assert_eq!(
        unlike("{auth: {mode: 'header', headerName: 'x', value: 'hush'}}").as_deref(),
        Some("request.auth")
    );
    assert_eq!(unlike("{auth: {mode: 'provider-default'}}"), None);
    assert_eq!(unlike("{tls: {insecureSkipVerify: true}}").as_deref(), Some("request.tls"));
    assert_eq!(
        unlike("{proxy: {mode: 'explicit-proxy', url: 'http://p', tls: {}}}").as_deref(),
        Some("request.proxy.tls")
    );
    let (proxied, secrets, _) = of("{request: {proxy: {mode: 'explicit-proxy', url: 'http://me:hush@p:1'}}}");
    assert!(matches!(proxied.proxy, Some(TransportValue::Known(_))));
    assert_eq!(secrets, [Secret::new("http://me:hush@p:1")]);
    assert_eq!(of("{}").0, Transport::default());
}
