//! `docs/parity-management.md`, made from the registry: each operation and each member, with what becomes of it here.

use super::operations::{DOCUMENT, OPERATIONS, Operation};
use super::shapes;

/// What becomes of something that AWS takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Works,
    /// Kept, checked, shown and exported; nothing is done with it.
    Stored,
    /// Kept until a deployment needs it, which is then refused; or refused at once.
    Refused,
}

/// Where something does not simply work. An empty operation is every one that has the member; an empty member is the whole
/// operation.
#[rustfmt::skip] // one row a member
const EFFECTS: &[(&str, &str, Effect, &str)] = &[
    ("GetSdk", "", Effect::Refused, "400: nothing generates SDKs yet"),
    ("TestInvokeAuthorizer", "", Effect::Works, "by the data plane's own code"),
    ("TestInvokeAuthorizer", "additionalContext", Effect::Stored, "nothing looks at it"),
    ("TestInvokeMethod", "", Effect::Works, "by the data plane's own code, with the execution log"),
    ("TestInvokeMethod", "clientCertificateId", Effect::Stored, "no certificate is shown to the backend"),
    ("FlushStageCache", "", Effect::Works, "nothing is cached yet, so there is nothing to flush"),
    ("FlushStageAuthorizersCache", "", Effect::Works, "of all its authorizers, and of tokens"),
    ("GetUsage", "", Effect::Works, "up to a second late"),
    ("", "authorizerCredentials", Effect::Works, "by the keys that stand for the role (`[[aws.credentials]]`)"),
    ("", "authorizerUri", Effect::Works, "where the settings say that the function lives; refused at deployment without a place"),
    ("", "cacheClusterEnabled", Effect::Refused, "where it is true, unless `--lenient`"),
    ("", "cacheClusterSize", Effect::Stored, ""),
    ("", "cacheKeyParameters", Effect::Stored, "nothing is cached yet"),
    ("", "cacheNamespace", Effect::Stored, "nothing is cached yet"),
    ("", "certificateArn", Effect::Stored, "listeners speak plain HTTP yet"),
    ("", "certificateBody", Effect::Stored, "listeners speak plain HTTP yet"),
    ("", "certificateChain", Effect::Stored, "listeners speak plain HTTP yet"),
    ("", "certificateName", Effect::Stored, ""),
    ("", "certificatePrivateKey", Effect::Stored, "never shown"),
    ("", "connectionId", Effect::Refused, "at deployment, with VPC_LINK"),
    ("", "connectionType", Effect::Refused, "at deployment, for VPC_LINK"),
    ("", "credentials", Effect::Works, "of AWS integrations, by the keys that stand for the role (`[[aws.credentials]]`); of HTTP integrations refused at deployment"),
    ("", "documentationVersion", Effect::Stored, ""),
    ("", "endpointAccessMode", Effect::Stored, ""),
    ("", "integrationTarget", Effect::Stored, ""),
    ("", "mutualTlsAuthentication", Effect::Refused, "unless `--lenient`, which keeps the domain closed"),
    ("", "operationName", Effect::Stored, ""),
    ("", "ownershipVerificationCertificateArn", Effect::Stored, ""),
    ("CreateDomainName", "policy", Effect::Stored, ""),
    ("", "regionalCertificateArn", Effect::Stored, "listeners speak plain HTTP yet"),
    ("", "regionalCertificateName", Effect::Stored, ""),
    ("PutMethod", "requestModels", Effect::Works, "looked at where a validator is in force"),
    ("PutMethodResponse", "responseModels", Effect::Stored, ""),
    ("", "securityPolicy", Effect::Stored, "listeners speak plain HTTP yet"),
    ("", "stageKeys", Effect::Stored, ""),
    ("", "tlsConfig", Effect::Refused, "at deployment, where it skips verification"),
    ("", "tracingEnabled", Effect::Stored, "no segments are sent yet"),
    ("PutIntegration", "type", Effect::Works, "a function or a role that the settings do not place is refused at deployment"),
    ("", "endpointConfiguration", Effect::Works, "PRIVATE by listeners of `[[vpc-endpoints]]`"),
];

/// The page, as it is kept in `docs/`.
pub fn page() -> String {
    let mut page = String::from(
        "# Parity of the management API\n\n\
         Made from the registry (`src/control/admin/operations.rs`) by `WEIR_WRITE=1 cargo test --lib parity`: do not edit.\n\n\
         - **works**: as AWS does it.\n\
         - **stored**: kept, checked, returned and exported; nothing is done with it yet.\n\
         - **refused**: kept, and refused when something that needs it would be served; or refused at once. Never silently open.\n\n\
         Members that are not named work. `patchOperations` takes what AWS takes of each member (control-plane patches).\n\n\
         | Operation | Request | | Members that do not simply work |\n|---|---|---|---|\n",
    );
    for operation in OPERATIONS {
        let own = effect(operation.name, "");
        let note = if own.1.is_empty() { String::new() } else { format!("{} ", own.1) };
        let members = if operation.body == DOCUMENT { "" } else { operation.body };
        let listed: Vec<String> =
            shapes::members(members).filter_map(|member| listed(operation, member.name)).collect();
        page.push_str(&format!(
            "| {} | `{} {}` | {} | {note}{} |\n",
            operation.name,
            operation.verb,
            operation.path,
            word(own.0),
            listed.join("; ")
        ));
    }
    page
}

fn listed(operation: &Operation, member: &str) -> Option<String> {
    let (effect, note) = effect(operation.name, member);
    if effect == Effect::Works && note.is_empty() {
        return None;
    }
    let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
    Some(format!("`{member}` {}{note}", word(effect)))
}

fn effect(operation: &str, member: &str) -> (Effect, &'static str) {
    let of = |wanted: &str| {
        EFFECTS
            .iter()
            .find(|(name, of, ..)| *name == wanted && *of == member && (!wanted.is_empty() || !member.is_empty()))
    };
    of(operation).or_else(|| of("")).map_or((Effect::Works, ""), |(_, _, effect, note)| (*effect, *note))
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Works => "works",
        Effect::Stored => "stored",
        Effect::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_of_today() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/parity-management.md");
        if std::env::var_os("WEIR_WRITE").is_some() {
            std::fs::write(path, page()).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == page(),
            "docs/parity-management.md is not what the registry says: WEIR_WRITE=1 cargo test --lib parity"
        );
    }

    #[test]
    fn every_effect_is_of_something() {
        for (operation, member, ..) in EFFECTS {
            let met = OPERATIONS.iter().any(|known| {
                (operation.is_empty() || known.name == *operation)
                    && (member.is_empty() || shapes::members(known.body).any(|known| known.name == *member))
            });
            assert!(met, "{operation} {member}");
        }
    }
}
