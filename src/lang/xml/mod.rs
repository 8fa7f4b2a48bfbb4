//! XML bodies as the values that templates already know, and back. AWS has nothing like it: there a template sees XML as
//! a text. (docs/xml.md shows a SOAP exchange.)
//!
//! An element that holds nothing but text is that text. Any other is a map: attributes as `@name`, children by their
//! names, and text as `#text`. Children of one name are a list where there are several. The document is a map with one
//! key, the name of its root. Names keep their prefixes as they are written. Comments and instructions are left out, and
//! so are blanks between elements; of text between elements the order among them is lost.
//!
//! There are no entities but XML's own five and character references, and a `DOCTYPE` is an error: a body cannot grow
//! while it is read, nor name a file.

mod names;
mod read;
mod write;

pub use names::XmlError;
pub use read::parse;
pub use write::write;

/// For the fuzzer, and for the test that runs its seeds: what is read can be written, and then reads back the same.
pub fn fuzz(bytes: &[u8]) {
    use bumpalo::Bump;

    use crate::lang::budget::Budget;
    use crate::lang::json::{self, Slashes};

    let text = String::from_utf8_lossy(bytes);
    let (arena, budget) = (Bump::new(), Budget::new(1 << 24, 1 << 28));
    let shown = |value| {
        let mut out = Vec::new();
        json::write(value, Slashes::Plain, &budget, &mut out).expect("what was read is not too deep");
        out
    };
    let Ok(value) = parse(&text, &arena, &budget) else { return };
    let mut written = Vec::new();
    write(value, &budget, &mut written).expect("what was read can be written");
    let written = String::from_utf8(written).expect("UTF-8");
    let again = parse(&written, &arena, &budget).expect("what was written can be read");
    assert_eq!(shown(value), shown(again), "{text:?} {written:?}");
}

#[cfg(test)]
mod tests;
