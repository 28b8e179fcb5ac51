//! What its sandbox may have kept a handler from that ended: said with its end, because "permission
//! denied" alone sends people to the permissions of their files.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;

use super::launch::{Ended, Plan, Reach, is_system};
use super::reach::is_narrow;

/// Words by which programs say that something could not be had.
const REFUSED: &[&str] = &[
    "ermission denied",
    "PermissionError",
    "No module named",
    "cannot open shared object file",
];

/// Most bytes of a first line that names an interpreter; the system reads no more.
const FIRST_LINE_MAX: u64 = 256;

/// Returns what helps a handler that ended because it could not reach something; `None` when its end
/// does not look so. `last_line` is what it wrote last.
pub(super) fn hint(
    plan: &Plan,
    ended: &Ended,
    last_line: Option<&str>,
    home: Option<&Path>,
) -> Option<String> {
    let reach = plan.reach.as_ref()?;
    let was_started = match ended {
        Ended::Code(0) | Ended::Signal(_) | Ended::Unknown => return None,
        Ended::Code(_) => true,
        Ended::NotStarted(_) => false,
    };
    let line = last_line.unwrap_or_default();
    let is_refused = REFUSED.iter().any(|words| line.contains(words));
    let mut needed = programs(plan.argv.first()?);
    if is_refused {
        needed.extend(named(line));
    }
    let is_out = |path: &PathBuf| path.exists() && !is_within(path, reach, &plan.data_dir);
    if let Some(path) = needed.into_iter().find(is_out) {
        let place = place(&path, home);
        let place = escape(place.as_os_str().as_bytes());
        return Some(format!(
            "its sandbox does not let it read `{place}`; install it again with `--allow-read {place}`"
        ));
    }
    (is_refused && was_started).then(|| {
        "it is kept in a sandbox, which may be why; `--allow-read DIR` of `syncmgr handler install` lets it read a folder".to_owned()
    })
}

fn is_within(path: &Path, reach: &Reach, data_dir: &Path) -> bool {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut places = reach.write.iter().chain(&reach.read);
    let is_below = |place: &Path| {
        let place = std::fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
        real.starts_with(place)
    };
    is_system(&real) || is_below(data_dir) || places.any(|place| is_below(place))
}

/// Returns the program and what runs it, if it is a script.
fn programs(program: &OsStr) -> Vec<PathBuf> {
    let program = PathBuf::from(program);
    let interpreter = interpreter(&program);
    std::iter::once(program).chain(interpreter).collect()
}

/// Reads the first line of a script. With `env` in it, the word after it is looked up.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    let file = std::fs::File::open(script).ok()?;
    file.take(FIRST_LINE_MAX).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let words = line.split(u8::is_ascii_whitespace);
    let mut words = words
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()));
    let first = PathBuf::from(words.next()?);
    if first.file_name() != Some(OsStr::new("env")) {
        return Some(first);
    }
    let name = words.find(|word| !word.as_bytes().starts_with(b"-"))?;
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

/// Returns the paths that a line names.
fn named(line: &str) -> Vec<PathBuf> {
    let words = line.split([' ', '\'', '"', '`', ':', ',', ';', '(', ')']);
    words
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

/// Returns what would have to be let in: the folder, where it is the program's own.
fn place(path: &Path, home: Option<&Path>) -> PathBuf {
    let folder = path.parent().filter(|_| path.is_file());
    let folder = folder.filter(|folder| is_narrow(folder, home));
    folder.unwrap_or(path).to_owned()
}
