//! What a key has used of a plan, stage by stage: whoever bills for it wants to know (`weir usage export`).
//!
//! Counts outlive a change of the plan. A stage that has left it is still counted by cores that have not heard of it, and
//! may come back on the same day.

use std::sync::Arc;

use super::api_key::{Plan, PlanStage, Usage};
use super::days::{Day, Days};
use super::quota::{Counters, Reading};

/// What one key has used of one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub reading: Reading,
    /// Of the reading's days, those of each stage that was asked.
    pub stages: Vec<StageUsed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageUsed {
    pub api_id: String,
    pub stage: String,
    pub days: [(Day, u64); 2],
}

/// One key in one plan, with what it has used of stages that are in the plan no more.
pub(super) struct Known {
    pub(super) usage: Arc<Usage>,
    pub(super) gone: Vec<Gone>,
}

pub(super) struct Gone {
    api_id: Box<str>,
    stage: Box<str>,
    days: Arc<Days>,
}

impl Known {
    /// What it has used, where that is something else than the last time. For one asker.
    pub(super) fn changed(&self) -> Option<Used> {
        // The sum before its parts: cores count the other way round.
        let reading = self.usage.counters.changed()?;
        let of_plan = self.usage.plan.stages.iter().zip(&self.usage.stages);
        let of_plan = of_plan.map(|(stage, days)| (&*stage.api_id, &*stage.stage, days));
        let gone = self.gone.iter().map(|gone| (&*gone.api_id, &*gone.stage, &gone.days));
        let stages = of_plan.chain(gone).filter_map(|(api_id, stage, days)| {
            let days = days.read();
            let is_asked = days.iter().any(|(_, count)| *count > 0);
            is_asked.then(|| StageUsed { api_id: api_id.to_owned(), stage: stage.to_owned(), days })
        });
        Some(Used { reading, stages: stages.collect() })
    }
}

/// What an earlier process has counted, of a plan that is not known here yet.
pub(super) fn resumed(used: Used) -> (Counters, Vec<Gone>) {
    let stage = |used: StageUsed| Gone {
        api_id: used.api_id.into(),
        stage: used.stage.into(),
        days: Arc::new(Days::resumed(used.days)),
    };
    (Counters::resumed(used.reading), used.stages.into_iter().map(stage).collect())
}

/// The counts of a plan's stages, and those that it has not. A stage that stays, or comes back, goes on with its own.
pub(super) fn stages(
    plan: &Plan,
    counters: &Counters,
    before: Option<&Usage>,
    mut gone: Vec<Gone>,
) -> (Box<[Arc<Days>]>, Vec<Gone>) {
    let known = |stage: &PlanStage| {
        let of_plan = before.and_then(|before| before.stages.get(before.plan.place(&stage.api_id, &stage.stage)?));
        let is_it = |gone: &&Gone| gone.api_id == stage.api_id && gone.stage == stage.stage;
        of_plan.or_else(|| Some(&gone.iter().find(is_it)?.days)).cloned()
    };
    let stages = plan.stages.iter().map(|stage| known(stage).unwrap_or_default()).collect();
    for (stage, days) in before.into_iter().flat_map(|before| before.plan.stages.iter().zip(&before.stages)) {
        gone.push(Gone { api_id: stage.api_id.clone(), stage: stage.stage.clone(), days: Arc::clone(days) });
    }
    gone.retain(|gone| plan.place(&gone.api_id, &gone.stage).is_none());
    // What nobody counts any more, and nothing that is still written says, is in its row and may go.
    let newest = counters.read().days.iter().map(|(day, _)| *day).max().unwrap_or_default();
    gone.retain_mut(|gone| {
        let is_written = gone.days.read().iter().any(|(day, count)| *count > 0 && day.saturating_add(1) >= newest);
        is_written || Arc::get_mut(&mut gone.days).is_none()
    });
    (stages, gone)
}
