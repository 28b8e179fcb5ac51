//! `tidy`: rules about the repository that no compiler checks.
//!
//! Each check looks at the files and returns complaints as text; none of them writes anything.
//! Reading order: [`graph`] (who depends on whom), [`sources`] (what a file may hold), [`papers`]
//! (what the documents promise), [`lock`] (what must never come in as a dependency).

mod graph;
mod lock;
mod papers;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Directories that hold nothing a person wrote.
const SKIPPED: [&str; 5] = ["target", ".git", "node_modules", "dist", "shots"];

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct Text {
    /// Below the root, with `/` between the names.
    pub(crate) path: String,
    /// The whole file; nothing of one that is no text, as a picture.
    pub(crate) body: String,
}

pub(crate) fn run() -> Result<()> {
    let texts = texts(shell::root())?;
    let mut complaints = graph::check()?;
    complaints.extend(sources::check(&texts));
    complaints.extend(papers::check(&texts));
    complaints.extend(lock::check(&texts));
    if complaints.is_empty() {
        println!("tidy: {} files, nothing to say", texts.len());
        return Ok(());
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    bail!("{} complaints", complaints.len());
}

/// Reads every file below a directory, in the order of their paths.
///
/// # Errors
/// A directory cannot be listed or a file cannot be read.
pub(crate) fn texts(root: &Path) -> Result<Vec<Text>> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // What is not text (a picture, say) is not ours to judge, but links may lead there.
        let body = String::from_utf8(bytes).unwrap_or_default();
        let below = path.strip_prefix(root).unwrap_or(&path);
        texts.push(Text {
            path: below.to_string_lossy().into_owned(),
            body,
        });
    }
    Ok(texts)
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let list = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in list {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}
