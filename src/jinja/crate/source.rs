//! What is written otherwise in a template before it is compiled:
//! - `{% generation %}` and `{% endgeneration %}`, which mark the assistant's text for training in transformers and
//!   write nothing. They become blocks that open a scope and nothing else, as they do there.
//! - `{% for x in E %}` becomes `{% for x in (E) | ITERATED %}`: the engine iterates over None as if it were empty,
//!   where Python fails.

/// The filter that refuses what Python does not iterate over. The name is none that a template has by chance.
pub const ITERATED: &str = "pith_iterated_";

/// The template as the engine takes it. Line numbers stay.
pub fn as_dialect(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = next_code(rest) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let size = code_size(rest);
        let code = &rest[..size];
        match replaced(code) {
            Some(text) => out.push_str(&text),
            None => out.push_str(code),
        }
        rest = &rest[size..];
        if tag_word(code) == Some("raw") {
            let raw = raw_size(rest);
            out.push_str(&rest[..raw]);
            rest = &rest[raw..];
        }
    }
    out.push_str(rest);
    out
}

fn next_code(text: &str) -> Option<usize> {
    ["{%", "{{", "{#"].iter().filter_map(|open| text.find(open)).min()
}

/// Bytes of the tag, expression or comment that the text begins with.
fn code_size(text: &str) -> usize {
    let close = match text.as_bytes()[1] {
        b'%' => "%}",
        b'{' => "}}",
        _ => return text.find("#}").map_or(text.len(), |at| at + 2),
    };
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 2;
    while at < bytes.len() {
        match quote {
            Some(_) if bytes[at] == b'\\' => at += 1,
            Some(open) if bytes[at] == open => quote = None,
            None if bytes[at] == b'\'' || bytes[at] == b'"' => quote = Some(bytes[at]),
            None if bytes[at..].starts_with(close.as_bytes()) => return at + 2,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Bytes up to the tag that ends a raw block.
fn raw_size(text: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find("{%") {
        let tag = from + at;
        if tag_word(&text[tag..tag + code_size(&text[tag..])]) == Some("endraw") {
            return tag;
        }
        from = tag + 2;
    }
    text.len()
}

/// The word of a tag that has nothing else in it.
fn tag_word(code: &str) -> Option<&str> {
    let inner = code.strip_prefix("{%")?.strip_suffix("%}")?;
    Some(inner.trim_matches(['-', '+']).trim())
}

fn replaced(code: &str) -> Option<String> {
    match tag_word(code) {
        Some("generation") => Some(code.replace("generation", "with")),
        Some("endgeneration") => Some(code.replace("endgeneration", "endwith")),
        Some(inner) if inner.starts_with("for") => iterated(code),
        _ => None,
    }
}

/// The tag of a loop with the filter after what it iterates over; None where the tag is no such loop.
fn iterated(code: &str) -> Option<String> {
    let words = outer_words(code);
    let position = |word: &str| words.iter().position(|&(begin, end)| &code[begin..end] == word);
    if words.first().map(|&(begin, end)| &code[begin..end]) != Some("for") {
        return None;
    }
    let begin = words[position("in")?].1;
    let ends = ["if", "recursive"].iter().filter_map(|word| position(word));
    let close = code.len() - 2 - usize::from(code[..code.len() - 2].ends_with(['-', '+']));
    let end = ends.map(|word| words[word].0).min().unwrap_or(close);
    let (before, iterable) = (code.get(..begin)?, code.get(begin..end)?);
    Some(format!("{before} ({iterable})|{ITERATED} {}", &code[end..]))
}

/// The ranges of a tag's words that stand outside of brackets and strings.
fn outer_words(code: &str) -> Vec<(usize, usize)> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let bytes = code.as_bytes();
    let (mut words, mut depth, mut at) = (Vec::new(), 0, 2);
    while at < bytes.len() - 2 {
        let begin = at;
        at += 1;
        match bytes[begin] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            quote @ (b'\'' | b'"') => {
                while at < bytes.len() && bytes[at] != quote {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at += 1;
            }
            first if is_word(first) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                if depth == 0 {
                    words.push((begin, at));
                }
            }
            _ => {}
        }
    }
    words
}
