//! Who callers are and how they are recognised, as meant.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::secret::Secret;

/// Who may call methods with AWS_IAM authorization. `Debug` shows no secret of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iam {
    /// Those of `weir.toml` and of `principals_file`, each access key once.
    pub principals: Vec<IamPrincipal>,
    /// It has been read; it is here to be watched.
    pub principals_file: Option<PathBuf>,
    /// Whether a signature that does not match is answered with the text that was signed, as AWS does.
    pub mismatch_details: bool,
    /// Whether `UNSIGNED-PAYLOAD` as a signed `X-Amz-Content-Sha256` is taken, which leaves the body to whoever is
    /// between the client and here.
    pub unsigned_payload: bool,
}

/// Somebody with an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamPrincipal {
    pub access_key: String,
    pub secret_key: Secret,
    /// With temporary credentials, what must be sent beside the signature.
    pub session_token: Option<Secret>,
    /// When the key ends, in seconds since 1970; `None` is never. It may be past already.
    pub expires: Option<i64>,
    /// Of a user or root (`iam`), or of a role's or a federated user's session (`sts`).
    pub arn: String,
    /// What `$context.identity.user` and `aws:userid` are, such as `AIDA…` or `AROA…:session`.
    pub user_id: String,
    /// The twelve digits of the ARN.
    pub account_id: String,
    pub org_id: Option<String>,
    /// Each ends with a slash, as `aws:PrincipalOrgPaths` has them.
    pub org_paths: Vec<String>,
    /// By key, without repetition.
    pub tags: Vec<(String, String)>,
    /// Its own, and behind it those of its groups. Without any, only a resource policy can allow it something.
    pub policies: Vec<IamPolicy>,
}

/// A policy document, as IAM's JSON. It is compiled where it is used, above this folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IamPolicy {
    Json(String),
    /// A file with one.
    File(PathBuf),
}

/// A listener that stands for an interface endpoint in a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-…`, which `aws:SourceVpce` is.
    pub id: String,
    /// `vpc-…`, which `aws:SourceVpc` is.
    pub vpc: Option<String>,
    /// Its port is never 0: it is what tells calls by this endpoint from others.
    pub listen: SocketAddr,
}

/// Where functions are invoked by Lambda's Invoke API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaEndpoint {
    pub https: bool,
    /// In lower case; IPv6 in brackets.
    pub host: String,
    /// 80 or 443 where none was written.
    pub port: u16,
}

/// An issuer of JSON web tokens, in place of a Cognito user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// `us-east-1_AbCdEf123`: what stands behind `userpool/` in a provider's ARN.
    pub id: String,
    /// An `http(s)://` URL, exactly as `iss` has it.
    pub issuer: String,
    pub keys: KeySource,
    /// `aud` or `client_id` must be one of these; empty is any.
    pub audiences: Vec<String>,
    /// JWS names of signature algorithms, never empty, each once.
    pub algorithms: Vec<String>,
}

/// Where the keys are that tokens are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// An `http(s)://` URL of a JWK set.
    Url(String),
    /// A file with one.
    File(PathBuf),
    /// `{issuer}/.well-known/openid-configuration` names the URL.
    Discovery,
}
