//! Usage plans to what keys may do. What outlives a change of them: counts, and throttles that have been spent from.

use std::sync::Arc;

use hashbrown::HashMap;

use super::api_key::{ApiKey, ApiKeys, Plan, PlanMethod, PlanStage, Usage};
use super::ledger::Ledger;
use super::quota::{Counters, Quota};
use super::used::{self, Gone, Known, Used};
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
    usages: HashMap<(String, String), Known>,
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
        mut resumed: impl FnMut(&str, &str) -> Option<Used>,
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
                let known = match known.remove(&name) {
                    Some(same) if Arc::ptr_eq(&same.usage.plan, &compiled.plan) => same,
                    before => {
                        self.numbers += 1;
                        let (before, counters, gone) = match before {
                            Some(Known { usage, gone }) => {
                                (Some(Arc::clone(&usage)), Arc::clone(&usage.counters), gone)
                            }
                            None => {
                                let (counters, gone) = resumed(&name.0, &name.1).map(used::resumed).unwrap_or_default();
                                (None, Arc::new(counters), gone)
                            }
                        };
                        compiled.usage(self.numbers, before.as_deref(), (counters, gone), (cores, now))
                    }
                };
                usages.push(Arc::clone(&known.usage));
                self.usages.insert(name, known);
            }
            if !usages.is_empty() {
                all.push(ApiKey { id: key.id.into(), value: key.value.into(), usages: usages.into() });
            }
        }
        ApiKeys::new(all)
    }

    /// Plan, key, and what it has used, of those that have used something since the last time. For one asker.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &str, Used)> {
        self.usages.iter().filter_map(|((plan, key), known)| Some((plan.as_str(), key.as_str(), known.changed()?)))
    }

    /// Of one key in one plan.
    pub fn counters(&self, plan: &str, key: &str) -> Option<&Counters> {
        Some(&*self.usages.get(&(plan.to_owned(), key.to_owned()))?.usage.counters)
    }
}

impl Compiled {
    fn new(terms: PlanTerms) -> Self {
        let mut methods = Vec::new();
        let stages = terms.stages.iter().map(|stage| PlanStage {
            api_id: stage.api_id.as_str().into(),
            stage: stage.stage.as_str().into(),
            place: 0,
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
        stages.iter_mut().enumerate().for_each(|(place, stage)| stage.place = place);
        let plan = Plan { stages: stages.into(), quota: terms.quota };
        Self { plan: Arc::new(plan), methods, terms }
    }

    /// A ledger whose throttle stays goes on: what was spent stays spent.
    fn usage(
        &self,
        number: u64,
        before: Option<&Usage>,
        (counters, gone): (Arc<Counters>, Vec<Gone>),
        (cores, now): (usize, Instant),
    ) -> Known {
        let ledger = |throttle: Throttle, before: Option<&Arc<Ledger>>| match before {
            Some(same) if same.throttle() == throttle => Arc::clone(same),
            _ => Arc::new(Ledger::new(throttle, cores, now)),
        };
        let methods = self.methods.iter().enumerate();
        let (stages, gone) = used::stages(&self.plan, &counters, before, gone);
        let usage = Usage {
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
            stages,
        };
        Known { usage: Arc::new(usage), gone }
    }
}

#[cfg(test)]
mod tests {
    use super::super::days::Day;
    use super::super::meter::{Metered, Meters};
    use super::super::quota::{Period, Reading};
    use super::super::used::StageUsed;
    use super::super::{Buckets, Limits};
    use super::*;
    use crate::edge::exchange::StageFacts;
    use crate::edge::fault::FaultKind;
    use crate::edge::identity::resource_policy::Allowed;

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

    /// How many requests are admitted, and why the last one was not.
    fn admitted(keys: &ApiKeys, meters: &mut Meters, value: &str, path: &str, day: u32) -> (usize, Option<FaultKind>) {
        admitted_to(keys, meters, value, ("prod", path), day, 5_000)
    }

    fn admitted_to(
        keys: &ApiKeys,
        meters: &mut Meters,
        value: &str,
        (stage, path): (&str, &str),
        day: u32,
        times: usize,
    ) -> (usize, Option<FaultKind>) {
        let facts = StageFacts { api_id: "a".into(), stage: stage.into(), ..StageFacts::default() };
        let Some((usage, stage)) = keys.find(value.as_bytes()).and_then(|key| key.usage(&facts)) else {
            return (0, Some(FaultKind::InvalidApiKey));
        };
        let metered = Metered { usage, stage, path, verb: "GET", own_verb: "GET", day };
        let mut count = 0;
        loop {
            match meters.admit(&metered, &mut Buckets::default(), &Limits::default(), NOW, &Allowed::as_assumed()) {
                Ok(_) if count + 1 >= times => return (count + 1, None),
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
            (plan == "free" && key == "one").then_some(Used { reading: counted, stages: Vec::new() })
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

    /// What has changed since the last time: the sum of each day, and its stages' counts.
    fn told(plans: &Plans) -> Vec<(String, [(Day, u64); 2])> {
        let mut told = Vec::new();
        for (_, _, used) in plans.changed() {
            told.push(("sum".to_owned(), used.reading.days));
            told.extend(used.stages.into_iter().map(|used| (format!("{}/{}", used.api_id, used.stage), used.days)));
        }
        told.sort();
        told
    }

    #[test]
    fn stages_are_counted_apart_whatever_becomes_of_them() {
        let mut plans = Plans::default();
        let of = |stages: &[&str]| {
            let mut terms = plan("p", None, None);
            terms.stages.retain(|stage| stages.contains(&&*stage.stage));
            vec![terms]
        };
        let all = || vec![key("k", &["p"])];
        let mut meters = Meters::new(1);
        let mut ask = |keys: &ApiKeys, stage: &str, times: usize, day: u32| {
            assert_eq!(admitted_to(keys, &mut meters, "value-of-k", (stage, "/"), day, times), (times, None));
            meters.settle();
        };
        let check = |plans: &Plans, expected: &[(&str, [(Day, u64); 2])]| {
            let expected: Vec<_> = expected.iter().map(|(name, days)| ((*name).to_owned(), *days)).collect();
            assert_eq!(told(plans), expected);
        };
        // An earlier process has counted a stage that has left the plan.
        let days = [(2, 4), (0, 0)];
        let gone = StageUsed { api_id: "a".into(), stage: "beta".into(), days };
        let used = Used { reading: Reading { days, ..Reading::default() }, stages: vec![gone] };
        let old = plans.compile(of(&["prod"]), all(), (1, NOW), |_, _| Some(used.clone()));
        check(&plans, &[]);
        ask(&old, "prod", 3, 2);
        check(&plans, &[("a/beta", [(2, 4), (0, 0)]), ("a/prod", [(2, 3), (0, 0)]), ("sum", [(2, 7), (0, 0)])]);
        // It comes back, and the other one leaves; a core that has not heard of it goes on with the old plan.
        let mut keys = plans.compile(of(&["beta"]), all(), (1, NOW), |_, _| unreachable!("it is known"));
        ask(&keys, "beta", 2, 2);
        ask(&old, "prod", 1, 3);
        check(&plans, &[("a/beta", [(2, 6), (0, 0)]), ("a/prod", [(2, 3), (3, 1)]), ("sum", [(2, 9), (3, 1)])]);
        keys = plans.compile(of(&["beta", "prod"]), all(), (1, NOW), |_, _| unreachable!("it is known"));
        ask(&keys, "prod", 1, 3);
        ask(&keys, "beta", 1, 4);
        check(&plans, &[("a/beta", [(4, 1), (0, 0)]), ("a/prod", [(2, 3), (3, 2)]), ("sum", [(4, 1), (3, 2)])]);
        drop(old);
        // What nobody counts any more is forgotten when its days are over, and not before.
        keys = plans.compile(of(&["beta"]), all(), (1, NOW), |_, _| unreachable!("it is known"));
        ask(&keys, "beta", 1, 4);
        check(&plans, &[("a/beta", [(4, 2), (0, 0)]), ("a/prod", [(2, 3), (3, 2)]), ("sum", [(4, 2), (3, 2)])]);
        ask(&keys, "beta", 1, 5);
        keys = plans.compile(of(&[]), all(), (1, NOW), |_, _| unreachable!("it is known"));
        check(&plans, &[("a/beta", [(4, 2), (5, 1)]), ("sum", [(4, 2), (5, 1)])]);
        assert!(keys.find(b"value-of-k").is_some_and(|key| key.usages[0].stages.is_empty()));
    }

    #[test]
    fn a_core_counts_many_stages_between_two_times_that_it_tells() {
        let mut plans = Plans::default();
        let keys = plans.compile(vec![plan("p", None, None)], vec![key("k", &["p"])], (1, NOW), |_, _| None);
        let mut meters = Meters::new(1);
        for (stage, day) in [("prod", 1), ("beta", 1), ("prod", 1), ("beta", 1), ("beta", 1), ("prod", 2), ("beta", 2)]
        {
            admitted_to(&keys, &mut meters, "value-of-k", (stage, "/"), day, 1);
        }
        meters.settle();
        let expected = [("a/beta", [(2, 1), (1, 3)]), ("a/prod", [(2, 1), (1, 2)]), ("sum", [(2, 2), (1, 5)])];
        assert_eq!(told(&plans), expected.map(|(name, days)| (name.to_owned(), days)));
    }
}
