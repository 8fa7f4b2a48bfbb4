//! Where calls come from: `[[vpc-endpoints]]` and `trusted-proxies`, from as written to as meant.

use std::net::SocketAddr;

use super::callers::VpcEndpoint;
use super::check::Checker;
use super::file::{Reader, Value};
use super::limits::{TRUSTED_PROXIES_MAX, VPC_ENDPOINTS_MAX};
use super::network::{Network, network};
use super::raw::{Key, RawVpcEndpoint};
use super::words::{self, Parsed};

const KEYS: [&str; 3] = ["id", "vpc", "listen"];
const CODE: &str = "settings::vpc-endpoints";

impl Reader<'_> {
    pub(super) fn vpc_endpoints(&mut self, value: &Value<'_>) {
        for (item, table) in self.tables("vpc-endpoints", value, "[[vpc-endpoints]] tables with `id` and `listen`") {
            let mut endpoint = RawVpcEndpoint { written: Some(self.place(item.span())), ..RawVpcEndpoint::default() };
            for (name, value) in table {
                let said = value.get_ref().as_str().map(|text| self.said(text, value));
                match name.get_ref().as_ref() {
                    "id" if said.is_some() => endpoint.id = said,
                    "vpc" if said.is_some() => endpoint.vpc = said,
                    "listen" if said.is_some() => endpoint.listen = said,
                    name if KEYS.contains(&name) => self.wrong_type(name, value, "a text"),
                    _ => self.unknown(name, "a key of [[vpc-endpoints]]", KEYS),
                }
            }
            self.raw.vpc_endpoints.push(endpoint);
        }
    }
}

impl Checker<'_> {
    /// What they listen on is listened on: it is added to `listen` where it is not there.
    pub(super) fn vpc_endpoints(&mut self, listen: &mut Vec<SocketAddr>) -> Vec<VpcEndpoint> {
        let raw = self.raw;
        if raw.vpc_endpoints.len() > VPC_ENDPOINTS_MAX {
            let found = format!("{} VPC endpoints are given", raw.vpc_endpoints.len());
            self.mistake(CODE, None, found, format!("Each is a listener: {VPC_ENDPOINTS_MAX} are the most."));
            return Vec::new();
        }
        let mut known: Vec<VpcEndpoint> = Vec::new();
        for raw in &raw.vpc_endpoints {
            let Some(endpoint) = self.vpc_endpoint(raw) else { continue };
            if known.iter().any(|other| other.listen == endpoint.listen) {
                let found = format!("two VPC endpoints listen on {}", endpoint.listen);
                self.mistake(
                    CODE,
                    raw.written,
                    found,
                    "Give each an address of its own: it tells which one a call came by.",
                );
            } else if known.iter().any(|other| other.id == endpoint.id && other.vpc != endpoint.vpc) {
                let found = format!("the VPC endpoint {} is in two VPCs", endpoint.id);
                self.mistake(CODE, raw.written, found, "Give all listeners of one endpoint the same `vpc`.");
            }
            if !listen.contains(&endpoint.listen) {
                listen.push(endpoint.listen);
            }
            known.push(endpoint);
        }
        known
    }

    fn vpc_endpoint(&mut self, raw: &RawVpcEndpoint) -> Option<VpcEndpoint> {
        for (name, said) in [("id", &raw.id), ("listen", &raw.listen)] {
            if said.is_none() {
                let help = format!("Add `{name} = \"{}\"`.", if name == "id" { "vpce-…" } else { "127.0.0.1:8081" });
                self.mistake(CODE, raw.written, format!("this VPC endpoint has no {name}"), help);
            }
        }
        let id = raw.id.as_ref().map(|said| self.checked(CODE, "id", said, |text| resource_id(text, "vpce-")));
        let vpc = raw.vpc.as_ref().map(|said| self.checked(CODE, "vpc", said, |text| resource_id(text, "vpc-")));
        let listen = raw.listen.as_ref().and_then(|said| self.checked(CODE, "listen", said, own_address));
        Some(VpcEndpoint { id: id??, vpc: vpc.map_or(Some(None), |vpc| vpc.map(Some))?, listen: listen? })
    }

    pub(super) fn trusted_proxies(&mut self) -> Vec<Network> {
        let mut networks = Vec::new();
        for said in self.raw.uppermost(Key::TrustedProxy) {
            for text in said.text.split(',') {
                networks.extend(self.parse(Key::TrustedProxy, said, |_| network(text.trim())));
            }
        }
        if networks.len() > TRUSTED_PROXIES_MAX {
            let found = format!("{} trusted proxies are given", networks.len());
            let help = format!("Each request's address is compared with all: {TRUSTED_PROXIES_MAX} are the most.");
            self.mistake("settings::trusted-proxies", None, found, help);
        }
        if networks.is_empty() && self.switch(Key::ProxyProtocol) {
            let found = "`proxy-protocol` is on, and no proxy is trusted to speak it".to_owned();
            let help =
                "Name the proxies with `trusted-proxies`: connections of nobody else may say who their client is.";
            self.mistake("settings::proxy-protocol", None, found, help);
        }
        networks
    }
}

/// `vpce-0123456789abcdef0`: AWS's have 8 or 17 hexadecimal digits; tests like to name theirs.
fn resource_id(text: &str, prefix: &str) -> Parsed<String> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = |rest: &str| (1..=32).contains(&rest.len()) && rest.bytes().all(letter);
    let help = || format!("Write {prefix} and 1 to 32 of a-z and 0-9, such as {prefix}0123456789abcdef0.");
    text.strip_prefix(prefix).filter(|rest| good(rest)).map(|_| text.to_owned()).ok_or_else(help)
}

fn own_address(text: &str) -> Parsed<SocketAddr> {
    let address = words::listen(text)?;
    if address.port() == 0 {
        return Err("Name the port: which endpoint a call came by is told by it.".into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::Path;

    use super::super::Settings;
    use super::super::file;
    use super::super::raw::{By, Mistake, Raw};
    use super::*;

    fn read(text: &str) -> Result<Settings, Vec<Mistake>> {
        let file = file::read(Path::new("/etc/weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
        file.under(Raw::default()).check(NonZeroUsize::MIN)
    }

    #[track_caller]
    fn refused(text: &str, at: &str, found: &str, help: &str) {
        let mistakes = read(text).expect_err("a mistake");
        assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
        let written = mistakes[0].written.map(|written| &text[written.offset..written.offset + written.length]);
        assert_eq!((written, mistakes.len()), (Some(at), 1));
    }

    #[test]
    fn endpoints_are_listened_on() {
        let text = "listen = ['127.0.0.1:1', '127.0.0.1:2']\n[[vpc-endpoints]]\nid = 'vpce-0a'\nvpc = 'vpc-1b'\n\
                    listen = '127.0.0.1:2'\n[[vpc-endpoints]]\nid = 'vpce-two'\nlisten = ':3'";
        let settings = read(text).expect("good");
        let texts: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["127.0.0.1:1", "127.0.0.1:2", "0.0.0.0:3"]);
        let listen = "127.0.0.1:2".parse().expect("an address");
        let first = VpcEndpoint { id: "vpce-0a".into(), vpc: Some("vpc-1b".into()), listen };
        assert_eq!((&settings.vpc_endpoints[0], &settings.vpc_endpoints[1].vpc), (&first, &None));
        // The default listener is there as it is without them.
        let settings = read("[[vpc-endpoints]]\nid = 'vpce-0a'\nlisten = '[::1]:3'").expect("good");
        assert_eq!(settings.listen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:8080", "[::1]:3"]);
        // One endpoint may have several addresses.
        let one = "[[vpc-endpoints]]\nid = 'vpce-0a'\nlisten = ':3'\n";
        assert_eq!(read(&format!("{one}{}", one.replace(":3", ":4"))).expect("good").vpc_endpoints.len(), 2);
    }

    #[test]
    fn what_is_wrong_with_endpoints() {
        let with = |rest: &str| format!("[[vpc-endpoints]]\n{rest}");
        let id = "Write vpce- and 1 to 32 of a-z and 0-9, such as vpce-0123456789abcdef0.";
        refused(&with("id = 'vpc-1'\nlisten = ':1'"), "'vpc-1'", "id is `vpc-1`", id);
        refused(&with("id = 'vpce-A'\nlisten = ':1'"), "'vpce-A'", "id is `vpce-A`", id);
        refused(&with("id = 'vpce-'\nlisten = ':1'"), "'vpce-'", "id is `vpce-`", id);
        refused(
            &with("id = 'vpce-1'\nvpc = 'vpce-1'\nlisten = ':1'"),
            "'vpce-1'",
            "vpc is `vpce-1`",
            "Write vpc- and 1 to 32 of a-z and 0-9, such as vpc-0123456789abcdef0.",
        );
        refused(
            &with("id = 'vpce-1'\nlisten = ':0'"),
            "':0'",
            "listen is `:0`",
            "Name the port: which endpoint a call came by is told by it.",
        );
        refused(&with("listen = ':1'"), "[[vpc-endpoints]]", "this VPC endpoint has no id", "Add `id = \"vpce-…\"`.");
        refused(
            &with("id = 'vpce-1'"),
            "[[vpc-endpoints]]",
            "this VPC endpoint has no listen",
            "Add `listen = \"127.0.0.1:8081\"`.",
        );
        refused(&with("ids = 'x'"), "ids", "`ids` is not a key of [[vpc-endpoints]]", "Did you mean `id`?");
        refused(&with("id = 1"), "1", "`id` is an integer here", "Write a text.");
        refused(
            "vpc-endpoints = 'x'",
            "'x'",
            "`vpc-endpoints` is a string here",
            "Write [[vpc-endpoints]] tables with `id` and `listen`.",
        );
        let two = |other: &str| format!("{}\n{other}", with("id = 'vpce-1'\nvpc = 'vpc-1'\nlisten = ':1'"));
        refused(
            &two("[[vpc-endpoints]] # two\nid = 'vpce-2'\nlisten = '0.0.0.0:1'"),
            "[[vpc-endpoints]]",
            "two VPC endpoints listen on 0.0.0.0:1",
            "Give each an address of its own: it tells which one a call came by.",
        );
        refused(
            &two("[[vpc-endpoints]]\nid = 'vpce-1'\nlisten = ':2'"),
            "[[vpc-endpoints]]",
            "the VPC endpoint vpce-1 is in two VPCs",
            "Give all listeners of one endpoint the same `vpc`.",
        );
        let many: String =
            (1..=101).map(|port| format!("[[vpc-endpoints]]\nid = 'vpce-1'\nlisten = ':{port}'\n")).collect();
        let mistakes = read(&many).expect_err("a mistake");
        assert_eq!(mistakes[0].found, "101 VPC endpoints are given");
    }

    #[test]
    fn proxies_of_the_file_of_variables_and_of_flags() {
        let proxies = |settings: Settings| {
            settings.trusted_proxies.iter().map(|net| format!("{}/{}", net.address, net.bits)).collect::<Vec<_>>()
        };
        let text = "trusted-proxies = ['10.0.0.0/8', '192.0.2.7']";
        assert_eq!(proxies(read(text).expect("good")), ["10.0.0.0/8", "192.0.2.7/32"]);
        let mut flags = Raw::default();
        flags.say(Key::Api, "x", By::Flag);
        flags.say(Key::TrustedProxy, "::1, 10.0.0.0/8", By::Flag);
        flags.say(Key::TrustedProxy, "192.0.2.7", By::Flag);
        let settings = flags.check(NonZeroUsize::MIN).expect("good");
        assert_eq!(proxies(settings), ["::1/128", "10.0.0.0/8", "192.0.2.7/32"]);
        let variables = Raw::from_variables(|name| match name {
            "WEIR_TRUSTED_PROXY" => Some("10.0.0.0/8,::1".into()),
            "WEIR_API" => Some("x".into()),
            _ => None,
        });
        assert_eq!(proxies(variables.check(NonZeroUsize::MIN).expect("good")), ["10.0.0.0/8", "::1/128"]);
        refused(
            "trusted-proxies = ['10.0.0.0/8', '10.0.0.1/8']",
            "'10.0.0.1/8'",
            "trusted-proxies is `10.0.0.1/8`",
            "10.0.0.1 is an address within a network: write 10.0.0.0/8, or the address alone.",
        );
        let many = ["'10.0.0.1'"; 257].join(",");
        let mistakes = read("proxy-protocol = true").expect_err("a mistake");
        assert_eq!(mistakes[0].found, "`proxy-protocol` is on, and no proxy is trusted to speak it");
        assert!(read("proxy-protocol = true\ntrusted-proxies = ['::1']").expect("good").proxy_protocol);
        let mistakes = read(&format!("trusted-proxies = [{many}]")).expect_err("a mistake");
        assert_eq!(mistakes[0].found, "257 trusted proxies are given");
    }
}
