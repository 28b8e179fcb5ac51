//! x
pub(crate) fn run(_w: Vec<String>) -> anyhow::Result<()> {
    Ok(())
}
