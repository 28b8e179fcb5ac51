//! The last step before a handler: limits and sandbox on ourselves, then its program in our place.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::{
    EXIT_CONFINE, EXIT_NOT_FOUND, EXIT_NOT_STARTED, FILES_MAX, Plan, complain, confine, tree,
};

/// Processes of the same person that may come beside those of the handler before the system
/// refuses it more. The system counts all of a person's processes, so the limit itself is the
/// watch of the host, and this only breaks the speed of a bomb until that looks.
const PROCESSES_BESIDE: u64 = 512;

/// Becomes the handler; returns only when that fails.
pub(super) fn run(plan: &Plan) -> u8 {
    // Fails only for the leader of a group, which this is not.
    let _session = rustix::process::setsid();
    if let Err(error) = die_with_parent(plan).and_then(|()| limit(plan)) {
        complain("set the limits", &error);
        return EXIT_CONFINE;
    }
    if let Some(reach) = &plan.reach
        && let Err(error) = confine::confine(&plan.data_dir, reach)
    {
        complain("set up the sandbox", &io::Error::other(error));
        return EXIT_CONFINE;
    }
    let mut argv = plan.argv.iter();
    let program = argv.next().cloned().unwrap_or_default();
    let error = Command::new(&program)
        .args(argv)
        .current_dir(&plan.data_dir)
        .exec();
    complain(&format!("run {}", program.display()), &error);
    if error.kind() == io::ErrorKind::NotFound {
        EXIT_NOT_FOUND
    } else {
        EXIT_NOT_STARTED
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(plan: &Plan) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    still_there(plan)
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(plan: &Plan) -> io::Result<()> {
    still_there(plan)
}

/// Finds out whether the parent ended before its end would have been told.
pub(super) fn still_there(plan: &Plan) -> io::Result<()> {
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if u32::try_from(parent).is_ok_and(|parent| parent == plan.parent) {
        Ok(())
    } else {
        Err(io::Error::other("who started it is gone"))
    }
}

fn limit(plan: &Plan) -> io::Result<()> {
    let memory = plan.limits.memory_bytes;
    set(Resource::Core, 0)?;
    set(Resource::Nofile, FILES_MAX)?;
    // What is only reserved is no memory: runtimes that reserve much of it still start.
    set(Resource::Data, memory)?;
    let taken = tree::Table::read().n_of_this_user();
    let processes = taken + plan.limits.n_processes + PROCESSES_BESIDE;
    set(Resource::Nproc, processes)
}

/// Lowers a limit for good; one that is lower already stays.
fn set(resource: Resource, wanted: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let least = now.maximum.map_or(wanted, |most| most.min(wanted));
    let limit = Rlimit {
        current: Some(least),
        maximum: Some(least),
    };
    Ok(setrlimit(resource, limit)?)
}
