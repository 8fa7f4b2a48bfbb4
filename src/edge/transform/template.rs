//! Mapping templates: compiled at deployment, rendered for a request (rest/08).

use std::fmt;

use bumpalo::Bump;

use super::overrides::Overrides;
use super::world::World;
use crate::edge::exchange::Context;
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::watch::ExecutionLog;
use crate::edge::watch::execution_log::Failed;
use crate::lang::budget::Budget;
use crate::lang::vtl;
use crate::settings::limits::{MAPPED_VALUE_BYTES_MAX, SCRATCH_BYTES_KEPT};

/// A template of a mapping.
#[derive(Debug)]
pub(super) enum Template {
    /// Nothing in it is evaluated.
    Constant(Box<[u8]>),
    Program(Box<vtl::Template>),
    /// It does not parse, which AWS too finds out when the method is called: why.
    Broken(Box<str>),
}

impl Template {
    /// Whether its text depends on the request.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// Which way a template maps, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// What renderings of one core work in, one after the other: no rendering waits for anything.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) arena: Bump,
    pub(super) out: Vec<u8>,
}

impl Scratch {
    /// Forgets everything, and gives back what one large body made it take.
    pub(super) fn clear(&mut self) {
        self.out.clear();
        if self.out.capacity() > SCRATCH_BYTES_KEPT {
            self.out = Vec::new();
        }
        if self.arena.allocated_bytes() > SCRATCH_BYTES_KEPT {
            self.arena = Bump::new();
        } else {
            self.arena.reset();
        }
    }
}

/// What a core lends to one mapping.
pub struct Tools<'t> {
    pub scratch: &'t mut Scratch,
    /// Somebody watches.
    pub log: Option<&'t mut ExecutionLog>,
}

/// One template's run.
pub(super) struct Rendering<'r> {
    pub(super) way: Way,
    /// The content type that it is for.
    pub(super) key: &'r str,
    pub(super) body: &'r str,
    pub(super) earlier: Option<&'r Overrides>,
}

/// Renders into `out`; answers what the template has overridden.
pub(super) fn render(
    template: &vtl::Template,
    rendering: &Rendering<'_>,
    context: &Context<'_>,
    (arena, out): (&Bump, &mut Vec<u8>),
    log: Option<&mut ExecutionLog>,
) -> Result<Option<Overrides>, Fault> {
    let world = World::new(*context, rendering.body, rendering.earlier);
    let budget = Budget::of_mapping(rendering.body);
    out.clear();
    let rendered = match log.filter(|log| log.traces) {
        None => template.render(&world, arena, &budget, out, None),
        Some(log) => {
            log.rendering_begins(rendering.way.name(), rendering.key, rendering.body);
            let rendered = template.render(&world, arena, &budget, out, Some(&mut *log));
            let failed = rendered.as_ref().err().map(|failure| Failed {
                reason: failure.message.clone(),
                line: failure.line,
                column: failure.column,
                text: template.line(failure.line).to_owned(),
            });
            log.rendering_ends(out, failed);
            rendered
        }
    };
    rendered.map_err(|failure| unable(rendering.way, &failure))?;
    world.overrides(&budget).map_err(|exhausted| unable(rendering.way, &exhausted))
}

/// Values of heads are within the heads' own bounds; those of bodies and templates may be a thousand times as long.
pub(super) fn bounded(way: Way, whose: fmt::Arguments<'_>, value: &[u8]) -> Result<(), Fault> {
    match value.len() {
        0..=MAPPED_VALUE_BYTES_MAX => Ok(()),
        bytes => Err(unable(way, &format!("{whose} has {bytes} bytes, and {MAPPED_VALUE_BYTES_MAX} are the most"))),
    }
}

/// AWS's line for a template that fails, and why it did.
pub(super) fn unable(way: Way, reason: &dyn fmt::Display) -> Fault {
    Fault::because(FaultKind::Configuration, format!("Unable to transform {}: {reason}", way.name()))
}
