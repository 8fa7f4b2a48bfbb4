//! Usage plans to what keys may do. What outlives a change of them: counts, and throttles that have been spent from.

use std::sync::Arc;

use hashbrown::HashMap;

use super::api_key::{ApiKey, ApiKeys, Plan, PlanMethod, PlanStage, Usage};
use super::ledger::Ledger;
use super::quota::{Counters, Quota, Reading};
use crate::settings::Throttle;
use crate::time::Instant;

/// A usage plan as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanTerms {
    pub id: String,
    pub stages: Vec<StageTerms>,
    pub throttle: Option<Throttle>,
    pub quota: Option<Quota>,
}

/// A stage in a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageTerms {
    pub api_id: String,
    pub stage: String,
    /// Methods with a throttle of their own: path, verb, throttle.
    pub methods: Vec<(String, String, Throttle)>,
}

/// An enabled key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTerms {
    pub id: String,
    pub value: String,
    /// Ids of the plans that it is in.
    pub plans: Vec<String>,
}

/// All plans that there are, and what is known of each key in each of them.
#[derive(Default)]
pub struct Plans {
    plans: HashMap<String, Compiled>,
    usages: HashMap<(String, String), Arc<Usage>>,
    numbers: u64,
}

struct Compiled {
    terms: PlanTerms,
    plan: Arc<Plan>,
    /// Throttles of its methods, by their places.
    methods: Vec<Throttle>,
}

impl Plans {
    /// The keys as they are now. `resumed` says what an earlier process has counted of a key in a plan.
    pub fn compile(
        &mut self,
        plans: Vec<PlanTerms>,
        keys: Vec<KeyTerms>,
        (cores, now): (usize, Instant),
        mut resumed: impl FnMut(&str, &str) -> Option<Reading>,
    ) -> ApiKeys {
        let mut known = std::mem::take(&mut self.plans);
        for terms in plans {
            let compiled = match known.remove(&terms.id) {
                Some(same) if same.terms == terms => same,
                _ => Compiled::new(terms),
            };
            self.plans.insert(compiled.terms.id.clone(), compiled);
        }
        let mut known = std::mem::take(&mut self.usages);
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let mut usages = Vec::with_capacity(key.plans.len());
            for compiled in key.plans.iter().filter_map(|plan| self.plans.get(plan)) {
                let name = (compiled.terms.id.clone(), key.id.clone());
                let usage = match known.remove(&name) {
                    Some(same) if Arc::ptr_eq(&same.plan, &compiled.plan) => same,
                    before => {
                        self.numbers += 1;
                        let counters = match &before {
                            Some(before) => Arc::clone(&before.counters),
                            None => {
                                Arc::new(resumed(&name.0, &name.1).map_or_else(Counters::default, Counters::resumed))
                            }
                        };
                        Arc::new(compiled.usage(self.numbers, before.as_deref(), counters, (cores, now)))
                    }
                };
                self.usages.insert(name, Arc::clone(&usage));
                usages.push(usage);
            }
            if !usages.is_empty() {
                all.push(ApiKey { id: key.id.into(), value: key.value.into(), usages: usages.into() });
            }
        }
        ApiKeys::new(all)
    }

    /// What is counted of every key in every plan.
    pub fn counted(&self) -> impl Iterator<Item = (&str, &str, &Counters)> {
        self.usages.iter().map(|((plan, key), usage)| (plan.as_str(), key.as_str(), &*usage.counters))
    }

    /// Of one key in one plan.
    pub fn counters(&self, plan: &str, key: &str) -> Option<&Counters> {
        Some(&*self.usages.get(&(plan.to_owned(), key.to_owned()))?.counters)
    }
}

impl Compiled {
    fn new(terms: PlanTerms) -> Self {
        let mut methods = Vec::new();
        let stages = terms.stages.iter().map(|stage| PlanStage {
            api_id: stage.api_id.as_str().into(),
            stage: stage.stage.as_str().into(),
            methods: stage
                .methods
                .iter()
                .map(|(path, verb, throttle)| {
                    methods.push(*throttle);
                    PlanMethod { path: path.as_str().into(), verb: verb.as_str().into(), place: methods.len() - 1 }
                })
                .collect(),
        });
        let mut stages: Vec<PlanStage> = stages.collect();
        stages.sort_by(|one, other| (&one.api_id, &one.stage).cmp(&(&other.api_id, &other.stage)));
        let plan = Plan { stages: stages.into(), quota: terms.quota };
        Self { plan: Arc::new(plan), methods, terms }
    }

    /// A ledger whose throttle stays goes on: what was spent stays spent.
    fn usage(
        &self,
        number: u64,
        before: Option<&Usage>,
        counters: Arc<Counters>,
        (cores, now): (usize, Instant),
    ) -> Usage {
        let ledger = |throttle: Throttle, before: Option<&Arc<Ledger>>| match before {
            Some(same) if same.throttle() == throttle => Arc::clone(same),
            _ => Arc::new(Ledger::new(throttle, cores, now)),
        };
        let methods = self.methods.iter().enumerate();
        Usage {
            number,
            plan: Arc::clone(&self.plan),
            throttle: self
                .terms
                .throttle
                .map(|throttle| ledger(throttle, before.and_then(|before| before.throttle.as_ref()))),
            methods: methods
                .map(|(place, throttle)| ledger(*throttle, before.and_then(|before| before.methods.get(place))))
                .collect(),
            counters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::meter::{Metered, Meters};
    use super::super::quota::Period;
    use super::super::{Buckets, Limits};
    use super::*;
    use crate::edge::exchange::StageFacts;
    use crate::edge::fault::FaultKind;

    const NOW: Instant = Instant(1_000_000_000);

    fn throttle(burst: u32) -> Throttle {
        Throttle { rate_per_second: 1e-3, burst }
    }

    fn plan(id: &str, throttle: Option<Throttle>, limit: Option<u64>) -> PlanTerms {
        let stage = |stage: &str, methods| StageTerms { api_id: "a".into(), stage: stage.into(), methods };
        let slow = vec![("/slow".to_owned(), "GET".to_owned(), self::throttle(2))];
        let stages = vec![stage("prod", slow), stage("beta", Vec::new())];
        PlanTerms { id: id.into(), stages, throttle, quota: limit.map(|limit| Quota { limit, period: Period::Day }) }
    }

    fn key(id: &str, plans: &[&str]) -> KeyTerms {
        let plans = plans.iter().map(|plan| (*plan).to_owned()).collect();
        KeyTerms { id: id.into(), value: format!("value-of-{id}"), plans }
    }

    /// How many of `times` requests are admitted, and why the last one was not.
    fn admitted(keys: &ApiKeys, meters: &mut Meters, value: &str, path: &str, day: u32) -> (usize, Option<FaultKind>) {
        let facts = StageFacts { api_id: "a".into(), stage: "prod".into(), ..StageFacts::default() };
        let Some((usage, stage)) = keys.find(value.as_bytes()).and_then(|key| key.usage(&facts)) else {
            return (0, Some(FaultKind::InvalidApiKey));
        };
        let metered = Metered { usage, stage, path, verb: "GET", day };
        let mut count = 0;
        loop {
            match meters.admit(&metered, &mut Buckets::default(), &Limits::default(), NOW) {
                Ok(_) if count == 5_000 => return (count, None),
                Ok(_) => count += 1,
                Err(fault) => return (count, Some(fault.kind)),
            }
        }
    }

    #[test]
    fn a_key_has_what_its_plan_says() {
        let mut plans = Plans::default();
        let mut meters = Meters::new(1);
        let terms = vec![plan("free", Some(throttle(5)), Some(9)), plan("open", None, None)];
        let all = vec![key("one", &["free"]), key("two", &["free"]), key("three", &["open"]), key("none", &[])];
        let keys = plans.compile(terms.clone(), all.clone(), (1, NOW), |_, _| None);
        let mut check = |value: &str, path: &str, expected: (usize, Option<FaultKind>)| {
            assert_eq!(admitted(&keys, &mut meters, value, path, 1), expected, "{value} {path}");
        };
        check("value-of-none", "/", (0, Some(FaultKind::InvalidApiKey)));
        check("value-of-on", "/", (0, Some(FaultKind::InvalidApiKey)));
        check("value-of-one", "/slow", (2, Some(FaultKind::Throttled)));
        check("value-of-one", "/", (3, Some(FaultKind::Throttled)));
        check("value-of-two", "/", (5, Some(FaultKind::Throttled)));
        check("value-of-three", "/", (5_000, None));
        meters.settle();
        // Another limit, and nothing else: what was used and spent stays.
        let mut fresh = terms;
        fresh[0].quota = Some(Quota { limit: 5, period: Period::Day });
        let keys = plans.compile(fresh, all, (1, NOW), |_, _| unreachable!("it is known"));
        let quota = Some(FaultKind::QuotaExceeded);
        assert_eq!(admitted(&keys, &mut meters, "value-of-one", "/", 1), (0, quota));
        assert_eq!(admitted(&keys, &mut meters, "value-of-one", "/", 2), (0, Some(FaultKind::Throttled)), "a new day");
        meters.settle();
        let reading = plans.counters("free", "one").expect("counted").read();
        assert_eq!(reading, Reading { period: 2, taken: 0, days: [(0, 0), (1, 5)] }, "throttled requests use nothing");
    }

    #[test]
    fn what_an_earlier_process_counted_goes_on() {
        let mut plans = Plans::default();
        let terms = vec![plan("free", None, Some(9))];
        let counted = Reading { period: 3, taken: 7, days: [(2, 1), (3, 7)] };
        let keys = plans.compile(terms, vec![key("one", &["free"])], (1, NOW), |plan, key| {
            (plan == "free" && key == "one").then_some(counted)
        });
        let quota = Some(FaultKind::QuotaExceeded);
        let mut meters = Meters::new(1);
        assert_eq!(admitted(&keys, &mut meters, "value-of-one", "/", 3), (2, quota));
        assert_eq!(admitted(&keys, &mut meters, "value-of-one", "/", 4), (9, quota));
        drop(meters);
        assert_eq!(plans.counters("free", "one").expect("counted").read().days, [(4, 9), (3, 9)]);
    }

    #[test]
    fn a_quota_on_many_cores_admits_exactly_its_number() {
        let mut plans = Plans::default();
        let keys = plans.compile(vec![plan("p", None, Some(1_000))], vec![key("k", &["p"])], (4, NOW), |_, _| None);
        let sum: usize = std::thread::scope(|scope| {
            let core = || {
                let mut meters = Meters::new(4);
                (0..2_000).map(|_| admitted(&keys, &mut meters, "value-of-k", "/", 1).0).sum::<usize>()
            };
            let cores: Vec<_> = (0..4).map(|_| scope.spawn(core)).collect();
            cores.into_iter().map(|core| core.join().expect("a core")).sum()
        });
        assert_eq!(sum, 1_000);
    }
}
