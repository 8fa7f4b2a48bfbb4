//! Whom a statement of a resource policy is about.

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'r> {
    Anonymous,
    /// A user or a role's session, by its ARN.
    Aws(&'r str),
    /// `lambda.amazonaws.com`
    Service(&'r str),
    /// An identity provider.
    Federated(&'r str),
}

/// `Principal`, or `NotPrincipal` where it is inverted.
#[derive(Clone, Debug)]
pub(super) struct Principals {
    pub inverted: bool,
    pub named: Vec<Named>,
}

/// One that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Everybody,
    /// Everybody of an account.
    Account(String),
    /// Any session of a role: its account and its name, without its path.
    Role {
        account: String,
        name: String,
    },
    /// A user, or one session.
    Exactly(String),
    Service(String),
    Federated(String),
}

impl Principals {
    pub(super) fn include(&self, principal: Principal<'_>) -> bool {
        self.named.iter().any(|named| named.is(principal)) != self.inverted
    }
}

impl Named {
    /// What stands below `AWS` in `Principal`. Wildcards within an ARN are not allowed (AWS asks for `aws:PrincipalArn`).
    pub(super) fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everybody);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        let (service, account, name) = parts(text)?;
        if text.contains(['*', '?']) || !is_account(account) {
            return None;
        }
        match (service, name.split_once('/')) {
            ("iam", None) if name == "root" => Some(Self::Account(account.to_owned())),
            ("iam", Some(("role", path))) => {
                let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
                Some(Self::Role { account: account.to_owned(), name: name.to_owned() })
            }
            ("iam", Some(("user", name))) | ("sts", Some(("assumed-role" | "federated-user", name)))
                if !name.is_empty() =>
            {
                Some(Self::Exactly(text.to_owned()))
            }
            _ => None,
        }
    }

    fn is(&self, principal: Principal<'_>) -> bool {
        match (self, principal) {
            (Self::Everybody, _) => true,
            (Self::Service(name), Principal::Service(given)) => name == given,
            (Self::Federated(name), Principal::Federated(given)) => name == given,
            (Self::Exactly(arn), Principal::Aws(given)) => arn == given,
            (Self::Account(wanted), Principal::Aws(given)) => {
                parts(given).is_some_and(|(_, account, _)| account == wanted)
            }
            (Self::Role { account: wanted, name }, Principal::Aws(given)) => match parts(given) {
                Some(("sts", account, session)) => {
                    let role = session.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
                    account == wanted && role == Some(name)
                }
                Some(("iam", account, role)) => {
                    let last = role.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
                    account == wanted && last == Some(name)
                }
                _ => false,
            },
            _ => false,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Service, account and name of an IAM or STS ARN.
fn parts(arn: &str) -> Option<(&str, &str, &str)> {
    let mut fields = arn.splitn(6, ':');
    let (arn, partition) = (fields.next()?, fields.next()?);
    let (service, region) = (fields.next()?, fields.next()?);
    let (account, name) = (fields.next()?, fields.next()?);
    (arn == "arn" && partition.starts_with("aws") && region.is_empty()).then_some((service, account, name))
}
