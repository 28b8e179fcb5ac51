//! Where the check marks of the older family are kept: one small text file per handler.
//!
//! A line is `GUID on` or `GUID off`. The file is replaced as a whole, so at any moment it holds
//! the choices before or after, and a file that cannot be read is never written over.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use syncmgr_sdk::legacy::{ChoiceStore, Choices, Failure, Guid};

/// Most bytes that are read: 100,000 items need 4 MiB, and more is not the work of this program.
const FILE_LEN_MAX: u64 = 16 * 1024 * 1024;

/// Keeps choices below a folder.
#[derive(Debug, Clone)]
pub struct ChoiceFiles {
    folder: PathBuf,
}

impl ChoiceFiles {
    /// Keeps them in this folder, which is made when there is something to keep.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Forgets those of a handler that is not there any more.
    ///
    /// # Errors
    /// Their file cannot be removed.
    pub fn forget(&self, handler: Guid) -> std::io::Result<()> {
        match fs::remove_file(self.file(handler)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn file(&self, handler: Guid) -> PathBuf {
        self.folder.join(format!("{handler}.choices"))
    }
}

impl ChoiceStore for ChoiceFiles {
    fn load(&self, handler: Guid) -> Result<Choices, Failure> {
        let path = self.file(handler);
        match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Choices::default()),
            Err(error) => return Err(failed("read", &path, &error.to_string())),
            Ok(meta) if meta.len() > FILE_LEN_MAX => return Err(failed("read", &path, "too long")),
            Ok(_) => {}
        }
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| failed("read", &path, &error.to_string()))?;
        parse(&text).map_err(|line| failed("read", &path, &format!("line {line} is no choice")))
    }

    fn save(&self, handler: Guid, choices: &Choices) -> Result<(), Failure> {
        let path = self.file(handler);
        replace(&self.folder, &path, text(choices).as_bytes())
            .map_err(|error| failed("write", &path, &error.to_string()))
    }
}

/// Writes a new file beside the old one and puts it in its place once it is on disk.
fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // So that the new name is there after a power cut too. Systems that cannot open a folder have
    // other ways to make sure of that.
    drop(File::open(folder).and_then(|folder| folder.sync_all()));
    Ok(())
}

fn text(choices: &Choices) -> String {
    let line = |(id, is_checked): (&Guid, &bool)| {
        let word = if *is_checked { "on" } else { "off" };
        format!("{id} {word}\n")
    };
    choices.0.iter().map(line).collect()
}

/// Reads what [`text`] wrote; otherwise says which line, from 1, is none of it.
fn parse(text: &str) -> Result<Choices, usize> {
    let mut choices = Choices::default();
    for (at, line) in text.lines().enumerate() {
        let choice = line.split_once(' ').and_then(|(id, word)| {
            let id: Guid = id.parse().ok()?;
            match word {
                "on" => Some((id, true)),
                "off" => Some((id, false)),
                _ => None,
            }
        });
        let (id, is_checked) = choice.ok_or(at + 1)?;
        choices.choose(id, is_checked);
    }
    Ok(choices)
}

fn failed(verb: &str, path: &Path, detail: &str) -> Failure {
    let text = format!(
        "cannot {verb} choices in `{}`: {detail}",
        path.display().to_string().escape_debug()
    );
    Failure::new(Failure::FAILED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid(number: u8) -> Guid {
        Guid([number; 16])
    }

    /// spec 172: what a person chose is there again after a restart, per handler.
    #[test]
    fn choices_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("legacy");
        let mut choices = Choices::default();
        choices.choose(guid(1), true);
        choices.choose(guid(2), false);
        ChoiceFiles::new(folder.clone())
            .save(guid(9), &choices)
            .unwrap();
        let again = ChoiceFiles::new(folder);
        assert_eq!(again.load(guid(9)), Ok(choices));
        assert_eq!(again.load(guid(8)), Ok(Choices::default()));
        again.save(guid(9), &Choices::default()).unwrap();
        assert_eq!(again.load(guid(9)), Ok(Choices::default()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = ChoiceFiles::new(dir.path().to_owned());
        for text in ["x", "on", &format!("{} maybe\n", guid(1)), "\n"] {
            fs::write(files.file(guid(9)), text).unwrap();
            let error = files.load(guid(9)).unwrap_err();
            assert!(error.text.contains("line 1 is no choice"), "{error}");
        }
        fs::write(files.file(guid(9)), [0xff, 0xfe]).unwrap();
        assert!(files.load(guid(9)).is_err());
        fs::remove_file(files.file(guid(9))).unwrap();
        fs::create_dir(files.file(guid(9))).unwrap();
        assert!(files.load(guid(9)).is_err());
        assert!(files.save(guid(9), &Choices::default()).is_err());
    }
}
