//! Shows a run while it works: one line that is redrawn on a terminal, one line per phase
//! elsewhere.

use std::io::{self, Write as _};
use std::sync::Arc;

use syncmgr_center::command::Update;
use syncmgr_center::port::{Clock, Notifier};
use syncmgr_center::state::State;
use syncmgr_model::format::{bytes, number, plural, time_left};
use syncmgr_model::progress::{Phase, Progress};
use syncmgr_model::time::Timestamp;

use super::{Ui, safe};

/// Least milliseconds between two drawings of the line.
const REDRAW_MS: u64 = 250;
/// The time left is shown after so much time...
const ETA_AFTER_MS: u64 = 5_000;
/// ...and so many percent, from the rate of about this time.
const ETA_AFTER_PERCENT: u8 = 2;
const SMOOTHING_MS: f64 = 30_000.0;
/// After so long without a report the line says so.
const SILENCE_MS: u64 = 30_000;
/// Columns below which a name says nothing.
const NAME_ROOM_MIN: usize = 12;

/// Draws the progress of one run at a time.
pub(crate) struct ProgressView {
    ui: Ui,
    clock: Arc<dyn Clock>,
    last: Progress,
    /// The most that was seen of either side, for the line after checking.
    seen: (u64, u64),
    moved_ms: u64,
    drawn_ms: Option<u64>,
    rate: Rate,
    is_stopping: bool,
    is_drawn: bool,
}

impl std::fmt::Debug for ProgressView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgressView").finish_non_exhaustive()
    }
}

impl ProgressView {
    /// Builds a view that has not shown anything yet.
    #[must_use]
    pub(crate) fn new(ui: &Ui, clock: Arc<dyn Clock>) -> Self {
        Self {
            ui: ui.clone(),
            clock,
            last: Progress::default(),
            seen: (0, 0),
            moved_ms: 0,
            drawn_ms: None,
            rate: Rate::default(),
            is_stopping: false,
            is_drawn: false,
        }
    }

    /// Takes the beginning of a run.
    pub(crate) fn began(&mut self) {
        let now = self.clock.elapsed_ms();
        *self = Self {
            moved_ms: now,
            ..Self::new(&self.ui, Arc::clone(&self.clock))
        };
        self.draw(true);
    }

    /// Draws again what goes on with the time.
    pub(crate) fn tick(&mut self) {
        if self.drawn_ms.is_some() && self.is_drawn {
            self.draw(false);
        }
    }

    /// Takes that the run was asked to stop. More than once is as good as once.
    pub(crate) fn stopping(&mut self) {
        if self.is_stopping {
            return;
        }
        self.is_stopping = true;
        self.draw(true);
        if !self.ui.is_live {
            self.ui.talk("Stopping  finishing the file at hand");
        }
    }

    /// Takes the end of the run.
    pub(crate) fn ended(&mut self) {
        self.phase_done();
        self.erase();
    }

    /// Takes where the run stands.
    pub(crate) fn moved(&mut self, progress: &Progress) {
        let now = self.clock.elapsed_ms();
        let is_new = progress.phase != self.last.phase;
        if is_new && progress.phase != Phase::Comparing {
            self.phase_done();
        }
        self.seen.0 = self.seen.0.max(progress.n_seen_left);
        self.seen.1 = self.seen.1.max(progress.n_seen_right);
        self.last = progress.clone();
        self.moved_ms = now;
        if let Some((done, _)) = progress.work() {
            self.rate.take(now, done, progress.bytes_done);
        }
        self.draw(is_new);
    }

    /// Prints the line that stays for a phase that had something to do.
    fn phase_done(&mut self) {
        let line = match self.last.phase {
            // One line for both: only after comparing, everything has been counted.
            Phase::Checking | Phase::Comparing if self.seen != (0, 0) => match self.ui.sides() {
                Some(sides) => format!(
                    "Checking  {} {} · {} {}",
                    sides.left,
                    plural(self.seen.0, "entry"),
                    sides.right,
                    plural(self.seen.1, "entry")
                ),
                None => format!(
                    "Checking  {}",
                    plural(self.seen.0.saturating_add(self.seen.1), "entry")
                ),
            },
            Phase::Copying if self.last.bytes_done > 0 => {
                // What comes after copying is not counted here: the line would look unfinished.
                format!("Copying   {}", copied_bytes(&self.last))
            }
            Phase::Waiting
            | Phase::Checking
            | Phase::Comparing
            | Phase::Preparing
            | Phase::Copying
            | Phase::Finishing => return,
        };
        self.erase();
        if !self.ui.is_crowded() {
            self.ui.talk(line);
        }
    }

    fn draw(&mut self, is_new: bool) {
        if !self.ui.is_live || self.ui.is_crowded() {
            return;
        }
        let now = self.clock.elapsed_ms();
        let is_due = self
            .drawn_ms
            .is_none_or(|drawn| now.saturating_sub(drawn) >= REDRAW_MS);
        if !is_new && !is_due {
            return;
        }
        self.drawn_ms = Some(now);
        let width = width();
        let line = fit(&self.line(now, width), width);
        let mut err = io::stderr().lock();
        // A terminal that went away cannot be told anything.
        drop(write!(err, "\r\x1b[2K{line}").and_then(|()| err.flush()));
        self.is_drawn = true;
    }

    fn line(&self, now: u64, width: usize) -> String {
        let p = &self.last;
        if self.is_stopping {
            return "Stopping  finishing the file at hand".to_owned();
        }
        if now.saturating_sub(self.moved_ms) >= SILENCE_MS {
            let secs = now.saturating_sub(self.moved_ms) / 1000;
            return format!("{:<9} no progress for {secs} s", p.phase.as_str());
        }
        let mut parts = vec![match p.phase {
            Phase::Waiting => "Checking".to_owned(),
            Phase::Checking => format!(
                "Checking  {} checked",
                plural(p.n_seen_left + p.n_seen_right, "entry")
            ),
            Phase::Comparing | Phase::Preparing | Phase::Finishing => match p.n_total {
                Some(total) => {
                    let (done, total) = (number(p.n_done), number(total));
                    format!("{:<9} {done} of {total}", p.phase.as_str())
                }
                None => p.phase.as_str().to_owned(),
            },
            Phase::Copying => format!("Copying   {}", copied(p)),
        }];
        if let Some(percent) = p.percent() {
            parts.push(format!("{percent} %"));
        }
        if p.phase == Phase::Copying && self.rate.bytes_per_ms > 0.0 {
            let rate = bytes((self.rate.bytes_per_ms * 1000.0) as u64);
            parts.push(format!("{rate}/s"));
        }
        if let Some(left) = self.time_left(now) {
            parts.push(format!("{} left", time_left(left)));
        }
        let mut line = parts.join("  ");
        let room = width.saturating_sub(columns(&line) + 3);
        if let Some(current) = &p.current
            && room >= NAME_ROOM_MIN
        {
            line.push_str("  ");
            line.push_str(&middle_out(&safe(current), room));
        }
        line
    }

    fn time_left(&self, now: u64) -> Option<u64> {
        let (done, total) = self.last.work()?;
        let is_early = now.saturating_sub(self.rate.began_ms?) < ETA_AFTER_MS
            || self.last.percent()? < ETA_AFTER_PERCENT;
        if is_early || self.rate.is_unsteady() || self.rate.work_per_ms <= 0.0 {
            return None;
        }
        Some(((total - done) as f64 / self.rate.work_per_ms) as u64)
    }

    fn erase(&mut self) {
        if self.is_drawn {
            let mut err = io::stderr().lock();
            drop(write!(err, "\r\x1b[2K").and_then(|()| err.flush()));
            self.is_drawn = false;
        }
    }
}

impl Notifier for ProgressView {
    fn wants_ticks(&self) -> bool {
        self.ui.is_live
    }

    fn notify(&mut self, update: &Update, _state: &State, _now: Timestamp) {
        match update {
            Update::Began(_) => self.began(),
            Update::Moved(_, _, progress) => self.moved(progress),
            Update::Tick => self.tick(),
            Update::Stopping(_) => self.stopping(),
            Update::Ended(_) => self.ended(),
            Update::Text(..)
            | Update::Items(_)
            | Update::Handler(_)
            | Update::Queued(_)
            | Update::Event(_)
            | Update::Events(_)
            | Update::Conflicts(..) => {}
        }
    }
}

fn copied_bytes(p: &Progress) -> String {
    match p.bytes_total {
        Some(total) if p.bytes_done < total => {
            format!("{} of {}", bytes(p.bytes_done), bytes(total))
        }
        Some(_) | None => bytes(p.bytes_done),
    }
}

/// Bytes first: steps are counted when they are on disk for good, many at a time.
fn copied(p: &Progress) -> String {
    let size = copied_bytes(p);
    match p.n_total {
        Some(total) if p.n_done == 0 => format!("{size}, {}", plural(total, "step")),
        Some(total) => format!("{size}, {} of {}", number(p.n_done), plural(total, "step")),
        None => format!("{size}, {}", plural(p.n_done, "step")),
    }
}

/// A rate smoothed over about half a minute.
#[derive(Debug, Default)]
struct Rate {
    began_ms: Option<u64>,
    last: Option<(u64, u64, u64)>,
    work_per_ms: f64,
    bytes_per_ms: f64,
    /// How far single readings lie from the smoothed rate, as a share of it.
    spread: f64,
}

impl Rate {
    fn take(&mut self, now: u64, work: u64, bytes: u64) {
        self.began_ms.get_or_insert(now);
        let Some((at, last_work, last_bytes)) = self.last else {
            self.last = Some((now, work, bytes));
            return;
        };
        let elapsed = now.saturating_sub(at);
        // Shorter readings are mostly noise.
        if elapsed < REDRAW_MS {
            return;
        }
        self.last = Some((now, work, bytes));
        let elapsed = elapsed as f64;
        let work = work.saturating_sub(last_work) as f64 / elapsed;
        let bytes = bytes.saturating_sub(last_bytes) as f64 / elapsed;
        if self.work_per_ms == 0.0 {
            self.work_per_ms = work;
            self.bytes_per_ms = bytes;
            return;
        }
        let weight = 1.0 - (-elapsed / SMOOTHING_MS).exp();
        let apart = (work - self.work_per_ms).abs() / self.work_per_ms;
        self.spread += weight * (apart - self.spread);
        self.work_per_ms += weight * (work - self.work_per_ms);
        self.bytes_per_ms += weight * (bytes - self.bytes_per_ms);
    }

    fn is_unsteady(&self) -> bool {
        self.spread > 0.5
    }
}

/// Returns the columns of the terminal; 80 when they cannot be told.
fn width() -> usize {
    width_of(io::stderr())
}

/// Returns the columns of a terminal; 80 when they cannot be told.
pub(crate) fn width_of(stream: impl rustix::fd::AsFd) -> usize {
    rustix::termios::tcgetwinsize(stream)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|&columns| columns > 0)
        .unwrap_or(80)
}

/// Returns how many columns a text takes: letters of East Asian scripts and pictures take two. Too
/// many rather than too few, because a line that wraps cannot be redrawn.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if c < '\u{1100}' { 1 } else { 2 })
        .sum()
}

/// Cuts a line to the width of the terminal.
fn fit(line: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    if columns(line) <= room {
        return line.to_owned();
    }
    head(line, room.saturating_sub(3)) + "..."
}

/// Cuts a line with colours in it to a width: their codes take no room, and end with the line.
pub(crate) fn fit_painted(line: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    let (mut used, mut is_code, mut has_codes) = (0, false, false);
    let mut out = String::new();
    for c in line.chars() {
        if c == '\x1b' {
            (is_code, has_codes) = (true, true);
        } else if is_code {
            is_code = !c.is_ascii_alphabetic();
        } else {
            used += columns(c.encode_utf8(&mut [0; 4]));
            if used > room {
                break;
            }
        }
        if used <= room {
            out.push(c);
        }
    }
    if has_codes && used > room {
        out.push_str("\x1b[0m");
    }
    out
}

/// Leaves out the middle of a path: its beginning says where, its end says what.
fn middle_out(path: &str, room: usize) -> String {
    if columns(path) <= room {
        return path.to_owned();
    }
    let front = head(path, room.saturating_sub(3) / 3);
    let back: String = path.chars().rev().collect();
    let back = head(&back, room.saturating_sub(3 + columns(&front)));
    front + "..." + &back.chars().rev().collect::<String>()
}

fn head(text: &str, room: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|&c| {
            used += columns(c.encode_utf8(&mut [0; 4]));
            used <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_wraps() {
        assert_eq!(fit("abc", 60), "abc");
        assert_eq!(fit(&"x".repeat(100), 60).len(), 59);
        assert!(columns(&fit(&"\u{8a9e}".repeat(100), 60)) < 60);
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(fit_painted("\x1b[1mab\x1b[0m", 4), "\x1b[1mab\x1b[0m");
        assert_eq!(fit_painted("\x1b[1mabcd\x1b[0m", 4), "\x1b[1mabc\x1b[0m");
        assert_eq!(fit_painted("abcd", 4), "abc");
    }

    #[test]
    fn a_long_path_keeps_its_ends() {
        assert_eq!(middle_out("a/b.txt", 20), "a/b.txt");
        let short = middle_out("photos/2026/summer/evening/img-0042.jpg", 21);
        assert_eq!(short, "photos...img-0042.jpg");
    }

    #[test]
    fn a_steady_rate_is_found() {
        let mut rate = Rate::default();
        for i in 0..100 {
            rate.take(i * 500, i * 5000, i * 5000);
        }
        assert!((rate.work_per_ms - 10.0).abs() < 0.01);
        assert!(!rate.is_unsteady());
    }
}
