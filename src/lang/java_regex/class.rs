//! The sets of characters that Java names, as Rust's classes.

/// `\d` and its like. `wide` is Java's `(?U)`.
pub(super) fn of_letter(letter: char, wide: bool) -> Option<String> {
    let set = match letter.to_ascii_lowercase() {
        'd' if wide => r"\p{Nd}",
        'd' => "0-9",
        'w' if wide => r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}",
        'w' => "a-zA-Z0-9_",
        's' if wide => r"\p{White_Space}",
        's' => r"\x20\t\n\x0B\f\r",
        'h' => r"\x20\t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}",
        'v' => r"\n\x0B\f\r\x{85}\x{2028}\x{2029}",
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() { format!("[^{set}]") } else { format!("[{set}]") })
}

/// `\p{name}`, or `\P{name}` where it is negated.
pub(super) fn of_property(name: &str, negated: bool, wide: bool) -> Result<String, String> {
    let set = match name {
        "Lower" if !wide => "a-z".to_owned(),
        "Upper" if !wide => "A-Z".to_owned(),
        "ASCII" => r"\x00-\x7F".to_owned(),
        "Alpha" if !wide => "a-zA-Z".to_owned(),
        "Digit" if !wide => "0-9".to_owned(),
        "Alnum" if !wide => "a-zA-Z0-9".to_owned(),
        "Punct" if !wide => r"!-/:-@\[-`{-~".to_owned(),
        "Graph" if !wide => "!-~".to_owned(),
        "Print" if !wide => r"\x20-~".to_owned(),
        "Blank" if !wide => r"\x20\t".to_owned(),
        "Cntrl" if !wide => r"\x00-\x1F\x7F".to_owned(),
        "XDigit" if !wide => "0-9a-fA-F".to_owned(),
        "Space" if !wide => r"\x20\t\n\x0B\f\r".to_owned(),
        "Lower" | "javaLowerCase" => r"\p{Lowercase}".to_owned(),
        "Upper" | "javaUpperCase" => r"\p{Uppercase}".to_owned(),
        "Alpha" | "javaAlphabetic" => r"\p{Alphabetic}".to_owned(),
        "Digit" | "javaDigit" => r"\p{Nd}".to_owned(),
        "Alnum" => r"\p{Alphabetic}\p{Nd}".to_owned(),
        "javaLetter" => r"\p{L}".to_owned(),
        "javaLetterOrDigit" => r"\p{L}\p{Nd}".to_owned(),
        "Punct" => r"\p{P}".to_owned(),
        "Space" => r"\p{White_Space}".to_owned(),
        "javaWhitespace" => {
            r"\x20\t\n\x0B\f\r\x1C-\x1F\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200A}\x{2028}\x{2029}\x{205F}\x{3000}"
                .to_owned()
        }
        "L1" => r"\x00-\x{FF}".to_owned(),
        "LC" => r"\p{Lu}\p{Ll}\p{Lt}".to_owned(),
        "all" => r"\x00-\x{10FFFF}".to_owned(),
        name => {
            let known = name.strip_prefix("Is").unwrap_or(name);
            if name.starts_with("In") || name.starts_with("java") || known.is_empty() {
                return Err(format!("\\p{{{name}}} is not supported"));
            }
            if !known.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=')) {
                return Err(format!("\\p{{{name}}} is no property"));
            }
            // Categories, scripts and binary properties have one name in both; an unknown one is the engine's error.
            format!(r"\p{{{known}}}")
        }
    };
    Ok(if negated { format!("[^{set}]") } else { format!("[{set}]") })
}
