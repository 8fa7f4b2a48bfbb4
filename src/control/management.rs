//! The management API's side of the control thread's loop: commands in, changes through, snapshots out.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::admin::AdminState;
use super::admin::call::{Call, Reply, TestInvoke, Turn, random_hex};
use super::admin::content;
use super::admin::errors::AwsError;
use super::admin::front::{Command, Done, Maintenance, unix_seconds};
use super::admin::test_invoke::identified;
use super::admin::{plan, test_invoke, usage_export};
use super::commit::backup::Existing;
use super::commit::change::{Change, Key};
use super::commit::definitions::{key, segments};
use super::commit::store::Store;
use super::cores::{Cores, lone};
use super::deploy::api_keys;
use super::deploy::compile::Compiling;
use super::deploy::from_rows;
use super::deploy::stage::{Missing, ReleaseSource, StageSource};
use super::fetch::dns::Names;
use super::live::{self, Bench, Tools};
use super::plane::{Plane, Published, Respond, Step, answer, unresolved};
use super::tell::tell;
use crate::edge::identity::stage_name;
use crate::edge::invoke::{Invoked, identify, invoke};
use crate::model::api_rows::Object;
use crate::model::routes::Routes;
use crate::settings::Settings;
use crate::settings::limits::{
    ADMIN_COMMANDS_WAITING_MAX, DNS_TIMEOUT, PUBLISH_TIMEOUT, STORE_STOP_TIMEOUT, TESTS_MAX,
};
use crate::time::Clock;

/// What a start finds of an earlier process in the data folder, and removes.
pub const RESTORE_PREFIX: &str = "restore-";
pub const BACKUP_PREFIX: &str = "backup-part-";

pub struct Management {
    pub plane: Plane,
    commands: mpsc::Receiver<Command>,
    maintenance: mpsc::Receiver<Maintenance>,
    /// One clone for each method under test.
    tests: Arc<()>,
    restored: mpsc::Receiver<Restored>,
    tell_restored: mpsc::Sender<Restored>,
}

/// A backup that has been read, and who waits for it.
pub struct Restored {
    fresh: Result<Change, String>,
    respond: oneshot::Sender<Result<(), AwsError>>,
}

/// Where calls come in.
#[derive(Clone)]
pub struct Entrance {
    pub commands: mpsc::Sender<Command>,
    pub maintenance: mpsc::Sender<Maintenance>,
}

/// What happens to the definitions.
pub enum Event {
    Command(Command),
    Maintenance(Maintenance),
    Step(Step),
    Restored(Restored),
}

/// What the rest of the control thread lends for one event.
pub struct Around<'a> {
    pub compiling: &'a mut Compiling,
    pub settings: &'a Settings,
    pub clock: &'a Clock,
    pub names: &'a Names,
    pub cores: &'a mut Cores,
    pub admin: &'a AdminState,
}

impl Management {
    pub fn new(plane: Plane) -> (Self, Entrance) {
        let (send_command, commands) = mpsc::channel(ADMIN_COMMANDS_WAITING_MAX);
        let (send_maintenance, maintenance) = mpsc::channel(1);
        let (tell_restored, restored) = mpsc::channel(1);
        let management = Self { plane, commands, maintenance, tests: Arc::default(), restored, tell_restored };
        (management, Entrance { commands: send_command, maintenance: send_maintenance })
    }

    /// The next event. It loses nothing when it is dropped.
    pub async fn next(&mut self) -> Event {
        // The doors are held open by whoever serves them; closed ones are silent.
        tokio::select! {
            step = self.plane.next() => Event::Step(step),
            Some(restored) = self.restored.recv() => Event::Restored(restored),
            Some(maintenance) = self.maintenance.recv() => Event::Maintenance(maintenance),
            Some(command) = self.commands.recv() => Event::Command(command),
            else => std::future::pending().await,
        }
    }

    pub fn handle(&mut self, event: Event, around: &mut Around<'_>) {
        match event {
            // The cores take no snapshots any more: a change could be kept, and not served.
            Event::Command(command) if around.is_draining() && command.operation.verb != "GET" => {
                answer(command.respond, Err(AwsError::unavailable("Weir is draining")));
            }
            Event::Command(command) => {
                if command.operation.name == "FlushStageAuthorizersCache" {
                    let stage = stage_name(command.call.path("restapi_id"), command.call.path("stage_name"));
                    around.cores.shared.answers.flush(stage);
                }
                let mut tools = around.tools();
                if let Some((test, respond)) = self.plane.run(command, &mut tools, unix_seconds()) {
                    self.begin_test(test, respond, around);
                }
            }
            Event::Step(Step::Written(Ok(()))) => {
                let (compiling, names) = (&*around.compiling, around.names);
                self.plane.written(|| resolve(compiling, names));
            }
            Event::Step(Step::Written(Err(error))) => self.plane.unwritten(&error),
            Event::Step(Step::Resolved) => {
                let Published { waiting } = self.plane.resolved();
                let began = Instant::now();
                let revision = around.publish(&self.plane);
                let publication_ns = Arc::clone(&around.admin.publication_ns);
                around.when_everywhere(revision, move || {
                    publication_ns.store(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
                    waiting.into_iter().for_each(|(respond, done)| answer(respond, Ok(done)));
                });
            }
            Event::Restored(Restored { fresh, respond }) => match fresh {
                Ok(fresh) => self.replace(self.instead(fresh), respond, around),
                Err(found) => drop(respond.send(Err(AwsError::bad_request(found)))),
            },
            Event::Maintenance(maintenance) => self.maintain(maintenance, around),
        }
    }

    /// Writes down what keys have used since the last time: one change, behind those that are under way.
    pub fn write_usage(&mut self, around: &mut Around<'_>) {
        if self.plane.store.room().is_err() {
            return;
        }
        let mut rows = Vec::new();
        for (plan, id, used) in around.compiling.plans.changed() {
            let place = key(&["usage", plan, id]);
            // A key that has left its plan meanwhile has no usage any more.
            if self.plane.definitions.get(&key(&["usageplans", plan, "keys", id])).is_some() {
                let before = self.plane.definitions.get(&place).and_then(|text| serde_json::from_str(text).ok());
                let row = api_keys::row(&used, before.as_ref());
                rows.push((place, Some(Value::from(row).to_string().into_boxed_str())));
            }
        }
        if rows.is_empty() {
            return;
        }
        let change = Change { revision: self.plane.definitions.revision() + 1, rows, blobs: Vec::new() };
        // Nobody waits: what cannot be written is counted, and written the next time that something is.
        let (nobody, _) = oneshot::channel();
        self.plane.change(change, Reply::Empty, nobody, &mut around.tools());
    }

    fn maintain(&mut self, maintenance: Maintenance, around: &mut Around<'_>) {
        match maintenance {
            Maintenance::Backup(respond) => {
                // In the data folder: what it holds is as secret as the store.
                let folder = around.settings.data.clone().unwrap_or_else(std::env::temp_dir);
                let backup = self.plane.store.backup(folder.join(format!("{BACKUP_PREFIX}{}", random_hex())));
                tokio::spawn(async move {
                    let written = match backup.await {
                        Ok(written) => {
                            written.map(|backup| backup.file).map_err(|error| AwsError::unavailable(error.to_string()))
                        }
                        Err(_) => Err(AwsError::unavailable("Weir is stopping")),
                    };
                    if let Err(Ok(file)) = respond.send(written) {
                        let _ = std::fs::remove_file(file);
                    }
                });
            }
            Maintenance::Restore(bytes, respond) => {
                let parent = around.settings.data.clone().unwrap_or_else(std::env::temp_dir);
                let folder = parent.join(format!("{RESTORE_PREFIX}{}", random_hex()));
                let tell = self.tell_restored.clone();
                // It is written, synced and read again before it is believed: not on the thread that serves.
                tokio::task::spawn_blocking(move || {
                    let fresh = read_backup(&folder, &bytes);
                    let _ = std::fs::remove_dir_all(&folder);
                    let _ = tell.blocking_send(Restored { fresh, respond });
                });
            }
            Maintenance::Reset(respond) => {
                let change = self.everything_gone();
                self.replace(change, respond, around);
            }
            Maintenance::Usage { wanted, after, respond } => {
                let _ = respond.send(usage_export::page(&self.plane.definitions, &wanted, after.as_deref()));
            }
            Maintenance::Plan { api_id, document, respond } => {
                let call = Call {
                    path: vec![("restapi_id", api_id)],
                    query: vec![("mode".into(), "overwrite".into())],
                    raw: document,
                    account: self.plane.facts.account_id.clone(),
                    ..Call::default()
                };
                let mut turn = Turn {
                    draft: self.plane.definitions.draft(),
                    store: &self.plane.store,
                    facts: &self.plane.facts,
                    now: unix_seconds(),
                };
                let _ = respond.send(plan::difference(&mut turn, &call));
            }
        }
    }

    /// One change that leaves nothing of what is, and puts what `fresh` has.
    fn instead(&self, fresh: Change) -> Change {
        let mut change = self.everything_gone();
        let (rows, blobs): (BTreeSet<_>, BTreeSet<_>) = (
            fresh.rows.iter().map(|(key, _)| key.clone()).collect(),
            fresh.blobs.iter().map(|(key, _)| key.clone()).collect(),
        );
        change.rows.retain(|(key, _)| !rows.contains(key));
        change.blobs.retain(|(key, _)| !blobs.contains(key));
        change.rows.extend(fresh.rows);
        change.blobs.extend(fresh.blobs);
        change
    }

    fn everything_gone(&self) -> Change {
        let definitions = &self.plane.definitions;
        let rows: Vec<(Key, _)> = definitions.below("").map(|(key, _)| (key.clone(), None)).collect();
        let blobs = rows.iter().filter_map(|(key, _)| deployment_blob(key)).map(|key| (key, None)).collect();
        Change { revision: definitions.revision() + 1, rows, blobs }
    }

    fn replace(&mut self, change: Change, respond: oneshot::Sender<Result<(), AwsError>>, around: &mut Around<'_>) {
        self.plane.parsed.forget();
        if let Err(error) = self.plane.store.room() {
            return drop(respond.send(Err(AwsError::unavailable(error.to_string()))));
        }
        let (done, when_done) = oneshot::channel::<Result<Done, AwsError>>();
        self.plane.change(change, Reply::Empty, done, &mut around.tools());
        tokio::spawn(async move {
            let result = when_done.await.unwrap_or_else(|_| Err(AwsError::unavailable("Weir is stopping")));
            let _ = respond.send(result.map(|_| ()));
        });
    }

    /// Compiles the method as it stands and asks it, on a thread that may wait: the cores know nothing of it.
    fn begin_test(&mut self, test: Box<TestInvoke>, respond: Respond, around: &mut Around<'_>) {
        if Arc::strong_count(&self.tests) > TESTS_MAX {
            let busy = AwsError { status: 429, code: "TooManyRequestsException", message: "Too Many Requests".into() };
            return answer(respond, Err(busy));
        }
        let stage = match self.test_stage(&test, around) {
            Ok(stage) => stage,
            Err(error) if test.authorizer_id.is_some() => {
                return reply(identified(Err(error.message), unix_seconds()), respond);
            }
            Err(error) => return reply_to_test(&test, Err(error.message), respond),
        };
        let routes = Routes { mounts: vec![test_invoke::mount(&test)], ..Routes::default() };
        let snapshot = Arc::new(around.compiling.snapshot(&[stage], &routes, around.settings));
        let resolved = resolve(around.compiling, around.names);
        let start = lone(&around.settings.limits);
        let running = Arc::clone(&self.tests);
        tokio::spawn(async move {
            let _running = running;
            let _ = resolved.await;
            let ask = test_invoke::ask(&test);
            if test.authorizer_id.is_some() {
                let asking = tokio::task::spawn_blocking(move || identify(start, snapshot, ask.bytes)).await;
                let outcome = match asking {
                    Ok(outcome) => outcome.map_err(|error| error.to_string()),
                    Err(_) => Err("the request was broken off".to_owned()),
                };
                return reply(identified(outcome, unix_seconds()), respond);
            }
            let asking = tokio::task::spawn_blocking(move || invoke(start, snapshot, ask));
            let invoked = match asking.await {
                Ok(invoked) => invoked.map_err(|error| error.to_string()),
                Err(_) => Err("the request was broken off".to_owned()),
            };
            reply_to_test(&test, invoked, respond);
        });
    }

    fn test_stage(
        &mut self,
        test: &TestInvoke,
        around: &mut Around<'_>,
    ) -> Result<Arc<crate::edge::snapshot::Stage>, AwsError> {
        let turn = Turn {
            draft: self.plane.definitions.draft(),
            store: &self.plane.store,
            facts: &self.plane.facts,
            now: unix_seconds(),
        };
        let mut rows = content::read(&turn, &test.api_id).unwrap_or_default();
        match &test.authorizer_id {
            Some(id) => test_invoke::guarded(&mut rows, id),
            None => {
                live::without_guards(&mut rows);
                live::only(&mut rows, &test.resource_path, &test.http_method);
            }
        }
        let mut problems = Vec::new();
        let (api, owners) = from_rows::rest_api(&test.api_id, &rows, &mut problems);
        let variables = test.stage_variables.iter().cloned().collect();
        let source = StageSource {
            name: test_invoke::stage(test),
            base: ReleaseSource { api: &api, deployment_id: "", variables: &variables },
            canary: None,
            method_settings: &[],
            access_log_format: None,
            missing_variables: Missing::Empty,
        };
        let mut tools = around.tools();
        let Plane { facts, store, parsed, .. } = &mut self.plane;
        let mut stage = Bench { tools: &mut tools, facts, store, parsed }.compile(source, &owners, problems)?;
        if let Some(stage) = Arc::get_mut(&mut stage) {
            stage.base.tree.pin(0);
        }
        Ok(stage)
    }
}

/// Everything that a backup holds, as one change.
fn read_backup(folder: &std::path::Path, backup: &[u8]) -> Result<Change, String> {
    let refused = |refusal: super::refusal::Refusal| {
        let found: Vec<String> = refusal.problems.iter().map(|problem| problem.found.clone()).collect();
        found.join("; ")
    };
    // What a backup holds is as secret as the store.
    std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(|error| error.to_string())?;
    let file = folder.join("weir.backup");
    let mut written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    written.as_mut().map_err(|error| error.to_string())?.write_all(backup).map_err(|error| error.to_string())?;
    drop(written);
    let data = folder.join("data");
    Store::restore(&data, &file, Existing::Keep).map_err(refused)?;
    let opened = Store::open(&data).map_err(refused)?;
    let mut change = Change::default();
    for key in opened.rows.iter().filter_map(|(key, _)| deployment_blob(key)) {
        let bytes = opened.store.blob(&key).map_err(|error| error.to_string())?;
        change.blobs.extend(bytes.map(|bytes| (key, Some(bytes.into_boxed_slice()))));
    }
    change.rows = opened.rows.into_iter().map(|(key, text)| (key, Some(text))).collect();
    opened.store.stop(STORE_STOP_TIMEOUT);
    Ok(change)
}

/// The key of what a deployment keeps, by the key of its row.
fn deployment_blob(row: &str) -> Option<Key> {
    match segments(row).as_slice() {
        [restapis, api, deployments, id]
            if (restapis.as_str(), deployments.as_str()) == ("restapis", "deployments") =>
        {
            Some(key(&["deployments", api, id]))
        }
        _ => None,
    }
}

fn reply_to_test(test: &TestInvoke, result: Result<Invoked, String>, respond: Respond) {
    reply(test_invoke::reply(test, result, unix_seconds()), respond);
}

fn reply(object: Object, respond: Respond) {
    answer(respond, Ok(Done { reply: Reply::Object(object), revision: 0 }));
}

impl Around<'_> {
    pub fn tools(&mut self) -> Tools<'_> {
        Tools { compiling: self.compiling, settings: self.settings, now: self.clock.now() }
    }

    fn is_draining(&self) -> bool {
        self.admin.draining.load(Ordering::Acquire)
    }

    /// Sends what is live to every core. Answers the snapshot's revision.
    pub fn publish(&mut self, plane: &Plane) -> u64 {
        let live = &plane.live;
        self.compiling.api_keys = Arc::clone(&live.api_keys);
        let snapshot = self.compiling.snapshot(&live.all(), &live.routes, self.settings);
        let revision = snapshot.revision;
        self.cores.publisher.publish(Arc::new(snapshot));
        self.admin.revision.store(revision, Ordering::Relaxed);
        revision
    }

    /// Waits until every core runs this revision; a stuck core is not waited for without end.
    fn everywhere(&self, revision: u64) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.cores.shared);
        let end = tokio::time::Instant::now() + PUBLISH_TIMEOUT;
        async move {
            let run_it = || shared.revisions.iter().all(|running| running.load(Ordering::Acquire) >= revision);
            while !run_it() && tokio::time::Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if !run_it() {
                tell(format_args!(
                    "revision {revision} is not on every core after {PUBLISH_TIMEOUT:?}: look at /healthz"
                ));
            }
        }
    }

    fn when_everywhere(&self, revision: u64, then: impl FnOnce() + Send + 'static) {
        let everywhere = self.everywhere(revision);
        tokio::spawn(async move {
            everywhere.await;
            then();
        });
    }
}

/// Begins to look up the backends that have no addresses yet, and the keys of roles that are new. A name that does not resolve holds nothing up for longer
/// than DNS is waited for: its methods answer as AWS's do, and DNS is asked again.
pub fn resolve(compiling: &Compiling, names: &Names) -> oneshot::Receiver<()> {
    let (done, resolved) = oneshot::channel();
    let fresh = unresolved(compiling.endpoints.all());
    let credentials = compiling.credentials.clone();
    if fresh.is_empty() && credentials.are_settled() {
        let _ = done.send(());
        return resolved;
    }
    let names = names.clone();
    // Whatever DNS does, nobody waits for longer than for one answer: addresses that come later are followed all the same.
    let addresses = async move {
        let wanted: Vec<(String, u16)> = fresh.iter().map(|endpoint| (endpoint.host.clone(), endpoint.port)).collect();
        for (endpoint, found) in fresh.iter().zip(names.resolve_all(&wanted).await) {
            endpoint.follow(found.watched.addresses);
        }
    };
    let following = tokio::spawn(async move { tokio::join!(addresses, credentials.first_keys()) });
    tokio::spawn(async move {
        let _ = tokio::time::timeout(DNS_TIMEOUT, following).await;
        let _ = done.send(());
    });
    resolved
}
