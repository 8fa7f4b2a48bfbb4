//! The template language of gateway responses: text with names in it that are replaced, and nothing else (rest/11
//! section 11.5).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Text(&'t str),
    /// Behind `$context.`.
    Context(&'t str),
    /// Behind `$stageVariables.`.
    StageVariable(&'t str),
    /// `method.request.{position}.{name}`, with a `$` before it or without: the guide shows no spelling.
    Request(&'t str, &'t str),
}

/// Every byte of a template is looked at once.
pub(super) fn tokens(template: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while let Some(step) = memchr::memchr2(b'$', b'm', &template.as_bytes()[at..]) {
        let here = at + step;
        let word_before = template[..here].ends_with(|letter: char| is_name(letter));
        match token(&template[here..], word_before) {
            Some((token, length)) => {
                push_text(&template[plain..here], &mut tokens);
                tokens.push(token);
                (plain, at) = (here + length, here + length);
            }
            None => at = here + 1,
        }
    }
    push_text(&template[plain..], &mut tokens);
    tokens
}

fn push_text<'t>(text: &'t str, tokens: &mut Vec<Token<'t>>) {
    if !text.is_empty() {
        tokens.push(Token::Text(text));
    }
}

/// The token at the beginning of a text, and how long it is there.
fn token(text: &str, word_before: bool) -> Option<(Token<'_>, usize)> {
    let found = |behind: &str, name: &str| text.len() - behind.len() + name.len();
    if let Some(behind) = text.strip_prefix("$context.") {
        let name = name(behind, is_name)?;
        return Some((Token::Context(name), found(behind, name)));
    }
    if let Some(behind) = text.strip_prefix("$stageVariables.") {
        let name = name(behind, |letter| letter != '.' && is_name(letter))?;
        return Some((Token::StageVariable(name), found(behind, name)));
    }
    // `my.method.request.path.x` is some other word.
    let bare = || text.strip_prefix("method.request.").filter(|_| !word_before);
    let (position, behind) = text.strip_prefix("$method.request.").or_else(bare)?.split_once('.')?;
    if !["header", "path", "querystring"].contains(&position) {
        return None;
    }
    let name = name(behind, |letter| letter == '-' || is_name(letter))?;
    Some((Token::Request(position, name), found(behind, name)))
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.')
}

/// The longest name at the beginning; a full stop behind it ends a sentence.
fn name(text: &str, is_part: impl Fn(char) -> bool) -> Option<&str> {
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    Some(text[..end].trim_end_matches('.')).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expected: &[Token<'_>]) {
        assert_eq!(tokens(template), expected, "{template}");
    }

    #[test]
    fn names_are_found() {
        use Token::{Context, Request, StageVariable, Text};
        check("", &[]);
        check("plain", &[Text("plain")]);
        check("{\"m\":$context.error.message}", &[Text("{\"m\":"), Context("error.message"), Text("}")]);
        check("$context.stage.", &[Context("stage"), Text(".")]);
        check("$context.a$context.b", &[Context("a"), Context("b")]);
        check("$context.", &[Text("$context.")]);
        check("$contextual", &[Text("$contextual")]);
        check("$stageVariables.a.b", &[StageVariable("a"), Text(".b")]);
        check("ü$stageVariables.aü", &[Text("ü"), StageVariable("a"), Text("ü")]);
        check("method.request.header.X-A!", &[Request("header", "X-A"), Text("!")]);
        check("$method.request.path.id,", &[Request("path", "id"), Text(",")]);
        check("my.method.request.path.id", &[Text("my.method.request.path.id")]);
        check("method.request.body.x", &[Text("method.request.body.x")]);
        check("#if($x)$input.path('$')", &[Text("#if($x)$input.path('$')")]);
        check("$$context.stage", &[Text("$"), Context("stage")]);
        check("${context.stage}", &[Text("${context.stage}")]);
    }
}
