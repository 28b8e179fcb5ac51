//! Options as `--name value` and switches as `--name`, without a parser crate.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// What was typed after the verb; every `take` removes what it returns.
#[derive(Debug)]
pub(crate) struct Args {
    words: Vec<String>,
}

impl Args {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Removes a switch and says whether it was there.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Removes an option and returns its value.
    ///
    /// # Errors
    /// The value is missing or cannot be read.
    pub(crate) fn option<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 >= self.words.len() {
            bail!("{name} needs a value");
        }
        self.words.remove(at);
        let text = self.words.remove(at);
        let value = text
            .parse()
            .with_context(|| format!("cannot read `{text}` as the value of {name}"))?;
        Ok(Some(value))
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// Something is left.
    pub(crate) fn finish(self) -> Result<()> {
        if self.words.is_empty() {
            return Ok(());
        }
        bail!("cannot use `{}`", self.words.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn options_and_switches_are_taken_in_any_order() {
        let mut args = args("--smoke --runs 3 --only W1");
        assert_eq!(
            args.option::<String>("--only").unwrap().as_deref(),
            Some("W1")
        );
        assert_eq!(args.option::<u32>("--runs").unwrap(), Some(3));
        assert!(args.switch("--smoke"));
        args.finish().unwrap();
    }

    #[test]
    fn what_nobody_takes_is_refused() {
        assert!(args("--what").finish().is_err());
        assert!(args("--runs").option::<u32>("--runs").is_err());
        assert!(args("--runs x").option::<u32>("--runs").is_err());
    }
}
