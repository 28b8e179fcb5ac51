//! Colours and symbols, which never carry a meaning alone.

use syncmgr_model::side::Side;

/// What a stream can show.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Style {
    /// Colours are wanted.
    pub(crate) has_color: bool,
    /// Symbols beyond ASCII can be shown.
    pub(crate) has_symbols: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.has_color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Trouble.
    #[must_use]
    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// Something to decide.
    #[must_use]
    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Fine.
    #[must_use]
    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Weighty.
    #[must_use]
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Beside the point.
    #[must_use]
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Returns an arrow towards the side on which something happens.
    #[must_use]
    pub(crate) fn arrow(self, to: Side) -> &'static str {
        match (to, self.has_symbols) {
            (Side::Left, true) => "←",
            (Side::Right, true) => "→",
            (Side::Left, false) => "<-",
            (Side::Right, false) => "->",
        }
    }

    /// Returns the sign between two folders.
    #[must_use]
    pub(crate) fn both_ways(self) -> &'static str {
        if self.has_symbols { "⇄" } else { "<->" }
    }

    /// Returns a tick or a cross.
    #[must_use]
    pub(crate) fn tick(self, is_ok: bool) -> String {
        match (is_ok, self.has_symbols) {
            (true, true) => self.green("✓"),
            (false, true) => self.red("✗"),
            (true, false) => self.green("ok"),
            (false, false) => self.red("no"),
        }
    }
}
