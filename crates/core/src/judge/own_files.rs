//! References into files of the person's own, which OpenClaw cannot follow: whoever refers so has nothing to send after the next reload.

use super::words::Words;
use super::{Judgement, Sight, instance};
use crate::{FindingKind, Material, Observation, Referred, SecretRef, Severity, StoreId};
use std::collections::BTreeSet;

/// Tells of each, with the stores that refer so. Where the gateway runs somewhere else than here, in a container for instance, its files may
/// be others: then nobody can tell, and it is no alarm.
pub(super) fn tell(sight: &Sight<'_>, judgement: &mut Judgement) {
    let gateway = &sight.observed.instance.gateway;
    let elsewhere = gateway.running == Some(true) && gateway.pid.is_none();
    let severity = if elsewhere { Severity::Info } else { Severity::Attention };
    for (reference, Referred { nowhere, .. }) in &sight.observed.referred {
        let Some(why) = nowhere else { continue };
        let SecretRef { provider, id, .. } = reference;
        let whose = whose(sight.observed, reference).into_iter().collect::<Vec<_>>().join(", ");
        let text =
            format!("{whose}: the reference to {id} of secrets.providers.{provider} leads nowhere: {why}");
        let words = Words::new(FindingKind::Missing, text).severity(severity);
        judgement.findings.push(instance::whole(words.fix("put that right, and then keyshoal sync")));
    }
}

/// Returns who refers so, as people name it.
fn whose(observed: &Observation, reference: &SecretRef) -> BTreeSet<String> {
    let refers = |material: &Material| material.reference() == Some(reference);
    let mut whose = BTreeSet::new();
    for (store, view) in &observed.stores {
        let profiles = view.profiles.iter().filter(|(_, profile)| refers(&profile.material));
        let names: Vec<&str> = observed.agents_of(store).map(|agent| agent.id.as_str()).collect();
        let names = match store {
            StoreId::Base => "what all inherit".to_owned(),
            StoreId::Agent(_) => names.join(", "),
        };
        whose.extend(profiles.map(|(profile, _)| format!("{profile} of {names}")));
    }
    let keys = observed.config_keys.iter().filter(|(_, material)| refers(material));
    whose.extend(keys.map(|(provider, _)| format!("models.providers.{provider}.apiKey")));
    whose
}
