//! Who may sign requests: `[iam]` and the file of principals, from as written to [`Iam`](super::Iam).

mod check;
mod read;
#[cfg(test)]
mod tests;
