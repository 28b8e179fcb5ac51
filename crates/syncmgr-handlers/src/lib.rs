//! The built-in handlers, one module each, written with the public SDK.
//!
//! [`files`] syncs two folders itself. The others wrap a tool that people use already; [`tool`] is
//! what they have in common; [`run`] is for what other programs start. [`all`] makes every handler
//! of this crate but `files`.
//!
//! Must not: reach around the SDK to the center or the store.

#![forbid(unsafe_code)]

pub mod command;
pub mod files;
pub mod found;
pub mod git;
pub mod mbsync;
pub mod rclone;
pub mod restic;
pub mod rsync;
pub mod run;
pub mod syncthing;
pub mod tool;
pub mod unison;
pub mod vdirsyncer;

use std::sync::Arc;

use syncmgr_sdk::HandlerFactory;

use crate::tool::{Context, Tool, ToolFactory};

/// Returns the handlers beside `files`. Looks at nothing and starts nothing.
#[must_use]
pub fn all(ctx: Context) -> Vec<Arc<dyn HandlerFactory>> {
    let ctx = Arc::new(ctx);
    let tools: Vec<Arc<dyn Tool>> = vec![
        Arc::new(command::CommandTool),
        Arc::new(git::GitTool),
        Arc::new(mbsync::MbsyncTool),
        Arc::new(rclone::RcloneTool),
        Arc::new(restic::ResticTool),
        Arc::new(rsync::RsyncTool),
        Arc::new(syncthing::SyncthingTool),
        Arc::new(unison::UnisonTool),
        Arc::new(vdirsyncer::VdirsyncerTool),
    ];
    let mut all: Vec<_> = tools
        .into_iter()
        .map(|tool| Arc::new(ToolFactory::new(tool, Arc::clone(&ctx))) as Arc<dyn HandlerFactory>)
        .collect();
    all.push(Arc::new(run::RunFactory::default()));
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use syncmgr_engine::clock::SystemClock;
    use syncmgr_model::catalogue::phrase;
    use syncmgr_model::language::Language;

    use super::*;

    #[test]
    fn the_help_of_every_setting_is_there_in_german() {
        let clock = Arc::new(SystemClock);
        let ctx = Context::new(None, PathBuf::from("/state"), [], clock);
        let others = all(ctx);
        let specs = others.iter().flat_map(|factory| factory.settings());
        for spec in specs.chain(files::SPECS) {
            let german = Language::German.during(|| phrase(spec.help));
            assert_ne!(german, spec.help, "{}: {}", spec.key, spec.help);
        }
    }
}
