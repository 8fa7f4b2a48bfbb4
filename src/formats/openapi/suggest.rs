//! "Did you mean": the known word that a misspelt one is nearest to.

/// Letters that may be wrong before two words are simply different.
const DISTANCE_MAX: usize = 2;

pub(super) fn closest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    // Long nonsense costs the product of both lengths; no known word is near it anyway.
    let longest = known.iter().map(|candidate| candidate.len()).max().unwrap_or(0);
    if word.len() > longest + DISTANCE_MAX * 4 {
        return None;
    }
    let candidates = known.iter().map(|candidate| (distance(word, candidate), *candidate));
    // Words of three letters are all near each other: at most a third of a word may be wrong.
    candidates
        .filter(|(far, candidate)| *far <= DISTANCE_MAX.min(candidate.len() / 3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, drop, replace or swap with their neighbour, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(closest(word, &["uri", "type", "httpMethod", "timeoutInMillis"]), expected);
    }

    #[test]
    fn near_words_are_found_and_others_not() {
        check("timeoutInMilis", Some("timeoutInMillis"));
        check("http_method", Some("httpMethod"));
        check("tpye", Some("type"));
        check("url", Some("uri"));
        check("cat", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
