//! What may stand on the command line. The texts here are the help; what they mean is checked in `settings`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings;
use crate::settings::raw::{By, Key, Raw};

/// Runs AWS API Gateway definitions on your own machines.
#[derive(Debug, Parser)]
#[command(name = "weir", version, arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the APIs of OpenAPI definitions
    Run(Box<RunFlags>),
    /// Serve the APIs of a data folder, and let AWS's tools change them
    Serve(Box<ServeFlags>),
    /// Say what is wrong with definitions, and what Weir cannot do of them
    Check(Box<CheckFlags>),
    /// Run one request through a definition, and tell each phase as AWS's execution log does
    Invoke(Box<InvokeFlags>),
    /// Try mapping templates by themselves
    Template(Box<TemplateFlags>),
    /// Write a definition as AWS exports it: another version of OpenAPI, JSON or YAML, with or without extensions
    Export(Box<ExportFlags>),
    /// Write everything that a running Weir keeps into one file
    Backup(Box<BackupFlags>),
    /// Put a backup's state back, into a data folder or into a running Weir
    Restore(Box<RestoreFlags>),
    /// Say what putting a definition would change of a running Weir's API, and change nothing
    Plan(Box<PlanFlags>),
    /// What API keys have used of their usage plans, as a running Weir has counted it
    Usage(Box<UsageFlags>),
}

#[derive(Args, Debug)]
#[command(after_help = "\
No authorizer, no API key and no throttle is asked, as in AWS's test of a method.
It ends with 0 where the request was answered, whatever the status (4xx and 5xx too), and with 1 where it could not be run.

Examples:
  weir invoke petstore.yaml GET /pets/7
  weir invoke orders.yaml POST /orders -d '{\"id\": 7}' --mock-integration 200:answer.json --trace
  weir invoke orders.yaml POST /orders -d @order.json -H 'Accept: application/xml' --json")]
pub(crate) struct InvokeFlags {
    /// An OpenAPI definition
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// The request's verb
    #[arg(value_name = "METHOD")]
    pub(crate) method: String,
    /// Path and query, without the stage
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// A header; repeat it for several
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The body, or @FILE with it (@- is standard input)
    #[arg(short = 'd', long, value_name = "BODY")]
    pub(crate) data: Option<String>,
    /// Answer in the integration's place, so that nothing is called: STATUS, or STATUS:FILE with the body (- is standard
    /// input)
    #[arg(long, value_name = "STATUS[:FILE]")]
    pub(crate) mock_integration: Option<String>,
    /// What a Cognito authorizer found, as a JSON object or @FILE: $context.authorizer.claims
    #[arg(long, value_name = "JSON")]
    pub(crate) claims: Option<String>,
    /// What a Lambda authorizer answered, as a JSON object or @FILE: $context.authorizer
    #[arg(long, value_name = "JSON")]
    pub(crate) authorizer: Option<String>,
    /// Tell each step of the templates: every reference with its value, which branch was taken
    #[arg(long)]
    pub(crate) trace: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Run the Lambda function NAME on this machine; repeat it for several
    #[arg(long, value_name = "NAME=DIR[:HANDLER]")]
    pub(crate) function: Vec<String>,
    /// A settings file (weir.toml)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the stage [default: prod]
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// A stage variable; repeat it for several
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) stage_variable: Vec<String>,
    /// Connect to these addresses instead of what DNS says of a backend; repeat it for several backends
    #[arg(long, value_name = "HOST[:PORT]=ADDR[,ADDR]")]
    pub(crate) upstream: Vec<String>,
    /// PEM file with roots that backends' certificates may chain to, beside the system's; repeat it for several
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_root: Vec<String>,
    /// Twelve digits that appear in ARNs [default: 000000000000]
    #[arg(long, value_name = "DIGITS")]
    pub(crate) account_id: Option<String>,
    /// Region that appears in ARNs [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The longest that a backend may take [default: 29s]
    #[arg(long, value_name = "DURATION")]
    pub(crate) integration_timeout: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TemplateFlags {
    #[command(subcommand)]
    pub(crate) command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Run the case files of a folder (*.case.yaml, *.case.json), and say which fail
    Test(TemplateTestFlags),
}

#[derive(Args, Debug)]
#[command(after_help = "\
A case is a map with texts, or with @FILE for a file beside it:

  template: \"@request.vtl\"
  input: '{\"id\": 7}'
  params: {path: {}, querystring: {q: \"1\"}, header: {}}
  context: {stage: prod}
  stageVariables: {table: orders}
  expected: \"@expected.json\"

Instead of expected it may have expectedJson, a value that the output is as JSON, or fails, a part of the reason.")]
pub(crate) struct TemplateTestFlags {
    /// The folder; folders in it are looked through too
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// Where a running Weir is. Requests are signed where AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set.
#[derive(Args, Debug)]
pub(crate) struct RemoteFlags {
    /// The admin listener of a running Weir
    #[arg(long, value_name = "URL", env = "WEIR_ADMIN_URL", default_value = "http://127.0.0.1:9900")]
    pub(crate) admin_url: String,
}

#[derive(Args, Debug)]
pub(crate) struct BackupFlags {
    /// The file to write; it appears when it is whole
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreFlags {
    /// A file of `weir backup`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Restore into this data folder, in which no Weir runs; else into the running Weir, which then serves it
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder may have a store already: it is kept beside the new one
    #[arg(long, requires = "data")]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
}

#[derive(Args, Debug)]
pub(crate) struct PlanFlags {
    /// An OpenAPI definition, as `put-rest-api` with mode overwrite would take it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The API's id
    #[arg(long, value_name = "ID")]
    pub(crate) api: String,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
}

#[derive(Args, Debug)]
pub(crate) struct UsageFlags {
    #[command(subcommand)]
    pub(crate) command: UsageCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Write requests by plan, key, API, stage and day, for billing
    Export(UsageExportFlags),
}

#[derive(Args, Debug)]
#[command(after_help = "\
Columns: plan, plan_name, key, key_name, api, api_name, stage, day, requests; sorted by ids and day. Days are UTC. Values
of keys are never in it. What was counted by a version that did not count stages has an empty api and stage.
The CSV (RFC 4180) is for programs: names stand in it as they are, also those that a spreadsheet takes for a formula.

Counts are up to a second old. 180 days are kept; what a key has used of a plan goes when it leaves the plan.

Examples:
  weir usage export --from 2026-11-01 --to 2026-11-30 --output november.csv
  weir usage export --format json --plan a1b2c3 | jq 'map(.requests) | add'")]
pub(crate) struct UsageExportFlags {
    /// csv or json
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "json"])]
    pub(crate) format: String,
    /// The first day, YYYY-MM-DD [default: the first that is kept]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// The last day, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Of this usage plan alone
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// Of this API key alone: its id, not its value
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// The file to write; it appears when it is whole [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The definition is imported as AWS imports it, and written as AWS would export it from a stage: what AWS does not
keep (examples, descriptions of parameters) is gone.

Examples:
  weir export --swagger --json petstore.yaml > petstore-v2.json
  weir export --extensions none petstore.yaml
  weir export a1b2c3d4e5 --stage prod > deployed.json")]
pub(crate) struct ExportFlags {
    /// An OpenAPI definition; or the id of an API of a running Weir, whose stage is exported as it is deployed
    #[arg(value_name = "FILE|API")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
    /// As OpenAPI 3.0 [default]
    #[arg(long, conflicts_with = "swagger")]
    pub(crate) oas30: bool,
    /// As Swagger 2.0
    #[arg(long)]
    pub(crate) swagger: bool,
    /// As JSON [default]
    #[arg(long, conflicts_with = "yaml")]
    pub(crate) json: bool,
    /// As YAML
    #[arg(long)]
    pub(crate) yaml: bool,
    /// Of AWS's extensions: integrations, authorizers, postman, apigateway (all of them), or none
    #[arg(long, value_name = "LIST", default_value = "apigateway")]
    pub(crate) extensions: String,
    /// Name of the stage, which is the base path
    #[arg(long, value_name = "NAME", default_value = "prod")]
    pub(crate) stage: String,
    /// Twelve digits for ${AWS::AccountId}
    #[arg(long, value_name = "DIGITS", default_value = "000000000000")]
    pub(crate) account_id: String,
    /// Region for ${AWS::Region} and the host
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub(crate) region: String,
}

#[derive(Args, Debug)]
pub(crate) struct CheckFlags {
    /// Print problems and routes as JSON, for editors and CI
    #[arg(long)]
    pub(crate) json: bool,
    /// What `weir run` would be given: stage variables and settings decide whether a definition can be served
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Every flag has a variable (--data is WEIR_DATA) and a key of its name in weir.toml. A flag wins over the variable,
and the variable over the file.

The admin listener speaks API Gateway's own protocol. Without credentials everybody on this machine may use it; to
let others, list [[admin.credentials]] in weir.toml:

  [admin]
  listen = \":9900\"
  allow-remote = true
  [[admin.credentials]]
  access-key = \"AKIAEXAMPLE\"
  secret-key = \"…\"
  policy = [{ effect = \"Allow\", action = \"apigateway:*\", resource = \"*\" }]

Examples:
  weir serve --data /var/lib/weir
  weir serve --data ./data --dev
  AWS_ENDPOINT_URL=http://127.0.0.1:9900 aws apigateway get-rest-apis")]
pub(crate) struct ServeFlags {
    /// Folder that keeps the definitions; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// For tests on this machine: any credentials will do, and POST /_weir/reset forgets everything
    #[arg(long)]
    pub(crate) dev: bool,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Every flag has a variable (--head-timeout is WEIR_HEAD_TIMEOUT) and a key of its name in weir.toml. A flag wins
over the variable, and the variable over the file. In variables, commas separate several values; spaces
separate several NAME=VALUE. Durations are 50ms, 29s, 5m or 1h; sizes are bytes, KB, MB or GB (1 KB is 1024).

SIGTERM and SIGINT finish what is in flight and end; a second one ends at once. SIGHUP reads definitions and
weir.toml again and opens the access log again.

Examples:
  weir run petstore.yaml
  weir run --listen :8080 --stage beta --stage-variable backend=http://pets.internal petstore.yaml
  weir run pets=petstore.yaml orders/v1=orders.yaml --access-log - --access-log-format clf")]
pub(crate) struct RunFlags {
    /// OpenAPI definitions, each with the base path that it answers below, if any
    #[arg(value_name = "[BASE_PATH=]FILE")]
    pub(crate) apis: Vec<String>,
    /// A settings file (weir.toml); relative paths in it start at its folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Address to serve on; repeat it for several. Port 0 is any free port; :8080 is all IPv4 interfaces
    /// [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", help_heading = "Listening")]
    pub(crate) listen: Vec<String>,
    /// Data-plane threads [default: one a core]
    #[arg(long, value_name = "N", help_heading = "Listening")]
    pub(crate) workers: Option<String>,
    /// How to wait for the network: auto, io_uring or epoll [default: auto, io_uring where the kernel allows it]
    #[arg(long, value_name = "DRIVER", help_heading = "Listening")]
    pub(crate) driver: Option<String>,
    /// Address of metrics and health (/metrics, /healthz, /readyz), or off [default: 127.0.0.1:9900]
    #[arg(long, value_name = "ADDR|off", help_heading = "Listening")]
    pub(crate) admin: Option<String>,
    /// Let --admin listen on an address that other machines reach
    #[arg(long, help_heading = "Listening")]
    pub(crate) admin_allow_remote: bool,
    /// File that every change through the management API is written to, - for standard error, or off
    /// [default: audit.log in the data folder of `weir serve`, else off]
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    pub(crate) audit_log: Option<String>,

    /// Name of the stage [default: prod]
    #[arg(long, value_name = "NAME", help_heading = "Stage")]
    pub(crate) stage: Option<String>,
    /// A stage variable; repeat it for several
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Stage")]
    pub(crate) stage_variable: Vec<String>,
    /// Requests a second and burst over all APIs, as an account has them, or none [default: none]
    #[arg(long, value_name = "RATE:BURST", help_heading = "Stage")]
    pub(crate) throttle: Option<String>,
    /// Twelve digits that appear in ARNs [default: 000000000000]
    #[arg(long, value_name = "DIGITS", help_heading = "Stage")]
    pub(crate) account_id: Option<String>,
    /// Region that appears in ARNs [default: us-east-1]
    #[arg(long, value_name = "REGION", help_heading = "Stage")]
    pub(crate) region: Option<String>,
    /// Answer 501 on just the methods that need what Weir cannot do, instead of refusing the definition
    #[arg(long, help_heading = "Stage")]
    pub(crate) lenient: bool,
    /// Say in `Retry-After` when to come again with each answer 429: AWS says nothing
    #[arg(long, help_heading = "Stage")]
    pub(crate) retry_after: bool,
    /// Do not reload when a definition or weir.toml changes on disk
    #[arg(long, help_heading = "Stage")]
    pub(crate) no_watch: bool,

    /// File with [[principals]] that may sign requests of methods with AWS_IAM authorization [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Callers")]
    pub(crate) principals_file: Option<String>,
    /// A proxy's address or network (10.0.0.0/8) whose X-Forwarded-For is believed; repeat it for several [default: none]
    #[arg(long, value_name = "NETWORK", help_heading = "Callers")]
    pub(crate) trusted_proxy: Vec<String>,
    /// Connections of trusted proxies begin with a PROXY protocol header (version 1 or 2), and no others do
    #[arg(long, help_heading = "Callers")]
    pub(crate) proxy_protocol: bool,
    /// Where Lambda functions are invoked that no `--function` and no [[functions]] is for, http(s)://HOST[:PORT] [default: none]
    #[arg(long, value_name = "URL", help_heading = "Callers")]
    pub(crate) lambda_endpoint: Option<String>,
    /// For tests on this machine: file that says whom callers are taken for; every listener must be on a loopback address
    #[arg(long, value_name = "FILE", help_heading = "Callers")]
    pub(crate) dev_identity: Option<String>,

    /// A Lambda function that runs on this machine: its name, its folder or zip file, and its handler, which a `bootstrap`
    /// does without; repeat it for several
    #[arg(long, value_name = "NAME=DIR[:HANDLER]", help_heading = "Backends")]
    pub(crate) function: Vec<String>,
    /// Where AWS's services are reached in place of AWS itself, all of them or one; repeat it for several
    #[arg(long, value_name = "[SERVICE=]URL", help_heading = "Backends")]
    pub(crate) aws_endpoint: Vec<String>,
    /// Connect to these addresses instead of what DNS says of a backend; repeat it for several backends
    #[arg(long, value_name = "HOST[:PORT]=ADDR[,ADDR]", help_heading = "Backends")]
    pub(crate) upstream: Vec<String>,
    /// PEM file with roots that backends' certificates may chain to, beside the system's; repeat it for several
    #[arg(long, value_name = "FILE", help_heading = "Backends")]
    pub(crate) tls_root: Vec<String>,
    /// Compress with br or zstd too, where an API compresses and the client prefers it; repeat it for both
    #[arg(long, value_name = "CODING", help_heading = "Stage")]
    pub(crate) compression: Vec<String>,
    /// The longest that a backend may take, at least 50ms [default: 29s]
    #[arg(long, value_name = "DURATION", help_heading = "Backends")]
    pub(crate) integration_timeout: Option<String>,

    /// File of the access log, or - for standard output [default: none]
    #[arg(long, value_name = "PATH", help_heading = "Access log")]
    pub(crate) access_log: Option<String>,
    /// json or clf (AWS's formats of that name), or a line with $context variables [default: json]
    #[arg(long, value_name = "FORMAT", help_heading = "Access log")]
    pub(crate) access_log_format: Option<String>,

    /// Largest body of a request, and of a response that is held whole [default: 10MB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(crate) payload_max: Option<String>,
    /// All header lines of a request together [default: 10KB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(crate) header_max: Option<String>,
    /// Path and query of a request [default: 10KB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(crate) url_max: Option<String>,
    /// Open client connections; beyond it new ones are closed at once [default: 100000]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) connections_max: Option<String>,
    /// From the first byte of a request's head to its last, and for a new connection to its first [default: 10s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(crate) head_timeout: Option<String>,
    /// Between two reads of a request's body, and two writes of a response; a body that takes longer as a whole must
    /// come at 1 KB a second [default: 20s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(crate) body_timeout: Option<String>,
    /// Between two requests of a connection [default: 310s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(crate) idle_timeout: Option<String>,
    /// A connection that is older is closed after its answer [default: 24h]
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(crate) connection_lifetime: Option<String>,
    /// What is in flight has so long after SIGTERM [default: 30s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(crate) drain_timeout: Option<String>,
    /// Methods with metrics of their own; those beyond it are counted together [default: 2000]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) metrics_series_max: Option<String>,
}

impl ServeFlags {
    pub(crate) fn into_raw(self) -> Raw {
        let mut raw = self.run.into_raw();
        raw.command = settings::Command::Serve;
        self.data.into_iter().for_each(|data| raw.say(Key::Data, data, By::Flag));
        if self.dev {
            raw.say(Key::Dev, "true", By::Flag);
        }
        raw
    }
}

impl RunFlags {
    pub(crate) fn into_raw(self) -> Raw {
        let mut raw = Raw::from_config(self.config);
        let one = |text: Option<String>| text.into_iter().collect();
        let switch = |on: bool| if on { vec!["true".to_owned()] } else { vec![] };
        let said: [(Key, Vec<String>); 38] = [
            (Key::Api, self.apis),
            (Key::Listen, self.listen),
            (Key::Workers, one(self.workers)),
            (Key::Stage, one(self.stage)),
            (Key::StageVariable, self.stage_variable),
            (Key::Admin, one(self.admin)),
            (Key::AdminAllowRemote, switch(self.admin_allow_remote)),
            (Key::AuditLog, one(self.audit_log)),
            (Key::Driver, one(self.driver)),
            (Key::AccessLog, one(self.access_log)),
            (Key::AccessLogFormat, one(self.access_log_format)),
            (Key::IntegrationTimeout, one(self.integration_timeout)),
            (Key::PayloadMax, one(self.payload_max)),
            (Key::HeaderMax, one(self.header_max)),
            (Key::UrlMax, one(self.url_max)),
            (Key::ConnectionsMax, one(self.connections_max)),
            (Key::HeadTimeout, one(self.head_timeout)),
            (Key::BodyTimeout, one(self.body_timeout)),
            (Key::IdleTimeout, one(self.idle_timeout)),
            (Key::ConnectionLifetime, one(self.connection_lifetime)),
            (Key::DrainTimeout, one(self.drain_timeout)),
            (Key::MetricsSeriesMax, one(self.metrics_series_max)),
            (Key::Throttle, one(self.throttle)),
            (Key::Upstream, self.upstream),
            (Key::TlsRoot, self.tls_root),
            (Key::LambdaEndpoint, one(self.lambda_endpoint)),
            (Key::Function, self.function),
            (Key::AwsEndpoint, self.aws_endpoint),
            (Key::TrustedProxy, self.trusted_proxy),
            (Key::PrincipalsFile, one(self.principals_file)),
            (Key::DevIdentity, one(self.dev_identity)),
            (Key::Compression, self.compression),
            (Key::Lenient, switch(self.lenient)),
            (Key::RetryAfter, switch(self.retry_after)),
            (Key::ProxyProtocol, switch(self.proxy_protocol)),
            (Key::AccountId, one(self.account_id)),
            (Key::Region, one(self.region)),
            (Key::NoWatch, switch(self.no_watch)),
        ];
        for (key, texts) in said {
            texts.into_iter().for_each(|text| raw.say(key, text, By::Flag));
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::settings::raw::{KEYS, Row, Times};

    /// Flags that `run` has not.
    const SERVE_ONLY: &[Key] = &[Key::Data, Key::Dev];

    #[test]
    fn the_command_line_is_sound() {
        Flags::command().debug_assert();
    }

    #[test]
    fn every_setting_has_its_flag_and_every_flag_its_setting() {
        let command = Flags::command();
        for (name, without) in [("run", SERVE_ONLY), ("serve", &[])] {
            let subcommand = command.find_subcommand(name).expect(name);
            let mut flags: Vec<_> = subcommand.get_arguments().filter_map(|argument| argument.get_long()).collect();
            let known = KEYS.iter().filter(|row| row.key != Key::Api && !without.contains(&row.key));
            let mut settings: Vec<_> = known.map(|row| row.name).collect();
            flags.retain(|flag| *flag != "config");
            flags.sort_unstable();
            settings.sort_unstable();
            assert_eq!(flags, settings, "{name}");
        }
    }

    #[test]
    fn every_flag_arrives_under_its_own_key() {
        for row in KEYS {
            for command in ["run", "serve"] {
                if command == "serve" || !SERVE_ONLY.contains(&row.key) {
                    arrives(command, row);
                }
            }
        }
    }

    fn arrives(command: &str, row: &Row) {
        let mut arguments = vec!["weir".to_owned(), command.to_owned()];
        match (row.key, row.times) {
            (Key::Api, _) => arguments.push("the-value".into()),
            (_, Times::Switch) => arguments.push(format!("--{}", row.name)),
            _ => arguments.extend([format!("--{}", row.name), "the-value".into()]),
        }
        let raw = match Flags::try_parse_from(arguments).expect(row.name).command {
            Command::Run(flags) => flags.into_raw(),
            Command::Serve(flags) => flags.into_raw(),
            other => panic!("not asked for: {other:?}"),
        };
        let expected = if row.times == Times::Switch { "true" } else { "the-value" };
        assert_eq!(raw.one(row.key).map(|said| said.text.as_str()), Some(expected), "{}", row.name);
        assert_eq!(raw.command == settings::Command::Serve, command == "serve");
    }
}
