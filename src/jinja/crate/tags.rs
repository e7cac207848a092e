//! The tags of a template: what stands in `{% %}` and `{{ }}`, as the engine's own lexer reads it.

use minijinja::machinery::{tokenize, Span, Token};
use minijinja::syntax::SyntaxConfig;
use minijinja::Error;
use std::ops::Range;

/// A statement or an expression, without its delimiters.
pub struct Tag<'a> {
    pub is_statement: bool,
    pub tokens: Vec<(Token<'a>, Span)>,
    /// What it closes with, `-%}` for one, and one past it.
    pub close: &'a str,
    pub end: usize,
}

impl<'a> Tag<'a> {
    fn new(is_statement: bool) -> Tag<'a> {
        Tag { is_statement, tokens: Vec::new(), close: "", end: 0 }
    }

    /// The bytes of a token in the template.
    pub fn bytes(&self, index: usize) -> Range<usize> {
        let span = self.tokens[index].1;
        span.start_offset as usize..span.end_offset as usize
    }

    pub fn token(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index).map(|(token, _)| token)
    }

    /// The identifier at an index.
    pub fn word(&self, index: usize) -> Option<&'a str> {
        match self.token(index) {
            Some(Token::Ident(word)) => Some(word),
            _ => None,
        }
    }

    /// The first word of a statement: what it does.
    pub fn keyword(&self) -> Option<&'a str> {
        self.word(0).filter(|_| self.is_statement)
    }

    /// How many brackets are open in front of each token.
    pub fn depths(&self) -> Vec<usize> {
        let mut depth = 0_usize;
        let deeper = |token: &Token| matches!(token, Token::ParenOpen | Token::BracketOpen | Token::BraceOpen);
        let higher = |token: &Token| matches!(token, Token::ParenClose | Token::BracketClose | Token::BraceClose);
        let mut depth_at = |token: &Token| {
            depth = depth.saturating_sub(usize::from(higher(token)));
            let here = depth;
            depth += usize::from(deeper(token));
            here
        };
        self.tokens.iter().map(|(token, _)| depth_at(token)).collect()
    }
}

/// All tags in order. Fails where the engine's lexer does.
pub fn read(source: &str, syntax: SyntaxConfig) -> Result<Vec<Tag<'_>>, Error> {
    let mut tags: Vec<Tag> = Vec::new();
    for item in tokenize(source, false, syntax) {
        let (token, span) = item?;
        match token {
            Token::TemplateData(_) => {}
            Token::VariableStart => tags.push(Tag::new(false)),
            Token::BlockStart => tags.push(Tag::new(true)),
            Token::VariableEnd | Token::BlockEnd => {
                if let Some(tag) = tags.last_mut() {
                    tag.end = span.end_offset as usize;
                    tag.close = &source[span.start_offset as usize..tag.end];
                }
            }
            token => {
                if let Some(tag) = tags.last_mut() {
                    tag.tokens.push((token, span));
                }
            }
        }
    }
    Ok(tags)
}
