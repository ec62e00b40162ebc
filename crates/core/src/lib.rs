//! Domain values and pure functions of Keyshoal.
//!
//! Nothing here does I/O, reads a clock or the environment, or waits: functions that need the time take `now`. No value
//! in this crate but [`Secret`] ever holds secret material; everything else knows a secret only by its [`Fingerprint`].

mod absorb;
pub mod activation;
pub mod alarm;
pub mod artifacts;
pub mod candidate;
pub mod changes;
pub mod credential;
pub mod delivery;
pub mod desired;
pub mod endpoint;
pub mod examination;
pub mod fact;
pub mod finding;
pub mod fingerprint;
pub mod ids;
pub mod instance;
pub mod judge;
pub mod knowledge;
pub mod need;
pub mod observation;
pub mod plan;
pub mod planner;
pub mod receipt;
pub mod record;
pub mod residue;
pub mod secret;
pub mod simulate;
pub mod time;
pub mod turn;
pub mod vault;
pub mod verdict;
pub mod wish;

pub use activation::{ActivationMode, ActivationNeed, ActivationOutcome};
pub use alarm::{Alarm, Condition, ConditionId, Nature, Topic, Turned};
pub use candidate::{Candidate, OutReason, Place, SessionPin, Standing};
pub use credential::{CredentialKind, Material, Referred, SecretRef, SecretSource};
pub use delivery::{Delivery, Post};
pub use desired::{Desired, Scope, SourceOf, SourceValue};
pub use endpoint::{Endpoint, Transport, TransportValue};
pub use examination::Examination;
pub use fact::Fact;
pub use finding::{Finding, FindingKind, Severity};
pub use fingerprint::{Fingerprint, Fingerprints};
pub use ids::{AgentId, InstanceId, ProfileId, ProviderId, RunId, StoreId};
pub use instance::{Capabilities, GatewayView, Instance, Layout};
pub use judge::{Judged, Judgement, Remedy, SourceState, judge};
pub use knowledge::Knowledge;
pub use need::Need;
pub use observation::{AgentView, Observation, ProfileView, StoreHealth, StoreView, UsageView};
pub use plan::{Action, ConfigChange, ConfigEdit, ConfigHeld, HeldWhy, Joining, Plan, Question, Undecided};
pub use planner::plan;
pub use receipt::{Receipt, StepState};
pub use secret::Secret;
pub use simulate::simulate;
pub use time::Timestamp;
pub use turn::{ModelName, Turn, TurnOutcome};
pub use verdict::{Ask, Verdict, VerdictKind};
pub use wish::{Line, Wish};
