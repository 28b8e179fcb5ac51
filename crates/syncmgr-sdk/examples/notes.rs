//! Keeps two folders of notes equal by copying what one of them has not. What differs is a conflict
//! that a person decides; nothing is ever deleted, and what a decision replaces is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syncmgr_sdk::simple::*;

fn main() -> std::process::ExitCode {
    Handler::new("notes", "My notes")
        .folder("here", "the notes on this machine")
        .folder("there", "the notes in the other place")
        .conflicts(Abilities::empty(), conflicts, resolve)
        .serve(sync)
}

/// The names of all notes, with where each is, or would be, in both folders.
fn notes(item: &Item) -> Result<Vec<(String, PathBuf, PathBuf)>, Stop> {
    let (here, there) = (item.folder("here"), item.folder("there"));
    let mut names = BTreeSet::new();
    for entry in here.read_dir()?.chain(there.read_dir()?) {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.ends_with(".md").then_some(name));
    }
    let both = |name: String| (name.clone(), here.join(&name), there.join(&name));
    Ok(names.into_iter().map(both).collect())
}

fn sync(run: &Run<'_>) -> Result<(), Stop> {
    let notes = notes(run.item())?;
    run.expect_steps(notes.len());
    for (name, here, there) in notes {
        match (here.exists(), there.exists()) {
            (true, false) => run.copy(Side::Right, &name, &here, &there)?,
            (false, true) => run.copy(Side::Left, &name, &there, &here)?,
            _ => run.step(&name)?,
        }
    }
    Ok(())
}

fn conflicts(item: &Item) -> Result<Vec<Conflict>, Stop> {
    let mut all = Vec::new();
    for (name, here, there) in notes(item)? {
        if here.exists() && there.exists() && std::fs::read(&here)? != std::fs::read(&there)? {
            let conflict = Conflict::new(&name);
            all.push(conflict.content("here", &here).content("there", &there));
        }
    }
    Ok(all)
}

fn resolve(_: &Item, conflict: &Conflict, decision: &Decision) -> Result<(), Stop> {
    // The working folder is the handler's own; what is replaced is kept in there.
    conflict.keep_one(decision, Path::new("replaced"))
}
