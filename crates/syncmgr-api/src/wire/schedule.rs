//! When a sync runs by itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The schedule of a sync, as the text a person writes: `every 15m`, `cron 0 18 * * 1-5`,
/// `on change`, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The rules; the earliest wins. Empty: by hand only.
    #[schema(max_items = 16)]
    pub rules: Vec<String>,
}

/// The coming runs of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextRuns {
    /// The sync.
    pub item: String,
    /// When, the earliest first.
    pub at: Vec<String>,
}
