//! A command: started without a shell, with nothing of our environment, ended with all it started.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::channel::Command;
use crate::error::DeliveryError;
use crate::message::Message;
use crate::text::line;

/// Where programs named without a path are looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Most bytes of its output that are kept; the rest is read and dropped, so that a command that
/// talks much does not stand still.
const OUTPUT_MAX: u64 = 16 << 10;

/// How long the end of the output is waited for once the whole group was ended. Only a program
/// that left the group can keep it open longer.
const OUTPUT_END: Duration = Duration::from_secs(1);

/// Runs the command for a message.
///
/// # Errors
/// It cannot be started, ends with anything but 0, or takes too long.
pub(crate) fn run(command: &Command, message: &Message) -> Result<(), DeliveryError> {
    let program = command.argv.first().map_or("", String::as_str);
    let not_started = |err: io::Error| DeliveryError::NotStarted {
        program: line(program),
        detail: err.to_string(),
    };
    let mut child = process(command, message).spawn().map_err(not_started)?;
    feed(&mut child, message);
    let output = [
        child.stdout.take().map(collect),
        child.stderr.take().map(collect),
    ];
    let (status, was_slow) = wait(&mut child, command.timeout).map_err(not_started)?;
    if was_slow {
        return Err(DeliveryError::CommandTooSlow {
            program: line(program),
            secs: command.timeout.as_secs(),
        });
    }
    if status.success() {
        return Ok(());
    }
    Err(DeliveryError::CommandFailed {
        program: line(program),
        how: status.to_string(),
        output: last_line(output),
    })
}

fn process(command: &Command, message: &Message) -> Process {
    let mut argv = command.argv.iter();
    let mut process = Process::new(argv.next().map_or("", String::as_str));
    process
        .args(argv)
        .env_clear()
        .env("PATH", PATH)
        .envs(message.variables())
        // A folder that is always there, and that keeps no disk from being taken out.
        .current_dir("/")
        // A group of its own, to end what it starts as well.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in &command.keep_env {
        if let Some(value) = std::env::var_os(name) {
            process.env(name, value);
        }
    }
    process
}

/// Writes the message on a thread of its own: a command that does not read must not hold us up.
fn feed(child: &mut Child, message: &Message) {
    let Some(mut stdin) = child.stdin.take() else {
        return;
    };
    let text = format!("{}\n", message.to_json());
    thread::spawn(move || {
        // A command that does not care for its input closes it, which is its right.
        drop(stdin.write_all(text.as_bytes()));
    });
}

/// Reads on a thread of its own until the end, and hands out the beginning.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let kept = pipe.by_ref().take(OUTPUT_MAX).read_to_end(&mut bytes);
        if kept.is_ok() {
            drop(io::copy(&mut pipe, &mut io::sink()));
        }
        // Nobody may be interested any more.
        drop(sender.send(bytes));
    });
    receiver
}

/// Waits for the end, ends the group, and says whether it had to.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<(ExitStatus, bool)> {
    let pid = Pid::from_child(child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        // It is only looked at and not taken away: its number stays taken until the group was
        // ended, so that no stranger can be hit.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
        sender.send(())
    });
    let was_slow = ended.recv_timeout(timeout).is_err();
    // What it left behind ends too.
    match rustix::process::kill_process_group(pid, Signal::KILL) {
        // Nobody is left, or what is left is no longer ours to end.
        Ok(()) | Err(_) => (),
    }
    Ok((child.wait()?, was_slow))
}

/// Returns the last line of the output that says something, errors first.
fn last_line(output: [Option<Receiver<Vec<u8>>>; 2]) -> String {
    output
        .into_iter()
        .rev()
        .flatten()
        .filter_map(|receiver| receiver.recv_timeout(OUTPUT_END).ok())
        .find_map(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            let last = text.lines().map(str::trim).rfind(|it| !it.is_empty())?;
            Some(line(last))
        })
        .unwrap_or_default()
}
