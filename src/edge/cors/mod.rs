//! Cross-origin requests by one line in the definition (`x-weir-cors`, docs/cors.md): what browsers are told of every
//! answer of an API, its errors included.

pub mod compile;

use super::dispatch::preflight;
use super::exchange::Request;
use super::transform::write_status_line;
use crate::net::buffer::Buffer;
use crate::wire::origin::OriginPattern;

/// Compiled. `None` in a release whose API does not have it: that is all it costs the others.
#[derive(Debug)]
pub struct Cors {
    origins: Origins,
    /// In each list the lines that go with it, ends included; empty where there are none.
    on_every_answer: Box<[u8]>,
    on_preflights: Box<[u8]>,
    /// Names in lower case. A backend's own lines of these give way.
    replaced: Box<[&'static str]>,
    /// … and of these too in the answer to a preflight.
    replaced_on_preflights: Box<[&'static str]>,
}

#[derive(Debug)]
enum Origins {
    Any,
    These(Box<[OriginPattern]>),
}

/// The head of an answer to a preflight, as far as it does not depend on who asks.
pub fn preflight_head() -> Buffer {
    let mut head = Buffer::head();
    write_status_line(204, &mut |part| head.push(part));
    head
}

impl Cors {
    /// Puts the lines for this request into a head whose end is not written yet, in the place of those that are there.
    pub fn put_into(&self, head: &mut Buffer, request: &Request) {
        let origin = preflight::origin(request);
        let asked = preflight::is_asked(request);
        self.take_out(head, asked);
        let allowed = match &self.origins {
            // The same for all, also for who says no origin: a cache may give the answer to anybody.
            Origins::Any => Some(&b"*"[..]),
            Origins::These(patterns) => {
                // Fetch, "CORS protocol and HTTP caches": also where this origin gets nothing.
                head.push(b"Vary: Origin\r\n");
                origin.filter(|origin| patterns.iter().any(|pattern| pattern.matches(origin)))
            }
        };
        // To a page that may not read it, the answer says nothing more (http-api/cors section 3).
        let Some(allowed) = allowed else { return };
        head.push(b"Access-Control-Allow-Origin: ");
        head.push(allowed);
        head.push(b"\r\n");
        head.push(&self.on_every_answer);
        if asked {
            head.push(&self.on_preflights);
        }
    }

    fn take_out(&self, head: &mut Buffer, asked: bool) {
        let replaced = |line: &[u8]| {
            const START: &[u8] = b"access-control-";
            if !line.get(..START.len()).is_some_and(|start| start.eq_ignore_ascii_case(START)) {
                return false;
            }
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default().trim_ascii();
            let preflight = self.replaced_on_preflights.iter().filter(|_| asked);
            self.replaced.iter().chain(preflight).any(|other| other.as_bytes().eq_ignore_ascii_case(name))
        };
        if !lines(head).any(replaced) {
            return;
        }
        let mut kept = Buffer::head();
        lines(head).filter(|line| !replaced(line)).for_each(|line| kept.push(line));
        *head = kept;
    }
}

/// Lines with their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests;
