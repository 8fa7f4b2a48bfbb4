//! What holds for a stage whichever way it is written: variables, deployments, percentages.

use super::call::Turn;
use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::STAGE_VARIABLES_MAX;

pub fn no_deployment() -> AwsError {
    AwsError::bad_request("Deployment id does not exist")
}

/// rest/14 section 14.2.
pub fn variables(variables: &Object) -> Result<(), AwsError> {
    if variables.len() > STAGE_VARIABLES_MAX {
        return Err(AwsError::limit(format!("A stage may have at most {STAGE_VARIABLES_MAX} stage variables")));
    }
    for (name, value) in variables {
        let named =
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !named {
            return Err(AwsError::bad_request(
                "Stage variable names are limited to alphanumeric characters and underscores",
            ));
        }
        let value = value.as_str().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&byte);
        if value.len() > 512 || !value.bytes().all(allowed) {
            return Err(AwsError::bad_request(format!(
                "Invalid stage variable value: {value}. Please use values with only alphanumeric characters and -._~:/?#&=,"
            )));
        }
    }
    Ok(())
}

pub fn documentation_version(turn: &Turn<'_>, api_id: &str, version: Option<&str>) -> Result<(), AwsError> {
    match version.filter(|version| !version.is_empty()) {
        Some(version) if !turn.has(&["restapis", api_id, "documentation", "versions", version]) => {
            Err(AwsError::not_found("Invalid Documentation version specified"))
        }
        _ => Ok(()),
    }
}

pub fn percent_in_bounds(percent: f64) -> Result<(), AwsError> {
    if (0.0..=100.0).contains(&percent) { Ok(()) } else { Err(wrong_percent()) }
}

pub fn wrong_percent() -> AwsError {
    AwsError::bad_request("Percent traffic must be between 0.0 and 100.0")
}
