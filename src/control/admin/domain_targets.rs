//! What AWS computes of a domain name: where DNS should point, and the ARN.

use serde_json::Value;

use super::call::Facts;
use super::common::text_of;
use super::patch::set;
use crate::model::api_rows::Object;

/// The zone of every edge-optimized domain.
const EDGE_ZONE: &str = "Z2FDTNDATAQYW2";
/// The zones of regional domains, as AWS publishes them. Nothing but an alias record in Route 53 reads them.
const REGIONAL_ZONES: &[(&str, &str)] = &[
    ("ap-northeast-1", "Z1YSHQZHG15GKL"),
    ("ap-northeast-2", "Z20JF4UZKIW1U8"),
    ("ap-northeast-3", "Z2YQB5RD63NC85"),
    ("ap-south-1", "Z3VO1THU9YC4UR"),
    ("ap-southeast-1", "ZL327KTPIQFUL"),
    ("ap-southeast-2", "Z2RPCDW04V8134"),
    ("ca-central-1", "Z19DQILCV0OWEC"),
    ("eu-central-1", "Z1U9ULNL0V5AJ3"),
    ("eu-north-1", "Z2YB950C88HT6D"),
    ("eu-west-1", "ZLY8HYME6SFDD"),
    ("eu-west-2", "ZJ5UAJN8Y3Z2Q"),
    ("eu-west-3", "Z3KY65QIEKYHQQ"),
    ("sa-east-1", "ZCMLWB8V5SYIT"),
    ("us-east-1", "Z1UJRXOUMOOFQ8"),
    ("us-east-2", "ZOJJZC49E0EPZ"),
    ("us-west-1", "Z2MUQ32089INYE"),
    ("us-west-2", "Z2OJLYMUO9EFXC"),
];

/// The endpoint types of a domain.
pub fn types(domain: &Object) -> impl Iterator<Item = &str> {
    let types = domain.get("endpointConfiguration").and_then(|configuration| configuration.get("types")?.as_array());
    types.into_iter().flatten().filter_map(Value::as_str)
}

/// The segment of a domain's key: its name, and for a private one the id as well, so that several may have one name.
pub fn row_name(domain: &Object) -> String {
    match text_of(domain, "_key") {
        "" => text_of(domain, "domainName").to_owned(),
        key => key.to_owned(),
    }
}

/// Writes what follows from the endpoint types and is not there yet; what they no longer give goes. `id` makes ten
/// random characters.
pub fn computed(facts: &Facts, domain: &mut Object, id: impl Fn() -> String) {
    let has = |kind: &str| types(domain).any(|known| known == kind);
    let (edge, regional, private) = (has("EDGE"), has("REGIONAL"), has("PRIVATE"));
    let suffix = if facts.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let zone = REGIONAL_ZONES.iter().find(|(region, _)| *region == facts.region);
    // A region that is not in the table gets the zone of the first one there was.
    let zone = zone.map_or("Z1UJRXOUMOOFQ8", |(_, zone)| zone);
    let random = id();
    let members = [
        ("regionalDomainName", regional, format!("d-{random}.execute-api.{}.{suffix}", facts.region)),
        ("regionalHostedZoneId", regional, zone.to_owned()),
        ("distributionDomainName", edge, format!("d{random}{}.cloudfront.net", &id()[..3])),
        ("distributionHostedZoneId", edge, EDGE_ZONE.to_owned()),
        ("domainNameId", private, random),
    ];
    for (member, wanted, value) in members {
        if !wanted {
            domain.shift_remove(member);
        } else if !domain.contains_key(member) {
            domain.insert(member.to_owned(), value.into());
        }
    }
    // Neither VPC endpoints nor client certificates can be told apart yet: such a domain is kept and answers nobody.
    if private || domain.contains_key("mutualTlsAuthentication") {
        set(domain, "_closed", true.into());
    } else {
        domain.shift_remove("_closed");
    }
    let name = text_of(domain, "domainName");
    // Private domains can be of several accounts, so theirs is in the ARN (wire-protocol section 5).
    let arn = match text_of(domain, "domainNameId") {
        "" => {
            let arn = facts.arn(&format!("/domainnames/{name}"));
            domain.shift_remove("_key");
            arn
        }
        id => {
            let key = format!("{name}+{id}");
            let arn = account_arn(facts, &format!("/domainnames/{key}"));
            set(domain, "_key", key.into());
            arn
        }
    };
    set(domain, "domainNameArn", arn.into());
    set(domain, "domainNameStatus", "AVAILABLE".into());
}

/// An ARN of API Gateway with the account in it.
pub fn account_arn(facts: &Facts, path: &str) -> String {
    format!("arn:{}:apigateway:{}:{}:{path}", facts.partition, facts.region, facts.account_id)
}
