//! Every limit, with its unit and its reason. What an operator may change is a field of [`Limits`];
//! what only we may change is a constant.

use std::time::Duration;

/// Bounds that the wire formats keep themselves, below this file.
pub use crate::wire::h1::{CHUNK_OVERHEAD_BYTES_MAX, HEADER_LINES_MAX};

/// What AWS accepts as one payload (rest/16): 10 MB.
pub const PAYLOAD_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// What AWS accepts as all header lines together (rest/16).
pub const HEADER_BYTES_MAX: usize = 10_240;
/// One value that a body, or a template's override, gives a header, a query parameter or a path. AWS names no number; it
/// takes no more than this from a client either, as all header lines together.
pub const MAPPED_VALUE_BYTES_MAX: usize = HEADER_BYTES_MAX;
/// The longest that a start waits for functions to begin: AWS gives one 10 s for it, and some are tried twice.
pub const FUNCTIONS_WARM_TIMEOUT: Duration = Duration::from_secs(25);
/// What a reload waits for every core to run a snapshot, before it ends the functions that only the last one calls.
pub const PUBLICATION_WAIT_MAX: Duration = Duration::from_secs(1);
/// After which somebody at a terminal is told what is waited for.
pub const FUNCTIONS_QUIET: Duration = Duration::from_secs(2);
/// What a reload waits for functions that are new to begin, before they are called.
pub const FUNCTIONS_RELOAD_TIMEOUT: Duration = Duration::from_secs(5);
/// What invocations under way have at the end of the process, behind the drain.
pub const FUNCTIONS_STOP_GRACE: Duration = Duration::from_secs(2);
/// Bytes of header lines that a function may answer with: several times what AWS lets pass to a client.
pub const FUNCTION_ANSWER_HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a streamed answer that `test-invoke-method` and `weir invoke` show (rest/15: 1 MB).
pub const WATCHED_STREAM_BYTES_MAX: usize = 1024 * 1024;
/// … and how long they wait for it.
pub const WATCHED_STREAM_TIME_MAX: Duration = Duration::from_secs(35);
/// Bytes of what a streaming function says before its body (rest/15).
pub const FUNCTION_METADATA_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one message in which such an answer comes, which is held until it is whole: AWS sends smaller ones, of what a
/// function wrote at once.
pub const FUNCTION_STREAM_MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Values of headers that a function answers with: each name of one map is looked for in the other.
pub const FUNCTION_ANSWER_HEADERS_MAX: usize = 1_000;
/// What AWS accepts as a URL on a Regional endpoint (rest/16).
pub const URL_BYTES_MAX: usize = 10_240;
/// What AWS accepts as a method ARN (rest/01 section 1.6); longer answers 414.
pub const METHOD_ARN_BYTES_MAX: usize = 1_600;
/// AWS's default and largest integration timeout (rest/04 section 4.8).
pub const INTEGRATION_TIMEOUT_MAX: Duration = Duration::from_secs(29);
/// The shortest integration timeout that AWS takes.
pub const INTEGRATION_TIMEOUT_MIN: Duration = Duration::from_millis(50);
/// The longest that a STREAM integration may take (rest/15).
pub const STREAM_TIMEOUT_MAX: Duration = Duration::from_secs(900);
/// Values that one gateway response may look up: each can be as long as a head, and it is whoever fails a request that
/// chooses how long.
pub const GATEWAY_RESPONSE_VALUES_MAX: usize = 256;
/// Origins that one API may list for CORS: each request's is compared with them one by one.
pub const CORS_ORIGINS_MAX: usize = 256;
/// The longest that a browser may keep what a preflight told it, in seconds (http-api/cors): a day, as HTTP APIs have it.
pub const CORS_MAX_AGE_SECONDS_MAX: u32 = 86_400;
/// Idle client connections are closed after this (rest/16).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(310);

/// One read while a connection waits for its next request: most heads fit, and an idle connection costs no more.
pub const IDLE_BUFFER_BYTES: usize = 2 * 1024;
/// A whole head (URL and header lines at their limits) fits one of these, and so does a small answer.
pub const HEAD_BUFFER_BYTES: usize = 32 * 1024;
/// One read of a body that is longer than a head buffer.
pub const BODY_BUFFER_BYTES: usize = 128 * 1024;
/// An unread request body up to this is read and dropped so that the connection can go on; beyond it closes.
pub const DRAIN_BYTES_MAX: u64 = 64 * 1024;
/// After an answer with `Connection: close`, so much of what still arrives is read, so that the answer is not reset away.
pub const LINGER_BYTES_MAX: u64 = 256 * 1024;
/// … and for so long.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// Interim (1xx) heads that a backend may send before its answer.
pub const INTERIM_RESPONSES_MAX: usize = 8;
/// Idle backend connections that one core keeps for one endpoint.
pub const UPSTREAM_IDLE_MAX: usize = 1024;
/// An idle backend connection is closed after this; shorter than most servers' own keep-alive timeout.
pub const UPSTREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(55);
/// A pooled connection that rested for longer is asked whether it is quiet before it is used. What a backend sends behind
/// its answer without being asked arrives with it or later than this; asking every time costs 3% of a proxied request.
pub const UPSTREAM_TRUSTED_REST: Duration = Duration::from_millis(1);
/// A backend connection is not used for longer, however busy: its address may no longer be the backend's.
pub const UPSTREAM_LIFETIME: Duration = Duration::from_secs(600);
/// One attempt to connect to one address of a backend.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of one backend that one request tries.
pub const CONNECT_ADDRESSES_MAX: usize = 4;
/// One turn of the timer wheel: what a deadline may be late by.
pub const TICK: Duration = Duration::from_millis(10);
/// Tokens that a core borrows at once, at most.
pub const LEASE_TOKENS_MAX: u32 = 64;
/// Access log bytes that a core gathers before it hands them over.
pub const LOG_BATCH_BYTES: usize = 64 * 1024;
/// Batches of log lines that may wait for the writer; beyond it lines are dropped and counted.
pub const LOG_BATCHES_WAITING_MAX: usize = 256;
/// A log that cannot be written says so on standard error this often, not for each line.
pub const LOG_COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
/// A log that would block (a non-blocking standard output) is tried again for so long before lines are dropped …
pub const LOG_RETRY_TIMEOUT: Duration = Duration::from_secs(1);
/// … with this rest in between.
pub const LOG_RETRY_REST: Duration = Duration::from_millis(5);
/// Signing keys of the management API that are kept: one a key, day, region and service.
pub const SIGNING_KEYS_MAX: usize = 256;
/// Bytes that a process remembers of callers: answers of authorizers' functions, and tokens with their claims.
pub const IDENTITY_BYTES_MAX: usize = 64 << 20;
/// How many that is about, at 2 KB each: what the table begins with.
pub const IDENTITY_ENTRIES_EXPECTED: usize = 32 << 10;
/// AWS's cap on a resource policy, in bytes (security/resource-policies section 1).
pub const RESOURCE_POLICY_BYTES_MAX: usize = 8_192;
/// Bytes of bodies that are held before their signature is known to be right: a quarter of what all bodies may have, so
/// that who only knows the id of a key, which is no secret, leaves room for the others.
pub const UNVERIFIED_BYTES_MAX: usize = HELD_BYTES_MAX / 4;
/// … and for how long: behind it such a body is answered 408, however steadily it comes.
pub const UNVERIFIED_TIME_MAX: Duration = Duration::from_secs(60);
/// Requests of one core that wait for an issuer's keys at once: each looks every 10 ms whether they are there.
pub const ISSUER_WAITING_MAX: usize = 256;
/// How long a request waits for an issuer's keys to be fetched once more when it names one that nobody knows.
pub const ISSUER_WAIT_MAX: Duration = Duration::from_secs(4);
/// Bytes of what an authorizer's function answers: AWS's policy has at most 8 KB, its context about as much.
pub const AUTHORIZER_ANSWER_BYTES_MAX: u64 = 256 << 10;
/// Bytes of a PROXY protocol header: 107 in version 1 (section 2.1); in version 2, 16 and addresses and a few extensions.
pub const PROXY_HEADER_BYTES_MAX: usize = 1_024;
/// Bytes of the file of `--dev-identity`, which somebody wrote by hand.
pub const DEV_IDENTITY_BYTES_MAX: usize = 64 << 10;
/// What AWS gives an authorizer's function (security/lambda-authorizers section 3).
pub const AUTHORIZER_TIMEOUT: Duration = Duration::from_secs(29);
/// Authorizers that say nothing of it are remembered for this long, as on AWS.
pub const AUTHORIZER_TTL_DEFAULT: Duration = Duration::from_secs(300);
/// Connections that the admin listener serves at once; beyond it they wait to be accepted.
pub const ADMIN_CONNECTIONS_MAX: usize = 256;
/// An admin connection ends after this, whatever it does: AWS's clients keep theirs and make a new one when it has gone.
pub const ADMIN_CONNECTION_LIFETIME: Duration = Duration::from_secs(900);
/// … and after this without a byte either way: a method under test may take 29 s, an AWS client rests on its connections.
pub const ADMIN_IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// With more connections than this the admin listener's places are scarce, and the next two limits hold.
pub const ADMIN_CONNECTIONS_CROWDED: usize = 192;
/// … a connection that asks nothing ends after this: a health check and a call of an AWS client send at once.
pub const ADMIN_CROWDED_IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// … and one that was not answered after this, so that bytes that drip hold no place. A call that takes longer (a method under
/// test may take 29 s) is cut off then, which only an admin listener under attack sees.
pub const ADMIN_CROWDED_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls of the management API that may wait for the control thread; beyond it they wait to be read.
pub const ADMIN_COMMANDS_WAITING_MAX: usize = 256;
/// A body of the management API: a model's schema of 400 KB is the largest part of one.
pub const ADMIN_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A document of the management API, such as an import (rest/16).
pub const ADMIN_DOCUMENT_BYTES_MAX: usize = DEFINITION_BYTES_MAX as usize + 1024;
/// A backup that is restored into a running gateway; a larger one is restored into a folder.
pub const ADMIN_BACKUP_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Violations of the model that one answer tells.
pub const VIOLATIONS_MAX: usize = 50;
/// Operations of one patch: AWS's largest resources have some hundred members.
pub const PATCH_OPERATIONS_MAX: usize = 1_000;
/// Method settings of one stage, and parameters of one method: both are looked through.
pub const METHOD_SETTINGS_MAX: usize = 10_000;
/// A change is acknowledged when every core runs it, or after this: a core that is stuck must not stop all changes.
pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(2);
/// Methods that are tested at once (`test-invoke-method`): each is a stage of its own for as long as its backend takes.
pub const TESTS_MAX: usize = 16;
/// Definitions of deployments that are kept read, by the bytes of their rows.
pub const PARSED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Smaller deployments are read again: a thousand of 20 methods held 86 MB, and reading and compiling all of them takes
/// 0.4 s (both measured).
pub const PARSED_BYTES_MIN: usize = 64 * 1024;
/// Stages of one API. AWS says 10 and raises it on request.
pub const STAGES_MAX: usize = 100;
/// A remote command waits for its answer so long: a backup of a large store takes seconds.
pub const REMOTE_TIMEOUT: Duration = Duration::from_secs(300);
/// Changes that may wait for the store's writer. Each has a client that waits for it, and those are bounded too.
pub const STORE_CHANGES_WAITING_MAX: usize = 1024;
/// … and their bytes: forty definitions of the largest size.
pub const STORE_BYTES_WAITING_MAX: usize = 256 * 1024 * 1024;
/// Changes of one transaction: more would save nothing of the two syncs that they share …
pub const STORE_BATCH_CHANGES_MAX: usize = 256;
/// … and their bytes, beyond which those that came first would wait for the rest.
pub const STORE_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Pages of the database in memory.
pub const STORE_CACHE_BYTES: usize = 8 * 1024 * 1024;
/// A store that could not be opened anew after a failure is tried this often while no change comes.
pub const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// What still waits for the store's writer is written within this at the end.
pub const STORE_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// One line of a backup, which holds one row or one blob: a restore has two of them in memory.
pub const BACKUP_LINE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// A policy document: AWS takes 8 KB for an API and 10 KB for a user.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Answers to admin requests that are being written have so long after the shutdown began.
pub const ADMIN_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// A core that has not said so for longer is taken for stuck.
pub const HEARTBEAT_AGE_MAX: Duration = Duration::from_secs(5);
/// One name at a deployment; one that takes longer is asked again in the background.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);
/// One question to one DNS server. Two tries stay within [`DNS_TIMEOUT`].
pub const DNS_TRY_TIMEOUT: Duration = Duration::from_millis(1_200);
/// Names that are asked for at once.
pub const DNS_LOOKUPS_AT_ONCE: usize = 16;
/// Answers are used at least this long, even with a TTL of 0 …
pub const DNS_REFRESH_MIN: Duration = Duration::from_secs(1);
/// … and at most this long, so that a moved backend is found.
pub const DNS_REFRESH_MAX: Duration = Duration::from_secs(300);
/// After failures a name is asked for again after 1 s, 2 s, 4 s …, at most this.
pub const DNS_RETRY_MAX: Duration = Duration::from_secs(30);
/// Addresses of one name that are kept.
pub const DNS_ADDRESSES_MAX: usize = 64;
/// A file has been written when nothing more happened in its folder for this long …
pub const FILE_QUIET: Duration = Duration::from_millis(200);
/// … or, where something always happens (a log beside it), after this.
pub const FILE_QUIET_MAX: Duration = Duration::from_secs(2);
/// Files are looked at this often even when the kernel tells of nothing: network file systems, replaced folders.
pub const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// What still waits for the access log's writer is written within this at the end.
pub const LOG_STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// AWS's longest access log format (rest/16).
pub const ACCESS_LOG_FORMAT_BYTES_MAX: usize = 3 * 1024;
/// Days of usage that are kept of a key in a plan: what three months ask for at once, and the quarter before.
pub const USAGE_DAYS_KEPT: usize = 180;
/// How often what keys have used is written down. A crash loses what was admitted since.
pub const USAGE_WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Keys in plans whose usage one page of an export has, and how many are looked at for it: the thread that owns the
/// definitions is with one page for about a millisecond.
pub const USAGE_PAGE_ROWS_MAX: usize = 256;
pub const USAGE_PAGE_VISITS_MAX: usize = 8_192;
/// Of a usage export at least so many bytes are sent at once, but for the last.
pub const USAGE_PIECE_BYTES: usize = 64 * 1024;
/// Of Unix time, which knows no leap seconds.
pub const MILLIS_A_DAY: u64 = 86_400_000;
/// Messages that may wait for one core.
pub const MAILBOX_MESSAGES_MAX: usize = 1024;
/// Submission entries of one ring: monoio cannot wait when it is full.
pub const RING_ENTRIES: u32 = 4096;
/// What AWS takes as a definition (rest/16).
pub const DEFINITION_BYTES_MAX: u64 = 6 * 1024 * 1024;
/// Levels of nesting in a user's document.
pub const DOCUMENT_DEPTH_MAX: usize = 128;
/// Arrays and objects within each other in one body: json-smart's own limit since it has one.
pub const JSON_DEPTH_MAX: usize = 400;
/// One JSONPath. Real ones have some dozen bytes; a long filter has some hundred.
pub const JSONPATH_BYTES_MAX: usize = 8 * 1024;
/// Parts of one JSONPath, each a step into the document.
pub const JSONPATH_PARTS_MAX: usize = 100;
/// Filters and parentheses within each other in one JSONPath.
pub const JSONPATH_DEPTH_MAX: usize = 32;
/// What one regular expression of a template, a JSONPath or a mapping may be before and after it is compiled.
pub const REGEX_BYTES_MAX: usize = 8 * 1024;
pub const REGEX_PROGRAM_BYTES_MAX: usize = 1024 * 1024;
/// Choices of one regular expression up to which a byte costs the same whatever the text is: four thousand sets of
/// twelve fit into the memory that an automaton may take.
pub const REGEX_CHOICES_FREE: u64 = 12;
/// Groups within each other in one regular expression.
pub const REGEX_DEPTH_MAX: usize = 64;
/// Steps back that one search with look-around or back-references may take: some milliseconds …
pub const REGEX_BACKTRACKS_MAX: usize = 50_000;
/// … and steps of a mapping that such a search is worth, whatever it takes: two hundred of them are a mapping's all.
pub const REGEX_BACKTRACKING_STEPS: u64 = 20_000;
/// … and what is beside that: a look-around or a possessive run reads to the end of the text at each place of it, without
/// a step back. Bytes that are read so in the time of a step …
pub const REGEX_REREAD_BYTES_PER_STEP: u64 = 16;
/// … and the power of two that they may be in one search, some 100 milliseconds: a text of 8 KB where one part of the
/// pattern reads on, of 256 bytes where such a part stands in a loop or in another one.
pub const REGEX_REREADING_BITS_MAX: u32 = 26;
/// Elements within each other in one XML body.
pub const XML_DEPTH_MAX: usize = 128;
/// What anchors and aliases of one document may copy: a bomb of ten lines would otherwise fill the memory.
pub const DOCUMENT_ALIAS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Steps of one mapping, besides one for each byte of its body: a statement, a value that is read, 64 bytes that are
/// copied. A template that only loops meets this after some 50 ms. Steps are estimates: what is dearer than its steps say
/// (a pattern of many choices, one that goes back, a text that is compiled) may take some times as long.
pub const TEMPLATE_STEPS_MAX: u64 = 4_000_000;
/// Bytes that one mapping may take for its values, and as many for its text, besides what its body adds: six times the
/// largest body that AWS takes. What a method works with until it is done (a text with other letters, the parts of a
/// split) and what #evaluate compiles stand beside that: their steps bound them, to some times a text.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes more for each byte of the body. `1,` becomes a value of 24 bytes, `{"a":0},` a map of 200: with 24 for each byte
/// arrays of either of 10 MB are read. A core runs one mapping at a time, so that this is needed once a core.
pub const TEMPLATE_BYTES_PER_BODY_BYTE: usize = 24;
/// AWS's longest mapping template (rest/08).
pub const VTL_TEMPLATE_BYTES_MAX: usize = 300 * 1024;
/// Blocks, expressions, lists and texts that stand within each other in a template. They are parsed and run by recursion.
pub const VTL_NESTING_MAX: usize = 100;
/// Blocks, macros and values within each other while a template runs: a body as deep as one may be can be printed in a
/// block as deep as one may stand. A debug build's test thread of 2 MB holds it.
pub const VTL_DEPTH_MAX: usize = JSON_DEPTH_MAX + VTL_NESTING_MAX;
/// Rounds of one `#foreach`; AWS ends a loop silently behind them (rest/08).
pub const VTL_ITERATIONS_MAX: usize = 1_000;
/// Macros that call each other: Velocity's `velocimacro.max.depth`.
pub const VTL_MACRO_DEPTH_MAX: usize = 20;
/// A `#define` that prints itself does so this often: Velocity's bound.
pub const VTL_DEFINE_DEPTH_MAX: usize = 2;
/// Parameters of one macro: one bit each says whether it was set within.
pub const VTL_MACRO_PARAMETERS_MAX: usize = 64;
/// Texts that `#evaluate` compiles in one rendering.
pub const VTL_EVALUATIONS_MAX: usize = 1_000;
/// Digits of the numbers that a template calculates with: products grow to the square of their length.
pub const VTL_NUMBER_DIGITS_MAX: usize = 4_096;
/// Bytes of one value in a trace.
pub const VTL_TRACE_BYTES_MAX: usize = 1_024;
/// Steps that showing it may take: what has that many parts is longer than that.
pub const VTL_TRACE_STEPS_MAX: u64 = 2_048;
/// Steps of one template's trace that are told, and bytes of the template's own text in one.
pub const TRACE_STEPS_MAX: usize = 10_000;
pub const TRACE_VALUE_BYTES_MAX: usize = 2_048;
/// What a core keeps of a mapping's memory from one request to the next.
pub const SCRATCH_BYTES_KEPT: usize = 1024 * 1024;
/// Bodies that are held whole, of all requests together; beyond it requests are answered 503.
pub const HELD_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// … where one larger than this counts.
pub const HELD_BYTES_COUNTED_FROM: usize = 64 * 1024;
/// Bytes of such bodies that a core looks into between two turns of its clock, or one body that is larger. Reading and
/// mapping them takes some 5 to 10 ms, all in one piece: without this, eight clients with a body of 10 MB each would keep
/// everybody else waiting for the sum of them.
pub const LOOKED_INTO_BYTES_A_TICK: usize = 1024 * 1024;
/// How long a body may wait for that; beyond it the request is answered 503.
pub const LOOKED_INTO_WAIT_MAX: Duration = Duration::from_secs(20);
/// Bytes of a body that are compressed before the core's other requests have their turn: about a millisecond.
pub const ENCODE_PIECE_BYTES: usize = 64 * 1024;
/// AWS's stage variables of one stage (rest/14).
pub const STAGE_VARIABLES_MAX: usize = 100;
/// The longest time that a setting may say: beyond a day it is a slip of the pen.
pub const DURATION_LARGEST: Duration = Duration::from_secs(24 * 3600);
/// The largest payload that a setting may allow; sizes of files and of streams stay far from overflow.
pub const PAYLOAD_BYTES_LARGEST: u64 = 64 * 1024 * 1024 * 1024;
/// Open connections that a setting may allow: ten times what one machine's ports and memory usually carry.
pub const CONNECTIONS_LARGEST: usize = 10_000_000;
/// Series that a setting may allow: each costs every core about 300 bytes.
pub const METRICS_SERIES_LARGEST: usize = 100_000;
/// Data-plane threads of one process: more than any machine has cores today.
pub const WORKERS_MAX: usize = 1_024;
/// `weir.toml` itself: some hundred APIs with their settings.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;
/// Principals that may sign requests: 100,000 in a file of 30 MB take 700 MB while they are read (measured), and all are
/// read anew at each reload.
pub const PRINCIPALS_MAX: usize = 100_000;
/// A file of principals, in bytes: [`PRINCIPALS_MAX`] of them at 640 bytes each.
pub const PRINCIPALS_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Groups of principals.
pub const PRINCIPAL_GROUPS_MAX: usize = 1_000;
/// Groups of one principal: as many as an IAM user may be in.
pub const GROUPS_OF_PRINCIPAL_MAX: usize = 10;
/// Tags of one principal: as many as an IAM user may have …
pub const PRINCIPAL_TAGS_MAX: usize = 50;
/// … and the characters of a tag's key and value, as IAM bounds them.
pub const PRINCIPAL_TAG_KEY_CHARS_MAX: usize = 128;
pub const PRINCIPAL_TAG_VALUE_CHARS_MAX: usize = 256;
/// Paths of an organization that one principal is in: AWS has one for an account, and its tree is five levels deep.
pub const PRINCIPAL_ORG_PATHS_MAX: usize = 10;
/// Bytes of a principal's ARN: IAM's paths have up to 512 characters and its names up to 64, twice in a role's session.
pub const PRINCIPAL_ARN_BYTES_MAX: usize = 1_024;
/// Networks of proxies that are believed: each request's address is compared with them one by one.
pub const TRUSTED_PROXIES_MAX: usize = 256;
/// Listeners that stand for VPC endpoints: each is a socket on every core.
pub const VPC_ENDPOINTS_MAX: usize = 100;
/// Issuers in place of user pools: each has keys that are fetched and kept.
pub const USER_POOLS_MAX: usize = 1_000;
/// Audiences of one user pool: a token's are compared with them one by one.
pub const USER_POOL_AUDIENCES_MAX: usize = 1_000;
/// Functions that are said a place: a call's name is compared with them one by one, but once a deployment.
pub const FUNCTIONS_MAX: usize = 1_000;
/// A function's name, and its version's or alias's, as Lambda has them.
pub const FUNCTION_NAME_CHARS_MAX: usize = 64;
pub const FUNCTION_QUALIFIER_CHARS_MAX: usize = 128;
/// Lambda's handlers have at most this.
pub const FUNCTION_HANDLER_CHARS_MAX: usize = 128;
/// Of one process of a function; what an interpreter needs before it has read a handler …
pub const FUNCTION_MEMORY_BYTES_MIN: u64 = 64 << 20;
/// … what Lambda gives where nothing is said …
pub const FUNCTION_MEMORY_BYTES_DEFAULT: u64 = 128 << 20;
/// … and the most that it gives.
pub const FUNCTION_MEMORY_BYTES_MAX: u64 = 10 << 30;
/// Of one invocation, where nothing is said and at most, as on Lambda.
pub const FUNCTION_TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
pub const FUNCTION_TIMEOUT_MAX: Duration = Duration::from_secs(900);
/// Processes of one function: Lambda's default for an account.
pub const FUNCTION_CONCURRENCY_MAX: usize = 1_000;
/// Processes of one function for each core where nothing is said: one that waits leaves its core to another.
pub const FUNCTION_PROCESSES_A_CORE: usize = 2;
/// A process beyond those that are kept warm ends after this without a call.
pub const FUNCTION_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// All names and values of a function's environment, as on Lambda.
pub const FUNCTION_ENVIRONMENT_BYTES_MAX: usize = 4 * 1024;
/// The names of the files in a zip file that are looked through for a runtime: Lambda's largest unpacked code has 250 MB.
pub const FUNCTION_ZIP_NAMES_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Roles whose credentials are said: a role's ARN is compared with them one by one, but once a deployment.
pub const AWS_CREDENTIALS_MAX: usize = 100;
/// A role's ARN, as IAM bounds it.
pub const ROLE_ARN_BYTES_MAX: usize = 2_048;
/// The name of a service in an integration's URI, or of a profile of AWS's tools.
pub const AWS_NAME_CHARS_MAX: usize = 128;
/// The URL of an issuer, of its keys, or of the Invoke API, in bytes.
pub const SETTINGS_URL_BYTES_MAX: usize = 2_048;
/// A name that "did you mean" is answered for, in bytes: a longer one is no slip of the pen, and each comparison costs its
/// length.
pub const GUESSED_NAME_BYTES_MAX: usize = 256;
/// Mistakes of the settings that are told at once: a file of principals that a script wrote has the same one in each.
pub const SETTINGS_MISTAKES_MAX: usize = 100;
/// Resources that one API may have: AWS says 300; Weir is measured to ten thousand routes and refuses a runaway file.
pub const RESOURCES_MAX: usize = 100_000;
/// AWS's authorizers of one API (v1-messages, Limits).
pub const AUTHORIZERS_MAX: usize = 10;
/// AWS's longest time for which an authorizer's answer is kept.
pub const AUTHORIZER_TTL_SECONDS_MAX: i64 = 3_600;
/// AWS's documentation parts of one API (v1-messages, Limits).
pub const DOCUMENTATION_PARTS_MAX: usize = 2_000;
/// AWS's largest schema of one model (v1-messages, Limits).
pub const MODEL_BYTES_MAX: usize = 400 * 1024;
/// Levels of nesting in a body that a schema is checked against: what serde_json allows too.
pub const SCHEMA_JSON_DEPTH_MAX: usize = 127;
/// Parts of one compiled schema, those of the models that it names included: 400 KB hold 27,000 at most, and a
/// definition may say the same of many methods.
pub const SCHEMA_PARTS_MAX: usize = 50_000;
/// Schemas that one value may be checked against within each other (`allOf` in `anyOf` in `not` …). Each is a call in
/// a call, and one level of a body may be as deep.
pub const SCHEMA_CHAIN_MAX: usize = 64;
/// Calls within calls of one check: a body of the deepest nesting whose schema has four links at each level. One takes
/// less than a kilobyte of the stack in a debug build.
pub const SCHEMA_CALLS_MAX: usize = 512;
/// Checks that a body may cost whatever its size (a step takes some ten nanoseconds) …
pub const SCHEMA_STEPS_MIN: u64 = 10_000;
/// … and for each of its bytes: alternatives within alternatives double the work with each level of a body, and whoever
/// writes the body chooses how many there are. An honest schema needs fewer than ten …
pub const SCHEMA_STEPS_PER_BYTE: u64 = 32;
/// … but no more than these in all, some 60 milliseconds: the body of 10 MB that is all digits and commas has five
/// million values.
pub const SCHEMA_STEPS_MAX: u64 = 6_000_000;
/// One compiled pattern of a schema. `^.{0,2000}$` takes a megabyte, since `.` is every character of Unicode.
pub const SCHEMA_PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What the patterns of a schema may cost in one body, in the same steps: some 50 milliseconds. An e-mail address costs
/// or a key of forty characters costs fifty.
pub const SCHEMA_PATTERN_WORK_MAX: u64 = 5_000_000;
/// The automaton of a pattern whose sets of states are all kept: then a byte is read in a nanosecond or two.
pub const SCHEMA_PATTERN_AUTOMATON_BYTES_MAX: usize = 256 * 1024;
/// For one that is larger but never has a choice: states of its program that add a step to each byte …
pub const SCHEMA_PATTERN_KEPT_STATES_PER_STEP: u64 = 512;
/// … and for any other: steps of each state for each byte (measured: 27 nanoseconds on a busy machine) …
pub const SCHEMA_PATTERN_STEPS_PER_STATE: u64 = 3;
/// … and those of finding a set anew (measured: two microseconds for 25 states).
pub const SCHEMA_PATTERN_UNKEPT_STEPS: u64 = 128;
/// Memory in which it is found out whether a pattern never has a choice: that of `^.{0,2000}$`, twice.
pub const SCHEMA_PATTERN_ONE_PASS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What is compiled of a text whose `format` is `regex`: to read it is to compile it, in part.
pub const SCHEMA_PATTERN_READING_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one pattern as it is written.
pub const SCHEMA_PATTERN_TEXT_MAX: usize = 16 * 1024;
/// Steps back of a pattern with look-around or back-references in one text …
pub const SCHEMA_PATTERN_STEPS_MAX: usize = 2_000;
/// … and the longest text that it is asked about: one step may read all of it, in two milliseconds the thousand …
pub const SCHEMA_PATTERN_TEXT_BYTES_MAX: usize = 16 * 1024;
/// … also without a step back, where it looks around within a repetition or refers back.
pub const SCHEMA_PATTERN_REPEATED_TEXT_BYTES_MAX: usize = 1024;
/// … and where such repetitions stand within each other, as a power of two of the bytes that are read: 256 bytes for two of
/// them, 64 for three.
pub const SCHEMA_PATTERN_REREADING_BITS_MAX: u32 = 24;
/// What is told of a body against its model, into the log and `$context.error.validationErrorString`.
pub const SCHEMA_VIOLATIONS_BYTES_MAX: usize = 4 * 1024;
/// One value of the body in it.
pub const SCHEMA_VIOLATION_VALUE_BYTES_MAX: usize = 256;
/// Parts of a schema that a model's template shows: twenty models that each name the next one twice describe a million.
pub const MODEL_TEMPLATE_PARTS_MAX: usize = 10_000;
/// References within references that a model's template follows.
pub const MODEL_TEMPLATE_DEPTH_MAX: usize = 64;
/// AWS's tags of one resource, with the characters of a key and of a value (wire-protocol section 7).
pub const TAGS_MAX: usize = 50;
pub const TAG_KEY_CHARS_MAX: usize = 128;
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// How long AWS's client certificates are good for.
pub const CLIENT_CERTIFICATE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// API keys of one account, and so of one imported document; AWS gives 10,000. Each takes some 2.5 KB, its row
/// included, and a change of one reads all of them.
pub const API_KEYS_MAX: usize = 100_000;
/// Characters of an API key's value (security/api-keys-usage-plans).
pub const API_KEY_VALUE_CHARS_MIN: usize = 20;
pub const API_KEY_VALUE_CHARS_MAX: usize = 128;
/// Characters of an API key's name and description, as AWS's messages say.
pub const API_KEY_NAME_CHARS_MAX: usize = 1_024;
pub const API_KEY_DESCRIPTION_CHARS_MAX: usize = 125_000;
/// Columns of a document of API keys: five have a meaning, the others are skipped.
pub const API_KEY_CSV_COLUMNS_MAX: usize = 64;
/// Usage plans of one account; AWS gives 300.
pub const USAGE_PLANS_MAX: usize = 1_000;
/// Usage plans that one API key may be in (AWS's default).
pub const USAGE_PLANS_PER_KEY_MAX: usize = 10;
/// From the first to the last day of one usage report (AWS keeps ninety days).
pub const USAGE_DAYS_MAX: i64 = 90;
/// Public custom domain names of one account (AWS's default), and as many private ones.
pub const DOMAIN_NAMES_MAX: usize = 120;
/// A name in DNS (RFC 1035 2.3.4) as text, without the last dot.
pub const DOMAIN_NAME_CHARS_MAX: usize = 253;
/// Characters of a base path, all levels together (rest/01 section 1.3).
pub const BASE_PATH_CHARS_MAX: usize = 300;
/// Mappings of several levels that one domain name may have (AWS's default).
pub const MULTI_LEVEL_MAPPINGS_MAX: usize = 200;
/// Mappings of a domain name altogether: AWS has no bound for those of one level; one for each API is enough.
pub const MAPPINGS_MAX: usize = 10_000;
/// Routing rules of one domain name (AWS's default).
pub const ROUTING_RULES_MAX: usize = 50;
/// The last priority that a routing rule may have (rest/01 section 1.3).
pub const ROUTING_RULE_PRIORITY_MAX: i64 = 1_000_000;
/// Conditions on headers that one routing rule may have.
pub const ROUTING_HEADER_CONDITIONS_MAX: usize = 2;
/// Values of one condition on headers. AWS says nothing; each costs a comparison a request.
pub const ROUTING_CONDITION_VALUES_MAX: usize = 10;
/// Header names of conditions are shorter than this, and so are values of the form `*x*`.
pub const ROUTING_HEADER_NAME_CHARS: usize = 40;
pub const ROUTING_INFIX_CHARS: usize = 40;
/// Base paths and header values of conditions are shorter than this.
pub const ROUTING_VALUE_CHARS: usize = 128;
/// Accesses of VPC endpoints to private domain names. AWS names no number; ours is a bound.
pub const ACCESS_ASSOCIATIONS_MAX: usize = 1_000;
/// The path of one resource: a longer one makes the method's ARN too long, so no request could ever reach it.
pub const RESOURCE_PATH_BYTES_MAX: usize = METHOD_ARN_BYTES_MAX;

/// One JSON Web Token, as it is sent. A head may have no more than 10 KB anyhow (rest/16); HTTP APIs and WebSockets may
/// bring longer ones in a query.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The document with an issuer's keys, or the one that says where they are: a key of 8,192 bits has some 1,500 bytes.
pub const JWKS_BYTES_MAX: usize = 1024 * 1024;
/// Keys that are kept of one issuer. An issuer that rotates them has two or three.
pub const JWKS_KEYS_MAX: usize = 1_000;
/// … of them under one `kid`: each is tried, and a try with a key of 8,192 bits takes some 500 microseconds of a core.
pub const JWKS_KEYS_PER_KID_MAX: usize = 4;
/// Keys that were not taken and are told, each in a line.
pub const JWKS_REASONS_MAX: usize = 8;
/// Characters of what an issuer's document says, where they are told.
pub const JWKS_TOLD_CHARS_MAX: usize = 64;
/// Keys are asked for again after this (security/cognito-and-jwt: AWS keeps them up to two hours) …
pub const JWKS_REFRESH: Duration = Duration::from_secs(15 * 60);
/// … or when a token names a key that is not there, but not sooner than this: whoever sends tokens chooses their `kid`.
/// It is also the first wait after a failure; each one more doubles it, up to [`JWKS_REFRESH`].
pub const JWKS_REFETCH_MIN: Duration = Duration::from_secs(10);
/// Keys that could not be asked for again are good for a day: an issuer that is down for a night locks nobody out, and a
/// key that was taken back does not live for ever.
pub const JWKS_STALE_MAX: Duration = Duration::from_secs(24 * 3600);
/// To connect to an issuer (security/cognito-and-jwt: 1,500 ms) …
pub const JWKS_CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// … and all that one attempt may take, discovery included; a start waits no longer for all issuers together.
pub const JWKS_TIMEOUT: Duration = Duration::from_secs(3);
/// Redirects of one question to an issuer.
pub const JWKS_REDIRECTS_MAX: u32 = 3;
/// Issuers that are asked at once; each holds a thread meanwhile.
pub const JWKS_FETCHES_AT_ONCE: usize = 16;
/// What a container, an instance, AWS's STS or a `credential_process` answers, and a token in a file: keys have some hundred
/// bytes, session tokens a few thousand.
pub const CREDENTIALS_BYTES_MAX: usize = 64 * 1024;
/// The files of profiles of AWS's tools.
pub const PROFILE_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Profiles that name one another as the source of their keys.
pub const PROFILE_SOURCES_MAX: usize = 8;
/// Characters of what AWS says when it refuses keys, where they are told.
pub const CREDENTIALS_TOLD_CHARS_MAX: usize = 300;
/// To connect to whom keys are asked of. Nobody answers at the instance's address where there is no instance, and then each
/// start waits for this; AWS's tools wait as long.
pub const CREDENTIALS_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// All that one attempt may take; a start waits no longer for all keys together.
pub const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);
/// A `credential_process` may ask somebody over the network itself.
pub const CREDENTIAL_PROCESS_TIMEOUT: Duration = Duration::from_secs(30);
/// … and is looked after this often, when it has said all and not ended.
pub const CREDENTIAL_PROCESS_REST: Duration = Duration::from_millis(10);
/// Sources of keys that are asked at once; each holds a thread meanwhile.
pub const CREDENTIALS_FETCHES_AT_ONCE: usize = 16;
/// Keys are asked for again so long before they end: instances and containers have new ones then …
pub const CREDENTIALS_REFRESH_BEFORE: Duration = Duration::from_secs(300);
/// … of those that live shorter, when this part of their time is left.
pub const CREDENTIALS_REFRESH_PART: u32 = 4;
/// Keys that do not end are looked for again after this: somebody may have put others into a file.
pub const CREDENTIALS_REREAD: Duration = Duration::from_secs(15 * 60);
/// The first wait after a failure; each one more doubles it …
pub const CREDENTIALS_RETRY_MIN: Duration = Duration::from_secs(1);
/// … up to this.
pub const CREDENTIALS_RETRY_MAX: Duration = Duration::from_secs(60);
/// How long an instance's metadata service is to take our token, in seconds: the longest that it allows.
pub const INSTANCE_TOKEN_SECONDS: u32 = 21_600;
/// Seconds that a token may come from the future (`iat`): clocks differ, and AWS names no leeway.
pub const TOKEN_ISSUED_AHEAD_SECONDS_MAX: u64 = 60;
/// Steps of an authorizer's expression in one `aud`: a millisecond or so.
pub const TOKEN_EXPRESSION_STEPS_MAX: u64 = 100_000;

/// What Lambda takes as an event, and as an answer that is not streamed: 6 MB and what it adds itself (rest/09).
pub const FUNCTION_PAYLOAD_BYTES_MAX: usize = 6_291_556;
/// The event of an asynchronous invocation (AWS: 1 MB).
pub const FUNCTION_ASYNC_EVENT_BYTES_MAX: usize = 1024 * 1024;
/// A streamed answer as a whole (AWS: 200 MB).
pub const FUNCTION_STREAM_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Pieces of a streamed answer that wait for its reader; each is what one read brought. Then the function waits.
pub const FUNCTION_STREAM_PIECES_WAITING_MAX: usize = 4;
/// One message of a streamed answer, its frame aside.
pub const FUNCTION_STREAM_CHUNK_BYTES: usize = 64 * 1024;
/// Calls that wait for a process of one function …
pub const FUNCTION_CALLS_WAITING_MAX: usize = 1_000;
/// … and what their events may hold together.
pub const FUNCTION_EVENTS_WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// So long a call waits for a process: what has waited a third of an integration's time is better told to come again.
pub const FUNCTION_QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// … but one whose process is on its way waits on, for as long as a start may take; how often that is looked at.
pub const FUNCTION_QUEUE_LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// … and an asynchronous one, for which nobody waits.
pub const FUNCTION_ASYNC_QUEUE_TIMEOUT: Duration = Duration::from_secs(300);
/// From a process's start to its first question for an event. AWS gives 10 s and then the function's own time; a machine
/// that starts many at once needs more than one that starts one.
pub const FUNCTION_INIT_TIMEOUT: Duration = Duration::from_secs(30);
/// A process that has told why it cannot begin, or has been asked to end, has so long to be gone.
pub const FUNCTION_END_TIMEOUT: Duration = Duration::from_secs(2);
/// After a start that failed, the next waits; each failure in a row doubles it.
pub const FUNCTION_BACKOFF_MIN: Duration = Duration::from_millis(500);
pub const FUNCTION_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The code of a function, unpacked (AWS: 250 MB), and its zip file.
pub const FUNCTION_CODE_BYTES_MAX: u64 = 250 * 1024 * 1024;
/// Files and folders of a function's code: each is copied.
pub const FUNCTION_CODE_FILES_MAX: usize = 100_000;
/// Folders in each other of a function's code.
pub const FUNCTION_CODE_DEPTH_MAX: usize = 64;
/// A file that a function writes, and so its temporary folder about (AWS: 512 MB).
pub const FUNCTION_FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Descriptors of one process (AWS: 1,024).
pub const FUNCTION_DESCRIPTORS_MAX: u64 = 1_024;
/// Threads that one function's process and all that it made may have together (AWS: 1,024 processes and threads) …
pub const FUNCTION_THREADS_MAX: usize = 1_024;
/// … and processes, itself among them: each is read about in /proc as often as memory is measured.
pub const FUNCTION_CHILDREN_MAX: usize = 256;
/// How often the memory of a process that works is looked at …
pub const FUNCTION_MEMORY_INTERVAL: Duration = Duration::from_millis(200);
/// … and of one that rests.
pub const FUNCTION_MEMORY_INTERVAL_AT_REST: Duration = Duration::from_secs(5);
/// Beyond its memory, what a process may reserve before the kernel itself refuses it more: room for threads' stacks and
/// for what is reserved and not used, and a wall for what grows faster than it is looked at.
pub const FUNCTION_RESERVE_BYTES: u64 = 1024 * 1024 * 1024;
/// A process that breaks the Runtime API is answered no sooner.
pub const FUNCTION_REFUSAL_REST: Duration = Duration::from_millis(10);
/// Connections that one process may have to its Runtime API: clients use one, some two.
pub const FUNCTION_CONNECTIONS_MAX: usize = 16;
/// Connections to where functions are invoked: those of all cores.
pub const FUNCTION_DOOR_CONNECTIONS_MAX: usize = 16_384;
/// Connections to there that have not shown the key yet. Beyond it the oldest is closed: a core shows it at once, but a
/// burst of calls opens some thousand together.
pub const FUNCTION_DOOR_STRANGERS_MAX: usize = 4_096;
/// … and each has so long for it.
pub const FUNCTION_DOOR_STRANGER_TIMEOUT: Duration = Duration::from_secs(5);
/// An ARN that a core says a function was called by.
pub const FUNCTION_ARN_BYTES_MAX: usize = 512;
/// One line of a function's log; the rest goes on in the next.
pub const FUNCTION_LOG_LINE_BYTES_MAX: usize = 16 * 1024;
/// Log lines of all functions that wait to be written. Beyond it lines are counted and lost.
pub const FUNCTION_LOG_LINES_WAITING_MAX: usize = 1_024;
/// What a process may print in [`FUNCTION_LOG_INTERVAL`] before it has to wait: 10 MB a second, so that one that prints
/// for ever takes little of the thread that all functions share.
pub const FUNCTION_LOG_BYTES_AT_ONCE: usize = 1024 * 1024;
pub const FUNCTION_LOG_INTERVAL: Duration = Duration::from_millis(100);
/// Why a function has not begun, as people are shown it: it comes from the function.
pub const FUNCTION_REASON_BYTES_MAX: usize = 2 * 1024;
/// Last lines of a process that could not begin, shown with the reason.
pub const FUNCTION_LAST_LINES_MAX: usize = 12;
/// A header of an invocation that is handed on to a function (trace id, client context).
pub const FUNCTION_HEADER_BYTES_MAX: usize = 8 * 1024;

/// The limits an operator can move. [`Default`] is AWS's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The upper bound, and the default, of every integration's timeout.
    pub integration_timeout: Duration,
    /// Bytes of one request body or one buffered response body.
    pub payload_bytes_max: u64,
    /// Bytes of all header lines of one request.
    pub header_bytes_max: usize,
    /// Bytes of a request target.
    pub url_bytes_max: usize,
    /// Open client connections of the process; beyond it new ones are accepted and closed at once.
    pub connections_max: usize,
    /// From the first byte of a head to its last.
    pub head_timeout: Duration,
    /// Between two reads of a request body, and between two writes of a response.
    pub body_stall_timeout: Duration,
    /// The slowest a request body may be as a whole, in bytes a second, once `body_stall_timeout` has passed.
    pub body_rate_min: u64,
    /// A keep-alive connection with nothing to do.
    pub idle_timeout: Duration,
    /// A connection is closed after its first answer beyond this age.
    pub connection_lifetime: Duration,
    /// Time that requests in flight have after SIGTERM.
    pub drain_timeout: Duration,
    /// Methods that have metrics of their own; those beyond it are counted together.
    pub metrics_series_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            integration_timeout: INTEGRATION_TIMEOUT_MAX,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            header_bytes_max: HEADER_BYTES_MAX,
            url_bytes_max: URL_BYTES_MAX,
            connections_max: 100_000,
            head_timeout: Duration::from_secs(10),
            body_stall_timeout: Duration::from_secs(20),
            body_rate_min: 1_024,
            idle_timeout: IDLE_TIMEOUT,
            connection_lifetime: Duration::from_secs(24 * 3600),
            drain_timeout: Duration::from_secs(30),
            metrics_series_max: 2_000,
        }
    }
}

const _: () = assert!(
    URL_BYTES_MAX + HEADER_BYTES_MAX + HEADER_LINES_MAX * 4 < HEAD_BUFFER_BYTES,
    "a head at its limits fits one buffer"
);
const _: () = assert!(
    DNS_TRY_TIMEOUT.as_millis() * 2 < DNS_TIMEOUT.as_millis(),
    "one family that is not answered does not cost the other's answer"
);
