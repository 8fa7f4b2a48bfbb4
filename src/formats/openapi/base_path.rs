//! What an import does with the document's base path (openapi-import-export section 2).

/// `basepath=ignore|prepend|split`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BasePath {
    /// Paths stay as they are.
    #[default]
    Ignore,
    /// The base path comes before every path.
    Prepend,
    /// Its first part is taken for the stage's; what is left comes before every path.
    Split,
}

impl BasePath {
    /// What comes before every path: empty, or `/a/b`.
    pub(super) fn prefix(self, base: &str) -> String {
        let parts = base.split('/').filter(|part| !part.is_empty());
        let skipped = match self {
            Self::Ignore => return String::new(),
            Self::Prepend => 0,
            Self::Split => 1,
        };
        parts.skip(skipped).map(|part| format!("/{part}")).collect()
    }
}

/// A path below a prefix; what is no path stays what it is, so that it is told as it was written.
pub(super) fn below(prefix: &str, path: &str) -> String {
    match path {
        _ if prefix.is_empty() || !path.starts_with('/') => path.to_owned(),
        "/" => prefix.to_owned(),
        _ => format!("{prefix}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: BasePath, base: &str, path: &str, expected: &str) {
        assert_eq!(below(&mode.prefix(base), path), expected);
    }

    #[test]
    fn the_recorded_cases() {
        check(BasePath::Ignore, "/a/b/c", "/e", "/e");
        check(BasePath::Prepend, "/a/b/c", "/e", "/a/b/c/e");
        check(BasePath::Split, "/a/b/c", "/e", "/b/c/e");
        check(BasePath::Split, "/base", "/e", "/e");
        check(BasePath::Split, "/base-url/part/", "/test", "/part/test");
        check(BasePath::Prepend, "/a", "/", "/a");
        check(BasePath::Split, "/a", "/", "/");
        check(BasePath::Prepend, "", "/e", "/e");
        check(BasePath::Prepend, "/a", "e", "e");
    }
}
