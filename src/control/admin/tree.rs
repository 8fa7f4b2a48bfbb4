//! The resource tree as a whole, where a document has been laid over one that was there (rest/01 section 1.4).

use std::collections::HashMap;

use super::common::text;
use super::content::split;
use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::RESOURCES_MAX;

/// Two variable parts below one parent would be one place for two methods, and the last would answer for both.
pub fn check(resources: &[Object]) -> Result<(), AwsError> {
    if resources.len() > RESOURCES_MAX {
        return Err(AwsError::limit(
            "Maximum number of resources for this API has been reached. Please contact AWS if you need additional resources.",
        ));
    }
    let mut variables: HashMap<&str, &str> = HashMap::new();
    for resource in resources {
        let path = text(resource, "path").unwrap_or_default();
        let (Some(parent), part) = split(path) else { continue };
        let (_, above) = split(parent);
        if above.ends_with("+}") {
            return Err(unable(
                path,
                &format!("Cannot create a child of a resource with a greedy path variable: {above}"),
            ));
        }
        if !part.starts_with('{') {
            continue;
        }
        if let Some(other) = variables.insert(parent, part) {
            let found =
                format!("A sibling ({other}) of this resource already has a variable path part -- only one is allowed");
            return Err(unable(path, &found));
        }
    }
    Ok(())
}

fn unable(path: &str, found: &str) -> AwsError {
    AwsError::bad_request(format!("Errors found during import:\n\tUnable to create resource at path '{path}': {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_paths(paths: &[&str], sound: bool) {
        let row = |path: &&str| Object::from_iter([("path".to_owned(), (*path).into())]);
        let rows: Vec<Object> = paths.iter().map(row).collect();
        assert_eq!(check(&rows).is_ok(), sound, "{paths:?}");
    }

    #[test]
    fn one_variable_below_each_parent() {
        check_paths(&["/", "/pets", "/pets/{id}", "/pets/{id}/toys", "/{proxy+}"], true);
        check_paths(&["/", "/pets", "/pets/{id}", "/pets/{petId}"], false);
        check_paths(&["/", "/{a}", "/{b+}"], false);
        check_paths(&["/", "/{b+}", "/{b+}/c"], false);
    }
}
