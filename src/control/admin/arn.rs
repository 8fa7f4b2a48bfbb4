//! Amazon Resource Names: `arn:partition:service:region:account:resource`.

/// The parts of an ARN. Any but the partition, the service and the resource may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    /// All that follows, colons and slashes with it.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let [partition, service, region, account, resource] = std::array::from_fn(|_| parts.next());
        let arn =
            Self { partition: partition?, service: service?, region: region?, account: account?, resource: resource? };
        (arn.partition.starts_with("aws") && !arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }

    /// `arn:aws:iam::123456789012:role/name`, with any path before the name.
    pub fn is_role(&self) -> bool {
        let named = self.resource.strip_prefix("role/").is_some_and(|name| !name.is_empty());
        self.service == "iam" && self.region.is_empty() && self.has_account() && named
    }

    pub fn has_account(&self) -> bool {
        self.account.len() == 12 && self.account.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// `eu-west-1`; where a region is a placeholder (`region`) AWS refuses the ARN.
    pub fn has_region(&self) -> bool {
        let words: Vec<&str> = self.region.split('-').collect();
        words.len() > 2
            && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_arn() {
        let arn = Arn::parse("arn:aws:apigateway:us-east-1::/restapis/a:b").expect("an ARN");
        assert_eq!((arn.service, arn.account, arn.resource), ("apigateway", "", "/restapis/a:b"));
        for wrong in ["", "arn", "arn:aws:s3", "arn:aws:s3:::", "arn:acme:s3:::b", "urn:aws:s3:::b", "arn:aws::::b"] {
            assert_eq!(Arn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn roles_and_regions() {
        let is_role = |text| Arn::parse(text).is_some_and(|arn| arn.is_role());
        assert!(is_role("arn:aws:iam::123456789012:role/path/name"));
        assert!(is_role("arn:aws-cn:iam::123456789012:role/name"));
        assert!(!is_role("arn:aws:iam::123456789012:role/"));
        assert!(!is_role("arn:aws:iam::12345678901:role/name"));
        assert!(!is_role("arn:aws:iam::123456789012:user/name"));
        let has_region =
            |region| Arn::parse(&format!("arn:aws:lambda:{region}:1:x")).is_some_and(|arn| arn.has_region());
        assert!(has_region("us-east-1") && has_region("us-gov-west-1"));
        assert!(!has_region("region") && !has_region("") && !has_region("us--1"));
    }
}
