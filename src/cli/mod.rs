//! People at a terminal: one file a command.

mod report;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::settings::*;

pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = arguments.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let mut s = Settings {
        apis: vec![],
        listen: vec![],
        workers: std::num::NonZeroUsize::new(2).unwrap(),
        stage: "prod".into(),
        stage_variables: Default::default(),
        admin: None,
        driver: DriverChoice::Auto,
        access_log: None,
        limits: Default::default(),
        throttle: None,
        method_settings: vec![],
        upstreams: vec![],
        tls_roots: vec![],
        lenient: false,
        account_id: "000000000000".into(),
        region: "us-east-1".into(),
        watch: false,
        config: None,
    };
    let mut i = 2;
    while i < args.len() {
        match args[i].as_str() {
            "--listen" => {
                s.listen.push(args[i + 1].parse().unwrap());
                i += 2
            }
            "--workers" => {
                s.workers = args[i + 1].parse().unwrap();
                i += 2
            }
            "--driver" => {
                s.driver = if args[i + 1] == "epoll" { DriverChoice::Epoll } else { DriverChoice::Auto };
                i += 2
            }
            "--admin" => { s.admin = args[i+1].parse().ok(); i += 2 }
            f => {
                s.apis.push(ApiFile { base_path: String::new(), path: f.into() });
                i += 1
            }
        }
    }
    let report = |p: &[crate::model::problem::Problem], src: &crate::model::problem::Sources| {
        eprint!("{}", report::render(p, src, true))
    };
    let again = s.clone();
    let reread = move || Ok(again.clone());
    match crate::control::run(s, &reread, &report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(r) => {
            report(&r.problems, &r.sources);
            ExitCode::FAILURE
        }
    }
}
