//! What is written otherwise in a template before it is compiled:
//! - `{% generation %}` and `{% endgeneration %}`, which mark the assistant's text for training in transformers and
//!   write nothing. They become blocks that open a scope and nothing else, as they do there.
//! - `{% for x in E %}` becomes `{% for x in (E)|ITERATED %}`: the engine iterates over None as if it were empty,
//!   where Python fails.

use crate::tags::Tag;
use std::ops::Range;

/// The filter that refuses what Python does not iterate over. The name is none that a template has by chance.
pub const ITERATED: &str = "pith_iterated_";

/// The template as the engine takes it. Line numbers stay.
pub fn as_dialect(source: &str, tags: &[Tag]) -> String {
    let mut out = String::with_capacity(source.len());
    let mut done = 0;
    for (range, text) in tags.iter().flat_map(edits) {
        out.push_str(&source[done..range.start]);
        out.push_str(&text);
        done = range.end;
    }
    out.push_str(&source[done..]);
    out
}

fn edits(tag: &Tag) -> Vec<(Range<usize>, String)> {
    let range = |index: usize| {
        let span = tag.tokens[index].1;
        span.start_offset as usize..span.end_offset as usize
    };
    match tag.keyword() {
        Some("generation") if tag.tokens.len() == 1 => vec![(range(0), "with".into())],
        Some("endgeneration") if tag.tokens.len() == 1 => vec![(range(0), "endwith".into())],
        Some("for") => match iterable(tag) {
            Some(tokens) => {
                let (begin, end) = (range(tokens.start).start, range(tokens.end - 1).end);
                vec![(begin..begin, "(".into()), (end..end, format!(")|{ITERATED}"))]
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The tokens of what a loop iterates over; None where the tag is no such loop.
fn iterable(tag: &Tag) -> Option<Range<usize>> {
    let depths = tag.depths();
    let outer = |word: &str, from: usize| {
        (from..tag.tokens.len()).find(|&index| depths[index] == 0 && tag.word(index) == Some(word))
    };
    let begin = outer("in", 1)? + 1;
    let ends = [outer("if", begin), outer("recursive", begin), Some(tag.tokens.len())];
    let end = ends.into_iter().flatten().min()?;
    (begin < end).then_some(begin..end)
}
